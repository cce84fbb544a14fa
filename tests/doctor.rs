//! The promise: one page reports what is wrong, and how to fix it.

use serde_json::Value;

use crate::support::{Output, TestAgent, TestRepo, untouched};

fn a_repo() -> TestRepo {
    TestRepo::with_files([("src/lib.rs", "pub fn one() -> u32 {\n    1\n}\n")])
}

/// State and advice of the findings on a topic.
fn findings(output: &Output, topic: &str) -> Vec<(String, String)> {
    let view: Value = serde_json::from_str(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = view["findings"].as_array().unwrap().iter().filter(|finding| finding["topic"] == topic);
    all.map(|finding| (text(&finding["state"]), text(&finding["fix"]))).collect()
}

fn examine(agent: &TestAgent) -> Output {
    agent.run(["doctor", "--json"])
}

#[test]
fn doctor_finds_nothing_wrong_with_a_sound_agent() {
    let repo = a_repo();
    let mut agent = TestAgent::new();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.start();
    agent.wait();
    let output = untouched(repo.path(), || examine(&agent));
    assert_eq!(output.code, Some(0), "{output:?}");
    for topic in ["daemon", "git", "disk", "embedding", "database", "repository", "watches", "cache"] {
        let found = findings(&output, topic);
        assert!(found.len() == 1 && found[0].0 == "good", "{topic}: {found:?}");
    }
    assert!(agent.ok(["doctor"]).lines().count() < 25, "one page");
}

#[test]
fn every_problem_comes_with_its_fix() {
    let (here, gone) = (a_repo(), a_repo());
    let mut agent = TestAgent::without_model();
    assert_eq!(findings(&examine(&agent), "repository")[0].0, "note", "none is registered");
    for repo in [&here, &gone] {
        agent.ok(["register", repo.path().to_str().unwrap()]);
    }
    agent.start();
    agent.wait();
    agent.stop();
    std::fs::rename(gone.path(), gone.outside("elsewhere")).unwrap();
    let status = agent.json(["status"]);
    let repos = status["repos"].as_array().unwrap();
    let id = repos.iter().find(|repo| repo["repo"] == here.path().to_str().unwrap()).unwrap()["id"].as_str().unwrap();
    let store = agent.home().join("cache/repos").join(id).join("analysis.db");
    std::fs::write(&store, [7; 20_000]).unwrap();
    // A log beside it may hold every page, and then the database reads as sound.
    for log in ["analysis.db-wal", "analysis.db-shm"] {
        let _ = std::fs::remove_file(store.with_file_name(log));
    }

    let output = examine(&agent);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert_eq!(findings(&output, "daemon"), [("problem".to_owned(), "ra-agent daemon start".to_owned())]);
    assert_eq!(findings(&output, "embedding"), [("note".to_owned(), "ra-agent model install".to_owned())]);
    let [(state, fix)] = &findings(&output, "database")[..] else { panic!("{output:?}") };
    assert!(state == "problem" && fix.contains("ra-agent reconcile"), "{output:?}");
    assert!(output.stdout.contains(store.to_str().unwrap()), "{output:?}");
    let [(state, fix)] = &findings(&output, "repository")[..] else { panic!("{output:?}") };
    assert!(state == "problem" && fix.contains("ra-agent unregister"), "{output:?}");
    let page = agent.run(["doctor"]);
    assert!(page.stdout.contains("PROBLEM") && page.stderr.contains("problems were found"), "{page:?}");
}

/// The provider is asked for nothing that costs, and without the key.
#[test]
fn settings_that_hold_for_no_repository_are_reported() {
    let (repo, agent) = (a_repo(), TestAgent::without_model());
    let path = repo.path().canonicalize().unwrap();
    agent.write_config(&format!(
        "[repos.{path:?}]\nprivacy.deny = [\"*.txt\"]\n[repos.\"/no-such\"]\nprivacy.deny = [\"*.txt\"]\n"
    ));
    agent.ok(["register", path.to_str().unwrap()]);
    let [(state, fix)] = &findings(&examine(&agent), "config")[..] else {
        panic!("one of the two names no repository")
    };
    assert!(state == "note" && fix.contains("ra-agent register /no-such"), "{fix}");
}

#[test]
fn the_provider_is_reached_for_without_a_key_or_a_price() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let agent = TestAgent::without_model();
    agent.write_config(&format!(
        "[llm]\nprovider = \"custom\"\nbase_url = \"http://{address}/v1\"\nmodel = \"m\"\napi_key_env = \"THE_KEY\"\n"
    ));
    let asked = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4_096];
        let read = stream.read(&mut request).unwrap();
        stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n").unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    let examine = || {
        let output = agent.command(["doctor", "--json"]).env("THE_KEY", "sk-secret-of-the-user").output().unwrap();
        Output { code: output.status.code(), stdout: String::from_utf8(output.stdout).unwrap(), stderr: String::new() }
    };
    let reached = examine();
    assert_eq!(findings(&reached, "provider")[0].0, "good", "{reached:?}");
    let request = asked.join().unwrap();
    assert!(request.starts_with("GET /v1/models ") && !request.contains("sk-secret"), "{request}");
    // the listener is gone with its thread
    let gone = examine();
    assert_eq!(findings(&gone, "provider")[0].0, "problem", "{gone:?}");
    let keyless = agent.run(["doctor", "--json"]);
    assert_eq!(findings(&keyless, "provider")[0].0, "problem", "{keyless:?}");
}

/// After an upgrade, before the daemon ran: no verb shows SQL, each says what brings the store up to date.
#[test]
fn a_store_of_an_earlier_version_says_what_to_do() {
    let repo = TestRepo::with_files([("src/lib.rs", "pub fn f() {}\n"), ("Cargo.toml", "[package]\nname = \"a\"\n")]);
    let mut agent = TestAgent::without_model();
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    agent.stop();
    let id = agent.json(["status"])["repos"][0]["id"].as_str().unwrap().to_owned();
    let store = agent.home().join("cache/repos").join(id).join("analysis.db");
    rusqlite::Connection::open(&store).unwrap().pragma_update(None, "user_version", 1).unwrap();
    let (path, file) = (repo.path().to_str().unwrap().to_owned(), repo.path().join("src/lib.rs"));
    let file = file.to_str().unwrap();
    for args in [
        vec!["status"],
        vec!["doctor"],
        vec!["search", "f"],
        vec!["show", file],
        vec!["deps", &path],
        vec!["impact", &path],
        vec!["cache", "verify"],
        vec!["cache", "status"],
    ] {
        let output = untouched(repo.path(), || agent.run(args.clone()));
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(!said.contains("no such"), "{args:?}: {said}");
        assert!(said.contains("earlier ra-agent") && said.contains("ra-agent daemon start"), "{args:?}: {said}");
    }
}
