//! Forgetting what nobody needs any more, a little at a time.

use std::time::Duration;

use crate::Services;
use crate::error::Result;

/// How often there is a look.
const ROUND: Duration = Duration::from_hours(1);
/// Rows forgotten in one transaction, so that it does not hold the others up.
const ROWS: u32 = 500;
/// How long ended sessions are kept, for questions about what they were charged with.
const SESSIONS_KEPT: Duration = Duration::from_hours(90 * 24);
/// How long what accounts were told is kept, and what was sent to their webhooks.
const NOTICES_KEPT: Duration = Duration::from_hours(90 * 24);
/// How long records of computations are kept, for the same; charges stay.
const COMPUTATIONS_KEPT: Duration = SESSIONS_KEPT;
/// How long tokens of the editor are kept after their end, so that a late one is told from a wrong one.
const EDITOR_TOKENS_KEPT: Duration = Duration::from_hours(24);

/// How long script jobs can be asked about after their end.
const SCRIPT_JOBS_KEPT: Duration = Duration::from_hours(7 * 24);

/// Forgets until the server stops.
pub(crate) async fn run(services: Services) {
    let stopping = services.inner.stopping.clone();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            () = tokio::time::sleep(ROUND) => {}
        }
        if let Err(error) = services.forget_old_rows().await {
            tracing::warn!(
                cause = error.cause_chain(),
                "old rows could not be forgotten"
            );
        }
    }
}

impl Services {
    /// Forgets what is old enough now.
    ///
    /// # Errors
    /// Database failures.
    pub async fn forget_old_rows(&self) -> Result<()> {
        let now = self.now();
        let ago = |kept: Duration| {
            let kept_ms = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
            vitrine_access::time::Timestamp::from_unix_ms(now.unix_ms().saturating_sub(kept_ms))
        };
        let store = &self.inner.store;
        while store
            .forget_audit(ago(self.inner.settings.audit_kept), ROWS)
            .await?
            >= u64::from(ROWS)
        {}
        while store.forget_sessions(ago(SESSIONS_KEPT), ROWS).await? >= u64::from(ROWS) {}
        while store
            .forget_computations(ago(COMPUTATIONS_KEPT), ROWS)
            .await?
            >= u64::from(ROWS)
        {}
        while store
            .forget_tickets(ago(self.inner.settings.tickets_kept), ROWS)
            .await?
            >= u64::from(ROWS)
        {}
        while store.forget_auth_groups(now, ROWS).await? >= u64::from(ROWS) {}
        while store
            .forget_editor_tokens(ago(EDITOR_TOKENS_KEPT), ROWS)
            .await?
            >= u64::from(ROWS)
        {}
        while store
            .forget_editor_sessions(ago(EDITOR_TOKENS_KEPT), ROWS)
            .await?
            >= u64::from(ROWS)
        {}
        while store.forget_notifications(ago(NOTICES_KEPT), ROWS).await? >= u64::from(ROWS) {}
        while store.forget_deliveries(ago(NOTICES_KEPT), ROWS).await? >= u64::from(ROWS) {}
        while store
            .forget_script_jobs(ago(SCRIPT_JOBS_KEPT), ROWS)
            .await?
            >= u64::from(ROWS)
        {}
        while store.forget_revoked_tokens(now, ROWS).await? >= u64::from(ROWS) {}
        while store.forget_revoked_subjects(now, ROWS).await? >= u64::from(ROWS) {}
        while store.forget_sign_ins(now, ROWS).await? >= u64::from(ROWS) {}
        while store.forget_sign_in_steps(now, ROWS).await? >= u64::from(ROWS) {}
        while store.forget_authorization_codes(now, ROWS).await? >= u64::from(ROWS) {}
        self.inner.tokens.forget_expired(now);
        self.forget_idle_sessions(now);
        Ok(())
    }
}
