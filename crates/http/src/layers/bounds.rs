//! Bounds in size and time for every request.

use std::time::Duration;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, HOST};
use axum::response::{IntoResponse, Response};

use super::LayerConfig;
use crate::error::{ApiError, ErrorKind};
use crate::extract::too_large;
use crate::limits::UPLOAD_TIMEOUT;

/// Where model files and drawings are sent to.
const UPLOADS: [&str; 2] = ["/api/v2/upload/", "/editor/drawing"];

/// Refuses a body whose announced length is over the bound and a request that names two hosts
/// (RFC 9112, section 3.2); gives the time within which the answer has to begin.
pub(super) fn check(config: &LayerConfig, request: &Request) -> Result<Duration, ApiError> {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > config.body_bytes_max) {
        return Err(too_large(config.body_bytes_max));
    }
    one_host(request.headers())?;
    // Files come over slow lines too; their links and sessions bound the time by themselves.
    let path = request.uri().path();
    Ok(if UPLOADS.iter().any(|place| path.starts_with(place)) {
        UPLOAD_TIMEOUT
    } else {
        config.request_timeout
    })
}

/// Refuses a request that names two hosts.
pub(super) fn one_host(headers: &HeaderMap) -> Result<(), ApiError> {
    if headers.get_all(HOST).iter().nth(1).is_some() {
        return Err(ApiError::new(
            ErrorKind::RequestInvalid,
            "The request has more than one Host header. Send one.",
        ));
    }
    Ok(())
}

/// Gives up on an answer that does not begin in time.
pub(super) async fn in_time(timeout: Duration, answer: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(timeout, answer).await {
        Ok(response) => response,
        Err(_) => ApiError::new(
            ErrorKind::Timeout,
            format!(
                "The request was not answered within {} seconds. Try again.",
                timeout.as_secs()
            ),
        )
        .into_response(),
    }
}
