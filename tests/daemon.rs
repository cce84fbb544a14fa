//! The promise: there is one daemon, it stops when asked, no leftover keeps it from starting, and it works when there is work and
//! only then.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};

use crate::support::{Jobs, TestAgent, TestRepo, untouched, wait_until};

const SOON: Duration = Duration::from_secs(30);

fn a_repo() -> TestRepo {
    TestRepo::with_files([("src/lib.rs", "pub fn one() -> u32 {\n    1\n}\n"), ("src/two.rs", "pub fn two() {}\n")])
}

/// A running agent with this repository in it, everything fresh.
#[track_caller]
fn running(repo: &TestRepo) -> TestAgent {
    let mut agent = TestAgent::without_model();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.start();
    agent.wait();
    agent
}

#[track_caller]
fn the_repo(agent: &TestAgent) -> Value {
    agent.json(["status"])["repos"][0].clone()
}

#[test]
fn f54_a_second_daemon_is_refused_with_the_first_ones_pid() {
    let repo = a_repo();
    let agent = running(&repo);
    let pid = agent.daemon_pid().unwrap();
    for verb in ["run", "start"] {
        let output = agent.run(["daemon", verb]);
        assert_eq!(output.code, Some(1), "{output:?}");
        assert!(output.stderr.contains(&format!("pid {pid}")) && output.stderr.contains("ra-agent daemon stop"));
    }
    assert_eq!(agent.json(["status"])["daemon"]["pid"], json!(pid), "the first one is still there");
}

#[test]
fn f54_what_a_dead_daemon_left_does_not_block_the_next() {
    let repo = a_repo();
    let mut agent = running(&repo);
    agent.kill9_daemon();
    let run = agent.home().join("run");
    // a pid that lives, and sockets without a listener
    std::fs::write(run.join("agent.lock"), format!("{}\n", std::process::id())).unwrap();
    for socket in ["agent.sock", "worker.sock"] {
        let _ = std::fs::remove_file(run.join(socket));
        drop(UnixListener::bind(run.join(socket)).unwrap());
    }
    std::fs::write(run.join("slots/0"), "not the content of a slot").unwrap();
    assert_eq!(agent.json(["status"])["daemon"]["running"], json!(false));
    agent.start();
    repo.edit("src/lib.rs", "1", "2");
    repo.commit("after the restart");
    agent.wait();
    assert_eq!(the_repo(&agent)["indexed_commit"], json!(repo.head()));
}

#[test]
fn f55_a_daemon_whose_socket_is_gone_is_reported_at_once() {
    let repo = a_repo();
    let agent = running(&repo);
    std::fs::remove_file(agent.home().join("run/agent.sock")).unwrap();
    // the daemon makes its socket again soon; a verb that waited for that would succeed
    let output = agent.run(["wait"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let pid = agent.daemon_pid().unwrap().to_string();
    assert!(output.stderr.contains(&pid) && output.stderr.contains("ra-agent daemon restart"), "{output:?}");
    agent.json(["status"]);
    wait_until(SOON, "the socket is there again", || agent.run(["wait"]).code == Some(0));
}

#[test]
fn f55_a_daemon_that_cannot_be_asked_is_stopped_all_the_same() {
    let repo = a_repo();
    let mut agent = running(&repo);
    std::fs::remove_file(agent.home().join("run/agent.sock")).unwrap();
    agent.stop();
}

#[test]
fn f62_a_damaged_registry_is_reported_by_start() {
    let agent = TestAgent::without_model();
    agent.ok(["repos"]);
    std::fs::create_dir_all(agent.home()).unwrap();
    std::fs::write(agent.home().join("agent.db"), [7; 20_000]).unwrap();
    let output = agent.run(["daemon", "start"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("agent.db"), "{output:?}");
}

#[test]
fn f57_the_daemon_survives_any_input_on_its_socket() {
    let repo = a_repo();
    let agent = running(&repo);
    let socket = agent.home().join("run/agent.sock");
    let ask = |bytes: &[u8]| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        // the daemon may hang up on us in the middle
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    assert!(ask(b"no json\n").contains("not understood"));
    assert!(ask(b"{\"protocol\":999,\"request\":{\"do\":\"ping\"}}\n").contains("daemon restart"));
    assert!(ask(b"{\"protocol\":1,\"request\":{\"do\":\"fly\"}}\n").contains("not understood"));
    ask(b"");
    ask(&[0xff; 300]);
    ask(&vec![b'a'; 4 << 20]);
    // many silent clients delay others only briefly
    let silent: Vec<UnixStream> = (0..100).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    wait_until(SOON, "it answers", || agent.json(["status"])["daemon"]["running"] == json!(true));
    agent.wait();
    drop(silent);
    assert!(!agent.log().contains("panicked"));
}

#[test]
fn f61_a_stop_under_load_loses_nothing() {
    let repo = TestRepo::new();
    for n in 0..200 {
        repo.write(&format!("src/m{n}.rs"), format!("pub fn f{n}() -> u32 {{\n    {n}\n}}\n"));
    }
    repo.commit("much");
    for signal in [None, Some(Signal::TERM), Some(Signal::INT)] {
        let mut agent = TestAgent::without_model();
        agent.ok(["register", repo.path().to_str().unwrap()]);
        agent.start();
        wait_until(SOON, "it works", || agent.worker_pid().is_some());
        match signal {
            None => agent.stop(),
            Some(signal) => {
                let pid = Pid::from_raw(agent.daemon_pid().unwrap().cast_signed()).unwrap();
                kill_process(pid, signal).unwrap();
                wait_until(SOON, "the lock is free", || agent.json(["status"])["daemon"]["running"] == json!(false));
                agent.kill9_daemon();
            }
        }
        let log = std::fs::metadata(agent.home().join("agent.db-wal"));
        assert!(log.is_err() || log.is_ok_and(|log| log.len() == 0), "the log is checkpointed");
        agent.start();
        agent.wait();
        assert_eq!(the_repo(&agent)["fresh"], json!(200));
    }
}

/// `start` and `restart` make a daemon of their own, which is no child of the test.
#[test]
fn start_restart_and_stop_act_on_a_daemon_in_the_background() {
    let repo = a_repo();
    let agent = TestAgent::without_model();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    let pid = || agent.json(["status"])["daemon"]["pid"].as_i64();
    agent.ok(["daemon", "start"]);
    let first = pid().unwrap();
    agent.wait();
    agent.ok(["daemon", "restart"]);
    let second = pid().unwrap();
    agent.wait();
    assert!(agent.ok(["logs"]).contains("running"));
    agent.ok(["daemon", "stop"]);
    assert_eq!(pid(), None);
    agent.ok(["daemon", "restart"]);
    let third = pid().unwrap();
    // A daemon that was killed keeps its lock until the kernel has taken its watches down; a start just then waits for that.
    let process = |pid: i64| Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(process(third), Signal::KILL).unwrap();
    agent.ok(["daemon", "start"]);
    let fourth = pid().unwrap();
    agent.wait();
    agent.ok(["daemon", "stop"]);
    assert_eq!(BTreeSet::from([first, second, third, fourth]).len(), 4);
    for pid in [first, second, third, fourth] {
        wait_until(SOON, "it has ended", || test_kill_process(process(pid)).is_err());
    }
}

/// FAILURES 34: what moves files below the git directory, but not HEAD.
#[test]
fn f34_housekeeping_and_a_hook_without_a_move_make_no_job() {
    let repo = a_repo();
    let agent = running(&repo);
    let before = Jobs::of(&agent);
    for args in
        [&["gc", "--quiet"][..], &["pack-refs", "--all"], &["commit-graph", "write"], &["repack", "-adq"], &["status"]]
    {
        repo.git(args);
        agent.wait();
    }
    let id = the_repo(&agent)["id"].as_str().unwrap().to_owned();
    untouched(repo.path(), || {
        std::fs::write(agent.home().join("run/inbox").join(id), "").unwrap();
        agent.wait();
    });
    assert!(Jobs::since(&agent, &before).0.is_empty());
    assert_eq!(the_repo(&agent)["error"], Value::Null);
}

#[test]
fn f15_a_rebase_is_one_comparison_of_its_end() {
    let repo = a_repo();
    let agent = running(&repo);
    repo.branch("side");
    for n in 0..10 {
        repo.write("src/lib.rs", format!("pub fn one() -> u32 {{\n    {n} + 1\n}}\n"));
        repo.commit("a step");
    }
    repo.checkout("main");
    repo.write("src/three.rs", "pub fn three() {}\n");
    repo.commit("meanwhile");
    agent.wait();
    let before = Jobs::of(&agent);
    repo.git(&["rebase", "--quiet", "main", "side"]);
    agent.wait();
    let new = Jobs::since(&agent, &before);
    assert!(new.analysed().is_subset(&BTreeSet::from(["src/lib.rs"])), "{new:?}");
    assert!(new.analyses().count() <= 4, "{new:?}");
    assert_eq!(the_repo(&agent)["indexed_commit"], json!(repo.head()));
}

#[test]
fn f16_a_rebase_that_stops_holds_work_back_until_it_is_over() {
    for end in ["--continue", "--abort"] {
        let repo = a_repo();
        let agent = running(&repo);
        repo.branch("side");
        repo.edit("src/lib.rs", "1", "2");
        repo.commit("on the side");
        repo.checkout("main");
        repo.edit("src/lib.rs", "1", "3");
        repo.commit("on the main branch");
        agent.wait();
        let (before, indexed) = (Jobs::of(&agent), the_repo(&agent)["indexed_commit"].clone());
        assert!(!repo.try_git(&["rebase", "--quiet", "main", "side"]).status.success(), "it stops at a conflict");
        untouched(repo.path(), || {
            let output = agent.run(["wait", "--timeout", "3s"]);
            assert_eq!(output.code, Some(1), "{output:?}");
            assert!(output.stderr.contains("rebase in progress"), "{output:?}");
        });
        let held = the_repo(&agent);
        assert_eq!((&held["held"], &held["indexed_commit"]), (&json!("rebase in progress"), &indexed), "{held}");
        let new = Jobs::since(&agent, &before).0;
        assert!(new.is_empty(), "no work on a file with conflict marks: {new:?}");

        repo.write("src/lib.rs", "pub fn one() -> u32 {\n    5\n}\n");
        repo.git(&["add", "--all"]);
        repo.git(&["rebase", end]);
        // by itself
        wait_until(SOON, "it goes on", || the_repo(&agent)["indexed_commit"] == json!(repo.head()));
        agent.wait();
        assert_eq!(the_repo(&agent)["held"], Value::Null);
    }
}

/// FAILURES 38: the commit that was indexed is gone for good.
#[test]
fn f38_after_an_amend_and_a_gc_only_what_changed_is_analysed() {
    let repo = a_repo();
    repo.write("src/three.rs", "pub fn three() {}\n");
    repo.commit("to be amended");
    let agent = running(&repo);
    let before = Jobs::of(&agent);
    repo.edit("src/lib.rs", "1", "2");
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--amend", "--message", "amended"]);
    repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    repo.git(&["gc", "--quiet", "--prune=now"]);
    agent.wait();
    assert_eq!(Jobs::since(&agent, &before).analysed(), BTreeSet::from(["src/lib.rs"]));
    assert_eq!(the_repo(&agent)["error"], Value::Null);
}

/// FAILURES 61: the file of the program is another one now.
#[test]
fn f61_an_upgrade_while_the_daemon_runs_does_not_stop_its_work() {
    let repo = a_repo();
    let agent = TestAgent::without_model();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.write_config("[embedding]\nunload_after_secs = 0\n");
    let (built, installed) = (Path::new(env!("CARGO_BIN_EXE_ra-agent")), agent.home().join("program"));
    let install = || {
        let _ = std::fs::remove_file(&installed);
        std::fs::hard_link(built, &installed).or_else(|_| std::fs::copy(built, &installed).map(drop)).unwrap();
    };
    install();
    let environment = agent.command(["daemon", "run"]);
    let environment = environment.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let mut daemon = Command::new(&installed);
    daemon.args(["daemon", "run"]).env_clear().envs(environment).stderr(Stdio::null());
    let mut daemon = daemon.spawn().unwrap();
    wait_until(SOON, "it answers", || agent.run(["wait"]).code == Some(0));
    install();
    repo.edit("src/lib.rs", "1", "2");
    repo.commit("after the upgrade");
    wait_until(SOON, "the commit is indexed", || the_repo(&agent)["indexed_commit"] == json!(repo.head()));
    agent.ok(["daemon", "stop"]);
    daemon.wait().unwrap();
}

/// FAILURES 61: a new version takes over by itself, under the same pid, with nothing lost.
#[test]
fn f61_a_replaced_program_takes_over_from_the_one_that_runs() {
    let repo = a_repo();
    let agent = TestAgent::without_model();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    let (built, installed) = (Path::new(env!("CARGO_BIN_EXE_ra-agent")), agent.home().join("program"));
    std::fs::hard_link(built, &installed).or_else(|_| std::fs::copy(built, &installed).map(drop)).unwrap();
    let listener = std::os::unix::net::UnixDatagram::bind(agent.home().join("notify")).unwrap();
    let environment = agent.command(["daemon", "run"]);
    let environment = environment.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let mut daemon = Command::new(&installed);
    daemon.args(["daemon", "run", "--require-sandbox"]).env_clear().envs(environment);
    daemon.env("NOTIFY_SOCKET", agent.home().join("notify")).env("WATCHDOG_USEC", "200000").stderr(Stdio::null());
    let mut daemon = daemon.spawn().unwrap();
    // read at once: a full socket would lose what comes next
    let (sender, messages) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while let Ok(bytes) = listener.recv(&mut buffer)
            && sender.send(buffer[..bytes].to_vec()).is_ok()
        {}
    });
    let notified = |what: &str| {
        let next = || messages.recv_timeout(SOON).unwrap_or_else(|_| panic!("the manager was not sent {what}"));
        while !next().starts_with(what.as_bytes()) {}
    };
    notified("READY=1");
    notified("WATCHDOG=1");
    agent.wait();
    // one that is no program does not take over
    std::fs::write(agent.home().join("broken"), "#!/bin/false\n").unwrap();
    std::fs::set_permissions(agent.home().join("broken"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(agent.home().join("broken"), &installed).unwrap();
    messages.try_iter().for_each(drop);
    (0..8).for_each(|_| notified("WATCHDOG=1"));
    agent.wait();

    let _ = std::fs::remove_file(agent.home().join("next"));
    std::fs::copy(built, agent.home().join("next")).unwrap();
    std::fs::rename(agent.home().join("next"), &installed).unwrap();
    notified("RELOADING=1");
    repo.edit("src/lib.rs", "1", "2");
    repo.commit("while it takes over");
    agent.wait();
    notified("READY=1");
    let status = agent.json(["status"]);
    assert_eq!(status["daemon"]["pid"], json!(daemon.id()), "the same process");
    assert_eq!(status["daemon"]["sandbox"], json!("enforced"));
    assert_eq!(the_repo(&agent)["indexed_commit"], json!(repo.head()));
    let arguments = std::fs::read(format!("/proc/{}/cmdline", daemon.id())).unwrap();
    assert!(arguments.ends_with(b"--require-sandbox\0"), "{}", String::from_utf8_lossy(&arguments));
    agent.ok(["daemon", "stop"]);
    notified("STOPPING=1");
    assert!(daemon.wait().unwrap().success());
}

/// FAILURES 22.
#[test]
fn f22_many_committers_at_once_are_each_followed_to_the_end() {
    let repos: Vec<TestRepo> = (0..4).map(|_| a_repo()).collect();
    let mut agent = TestAgent::without_model();
    agent.start();
    for repo in &repos {
        agent.ok(["register", repo.path().to_str().unwrap()]);
        agent.ok(["hooks", "install", "--in-repo", repo.path().to_str().unwrap()]);
    }
    // each repository to its own thread, for good: it cannot be shared
    let committers = repos.into_iter().map(|repo| {
        std::thread::spawn(move || {
            for n in 0..15 {
                repo.write("src/two.rs", format!("pub fn two() -> u32 {{\n    {n}\n}}\n"));
                repo.commit("one of many");
            }
            repo
        })
    });
    let repos: Vec<TestRepo> = committers.collect::<Vec<_>>().into_iter().map(|one| one.join().unwrap()).collect();
    let is_followed = |repo: &TestRepo| {
        let status = agent.json(["status"])["repos"].clone();
        let mut all = status.as_array().unwrap().iter();
        all.any(|one| one["repo"] == json!(repo.path()) && one["indexed_commit"] == json!(repo.head()))
    };
    // by itself
    wait_until(SOON, "every head is indexed", || repos.iter().all(is_followed));
    agent.wait();
    let status = agent.json(["status"]);
    let fresh: Vec<&Value> = status["repos"].as_array().unwrap().iter().map(|repo| &repo["fresh"]).collect();
    assert_eq!(fresh, vec![&json!(2); repos.len()], "{status}");
}

/// FAILURES 41: the work tree holds less, HEAD the same.
#[test]
fn f41_a_sparse_checkout_deletes_nothing() {
    let repo = a_repo();
    repo.write("docs/guide.md", "# Guide\n\nText.\n");
    repo.commit("a directory");
    let agent = running(&repo);
    let before = Jobs::of(&agent);
    for args in [&["sparse-checkout", "set", "docs"][..], &["sparse-checkout", "disable"]] {
        repo.git(args);
        agent.wait();
        assert!(Jobs::since(&agent, &before).0.is_empty(), "{args:?}");
        assert_eq!(the_repo(&agent)["fresh"], json!(3), "{args:?}");
    }
    // A clone of which nothing is checked out is searched and shown as HEAD has it.
    let clone = repo.outside("clone");
    let clone = clone.to_str().unwrap();
    repo.git(&["clone", "-q", "--no-checkout", repo.path().to_str().unwrap(), clone]);
    agent.ok(["register", clone]);
    agent.wait();
    let found = agent.json(["search", "guide", "--repo", clone]);
    assert_eq!((&found["hits"][0]["stale"], found["hits"].as_array().unwrap().is_empty()), (&Value::Null, false));
    let shown = agent.json(["show", format!("{clone}/docs/guide.md").as_str()]);
    for answer in [&found, &shown] {
        assert_eq!(answer["answer_freshness"], json!({"state": "current"}), "{answer}");
    }
}

/// FAILURES 62: a store is damaged; it is reported while another repository goes on, moved away at the next start, and built again with
/// every result that can still be read.
#[test]
fn f62_a_damaged_store_hides_no_other_and_is_built_again() {
    let (one, other) = (a_repo(), a_repo());
    let mut agent = running(&one);
    agent.ok(["register", other.path().to_str().unwrap()]);
    agent.wait();
    agent.stop();
    let of = |agent: &TestAgent, repo: &TestRepo| {
        let status = agent.json(["status"])["repos"].clone();
        status.as_array().unwrap().iter().find(|found| found["repo"] == json!(repo.path())).unwrap().clone()
    };
    let store = agent.home().join("cache/repos").join(of(&agent, &one)["id"].as_str().unwrap()).join("analysis.db");
    std::fs::write(&store, [7; 20_000]).unwrap();
    let error = of(&agent, &one)["error"].as_str().unwrap().to_owned();
    assert!(error.contains(store.to_str().unwrap()) && error.contains("ra-agent reconcile"), "{error}");
    assert_eq!((&of(&agent, &other)["fresh"], &of(&agent, &other)["error"]), (&json!(2), &Value::Null));
    let found = agent.json(["search", "two"]);
    assert_eq!(found["hits"][0]["repo"], json!(other.path()), "{found}");
    assert!(found["errors"][0].as_str().unwrap().contains("ra-agent reconcile"), "{found}");

    agent.start();
    agent.wait();
    for repo in [&one, &other] {
        let status = of(&agent, repo);
        assert_eq!((&status["fresh"], &status["error"]), (&json!(2), &Value::Null), "{status}");
    }
    let aside = of(&agent, &one)["set_aside"][0].as_str().unwrap().to_owned();
    assert!(aside.starts_with(&format!("{}.damaged-", store.display())), "{aside}");
    assert_eq!(std::fs::read(&aside).unwrap(), [7; 20_000]);
    assert!(agent.log().contains("was damaged") && agent.log().contains(&aside), "{}", agent.log());
    assert!(agent.ok(["status"]).contains(&aside));
    assert!(agent.json(["doctor"])["findings"].to_string().contains(&aside));
    agent.ok(["cache", "prune"]);
    assert!(!Path::new(&aside).exists() && of(&agent, &one)["set_aside"] == json!([]));
    agent.ok(["cache", "verify"]);
}

/// A page in the middle that is damaged is met only by what reads it; what else can be read is not made again.
#[test]
fn f62_a_store_damaged_in_the_middle_keeps_what_can_be_read() {
    let repo = TestRepo::new();
    for n in 0..40 {
        repo.write(&format!("src/m{n}.rs"), format!("/// Number {n}.\npub fn f{n}() -> u32 {{\n    {n}\n}}\n"));
    }
    repo.commit("forty");
    let mut agent = running(&repo);
    agent.stop();
    let db = agent.store();
    let (root, page): (u64, u64) = db
        .query_row(
            "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = 'chunks'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let entries: u64 = db.query_row("SELECT count(*) FROM file_analysis", [], |row| row.get(0)).unwrap();
    let path = std::path::PathBuf::from(db.path().unwrap());
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(db);
    let mut bytes = std::fs::read(&path).unwrap();
    let start = ((root - 1) * page) as usize;
    bytes[start..start + page as usize].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    assert_ne!(agent.run(["cache", "verify"]).code, Some(0));

    let known = Jobs::of(&agent);
    agent.start();
    repo.write("src/m1.rs", "pub fn other() {}\n");
    repo.commit("it goes on");
    agent.wait();
    let status = agent.json(["status"])["repos"][0].clone();
    assert_eq!((&status["stale"], &status["error"]), (&json!(0), &Value::Null), "{status}\n{}", agent.log());
    assert_eq!(status["set_aside"].as_array().unwrap().len(), 1, "{status}");
    assert_eq!(Jobs::since(&agent, &known).analysed(), BTreeSet::from(["src/m1.rs"]), "of {entries}");
    agent.ok(["cache", "verify"]);
    agent.stop();
    agent.assert_sound();
}
