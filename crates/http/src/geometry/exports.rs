//! `ComputeExports`, `GetCachedExports` and `ListExportVersions`.

use axum::Json;
use axum::extract::State;
use vitrine_service::computations::States;
use vitrine_service::who::SessionAccess;
use vitrine_service::{ResultKind, Services};

use super::links::Links;
use super::outputs::outputs;
use super::wire::convert::{self, export_request};
use super::wire::{
    API_VERSION, ComputeQuery, ListOutputVersionsQuery, PAGE_ITEMS_MAX, ReqExport,
    ReqExportOrCache, ResComputeExports, ResExportList, ResGetCachedExports, ResListExportVersions,
    ResPagination,
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
    let (access, request) = body
        .after(|| services.session_access("ComputeExports", &id, &caller))
        .await?;
    let request = export_request(request)?;
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
    let (access, wanted) = body
        .after(|| services.session_access("GetCachedExports", &id, &caller))
        .await?;
    let states = match wanted {
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

/// Lists what was computed of one export.
#[utoipa::path(
    get, path = "/api/v2/session/{sessionId}/export/{exportId}/list",
    operation_id = "ListExportVersions", tag = "export",
    params(
        ("sessionId" = String, Path, description = "Id of the session"),
        ("exportId" = String, Path, description = "Id of the export"),
        ListOutputVersionsQuery
    ),
    responses((status = 200, description = "A page of versions, newest first", body = ResListExportVersions)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn list_versions(
    State(services): State<Services>,
    From(caller): From,
    Path((id, export)): Path<(String, String)>,
    Query(query): Query<ListOutputVersionsQuery>,
) -> Result<Json<ResListExportVersions>, ApiError> {
    let access = services
        .session_access("ListExportVersions", &id, &caller)
        .await?;
    let limit = PAGE_ITEMS_MAX;
    let (records, next) = if query.wants_success() {
        let offset = query.offset.as_deref();
        services
            .list_versions(&access, ResultKind::Export, &export, limit, offset)
            .await?
    } else {
        (Vec::new(), None)
    };
    let links = Links::of(&services, &access);
    let href = |content: &_, name| links.export(content, name);
    let definition = access.model.definition.as_deref();
    let found = definition.and_then(|all| all.exports.iter().find(|e| e.id.as_str() == export));
    Ok(Json(ResListExportVersions {
        list: ResExportList {
            export: found
                .map(|export| convert::export_versions(export, &records, &href))
                .unwrap_or_default(),
        },
        pagination: ResPagination {
            limit,
            next_offset: next,
        },
        version: API_VERSION,
    }))
}
