//! A test runner that understands what `cargo test` passes, and what tests need to start a pool.

use std::future::Future;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use vitrine_engine::{WorkerPool, WorkerPoolConfig};
use vitrine_model::RunLimits;

/// A test that hangs fails after this time, far above what the slowest needs.
const CASE_MAX: Duration = Duration::from_mins(2);

pub(crate) type Case = (
    &'static str,
    fn() -> Pin<Box<dyn Future<Output = ()> + Send>>,
);

/// Names each case once.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        /// Every case with its name.
        pub(crate) fn all() -> Vec<Case> {
            vec![$((stringify!($name), || Box::pin($name()))),*]
        }
    };
}
pub(crate) use cases;

/// Runs the cases whose name contains one of the arguments; all of them without arguments.
pub(crate) fn run(cases: &[Case], args: &[String]) {
    let filters: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    if args.iter().any(|arg| arg == "--list") {
        for (name, _) in cases {
            println!("{name}: test");
        }
        return;
    }
    tracing_subscriber::fmt()
        .with_env_filter("vitrine::worker=debug")
        .with_ansi(false)
        .with_writer(|| LogWriter)
        .init();
    let mut failed = 0;
    for (name, case) in cases {
        if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter.as_str())) {
            continue;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                tokio::time::timeout(CASE_MAX, case())
                    .await
                    .expect("the test hangs");
            });
        }));
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("test {name} ... {word}");
        failed += usize::from(outcome.is_err());
    }
    if failed > 0 {
        println!("{failed} failed; the log was:\n{}", log());
        std::process::exit(1);
    }
}

fn log_buffer() -> &'static Arc<Mutex<Vec<u8>>> {
    static LOG: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();
    LOG.get_or_init(Arc::default)
}

/// Everything that was logged so far.
pub(crate) fn log() -> String {
    let log = log_buffer().lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&log).into_owned()
}

struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        log_buffer()
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One worker, room for two jobs in the line, and limits that a test reaches soon.
pub(crate) fn config() -> WorkerPoolConfig {
    WorkerPoolConfig {
        program: std::env::current_exe().unwrap(),
        args: vec!["--worker".into()],
        workers: 1,
        queue_max: 2,
        limits: RunLimits {
            wall_ms: 20_000,
            output_bytes_max: 1024 * 1024,
            ..RunLimits::default()
        },
        recycle_after_runs: 100,
        openscad: None,
    }
}

pub(crate) fn pool() -> WorkerPool {
    WorkerPool::start(config()).unwrap()
}

/// Waits until something holds that another task brings about.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}
