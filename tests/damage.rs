//! The promise: one bad part of a repository costs the files that need it. They are listed with the reason, the rest is indexed, and
//! what is repaired is picked up.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{TestAgent, TestRepo, untouched, wait_until};

const FILES: [(&str, &str); 4] = [
    ("src/lib.rs", "pub fn albatross() {}\n"),
    ("src/deep/one.rs", "pub fn bittern() {}\n"),
    ("src/deep/two.rs", "pub fn curlew() {}\n"),
    ("docs/notes.md", "# Dunlin\n"),
];

struct Shore {
    agent: TestAgent,
    repo: TestRepo,
}

impl Shore {
    fn new() -> Self {
        let mut agent = TestAgent::without_model();
        // What is in the work tree is not read: it would hide what is missing. A commit is taken in when it is asked for, not before it is
        // damaged.
        agent.write_config("[watch]\ntree = false\ndebounce_ms = 60000\n");
        agent.start();
        Self { agent, repo: TestRepo::with_files(FILES) }
    }

    fn register(&self) {
        untouched(self.repo.path(), || {
            self.agent.ok(["register", self.repo.path().to_str().unwrap()]);
            self.agent.wait();
        });
    }

    fn finds(&self, item: &str) -> bool {
        let found = self.agent.json(["search", item]);
        found["hits"].as_array().unwrap().iter().any(|hit| hit["entity_name"] == json!(item))
    }

    fn status(&self) -> Value {
        self.agent.json(["status"])["repos"][0].clone()
    }

    fn shown(&self, path: &str) -> Value {
        self.agent.json(["show", self.repo.path().join(path).to_str().unwrap()])
    }

    fn loose(&self, of: &str) -> PathBuf {
        let id = self.repo.git(&["rev-parse", of]);
        self.repo.git_dir().join("objects").join(&id[..2]).join(&id[2..])
    }
}

fn overwrite(path: &Path, bytes: &[u8]) -> Vec<u8> {
    let sound = std::fs::read(path).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(path, bytes).unwrap();
    sound
}

#[test]
fn f39_a_blob_that_cannot_be_read_costs_its_file_until_repaired() {
    let shore = Shore::new();
    let file = shore.loose("HEAD:src/deep/one.rs");
    let sound = overwrite(&file, b"");
    shore.register();
    assert!(shore.finds("albatross") && shore.finds("curlew") && !shore.finds("bittern"));
    let status = shore.status();
    assert_eq!(
        (&status["error"], &status["skipped"], &status["files"]),
        (&Value::Null, &json!(1), &json!(3)),
        "{status}"
    );
    let shown = shore.shown("src/deep/one.rs");
    assert_eq!(shown["skipped"], json!("unreadable"), "{shown}");
    assert!(shown["skipped_why"].as_str().is_some_and(|why| why.contains("cannot be read")), "{shown}");
    let text = shore.agent.ok(["show", shore.repo.path().join("src/deep/one.rs").to_str().unwrap()]);
    assert!(text.contains("unreadable: the object"), "{text}");
    // The next commits go on.
    shore.repo.write("src/more.rs", "pub fn egret() {}\n");
    shore.repo.git(&["add", "src/more.rs"]);
    shore.repo.git(&["commit", "--quiet", "--message", "more"]);
    shore.agent.wait();
    assert!(shore.finds("egret") && !shore.finds("bittern"));
    overwrite(&file, &sound);
    shore.agent.wait();
    assert!(shore.finds("bittern"), "{}", shore.agent.log());
    assert_eq!(shore.status()["skipped"], json!(0));
    shore.agent.ok(["cache", "verify"]);
}

#[test]
fn f39_a_tree_that_cannot_be_read_keeps_what_was_below_it() {
    let shore = Shore::new();
    shore.register();
    shore.repo.write("src/deep/two.rs", "pub fn fulmar() {}\n");
    shore.repo.write("src/lib.rs", "pub fn gannet() {}\n");
    shore.repo.git(&["add", "-A"]);
    shore.repo.git(&["commit", "--quiet", "--message", "two"]);
    let file = shore.loose("HEAD:src/deep");
    let sound = overwrite(&file, b"garbage");
    shore.agent.wait();
    assert!(shore.finds("gannet") && shore.finds("bittern") && shore.finds("curlew"));
    assert!(shore.status()["error"].is_null(), "{}", shore.status());
    assert_eq!(shore.shown("src/deep")["skipped"], json!("unreadable"));
    shore.agent.ok(["cache", "verify"]);
    overwrite(&file, &sound);
    shore.agent.wait();
    assert!(shore.finds("fulmar"), "{}", shore.agent.log());
    assert_eq!(shore.status()["skipped"], json!(0));
    shore.agent.ok(["cache", "verify"]);
}

/// The timer looks whether what could not be read can be read again.
#[test]
fn f39_what_is_repaired_is_noticed_without_a_commit() {
    let mut shore = Shore::new();
    let file = shore.loose("HEAD:src/lib.rs");
    let sound = overwrite(&file, b"");
    shore.agent.stop();
    shore.agent.write_config("[watch]\ntree = false\npoll_secs = 1\n");
    shore.agent.start();
    shore.register();
    assert!(!shore.finds("albatross"));
    overwrite(&file, &sound);
    wait_until(Duration::from_secs(60), "the repaired file", || shore.finds("albatross"));
}

#[test]
fn f39_damaged_auxiliary_files_cost_nothing() {
    let shore = Shore::new();
    let repo = &shore.repo;
    repo.git(&["repack", "-q", "-d"]);
    repo.write("src/more.rs", "pub fn egret() {}\n");
    repo.commit("more");
    repo.git(&["repack", "-q", "-d"]);
    repo.git(&["multi-pack-index", "write"]);
    repo.git(&["commit-graph", "write", "--reachable"]);
    for file in ["objects/pack/multi-pack-index", "objects/info/commit-graph"] {
        let path = repo.git_dir().join(file);
        let sound = std::fs::read(&path).unwrap();
        overwrite(&path, &sound[..sound.len() / 2]);
    }
    shore.register();
    assert!(shore.finds("albatross") && shore.finds("egret"));
    let status = shore.status();
    assert_eq!((&status["error"], &status["skipped"]), (&Value::Null, &json!(0)), "{status}");
}

/// Without the index, what is saved is not followed; what is committed is.
#[test]
fn f39_a_damaged_index_costs_the_work_tree_alone() {
    let mut shore = Shore::new();
    shore.agent.stop();
    shore.agent.write_config("");
    shore.agent.start();
    let index = shore.repo.git_dir().join("index");
    let sound = overwrite(&index, b"DIRC garbage");
    shore.register();
    assert!(shore.finds("albatross") && shore.finds("bittern"));
    let status = shore.status();
    assert!(status["error"].is_null() && status["not_followed"].is_string(), "{status}");
    overwrite(&index, &sound);
    shore.repo.write("src/lib.rs", "pub fn gannet() {}\n");
    shore.agent.wait();
    assert!(shore.finds("gannet"), "{}", shore.agent.log());
    assert!(shore.status()["not_followed"].is_null(), "{}", shore.status());
}
