//! How arguments are read: durations and amounts of dollars.

use std::time::Duration;

use crate::query::impact::FailOn;
use crate::query::report::FailOnNew;

/// A daily limit in nano-dollars, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Daily(pub Option<u64>);

/// Reads a daily limit: an amount, or `none`.
pub(super) fn daily(text: &str) -> Result<Daily, String> {
    if text == "none" { Ok(Daily(None)) } else { nano_dollars(text).map(|nano| Daily(Some(nano))) }
}

/// Reads dollars, to the nano-dollar: `3`, `3.00`, `$0.50`. At most a million, as in the configuration.
pub(super) fn nano_dollars(text: &str) -> Result<u64, String> {
    const MOST: u64 = 1_000_000_000_000_000;
    let wrong = || format!("{text} is not an amount of dollars from 0 to 1000000; write e.g. 3.00");
    let (whole, fraction) =
        text.strip_prefix('$').unwrap_or(text).split_once('.').unwrap_or((text.trim_start_matches('$'), ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return Err(wrong());
    }
    let nano = format!("{whole}{fraction:0<9}").parse::<u64>().map_err(|_| wrong())?;
    if nano <= MOST { Ok(nano) } else { Err(wrong()) }
}

/// Reads what a gate refuses.
pub(super) fn fail_on(text: &str) -> Result<FailOn, String> {
    let known = || FailOn::ALL.map(FailOn::as_str).join(", ");
    FailOn::parse(text).ok_or_else(|| format!("{text} is nothing that a check knows; write one of {}", known()))
}

/// Reads what of a report is refused.
pub(super) fn fail_on_new(text: &str) -> Result<FailOnNew, String> {
    let known = || FailOnNew::ALL.map(FailOnNew::as_str).join(", ");
    FailOnNew::parse(text).ok_or_else(|| format!("{text} is nothing that a report knows; write one of {}", known()))
}

/// Reads how many are wanted: none is no answer.
pub(super) fn count(text: &str) -> Result<usize, String> {
    let wrong = || format!("{text} is not a number from 1 on; write e.g. 10");
    text.parse().ok().filter(|count| *count > 0).ok_or_else(wrong)
}

/// Reads the number of a job.
pub(super) fn job(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text} is not the number of a job; `ra-agent queue list --all` shows them");
    text.parse::<i64>().ok().filter(|job| *job >= 0).ok_or_else(wrong)
}

/// Reads a port; 0 is any.
pub(super) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("{text} is not a port from 0 to 65535; write e.g. 8080"))
}

/// Reads a number of days.
pub(super) fn days(text: &str) -> Result<u32, String> {
    const MOST: u32 = 3_660;
    let wrong = || format!("{text} is not a number of days from 1 to {MOST}; write e.g. 30");
    text.parse::<u32>().ok().filter(|days| (1..=MOST).contains(days)).ok_or_else(wrong)
}

/// Reads a number and a unit: ms, s, m, h or d.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| format!("{text} does not begin with a number; write e.g. 60s"))?;
    let millis = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        "d" => number.checked_mul(86_400_000),
        _ => return Err(format!("{unit} is not a unit of time; write ms, s, m, h or d")),
    };
    millis.map(Duration::from_millis).ok_or_else(|| format!("{text} is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_to_the_nano_dollar() {
        for (text, nano) in [
            ("3", 3_000_000_000),
            ("$0.50", 500_000_000),
            ("0.000000001", 1),
            ("1000000", 1_000_000_000_000_000),
            ("2.", 2_000_000_000),
        ] {
            assert_eq!(nano_dollars(text), Ok(nano), "{text}");
        }
        for text in ["", "-1", ".5", "1e3", "1,50", "0.0000000001", "1000000.01", "99999999999999999999", "nan", "€3"]
        {
            assert!(nano_dollars(text).is_err(), "{text}");
        }
        assert_eq!(daily("none"), Ok(Daily(None)));
        assert_eq!(daily("0.25"), Ok(Daily(Some(250_000_000))));
    }

    #[test]
    fn a_number_that_is_none_is_named_with_what_it_was_meant_for() {
        assert_eq!((job("7"), port("0"), days("3660")), (Ok(7), Ok(0), Ok(3_660)));
        for (why, what) in [
            (job("abc").unwrap_err(), "abc is not the number of a job"),
            (port("65536").unwrap_err(), "65536 is not a port"),
            (days("0").unwrap_err(), "0 is not a number of days"),
            (count("x").unwrap_err(), "x is not a number from 1 on"),
        ] {
            assert!(why.starts_with(what), "{why}");
        }
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7_200)));
        assert!(duration("soon").is_err() && duration("5 weeks").is_err() && duration("99999999999999999h").is_err());
    }
}
