//! Limits on how often something may happen, by the generic cell rate algorithm: one instant per
//! key, no input or output. A burst of a whole window's quota passes at once, then one call each
//! time that a share of the window has gone by.

use std::convert::Infallible;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use vitrine_access::grant::Subject;
use vitrine_access::ids::{BlobKey, ModelId, TicketId, UserId};
use vitrine_access::owner::Payer;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::time::Timestamp;

use crate::Services;
use crate::error::{Error, Result};
use crate::settings::RateLimits;
use crate::tokens::VerifiedToken;
use crate::who::Caller;

/// Keys of one kind that are remembered; the least recently seen ones are forgotten first, which
/// only ever forgives.
const KEYS_MAX: usize = 200_000;
const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);
/// The window of sign-ins by password.
const QUARTER: Duration = Duration::from_mins(15);
/// Sign-ins by password under one name from one address in a quarter of an hour, right or wrong: a person needs
/// a few, and a guesser gets some thousand a day at names and passwords that he hopes for.
const SIGN_INS_OF_NAME: u32 = 30;
/// The same from all addresses together at which the name has not signed in before: whoever has many addresses
/// gets no more than ten of one. A stranger can use it up, but not that of an address its owner comes from.
const SIGN_INS_OF_NAME_ANYWHERE: u32 = 300;
/// How long an address is known for a name after a sign-in.
const ADDRESS_KNOWN: Duration = Duration::from_hours(31 * 24);
/// The same of one address, whatever the names: an office shares one.
const SIGN_INS_OF_ADDRESS: u32 = 150;

/// Caps that an account sets in an hour: each holds up charges for as long as it counts what was spent.
const CAPS_OF_USER: u32 = 20;

/// Codes of a second factor that are tried in a quarter of an hour, right or wrong.
const SECOND_FACTORS_OF_USER: u32 = 10;

/// What a refusal tells about the limit that was reached
/// (draft-ietf-httpapi-ratelimit-headers-10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// Name of the policy.
    pub policy: &'static str,
    /// Calls that one window allows.
    pub quota: u32,
    /// The window, in seconds.
    pub window_s: u64,
    /// After how many whole seconds, at least one, a call passes again.
    pub retry_after_s: u64,
}

/// So many calls in a window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    policy: &'static str,
    calls: u32,
    window: Duration,
}

impl Quota {
    /// Calls per minute, of which none are counted when the operator says 0.
    fn per_minute(policy: &'static str, calls: u32) -> Option<Self> {
        (calls > 0).then_some(Self {
            policy,
            calls,
            window: MINUTE,
        })
    }

    /// Calls per hour, of which 0 allows none.
    pub(crate) fn per_hour(policy: &'static str, calls: u32) -> Self {
        Self {
            policy,
            calls,
            window: HOUR,
        }
    }

    /// The next theoretical arrival time, or how long to wait. Microseconds, because a large quota
    /// has intervals far below the clock's milliseconds.
    fn conform(self, arrival_us: i64, now: Timestamp) -> std::result::Result<i64, Duration> {
        let window_us = i64::try_from(self.window.as_micros()).unwrap_or(i64::MAX);
        let Some(interval_us) = window_us.checked_div(i64::from(self.calls)) else {
            return Err(self.window);
        };
        let now_us = in_us(now);
        let next_us = arrival_us.max(now_us).saturating_add(interval_us);
        let over_us = next_us - now_us - window_us;
        match u64::try_from(over_us) {
            Ok(over_us @ 1..) => Err(Duration::from_micros(over_us)),
            _ => Ok(next_us),
        }
    }

    fn refused(self, wait: Duration) -> Limited {
        Limited {
            policy: self.policy,
            quota: self.calls,
            window_s: self.window.as_secs(),
            // Clients take 0 for a minute; a moment too early would be refused again.
            retry_after_s: wait
                .as_secs()
                .saturating_add(u64::from(wait.subsec_nanos() > 0))
                .max(1),
        }
    }
}

fn in_us(at: Timestamp) -> i64 {
    at.unix_ms().saturating_mul(1000)
}

/// The cells of one kind of key.
pub(crate) struct Cells<K: Hash + Eq + Clone + Send + Sync + 'static> {
    arrivals: quick_cache::sync::Cache<K, Arc<Mutex<i64>>>,
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> Cells<K> {
    pub(crate) fn new() -> Self {
        Self {
            arrivals: quick_cache::sync::Cache::new(KEYS_MAX),
        }
    }

    /// One call of the key.
    pub(crate) fn take(
        &self,
        key: &K,
        quota: Quota,
        now: Timestamp,
    ) -> std::result::Result<(), Limited> {
        let new = || Ok::<_, Infallible>(Arc::new(Mutex::new(in_us(now))));
        let Ok(cell) = self.arrivals.get_or_insert_with(key, new);
        let mut arrival = cell.lock().unwrap_or_else(PoisonError::into_inner);
        *arrival = quota
            .conform(*arrival, now)
            .map_err(|wait| quota.refused(wait))?;
        Ok(())
    }
}

/// All that is counted on this node.
pub(crate) struct Limiter {
    sessions: Cells<(ModelId, IpAddr)>,
    addresses: Cells<IpAddr>,
    failures: Cells<IpAddr>,
    tickets: Cells<TicketId>,
    /// An issuer of an account's own says any subject it likes: they count
    /// together with its account, never against another's quota.
    subjects: Cells<(Option<Payer>, Subject)>,
    /// By a hash of the name, whether somebody has it or not.
    names: Cells<BlobKey>,
    /// The same from one address; `None` where none is known.
    names_at: Cells<(BlobKey, Option<IpAddr>)>,
    /// From where names have signed in.
    known_at: Cache<(BlobKey, Option<IpAddr>), ()>,
    signing_in: Cells<IpAddr>,
    caps: Cells<UserId>,
    rates: RateLimits,
    limit_loopback: bool,
}

impl Limiter {
    pub(crate) fn new(rates: RateLimits, limit_loopback: bool) -> Self {
        Self {
            sessions: Cells::new(),
            addresses: Cells::new(),
            failures: Cells::new(),
            tickets: Cells::new(),
            subjects: Cells::new(),
            names: Cells::new(),
            names_at: Cells::new(),
            known_at: Cache::builder()
                .max_capacity(KEYS_MAX as u64)
                .time_to_live(ADDRESS_KNOWN)
                .build(),
            signing_in: Cells::new(),
            caps: Cells::new(),
            rates,
            limit_loopback,
        }
    }

    fn exempt(&self, address: IpAddr) -> bool {
        address.is_loopback() && !self.limit_loopback
    }

    /// One sign-in of an address, whatever the name.
    fn signing_in(
        &self,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> std::result::Result<(), Limited> {
        let Some(address) = address.filter(|address| !self.exempt(*address)) else {
            return Ok(());
        };
        let quota = Quota {
            policy: "sign-in",
            calls: SIGN_INS_OF_ADDRESS,
            window: QUARTER,
        };
        self.signing_in.take(&network_of(address), quota, now)
    }

    /// One sign-in under a name.
    fn sign_in(
        &self,
        name: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> std::result::Result<(), Limited> {
        let quota = |calls| Quota {
            policy: "sign-in",
            calls,
            window: QUARTER,
        };
        self.signing_in(address, now)?;
        let place = place_of(name, address);
        self.names_at.take(&place, quota(SIGN_INS_OF_NAME), now)?;
        if self.known_at.contains_key(&place) {
            return Ok(());
        }
        self.names
            .take(&place.0, quota(SIGN_INS_OF_NAME_ANYWHERE), now)
    }

    /// One session of `address` on `model`, of which `per_hour` are allowed.
    ///
    /// # Errors
    /// A refusal of kind `RateLimited` with the whole seconds to wait.
    pub(crate) fn session(
        &self,
        model: ModelId,
        address: IpAddr,
        per_hour: u32,
        now: Timestamp,
    ) -> Result<()> {
        if self.exempt(address) {
            return Ok(());
        }
        let quota = Quota::per_hour("sessions", per_hour);
        let key = (model, network_of(address));
        self.sessions.take(&key, quota, now).map_err(|limited| {
            refused(
                limited,
                &format!(
                    "This address opened more sessions of the model than its setting \
                     session_rate_limit allows ({per_hour} per hour)."
                ),
            )
        })
    }
}

/// A name and from where it is used.
fn place_of(name: &str, address: Option<IpAddr>) -> (BlobKey, Option<IpAddr>) {
    (BlobKey::of(name.as_bytes()), address.map(network_of))
}

/// What stands for one client: providers hand out whole /64 networks of IPv6.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
    }
}

pub(crate) fn refused(limited: Limited, what: &str) -> Error {
    metrics::counter!("vitrine_rate_limited_total", "policy" => limited.policy).increment(1);
    let seconds = limited.retry_after_s;
    let message = format!("{what} Try again in {seconds} seconds.");
    Error::from(Refusal::new(RefusalKind::RateLimited, message)).limited(limited)
}

impl Services {
    /// One request of an address, whatever it asks for.
    ///
    /// # Errors
    /// A refusal of kind `RateLimited`.
    pub fn limit_address(&self, address: IpAddr) -> Result<()> {
        let limiter = &self.inner.limiter;
        if limiter.exempt(address) {
            return Ok(());
        }
        let (now, key) = (self.now(), network_of(address));
        if let Some(quota) = Quota::per_minute("address", limiter.rates.address) {
            let taken = limiter.addresses.take(&key, quota, now);
            taken.map_err(|limited| refused(limited, "This address sent too many requests."))?;
        }
        Ok(())
    }

    /// Notes that an address showed a credential that is not valid. Over the limit this refusal stands
    /// in place of what was wrong with it, so that a guesser learns nothing more; what is valid passes all
    /// the same, because a thousand people may share an address with one who guesses. Every credential
    /// is therefore looked at: at most one signature or one row by its key, as many times a minute as
    /// the address may ask at all. Passwords, which cost more and can be guessed, have limits of their
    /// own that are asked first.
    ///
    /// # Errors
    /// A refusal of kind `RateLimited`.
    pub fn note_failure(&self, address: IpAddr) -> Result<()> {
        let limiter = &self.inner.limiter;
        if limiter.exempt(address) {
            return Ok(());
        }
        let Some(quota) = Quota::per_minute("failures", limiter.rates.failures) else {
            return Ok(());
        };
        let key = network_of(address);
        let taken = limiter.failures.take(&key, quota, self.now());
        taken.map_err(|limited| {
            let what = "This address sent too many credentials that are not valid.";
            refused(limited, what)
        })
    }

    /// One cap that an account sets.
    ///
    /// # Errors
    /// A refusal of kind `RateLimited`.
    pub(crate) fn limit_caps(&self, user: UserId) -> Result<()> {
        let quota = Quota::per_hour("caps", CAPS_OF_USER);
        let taken = self.inner.limiter.caps.take(&user, quota, self.now());
        taken.map_err(|limited| refused(limited, "This account changed caps too often."))
    }

    /// One request under a ticket.
    ///
    /// # Errors
    /// A refusal of kind `RateLimited`.
    pub(crate) fn limit_ticket(&self, ticket: TicketId, caller: &Caller) -> Result<()> {
        let limiter = &self.inner.limiter;
        match Quota::per_minute("ticket", limiter.rates.ticket) {
            Some(quota) if !self.exempt(caller) => limiter
                .tickets
                .take(&ticket, quota, self.now())
                .map_err(|limited| refused(limited, "This ticket was used too often.")),
            _ => Ok(()),
        }
    }

    /// One request with this access token; those of its subject count together.
    ///
    /// # Errors
    /// A refusal of kind `RateLimited`.
    pub(crate) fn limit_subject(&self, token: &VerifiedToken, caller: &Caller) -> Result<()> {
        self.limit_account(token.account, token.token.subject, caller)
    }

    /// One request of a subject, as the issuer of this account names it; `None` is ourselves.
    ///
    /// # Errors
    /// A refusal of kind `RateLimited`.
    pub(crate) fn limit_account(
        &self,
        account: Option<Payer>,
        subject: Subject,
        caller: &Caller,
    ) -> Result<()> {
        let limiter = &self.inner.limiter;
        let key = (account, subject);
        match Quota::per_minute("key", limiter.rates.key) {
            Some(quota) if !self.exempt(caller) => limiter
                .subjects
                .take(&key, quota, self.now())
                .map_err(|limited| {
                    refused(
                        limited,
                        "Access tokens of this subject were used too often.",
                    )
                }),
            _ => Ok(()),
        }
    }

    /// One sign-in by password, before anything is looked up.
    ///
    /// # Errors
    /// A refusal of kind `RateLimited`, in the same words whether the name exists or not.
    pub(crate) fn limit_sign_in(&self, name: &str, caller: &Caller) -> Result<()> {
        let taken = self.inner.limiter.sign_in(name, caller.address, self.now());
        taken.map_err(|limited| refused(limited, "There were too many tries to sign in."))
    }

    /// One sign-in that says no name yet.
    ///
    /// # Errors
    /// A refusal of kind `RateLimited`.
    pub(crate) fn limit_signing_in(&self, caller: &Caller) -> Result<()> {
        let taken = self.inner.limiter.signing_in(caller.address, self.now());
        taken.map_err(|limited| refused(limited, "There were too many tries to sign in."))
    }

    /// Somebody has signed in under a name: strangers at other addresses cannot keep them from it any more.
    pub(crate) fn note_signed_in(&self, name: &str, caller: &Caller) {
        let place = place_of(name, caller.address);
        self.inner.limiter.known_at.insert(place, ());
    }

    /// One try of a second factor. Whoever comes so far has the password, so that a guesser's tries are few:
    /// at this rate a code of six digits is guessed in a year or so.
    ///
    /// # Errors
    /// A refusal of kind `RateLimited`.
    pub(crate) fn limit_second_factor(&self, user: UserId) -> Result<()> {
        let quota = Quota {
            policy: "second-factor",
            calls: SECOND_FACTORS_OF_USER,
            window: QUARTER,
        };
        let key = BlobKey::of(format!("second factor of {user}").as_bytes());
        let taken = self.inner.limiter.names.take(&key, quota, self.now());
        taken.map_err(|limited| refused(limited, "There were too many tries of a second factor."))
    }

    fn exempt(&self, caller: &Caller) -> bool {
        caller
            .address
            .is_some_and(|address| self.inner.limiter.exempt(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(calls: u32, window: Duration) -> Quota {
        Quota {
            policy: "test",
            calls,
            window,
        }
    }

    #[test]
    fn the_quota_of_a_window_passes_at_once_and_one_more_does_not() {
        let now = Timestamp::from_unix_ms(1_000_000);
        let quota = quota(10, HOUR);
        let mut arrival = in_us(now);
        for _ in 0..10 {
            arrival = quota.conform(arrival, now).unwrap();
        }
        let wait = quota.conform(arrival, now).unwrap_err();
        assert_eq!(wait, Duration::from_mins(6));
        assert!(quota.conform(arrival, now.plus(wait)).is_ok());
    }

    #[test]
    fn a_quota_far_above_one_call_a_millisecond_counts_too() {
        let now = Timestamp::from_unix_ms(1_000_000);
        let quota = quota(600_000, MINUTE);
        let mut arrival = in_us(now);
        for _ in 0..600_000 {
            arrival = quota.conform(arrival, now).unwrap();
        }
        assert!(quota.conform(arrival, now).is_err());
    }

    #[test]
    fn a_quota_of_zero_lets_nothing_pass() {
        let now = Timestamp::from_unix_ms(0);
        assert_eq!(quota(0, HOUR).conform(0, now), Err(HOUR));
    }

    #[test]
    fn the_wait_is_told_in_whole_seconds_of_at_least_one() {
        let quota = quota(10, MINUTE);
        for (wait_ms, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (6_000, 6)] {
            let limited = quota.refused(Duration::from_millis(wait_ms));
            assert_eq!(limited.retry_after_s, seconds, "{wait_ms} ms");
        }
    }

    #[test]
    fn strangers_use_up_a_name_at_new_addresses_and_not_where_its_owner_comes_from() {
        let limiter = Limiter::new(RateLimits::NONE, true);
        let now = Timestamp::from_unix_ms(1_000_000);
        let at = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let (home, office) = (at("192.0.2.1"), at("192.0.2.2"));
        limiter.sign_in("ada", home, now).unwrap();
        limiter.known_at.insert(place_of("ada", home), ());
        // One address has its share, and no more.
        for _ in 0..SIGN_INS_OF_NAME {
            limiter.sign_in("ada", at("198.51.100.1"), now).unwrap();
        }
        assert!(limiter.sign_in("ada", at("198.51.100.1"), now).is_err());
        limiter.sign_in("ada", office, now).unwrap();
        // Many addresses together have theirs.
        let mut passed = 2 + SIGN_INS_OF_NAME;
        for n in 0..1_000_u32 {
            let address = at(&format!("203.0.{}.{}", n / 250, n % 250));
            passed += u32::from(limiter.sign_in("ada", address, now).is_ok());
        }
        assert_eq!(passed, SIGN_INS_OF_NAME_ANYWHERE);
        assert!(limiter.sign_in("ada", at("203.0.113.9"), now).is_err());
        assert!(limiter.sign_in("bob", at("203.0.113.9"), now).is_ok());
        // The owner's address is not asked for it, but has its own bound all the same.
        for _ in 1..SIGN_INS_OF_NAME {
            limiter.sign_in("ada", home, now).unwrap();
        }
        assert!(limiter.sign_in("ada", home, now).is_err());
        // Time gives it back.
        let later = now.plus(QUARTER);
        assert!(limiter.sign_in("ada", at("203.0.113.9"), later).is_ok());
    }

    #[test]
    fn neighbours_in_an_ipv6_network_count_as_one_and_in_ipv4_as_two() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
