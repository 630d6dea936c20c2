//! Instants in UTC and their three texts: ISO with milliseconds, 14 digits and 17 digits.

use std::time::Duration;

use thiserror::Error;

const MS_PER_DAY: i64 = 86_400_000;

/// An instant: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

/// A text that is no instant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimestampError {
    /// Wrong length or characters.
    #[error("a time must be written as {expected}")]
    Form {
        /// The form that was expected, for people.
        expected: &'static str,
    },
    /// Right form, but no such day or time of day.
    #[error("there is no such date or time of day in the calendar")]
    NoSuchDate,
}

/// Where the present comes from. The real one lives in the binary, tests bring their own.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    ms: i64,
}

impl Timestamp {
    /// The last instant that 14 digits can name: 9999-12-31 23:59:59.
    pub const MAX_14: Self = Self(253_402_300_799_000);

    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_unix_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn unix_s(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This much later; stops at the largest instant.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(ms))
    }

    /// Time passed since `earlier`; zero when `earlier` is later (clocks are set back).
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let ms = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }

    /// `2026-11-21T10:00:00.123Z`.
    #[must_use]
    pub fn to_iso_ms(self) -> String {
        let c = self.civil();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            c.year, c.month, c.day, c.hour, c.minute, c.second, c.ms
        )
    }

    /// `YYYYMMDDhhmmss`; instants before year 0 or after [`Self::MAX_14`] are clamped.
    #[must_use]
    pub fn to_digits14(self) -> String {
        let c = self.clamped().civil();
        format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}",
            c.year, c.month, c.day, c.hour, c.minute, c.second
        )
    }

    /// `YYYYMMDDhhmmssmmm`; clamped like [`Self::to_digits14`].
    #[must_use]
    pub fn to_digits17(self) -> String {
        let clamped = self.clamped();
        format!("{}{:03}", clamped.to_digits14(), clamped.civil().ms)
    }

    /// Reads `YYYYMMDDhhmmss` (UTC).
    ///
    /// # Errors
    /// When the text is not 14 digits or names no day or time of day.
    pub fn parse_digits14(text: &str) -> Result<Self, TimestampError> {
        const FORM: TimestampError = TimestampError::Form {
            expected: "14 digits YYYYMMDDhhmmss in UTC, for example 20261121100000",
        };
        let bytes = text.as_bytes();
        if bytes.len() != 14 || !bytes.iter().all(u8::is_ascii_digit) {
            return Err(FORM);
        }
        Self::from_civil(&Civil {
            year: digits(&bytes[0..4]),
            month: digits(&bytes[4..6]),
            day: digits(&bytes[6..8]),
            hour: digits(&bytes[8..10]),
            minute: digits(&bytes[10..12]),
            second: digits(&bytes[12..14]),
            ms: 0,
        })
    }

    /// Reads `YYYYMMDDhhmmssmmm` (UTC).
    ///
    /// # Errors
    /// When the text is not 17 digits or names no day or time of day.
    pub fn parse_digits17(text: &str) -> Result<Self, TimestampError> {
        const FORM: TimestampError = TimestampError::Form {
            expected: "17 digits YYYYMMDDhhmmssmmm in UTC, for example 20261121100000123",
        };
        let bytes = text.as_bytes();
        if bytes.len() != 17 || !bytes.iter().all(u8::is_ascii_digit) {
            return Err(FORM);
        }
        let (seconds, ms) = text.split_at(14);
        let ms = ms.parse().map_err(|_| FORM)?;
        Ok(Self::parse_digits14(seconds)?.plus(Duration::from_millis(ms)))
    }

    /// Reads `2026-11-21T10:00:00Z`, with one to three decimals of the second if wanted.
    ///
    /// # Errors
    /// When the text has another form or names no day or time of day.
    pub fn parse_iso(text: &str) -> Result<Self, TimestampError> {
        const FORM: TimestampError = TimestampError::Form {
            expected: "YYYY-MM-DDThh:mm:ssZ in UTC, for example 2026-11-21T10:00:00Z",
        };
        let body = text.strip_suffix('Z').ok_or(FORM)?.as_bytes();
        let shape = b"dddd-dd-ddTdd:dd:dd";
        if body.len() < shape.len() {
            return Err(FORM);
        }
        let (seconds, fraction) = body.split_at(shape.len());
        let fits = seconds
            .iter()
            .zip(shape)
            .all(|(byte, wanted)| match wanted {
                b'd' => byte.is_ascii_digit(),
                other => byte == other,
            });
        let ms = match fraction {
            [] => 0,
            [b'.', rest @ ..]
                if (1..=3).contains(&rest.len()) && rest.iter().all(u8::is_ascii_digit) =>
            {
                digits(rest) * [0, 100, 10, 1][rest.len()]
            }
            _ => return Err(FORM),
        };
        if !fits {
            return Err(FORM);
        }
        Self::from_civil(&Civil {
            year: digits(&seconds[0..4]),
            month: digits(&seconds[5..7]),
            day: digits(&seconds[8..10]),
            hour: digits(&seconds[11..13]),
            minute: digits(&seconds[14..16]),
            second: digits(&seconds[17..19]),
            ms,
        })
    }

    fn clamped(self) -> Self {
        const YEAR_ZERO: i64 = -62_167_219_200_000;
        Self(self.0.clamp(YEAR_ZERO, Self::MAX_14.0 + 999))
    }

    /// Days to calendar after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    fn civil(self) -> Civil {
        let days = self.0.div_euclid(MS_PER_DAY);
        let in_day = self.0.rem_euclid(MS_PER_DAY);
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        Civil {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            hour: in_day / 3_600_000,
            minute: in_day / 60_000 % 60,
            second: in_day / 1_000 % 60,
            ms: in_day % 1_000,
        }
    }

    fn from_civil(c: &Civil) -> Result<Self, TimestampError> {
        let leap = c.year % 4 == 0 && (c.year % 100 != 0 || c.year % 400 == 0);
        let days_in_month = match c.month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return Err(TimestampError::NoSuchDate),
        };
        let exists =
            (1..=days_in_month).contains(&c.day) && c.hour < 24 && c.minute < 60 && c.second < 60;
        if !exists {
            return Err(TimestampError::NoSuchDate);
        }
        let year = c.year - i64::from(c.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted_month = if c.month > 2 {
            c.month - 3
        } else {
            c.month + 9
        };
        let day_of_year = (153 * shifted_month + 2) / 5 + c.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        let in_day = ((c.hour * 60 + c.minute) * 60 + c.second) * 1_000 + c.ms;
        Ok(Self(days * MS_PER_DAY + in_day))
    }
}

fn digits(bytes: &[u8]) -> i64 {
    bytes
        .iter()
        .fold(0, |value, byte| value * 10 + i64::from(byte - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_those_of_the_calendar() {
        let at = Timestamp::from_unix_ms(1_795_255_200_123);
        assert_eq!(at.to_iso_ms(), "2026-11-21T10:00:00.123Z");
        assert_eq!(at.to_digits14(), "20261121100000");
        assert_eq!(at.to_digits17(), "20261121100000123");
        assert_eq!(at.unix_s(), 1_795_255_200);
        assert_eq!(
            Timestamp::from_unix_ms(-1).to_iso_ms(),
            "1969-12-31T23:59:59.999Z"
        );
    }

    #[test]
    fn the_last_fourteen_digit_instant_round_trips_and_later_ones_are_clamped() {
        assert_eq!(
            Timestamp::parse_digits14("99991231235959"),
            Ok(Timestamp::MAX_14)
        );
        let later = Timestamp::from_unix_ms(i64::MAX);
        assert_eq!(later.to_digits14(), "99991231235959");
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in [
            "20260229000000",
            "20260431000000",
            "20261301000000",
            "20260100000000",
        ] {
            assert_eq!(
                Timestamp::parse_digits14(text),
                Err(TimestampError::NoSuchDate),
                "{text}"
            );
        }
        for text in ["20260101240000", "20260101006000", "20260101000060"] {
            assert_eq!(
                Timestamp::parse_digits14(text),
                Err(TimestampError::NoSuchDate),
                "{text}"
            );
        }
        assert!(Timestamp::parse_digits14("20240229000000").is_ok());
        assert!(Timestamp::parse_digits14("2024022900000").is_err());
        assert!(Timestamp::parse_digits14("2024022900000٣").is_err());
    }

    #[test]
    fn iso_accepts_up_to_three_decimals() {
        for (text, ms) in [("", 0), (".5", 500), (".05", 50), (".005", 5)] {
            let parsed = Timestamp::parse_iso(&format!("1970-01-01T00:00:00{text}Z"));
            assert_eq!(parsed, Ok(Timestamp::from_unix_ms(ms)));
        }
        for text in [
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:00.Z",
            "1970-01-01 00:00:00Z",
            "Z",
        ] {
            assert!(Timestamp::parse_iso(text).is_err(), "{text}");
        }
    }

    #[test]
    fn time_passed_is_zero_when_the_clock_went_back() {
        let early = Timestamp::from_unix_ms(1_000);
        let late = early.plus(Duration::from_secs(2));
        assert_eq!(late.since(early), Duration::from_secs(2));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn every_instant_of_four_digit_years_round_trips(ms in -62_167_219_200_000_i64..=253_402_300_799_999) {
            let at = Timestamp::from_unix_ms(ms);
            prop_assert_eq!(Timestamp::parse_iso(&at.to_iso_ms()), Ok(at));
            let seconds = Timestamp::from_unix_ms(ms - ms.rem_euclid(1000));
            prop_assert_eq!(Timestamp::parse_digits14(&at.to_digits14()), Ok(seconds));
        }
    }
}
