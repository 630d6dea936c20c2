//! Computing outputs and exports: validate, look in the cache, compute once, wait a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use moka::future::Cache;
use vitrine_access::credits::UsageKind;
use vitrine_access::ids::{BlobKey, JobId};
use vitrine_access::permissions::Permission;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_engine::ENGINE_VERSION;
use vitrine_engine::pool::ModelSource;
use vitrine_model::{
    Body, ContentItem, Customization, Definition, EngineError, LimitKind, RawValue, ResultItem,
    Results, Version, Wanted, resolve,
};
use vitrine_store::{
    ComputationRecord, ComputationStatus, ModelRecord, OutputVersionRecord, ResultKind,
    StoredContent,
};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::flights::{Flight, Flights, Landing, ResultKey};
use crate::offset;
use crate::who::{SessionAccess, printable};

/// Results kept in memory. A result holds references to assets, not the assets themselves.
const RESULTS_CACHED_MAX: u64 = 50_000;
/// Model files kept in memory, in bytes; a worker that is warm needs none of them.
const SOURCES_CACHED_BYTES: u64 = 32 * 1024 * 1024;
/// How long a failure is remembered: long enough to stop a page from trying in a loop, short
/// enough that an author who mends something else need not wait.
const FAILURE_KEPT: Duration = Duration::from_secs(60);
/// How long a passing failure (full queue, lost worker) is shown to those who poll.
const PASSING_FAILURE_KEPT: Duration = Duration::from_secs(2);
/// A version that nobody computes is called failed after this long, so that polling ends.
const UNKNOWN_PATIENCE: Duration = Duration::from_secs(30);
/// Longest time a request may be held, whatever it asks for.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// What "ask again in" says for a computation under way.
const POLL_DELAY_MS: u64 = 500;

/// Computations under way and their latest results.
pub(crate) struct Computations {
    results: Cache<ResultKey, Arc<OutputVersionRecord>>,
    failures: Cache<ResultKey, Arc<Failure>>,
    passing_failures: Cache<ResultKey, Arc<Failure>>,
    asked_in_vain: Cache<ResultKey, tokio::time::Instant>,
    sources: Cache<BlobKey, Bytes>,
    flights: Arc<Flights>,
}

impl Computations {
    pub(crate) fn new() -> Self {
        Self {
            results: Cache::new(RESULTS_CACHED_MAX),
            failures: Cache::builder()
                .max_capacity(RESULTS_CACHED_MAX)
                .time_to_live(FAILURE_KEPT)
                .build(),
            passing_failures: Cache::builder()
                .max_capacity(RESULTS_CACHED_MAX)
                .time_to_live(PASSING_FAILURE_KEPT)
                .build(),
            asked_in_vain: Cache::builder()
                .max_capacity(RESULTS_CACHED_MAX)
                .time_to_live(UNKNOWN_PATIENCE * 4)
                .build(),
            sources: Cache::builder()
                .max_capacity(SOURCES_CACHED_BYTES)
                .weigher(|_, bytes: &Bytes| u32::try_from(bytes.len()).unwrap_or(u32::MAX))
                .build(),
            flights: Arc::new(Flights::default()),
        }
    }
}

/// Why there is no result.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The contract's word for `status_computation`.
    pub status: &'static str,
    /// A sentence for the author.
    pub message: String,
}

/// How far one output or export is.
#[derive(Clone, Debug)]
pub enum ItemState {
    /// Only its definition is known; nothing was asked of it.
    Definition,
    /// Under way, or unknown: ask again in so many milliseconds.
    Pending {
        /// The version that was asked for.
        version: Version,
        /// Milliseconds until asking again makes sense, above 0.
        delay_ms: u64,
    },
    /// Computed.
    Done(Arc<OutputVersionRecord>),
    /// Ended without a result.
    Failed {
        /// The version that was asked for.
        version: Version,
        /// Why.
        failure: Arc<Failure>,
    },
}

/// The states of a model's outputs, or of its exports, by id.
pub type ItemStates = Vec<(String, ItemState)>;

/// Alias that reads better where sessions speak of what they show.
pub type OutputStates = ItemStates;

/// The body of an export request.
#[derive(Clone, Debug, Default)]
pub struct ExportRequest {
    /// Values on top of the defaults.
    pub parameters: Vec<(String, RawValue)>,
    /// Ids of the exports that are wanted.
    pub exports: Vec<String>,
    /// Ids of outputs that shall come in the same answer.
    pub outputs: Vec<String>,
    /// How long to hold the request; `None` leaves it to the model's settings.
    pub max_wait: Option<Duration>,
}

/// States of both sides of an answer.
#[derive(Clone, Debug)]
pub struct States {
    /// Outputs, all of the model or those that were asked for.
    pub outputs: ItemStates,
    /// Exports that were asked for.
    pub exports: ItemStates,
}

/// A validated request: complete values and the versions that follow from them.
#[derive(Clone, Debug)]
pub struct Asked {
    definition: Arc<Definition>,
    values: Arc<Customization>,
    outputs: Vec<(String, Version, Wanted)>,
    exports: Vec<(String, Version, Wanted)>,
    /// What was ignored, in words.
    pub warnings: Vec<String>,
}

impl Asked {
    /// All outputs for the given values.
    ///
    /// # Errors
    /// Names the parameter, the value and what is accepted.
    pub fn outputs(
        model: &ModelRecord,
        raw: &[(String, RawValue)],
        ignore_unknown: bool,
    ) -> Result<Self> {
        let mut asked = Self::values(model, raw, ignore_unknown)?;
        let (definition, source) = described(model)?;
        asked.outputs = definition
            .outputs
            .iter()
            .map(|output| {
                let version =
                    definition.version_of_output(&source, ENGINE_VERSION, output, &asked.values);
                (
                    output.id.to_string(),
                    version,
                    Wanted::Output(output.id.clone()),
                )
            })
            .collect();
        Ok(asked)
    }

    /// The exports, and outputs, of an export request.
    ///
    /// # Errors
    /// As for outputs; also for ids that the model does not have.
    pub fn exports(
        model: &ModelRecord,
        request: &ExportRequest,
        ignore_unknown: bool,
    ) -> Result<Self> {
        let mut asked = Self::outputs(model, &request.parameters, ignore_unknown)?;
        let (definition, source) = described(model)?;
        for id in &request.exports {
            let export = definition
                .exports
                .iter()
                .find(|export| export.id.to_string() == *id)
                .ok_or_else(|| unknown_entity("export", id))?;
            let version =
                definition.version_of_export(&source, ENGINE_VERSION, export, &asked.values);
            asked
                .exports
                .push((id.clone(), version, Wanted::Export(export.id.clone())));
        }
        if asked.exports.is_empty() {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                "An export request names at least one export id in 'exports'.",
            ));
        }
        for id in &request.outputs {
            if !asked.outputs.iter().any(|(known, ..)| known == id) {
                return Err(unknown_entity("output", id));
            }
        }
        asked
            .outputs
            .retain(|(id, ..)| request.outputs.contains(id));
        Ok(asked)
    }

    fn values(
        model: &ModelRecord,
        raw: &[(String, RawValue)],
        ignore_unknown: bool,
    ) -> Result<Self> {
        let (definition, _) = described(model)?;
        let (values, warnings) = resolve(&definition, raw, ignore_unknown)?;
        Ok(Self {
            definition,
            values: Arc::new(values),
            outputs: Vec::new(),
            exports: Vec::new(),
            warnings,
        })
    }

    pub(crate) fn wants_exports(&self) -> bool {
        !self.exports.is_empty()
    }

    fn wants_outputs(&self) -> bool {
        !self.outputs.is_empty()
    }
}

/// The definition and the file of a model that was analysed.
pub(crate) fn described(model: &ModelRecord) -> Result<(Arc<Definition>, BlobKey)> {
    match (&model.definition, model.source) {
        (Some(definition), Some(source)) => Ok((Arc::clone(definition), source)),
        _ => Err(Refusal {
            kind: RefusalKind::ModelUnconfirmed,
            message: "The model's file was not analysed yet. Wait until its status is \
                      'confirmed'."
                .into(),
        }
        .into()),
    }
}

fn unknown_entity(what: &str, id: &str) -> Error {
    Error::new(
        ErrorKind::EntityUnknown,
        format!(
            "The model has no {what} {}. Use an id from the session's '{what}s'.",
            printable(id)
        ),
    )
}

impl Services {
    /// ComputeOutputs: all outputs, each complete or pending.
    ///
    /// # Errors
    /// Parameter errors; database and queue failures.
    pub async fn compute_outputs(
        &self,
        access: &SessionAccess,
        raw: &[(String, RawValue)],
        ignore_unknown: bool,
    ) -> Result<ItemStates> {
        let asked = Asked::outputs(&access.model, raw, ignore_unknown)?;
        let wait = self.wait_of(&access.model, None);
        let states = self.states(access, &asked, wait).await?;
        self.charge_output(access).await?;
        Ok(states.outputs)
    }

    /// ComputeExports: the wanted exports, with outputs where the request names some.
    ///
    /// # Errors
    /// As for outputs; `PermissionMissing` when outputs are wanted without the right to them.
    pub async fn compute_exports(
        &self,
        access: &SessionAccess,
        request: &ExportRequest,
        ignore_unknown: bool,
    ) -> Result<States> {
        if !request.outputs.is_empty() {
            needs(access, Permission::ComputeOutput)?;
        }
        let asked = Asked::exports(&access.model, request, ignore_unknown)?;
        let wait = self.wait_of(&access.model, request.max_wait);
        let states = self.states(access, &asked, wait).await?;
        self.charge_export(access, asked.wants_outputs()).await?;
        Ok(states)
    }

    /// GetCachedOutputs by values: what is there already; nothing is started.
    ///
    /// # Errors
    /// Parameter errors and database failures.
    pub async fn cached_outputs(
        &self,
        access: &SessionAccess,
        raw: &[(String, RawValue)],
        ignore_unknown: bool,
    ) -> Result<ItemStates> {
        let asked = Asked::outputs(&access.model, raw, ignore_unknown)?;
        self.look_up(access, ResultKind::Output, &asked.outputs)
            .await
    }

    /// GetCachedExports by values.
    ///
    /// # Errors
    /// As for outputs.
    pub async fn cached_exports(
        &self,
        access: &SessionAccess,
        request: &ExportRequest,
        ignore_unknown: bool,
    ) -> Result<States> {
        if !request.outputs.is_empty() {
            needs(access, Permission::CacheOutputGet)?;
        }
        let asked = Asked::exports(&access.model, request, ignore_unknown)?;
        Ok(States {
            outputs: self
                .look_up(access, ResultKind::Output, &asked.outputs)
                .await?,
            exports: self
                .look_up(access, ResultKind::Export, &asked.exports)
                .await?,
        })
    }

    /// GetCachedOutputs and GetCachedExports by id and version.
    ///
    /// # Errors
    /// `EntityUnknown` for an id that the model does not have, `RequestInvalid` for a text that
    /// cannot be a version.
    pub async fn cached_versions(
        &self,
        access: &SessionAccess,
        kind: ResultKind,
        wanted: &[(String, String)],
    ) -> Result<ItemStates> {
        let (definition, _) = described(&access.model)?;
        let mut keys = Vec::with_capacity(wanted.len());
        for (id, version) in wanted {
            let found = match kind {
                ResultKind::Output => definition
                    .outputs
                    .iter()
                    .find(|output| output.id.to_string() == *id)
                    .map(|output| Wanted::Output(output.id.clone())),
                ResultKind::Export => definition
                    .exports
                    .iter()
                    .find(|export| export.id.to_string() == *id)
                    .map(|export| Wanted::Export(export.id.clone())),
            };
            let found = found.ok_or_else(|| unknown_entity(kind_word(kind), id))?;
            let version: Version = version.parse().map_err(|_| {
                Error::new(
                    ErrorKind::RequestInvalid,
                    format!(
                        "'{}' is not a version: 32 hexadecimal digits as in an earlier answer.",
                        printable(version)
                    ),
                )
            })?;
            keys.push((id.clone(), version, found));
        }
        self.look_up(access, kind, &keys).await
    }

    /// ListOutputVersions: a page of results of one output, newest first.
    ///
    /// # Errors
    /// `EntityUnknown` for an id that the model does not have.
    pub async fn list_versions(
        &self,
        access: &SessionAccess,
        kind: ResultKind,
        id: &str,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<OutputVersionRecord>, Option<String>)> {
        let (definition, _) = described(&access.model)?;
        let known = match kind {
            ResultKind::Output => definition.outputs.iter().any(|o| o.id.to_string() == id),
            ResultKind::Export => definition.exports.iter().any(|e| e.id.to_string() == id),
        };
        if !known {
            return Err(unknown_entity(kind_word(kind), id));
        }
        Ok(self.page_of_results(access, kind, id, limit, after).await?)
    }

    async fn page_of_results(
        &self,
        access: &SessionAccess,
        kind: ResultKind,
        id: &str,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<OutputVersionRecord>, Option<String>)> {
        let after = after.map(offset::to_result_cursor).transpose()?;
        let model = access.model.id;
        let mut rows = self
            .inner
            .store
            .list_results(model, kind, id, limit.saturating_add(1), after)
            .await?;
        let next =
            offset::cut_page(&mut rows, limit).map(|last| offset::of_result_cursor(&last.cursor()));
        Ok((rows, next))
    }

    fn wait_of(&self, model: &ModelRecord, asked: Option<Duration>) -> Duration {
        let _ = self;
        let own = Duration::from_millis(model.settings.max_wait_time_ms);
        asked.unwrap_or(own).min(WAIT_MAX)
    }

    /// Looks everything up, computes what is missing once, and waits at most `wait` for it.
    pub(crate) async fn states(
        &self,
        access: &SessionAccess,
        asked: &Asked,
        wait: Duration,
    ) -> Result<States> {
        let mut missing = Vec::new();
        let all = asked
            .outputs
            .iter()
            .map(|item| (ResultKind::Output, item))
            .chain(asked.exports.iter().map(|item| (ResultKind::Export, item)));
        for (kind, (id, version, wanted)) in all {
            let key = (access.model.id, *version);
            if self.result(kind, id, &key).await?.is_none()
                && self.inner.computations.failures.get(&key).await.is_none()
            {
                missing.push((key, wanted.clone()));
            }
        }
        if missing.is_empty() {
            metrics::counter!("vitrine_computations_cached_total").increment(1);
        } else {
            let flights = self.fly(access, asked, &missing);
            let all_landed = async {
                for flight in flights {
                    flight.landed().await;
                }
            };
            // Not having landed in time is an answer too: pending.
            let _ = tokio::time::timeout(wait, all_landed).await;
        }
        Ok(States {
            outputs: self
                .look_up(access, ResultKind::Output, &asked.outputs)
                .await?,
            exports: self
                .look_up(access, ResultKind::Export, &asked.exports)
                .await?,
        })
    }

    fn fly(
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
            self.inner.tracker.spawn(async move {
                services.compute(&access, &asked, wanted, landing).await;
            });
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

    async fn run_and_keep(
        &self,
        access: &SessionAccess,
        asked: &Asked,
        wanted: &[(ResultKey, Wanted)],
    ) -> Result<()> {
        let model = &access.model;
        let source = self.model_source(model).await?;
        let names = wanted.iter().map(|(_, wanted)| wanted.clone()).collect();
        let results = self
            .inner
            .pool
            .compute(
                source,
                model.owner,
                Arc::clone(&asked.definition),
                Arc::clone(&asked.values),
                names,
            )
            .await?;
        let session = &access.session.session;
        let stats = results.stats;
        let usage = self.usage_of(session, UsageKind::Computation, stats.wall_ms);
        let computation = ComputationRecord {
            id: JobId::new(&*self.inner.entropy),
            model: model.id,
            session: Some(session.hash),
            kind: wanted
                .first()
                .map_or(ResultKind::Output, |(_, wanted)| wanted_id(wanted).0),
            status: ComputationStatus::Success,
            wall_ms: stats.wall_ms,
            cpu_ms: stats.cpu_ms,
            at: self.now(),
        };
        let records = self.keep(model, wanted, results).await?;
        // Results, their record and their charge are durable together, before anybody sees them.
        self.inner
            .store
            .put_results(records.clone(), Some(computation), vec![usage])
            .await?;
        for ((key, _), record) in wanted.iter().zip(records) {
            self.inner
                .computations
                .results
                .insert(*key, Arc::new(record))
                .await;
        }
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
        let mut records = Vec::with_capacity(wanted.len());
        let mut by_wanted: HashMap<String, ResultItem> = results
            .items
            .into_iter()
            .map(|item| (wanted_id(&item.wanted).1, item))
            .collect();
        for (key, wanted) in wanted {
            let (kind, id) = wanted_id(wanted);
            let Some(item) = by_wanted.remove(&id) else {
                return Err(Error::internal(format!(
                    "the worker left out {} {id}",
                    kind_word(kind)
                )));
            };
            records.push(OutputVersionRecord {
                model: model.id,
                kind,
                output: id,
                version: key.1.to_string(),
                status: ComputationStatus::Success,
                content: self.store_content(item.content).await?,
                bbox: item.bbox,
                created_at: now,
            });
        }
        Ok(records)
    }

    pub(crate) async fn store_content(
        &self,
        items: Vec<ContentItem>,
    ) -> Result<Vec<StoredContent>> {
        let mut stored = Vec::with_capacity(items.len());
        for item in items {
            let (blob, size, data) = match item.body {
                Body::Bytes(bytes) => {
                    let bytes = Bytes::from(bytes);
                    let size = bytes.len() as u64;
                    (
                        Some(self.inner.blobs.put(bytes).await.map_err(storage)?),
                        size,
                        None,
                    )
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
        Ok(stored)
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
            key,
            lineage: model.lineage.clone(),
            filename: model
                .filename
                .clone()
                .unwrap_or_else(|| "model.js".to_owned()),
            bytes,
        })
    }

    async fn result(
        &self,
        kind: ResultKind,
        id: &str,
        key: &ResultKey,
    ) -> Result<Option<Arc<OutputVersionRecord>>> {
        if let Some(known) = self.inner.computations.results.get(key).await {
            return Ok((known.kind == kind && known.output == id).then_some(known));
        }
        let Some(record) = self
            .inner
            .store
            .result(kind, id, key.0, &key.1.to_string())
            .await?
        else {
            return Ok(None);
        };
        let record = Arc::new(record);
        self.inner
            .computations
            .results
            .insert(*key, Arc::clone(&record))
            .await;
        Ok(Some(record))
    }

    async fn look_up(
        &self,
        access: &SessionAccess,
        kind: ResultKind,
        wanted: &[(String, Version, Wanted)],
    ) -> Result<ItemStates> {
        let mut states = Vec::with_capacity(wanted.len());
        for (id, version, _) in wanted {
            let key = (access.model.id, *version);
            let state = if let Some(record) = self.result(kind, id, &key).await? {
                ItemState::Done(record)
            } else if let Some(failure) = self.inner.computations.failures.get(&key).await {
                ItemState::Failed {
                    version: *version,
                    failure,
                }
            } else if self.inner.computations.flights.contains(&key) {
                ItemState::Pending {
                    version: *version,
                    delay_ms: POLL_DELAY_MS,
                }
            } else if let Some(failure) = self.inner.computations.passing_failures.get(&key).await {
                ItemState::Failed {
                    version: *version,
                    failure,
                }
            } else {
                self.unknown(&key).await
            };
            states.push((id.clone(), state));
        }
        Ok(states)
    }

    /// A version that nobody computes: pending for a while, since it may be under way on its way
    /// here, then failed, so that a client's polling ends.
    async fn unknown(&self, key: &ResultKey) -> ItemState {
        let since = self
            .inner
            .computations
            .asked_in_vain
            .get_with(*key, async { tokio::time::Instant::now() })
            .await;
        if since.elapsed() < UNKNOWN_PATIENCE {
            return ItemState::Pending {
                version: key.1,
                delay_ms: POLL_DELAY_MS,
            };
        }
        ItemState::Failed {
            version: key.1,
            failure: Arc::new(Failure {
                status: "unknown",
                message: "Nobody computes this version. Send the customization again.".into(),
            }),
        }
    }
}

fn kind_word(kind: ResultKind) -> &'static str {
    match kind {
        ResultKind::Output => "output",
        ResultKind::Export => "export",
    }
}

fn wanted_id(wanted: &Wanted) -> (ResultKind, String) {
    match wanted {
        Wanted::Output(id) => (ResultKind::Output, id.to_string()),
        Wanted::Export(id) => (ResultKind::Export, id.to_string()),
    }
}

fn needs(access: &SessionAccess, permission: Permission) -> Result<()> {
    if access.permissions.contains(permission) {
        return Ok(());
    }
    Err(Refusal {
        kind: RefusalKind::PermissionMissing,
        message: format!(
            "Outputs in an export request need the permission {}. Leave 'outputs' out, or ask for \
             a token whose scopes cover it.",
            permission.as_str()
        ),
    }
    .into())
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

fn status_word(error: &Error) -> &'static str {
    use std::error::Error as _;
    let limit = error
        .source()
        .and_then(|cause| cause.downcast_ref::<EngineError>());
    match limit {
        Some(EngineError::Limit(limit)) if limit.limit == LimitKind::WallTime => "timeout",
        Some(EngineError::Busy | EngineError::WorkerLost { .. } | EngineError::Cancelled) => {
            "recoverableerror"
        }
        _ => "unrecoverableerror",
    }
}
