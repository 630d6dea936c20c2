//! Request ids, the access log, request metrics, and the last touch on error bodies.
//!
//! Logs and metrics hold the route's template and never the path: paths carry session ids, tickets
//! and links.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use tracing::field::Empty;
use tracing::{Instrument, Span};
use vitrine_access::ids::RequestId;

use super::{Front, LayerConfig, durations};
use crate::authorize;
use crate::error::ApiError;

/// The header that names a request in its answer.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Spans of this target are for the operator's collector of traces alone; the log does not show them.
const TRACED: &str = "vitrine::trace";

/// What stands for the route when none was found.
const NO_ROUTE: &str = "-";

/// The template of the route that answers, once it is found: a place in the request that [`observe`]
/// looks at afterwards.
#[derive(Debug, Clone, Default)]
struct Route(Arc<OnceLock<MatchedPath>>);

impl Route {
    fn as_str(&self) -> &str {
        self.0.get().map_or(NO_ROUTE, MatchedPath::as_str)
    }
}

/// Innermost: remembers the route's template.
pub fn note_route<B>(request: axum::http::Request<B>) -> axum::http::Request<B> {
    let extensions = request.extensions();
    if let (Some(Route(place)), Some(path)) = (extensions.get(), extensions.get::<MatchedPath>()) {
        // A request is routed once.
        let _ = place.set(path.clone());
    }
    request
}

/// One request, from its arrival to the line about it.
pub(super) struct Seen {
    started: Instant,
    pub(super) id: RequestId,
    method: &'static str,
    is_head: bool,
    is_question: bool,
    traced: Span,
}

impl Seen {
    /// What has just arrived. A question is one of a proxy's.
    pub(super) fn new(config: &LayerConfig, method: &Method, is_question: bool) -> Self {
        let started = Instant::now();
        let id = RequestId::new(&*config.entropy);
        let word = method_word(method);
        Self {
            started,
            id,
            method: word,
            is_head: *method == Method::HEAD,
            is_question,
            traced: traced(id, word),
        }
    }

    /// The span around all that is done for it. A proxy asks for each of its own requests and has an access log of its
    /// own: by default neither span nor line is made for what it may pass on.
    pub(super) fn span(&self) -> Span {
        let (id, method) = (self.id, self.method);
        self.traced.in_scope(|| {
            if self.is_question {
                tracing::debug_span!("request", request = %id, method)
            } else {
                tracing::info_span!("request", request = %id, method)
            }
        })
    }

    /// The span of a trace, around the other one.
    pub(super) fn around(&self) -> Span {
        self.traced.clone()
    }

    /// Puts the request id into the answer, and writes one line and one metric about it.
    pub(super) fn finish(&self, response: Response, route: &str) -> Response {
        let response = finish(response, self.id, self.is_head);
        let status = response.status();
        let duration = self.started.elapsed();
        let duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if !self.is_question {
            tracing::info!(route, status = status.as_u16(), duration_us, "answered");
        } else if status.is_success() {
            tracing::debug!(route, status = status.as_u16(), duration_us, "answered");
        } else {
            let id = self.id;
            tracing::info!(request = %id, route, status = status.as_u16(), duration_us, "answered");
        }
        durations::record(route, self.method, status.as_u16(), duration);
        if !self.traced.is_disabled() {
            self.traced.record("http.route", route);
            // OpenTelemetry's whole numbers have a sign; others would arrive as text.
            let answered_us = i64::try_from(duration_us).unwrap_or(i64::MAX);
            let code = i64::from(status.as_u16());
            self.traced.record("http.response.status_code", code);
            self.traced.record("vitrine.answered_us", answered_us);
            if status.is_server_error() {
                self.traced.record("otel.status_code", "ERROR");
            }
        }
        response
    }
}

/// Outermost: gives the request its id (as an extension of type [`RequestId`], in the span,
/// in the answer's header and in error bodies), and writes one line and one metric about it.
pub(super) async fn observe(front: Front, mut request: Request) -> Response {
    let is_question = authorize::is_question(request.uri().path());
    let seen = Seen::new(&front.config, request.method(), is_question);
    let route = Route::default();
    let extensions = request.extensions_mut();
    extensions.insert(seen.id);
    extensions.insert(route.clone());
    let (span, around) = (seen.span(), seen.around());
    async {
        let response = front.answer(request).await;
        seen.finish(response, route.as_str())
    }
    .instrument(span)
    .instrument(around)
    .await
}

/// The request in a trace: its id, its method and the route's template; never a path, an address or a
/// credential. It lasts as long as what the request has begun, so that the time to its answer is told apart.
fn traced(id: RequestId, method: &'static str) -> Span {
    tracing::trace_span!(
        target: TRACED,
        "request",
        otel.kind = "server",
        // The route is not known yet, and a name cannot be changed once something has begun in the span.
        otel.name = method,
        otel.status_code = Empty,
        http.request.method = method,
        http.route = Empty,
        http.response.status_code = Empty,
        vitrine.request = %id,
        vitrine.answered_us = Empty,
    )
}

/// Puts the request id into the answer, and logs the cause of an error once. The answer to HEAD has
/// no body, errors included.
fn finish(response: Response, id: RequestId, is_head: bool) -> Response {
    let mut response = match response.extensions().get::<ApiError>() {
        Some(error) => {
            log_cause(error);
            let named = name_request(error.clone().in_request(id), response);
            if is_head {
                named.map(|_| Body::empty())
            } else {
                named
            }
        }
        None => response,
    };
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

/// Renders the error anew, now with the request id, under the headers that inner layers added.
fn name_request(error: ApiError, response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    let (rendered, body) = error.into_response().into_parts();
    // The length of the first rendering no longer holds.
    // What was packed is replaced by what is not.
    parts.headers.remove(axum::http::header::CONTENT_ENCODING);
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    parts.headers.extend(rendered.headers);
    Response::from_parts(parts, body)
}

fn log_cause(error: &ApiError) {
    let row = error.kind().row();
    let cause = error.cause().unwrap_or_default();
    if row.status.is_server_error() {
        tracing::error!(code = row.code, cause, message = error.message());
    } else {
        tracing::debug!(code = row.code, cause, message = error.message());
    }
}

/// A method's word; foreign methods share one, so that clients cannot fill the metrics.
fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
