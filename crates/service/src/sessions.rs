//! Sessions: opening by ticket or by model, defaults, closing, and the write-behind of idle times.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use vitrine_access::credits::{UsageKind, credits_for};
use vitrine_access::decide::{OriginEvidence, check_model_open, check_ticket_origin};
use vitrine_access::ids::{SessionAlias, SessionHash, SessionId};
use vitrine_access::origin::{Origin, OriginError};
use vitrine_access::permissions::{Permission, PermissionSet};
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::session::{
    AlreadyEnded, EndReason, Session, SessionClass, SessionLimits, SessionState,
};
use vitrine_access::ticket::{Ticket, TicketModel, TicketType};
use vitrine_access::time::Timestamp;
use vitrine_store::ModelRecord;

use crate::Services;
use crate::asked::{Asked, ExportRequest, ItemStates};
use crate::error::{Error, Result};
use crate::settings::{SESSION_SLOT, TOUCH_FLUSH};
use crate::tokens::VerifiedToken;
use crate::who::{Caller, ModelAccess, SessionAccess, TOUCH_GRAIN, facts, gone, gone_unknown};

/// A session in memory: the stored row and what changes without a write.
#[derive(Debug)]
pub struct SessionEntry {
    /// The row as it was read or written.
    pub session: Session,
    last_seen_ms: AtomicI64,
    paid_until_ms: AtomicI64,
    checked_revision: AtomicI64,
    dirty: AtomicBool,
}

/// Marks an entry that was not yet held against its model.
const UNCHECKED: i64 = i64::MIN;

impl SessionEntry {
    fn new(session: Session) -> Self {
        Self {
            last_seen_ms: AtomicI64::new(session.last_seen_at.unix_ms()),
            paid_until_ms: AtomicI64::new(session.paid_until.unix_ms()),
            checked_revision: AtomicI64::new(UNCHECKED),
            dirty: AtomicBool::new(false),
            session,
        }
    }

    fn current(&self) -> Session {
        Session {
            last_seen_at: Timestamp::from_unix_ms(self.last_seen_ms.load(Ordering::Relaxed)),
            paid_until: Timestamp::from_unix_ms(self.paid_until_ms.load(Ordering::Relaxed)),
            ..self.session.clone()
        }
    }

    pub(crate) fn state(&self, now: Timestamp, limits: &SessionLimits) -> SessionState {
        self.current().state(now, limits)
    }

    pub(crate) fn assets_readable(&self, now: Timestamp, limits: &SessionLimits) -> bool {
        self.current().assets_readable(now, limits)
    }

    pub(crate) fn checked_against(&self, model: &ModelRecord) -> bool {
        self.checked_revision.load(Ordering::Relaxed) == model.revision
    }

    pub(crate) fn note_checked(&self, model: &ModelRecord) {
        self.checked_revision
            .store(model.revision, Ordering::Relaxed);
    }

    /// Takes the next paid slot when the covered period is over; `None` while it still runs.
    pub(crate) fn take_slot(&self, now: Timestamp) -> Option<Timestamp> {
        let paid_until = self.paid_until_ms.load(Ordering::Acquire);
        if now.unix_ms() < paid_until {
            return None;
        }
        let next = now.plus(SESSION_SLOT);
        self.paid_until_ms
            .compare_exchange(
                paid_until,
                next.unix_ms(),
                Ordering::AcqRel,
                Ordering::Relaxed,
            )
            .ok()
            .map(|_| next)
    }
}

/// Idle times that are not written yet.
#[derive(Default)]
pub(crate) struct Touches {
    waiting: Mutex<HashMap<SessionHash, Arc<SessionEntry>>>,
}

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
    /// CreateSessionByTicket. The order of checks is the design's: what the ticket says, then the
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

    /// CreateSessionByModel: the token is the authorization, no page is asked for.
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
        let Opening {
            model,
            ticket,
            origin,
            token,
            class,
            permissions,
        } = opening;
        // Faults in the body are found before anything is written or charged.
        let asked = self.initial_asked(
            &model,
            &permissions,
            token.as_deref(),
            initial,
            ignore_unknown,
        )?;
        let now = self.now();
        let id = SessionId::new(&*self.inner.entropy);
        let session = Session {
            hash: id.hash(),
            model: model.id,
            origin,
            ticket: ticket.as_ref().map(|ticket| ticket.id),
            token: token.as_ref().map(|token| token.token.id),
            subject: token.as_ref().map(|token| token.token.subject.clone()),
            owner: model.owner,
            payer: model.owner.payer(),
            class,
            permissions: permissions.clone(),
            author: ticket.is_some_and(|ticket| ticket.author),
            opened_at: now,
            last_seen_at: now,
            paid_until: now.plus(SESSION_SLOT),
            ended: None,
        };
        let mut usage = self.usage_of(&session, UsageKind::Session, 0);
        usage.credits = credits_for(UsageKind::Session, class, 0);
        self.inner
            .store
            .append_session(session.clone(), vec![usage])
            .await?;
        let entry = Arc::new(SessionEntry::new(session));
        entry.note_checked(&model);
        self.inner
            .sessions
            .insert(entry.session.hash, Arc::clone(&entry))
            .await;
        metrics::counter!("vitrine_sessions_opened_total").increment(1);
        tracing::info!(model = %model.id, class = ?class, address = ?caller.address, "session opened");

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

    fn initial_asked(
        &self,
        model: &Arc<ModelRecord>,
        permissions: &PermissionSet,
        token: Option<&VerifiedToken>,
        initial: Initial,
        ignore_unknown: bool,
    ) -> Result<Option<Asked>> {
        let may = |permission| {
            permissions.contains(permission)
                || token.is_some_and(|token| token.grant.permissions.contains(permission))
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

    /// GetSessionDefaults: what the session's creation showed, for the default values.
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

    /// CloseSession. Of several closes at once exactly one succeeds.
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
        self.inner.sessions.invalidate(&hash).await;
        if ended { Ok(()) } else { Err(gone_unknown()) }
    }

    /// A session by its hash, from memory when it is warm.
    pub(crate) async fn session_entry(
        &self,
        hash: SessionHash,
    ) -> Result<Option<Arc<SessionEntry>>> {
        if let Some(known) = self.inner.sessions.get(&hash).await {
            return Ok(Some(known));
        }
        // Idle times that wait to be written are newer than the row.
        if let Some(waiting) = self.inner.touches.get(hash) {
            self.write_touches_of(vec![waiting]).await;
        }
        let Some(session) = self.inner.store.session(hash).await? else {
            return Ok(None);
        };
        let entry = self
            .inner
            .sessions
            .get_with(hash, async move { Arc::new(SessionEntry::new(session)) })
            .await;
        Ok(Some(entry))
    }

    /// A session by the alias that stands in links.
    pub(crate) async fn session_entry_by_alias(
        &self,
        alias: SessionAlias,
    ) -> Result<Option<Arc<SessionEntry>>> {
        if let Some(hash) = self.inner.aliases.get(&alias).await {
            return self.session_entry(hash).await;
        }
        let Some(session) = self.inner.store.session_by_alias(alias).await? else {
            return Ok(None);
        };
        let hash = session.hash;
        self.inner.aliases.insert(alias, hash).await;
        self.session_entry(hash).await
    }

    /// Notes that a session was used; written behind.
    pub(crate) fn touch(&self, entry: &Arc<SessionEntry>, now: Timestamp) {
        let before = entry
            .last_seen_ms
            .fetch_max(now.unix_ms(), Ordering::Relaxed);
        let moved = now.since(Timestamp::from_unix_ms(before)) >= TOUCH_GRAIN;
        if moved && !entry.dirty.swap(true, Ordering::AcqRel) {
            self.inner.touches.add(entry);
        }
    }

    pub(crate) async fn write_touches(&self) {
        let waiting = self.inner.touches.take_all();
        self.write_touches_of(waiting).await;
    }

    async fn write_touches_of(&self, entries: Vec<Arc<SessionEntry>>) {
        if entries.is_empty() {
            return;
        }
        let rows = entries
            .iter()
            .map(|entry| {
                entry.dirty.store(false, Ordering::Release);
                let current = entry.current();
                (current.hash, current.last_seen_at, current.paid_until)
            })
            .collect();
        if let Err(error) = self.inner.store.touch_sessions(rows).await {
            tracing::warn!(%error, "idle times could not be written; they will be with the next use");
        }
    }
}

impl Touches {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SessionHash, Arc<SessionEntry>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, entry: &Arc<SessionEntry>) {
        self.lock().insert(entry.session.hash, Arc::clone(entry));
    }

    fn get(&self, hash: SessionHash) -> Option<Arc<SessionEntry>> {
        self.lock().remove(&hash)
    }

    fn take_all(&self) -> Vec<Arc<SessionEntry>> {
        self.lock().drain().map(|(_, entry)| entry).collect()
    }
}

/// Writes idle times behind until the server stops.
pub(crate) async fn flush_touches(services: Services) {
    let stopping = services.inner.stopping.clone();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            () = tokio::time::sleep(TOUCH_FLUSH) => services.write_touches().await,
        }
    }
}
