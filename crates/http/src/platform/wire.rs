//! Bodies of the platform: the envelope, and the two forms of errors.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use vitrine_access::refusal::RefusalKind;
use vitrine_access::time::Timestamp;

use crate::error::{ApiError, ErrorKind};

/// Tickets and tokens stand in these answers.
const NO_STORE: &str = "no-store";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A successful answer.
pub(super) fn answer(data: &Value) -> Response {
    let body = json!({ "success": true, "version": VERSION, "message": "", "data": data });
    ([(CACHE_CONTROL, NO_STORE)], Json(body)).into_response()
}

/// A successful answer that says nothing more.
pub(super) fn done() -> Response {
    let body = json!({ "success": true, "version": VERSION });
    ([(CACHE_CONTROL, NO_STORE)], Json(body)).into_response()
}

/// Whole seconds since 1970.
pub(super) fn epoch(at: Timestamp) -> i64 {
    at.unix_s()
}

/// An error of a resource.
pub(crate) fn refusal(error: &ApiError) -> Response {
    let row = error.kind().row();
    let mut body = json!({
        "error": {
            "message": row.error.desc(),
            "description": error.message(),
            "code": row.code,
            "requestId": error.request_id().map(|id| id.to_string()),
        }
    });
    if error.kind() == ErrorKind::RequestInvalid
        && let Some(member) = member(error.message())
    {
        body["error"]["fields"] = json!({ member: error.message() });
    }
    (row.status, Json(body)).into_response()
}

/// The member that a message is about: those about one begin with its name, in quotes or with a colon.
/// Official clients tell a wrong member from other errors by it.
fn member(message: &str) -> Option<&str> {
    match message.strip_prefix('\'') {
        Some(rest) => rest.split_once('\'').map(|(member, _)| member),
        None => message
            .split_once(": ")
            .map(|(member, _)| member)
            .filter(|member| *member == "accessdomains"),
    }
}

/// An error of a sign-in (RFC 6749, section 5.2). Clients tell a missing refresh token
/// (`invalid_request`) from one that is no longer good (`invalid_grant`).
pub(crate) fn grant_refusal(error: &ApiError) -> Response {
    use RefusalKind as K;

    let row = error.kind().row();
    let (status, word) = match error.kind() {
        ErrorKind::Refused(K::ClientUnknown) => (StatusCode::UNAUTHORIZED, "invalid_client"),
        ErrorKind::Refused(K::GrantUnsupported) => {
            (StatusCode::BAD_REQUEST, "unsupported_grant_type")
        }
        ErrorKind::Refused(K::ClientUnauthorized) => {
            (StatusCode::BAD_REQUEST, "unauthorized_client")
        }
        ErrorKind::Refused(
            K::AccessKeyInvalid
            | K::AddressNotAllowed
            | K::CodeInvalid
            | K::SecondFactorMissing
            | K::SecondFactorInvalid
            | K::PasswordInvalid
            | K::PasskeyInvalid
            | K::ProviderSignInInvalid
            | K::TokenInvalid
            | K::TokenExpired
            | K::TokenRevoked,
        ) => (StatusCode::BAD_REQUEST, "invalid_grant"),
        _ if row.status == StatusCode::SERVICE_UNAVAILABLE
            || row.status == StatusCode::TOO_MANY_REQUESTS =>
        {
            (row.status, "temporarily_unavailable")
        }
        _ if row.status.is_server_error() => (row.status, "server_error"),
        _ => (StatusCode::BAD_REQUEST, "invalid_request"),
    };
    let body = json!({
        "error": word,
        "error_description": error.message(),
        "code": row.code,
        "requestId": error.request_id().map(|id| id.to_string()),
    });
    (status, Json(body)).into_response()
}
