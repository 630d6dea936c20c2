//! What can go wrong in a use case, in words for the person who asked.
//!
//! Every error has a [`ErrorKind`]; the protocol layers turn kinds into status codes and bodies in
//! one table each. The public message and the internal cause are kept apart: the cause is logged
//! once at the edge and never sent.

use std::error::Error as StdError;
use std::fmt;

use vitrine_access::caps::CapReached;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_model::{EngineError, ParameterError};
use vitrine_store::StoreError;

use crate::limiter::Limited;

/// Result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

/// The kinds of failure that a protocol tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The access core said no.
    Refused(RefusalKind),
    /// The body, the query or an identifier does not have the documented form.
    RequestInvalid,
    /// A parameter is unknown or its value is not acceptable.
    ParameterInvalid,
    /// A model file or its settings cannot be used.
    ModelInvalid,
    /// Something other than a model does not exist (an output, an export, a version).
    EntityUnknown,
    /// The request is larger than a documented bound.
    TooLarge,
    /// The queue for computations is full; asking again later helps.
    Busy,
    /// The computation failed; asking again with the same values fails again.
    ComputationFailed,
    /// A drawing cannot be read, or is none.
    DrawingInvalid,
    /// The drawing changed since the version that a change was made from.
    DrawingStale,
    /// The object storage did not do its work.
    StorageFailed,
    /// Another server that is needed did not answer as it should.
    ConnectorFailed,
    /// The database did not do its work.
    DatabaseFailed,
    /// This node cannot hear changes or trust its clock and therefore trusts nothing.
    NotReady,
    /// A defect or an unexpected condition of ours.
    Internal,
}

/// An error with a sentence for the client and, apart from it, the cause for the log.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    retry_after_s: Option<u64>,
    limited: Option<Limited>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` that tells the client `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after_s: None,
            limited: None,
            cause: None,
        }
    }

    /// Keeps `cause` for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Tells the client after how many whole seconds asking again makes sense.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Tells the client which limit was reached, and when it may ask again.
    #[must_use]
    pub fn limited(mut self, limited: Limited) -> Self {
        self.retry_after_s = Some(limited.retry_after_s);
        self.limited = Some(limited);
        self
    }

    /// A defect of ours; the client learns nothing but the request id.
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(
            ErrorKind::Internal,
            "The server met a condition it did not expect. Quote the request id to the operator.",
        )
        .caused_by(cause)
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence for the client.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whole seconds after which asking again makes sense, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after_s
    }

    /// The limit that was reached, where one was.
    #[must_use]
    pub fn limit(&self) -> Option<Limited> {
        self.limited
    }

    /// The chain of causes for the log, empty when there is none.
    #[must_use]
    pub fn cause_chain(&self) -> String {
        let mut text = String::new();
        let mut next = self.cause.as_deref().map(|cause| cause as &dyn StdError);
        while let Some(cause) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(ErrorKind::Refused(refusal.kind), refusal.message)
    }
}

impl From<StoreError> for Error {
    fn from(cause: StoreError) -> Self {
        if let StoreError::CapReached(reached) = &cause {
            return capped(reached);
        }
        if matches!(cause, StoreError::Nul) {
            return Self::new(
                ErrorKind::RequestInvalid,
                "A text of the request holds the character U+0000, which can be neither kept nor \
                 looked for. Leave it out.",
            )
            .caused_by(cause);
        }
        Self::new(
            ErrorKind::DatabaseFailed,
            "The database did not answer as it should. Nothing was changed; try again, and tell \
             the operator the request id if it stays.",
        )
        .caused_by(cause)
    }
}

/// The refusal of what does not fit under a cap.
pub(crate) fn capped(reached: &CapReached) -> Error {
    Refusal::new(RefusalKind::CapReached, reached.in_words()).into()
}

impl From<ParameterError> for Error {
    fn from(cause: ParameterError) -> Self {
        Self::new(ErrorKind::ParameterInvalid, cause.to_string())
    }
}

impl From<EngineError> for Error {
    fn from(cause: EngineError) -> Self {
        match cause {
            EngineError::Busy => Self::new(
                ErrorKind::Busy,
                "All workers are busy and the queue is full. Try again in a few seconds.",
            )
            .retry_after_s(2)
            .caused_by(cause),
            EngineError::WorkerLost { .. } | EngineError::Cancelled => Self::new(
                ErrorKind::Internal,
                "The computation was interrupted on the server. Ask again.",
            )
            .caused_by(cause),
            other => Self::new(ErrorKind::ComputationFailed, other.to_string()).caused_by(other),
        }
    }
}
