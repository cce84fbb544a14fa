//! The promise: whenever the daemon or the worker is killed, nothing is lost, nothing is broken, and the end is what it would have
//! been (FAILURES 52).

use std::time::Duration;

use serde_json::json;

use crate::support::{
    Jobs, Random, TestAgent, TestRepo, assert_same_state, number_from_environment, untouched, wait_until,
};

/// Kills in the gate; `RA_AGENT_KILLS` asks for more.
const KILLS: u64 = 80;
/// The longest wait before a kill: about what a commit takes until it is analysed, a worker's start included.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
const MODULES: u64 = 6;

/// A crate that changes all the time.
struct Load {
    repo: TestRepo,
    random: Random,
    edits: u64,
    /// Modules beyond the first ones, by their numbers.
    extra: Vec<u64>,
}

impl Load {
    fn new(random: Random) -> Self {
        let repo = TestRepo::new();
        repo.write("Cargo.toml", "[package]\nname = \"load\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
        let mut load = Self { repo, random, edits: 0, extra: Vec::new() };
        for module in 0..MODULES {
            load.write_module(module, "u32");
        }
        load.write_root();
        load.repo.commit("first");
        load
    }

    /// A module whose function is called by the next one's.
    fn write_module(&mut self, module: u64, number: &str) {
        self.edits += 1;
        let (before, edits) = (module.checked_sub(1), self.edits);
        let call = before.map_or_else(String::new, |before| format!("    crate::m{before}::f{before}(n as _);\n"));
        let text =
            format!("/// Edit {edits}.\npub fn f{module}(n: {number}) -> {number} {{\n{call}    n + {edits}\n}}\n");
        self.repo.write(&format!("src/m{module}.rs"), text);
    }

    fn write_root(&self) {
        let modules = (0..MODULES).chain(self.extra.iter().copied());
        self.repo.write("src/lib.rs", modules.map(|module| format!("pub mod m{module};\n")).collect::<String>());
    }

    /// One to three commits, each with an edit of a body, a signature, or the set of files.
    fn commit_some(&mut self) {
        for _ in 0..=self.random.below(3) {
            let module = self.random.below(MODULES);
            match self.random.below(6) {
                0 | 1 => self.write_module(module, "u32"),
                2 => self.write_module(module, "u64"),
                3 => {
                    let new = 100 + self.edits;
                    self.extra.push(new);
                    self.write_module(new, "u32");
                    self.write_root();
                }
                4 if !self.extra.is_empty() => {
                    let at = self.random.below(self.extra.len() as u64) as usize;
                    let gone = self.extra.swap_remove(at);
                    self.repo.delete(&format!("src/m{gone}.rs"));
                    self.write_root();
                }
                _ => {
                    let back = self.random.below(2) + 1;
                    self.repo.try_git(&["reset", "--quiet", "--hard", &format!("HEAD~{back}")]);
                    self.extra = self.modules_there();
                }
            }
            self.repo.commit("edit");
        }
    }

    fn modules_there(&self) -> Vec<u64> {
        let root = self.repo.read("src/lib.rs");
        let numbers = root.lines().map(|line| line["pub mod m".len()..line.len() - 1].parse().unwrap());
        numbers.filter(|number| *number >= MODULES).collect()
    }
}

/// What is registered is indexed to the end, and the agent is stopped.
#[track_caller]
fn finish(agent: &mut TestAgent, repo: &TestRepo) {
    untouched(repo.path(), || agent.wait());
    let status = agent.json(["status"]);
    for state in ["queued", "running", "parked", "discarded", "quarantined"] {
        assert_eq!(status["queue"][state], json!(0), "{state}: {status}\n{}", agent.log());
    }
    let of_repo = &status["repos"][0];
    assert_eq!((&of_repo["stale"], &of_repo["pending"]), (&json!(0), &json!(0)), "{status}");
    assert_eq!(of_repo["indexed_commit"], json!(repo.head()));
    agent.stop();
    agent.assert_sound();
}

/// An agent that never had an accident comes to the same state.
#[track_caller]
fn assert_as_undisturbed(agent: &TestAgent, mut undisturbed: TestAgent, repo: &TestRepo) -> TestAgent {
    undisturbed.start();
    undisturbed.ok(["register", repo.path().to_str().unwrap()]);
    finish(&mut undisturbed, repo);
    assert_same_state(&agent.state(), &undisturbed.state());
    undisturbed
}

/// `RA_AGENT_KILLS=500 RA_AGENT_TEST_SEED=1` runs it longer, or again.
#[test]
fn f52_kills_under_load_change_nothing_in_the_end() {
    let kills = number_from_environment("RA_AGENT_KILLS").unwrap_or(KILLS);
    let mut agent = TestAgent::without_model();
    // as soon as a commit is there, so that more of the kills hit work
    agent.write_config("[watch]\ndebounce_ms = 0\n");
    let mut load = Load::new(Random::from_environment());
    agent.ok(["register", load.repo.path().to_str().unwrap()]);
    agent.start();
    let (mut daemons, mut workers) = (0, 0);
    while daemons + workers < kills {
        load.commit_some();
        // the moment of the kill is what is tried out, so it is nothing that could be waited for
        std::thread::sleep(LONGEST_WAIT.mul_f64(load.random.below(1_000) as f64 / 1_000.0));
        if load.random.below(2) == 0 {
            workers += u64::from(agent.kill9_worker());
        } else {
            agent.kill9_daemon();
            daemons += 1;
            agent.start();
        }
    }
    println!("killed {daemons} daemons and {workers} workers over {} edits", load.edits);
    finish(&mut agent, &load.repo);
    assert!(!agent.log().contains("panicked"), "{}", agent.log());
    assert_as_undisturbed(&agent, TestAgent::without_model(), &load.repo);
}

/// The vectors are in a store of their own, and a file's are made in several steps; a kill in each must lead to the same hits.
#[test]
fn killed_while_embedding_the_agent_finds_the_same_in_the_end() {
    const KILLS: u64 = 6;
    let mut agent = TestAgent::new();
    agent.write_config(&format!("{}[watch]\ndebounce_ms = 0\n", agent.config()));
    let mut load = Load::new(Random::from_environment());
    agent.ok(["register", load.repo.path().to_str().unwrap()]);
    agent.start();
    for kill in 0..KILLS {
        load.commit_some();
        let embeds = || {
            let jobs = Jobs::of(&agent);
            jobs.0.values().any(|job| job.kind == "embed" && job.state == "running")
        };
        wait_until(Duration::from_secs(60), "it embeds", || {
            embeds() || agent.json(["status"])["queue"]["queued"] == json!(0)
        });
        // somewhere between the first vector and the last row
        std::thread::sleep(Duration::from_millis(load.random.below(1_500)));
        if kill % 2 == 0 {
            agent.kill9_worker();
        } else {
            agent.kill9_daemon();
            agent.start();
        }
    }
    finish(&mut agent, &load.repo);
    let undisturbed = TestAgent::new();
    let hits = |agent: &TestAgent, module: u64| {
        let found = agent.json(["search", &format!("function f{module} that adds an edit")]);
        assert_eq!(found["mode"], json!("hybrid"), "{found}");
        found["hits"].clone()
    };
    let found: Vec<_> = (0..MODULES).map(|module| hits(&agent, module)).collect();
    let undisturbed = assert_as_undisturbed(&agent, undisturbed, &load.repo);
    for (module, found) in (0..MODULES).zip(found) {
        assert_eq!(found, hits(&undisturbed, module));
    }
}
