//! Damage: what Git reads, is read; the rest costs the files that need it, each with its reason.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::*;
use crate::domain::{Change, FilePath};
use crate::repo::fixture::{Dice, TestRepo, seeds};
use crate::repo::{RecordedView, TreeDiff};

/// Each makes a repository, damages it once, and asks Git for every object that was not read; `RA_AGENT_SEEDS`
/// names other seeds.
const ROUNDS: u64 = 24;

fn hex(id: &str) -> ObjectId {
    ObjectId((0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()).collect())
}

fn loose_file(repo: &TestRepo, id: &str) -> PathBuf {
    repo.path().join(".git/objects").join(&id[..2]).join(&id[2..])
}

fn overwrite(path: &Path, bytes: &[u8]) {
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o644));
    fs::write(path, bytes).unwrap();
}

const PATHS: [&str; 8] =
    ["a.rs", "b.rs", "src/c.rs", "src/d.rs", "src/deep/e.rs", "src/deep/f.rs", "docs/g.md", "docs/h.md"];

/// A text that its next version shares most of, so that Git stores differences.
fn text(path: &str, version: usize) -> String {
    let lines = (0..60).map(|line| format!("{path} has a line {line}, {}\n", line * line * 7919 + 13));
    format!("version {version}\n{}end {version}\n", lines.collect::<String>())
}

/// A repository of three commits, packed in one of several ways.
fn packed(dice: &mut Dice) -> TestRepo {
    let sha256 = dice.roll(5) == 0;
    let repo = if sha256 { TestRepo::with_init(&["--object-format=sha256"]) } else { TestRepo::new() };
    let way = dice.roll(8);
    for version in 0..3 {
        PATHS.iter().enumerate().filter(|(at, _)| version == 0 || (at + version) % 3 != 0).for_each(|(_, path)| {
            repo.write(path, text(path, version));
        });
        repo.commit("next");
        match way {
            2 | 3 | 6 => drop(repo.git(&["repack", "-q", "-d"])),
            _ => {}
        }
    }
    match way {
        0 | 2 => {}
        1 => drop(repo.git(&["repack", "-q", "-adf"])),
        3 => drop(repo.git(&["multi-pack-index", "write"])),
        // Every object is there twice.
        4 => {
            repo.git(&["repack", "-q", "-a"]);
            repo.git(&["commit-graph", "write", "--reachable"]);
        }
        5 => drop(repo.git(&["-c", "repack.useDeltaBaseOffset=false", "repack", "-q", "-adf"])),
        6 => {
            repo.git(&["repack", "-q", "-a"]);
            repo.git(&["multi-pack-index", "write"]);
            repo.git(&["commit-graph", "write", "--reachable"]);
        }
        _ => drop(repo.git(&["-c", "pack.indexVersion=1", "repack", "-q", "-adf", "-b"])),
    }
    repo
}

/// Damages one file of the object directory.
fn damage(repo: &TestRepo, dice: &mut Dice) -> String {
    let objects = repo.path().join(".git/objects");
    let mut files: Vec<PathBuf> = repo.fingerprint().into_keys().collect();
    files.retain(|path| path.starts_with(&objects) && path.is_file());
    // The few packs are damaged as often as the many loose files.
    let (packs, loose): (Vec<PathBuf>, Vec<PathBuf>) = files
        .into_iter()
        .partition(|path| path.starts_with(objects.join("pack")) || path.starts_with(objects.join("info")));
    let among = if loose.is_empty() || (!packs.is_empty() && dice.roll(3) > 0) { packs } else { loose };
    let path = among[dice.roll(among.len())].clone();
    let mut bytes = fs::read(&path).unwrap();
    let how = dice.roll(7);
    match how {
        0 => bytes.clear(),
        1 => bytes.truncate(bytes.len() / 2),
        2 => {
            let at = dice.roll(bytes.len());
            bytes[at] ^= 1 << dice.roll(8);
        }
        3 => {
            let from = dice.roll(bytes.len());
            bytes.iter_mut().skip(from).take(64).for_each(|byte| *byte = 0);
        }
        4 => bytes.iter_mut().for_each(|byte| *byte = 0),
        5 => bytes.truncate(bytes.len().saturating_sub(1 + dice.roll(40))),
        _ => {}
    }
    if how == 6 {
        fs::remove_file(&path).unwrap();
    } else {
        overwrite(&path, &bytes);
    }
    format!("{} by {how}", path.strip_prefix(&objects).unwrap().display())
}

/// Whether Git reads an object as what it is.
fn git_reads(repo: &TestRepo, kind: Kind, id: &ObjectId) -> bool {
    let args = ["cat-file", &kind.to_string(), &id.to_string()];
    repo.try_git(&args) && is_named(&native(id).unwrap(), kind, &repo.git_bytes(&args))
}

fn listed(diff: &TreeDiff) -> BTreeMap<String, EntryMode> {
    let new = diff.changes.iter().filter_map(|change| change.new.as_ref());
    new.map(|entry| (entry.path.to_string(), entry.mode)).collect()
}

/// Names of the trees and blobs of HEAD, by path.
fn objects_of_head(repo: &TestRepo) -> BTreeMap<String, (Kind, ObjectId)> {
    let text = repo.git(&["ls-tree", "-r", "-t", "-z", "HEAD"]);
    let entries = text.split('\0').filter(|line| !line.is_empty()).map(|line| {
        let (entry, path) = line.split_once('\t').unwrap();
        let fields: Vec<&str> = entry.split(' ').collect();
        (path.to_owned(), (if fields[1] == "tree" { Kind::Tree } else { Kind::Blob }, hex(fields[2])))
    });
    let top = (String::new(), (Kind::Tree, hex(&repo.git(&["rev-parse", "HEAD^{tree}"]))));
    entries.chain([top]).collect()
}

#[test]
fn f39_what_git_reads_is_read_under_any_damage() {
    for seed in seeds(ROUNDS) {
        let mut dice = Dice(seed);
        let repo = packed(&mut dice);
        let commit = hex(&repo.git(&["rev-parse", "HEAD"]));
        let objects = objects_of_head(&repo);
        let text = |path: &str| fs::read(repo.path().join(path)).unwrap();
        let what = format!("seed {seed}: {}", damage(&repo, &mut dice));
        let before = repo.fingerprint();

        let open = repo.open();
        let head = match open.head() {
            Ok(head) => head,
            Err(error) => {
                assert!(!git_reads(&repo, Kind::Commit, &commit), "{what}: {error}");
                continue;
            }
        };
        assert_eq!(head.commit, Some(commit));
        let mut unread: Vec<&str> = Vec::new();
        for (path, (kind, id)) in &objects {
            let failed = match kind {
                Kind::Tree => open.read_tree(id).err(),
                _ => open.blob(id, 1 << 20).map(|found| assert_eq!(found, Blob::Content(text(path)), "{what}")).err(),
            };
            let Some(error) = failed else { continue };
            assert!(error.is_of_one_object(), "{what}: {path}: {error}");
            assert!(!git_reads(&repo, *kind, id), "{what}: {path}: {error}");
            if *kind == Kind::Tree {
                unread.push(path);
            }
        }
        let diff = open.diff(&RecordedView::default(), head.tree.as_ref());
        if unread.contains(&"") {
            assert!(diff.is_err(), "{what}");
        } else {
            let diff = diff.unwrap();
            let is_below = |path: &str| unread.iter().any(|dir| path.starts_with(&format!("{dir}/")));
            let files = PATHS.iter().filter(|path| !is_below(path)).map(|path| ((*path).to_owned(), EntryMode::File));
            let dirs = unread.iter().filter(|dir| !is_below(dir)).map(|dir| ((*dir).to_owned(), EntryMode::Directory));
            assert_eq!(listed(&diff), files.chain(dirs).collect(), "{what}");
            assert_eq!(diff.unreadable.is_empty(), unread.is_empty(), "{what}");
        }
        assert_eq!(repo.fingerprint(), before, "{what}");
    }
}

#[test]
fn f39_a_damaged_copy_hides_no_good_one() {
    let repo = TestRepo::new();
    repo.write("a.rs", text("a.rs", 0));
    repo.commit("one");
    let id = repo.git(&["rev-parse", "HEAD:a.rs"]);
    repo.git(&["repack", "-q", "-a"]);
    for bytes in [&b""[..], b"garbage", &fs::read(loose_file(&repo, &repo.git(&["rev-parse", "HEAD"]))).unwrap()] {
        overwrite(&loose_file(&repo, &id), bytes);
        assert!(matches!(repo.open().blob(&hex(&id), 1 << 20), Ok(Blob::Content(_))), "{bytes:?}");
    }
    // The same loose file alone: the reason is its own.
    for entry in fs::read_dir(repo.path().join(".git/objects/pack")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let error = repo.open().blob(&hex(&id), 1 << 20).unwrap_err();
    assert!(matches!(error, RepoError::Unreadable { .. }), "{error}");
    assert!(error.to_string().contains("not what its name says"), "{error}");
}

#[test]
fn a_missing_pack_index_is_named_as_the_reason() {
    let repo = TestRepo::new();
    repo.write("a.rs", text("a.rs", 0));
    repo.commit("one");
    let id = repo.git(&["rev-parse", "HEAD:a.rs"]);
    repo.git(&["repack", "-q", "-ad"]);
    let pack = fs::read_dir(repo.path().join(".git/objects/pack")).unwrap().map(|entry| entry.unwrap().path());
    let index = pack.filter(|path| path.extension().is_some_and(|end| end == "idx")).last().unwrap();
    let open = repo.open();
    let sound = fs::read(&index).unwrap();
    fs::remove_file(&index).unwrap();
    let error = repo.open().blob(&hex(&id), 1 << 20).unwrap_err().to_string();
    assert!(error.contains("has no index"), "{error}");
    overwrite(&index, &sound[..100]);
    let error = repo.open().blob(&hex(&id), 1 << 20).unwrap_err().to_string();
    assert!(error.contains(".idx"), "{error}");
    // Repaired, it is read by whoever opens the repository from then on.
    overwrite(&index, &sound);
    assert!(repo.open().blob(&hex(&id), 1 << 20).is_ok());
    drop(open);
}

/// Git stores a file of less than a megabyte as a difference of the large one that it was.
#[test]
fn a_small_file_is_read_through_a_base_of_70_mb() {
    let repo = TestRepo::new();
    let mut large = String::with_capacity(72 << 20);
    let mut dice = Dice(7);
    while large.len() < 70 << 20 {
        large.push_str(&format!("{:08x}{:08x} a line of a large file\n", dice.roll(1 << 30), dice.roll(1 << 30)));
    }
    repo.git(&["config", "core.compression", "1"]);
    repo.git(&["config", "core.bigFileThreshold", "1g"]);
    repo.write("data.txt", &large);
    repo.commit("large");
    // Git stores no difference of a file that has 32 times its size.
    let [_, small] = [20_000_000, 800_000].map(|bytes| {
        let text = format!("{}end\n", &large[..bytes]);
        repo.write("data.txt", &text);
        repo.commit("smaller");
        text
    });
    repo.git(&["-c", "pack.threads=1", "repack", "-q", "-adf", "--window=10"]);
    let id = repo.git(&["rev-parse", "HEAD:data.txt"]);
    let base = |id: &str| repo.git_with_input(&["cat-file", "--batch-check=%(deltabase)"], id.as_bytes());
    assert_eq!(base(&base(&id)), repo.git(&["rev-parse", "HEAD~2:data.txt"]));
    assert_eq!(repo.open().blob(&hex(&id), 1 << 20).unwrap(), Blob::Content(small.into_bytes()));
}

/// What was recorded below a directory stays while its tree cannot be read, and is compared when it can be read again.
#[test]
fn f39_an_unreadable_directory_keeps_what_is_recorded_below_it() {
    let repo = TestRepo::new();
    repo.write("src/a.rs", "fn a() {}\n");
    repo.write("src/deep/b.rs", "fn b() {}\n");
    repo.write("c.rs", "fn c() {}\n");
    repo.commit("one");
    let mut view = RecordedView::default();
    let compare = |view: &RecordedView| {
        let open = repo.open();
        let tree = open.head().unwrap().tree;
        open.diff(view, tree.as_ref()).unwrap()
    };
    view.apply(&compare(&view));
    repo.write("src/deep/b.rs", "fn b() { 2 }\n");
    repo.write("src/deep/new.rs", "fn new() {}\n");
    repo.write("c.rs", "fn c() { 2 }\n");
    repo.commit("two");
    let file = loose_file(&repo, &repo.git(&["rev-parse", "HEAD:src/deep"]));
    let sound = fs::read(&file).unwrap();
    overwrite(&file, b"");
    let diff = compare(&view);
    let changes: Vec<String> =
        diff.changes.iter().map(|one| format!("{} {}", one.change.as_str(), one.change.path())).collect();
    assert_eq!(changes, ["modification c.rs", "addition src/deep"]);
    assert_eq!(diff.unreadable.len(), 1);
    view.apply(&diff);
    let paths = |view: &RecordedView| view.files().map(|entry| entry.path.to_string()).collect::<Vec<_>>();
    assert_eq!(paths(&view), ["c.rs", "src/a.rs", "src/deep", "src/deep/b.rs"]);
    assert!(!view.dirs().any(|(dir, _)| dir.is_empty() || dir == b"src"), "they are read again");
    assert!(compare(&view).is_empty(), "nothing is new");
    // Back at the first commit: the directory is as it is recorded.
    let mut back = view.clone();
    let first = repo.open().rev("HEAD~1").unwrap().tree;
    let diff = repo.open().diff(&back, first.as_ref()).unwrap();
    back.apply(&diff);
    assert_eq!(paths(&back), ["c.rs", "src/a.rs", "src/deep/b.rs"]);
    // Repaired.
    overwrite(&file, &sound);
    let diff = compare(&view);
    assert!(diff.changes.iter().any(|one| one.change == Change::Deletion { path: FilePath::from("src/deep") }));
    view.apply(&diff);
    let mut fresh = RecordedView::default();
    fresh.apply(&compare(&fresh));
    assert_eq!(view, fresh);
}

#[test]
fn f39_a_damaged_commit_in_the_past_costs_the_beginning_alone() {
    let repo = TestRepo::new();
    repo.write("a.rs", "fn a() {}\n");
    repo.commit("one");
    let root = hex(&repo.git(&["rev-parse", "HEAD"]));
    repo.commit("two");
    let middle = loose_file(&repo, &repo.git(&["rev-parse", "HEAD"]));
    repo.commit("three");
    assert_eq!(repo.open().root_commit().unwrap(), Some(root));
    overwrite(&middle, b"garbage");
    assert_eq!(repo.open().root_commit().unwrap(), None);
    assert!(repo.open().head().is_ok());
}
