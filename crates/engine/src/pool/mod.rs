//! The worker pool: the server's side of all computations.
//!
//! A worker is bound to one model of one owner from its first job to its end; no process ever sees
//! two owners or two models. Jobs wait in one bounded line that is fair between owners. Whatever a
//! model does, its caller gets an answer within the limits and the next job gets a worker.

mod ending;
mod notes;
mod process;
mod queue;
mod roster;
mod shared;
mod spawner;
mod stderr;

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use vitrine_access::{BlobKey, Owner};
use vitrine_model::{
    Body, Customization, Definition, EngineError, LimitExceeded, LimitKind, Results, RunLimits,
    RunStats, Wanted,
};

use crate::openscad::{OPENSCAD_FORM, OpenScad};
use crate::{ENGINE_VERSION, EngineKind};
use process::{Outcome, Work};
use shared::Shared;

/// How a pool is set up.
#[derive(Clone, Debug)]
pub struct WorkerPoolConfig {
    /// The program that becomes a worker, usually the server's own.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Processes at most. At least 1.
    pub workers: usize,
    /// Jobs that wait at most while all workers are busy. At least 1.
    pub queue_max: usize,
    /// Bounds of every run.
    pub limits: RunLimits,
    /// Runs after which a worker is replaced, so that leaks stay small. At least 1.
    pub recycle_after_runs: u32,
    /// Age above which a worker is replaced after its run. Usually [`RECYCLE_AFTER_AGE`].
    pub recycle_after_age: Duration,
    /// Bytes of memory above which a worker is replaced after its run. Usually [`RECYCLE_ABOVE_BYTES`].
    pub recycle_above_bytes: u64,
    /// The program for OpenSCAD files; without one they are refused.
    pub openscad: Option<OpenScad>,
}

/// Age of a worker that is old enough: whatever goes wrong slowly in a process goes wrong for an hour at most.
pub const RECYCLE_AFTER_AGE: Duration = Duration::from_hours(1);

/// Memory that an idle worker may keep: a few workers of large models still fit into a small machine. A run itself may take
/// more, as its limits say.
pub const RECYCLE_ABOVE_BYTES: u64 = 256 * 1024 * 1024;

/// Why a pool does not start.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// A number of the configuration is zero.
    #[error("{setting} must be at least 1")]
    Zero {
        /// Which one.
        setting: &'static str,
    },
    /// There is no asynchronous runtime here.
    #[error("a worker pool starts inside an asynchronous runtime only")]
    NoRuntime(#[source] tokio::runtime::TryCurrentError),
    /// The thread that starts workers could not be started.
    #[error("the thread that starts workers could not be started")]
    Thread(#[source] io::Error),
}

/// A model file as a worker needs it.
#[derive(Clone, Debug)]
pub struct ModelSource {
    /// SHA-256 of the content.
    pub key: BlobKey,
    /// The text that ids are derived from; kept over versions of a model.
    pub lineage: String,
    /// Name of the file; its extension chooses the language.
    pub filename: String,
    /// The content.
    pub bytes: Bytes,
    /// Longest run that the model's own settings allow, in milliseconds; the pool's limit holds
    /// all the same. `None`: the pool's limit alone.
    pub wall_ms_max: Option<u64>,
    /// Bytes of the files of one output that the model's own settings allow.
    pub output_bytes_max: Option<u64>,
    /// Bytes of the files of one export that the model's own settings allow.
    pub export_bytes_max: Option<u64>,
}

impl ModelSource {
    /// The engine that the file is for.
    fn kind(&self) -> EngineKind {
        EngineKind::of_file(&self.filename)
    }

    /// The pool's limits, narrowed to what the model's settings allow.
    fn limits(&self, pool: &RunLimits) -> RunLimits {
        let own = self.wall_ms_max.unwrap_or(u64::MAX);
        RunLimits {
            wall_ms: pool.wall_ms.min(own),
            ..pool.clone()
        }
    }

    /// Holds each result against the model's own settings.
    fn check_sizes(&self, results: &Results) -> Result<(), EngineError> {
        for item in &results.items {
            let (max, setting) = match &item.wanted {
                Wanted::Output(_) => (self.output_bytes_max, "max_output_size"),
                Wanted::Export(_) => (self.export_bytes_max, "max_export_size"),
            };
            let bytes = item.content.iter().map(|content| match &content.body {
                Body::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
                Body::Data(_) => 0,
            });
            let (spent, max) = (bytes.sum::<u64>(), max.unwrap_or(u64::MAX));
            if spent > max {
                return Err(EngineError::Limit(LimitExceeded {
                    limit: LimitKind::OutputBytes,
                    at: match &item.wanted {
                        Wanted::Output(id) => format!("the output {id}"),
                        Wanted::Export(id) => format!("the export {id}"),
                    },
                    spent: format!("{spent} of {max} bytes"),
                    raise: format!("use fewer segments, or raise the model's {setting}"),
                }));
            }
        }
        Ok(())
    }
}

/// How a pool is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolHealth {
    /// Processes at most.
    pub workers: usize,
    /// Processes that wait for a job.
    pub idle: usize,
    /// Processes that run one.
    pub busy: usize,
    /// Jobs that wait for a process.
    pub queued: usize,
    /// Processes that were ended or lost after they had run a job, since the start.
    pub restarts: u64,
    /// The layers of containment that workers reported; empty until the first has started.
    pub layers: Vec<String>,
    /// The version of the OpenSCAD that is used, if there is one.
    pub openscad: Option<String>,
    /// The layers that workers with OpenSCAD reported; empty until the first has started.
    pub openscad_layers: Vec<String>,
    /// Why the newest worker did not start, for the operator; `None` when it did.
    pub start_problem: Option<String>,
}

/// Worker processes and the line of jobs for them. Dropping it ends all workers.
#[derive(Debug)]
pub struct WorkerPool {
    shared: Arc<Shared>,
}

impl WorkerPool {
    /// Starts the pool and its first spare workers. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`PoolError`]. A program that cannot be started shows at the first job.
    pub fn start(config: WorkerPoolConfig) -> Result<Self, PoolError> {
        for (setting, value) in [
            ("the number of workers", config.workers),
            ("the length of the queue", config.queue_max),
            (
                "the number of runs of a worker",
                config.recycle_after_runs as usize,
            ),
        ] {
            if value == 0 {
                return Err(PoolError::Zero { setting });
            }
        }
        let shared = Shared::start(config)?;
        Ok(Self { shared })
    }

    /// Finds out what a model offers.
    ///
    /// # Errors
    /// [`EngineError`]; [`EngineError::Busy`] at once when the line is full, and
    /// [`EngineError::Cancelled`] when the pool shuts down.
    pub async fn describe(
        &self,
        source: ModelSource,
        owner: Owner,
    ) -> Result<(Definition, RunStats), EngineError> {
        match self.shared.submit(source, owner, Work::Describe).await? {
            Outcome::Described(definition, stats) => Ok((definition, stats)),
            Outcome::Computed(_) => Err(mixed_up()),
        }
    }

    /// Computes results. When the caller stops waiting the run is cancelled.
    ///
    /// # Errors
    /// As [`WorkerPool::describe`].
    pub async fn compute(
        &self,
        source: ModelSource,
        owner: Owner,
        definition: Arc<Definition>,
        values: Arc<Customization>,
        wanted: Vec<Wanted>,
    ) -> Result<Results, EngineError> {
        let work = Work::Compute {
            definition,
            values,
            wanted,
        };
        let sizes = ModelSource {
            bytes: Bytes::new(),
            ..source.clone()
        };
        match self.shared.submit(source, owner, work).await? {
            Outcome::Computed(results) => sizes.check_sizes(&results).map(|()| results),
            Outcome::Described(..) => Err(mixed_up()),
        }
    }

    /// What stands for the engine of a file of this name in the versions of its results: they change with it.
    #[must_use]
    pub fn engine_version(&self, filename: &str) -> Cow<'static, str> {
        match EngineKind::of_file(filename) {
            EngineKind::Jscad => ENGINE_VERSION.into(),
            EngineKind::OpenScad => {
                let version = self.shared.openscad().map_or("none", OpenScad::version);
                format!("{OPENSCAD_FORM}, {version}").into()
            }
        }
    }

    /// How the pool is doing now.
    #[must_use]
    pub fn health(&self) -> PoolHealth {
        self.shared.health()
    }

    /// Refuses new jobs and waiting ones, lets running ones finish for a bounded time, and ends all
    /// workers.
    pub async fn shutdown(&self) {
        self.shared.shutdown().await;
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        self.shared.close();
    }
}

fn mixed_up() -> EngineError {
    EngineError::WorkerLost {
        message: "it answered another question; see the server's log".into(),
    }
}
