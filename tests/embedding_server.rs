//! The promise: a server can make the vectors. One of this machine is free; one elsewhere is sent what a model may be asked about, and
//! every nano-dollar of it is booked.

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::support::embedding_server::{EmbeddingServer, TOKEN_NANO};
use crate::support::planted::planted;
use crate::support::{TestAgent, TestRepo, untouched};

const FILES: [(&str, &str); 4] = [
    ("Cargo.toml", "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    ("src/lib.rs", "pub mod money;\npub mod net;\n"),
    ("src/money.rs", "pub fn bill(articles: &[u64]) -> u64 {\n    articles.iter().sum::<u64>() * 119 / 100\n}\n"),
    ("src/net.rs", "pub fn persevere(mut ask: impl FnMut() -> bool) -> bool {\n    (0..5).any(|_| ask())\n}\n"),
];

struct Served {
    agent: TestAgent,
    repo: TestRepo,
    server: EmbeddingServer,
}

impl Served {
    /// `more`: further lines of `[embedding]`, then further tables.
    fn with(repo: TestRepo, more: &str) -> Self {
        Self::scripted(repo, more, |_| {})
    }

    fn scripted(repo: TestRepo, more: &str, tell: impl FnOnce(&EmbeddingServer)) -> Self {
        let (mut agent, server) = (TestAgent::without_model(), EmbeddingServer::start());
        tell(&server);
        agent.write_config(&format!(
            "[embedding]\nprovider = \"custom\"\nmodel = \"words\"\nbase_url = \"{}\"\nrequests_per_minute = 100000\n\
             texts_per_request = 3\ntimeout_secs = 5\nunload_after_secs = 3600\n{more}",
            server.base_url()
        ));
        agent.start();
        untouched(repo.path(), || agent.ok(["register", repo.path().to_str().unwrap()]));
        Self { agent, repo, server }
    }

    /// One that costs something.
    fn paid(more: &str) -> Self {
        let price = TOKEN_NANO as f64 / 1_000.0;
        Self::with(TestRepo::with_files(FILES), &format!("input_usd_per_m = {price}\n{more}"))
    }

    #[track_caller]
    fn wait(&self) {
        untouched(self.repo.path(), || self.agent.wait());
    }

    fn search(&self, query: &str) -> Value {
        untouched(self.repo.path(), || self.agent.json(["search", query]))
    }

    #[track_caller]
    fn assert_found(&self, query: &str, name: &str) {
        let found = self.search(query);
        assert_eq!(found["mode"], json!("hybrid"), "{found}");
        assert_eq!(found["hits"][0]["entity_name"], json!(name), "{found}");
    }

    fn ledger(&self, sql: &str) -> u64 {
        let path = self.agent.home().join("agent.db");
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// All that is booked, open entries at their worst case.
    fn booked_nano(&self) -> u64 {
        self.ledger("SELECT coalesce(sum(coalesce(cost, reserved)), 0) FROM ledger")
    }
}

#[test]
fn a_server_of_this_machine_makes_vectors_and_costs_nothing() {
    let served = Served::with(TestRepo::with_files(FILES), "query_prefix = \"query: \"\npassage_prefix = \"code: \"\n");
    served.wait();
    assert!(served.server.texts().iter().all(|text| text.starts_with("code: ")));
    served.assert_found("how often do we retry", "persevere");
    served.search("price");
    assert_eq!(served.server.texts().last().unwrap(), "query: price");
    assert_eq!(served.ledger("SELECT count(*) FROM ledger"), 0);
    let status = served.agent.json(["status"]);
    assert_eq!(status["embedding"]["model"], json!("custom/words"), "{status}");

    let before = served.server.requests();
    served.repo.write("src/net.rs", "pub fn persevere() -> bool {\n    // saved: an identifier\n    false\n}\n");
    served.wait();
    assert!(served.server.texts().iter().skip(before).any(|text| text.contains("saved: an identifier")));
    let texts = served.server.texts().len();
    served.repo.commit("as it was saved");
    served.wait();
    assert_eq!(served.server.texts().len(), texts, "what was saved is embedded");
}

#[test]
fn every_vector_of_a_remote_server_is_booked_to_the_nano_dollar() {
    let served = Served::paid("");
    served.wait();
    let texts = served.server.texts().len();
    assert!(texts >= FILES.len(), "{texts}");
    assert_eq!(served.booked_nano(), served.server.billed_nano());
    assert!(served.server.billed_nano() > 0);

    served.assert_found("how often do we retry", "persevere");
    assert_eq!((served.server.texts().len(), served.booked_nano()), (texts + 1, served.server.billed_nano()));
    assert_eq!(served.ledger("SELECT count(*) FROM ledger WHERE analysis_type = 'query'"), 1);
    assert_eq!(served.ledger("SELECT count(*) FROM ledger WHERE closed_at IS NULL"), 0);

    served.repo.edit("src/money.rs", "119", "120");
    served.repo.commit("another tax");
    served.wait();
    assert_eq!((served.server.texts().len(), served.booked_nano()), (texts + 2, served.server.billed_nano()));
    let head = served.repo.head();
    served.repo.revert(&head);
    served.wait();
    assert_eq!(served.server.texts().len(), texts + 2, "its vectors are kept");
}

#[test]
fn a_dry_run_says_what_remote_vectors_would_cost() {
    let mut files: Vec<(&str, &str)> = FILES.to_vec();
    files.push(("internal/plan.rs", "pub fn withheld_from_models() {}\n"));
    let repo = TestRepo::with_files(files);
    let price = TOKEN_NANO as f64 / 1_000.0;
    let more =
        format!("input_usd_per_m = {price}\npassage_prefix = \"code: \"\n[privacy]\nwithhold = [\"/internal/\"]\n");
    let served = Served::with(repo, &more);
    served.wait();
    let path = served.repo.path().to_str().unwrap();
    let estimate = served.agent.json(["register", path, "--dry-run"]);
    let remote = &estimate["remote_embedding"];
    assert_eq!(remote["model"], json!("custom/words"), "{estimate}");
    assert_eq!(remote["texts"], json!(served.server.texts().len()), "{remote}");
    let least = remote["requests"].as_u64().unwrap() as usize;
    assert!((least..=FILES.len()).contains(&served.server.requests()), "{remote}");
    let (expected, billed) = (remote["usd"].as_f64().unwrap() * 1e9, served.booked_nano() as f64);
    assert!((0.8..1.2).contains(&(expected / billed)), "{expected} of {billed}");
    let shown = served.agent.ok(["register", path, "--dry-run"]);
    assert!(shown.contains("vectors by custom/words: ") && shown.contains("local analysis: $0.00"), "{shown}");

    let here = TestAgent::without_model();
    let estimate = here.json(["register", path, "--dry-run"]);
    assert_eq!(estimate["remote_embedding"], Value::Null, "{estimate}");
}

#[test]
fn a_remote_server_is_sent_committed_text_without_secrets() {
    let secrets = planted();
    let body: String = secrets.iter().map(|one| format!("{}\n", one.text)).collect();
    let mut files: Vec<(&str, &str)> = FILES.to_vec();
    files.push(("src/keys.rs", &body));
    files.push(("internal/plan.rs", "pub fn withheld_from_models() {}\n"));
    let price = "input_usd_per_m = 2\n[privacy]\nwithhold = [\"/internal/\"]\n";
    let served = Served::with(TestRepo::with_files(files), price);
    served.wait();
    let sent = served.server.texts().join("\n");
    let left: Vec<&str> = secrets.iter().filter(|one| sent.contains(&one.secret)).map(|one| one.kind).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(sent.contains("REDACTED") && !sent.contains("withheld_from_models"), "{sent}");

    let texts = served.server.texts().len();
    served.repo.edit("src/net.rs", "0..5", "0..77");
    served.repo.write("src/new.rs", "pub fn not_committed() {}\n");
    served.wait();
    served.assert_found("articles", "bill");
    assert_eq!(served.server.texts().len(), texts + 1, "the query alone");
    let found = served.search("not_committed");
    assert_eq!(found["hits"][0]["path"], json!("src/new.rs"), "by its words: {found}");
    served.repo.commit("both");
    served.wait();
    let sent = served.server.texts().join("\n");
    assert!(sent.contains("0..77") && sent.contains("fn not_committed"), "{sent}");
    let secret = &secrets[0].secret;
    served.search(&format!("where is {secret} used"));
    assert!(!served.server.texts().iter().any(|text| text.contains(secret.as_str())));
}

#[test]
fn a_limit_holds_vectors_back_and_a_higher_one_brings_them() {
    let served = Served::paid("[budget]\nmonthly_usd = 0\n");
    served.wait();
    assert_eq!((served.server.requests(), served.booked_nano()), (0, 0));
    let found = served.search("bill");
    assert_eq!(found["mode"], json!("lexical"), "{found}");
    assert!(found["note"].as_str().unwrap().contains("limit"), "{found}");
    assert_eq!(found["hits"][0]["entity_name"], json!("bill"));
    served.agent.ok(["budget", "set", "--monthly", "1"]);
    served.wait();
    served.assert_found("how often do we retry", "persevere");
    assert_eq!(served.booked_nano(), served.server.billed_nano());
}

#[test]
fn a_server_that_fails_is_left_alone_and_asked_again() {
    let price = format!("input_usd_per_m = {}\n", TOKEN_NANO as f64 / 1_000.0);
    let served = Served::scripted(TestRepo::with_files(FILES), &price, |server| {
        server.refuse([(503, "{\"error\":\"busy\"}"), (429, "{\"error\":{\"message\":\"slow down\"}}")]);
    });
    crate::support::wait_until(std::time::Duration::from_secs(60), "the server is asked again", || {
        served.server.requests() >= 2
    });
    served.wait();
    served.assert_found("how often do we retry", "persevere");
    assert_eq!(served.booked_nano(), served.server.billed_nano(), "a refusal costs nothing");

    served.server.fall_silent(true);
    let found = served.search("when do we retry");
    assert_eq!(found["mode"], json!("lexical"), "{found}");
    assert!(found["note"].as_str().unwrap().contains("no whole reply within 3 s"), "{found}");
    assert!(served.server.billed_nano() <= served.booked_nano(), "what may be billed is booked");
}

#[test]
fn vectors_have_the_length_of_the_servers_first_one() {
    let served = Served::scripted(TestRepo::with_files(FILES), "", |server| server.set_dimensions(768));
    served.wait();
    served.assert_found("how often do we retry", "persevere");
    let asked = served.server.requests();

    served.server.set_dimensions(12);
    served.repo.write("src/net.rs", "pub fn give_up() -> bool {\n    false\n}\n");
    served.repo.commit("another length");
    served.wait();
    let status = served.agent.json(["status"]).to_string();
    assert!(status.contains("12 dimensions, not 768"), "{status}");
    assert_eq!(served.server.requests(), asked + 1, "and not asked again and again");
}
