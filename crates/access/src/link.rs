//! Sealed links to assets and for uploads: one URL-safe path segment of lower-case hex, which
//! therefore never equals `list` or `cache`.

use thiserror::Error;

use crate::grant::Subject;
use crate::ids::{BlobKey, IssuerKey, ModelId, SessionAlias, TokenId};
use crate::limits::{LINK_CHARS_MAX, LINK_TEXT_BYTES_MAX};
use crate::random::{self, Entropy};
use crate::seal::{Purpose, Sealer};
use crate::time::Timestamp;
use crate::wire::{Reader, Writer, cut, decode_lower_hex};

const FLAG_ALIAS: u8 = 1;
const FLAG_EXPORT: u8 = 2;
const FLAG_FILENAME: u8 = 4;
const FLAG_TOKEN: u8 = 8;
const FLAG_ISSUER_KEY: u8 = 16;
const FLAGS: u8 = FLAG_ALIAS | FLAG_EXPORT | FLAG_FILENAME | FLAG_TOKEN | FLAG_ISSUER_KEY;

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
    /// The content type to answer with; cut at [`LINK_TEXT_BYTES_MAX`] bytes when sealed.
    pub content_type: String,
    /// The file name to answer with; cut likewise.
    pub filename: Option<String>,
    /// Size in bytes.
    pub size: u64,
    /// When the link ends.
    pub expires_at: Timestamp,
    /// With strong authorization: the token behind it.
    pub token: Option<LinkToken>,
}

/// The access token behind a link: the link ends with it, by time and by revocation.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct LinkToken {
    /// Its `jti`.
    pub id: TokenId,
    /// Whose it is: all tokens of a subject may be revoked together.
    pub subject: Subject,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Its end.
    pub expires_at: Timestamp,
    /// The key that signed it, where an external issuer did.
    pub issuer_key: Option<IssuerKey>,
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
    pub fn seal(&self, sealer: &Sealer, entropy: &dyn Entropy) -> String {
        let mut out = Writer::default();
        let issuer_key = self.token.as_ref().and_then(|token| token.issuer_key);
        let flags = [
            (self.alias.is_some(), FLAG_ALIAS),
            (self.kind == AssetKind::Export, FLAG_EXPORT),
            (self.filename.is_some(), FLAG_FILENAME),
            (self.token.is_some(), FLAG_TOKEN),
            (issuer_key.is_some(), FLAG_ISSUER_KEY),
        ];
        out.u8(flags
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, flag)| flag)
            .sum());
        out.raw(self.blob.as_bytes()).raw(self.model.as_bytes());
        out.u64(self.size).i64(self.expires_at.unix_ms());
        out.text(cut(&self.content_type, LINK_TEXT_BYTES_MAX));
        if let Some(alias) = &self.alias {
            out.raw(alias.as_bytes());
        }
        if let Some(filename) = &self.filename {
            out.text(cut(filename, LINK_TEXT_BYTES_MAX));
        }
        if let Some(token) = &self.token {
            out.raw(token.id.as_bytes())
                .i64(token.expires_at.unix_ms())
                .i64(token.issued_at.unix_ms())
                .text(&token.subject.to_string());
        }
        if let Some(key) = &issuer_key {
            out.raw(key.as_bytes());
        }
        seal(sealer, Purpose::AssetLink, &out.finish(), entropy)
    }

    /// Opens a path segment. Does not look at the end of validity.
    ///
    /// # Errors
    /// When the text is not, to the bit, a link that this server sealed.
    pub fn open(sealer: &Sealer, text: &str) -> Result<Self, LinkError> {
        Self::from_bytes(&open(sealer, Purpose::AssetLink, text)?).ok_or(LinkError)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        let flags = input.u8()?;
        if flags & !FLAGS != 0 {
            return None;
        }
        let has = |flag| flags & flag != 0;
        let blob = BlobKey::from_bytes(input.array()?);
        let model = ModelId::from_bytes(input.array()?);
        let size = input.u64()?;
        let expires_at = Timestamp::from_unix_ms(input.i64()?);
        let content_type = input.text()?.to_owned();
        let alias = if has(FLAG_ALIAS) {
            Some(SessionAlias::from_bytes(input.array()?))
        } else {
            None
        };
        let filename = if has(FLAG_FILENAME) {
            Some(input.text()?.to_owned())
        } else {
            None
        };
        let mut token = if has(FLAG_TOKEN) {
            Some(LinkToken {
                id: TokenId::from_bytes(input.array()?),
                expires_at: Timestamp::from_unix_ms(input.i64()?),
                issued_at: Timestamp::from_unix_ms(input.i64()?),
                subject: input.text()?.parse().ok()?,
                issuer_key: None,
            })
        } else {
            None
        };
        if has(FLAG_ISSUER_KEY) {
            token.as_mut()?.issuer_key = Some(IssuerKey::from_bytes(input.array()?));
        }
        input.end()?;
        let kind = if has(FLAG_EXPORT) {
            AssetKind::Export
        } else {
            AssetKind::Output
        };
        Some(Self {
            blob,
            alias,
            model,
            kind,
            content_type,
            filename,
            size,
            expires_at,
            token,
        })
    }
}

impl UploadLink {
    /// Seals into one path segment.
    #[must_use]
    pub fn seal(&self, sealer: &Sealer, entropy: &dyn Entropy) -> String {
        let mut out = Writer::default();
        out.raw(self.model.as_bytes())
            .i64(self.expires_at.unix_ms());
        out.u64(self.size_max).raw(&self.nonce);
        seal(sealer, Purpose::UploadLink, &out.finish(), entropy)
    }

    /// Opens a path segment. Does not look at the end of validity.
    ///
    /// # Errors
    /// When the text is not, to the bit, a link that this server sealed.
    pub fn open(sealer: &Sealer, text: &str) -> Result<Self, LinkError> {
        Self::from_bytes(&open(sealer, Purpose::UploadLink, text)?).ok_or(LinkError)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        let link = Self {
            model: ModelId::from_bytes(input.array()?),
            expires_at: Timestamp::from_unix_ms(input.i64()?),
            size_max: input.u64()?,
            nonce: input.array()?,
        };
        input.end()?;
        Some(link)
    }
}

fn seal(sealer: &Sealer, purpose: Purpose, bytes: &[u8], entropy: &dyn Entropy) -> String {
    hex::encode(sealer.seal(purpose, bytes, random::bytes(entropy)))
}

fn open(sealer: &Sealer, purpose: Purpose, text: &str) -> Result<Vec<u8>, LinkError> {
    if text.len() > LINK_CHARS_MAX {
        return Err(LinkError);
    }
    let bytes = decode_lower_hex(text).ok_or(LinkError)?;
    sealer.open(purpose, &bytes).map_err(|_| LinkError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::Seeded;
    use crate::secret::MasterKey;
    use proptest::prelude::*;

    fn sealer() -> Sealer {
        Sealer::new(&MasterKey::generate(&Seeded::new(1)))
    }

    fn links() -> impl Strategy<Value = AssetLink> {
        let texts = ("[a-z]{1,9}/[a-z]{1,9}", proptest::option::of("\\PC{0,60}"));
        let numbers = any::<([u8; 32], [u8; 16], bool, u64, i64)>();
        let options = any::<(Option<[u8; 16]>, Option<([u8; 16], i64)>)>();
        (texts, numbers, options).prop_map(
            |((content_type, filename), (blob, model, export, size, until), (alias, token))| {
                AssetLink {
                    blob: BlobKey::from_bytes(blob),
                    alias: alias.map(SessionAlias::from_bytes),
                    model: ModelId::from_bytes(model),
                    kind: if export {
                        AssetKind::Export
                    } else {
                        AssetKind::Output
                    },
                    content_type,
                    filename,
                    size,
                    expires_at: Timestamp::from_unix_ms(until),
                    token: token.map(|(id, until)| LinkToken {
                        id: TokenId::from_bytes(id),
                        subject: Subject::Model(ModelId::from_bytes(model)),
                        issued_at: Timestamp::from_unix_ms(size.cast_signed()),
                        expires_at: Timestamp::from_unix_ms(until),
                        issuer_key: export.then_some(IssuerKey::from_bytes(model)),
                    }),
                }
            },
        )
    }

    #[test]
    fn the_longest_names_are_cut_and_the_link_still_opens() {
        let link = AssetLink {
            blob: BlobKey::of(b"x"),
            alias: Some(SessionAlias::from_bytes([1; 16])),
            model: ModelId::from_bytes([2; 16]),
            kind: AssetKind::Export,
            content_type: "t".repeat(LINK_TEXT_BYTES_MAX),
            filename: Some("ä".repeat(LINK_TEXT_BYTES_MAX)),
            size: u64::MAX,
            expires_at: Timestamp::MAX_14,
            token: Some(LinkToken {
                id: TokenId::from_bytes([3; 16]),
                subject: Subject::Backend,
                issued_at: Timestamp::MAX_14,
                expires_at: Timestamp::MAX_14,
                issuer_key: Some(IssuerKey::from_bytes([4; 16])),
            }),
        };
        let opened = AssetLink::open(&sealer(), &link.seal(&sealer(), &Seeded::new(2))).unwrap();
        assert_eq!(opened.filename, Some("ä".repeat(LINK_TEXT_BYTES_MAX / 2)));
        assert_eq!(
            AssetLink {
                filename: link.filename.clone(),
                ..opened
            },
            link
        );
    }

    #[test]
    fn an_upload_link_opens_to_itself_and_not_as_an_asset_link() {
        let link = UploadLink {
            model: ModelId::from_bytes([2; 16]),
            expires_at: Timestamp::MAX_14,
            size_max: 5,
            nonce: [9; 16],
        };
        let text = link.seal(&sealer(), &Seeded::new(2));
        assert_eq!(UploadLink::open(&sealer(), &text), Ok(link));
        assert_eq!(AssetLink::open(&sealer(), &text), Err(LinkError));
        assert_eq!(
            UploadLink::open(&sealer(), &text.to_uppercase()),
            Err(LinkError)
        );
        for text in ["", "list", "cache", "00"] {
            assert_eq!(UploadLink::open(&sealer(), text), Err(LinkError));
        }
    }

    proptest! {
        // Few cases: each one tries every bit.
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn an_asset_link_opens_to_itself_and_any_flipped_bit_is_refused(link in links(), seed: u32) {
            let sealer = sealer();
            let text = link.seal(&sealer, &Seeded::new(u64::from(seed)));
            prop_assert!(text.bytes().all(|b| b"0123456789abcdef".contains(&b)));
            prop_assert_eq!(AssetLink::open(&sealer, &text), Ok(link));
            let mut bytes = text.into_bytes();
            for bit in 0..bytes.len() * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                if let Ok(text) = std::str::from_utf8(&bytes) {
                    prop_assert!(AssetLink::open(&sealer, text).is_err(), "bit {}", bit);
                }
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}
