//! The promise: whatever moves HEAD is noticed, by a hook or without one, and nothing that happens to the agent holds a commit up.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Jobs, TestAgent, TestRepo, untouched, wait_until};

/// Shorter than the timer's 60 s, so that it is not the timer that noticed.
const SOON: Duration = Duration::from_secs(30);

fn registered() -> (TestAgent, TestRepo) {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files([("Cargo.toml", "[package]\nname = \"x\"\n"), ("src/lib.rs", "pub fn f() {}\n")]);
    agent.ok(["register", repo.path().to_str().unwrap()]);
    (agent, repo)
}

fn indexed_commit(agent: &TestAgent) -> Option<String> {
    agent.json(["status"])["repos"][0]["indexed_commit"].as_str().map(str::to_owned)
}

#[track_caller]
fn is_indexed_soon(agent: &TestAgent, repo: &TestRepo, what: &str) {
    let head = repo.head();
    wait_until(SOON, what, || indexed_commit(agent).as_ref() == Some(&head));
}

#[test]
fn f1_a_commit_while_nothing_runs_is_found_at_the_next_start() {
    let (mut agent, repo) = registered();
    repo.write("src/lib.rs", "pub fn g() {}\n");
    repo.commit("while nothing runs");
    agent.start();
    is_indexed_soon(&agent, &repo, "the commit is indexed");
    agent.stop();
}

/// FAILURES 32: waiting is measured by a clock that cannot be set, and nothing expires by time.
#[test]
fn f32_a_clock_that_is_set_moves_nothing_and_hides_nothing() {
    const DAY: Duration = Duration::from_secs(86_400);
    let (mut agent, repo) = registered();
    agent.shift_clock(2 * DAY);
    agent.start();
    agent.wait();
    for (shift, what) in [(DAY, "back by a day"), (366 * DAY, "a year ahead"), (Duration::ZERO, "back by a year")] {
        let before = Jobs::of(&agent);
        agent.shift_clock(shift);
        agent.wait();
        assert!(Jobs::since(&agent, &before).0.is_empty(), "{what}: nothing is made again");
        repo.write("src/lib.rs", format!("pub fn f() {{ let _ = {}; }}\n", shift.as_secs()));
        repo.commit(what);
        is_indexed_soon(&agent, &repo, what);
        agent.wait();
        assert_eq!(Jobs::since(&agent, &before).analysed().len(), 1, "{what}");
    }
}

/// FAILURES 12, 13, 14: an old Git, or a program that runs no hooks.
#[test]
fn f13_without_any_hook_every_move_of_head_is_noticed() {
    let (mut agent, repo) = registered();
    agent.start();
    agent.wait();
    repo.write("src/lib.rs", "pub fn g() {}\n");
    repo.commit("a commit");
    is_indexed_soon(&agent, &repo, "a commit");
    repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    is_indexed_soon(&agent, &repo, "a reset");
    repo.branch("side");
    repo.commit("on the side");
    is_indexed_soon(&agent, &repo, "a commit on another branch");
    repo.checkout("main");
    is_indexed_soon(&agent, &repo, "a switch of branches");
    let commit = repo.git(&["commit-tree", "-p", "HEAD", "-m", "x", "HEAD^{tree}"]);
    repo.git(&["update-ref", "refs/heads/main", &commit]);
    is_indexed_soon(&agent, &repo, "update-ref");
    untouched(repo.path(), || {
        agent.wait();
        agent.stop();
    });
}

/// FAILURES 2: the agent is there but does not listen.
#[test]
fn f2_a_daemon_that_hangs_holds_no_commit_up() {
    let (mut agent, repo) = registered();
    agent.ok(["hooks", "install", "--in-repo", repo.path().to_str().unwrap()]);
    agent.start();
    agent.wait();
    let daemon = Pid::from_raw(agent.daemon_pid().unwrap().cast_signed()).unwrap();
    kill_process(daemon, Signal::STOP).unwrap();
    for n in 0..200 {
        let mut commit = repo.command(&["commit", "--quiet", "--allow-empty", "--message", &n.to_string()]);
        let mut commit = commit.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until(SOON, "a commit ends while the daemon hangs", || commit.try_wait().unwrap().is_some());
    }
    repo.write("src/lib.rs", "pub fn last() {}\n");
    repo.commit("the last one");
    kill_process(daemon, Signal::CONT).unwrap();
    is_indexed_soon(&agent, &repo, "the last commit");
    agent.wait();
    agent.stop();
}

#[test]
fn a_killed_daemon_starts_again_and_goes_on() {
    let (mut agent, repo) = registered();
    agent.start();
    repo.write("src/lib.rs", "pub fn g() {}\n");
    repo.commit("then it is killed");
    agent.kill9_daemon();
    agent.start();
    is_indexed_soon(&agent, &repo, "the commit");
    agent.kill9_worker();
    repo.write("src/lib.rs", "pub fn h() {}\n");
    repo.commit("then its worker is");
    is_indexed_soon(&agent, &repo, "the next commit");
    agent.wait();
    agent.stop();
}
