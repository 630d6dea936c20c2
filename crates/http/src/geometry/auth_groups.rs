//! `CreateAuthorizationGroup`.

use std::str::FromStr;

use std::future::ready;

use axum::Json;
use axum::extract::State;
use vitrine_service::Services;
use vitrine_service::coverage::GroupMembers;

use super::wire::{API_VERSION, ReqAuthorizationGroup, ResCreateAuthorizationGroup};
use crate::error::{ApiError, ErrorKind};
use crate::extract::{From, Unread};

/// Makes a group that tokens may stand for.
#[utoipa::path(
    post, path = "/api/v2/auth_group", operation_id = "CreateAuthorizationGroup",
    tag = "auth-group", request_body = ReqAuthorizationGroup,
    responses((status = 200, description = "The group", body = ResCreateAuthorizationGroup)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn create(
    State(services): State<Services>,
    From(caller): From,
    request: Unread<ReqAuthorizationGroup>,
) -> Result<Json<ResCreateAuthorizationGroup>, ApiError> {
    let (_, request) = request
        .after(|| ready(services.backend_only("CreateAuthorizationGroup", &caller)))
        .await?;
    let members = GroupMembers {
        models: ids("models", &request.models)?,
        users: ids("users", &request.users)?,
        organizations: ids("organizations", &request.organizations)?,
    };
    let group = services.create_auth_group(members).await?;
    services.note_allowed("CreateAuthorizationGroup", &caller, None);
    Ok(Json(ResCreateAuthorizationGroup {
        auth_group: group.to_string(),
        version: API_VERSION,
    }))
}

fn ids<T: FromStr>(member: &str, texts: &[String]) -> Result<Vec<T>, ApiError> {
    texts
        .iter()
        .map(|text| {
            text.parse().map_err(|_| {
                ApiError::new(
                    ErrorKind::RequestInvalid,
                    format!("'{member}' holds something that is no id. Give UUIDs."),
                )
            })
        })
        .collect()
}
