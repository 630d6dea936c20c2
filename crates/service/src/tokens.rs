//! Access tokens: the key ring, verification with a cache, minting and revocation.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use moka::sync::Cache;
use vitrine_access::change::Change;
use vitrine_access::grant::{Grant, Subject};
use vitrine_access::ids::{BlobKey, TokenId};
use vitrine_access::jwt::{AccessToken, Algorithm, Expected, KeySet, SigningKey};
use vitrine_access::limits::{TOKEN_SKEW_MAX, TOKEN_TTL_MAX};
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::seal::Purpose;
use vitrine_access::time::Timestamp;
use vitrine_store::SigningKeyRecord;

use crate::Services;
use crate::error::{Error, ErrorKind, Result};

/// Verified tokens kept in memory; each is a few hundred bytes.
pub(crate) const VERIFIED_TOKENS_MAX: u64 = 100_000;

/// A revoked `jti` must outlive the longest token that could carry it.
pub(crate) const REVOCATION_KEPT: Duration = TOKEN_TTL_MAX.saturating_add(Duration::from_hours(24));

/// A token that was verified, with the grant that follows from it.
#[derive(Debug)]
pub struct VerifiedToken {
    /// The token's claims.
    pub token: AccessToken,
    /// What it permits.
    pub grant: Grant,
}

/// The keys of this installation: one signs, all that are not retired verify.
pub(crate) struct KeyRing {
    signing: SigningKey,
    verifying: KeySet,
}

pub(crate) struct Tokens {
    ring: RwLock<Arc<KeyRing>>,
    verified: Cache<BlobKey, Arc<VerifiedToken>>,
    revoked: RwLock<HashMap<TokenId, Timestamp>>,
    /// Per subject the instant from which its tokens are good again.
    not_before: RwLock<HashMap<Subject, Timestamp>>,
}

impl Tokens {
    pub(crate) fn new(ring: KeyRing, revoked: Vec<(TokenId, Timestamp)>) -> Self {
        Self {
            ring: RwLock::new(Arc::new(ring)),
            verified: Cache::new(VERIFIED_TOKENS_MAX),
            revoked: RwLock::new(revoked.into_iter().collect()),
            not_before: RwLock::default(),
        }
    }

    /// Notes revoked subjects. An instant only moves forward, so that of two readers at once the
    /// slower one does no harm.
    pub(crate) fn note_revoked_subjects(&self, revoked: Vec<(Subject, Timestamp)>) {
        let mut known = self
            .not_before
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for (subject, not_before) in revoked {
            let entry = known.entry(subject).or_insert(not_before);
            *entry = not_before.max(*entry);
        }
    }

    /// Whether what a subject was given at this instant was revoked with all else it had.
    pub(crate) fn is_subject_revoked(&self, subject: &Subject, given_at: Timestamp) -> bool {
        self.not_before
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get(subject)
            .is_some_and(|not_before| given_at < *not_before)
    }

    /// Drops revocations of tokens that have expired since.
    pub(crate) fn forget_expired(&self, now: Timestamp) {
        self.revoked
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .retain(|_, until| *until >= now);
        self.not_before
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .retain(|_, not_before| not_before.plus(REVOCATION_KEPT) >= now);
    }

    fn ring(&self) -> Arc<KeyRing> {
        let guard = self
            .ring
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(&guard)
    }

    pub(crate) fn replace_ring(&self, ring: KeyRing) {
        let mut guard = self
            .ring
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *guard = Arc::new(ring);
        drop(guard);
        self.verified.invalidate_all();
    }

    pub(crate) fn note_revoked(&self, token: TokenId, until: Timestamp) {
        self.revoked
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(token, until);
    }

    pub(crate) fn is_revoked(&self, token: TokenId) -> bool {
        self.revoked
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .contains_key(&token)
    }
}

impl Services {
    /// Verifies the bearer token of a request: once by signature, afterwards from memory.
    ///
    /// # Errors
    /// A refusal of kind `TokenInvalid` or `TokenExpired` that says what was wrong.
    pub fn verify_token(&self, bearer: &str) -> Result<Arc<VerifiedToken>> {
        let now = self.now();
        let tokens = &self.inner.tokens;
        let fingerprint = BlobKey::of(bearer.as_bytes());
        let verified = if let Some(known) = tokens.verified.get(&fingerprint) {
            // The same tolerance as at the first verification, or a token would be refused and
            // accepted by turns.
            if now >= known.token.expires_at.plus(TOKEN_SKEW_MAX) {
                tokens.verified.invalidate(&fingerprint);
                return Err(expired().into());
            }
            known
        } else {
            let ring = tokens.ring();
            let settings = &self.inner.settings;
            let expected = Expected {
                issuer: settings.issuer.clone(),
                audience: settings.audience.clone(),
            };
            let token = AccessToken::verify(&ring.verifying, bearer, &expected, now)
                .map_err(Refusal::from)?;
            let grant = token.grant();
            let verified = Arc::new(VerifiedToken { token, grant });
            tokens.verified.insert(fingerprint, Arc::clone(&verified));
            if !Arc::ptr_eq(&ring, &tokens.ring()) {
                // The keys changed meanwhile: the next request verifies with the new ones.
                tokens.verified.invalidate(&fingerprint);
            }
            verified
        };
        let token = &verified.token;
        if tokens.is_revoked(token.id) || tokens.is_subject_revoked(&token.subject, token.issued_at)
        {
            return Err(Refusal {
                kind: RefusalKind::TokenRevoked,
                message: "The access token was revoked. Ask the issuer for a new one.".into(),
            }
            .into());
        }
        Ok(verified)
    }

    /// Signs an access token.
    ///
    /// # Errors
    /// When the lifetime is out of range or the key fails.
    pub fn mint_token(
        &self,
        subject: Subject,
        scopes: Vec<String>,
        ttl: Duration,
    ) -> Result<String> {
        if ttl.is_zero() || ttl > TOKEN_TTL_MAX {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                format!(
                    "A token's lifetime is between 1 and {} seconds.",
                    TOKEN_TTL_MAX.as_secs()
                ),
            ));
        }
        let now = self.now();
        let settings = &self.inner.settings;
        let token = AccessToken {
            id: TokenId::new(&*self.inner.entropy),
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            subject,
            scopes,
            issued_at: now,
            not_before: now,
            expires_at: now.plus(ttl),
        };
        token
            .sign(&self.inner.tokens.ring().signing)
            .map_err(Error::internal)
    }

    /// Revokes a token by its `jti`, durably and at once.
    ///
    /// # Errors
    /// When the database fails; nothing is revoked then.
    pub async fn revoke_token(&self, token: TokenId) -> Result<()> {
        let until = self.now().plus(REVOCATION_KEPT);
        let mut tx = self.inner.store.begin().await?;
        tx.revoke_token(token, until).await?;
        tx.note_change(&Change::Token(token)).await?;
        tx.commit().await?;
        self.inner.tokens.note_revoked(token, until);
        Ok(())
    }

    /// Revokes every token of a subject that was issued until now, and the sessions that they
    /// opened, durably and at once. Tokens tell whole seconds, so that a new one is good from the
    /// next full second on; returns that instant.
    ///
    /// # Errors
    /// When the database fails; nothing is revoked then.
    pub async fn revoke_subject(&self, subject: Subject) -> Result<Timestamp> {
        const SECOND_MS: i64 = 1_000;
        let now = self.now();
        let next_second = (now.unix_ms().div_euclid(SECOND_MS) + 1) * SECOND_MS;
        let not_before = Timestamp::from_unix_ms(next_second);
        let until = now.plus(REVOCATION_KEPT);
        let mut tx = self.inner.store.begin().await?;
        tx.revoke_subject(&subject, not_before, until).await?;
        tx.note_change(&Change::Subject(subject)).await?;
        tx.commit().await?;
        self.load_revoked_subjects().await?;
        Ok(not_before)
    }

    /// Reads the revoked subjects; there are few.
    pub(crate) async fn load_revoked_subjects(&self) -> Result<()> {
        let revoked = self.inner.store.revoked_subjects(self.now()).await?;
        self.inner.tokens.note_revoked_subjects(revoked);
        Ok(())
    }

    /// The public keys as a JSON Web Key Set (RFC 7517), newest first.
    #[must_use]
    pub fn json_web_key_set(&self) -> serde_json::Value {
        self.inner.tokens.ring().verifying.to_jwks()
    }

    pub(crate) async fn load_key_ring(&self) -> Result<KeyRing> {
        load_key_ring(
            &self.inner.store,
            &self.inner.sealer,
            &*self.inner.entropy,
            self.now(),
        )
        .await
    }
}

fn expired() -> Refusal {
    Refusal {
        kind: RefusalKind::TokenExpired,
        message: "The access token has expired. Ask the issuer for a new one.".into(),
    }
}

/// Loads the key ring; the first start makes its own ES256 key.
pub(crate) async fn load_key_ring(
    store: &vitrine_store::Store,
    sealer: &vitrine_access::seal::Sealer,
    entropy: &dyn vitrine_access::random::Entropy,
    now: Timestamp,
) -> Result<KeyRing> {
    let mut records = store.signing_keys().await?;
    if records.iter().all(|record| record.retired_at.is_some()) {
        let key = SigningKey::generate(Algorithm::Es256).map_err(Error::internal)?;
        let mut nonce = [0; 12];
        entropy.fill(&mut nonce);
        let record = SigningKeyRecord {
            kid: key.kid().to_owned(),
            alg: Algorithm::Es256,
            sealed_private: sealer.seal(
                Purpose::SigningKey,
                &key.to_pkcs8().map_err(Error::internal)?,
                nonce,
            ),
            public_jwk: key.public().to_jwk().to_string(),
            created_at: now,
            retired_at: None,
        };
        let mut tx = store.begin().await?;
        tx.insert_signing_key(&record).await?;
        tx.note_change(&Change::Keys).await?;
        tx.commit().await?;
        // Another process may have made one at the same moment: all live keys verify.
        records = store.signing_keys().await?;
    }
    let live: Vec<&SigningKeyRecord> = records
        .iter()
        .filter(|record| record.retired_at.is_none())
        .collect();
    let mut keys = Vec::new();
    for record in &live {
        let private = sealer
            .open(Purpose::SigningKey, &record.sealed_private)
            .map_err(|error| {
                Error::new(
                    ErrorKind::Internal,
                    "The signing keys in the database cannot be opened with this master key. \
                     Start with the master key that belongs to this database.",
                )
                .caused_by(error)
            })?;
        keys.push((
            record.created_at,
            SigningKey::from_pkcs8(record.alg, &private).map_err(Error::internal)?,
        ));
    }
    keys.sort_by_key(|(created_at, _)| std::cmp::Reverse(*created_at));
    let verifying = KeySet::new(keys.iter().map(|(_, key)| key.public()).collect());
    let (_, signing) = keys.into_iter().next().ok_or_else(|| {
        Error::new(
            ErrorKind::Internal,
            "There is no signing key in the database.",
        )
    })?;
    Ok(KeyRing { signing, verifying })
}
