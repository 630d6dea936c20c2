//! The thread that starts workers.
//!
//! A worker asks the kernel to end it with its parent, and for the kernel the parent is the
//! *thread* that started it. A thread of the runtime may end at any time, so one thread is kept
//! for this alone; it ends with the pool, and every worker with it.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// One arena for all threads of a worker: a second one would reserve address space that the
/// budget does not have.
const ENVIRONMENT: [(&str, &str); 2] = [("MALLOC_ARENA_MAX", "1"), ("RUST_BACKTRACE", "0")];

/// Starts workers of one program.
pub(super) struct Spawner {
    /// None after [`Spawner::end`].
    orders: Mutex<Option<Orders>>,
}

type Orders = mpsc::Sender<Order>;

/// One process that is to be started.
struct Order {
    /// Arguments on top of every worker's.
    arguments: Vec<String>,
    reply: oneshot::Sender<io::Result<Child>>,
}

impl Spawner {
    /// Starts the thread. Children belong to the current runtime.
    pub(super) fn start(program: PathBuf, args: Vec<String>, runtime: Handle) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::Builder::new()
            .name("worker-spawner".into())
            .spawn(move || {
                let _entered = runtime.enter();
                while let Ok(Order { arguments, reply }) = inbox.recv() {
                    let mut command = command(&program, &args);
                    command.args(arguments);
                    // When nobody waits any more the child is dropped, which kills it.
                    let _ = reply.send(command.spawn());
                }
            })?;
        Ok(Self {
            orders: Mutex::new(Some(orders)),
        })
    }

    /// Starts one worker, with these arguments on top of every worker's.
    pub(super) async fn spawn(&self, arguments: Vec<String>) -> io::Result<Child> {
        let (reply, child) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts workers has ended");
        self.orders()
            .as_ref()
            .and_then(|orders| orders.send(Order { arguments, reply }).ok())
            .ok_or_else(gone)?;
        child.await.map_err(|_| gone())?
    }

    /// Ends the thread, and with it every worker that it has started.
    pub(super) fn end(&self) {
        *self.orders() = None;
    }

    fn orders(&self) -> MutexGuard<'_, Option<Orders>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn command(program: &PathBuf, args: &[String]) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .envs(ENVIRONMENT)
        .current_dir("/")
        // A group of its own: an interrupt from the terminal is for the server, which then lets
        // running jobs finish.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
