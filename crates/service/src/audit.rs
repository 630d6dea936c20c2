//! The audit trail: who tried what, by which credential, and what was decided.

use vitrine_access::audit::{AuditEvent, Decision};
use vitrine_access::ids::{AuditId, ModelId, RequestId};

use crate::Services;
use crate::error::{ErrorKind, Result};
use crate::who::Caller;

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

    /// Notes a change that somebody was allowed to make.
    pub fn note_allowed(&self, operation: &str, caller: &Caller, model: Option<ModelId>) {
        self.note(operation, caller, model, Decision::Allowed, "allowed", "");
    }

    /// Notes a refusal that a handler met before a use case began.
    pub fn note_refused(&self, operation: &str, caller: &Caller, error: &crate::Error) {
        self.note(
            operation,
            caller,
            None,
            Decision::Refused,
            code_of(error.kind()),
            error.message(),
        );
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
        let entropy = &*self.inner.entropy;
        let verified = caller
            .bearer
            .as_deref()
            .and_then(|bearer| self.verify_token(bearer).ok());
        let (actor, credential) = match &verified {
            Some(token) => (
                token.token.subject.to_string(),
                format!("token {}", token.token.id),
            ),
            None => ("anonymous".to_owned(), "none".to_owned()),
        };
        let event = AuditEvent {
            id: AuditId::new(entropy),
            at: self.now(),
            request: caller.request.unwrap_or_else(|| RequestId::new(entropy)),
            actor,
            credential,
            address: caller.address.map(|address| address.to_string()),
            operation: operation.to_owned(),
            model,
            decision,
            reason: reason.to_owned(),
            message: message.to_owned(),
        };
        let services = self.clone();
        // The trail is written behind: an answer does not wait for it, a stop does.
        self.inner.tracker.spawn(async move {
            if let Err(error) = services.inner.store.append_audit(vec![event]).await {
                tracing::error!(%error, "an audit event could not be written");
            }
        });
    }
}
