//! Something may have happened: hints that a repository moved. An event carries the repository and a cause, never the truth; what
//! is true is found by comparing. Losing, repeating or reordering events costs time, nothing else.

mod debounce;
mod inbox;
mod refs;
mod stirred;
mod tree;
mod watch;

use crate::domain::RepoId;

pub use debounce::{Debounce, DueEvent};
pub use stirred::Stirred;
pub use tree::{Touched, TreeWatcher};
pub use watch::{WatchError, Watcher, watch};

/// Why a repository is compared with its index. In the order in which one takes the place of another when they meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventCause {
    /// The timer.
    Timer,
    /// Something in the work tree was touched.
    WorkTree,
    /// A path by which HEAD can move was written.
    GitDir,
    /// A hook touched the repository's inbox file.
    Hook,
    /// Events were lost; every repository may have moved.
    Overflow,
    /// The agent starts.
    Start,
    /// A client asked, and waits.
    Request,
}

impl EventCause {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timer => "timer",
            Self::WorkTree => "work-tree",
            Self::GitDir => "git-dir",
            Self::Hook => "hook",
            Self::Overflow => "overflow",
            Self::Start => "start",
            Self::Request => "request",
        }
    }
}

/// A hint that a repository may have moved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    pub repo: RepoId,
    pub cause: EventCause,
}
