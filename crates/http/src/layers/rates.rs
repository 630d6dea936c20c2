//! How often one address may ask, and how often in vain.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::LayerConfig;
use crate::error::ApiError;
use crate::extract::Peer;

/// Places that machines look at to know whether the server lives: always answered. `/authorize` is
/// asked by a proxy for each of its own requests and is limited by credential, not by address.
const UNCOUNTED: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/authorize"];
/// Some proxies append the path of the original request.
const UNCOUNTED_BELOW: &str = "/authorize/";

/// Refuses what comes too often, and counts credentials that were not valid.
pub(super) async fn limit(
    State(config): State<LayerConfig>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let counted = !UNCOUNTED.contains(&path) && !path.starts_with(UNCOUNTED_BELOW);
    let (Some(services), Some(peer), true) =
        (&config.limiter, Peer::of(request.extensions()), counted)
    else {
        return next.run(request).await;
    };
    if let Err(error) = services.limit_address(peer.address) {
        return ApiError::from(error).into_response();
    }
    let response = next.run(request).await;
    let failed = response
        .extensions()
        .get::<ApiError>()
        .is_some_and(|error| error.kind().is_failed_credential());
    if failed {
        services.note_failure(peer.address);
    }
    response
}
