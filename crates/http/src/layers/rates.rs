//! How often one address may ask, and how often in vain.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::response::{IntoResponse as _, Response};

use super::LayerConfig;
use crate::authorize;
use crate::error::ApiError;
use crate::extract::Peer;

/// Places that machines look at to know whether the server lives: always answered, unless they bring a
/// token.
const UNCOUNTED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Refuses what comes too often; gives the address whose failures are counted.
pub(super) fn admit(config: &LayerConfig, request: &Request) -> Result<Option<IpAddr>, ApiError> {
    let path = request.uri().path();
    // Whoever shows a token there is somebody else, and may be guessing. A proxy's questions are limited
    // by credential, not by address.
    let asks_for_more = request.headers().contains_key(AUTHORIZATION);
    let counted = (asks_for_more || !UNCOUNTED.contains(&path)) && !authorize::is_question(path);
    let (Some(services), Some(peer), true) =
        (&config.limiter, Peer::of(request.extensions()), counted)
    else {
        return Ok(None);
    };
    services.limit_address(peer.address)?;
    Ok(Some(peer.address))
}

/// Counts a credential that was not valid.
pub(super) fn note(config: &LayerConfig, address: IpAddr, response: &mut Response) {
    let failed = response
        .extensions()
        .get::<ApiError>()
        .is_some_and(|error| error.kind().is_failed_credential());
    if failed
        && let Some(services) = &config.limiter
        && let Err(error) = services.note_failure(address)
    {
        *response = ApiError::from(error).into_response();
    }
}
