mod after_crash;
mod failing_closed;
mod many;
mod reading;

use std::path::Path;

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::ledger::Sums;
use super::*;
use crate::clock::Timestamp;
use crate::domain::{AnalysisType, FilePath, Hash, ObjectId, RepoId};
use crate::store::{Database, open_reader, open_writer, write};

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<DateTime<Utc>>().unwrap().timestamp_millis())
}

/// A ledger in use.
fn ledger() -> (tempfile::TempDir, Connection) {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    (dir, db)
}

fn open(home: &Path) -> Connection {
    let mut db = open_writer(&home.join("agent.db"), Database::Agent).unwrap();
    take_up(&mut db, &home.join("ledger.seal")).unwrap();
    db
}

fn call(name: u64) -> Call {
    Call {
        repo: RepoId("r".to_owned()),
        cache_key: Hash::of(&name.to_le_bytes()),
        path: FilePath::from(format!("src/{name}.rs").as_str()),
        purpose: CallPurpose::Answer(AnalysisType::Docs),
        model_id: "m".to_owned(),
        commit: Some(ObjectId(vec![7; 20])),
    }
}

#[track_caller]
fn granted(db: &mut Connection, limits: &SpendingLimits, call: &Call, worst_case: u64, now: Timestamp) -> Reservation {
    match reserve(db, limits, call, worst_case, now).unwrap() {
        Grant::Reserved(reservation) => reservation,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(db: &mut Connection, limits: &SpendingLimits, call: &Call, worst_case: u64, now: Timestamp) -> Refusal {
    match reserve(db, limits, call, worst_case, now).unwrap() {
        Grant::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn close(db: &mut Connection, reservation: &Reservation, charge: &Charge, now: Timestamp) -> BudgetResult<Settled> {
    let tx = write(db).unwrap();
    let settled = settle(&tx, reservation, charge, now)?;
    tx.commit().unwrap();
    Ok(settled)
}

fn reported(cost: u64) -> Charge {
    Charge::Reported { usage: Usage { input: 10, output: 5, ..Usage::default() }, cost }
}

fn unreported() -> Charge {
    Charge::Unreported { reason: "the connection was reset".to_owned() }
}

fn month(db: &Connection, now: Timestamp) -> (u64, u64) {
    let Sums { spent, reserved } = Sums::since(db, month_start(now)).unwrap();
    (spent, reserved)
}

const NO_LIMIT: SpendingLimits = SpendingLimits { monthly: u64::MAX, daily: None };
const NOW: &str = "2026-11-22T12:00:00Z";

#[test]
fn a_call_is_reserved_at_its_worst_and_booked_at_what_it_cost() {
    let (_dir, mut db) = ledger();
    let now = at(NOW);
    let first = granted(&mut db, &NO_LIMIT, &call(1), 1_000, now);
    assert_eq!((first.attempt, month(&db, now)), (1, (0, 1_000)));
    let settled = close(&mut db, &first, &reported(123), now).unwrap();
    assert_eq!(settled, Settled { cost: 123, outcome: EntryOutcome::Reported });
    assert_eq!(month(&db, now), (123, 0));
    let repair = granted(&mut db, &NO_LIMIT, &call(1), 1_000, now);
    assert_eq!(repair.attempt, 2, "each request for a key has its own name");
    assert_eq!(close(&mut db, &repair, &reported(5_000), now).unwrap().cost, 5_000, "more than was reserved is booked");
    let lost = granted(&mut db, &NO_LIMIT, &call(2), 700, now);
    assert_eq!(
        close(&mut db, &lost, &unreported(), now).unwrap(),
        Settled { cost: 700, outcome: EntryOutcome::Unreported }
    );
    assert_eq!(month(&db, now), (5_823, 0));
}

#[test]
fn a_usage_of_nothing_is_charged_at_the_reservation() {
    let (_dir, mut db) = ledger();
    for (name, usage) in [(1, Usage { output: 5, ..Usage::default() }), (2, Usage { input: 5, ..Usage::default() })] {
        let reservation = granted(&mut db, &NO_LIMIT, &call(name), 900, at(NOW));
        let settled = close(&mut db, &reservation, &Charge::Reported { usage, cost: 1 }, at(NOW)).unwrap();
        assert_eq!(settled, Settled { cost: 900, outcome: EntryOutcome::Unreported });
    }
}

#[test]
fn an_entry_is_closed_once_and_never_forgotten() {
    let (_dir, mut db) = ledger();
    let now = at(NOW);
    let reservation = granted(&mut db, &NO_LIMIT, &call(1), 1_000, now);
    close(&mut db, &reservation, &reported(1), now).unwrap();
    assert!(matches!(close(&mut db, &reservation, &reported(0), now), Err(BudgetError::NotOpen(_))));
    let tx = write(&mut db).unwrap();
    assert!(matches!(release(&tx, &reservation, "refused", now), Err(BudgetError::NotOpen(_))));
    drop(tx);
    assert!(db.execute("DELETE FROM ledger", []).unwrap_err().to_string().contains("forgets nothing"));
    assert!(db.execute("UPDATE ledger SET cost = 0", []).unwrap_err().to_string().contains("closed"));
    assert_eq!(month(&db, now), (1, 0));
}

#[test]
fn what_was_certainly_not_sent_is_given_back() {
    let (_dir, mut db) = ledger();
    let limits = SpendingLimits { monthly: 1_000, daily: None };
    let reservation = granted(&mut db, &limits, &call(1), 1_000, at(NOW));
    refused(&mut db, &limits, &call(2), 1, at(NOW));
    let tx = write(&mut db).unwrap();
    let settled = release(&tx, &reservation, "the connection was refused", at(NOW)).unwrap();
    tx.commit().unwrap();
    assert_eq!(settled, Settled { cost: 0, outcome: EntryOutcome::Released });
    drop(granted(&mut db, &limits, &call(2), 1_000, at(NOW)));
}

#[test]
fn a_settlement_is_rolled_back_with_its_transaction() {
    let (_dir, mut db) = ledger();
    let reservation = granted(&mut db, &NO_LIMIT, &call(1), 1_000, at(NOW));
    let tx = write(&mut db).unwrap();
    settle(&tx, &reservation, &reported(1), at(NOW)).unwrap();
    drop(tx);
    assert_eq!(month(&db, at(NOW)), (0, 1_000), "the job was not closed, so neither is the entry");
    close(&mut db, &reservation, &reported(1), at(NOW)).unwrap();
}

#[test]
fn f59_the_last_nano_dollar_may_be_spent_and_no_more() {
    let (_dir, mut db) = ledger();
    let limits = SpendingLimits { monthly: 3_000_000_000, daily: None };
    let big = granted(&mut db, &limits, &call(1), 2_999_999_999, at(NOW));
    drop(granted(&mut db, &limits, &call(2), 1, at(NOW)));
    let refusal = refused(&mut db, &limits, &call(3), 1, at(NOW));
    let Refusal::OverLimit { which, limit, spent, reserved, asked, resumes_at } = refusal.clone() else {
        panic!("{refusal:?}")
    };
    assert_eq!((which, limit, spent, reserved, asked), (Period::Month, 3_000_000_000, 0, 3_000_000_000, 1));
    assert_eq!(resumes_at, Some(at("2026-12-01T00:00:00Z")));
    for word in ["month", "$3.00", "$0.000000001", "2026-12-01T00:00:00Z", "budget set --monthly"] {
        assert!(refusal.to_string().contains(word), "{refusal} lacks {word}");
    }
    close(&mut db, &big, &reported(1_000_000_000), at(NOW)).unwrap();
    drop(granted(&mut db, &limits, &call(3), 1_999_999_999, at(NOW)));
    refused(&mut db, &limits, &call(4), 1, at(NOW));
}

#[test]
fn daily_and_monthly_limits_reset_with_day_and_month() {
    let (_dir, mut db) = ledger();
    let limits = SpendingLimits { monthly: 100, daily: Some(40) };
    let spend = |db: &mut Connection, name, now| {
        let reservation = granted(db, &limits, &call(name), 40, at(now));
        close(db, &reservation, &reported(40), at(now)).unwrap();
    };
    spend(&mut db, 1, "2026-11-28T23:59:59.999Z");
    let refusal = refused(&mut db, &limits, &call(2), 1, at("2026-11-28T23:59:59.999Z"));
    assert_eq!(refusal.resumes_at(), Some(at("2026-11-29T00:00:00Z")));
    spend(&mut db, 2, "2026-11-29T00:00:00Z");
    // what is left of the month is less than a day's worth
    let refusal = refused(&mut db, &limits, &call(3), 21, at("2026-11-30T00:00:00Z"));
    assert!(matches!(refusal, Refusal::OverLimit { which: Period::Month, .. }), "{refusal:?}");
    assert_eq!(refusal.resumes_at(), Some(at("2026-12-01T00:00:00Z")));
    spend(&mut db, 3, "2026-12-01T00:00:00Z");
    assert_eq!(month(&db, at("2026-12-01T00:00:00Z")), (40, 0), "from the month's first instant on");
    let hopeless = refused(&mut db, &limits, &call(4), 41, at("2026-12-02T00:00:00Z"));
    assert_eq!(hopeless.resumes_at(), None, "no day is long enough for it");
}

#[test]
fn a_call_counts_in_the_month_in_which_it_was_reserved() {
    let (_dir, mut db) = ledger();
    let reservation = granted(&mut db, &NO_LIMIT, &call(1), 500, at("2026-11-30T23:59:59Z"));
    close(&mut db, &reservation, &reported(300), at("2026-12-01T00:00:05Z")).unwrap();
    assert_eq!(month(&db, at("2026-12-01T00:00:05Z")), (0, 0));
    assert_eq!(month(&db, at("2026-11-30T00:00:00Z")), (300, 0));
}

#[test]
fn a_clock_that_is_set_back_brings_no_spent_month_back() {
    let (_dir, mut db) = ledger();
    let limits = SpendingLimits { monthly: 100, daily: Some(100) };
    let reservation = granted(&mut db, &limits, &call(1), 100, at("2026-12-01T08:00:00Z"));
    close(&mut db, &reservation, &reported(100), at("2026-12-01T08:00:01Z")).unwrap();
    for earlier in ["2026-11-30T08:00:00Z", "1970-01-01T00:00:00Z"] {
        let refusal = refused(&mut db, &limits, &call(2), 1, at(earlier));
        assert_eq!(refusal.resumes_at(), Some(at("2027-01-01T00:00:00Z")), "{earlier}");
        assert_eq!(report(&db, &limits, at(earlier)).unwrap().month.name, "2026-12");
    }
    drop(granted(&mut db, &limits, &call(2), 100, at("2027-01-01T00:00:00Z")));
}

#[test]
fn a_month_that_was_closed_in_stays_when_the_clock_is_set_back() {
    let (_dir, mut db) = ledger();
    let reservation = granted(&mut db, &NO_LIMIT, &call(1), 500, at("2026-11-30T23:59:59Z"));
    close(&mut db, &reservation, &reported(300), at("2026-12-01T00:00:05Z")).unwrap();
    drop(granted(&mut db, &NO_LIMIT, &call(2), 70, at("2026-11-30T23:00:00Z")));
    assert_eq!(month(&db, at("2026-12-01T00:00:00Z")), (0, 70));
}

#[test]
fn free_calls_are_entered_whatever_the_limits_say() {
    let (_dir, mut db) = ledger();
    let nothing = SpendingLimits { monthly: 0, daily: Some(0) };
    let reservation = granted(&mut db, &nothing, &call(1), 0, at(NOW));
    close(&mut db, &reservation, &reported(0), at(NOW)).unwrap();
    refused(&mut db, &nothing, &call(2), 1, at(NOW));
    assert_eq!(history(&db, 1, at(NOW)).unwrap().total().input_tokens, 10, "its tokens are known");
}

#[test]
fn one_request_at_a_time_asks_for_a_key() {
    let (_dir, mut db) = ledger();
    let now = at(NOW);
    let reservation = granted(&mut db, &NO_LIMIT, &call(1), 10, now);
    let twin = Call { repo: RepoId("other".to_owned()), path: FilePath::from("copy.rs"), ..call(1) };
    assert_eq!(reserve(&mut db, &NO_LIMIT, &twin, 10, now).unwrap(), Grant::InFlight);
    close(&mut db, &reservation, &reported(1), now).unwrap();
    assert_eq!(granted(&mut db, &NO_LIMIT, &twin, 10, now).attempt, 1, "its first");
}

#[test]
fn absurd_numbers_stop_spending_and_break_nothing() {
    let (_dir, mut db) = ledger();
    let now = at(NOW);
    let limits = SpendingLimits { monthly: 1_000_000_000_000_000, daily: None };
    assert_eq!(refused(&mut db, &limits, &call(1), u64::MAX, now).resumes_at(), None);
    for name in 2..6 {
        let reservation = granted(&mut db, &NO_LIMIT, &call(name), 1, now);
        let usage = Usage {
            input: u64::MAX,
            cached_input: u64::MAX,
            output: u64::MAX,
            reasoning: u64::MAX,
            ..Usage::default()
        };
        let booked = close(&mut db, &reservation, &Charge::Reported { usage, cost: u64::MAX }, now).unwrap();
        assert_eq!(booked.cost, i64::MAX as u64);
        assert!(matches!(reserve(&mut db, &limits, &call(9), 1, now).unwrap(), Grant::Refused(_)));
    }
    let sums = month(&db, now);
    assert_eq!(sums, (u64::MAX, 0), "four times 2^63 - 1, reported as the largest number there is");
    assert_eq!(report(&db, &limits, now).unwrap().month.remaining(), Some(0));
    assert_eq!(history(&db, 30, now).unwrap().total().spent, u64::MAX);
}
