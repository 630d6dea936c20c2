//! Being told that there are changes, where the database can tell (`LISTEN` of `PostgreSQL`).
//!
//! It only makes the reading of the change log quicker: the log is read several times a second
//! all the same, and a lost connection empties the caches.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use vitrine_store::ChangeListener;

use crate::Services;
use crate::error::Result;

/// Wait before the first attempt to listen again; each further one doubles it.
const RECONNECT_MIN: Duration = Duration::from_millis(100);
/// Longest wait between two attempts: the log is read meanwhile, so nothing presses.
const RECONNECT_MAX: Duration = Duration::from_secs(5);

/// How a node learns of other nodes' changes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum FeedState {
    /// The background tasks are not running, or have not connected yet.
    Starting,
    /// The database says at once that there are changes.
    Told,
    /// The database cannot tell: the log is read several times a second (`SQLite`).
    Polling,
    /// The database could tell, but the connection is lost: the log is read several times a
    /// second until it is back.
    Lost,
}

impl FeedState {
    const ALL: [Self; 4] = [Self::Starting, Self::Told, Self::Polling, Self::Lost];

    /// What it means, for the operator.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Starting => "connecting; the change log is read five times a second",
            Self::Told => "told of changes at once, and reading the log five times a second",
            Self::Polling => "reading the change log five times a second",
            Self::Lost => {
                "the connection that tells of changes is lost; reading the log five times a \
                 second until it is back"
            }
        }
    }
}

/// The present [`FeedState`].
#[derive(Default)]
pub(crate) struct Listening(AtomicU8);

impl Listening {
    fn set(&self, state: FeedState) {
        self.0.store(state as u8, Ordering::Relaxed);
        let told = if state == FeedState::Told { 1.0 } else { 0.0 };
        metrics::gauge!("vitrine_change_feed_listening").set(told);
    }

    fn get(&self) -> FeedState {
        let state = usize::from(self.0.load(Ordering::Relaxed));
        FeedState::ALL[state.min(FeedState::ALL.len() - 1)]
    }
}

impl Services {
    /// How this node learns of other nodes' changes.
    #[must_use]
    pub fn feed_state(&self) -> FeedState {
        self.inner.changes.listening.get()
    }

    async fn connect_listener(&self) -> Result<Option<ChangeListener>> {
        Ok(self.inner.store.listen().await?)
    }
}

/// Listens until the server stops.
pub(crate) async fn run(services: Services) {
    let stopping = services.inner.stopping.clone();
    tokio::select! {
        () = stopping.cancelled() => {}
        () = listen(&services) => {}
    }
}

async fn listen(services: &Services) {
    let state = &services.inner.changes.listening;
    let mut wait = RECONNECT_MIN;
    loop {
        match services.connect_listener().await {
            Ok(None) => {
                state.set(FeedState::Polling);
                return;
            }
            Ok(Some(listener)) => {
                let again = state.get() == FeedState::Lost;
                state.set(FeedState::Told);
                if again {
                    tracing::info!("told of changes again; caches were emptied");
                }
                // Between the last reading and now changes came untold.
                services.inner.changes.tell_missed();
                wait = RECONNECT_MIN;
                pass_on(services, listener).await;
                state.set(FeedState::Lost);
                metrics::counter!("vitrine_change_feed_listener_lost_total").increment(1);
                tracing::warn!("the connection that tells of changes is lost; reading the log");
                services.inner.changes.tell_missed();
            }
            Err(error) => {
                if state.get() != FeedState::Lost {
                    state.set(FeedState::Lost);
                    tracing::warn!(cause = error.cause_chain(), "cannot listen for changes");
                }
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RECONNECT_MAX);
    }
}

/// Passes news on until the connection is lost.
async fn pass_on(services: &Services, mut listener: ChangeListener) {
    loop {
        match listener.heard().await {
            Ok(true) => services.inner.changes.tell(),
            Ok(false) => return,
            Err(error) => {
                tracing::debug!(%error, "the listening connection failed");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_shown_as_it_was_set() {
        let listening = Listening::default();
        assert_eq!(listening.get(), FeedState::Starting);
        for state in FeedState::ALL {
            listening.set(state);
            assert_eq!(listening.get(), state);
        }
    }
}
