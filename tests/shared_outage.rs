//! The promise: a shared store that is down, slow, or lies costs nothing but what it would have saved; and nothing wrong is ever used.

use std::time::Duration;

use serde_json::Value;

use super::shared::{ANSWERS, CODE_FILES, FILES, Machine, TeamStore};
use crate::support::object_server::{Mishap, ObjectAct, ObjectServer};
use crate::support::{TestAgent, TestRepo, wait_until};

const LONGEST: Duration = Duration::from_secs(60);

/// A store on a server, filled by a machine that writes.
fn filled() -> (TeamStore, Machine) {
    let store = TeamStore::Server(ObjectServer::start());
    let mut first = Machine::writer(&store, TestRepo::with_files(FILES), TestAgent::without_model());
    first.begin();
    first.wait_given(ANSWERS);
    first.agent.stop();
    (store, first)
}

fn server(store: &TeamStore) -> &ObjectServer {
    match store {
        TeamStore::Server(server) => server,
        TeamStore::Directory(_) => panic!("it is a directory"),
    }
}

fn reader(store: &TeamStore, first: &Machine) -> Machine {
    Machine::reader(store, first, TestRepo::with_files(FILES), TestAgent::without_model())
}

#[test]
fn whatever_a_store_does_the_work_is_done_and_right() {
    let (store, first) = filled();
    use ObjectAct::{Get, List};
    let mishaps: [(&str, ObjectAct, Mishap, bool); 12] = [
        ("forbidden", List, Mishap::Refuse(403), true),
        ("throttled", List, Mishap::Refuse(429), true),
        ("overloaded", List, Mishap::Refuse(503), true),
        ("broken", List, Mishap::Cut, true),
        // Read as a list of nothing.
        ("a portal", List, Mishap::Portal, false),
        ("slow", List, Mishap::Delay(Duration::from_secs(20)), true),
        ("forbidden objects", Get, Mishap::Refuse(403), true),
        ("lost objects", Get, Mishap::Lose, false),
        ("cut objects", Get, Mishap::Cut, true),
        ("half objects", Get, Mishap::Halve, true),
        ("garbled objects", Get, Mishap::Garble, false),
        ("objects that are a portal", Get, Mishap::Portal, true),
    ];
    for (what, act, mishap, is_outage) in mishaps {
        server(&store).script([(act, mishap)]);
        let mut other = reader(&store, &first);
        other.begin();
        assert_eq!(other.server.requests().len(), CODE_FILES, "{what}: asked here\n{}", other.agent.log());
        for (path, _) in &FILES[1..] {
            assert_eq!(other.results(path), first.results(path), "{what}: {path}");
        }
        let shared = other.shared();
        assert_eq!(shared["answers_taken"], 0, "{what}: {shared}");
        assert_eq!(shared["problem"].is_string(), is_outage, "{what}: {shared}");
        let (status, doctor) = (other.agent.ok(["status"]), other.agent.run(["doctor"]).stdout);
        assert_eq!(status.contains("it does not answer"), is_outage, "{what}: {status}");
        assert_eq!(doctor.contains("work goes on without it"), is_outage, "{what}: {doctor}");
    }
}

#[test]
fn an_outage_that_ends_is_noticed_and_the_rest_is_taken() {
    let (store, first) = filled();
    server(&store).script([(ObjectAct::List, Mishap::Refuse(503))]);
    let mut other = reader(&store, &first);
    other.server.otherwise(crate::support::llm_server::Script::status(503, "the provider is down, too"));
    other.agent.start_with(&other.environment);
    other.agent.ok(["register", other.repo.path().to_str().unwrap()]);
    wait_until(LONGEST, "the outage is known", || other.shared()["problem"].is_string());
    let asked = || server(&store).requests().len();
    let (before, resting) = (asked(), other.shared()["retry_at"].clone());
    assert!(resting.is_string(), "{resting}");
    other.agent.ok(["reconcile", other.repo.path().to_str().unwrap(), "--full"]);
    assert_eq!(asked(), before, "it is left alone");
    server(&store).script([]);
    let pulled = other.agent.json(["shared", "pull"]);
    assert!(pulled["problem"].is_null() && pulled["taken"].as_u64() >= Some(ANSWERS), "{pulled}");
    assert_eq!(other.counted().1, CODE_FILES, "{}", other.agent.log());
    assert_eq!(other.shared()["problem"], Value::Null);
}

#[test]
fn a_store_that_takes_nothing_loses_nothing() {
    for mishap in [Mishap::Refuse(403), Mishap::Refuse(507), Mishap::Delay(Duration::from_secs(20)), Mishap::Cut] {
        let store = TeamStore::Server(ObjectServer::start());
        server(&store).script([(ObjectAct::Put, mishap)]);
        let mut first = Machine::writer(&store, TestRepo::with_files(FILES), TestAgent::without_model());
        first.begin();
        assert_eq!(first.server.requests().len(), CODE_FILES, "{mishap:?}");
        if mishap != Mishap::Cut {
            wait_until(LONGEST, "it says so", || first.shared()["problem"].is_string());
        }
        server(&store).script([]);
        let pushed = first.agent.json(["shared", "push"]);
        assert_eq!(pushed["problem"], Value::Null, "{mishap:?}: {pushed}");
        let mut other = reader(&store, &first);
        other.begin();
        assert_eq!(other.server.requests().len(), 0, "{mishap:?}");
    }
}

#[test]
fn copies_and_strange_objects_change_nothing() {
    let (store, first) = filled();
    for pack in store.packs() {
        for digit in ["1", "2"] {
            std::fs::copy(&pack, pack.with_file_name(format!("{}.pack", digit.repeat(32)))).unwrap();
        }
        std::fs::write(pack.with_file_name(format!("{}.pack", "3".repeat(32))), b"rashare1 of another kind").unwrap();
        std::fs::write(pack.with_file_name(format!("{}.pack", "4".repeat(32))), b"").unwrap();
        std::fs::write(pack.with_file_name("notes.txt"), b"keep out").unwrap();
    }
    let mut other = reader(&store, &first);
    other.begin();
    assert_eq!(other.server.requests().len(), 0, "{}", other.agent.log());
    let verified = other.verb(&["shared", "verify"]);
    assert!(verified.code == Some(6) && verified.stdout.contains("damaged"), "{verified:?}");
}
