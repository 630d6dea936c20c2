//! Bodies of the token service and of the two RFCs.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use vitrine_access::refusal::RefusalKind;

use crate::error::{ApiError, ErrorKind};

/// A new token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Generated {
    /// The token: a version 4 UUID.
    #[schema(format = "uuid")]
    pub(super) token: String,
    /// From when on it is refused, seconds since 1970.
    pub(super) expiration_time: i64,
}

/// A refusal of the token service.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Refused {
    /// What was wrong and what to do. Holds `Wrong token` or `Wrong api key` where one is.
    message: String,
    /// Stable name of the exact cause.
    code: &'static str,
    /// The request, as the log names it.
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// Where the cause is explained.
    doc: String,
}

/// What introspection answers (RFC 7662, section 2.2).
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Introspection {
    /// Whether the token is one of this partner's and may be used now.
    pub(super) active: bool,
    /// The partner's application id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<String>,
    /// Always `editor_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_type: Option<&'static str>,
    /// From when on it is refused, seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exp: Option<i64>,
    /// When it was made, seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) iat: Option<i64>,
    /// The partner's user, where the parameters name one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sub: Option<String>,
    /// Whether the token is good for one use only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) one_time: Option<bool>,
}

/// What became of a user's tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RevokedTokens {
    /// How many live ones there were.
    pub(super) revoked: u64,
}

/// An error of RFC 6749, section 5.2.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OAuthError {
    /// The RFC's word.
    error: &'static str,
    /// What was wrong and what to do.
    error_description: String,
    /// Stable name of the exact cause.
    code: &'static str,
    /// The request, as the log names it.
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

/// The contract knows 200 and 403 only. What the client did wrong is 403; what passes by itself, and
/// what is our fault, keeps its status, because a client that repeats on 5xx does right.
pub(crate) fn refusal(error: &ApiError) -> Response {
    let row = error.kind().row();
    let status = if row.status.is_client_error() && row.status != StatusCode::TOO_MANY_REQUESTS {
        StatusCode::FORBIDDEN
    } else {
        row.status
    };
    let body = Refused {
        message: error.message().to_owned(),
        code: row.code,
        request_id: error.request_id().map(|id| id.to_string()),
        doc: format!("/docs/errors#{}", row.code),
    };
    (status, Json(body)).into_response()
}

/// RFC 6749, section 5.2; RFC 7009, section 2.2.1; RFC 7662, section 2.3.
pub(crate) fn oauth_refusal(error: &ApiError) -> Response {
    use RefusalKind as K;

    let row = error.kind().row();
    let (status, word) = match error.kind() {
        ErrorKind::Refused(
            K::PartnerKeyMissing
            | K::PartnerKeyInvalid
            | K::PartnerKeyExpired
            | K::PartnerKeyRevoked
            | K::PartnerBlocked,
        ) => (StatusCode::UNAUTHORIZED, "invalid_client"),
        _ if row.status == StatusCode::SERVICE_UNAVAILABLE => {
            (row.status, "temporarily_unavailable")
        }
        _ if row.status.is_server_error() => (row.status, "server_error"),
        _ if row.status == StatusCode::TOO_MANY_REQUESTS => (row.status, "temporarily_unavailable"),
        _ => (StatusCode::BAD_REQUEST, "invalid_request"),
    };
    let body = OAuthError {
        error: word,
        error_description: error.message().to_owned(),
        code: row.code,
        request_id: error.request_id().map(|id| id.to_string()),
    };
    let mut response = (status, Json(body)).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let basic = HeaderValue::from_static("Basic realm=\"vitrine partners\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, basic);
    }
    response
}
