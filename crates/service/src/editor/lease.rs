//! The right to save: one editor of a drawing at a time has it, as long as it gives signs of life.

use vitrine_access::editor_session::{EditorAccess, EditorOpening};
use vitrine_access::limits::EDITOR_LEASE_TTL;
use vitrine_access::refusal::RefusalKind;

use super::EditorSessionAccess;
use crate::Services;
use crate::error::Result;
use crate::who::{Caller, refuse};

/// Who may save at the moment, as one of the editors sees it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Lease {
    /// Whether it is the one who asks.
    pub held: bool,
    /// The name of the other one who may, where there is one and it has a name.
    pub by: Option<String>,
    /// How long that holds without a sign of life, seconds.
    pub seconds: u64,
}

impl Services {
    /// Takes or keeps the lease; the answer says who has it. A refusal is noted.
    ///
    /// # Errors
    /// `ViewOnly` in view access.
    pub async fn take_editor_lease(
        &self,
        operation: &str,
        access: &EditorSessionAccess,
        caller: &Caller,
    ) -> Result<Lease> {
        let permitted = require_edit(access);
        self.audited_as(operation, caller, &access.actor(), permitted)?;
        self.take_lease(access).await
    }

    pub(super) async fn take_lease(&self, access: &EditorSessionAccess) -> Result<Lease> {
        let now = self.now();
        let record = &access.record;
        // A lease never outlives its session.
        let until = now.plus(EDITOR_LEASE_TTL).min(record.expires_at);
        let store = &self.inner.store;
        store
            .take_drawing_lease(record.drawing, record.hash, now, until)
            .await?;
        self.lease_of(access).await
    }

    /// Gives the lease back.
    ///
    /// # Errors
    /// Database failures.
    pub async fn release_editor_lease(&self, access: &EditorSessionAccess) -> Result<()> {
        let record = &access.record;
        let store = &self.inner.store;
        store
            .release_drawing_lease(record.drawing, record.hash)
            .await?;
        Ok(())
    }

    pub(super) async fn lease_of(&self, access: &EditorSessionAccess) -> Result<Lease> {
        let now = self.now();
        let store = &self.inner.store;
        let found = store.drawing_lease(access.record.drawing).await?;
        let Some(lease) = found.filter(|lease| now < lease.until) else {
            return Ok(Lease::default());
        };
        let held = lease.session == access.record.hash;
        let by = if held {
            None
        } else {
            self.holder(lease.session).await?
        };
        Ok(Lease {
            held,
            by,
            seconds: lease.until.since(now).as_secs(),
        })
    }

    /// The holder's name stands in its session's sealed parameters and nowhere else.
    async fn holder(&self, session: vitrine_access::EditorSessionHash) -> Result<Option<String>> {
        let found = self.inner.store.editor_session_unscoped(session).await?;
        let Some(record) = found else {
            return Ok(None);
        };
        let parameters = self.open_session_parameters(&record)?;
        let opening = EditorOpening::read(&parameters).ok();
        Ok(opening.and_then(|opening| opening.holder))
    }
}

pub(super) fn require_edit(access: &EditorSessionAccess) -> Result<()> {
    match access.opening.access {
        EditorAccess::Edit => Ok(()),
        EditorAccess::View => Err(refuse(
            RefusalKind::ViewOnly,
            "The drawing was opened for looking only. A token with the parameter access = edit \
             opens it for changes.",
        )),
    }
}
