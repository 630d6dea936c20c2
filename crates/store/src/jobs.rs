//! The work queue: a table.

use std::time::Duration;

use vitrine_access::{JobId, ModelId, Payer, Timestamp};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};
use crate::{Store, Tx};

/// What is to be done.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Load an uploaded model and find out its parameters.
    CheckModel {
        /// Which one.
        model: ModelId,
    },
    /// Delete a model and all that belongs to it.
    EraseModel {
        /// Which one.
        model: ModelId,
    },
    /// Delete the blobs that nobody names any more.
    SweepBlobs,
}

/// Where a job stands. A finished one has no row.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It waits for [`JobRecord::run_after`].
    Waiting,
    /// Somebody works on it until [`JobRecord::locked_until`]; then it may be taken again.
    Running,
    /// It was given up; the row is kept for people.
    Failed,
}

/// A queued piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// Id.
    pub id: JobId,
    /// What is to be done.
    pub kind: JobKind,
    /// For whose sake; `None` where it is nobody's in particular.
    pub owner: Option<Payer>,
    /// Where it stands.
    pub state: JobState,
    /// How often it was taken. Also tells a worker whether it still holds the job.
    pub attempts: u32,
    /// When a waiting job may be taken.
    pub run_after: Option<Timestamp>,
    /// When the lease of a running job ends.
    pub locked_until: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

finders! {
    /// The job of this id.
    job(id: JobId) -> Option<JobRecord>;
    /// Jobs in this state, oldest first, at most `limit` ([`LIST_ROWS_MAX`]).
    jobs(state: JobState, limit: u32) -> Vec<JobRecord>;
}

writers! {
    /// Ends a job that this caller took and still holds: deletes it and answers `true`. `false` when
    /// the lease ran out and somebody else took it.
    finish_job(job: &JobRecord) -> bool;
    /// Records a failed attempt of a job that this caller took and still holds (else `false`). It is
    /// tried again at `retry_at`, or given up without one.
    fail_job(job: &JobRecord, error: &str, retry_at: Option<Timestamp>) -> bool;
    /// A sign of life: holds a job that this caller took until `until`. `false` when the lease ran out
    /// and somebody else took it.
    extend_job(job: &JobRecord, until: Timestamp) -> bool;
    /// Queues a job of somebody's, best in the transaction that causes it.
    enqueue(id: JobId, kind: JobKind, owner: Option<Payer>, run_after: Timestamp) -> ();
}

impl Store {
    /// Takes the oldest job that may run now, for `lease` at most, passing over those of some owners.
    /// Jobs whose lease ran out count too: their worker is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_job(
        &self,
        now: Timestamp,
        lease: Duration,
        passing_over: &[Option<Payer>],
    ) -> Result<Option<JobRecord>, StoreError> {
        let mut tx = self.begin().await?;
        let job = tx.take_job(now, lease, passing_over).await?;
        tx.commit().await?;
        Ok(job)
    }
}

impl Tx {
    /// See [`Store::take_job`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_job(
        &mut self,
        now: Timestamp,
        lease: Duration,
        passing_over: &[Option<Payer>],
    ) -> Result<Option<JobRecord>, StoreError> {
        let owners: Vec<String> = passing_over.iter().copied().map(write_owner).collect();
        let query = Query::new(self.dialect.texts.take_job)
            .bind(&now)
            .bind(&now.plus(lease))
            .bind(&serde_json::Value::from(owners).to_string());
        self.handle
            .optional(query)
            .await?
            .as_ref()
            .map(read_job)
            .transpose()
    }
}

async fn job(handle: &mut Handle, id: JobId) -> Result<Option<JobRecord>, StoreError> {
    let sql = "SELECT id, kind, owner, state, attempts, ready_at, error FROM job WHERE id = $1";
    handle
        .optional(Query::new(sql).bind(&id))
        .await?
        .as_ref()
        .map(read_job)
        .transpose()
}

async fn jobs(
    handle: &mut Handle,
    state: JobState,
    limit: u32,
) -> Result<Vec<JobRecord>, StoreError> {
    let sql = "SELECT id, kind, owner, state, attempts, ready_at, error FROM job WHERE state = $1 \
        ORDER BY ready_at LIMIT $2";
    let query = Query::new(sql)
        .bind_text(state_word(state))
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read_job).collect()
}

async fn finish_job(handle: &mut Handle, job: &JobRecord) -> Result<bool, StoreError> {
    let sql = "DELETE FROM job WHERE id = $1 AND attempts = $2 AND state = 'running'";
    let query = Query::new(sql).bind(&job.id).bind(&job.attempts);
    Ok(handle.execute(query).await? == 1)
}

async fn fail_job(
    handle: &mut Handle,
    job: &JobRecord,
    error: &str,
    retry_at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let state = match retry_at {
        Some(_) => JobState::Waiting,
        None => JobState::Failed,
    };
    let sql = "UPDATE job SET state = $3, error = $4, ready_at = COALESCE($5, ready_at) \
        WHERE id = $1 AND attempts = $2 AND state = 'running'";
    let query = Query::new(sql)
        .bind(&job.id)
        .bind(&job.attempts)
        .bind_text(state_word(state))
        .bind_text(error)
        .bind_option(retry_at.as_ref());
    Ok(handle.execute(query).await? == 1)
}

async fn extend_job(
    handle: &mut Handle,
    job: &JobRecord,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE job SET ready_at = $3 WHERE id = $1 AND attempts = $2 AND state = 'running'";
    let query = Query::new(sql)
        .bind(&job.id)
        .bind(&job.attempts)
        .bind(&until);
    Ok(handle.execute(query).await? == 1)
}

async fn enqueue(
    handle: &mut Handle,
    id: JobId,
    kind: JobKind,
    owner: Option<Payer>,
    run_after: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO job (id, kind, owner, state, attempts, ready_at) \
        VALUES ($1, $2, $3, $4, 0, $5)";
    let query = Query::new(sql)
        .bind(&id)
        .bind(&write_kind(kind))
        .bind(&write_owner(owner))
        .bind_text(state_word(JobState::Waiting))
        .bind(&run_after);
    handle.execute(query).await.map(drop)
}

fn read_job(row: &Row) -> Result<JobRecord, StoreError> {
    let kind: String = row.get("kind")?;
    let owner: String = row.get("owner")?;
    let word: String = row.get("state")?;
    let state = [JobState::Waiting, JobState::Running, JobState::Failed]
        .into_iter()
        .find(|state| state_word(*state) == word)
        .ok_or_else(|| StoreError::corrupt("state", "unknown word"))?;
    let ready_at: Timestamp = row.get("ready_at")?;
    Ok(JobRecord {
        id: row.get("id")?,
        kind: read_kind(&kind)?,
        owner: read_owner(&owner)?,
        state,
        attempts: row.get("attempts")?,
        run_after: (state == JobState::Waiting).then_some(ready_at),
        locked_until: (state == JobState::Running).then_some(ready_at),
        error: row.get_option("error")?,
    })
}

fn state_word(state: JobState) -> &'static str {
    match state {
        JobState::Waiting => "waiting",
        JobState::Running => "running",
        JobState::Failed => "failed",
    }
}

fn write_kind(kind: JobKind) -> String {
    match kind {
        JobKind::CheckModel { model } => format!("check_model:{model}"),
        JobKind::EraseModel { model } => format!("erase_model:{model}"),
        JobKind::SweepBlobs => "sweep_blobs".to_owned(),
    }
}

fn read_kind(text: &str) -> Result<JobKind, StoreError> {
    let unknown = || StoreError::corrupt("kind", "unknown kind of job");
    let (kind, id) = text.split_once(':').unwrap_or((text, ""));
    let model = || id.parse().map_err(|_| unknown());
    match kind {
        "check_model" => Ok(JobKind::CheckModel { model: model()? }),
        "erase_model" => Ok(JobKind::EraseModel { model: model()? }),
        "sweep_blobs" if id.is_empty() => Ok(JobKind::SweepBlobs),
        _ => Err(unknown()),
    }
}

fn write_owner(owner: Option<Payer>) -> String {
    match owner {
        Some(Payer::User(user)) => format!("user:{user}"),
        Some(Payer::Organization(organization)) => format!("organization:{organization}"),
        None => String::new(),
    }
}

fn read_owner(text: &str) -> Result<Option<Payer>, StoreError> {
    let unknown = || StoreError::corrupt("owner", "unknown kind of owner");
    if text.is_empty() {
        return Ok(None);
    }
    let owner = match text.split_once(':') {
        Some(("user", id)) => id.parse().ok().map(Payer::User),
        Some(("organization", id)) => id.parse().ok().map(Payer::Organization),
        _ => None,
    };
    owner.map(Some).ok_or_else(unknown)
}
