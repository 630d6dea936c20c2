//! Who stops a run: its deadline and its cancel flag, for the script and for the kernel alike.

use std::time::{Duration, Instant};

use manifold_rust::cancel::CancelToken;
use manifold_rust::progress::ProgressReporter;
use vitrine_model::{CancelFlag, EngineError, LimitExceeded, LimitKind, RunContext};

/// Deadline and cancel flag of one run. Clones watch the same run.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    started: Instant,
    wall: Duration,
    cancel: CancelFlag,
    token: CancelToken,
}

impl Watch {
    /// Starts the clock of a run.
    pub(crate) fn start(ctx: &RunContext) -> Self {
        Self {
            started: Instant::now(),
            wall: Duration::from_millis(ctx.limits.wall_ms),
            cancel: ctx.cancel.clone(),
            token: CancelToken::new(),
        }
    }

    /// Time since the start, in milliseconds.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Why the run has to stop now, if it has to.
    pub(crate) fn expired(&self, at: &str) -> Option<EngineError> {
        if self.cancel.is_cancelled() {
            return Some(EngineError::Cancelled);
        }
        let elapsed = self.started.elapsed();
        (elapsed >= self.wall).then(|| {
            EngineError::Limit(LimitExceeded {
                limit: LimitKind::WallTime,
                at: at.to_owned(),
                spent: format!("{} ms of {} ms", elapsed.as_millis(), self.wall.as_millis()),
                raise: "make the model simpler (fewer segments, fewer booleans), or raise the \
                        model's max_comp_time"
                    .to_owned(),
            })
        })
    }

    /// The token that the kernel polls.
    pub(crate) fn token(&self) -> &CancelToken {
        &self.token
    }

    /// A reporter for the kernel that reports nothing: the kernel calls it regularly, and each time
    /// it looks at deadline and flag. That saves a thread, which the worker's cage forbids.
    pub(crate) fn reporter(&self) -> ProgressReporter {
        let watch = self.clone();
        ProgressReporter::new(move |_phase, _fraction| {
            if watch.expired("").is_some() {
                watch.token.cancel();
            }
        })
    }
}
