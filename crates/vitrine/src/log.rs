//! The log of a server: standard error, written in batches.
//!
//! One write for each line would wake whoever reads the log once for each request. Lines wait a few
//! milliseconds for company instead; warnings and errors do not wait, and take along what waits before them.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line waits for others.
const WAIT: Duration = Duration::from_millis(5);
/// Bytes that may wait; whoever brings more writes it out, as slowly as the reader takes it.
const WAITING_BYTES_MAX: usize = 256 * 1024;

/// Takes lines and writes them out; clones share what waits.
#[derive(Clone)]
pub(crate) struct Batches(Arc<Shared>);

struct Shared {
    waiting: Mutex<Waiting>,
    /// Told when the first line comes.
    came: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    over: bool,
}

/// Writes out what waits when it is dropped, as at the end of the process.
pub(crate) struct Flush(Batches);

impl Drop for Flush {
    fn drop(&mut self) {
        self.0.with(|waiting| waiting.over = true);
        self.0.0.came.notify_all();
        self.0.with(write_out);
    }
}

impl Batches {
    /// Starts the thread that writes.
    pub(crate) fn start() -> io::Result<(Self, Flush)> {
        let batches = Self(Arc::new(Shared {
            waiting: Mutex::default(),
            came: Condvar::new(),
        }));
        let own = batches.clone();
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || own.run())?;
        let flush = Flush(batches.clone());
        Ok((batches, flush))
    }

    fn run(&self) {
        loop {
            let waiting = self.0.waiting.lock();
            let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
            let quiet = |waiting: &mut Waiting| waiting.bytes.is_empty() && !waiting.over;
            let waiting = self.0.came.wait_while(waiting, quiet);
            if waiting.unwrap_or_else(PoisonError::into_inner).over {
                return;
            }
            std::thread::sleep(WAIT);
            self.with(write_out);
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Waiting) -> T) -> T {
        let waiting = self.0.waiting.lock();
        act(&mut waiting.unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, line: &[u8], at_once: bool) {
        let first = self.with(|waiting| {
            let first = waiting.bytes.is_empty();
            waiting.bytes.extend_from_slice(line);
            if at_once || waiting.over || waiting.bytes.len() > WAITING_BYTES_MAX {
                write_out(waiting);
                return false;
            }
            first
        });
        if first {
            self.0.came.notify_one();
        }
    }
}

/// In the order in which lines came: whoever writes holds the lock.
fn write_out(waiting: &mut Waiting) {
    // A log that nobody can take any more is no reason to stop serving.
    let _ = io::stderr().lock().write_all(&waiting.bytes);
    waiting.bytes.clear();
}

/// One line on its way.
pub(crate) struct Line<'a> {
    batches: &'a Batches,
    at_once: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.batches.put(bytes, self.at_once);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Batches {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line {
            batches: self,
            at_once: true,
        }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line<'a> {
        Line {
            batches: self,
            at_once: *meta.level() <= Level::WARN,
        }
    }
}
