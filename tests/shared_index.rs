//! The promise: with `[shared] index = true` a team's code is found by what it means on a machine that has none of it, and the store
//! learns no path, name or text.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lance::dataset::UpdateBuilder;
use serde_json::{Value, json};

use super::shared::{Machine, TeamStore};
use crate::support::object_server::{Mishap, ObjectAct, ObjectServer};
use crate::support::{Output, TestAgent, TestRepo, wait_until};

const LONGEST: Duration = Duration::from_secs(60);

/// A question that shares no word with the function that answers it.
const QUESTION: [&str; 6] = ["how", "often", "do", "we", "retry", "requests"];

const FILES: [(&str, &str); 4] = [
    ("Cargo.toml", "[package]\nname = \"quibblefax\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    ("src/lib.rs", "pub mod net;\npub mod money;\n"),
    (
        "src/net.rs",
        "/// Asks again with growing pauses while the server is overloaded, and gives up after five times.\n\
         pub fn persevere(mut ask: impl FnMut() -> bool) -> bool {\n    (0..5).any(|_| ask())\n}\n",
    ),
    (
        "src/money.rs",
        "/// What a customer pays: the sum of the articles' prices and the sales tax.\n\
         pub fn bill(articles: &[u64]) -> u64 {\n    articles.iter().sum::<u64>() * 119 / 100\n}\n",
    ),
];

fn repo(name: &str) -> TestRepo {
    let repo = TestRepo::with_init(name, &[]);
    FILES.iter().for_each(|(path, text)| repo.write(path, text));
    repo.commit("first");
    repo
}

/// A machine that gives its vectors to the index.
fn writer(store: &TeamStore, repo: TestRepo, more: &str) -> Machine {
    let agent = TestAgent::new();
    agent.ok(["shared", "keygen"]);
    Machine::with(store, repo, agent, "mode = \"read-write\"\nindex = true", more)
}

/// A machine without any repository: a model, the key and the store's address are all it has.
fn stranger(store: &TeamStore, of: &Machine, trusted: bool) -> Machine {
    let agent = TestAgent::new();
    let reader = Machine::reader(store, of, TestRepo::new(), agent);
    if !trusted {
        let config = reader.agent.config().replace(&of.public_key(), &"7".repeat(64));
        reader.agent.write_config(&config);
    }
    reader
}

fn rows_given(machine: &Machine) -> u64 {
    machine.shared()["rows_given"].as_u64().unwrap()
}

#[track_caller]
fn wait_rows(machine: &Machine, least: u64) {
    wait_until(LONGEST, "rows are given", || rows_given(machine) >= least);
}

fn asked(machine: &Machine, more: &[&str]) -> Output {
    machine.verb(&[&["search", "--shared"], &QUESTION[..], more].concat())
}

#[track_caller]
fn answer(machine: &Machine) -> Value {
    let output = asked(machine, &["--json"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    serde_json::from_str(&output.stdout).unwrap()
}

/// Repository, path and item of each hit.
#[track_caller]
fn hits(machine: &Machine) -> Vec<(String, String, String)> {
    let answer = answer(machine);
    let text = |hit: &Value, key: &str| hit[key].as_str().unwrap().to_owned();
    let hits = answer["hits"].as_array().unwrap();
    hits.iter().map(|hit| (text(hit, "repo"), text(hit, "path"), text(hit, "entity_name"))).collect()
}

fn persevere(repo: &str) -> (String, String, String) {
    (repo.to_owned(), "src/net.rs".to_owned(), "persevere".to_owned())
}

#[track_caller]
fn found_without_a_repository(store: &TeamStore) {
    let mut first = writer(store, repo("shop"), "");
    first.begin();
    wait_rows(&first, 3);
    let other = stranger(store, &first, true);
    assert_eq!(hits(&other)[0], persevere("shop"));
    let text = asked(&other, &["--limit", "1"]);
    assert!(text.stdout.starts_with("shop/src/net.rs:1-4  function persevere  0."), "{text:?}");
    assert_eq!(text.stdout.lines().count(), 1);
    // A commit replaces what it changes, and removes what left.
    first.repo.edit("src/net.rs", "persevere", "insist");
    std::fs::remove_file(first.repo.path().join("src/money.rs")).unwrap();
    first.repo.edit("src/lib.rs", "pub mod money;\n", "");
    let before = rows_given(&first);
    first.repo.commit("insist");
    first.agent.wait();
    wait_rows(&first, before + 1);
    let found = hits(&other);
    assert_eq!(found[0].2, "insist");
    assert!(found.iter().all(|(_, path, name)| name != "persevere" && path != "src/money.rs"), "{found:?}");
}

#[test]
fn a_function_is_found_on_a_server_without_its_repository() {
    found_without_a_repository(&TeamStore::Server(ObjectServer::start()));
}

#[test]
fn a_function_is_found_in_a_directory_without_its_repository() {
    found_without_a_repository(&TeamStore::directory());
}

#[test]
fn the_index_is_off_unless_it_is_asked_for() {
    let store = TeamStore::directory();
    let mut first = Machine::writer(&store, repo("shop"), TestAgent::new());
    first.begin();
    let pushed = first.agent.json(["shared", "push"]);
    assert_eq!((&pushed["problem"], &pushed["rows"]), (&Value::Null, &json!(0)));
    assert!(!store.root().join("v1/index").exists());
    let empty = asked(&first, &[]);
    assert_eq!(empty.code, Some(0));
    assert!(empty.stdout.contains("there is no shared index yet"), "{empty:?}");
}

#[test]
fn two_machines_that_write_at_once_are_both_found() {
    for store in [TeamStore::directory(), TeamStore::Server(ObjectServer::start())] {
        let mut one = writer(&store, repo("shop"), "");
        let agent = TestAgent::new();
        std::fs::create_dir_all(agent.home()).unwrap();
        std::fs::copy(one.agent.home().join("shared.key"), agent.home().join("shared.key")).unwrap();
        let other_repo = TestRepo::with_init("depot", &[]);
        other_repo.write("src/lib.rs", "/// Moves a crate to another shelf.\npub fn relocate(_shelf: u32) {}\n");
        other_repo.commit("first");
        let mut other = Machine::with(&store, other_repo, agent, "mode = \"read-write\"\nindex = true", "");
        std::thread::scope(|scope| {
            scope.spawn(|| one.begin());
            scope.spawn(|| other.begin());
        });
        wait_rows(&one, 3);
        wait_rows(&other, 1);
        let third = stranger(&store, &one, true);
        let found: BTreeSet<String> = hits(&third).into_iter().map(|(_, _, name)| name).collect();
        assert!(["persevere", "bill", "relocate"].iter().all(|name| found.contains(*name)), "{found:?}");
        let verified = third.verb(&["shared", "verify", "--json"]);
        let survey: Value = serde_json::from_str(&verified.stdout).unwrap();
        assert_eq!(verified.code, Some(0), "{verified:?}");
        assert_eq!(survey["rows"].as_u64(), Some(rows_given(&one) + rows_given(&other)), "{survey}");
    }
}

fn objects(store: &TeamStore) -> Vec<PathBuf> {
    let (mut pending, mut found) = (vec![store.root()], Vec::new());
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { pending.push(path) } else { found.push(path) }
        }
    }
    found
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn no_object_of_the_index_says_a_path_a_name_or_a_text() {
    let store = TeamStore::Server(ObjectServer::start());
    let repo = repo("quibblefax-shop");
    repo.write("internal/plan.rs", "/// The merger.\npub fn zanzibar_price(offer: u32) -> u32 {\n    offer * 2\n}\n");
    repo.commit("plan");
    repo.write("src/saved.rs", "pub fn gadzooks() {}\n");
    let mut first = writer(&store, repo, "[privacy]\nwithhold = [\"/internal/\"]");
    first.begin();
    wait_rows(&first, 3);
    let pushed = first.agent.json(["shared", "push"]);
    assert_eq!(pushed["problem"], Value::Null, "{pushed}");
    let other = stranger(&store, &first, true);
    let found = hits(&other);
    assert!(found.contains(&persevere("quibblefax-shop")), "{found:?}");
    assert!(found.iter().all(|(_, path, _)| !path.starts_with("internal/") && path != "src/saved.rs"), "{found:?}");
    let index = store.root().join("ra/v1/index");
    let of_index: Vec<PathBuf> = objects(&store).into_iter().filter(|path| path.starts_with(&index)).collect();
    assert!(of_index.len() >= 3, "{of_index:?}");
    let user = first.repo.path().ancestors().nth(1).unwrap().display().to_string();
    let key = std::fs::read_to_string(first.agent.home().join("shared.key")).unwrap();
    let secret = key.split('"').nth(1).unwrap().to_owned();
    let head = first.repo.head();
    let plain = ["quibblefax", "src/", "net.rs", "persevere", "internal", "zanzibar", "gadzooks", "customer", "MiniLM"];
    for text in plain.into_iter().chain([&*user, &*secret, &*head, "a@example.org"]) {
        for path in &of_index {
            let name = path.strip_prefix(store.root()).unwrap().display().to_string();
            assert!(!name.contains(text), "{text} in the name {name}");
            assert!(!holds(&std::fs::read(path).unwrap(), text), "{text} in {name}");
        }
    }
    // What is withheld later is taken back.
    let before = rows_given(&first);
    first.agent.stop();
    first.agent.write_config(&first.agent.config().replace("\"/internal/\"", "\"*\""));
    first.agent.start_with(&first.environment);
    first.agent.wait();
    assert_eq!(first.agent.json(["shared", "push"])["problem"], Value::Null);
    assert_eq!((hits(&other), rows_given(&first)), (Vec::new(), before));
}

#[test]
fn a_row_that_does_not_verify_is_not_shown() {
    let store = TeamStore::directory();
    let mut first = writer(&store, repo("shop"), "");
    first.begin();
    wait_rows(&first, 3);
    let distrusting = stranger(&store, &first, false);
    let refused = answer(&distrusting);
    assert!(refused["hits"].as_array().unwrap().is_empty(), "{refused}");
    assert!(refused["refused"]["untrusted signer"].as_u64() > Some(2), "{refused}");
    let text = asked(&distrusting, &[]);
    assert!(text.stdout.contains("not used (untrusted signer)") && text.stdout.contains("trusted_keys"), "{text:?}");
    // Someone who may write in the directory changes rows.
    let other = stranger(&store, &first, true);
    assert_eq!(hits(&other)[0], persevere("shop"));
    tamper(&store.root().join("v1/index"));
    let changed = answer(&other);
    assert!(changed["hits"].as_array().unwrap().is_empty(), "{changed}");
    assert!(changed["refused"]["signature"].as_u64() > Some(2), "{changed}");
    let verified = other.verb(&["shared", "verify"]);
    assert!(verified.code == Some(6) && verified.stdout.contains("(signature)"), "{verified:?}");
    let doctor = other.agent.run(["doctor"]).stdout;
    assert!(doctor.contains("were not used"), "{doctor}");
}

/// Gives every row of every table another state.
fn tamper(index: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for table in std::fs::read_dir(index).unwrap() {
        let table = table.unwrap().path();
        runtime.block_on(async {
            let dataset = lance::Dataset::open(table.to_str().unwrap()).await.unwrap();
            let update = UpdateBuilder::new(std::sync::Arc::new(dataset)).set("state", "'00'").unwrap();
            update.build().unwrap().execute().await.unwrap();
        });
    }
}

#[test]
fn nothing_new_for_the_index_costs_no_request() {
    let store = TeamStore::Server(ObjectServer::start());
    let TeamStore::Server(server) = &store else { unreachable!() };
    let mut first = writer(&store, repo("shop"), "");
    first.begin();
    wait_rows(&first, 3);
    assert_eq!(first.agent.json(["shared", "push"])["problem"], Value::Null);
    let sent = server.requests().len();
    first.agent.stop();
    first.agent.start_with(&first.environment);
    first.agent.ok(["reconcile", first.repo.path().to_str().unwrap(), "--full"]);
    first.repo.git(&["commit", "--quiet", "--allow-empty", "--message", "nothing"]);
    first.agent.wait();
    assert_eq!(server.requests().len(), sent, "{:?}", &server.requests()[sent..]);
}

#[test]
fn a_commit_and_a_search_are_few_requests() {
    let store = TeamStore::Server(ObjectServer::start());
    let TeamStore::Server(server) = &store else { unreachable!() };
    let mut first = writer(&store, repo("shop"), "");
    let count = |from: usize| {
        let requests = server.requests();
        let of_index: Vec<_> = requests[from..].iter().filter(|one| one.target.contains("index")).collect();
        let bytes: usize = of_index.iter().map(|one| one.body.len()).sum();
        (requests.len(), of_index.len(), bytes)
    };
    first.begin();
    wait_rows(&first, 3);
    assert_eq!(first.agent.json(["shared", "push"])["problem"], Value::Null);
    let (sent, all, bytes) = count(0);
    first.repo.edit("src/net.rs", "persevere", "insist");
    let before = rows_given(&first);
    first.repo.commit("insist");
    first.agent.wait();
    wait_rows(&first, before + 1);
    let (sent, commit, commit_bytes) = count(sent);
    let other = stranger(&store, &first, true);
    hits(&other);
    let (_, search, _) = count(sent);
    let measured = format!(
        "{} rows: {all} requests, {bytes} bytes sent; a commit: {commit}, {commit_bytes} bytes; a search: {search}",
        before
    );
    eprintln!("{measured}");
    assert!(all <= 40 && commit <= 40 && search <= 40 && commit_bytes < 100_000, "{measured}");
}

#[test]
fn a_store_that_does_not_answer_is_said_plainly() {
    let store = TeamStore::Server(ObjectServer::start());
    let TeamStore::Server(server) = &store else { unreachable!() };
    let mut first = writer(&store, repo("shop"), "");
    server.script([(ObjectAct::Put, Mishap::Refuse(503))]);
    first.begin();
    wait_until(LONGEST, "the outage is known", || first.shared()["problem"].is_string());
    assert_eq!(rows_given(&first), 0);
    server.script([]);
    assert_eq!(first.agent.json(["shared", "push"])["problem"], Value::Null);
    assert!(rows_given(&first) >= 3, "it is given later");
    let other = stranger(&store, &first, true);
    for mishap in [Mishap::Refuse(503), Mishap::Refuse(403), Mishap::Cut] {
        server.script([(ObjectAct::List, mishap), (ObjectAct::Get, mishap)]);
        let output = asked(&other, &[]);
        assert_eq!(output.code, Some(1), "{mishap:?}: {output:?}");
        assert!(output.stderr.contains("the shared store does not answer"), "{mishap:?}: {output:?}");
        server.script([]);
        assert_eq!(hits(&other)[0], persevere("shop"), "{mishap:?}");
    }
}

#[test]
fn a_search_says_what_it_lacks() {
    let store = TeamStore::directory();
    let agent = TestAgent::new();
    let nowhere = agent.run([&["search", "--shared"], &QUESTION[..]].concat());
    assert!(nowhere.code == Some(2) && nowhere.stderr.contains("no store is set"), "{nowhere:?}");
    let keyless = Machine::with(&store, TestRepo::new(), agent, "", "");
    let output = asked(&keyless, &[]);
    assert!(output.code == Some(1) && output.stderr.contains("shared keygen"), "{output:?}");
    let mut first = writer(&store, repo("shop"), "");
    first.begin();
    wait_rows(&first, 3);
    let modelless = Machine::reader(&store, &first, TestRepo::new(), TestAgent::without_model());
    let output = asked(&modelless, &[]);
    assert!(output.code == Some(1) && output.stderr.contains("ra-agent model install"), "{output:?}");
    // Under another name secret the table of the same model has another name.
    let (agent, trusted) = (TestAgent::new(), first.public_key());
    agent.ok(["shared", "keygen"]);
    let other = Machine::with(&store, TestRepo::new(), agent, &format!("trusted_keys = [\"{trusted}\"]"), "");
    let empty = answer(&other);
    assert!(empty["why_empty"].as_str().unwrap().contains("another embedding model"), "{empty}");
    let both = first.verb(&["search", "--shared", "--kind", "function", "x"]);
    assert_eq!(both.code, Some(2), "{both:?}");
}

#[test]
fn gc_merges_the_index_and_removes_old_versions() {
    let store = TeamStore::directory();
    let mut first = writer(&store, repo("shop"), "");
    first.begin();
    wait_rows(&first, 3);
    for number in 0..4 {
        let before = rows_given(&first);
        first.repo.write("src/extra.rs", format!("/// Number {number}.\npub fn extra_{number}() {{}}\n"));
        first.repo.commit("extra");
        first.agent.wait();
        wait_rows(&first, before + 1);
    }
    let gc = |args: &[&str]| -> Value {
        let output = first.verb(&[&["shared", "gc", "--json"], args].concat());
        assert_eq!(output.code, Some(0), "{output:?}");
        serde_json::from_str::<Value>(&output.stdout).unwrap()["index"].clone()
    };
    let young = gc(&[]);
    assert_eq!(young["versions_removed"], 0, "{young}");
    assert!(young["fragments_merged"].as_u64() > Some(1), "{young}");
    let before = objects(&store).len();
    let dry = gc(&["--grace", "0s", "--dry-run"]);
    assert_eq!((&dry["versions_removed"], objects(&store).len()), (&json!(0), before));
    let done = gc(&["--grace", "0s"]);
    assert!(done["versions_removed"].as_u64() > Some(4), "{done}");
    assert!(objects(&store).len() < before);
    let other = stranger(&store, &first, true);
    let found = hits(&other);
    assert_eq!(found[0], persevere("shop"));
    assert!(found.iter().any(|(_, _, name)| name == "extra_3"), "{found:?}");
}
