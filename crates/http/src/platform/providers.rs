//! Signing in at a provider (ours): `/oauth/providers/{providerId}`, and the identities of an account,
//! `/api/v1/users/{userId}/identities`.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use vitrine_access::ids::IdentityId;
use vitrine_service::Services;
use vitrine_service::providers::{LinkedIdentity, ProviderAnswer, ProviderBeginning, ProviderEnd};

use super::Asking;
use super::cookies::ProviderCookie;
use super::users::own;
use super::wire::{answer, done, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Query, Tokenless, Unread};

/// Where the browser goes, and its cookie.
fn begun(services: &Services, begun: &ProviderBeginning) -> Result<Response, ApiError> {
    let cookie = ProviderCookie::of(services).set(&begun.cookie);
    let cookie = HeaderValue::try_from(cookie).map_err(ApiError::internal)?;
    let mut answer = answer(&json!({ "location": begun.location }));
    answer.headers_mut().append(SET_COOKIE, cookie);
    Ok(answer)
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

/// Begins a sign-in at a provider: `location` is where the browser goes, and the cookie that comes along is good
/// for this one sign-in.
#[utoipa::path(
    post, path = "/oauth/providers/{providerId}", operation_id = "PlatformBeginProviderSignIn", tag = "oauth",
    params(("providerId" = String, Path, description = "The provider's name")),
    responses(
        (status = 200, description = "The provider's page"),
        (status = 404, description = "There is no such provider"),
        (status = 429, description = "Too many tries"),
        (status = 503, description = "The provider does not answer")
    ),
    security(())
)]
pub(crate) async fn begin(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    Path(provider): Path<String>,
) -> Result<Response, ApiError> {
    let done = async {
        let beginning = services
            .platform_begin_provider("PlatformBeginProviderSignIn", &provider, &caller)
            .await?;
        begun(&services, &beginning)
    };
    done.await.map_err(in_form)
}

/// What a provider sends back with the browser.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Returned {
    /// What the provider gives tokens for.
    code: Option<String>,
    /// What was sent along.
    state: Option<String>,
    /// Who answers (RFC 9207).
    iss: Option<String>,
    /// Why the provider signed nobody in.
    error: Option<String>,
}

/// Takes a provider's answer and sends the browser on to the console, which asks for the tokens or tells what was
/// wrong. Nobody is sent anywhere else.
#[utoipa::path(
    get, path = "/oauth/providers/{providerId}/callback", operation_id = "PlatformEndProviderSignIn",
    tag = "oauth",
    params(("providerId" = String, Path, description = "The provider's name"), Returned),
    responses((status = 303, description = "To the console")),
    security(())
)]
pub(crate) async fn end(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    Path(provider): Path<String>,
    Query(returned): Query<Returned>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let cookie = ProviderCookie::of(&services);
    let shown = cookie.read(&headers);
    let answer = ProviderAnswer {
        code: returned.code.as_deref(),
        state: returned.state.as_deref(),
        issuer: returned.iss.as_deref(),
        error: returned.error.as_deref(),
        cookie: shown.as_deref(),
    };
    let ended = services
        .platform_end_provider("PlatformEndProviderSignIn", &provider, answer, &caller)
        .await;
    let (place, cookie) = match ended.map_err(ApiError::from) {
        Ok(ProviderEnd::Known(next)) => ("signed-in".to_owned(), Some(cookie.set(&next))),
        Ok(ProviderEnd::Linked) => ("account/linked".to_owned(), Some(cookie.clear())),
        // A sign-in of another window may be under way: its cookie stays.
        Err(refused) => (format!("not-signed-in/{}", refused.kind().row().code), None),
    };
    let place = format!("{}/#/{place}", services.settings().public_url);
    let place = HeaderValue::try_from(place).map_err(ApiError::internal)?;
    let mut answer = StatusCode::SEE_OTHER.into_response();
    let out = answer.headers_mut();
    out.insert(LOCATION, place);
    out.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie {
        let cookie = HeaderValue::try_from(cookie).map_err(ApiError::internal)?;
        out.append(SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// The account's identities at providers, and the providers that there are.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}/identities", operation_id = "PlatformListIdentities", tag = "users",
    params(("userId" = String, Path, description = "The signed-in user's id")),
    responses(
        (status = 200, description = "The identities"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "There is no such user, as far as the caller may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn list(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services
            .platform_access("PlatformListIdentities", &caller)
            .await?;
        own(&access, &id)?;
        let (identities, has_password) = services.linked_identities(access.user.id).await?;
        let identities: Vec<Value> = identities.iter().map(shown).collect();
        let providers = services.settings().sign_in_providers.iter();
        let providers: Vec<Value> = providers
            .map(|one| json!({ "name": one.name, "title": one.title }))
            .collect();
        Ok(answer(&json!({
            "identities": identities, "providers": providers, "has_password": has_password,
        })))
    };
    done.await.map_err(in_form)
}

fn shown(identity: &LinkedIdentity) -> Value {
    let record = &identity.record;
    json!({
        "id": record.id.to_string(),
        "provider": identity.provider,
        "issuer": record.issuer,
        "email": record.email,
        "created_at": epoch(record.created_at),
        "used_at": record.used_at.map(epoch),
    })
}

/// What shall be linked, and who asks, once more.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LinkRequest {
    /// The provider's name.
    provider: String,
    /// The present password, where the account has one.
    password: Option<String>,
}

/// Begins to link the account with what its owner is at a provider: `location` is where the browser goes.
#[utoipa::path(
    post, path = "/api/v1/users/{userId}/identities", operation_id = "PlatformLinkIdentity", tag = "users",
    params(("userId" = String, Path, description = "The signed-in user's id")),
    request_body(content = LinkRequest),
    responses(
        (status = 200, description = "The provider's page"),
        (status = 401, description = "Nobody is signed in, or the password is wrong"),
        (status = 403, description = "There is no password, and the sign-in is not a fresh one"),
        (status = 404, description = "There is no such provider, or no such user as far as the caller may know"),
        (status = 503, description = "The provider does not answer")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn link(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<LinkRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformLinkIdentity", &caller)
                .await?;
            own(&access, &id)?;
            Ok::<_, ApiError>(access)
        };
        let (access, request) = body.after(allowed).await?;
        let beginning = services
            .platform_link_identity(&access, &request.provider, request.password.as_deref())
            .await?;
        begun(&services, &beginning)
    };
    done.await.map_err(in_form)
}

/// Who asks, once more.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct UnlinkRequest {
    /// The present password, where the account has one.
    password: Option<String>,
}

/// Takes an identity of the account's away. Every other sign-in ends.
#[utoipa::path(
    post, path = "/api/v1/users/{userId}/identities/{identityId}/remove",
    operation_id = "PlatformUnlinkIdentity", tag = "users",
    params(
        ("userId" = String, Path, description = "The signed-in user's id"),
        ("identityId" = String, Path, description = "The identity's id")
    ),
    request_body(content = UnlinkRequest),
    responses(
        (status = 200, description = "It is gone"),
        (status = 401, description = "Nobody is signed in, or the password is wrong"),
        (status = 403, description = "Nothing else would open the account, or the sign-in is not a fresh one"),
        (status = 404, description = "The account has no such identity")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn unlink(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path((id, identity)): Path<(String, String)>,
    body: Unread<UnlinkRequest>,
) -> Result<Response, ApiError> {
    let unlinked = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformUnlinkIdentity", &caller)
                .await?;
            own(&access, &id)?;
            Ok::<_, ApiError>(access)
        };
        let (access, request) = body.after(allowed).await?;
        let identity: IdentityId = identity.parse().map_err(|_| {
            ApiError::new(
                ErrorKind::EntityUnknown,
                "The account has no such identity.",
            )
        })?;
        services
            .platform_unlink_identity(&access, identity, request.password.as_deref())
            .await?;
        Ok(done())
    };
    unlinked.await.map_err(in_form)
}
