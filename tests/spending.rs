//! The person pays at most what was set, whatever crashes, races or lies.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::parts::saying;
use crate::support::asking::{Asking, CODE_FILES, QUESTIONS, REQUESTS};
use crate::support::llm_server::{Reported, Script};
use crate::support::{Random, TestRepo, number_from_environment, wait_until};

/// Room for the worst cases of a few requests.
const FEW_QUESTIONS_USD: &str = "0.006";
const FEW_QUESTIONS_NANO: u64 = 6_000_000;

const LONGEST_TURN: Duration = Duration::from_secs(60);

#[test]
fn f59_a_used_up_budget_parks_the_rest_until_it_is_raised() {
    let asking = Asking::scripted(FEW_QUESTIONS_USD, |server| server.otherwise(Script::reporting(Reported::Absent)));
    asking.wait();
    let sent = asking.server.requests();
    assert!(!sent.is_empty() && sent.len() < REQUESTS, "{}", sent.len());
    assert!(asking.booked_nano() <= FEW_QUESTIONS_NANO, "each was charged its reservation");
    assert!(sent[0].body.contains("The root of it all"), "the crate's root is the most urgent");
    asking.assert_fresh();
    let status = asking.status();
    let parked = &status["parked"][0];
    assert_eq!((&parked["cause"], &parked["jobs"]), (&json!("budget"), &json!(QUESTIONS - 4 * sent.len())), "{status}");
    assert!(parked["until"].as_str().unwrap().ends_with("-01T00:00:00Z"), "the month turns: {parked}");
    let build = asking.agent.run(["cache", "build", asking.path()]);
    assert_eq!(build.code, Some(5), "{build:?}");

    asking.server.otherwise(Script::fair());
    asking.agent.ok(["budget", "set", "--monthly", "3.00"]);
    assert_eq!(asking.settle().len(), REQUESTS - sent.len());
    assert_eq!(asking.counted(), (CODE_FILES, CODE_FILES));
    assert_eq!(asking.status()["parked"], json!([]));
}

#[test]
fn a_question_dearer_than_the_whole_limit_waits_alone() {
    let large = format!("pub mod small;\n{}", "// a line of a file that is far too long for the limit\n".repeat(800));
    let repo = TestRepo::with_files([
        ("Cargo.toml", "[package]\nname = \"large\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        ("src/lib.rs", large.as_str()),
        ("src/small.rs", "pub fn one() -> u8 {\n    1\n}\n"),
    ]);
    let asking = Asking::about(repo, "0.008", "", |_| {});
    asking.wait();
    assert_eq!(asking.server.requests().len(), 1, "the small file, though the root comes first");
    let parked = asking.status()["parked"].clone();
    let entries = parked.as_array().unwrap();
    assert!(entries.iter().all(|entry| entry["cause"] == "budget"), "{parked}");
    assert_eq!(entries.iter().map(|entry| entry["jobs"].as_u64().unwrap()).sum::<u64>(), 4, "{parked}");
    asking.agent.ok(["budget", "set", "--monthly", "3.00"]);
    assert_eq!(asking.settle().len(), 1);
}

#[test]
fn what_is_reserved_in_vain_is_there_for_the_next_question() {
    // Worst cases are several times the true cost: were each counted for good, this would do for some of the questions only.
    let asking = Asking::begin(FEW_QUESTIONS_USD, "");
    asking.wait();
    assert_eq!(asking.server.requests().len(), REQUESTS);
    assert_eq!(asking.booked_nano(), asking.server.billed_nano());
    assert!(asking.booked_nano() <= FEW_QUESTIONS_NANO);
}

#[test]
fn the_turn_of_the_month_lets_parked_questions_go_on() {
    let asking = Asking::scripted(FEW_QUESTIONS_USD, |server| server.otherwise(Script::reporting(Reported::Absent)));
    asking.wait();
    let before = asking.server.requests().len();
    assert!(before < REQUESTS);
    asking.agent.shift_clock(Duration::from_secs(32 * 24 * 3_600));
    wait_until(LONGEST_TURN, "more was asked in the new month", || asking.server.requests().len() > before);
    asking.wait();
    let months = asking.ledger("SELECT count(DISTINCT strftime('%Y-%m', reserved_at / 1000, 'unixepoch')) FROM ledger");
    assert_eq!(months, 2);
    let most = "SELECT max(spent) FROM (SELECT sum(coalesce(cost, reserved)) AS spent FROM ledger
                GROUP BY strftime('%Y-%m', reserved_at / 1000, 'unixepoch'))";
    assert!(asking.ledger(most) <= FEW_QUESTIONS_NANO);
}

#[test]
fn the_turn_of_the_day_does_it_too() {
    let asking = Asking::scripted("3.00\ndaily_usd = 0.006", |server| {
        server.otherwise(Script::reporting(Reported::Absent));
    });
    asking.wait();
    let before = asking.server.requests().len();
    assert!(before < REQUESTS);
    assert!(asking.booked_nano() <= FEW_QUESTIONS_NANO);
    asking.agent.shift_clock(Duration::from_secs(24 * 3_600));
    wait_until(LONGEST_TURN, "more was asked on the new day", || asking.server.requests().len() > before);
}

#[test]
fn an_impossible_usage_is_charged_the_reservation() {
    for (usage, believed) in
        [(Reported::Absent, false), (Reported::Zero, false), (Reported::Tiny, false), (Reported::Huge, true)]
    {
        let shown = format!("{usage:?}");
        let asking = Asking::scripted("3.00", |server| server.otherwise(Script::reporting(usage)));
        asking.wait();
        let outcome = if believed { "reported" } else { "unreported" };
        let booked = asking.ledger(&format!("SELECT count(*) FROM ledger WHERE outcome = '{outcome}'"));
        assert_eq!(booked, 4 * asking.server.requests().len() as u64, "{shown}");
        assert!(asking.server.billed_nano() <= asking.booked_nano(), "{shown}");
        let above = asking.ledger("SELECT count(*) FROM ledger WHERE cost > reserved");
        assert_eq!(above > 0, believed, "{shown}");
    }
}

#[test]
fn a_dry_run_sends_nothing_and_an_expired_entry_is_paid_again() {
    let asking = Asking::answered();
    let (requests, paid) = (asking.server.requests().len(), asking.booked_nano());
    let nothing = asking.agent.json(["cache", "build", asking.path(), "--dry-run"]);
    assert_eq!((&nothing["files"], &nothing["asked"], &nothing["cost_usd"]), (&json!(0), &json!(0), &json!(0.0)));
    let young = asking.agent.json(["cache", "sync", asking.path()]);
    assert_eq!(young["asked"], json!(0), "nothing is a week old: {young}");

    asking.agent.shift_clock(Duration::from_secs(8 * 24 * 3_600));
    let sync = ["cache", "sync", asking.path(), "--types", "docs", "--stale-after", "7d"];
    let quote = asking.agent.json([&sync[..], &["--dry-run"]].concat());
    assert_eq!((&quote["asked"], &quote["done"]), (&json!(CODE_FILES), &json!(null)), "{quote}");
    assert!(quote["cost_usd"].as_f64().unwrap() > 0.0 && quote["input_tokens"].as_u64().unwrap() > 0, "{quote}");
    assert_eq!(asking.server.requests().len(), requests);

    let entries = asking.stored("SELECT count(*) FROM file_analysis");
    asking.agent.ok(sync);
    assert_eq!(asking.settle().len() as u64, CODE_FILES);
    assert_eq!(asking.stored("SELECT count(*) FROM file_analysis"), entries, "replaced, not added");
    let billed = (asking.booked_nano() - paid) as f64 / 1e9;
    assert_near(quote["cost_usd"].as_f64().unwrap(), billed);
    assert_eq!(asking.stored("SELECT sum(cost) FROM file_analysis"), asking.booked_nano(), "the cost adds up");
    let again = asking.agent.json([&sync[..], &["--dry-run"]].concat());
    assert_eq!(again["asked"], json!(0), "they are young again: {again}");
}

/// A forecast holds if it is at most a fifth off.
#[track_caller]
fn assert_near(forecast: f64, billed: f64) {
    assert!((forecast - billed).abs() <= billed / 5.0, "{forecast} was forecast, {billed} billed");
}

#[test]
fn a_forecast_before_registering_is_near_the_bill() {
    let function =
        |n: u32| format!("/// Number {n}.\npub fn number_{n}(of: u32) -> u32 {{\n    of.wrapping_mul({n})\n}}\n\n");
    let text: String = (0..30).map(function).collect();
    let repo = TestRepo::with_files([
        ("Cargo.toml", "[package]\nname = \"near\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        ("README.md", "# Near\n"),
        ("src/lib.rs", "pub mod few;\npub mod many;\n"),
        ("src/few.rs", "use crate::many::number_1;\n\npub fn few() -> u32 {\n    number_1(3)\n}\n"),
        ("src/many.rs", text.as_str()),
        ("tests/fixtures/sample.rs", text.as_str()),
    ]);
    let asking = Asking::about(repo, "3.00", "", |_| {});
    asking.wait();
    let forecast = asking.agent.json(["register", asking.path(), "--dry-run"]);
    assert_eq!(forecast["requests"], json!(3), "the sample is not asked about: {forecast}");
    assert_eq!(asking.server.requests().len(), 3);
    assert_near(forecast["estimated_usd"].as_f64().unwrap(), asking.server.billed_nano() as f64 / 1e9);
    let sample = asking.repo.path().join("tests/fixtures/sample.rs");
    let shown = asking.agent.ok(["show", sample.to_str().unwrap()]);
    assert!(shown.contains("no model is asked about it") && shown.contains("[privacy] withhold"), "{shown}");
}

/// Files of this program, of half a kilobyte to nine, with answers of some 30 tokens and of some 150.
#[test]
fn a_forecast_holds_for_short_and_for_long_answers() {
    let long = saying(&"what is wrong here and what to do ".repeat(2), &[1, 1, 1, 1, 1]);
    for script in [Script::fair(), Script::saying(&long)] {
        let repo = TestRepo::with_files([("Cargo.toml", "[package]\nname = \"own\"\nversion = \"0.1.0\"\n")]);
        for folder in ["budget", "plan", "cache"] {
            let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder)).unwrap();
            for file in files.map(|file| file.unwrap().path()).filter(|file| file.is_file()) {
                let name = format!("src/{folder}/{}", file.file_name().unwrap().to_str().unwrap());
                repo.write(&name, std::fs::read_to_string(&file).unwrap());
            }
        }
        let plan = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan.rs")).unwrap();
        repo.write("src/plan.rs", plan);
        repo.write("src/lib.rs", "pub mod budget;\npub mod cache;\npub mod plan;\n");
        // Of two that are the same one is asked about.
        for name in ["src/spare/one.rs", "src/spare/two.rs"] {
            repo.write(name, "pub fn spare(of: u32) -> u32 {\n    of + 1\n}\n");
        }
        repo.commit("some of this program");
        let asking = Asking::about(repo, "3.00", "", |server| server.otherwise(script.clone()));
        let forecast = asking.agent.json(["register", asking.path(), "--dry-run"]);
        asking.wait();
        assert_eq!(json!(asking.server.requests().len()), forecast["requests"], "{forecast}");
        assert_near(forecast["estimated_usd"].as_f64().unwrap(), asking.server.billed_nano() as f64 / 1e9);
    }
}

#[test]
fn cache_build_asks_for_the_most_urgent_files_first() {
    let asking = Asking::scripted("0.0001", |_| {});
    asking.wait();
    assert!(asking.server.requests().is_empty(), "not even one question can be paid for");
    let quote =
        asking.agent.json(["cache", "build", asking.path(), "--types", "docs,todos", "--max-files", "2", "--dry-run"]);
    assert_eq!((&quote["files"], &quote["asked"]), (&json!(2), &json!(4)), "{quote}");
    let build = asking.agent.run(["cache", "build", asking.path(), "--max-files", "2", "--priority", "high"]);
    assert_eq!(build.code, Some(5), "{build:?}");
    let unknown = asking.agent.run(["cache", "build", "/nowhere"]);
    assert_eq!(unknown.code, Some(4), "{unknown:?}");
    let usage = asking.agent.run(["cache", "build", asking.path(), "--types", "poems"]);
    assert_eq!(usage.code, Some(2), "{usage:?}");
}

/// Killed at any step of a call. `RA_AGENT_ASK_KILLS` sets how often.
#[test]
fn f52_a_killed_worker_pays_for_no_key_twice() {
    const PLACES: usize = 2;
    let kills = number_from_environment("RA_AGENT_ASK_KILLS").unwrap_or(6);
    let mut random = Random::from_environment();
    let asking = Asking::scripted("1000.00", |server| server.otherwise(Script::after(Duration::from_millis(15))));
    asking.wait();
    let mut killed = 0;
    for round in 0..kills {
        for file in ["limits", "report", "retry", "words"] {
            asking.repo.edit(&format!("src/{file}.rs"), "pub fn", &format!("/// Round {round}.\npub fn"));
        }
        asking.repo.commit("another round");
        std::thread::sleep(Duration::from_millis(random.below(900)));
        killed += usize::from(asking.agent.kill9_worker());
        assert!(asking.server.billed_nano() <= asking.booked_nano(), "round {round}");
    }
    asking.wait();
    assert_eq!(asking.counted(), (CODE_FILES, CODE_FILES));
    assert_eq!(asking.ledger("SELECT count(*) FROM ledger WHERE closed_at IS NULL"), 0);
    assert!(asking.server.billed_nano() <= asking.booked_nano());
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for request in asking.server.requests() {
        *times.entry(request.body).or_default() += 1;
    }
    let again: usize = times.values().map(|times| times - 1).sum();
    assert!(again <= killed * PLACES, "{again} asked again after {killed} kills");
    asking.agent.assert_sound();
}
