//! The end of a model: `DeleteModel`, `RestoreModel`, `EraseModel`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use vitrine_service::Services;

use super::wire::ResDeleteModel;
use crate::error::ApiError;
use crate::extract::{From, Path};

/// Deletes a model so that it can be restored. Its sessions are refused at once.
#[utoipa::path(
    delete, path = "/api/v2/model/{modelId}", operation_id = "DeleteModel", tag = "model",
    params(("modelId" = String, Path, description = "Id of the model")),
    responses((status = 200, description = "The model is deleted", body = ResDeleteModel)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn delete(
    State(services): State<Services>,
    From(caller): From,
    Path(model): Path<String>,
) -> Result<Json<ResDeleteModel>, ApiError> {
    let access = services
        .model_access("DeleteModel", &model, &caller)
        .await?;
    services.delete_model(access.model.id).await?;
    services.note_allowed("DeleteModel", &caller, Some(access.model.id));
    Ok(Json(ResDeleteModel::default()))
}

/// Brings a deleted model back as it was.
#[utoipa::path(
    put, path = "/api/v2/model/{modelId}/restore", operation_id = "RestoreModel", tag = "model",
    params(("modelId" = String, Path, description = "Id of the model")),
    responses((status = 200, description = "The model is as it was", body = ResDeleteModel)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn restore(
    State(services): State<Services>,
    From(caller): From,
    Path(model): Path<String>,
) -> Result<Json<ResDeleteModel>, ApiError> {
    let access = services
        .model_access("RestoreModel", &model, &caller)
        .await?;
    services.restore_model(access.model.id).await?;
    services.note_allowed("RestoreModel", &caller, Some(access.model.id));
    Ok(Json(ResDeleteModel::default()))
}

/// Deletes a model for good, with its results, sessions and tickets. What was charged stays.
#[utoipa::path(
    delete, path = "/api/v2/system/model/{modelId}", operation_id = "EraseModel", tag = "system",
    params(("modelId" = String, Path, description = "Id of the model")),
    responses((status = 202, description = "The model is being erased", body = ResDeleteModel)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn erase(
    State(services): State<Services>,
    From(caller): From,
    Path(model): Path<String>,
) -> Result<(StatusCode, Json<ResDeleteModel>), ApiError> {
    let access = services.model_access("EraseModel", &model, &caller).await?;
    services.erase_model(access.model.id).await?;
    services.note_allowed("EraseModel", &caller, Some(access.model.id));
    Ok((StatusCode::ACCEPTED, Json(ResDeleteModel::default())))
}
