//! What a commit costs before any analysis is made: comparing, resolving, planning, writing the view. The worker is driven in this
//! process, so nothing of a daemon, a watch or a debounce is in the figures.

use ra_agent::worker::pipe::Depth;
use std::sync::Arc;
use std::time::Instant;

use ra_agent::config::Config;
use ra_agent::domain::RepoId;
use ra_agent::home::Home;
use ra_agent::repo::registry;
use ra_agent::worker::{Ending, ReconcileEnd, Reconciled, SharedModel, Worker};

use super::figures::{Spread, digits, millis, row, row_below, time};
use super::sample::{self, BODY_LINE, EDITED, FILES_PER_CRATE, SIGNATURE_LINE};
use super::support::{TestAgent, TestRepo};

/// Copies of the sample in one repository: about 1,000 and 10,000 source files.
const COPIES: [usize; 2] = [1, 10];
/// Commits of each kind.
const EDITS: u32 = 10;

/// A kind of edit: what of the file is replaced, by what (`{n}`: the number of the edit).
const KINDS: [(&str, &str, &str); 3] = [
    ("a body, other lines alone", BODY_LINE, "        // edit {n}\n\n        let taken = other.total() + 9;"),
    ("a body that calls something else", BODY_LINE, "        let taken = other.total() + part_{n}().{n};"),
    ("a signature that 4 files use", SIGNATURE_LINE, "    pub fn total(&self, _rounds: [u8; {n}]) -> u64 {"),
];

pub fn measure() {
    for copies in COPIES {
        let files = copies * sample::ALL * FILES_PER_CRATE;
        let site = Site::new(copies);
        let mut worker = site.worker();
        let begun = Instant::now();
        site.reconcile(&mut worker);
        let all = time(begun.elapsed());
        row(&format!("{files} files from nothing until planned and searchable by words"), &all);
        for age in [Age::Warm, Age::Fresh] {
            for kind in &KINDS {
                show(files, kind.0, age, &site.edits(kind, age, &mut worker));
            }
        }
    }
}

/// What the worker that does the work has done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    /// The commits before.
    Warm,
    /// Nothing.
    Fresh,
}

fn show(files: usize, kind: &str, age: Age, edits: &Edits) {
    let how = if age == Age::Warm { "warm" } else { "fresh" };
    let what = format!("work after a commit in {files} files, {kind}, {how} worker");
    let resolved = digits(edits.resolved as f64 / f64::from(EDITS));
    let value = format!("{} ({resolved} files resolved)", edits.times.show(&[50, 95]));
    if files <= 1_000 && age == Age::Warm {
        row_below(&what, &value, millis(edits.times.at(50)), 50.0, "ms");
    } else {
        row(&what, &value);
    }
}

struct Edits {
    times: Spread,
    resolved: usize,
}

/// A registered repository, and the home of an agent that no daemon serves.
struct Site {
    repo: TestRepo,
    home: Home,
    id: RepoId,
    /// Keeps the directory.
    _agent: TestAgent,
}

impl Site {
    fn new(copies: usize) -> Self {
        let repo = TestRepo::new();
        for copy in 0..copies {
            for (path, text) in sample::files(sample::ALL) {
                let path = if copy == 0 { path } else { format!("more/{copy}/{path}") };
                repo.write(&path, text);
            }
        }
        repo.commit("the sample");
        let agent = TestAgent::without_model();
        agent.ok([std::ffi::OsStr::new("register"), repo.path().as_os_str()]);
        let home = Home::at(agent.home()).unwrap();
        let db = ra_agent::store::open_reader(&home.agent_db(), ra_agent::store::Database::Agent).unwrap().unwrap();
        let id = registry::list(&db).unwrap().remove(0).id;
        Self { repo, home, id, _agent: agent }
    }

    fn worker(&self) -> Worker {
        let config = Config::load(&self.home.config_file(), self.home.root()).unwrap();
        let model = Arc::new(SharedModel::new(&self.home, &config));
        Worker::open(self.home.clone(), config, model, Ending::Blameless).unwrap()
    }

    fn reconcile(&self, worker: &mut Worker) -> Reconciled {
        match worker.reconcile(&self.id, Depth::Head).unwrap() {
            ReconcileEnd::Done(done) => done,
            ReconcileEnd::Not(problem) => panic!("{problem}"),
        }
    }

    /// Commits one edit after the other, and times the work after each.
    fn edits(&self, (_, line, text): &(&str, &str, &str), age: Age, worker: &mut Worker) -> Edits {
        let original = self.repo.read(EDITED);
        let (mut times, mut resolved) = (Vec::new(), 0);
        for n in 1..=EDITS {
            let new = text.replace("{n}", &n.to_string());
            let edited = original.lines().map(|old| if old.contains(line) { new.as_str() } else { old });
            self.repo.write(EDITED, edited.collect::<Vec<_>>().join("\n") + "\n");
            self.repo.commit("an edit");
            if age == Age::Fresh {
                *worker = self.worker();
            }
            let begun = Instant::now();
            let done = self.reconcile(worker);
            times.push(begun.elapsed());
            assert_eq!(done.changes, 1);
            resolved += done.resolved;
        }
        self.repo.write(EDITED, original);
        self.repo.commit("as it was");
        self.reconcile(worker);
        Edits { times: Spread::of(times), resolved }
    }
}
