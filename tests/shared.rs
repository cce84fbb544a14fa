//! The promise: what one machine has paid for or computed, another takes at no cost; nothing wrong is ever used, and nothing private
//! leaves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ra_agent::shared::pack::{IndexRead, PackIndex};
use serde_json::{Value, json};

use crate::support::asking::config_of;
use crate::support::llm_server::LlmServer;
use crate::support::object_server::{Mishap, ObjectAct, ObjectServer};
use crate::support::{TestAgent, TestRepo, untouched, wait_until};

/// How long sharing may take, which happens once nothing else is to be done.
const LONGEST: Duration = Duration::from_secs(60);

pub const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", "[package]\nname = \"team\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    ("src/lib.rs", "//! The root of it all.\n\npub mod limits;\npub mod retry;\npub mod words;\n"),
    (
        "src/limits.rs",
        "/// Keeps a number below the limit.\npub fn clamp(n: u32) -> u32 {\n    if n > 10 { 10 } else { n } // TODO: a limit of its own\n}\n",
    ),
    ("src/retry.rs", "use crate::limits::clamp;\n\npub fn attempts(asked: u32) -> u32 {\n    clamp(asked) + 1\n}\n"),
    ("src/words.rs", "pub fn count(text: &str) -> usize {\n    text.split_whitespace().count()\n}\n"),
];
pub const CODE_FILES: usize = 4;
pub const ANSWERS: u64 = 4 * CODE_FILES as u64;
/// These, and what the local analyzer says of each file.
const ANALYSES: u64 = ANSWERS + 4 * FILES.len() as u64;

/// Where the store is.
pub enum TeamStore {
    Directory(tempfile::TempDir),
    Server(ObjectServer),
}

impl TeamStore {
    pub fn directory() -> Self {
        Self::Directory(tempfile::tempdir().unwrap())
    }

    pub fn settings(&self) -> String {
        match self {
            Self::Directory(dir) => format!("url = \"file://{}\"", dir.path().display()),
            Self::Server(server) => server.settings(),
        }
    }

    pub fn environment(&self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Directory(_) => Vec::new(),
            Self::Server(server) => server.environment().to_vec(),
        }
    }

    pub fn root(&self) -> PathBuf {
        match self {
            Self::Directory(dir) => dir.path().to_owned(),
            Self::Server(server) => server.bucket(),
        }
    }

    /// Every pack that is there.
    pub fn packs(&self) -> BTreeSet<PathBuf> {
        let (mut pending, mut packs) = (vec![self.root()], BTreeSet::new());
        while let Some(dir) = pending.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => pending.push(path),
                    false if path.extension().is_some_and(|extension| extension == "pack") => drop(packs.insert(path)),
                    false => {}
                }
            }
        }
        packs
    }
}

/// A machine of the team.
pub struct Machine {
    pub agent: TestAgent,
    pub repo: TestRepo,
    pub server: LlmServer,
    pub environment: Vec<(&'static str, &'static str)>,
}

impl Machine {
    /// One that writes, with a key of its own.
    pub fn writer(store: &TeamStore, repo: TestRepo, agent: TestAgent) -> Self {
        agent.ok(["shared", "keygen"]);
        Self::with(store, repo, agent, "mode = \"read-write\"", "")
    }

    /// One that reads what another writes.
    pub fn reader(store: &TeamStore, of: &Self, repo: TestRepo, agent: TestAgent) -> Self {
        std::fs::create_dir_all(agent.home()).unwrap();
        let key = agent.home().join("shared.key");
        std::fs::write(&key, of.agent.ok(["shared", "keygen", "--reader"])).unwrap();
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        Self::with(store, repo, agent, &format!("trusted_keys = [\"{} the first\"]", of.public_key()), "")
    }

    pub fn with(store: &TeamStore, repo: TestRepo, agent: TestAgent, shared: &str, more: &str) -> Self {
        let server = LlmServer::start();
        let settings = format!("{more}\n[shared]\n{}\n{shared}\n", store.settings());
        let earlier = agent.config();
        agent.write_config(&format!("{}\n{earlier}", config_of(&server, "3.00", &settings)));
        Self { agent, repo, server, environment: store.environment() }
    }

    pub fn public_key(&self) -> String {
        self.shared()["public_key"].as_str().unwrap().to_owned()
    }

    pub fn begin(&mut self) {
        self.agent.start_with(&self.environment);
        untouched(self.repo.path(), || self.agent.ok(["register", self.repo.path().to_str().unwrap()]));
        self.agent.wait();
    }

    pub fn shared(&self) -> Value {
        self.agent.json(["shared", "status"])
    }

    /// Waits until so many entries were given.
    #[track_caller]
    pub fn wait_given(&self, least: u64) {
        wait_until(LONGEST, "what was made is shared", || self.shared()["entries_given"].as_u64() >= Some(least));
    }

    pub fn counted(&self) -> (Value, Value) {
        let repo = self.agent.json(["status"])["repos"][0].clone();
        (repo["asked"].clone(), repo["answered"].clone())
    }

    pub fn shown(&self, path: &str) -> Value {
        self.agent.json(["show", self.repo.path().join(path).to_str().unwrap()])
    }

    /// What the agent says of this file, but for who made it.
    pub fn results(&self, path: &str) -> Vec<Value> {
        let shown = self.shown(path);
        shown["analyses"].as_array().unwrap().iter().map(|one| one["result"].clone()).collect()
    }

    /// A verb of this machine, with the credentials that it needs.
    pub fn verb(&self, args: &[&str]) -> crate::support::Output {
        let output = self.agent.command(args).envs(self.environment.iter().copied()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        crate::support::Output {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

#[track_caller]
fn taken_at_no_cost(store: &TeamStore) {
    let mut first = Machine::writer(store, TestRepo::with_files(FILES), TestAgent::without_model());
    first.begin();
    assert_eq!(first.server.requests().len(), CODE_FILES);
    first.wait_given(ANSWERS);
    let mut other = Machine::reader(store, &first, TestRepo::with_files(FILES), TestAgent::without_model());
    other.begin();
    assert_eq!(other.server.requests().len(), 0, "{}", other.agent.log());
    assert_eq!(other.counted(), (json!(CODE_FILES), json!(CODE_FILES)));
    let budget = other.agent.json(["budget", "status"]);
    assert_eq!(budget["spent_usd"], json!(0.0));
    let shared = other.shared();
    assert_eq!(shared["answers_taken"], json!(ANSWERS), "{shared}");
    let paid = first.server.billed_nano() as f64 / 1e9;
    assert!((shared["saved_usd"].as_f64().unwrap() - paid).abs() < 1e-9, "{shared} {paid}");
    for (path, _) in &FILES[1..] {
        assert_eq!(other.results(path), first.results(path), "{path}");
    }
    let shown = other.shown("src/limits.rs");
    let by = shown["analyses"][0]["shared_by"].as_str().unwrap();
    assert!(by.starts_with("the first (") && by.len() == 28, "{by}");
    let text = other.agent.ok(["show", other.repo.path().join("src/limits.rs").to_str().unwrap()]);
    assert!(text.contains("$0 here") && text.contains("paid by the first"), "{text}");
    assert_eq!(first.shown("src/limits.rs")["analyses"][0]["shared_by"], Value::Null);
    // What changes from now on is asked for here.
    other.repo.edit("src/words.rs", "split_whitespace", "split_ascii_whitespace");
    other.repo.commit("words");
    other.agent.wait();
    assert_eq!(other.server.requests().len(), 1);
}

#[test]
fn what_one_paid_for_the_other_takes_from_a_directory() {
    taken_at_no_cost(&TeamStore::directory());
}

#[test]
fn what_one_paid_for_the_other_takes_from_a_server() {
    taken_at_no_cost(&TeamStore::Server(ObjectServer::start()));
}

#[test]
fn a_new_clone_embeds_nothing_that_is_there() {
    let store = TeamStore::directory();
    let mut first = Machine::writer(&store, TestRepo::with_files(FILES), TestAgent::new());
    first.begin();
    let made = |machine: &Machine| machine.agent.json(["cache", "status"])["vectors"]["made"].as_u64().unwrap();
    let chunks = made(&first);
    assert!(chunks > 0);
    wait_until(LONGEST, "vectors are shared", || first.shared()["vectors"].as_u64() == Some(chunks));
    let mut other = Machine::reader(&store, &first, TestRepo::with_files(FILES), TestAgent::new());
    other.begin();
    assert_eq!((made(&other), other.server.requests().len()), (0, 0), "{}", other.agent.log());
    let found = |machine: &Machine| {
        let hits = machine.agent.json(["search", "how often do we retry a failed request", "--limit", "5"]);
        let hits = hits["hits"].as_array().unwrap().clone();
        hits.iter().map(|hit| (hit["path"].clone(), hit["score"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(found(&other), found(&first), "the vectors are the same");
}

#[test]
fn nothing_new_costs_no_request() {
    let store = TeamStore::Server(ObjectServer::start());
    let TeamStore::Server(server) = &store else { unreachable!() };
    let mut first = Machine::writer(&store, TestRepo::with_files(FILES), TestAgent::without_model());
    first.begin();
    first.wait_given(ANALYSES);
    let mut other = Machine::reader(&store, &first, TestRepo::with_files(FILES), TestAgent::without_model());
    other.begin();
    first.agent.wait();
    let sent = server.requests().len();
    for machine in [&mut first, &mut other] {
        // A new process has listed nothing yet.
        machine.agent.stop();
        machine.agent.start_with(&machine.environment);
        machine.agent.ok(["reconcile", machine.repo.path().to_str().unwrap(), "--full"]);
        machine.repo.git(&["commit", "--quiet", "--allow-empty", "--message", "nothing"]);
        machine.agent.wait();
    }
    assert_eq!(server.requests().len(), sent, "{:?}", &server.requests()[sent..]);
}

#[test]
fn both_write_at_once_and_both_have_everything() {
    let store = TeamStore::directory();
    let mut one = Machine::writer(&store, TestRepo::with_files(FILES), TestAgent::without_model());
    let (agent, repo) = (TestAgent::without_model(), TestRepo::with_files(FILES));
    std::fs::create_dir_all(agent.home()).unwrap();
    let key = agent.home().join("shared.key");
    std::fs::copy(one.agent.home().join("shared.key"), &key).unwrap();
    let mut other = Machine::with(&store, repo, agent, "mode = \"read-write\"", "");
    std::thread::scope(|scope| {
        scope.spawn(|| one.begin());
        scope.spawn(|| other.begin());
    });
    let paid = one.server.requests().len() + other.server.requests().len();
    assert!((CODE_FILES..=2 * CODE_FILES).contains(&paid), "{paid}");
    wait_until(LONGEST, "all of it is shared", || {
        let verified = one.verb(&["shared", "verify", "--json"]);
        let survey: Value = serde_json::from_str(&verified.stdout).unwrap();
        assert_eq!(verified.code, Some(0), "{verified:?}");
        survey["entries"].as_u64() >= Some(2 * ANSWERS)
    });
    let mut third = Machine::reader(&store, &one, TestRepo::with_files(FILES), TestAgent::without_model());
    third.begin();
    assert_eq!(third.server.requests().len(), 0);
}

#[test]
fn a_writer_killed_while_it_shares_shares_the_rest_later() {
    let store = TeamStore::Server(ObjectServer::start());
    let TeamStore::Server(server) = &store else { unreachable!() };
    let mut first = Machine::writer(&store, TestRepo::with_files(FILES), TestAgent::without_model());
    server.script([(ObjectAct::Put, Mishap::Delay(Duration::from_millis(1_500)))]);
    first.begin();
    let is_at_it = || server.requests().iter().any(|request| request.act == ObjectAct::Put);
    wait_until(LONGEST, "it begins to share", is_at_it);
    first.agent.kill9_daemon();
    server.script([]);
    first.agent.start_with(&first.environment);
    first.agent.wait();
    let pushed = first.agent.json(["shared", "push"]);
    assert_eq!(pushed["problem"], Value::Null);
    let mut other = Machine::reader(&store, &first, TestRepo::with_files(FILES), TestAgent::without_model());
    other.begin();
    assert_eq!(other.server.requests().len(), 0);
    assert_eq!(first.server.requests().len(), CODE_FILES, "nothing was paid for twice");
}

#[test]
fn without_a_key_nothing_is_shared_and_the_command_is_named() {
    let store = TeamStore::directory();
    let (repo, agent) = (TestRepo::with_files(FILES), TestAgent::without_model());
    let mut machine = Machine::with(&store, repo, agent, "mode = \"read-write\"", "");
    machine.begin();
    assert_eq!(machine.server.requests().len(), CODE_FILES, "work goes on");
    assert!(store.packs().is_empty());
    let push = machine.agent.run(["shared", "push"]);
    assert!(push.code == Some(1) && push.stderr.contains("ra-agent shared keygen"), "{push:?}");
    let doctor = machine.agent.run(["doctor"]);
    assert!(doctor.stdout.contains("PROBLEM") && doctor.stdout.contains("shared keygen"), "{doctor:?}");
    let status = machine.agent.ok(["status"]);
    assert!(status.contains("shared keygen"), "{status}");
}

#[test]
fn what_a_stranger_signed_is_not_used() {
    let store = TeamStore::directory();
    let mut first = Machine::writer(&store, TestRepo::with_files(FILES), TestAgent::without_model());
    first.begin();
    first.wait_given(ANSWERS);
    let mut other = Machine::reader(&store, &first, TestRepo::with_files(FILES), TestAgent::without_model());
    let config = other.agent.config().replace(&first.public_key(), &"7".repeat(64));
    other.agent.write_config(&config);
    other.begin();
    assert_eq!(other.server.requests().len(), CODE_FILES);
    let shared = other.shared();
    assert!(shared["refused"]["untrusted signer"].as_u64() > Some(0), "{shared}");
    let verified = other.verb(&["shared", "verify"]);
    assert!(verified.code == Some(6) && verified.stdout.contains("untrusted signer"), "{verified:?}");
    let doctor = other.agent.run(["doctor"]).stdout;
    assert!(doctor.contains("were not used") && doctor.contains("shared verify"), "{doctor}");
}

#[test]
fn a_reader_with_a_key_of_its_own_writes_under_the_same_names() {
    let store = TeamStore::directory();
    let mut first = Machine::writer(&store, TestRepo::with_files(FILES), TestAgent::without_model());
    first.begin();
    first.wait_given(ANALYSES);
    let mut second = Machine::reader(&store, &first, TestRepo::with_files(FILES), TestAgent::without_model());
    second.agent.write_config(&second.agent.config().replace("trusted_keys", "mode = \"read-write\"\ntrusted_keys"));
    let refused = second.agent.run(["shared", "push"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("keygen` adds one"), "{refused:?}");
    second.agent.ok(["shared", "keygen"]);
    assert_ne!(second.public_key(), first.public_key());
    second.begin();
    assert_eq!(second.server.requests().len(), 0);
    let packs = store.packs();
    second.repo.edit("src/words.rs", "split_whitespace", "split_ascii_whitespace");
    second.repo.commit("words");
    second.agent.wait();
    second.wait_given(8);
    assert!(store.packs().len() > packs.len(), "what is new is given, and nothing that was there");
    let verified = second.verb(&["shared", "verify", "--json"]);
    let survey: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!((verified.code, &survey["signers"][second.public_key()]), (Some(0), &json!(8)), "{survey}");
}

#[test]
fn a_rotated_key_goes_on_with_the_same_names() {
    let store = TeamStore::directory();
    let mut first = Machine::writer(&store, TestRepo::with_files(FILES), TestAgent::without_model());
    first.begin();
    first.wait_given(ANSWERS);
    let old = first.public_key();
    let said = first.agent.ok(["shared", "keygen", "--rotate"]);
    assert!(said.contains(&old) && said.contains(&first.public_key()) && old != first.public_key(), "{said}");
    let mut other = Machine::reader(&store, &first, TestRepo::with_files(FILES), TestAgent::without_model());
    let config = other.agent.config();
    other.agent.write_config(&config.replace("trusted_keys = [", &format!("trusted_keys = [\"{old} before\", ")));
    other.begin();
    assert_eq!(other.server.requests().len(), 0);
    let by = other.shown("src/limits.rs")["analyses"][0]["shared_by"].clone();
    assert!(by.as_str().unwrap().starts_with("before ("), "{by}");
}

/// Everything that is legible in what a store holds: the names of objects, and the contents of entries.
fn legible(store: &TeamStore) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in store.packs() {
        let name = path.strip_prefix(store.root()).unwrap().display().to_string();
        let bytes = std::fs::read(&path).unwrap();
        let Ok(IndexRead::Whole(index)) = PackIndex::read(&bytes, bytes.len() as u64) else { panic!("{name}") };
        for place in index.places {
            // The content stands behind the signature (`shared::entry`).
            let entry = &bytes[place.offset as usize + 142..(place.offset + place.bytes) as usize];
            let content = zstd::decode_all(entry).unwrap();
            found.push((name.clone(), String::from_utf8_lossy(&content).into_owned()));
            // Nor is anything legible in front of it, but for the key and the signature.
            assert_eq!(entry.len() + 142, place.bytes as usize, "{name}");
        }
    }
    found
}

#[test]
fn nothing_private_is_in_any_object_or_its_name() {
    let store = TeamStore::directory();
    let token = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    let repo = TestRepo::with_files(FILES);
    repo.write("src/words.rs", format!("// TODO: remove {token} here\npub fn shibboleth_of_words() {{}}\n"));
    repo.write("internal/plan.rs", "/// The merger with Quibblefax.\npub fn quibblefax_price(offer: u32) -> u32 {\n    offer * 2 // TODO: quibblefax\n}\n");
    repo.write(
        "src/uses.rs",
        "#[path = \"../internal/plan.rs\"]\nmod plan;\n\npub fn sum() -> u32 {\n    plan::quibblefax_price(2)\n}\n",
    );
    repo.edit("src/lib.rs", "pub mod words;", "pub mod words;\npub mod uses;");
    repo.commit("more");
    repo.write("src/retry.rs", "pub fn only_saved_gadzooks() {} // TODO: gadzooks\n");
    let agent = TestAgent::new();
    agent.ok(["shared", "keygen"]);
    let privacy = "[privacy]\nwithhold = [\"/internal/\"]";
    let mut machine = Machine::with(&store, repo, agent, "mode = \"read-write\"", privacy);
    machine.begin();
    let pushed = machine.agent.json(["shared", "push"]);
    assert_eq!(pushed["problem"], Value::Null, "{pushed}");
    assert!(pushed["kept_back"].as_u64() > Some(0), "the analysis with the token stays: {pushed}");
    let all = legible(&store);
    assert!(all.len() > 10 && all.iter().any(|(_, text)| text.contains("clamp")), "there is something to look through");
    let user = machine.repo.path().ancestors().nth(1).unwrap().display().to_string();
    for secret in
        [&*token, "uibblefax", "gadzooks", "src/", ".rs", "internal", &user, "a@example.org", &machine.repo.head()]
    {
        for (name, text) in &all {
            assert!(!name.contains(secret) && !text.contains(secret), "{secret} in {name}: {text}");
        }
    }
    for (name, _) in &all {
        let is_plain = Path::new(name).components().all(|part| {
            let part = part.as_os_str().to_str().unwrap().trim_end_matches(".pack");
            ["v1", "answers", "vectors", "analyses"].contains(&part)
                || part.len() == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        assert!(is_plain, "{name}");
    }
}

#[test]
fn gc_merges_small_packs_and_what_stays_is_enough() {
    let store = TeamStore::directory();
    let mut first = Machine::writer(&store, TestRepo::with_files(FILES), TestAgent::without_model());
    first.begin();
    first.wait_given(ANALYSES);
    for number in 0..9 {
        let before = first.shared()["entries_given"].as_u64().unwrap();
        first.repo.write("src/words.rs", format!("pub fn count_{number}() -> u8 {{\n    {number}\n}}\n"));
        first.repo.commit("words");
        first.agent.wait();
        first.wait_given(before + 8);
    }
    let packs = store.packs().len();
    let done: Value = serde_json::from_str(&first.verb(&["shared", "gc", "--json"]).stdout).unwrap();
    assert_eq!((done["deleted"].as_u64(), done["merged"].as_u64() > Some(8)), (Some(0), true), "{done}");
    let dry: Value =
        serde_json::from_str(&first.verb(&["shared", "gc", "--grace", "0s", "--dry-run", "--json"]).stdout).unwrap();
    assert!(store.packs().len() > packs && dry["deleted"].as_u64() > Some(8), "{dry}");
    let done: Value = serde_json::from_str(&first.verb(&["shared", "gc", "--grace", "0s", "--json"]).stdout).unwrap();
    assert_eq!(done["deleted"], dry["deleted"]);
    let files: Vec<(String, String)> = ["Cargo.toml", "src/lib.rs", "src/limits.rs", "src/retry.rs", "src/words.rs"]
        .map(|path| (path.to_owned(), first.repo.read(path)))
        .to_vec();
    let clone = TestRepo::with_files(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let mut other = Machine::reader(&store, &first, clone, TestAgent::without_model());
    other.begin();
    assert_eq!(other.server.requests().len(), 0);
}
