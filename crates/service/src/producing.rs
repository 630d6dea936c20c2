//! Producing what is missing: one flight per set of results, the worker, and what is kept of its
//! answer. Assets are written before the rows that name them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tracing::Instrument;
use vitrine_access::credits::{UsageEvent, UsageKind};
use vitrine_access::ids::{BlobKey, JobId};
use vitrine_engine::ModelSource;
use vitrine_model::{
    Body, ContentItem, EngineError, LimitKind, ResultItem, Results, RunStats, Wanted,
};
use vitrine_store::{
    ComputationRecord, ComputationStatus, ModelRecord, OutputVersionRecord, ResultKind,
    StoredContent,
};

use crate::Services;
use crate::asked::{Asked, Failure};
use crate::computations::kind_word;
use crate::error::{Error, ErrorKind, Result};
use crate::flights::{Flight, Landing, ResultKey};
use crate::inline_data;
use crate::who::SessionAccess;

/// The target of spans that go to the operator's collector.
const TRACED: &str = "vitrine::trace";

impl Services {
    pub(crate) fn fly(
        &self,
        access: &SessionAccess,
        asked: &Asked,
        missing: &[(ResultKey, Wanted)],
    ) -> Vec<Flight> {
        let keys: Vec<ResultKey> = missing.iter().map(|(key, _)| *key).collect();
        let (flights, landing) = self.inner.computations.flights.join(&keys);
        if let Some(landing) = landing {
            let wanted = missing
                .iter()
                .filter(|(key, _)| landing.keys().contains(key))
                .map(|(key, wanted)| (*key, wanted.clone()))
                .collect();
            let (services, access, asked) = (self.clone(), access.clone(), asked.clone());
            let computing = async move {
                services.compute(&access, &asked, wanted, landing).await;
            };
            // What it logs and traces belongs to the request that began it. The traced span begins here, where
            // that of the request is entered: in a task of its own only the one for the log would be.
            let traced = tracing::trace_span!(target: TRACED, "results");
            self.inner
                .tracker
                .spawn(computing.instrument(traced).in_current_span());
        }
        flights
    }

    async fn compute(
        &self,
        access: &SessionAccess,
        asked: &Asked,
        wanted: Vec<(ResultKey, Wanted)>,
        landing: Landing,
    ) {
        let wanted = self.still_missing(wanted).await;
        if wanted.is_empty() {
            return;
        }
        let outcome = self.run_and_keep(access, asked, &wanted).await;
        if let Err(error) = outcome {
            let kind = error.kind();
            let failure = Arc::new(Failure {
                status: status_word(&error),
                message: error.message().to_owned(),
            });
            tracing::warn!(
                model = %access.model.id,
                message = error.message(),
                cause = error.cause_chain(),
                "computation failed"
            );
            metrics::counter!("vitrine_computations_failed_total").increment(1);
            // A full queue or a lost worker says nothing about the values: asking again tries
            // again at once, and only those who wait now are told.
            let computations = &self.inner.computations;
            let kept = if kind == ErrorKind::ComputationFailed {
                &computations.failures
            } else {
                &computations.passing_failures
            };
            for (key, _) in &wanted {
                kept.insert(*key, Arc::clone(&failure)).await;
            }
        }
        drop(landing);
    }

    /// Without what another flight brought between the look-up and the take-off of this one.
    async fn still_missing(&self, wanted: Vec<(ResultKey, Wanted)>) -> Vec<(ResultKey, Wanted)> {
        let mut missing = Vec::with_capacity(wanted.len());
        for (key, wanted) in wanted {
            let (kind, id) = wanted_id(&wanted);
            if !matches!(self.result(kind, &id, &key).await, Ok(Some(_))) {
                missing.push((key, wanted));
            }
        }
        missing
    }

    async fn run_and_keep(
        &self,
        access: &SessionAccess,
        asked: &Asked,
        wanted: &[(ResultKey, Wanted)],
    ) -> Result<()> {
        let model = &access.model;
        let source = self.model_source(model).await?;
        // Workers know the file's own definition: what authors change is no business of theirs.
        let definition = model
            .described
            .clone()
            .unwrap_or_else(|| Arc::clone(&asked.definition));
        let names = wanted.iter().map(|(_, wanted)| wanted.clone()).collect();
        let started = tokio::time::Instant::now();
        let computed = self
            .inner
            .pool
            .compute(
                source,
                model.owner,
                definition,
                Arc::clone(&asked.values),
                names,
            )
            .await;
        let results = match computed.and_then(inline_data::bounded) {
            Ok(results) => results,
            Err(error) => {
                let wall_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
                self.note_failed(access, wanted, &error, wall_ms).await?;
                return Err(error.into());
            }
        };
        let stats = results.stats;
        let (computation, usage) =
            self.computation(access, wanted, ComputationStatus::Success, stats);
        let records = self.keep(model, wanted, results).await?;
        let bytes = bytes_of(&records);
        // Results, their record and their charge are durable together, before anybody sees them.
        let stored = self
            .inner
            .store
            .put_results(records.clone(), Some(computation), vec![usage])
            .await;
        let new = match stored {
            Ok(new) => new,
            Err(error) => {
                self.give_blobs_up(&blobs_of(&records)).await;
                return Err(error.into());
            }
        };
        self.note_stored(model.owner.payer(), bytes);
        // Where somebody else stored one first, the stored one counts: it is read when asked for.
        if new == records.len() as u64 {
            for ((key, _), record) in wanted.iter().zip(records) {
                let results = &self.inner.computations.results;
                results.insert(*key, Arc::new(record)).await;
            }
        }
        Ok(())
    }

    /// What is kept of one run of a worker, and its charge.
    fn computation(
        &self,
        access: &SessionAccess,
        wanted: &[(ResultKey, Wanted)],
        outcome: ComputationStatus,
        stats: RunStats,
    ) -> (ComputationRecord, UsageEvent) {
        let session = &access.session.session;
        let record = ComputationRecord {
            id: JobId::new(&*self.inner.entropy),
            model: access.model.id,
            session: Some(session.hash),
            kind: wanted
                .first()
                .map_or(ResultKind::Output, |(_, wanted)| wanted_id(wanted).0),
            status: outcome,
            wall_ms: stats.wall_ms,
            cpu_ms: stats.cpu_ms,
            at: self.now(),
        };
        let token = access.token.as_deref();
        let usage = self.usage_of(session, token, UsageKind::Computation, stats.wall_ms);
        (record, usage)
    }

    /// A run that the model itself made fail costs its time like any other; one that a full queue
    /// or a lost worker ended costs nothing.
    async fn note_failed(
        &self,
        access: &SessionAccess,
        wanted: &[(ResultKey, Wanted)],
        error: &EngineError,
        wall_ms: u64,
    ) -> Result<()> {
        if matches!(
            error,
            EngineError::Busy | EngineError::WorkerLost { .. } | EngineError::Cancelled
        ) {
            return Ok(());
        }
        let outcome = ComputationStatus::Failed {
            api_word: engine_word(error).to_owned(),
            message: error.to_string(),
        };
        let stats = RunStats {
            wall_ms,
            ..RunStats::default()
        };
        let (computation, usage) = self.computation(access, wanted, outcome, stats);
        let store = &self.inner.store;
        store
            .put_results(Vec::new(), Some(computation), vec![usage])
            .await?;
        Ok(())
    }

    /// Stores the assets of results and makes the rows that name them.
    async fn keep(
        &self,
        model: &ModelRecord,
        wanted: &[(ResultKey, Wanted)],
        results: Results,
    ) -> Result<Vec<OutputVersionRecord>> {
        let now = self.now();
        let mut by_wanted: HashMap<String, ResultItem> = results
            .items
            .into_iter()
            .map(|item| (wanted_id(&item.wanted).1, item))
            .collect();
        let mut made = Vec::with_capacity(wanted.len());
        for (key, wanted) in wanted {
            let (kind, id) = wanted_id(wanted);
            let Some(item) = by_wanted.remove(&id) else {
                return Err(Error::internal(format!(
                    "the worker left out {} {id}",
                    kind_word(kind)
                )));
            };
            let record = OutputVersionRecord {
                model: model.id,
                kind,
                output: id,
                version: key.1.to_string(),
                status: ComputationStatus::Success,
                content: Vec::new(),
                bbox: item.bbox,
                created_at: now,
            };
            made.push((record, item.content));
        }
        self.store_contents(made).await
    }

    /// Stores what was made for these rows. When a part cannot be stored, what was is given up.
    pub(crate) async fn store_contents(
        &self,
        made: Vec<(OutputVersionRecord, Vec<ContentItem>)>,
    ) -> Result<Vec<OutputVersionRecord>> {
        let mut records = Vec::with_capacity(made.len());
        for (mut record, items) in made {
            let stored = self.store_content(&mut record.content, items).await;
            records.push(record);
            if let Err(error) = stored {
                self.give_blobs_up(&blobs_of(&records)).await;
                return Err(error);
            }
        }
        Ok(records)
    }

    async fn store_content(
        &self,
        stored: &mut Vec<StoredContent>,
        items: Vec<ContentItem>,
    ) -> Result<()> {
        for item in items {
            let (blob, size, data) = match item.body {
                Body::Bytes(bytes) => {
                    let bytes = Bytes::from(bytes);
                    let size = bytes.len() as u64;
                    (Some(self.keep_blob(bytes).await?), size, None)
                }
                Body::Data(value) => (None, 0, Some(value)),
            };
            stored.push(StoredContent {
                format: item.format,
                content_type: item.content_type,
                name: item.name,
                blob,
                size,
                data,
                filename_ext: item.filename_ext,
            });
        }
        Ok(())
    }

    /// The model's file, ready for a worker.
    pub(crate) async fn model_source(&self, model: &ModelRecord) -> Result<ModelSource> {
        let Some(key) = model.source else {
            return Err(Error::new(
                ErrorKind::ModelInvalid,
                "The model has no file.",
            ));
        };
        let bytes = if let Some(bytes) = self.inner.computations.sources.get(&key).await {
            bytes
        } else {
            let bytes = self.inner.blobs.get(key).await.map_err(storage)?;
            self.inner
                .computations
                .sources
                .insert(key, bytes.clone())
                .await;
            bytes
        };
        Ok(ModelSource {
            wall_ms_max: Some(model.settings.max_comp_time_ms),
            output_bytes_max: Some(model.settings.max_output_size),
            export_bytes_max: Some(model.settings.max_export_size),
            key,
            lineage: model.lineage.clone(),
            filename: filename(model).to_owned(),
            bytes,
        })
    }

    /// What stands for the model's engine in the versions of its results.
    pub(crate) fn engine_of(&self, model: &ModelRecord) -> Cow<'static, str> {
        self.inner.pool.engine_version(filename(model))
    }
}

/// The blobs that results name.
pub(crate) fn blobs_of(records: &[OutputVersionRecord]) -> Vec<BlobKey> {
    let contents = records.iter().flat_map(|record| &record.content);
    contents.filter_map(|content| content.blob).collect()
}

/// Bytes that results take: their blobs and their data.
pub(crate) fn bytes_of(records: &[OutputVersionRecord]) -> u64 {
    let blobs = records.iter().flat_map(|record| &record.content);
    let data: usize = records.iter().map(inline_data::bytes_of).sum();
    blobs.map(|content| content.size).sum::<u64>() + data as u64
}

/// The name of a model's file, whose extension chooses the engine.
fn filename(model: &ModelRecord) -> &str {
    model.filename.as_deref().unwrap_or("model.js")
}

fn wanted_id(wanted: &Wanted) -> (ResultKind, String) {
    match wanted {
        Wanted::Output(id) => (ResultKind::Output, id.to_string()),
        Wanted::Export(id) => (ResultKind::Export, id.to_string()),
    }
}

/// A failure of the object storage.
pub(crate) fn storage(cause: vitrine_store::BlobError) -> Error {
    Error::new(
        ErrorKind::StorageFailed,
        "The object storage did not answer as it should. Try again, and tell the operator the \
         request id if it stays.",
    )
    .caused_by(cause)
}

/// The contract's word for how a computation ended.
fn status_word(error: &Error) -> &'static str {
    use std::error::Error as _;
    error
        .source()
        .and_then(|cause| cause.downcast_ref::<EngineError>())
        .map_or("unrecoverableerror", engine_word)
}

fn engine_word(error: &EngineError) -> &'static str {
    match error {
        EngineError::Limit(limit) if limit.limit == LimitKind::WallTime => "timeout",
        EngineError::Busy | EngineError::WorkerLost { .. } | EngineError::Cancelled => {
            "recoverableerror"
        }
        _ => "unrecoverableerror",
    }
}
