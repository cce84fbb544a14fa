//! What a Git tree says, and the view of it that was recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::domain::{EntryMode, FilePath, ObjectId};
use crate::repo::diff::TreeDiff;
use crate::repo::open::{Repo, RepoError, plain};

/// One file (or symbolic link, or submodule) of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    pub path: FilePath,
    /// The blob; of a submodule, the commit that it is at.
    pub id: ObjectId,
    pub mode: EntryMode,
}

/// A tree entry that is left out, with everything below it, because its name could mean another place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Raw path as the tree has it; for display only, after escaping.
    pub path: FilePath,
    pub reason: &'static str,
}

/// What was recorded of a repository: its files, and the tree id of each directory (`""` is the top). A directory whose tree id is
/// still the same is not read, so a recorded id promises that the recorded files below it are those of that tree. It is
/// asked only about the directories that are read, so it need not be in memory.
pub trait Recorded {
    type Error: From<RepoError>;

    /// Tree id of a directory; `None` if it is not recorded: the directory is then read again.
    ///
    /// # Errors
    /// If what was recorded cannot be read.
    fn dir(&self, dir: &[u8]) -> Result<Option<ObjectId>, Self::Error>;

    /// What is recorded directly in a directory.
    ///
    /// # Errors
    /// If what was recorded cannot be read.
    fn children(&self, dir: &[u8]) -> Result<Children, Self::Error>;

    /// The same, of these names alone.
    ///
    /// # Errors
    /// If what was recorded cannot be read.
    fn children_among(&self, dir: &[u8], names: &BTreeSet<Vec<u8>>) -> Result<Children, Self::Error>;

    /// All files at any depth below a directory.
    ///
    /// # Errors
    /// If what was recorded cannot be read.
    fn files_below(&self, dir: &[u8]) -> Result<Vec<TreeEntry>, Self::Error>;

    /// A directory, if it is recorded, and all recorded directories below it.
    ///
    /// # Errors
    /// If what was recorded cannot be read.
    fn dirs_at_and_below(&self, dir: &[u8]) -> Result<Vec<Vec<u8>>, Self::Error>;
}

/// What a directory held when it was recorded; full paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Children {
    pub files: BTreeMap<FilePath, (ObjectId, EntryMode)>,
    /// Known by their own record or by a file below them.
    pub dirs: BTreeSet<Vec<u8>>,
}

/// A recorded view in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedView {
    files: BTreeMap<FilePath, (ObjectId, EntryMode)>,
    dirs: BTreeMap<Vec<u8>, ObjectId>,
}

impl RecordedView {
    /// A view from what a store holds. Directories may be missing: they are then read again.
    pub fn new(
        files: impl IntoIterator<Item = TreeEntry>,
        dirs: impl IntoIterator<Item = (Vec<u8>, ObjectId)>,
    ) -> Self {
        let files = files.into_iter().map(|entry| (entry.path, (entry.id, entry.mode))).collect();
        Self { files, dirs: dirs.into_iter().collect() }
    }

    /// Files in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = TreeEntry> + '_ {
        self.files.iter().map(|(path, (id, mode))| TreeEntry { path: path.clone(), id: id.clone(), mode: *mode })
    }

    /// Tree id of each directory.
    pub fn dirs(&self) -> impl Iterator<Item = (&[u8], &ObjectId)> {
        self.dirs.iter().map(|(dir, id)| (dir.as_slice(), id))
    }

    /// Makes this the view that the diff led to.
    pub fn apply(&mut self, diff: &TreeDiff) {
        use crate::domain::Change;
        for change in &diff.changes {
            match &change.change {
                Change::Deletion { path } | Change::Rename { from: path, .. } => drop(self.files.remove(path)),
                Change::Addition { .. } | Change::Modification { .. } => {}
            }
        }
        for entry in diff.changes.iter().filter_map(|change| change.new.as_ref()) {
            self.files.insert(entry.path.clone(), (entry.id.clone(), entry.mode));
        }
        diff.dirs_gone.iter().for_each(|dir| drop(self.dirs.remove(dir)));
        self.dirs.extend(diff.dirs.iter().cloned());
    }

    fn range_of_dirs<'a>(&'a self, prefix: &'a [u8]) -> impl Iterator<Item = (&'a Vec<u8>, &'a ObjectId)> {
        self.dirs.range(prefix.to_vec()..).take_while(move |(path, _)| path.starts_with(prefix))
    }
}

impl Recorded for RecordedView {
    type Error = RepoError;

    fn dir(&self, dir: &[u8]) -> Result<Option<ObjectId>, RepoError> {
        Ok(self.dirs.get(dir).cloned())
    }

    fn children(&self, dir: &[u8]) -> Result<Children, RepoError> {
        let prefix = below(dir);
        let mut children = Children::default();
        let mut from = Bound::Included(FilePath::new(prefix.clone()));
        while let Some((path, entry)) = self.files.range((from, Bound::Unbounded)).next() {
            from = match child(&prefix, path.as_bytes()) {
                None => break,
                Some(Child::Direct) => {
                    children.files.insert(path.clone(), entry.clone());
                    Bound::Excluded(path.clone())
                }
                Some(Child::In(dir)) => {
                    children.dirs.insert(dir.to_vec());
                    Bound::Included(FilePath::new(after(dir)))
                }
            };
        }
        let is_direct = |path: &&Vec<u8>| matches!(child(&prefix, path), Some(Child::Direct));
        children.dirs.extend(self.range_of_dirs(&prefix).map(|(path, _)| path).filter(is_direct).cloned());
        Ok(children)
    }

    fn children_among(&self, dir: &[u8], names: &BTreeSet<Vec<u8>>) -> Result<Children, RepoError> {
        let paths: BTreeSet<Vec<u8>> = names.iter().map(|name| join(dir, name)).collect();
        let mut children = self.children(dir)?;
        children.files.retain(|path, _| paths.contains(path.as_bytes()));
        children.dirs.retain(|path| paths.contains(path));
        Ok(children)
    }

    fn files_below(&self, dir: &[u8]) -> Result<Vec<TreeEntry>, RepoError> {
        let prefix = below(dir);
        let from = Bound::Included(FilePath::new(prefix.clone()));
        let within = self.files.range((from, Bound::Unbounded));
        let within = within.take_while(|(path, _)| path.as_bytes().starts_with(&prefix));
        Ok(within.map(|(path, (id, mode))| TreeEntry { path: path.clone(), id: id.clone(), mode: *mode }).collect())
    }

    fn dirs_at_and_below(&self, dir: &[u8]) -> Result<Vec<Vec<u8>>, RepoError> {
        let own = self.dirs.contains_key(dir).then(|| dir.to_vec());
        let prefix = below(dir);
        let nested = self.range_of_dirs(&prefix).map(|(path, _)| path.clone()).filter(|path| path != dir);
        Ok(own.into_iter().chain(nested).collect())
    }
}

/// Where a path is with respect to a directory.
pub enum Child<'a> {
    /// Directly in it.
    Direct,
    /// Below this directory, which is directly in it.
    In(&'a [u8]),
}

/// Where a path is below the directory whose paths begin with `prefix` ([`below`]); `None`: it is not there.
pub fn child<'a>(prefix: &[u8], path: &'a [u8]) -> Option<Child<'a>> {
    let rest = path.strip_prefix(prefix).filter(|rest| !rest.is_empty())?;
    Some(match rest.iter().position(|&byte| byte == b'/') {
        None => Child::Direct,
        Some(slash) => Child::In(&path[..prefix.len() + slash]),
    })
}

/// What all paths below a directory begin with.
pub fn below(dir: &[u8]) -> Vec<u8> {
    if dir.is_empty() { Vec::new() } else { [dir, b"/"].concat() }
}

/// The least path that sorts after everything below a directory: `0` follows `/`.
pub fn after(dir: &[u8]) -> Vec<u8> {
    [dir, b"0"].concat()
}

/// Path of a name inside a directory.
pub fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = below(dir);
    path.extend_from_slice(name);
    path
}

/// Names that no honest tree has and that mean another place on some file system. Names that differ in case or in Unicode form
/// alone are two names here, whatever the file system holds them for: nothing is ever opened by them.
pub(super) fn check_name(name: &[u8]) -> Result<(), &'static str> {
    match name {
        b"" => Err("empty name"),
        b"." | b".." => Err("a name that means a directory above"),
        name if name.eq_ignore_ascii_case(b".git") => Err("the name of a git directory"),
        name if name.iter().any(|&byte| byte == b'/' || byte == 0) => Err("a name with a separator in it"),
        _ => Ok(()),
    }
}

/// One entry of a tree object.
#[derive(PartialEq, Eq)]
pub(super) enum TreeNode {
    File { name: Vec<u8>, id: ObjectId, mode: EntryMode },
    Dir { name: Vec<u8>, id: ObjectId },
}

impl TreeNode {
    pub(super) fn name(&self) -> &[u8] {
        let (Self::File { name, .. } | Self::Dir { name, .. }) = self;
        name
    }
}

impl Repo {
    /// Entries of one tree object, unchecked, in its order.
    pub(super) fn read_tree(&self, id: &ObjectId) -> Result<Vec<TreeNode>, RepoError> {
        let data = self.object_of(id, gix::objs::Kind::Tree, "tree")?;
        let entries = gix::objs::TreeRefIter::from_bytes(&data, self.inner.object_hash());
        let unreadable = |error| RepoError::Unreadable { id: id.clone(), reason: RepoError::chain(&error) };
        entries.map(|entry| entry.map(|entry| node(&entry)).map_err(unreadable)).collect()
    }
}

fn node(entry: &gix::objs::tree::EntryRef<'_>) -> TreeNode {
    use gix::objs::tree::EntryKind;
    let (name, id) = (entry.filename.to_vec(), plain(entry.oid));
    let file = |mode| TreeNode::File { name: name.clone(), id: id.clone(), mode };
    match entry.mode.kind() {
        EntryKind::Tree => TreeNode::Dir { name, id },
        EntryKind::Blob => file(EntryMode::File),
        EntryKind::BlobExecutable => file(EntryMode::Executable),
        EntryKind::Link => file(EntryMode::Symlink),
        EntryKind::Commit => file(EntryMode::Submodule),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(paths: &[&str], dirs: &[&str]) -> RecordedView {
        let entry =
            |path: &&str| TreeEntry { path: FilePath::from(*path), id: ObjectId(vec![1]), mode: EntryMode::File };
        RecordedView::new(paths.iter().map(entry), dirs.iter().map(|dir| (dir.as_bytes().to_vec(), ObjectId(vec![2]))))
    }

    fn names(children: &Children) -> (Vec<String>, Vec<String>) {
        let dirs = children.dirs.iter().map(|dir| String::from_utf8(dir.clone()).unwrap());
        (children.files.keys().map(ToString::to_string).collect(), dirs.collect())
    }

    #[test]
    fn children_are_direct_ones_and_prefixes_are_not_confused() {
        let view = view(
            &["a.rs", "a/x.rs", "a/b/y.rs", "a-b/z.rs", "a0/w.rs", "a/c.rs", "ab.rs"],
            &["", "a", "a/b", "a/empty", "a-b", "a0"],
        );
        assert_eq!(
            names(&view.children(b"").unwrap()),
            (vec!["a.rs".into(), "ab.rs".into()], vec!["a".into(), "a-b".into(), "a0".into()])
        );
        assert_eq!(
            names(&view.children(b"a").unwrap()),
            (vec!["a/c.rs".into(), "a/x.rs".into()], vec!["a/b".into(), "a/empty".into()])
        );
        let below: Vec<_> = view.files_below(b"a").unwrap().iter().map(|entry| entry.path.to_string()).collect();
        assert_eq!(below, ["a/b/y.rs", "a/c.rs", "a/x.rs"]);
        assert_eq!(view.dirs_at_and_below(b"a").unwrap(), [b"a".to_vec(), b"a/b".to_vec(), b"a/empty".to_vec()]);
        assert_eq!(view.dirs_at_and_below(b"").unwrap().len(), 6);
    }

    #[test]
    fn f45_names_that_mean_another_place_are_refused() {
        for name in [&b""[..], b".", b"..", b".git", b".GIT", b"a/b", b"/etc", b"a\0b"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in [&b"a"[..], b"...", b".gitignore", b".github", b"git", b"caf\xe9", b"a\nb", b"CON"] {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
    }
}
