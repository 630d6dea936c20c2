//! The life of a session. It opens once and ends once, by closing, by revocation, by age or by
//! idleness; transitions consume it.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::grant::Subject;
use crate::ids::{ModelId, SessionHash, TicketId, TokenId};
use crate::limits::{ASSET_GRACE, SESSION_AGE_MAX, SESSION_IDLE_MAX, SESSION_SLOT};
use crate::owner::{Owner, Payer};
use crate::permissions::PermissionSet;
use crate::time::Timestamp;

/// How a session is charged.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum SessionClass {
    /// A viewer's session: pays per ten minutes, gets outputs free.
    Limited,
    /// A server's session: pays per request.
    Default,
}

/// Why a session ended.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum EndReason {
    /// Its client closed it.
    Closed,
    /// It reached its longest life.
    Aged,
    /// It was not used for too long.
    Idle,
    /// It, its ticket, its token or its model was revoked or blocked.
    Revoked,
}

/// A stored word that names no class or reason.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown session word in storage")]
pub struct SessionWordError;

impl SessionClass {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limited => "limited",
            Self::Default => "default",
        }
    }
}

impl FromStr for SessionClass {
    type Err = SessionWordError;

    fn from_str(word: &str) -> Result<Self, SessionWordError> {
        match word {
            "limited" => Ok(Self::Limited),
            "default" => Ok(Self::Default),
            _ => Err(SessionWordError),
        }
    }
}

impl EndReason {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Aged => "aged",
            Self::Idle => "idle",
            Self::Revoked => "revoked",
        }
    }
}

impl FromStr for EndReason {
    type Err = SessionWordError;

    fn from_str(word: &str) -> Result<Self, SessionWordError> {
        [Self::Closed, Self::Aged, Self::Idle, Self::Revoked]
            .into_iter()
            .find(|reason| reason.as_str() == word)
            .ok_or(SessionWordError)
    }
}

/// How long sessions live.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct SessionLimits {
    /// From opening to end.
    pub age_max: Duration,
    /// From the last use to end.
    pub idle_max: Duration,
    /// How long assets stay readable after age or idleness ended the session.
    pub asset_grace: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            age_max: SESSION_AGE_MAX,
            idle_max: SESSION_IDLE_MAX,
            asset_grace: ASSET_GRACE,
        }
    }
}

/// One session and the grant that it was opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What is kept of its id.
    pub hash: SessionHash,
    /// The model it shows.
    pub model: ModelId,
    /// The page that opened it.
    pub origin: Option<String>,
    /// The ticket it was opened with.
    pub ticket: Option<TicketId>,
    /// The token it was opened with.
    pub token: Option<TokenId>,
    /// Whom that token stands for.
    pub subject: Option<Subject>,
    /// The model's owner.
    pub owner: Owner,
    /// Who pays.
    pub payer: Payer,
    /// How it is charged.
    pub class: SessionClass,
    /// What it may do by itself.
    pub permissions: PermissionSet,
    /// Whether it may change the model's configuration.
    pub author: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was last used.
    pub last_seen_at: Timestamp,
    /// The end of the ten-minute period that is paid for.
    pub paid_until: Timestamp,
    /// Why and when it ended, once that is written down.
    pub ended: Option<(EndReason, Timestamp)>,
}

/// Open, or ended for a reason at an instant.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum SessionState {
    /// May be used.
    Open,
    /// Is over since that instant.
    Ended(EndReason, Timestamp),
}

/// The session had ended before.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Error)]
#[error("the session has already ended ({}); open a new one", .reason.as_str())]
pub struct AlreadyEnded {
    /// Why it had ended.
    pub reason: EndReason,
    /// When it had ended.
    pub at: Timestamp,
}

impl Session {
    /// The state at `now`: age and idleness end a session without anybody writing it down.
    #[must_use]
    pub fn state(&self, now: Timestamp, limits: &SessionLimits) -> SessionState {
        if let Some((reason, at)) = self.ended {
            return SessionState::Ended(reason, at);
        }
        let aged_at = self.opened_at.plus(limits.age_max);
        let idle_at = self.last_seen_at.plus(limits.idle_max);
        if now >= aged_at && aged_at <= idle_at {
            SessionState::Ended(EndReason::Aged, aged_at)
        } else if now >= idle_at {
            SessionState::Ended(EndReason::Idle, idle_at)
        } else {
            SessionState::Open
        }
    }

    /// Closes the session at its client's wish.
    ///
    /// # Errors
    /// When it had ended before, for whatever reason.
    pub fn close(self, now: Timestamp, limits: &SessionLimits) -> Result<Self, AlreadyEnded> {
        self.end(EndReason::Closed, now, limits)
    }

    /// Ends the session because the right behind it was withdrawn.
    ///
    /// A session that age or idleness ended is revoked all the same: its assets, which stay
    /// readable for a while after such an end, must not outlive the right.
    ///
    /// # Errors
    /// When it had been closed or revoked before.
    pub fn revoke(mut self, now: Timestamp, limits: &SessionLimits) -> Result<Self, AlreadyEnded> {
        match self.state(now, limits) {
            SessionState::Ended(reason @ (EndReason::Closed | EndReason::Revoked), at) => {
                Err(AlreadyEnded { reason, at })
            }
            SessionState::Open | SessionState::Ended(..) => {
                self.ended = Some((EndReason::Revoked, now));
                Ok(self)
            }
        }
    }

    /// Notes a use.
    ///
    /// # Errors
    /// When the session has ended.
    pub fn touch(mut self, now: Timestamp, limits: &SessionLimits) -> Result<Self, AlreadyEnded> {
        match self.state(now, limits) {
            SessionState::Ended(reason, at) => Err(AlreadyEnded { reason, at }),
            SessionState::Open => {
                self.last_seen_at = self.last_seen_at.max(now);
                Ok(self)
            }
        }
    }

    /// Whether a customization at `now` falls outside the period paid for, so that a new one must
    /// be charged.
    #[must_use]
    pub fn slot_due(&self, now: Timestamp) -> bool {
        now >= self.paid_until
    }

    /// The session with a new ten-minute period that starts at `now`.
    #[must_use]
    pub fn with_slot_from(mut self, now: Timestamp) -> Self {
        self.paid_until = now.plus(SESSION_SLOT);
        self
    }

    /// Whether links to the session's assets may be read: while it is open, and for the grace
    /// period after age or idleness ended it; never after closing or revocation.
    #[must_use]
    pub fn assets_readable(&self, now: Timestamp, limits: &SessionLimits) -> bool {
        match self.state(now, limits) {
            SessionState::Open => true,
            SessionState::Ended(EndReason::Aged | EndReason::Idle, at) => {
                now < at.plus(limits.asset_grace)
            }
            SessionState::Ended(EndReason::Closed | EndReason::Revoked, _) => false,
        }
    }

    fn end(
        mut self,
        reason: EndReason,
        now: Timestamp,
        limits: &SessionLimits,
    ) -> Result<Self, AlreadyEnded> {
        match self.state(now, limits) {
            SessionState::Ended(reason, at) => Err(AlreadyEnded { reason, at }),
            SessionState::Open => {
                self.ended = Some((reason, now));
                Ok(self)
            }
        }
    }
}
