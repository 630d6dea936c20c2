//! What native calls answer when they cannot do as they are told.

use vitrine_model::{EngineError, LimitExceeded, LimitKind};

/// Why a native call gave no result.
#[derive(Debug)]
pub(super) enum Fault {
    /// The script asked for something that makes no sense; it may catch this.
    Refused(String),
    /// The run is over; the script cannot catch this for long.
    Stop(EngineError),
}

impl Fault {
    /// Refuses with the name of the function in front.
    pub(super) fn refused(at: &str, message: impl std::fmt::Display) -> Self {
        Self::Refused(format!("{at}: {message}"))
    }

    /// Ends the run because of a limit.
    pub(super) fn limit(limit: LimitKind, at: &str, spent: String, raise: &str) -> Self {
        Self::Stop(EngineError::Limit(LimitExceeded {
            limit,
            at: at.to_owned(),
            spent,
            raise: raise.to_owned(),
        }))
    }
}
