//! `GetModelConfig`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use vitrine_service::Services;

use super::wire::{API_VERSION, ResGetModelConfig, ResViewer, ViewerHeaders};
use crate::error::ApiError;
use crate::extract::{From, Path};

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
        .model_access("GetModelConfig", &model, &caller)
        .await?;
    Ok(Json(ResGetModelConfig {
        message: None,
        version: API_VERSION,
        viewer: ResViewer::for_viewer(&access.model.viewer_config, &ViewerHeaders::read(&headers)),
    }))
}
