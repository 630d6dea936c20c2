//! JSON Web Signatures, keys and access tokens (RFC 7515, 7517, 7638, 8037, 9068): our own strict
//! decoding around the signature algorithms of aws-lc-rs, with keys parsed once.

#[cfg(test)]
mod attacks;
mod id_token;
mod jws;
mod keys;
mod platform;
mod roca;
mod strict;
#[cfg(test)]
mod tests;
mod token;
#[cfg(test)]
mod vectors;

use thiserror::Error;

use crate::refusal::{Refusal, RefusalKind};

pub use id_token::{ExpectedId, IdToken};
pub use jws::{JwsHeader, VerifiedJws, verify_jws};
pub use keys::{KeySet, SigningKey, VerifyingKey};
pub use platform::{PLATFORM_AUDIENCE, PlatformToken, PlatformUse};
pub(crate) use strict::parse_object;
pub use token::{AccessToken, Expected, claimed_issuer};

/// Signature algorithms. Each key is for exactly one.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256, the default.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl Algorithm {
    const ALL: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];

    /// The name in headers, keys and storage (RFC 7518, RFC 8037).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }
}

impl std::str::FromStr for Algorithm {
    type Err = JwtError;

    fn from_str(name: &str) -> Result<Self, JwtError> {
        Self::ALL
            .into_iter()
            .find(|own| own.as_str() == name)
            .ok_or(JwtError::Algorithm)
    }
}

/// Why a token or key is refused. Never repeats the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JwtError {
    /// Longer than any token of ours.
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of unpadded base64url.
    #[error("the token is not three parts of base64url")]
    Form,
    /// Not one JSON object without repeated members.
    #[error("the token holds something else than one plain JSON object")]
    Json,
    /// A header member that would change how the token is verified.
    #[error("the token's header holds `{member}`, which is not accepted")]
    HeaderMember {
        /// The member.
        member: &'static str,
    },
    /// An algorithm other than ES256, `EdDSA` and RS256, or not the key's.
    #[error("the token's algorithm is not the one of its key")]
    Algorithm,
    /// No key, or no single key, has the token's `kid`.
    #[error("the token's key is unknown here; it may have been retired")]
    KeyUnknown,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// Not an access token.
    #[error("the token is not an access token (typ `at+jwt`)")]
    Type,
    /// A claim is missing or has no valid form.
    #[error("the token's claim `{claim}` is missing or has no valid form")]
    Claim {
        /// The claim.
        claim: &'static str,
    },
    /// It was not made for this sign-in.
    #[error("the token was made for another sign-in")]
    Nonce,
    /// Somebody else issued it.
    #[error("the token was issued by somebody else than this server")]
    Issuer,
    /// It is for another server.
    #[error("the token is for another server")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// A key that must not be used.
    #[error("the key is refused: {why}")]
    Key {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The crypto library could not make a key or signature.
    #[error("making the key or signature failed")]
    Signing,
}

impl JwtError {
    pub(crate) const fn key(why: &'static str) -> Self {
        Self::Key { why }
    }

    pub(crate) const fn claim(claim: &'static str) -> Self {
        Self::Claim { claim }
    }
}

impl From<JwtError> for Refusal {
    fn from(error: JwtError) -> Self {
        let kind = match error {
            JwtError::Expired | JwtError::NotYetValid => RefusalKind::TokenExpired,
            _ => RefusalKind::TokenInvalid,
        };
        let sentence = error.to_string();
        let mut letters = sentence.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        let sentence: String = first.into_iter().chain(letters).collect();
        Self::new(
            kind,
            format!("{sentence}. Request a new token and repeat the request."),
        )
    }
}
