//! The text of a tree's entry, or why it is not read.

use super::FileSelection;
use super::classify::MAX_FILE_BYTES;
use super::open::{Blob, Repo, RepoError};
use super::tree::TreeEntry;
use super::{encoding, notebook};
use crate::domain::{EntryMode, FilePath, SkipReason};

/// Version of the rules by which files are skipped. When it changes, every file is read again.
pub const CLASSIFY_VERSION: u32 = 4;

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

/// The text of a file: that of its bytes, of a notebook what a person wrote in it. `None`: it is no text.
pub fn decode(path: &FilePath, bytes: Vec<u8>) -> Option<String> {
    let text = encoding::decode(bytes)?;
    let written = if notebook::is_notebook(path) { notebook::written(&text) } else { None };
    Some(written.unwrap_or(text))
}

/// Reads an entry of the tree, unless its kind, name, size or content says that it is not for the index.
///
/// An object that is not there (a shallow or partial clone), or cannot be read, costs this file alone.
///
/// # Errors
/// If the repository itself cannot be read.
pub fn content(repo: &Repo, entry: &TreeEntry, selection: &FileSelection) -> Result<Content, RepoError> {
    let skipped = |reason, bytes| Ok(Content::Skipped { reason, bytes });
    match entry.mode {
        EntryMode::Symlink => return skipped(SkipReason::Symlink, 0),
        EntryMode::Submodule => return skipped(SkipReason::Submodule, 0),
        EntryMode::Directory => return skipped(SkipReason::Unreadable, 0),
        EntryMode::File | EntryMode::Executable => {}
    }
    if let Some(reason) = selection.skip_by_name(&entry.path) {
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
    selection.text(&entry.path, bytes).map_or_else(|reason| skipped(reason, size), |text| Ok(Content::Text(text)))
}
