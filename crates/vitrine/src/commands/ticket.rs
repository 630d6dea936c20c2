//! `vitrine ticket create | show | revoke`.

use anyhow::{Context, Result};
use vitrine_access::ids::ModelId;
use vitrine_access::origin::AllowedDomains;
use vitrine_access::ticket::{Ticket, TicketModel, TicketType};
use vitrine_access::time::Timestamp;
use vitrine_service::tickets::TicketRequest;

use crate::cli::{Place, TicketCommand, TicketKind};

pub(super) async fn run(place: &Place, command: TicketCommand) -> Result<()> {
    let services = super::services_at(place, false).await?;
    match command {
        TicketCommand::Create { model, kind, until } => {
            let id: ModelId = model.parse()?;
            let model = services
                .model_unscoped(id)
                .await?
                .with_context(|| format!("there is no model {id}"))?;
            let until = match until {
                Some(text) => Timestamp::parse_digits14(&text)?,
                None => Timestamp::MAX_14,
            };
            let request = TicketRequest {
                kind: match kind {
                    TicketKind::Backend => TicketType::Backend,
                    TicketKind::Embedding | TicketKind::Author => TicketType::Embedding,
                },
                public: false,
                author: matches!(kind, TicketKind::Author),
                domains: AllowedDomains::default(),
                until,
                use_id2: false,
            };
            println!("{}", services.create_ticket(&model, request).await?);
            services.note_command("CreateTicket", Some(id)).await?;
        }
        TicketCommand::Show { ticket } => {
            let ticket = services.decrypt_ticket(&ticket)?;
            let model = match &ticket.model {
                TicketModel::Id(id) => id.to_string(),
                TicketModel::SecondaryId(id2) => id2.clone(),
            };
            let record = services.store().ticket_unscoped(ticket.id).await?;
            let shown = serde_json::json!({
                "id": ticket.id.to_string(),
                "model": model,
                "type": match ticket.kind { TicketType::Backend => "backend", TicketType::Embedding => "embedding" },
                "author": ticket.author,
                "pub": ticket.public,
                "accessdomains": ticket.domains.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "until": ticket.until.to_iso_ms(),
                "revoked": record.is_none_or(|record| record.revoked_at.is_some()),
            });
            println!("{shown:#}");
        }
        TicketCommand::Revoke { ticket } => {
            let ticket = services.decrypt_ticket(&ticket)?;
            services.revoke_ticket(ticket.id).await?;
            services
                .note_command("RevokeTicket", model_of(&ticket))
                .await?;
            println!("Revoked {}.", ticket.id);
        }
    }
    services.shutdown().await;
    Ok(())
}

fn model_of(ticket: &Ticket) -> Option<ModelId> {
    match ticket.model {
        TicketModel::Id(id) => Some(id),
        TicketModel::SecondaryId(_) => None,
    }
}
