//! The text of a tree's entry, or why it is not read.

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::classify::{MAX_FILE_BYTES, skip_by_content, skip_by_name};
use super::open::{Blob, Repo, RepoError};
use super::tree::TreeEntry;
use crate::domain::{EntryMode, SkipReason};

/// Version of the rules by which files are skipped. When it changes, every file is read again.
pub const CLASSIFY_VERSION: u32 = 1;

/// What an entry gives to the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Text(String),
    Skipped {
        reason: SkipReason,
        /// Size in bytes; 0 if it was not read.
        bytes: u64,
    },
}

/// Reads an entry of the tree, unless its kind, name, size or content says that it is not for the index.
///
/// An object that is not there (a shallow or partial clone), or cannot be read, costs this file alone.
///
/// # Errors
/// If the repository itself cannot be read.
pub fn content(repo: &Repo, entry: &TreeEntry, deny: &GlobSet) -> Result<Content, RepoError> {
    let skipped = |reason, bytes| Ok(Content::Skipped { reason, bytes });
    match entry.mode {
        EntryMode::Symlink => return skipped(SkipReason::Symlink, 0),
        EntryMode::Submodule => return skipped(SkipReason::Submodule, 0),
        EntryMode::Directory => return skipped(SkipReason::Unreadable, 0),
        EntryMode::File | EntryMode::Executable => {}
    }
    if let Some(reason) = skip_by_name(&entry.path, deny) {
        return skipped(reason, 0);
    }
    let bytes = match repo.blob(&entry.id, MAX_FILE_BYTES) {
        Ok(Blob::Content(bytes)) => bytes,
        Ok(Blob::TooLarge { bytes }) => return skipped(SkipReason::Huge, bytes),
        Err(RepoError::MissingObject { .. }) => return skipped(SkipReason::Unavailable, 0),
        Err(error) if error.is_of_one_object() => {
            tracing::warn!(path = %entry.path, %error, "skipped; it is tried again later");
            return skipped(SkipReason::Unreadable, 0);
        }
        Err(error) => return Err(error),
    };
    let size = bytes.len() as u64;
    match skip_by_content(&entry.path, &bytes) {
        Some(reason) => skipped(reason, size),
        None => {
            String::from_utf8(bytes).map_or_else(|_| skipped(SkipReason::Binary, size), |text| Ok(Content::Text(text)))
        }
    }
}

/// A deny pattern that cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[error("invalid glob {pattern} under [privacy] deny: {reason}")]
pub struct InvalidGlob {
    pattern: String,
    reason: String,
}

/// The user's deny patterns, compiled.
///
/// # Errors
/// The first pattern that is an invalid glob, and why.
pub fn deny_globs(patterns: &[String]) -> Result<GlobSet, InvalidGlob> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(
            Glob::new(pattern).map_err(|error| InvalidGlob { pattern: pattern.clone(), reason: error.to_string() })?,
        );
    }
    set.build().map_err(|error| InvalidGlob { pattern: patterns.join(", "), reason: error.to_string() })
}
