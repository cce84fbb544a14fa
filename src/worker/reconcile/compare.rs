//! What differs between the recorded view and the tree at HEAD, and what the files that differ say now.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::AtomicUsize;

use globset::GlobSet;

use super::Unreconciled;
use crate::cache::recorded::StoredView;
use crate::cache::view;
use crate::domain::{Change, FilePath, FileRecord, ObjectId};
use crate::index::read::{FileRead, KEPT_BYTES, Reading};
use crate::queue::{self, SuspectUnit};
use crate::repo::registry::Registered;
use crate::repo::{Head, Repo, RepoError, TreeDiff, TreeEntry, in_parallel};
use crate::worker::Worker;

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
        let diff = git.diff(&StoredView::<Unreconciled>::new(store.db()), head.tree.as_ref())?;
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
        let reads = self.read(git, deny, wanted, !reread)?;
        Ok(Comparison { head, diff, before, reads })
    }

    /// Reads entries in parallel; those that may have crashed an earlier worker first, and one at a time. `drafts`: most of what is
    /// read is new, so its analyses are made at once.
    fn read(
        &mut self,
        git: &Repo,
        deny: &GlobSet,
        entries: Vec<TreeEntry>,
        drafts: bool,
    ) -> Result<Vec<FileRead>, Unreconciled> {
        let (quarantined, suspects) = self.suspect_blobs()?;
        let (alone, together): (Vec<TreeEntry>, Vec<TreeEntry>) =
            entries.into_iter().partition(|entry| suspects.contains(&entry.id));
        let mut reads = Vec::with_capacity(alone.len() + together.len());
        for entry in alone {
            let kept = AtomicUsize::new(0);
            let reading = Reading { trace: Some(&self.slots), deny, quarantined: &quarantined, kept, drafts: false };
            reads.push(reading.read(git, &entry)?);
            self.clear_suspect(&SuspectUnit::Blob(entry.id))?;
        }
        let kept = AtomicUsize::new(KEPT_BYTES);
        let reading = Reading { trace: Some(&self.slots), deny, quarantined: &quarantined, kept, drafts };
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
