//! Computing outputs and exports: validate, look in the cache, compute once, wait a while.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use moka::future::Cache;
use vitrine_access::ids::BlobKey;
use vitrine_access::permissions::Permission;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_model::{RawValue, Version, Wanted};
use vitrine_store::{ModelRecord, OutputVersionRecord, ResultKind};

use crate::Services;
pub use crate::asked::{Asked, ExportRequest, Failure, ItemState, ItemStates, States};
use crate::asked::{described, unknown_entity};
use crate::error::{Error, ErrorKind, Result};
use crate::flights::{Flights, ResultKey};
use crate::inline_data::{self, weight_of};
use crate::metering::Paid;
use crate::offset;
use crate::who::{SessionAccess, printable};

/// Results kept in memory, in bytes. A result names its assets, but holds its data.
const RESULTS_CACHED_BYTES: u64 = 64 * 1024 * 1024;
/// Failures kept in memory: a sentence each.
const FAILURES_CACHED_MAX: u64 = 50_000;
/// Model files kept in memory, in bytes; a worker that is warm needs none of them.
const SOURCES_CACHED_BYTES: u64 = 32 * 1024 * 1024;
/// How long a failure is remembered: long enough to stop a page from trying in a loop, short
/// enough that an author who mends something else need not wait.
const FAILURE_KEPT: Duration = Duration::from_mins(1);
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
    pub(crate) results: Cache<ResultKey, Arc<OutputVersionRecord>>,
    pub(crate) failures: Cache<ResultKey, Arc<Failure>>,
    pub(crate) passing_failures: Cache<ResultKey, Arc<Failure>>,
    pub(crate) asked_in_vain: Cache<ResultKey, tokio::time::Instant>,
    pub(crate) sources: Cache<BlobKey, Bytes>,
    pub(crate) flights: Arc<Flights>,
}

impl Computations {
    pub(crate) fn new() -> Self {
        Self {
            results: Cache::builder()
                .max_capacity(RESULTS_CACHED_BYTES)
                .weigher(|_, record: &Arc<OutputVersionRecord>| weight_of(record))
                .build(),
            failures: Cache::builder()
                .max_capacity(FAILURES_CACHED_MAX)
                .time_to_live(FAILURE_KEPT)
                .build(),
            passing_failures: Cache::builder()
                .max_capacity(FAILURES_CACHED_MAX)
                .time_to_live(PASSING_FAILURE_KEPT)
                .build(),
            asked_in_vain: Cache::builder()
                .max_capacity(FAILURES_CACHED_MAX)
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

impl Services {
    /// `ComputeOutputs`: all outputs, each complete or pending.
    ///
    /// # Errors
    /// Parameter errors; database and queue failures.
    pub async fn compute_outputs(
        &self,
        access: &SessionAccess,
        raw: &[(String, RawValue)],
        ignore_unknown: bool,
    ) -> Result<ItemStates> {
        let mut asked = Asked::outputs(
            &self.engine_of(&access.model),
            &access.model,
            raw,
            ignore_unknown,
        )?;
        keep_allowed(access, Permission::ComputeOutput, &mut asked.outputs);
        let wait = wait_of(&access.model, None);
        // Charged before the work: whoever hangs up meanwhile finds the result in the cache.
        let paid = self.charge_output(access).await?;
        Ok(self.states(access, &asked, wait, paid).await?.outputs)
    }

    /// `ComputeExports`: the wanted exports, with outputs where the request names some.
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
        let mut asked = Asked::exports(
            &self.engine_of(&access.model),
            &access.model,
            request,
            ignore_unknown,
        )?;
        needs_each(access, Permission::ComputeExport, &asked.exports)?;
        keep_allowed(access, Permission::ComputeOutput, &mut asked.outputs);
        let wait = wait_of(&access.model, request.max_wait);
        let paid = self.charge_export(access, asked.wants_outputs()).await?;
        self.states(access, &asked, wait, paid).await
    }

    /// `GetCachedOutputs` by values: what is there already; nothing is started.
    ///
    /// # Errors
    /// Parameter errors and database failures.
    pub async fn cached_outputs(
        &self,
        access: &SessionAccess,
        raw: &[(String, RawValue)],
        ignore_unknown: bool,
    ) -> Result<ItemStates> {
        let mut asked = Asked::outputs(
            &self.engine_of(&access.model),
            &access.model,
            raw,
            ignore_unknown,
        )?;
        keep_allowed(access, Permission::CacheOutputGet, &mut asked.outputs);
        self.look_up(access, ResultKind::Output, &asked.outputs)
            .await
    }

    /// `GetCachedExports` by values.
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
        let mut asked = Asked::exports(
            &self.engine_of(&access.model),
            &access.model,
            request,
            ignore_unknown,
        )?;
        needs_each(access, Permission::CacheExportGet, &asked.exports)?;
        keep_allowed(access, Permission::CacheOutputGet, &mut asked.outputs);
        Ok(States {
            outputs: self
                .look_up(access, ResultKind::Output, &asked.outputs)
                .await?,
            exports: self
                .look_up(access, ResultKind::Export, &asked.exports)
                .await?,
        })
    }

    /// `GetCachedOutputs` and `GetCachedExports` by id and version.
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
                        "'{}' is not a version: 32 lower-case hexadecimal digits as in an earlier answer.",
                        printable(version)
                    ),
                )
            })?;
            keys.push((id.clone(), version, found));
        }
        let permission = match kind {
            ResultKind::Output => Permission::CacheOutputGet,
            ResultKind::Export => Permission::CacheExportGet,
        };
        needs_each(access, permission, &keys)?;
        self.look_up(access, kind, &keys).await
    }

    /// `ListOutputVersions`: a page of results of one output, newest first.
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
        let permission = match kind {
            ResultKind::Output => Permission::CacheOutputList,
            ResultKind::Export => Permission::CacheExportList,
        };
        if !access.permissions.contains_for(permission, id) {
            return Err(missing_for(permission, id));
        }
        self.page_of_results(access, kind, id, limit, after).await
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
        // What does not fit into one answer begins the next page.
        let fitting = inline_data::fitting(&rows).max(1);
        let limit = limit.min(u32::try_from(fitting).unwrap_or(u32::MAX));
        let next =
            offset::cut_page(&mut rows, limit).map(|last| offset::of_result_cursor(&last.cursor()));
        Ok((rows, next))
    }

    /// Looks everything up, computes what is missing once, and waits at most `wait` for it.
    pub(crate) async fn states(
        &self,
        access: &SessionAccess,
        asked: &Asked,
        wait: Duration,
        paid: Paid,
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
            if paid == Paid::Nothing {
                self.check_caps(access).await?;
            }
            let flights = self.fly(access, asked, &missing);
            let all_landed = async {
                for flight in flights {
                    flight.landed().await;
                }
            };
            // Not having landed in time is an answer too: pending.
            let _ = tokio::time::timeout(wait, all_landed).await;
            self.still_allowed(access).await?;
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

    pub(crate) async fn result(
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
        let mut data_bytes = 0;
        for (id, version, _) in wanted {
            let key = (access.model.id, *version);
            let state = if let Some(record) = self.result(kind, id, &key).await? {
                self.note_used(key, &record);
                data_bytes += inline_data::bytes_of(&record);
                if data_bytes <= inline_data::BYTES_MAX {
                    ItemState::Done(record)
                } else {
                    ItemState::Failed {
                        version: *version,
                        failure: Arc::new(inline_data::too_much()),
                    }
                }
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

pub(crate) fn kind_word(kind: ResultKind) -> &'static str {
    match kind {
        ResultKind::Output => "output",
        ResultKind::Export => "export",
    }
}

/// Leaves out what a token that is limited to some ids does not cover.
fn keep_allowed<V, W>(
    access: &SessionAccess,
    permission: Permission,
    items: &mut Vec<(String, V, W)>,
) {
    if !access.permissions.contains(permission) {
        items.retain(|(id, ..)| access.permissions.contains_for(permission, id));
    }
}

/// Refuses what was named and is not covered.
fn needs_each<V, W>(
    access: &SessionAccess,
    permission: Permission,
    items: &[(String, V, W)],
) -> Result<()> {
    match items
        .iter()
        .find(|(id, ..)| !access.permissions.contains_for(permission, id))
    {
        None => Ok(()),
        Some((id, ..)) => Err(missing_for(permission, id)),
    }
}

fn missing_for(permission: Permission, id: &str) -> Error {
    Refusal {
        kind: RefusalKind::PermissionMissing,
        message: format!(
            "The token's scopes do not cover {id}: ask for one with {}.",
            permission.limited_to(id)
        ),
    }
    .into()
}

fn needs(access: &SessionAccess, permission: Permission) -> Result<()> {
    if access.permissions.contains_for_some(permission) {
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

/// How long a request may be held: what it asks for, else what the model's settings say.
fn wait_of(model: &ModelRecord, asked: Option<Duration>) -> Duration {
    let own = Duration::from_millis(model.settings.max_wait_time_ms);
    asked.unwrap_or(own).min(WAIT_MAX)
}
