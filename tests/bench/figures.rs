//! How measured values are summed up and shown.

use std::time::Duration;

/// The head of the table that [`row`] and [`row_below`] print rows of.
pub fn print_head() {
    println!("| measured | value | target |\n|---|---|---|");
}

/// A row without a target.
pub fn row(what: &str, value: &str) {
    println!("| {what} | {value} | |");
}

/// A row whose `value` says, among other things, how much `measured` is; that has to be below `limit`, both in `unit`.
pub fn row_below(what: &str, value: &str, measured: f64, limit: f64, unit: &str) {
    let verdict = if measured < limit { "" } else { " (missed)" };
    println!("| {what} | {value} | < {limit} {unit}{verdict} |");
}

/// Durations of the same thing done many times.
pub struct Spread(Vec<Duration>);

impl Spread {
    pub fn of(mut times: Vec<Duration>) -> Self {
        assert!(!times.is_empty(), "nothing was timed");
        times.sort_unstable();
        Self(times)
    }

    /// The nearest-rank percentile: the smallest time that at least so many percent of all do not exceed.
    pub fn at(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0[rank - 1]
    }

    /// `p50 1.2 ms, p99 3.4 ms`
    pub fn show(&self, percents: &[usize]) -> String {
        let shown: Vec<String> = percents.iter().map(|&p| format!("p{p} {}", time(self.at(p)))).collect();
        shown.join(", ")
    }
}

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// A duration in the unit that suits it, with three digits.
pub fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        s if s >= 1.0 => format!("{} s", digits(s)),
        s if s >= 1e-3 => format!("{} ms", digits(s * 1e3)),
        s => format!("{} µs", digits(s * 1e6)),
    }
}

/// Megabytes of 1,000,000 bytes.
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

pub fn size(bytes: u64) -> String {
    format!("{} MB", digits(megabytes(bytes)))
}

/// A number with three digits, or all that stand before the point.
pub fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}
