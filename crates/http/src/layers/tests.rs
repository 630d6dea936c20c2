//! The whole stack around a small router.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{get, put};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use vitrine_access::random::Entropy;

use super::*;
use crate::extract::Json;

/// Counts, so that ids differ and repeat from run to run.
struct Counter(AtomicU8);

impl Entropy for Counter {
    fn fill(&self, out: &mut [u8]) {
        out.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

fn app() -> Front {
    let router = Router::new()
        .route("/api/v2/model/{modelId}", get(|| async { "model" }))
        .route(
            "/api/v2/echo",
            put(|Json(value): Json<Value>| async { axum::Json(value) }),
        )
        .route("/api/v2/panic", get(panics))
        .route("/api/v2/never", get(std::future::pending::<()>))
        .route("/console", get(|| async { "console" }));
    let mut config = LayerConfig::new(Arc::new(Counter(AtomicU8::new(1))));
    config.request_timeout = Duration::from_millis(20);
    wrap(with_api_fallbacks(router), config)
}

async fn panics() {
    panic!("a secret")
}

async fn send(request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let response = app().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (
        parts.status,
        parts.headers,
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

fn request(method: &str, uri: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(uri)
        .body(Body::empty())
        .unwrap()
}

fn error_of(body: &str) -> String {
    let json: Value = serde_json::from_str(body).unwrap();
    for member in ["error", "desc", "message", "code", "requestId", "doc"] {
        assert!(json[member].is_string(), "{member} in {body}");
    }
    json["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_answer_names_its_request_in_header_and_error_body() {
    let (status, headers, body) = send(request("GET", "/api/v2/nothing")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(error_of(&body), "SdNotFoundError");
    let json: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(json["requestId"].as_str().unwrap(), headers["x-request-id"]);
    let (_, headers, _) = send(request("GET", "/console")).await;
    assert!(headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn an_unknown_method_is_405_in_the_apis_form_and_lists_the_known_ones() {
    let (status, headers, body) = send(request("PATCH", "/api/v2/echo")).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(error_of(&body), "SdMethodNotAllowedError");
    assert_eq!(headers["allow"], "PUT");
}

#[tokio::test]
async fn a_head_error_has_no_body() {
    let (status, _, body) = send(request("HEAD", "/api/v2/nothing")).await;
    assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, ""));
}

#[tokio::test]
async fn double_slashes_in_front_are_tolerated() {
    let (status, headers, body) = send(request("GET", "//api/v2/model/m")).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "model"));
    assert_eq!(headers["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn a_panic_becomes_an_error_body_without_its_text() {
    let (status, headers, body) = send(request("GET", "/api/v2/panic")).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(error_of(&body), "SdErrorGenericInternal");
    assert!(!body.contains("secret"));
    assert_eq!(headers["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn a_request_that_is_not_answered_in_time_is_given_up() {
    let (status, _, body) = send(request("GET", "/api/v2/never")).await;
    assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(error_of(&body), "SdRequestTimeout");
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_unread() {
    let mut too_long = request("PUT", "/api/v2/echo");
    let length = crate::limits::BODY_BYTES_MAX + 1;
    too_long
        .headers_mut()
        .insert("content-length", length.into());
    let (status, _, body) = send(too_long).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(error_of(&body), "SdRequestValidationError");
}

#[tokio::test]
async fn preflights_are_answered_for_every_public_path() {
    for path in [
        "/api/v2/model/m",
        "/api/v2/nothing",
        "/viewer/vitrine-viewer.js",
    ] {
        let mut preflight = request("OPTIONS", path);
        let headers = preflight.headers_mut();
        headers.insert("origin", "https://shop.example".parse().unwrap());
        headers.insert("access-control-request-method", "PUT".parse().unwrap());
        let (status, headers, body) = send(preflight).await;
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::NO_CONTENT, ""),
            "{path}"
        );
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert_eq!(headers["access-control-max-age"], "7200");
        let allowed = headers["access-control-allow-headers"]
            .to_str()
            .unwrap()
            .to_lowercase();
        for name in [
            "authorization",
            "content-type",
            "content-disposition",
            "range",
            "x-shapediver-origin",
            "x-shapediver-sessionengineid",
            "x-shapediver-buildversion",
            "x-shapediver-builddate",
            "x-shapediver-useragent",
        ] {
            assert!(allowed.split(", ").any(|known| known == name), "{name}");
        }
        assert!(!headers.contains_key("access-control-allow-credentials"));
        assert!(!headers.contains_key("access-control-allow-private-network"));
    }
}

#[tokio::test]
async fn other_paths_are_closed_to_foreign_scripts() {
    let (_, headers, _) = send(request("GET", "/console")).await;
    assert!(!headers.contains_key("access-control-allow-origin"));
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["referrer-policy"], "no-referrer");
}

#[tokio::test]
async fn an_empty_body_with_any_content_type_is_accepted() {
    for content_type in ["application/json", "application/x-www-form-urlencoded"] {
        let mut empty = request("PUT", "/api/v2/echo");
        empty
            .headers_mut()
            .insert("content-type", content_type.parse().unwrap());
        let (status, _, body) = send(empty).await;
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::OK, "{}"),
            "{content_type}"
        );
    }
}
