//! A cache that cannot keep what a change has made stale.
//!
//! The trap: a reader loads a row, the row changes and is dropped from the cache, and only then
//! does the reader put the old value in, where it would stay. Here every drop counts a generation
//! up first, and whoever put something in looks whether the generation is still the one from
//! before its load.

use std::convert::Infallible;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::quality::RandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

use crate::error::Result;

/// How many keys a cache by weight is laid out for; it holds as many as fit.
const WEIGHED_ENTRIES_USUAL: usize = 10_000;

/// Values by key, dropped when a change names them. What was not used for long makes room first.
pub(crate) struct Remembered<K, V> {
    /// Keys are ids that we made, or hashes of secrets that exist: nobody chooses them.
    cache: Cache<K, Arc<V>, Weigher<V>, RandomState>,
    /// The label in metrics.
    name: &'static str,
    generation: AtomicU64,
}

/// How much room a value takes: one place, or its bytes.
struct Weigher<V>(Option<fn(&V) -> usize>);

impl<V> Clone for Weigher<V> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<K, V> Weighter<K, Arc<V>> for Weigher<V> {
    fn weight(&self, _key: &K, value: &Arc<V>) -> u64 {
        match self.0 {
            // Nothing is free: what weighed nothing would never make room.
            Some(bytes) => bytes(value).max(1) as u64,
            None => 1,
        }
    }
}

impl<K, V> Remembered<K, V>
where
    K: Hash + Eq + Copy + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Keeps at most `entries_max` values. `name` is its label in metrics.
    pub(crate) fn new(name: &'static str, entries_max: usize) -> Self {
        Self::with(name, entries_max, entries_max as u64, Weigher(None))
    }

    /// Keeps values of at most `bytes_max` together.
    pub(crate) fn weighed(name: &'static str, bytes_max: u64, bytes: fn(&V) -> usize) -> Self {
        Self::with(name, WEIGHED_ENTRIES_USUAL, bytes_max, Weigher(Some(bytes)))
    }

    fn with(name: &'static str, entries: usize, weight_max: u64, weigher: Weigher<V>) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(entries)
            .weight_capacity(weight_max)
            .build()
            .unwrap_or_else(|_| unreachable!("both capacities are given"));
        Self {
            cache: Cache::with_options(
                options,
                weigher,
                RandomState::default(),
                DefaultLifecycle::default(),
            ),
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
        if let Some(known) = self.cache.get(&key) {
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
        // Whoever came first has put in what all share.
        let Ok(value) = self
            .cache
            .get_or_insert_with(&key, || Ok::<_, Infallible>(Arc::new(value)));
        if self.generation.load(Ordering::SeqCst) != before {
            // Something changed meanwhile, perhaps this: the next reader loads again.
            self.cache.remove(&key);
        }
        Ok(Some(value))
    }

    /// Its name and how many values it holds.
    pub(crate) fn size(&self) -> (&'static str, u64) {
        (self.name, self.cache.len() as u64)
    }

    /// The value in memory, if it is there.
    pub(crate) fn peek(&self, key: &K) -> Option<Arc<V>> {
        self.cache.get(key)
    }

    /// Whether the value is in memory; no use of it.
    pub(crate) fn holds(&self, key: &K) -> bool {
        self.cache.contains_key(key)
    }

    /// Puts in a value that is new to the database as well.
    pub(crate) fn insert(&self, key: K, value: Arc<V>) {
        self.cache.insert(key, value);
    }

    /// Drops one value.
    pub(crate) fn forget(&self, key: &K) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.cache.remove(key);
    }

    /// Drops everything.
    pub(crate) fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.cache.clear();
    }

    /// Drops what need not be in memory any more; the database has it.
    pub(crate) fn keep(&self, wanted: impl Fn(&V) -> bool) {
        self.cache.retain(|_, value| wanted(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_value_loaded_before_a_change_does_not_stay() {
        let remembered: Remembered<u8, &str> = Remembered::new("test", 10);
        let loaded = remembered
            .get_or_load(1, || async {
                // The change comes while the reader holds the old row.
                remembered.forget(&1);
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
        let remembered: Remembered<u8, u8> = Remembered::new("test", 10);
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
        let remembered: Remembered<u8, u8> = Remembered::new("test", 10);
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

    #[tokio::test]
    async fn no_more_is_kept_than_fits() {
        let counted: Remembered<u32, u32> = Remembered::new("test", 100);
        let weighed: Remembered<u32, Vec<u8>> = Remembered::weighed("test", 1000, Vec::len);
        for key in 0..1000 {
            counted.insert(key, Arc::new(key));
            weighed.insert(key, Arc::new(vec![0; 100]));
        }
        assert!(
            (50..=100).contains(&counted.size().1),
            "{:?}",
            counted.size()
        );
        assert!((1..=10).contains(&weighed.size().1), "{:?}", weighed.size());
    }

    #[tokio::test]
    async fn what_is_not_wanted_leaves() {
        let remembered: Remembered<u8, u8> = Remembered::new("test", 100);
        for key in 0..10 {
            remembered.insert(key, Arc::new(key));
        }
        remembered.keep(|value| value % 2 == 0);
        assert_eq!(remembered.size().1, 5);
        assert!(remembered.peek(&3).is_none());
        assert_eq!(remembered.peek(&4).as_deref(), Some(&4));
    }
}
