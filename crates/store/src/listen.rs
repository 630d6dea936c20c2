//! Hears at once that other processes have changed something: `LISTEN` of `PostgreSQL`.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};

use crate::Store;
use crate::db::Pools;
use crate::error::StoreError;

/// Told within the transaction that appends a change; delivered when it commits.
pub(crate) const NOTIFY_CHANGE: &str = "SELECT pg_notify('vitrine_change', $1)";
/// The channel of [`NOTIFY_CHANGE`].
const CHANNEL: &str = "vitrine_change";
/// How long one attempt to connect may take; the log is read meanwhile as ever.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection of its own that hears that there are new changes; the log says which.
pub struct ChangeListener(PgListener);

impl Store {
    /// Begins to hear of the changes of other processes. `None` where the database cannot tell
    /// (`SQLite`), so that the log has to be read again and again.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn listen(&self) -> Result<Option<ChangeListener>, StoreError> {
        let Pools::Postgres { listen, .. } = self.pools() else {
            return Ok(None);
        };
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(CONNECT_TIMEOUT)
            .connect_with((**listen).clone())
            .await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.ignore_pool_close_event(true);
        // A lost connection has to be noticed, because what was told meanwhile is lost as well.
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok(Some(ChangeListener(listener)))
    }
}

impl ChangeListener {
    /// Waits until another change was committed; several that came together count as one. `false`
    /// when the connection was lost: what was committed since then was not heard.
    ///
    /// # Errors
    /// When the connection failed in another way; it is then lost as well.
    pub async fn heard(&mut self) -> Result<bool, StoreError> {
        let heard = self.0.try_recv().await?.is_some();
        while self.0.next_buffered().is_some() {}
        Ok(heard)
    }
}

impl std::fmt::Debug for ChangeListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeListener").finish_non_exhaustive()
    }
}
