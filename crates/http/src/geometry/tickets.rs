//! CreateTicket and DecryptTicket.

use axum::Json;
use axum::extract::State;
use vitrine_access::origin::AllowedDomains;
use vitrine_access::ticket::{TicketModel, TicketType};
use vitrine_access::time::Timestamp;
use vitrine_service::Services;
use vitrine_service::tickets::TicketRequest;

use super::blocks::{self, Blocks};
use super::wire::{
    API_VERSION, ReqTicket, ResCreateTicket, ResDecryptTicket, ResTicket, TicketTypeWord,
};
use crate::error::{ApiError, ErrorKind};
use crate::extract::{From, Json as Body, Path};

fn invalid(member: &str, fault: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorKind::RequestInvalid, format!("{member}: {fault}"))
}

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
    Body(request): Body<ReqTicket>,
) -> Result<Json<ResCreateTicket>, ApiError> {
    let access = services.model_access("CreateTicket", &model, &caller).await?;
    let request = TicketRequest {
        kind: match request.kind {
            TicketTypeWord::Backend => TicketType::Backend,
            TicketTypeWord::Embedding => TicketType::Embedding,
        },
        public: request.public,
        author: request.author,
        domains: AllowedDomains::parse_all(&request.accessdomains)
            .map_err(|fault| invalid("accessdomains", fault))?,
        until: Timestamp::parse_digits14(&request.until)
            .map_err(|fault| invalid("until", fault))?,
        use_id2: request.use_id2,
    };
    let ticket = services.create_ticket(&access.model, request).await?;
    services.note_allowed("CreateTicket", &caller, Some(access.model.id));
    let Blocks { file, model, setting, statistic } = blocks::of(&services, &access);
    Ok(Json(ResCreateTicket { file, model, setting, statistic, ticket, version: API_VERSION }))
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
    let (model_id, use_id2) = match ticket.model {
        TicketModel::Id(id) => (id.to_string(), false),
        TicketModel::SecondaryId(id2) => (id2, true),
    };
    Ok(Json(ResDecryptTicket {
        decrypted_ticket: ResTicket {
            model_id,
            kind: match ticket.kind {
                TicketType::Backend => TicketTypeWord::Backend,
                TicketType::Embedding => TicketTypeWord::Embedding,
            },
            public: ticket.public,
            until: ticket.until.to_digits14(),
            accessdomains: ticket.domains.iter().map(ToString::to_string).collect(),
            author: ticket.author,
            use_id2,
        },
        version: API_VERSION,
    }))
}
