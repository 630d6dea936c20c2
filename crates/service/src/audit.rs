//! The audit trail: who tried what, by which credential, and what was decided.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use vitrine_access::audit::{AuditEvent, Decision};
use vitrine_access::ids::{AuditId, ModelId, RequestId, SessionAlias, SessionId};
use vitrine_access::jwt::AccessToken;
use vitrine_access::link::{AssetLink, UploadLink};
use vitrine_access::refusal::Refusal;
use vitrine_access::ticket::{Ticket, TicketModel};
use vitrine_access::time::Timestamp;

use crate::Services;
use crate::coalesce::Coalescer;
use crate::error::{ErrorKind, Result};
use crate::who::{Caller, printable};

/// Events that may wait; each has a few hundred bytes.
const WAITING_MAX: usize = 10_000;
/// How often there is a look whether the lines that count are due.
const CLOSE_EVERY: Duration = Duration::from_secs(10);
/// Events written at once.
const BATCH_MAX: usize = 500;

impl Services {
    /// Notes a change that somebody was allowed to make.
    pub fn note_allowed(&self, operation: &str, caller: &Caller, model: Option<ModelId>) {
        let attempt = Attempt {
            operation,
            bearer: caller.bearer.as_deref(),
            address: caller.address,
            request: caller.request,
            ..Attempt::default()
        };
        let who = match caller.session.as_deref().map(str::parse::<SessionId>) {
            Some(Ok(session)) if caller.bearer.is_none() => {
                Who::new("author", &format!("session {}", session.hash().alias()))
            }
            _ => self.token_behind(caller.bearer.as_deref()),
        };
        let mut event = self.event(&attempt, who);
        event.model = model;
        self.inner.trail.add(event);
    }

    /// Notes a refusal of somebody who is known by other means than a token, and passes the outcome on.
    pub(crate) fn audited_as<T>(
        &self,
        operation: &str,
        caller: &Caller,
        actor: &Actor,
        outcome: Result<T>,
    ) -> Result<T> {
        if let Err(error) = &outcome
            && let ErrorKind::Refused(reason) = error.kind()
        {
            let who = actor.who();
            let same = who.same.clone();
            let mut event = self.event(&Attempt::by(operation, caller), who);
            event.decision = Decision::Refused;
            reason.code().clone_into(&mut event.reason);
            error.message().clone_into(&mut event.message);
            self.inner.trail.add_refused(event, &same, reason.code());
        }
        outcome
    }

    /// Notes a change that somebody was allowed to make who is known by other means than a token.
    pub(crate) fn note_allowed_as(&self, operation: &str, caller: &Caller, actor: &Actor) {
        let event = self.event(&Attempt::by(operation, caller), actor.who());
        self.inner.trail.add(event);
    }

    /// The same, and what it was done to.
    pub(crate) fn note_allowed_about(
        &self,
        operation: &str,
        caller: &Caller,
        actor: &Actor,
        about: &str,
    ) {
        let mut event = self.event(&Attempt::by(operation, caller), actor.who());
        about.clone_into(&mut event.message);
        self.inner.trail.add(event);
    }

    /// Notes what the operator did by the command line, and waits until it is written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_command(&self, operation: &str, model: Option<ModelId>) -> Result<()> {
        let attempt = Attempt {
            operation,
            ..Attempt::default()
        };
        let mut event = self.event(&attempt, Who::new("operator", "command line"));
        event.model = model;
        Ok(self.inner.store.append_audit(vec![event]).await?)
    }

    /// Notes that an operation was refused. Equal refusals of a minute share a line after the
    /// first twenty; see [`crate::coalesce`].
    pub fn note_refused(&self, attempt: &Attempt<'_>, reason: &'static str, message: &str) {
        let (who, model) = self.who_tried(attempt, reason);
        let same = who.same.clone();
        let mut event = self.event(attempt, who);
        event.model = model;
        event.decision = Decision::Refused;
        reason.clone_into(&mut event.reason);
        message.clone_into(&mut event.message);
        self.inner.trail.add_refused(event, &same, reason);
    }

    /// Notes the refusal of a request whose credentials were not even read.
    pub fn note_unread(&self, operation: &str, caller: &Caller, refusal: &Refusal) {
        let attempt = Attempt::by(operation, caller);
        let who = Who::default();
        let same = who.same.clone();
        let mut event = self.event(&attempt, who);
        event.decision = Decision::Refused;
        refusal.kind.code().clone_into(&mut event.reason);
        refusal.message.clone_into(&mut event.message);
        let reason = refusal.kind.code();
        self.inner.trail.add_refused(event, &same, reason);
    }

    /// The decisions of one request about one model that its owner may read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decisions_of(
        &self,
        request: RequestId,
        model: ModelId,
    ) -> Result<Vec<AuditEvent>> {
        // A refusal of a moment ago may still wait here.
        self.write_trail().await;
        let mut events = self.inner.store.audit_by_request(request).await?;
        events.retain(|event| event.model == Some(model));
        Ok(events)
    }

    /// Who tried, and on which model. Reads memory only: a refusal costs no look-up.
    fn who_tried(&self, attempt: &Attempt<'_>, reason: &str) -> (Who, Option<ModelId>) {
        let mut model = attempt.model.and_then(|id| id.parse().ok());
        let mut who = Vec::new();
        if let Some(session) = attempt.session {
            let hash = match session.parse::<SessionId>() {
                Ok(id) => Some(id.hash()),
                Err(_) => match session.parse::<SessionAlias>() {
                    Ok(alias) => self.inner.aliases.get(&alias),
                    Err(_) => None,
                },
            };
            let known = match &hash {
                Some(hash) => self.inner.sessions.peek(hash),
                None => None,
            };
            // A change may have dropped the session between its refusal and this line.
            let known = match (known, &hash) {
                (Some(entry), _) => Some(entry.session.model),
                (None, Some(hash)) => self.inner.refused_sessions.get(hash),
                (None, None) => None,
            };
            model = model.or(known);
            who.push(match (hash, known) {
                (Some(hash), Some(_)) => Who::new("session", &format!("session {}", hash.alias())),
                (Some(hash), None) => {
                    Who::unknown("session", &format!("session {}", hash.alias()), "session")
                }
                (None, _) => Who::unknown("session", "session", "session"),
            });
        }
        if let Some(ticket) = attempt.ticket {
            who.push(match Ticket::open(&self.inner.sealer, ticket) {
                Ok(ticket) => {
                    let named = match &ticket.model {
                        TicketModel::Id(id) => Some(*id),
                        TicketModel::SecondaryId(_) => None,
                    };
                    let row = self.inner.tickets.peek(&ticket.id);
                    model = model.or(named).or(row.map(|row| row.model));
                    Who::new("ticket", &format!("ticket {}", ticket.id))
                }
                Err(_) => Who::unknown("anonymous", "ticket", "ticket"),
            });
        }
        if let Some(link) = attempt.link {
            who.push(match AssetLink::open(&self.inner.sealer, link) {
                Ok(link) => {
                    model = model.or(Some(link.model));
                    match link.alias {
                        Some(alias) => Who::new("session", &format!("link of session {alias}")),
                        None => Who::new("link", &format!("link to {}", link.blob)),
                    }
                }
                Err(_) => match UploadLink::open(&self.inner.sealer, link) {
                    Ok(link) => {
                        model = model.or(Some(link.model));
                        Who::new("uploader", &format!("upload link of model {}", link.model))
                    }
                    Err(_) => Who::unknown("anonymous", "link", "link"),
                },
            });
        }
        if let Some(bearer) = attempt.bearer {
            // What was just found invalid is not verified again: a flood shall not cost twice.
            who.push(if reason.starts_with("token-") {
                Who::bad_token(bearer)
            } else {
                self.token_behind(Some(bearer))
            });
        }
        (Who::join(who), model)
    }

    fn token_behind(&self, bearer: Option<&str>) -> Who {
        let Some(bearer) = bearer else {
            return Who::default();
        };
        match self.verify_token(bearer) {
            Ok(verified) => {
                let token = &verified.token;
                Who::new(&token.subject.to_string(), &format!("token {}", token.id))
            }
            Err(_) => Who::bad_token(bearer),
        }
    }

    fn event(&self, attempt: &Attempt<'_>, who: Who) -> AuditEvent {
        let entropy = &*self.inner.entropy;
        AuditEvent {
            id: AuditId::new(entropy),
            at: self.now(),
            request: attempt.request.unwrap_or_else(|| RequestId::new(entropy)),
            actor: who.actor,
            credential: who.credential,
            address: attempt.address.map(|address| address.to_string()),
            origin: attempt.origin.map(printable),
            operation: attempt.operation.to_owned(),
            model: None,
            decision: Decision::Allowed,
            reason: "allowed".to_owned(),
            message: String::new(),
            count: 1,
        }
    }

    /// Writes what waits, and waits for what is being written: afterwards all that was added before can be
    /// read. A stopping server calls it last.
    pub(crate) async fn write_trail(&self) {
        let _alone = self.inner.trail.writing.lock().await;
        loop {
            let waiting = self.inner.trail.take();
            if waiting.is_empty() {
                return;
            }
            if let Err(error) = self.inner.store.append_audit(waiting).await {
                tracing::error!(%error, "audit events could not be written");
                return;
            }
        }
    }
}

/// A request, as far as the trail tells of it. Credentials are only read here, never kept.
#[derive(Clone, Copy, Default)]
pub struct Attempt<'a> {
    /// The operation by its id.
    pub operation: &'a str,
    /// The access token that came along.
    pub bearer: Option<&'a str>,
    /// The session's id or alias of the path.
    pub session: Option<&'a str>,
    /// The ticket of the path.
    pub ticket: Option<&'a str>,
    /// The sealed link of the path.
    pub link: Option<&'a str>,
    /// The model of the path.
    pub model: Option<&'a str>,
    /// The caller's network address.
    pub address: Option<IpAddr>,
    /// The `Origin` header.
    pub origin: Option<&'a str>,
    /// The request's id.
    pub request: Option<RequestId>,
}

impl<'a> Attempt<'a> {
    /// What is known of a request whose credentials are told of apart, or not at all.
    fn by(operation: &'a str, caller: &Caller) -> Self {
        Self {
            operation,
            address: caller.address,
            request: caller.request,
            ..Self::default()
        }
    }
}

/// Somebody who is known by other means than a token: a partner by its key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Actor {
    /// Name and credential, once they are known; never a secret.
    pub(crate) known: Option<(String, String)>,
}

impl Actor {
    fn who(&self) -> Who {
        match &self.known {
            Some((name, credential)) => Who::new(name, credential),
            None => Who::default(),
        }
    }
}

/// Who acted, by which credential; never a secret.
#[derive(Clone, Debug)]
struct Who {
    actor: String,
    credential: String,
    /// What refusals of this credential have in common: the kind alone where anybody can make up
    /// another one, so that a flood of inventions is counted together.
    same: String,
}

impl Default for Who {
    fn default() -> Self {
        Self::new("anonymous", "none")
    }
}

impl Who {
    fn new(actor: &str, credential: &str) -> Self {
        Self::unknown(actor, credential, credential)
    }

    fn unknown(actor: &str, credential: &str, same: &str) -> Self {
        Self {
            actor: actor.to_owned(),
            credential: credential.to_owned(),
            same: same.to_owned(),
        }
    }

    /// A token that was refused. What it says of itself helps its owner to find it again, and is
    /// marked as a mere claim.
    fn bad_token(bearer: &str) -> Self {
        let shown = match AccessToken::claimed_id(bearer) {
            Some(id) => format!("token {id} (not valid)"),
            None => "token (not valid)".to_owned(),
        };
        Self::unknown("anonymous", &shown, "token")
    }

    /// Several credentials of one request. The last one speaks: a token beside a session or ticket.
    fn join(several: Vec<Self>) -> Self {
        several
            .into_iter()
            .reduce(|first, next| Self {
                actor: if next.actor == "anonymous" {
                    first.actor
                } else {
                    next.actor
                },
                credential: format!("{}, {}", first.credential, next.credential),
                same: format!("{}, {}", first.same, next.same),
            })
            .unwrap_or_default()
    }
}

/// Events that wait to be written. An answer does not wait for them; a stop does.
pub(crate) struct Trail {
    waiting: Mutex<VecDeque<AuditEvent>>,
    refused: Mutex<Coalescer>,
    added: Notify,
    /// Held by whoever writes.
    writing: tokio::sync::Mutex<()>,
}

impl Trail {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Mutex::new(VecDeque::new()),
            refused: Mutex::default(),
            added: Notify::new(),
            writing: tokio::sync::Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<AuditEvent>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, event: AuditEvent) {
        let mut waiting = self.lock();
        if waiting.len() >= WAITING_MAX {
            // A flood of refusals must not take the memory of the server that refuses it.
            metrics::counter!("vitrine_audit_dropped_total").increment(1);
            return;
        }
        waiting.push_back(event);
        drop(waiting);
        self.added.notify_one();
    }

    fn refused(&self) -> MutexGuard<'_, Coalescer> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lines that are not written yet.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// `reason` is the code of the refusal.
    fn add_refused(&self, event: AuditEvent, same: &str, reason: &'static str) {
        metrics::counter!("vitrine_refusals_total", "reason" => reason).increment(1);
        let ended = self.refused().close(event.at);
        let own = self.refused().add(event, same);
        for event in ended.into_iter().chain(own) {
            self.add(event);
        }
    }

    /// Hands over the lines that count, when the time for it has come.
    fn close(&self, now: Timestamp) {
        for event in self.refused().close(now) {
            self.add(event);
        }
    }

    /// Hands over the lines that count: the server stops.
    pub(crate) fn close_now(&self) {
        for event in self.refused().close_now() {
            self.add(event);
        }
    }

    fn take(&self) -> Vec<AuditEvent> {
        let mut waiting = self.lock();
        let count = waiting.len().min(BATCH_MAX);
        waiting.drain(..count).collect()
    }
}

/// Writes the trail behind until the server stops.
pub(crate) async fn write_behind(services: Services) {
    let stopping = services.inner.stopping.clone();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            () = services.inner.trail.added.notified() => services.write_trail().await,
            () = tokio::time::sleep(CLOSE_EVERY) => services.inner.trail.close(services.now()),
        }
    }
}
