//! Sealed links to assets and for uploads: one URL-safe path segment of lower-case hex.

use thiserror::Error;

use crate::ids::{BlobKey, ModelId, SessionAlias, TokenId};
use crate::random::Entropy;
use crate::seal::Sealer;
use crate::time::Timestamp;

/// Which route serves an asset.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum AssetKind {
    /// A computed output.
    Output,
    /// A computed export.
    Export,
}

/// A right to read one blob, for a while.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AssetLink {
    /// The blob.
    pub blob: BlobKey,
    /// The session it belongs to; `None` for links without a session.
    pub alias: Option<SessionAlias>,
    /// The model it was computed by.
    pub model: ModelId,
    /// Output or export.
    pub kind: AssetKind,
    /// The content type to answer with.
    pub content_type: String,
    /// The file name to answer with.
    pub filename: Option<String>,
    /// Size in bytes.
    pub size: u64,
    /// When the link ends.
    pub expires_at: Timestamp,
    /// With strong authorization: the token behind it and that token's end.
    pub token: Option<(TokenId, Timestamp)>,
}

/// A right to upload one model file, for a while.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UploadLink {
    /// The model that gets the file.
    pub model: ModelId,
    /// When the link ends.
    pub expires_at: Timestamp,
    /// Largest accepted size in bytes.
    pub size_max: u64,
    /// Makes each link unique, so that it can be used up.
    pub nonce: [u8; 16],
}

/// A text that is no link of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the link was not made by this server, or has been changed; request a new one")]
pub struct LinkError;

impl AssetLink {
    /// Seals into one path segment.
    #[must_use]
    pub fn seal(&self, _sealer: &Sealer, _entropy: &dyn Entropy) -> String {
        todo!()
    }

    /// Opens a path segment. Does not look at the end of validity.
    ///
    /// # Errors
    /// When the text is not, to the bit, a link that this server sealed.
    pub fn open(_sealer: &Sealer, _text: &str) -> Result<Self, LinkError> {
        todo!()
    }
}

impl UploadLink {
    /// Seals into one path segment.
    #[must_use]
    pub fn seal(&self, _sealer: &Sealer, _entropy: &dyn Entropy) -> String {
        todo!()
    }

    /// Opens a path segment. Does not look at the end of validity.
    ///
    /// # Errors
    /// When the text is not, to the bit, a link that this server sealed.
    pub fn open(_sealer: &Sealer, _text: &str) -> Result<Self, LinkError> {
        todo!()
    }
}
