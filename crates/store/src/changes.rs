//! The change feed: rows that tell every node what to forget.

use vitrine_access::Change;

use crate::db::{Handle, Query};
use crate::error::StoreError;
use crate::limits::{CHANGE_LOG_ROWS_MAX, LIST_ROWS_MAX};
use crate::store::finders;
use crate::{Store, Tx};

/// An entry of the feed: its id and what changed. `None` stands for a change that this version of
/// the program does not know, as a newer one may write it: whoever reads it has to forget everything.
pub type LoggedChange = (i64, Option<Change>);

finders! {
    /// Changes after this id in the order of their commits, at most `limit` ([`LIST_ROWS_MAX`]).
    ///
    /// Ids have no gaps. If the first one is not `id + 1`, the reader was away for longer than the log
    /// keeps ([`CHANGE_LOG_ROWS_MAX`] rows) and has to forget everything.
    changes_after(id: i64, limit: u32) -> Vec<LoggedChange>;
    /// Id of the newest change; 0 before the first.
    last_change_id() -> i64;
}

impl Tx {
    /// Adds a change to the feed: it appears when, and only when, this transaction commits. Returns
    /// its id. Other transactions with changes wait from here to the commit, so call it last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_change(&mut self, change: &Change) -> Result<i64, StoreError> {
        self.noted = true;
        note(&mut self.handle, change).await
    }
}

impl Store {
    /// Adds a change to the feed by itself: for changes outside of the database.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_change(&self, change: &Change) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        let id = tx.note_change(change).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Waits until this process has committed a change. One that was committed since the last call
    /// counts. For one caller at a time.
    pub async fn own_change(&self) {
        self.feed().notified().await;
    }
}

/// The counter row stays locked until commit, so that ids appear in the order of commits: a reader
/// that has seen 7 will never have missed a 6 that was still uncommitted.
pub(crate) async fn note(handle: &mut Handle, change: &Change) -> Result<i64, StoreError> {
    let next = "UPDATE change_counter SET last = last + 1 WHERE only_row = 1 RETURNING last";
    let id: i64 = handle.one(Query::new(next)).await?.get("last")?;
    let insert = "INSERT INTO change_log (id, change) VALUES ($1, $2)";
    handle
        .execute(Query::new(insert).bind(&id).bind(change))
        .await?;
    let prune = "DELETE FROM change_log WHERE id <= $1";
    handle
        .execute(Query::new(prune).bind(&(id - CHANGE_LOG_ROWS_MAX)))
        .await?;
    handle.notify_change(id).await?;
    Ok(id)
}

async fn changes_after(
    handle: &mut Handle,
    id: i64,
    limit: u32,
) -> Result<Vec<LoggedChange>, StoreError> {
    let sql = "SELECT id, change FROM change_log WHERE id > $1 ORDER BY id LIMIT $2";
    let query = Query::new(sql).bind(&id).bind(&limit.min(LIST_ROWS_MAX));
    handle
        .all(query)
        .await?
        .iter()
        .map(|row| {
            let change: String = row.get("change")?;
            Ok((row.get("id")?, Change::from_storage(&change).ok()))
        })
        .collect()
}

async fn last_change_id(handle: &mut Handle) -> Result<i64, StoreError> {
    let sql = "SELECT last FROM change_counter WHERE only_row = 1";
    handle.one(Query::new(sql)).await?.get("last")
}
