//! Storing bytes for a row, and deleting bytes that no row names any more. The rules stand in
//! `store/src/doomed.rs`.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use vitrine_access::ids::{BlobKey, JobId};
use vitrine_access::time::Timestamp;
use vitrine_store::{DoomState, JobKind, Tx};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::producing::storage;

/// How long doomed blobs stay: far longer than a writer takes from storing bytes to the row that
/// names them.
pub(crate) const DOOM_GRACE: Duration = Duration::from_mins(1);
/// How long a writer waits for a deletion of the same bytes under way.
const DELETION_PAUSE: Duration = Duration::from_millis(50);
/// How often it waits: a deletion takes far less, and its node may have died in the middle.
const DELETION_PAUSES_MAX: u32 = 100;
/// Doomed blobs looked for in all rows at once.
const SWEEP_BLOBS_MAX: u32 = 1_000;
/// Results read at once while looking.
const SWEEP_RESULTS: u32 = 500;

impl Services {
    /// Stores bytes that a row will name within [`DOOM_GRACE`]. Every blob is stored through here.
    pub(crate) async fn keep_blob(&self, bytes: Bytes) -> Result<BlobKey> {
        let store = &self.inner.store;
        for _ in 0..DELETION_PAUSES_MAX {
            let key = self.inner.blobs.put(bytes.clone()).await.map_err(storage)?;
            match store.blob_doom(key).await? {
                None => return Ok(key),
                Some(DoomState::Doomed) if store.spare_blob(key).await? => return Ok(key),
                Some(_) => tokio::time::sleep(DELETION_PAUSE).await,
            }
        }
        Err(Error::new(
            ErrorKind::StorageFailed,
            "The same bytes are being deleted at this moment. Try again in a minute.",
        ))
    }

    /// Queues the deletion of what this transaction dooms.
    pub(crate) async fn sweep_later(&self, tx: &mut Tx) -> Result<()> {
        let job = JobId::new(&*self.inner.entropy);
        let when = self.now().plus(DOOM_GRACE);
        Ok(tx.enqueue(job, JobKind::SweepBlobs, None, when).await?)
    }

    /// Has blobs swept that were stored for a row which cannot be written. Those that another row names
    /// stay.
    pub(crate) async fn give_blobs_up(&self, blobs: &[BlobKey]) {
        if blobs.is_empty() {
            return;
        }
        let doomed = async {
            let mut tx = self.inner.store.begin().await?;
            tx.doom_blobs(blobs, self.now()).await?;
            self.sweep_later(&mut tx).await?;
            tx.commit().await?;
            Result::Ok(())
        };
        if let Err(error) = doomed.await {
            tracing::warn!(cause = error.cause_chain(), "blobs without a row stay");
        }
    }

    /// Deletes the doomed blobs that nobody names.
    pub(crate) async fn sweep_blobs(&self) -> Result<()> {
        let grace_ms = i64::try_from(DOOM_GRACE.as_millis()).unwrap_or(i64::MAX);
        let until = Timestamp::from_unix_ms(self.now().unix_ms().saturating_sub(grace_ms));
        let store = &self.inner.store;
        loop {
            let doomed = store.doomed_blobs(until, SWEEP_BLOBS_MAX).await?;
            if doomed.is_empty() {
                return Ok(());
            }
            let named = self.still_named(&doomed).await?;
            for key in doomed {
                if named.contains(&key) {
                    store.spare_blob(key).await?;
                } else if store.begin_deleting_blob(key).await? {
                    self.inner.blobs.delete(key).await.map_err(storage)?;
                    self.inner.computations.sources.invalidate(&key).await;
                    store.forget_blob(key).await?;
                }
            }
        }
    }

    /// Those of these blobs that a row names.
    async fn still_named(&self, doomed: &[BlobKey]) -> Result<BTreeSet<BlobKey>> {
        let store = &self.inner.store;
        let wanted: BTreeSet<BlobKey> = doomed.iter().copied().collect();
        let mut named = BTreeSet::new();
        for key in doomed {
            if store.blob_is_of_a_model(*key).await? {
                named.insert(*key);
            }
        }
        let mut place = None;
        loop {
            let (blobs, last) = store
                .blobs_of_results(place.as_ref(), SWEEP_RESULTS)
                .await?;
            named.extend(blobs.into_iter().filter(|key| wanted.contains(key)));
            if last.is_none() {
                return Ok(named);
            }
            place = last;
        }
    }
}
