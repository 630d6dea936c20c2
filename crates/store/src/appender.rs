//! Group commit. Hot appends go to one writer task, which puts all that wait into one transaction and
//! answers every caller after its commit: many acknowledgements per flush, none before it.
//!
//! A batch is first written as it comes. When one append fails, the batch is rolled back and written
//! again with a savepoint around each append, so that a refused one does not take its neighbours
//! with it.

use std::sync::Arc;

use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use vitrine_access::{
    AuditEvent, CapReached, EditorTokenHash, EndReason, Session, SessionHash, Timestamp, UsageEvent,
};

use crate::caps::Ledger;
use crate::db::{Dialect, Handle, Pools, Query};
use crate::editor_tokens::{self, EditorTokenRecord};
use crate::error::StoreError;
use crate::limits::APPEND_ROWS_MAX;
use crate::results::{ComputationRecord, OutputVersionRecord};
use crate::sessions::SessionTouch;
use crate::{audit, results, sessions, usage};

/// One append.
pub(crate) enum HotWrite {
    Session(Box<Session>, Vec<UsageEvent>),
    EndSession(SessionHash, EndReason, Timestamp),
    Touch(Vec<SessionTouch>),
    Usage(Vec<UsageEvent>),
    Audit(Vec<AuditEvent>),
    EditorToken(Box<EditorTokenRecord>),
    UseEditorToken(EditorTokenHash, Timestamp),
    Results(
        Vec<OutputVersionRecord>,
        Option<Box<ComputationRecord>>,
        Vec<UsageEvent>,
    ),
}

/// How many rows an append has really changed, where its caller wants to know.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome(u64);

impl Outcome {
    pub(crate) fn changed(self) -> bool {
        self.0 > 0
    }

    pub(crate) fn count(self) -> u64 {
        self.0
    }
}

impl HotWrite {
    fn rows(&self) -> usize {
        match self {
            Self::Session(_, usage) => 1 + usage.len(),
            Self::EndSession(..) | Self::EditorToken(_) | Self::UseEditorToken(..) => 1,
            Self::Touch(touches) => touches.len(),
            Self::Usage(usage) => usage.len(),
            Self::Audit(events) => events.len(),
            Self::Results(results, _, usage) => 1 + results.len() + usage.len(),
        }
    }

    /// Whether it adds to the change feed.
    fn is_change(&self) -> bool {
        matches!(self, Self::EndSession(..) | Self::UseEditorToken(..))
    }

    /// The charges that come with it.
    fn usage(&self) -> &[UsageEvent] {
        match self {
            Self::Session(_, usage) | Self::Usage(usage) | Self::Results(_, _, usage) => usage,
            Self::EndSession(..)
            | Self::Touch(_)
            | Self::Audit(_)
            | Self::EditorToken(_)
            | Self::UseEditorToken(..) => &[],
        }
    }

    /// Whether caps allow it. What was computed is kept and counted in any case: its work is done.
    fn admitted(&self, ledger: &Ledger) -> Result<(), CapReached> {
        match self {
            Self::Results(..) => Ok(()),
            _ => ledger.admit(self.usage()),
        }
    }

    async fn apply(&self, handle: &mut Handle, ledger: &mut Ledger) -> Result<Outcome, StoreError> {
        let mut changed = 0;
        match self {
            Self::Session(session, usage) => {
                sessions::insert(handle, session).await?;
                usage::charge(handle, ledger, usage).await?;
                changed = 1;
            }
            Self::EndSession(hash, reason, at) => {
                changed = u64::from(sessions::end(handle, *hash, *reason, *at).await?);
            }
            Self::Touch(touches) => {
                for touch in touches {
                    sessions::touch(handle, touch).await?;
                }
            }
            Self::Usage(usage) => usage::charge(handle, ledger, usage).await?,
            Self::Audit(events) => {
                for event in events {
                    audit::insert(handle, event).await?;
                }
            }
            Self::EditorToken(token) => {
                editor_tokens::insert(handle, token).await?;
                changed = 1;
            }
            Self::UseEditorToken(hash, at) => {
                changed = u64::from(editor_tokens::use_up(handle, *hash, *at).await?);
            }
            Self::Results(records, computation, usage) => {
                for record in records {
                    changed += u64::from(results::insert(handle, record).await?);
                }
                if let Some(computation) = computation {
                    results::insert_computation(handle, computation).await?;
                }
                usage::charge(handle, ledger, usage).await?;
            }
        }
        Ok(Outcome(changed))
    }
}

/// An append with the one who waits for it.
struct Append {
    write: HotWrite,
    done: oneshot::Sender<Result<Outcome, StoreError>>,
}

enum Message {
    Append(Append),
    /// Write what is queued, then stop.
    Close,
}

/// The way to the writer task.
pub(crate) struct Appender {
    queue: mpsc::Sender<Message>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Appender {
    /// `feed` is told after each commit that has a change in it.
    pub(crate) fn start(
        pools: Pools,
        dialect: &'static Dialect,
        feed: Arc<Notify>,
        queue_max: usize,
        batch_max: usize,
    ) -> Self {
        let (queue, receiver) = mpsc::channel(queue_max);
        let writer = Writer {
            pools,
            dialect,
            feed,
        };
        let task = tokio::spawn(writer.write_all(receiver, batch_max));
        Self {
            queue,
            task: Mutex::new(Some(task)),
        }
    }

    /// Waits for a place in the queue and then for the commit. A caller that stops waiting after it
    /// got its place does not take the append back.
    pub(crate) async fn append(&self, write: HotWrite) -> Result<Outcome, StoreError> {
        let rows = write.rows();
        if rows > APPEND_ROWS_MAX {
            return Err(StoreError::TooMuch {
                what: "rows of one append",
                given: rows,
                allowed: APPEND_ROWS_MAX,
            });
        }
        let (done, outcome) = oneshot::channel();
        let message = Message::Append(Append { write, done });
        self.queue
            .send(message)
            .await
            .map_err(|_| StoreError::Closed)?;
        outcome.await.map_err(|_| StoreError::Closed)?
    }

    /// Appends in the queue.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Lets the writer finish what is queued.
    pub(crate) async fn close(&self) {
        let task = self.task.lock().await.take();
        if let Some(task) = task
            && self.queue.send(Message::Close).await.is_ok()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the writer task ended abnormally");
        }
    }
}

/// Writes batches: one at a time, each in one transaction.
struct Writer {
    pools: Pools,
    dialect: &'static Dialect,
    feed: Arc<Notify>,
}

enum Failure {
    /// One append was refused; the others may be fine.
    OneAppend,
    /// Nothing was written.
    Batch(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Batch(error)
    }
}

type Outcomes = Vec<Result<Outcome, StoreError>>;

impl Writer {
    async fn write_all(self, mut queue: mpsc::Receiver<Message>, batch_max: usize) {
        let mut batch = Vec::with_capacity(batch_max);
        loop {
            if queue.recv_many(&mut batch, batch_max).await == 0 {
                return;
            }
            let mut appends = Vec::with_capacity(batch.len());
            for message in batch.drain(..) {
                match message {
                    Message::Append(append) => appends.push(append),
                    // Nothing new comes in; what is in the queue is still received.
                    Message::Close => queue.close(),
                }
            }
            let noted = appends.iter().any(|append| append.write.is_change());
            self.flush(appends).await;
            if noted {
                self.feed.notify_one();
            }
        }
    }

    /// Writes a batch in one transaction and answers everybody.
    async fn flush(&self, appends: Vec<Append>) {
        if appends.is_empty() {
            return;
        }
        let started = tokio::time::Instant::now();
        let written = match self.write_plainly(&appends).await {
            Ok(outcomes) => Ok(outcomes),
            Err(Failure::OneAppend) => self.write_separately(&appends).await,
            Err(Failure::Batch(error)) => Err(error),
        };
        let outcome = if written.is_ok() { "done" } else { "failed" };
        metrics::histogram!("vitrine_store_flush_seconds", "outcome" => outcome)
            .record(started.elapsed());
        let count = u64::try_from(appends.len()).unwrap_or(u64::MAX);
        metrics::counter!("vitrine_store_appends_total", "outcome" => outcome).increment(count);
        match written {
            Ok(outcomes) => {
                for (append, outcome) in appends.into_iter().zip(outcomes) {
                    // A caller that has gone away is no fault.
                    let _ = append.done.send(outcome);
                }
            }
            Err(error) => {
                tracing::warn!(%error, appends = appends.len(), "a flush failed");
                for append in appends {
                    let _ = append.done.send(Err(error.clone()));
                }
            }
        }
    }

    async fn ledger(&self, handle: &mut Handle, appends: &[Append]) -> Result<Ledger, StoreError> {
        let usage = appends.iter().flat_map(|append| append.write.usage());
        Ledger::open(handle, &self.dialect.texts, usage).await
    }

    async fn write_plainly(&self, appends: &[Append]) -> Result<Outcomes, Failure> {
        let mut handle = self.pools.write().await?;
        let mut ledger = self.ledger(&mut handle, appends).await?;
        let mut outcomes = Vec::with_capacity(appends.len());
        for append in appends {
            if let Err(reached) = append.write.admitted(&ledger) {
                outcomes.push(Err(refused(reached)));
                continue;
            }
            match append.write.apply(&mut handle, &mut ledger).await {
                Ok(outcome) => outcomes.push(Ok(outcome)),
                Err(error) => {
                    tracing::debug!(%error, "an append was refused; writing its batch one by one");
                    handle.roll_back().await?;
                    return Err(Failure::OneAppend);
                }
            }
        }
        ledger.write(&mut handle).await?;
        handle.commit().await?;
        ledger.tell();
        Ok(outcomes)
    }

    async fn write_separately(&self, appends: &[Append]) -> Result<Outcomes, StoreError> {
        let mut handle = self.pools.write().await?;
        let mut ledger = self.ledger(&mut handle, appends).await?;
        let mut outcomes = Vec::with_capacity(appends.len());
        for append in appends {
            if let Err(reached) = append.write.admitted(&ledger) {
                outcomes.push(Err(refused(reached)));
                continue;
            }
            let before = ledger.clone();
            handle.execute(Query::new("SAVEPOINT append")).await?;
            let outcome = append.write.apply(&mut handle, &mut ledger).await;
            if outcome.is_err() {
                ledger = before;
                handle
                    .execute(Query::new("ROLLBACK TO SAVEPOINT append"))
                    .await?;
            }
            handle
                .execute(Query::new("RELEASE SAVEPOINT append"))
                .await?;
            outcomes.push(outcome);
        }
        ledger.write(&mut handle).await?;
        handle.commit().await?;
        ledger.tell();
        Ok(outcomes)
    }
}

fn refused(reached: CapReached) -> StoreError {
    metrics::counter!(
        "vitrine_cap_refusals_total",
        "window" => reached.cap.window.as_str()
    )
    .increment(1);
    Box::new(reached).into()
}
