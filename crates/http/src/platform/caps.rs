//! `POST /api/v1/credit_caps/query`: how much may be spent, and how far that is used.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use vitrine_access::caps::Cap;
use vitrine_access::ids::ModelId;
use vitrine_service::Services;

use super::Asking;
use super::query::QueryRequest;
use super::wire::{answer, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::Unread;

fn described(cap: &Cap) -> Value {
    json!({
        "scope": cap.scope.to_string(),
        "per": cap.window.as_str(),
        "credits": cap.credits_max,
        "used": cap.used,
        "since": epoch(cap.window_start),
        "resets_at": epoch(cap.resets_at()),
    })
}

const FILTERS: [&str; 2] = ["model_id", "model_id[=]"];

/// The one model that is asked about.
fn model_of(request: &QueryRequest) -> Result<Option<ModelId>, ApiError> {
    request.read_plain(&FILTERS)?;
    let asked = request.filters.iter().flatten().next();
    let model = asked.map(|(key, value)| {
        let id = value.as_str().and_then(|text| text.parse().ok());
        id.ok_or_else(|| {
            let message = format!("'filters.{key}': this is no model's id.");
            ApiError::new(ErrorKind::RequestInvalid, message)
        })
    });
    model.transpose()
}

/// The caps on the account, on its organization for those who manage it, and on a model that is asked
/// about.
#[utoipa::path(
    post, path = "/api/v1/credit_caps/query", operation_id = "PlatformQueryCaps", tag = "metrics",
    request_body(content = QueryRequest),
    responses(
        (status = 200, description = "The caps, all on one page"),
        (status = 400, description = "A filter, sorter or embed is not served"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "There is no such model, as far as the account may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn query(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<QueryRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformQueryCaps", &caller))
            .await?;
        let model = model_of(&request)?;
        if let Some(id) = model {
            services.platform_managed(&access, &id.to_string()).await?;
        }
        let caps = services.caps_of_account(&access, model).await?;
        let shown: Vec<Value> = caps.iter().map(described).collect();
        Ok(answer(&json!({
            "result": shown,
            "pagination": { "limit": caps.len(), "next_offset": null },
        })))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}
