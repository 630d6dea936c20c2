//! Passkeys (ours): `/oauth/passkey` asks for one that signs in, `/api/v1/users/{userId}/passkeys` keeps them.

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_access::ids::PasskeyId;
use vitrine_service::passkeys::{PasskeyAnswer, PasskeyQuestion};
use vitrine_service::{PasskeyRecord, Services};

use super::Asking;
use super::users::own;
use super::wire::{answer, done, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Unread};

/// Kinds of keys, by COSE's numbers, best first: ES256, `EdDSA`, RS256.
const ALGORITHMS: [i32; 3] = [-7, -8, -257];

/// What an authenticator has signed, in base64url.
#[derive(Clone, Default, Deserialize, ToSchema)]
pub(crate) struct Proof {
    /// The authenticator's id of its key.
    pub(super) id: String,
    /// The client data.
    pub(super) client_data: String,
    /// The authenticator data.
    pub(super) authenticator_data: String,
    /// The signature.
    pub(super) signature: String,
    /// The user that the authenticator names.
    pub(super) user_handle: String,
}

/// The bytes behind a member in base64url.
pub(super) fn bytes(member: &str, text: &str) -> Result<Vec<u8>, ApiError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| {
        let message = format!("'{member}' is base64url without padding.");
        ApiError::new(ErrorKind::RequestInvalid, message)
    })
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

/// What a passkey has to sign, so that its owner signs in (`grant_type` `urn:vitrine:passkey`).
#[utoipa::path(
    post, path = "/oauth/passkey", operation_id = "PlatformAskForPasskey", tag = "oauth",
    responses(
        (status = 200, description = "The challenge"),
        (status = 400, description = "The server stands under a bare address")
    ),
    security(())
)]
pub(crate) async fn ask(State(services): State<Services>) -> Result<Response, ApiError> {
    let question = services.ask_for_passkey().map_err(ApiError::from);
    let PasskeyQuestion { challenge, party } = question.map_err(in_form)?;
    Ok(answer(
        &json!({ "challenge": challenge, "rp_id": party.id }),
    ))
}

/// The account's passkeys, oldest first.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}/passkeys", operation_id = "PlatformListPasskeys", tag = "users",
    params(("userId" = String, Path, description = "The signed-in user's id")),
    responses(
        (status = 200, description = "The passkeys"),
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
            .platform_access("PlatformListPasskeys", &caller)
            .await?;
        own(&access, &id)?;
        let passkeys = services.passkeys(access.user.id).await?;
        let shown: Vec<Value> = passkeys.iter().map(shown).collect();
        Ok(answer(&Value::from(shown)))
    };
    done.await.map_err(in_form)
}

fn shown(passkey: &PasskeyRecord) -> Value {
    json!({
        "id": passkey.id.to_string(),
        "name": passkey.name,
        "created_at": epoch(passkey.created_at),
        "used_at": passkey.used_at.map(epoch),
    })
}

/// Who asks, once more.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct AgainRequest {
    /// The present password, where the account has one.
    password: Option<String>,
}

/// What an authenticator has to be asked for, to add a passkey: the options of `navigator.credentials.create`.
#[utoipa::path(
    post, path = "/api/v1/users/{userId}/passkeys/begin", operation_id = "PlatformBeginPasskey", tag = "users",
    params(("userId" = String, Path, description = "The signed-in user's id")),
    request_body(content = AgainRequest),
    responses(
        (status = 200, description = "The options"),
        (status = 400, description = "There are as many as there may be"),
        (status = 401, description = "Nobody is signed in, or the password is wrong"),
        (status = 403, description = "There is no password, and the sign-in is not a fresh one"),
        (status = 404, description = "There is no such user, as far as the caller may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn begin(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<AgainRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformBeginPasskey", &caller)
                .await?;
            own(&access, &id)?;
            Ok::<_, ApiError>(access)
        };
        let (access, request) = body.after(allowed).await?;
        let known = services.passkeys(access.user.id).await?;
        let question = services
            .platform_begin_passkey(&access, request.password.as_deref())
            .await?;
        let user = &access.user;
        let name = user.email.as_deref().unwrap_or("account");
        let excluded: Vec<String> = known
            .iter()
            .map(|one| URL_SAFE_NO_PAD.encode(&one.credential))
            .collect();
        Ok(answer(&json!({
            "challenge": question.challenge,
            "rp": { "id": question.party.id, "name": "Vitrine" },
            "user": {
                "id": URL_SAFE_NO_PAD.encode(user.id.as_bytes()),
                "name": name,
                "display_name": if user.name.is_empty() { name } else { &user.name },
            },
            "algorithms": ALGORITHMS,
            "exclude": excluded,
        })))
    };
    done.await.map_err(in_form)
}

/// A passkey that was made, in base64url.
#[derive(Deserialize, ToSchema)]
pub(crate) struct AddRequest {
    /// What its owner calls it.
    name: String,
    /// The client data.
    client_data: String,
    /// The authenticator data.
    authenticator_data: String,
}

/// Adds a passkey that an authenticator has made.
#[utoipa::path(
    post, path = "/api/v1/users/{userId}/passkeys", operation_id = "PlatformAddPasskey", tag = "users",
    params(("userId" = String, Path, description = "The signed-in user's id")),
    request_body(content = AddRequest),
    responses(
        (status = 200, description = "The passkey"),
        (status = 400, description = "A member cannot be taken"),
        (status = 401, description = "Nobody is signed in, or the passkey does not fit"),
        (status = 404, description = "There is no such user, as far as the caller may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn add(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<AddRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformAddPasskey", &caller)
                .await?;
            own(&access, &id)?;
            Ok::<_, ApiError>(access)
        };
        let (access, request) = body.after(allowed).await?;
        let client = bytes("client_data", &request.client_data)?;
        let data = bytes("authenticator_data", &request.authenticator_data)?;
        let made = PasskeyAnswer {
            client: &client,
            data: &data,
        };
        let added = services
            .platform_add_passkey(&access, &request.name, &made)
            .await?;
        Ok(answer(&shown(&added)))
    };
    done.await.map_err(in_form)
}

/// Takes a passkey of the account's away. Every other sign-in ends.
#[utoipa::path(
    post, path = "/api/v1/users/{userId}/passkeys/{passkeyId}/remove", operation_id = "PlatformRemovePasskey",
    tag = "users",
    params(
        ("userId" = String, Path, description = "The signed-in user's id"),
        ("passkeyId" = String, Path, description = "The passkey's id")
    ),
    request_body(content = AgainRequest),
    responses(
        (status = 200, description = "It is gone"),
        (status = 401, description = "Nobody is signed in, or the password is wrong"),
        (status = 403, description = "Nothing else would open the account, or the sign-in is not a fresh one"),
        (status = 404, description = "The account has no such passkey")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn remove(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path((id, passkey)): Path<(String, String)>,
    body: Unread<AgainRequest>,
) -> Result<Response, ApiError> {
    let removed = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformRemovePasskey", &caller)
                .await?;
            own(&access, &id)?;
            Ok::<_, ApiError>(access)
        };
        let (access, request) = body.after(allowed).await?;
        let unknown =
            |_| ApiError::new(ErrorKind::EntityUnknown, "The account has no such passkey.");
        let passkey: PasskeyId = passkey.parse().map_err(unknown)?;
        services
            .platform_remove_passkey(&access, passkey, request.password.as_deref())
            .await?;
        Ok(done())
    };
    removed.await.map_err(in_form)
}
