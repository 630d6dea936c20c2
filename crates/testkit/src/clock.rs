//! Time that passes when the test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use vitrine_access::{Clock, Timestamp};

/// A clock that stands still until it is moved. Clones share their hands.
#[derive(Clone, Debug)]
pub struct ManualClock {
    unix_ms: Arc<AtomicI64>,
}

impl ManualClock {
    /// A clock that shows this instant.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            unix_ms: Arc::new(AtomicI64::new(now.unix_ms())),
        }
    }

    /// Moves on.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }

    /// Jumps, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.unix_ms.store(now.unix_ms(), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// 2026-11-21T10:00:00Z, like everything that [`crate::Builder`] makes.
    fn default() -> Self {
        Self::at(crate::Builder::EPOCH)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.unix_ms.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_show_the_same_time() {
        let clock = ManualClock::default();
        let clone = clock.clone();
        clock.advance(Duration::from_millis(1500));
        assert_eq!(clone.now().to_iso_ms(), "2026-11-21T10:00:01.500Z");
        clone.set(Timestamp::from_unix_ms(7));
        assert_eq!(clock.now().unix_ms(), 7);
    }
}
