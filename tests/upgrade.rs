//! The promise: an upgrade opens what every earlier version has stored, and an older program leaves what it does not know alone and names the way
//! out.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;

use crate::support::{TestAgent, TestRepo, untouched, wait_until};

const FILES: [(&str, &str); 3] = [
    ("src/lib.rs", "pub mod two;\npub fn one() -> u32 {\n    two::two_of_them()\n}\n"),
    ("src/two.rs", "pub fn two_of_them() -> u32 {\n    2\n}\n"),
    ("Cargo.toml", "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
];

/// An agent that has stopped after it indexed a repository.
struct Stopped {
    agent: TestAgent,
    repo: TestRepo,
}

impl Stopped {
    fn new() -> Self {
        let mut agent = TestAgent::without_model();
        let repo = TestRepo::with_files(FILES);
        agent.start();
        agent.ok(["register", repo.path().to_str().unwrap()]);
        agent.wait();
        agent.stop();
        Self { agent, repo }
    }

    fn database(&self, kind: &str) -> PathBuf {
        if kind == "agent" {
            return self.agent.home().join("agent.db");
        }
        let id = self.agent.json(["repos"])["repos"][0]["id"].as_str().unwrap().to_owned();
        self.agent.home().join("cache/repos").join(id).join("analysis.db")
    }

    /// The daemon takes the state over, everything becomes fresh, and what is stored is what a rebuild gives.
    #[track_caller]
    fn assert_taken_over(&self, what: &str) {
        self.agent.ok(["daemon", "start"]);
        self.agent.wait();
        let status = self.agent.json(["status"]);
        assert_eq!(status["repos"][0]["fresh"], json!(FILES.len()), "{what}: {status:#}");
        let found = self.agent.json(["search", "two_of_them"]);
        assert_eq!(found["hits"][0]["path"], "src/two.rs", "{what}: {found:#}");
        let verified = self.agent.run(["cache", "verify"]);
        assert_eq!(verified.code, Some(0), "{what}: {verified:?}");
        self.agent.ok(["daemon", "stop"]);
    }
}

/// The migrations of a kind of database, in order: a version of the schema is the first so many.
fn migrations(kind: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(kind);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// Makes a database of an earlier schema, with what of each table's rows the schema had then.
fn rewrite(path: &Path, migrations: &[String]) {
    let (now, old) = (path.with_extension("now"), path);
    std::fs::rename(path, &now).unwrap();
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    let db = Connection::open(old).unwrap();
    db.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;").unwrap();
    migrations.iter().for_each(|sql| db.execute_batch(sql).unwrap());
    db.pragma_update(None, "user_version", migrations.len()).unwrap();
    db.execute("ATTACH ?1 AS now", [now.to_str().unwrap()]).unwrap();
    let names = |sql: &str| -> Vec<String> {
        let mut statement = db.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    // the index of words has no text of its own to be copied
    let tables = names(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT GLOB 'chunk_text*' AND name NOT GLOB 'sqlite_*'",
    );
    for table in tables {
        let columns = names(&format!(
            "SELECT o.name FROM pragma_table_info('{table}', 'main') o JOIN pragma_table_info('{table}', 'now') n USING (name)"
        ));
        let columns = columns.join(", ");
        db.execute_batch(&format!(
            "DELETE FROM main.{table}; INSERT INTO main.{table} ({columns}) SELECT {columns} FROM now.{table};"
        ))
        .unwrap();
    }
    db.execute_batch("DETACH now").unwrap();
    drop(db);
    std::fs::remove_file(now).unwrap();
}

#[test]
fn the_state_of_every_earlier_registry_is_taken_over() {
    let all = migrations("agent");
    let stopped = Stopped::new();
    for version in 1..all.len() {
        rewrite(&stopped.database("agent"), &all[..version]);
        let before = stopped.agent.run(["status"]);
        assert!(before.stderr.contains("earlier ra-agent") && before.stderr.contains("daemon start"), "{before:?}");
        stopped.assert_taken_over(&format!("agent.db of schema {version}"));
    }
}

/// Later migrations only add to the store, so what they added can be taken out. What it was before is in a story about searching.
const ADDED_TO_SINCE: usize = 11;

#[test]
fn the_state_of_the_last_schemas_of_a_store_is_taken_over() {
    let all = migrations("analysis");
    let stopped = Stopped::new();
    for version in ADDED_TO_SINCE..all.len() {
        let db = Connection::open(stopped.database("analysis")).unwrap();
        for sql in &all[version..] {
            for (create, drop) in [("TRIGGER", "TRIGGER"), ("TABLE", "TABLE"), ("VIRTUAL TABLE", "TABLE")] {
                let create = format!("CREATE {create} ");
                let made = sql.split(&create).skip(1).map(|rest| rest.split_whitespace().next().unwrap());
                made.for_each(|name| db.execute_batch(&format!("DROP {drop} {name}")).unwrap());
            }
        }
        db.pragma_update(None, "user_version", version).unwrap();
        drop(db);
        stopped.assert_taken_over(&format!("analysis.db of schema {version}"));
    }
}

#[test]
fn an_older_program_leaves_a_newer_state_alone() {
    let stopped = Stopped::new();
    let repo = stopped.repo.path().to_str().unwrap().to_owned();
    for kind in ["agent", "analysis"] {
        let path = stopped.database(kind);
        let known = migrations(kind).len();
        let newer =
            |version: usize| Connection::open(&path).unwrap().pragma_update(None, "user_version", version).unwrap();
        newer(99);
        let bytes = std::fs::read(&path).unwrap();
        for args in [&["status"][..], &["search", "two"], &["deps", &repo], &["doctor"], &["try", &repo]] {
            let output = untouched(stopped.repo.path(), || stopped.agent.run(args));
            let said = format!("{}{}", output.stdout, output.stderr);
            assert!(said.contains("newer ra-agent") && said.contains("install that version again"), "{args:?}: {said}");
        }
        if kind == "agent" {
            for args in [&["daemon", "start"][..], &["register", &repo], &["register", &repo, "--start"]] {
                let refused = stopped.agent.run(args);
                assert!(refused.code == Some(1) && refused.stderr.contains("newer ra-agent"), "{args:?}: {refused:?}");
            }
        }
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "nothing is written in it");
        newer(known);
        stopped.assert_taken_over("the state of this version again");
    }
}

const SOON: Duration = Duration::from_secs(30);

/// A downgrade by package while the agent runs: the older program says no, and the agent goes on instead of ending.
#[test]
fn a_running_agent_becomes_none_that_cannot_read_its_state() {
    let stopped = Stopped::new();
    let agent = &stopped.agent;
    let (built, installed) = (Path::new(env!("CARGO_BIN_EXE_ra-agent")), agent.home().join("program"));
    std::fs::hard_link(built, &installed).or_else(|_| std::fs::copy(built, &installed).map(drop)).unwrap();
    let environment = agent.command(["daemon", "run"]);
    let environment = environment.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let mut daemon = Command::new(&installed);
    daemon.args(["daemon", "run"]).env_clear().envs(environment).env("WATCHDOG_USEC", "200000");
    let log = std::fs::File::create(agent.user_home().join("log")).unwrap();
    let mut daemon = daemon.env("NOTIFY_SOCKET", agent.home().join("none")).stderr(Stdio::from(log)).spawn().unwrap();
    wait_until(SOON, "it answers", || agent.run(["wait"]).code == Some(0));
    let older =
        "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho 'agent.db was written by a newer ra-agent' >&2\nexit 1\n";
    let new = agent.home().join("older");
    std::fs::write(&new, older).unwrap();
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(&new, &installed).unwrap();
    wait_until(SOON, "the older one is refused", || {
        std::fs::read_to_string(agent.user_home().join("log"))
            .unwrap()
            .contains("is older and does not know this state")
    });
    let commit = stopped.repo.commit("after the downgrade");
    wait_until(SOON, "the commit is indexed", || agent.json(["repos"])["repos"][0]["indexed_commit"] == json!(commit));
    agent.ok(["daemon", "stop"]);
    assert!(daemon.wait().unwrap().success());
}
