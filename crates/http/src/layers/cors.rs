//! Cross-origin rules.
//!
//! The platform (`/api/v1`, `/oauth`) answers exactly the origins that the operator named, with credentials;
//! to all others it says nothing, and their browsers keep the answer from them. What takes no credential
//! there, the iframe's data, is open to all.
//!
//! The public paths are another matter. Everybody may read answers, errors included, so that a page can say why it was refused; no
//! cookies are involved and no credentials mode is offered. Who may *open* a session is decided by
//! the origin rule and not here. Access to private networks is never granted.

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use vitrine_access::origin::{AllowedDomains, Origin};

use crate::limits::PREFLIGHT_MAX_AGE_S;

/// Request headers that scripts may send. Written out, because `*` does not cover `Authorization`.
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Content-Disposition, If-None-Match, Range, X-ShapeDiver-Origin, \
     X-ShapeDiver-SessionEngineId, X-ShapeDiver-BuildVersion, X-ShapeDiver-BuildDate, \
     X-ShapeDiver-UserAgent, X-ShapeDiver-NoConvert, X-ShapeDiver-UseConfigVersion, \
     X-Vitrine-Embed, X-Vitrine-Session",
);

/// The same for the platform.
const PLATFORM_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, X-ShapeDiver-Client, X-ShapeDiver-Origin, X-Webhook-Signature",
);

/// What takes no credential: the data of iframes, for pages of every origin.
const OPEN_TO_ALL: &str = "/api/v1/models/iframe/";

const ALLOWED_METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// Response headers that scripts may read.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Content-Disposition, Content-Length, Content-Range, Accept-Ranges, ETag, Retry-After, \
     RateLimit, RateLimit-Policy, X-Request-Id",
);

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// Whether a path is open to scripts of every origin.
#[must_use]
pub fn is_public(path: &str) -> bool {
    let path = path.trim_start_matches('/');
    path == ".well-known/jwks.json" || is_below(path, ["api/v2", "viewer"])
}

fn is_below(path: &str, roots: [&str; 2]) -> bool {
    roots.iter().any(|root| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Whether a path belongs to the platform.
fn is_platform(path: &str) -> bool {
    is_below(path.trim_start_matches('/'), ["api/v1", "oauth"])
}

/// The page's origin, when its scripts may use the platform.
fn welcome(origins: &AllowedDomains, request: &Request) -> Option<HeaderValue> {
    let headers: Vec<&[u8]> = request
        .headers()
        .get_all(ORIGIN)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    let origin = Origin::from_header_values(&headers).ok()??;
    let named = origins.allows(&origin);
    // One name and no more: what stands below a model that is called iframe is no such address.
    let slug = request.uri().path().strip_prefix(OPEN_TO_ALL);
    let open = slug.is_some_and(|slug| !slug.contains('/'));
    (named || open).then(|| request.headers().get(ORIGIN).cloned())?
}

/// Whose scripts may read an answer.
pub(super) enum Readers {
    /// Everybody's.
    All,
    /// Those of the platform's page, where there is one that may.
    Platform(Option<HeaderValue>),
    /// Those of our own origin.
    Own,
}

impl Readers {
    /// Who they are for this request.
    pub(super) fn of(origins: &AllowedDomains, request: &Request) -> Self {
        let path = request.uri().path();
        if is_public(path) {
            Self::All
        } else if is_platform(path) {
            Self::Platform(welcome(origins, request))
        } else {
            Self::Own
        }
    }

    /// The answer to a browser that asks beforehand.
    pub(super) fn preflight(&self, request: &Request) -> Option<Response> {
        let allowed = match self {
            Self::All => ALLOWED_HEADERS,
            Self::Platform(Some(_)) => PLATFORM_HEADERS,
            Self::Platform(None) | Self::Own => return None,
        };
        is_preflight(request).then(|| preflight(allowed))
    }

    /// Marks an answer, errors included.
    pub(super) fn mark(self, headers: &mut HeaderMap) {
        match self {
            Self::All => {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
                headers.insert(
                    CROSS_ORIGIN_RESOURCE_POLICY,
                    HeaderValue::from_static("cross-origin"),
                );
            }
            Self::Platform(origin) => {
                headers.append(VARY, HeaderValue::from_static("Origin"));
                if let Some(origin) = origin {
                    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                    headers.insert(
                        ACCESS_CONTROL_ALLOW_CREDENTIALS,
                        HeaderValue::from_static("true"),
                    );
                    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
                }
            }
            Self::Own => {}
        }
    }
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(ORIGIN)
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight(allowed: HeaderValue) -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, allowed),
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
