//! `POST /oauth/introspect` (RFC 7662) and `POST /oauth/revoke` (RFC 7009) for editor tokens, and
//! `POST /oauth/revoke-user`, which no RFC has, for all of a user.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;
use vitrine_service::Services;
use vitrine_service::partners::PartnerAccess;
use vitrine_service::who::Caller;

use super::credentials::{self, Basic};
use super::wire::{Introspection, OAuthError, RevokedTokens};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Tokenless, read_bounded};
use crate::limits::OAUTH_BODY_BYTES_MAX;

const FORM: &str = "application/x-www-form-urlencoded";
const NO_STORE: &str = "no-store";
const TOKEN_TYPE: &str = "editor_token";
/// The members that forms name a token and a user by.
const TOKEN: &str = "token";
const USER: &str = "user";

/// The form of both requests, as the API's description shows it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is described here and read by hand")]
pub(crate) struct TokenForm {
    /// The token.
    token: String,
    /// What the client takes it for; there is one kind here, so it changes nothing.
    token_type_hint: Option<String>,
}

/// The form that names a user, as the API's description shows it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is described here and read by hand")]
pub(crate) struct UserForm {
    /// The partner's own id of the user: the parameter `userId` of the tokens, as text.
    user: String,
}

/// Says whether a token of the partner's own is live, without using it up (RFC 7662).
#[utoipa::path(
    post, path = "/oauth/introspect", operation_id = "IntrospectEditorToken", tag = "oauth",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Whether it is live, and its facts", body = Introspection),
        (status = 400, description = "The form is wrong", body = OAuthError),
        (status = 401, description = "The key is wrong", body = OAuthError)
    ),
    security(("PartnerKey" = []), ("PartnerBasic" = []))
)]
pub(crate) async fn introspect(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let found = async {
        let (access, token) = read(
            &services,
            "IntrospectEditorToken",
            &caller,
            &headers,
            body,
            TOKEN,
        )
        .await?;
        let facts = services.introspect_editor_token(&access, &token).await?;
        Ok(
            facts.map_or_else(Introspection::default, |facts| Introspection {
                active: true,
                client_id: Some(facts.app_id),
                token_type: Some(TOKEN_TYPE),
                exp: Some(facts.expires_at.unix_s()),
                iat: Some(facts.issued_at.unix_s()),
                sub: facts.user,
                one_time: Some(facts.one_time),
            }),
        )
    };
    let found = found.await.map_err(in_form)?;
    Ok(([(CACHE_CONTROL, NO_STORE)], Json(found)).into_response())
}

/// Revokes a token of the partner's own, at once (RFC 7009). Unknown tokens and those of others are
/// answered alike and stay as they are.
#[utoipa::path(
    post, path = "/oauth/revoke", operation_id = "RevokeEditorToken", tag = "oauth",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "There is no such live token any more"),
        (status = 400, description = "The form is wrong", body = OAuthError),
        (status = 401, description = "The key is wrong", body = OAuthError)
    ),
    security(("PartnerKey" = []), ("PartnerBasic" = []))
)]
pub(crate) async fn revoke(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    const OPERATION: &str = "RevokeEditorToken";
    let done = async {
        let (access, token) = read(&services, OPERATION, &caller, &headers, body, TOKEN).await?;
        services
            .revoke_editor_token_as(OPERATION, &access, &token, &caller)
            .await?;
        Ok(())
    };
    done.await.map_err(in_form)?;
    Ok((StatusCode::OK, [(CACHE_CONTROL, NO_STORE)]).into_response())
}

/// Revokes all live tokens of one of the partner's users, at once, and with them the editor sessions that
/// they opened. Tokens of no user, and those of other partners, stay as they are.
#[utoipa::path(
    post, path = "/oauth/revoke-user", operation_id = "RevokeEditorTokensOfUser", tag = "oauth",
    request_body(content = UserForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The user has no live token any more", body = RevokedTokens),
        (status = 400, description = "The form is wrong", body = OAuthError),
        (status = 401, description = "The key is wrong", body = OAuthError)
    ),
    security(("PartnerKey" = []), ("PartnerBasic" = []))
)]
pub(crate) async fn revoke_user(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    const OPERATION: &str = "RevokeEditorTokensOfUser";
    let done = async {
        let (access, user) = read(&services, OPERATION, &caller, &headers, body, USER).await?;
        let count = services
            .revoke_editor_tokens_of_user_as(OPERATION, &access, &user, &caller)
            .await?;
        Ok(count)
    };
    let revoked = done.await.map_err(in_form)?;
    Ok(([(CACHE_CONTROL, NO_STORE)], Json(RevokedTokens { revoked })).into_response())
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::OAuth)
}

async fn read(
    services: &Services,
    operation: &str,
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
    member: &str,
) -> Result<(PartnerAccess, String), ApiError> {
    let noted = |error| credentials::noted(services, operation, caller, error);
    let basic = Basic::read(headers).map_err(noted)?;
    let key = credentials::client(headers, basic.as_ref()).map_err(noted)?;
    let access = services.partner_access(operation, key, caller).await?;
    let invalid = |message: String| ApiError::new(ErrorKind::RequestInvalid, message);
    let is_form = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case(FORM));
    if !is_form {
        return Err(invalid(format!(
            "Send a form: Content-Type: {FORM}, member {member}."
        )));
    }
    let text = read_bounded(body, OAUTH_BODY_BYTES_MAX).await?;
    let members: Vec<(String, String)> = url::form_urlencoded::parse(&text).into_owned().collect();
    let mut values = members.into_iter().filter(|(name, _)| name == member);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Ok((access, value)),
        _ => Err(invalid(format!(
            "The form needs the member {member} exactly once."
        ))),
    }
}
