//! When to stop asking a server that is down (a circuit breaker, Nygard, "Release It!", 2007): after some outages in a row no
//! request is let through, then one probe at a time, each after a longer rest. It knows no clock.

use std::time::{Duration, Instant};

/// Outages in a row that open it.
const OPENS_AFTER: u32 = 5;

/// Rest before the first probe; each probe that fails doubles it.
const FIRST_REST: Duration = Duration::from_secs(30);
/// A probe that times out may be billed at its worst case, so an outage of a day must not mean hundreds of them.
const LONGEST_REST: Duration = Duration::from_secs(60 * 60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BreakerState {
    Closed {
        outages: u32,
    },
    Open {
        until: Instant,
        rest: Duration,
    },
    /// One probe is under way.
    Probing {
        rest: Duration,
    },
}

/// Whether a request may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    Free,
    /// This one alone: how it ends decides.
    Probe,
    /// None before this time has passed; `None`: the probe that is under way decides.
    Shut(Option<Duration>),
}

#[derive(Clone, Debug)]
pub struct Breaker {
    state: BreakerState,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: BreakerState::Closed { outages: 0 } }
    }
}

impl Breaker {
    /// Asks for passage at `now`. Who gets [`Passage::Probe`] has to report how it ended.
    pub fn pass(&mut self, now: Instant) -> Passage {
        match self.state {
            BreakerState::Closed { .. } => Passage::Free,
            BreakerState::Open { until, .. } if now < until => Passage::Shut(Some(until - now)),
            BreakerState::Open { rest, .. } => {
                self.state = BreakerState::Probing { rest };
                Passage::Probe
            }
            BreakerState::Probing { .. } => Passage::Shut(None),
        }
    }

    /// The server answered, if only to refuse.
    pub fn answered(&mut self) {
        self.state = BreakerState::Closed { outages: 0 };
    }

    /// The server is down, and asks for `asked_for` if it said something. True: this opened it.
    pub fn outage(&mut self, asked_for: Option<Duration>, now: Instant) -> bool {
        let rest = match self.state {
            BreakerState::Closed { outages } if outages + 1 < OPENS_AFTER => {
                self.state = BreakerState::Closed { outages: outages + 1 };
                return false;
            }
            BreakerState::Closed { .. } => FIRST_REST,
            // a late reply of a request that left before it opened
            BreakerState::Open { .. } => return false,
            BreakerState::Probing { rest } => rest.saturating_mul(2).min(LONGEST_REST),
        };
        let until = now + rest.max(asked_for.unwrap_or_default()).min(LONGEST_REST);
        self.state = BreakerState::Open { until, rest };
        true
    }

    /// Outages since the last answer; once it is open, all that it takes.
    pub const fn in_a_row(&self) -> u32 {
        match self.state {
            BreakerState::Closed { outages } => outages,
            BreakerState::Open { .. } | BreakerState::Probing { .. } => OPENS_AFTER,
        }
    }

    /// The probe ended without a word about the server, e.g. because there was no money for it.
    pub fn probe_abandoned(&mut self, now: Instant) {
        if let BreakerState::Probing { rest } = self.state {
            self.state = BreakerState::Open { until: now, rest };
        }
    }

    pub const fn is_open(&self) -> bool {
        !matches!(self.state, BreakerState::Closed { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for outage in 1..=OPENS_AFTER {
            assert_eq!(breaker.pass(now), Passage::Free);
            assert_eq!(breaker.outage(None, now), outage == OPENS_AFTER);
        }
        breaker
    }

    #[test]
    fn outages_in_a_row_open_it_and_an_answer_resets_the_count() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            for _ in 1..OPENS_AFTER {
                breaker.outage(None, now);
            }
            breaker.answered();
        }
        assert!(!breaker.is_open());
        assert_eq!(opened(now).pass(now), Passage::Shut(Some(FIRST_REST)));
    }

    #[test]
    fn one_probe_at_a_time_each_after_a_longer_rest() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        let mut rest = FIRST_REST;
        for _ in 0..12 {
            now += rest;
            assert_eq!(breaker.pass(now), Passage::Probe);
            assert_eq!(breaker.pass(now), Passage::Shut(None));
            assert!(breaker.outage(None, now));
            rest = (rest * 2).min(LONGEST_REST);
            assert_eq!(breaker.pass(now), Passage::Shut(Some(rest)));
        }
        now += rest;
        assert_eq!(breaker.pass(now), Passage::Probe);
        breaker.answered();
        assert_eq!(breaker.pass(now), Passage::Free);
    }

    #[test]
    fn it_rests_as_long_as_the_server_asks() {
        let now = Instant::now();
        let mut breaker = Breaker { state: BreakerState::Closed { outages: OPENS_AFTER - 1 } };
        breaker.outage(Some(Duration::from_secs(600)), now);
        assert_eq!(breaker.pass(now), Passage::Shut(Some(Duration::from_secs(600))));
    }

    #[test]
    fn a_late_failure_and_an_abandoned_probe_change_nothing() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        assert!(!breaker.outage(None, now));
        now += FIRST_REST;
        assert_eq!(breaker.pass(now), Passage::Probe);
        breaker.probe_abandoned(now);
        assert_eq!(breaker.pass(now), Passage::Probe);
    }
}
