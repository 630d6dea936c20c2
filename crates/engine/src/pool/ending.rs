//! What the end of a worker process means to the one who waits for its answer.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;
use vitrine_model::{EngineError, LimitExceeded, LimitKind, RunLimits};

use crate::worker::confine::calls::FORBIDDEN_CALL;
use crate::worker::{EXIT_FORBIDDEN, EXIT_MEMORY, EXIT_PANIC, EXIT_PROTOCOL, EXIT_SETUP};

/// What the runtime prints before it aborts because an allocation failed:
/// `memory allocation of 123 bytes failed`.
const ALLOCATION_FAILED: (&str, &str) = ("memory allocation of ", " bytes failed");

/// What the runtime prints before it aborts because a thread's stack is full.
const STACK_OVERFLOWED: &str = "has overflowed its stack";

/// The wall-clock bound was hit after `spent_ms`.
pub(super) fn out_of_time(at: &str, spent_ms: u128, wall_ms: u64) -> EngineError {
    EngineError::Limit(LimitExceeded {
        limit: LimitKind::WallTime,
        at: at.to_owned(),
        spent: format!("{spent_ms} ms of {wall_ms} ms"),
        raise: "make the model simpler, or raise the limit of computation time".into(),
    })
}

fn out_of_memory(at: &str, spent: String) -> EngineError {
    EngineError::Limit(LimitExceeded {
        limit: LimitKind::Memory,
        at: at.to_owned(),
        spent,
        raise: "make the model smaller: fewer or coarser solids, less in arrays".into(),
    })
}

/// Why the worker ended during `at`, from its exit status and the end of its standard error. A
/// limit is never reported as a crash.
pub(super) fn explain(
    at: &str,
    status: Option<ExitStatus>,
    stderr_tail: &str,
    limits: &RunLimits,
) -> EngineError {
    let code = status.and_then(|status| status.code());
    let budget = limits
        .js_memory_bytes
        .saturating_add(limits.native_memory_bytes);
    if code == Some(EXIT_MEMORY) {
        return out_of_memory(at, format!("more than {budget} bytes"));
    }
    if let Some(bytes) = failed_allocation(stderr_tail) {
        return out_of_memory(
            at,
            format!("{bytes} more bytes did not fit into {budget} bytes"),
        );
    }
    if stderr_tail.contains(STACK_OVERFLOWED) {
        return EngineError::Limit(LimitExceeded {
            limit: LimitKind::Recursion,
            at: at.to_owned(),
            spent: "the whole stack".into(),
            raise: "nest fewer operations and calls".into(),
        });
    }
    let signal = status.and_then(|status| status.signal());
    if signal == Some(Signal::XCPU.as_raw()) {
        return out_of_time(at, u128::from(limits.wall_ms), limits.wall_ms);
    }
    let message = match (signal, code) {
        (Some(signal), _) if signal == Signal::KILL.as_raw() => format!(
            "it was killed from outside during {at}, for example because the machine ran out of \
             memory; try again"
        ),
        (None, Some(EXIT_FORBIDDEN)) => forbidden(at, stderr_tail),
        (Some(signal), _) => {
            format!(
                "it ended by signal {signal} during {at}; the model may hit a fault of the engine"
            )
        }
        (None, Some(EXIT_PANIC)) => {
            format!("the engine failed inside during {at}; change the values or the model")
        }
        (None, Some(EXIT_PROTOCOL)) => {
            format!("it did not understand a message during {at}; see the server's log")
        }
        (None, Some(EXIT_SETUP)) => {
            let last = stderr_tail.lines().last().unwrap_or_default();
            format!("it could not start ({last}); run `vitrine doctor` on the server")
        }
        (None, Some(code)) => {
            format!("it ended with code {code} during {at}; see the server's log")
        }
        (None, None) => format!("nothing is known about its end during {at}; try again"),
    };
    EngineError::WorkerLost { message }
}

/// What the author of a model that tried to leave the cage is told.
fn forbidden(at: &str, stderr_tail: &str) -> String {
    let number = stderr_tail
        .rsplit_once(FORBIDDEN_CALL)
        .and_then(|(_, rest)| rest.lines().next())
        .and_then(|number| number.parse::<u32>().ok());
    let which = number.map_or_else(String::new, |number| format!(" (system call {number})"));
    format!("it tried something that its cage forbids{which} during {at}; see the server's log")
}

/// How many bytes the failed allocation asked for, when there was one.
fn failed_allocation(stderr_tail: &str) -> Option<u64> {
    let (before, after) = ALLOCATION_FAILED;
    let (_, rest) = stderr_tail.rsplit_once(before)?;
    let (bytes, _) = rest.split_once(after)?;
    bytes.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(raw_status: i32, stderr_tail: &str) -> EngineError {
        let status = ExitStatus::from_raw(raw_status);
        explain("compute", Some(status), stderr_tail, &RunLimits::default())
    }

    fn limit(raw_status: i32, stderr_tail: &str) -> LimitKind {
        match explained(raw_status, stderr_tail) {
            EngineError::Limit(exceeded) => exceeded.limit,
            other => panic!("{other} is no limit"),
        }
    }

    #[test]
    fn limits_are_told_from_crashes() {
        let abort = Signal::ABORT.as_raw();
        assert_eq!(
            limit(abort, "memory allocation of 64 bytes failed\n"),
            LimitKind::Memory
        );
        assert_eq!(
            limit(
                abort,
                "thread 'engine' (7) has overflowed its stack\nfatal runtime error"
            ),
            LimitKind::Recursion
        );
        assert_eq!(limit(Signal::XCPU.as_raw(), ""), LimitKind::WallTime);
        assert_eq!(limit(EXIT_MEMORY << 8, ""), LimitKind::Memory);
    }

    #[test]
    fn crashes_say_what_is_known() {
        let cases = [
            (Signal::KILL.as_raw(), "killed from outside"),
            (Signal::SEGV.as_raw(), "signal 11"),
            (EXIT_PANIC << 8, "failed inside"),
            (EXIT_PROTOCOL << 8, "did not understand"),
            (EXIT_FORBIDDEN << 8, "its cage forbids during"),
            (EXIT_SETUP << 8, "could not start (memory allocation"),
            (3 << 8, "code 3"),
        ];
        for (raw_status, expected) in cases {
            match explained(raw_status, "memory allocation of many bytes failed") {
                EngineError::WorkerLost { message } => {
                    assert!(message.contains(expected), "{message}");
                }
                other => panic!("{other}"),
            }
        }
    }
}
