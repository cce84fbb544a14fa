//! The only place that asks the time. Everything else takes a [`Timestamp`] or an [`Instant`].
#![expect(clippy::disallowed_methods, reason = "this is the clock")]

use std::time::{Duration, Instant, SystemTime};

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// RFC 3339 in UTC, to the second.
    pub fn to_rfc3339(self) -> String {
        chrono::DateTime::from_timestamp_millis(self.0)
            .map_or_else(|| self.0.to_string(), |time| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    }

    /// The UTC calendar month, `2026-11`.
    pub fn month(self) -> String {
        chrono::DateTime::from_timestamp_millis(self.0)
            .map_or_else(String::new, |time| time.format("%Y-%m").to_string())
    }
}

/// Returns the wall-clock time.
pub fn now() -> Timestamp {
    let now = Timestamp(chrono::Utc::now().timestamp_millis());
    #[cfg(debug_assertions)]
    let now = now.plus_millis(shift_millis());
    now
}

/// Returns the milliseconds by which the tests move this clock: the content of the file that the variable names, so that a month
/// can turn under a running process. A release build has neither variable nor shift.
#[cfg(debug_assertions)]
fn shift_millis() -> i64 {
    let file = std::env::var_os("RA_AGENT_TEST_CLOCK_SHIFT");
    let text = file.and_then(|file| std::fs::read_to_string(file).ok());
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// Returns the monotonic time, for intervals.
pub fn monotonic() -> Instant {
    Instant::now()
}

/// Returns how long ago a monotonic time was.
pub fn since(begun: Instant) -> Duration {
    begun.elapsed()
}

/// Returns the wall-clock time, for comparison with the times of files.
pub fn system_now() -> SystemTime {
    SystemTime::now()
}
