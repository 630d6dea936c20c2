//! `POST /generate` and `GET /verify`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use vitrine_access::editor_token::{EditorParameters, ParametersError};
use vitrine_access::limits::EDITOR_BODY_BYTES_MAX;
use vitrine_access::refusal::RefusalKind;
use vitrine_service::Services;
use vitrine_service::editor_tokens::TokenWish;
use vitrine_service::who::Caller;

use super::credentials::{self, NotOneText, X_API_TOKEN, single};
use super::wire::{Generated, Refused};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Tokenless, read_bounded};

/// How long the token shall hold, whole seconds. A header, because every member of the body is a
/// parameter.
const X_TOKEN_LIFETIME: &str = "x-token-lifetime";
/// Whether the token shall be good for one use only: `true` or `false`.
const X_TOKEN_ONE_TIME: &str = "x-token-one-time";
/// Neither tokens nor what they stand for belong into a cache.
const NO_STORE: &str = "no-store";
const JSON: &str = "application/json";

/// Trades a partner's key and the editor's parameters for a token.
///
/// The body is one flat JSON object: strings, numbers, booleans and null. Unknown members are kept and
/// come back equal in value and type. A member `auth` is replaced by the partner's application id.
#[utoipa::path(
    post, path = "/generate", operation_id = "GenerateEditorToken", tag = "tokens",
    params(
        ("x-token-lifetime" = Option<u64>, Header, description = "How long the token shall hold, seconds"),
        ("x-token-one-time" = Option<bool>, Header, description = "Whether it shall be good for one use only")
    ),
    request_body(content = inline(serde_json::Value), description = "The parameters"),
    responses(
        (status = 200, description = "The token", body = Generated),
        (status = 403, description = "The key or the body is wrong", body = Refused)
    ),
    security(("PartnerKey" = []))
)]
pub(crate) async fn generate(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    make(&services, &caller, &headers, body)
        .await
        .map_err(|error| error.in_form(Form::Partner))
}

async fn make(
    services: &Services,
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    const OPERATION: &str = "GenerateEditorToken";
    let key = credentials::api_key(headers)
        .map_err(|error| credentials::noted(services, OPERATION, caller, error))?;
    let access = services.partner_access(OPERATION, key, caller).await?;
    let wish = wish(headers)?;
    let text = read_bounded(body, EDITOR_BODY_BYTES_MAX).await?;
    let parameters = EditorParameters::parse(&text).map_err(|error| unusable(&error))?;
    let made = services
        .generate_editor_token(OPERATION, &access, caller, &parameters, wish)
        .await?;
    let generated = Generated {
        token: made.token.reveal(),
        expiration_time: made.expires_at.unix_s(),
    };
    Ok(([(CACHE_CONTROL, NO_STORE)], Json(generated)).into_response())
}

/// What a token stands for: the parameters, and `auth`, the partner's application id.
///
/// Whoever holds a token can verify it, unless the partner demands its key here as well. Browsers are
/// refused.
#[utoipa::path(
    get, path = "/verify", operation_id = "VerifyEditorToken", tag = "tokens",
    responses(
        (status = 200, description = "The parameters", body = inline(serde_json::Value)),
        (status = 403, description = "The token is wrong, or a browser asks", body = Refused)
    ),
    security(("EditorToken" = []), ("EditorToken" = [], "PartnerKey" = []))
)]
pub(crate) async fn verify(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    look(&services, &caller, &headers)
        .await
        .map_err(|error| error.in_form(Form::Partner))
}

async fn look(
    services: &Services,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    const OPERATION: &str = "VerifyEditorToken";
    if credentials::is_browser(headers) {
        return Ok(services.refuse_browser(OPERATION, caller)?);
    }
    let noted = |error| credentials::noted(services, OPERATION, caller, error);
    let token = single(headers, X_API_TOKEN).map_err(|NotOneText| {
        noted(ApiError::new(
            ErrorKind::Refused(RefusalKind::EditorTokenInvalid),
            "Wrong token: send one header x-api-token with the token's text.",
        ))
    })?;
    let key = credentials::api_key(headers).map_err(noted)?;
    let answer = services
        .verify_editor_token(OPERATION, token, key, caller)
        .await?;
    let headers = [(CACHE_CONTROL, NO_STORE), (CONTENT_TYPE, JSON)];
    Ok((headers, answer).into_response())
}

fn wish(headers: &HeaderMap) -> Result<TokenWish, ApiError> {
    let invalid = |message: String| ApiError::new(ErrorKind::RequestInvalid, message);
    let lifetime_s = match single(headers, X_TOKEN_LIFETIME) {
        Ok(Some(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    if lifetime_s.is_none() && headers.contains_key(X_TOKEN_LIFETIME) {
        return Err(invalid(format!(
            "The header {X_TOKEN_LIFETIME} is a whole number of seconds."
        )));
    }
    let one_time = match single(headers, X_TOKEN_ONE_TIME) {
        Ok(None | Some("false")) => false,
        Ok(Some("true")) => true,
        _ => {
            return Err(invalid(format!(
                "The header {X_TOKEN_ONE_TIME} is true or false."
            )));
        }
    };
    Ok(TokenWish {
        lifetime_s,
        one_time,
    })
}

fn unusable(error: &ParametersError) -> ApiError {
    let kind = match error {
        ParametersError::TooLarge => ErrorKind::TooLarge,
        _ => ErrorKind::RequestInvalid,
    };
    ApiError::new(kind, format!("The parameters cannot be taken: {error}."))
}
