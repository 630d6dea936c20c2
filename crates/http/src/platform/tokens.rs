//! `POST /api/v1/tokens`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use vitrine_service::Services;
use vitrine_service::coverage::AUTH_GROUP_MEMBERS_MAX;
use vitrine_service::platform::PlatformGuest;

use super::Asking;
use super::wire::answer;
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::Unread;

/// What token is wanted.
#[derive(Deserialize, ToSchema)]
pub(crate) struct TokensRequest {
    /// One model, by id or slug.
    id: Option<String>,
    /// Several models.
    #[serde(default)]
    ids: Vec<String>,
    /// What it shall permit.
    scope: Vec<String>,
    /// Seconds that it shall hold, if shorter than usual.
    lifetime: Option<u64>,
}

/// A token of the Geometry API for models that the account may see.
#[utoipa::path(
    post, path = "/api/v1/tokens", operation_id = "PlatformCreateTokens", tag = "tokens",
    request_body(content = TokensRequest),
    responses(
        (status = 200, description = "The token and where it is good"),
        (status = 400, description = "The request is wrong"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account may have no such token for a model"),
        (status = 404, description = "There is no such model, as far as the account may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn create(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<TokensRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformCreateTokens", &caller))
            .await?;
        let several = request.id.is_none();
        let mut keys: Vec<String> = request.id.into_iter().chain(request.ids).collect();
        if keys.len() > AUTH_GROUP_MEMBERS_MAX {
            return Err(ApiError::new(
                ErrorKind::RequestInvalid,
                format!("'ids' has at most {AUTH_GROUP_MEMBERS_MAX} entries."),
            ));
        }
        // What is named twice is looked for once.
        keys.sort_unstable();
        keys.dedup();
        let guest = PlatformGuest::of(access.clone());
        let mut models = Vec::with_capacity(keys.len());
        for key in &keys {
            models.push(services.platform_model(&guest, key).await?);
        }
        let token = services
            .platform_tokens(&access, &models, request.scope, request.lifetime)
            .await?;
        let url = &services.settings().public_url;
        let mut shown = json!({
            "access_token": token,
            "model_view_url": url,
            "model_mgmt_url": url,
        });
        let guids: Vec<String> = models
            .iter()
            .map(|model| model.record.id.to_string())
            .collect();
        if several {
            shown["guids"] = json!(guids);
        } else {
            shown["guid"] = json!(guids.first());
        }
        Ok(answer(&shown))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}
