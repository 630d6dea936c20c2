//! Passkeys (Web Authentication Level 3): what an authenticator signs, held against what was asked.
//!
//! Attestation is not asked for: which make of authenticator somebody uses is theirs to choose. What
//! counts is a key that was made for this server, and a person who was there and unlocked it.

use std::fmt;

use aws_lc_rs::constant_time;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coset::iana::{self, EnumI64 as _};
use coset::{CborSerializable as _, CoseKey, Label, RegisteredLabelWithPrivate, cbor};
use serde_json::Value;
use thiserror::Error;

use crate::ids::{TokenId, UserId, sha256};
use crate::jwt::parse_object;
use crate::limits::{
    LINK_CHARS_MAX, PASSKEY_CLIENT_DATA_BYTES_MAX, PASSKEY_CREDENTIAL_BYTES_MAX,
    PASSKEY_DATA_BYTES_MAX, PASSKEY_TTL,
};
use crate::random::{self, Entropy};
use crate::seal::{Purpose, Sealer};
use crate::time::Timestamp;
use crate::wire::{Reader, Writer};

const SIGNING_IN: u8 = 1;
const ADDING: u8 = 2;
/// Flags of authenticator data (section 6.1): somebody was there, it was unlocked, and a key stands in it.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const KEY_INCLUDED: u8 = 0x40;
const EXTENSIONS_INCLUDED: u8 = 0x80;
const COORDINATE_BYTES: usize = 32;

/// Why a passkey is refused, for the log. People are told that it does not fit, whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasskeyError {
    /// Longer than authenticators write.
    #[error("a part of it is too long")]
    TooLong,
    /// The client data is no plain JSON of the right kind.
    #[error("its client data has another form")]
    ClientData,
    /// For something else: a registration for a sign-in, or the other way round.
    #[error("it was made for another ceremony")]
    Ceremony,
    /// The page that asked was another one, or stood in a frame.
    #[error("it was made on a page of another origin")]
    Origin,
    /// The challenge is not ours, over, or for somebody else.
    #[error("its challenge is not one that was asked here and now")]
    Challenge,
    /// The authenticator data is cut or has something left over.
    #[error("its authenticator data has another form")]
    Data,
    /// Made for another server.
    #[error("it was made for another server")]
    RelyingParty,
    /// Nobody unlocked the authenticator.
    #[error("nobody has unlocked the authenticator")]
    Unverified,
    /// The key is of a kind that was not asked for.
    #[error("its key is of a kind that was not asked for")]
    Key,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// Its counter went back: there is a copy of it.
    #[error("its counter went back, so that there may be a copy of it")]
    Counter,
}

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyPurpose {
    /// Whoever has a passkey signs in.
    SignIn,
    /// This user adds one, in this sign-in.
    Add(UserId, TokenId),
}

/// What an authenticator is asked to sign. It says itself, sealed, what it is for and how long it is good,
/// so that nothing is kept of those that nobody answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasskeyChallenge {
    /// Good for one use.
    pub id: TokenId,
    /// What for.
    pub purpose: PasskeyPurpose,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

impl PasskeyChallenge {
    /// A fresh one.
    #[must_use]
    pub fn new(purpose: PasskeyPurpose, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            id: TokenId::new(entropy),
            purpose,
            expires_at: now.plus(PASSKEY_TTL),
        }
    }

    /// The text that authenticators sign, in base64url.
    #[must_use]
    pub fn seal(&self, sealer: &Sealer, entropy: &dyn Entropy) -> String {
        let mut out = Writer::default();
        out.raw(self.id.as_bytes()).i64(self.expires_at.unix_ms());
        match self.purpose {
            PasskeyPurpose::SignIn => out.u8(SIGNING_IN),
            PasskeyPurpose::Add(user, sign_in) => {
                out.u8(ADDING).raw(user.as_bytes()).raw(sign_in.as_bytes())
            }
        };
        let bytes = out.finish();
        let nonce = random::bytes(entropy);
        URL_SAFE_NO_PAD.encode(sealer.seal(Purpose::PasskeyChallenge, &bytes, nonce))
    }

    /// Opens what [`Self::seal`] made, unless its time is over.
    #[must_use]
    pub fn open(sealer: &Sealer, text: &str, now: Timestamp) -> Option<Self> {
        if text.len() > LINK_CHARS_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let bytes = sealer.open(Purpose::PasskeyChallenge, &bytes).ok()?;
        let mut input = Reader::new(&bytes);
        let id = TokenId::from_bytes(input.array()?);
        let expires_at = Timestamp::from_unix_ms(input.i64()?);
        let purpose = match input.u8()? {
            SIGNING_IN => PasskeyPurpose::SignIn,
            ADDING => {
                let user = UserId::from_bytes(input.array()?);
                PasskeyPurpose::Add(user, TokenId::from_bytes(input.array()?))
            }
            _ => return None,
        };
        input.end()?;
        let open = Self {
            id,
            purpose,
            expires_at,
        };
        Some(open).filter(|open| now < open.expires_at)
    }
}

/// For whom passkeys are made here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    /// The host of the public address.
    pub id: String,
    /// The origin of its pages, as browsers write it.
    pub origin: String,
}

/// What the browser says of a ceremony.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientData {
    /// The challenge, in base64url; still to be opened.
    pub challenge: String,
    hash: [u8; 32],
}

impl ClientData {
    /// Reads the client data of a registration or a sign-in on a page of ours.
    ///
    /// # Errors
    /// `TooLong`, `ClientData`, `Ceremony`, `Origin`.
    pub fn read(json: &[u8], adds: Ceremony, party: &RelyingParty) -> Result<Self, PasskeyError> {
        if json.len() > PASSKEY_CLIENT_DATA_BYTES_MAX {
            return Err(PasskeyError::TooLong);
        }
        let members = parse_object(json).map_err(|_| PasskeyError::ClientData)?;
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        if text("type") != Some(adds.word()) {
            return Err(PasskeyError::Ceremony);
        }
        let framed = members
            .get("crossOrigin")
            .is_some_and(|on| *on != Value::Bool(false));
        if text("origin") != Some(&party.origin) || framed || members.contains_key("topOrigin") {
            return Err(PasskeyError::Origin);
        }
        Ok(Self {
            challenge: text("challenge")
                .ok_or(PasskeyError::ClientData)?
                .to_owned(),
            hash: sha256(&[json]),
        })
    }
}

/// The two ceremonies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceremony {
    /// A key is made.
    Add,
    /// A key signs.
    SignIn,
}

impl Ceremony {
    const fn word(self) -> &'static str {
        match self {
            Self::Add => "webauthn.create",
            Self::SignIn => "webauthn.get",
        }
    }
}

/// A passkey that was made for this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPasskey {
    /// The authenticator's id of it.
    pub credential: Vec<u8>,
    /// The public key, in COSE's form.
    pub key: PasskeyKey,
    /// How often it has signed, as far as it counts.
    pub counter: u32,
}

impl NewPasskey {
    /// Reads the authenticator data of a registration.
    ///
    /// # Errors
    /// `TooLong`, `Data`, `RelyingParty`, `Unverified`, `Key`.
    pub fn read(data: &[u8], party: &RelyingParty) -> Result<Self, PasskeyError> {
        let (flags, counter, rest) = head(data, party)?;
        if flags & KEY_INCLUDED == 0 {
            return Err(PasskeyError::Data);
        }
        // 16 bytes say which make of authenticator it is.
        let (_, rest) = rest.split_at_checked(16).ok_or(PasskeyError::Data)?;
        let (length, rest) = rest.split_first_chunk().ok_or(PasskeyError::Data)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if !(1..=PASSKEY_CREDENTIAL_BYTES_MAX).contains(&length) {
            return Err(PasskeyError::TooLong);
        }
        let (credential, key) = rest.split_at_checked(length).ok_or(PasskeyError::Data)?;
        // What extensions say follows the key without a length, and none were asked for.
        if flags & EXTENSIONS_INCLUDED != 0 {
            return Err(PasskeyError::Data);
        }
        Ok(Self {
            credential: credential.to_vec(),
            key: PasskeyKey::from_cose(key)?,
            counter,
        })
    }
}

/// The public key of a passkey.
#[derive(Clone, PartialEq, Eq)]
pub struct PasskeyKey(Vec<u8>);

impl fmt::Debug for PasskeyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasskeyKey")
    }
}

impl PasskeyKey {
    /// From the form in which authenticators write it and we store it.
    ///
    /// # Errors
    /// `Key` when it is of no kind that was asked for.
    pub fn from_cose(bytes: &[u8]) -> Result<Self, PasskeyError> {
        let key = Self(bytes.to_vec());
        key.parsed()?;
        Ok(key)
    }

    /// The stored form.
    #[must_use]
    pub fn as_cose(&self) -> &[u8] {
        &self.0
    }

    fn parsed(&self) -> Result<ParsedPublicKey, PasskeyError> {
        let wrong = |_| PasskeyError::Key;
        let key = CoseKey::from_slice(&self.0).map_err(|_| PasskeyError::Key)?;
        let bytes = |label: i64| {
            let found = key
                .params
                .iter()
                .find(|(name, _)| *name == Label::Int(label));
            let value = found.and_then(|(_, value)| value.as_bytes());
            value.map(Vec::as_slice).ok_or(PasskeyError::Key)
        };
        let coordinate = |label: i64| {
            let found = bytes(label)?;
            let fits = found.len() == COORDINATE_BYTES;
            fits.then_some(found).ok_or(PasskeyError::Key)
        };
        let curve = |label: i64, wanted: iana::EllipticCurve| {
            let value = cbor::Value::from(wanted.to_i64());
            let on = |(name, found): &(Label, cbor::Value)| {
                *name == Label::Int(label) && *found == value
            };
            key.params
                .iter()
                .any(on)
                .then_some(())
                .ok_or(PasskeyError::Key)
        };
        let Some(RegisteredLabelWithPrivate::Assigned(algorithm)) = key.alg else {
            return Err(PasskeyError::Key);
        };
        match (algorithm, key.kty) {
            (iana::Algorithm::ES256, coset::KeyType::Assigned(iana::KeyType::EC2)) => {
                curve(-1, iana::EllipticCurve::P_256)?;
                let point = [&[4], coordinate(-2)?, coordinate(-3)?].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).map_err(wrong)
            }
            (iana::Algorithm::EdDSA, coset::KeyType::Assigned(iana::KeyType::OKP)) => {
                curve(-1, iana::EllipticCurve::Ed25519)?;
                ParsedPublicKey::new(&ED25519, coordinate(-2)?).map_err(wrong)
            }
            (iana::Algorithm::RS256, coset::KeyType::Assigned(iana::KeyType::RSA)) => {
                let (n, e) = (bytes(-1)?, bytes(-2)?);
                RsaPublicKeyComponents { n, e }
                    .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
                    .map_err(|_| PasskeyError::Key)
            }
            _ => Err(PasskeyError::Key),
        }
    }

    /// Checks what the key has signed: that it was for this server, that somebody unlocked it, and that its
    /// counter has not gone back. The counter as it is now.
    ///
    /// # Errors
    /// `TooLong`, `Data`, `RelyingParty`, `Unverified`, `Signature`, `Counter`.
    pub fn verify(
        &self,
        data: &[u8],
        signature: &[u8],
        client: &ClientData,
        party: &RelyingParty,
        known: u32,
    ) -> Result<u32, PasskeyError> {
        let (flags, counter, rest) = head(data, party)?;
        if flags & (KEY_INCLUDED | EXTENSIONS_INCLUDED) != 0 || !rest.is_empty() {
            return Err(PasskeyError::Data);
        }
        let signed = [data, &client.hash].concat();
        self.parsed()?
            .verify_sig(&signed, signature)
            .map_err(|_| PasskeyError::Signature)?;
        // Section 7.2, step 21: those that do not count say zero for ever.
        if (counter != 0 || known != 0) && counter <= known {
            return Err(PasskeyError::Counter);
        }
        Ok(counter)
    }
}

/// The fixed part of authenticator data: flags, counter, and what follows.
fn head<'a>(data: &'a [u8], party: &RelyingParty) -> Result<(u8, u32, &'a [u8]), PasskeyError> {
    if data.len() > PASSKEY_DATA_BYTES_MAX {
        return Err(PasskeyError::TooLong);
    }
    let (hash, rest) = data.split_first_chunk::<32>().ok_or(PasskeyError::Data)?;
    let (&flags, rest) = rest.split_first().ok_or(PasskeyError::Data)?;
    let (counter, rest) = rest.split_first_chunk().ok_or(PasskeyError::Data)?;
    let own = sha256(&[party.id.as_bytes()]);
    constant_time::verify_slices_are_equal(hash, &own).map_err(|_| PasskeyError::RelyingParty)?;
    if flags & (PRESENT | VERIFIED) != PRESENT | VERIFIED {
        return Err(PasskeyError::Unverified);
    }
    Ok((flags, u32::from_be_bytes(*counter), rest))
}
