//! The promise: what was made once is found again where it fits, and the cache stays as small as its limit without costing
//! work or money twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::support::{Jobs, Random, TestAgent, TestRepo, untouched, wait_until};

const MANIFEST: &str = "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
/// Nine tenths of one megabyte, in bytes: above it, a cache with that limit is pruned.
const PRUNED_ABOVE: u64 = 1024 * 1024 * 9 / 10;
const ADD: &str = "/// Adds.\npub fn add(a: u32, b: u32) -> u32 {\n    a + b\n}\n";

/// The stores of an agent.
fn stores(agent: &TestAgent) -> Vec<PathBuf> {
    let stores = std::fs::read_dir(agent.home().join("cache/repos")).unwrap();
    stores.map(|store| store.unwrap().path().join("analysis.db")).filter(|path| path.exists()).collect()
}

fn open(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// The keys that a file of the view has, in every store, by what they are for.
fn keys_of(agent: &TestAgent, path: &str) -> BTreeMap<String, BTreeSet<Vec<u8>>> {
    let mut keys: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for store in stores(agent) {
        let db = open(&store);
        let mut statement = db.prepare("SELECT kind, cache_key FROM current_keys WHERE file_path = ?1").unwrap();
        let found = statement.query_map([path.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        for (kind, key) in found.map(Result::unwrap) {
            keys.entry(kind).or_default().insert(key);
        }
    }
    keys
}

fn status(agent: &TestAgent) -> Value {
    agent.json(["cache", "status"])
}

/// Bytes of everything below the stores.
/// Write-ahead logs count for nothing: they come and go with every write.
fn disk_bytes(agent: &TestAgent) -> u64 {
    let (mut total, mut open) = (0, vec![agent.home().join("cache")]);
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let metadata = entry.metadata().unwrap();
            let is_log = entry.file_name().to_string_lossy().ends_with("-wal");
            if metadata.is_dir() {
                open.push(entry.path())
            } else if !is_log {
                total += metadata.len()
            }
        }
    }
    total
}

/// A crate of some modules that can be filled with ever new text.
struct Modules {
    repo: TestRepo,
    edits: u64,
}

impl Modules {
    const COUNT: u64 = 12;

    fn new() -> Self {
        let repo = TestRepo::new();
        repo.write("Cargo.toml", MANIFEST);
        repo.write("src/lib.rs", (0..Self::COUNT).map(|module| format!("pub mod m{module};\n")).collect::<String>());
        let mut modules = Self { repo, edits: 0 };
        modules.rewrite();
        modules
    }

    /// Gives every module another text and commits.
    fn rewrite(&mut self) {
        self.edits += 1;
        for module in 0..Self::COUNT {
            let function = |n: u64| {
                let (edits, seed) = (self.edits, self.edits * 7_919 + module * 104_729 + n * 31);
                format!("// TODO: fix {seed}\npub fn f{n}_{edits}(n: u64) -> u64 {{\n    n.unwrap() * {seed}\n}}\n")
            };
            self.repo.write(&format!("src/m{module}.rs"), (0..12).map(function).collect::<String>());
        }
        self.repo.commit("rewritten");
    }

    fn path(&self) -> &str {
        self.repo.path().to_str().unwrap()
    }
}

#[test]
fn equal_content_has_one_key_and_is_analysed_once() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files([("Cargo.toml", MANIFEST), ("src/lib.rs", "pub mod add;\n"), ("src/add.rs", ADD)]);
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    let first = Jobs::of(&agent);
    let entries = status(&agent)["entries"].clone();

    repo.write("src/copy.rs", ADD);
    repo.commit("a copy");
    agent.wait();
    let copied = Jobs::since(&agent, &first);
    assert!(!copied.analysed().contains("src/copy.rs"), "{copied:?}");
    assert_eq!(status(&agent)["entries"], entries, "the copy has the entries of the first");
    assert!(status(&agent)["hits"].as_u64().unwrap() >= 4);

    let (known, misses) = (Jobs::of(&agent), status(&agent)["misses"].clone());
    let tree = repo.outside("tree");
    repo.git(&["worktree", "add", "--quiet", "--detach", tree.to_str().unwrap()]);
    let other = TestRepo::with_files([("lib/sum.rs", ADD), ("src/add.rs", ADD)]);
    for path in [tree.as_path(), other.path()] {
        agent.ok(["register", path.to_str().unwrap()]);
    }
    agent.wait();
    assert_eq!(stores(&agent).len(), 3);
    // and so nothing is made again: what one store has is copied
    assert_eq!(Jobs::since(&agent, &known).0.len(), 0, "{:?}", Jobs::since(&agent, &known));
    let shared = status(&agent);
    assert_eq!((&shared["misses"], shared["copied"].as_u64()), (&misses, Some(3 * 4 + 4)), "{shared}");
    let mut all = keys_of(&agent, "src/add.rs");
    for path in ["src/copy.rs", "lib/sum.rs"] {
        keys_of(&agent, path).into_iter().for_each(|(kind, keys)| all.entry(kind).or_default().extend(keys));
    }
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(all.values().all(|keys| keys.len() == 1), "{all:?}");
}

#[test]
fn a_prune_takes_unused_results_first_and_none_comes_back() {
    let mut agent = TestAgent::without_model();
    let mut modules = Modules::new();
    agent.start();
    agent.ok(["register", modules.path()]);
    agent.wait();
    for _ in 0..3 {
        modules.rewrite();
        agent.wait();
    }
    let before = status(&agent);
    let files = agent.json(["status"])["repos"][0]["files"].as_u64().unwrap();
    let live = files * 4;
    assert_eq!(before["entries"].as_u64().unwrap(), live + 3 * Modules::COUNT * 4, "{before}");

    // reported, not done
    let dry_run = || untouched(modules.repo.path(), || agent.json(["cache", "prune", "--max-size", "1K", "--dry-run"]));
    let printed = dry_run();
    assert_eq!((&printed["dry_run"], &printed["repos"][0]["live"]), (&json!(true), &json!(live)), "{printed}");
    assert_eq!((&status(&agent)["entries"], &status(&agent)["last_prune"]), (&before["entries"], &json!(null)));

    // a little: only what no file has any more; a log that is begun anew in between is enough by itself
    let (mut target, mut pruned) = (0, json!(null));
    wait_until(Duration::from_secs(20), "results go", || {
        target = dry_run()["before_bytes"].as_u64().unwrap() - 60_000;
        pruned = agent.json(["cache", "prune", "--max-size", &target.to_string()]);
        pruned["repos"][0]["analyses"].as_u64().unwrap() > 0
    });
    let of_repo = &pruned["repos"][0];
    assert_eq!(of_repo["live"], json!(0), "{pruned}");
    assert!(pruned["after_bytes"].as_u64().unwrap() <= target, "{pruned}");
    let outlines = of_repo["outlines"].as_u64().unwrap();
    assert!(disk_bytes(&agent) <= target, "{} of {target}", disk_bytes(&agent));
    assert_eq!(agent.json(["status"])["repos"][0]["stale"], json!(0));

    // everything that may go
    let known = Jobs::of(&agent);
    let pruned = untouched(modules.repo.path(), || agent.json(["cache", "prune", "--max-size", "1K"]));
    assert_eq!(pruned["repos"][0]["live"], json!(live), "{pruned}");
    assert!(pruned["repos"][0]["outlines"].as_u64().unwrap() + outlines > 0, "those of old contents: {pruned}");
    let after = status(&agent);
    assert_eq!((&after["entries"], &after["evicted"]), (&json!(0), &json!(live)), "{after}");
    assert_eq!(after["last_prune"]["strategy"], json!("cost-aware"));
    assert!(!agent.json(["search", "f3"])["hits"].as_array().unwrap().is_empty(), "it is still found");

    let of_repo = agent.json(["status"])["repos"][0].clone();
    let counts = ["fresh", "stale", "evicted", "pending"].map(|name| of_repo[name].as_u64().unwrap());
    assert_eq!(counts, [0, 0, files, 0], "removed is not stale: {of_repo}");

    let file = modules.repo.path().join("src/m2.rs");
    assert_eq!(agent.json(["show", file.to_str().unwrap()])["analyses"][0]["evicted"], json!(true));
    assert!(agent.ok(["show", file.to_str().unwrap()]).contains("removed to keep the cache small"));

    // nothing is wrong with that, not even to a repair, and a start plans everything and makes nothing again
    agent.ok(["cache", "verify"]);
    agent.stop();
    let key = "DELETE FROM current_keys WHERE file_path = CAST('src/m1.rs' AS BLOB)";
    assert_eq!(Connection::open(&stores(&agent)[0]).unwrap().execute(key, []).unwrap(), 4);
    untouched(modules.repo.path(), || agent.ok(["cache", "verify", "--repair"]));
    agent.ok(["cache", "verify"]);
    agent.start();
    agent.wait();
    assert_eq!(Jobs::since(&agent, &known).analyses().count(), 0);
    // what changes is made, and so is what a change leads back to
    modules.repo.write("src/m3.rs", ADD);
    modules.repo.commit("one is another");
    agent.wait();
    let changed = Jobs::since(&agent, &known);
    assert_eq!(changed.analysed(), BTreeSet::from(["src/m3.rs"]));
    let known = Jobs::of(&agent);
    modules.repo.revert("HEAD");
    agent.wait();
    assert_eq!(Jobs::since(&agent, &known).analysed(), BTreeSet::from(["src/m3.rs"]));
    assert_eq!(status(&agent)["evicted"], json!(live - 4));
    // and what is asked for
    agent.ok(["cache", "build", modules.path(), "--types", "docs"]);
    agent.wait();
    assert_eq!(status(&agent)["evicted"], json!(live - 4 - (files - 1)));
}

#[test]
fn a_cache_near_its_limit_is_pruned_and_the_view_stays_fresh() {
    let mut agent = TestAgent::without_model();
    agent.write_config("[cache]\nmax_size_mb = 1\n");
    let mut modules = Modules::new();
    agent.start();
    agent.ok(["register", modules.path()]);
    agent.wait();
    let mut rewritten = 0;
    while status(&agent)["last_prune"] == json!(null) {
        rewritten += 1;
        assert!(rewritten < 60, "never pruned: {}\n{}", status(&agent), agent.log());
        modules.rewrite();
        agent.wait();
    }
    // What was rewritten between the prune and its report may have added to it since.
    wait_until(Duration::from_secs(20), "the files are cut", || disk_bytes(&agent) <= PRUNED_ABOVE);
    let after = status(&agent);
    assert_eq!(after["evicted"], json!(0), "the dead were enough: {after}");
    let of_repo = agent.json(["status"])["repos"][0].clone();
    assert_eq!(of_repo["fresh"], of_repo["files"], "{of_repo}");
    assert!(after["last_prune"]["entries_removed"].as_u64().unwrap() > 0, "{after}");
    agent.stop();
    agent.assert_sound();
}

/// A process that is killed at any moment of a prune leaves a sound store, and the next prune comes to the same end.
#[test]
fn a_prune_that_is_killed_is_done_by_the_next() {
    let mut agent = TestAgent::without_model();
    let mut modules = Modules::new();
    let mut random = Random::from_environment();
    agent.ok(["register", modules.path()]);
    for round in 0..6 {
        agent.start();
        modules.rewrite();
        agent.wait();
        agent.stop();
        let before = kept_and_evicted(&agent);
        // A prune that was killed before it began leaves entries that no file has any more: these are removed, and not evicted.
        let planned = agent.json(["cache", "prune", "--max-size", "1K", "--dry-run"]);
        let live = planned["repos"][0]["live"].as_u64().unwrap();
        kill_after(&agent, &["cache", "prune", "--max-size", "1K"], round % 2 == 0, random.below(200));
        agent.assert_sound();
        let after = kept_and_evicted(&agent);
        assert!(after == before || after == (0, before.1 + live), "all or nothing: {before:?}, then {after:?}, {live}");
    }
    let pruned = agent.json(["cache", "prune", "--max-size", "1K"]);
    assert_eq!(status(&agent)["entries"], json!(0), "{pruned}");
    agent.assert_sound();
}

/// How many entries there are, and how many prunes have removed so far.
fn kept_and_evicted(agent: &TestAgent) -> (u64, u64) {
    let status = status(agent);
    (status["entries"].as_u64().unwrap(), status["evicted"].as_u64().unwrap())
}

/// Runs a verb and kills it as soon as a store has other entries than before, or some milliseconds after its start, if it is not
/// over before.
fn kill_after(agent: &TestAgent, args: &[&str], first_change: bool, millis: u64) {
    let entries = |path: &PathBuf| -> u64 {
        open(path).query_row("SELECT count(*) FROM file_analysis", [], |row| row.get(0)).unwrap()
    };
    let stores = stores(agent);
    let count = || stores.iter().map(entries).collect::<Vec<u64>>();
    let before = count();
    let mut child = agent.command(args).stdout(std::process::Stdio::null()).spawn().unwrap();
    if first_change {
        while count() == before && child.try_wait().unwrap().is_none() {}
    } else {
        // the moment of the kill is what is tried out, so there is nothing to wait for
        std::thread::sleep(Duration::from_millis(millis));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_is_cleared_is_made_again_and_nothing_else() {
    let mut agent = TestAgent::without_model();
    let modules = Modules::new();
    agent.start();
    agent.ok(["register", modules.path()]);
    agent.wait();
    let (before, known) = (status(&agent), Jobs::of(&agent));
    let file = modules.repo.path().join("src/m1.rs");
    let cleared = untouched(modules.repo.path(), || {
        agent.json(["cache", "clear", "--type", "docs", "--file", file.to_str().unwrap()])
    });
    assert_eq!((&cleared["entries"], &cleared["paid"]), (&json!(1), &json!(0)), "{cleared}");
    agent.wait();
    let again = Jobs::since(&agent, &known);
    assert_eq!(again.of_file("src/m1.rs"), BTreeSet::from([("analyze:docs", "missing")]));
    assert_eq!(again.0.len(), 1, "{again:?}");
    assert_eq!(status(&agent)["entries"], before["entries"]);

    let known = Jobs::of(&agent);
    assert_eq!(agent.json(["cache", "clear", "--repo", modules.path()])["entries"], before["entries"]);
    agent.wait();
    assert_eq!(Jobs::since(&agent, &known).0.len() as u64, before["entries"].as_u64().unwrap());
    assert_eq!(status(&agent)["entries"], before["entries"]);
    assert_eq!(agent.run(["cache", "clear", "--repo", "/tmp"]).code, Some(4));
    assert_eq!(agent.run(["cache", "clear", "--type", "poems"]).code, Some(2));
    assert_eq!(agent.run(["cache", "prune", "--max-size", "much"]).code, Some(2));
}

#[test]
fn the_report_adds_up() {
    let mut agent = TestAgent::without_model();
    assert_eq!(status(&agent)["entries"], json!(0), "before anything was registered");
    let modules = Modules::new();
    let other = TestRepo::with_files([("a.rs", ADD)]);
    agent.start();
    for path in [modules.path(), other.path().to_str().unwrap()] {
        agent.ok(["register", path]);
    }
    agent.wait();
    let report = status(&agent);
    let sum = |parts: &Value, name: &str| -> u64 {
        parts.as_array().unwrap().iter().map(|part| part[name].as_u64().unwrap()).sum()
    };
    for name in ["entries", "raw_bytes", "stored_bytes"] {
        for parts in ["by_type", "by_model", "by_repo"] {
            assert_eq!(json!(sum(&report[parts], name)), report[name], "{parts} {name}: {report}");
        }
    }
    assert_eq!(report["by_type"].as_array().unwrap().len(), 4);
    assert_eq!(json!(sum(&report["by_repo"], "bytes")), report["bytes"]);
    assert!(report["compression_ratio"].as_f64().unwrap() > 1.5, "{report}");
    assert_eq!((&report["cost_usd"], &report["max_bytes"]), (&json!(0.0), &json!(500_000_000)));
    let one = agent.json(["cache", "status", "--repo", other.path().to_str().unwrap()]);
    assert_eq!((&one["entries"], one["by_repo"].as_array().unwrap().len()), (&json!(4), 1));
    let text = agent.ok(["cache", "status"]);
    for printed in ["by type", "by model", "by repository", "never", other.path().to_str().unwrap()] {
        assert!(text.contains(printed), "{printed}: {text}");
    }
}

/// Another history at a known path is another repository: a prune removes what the old one left, and says so. What its user kept stays.
#[test]
fn stores_without_a_repository_go_with_a_prune() {
    let agent = TestAgent::without_model();
    let (repo, kept) = (TestRepo::with_files([("a.rs", ADD)]), TestRepo::with_files([("b.rs", ADD)]));
    let ids = || -> BTreeSet<String> {
        let found = std::fs::read_dir(agent.home().join("cache/repos")).unwrap();
        found.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    for path in [repo.path(), kept.path()] {
        agent.ok(["register", path.to_str().unwrap()]);
    }
    let first = ids();
    agent.ok(["unregister", kept.path().to_str().unwrap(), "--keep-cache"]);
    std::fs::remove_dir_all(repo.git_dir()).unwrap();
    repo.git(&["init", "--quiet", "--initial-branch=main"]);
    repo.write("b.rs", ADD);
    repo.commit("another history");
    agent.ok(["register", repo.path().to_str().unwrap()]);
    let (now, known) = (ids(), agent.json(["repos"])["repos"][0]["id"].as_str().unwrap().to_owned());
    assert_eq!((now.len(), first.contains(&known)), (3, false), "{now:?}");
    assert!(agent.run(["doctor"]).stdout.contains("belongs to no registered repository"));
    agent.ok(["cache", "prune", "--dry-run"]);
    assert_eq!(ids(), now);
    agent.ok(["cache", "prune"]);
    assert_eq!((ids().len(), ids().contains(&known)), (2, true), "{:?}", ids());
    agent.ok(["register", kept.path().to_str().unwrap()]);
    agent.ok(["cache", "prune"]);
    assert_eq!(ids().len(), 2);
}
