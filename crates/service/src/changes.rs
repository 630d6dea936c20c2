//! The change feed: what was revoked, blocked or edited anywhere is forgotten here at once.
//!
//! Every change is a row of the change log, written in the transaction that makes it. Each node
//! reads the log and drops the cached values that a row names; its own changes it applies
//! directly. A node that cannot read the log, or whose clock is off the database's, stops
//! serving what needs trust.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use vitrine_access::change::Change;

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{CHANGE_POLL, CHANGE_SILENCE_MAX, CLOCK_SKEW_MAX};

/// Rows of the change log read at once.
const CHANGES_READ_MAX: u32 = 1_000;

/// How many polls pass between two comparisons of our clock with the database's.
const POLLS_PER_CLOCK_CHECK: u32 = 10;

pub(crate) struct Changes {
    last_id: AtomicI64,
    // Silence is measured by the monotonic clock: the wall clock may be what is wrong.
    started: Instant,
    heard_after_ms: AtomicU64,
    clock_trusted: AtomicBool,
}

impl Changes {
    pub(crate) fn new(last_id: i64) -> Self {
        Self {
            last_id: AtomicI64::new(last_id),
            started: Instant::now(),
            heard_after_ms: AtomicU64::new(0),
            clock_trusted: AtomicBool::new(true),
        }
    }

    fn heard(&self) {
        let after_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard_after_ms.store(after_ms, Ordering::Relaxed);
    }

    fn silent_for(&self) -> Duration {
        let heard = Duration::from_millis(self.heard_after_ms.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(heard)
    }
}

impl Services {
    /// Whether this node hears changes and can trust its clock.
    pub(crate) fn trusted(&self) -> Result<()> {
        let changes = &self.inner.changes;
        if changes.silent_for() > CHANGE_SILENCE_MAX {
            return Err(Error::new(
                ErrorKind::NotReady,
                "This node has not heard from the database for too long and therefore trusts no \
                 credential. It serves again as soon as the database answers.",
            )
            .retry_after_s(2));
        }
        if !changes.clock_trusted.load(Ordering::Relaxed) {
            return Err(Error::new(
                ErrorKind::NotReady,
                "This node's clock differs from the database's by more than 30 seconds. Set the \
                 clock; it serves again as soon as they agree.",
            )
            .retry_after_s(10));
        }
        Ok(())
    }

    /// Drops every cached value that `change` makes stale.
    pub(crate) async fn apply_change(&self, change: &Change) -> Result<()> {
        let inner = &self.inner;
        match change {
            Change::Model(model) => inner.models.forget(model).await,
            Change::Ticket(ticket) => inner.tickets.forget(ticket).await,
            Change::Session(session) => inner.sessions.forget(session).await,
            Change::Token(token) => {
                let revoked = inner.store.revoked_tokens(self.now()).await?;
                if let Some((_, until)) = revoked.into_iter().find(|(id, _)| id == token) {
                    inner.tokens.note_revoked(*token, until);
                }
            }
            Change::Keys => inner.tokens.replace_ring(self.load_key_ring().await?),
            Change::Account(_) => {
                inner.models.forget_all();
                inner.sessions.forget_all();
            }
        }
        Ok(())
    }

    fn forget_everything(&self) {
        let inner = &self.inner;
        inner.models.forget_all();
        inner.tickets.forget_all();
        inner.sessions.forget_all();
        inner.aliases.invalidate_all();
    }

    /// Reads the log once.
    pub(crate) async fn hear_changes(&self) -> Result<()> {
        let changes = &self.inner.changes;
        loop {
            let last = changes.last_id.load(Ordering::Acquire);
            let rows = self
                .inner
                .store
                .changes_after(last, CHANGES_READ_MAX)
                .await?;
            let Some((newest, _)) = rows.last() else {
                break;
            };
            let newest = *newest;
            let full = rows.len() == CHANGES_READ_MAX as usize;
            if rows.first().is_some_and(|(first, _)| *first > last + 1) {
                // Rows are missing (trimmed while we were away): what they named is unknown.
                self.forget_everything();
                self.inner.tokens.replace_ring(self.load_key_ring().await?);
                for (token, until) in self.inner.store.revoked_tokens(self.now()).await? {
                    self.inner.tokens.note_revoked(token, until);
                }
            }
            for (_, change) in &rows {
                self.apply_change(change).await?;
            }
            changes.last_id.store(newest, Ordering::Release);
            if !full {
                break;
            }
        }
        changes.heard();
        Ok(())
    }

    async fn compare_clocks(&self) -> Result<()> {
        let database = self.inner.store.database_clock().await?;
        let own = self.now();
        let off = own.since(database).max(database.since(own));
        let trusted = off <= CLOCK_SKEW_MAX;
        if self
            .inner
            .changes
            .clock_trusted
            .swap(trusted, Ordering::Relaxed)
            != trusted
        {
            if trusted {
                tracing::info!("the clock agrees with the database's again");
            } else {
                tracing::error!(
                    off_s = off.as_secs(),
                    "the clock differs from the database's"
                );
            }
        }
        Ok(())
    }
}

/// Follows the change log until the server stops.
pub(crate) async fn follow(services: Services) {
    let stopping = services.inner.stopping.clone();
    let mut polls = 0_u32;
    let mut failing = false;
    loop {
        let heard = async {
            if services.inner.settings.compare_clocks && polls.is_multiple_of(POLLS_PER_CLOCK_CHECK)
            {
                services.compare_clocks().await?;
            }
            services.hear_changes().await
        }
        .await;
        match heard {
            Ok(()) if failing => {
                failing = false;
                services.forget_everything();
                tracing::info!("the change log is heard again; caches were emptied");
            }
            Err(error) if !failing => {
                failing = true;
                tracing::error!(cause = error.cause_chain(), "the change log cannot be read");
            }
            Ok(()) | Err(_) => {}
        }
        polls = polls.wrapping_add(1);
        tokio::select! {
            () = stopping.cancelled() => break,
            () = tokio::time::sleep(CHANGE_POLL) => {}
        }
    }
}
