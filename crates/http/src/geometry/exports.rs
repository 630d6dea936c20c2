//! `ComputeExports` and `GetCachedExports`.

use axum::Json;
use axum::extract::State;
use vitrine_service::computations::States;
use vitrine_service::who::SessionAccess;
use vitrine_service::{ResultKind, Services};

use super::links::Links;
use super::outputs::outputs;
use super::wire::convert::{self, export_request};
use super::wire::{
    API_VERSION, ComputeQuery, ReqExport, ReqExportOrCache, ResComputeExports, ResGetCachedExports,
};
use crate::error::ApiError;
use crate::extract::{From, Path, Query, Unread};

fn answer(services: &Services, access: &SessionAccess, states: &States) -> ResComputeExports {
    let links = Links::of(services, access);
    let href = |content: &_, name| links.export(content, name);
    let definition = access.model.definition.as_deref();
    ResComputeExports {
        exports: definition
            .map(|definition| convert::exports(definition, &states.exports, &href))
            .unwrap_or_default(),
        message: None,
        outputs: (!states.outputs.is_empty()).then(|| outputs(services, access, &states.outputs)),
        version: API_VERSION,
    }
}

/// Computes exports for the given values.
#[utoipa::path(
    put, path = "/api/v2/session/{sessionId}/export", operation_id = "ComputeExports",
    tag = "export",
    params(("sessionId" = String, Path, description = "Id of the session"), ComputeQuery),
    request_body = ReqExport,
    responses((status = 200, description = "The exports, each complete or pending", body = ResComputeExports))
)]
pub(crate) async fn compute(
    State(services): State<Services>,
    From(caller): From,
    Path(id): Path<String>,
    Query(query): Query<ComputeQuery>,
    body: Unread<ReqExport>,
) -> Result<Json<ResComputeExports>, ApiError> {
    let access = services
        .session_access("ComputeExports", &id, &caller)
        .await?;
    let request = export_request(body.read()?)?;
    let states = services
        .compute_exports(&access, &request, query.ignore_unknown_params)
        .await?;
    Ok(Json(answer(&services, &access, &states)))
}

/// Shows exports that were computed before; starts nothing.
#[utoipa::path(
    put, path = "/api/v2/session/{sessionId}/export/cache", operation_id = "GetCachedExports",
    tag = "export",
    params(("sessionId" = String, Path, description = "Id of the session"), ComputeQuery),
    request_body = ReqExportOrCache,
    responses((status = 200, description = "The exports, each complete or pending", body = ResGetCachedExports))
)]
pub(crate) async fn cached(
    State(services): State<Services>,
    From(caller): From,
    Path(id): Path<String>,
    Query(query): Query<ComputeQuery>,
    body: Unread<ReqExportOrCache>,
) -> Result<Json<ResGetCachedExports>, ApiError> {
    let access = services
        .session_access("GetCachedExports", &id, &caller)
        .await?;
    let states = match body.read()? {
        ReqExportOrCache::Versions(versions) => States {
            outputs: Vec::new(),
            exports: services
                .cached_versions(&access, ResultKind::Export, &versions.into_pairs())
                .await?,
        },
        ReqExportOrCache::Export(request) => {
            let request = export_request(request)?;
            services
                .cached_exports(&access, &request, query.ignore_unknown_params)
                .await?
        }
    };
    Ok(Json(answer(&services, &access, &states)))
}
