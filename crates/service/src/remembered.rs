//! A cache that cannot keep what a change has made stale.
//!
//! The trap: a reader loads a row, the row changes and is dropped from the cache, and only then
//! does the reader put the old value in, where it would stay. Here every drop counts a generation
//! up first, and whoever put something in looks whether the generation is still the one from
//! before its load.

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use foldhash::quality::RandomState;
use moka::future::Cache;

use crate::error::Result;

/// Values by key, dropped when a change names them.
pub(crate) struct Remembered<K, V> {
    /// Keys are ids that we made, or hashes of secrets that exist: nobody chooses them.
    cache: Cache<K, Arc<V>, RandomState>,
    /// The label in metrics.
    name: &'static str,
    generation: AtomicU64,
}

impl<K, V> Remembered<K, V>
where
    K: Hash + Eq + Copy + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Keeps at most `entries_max` values, and each only for `idle_max` after its last use. `name` is its label in metrics.
    pub(crate) fn new(name: &'static str, entries_max: u64, idle_max: Duration) -> Self {
        Self {
            cache: Cache::builder()
                .max_capacity(entries_max)
                .time_to_idle(idle_max)
                .build_with_hasher(RandomState::default()),
            name,
            generation: AtomicU64::new(0),
        }
    }

    /// Keeps values of at most `bytes_max` together, each only for `idle_max` after its last use.
    pub(crate) fn weighed(
        name: &'static str,
        bytes_max: u64,
        idle_max: Duration,
        bytes: impl Fn(&V) -> usize + Send + Sync + 'static,
    ) -> Self {
        Self {
            cache: Cache::builder()
                .max_capacity(bytes_max)
                .weigher(move |_: &K, value: &Arc<V>| {
                    u32::try_from(bytes(value)).unwrap_or(u32::MAX)
                })
                .time_to_idle(idle_max)
                .build_with_hasher(RandomState::default()),
            name,
            generation: AtomicU64::new(0),
        }
    }

    /// The value in memory, or else the loaded one. All callers share one value per key.
    ///
    /// `load` is called on a miss only, and what it needs then lives in a box: it would otherwise be part
    /// of the future of every hit, and be copied with it.
    pub(crate) async fn get_or_load<F>(
        &self,
        key: K,
        load: impl FnOnce() -> F,
    ) -> Result<Option<Arc<V>>>
    where
        F: Future<Output = Result<Option<V>>>,
    {
        if let Some(known) = self.cache.get(&key).await {
            return Ok(Some(known));
        }
        Box::pin(self.load(key, load())).await
    }

    async fn load(
        &self,
        key: K,
        load: impl Future<Output = Result<Option<V>>>,
    ) -> Result<Option<Arc<V>>> {
        metrics::counter!("vitrine_cache_misses_total", "cache" => self.name).increment(1);
        let before = self.generation.load(Ordering::SeqCst);
        let Some(value) = load.await? else {
            return Ok(None);
        };
        let value = self
            .cache
            .get_with(key, async move { Arc::new(value) })
            .await;
        if self.generation.load(Ordering::SeqCst) != before {
            // Something changed meanwhile, perhaps this: the next reader loads again.
            self.cache.invalidate(&key).await;
        }
        Ok(Some(value))
    }

    /// Its name and how many values it holds, roughly.
    pub(crate) fn size(&self) -> (&'static str, u64) {
        (self.name, self.cache.entry_count())
    }

    /// The value in memory, if it is there.
    pub(crate) async fn peek(&self, key: &K) -> Option<Arc<V>> {
        self.cache.get(key).await
    }

    /// Puts in a value that is new to the database as well.
    pub(crate) async fn insert(&self, key: K, value: Arc<V>) {
        self.cache.insert(key, value).await;
    }

    /// Drops one value.
    pub(crate) async fn forget(&self, key: &K) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.cache.invalidate(key).await;
    }

    /// Drops everything.
    pub(crate) fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.cache.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_value_loaded_before_a_change_does_not_stay() {
        let remembered: Remembered<u8, &str> = Remembered::new("test", 10, Duration::from_mins(1));
        let loaded = remembered
            .get_or_load(1, || async {
                // The change comes while the reader holds the old row.
                remembered.forget(&1).await;
                Ok(Some("old"))
            })
            .await;
        assert_eq!(loaded.unwrap().as_deref(), Some(&"old"));
        let again = remembered
            .get_or_load(1, || async { Ok(Some("new")) })
            .await;
        assert_eq!(again.unwrap().as_deref(), Some(&"new"));
    }

    #[tokio::test]
    async fn a_warm_value_is_not_loaded_again() {
        let remembered: Remembered<u8, u8> = Remembered::new("test", 10, Duration::from_mins(1));
        for _ in 0..2 {
            let value = remembered
                .get_or_load(1, || async { Ok(Some(7)) })
                .await
                .unwrap();
            assert_eq!(value.as_deref(), Some(&7));
        }
        let warm = remembered
            .get_or_load(1, || async { panic!("loaded again") })
            .await;
        assert_eq!(warm.unwrap().as_deref(), Some(&7));
    }

    #[tokio::test]
    async fn what_does_not_exist_is_not_remembered() {
        let remembered: Remembered<u8, u8> = Remembered::new("test", 10, Duration::from_mins(1));
        assert!(
            remembered
                .get_or_load(1, || async { Ok(None) })
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            remembered
                .get_or_load(1, || async { Ok(Some(1)) })
                .await
                .unwrap()
                .is_some()
        );
    }
}
