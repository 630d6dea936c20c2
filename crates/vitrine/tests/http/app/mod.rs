//! A server for one test: own database, own folder, own workers, own time and chance.

mod log;
mod request;
mod scripts;
mod session;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use vitrine_access::decide::ModelStatus;
use vitrine_access::forwarded::TrustedProxies;
use vitrine_access::grant::Subject;
use vitrine_access::ids::{ModelId, UserId};
use vitrine_access::origin::AllowedDomains;
use vitrine_access::seal::Sealer;
use vitrine_access::secret::MasterKey;
use vitrine_access::session::SessionLimits;
use vitrine_access::ticket::TicketType;
use vitrine_access::time::{Clock as _, Timestamp};
use vitrine_access::{Entropy, UsageEvent};
use vitrine_engine::OpenScad;
use vitrine_engine::pool::{WorkerPool, WorkerPoolConfig};
use vitrine_http::Front;
use vitrine_model::RunLimits;
use vitrine_service::budget::AccountBounds;
use vitrine_service::models::ModelPatch;
use vitrine_service::outgoing::{NoWayOut, Outgoing};
use vitrine_service::tickets::TicketRequest;
use vitrine_service::{Adapters, ModelRecord, RateLimits, Services, Settings};
use vitrine_store::{Blobs, JobState, Store, StoreOptions};
use vitrine_testkit::{ManualClock, SeededEntropy, TestFolder, create_postgres, sqlite_url};

pub(crate) use log::Everything;
pub(crate) use request::{Answer, Call};
pub(crate) use scripts::{BROKEN, CUBE, MUTTERING, SLOW, SUPERSTITIOUS, TALKATIVE};
pub(crate) use session::{Opened, href, open_call};

/// The page that may show the models of the tests.
pub(crate) const SHOP: &str = "https://shop.example.com";
/// Where clients reach the server.
pub(crate) const PUBLIC_URL: &str = "https://vitrine.example";
/// Where assets come from.
pub(crate) const CONTENT_URL: &str = "https://content.vitrine.example";
/// Every scope that a model's token can use.
pub(crate) const ALL_SCOPES: &[&str] = &[
    "group.view",
    "group.export",
    "group.owner",
    "group.analytics",
    "file.download",
];
/// How long tokens of the tests hold.
pub(crate) const TOKEN_TTL: Duration = Duration::from_hours(1);
/// Longest wait for something that must happen; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long answers wait for a worker: real seconds, which pass only when one is stuck.
const WAIT: Duration = Duration::from_secs(30);
/// How often such a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Rows of a session's usage that a test reads at most.
const USAGE_ROWS_MAX: u32 = 1_000;

/// The key that seals tickets and links in tests.
pub(crate) const MASTER_KEY: &str =
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

static COUNT: AtomicU64 = AtomicU64::new(0);

/// How a server of a test is set up.
pub(crate) struct Plan {
    seed: u64,
    database: Option<String>,
    workers: usize,
    queue_max: usize,
    openscad: Option<OpenScad>,
    settings: Settings,
    outgoing: Arc<dyn Outgoing>,
    idle: bool,
}

impl Plan {
    pub(crate) fn new() -> Self {
        let hosts = AllowedDomains::parse_all(&[CONTENT_URL]).unwrap();
        Self {
            seed: 1,
            database: None,
            workers: 1,
            queue_max: 64,
            openscad: None,
            settings: Settings {
                public_url: PUBLIC_URL.to_owned(),
                content_url: CONTENT_URL.to_owned(),
                issuer: "vitrine".to_owned(),
                audience: "vitrine-geometry".to_owned(),
                trusted_iframe_hosts: hosts,
                platform_origins: AllowedDomains::default(),
                trusted_proxies: TrustedProxies::default(),
                session_limits: SessionLimits::default(),
                session_wait: WAIT,
                upload_link_ttl: Duration::from_mins(15),
                audit_kept: Duration::from_hours(90 * 24),
                tickets_kept: Duration::from_hours(90 * 24),
                account_bounds: AccountBounds::default(),
                // Time stands still here: whoever tests a limit sets it.
                rates: RateLimits::NONE,
                limit_loopback: true,
                external_issuers: Vec::new(),
                sign_in_providers: Vec::new(),
                compare_clocks: false,
                webhook_round: Duration::MAX,
            },
            outgoing: Arc::new(NoWayOut),
            idle: false,
        }
    }

    /// What other servers say; nobody is reached without it.
    pub(crate) fn outgoing(mut self, outgoing: Arc<dyn Outgoing>) -> Self {
        self.outgoing = outgoing;
        self
    }

    pub(crate) fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    pub(crate) fn database(mut self, url: String) -> Self {
        self.database = Some(url);
        self
    }

    pub(crate) fn openscad(mut self, program: OpenScad) -> Self {
        self.openscad = Some(program);
        self
    }

    pub(crate) fn workers(mut self, workers: usize, queue_max: usize) -> Self {
        self.workers = workers;
        self.queue_max = queue_max;
        self
    }

    /// Nothing runs beside requests: what waits is done when the test says so.
    pub(crate) fn idle(mut self) -> Self {
        self.idle = true;
        self
    }

    pub(crate) fn settings(mut self, tweak: impl FnOnce(&mut Settings)) -> Self {
        tweak(&mut self.settings);
        self
    }

    pub(crate) async fn start(self) -> TestApp {
        let errors = log::listen();
        let folder = TestFolder::new();
        let database = self.database.unwrap_or_else(|| sqlite_url(&folder));
        let tag = format!(
            "test-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::SeqCst)
        );
        let setup = Setup {
            database,
            tag,
            workers: self.workers,
            queue_max: self.queue_max,
            openscad: self.openscad,
            settings: self.settings,
            idle: self.idle,
            entropy: Arc::new(SeededEntropy::new(self.seed)),
            outgoing: self.outgoing,
        };
        let clock = ManualClock::default();
        let services = setup.serve(&folder, &clock).await;
        TestApp {
            router: vitrine_http::router(services.clone()),
            services,
            clock,
            folder,
            setup,
            errors,
            finished: false,
        }
    }
}

/// Both databases, or `SQLite` alone where no `PostgreSQL` is at hand.
pub(crate) async fn plans_for_both_databases(test: &str) -> Vec<Plan> {
    let mut plans = vec![Plan::new()];
    if let Some(database) = create_postgres(test).await {
        plans.push(Plan::new().database(database.url));
    }
    plans
}

/// What a restart needs again.
struct Setup {
    database: String,
    tag: String,
    workers: usize,
    queue_max: usize,
    openscad: Option<OpenScad>,
    settings: Settings,
    idle: bool,
    entropy: Arc<SeededEntropy>,
    outgoing: Arc<dyn Outgoing>,
}

impl Setup {
    async fn serve(&self, folder: &TestFolder, clock: &ManualClock) -> Services {
        let store = Store::open(&self.database, StoreOptions::default())
            .await
            .expect("the database opens");
        let objects = folder.path().join("objects");
        std::fs::create_dir_all(&objects).unwrap();
        let blobs = Blobs::open(&format!("file://{}", objects.display()))
            .await
            .expect("the blobs open");
        let pool = WorkerPool::start(WorkerPoolConfig {
            program: env!("CARGO_BIN_EXE_vitrine").into(),
            // The second argument only marks whose worker it is.
            args: vec!["__worker".to_owned(), self.tag.clone()],
            workers: self.workers,
            queue_max: self.queue_max,
            limits: RunLimits::default(),
            recycle_after_runs: 200,
            recycle_after_age: vitrine_engine::RECYCLE_AFTER_AGE,
            recycle_above_bytes: vitrine_engine::RECYCLE_ABOVE_BYTES,
            openscad: self.openscad.clone(),
        })
        .expect("the workers start");
        let drawing_pool = WorkerPoolConfig {
            program: env!("CARGO_BIN_EXE_vitrine").into(),
            args: ["__worker", &self.tag, vitrine_engine::DRAWING_ARGUMENT]
                .map(str::to_owned)
                .to_vec(),
            workers: 1,
            queue_max: 64,
            limits: RunLimits::default(),
            recycle_after_runs: 1,
            recycle_after_age: vitrine_engine::RECYCLE_AFTER_AGE,
            recycle_above_bytes: vitrine_engine::RECYCLE_ABOVE_BYTES,
            openscad: None,
        }
        .for_drawings();
        let adapters = Adapters {
            store,
            blobs,
            pool,
            drawing_pool,
            sealer: Sealer::new(&MasterKey::from_text(MASTER_KEY).unwrap()),
            clock: Arc::new(clock.clone()),
            entropy: Arc::clone(&self.entropy) as Arc<dyn Entropy>,
            outgoing: Arc::clone(&self.outgoing),
        };
        let services = Services::start(adapters, self.settings.clone())
            .await
            .expect("the services start");
        if !self.idle {
            services.spawn_background();
        }
        services
    }
}

/// A running server. Call [`TestApp::finish`] at the end of the test.
pub(crate) struct TestApp {
    pub(crate) services: Services,
    pub(crate) router: Front,
    pub(crate) clock: ManualClock,
    folder: TestFolder,
    setup: Setup,
    errors: log::Errors,
    finished: bool,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Plan::new().start().await
    }

    pub(crate) async fn send(&self, call: Call) -> Answer {
        call.send(&self.router).await
    }

    pub(crate) fn entropy(&self) -> &SeededEntropy {
        &self.setup.entropy
    }

    /// The URL of the database.
    pub(crate) fn database(&self) -> &str {
        &self.setup.database
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Lets the clock jump.
    pub(crate) fn pass(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Stops the server and starts it again on what it left.
    pub(crate) async fn restart(&mut self) {
        self.services.shutdown().await;
        self.services = self.setup.serve(&self.folder, &self.clock).await;
        self.router = vitrine_http::router(self.services.clone());
    }

    /// A second node on the same database and blobs. Shut it down before [`Self::finish`].
    pub(crate) async fn second_node(&self) -> (Services, Front) {
        let services = self.setup.serve(&self.folder, &self.clock).await;
        let router = vitrine_http::router(services.clone());
        (services, router)
    }

    /// Creates a model from a script and waits for the end of its analysis.
    pub(crate) async fn push_any(&self, name: &str, script: &'static str) -> ModelRecord {
        self.push_owned(None, name, script).await
    }

    /// The same for a model that belongs to somebody.
    pub(crate) async fn push_for(
        &self,
        user: UserId,
        name: &str,
        script: &'static str,
    ) -> ModelRecord {
        self.push_owned(Some(user), name, script).await
    }

    async fn push_owned(
        &self,
        user: Option<UserId>,
        name: &str,
        script: &'static str,
    ) -> ModelRecord {
        let patch = ModelPatch {
            user,
            name: Some(name.to_owned()),
            filename: Some(format!("{name}.js")),
            accessdomains: Some(vec!["shop.example.com".to_owned()]),
            backend_access: Some(true),
            // On a busy machine everything takes longer, and "pending" is another answer.
            max_wait_time_ms: Some(u64::try_from(WAIT.as_millis()).unwrap()),
            ..ModelPatch::default()
        };
        let model = self.services.create_model(patch).await.unwrap();
        let bytes = Bytes::from_static(script.as_bytes());
        self.services.take_file(model.id, bytes).await.unwrap();
        self.analysed(model.id).await
    }

    /// Creates a model that must be confirmed.
    pub(crate) async fn push(&self, name: &str, script: &'static str) -> ModelRecord {
        let model = self.push_any(name, script).await;
        assert_eq!(model.status, ModelStatus::Confirmed, "{:?}", model.message);
        model
    }

    /// Waits for the end of a model's analysis.
    pub(crate) async fn analysed(&self, id: ModelId) -> ModelRecord {
        until("the analysis ends", || async {
            let model = self.services.store().model_unscoped(id).await.unwrap();
            model.filter(|model| {
                !matches!(
                    model.status,
                    ModelStatus::NotUploaded | ModelStatus::Uploaded
                )
            })
        })
        .await
    }

    pub(crate) async fn update(&self, id: ModelId, patch: ModelPatch) -> ModelRecord {
        self.services.update_model(id, patch).await.unwrap()
    }

    /// An embedding ticket without an end.
    pub(crate) async fn ticket(&self, model: &ModelRecord) -> String {
        self.ticket_with(model, |_| {}).await
    }

    pub(crate) async fn backend_ticket(&self, model: &ModelRecord) -> String {
        self.ticket_with(model, |request| request.kind = TicketType::Backend)
            .await
    }

    pub(crate) async fn ticket_with(
        &self,
        model: &ModelRecord,
        tweak: impl FnOnce(&mut TicketRequest),
    ) -> String {
        let mut request = TicketRequest {
            kind: TicketType::Embedding,
            public: false,
            author: false,
            domains: AllowedDomains::default(),
            until: Timestamp::MAX_14,
            use_id2: false,
        };
        tweak(&mut request);
        self.services.create_ticket(model, request).await.unwrap()
    }

    pub(crate) fn token(&self, subject: Subject, scopes: &[&str]) -> String {
        self.token_for(subject, scopes, TOKEN_TTL)
    }

    pub(crate) fn token_for(&self, subject: Subject, scopes: &[&str], ttl: Duration) -> String {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        self.services.mint_token(subject, scopes, ttl).unwrap()
    }

    pub(crate) fn backend_token(&self) -> String {
        self.token(Subject::Backend, &["*"])
    }

    pub(crate) fn model_token(&self, model: ModelId) -> String {
        self.token(Subject::Model(model), ALL_SCOPES)
    }

    /// Opens a session as the shop's page does.
    pub(crate) async fn open(&self, ticket: &str) -> Opened {
        let answer = self.send(open_call(ticket)).await.expect(201);
        Opened::read(&answer)
    }

    /// Opens a session as a server does.
    pub(crate) async fn open_backend(&self, ticket: &str) -> Opened {
        let call = Call::post(&format!("/api/v2/ticket/{ticket}"));
        Opened::read(&self.send(call).await.expect(201))
    }

    /// The charges of a session, oldest first.
    pub(crate) async fn usage(&self, session: &Opened) -> Vec<UsageEvent> {
        self.services
            .store()
            .usage_of_session(session.hash(), USAGE_ROWS_MAX)
            .await
            .unwrap()
    }

    /// How many runs of workers this model has seen since its analysis.
    pub(crate) async fn runs(&self, model: ModelId) -> usize {
        let all = self.services.store();
        all.computations(model, Timestamp::from_unix_ms(0), USAGE_ROWS_MAX)
            .await
            .unwrap()
            .len()
    }

    /// The processes of this server's pool.
    pub(crate) fn worker_pids(&self) -> Vec<u32> {
        let mut pids = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
                continue;
            };
            let Ok(command) = std::fs::read(entry.path().join("cmdline")) else {
                continue;
            };
            if command
                .split(|byte| *byte == 0)
                .any(|argument| argument == self.setup.tag.as_bytes())
            {
                pids.push(pid);
            }
        }
        pids
    }

    /// Kills every worker of this server at once.
    pub(crate) fn kill_workers(&self) -> usize {
        let pids = self.worker_pids();
        for pid in &pids {
            // A worker that ended in between is as dead as it should be.
            let _ = std::process::Command::new("kill")
                .args(["-9", &pid.to_string()])
                .stderr(std::process::Stdio::null())
                .status();
            // A signal takes a moment; a worker that still stands would be given the next job.
            while is_running(*pid) {
                std::thread::yield_now();
            }
        }
        pids.len()
    }

    /// Takes the errors that were logged so far; for tests that cause some.
    pub(crate) fn take_errors(&self) -> Vec<String> {
        std::mem::take(&mut *self.errors.lock().unwrap())
    }

    /// Stops the server. Fails when jobs are left over or an error was logged that nobody expected.
    pub(crate) async fn finish(mut self) {
        self.finished = true;
        let store = self.services.store();
        until("all jobs are done", || async {
            for state in [JobState::Waiting, JobState::Running, JobState::Failed] {
                let left = store.jobs(state, 1).await.unwrap();
                let Some(job) = left.first() else { continue };
                if job.run_after.is_some_and(|when| when > self.clock.now()) {
                    // It waits for a time that this test has no reason to let pass.
                    self.clock.advance(PATIENCE);
                }
                return None;
            }
            Some(())
        })
        .await;
        self.services.shutdown().await;
        let errors = self.take_errors();
        assert!(
            errors.is_empty(),
            "unexpected errors were logged: {errors:#?}"
        );
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // A test that forgets to ask has not checked what the server left behind.
        assert!(
            self.finished || std::thread::panicking(),
            "call finish() at the end of the test"
        );
    }
}

/// Waits until something is there. Nothing here depends on how long it takes.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking)
        .await
        .unwrap_or_else(|_| panic!("{what}: it never happened"))
}

/// Whether a process is there and is no zombie.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| &rest[..1]);
    !matches!(state, None | Some("Z" | "X"))
}
