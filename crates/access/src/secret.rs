//! Secrets as types: shown once, stored as a hash, silent in `Debug`, compared in constant time.

use std::fmt;
use std::marker::PhantomData;

use aws_lc_rs::constant_time;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::ids::{parse_lower_hex, sha256};
use crate::random::Entropy;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_CHARS: usize = 32;
const CHECKSUM_CHARS: usize = 6;
const PREFIX_CHARS: usize = 7;

/// A text that is no secret of the wanted kind. Never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SecretError {
    /// Wrong prefix, length or characters.
    #[error("this is not a key of the form {prefix}… with 38 letters and digits after the prefix")]
    Form {
        /// How such keys begin.
        prefix: &'static str,
    },
    /// The last six characters do not fit the others.
    #[error("the key's checksum is wrong; it was probably mistyped or cut off")]
    Checksum,
    /// No master key.
    #[error("the master key must be 64 lower-case hexadecimal digits")]
    MasterKeyForm,
}

mod sealed {
    pub trait Kind {
        const PREFIX: &'static str;
    }
}

/// Kind of the keys that accounts sign in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessKeyKind;

/// Kind of the keys that partners send as `x-api-key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartnerKeyKind;

/// Kind of the one secret that makes an installation's first administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetUpKind;

/// Kind of the codes that an application trades for tokens (RFC 6749, section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeKind;

/// Kind of the secrets in links that invite somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvitationKind;

impl sealed::Kind for SetUpKind {
    const PREFIX: &'static str = "vit_su_";
}

impl sealed::Kind for CodeKind {
    const PREFIX: &'static str = "vit_ac_";
}

impl sealed::Kind for InvitationKind {
    const PREFIX: &'static str = "vit_iv_";
}

impl sealed::Kind for AccessKeyKind {
    const PREFIX: &'static str = "vit_ak_";
}

impl sealed::Kind for PartnerKeyKind {
    const PREFIX: &'static str = "vit_pk_";
}

/// An API key: prefix, 32 random base62 characters (190 bits) and six of CRC-32, so that scanners
/// find leaked ones and typing errors are told from wrong keys without a look-up.
pub struct ApiKey<K> {
    text: Zeroizing<String>,
    kind: PhantomData<K>,
}

impl<K: sealed::Kind> ApiKey<K> {
    /// A fresh key.
    #[must_use]
    pub fn new(entropy: &dyn Entropy) -> Self {
        /// Bytes from here on are drawn again, so that all 62 characters are equally likely.
        const UNBIASED: u8 = 62 * 4;
        let mut text = Zeroizing::new(String::with_capacity(
            PREFIX_CHARS + RANDOM_CHARS + CHECKSUM_CHARS,
        ));
        text.push_str(K::PREFIX);
        while text.len() < PREFIX_CHARS + RANDOM_CHARS {
            let mut bytes = Zeroizing::new([0; RANDOM_CHARS]);
            entropy.fill(bytes.as_mut());
            let wanted = PREFIX_CHARS + RANDOM_CHARS - text.len();
            for byte in bytes.iter().filter(|byte| **byte < UNBIASED).take(wanted) {
                text.push(char::from(BASE62[usize::from(byte % 62)]));
            }
        }
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self {
            text,
            kind: PhantomData,
        }
    }

    /// Reads a key and checks its checksum.
    ///
    /// # Errors
    /// When the form or the checksum is wrong.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let form = SecretError::Form { prefix: K::PREFIX };
        let body = text.strip_prefix(K::PREFIX).ok_or(form)?;
        let plain = body.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if body.len() != RANDOM_CHARS + CHECKSUM_CHARS || !plain {
            return Err(form);
        }
        let (signed, given) = text.split_at(PREFIX_CHARS + RANDOM_CHARS);
        if checksum(signed) != given {
            return Err(SecretError::Checksum);
        }
        Ok(Self {
            text: Zeroizing::new(text.to_owned()),
            kind: PhantomData,
        })
    }

    /// The key's text, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What may be stored.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash(sha256(&[self.text.as_bytes()]))
    }

    /// The last four characters, for people to tell keys apart.
    #[must_use]
    pub fn last_four(&self) -> String {
        self.text[self.text.len() - 4..].to_owned()
    }
}

impl<K> fmt::Debug for ApiKey<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// A code that stands in for a second factor once: 20 letters and digits in groups, 100 random bits.
pub struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    const ALPHABET: &'static [u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    const CHARS: usize = 20;
    const GROUP: usize = 5;

    /// A fresh code.
    #[must_use]
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; Self::CHARS]);
        entropy.fill(bytes.as_mut());
        let chars = bytes
            .iter()
            .map(|byte| char::from(Self::ALPHABET[usize::from(byte % 32)]));
        Self(Zeroizing::new(chars.collect()))
    }

    /// Reads a code as people type it: in capitals, with dashes and blanks.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // A whole code with its dashes has 23 characters.
        if text.len() > 2 * Self::CHARS {
            return None;
        }
        let plain: String = text
            .chars()
            .filter(|c| !matches!(c, '-' | ' '))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let known = plain.bytes().all(|byte| Self::ALPHABET.contains(&byte));
        (plain.len() == Self::CHARS && known).then(|| Self(Zeroizing::new(plain)))
    }

    /// The code in groups, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> String {
        let groups: Vec<&str> = (0..Self::CHARS / Self::GROUP)
            .map(|group| &self.0[group * Self::GROUP..(group + 1) * Self::GROUP])
            .collect();
        groups.join("-")
    }

    /// What may be stored.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash(sha256(&[b"recovery code ", self.0.as_bytes()]))
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(hidden)")
    }
}

fn checksum(text: &str) -> String {
    let mut rest = crc32(text.as_bytes());
    let mut out = [b'0'; CHECKSUM_CHARS];
    for place in out.iter_mut().rev() {
        *place = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    out.iter().copied().map(char::from).collect()
}

/// CRC-32 of ISO-HDLC (the one of zip and Ethernet), bit by bit: keys are short.
fn crc32(bytes: &[u8]) -> u32 {
    const REVERSED_POLYNOMIAL: u32 = 0xedb8_8320;
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ REVERSED_POLYNOMIAL
            } else {
                crc >> 1
            }
        })
    })
}

/// SHA-256 of a random secret. Compares in constant time.
#[derive(Copy, Clone)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From the raw bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(hidden)")
    }
}

/// The key from which all sealing keys are derived.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// A fresh key.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        Self(bytes)
    }

    /// Reads 64 lower-case hexadecimal digits; space around them is ignored, since files end with a
    /// line break.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn from_text(text: &str) -> Result<Self, SecretError> {
        parse_lower_hex(text.trim())
            .map(Self)
            .ok_or(SecretError::MasterKeyForm)
    }

    /// 64 lower-case hexadecimal digits, to be written to the key file.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0))
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::Seeded;
    use proptest::prelude::*;

    #[test]
    fn the_checksum_is_the_well_known_crc32() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn keys_carry_their_prefix_and_forty_five_characters() {
        let key = ApiKey::<AccessKeyKind>::new(&Seeded::new(1));
        assert!(key.reveal().starts_with("vit_ak_"));
        assert_eq!(key.reveal().len(), 45);
        assert!(key.reveal().ends_with(&key.last_four()));
        assert_eq!(
            format!("{key:?} {:?}", key.hash()),
            "ApiKey(hidden) SecretHash(hidden)"
        );
        let partner = ApiKey::<PartnerKeyKind>::new(&Seeded::new(1));
        assert!(partner.reveal().starts_with("vit_pk_"));
        assert!(ApiKey::<AccessKeyKind>::parse(partner.reveal()).is_err());
    }

    #[test]
    fn a_mistyped_key_is_told_from_a_wrong_one() {
        let key = ApiKey::<AccessKeyKind>::new(&Seeded::new(1));
        let text = key.reveal();
        for index in PREFIX_CHARS..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[index] = if bytes[index] == b'x' { b'y' } else { b'x' };
            let mistyped = String::from_utf8(bytes).unwrap();
            let parsed = ApiKey::<AccessKeyKind>::parse(&mistyped);
            assert_eq!(parsed.err(), Some(SecretError::Checksum), "{mistyped}");
        }
        for text in [
            "",
            "vit_ak_",
            &text[..44],
            &format!("{text}0"),
            &format!("{text} "),
        ] {
            let parsed = ApiKey::<AccessKeyKind>::parse(text);
            assert!(matches!(parsed, Err(SecretError::Form { .. })), "{text}");
        }
    }

    #[test]
    fn the_master_key_survives_its_text_and_hides_in_debug() {
        let key = MasterKey::generate(&Seeded::new(4));
        let text = key.to_text();
        let read = MasterKey::from_text(&format!("{}\n", text.as_str())).unwrap();
        assert_eq!(read.expose(), key.expose());
        assert_eq!(format!("{key:?}"), "MasterKey(hidden)");
        assert!(MasterKey::from_text(&text.to_uppercase()).is_err());
        assert!(MasterKey::from_text(&text[2..]).is_err());
    }

    proptest! {
        #[test]
        fn fresh_keys_parse_and_hash_alike(seed: u32) {
            let key = ApiKey::<PartnerKeyKind>::new(&Seeded::new(u64::from(seed)));
            let parsed = ApiKey::<PartnerKeyKind>::parse(key.reveal()).unwrap();
            prop_assert_eq!(parsed.hash(), key.hash());
        }
    }

    #[test]
    fn a_recovery_code_is_read_as_people_type_it_and_hides_in_debug() {
        let code = RecoveryCode::new(&Seeded::new(5));
        let shown = code.reveal();
        assert_eq!(shown.len(), 23);
        for typed in [
            shown.clone(),
            shown.to_uppercase(),
            shown.replace('-', " "),
            shown.replace('-', ""),
        ] {
            assert_eq!(RecoveryCode::parse(&typed).unwrap().hash(), code.hash());
        }
        for wrong in [
            "",
            &shown[1..],
            &format!("{shown}a"),
            &shown.replace('-', "l"),
        ] {
            assert!(RecoveryCode::parse(wrong).is_none(), "{wrong}");
        }
        assert_eq!(format!("{code:?}"), "RecoveryCode(hidden)");
    }
}
