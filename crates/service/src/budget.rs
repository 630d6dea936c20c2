//! How much one account may store. Results of computations make room for each other: those that nobody
//! asked for the longest go, and are computed anew when somebody asks. Files of models are the account's
//! own, so that nothing of them goes by itself: what is too much is refused.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use vitrine_access::change::Change;
use vitrine_access::owner::Payer;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_store::{OutputVersionRecord, ResultPlace};

use crate::Services;
use crate::error::Result;
use crate::flights::ResultKey;

/// A part of an account's budget that may be stored before the whole is added up again, and that is freed
/// beyond what is needed: adding up reads the account's results.
const PART: u64 = 16;
/// Results deleted in one transaction, so that it does not hold the others up.
const DROPPED_ROWS: u32 = 500;
/// How exactly it is known when a result was last asked for.
const USE_GRAIN: Duration = Duration::from_mins(10);
/// Results whose use was noted lately; of further ones it is noted more often than needed.
const USES_KEPT_MAX: u64 = 100_000;
/// Uses that wait to be written; further ones are noted when they are asked for again.
const USES_WAITING_MAX: usize = 10_000;
/// Uses written in one transaction.
const USES_WRITTEN: usize = 500;
const MIB: u64 = 1 << 20;

/// What an account may store; 0 bounds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountBounds {
    /// Results of its models, in MiB.
    pub results_mib: u64,
    /// Files of its models, in MiB.
    pub files_mib: u64,
    /// Models, deleted ones included until they are erased.
    pub models: u64,
}

impl Default for AccountBounds {
    /// Ten thousand models of ordinary size, each with some hundred results.
    fn default() -> Self {
        Self {
            results_mib: 20 << 10,
            files_mib: 10 << 10,
            models: 10_000,
        }
    }
}

/// What is known of the accounts' budgets on this node.
pub(crate) struct Budget {
    /// Bytes stored since the whole was last added up.
    added: Mutex<HashMap<Payer, u64>>,
    /// Accounts for which room is being made, and whether it is time again already.
    busy: Mutex<HashMap<Payer, bool>>,
    noted: Cache<ResultKey, ()>,
    waiting: Mutex<HashSet<ResultPlace>>,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self {
            added: Mutex::default(),
            busy: Mutex::default(),
            noted: Cache::builder()
                .max_capacity(USES_KEPT_MAX)
                .time_to_live(USE_GRAIN)
                .build(),
            waiting: Mutex::default(),
        }
    }

    /// Whether so many bytes more are a reason to add up.
    fn is_due(&self, account: Payer, bytes: u64, max: u64) -> bool {
        let mut added = lock(&self.added);
        let Some(sum) = added.get_mut(&account) else {
            added.insert(account, 0);
            return true;
        };
        *sum = sum.saturating_add(bytes);
        let due = *sum >= max / PART;
        if due {
            *sum = 0;
        }
        due
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Services {
    /// Notes that so much was stored for an account, and makes room beside requests where it is time.
    pub(crate) fn note_stored(&self, account: Payer, bytes: u64) {
        let max_mib = self.inner.settings.account_bounds.results_mib;
        let max = max_mib.saturating_mul(MIB);
        if max == 0 || !self.inner.budget.is_due(account, bytes, max) {
            return;
        }
        let mut busy = lock(&self.inner.budget.busy);
        if let Some(again) = busy.get_mut(&account) {
            *again = true;
            return;
        }
        busy.insert(account, false);
        drop(busy);
        let services = self.clone();
        self.inner.tracker.spawn(async move {
            loop {
                if let Err(error) = services.make_room(account, max).await {
                    tracing::warn!(cause = error.cause_chain(), "no room was made for results");
                }
                let mut busy = lock(&services.inner.budget.busy);
                match busy.get_mut(&account) {
                    Some(again) if *again => *again = false,
                    _ => {
                        busy.remove(&account);
                        return;
                    }
                }
            }
        });
    }

    /// Deletes results of an account until they take clearly less than `max` bytes.
    async fn make_room(&self, account: Payer, max: u64) -> Result<()> {
        let store = &self.inner.store;
        let taken = store.result_bytes(&account).await?;
        if taken <= max {
            return Ok(());
        }
        // Uses that wait to be written count.
        self.write_result_uses().await?;
        let mut left = taken - (max - max / PART);
        let mut results = 0;
        while left > 0 {
            let now = self.now();
            let mut tx = store.begin().await?;
            let dropped = tx
                .drop_unused_results(&account, left, now, DROPPED_ROWS)
                .await?;
            if dropped.results == 0 {
                break;
            }
            self.sweep_later(&mut tx).await?;
            tx.note_change(&Change::Results).await?;
            tx.commit().await?;
            self.forget_results();
            left = left.saturating_sub(dropped.bytes);
            results += dropped.results;
        }
        metrics::counter!("vitrine_results_dropped_total").increment(results);
        tracing::info!(?account, results, "results made room for newer ones");
        Ok(())
    }

    /// Results may be gone: they are read again when asked for.
    pub(crate) fn forget_results(&self) {
        self.inner.computations.results.invalidate_all();
    }

    /// Notes that somebody got a result; written behind.
    pub(crate) fn note_used(&self, key: ResultKey, record: &OutputVersionRecord) {
        let budget = &self.inner.budget;
        if budget.noted.contains_key(&key) {
            return;
        }
        budget.noted.insert(key, ());
        let mut waiting = lock(&budget.waiting);
        if waiting.len() < USES_WAITING_MAX {
            waiting.insert(ResultPlace {
                model: record.model,
                kind: record.kind,
                element: record.output.clone(),
                version: record.version.clone(),
            });
        }
    }

    /// Writes the uses that wait.
    pub(crate) async fn write_result_uses(&self) -> Result<()> {
        let waiting: Vec<ResultPlace> = lock(&self.inner.budget.waiting).drain().collect();
        for some in waiting.chunks(USES_WRITTEN) {
            let store = &self.inner.store;
            store.note_results_used(some, self.now()).await?;
        }
        Ok(())
    }

    /// Refuses one more model of an account that has as many as it may.
    ///
    /// # Errors
    /// `PlanExceeded` naming the setting.
    pub(crate) async fn check_model_count(&self, account: Payer) -> Result<()> {
        let max = self.inner.settings.account_bounds.models;
        if max == 0 || self.inner.store.files_of(&account).await?.models < max {
            return Ok(());
        }
        Err(full(&format!(
            "The account has {max} models, as many as it may (account_models_max). Erase one of them"
        )))
    }

    /// Refuses a file for which an account has no room.
    ///
    /// # Errors
    /// `PlanExceeded` naming the setting.
    pub(crate) async fn check_file_room(&self, account: Payer, bytes: u64) -> Result<()> {
        let max_mib = self.inner.settings.account_bounds.files_mib;
        if max_mib == 0 {
            return Ok(());
        }
        let files = self.inner.store.files_of(&account).await?;
        if files.bytes.saturating_add(bytes) <= max_mib.saturating_mul(MIB) {
            return Ok(());
        }
        Err(full(&format!(
            "The files of the account's models would take more than the {max_mib} MiB that they may \
             (account_files_mib_max). Erase models"
        )))
    }
}

fn full(message: &str) -> crate::error::Error {
    let message = format!("{message}, or ask the operator for more.");
    Refusal::new(RefusalKind::PlanExceeded, message).into()
}

#[cfg(test)]
mod tests {
    use vitrine_access::ids::UserId;

    use super::*;

    #[test]
    fn a_budget_is_added_up_at_first_and_after_each_part_of_it() {
        let budget = Budget::new();
        let account = Payer::User(UserId::from_bytes([1; 16]));
        let max = 16_000;
        assert!(budget.is_due(account, 1, max), "nothing is known yet");
        assert!(!budget.is_due(account, 999, max));
        assert!(budget.is_due(account, 1, max));
        assert!(!budget.is_due(account, 999, max));
        let other = Payer::User(UserId::from_bytes([2; 16]));
        assert!(budget.is_due(other, 1, max));
    }
}
