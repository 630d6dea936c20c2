//! `/api/v1/users/{userId}/second_factor` (ours): codes of an authenticator program beside the password.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_service::Services;

use super::Asking;
use super::users::own;
use super::wire::{answer, done};
use crate::error::{ApiError, Form};
use crate::extract::{Path, Unread};

/// Who asks, once more.
#[derive(Deserialize, ToSchema)]
pub(crate) struct BeginRequest {
    /// The present password, where the account has one.
    password: Option<String>,
}

/// The first code.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ConfirmRequest {
    /// What the authenticator program shows.
    otp: String,
}

/// Who asks, once more and by both.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RemoveRequest {
    /// The present password, where the account has one.
    password: Option<String>,
    /// What the authenticator program shows, or a recovery code.
    otp: Option<String>,
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

/// A secret for an authenticator program. Sign-ins ask for its codes once the first one was shown.
#[utoipa::path(
    post, path = "/api/v1/users/{userId}/second_factor", operation_id = "PlatformBeginSecondFactor",
    tag = "users",
    params(("userId" = String, Path, description = "The signed-in user's id")),
    request_body(content = BeginRequest),
    responses(
        (status = 200, description = "The secret, and the address that authenticator programs read"),
        (status = 400, description = "A second factor is on already"),
        (status = 401, description = "Nobody is signed in, or the password is wrong"),
        (status = 404, description = "There is no such user, as far as the caller may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn begin(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<BeginRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformBeginSecondFactor", &caller)
                .await?;
            own(&access, &id)?;
            Ok::<_, ApiError>(access)
        };
        let (access, request) = body.after(allowed).await?;
        let secret = services
            .platform_begin_second_factor(&access, request.password.as_deref())
            .await?;
        Ok(answer(
            &json!({ "secret": secret.base32, "url": secret.url }),
        ))
    };
    done.await.map_err(in_form)
}

/// Switches the second factor on. The recovery codes are shown this once; every other sign-in ends.
#[utoipa::path(
    post, path = "/api/v1/users/{userId}/second_factor/confirm",
    operation_id = "PlatformConfirmSecondFactor", tag = "users",
    params(("userId" = String, Path, description = "The signed-in user's id")),
    request_body(content = ConfirmRequest),
    responses(
        (status = 200, description = "It is on; the recovery codes"),
        (status = 400, description = "There is nothing to be confirmed"),
        (status = 401, description = "Nobody is signed in, or the code is wrong"),
        (status = 404, description = "There is no such user, as far as the caller may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn confirm(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<ConfirmRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformConfirmSecondFactor", &caller)
                .await?;
            own(&access, &id)?;
            Ok::<_, ApiError>(access)
        };
        let (access, request) = body.after(allowed).await?;
        let codes = services
            .platform_confirm_second_factor(&access, &request.otp)
            .await?;
        let codes: Vec<Value> = codes.iter().map(|code| json!(code.reveal())).collect();
        Ok(answer(&json!({ "recovery_codes": codes })))
    };
    done.await.map_err(in_form)
}

/// Switches the second factor off.
#[utoipa::path(
    post, path = "/api/v1/users/{userId}/second_factor/remove",
    operation_id = "PlatformRemoveSecondFactor", tag = "users",
    params(("userId" = String, Path, description = "The signed-in user's id")),
    request_body(content = RemoveRequest),
    responses(
        (status = 200, description = "It is off"),
        (status = 400, description = "There is none"),
        (status = 401, description = "Nobody is signed in, or the password or the code is wrong"),
        (status = 404, description = "There is no such user, as far as the caller may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn remove(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<RemoveRequest>,
) -> Result<Response, ApiError> {
    let removed = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformRemoveSecondFactor", &caller)
                .await?;
            own(&access, &id)?;
            Ok::<_, ApiError>(access)
        };
        let (access, request) = body.after(allowed).await?;
        services
            .platform_remove_second_factor(
                &access,
                request.password.as_deref(),
                request.otp.as_deref(),
            )
            .await?;
        Ok(done())
    };
    removed.await.map_err(in_form)
}
