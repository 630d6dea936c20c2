//! The worker process: one engine, bound to one model of one owner, that speaks frames on its
//! standard input and output and touches nothing else.
//!
//! Two threads: this one reads requests, so that a cancellation is seen during a run; the other
//! runs the engine on a stack of known size. When the input ends, whatever the reason, the process
//! ends with it.

#[doc(hidden)]
pub mod confine;
pub mod frame;
pub mod protocol;
mod runner;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use vitrine_model::{CancelFlag, Engine};

pub use confine::{Confinement, Layer, MeteredAllocator, missing_layers};

use crate::openscad::{OPENSCAD_FORM, OpenScadEngine};
use confine::{Cage, Opens, Program};
use frame::{FrameError, read_message};
use protocol::{REQUEST_BOUNDS, Request};
use runner::{Order, Runner};

/// Exit code when the server closed the pipe.
pub const EXIT_DONE: i32 = 0;
/// Exit code when the worker could not set up its confinement or its engine.
pub const EXIT_SETUP: i32 = 70;
/// Exit code when the other side broke the protocol or the pipe failed.
pub const EXIT_PROTOCOL: i32 = 71;
/// Exit code after the engine panicked: its state is not to be trusted any more.
pub const EXIT_PANIC: i32 = 72;
/// Exit code when something in the worker asked the kernel for what computing does not need.
pub const EXIT_FORBIDDEN: i32 = 73;
/// Exit code when the worker went over its budget of memory.
pub const EXIT_MEMORY: i32 = 74;

/// Stack of the thread that runs the engine. Nested solids are evaluated recursively; the bound on
/// their nesting keeps far below this. Only the touched part costs memory.
const ENGINE_STACK_BYTES: usize = 64 * 1024 * 1024;

/// Requests that are read ahead of the running one: the model and its first run arrive together.
const ORDERS_AHEAD_MAX: usize = 2;

/// The argument of a worker that runs OpenSCAD; the program's path follows it.
pub const OPENSCAD_ARGUMENT: &str = "openscad";

/// What `vitrine __worker` runs until standard input ends: the engine that `arguments` name, JSCAD when they name none.
pub fn worker_main(confinement: Confinement, arguments: impl IntoIterator<Item = String>) -> ! {
    let mut arguments = arguments.into_iter();
    match (arguments.next().as_deref(), arguments.next()) {
        (Some(OPENSCAD_ARGUMENT), Some(path)) => run_program_worker(confinement, Path::new(&path)),
        (Some(crate::DRAWING_ARGUMENT), _) => drawing_worker_main(confinement),
        _ => run_worker(confinement, crate::jscad::JscadEngine::new),
    }
}

/// What `vitrine __worker … drawing` runs: the engine for drawings until standard input ends.
///
/// Its library asks how much memory the machine has, by a file, each time it reads a DWG file: in this
/// worker opening a file is refused instead of being the end.
fn drawing_worker_main(confinement: Confinement) -> ! {
    run_with(
        confinement,
        Opens::Refused,
        crate::drawings::DrawingEngine::default,
    )
}

/// Serves standard input and output with the engine that `make_engine` makes, until the input ends.
///
/// Messages for people go to standard error; whatever the engine prints to standard output goes
/// there too.
///
/// `make_engine` runs before the cage closes: whatever the engine has to open, it opens there.
pub fn run_worker<E: Engine + 'static>(
    confinement: Confinement,
    make_engine: impl FnOnce() -> E + Send + 'static,
) -> ! {
    run_with(confinement, Opens::TheEnd, make_engine)
}

fn run_with<E: Engine + 'static>(
    confinement: Confinement,
    opens: Opens,
    make_engine: impl FnOnce() -> E + Send + 'static,
) -> ! {
    let served = set_up(confinement, None)
        .map_err(WorkerError::Setup)
        .and_then(|(output, cage)| serve(output, cage, opens, crate::ENGINE_VERSION, make_engine));
    end(served)
}

/// The same with the OpenSCAD engine and the program at `path`.
fn run_program_worker(confinement: Confinement, path: &Path) -> ! {
    let served = Program::discover(path)
        .and_then(|program| {
            let (output, cage) = set_up(confinement, Some(&program))?;
            Ok((output, cage, program))
        })
        .map_err(WorkerError::Setup)
        .and_then(|(output, cage, program)| {
            let make_engine = || OpenScadEngine::new(program);
            serve(output, cage, Opens::TheEnd, OPENSCAD_FORM, make_engine)
        });
    end(served)
}

fn end(served: Result<(), WorkerError>) -> ! {
    let code = match served {
        Ok(()) => EXIT_DONE,
        Err(WorkerError::Setup(error)) => {
            eprintln!("worker: cannot confine itself: {error}");
            EXIT_SETUP
        }
        Err(WorkerError::Frame(error)) => {
            eprintln!("worker: cannot read a request: {error:?}");
            EXIT_PROTOCOL
        }
    };
    std::process::exit(code)
}

enum WorkerError {
    Setup(io::Error),
    Frame(FrameError),
}

impl From<FrameError> for WorkerError {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

fn serve<E: Engine + 'static>(
    output: File,
    mut cage: Cage,
    opens: Opens,
    version: &'static str,
    make_engine: impl FnOnce() -> E + Send + 'static,
) -> Result<(), WorkerError> {
    cage.opens = opens;
    let (orders, inbox) = sync_channel(ORDERS_AHEAD_MAX);
    thread::Builder::new()
        .name("engine".into())
        .stack_size(ENGINE_STACK_BYTES)
        .spawn(move || {
            let stack_bytes = u64::try_from(ENGINE_STACK_BYTES).unwrap_or(u64::MAX);
            let base_bytes = cage.address_space_bytes.saturating_add(stack_bytes);
            let code = match Runner::start(make_engine, version, output, cage, base_bytes) {
                Ok(runner) => runner.obey(&inbox),
                Err(error) => {
                    eprintln!("worker: cannot start: {error:?}");
                    Some(EXIT_SETUP)
                }
            };
            // The reader waits for input that may never come, so the process ends from here. When
            // the input has ended, the reader knows the better exit code.
            if let Some(code) = code {
                std::process::exit(code);
            }
        })
        .map_err(WorkerError::Setup)?;
    read_requests(&mut BufReader::new(io::stdin().lock()), &orders)
}

/// Confines the process and keeps standard output for frames alone.
fn set_up(confinement: Confinement, program: Option<&Program>) -> io::Result<(File, Cage)> {
    let mut cage = confine::close_inherited(confinement)?;
    let output: OwnedFd = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr().as_fd())?;
    match program {
        Some(program) => confine::at_start_with(&mut cage, program)?,
        None => confine::at_start(&mut cage)?,
    }
    Ok((File::from(output), cage))
}

/// Hands requests to the engine's thread and cancellations to the run that they name.
fn read_requests(input: &mut impl Read, orders: &SyncSender<Order>) -> Result<(), WorkerError> {
    let mut newest: Option<(u64, CancelFlag)> = None;
    while let Some(message) = read_message::<Request>(input, &REQUEST_BOUNDS)? {
        let cancel = CancelFlag::default();
        match &message.body {
            Request::Cancel { run } => {
                if let Some((_, flag)) = newest.iter().find(|(number, _)| number == run) {
                    flag.cancel();
                }
                continue;
            }
            Request::Describe { run, .. } | Request::Compute { run, .. } => {
                newest = Some((*run, cancel.clone()));
            }
            Request::Load { .. } => {}
        }
        if orders.send(Order { message, cancel }).is_err() {
            // The engine's thread is ending the process with a code of its own.
            thread::park();
        }
    }
    Ok(())
}
