//! `GET` and `DELETE /api/v1/users/users/{userId}/apiclients`: where an account is signed in.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use vitrine_access::ids::TokenId;
use vitrine_service::platform::client_name;
use vitrine_service::{Services, SignInRecord};

use super::Asking;
use super::users::own;
use super::wire::{answer, done, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::Path;

/// The sign-ins of the account that can still be renewed, newest first.
#[utoipa::path(
    get, path = "/api/v1/users/users/{userId}/apiclients", operation_id = "PlatformListSignIns",
    tag = "users",
    params(("userId" = String, Path, description = "The signed-in user's id")),
    responses(
        (status = 200, description = "The sign-ins"),
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
            .platform_access("PlatformListSignIns", &caller)
            .await?;
        own(&access, &id)?;
        let rows = services.sign_ins(access.user.id).await?;
        let mut shown = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut one = described(row);
            if one["client_name"].is_null()
                && let Ok(application) = services.platform_application(&row.client).await
            {
                one["client_name"] = json!(application.name);
            }
            shown.push(one);
        }
        Ok(answer(&Value::from(shown)))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// Ends a sign-in of the account at once.
#[utoipa::path(
    delete, path = "/api/v1/users/users/{userId}/apiclients/{signInId}",
    operation_id = "PlatformEndSignIn", tag = "users",
    params(
        ("userId" = String, Path, description = "The signed-in user's id"),
        ("signInId" = String, Path, description = "The sign-in's id")
    ),
    responses(
        (status = 200, description = "It has ended"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such sign-in")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn end(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path((id, sign_in)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let ended = async {
        let access = services
            .platform_access("PlatformEndSignIn", &caller)
            .await?;
        own(&access, &id)?;
        let sign_in: TokenId = sign_in.parse().map_err(|_| unknown())?;
        if !services.platform_end_sign_in(&access, sign_in).await? {
            return Err(unknown());
        }
        Ok(done())
    };
    ended
        .await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

fn unknown() -> ApiError {
    ApiError::new(
        ErrorKind::EntityUnknown,
        "The account has no such sign-in, or it has ended.",
    )
}

fn described(row: &SignInRecord) -> Value {
    json!({
        "id": row.id.to_string(),
        "client_id": row.client,
        "client_name": client_name(&row.client),
        "created_at": epoch(row.created_at),
        "updated_at": epoch(row.used_at),
        "expire_at": epoch(row.expires_at),
        "location": null,
        "num_requests": row.renewals,
        "max_requests": null,
    })
}
