//! Recorded view -> tree: what happened to each file. Directories whose tree id is recorded are passed over unread.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{Change, EntryMode, FilePath, ObjectId};
use crate::repo::classify::MAX_FILE_BYTES;
use crate::repo::open::{Blob, Repo, RepoError};
use crate::repo::rename::{self, RenameCandidate};
use crate::repo::tree::{Children, Recorded, Rejected, TreeEntry, TreeNode, check_name, join};

/// Directories inside each other that are followed. Deeper ones are rejected; real trees stay below 40.
const MAX_DEPTH: usize = 200;

/// Entries, of files and directories, that are read of one tree. It bounds trees that name themselves over and over, which a few kilobytes can do to 10^10
/// files; the largest public repositories have some 500,000.
const MAX_ENTRIES: usize = 1_000_000;

/// One file's change, with what is needed to act on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    pub change: Change,
    /// What the file is now; `None` if it was deleted.
    pub new: Option<TreeEntry>,
    /// Its recorded blob; `None` if it was added.
    pub old: Option<ObjectId>,
}

/// All that differs between a recorded view and a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeDiff {
    /// In the order of their paths.
    pub changes: Vec<FileChange>,
    /// Tree ids of the directories that were read, to be recorded with the changes (`""` is the top).
    pub dirs: Vec<(Vec<u8>, ObjectId)>,
    /// Directories that are no more.
    pub dirs_gone: Vec<Vec<u8>>,
    /// Entries left out for their names or their depth. They are met again only when their directory changes.
    pub rejected: Vec<Rejected>,
    /// Directories whose trees cannot be read, each with the reason. What is recorded below one stays; it is among the files, as
    /// an entry of its own kind, and it is tried again by the next comparison.
    pub unreadable: Vec<(FilePath, String)>,
}

impl TreeDiff {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.dirs.is_empty() && self.dirs_gone.is_empty()
    }
}

impl Repo {
    /// Compares what was recorded with a tree (`None`: the empty one of an unborn HEAD). Only trees that differ are read, and blobs
    /// only to detect a rename. No commit is read, so it does not matter whether the recorded one still exists.
    ///
    /// A changed mode alone is a modification. A deleted and an added file are one rename if their blobs are equal, or similar by
    /// the measure of [`rename::pair`].
    ///
    /// A directory whose tree cannot be read costs what is below it: that stays as it is recorded, because nothing is ever taken for
    /// deleted because it cannot be read.
    ///
    /// # Errors
    /// If the tree itself cannot be read, there are too many files, or what was recorded cannot be read.
    pub fn diff<R: Recorded>(&self, recorded: &R, tree: Option<&ObjectId>) -> Result<TreeDiff, R::Error> {
        match tree {
            Some(tree) => Ok(self.finish(self.walk(recorded, tree, MAX_ENTRIES)?)),
            None => {
                let mut walk = DiffWalk::default();
                walk.forget_dir(recorded, b"")?;
                Ok(self.finish(walk))
            }
        }
    }

    fn walk<R: Recorded>(&self, recorded: &R, top: &ObjectId, limit: usize) -> Result<DiffWalk, R::Error> {
        let mut walk = DiffWalk::default();
        let mut open = vec![(Vec::new(), top.clone(), 0)];
        let mut entries = 0;
        while let Some((dir, id, depth)) = open.pop() {
            let before = recorded.dir(&dir)?;
            if before.as_ref() == Some(&id) {
                continue;
            }
            let nodes = match self.read_tree(&id) {
                Err(error) if !dir.is_empty() && error.is_of_one_object() => {
                    walk.pass_over(dir, id, error.to_string());
                    continue;
                }
                nodes => nodes?,
            };
            entries += nodes.len();
            if entries > limit {
                return Err(RepoError::TooManyFiles { tree: top.clone(), limit }.into());
            }
            // The tree that it was recorded from tells the same as the record, and faster.
            let before = before.and_then(|before| self.read_tree(&before).ok());
            let (nodes, children) = match before.and_then(|before| unlike(&before, &nodes, depth)) {
                Some(names) => {
                    let nodes = nodes.into_iter().filter(|node| names.contains(node.name())).collect();
                    let admitted = names.into_iter().filter(|name| check_name(name).is_ok()).collect();
                    (nodes, recorded.children_among(&dir, &admitted)?)
                }
                None => (nodes, recorded.children(&dir)?),
            };
            let dirs = walk.compare(recorded, &dir, nodes, children, depth)?;
            open.extend(dirs.into_iter().map(|(path, id)| (path, id, depth + 1)));
            walk.dirs.push((dir, id));
        }
        walk.forget_ids_above(recorded)?;
        Ok(walk)
    }

    fn finish(&self, walk: DiffWalk) -> TreeDiff {
        let DiffWalk { mut changes, added, deleted, mut dirs, dirs_gone, rejected, unreadable } = walk;
        let pairs = rename::pair(&deleted, &added, |id| match self.blob(id, MAX_FILE_BYTES) {
            Ok(Blob::Content(bytes)) => Some(bytes),
            Ok(Blob::TooLarge { .. }) | Err(_) => None,
        });
        let mut renamed_from: Vec<Option<usize>> = vec![None; added.len()];
        let mut is_left = vec![true; deleted.len()];
        for (from, to) in pairs {
            renamed_from[to] = Some(from);
            is_left[from] = false;
        }
        for (entry, from) in added.into_iter().zip(renamed_from) {
            let from = from.map(|from| &deleted[from]);
            let path = entry.path.clone();
            let change = match from {
                Some(from) => Change::Rename { from: from.path.clone(), path },
                None => Change::Addition { path },
            };
            changes.push(FileChange { change, new: Some(entry), old: from.map(|from| from.id.clone()) });
        }
        let left = deleted.into_iter().zip(is_left).filter(|(_, is_left)| *is_left);
        changes.extend(left.map(|(TreeEntry { path, id, .. }, _)| FileChange {
            change: Change::Deletion { path },
            new: None,
            old: Some(id),
        }));
        changes.sort_by(|a, b| a.change.path().cmp(b.change.path()));
        dirs.sort();
        TreeDiff { changes, dirs, dirs_gone, rejected, unreadable }
    }
}

impl RenameCandidate for TreeEntry {
    fn path(&self) -> &FilePath {
        &self.path
    }

    fn id(&self) -> &ObjectId {
        &self.id
    }

    fn mode(&self) -> EntryMode {
        self.mode
    }
}

/// A comparison under way.
#[derive(Default)]
struct DiffWalk {
    changes: Vec<FileChange>,
    added: Vec<TreeEntry>,
    deleted: Vec<TreeEntry>,
    dirs: Vec<(Vec<u8>, ObjectId)>,
    dirs_gone: Vec<Vec<u8>>,
    rejected: Vec<Rejected>,
    unreadable: Vec<(FilePath, String)>,
}

impl DiffWalk {
    /// Makes a directory that cannot be read an entry, in place of what is below it.
    fn pass_over(&mut self, dir: Vec<u8>, id: ObjectId, reason: String) {
        let entry = TreeEntry { path: FilePath::new(dir), id, mode: EntryMode::Directory };
        self.unreadable.push((entry.path.clone(), reason));
        // The directory above has no such file, so the entry of an earlier comparison was taken for deleted.
        match self.deleted.iter().position(|before| before.path == entry.path) {
            None => self.added.push(entry),
            Some(at) => {
                let before = self.deleted.swap_remove(at);
                if (&before.id, before.mode) != (&entry.id, entry.mode) {
                    self.changes.push(FileChange {
                        change: Change::Modification { path: entry.path.clone() },
                        old: Some(before.id),
                        new: Some(entry),
                    });
                }
            }
        }
    }

    /// The directories above one that cannot be read are not as their trees say, so their ids are not recorded: the next comparison
    /// reads them again.
    fn forget_ids_above<R: Recorded>(&mut self, recorded: &R) -> Result<(), R::Error> {
        let mut above: BTreeSet<Vec<u8>> = BTreeSet::new();
        for (path, _) in &self.unreadable {
            let path = path.as_bytes();
            let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
            above.extend(slashes.map(|at| path[..at].to_vec()));
            above.insert(Vec::new());
        }
        self.dirs.retain(|(dir, _)| !above.contains(dir));
        for dir in above {
            if recorded.dir(&dir)?.is_some() {
                self.dirs_gone.push(dir);
            }
        }
        Ok(())
    }

    /// Compares one directory and returns the directories in it, which are still to be compared.
    fn compare<R: Recorded>(
        &mut self,
        recorded: &R,
        dir: &[u8],
        nodes: Vec<TreeNode>,
        children: Children,
        depth: usize,
    ) -> Result<Vec<(Vec<u8>, ObjectId)>, R::Error> {
        let (mut names, mut files, mut dirs) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for node in nodes {
            let path = join(dir, node.name());
            if let Err(reason) = self.admit(&node, depth, &mut names) {
                self.rejected.push(Rejected { path: FilePath::new(path), reason });
                continue;
            }
            match node {
                TreeNode::File { id, mode, .. } => {
                    let path = FilePath::new(path);
                    files.insert(path.clone());
                    self.compare_file(&children, TreeEntry { path, id, mode });
                }
                TreeNode::Dir { id, .. } => dirs.push((path, id)),
            }
        }
        self.forget_missing(recorded, children, &files, &dirs)?;
        Ok(dirs)
    }

    fn admit(&self, node: &TreeNode, depth: usize, names: &mut BTreeSet<Vec<u8>>) -> Result<(), &'static str> {
        let name = node.name();
        check_name(name)?;
        if matches!(node, TreeNode::Dir { .. }) && depth >= MAX_DEPTH {
            return Err("too many directories inside each other");
        }
        if names.insert(name.to_vec()) { Ok(()) } else { Err("a name that its directory has twice") }
    }

    fn compare_file(&mut self, recorded: &Children, entry: TreeEntry) {
        match recorded.files.get(&entry.path) {
            None => self.added.push(entry),
            Some((id, mode)) if *id == entry.id && *mode == entry.mode => {}
            Some((id, _)) => self.changes.push(FileChange {
                change: Change::Modification { path: entry.path.clone() },
                old: Some(id.clone()),
                new: Some(entry),
            }),
        }
    }

    fn forget_missing<R: Recorded>(
        &mut self,
        recorded: &R,
        children: Children,
        files: &BTreeSet<FilePath>,
        dirs: &[(Vec<u8>, ObjectId)],
    ) -> Result<(), R::Error> {
        let gone = children.files.into_iter().filter(|(path, _)| !files.contains(path));
        self.deleted.extend(gone.map(|(path, (id, mode))| TreeEntry { path, id, mode }));
        let present: BTreeSet<&[u8]> = dirs.iter().map(|(path, _)| path.as_slice()).collect();
        for gone in children.dirs.iter().filter(|path| !present.contains(path.as_slice())) {
            self.forget_dir(recorded, gone)?;
        }
        Ok(())
    }

    fn forget_dir<R: Recorded>(&mut self, recorded: &R, dir: &[u8]) -> Result<(), R::Error> {
        self.deleted.extend(recorded.files_below(dir)?);
        self.dirs_gone.extend(recorded.dirs_at_and_below(dir)?);
        Ok(())
    }
}

/// The names that a directory has otherwise now than before, and those that are rejected whenever it is read; `None`: a tree has one
/// twice, so that it does not say what is recorded.
fn unlike(before: &[TreeNode], now: &[TreeNode], depth: usize) -> Option<BTreeSet<Vec<u8>>> {
    let (before, now) = (by_name(before)?, by_name(now)?);
    let is_rejected = |node: &TreeNode| {
        check_name(node.name()).is_err() || (depth >= MAX_DEPTH && matches!(node, TreeNode::Dir { .. }))
    };
    let other = now.iter().filter(|(name, node)| before.get(*name) != Some(*node) || is_rejected(node));
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    Some(other.map(|(name, _)| name).chain(gone).map(|name| name.to_vec()).collect())
}

/// `None`: two have one name.
fn by_name(nodes: &[TreeNode]) -> Option<HashMap<&[u8], &TreeNode>> {
    let found: HashMap<&[u8], &TreeNode> = nodes.iter().map(|node| (node.name(), node)).collect();
    (found.len() == nodes.len()).then_some(found)
}

#[cfg(test)]
mod tests;
