//! What the stories are told with: a real repository, a real agent, and an eye on both.
#![expect(dead_code, reason = "no story needs everything")]

mod agent;
pub mod asking;
mod fingerprint;
pub mod fuzz;
mod history;
mod jobs;
pub mod llm_server;
mod mutator;
pub mod planted;
pub mod power_cut;
mod random;
mod repo;
mod store;

use std::io::Write;
use std::time::{Duration, Instant};

pub use agent::{Output, TestAgent};
pub use fingerprint::{Fingerprint, fingerprint, untouched};
pub use history::History;
pub use jobs::{Job, Jobs};
pub use random::{Random, number_from_environment};
pub use repo::{TestRepo, git_version};
pub use store::assert_same_state;

/// Says what this machine cannot show, past the test runner, which keeps what a test that passes prints to itself.
pub fn left_out(what: &str, why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // A closed standard error is no reason to fail.
    let _ = writeln!(std::io::stderr(), "left out of {test}: {what}, for {why}");
}

/// Asks `condition` again and again until it holds; `what` names it in the failure.
#[track_caller]
pub fn wait_until(deadline: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    /// Short against everything waited for, long against the price of asking.
    const PAUSE: Duration = Duration::from_millis(10);
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < deadline, "after {deadline:?} still not: {what}");
        std::thread::sleep(PAUSE);
    }
}
