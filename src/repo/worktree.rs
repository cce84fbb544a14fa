//! A work tree against what its repository has of it: which files may differ, which are neither tracked nor ignored, which
//! directories there are to be watched.
//!
//! The index is read as a memory of what the files were like; it is never written. What the disk holds is believed only as far as
//! [`Disk`] reads it, and nothing that the repository's configuration names is run.

mod conflicts;
mod converted;
mod passed_over;

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::path::PathBuf;

use gix::bstr::BStr;
use gix::filter::plumbing::pipeline::convert::ToGitOutcome;
use gix::filter::plumbing::{Pipeline, pipeline::CrlfRoundTripCheck};
use gix::index::entry::{Flags, Mode, Stage};
use gix::worktree::Stack;
use gix::worktree::stack::state::attributes;
use rustix::fs::FileType;

use crate::domain::{EntryMode, FilePath, ObjectId};
use crate::repo::disk::{Bytes, Disk, FileStat, OnDisk};
use crate::repo::ignored::{excludes, global_patterns};
use crate::repo::open::{RepoError, native, options_with, plain, refuse_special_files};
use crate::repo::settings::{PATTERNS_MAX, Settings};
use crate::repo::tree::{TreeEntry, join};
use crate::repo::user_config::UserConfig;
use crate::repo::{FileSelection, Location, LocationKind, MAX_FILE_BYTES, OwnModules, is_scratch};
use crate::tally::{self, Deed};

/// Untracked files that are scanned. Of a work tree with more, as one has whose build output is not ignored, none is.
pub const UNTRACKED_MAX: usize = 10_000;

/// Directories that a walk goes into.
const DIRECTORIES_MAX: usize = 100_000;

/// A file whose content may be another than the recorded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub path: FilePath,
    pub on_disk: OnDisk,
}

/// What may differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// In the order of their paths.
    pub files: Vec<Candidate>,
    /// There are more untracked files than are scanned; none of them is among the files.
    pub too_many_untracked: bool,
    /// A file of patterns that is too large to be read; no untracked file is among the files.
    pub unread_rules: Option<PathBuf>,
}

/// A file of the work tree as a commit would have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committable {
    /// It is no regular file (any more).
    NoFile,
    TooLarge(FileStat),
    /// Its bytes after the conversion of line ends, and the name that they have as an object.
    Content {
        stat: FileStat,
        id: ObjectId,
        bytes: Vec<u8>,
    },
}

/// A work tree that is open for reading.
pub struct WorkTree {
    repo: gix::Repository,
    index: gix::worktree::Index,
    disk: Disk,
    selection: FileSelection,
    excludes: Stack,
    attributes: Stack,
    filter: Pipeline,
    /// By directory: whether the files that say what is ignored, or how lines end, are files.
    rules: HashMap<Vec<u8>, bool>,
    /// A file of patterns that is too large to be read. What it ignores is not known, so nothing untracked is scanned.
    unread_rules: Option<PathBuf>,
}

impl WorkTree {
    /// Opens the work tree of a repository. `None`: it has none, or nothing was checked out into it. Before the first commit there
    /// is nothing to check out, and what lies there is new.
    ///
    /// # Errors
    /// If its index or its configuration cannot be read.
    pub fn open(location: &Location, user: &UserConfig, selection: &FileSelection) -> Result<Option<Self>, RepoError> {
        let failed = |reason: String| RepoError::WorkTree { path: location.path.clone(), reason };
        let broken = |error: gix::Error| failed(RepoError::chain(&error));
        if location.kind == LocationKind::Bare {
            return Ok(None);
        }
        refuse_special_files(&location.git_dir, &location.common_dir).map_err(failed)?;
        let settings = Settings::read(location, user);
        let mut overrides = settings.overrides();
        // Git does not check the index's own checksum either.
        overrides.push("index.skipHash=true".to_owned());
        let options = options_with(overrides).open_path_as_is(true);
        let mut repo = gix::ThreadSafeRepository::open_opts(&location.git_dir, options)
            .map_err(|error| failed(RepoError::chain(&error)))?
            .to_thread_local();
        let is_checked_out = location.git_dir.join("index").exists() || repo.head().is_ok_and(|head| head.is_unborn());
        if !is_checked_out {
            return Ok(None);
        }
        repo.set_workdir(location.path.clone()).map_err(broken)?;
        let index = repo.index_or_empty().map_err(broken)?;
        tally::add(Deed::IndexEntry, index.entries().len() as u64);
        let (patterns, unread_rules) = global_patterns(location, &settings);
        let excludes = excludes(&repo, location, &index, patterns);
        let source = attributes::Source::WorktreeThenIdMapping;
        let attributes = repo.attributes_only(&index, source).map_err(broken)?.detach();
        let filter = filter(&repo).map_err(broken)?;
        let disk = Disk::open(&location.path).map_err(|error| failed(error.to_string()))?;
        let own = OwnModules::among(index.entries().iter().map(|entry| -> &[u8] { entry.path(&index) }));
        let selection = selection.with_own(own);
        let rules = HashMap::new();
        Ok(Some(Self { repo, index, disk, selection, excludes, attributes, filter, rules, unread_rules }))
    }

    /// The files that may differ from a view, which comes in the order of its paths: tracked ones whose attributes are not those that
    /// the index remembers for the same content, and those that are neither in the view nor ignored.
    pub fn candidates(&mut self, view: &[TreeEntry]) -> Candidates {
        let mut files = self.differing(view);
        let mut untracked = Vec::new();
        let walked = self.walk(
            |_| ControlFlow::Continue(()),
            |path| {
                if untracked.len() == UNTRACKED_MAX {
                    return ControlFlow::Break(());
                }
                untracked.push(path);
                ControlFlow::Continue(())
            },
        );
        let in_view = |path: &FilePath| view.binary_search_by(|entry| entry.path.cmp(path)).is_ok();
        if walked.is_continue() {
            untracked.retain(|path| !in_view(path));
            let found = untracked.into_iter().filter_map(|path| self.candidate(path));
            files.extend(found);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Candidates { files, too_many_untracked: walked.is_break(), unread_rules: self.unread_rules.clone() }
    }

    /// The same among some files alone, `view` being what HEAD has of those.
    pub fn candidates_among(&mut self, paths: &BTreeSet<FilePath>, view: &[TreeEntry]) -> Candidates {
        let index = self.index.clone();
        let mut files = Vec::new();
        for path in paths {
            let recorded = view.binary_search_by(|entry| entry.path.cmp(path)).ok().map(|at| &view[at]);
            let found = match conflicts::entry_of(&index, path) {
                Some(entry) if self.is_compared(entry, path) && recorded.is_none_or(is_regular) => {
                    self.tracked(entry, path.clone(), recorded)
                }
                Some(_) => None,
                None => match recorded {
                    Some(recorded) => self.not_in_index(recorded, &index),
                    None if self.is_of_another(path) => None,
                    None => self.is_untracked(path).then(|| self.candidate(path.clone())).flatten(),
                },
            };
            files.extend(found);
        }
        Candidates { files, too_many_untracked: false, unread_rules: None }
    }

    fn candidate(&self, path: FilePath) -> Option<Candidate> {
        // A file that cannot be read counts as unchanged.
        let on_disk = self.disk.stat(&path).ok()?;
        Some(Candidate { path, on_disk })
    }

    /// View and index side by side.
    fn differing(&mut self, view: &[TreeEntry]) -> Vec<Candidate> {
        let index = self.index.clone();
        let mut found: Vec<Candidate> = Vec::new();
        let mut of_view = view.iter().peekable();
        for entry in index.entries() {
            let path = FilePath::new(entry.path(&index).to_vec());
            while let Some(missing) = of_view.next_if(|recorded| recorded.path < path) {
                found.extend(self.not_in_index(missing, &index));
            }
            let recorded = of_view.next_if(|recorded| recorded.path == path);
            if self.is_compared(entry, &path) && recorded.is_none_or(is_regular) {
                found.extend(self.tracked(entry, path, recorded));
            }
        }
        of_view.for_each(|missing| found.extend(self.not_in_index(missing, &index)));
        // The index has a file in conflict once for each side.
        found.dedup_by(|one, other| one.path == other.path);
        found
    }

    fn is_compared(&self, entry: &gix::index::Entry, path: &FilePath) -> bool {
        // Not checked out by a sparse checkout, or marked as assumed unchanged.
        let unseen = Flags::SKIP_WORKTREE | Flags::ASSUME_VALID;
        !entry.flags.intersects(unseen)
            && (entry.mode == Mode::FILE || entry.mode == Mode::FILE_EXECUTABLE)
            && !self.is_passed_over(path)
    }

    fn tracked(
        &mut self,
        entry: &gix::index::Entry,
        path: FilePath,
        recorded: Option<&TreeEntry>,
    ) -> Option<Candidate> {
        let candidate = self.candidate(path)?;
        // Of a file in conflict the index remembers no attributes.
        let is_settled = entry.stage() == Stage::Unconflicted;
        let is_recorded = is_settled && recorded.is_some_and(|recorded| recorded.id.0 == entry.id.as_bytes());
        let unchanged = match candidate.on_disk {
            OnDisk::File(stat) if is_recorded => {
                self.is_as_remembered(entry, &stat, &candidate.path) || self.is_in_unknown_encoding(&candidate.path)
            }
            _ => false,
        };
        (!unchanged).then_some(candidate)
    }

    /// A file of the view that is not in the index: its removal is staged, or the index keeps it within a directory.
    fn not_in_index(&self, recorded: &TreeEntry, index: &gix::index::State) -> Option<Candidate> {
        let path = &recorded.path;
        // Files of a directory may be left out as a whole.
        if index.is_sparse() || !is_regular(recorded) || self.is_passed_over(path) {
            return None;
        }
        self.candidate(path.clone())
    }

    /// Whether the index remembers the file with these attributes. A file that was written in the moment in which the index was may
    /// have changed since; one that a program of the user's converts is believed to be what it was, for it cannot be compared.
    fn is_as_remembered(&mut self, entry: &gix::index::Entry, stat: &FileStat, path: &FilePath) -> bool {
        let options = self.repo.stat_options().unwrap_or_default();
        let now = remembered(stat);
        let same = now.matches(&entry.stat, options) && (!entry.id.is_empty_blob() || entry.stat.size == 0);
        same && (!now.is_racy(self.index.timestamp(), options) || self.is_beyond_comparison(path))
    }

    /// Reads a file as a commit would have it.
    ///
    /// # Errors
    /// If it may not be read, or the device fails.
    pub fn read(&mut self, path: &FilePath) -> std::io::Result<Committable> {
        let (stat, bytes) = match self.disk.read(path, MAX_FILE_BYTES)? {
            Bytes::NoFile => return Ok(Committable::NoFile),
            Bytes::TooLarge(stat) => return Ok(Committable::TooLarge(stat)),
            Bytes::Content(stat, bytes) => (stat, bytes),
        };
        let bytes = self.convert(path, bytes);
        let id = gix::objs::compute_hash(self.repo.object_hash(), gix::objs::Kind::Blob, &bytes)
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Committable::Content { stat, id: plain(&id), bytes })
    }

    /// Line ends, encoding and `$Id$` as a commit would have them. What cannot be converted stays as it is.
    fn convert(&mut self, path: &FilePath, bytes: Vec<u8>) -> Vec<u8> {
        if !self.rules_are_files(path.parent()) {
            return bytes;
        }
        let [label] = self.named(path, ["working-tree-encoding"]);
        if let Some(label) = label {
            return self.decoded(path, bytes, &label);
        }
        let Self { repo, index, attributes, filter, .. } = self;
        let relative = BStr::new(path.as_bytes());
        let mut matching = |_: &BStr, found: &mut gix::attrs::search::Outcome| {
            if let Ok(platform) = attributes.at_entry(relative, Some(Mode::FILE), &repo.objects) {
                platform.matching_attributes(found);
            }
        };
        let mut committed = |buffer: &mut Vec<u8>| -> Result<Option<()>, gix::Error> {
            let Some(entry) = index.entry_by_path(relative) else { return Ok(None) };
            let blob = repo.try_find_object(entry.id)?;
            Ok(blob.map(|blob| {
                buffer.clear();
                buffer.extend_from_slice(&blob.data);
            }))
        };
        let Ok(path) = gix::path::from_bstr(relative) else { return bytes };
        match filter.convert_to_git(&bytes[..], &path, &mut matching, &mut committed) {
            Ok(ToGitOutcome::Buffer(converted)) => converted.to_vec(),
            Ok(ToGitOutcome::Unchanged(_) | ToGitOutcome::Process(_)) | Err(_) => bytes,
        }
    }

    /// The directories whose files can become part of the view, relative to the top (`""`), in the order of a walk; those that are
    /// ignored, or hold a repository of their own, are not among them. `None`: there are too many.
    pub fn directories(&mut self) -> Option<Vec<Vec<u8>>> {
        let mut found = Vec::new();
        let walked = self.walk(
            |dir| {
                found.push(dir.to_vec());
                ControlFlow::Continue(())
            },
            |_| ControlFlow::Continue(()),
        );
        walked.is_continue().then_some(found)
    }

    /// Whether something that happened at a path can have to do with the view: it is tracked, or not ignored.
    pub fn concerns(&mut self, path: &FilePath) -> bool {
        if self.is_passed_over(path) {
            return false;
        }
        let tracked = BStr::new(path.as_bytes());
        if conflicts::entry_of(&self.index, path).is_some() || self.index.path_is_directory(tracked) {
            return true;
        }
        let is_directory = matches!(self.disk.stat(path), Ok(OnDisk::Directory));
        !is_scratch(path) && !self.is_of_another(path) && !self.is_ignored(path, is_directory)
    }

    /// Whether a path belongs to Git, or to a repository of its own somewhere in this work tree. A walk enters neither.
    fn is_of_another(&self, path: &FilePath) -> bool {
        let path = path.as_bytes();
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at).chain([path.len()]);
        path.split(|&byte| byte == b'/').any(|name| name == b".git")
            || ends.into_iter().any(|end| self.is_repository(&path[..end]))
    }

    fn is_repository(&self, dir: &[u8]) -> bool {
        !matches!(self.disk.stat(&FilePath::new(join(dir, b".git"))), Ok(OnDisk::Absent))
    }

    /// A number that is another one when a file may have been saved, removed or added since: for where no notification comes.
    pub fn fingerprint(&mut self) -> u64 {
        let index = self.index.clone();
        let entries = index.entries().iter().filter(|entry| entry.stage() == Stage::Unconflicted);
        let as_indexed = entries.map(|entry| TreeEntry {
            path: FilePath::new(entry.path(&index).to_vec()),
            id: plain(&entry.id),
            mode: if entry.mode == Mode::SYMLINK { EntryMode::Symlink } else { EntryMode::File },
        });
        let as_indexed: Vec<TreeEntry> = as_indexed.collect();
        let mut hasher = DefaultHasher::new();
        for Candidate { path, on_disk } in self.candidates(&as_indexed).files {
            path.as_bytes().hash(&mut hasher);
            if let OnDisk::File(stat) = on_disk {
                stat.hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// Goes through all directories that are not ignored, in order, and returns the files in them that are not tracked.
    fn walk(
        &mut self,
        mut on_directory: impl FnMut(&[u8]) -> ControlFlow<()>,
        mut on_untracked: impl FnMut(FilePath) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut ahead = vec![Vec::new()];
        let mut entered = 0;
        while let Some(dir) = ahead.pop() {
            let Some(names) = self.disk.list(&dir).filter(|_| self.rules_are_files(&dir)) else { continue };
            entered += 1;
            if entered > DIRECTORIES_MAX {
                return ControlFlow::Break(());
            }
            on_directory(&dir)?;
            let mut below = Vec::new();
            for (name, kind) in names {
                let path = FilePath::new(join(&dir, &name));
                match kind {
                    // Of a linked work tree it is a file.
                    _ if name == b".git" => {}
                    FileType::Directory if self.is_entered(&path) => below.push(path.as_bytes().to_vec()),
                    FileType::RegularFile if self.is_untracked(&path) => on_untracked(path)?,
                    _ => {}
                }
            }
            ahead.extend(below.into_iter().rev());
        }
        ControlFlow::Continue(())
    }

    fn is_entered(&mut self, dir: &FilePath) -> bool {
        !self.selection.passes_over(dir)
            && (self.index.path_is_directory(BStr::new(dir.as_bytes())) || !self.is_ignored(dir, true))
            && !self.is_repository(dir.as_bytes())
    }

    fn is_untracked(&mut self, path: &FilePath) -> bool {
        conflicts::entry_of(&self.index, path).is_none()
            && !is_scratch(path)
            && !self.is_passed_over(path)
            && !self.is_ignored(path, false)
    }

    /// What of its files is read, by what the index says of its directories.
    pub fn selection(&self) -> &FileSelection {
        &self.selection
    }

    /// By its name alone: credentials, others' code, what tools write.
    fn is_passed_over(&self, path: &FilePath) -> bool {
        self.selection.skip_by_name(path).is_some()
    }

    fn is_ignored(&mut self, path: &FilePath, is_directory: bool) -> bool {
        if self.unread_rules.is_some() || !self.rules_are_files(path.parent()) {
            return true;
        }
        let mode = if is_directory { Mode::DIR } else { Mode::FILE };
        let platform = self.excludes.at_entry(BStr::new(path.as_bytes()), Some(mode), &self.repo.objects);
        platform.is_ok_and(|platform| platform.is_excluded())
    }

    /// Whether, in a directory and those above it, what says how to treat files is itself a file: a pipe of such a name would be
    /// waited for.
    fn rules_are_files(&mut self, dir: &[u8]) -> bool {
        if let Some(&known) = self.rules.get(dir) {
            return known;
        }
        let is_file = |name: &[u8]| {
            let found = self.disk.stat(&FilePath::new(join(dir, name)));
            match found {
                Ok(OnDisk::File(stat)) => stat.bytes <= PATTERNS_MAX,
                Ok(OnDisk::Absent | OnDisk::Symlink) => true,
                Ok(OnDisk::Directory | OnDisk::Special) | Err(_) => false,
            }
        };
        let own = is_file(b".gitignore") && is_file(b".gitattributes");
        let all = own && (dir.is_empty() || self.rules_are_files(FilePath::new(dir).parent()));
        self.rules.insert(dir.to_vec(), all);
        all
    }
}

/// The files that are not on the disk as HEAD has them, byte for byte. Those that a conversion would make equal, and those that are
/// not there on purpose, are among them; the index distinguishes them.
pub fn unlike_head(location: &Location, head: &[TreeEntry], paths: &BTreeSet<FilePath>) -> BTreeSet<FilePath> {
    let Ok(disk) = Disk::open(&location.path) else { return paths.clone() };
    let is_like = |path: &&FilePath| {
        let Ok(at) = head.binary_search_by(|entry| entry.path.cmp(path)) else { return false };
        let (Ok(id), Ok(Bytes::Content(_, bytes))) = (native(&head[at].id), disk.read(path, MAX_FILE_BYTES)) else {
            return false;
        };
        gix::objs::compute_hash(id.kind(), gix::objs::Kind::Blob, &bytes).is_ok_and(|found| found == id)
    };
    paths.iter().filter(|path| !is_like(path)).cloned().collect()
}

/// Whether none of these paths is a directory on the disk.
pub fn are_no_directories(location: &Location, paths: &BTreeSet<FilePath>) -> bool {
    let Ok(disk) = Disk::open(&location.path) else { return false };
    !paths.iter().any(|path| matches!(disk.stat(path), Ok(OnDisk::Directory)))
}

fn is_regular(entry: &TreeEntry) -> bool {
    matches!(entry.mode, EntryMode::File | EntryMode::Executable)
}

/// The built-in conversions. No program that a configuration names is among them.
fn filter(repo: &gix::Repository) -> Result<Pipeline, gix::Error> {
    let mut options = gix::filter::Pipeline::options(repo)?;
    options.drivers.clear();
    options.crlf_roundtrip_check = CrlfRoundTripCheck::Skip;
    Ok(Pipeline::new(repo.command_context()?, repo.object_hash(), options))
}

/// Attributes in the form of the index, which cuts numbers to 32 bits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as Git cuts them")]
fn remembered(stat: &FileStat) -> gix::index::entry::Stat {
    let time = |nanos: i64| gix::index::entry::stat::Time {
        secs: nanos.div_euclid(1_000_000_000) as u32,
        nsecs: nanos.rem_euclid(1_000_000_000) as u32,
    };
    gix::index::entry::Stat {
        mtime: time(stat.modified_ns),
        ctime: time(stat.changed_ns),
        dev: stat.device as u32,
        ino: stat.inode as u32,
        uid: stat.user,
        gid: stat.group,
        size: stat.bytes as u32,
    }
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
