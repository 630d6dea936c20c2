//! The real clock and the real randomness.

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
