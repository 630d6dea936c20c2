//! Background jobs: queued in the transaction that causes them, taken with a lease.

use std::sync::Arc;
use std::time::Duration;

use vitrine_access::change::Change;
use vitrine_access::decide::ModelStatus;
use vitrine_access::ids::ModelId;
use vitrine_model::{Customization, Definition, EngineError, Results, Wanted};
use vitrine_store::{
    ComputationStatus, JobKind, JobRecord, ModelRecord, OutputVersionRecord, ResultKind,
};

use crate::Services;
use crate::error::{Error, Result};
use crate::models::CHECK_LEASE;

/// How often the table is looked at without being told: another process may have queued a job.
const JOB_POLL: Duration = Duration::from_secs(1);
/// How often a running job gives a sign of life: some may fail before its lease ends.
const LEASE_RENEWAL: Duration = Duration::from_secs(4);
/// How often a job that failed for no fault of its own is tried.
const ATTEMPTS_MAX: u32 = 3;
/// How long to wait before trying again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Takes jobs until the server stops.
pub(crate) async fn run(services: Services) {
    let stopping = services.inner.stopping.clone();
    loop {
        if let Err(error) = services.drain_jobs().await {
            tracing::error!(cause = error.cause_chain(), "jobs cannot be taken");
        }
        tokio::select! {
            () = stopping.cancelled() => break,
            () = services.inner.job_added.notified() => {}
            () = tokio::time::sleep(JOB_POLL) => {}
        }
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
    /// When the job table cannot be read or written.
    pub async fn drain_jobs(&self) -> Result<()> {
        while !self.inner.stopping.is_cancelled() {
            let Some(job) = self.inner.store.take_job(self.now(), CHECK_LEASE).await? else {
                break;
            };
            self.do_job(job).await?;
        }
        Ok(())
    }

    async fn do_job(&self, job: JobRecord) -> Result<()> {
        let outcome = tokio::select! {
            outcome = self.run_job(&job) => outcome,
            lost = self.keep_lease(&job) => return lost,
        };
        match outcome {
            Ok(()) => self.inner.store.finish_job(&job).await.map(drop)?,
            Err(error) => {
                tracing::warn!(
                    job = %job.id,
                    attempts = job.attempts,
                    message = error.message(),
                    cause = error.cause_chain(),
                    "a job failed and will be tried again"
                );
                let again = self.now().plus(RETRY_AFTER);
                self.inner
                    .store
                    .fail_job(&job, error.message(), Some(again))
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
        let checked = match self.analyse(&model).await {
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
        match computed {
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
                content: self.store_content(item.content).await?,
                bbox: item.bbox,
                created_at: self.now(),
            };
            self.inner.store.put_result(record).await?;
        }
        Ok(())
    }
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
