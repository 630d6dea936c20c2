//! The engine's thread of a worker.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use vitrine_model::{
    Body, CancelFlag, Engine, EngineError, LimitExceeded, LimitKind, Results, RunContext,
    RunLimits, RunStats,
};

use super::confine::{self, Cage};
use super::frame::{FrameError, Message, MessageBounds, write_message};
use super::protocol::{Request, Response, response_bounds};
use super::{EXIT_PANIC, EXIT_PROTOCOL};

/// Nesting of a data output. The server's parser stops at 128 levels, and a client would too.
const DATA_DEPTH_MAX: usize = 100;

/// One request and the flag that cancels it.
pub(super) struct Order {
    pub(super) message: Message<Request>,
    pub(super) cancel: CancelFlag,
}

/// The model that this process is bound to.
struct Loaded {
    source: Vec<u8>,
    filename: String,
    lineage: String,
    limits: RunLimits,
}

/// Runs orders one after the other.
pub(super) struct Runner<E, W> {
    engine: E,
    output: W,
    base_bytes: u64,
    loaded: Option<Loaded>,
}

/// What ends a runner before its input does.
enum Ending {
    Protocol(String),
    Frame(FrameError),
    Panicked,
}

impl From<FrameError> for Ending {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

impl<E: Engine, W: Write> Runner<E, W> {
    /// Makes the engine and tells the server that the worker is ready, and of which version. `base_bytes` is the address
    /// space that counts against no budget.
    pub(super) fn start(
        make_engine: impl FnOnce() -> E,
        version: &str,
        mut output: W,
        mut cage: Cage,
        base_bytes: u64,
    ) -> Result<Self, FrameError> {
        let engine = make_engine();
        confine::before_models(&mut cage)?;
        let ready = Response::Ready {
            engine: version.to_owned(),
            layers: cage.names(),
        };
        write_message(
            &mut output,
            &ready,
            &[],
            &response_bounds(&RunLimits::default()),
        )?;
        Ok(Self {
            engine,
            output,
            base_bytes,
            loaded: None,
        })
    }

    /// Obeys until no more orders can come. Returns an exit code when the process must end before
    /// its input does.
    pub(super) fn obey(mut self, inbox: &Receiver<Order>) -> Option<i32> {
        while let Ok(order) = inbox.recv() {
            match self.one(order) {
                Ok(()) => {}
                Err(Ending::Panicked) => return Some(EXIT_PANIC),
                Err(Ending::Protocol(what)) => {
                    eprintln!("worker: {what}");
                    return Some(EXIT_PROTOCOL);
                }
                Err(Ending::Frame(error)) => {
                    eprintln!("worker: cannot answer: {error:?}");
                    return Some(EXIT_PROTOCOL);
                }
            }
        }
        None
    }

    fn one(&mut self, order: Order) -> Result<(), Ending> {
        let Message { body, attachments } = order.message;
        match body {
            Request::Load {
                filename,
                lineage,
                limits,
                ..
            } => self.load(attachments, filename, lineage, limits),
            Request::Describe { run, wall_ms } => {
                let (outcome, stats) =
                    self.timed(wall_ms, &order.cancel, |engine, loaded, ctx| {
                        engine.describe(&loaded.source, &loaded.filename, &loaded.lineage, ctx)
                    })?;
                let response = match outcome {
                    Ok(definition) => Response::Described {
                        run,
                        definition,
                        stats,
                    },
                    Err(error) => Response::Failed { run, error },
                };
                self.answer(run, &response, &[])
            }
            Request::Compute {
                run,
                wall_ms,
                definition,
                values,
                wanted,
            } => {
                let (outcome, stats) =
                    self.timed(wall_ms, &order.cancel, |engine, loaded, ctx| {
                        engine.compute(&loaded.source, &definition, &values, &wanted, ctx)
                    })?;
                let checked = outcome.and_then(|results| check_depth(&results).map(|()| results));
                match checked {
                    Ok(results) => self.answer_results(run, results, stats),
                    Err(error) => self.answer(run, &Response::Failed { run, error }, &[]),
                }
            }
            Request::Cancel { .. } => Ok(()),
        }
    }

    fn load(
        &mut self,
        mut attachments: Vec<Vec<u8>>,
        filename: String,
        lineage: String,
        limits: RunLimits,
    ) -> Result<(), Ending> {
        if self.loaded.is_some() {
            return Err(Ending::Protocol(
                "a second model was sent to a bound worker".into(),
            ));
        }
        let (Some(source), true) = (attachments.pop(), attachments.is_empty()) else {
            return Err(Ending::Protocol(
                "a load comes with exactly one source".into(),
            ));
        };
        let used_bytes = self
            .base_bytes
            .saturating_add(u64::try_from(source.len()).unwrap_or(u64::MAX));
        confine::limits::memory(&limits, used_bytes).map_err(FrameError::Io)?;
        let budget = limits
            .js_memory_bytes
            .saturating_add(limits.native_memory_bytes);
        confine::memory::meter(budget);
        self.loaded = Some(Loaded {
            source,
            filename,
            lineage,
            limits,
        });
        Ok(())
    }

    /// Runs the engine under this run's limits and measures it.
    fn timed<T>(
        &mut self,
        wall_ms: u64,
        cancel: &CancelFlag,
        work: impl FnOnce(&mut E, &Loaded, &RunContext) -> Result<T, EngineError>,
    ) -> Result<(Result<T, EngineError>, RunStats), Ending> {
        let loaded = self
            .loaded
            .as_ref()
            .ok_or_else(|| Ending::Protocol("a run was asked for before any model".into()))?;
        let ctx = RunContext {
            limits: RunLimits {
                wall_ms,
                ..loaded.limits.clone()
            },
            cancel: cancel.clone(),
        };
        let started = Instant::now();
        let cpu_before_ms = processor_time_ms();
        confine::limits::processor_time(cpu_before_ms, wall_ms).map_err(FrameError::Io)?;
        let engine = &mut self.engine;
        let outcome = catch_unwind(AssertUnwindSafe(|| work(engine, loaded, &ctx)))
            .map_err(|_| Ending::Panicked)?;
        let stats = RunStats {
            wall_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            cpu_ms: processor_time_ms().saturating_sub(cpu_before_ms),
            triangles: 0,
        };
        Ok((outcome, stats))
    }

    fn answer_results(
        &mut self,
        run: u64,
        mut results: Results,
        measured: RunStats,
    ) -> Result<(), Ending> {
        results.stats = RunStats {
            triangles: results.stats.triangles,
            ..measured
        };
        let bodies = results.take_bodies();
        let attachments: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
        self.answer(run, &Response::Computed { run, results }, &attachments)
    }

    /// Sends an answer; one that is too large becomes an error that the author can act on.
    fn answer(
        &mut self,
        run: u64,
        response: &Response,
        attachments: &[&[u8]],
    ) -> Result<(), Ending> {
        let bounds = self.bounds();
        match write_message(&mut self.output, response, attachments, &bounds) {
            Err(FrameError::TooLarge { what, found, max }) => {
                let error = EngineError::Limit(LimitExceeded {
                    limit: LimitKind::OutputBytes,
                    at: "the results".into(),
                    spent: format!("{what} has {found} where at most {max} are accepted"),
                    raise: "make coarser or fewer results, or raise the limit of output bytes"
                        .into(),
                });
                let failed = Response::Failed { run, error };
                Ok(write_message(&mut self.output, &failed, &[], &bounds)?)
            }
            other => Ok(other?),
        }
    }

    fn bounds(&self) -> MessageBounds {
        match &self.loaded {
            Some(loaded) => response_bounds(&loaded.limits),
            None => response_bounds(&RunLimits::default()),
        }
    }
}

/// Processor time of the process so far, in milliseconds.
fn processor_time_ms() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let s = u64::try_from(time.tv_sec).unwrap_or(0);
    let ns = u64::try_from(time.tv_nsec).unwrap_or(0);
    s.saturating_mul(1000).saturating_add(ns / 1_000_000)
}

fn check_depth(results: &Results) -> Result<(), EngineError> {
    let contents = results.items.iter().flat_map(|item| &item.content);
    for content in contents {
        if let Body::Data(value) = &content.body
            && !is_shallow(value, DATA_DEPTH_MAX)
        {
            let name = content.name.as_deref().unwrap_or("a data output");
            return Err(EngineError::Script {
                message: format!(
                    "{name} is nested deeper than {DATA_DEPTH_MAX} levels; make it flatter"
                ),
                line: None,
            });
        }
    }
    Ok(())
}

/// Whether a value nests at most `depth` levels of lists and objects.
fn is_shallow(value: &serde_json::Value, depth: usize) -> bool {
    match value {
        serde_json::Value::Array(items) => {
            depth > 0 && items.iter().all(|item| is_shallow(item, depth - 1))
        }
        serde_json::Value::Object(members) => {
            depth > 0 && members.values().all(|member| is_shallow(member, depth - 1))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> serde_json::Value {
        (0..levels).fold(serde_json::Value::Null, |inner, _| {
            serde_json::Value::Array(vec![inner])
        })
    }

    #[test]
    fn data_may_nest_n_levels_and_no_more() {
        assert!(is_shallow(&nested(DATA_DEPTH_MAX), DATA_DEPTH_MAX));
        assert!(!is_shallow(&nested(DATA_DEPTH_MAX + 1), DATA_DEPTH_MAX));
    }
}
