//! Background jobs: queued in the transaction that causes them, taken with a lease.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{self, JoinSet};
use vitrine_access::change::Change;
use vitrine_access::decide::ModelStatus;
use vitrine_access::ids::ModelId;
use vitrine_access::owner::Payer;
use vitrine_model::{Customization, Definition, EngineError, Results, Wanted};
use vitrine_store::{
    ComputationStatus, JobKind, JobRecord, ModelRecord, OutputVersionRecord, ResultKind,
};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::inline_data;
use crate::models::CHECK_LEASE;
use crate::producing::{blobs_of, bytes_of};

/// Jobs that a node works on at the same time. Most of the work of each is a worker's or the database's.
const JOBS_MAX: usize = 4;
/// Jobs of one owner among them: there is always a place for somebody else.
const JOBS_OF_OWNER_MAX: usize = 2;
/// How often the table is looked at without being told: another process may have queued a job.
const JOB_POLL: Duration = Duration::from_secs(1);
/// How often a running job gives a sign of life: some may fail before its lease ends.
const LEASE_RENEWAL: Duration = Duration::from_secs(4);
/// How often an analysis that failed for no fault of the file is tried before the model is denied.
const ATTEMPTS_MAX: u32 = 3;
/// How often an analysis is tried whose outcome cannot even be written; each runs the model anew.
/// Erasing and sweeping are tried for as long as it takes: what they leave behind would stay for ever.
const CHECKS_MAX: u32 = 10;
/// How long to wait before trying again; twice as long after each further failure.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// The longest such wait.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(5);

/// Takes jobs until the server stops.
pub(crate) async fn run(services: Services) {
    let stopping = services.inner.stopping.clone();
    let mut desk = Desk::default();
    while !stopping.is_cancelled() {
        if let Err(error) = services.take_jobs(&mut desk).await {
            tracing::error!(cause = error.cause_chain(), "jobs cannot be taken");
        }
        tokio::select! {
            () = stopping.cancelled() => {}
            () = desk.one_done(), if !desk.running.is_empty() => {}
            () = services.inner.job_added.notified() => {}
            () = tokio::time::sleep(JOB_POLL) => {}
        }
    }
    while !desk.running.is_empty() {
        desk.one_done().await;
    }
}

/// Whose a job is.
type JobOwner = Option<Payer>;

/// The jobs that this node works on. No owner has all of its places: however many files somebody
/// uploads, and however long looking at them takes, the next one of somebody else is begun at once.
#[derive(Default)]
struct Desk {
    running: JoinSet<Result<()>>,
    owners: HashMap<task::Id, JobOwner>,
}

impl Desk {
    fn is_full(&self) -> bool {
        self.running.len() >= JOBS_MAX
    }

    /// Those who have as many jobs here as anybody may.
    fn passed_over(&self) -> Vec<JobOwner> {
        let mut passed_over = Vec::new();
        for owner in self.owners.values() {
            let jobs = self.owners.values().filter(|other| *other == owner).count();
            if jobs >= JOBS_OF_OWNER_MAX && !passed_over.contains(owner) {
                passed_over.push(*owner);
            }
        }
        passed_over
    }

    fn begin(&mut self, services: &Services, job: JobRecord) {
        let (services, owner) = (services.clone(), job.owner);
        let task = self
            .running
            .spawn(async move { services.do_job(job).await });
        self.owners.insert(task.id(), owner);
    }

    /// Waits until one of the jobs here has ended.
    async fn one_done(&mut self) {
        match self.running.join_next_with_id().await {
            None => {}
            Some(Ok((task, done))) => {
                self.owners.remove(&task);
                if let Err(error) = done {
                    tracing::error!(
                        cause = error.cause_chain(),
                        "the end of a job was not noted"
                    );
                }
            }
            // It panicked. Its lease ends, and it is tried again.
            Some(Err(error)) => {
                self.owners.remove(&error.id());
                tracing::error!(%error, "a job ended abnormally");
            }
        }
    }
}

/// The label of a job in metrics.
fn kind_word(kind: &JobKind) -> &'static str {
    match kind {
        JobKind::CheckModel { .. } => "check_model",
        JobKind::EraseModel { .. } => "erase_model",
        JobKind::SweepBlobs => "sweep_blobs",
    }
}

/// How an analysis ended.
struct Checked {
    status: ModelStatus,
    message: Option<String>,
    definition: Option<Arc<Definition>>,
}

impl Services {
    /// Does every job that is due.
    ///
    /// # Errors
    /// When the job table cannot be read.
    pub async fn drain_jobs(&self) -> Result<()> {
        let mut desk = Desk::default();
        loop {
            self.take_jobs(&mut desk).await?;
            if desk.running.is_empty() {
                return Ok(());
            }
            desk.one_done().await;
        }
    }

    /// Begins jobs that are due, as far as there are places for them.
    async fn take_jobs(&self, desk: &mut Desk) -> Result<()> {
        while !desk.is_full() && !self.inner.stopping.is_cancelled() {
            let store = &self.inner.store;
            let passed_over = desk.passed_over();
            let job = store
                .take_job(self.now(), CHECK_LEASE, &passed_over)
                .await?;
            let Some(job) = job else { break };
            desk.begin(self, job);
        }
        Ok(())
    }

    async fn do_job(&self, job: JobRecord) -> Result<()> {
        let started = tokio::time::Instant::now();
        let outcome = tokio::select! {
            outcome = self.run_job(&job) => outcome,
            lost = self.keep_lease(&job) => return lost,
        };
        let ended = if outcome.is_ok() { "done" } else { "failed" };
        let kind = kind_word(&job.kind);
        metrics::histogram!("vitrine_job_seconds", "kind" => kind, "outcome" => ended)
            .record(started.elapsed());
        match outcome {
            Ok(()) => self.inner.store.finish_job(&job).await.map(drop)?,
            Err(error) => {
                let again = retry_after(&job).map(|wait| self.now().plus(wait));
                tracing::warn!(
                    job = %job.id,
                    attempts = job.attempts,
                    given_up = again.is_none(),
                    message = error.message(),
                    cause = error.cause_chain(),
                    "a job failed"
                );
                self.inner
                    .store
                    .fail_job(&job, error.message(), again)
                    .await?;
            }
        }
        Ok(())
    }

    async fn run_job(&self, job: &JobRecord) -> Result<()> {
        match job.kind {
            JobKind::CheckModel { model } => self.check_model(model, job.attempts).await,
            JobKind::EraseModel { model } => self.erase(model).await,
            JobKind::SweepBlobs => self.sweep_blobs().await,
        }
    }

    /// Renews the lease of a job; ends when the lease was lost to another node.
    async fn keep_lease(&self, job: &JobRecord) -> Result<()> {
        loop {
            tokio::time::sleep(LEASE_RENEWAL).await;
            let until = self.now().plus(CHECK_LEASE);
            if !self.inner.store.extend_job(job, until).await? {
                tracing::warn!(job = %job.id, "another node took this job over");
                return Ok(());
            }
        }
    }

    /// Analyses a model's file: its definition, and its outputs for the default values.
    async fn check_model(&self, id: ModelId, attempts: u32) -> Result<()> {
        // From the database: a copy in memory may be older than the job.
        let Some(model) = self.inner.store.model_unscoped(id).await? else {
            return Ok(());
        };
        if model.status != ModelStatus::Uploaded {
            return Ok(());
        }
        let analysed = if attempts < CHECKS_MAX {
            self.analyse(&model).await
        } else {
            // Not once more: neither the file nor what it says about itself could be kept.
            let message = "The analysis of the file could not be finished. Upload it again.";
            Err(Error::new(ErrorKind::ModelInvalid, message))
        };
        let checked = match analysed {
            Ok(checked) => checked,
            Err(error) if attempts < ATTEMPTS_MAX => return Err(error),
            Err(error) => Checked {
                status: ModelStatus::Denied,
                message: Some(error.message().to_owned()),
                definition: None,
            },
        };
        tracing::info!(model = %id, status = checked.status.as_str(), "model analysed");
        self.change_model(id, |model| {
            if model.status == ModelStatus::Uploaded {
                model.status = checked.status;
                model.message.clone_from(&checked.message);
                if let Some(definition) = &checked.definition {
                    model.overrides = model.overrides.that_fit(definition);
                    model.describe(Arc::clone(definition));
                }
            }
            Ok(())
        })
        .await?;
        self.apply_change(&Change::Model(id)).await
    }

    /// The outcome that the file deserves; an error only where the file is not to blame.
    async fn analyse(&self, model: &ModelRecord) -> Result<Checked> {
        let source = self.model_source(model).await?;
        let definition = match self.inner.pool.describe(source.clone(), model.owner).await {
            Ok((definition, _)) => Arc::new(definition),
            Err(error) => return denied(error, None),
        };
        if definition.outputs.is_empty() {
            return Ok(Checked {
                status: ModelStatus::Denied,
                message: Some(
                    "The model has no outputs. Return geometry from main(), or declare outputs."
                        .into(),
                ),
                definition: Some(definition),
            });
        }
        // The values that sessions will open with: a new version keeps what authors set before.
        let values = Arc::new(Customization::defaults(&model.overrides.apply(&definition)));
        let wanted: Vec<Wanted> = definition
            .outputs
            .iter()
            .map(|output| Wanted::Output(output.id.clone()))
            .collect();
        let computed = self
            .inner
            .pool
            .compute(
                source,
                model.owner,
                Arc::clone(&definition),
                Arc::clone(&values),
                wanted,
            )
            .await;
        match computed.and_then(inline_data::bounded) {
            Ok(results) => {
                self.keep_defaults(model, &definition, &values, results)
                    .await?;
            }
            Err(error) => return denied(error, Some(definition)),
        }
        Ok(Checked {
            status: ModelStatus::Confirmed,
            message: None,
            definition: Some(definition),
        })
    }

    /// Keeps what the analysis computed: the first page then finds its model ready.
    async fn keep_defaults(
        &self,
        model: &ModelRecord,
        definition: &Definition,
        values: &Customization,
        results: Results,
    ) -> Result<()> {
        let Some(source) = model.source else {
            return Ok(());
        };
        let mut made = Vec::new();
        for item in results.items {
            let Wanted::Output(id) = &item.wanted else {
                continue;
            };
            let Some(output) = definition.output(id) else {
                continue;
            };
            let record = OutputVersionRecord {
                model: model.id,
                kind: ResultKind::Output,
                output: id.to_string(),
                version: definition
                    .version_of_output(&source, &self.engine_of(model), output, values)
                    .to_string(),
                status: ComputationStatus::Success,
                content: Vec::new(),
                bbox: item.bbox,
                created_at: self.now(),
            };
            made.push((record, item.content));
        }
        let records = self.store_contents(made).await?;
        let (blobs, bytes) = (blobs_of(&records), bytes_of(&records));
        let stored = self
            .inner
            .store
            .put_results(records, None, Vec::new())
            .await;
        if let Err(error) = stored {
            // The model may have been erased meanwhile.
            self.give_blobs_up(&blobs).await;
            return Err(error.into());
        }
        self.note_stored(model.owner.payer(), bytes);
        Ok(())
    }
}

/// When a failed job runs again; `None` when it is given up.
fn retry_after(job: &JobRecord) -> Option<Duration> {
    let again = match job.kind {
        JobKind::CheckModel { .. } => job.attempts < CHECKS_MAX,
        JobKind::EraseModel { .. } | JobKind::SweepBlobs => true,
    };
    let doublings = job.attempts.saturating_sub(1).min(16);
    again.then(|| (RETRY_AFTER * 2_u32.pow(doublings)).min(RETRY_AFTER_MAX))
}

fn denied(error: EngineError, definition: Option<Arc<Definition>>) -> Result<Checked> {
    match error {
        EngineError::Busy | EngineError::WorkerLost { .. } | EngineError::Cancelled => {
            Err(Error::from(error))
        }
        fault => Ok(Checked {
            status: ModelStatus::Denied,
            message: Some(fault.to_string()),
            definition,
        }),
    }
}

#[cfg(test)]
mod tests {
    use vitrine_access::ids::JobId;
    use vitrine_store::JobState;

    use super::*;

    #[test]
    fn an_analysis_is_given_up_after_some_tries_and_erasing_never_is() {
        let model = ModelId::from_bytes([1; 16]);
        let waits = |kind: JobKind| {
            let job = |attempts| JobRecord {
                id: JobId::from_bytes([2; 16]),
                kind,
                owner: None,
                state: JobState::Running,
                attempts,
                run_after: None,
                locked_until: None,
                error: None,
            };
            [1, 2, 3, 9, 10, 1_000].map(|attempts| retry_after(&job(attempts)).map(|w| w.as_secs()))
        };
        let check = waits(JobKind::CheckModel { model });
        assert_eq!(check, [Some(2), Some(4), Some(8), Some(300), None, None]);
        let erase = waits(JobKind::EraseModel { model });
        assert_eq!(erase[4..], [Some(300), Some(300)]);
    }
}
