//! Tickets: issuing, showing, revoking.

use vitrine_access::change::Change;
use vitrine_access::ids::{ModelId, TicketId};
use vitrine_access::origin::AllowedDomains;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::ticket::{Ticket, TicketModel, TicketType};
use vitrine_access::time::Timestamp;
use vitrine_store::{ModelRecord, TicketRecord};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::withdrawal::Given;

/// What a ticket shall be.
#[derive(Clone, Debug)]
pub struct TicketRequest {
    /// For pages or for back ends.
    pub kind: TicketType,
    /// Ignore the model's domain list.
    pub public: bool,
    /// May change the model's configuration.
    pub author: bool,
    /// An extra list of domains; empty restricts nothing.
    pub domains: AllowedDomains,
    /// End of validity.
    pub until: Timestamp,
    /// Name the model by its secondary id.
    pub use_id2: bool,
}

impl Services {
    /// `CreateTicket`: one row, and the sealed text that is made from it.
    ///
    /// # Errors
    /// `RequestInvalid` when the secondary id is wanted and there is none, or `until` is past.
    pub async fn create_ticket(
        &self,
        model: &ModelRecord,
        request: TicketRequest,
    ) -> Result<String> {
        let id = TicketId::new(&*self.inner.entropy);
        self.add_ticket(model, request, id, self.now()).await
    }

    /// A ticket that the platform gives to somebody; it ends with their right to it.
    pub(crate) async fn create_ticket_for(
        &self,
        given: Given,
        model: &ModelRecord,
        request: TicketRequest,
    ) -> Result<String> {
        let id = TicketId::held(given.to, &*self.inner.entropy);
        self.add_ticket(model, request, id, given.at).await
    }

    async fn add_ticket(
        &self,
        model: &ModelRecord,
        request: TicketRequest,
        id: TicketId,
        now: Timestamp,
    ) -> Result<String> {
        if request.until <= now {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                "'until' lies in the past. Give a UTC instant YYYYMMDDhhmmss in the future.",
            ));
        }
        if request.use_id2 && model.id2.is_none() {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                "'use_id2' needs a model that has a secondary id. Set 'id2' by UpdateModel first.",
            ));
        }
        let record = TicketRecord {
            id,
            model: model.id,
            kind: request.kind,
            public: request.public,
            author: request.author,
            use_id2: request.use_id2,
            domains: request.domains,
            until: request.until,
            created_at: now,
            revoked_at: None,
        };
        ticket_of(model, &record).check_bounds().map_err(|fault| {
            Error::new(ErrorKind::RequestInvalid, format!("The ticket: {fault}."))
        })?;
        let mut tx = self.inner.store.begin().await?;
        tx.insert_ticket(&record).await?;
        if let Some(key) = self.inner.sealer.fingerprints().first() {
            tx.note_sealing_key(record.id, key).await?;
        }
        tx.commit().await?;
        Ok(self.ticket_text(model, &record))
    }

    /// The sealed text of a ticket; the same row always gives the same text.
    #[must_use]
    pub fn ticket_text(&self, model: &ModelRecord, record: &TicketRecord) -> String {
        ticket_of(model, record)
            .seal(&self.inner.sealer)
            .reveal()
            .to_owned()
    }

    /// `DecryptTicket`: what a sealed ticket says, expired or not.
    ///
    /// # Errors
    /// `TicketInvalid` when it is not one of ours.
    pub fn decrypt_ticket(&self, sealed: &str) -> Result<Ticket> {
        Ticket::open(&self.inner.sealer, sealed).map_err(|_| {
            Refusal {
                kind: RefusalKind::TicketInvalid,
                message: "The ticket is not one of this server's, or it was altered.".into(),
            }
            .into()
        })
    }

    /// Revokes a ticket; sessions that it opened end at once.
    ///
    /// # Errors
    /// `EntityUnknown` when there is no such ticket.
    pub async fn revoke_ticket(&self, ticket: TicketId) -> Result<()> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        if !tx.revoke_ticket(ticket, now).await? && tx.ticket_unscoped(ticket).await?.is_none() {
            return Err(Error::new(
                ErrorKind::EntityUnknown,
                format!("There is no ticket {ticket}."),
            ));
        }
        tx.note_change(&Change::Ticket(ticket)).await?;
        tx.commit().await?;
        self.inner.tickets.forget(&ticket);
        Ok(())
    }

    /// The newest embedding ticket of a model that opens from every allowed page.
    ///
    /// # Errors
    /// Database failures.
    pub async fn embedding_ticket(&self, model: &ModelRecord) -> Result<Option<String>> {
        let record = self
            .inner
            .store
            .live_embedding_ticket(model.id, self.now())
            .await?;
        Ok(record.map(|record| self.ticket_text(model, &record)))
    }

    /// A model by its id, whoever asks; for the command line and pages of ours.
    ///
    /// # Errors
    /// Database failures.
    pub async fn model_unscoped(&self, id: ModelId) -> Result<Option<std::sync::Arc<ModelRecord>>> {
        self.model_record(id).await
    }
}

pub(crate) fn ticket_of(model: &ModelRecord, record: &TicketRecord) -> Ticket {
    let named = match (&model.id2, record.use_id2) {
        (Some(id2), true) => TicketModel::SecondaryId(id2.clone()),
        _ => TicketModel::Id(model.id),
    };
    Ticket {
        id: record.id,
        model: named,
        kind: record.kind,
        public: record.public,
        author: record.author,
        domains: record.domains.clone(),
        until: record.until,
    }
}
