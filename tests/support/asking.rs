//! An agent that asks a scripted model about a small workspace.

use std::cell::Cell;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use super::llm_server::{CACHED_NANO, INPUT_NANO, LlmServer, OUTPUT_NANO};
use super::{TestAgent, TestRepo, untouched};

/// A crate whose `limits` is used by `retry` and `report`, and not by `words`.
const FILES: [(&str, &str); 7] = [
    ("Cargo.toml", "[package]\nname = \"asked\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    ("README.md", "# Asked\n\nA crate that a model is asked about.\n"),
    ("src/lib.rs", "//! The root of it all.\n\npub mod limits;\npub mod report;\npub mod retry;\npub mod words;\n"),
    (
        "src/limits.rs",
        "/// Keeps a number below the limit.\npub fn clamp(n: u32) -> u32 {\n    if n > 10 { 10 } else { n }\n}\n",
    ),
    (
        "src/report.rs",
        "use crate::limits::clamp;\n\npub fn line() -> String {\n    format!(\"at most {}\", clamp(99))\n}\n",
    ),
    ("src/retry.rs", "use crate::limits::clamp;\n\npub fn attempts(asked: u32) -> u32 {\n    clamp(asked) + 1\n}\n"),
    ("src/words.rs", "pub fn count(text: &str) -> usize {\n    text.split_whitespace().count()\n}\n"),
];

/// Files of [`FILES`] that are code, the requests about them, and the questions in these.
pub const CODE_FILES: u64 = 5;
pub const REQUESTS: usize = CODE_FILES as usize;
pub const QUESTIONS: usize = 4 * CODE_FILES as usize;

pub struct Asking {
    pub agent: TestAgent,
    pub repo: TestRepo,
    pub server: LlmServer,
    /// Requests up to the last wait.
    seen: Cell<usize>,
}

impl Asking {
    /// Registered, with a daemon that runs; nothing has been waited for.
    pub fn begin(monthly_usd: &str, more_config: &str) -> Self {
        Self::about(TestRepo::with_files(FILES), monthly_usd, more_config, |_| {})
    }

    /// As [`Asking::begin`], with a server that was scripted first.
    pub fn scripted(monthly_usd: &str, tell: impl FnOnce(&LlmServer)) -> Self {
        Self::about(TestRepo::with_files(FILES), monthly_usd, "", tell)
    }

    pub fn about(repo: TestRepo, monthly_usd: &str, more_config: &str, tell: impl FnOnce(&LlmServer)) -> Self {
        Self::with(repo, tell, |_, server| config_of(server, monthly_usd, more_config))
    }

    /// As [`Asking::begin`], with a provider that takes batches, which are used.
    pub fn batched(provider: &str, tell: impl FnOnce(&LlmServer)) -> Self {
        Self::batched_about(TestRepo::with_files(FILES), provider, tell)
    }

    pub fn batched_about(repo: TestRepo, provider: &str, tell: impl FnOnce(&LlmServer)) -> Self {
        Self::with(repo, tell, |agent, server| {
            let key = agent.home().with_file_name("key");
            std::fs::write(&key, "a-key-of-nobody").unwrap();
            std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            let of_provider =
                format!("provider = \"{provider}\"\nbatch = \"backfill\"\napi_key_file = \"{}\"", key.display());
            config_of(server, "3.00", "").replace("provider = \"custom\"", &of_provider)
        })
    }

    fn with(
        repo: TestRepo,
        tell: impl FnOnce(&LlmServer),
        config: impl FnOnce(&TestAgent, &LlmServer) -> String,
    ) -> Self {
        let (mut agent, server) = (TestAgent::without_model(), LlmServer::start());
        tell(&server);
        let config = config(&agent, &server);
        agent.write_config(&config);
        agent.start();
        untouched(repo.path(), || agent.ok(["register", repo.path().to_str().unwrap()]));
        Self { agent, repo, server, seen: Cell::new(0) }
    }

    /// Everything answered once.
    pub fn answered() -> Self {
        let asking = Self::begin("3.00", "");
        asking.wait();
        asking
    }

    /// Does something while no model is set up; then the one from before is there again.
    pub fn without_model(&mut self, run: impl FnOnce(&Self)) {
        let file = self.agent.home().join("config.toml");
        let config = std::fs::read_to_string(&file).unwrap();
        let is_of_model = |section: &&str| section.starts_with("[llm");
        let sections: Vec<String> = config.split_inclusive('\n').fold(Vec::new(), |mut sections, line| {
            match sections.last_mut() {
                Some(last) if !line.starts_with('[') => last.push_str(line),
                _ => sections.push(line.to_owned()),
            }
            sections
        });
        let without: String = sections.iter().map(String::as_str).filter(|one| !is_of_model(one)).collect();
        self.agent.stop();
        self.agent.write_config(&without);
        self.agent.start();
        run(self);
        self.agent.stop();
        self.agent.write_config(&config);
        self.agent.start();
    }

    #[track_caller]
    pub fn wait(&self) {
        self.settle();
    }

    pub fn path(&self) -> &str {
        self.repo.path().to_str().unwrap()
    }

    /// Commits what is there, waits, and hands back the bodies of the requests that this led to.
    #[track_caller]
    pub fn commit(&self, message: &str) -> Vec<String> {
        self.repo.commit(message);
        self.settle()
    }

    /// Waits, and hands back the bodies of the requests that came since the wait before.
    #[track_caller]
    pub fn settle(&self) -> Vec<String> {
        untouched(self.repo.path(), || self.agent.wait());
        let requests = self.server.requests();
        let before = self.seen.replace(requests.len());
        requests.into_iter().skip(before).map(|request| request.body).collect()
    }

    #[track_caller]
    pub fn status(&self) -> Value {
        self.agent.json(["status"])
    }

    /// Files that the model is asked about, and those of them whose every answer is there.
    #[track_caller]
    pub fn counted(&self) -> (u64, u64) {
        let repo = &self.status()["repos"][0];
        (repo["asked"].as_u64().unwrap(), repo["answered"].as_u64().unwrap())
    }

    /// Everything that is made on this machine is fresh.
    #[track_caller]
    pub fn assert_fresh(&self) {
        let repo = self.status()["repos"][0].clone();
        assert_eq!((&repo["fresh"], &repo["stale"]), (&repo["files"], &json!(0)), "{repo}");
    }

    /// One answer of `show`.
    #[track_caller]
    pub fn shown(&self, path: &str, analysis_type: &str) -> Value {
        let file = self.repo.path().join(path);
        let shown = untouched(self.repo.path(), || self.agent.json(["show", file.to_str().unwrap()]));
        let analyses = shown["analyses"].as_array().unwrap();
        analyses.iter().find(|one| one["type"] == analysis_type).unwrap().clone()
    }

    /// What the ledger has booked, in nano-dollars; open entries at what they reserve.
    pub fn booked_nano(&self) -> u64 {
        self.ledger("SELECT coalesce(sum(coalesce(cost, reserved)), 0) FROM ledger")
    }

    /// One number from agent.db.
    pub fn ledger(&self, sql: &str) -> u64 {
        open(&self.agent.home().join("agent.db")).query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// One number from the repository's analysis.db.
    pub fn stored(&self, sql: &str) -> u64 {
        let stores = std::fs::read_dir(self.agent.home().join("cache/repos")).unwrap();
        let [store] = stores.map(|store| store.unwrap().path()).collect::<Vec<_>>().try_into().unwrap();
        open(&store.join("analysis.db")).query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

fn open(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// A configuration that asks the server as fast as it answers.
pub fn config_of(server: &LlmServer, monthly_usd: &str, more: &str) -> String {
    let [input, cached, output] = [INPUT_NANO, CACHED_NANO, OUTPUT_NANO].map(|nano| nano as f64 / 1_000.0);
    format!(
        "[llm]\nprovider = \"custom\"\nbase_url = \"{}\"\nmodel = \"scripted\"\nrequests_per_minute = 100000\n\
         max_output_tokens = 400\ntimeout_secs = 3\n[llm.prices.scripted]\ninput_usd_per_m = {input}\n\
         cached_input_usd_per_m = {cached}\noutput_usd_per_m = {output}\n[budget]\nmonthly_usd = {monthly_usd}\n[watch]\npoll_secs = 1\n{more}",
        server.base_url()
    )
}
