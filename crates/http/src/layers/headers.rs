//! Headers that every answer carries.

use axum::http::header::{CACHE_CONTROL, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue};

/// What the paths of guarded answers contain.
const API: &str = "/api/v2/";

/// Whether a right guards what this path answers.
pub(super) fn is_guarded(path: &str) -> bool {
    path.contains(API)
}

/// Forbids guessing of media types, and keeps addresses (which may hold credentials) from other
/// sites. A handler that sets its own referrer policy keeps it. What a right guards is kept by no cache
/// unless its handler says for how long.
pub(super) fn harden(headers: &mut HeaderMap, guarded: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(REFERRER_POLICY)
        .or_insert(HeaderValue::from_static("no-referrer"));
    if guarded {
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("private, no-store"));
    }
}
