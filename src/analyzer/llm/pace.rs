//! Requests and tokens a minute, by the generic cell rate algorithm (ITU-T I.371, annex A): one moment per limit says everything, the
//! time at which all that was let through would be paid off at the even pace. It knows no clock.

use std::time::{Duration, Instant};

/// Requests that may go at once after a rest.
const BURST: u32 = 10;

const MINUTE: Duration = Duration::from_secs(60);

/// How long to wait before asking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

/// One limit.
#[derive(Clone, Copy, Debug)]
struct Cells {
    /// Time that one cell takes at the even pace.
    each: f64,
    /// How far ahead of the even pace one may be, in seconds.
    tolerance: f64,
    /// Seconds after the start at which everything let through is paid off.
    paid_off: f64,
}

impl Cells {
    fn new(per_minute: u64, burst: u64) -> Self {
        let each = MINUTE.as_secs_f64() / per_minute.max(1) as f64;
        Self { each, tolerance: each * burst.max(1) as f64, paid_off: 0.0 }
    }

    /// Seconds to wait until so many cells may pass at second `now`. More than the burst pass when it is whole.
    fn wait(&self, cells: u64, now: f64) -> f64 {
        let cost = (self.each * cells as f64).min(self.tolerance);
        (self.paid_off.max(now) + cost - self.tolerance - now).max(0.0)
    }

    fn take(&mut self, cells: u64, now: f64) {
        self.paid_off = self.paid_off.max(now) + self.each * cells as f64;
    }

    fn give_back(&mut self, cells: u64) {
        self.paid_off -= self.each * cells as f64;
    }
}

/// The pace at which one provider may be asked.
#[derive(Clone, Debug)]
pub struct Pace {
    start: Instant,
    requests: Cells,
    tokens: Option<Cells>,
    held_until: Option<Instant>,
}

impl Pace {
    /// At most so many requests in any minute at the even pace, ten at once after a rest; tokens likewise, a minute's worth at once.
    pub fn new(requests_per_minute: u32, tokens_per_minute: Option<u64>, now: Instant) -> Self {
        let requests = Cells::new(u64::from(requests_per_minute), u64::from(BURST.min(requests_per_minute)));
        let tokens = tokens_per_minute.map(|tokens| Cells::new(tokens, tokens));
        Self { start: now, requests, tokens, held_until: None }
    }

    /// Lets one request with so many tokens pass.
    ///
    /// # Errors
    /// If it has to wait; then nothing was taken.
    pub fn admit(&mut self, tokens: u64, now: Instant) -> Result<(), Wait> {
        let second = now.saturating_duration_since(self.start).as_secs_f64();
        let held = self.held_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        let paced = self.requests.wait(1, second).max(self.tokens.map_or(0.0, |cells| cells.wait(tokens, second)));
        // rounded up, else who waits exactly so long would come a moment too early for ever
        let wait =
            held.max(Duration::from_secs_f64(paced).saturating_add(Duration::from_nanos(u64::from(paced > 0.0))));
        if !wait.is_zero() {
            return Err(Wait(wait));
        }
        self.requests.take(1, second);
        if let Some(cells) = &mut self.tokens {
            cells.take(tokens, second);
        }
        Ok(())
    }

    /// After a reply: what was used, where more was let through.
    pub fn correct(&mut self, admitted: u64, used: u64) {
        if let Some(cells) = &mut self.tokens {
            cells.give_back(admitted.saturating_sub(used));
        }
    }

    /// Nothing passes before `pause` is over: a server said so.
    pub fn hold(&mut self, pause: Duration, now: Instant) {
        let until = now + pause;
        self.held_until = Some(self.held_until.map_or(until, |held| held.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests let through until second `end` by one who always asks again exactly when told.
    fn passed(pace: &mut Pace, tokens: u64, start: Instant, end: u64) -> Vec<Duration> {
        let (mut now, mut passed) = (start, Vec::new());
        while now < start + Duration::from_secs(end) {
            match pace.admit(tokens, now) {
                Ok(()) => passed.push(now - start),
                Err(Wait(wait)) => {
                    assert!(!wait.is_zero());
                    now += wait;
                }
            }
        }
        passed
    }

    #[test]
    fn ten_at_once_and_then_the_even_pace() {
        let start = Instant::now();
        let mut pace = Pace::new(60, None, start);
        let passed = passed(&mut pace, 5, start, 60);
        assert_eq!(passed.iter().filter(|at| at.is_zero()).count(), 10);
        assert_eq!(passed.len(), 10 + 59);
        assert!(
            passed[10] >= Duration::from_millis(999) && passed[10] <= Duration::from_millis(1_001),
            "{:?}",
            passed[10]
        );
    }

    #[test]
    fn tokens_bind_where_they_are_fewer() {
        let start = Instant::now();
        let mut pace = Pace::new(6_000, Some(6_000), start);
        // a minute's worth at once, and another one over the minute
        assert!((11..=12).contains(&passed(&mut pace, 1_000, start, 60).len()));
    }

    #[test]
    fn a_request_larger_than_a_minute_passes_alone_after_a_rest() {
        let start = Instant::now();
        let mut pace = Pace::new(60, Some(1_000), start);
        assert_eq!(pace.admit(5_000, start), Ok(()));
        let Err(Wait(wait)) = pace.admit(1, start) else { panic!() };
        assert!(wait > Duration::from_secs(239) && wait < Duration::from_secs(241), "{wait:?}");
    }

    #[test]
    fn what_was_not_used_is_given_back() {
        let start = Instant::now();
        let mut pace = Pace::new(600, Some(1_000), start);
        pace.admit(1_000, start).unwrap();
        assert!(pace.admit(500, start).is_err());
        pace.correct(1_000, 400);
        assert_eq!(pace.admit(500, start), Ok(()));
    }

    #[test]
    fn nothing_passes_while_the_server_wants_a_pause() {
        let start = Instant::now();
        let mut pace = Pace::new(60, None, start);
        pace.hold(Duration::from_secs(7), start);
        pace.hold(Duration::from_secs(3), start);
        assert_eq!(pace.admit(1, start), Err(Wait(Duration::from_secs(7))));
        assert_eq!(pace.admit(1, start + Duration::from_secs(7)), Ok(()));
    }
}
