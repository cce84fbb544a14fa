use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::repo::RecordedView;
use crate::repo::fixture::TestRepo;

/// The tree at HEAD.
fn view(repo: &TestRepo) -> Vec<TreeEntry> {
    let open = repo.open();
    let head = open.head().unwrap();
    let diff = open.diff(&RecordedView::default(), head.tree.as_ref()).unwrap();
    let mut entries: Vec<TreeEntry> = diff.changes.into_iter().filter_map(|change| change.new).collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    entries
}

/// A user whose configuration is this text.
fn user_with(repo: &TestRepo, config: &str) -> UserConfig {
    let file = repo.outside("user.config");
    fs::write(&file, config).unwrap();
    UserConfig { files: vec![file], ..UserConfig::default() }
}

/// Files that differ from HEAD, each with what it is: `+` new, `~` other content, `-` gone.
fn dirty_for(repo: &TestRepo, user: &UserConfig) -> Vec<String> {
    let deny = FileSelection::default();
    let view = view(repo);
    let mut tree = WorkTree::open(&repo.location(), user, &deny).unwrap().unwrap();
    let mut dirty = Vec::new();
    for Candidate { path, .. } in tree.candidates(&view).files {
        let recorded = view.iter().find(|entry| entry.path == path);
        match (tree.read(&path).unwrap(), recorded) {
            (Committable::Content { id, .. }, Some(recorded)) if id == recorded.id => {}
            (Committable::NoFile, None) => {}
            (Committable::NoFile, Some(_)) => dirty.push(format!("-{path}")),
            (_, Some(_)) => dirty.push(format!("~{path}")),
            (_, None) => dirty.push(format!("+{path}")),
        }
    }
    dirty
}

fn dirty(repo: &TestRepo) -> Vec<String> {
    dirty_for(repo, &UserConfig::default())
}

fn repo_of(files: &[(&str, &str)]) -> TestRepo {
    let repo = TestRepo::new();
    files.iter().for_each(|(path, text)| repo.write(path, text));
    repo.commit("one");
    repo
}

#[test]
fn differences_from_head_are_found_staged_or_not() {
    let repo = repo_of(&[("a.rs", "fn a() {}\n"), ("b/c.rs", "fn c() {}\n"), ("b/d.rs", "fn d() {}\n"), ("e.rs", "")]);
    assert_eq!(dirty(&repo), [""; 0]);
    repo.write("a.rs", "fn a() { 1; }\n");
    repo.write("b/new.rs", "fn new() {}\n");
    repo.write("z/deep/staged.rs", "fn staged() {}\n");
    repo.git(&["add", "z", "a.rs"]);
    fs::remove_file(repo.path().join("b/c.rs")).unwrap();
    repo.git(&["mv", "b/d.rs", "b/moved.rs"]);
    repo.git(&["rm", "-q", "--cached", "e.rs"]);
    let before = repo.fingerprint();
    assert_eq!(dirty(&repo), ["~a.rs", "-b/c.rs", "-b/d.rs", "+b/moved.rs", "+b/new.rs", "+z/deep/staged.rs"]);
    assert_eq!(repo.fingerprint(), before);
    // Staged, and put back in the work tree alone: what lies there counts.
    repo.write("a.rs", "fn a() {}\n");
    assert!(!dirty(&repo).contains(&"~a.rs".to_owned()));
    repo.commit("two");
    assert_eq!(dirty(&repo), [""; 0]);
}

/// Git cannot recognise such a file by its attributes either, and reads it.
#[test]
fn a_racy_change_that_keeps_size_and_time_is_found() {
    for _ in 0..20 {
        let repo = repo_of(&[("a.rs", "fn a() { 1 }\n")]);
        let modified = fs::metadata(repo.path().join("a.rs")).unwrap().modified().unwrap();
        repo.write("a.rs", "fn a() { 2 }\n");
        let file = fs::File::options().write(true).open(repo.path().join("a.rs")).unwrap();
        file.set_modified(modified).unwrap();
        assert_eq!(dirty(&repo), ["~a.rs"]);
    }
}

#[test]
fn f50_files_ignored_by_repository_or_user_are_not_found() {
    let repo =
        repo_of(&[(".gitignore", "target/\n*.log\n!keep.log\n"), ("src/.gitignore", "/local.rs\n"), ("src/a.rs", "")]);
    let mine = repo.outside("my ignores");
    fs::write(&mine, "*.mine\nkeep.log\n").unwrap();
    for path in [
        "target/x.rs",
        "a.log",
        "keep.log",
        "src/local.rs",
        "src/b/local.rs",
        "x.mine",
        ".env",
        "node_modules/m/i.js",
        "src/.a.rs.swp",
        "src/a.rs~",
    ] {
        repo.write(path, "x\n");
    }
    repo.write(".git/info/exclude", "excluded.rs\n");
    repo.write("excluded.rs", "");
    assert_eq!(dirty(&repo), ["+keep.log", "+src/b/local.rs", "+x.mine"]);
    // The repository's `!keep.log` comes after the user's rules and wins.
    assert_eq!(
        dirty_for(&repo, &user_with(&repo, &format!("[core]\n\texcludesFile = {}\n", mine.display()))),
        ["+keep.log", "+src/b/local.rs"]
    );
    // What is tracked is followed although it is ignored.
    repo.git(&["add", "-f", "target/x.rs"]);
    repo.git(&["commit", "-q", "-m", "forced"]);
    repo.write("target/x.rs", "y\n");
    repo.write("target/y.rs", "y\n");
    assert!(dirty(&repo).contains(&"~target/x.rs".to_owned()) && !dirty(&repo).contains(&"+target/y.rs".to_owned()));
}

#[test]
fn f16_files_in_conflict_are_what_the_disk_has() {
    let repo = repo_of(&[("a.rs", "fn a() {}\n"), ("b.rs", "fn b() {}\n"), ("c.rs", "fn c() {}\n")]);
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.write("a.rs", "fn a(side: u8) {}\n");
    repo.write("b.rs", "fn b(side: u8) {}\n");
    fs::remove_file(repo.path().join("c.rs")).unwrap();
    repo.commit("side");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("a.rs", "fn a(main: u8) {}\n");
    fs::remove_file(repo.path().join("b.rs")).unwrap();
    repo.write("c.rs", "fn c(main: u8) {}\n");
    repo.commit("main");
    let open = || WorkTree::open(&repo.location(), &UserConfig::default(), &FileSelection::default()).unwrap().unwrap();
    let before = open().fingerprint();
    // both changed it, we removed it, they removed it
    repo.git(&["-c", "alias.conflicting=!! git merge -q side", "conflicting"]);
    assert_eq!(dirty(&repo), ["~a.rs", "+b.rs"]);
    let one_by_one = |path: &str| {
        let head: Vec<TreeEntry> = view(&repo).into_iter().filter(|entry| entry.path == path.into()).collect();
        open().candidates_among(&BTreeSet::from([path.into()]), &head).files.len()
    };
    assert_eq!(["a.rs", "b.rs", "c.rs"].map(one_by_one), [1; 3]);
    let text = |path: &str| fs::read_to_string(repo.path().join(path)).unwrap();
    let both = ["a.rs", "b.rs", "c.rs"].map(|path| open().has_both_sides(&path.into(), &text(path)));
    assert_eq!(both, [true, false, false]);
    let in_conflict = open().fingerprint();
    assert_ne!(in_conflict, before);
    repo.write("a.rs", "fn a(both: u8) {}\n");
    assert_ne!(open().fingerprint(), in_conflict);
    assert!(!open().has_both_sides(&"a.rs".into(), &text("a.rs")));
    repo.write("a.rs", "fn a(main: u8) {}\n");
    assert_eq!(dirty(&repo), ["+b.rs"], "resolved as ours");
}

#[test]
fn f39_before_the_first_commit_all_files_are_new() {
    let repo = TestRepo::new();
    repo.write(".gitignore", "*.log\n");
    repo.write("a.rs", "fn a() {}\n");
    repo.write("a.log", "a\n");
    assert_eq!(dirty(&repo), ["+.gitignore", "+a.rs"]);
    // What was committed and not checked out is not gone.
    repo.commit("one");
    fs::remove_file(repo.path().join(".git/index")).unwrap();
    let opened = WorkTree::open(&repo.location(), &UserConfig::default(), &FileSelection::default());
    assert!(opened.unwrap().is_none());
}

#[test]
fn f41_what_a_sparse_checkout_leaves_out_is_not_gone() {
    let repo = repo_of(&[("in/a.rs", "a\n"), ("out/b.rs", "b\n"), ("out/deep/c.rs", "c\n")]);
    for index in ["--no-sparse-index", "--sparse-index"] {
        repo.git(&["sparse-checkout", "set", "--cone", index, "in"]);
        assert!(!repo.path().join("out").exists());
        assert_eq!(dirty(&repo), [""; 0], "{index}");
        repo.write("in/a.rs", "other\n");
        assert_eq!(dirty(&repo), ["~in/a.rs"], "{index}");
        repo.write("in/a.rs", "a\n");
        repo.git(&["sparse-checkout", "disable"]);
        assert_eq!(dirty(&repo), [""; 0], "{index}");
    }
}

#[test]
fn other_line_ends_are_clean_and_edits_compare_as_committed() {
    let repo = TestRepo::new();
    repo.write(".gitattributes", "*.rs text eol=crlf\n*.md text\n");
    repo.write("a.rs", "fn a() {}\r\nfn b() {}\r\n");
    repo.commit("one");
    fs::remove_file(repo.path().join("a.rs")).unwrap();
    repo.git(&["checkout", "-q", "--", "a.rs"]);
    assert!(fs::read_to_string(repo.path().join("a.rs")).unwrap().contains("\r\n"));
    assert_eq!(dirty(&repo), [""; 0]);
    repo.write("a.rs", "fn a() {}\nfn b() {}\n");
    assert_eq!(dirty(&repo), [""; 0], "the same lines");
    repo.write("a.rs", "fn a() {}\r\nfn c() {}\r\n");
    assert_eq!(dirty(&repo), ["~a.rs"]);
    let deny = FileSelection::default();
    let user = UserConfig::default();
    let mut tree = WorkTree::open(&repo.location(), &user, &deny).unwrap().unwrap();
    let read = tree.read(&"a.rs".into()).unwrap();
    assert!(matches!(read, Committable::Content { bytes, .. } if bytes == b"fn a() {}\nfn c() {}\n"));
    // The user's own setting, for a file that no attribute speaks of.
    repo.write("plain.txt", "one\ntwo\n");
    repo.commit("two");
    repo.write("plain.txt", "one\r\ntwo\r\n");
    assert_eq!(dirty(&repo), ["~plain.txt"]);
    let auto = user_with(&repo, "[core]\n\tautocrlf = true\n");
    assert_eq!(dirty_for(&repo, &auto), [""; 0]);
}

#[test]
fn f42_filters_never_run_and_their_files_count_by_attributes() {
    let repo = TestRepo::new();
    let (canary, script) = (repo.outside("canary"), repo.outside("filter.sh"));
    fs::write(&script, format!("#!/bin/sh\ntouch {}\ntr a-z A-Z\n", canary.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    repo.git(&["config", "filter.upper.clean", script.to_str().unwrap()]);
    repo.git(&["config", "core.fsmonitor", script.to_str().unwrap()]);
    repo.write(".gitattributes", "*.rs filter=upper\n");
    repo.write("a.rs", "fn a() {}\n");
    repo.write("plain.txt", "x\n");
    repo.commit("one");
    assert_eq!(repo.git(&["show", "HEAD:a.rs"]), "FN A() {}");
    fs::remove_file(&canary).unwrap();
    assert_eq!(dirty(&repo), [""; 0], "its content is another, its attributes are the index's");
    repo.write("a.rs", "fn a() { longer }\n");
    assert_eq!(dirty(&repo), ["~a.rs"]);
    assert!(!canary.exists());
}

#[test]
fn f44_links_pipes_and_other_repositories_are_passed_over() {
    let repo = repo_of(&[("a.rs", "a\n"), ("dir/b.rs", "b\n"), ("dir/c.rs", "c\n")]);
    let secret = repo.outside("secret.rs");
    fs::write(&secret, "secret\n").unwrap();
    symlink(&secret, repo.path().join("link.rs")).unwrap();
    symlink(".", repo.path().join("loop")).unwrap();
    let make_pipe = |path: &str| {
        fs::create_dir_all(repo.path().join(path).parent().unwrap()).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(repo.path().join(path)).status().unwrap().success());
    };
    make_pipe("pipe.rs");
    make_pipe("trap/.gitignore");
    repo.write("trap/x.rs", "");
    fs::create_dir(repo.path().join("nested")).unwrap();
    repo.git(&["init", "-q", "nested"]);
    repo.write("nested/n.rs", "");
    assert_eq!(dirty(&repo), [""; 0]);
    // A tracked file, and a tracked directory, in whose place a link lies: what it names is gone.
    fs::remove_file(repo.path().join("a.rs")).unwrap();
    symlink(&secret, repo.path().join("a.rs")).unwrap();
    fs::rename(repo.path().join("dir"), repo.outside("dir")).unwrap();
    symlink(repo.outside("dir"), repo.path().join("dir")).unwrap();
    assert_eq!(dirty(&repo), ["-a.rs", "-dir/b.rs", "-dir/c.rs"]);
}

#[test]
fn f27_ignored_directories_are_watched_once_no_longer_ignored() {
    let repo = repo_of(&[(".gitignore", "build/\nforced/\n"), ("src/deep/a.rs", "a\n")]);
    for path in ["build/x/y.o", "node_modules/a/b/c.js", "forced/sub/t.rs", "forced/other/u.rs", "new/n.rs", ".aws/x"] {
        repo.write(path, "x");
    }
    repo.git(&["add", "-f", "forced/sub/t.rs"]);
    let deny = FileSelection::default();
    let user = UserConfig::default();
    let open = || WorkTree::open(&repo.location(), &user, &deny).unwrap().unwrap();
    let watched = || -> BTreeSet<String> {
        let found = open().directories().unwrap();
        found.into_iter().map(|dir| String::from_utf8(dir).unwrap()).collect()
    };
    let plain = ["", "forced", "forced/sub", "new", "src", "src/deep"].map(str::to_owned);
    assert_eq!(watched(), BTreeSet::from(plain.clone()));
    let concerns = |path: &str| open().concerns(&path.into());
    for path in ["src/deep/a.rs", "src", "forced/sub/t.rs", "new/gone.rs", "forced"] {
        assert!(concerns(path), "{path}");
    }
    for path in ["build", "build/x/y.o", "node_modules/a", "forced/other/u.rs", "src/.a.swp", ".env"] {
        assert!(!concerns(path), "{path}");
    }
    repo.write(".gitignore", "forced/\n");
    let more = plain.into_iter().chain(["build".to_owned(), "build/x".to_owned()]);
    assert_eq!(watched(), more.collect());
}

#[test]
fn what_another_repository_or_git_has_is_no_file_of_this_one() {
    let repo = repo_of(&[("a.rs", "a\n"), ("own/b.rs", "b\n")]);
    for nested in ["nested", "own/deep"] {
        fs::create_dir_all(repo.path().join(nested)).unwrap();
        repo.git(&["init", "-q", nested]);
        repo.write(&format!("{nested}/src/n.rs"), "");
    }
    // As of a linked work tree.
    repo.write("linked/.git", "gitdir: elsewhere\n");
    repo.write("linked/l.rs", "");
    repo.write("own/new.rs", "");
    let user = UserConfig::default();
    let mut tree = WorkTree::open(&repo.location(), &user, &FileSelection::default()).unwrap().unwrap();
    let others = [".git/config", "nested/src/n.rs", "nested/.git/config", "nested", "own/deep/src/n.rs", "linked/l.rs"];
    for path in others {
        assert!(!tree.concerns(&path.into()), "{path}");
    }
    assert!(tree.concerns(&"own/new.rs".into()));
    let asked: BTreeSet<FilePath> = others.into_iter().chain(["own/new.rs"]).map(FilePath::from).collect();
    let found = tree.candidates_among(&asked, &[]).files;
    assert_eq!(found.into_iter().map(|found| found.path.to_string()).collect::<Vec<_>>(), ["own/new.rs"]);
}

#[test]
fn too_many_untracked_files_are_left_out_together() {
    let repo = repo_of(&[("a.rs", "a\n")]);
    for n in 0..=UNTRACKED_MAX {
        repo.write(&format!("many/{n}.rs"), "");
    }
    repo.write("a.rs", "b\n");
    let (deny, user, view) = (FileSelection::default(), UserConfig::default(), view(&repo));
    let found = WorkTree::open(&repo.location(), &user, &deny).unwrap().unwrap().candidates(&view);
    assert!(found.too_many_untracked && found.files.len() == 1);
    fs::remove_file(repo.path().join("many/0.rs")).unwrap();
    let found = WorkTree::open(&repo.location(), &user, &deny).unwrap().unwrap().candidates(&view);
    assert!(!found.too_many_untracked && found.files.len() == 1 + UNTRACKED_MAX);
}

/// Git's own word: HEAD against the work tree, and what is neither tracked nor ignored.
fn dirty_by_git(repo: &TestRepo) -> Vec<String> {
    let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let mut dirty: BTreeSet<(String, char)> = BTreeSet::new();
    for line in lines(repo.git(&["diff", "--no-renames", "--name-status", "HEAD"])) {
        let (status, path) = line.split_once('\t').unwrap();
        let sign = match status {
            "A" => '+',
            "M" => '~',
            "D" if repo.path().join(path).exists() => continue, // the list of untracked files has it, if its content differs
            "D" => '-',
            other => panic!("{other}"),
        };
        dirty.insert((path.to_owned(), sign));
    }
    for path in lines(repo.git(&["ls-files", "--others", "--exclude-standard"])) {
        let committed = repo.try_git(&["cat-file", "-e", &format!("HEAD:{path}")]);
        let same = || repo.git(&["rev-parse", &format!("HEAD:{path}")]) == repo.git(&["hash-object", &path]);
        match committed {
            true if same() => {}
            true => drop(dirty.insert((path, '~'))),
            false => drop(dirty.insert((path, '+'))),
        }
    }
    dirty.into_iter().map(|(path, sign)| format!("{sign}{path}")).collect()
}

#[test]
fn after_any_steps_what_differs_is_what_git_says() {
    for seed in 1..=6_u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut below = |limit: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % limit
        };
        let repo = repo_of(&[("a.rs", "a\n"), ("d/b.rs", "b\n"), ("d/e/c.rs", "c\n"), (".gitignore", "*.o\nout/\n")]);
        for step in 0..25 {
            let path =
                ["a.rs", "d/b.rs", "d/e/c.rs", "n.rs", "d/n.rs", "x/y/n.rs", "d/n.o", "out/n.rs"][below(8) as usize];
            match below(10) {
                0..=3 => {
                    if !repo.path().join(path).is_dir() {
                        repo.write(path, format!("{}\n", below(3)));
                    }
                }
                4 => drop(fs::remove_file(repo.path().join(path))),
                5 => drop(repo.try_git(&["add", "-A"])),
                6 => drop(repo.try_git(&["rm", "-q", "--cached", "--ignore-unmatch", path])),
                7 => drop(repo.try_git(&["mv", "-f", path, "d/moved.rs"])),
                8 => repo.write(".gitignore", ["*.o\nout/\n", "*.o\n", "n.rs\n"][below(3) as usize]),
                _ => repo.commit("step"),
            }
            assert_eq!(dirty(&repo), dirty_by_git(&repo), "seed {seed}, step {step}");
        }
    }
}

/// A file that `git status` reports as clean is clean, whatever its encoding in the work tree; one that is edited is seen as UTF-8.
#[test]
fn a_clean_file_in_another_encoding_is_not_modified() {
    let repo = TestRepo::new();
    let utf16 =
        |text: &str| [&b"\xff\xfe"[..], &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat();
    let kinds: [(&str, &str, Vec<u8>, &str); 8] = [
        ("a.u16", "text working-tree-encoding=UTF-16", utf16("// \u{e9}\nfn one() {}\n"), "// \u{e9}\nfn one() {}\n"),
        ("a.lebom", "text working-tree-encoding=UTF-16LE-BOM", utf16("fn two() {}\n"), "fn two() {}\n"),
        ("a.crlf", "text eol=crlf working-tree-encoding=UTF-16", utf16("a\r\n\u{65e5}\r\n"), "a\n\u{65e5}\n"),
        ("a.sjis", "text working-tree-encoding=SHIFT-JIS", b"\x93\xfa\x96\x7b\n".to_vec(), "\u{65e5}\u{672c}\n"),
        ("a.euc", "text working-tree-encoding=EUC-JP", b"\xc6\xfc\xcb\xdc\n".to_vec(), "\u{65e5}\u{672c}\n"),
        ("a.gb", "text working-tree-encoding=GB18030", b"\xd6\xd0\xce\xc4\n".to_vec(), "\u{4e2d}\u{6587}\n"),
        ("a.l1", "text working-tree-encoding=ISO-8859-1", b"\xe9\x85\x93\n".to_vec(), "\u{e9}\u{85}\u{93}\n"),
        ("a.ebcdic", "text working-tree-encoding=IBM037", b"\x81\x82\x25".to_vec(), ""),
    ];
    let attributes: String = kinds.iter().map(|(name, how, ..)| format!("*{} {how}\n", &name[1..])).collect();
    repo.write(".gitattributes", attributes);
    kinds.iter().for_each(|(name, _, bytes, _)| repo.write(name, bytes));
    repo.commit("one");
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    // Another time of writing, which the index does not know.
    kinds.iter().for_each(|(name, _, bytes, _)| repo.write(name, bytes));
    assert_eq!(dirty(&repo), [""; 0]);
    let mut tree =
        WorkTree::open(&repo.location(), &UserConfig::default(), &FileSelection::default()).unwrap().unwrap();
    for (name, _, bytes, text) in kinds.iter().filter(|(.., text)| !text.is_empty()) {
        repo.write(name, bytes);
        let Committable::Content { bytes, .. } = tree.read(&(*name).into()).unwrap() else { panic!("{name}") };
        assert_eq!(String::from_utf8(bytes).unwrap(), *text, "{name}");
    }
}
