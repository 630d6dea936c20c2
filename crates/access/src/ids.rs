//! The one registry of ids. Each kind is its own type with a private field: no `Deref`, no
//! `From<String>`, one canonical text.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::{constant_time, digest};
use thiserror::Error;
use zeroize::Zeroize;

use crate::random::{self, Entropy};

/// A text that is no id of the wanted kind. Never repeats the text, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind} must be written as {form}")]
pub struct IdError {
    kind: &'static str,
    form: &'static str,
}

impl IdError {
    pub(crate) const fn new(kind: &'static str, form: &'static str) -> Self {
        Self { kind, form }
    }
}

const UUID_FORM: &str = "a UUID, for example 6f1d2c3e-4b5a-4987-8d6c-0123456789ab";
const UUID_DASHES: [usize; 4] = [8, 13, 18, 23];

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return None;
    }
    let mut out = [0; 16];
    let mut nibbles = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        if UUID_DASHES.contains(&index) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        out[nibbles / 2] = out[nibbles / 2] << 4 | nibble(byte)?;
        nibbles += 1;
    }
    Some(out)
}

/// What a byte stands for as a hexadecimal digit; [`NO_DIGIT`] where it is none. Ids come with every
/// request and go into every line of the log.
const NIBBLES: [u8; 256] = {
    let mut nibbles = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        let digit = DIGITS[value as usize];
        nibbles[digit as usize] = value;
        nibbles[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    nibbles
};
const NO_DIGIT: u8 = u8::MAX;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn nibble(byte: u8) -> Option<u8> {
    let value = NIBBLES[usize::from(byte)];
    (value != NO_DIGIT).then_some(value)
}

fn write_uuid(bytes: &[u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // In one piece: ids stand in every line of the log.
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            at += 1;
        }
        for nibble in [byte >> 4, byte & 0xf] {
            text[at] = DIGITS[usize::from(nibble)];
            at += 1;
        }
    }
    f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

/// Strict lower-case hexadecimal of exactly `N` bytes.
pub(crate) fn parse_lower_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(pairs) {
        if pair.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(out)
}

/// Parts that are not longer together are hashed in one piece: making a context costs more than that.
const ONE_PIECE_BYTES: usize = 96;

/// The parts one after the other, where they fit into `piece`.
fn joined<'a>(parts: &[&'a [u8]], piece: &'a mut [u8]) -> Option<&'a [u8]> {
    if let [one] = parts {
        return Some(one);
    }
    let mut filled = 0;
    for part in parts {
        let place = piece.get_mut(filled..filled + part.len())?;
        place.copy_from_slice(part);
        filled += part.len();
    }
    piece.get(..filled)
}

pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut piece = [0; ONE_PIECE_BYTES];
    let digest = if let Some(whole) = joined(parts, &mut piece) {
        digest::digest(&digest::SHA256, whole)
    } else {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(part);
        }
        context.finish()
    };
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident = $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// A fresh random id in the form of a version 4 UUID.
            #[must_use]
            pub fn new(entropy: &dyn Entropy) -> Self {
                let mut bytes: [u8; 16] = random::bytes(entropy);
                bytes[6] = bytes[6] & 0x0f | 0x40;
                bytes[8] = bytes[8] & 0x3f | 0x80;
                Self(bytes)
            }

            /// The 16 bytes of the UUID.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// From the 16 bytes of a UUID of any version.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_uuid(text).map(Self).ok_or(IdError { kind: $kind, form: UUID_FORM })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    )*};
}

uuid_ids! {
    /// A person with an account.
    UserId = "a user id";
    /// A group of users that may own and pay together.
    OrganizationId = "an organization id";
    /// An uploaded parametric definition.
    ModelId = "a model id";
    /// The row of a ticket; also sealed into it.
    TicketId = "a ticket id";
    /// The `jti` of an access token.
    TokenId = "a token id";
    /// An access key's public half.
    AccessKeyId = "an access key id";
    /// One chargeable event.
    UsageId = "a usage id";
    /// One line of the audit trail.
    AuditId = "an audit id";
    /// One queued piece of work.
    JobId = "a job id";
    /// One request, as named in logs and answers.
    RequestId = "a request id";
    /// A named set of models, users and organizations that a token may stand for.
    AuthGroupId = "an authorization group id";
    /// A company whose back end trades parameters for editor tokens.
    PartnerId = "a partner id";
    /// One of a partner's keys; not the key itself.
    PartnerKeyId = "a partner key id";
    /// One thing that somebody was told.
    NotificationId = "a notification id";
    /// An address at which an account wants to be told things.
    WebhookId = "a webhook id";
    /// One message to such an address.
    DeliveryId = "a delivery id";
    /// An invitation into an organization.
    InvitationId = "an invitation id";
    /// One right of a user on a model that is shared with them.
    ShareId = "a share id";
    /// Who somebody is at a provider that they sign in at.
    IdentityId = "an identity id";
    /// A passkey of a user's; not the authenticator's own id of it.
    PasskeyId = "a passkey id";
}

/// Bytes of a key's mark: enough that two keys never share one by chance, and few enough that 82
/// random bits are left in a token's id.
const KEY_MARK_BYTES: usize = 5;
/// Those of it that stand in ids which also say their holder.
const KEY_MARK_BYTES_HELD: usize = 4;

/// The mark that a signing key leaves in the ids of its tokens. Whatever remembers a token's id so
/// tells which key it hangs on.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct KeyMark([u8; KEY_MARK_BYTES]);

impl KeyMark {
    /// The mark of the key with this id.
    #[must_use]
    pub fn of(kid: &str) -> Self {
        let digest = sha256(&[b"vitrine key mark", kid.as_bytes()]);
        let mut mark = [0; KEY_MARK_BYTES];
        mark.copy_from_slice(&digest[..KEY_MARK_BYTES]);
        Self(mark)
    }
}

impl TokenId {
    /// A fresh id for a token of the key with this mark.
    #[must_use]
    pub fn marked(mark: KeyMark, entropy: &dyn Entropy) -> Self {
        let Self(mut bytes) = Self::new(entropy);
        bytes[..KEY_MARK_BYTES].copy_from_slice(&mark.0);
        Self(bytes)
    }

    /// Whether the id carries this mark.
    #[must_use]
    pub fn is_marked(&self, mark: KeyMark) -> bool {
        let length = match self.holder() {
            Some(_) => KEY_MARK_BYTES_HELD,
            None => KEY_MARK_BYTES,
        };
        self.0.starts_with(&mark.0[..length])
    }
}

macro_rules! hex_values {
    ($($(#[$doc:meta])* $name:ident[$size:literal] = $kind:literal, $form:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $size]);

        impl $name {
            /// The raw bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }

            /// From the raw bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $size]) -> Self {
                Self(bytes)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_lower_hex(text).map(Self).ok_or(IdError { kind: $kind, form: $form })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; 2 * $size];
                for (digits, byte) in text.chunks_exact_mut(2).zip(self.0) {
                    digits[0] = DIGITS[usize::from(byte >> 4)];
                    digits[1] = DIGITS[usize::from(byte & 0xf)];
                }
                f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    )*};
}

hex_values! {
    /// The name of a blob: SHA-256 of its content.
    BlobKey[32] = "a blob key", "64 lower-case hexadecimal digits";
    /// What is kept of a session id: SHA-256 of its 16 bytes. Opens nothing by itself.
    SessionHash[32] = "a session hash", "64 lower-case hexadecimal digits";
    /// The name of a session inside links that we make. Good for asset reads only, and one-way:
    /// neither the session id nor its hash follows from it.
    SessionAlias[16] = "a session alias", "32 lower-case hexadecimal digits";
    /// One key of one external issuer: a digest of the issuer's name and the key itself.
    IssuerKey[16] = "an issuer's key", "32 lower-case hexadecimal digits";
    /// What is kept of an editor token: SHA-256 of its 16 bytes. Opens nothing by itself.
    EditorTokenHash[32] = "an editor token hash", "64 lower-case hexadecimal digits";
    /// What is kept in clear of a partner's user id: enough to find and count, not to read.
    EditorUserHash[32] = "an editor user hash", "64 lower-case hexadecimal digits";
    /// What is kept of an editor session: a digest of its 32 bytes. Opens nothing by itself.
    EditorSessionHash[32] = "an editor session hash", "64 lower-case hexadecimal digits";
    /// What is kept of a script job's id: a digest of its 32 bytes. Opens nothing by itself.
    ScriptJobHash[32] = "a script job hash", "64 lower-case hexadecimal digits";
    /// One drawing of one partner, by a digest of where it comes from.
    DrawingId[32] = "a drawing id", "64 lower-case hexadecimal digits";
}

impl BlobKey {
    /// The key of this content.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(sha256(&[content]))
    }
}

impl AuthGroupId {
    /// The group of exactly these models, which follows from them: sort them first.
    #[must_use]
    pub fn of_models(models: &[ModelId]) -> Self {
        let models: Vec<String> = models.iter().map(ToString::to_string).collect();
        let digest = sha256(&[b"vitrine group of models v1", models.join(" ").as_bytes()]);
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self::from_bytes(id)
    }
}

impl SessionHash {
    /// The one-way name that links carry instead of the session id.
    #[must_use]
    pub fn alias(&self) -> SessionAlias {
        let digest = sha256(&[b"vitrine session alias v1", &self.0]);
        let mut alias = [0; 16];
        alias.copy_from_slice(&digest[..16]);
        SessionAlias(alias)
    }
}

/// The bearer secret of a session: whoever knows it may use the session until it ends.
#[derive(Clone)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// A fresh session id of 128 random bits.
    #[must_use]
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(random::bytes(entropy))
    }

    /// The session id that follows from 128 random bits which nobody outside has seen: the first
    /// half of SHA-256 over the label and them.
    pub(crate) fn derived(label: &[u8], secret: &[u8; 16]) -> Self {
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(sha256(&[label, secret])) {
            *to = from;
        }
        Self(id)
    }

    /// The 32 digits, to be shown to the one client that opened the session.
    #[must_use]
    pub fn reveal(&self) -> String {
        hex::encode(self.0)
    }

    /// What may be stored and looked up.
    #[must_use]
    pub fn hash(&self) -> SessionHash {
        SessionHash(sha256(&[&self.0]))
    }
}

impl FromStr for SessionId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_lower_hex(text).map(Self).ok_or(IdError {
            kind: "a session id",
            form: "32 lower-case hexadecimal digits",
        })
    }
}

impl PartialEq for SessionId {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for SessionId {}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(hidden)")
    }
}

impl Drop for SessionId {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::Seeded;
    use proptest::prelude::*;

    #[test]
    fn a_digest_does_not_depend_on_how_its_parts_are_joined() {
        let long = [7; 2 * ONE_PIECE_BYTES];
        for cut in [0, 1, ONE_PIECE_BYTES / 2, ONE_PIECE_BYTES, long.len()] {
            for length in [0, 1, ONE_PIECE_BYTES, ONE_PIECE_BYTES + 1, long.len()] {
                let whole = &long[..length];
                let (left, right) = whole.split_at(cut.min(length));
                assert_eq!(sha256(&[left, right]), sha256(&[whole]));
            }
        }
    }

    #[test]
    fn fresh_ids_have_the_form_of_version_four() {
        let entropy = Seeded::new(1);
        for _ in 0..100 {
            let text = ModelId::new(&entropy).to_string();
            assert_eq!(text.as_bytes()[14], b'4', "{text}");
            assert!(b"89ab".contains(&text.as_bytes()[19]), "{text}");
        }
    }

    #[test]
    fn upper_case_ids_are_read_and_written_lower() {
        let id: ModelId = "6F1D2C3E-4B5A-1987-8D6C-0123456789AB".parse().unwrap();
        assert_eq!(id.to_string(), "6f1d2c3e-4b5a-1987-8d6c-0123456789ab");
    }

    #[test]
    fn other_spellings_of_an_id_are_refused() {
        let spellings = [
            "",
            "6f1d2c3e4b5a49878d6c0123456789ab",
            "{6f1d2c3e-4b5a-4987-8d6c-0123456789ab}",
            " 6f1d2c3e-4b5a-4987-8d6c-0123456789a",
            "6f1d2c3e-4b5a-4987-8d6c-0123456789ag",
            "6f1d2c3e04b5a-4987-8d6c-0123456789ab",
            "6f1d2c3e-4b5a-4987-8d6c-0123456789é",
        ];
        for spelling in spellings {
            assert!(spelling.parse::<UserId>().is_err(), "{spelling}");
        }
    }

    #[test]
    fn a_session_id_shows_itself_only_when_asked() {
        let id = SessionId::new(&Seeded::new(3));
        let text = id.reveal();
        assert_eq!(text.len(), 32);
        assert_eq!(format!("{id:?}"), "SessionId(hidden)");
        assert_eq!(text.parse::<SessionId>().as_ref(), Ok(&id));
        assert!(text.to_uppercase().parse::<SessionId>().is_err());
        assert!(text[1..].parse::<SessionId>().is_err());
    }

    #[test]
    fn a_session_alias_differs_from_id_and_hash() {
        let id = SessionId::new(&Seeded::new(3));
        let alias = id.hash().alias();
        assert_ne!(alias.to_string(), id.reveal());
        assert!(!id.hash().to_string().contains(&alias.to_string()));
        assert_eq!(alias, id.hash().alias());
    }

    #[test]
    fn a_blob_is_named_by_its_sha256() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(BlobKey::of(b"abc").to_string(), expected);
        assert_eq!(expected.parse(), Ok(BlobKey::of(b"abc")));
    }

    proptest! {
        #[test]
        fn ids_survive_their_text(bytes: [u8; 16]) {
            let id = TicketId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            let alias = SessionAlias::from_bytes(bytes);
            prop_assert_eq!(alias.to_string().parse(), Ok(alias));
        }
    }
}
