//! What a pool tells operators: lines of the log, metrics, and spans of traces.

use std::time::Duration;

use tracing::Span;
use tracing::field::Empty;
use vitrine_model::{EngineError, RunStats};

use super::process::Outcome;
use super::{ModelSource, WorkerPoolConfig};
use crate::EngineKind;
use crate::drawings::DRAWING_ARGUMENT;
use crate::worker::missing_layers;

/// Digits of a model's key in the log: enough to tell models apart.
const KEY_DIGITS: usize = 12;

/// Spans of this target are for the operator's collector of traces alone; the log does not show them.
pub(super) const TRACED: &str = "vitrine::trace";

/// Which of the server's pools it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PoolName {
    Models,
    Drawings,
}

impl PoolName {
    /// Workers for drawings are told so.
    pub(super) fn of(config: &WorkerPoolConfig) -> Self {
        if config.args.iter().any(|arg| arg == DRAWING_ARGUMENT) {
            Self::Drawings
        } else {
            Self::Models
        }
    }

    /// The label in metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Drawings => "drawings",
        }
    }
}

/// The beginning of a model's key.
pub(super) fn shortened(source: &ModelSource) -> String {
    let mut key = source.key.to_string();
    key.truncate(KEY_DIGITS);
    key
}

/// How long a job was in line.
pub(super) fn waited(pool: PoolName, kind: &'static str, waited: Duration, span: &Span) {
    metrics::histogram!(
        "vitrine_worker_wait_seconds", "pool" => pool.as_str(), "kind" => kind
    )
    .record(waited);
    span.record("vitrine.waited_ms", whole(milliseconds(waited)));
}

/// What a pool holds at the moment.
pub(super) fn gauges(pool: PoolName, queued: usize, busy: usize, idle: usize) {
    let gauge = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let pool = pool.as_str();
    metrics::gauge!("vitrine_worker_queue_jobs", "pool" => pool).set(gauge(queued));
    metrics::gauge!("vitrine_workers_busy", "pool" => pool).set(gauge(busy));
    metrics::gauge!("vitrine_workers_idle", "pool" => pool).set(gauge(idle));
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// OpenTelemetry's whole numbers have a sign; others would arrive as text.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A finished run.
pub(super) struct Run {
    pub(super) pool: PoolName,
    pub(super) kind: &'static str,
    pub(super) pid: u32,
    pub(super) warm: bool,
    pub(super) wall: Duration,
    pub(super) span: Span,
}

impl Run {
    /// The run in a trace, inside its job. What the worker says of itself is added by [`Run::note`].
    pub(super) fn span(job: &Span, pid: u32, warm: bool) -> Span {
        tracing::trace_span!(
            target: TRACED,
            parent: job,
            "worker",
            process.pid = pid,
            vitrine.warm = warm,
            vitrine.outcome = Empty,
            vitrine.cpu_ms = Empty,
            vitrine.triangles = Empty,
            otel.status_code = Empty,
        )
    }

    pub(super) fn note(&self, source: &ModelSource, answer: &Result<Outcome, EngineError>) {
        let outcome = outcome_word(answer);
        let error = answer.as_ref().err().map(ToString::to_string);
        tracing::info!(
            target: "vitrine::worker",
            model = shortened(source),
            pid = self.pid,
            kind = self.kind,
            warm = self.warm,
            outcome,
            error,
            wall_ms = milliseconds(self.wall),
            "a worker ran"
        );
        metrics::histogram!(
            "vitrine_worker_run_seconds",
            "pool" => self.pool.as_str(), "kind" => self.kind, "outcome" => outcome
        )
        .record(self.wall);
        self.span.record("vitrine.outcome", outcome);
        match answer {
            Ok(Outcome::Described(_, stats)) => self.trace(stats),
            Ok(Outcome::Computed(results)) => self.trace(&results.stats),
            Err(_) => {
                self.span.record("otel.status_code", "ERROR");
            }
        }
    }

    fn trace(&self, stats: &RunStats) {
        self.span.record("vitrine.cpu_ms", whole(stats.cpu_ms));
        self.span
            .record("vitrine.triangles", whole(stats.triangles));
    }
}

fn outcome_word(answer: &Result<Outcome, EngineError>) -> &'static str {
    match answer {
        Ok(_) => "done",
        Err(EngineError::Script { .. }) => "script_error",
        Err(EngineError::BadModel { .. }) => "bad_model",
        Err(EngineError::Limit(_)) => "limit",
        Err(EngineError::Cancelled) => "cancelled",
        Err(EngineError::WorkerLost { .. }) => "worker_lost",
        Err(EngineError::Busy) => "busy",
    }
}

/// Says once which layers hold the workers.
pub(super) fn layers(kind: EngineKind, layers: &[String]) {
    let missing = missing_layers(layers).join(", ");
    let layers = layers.join(", ");
    if missing.is_empty() {
        tracing::info!(target: "vitrine::worker", engine = ?kind, layers, "workers are confined");
    } else {
        tracing::warn!(
            target: "vitrine::worker",
            engine = ?kind, layers, missing, "workers are confined in part only; models of strangers are dangerous here"
        );
    }
}
