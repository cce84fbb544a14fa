//! The promise: the user sees every job and can hold, drop and replay it.

use serde_json::json;

use crate::support::{Jobs, TestAgent, TestRepo};

#[test]
fn a_paused_queue_takes_jobs_in_and_hands_none_out() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files([("src/lib.rs", "pub fn one() -> u32 {\n    1\n}\n")]);
    agent.start();
    agent.ok(["queue", "pause"]);
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    let jobs = Jobs::of(&agent);
    assert_eq!(jobs.0.len(), 4);
    assert!(jobs.0.values().all(|job| job.state == "queued"), "{jobs:?}");
    let status = agent.json(["status"]);
    assert_eq!((&status["queue"]["queued"], &status["queue"]["paused"]), (&json!(4), &json!(true)), "{status}");
    assert_eq!((&status["repos"][0]["stale"], &status["repos"][0]["pending"]), (&json!(1), &json!(1)), "{status}");

    let waited = agent.run(["wait"]);
    assert!(waited.code == Some(1) && waited.stderr.contains("ra-agent queue resume"), "{waited:?}");
    assert!(waited.stderr.contains("0 of 1 files are fresh: 4 job(s) wait"), "{waited:?}");

    // a newer content takes the place of what was not begun
    repo.edit("src/lib.rs", "1", "2");
    repo.commit("before anything was done");
    agent.wait();
    let newer = Jobs::since(&agent, &jobs);
    assert_eq!(newer.0.len(), 4);
    assert_eq!(agent.json(["status"])["queue"]["queued"], json!(4), "the older ones are superseded");

    let id = newer.0.keys().next().unwrap().to_string();
    assert!(agent.ok(["queue", "show", &id]).contains("src/lib.rs"));
    agent.ok(["queue", "discard", &id]);
    agent.ok(["queue", "resume"]);
    agent.wait();
    let dead = agent.json(["queue", "list", "--discarded"]);
    assert_eq!(dead["jobs"][0]["id"].to_string(), id, "{dead}");
    assert_eq!(agent.json(["status"])["repos"][0]["stale"], json!(1), "one result is missing");
    let waited = agent.run(["wait"]);
    assert!(waited.code == Some(1) && waited.stderr.contains("ra-agent queue retry --all"), "{waited:?}");
    agent.ok(["wait", "--until", "words"]);
    let again = agent.run(["queue", "discard", &id]);
    assert!(again.code == Some(1) && again.stderr.contains("is discarded"), "{again:?}");

    agent.ok(["queue", "retry", &id]);
    agent.wait();
    agent.ok(["wait"]);
    assert_eq!(agent.json(["queue", "list", "--discarded"])["jobs"], json!([]));
    for verb in ["discard", "retry"] {
        let refused = agent.run(["queue", verb, &id]);
        assert!(refused.code == Some(1) && refused.stderr.contains("is done"), "{refused:?}");
    }
    assert_eq!(agent.json(["status"])["repos"][0]["fresh"], json!(1));
    assert!(agent.ok(["queue", "list"]).contains("the queue is empty: nothing waits"));
    assert!(agent.ok(["queue", "list", "--discarded"]).contains("no job is discarded"));
}

#[test]
fn the_queue_can_be_handled_without_a_daemon() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files([("src/lib.rs", "pub fn one() {}\n"), ("src/two.rs", "pub fn two() {}\n")]);
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.ok(["queue", "pause"]);
    agent.start();
    agent.wait();
    agent.stop();
    let jobs = Jobs::of(&agent);
    assert_eq!(jobs.0.len(), 8);
    let first = agent.json(["queue", "list", "--limit", "1"])["jobs"][0].clone();
    assert_eq!((&first["path"], &first["priority"]), (&json!("src/lib.rs"), &json!("critical")), "the root is first");
    agent.ok(["queue", "discard", &first["id"].to_string()]);
    agent.ok(["queue", "retry", "--all"]);
    agent.ok(["queue", "resume"]);
    agent.start();
    agent.wait();
    let jobs = Jobs::of(&agent);
    assert!(jobs.0.len() == 8 && jobs.0.values().all(|job| job.state == "done"), "{jobs:?}");
}
