//! `/api/v1/credit_caps`: how much may be spent, and how far that is used.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_access::caps::{Cap, CapScope, CapWindow};
use vitrine_access::ids::{ModelId, OrganizationId};
use vitrine_access::owner::Payer;
use vitrine_service::Services;
use vitrine_service::platform::PlatformAccess;

use super::Asking;
use super::query::QueryRequest;
use super::wire::{answer, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::Unread;

fn described(cap: &Cap) -> Value {
    json!({
        "scope": cap.scope.to_string(),
        "per": cap.window.as_str(),
        "set_by": cap.set_by.as_str(),
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

/// The caps that an account sees, with those of a model that it manages.
async fn listed(
    services: &Services,
    access: &PlatformAccess,
    model: Option<ModelId>,
) -> Result<Response, ApiError> {
    let caps = services.caps_of_account(access, model).await?;
    let shown: Vec<Value> = caps.iter().map(described).collect();
    Ok(answer(&json!({
        "result": shown,
        "pagination": { "limit": caps.len(), "next_offset": null },
    })))
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
        listed(&services, &access, model).await
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// A cap that those who look after something put on it.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct CapRequest {
    /// The model; without it and `organization_id` the account.
    model_id: Option<String>,
    /// The organization, for its owners and administrators.
    organization_id: Option<String>,
    /// `hour`, `day` or `month` (UTC).
    per: Option<String>,
    /// Most credits in that time, or null for no cap.
    credits: Option<u64>,
}

fn invalid(message: &str) -> ApiError {
    ApiError::new(ErrorKind::RequestInvalid, message)
}

/// Puts a cap on the account, on its organization for administrators, or on a model that the account manages,
/// beside those of the operator; or takes it away.
#[utoipa::path(
    post, path = "/api/v1/credit_caps", operation_id = "PlatformSetCap", tag = "metrics",
    request_body(content = CapRequest),
    responses(
        (status = 200, description = "The caps that hold now, all on one page"),
        (status = 400, description = "There is no such time, or no cap of so many credits"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account may only look at the model, or is no administrator of the organization"),
        (status = 404, description = "There is no such model or organization, as far as the account may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn set(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<CapRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformSetCap", &caller))
            .await?;
        let per = request.per.as_deref().unwrap_or("month");
        let window: CapWindow = per
            .parse()
            .map_err(|_| invalid("'per' is hour, day or month."))?;
        let (scope, model) = match (&request.model_id, &request.organization_id) {
            (Some(_), Some(_)) => {
                return Err(invalid("Name 'model_id' or 'organization_id', not both."));
            }
            (Some(key), None) => {
                let model = services.platform_managed(&access, key).await?;
                let id = model.record.id;
                (CapScope::Model(id), Some(id))
            }
            (None, organization) => {
                let organization = organization
                    .as_deref()
                    .map(str::parse::<OrganizationId>)
                    .transpose()
                    .map_err(|_| {
                        let message =
                            "There is no such organization, as far as this account may know.";
                        ApiError::new(ErrorKind::EntityUnknown, message)
                    })?;
                match services.webhook_account(&access, organization).await? {
                    Payer::User(user) => (CapScope::User(user), None),
                    Payer::Organization(id) => (CapScope::Organization(id), None),
                }
            }
        };
        services
            .set_own_cap(&access, (scope, window), request.credits)
            .await?;
        listed(&services, &access, model).await
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}
