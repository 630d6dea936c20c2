//! A seeded simulation: random visits, withdrawn rights, clock jumps, dead workers and restarts on
//! the real server, checked after each step against a small model of what must be true.
//!
//! It prints its seed. A seed that fails becomes a test here.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use vitrine_access::UsageKind;
use vitrine_access::ids::TicketId;
use vitrine_access::seal::Sealer;
use vitrine_access::secret::MasterKey;
use vitrine_access::ticket::Ticket;
use vitrine_access::time::Timestamp;
use vitrine_service::ModelRecord;
use vitrine_service::models::{BlockingPatch, ModelPatch};
use vitrine_store::UsageScope;
use vitrine_testkit::{SeededEntropy, create_postgres};

use crate::app::{CUBE, Call, MASTER_KEY, Opened, Plan, TestApp, open_call};

/// Steps of one run; with these, a run takes a few seconds.
const STEPS: u32 = 250;
const MODELS: usize = 2;
/// The seed of every run, so that a failure means that something changed.
const SEED: u64 = 20_261_121;
/// Asks for another seed.
const SEED_VARIABLE: &str = "VITRINE_TEST_SEED";
/// Longest jump of the clock, seconds: rare sessions survive a few of them.
const JUMP_S_MAX: u64 = 1_200;
/// Sessions that are still used: older ones are mostly gone, which few steps are enough to see.
const SESSIONS_USED: usize = 6;
/// Tickets that open: the newest ones.
const TICKETS_USED: usize = 8;
const LIFE: Duration = Duration::from_hours(1);
const IDLE: Duration = Duration::from_hours(1);
const GRACE: Duration = Duration::from_mins(5);
const SLOT: Duration = Duration::from_mins(10);

struct SimulatedTicket {
    text: String,
    id: TicketId,
    model: usize,
    backend: bool,
    revoked: bool,
}

struct SimulatedModel {
    record: ModelRecord,
    blocked: bool,
    domain: bool,
    /// What its payer owes by now.
    credits: u64,
}

struct SimulatedSession {
    opened: Opened,
    ticket: usize,
    opened_at: Timestamp,
    last_seen: Timestamp,
    paid_until: Timestamp,
    closed: bool,
}

struct Simulation {
    app: TestApp,
    dice: SeededEntropy,
    models: Vec<SimulatedModel>,
    tickets: Vec<SimulatedTicket>,
    sessions: Vec<SimulatedSession>,
    counts: BTreeMap<&'static str, u32>,
}

impl Simulation {
    async fn start(plan: Plan, seed: u64) -> Self {
        let app = plan.seed(seed).workers(2, 64).start().await;
        let mut simulation = Self {
            app,
            dice: SeededEntropy::new(seed),
            models: Vec::new(),
            tickets: Vec::new(),
            sessions: Vec::new(),
            counts: BTreeMap::new(),
        };
        for _ in 0..MODELS {
            let record = simulation.app.push("cube", CUBE).await;
            simulation.models.push(SimulatedModel {
                record,
                blocked: false,
                domain: true,
                credits: 0,
            });
        }
        for model in 0..MODELS {
            for backend in [false, true] {
                simulation.issue(model, backend).await;
            }
        }
        simulation
    }

    fn below(&self, bound: u64) -> u64 {
        self.dice.next_u64() % bound
    }

    fn pick(&self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    /// One of the last few.
    fn recent(&self, length: usize, few: usize) -> usize {
        length - 1 - self.pick(length.min(few))
    }

    fn now(&self) -> Timestamp {
        self.app.services.now()
    }

    async fn step(&mut self) {
        let what = match self.below(100) {
            0..20 => self.open().await,
            20..50 => self.compute().await,
            50..62 => self.export().await,
            62..72 => self.look().await,
            72..77 => self.close().await,
            77..80 => self.revoke().await,
            80..83 => self.issue_some().await,
            83..87 => self.block_or_not().await,
            87..90 => self.allow_or_not().await,
            90..94 => self.jump(),
            94..97 => self.kill_at_work().await,
            97..99 => self.burst().await,
            _ => self.restart().await,
        };
        *self.counts.entry(what).or_default() += 1;
        self.check_credits().await;
    }

    async fn issue(&mut self, model: usize, backend: bool) {
        let record = &self.models[model].record;
        let text = if backend {
            self.app.backend_ticket(record).await
        } else {
            self.app.ticket(record).await
        };
        let sealer = Sealer::new(&MasterKey::from_text(MASTER_KEY).unwrap());
        let id = Ticket::open(&sealer, &text).unwrap().id;
        self.tickets.push(SimulatedTicket {
            text,
            id,
            model,
            backend,
            revoked: false,
        });
    }

    async fn issue_some(&mut self) -> &'static str {
        let (model, backend) = (self.pick(MODELS), self.below(2) == 0);
        self.issue(model, backend).await;
        "issue a ticket"
    }

    /// Whether what opened a session would still open one.
    fn right_holds(&self, ticket: usize) -> bool {
        let ticket = &self.tickets[ticket];
        let model = &self.models[ticket.model];
        !ticket.revoked && !model.blocked && (ticket.backend || model.domain)
    }

    fn is_open(&self, session: usize) -> bool {
        let session = &self.sessions[session];
        let now = self.now();
        !session.closed
            && now.since(session.opened_at) < LIFE
            && now.since(session.last_seen) < IDLE
            && self.right_holds(session.ticket)
    }

    fn links_work(&self, session: usize) -> bool {
        let session = &self.sessions[session];
        let ended = session
            .opened_at
            .plus(LIFE)
            .min(session.last_seen.plus(IDLE));
        !session.closed && self.now() < ended.plus(GRACE) && self.right_holds(session.ticket)
    }

    async fn open(&mut self) -> &'static str {
        let ticket = self.recent(self.tickets.len(), TICKETS_USED);
        let holds = self.right_holds(ticket);
        let SimulatedTicket {
            text,
            backend,
            model,
            ..
        } = &self.tickets[ticket];
        let (backend, model) = (*backend, *model);
        let call = if backend {
            Call::post(&format!("/api/v2/ticket/{text}"))
        } else {
            open_call(text)
        };
        let answer = self.app.send(call).await;
        if !holds {
            assert_eq!(answer.status.as_u16(), 403, "{}", answer.text());
            return "open (refused)";
        }
        let now = self.now();
        self.sessions.push(SimulatedSession {
            opened: Opened::read(&answer.expect(201)),
            ticket,
            opened_at: now,
            last_seen: now,
            paid_until: now.plus(SLOT),
            closed: false,
        });
        self.models[model].credits += u64::from(!backend);
        "open"
    }

    /// Sends a call of a session and holds its status against the model; notes the use.
    async fn use_session(&mut self, session: usize, call: Call) -> bool {
        let open = self.is_open(session);
        let answer = self.app.send(call).await;
        let expected = if open { 200 } else { 410 };
        assert_eq!(answer.status.as_u16(), expected, "{}", answer.text());
        if open {
            self.note_use(session);
        }
        open
    }

    fn note_use(&mut self, session: usize) {
        let now = self.now();
        let session = &mut self.sessions[session];
        session.last_seen = session.last_seen.max(now);
    }

    /// What a customization costs besides itself.
    fn charge_slot(&mut self, session: usize) {
        let now = self.now();
        let session = &mut self.sessions[session];
        let ticket = &self.tickets[session.ticket];
        if !ticket.backend && now >= session.paid_until {
            session.paid_until = now.plus(SLOT);
            self.models[ticket.model].credits += 1;
        }
    }

    fn any_session(&self) -> Option<usize> {
        let length = self.sessions.len();
        (length > 0).then(|| self.recent(length, SESSIONS_USED))
    }

    async fn compute(&mut self) -> &'static str {
        let Some(session) = self.any_session() else {
            return "nothing";
        };
        let values = json!({ "size": 20 + self.below(8), "wood": self.below(2) });
        let call = self.sessions[session].opened.compute(&values);
        if !self.use_session(session, call).await {
            return "compute (gone)";
        }
        self.charge_output(session);
        "compute"
    }

    fn charge_output(&mut self, session: usize) {
        self.charge_slot(session);
        let ticket = &self.tickets[self.sessions[session].ticket];
        self.models[ticket.model].credits += u64::from(ticket.backend);
    }

    async fn export(&mut self) -> &'static str {
        let Some(session) = self.any_session() else {
            return "nothing";
        };
        let values = json!({ "size": 20 + self.below(4) });
        let call = self.sessions[session].opened.make_export("stl", &values);
        if !self.use_session(session, call).await {
            return "export (gone)";
        }
        self.charge_slot(session);
        let ticket = &self.tickets[self.sessions[session].ticket];
        self.models[ticket.model].credits += 1;
        "export"
    }

    async fn look(&mut self) -> &'static str {
        let Some(session) = self.any_session() else {
            return "nothing";
        };
        let call = Call::get(&self.sessions[session].opened.href("model"));
        let works = self.links_work(session);
        let answer = self.app.send(call).await;
        let expected = if works { 206 } else { 410 };
        assert_eq!(answer.status.as_u16(), expected, "{}", answer.text());
        let call = self.sessions[session].opened.defaults();
        self.use_session(session, call).await;
        "look"
    }

    async fn close(&mut self) -> &'static str {
        let Some(session) = self.any_session() else {
            return "nothing";
        };
        let call = self.sessions[session].opened.close();
        if !self.use_session(session, call).await {
            return "close (gone)";
        }
        self.sessions[session].closed = true;
        "close"
    }

    async fn revoke(&mut self) -> &'static str {
        let ticket = self.recent(self.tickets.len(), TICKETS_USED);
        self.tickets[ticket].revoked = true;
        let SimulatedTicket {
            id, model, backend, ..
        } = self.tickets[ticket];
        self.app.services.revoke_ticket(id).await.unwrap();
        self.issue(model, backend).await;
        "renew a ticket"
    }

    async fn block_or_not(&mut self) -> &'static str {
        // What is blocked is set free before anything else is blocked.
        let at = self.models.iter().position(|model| model.blocked);
        let at = at.unwrap_or_else(|| self.pick(MODELS));
        let model = &mut self.models[at];
        model.blocked = !model.blocked;
        let patch = ModelPatch {
            blocking: BlockingPatch {
                owner: Some(model.blocked),
                ..BlockingPatch::default()
            },
            ..ModelPatch::default()
        };
        self.app.update(model.record.id, patch).await;
        "block or unblock"
    }

    async fn allow_or_not(&mut self) -> &'static str {
        let at = self.models.iter().position(|model| !model.domain);
        let at = at.unwrap_or_else(|| self.pick(MODELS));
        let model = &mut self.models[at];
        model.domain = !model.domain;
        let host = if model.domain { "shop" } else { "other" };
        let patch = ModelPatch {
            accessdomains: Some(vec![format!("{host}.example.com")]),
            ..ModelPatch::default()
        };
        self.app.update(model.record.id, patch).await;
        "allow or forbid a domain"
    }

    fn jump(&mut self) -> &'static str {
        // Whole seconds: idle times are kept no finer than that. Clocks that are set right may also
        // go back a little.
        let seconds = i64::try_from(1 + self.below(JUMP_S_MAX)).unwrap();
        let seconds = if self.below(5) == 0 {
            -(seconds / 10)
        } else {
            seconds
        };
        let now = self.now().unix_ms() + 1_000 * seconds;
        self.app.clock.set(Timestamp::from_unix_ms(now));
        "let the clock jump"
    }

    /// A computation whose worker dies under it has an answer too, and is charged once.
    async fn kill_at_work(&mut self) -> &'static str {
        let Some(session) = self.any_session() else {
            return "nothing";
        };
        // Values that nobody asked for before, so that there is work to do.
        let values = json!({ "size": 40 + self.below(60), "wood": self.below(2) });
        let call = self.sessions[session].opened.compute(&values);
        let router = self.app.router.clone();
        let answer = tokio::spawn(async move { call.send(&router).await });
        for _ in 0..self.below(20) {
            tokio::task::yield_now().await;
        }
        self.app.kill_workers();
        let answer = answer.await.unwrap();
        if !self.is_open(session) {
            assert_eq!(answer.status.as_u16(), 410, "{}", answer.text());
            return "kill all workers (gone)";
        }
        answer.expect(200);
        self.note_use(session);
        self.charge_output(session);
        "kill all workers"
    }

    /// The same request many times at once: one run, one slot, and each charged as it should be.
    async fn burst(&mut self) -> &'static str {
        const CALLS: u32 = 5;
        let Some(session) = self.any_session() else {
            return "nothing";
        };
        let values = json!({ "size": 40 + self.below(60), "wood": self.below(2) });
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..CALLS {
            let call = self.sessions[session].opened.compute(&values);
            let router = self.app.router.clone();
            calls.spawn(async move { call.send(&router).await });
        }
        let open = self.is_open(session);
        for answer in calls.join_all().await {
            answer.expect(if open { 200 } else { 410 });
        }
        if !open {
            return "burst (gone)";
        }
        self.note_use(session);
        for _ in 0..CALLS {
            self.charge_output(session);
        }
        "burst"
    }

    /// What was acknowledged is there when the server comes back.
    async fn restart(&mut self) -> &'static str {
        self.app.restart().await;
        let store = self.app.services.store();
        for session in &self.sessions {
            let row = store.session(session.opened.hash()).await.unwrap();
            let row = row.expect("an acknowledged session is there");
            assert_eq!(row.ended.is_some(), session.closed);
        }
        for ticket in &self.tickets {
            let row = store.ticket_unscoped(ticket.id).await.unwrap();
            let row = row.expect("an acknowledged ticket is there");
            assert_eq!(row.revoked_at.is_some(), ticket.revoked);
        }
        for model in &self.models {
            let row = store.model_unscoped(model.record.id).await.unwrap();
            assert_eq!(row.unwrap().settings.blocking.any(), model.blocked);
        }
        "restart"
    }

    /// Totals are sums of rows, and nobody pays twice or too little.
    async fn check_credits(&self) {
        let store = self.app.services.store();
        let (from, until) = (Timestamp::from_unix_ms(0), Timestamp::MAX_14);
        for model in &self.models {
            let scope = UsageScope::Model(model.record.id);
            let sum = |kind| store.usage_sum(scope, kind, from, until);
            let all = sum(None).await.unwrap().credits;
            // Computing time is the machine's affair.
            let computing = sum(Some(UsageKind::Computation)).await.unwrap().credits;
            assert_eq!(all - computing, model.credits);
        }
    }
}

/// The seed that a person asks for, or the usual one.
fn seed_of_this_run() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests have no configuration to read it in"
    )]
    let asked = std::env::var(SEED_VARIABLE);
    asked.map_or(SEED, |text| text.parse().expect("a seed is a whole number"))
}

async fn simulate(plan: Plan, seed: u64) {
    println!("simulation with seed {seed}; {SEED_VARIABLE} chooses another");
    let mut simulation = Simulation::start(plan, seed).await;
    for _ in 0..STEPS {
        simulation.step().await;
    }
    println!("{:?}", simulation.counts);
    // A killed worker is worth an error line; nothing else is.
    for error in simulation.app.take_errors() {
        assert!(error.contains("worker"), "{error}");
    }
    simulation.app.finish().await;
}

#[tokio::test]
async fn no_sequence_of_events_breaks_the_rules_of_rights_and_charges() {
    simulate(Plan::new(), seed_of_this_run()).await;
}

#[tokio::test]
async fn another_sequence_does_not_break_them_either() {
    simulate(Plan::new(), 7).await;
}

#[tokio::test]
async fn the_rules_hold_on_postgres_too() {
    if let Some(database) = create_postgres("simulation").await {
        simulate(Plan::new().database(database.url), 11).await;
    }
}
