//! What authors change: `UpdateParameterDefaultValues`, `UpdateParameterDefinitions`,
//! `UpdateOutputDefinitions`, `UpdateExportDefinitions`.
//!
//! The contract knows tokens here. Vitrine also takes the session of an author's ticket, named in the
//! header `X-Vitrine-Session`: a page that an author opened may then save what the author changed.

use axum::Json;
use axum::extract::State;
use vitrine_service::Services;

use super::wire::convert::{export_changes, output_changes, parameter_changes};
use super::wire::{
    ComputeQuery, ReqCustomization, ReqExportDefinitions, ReqOutputDefinitions,
    ReqParameterDefinitions, ResUpdateExportDefinitions, ResUpdateOutputDefinitions,
    ResUpdateParameterDefaultValues, ResUpdateParameterDefinitions,
};
use crate::error::ApiError;
use crate::extract::{From, Path, Query, Unread};

/// Sets the values with which sessions open.
#[utoipa::path(
    patch, path = "/api/v2/model/{modelId}/parameter/defval",
    operation_id = "UpdateParameterDefaultValues", tag = "model",
    params(("modelId" = String, Path, description = "Id of the model"), ComputeQuery),
    request_body = ReqCustomization,
    responses((status = 200, description = "The values are set", body = ResUpdateParameterDefaultValues)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn default_values(
    State(services): State<Services>,
    From(caller): From,
    Path(model): Path<String>,
    Query(query): Query<ComputeQuery>,
    values: Unread<ReqCustomization>,
) -> Result<Json<ResUpdateParameterDefaultValues>, ApiError> {
    let operation = "UpdateParameterDefaultValues";
    let (access, values) = values
        .after(|| services.author_access(operation, &model, &caller))
        .await?;
    let values = values.into_raw()?;
    services
        .set_default_values(access.model.id, &values, query.ignore_unknown_params)
        .await?;
    services.note_allowed(operation, &caller, Some(access.model.id));
    Ok(Json(ResUpdateParameterDefaultValues::default()))
}

/// Changes how parameters are shown.
#[utoipa::path(
    patch, path = "/api/v2/model/{modelId}/parameter",
    operation_id = "UpdateParameterDefinitions", tag = "model",
    params(("modelId" = String, Path, description = "Id of the model")),
    request_body = ReqParameterDefinitions,
    responses((status = 200, description = "The members are set", body = ResUpdateParameterDefinitions)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn parameters(
    State(services): State<Services>,
    From(caller): From,
    Path(model): Path<String>,
    request: Unread<ReqParameterDefinitions>,
) -> Result<Json<ResUpdateParameterDefinitions>, ApiError> {
    let operation = "UpdateParameterDefinitions";
    let (access, request) = request
        .after(|| services.author_access(operation, &model, &caller))
        .await?;
    services
        .present_parameters(access.model.id, parameter_changes(request))
        .await?;
    services.note_allowed(operation, &caller, Some(access.model.id));
    Ok(Json(ResUpdateParameterDefinitions::default()))
}

/// Changes how outputs are shown.
#[utoipa::path(
    patch, path = "/api/v2/model/{modelId}/output", operation_id = "UpdateOutputDefinitions",
    tag = "output",
    params(("modelId" = String, Path, description = "Id of the model")),
    request_body = ReqOutputDefinitions,
    responses((status = 200, description = "The members are set", body = ResUpdateOutputDefinitions)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn outputs(
    State(services): State<Services>,
    From(caller): From,
    Path(model): Path<String>,
    request: Unread<ReqOutputDefinitions>,
) -> Result<Json<ResUpdateOutputDefinitions>, ApiError> {
    let operation = "UpdateOutputDefinitions";
    let (access, request) = request
        .after(|| services.author_access(operation, &model, &caller))
        .await?;
    services
        .present_outputs(access.model.id, output_changes(request)?)
        .await?;
    services.note_allowed(operation, &caller, Some(access.model.id));
    Ok(Json(ResUpdateOutputDefinitions::default()))
}

/// Changes how exports are shown.
#[utoipa::path(
    patch, path = "/api/v2/model/{modelId}/export", operation_id = "UpdateExportDefinitions",
    tag = "export",
    params(("modelId" = String, Path, description = "Id of the model")),
    request_body = ReqExportDefinitions,
    responses((status = 200, description = "The members are set", body = ResUpdateExportDefinitions)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn exports(
    State(services): State<Services>,
    From(caller): From,
    Path(model): Path<String>,
    request: Unread<ReqExportDefinitions>,
) -> Result<Json<ResUpdateExportDefinitions>, ApiError> {
    let operation = "UpdateExportDefinitions";
    let (access, request) = request
        .after(|| services.author_access(operation, &model, &caller))
        .await?;
    services
        .present_exports(access.model.id, export_changes(request))
        .await?;
    services.note_allowed(operation, &caller, Some(access.model.id));
    Ok(Json(ResUpdateExportDefinitions::default()))
}
