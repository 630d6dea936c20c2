//! Credit metrics: usage rows added up by hour, day or month, from the rows each time.

use std::collections::BTreeMap;

use vitrine_access::time::Timestamp;
pub use vitrine_store::{MetricGroup, MetricScope};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Stretches that one question covers: two months of hours, four years of days.
const STRETCHES_MAX: i64 = 1_500;

/// The length of a stretch.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Period {
    /// An hour.
    Hour,
    /// A day (UTC).
    Day,
    /// A month of the calendar (UTC).
    Month,
}

impl Period {
    /// The period of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "hour" => Some(Self::Hour),
            "day" => Some(Self::Day),
            "month" => Some(Self::Month),
            _ => None,
        }
    }

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    const fn step_ms(self) -> i64 {
        match self {
            Self::Hour => HOUR_MS,
            Self::Day | Self::Month => DAY_MS,
        }
    }

    /// How far back a question reaches that names no beginning.
    const fn span_ms(self) -> i64 {
        match self {
            Self::Hour => 2 * DAY_MS,
            Self::Day => 31 * DAY_MS,
            Self::Month => 366 * DAY_MS,
        }
    }

    /// The stretch's name: as many digits as it takes.
    fn stamp(self, at: Timestamp) -> String {
        let digits = match self {
            Self::Hour => 10,
            Self::Day => 8,
            Self::Month => 6,
        };
        at.to_digits14()[..digits].to_owned()
    }
}

/// What happened in one stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricRow {
    /// `YYYYMMDDHH`, `YYYYMMDD` or `YYYYMM`.
    pub stamp: String,
    /// When it begins.
    pub start: Timestamp,
    /// Whether it is over.
    pub done: bool,
    /// The sums.
    pub groups: Vec<MetricGroup>,
}

impl Services {
    /// The stretches in which something happened with `from <= at < until`, oldest first. The interval is
    /// widened to whole stretches.
    ///
    /// # Errors
    /// `RequestInvalid` for an interval that is too long.
    pub async fn metrics(
        &self,
        scope: MetricScope,
        period: Period,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Vec<MetricRow>> {
        let now = self.now();
        let step = period.step_ms();
        let until = until.unwrap_or(now).unix_ms().saturating_add(step - 1);
        let until = until.div_euclid(step).saturating_mul(step);
        let from = from.map_or(until.saturating_sub(period.span_ms()), Timestamp::unix_ms);
        let from = from.div_euclid(step).saturating_mul(step);
        if until.saturating_sub(from) / step > STRETCHES_MAX {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                format!(
                    "'filters.timestamp_date' covers more than {STRETCHES_MAX} stretches of time. Ask \
                     for less, or for longer stretches."
                ),
            ));
        }
        let from = match period {
            Period::Month => month_start(Timestamp::from_unix_ms(from)),
            Period::Hour | Period::Day => Timestamp::from_unix_ms(from),
        };
        let store = &self.inner.store;
        let groups = store.usage_groups(scope, step, from, Timestamp::from_unix_ms(until));
        let mut rows: BTreeMap<String, MetricRow> = BTreeMap::new();
        for group in groups.await? {
            let stamp = period.stamp(group.start);
            let row = rows.entry(stamp.clone()).or_insert_with(|| MetricRow {
                start: match period {
                    Period::Month => month_start(group.start),
                    Period::Hour | Period::Day => group.start,
                },
                done: stamp < period.stamp(now),
                stamp,
                groups: Vec::new(),
            });
            row.groups.push(group);
        }
        Ok(rows.into_values().collect())
    }
}

/// The first instant of a month (UTC).
pub(crate) fn month_start(at: Timestamp) -> Timestamp {
    let month = at.to_digits14()[..6].to_owned();
    Timestamp::parse_digits14(&format!("{month}01000000")).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_with_their_first_day() {
        let at = Timestamp::parse_digits14("20240229235959").unwrap();
        assert_eq!(month_start(at).to_digits14(), "20240201000000");
        assert_eq!(Period::Hour.stamp(at), "2024022923");
        assert_eq!(Period::Month.stamp(at), "202402");
    }
}
