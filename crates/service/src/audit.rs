//! The audit trail: who tried what, by which credential, and what was decided.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use vitrine_access::audit::{AuditEvent, Decision};
use vitrine_access::ids::{AuditId, ModelId, RequestId};

use crate::Services;
use crate::error::{ErrorKind, Result};
use crate::who::Caller;

/// Events that may wait; each has a few hundred bytes.
const WAITING_MAX: usize = 10_000;
/// Events written at once.
const BATCH_MAX: usize = 500;

/// Stable code of a failure for trail and answers.
#[must_use]
pub fn code_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Refused(refusal) => refusal.code(),
        ErrorKind::RequestInvalid => "request-invalid",
        ErrorKind::ParameterInvalid => "parameter-invalid",
        ErrorKind::ModelInvalid => "model-invalid",
        ErrorKind::EntityUnknown => "entity-unknown",
        ErrorKind::TooLarge => "too-large",
        ErrorKind::Busy => "busy",
        ErrorKind::ComputationFailed => "computation-failed",
        ErrorKind::StorageFailed => "storage-failed",
        ErrorKind::DatabaseFailed => "database-failed",
        ErrorKind::NotReady => "not-ready",
        ErrorKind::Internal => "internal",
    }
}

/// Who acted, by which credential; never a secret.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) name: String,
    pub(crate) credential: String,
}

impl Default for Actor {
    fn default() -> Self {
        Self {
            name: "anonymous".to_owned(),
            credential: "none".to_owned(),
        }
    }
}

impl Services {
    /// Notes a refusal and passes the outcome on.
    pub(crate) fn audited<T>(
        &self,
        operation: &str,
        caller: &Caller,
        outcome: Result<T>,
    ) -> Result<T> {
        if let Err(error) = &outcome
            && matches!(error.kind(), ErrorKind::Refused(_))
        {
            self.note(
                operation,
                caller,
                None,
                Decision::Refused,
                code_of(error.kind()),
                error.message(),
            );
        }
        outcome
    }

    /// Notes a refusal of somebody who is known by other means than a token, and passes the outcome on.
    pub(crate) fn audited_as<T>(
        &self,
        operation: &str,
        caller: &Caller,
        who: &Actor,
        outcome: Result<T>,
    ) -> Result<T> {
        if let Err(error) = &outcome
            && matches!(error.kind(), ErrorKind::Refused(_))
        {
            let reason = code_of(error.kind());
            let refused = (Decision::Refused, reason, error.message());
            self.note_as(operation, caller, who.clone(), None, refused);
        }
        outcome
    }

    /// Notes a change that somebody was allowed to make who is known by other means than a token.
    pub(crate) fn note_allowed_as(&self, operation: &str, caller: &Caller, who: &Actor) {
        let allowed = (Decision::Allowed, "allowed", "");
        self.note_as(operation, caller, who.clone(), None, allowed);
    }

    /// Notes a change that somebody was allowed to make.
    pub fn note_allowed(&self, operation: &str, caller: &Caller, model: Option<ModelId>) {
        self.note(operation, caller, model, Decision::Allowed, "allowed", "");
    }

    fn note(
        &self,
        operation: &str,
        caller: &Caller,
        model: Option<ModelId>,
        decision: Decision,
        reason: &str,
        message: &str,
    ) {
        let verified = caller
            .bearer
            .as_deref()
            .and_then(|bearer| self.verify_token(bearer).ok());
        let who = match &verified {
            Some(token) => Actor {
                name: token.token.subject.to_string(),
                credential: format!("token {}", token.token.id),
            },
            None => Actor::default(),
        };
        self.note_as(operation, caller, who, model, (decision, reason, message));
    }

    fn note_as(
        &self,
        operation: &str,
        caller: &Caller,
        who: Actor,
        model: Option<ModelId>,
        (decision, reason, message): (Decision, &str, &str),
    ) {
        let entropy = &*self.inner.entropy;
        let event = AuditEvent {
            id: AuditId::new(entropy),
            at: self.now(),
            request: caller.request.unwrap_or_else(|| RequestId::new(entropy)),
            actor: who.name,
            credential: who.credential,
            address: caller.address.map(|address| address.to_string()),
            operation: operation.to_owned(),
            model,
            decision,
            reason: reason.to_owned(),
            message: message.to_owned(),
        };
        self.inner.trail.add(event);
    }

    /// Writes what waits; a stopping server calls it last.
    pub(crate) async fn write_trail(&self) {
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

/// Events that wait to be written. An answer does not wait for them; a stop does.
pub(crate) struct Trail {
    waiting: Mutex<VecDeque<AuditEvent>>,
    added: Notify,
}

impl Trail {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Mutex::new(VecDeque::new()),
            added: Notify::new(),
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
        }
    }
}
