//! The real clock and the real randomness.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use vitrine_access::random::Entropy;
use vitrine_access::time::{Clock, Timestamp};

/// The system's wall clock.
#[derive(Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one adapter that may ask the system"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_unix_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The operating system's random number generator.
#[derive(Debug)]
pub(crate) struct SystemEntropy(SystemRandom);

impl SystemEntropy {
    pub(crate) fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, out: &mut [u8]) {
        // Ids and keys from anything but good randomness would be worse than an end.
        self.0
            .fill(out)
            .expect("the operating system gives random bytes");
    }
}

/// Random bytes that each thread takes from the system's generator at once, because one call of it costs as much for sixteen
/// bytes as for hundreds. For names that are no secrets, such as request ids: what waits lies in memory.
#[derive(Debug)]
pub(crate) struct BatchedEntropy(SystemEntropy);

/// Sixty-four request ids.
const BATCH_BYTES: usize = 1024;

thread_local! {
    static WAITING: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl BatchedEntropy {
    pub(crate) fn new() -> Self {
        Self(SystemEntropy::new())
    }
}

impl Entropy for BatchedEntropy {
    fn fill(&self, out: &mut [u8]) {
        WAITING.with_borrow_mut(|waiting| {
            if waiting.len() < out.len() {
                waiting.resize(BATCH_BYTES.max(out.len()), 0);
                self.0.fill(waiting);
            }
            // Taken out: no byte is given twice.
            let rest = waiting.len() - out.len();
            out.copy_from_slice(&waiting[rest..]);
            waiting.truncate(rest);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_bytes_of_a_batch_are_given_twice() {
        let entropy = BatchedEntropy::new();
        let mut seen = HashSet::new();
        for _ in 0..3 * BATCH_BYTES / 16 {
            let mut id = [0; 16];
            entropy.fill(&mut id);
            assert!(seen.insert(id));
        }
        let mut long = [0; 2 * BATCH_BYTES];
        entropy.fill(&mut long);
        assert!(
            long.chunks(16)
                .all(|id| seen.insert(id.try_into().unwrap()))
        );
    }
}
