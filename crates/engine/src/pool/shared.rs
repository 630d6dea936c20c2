//! What the callers of a pool and its tasks share: the books, and the tasks that act on them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::{interval, timeout};
use tracing::{Instrument, Span};
use vitrine_access::{BlobKey, Owner};
use vitrine_model::EngineError;

use super::notes::{self, PoolName, Run, TRACED};
use super::process::{Outcome, Work, WorkerProcess};
use super::queue::{FairQueue, Place};
use super::roster::{Choice, Roster, Spares};
use super::spawner::Spawner;
use super::{ModelSource, PoolError, PoolHealth, WorkerPoolConfig};
use crate::EngineKind;
use crate::openscad::OpenScad;

/// How long a shutdown waits for running jobs. Service managers kill after 30 s or more.
const SHUTDOWN_MAX: Duration = Duration::from_secs(20);

/// How often idle workers are looked after.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// What a worker is bound to. The lineage and the name are part of it, because a definition is
/// made from them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Binding {
    key: BlobKey,
    owner: Owner,
    lineage: String,
    filename: String,
}

type Answer = Result<Outcome, EngineError>;

struct Job {
    source: ModelSource,
    binding: Binding,
    work: Work,
    reply: oneshot::Sender<Answer>,
    queued_at: Instant,
    /// The job in a trace.
    span: Span,
    /// What asked for it: lines about its run belong there.
    around: Span,
}

struct State {
    queue: FairQueue<Owner, Job>,
    roster: Roster<Binding, WorkerProcess>,
    closing: bool,
    restarts: u64,
    layers: Vec<String>,
    openscad_layers: Vec<String>,
    /// Why the newest worker did not start; None when it did.
    start_problem: Option<String>,
}

/// The pool itself.
pub(super) struct Shared {
    name: PoolName,
    config: WorkerPoolConfig,
    runtime: Handle,
    spawner: Spawner,
    state: Mutex<State>,
    /// Told whenever a job has ended.
    job_ended: Notify,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn start(config: WorkerPoolConfig) -> Result<Arc<Self>, PoolError> {
        let runtime = Handle::try_current().map_err(PoolError::NoRuntime)?;
        let spawner = Spawner::start(config.program.clone(), config.args.clone(), runtime.clone())
            .map_err(PoolError::Thread)?;
        let state = State {
            queue: FairQueue::new(config.queue_max),
            roster: Roster::new(config.workers),
            closing: false,
            restarts: 0,
            layers: Vec::new(),
            openscad_layers: Vec::new(),
            start_problem: None,
        };
        let shared = Arc::new(Self {
            name: PoolName::of(&config),
            config,
            runtime,
            spawner,
            state: Mutex::new(state),
            job_ended: Notify::new(),
        });
        shared.start_spares();
        shared.runtime.spawn(upkeep(Arc::downgrade(&shared)));
        Ok(shared)
    }

    /// Puts a job in line and waits for its answer. When the caller stops waiting the job leaves
    /// the line, or its run is cancelled.
    pub(super) async fn submit(
        self: &Arc<Self>,
        source: ModelSource,
        owner: Owner,
        work: Work,
    ) -> Answer {
        if source.kind() == EngineKind::OpenScad && self.openscad().is_none() {
            return Err(work.without_openscad());
        }
        let (reply, answer) = oneshot::channel();
        let binding = Binding {
            key: source.key,
            owner,
            lineage: source.lineage.clone(),
            filename: source.filename.clone(),
        };
        let kind = work.name();
        let span = tracing::trace_span!(
            target: TRACED,
            "computation",
            vitrine.kind = kind,
            vitrine.model = notes::shortened(&source),
            vitrine.waited_ms = tracing::field::Empty,
        );
        let job = Job {
            source,
            binding,
            work,
            reply,
            queued_at: Instant::now(),
            span,
            around: Span::current(),
        };
        let pool = self.name.as_str();
        let refused = metrics::counter!("vitrine_worker_jobs_refused_total", "pool" => pool);
        let queued = {
            let mut state = self.lock();
            if state.closing {
                return Err(EngineError::Cancelled);
            }
            state.queue.push(owner, job).map_err(|_| {
                refused.increment(1);
                EngineError::Busy
            })?
        };
        if let Some(displaced) = queued.displaced {
            refused.increment(1);
            let _ = displaced.reply.send(Err(EngineError::Busy));
        }
        let _leaves = LeavesQueue {
            shared: self,
            owner,
            place: queued.place,
        };
        self.dispatch();
        // The reply is dropped unanswered only when the runtime ends under the job.
        answer.await.unwrap_or(Err(EngineError::Cancelled))
    }

    pub(super) fn health(&self) -> PoolHealth {
        let state = self.lock();
        PoolHealth {
            workers: self.config.workers,
            idle: state.roster.idle(),
            busy: state.roster.busy(),
            queued: state.queue.len(),
            restarts: state.restarts,
            layers: state.layers.clone(),
            openscad: self.openscad().map(|program| program.version().to_owned()),
            openscad_layers: state.openscad_layers.clone(),
            start_problem: state.start_problem.clone(),
        }
    }

    /// The program for OpenSCAD files, if there is one.
    pub(super) fn openscad(&self) -> Option<&OpenScad> {
        self.config.openscad.as_ref()
    }

    /// Starts a process and keeps in the books how that went.
    async fn start_worker(&self, kind: EngineKind) -> Result<WorkerProcess, EngineError> {
        let arguments = match (kind, self.openscad()) {
            (EngineKind::OpenScad, Some(program)) => program.arguments().to_vec(),
            _ => Vec::new(),
        };
        let started = WorkerProcess::start(&self.spawner, kind, arguments).await;
        let mut state = self.lock();
        match &started {
            Ok(worker) => {
                let known = match worker.kind() {
                    EngineKind::Jscad => &mut state.layers,
                    EngineKind::OpenScad => &mut state.openscad_layers,
                };
                if known != worker.layers() {
                    notes::layers(worker.kind(), worker.layers());
                    *known = worker.layers().to_vec();
                }
                state.start_problem = None;
            }
            Err(error) => state.start_problem = Some(error.to_string()),
        }
        drop(state);
        started
    }

    /// Refuses new jobs and those that wait, and ends idle workers.
    pub(super) fn close(&self) {
        let (waiting, idle) = {
            let mut state = self.lock();
            state.closing = true;
            (state.queue.drain(), state.roster.take_idle())
        };
        for job in waiting {
            let _ = job.reply.send(Err(EngineError::Cancelled));
        }
        // Dropping a process kills it.
        drop(idle);
    }

    pub(super) async fn shutdown(&self) {
        self.close();
        let finished = async {
            loop {
                let job_ended = self.job_ended.notified();
                if self.lock().roster.busy() == 0 {
                    return;
                }
                job_ended.await;
            }
        };
        if timeout(SHUTDOWN_MAX, finished).await.is_err() {
            let busy = self.lock().roster.busy();
            tracing::warn!(target: "vitrine::worker", busy, "jobs were cut off by the shutdown");
        }
        // Runs that are still going end with the spawner's thread, as all workers do.
        self.spawner.end();
    }

    fn note_gauges(&self, state: &State) {
        let State { queue, roster, .. } = state;
        notes::gauges(self.name, queue.len(), roster.busy(), roster.idle());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, and the books are consistent after each step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives waiting jobs to workers, as long as there are both.
    fn dispatch(self: &Arc<Self>) {
        loop {
            let mut state = self.lock();
            let State { queue, roster, .. } = &mut *state;
            let choice = queue.front().and_then(|job| {
                let spares = match job.source.kind() {
                    EngineKind::Jscad => Spares::Fit,
                    EngineKind::OpenScad => Spares::HaveAnotherEngine,
                };
                roster.choose(&job.binding, spares)
            });
            let assigned = choice.and_then(|choice| Some((choice, queue.pop()?)));
            self.note_gauges(&state);
            drop(state);
            let Some((choice, job)) = assigned else {
                return;
            };
            let busy = Busy {
                shared: Arc::clone(self),
                keeps: None,
            };
            let around = job.around.clone();
            self.runtime
                .spawn(busy.serve(choice, job).instrument(around));
        }
    }

    /// Starts spare workers where there is room.
    fn start_spares(self: &Arc<Self>) {
        let wanted = {
            let mut state = self.lock();
            if state.closing {
                return;
            }
            state.roster.begin_spares()
        };
        for _ in 0..wanted {
            let shared = Arc::clone(self);
            self.runtime.spawn(async move {
                let started = shared.start_worker(EngineKind::Jscad).await;
                let worker = started.map_err(|error| {
                    // A pool that ends takes its starting workers with it: no news.
                    if !shared.lock().closing {
                        tracing::error!(target: "vitrine::worker", %error, "a spare worker did not start");
                    }
                });
                shared.end_spare(worker.ok());
            });
        }
    }

    fn end_spare(self: &Arc<Self>, worker: Option<WorkerProcess>) {
        let mut state = self.lock();
        let closing = state.closing;
        state.roster.end_spare(worker, Instant::now());
        let late = if closing {
            state.roster.take_idle()
        } else {
            Vec::new()
        };
        drop(state);
        drop(late);
        self.dispatch();
    }
}

/// Takes a job out of the line when its caller stops waiting.
struct LeavesQueue<'a> {
    shared: &'a Arc<Shared>,
    owner: Owner,
    place: Place,
}

impl Drop for LeavesQueue<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let job = state.queue.remove(self.owner, self.place);
        self.shared.note_gauges(&state);
        drop(state);
        drop(job);
    }
}

/// A place of the roster that runs a job. It is given back on drop, whatever happens to the task.
struct Busy {
    shared: Arc<Shared>,
    keeps: Option<(WorkerProcess, Binding)>,
}

impl Busy {
    async fn serve(mut self, choice: Choice<WorkerProcess>, mut job: Job) {
        let shared = Arc::clone(&self.shared);
        let waited = job.queued_at.elapsed();
        let kind = job.work.name();
        notes::waited(shared.name, kind, waited, &job.span);
        let answer = match shared.worker_for(choice, job.source.kind()).await {
            Err(error) => Err(error),
            Ok(worker) => {
                let pid = worker.pid();
                let warm = worker.runs() > 0;
                let started = Instant::now();
                let limits = &shared.config.limits;
                let abandoned = job.reply.closed();
                let span = Run::span(&job.span, pid, warm);
                let running = worker.run(&job.source, &job.work, limits, abandoned);
                let (answer, kept) = running.instrument(span.clone()).await;
                let run = Run {
                    pool: shared.name,
                    kind,
                    pid,
                    warm,
                    wall: started.elapsed(),
                    span,
                };
                run.note(&job.source, &answer);
                match kept {
                    Some(worker) if shared.worn(&worker).is_none() => {
                        self.keeps = Some((worker, job.binding));
                    }
                    ended => shared.retire(ended).await,
                }
                answer
            }
        };
        drop(self);
        // Nobody waits for the answer of a cancelled run.
        let _ = job.reply.send(answer);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let closing = state.closing;
        match self.keeps.take() {
            Some((worker, binding)) if !closing => {
                state.roster.release(worker, binding, Instant::now());
            }
            _ => state.roster.lose(),
        }
        self.shared.note_gauges(&state);
        drop(state);
        self.shared.job_ended.notify_waiters();
        self.shared.dispatch();
        self.shared.start_spares();
    }
}

impl Shared {
    /// The worker that was chosen, or a new one in its place.
    async fn worker_for(
        &self,
        choice: Choice<WorkerProcess>,
        kind: EngineKind,
    ) -> Result<WorkerProcess, EngineError> {
        match choice {
            Choice::Use(mut worker) => {
                if worker.is_alive() {
                    return Ok(worker);
                }
                // It died while it was idle: no fault of this job.
                tracing::warn!(target: "vitrine::worker", pid = worker.pid(), "an idle worker had died");
                self.retire(Some(worker)).await;
            }
            Choice::Start {
                retire: Some(worker),
            } => self.retire(Some(worker)).await,
            Choice::Start { retire: None } => {}
        }
        self.start_worker(kind).await
    }

    /// Why a worker that has done its job well takes no other one; none when it does.
    fn worn(&self, worker: &WorkerProcess) -> Option<&'static str> {
        let config = &self.config;
        let memory = worker.memory_bytes();
        let reason = if worker.runs() >= config.recycle_after_runs {
            "its runs"
        } else if worker.age() >= config.recycle_after_age {
            "its age"
        } else if memory.is_some_and(|bytes| bytes > config.recycle_above_bytes) {
            "its memory"
        } else {
            return None;
        };
        tracing::debug!(target: "vitrine::worker", pid = worker.pid(), reason, memory, "a worker is replaced");
        let pool = self.name.as_str();
        metrics::counter!("vitrine_worker_recycled_total", "pool" => pool, "reason" => reason)
            .increment(1);
        Some(reason)
    }

    /// Ends a worker, unless it is gone already, and counts it.
    async fn retire(&self, worker: Option<WorkerProcess>) {
        if let Some(worker) = worker {
            worker.kill().await;
        }
        self.lock().restarts += 1;
        let pool = self.name.as_str();
        metrics::counter!("vitrine_worker_restarts_total", "pool" => pool).increment(1);
    }
}

/// Ends workers that hold memory for nobody, replaces dead ones, for as long as the pool lives.
async fn upkeep(pool: Weak<Shared>) {
    let mut ticks = interval(UPKEEP_INTERVAL);
    loop {
        ticks.tick().await;
        let Some(shared) = pool.upgrade() else {
            return;
        };
        let stale = shared
            .lock()
            .roster
            .take_stale(Instant::now(), WorkerProcess::is_alive);
        for worker in stale {
            shared.retire(Some(worker)).await;
        }
        shared.start_spares();
    }
}
