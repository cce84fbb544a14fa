//! The promise: `register` makes the right place known, refuses what must not be, and says why; nothing is written in the repository.

use std::path::{Path, PathBuf};

use ra_agent::domain::Hash;
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt;

use crate::support::{Jobs, TestAgent, TestRepo, left_out, untouched};

const FILES: [(&str, &str); 2] =
    [("src/lib.rs", "pub fn one() -> u32 {\n    1\n}\n"), ("src/deep/two.rs", "pub fn two() -> u32 {\n    2\n}\n")];

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What is registered: each path with its id.
#[track_caller]
fn registered(agent: &TestAgent) -> Vec<(String, String)> {
    let repos = agent.json(["repos"]);
    let field = |repo: &Value, name: &str| repo[name].as_str().unwrap().to_owned();
    repos["repos"].as_array().unwrap().iter().map(|repo| (field(repo, "repo"), field(repo, "id"))).collect()
}

fn id_of(path: &Path) -> String {
    Hash::of(path.as_os_str().as_bytes()).to_string()[..8].to_owned()
}

fn cache_of(agent: &TestAgent, id: &str) -> PathBuf {
    agent.home().join("cache/repos").join(id)
}

/// Registering `path` must be refused, with exit code 1, these words, and nothing known afterwards.
#[track_caller]
fn refused(agent: &TestAgent, path: &Path, words: &[&str]) {
    let output = agent.run(["register", text(path)]);
    assert_eq!(output.code, Some(1), "{output:?}");
    for word in words {
        assert!(output.stderr.contains(word), "{word:?} is not in: {}", output.stderr);
    }
    assert_eq!(registered(agent), []);
}

#[test]
fn a_path_inside_and_a_link_register_the_work_tree_once() {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    let link = repo.outside("link");
    std::os::unix::fs::symlink(repo.path(), &link).unwrap();
    untouched(repo.path(), || {
        for path in [repo.path().join("src/deep"), repo.path().join("src/lib.rs"), link, repo.path().to_owned()] {
            agent.ok(["register", text(&path)]);
        }
    });
    assert_eq!(registered(&agent), [(text(repo.path()).to_owned(), id_of(repo.path()))]);
}

#[test]
fn meta_json_says_whose_store_it_is() {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    agent.ok(["register", text(repo.path())]);
    let meta = std::fs::read_to_string(cache_of(&agent, &id_of(repo.path())).join("meta.json")).unwrap();
    let meta: Value = serde_json::from_str(&meta).unwrap();
    assert_eq!(
        meta,
        json!({
            "path": repo.path(),
            "hash": Hash::of(repo.path().as_os_str().as_bytes()).to_string(),
            "schema_version": 1,
            "git_dir": repo.git_dir(),
            "root_commit": repo.head(),
        })
    );
}

#[test]
fn f17_and_f18_a_linked_worktree_and_a_bare_one_are_themselves() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    let (linked, bare) = (repo.outside("linked"), repo.outside("bare.git"));
    repo.git(&["worktree", "add", "--quiet", "-b", "side", text(&linked)]);
    repo.git(&["clone", "--quiet", "--bare", ".", text(&bare)]);
    agent.start();
    untouched(repo.outside("").as_path(), || {
        agent.ok(["register", text(&linked.join("src"))]);
        agent.ok(["register", text(&bare)]);
        agent.wait();
    });
    let known = registered(&agent);
    assert_eq!(known.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), [text(&bare), text(&linked)]);
    // a commit in each is found under each
    repo.git(&["-C", text(&linked), "commit", "--quiet", "--allow-empty", "--message", "on the side"]);
    repo.git(&["push", "--quiet", text(&bare), "side:main"]);
    agent.wait();
    let status = agent.json(["status"]);
    let head = repo.git(&["rev-parse", "side"]);
    for repo in status["repos"].as_array().unwrap() {
        assert_eq!((&repo["files"], &repo["fresh"]), (&json!(2), &json!(2)), "{repo}");
        assert_eq!(repo["indexed_commit"], json!(head), "{repo}");
    }
}

#[test]
fn a_word_or_another_work_tree_inside_names_no_repository() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    agent.start();
    agent.ok(["register", text(repo.path())]);
    agent.wait();
    let (linked, clone) = (repo.path().join(".worktrees/side"), repo.path().join("vendored"));
    repo.git(&["worktree", "add", "--quiet", "-b", "side", text(&linked)]);
    repo.git(&["clone", "--quiet", ".", text(&clone)]);
    let verbs: [&[&str]; 8] = [
        &["unregister"],
        &["reconcile"],
        &["deps"],
        &["wait", "--repo"],
        &["search", "one", "--repo"],
        &["queue", "list", "--repo"],
        &["cache", "verify"],
        &["cache", "clear", "--repo"],
    ];
    let refused_in = |dir: &Path, named: &str| {
        for verb in verbs {
            let output = agent.command(verb.iter().chain([&named])).current_dir(dir).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(4), "{verb:?} {named} in {}: {said}", dir.display());
            assert!(said.contains("not registered"), "{said}");
        }
    };
    for dir in [repo.path().to_owned(), repo.path().join("src")] {
        refused_in(&dir, "othername");
        refused_in(&dir, "not/there");
    }
    for dir in [&linked, &clone, &linked.join("src")] {
        refused_in(dir, ".");
    }
    assert_eq!(registered(&agent).len(), 1);
    for (dir, named) in [(repo.path().to_owned(), "."), (repo.path().join("src"), "deep"), (linked, "../../src/lib.rs")]
    {
        let output = agent.command(["reconcile", named]).current_dir(&dir).output().unwrap();
        assert!(output.status.success(), "{named} in {}: {output:?}", dir.display());
    }
    // Its place names it when nothing is there any more.
    std::fs::rename(repo.path(), repo.outside("away")).unwrap();
    agent.ok(["unregister", text(repo.path())]);
}

#[test]
fn what_must_not_be_registered_is_refused_with_its_reason() {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    let plain = repo.outside("plain");
    std::fs::create_dir(&plain).unwrap();
    refused(&agent, &repo.outside("missing"), &["missing does not exist", "check the path"]);
    refused(&agent, &plain, &["plain is not in a Git repository"]);
    refused(&agent, Path::new("/"), &["/ is not in a Git repository"]);

    let home = agent.user_home();
    repo.git(&["init", "--quiet", text(&home)]);
    refused(&agent, &home, &["too wide", "$HOME"]);

    let inside = agent.home().join("models/repo");
    std::fs::create_dir_all(&inside).unwrap();
    repo.git(&["init", "--quiet", text(&inside)]);
    refused(&agent, &inside, &["is inside the agent's own directory"]);

    let around = agent.home().parent().unwrap().to_owned();
    repo.git(&["init", "--quiet", text(&around)]);
    refused(&agent, &around, &["contains the agent's own directory", "RA_AGENT_HOME"]);
    assert!(!agent.home().join("agent.db").exists(), "a refusal leaves nothing behind");
}

/// FAILURES 43. Giving a file away needs a superuser.
#[test]
fn f43_a_repository_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        left_out("all", "only a superuser can give a repository to another user");
        return;
    }
    const NOBODY: u32 = 65_534;
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    std::os::unix::fs::chown(repo.path(), Some(NOBODY), None).unwrap();
    refused(&agent, repo.path(), &["belongs to another user (uid 65534"]);
}

#[test]
fn f37_reftables_are_told_to_be_unsupported() {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    std::fs::create_dir(repo.git_dir().join("reftable")).unwrap();
    refused(&agent, repo.path(), &["unsupported: reftable", "git refs migrate"]);
}

#[test]
fn a_dry_run_tells_the_size_and_writes_nothing() {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files([
        ("src/lib.rs", "pub fn one() -> u32 {\n    1\n}\n"),
        ("README.md", "# One\n\nIt is one.\n"),
        (".env", "KEY=1\n"),
        ("Cargo.lock", "version = 4\n"),
    ]);
    let estimate = untouched(repo.path(), || {
        let said = agent.ok(["register", text(repo.path()), "--dry-run"]);
        assert!(said.contains("nothing was written") && said.contains("2 files"), "{said}");
        agent.json(["register", text(repo.path()), "--dry-run"])
    });
    assert_eq!((&estimate["files"], &estimate["local_usd"]), (&json!(2), &json!(0.0)), "{estimate}");
    assert_eq!(estimate["skipped"], json!({"denied": 1, "generated": 1}));
    assert_eq!(estimate["languages"]["rust"]["files"], json!(1), "{estimate}");
    assert!(estimate["input_tokens"].as_u64() > Some(0) && estimate["estimated_usd"].as_f64() > Some(0.0));
    assert!(!agent.home().exists(), "a dry run makes no home");
}

#[test]
fn unregister_removes_the_cache_and_what_waits_in_the_queue() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    let id = id_of(repo.path());
    agent.start();
    agent.ok(["register", text(repo.path())]);
    agent.wait();
    let inbox = agent.home().join("run/inbox").join(&id);
    assert!(cache_of(&agent, &id).join("analysis.db").exists() && inbox.exists());
    untouched(repo.path(), || agent.ok(["unregister", text(&repo.path().join("src"))]));
    assert!(!cache_of(&agent, &id).exists() && !inbox.exists());
    assert_eq!(registered(&agent), []);
    assert!(Jobs::of(&agent).0.is_empty());
    agent.wait();

    // and it can come back
    agent.ok(["register", text(repo.path())]);
    agent.wait();
    assert_eq!(agent.json(["status"])["repos"][0]["fresh"], json!(2));
    agent.ok(["unregister", &id, "--keep-cache"]);
    assert!(cache_of(&agent, &id).join("analysis.db").exists());
}

#[test]
fn f31_a_moved_repository_keeps_its_id_its_successor_does_not() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    let id = id_of(repo.path());
    agent.start();
    agent.ok(["register", text(repo.path())]);
    agent.wait();
    let before = Jobs::of(&agent);
    let moved = repo.outside("moved");
    std::fs::rename(repo.path(), &moved).unwrap();
    agent.wait();
    let missing = agent.json(["status"])["repos"][0].clone();
    assert!(missing["error"].as_str().is_some_and(|error| error.contains(text(repo.path()))), "{missing}");

    let said = agent.ok(["register", text(&moved)]);
    assert!(said.contains("moved from"), "{said}");
    assert_eq!(registered(&agent), [(text(&moved).to_owned(), id.clone())]);
    agent.wait();
    assert!(Jobs::since(&agent, &before).0.is_empty(), "everything was known");
    let status = agent.json(["status"])["repos"][0].clone();
    assert_eq!((&status["fresh"], &status["error"]), (&json!(2), &Value::Null), "{status}");

    // another history at the old path
    std::fs::create_dir(repo.path()).unwrap();
    repo.git(&["init", "--quiet", "--initial-branch=main"]);
    repo.write("src/other.rs", "pub fn other() {}\n");
    repo.commit("another history");
    agent.ok(["register", text(repo.path())]);
    agent.wait();
    let known = registered(&agent);
    assert_eq!(known.len(), 2);
    let known: Vec<&str> = known.iter().filter(|(_, known)| *known == id).map(|(path, _)| path.as_str()).collect();
    assert_eq!(known, [text(&moved)]);
    let files: Vec<Value> =
        agent.json(["status"])["repos"].as_array().unwrap().iter().map(|repo| repo["files"].clone()).collect();
    assert_eq!(files, [json!(2), json!(1)]);
}
