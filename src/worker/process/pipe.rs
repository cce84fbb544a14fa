//! What passes between the daemon and its worker: one JSON object a line. Only hints and progress; the work itself is in the queue.

use serde::{Deserialize, Serialize};

use crate::worker::upkeep::maintenance::{Maintained, Maintenance};

/// How thoroughly a repository is compared with its recorded view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// What the move of HEAD changed, and whom that touches. The watch over the work tree reports what was saved.
    Head,
    /// What changed, in the work tree, too, and whom that touches.
    Changes,
    /// The same, and every file is planned.
    Full,
    /// Trusts nothing that is recorded: the view is rebuilt, and results are checked against it.
    #[serde(rename = "mend")]
    Rebuild,
}

impl Depth {
    /// At least so deep that the work tree is compared.
    #[must_use]
    pub fn at_least_changes(self) -> Self {
        if self == Self::Head { Self::Changes } else { self }
    }
}

/// Daemon → worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "hint")]
pub enum Hint {
    /// Compare a repository with its recorded view.
    Reconcile {
        repo: String,
        depth: Depth,
        token: u64,
        /// The files of the work tree that may differ, escaped; `None`: any may.
        #[serde(default)]
        files: Option<Vec<String>>,
    },
    /// A person asks for something to be done to the stores.
    Maintain { task: Maintenance, token: u64 },
    /// Load the model: a search has begun.
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
    /// Maintenance has ended, or failed for the given reason.
    Maintained { token: u64, outcome: Result<Maintained, String> },
    /// Nothing is left to do now.
    Idle,
}
