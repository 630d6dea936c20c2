//! `POST /oauth/token` and `POST /oauth/logout`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use vitrine_access::refusal::RefusalKind;
use vitrine_service::Services;
use vitrine_service::passkeys::{PasskeyAnswer, PasskeyProof};
use vitrine_service::platform::SignIn;

use super::Asking;
use super::cookies::{Cookies, ProviderCookie};
use super::passkeys::{Proof, bytes};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Tokenless, parse_json, read_bounded};
use crate::limits::OAUTH_BODY_BYTES_MAX;

const FORM: &str = "application/x-www-form-urlencoded";
/// The grant of whoever has a passkey.
const PASSKEY: &str = "urn:vitrine:passkey";
/// The grant of a browser whose provider has said who it is.
const PROVIDER: &str = "urn:vitrine:provider";
const NO_STORE: &str = "no-store";

/// A sign-in, as JSON or as a form.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct TokenRequest {
    /// `password`, `authorization_code`, `refresh_token`, `urn:vitrine:passkey`, or `urn:vitrine:provider` for the
    /// browser that comes back from a provider.
    grant_type: Option<String>,
    /// The client.
    client_id: Option<String>,
    /// The access key's id, or the account's address.
    username: Option<String>,
    /// The access key's secret, or the account's password.
    password: Option<String>,
    /// The refresh token; the cookie of the same name stands in for it.
    refresh_token: Option<String>,
    /// Beside a password or a provider, where the account asks for it: the code of an authenticator program, or a recovery
    /// code.
    otp: Option<String>,
    /// The code that `/oauth/authorize` gave.
    code: Option<String>,
    /// What the challenge of `/oauth/authorize` was made of.
    code_verifier: Option<String>,
    /// Where the code was sent.
    redirect_uri: Option<String>,
    /// What a passkey has signed, with `urn:vitrine:passkey`; in JSON only.
    passkey: Option<Proof>,
}

/// A sign-out.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct LogoutRequest {
    /// The refresh token whose sign-in shall end.
    refresh_token: Option<String>,
}

/// Signs in by an access key, a password or a code, or renews a sign-in. A refresh token is good until the one
/// that took its place is used, and a minute longer, because clients renew several times at once; later it
/// ends the sign-in, because somebody holds a copy.
#[utoipa::path(
    post, path = "/oauth/token", operation_id = "PlatformSignIn", tag = "oauth",
    request_body(content = TokenRequest),
    responses(
        (status = 200, description = "Access token and refresh token"),
        (status = 400, description = "The request, the key, the password or the token is wrong"),
        (status = 401, description = "The client is unknown"),
        (status = 429, description = "Too many tries")
    ),
    security(())
)]
pub(crate) async fn token(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let cookies = Cookies::of(&services, &headers);
    let provider = ProviderCookie::of(&services);
    let done = async {
        let mut request = read(&headers, body).await?;
        if request.refresh_token.is_none() {
            request.refresh_token = cookies.refresh_token.clone();
        }
        let client = request.client_id.as_deref().unwrap_or_default();
        let beside = provider.read_trusted(&services, &headers);
        let parts = request.passkey.as_ref().map(Parts::of).transpose()?;
        let proof = parts.as_ref().map(Parts::proof);
        let how = match (request.grant_type.as_deref(), &proof) {
            (Some(PASSKEY), Some(proof)) => SignIn::Passkey(proof),
            _ => how(&request, beside.as_deref())?,
        };
        let ended = matches!(how, SignIn::Provider { .. });
        let signed_in = services
            .platform_sign_in("PlatformSignIn", client, how, &caller)
            .await?;
        let cookie = cookies.set(&signed_in.refresh_token, signed_in.refresh_in_s);
        let answer = Json(json!({
            "access_token": signed_in.access_token,
            "refresh_token": signed_in.refresh_token,
            "expires_in": signed_in.expires_in_s,
            "token_type": "Bearer",
        }));
        let mut answer = ([(CACHE_CONTROL, NO_STORE)], answer).into_response();
        let more = ended.then(|| provider.clear());
        for cookie in [Some(cookie), more].into_iter().flatten() {
            let cookie = HeaderValue::try_from(cookie).map_err(ApiError::internal)?;
            answer.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(answer)
    };
    done.await.map_err(in_form)
}

/// Ends the sign-ins behind the refresh token (in the body, or else the cookie) and the bearer token that
/// are shown, at once.
#[utoipa::path(
    post, path = "/oauth/logout", operation_id = "PlatformSignOut", tag = "oauth",
    request_body(content = LogoutRequest),
    responses((status = 200, description = "They are no longer good")),
    security((), ("PlatformToken" = []))
)]
pub(crate) async fn logout(
    State(services): State<Services>,
    Asking(caller): Asking,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let cookies = Cookies::of(&services, &headers);
    let done = async {
        let text = read_bounded(body, OAUTH_BODY_BYTES_MAX).await?;
        let request: LogoutRequest = parse_json(&text)?;
        let shown = request.refresh_token.or(cookies.refresh_token.clone());
        services
            .platform_sign_out("PlatformSignOut", shown.as_deref(), &caller)
            .await?;
        Ok(Json(json!({ "success": true })))
    };
    let answer = done.await.map_err(in_form)?;
    Ok((
        [
            (CACHE_CONTROL, NO_STORE.to_owned()),
            (SET_COOKIE, cookies.set("", 0)),
        ],
        answer,
    )
        .into_response())
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Grant)
}

async fn read(headers: &HeaderMap, body: Body) -> Result<TokenRequest, ApiError> {
    let text = read_bounded(body, OAUTH_BODY_BYTES_MAX).await?;
    let is_form = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case(FORM));
    if !is_form {
        return parse_json(&text);
    }
    let mut request = TokenRequest::default();
    for (name, value) in url::form_urlencoded::parse(&text) {
        let member = match &*name {
            "grant_type" => &mut request.grant_type,
            "client_id" => &mut request.client_id,
            "username" => &mut request.username,
            "password" => &mut request.password,
            "refresh_token" => &mut request.refresh_token,
            "otp" => &mut request.otp,
            "code" => &mut request.code,
            "code_verifier" => &mut request.code_verifier,
            "redirect_uri" => &mut request.redirect_uri,
            _ => continue,
        };
        if member.replace(value.into_owned()).is_some() {
            return Err(invalid("A member stands in the form twice."));
        }
    }
    Ok(request)
}

/// The bytes of what a passkey has signed.
struct Parts([Vec<u8>; 5]);

impl Parts {
    fn of(proof: &Proof) -> Result<Self, ApiError> {
        Ok(Self([
            bytes("id", &proof.id)?,
            bytes("client_data", &proof.client_data)?,
            bytes("authenticator_data", &proof.authenticator_data)?,
            bytes("signature", &proof.signature)?,
            bytes("user_handle", &proof.user_handle)?,
        ]))
    }

    fn proof(&self) -> PasskeyProof<'_> {
        let Self([credential, client, data, signature, user]) = self;
        PasskeyProof {
            credential,
            answer: PasskeyAnswer { client, data },
            signature,
            user,
        }
    }
}

fn how<'a>(request: &'a TokenRequest, beside: Option<&'a str>) -> Result<SignIn<'a>, ApiError> {
    match request.grant_type.as_deref() {
        Some("password") => match (&request.username, &request.password) {
            (Some(name), Some(secret)) => Ok(SignIn::Pair {
                name,
                secret,
                second: request.otp.as_deref(),
            }),
            _ => Err(invalid(
                "Send username and password: an access key's id and secret, or an address and its \
                 password.",
            )),
        },
        Some(PROVIDER) => Ok(SignIn::Provider {
            cookie: beside,
            second: request.otp.as_deref(),
        }),
        Some(PASSKEY) => Err(invalid(
            "Send passkey, as JSON: what POST /oauth/passkey asked for, signed.",
        )),
        Some("refresh_token") => match &request.refresh_token {
            Some(text) => Ok(SignIn::Refresh(text)),
            None => Err(invalid("There is no refresh_token. Sign in again.")),
        },
        Some("authorization_code") => {
            match (&request.code, &request.code_verifier, &request.redirect_uri) {
                (Some(code), Some(verifier), Some(redirect)) => Ok(SignIn::Code {
                    code,
                    verifier,
                    redirect,
                }),
                _ => Err(invalid(
                    "Send code, code_verifier and redirect_uri: applications prove themselves by PKCE.",
                )),
            }
        }
        Some(_) => Err(ApiError::new(
            ErrorKind::Refused(RefusalKind::GrantUnsupported),
            "The grant_type is unknown. Use password, authorization_code or refresh_token.",
        )),
        None => Err(invalid(
            "Send a grant_type: password, authorization_code or refresh_token.",
        )),
    }
}

fn invalid(message: &str) -> ApiError {
    ApiError::new(ErrorKind::RequestInvalid, message.to_owned())
}
