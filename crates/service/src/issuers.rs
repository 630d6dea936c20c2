//! External issuers: servers of an account's own whose access tokens count here for that account.
//!
//! Their key sets are fetched beside requests, never in one: at the start, every few minutes, and soon
//! after a token named a key that is not known yet. A token is held against the keys of the issuer
//! that it names and no other, so that no issuer can take another's key ids.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;
use vitrine_access::egress::EgressPurpose;
use vitrine_access::grant::Subject;
use vitrine_access::ids::IssuerKey;
use vitrine_access::jwt::{AccessToken, Expected, JwtError, KeySet, claimed_issuer};
use vitrine_access::owner::Payer;
use vitrine_access::permissions::PermissionSet;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::time::Timestamp;

use crate::Services;
use crate::error::{Error, Result};
use crate::outgoing::OutgoingRequest;
use crate::tokens::VerifiedToken;

/// How often a key set is read again: a key that its issuer withdrew counts for no longer than this.
pub const KEYS_REFRESH: Duration = Duration::from_mins(5);
/// Shortest time between two tries, whatever tokens name: anybody can invent key ids.
pub const KEYS_RETRY: Duration = Duration::from_secs(30);
/// Without a new answer for so long, the last known keys count no more.
pub const KEYS_STALE_MAX: Duration = Duration::from_hours(24);
/// Bytes of a key set: 64 RSA keys of the largest size have less.
pub const KEYS_BYTES_MAX: usize = 256 << 10;
/// Time for one fetch.
const KEYS_FETCH_MAX: Duration = Duration::from_secs(10);
/// How often it is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where an issuer's keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A URL, fetched under the egress rules for `jwks`.
    Url(String),
    /// A file of this node.
    File(PathBuf),
}

/// An issuer whose tokens count for one account.
#[derive(Clone, Debug)]
pub struct ExternalIssuer {
    /// `iss`, exactly.
    pub issuer: String,
    /// `aud` that its tokens must name.
    pub audience: String,
    /// Its public keys.
    pub keys: KeySource,
    /// The account; only its models are covered.
    pub account: Payer,
    /// The most that its tokens may permit; `None` for everything that is not reserved.
    pub allowed: Option<PermissionSet>,
}

/// Keys of an issuer, and what stands for each of them in sessions and links.
type Keys = (Arc<KeySet>, Arc<[IssuerKey]>);

/// What is known of an issuer's keys.
#[derive(Clone, Default)]
struct Known {
    keys: Option<Keys>,
    text: Arc<[u8]>,
    read_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

pub(crate) struct Issuer {
    settings: ExternalIssuer,
    known: RwLock<Known>,
    wanted: AtomicBool,
    failing: AtomicBool,
    wake: Arc<Notify>,
}

/// All external issuers.
pub(crate) struct Issuers {
    list: Vec<Issuer>,
    wake: Arc<Notify>,
}

impl Issuers {
    pub(crate) fn new(settings: &[ExternalIssuer]) -> Self {
        let wake = Arc::new(Notify::new());
        let issuer = |settings: &ExternalIssuer| Issuer {
            settings: settings.clone(),
            known: RwLock::default(),
            wanted: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            wake: Arc::clone(&wake),
        };
        Self {
            list: settings.iter().map(issuer).collect(),
            wake,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The external issuer that an unverified token names; `None` leaves it to our own keys.
    pub(crate) fn of_token(&self, bearer: &str) -> Option<&Issuer> {
        if self.list.is_empty() {
            return None;
        }
        let claimed = claimed_issuer(bearer).ok()?;
        self.list
            .iter()
            .find(|issuer| issuer.settings.issuer == claimed)
    }
}

impl Issuer {
    fn known(&self) -> Known {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// Verifies a token that names this issuer.
    pub(crate) fn verify(&self, bearer: &str, now: Timestamp) -> Result<VerifiedToken> {
        let Some((keys, _)) = self.known().keys else {
            self.want();
            return Err(unavailable());
        };
        let settings = &self.settings;
        let expected = Expected {
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
        };
        let token = AccessToken::verify(&keys, bearer, &expected, now)
            .inspect_err(|error| {
                if *error == JwtError::KeyUnknown {
                    self.want();
                }
            })
            .map_err(Refusal::from)?;
        self.check_reach(&token)?;
        let mut grant = token.grant();
        if let Some(allowed) = &settings.allowed {
            grant.permissions = grant.permissions.intersection(allowed);
        }
        let issuer_key = AccessToken::key_id(bearer)
            .and_then(|kid| keys.find(&kid).map(|key| key.of_issuer(&settings.issuer)));
        Ok(VerifiedToken {
            token,
            grant,
            account: Some(settings.account),
            issuer_key: Some(issuer_key.ok_or(Refusal::from(JwtError::KeyUnknown))?),
        })
    }

    /// No back end, nothing reserved, and no account but its own.
    fn check_reach(&self, token: &AccessToken) -> Result<()> {
        let own = match token.subject {
            Subject::Backend => false,
            Subject::User(user) => self.settings.account == Payer::User(user),
            Subject::Organization(id) => self.settings.account == Payer::Organization(id),
            // Whose these are is decided model by model.
            Subject::Model(_) | Subject::AuthGroup(_) => true,
        };
        let (asked, _) = PermissionSet::from_scopes(&token.scopes);
        if own && asked.clone().without_reserved() == asked {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalKind::TokenInvalid,
            "The access token claims what its issuer cannot give: another account, the back end, \
             or a scope that is reserved to it. Request a token for a model of the account.",
        )
        .into())
    }

    /// Whether this key is one of the issuer's now; `None` while its keys are not known.
    fn holds(&self, wanted: IssuerKey) -> Option<bool> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        Some(known.keys.as_ref()?.1.contains(&wanted))
    }

    fn is_due(&self, now: Timestamp) -> bool {
        match self.known().tried_at {
            None => true,
            Some(tried) if self.wanted.load(Ordering::Relaxed) => now >= tried.plus(KEYS_RETRY),
            Some(tried) if self.failing.load(Ordering::Relaxed) => now >= tried.plus(KEYS_RETRY),
            Some(tried) => now >= tried.plus(KEYS_REFRESH),
        }
    }

    /// Takes what was read; whether other keys count now than before.
    fn take(&self, read: Option<(Arc<KeySet>, Arc<[u8]>)>, now: Timestamp) -> bool {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.tried_at = Some(now);
        let had_keys = known.keys.is_some();
        match read {
            Some((keys, text)) => {
                known.read_at = Some(now);
                let changed = !had_keys || known.text != text;
                let marks = keys.iter().map(|key| key.of_issuer(&self.settings.issuer));
                let marks = marks.collect();
                known.keys = Some((keys, marks));
                known.text = text;
                changed
            }
            None if known
                .read_at
                .is_some_and(|read| now >= read.plus(KEYS_STALE_MAX)) =>
            {
                known.keys = None;
                had_keys
            }
            None => false,
        }
    }
}

/// What is said while nobody can know whether a key still counts.
fn unavailable() -> Error {
    Refusal::new(
        RefusalKind::TrustUnavailable,
        "The keys of the access token's issuer could not be fetched yet. Try again in a minute.",
    )
    .into()
}

impl Services {
    /// Whether the key that signed a token, or the token behind a session or link, is still one of its
    /// issuer's; those of our own have none.
    ///
    /// # Errors
    /// `TrustUnavailable` while an issuer's keys are not known and it might be one of them.
    pub(crate) fn issuer_key_counts(&self, key: Option<IssuerKey>) -> Result<bool> {
        let Some(key) = key else { return Ok(true) };
        let mut in_doubt = false;
        for issuer in &self.inner.issuers.list {
            match issuer.holds(key) {
                Some(true) => return Ok(true),
                Some(false) => {}
                None => {
                    issuer.want();
                    in_doubt = true;
                }
            }
        }
        if in_doubt {
            return Err(unavailable());
        }
        Ok(false)
    }

    /// Reads the keys of those issuers for whom it is time.
    pub(crate) async fn refresh_issuers(&self) {
        let now = self.now();
        for issuer in self.inner.issuers.list.iter().filter(|one| one.is_due(now)) {
            issuer.wanted.store(false, Ordering::Relaxed);
            let read = self.read_keys(&issuer.settings.keys).await;
            let name = &issuer.settings.issuer;
            let failed = read.is_err();
            if let Err(cause) = &read
                && !issuer.failing.load(Ordering::Relaxed)
            {
                tracing::warn!(issuer = name, cause, "the keys of an issuer cannot be read");
            }
            if issuer.failing.swap(failed, Ordering::Relaxed) && !failed {
                tracing::info!(issuer = name, "the keys of an issuer are read again");
            }
            if issuer.take(read.ok(), now) {
                self.inner.tokens.forget_verified();
            }
        }
    }

    async fn read_keys(
        &self,
        source: &KeySource,
    ) -> std::result::Result<(Arc<KeySet>, Arc<[u8]>), String> {
        let text: Arc<[u8]> = match source {
            KeySource::Url(url) => {
                let request = OutgoingRequest::get(EgressPurpose::Jwks, url)
                    .bytes_max(KEYS_BYTES_MAX)
                    .time_max(KEYS_FETCH_MAX);
                let answer = self.inner.outgoing.fetch(request).await;
                let answer = answer.map_err(|error| error.to_string())?;
                if answer.status.as_u16() != 200 {
                    return Err(format!("the answer is {}", answer.status));
                }
                answer.body.as_ref().into()
            }
            KeySource::File(path) => read_file(path).await?.into(),
        };
        let keys = KeySet::from_jwks(&text).map_err(|error| error.to_string())?;
        Ok((Arc::new(keys), text))
    }
}

async fn read_file(path: &Path) -> std::result::Result<Vec<u8>, String> {
    use tokio::io::AsyncReadExt as _;
    let said = |error: std::io::Error| error.to_string();
    let file = tokio::fs::File::open(path).await.map_err(said)?;
    let mut bytes = Vec::new();
    let bound = KEYS_BYTES_MAX as u64;
    file.take(bound + 1)
        .read_to_end(&mut bytes)
        .await
        .map_err(said)?;
    if bytes.len() > KEYS_BYTES_MAX {
        return Err(format!("the file is larger than {KEYS_BYTES_MAX} bytes"));
    }
    Ok(bytes)
}

/// Keeps the keys of all issuers fresh until the server stops.
pub(crate) async fn follow(services: Services) {
    let stopping = services.inner.stopping.clone();
    let wake = Arc::clone(&services.inner.issuers.wake);
    loop {
        services.refresh_issuers().await;
        tokio::select! {
            () = stopping.cancelled() => break,
            () = wake.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
