//! Chance, handed in.

/// A source of random bytes fit for keys. The real one lives in the binary; tests bring a seeded
/// one, so that a run can be replayed.
pub trait Entropy: Send + Sync + 'static {
    /// Fills all of `out` with unpredictable bytes.
    fn fill(&self, out: &mut [u8]);
}

/// `N` fresh random bytes.
pub(crate) fn bytes<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut out = [0; N];
    entropy.fill(&mut out);
    out
}

#[cfg(test)]
pub(crate) mod testing {
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A counter stretched by SHA-256: different, repeatable bytes at every call.
    #[derive(Default)]
    pub(crate) struct Seeded(AtomicU64);

    impl Seeded {
        pub(crate) fn new(seed: u64) -> Self {
            Self(AtomicU64::new(seed << 32))
        }
    }

    impl super::Entropy for Seeded {
        fn fill(&self, out: &mut [u8]) {
            for chunk in out.chunks_mut(32) {
                let count = self.0.fetch_add(1, Ordering::Relaxed);
                let digest =
                    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &count.to_be_bytes());
                chunk.copy_from_slice(&digest.as_ref()[..chunk.len()]);
            }
        }
    }
}
