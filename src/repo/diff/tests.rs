use super::*;
use crate::repo::fixture::TestRepo;
use crate::repo::tree::RecordedView;
use std::cell::Cell;
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

/// A view that counts what it is asked.
struct Asked<'v> {
    view: &'v RecordedView,
    /// Whether it tells the trees of directories.
    trees: bool,
    /// Directories of which all was asked.
    listed: Cell<usize>,
    /// Names that were asked for one by one.
    names: Cell<usize>,
}

impl Recorded for Asked<'_> {
    type Error = RepoError;

    fn dir(&self, dir: &[u8]) -> Result<Option<ObjectId>, RepoError> {
        if self.trees { self.view.dir(dir) } else { Ok(None) }
    }

    fn children(&self, dir: &[u8]) -> Result<Children, RepoError> {
        self.listed.update(|listed| listed + 1);
        self.view.children(dir)
    }

    fn children_among(&self, dir: &[u8], names: &BTreeSet<Vec<u8>>) -> Result<Children, RepoError> {
        self.names.update(|asked| asked + names.len());
        self.view.children_among(dir, names)
    }

    fn files_below(&self, dir: &[u8]) -> Result<Vec<TreeEntry>, RepoError> {
        self.view.files_below(dir)
    }

    fn dirs_at_and_below(&self, dir: &[u8]) -> Result<Vec<Vec<u8>>, RepoError> {
        self.view.dirs_at_and_below(dir)
    }
}

/// Diffs the view with HEAD, applies that, and checks that the result is what a view from nothing is.
fn advance(repo: &TestRepo, view: &mut RecordedView) -> Vec<String> {
    let open = repo.open();
    let tree = open.head().unwrap().tree;
    let diff = open.diff(view, tree.as_ref()).unwrap();
    let asked = Asked { view, trees: false, listed: Cell::default(), names: Cell::default() };
    assert_eq!(open.diff(&asked, tree.as_ref()).unwrap().changes, diff.changes, "by what is recorded of files alone");
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
fn each_kind_of_change_is_reported() {
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
    let expected =
        ["modification run.sh", "modification src/a.rs", "rename src/deep/b.rs -> src/c.rs", "deletion z/only.md"];
    assert_eq!(advance(&repo, &mut view), expected);

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

/// Every step is checked by `advance`: the view that was carried along equals one made from nothing, and what git lists.
#[test]
fn a_view_carried_through_any_history_equals_a_fresh_one() {
    let (repo, mut view, mut state) = (TestRepo::new(), RecordedView::default(), 42_u64);
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let names = ["a", "a/b", "a/b/c", "a-b", "a0", "b/a", "b", "c/d/e", "c/d", "c.rs"];
    for step in 0..60 {
        for _ in 0..=random(3) {
            let name = names[random(10) as usize];
            let path = repo.path().join(name);
            let is_below_a_file = path.ancestors().skip(1).any(std::path::Path::is_file);
            match random(4) {
                _ if is_below_a_file => {}
                0 => drop(std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path))),
                1 if path.is_file() => {
                    let mode = if random(2) == 0 { 0o755 } else { 0o644 };
                    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
                }
                2 => drop(std::fs::rename(&path, repo.path().join(names[random(10) as usize]))),
                _ if path.is_dir() => repo.write(&format!("{name}/x{}", random(3)), format!("{step}\n{LINES}")),
                _ => repo.write(name, format!("{}\n{LINES}", random(5))),
            }
        }
        repo.commit("step");
        advance(&repo, &mut view);
    }
}

/// As long as the tree is there that was recorded; after a `git gc` of a rewritten history it may be gone.
#[test]
fn of_a_wide_directory_only_what_differs_is_asked_for() {
    let (repo, mut view) = (TestRepo::new(), RecordedView::default());
    for n in 0..200 {
        repo.write(&format!("crates/c{n}/lib.rs"), "fn one() {}\n");
        repo.write(&format!("crates/f{n}.rs"), "fn two() {}\n");
    }
    repo.commit("one");
    advance(&repo, &mut view);
    repo.write("crates/c7/lib.rs", "fn one() { 1; }\n");
    repo.git(&["rm", "--quiet", "crates/f9.rs"]);
    repo.commit("two");
    let (open, tree) = (repo.open(), repo.open().head().unwrap().tree);
    let counts = |trees| {
        let asked = Asked { view: &view, trees, listed: Cell::default(), names: Cell::default() };
        let diff = open.diff(&asked, tree.as_ref()).unwrap();
        assert_eq!(summary(&diff), ["modification crates/c7/lib.rs", "deletion crates/f9.rs"]);
        (asked.listed.get(), asked.names.get())
    };
    assert_eq!(counts(true), (0, 4), "crates; c7 and f9.rs; lib.rs");
    assert_eq!(counts(false), (202, 0));
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

    let hostile = [("100644", &b".."[..], &blob), ("40000", b".GIT", &inner), ("100644", b"dir/a.rs", &blob)];
    let top = |more: &[(&'static str, &'static [u8], &str)]| {
        let all = hostile.iter().map(|(mode, name, id)| (*mode, *name, id.as_str())).chain(more.iter().copied());
        object(&raw_tree(&repo, &all.collect::<Vec<_>>()))
    };
    let dir = raw_tree(&repo, &[("100644", b"a.rs", &blob)]);
    let (before, after) =
        (top(&[("40000", b"dir", &dir)]), top(&[("100644", b"b.rs", &blob), ("40000", b"dir", &dir)]));
    let (open, mut view) = (repo.open(), RecordedView::default());
    view.apply(&open.diff(&view, Some(&before)).unwrap());
    let diff = open.diff(&view, Some(&after)).unwrap();
    assert_eq!(summary(&diff), ["addition b.rs"], "no file goes for a name that says where it is");
    assert_eq!(diff.rejected.len(), 3, "they are reported whenever their directory changes");
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
fn f39_a_missing_top_is_an_error_a_missing_old_blob_no_rename() {
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
    let diff = repo.open().diff(&view, tree.as_ref()).unwrap();
    assert_eq!(summary(&diff), ["addition src"], "what was below it stays");
    assert!(diff.unreadable[0].1.contains(&src), "{diff:?}");
    let top = repo.git(&["rev-parse", "HEAD^{tree}"]);
    std::fs::remove_file(objects.join(&top[..2]).join(&top[2..])).unwrap();
    let error = repo.open().diff(&view, tree.as_ref()).unwrap_err();
    assert!(matches!(error, RepoError::MissingObject { id } if id.to_string() == top));
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
