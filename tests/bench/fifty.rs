//! Fifty repositories of 10 to 2,000 files under the care of one agent: scripts commit to all of them within a minute, several times
//! over, while twenty readers ask. Nothing may be lost, and the agent is to be idle again soon.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ra_agent::queue;
use ra_agent::repo::registry;
use ra_agent::store::{Database, open_reader};

use super::figures::{Spread, megabytes, millis, row, row_below, size};
use super::machine;
use super::support::{TestAgent, TestRepo, wait_until};

const REPOSITORIES: usize = 50;
const READERS: usize = 20;
const FEWEST: f64 = 10.0;
const MOST: f64 = 2_000.0;
/// Commits to each repository within the minute.
const ROUNDS: usize = 3;
const MINUTE: Duration = Duration::from_secs(60);
/// Between two questions of a reader.
const PAUSE: Duration = Duration::from_millis(1_000);
const UNLOAD_SECS: u64 = 60;
/// Repositories that are compared with a rebuild at the end.
const VERIFIED: usize = 5;

/// A commit that is not yet taken in.
struct Open {
    repo: usize,
    head: String,
    at: Instant,
}

pub fn measure() {
    let repos: Vec<TestRepo> = (0..REPOSITORIES).map(|nth| repository(files_of(nth))).collect();
    let mut agent = TestAgent::without_model();
    agent.write_config(&format!("[embedding]\nunload_after_secs = {UNLOAD_SECS}\n[cache]\nmax_size_mb = 8192\n"));
    agent.start();
    let begun = Instant::now();
    for repo in &repos {
        agent.ok(["register".as_ref(), repo.path().as_os_str()]);
    }
    settle(&agent);
    let files: usize = (0..REPOSITORIES).map(files_of).sum();
    row(&format!("{REPOSITORIES} repositories, {files} files: cold index"), &super::figures::time(begun.elapsed()));
    let (done, asked, failed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let times = std::thread::scope(|scope| {
        for reader in 0..READERS {
            let (agent, done, asked, failed) = (&agent, &done, &asked, &failed);
            scope.spawn(move || read(agent, reader, done, asked, failed));
        }
        let times = commits(&agent, &repos);
        done.store(true, Ordering::Relaxed);
        times
    });
    let (asked, failed) = (asked.into_inner(), failed.into_inner());
    row(&format!("questions of {READERS} readers meanwhile"), &format!("{asked}, {failed} of them failed"));
    let shown = format!("{} of {} commits (load {})", times.show(&[50, 95]), REPOSITORIES * ROUNDS, machine::load());
    row_below("commit to fresh", &shown, millis(times.at(95)), 2_000.0, "ms");
    let daemon = agent.daemon_pid().and_then(machine::resident).unwrap_or_default();
    row_below("memory of the daemon, at most", &size(daemon.peak), megabytes(daemon.peak), 60.0, "MB");
    settle(&agent);
    let status = agent.json(["status"]);
    let lost = status["repos"].as_array().unwrap().iter().filter(|repo| repo["fresh"] != repo["files"]).count();
    row("repositories in which something is not fresh", &lost.to_string());
    let begun = Instant::now();
    wait_until(Duration::from_secs(600), "the worker exits", || agent.worker_pid().is_none());
    row("until the worker exits, idle", &super::figures::time(begun.elapsed()));
    for repo in repos.iter().step_by(REPOSITORIES / VERIFIED) {
        agent.ok(["cache".as_ref(), "verify".as_ref(), repo.path().as_os_str()]);
    }
}

/// From few to many, most of them small.
fn files_of(nth: usize) -> usize {
    let share = nth as f64 / (REPOSITORIES - 1) as f64;
    (FEWEST * (MOST / FEWEST).powf(share)) as usize
}

fn repository(files: usize) -> TestRepo {
    let repo = TestRepo::new();
    repo.write("Cargo.toml", "[package]\nname = \"one\"\nversion = \"0.1.0\"\n");
    let modules: String = (0..files).map(|at| format!("pub mod f{at};\n")).collect();
    repo.write("src/lib.rs", modules);
    for at in 0..files {
        repo.write(&format!("src/f{at}.rs"), text(at, (at + 1) % files, 0));
    }
    repo.commit("first");
    repo
}

fn text(at: usize, other: usize, round: usize) -> String {
    format!(
        "//! Part {at}.\n\nuse crate::f{other}::Part{other};\n\n/// Holds what part {at} counts.\npub struct Part{at} {{\n    pub sum: \
         u64,\n}}\n\nimpl Part{at} {{\n    /// Counts with the next part.\n    pub fn count(&self, next: &Part{other}) -> u64 {{\n        \
         let taken = next.sum + {round};\n        self.sum + taken\n    }}\n}}\n"
    )
}

/// Commits to all repositories, evenly over the minute, and times each until it is taken in and nothing is queued for it.
fn commits(agent: &TestAgent, repos: &[TestRepo]) -> Spread {
    let db = open_reader(&agent.home().join("agent.db"), Database::Agent).unwrap().unwrap();
    let registered = registry::list(&db).unwrap();
    let id_of = |path: &Path| registered.iter().find(|one| one.location.path == path).unwrap().id.clone();
    let ids: Vec<_> = repos.iter().map(|repo| id_of(repo.path())).collect();
    let (begun, count) = (Instant::now(), REPOSITORIES * ROUNDS);
    let (mut open, mut times): (VecDeque<Open>, Vec<Duration>) = (VecDeque::new(), Vec::new());
    let mut made = 0;
    while times.len() < count {
        if made < count && begun.elapsed() >= MINUTE.mul_f64(made as f64 / count as f64) {
            let repo = made % REPOSITORIES;
            let other = 1 % files_of(repo);
            repos[repo].write("src/f0.rs", text(0, other, 1 + made));
            repos[repo].git(&["commit", "--quiet", "--all", "--message", "edit"]);
            open.push_back(Open { repo, head: repos[repo].head(), at: Instant::now() });
            made += 1;
        }
        let known = registry::list(&db).unwrap();
        open.retain(|one| {
            let indexed =
                known.iter().find(|repo| repo.id == ids[one.repo]).and_then(|repo| repo.indexed_commit.clone());
            let is_indexed = indexed.is_some_and(|commit| commit.to_string() == one.head);
            let is_fresh = is_indexed && {
                let counts = queue::counts(&db, Some(&ids[one.repo])).unwrap();
                counts.queued + counts.running == 0
            };
            if is_fresh {
                times.push(one.at.elapsed());
            }
            assert!(one.at.elapsed() < Duration::from_secs(300), "never fresh: {}", agent.log());
            !is_fresh
        });
        std::thread::sleep(Duration::from_millis(3));
    }
    Spread::of(times)
}

/// Asks one question after the other, as a person at a terminal or an editor does.
fn read(agent: &TestAgent, reader: usize, done: &AtomicBool, asked: &AtomicU64, failed: &AtomicU64) {
    while !done.load(Ordering::Relaxed) {
        let output = match asked.fetch_add(1, Ordering::Relaxed) % 3 {
            0 => agent.command(["status", "--json"]).output(),
            1 => agent.command(["search", "where is the next part counted", "--json"]).output(),
            _ => agent.command(["search", &format!("Part{reader}"), "--limit", "3"]).output(),
        };
        failed.fetch_add(u64::from(!output.unwrap().status.success()), Ordering::Relaxed);
        std::thread::sleep(PAUSE);
    }
}

fn settle(agent: &TestAgent) {
    let output = agent.command(["wait", "--timeout", "3600s"]).output().unwrap();
    assert!(output.status.success(), "{}", agent.log());
}
