//! Caps on credits: how much may be spent on whose behalf within an hour, a day or a month.
//!
//! A cap carries its own total, which is the sum of the usage rows of its window. What is charged
//! before the work is refused when it would pass the cap; what is charged after it (computing time)
//! is counted even then, because the work is done.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::credits::UsageEvent;
use crate::grant::Subject;
use crate::ids::{ModelId, OrganizationId, TicketId, TokenId, UserId};
use crate::owner::Payer;
use crate::time::Timestamp;

/// Shares of a cap, in percent, of which its owner is told when they are reached.
pub const NOTICE_PERCENTS: [u32; 4] = [50, 75, 90, 100];

/// Whose credits a cap bounds.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CapScope {
    /// All that this user pays.
    User(UserId),
    /// All that this organization pays.
    Organization(OrganizationId),
    /// All of this model.
    Model(ModelId),
    /// All that this ticket causes.
    Ticket(TicketId),
    /// All that this access token causes.
    Token(TokenId),
    /// All that access tokens of this subject cause.
    Subject(Subject),
}

/// A text that is no scope of a cap.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "a cap is for user:ID, organization:ID, model:ID, ticket:ID, token:ID (its `jti`) or \
     subject:SUBJECT (as subject:backend)"
)]
pub struct CapScopeError;

impl CapScope {
    /// Every scope that a charge counts for.
    #[must_use]
    pub fn of(event: &UsageEvent) -> Vec<Self> {
        let payer = match event.payer {
            Payer::User(user) => Self::User(user),
            Payer::Organization(organization) => Self::Organization(organization),
        };
        [payer, Self::Model(event.model)]
            .into_iter()
            .chain(event.ticket.map(Self::Ticket))
            .chain(event.token.map(Self::Token))
            .chain(event.subject.map(Self::Subject))
            .collect()
    }

    /// For people who may not know the id.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::User(_) => "the account that pays for this model",
            Self::Organization(_) => "the organization that pays for this model",
            Self::Model(_) => "this model",
            Self::Ticket(_) => "this ticket",
            Self::Token(_) => "this access token",
            Self::Subject(_) => "access tokens of this subject",
        }
    }
}

impl fmt::Display for CapScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Organization(id) => write!(f, "organization:{id}"),
            Self::Model(id) => write!(f, "model:{id}"),
            Self::Ticket(id) => write!(f, "ticket:{id}"),
            Self::Token(id) => write!(f, "token:{id}"),
            Self::Subject(subject) => write!(f, "subject:{subject}"),
        }
    }
}

impl FromStr for CapScope {
    type Err = CapScopeError;

    fn from_str(text: &str) -> Result<Self, CapScopeError> {
        let (kind, id) = text.split_once(':').ok_or(CapScopeError)?;
        match kind {
            "user" => id.parse().map(Self::User).map_err(|_| CapScopeError),
            "organization" => id
                .parse()
                .map(Self::Organization)
                .map_err(|_| CapScopeError),
            "model" => id.parse().map(Self::Model).map_err(|_| CapScopeError),
            "ticket" => id.parse().map(Self::Ticket).map_err(|_| CapScopeError),
            "token" => id.parse().map(Self::Token).map_err(|_| CapScopeError),
            "subject" => id.parse().map(Self::Subject).map_err(|_| CapScopeError),
            _ => Err(CapScopeError),
        }
    }
}

/// How long a cap's total grows before it begins anew, by the UTC calendar.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CapWindow {
    /// A full hour.
    Hour,
    /// A day.
    Day,
    /// A month.
    Month,
}

impl CapWindow {
    /// Every window.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The first instant of the window that holds `at`.
    #[must_use]
    pub fn start(self, at: Timestamp) -> Timestamp {
        let whole = |unit: Duration| {
            let unit_ms = i64::try_from(unit.as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_unix_ms(at.unix_ms() - at.unix_ms().rem_euclid(unit_ms))
        };
        match self {
            Self::Hour => whole(Duration::from_hours(1)),
            Self::Day => whole(Duration::from_hours(24)),
            Self::Month => {
                let digits = at.to_digits14();
                let month = digits.get(..6).unwrap_or_default();
                Timestamp::parse_digits14(&format!("{month}01000000")).unwrap_or(at)
            }
        }
    }

    /// The first instant after the window that begins at `start`.
    #[must_use]
    pub fn end(self, start: Timestamp) -> Timestamp {
        match self {
            Self::Hour => start.plus(Duration::from_hours(1)),
            Self::Day => start.plus(Duration::from_hours(24)),
            // No month has 32 days, and every one has more than one.
            Self::Month => self.start(start.plus(Duration::from_hours(32 * 24))),
        }
    }
}

/// A stored word that names no window.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a cap counts per hour, day or month")]
pub struct CapWindowError;

impl FromStr for CapWindow {
    type Err = CapWindowError;

    fn from_str(word: &str) -> Result<Self, CapWindowError> {
        Self::ALL
            .into_iter()
            .find(|window| window.as_str() == word)
            .ok_or(CapWindowError)
    }
}

/// Who set a cap. The caps of both hold, each by itself.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CapSetter {
    /// Whoever runs the server, by hand or by a plan.
    Operator,
    /// Those who look after the account or the model: they bound what they pay.
    Owner,
}

impl CapSetter {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Owner => "owner",
        }
    }

    /// Who can raise it, for those who were refused.
    const fn who_raises(self) -> &'static str {
        match self {
            Self::Operator => "the operator of this server",
            Self::Owner => "whoever looks after the model",
        }
    }
}

/// A stored word that names nobody who sets caps.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a cap is set by the operator or the owner")]
pub struct CapSetterError;

impl FromStr for CapSetter {
    type Err = CapSetterError;

    fn from_str(word: &str) -> Result<Self, CapSetterError> {
        [Self::Operator, Self::Owner]
            .into_iter()
            .find(|setter| setter.as_str() == word)
            .ok_or(CapSetterError)
    }
}

/// A cap and its total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// Whose credits it bounds.
    pub scope: CapScope,
    /// Within what time.
    pub window: CapWindow,
    /// Who set it.
    pub set_by: CapSetter,
    /// Most credits of one window.
    pub credits_max: u64,
    /// Credits of the window that begins at `window_start`.
    pub used: u64,
    /// Begin of the window that `used` belongs to.
    pub window_start: Timestamp,
    /// The greatest of [`NOTICE_PERCENTS`] that was told in this window; 0 before the first.
    pub noticed_percent: u32,
}

impl Cap {
    /// Begins the window of `at`, when that is a later one.
    pub fn roll(&mut self, at: Timestamp) {
        let start = self.window.start(at);
        if start > self.window_start {
            self.window_start = start;
            self.used = 0;
            self.noticed_percent = 0;
        }
    }

    /// Whether so many credits more fit. Nothing always fits.
    #[must_use]
    pub fn allows(&self, credits: u64) -> bool {
        credits == 0 || self.used.saturating_add(credits) <= self.credits_max
    }

    /// Counts a charge; one of an earlier window belongs to no total any more. Returns the shares
    /// that were reached by it for the first time in this window.
    pub fn count(&mut self, credits: u64, at: Timestamp) -> Vec<u32> {
        self.roll(at);
        if self.window.start(at) < self.window_start {
            return Vec::new();
        }
        self.used = self.used.saturating_add(credits);
        self.notices()
    }

    /// Takes the shares that are reached and were not told yet.
    pub fn notices(&mut self) -> Vec<u32> {
        let reached = NOTICE_PERCENTS.into_iter().filter(|&percent| {
            let wide = u128::from(self.used) * 100;
            percent > self.noticed_percent
                && self.used > 0
                && wide >= u128::from(self.credits_max) * u128::from(percent)
        });
        let reached: Vec<u32> = reached.collect();
        if let Some(&last) = reached.last() {
            self.noticed_percent = last;
        }
        reached
    }

    /// When the total begins anew.
    #[must_use]
    pub fn resets_at(&self) -> Timestamp {
        self.window.end(self.window_start)
    }
}

/// A charge that does not fit under a cap.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the cap of {} credits per {} is reached", cap.credits_max, cap.window.as_str())]
pub struct CapReached {
    /// The cap with its total.
    pub cap: Cap,
    /// The credits that were asked for; 0 where work of unknown cost was to begin.
    pub asked: u64,
}

impl CapReached {
    /// For whoever was refused: which cap, how much of it is used, until when, and who can help.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Cap {
            scope,
            window,
            credits_max,
            used,
            ..
        } = &self.cap;
        format!(
            "The cap of {credits_max} credits per {} on {} is reached: {used} are used, {} more \
             were asked for. It begins anew at {}; {} can raise it.",
            window.as_str(),
            scope.in_words(),
            self.asked,
            self.cap.resets_at().to_iso_ms(),
            self.cap.set_by.who_raises(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_iso(text).unwrap()
    }

    fn cap(window: CapWindow, credits_max: u64) -> Cap {
        Cap {
            scope: CapScope::Subject(Subject::Backend),
            window,
            set_by: CapSetter::Operator,
            credits_max,
            used: 0,
            window_start: window.start(at("2026-11-22T10:30:00Z")),
            noticed_percent: 0,
        }
    }

    #[test]
    fn windows_follow_the_utc_calendar() {
        let table = [
            (
                CapWindow::Hour,
                "2026-11-22T10:59:59.999Z",
                "2026-11-22T10:00:00Z",
                "2026-11-22T11:00:00Z",
            ),
            (
                CapWindow::Hour,
                "2026-11-22T11:00:00Z",
                "2026-11-22T11:00:00Z",
                "2026-11-22T12:00:00Z",
            ),
            (
                CapWindow::Day,
                "2026-02-28T23:59:59Z",
                "2026-02-28T00:00:00Z",
                "2026-03-01T00:00:00Z",
            ),
            (
                CapWindow::Month,
                "2024-02-29T12:00:00Z",
                "2024-02-01T00:00:00Z",
                "2024-03-01T00:00:00Z",
            ),
            (
                CapWindow::Month,
                "2026-12-31T23:59:59.999Z",
                "2026-12-01T00:00:00Z",
                "2027-01-01T00:00:00Z",
            ),
            (
                CapWindow::Day,
                "1969-12-31T12:00:00Z",
                "1969-12-31T00:00:00Z",
                "1970-01-01T00:00:00Z",
            ),
        ];
        for (window, instant, start, end) in table {
            assert_eq!(window.start(at(instant)), at(start), "{window:?} {instant}");
            assert_eq!(window.end(at(start)), at(end), "{window:?} {instant}");
        }
    }

    #[test]
    fn exactly_the_cap_fits_and_one_credit_more_does_not() {
        let mut cap = cap(CapWindow::Day, 100);
        let now = at("2026-11-22T10:30:00Z");
        cap.count(99, now);
        assert!(cap.allows(1) && !cap.allows(2));
        cap.count(1, now);
        assert!(cap.allows(0) && !cap.allows(1) && !cap.allows(u64::MAX));
    }

    #[test]
    fn each_share_is_told_once_in_a_window() {
        let mut cap = cap(CapWindow::Hour, 8);
        let now = at("2026-11-22T10:30:00Z");
        let told: Vec<Vec<u32>> = (0..9).map(|_| cap.count(1, now)).collect();
        let none = Vec::new;
        let expected = [
            none(),
            none(),
            none(),
            vec![50],
            none(),
            vec![75],
            none(),
            vec![90, 100],
            none(),
        ];
        assert_eq!(told, expected);
        assert_eq!(cap.count(8, at("2026-11-22T11:00:00Z")), NOTICE_PERCENTS);
        assert_eq!(cap.used, 8);
    }

    #[test]
    fn a_charge_of_an_earlier_window_leaves_the_present_total_alone() {
        let mut cap = cap(CapWindow::Hour, 8);
        cap.count(3, at("2026-11-22T11:00:00Z"));
        assert!(cap.count(5, at("2026-11-22T10:59:59.999Z")).is_empty());
        assert_eq!(
            (cap.used, cap.window_start),
            (3, at("2026-11-22T11:00:00Z"))
        );
    }

    #[test]
    fn a_cap_of_nothing_lets_only_free_things_pass() {
        let mut cap = cap(CapWindow::Month, 0);
        assert!(cap.allows(0) && !cap.allows(1));
        assert!(cap.notices().is_empty());
    }

    #[test]
    fn who_set_a_cap_survives_its_text_and_is_named_in_the_refusal() {
        for set_by in [CapSetter::Operator, CapSetter::Owner] {
            assert_eq!(set_by.as_str().parse(), Ok(set_by));
        }
        assert_eq!("somebody".parse::<CapSetter>(), Err(CapSetterError));
        let mut cap = cap(CapWindow::Day, 1);
        cap.set_by = CapSetter::Owner;
        let words = CapReached { cap, asked: 1 }.in_words();
        assert!(
            words.ends_with("; whoever looks after the model can raise it."),
            "{words}"
        );
    }

    #[test]
    fn scopes_survive_their_text_and_others_are_refused() {
        let scopes = [
            CapScope::User(UserId::from_bytes([1; 16])),
            CapScope::Organization(OrganizationId::from_bytes([2; 16])),
            CapScope::Model(ModelId::from_bytes([3; 16])),
            CapScope::Ticket(TicketId::from_bytes([4; 16])),
            CapScope::Token(TokenId::from_bytes([5; 16])),
            CapScope::Subject(Subject::Backend),
            CapScope::Subject(Subject::Model(ModelId::from_bytes([6; 16]))),
        ];
        for scope in scopes {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        for text in [
            "",
            "model",
            "model:",
            "model:x",
            "planet:1",
            "subject:planet",
        ] {
            assert_eq!(text.parse::<CapScope>(), Err(CapScopeError), "{text}");
        }
    }

    #[test]
    fn a_refusal_says_which_cap_how_much_of_it_and_until_when() {
        let mut cap = cap(CapWindow::Day, 100);
        cap.used = 100;
        let words = CapReached { cap, asked: 1 }.in_words();
        assert_eq!(
            words,
            "The cap of 100 credits per day on access tokens of this subject is reached: 100 are \
             used, 1 more were asked for. It begins anew at 2026-11-23T00:00:00.000Z; the operator \
             of this server can raise it."
        );
    }
}
