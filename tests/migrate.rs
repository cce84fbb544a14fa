//! The promise: what an earlier tool left inside repositories is taken over once, shown for what it is, and left where it was.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Random, TestAgent, TestRepo, untouched};

const ONE: &str = "pub fn one() -> u8 {\n    1\n}\n";
const TWO: &str = "pub fn two() -> u8 {\n    2\n}\n";
const OLD: &str = "pub fn old() {}\n";

fn sha256(content: &str) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An entry in the old layout, under the name that the old tool gave it.
fn put_entry(repo: &TestRepo, analysis_type: &str, path: &str, content: &str, tokens: Value) {
    let entry = json!({
        "file_path": path,
        "file_hash": sha256(content),
        "analyzed_at": "2025-03-01T10:00:00.123456789+00:00",
        "provider": "xai",
        "model": "grok-beta",
        "result": {"verdict": format!("about {path}"), "score": 7.50},
        "tokens_used": tokens,
        "file_size": content.len(),
        "cache_type": analysis_type,
    });
    let name = path.replace(['/', '.'], "_");
    repo.write(&format!(".rustassistant/cache/{analysis_type}/{name}.json"), format!("{entry:#}"));
}

/// A repository with entries about what it has, what it had, what it never had, and with one that is none.
fn with_cache() -> TestRepo {
    let repo = TestRepo::with_files([("src/lib.rs", "mod one;\n"), ("src/one.rs", ONE), ("src/two.rs", OLD)]);
    repo.write("src/two.rs", TWO);
    repo.rename("src/two.rs", "src/second.rs");
    put_entry(&repo, "refactor", "src/one.rs", ONE, json!(1_500));
    put_entry(&repo, "docs", "src/one.rs", ONE, json!(null));
    put_entry(&repo, "refactor", "src/two.rs", TWO, json!(2_500));
    put_entry(&repo, "todos", "src/two.rs", OLD, json!(100));
    put_entry(&repo, "analysis", "src/never.rs", "never committed", json!(100));
    repo.write(".rustassistant/cache/docs/torn.json", "{\"file_path\": \"src/on");
    repo.write(".rustassistant/README.md", "# Cache\n");
    repo.commit("with the cache, as the old tool did");
    repo
}

fn prices() -> &'static str {
    "[llm.prices.\"grok-beta\"]\ninput_usd_per_m = 5.0\noutput_usd_per_m = 15.0\n"
}

fn registered(agent: &TestAgent, repo: &TestRepo) {
    agent.ok(["register", repo.path().to_str().unwrap()]);
}

fn migrate(agent: &TestAgent, repo: &TestRepo, more: &[&str]) -> Value {
    let args: Vec<&str> = ["cache", "migrate"].into_iter().chain(more.iter().copied()).collect();
    untouched(repo.path(), || agent.json(args))["caches"][0].clone()
}

fn legacy(agent: &TestAgent, repo: &TestRepo, path: &str) -> Value {
    agent.json(["show", repo.path().join(path).to_str().unwrap()])["legacy"].clone()
}

#[test]
fn an_old_cache_is_imported_once_as_stale_and_left_in_place() {
    let mut agent = TestAgent::without_model();
    agent.write_config(prices());
    let repo = with_cache();
    agent.start();
    registered(&agent, &repo);
    agent.wait();
    let before = agent.json(["cache", "status"]);
    let done = migrate(&agent, &repo, &[]);
    assert_eq!((&done["entries"], &done["imported"], &done["known"]), (&json!(6), &json!(3), &json!(0)), "{done}");
    assert_eq!((&done["tokens"], &done["cost_usd"]), (&json!(4_000), &json!(0.02)), "{done}");
    assert_eq!(done["outdated"]["count"], json!(2), "{done}");
    assert!(done["unreadable"]["first"][0].as_str().unwrap().starts_with("docs/torn.json: "), "{done}");

    let shown = legacy(&agent, &repo, "src/one.rs");
    assert_eq!(shown.as_array().unwrap().len(), 2, "{shown}");
    let refactor = shown.as_array().unwrap().iter().find(|one| one["type"] == "refactor").unwrap();
    assert_eq!(refactor["result"], json!({"verdict": "about src/one.rs", "score": 7.50}));
    assert_eq!((&refactor["fresh"], &refactor["model"]), (&json!(false), &json!("xai/grok-beta")));
    // what has been renamed since is found by its content
    assert_eq!(legacy(&agent, &repo, "src/second.rs")[0]["result"]["verdict"], json!("about src/two.rs"));
    let text = agent.ok(["show", repo.path().join("src/one.rs").to_str().unwrap()]);
    assert!(text.contains("STALE, imported: xai/grok-beta") && text.contains("about src/one.rs"), "{text}");

    // it stands for nothing of ours, and none of it is indexed
    let after = agent.json(["cache", "status"]);
    assert_eq!(after["entries"].as_u64().unwrap(), before["entries"].as_u64().unwrap() + 3);
    assert_eq!((&after["tokens"], &after["cost_usd"]), (&json!(4_000), &json!(0.02)), "{after}");
    let of_repo = agent.json(["status"])["repos"][0].clone();
    assert_eq!((&of_repo["files"], &of_repo["stale"]), (&json!(3), &json!(0)), "{of_repo}");
    assert_eq!(agent.json(["search", "verdict"])["hits"], json!([]));

    // again: nothing new; with the history: what was committed once
    let again = migrate(&agent, &repo, &["--from", repo.path().join(".rustassistant").to_str().unwrap()]);
    assert_eq!((&again["imported"], &again["known"]), (&json!(0), &json!(3)), "{again}");
    let history = migrate(&agent, &repo, &["--history"]);
    assert_eq!(
        (&history["imported"], &history["known"], &history["outdated"]["count"]),
        (&json!(1), &json!(3), &json!(1))
    );
    let printed = agent.ok(["cache", "migrate"]);
    assert!(printed.contains("You may delete") && printed.contains("/.rustassistant/cache"), "{printed}");

    // a directory of no registered repository, and one without a cache
    let elsewhere = TestRepo::with_files([("a.rs", ONE)]);
    let from = |repo: &TestRepo| agent.run(["cache", "migrate", "--from", repo.path().to_str().unwrap()]);
    assert_eq!(from(&elsewhere).code, Some(4));
    registered(&agent, &elsewhere);
    assert_eq!(from(&elsewhere).code, Some(1));
}

#[test]
fn without_prices_tokens_are_known_and_the_cost_is_not() {
    let agent = TestAgent::without_model();
    let repo = with_cache();
    registered(&agent, &repo);
    let done = migrate(&agent, &repo, &[]);
    assert_eq!(
        (&done["tokens"], &done["cost_usd"], &done["unpriced"]),
        (&json!(4_000), &json!(0.0), &json!(2)),
        "{done}"
    );
}

/// An import that is killed at any moment goes on where it was.
#[test]
fn an_import_that_is_killed_is_finished_by_the_next() {
    const ENTRIES: usize = 900;
    let agent = TestAgent::without_model();
    let mut random = Random::from_environment();
    let repo = TestRepo::with_files([("src/one.rs", ONE)]);
    for entry in 0..ENTRIES {
        repo.write(
            &format!(".rustassistant/cache/docs/{entry}.json"),
            json!({
                "file_path": "src/one.rs", "file_hash": sha256(ONE), "analyzed_at": "2025-03-01T10:00:00Z", "provider": "xai",
                "model": "grok-beta", "result": {"number": entry}, "tokens_used": 1, "file_size": 1, "cache_type": "docs",
            })
            .to_string(),
        );
    }
    registered(&agent, &repo);
    untouched(repo.path(), || {
        for _ in 0..6 {
            let mut child = agent.command(["cache", "migrate"]).stdout(std::process::Stdio::null()).spawn().unwrap();
            // the moment of the kill is what is tried out, so it is nothing that could be waited for
            std::thread::sleep(Duration::from_millis(20 + random.below(250)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
    });
    let done = migrate(&agent, &repo, &[]);
    let number = |name: &str| done[name].as_u64().unwrap() as usize;
    assert_eq!(number("imported") + number("known"), ENTRIES, "{done}");
    assert_eq!(agent.json(["cache", "status"])["tokens"], json!(ENTRIES));
    agent.assert_sound();
}

#[test]
fn the_script_registers_imports_and_refuses_unknown_options() {
    let agent = TestAgent::without_model();
    let repo = with_cache();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("install/migrate_to_centralized_cache.sh");
    let program = Path::new(env!("CARGO_BIN_EXE_ra-agent"));
    let run = |args: &[&str]| {
        let like = agent.command(args);
        let mut command = Command::new("bash");
        command.arg(&script).args(args).env_clear();
        command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
        let output = command.env("PATH", path).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, printed) = untouched(repo.path(), || run(&["--history", repo.path().to_str().unwrap()]));
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("registered") && printed.contains("4 of 6 entries imported"), "{printed}");
    let (code, printed) = run(&[]);
    assert!(code == Some(0) && printed.contains("3 were there already"), "{printed}");
    assert_eq!(run(&["--force"]).0, Some(2));
}
