//! The only code that opens a repository, and it only reads: where a repository is, where its head is, what changed since the
//! recorded view, and the bytes of a blob. No `git` process, no network, no filter, no configured program runs here, and nothing
//! is written below a repository.

mod classify;
mod commits;
pub mod config_text;
mod content;
mod diff;
pub mod disk;
mod encoding;
mod head;
mod history;
pub mod ignored;
pub mod legacy;
mod locate;
mod notebook;
mod object;
mod open;
mod own_modules;
mod parallel;
pub mod patterns;
pub mod registry;
mod rename;
mod salvage;
mod secret;
mod selection;
mod settings;
pub mod tree;
pub mod user_config;
pub mod worktree;

#[cfg(test)]
pub(crate) mod fixture;

pub use classify::{MAX_FILE_BYTES, is_scratch};
pub use commits::{CommitNote, FirstParents};
pub use content::{CLASSIFY_VERSION, Content, content, decode};
pub use diff::{FileChange, TreeDiff};
pub use head::{Busy, Head};
pub use locate::{LocateError, Location, LocationKind, locate, refuse_own};
pub use open::{Blob, Repo, RepoError};
pub use own_modules::OwnModules;
pub use parallel::in_parallel;
pub use selection::{FileSelection, InvalidGlob};
pub use tree::{Recorded, RecordedView, Rejected, TreeEntry};
