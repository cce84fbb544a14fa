//! How the shared store is, as far as this machine has seen: whether it is left alone for a while, and what has gone to and fro. Kept in a
//! small file, so that a new worker leaves a store alone that was down, and `status` and `doctor` can say so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::config::SharedConfig;
use crate::file;
use crate::home::Home;

/// Rest after a first failure; each that follows doubles it.
const FIRST_REST_MILLIS: i64 = 15_000;
const LONGEST_REST_MILLIS: i64 = 30 * 60_000;

/// How a shared store is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SharedHealth {
    /// What went wrong last; `None`: it answered last.
    pub problem: Option<String>,
    /// Since when it has not answered, milliseconds since the epoch, as the following.
    pub failing_since: Option<i64>,
    /// It is not asked before.
    pub retry_at: Option<i64>,
    /// How long it is left alone after the next failure.
    rest_millis: i64,
    /// When it answered last.
    pub answered_at: Option<i64>,
    /// Requests that were sent, and bytes of packs that came and went.
    pub lists: u64,
    pub gets: u64,
    pub puts: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// Entries that were taken, and that were given.
    pub taken: u64,
    pub given: u64,
    /// Rows that were given to the shared index.
    pub rows_given: u64,
    /// Entries that were not used, by reason.
    pub refused: BTreeMap<String, u64>,
}

impl SharedHealth {
    /// Whether it may be asked at `now`.
    pub fn may_ask(&self, now: Timestamp) -> bool {
        // A clock that was put back does not lengthen a rest.
        self.retry_at.is_none_or(|then| then <= now.0 || then > now.0 + LONGEST_REST_MILLIS)
    }

    /// It answered.
    pub fn answered(&mut self, now: Timestamp) {
        (self.problem, self.failing_since, self.retry_at, self.rest_millis) = (None, None, None, 0);
        self.answered_at = Some(now.0);
    }

    /// It did not. `asked`: how long it wants to be left alone, where it says so.
    pub fn failed(&mut self, problem: &str, asked: Duration, now: Timestamp) {
        let rest = self.rest_millis.max(FIRST_REST_MILLIS);
        let asked = i64::try_from(asked.as_millis()).unwrap_or(i64::MAX).min(LONGEST_REST_MILLIS);
        self.problem = Some(problem.to_owned());
        self.failing_since = self.failing_since.or(Some(now.0));
        self.retry_at = Some(now.0.saturating_add(rest.max(asked)));
        self.rest_millis = rest.saturating_mul(2).min(LONGEST_REST_MILLIS);
    }

    /// When to try again what kept the store from being used, and what this says nothing of: never at once, nor after too long.
    pub fn next_try(&self, now: Timestamp) -> Timestamp {
        let first = now.plus_millis(FIRST_REST_MILLIS);
        first.max(Timestamp(self.retry_at.unwrap_or_default()).min(now.plus_millis(LONGEST_REST_MILLIS)))
    }

    pub fn refused(&mut self, why: &str) {
        *self.refused.entry(why.to_owned()).or_default() += 1;
    }

    /// Forgets the rest, so that it is asked at once.
    pub fn wake(&mut self) {
        self.retry_at = None;
    }
}

/// The health of a configured store as the last process left it.
pub fn health_of(home: &Home, config: &SharedConfig) -> SharedHealth {
    HealthFile::open(&super::state_dir(home, config)).health
}

/// The file, and what was last written into it.
pub(super) struct HealthFile {
    path: PathBuf,
    pub health: SharedHealth,
    written: SharedHealth,
}

impl HealthFile {
    /// One that cannot be read says nothing.
    pub fn open(dir: &Path) -> Self {
        let path = dir.join("health.json");
        let health: SharedHealth =
            std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { path, written: health.clone(), health }
    }

    /// Writes it if it says something else now.
    pub fn save(&mut self) {
        if self.health == self.written {
            return;
        }
        let saved = serde_json::to_vec(&self.health).map_err(std::io::Error::other);
        match saved.and_then(|json| file::replace_entry(&self.path, &json, 0o600)) {
            Ok(()) => self.written = self.health.clone(),
            Err(error) => tracing::debug!(%error, "the state of the shared store is not saved"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_fails_is_left_alone_for_longer_and_longer() {
        let (mut health, mut now, mut rest) = (SharedHealth::default(), Timestamp(1_000), FIRST_REST_MILLIS);
        for _ in 0..12 {
            assert!(health.may_ask(now));
            health.failed("it is down", Duration::ZERO, now);
            assert!(!health.may_ask(now.plus_millis(rest - 1)));
            now = now.plus_millis(rest);
            rest = (rest * 2).min(LONGEST_REST_MILLIS);
        }
        assert_eq!(health.failing_since, Some(1_000));
        health.answered(now);
        assert!(health.may_ask(now) && health.problem.is_none() && health.failing_since.is_none());
        health.failed("again", Duration::ZERO, now);
        assert!(health.may_ask(now.plus_millis(FIRST_REST_MILLIS)), "it begins again");
        assert!(health.may_ask(now.plus_millis(-LONGEST_REST_MILLIS)), "a clock that was put back");
        health.answered(now);
        health.failed("busy", Duration::from_secs(100), now);
        assert!(!health.may_ask(now.plus_millis(99_999)) && health.may_ask(now.plus_millis(100_000)));
        health.answered(now);
        health.failed("busy for a year", Duration::MAX, now);
        assert!(health.may_ask(now.plus_millis(LONGEST_REST_MILLIS)), "it is not left alone for so long");
    }

    #[test]
    fn an_obstacle_is_tried_again_after_a_rest_whatever_was_noted() {
        let now = Timestamp(LONGEST_REST_MILLIS * 2);
        let next = |retry_at| SharedHealth { retry_at, ..SharedHealth::default() }.next_try(now);
        assert_eq!(next(None), now.plus_millis(FIRST_REST_MILLIS));
        assert_eq!(next(Some(now.0 - 1)), now.plus_millis(FIRST_REST_MILLIS), "a rest that is over");
        assert_eq!(next(Some(now.0 + 60_000)), now.plus_millis(60_000));
        assert_eq!(next(Some(i64::MAX)), now.plus_millis(LONGEST_REST_MILLIS), "a clock that was put back");
    }

    #[test]
    fn the_state_outlives_the_process_a_damaged_file_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = HealthFile::open(dir.path());
        file.health.failed("forbidden", Duration::ZERO, Timestamp(7));
        file.health.refused("signature");
        file.save();
        assert_eq!(HealthFile::open(dir.path()).health, file.health);
        std::fs::write(dir.path().join("health.json"), b"{\"problem\": 3").unwrap();
        assert_eq!(HealthFile::open(dir.path()).health, SharedHealth::default());
    }
}
