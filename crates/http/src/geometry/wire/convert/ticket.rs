//! Tickets.

use vitrine_access::origin::AllowedDomains;
use vitrine_access::ticket::{Ticket, TicketModel, TicketType};
use vitrine_access::time::Timestamp;
use vitrine_service::tickets::TicketRequest;

use crate::error::{ApiError, ErrorKind};
use crate::geometry::wire::{ReqTicket, ResTicket, TicketTypeWord};

/// What an opened ticket says.
#[must_use]
pub fn decrypted_ticket(ticket: &Ticket) -> ResTicket {
    let (model_id, use_id2) = match &ticket.model {
        TicketModel::Id(id) => (id.to_string(), false),
        TicketModel::SecondaryId(id) => (id.clone(), true),
    };
    ResTicket {
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
    }
}

/// A ticket request whose instant and domains have their form.
///
/// # Errors
/// [`ErrorKind::RequestInvalid`] naming the member.
pub fn ticket_request(request: &ReqTicket) -> Result<TicketRequest, ApiError> {
    let until = Timestamp::parse_digits14(&request.until).map_err(|error| {
        ApiError::new(
            ErrorKind::RequestInvalid,
            format!("\"until\" is a UTC instant of 14 digits, YYYYMMDDhhmmss: {error}."),
        )
    })?;
    let domains = AllowedDomains::parse_all(&request.accessdomains).map_err(|error| {
        ApiError::new(
            ErrorKind::RequestInvalid,
            format!("\"accessdomains\": {error}"),
        )
    })?;
    Ok(TicketRequest {
        kind: match request.kind {
            TicketTypeWord::Backend => TicketType::Backend,
            TicketTypeWord::Embedding => TicketType::Embedding,
        },
        public: request.public,
        author: request.author,
        domains,
        until,
        use_id2: request.use_id2,
    })
}

#[cfg(test)]
mod tests {
    use vitrine_access::ids::{ModelId, TicketId};

    use super::*;

    fn request() -> ReqTicket {
        ReqTicket {
            kind: TicketTypeWord::Backend,
            public: true,
            until: "20300102030405".into(),
            accessdomains: vec!["shop.example.com".into(), "localhost:8081".into()],
            author: true,
            use_id2: false,
        }
    }

    #[test]
    fn a_ticket_says_what_was_asked_for() {
        let asked = ticket_request(&request()).unwrap();
        let model = ModelId::from_bytes([3; 16]);
        let ticket = Ticket {
            id: TicketId::from_bytes([4; 16]),
            model: TicketModel::Id(model),
            kind: asked.kind,
            public: asked.public,
            author: asked.author,
            domains: asked.domains,
            until: asked.until,
        };
        let said = decrypted_ticket(&ticket);
        assert_eq!(said.model_id, model.to_string());
        assert_eq!(said.until, request().until);
        assert_eq!(said.accessdomains, request().accessdomains);
        assert_eq!(
            (said.kind, said.public, said.author),
            (TicketTypeWord::Backend, true, true)
        );
        assert!(!said.use_id2);
    }

    #[test]
    fn an_instant_or_a_domain_without_form_is_named() {
        let until = ReqTicket {
            until: "2030".into(),
            ..request()
        };
        let error = ticket_request(&until).unwrap_err();
        assert!(error.message().contains("until"), "{error}");
        let domain = ReqTicket {
            accessdomains: vec!["a b".into()],
            ..request()
        };
        let error = ticket_request(&domain).unwrap_err();
        assert!(error.message().contains("accessdomains"), "{error}");
    }
}
