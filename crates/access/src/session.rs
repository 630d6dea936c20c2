//! The life of a session. It opens once and ends once, by closing, by revocation, by age or by
//! idleness; transitions consume it.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::grant::Subject;
use crate::ids::{IssuerKey, ModelId, SessionHash, TicketId, TokenId};
use crate::limits::{ASSET_GRACE, SESSION_AGE_MAX, SESSION_IDLE_MAX, SESSION_SLOT};
use crate::owner::{Owner, Payer};
use crate::permissions::PermissionSet;
use crate::time::Timestamp;

/// How a session is charged.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
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
    /// The key that signed it, where an external issuer did; the session ends when that is withdrawn.
    pub issuer_key: Option<IssuerKey>,
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
        self.state_seen_at(self.last_seen_at, now, limits)
    }

    /// The same for a session that was last used at another instant than its row says.
    #[must_use]
    pub fn state_seen_at(
        &self,
        last_seen_at: Timestamp,
        now: Timestamp,
        limits: &SessionLimits,
    ) -> SessionState {
        if let Some((reason, at)) = self.ended {
            return SessionState::Ended(reason, at);
        }
        let aged_at = self.opened_at.plus(limits.age_max);
        let idle_at = last_seen_at.plus(limits.idle_max);
        if now >= aged_at && aged_at <= idle_at {
            SessionState::Ended(EndReason::Aged, aged_at)
        } else if now >= idle_at {
            SessionState::Ended(EndReason::Idle, idle_at)
        } else {
            SessionState::Open
        }
    }

    /// The instant at which the session ends if it is not used any more.
    #[must_use]
    pub fn ends_at(&self, limits: &SessionLimits) -> Timestamp {
        match self.ended {
            Some((_, at)) => at,
            None => self
                .opened_at
                .plus(limits.age_max)
                .min(self.last_seen_at.plus(limits.idle_max)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::UserId;

    const LIMITS: SessionLimits = SessionLimits {
        age_max: Duration::from_secs(100),
        idle_max: Duration::from_secs(40),
        asset_grace: Duration::from_secs(10),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_ms(seconds * 1_000)
    }

    /// Opened at 0, last used at `seen`.
    fn session(seen: i64) -> Session {
        let owner = Owner {
            user: UserId::from_bytes([1; 16]),
            organization: None,
        };
        Session {
            hash: SessionHash::from_bytes([2; 32]),
            model: ModelId::from_bytes([3; 16]),
            origin: None,
            ticket: None,
            token: None,
            subject: None,
            issuer_key: None,
            owner,
            payer: owner.payer(),
            class: SessionClass::Limited,
            permissions: PermissionSet::session_grants(false),
            author: false,
            opened_at: at(0),
            last_seen_at: at(seen),
            paid_until: at(600),
            ended: None,
        }
    }

    /// The reason it ended for, if any; or the reason and second for which it had ended before.
    type Answer = Result<Option<EndReason>, (EndReason, i64)>;

    fn answer(result: Result<Session, AlreadyEnded>) -> Answer {
        result
            .map(|session| session.ended.map(|(reason, _)| reason))
            .map_err(|ended| (ended.reason, ended.at.unix_s()))
    }

    #[test]
    fn every_state_answers_every_event() {
        use EndReason::{Aged, Closed, Idle, Revoked};
        let ended = |reason| Session {
            ended: Some((reason, at(5))),
            ..session(5)
        };
        // State, instant, and the answers to touch, close and revoke.
        let revoked = Ok(Some(Revoked));
        let table: [(&str, Session, i64, [Answer; 3]); 7] = [
            (
                "open",
                session(0),
                10,
                [Ok(None), Ok(Some(Closed)), revoked],
            ),
            (
                "idle",
                session(0),
                40,
                [Err((Idle, 40)), Err((Idle, 40)), revoked],
            ),
            (
                "aged",
                session(90),
                100,
                [Err((Aged, 100)), Err((Aged, 100)), revoked],
            ),
            (
                "written down as idle",
                ended(Idle),
                6,
                [Err((Idle, 5)), Err((Idle, 5)), revoked],
            ),
            (
                "written down as aged",
                ended(Aged),
                6,
                [Err((Aged, 5)), Err((Aged, 5)), revoked],
            ),
            ("closed", ended(Closed), 6, [Err((Closed, 5)); 3]),
            ("revoked", ended(Revoked), 6, [Err((Revoked, 5)); 3]),
        ];
        for (state, session, now, expected) in table {
            let answers = [
                answer(session.clone().touch(at(now), &LIMITS)),
                answer(session.clone().close(at(now), &LIMITS)),
                answer(session.revoke(at(now), &LIMITS)),
            ];
            assert_eq!(answers, expected, "a session that is {state}");
        }
    }

    #[test]
    fn a_session_ends_at_the_instant_of_its_bound_and_not_before() {
        let open = |session: Session, now| session.state(at(now), &LIMITS) == SessionState::Open;
        assert!(open(session(0), 39) && !open(session(0), 40));
        assert!(open(session(90), 99) && !open(session(90), 100));
        let state = session(60).state(at(500), &LIMITS);
        assert_eq!(state, SessionState::Ended(EndReason::Aged, at(100)));
        let state = session(20).state(at(500), &LIMITS);
        assert_eq!(state, SessionState::Ended(EndReason::Idle, at(60)));
    }

    #[test]
    fn use_keeps_a_session_from_idling_and_never_turns_its_clock_back() {
        let touched = session(0).touch(at(39), &LIMITS).unwrap();
        assert_eq!(touched.state(at(78), &LIMITS), SessionState::Open);
        let again = touched.touch(at(20), &LIMITS).unwrap();
        assert_eq!(again.last_seen_at, at(39));
    }

    #[test]
    fn assets_outlive_age_and_idleness_by_the_grace_but_not_closing_or_revocation() {
        assert!(session(0).assets_readable(at(39), &LIMITS));
        assert!(session(0).assets_readable(at(49), &LIMITS));
        assert!(!session(0).assets_readable(at(50), &LIMITS));
        assert!(session(90).assets_readable(at(109), &LIMITS));
        assert!(!session(90).assets_readable(at(110), &LIMITS));
        let closed = session(0).close(at(10), &LIMITS).unwrap();
        assert!(!closed.assets_readable(at(10), &LIMITS));
        let revoked = session(0).revoke(at(45), &LIMITS).unwrap();
        assert!(!revoked.assets_readable(at(45), &LIMITS));
    }

    #[test]
    fn a_new_period_is_due_only_after_the_one_that_is_paid_for() {
        let session = session(0);
        assert!(!session.slot_due(at(599)));
        assert!(session.slot_due(at(600)));
        let paid = session.with_slot_from(at(700));
        assert!(!paid.slot_due(at(1_299)));
        assert!(paid.slot_due(at(1_300)));
    }

    #[test]
    fn words_survive_storage() {
        for class in [SessionClass::Limited, SessionClass::Default] {
            assert_eq!(class.as_str().parse(), Ok(class));
        }
        for reason in [
            EndReason::Closed,
            EndReason::Aged,
            EndReason::Idle,
            EndReason::Revoked,
        ] {
            assert_eq!(reason.as_str().parse(), Ok(reason));
        }
        assert!("asleep".parse::<EndReason>().is_err());
    }
}
