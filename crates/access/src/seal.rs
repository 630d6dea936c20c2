//! Sealing: AES-256-GCM-SIV (RFC 8452), one key per purpose, derived from the master key by
//! HKDF-SHA-256 (RFC 5869).
//!
//! A sealed thing is `key id (1) | nonce (12) | ciphertext | tag (16)`. Purpose and format version
//! are associated data, so that nothing opens as something else. The key id only says which master
//! key to try; it need not be unique.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::limits::RETIRED_KEYS_MAX;
use crate::secret::MasterKey;

const FORMAT_VERSION: u8 = 1;
const KEY_BYTES: usize = 32;
/// Bytes of a fingerprint: no two keys of one operator share them by chance.
const FINGERPRINT_BYTES: usize = 8;
pub(crate) const NONCE_BYTES: usize = 12;
pub(crate) const TAG_BYTES: usize = 16;

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
    /// Tokens that we send to webhooks, at rest.
    WebhookToken,
    /// Parameters behind an editor token, at rest.
    EditorToken,
    /// Parameters behind an editor session, at rest.
    EditorSession,
    /// The address at which an editor page may be loaded again.
    EditorFrame,
    /// Secrets of authenticator programs, at rest.
    SecondFactor,
    /// Links by which a model is seen without a sign-in.
    ModelLink,
    /// Parameters behind a script job, at rest.
    ScriptJob,
    /// Sign-ins at a provider that are under way, in the cookie of the browser that began them.
    ProviderSignIn,
    /// What authenticators are asked to sign.
    PasskeyChallenge,
}

impl Purpose {
    const ALL: [Self; 14] = [
        Self::Ticket,
        Self::AssetLink,
        Self::UploadLink,
        Self::SigningKey,
        Self::EmbedNonce,
        Self::WebhookToken,
        Self::EditorToken,
        Self::EditorSession,
        Self::EditorFrame,
        Self::SecondFactor,
        Self::ModelLink,
        Self::ScriptJob,
        Self::ProviderSignIn,
        Self::PasskeyChallenge,
    ];

    const fn label(self) -> &'static [u8] {
        match self {
            Self::Ticket => b"vitrine seal ticket",
            Self::AssetLink => b"vitrine seal asset link",
            Self::UploadLink => b"vitrine seal upload link",
            Self::SigningKey => b"vitrine seal signing key",
            Self::EmbedNonce => b"vitrine seal embed nonce",
            Self::WebhookToken => b"vitrine seal webhook token",
            Self::EditorToken => b"vitrine seal editor token",
            Self::EditorSession => b"vitrine seal editor session",
            Self::EditorFrame => b"vitrine seal editor frame",
            Self::SecondFactor => b"vitrine seal second factor",
            Self::ModelLink => b"vitrine seal model link",
            Self::ScriptJob => b"vitrine seal script job",
            Self::ProviderSignIn => b"vitrine seal provider sign-in",
            Self::PasskeyChallenge => b"vitrine seal passkey challenge",
        }
    }

    fn aad(self) -> Aad<Vec<u8>> {
        let mut bytes = self.label().to_vec();
        bytes.push(FORMAT_VERSION);
        Aad::from(bytes)
    }
}

/// A sealed thing that does not open: not ours, for another purpose, cut or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it was not sealed by this server, or has been changed since")]
pub struct SealError;

struct KeyRing {
    id: u8,
    fingerprint: String,
    keys: [LessSafeKey; Purpose::ALL.len()],
}

/// Seals with the current master key; opens with it and with retired ones.
pub struct Sealer {
    current: KeyRing,
    retired: Vec<KeyRing>,
}

impl Sealer {
    /// From the master key.
    ///
    /// # Panics
    /// Never: the derived keys have the length that the cipher wants.
    #[must_use]
    pub fn new(key: &MasterKey) -> Self {
        Self {
            current: KeyRing::derive(key),
            retired: Vec::new(),
        }
    }

    /// From the current master key and retired ones that still open; of these at most
    /// [`RETIRED_KEYS_MAX`] count, the first ones.
    #[must_use]
    pub fn with_retired(key: &MasterKey, retired: &[MasterKey]) -> Self {
        let retired = retired
            .iter()
            .take(RETIRED_KEYS_MAX)
            .map(KeyRing::derive)
            .collect();
        Self {
            current: KeyRing::derive(key),
            retired,
        }
    }

    /// Seals `plaintext`. The nonce is random, or derived from an id that is sealed only once; the
    /// cipher bears a repeated nonce without giving up its key or the plaintext.
    ///
    /// # Panics
    /// Never: the cipher fails only on plaintexts of 2^36 bytes, which no caller holds.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, plaintext: &[u8], nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
        let mut body = plaintext.to_vec();
        let sealed = self.current.key(purpose).seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            purpose.aad(),
            &mut body,
        );
        assert!(
            sealed.is_ok(),
            "sealing cannot fail for plaintexts that fit into memory"
        );
        let mut out = Vec::with_capacity(1 + NONCE_BYTES + body.len());
        out.push(self.current.id);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&body);
        out
    }

    /// Names of the master keys that give nothing away: the current one first, then the retired ones.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<String> {
        std::iter::once(&self.current)
            .chain(&self.retired)
            .map(|ring| ring.fingerprint.clone())
            .collect()
    }

    /// What only a retired master key opens, sealed with the current one; `None` for what the current
    /// one opens, and for what none does.
    #[must_use]
    pub fn renewed(
        &self,
        purpose: Purpose,
        sealed: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Option<Vec<u8>> {
        let (_, rest) = sealed.split_first()?;
        let (sealed_with, body) = rest.split_first_chunk::<NONCE_BYTES>()?;
        if body.len() >= TAG_BYTES && self.current.open(purpose, *sealed_with, body).is_some() {
            return None;
        }
        let opened = Zeroizing::new(self.open(purpose, sealed).ok()?);
        Some(self.seal(purpose, &opened, nonce))
    }

    /// Opens what [`Self::seal`] made for the same purpose.
    ///
    /// # Errors
    /// When it was not sealed for this purpose by one of our keys, or differs in any bit.
    pub fn open(&self, purpose: Purpose, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (&id, rest) = sealed.split_first().ok_or(SealError)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError)?;
        if body.len() < TAG_BYTES {
            return Err(SealError);
        }
        std::iter::once(&self.current)
            .chain(&self.retired)
            .filter(|ring| ring.id == id)
            .find_map(|ring| ring.open(purpose, *nonce, body))
            .ok_or(SealError)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(hidden)")
    }
}

impl KeyRing {
    fn derive(master: &MasterKey) -> Self {
        let prk = Salt::new(HKDF_SHA256, b"vitrine master key v1").extract(master.expose());
        let mut id = [0; 1];
        expand(&prk, b"vitrine seal key id", &mut id);
        let mut fingerprint = [0; FINGERPRINT_BYTES];
        expand(&prk, b"vitrine seal key fingerprint", &mut fingerprint);
        let keys = Purpose::ALL.map(|purpose| {
            let mut bytes = Zeroizing::new([0; KEY_BYTES]);
            expand(&prk, purpose.label(), bytes.as_mut());
            let key = UnboundKey::new(&AES_256_GCM_SIV, bytes.as_ref());
            LessSafeKey::new(key.expect("32 bytes are a key of AES-256"))
        });
        Self {
            id: id[0],
            fingerprint: hex::encode(fingerprint),
            keys,
        }
    }

    fn key(&self, purpose: Purpose) -> &LessSafeKey {
        &self.keys[purpose as usize]
    }

    fn open(&self, purpose: Purpose, nonce: [u8; NONCE_BYTES], body: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let length = self
            .key(purpose)
            .open_in_place(nonce, purpose.aad(), &mut bytes)
            .ok()?
            .len();
        bytes.truncate(length);
        Some(bytes)
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand(prk: &Prk, label: &[u8], out: &mut [u8]) {
    let filled = prk
        .expand(&[label], Length(out.len()))
        .and_then(|okm| okm.fill(out));
    assert!(filled.is_ok(), "HKDF-SHA-256 gives up to 8,160 bytes");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::Seeded;
    use proptest::prelude::*;

    fn key(seed: u64) -> MasterKey {
        MasterKey::generate(&Seeded::new(seed))
    }

    #[test]
    fn purposes_stand_in_the_order_of_their_keys() {
        for (index, purpose) in Purpose::ALL.into_iter().enumerate() {
            assert_eq!(purpose as usize, index);
        }
    }

    #[test]
    fn nothing_opens_for_another_purpose_or_with_another_master_key() {
        let ours = Sealer::new(&key(1));
        let stranger = Sealer::new(&key(2));
        for sealed_for in Purpose::ALL {
            let sealed = ours.seal(sealed_for, b"secret", [7; 12]);
            for opened_for in Purpose::ALL {
                let opened = ours.open(opened_for, &sealed);
                assert_eq!(opened.is_ok(), sealed_for == opened_for);
            }
            let mut relabelled = sealed;
            relabelled[0] = stranger.current.id;
            assert_eq!(stranger.open(sealed_for, &relabelled), Err(SealError));
        }
    }

    #[test]
    fn a_retired_master_key_still_opens_but_no_longer_seals() {
        let old = Sealer::new(&key(1));
        let sealed = old.seal(Purpose::Ticket, b"old", [1; 12]);
        let both = Sealer::with_retired(&key(2), &[key(1)]);
        assert_eq!(
            both.open(Purpose::Ticket, &sealed).as_deref(),
            Ok(&b"old"[..])
        );
        let fresh = both.seal(Purpose::Ticket, b"new", [2; 12]);
        assert_eq!(old.open(Purpose::Ticket, &fresh), Err(SealError));
        assert_eq!(
            Sealer::new(&key(2)).open(Purpose::Ticket, &sealed),
            Err(SealError)
        );
    }

    #[test]
    fn what_hangs_on_a_retired_master_key_is_renewed_once() {
        let old = Sealer::new(&key(1)).seal(Purpose::SigningKey, b"key", [1; 12]);
        let both = Sealer::with_retired(&key(2), &[key(1)]);
        let renewed = both.renewed(Purpose::SigningKey, &old, [2; 12]).unwrap();
        let only_new = Sealer::new(&key(2));
        let opened = only_new.open(Purpose::SigningKey, &renewed);
        assert_eq!(opened.as_deref(), Ok(&b"key"[..]));
        assert_eq!(both.renewed(Purpose::SigningKey, &renewed, [3; 12]), None);
        assert_eq!(only_new.renewed(Purpose::SigningKey, &old, [3; 12]), None);
        assert_eq!(both.renewed(Purpose::Ticket, &old, [3; 12]), None);
        assert_eq!(both.fingerprints().len(), 2);
        assert_eq!(both.fingerprints()[0], only_new.fingerprints()[0]);
        assert_ne!(both.fingerprints()[0], both.fingerprints()[1]);
    }

    #[test]
    fn cut_things_are_refused_at_every_length() {
        let ours = Sealer::new(&key(1));
        let sealed = ours.seal(Purpose::AssetLink, b"abc", [3; 12]);
        for length in 0..sealed.len() {
            assert_eq!(
                ours.open(Purpose::AssetLink, &sealed[..length]),
                Err(SealError)
            );
        }
    }

    proptest! {
        // Few cases: each one tries every bit.
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_is_sealed_opens_and_any_flipped_bit_is_refused(
            plaintext in proptest::collection::vec(any::<u8>(), 0..64),
            nonce in any::<[u8; 12]>(),
        ) {
            let ours = Sealer::new(&key(9));
            let mut sealed = ours.seal(Purpose::SigningKey, &plaintext, nonce);
            prop_assert_eq!(ours.open(Purpose::SigningKey, &sealed), Ok(plaintext));
            for bit in 0..sealed.len() * 8 {
                sealed[bit / 8] ^= 1 << (bit % 8);
                prop_assert_eq!(ours.open(Purpose::SigningKey, &sealed), Err(SealError));
                sealed[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}
