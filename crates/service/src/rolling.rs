//! Adds usage rows to the sums that are kept, beside requests.

use std::time::Duration;

use crate::Services;
use crate::error::Result;

/// How often there is a look. Until then answers add the rows themselves.
const ROUND: Duration = Duration::from_secs(5);
/// Rows of one transaction: it holds the one write lock of `SQLite` for some milliseconds.
const ROWS: u32 = 256;

/// Rolls up until the server stops.
pub(crate) async fn run(services: Services) {
    let stopping = services.inner.stopping.clone();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            () = tokio::time::sleep(ROUND) => {}
        }
        if let Err(error) = services.roll_usage_up().await {
            tracing::warn!(cause = error.cause_chain(), "usage could not be added up");
        }
    }
}

impl Services {
    /// Adds every usage row to the sums that is in none yet.
    ///
    /// # Errors
    /// Database failures.
    pub async fn roll_usage_up(&self) -> Result<u64> {
        let mut rolled = 0;
        while !self.inner.stopping.is_cancelled() {
            let some = self.inner.store.roll_usage(ROWS).await?;
            rolled += some;
            if some < u64::from(ROWS) {
                break;
            }
            // Whoever waits to write goes first.
            tokio::task::yield_now().await;
        }
        Ok(rolled)
    }
}
