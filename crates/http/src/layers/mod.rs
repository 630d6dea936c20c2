//! What surrounds every handler, outermost first:
//!
//! 1. [`observe`]: request id, span, access log, metrics; puts the id into error bodies and logs
//!    their causes;
//! 2. the client's address is found out ([`Peer`]);
//! 3. [`headers`]: `nosniff` and `Referrer-Policy`, for whatever answers;
//! 4. [`cors`]: the public paths answer every origin, the platform those that were named, preflights and
//!    errors included;
//! 5. addresses that ask too often are refused;
//! 6. panics become error bodies;
//! 7. the announced body size is checked and the time until the answer begins is bounded;
//! 8. [`path`]: leading double slashes are collapsed before routing.

mod bounds;
pub mod cors;
pub mod headers;
pub mod observe;
pub mod path;
mod rates;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower::util::MapRequestLayer;
use tower::{Layer, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use vitrine_access::forwarded::TrustedProxies;
use vitrine_access::origin::AllowedDomains;
use vitrine_access::random::Entropy;
use vitrine_service::Services;

use crate::error::{ApiError, ErrorKind};
use crate::extract::Peer;
use crate::limits::{BODY_BYTES_MAX, JSON_BODY_BYTES_MAX, REQUEST_TIMEOUT};

/// What the layers need.
#[derive(Clone)]
pub struct LayerConfig {
    /// Source of request ids.
    pub entropy: Arc<dyn Entropy>,
    /// Proxies whose word about the client counts.
    pub proxies: Arc<TrustedProxies>,
    /// Pages of other origins whose scripts may use the platform.
    pub platform_origins: Arc<AllowedDomains>,
    /// Counts requests and failed credentials per address; nothing is counted without it.
    pub limiter: Option<Services>,
    /// How long a request may take until its answer begins.
    pub request_timeout: Duration,
    /// Largest body of any request, bytes.
    pub body_bytes_max: u64,
}

impl LayerConfig {
    /// The documented bounds.
    #[must_use]
    pub fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self {
            entropy,
            proxies: Arc::default(),
            platform_origins: Arc::default(),
            limiter: None,
            request_timeout: REQUEST_TIMEOUT,
            body_bytes_max: BODY_BYTES_MAX,
        }
    }
}

/// Answers unknown routes and methods of `router` with error bodies of the API. Call it after all
/// routes were added.
pub fn with_api_fallbacks<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .fallback(|| async { ApiError::route_unknown() })
        .method_not_allowed_fallback(|| async {
            ApiError::new(
                ErrorKind::MethodNotAllowed,
                "This address does not know the method. The Allow header lists those it knows.",
            )
        })
}

/// Puts all layers around a finished router.
pub fn wrap(router: Router, config: LayerConfig) -> Router {
    let inner = router
        .layer(DefaultBodyLimit::max(JSON_BODY_BYTES_MAX))
        .layer(from_fn(observe::note_route));
    // Rewriting a path has no effect inside a router, so the router becomes the only service of an
    // outer one.
    let rewritten = MapRequestLayer::new(path::collapse_leading_slashes).layer(inner);
    let origins = Arc::clone(&config.platform_origins);
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(config.clone(), observe::observe))
        .layer(from_fn_with_state(config.clone(), note_peer))
        .layer(from_fn(headers::harden))
        .layer(from_fn_with_state(origins, cors::cors))
        .layer(from_fn_with_state(config.clone(), rates::limit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(config, bounds::bound));
    Router::new().fallback_service(rewritten).layer(layers)
}

/// Leaves a [`Peer`] in the request.
async fn note_peer(
    State(config): State<LayerConfig>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = Peer::read(request.extensions(), request.headers(), &config.proxies);
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer);
    }
    next.run(request).await
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that the layer asks for"
)]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is no text".to_owned());
    ApiError::internal(format_args!("a handler panicked: {text}")).into_response()
}

#[cfg(test)]
mod tests;
