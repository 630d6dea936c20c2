//! Headers that every answer carries.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::Next;
use axum::response::Response;

/// What the paths of guarded answers contain.
const API: &str = "/api/v2/";

/// Forbids guessing of media types, and keeps addresses (which may hold credentials) from other
/// sites. A handler that sets its own referrer policy keeps it. What a right guards is kept by no cache
/// unless its handler says for how long.
pub async fn harden(request: Request, next: Next) -> Response {
    let guarded = request.uri().path().contains(API);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(REFERRER_POLICY)
        .or_insert(HeaderValue::from_static("no-referrer"));
    if guarded {
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("private, no-store"));
    }
    response
}
