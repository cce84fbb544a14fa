//! What differs between the recorded view and the tree at HEAD, and what the files that differ say now.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::AtomicUsize;

use rusqlite::Connection;

use super::Unreconciled;
use crate::cache::recorded::StoredView;
use crate::cache::{self, view};
use crate::domain::{Change, EntryMode, FilePath, FileRecord, ObjectId};
use crate::index::read::{FileRead, KEPT_BYTES, Reading};
use crate::queue::{self, SuspectUnit};
use crate::repo::registry::Registered;
use crate::repo::tree::Recorded;
use crate::repo::{FileChange, FileSelection, Head, OwnModules, Repo, RepoError, TreeDiff, TreeEntry, in_parallel};
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
        selection: &FileSelection,
        reread: bool,
    ) -> Result<Comparison, Unreconciled> {
        let store = self.store(repo)?;
        let recorded = StoredView::<Unreconciled>::new(store.db());
        let mut diff = git.diff(&recorded, head.tree.as_ref())?;
        add_readable_again(store.db(), git, &mut diff)?;
        for (path, reason) in &diff.unreadable {
            tracing::warn!(repo = %repo.id, %path, reason, "a directory cannot be read; what is recorded of it stays");
        }
        let own = judge_again(&recorded, &mut diff, reread)?;
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
        // What was recorded and is read again has its analyses, as a rule.
        let drafts = !reread || before.is_empty();
        let reads = self.read(git, &selection.with_own(own), wanted, drafts)?;
        Ok(Comparison { head, diff, before, reads })
    }

    /// Reads entries in parallel; those that may have crashed an earlier worker first, and one at a time. `drafts`: most of what is
    /// read is new, so its analyses are made at once.
    fn read(
        &mut self,
        git: &Repo,
        selection: &FileSelection,
        entries: Vec<TreeEntry>,
        drafts: bool,
    ) -> Result<Vec<FileRead>, Unreconciled> {
        let (quarantined, suspects) = self.suspect_blobs()?;
        let (alone, together): (Vec<TreeEntry>, Vec<TreeEntry>) =
            entries.into_iter().partition(|entry| suspects.contains(&entry.id));
        let mut reads = Vec::with_capacity(alone.len() + together.len());
        for entry in alone {
            let kept = AtomicUsize::new(0);
            let reading =
                Reading { trace: Some(&self.slots), selection, quarantined: &quarantined, kept, drafts: false };
            reads.push(reading.read(git, &entry)?);
            self.clear_suspect(&SuspectUnit::Blob(entry.id))?;
        }
        let kept = AtomicUsize::new(KEPT_BYTES);
        let reading = Reading { trace: Some(&self.slots), selection, quarantined: &quarantined, kept, drafts };
        let read: Result<Vec<FileRead>, RepoError> =
            in_parallel(Some(&self.pool), git, &together, |git, entry| reading.read(git, entry));
        reads.extend(read?);
        for read in &mut reads {
            self.drafts.keep(&read.record, read.parse.draft.take());
        }
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

/// Judges which directories with a name of others' code are the project's own. Where that is not as it was recorded, all files below
/// count as changed, for they are read in another way.
fn judge_again(
    recorded: &StoredView<'_, Unreconciled>,
    diff: &mut TreeDiff,
    reread: bool,
) -> Result<OwnModules, Unreconciled> {
    let is_evidence = |path: &FilePath| OwnModules::is_evidence(path.as_bytes());
    if !reread && !diff.changes.iter().flat_map(|change| change.change.paths()).any(is_evidence) {
        return Ok(OwnModules::default());
    }
    let files = recorded.files_below(b"")?;
    let before = OwnModules::among(files.iter().map(|entry| entry.path.as_bytes()));
    let mut after: BTreeMap<&FilePath, &TreeEntry> = files.iter().map(|entry| (&entry.path, entry)).collect();
    for path in gone(diff) {
        after.remove(path);
    }
    let new = diff.changes.iter().filter_map(|change| change.new.as_ref());
    after.extend(new.map(|entry| (&entry.path, entry)));
    let own = OwnModules::among(after.keys().map(|path| path.as_bytes()));
    let changed: HashSet<&FilePath> = diff.changes.iter().flat_map(|change| change.change.paths()).collect();
    let mut again = Vec::new();
    for dir in own.differing(&before) {
        let is_below = |path: &FilePath| path.as_bytes().strip_prefix(dir).is_some_and(|rest| rest.starts_with(b"/"));
        let entries = after.iter().filter(|(path, _)| is_below(path) && !changed.contains(**path));
        again.extend(entries.map(|(_, entry)| (*entry).clone()));
    }
    diff.changes.extend(again.into_iter().map(|entry| FileChange {
        change: Change::Modification { path: entry.path.clone() },
        old: Some(entry.id.clone()),
        new: Some(entry),
    }));
    diff.changes.sort_by(|a, b| a.change.path().cmp(b.change.path()));
    diff.changes.dedup_by(|a, b| a.change.path() == b.change.path());
    Ok(own)
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
