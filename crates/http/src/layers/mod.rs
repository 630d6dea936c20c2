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
//!
//! All of it is one service, [`Front`], with one future in one box: a stack of separate middlewares would
//! allocate, box and move the request once for each. The questions of proxies take a shorter way,
//! [`question`].

mod bounds;
pub mod cors;
mod durations;
pub mod headers;
pub mod observe;
pub mod path;
mod question;
mod rates;

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tower::util::MapRequestLayer;
use tower::{Layer, Service};
use vitrine_access::forwarded::TrustedProxies;
use vitrine_access::origin::AllowedDomains;
use vitrine_access::random::Entropy;
use vitrine_service::Services;

use crate::authorize;
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
pub fn wrap(router: Router, config: LayerConfig) -> Front {
    let router = router.layer(MapRequestLayer::new(observe::note_route));
    Front {
        config: Arc::new(config),
        router: DefaultBodyLimit::max(JSON_BODY_BYTES_MAX).layer(router),
    }
}

type Bounded = <DefaultBodyLimit as Layer<Router>>::Service;

/// Everything that the server answers, as one service.
#[derive(Clone)]
pub struct Front {
    config: Arc<LayerConfig>,
    router: Bounded,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").finish_non_exhaustive()
    }
}

impl From<Front> for Router {
    fn from(front: Front) -> Self {
        Self::new().fallback_service(front)
    }
}

impl Service<Request> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Neither a router nor anything around it here makes requests wait in line.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.uri().path() == authorize::PATH
            && let Some(services) = self.config.limiter.clone()
        {
            let config = Arc::clone(&self.config);
            return Box::pin(async move { Ok(question::answer(config, services, request).await) });
        }
        let front = self.clone();
        Box::pin(async move { Ok(observe::observe(front, request).await) })
    }
}

impl Front {
    /// Steps 2 to 4.
    async fn answer(self, mut request: Request) -> Response {
        let (extensions, headers) = (request.extensions(), request.headers());
        if let Some(peer) = Peer::read(extensions, headers, &self.config.proxies) {
            request.extensions_mut().insert(peer);
        }
        let guarded = headers::is_guarded(request.uri().path());
        let readers = cors::Readers::of(&self.config.platform_origins, &request);
        let mut response = match readers.preflight(&request) {
            Some(answer) => answer,
            None => self.admit(request).await,
        };
        let headers = response.headers_mut();
        readers.mark(headers);
        headers::harden(headers, guarded);
        response
    }

    /// Steps 5 to 8.
    async fn admit(self, request: Request) -> Response {
        let counted = match rates::admit(&self.config, &request) {
            Ok(counted) => counted,
            Err(error) => return error.into_response(),
        };
        let config = Arc::clone(&self.config);
        let answer = match bounds::check(&config, &request) {
            Ok(timeout) => bounds::in_time(timeout, self.route(request)),
            Err(error) => return error.into_response(),
        };
        let mut response = match AssertUnwindSafe(answer).catch_unwind().await {
            Ok(response) => response,
            Err(panic) => panicked(panic),
        };
        if let Some(address) = counted {
            rates::note(&config, address, &mut response);
        }
        response
    }

    /// In a box: everything around would else move what a handler needs, several times over.
    fn route(mut self, request: Request) -> BoxFuture<'static, Response> {
        let request = path::collapse_leading_slashes(request);
        let answer = self.router.call(request);
        Box::pin(async move {
            match answer.await {
                Ok(response) => response.map(Body::new),
                Err(never) => match never {},
            }
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what catching a panic gives")]
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
