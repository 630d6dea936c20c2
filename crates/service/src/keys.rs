//! Signing keys: the ring of those that count, and their rotation with an overlap.
//!
//! A new key is published at once and signs only when everybody had time to hear of it; the keys
//! before it verify for a while longer. Each token's id carries the mark of its key, so that what was
//! opened with a token ends together with the key.

use std::cmp::Reverse;
use std::time::Duration;

use vitrine_access::change::Change;
use vitrine_access::ids::{KeyMark, TokenId};
use vitrine_access::jwt::{Algorithm, KeySet, SigningKey, VerifyingKey};
use vitrine_access::limits::{TOKEN_SKEW_MAX, TOKEN_TTL_MAX};
use vitrine_access::random::Entropy;
use vitrine_access::seal::{Purpose, Sealer};
use vitrine_access::time::Timestamp;
use vitrine_store::{SigningKeyRecord, Store};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};

/// For how long others may keep our key set. The answer's `max-age`.
pub const KEY_SET_CACHED: Duration = Duration::from_mins(1);
/// How long a new key is published before it signs: what was cached just before the rotation has
/// ended twice over by then, and every node has heard of the change.
pub const KEY_PUBLISHED_BEFORE: Duration = Duration::from_mins(2);
/// How long the keys before verify unless the operator says otherwise: no token lives longer.
pub const KEY_OVERLAP: Duration = TOKEN_TTL_MAX.saturating_add(TOKEN_SKEW_MAX);

/// What a signing key is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It verifies, and signs from its instant on.
    Published,
    /// It signs new tokens.
    Signs,
    /// It verifies the tokens that it signed.
    Verifies,
    /// Its overlap is over.
    Ended,
    /// The operator ended it.
    Retired,
}

impl KeyState {
    /// The word for people and scripts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Signs => "signs",
            Self::Verifies => "verifies",
            Self::Ended => "ended",
            Self::Retired => "retired",
        }
    }
}

/// One signing key, as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its id.
    pub kid: String,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// Until when it verifies, where that is known.
    pub verifies_until: Option<Timestamp>,
    /// What it is good for now.
    pub state: KeyState,
}

/// One sealing key (a master key), as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealingKeyInfo {
    /// Its fingerprint, which gives nothing away.
    pub fingerprint: String,
    /// Whether it seals, or opens only.
    pub seals: bool,
    /// Whether this node has it; without it nothing of its tickets opens.
    pub known: bool,
    /// Live tickets that were sealed with it.
    pub live_tickets: u64,
}

/// A rotation, as the operator wants it.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// The new key's algorithm.
    pub algorithm: Algorithm,
    /// How long the new key is published before it signs.
    pub published_before: Duration,
    /// How long the keys before go on verifying from then on.
    pub overlap: Duration,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Es256,
            published_before: KEY_PUBLISHED_BEFORE,
            overlap: KEY_OVERLAP,
        }
    }
}

struct RingKey {
    key: SigningKey,
    signs_from: Timestamp,
    verifies_until: Option<Timestamp>,
}

/// The keys of this installation at an instant: one signs, all that have not ended verify.
pub(crate) struct KeyRing {
    /// Newest first.
    live: Vec<RingKey>,
    verifying: KeySet,
    ended: Vec<KeyMark>,
    /// When the next key ends.
    next_end: Option<Timestamp>,
}

impl KeyRing {
    /// From all keys; those that were retired or have ended only leave their mark.
    fn new(records: &[SigningKeyRecord], sealer: &Sealer, now: Timestamp) -> Result<Self> {
        let (live, ended): (Vec<_>, Vec<_>) = records
            .iter()
            .partition(|record| has_not_ended(record, now));
        let mut keys = Vec::new();
        for record in live {
            keys.push(RingKey {
                key: open(record, sealer)?,
                signs_from: record.signs_from,
                verifies_until: record.verifies_until,
            });
        }
        // Of two keys of the same instant the one that another follows is the older.
        keys.sort_by_key(|key| (Reverse(key.signs_from), key.verifies_until.is_some()));
        if keys.is_empty() {
            return Err(Error::new(
                ErrorKind::Internal,
                "There is no signing key in the database.",
            ));
        }
        let public: Vec<VerifyingKey> = keys.iter().map(|key| key.key.public()).collect();
        Ok(Self {
            verifying: KeySet::new(public),
            ended: ended.iter().map(|key| KeyMark::of(&key.kid)).collect(),
            next_end: keys.iter().filter_map(|key| key.verifies_until).min(),
            live: keys,
        })
    }

    pub(crate) fn verifying(&self) -> &KeySet {
        &self.verifying
    }

    /// The newest key whose time to sign has come; before any has, the first that will.
    pub(crate) fn signing(&self, now: Timestamp) -> Result<&SigningKey> {
        let come = self.live.iter().find(|key| key.signs_from <= now);
        come.or(self.live.last())
            .map(|key| &key.key)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "There is no signing key."))
    }

    /// Whether a key has ended since the ring was made.
    pub(crate) fn is_stale(&self, now: Timestamp) -> bool {
        self.next_end.is_some_and(|end| end <= now)
    }

    /// Whether the token was signed with a key that no longer counts.
    pub(crate) fn has_ended(&self, token: TokenId) -> bool {
        self.ended.iter().any(|mark| token.is_marked(*mark))
    }
}

fn has_not_ended(record: &SigningKeyRecord, now: Timestamp) -> bool {
    record.retired_at.is_none() && record.verifies_until.is_none_or(|until| now < until)
}

fn open(record: &SigningKeyRecord, sealer: &Sealer) -> Result<SigningKey> {
    let private = sealer
        .open(Purpose::SigningKey, &record.sealed_private)
        .map_err(|error| {
            Error::new(
                ErrorKind::Internal,
                "The signing keys in the database cannot be opened with this master key. Start \
                 with the master key that belongs to this database.",
            )
            .caused_by(error)
        })?;
    SigningKey::from_pkcs8(record.alg, &private).map_err(Error::internal)
}

fn nonce(entropy: &dyn Entropy) -> [u8; 12] {
    let mut nonce = [0; 12];
    entropy.fill(&mut nonce);
    nonce
}

/// A new key, sealed.
fn fresh(
    rotation: &Rotation,
    sealer: &Sealer,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<SigningKeyRecord> {
    let key = SigningKey::generate(rotation.algorithm).map_err(Error::internal)?;
    let private = key.to_pkcs8().map_err(Error::internal)?;
    Ok(SigningKeyRecord {
        kid: key.kid().to_owned(),
        alg: rotation.algorithm,
        sealed_private: sealer.seal(Purpose::SigningKey, &private, nonce(entropy)),
        public_jwk: key.public().to_jwk().to_string(),
        created_at: now,
        signs_from: now.plus(rotation.published_before),
        verifies_until: None,
        retired_at: None,
    })
}

/// Loads the key ring; the first start makes its own ES256 key.
pub(crate) async fn load_key_ring(
    store: &Store,
    sealer: &Sealer,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<KeyRing> {
    let mut records = store.signing_keys().await?;
    if !records.iter().any(|record| has_not_ended(record, now)) {
        let first = Rotation {
            published_before: Duration::ZERO,
            ..Rotation::default()
        };
        let mut tx = store.begin().await?;
        tx.insert_signing_key(&fresh(&first, sealer, entropy, now)?)
            .await?;
        tx.note_change(&Change::Keys).await?;
        tx.commit().await?;
        // Another process may have made one at the same moment: all live keys verify.
        records = store.signing_keys().await?;
    }
    KeyRing::new(&records, sealer, now)
}

/// Seals the private keys again that only a retired master key opens, so that nothing but tickets
/// hangs on it.
pub(crate) async fn reseal_signing_keys(
    store: &Store,
    sealer: &Sealer,
    entropy: &dyn Entropy,
) -> Result<()> {
    for record in store.signing_keys().await? {
        let private = &record.sealed_private;
        if let Some(anew) = sealer.renewed(Purpose::SigningKey, private, nonce(entropy)) {
            store.reseal_signing_key(&record.kid, &anew).await?;
        }
    }
    Ok(())
}

impl Services {
    /// Reads the keys again. One reader at a time: two could put an older ring over a newer one.
    pub(crate) async fn reload_key_ring(&self) -> Result<()> {
        let inner = &self.inner;
        let _alone = inner.tokens.reloading.lock().await;
        let ring = load_key_ring(&inner.store, &inner.sealer, &*inner.entropy, self.now());
        inner.tokens.replace_ring(ring.await?);
        Ok(())
    }

    /// All signing keys, the newest first.
    ///
    /// # Errors
    /// Database failures.
    pub async fn signing_keys(&self) -> Result<Vec<KeyInfo>> {
        let now = self.now();
        let mut records = self.inner.store.signing_keys().await?;
        records.sort_by_key(|key| (Reverse(key.signs_from), key.verifies_until.is_some()));
        let signing = records
            .iter()
            .filter(|record| has_not_ended(record, now))
            .find(|record| record.signs_from <= now)
            .map(|record| record.kid.clone());
        let state = |record: &SigningKeyRecord| match record {
            record if record.retired_at.is_some() => KeyState::Retired,
            record if !has_not_ended(record, now) => KeyState::Ended,
            record if Some(&record.kid) == signing.as_ref() => KeyState::Signs,
            record if record.signs_from > now => KeyState::Published,
            _ => KeyState::Verifies,
        };
        Ok(records
            .iter()
            .map(|record| KeyInfo {
                kid: record.kid.clone(),
                algorithm: record.alg,
                created_at: record.created_at,
                signs_from: record.signs_from,
                verifies_until: record.retired_at.or(record.verifies_until),
                state: state(record),
            })
            .collect())
    }

    /// The master keys of this node, and those that live tickets still need.
    ///
    /// # Errors
    /// Database failures.
    pub async fn sealing_keys(&self) -> Result<Vec<SealingKeyInfo>> {
        let mut fingerprints = self.inner.sealer.fingerprints();
        let current = fingerprints.first().cloned();
        let counts = self.inner.store.live_tickets_by_key(self.now()).await?;
        // Tickets that say nothing are older than the first rotation.
        let first = fingerprints.last().cloned().unwrap_or_default();
        let counts: Vec<(String, u64)> = counts
            .into_iter()
            .map(|(key, count)| (key.unwrap_or_else(|| first.clone()), count))
            .collect();
        let known = fingerprints.len();
        for (key, _) in &counts {
            if !fingerprints.contains(key) {
                fingerprints.push(key.clone());
            }
        }
        Ok(fingerprints
            .into_iter()
            .enumerate()
            .map(|(index, fingerprint)| SealingKeyInfo {
                seals: Some(&fingerprint) == current.as_ref(),
                known: index < known,
                live_tickets: counts
                    .iter()
                    .filter(|(key, _)| *key == fingerprint)
                    .map(|(_, count)| count)
                    .sum(),
                fingerprint,
            })
            .collect())
    }

    /// Makes a new signing key. It is published at once and signs after a while; the keys before it
    /// verify until the overlap ends.
    ///
    /// # Errors
    /// When the overlap is longer than [`KEY_OVERLAP`], or the database fails.
    pub async fn rotate_keys(&self, rotation: Rotation) -> Result<KeyInfo> {
        if rotation.overlap > KEY_OVERLAP || rotation.published_before > KEY_OVERLAP {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                format!(
                    "No token outlives {} seconds; give a shorter overlap.",
                    KEY_OVERLAP.as_secs()
                ),
            ));
        }
        let inner = &self.inner;
        let record = fresh(&rotation, &inner.sealer, &*inner.entropy, self.now())?;
        let until = record.signs_from.plus(rotation.overlap);
        let mut tx = inner.store.begin().await?;
        tx.end_signing_keys(until).await?;
        tx.insert_signing_key(&record).await?;
        tx.note_change(&Change::Keys).await?;
        tx.commit().await?;
        self.reload_key_ring().await?;
        Ok(KeyInfo {
            kid: record.kid,
            algorithm: record.alg,
            created_at: record.created_at,
            signs_from: record.signs_from,
            verifies_until: None,
            state: if rotation.published_before.is_zero() {
                KeyState::Signs
            } else {
                KeyState::Published
            },
        })
    }

    /// Ends a signing key: its tokens are refused from now on, and what they opened ends too.
    ///
    /// # Errors
    /// `EntityUnknown` when there is no such key or it was retired before; `RequestInvalid` when it
    /// is the only one left.
    pub async fn retire_key(&self, kid: &str) -> Result<()> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        if !tx.retire_signing_key(kid, now).await? {
            return Err(Error::new(
                ErrorKind::EntityUnknown,
                "There is no such key, or it was retired before. 'vitrine keys list' shows them.",
            ));
        }
        let records = tx.signing_keys().await?;
        if !records.iter().any(|record| has_not_ended(record, now)) {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                "This is the only key that signs. Rotate first: 'vitrine keys rotate'.",
            ));
        }
        tx.note_change(&Change::Keys).await?;
        tx.commit().await?;
        self.reload_key_ring().await?;
        Ok(())
    }
}
