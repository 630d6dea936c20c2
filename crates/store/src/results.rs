//! Computed outputs and exports by version, and the record of computations.

use serde::{Deserialize, Serialize};
use vitrine_access::{BlobKey, JobId, ModelId, SessionHash, Timestamp, UsageEvent};

use crate::appender::{HotWrite, Outcome};
use crate::db::{Column, Handle, Kind, Query, Row, Value};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::list::Assembly;
use crate::store::{finders, writers};
use crate::{Store, Tx};

/// What was computed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum ResultKind {
    /// An output, shown by viewers.
    Output,
    /// An export, for download.
    Export,
}

/// How a computation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComputationStatus {
    /// With a result.
    Success,
    /// Without one.
    Failed {
        /// The API's word for it, never `success`.
        api_word: String,
        /// What was wrong and what to do.
        message: String,
    },
}

/// One item of a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredContent {
    /// "glb", "stl", "data"…
    pub format: String,
    /// Media type.
    pub content_type: Option<String>,
    /// Name for people.
    pub name: Option<String>,
    /// The bytes, unless the item is data.
    #[serde(with = "blob_key_text")]
    pub blob: Option<BlobKey>,
    /// Bytes of the blob; 0 without one.
    pub size: u64,
    /// The data, unless the item is bytes.
    pub data: Option<serde_json::Value>,
    /// Extension for file names, without the dot.
    pub filename_ext: Option<String>,
}

/// The corners of a box around a result, least and greatest coordinates.
pub type BoundingBox = ([f64; 3], [f64; 3]);

/// An output or export in one version.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputVersionRecord {
    /// Whose.
    pub model: ModelId,
    /// What.
    pub kind: ResultKind,
    /// Id of the output or export.
    pub output: String,
    /// Hash of all that it depends on.
    pub version: String,
    /// How the computation ended.
    pub status: ComputationStatus,
    /// The result; empty after a failure.
    pub content: Vec<StoredContent>,
    /// Where it is.
    pub bbox: Option<BoundingBox>,
    /// When it was computed.
    pub created_at: Timestamp,
}

/// What a computation cost in time. Not for billing: that is usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputationRecord {
    /// Id.
    pub id: JobId,
    /// Of which model.
    pub model: ModelId,
    /// For which session.
    pub session: Option<SessionHash>,
    /// Outputs or exports.
    pub kind: ResultKind,
    /// How it ended.
    pub status: ComputationStatus,
    /// Duration.
    pub wall_ms: u64,
    /// Processor time.
    pub cpu_ms: u64,
    /// When it ended.
    pub at: Timestamp,
}

/// A place in a list of computations.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ComputationCursor {
    /// When the last one seen ended.
    pub at: Timestamp,
    /// Its id.
    pub id: JobId,
}

/// A place in a list of versions, which is ordered from the newest to the oldest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultCursor {
    /// Creation of the last version seen.
    pub created_at: Timestamp,
    /// The version itself.
    pub version: String,
}

impl OutputVersionRecord {
    /// Where a list goes on after this version.
    #[must_use]
    pub fn cursor(&self) -> ResultCursor {
        ResultCursor {
            created_at: self.created_at,
            version: self.version.clone(),
        }
    }
}

finders! {
    /// One version of an output or export (by its id), if it was computed.
    result(kind: ResultKind, id: &str, model: ModelId, version: &str)
        -> Option<OutputVersionRecord>;
    /// Versions of an output or export, newest first, at most `limit` ([`LIST_ROWS_MAX`]).
    list_results(model: ModelId, kind: ResultKind, id: &str, limit: u32,
        after: Option<ResultCursor>) -> Vec<OutputVersionRecord>;
    /// Whether a result of the model names the blob. Reads the model's results: for rare questions only.
    result_names_blob(model: ModelId, blob: BlobKey) -> bool;
    /// Computations of a model since an instant, oldest first, at most `limit`
    /// ([`LIST_ROWS_MAX`]).
    computations(model: ModelId, since: Timestamp, limit: u32) -> Vec<ComputationRecord>;
    /// A page of the computations of a model that ended within an interval, both ends included, at most
    /// `limit` ([`LIST_ROWS_MAX`]).
    model_computations(model: ModelId, interval: (Timestamp, Timestamp), ascending: bool,
        after: Option<ComputationCursor>, limit: u32) -> Vec<ComputationRecord>;
}

writers! {
    /// Deletes the records of computations that ended before an instant, at most `limit`
    /// ([`LIST_ROWS_MAX`]); returns how many. What was charged for them stays.
    forget_computations(ended_before: Timestamp, limit: u32) -> u64;
}

impl Store {
    /// Records a result. The first writer wins: `false` when the version was there already, and the
    /// caller has to answer with the stored one. Only a recorded failure gives way to a success.
    /// Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when the model does not exist.
    pub async fn put_result(&self, result: OutputVersionRecord) -> Result<bool, StoreError> {
        let outcome = self.put_results(vec![result], None, Vec::new()).await?;
        Ok(outcome == 1)
    }

    /// Records all that one computation brought, together: results (see [`Self::put_result`]), its
    /// record and its charges. Returns how many of the results were new.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when the model does not exist; then nothing was recorded.
    pub async fn put_results(
        &self,
        results: Vec<OutputVersionRecord>,
        computation: Option<ComputationRecord>,
        usage: Vec<UsageEvent>,
    ) -> Result<u64, StoreError> {
        let write = HotWrite::Results(results, computation.map(Box::new), usage);
        self.appender().append(write).await.map(Outcome::count)
    }
}

impl Tx {
    /// See [`Store::put_result`]; durable with the transaction.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when the model does not exist.
    pub async fn put_result(&mut self, result: &OutputVersionRecord) -> Result<bool, StoreError> {
        insert(&mut self.handle, result).await
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT model, kind, element, version, status, message, content, bbox, created_at \
             FROM result ",
            $rest
        )
    };
}

/// The word of [`ComputationStatus::Success`].
const SUCCESS: &str = "success";

async fn result(
    handle: &mut Handle,
    kind: ResultKind,
    id: &str,
    model: ModelId,
    version: &str,
) -> Result<Option<OutputVersionRecord>, StoreError> {
    let sql = select!("WHERE model = $1 AND kind = $2 AND element = $3 AND version = $4");
    let query = Query::new(sql)
        .bind(&model)
        .bind(&kind)
        .bind_text(id)
        .bind_text(version);
    handle.optional(query).await?.as_ref().map(read).transpose()
}

async fn list_results(
    handle: &mut Handle,
    model: ModelId,
    kind: ResultKind,
    id: &str,
    limit: u32,
    after: Option<ResultCursor>,
) -> Result<Vec<OutputVersionRecord>, StoreError> {
    let sql = select!(
        "WHERE model = $1 AND kind = $2 AND element = $3 AND (created_at, version) < ($4, $5) \
         ORDER BY created_at DESC, version DESC LIMIT $6"
    );
    let after = after.unwrap_or(ResultCursor {
        created_at: Timestamp::from_unix_ms(i64::MAX),
        version: String::new(),
    });
    let query = Query::new(sql)
        .bind(&model)
        .bind(&kind)
        .bind_text(id)
        .bind(&after.created_at)
        .bind(&after.version)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read).collect()
}

async fn result_names_blob(
    handle: &mut Handle,
    model: ModelId,
    blob: BlobKey,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS one FROM result WHERE model = $1 AND content LIKE $2 LIMIT 1";
    let query = Query::new(sql).bind(&model).bind(&format!("%\"{blob}\"%"));
    Ok(handle.optional(query).await?.is_some())
}

async fn computations(
    handle: &mut Handle,
    model: ModelId,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<ComputationRecord>, StoreError> {
    let sql = "SELECT id, model, session, kind, status, message, wall_ms, cpu_ms, at \
        FROM computation WHERE model = $1 AND at >= $2 ORDER BY at, id LIMIT $3";
    let query = Query::new(sql)
        .bind(&model)
        .bind(&since)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle
        .all(query)
        .await?
        .iter()
        .map(read_computation)
        .collect()
}

async fn model_computations(
    handle: &mut Handle,
    model: ModelId,
    (from, to): (Timestamp, Timestamp),
    ascending: bool,
    after: Option<ComputationCursor>,
    limit: u32,
) -> Result<Vec<ComputationRecord>, StoreError> {
    let mut sql = Assembly::new(
        "SELECT id, model, session, kind, status, message, wall_ms, cpu_ms, at \
         FROM computation WHERE model = ",
    );
    sql.value(model.encode());
    sql.text(" AND at >= ").value(from.encode());
    sql.text(" AND at <= ").value(to.encode());
    if let Some(after) = after {
        sql.text(if ascending {
            " AND (at, id) > ("
        } else {
            " AND (at, id) < ("
        });
        sql.value(after.at.encode()).text(", ");
        sql.value(after.id.encode()).text(")");
    }
    sql.text(if ascending {
        " ORDER BY at, id LIMIT "
    } else {
        " ORDER BY at DESC, id DESC LIMIT "
    });
    sql.value(limit.min(LIST_ROWS_MAX).encode());
    let rows = handle.all(sql.finish()).await?;
    rows.iter().map(read_computation).collect()
}

pub(crate) async fn insert(
    handle: &mut Handle,
    result: &OutputVersionRecord,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO result (model, kind, element, version, status, message, content, bbox, \
        created_at, used_at, size) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10) \
        ON CONFLICT (model, kind, element, version) DO UPDATE SET status = excluded.status, \
        message = excluded.message, content = excluded.content, bbox = excluded.bbox, \
        created_at = excluded.created_at, used_at = excluded.used_at, size = excluded.size \
        WHERE result.status <> 'success' AND excluded.status = 'success'";
    let (status, message) = write_status(&result.status)?;
    let bbox = result.bbox.as_ref().map(to_json).transpose()?;
    let content = to_json(&result.content)?;
    let blobs: u64 = result.content.iter().map(|item| item.size).sum();
    let query = Query::new(sql)
        .bind(&result.model)
        .bind(&result.kind)
        .bind(&result.output)
        .bind(&result.version)
        .bind_text(status)
        .bind_option(message)
        .bind(&content)
        .bind_option(bbox.as_ref())
        .bind(&result.created_at)
        .bind(&blobs.saturating_add(content.len() as u64));
    Ok(handle.execute(query).await? == 1)
}

pub(crate) async fn insert_computation(
    handle: &mut Handle,
    computation: &ComputationRecord,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO computation (id, model, session, kind, status, message, wall_ms, \
        cpu_ms, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";
    let (status, message) = write_status(&computation.status)?;
    let query = Query::new(sql)
        .bind(&computation.id)
        .bind(&computation.model)
        .bind_option(computation.session.as_ref())
        .bind(&computation.kind)
        .bind_text(status)
        .bind_option(message)
        .bind(&computation.wall_ms)
        .bind(&computation.cpu_ms)
        .bind(&computation.at);
    handle.execute(query).await.map(drop)
}

async fn forget_computations(
    handle: &mut Handle,
    ended_before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM computation WHERE id IN (\
        SELECT id FROM computation WHERE at < $1 ORDER BY at LIMIT $2)";
    let query = Query::new(sql)
        .bind(&ended_before)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.execute(query).await
}

fn read(row: &Row) -> Result<OutputVersionRecord, StoreError> {
    let content: String = row.get("content")?;
    let bbox: Option<String> = row.get_option("bbox")?;
    Ok(OutputVersionRecord {
        model: row.get("model")?,
        kind: row.get("kind")?,
        output: row.get("element")?,
        version: row.get("version")?,
        status: read_status(row)?,
        content: serde_json::from_str(&content)
            .map_err(|error| StoreError::corrupt("content", error))?,
        bbox: bbox
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| StoreError::corrupt("bbox", error))?,
        created_at: row.get("created_at")?,
    })
}

fn read_computation(row: &Row) -> Result<ComputationRecord, StoreError> {
    Ok(ComputationRecord {
        id: row.get("id")?,
        model: row.get("model")?,
        session: row.get_option("session")?,
        kind: row.get("kind")?,
        status: read_status(row)?,
        wall_ms: row.get("wall_ms")?,
        cpu_ms: row.get("cpu_ms")?,
        at: row.get("at")?,
    })
}

fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unstorable {
        what: "result",
        why: error.to_string(),
    })
}

fn write_status(status: &ComputationStatus) -> Result<(&str, Option<&String>), StoreError> {
    match status {
        ComputationStatus::Success => Ok((SUCCESS, None)),
        ComputationStatus::Failed { api_word, .. } if api_word == SUCCESS => {
            Err(StoreError::Unstorable {
                what: "failed computation",
                why: "its word is that of a success".to_owned(),
            })
        }
        ComputationStatus::Failed { api_word, message } => Ok((api_word, Some(message))),
    }
}

fn read_status(row: &Row) -> Result<ComputationStatus, StoreError> {
    let api_word: String = row.get("status")?;
    if api_word == SUCCESS {
        return Ok(ComputationStatus::Success);
    }
    Ok(ComputationStatus::Failed {
        api_word,
        message: row.get("message")?,
    })
}

impl Column for ResultKind {
    const KIND: Kind = Kind::Text;
    fn encode(&self) -> Value {
        let word = match self {
            Self::Output => "output",
            Self::Export => "export",
        };
        Value::Text(Some(word.to_owned()))
    }
    fn decode(value: Value) -> Option<Self> {
        let Value::Text(Some(word)) = value else {
            return None;
        };
        match word.as_str() {
            "output" => Some(Self::Output),
            "export" => Some(Self::Export),
            _ => None,
        }
    }
}

/// Blob keys lie in JSON as their hexadecimal text.
mod blob_key_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de};
    use vitrine_access::BlobKey;

    #[expect(clippy::ref_option, reason = "the form that serde asks for")]
    pub(super) fn serialize<S: Serializer>(
        key: &Option<BlobKey>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match key {
            Some(key) => serializer.collect_str(key),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<BlobKey>, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom))
            .transpose()
    }
}
