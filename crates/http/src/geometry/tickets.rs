//! `CreateTicket` and `DecryptTicket`.

use axum::Json;
use axum::extract::State;
use vitrine_service::Services;

use super::blocks::{self, Blocks};
use super::wire::convert::{decrypted_ticket, ticket_request};
use super::wire::{API_VERSION, ReqTicket, ResCreateTicket, ResDecryptTicket};
use crate::error::ApiError;
use crate::extract::{From, Path, Unread};

/// Issues a ticket for a model.
#[utoipa::path(
    post, path = "/api/v2/model/{modelId}/ticket", operation_id = "CreateTicket", tag = "auth",
    params(("modelId" = String, Path, description = "Id of the model")),
    request_body = ReqTicket,
    responses((status = 200, description = "The ticket", body = ResCreateTicket)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn create(
    State(services): State<Services>,
    From(caller): From,
    Path(model): Path<String>,
    request: Unread<ReqTicket>,
) -> Result<Json<ResCreateTicket>, ApiError> {
    let (access, request) = request
        .after(|| services.model_access("CreateTicket", &model, &caller))
        .await?;
    let request = ticket_request(&request)?;
    let ticket = services.create_ticket(&access.model, request).await?;
    services.note_allowed("CreateTicket", &caller, Some(access.model.id));
    let Blocks {
        file,
        model,
        setting,
        statistic,
    } = blocks::of(&services, &access);
    Ok(Json(ResCreateTicket {
        file,
        model,
        setting,
        statistic,
        ticket,
        version: API_VERSION,
    }))
}

/// Shows what a ticket says, whether it has expired or not.
#[utoipa::path(
    get, path = "/api/v2/ticket/{ticketEncrypted}", operation_id = "DecryptTicket", tag = "auth",
    params(("ticketEncrypted" = String, Path, description = "The ticket")),
    responses((status = 200, description = "What it says", body = ResDecryptTicket)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn decrypt(
    State(services): State<Services>,
    From(caller): From,
    Path(sealed): Path<String>,
) -> Result<Json<ResDecryptTicket>, ApiError> {
    services.backend_only("DecryptTicket", &caller)?;
    let ticket = services.decrypt_ticket(&sealed)?;
    Ok(Json(ResDecryptTicket {
        decrypted_ticket: decrypted_ticket(&ticket),
        version: API_VERSION,
    }))
}
