//! Signing keys and revoked tokens.

use vitrine_access::jwt::Algorithm;
use vitrine_access::{Revoked, Timestamp, TokenId};

use crate::db::{Column, Handle, Kind, Query, Row, Value};
use crate::error::StoreError;
use crate::limits::{LIST_ROWS_MAX, REVOKED_TOKENS_MAX};
use crate::store::{finders, writers};

/// A key that signs access tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKeyRecord {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// Algorithm.
    pub alg: Algorithm,
    /// The private key, sealed by the caller.
    pub sealed_private: Vec<u8>,
    /// The public key as JWK text.
    pub public_jwk: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs new tokens; it verifies before.
    pub signs_from: Timestamp,
    /// Until when it verifies, once a newer key follows it.
    pub verifies_until: Option<Timestamp>,
    /// When the operator ended it.
    pub retired_at: Option<Timestamp>,
}

impl std::fmt::Debug for SigningKeyRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKeyRecord")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

finders! {
    /// All signing keys, retired ones included, newest first (at most [`LIST_ROWS_MAX`]).
    signing_keys() -> Vec<SigningKeyRecord>;
    /// Whether this token was revoked and the revocation still matters.
    is_token_revoked(id: TokenId, now: Timestamp) -> bool;
    /// Tokens whose revocation still matters, with its end; the longest-lived first, at most
    /// [`REVOKED_TOKENS_MAX`].
    revoked_tokens(now: Timestamp) -> Vec<(TokenId, Timestamp)>;
    /// Subjects and holders whose tokens from before an instant are revoked, with that instant, as far
    /// as it still matters; at most [`REVOKED_TOKENS_MAX`].
    revoked_subjects(now: Timestamp) -> Vec<(Revoked, Timestamp)>;
    /// The instant of one of them.
    revoked_before(whose: &Revoked) -> Option<Timestamp>;
}

writers! {
    /// Adds a signing key.
    insert_signing_key(key: &SigningKeyRecord) -> ();
    /// Lets all keys that have no end yet, or a later one, end at this instant.
    end_signing_keys(until: Timestamp) -> ();
    /// Replaces the sealed private key by the same one sealed anew.
    reseal_signing_key(kid: &str, sealed_private: &[u8]) -> ();
    /// Retires a signing key; `true` for the caller that did it.
    retire_signing_key(kid: &str, at: Timestamp) -> bool;
    /// Refuses a token until then (its own end); a second call can only prolong it.
    revoke_token(id: TokenId, until: Timestamp) -> ();
    /// Refuses all tokens of a subject or holder that were issued before `not_before`; a second call can
    /// only move the instant forward. `until` is when the last such token has expired.
    revoke_subject(whose: &Revoked, not_before: Timestamp, until: Timestamp) -> ();
    /// Deletes revocations of subjects that ended before this, at most `limit` ([`LIST_ROWS_MAX`]).
    forget_revoked_subjects(before: Timestamp, limit: u32) -> u64;
    /// Deletes revocations that ended before this, at most `limit` ([`LIST_ROWS_MAX`]).
    forget_revoked_tokens(before: Timestamp, limit: u32) -> u64;
}

impl Column for Algorithm {
    const KIND: Kind = Kind::Text;
    fn encode(&self) -> Value {
        let word = match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        };
        Value::Text(Some(word.to_owned()))
    }
    fn decode(value: Value) -> Option<Self> {
        let Value::Text(Some(word)) = value else {
            return None;
        };
        match word.as_str() {
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }
}

async fn signing_keys(handle: &mut Handle) -> Result<Vec<SigningKeyRecord>, StoreError> {
    let sql = "SELECT kid, alg, sealed_private, public_jwk, created_at, signs_from, \
        verifies_until, retired_at FROM signing_key ORDER BY created_at DESC, kid LIMIT $1";
    handle
        .all(Query::new(sql).bind(&LIST_ROWS_MAX))
        .await?
        .iter()
        .map(read)
        .collect()
}

fn read(row: &Row) -> Result<SigningKeyRecord, StoreError> {
    Ok(SigningKeyRecord {
        kid: row.get("kid")?,
        alg: row.get("alg")?,
        sealed_private: row.get("sealed_private")?,
        public_jwk: row.get("public_jwk")?,
        created_at: row.get("created_at")?,
        signs_from: row.get("signs_from")?,
        verifies_until: row.get_option("verifies_until")?,
        retired_at: row.get_option("retired_at")?,
    })
}

async fn insert_signing_key(handle: &mut Handle, key: &SigningKeyRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO signing_key (kid, alg, sealed_private, public_jwk, created_at, \
        signs_from, verifies_until, retired_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let query = Query::new(sql)
        .bind(&key.kid)
        .bind(&key.alg)
        .bind(&key.sealed_private)
        .bind(&key.public_jwk)
        .bind(&key.created_at)
        .bind(&key.signs_from)
        .bind_option(key.verifies_until.as_ref())
        .bind_option(key.retired_at.as_ref());
    handle.execute(query).await.map(drop)
}

async fn retire_signing_key(
    handle: &mut Handle,
    kid: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE signing_key SET retired_at = $2 WHERE kid = $1 AND retired_at IS NULL";
    Ok(handle
        .execute(Query::new(sql).bind_text(kid).bind(&at))
        .await?
        == 1)
}

async fn end_signing_keys(handle: &mut Handle, until: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE signing_key SET verifies_until = $1 \
        WHERE retired_at IS NULL AND (verifies_until IS NULL OR verifies_until > $1)";
    handle.execute(Query::new(sql).bind(&until)).await.map(drop)
}

async fn reseal_signing_key(
    handle: &mut Handle,
    kid: &str,
    sealed_private: &[u8],
) -> Result<(), StoreError> {
    let query = Query::new("UPDATE signing_key SET sealed_private = $2 WHERE kid = $1")
        .bind_text(kid)
        .bind(&sealed_private.to_vec());
    handle.execute(query).await.map(drop)
}

async fn is_token_revoked(
    handle: &mut Handle,
    id: TokenId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "SELECT until FROM revoked_token WHERE id = $1 AND until >= $2";
    let query = Query::new(sql).bind(&id).bind(&now);
    Ok(handle.optional(query).await?.is_some())
}

async fn revoked_tokens(
    handle: &mut Handle,
    now: Timestamp,
) -> Result<Vec<(TokenId, Timestamp)>, StoreError> {
    let sql = "SELECT id, until FROM revoked_token WHERE until >= $1 \
        ORDER BY until DESC, id DESC LIMIT $2";
    let query = Query::new(sql).bind(&now).bind(&REVOKED_TOKENS_MAX);
    handle
        .all(query)
        .await?
        .iter()
        .map(|row| Ok((row.get("id")?, row.get("until")?)))
        .collect()
}

async fn revoke_token(
    handle: &mut Handle,
    id: TokenId,
    until: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO revoked_token (id, until) VALUES ($1, $2) ON CONFLICT (id) \
        DO UPDATE SET until = excluded.until WHERE revoked_token.until < excluded.until";
    handle
        .execute(Query::new(sql).bind(&id).bind(&until))
        .await
        .map(drop)
}

async fn forget_revoked_tokens(
    handle: &mut Handle,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM revoked_token WHERE id IN (\
        SELECT id FROM revoked_token WHERE until < $1 ORDER BY until LIMIT $2)";
    handle
        .execute(
            Query::new(sql)
                .bind(&before)
                .bind(&limit.min(LIST_ROWS_MAX)),
        )
        .await
}

async fn revoked_subjects(
    handle: &mut Handle,
    now: Timestamp,
) -> Result<Vec<(Revoked, Timestamp)>, StoreError> {
    let sql = "SELECT subject, not_before FROM revoked_subject WHERE until >= $1 \
        ORDER BY until DESC, subject DESC LIMIT $2";
    let query = Query::new(sql).bind(&now).bind(&REVOKED_TOKENS_MAX);
    handle
        .all(query)
        .await?
        .iter()
        .map(|row| Ok((row.get("subject")?, row.get("not_before")?)))
        .collect()
}

async fn revoked_before(
    handle: &mut Handle,
    whose: &Revoked,
) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT not_before FROM revoked_subject WHERE subject = $1";
    let row = handle.optional(Query::new(sql).bind(whose)).await?;
    row.map(|row| row.get("not_before")).transpose()
}

async fn revoke_subject(
    handle: &mut Handle,
    whose: &Revoked,
    not_before: Timestamp,
    until: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO revoked_subject (subject, not_before, until) VALUES ($1, $2, $3) \
        ON CONFLICT (subject) DO UPDATE SET not_before = excluded.not_before, \
        until = excluded.until WHERE revoked_subject.not_before < excluded.not_before";
    let query = Query::new(sql).bind(whose).bind(&not_before).bind(&until);
    handle.execute(query).await.map(drop)
}

async fn forget_revoked_subjects(
    handle: &mut Handle,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM revoked_subject WHERE subject IN (\
        SELECT subject FROM revoked_subject WHERE until < $1 ORDER BY until LIMIT $2)";
    let query = Query::new(sql)
        .bind(&before)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.execute(query).await
}
