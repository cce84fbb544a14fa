//! What the stories use: a real repository, a real agent, and checks of both.
#![expect(dead_code, reason = "no story needs everything")]

mod agent;
pub mod asking;
pub mod embedding_server;
mod fingerprint;
mod followed;
pub mod fuzz;
mod history;
mod jobs;
mod left_out;
pub mod llm_batches;
pub mod llm_model;
pub mod llm_server;
pub mod mcp;
mod mutator;
pub mod object_server;
pub mod page;
pub mod planted;
pub mod power_cut;
mod random;
mod repo;
mod store;

use std::time::{Duration, Instant};

pub use agent::{Output, TestAgent};
pub use fingerprint::{Fingerprint, fingerprint, untouched};
pub use followed::FollowedRepo;
pub use history::History;
pub use jobs::{Job, Jobs};
pub use left_out::left_out;
pub use random::{Random, number_from_environment};
pub use repo::{TestRepo, git_version};
pub use store::assert_same_state;

/// Polls `condition` until it holds; `what` names it in the failure. The deadline only bounds a wait that would not end.
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
