//! The work tree: how soon what is saved is found, what a checkout of very many files takes, what watching costs while nothing happens.

use std::time::{Duration, Instant};

use ra_agent::query::view::search::SearchView;

use super::figures::{Spread, megabytes, millis, row, row_below, time};
use super::indexed::{Indexed, Samples};
use super::machine::{Resident, resident};
use super::sample::{self, BODY_LINE, EDITED};
use super::support::{Jobs, TestAgent, TestRepo, number_from_environment, wait_until};

/// Saves that are timed.
const SAVES: usize = 30;
/// Between two of them, so that what a worker does in idle time is over.
const PAUSE: Duration = Duration::from_millis(900);
/// Files that a checkout changes.
const CHECKED_OUT: usize = 10_000;
/// Repositories that are watched while nothing happens, and crates in each.
const IDLE_REPOS: usize = 20;
const IDLE_CRATES: usize = 2;

pub fn measure(samples: &Samples) {
    saves(samples.lexical(), "no model");
    if let Some(embedded) = samples.embedded() {
        saves(embedded, "model loaded");
    }
    checkout();
}

/// From the end of a save until a search finds its new words.
fn saves(indexed: &Indexed, how: &str) {
    let mut times = Vec::new();
    let original = indexed.repo.read(EDITED);
    for n in 0..SAVES {
        // A word of its own, of letters alone.
        let word: String =
            format!("saved{n:04}").chars().map(|c| c.to_digit(10).map_or(c, |d| (b'a' + d as u8) as char)).collect();
        let line =
            |old: &str| if old.contains(BODY_LINE) { format!("        // {word}\n{old}") } else { old.to_owned() };
        let text: Vec<String> = original.lines().map(line).collect();
        std::thread::sleep(PAUSE);
        indexed.repo.write(EDITED, text.join("\n") + "\n");
        let saved = Instant::now();
        let is_found = |answer: &SearchView| {
            answer
                .hits
                .iter()
                .any(|hit| hit.source == "worktree" && hit.snippet.iter().any(|line| line.text.contains(&word)))
        };
        while !is_found(&indexed.search(&word)) {
            assert!(saved.elapsed() < Duration::from_secs(60), "never found: {}", indexed.agent.log());
            std::thread::sleep(Duration::from_millis(2));
        }
        times.push(saved.elapsed());
    }
    indexed.repo.write(EDITED, original);
    let times = Spread::of(times);
    row_below(
        &format!("save to searchable, worker warm, {how}"),
        &times.show(&[50, 95]),
        millis(times.at(95)),
        2_000.0,
        "ms",
    );
}

/// Two branches of which no file is alike, and a switch between them.
fn checkout() {
    let repo = TestRepo::new();
    let path = |n: usize| format!("src/d{:02}/f{n}.rs", n % 100);
    let write = |what: &str| {
        (0..CHECKED_OUT).for_each(|n| {
            repo.write(
                &path(n),
                format!("/// {what} {n}.\npub fn {what}_{n}(count: u64) -> u64 {{\n    count + {n}\n}}\n"),
            )
        });
        repo.commit(what);
    };
    write("one");
    repo.branch("other");
    write("two");
    repo.checkout("main");
    let mut agent = TestAgent::without_model();
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    wait_until(Duration::from_secs(600), "the first index", || {
        agent.run(["wait", "--timeout", "600s"]).code == Some(0)
    });
    let before = Jobs::of(&agent);
    repo.git(&["checkout", "--quiet", "other"]);
    let begun = Instant::now();
    let mut worker = Resident::default();
    wait_until(Duration::from_secs(600), "the checkout", || {
        worker = agent.worker_pid().and_then(resident).unwrap_or(worker);
        let status = agent.json(["status"]);
        let repo_status = &status["repos"][0];
        repo_status["head"] == repo_status["indexed_commit"]
            && repo_status["saved"] == 0
            && repo_status["fresh"] == repo_status["files"]
            && status["queue"]["queued"] == 0
            && status["queue"]["running"] == 0
    });
    let took = begun.elapsed();
    let jobs = Jobs::since(&agent, &before).0.len();
    let daemon = agent.daemon_pid().and_then(resident).unwrap_or_default();
    let value = format!(
        "{} to settled, {jobs} jobs, peak memory {:.0} MB (worker), {:.0} MB (daemon)",
        time(took),
        megabytes(worker.peak),
        megabytes(daemon.peak)
    );
    row(&format!("a checkout that changes {CHECKED_OUT} files, without a model"), &value);
    agent.stop();
}

/// Processor time of the daemon over some minutes in which nothing happens (`RA_AGENT_IDLE_MINUTES`, 10).
pub fn idle() {
    let minutes = number_from_environment("RA_AGENT_IDLE_MINUTES").unwrap_or(10);
    let mut agent = TestAgent::without_model();
    agent.write_config("[embedding]\nunload_after_secs = 1\n");
    agent.start();
    let repos: Vec<TestRepo> = (0..IDLE_REPOS)
        .map(|_| {
            let repo = TestRepo::new();
            sample::files(IDLE_CRATES).iter().for_each(|(path, text)| repo.write(path, text));
            // What is built is ignored, and is not watched.
            repo.write(".gitignore", "/target\n");
            (0..200).for_each(|n| repo.write(&format!("target/debug/d{n}/x.o"), "x"));
            repo.commit("first");
            agent.ok(["register", repo.path().to_str().unwrap()]);
            repo
        })
        .collect();
    agent.wait();
    wait_until(Duration::from_secs(120), "the worker exits", || agent.worker_pid().is_none());
    let pid = agent.daemon_pid().unwrap();
    let (before, begun) = (cpu(pid), Instant::now());
    std::thread::sleep(Duration::from_secs(60 * minutes));
    let (used, passed) = (cpu(pid) - before, begun.elapsed());
    let share = 100.0 * used.as_secs_f64() / passed.as_secs_f64();
    let value = format!("{share:.3} % of a core over {minutes} min ({} of processor time)", time(used));
    row_below(&format!("idle with {} repositories watched", repos.len()), &value, share, 0.1, "%");
    let doctor = agent.json(["doctor"]).to_string();
    let watches = doctor.split("\"watches\"").nth(1).unwrap_or_default();
    let from_number: String = watches.chars().take_while(|c| *c != '}').collect();
    let digits: String =
        from_number.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    let dirs: usize = repos.iter().map(watched_directories).sum();
    row(
        "watches of those",
        &format!(
            "{digits}, for {dirs} directories that are not ignored, and 4,000 that are; the others are of git directories"
        ),
    );
    let memory = resident(pid).unwrap_or_default();
    row("memory of the daemon with those", &format!("{:.1} MB", megabytes(memory.now)));
    agent.stop();
}

fn watched_directories(repo: &TestRepo) -> usize {
    let tracked = repo.git(&["ls-files"]);
    let mut dirs = std::collections::BTreeSet::from([""]);
    for path in tracked.lines() {
        dirs.extend(path.match_indices('/').map(|(at, _)| &path[..at]));
    }
    dirs.len()
}

/// User and system time of a process, as proc_pid_stat(5) has it: the fields 14 and 15, in clock ticks of 10 ms.
fn cpu(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // behind the name in parentheses, which may hold anything, begins field 3
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(10 * ticks)
}
