//! `POST /api/v1/setup` (ours): the first administrator, by the link that a new server prints.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use vitrine_service::Services;
use vitrine_service::platform::NewUser;

use super::wire::answer;
use crate::error::{ApiError, Form};
use crate::extract::{Tokenless, Unread};

/// The first administrator.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SetUpRequest {
    /// The secret at the end of the link.
    token: String,
    /// Address, with which they sign in.
    email: String,
    /// What they sign in with.
    password: String,
    /// Display name.
    #[serde(default)]
    name: String,
}

/// Makes the first administrator. The link is used up by it.
#[utoipa::path(
    post, path = "/api/v1/setup", operation_id = "PlatformSetUp", tag = "users",
    request_body(content = SetUpRequest),
    responses(
        (status = 200, description = "The account, which can sign in"),
        (status = 400, description = "The address or the password cannot be taken; the link stays good"),
        (status = 403, description = "The link was used, or is not the newest"),
        (status = 410, description = "The link is over")
    ),
    security(())
)]
pub(crate) async fn set_up(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    body: Unread<SetUpRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let request = body.read().await?;
        let new = NewUser {
            email: request.email,
            name: request.name,
            password: request.password,
            administrator: true,
        };
        let made = services
            .set_up("PlatformSetUp", &request.token, new, &caller)
            .await?;
        Ok(answer(
            &json!({ "id": made.id.to_string(), "email": made.email }),
        ))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}
