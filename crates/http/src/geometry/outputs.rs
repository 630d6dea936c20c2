//! ComputeOutputs, GetCachedOutputs and ListOutputVersions.

use axum::Json;
use axum::extract::State;
use vitrine_service::Services;
use vitrine_service::who::SessionAccess;
use vitrine_store::ResultKind;

use super::states::Holder;
use super::wire::{
    API_VERSION, CacheRequest, ComputationStatus, ComputeQuery, ListOutputVersionsQuery,
    PAGE_ITEMS_MAX, ReqCustomization, ReqCustomizationOrCache, ResComputeOutputs,
    ResGetCachedOutputs, ResListOutputVersions, ResOutputList, ResPagination,
};
use crate::error::ApiError;
use crate::extract::{From, Json as Body, Path, Query};

/// The links of an answer to `access`.
pub(crate) fn holder<'a>(services: &'a Services, access: &'a SessionAccess) -> Holder<'a> {
    let token = access
        .token
        .as_ref()
        .filter(|_| access.model.settings.require_token)
        .map(|verified| (verified.token.id, verified.token.expires_at));
    Holder { services, session: &access.session, model: &access.model, token }
}

/// Computes all outputs for the given values.
#[utoipa::path(
    put, path = "/api/v2/session/{sessionId}/output", operation_id = "ComputeOutputs",
    tag = "output",
    params(("sessionId" = String, Path, description = "Id of the session"), ComputeQuery),
    request_body = ReqCustomization,
    responses((status = 200, description = "All outputs, each complete or pending", body = ResComputeOutputs))
)]
pub(crate) async fn compute(
    State(services): State<Services>,
    From(caller): From,
    Path(id): Path<String>,
    Query(query): Query<ComputeQuery>,
    Body(values): Body<ReqCustomization>,
) -> Result<Json<ResComputeOutputs>, ApiError> {
    let access = services.session_access("ComputeOutputs", &id, &caller).await?;
    let states = services
        .compute_outputs(&access, &values.into_raw()?, query.ignore_unknown_params)
        .await?;
    Ok(Json(ResComputeOutputs {
        message: None,
        outputs: holder(&services, &access).outputs(states),
        version: API_VERSION,
    }))
}

/// Shows outputs that were computed before; starts nothing.
#[utoipa::path(
    put, path = "/api/v2/session/{sessionId}/output/cache", operation_id = "GetCachedOutputs",
    tag = "output",
    params(("sessionId" = String, Path, description = "Id of the session"), ComputeQuery),
    request_body = ReqCustomizationOrCache,
    responses((status = 200, description = "The outputs, each complete or pending", body = ResGetCachedOutputs))
)]
pub(crate) async fn cached(
    State(services): State<Services>,
    From(caller): From,
    Path(id): Path<String>,
    Query(query): Query<ComputeQuery>,
    Body(body): Body<ReqCustomizationOrCache>,
) -> Result<Json<ResGetCachedOutputs>, ApiError> {
    let access = services.session_access("GetCachedOutputs", &id, &caller).await?;
    let definition = access.model.definition.as_deref();
    let is_output = |key: &str| {
        definition.is_some_and(|definition| {
            definition.outputs.iter().any(|output| output.id.to_string() == key)
        })
    };
    let states = match body.classify(is_output)? {
        CacheRequest::Versions(versions) => {
            services
                .cached_versions(&access, ResultKind::Output, &versions.into_pairs())
                .await?
        }
        CacheRequest::Customization(values) => {
            services
                .cached_outputs(&access, &values.into_raw()?, query.ignore_unknown_params)
                .await?
        }
    };
    Ok(Json(ResComputeOutputs {
        message: None,
        outputs: holder(&services, &access).outputs(states),
        version: API_VERSION,
    }))
}

/// Lists what was computed of one output.
#[utoipa::path(
    get, path = "/api/v2/session/{sessionId}/output/{outputId}/list",
    operation_id = "ListOutputVersions", tag = "output",
    params(
        ("sessionId" = String, Path, description = "Id of the session"),
        ("outputId" = String, Path, description = "Id of the output"),
        ListOutputVersionsQuery
    ),
    responses((status = 200, description = "A page of versions, newest first", body = ResListOutputVersions)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn list_versions(
    State(services): State<Services>,
    From(caller): From,
    Path((id, output)): Path<(String, String)>,
    Query(query): Query<ListOutputVersionsQuery>,
) -> Result<Json<ResListOutputVersions>, ApiError> {
    let access = services.session_access("ListOutputVersions", &id, &caller).await?;
    let limit = PAGE_ITEMS_MAX;
    // Only results are kept, and a result is a success: another status matches nothing.
    let wants_success = |status: Option<ComputationStatus>| {
        status.is_none_or(|status| status == ComputationStatus::Success)
    };
    let (records, next) =
        if wants_success(query.status_computation) && wants_success(query.status_collect) {
            services
                .list_versions(&access, ResultKind::Output, &output, limit, query.offset.as_deref())
                .await?
        } else {
            (Vec::new(), None)
        };
    let holder = holder(&services, &access);
    Ok(Json(ResListOutputVersions {
        list: ResOutputList {
            output: records.iter().filter_map(|record| holder.stored_output(record)).collect(),
        },
        pagination: ResPagination { limit, next_offset: next },
        version: API_VERSION,
    }))
}
