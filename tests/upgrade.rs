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

/// Where a column of an earlier schema has its rows now, if not under its own name.
fn written_otherwise(table: &str, column: &str, kind: &str, repo_id: &str) -> Option<String> {
    let path = |number: &str| format!("(SELECT file_path FROM now.paths WHERE path_no = n.{number})");
    match (table, column, kind) {
        ("chunks", "chunk_id", "TEXT") => Some("lower(hex(n.chunk_id))".to_owned()),
        ("chunks", "file_path", _) => Some(path("path_no")),
        ("implementations", "interface_file", _) => Some(path("interface_no")),
        ("implementations", "implementation_file", _) => Some(path("implementation_no")),
        ("implementations", "declared_in", _) => Some(path("declared_no")),
        ("file_dependencies" | "file_reexports" | "implementations", "repo_id", _) => Some(format!("'{repo_id}'")),
        _ => None,
    }
}

/// Makes a database of an earlier schema, with what of each table's rows the schema had then.
fn rewrite(path: &Path, migrations: &[String], repo_id: &str) {
    let (now, old) = (path.with_extension("now"), path);
    std::fs::rename(path, &now).unwrap();
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    let db = Connection::open(old).unwrap();
    db.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = OFF;")
        .unwrap();
    migrations.iter().for_each(|sql| db.execute_batch(sql).unwrap());
    db.pragma_update(None, "user_version", migrations.len()).unwrap();
    db.execute("ATTACH ?1 AS now", [now.to_str().unwrap()]).unwrap();
    let pairs = |sql: &str| -> Vec<(String, String)> {
        let mut statement = db.prepare(sql).unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    // the index of words has no text of its own; it is copied as it lies, if words were what they are now
    let words = db.query_row("SELECT sql FROM main.sqlite_schema WHERE name = 'chunk_text'", [], |row| row.get(0));
    let same_words = words.is_ok_and(|sql: String| sql.contains("porter ascii"));
    let tables = pairs(
        "SELECT name, '' FROM main.sqlite_schema WHERE type = 'table' AND sql NOT GLOB 'CREATE VIRTUAL*' AND name NOT GLOB 'sqlite_*'",
    );
    for (table, _) in tables.iter().filter(|(table, _)| same_words || !table.starts_with("chunk_text")) {
        let now = pairs(&format!("SELECT name, type FROM pragma_table_info('{table}', 'now')"));
        let then = pairs(&format!("SELECT name, type FROM pragma_table_info('{table}', 'main')"));
        let columns: Vec<(String, String)> = then
            .into_iter()
            .filter_map(|(name, kind)| {
                let same = || now.iter().any(|(column, _)| *column == name).then(|| format!("n.{name}"));
                let from = written_otherwise(table, &name, &kind, repo_id).or_else(same)?;
                Some((name, from))
            })
            .collect();
        let list = |which: fn(&(String, String)) -> &String| {
            columns.iter().map(|pair| which(pair).as_str()).collect::<Vec<_>>().join(", ")
        };
        db.execute_batch(&format!(
            "DELETE FROM main.{table}; INSERT INTO main.{table} ({}) SELECT {} FROM now.{table} n;",
            list(|(name, _)| name),
            list(|(_, from)| from)
        ))
        .unwrap();
    }
    if !same_words && !words_are_missing(&db) {
        db.execute_batch("INSERT INTO chunk_text (rowid, name, path, body) SELECT chunk_no, entity_name, '', entity_name FROM chunks")
            .unwrap();
    }
    db.execute_batch("DETACH now").unwrap();
    drop(db);
    std::fs::remove_file(now).unwrap();
}

/// A database without chunks: that of the registry.
fn words_are_missing(db: &Connection) -> bool {
    !db.table_exists(Some("main"), "chunk_text").unwrap()
}

/// What is put into a database of each schema from its first one on, and must be there after the upgrade: what cost money or a person's time,
/// or was kept to be used again.
struct Kept {
    first_schema: usize,
    put: &'static str,
    ask: &'static str,
}

const KEPT_IN_REGISTRY: [Kept; 4] = [
    Kept {
        first_schema: 1,
        put: "INSERT OR REPLACE INTO settings VALUES ('of-a-later-page', 'kept')",
        ask: "SELECT name || value FROM settings WHERE name = 'of-a-later-page'",
    },
    Kept {
        first_schema: 1,
        put: "INSERT OR REPLACE INTO jobs (job_id, repo_id, file_path, kind, cache_key, blob_id, state, priority, origin, reason, detail, created_at,
                  updated_at)
              SELECT 9001, repo_id, CAST('gone.rs' AS BLOB), 'analyze:docs', zeroblob(32), zeroblob(20), 'quarantined', 1, 1, 'content-changed', 'crashed twice', 1, 1
              FROM repos",
        ask: "SELECT state || detail FROM jobs WHERE job_id = 9001",
    },
    Kept {
        first_schema: 2,
        put: "INSERT OR IGNORE INTO ledger (repo_id, cache_key, attempt, file_path, analysis_type, model_id, reserved_at, reserved, closed_at, outcome,
                  cost, input_tokens)
              VALUES ('of a repository that is gone', zeroblob(32), 1, CAST('a.rs' AS BLOB), 'docs', 'm', 1700000000000, 9000000, 1700000001000, 'stored',
                  7000000, 42)",
        ask: "SELECT repo_id || outcome || cost || input_tokens FROM ledger WHERE cache_key = zeroblob(32)",
    },
    Kept {
        first_schema: 1,
        put: "SELECT 1",
        ask: "SELECT repo_id || hex(path) || hex(indexed_commit) || registered_at FROM repos",
    },
];

const KEPT_IN_STORE: [Kept; 5] = [
    Kept {
        first_schema: 1,
        put: "INSERT OR IGNORE INTO file_analysis (file_path, content_hash, cache_key, analysis_json, analysis_type, model_id, prompt_hash, schema_version,
                  config_hash, deps_hash, generation_time_ms, cost, input_tokens, output_tokens, total_tokens, created_at, last_accessed,
                  access_count, size_bytes, repo_id, repo_path)
              SELECT file_path, content_hash, zeroblob(32), analysis_json, analysis_type, 'a-model', prompt_hash, schema_version, config_hash, deps_hash, 800,
                  7000000, 900, 90, 990, 1700000000000, 1700000000000, 3, size_bytes, repo_id, repo_path
              FROM file_analysis WHERE analysis_type = 'docs' AND file_path = CAST('src/two.rs' AS BLOB)",
        ask: "SELECT hex(cache_key) || size_bytes || cost || total_tokens || access_count FROM file_analysis WHERE cache_key = zeroblob(32)",
    },
    Kept {
        first_schema: 1,
        put: "SELECT 1",
        ask: "SELECT group_concat(analysis_id || hex(cache_key), ' ' ORDER BY analysis_id) FROM file_analysis",
    },
    Kept {
        first_schema: 1,
        put: "DELETE FROM pruning_stats; INSERT INTO pruning_stats VALUES (1700000000000, 3, 4000, 'lru', 9, 9000)",
        ask: "SELECT entries_removed || pruning_strategy FROM pruning_stats",
    },
    Kept {
        first_schema: 4,
        put: "INSERT OR IGNORE INTO retired_vectors (chunk_hash, model_id, vector, retired_at) VALUES (zeroblob(32), 'm', zeroblob(8), 1700000000000)",
        ask: "SELECT model_id || hex(vector) FROM retired_vectors",
    },
    Kept {
        first_schema: 5,
        put: "INSERT OR IGNORE INTO dictionaries VALUES (-7855464304990005365, 1700000000000, 1, 1, CAST('a raw dictionary of some bytes' AS BLOB));
              UPDATE file_analysis SET dictionary_id = -7855464304990005365 WHERE cache_key = zeroblob(32)",
        ask: "SELECT dictionary_id || hex(dictionary) FROM dictionaries JOIN file_analysis USING (dictionary_id)",
    },
];

/// Rewrites a database to each earlier schema in turn, and has the program of today take it over.
fn assert_every_schema_is_taken_over(kind: &str, kept: &[Kept]) {
    let all = migrations(kind);
    let stopped = Stopped::new();
    let path = stopped.database(kind);
    let repo_id = stopped.agent.json(["repos"])["repos"][0]["id"].as_str().unwrap().to_owned();
    let open = || Connection::open(&path).unwrap();
    let answers = |db: &Connection, version: usize, what: &str| -> Vec<String> {
        let kept = kept.iter().filter(|kept| kept.first_schema <= version);
        kept.map(|kept| {
            let read = db.query_row(kept.ask, [], |row| row.get::<_, rusqlite::types::Value>(0));
            format!("{:?}", read.unwrap_or_else(|error| panic!("{what}: {}: {error}", kept.ask)))
        })
        .collect()
    };
    for version in 1..=all.len() {
        let what = format!("{kind}.db of schema {version}");
        rewrite(&path, &all[..version], &repo_id);
        let db = open();
        for kept in kept.iter().filter(|kept| kept.first_schema <= version) {
            db.execute_batch(kept.put).unwrap_or_else(|error| panic!("{what}: {}: {error}", kept.put));
        }
        if kind == "analysis" && version < READ_AGAIN_UNTIL {
            db.execute("UPDATE cache_metadata SET value = 'earlier' WHERE name = 'read_with'", []).unwrap();
        }
        let before = answers(&db, version, &what);
        drop(db);
        if kind == "agent" && version < all.len() {
            let asked = stopped.agent.run(["status"]);
            assert!(asked.stderr.contains("earlier ra-agent") && asked.stderr.contains("daemon start"), "{asked:?}");
        }
        stopped.assert_taken_over(&what);
        assert_eq!(answers(&open(), version, &what), before, "{what}: nothing is lost, and nothing is made again");
    }
}

/// Programs that wrote a store of an earlier schema than this read files otherwise, so each is read again.
const READ_AGAIN_UNTIL: usize = 11;

#[test]
fn the_state_of_every_earlier_registry_is_taken_over() {
    assert_every_schema_is_taken_over("agent", &KEPT_IN_REGISTRY);
}

#[test]
fn the_state_of_every_earlier_store_is_taken_over() {
    assert_every_schema_is_taken_over("analysis", &KEPT_IN_STORE);
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
