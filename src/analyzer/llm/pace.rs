//! Requests and tokens a minute: two of governor's cells (GCRA, ITU-T I.371), and the pauses that a server asks for.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// Requests that may go at once after a rest.
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// How long to wait before asking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

/// One limit.
type Cells<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The pace at which one provider may be asked.
#[derive(Debug)]
pub struct Pace<C: Clock = MonotonicClock> {
    clock: C,
    requests: Cells<C>,
    tokens: Option<(Cells<C>, NonZeroU32)>,
    /// The next request has had its tokens, and waits for its turn alone.
    tokens_taken: bool,
    held_until: Option<Instant>,
}

impl Pace {
    /// At most so many requests in any minute at the even pace, ten at once after a rest; tokens likewise, a minute's worth at once.
    pub fn new(requests_per_minute: u32, tokens_per_minute: Option<u64>) -> Self {
        Self::with_clock(requests_per_minute, tokens_per_minute, MonotonicClock)
    }
}

impl<C: Clock + Clone> Pace<C> {
    fn with_clock(requests_per_minute: u32, tokens_per_minute: Option<u64>, clock: C) -> Self {
        let requests = at_least_one(requests_per_minute.into());
        let cells = |quota| RateLimiter::direct_with_clock(quota, clock.clone());
        Self {
            requests: cells(Quota::per_minute(requests).allow_burst(requests.min(BURST))),
            tokens: tokens_per_minute.map(at_least_one).map(|tokens| (cells(Quota::per_minute(tokens)), tokens)),
            tokens_taken: false,
            held_until: None,
            clock,
        }
    }

    /// Lets one request with so many tokens pass; more than a minute's worth pass when that is there.
    ///
    /// # Errors
    /// If it has to wait.
    pub fn admit(&mut self, tokens: u64, now: Instant) -> Result<(), Wait> {
        if let Some(held) =
            self.held_until.map(|until| until.saturating_duration_since(now)).filter(|held| !held.is_zero())
        {
            return Err(Wait(held));
        }
        self.take_tokens(tokens)?;
        let wait = |early: governor::NotUntil<C::Instant>| Wait(early.wait_time_from(self.clock.now()));
        self.requests.check().map_err(wait)?;
        self.tokens_taken = false;
        Ok(())
    }

    /// What was taken is not given back, so a request that waits for its turn is asked for its tokens once.
    fn take_tokens(&mut self, tokens: u64) -> Result<(), Wait> {
        let Some((cells, most)) = self.tokens.as_ref().filter(|_| !self.tokens_taken) else { return Ok(()) };
        match cells.check_n(at_least_one(tokens).min(*most)) {
            Ok(Ok(())) => self.tokens_taken = true,
            Ok(Err(early)) => return Err(Wait(early.wait_time_from(self.clock.now()))),
            // No more are asked for than there may be.
            Err(governor::InsufficientCapacity(_)) => {}
        }
        Ok(())
    }

    /// Nothing passes before `pause` is over: a server said so.
    pub fn hold(&mut self, pause: Duration, now: Instant) {
        let until = now + pause;
        self.held_until = Some(self.held_until.map_or(until, |held| held.max(until)));
    }
}

fn at_least_one(number: u64) -> NonZeroU32 {
    NonZeroU32::new(u32::try_from(number).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    /// When requests are let through until second `end`, of a client that always asks again exactly when allowed.
    fn passed(pace: &mut Pace<FakeRelativeClock>, tokens: u64, end: u64) -> Vec<Duration> {
        let (mut time, mut passed) = (Duration::ZERO, Vec::new());
        let start = Instant::now();
        while time < Duration::from_secs(end) {
            match pace.admit(tokens, start) {
                Ok(()) => passed.push(time),
                Err(Wait(wait)) => {
                    assert!(!wait.is_zero());
                    pace.clock.advance(wait);
                    time += wait;
                }
            }
        }
        passed
    }

    fn pace(requests: u32, tokens: Option<u64>) -> Pace<FakeRelativeClock> {
        Pace::with_clock(requests, tokens, FakeRelativeClock::default())
    }

    #[test]
    fn ten_at_once_and_then_the_even_pace() {
        let passed = passed(&mut pace(60, None), 5, 60);
        assert_eq!(passed.iter().filter(|at| at.is_zero()).count(), 10);
        assert!((10 + 59..=10 + 60).contains(&passed.len()), "{}", passed.len());
        assert!(passed[10].abs_diff(Duration::from_secs(1)) < Duration::from_millis(1), "{:?}", passed[10]);
    }

    #[test]
    fn tokens_bind_where_they_are_fewer() {
        // a minute's worth at once, and another one over the minute
        assert!((11..=12).contains(&passed(&mut pace(6_000, Some(6_000)), 1_000, 60).len()));
    }

    #[test]
    fn a_request_larger_than_a_minute_passes_when_a_minute_is_there() {
        let mut pace = pace(60, Some(1_000));
        let now = Instant::now();
        assert_eq!(pace.admit(5_000, now), Ok(()));
        let Err(Wait(wait)) = pace.admit(5_000, now) else { panic!() };
        assert!(wait.abs_diff(Duration::from_secs(60)) < Duration::from_secs(1), "{wait:?}");
    }

    #[test]
    fn one_who_waits_for_its_turn_pays_its_tokens_once() {
        let mut pace = pace(1, Some(1_000));
        let now = Instant::now();
        assert_eq!(pace.admit(500, now), Ok(()));
        for _ in 0..5 {
            assert!(pace.admit(500, now).is_err(), "one request a minute");
        }
        pace.clock.advance(Duration::from_secs(60));
        assert_eq!(pace.admit(500, now), Ok(()));
    }

    #[test]
    fn nothing_passes_while_the_server_wants_a_pause() {
        let mut pace = pace(60, None);
        let now = Instant::now();
        pace.hold(Duration::from_secs(7), now);
        pace.hold(Duration::from_secs(3), now);
        assert_eq!(pace.admit(1, now), Err(Wait(Duration::from_secs(7))));
        assert_eq!(pace.admit(1, now + Duration::from_secs(7)), Ok(()));
    }
}
