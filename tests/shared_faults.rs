//! The promise: whatever happens to the machines of a team, or to what they share, nothing is lost and nothing wrong is used.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use super::shared::{ANSWERS, CODE_FILES, FILES, Machine, TeamStore};
use crate::support::object_server::{Mishap, ObjectAct, ObjectServer};
use crate::support::{TestAgent, TestRepo, wait_until};

const LONGEST: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn writer(store: &TeamStore) -> Machine {
    Machine::writer(store, TestRepo::with_files(FILES), TestAgent::without_model())
}

/// A machine that has given its answers.
fn given_to(store: &TeamStore) -> Machine {
    let mut first = writer(store);
    first.begin();
    first.wait_given(ANSWERS);
    first
}

fn reader(store: &TeamStore, first: &Machine) -> Machine {
    Machine::reader(store, first, TestRepo::with_files(FILES), TestAgent::without_model())
}

fn json_of(machine: &Machine, args: &[&str]) -> Value {
    serde_json::from_str(&machine.verb(args).stdout).unwrap()
}

#[test]
fn a_store_that_asks_for_time_is_given_it() {
    for code in [429, 503] {
        let store = TeamStore::Server(ObjectServer::start());
        let TeamStore::Server(server) = &store else { unreachable!() };
        let mut first = given_to(&store);
        first.agent.stop();
        server.script([(ObjectAct::List, Mishap::Throttle(code, 1_200))]);
        let mut other = reader(&store, &first);
        other.begin();
        assert!(other.shared()["problem"].is_string(), "{code}");
        let reconcile = || {
            let before = server.requests().len();
            other.agent.ok(["reconcile", other.repo.path().to_str().unwrap(), "--full"]);
            server.requests().len() - before
        };
        other.repo.edit("src/words.rs", "split_whitespace", "split_ascii_whitespace");
        other.repo.commit("words");
        other.agent.wait();
        other.agent.shift_clock(Duration::from_secs(1_000));
        assert_eq!(reconcile(), 0, "{code}: it has asked for 20 minutes");
        other.agent.shift_clock(Duration::from_secs(1_300));
        server.script([]);
        let pulled = other.agent.json(["shared", "pull"]);
        assert!(pulled["problem"].is_null(), "{code}: {pulled}");
    }
}

#[test]
fn a_collector_killed_at_any_step_loses_nothing() {
    let store = TeamStore::Server(ObjectServer::start());
    let TeamStore::Server(server) = &store else { unreachable!() };
    let first = given_to(&store);
    // All of a commit is given before the next, so that each has a pack of its own.
    for number in 0..9 {
        first.repo.write("src/words.rs", format!("pub fn count_{number}() -> u8 {{\n    {number}\n}}\n"));
        first.repo.commit("words");
        first.agent.wait();
        wait_until(LONGEST, "all of it is there", || first.agent.json(["shared", "push"])["given"] == 0);
    }
    let survey = json_of(&first, &["shared", "verify", "--json"]);
    // The first run merges, the second removes what was merged; each is killed while the store is at it, then runs again.
    for act in [ObjectAct::Put, ObjectAct::Delete] {
        server.script([(act, Mishap::Delay(Duration::from_millis(1_500)))]);
        let seen = || server.requests().iter().filter(|request| request.act == act).count();
        let before = seen();
        let mut gc = first.agent.command(["shared", "gc", "--grace", "0s"]);
        let mut gc = gc.envs(first.environment.iter().copied()).stdout(Stdio::null()).spawn().unwrap();
        wait_until(LONGEST, "it is at it", || seen() > before);
        gc.kill().unwrap();
        gc.wait().unwrap();
        server.script([]);
        let verified = first.verb(&["shared", "verify"]);
        assert_eq!(verified.code, Some(0), "{act:?}: {verified:?}");
        assert_eq!(first.verb(&["shared", "gc", "--grace", "0s"]).code, Some(0), "{act:?}");
    }
    let after = json_of(&first, &["shared", "verify", "--json"]);
    assert!(after["packs"].as_u64() < survey["packs"].as_u64(), "{after} {survey}");
    let files = FILES.map(|(path, _)| (path, first.repo.read(path)));
    let clone = TestRepo::with_files(files.iter().map(|(path, text)| (*path, text.as_str())));
    let mut other = Machine::reader(&store, &first, clone, TestAgent::without_model());
    other.begin();
    assert_eq!(other.server.requests().len(), 0, "{}", other.agent.log());
}

#[test]
fn a_machine_that_reads_sends_nothing_but_reads() {
    let store = TeamStore::Server(ObjectServer::start());
    let TeamStore::Server(server) = &store else { unreachable!() };
    let mut first = given_to(&store);
    first.agent.stop();
    let before = server.requests().len();
    let mut other = reader(&store, &first);
    other.begin();
    other.repo.edit("src/words.rs", "split_whitespace", "split_ascii_whitespace");
    other.repo.commit("words");
    other.agent.wait();
    for verb in ["push", "gc"] {
        let refused = other.verb(&["shared", verb]);
        assert!(refused.code == Some(1) && refused.stderr.contains("mode = \"read-write\""), "{verb}: {refused:?}");
    }
    assert_eq!(other.verb(&["shared", "verify"]).code, Some(0));
    other.agent.stop();
    let sent = &server.requests()[before..];
    assert!(!sent.is_empty() && sent.iter().all(|one| matches!(one.act, ObjectAct::List | ObjectAct::Get)), "{sent:?}");
}

#[test]
fn keygen_makes_a_key_for_its_owner_and_replaces_none() {
    let agent = TestAgent::without_model();
    let first = agent.ok(["shared", "keygen"]);
    let key = agent.home().join("shared.key");
    let mode = || std::fs::metadata(&key).unwrap().permissions().mode() & 0o7777;
    let written = std::fs::read(&key).unwrap();
    assert_eq!(mode(), 0o600);
    assert_eq!(agent.ok(["shared", "keygen"]), first);
    assert_eq!(std::fs::read(&key).unwrap(), written, "what is there stays");
    let for_reader = agent.ok(["shared", "keygen", "--reader"]);
    assert!(for_reader.contains("name_secret") && !for_reader.contains("signing_key"), "{for_reader}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = agent.run(["shared", "keygen", "--reader"]);
    assert!(open.code == Some(1) && open.stderr.contains("chmod 600"), "{open:?}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&key, "no key at all").unwrap();
    for args in [&["shared", "keygen"][..], &["shared", "keygen", "--rotate"]] {
        assert_eq!(agent.run(args).code, Some(1));
        assert_eq!(std::fs::read(&key).unwrap(), b"no key at all");
    }
    agent.ok(["shared", "keygen", "--help"]);
}

#[test]
fn a_directory_that_is_away_is_missed_and_used_again() {
    let store = TeamStore::directory();
    let first = given_to(&store);
    wait_until(LONGEST, "all of it is there", || first.agent.json(["shared", "push"])["given"] == 0);
    let entries = || json_of(&first, &["shared", "verify", "--json"])["entries"].as_u64().unwrap();
    let before = entries();
    let away = store.root().with_extension("away");
    std::fs::rename(store.root(), &away).unwrap();
    let mut other = reader(&store, &first);
    other.begin();
    assert_eq!(other.server.requests().len(), CODE_FILES, "{}", other.agent.log());
    let (status, doctor) = (other.agent.ok(["status"]), other.agent.run(["doctor"]).stdout);
    assert!(status.contains("is not a directory"), "{status}");
    assert!(doctor.contains("PROBLEM") && doctor.contains("is not a directory"), "{doctor}");
    // One that goes while it is in use.
    first.repo.edit("src/words.rs", "split_whitespace", "split_ascii_whitespace");
    first.repo.commit("words");
    first.agent.wait();
    wait_until(LONGEST, "it says so", || first.shared()["problem"].is_string());
    std::fs::rename(&away, store.root()).unwrap();
    // Without a request for it: what was not given is given when the store is tried again.
    first.agent.shift_clock(HOUR);
    wait_until(LONGEST, "the rest is given", || entries() >= before + 4);
    let pulled = other.agent.json(["shared", "pull"]);
    assert_eq!(pulled["problem"], Value::Null, "{pulled}");
    assert_eq!(other.shared()["problem"], Value::Null);
}

#[test]
fn a_list_of_nothing_from_a_stranger_is_not_believed() {
    let store = TeamStore::Server(ObjectServer::start());
    let TeamStore::Server(server) = &store else { unreachable!() };
    let first = given_to(&store);
    let mut other = reader(&store, &first);
    other.begin();
    let known = other.shared()["answers"].clone();
    server.script([(ObjectAct::List, Mishap::Portal)]);
    // A new process has listed nothing yet.
    other.agent.stop();
    other.agent.start_with(&other.environment);
    other.repo.edit("src/words.rs", "split_whitespace", "split_ascii_whitespace");
    other.repo.commit("words");
    other.agent.wait();
    let shared = other.shared();
    assert!(shared["problem"].as_str().unwrap_or_default().contains("lists nothing"), "{shared}");
    assert_eq!((shared["answers"].clone(), other.server.requests().len()), (known, 1));
}

#[test]
fn a_rule_that_comes_later_holds_from_then_on() {
    let store = TeamStore::directory();
    let mut first = given_to(&store);
    let entries = |machine: &Machine| json_of(machine, &["shared", "verify", "--json"])["entries"].as_u64().unwrap();
    wait_until(LONGEST, "all of it is there", || first.agent.json(["shared", "push"])["given"] == 0);
    let before = entries(&first);
    first.agent.stop();
    let config = first.agent.config();
    first.agent.write_config(&config.replacen("[shared]", "[privacy]\nwithhold = [\"/src/words.rs\"]\n[shared]", 1));
    first.agent.start_with(&first.environment);
    first.repo.edit("src/words.rs", "split_whitespace", "split_ascii_whitespace");
    first.repo.commit("words");
    first.agent.wait();
    let pushed = first.agent.json(["shared", "push"]);
    assert_eq!((&pushed["problem"], entries(&first)), (&Value::Null, before), "{pushed}");
}
