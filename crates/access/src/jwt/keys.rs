//! Signing and verifying keys, their JWK form (RFC 7517) and their thumbprints (RFC 7638).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::strict::{decode_base64url, encode_base64url, parse_object};
use super::{Algorithm, JwtError, roca};
use crate::ids::{IssuerKey, sha256};
use crate::limits::{KEYS_MAX, KID_BYTES_MAX, RSA_BITS_MAX, RSA_BITS_MIN};

const COORDINATE_BYTES: usize = 32;
/// First byte of an uncompressed point, SEC 1 section 2.3.3.
const UNCOMPRESSED: u8 = 4;
/// JWK members that belong to private or symmetric keys (RFC 7518 section 6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A private key. `Debug` shows its id only.
pub struct SigningKey {
    pair: Pair,
    public: VerifyingKey,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// A fresh key from the crypto library's own random generator; RSA keys have 2048 bits.
    ///
    /// # Errors
    /// [`JwtError::Signing`] when the library cannot.
    pub fn generate(algorithm: Algorithm) -> Result<Self, JwtError> {
        let pair = match algorithm {
            Algorithm::Es256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::Ecdsa)
            }
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(Pair::Ed25519),
            Algorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
        };
        Self::from_pair(pair.map_err(|_| JwtError::Signing)?)
    }

    /// From PKCS #8, as it was stored (sealed).
    ///
    /// # Errors
    /// [`JwtError::Key`] when the bytes are no key for this algorithm.
    pub fn from_pkcs8(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, JwtError> {
        let pair = match algorithm {
            Algorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map(Pair::Ecdsa)
            }
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).map(Pair::Ed25519),
            Algorithm::Rs256 => RsaKeyPair::from_pkcs8(pkcs8).map(Pair::Rsa),
        };
        Self::from_pair(pair.map_err(|_| JwtError::key("it is no private key of its algorithm"))?)
    }

    /// PKCS #8, to be sealed and stored.
    ///
    /// # Errors
    /// [`JwtError::Signing`] when the library cannot.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, JwtError> {
        let bytes = match &self.pair {
            Pair::Ecdsa(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Pair::Ed25519(pair) => pair.to_pkcs8().map(|der| der.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map(|der| der.as_ref().to_vec())
            }
        };
        bytes.map(Zeroizing::new).map_err(|_| JwtError::Signing)
    }

    /// The key's id: its RFC 7638 thumbprint.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    /// The algorithm that the key is for.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.public.algorithm()
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> VerifyingKey {
        self.public.clone()
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, JwtError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&random, message).map(|s| s.as_ref().to_vec()),
            Pair::Ed25519(pair) => pair.try_sign(message).map(|s| s.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map(|()| signature)
            }
        }
        .map_err(|_| JwtError::Signing)
    }

    fn from_pair(pair: Pair) -> Result<Self, JwtError> {
        let material = match &pair {
            Pair::Ecdsa(pair) => Material::from_point(pair.public_key().as_ref())?,
            Pair::Ed25519(pair) => Material::Ed25519 {
                x: pair.public_key().as_ref().to_vec(),
            },
            Pair::Rsa(pair) => Material::from_pkcs1(pair.public_key().as_ref())?,
        };
        Ok(Self {
            pair,
            public: VerifyingKey::new(material, None)?,
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid())
    }
}

/// A public key, parsed once and bound to one algorithm.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: String,
    material: Material,
    parsed: Arc<ParsedPublicKey>,
}

#[derive(Clone, PartialEq, Eq)]
enum Material {
    P256 { x: Vec<u8>, y: Vec<u8> },
    Ed25519 { x: Vec<u8> },
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl VerifyingKey {
    /// From a JWK. Without `kid` the thumbprint is its id.
    ///
    /// # Errors
    /// [`JwtError::Key`] saying what is wrong: unknown type, an algorithm that does not fit, not
    /// for signatures, private members, a point off the curve, an RSA modulus or exponent that is
    /// too small or broken.
    pub fn from_jwk(jwk: &Value) -> Result<Self, JwtError> {
        let jwk = jwk
            .as_object()
            .ok_or(JwtError::key("it is no JSON object"))?;
        if PRIVATE_MEMBERS
            .iter()
            .any(|member| jwk.contains_key(*member))
        {
            return Err(JwtError::key(
                "it holds private members; publish the public key only",
            ));
        }
        let text = |member: &str| jwk.get(member).and_then(Value::as_str);
        if jwk.contains_key("use") && text("use") != Some("sig") {
            return Err(JwtError::key("it is not for signatures (use)"));
        }
        if let Some(operations) = jwk.get("key_ops") {
            let verify = |operations: &Vec<Value>| operations.iter().any(|op| op == "verify");
            if !operations.as_array().is_some_and(verify) {
                return Err(JwtError::key("it is not for verifying (key_ops)"));
            }
        }
        let bytes = |member: &'static str| {
            text(member)
                .and_then(|text| decode_base64url(text).ok())
                .ok_or(JwtError::key(
                    "a coordinate, modulus or exponent is missing or misspelt",
                ))
        };
        let material = match (text("kty"), text("crv")) {
            (Some("EC"), Some("P-256")) => Material::P256 {
                x: bytes("x")?,
                y: bytes("y")?,
            },
            (Some("OKP"), Some("Ed25519")) => Material::Ed25519 { x: bytes("x")? },
            (Some("RSA"), None) => Material::Rsa {
                n: bytes("n")?,
                e: bytes("e")?,
            },
            _ => return Err(JwtError::key("its type or curve is not supported")),
        };
        if jwk.contains_key("alg") && text("alg") != Some(material.algorithm().as_str()) {
            return Err(JwtError::key("its algorithm does not fit its type"));
        }
        let kid = match jwk.get("kid") {
            None => None,
            Some(kid) => match kid.as_str() {
                Some(kid) if (1..=KID_BYTES_MAX).contains(&kid.len()) => Some(kid.to_owned()),
                _ => return Err(JwtError::key("its kid is empty, too long or no text")),
            },
        };
        Self::new(material, kid)
    }

    /// The JWK, ready to be published.
    #[must_use]
    pub fn to_jwk(&self) -> Value {
        let mut jwk = self.material.to_jwk();
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.algorithm().as_str());
        jwk
    }

    /// The key's id.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm that the key verifies.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.material.algorithm()
    }

    /// What stands for this key of this issuer in whatever hangs on it. Another key under the same id is
    /// another one.
    #[must_use]
    pub fn of_issuer(&self, issuer: &str) -> IssuerKey {
        let thumbprint = self.material.thumbprint();
        let digest = sha256(&[
            b"vitrine issuer key v1",
            &(issuer.len() as u64).to_be_bytes(),
            issuer.as_bytes(),
            thumbprint.as_bytes(),
        ]);
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        IssuerKey::from_bytes(key)
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), JwtError> {
        self.parsed
            .verify_sig(message, signature)
            .map_err(|_| JwtError::Signature)
    }

    fn new(material: Material, kid: Option<String>) -> Result<Self, JwtError> {
        let parsed = Arc::new(material.parse()?);
        let kid = kid.unwrap_or_else(|| material.thumbprint());
        Ok(Self {
            kid,
            material,
            parsed,
        })
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "VerifyingKey({} {})",
            self.algorithm().as_str(),
            self.kid
        )
    }
}

impl Material {
    const fn algorithm(&self) -> Algorithm {
        match self {
            Self::P256 { .. } => Algorithm::Es256,
            Self::Ed25519 { .. } => Algorithm::EdDsa,
            Self::Rsa { .. } => Algorithm::Rs256,
        }
    }

    fn from_point(point: &[u8]) -> Result<Self, JwtError> {
        match point.split_first() {
            Some((&UNCOMPRESSED, coordinates)) if coordinates.len() == 2 * COORDINATE_BYTES => {
                let (x, y) = coordinates.split_at(COORDINATE_BYTES);
                Ok(Self::P256 {
                    x: x.to_vec(),
                    y: y.to_vec(),
                })
            }
            _ => Err(JwtError::key("it is no uncompressed point")),
        }
    }

    /// From `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` (RFC 8017
    /// appendix A.1.1).
    fn from_pkcs1(der: &[u8]) -> Result<Self, JwtError> {
        const SEQUENCE: u8 = 0x30;
        const INTEGER: u8 = 0x02;
        let integers = der_element(der, SEQUENCE).map(|(inner, _)| inner);
        let modulus = integers.and_then(|integers| der_element(integers, INTEGER));
        let parts = modulus.and_then(|(n, rest)| Some((n, der_element(rest, INTEGER)?.0)));
        let (n, e) = parts.ok_or(JwtError::key("it is no RSA public key"))?;
        let unsigned = |bytes: &[u8]| bytes.strip_prefix(&[0]).unwrap_or(bytes).to_vec();
        Ok(Self::Rsa {
            n: unsigned(n),
            e: unsigned(e),
        })
    }

    fn parse(&self) -> Result<ParsedPublicKey, JwtError> {
        match self {
            Self::P256 { x, y } => {
                if x.len() != COORDINATE_BYTES || y.len() != COORDINATE_BYTES {
                    return Err(JwtError::key("a coordinate has not 32 bytes"));
                }
                let point = [&[UNCOMPRESSED], x.as_slice(), y.as_slice()].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                    .map_err(|_| JwtError::key("its point is not on the curve"))
            }
            Self::Ed25519 { x } => {
                if x.len() != COORDINATE_BYTES {
                    return Err(JwtError::key("its point has not 32 bytes"));
                }
                ParsedPublicKey::new(&ED25519, x)
                    .map_err(|_| JwtError::key("its point is not on the curve"))
            }
            Self::Rsa { n, e } => {
                check_rsa(n, e)?;
                RsaPublicKeyComponents { n, e }
                    .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
                    .map_err(|_| JwtError::key("its modulus or exponent is refused"))
            }
        }
    }

    /// The members of RFC 7638 section 3.2, in the order in which they are hashed.
    fn to_jwk(&self) -> Value {
        match self {
            Self::P256 { x, y } => json!({
                "crv": "P-256", "kty": "EC", "x": encode_base64url(x), "y": encode_base64url(y),
            }),
            Self::Ed25519 { x } => json!({
                "crv": "Ed25519", "kty": "OKP", "x": encode_base64url(x),
            }),
            Self::Rsa { n, e } => json!({
                "e": encode_base64url(e), "kty": "RSA", "n": encode_base64url(n),
            }),
        }
    }

    fn thumbprint(&self) -> String {
        encode_base64url(&sha256(&[self.to_jwk().to_string().as_bytes()]))
    }
}

/// Size, no leading zero, an odd exponent of at least 3 and at most 4 bytes, and no modulus from
/// the generator that is known to be broken.
fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), JwtError> {
    let bits = match n.first() {
        None | Some(0) => return Err(JwtError::key("its modulus is empty or begins with zero")),
        Some(first) => n.len() * 8 - first.leading_zeros() as usize,
    };
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
        return Err(JwtError::key("its modulus has not 2048 to 8192 bits"));
    }
    let exponent = match e {
        [1..=u8::MAX, ..] if e.len() <= 4 => e.iter().fold(0, |e, b| e << 8 | u32::from(*b)),
        _ => {
            return Err(JwtError::key(
                "its exponent is empty, too long or begins with zero",
            ));
        }
    };
    if exponent < 3 || exponent % 2 == 0 {
        return Err(JwtError::key("its exponent is even or one"));
    }
    if roca::has_fingerprint(n) {
        return Err(JwtError::key(
            "its modulus comes from a broken generator (CVE-2017-15361)",
        ));
    }
    Ok(())
}

/// The content of a DER element with this tag, and what follows it.
fn der_element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        length = digits
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        rest = after;
    }
    if found == tag {
        rest.split_at_checked(length)
    } else {
        None
    }
}

/// Public keys by id.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Vec<VerifyingKey>);

impl KeySet {
    /// A set of these keys, of which the first [`KEYS_MAX`] count.
    #[must_use]
    pub fn new(mut keys: Vec<VerifyingKey>) -> Self {
        keys.truncate(KEYS_MAX);
        Self(keys)
    }

    /// From a published JSON Web Key Set (RFC 7517 section 5). Keys that we do not use (other
    /// algorithms, for encryption, too weak) are left out.
    ///
    /// # Errors
    /// [`JwtError::Json`] when it is no plain JSON, [`JwtError::Key`] when it has no list of keys or
    /// more than [`KEYS_MAX`].
    pub fn from_jwks(text: &[u8]) -> Result<Self, JwtError> {
        let set = parse_object(text)?;
        let keys = set.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or(JwtError::key("the set has no list of keys"))?;
        if keys.len() > KEYS_MAX {
            return Err(JwtError::key("the set has more than 64 keys"));
        }
        let usable = keys
            .iter()
            .filter_map(|jwk| VerifyingKey::from_jwk(jwk).ok());
        Ok(Self::new(usable.collect()))
    }

    /// The one key with this id; none when two different keys claim it.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        let mut matching = self.0.iter().filter(|key| key.kid == kid);
        let first = matching.next()?;
        matching
            .all(|other| other.material == first.material)
            .then_some(first)
    }

    /// All keys.
    pub fn iter(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.0.iter()
    }

    /// The JSON Web Key Set, ready to be published.
    #[must_use]
    pub fn to_jwks(&self) -> Value {
        json!({ "keys": self.0.iter().map(VerifyingKey::to_jwk).collect::<Vec<_>>() })
    }
}
