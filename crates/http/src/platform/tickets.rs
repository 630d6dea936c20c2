//! Tickets of a model: `POST /api/v1/models/{key}/tickets/query`, `POST` and `DELETE` (ours, not of the
//! Platform Backend API, which hands out one ticket of each kind by embed).

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_access::origin::AllowedDomains;
use vitrine_access::ticket::TicketType;
use vitrine_access::time::Timestamp;
use vitrine_service::Services;
use vitrine_service::platform_upkeep::ListedTicket;
use vitrine_service::tickets::TicketRequest;

use super::Asking;
use super::wire::{answer, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Unread};

/// What a new ticket shall be.
#[derive(Deserialize, ToSchema)]
pub(crate) struct TicketCreate {
    /// `embedding`, `backend` or `author`.
    r#type: String,
    /// Its end in seconds since 1970; without one it holds until it is revoked. An author's holds for 31 days at
    /// most, and no longer than its holder manages the model.
    until: Option<i64>,
    /// Domains that restrict it further than the model does.
    #[serde(default)]
    accessdomains: Vec<String>,
}

/// The tickets of a model with their texts, newest first, at most 200.
#[utoipa::path(
    post, path = "/api/v1/models/{modelKey}/tickets/query",
    operation_id = "PlatformQueryTickets", tag = "tickets",
    params(("modelKey" = String, Path, description = "Id or slug")),
    responses(
        (status = 200, description = "The tickets"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such model")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn query(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services
            .platform_access("PlatformQueryTickets", &caller)
            .await?;
        let model = services.platform_upkept(&access, &key).await?;
        let tickets = services.platform_tickets(&model).await?;
        let now = services.now();
        let shown: Vec<Value> = tickets.iter().map(|ticket| shown(ticket, now)).collect();
        Ok(answer(&json!({ "result": shown })))
    };
    done.await.map_err(in_form)
}

/// Makes a ticket for a model.
#[utoipa::path(
    post, path = "/api/v1/models/{modelKey}/tickets",
    operation_id = "PlatformCreateTicket", tag = "tickets",
    params(("modelKey" = String, Path, description = "Id or slug")),
    request_body(content = TicketCreate),
    responses(
        (status = 200, description = "The ticket"),
        (status = 400, description = "A member cannot be taken"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such model")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn create(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(key): Path<String>,
    body: Unread<TicketCreate>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformCreateTicket", &caller)
                .await?;
            let model = services.platform_upkept(&access, &key).await?;
            Ok::<_, ApiError>((access, model))
        };
        let ((access, model), request) = body.after(allowed).await?;
        let request = wanted(&request)?;
        let made = services
            .platform_create_ticket(&access, &model, request)
            .await?;
        Ok(answer(&shown(&made, services.now())))
    };
    done.await.map_err(in_form)
}

/// Revokes a ticket. The sessions that it opened end at once.
#[utoipa::path(
    delete, path = "/api/v1/models/{modelKey}/tickets/{platformTicketId}",
    operation_id = "PlatformRevokeTicket", tag = "tickets",
    params(
        ("modelKey" = String, Path, description = "Id or slug"),
        ("platformTicketId" = String, Path, description = "The ticket's id, as listed")
    ),
    responses(
        (status = 200, description = "It is revoked"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such model, or the model no such ticket")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn revoke(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path((key, ticket)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services
            .platform_access("PlatformRevokeTicket", &caller)
            .await?;
        let model = services.platform_upkept(&access, &key).await?;
        services
            .platform_revoke_ticket(&access, model.id, &ticket)
            .await?;
        Ok(answer(&Value::Null))
    };
    done.await.map_err(in_form)
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

fn wanted(request: &TicketCreate) -> Result<TicketRequest, ApiError> {
    let invalid = |message: String| ApiError::new(ErrorKind::RequestInvalid, message);
    let (kind, author) = match request.r#type.as_str() {
        "embedding" => (TicketType::Embedding, false),
        "backend" => (TicketType::Backend, false),
        "author" => (TicketType::Embedding, true),
        _ => {
            return Err(invalid(
                "'type' is embedding, backend or author.".to_owned(),
            ));
        }
    };
    let domains = AllowedDomains::parse_all(&request.accessdomains)
        .map_err(|error| invalid(format!("'accessdomains': {error}.")))?;
    let until = match request.until {
        Some(seconds) => seconds
            .checked_mul(1000)
            .map(Timestamp::from_unix_ms)
            .filter(|until| *until <= Timestamp::MAX_14)
            .ok_or_else(|| invalid("'until' lies beyond the year 9999.".to_owned()))?,
        None => Timestamp::MAX_14,
    };
    Ok(TicketRequest {
        kind,
        public: false,
        author,
        domains,
        until,
        use_id2: false,
    })
}

fn shown(ticket: &ListedTicket, now: Timestamp) -> Value {
    let record = &ticket.record;
    let kind = match (record.kind, record.author) {
        (TicketType::Embedding, true) => "author",
        (TicketType::Embedding, false) => "embedding",
        (TicketType::Backend, _) => "backend",
    };
    let state = match (ticket.revoked, record.until <= now) {
        (true, _) => "revoked",
        (false, true) => "expired",
        (false, false) => "live",
    };
    let domains: Vec<String> = record.domains.iter().map(ToString::to_string).collect();
    json!({
        "id": record.id.to_string(),
        "type": kind,
        "state": state,
        "ticket": ticket.text,
        "pub": record.public,
        "accessdomains": domains,
        "until": (record.until < Timestamp::MAX_14).then(|| epoch(record.until)),
        "created_at": epoch(record.created_at),
        "revoked_at": record.revoked_at.map(epoch),
    })
}
