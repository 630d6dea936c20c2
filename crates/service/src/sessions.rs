//! Sessions: opening by ticket or by model, defaults, closing, and the write-behind of idle times.

use std::sync::Arc;

use vitrine_access::credits::UsageKind;
use vitrine_access::decide::{OriginEvidence, check_model_open, check_ticket_origin};
use vitrine_access::ids::{SessionHash, SessionId};
use vitrine_access::origin::{Origin, OriginError};
use vitrine_access::permissions::{Permission, PermissionSet};
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::session::{AlreadyEnded, EndReason, Session, SessionClass};
use vitrine_access::ticket::{Ticket, TicketModel, TicketType};
use vitrine_store::ModelRecord;

use crate::Services;
use crate::asked::{Asked, ExportRequest, ItemStates};
use crate::error::{Error, Result};
pub use crate::presence::SessionEntry;
use crate::settings::SESSION_SLOT;
use crate::tokens::VerifiedToken;
use crate::who::{Caller, ModelAccess, SessionAccess, facts, gone, gone_unknown};

/// How a page shows where it stands.
#[derive(Debug)]
pub struct PageEvidence<'a> {
    /// The parsed `Origin` header: absent, well-formed or refused unparsed.
    pub origin: std::result::Result<Option<Origin>, OriginError>,
    /// The `X-ShapeDiver-Origin` header.
    pub shapediver_origin: Option<&'a str>,
}

/// What to compute when a session opens.
#[derive(Clone, Debug)]
pub enum Initial {
    /// Outputs for these values on top of the defaults.
    Outputs(Vec<(String, vitrine_model::RawValue)>),
    /// An export request.
    Exports(ExportRequest),
}

/// A session as its creation and its defaults show it.
#[derive(Clone, Debug)]
pub struct OpenedSession {
    /// The id; whoever knows it may use the session.
    pub id: SessionId,
    /// The session.
    pub session: Arc<SessionEntry>,
    /// Its model.
    pub model: Arc<ModelRecord>,
    /// What it may do.
    pub permissions: PermissionSet,
    /// Outputs computed or pending; `None` when only definitions may be shown.
    pub outputs: Option<ItemStates>,
    /// Exports computed or pending, when the request asked for some.
    pub exports: Option<ItemStates>,
    /// Texts for the client about what was ignored.
    pub warnings: Vec<String>,
}

struct Opening {
    model: Arc<ModelRecord>,
    ticket: Option<Ticket>,
    origin: Option<String>,
    token: Option<Arc<VerifiedToken>>,
    class: SessionClass,
    permissions: PermissionSet,
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
    /// Refusals with a sentence that names what to do; parameter and computation errors.
    pub async fn open_session_by_ticket(
        &self,
        sealed: &str,
        page: PageEvidence<'_>,
        caller: &Caller,
        initial: Initial,
        ignore_unknown: bool,
    ) -> Result<OpenedSession> {
        self.trusted()?;
        let opened = self.check_ticket(sealed, page, caller).await;
        let opening = self.audited("CreateSessionByTicket", caller, opened)?;
        self.open(opening, caller, initial, ignore_unknown).await
    }

    async fn check_ticket(
        &self,
        sealed: &str,
        page: PageEvidence<'_>,
        caller: &Caller,
    ) -> Result<Opening> {
        let now = self.now();
        let ticket = Ticket::open(&self.inner.sealer, sealed).map_err(|_| {
            refused(
                RefusalKind::TicketInvalid,
                "The ticket is not one of this server's, or it was altered. Copy the whole \
                 ticket from the model's page.",
            )
        })?;
        if ticket.until <= now {
            return Err(refused(
                RefusalKind::TicketExpired,
                &format!(
                    "The ticket expired on {}. The model's owner can issue a new one.",
                    ticket.until.to_iso_ms()
                ),
            ));
        }
        let record = self.ticket_record(ticket.id).await?;
        if record
            .as_ref()
            .is_none_or(|record| record.revoked_at.is_some())
        {
            return Err(refused(
                RefusalKind::TicketRevoked,
                "The ticket was revoked. The model's owner can issue a new one.",
            ));
        }
        let model = self.model_of_ticket(&ticket).await?;
        if record.is_some_and(|record| record.created_at < model.settings.tickets_not_before) {
            return Err(refused(
                RefusalKind::TicketRevoked,
                "All tickets of this model were renewed since. Ask the model's owner for the \
                 present one.",
            ));
        }
        let facts = facts(&model);
        let evidence = OriginEvidence {
            origin: page.origin,
            shapediver_origin: page.shapediver_origin,
            trusted_iframe_hosts: &self.inner.settings.trusted_iframe_hosts,
        };
        let origin = check_ticket_origin(&ticket, &facts, &evidence)?;
        check_model_open(&facts)?;
        let token = self.token_beside_ticket(&model, caller)?;
        self.limit_sessions(&model, caller)?;
        let granted = PermissionSet::session_grants(ticket.author);
        let permissions = match (&token, model.settings.require_token) {
            (Some(token), true) => token.grant.permissions.clone(),
            _ => granted,
        };
        let class = match ticket.kind {
            TicketType::Embedding => SessionClass::Limited,
            TicketType::Backend => SessionClass::Default,
        };
        Ok(Opening {
            model,
            ticket: Some(ticket),
            origin,
            token,
            class,
            permissions,
        })
    }

    async fn model_of_ticket(&self, ticket: &Ticket) -> Result<Arc<ModelRecord>> {
        let found = match &ticket.model {
            TicketModel::Id(id) => self.model_record(*id).await?,
            TicketModel::SecondaryId(id2) => self
                .inner
                .store
                .model_by_id2_unscoped(id2)
                .await?
                .map(Arc::new),
        };
        found.ok_or_else(|| {
            refused(
                RefusalKind::ModelUnknown,
                "The ticket's model no longer exists. Remove it from the page.",
            )
        })
    }

    fn token_beside_ticket(
        &self,
        model: &ModelRecord,
        caller: &Caller,
    ) -> Result<Option<Arc<VerifiedToken>>> {
        match caller.bearer.as_deref() {
            Some(bearer) => self.token_for_model(bearer, model.id).map(Some),
            None if model.settings.require_token => Err(refused(
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
    pub async fn open_session_by_model(
        &self,
        access: ModelAccess,
        caller: &Caller,
        initial: Initial,
        ignore_unknown: bool,
    ) -> Result<OpenedSession> {
        let ModelAccess { model, token, .. } = access;
        let checked = check_model_open(&facts(&model))
            .map_err(Error::from)
            .and_then(|()| self.limit_sessions(&model, caller));
        self.audited("CreateSessionByModel", caller, checked)?;
        // The session itself keeps what the token may do, without what only a token is asked
        // for: calls that follow come without it.
        let session_grants = PermissionSet::session_grants(false);
        let both: Vec<Permission> = Permission::ALL
            .iter()
            .copied()
            .filter(|&p| session_grants.contains(p) && token.grant.permissions.contains(p))
            .collect();
        let permissions = PermissionSet::of(&both);
        let opening = Opening {
            model,
            ticket: None,
            origin: None,
            token: Some(token),
            class: SessionClass::Default,
            permissions,
        };
        self.open(opening, caller, initial, ignore_unknown).await
    }

    async fn open(
        &self,
        opening: Opening,
        caller: &Caller,
        initial: Initial,
        ignore_unknown: bool,
    ) -> Result<OpenedSession> {
        // Faults in the body are found before anything is written or charged.
        let asked = initial_asked(&opening, initial, ignore_unknown)?;
        let (id, entry) = self.begin(&opening, caller).await?;
        let Opening {
            model,
            token,
            permissions,
            ..
        } = opening;
        let permissions = match &token {
            Some(token) => permissions.union(&token.grant.permissions),
            None => permissions,
        };
        let access = SessionAccess {
            id: id.clone(),
            session: Arc::clone(&entry),
            model: Arc::clone(&model),
            permissions: permissions.clone(),
            token,
        };
        let (outputs, exports, warnings) = match asked {
            None => (None, None, Vec::new()),
            Some(asked) => self.initial_states(&access, asked).await?,
        };
        Ok(OpenedSession {
            id,
            session: entry,
            model,
            permissions,
            outputs,
            exports,
            warnings,
        })
    }

    /// Writes the session and what it is charged with; both are durable when this returns.
    async fn begin(
        &self,
        opening: &Opening,
        caller: &Caller,
    ) -> Result<(SessionId, Arc<SessionEntry>)> {
        let now = self.now();
        let model = &opening.model;
        let token = opening.token.as_ref().map(|verified| &verified.token);
        let id = SessionId::new(&*self.inner.entropy);
        let session = Session {
            hash: id.hash(),
            model: model.id,
            origin: opening.origin.clone(),
            ticket: opening.ticket.as_ref().map(|ticket| ticket.id),
            token: token.map(|token| token.id),
            subject: token.map(|token| token.subject),
            owner: model.owner,
            payer: model.owner.payer(),
            class: opening.class,
            permissions: opening.permissions.clone(),
            author: opening.ticket.as_ref().is_some_and(|ticket| ticket.author),
            opened_at: now,
            last_seen_at: now,
            paid_until: now.plus(SESSION_SLOT),
            ended: None,
        };
        let usage = self.usage_of(&session, UsageKind::Session, 0);
        self.inner
            .store
            .append_session(session.clone(), vec![usage])
            .await?;
        let entry = Arc::new(SessionEntry::new(session));
        entry.note_checked(model);
        self.inner
            .sessions
            .insert(entry.session.hash, Arc::clone(&entry))
            .await;
        metrics::counter!("vitrine_sessions_opened_total").increment(1);
        tracing::info!(
            model = %model.id,
            class = opening.class.as_str(),
            address = ?caller.address,
            "session opened"
        );
        Ok((id, entry))
    }

    async fn initial_states(
        &self,
        access: &SessionAccess,
        asked: Asked,
    ) -> Result<(Option<ItemStates>, Option<ItemStates>, Vec<String>)> {
        let warnings = asked.warnings.clone();
        let wants_exports = asked.wants_exports();
        let wait = self.inner.settings.session_wait;
        // Opening the session pays for the first look at the model: no output is charged.
        let states = self.states(access, &asked, wait).await?;
        Ok(if wants_exports {
            self.charge_export(access, false).await?;
            (None, Some(states.exports), warnings)
        } else {
            (Some(states.outputs), None, warnings)
        })
    }

    /// `GetSessionDefaults`: what the session's creation showed, for the default values.
    ///
    /// # Errors
    /// Database and computation errors.
    pub async fn session_defaults(&self, access: SessionAccess) -> Result<OpenedSession> {
        let outputs = if access.permissions.contains(Permission::ComputeOutput) {
            let asked = Asked::outputs(&access.model, &[], false)?;
            let wait = self.inner.settings.session_wait;
            Some(self.states(&access, &asked, wait).await?.outputs)
        } else {
            None
        };
        let SessionAccess {
            id,
            session,
            model,
            permissions,
            ..
        } = access;
        Ok(OpenedSession {
            id,
            session,
            model,
            permissions,
            outputs,
            exports: None,
            warnings: Vec::new(),
        })
    }

    /// `CloseSession`. Of several closes at once exactly one succeeds.
    ///
    /// # Errors
    /// `SessionGone` when the session has ended already.
    pub async fn close_session(&self, access: &SessionAccess) -> Result<()> {
        let now = self.now();
        let limits = &self.inner.settings.session_limits;
        match access.session.current().close(now, limits) {
            Ok(_) => {}
            Err(AlreadyEnded { reason, .. }) => return Err(gone(reason)),
        }
        self.end_session(access.session.session.hash, EndReason::Closed)
            .await
    }

    /// Ends a session for a reason other than the client's wish.
    ///
    /// # Errors
    /// `SessionGone` when it has ended already.
    pub async fn end_session(&self, hash: SessionHash, reason: EndReason) -> Result<()> {
        let now = self.now();
        let ended = self.inner.store.end_session(hash, reason, now).await?;
        self.inner.sessions.forget(&hash).await;
        if ended { Ok(()) } else { Err(gone_unknown()) }
    }
}

/// What opening computes, checked before anything is written.
fn initial_asked(
    opening: &Opening,
    initial: Initial,
    ignore_unknown: bool,
) -> Result<Option<Asked>> {
    let model = &opening.model;
    let may = |permission| {
        opening.permissions.contains(permission)
            || opening
                .token
                .as_ref()
                .is_some_and(|token| token.grant.permissions.contains(permission))
    };
    let needs = |permission: Permission| {
        Error::from(Refusal {
            kind: RefusalKind::PermissionMissing,
            message: format!(
                "Computing while the session opens needs the permission {}. Ask for a token \
                 whose scopes cover it, or send no body.",
                permission.as_str()
            ),
        })
    };
    match initial {
        Initial::Outputs(values) if values.is_empty() => {
            if !may(Permission::ComputeOutput) {
                return Ok(None);
            }
            Asked::outputs(model, &values, ignore_unknown).map(Some)
        }
        Initial::Outputs(values) => {
            if !may(Permission::ComputeOutput) {
                return Err(needs(Permission::ComputeOutput));
            }
            Asked::outputs(model, &values, ignore_unknown).map(Some)
        }
        Initial::Exports(request) => {
            if !may(Permission::ComputeExport) {
                return Err(needs(Permission::ComputeExport));
            }
            Asked::exports(model, &request, ignore_unknown).map(Some)
        }
    }
}
