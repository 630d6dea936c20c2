//! Who may open a session: by a ticket and a page's origin, or by an access token.

use std::sync::Arc;

use vitrine_access::decide::{
    OriginEvidence, check_model_open, check_ticket_origin, check_ticket_time,
};
use vitrine_access::embed::PageLoad;
use vitrine_access::origin::{Origin, OriginError};
use vitrine_access::permissions::{Permission, PermissionSet};
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::session::SessionClass;
use vitrine_access::ticket::{Ticket, TicketModel, TicketType};
use vitrine_store::{ModelRecord, TicketRecord};

use crate::Services;
use crate::error::{Error, Result};
use crate::tokens::VerifiedToken;
use crate::who::{Caller, ModelAccess, facts};

/// How a page shows where it stands.
#[derive(Clone, Debug)]
pub struct PageEvidence<'a> {
    /// The parsed `Origin` header: absent, well-formed or refused unparsed.
    pub origin: std::result::Result<Option<Origin>, OriginError>,
    /// The `X-ShapeDiver-Origin` header.
    pub shapediver_origin: Option<&'a str>,
    /// The `X-Vitrine-Embed` header: the sealed load of our own iframe page.
    pub page_load: Option<&'a str>,
}

/// The right to open one session, decided and not yet used.
#[derive(Clone, Debug)]
pub struct Admission {
    pub(crate) model: Arc<ModelRecord>,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) origin: Option<String>,
    pub(crate) token: Option<Arc<VerifiedToken>>,
    /// The load of our iframe page that this right hangs on; it opens one session.
    pub(crate) page_load: Option<PageLoad>,
    pub(crate) class: SessionClass,
    /// What the session itself permits, whatever token comes with a request.
    pub(crate) granted: PermissionSet,
}

impl Admission {
    /// What the opening request may do: the token alone where the model demands one, otherwise
    /// session and token together.
    pub(crate) fn effective(&self) -> PermissionSet {
        match &self.token {
            Some(token) if self.model.demands_token() => token.grant.permissions.clone(),
            Some(token) => self.granted.clone().union(&token.grant.permissions),
            None => self.granted.clone(),
        }
    }
}

fn refused(kind: RefusalKind, message: &str) -> Error {
    Refusal {
        kind,
        message: message.into(),
    }
    .into()
}

impl Services {
    /// `CreateSessionByTicket`. The order of checks is the design's: what the ticket says, then the
    /// page's origin, and only then what state the model is in, so that strangers learn nothing.
    ///
    /// # Errors
    /// Refusals with a sentence that names what to do.
    pub async fn admit_by_ticket(
        &self,
        sealed: &str,
        page: PageEvidence<'_>,
        caller: &Caller,
    ) -> Result<Admission> {
        self.trusted()?;
        self.check_ticket(sealed, page, caller).await
    }

    async fn check_ticket(
        &self,
        sealed: &str,
        page: PageEvidence<'_>,
        caller: &Caller,
    ) -> Result<Admission> {
        let admission = self.ticket_holds(sealed, page, caller).await?;
        self.limit_sessions(&admission.model, caller)?;
        Ok(admission)
    }

    /// Whether a ticket is good for this page now, with what it would permit.
    pub(crate) async fn ticket_holds(
        &self,
        sealed: &str,
        page: PageEvidence<'_>,
        caller: &Caller,
    ) -> Result<Admission> {
        let now = self.now();
        let ticket = Ticket::open(&self.inner.sealer, sealed).map_err(|_| {
            refused(
                RefusalKind::TicketInvalid,
                "The ticket is not one of this server's, or it was altered. Copy the whole \
                 ticket from the model's page.",
            )
        })?;
        check_ticket_time(&ticket, now)?;
        let record = self
            .ticket_record(ticket.id)
            .await?
            .filter(|record| record.revoked_at.is_none())
            .ok_or_else(|| {
                refused(
                    RefusalKind::TicketRevoked,
                    "The ticket was revoked. The model's owner can issue a new one.",
                )
            })?;
        let model = self.model_of_ticket(&ticket, &record).await?;
        if record.created_at < model.settings.tickets_not_before {
            return Err(refused(
                RefusalKind::TicketRevoked,
                "All tickets of this model were renewed since. Ask the model's owner for the \
                 present one.",
            ));
        }
        if self.ticket_withdrawn(&model, &record) {
            return Err(refused(
                RefusalKind::TicketRevoked,
                "The ticket was revoked with all that the model's owner had given out, or with the right of \
                 whoever had asked for it. Ask for a new one.",
            ));
        }
        let facts = facts(&model);
        let ours = self.embed_origin();
        let page_load = self.page_load(page.page_load, caller.address, &model, now)?;
        let page_load = page_load.filter(|_| matches!(&page.origin, Ok(from) if *from == ours));
        let evidence = OriginEvidence {
            embed_origin: ours.as_ref(),
            page_load: page_load.as_ref(),
            origin: page.origin,
            shapediver_origin: page.shapediver_origin,
            trusted_iframe_hosts: &self.inner.settings.trusted_iframe_hosts,
        };
        let origin = check_ticket_origin(&ticket, &facts, &evidence)?;
        self.limit_ticket(ticket.id, caller)?;
        check_model_open(&facts)?;
        let token = self.token_beside_ticket(&model, caller).await?;
        if let Some(token) = &token {
            self.limit_subject(token, caller)?;
        }
        let granted = PermissionSet::session_grants(ticket.author);
        let class = match ticket.kind {
            TicketType::Embedding => SessionClass::Limited,
            TicketType::Backend => SessionClass::Default,
        };
        Ok(Admission {
            model,
            ticket: Some(ticket),
            origin,
            token,
            page_load,
            class,
            granted,
        })
    }

    /// The model that a ticket names now. A secondary id may have moved on to a newer version of
    /// the model, but never to another owner's.
    async fn model_of_ticket(
        &self,
        ticket: &Ticket,
        record: &TicketRecord,
    ) -> Result<Arc<ModelRecord>> {
        let gone = || {
            refused(
                RefusalKind::ModelUnknown,
                "The ticket's model no longer exists. Remove it from the page.",
            )
        };
        let issued_for = self.model_record(record.model).await?.ok_or_else(|| {
            // Its row goes with the model: whoever still has it in memory says the same.
            refused(
                RefusalKind::TicketRevoked,
                "The ticket was revoked. The model's owner can issue a new one.",
            )
        })?;
        let TicketModel::SecondaryId(id2) = &ticket.model else {
            return Ok(issued_for);
        };
        if issued_for.id2.as_deref() == Some(id2) {
            return Ok(issued_for);
        }
        let store = &self.inner.store;
        let named = store.model_by_id2_unscoped(id2).await?.ok_or_else(gone)?;
        if named.owner != issued_for.owner {
            return Err(gone());
        }
        Ok(Arc::new(named))
    }

    async fn token_beside_ticket(
        &self,
        model: &ModelRecord,
        caller: &Caller,
    ) -> Result<Option<Arc<VerifiedToken>>> {
        match caller.bearer.as_deref() {
            Some(bearer) => self.token_for_model(bearer, model).await.map(Some),
            None if model.demands_token() => Err(refused(
                RefusalKind::TokenMissing,
                "This model demands an access token beside the ticket. Send one as \
                 'Authorization: Bearer …'.",
            )),
            None => Ok(None),
        }
    }

    fn limit_sessions(&self, model: &ModelRecord, caller: &Caller) -> Result<()> {
        match (model.settings.session_rate_limit, caller.address) {
            (Some(per_hour), Some(address)) => {
                self.inner
                    .limiter
                    .session(model.id, address, per_hour, self.now())
            }
            _ => Ok(()),
        }
    }

    /// `CreateSessionByModel`: the token is the authorization, no page is asked for.
    ///
    /// # Errors
    /// As for a ticket, without the rules about origins.
    pub fn admit_by_model(&self, access: ModelAccess, caller: &Caller) -> Result<Admission> {
        let ModelAccess { model, token, .. } = access;
        check_model_open(&facts(&model))?;
        self.limit_sessions(&model, caller)?;
        // The session itself keeps what the token may do, without what only a token is asked
        // for: calls that follow come without it.
        let session_grants = PermissionSet::session_grants(false);
        let both: Vec<Permission> = Permission::ALL
            .iter()
            .copied()
            .filter(|&p| session_grants.contains(p) && token.grant.permissions.contains(p))
            .collect();
        Ok(Admission {
            model,
            ticket: None,
            origin: None,
            token: Some(token),
            page_load: None,
            class: SessionClass::Default,
            granted: PermissionSet::of(&both),
        })
    }
}
