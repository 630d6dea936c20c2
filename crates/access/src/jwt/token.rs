//! Access tokens: a JWS of type `at+jwt` (RFC 9068) with our claims.

use serde_json::{Map, Value, json};

use super::strict::{decode_base64url, parse_object};
use super::{JwtError, KeySet, SigningKey, jws, verify_jws};
use crate::grant::{Grant, Subject};
use crate::ids::TokenId;
use crate::limits::{
    AUDIENCES_MAX, CLAIM_BYTES_MAX, JWS_CHARS_MAX, SCOPE_BYTES_MAX, SCOPES_MAX, TOKEN_SKEW_MAX,
    TOKEN_TTL_MAX,
};
use crate::permissions::PermissionSet;
use crate::time::Timestamp;

const MEDIA_TYPE: &str = "at+jwt";

/// What a token must say to be meant for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// `iss`.
    pub issuer: String,
    /// One of `aud`.
    pub audience: String,
}

/// An access token's claims. Instants are whole seconds on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// `jti`.
    pub id: TokenId,
    /// `iss`.
    pub issuer: String,
    /// `aud`, or the one of several that was expected.
    pub audience: String,
    /// `sub_type` and `sub`.
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

/// Which issuer a token names, before anything about it was verified: good for choosing whose keys to
/// try, and for nothing else.
///
/// # Errors
/// When the text is too long or not strict base64url and JSON, or names none.
pub fn claimed_issuer(compact: &str) -> Result<String, JwtError> {
    if compact.len() > JWS_CHARS_MAX {
        return Err(JwtError::TooLong);
    }
    let mut parts = compact.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(JwtError::Form);
    };
    let claims = parse_object(&decode_base64url(payload)?)?;
    text(&claims, "iss").map(ToOwned::to_owned)
}

impl AccessToken {
    /// Signs the claims.
    ///
    /// # Errors
    /// [`JwtError::Claim`] when it would live longer than [`TOKEN_TTL_MAX`] or not at all, or a
    /// text is too long; [`JwtError::TooLong`] when all together are.
    pub fn sign(&self, key: &SigningKey) -> Result<String, JwtError> {
        let life = self.expires_at.since(self.not_before.min(self.issued_at));
        if life.is_zero() || life > TOKEN_TTL_MAX || self.expires_at <= self.not_before {
            return Err(JwtError::claim("exp"));
        }
        if self.issuer.len() > CLAIM_BYTES_MAX || self.audience.len() > CLAIM_BYTES_MAX {
            return Err(JwtError::claim("iss"));
        }
        if self.scopes.len() > SCOPES_MAX || self.scopes.iter().any(|s| s.len() > SCOPE_BYTES_MAX) {
            return Err(JwtError::claim("scope"));
        }
        let claims = json!({
            "iss": self.issuer,
            "aud": self.audience,
            "sub": self.subject.id(),
            "sub_type": self.subject.kind(),
            "scope": self.scopes,
            "iat": self.issued_at.unix_s(),
            "nbf": self.not_before.unix_s(),
            "exp": self.expires_at.unix_s(),
            "jti": self.id.to_string(),
        });
        jws::sign(key, MEDIA_TYPE, claims.to_string().as_bytes())
    }

    /// Verifies signature, type and every claim.
    ///
    /// # Errors
    /// As [`verify_jws`]; and when a claim is missing or malformed, the token is somebody else's
    /// or for somebody else, or its time is over or has not come (by more than
    /// [`TOKEN_SKEW_MAX`]).
    pub fn verify(
        keys: &KeySet,
        compact: &str,
        expected: &Expected,
        now: Timestamp,
    ) -> Result<Self, JwtError> {
        let verified = verify_jws(keys, compact)?;
        let typ = verified
            .header
            .typ
            .as_deref()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != MEDIA_TYPE {
            return Err(JwtError::Type);
        }
        let claims = parse_object(&verified.payload)?;
        if text(&claims, "iss")? != expected.issuer {
            return Err(JwtError::Issuer);
        }
        if !audiences(&claims)?.contains(&expected.audience.as_str()) {
            return Err(JwtError::Audience);
        }
        let token = Self {
            id: text(&claims, "jti")?
                .parse()
                .map_err(|_| JwtError::claim("jti"))?,
            issuer: expected.issuer.clone(),
            audience: expected.audience.clone(),
            subject: Subject::from_parts(text(&claims, "sub_type")?, text(&claims, "sub")?)
                .map_err(|_| JwtError::claim("sub"))?,
            scopes: scopes(&claims)?,
            issued_at: instant(&claims, "iat")?,
            not_before: instant(&claims, "nbf")?,
            expires_at: instant(&claims, "exp")?,
        };
        token.check_time(now)?;
        Ok(token)
    }

    /// The id of the key that a verified token names.
    #[must_use]
    pub fn key_id(compact: &str) -> Option<String> {
        let header = parse_object(&decode_base64url(compact.split('.').next()?).ok()?).ok()?;
        text(&header, "kid").ok().map(ToOwned::to_owned)
    }

    /// The `jti` that a token claims, whether or not anything else about it is right. For the
    /// audit trail only: nothing may be decided by it.
    #[must_use]
    pub fn claimed_id(compact: &str) -> Option<TokenId> {
        if compact.len() > JWS_CHARS_MAX {
            return None;
        }
        let payload = decode_base64url(compact.split('.').nth(1)?).ok()?;
        text(&parse_object(&payload).ok()?, "jti")
            .ok()?
            .parse()
            .ok()
    }

    /// What the token allows: what its scopes say, and for others than back ends without what is
    /// reserved to these. Owner and payer are not in the token: the caller looks them
    /// up.
    #[must_use]
    pub fn grant(&self) -> Grant {
        let (scoped, _unknown) = PermissionSet::from_scopes(&self.scopes);
        let (model, permissions) = match self.subject {
            Subject::Backend => (None, scoped),
            Subject::Model(model) => (Some(model), scoped.without_reserved()),
            Subject::AuthGroup(_) | Subject::User(_) | Subject::Organization(_) => {
                (None, scoped.without_reserved())
            }
        };
        Grant {
            model,
            permissions,
            owner: None,
            payer: None,
            subject: Some(self.subject),
            token: Some(self.id),
            expires_at: self.expires_at,
        }
    }

    fn check_time(&self, now: Timestamp) -> Result<(), JwtError> {
        if now >= self.expires_at.plus(TOKEN_SKEW_MAX) {
            return Err(JwtError::Expired);
        }
        let soon = now.plus(TOKEN_SKEW_MAX);
        if self.not_before > soon || self.issued_at > soon {
            return Err(JwtError::NotYetValid);
        }
        // A revocation is remembered for as long as a token may live, so none may live longer.
        let life = self.expires_at.since(self.issued_at);
        if self.expires_at <= self.not_before || life > TOKEN_TTL_MAX {
            return Err(JwtError::claim("exp"));
        }
        Ok(())
    }
}

pub(super) fn text<'a>(
    claims: &'a Map<String, Value>,
    claim: &'static str,
) -> Result<&'a str, JwtError> {
    let text = claims.get(claim).and_then(Value::as_str);
    text.filter(|text| !text.is_empty() && text.len() <= CLAIM_BYTES_MAX)
        .ok_or(JwtError::claim(claim))
}

/// RFC 7519 section 4.1.3: one text, or a list of texts.
pub(super) fn audiences(claims: &Map<String, Value>) -> Result<Vec<&str>, JwtError> {
    match claims.get("aud") {
        Some(Value::String(audience)) => Ok(vec![audience]),
        Some(Value::Array(list)) if list.len() <= AUDIENCES_MAX => list
            .iter()
            .map(|one| one.as_str().ok_or(JwtError::claim("aud")))
            .collect(),
        _ => Err(JwtError::claim("aud")),
    }
}

/// A list of scopes, or one text with spaces between them (RFC 8693 section 4.2).
fn scopes(claims: &Map<String, Value>) -> Result<Vec<String>, JwtError> {
    let malformed = JwtError::claim("scope");
    let scopes: Vec<&str> = match claims.get("scope") {
        Some(Value::Array(list)) => list
            .iter()
            .map(|one| one.as_str().ok_or(malformed))
            .collect::<Result<_, _>>()?,
        Some(Value::String(text)) => text.split(' ').filter(|one| !one.is_empty()).collect(),
        _ => return Err(malformed),
    };
    if scopes.len() > SCOPES_MAX || scopes.iter().any(|scope| scope.len() > SCOPE_BYTES_MAX) {
        return Err(malformed);
    }
    Ok(scopes.into_iter().map(ToOwned::to_owned).collect())
}

/// Whole seconds from 1970 to 9999.
pub(super) fn instant(
    claims: &Map<String, Value>,
    claim: &'static str,
) -> Result<Timestamp, JwtError> {
    let seconds = claims.get(claim).and_then(Value::as_i64);
    seconds
        .filter(|seconds| (0..=Timestamp::MAX_14.unix_s()).contains(seconds))
        .map(|seconds| Timestamp::from_unix_ms(seconds * 1_000))
        .ok_or(JwtError::claim(claim))
}
