//! What was decided about a model: `POST /api/v1/models/{key}/audit/query` (ours).

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_access::audit::AuditEvent;
use vitrine_service::Services;

use super::Asking;
use super::wire::answer;
use crate::catalogue;
use crate::error::{ApiError, Form};
use crate::extract::{Path, Unread};
use crate::limits::PLATFORM_PAGE_ROWS_MAX;

/// Rows of a page when none are asked for.
const PAGE_ROWS_DEFAULT: u32 = 50;

/// Which decisions are wanted.
#[derive(Deserialize, ToSchema)]
pub(crate) struct AuditQuery {
    /// Only those about one request: the id of its answer.
    request_id: Option<String>,
    /// Most rows, 1 to 100.
    limit: Option<u32>,
    /// `next_offset` of the page before.
    offset: Option<String>,
}

/// Decisions about a model, newest first, with what each reason means and what to do.
#[utoipa::path(
    post, path = "/api/v1/models/{modelKey}/audit/query",
    operation_id = "PlatformQueryAudit", tag = "models",
    params(("modelKey" = String, Path, description = "Id or slug")),
    request_body(content = AuditQuery),
    responses(
        (status = 200, description = "A page of decisions"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such model")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn query(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(key): Path<String>,
    body: Unread<AuditQuery>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformQueryAudit", &caller)
                .await?;
            let model = services.platform_upkept(&access, &key).await?;
            Ok::<_, ApiError>((access, model))
        };
        let ((_, model), request) = body.after(allowed).await?;
        let limit = request.limit.unwrap_or(PAGE_ROWS_DEFAULT);
        let limit = limit.clamp(1, PLATFORM_PAGE_ROWS_MAX);
        let (events, next) = match request.request_id.as_deref() {
            Some(id) => (
                services.platform_decisions(model.id, id.trim()).await?,
                None,
            ),
            None => {
                services
                    .platform_trail(model.id, limit, request.offset.as_deref())
                    .await?
            }
        };
        let shown: Vec<Value> = events.iter().map(shown).collect();
        Ok(answer(&json!({
            "result": shown,
            "pagination": { "limit": limit, "next_offset": next },
        })))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// Addresses of visitors are left out: the owner needs the page and the reason, not the person.
fn shown(event: &AuditEvent) -> Value {
    let entry = catalogue::entries().find(|entry| entry.code == event.reason);
    json!({
        "id": event.id.to_string(),
        "at": event.at.to_iso_ms(),
        "request_id": event.request.to_string(),
        "operation": event.operation,
        "actor": event.actor,
        "credential": event.credential,
        "origin": event.origin,
        "decision": event.decision.as_str(),
        "reason": event.reason,
        "message": event.message,
        "remedy": entry.as_ref().map(|entry| entry.remedy),
        "documentation": entry.as_ref().map(|entry| catalogue::anchor(entry.code)),
        "count": event.count,
    })
}
