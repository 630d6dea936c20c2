//! `ExplainRequest`: why a request about a model was refused, for whoever looks after the model.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use vitrine_access::ids::RequestId;
use vitrine_service::Services;

use super::wire::API_VERSION;
use crate::catalogue;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{From, Path};

/// One decision about a request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResDecision {
    /// When it was decided (ISO 8601, UTC).
    at: String,
    /// The operation that was asked for.
    operation: String,
    /// `allowed` or `refused`.
    decision: &'static str,
    /// Stable name of the exact cause, as the member `code` of error bodies.
    reason: String,
    /// What the caller was told.
    message: String,
    /// What can be done about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
    /// Where the cause is explained, relative to this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    documentation: Option<String>,
    /// The origin that the request named.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    /// For how many equal refusals of one minute this one stands.
    count: u64,
}

/// The decisions about one request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResDecisions {
    /// Oldest first.
    decisions: Vec<ResDecision>,
    version: &'static str,
}

/// Why a request was refused (ours, not of the Geometry API). Knows requests about this model only.
#[utoipa::path(
    get, path = "/api/v2/model/{modelId}/audit/{requestId}", operation_id = "ExplainRequest",
    tag = "model",
    params(
        ("modelId" = String, Path, description = "Id of the model"),
        ("requestId" = String, Path, description = "The request, as in the X-Request-Id header")
    ),
    responses((status = 200, description = "The decisions", body = ResDecisions)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn explain(
    State(services): State<Services>,
    From(caller): From,
    Path((model, request)): Path<(String, String)>,
) -> Result<Json<ResDecisions>, ApiError> {
    let access = services
        .model_access("ExplainRequest", &model, &caller)
        .await?;
    let events = match request.parse::<RequestId>() {
        Ok(request) => services.decisions_of(request, access.model.id).await?,
        Err(_) => Vec::new(),
    };
    if events.is_empty() {
        return Err(ApiError::new(
            ErrorKind::EntityUnknown,
            "No decision about this model is known under this request id. Give the requestId of \
             the refusal; of many equal ones within a minute only the first twenty are kept one \
             by one.",
        ));
    }
    let decisions = events.into_iter().map(|event| {
        let entry = catalogue::entries().find(|entry| entry.code == event.reason);
        ResDecision {
            at: event.at.to_iso_ms(),
            operation: event.operation,
            decision: event.decision.as_str(),
            remedy: entry.map(|entry| entry.remedy),
            documentation: entry.map(|entry| catalogue::anchor(entry.code)),
            reason: event.reason,
            message: event.message,
            origin: event.origin,
            count: event.count,
        }
    });
    Ok(Json(ResDecisions {
        decisions: decisions.collect(),
        version: API_VERSION,
    }))
}
