//! What fills up and empties, for the metrics. It is looked at when somebody asks, so that requests pay nothing for it.

use crate::Services;

/// Counts are far below where this loses digits.
#[expect(
    clippy::cast_precision_loss,
    reason = "gauges are floating-point numbers"
)]
fn gauge(count: u64) -> f64 {
    count as f64
}

impl Services {
    /// Records how full caches, queues and connection pools are.
    pub fn note_gauges(&self) {
        let inner = &*self.inner;
        let remembered = [
            inner.models.size(),
            inner.tickets.size(),
            inner.sessions.size(),
            inner.auth_groups.size(),
            ("results", inner.computations.results.entry_count()),
            ("failures", inner.computations.failures.entry_count()),
            ("sources", inner.computations.sources.entry_count()),
        ];
        for (cache, entries) in remembered.into_iter().chain(inner.partners.sizes()) {
            metrics::gauge!("vitrine_cache_entries", "cache" => cache).set(gauge(entries));
        }
        let under_way = inner.computations.flights.len();
        metrics::gauge!("vitrine_computations_under_way").set(gauge(under_way as u64));
        metrics::gauge!("vitrine_audit_waiting").set(gauge(inner.trail.len() as u64));
        let appends = inner.store.appends_waiting();
        metrics::gauge!("vitrine_store_appends_waiting").set(gauge(appends as u64));
        for pool in inner.store.connections() {
            let (name, idle) = (pool.name, u64::from(pool.idle));
            let busy = u64::from(pool.open).saturating_sub(idle);
            for (state, count) in [("idle", idle), ("busy", busy)] {
                metrics::gauge!(
                    "vitrine_database_connections", "pool" => name, "state" => state
                )
                .set(gauge(count));
            }
        }
    }
}
