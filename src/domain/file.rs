//! A file of the view and what is recorded of it.

use super::{EntryMode, FilePath, Hash, Language, ObjectId, Role, SkipReason, Source};

/// One file of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    pub path: FilePath,
    pub blob: ObjectId,
    pub mode: EntryMode,
    pub source: Source,
    pub size_bytes: u64,
    pub language: Language,
    pub role: Role,
    /// `None`: indexed.
    pub skip: Option<SkipReason>,
    /// `None`: not read.
    pub content_hash: Option<Hash>,
    pub links: Links,
}

/// What the graph of the whole repository says about a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    pub module_path: Option<String>,
    pub crate_root: bool,
    pub deps_hash: Option<Hash>,
    /// Hash of what of it a prompt shows.
    pub context_hash: Option<Hash>,
}

/// One symbol that a file uses, as it is shown to an analyzer: as written, its kind, its present signature.
pub type Used = (String, String, Option<String>);
