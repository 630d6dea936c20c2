//! From events to credits: one place that knows prices.

use std::str::FromStr;

use thiserror::Error;

use crate::grant::Subject;
use crate::ids::{ModelId, SessionHash, TicketId, TokenId, UsageId};
use crate::limits::COMPUTATION_CHUNK_MS;
use crate::owner::{Owner, Payer};
use crate::session::SessionClass;
use crate::time::Timestamp;

/// The kinds of chargeable events.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum UsageKind {
    /// A session was opened; its first ten minutes.
    Session,
    /// Ten further minutes of a session, started by a customization.
    SessionSlot,
    /// A request for outputs only.
    Output,
    /// A request for exports only.
    Export,
    /// A request for exports and outputs at once.
    Combined,
    /// Computing time.
    Computation,
    /// Time to load a model on a worker.
    Loading,
}

/// A stored word that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown kind of usage")]
pub struct UsageKindError;

impl UsageKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Session,
        Self::SessionSlot,
        Self::Output,
        Self::Export,
        Self::Combined,
        Self::Computation,
        Self::Loading,
    ];

    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::SessionSlot => "session_slot",
            Self::Output => "output",
            Self::Export => "export",
            Self::Combined => "combined",
            Self::Computation => "computation",
            Self::Loading => "loading",
        }
    }
}

impl FromStr for UsageKind {
    type Err = UsageKindError;

    fn from_str(word: &str) -> Result<Self, UsageKindError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or(UsageKindError)
    }
}

/// One chargeable event: one row, written once. Totals are sums of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageEvent {
    /// Id of the event; writing it twice counts once.
    pub id: UsageId,
    /// What happened.
    pub kind: UsageKind,
    /// What it costs.
    pub credits: u32,
    /// How many things it stands for.
    pub count: u32,
    /// How long it took, in milliseconds; 0 where time plays no part.
    pub duration_ms: u64,
    /// The model's owner at that instant.
    pub owner: Owner,
    /// Who pays.
    pub payer: Payer,
    /// The model.
    pub model: ModelId,
    /// The ticket behind the session.
    pub ticket: Option<TicketId>,
    /// The access token that the request came with, or the one that opened the session.
    pub token: Option<TokenId>,
    /// Whom that token stands for.
    pub subject: Option<Subject>,
    /// The session, by its hash.
    pub session: Option<SessionHash>,
    /// How sessions of this class are charged.
    pub class: SessionClass,
    /// When it happened.
    pub at: Timestamp,
}

/// The credits of one event.
///
/// Sessions of viewers (`Limited`) pay per started ten minutes and get outputs free; sessions of
/// servers (`Default`) pay per request. Exports cost everybody. Computing is charged by finished,
/// loading by started chunks of ten seconds.
#[must_use]
pub fn credits_for(kind: UsageKind, class: SessionClass, duration_ms: u64) -> u32 {
    match (kind, class) {
        (UsageKind::Session | UsageKind::SessionSlot, SessionClass::Limited)
        | (UsageKind::Output, SessionClass::Default)
        | (UsageKind::Export | UsageKind::Combined, _) => 1,
        (UsageKind::Session | UsageKind::SessionSlot, SessionClass::Default)
        | (UsageKind::Output, SessionClass::Limited) => 0,
        (UsageKind::Computation, _) => clamp(duration_ms / COMPUTATION_CHUNK_MS),
        (UsageKind::Loading, _) => clamp(duration_ms.div_ceil(COMPUTATION_CHUNK_MS)),
    }
}

fn clamp(chunks: u64) -> u32 {
    u32::try_from(chunks).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use SessionClass::{Default, Limited};

    #[test]
    fn prices_are_those_of_the_table() {
        let table = [
            (UsageKind::Session, Limited, 0, 1),
            (UsageKind::Session, Default, 0, 0),
            (UsageKind::SessionSlot, Limited, 0, 1),
            (UsageKind::SessionSlot, Default, 0, 0),
            (UsageKind::Output, Limited, 0, 0),
            (UsageKind::Output, Default, 0, 1),
            (UsageKind::Export, Limited, 0, 1),
            (UsageKind::Export, Default, 0, 1),
            (UsageKind::Combined, Limited, 0, 1),
            (UsageKind::Combined, Default, 0, 1),
            (UsageKind::Computation, Limited, 9_999, 0),
            (UsageKind::Computation, Limited, 10_000, 1),
            (UsageKind::Computation, Default, 29_999, 2),
            (UsageKind::Loading, Limited, 0, 0),
            (UsageKind::Loading, Limited, 1, 1),
            (UsageKind::Loading, Default, 10_000, 1),
            (UsageKind::Loading, Default, 10_001, 2),
            (UsageKind::Computation, Default, u64::MAX, u32::MAX),
        ];
        for (kind, class, duration_ms, credits) in table {
            let priced = credits_for(kind, class, duration_ms);
            assert_eq!(priced, credits, "{kind:?} {class:?} {duration_ms} ms");
        }
    }

    #[test]
    fn kinds_survive_storage() {
        for kind in UsageKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("tea".parse::<UsageKind>(), Err(UsageKindError));
    }
}
