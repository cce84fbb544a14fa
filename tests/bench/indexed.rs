//! The sample repository under the care of a real agent: indexed from nothing, then kept warm.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ra_agent::home::Home;
use ra_agent::query::search::SearchRequest;
use ra_agent::query::view::search::SearchView;
use ra_agent::{cache, worker};

use super::machine::{self, Resident};
use super::sample;
use super::support::{TestAgent, TestRepo, wait_until};

/// The model that is measured: the one that can be had from a package registry, so that anyone can have it.
pub const MODEL: &str = ra_agent::embedder::model::FALLBACK;

/// Crates of the sample that are indexed with the model: all would take the most part of an hour on a small machine.
const EMBEDDED_CRATES: usize = 2;
/// How long indexing the sample may take on a slow machine, model and all.
const LONGEST_INDEX: &str = "7200s";
/// Idleness after which the worker exits, in seconds: soon, to measure what is left, and late, to measure what is warm.
const SOON: u32 = 1;
const LATE: u32 = 3_600;

/// Indexed when first needed, then shared by the measurements.
#[derive(Default)]
pub struct Samples {
    lexical: OnceCell<Indexed>,
    embedded: OnceCell<Option<Indexed>>,
}

impl Samples {
    /// The whole sample indexed without a model.
    pub fn lexical(&self) -> &Indexed {
        self.lexical.get_or_init(|| Indexed::from_nothing(sample::ALL, false))
    }

    /// Some of it indexed with the model; `None` if there is no model, which is said.
    pub fn embedded(&self) -> Option<&Indexed> {
        self.embedded.get_or_init(|| model_directory().map(|_| Indexed::from_nothing(EMBEDDED_CRATES, true))).as_ref()
    }
}

/// Where the model is; says how to get it if it is not there.
pub fn model_directory() -> Option<PathBuf> {
    let models = match std::env::var_os("RA_AGENT_TEST_MODELS") {
        Some(models) => PathBuf::from(models),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".cache/ra-agent/models"),
    };
    let model = models.join(MODEL);
    if !model.is_dir() {
        eprintln!("{} is missing; install/fetch-model.sh gets it. What needs it is left out.", model.display());
        return None;
    }
    Some(model)
}

/// What indexing from nothing took.
#[derive(Debug, Default)]
pub struct Cold {
    /// From `register` until everything was analysed, searchable and, with a model, embedded.
    pub time: Duration,
    /// Of the worker.
    pub worker: Option<Resident>,
    /// Of the daemon once the worker had exited; the agent is nothing else then.
    pub idle: Option<Resident>,
    /// On disk, without the vectors.
    pub store_bytes: u64,
    pub vector_bytes: u64,
}

pub struct Indexed {
    pub repo: TestRepo,
    pub agent: TestAgent,
    /// Source files.
    pub files: usize,
    /// Of a repository that was indexed elsewhere, nothing.
    pub cold: Cold,
}

impl Indexed {
    fn from_nothing(crates: usize, with_model: bool) -> Self {
        let repo = TestRepo::new();
        sample::files(crates).iter().for_each(|(path, text)| repo.write(path, text));
        repo.commit("first");
        let mut agent = if with_model { TestAgent::new() } else { TestAgent::without_model() };
        agent.write_config(&config(with_model, SOON));
        agent.start();
        let cold = index(&repo, &agent);
        agent.stop();
        agent.write_config(&config(with_model, LATE));
        agent.start();
        let files = crates * sample::FILES_PER_CRATE;
        let indexed = Self { repo, agent, files, cold };
        settle(&indexed.agent);
        // the first search loads the model
        indexed.search("warm");
        indexed
    }

    /// A repository that an agent has indexed already.
    pub fn of(repo: TestRepo, agent: TestAgent, files: usize) -> Self {
        Self { repo, agent, files, cold: Cold::default() }
    }

    pub fn home(&self) -> Home {
        Home::at(self.agent.home()).unwrap()
    }

    /// Asks the running worker, again if need be: a busy machine may keep it from answering in time.
    #[track_caller]
    pub fn search(&self, query: &str) -> SearchView {
        let mut answer = None;
        wait_until(Duration::from_secs(60), "the worker answers", || {
            answer = self.ask(query);
            answer.is_some()
        });
        answer.unwrap()
    }

    /// `None`: no worker answers within the 50 ms that a search waits for one.
    fn ask(&self, query: &str) -> Option<SearchView> {
        let request = SearchRequest { query: query.to_owned(), limit: 10, ..SearchRequest::default() };
        worker::ask(&self.home(), &request).map(Result::unwrap)
    }
}

fn index(repo: &TestRepo, agent: &TestAgent) -> Cold {
    let begun = Instant::now();
    agent.ok([std::ffi::OsStr::new("register"), repo.path().as_os_str()]);
    settle(agent);
    let time = begun.elapsed();
    // the peak only grows, so what is seen just before the worker exits is the peak of its whole life
    let mut worker = None;
    wait_until(Duration::from_secs(600), "the worker has exited", || {
        let alive = agent.worker_pid();
        worker = alive.and_then(machine::resident).or(worker);
        alive.is_none()
    });
    let idle = agent.daemon_pid().and_then(machine::resident);
    let repos = agent.home().join("cache/repos");
    let store = repos.read_dir().unwrap().next().unwrap().unwrap().path();
    let vector_bytes = cache::disk_bytes(store.join("embeddings.lance"));
    Cold { time, worker, idle, store_bytes: cache::disk_bytes(store) - vector_bytes, vector_bytes }
}

/// Waits until everything is fresh, however long it takes.
#[track_caller]
fn settle(agent: &TestAgent) {
    let output = agent.command(["wait", "--timeout", LONGEST_INDEX]).output().unwrap();
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), agent.log());
}

fn config(with_model: bool, unload_after_secs: u32) -> String {
    let model = if with_model { format!("model = \"{MODEL}\"\n") } else { String::new() };
    format!("[embedding]\n{model}unload_after_secs = {unload_after_secs}\n")
}
