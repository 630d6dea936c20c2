//! `/healthz` says that requests are served; `/readyz` says whether what they need is there.

use std::future::Future;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::local::LocalOrToken;

/// One thing that the server needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Name of the thing: `database`, `objects`, `workers`, `web`.
    pub name: &'static str,
    /// What is wrong, for the operator; absent when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What the operator may want to know even though nothing is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
    /// What the thing is made of, where that matters: the layers that hold the workers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

impl Check {
    /// Nothing is wrong.
    #[must_use]
    pub const fn passed(name: &'static str) -> Self {
        Self {
            name,
            problem: None,
            note: None,
            details: Vec::new(),
        }
    }

    /// With a note.
    #[must_use]
    pub const fn noting(mut self, note: &'static str) -> Self {
        self.note = Some(note);
        self
    }

    /// Something is wrong.
    #[must_use]
    pub fn failed(name: &'static str, problem: impl Into<String>) -> Self {
        Self {
            name,
            problem: Some(problem.into()),
            note: None,
            details: Vec::new(),
        }
    }

    /// The same result with details.
    #[must_use]
    pub fn with_details(self, details: Vec<String>) -> Self {
        Self { details, ..self }
    }
}

/// Knows what the server needs and looks whether it is there. Each look must be bounded in time.
pub trait Readiness: Send + Sync + 'static {
    /// The result of every check.
    fn checks(&self) -> impl Future<Output = Vec<Check>> + Send;
}

#[derive(Serialize)]
struct Report {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<Check>>,
}

/// Answers 200 as soon as requests are served.
pub async fn healthz() -> Response {
    uncached((StatusCode::OK, Json(serde_json::json!({"ok": true}))))
}

/// Answers 200 when every check passes and otherwise 503. Which check failed and why is told only to
/// the machine itself and to who has the operator's token.
pub async fn readyz<R: Readiness>(
    State(readiness): State<Arc<R>>,
    details: Option<LocalOrToken>,
) -> Response {
    let checks = readiness.checks().await;
    let ready = checks.iter().all(|check| check.problem.is_none());
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let checks = details.is_some().then_some(checks);
    uncached((status, Json(Report { ready, checks })))
}

fn uncached(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::Router;
    use axum::body::Body;
    use axum::extract::ConnectInfo;
    use axum::http::Request;
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    struct Fixed(Vec<Check>);

    impl Readiness for Fixed {
        async fn checks(&self) -> Vec<Check> {
            self.0.clone()
        }
    }

    async fn ask(checks: Vec<Check>, peer: &str) -> (u16, String) {
        let app = Router::new()
            .route("/readyz", get(readyz::<Fixed>))
            .with_state(Arc::new(Fixed(checks)));
        let mut request = Request::get("/readyz")
            .header("host", "localhost:8080")
            .body(Body::empty())
            .unwrap();
        request
            .extensions_mut()
            .insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        let response = app.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_server_is_ready_when_every_check_passes() {
        let (status, body) = ask(vec![Check::passed("database")], "127.0.0.1:9").await;
        assert_eq!(
            (status, body.as_str()),
            (200, r#"{"ready":true,"checks":[{"name":"database"}]}"#)
        );
        let broken = vec![
            Check::passed("database"),
            Check::failed("workers", "none idle"),
        ];
        assert_eq!(ask(broken, "127.0.0.1:9").await.0, 503);
    }

    #[tokio::test]
    async fn details_are_shown_beside_the_result() {
        let check = Check::passed("workers").with_details(vec!["system_calls".to_owned()]);
        let (_, body) = ask(vec![check], "127.0.0.1:9").await;
        assert_eq!(
            body,
            r#"{"ready":true,"checks":[{"name":"workers","details":["system_calls"]}]}"#
        );
    }

    #[tokio::test]
    async fn strangers_learn_no_details() {
        let broken = vec![Check::failed("database", "10.0.0.7 refused")];
        let (status, body) = ask(broken, "203.0.113.9:9").await;
        assert_eq!((status, body.as_str()), (503, r#"{"ready":false}"#));
    }
}
