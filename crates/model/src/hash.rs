//! The one way in which this crate hashes: SHA-256 over length-prefixed fields, so that no two lists of fields share
//! their bytes.

use aws_lc_rs::digest::{Context, SHA256};

/// Collects fields and yields the first half of their SHA-256.
pub(crate) struct FieldHash(Context);

impl FieldHash {
    /// Starts a hash for one purpose; different labels never collide.
    pub(crate) fn new(label: &str) -> Self {
        let mut hash = Self(Context::new(&SHA256));
        hash.field(label.as_bytes());
        hash
    }

    /// Adds one field with its length in front.
    pub(crate) fn field(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// Ends the hash and keeps 128 bits, which is what the wire form of versions and ids holds.
    pub(crate) fn finish(self) -> [u8; 16] {
        let digest = self.0.finish();
        let mut out = [0; 16];
        for (to, from) in out.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        out
    }
}
