//! One worker process, seen from the server.

use std::pin::pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::BufReader;
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::{Instant, timeout, timeout_at};
use vitrine_model::{Customization, Definition, EngineError, Results, RunLimits, RunStats, Wanted};

use super::ModelSource;
use super::ending::{explain, out_of_time};
use super::spawner::Spawner;
use super::stderr::StderrReader;
use crate::EngineKind;
use crate::worker::frame::{FrameError, Message, MessageBounds, receive_message, send_message};
use crate::worker::protocol::{REQUEST_BOUNDS, Request, Response, response_bounds};

/// How long a fresh process may take until it is ready: a loaded machine, a cold disk.
const START_MAX: Duration = Duration::from_secs(20);

/// How long a worker may go on after its wall-clock bound before it is killed. The engine sees its
/// own deadline, but some steps of the kernel cannot be interrupted.
const WALL_GRACE: Duration = Duration::from_secs(2);

/// How long a cancelled run may take to stop before its worker is killed.
const CANCEL_GRACE: Duration = Duration::from_millis(500);

/// How long a process whose pipe has ended may take to end itself, so that its own exit status
/// tells why.
const EXIT_MAX: Duration = Duration::from_secs(2);

/// Size of the pipe for results: fewer switches between the two processes for each megabyte.
const PIPE_BYTES: usize = 1024 * 1024;

/// Characters of a message that come from a worker: a model chooses them, and they go into logs
/// and answers.
const MESSAGE_CHARS_MAX: usize = 4000;

/// What one run is to do.
pub(super) enum Work {
    Describe,
    Compute {
        definition: Arc<Definition>,
        values: Arc<Customization>,
        wanted: Vec<Wanted>,
    },
}

impl Work {
    /// The name in logs, metrics and messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Compute { .. } => "compute",
        }
    }

    /// What is answered for an OpenSCAD file where there is no OpenSCAD. To a new file it is the
    /// end; a model that worked before may work again later.
    pub(super) fn without_openscad(&self) -> EngineError {
        let message =
            "this server has no OpenSCAD, so it cannot use .scad files; its operator can \
                       install the program and name it in the setting openscad"
                .to_owned();
        match self {
            Self::Describe => EngineError::BadModel { message },
            Self::Compute { .. } => lost(message),
        }
    }
}

/// What a run gave.
#[derive(Debug)]
pub(super) enum Outcome {
    Described(Definition, RunStats),
    Computed(Results),
}

/// A running worker process. Dropping it kills the process.
pub(super) struct WorkerProcess {
    pid: u32,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    stderr: StderrReader,
    kind: EngineKind,
    layers: Vec<String>,
    loaded: bool,
    runs: u32,
    started: Instant,
}

/// Why there is no answer.
enum Interruption {
    OutOfTime,
    Abandoned,
    Broken(FrameError),
    Ended,
}

impl WorkerProcess {
    /// Starts a process with this engine and waits until it is confined and ready.
    pub(super) async fn start(
        spawner: &Spawner,
        kind: EngineKind,
        arguments: Vec<String>,
    ) -> Result<Self, EngineError> {
        let mut child = spawner.spawn(arguments).await.map_err(|error| lost(format!(
            "its program could not be started ({error}); see that the server's own file is in place"
        )))?;
        let pid = child.id().unwrap_or(0);
        let (Some(input), Some(output), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(lost("it has no pipes".into()));
        };
        // A smaller pipe works as well, only slower.
        let _ = rustix::pipe::fcntl_setpipe_size(&output, PIPE_BYTES);
        let mut worker = Self {
            pid,
            child,
            input,
            output: BufReader::new(output),
            stderr: StderrReader::start(pid, stderr),
            kind,
            layers: Vec::new(),
            loaded: false,
            runs: 0,
            started: Instant::now(),
        };
        let limits = RunLimits::default();
        let bounds = response_bounds(&limits);
        let received = timeout(START_MAX, receive_message(&mut worker.output, &bounds)).await;
        let failure = match received {
            Ok(Ok(Some(Message {
                body: Response::Ready { engine, layers },
                ..
            }))) => {
                if engine == kind.worker_version() {
                    worker.layers = layers;
                    return Ok(worker);
                }
                lost(format!(
                    "it runs engine {engine} where the server expects {}",
                    kind.worker_version()
                ))
            }
            Ok(Ok(None) | Err(FrameError::Io(_))) => {
                let (status, last_words) = worker.ended().await;
                return Err(explain("its start", status, &last_words, &limits));
            }
            Ok(Ok(Some(_))) => lost("it did not say that it is ready".into()),
            Ok(Err(error)) => lost(format!("it did not say that it is ready: {error}")),
            Err(_) => lost("it was not ready in time; the machine may be overloaded".into()),
        };
        worker.kill().await;
        Err(failure)
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// The engine that the process has.
    pub(super) fn kind(&self) -> EngineKind {
        self.kind
    }

    /// The layers of containment that the worker reported.
    pub(super) fn layers(&self) -> &[String] {
        &self.layers
    }

    /// Runs that this process has begun.
    pub(super) fn runs(&self) -> u32 {
        self.runs
    }

    /// Time since the process was started.
    pub(super) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Memory that the process holds now, as far as the kernel tells.
    pub(super) fn memory_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kib.saturating_mul(1024))
    }

    /// Whether the process runs still.
    pub(super) fn is_alive(&mut self) -> bool {
        // A process whose first thread has ended is waited for in vain until its other threads have.
        matches!(self.child.try_wait(), Ok(None)) && !self.is_ending()
    }

    fn is_ending(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
        matches!(state, Some(Some('Z' | 'X')))
    }

    /// Ends the process and waits until it is gone.
    pub(super) async fn kill(mut self) {
        // It fails only when the process is gone already.
        let _ = self.child.kill().await;
    }

    /// Runs one piece of work for the model that this process is bound to, or becomes bound to now.
    /// Gives the worker back when it can take another job. `abandoned` completes when nobody waits
    /// for the answer any more.
    pub(super) async fn run(
        mut self,
        source: &ModelSource,
        work: &Work,
        limits: &RunLimits,
        abandoned: impl Future<Output = ()>,
    ) -> (Result<Outcome, EngineError>, Option<Self>) {
        self.runs += 1;
        let limits = &source.limits(limits);
        let started = Instant::now();
        let exchanged = self.exchange(source, work, limits, abandoned).await;
        let failure = match exchanged {
            Ok(message) => match read_answer(message, u64::from(self.runs), work) {
                Ok(Ok(outcome)) => return (Ok(outcome), Some(self)),
                Ok(Err(error @ (EngineError::Limit(_) | EngineError::WorkerLost { .. }))) => error,
                // The program that it has started runs on, and ends with it.
                Ok(Err(EngineError::Cancelled)) if self.kind == EngineKind::OpenScad => {
                    EngineError::Cancelled
                }
                Ok(Err(error)) => return (Err(error), Some(self)),
                Err(what) => lost(format!("{what}; see the server's log")),
            },
            Err(Interruption::OutOfTime) => {
                out_of_time(work.name(), started.elapsed().as_millis(), limits.wall_ms)
            }
            Err(Interruption::Abandoned) => EngineError::Cancelled,
            Err(Interruption::Ended | Interruption::Broken(FrameError::Io(_))) => {
                let (status, last_words) = self.ended().await;
                return (Err(explain(work.name(), status, &last_words, limits)), None);
            }
            Err(Interruption::Broken(error)) => lost(format!(
                "a message between it and the server was refused: {error}"
            )),
        };
        self.kill().await;
        (Err(failure), None)
    }

    /// Sends the work and waits for its answer, for as long as the limits and the caller allow.
    async fn exchange(
        &mut self,
        source: &ModelSource,
        work: &Work,
        limits: &RunLimits,
        abandoned: impl Future<Output = ()>,
    ) -> Result<Message<Response>, Interruption> {
        let run = u64::from(self.runs);
        let deadline = Instant::now() + Duration::from_millis(limits.wall_ms) + WALL_GRACE;
        timeout_at(deadline, self.send(source, work, run, limits))
            .await
            .map_err(|_| Interruption::OutOfTime)?
            .map_err(Interruption::Broken)?;
        let bounds: MessageBounds = response_bounds(limits);
        let mut receiving = pin!(receive_message(&mut self.output, &bounds));
        tokio::select! {
            received = timeout_at(deadline, &mut receiving) => {
                return answer(received.map_err(|_| Interruption::OutOfTime)?);
            }
            () = abandoned => {}
        }
        let input = &mut self.input;
        let stopping = async {
            let cancel = Request::Cancel { run };
            send_message(input, &cancel, &[], &REQUEST_BOUNDS)
                .await
                .map_err(Interruption::Broken)?;
            answer(receiving.await)
        };
        timeout(CANCEL_GRACE, stopping)
            .await
            .map_err(|_| Interruption::Abandoned)?
    }

    async fn send(
        &mut self,
        source: &ModelSource,
        work: &Work,
        run: u64,
        limits: &RunLimits,
    ) -> Result<(), FrameError> {
        if !self.loaded {
            let load = Request::Load {
                key: source.key.to_string(),
                filename: source.filename.clone(),
                lineage: source.lineage.clone(),
                limits: limits.clone(),
            };
            send_message(&mut self.input, &load, &[&source.bytes], &REQUEST_BOUNDS).await?;
            self.loaded = true;
        }
        let wall_ms = limits.wall_ms;
        let request = match work {
            Work::Describe => Request::Describe { run, wall_ms },
            Work::Compute {
                definition,
                values,
                wanted,
            } => Request::Compute {
                run,
                wall_ms,
                definition: Arc::clone(definition),
                values: Arc::clone(values),
                wanted: wanted.clone(),
            },
        };
        send_message(&mut self.input, &request, &[], &REQUEST_BOUNDS).await
    }

    /// Waits for a process that is ending by itself, and collects what it left.
    async fn ended(mut self) -> (Option<ExitStatus>, String) {
        let status = if let Ok(status) = timeout(EXIT_MAX, self.child.wait()).await {
            status.ok()
        } else {
            let _ = self.child.kill().await;
            None
        };
        (status, self.stderr.last_words().await)
    }
}

fn answer(
    received: Result<Option<Message<Response>>, FrameError>,
) -> Result<Message<Response>, Interruption> {
    received
        .map_err(Interruption::Broken)?
        .ok_or(Interruption::Ended)
}

/// Holds an answer against what was asked. The worker is not trusted: the outer error says how it
/// broke the protocol.
fn read_answer(
    message: Message<Response>,
    asked: u64,
    work: &Work,
) -> Result<Result<Outcome, EngineError>, &'static str> {
    let (run, outcome) = match (message.body, work) {
        (
            Response::Described {
                run,
                definition,
                stats,
            },
            Work::Describe,
        ) => {
            if definition.validate().is_err() {
                return Err("it sent a definition that breaks the rules of definitions");
            }
            (run, Ok(Outcome::Described(definition, stats)))
        }
        (Response::Computed { run, mut results }, Work::Compute { wanted, .. }) => {
            if !results.put_bodies(message.attachments) {
                return Err("it sent another number of files than results");
            }
            if !results.items.iter().map(|item| &item.wanted).eq(wanted) {
                return Err("it sent other results than were wanted");
            }
            (run, Ok(Outcome::Computed(results)))
        }
        (Response::Failed { run, error }, _) => (run, Err(clipped(error))),
        _ => return Err("it answered another question"),
    };
    if run != asked {
        return Err("it answered another run");
    }
    Ok(outcome)
}

/// Bounds the texts of an error, which are the model's, and leaves printable characters in them: they
/// go to rows, logs, pages and terminals.
fn clipped(mut error: EngineError) -> EngineError {
    let clip = |text: &mut String| {
        if text.contains(char::is_control) {
            *text = text.replace(char::is_control, " ");
        }
        if let Some((end, _)) = text.char_indices().nth(MESSAGE_CHARS_MAX) {
            text.truncate(end);
        }
    };
    match &mut error {
        EngineError::Script { message, .. }
        | EngineError::BadModel { message }
        | EngineError::WorkerLost { message } => clip(message),
        EngineError::Limit(exceeded) => {
            clip(&mut exceeded.at);
            clip(&mut exceeded.spent);
            clip(&mut exceeded.raise);
        }
        EngineError::Cancelled | EngineError::Busy => {}
    }
    error
}

fn lost(message: String) -> EngineError {
    EngineError::WorkerLost { message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: Response, attachments: Vec<Vec<u8>>) -> Message<Response> {
        Message { body, attachments }
    }

    fn nothing_wanted() -> Work {
        Work::Compute {
            definition: Arc::default(),
            values: Arc::new(Customization::defaults(&Definition::default())),
            wanted: Vec::new(),
        }
    }

    #[test]
    fn an_answer_must_fit_its_question() {
        let described = || Response::Described {
            run: 1,
            definition: Definition::default(),
            stats: RunStats::default(),
        };
        let computed = || Response::Computed {
            run: 1,
            results: Results::default(),
        };
        assert!(read_answer(message(described(), vec![]), 1, &Work::Describe).is_ok());
        assert!(read_answer(message(computed(), vec![]), 1, &nothing_wanted()).is_ok());
        assert!(read_answer(message(described(), vec![]), 2, &Work::Describe).is_err());
        assert!(read_answer(message(described(), vec![]), 1, &nothing_wanted()).is_err());
        assert!(read_answer(message(computed(), vec![]), 1, &Work::Describe).is_err());
        assert!(read_answer(message(computed(), vec![vec![1]]), 1, &nothing_wanted()).is_err());
    }

    #[test]
    fn messages_of_a_worker_are_clipped_between_characters() {
        let long = "é".repeat(MESSAGE_CHARS_MAX + 1);
        let EngineError::BadModel { message } = clipped(EngineError::BadModel { message: long })
        else {
            panic!("another error");
        };
        assert_eq!(message.chars().count(), MESSAGE_CHARS_MAX);
    }
}
