//! What an owner looks after on a model: its tickets, who has it open, what was refused and why, and
//! whether a page would be let in.

use std::sync::Arc;
use std::time::Duration;

use vitrine_access::audit::AuditEvent;
use vitrine_access::decide::{
    ModelFacts, ModelStatus, OriginEvidence, check_model_open, check_ticket_origin,
    check_ticket_time,
};
use vitrine_access::ids::{AuditId, ModelId, RequestId, SessionAlias, TicketId};
use vitrine_access::limits::TOKEN_TTL_MAX;
use vitrine_access::link::{AssetKind, AssetLink};
use vitrine_access::origin::{AllowedDomains, Origin, OriginError};
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::session::{EndReason, Session, SessionState};
use vitrine_access::time::Timestamp;
use vitrine_store::{AuditCursor, ModelRecord, TicketRecord};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::offset;
use crate::platform::PlatformAccess;
use crate::presence::SessionEntry;
use crate::tickets::{TicketRequest, ticket_of};
use crate::who::{facts, refuse};

/// Tickets of a model that are listed, newest first. More of them are alive only where somebody makes
/// them by a program, which then keeps its own list.
const TICKETS_LISTED_MAX: u32 = 200;
/// Tickets of a model that are good at the same time; an account makes no more of them than it could look
/// through.
const LIVE_TICKETS_MAX: u32 = 1_000;
/// The longest life of an author's ticket that an account makes: such a ticket changes the model, and it has to
/// be over before it is forgotten that its holder's right has ended.
const AUTHOR_TICKET_TTL_MAX: Duration = TOKEN_TTL_MAX;
/// How long a link to a thumbnail holds: a page that lists models stays open for a working day.
const THUMBNAIL_LINK_TTL: Duration = Duration::from_hours(12);

/// A ticket with its text.
#[derive(Clone, Debug)]
pub struct ListedTicket {
    /// What is kept of it.
    pub record: TicketRecord,
    /// The sealed text; `None` when it opens nothing any more.
    pub text: Option<String>,
    /// Whether it was revoked, by itself or with all tickets before an instant.
    pub revoked: bool,
}

/// What a page on some origin would be told.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The origin in its one canonical form.
    pub origin: String,
    /// The entry that an owner would write to allow exactly this origin.
    pub suggested_entry: String,
    /// The refusal, if there is one. The origin is decided before the model's state.
    pub refusal: Option<Refusal>,
    /// Whether the page needs an access token beside the ticket.
    pub needs_token: bool,
}

impl Services {
    /// The model that is looked after: one that the account itself may change.
    ///
    /// # Errors
    /// `ModelUnknown`, in the same words whether there is none or it is another's.
    pub async fn platform_upkept(
        &self,
        access: &PlatformAccess,
        key: &str,
    ) -> Result<Arc<ModelRecord>> {
        let model = self.platform_managed(access, key).await?.record;
        if model.status == ModelStatus::Deleted {
            return Err(refuse(
                RefusalKind::ModelDeleted,
                "The model is deleted. Send deleted_at: null to restore it.",
            ));
        }
        Ok(model)
    }

    /// The tickets of a model, revoked and expired ones included, newest first.
    ///
    /// # Errors
    /// Database failures.
    pub async fn platform_tickets(&self, model: &ModelRecord) -> Result<Vec<ListedTicket>> {
        let rows = self.inner.store.tickets(model.id, TICKETS_LISTED_MAX);
        let rows = rows.await?;
        Ok(rows
            .into_iter()
            .map(|record| self.listed(model, record))
            .collect())
    }

    fn listed(&self, model: &ModelRecord, record: TicketRecord) -> ListedTicket {
        let revoked = record.revoked_at.is_some()
            || record.created_at < model.settings.tickets_not_before
            || self.ticket_withdrawn(model, &record);
        let live = !revoked && self.now() < record.until;
        ListedTicket {
            text: live.then(|| self.ticket_text(model, &record)),
            record,
            revoked,
        }
    }

    /// Makes another ticket for a model of the account's, and notes it.
    ///
    /// # Errors
    /// As [`Services::create_ticket`].
    pub async fn platform_create_ticket(
        &self,
        access: &PlatformAccess,
        model: &ModelRecord,
        request: TicketRequest,
    ) -> Result<ListedTicket> {
        let store = &self.inner.store;
        let live = store
            .live_tickets_of_model(model.id, self.now(), LIVE_TICKETS_MAX)
            .await?;
        if live >= u64::from(LIVE_TICKETS_MAX) {
            let message = format!(
                "The model has {LIVE_TICKETS_MAX} tickets that are good, as many as it may. Revoke those \
                 that nobody uses."
            );
            return Err(Refusal::new(RefusalKind::PlanExceeded, message).into());
        }
        let text = if request.author {
            let last = access.asked_at.plus(AUTHOR_TICKET_TTL_MAX);
            let request = TicketRequest {
                until: request.until.min(last),
                ..request
            };
            self.create_ticket_for(access.given(), model, request)
                .await?
        } else {
            self.create_ticket(model, request).await?
        };
        let id = self.decrypt_ticket(&text)?.id;
        let record = self.inner.store.ticket_unscoped(id).await?;
        let record = record.ok_or_else(|| Error::internal("a ticket that was made is gone"))?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(ListedTicket {
            record,
            text: Some(text),
            revoked: false,
        })
    }

    /// Revokes a ticket of a model of the account's; what it opened ends at once.
    ///
    /// # Errors
    /// `EntityUnknown` when the model has no such ticket.
    pub async fn platform_revoke_ticket(
        &self,
        access: &PlatformAccess,
        model: ModelId,
        ticket: &str,
    ) -> Result<()> {
        let unknown = || {
            Error::new(
                ErrorKind::EntityUnknown,
                "The model has no such ticket. Name one of its tickets by id.",
            )
        };
        let id = ticket.parse::<TicketId>().map_err(|_| unknown())?;
        let record = self.inner.store.ticket_unscoped(id).await?;
        record
            .filter(|record| record.model == model)
            .ok_or_else(unknown)?;
        self.revoke_ticket(id).await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    /// The sessions of a model that are open now, newest first: those that would get an answer.
    ///
    /// # Errors
    /// Database failures.
    pub async fn platform_sessions(&self, model: ModelId) -> Result<Vec<Session>> {
        let limits = self.settings().session_limits;
        let now = self.now();
        let age_max_ms = i64::try_from(limits.age_max.as_millis()).unwrap_or(i64::MAX);
        let since = Timestamp::from_unix_ms(now.unix_ms().saturating_sub(age_max_ms));
        let mut open = Vec::new();
        for session in self.inner.store.live_sessions(model, since).await? {
            if session.state(now, &limits) != SessionState::Open {
                continue;
            }
            let entry = SessionEntry::new(session);
            // Revoked tickets and tokens end their sessions without a write to each.
            match Box::pin(self.model_of_session(&entry)).await {
                Ok(_) => open.push(entry.session),
                Err(error) if matches!(error.kind(), ErrorKind::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(open)
    }

    /// Ends a session of a model of the account's at once, its links included.
    ///
    /// # Errors
    /// `EntityUnknown` when the model has no such session, or it had ended.
    pub async fn platform_end_session(
        &self,
        access: &PlatformAccess,
        model: ModelId,
        alias: &str,
    ) -> Result<()> {
        let unknown = || {
            Error::new(
                ErrorKind::EntityUnknown,
                "The model has no such open session. It may have ended by itself.",
            )
        };
        let alias = alias.parse::<SessionAlias>().map_err(|_| unknown())?;
        let session = self.inner.store.session_by_alias(alias).await?;
        let session = session
            .filter(|session| session.model == model)
            .ok_or_else(unknown)?;
        self.end_session(session.hash, EndReason::Revoked)
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::Refused(_) => unknown(),
                _ => error,
            })?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    /// Decisions about a model, newest first, and the offset of the next page.
    ///
    /// # Errors
    /// `RequestInvalid` for an offset that is not one of ours.
    pub async fn platform_trail(
        &self,
        model: ModelId,
        limit: u32,
        before: Option<&str>,
    ) -> Result<(Vec<AuditEvent>, Option<String>)> {
        let before = match before {
            Some(offset) => offset::to_audit_cursor(offset)?,
            None => AuditCursor {
                at: Timestamp::MAX_14,
                id: AuditId::from_bytes([0xff; 16]),
            },
        };
        // A refusal of a moment ago may still wait to be written.
        self.write_trail().await;
        let store = &self.inner.store;
        let mut rows = store
            .audit_before_of_model(model, before, limit.saturating_add(1))
            .await?;
        let next = offset::cut_page(&mut rows, limit).map(offset::of_audit_event);
        Ok((rows, next))
    }

    /// The decisions of one request about a model.
    ///
    /// # Errors
    /// Database failures.
    pub async fn platform_decisions(
        &self,
        model: ModelId,
        request: &str,
    ) -> Result<Vec<AuditEvent>> {
        match request.parse::<RequestId>() {
            Ok(request) => self.decisions_of(request, model).await,
            Err(_) => Ok(Vec::new()),
        }
    }

    /// What a page at this address would be told if it opened a session with the model's ticket, or
    /// with another one. Nothing is opened and nothing is charged. `domains` stands for the model's own
    /// list where it is given: a list that is still being written.
    ///
    /// # Errors
    /// `RequestInvalid` when the address is not one of a page; `EntityUnknown` when the model has no
    /// such ticket.
    pub async fn platform_try_origin(
        &self,
        model: &ModelRecord,
        address: &str,
        domains: Option<&AllowedDomains>,
        ticket: Option<&str>,
    ) -> Result<Tried> {
        let origin = page_origin(address)?;
        let record = match ticket {
            Some(id) => self.ticket_of_model(model.id, id).await?,
            None => self.live_ticket(model).await?,
        };
        let facts = ModelFacts {
            domains: domains.unwrap_or(&model.allowed),
            ..facts(model)
        };
        let refusal = match &record {
            None => Some(Refusal::new(
                RefusalKind::TicketRevoked,
                "The model has no live embedding ticket. Make one, and put it into the page.",
            )),
            Some(record) => self.would_refuse(model, record, &facts, &origin).err(),
        };
        Ok(Tried {
            suggested_entry: origin.suggested_entry(),
            origin: origin.ascii(),
            refusal,
            needs_token: facts.require_token,
        })
    }

    async fn ticket_of_model(&self, model: ModelId, id: &str) -> Result<Option<TicketRecord>> {
        let unknown = || Error::new(ErrorKind::EntityUnknown, "The model has no such ticket.");
        let id = id.parse::<TicketId>().map_err(|_| unknown())?;
        let record = self.inner.store.ticket_unscoped(id).await?;
        let record = record.filter(|record| record.model == model);
        record.map(Some).ok_or_else(unknown)
    }

    async fn live_ticket(&self, model: &ModelRecord) -> Result<Option<TicketRecord>> {
        let store = &self.inner.store;
        let record = store.live_embedding_ticket(model.id, self.now()).await?;
        Ok(record.filter(|record| record.created_at >= model.settings.tickets_not_before))
    }

    /// The checks of a session's opening, in their order (`admission.rs`).
    fn would_refuse(
        &self,
        model: &ModelRecord,
        record: &TicketRecord,
        facts: &ModelFacts<'_>,
        origin: &Origin,
    ) -> std::result::Result<(), Refusal> {
        let ticket = ticket_of(model, record);
        check_ticket_time(&ticket, self.now())?;
        if record.revoked_at.is_some() || record.created_at < model.settings.tickets_not_before {
            return Err(Refusal::new(
                RefusalKind::TicketRevoked,
                "This ticket was revoked. Put another one into the page.",
            ));
        }
        let ours = self.embed_origin();
        let evidence = OriginEvidence {
            origin: Ok(Some(origin.clone())),
            shapediver_origin: None,
            trusted_iframe_hosts: &self.inner.settings.trusted_iframe_hosts,
            embed_origin: ours.as_ref(),
            page_load: None,
        };
        check_ticket_origin(&ticket, facts, &evidence)?;
        check_model_open(facts)
    }

    /// A link to the model's picture that needs no header; `None` when there is none to be seen.
    ///
    /// # Errors
    /// When the object storage fails.
    pub async fn thumbnail_href(&self, model: &ModelRecord) -> Result<Option<String>> {
        let (Some(blob), ModelStatus::Confirmed) = (model.thumbnail, model.status) else {
            return Ok(None);
        };
        let size = self
            .inner
            .blobs
            .size(blob)
            .await
            .map_err(crate::producing::storage)?;
        let Some(size) = size else { return Ok(None) };
        let link = AssetLink {
            blob,
            alias: None,
            model: model.id,
            kind: AssetKind::Output,
            content_type: "image/png".to_owned(),
            filename: None,
            size,
            expires_at: self.now().plus(THUMBNAIL_LINK_TTL),
            token: None,
        };
        let sealed = link.seal(&self.inner.sealer, &*self.inner.entropy);
        let content_url = &self.inner.settings.content_url;
        Ok(Some(format!("{content_url}/api/v2/download/{sealed}")))
    }
}

/// The origin of an address as a person writes it: the scheme may be left out, a path may follow.
fn page_origin(address: &str) -> Result<Origin> {
    let address = address.trim();
    let full = if address.contains("://") {
        address.to_owned()
    } else {
        format!("https://{address}")
    };
    if let Some(origin) = Origin::of_page(&full) {
        return Ok(origin);
    }
    let fault = match Origin::parse_header_values(&[full.as_bytes()]) {
        Err(OriginError::Malformed { fault, .. }) => fault.to_string(),
        _ => "it is no address of a page".to_owned(),
    };
    Err(Error::new(
        ErrorKind::RequestInvalid,
        format!(
            "No page can stand there: {fault}. Write the address as the browser shows it, such as \
             https://shop.example.com."
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_lack_its_scheme_and_have_a_path() {
        for (address, origin) in [
            ("shop.example.com", "https://shop.example.com"),
            (" https://Shop.Example.com/a?b ", "https://shop.example.com"),
            ("http://localhost:3000/", "http://localhost:3000"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert_eq!(page_origin(address).unwrap().ascii(), origin, "{address}");
        }
        for address in [
            "",
            "https://",
            "https://a b",
            "https://user@x.example",
            "shop.example.com.",
        ] {
            assert!(page_origin(address).is_err(), "{address}");
        }
    }
}
