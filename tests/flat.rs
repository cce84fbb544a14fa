//! What a change costs grows with the change, not with the repository. Times say that only on a quiet machine, so what is done at the rim
//! is counted: files looked at, objects read, statements run, rows written.

use std::collections::BTreeMap;
use std::time::Duration;

use super::support::{TestAgent, TestRepo, wait_until};

/// Files of a crate; the first crate is the same in both repositories.
const FILES_PER_CRATE: usize = 50;
/// Of each kind of change; the least of the counts is what it costs, for a machine that is busy may need a second look.
const TIMES: usize = 4;
/// Rows of the file's record, keys, chunks, words and jobs.
const ROWS_OF_A_CHANGE: u64 = 30;
const SOON: Duration = Duration::from_secs(60);
const EDITED: &str = "crates/c000/src/f07.rs";
const ROOT: &str = "crates/c000/src/lib.rs";
const KINDS: [&str; 6] = [
    "a save",
    "a body that is committed",
    "a body that is committed slowly",
    "a signature that is committed",
    "a file that comes",
    "a file that goes",
];

/// What is counted, by name.
type Counts = BTreeMap<String, u64>;

/// A file that uses its neighbour; `n` is in its body alone, `signature` in what others see.
fn file(at: usize, n: usize, signature: &str) -> String {
    let other = (at + 1) % FILES_PER_CRATE;
    format!(
        "//! Part {at}.\n\nuse crate::f{other:02}::Part{other};\n\n/// Holds what part {at} counts.\n#[derive(Default)]\npub struct \
         Part{at} {{\n    pub sum: u64,\n}}\n\nimpl Part{at} {{\n    /// Counts with the next part.\n    pub fn count_{at}(&self, next: \
         &Part{other}{signature}) -> u64 {{\n        let taken = next.sum + {n};\n        self.sum + taken\n    }}\n}}\n"
    )
}

fn repository(files: usize) -> TestRepo {
    let repo = TestRepo::new();
    repo.write("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n");
    for krate in 0..files / FILES_PER_CRATE {
        let dir = format!("crates/c{krate:03}");
        repo.write(&format!("{dir}/Cargo.toml"), format!("[package]\nname = \"c{krate:03}\"\nversion = \"0.1.0\"\n"));
        let modules: String = (0..FILES_PER_CRATE).map(|at| format!("pub mod f{at:02};\n")).collect();
        repo.write(&format!("{dir}/src/lib.rs"), format!("#[path = \"elsewhere/odd.rs\"]\npub mod odd;\n{modules}"));
        repo.write(&format!("{dir}/src/elsewhere/odd.rs"), "pub mod inner;\n");
        repo.write(&format!("{dir}/src/elsewhere/inner.rs"), "pub fn inner() {}\n");
        for at in 0..FILES_PER_CRATE {
            repo.write(&format!("{dir}/src/f{at:02}.rs"), file(at, krate * FILES_PER_CRATE + at, ""));
        }
    }
    repo.commit("all of it");
    repo
}

/// The counts that the worker's log has after its first `skip` bytes, together.
fn counted(log: &str, skip: usize) -> Option<Counts> {
    let mut counts: Option<Counts> = None;
    for line in log.get(skip..).unwrap_or_default().lines().filter(|line| line.contains("nothing is left to do")) {
        let done = line.split_once("done=").unwrap().1;
        for (name, count) in done.split_whitespace().filter_map(|pair| pair.split_once('=')) {
            *counts.get_or_insert_default().entry(name.to_owned()).or_default() += count.parse::<u64>().unwrap();
        }
    }
    counts
}

/// Whether the log tells of a change that was taken in after its first `skip` bytes: each has more rows than what looks and finds nothing.
fn is_told(log: &str, skip: usize) -> bool {
    counted(log, skip).is_some_and(|counts| counts["rows"] >= ROWS_OF_A_CHANGE)
}

/// Holds Git's lock until the agent has seen it: a commit to a large repository takes so long that what was saved for it is noticed first.
fn hold_lock(repo: &TestRepo, agent: &TestAgent, save: impl FnOnce()) {
    let lock = repo.path().join(".git/index.lock");
    std::fs::write(&lock, "").unwrap();
    save();
    wait_until(SOON, "the lock is seen", || !agent.json(["status"])["repos"][0]["held"].is_null());
    std::fs::remove_file(lock).unwrap();
}

/// Makes the `n`-th change.
fn change(repo: &TestRepo, agent: &TestAgent, what: &str, n: usize) {
    let round = n / KINDS.len();
    let (new, declared) = (format!("crates/c000/src/new{round}.rs"), format!("pub mod new{round};\n"));
    match what {
        "a save" => repo.write(EDITED, file(7, 10_000 + n, "")),
        "a body that is committed" => repo.write(EDITED, file(7, 20_000 + n, "")),
        "a body that is committed slowly" => {
            hold_lock(repo, agent, || repo.write(EDITED, file(7, 30_000 + n, "")));
        }
        "a signature that is committed" => repo.write(EDITED, file(7, 10_000 + n, &format!(", _more: [u8; {n}]"))),
        "a file that comes" => {
            repo.write(
                &new,
                format!("use crate::f03::Part3;\n\npub fn new{round}(of: &Part3) -> u64 {{\n    of.sum + {n}\n}}\n"),
            );
            repo.write(ROOT, repo.read(ROOT) + &declared);
        }
        _ => {
            repo.git(&["rm", "--quiet", &new]);
            repo.write(ROOT, repo.read(ROOT).replace(&declared, ""));
        }
    }
    if what != "a save" {
        repo.git(&["add", "--all"]);
        repo.git(&["commit", "--quiet", "--message", what]);
    }
}

/// Statements that a first index runs for a file of a few chunks: its results are stored, and their jobs closed, in sets.
const FIRST_STATEMENTS: u64 = 75;

/// What changes of one file cost in a repository of so many, by what is changed.
fn costs(files: usize) -> BTreeMap<&'static str, Counts> {
    let repo = repository(files);
    let mut agent = TestAgent::without_model();
    agent.write_config("[embedding]\nunload_after_secs = 3600\n[cache]\nmax_size_mb = 4096\n");
    agent.start_with(&[("RUST_LOG", "ra_agent=debug,warn")]);
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    let indexed = agent.json(["status"])["repos"][0]["files"].as_u64().unwrap();
    let first = || counted(&agent.log(), 0).filter(|counts| counts["rows"] > indexed);
    wait_until(SOON, "the first index is told", || first().is_some());
    let first = first().unwrap()["statements"];
    assert!(first < FIRST_STATEMENTS * indexed, "a first index of {indexed} files runs {first} statements");
    let mut costs: BTreeMap<&str, Counts> = BTreeMap::new();
    for n in 0..TIMES * KINDS.len() {
        let what = KINDS[n % KINDS.len()];
        let before = agent.log().len();
        change(&repo, &agent, what, n);
        wait_until(SOON, what, || {
            let status = agent.json(["status"]);
            let own = &status["repos"][0];
            let is_done = own["head"] == own["indexed_commit"] && own["fresh"] == own["files"];
            is_done && own["saved"] == u64::from(what == "a save") && is_told(&agent.log(), before)
        });
        let counts = counted(&agent.log(), before).unwrap();
        let least = costs.entry(what).or_insert_with(|| counts.clone());
        least.iter_mut().for_each(|(name, count)| *count = (*count).min(counts[name]));
    }
    agent.stop();
    costs
}

/// A second look may fall into one count and not into the other; the larger repository has thirty times the files.
const SECOND_LOOKS: u64 = 3;
/// Git's index is one file, which every `git status` reads as a whole, too; a commit is taken in without it. A file that comes or goes is
/// a change of the work tree first.
const OF_THE_WHOLE: &str = "index_entries";

#[test]
fn a_change_costs_the_same_in_a_repository_of_any_size() {
    let (few, many) = (costs(100), costs(3_000));
    for (what, few) in few {
        for (name, count) in few {
            let of_many = many[what][&name];
            let is_flat = of_many <= SECOND_LOOKS * count.max(10);
            assert!(
                is_flat || (name == OF_THE_WHOLE && !what.contains("committed")),
                "{what}: {name} {count} -> {of_many}"
            );
        }
    }
}
