//! Deleting blobs that nobody names any more.
//!
//! Blobs are named by their content, so two models may name the same one, and somebody may be storing
//! the same bytes at this moment. A blob whose row goes away is therefore only *doomed* in the
//! transaction that deletes the row. Whoever stores bytes looks afterwards whether they are doomed and
//! spares them ([`Store::spare_blob`](crate::Store::spare_blob)). Later than any such writer may take
//! from its look to its row, the doomed blobs are looked for in all rows; those that are still named
//! are spared, the others are marked as being deleted, deleted and forgotten. A writer that meets that
//! mark waits until it is gone and stores its bytes anew.

use vitrine_access::{BlobKey, ModelId, Timestamp};

use crate::db::{Column, Handle, Kind, Query, Row, Value};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::results::{ResultKind, StoredContent};
use crate::store::{finders, writers};

/// How far the deletion of a blob is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum DoomState {
    /// It lost a row. It is there, and may be spared.
    Doomed,
    /// It is being deleted at this moment.
    Deleting,
}

/// The place of a result among all results.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResultPlace {
    /// Of which model.
    pub model: ModelId,
    /// Output or export.
    pub kind: ResultKind,
    /// Id of the output or export.
    pub element: String,
    /// Its version.
    pub version: String,
}

finders! {
    /// Whether a blob is doomed.
    blob_doom(blob: BlobKey) -> Option<DoomState>;
    /// Blobs that were doomed at or before an instant, oldest first, at most `limit`
    /// ([`LIST_ROWS_MAX`]).
    doomed_blobs(until: Timestamp, limit: u32) -> Vec<BlobKey>;
    /// Whether a model names the blob as its file or its picture.
    blob_is_of_a_model(blob: BlobKey) -> bool;
    /// The blobs of all results after a place, at most `limit` results ([`LIST_ROWS_MAX`]) with the
    /// place of the last one.
    blobs_of_results(after: Option<&ResultPlace>, limit: u32)
        -> (Vec<BlobKey>, Option<ResultPlace>);
}

writers! {
    /// Keeps a doomed blob. `false` when it is not doomed, or being deleted.
    spare_blob(blob: BlobKey) -> bool;
    /// Marks a doomed blob as being deleted. `false` when somebody spared it.
    begin_deleting_blob(blob: BlobKey) -> bool;
    /// Forgets a blob that was deleted.
    forget_blob(blob: BlobKey) -> ();
    /// Deletes rows that belong to a model, at most `limit` ([`LIST_ROWS_MAX`]) of each kind, and
    /// dooms their blobs; what was charged and the audit trail stay. Returns how many: 0 when the
    /// model's own row alone is left.
    erase_rows_of_model(model: ModelId, now: Timestamp, limit: u32) -> u64;
    /// Deletes the row of a model to which nothing belongs any more, and dooms its blobs. `false` when
    /// it is gone already. [`StoreError::MissingReference`] when something belongs to it.
    erase_model(model: ModelId, now: Timestamp) -> bool;
    /// Dooms blobs that were stored for rows which cannot be written.
    doom_blobs(blobs: &[BlobKey], now: Timestamp) -> ();
}

async fn blob_doom(handle: &mut Handle, blob: BlobKey) -> Result<Option<DoomState>, StoreError> {
    let sql = "SELECT state FROM doomed_blob WHERE blob = $1";
    handle
        .optional(Query::new(sql).bind(&blob))
        .await?
        .as_ref()
        .map(|row| row.get("state"))
        .transpose()
}

async fn doomed_blobs(
    handle: &mut Handle,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<BlobKey>, StoreError> {
    let sql =
        "SELECT blob FROM doomed_blob WHERE doomed_at <= $1 ORDER BY doomed_at, blob LIMIT $2";
    let query = Query::new(sql).bind(&until).bind(&limit.min(LIST_ROWS_MAX));
    let rows = handle.all(query).await?;
    rows.iter().map(|row| row.get("blob")).collect()
}

async fn blob_is_of_a_model(handle: &mut Handle, blob: BlobKey) -> Result<bool, StoreError> {
    for sql in [
        "SELECT 1 AS one FROM model WHERE source = $1 LIMIT 1",
        "SELECT 1 AS one FROM model WHERE thumbnail = $1 LIMIT 1",
    ] {
        if handle
            .optional(Query::new(sql).bind(&blob))
            .await?
            .is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn blobs_of_results(
    handle: &mut Handle,
    after: Option<&ResultPlace>,
    limit: u32,
) -> Result<(Vec<BlobKey>, Option<ResultPlace>), StoreError> {
    let sql = "SELECT model, kind, element, version, content FROM result \
        WHERE (model, kind, element, version) > ($1, $2, $3, $4) \
        ORDER BY model, kind, element, version LIMIT $5";
    let query = match after {
        Some(place) => Query::new(sql)
            .bind(&place.model)
            .bind(&place.kind)
            .bind(&place.element)
            .bind(&place.version),
        // Before the first: no kind is empty.
        None => Query::new(sql)
            .bind(&ModelId::from_bytes([0; 16]))
            .bind_text("")
            .bind_text("")
            .bind_text(""),
    };
    let rows = handle.all(query.bind(&limit.min(LIST_ROWS_MAX))).await?;
    let mut blobs = Vec::new();
    for row in &rows {
        blobs.extend(blobs_in(row)?);
    }
    Ok((blobs, rows.last().map(place).transpose()?))
}

async fn spare_blob(handle: &mut Handle, blob: BlobKey) -> Result<bool, StoreError> {
    let sql = "DELETE FROM doomed_blob WHERE blob = $1 AND state = 'doomed'";
    Ok(handle.execute(Query::new(sql).bind(&blob)).await? == 1)
}

async fn begin_deleting_blob(handle: &mut Handle, blob: BlobKey) -> Result<bool, StoreError> {
    // One that was being deleted when its node died is deleted again.
    let sql = "UPDATE doomed_blob SET state = 'deleting' WHERE blob = $1";
    Ok(handle.execute(Query::new(sql).bind(&blob)).await? == 1)
}

async fn forget_blob(handle: &mut Handle, blob: BlobKey) -> Result<(), StoreError> {
    let sql = "DELETE FROM doomed_blob WHERE blob = $1";
    handle.execute(Query::new(sql).bind(&blob)).await.map(drop)
}

/// Deletes these results and dooms their blobs.
pub(crate) async fn drop_results(
    handle: &mut Handle,
    rows: &[Row],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM result \
        WHERE model = $1 AND kind = $2 AND element = $3 AND version = $4";
    for row in rows {
        doom_blobs(handle, &blobs_in(row)?, now).await?;
        let place = place(row)?;
        let query = Query::new(sql)
            .bind(&place.model)
            .bind(&place.kind)
            .bind(&place.element)
            .bind(&place.version);
        handle.execute(query).await?;
    }
    Ok(rows.len() as u64)
}

async fn erase_rows_of_model(
    handle: &mut Handle,
    model: ModelId,
    now: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let limit = limit.min(LIST_ROWS_MAX);
    let results = "SELECT model, kind, element, version, content FROM result \
        WHERE model = $1 LIMIT $2";
    let rows = handle
        .all(Query::new(results).bind(&model).bind(&limit))
        .await?;
    let mut erased = drop_results(handle, &rows, now).await?;
    for sql in [
        "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE model = $1 LIMIT $2)",
        "DELETE FROM ticket WHERE id IN (SELECT id FROM ticket WHERE model = $1 LIMIT $2)",
        "DELETE FROM model_share WHERE id IN \
            (SELECT id FROM model_share WHERE model = $1 LIMIT $2)",
        "DELETE FROM computation WHERE id IN \
            (SELECT id FROM computation WHERE model = $1 LIMIT $2)",
    ] {
        erased += handle
            .execute(Query::new(sql).bind(&model).bind(&limit))
            .await?;
    }
    Ok(erased)
}

async fn erase_model(
    handle: &mut Handle,
    model: ModelId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let named = "SELECT source, thumbnail FROM model WHERE id = $1";
    let Some(row) = handle.optional(Query::new(named).bind(&model)).await? else {
        return Ok(false);
    };
    let source: Option<BlobKey> = row.get_option("source")?;
    let thumbnail: Option<BlobKey> = row.get_option("thumbnail")?;
    let delete = "DELETE FROM model WHERE id = $1";
    handle.execute(Query::new(delete).bind(&model)).await?;
    let blobs: Vec<BlobKey> = source.into_iter().chain(thumbnail).collect();
    doom_blobs(handle, &blobs, now).await?;
    Ok(true)
}

async fn doom_blobs(
    handle: &mut Handle,
    blobs: &[BlobKey],
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO doomed_blob (blob, state, doomed_at) VALUES ($1, 'doomed', $2) \
        ON CONFLICT (blob) DO UPDATE SET doomed_at = excluded.doomed_at \
        WHERE doomed_blob.state = 'doomed'";
    for blob in blobs {
        handle
            .execute(Query::new(sql).bind(blob).bind(&now))
            .await?;
    }
    Ok(())
}

fn place(row: &Row) -> Result<ResultPlace, StoreError> {
    Ok(ResultPlace {
        model: row.get("model")?,
        kind: row.get("kind")?,
        element: row.get("element")?,
        version: row.get("version")?,
    })
}

fn blobs_in(row: &Row) -> Result<Vec<BlobKey>, StoreError> {
    let content: String = row.get("content")?;
    let items: Vec<StoredContent> =
        serde_json::from_str(&content).map_err(|error| StoreError::corrupt("content", error))?;
    Ok(items.into_iter().filter_map(|item| item.blob).collect())
}

impl Column for DoomState {
    const KIND: Kind = Kind::Text;
    fn encode(&self) -> Value {
        let word = match self {
            Self::Doomed => "doomed",
            Self::Deleting => "deleting",
        };
        Value::Text(Some(word.to_owned()))
    }
    fn decode(value: Value) -> Option<Self> {
        let Value::Text(Some(word)) = value else {
            return None;
        };
        match word.as_str() {
            "doomed" => Some(Self::Doomed),
            "deleting" => Some(Self::Deleting),
            _ => None,
        }
    }
}
