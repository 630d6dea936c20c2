//! Access tokens: verification with a cache, minting and revocation.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use quick_cache::sync::Cache;
use vitrine_access::change::Change;
use vitrine_access::grant::{Grant, Subject};
use vitrine_access::holder::{HolderMark, Revoked};
use vitrine_access::ids::{BlobKey, IssuerKey, KeyMark, TokenId, UserId};
use vitrine_access::jwt::{AccessToken, Expected};
use vitrine_access::limits::{TOKEN_SKEW_MAX, TOKEN_TTL_MAX};
use vitrine_access::owner::Payer;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::time::Timestamp;

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::KeyRing;
use crate::withdrawal::{Given, next_second};

/// Verified tokens kept in memory; each is a few hundred bytes.
pub(crate) const VERIFIED_TOKENS_MAX: usize = 100_000;

/// A revoked `jti` must outlive the longest token that could carry it.
pub(crate) const REVOCATION_KEPT: Duration = TOKEN_TTL_MAX.saturating_add(Duration::from_hours(24));

/// A token that was verified, with the grant that follows from it.
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    /// The token's claims.
    pub token: AccessToken,
    /// What it permits.
    pub grant: Grant,
    /// The account that its issuer is mapped to, beyond which it counts for nothing; `None` for
    /// tokens of our own.
    pub account: Option<Payer>,
    /// The key of that issuer that signed it; `None` for tokens of our own.
    pub issuer_key: Option<IssuerKey>,
}

pub(crate) struct Tokens {
    ring: RwLock<Arc<KeyRing>>,
    verified: Cache<BlobKey, Arc<VerifiedToken>>,
    /// Counts the changes of keys: what was verified before one is not kept after it.
    generation: AtomicU64,
    /// Held while the ring is read and replaced.
    pub(crate) reloading: tokio::sync::Mutex<()>,
    revoked: RwLock<HashMap<TokenId, Timestamp>>,
    /// Per subject the instant from which its tokens are good again.
    not_before: RwLock<HashMap<Subject, Timestamp>>,
    /// The same per holder of what the platform gives out.
    held_not_before: RwLock<HashMap<HolderMark, Timestamp>>,
}

impl Tokens {
    pub(crate) fn new(ring: KeyRing, revoked: Vec<(TokenId, Timestamp)>) -> Self {
        Self {
            ring: RwLock::new(Arc::new(ring)),
            verified: Cache::new(VERIFIED_TOKENS_MAX),
            generation: AtomicU64::new(0),
            reloading: tokio::sync::Mutex::new(()),
            revoked: RwLock::new(revoked.into_iter().collect()),
            not_before: RwLock::default(),
            held_not_before: RwLock::default(),
        }
    }

    /// Notes revoked subjects and holders. An instant only moves forward, so that of two readers at
    /// once the slower one does no harm.
    pub(crate) fn note_revoked_subjects(&self, revoked: Vec<(Revoked, Timestamp)>) {
        for (whose, not_before) in revoked {
            match whose {
                Revoked::Subject(subject) => forward(&self.not_before, subject, not_before),
                Revoked::Holder(user) => {
                    forward(&self.held_not_before, HolderMark::of(user), not_before);
                }
            }
        }
    }

    /// Whether what the platform gave to somebody at this instant was revoked with all else.
    pub(crate) fn is_holder_revoked(&self, holder: HolderMark, given_at: Timestamp) -> bool {
        self.held_not_before
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&holder)
            .is_some_and(|not_before| given_at < *not_before)
    }

    /// Whether what a subject was given at this instant was revoked with all else it had.
    pub(crate) fn is_subject_revoked(&self, subject: &Subject, given_at: Timestamp) -> bool {
        self.not_before
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(subject)
            .is_some_and(|not_before| given_at < *not_before)
    }

    /// Drops tokens that have expired since, and their revocations.
    pub(crate) fn forget_expired(&self, now: Timestamp) {
        self.verified
            .retain(|_, known| now < known.token.expires_at.plus(TOKEN_SKEW_MAX));
        self.revoked
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, until| *until >= now);
        self.not_before
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, not_before| not_before.plus(REVOCATION_KEPT) >= now);
        self.held_not_before
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, not_before| not_before.plus(REVOCATION_KEPT) >= now);
    }

    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace_ring(&self, ring: KeyRing) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        self.forget_verified();
    }

    /// Every token is verified again with the keys of now.
    pub(crate) fn forget_verified(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.verified.clear();
    }

    pub(crate) fn note_revoked(&self, token: TokenId, until: Timestamp) {
        self.revoked
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(token, until);
    }

    /// Whether the token was revoked, by itself or with its key.
    pub(crate) fn is_revoked(&self, token: TokenId) -> bool {
        let by_itself = self
            .revoked
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(&token);
        by_itself || self.ring().has_ended(token)
    }
}

fn forward<K: Eq + Hash>(known: &RwLock<HashMap<K, Timestamp>>, whose: K, not_before: Timestamp) {
    let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
    let entry = known.entry(whose).or_insert(not_before);
    *entry = not_before.max(*entry);
}

impl Services {
    /// Verifies the bearer token of a request: once by signature, afterwards from memory.
    ///
    /// # Errors
    /// A refusal of kind `TokenInvalid`, `TokenExpired` or `TokenRevoked` that says what was wrong;
    /// `TrustUnavailable` while the keys of an external issuer could not be fetched.
    pub fn verify_token(&self, bearer: &str) -> Result<Arc<VerifiedToken>> {
        let now = self.now();
        let tokens = &self.inner.tokens;
        let fingerprint = BlobKey::of(bearer.as_bytes());
        let verified = if let Some(known) = tokens.verified.get(&fingerprint) {
            known
        } else {
            let before = tokens.generation.load(Ordering::SeqCst);
            let verified = Arc::new(self.verify_first(bearer, now)?);
            tokens.verified.insert(fingerprint, Arc::clone(&verified));
            if tokens.generation.load(Ordering::SeqCst) != before {
                // The keys changed meanwhile: the next request verifies with the new ones.
                tokens.verified.remove(&fingerprint);
            }
            verified
        };
        self.check_token(&verified, now)?;
        Ok(verified)
    }

    /// Whether a token that was verified once is still good.
    pub(crate) fn check_token(&self, verified: &VerifiedToken, now: Timestamp) -> Result<()> {
        let (tokens, token) = (&self.inner.tokens, &verified.token);
        // The same tolerance as at the first verification, or a token would be refused and
        // accepted by turns.
        if now >= token.expires_at.plus(TOKEN_SKEW_MAX) {
            return Err(expired().into());
        }
        let holder = verified.holder();
        if tokens.is_revoked(token.id)
            || tokens.is_subject_revoked(
                &token.subject,
                issued_for_certain(token.issued_at, verified.issuer_key),
            )
            || holder.is_some_and(|holder| tokens.is_holder_revoked(holder, token.issued_at))
        {
            return Err(revoked().into());
        }
        // The cache may hold it a moment longer than its issuer holds its key.
        self.issuer_key_counts(verified.issuer_key)?
            .then_some(())
            .ok_or_else(|| revoked().into())
    }

    fn verify_first(&self, bearer: &str, now: Timestamp) -> Result<VerifiedToken> {
        if let Some(issuer) = self.inner.issuers.of_token(bearer) {
            return issuer.verify(bearer, now);
        }
        let settings = &self.inner.settings;
        let expected = Expected {
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
        };
        let ring = self.inner.tokens.ring();
        let token =
            AccessToken::verify(ring.verifying(), bearer, &expected, now).map_err(Refusal::from)?;
        Ok(VerifiedToken {
            grant: token.grant(),
            token,
            account: None,
            issuer_key: None,
        })
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
        self.mint(None, subject, scopes, ttl)
    }

    /// Signs an access token that the platform gives to somebody; it ends with their right to it.
    pub(crate) fn mint_for(
        &self,
        given: Given,
        subject: Subject,
        scopes: Vec<String>,
        ttl: Duration,
    ) -> Result<String> {
        self.mint(Some(given), subject, scopes, ttl)
    }

    fn mint(
        &self,
        given: Option<Given>,
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
        let (settings, entropy) = (&self.inner.settings, &*self.inner.entropy);
        let ring = self.inner.tokens.ring();
        let key = ring.signing(self.now())?;
        let mark = KeyMark::of(key.kid());
        // Issued when the right to it was looked at: what ends that right meanwhile ends the token too.
        let (id, now) = match given {
            Some(given) => (TokenId::held(mark, given.to, entropy), given.at),
            None => (TokenId::marked(mark, entropy), self.now()),
        };
        let token = AccessToken {
            id,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            subject,
            scopes,
            issued_at: now,
            not_before: now,
            expires_at: now.plus(ttl),
        };
        token.sign(key).map_err(Error::internal)
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
        let now = self.now();
        let not_before = next_second(now);
        let until = now.plus(REVOCATION_KEPT);
        let mut tx = self.inner.store.begin().await?;
        tx.revoke_subject(&Revoked::Subject(subject), not_before, until)
            .await?;
        tx.note_change(&Change::Subject(subject)).await?;
        tx.commit().await?;
        self.load_revoked_subjects().await?;
        Ok(not_before)
    }

    /// Reads since when what the platform gave to a user is revoked.
    pub(crate) async fn load_revoked_holder(&self, user: UserId) -> Result<()> {
        let whose = Revoked::Holder(user);
        if let Some(not_before) = self.inner.store.revoked_before(&whose).await? {
            self.inner
                .tokens
                .note_revoked_subjects(vec![(whose, not_before)]);
        }
        Ok(())
    }

    /// Reads the revoked subjects and holders; there are few.
    pub(crate) async fn load_revoked_subjects(&self) -> Result<()> {
        let revoked = self.inner.store.revoked_subjects(self.now()).await?;
        self.inner.tokens.note_revoked_subjects(revoked);
        Ok(())
    }

    /// The public keys as a JSON Web Key Set (RFC 7517), newest first.
    #[must_use]
    pub fn json_web_key_set(&self) -> serde_json::Value {
        self.inner.tokens.ring().verifying().to_jwks()
    }
}

/// When a token was issued at the latest, to hold it against a revocation. Another issuer's clock may be ahead of ours by
/// as much as is tolerated: what it issued before a revocation shall not outlive it by that.
pub(crate) fn issued_for_certain(issued_at: Timestamp, by: Option<IssuerKey>) -> Timestamp {
    if by.is_none() {
        return issued_at;
    }
    let skew_ms = i64::try_from(TOKEN_SKEW_MAX.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_ms(issued_at.unix_ms().saturating_sub(skew_ms))
}

pub(crate) fn revoked() -> Refusal {
    Refusal {
        kind: RefusalKind::TokenRevoked,
        message: "The access token, or the key that signed it, was revoked. Ask the issuer for a \
                  new one."
            .into(),
    }
}

fn expired() -> Refusal {
    Refusal {
        kind: RefusalKind::TokenExpired,
        message: "The access token has expired. Ask the issuer for a new one.".into(),
    }
}
