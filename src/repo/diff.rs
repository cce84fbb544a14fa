//! Recorded view -> tree: what happened to each file. Directories whose tree id is recorded are passed over unread.

use std::collections::BTreeSet;

use crate::domain::{Change, EntryMode, FilePath, ObjectId};
use crate::repo::classify::MAX_FILE_BYTES;
use crate::repo::open::{Blob, Repo, RepoError};
use crate::repo::rename::{self, Candidate};
use crate::repo::tree::{Entry, Node, RecordedView, Rejected, check_name, join};

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
    pub new: Option<Entry>,
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
}

impl TreeDiff {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.dirs.is_empty() && self.dirs_gone.is_empty()
    }
}

impl Repo {
    /// Compares what was recorded with a tree (`None`: the empty one of an unborn HEAD). Only trees that differ are read, and blobs
    /// only to tell a rename. No commit is looked at, so it does not matter whether the recorded one still exists.
    ///
    /// A changed mode alone is a modification. A deleted and an added file are one rename if their blobs are equal, or similar by
    /// the measure of [`rename::pair`].
    ///
    /// # Errors
    /// If a tree is missing or damaged, or there are too many files; nothing is ever taken for deleted because it cannot be read.
    pub fn diff(&self, recorded: &RecordedView, tree: Option<&ObjectId>) -> Result<TreeDiff, RepoError> {
        match tree {
            Some(tree) => Ok(self.finish(self.walk(recorded, tree, MAX_ENTRIES)?)),
            None => {
                let mut walk = Walk::default();
                walk.forget_dir(recorded, b"");
                Ok(self.finish(walk))
            }
        }
    }

    fn walk(&self, recorded: &RecordedView, top: &ObjectId, limit: usize) -> Result<Walk, RepoError> {
        let mut walk = Walk::default();
        let mut open = vec![(Vec::new(), top.clone(), 0)];
        let mut entries = 0;
        while let Some((dir, id, depth)) = open.pop() {
            if recorded.dir(&dir) == Some(&id) {
                continue;
            }
            let nodes = self.read_tree(&id)?;
            entries += nodes.len();
            if entries > limit {
                return Err(RepoError::TooManyFiles { tree: top.clone(), limit });
            }
            let dirs = walk.compare(recorded, &dir, nodes, depth);
            open.extend(dirs.into_iter().map(|(path, id)| (path, id, depth + 1)));
            walk.dirs.push((dir, id));
        }
        Ok(walk)
    }

    fn finish(&self, walk: Walk) -> TreeDiff {
        let Walk { mut changes, added, deleted, mut dirs, dirs_gone, rejected } = walk;
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
        changes.extend(left.map(|(Entry { path, id, .. }, _)| FileChange {
            change: Change::Deletion { path },
            new: None,
            old: Some(id),
        }));
        changes.sort_by(|a, b| a.change.path().cmp(b.change.path()));
        dirs.sort();
        TreeDiff { changes, dirs, dirs_gone, rejected }
    }
}

impl Candidate for Entry {
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
struct Walk {
    changes: Vec<FileChange>,
    added: Vec<Entry>,
    deleted: Vec<Entry>,
    dirs: Vec<(Vec<u8>, ObjectId)>,
    dirs_gone: Vec<Vec<u8>>,
    rejected: Vec<Rejected>,
}

impl Walk {
    /// Compares one directory and returns the directories in it, which are still to be compared.
    fn compare(
        &mut self,
        recorded: &RecordedView,
        dir: &[u8],
        nodes: Vec<Node>,
        depth: usize,
    ) -> Vec<(Vec<u8>, ObjectId)> {
        let (mut names, mut files, mut dirs) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for node in nodes {
            let (Node::File { name, .. } | Node::Dir { name, .. }) = &node;
            let path = join(dir, name);
            if let Err(reason) = self.admit(&node, depth, &mut names) {
                self.rejected.push(Rejected { path: FilePath::new(path), reason });
                continue;
            }
            match node {
                Node::File { id, mode, .. } => {
                    let path = FilePath::new(path);
                    files.insert(path.clone());
                    self.compare_file(recorded, Entry { path, id, mode });
                }
                Node::Dir { id, .. } => dirs.push((path, id)),
            }
        }
        self.forget_missing(recorded, dir, &files, &dirs);
        dirs
    }

    fn admit(&self, node: &Node, depth: usize, names: &mut BTreeSet<Vec<u8>>) -> Result<(), &'static str> {
        let (Node::File { name, .. } | Node::Dir { name, .. }) = node;
        check_name(name)?;
        if matches!(node, Node::Dir { .. }) && depth >= MAX_DEPTH {
            return Err("too many directories inside each other");
        }
        if names.insert(name.clone()) { Ok(()) } else { Err("a name that its directory has twice") }
    }

    fn compare_file(&mut self, recorded: &RecordedView, entry: Entry) {
        match recorded.file(&entry.path) {
            None => self.added.push(entry),
            Some((id, mode)) if *id == entry.id && mode == entry.mode => {}
            Some((id, _)) => self.changes.push(FileChange {
                change: Change::Modification { path: entry.path.clone() },
                old: Some(id.clone()),
                new: Some(entry),
            }),
        }
    }

    fn forget_missing(
        &mut self,
        recorded: &RecordedView,
        dir: &[u8],
        files: &BTreeSet<FilePath>,
        dirs: &[(Vec<u8>, ObjectId)],
    ) {
        let children = recorded.children(dir);
        for path in children.files.into_iter().filter(|path| !files.contains(path)) {
            if let Some((id, mode)) = recorded.file(&path) {
                self.deleted.push(Entry { id: id.clone(), mode, path });
            }
        }
        let present: BTreeSet<&[u8]> = dirs.iter().map(|(path, _)| path.as_slice()).collect();
        for gone in children.dirs.iter().filter(|path| !present.contains(path.as_slice())) {
            self.forget_dir(recorded, gone);
        }
    }

    fn forget_dir(&mut self, recorded: &RecordedView, dir: &[u8]) {
        let files = recorded.files_below(dir);
        self.deleted.extend(files.map(|(path, id, mode)| Entry { path: path.clone(), id: id.clone(), mode }));
        self.dirs_gone.extend(recorded.dirs_at_and_below(dir));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::fixture::TestRepo;
    use std::os::unix::fs::PermissionsExt;

    fn summary(diff: &TreeDiff) -> Vec<String> {
        diff.changes
            .iter()
            .map(|change| match &change.change {
                Change::Rename { from, path } => format!("rename {from} -> {path}"),
                other => format!("{} {}", other.as_str(), other.path()),
            })
            .collect()
    }

    /// Diffs the view with HEAD, applies that, and checks that the result is what a view from nothing is.
    fn advance(repo: &TestRepo, view: &mut RecordedView) -> Vec<String> {
        let open = repo.open();
        let tree = open.head().unwrap().tree;
        let diff = open.diff(view, tree.as_ref()).unwrap();
        view.apply(&diff);
        let mut fresh = RecordedView::default();
        fresh.apply(&open.diff(&fresh, tree.as_ref()).unwrap());
        assert_eq!(*view, fresh);
        assert!(open.diff(view, tree.as_ref()).unwrap().is_empty());
        let listed = repo.git(&["ls-files", "-s", "-z"]);
        let ids: Vec<_> = listed.split('\0').filter_map(|line| line.split(' ').nth(1)).collect();
        assert_eq!(ids, view.files().map(|entry| entry.id.to_string()).collect::<Vec<_>>());
        summary(&diff)
    }

    const LINES: &str = "fn one() {}\nfn two() {}\nfn three() {}\nfn four() {}\n";

    #[test]
    fn each_kind_of_change_is_told() {
        let (repo, mut view) = (TestRepo::new(), RecordedView::default());
        assert_eq!(advance(&repo, &mut view), [""; 0]);
        repo.write("src/a.rs", "fn a() {}\n");
        repo.write("src/deep/b.rs", LINES);
        repo.write("run.sh", "true\n");
        repo.write("z/only.md", "# z\n");
        repo.commit("one");
        let added = ["addition run.sh", "addition src/a.rs", "addition src/deep/b.rs", "addition z/only.md"];
        assert_eq!(advance(&repo, &mut view), added);

        repo.write("src/a.rs", "fn a() { b() }\n");
        repo.git(&["mv", "src/deep/b.rs", "src/c.rs"]);
        std::fs::set_permissions(repo.path().join("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
        repo.git(&["rm", "-q", "z/only.md"]);
        repo.commit("two");
        let told =
            ["modification run.sh", "modification src/a.rs", "rename src/deep/b.rs -> src/c.rs", "deletion z/only.md"];
        assert_eq!(advance(&repo, &mut view), told);

        repo.git(&["mv", "src/c.rs", "src/d.rs"]);
        repo.write("src/d.rs", LINES.replace("three", "drei"));
        repo.commit("three");
        assert_eq!(advance(&repo, &mut view), ["rename src/c.rs -> src/d.rs"]);
        repo.git(&["revert", "--no-edit", "HEAD"]);
        assert_eq!(advance(&repo, &mut view), ["rename src/d.rs -> src/c.rs"]);
        repo.git(&["gc", "-q", "--prune=now"]);
        repo.git(&["pack-refs", "--all"]);
        assert_eq!(advance(&repo, &mut view), [""; 0]);
    }

    #[test]
    fn a_file_may_become_a_directory_and_back() {
        let (repo, mut view) = (TestRepo::new(), RecordedView::default());
        repo.write("a", "one\n");
        repo.write("a.b", "beside\n");
        repo.commit("one");
        advance(&repo, &mut view);
        std::fs::remove_file(repo.path().join("a")).unwrap();
        repo.write("a/b/c", "two\n");
        repo.commit("two");
        assert_eq!(advance(&repo, &mut view), ["deletion a", "addition a/b/c"]);
        std::fs::remove_dir_all(repo.path().join("a")).unwrap();
        repo.write("a", "three\n");
        repo.commit("three");
        assert_eq!(advance(&repo, &mut view), ["addition a", "deletion a/b/c"]);
    }

    #[test]
    fn f38_a_rewritten_history_costs_what_differs() {
        let (repo, mut view) = (TestRepo::new(), RecordedView::default());
        repo.write("keep/a.rs", LINES);
        repo.write("b.rs", "fn b() {}\n");
        repo.commit("one");
        advance(&repo, &mut view);
        repo.write("b.rs", "fn b() { 2; }\n");
        repo.git(&["commit", "-q", "-a", "--amend", "-m", "rewritten"]);
        repo.git(&["reflog", "expire", "--expire=now", "--all"]);
        repo.git(&["gc", "-q", "--prune=now"]);
        assert_eq!(advance(&repo, &mut view), ["modification b.rs"]);
    }

    #[test]
    fn links_and_submodules_are_entries_that_nothing_follows() {
        let (repo, mut view) = (TestRepo::new(), RecordedView::default());
        std::os::unix::fs::symlink("/etc/passwd", repo.path().join("link")).unwrap();
        let commit = "1".repeat(40);
        repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},sub")]);
        repo.git(&["add", "link"]);
        repo.git(&["commit", "-q", "-m", "one"]);
        assert_eq!(advance(&repo, &mut view), ["addition link", "addition sub"]);
        let modes: Vec<_> = view.files().map(|entry| entry.mode).collect();
        assert_eq!(modes, [EntryMode::Symlink, EntryMode::Submodule]);
    }

    #[test]
    fn f21_any_name_that_git_allows_is_exact() {
        use std::os::unix::ffi::OsStrExt;
        let (repo, mut view) = (TestRepo::new(), RecordedView::default());
        for (at, name) in [&b"a\nb"[..], b"t\tq\"%s p", b"caf\xe9.rs", b"README", b"readme"].iter().enumerate() {
            std::fs::write(repo.path().join(std::ffi::OsStr::from_bytes(name)), format!("{at}\n")).unwrap();
        }
        repo.commit("one");
        advance(&repo, &mut view);
        let names: Vec<_> = view.files().map(|entry| entry.path.as_bytes().to_vec()).collect();
        assert_eq!(names, [&b"README"[..], b"a\nb", b"caf\xe9.rs", b"readme", b"t\tq\"%s p"]);
    }

    /// Writes a tree object as given, which `git mktree` would refuse.
    fn raw_tree(repo: &TestRepo, entries: &[(&str, &[u8], &str)]) -> String {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend((0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()));
        }
        repo.git_with_input(&["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], &bytes)
    }

    fn object(hex: &str) -> ObjectId {
        ObjectId((0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect())
    }

    #[test]
    fn f45_hostile_names_are_rejected_and_the_rest_is_read() {
        let repo = TestRepo::new();
        let blob = repo.git_with_input(&["hash-object", "-w", "--stdin"], b"x\n");
        let inner = raw_tree(&repo, &[("100644", b"config", &blob)]);
        let tree = raw_tree(
            &repo,
            &[
                ("100644", b"..", &blob),
                ("40000", b".GIT", &inner),
                ("100644", b"a/../../x", &blob),
                ("100644", b"good.rs", &blob),
                ("40000", b"good.rs", &inner),
            ],
        );
        let diff = repo.open().diff(&RecordedView::default(), Some(&object(&tree))).unwrap();
        assert_eq!(summary(&diff), ["addition good.rs"]);
        assert_eq!(diff.rejected.len(), 4);
    }

    #[test]
    fn f47_a_tree_that_explodes_is_refused_and_a_deep_one_is_cut() {
        let repo = TestRepo::new();
        let mut id = repo.git_with_input(&["hash-object", "-w", "--stdin"], b"x\n");
        let mut mode = "100644";
        for _ in 0..7 {
            let names: Vec<_> = (0..16u8).map(|at| [b'a' + at]).collect();
            let entries: Vec<_> = names.iter().map(|name| (mode, &name[..], id.as_str())).collect();
            id = raw_tree(&repo, &entries);
            mode = "40000";
        }
        let walked = repo.open().walk(&RecordedView::default(), &object(&id), 20_000);
        assert!(matches!(walked, Err(RepoError::TooManyFiles { .. })));

        let mut deep = repo.git_with_input(&["hash-object", "-w", "--stdin"], b"x\n");
        let mut kind = "blob";
        let mut mode = "100644";
        for _ in 0..MAX_DEPTH + 5 {
            deep = repo.git_with_input(&["mktree"], format!("{mode} {kind} {deep}\td\n").as_bytes());
            (kind, mode) = ("tree", "040000");
        }
        let diff = repo.open().diff(&RecordedView::default(), Some(&object(&deep))).unwrap();
        assert_eq!((diff.changes.len(), diff.rejected.len()), (0, 1));
    }

    #[test]
    fn f39_a_missing_tree_is_an_error_and_a_missing_old_blob_is_no_rename() {
        let (repo, mut view) = (TestRepo::new(), RecordedView::default());
        repo.write("src/a.rs", LINES);
        repo.commit("one");
        advance(&repo, &mut view);
        let old = repo.git(&["rev-parse", "HEAD:src/a.rs"]);
        repo.git(&["mv", "src/a.rs", "src/b.rs"]);
        repo.write("src/b.rs", LINES.replace("one", "eins"));
        repo.commit("two");
        let objects = repo.path().join(".git/objects");
        std::fs::remove_file(objects.join(&old[..2]).join(&old[2..])).unwrap();
        let open = repo.open();
        let tree = open.head().unwrap().tree;
        let diff = open.diff(&view, tree.as_ref()).unwrap();
        assert_eq!(summary(&diff), ["deletion src/a.rs", "addition src/b.rs"]);

        let src = repo.git(&["rev-parse", "HEAD:src"]);
        std::fs::remove_file(objects.join(&src[..2]).join(&src[2..])).unwrap();
        let error = repo.open().diff(&view, tree.as_ref()).unwrap_err();
        assert!(matches!(error, RepoError::MissingObject { id } if id.to_string() == src));
    }

    #[test]
    fn an_unborn_head_has_no_files() {
        let (repo, mut view) = (TestRepo::new(), RecordedView::default());
        repo.write("src/a.rs", LINES);
        repo.commit("one");
        advance(&repo, &mut view);
        let diff = repo.open().diff(&view, None).unwrap();
        assert_eq!(summary(&diff), ["deletion src/a.rs"]);
        view.apply(&diff);
        assert_eq!(view, RecordedView::default());
    }
}
