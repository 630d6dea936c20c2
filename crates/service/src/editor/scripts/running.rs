//! Doing script jobs: taken in their turn, with a lease, and written so that twice is once.

use std::time::Duration;

use bytes::Bytes;
use vitrine_access::time::Timestamp;
use vitrine_engine::{DrawingOutcome, DrawingOutput};
use vitrine_store::ScriptJobRecord;

use super::super::EditorSessionAccess;
use super::super::place::remote;
use super::{ScriptOutput, as_session, read_order};
use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::SCRIPT_JOBS_AT_ONCE;

/// How often the table is looked at without being told: another node may have added a job.
const JOB_POLL: Duration = Duration::from_secs(1);
/// How long a job is held without a sign of life.
const LEASE: Duration = Duration::from_secs(15);
/// How often a running job gives one: some may fail before its lease ends.
const LEASE_RENEWAL: Duration = Duration::from_secs(4);
/// How often a job is tried that fails for no fault of its own.
const ATTEMPTS_MAX: u32 = 5;
/// How long to wait before trying again; twice as long after each further failure.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// What every log lies below in the content bucket.
const LOGS: &str = "logs";
/// Digits of a job's digest in names of objects.
const LABEL_CHARS: usize = 32;

/// Does jobs until the server stops, some at once.
pub(crate) async fn run(services: Services) {
    let one = |services: Services| async move {
        let stopping = services.inner.stopping.clone();
        loop {
            if let Err(error) = services.drain_script_jobs().await {
                tracing::error!(cause = error.cause_chain(), "script jobs cannot be taken");
            }
            tokio::select! {
                () = stopping.cancelled() => break,
                () = services.inner.scripts.added.notified() => {}
                () = tokio::time::sleep(JOB_POLL) => {}
            }
        }
    };
    let loops: [_; SCRIPT_JOBS_AT_ONCE] = std::array::from_fn(|_| one(services.clone()));
    futures::future::join_all(loops).await;
}

impl Services {
    /// Does every script job that is due, one after the other.
    ///
    /// # Errors
    /// When the table of jobs cannot be read or written.
    pub async fn drain_script_jobs(&self) -> Result<()> {
        while !self.inner.stopping.is_cancelled() {
            let taken = self.inner.store.take_script_job(self.now(), LEASE).await?;
            let Some(job) = taken else { break };
            self.do_script_job(job).await?;
        }
        Ok(())
    }

    async fn do_script_job(&self, job: ScriptJobRecord) -> Result<()> {
        let outcome = tokio::select! {
            outcome = self.script_job_outputs(&job) => outcome,
            lost = self.keep_script_lease(&job) => return lost,
        };
        let (store, now) = (&self.inner.store, self.now());
        match outcome {
            Ok(outputs) => {
                let outputs = serde_json::to_string(&outputs).map_err(Error::internal)?;
                store.finish_script_job(&job, now, &outputs).await?;
            }
            Err(error) => {
                let again = retry_at(&job, &error, now);
                tracing::info!(
                    attempts = job.attempts,
                    given_up = again.is_none(),
                    message = error.message(),
                    cause = error.cause_chain(),
                    "a script job failed"
                );
                store
                    .fail_script_job(&job, now, error.message(), again)
                    .await?;
            }
        }
        Ok(())
    }

    /// Renews the lease of a job; ends when the lease was lost to another node.
    async fn keep_script_lease(&self, job: &ScriptJobRecord) -> Result<()> {
        loop {
            tokio::time::sleep(LEASE_RENEWAL).await;
            let until = self.now().plus(LEASE);
            if !self.inner.store.extend_script_job(job, until).await? {
                tracing::warn!("another node took a script job over");
                return Ok(());
            }
        }
    }

    /// Does a job and writes what comes out of it.
    async fn script_job_outputs(&self, job: &ScriptJobRecord) -> Result<Vec<ScriptOutput>> {
        let partner = self.partner_record(job.partner).await?;
        let partner = partner.ok_or_else(withdrawn)?;
        let key = self.partner_key_record(job.key).await?;
        let is_key_good = key.is_some_and(|key| key.revoked_at.is_none());
        // A token that was forgotten after its end was not revoked.
        let token = self.inner.store.editor_token_unscoped(job.token).await?;
        let is_token_good = token.is_none_or(|token| token.revoked_at.is_none());
        if partner.settings.blocked || !is_key_good || !is_token_good {
            return Err(withdrawn());
        }
        let order = read_order(&self.open_job_parameters(job)?)?;
        let access = as_session(job, partner, &order);
        // Before any work: without it there is nowhere to put what comes out.
        self.content_bucket(&access.partner)?;
        let name = order.opening.file_name().to_owned();
        let work = self.order(&access.partner, &name, &order.task).await?;
        let version = self.newest_version(&access).await?;
        let place = |_| Error::internal("the line for workers is closed");
        let turn = self
            .inner
            .scripts
            .in_workers
            .acquire()
            .await
            .map_err(place)?;
        let outcome = self.ordered(&access, version.content, work).await?;
        drop(turn);
        self.keep_outputs(job, &access, &order.folder, &order.log, outcome)
            .await
    }

    async fn keep_outputs(
        &self,
        job: &ScriptJobRecord,
        access: &EditorSessionAccess,
        folder: &str,
        log: &str,
        outcome: DrawingOutcome,
    ) -> Result<Vec<ScriptOutput>> {
        let mut label = job.hash.to_string();
        label.truncate(LABEL_CHARS);
        let mut kept = Vec::new();
        for (number, output) in outcome.outputs.into_iter().enumerate() {
            let bytes = output.content.len() as u64;
            if output.upload.is_some() {
                let key = format!("{label}-{number}");
                let name = output.name.clone();
                let id = self.upload(access, output, &key).await?;
                kept.push(ScriptOutput { name, bytes, id });
            } else {
                let name = format!("{folder}/{label}/{}", output.name);
                self.keep_job_object(access, &name, output.content).await?;
                kept.push(ScriptOutput {
                    name,
                    bytes,
                    id: None,
                });
            }
        }
        if !outcome.log.is_empty() {
            let name = format!("{LOGS}/{label}/{log}");
            let bytes = outcome.log.len() as u64;
            self.keep_job_object(access, &name, outcome.log.into())
                .await?;
            kept.push(ScriptOutput {
                name,
                bytes,
                id: None,
            });
        }
        Ok(kept)
    }

    /// Stores an object below the job's own name, which no other job and nobody's drawing has.
    async fn keep_job_object(
        &self,
        access: &EditorSessionAccess,
        name: &str,
        content: Bytes,
    ) -> Result<()> {
        let bucket = self.content_bucket(&access.partner)?;
        bucket
            .put(name, content)
            .await
            .map_err(super::super::place::failed)
    }

    async fn upload(
        &self,
        access: &EditorSessionAccess,
        output: DrawingOutput,
        key: &str,
    ) -> Result<Option<String>> {
        let Some(remote) = remote(access) else {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                "The script gives a file to the API server, but the token names none. End DOSAVEAS with 0.",
            ));
        };
        self.add_remote(&access.partner, remote, output, key).await
    }
}

/// When a failed job runs again; `None` when it is given up.
fn retry_at(job: &ScriptJobRecord, error: &Error, now: Timestamp) -> Option<Timestamp> {
    let passes_by_itself = matches!(
        error.kind(),
        ErrorKind::Busy
            | ErrorKind::ConnectorFailed
            | ErrorKind::StorageFailed
            | ErrorKind::DatabaseFailed
            | ErrorKind::NotReady
            | ErrorKind::Internal
    );
    let doublings = job.attempts.saturating_sub(1).min(16);
    (passes_by_itself && job.attempts < ATTEMPTS_MAX)
        .then(|| now.plus(RETRY_AFTER * 2_u32.pow(doublings)))
}

fn withdrawn() -> Error {
    Error::new(
        ErrorKind::RequestInvalid,
        "The token, its key or the partner was withdrawn before the job began.",
    )
}
