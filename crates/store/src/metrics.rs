//! Usage rows added up by hour or day. Nothing is kept: a sum is made from the rows each time, so that it
//! equals them whatever clocks, restarts and repetitions did.

use vitrine_access::{
    ModelId, OrganizationId, SessionClass, Timestamp, UsageKind, UserId,
    limits::COMPUTATION_CHUNK_MS,
};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::METRIC_GROUPS_MAX;
use crate::store::finders;

/// Whose usage is added up.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum MetricScope {
    /// Of one model, whoever owned it.
    Model(ModelId),
    /// Of all models that this user had at that time.
    User(UserId),
    /// Of all models that this organization had at that time.
    Organization(OrganizationId),
}

/// The rows of one kind, one class of session and one stretch of time.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct MetricGroup {
    /// When the stretch begins.
    pub start: Timestamp,
    /// What happened.
    pub kind: UsageKind,
    /// In sessions of which class.
    pub class: SessionClass,
    /// Whole chunks of time of each, for computations; else 0.
    pub chunks: u64,
    /// Credits.
    pub credits: u64,
    /// Counted things.
    pub count: u64,
    /// Milliseconds.
    pub duration_ms: u64,
}

finders! {
    /// The sums of the scope with `from <= at < until`, by stretches of `step_ms` milliseconds since 1970,
    /// oldest first, at most [`METRIC_GROUPS_MAX`].
    usage_groups(scope: MetricScope, step_ms: i64, from: Timestamp, until: Timestamp)
        -> Vec<MetricGroup>;
}

/// Sums over the rows that `$rest` selects; `$1` is the length of a stretch, `$2` that of a chunk, `$3` and
/// `$4` the interval.
macro_rules! groups {
    ($rest:literal) => {
        concat!(
            "SELECT at / $1 AS stretch, kind, class, \
             CASE WHEN kind = 'computation' THEN duration_ms / $2 ELSE 0 END AS chunks, \
             CAST(SUM(credits) AS BIGINT) AS credits, CAST(SUM(count) AS BIGINT) AS count, \
             CAST(SUM(duration_ms) AS BIGINT) AS duration_ms FROM usage_event \
             WHERE at >= $3 AND at < $4 AND ",
            $rest,
            " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 LIMIT $6"
        )
    };
}

async fn usage_groups(
    handle: &mut Handle,
    scope: MetricScope,
    step_ms: i64,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<MetricGroup>, StoreError> {
    let sql = match scope {
        MetricScope::Model(_) => groups!("model = $5"),
        MetricScope::User(_) => groups!("owner_user = $5"),
        MetricScope::Organization(_) => groups!("owner_organization = $5"),
    };
    let step_ms = step_ms.max(1);
    let query = Query::new(sql)
        .bind(&step_ms)
        .bind(&COMPUTATION_CHUNK_MS)
        .bind(&from)
        .bind(&until);
    let query = match scope {
        MetricScope::Model(id) => query.bind(&id),
        MetricScope::User(id) => query.bind(&id),
        MetricScope::Organization(id) => query.bind(&id),
    };
    let rows = handle.all(query.bind(&METRIC_GROUPS_MAX)).await?;
    rows.iter().map(|row| read(row, step_ms)).collect()
}

fn read(row: &Row, step_ms: i64) -> Result<MetricGroup, StoreError> {
    let stretch: i64 = row.get("stretch")?;
    Ok(MetricGroup {
        start: Timestamp::from_unix_ms(stretch.saturating_mul(step_ms)),
        kind: row.get("kind")?,
        class: row.get("class")?,
        chunks: row.get("chunks")?,
        credits: row.get("credits")?,
        count: row.get("count")?,
        duration_ms: row.get("duration_ms")?,
    })
}
