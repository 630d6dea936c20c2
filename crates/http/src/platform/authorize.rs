//! `GET` and `POST /oauth/authorize` (RFC 6749, section 4.1, with PKCE): an application sends a person here,
//! the console asks them, and its answer takes them back with a code.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use url::Url;
use utoipa::{IntoParams, ToSchema};
use vitrine_access::oauth::Challenge;
use vitrine_service::Services;
use vitrine_service::applications::AuthorizationRequest;

use super::Asking;
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Query, Unread};

/// Longest `state` of an application; it is carried there and back in addresses.
const STATE_BYTES_MAX: usize = 1_000;

/// What an application asks for.
#[derive(Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// The application.
    client_id: Option<String>,
    /// Where to send the code; one that the application was registered with.
    redirect_uri: Option<String>,
    /// `code`.
    response_type: Option<String>,
    /// Comes back unchanged.
    state: Option<String>,
    /// SHA-256 of the verifier, in base64url.
    code_challenge: Option<String>,
    /// `S256`.
    code_challenge_method: Option<String>,
}

/// Why a request goes no further, in the words of RFC 6749, section 4.1.2.1.
struct Fault {
    word: &'static str,
    message: &'static str,
}

impl Asked {
    fn challenge(&self) -> Result<Challenge, Fault> {
        let invalid = |message| Fault {
            word: "invalid_request",
            message,
        };
        if self.response_type.as_deref() != Some("code") {
            return Err(Fault {
                word: "unsupported_response_type",
                message: "'response_type' is code.",
            });
        }
        if self.code_challenge_method.as_deref() != Some("S256") {
            return Err(invalid("'code_challenge_method' is S256."));
        }
        let state = self.state.as_deref().unwrap_or_default();
        if state.len() > STATE_BYTES_MAX {
            return Err(invalid("'state' has at most 1,000 bytes."));
        }
        let challenge = self.code_challenge.as_deref().and_then(Challenge::parse);
        challenge.ok_or_else(|| {
            invalid("'code_challenge' is the SHA-256 of the verifier in base64url, 43 characters.")
        })
    }
}

/// The address with members added to its query, in one encoding.
fn with_query(address: &str, members: &[(&str, Option<&str>)]) -> Result<String, ApiError> {
    let mut url = Url::parse(address).map_err(ApiError::internal)?;
    {
        let mut query = url.query_pairs_mut();
        for (name, value) in members {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
    }
    Ok(url.into())
}

fn to(address: &str) -> Result<Response, ApiError> {
    let to = HeaderValue::try_from(address).map_err(ApiError::internal)?;
    let headers = [
        (LOCATION, to),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Sends the person on to the console, which asks them; or back, when the request cannot be taken. Whoever
/// names an application or an address that is not registered is sent nowhere.
#[utoipa::path(
    get, path = "/oauth/authorize", operation_id = "PlatformAuthorizePage", tag = "oauth",
    params(Asked),
    responses(
        (status = 303, description = "To the console, or back with an error"),
        (status = 400, description = "The redirect_uri is not the application's"),
        (status = 401, description = "The application is unknown")
    ),
    security(())
)]
pub(crate) async fn page(
    State(services): State<Services>,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let done = async {
        let client = asked.client_id.as_deref().unwrap_or_default();
        let redirect = asked.redirect_uri.as_deref().unwrap_or_default();
        services
            .platform_asking_application(client, redirect)
            .await?;
        let settings = services.settings();
        if let Err(Fault { word, message }) = asked.challenge() {
            let members = [
                ("error", Some(word)),
                ("error_description", Some(message)),
                ("state", asked.state.as_deref()),
                ("iss", Some(settings.public_url.as_str())),
            ];
            return to(&with_query(redirect, &members)?);
        }
        let console = format!("{}/", settings.public_url);
        let members = [
            ("client_id", Some(client)),
            ("redirect_uri", Some(redirect)),
            ("response_type", asked.response_type.as_deref()),
            ("state", asked.state.as_deref()),
            ("code_challenge", asked.code_challenge.as_deref()),
            (
                "code_challenge_method",
                asked.code_challenge_method.as_deref(),
            ),
        ];
        to(&format!("{}#/authorize", with_query(&console, &members)?))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Grant))
}

/// A code for the application, by the person who is signed in and agrees. `location` is where to go with it.
#[utoipa::path(
    post, path = "/oauth/authorize", operation_id = "PlatformAuthorize", tag = "oauth",
    request_body(content = Asked),
    responses(
        (status = 200, description = "The code, good for one minute and one use"),
        (status = 400, description = "The request cannot be taken, or the redirect_uri is not the application's"),
        (status = 401, description = "Nobody is signed in, or the application is unknown"),
        (status = 403, description = "An application cannot agree for somebody")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn agree(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<Asked>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, asked) = body
            .after(|| services.platform_access("PlatformAuthorize", &caller))
            .await?;
        let challenge = asked
            .challenge()
            .map_err(|fault| ApiError::new(ErrorKind::RequestInvalid, fault.message))?;
        let request = AuthorizationRequest {
            client: asked.client_id.unwrap_or_default(),
            redirect: asked.redirect_uri.unwrap_or_default(),
            challenge,
        };
        let code = services.platform_give_code(&access, &request).await?;
        let members = [
            ("code", Some(code.reveal())),
            ("state", asked.state.as_deref()),
            ("iss", Some(services.settings().public_url.as_str())),
        ];
        let body = json!({
            "code": code.reveal(),
            "location": with_query(&request.redirect, &members)?,
        });
        Ok(([(CACHE_CONTROL, "no-store")], axum::Json(body)).into_response())
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}
