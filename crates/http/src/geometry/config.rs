//! `GetModelConfig`, `CreateModelConfig` and `UpdateModelConfig`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use vitrine_service::Services;

use super::wire::{
    API_VERSION, ReqConfigure, ResCreateModelConfig, ResGetModelConfig, ResUpdateModelConfig,
    ResViewer, ViewerHeaders,
};
use crate::error::ApiError;
use crate::extract::{From, Path, Unread};

/// The viewer's settings, as the asking viewer can read them.
#[utoipa::path(
    get, path = "/api/v2/model/{modelId}/config", operation_id = "GetModelConfig", tag = "model",
    params(("modelId" = String, Path, description = "Id of the model")),
    responses((status = 200, description = "The viewer's settings", body = ResGetModelConfig)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn get(
    State(services): State<Services>,
    From(caller): From,
    Path(model): Path<String>,
    headers: HeaderMap,
) -> Result<Json<ResGetModelConfig>, ApiError> {
    let access = services
        .author_access("GetModelConfig", &model, &caller)
        .await?;
    Ok(Json(ResGetModelConfig {
        message: None,
        version: API_VERSION,
        viewer: ResViewer::for_viewer(&access.model.viewer_config, &ViewerHeaders::read(&headers)),
    }))
}

/// Replaces the viewer's settings.
#[utoipa::path(
    post, path = "/api/v2/model/{modelId}/config", operation_id = "CreateModelConfig", tag = "model",
    params(("modelId" = String, Path, description = "Id of the model")),
    request_body = ReqConfigure,
    responses((status = 200, description = "The settings are kept", body = ResCreateModelConfig)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn create(
    State(services): State<Services>,
    From(caller): From,
    Path(model): Path<String>,
    config: Unread<ReqConfigure>,
) -> Result<Json<ResCreateModelConfig>, ApiError> {
    let operation = "CreateModelConfig";
    let (access, config) = config
        .after(|| services.author_access(operation, &model, &caller))
        .await?;
    services
        .replace_viewer_config(access.model.id, config.0)
        .await?;
    services.note_allowed(operation, &caller, Some(access.model.id));
    Ok(Json(ResCreateModelConfig::default()))
}

/// Replaces the members of the viewer's settings that are sent.
#[utoipa::path(
    patch, path = "/api/v2/model/{modelId}/config", operation_id = "UpdateModelConfig",
    tag = "model",
    params(("modelId" = String, Path, description = "Id of the model")),
    request_body = ReqConfigure,
    responses((status = 200, description = "The settings are kept", body = ResUpdateModelConfig)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn update(
    State(services): State<Services>,
    From(caller): From,
    Path(model): Path<String>,
    changes: Unread<ReqConfigure>,
) -> Result<Json<ResUpdateModelConfig>, ApiError> {
    let operation = "UpdateModelConfig";
    let (access, changes) = changes
        .after(|| services.author_access(operation, &model, &caller))
        .await?;
    services
        .merge_viewer_config(access.model.id, changes.0)
        .await?;
    services.note_allowed(operation, &caller, Some(access.model.id));
    Ok(Json(ResUpdateModelConfig::default()))
}
