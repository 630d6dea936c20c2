//! `GET /api/v1/users/{id}`.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use vitrine_access::ids::UserId;
use vitrine_service::platform::PlatformAccess;
use vitrine_service::{Services, UserRecord};

use super::Asking;
use super::wire::{answer, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::Path;

/// The account itself. Nobody else is seen.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}", operation_id = "PlatformGetUser", tag = "users",
    params(("userId" = String, Path, description = "The signed-in user's id")),
    responses(
        (status = 200, description = "The user"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "There is no such user, as far as the caller may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn get(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services.platform_access("PlatformGetUser", &caller).await?;
        own(&access, &id)?;
        Ok(answer(&self_level(&access)))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// Nobody but the account itself is known to be there.
pub(super) fn own(access: &PlatformAccess, id: &str) -> Result<(), ApiError> {
    if id.parse::<UserId>().ok() == Some(access.user.id) {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorKind::EntityUnknown,
        "There is no such user. Ask for the user that is signed in.",
    ))
}

fn self_level(access: &PlatformAccess) -> Value {
    let user = &access.user;
    let mut shown = minimal(user);
    let more = json!({
        "permissions": ["get_rest_model_public_minimal", "get_rest_model_public", "get_rest_model_self"],
        "email": user.email,
        "organization_id": access.owner.organization.map(|id| id.to_string()),
        "created_at": epoch(user.created_at),
        "updated_at": epoch(user.created_at),
        "roles": [],
        "mailing": {},
        "identities": {},
    });
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
        shown.extend(more);
    }
    shown
}

/// What is shown of a user beside a model.
pub(super) fn minimal(user: &UserRecord) -> Value {
    json!({
        "id": user.id.to_string(),
        "first_name": user.name,
        "last_name": null,
        "username": user.name,
        "avatar_url": null,
        "slug": user.id.to_string(),
        "visibility": "private",
        "visibility_nominal": "private",
        "policies_granted": [],
        "policies_denied": [],
        "permissions": [],
    })
}
