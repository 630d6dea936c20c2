//! Script jobs: rows that wait in a line which is fair between partners, and stay for a while after their
//! end so that partners can ask about them.

use std::time::Duration;

use vitrine_access::{
    EditorTokenHash, EditorUserHash, PartnerId, PartnerKeyId, ScriptJobHash, Timestamp,
};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};
use crate::{Store, Tx};

/// Where a script job stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ScriptJobState {
    /// It waits for its turn.
    Waiting,
    /// Somebody works on it until [`ScriptJobRecord::ready_at`]; then it may be taken again.
    Running,
    /// Its files are in the bucket.
    Done,
    /// It was given up.
    Failed,
}

impl ScriptJobState {
    const ALL: [Self; 4] = [Self::Waiting, Self::Running, Self::Done, Self::Failed];

    /// The stored word, which partners see as well.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A script job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptJobRecord {
    /// Digest of the job's id.
    pub hash: ScriptJobHash,
    /// Whose it is.
    pub partner: PartnerId,
    /// The key that made its token.
    pub key: PartnerKeyId,
    /// The token that started it.
    pub token: EditorTokenHash,
    /// The partner's user, where the token names one.
    pub user: Option<EditorUserHash>,
    /// The token's parameters, sealed by the caller.
    pub sealed: Vec<u8>,
    /// Where it stands.
    pub state: ScriptJobState,
    /// How often it was taken. Also tells a worker whether it still holds the job.
    pub attempts: u32,
    /// When it may be taken: of a running one, when its lease ends.
    pub ready_at: Timestamp,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it was done or given up.
    pub ended_at: Option<Timestamp>,
    /// Why it failed.
    pub message: Option<String>,
    /// What came out, as the caller writes it.
    pub outputs: Option<String>,
}

finders! {
    /// The job of this hash, whoever's it is: its id is the credential.
    script_job_unscoped(hash: ScriptJobHash) -> Option<ScriptJobRecord>;
    /// How many jobs of a partner are neither done nor given up, at most `limit`.
    open_script_jobs(partner: PartnerId, limit: u32) -> u64;
}

writers! {
    /// Adds a waiting job at the end of its partner's part of the line.
    insert_script_job(job: &ScriptJobRecord) -> ();
    /// Ends a job that this caller took and still holds (else `false`).
    finish_script_job(job: &ScriptJobRecord, at: Timestamp, outputs: &str) -> bool;
    /// Records a failed attempt of a job that this caller took and still holds (else `false`). It is tried
    /// again at `retry_at`, or given up without one.
    fail_script_job(
        job: &ScriptJobRecord, at: Timestamp, message: &str, retry_at: Option<Timestamp>
    ) -> bool;
    /// A sign of life: holds a job that this caller took until `until` (else `false`).
    extend_script_job(job: &ScriptJobRecord, until: Timestamp) -> bool;
    /// Deletes jobs that ended before this, at most `limit` ([`LIST_ROWS_MAX`]); returns how many.
    forget_script_jobs(ended_before: Timestamp, limit: u32) -> u64;
}

impl Store {
    /// Takes the job whose turn it is, for `lease` at most. Jobs whose lease ran out count too: their
    /// worker is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_script_job(
        &self,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<ScriptJobRecord>, StoreError> {
        let mut tx = self.begin().await?;
        let job = tx.take_script_job(now, lease).await?;
        tx.commit().await?;
        Ok(job)
    }
}

impl Tx {
    /// See [`Store::take_script_job`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_script_job(
        &mut self,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<ScriptJobRecord>, StoreError> {
        let query = Query::new(self.dialect.texts.take_script_job)
            .bind(&now)
            .bind(&now.plus(lease));
        let taken = self.handle.optional(query).await?;
        taken.as_ref().map(read).transpose()
    }
}

async fn script_job_unscoped(
    handle: &mut Handle,
    hash: ScriptJobHash,
) -> Result<Option<ScriptJobRecord>, StoreError> {
    let sql = "SELECT hash, partner, partner_key, token, user_hash, sealed, state, attempts, ready_at, \
        created_at, ended_at, message, outputs FROM script_job WHERE hash = $1";
    let query = Query::new(sql).bind(&hash);
    handle.optional(query).await?.as_ref().map(read).transpose()
}

async fn open_script_jobs(
    handle: &mut Handle,
    partner: PartnerId,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) AS jobs FROM (SELECT turn FROM script_job \
        WHERE partner = $1 AND ended_at IS NULL LIMIT $2) AS open";
    let query = Query::new(sql).bind(&partner).bind(&limit);
    handle.one(query).await?.get("jobs")
}

async fn insert_script_job(handle: &mut Handle, job: &ScriptJobRecord) -> Result<(), StoreError> {
    // Behind the partner's own last one, and not before those that others wait with now.
    let sql = "INSERT INTO script_job (hash, partner, partner_key, token, user_hash, sealed, state, \
        attempts, turn, ready_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, \
        (SELECT COALESCE(MAX(turn), 0) FROM (\
            SELECT MIN(turn) AS turn FROM script_job WHERE ended_at IS NULL \
            UNION ALL \
            SELECT MAX(turn) + 1 FROM script_job WHERE partner = $2 AND ended_at IS NULL\
        ) AS turns), $9, $10)";
    let query = Query::new(sql)
        .bind(&job.hash)
        .bind(&job.partner)
        .bind(&job.key)
        .bind(&job.token)
        .bind_option(job.user.as_ref())
        .bind(&job.sealed)
        .bind_text(job.state.as_str())
        .bind(&job.attempts)
        .bind(&job.ready_at)
        .bind(&job.created_at);
    handle.execute(query).await.map(drop)
}

async fn finish_script_job(
    handle: &mut Handle,
    job: &ScriptJobRecord,
    at: Timestamp,
    outputs: &str,
) -> Result<bool, StoreError> {
    let sql = "UPDATE script_job SET state = 'done', ended_at = $3, outputs = $4, message = NULL \
        WHERE hash = $1 AND attempts = $2 AND state = 'running'";
    let query = Query::new(sql)
        .bind(&job.hash)
        .bind(&job.attempts)
        .bind(&at)
        .bind_text(outputs);
    Ok(handle.execute(query).await? == 1)
}

async fn fail_script_job(
    handle: &mut Handle,
    job: &ScriptJobRecord,
    at: Timestamp,
    message: &str,
    retry_at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let (state, ended_at) = match retry_at {
        Some(_) => (ScriptJobState::Waiting, None),
        None => (ScriptJobState::Failed, Some(at)),
    };
    let sql = "UPDATE script_job SET state = $3, message = $4, ready_at = COALESCE($5, ready_at), \
        ended_at = $6 WHERE hash = $1 AND attempts = $2 AND state = 'running'";
    let query = Query::new(sql)
        .bind(&job.hash)
        .bind(&job.attempts)
        .bind_text(state.as_str())
        .bind_text(message)
        .bind_option(retry_at.as_ref())
        .bind_option(ended_at.as_ref());
    Ok(handle.execute(query).await? == 1)
}

async fn extend_script_job(
    handle: &mut Handle,
    job: &ScriptJobRecord,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE script_job SET ready_at = $3 \
        WHERE hash = $1 AND attempts = $2 AND state = 'running'";
    let query = Query::new(sql)
        .bind(&job.hash)
        .bind(&job.attempts)
        .bind(&until);
    Ok(handle.execute(query).await? == 1)
}

async fn forget_script_jobs(
    handle: &mut Handle,
    ended_before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM script_job WHERE hash IN (SELECT hash FROM script_job \
        WHERE ended_at IS NOT NULL AND ended_at < $1 ORDER BY ended_at LIMIT $2)";
    let query = Query::new(sql)
        .bind(&ended_before)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.execute(query).await
}

fn read(row: &Row) -> Result<ScriptJobRecord, StoreError> {
    let word: String = row.get("state")?;
    let mut states = ScriptJobState::ALL.into_iter();
    let state = states
        .find(|state| state.as_str() == word)
        .ok_or_else(|| StoreError::corrupt("state", "unknown word"))?;
    Ok(ScriptJobRecord {
        hash: row.get("hash")?,
        partner: row.get("partner")?,
        key: row.get("partner_key")?,
        token: row.get("token")?,
        user: row.get_option("user_hash")?,
        sealed: row.get("sealed")?,
        state,
        attempts: row.get("attempts")?,
        ready_at: row.get("ready_at")?,
        created_at: row.get("created_at")?,
        ended_at: row.get_option("ended_at")?,
        message: row.get_option("message")?,
        outputs: row.get_option("outputs")?,
    })
}
