//! Who is asking, and may they: the one place where a credential becomes a right to act.
//!
//! Handlers ask for the access that their operation's row in the permission table names; what
//! they get carries what was loaded on the way.

use std::sync::Arc;
use std::time::Duration;

use vitrine_access::decide::{ModelFacts, ModelStatus, check_model_open, recorded_is_allowed};
use vitrine_access::grant::Subject;
use vitrine_access::ids::{ModelId, SessionId};
use vitrine_access::permissions::{
    Credential, DELETED_MODELS, Operation, Permission, PermissionSet, operation,
};
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::session::{EndReason, Session, SessionState};
use vitrine_access::ticket::TicketType;
use vitrine_store::{ModelRecord, TicketRecord};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::life::deleted;
use crate::sessions::SessionEntry;
use crate::tickets::ticket_of;
use crate::tokens::VerifiedToken;

/// What a request says about itself. Nothing in it is trusted before it was checked.
#[derive(Clone, Default)]
pub struct Caller {
    /// The token of `Authorization: Bearer`, where the request carries one.
    pub bearer: Option<String>,
    /// The author's session that the request names beside its path.
    pub session: Option<String>,
    /// The client's address, as far as it is known for certain.
    pub address: Option<std::net::IpAddr>,
    /// The request's id, for the audit trail.
    pub request: Option<vitrine_access::ids::RequestId>,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("bearer", &self.bearer.as_ref().map(|_| "…"))
            .field("session", &self.session.as_ref().map(|_| "…"))
            .field("address", &self.address)
            .field("request", &self.request)
            .finish()
    }
}

/// The right to make one operation on one session.
#[derive(Clone, Debug)]
pub struct SessionAccess {
    /// The session as it was presented.
    pub id: SessionId,
    /// Its state.
    pub session: Arc<SessionEntry>,
    /// Its model.
    pub model: Arc<ModelRecord>,
    /// Everything that the request may do, session and token together.
    pub permissions: PermissionSet,
    /// The token that came along.
    pub token: Option<Arc<VerifiedToken>>,
}

/// The right to make one operation on one model by a token.
#[derive(Clone, Debug)]
pub struct ModelAccess {
    /// The model.
    pub model: Arc<ModelRecord>,
    /// Everything that the token permits on it.
    pub permissions: PermissionSet,
    /// The token.
    pub token: Arc<VerifiedToken>,
}

/// The right to make one of the operations that are reserved for the platform.
#[derive(Clone, Debug)]
pub struct BackendOnly {
    /// The token.
    pub token: Arc<VerifiedToken>,
}

impl ModelAccess {
    /// Whether the token's subject is the platform itself.
    #[must_use]
    pub fn is_backend(&self) -> bool {
        matches!(self.token.token.subject, Subject::Backend)
    }
}

pub(crate) fn refuse(kind: RefusalKind, message: impl Into<String>) -> Error {
    Refusal {
        kind,
        message: message.into(),
    }
    .into()
}

pub(crate) fn row(id: &str) -> Result<&'static Operation> {
    operation(id).ok_or_else(|| {
        Error::new(
            ErrorKind::Internal,
            format!("Operation {id} has no row in the permission table."),
        )
    })
}

fn missing(permission: Permission) -> Error {
    refuse(
        RefusalKind::PermissionMissing,
        format!(
            "The credential does not carry the permission {}. Ask its issuer for one whose \
             scopes cover it.",
            permission.as_str()
        ),
    )
}

/// Permissions that may be held for single outputs and exports: their operations look at each id.
const BY_ID: &[Permission] = &[
    Permission::ComputeOutput,
    Permission::ComputeExport,
    Permission::CacheOutputGet,
    Permission::CacheExportGet,
    Permission::CacheOutputList,
    Permission::CacheExportList,
];

fn require(permissions: &PermissionSet, row: &Operation) -> Result<()> {
    match row.permission {
        Some(permission) if BY_ID.contains(&permission) => {
            if permissions.contains_for_some(permission) {
                Ok(())
            } else {
                Err(missing(permission))
            }
        }
        Some(permission) if !permissions.contains(permission) => Err(missing(permission)),
        // What is the platform's alone and has no permission of its own takes a token without
        // limits: a narrow one shall not become a wide one here.
        None if row.credential == Credential::BackendToken
            && *permissions != PermissionSet::all() =>
        {
            Err(refuse(
                RefusalKind::PermissionMissing,
                "This takes a token with the scope '*'.",
            ))
        }
        _ => Ok(()),
    }
}

/// Facts about a model that deciding needs.
pub(crate) fn facts(model: &ModelRecord) -> ModelFacts<'_> {
    let settings = &model.settings;
    ModelFacts {
        state: model.status,
        blocked: settings.blocking,
        public: settings.public,
        domains: &model.allowed,
        backend_access: model.takes_back_ends(),
        require_iframe: model.demands_iframe(),
        require_token: model.demands_token(),
    }
}

impl Services {
    /// Checks a request on a session against its operation's row.
    ///
    /// # Errors
    /// `SessionGone` for an ended or unknown session, token refusals, `PermissionMissing`.
    pub async fn session_access(
        &self,
        operation: &str,
        session_id: &str,
        caller: &Caller,
    ) -> Result<SessionAccess> {
        self.trusted()?;
        let row = row(operation)?;
        let id: SessionId = session_id.parse().map_err(|_| {
            refuse(
                RefusalKind::SessionMalformed,
                "A session id is 32 lower-case hexadecimal digits. Use the sessionId of the \
                 session's creation unchanged.",
            )
        })?;
        let session = self
            .session_entry(id.hash())
            .await?
            .ok_or_else(gone_unknown)?;
        let allowed = self.access_on(row, id, &session, caller).await;
        if allowed.is_err() {
            // The trail names the model, and the session may have left the cache meanwhile.
            let model = session.session.model;
            let hash = session.session.hash;
            self.inner.refused_sessions.insert(hash, model);
        }
        allowed
    }

    async fn access_on(
        &self,
        row: &Operation,
        id: SessionId,
        session: &Arc<SessionEntry>,
        caller: &Caller,
    ) -> Result<SessionAccess> {
        let now = self.now();
        if let SessionState::Ended(reason, _) =
            session.state(now, &self.inner.settings.session_limits)
        {
            return Err(gone(reason));
        }
        let model = self.model_of_session(session).await?;
        let token = match caller.bearer.as_deref() {
            // In a box: most sessions need none.
            Some(bearer) => Some(Box::pin(self.token_for_model(bearer, &model)).await?),
            None => None,
        };
        let permissions = match (&token, model.demands_token()) {
            (None, true) => {
                return Err(refuse(
                    RefusalKind::TokenMissing,
                    "This model demands an access token beside the ticket. Send one as \
                     'Authorization: Bearer …'.",
                ));
            }
            (Some(token), true) => token.grant.permissions.clone(),
            (Some(token), false) => session
                .session
                .permissions
                .clone()
                .union(&token.grant.permissions),
            (None, false) => session.session.permissions.clone(),
        };
        // A session row that also takes a token (S+J) asks the union of both all the same.
        debug_assert!(matches!(
            row.credential,
            Credential::Session
                | Credential::SessionOrToken
                | Credential::SealedLink
                | Credential::Forwarded
                | Credential::TokenOrAuthor
        ));
        require(&permissions, row)?;
        // Last, so that what is refused for good hears so, and an ended session counts for nothing.
        if let Some(ticket) = session.session.ticket {
            self.limit_ticket(ticket, caller)?;
        }
        if let Some(token) = &token {
            self.limit_subject(token, caller)?;
        }
        self.touch(session, now);
        Ok(SessionAccess {
            id,
            session: Arc::clone(session),
            model,
            permissions,
            token,
        })
    }

    /// Decides again after a wait: what was revoked meanwhile gets no answer.
    ///
    /// # Errors
    /// As [`Services::session_access`].
    pub(crate) async fn still_allowed(&self, access: &SessionAccess) -> Result<()> {
        self.trusted()?;
        let now = self.now();
        let hash = access.session.session.hash;
        let session = self.session_entry(hash).await?.ok_or_else(gone_unknown)?;
        let limits = &self.inner.settings.session_limits;
        if let SessionState::Ended(reason, _) = session.state(now, limits) {
            return Err(gone(reason));
        }
        let model = self.model_of_session(&session).await?;
        let Some(token) = &access.token else {
            return Ok(());
        };
        self.check_token(token, now)?;
        match self.token_on(Arc::clone(token), &model).await? {
            Some(_) => Ok(()),
            None => Err(wrong_model()),
        }
    }

    /// The session's model, after checking that whatever opened the session would still do so.
    pub(crate) async fn model_of_session(&self, entry: &SessionEntry) -> Result<Arc<ModelRecord>> {
        let session = &entry.session;
        let model = self
            .model_record(session.model)
            .await?
            .ok_or_else(gone_unknown)?;
        let tokens = &self.inner.tokens;
        if session.token.is_some_and(|token| tokens.is_revoked(token))
            || session
                .subject
                .is_some_and(|subject| tokens.is_subject_revoked(&subject, session.opened_at))
        {
            return Err(gone(EndReason::Revoked));
        }
        if !self.issuer_key_counts(session.issuer_key)? {
            return Err(gone(EndReason::Revoked));
        }
        let ticket = match session.ticket {
            Some(id) => Some(self.ticket_record(id).await?.ok_or_else(gone_unknown)?),
            None => None,
        };
        // A session is a ticket in use: it does not outlive it, however far its own age would go.
        let now = self.now();
        if ticket
            .as_ref()
            .is_some_and(|ticket| ticket.revoked_at.is_some() || ticket.until < now)
        {
            return Err(gone(EndReason::Revoked));
        }
        if self.opening_withdrawn(session, ticket.as_deref(), &model) {
            return Err(gone(EndReason::Revoked));
        }
        if entry.checked_against(&model) {
            return Ok(model);
        }
        if check_model_open(&facts(&model)).is_err()
            || !still_allowed(entry, &model, ticket.as_deref())
            || !Box::pin(self.group_still_covers(session, &model)).await?
        {
            return Err(gone(EndReason::Revoked));
        }
        entry.note_checked(&model);
        Ok(model)
    }

    /// Whether what opened a session ended with whoever gave it or was given it.
    fn opening_withdrawn(
        &self,
        session: &Session,
        ticket: Option<&TicketRecord>,
        model: &ModelRecord,
    ) -> bool {
        if session.subject == Some(Subject::Backend) {
            return false;
        }
        // Beside a ticket a token gives the session nothing: it is shown, and looked at, with each call.
        if let Some(ticket) = ticket {
            return self.ticket_withdrawn(model, ticket);
        }
        // Other issuers name their tokens as they like.
        let token = session.token.filter(|_| session.issuer_key.is_none());
        let holder = token.and_then(|token| token.holder());
        self.owner_withdrew(model, session.opened_at)
            || self.withdrawn(model, holder, session.opened_at)
    }

    /// Checks a request on a model against its operation's row.
    ///
    /// # Errors
    /// Token refusals; 403 before any look-up when the token does not cover the id.
    pub async fn model_access(
        &self,
        operation: &str,
        model_id: &str,
        caller: &Caller,
    ) -> Result<ModelAccess> {
        self.trusted()?;
        let row = row(operation)?;
        let token = self.required_token(caller)?;
        if row.credential == Credential::BackendToken {
            backend_subject(&token)?;
        }
        let id = model_id.parse::<ModelId>().ok();
        let named = id.map_or(token.grant.is_backend(), |id| token.names(id));
        if named {
            require(&token.grant.permissions, row)?;
        } else if !id.is_some_and(|id| token.may_cover(id)) {
            return Err(wrong_model());
        }
        let model = match id {
            Some(id) => self.model_record(id).await?,
            None => None,
        };
        let model = match model {
            Some(model) => model,
            None if named => {
                return Err(refuse(
                    RefusalKind::ModelUnknown,
                    format!("There is no model {}.", printable(model_id)),
                ));
            }
            // Whoever may not know whether it exists hears the same as for another's model.
            None => return Err(wrong_model()),
        };
        let token = self
            .token_on(token, &model)
            .await?
            .ok_or_else(wrong_model)?;
        require(&token.grant.permissions, row)?;
        let for_the_platform = token.grant.is_backend() && DELETED_MODELS.contains(&row.id);
        if model.status == ModelStatus::Deleted && !for_the_platform {
            return Err(deleted());
        }
        let permissions = token.grant.permissions.clone();
        Ok(ModelAccess {
            model,
            permissions,
            token,
        })
    }

    /// Checks a request that only the platform itself may make.
    ///
    /// # Errors
    /// Token refusals, `SubjectRestricted`, `PermissionMissing`.
    pub fn backend_only(&self, operation: &str, caller: &Caller) -> Result<BackendOnly> {
        self.trusted()?;
        let row = row(operation)?;
        let token = self.required_token(caller)?;
        backend_subject(&token)?;
        require(&token.grant.permissions, row)?;
        Ok(BackendOnly { token })
    }

    /// Checks a request by a token whose reach is looked at for each thing that the request names.
    ///
    /// # Errors
    /// Token refusals, `PermissionMissing`.
    pub(crate) fn token_for_operation(
        &self,
        operation: &str,
        caller: &Caller,
    ) -> Result<Arc<VerifiedToken>> {
        self.trusted()?;
        let row = row(operation)?;
        let token = self.required_token(caller)?;
        require(&token.grant.permissions, row)?;
        Ok(token)
    }

    fn required_token(&self, caller: &Caller) -> Result<Arc<VerifiedToken>> {
        let bearer = caller.bearer.as_deref().ok_or_else(|| {
            refuse(
                RefusalKind::TokenMissing,
                "This operation needs an access token. Send one as 'Authorization: Bearer …'.",
            )
        })?;
        let token = self.verify_token(bearer)?;
        self.limit_subject(&token, caller)?;
        Ok(token)
    }

    /// The token beside a ticket or session, as it counts on the model; it must be right even where
    /// none is demanded.
    pub(crate) async fn token_for_model(
        &self,
        bearer: &str,
        model: &ModelRecord,
    ) -> Result<Arc<VerifiedToken>> {
        let token = self.verify_token(bearer)?;
        match self.token_on(token, model).await? {
            Some(token) => Ok(token),
            None => Err(refuse(
                RefusalKind::WrongModel,
                "The access token is not for this session's model. Ask its issuer for one that is.",
            )),
        }
    }

    /// A model by id, from memory when it is warm.
    pub(crate) async fn model_record(&self, id: ModelId) -> Result<Option<Arc<ModelRecord>>> {
        let load = || async { Ok(self.inner.store.model_unscoped(id).await?) };
        self.inner.models.get_or_load(id, load).await
    }

    pub(crate) async fn ticket_record(
        &self,
        id: vitrine_access::ids::TicketId,
    ) -> Result<Option<Arc<TicketRecord>>> {
        let load = || async { Ok(self.inner.store.ticket_unscoped(id).await?) };
        self.inner.tickets.get_or_load(id, load).await
    }
}

pub(crate) fn wrong_model() -> Error {
    refuse(
        RefusalKind::WrongModel,
        "The access token is not for this model. Ask its issuer for one that is.",
    )
}

fn backend_subject(token: &VerifiedToken) -> Result<()> {
    if matches!(token.token.subject, Subject::Backend) {
        return Ok(());
    }
    Err(refuse(
        RefusalKind::SubjectRestricted,
        "Only the platform itself may do this: the access token's subject must be 'backend'.",
    ))
}

/// Whether the page that opened the session would still be let in.
fn still_allowed(entry: &SessionEntry, model: &ModelRecord, ticket: Option<&TicketRecord>) -> bool {
    let Some(record) = ticket else { return true };
    if record.created_at < model.settings.tickets_not_before {
        return false;
    }
    if record.kind == TicketType::Backend {
        return model.takes_back_ends();
    }
    // How a session was embedded is not kept: those from before the demand open anew.
    let settings = &model.settings;
    if settings.require_iframe
        && settings
            .frames_only_since
            .is_some_and(|since| entry.session.opened_at <= since)
    {
        return false;
    }
    let Some(page) = entry.session.origin.as_deref() else {
        return false;
    };
    recorded_is_allowed(&ticket_of(model, record), &facts(model), page)
}

pub(crate) fn gone_unknown() -> Error {
    refuse(
        RefusalKind::SessionGone,
        "This session does not exist or has ended. Open a new one.",
    )
}

pub(crate) fn gone(reason: EndReason) -> Error {
    let message = match reason {
        EndReason::Closed => "This session was closed. Open a new one.",
        EndReason::Aged => "This session has reached its greatest age. Open a new one.",
        EndReason::Idle => "This session ended because it was not used. Open a new one.",
        EndReason::Revoked => {
            "This session ended because the right to it was withdrawn. Opening a new one says why."
        }
    };
    refuse(RefusalKind::SessionGone, message)
}

/// Text of a caller's, fit to be shown back: short and without control characters.
pub(crate) fn printable(text: &str) -> String {
    const SHOWN_MAX: usize = 64;
    text.chars()
        .filter(|c| !c.is_control())
        .take(SHOWN_MAX)
        .collect()
}

/// How much later than asked a session may be found idle: the granularity of touches.
pub(crate) const TOUCH_GRAIN: Duration = Duration::from_secs(1);
