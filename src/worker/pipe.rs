//! What passes between the daemon and its worker: one JSON object a line. Only hints and progress; the work itself is in the queue.

use serde::{Deserialize, Serialize};

/// Daemon → worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "hint")]
pub enum Hint {
    /// Compare a repository with its recorded view. `full`: plan every file, not only what changed.
    Reconcile { repo: String, full: bool, token: u64 },
    /// Have the model loaded: somebody searches.
    Warm,
    /// The queue may have changed.
    Wake,
    /// Finish what is being done and exit.
    Stop,
}

/// Worker → daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "report")]
pub enum Report {
    /// Locks are held, hints are read.
    Ready,
    /// A reconcile has ended. `held`: nothing was done because of an operation in progress.
    Reconciled { repo: String, token: u64, held: Option<String>, error: Option<String> },
    /// Nothing is left to do now.
    Idle,
}
