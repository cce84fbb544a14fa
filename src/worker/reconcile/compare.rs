//! What differs between the recorded view and the tree at HEAD, and what the files that differ say now.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::AtomicUsize;

use globset::GlobSet;
use rusqlite::Connection;

use super::Unreconciled;
use crate::cache::recorded::StoredView;
use crate::cache::{self, view};
use crate::domain::{Change, EntryMode, FilePath, FileRecord, ObjectId};
use crate::index::read::{FileRead, Reading, SEGMENTED_BYTES};
use crate::queue::{self, SuspectUnit};
use crate::repo::registry::Registered;
use crate::repo::{FileChange, Head, Repo, RepoError, TreeDiff, TreeEntry, in_parallel};
use crate::worker::Worker;

/// Files that could not be read and are tried again, at each comparison: a partial clone may lack all of its files.
const UNREAD_TRIED: usize = 10_000;

/// What a comparison found, and what was read for it.
pub(super) struct Comparison {
    pub head: Head,
    pub diff: TreeDiff,
    /// What was recorded of the files that changed, those that are gone included.
    pub before: BTreeMap<FilePath, FileRecord>,
    pub reads: Vec<FileRead>,
}

impl Comparison {
    pub fn changes(&self) -> Vec<Change> {
        self.diff.changes.iter().map(|change| change.change.clone()).collect()
    }
}

impl Worker {
    /// Finds out what differs and reads it (`reread`: reads everything).
    pub(super) fn compare(
        &mut self,
        repo: &Registered,
        git: &Repo,
        head: Head,
        deny: &GlobSet,
        reread: bool,
    ) -> Result<Comparison, Unreconciled> {
        let store = self.store(repo)?;
        let mut diff = git.diff(&StoredView::<Unreconciled>::new(store.db()), head.tree.as_ref())?;
        add_readable_again(store.db(), git, &mut diff)?;
        for (path, reason) in &diff.unreadable {
            tracing::warn!(repo = %repo.id, %path, reason, "a directory cannot be read; what is recorded of it stays");
        }
        for rejected in &diff.rejected {
            tracing::warn!(repo = %repo.id, path = %rejected.path, reason = rejected.reason, "left out of the view");
        }
        let mut before = BTreeMap::new();
        if reread {
            before.extend(view::files(store.db())?.into_iter().map(|file| (file.path.clone(), file)));
        } else {
            for path in diff.changes.iter().flat_map(|change| change.change.paths()) {
                before.extend(view::file(store.db(), path)?.map(|file| (path.clone(), file)));
            }
        }
        let wanted = wanted(&before, &diff, reread);
        let reads = self.read(git, deny, wanted)?;
        Ok(Comparison { head, diff, before, reads })
    }

    /// Reads entries in parallel; those that may have crashed an earlier worker first, and one at a time.
    fn read(&mut self, git: &Repo, deny: &GlobSet, entries: Vec<TreeEntry>) -> Result<Vec<FileRead>, Unreconciled> {
        let (quarantined, suspects) = self.suspect_blobs()?;
        let (alone, together): (Vec<TreeEntry>, Vec<TreeEntry>) =
            entries.into_iter().partition(|entry| suspects.contains(&entry.id));
        let mut reads = Vec::with_capacity(alone.len() + together.len());
        for entry in alone {
            let segmented = AtomicUsize::new(0);
            let reading = Reading { trace: Some(&self.slots), deny, quarantined: &quarantined, segmented };
            reads.push(reading.read(git, &entry)?);
            self.clear_suspect(&SuspectUnit::Blob(entry.id))?;
        }
        let segmented = AtomicUsize::new(SEGMENTED_BYTES);
        let reading = Reading { trace: Some(&self.slots), deny, quarantined: &quarantined, segmented };
        let read: Result<Vec<FileRead>, RepoError> =
            in_parallel(Some(&self.pool), git, &together, |git, entry| reading.read(git, entry));
        reads.extend(read?);
        Ok(reads)
    }

    /// The blobs that are quarantined, and those that are suspect.
    pub(super) fn suspect_blobs(&self) -> Result<(HashSet<ObjectId>, HashSet<ObjectId>), Unreconciled> {
        let (mut quarantined, mut suspects) = (HashSet::new(), HashSet::new());
        for subject in &self.suspects {
            if let SuspectUnit::Blob(id) = subject {
                let set = if queue::is_quarantined(&self.queue, subject)? { &mut quarantined } else { &mut suspects };
                set.insert(id.clone());
            }
        }
        Ok((quarantined, suspects))
    }
}

/// Adds to the changes the files whose objects could not be read before and can be now.
fn add_readable_again(db: &Connection, git: &Repo, diff: &mut TreeDiff) -> Result<(), Unreconciled> {
    if cache::counter(db, cache::UNREAD)? == 0 {
        return Ok(());
    }
    let changed: HashSet<FilePath> = diff.changes.iter().flat_map(|change| change.change.paths().cloned()).collect();
    let before = diff.changes.len();
    for file in view::unread(db, UNREAD_TRIED)? {
        let entry = TreeEntry { path: file.path, id: file.blob, mode: file.mode };
        // A directory is compared again as long as it is an entry.
        if entry.mode != EntryMode::Directory && !changed.contains(&entry.path) && git.why_unreadable(&entry).is_none()
        {
            let change = Change::Modification { path: entry.path.clone() };
            diff.changes.push(FileChange { change, old: Some(entry.id.clone()), new: Some(entry) });
        }
    }
    if diff.changes.len() > before {
        diff.changes.sort_by(|a, b| a.change.path().cmp(b.change.path()));
    }
    Ok(())
}

/// What is to be read, in the order of the paths.
fn wanted(before: &BTreeMap<FilePath, FileRecord>, diff: &TreeDiff, reread: bool) -> Vec<TreeEntry> {
    let mut wanted: BTreeMap<FilePath, TreeEntry> = BTreeMap::new();
    if reread {
        let entry = |file: &FileRecord| TreeEntry { path: file.path.clone(), id: file.blob.clone(), mode: file.mode };
        wanted.extend(before.values().map(|file| (file.path.clone(), entry(file))));
        gone(diff).for_each(|path| drop(wanted.remove(path)));
    }
    let changed = diff.changes.iter().filter_map(|change| change.new.clone());
    wanted.extend(changed.map(|entry| (entry.path.clone(), entry)));
    wanted.into_values().collect()
}

/// Paths of the recorded view that are no more.
pub(super) fn gone(diff: &TreeDiff) -> impl Iterator<Item = &FilePath> {
    diff.changes.iter().filter_map(|change| match &change.change {
        Change::Deletion { path } | Change::Rename { from: path, .. } => Some(path),
        Change::Addition { .. } | Change::Modification { .. } => None,
    })
}
