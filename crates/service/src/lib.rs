//! The use cases of Vitrine: sessions, computations, models, tickets, tokens, metering, jobs.
//!
//! Handlers of every protocol, background jobs and the command line all call these. A use case
//! owns its transaction; no network, blob or engine call happens inside one.

mod admission;
pub mod analytics;
pub mod applications;
mod asked;
pub mod assets;
pub mod audit;
pub mod authoring;
pub mod authorize;
mod blob_keeping;
pub mod budget;
pub mod changes;
mod coalesce;
pub mod computations;
pub mod coverage;
pub mod editor;
pub mod editor_tokens;
pub mod embed;
pub mod error;
mod flights;
mod gauges;
mod inline_data;
pub mod issuers;
pub mod jobs;
pub mod keys;
mod life;
pub mod limiter;
pub mod limits;
pub mod listening;
pub mod memberships;
pub mod metering;
mod model_patch;
pub mod models;
mod notices;
mod offset;
pub mod outgoing;
pub mod partners;
pub mod passkeys;
mod passwords;
pub mod platform;
pub mod platform_accounts;
pub mod platform_frames;
pub mod platform_metrics;
pub mod platform_models;
mod platform_tokens;
pub mod platform_upkeep;
mod presence;
mod producing;
pub mod providers;
mod remembered;
mod retention;
mod rolling;
pub mod second_factors;
pub mod sessions;
mod set_up;
pub mod settings;
pub mod sharing;
mod sign_ins;
pub mod tickets;
pub mod tokens;
pub mod usage_export;
mod users;
pub mod webhooks;
pub mod who;
mod withdrawal;

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vitrine_access::ids::{AuthGroupId, ModelId, SessionAlias, SessionHash, TicketId};
use vitrine_access::random::Entropy;
use vitrine_access::seal::Sealer;
use vitrine_access::time::{Clock, Timestamp};
use vitrine_engine::pool::{WorkerPool, WorkerPoolConfig};
use vitrine_store::{AuthGroupRecord, Blobs, Store, TicketRecord};

pub use error::{Error, ErrorKind, Result};
pub use limiter::Limited;
pub use settings::{RateLimits, Settings};
// Records that use cases return; the rooms above know the store only through them.
pub use vitrine_store::{
    AccessKeyRecord, ApplicationRecord, AuditCursor, BlobError, Clause, ComputationRecord,
    ComputationStatus, Condition, DeliveryRecord, Field, FieldKind, InvitationRecord, ListQuery,
    MODEL_FIELDS, MetricGroup, MetricScope, ModelFilter, ModelRecord, ModelSettings,
    NOTIFICATION_FIELDS, NotificationRecord, Operand, OrganizationRecord, OutputVersionRecord,
    PartnerKeyRecord, PartnerRecord, PartnerSettings, PasskeyRecord, ResultKind, ScriptJobState,
    ShareRecord, SignInRecord, SortBy, StoredContent, Test, UserRecord, WebhookRecord,
};

use crate::audit::Trail;
use crate::budget::Budget;
use crate::changes::Changes;
use crate::computations::Computations;
use crate::editor::Drawings;
use crate::editor::scripts::Scripts;
use crate::issuers::Issuers;
use crate::limiter::Limiter;
use crate::outgoing::Outgoing;
use crate::partners::Partners;
use crate::passwords::Passwords;
use crate::presence::{SessionEntry, Touches};
use crate::providers::Providers;
use crate::remembered::Remembered;
use crate::tokens::Tokens;

/// Models whose settings are kept in memory.
const MODELS_CACHED_MAX: usize = 10_000;
/// Tickets kept in memory.
const TICKETS_CACHED_MAX: usize = 100_000;
/// Authorization groups kept in memory; each has at most a thousand ids.
const AUTH_GROUPS_CACHED_MAX: usize = 1_000;
/// How long a stopping server waits for computations under way before it ends the workers.
const FLIGHTS_GRACE: Duration = Duration::from_secs(10);
/// Sessions kept in memory; beyond it the least recently used ones are read again when needed.
const SESSIONS_CACHED_MAX: usize = 1_000_000;
/// Sessions of refused requests whose lines in the trail are about to be written.
const REFUSED_SESSIONS_CACHED_MAX: usize = 10_000;

/// What the use cases need from outside. The binary builds the real ones, tests their own.
pub struct Adapters {
    /// Database.
    pub store: Store,
    /// Model files and computed assets.
    pub blobs: Blobs,
    /// Worker processes that run model code.
    pub pool: WorkerPool,
    /// How worker processes that read drawings are started; none is before the first drawing.
    pub drawing_pool: WorkerPoolConfig,
    /// Seals tickets, links and keys.
    pub sealer: Sealer,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The one way out to other servers.
    pub outgoing: Arc<dyn Outgoing>,
}

/// All use cases over one set of adapters; cheap to clone.
#[derive(Clone)]
pub struct Services {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    blobs: Blobs,
    pool: WorkerPool,
    sealer: Sealer,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    outgoing: Arc<dyn Outgoing>,
    settings: Settings,
    tokens: Tokens,
    models: Remembered<ModelId, ModelRecord>,
    tickets: Remembered<TicketId, TicketRecord>,
    sessions: Remembered<SessionHash, SessionEntry>,
    budget: Budget,
    auth_groups: Remembered<AuthGroupId, AuthGroupRecord>,
    issuers: Issuers,
    providers: Providers,
    aliases: Cache<SessionAlias, SessionHash>,
    /// The models of sessions that were refused something: the trail has to name them, and unlike
    /// the sessions themselves they never change.
    refused_sessions: Cache<SessionHash, ModelId>,
    partners: Partners,
    passwords: Passwords,
    drawings: Drawings,
    scripts: Scripts,
    touches: Touches,
    trail: Trail,
    computations: Computations,
    limiter: Limiter,
    changes: Changes,
    job_added: Notify,
    tracker: TaskTracker,
    stopping: CancellationToken,
}

impl Services {
    /// Loads the keys and starts the background tasks.
    ///
    /// # Errors
    /// When the database cannot be read or the master key does not fit it.
    pub async fn start(adapters: Adapters, settings: Settings) -> Result<Self> {
        let Adapters {
            store,
            blobs,
            pool,
            drawing_pool,
            sealer,
            clock,
            entropy,
            outgoing,
        } = adapters;
        let now = clock.now();
        // First of all: what changes while the rest is read is then heard again, not missed.
        let last_change = store.last_change_id().await?;
        keys::reseal_signing_keys(&store, &sealer, &*entropy).await?;
        let ring = keys::load_key_ring(&store, &sealer, &*entropy, now).await?;
        let revoked = store.revoked_tokens(now).await?;
        let services = Self {
            inner: Arc::new(Inner {
                tokens: Tokens::new(ring, revoked),
                models: Remembered::new("models", MODELS_CACHED_MAX),
                tickets: Remembered::new("tickets", TICKETS_CACHED_MAX),
                sessions: Remembered::new("sessions", SESSIONS_CACHED_MAX),
                auth_groups: Remembered::new("auth_groups", AUTH_GROUPS_CACHED_MAX),
                budget: Budget::new(),
                issuers: Issuers::new(&settings.external_issuers),
                providers: Providers::new(&settings.sign_in_providers),
                aliases: Cache::new(SESSIONS_CACHED_MAX),
                refused_sessions: Cache::new(REFUSED_SESSIONS_CACHED_MAX),
                partners: Partners::new(),
                passwords: Passwords::new(),
                drawings: Drawings::new(drawing_pool),
                scripts: Scripts::new(),
                touches: Touches::default(),
                trail: Trail::new(),
                computations: Computations::new(),
                limiter: Limiter::new(settings.rates, settings.limit_loopback),
                changes: Changes::new(last_change),
                job_added: Notify::new(),
                tracker: TaskTracker::new(),
                stopping: CancellationToken::new(),
                store,
                blobs,
                pool,
                sealer,
                clock,
                entropy,
                outgoing,
                settings,
            }),
        };
        services.load_revoked_subjects().await?;
        if services.inner.settings.compare_clocks {
            services.compare_clocks().await?;
        }
        Ok(services)
    }

    /// Starts what runs beside requests: the change log, write-behind of idle times, jobs.
    /// Commands that do one thing and end do not call this.
    pub fn spawn_background(&self) {
        let tracker = &self.inner.tracker;
        tracker.spawn(changes::follow(self.clone()));
        tracker.spawn(listening::run(self.clone()));
        tracker.spawn(presence::flush_touches(self.clone()));
        tracker.spawn(jobs::run(self.clone()));
        tracker.spawn(editor::scripts::run(self.clone()));
        tracker.spawn(audit::write_behind(self.clone()));
        tracker.spawn(retention::run(self.clone()));
        tracker.spawn(rolling::run(self.clone()));
        tracker.spawn(webhooks::run(self.clone()));
        if !self.inner.issuers.is_empty() {
            tracker.spawn(issuers::follow(self.clone()));
        }
    }

    /// Stops the background tasks, writes what was written behind and ends the workers.
    pub async fn shutdown(&self) {
        self.inner.stopping.cancel();
        self.inner.tracker.close();
        // Computations that take longer end with their workers; asking again starts them anew.
        let landed = tokio::time::timeout(FLIGHTS_GRACE, self.inner.tracker.wait()).await;
        self.inner.pool.shutdown().await;
        self.inner.drawings.shutdown().await;
        if landed.is_err() {
            self.inner.tracker.wait().await;
        }
        self.write_touches().await;
        if let Err(error) = self.write_result_uses().await {
            tracing::warn!(cause = error.cause_chain(), "uses of results are lost");
        }
        self.inner.trail.close_now();
        self.write_trail().await;
        self.inner.store.close().await;
    }

    /// The present instant: by the injected clock, set right by the database's where the two differ.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let own = self.inner.clock.now();
        match self.inner.changes.clock_behind_ms() {
            0 => own,
            behind_ms => Timestamp::from_unix_ms(own.unix_ms().saturating_add(behind_ms)),
        }
    }

    /// The injected source of randomness.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.inner.entropy
    }

    /// The one way out to other servers: every request of ours goes through it.
    #[must_use]
    pub fn outgoing(&self) -> &dyn Outgoing {
        &*self.inner.outgoing
    }

    /// The operator's settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The worker pool, for health details.
    #[must_use]
    pub fn pool(&self) -> &WorkerPool {
        &self.inner.pool
    }

    /// The database, for the command line's own finders.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Whether this node may answer requests that need trust.
    ///
    /// # Errors
    /// [`ErrorKind::NotReady`] with the reason.
    pub async fn ready(&self) -> Result<()> {
        self.inner.store.ping().await?;
        self.trusted()
    }
}
