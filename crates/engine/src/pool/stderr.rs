//! A worker's standard error: logged in bounds, its end kept to explain a death.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;
use tokio::task::JoinHandle;

/// Bytes of the end that are kept: the last words of a process.
const TAIL_BYTES_MAX: usize = 4096;

/// Bytes of one worker that are logged; what comes after is read and dropped, so that the worker
/// never blocks on a full pipe and never floods the log.
const LOGGED_BYTES_MAX: usize = 64 * 1024;

/// How long the pipe of an ended process may take to end.
const PIPE_END_MAX: Duration = Duration::from_secs(1);

/// Reads a worker's standard error until its end.
pub(super) struct StderrReader {
    tail: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl StderrReader {
    pub(super) fn start(pid: u32, mut stderr: ChildStderr) -> Self {
        let tail = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&tail);
        let task = tokio::spawn(async move {
            let mut buffer = [0; 1024];
            let mut logged_bytes = 0_usize;
            while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
                let chunk = &buffer[..count];
                if logged_bytes < LOGGED_BYTES_MAX {
                    logged_bytes += count;
                    let text = String::from_utf8_lossy(chunk);
                    tracing::debug!(target: "vitrine::worker", pid, text = ?text.trim_end(), "worker says");
                }
                keep_tail(
                    &mut shared.lock().unwrap_or_else(PoisonError::into_inner),
                    chunk,
                );
            }
        });
        Self { tail, task }
    }

    /// The last words of a worker that has ended.
    pub(super) async fn last_words(self) -> String {
        // The pipe ends with the process; only an heir of it that should not exist holds it open.
        let _ = tokio::time::timeout(PIPE_END_MAX, self.task).await;
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&tail).into_owned()
    }
}

fn keep_tail(tail: &mut Vec<u8>, chunk: &[u8]) {
    tail.extend_from_slice(chunk);
    let excess = tail.len().saturating_sub(TAIL_BYTES_MAX);
    tail.drain(..excess);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let mut tail = vec![b'a'; TAIL_BYTES_MAX];
        keep_tail(&mut tail, b"bc");
        assert_eq!(tail.len(), TAIL_BYTES_MAX);
        assert!(tail.ends_with(b"abc"));
    }
}
