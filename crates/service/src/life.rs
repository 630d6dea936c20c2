//! The end of a model: deleting so that it can be restored, restoring, erasing.

use vitrine_access::change::Change;
use vitrine_access::decide::ModelStatus;
use vitrine_access::ids::{JobId, ModelId};
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_store::{JobKind, ModelRecord, StoreError};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::models::{UPDATE_TRIES, busy_model, unknown};

/// Rows erased in one transaction, so that it does not hold the others up.
const ERASED_ROWS: u32 = 500;

impl Services {
    /// `DeleteModel`: nobody but the platform sees the model any more, and its sessions and links are
    /// refused at once, until it is restored.
    ///
    /// # Errors
    /// `ModelDeleted` when it is deleted already; database failures.
    pub async fn delete_model(&self, id: ModelId) -> Result<ModelRecord> {
        self.change_model(id, |model| {
            if model.status == ModelStatus::Deleted {
                return Err(deleted());
            }
            model.status_before_delete = Some(model.status);
            model.status = ModelStatus::Deleted;
            Ok(())
        })
        .await
    }

    /// `RestoreModel`: the model stands where it stood before it was deleted.
    ///
    /// # Errors
    /// `ModelInvalid` when it is not deleted, `ModelDeleted` when it is being erased; database
    /// failures.
    pub async fn restore_model(&self, id: ModelId) -> Result<()> {
        self.in_one_step(id, |model| {
            if model.status != ModelStatus::Deleted {
                return Err(Error::new(
                    ErrorKind::ModelInvalid,
                    "This model is not deleted. There is nothing to restore.",
                ));
            }
            let Some(before) = model.status_before_delete.take() else {
                return Err(Refusal::new(
                    RefusalKind::ModelDeleted,
                    "This model is being erased and cannot be restored.",
                )
                .into());
            };
            model.status = before;
            // Its analysis may have come and gone while it was deleted.
            Ok((before == ModelStatus::Uploaded).then_some(JobKind::CheckModel { model: id }))
        })
        .await
    }

    /// `EraseModel`: nobody sees the model any more from here on, and a job deletes it with all that
    /// belongs to it. What was charged for it stays, and so does the audit trail.
    ///
    /// # Errors
    /// Database failures.
    pub async fn erase_model(&self, id: ModelId) -> Result<()> {
        self.in_one_step(id, |model| {
            model.status = ModelStatus::Deleted;
            model.status_before_delete = None;
            Ok(Some(JobKind::EraseModel { model: id }))
        })
        .await
    }

    /// Changes a model and queues the job that follows from it, durable together.
    async fn in_one_step(
        &self,
        id: ModelId,
        change: impl Fn(&mut ModelRecord) -> Result<Option<JobKind>>,
    ) -> Result<()> {
        for _ in 0..UPDATE_TRIES {
            let mut tx = self.inner.store.begin().await?;
            let mut model = tx.model_unscoped(id).await?.ok_or_else(|| unknown(id))?;
            let revision = model.revision;
            let job = change(&mut model)?;
            model.updated_at = self.now();
            match tx.update_model(&model, revision).await {
                Ok(_) => {}
                Err(StoreError::Stale) => continue,
                Err(error) => return Err(error.into()),
            }
            if let Some(job) = job {
                let id = JobId::new(&*self.inner.entropy);
                let owner = Some(model.owner.payer());
                tx.enqueue(id, job, owner, self.now()).await?;
            }
            tx.note_change(&Change::Model(id)).await?;
            tx.commit().await?;
            self.inner.models.forget(&id);
            self.inner.job_added.notify_one();
            return Ok(());
        }
        Err(busy_model())
    }

    /// The job of [`Self::erase_model`]. It goes on where it was cut off: what a transaction deleted
    /// is gone, and what it doomed is known.
    pub(crate) async fn erase(&self, id: ModelId) -> Result<()> {
        loop {
            let mut tx = self.inner.store.begin().await?;
            let now = self.now();
            if tx.erase_rows_of_model(id, now, ERASED_ROWS).await? > 0 {
                tx.commit().await?;
                continue;
            }
            let erased = match tx.erase_model(id, now).await {
                // A computation that was under way has stored a result meanwhile.
                Err(StoreError::MissingReference) => continue,
                erased => erased?,
            };
            if erased {
                self.sweep_later(&mut tx).await?;
                tx.note_change(&Change::Model(id)).await?;
                tx.commit().await?;
            }
            self.inner.models.forget(&id);
            tracing::info!(model = %id, "model erased");
            return Ok(());
        }
    }
}

/// What everybody is told of a deleted model who may know that it was there.
pub(crate) fn deleted() -> Error {
    Refusal::new(
        RefusalKind::ModelDeleted,
        "This model was deleted. Ask its owner to restore it.",
    )
    .into()
}
