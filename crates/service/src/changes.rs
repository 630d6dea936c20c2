//! The change feed: what was revoked, blocked or edited anywhere is forgotten here at once.
//!
//! Every change is a row of the change log, written in the transaction that makes it. Each node
//! reads the log and drops the cached values that a row names; its own changes it applies
//! directly. It reads when the database says that there is something new ([`crate::listening`])
//! and several times a second anyway, so that nothing depends on being told. A node that cannot
//! read the log, or whose clock is off the database's, stops serving what needs trust.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use vitrine_access::change::Change;
use vitrine_access::time::Timestamp;

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::listening::Listening;
use crate::settings::{CHANGE_POLL, CHANGE_SILENCE_MAX, CLOCK_SKEW_MAX};
use crate::tokens::REVOCATION_KEPT;

/// Rows of the change log read at once.
const CHANGES_READ_MAX: u32 = 1_000;

/// How often our clock is held against the database's.
const CLOCK_CHECK: Duration = Duration::from_secs(2);

/// A database tells whole milliseconds, and so do we: this much is no difference.
const CLOCK_GRAIN_MS: i64 = 2;

/// Shortest time between two readings of the log: many changes at once are read together.
const CHANGE_READ_GAP: Duration = Duration::from_millis(5);

pub(crate) struct Changes {
    last_id: AtomicI64,
    // Silence is measured by the monotonic clock: the wall clock may be what is wrong.
    started: Instant,
    heard_after_ms: AtomicU64,
    clock_trusted: AtomicBool,
    /// What our clock lacks to the database's, in milliseconds.
    clock_behind_ms: AtomicI64,
    /// Whether a change that this version does not know was reported already.
    unknown_reported: AtomicBool,
    /// Asks for a reading at once.
    news: Notify,
    /// Asks for empty caches before the next reading.
    missed: AtomicBool,
    pub(crate) listening: Listening,
}

impl Changes {
    pub(crate) fn new(last_id: i64) -> Self {
        Self {
            last_id: AtomicI64::new(last_id),
            started: Instant::now(),
            heard_after_ms: AtomicU64::new(0),
            clock_trusted: AtomicBool::new(true),
            clock_behind_ms: AtomicI64::new(0),
            unknown_reported: AtomicBool::new(false),
            news: Notify::new(),
            missed: AtomicBool::new(false),
            listening: Listening::default(),
        }
    }

    /// What has to be added to our clock, in milliseconds, to have the database's, which all nodes share.
    pub(crate) fn clock_behind_ms(&self) -> i64 {
        self.clock_behind_ms.load(Ordering::Relaxed)
    }

    /// There is something new in the log.
    pub(crate) fn tell(&self) {
        self.news.notify_one();
    }

    /// News may have been missed: the caches are emptied and the log is read.
    pub(crate) fn tell_missed(&self) {
        self.missed.store(true, Ordering::Release);
        self.news.notify_one();
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
            Change::Model(model) => inner.models.forget(model),
            Change::Ticket(ticket) => inner.tickets.forget(ticket),
            Change::Session(session) => inner.sessions.forget(session),
            Change::Token(token) => {
                let now = self.now();
                if inner.store.is_token_revoked(*token, now).await? {
                    inner.tokens.note_revoked(*token, now.plus(REVOCATION_KEPT));
                }
            }
            Change::Subject(_) => self.load_revoked_subjects().await?,
            Change::Holder(user) => self.load_revoked_holder(*user).await?,
            Change::Keys => self.reload_key_ring().await?,
            Change::Results => self.forget_results(),
            Change::EditorToken(token) => inner.partners.forget_token(token),
            // Partners, keys and the tokens of a partner are forgotten together: such changes are
            // rare, and one row may concern thousands of tokens.
            Change::Partner(_) => inner.partners.forget_all(),
            Change::Account(_) | Change::Organization(_) => {
                inner.models.forget_all();
                inner.sessions.forget_all();
            }
        }
        Ok(())
    }

    /// Forgets whatever a missed change could have made stale, and reads again what is always
    /// kept in memory. Only the reader of the log calls it: two at once could put an older key
    /// ring over a newer one.
    async fn start_over(&self) -> Result<()> {
        metrics::counter!("vitrine_change_feed_caches_emptied_total").increment(1);
        let inner = &self.inner;
        inner.models.forget_all();
        inner.tickets.forget_all();
        inner.sessions.forget_all();
        inner.aliases.clear();
        self.forget_results();
        self.reload_key_ring().await?;
        inner.partners.forget_all();
        for (token, until) in inner.store.revoked_tokens(self.now()).await? {
            inner.tokens.note_revoked(token, until);
        }
        self.load_revoked_subjects().await
    }

    /// Reads the log once.
    async fn hear_changes(&self) -> Result<()> {
        let changes = &self.inner.changes;
        loop {
            let last = changes.last_id.load(Ordering::Acquire);
            let rows = self
                .inner
                .store
                .changes_after(last, CHANGES_READ_MAX)
                .await?;
            let (Some((first, _)), Some((newest, _))) = (rows.first(), rows.last()) else {
                break;
            };
            let (first, newest) = (*first, *newest);
            let full = rows.len() == CHANGES_READ_MAX as usize;
            let unknown = rows.iter().find(|(_, change)| change.is_none());
            if let Some((id, _)) = unknown {
                self.report_unknown(*id);
            }
            if first > last + 1 || unknown.is_some() {
                // What missing rows (trimmed while we were away) or unreadable ones (of a newer
                // version) named is not known: it may be anything.
                self.start_over().await?;
            }
            for change in rows.iter().filter_map(|(_, change)| change.as_ref()) {
                self.apply_change(change).await?;
            }
            changes.last_id.store(newest, Ordering::Release);
            if !full {
                break;
            }
        }
        if self.inner.tokens.ring().is_stale(self.now()) {
            self.reload_key_ring().await?;
        }
        changes.heard();
        Ok(())
    }

    /// Once per run: a newer version may write a thousand of them.
    fn report_unknown(&self, id: i64) {
        let reported = &self.inner.changes.unknown_reported;
        if !reported.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                id,
                "the change log holds a kind of change that this version does not know; each \
                 such row empties the caches. Bring all nodes to one version"
            );
        }
    }

    /// Holds our clock against the database's. Nodes whose clocks differ a little would otherwise revoke, by the
    /// slower clock, less than the faster one has given out.
    pub(crate) async fn compare_clocks(&self) -> Result<()> {
        let before = self.inner.clock.now();
        let database = self.inner.store.database_clock().await?;
        let own = self.inner.clock.now();
        let off = own.since(database).max(database.since(own));
        let behind_ms = &self.inner.changes.clock_behind_ms;
        let known_ms = behind_ms.load(Ordering::Relaxed);
        let now_ms = nearest_difference(known_ms, before, database, own);
        behind_ms.store(now_ms, Ordering::Relaxed);
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

/// The difference of the clocks that is nearest to the known one, of all that are possible: the database looked at
/// its clock at some time between two looks at ours. How long that takes, the wait for a connection included, is in the
/// hands of whoever sends many requests, and so it moves nothing by itself.
fn nearest_difference(
    known_ms: i64,
    before: Timestamp,
    database: Timestamp,
    after: Timestamp,
) -> i64 {
    let least_ms = database.unix_ms().saturating_sub(after.unix_ms());
    let most_ms = database.unix_ms().saturating_sub(before.unix_ms());
    known_ms
        .max(least_ms.saturating_sub(CLOCK_GRAIN_MS))
        .min(most_ms.saturating_add(CLOCK_GRAIN_MS))
}

/// Follows the change log until the server stops.
pub(crate) async fn follow(services: Services) {
    let stopping = services.inner.stopping.clone();
    let changes = &services.inner.changes;
    let compares = services.inner.settings.compare_clocks;
    let mut clock_checked: Option<Instant> = None;
    let mut failing = false;
    loop {
        let heard = async {
            if compares && clock_checked.is_none_or(|last| last.elapsed() >= CLOCK_CHECK) {
                services.compare_clocks().await?;
                clock_checked = Some(Instant::now());
            }
            if failing || changes.missed.swap(false, Ordering::AcqRel) {
                services.start_over().await?;
            }
            services.hear_changes().await
        }
        .await;
        match heard {
            Ok(()) if failing => {
                failing = false;
                tracing::info!("the change log is heard again; caches were emptied");
            }
            Err(error) if !failing => {
                failing = true;
                tracing::error!(cause = error.cause_chain(), "the change log cannot be read");
            }
            Ok(()) | Err(_) => {}
        }
        let news = async {
            tokio::select! {
                () = changes.news.notified() => {}
                () = services.inner.store.own_change() => {}
            }
            tokio::time::sleep(CHANGE_READ_GAP).await;
        };
        tokio::select! {
            () = stopping.cancelled() => break,
            () = tokio::time::sleep(CHANGE_POLL) => {}
            () = news => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_database_moves_no_clock() {
        let at = Timestamp::from_unix_ms;
        // The clocks agree, and the answer took five seconds, at whichever end the database looked.
        for database in [1_000, 3_500, 6_000] {
            assert_eq!(nearest_difference(0, at(1_000), at(database), at(6_000)), 0);
        }
        // Twenty seconds behind: as near as one answer tells, and nearer by a quicker one.
        let slow = nearest_difference(0, at(1_000), at(26_000), at(6_000));
        assert!((19_990..=25_000).contains(&slow), "{slow}");
        let quick = nearest_difference(slow, at(10_000), at(30_001), at(10_002));
        assert!((19_997..=20_003).contains(&quick), "{quick}");
        // What is known to be right stays when the next answer is slow again.
        assert_eq!(
            nearest_difference(quick, at(1_000), at(25_900), at(6_000)),
            quick
        );
        assert_eq!(nearest_difference(1, at(1_000), at(1_000), at(1_000)), 1);
    }
}
