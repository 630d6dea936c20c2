//! JSON Web Tokens.
use crate::grant::{Grant, Subject};
use crate::ids::TokenId;
use crate::time::Timestamp;
use thiserror::Error;

/// Signature algorithms.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}
/// A private key.
pub struct SigningKey(());
/// A public key.
#[derive(Clone)]
pub struct VerifyingKey(());
/// A set of public keys.
#[derive(Clone, Default)]
pub struct KeySet(Vec<VerifyingKey>);
/// The header members that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwsHeader {
    /// Algorithm.
    pub algorithm: Algorithm,
    /// Key id.
    pub kid: Option<String>,
    /// Media type.
    pub typ: Option<String>,
}
/// A JWS whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedJws {
    /// Header.
    pub header: JwsHeader,
    /// Payload.
    pub payload: Vec<u8>,
}
/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("todo")]
pub struct JwtError;
/// What a token must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Issuer.
    pub issuer: String,
    /// Audience.
    pub audience: String,
}
/// An access token's claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// `jti`.
    pub id: TokenId,
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// `sub` and `sub_type`.
    pub subject: Subject,
    /// `scope`.
    pub scopes: Vec<String>,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `nbf`.
    pub not_before: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
}
impl SigningKey {
    /// Fresh.
    ///
    /// # Errors
    /// See type.
    pub fn generate(_algorithm: Algorithm) -> Result<Self, JwtError> {
        todo!()
    }
    /// From storage.
    ///
    /// # Errors
    /// See type.
    pub fn from_pkcs8(_algorithm: Algorithm, _pkcs8: &[u8]) -> Result<Self, JwtError> {
        todo!()
    }
    /// For sealed storage.
    ///
    /// # Errors
    /// See type.
    pub fn to_pkcs8(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, JwtError> {
        todo!()
    }
    /// Thumbprint.
    #[must_use]
    pub fn kid(&self) -> &str {
        todo!()
    }
    /// Algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        todo!()
    }
    /// Public half.
    #[must_use]
    pub fn public(&self) -> VerifyingKey {
        todo!()
    }
}
impl VerifyingKey {
    /// From a JWK.
    ///
    /// # Errors
    /// See type.
    pub fn from_jwk(_jwk: &serde_json::Value) -> Result<Self, JwtError> {
        todo!()
    }
    /// To a JWK.
    #[must_use]
    pub fn to_jwk(&self) -> serde_json::Value {
        todo!()
    }
    /// Key id.
    #[must_use]
    pub fn kid(&self) -> &str {
        todo!()
    }
    /// Algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        todo!()
    }
}
impl KeySet {
    /// From keys.
    #[must_use]
    pub fn new(keys: Vec<VerifyingKey>) -> Self {
        Self(keys)
    }
    /// By key id.
    #[must_use]
    pub fn find(&self, _kid: &str) -> Option<&VerifyingKey> {
        todo!()
    }
    /// All keys.
    pub fn iter(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.0.iter()
    }
}
/// Verifies.
///
/// # Errors
/// See type.
pub fn verify_jws(_keys: &KeySet, _compact: &str) -> Result<VerifiedJws, JwtError> {
    todo!()
}
impl AccessToken {
    /// Signs.
    ///
    /// # Errors
    /// See type.
    pub fn sign(&self, _key: &SigningKey) -> Result<String, JwtError> {
        todo!()
    }
    /// Verifies.
    ///
    /// # Errors
    /// See type.
    pub fn verify(
        _keys: &KeySet,
        _compact: &str,
        _expected: &Expected,
        _now: Timestamp,
    ) -> Result<Self, JwtError> {
        todo!()
    }
    /// The grant.
    #[must_use]
    pub fn grant(&self) -> Grant {
        todo!()
    }
}
