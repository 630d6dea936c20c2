//! Sessions in memory: looking them up, noting their use, and writing idle times behind.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use vitrine_access::ids::{SessionAlias, SessionHash};
use vitrine_access::session::{Session, SessionLimits, SessionState};
use vitrine_access::time::Timestamp;
use vitrine_store::limits::APPEND_ROWS_MAX;
use vitrine_store::{ModelRecord, SessionTouch};

use crate::Services;
use crate::error::Result;
use crate::settings::{SESSION_SLOT, TOUCH_FLUSH};
use crate::who::TOUCH_GRAIN;

/// A session in memory: the stored row and what changes without a write.
#[derive(Debug)]
pub struct SessionEntry {
    /// The row as it was read or written.
    pub session: Session,
    last_seen_ms: AtomicI64,
    noted_ms: AtomicI64,
    paid_until_ms: AtomicI64,
    checked_revision: AtomicI64,
    dirty: AtomicBool,
}

/// A session that nobody used for so long leaves memory; the database has it.
const IDLE_MAX: Duration = Duration::from_mins(70);

/// Marks an entry that was not yet held against its model.
const UNCHECKED: i64 = i64::MIN;

impl SessionEntry {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            last_seen_ms: AtomicI64::new(session.last_seen_at.unix_ms()),
            noted_ms: AtomicI64::new(session.last_seen_at.unix_ms()),
            paid_until_ms: AtomicI64::new(session.paid_until.unix_ms()),
            checked_revision: AtomicI64::new(UNCHECKED),
            dirty: AtomicBool::new(false),
            session,
        }
    }

    pub(crate) fn current(&self) -> Session {
        Session {
            last_seen_at: Timestamp::from_unix_ms(self.last_seen_ms.load(Ordering::Relaxed)),
            paid_until: Timestamp::from_unix_ms(self.paid_until_ms.load(Ordering::Relaxed)),
            ..self.session.clone()
        }
    }

    /// Asked for every request, so nothing is copied for it.
    pub(crate) fn state(&self, now: Timestamp, limits: &SessionLimits) -> SessionState {
        let last_seen_at = Timestamp::from_unix_ms(self.last_seen_ms.load(Ordering::Relaxed));
        self.session.state_seen_at(last_seen_at, now, limits)
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
    pub(crate) fn take_slot(&self, now: Timestamp) -> Option<Slot> {
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
            .map(|_| Slot {
                after: Timestamp::from_unix_ms(paid_until),
                paid_until: next,
            })
    }
}

impl SessionEntry {
    /// Gives a slot back whose charge could not be written: the next request tries again.
    pub(crate) fn return_slot(&self, slot: Slot) {
        // When somebody took a later slot meanwhile, that one stands.
        let _ = self.paid_until_ms.compare_exchange(
            slot.paid_until.unix_ms(),
            slot.after.unix_ms(),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
    }
}

/// A period of activity that is to be charged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// The end of the period before, which names this one.
    pub(crate) after: Timestamp,
    /// The end of this one.
    pub(crate) paid_until: Timestamp,
}

/// Idle times that are not written yet.
#[derive(Default)]
pub(crate) struct Touches {
    waiting: Mutex<HashMap<SessionHash, Arc<SessionEntry>>>,
}

impl Services {
    /// A session by its hash, from memory when it is warm.
    pub(crate) async fn session_entry(
        &self,
        hash: SessionHash,
    ) -> Result<Option<Arc<SessionEntry>>> {
        let load = || async {
            // Idle times that wait to be written are newer than the row.
            if let Some(waiting) = self.inner.touches.take(hash) {
                self.write_touches_of(vec![waiting]).await;
            }
            let session = self.inner.store.session(hash).await?;
            Ok(session.map(SessionEntry::new))
        };
        self.inner.sessions.get_or_load(hash, load).await
    }

    /// A session by the alias that stands in links.
    pub(crate) async fn session_entry_by_alias(
        &self,
        alias: SessionAlias,
    ) -> Result<Option<Arc<SessionEntry>>> {
        if let Some(hash) = self.inner.aliases.get(&alias) {
            return self.session_entry(hash).await;
        }
        let Some(session) = self.inner.store.session_by_alias(alias).await? else {
            return Ok(None);
        };
        let hash = session.hash;
        self.inner.aliases.insert(alias, hash);
        self.session_entry(hash).await
    }

    /// Drops sessions from memory that nobody uses any more.
    pub(crate) fn forget_idle_sessions(&self, now: Timestamp) {
        let (sessions, aliases) = (&self.inner.sessions, &self.inner.aliases);
        sessions.keep(|entry| {
            let last_seen_at = Timestamp::from_unix_ms(entry.last_seen_ms.load(Ordering::Relaxed));
            now.since(last_seen_at) < IDLE_MAX
        });
        aliases.retain(|_, hash| sessions.holds(hash));
    }

    /// Notes that a session was used; written behind, at most once per [`TOUCH_GRAIN`].
    pub(crate) fn touch(&self, entry: &Arc<SessionEntry>, now: Timestamp) {
        entry
            .last_seen_ms
            .fetch_max(now.unix_ms(), Ordering::Relaxed);
        let noted = Timestamp::from_unix_ms(entry.noted_ms.load(Ordering::Relaxed));
        if now.since(noted) >= TOUCH_GRAIN && !entry.dirty.swap(true, Ordering::AcqRel) {
            entry.noted_ms.store(now.unix_ms(), Ordering::Relaxed);
            self.inner.touches.add(entry);
        }
    }

    /// Writes all idle times that wait.
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
        let rows: Vec<SessionTouch> = rows;
        for chunk in rows.chunks(APPEND_ROWS_MAX) {
            if let Err(error) = self.inner.store.touch_sessions(chunk.to_vec()).await {
                tracing::warn!(%error, "idle times could not be written; the next use tries again");
            }
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

    fn take(&self, hash: SessionHash) -> Option<Arc<SessionEntry>> {
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
            () = tokio::time::sleep(TOUCH_FLUSH) => {
                services.write_touches().await;
                if let Err(error) = services.write_result_uses().await {
                    tracing::warn!(cause = error.cause_chain(), "uses of results are lost");
                }
            }
        }
    }
}
