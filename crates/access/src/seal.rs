//! Sealing: AES-256-GCM-SIV, one key per purpose.

use thiserror::Error;

use crate::secret::MasterKey;

/// What a sealed thing is for. A thing sealed for one purpose opens for no other.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Purpose {
    /// Tickets.
    Ticket,
    /// Links to assets.
    AssetLink,
    /// Links to upload to.
    UploadLink,
    /// Private signing keys at rest.
    SigningKey,
    /// Proofs that an embedding page was loaded.
    EmbedNonce,
}

/// A sealed thing that does not open: not ours, for another purpose, cut or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it was not sealed by this server, or has been changed since")]
pub struct SealError;

/// Seals and opens.
pub struct Sealer(());

impl Sealer {
    /// From the master key.
    #[must_use]
    pub fn new(_key: &MasterKey) -> Self {
        todo!()
    }

    /// Seals `plaintext` with this nonce.
    #[must_use]
    pub fn seal(&self, _purpose: Purpose, _plaintext: &[u8], _nonce: [u8; 12]) -> Vec<u8> {
        todo!()
    }

    /// Opens.
    ///
    /// # Errors
    /// When it was not sealed for this purpose by one of our keys.
    pub fn open(&self, _purpose: Purpose, _sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        todo!()
    }
}
