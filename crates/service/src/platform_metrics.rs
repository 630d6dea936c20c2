//! Credit metrics by hour, day or month. The store keeps sums and adds what is in none yet; each answer equals
//! the sum of the rows.

use vitrine_access::caps::CapWindow;
use vitrine_access::time::Timestamp;
pub use vitrine_store::{MetricGroup, MetricScope};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Stretches that one question covers: two months of hours, four years of days.
const STRETCHES_MAX: i64 = 1_500;

/// The length of a stretch: an hour, a day or a month (UTC).
pub type Period = CapWindow;

/// The shortest stretch of a kind.
const fn step_ms(period: Period) -> i64 {
    match period {
        Period::Hour => HOUR_MS,
        Period::Day => DAY_MS,
        Period::Month => 28 * DAY_MS,
    }
}

/// How far back a question reaches that names no beginning.
const fn span_ms(period: Period) -> i64 {
    match period {
        Period::Hour => 2 * DAY_MS,
        Period::Day => 31 * DAY_MS,
        Period::Month => 366 * DAY_MS,
    }
}

/// The stretch's name: as many digits as it takes.
fn stamp(period: Period, at: Timestamp) -> String {
    let digits = match period {
        Period::Hour => 10,
        Period::Day => 8,
        Period::Month => 6,
    };
    at.to_digits14()[..digits].to_owned()
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
        let until = until.unwrap_or(now);
        let until = match period.start(until) {
            start if start == until => start,
            start => period.end(start),
        };
        let back = until.unix_ms().saturating_sub(span_ms(period));
        let from = period.start(from.unwrap_or(Timestamp::from_unix_ms(back)));
        let length_ms = until.unix_ms().saturating_sub(from.unix_ms());
        if length_ms / step_ms(period) > STRETCHES_MAX {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                format!(
                    "'filters.timestamp_date' covers more than {STRETCHES_MAX} stretches of time. Ask \
                     for less, or for longer stretches."
                ),
            ));
        }
        let store = &self.inner.store;
        let groups = store.usage_groups(scope, period, from, until).await?;
        let mut rows: Vec<MetricRow> = Vec::new();
        for group in groups {
            match rows.last_mut() {
                Some(row) if row.start == group.start => row.groups.push(group),
                _ => rows.push(MetricRow {
                    stamp: stamp(period, group.start),
                    start: group.start,
                    done: period.end(group.start) <= now,
                    groups: vec![group],
                }),
            }
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_named_by_as_many_digits_as_they_take() {
        let at = Timestamp::parse_digits14("20240229235959").unwrap();
        assert_eq!(stamp(Period::Hour, at), "2024022923");
        assert_eq!(stamp(Period::Month, at), "202402");
    }
}
