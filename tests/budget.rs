//! The promise: the user sees what models have cost, to the cent and by what, and says how much they may; a limit holds from the moment it
//! is set.

use std::time::Duration;

use ra_agent::budget::{self, Call, CallPurpose, Charge, Grant, Reservation, SpendingLimits, Usage};
use ra_agent::clock::{self, Timestamp};
use ra_agent::domain::{AnalysisType, FilePath, Hash, ObjectId, RepoId};
use ra_agent::queue::ParkCause;
use ra_agent::store::{Database, open_writer, write};
use rusqlite::{Connection, params};
use serde_json::json;

use crate::support::{TestAgent, TestRepo, wait_until};

const HOUR: i64 = 3_600_000;

/// The agent's own ledger, as its worker has it.
fn ledger(agent: &TestAgent) -> Connection {
    let mut db = open_writer(&agent.home().join("agent.db"), Database::Agent).unwrap();
    budget::take_up(&mut db, &agent.home().join("ledger.seal")).unwrap();
    db
}

fn call(repo: &str, path: &str, analysis_type: AnalysisType) -> Call {
    Call {
        repo: RepoId(repo.to_owned()),
        cache_key: Hash::of(format!("{path} {analysis_type}").as_bytes()),
        path: FilePath::from(path),
        purpose: CallPurpose::Answer(analysis_type),
        model_id: "grok-4.1-fast".to_owned(),
        commit: Some(ObjectId(vec![0xab; 20])),
    }
}

fn reserve(db: &mut Connection, call: &Call, worst_case: u64, now: Timestamp) -> Grant {
    budget::reserve(db, &SpendingLimits { monthly: 3_000_000_000, daily: None }, call, worst_case, now).unwrap()
}

#[track_caller]
fn reserved(db: &mut Connection, call: &Call, worst_case: u64, now: Timestamp) -> Reservation {
    match reserve(db, call, worst_case, now) {
        Grant::Reserved(reservation) => reservation,
        other => panic!("{other:?}"),
    }
}

fn spend(db: &mut Connection, call: &Call, cost: u64, now: Timestamp) {
    let reservation = reserved(db, call, cost * 2, now);
    let usage = Usage { input: 1_000, output: 100, ..Usage::default() };
    let tx = write(db).unwrap();
    budget::settle(&tx, &reservation, &Charge::Reported { usage, cost }, now).unwrap();
    tx.commit().unwrap();
}

#[test]
fn setting_a_limit_keeps_every_other_byte_of_the_config() {
    let agent = TestAgent::without_model();
    agent.write_config("# mine\n[budget]\nmonthly_usd = 5   # a coffee\n");
    agent.ok(["budget", "set", "--monthly", "2.50", "--daily", "0.5"]);
    assert_eq!(agent.config(), "# mine\n[budget]\ndaily_usd = 0.5\nmonthly_usd = 2.5   # a coffee\n");
    let status = agent.json(["budget", "status"]);
    assert_eq!((&status["limit_usd"], &status["day"]["limit_usd"]), (&json!(2.5), &json!(0.5)), "{status}");
    assert_eq!((&status["spent_usd"], &status["remaining_usd"]), (&json!(0.0), &json!(2.5)), "{status}");
    let mut same = status.clone();
    assert_eq!(same.as_object_mut().unwrap().remove("model"), Some(json!(null)), "no model is set up");
    assert_eq!(agent.json(["status"])["budget"], same, "one block, wherever it is asked for");
    agent.ok(["budget", "set", "--daily", "none"]);
    assert_eq!(agent.json(["budget", "status"])["day"]["limit_usd"], json!(null));
    assert!(agent.ok(["budget", "status"]).contains("$0.00 of $2.50 spent"));
    for wrong in [&["budget", "set"][..], &["budget", "set", "--monthly", "-1"], &["budget", "set", "--daily", "much"]]
    {
        assert_eq!(agent.run(wrong).code, Some(2), "{wrong:?}");
    }
}

#[test]
fn spending_is_reported_by_day_repo_commit_type_and_model() {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files([("src/lib.rs", "pub fn one() {}\n")]);
    agent.ok(["register", repo.path().to_str().unwrap()]);
    let id = agent.json(["status"])["repos"][0]["id"].as_str().unwrap().to_owned();
    let mut db = ledger(&agent);
    let now = clock::now();
    spend(&mut db, &call(&id, "src/lib.rs", AnalysisType::Docs), 2_000_000, now.plus_millis(-48 * HOUR));
    spend(&mut db, &call(&id, "src/lib.rs", AnalysisType::Todos), 1_000_000, now.plus_millis(-48 * HOUR));
    spend(&mut db, &call("gone", "src/old.rs", AnalysisType::Docs), 500_000, now);
    drop(reserved(&mut db, &call(&id, "src/crash.rs", AnalysisType::Docs), 7_000_000, now));
    let in_flight = agent.json(["budget", "status"]);
    assert_eq!(in_flight["reserved_usd"], json!(0.007), "{in_flight}");
    budget::settle_dead(&mut db, |_, _| None, now).unwrap();

    let history = agent.json(["budget", "history", "--days", "4"]);
    let spent = |list: &str| -> Vec<f64> {
        history[list].as_array().unwrap().iter().map(|group| group["spent_usd"].as_f64().unwrap()).collect()
    };
    assert_eq!(history["total"]["spent_usd"], json!(0.0105), "{history}");
    assert_eq!(history["total"]["crashed"], json!(1), "{history}");
    assert_eq!(spent("days"), [0.0, 0.003, 0.0, 0.0075], "{history}");
    assert_eq!(spent("repos"), [0.01, 0.0005], "{history}");
    assert_eq!(history["repos"][0]["name"].as_str(), repo.path().canonicalize().unwrap().to_str(), "{history}");
    assert_eq!(history["repos"][1]["name"], json!("gone (unregistered)"), "money stays spent: {history}");
    assert_eq!(spent("types"), [0.0095, 0.001], "{history}");
    assert_eq!((&history["models"][0]["name"], &history["models"][0]["calls"]), (&json!("grok-4.1-fast"), &json!(4)));
    assert_eq!(history["commits"][0]["commit"].as_str().map(str::len), Some(40), "{history}");
    let crashed = &history["crashed"][0];
    assert_eq!(crashed["outcome"], json!("worst-case-after-crash"), "{history}");
    assert_eq!((&crashed["path"], &crashed["cost_usd"]), (&json!("src/crash.rs"), &json!(0.007)), "{history}");

    let text = agent.ok(["budget", "history", "--days", "4"]);
    let chart: Vec<&str> = text.lines().take(4).collect();
    assert!(chart[3].len() == 80 && chart[3].ends_with("##"), "the dearest day fills the line: {text}");
    assert_eq!(chart.iter().map(|line| line.contains('#')).collect::<Vec<_>>(), [false, true, false, true], "{text}");
    for words in ["worst-case-after-crash", "by commit", "abababababab"] {
        assert!(text.contains(words), "{words}: {text}");
    }

    let status = agent.json(["budget", "status"]);
    assert_eq!(status["mean_of_files"], json!(3), "{status}");
    assert_eq!(status["mean_usd_per_file"], json!(0.0035), "{status}");
    assert!(status["files_remaining"].as_u64().unwrap() > 800, "{status}");
}

#[test]
fn f59_parked_jobs_run_again_when_the_limit_is_raised() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files([("src/lib.rs", "pub fn one() {}\n")]);
    agent.start();
    agent.ok(["queue", "pause"]);
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    let db = ledger(&agent);
    // as `park` leaves them, but in one step: what is claimed, a worker that starts would take for a dead one's
    let turn = clock::now().plus_millis(HOUR);
    let sql = "UPDATE jobs SET state = 'parked', parked_for = ?1, not_before = ?2, detail = 'the limit' WHERE state = 'queued'";
    assert_eq!(db.execute(sql, params![ParkCause::Budget.as_str(), turn.0]).unwrap(), 4);
    agent.ok(["queue", "resume"]);
    agent.wait();
    let status = agent.json(["budget", "status"]);
    assert_eq!((&status["parked"], &status["resumes_at"]), (&json!(4), &json!(turn.to_rfc3339())), "{status}");
    let pid = agent.daemon_pid();
    let said = agent.ok(["budget", "set", "--monthly", "4"]);
    assert!(said.contains("$4.00 a month") && said.contains("4 parked job(s) run again"), "{said}");
    agent.wait();
    let queue = &agent.json(["status"])["queue"];
    assert_eq!((&queue["parked"], &queue["done"]), (&json!(0), &json!(4)), "{queue}");
    assert_eq!(agent.daemon_pid(), pid);
    let limits = budget::noted_limits(&db).unwrap();
    assert_eq!(limits, Some(SpendingLimits { monthly: 4_000_000_000, daily: None }), "in force for a worker that runs");
}

#[test]
fn a_limit_that_is_edited_by_hand_holds_within_a_poll() {
    let mut agent = TestAgent::without_model();
    let config = |monthly| format!("[budget]\nmonthly_usd = {monthly}\n[watch]\npoll_secs = 1\n");
    agent.write_config(&config("3"));
    agent.start();
    let db = ledger(&agent);
    for (written, nano) in [("0.5", 500_000_000), ("7", 7_000_000_000)] {
        agent.write_config(&config(written));
        wait_until(Duration::from_secs(20), "the edited limit is in force", || {
            budget::noted_limits(&db).unwrap() == Some(SpendingLimits { monthly: nano, daily: None })
        });
    }
    // what cannot be read changes nothing, and the daemon lives
    agent.write_config("[budget\n");
    assert_eq!(agent.run(["budget", "status"]).code, Some(1));
    agent.write_config(&config("7"));
    assert_eq!(agent.json(["status"])["daemon"]["pid"], json!(agent.daemon_pid()));
}

#[test]
fn f62_a_ledger_moved_away_stops_spending_until_a_limit_is_set() {
    let agent = TestAgent::without_model();
    agent.ok(["budget", "set", "--monthly", "3"]);
    spend(&mut ledger(&agent), &call("r", "a.rs", AnalysisType::Docs), 1_000, clock::now());
    std::fs::write(agent.home().join("agent.db"), b"this is no database, it only stands where one was").unwrap();
    for name in ["agent.db-wal", "agent.db-shm"] {
        let _ = std::fs::remove_file(agent.home().join(name));
    }
    let output = agent.run(["budget", "status"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("agent.db") && output.stderr.contains("move it away"), "{output:?}");

    std::fs::rename(agent.home().join("agent.db"), agent.home().join("damaged.db")).unwrap();
    let one = call("r", "b.rs", AnalysisType::Docs);
    let refused = |db: &mut Connection| matches!(reserve(db, &one, 1, clock::now()), Grant::Refused(_));
    assert!(refused(&mut ledger(&agent)));
    assert!(agent.ok(["budget", "status"]).contains("stopped"), "it is reported");
    let config = agent.config();
    agent.write_config(&format!("{config}[llm]\nprovider = \"ollama\"\nmodel = \"m\"\n"));
    let doctor = agent.run(["doctor"]).stdout;
    assert!(doctor.contains("spending is stopped") && doctor.contains("budget set --monthly"), "{doctor}");
    agent.ok(["budget", "set", "--daily", "0.1"]);
    assert!(refused(&mut ledger(&agent)), "a daily limit says nothing of the month");
    agent.ok(["budget", "set", "--monthly", "1"]);
    assert!(!refused(&mut ledger(&agent)));
    assert_eq!(agent.json(["budget", "status"])["stopped"], json!(null));
}

#[test]
fn a_model_without_a_price_is_told_with_the_lines_to_add() {
    let agent = TestAgent::without_model();
    let llm = "[llm]\nprovider = \"custom\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"vendor/new-1.5\"\n";
    agent.write_config(llm);
    let text = agent.ok(["budget", "status"]);
    let lines = &text[text.find("[llm.prices").unwrap()..];
    agent.write_config(&format!("{llm}{}", lines.replace("0.00", "1.25")));
    let text = agent.ok(["budget", "status"]);
    assert!(text.contains("vendor/new-1.5: $1.25 a million tokens read ($1.25 cached), $1.25 written"), "{text}");
}
