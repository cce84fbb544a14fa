//! Files as they are on the disk at this moment, compared with what is recorded of them: no answer cuts a text by line numbers that were
//! recorded of another.

use std::collections::BTreeSet;

use super::{QueryError, Reader};
use crate::cache::{RepoStore, view};
use crate::domain::{FilePath, FileRecord, Hash, SkipReason};
use crate::repo::disk::{Bytes, Disk};
use crate::repo::registry::Registered;
use crate::repo::user_config::UserConfig;
use crate::repo::worktree::{Committable, WorkTree};
use crate::repo::{Blob, FileSelection, LocationKind, MAX_FILE_BYTES, Repo, RepoError, TreeEntry, decode};

/// A file at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresentFile {
    /// Its text is the recorded one.
    AsRecorded(String),
    /// Its text is another, or nothing is recorded of it yet.
    Changed(String),
    /// There is no such file.
    Gone {
        /// The index has it.
        is_recorded: bool,
    },
    /// It is not indexed.
    Left(LeftOut),
}

/// Why a file is not indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    Skipped(SkipReason),
    /// By `.gitignore` and its like.
    Ignored,
    Unreadable,
}

impl LeftOut {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skipped(reason) => reason.as_str(),
            Self::Ignored => "ignored",
            Self::Unreadable => "it cannot be read",
        }
    }
}

impl PresentFile {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::AsRecorded(text) | Self::Changed(text) => Some(text),
            Self::Gone { .. } | Self::Left(_) => None,
        }
    }

    /// Whether the index has it as it is.
    pub fn is_as_recorded(&self) -> bool {
        match self {
            Self::AsRecorded(_) | Self::Left(_) => true,
            Self::Gone { is_recorded } => !is_recorded,
            Self::Changed(_) => false,
        }
    }
}

/// The files of one repository at this moment.
pub struct PresentFiles<'a> {
    repo: &'a Registered,
    store: Option<&'a RepoStore>,
    selection: FileSelection,
    /// `None`: a bare repository, or a work tree that cannot be opened.
    disk: Option<Disk>,
    /// Opened when the bytes of a file differ: line ends, encodings and filters may explain that.
    tree: Option<Result<Option<WorkTree>, RepoError>>,
    git: Option<Repo>,
}

impl<'a> PresentFiles<'a> {
    /// # Errors
    /// If a glob of the configuration is invalid.
    pub fn open(reader: &Reader<'_>, repo: &'a Registered, store: Option<&'a RepoStore>) -> Result<Self, QueryError> {
        let selection = FileSelection::new(&reader.config.for_repo(&repo.location.path))
            .map_err(|error| QueryError::Invalid(error.to_string()))?;
        let disk = (repo.location.kind != LocationKind::Bare).then(|| Disk::open(&repo.location.path).ok()).flatten();
        Ok(Self { repo, store, selection, disk, tree: None, git: None })
    }

    /// What the index records of a file.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn recorded(&self, path: &FilePath) -> Result<Option<FileRecord>, QueryError> {
        Ok(self.store.map(|store| view::present(store.db(), path)).transpose()?.flatten())
    }

    /// Reads a file and compares it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn read(&mut self, path: &FilePath) -> Result<PresentFile, QueryError> {
        let record = self.recorded(path)?;
        let Some(disk) = &self.disk else { return Ok(self.of_commit(record.as_ref())) };
        if let Some(reason) = record.as_ref().and_then(|record| record.skip)
            && reason != SkipReason::Deleted
        {
            return Ok(PresentFile::Left(LeftOut::Skipped(reason)));
        }
        let bytes = match disk.read(path, MAX_FILE_BYTES) {
            Ok(Bytes::Content(_, bytes)) => bytes,
            Ok(Bytes::TooLarge(_)) => return Ok(PresentFile::Left(LeftOut::Skipped(SkipReason::Huge))),
            Ok(Bytes::NoFile) => return self.missing(path, record.as_ref()),
            Err(_) => return Ok(PresentFile::Left(LeftOut::Unreadable)),
        };
        if let (Some(text), Some(hash)) = (decode(path, bytes), record.as_ref().and_then(|record| record.content_hash))
            && Hash::of(text.as_bytes()) == hash
        {
            return Ok(PresentFile::AsRecorded(text));
        }
        self.converted(path, record.as_ref())
    }

    /// A file that is not on the disk: gone, or not checked out.
    fn missing(&mut self, path: &FilePath, record: Option<&FileRecord>) -> Result<PresentFile, QueryError> {
        match record {
            None => Ok(PresentFile::Gone { is_recorded: false }),
            Some(record) if record.skip == Some(SkipReason::Deleted) => Ok(PresentFile::Gone { is_recorded: false }),
            Some(_) => self.converted(path, record),
        }
    }

    /// Compares a file as a commit would have it.
    fn converted(&mut self, path: &FilePath, record: Option<&FileRecord>) -> Result<PresentFile, QueryError> {
        let committed = self.store.map(|store| view::file(store.db(), path)).transpose()?.flatten();
        let entry = committed.map(|file| TreeEntry { path: file.path.clone(), id: file.blob.clone(), mode: file.mode });
        let entries: Vec<TreeEntry> = entry.into_iter().collect();
        let tree = match self.tree() {
            Ok(Some(tree)) => tree,
            // Nothing is checked out: all files count as HEAD has them, as in a bare repository.
            Ok(None) => return Ok(self.of_commit(record)),
            Err(_) => return Ok(PresentFile::Left(LeftOut::Unreadable)),
        };
        if let Some(reason) = tree.selection().skip_by_name(path) {
            return Ok(PresentFile::Left(LeftOut::Skipped(reason)));
        }
        let candidates = tree.candidates_among(&BTreeSet::from([path.clone()]), &entries).files;
        if candidates.is_empty() {
            return Ok(match record {
                None => PresentFile::Left(LeftOut::Ignored),
                // It counts as HEAD has it: not checked out, or converted by a program of the user's.
                Some(record) => self.of_commit(Some(record)),
            });
        }
        let (id, bytes) = match tree.read(path) {
            Ok(Committable::Content { id, bytes, .. }) => (id, bytes),
            Ok(Committable::TooLarge(_)) => return Ok(PresentFile::Left(LeftOut::Skipped(SkipReason::Huge))),
            Ok(Committable::NoFile) => return Ok(PresentFile::Gone { is_recorded: record.is_some() }),
            Err(_) => return Ok(PresentFile::Left(LeftOut::Unreadable)),
        };
        Ok(match tree.selection().text(path, bytes) {
            Ok(text) if record.is_some_and(|record| record.blob == id) => PresentFile::AsRecorded(text),
            Ok(text) => PresentFile::Changed(text),
            Err(reason) => PresentFile::Left(LeftOut::Skipped(reason)),
        })
    }

    /// A file as the recorded commit has it.
    fn of_commit(&mut self, record: Option<&FileRecord>) -> PresentFile {
        let Some(record) = record else { return PresentFile::Gone { is_recorded: false } };
        if let Some(reason) = record.skip {
            return PresentFile::Left(LeftOut::Skipped(reason));
        }
        if self.git.is_none() {
            self.git = Repo::open(&self.repo.location).ok();
        }
        match self.git.as_ref().map(|git| git.blob(&record.blob, MAX_FILE_BYTES)) {
            Some(Ok(Blob::Content(bytes))) => {
                decode(&record.path, bytes).map_or(PresentFile::Left(LeftOut::Unreadable), PresentFile::AsRecorded)
            }
            _ => PresentFile::Left(LeftOut::Unreadable),
        }
    }

    fn tree(&mut self) -> &mut Result<Option<WorkTree>, RepoError> {
        let (repo, selection) = (self.repo, &self.selection);
        self.tree.get_or_insert_with(|| WorkTree::open(&repo.location, &UserConfig::read(), selection))
    }
}
