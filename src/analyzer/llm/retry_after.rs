//! How long a server asks to be left alone: `Retry-After` (RFC 9110 section 10.2.3: seconds or a date), `retry-after-ms`, and the
//! `x-ratelimit-*` headers of OpenAI ("Rate limits", headers), which others have copied.

use std::time::Duration;

use reqwest::header::HeaderMap;

use crate::clock::Timestamp;

/// Longest wait that is taken from a header: a broken clock over there shall not stop the agent for a year.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What `Retry-After` says; none: nothing, or nothing that can be read.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let millis = text(headers, "retry-after-ms").and_then(|text| text.parse().ok()).map(Duration::from_millis);
    let asked = millis.or_else(|| {
        let text = text(headers, "retry-after")?;
        seconds(text).or_else(|| until(text, now))
    });
    asked.map(|wait| wait.min(LONGEST))
}

/// Until when the limit that is used up by now is used up.
pub(super) fn pause(headers: &HeaderMap) -> Option<Duration> {
    let used_up = |what: &str| {
        let remaining: u64 = text(headers, &format!("x-ratelimit-remaining-{what}"))?.parse().ok()?;
        let reset = text(headers, &format!("x-ratelimit-reset-{what}")).and_then(span)?;
        (remaining == 0).then(|| reset.min(LONGEST))
    };
    used_up("requests").max(used_up("tokens"))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

fn until(text: &str, now: Timestamp) -> Option<Duration> {
    let then = chrono::DateTime::parse_from_rfc2822(text).ok()?.timestamp_millis();
    Some(Duration::from_millis(u64::try_from(then.saturating_sub(now.0)).unwrap_or(0)))
}

/// A wait as a body names it.
pub(super) fn bounded_span(text: &str) -> Option<Duration> {
    span(text).map(|wait| wait.min(LONGEST))
}

/// `1s`, `6m0s`, `20ms`, `1h2m3.5s`, or plain seconds.
fn span(text: &str) -> Option<Duration> {
    if let Some(plain) = seconds(text) {
        return Some(plain);
    }
    let (mut all, mut rest) = (Duration::ZERO, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(digits);
        let unit = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let in_seconds = match &behind[..unit] {
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        all = all.checked_add(Duration::try_from_secs_f64(number.parse::<f64>().ok()? * in_seconds).ok()?)?;
        rest = &behind[unit..];
    }
    (!text.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        // Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110
        let now = Timestamp(784_111_777_000 - 90_000);
        let wait = |value| retry_after(&headers(&[("retry-after", value)]), now);
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(90)));
        assert_eq!(wait("Sat, 05 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO), "a date that has passed");
        assert_eq!(wait("99999999999"), Some(LONGEST));
        for nonsense in ["soon", "-1", "", "NaN", "1e400"] {
            assert_eq!(wait(nonsense), None, "{nonsense}");
        }
        assert_eq!(
            retry_after(&headers(&[("retry-after-ms", "250"), ("retry-after", "9")]), now),
            Some(Duration::from_millis(250))
        );
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn a_limit_that_is_used_up_asks_for_a_pause() {
        let of = |requests, reset| {
            pause(&headers(&[("x-ratelimit-remaining-requests", requests), ("x-ratelimit-reset-requests", reset)]))
        };
        assert_eq!(of("0", "6m0s"), Some(Duration::from_secs(360)));
        assert_eq!(of("0", "20ms"), Some(Duration::from_millis(20)));
        assert_eq!(of("0", "1h2m3.5s"), Some(Duration::from_millis(3_723_500)));
        assert_eq!(of("0", "12"), Some(Duration::from_secs(12)));
        assert_eq!(of("1", "6m0s"), None);
        for nonsense in ["", "s", "1x", "1", "5m5"] {
            assert!(of("0", nonsense).is_none_or(|wait| wait == Duration::from_secs(1)), "{nonsense}");
        }
        let tokens = headers(&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "3s")]);
        assert_eq!(pause(&tokens), Some(Duration::from_secs(3)));
    }
}
