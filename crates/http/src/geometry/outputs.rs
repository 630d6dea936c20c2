//! `ComputeOutputs`, `GetCachedOutputs` and `ListOutputVersions`.

use axum::Json;
use axum::extract::State;
use vitrine_service::computations::ItemStates;
use vitrine_service::who::SessionAccess;
use vitrine_service::{ResultKind, Services};

use super::links::Links;
use super::wire::convert;
use super::wire::{
    API_VERSION, CacheRequest, ComputeQuery, Directory, ListOutputVersionsQuery, PAGE_ITEMS_MAX,
    ReqCustomization, ReqCustomizationOrCache, ResComputeOutputs, ResGetCachedOutputs,
    ResListOutputVersions, ResOutputList, ResOutputOrDefinition, ResPagination,
};
use crate::error::ApiError;
use crate::extract::{From, Path, Query, Unread};

/// Outputs on the wire, with links for the session that asks.
pub(crate) fn outputs(
    services: &Services,
    access: &SessionAccess,
    states: &ItemStates,
) -> Directory<ResOutputOrDefinition> {
    let links = Links::of(services, access);
    let href = |content: &_, name| links.output(content, name);
    access
        .model
        .definition
        .as_deref()
        .map(|definition| convert::outputs(definition, states, &href))
        .unwrap_or_default()
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
    values: Unread<ReqCustomization>,
) -> Result<Json<ResComputeOutputs>, ApiError> {
    let (access, values) = values
        .after(|| services.session_access("ComputeOutputs", &id, &caller))
        .await?;
    let values = values.into_raw()?;
    let states = services
        .compute_outputs(&access, &values, query.ignore_unknown_params)
        .await?;
    Ok(Json(ResComputeOutputs {
        message: None,
        outputs: outputs(&services, &access, &states),
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
    body: Unread<ReqCustomizationOrCache>,
) -> Result<Json<ResGetCachedOutputs>, ApiError> {
    let (access, wanted) = body
        .after(|| services.session_access("GetCachedOutputs", &id, &caller))
        .await?;
    let definition = access.model.definition.as_deref();
    let is_output = |key: &str| {
        definition.is_some_and(|definition| {
            definition
                .outputs
                .iter()
                .any(|output| output.id.to_string() == key)
        })
    };
    let states = match wanted.classify(is_output)? {
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
        outputs: outputs(&services, &access, &states),
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
    let access = services
        .session_access("ListOutputVersions", &id, &caller)
        .await?;
    let limit = PAGE_ITEMS_MAX;
    let (records, next) = if query.wants_success() {
        let offset = query.offset.as_deref();
        services
            .list_versions(&access, ResultKind::Output, &output, limit, offset)
            .await?
    } else {
        (Vec::new(), None)
    };
    let links = Links::of(&services, &access);
    let href = |content: &_, name| links.output(content, name);
    let definition = access.model.definition.as_deref();
    let found = definition.and_then(|all| all.outputs.iter().find(|o| o.id.as_str() == output));
    Ok(Json(ResListOutputVersions {
        list: ResOutputList {
            output: found
                .map(|output| convert::output_versions(output, &records, &href))
                .unwrap_or_default(),
        },
        pagination: ResPagination {
            limit,
            next_offset: next,
        },
        version: API_VERSION,
    }))
}
