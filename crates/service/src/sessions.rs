//! Sessions: opening by ticket or by model, defaults, closing, and the write-behind of idle times.

use std::sync::Arc;

use vitrine_access::credits::UsageKind;
use vitrine_access::decide::embed_unproven;
use vitrine_access::ids::{SessionHash, SessionId};
use vitrine_access::permissions::{Permission, PermissionSet};
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::session::{AlreadyEnded, EndReason, Session, SessionClass};
use vitrine_store::StoreError;

use crate::Services;
pub use crate::admission::{Admission, PageEvidence};
use crate::asked::{Asked, ExportRequest, ItemStates};
use crate::error::{Error, Result};
use crate::metering::Paid;
pub use crate::presence::SessionEntry;
use crate::settings::SESSION_SLOT;
use crate::who::{Caller, SessionAccess, gone, gone_unknown};

/// What to compute when a session opens.
#[derive(Clone, Debug)]
pub enum Initial {
    /// Outputs for these values on top of the defaults.
    Outputs(Vec<(String, vitrine_model::RawValue)>),
    /// An export request.
    Exports(ExportRequest),
}

impl Initial {
    /// What the values cost beside the session itself.
    fn charged_as(&self, class: SessionClass) -> Option<UsageKind> {
        match self {
            Self::Exports(request) if request.outputs.is_empty() => Some(UsageKind::Export),
            Self::Exports(_) => Some(UsageKind::Combined),
            // Sessions of pages pay by time; the others pay each request for values of their own.
            Self::Outputs(values) if class == SessionClass::Default && !values.is_empty() => {
                Some(UsageKind::Output)
            }
            Self::Outputs(_) => None,
        }
    }
}

/// A session as its creation and its defaults show it.
#[derive(Clone, Debug)]
pub struct OpenedSession {
    /// The session, and what the request may do with it.
    pub access: SessionAccess,
    /// Outputs computed or pending; `None` when only definitions may be shown.
    pub outputs: Option<ItemStates>,
    /// Exports computed or pending, when the request asked for some.
    pub exports: Option<ItemStates>,
    /// Texts for the client about what was ignored.
    pub warnings: Vec<String>,
}

impl OpenedSession {
    fn of(access: SessionAccess) -> Self {
        Self {
            access,
            outputs: None,
            exports: None,
            warnings: Vec::new(),
        }
    }
}

impl Services {
    /// Opens the session that was admitted and computes what the request asks for.
    ///
    /// # Errors
    /// Parameter errors, before anything is written or charged; database and queue failures.
    pub async fn open_session(
        &self,
        admission: Admission,
        caller: &Caller,
        initial: Initial,
        ignore_unknown: bool,
    ) -> Result<OpenedSession> {
        let permissions = admission.effective();
        let engine = self.engine_of(&admission.model);
        let asked = initial_asked(&engine, &admission, &permissions, &initial, ignore_unknown)?;
        let (id, entry, paid) = self.begin(&admission, caller, &initial).await?;
        let access = SessionAccess {
            id,
            session: entry,
            model: admission.model,
            permissions,
            token: admission.token,
        };
        // The request's body may have come long after its head, on which the decision was made.
        self.still_allowed(&access).await?;
        let mut opened = OpenedSession::of(access);
        if let Some(asked) = asked {
            let wait = self.inner.settings.session_wait;
            let states = self.states(&opened.access, &asked, wait, paid).await?;
            if asked.wants_exports() {
                opened.exports = Some(states.exports);
            }
            if asked.wants_outputs() {
                opened.outputs = Some(states.outputs);
            }
            opened.warnings = asked.warnings;
        }
        Ok(opened)
    }

    /// Writes the session and what it is charged with; both are durable when this returns.
    async fn begin(
        &self,
        admission: &Admission,
        caller: &Caller,
        initial: &Initial,
    ) -> Result<(SessionId, Arc<SessionEntry>, Paid)> {
        let now = self.now();
        let model = &admission.model;
        let token = admission.token.as_ref().map(|verified| &verified.token);
        let id = match &admission.page_load {
            Some(load) => load.session_id(),
            None => SessionId::new(&*self.inner.entropy),
        };
        let session = Session {
            hash: id.hash(),
            model: model.id,
            origin: admission.origin.clone(),
            ticket: admission.ticket.as_ref().map(|ticket| ticket.id),
            token: token.map(|token| token.id),
            subject: token.map(|token| token.subject),
            issuer_key: admission.token.as_ref().and_then(|token| token.issuer_key),
            owner: model.owner,
            payer: model.owner.payer(),
            class: admission.class,
            permissions: admission.granted.clone(),
            author: admission
                .ticket
                .as_ref()
                .is_some_and(|ticket| ticket.author),
            opened_at: now,
            last_seen_at: now,
            paid_until: now.plus(SESSION_SLOT),
            ended: None,
        };
        let token = admission.token.as_deref();
        let mut usage = vec![self.usage_of(&session, token, UsageKind::Session, 0)];
        // Computed values other than the model's own defaults are charged like any other request.
        if let Some(kind) = initial.charged_as(admission.class) {
            usage.push(self.usage_of(&session, token, kind, 0));
        }
        let paid = Paid::by(&usage);
        let store = &self.inner.store;
        let appended = store.append_session(session.clone(), usage).await;
        appended.map_err(|error| match error {
            // Somebody was first, here or on another node: one page load opens one session.
            StoreError::Conflict { .. } if admission.page_load.is_some() => embed_unproven().into(),
            other => Error::from(other),
        })?;
        let entry = Arc::new(SessionEntry::new(session));
        entry.note_checked(model);
        self.inner
            .sessions
            .insert(entry.session.hash, Arc::clone(&entry));
        metrics::counter!("vitrine_sessions_opened_total").increment(1);
        tracing::info!(
            model = %model.id,
            class = admission.class.as_str(),
            address = ?caller.address,
            "session opened"
        );
        Ok((id, entry, paid))
    }

    /// `GetSessionDefaults`: what the session's creation showed, for the default values.
    ///
    /// # Errors
    /// Database and computation errors.
    pub async fn session_defaults(&self, access: SessionAccess) -> Result<OpenedSession> {
        let outputs = if access.permissions.contains(Permission::ComputeOutput) {
            let asked = Asked::outputs(&self.engine_of(&access.model), &access.model, &[], false)?;
            let wait = self.inner.settings.session_wait;
            let paid = Paid::Nothing;
            Some(self.states(&access, &asked, wait, paid).await?.outputs)
        } else {
            None
        };
        Ok(OpenedSession {
            outputs,
            ..OpenedSession::of(access)
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
        self.inner.sessions.forget(&hash);
        if ended { Ok(()) } else { Err(gone_unknown()) }
    }
}

/// What opening computes, checked before anything is written.
fn initial_asked(
    engine: &str,
    admission: &Admission,
    permissions: &PermissionSet,
    initial: &Initial,
    ignore_unknown: bool,
) -> Result<Option<Asked>> {
    let model = &admission.model;
    let needs = |permission: Permission| {
        if permissions.contains(permission) {
            return Ok(());
        }
        Err(Error::from(Refusal::new(
            RefusalKind::PermissionMissing,
            format!(
                "Computing while the session opens needs the permission {}. Ask for a token \
                 whose scopes cover it, or send no body.",
                permission.as_str()
            ),
        )))
    };
    match initial {
        Initial::Outputs(values) => {
            if values.is_empty() && !permissions.contains(Permission::ComputeOutput) {
                return Ok(None);
            }
            needs(Permission::ComputeOutput)?;
            Asked::outputs(engine, model, values, ignore_unknown).map(Some)
        }
        Initial::Exports(request) => {
            needs(Permission::ComputeExport)?;
            if !request.outputs.is_empty() {
                needs(Permission::ComputeOutput)?;
            }
            Asked::exports(engine, model, request, ignore_unknown).map(Some)
        }
    }
}
