//! The months and days in which money is counted: UTC, from the first instant on. Pure.

use std::fmt;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};

use crate::clock::Timestamp;

/// What a limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    Month,
    Day,
}

impl Period {
    /// First instant of the period that holds `at`.
    pub fn start(self, at: Timestamp) -> Timestamp {
        match self {
            Self::Month => month_start(at),
            Self::Day => day_start(at),
        }
    }

    /// First instant of the next one.
    pub fn end(self, at: Timestamp) -> Timestamp {
        let day = date(at);
        let next = match self {
            Self::Month => first_of_month(day).checked_add_months(Months::new(1)),
            Self::Day => day.succ_opt(),
        };
        next.map_or(Timestamp(i64::MAX), midnight)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Month => "month",
            Self::Day => "day",
        })
    }
}

/// First instant of the UTC calendar month that holds `at`.
pub fn month_start(at: Timestamp) -> Timestamp {
    midnight(first_of_month(date(at)))
}

/// First instant of the UTC day that holds `at`.
pub fn day_start(at: Timestamp) -> Timestamp {
    midnight(date(at))
}

/// The UTC day, `2026-11-22`.
pub(super) fn day_name(at: Timestamp) -> String {
    date(at).format("%Y-%m-%d").to_string()
}

/// Clamps a time that chrono cannot represent (years beyond 262,000), so that no clock breaks the ledger.
fn date(at: Timestamp) -> NaiveDate {
    let nearest = if at.0 < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_millis(at.0).unwrap_or(nearest).date_naive()
}

fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

fn midnight(day: NaiveDate) -> Timestamp {
    Timestamp(day.and_time(NaiveTime::MIN).and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<DateTime<Utc>>().unwrap().timestamp_millis())
    }

    #[test]
    fn a_period_ends_where_the_next_one_begins() {
        for (now, month, next_month, day, next_day) in [
            ("2026-11-22T21:00:00Z", "2026-11-01", "2026-12-01", "2026-11-22", "2026-11-23"),
            ("2026-12-31T23:59:59.999Z", "2026-12-01", "2027-01-01", "2026-12-31", "2027-01-01"),
            ("2027-01-01T00:00:00Z", "2027-01-01", "2027-02-01", "2027-01-01", "2027-01-02"),
            ("2028-02-29T12:00:00Z", "2028-02-01", "2028-03-01", "2028-02-29", "2028-03-01"),
        ] {
            let midnight = |day: &str| at(&format!("{day}T00:00:00Z"));
            let now = at(now);
            assert_eq!((Period::Month.start(now), Period::Month.end(now)), (midnight(month), midnight(next_month)));
            assert_eq!((Period::Day.start(now), Period::Day.end(now)), (midnight(day), midnight(next_day)));
        }
    }

    #[test]
    fn no_clock_is_too_wild() {
        for wild in [i64::MIN, -1, 0, i64::MAX] {
            let now = Timestamp(wild);
            for period in [Period::Month, Period::Day] {
                assert!(period.start(now) <= period.end(now), "{wild}");
            }
        }
        let names = [i64::MIN, i64::MAX].map(|wild| day_name(Timestamp(wild)));
        assert_eq!(names, ["-262143-01-01", "+262142-12-31"], "the nearest that chrono knows");
    }
}
