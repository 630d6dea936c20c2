//! `/api/v1/apitokens`: the account's access keys.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_service::platform_accounts::checked_networks;
use vitrine_service::{AccessKeyRecord, Services};

use super::Asking;
use super::query::{QueryRequest, instant};
use super::wire::{answer, done, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Unread};

/// A new key.
#[derive(Deserialize, ToSchema)]
pub(crate) struct KeyRequest {
    /// What it is for.
    #[serde(default)]
    description: String,
    /// What it shall be good for.
    scope: Vec<String>,
    /// Its end, in seconds since 1970.
    valid_until: Option<i64>,
    /// Networks from which it is good, as `192.0.2.0/24`; from everywhere when there are none.
    #[serde(default)]
    networks: Vec<String>,
}

/// How a key is replaced.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RotationRequest {
    /// Seconds for which the old key stays good.
    overlap: Option<u64>,
}

/// What shall change of a key.
#[derive(Deserialize, ToSchema)]
pub(crate) struct KeyPatchRequest {
    /// What it is for.
    description: Option<String>,
    /// Its end, in seconds since 1970; null for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    valid_until: Option<Value>,
    /// Whether it signs in.
    active: Option<bool>,
    /// Networks from which it is good; from everywhere when there are none.
    networks: Option<Vec<String>>,
}

/// How long a replaced key stays good unless somebody says otherwise.
const OVERLAP: Duration = Duration::from_hours(24);

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

fn invalid(message: &str) -> ApiError {
    ApiError::new(ErrorKind::RequestInvalid, message)
}

fn described(key: &AccessKeyRecord) -> Value {
    let scopes: Vec<&str> = key.scopes.split(' ').collect();
    json!({
        "key_id": key.id.to_string(),
        "description": key.label,
        "scope": scopes,
        "active": key.active,
        "valid_until": key.expires_at.map(epoch),
        "created_at": epoch(key.created_at),
        "used_at": key.used_at.map(epoch),
        "ends_with": key.last_four,
        "networks": key.networks.split_whitespace().collect::<Vec<_>>(),
    })
}

/// The account's keys that were not revoked, newest first.
#[utoipa::path(
    post, path = "/api/v1/apitokens/query", operation_id = "PlatformQueryAccessKeys",
    tag = "access keys",
    request_body(content = QueryRequest),
    responses(
        (status = 200, description = "The keys, all on one page"),
        (status = 401, description = "Nobody is signed in")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn query(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<QueryRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformQueryAccessKeys", &caller))
            .await?;
        if request.filters.is_some_and(|filters| !filters.is_empty()) {
            return Err(invalid(
                "'filters': keys have none; all of them are listed.",
            ));
        }
        let keys = services.access_keys(access.user.id).await?;
        let live = keys.iter().filter(|key| key.revoked_at.is_none());
        let shown: Vec<Value> = live.map(described).collect();
        let limit = shown.len();
        Ok(answer(&json!({
            "result": shown,
            "pagination": { "limit": limit, "next_offset": null },
        })))
    };
    done.await.map_err(in_form)
}

/// One of the account's keys.
#[utoipa::path(
    get, path = "/api/v1/apitokens/{keyId}", operation_id = "PlatformGetAccessKey",
    tag = "access keys",
    params(("keyId" = String, Path, description = "The key's id")),
    responses(
        (status = 200, description = "The key, without its secret"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such key")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn get(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services
            .platform_access("PlatformGetAccessKey", &caller)
            .await?;
        let key = services.platform_key(&access, &id).await?;
        Ok(answer(&described(&key)))
    };
    done.await.map_err(in_form)
}

/// A new key, whose secret is shown this once.
#[utoipa::path(
    post, path = "/api/v1/apitokens", operation_id = "PlatformCreateAccessKey", tag = "access keys",
    request_body(content = KeyRequest),
    responses(
        (status = 200, description = "The key with its secret"),
        (status = 400, description = "A scope is none, the end is past, or there are too many keys"),
        (status = 401, description = "Nobody is signed in")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn create(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<KeyRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformCreateAccessKey", &caller))
            .await?;
        let end = request.valid_until.and_then(|end| instant(&json!(end)));
        let (record, key) = services
            .platform_create_key(
                &access,
                request.description,
                &request.scope,
                end,
                &request.networks,
            )
            .await?;
        let mut shown = described(&record);
        shown["key_secret"] = json!(key.reveal());
        Ok(answer(&shown))
    };
    done.await.map_err(in_form)
}

/// Changes a key.
#[utoipa::path(
    patch, path = "/api/v1/apitokens/{keyId}", operation_id = "PlatformUpdateAccessKey",
    tag = "access keys",
    params(("keyId" = String, Path, description = "The key's id")),
    request_body(content = KeyPatchRequest),
    responses(
        (status = 200, description = "The key as it is now"),
        (status = 400, description = "A member cannot be taken"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such key")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn update(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<KeyPatchRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformUpdateAccessKey", &caller)
                .await?;
            let key = services.platform_key(&access, &id).await?;
            Ok::<_, ApiError>((access, key))
        };
        let ((access, mut key), request) = body.after(allowed).await?;
        if let Some(label) = request.description {
            key.label = label;
        }
        match &request.valid_until {
            None => {}
            Some(Value::Null) => key.expires_at = None,
            Some(end) => {
                let end = instant(end);
                key.expires_at =
                    Some(end.ok_or_else(|| {
                        invalid("'valid_until' is in seconds since 1970, or null.")
                    })?);
            }
        }
        key.active = request.active.unwrap_or(key.active);
        if let Some(networks) = &request.networks {
            key.networks = checked_networks(networks)?;
        }
        services.platform_update_key(&access, &key).await?;
        Ok(answer(&described(&key)))
    };
    done.await.map_err(in_form)
}

/// Makes a key that takes the place of this one, which stays good for a while: nothing has to stand still
/// until every machine has the new one.
#[utoipa::path(
    post, path = "/api/v1/apitokens/{keyId}/rotate", operation_id = "PlatformRotateAccessKey",
    tag = "access keys",
    params(("keyId" = String, Path, description = "The id of the key that is replaced")),
    request_body(content = RotationRequest),
    responses(
        (status = 200, description = "The new key with its secret"),
        (status = 400, description = "The overlap is too long, or there are too many keys"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such key")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn rotate(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<RotationRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformRotateAccessKey", &caller))
            .await?;
        let overlap = request.overlap.map_or(OVERLAP, Duration::from_secs);
        let (record, key) = services.platform_rotate_key(&access, &id, overlap).await?;
        let mut shown = described(&record);
        shown["key_secret"] = json!(key.reveal());
        Ok(answer(&shown))
    };
    done.await.map_err(in_form)
}

/// Revokes a key, and ends every sign-in by it.
#[utoipa::path(
    delete, path = "/api/v1/apitokens/{keyId}", operation_id = "PlatformDeleteAccessKey",
    tag = "access keys",
    params(("keyId" = String, Path, description = "The key's id")),
    responses(
        (status = 200, description = "It is revoked"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such key")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn delete(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let deleted = async {
        let access = services
            .platform_access("PlatformDeleteAccessKey", &caller)
            .await?;
        services.platform_delete_key(&access, &id).await?;
        Ok(done())
    };
    deleted.await.map_err(in_form)
}
