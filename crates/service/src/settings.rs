//! What an operator may set, as the use cases see it.

use std::time::Duration;

use vitrine_access::forwarded::TrustedProxies;
use vitrine_access::origin::AllowedDomains;
use vitrine_access::session::SessionLimits;

use crate::budget::AccountBounds;
use crate::issuers::ExternalIssuer;
use crate::providers::SignInProvider;

/// Settings of one node. Built once by the binary from its configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The URL under which clients reach the APIs, without a trailing slash.
    pub public_url: String,
    /// The URL of the content origin (assets, `/embed`), without a trailing slash.
    pub content_url: String,
    /// `iss` of the access tokens we sign and accept.
    pub issuer: String,
    /// `aud` of the access tokens we sign and accept.
    pub audience: String,
    /// Origins of pages of ours that are embedded by others; their word about the page around
    /// them counts. Always holds the content origin.
    pub trusted_iframe_hosts: AllowedDomains,
    /// Pages of other origins whose scripts may use the platform for whoever is signed in there.
    pub platform_origins: AllowedDomains,
    /// Proxies in front of this server: what they say about the client's address counts.
    pub trusted_proxies: TrustedProxies,
    /// How long sessions live.
    pub session_limits: SessionLimits,
    /// How long a session answer waits for a computation before it says "pending".
    pub session_wait: Duration,
    /// How long a presigned upload link is good for.
    pub upload_link_ttl: Duration,
    /// How long lines of the audit trail are kept.
    pub audit_kept: Duration,
    /// How long expired and revoked tickets are kept.
    pub tickets_kept: Duration,
    /// What an account may store.
    pub account_bounds: AccountBounds,
    /// How often clients may ask.
    pub rates: RateLimits,
    /// Whether limits per address also hold for loopback addresses.
    pub limit_loopback: bool,
    /// Issuers of other accounts whose tokens count for them.
    pub external_issuers: Vec<ExternalIssuer>,
    /// Providers at which people sign in.
    pub sign_in_providers: Vec<SignInProvider>,
    /// Whether our clock is held against the database's. Off only where time is injected.
    pub compare_clocks: bool,
    /// How often there is a look at what is to be sent to webhooks; tests send by hand.
    pub webhook_round: Duration,
}

/// Requests per minute that one client may make; 0 sets no limit. A burst of a whole minute's
/// quota passes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Of one address, or one /64 network of IPv6.
    pub address: u32,
    /// Credentials of one address that are not valid.
    pub failures: u32,
    /// Under one ticket, from everywhere.
    pub ticket: u32,
    /// With access tokens of one subject, from everywhere.
    pub key: u32,
}

impl RateLimits {
    /// No limits at all.
    pub const NONE: Self = Self {
        address: 0,
        failures: 0,
        ticket: 0,
        key: 0,
    };
}

impl Default for RateLimits {
    /// A page sends some twenty requests a second while a slider moves, and many pages share the
    /// address of an office; a ticket is shared by all visitors of a shop. A guesser of
    /// credentials gets ten a second.
    fn default() -> Self {
        Self {
            address: 60_000,
            failures: 600,
            ticket: 600_000,
            key: 600_000,
        }
    }
}

/// How long a presigned upload link is good for: long enough for a slow line, short enough to be
/// worthless when it turns up in a log a day later.
pub const UPLOAD_LINK_TTL: Duration = Duration::from_mins(15);

/// How long the session answer waits for a computation. Most models are done by then, which
/// saves the page a round of polling; a slow one must not keep the page from showing progress.
pub const SESSION_WAIT: Duration = Duration::from_secs(2);

/// A node that has not heard the change log for this long trusts nothing any more.
pub const CHANGE_SILENCE_MAX: Duration = Duration::from_secs(8);

/// How often the change log is read: a revocation made elsewhere must be refused within a second.
pub const CHANGE_POLL: Duration = Duration::from_millis(200);

/// How often idle times are written behind.
pub const TOUCH_FLUSH: Duration = Duration::from_secs(5);

/// A node whose clock is further off the database's than this stops trusting expiries.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(30);

/// One credit of a limited session covers this much activity (geometry API 2.6).
pub const SESSION_SLOT: Duration = Duration::from_mins(10);
