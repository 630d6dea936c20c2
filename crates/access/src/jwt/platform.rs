//! Tokens of the platform: what an account signs in with. Another type and another audience than the
//! Geometry API's, so that neither is ever taken for the other.

use serde_json::{Map, Value, json};

use super::strict::parse_object;
use super::token::{instant, text};
use super::{JwtError, KeySet, SigningKey, jws, verify_jws};
use crate::ids::{AccessKeyId, TokenId, UserId};
use crate::limits::{TOKEN_SKEW_MAX, TOKEN_TTL_MAX};
use crate::time::Timestamp;

/// `aud` of every token of the platform.
pub const PLATFORM_AUDIENCE: &str = "vitrine-platform";

/// What a token of the platform is good for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum PlatformUse {
    /// Requests on resources.
    Access,
    /// A new access token.
    Refresh,
}

impl PlatformUse {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Access => "vitrine-platform+jwt",
            Self::Refresh => "vitrine-refresh+jwt",
        }
    }
}

/// The claims. Instants are whole seconds on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformToken {
    /// `jti`.
    pub id: TokenId,
    /// `sid`: the sign-in that both tokens come from, and with which both end.
    pub sign_in: TokenId,
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub user: UserId,
    /// `key`: the access key that signed in; none stands for a password.
    pub key: Option<AccessKeyId>,
    /// `prev`: of a refresh token, the one that it took the place of.
    pub parent: Option<TokenId>,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
}

impl PlatformToken {
    /// Signs the claims for one use.
    ///
    /// # Errors
    /// [`JwtError::Claim`] when it would live longer than [`TOKEN_TTL_MAX`] or not at all.
    pub fn sign(&self, purpose: PlatformUse, key: &SigningKey) -> Result<String, JwtError> {
        self.check_life()?;
        let mut claims = json!({
            "iss": self.issuer,
            "aud": PLATFORM_AUDIENCE,
            "sub": self.user.to_string(),
            "sid": self.sign_in.to_string(),
            "iat": self.issued_at.unix_s(),
            "exp": self.expires_at.unix_s(),
            "jti": self.id.to_string(),
        });
        if let Some(key) = self.key {
            claims["key"] = json!(key.to_string());
        }
        if let Some(parent) = self.parent {
            claims["prev"] = json!(parent.to_string());
        }
        jws::sign(key, purpose.media_type(), claims.to_string().as_bytes())
    }

    /// Verifies signature, type and every claim.
    ///
    /// # Errors
    /// As [`verify_jws`]; and when it is for another use, another server or another audience, a claim
    /// is missing or malformed, or its time is over or has not come (by more than
    /// [`TOKEN_SKEW_MAX`]).
    pub fn verify(
        keys: &KeySet,
        compact: &str,
        purpose: PlatformUse,
        issuer: &str,
        now: Timestamp,
    ) -> Result<Self, JwtError> {
        let verified = verify_jws(keys, compact)?;
        if verified.header.typ.as_deref() != Some(purpose.media_type()) {
            return Err(JwtError::Type);
        }
        let claims = parse_object(&verified.payload)?;
        if text(&claims, "iss")? != issuer {
            return Err(JwtError::Issuer);
        }
        if text(&claims, "aud")? != PLATFORM_AUDIENCE {
            return Err(JwtError::Audience);
        }
        let id = |claim: &'static str| -> Result<TokenId, JwtError> {
            text(&claims, claim)?
                .parse()
                .map_err(|_| JwtError::claim(claim))
        };
        let token = Self {
            id: id("jti")?,
            sign_in: id("sid")?,
            issuer: issuer.to_owned(),
            user: text(&claims, "sub")?
                .parse()
                .map_err(|_| JwtError::claim("sub"))?,
            key: optional(&claims, "key")?,
            parent: optional(&claims, "prev")?,
            issued_at: instant(&claims, "iat")?,
            expires_at: instant(&claims, "exp")?,
        };
        if now >= token.expires_at.plus(TOKEN_SKEW_MAX) {
            return Err(JwtError::Expired);
        }
        if token.issued_at > now.plus(TOKEN_SKEW_MAX) {
            return Err(JwtError::NotYetValid);
        }
        token.check_life()?;
        Ok(token)
    }

    fn check_life(&self) -> Result<(), JwtError> {
        let life = self.expires_at.since(self.issued_at);
        if life.is_zero() || life > TOKEN_TTL_MAX {
            return Err(JwtError::claim("exp"));
        }
        Ok(())
    }
}

/// A claim that may be left out, but not be wrong.
fn optional<T: std::str::FromStr>(
    claims: &Map<String, Value>,
    claim: &'static str,
) -> Result<Option<T>, JwtError> {
    if !claims.contains_key(claim) {
        return Ok(None);
    }
    let parsed = text(claims, claim)?.parse();
    parsed.map(Some).map_err(|_| JwtError::claim(claim))
}
