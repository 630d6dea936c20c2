//! Cross-origin rules of the public paths.
//!
//! Everybody may read answers, errors included, so that a page can say why it was refused; no
//! cookies are involved and no credentials mode is offered. Who may *open* a session is decided by
//! the origin rule and not here. Access to private networks is never granted.

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::limits::PREFLIGHT_MAX_AGE_S;

/// Request headers that scripts may send. Written out, because `*` does not cover `Authorization`.
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Content-Disposition, If-None-Match, Range, X-ShapeDiver-Origin, \
     X-ShapeDiver-SessionEngineId, X-ShapeDiver-BuildVersion, X-ShapeDiver-BuildDate, \
     X-ShapeDiver-UserAgent, X-ShapeDiver-NoConvert, X-ShapeDiver-UseConfigVersion, \
     X-Vitrine-Embed, X-Vitrine-Session",
);

const ALLOWED_METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// Response headers that scripts may read.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Content-Disposition, Content-Length, Content-Range, Accept-Ranges, ETag, Retry-After, \
     X-Request-Id",
);

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// Whether a path is open to scripts of every origin.
#[must_use]
pub fn is_public(path: &str) -> bool {
    let path = format!("/{}", path.trim_start_matches('/'));
    path == "/.well-known/jwks.json"
        || ["/api/v2", "/viewer"].iter().any(|root| {
            path.strip_prefix(root)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
}

/// Answers preflights of public paths and marks every other answer of theirs as readable.
pub async fn cors(request: Request, next: Next) -> Response {
    if !is_public(request.uri().path()) {
        return next.run(request).await;
    }
    let mut response = if is_preflight(&request) {
        preflight()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    headers.insert(
        CROSS_ORIGIN_RESOURCE_POLICY,
        HeaderValue::from_static("cross-origin"),
    );
    response
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(ORIGIN)
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
        (
            ACCESS_CONTROL_MAX_AGE,
            HeaderValue::from(PREFLIGHT_MAX_AGE_S),
        ),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_paths_are_public() {
        for path in [
            "/api/v2",
            "/api/v2/x",
            "//api/v2/x",
            "/viewer/v.js",
            "/.well-known/jwks.json",
        ] {
            assert!(is_public(path), "{path}");
        }
        for path in [
            "/",
            "/api/v1/x",
            "/api/v2x",
            "/viewerx",
            "/embed/lamp",
            "/metrics",
            "/.well-known/x",
        ] {
            assert!(!is_public(path), "{path}");
        }
    }
}
