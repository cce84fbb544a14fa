//! What early cut-off saves on real histories: releases of published crates, one commit each, and this project's own commits.
//!
//! The naive work of a step is what one does who knows who depends on whom, and nothing of symbols: to analyse every changed file
//! and all its transitive dependents again. `RA_AGENT_REPLAY=DIR` replays the last commits of another repository in their place.
//!
//! A scripted model is asked as well, at the pace that the machine allows. What leaves is counted at four bytes a token, its JSON included, and
//! an answer to a question as 200 tokens, at $0.20 and $0.50 a million. `RA_AGENT_REPLAY_COMMITS` sets how many commits are replayed.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};

use ra_agent::domain::{AnalysisType, FilePath};
use ra_agent::outline::language_of;
use serde_json::Value;

use super::figures::digits;
use super::published;
use super::replay_asked::{Asked, WholeRequest};
use super::support::asking::config_of;
use super::support::llm_server::LlmServer;
use super::support::{Job, Jobs, TestAgent, TestRepo, assert_same_state};

/// Crates with their releases, oldest first.
const RELEASES: [(&str, &[&str]); 3] = [
    ("just", &["1.50.0", "1.51.0", "1.52.0", "1.53.0", "1.54.0", "1.55.0", "1.56.0", "1.57.0", "1.58.0", "1.59.0"]),
    ("rusqlite", &["0.33.0", "0.34.0", "0.35.0", "0.36.0", "0.37.0", "0.38.0", "0.39.0", "0.40.0", "0.41.0"]),
    ("clap_builder", &["4.5.30", "4.5.40", "4.5.50", "4.6.0", "4.6.7"]),
];
/// Commits of a repository that are replayed, at most.
const COMMITS: usize = 100;
/// The agent compares when it is asked to, so that each commit is one step.
const LOOKS_WHEN_ASKED: &str = "debounce_ms = 60000\n";

/// What one commit, or several together, meant.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    /// Files that differ.
    changed: usize,
    /// Unchanged files that use a changed one directly.
    considered: usize,
    /// Those of them that use nothing of it that changed.
    cut_off: usize,
    /// Files with an analysis that had to be made.
    analysed: usize,
    /// Those analyses.
    analyses: usize,
    /// Changed files and all their transitive dependents.
    naive: usize,
    /// Those of them that a model is asked about.
    naive_code: usize,
    /// What asking about all of each of these would cost, in one request a file.
    naive_nano: f64,
    asked: Asked,
}

impl Work {
    fn add(&mut self, other: Self) {
        self.changed += other.changed;
        self.considered += other.considered;
        self.cut_off += other.cut_off;
        self.analysed += other.analysed;
        self.analyses += other.analyses;
        self.naive += other.naive;
        self.naive_code += other.naive_code;
        self.naive_nano += other.naive_nano;
        self.asked.add(other.asked);
    }

    fn row(&self, what: &str) {
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        println!(
            "| {what} | {} | {} | {} | {} | {} | {:.0} % | {:.0} % |",
            self.changed,
            self.considered,
            self.cut_off,
            self.analysed,
            self.naive,
            share(self.analysed, self.naive),
            share(self.analyses, self.naive * AnalysisType::ALL.len())
        );
    }
}

/// What a history means for a model's bill.
pub(super) struct Bill {
    what: String,
    commits: usize,
    /// At the first commit, where each file of code is asked about once with every question.
    first: Asked,
    work: Work,
}

impl Bill {
    fn row(&self) {
        let (asked, first) = (&self.work.asked, &self.first);
        let naive = self.work.naive_code * AnalysisType::ALL.len();
        let a_commit = |nano: f64| digits(nano / 1e6 / self.commits.max(1) as f64);
        let a_file = first.nano() / 1e6 / first.requests.max(1) as f64;
        println!(
            "| {} | {} | {} | {} | {naive} | {:.0} % | {} | {} | {:.1} % | {} | {} | {} | {} |",
            self.what,
            self.commits,
            asked.requests,
            asked.questions,
            100.0 * (1.0 - asked.questions as f64 / naive.max(1) as f64),
            a_commit(asked.nano()),
            a_commit(self.work.naive_nano),
            100.0 * asked.nano() / self.work.naive_nano.max(1.0),
            asked.in_parts,
            first.requests,
            digits(a_file),
            digits(a_file / 2.0),
        );
    }
}

/// Replays every history and prints a table: a row for each release, one for all commits of a repository.
///
/// # Errors
/// If sources or commits cannot be had.
pub fn run() -> Result<(), Box<dyn Error>> {
    print_head();
    let mut bills = Vec::new();
    match std::env::var_os("RA_AGENT_REPLAY") {
        Some(folder) => bills.push(commits(Path::new(&folder), &Path::new(&folder).display().to_string())?),
        None => {
            for (name, versions) in RELEASES {
                bills.push(releases(name, versions, &|version| published::source_of(name, version))?);
            }
            bills.push(commits(Path::new(env!("CARGO_MANIFEST_DIR")), "this project")?);
        }
    }
    print_bills(&bills);
    Ok(())
}

pub(super) fn print_head() {
    println!(
        "| step | changed files | dependents considered | cut off | analysed again | naive | share of the files | of the analyses |"
    );
    println!("|---|---|---|---|---|---|---|---|");
}

pub(super) fn print_bills(bills: &[Bill]) {
    println!(
        "\n| history | commits | requests to a model | questions | naive | not asked again | thousandths of a dollar a commit | naive | share | \
         requests in parts | files asked about first | thousandths of a dollar a file, live | in a batch |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    bills.iter().for_each(Bill::row);
    Asked::print_head();
    for Bill { what, first, work, .. } in bills {
        first.print(&format!("{what}: first index"));
        work.asked.print(&format!("{what}: commits"));
    }
}

/// Brings the files of a release.
pub(super) type BringRelease<'s> = &'s dyn Fn(&str) -> Result<PathBuf, Box<dyn Error>>;

/// Each release of a package as a commit.
///
/// # Errors
/// If the sources of one cannot be had.
pub(super) fn releases(name: &str, versions: &[&str], source_of: BringRelease<'_>) -> Result<Bill, Box<dyn Error>> {
    let repo = TestRepo::new();
    let mut replay = None;
    let mut sum = Work::default();
    for version in versions {
        for entry in std::fs::read_dir(repo.path())? {
            let path = entry?.path();
            match path.is_dir() {
                true if path.ends_with(".git") => {}
                true => std::fs::remove_dir_all(path)?,
                false => std::fs::remove_file(path)?,
            }
        }
        published::copy(&source_of(version)?, repo.path())?;
        repo.commit(version);
        match &mut replay {
            None => replay = Some(Replay::begin(&repo)),
            Some(replay) => {
                let work = replay.step();
                work.row(&format!("{name} {version}"));
                sum.add(work);
            }
        }
    }
    sum.row(&format!("**{name}**, all"));
    let replay = replay.ok_or("no release")?;
    let first = replay.first;
    replay.assert_state_of_a_beginner();
    Ok(Bill { what: name.to_owned(), commits: versions.len() - 1, first, work: sum })
}

/// The last commits of a repository, along first parents.
fn commits(folder: &Path, label: &str) -> Result<Bill, Box<dyn Error>> {
    let repo = TestRepo::new();
    repo.git(&["fetch", "--quiet", &folder.to_string_lossy(), "HEAD"]);
    let commits = std::env::var("RA_AGENT_REPLAY_COMMITS").ok().and_then(|commits| commits.parse().ok());
    let limit = format!("--max-count={}", commits.unwrap_or(COMMITS) + 1);
    let listed = repo.git(&["rev-list", "--first-parent", "--reverse", &limit, "FETCH_HEAD"]);
    let mut commits = listed.lines();
    repo.checkout(commits.next().ok_or("no commit")?);
    let mut replay = Replay::begin(&repo);
    let (mut sum, mut count) = (Work::default(), 0);
    for commit in commits {
        repo.checkout(commit);
        sum.add(replay.step());
        count += 1;
    }
    sum.row(&format!("**{label}**, {count} commits"));
    let first = replay.first;
    replay.assert_state_of_a_beginner();
    Ok(Bill { what: label.to_owned(), commits: count, first, work: sum })
}

/// A repository that an agent follows.
struct Replay<'a> {
    repo: &'a TestRepo,
    agent: TestAgent,
    server: LlmServer,
    seen: Jobs,
    /// Requests so far.
    asked: usize,
    /// What the first index asked.
    first: Asked,
    whole: WholeRequest,
    head: String,
    edges: BTreeSet<(String, String)>,
}

impl<'a> Replay<'a> {
    fn begin(repo: &'a TestRepo) -> Self {
        let (mut agent, server) = (TestAgent::without_model(), LlmServer::start());
        server.cache_prefixes();
        agent.write_config(&config_of(&server, "1000.00", LOOKS_WHEN_ASKED));
        let estimate = agent.json(["register", text(repo.path()), "--dry-run"]);
        agent.ok(["register", text(repo.path())]);
        agent.start();
        agent.wait();
        let (estimated, billed) = (estimate["estimated_usd"].as_f64().unwrap(), server.billed_nano() as f64 / 1e9);
        println!(
            "\nfirst index: estimated ${estimated:.4}, billed ${billed:.4}, {:+.0} %\n",
            100.0 * (estimated / billed - 1.0)
        );
        let (edges, requests) = (edges(&agent, repo), server.requests());
        let (asked, first) = (requests.len(), Asked::of(&requests));
        let files = repo.git(&["ls-files"]);
        let sizes = files.lines().filter(|path| is_code(path)).map(|path| size_of(repo, path));
        let whole = WholeRequest::of(&first, sizes.sum());
        Self { repo, seen: Jobs::of(&agent), asked, first, whole, agent, server, head: repo.head(), edges }
    }

    /// Follows to where the repository is now.
    fn step(&mut self) -> Work {
        self.agent.wait();
        let head = self.repo.head();
        let impact = self.agent.json(["impact", text(self.repo.path()), &format!("{}..{head}", self.head)]);
        let after = edges(&self.agent, self.repo);
        let changed = changed_paths(&impact);
        let dependents = paths(&impact, "dependents");
        let cut_off: BTreeSet<String> = paths(&impact, "cut_off").difference(&dependents).cloned().collect();
        let jobs = Jobs::since(&self.agent, &self.seen);
        let requests = self.server.requests();
        let new_requests = requests.get(self.asked..).unwrap_or_default();
        let naive = reached(&changed, self.edges.union(&after));
        let naive: Vec<&String> = naive.iter().filter(|path| self.is_there(path)).collect();
        let local = |job: &&Job| job.kind.starts_with("analyze:");
        let naive_files = naive.iter().filter(|path| is_code(path)).map(|path| path.as_str());
        let work = Work {
            changed: impact["changed"].as_array().map_or(0, Vec::len),
            considered: dependents.len() + cut_off.len(),
            cut_off: cut_off.len(),
            analysed: jobs.analyses().filter(local).map(|job| &job.path).collect::<BTreeSet<_>>().len(),
            analyses: jobs.analyses().filter(local).count(),
            naive: naive.len(),
            naive_code: naive.iter().filter(|path| is_code(path)).count(),
            naive_nano: naive_files.map(|path| self.whole.nano(size_of(self.repo, path))).sum(),
            asked: Asked::of(new_requests),
        };
        (self.head, self.edges, self.seen) = (head, after, Jobs::of(&self.agent));
        self.asked = requests.len();
        work
    }

    /// Deleted files reach others, but there is nothing left of them to analyse.
    fn is_there(&self, path: &str) -> bool {
        self.repo.path().join(path).symlink_metadata().is_ok()
    }

    /// The saving is worth nothing if the end is not what an agent knows who begins there.
    fn assert_state_of_a_beginner(mut self) {
        let mut beginner = TestAgent::without_model();
        beginner.write_config(&config_of(&self.server, "1000.00", LOOKS_WHEN_ASKED));
        beginner.ok(["register", text(self.repo.path())]);
        beginner.start();
        beginner.wait();
        assert_same_state(&without_asked(self.agent.state()), &without_asked(beginner.state()));
        self.agent.stop();
    }
}

/// A state but for what a model was asked: there are several keys that an answer may have, and which it has depends on what was there before.
fn without_asked(mut state: BTreeMap<&'static str, Vec<String>>) -> BTreeMap<&'static str, Vec<String>> {
    state.values_mut().for_each(|rows| rows.retain(|row| !row.contains("ask:")));
    state
}

fn size_of(repo: &TestRepo, path: &str) -> u64 {
    repo.path().join(path).metadata().map_or(0, |metadata| metadata.len())
}

/// Whether a model is asked about such a file.
fn is_code(path: &str) -> bool {
    language_of(&FilePath::from(path)).class().is_judged()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Source and dependent of every edge.
fn edges(agent: &TestAgent, repo: &TestRepo) -> BTreeSet<(String, String)> {
    let deps = agent.json(["deps", text(repo.path())]);
    let end = |edge: &Value, name: &str| edge[name].as_str().unwrap().to_owned();
    let all = deps["edges"].as_array().unwrap().iter();
    all.map(|edge| (end(edge, "source_file"), end(edge, "dependent_file"))).collect()
}

fn paths(impact: &Value, part: &str) -> BTreeSet<String> {
    impact[part].as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap().to_owned()).collect()
}

/// Where changed files are, and where renamed ones were.
fn changed_paths(impact: &Value) -> BTreeSet<String> {
    let from = impact["changed"].as_array().unwrap().iter().filter_map(|change| change["from_path"].as_str());
    from.map(str::to_owned).chain(paths(impact, "changed")).collect()
}

/// Some files and everything that depends on them over any number of edges.
fn reached<'e>(from: &BTreeSet<String>, edges: impl Iterator<Item = &'e (String, String)>) -> BTreeSet<String> {
    let mut dependents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (source, dependent) in edges {
        dependents.entry(source).or_default().push(dependent);
    }
    let mut reached = from.clone();
    let mut open: Vec<String> = from.iter().cloned().collect();
    while let Some(file) = open.pop() {
        for dependent in dependents.get(file.as_str()).into_iter().flatten() {
            if reached.insert((*dependent).to_owned()) {
                open.push((*dependent).to_owned());
            }
        }
    }
    reached
}
