//! A provider that is down, in a hurry, or does not know its user: local work goes on, nothing is lost, and retries end.

use std::time::Duration;

use serde_json::json;

use crate::support::asking::{Asking, CODE_FILES, QUESTIONS, REQUESTS};
use crate::support::llm_server::Script;
use crate::support::{TestRepo, wait_until};

/// Requests on their way at the same time, by default.
const PLACES: usize = 2;

#[test]
fn f58_an_outage_parks_questions_until_the_provider_is_back() {
    let mut asking = Asking::scripted("3.00", |server| server.otherwise(Script::status(503, "overloaded")));
    asking.wait();
    let knocks = asking.server.requests().len();
    assert!((5..=5 + PLACES).contains(&knocks), "{knocks}");
    asking.assert_fresh();
    let status = asking.status();
    assert_eq!((&status["parked"][0]["cause"], &status["queue"]["parked"]), (&json!("provider"), &json!(QUESTIONS)));
    assert!(status["parked"][0]["reason"].as_str().unwrap().contains("503"), "{status}");
    assert_eq!(asking.booked_nano(), 0, "a 503 says that nothing was made");

    asking.server.otherwise(Script::fair());
    asking.agent.stop();
    asking.agent.start();
    assert_eq!(asking.settle().len(), REQUESTS);
    assert_eq!(asking.counted(), (CODE_FILES, CODE_FILES));
}

/// All that is asked is one request, which would be given up before the outage is plain.
#[test]
fn an_outage_gives_up_no_lone_question() {
    let repo = TestRepo::with_files([
        ("Cargo.toml", "[package]\nname = \"lone\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        ("src/lib.rs", "pub fn one() -> u8 {\n    1\n}\n"),
    ]);
    let mut asking = Asking::about(repo, "3.00", "", |server| server.otherwise(Script::status(503, "overloaded")));
    asking.wait();
    let status = asking.status();
    assert_eq!((&status["queue"]["parked"], &status["queue"]["discarded"]), (&json!(4), &json!(0)), "{status}");
    assert_eq!(status["parked"][0]["cause"], json!("provider"));
    asking.server.otherwise(Script::fair());
    asking.agent.stop();
    asking.agent.start();
    asking.wait();
    assert_eq!(asking.counted(), (1, 1));
}

#[test]
fn an_outage_that_may_have_cost_something_is_booked() {
    let asking = Asking::scripted("3.00", |server| server.otherwise(Script::billed_status(500)));
    asking.wait();
    assert!(asking.server.billed_nano() > 0);
    assert!(asking.server.billed_nano() <= asking.booked_nano());
    asking.assert_fresh();
}

#[test]
fn a_passing_failure_of_each_kind_is_retried() {
    let failures =
        [Script::Half, Script::Reset, Script::Raw("not json".to_owned()), Script::status(502, "bad gateway")];
    for failure in failures {
        let shown = format!("{failure:?}");
        let asking = Asking::scripted("3.00", |server| server.script([failure]));
        asking.wait();
        assert_eq!(asking.counted(), (CODE_FILES, CODE_FILES), "{shown}");
        assert_eq!(asking.server.requests().len(), REQUESTS + 1, "{shown}");
        assert!(asking.server.billed_nano() <= asking.booked_nano(), "{shown}");
    }
}

#[test]
fn nothing_is_sent_before_the_time_that_the_provider_names() {
    let mut asking = Asking::scripted("3.00", |server| server.otherwise(Script::rate_limited("3600")));
    wait_until(Duration::from_secs(60), "it was asked", || !asking.server.requests().is_empty());
    let waits = |asking: &Asking| asking.agent.run(["wait", "--timeout", "2s"]).code;
    assert_eq!(waits(&asking), Some(1), "questions that wait for their turn are waited for");
    let knocks = asking.server.requests().len();
    assert!(knocks <= PLACES, "{knocks}");
    asking.assert_fresh();
    asking.server.otherwise(Script::fair());
    asking.agent.stop();
    asking.agent.start();
    assert_eq!(waits(&asking), Some(1));
    assert_eq!(asking.server.requests().len(), knocks);

    asking.agent.shift_clock(Duration::from_secs(3_602));
    assert_eq!(asking.settle().len(), knocks + REQUESTS);
    assert_eq!(asking.counted(), (CODE_FILES, CODE_FILES));
    assert_eq!(asking.booked_nano(), asking.server.billed_nano(), "a 429 costs nothing");
}

#[test]
fn a_rejected_key_is_tried_once_and_reported_with_a_way_out() {
    let mut asking = Asking::scripted("3.00", |server| server.otherwise(Script::status(401, "invalid api key")));
    asking.wait();
    assert!(asking.server.requests().len() <= PLACES);
    let status = asking.status();
    assert_eq!((&status["parked"][0]["cause"], &status["queue"]["parked"]), (&json!("setup"), &json!(QUESTIONS)));
    assert!(status["parked"][0]["reason"].as_str().unwrap().contains("api_key_env"), "{status}");
    asking.assert_fresh();
    asking.server.otherwise(Script::fair());
    asking.agent.stop();
    asking.agent.start();
    assert_eq!(asking.settle().len(), REQUESTS);
}

#[test]
fn a_price_or_a_key_that_is_missing_is_told_and_nothing_is_sent() {
    for (from, to, printed) in [
        ("[llm.prices.scripted]", "[llm.prices.another]", "[llm.prices.\"scripted\"]"),
        ("model = ", "api_key_env = \"NO_SUCH_KEY\"\nmodel = ", "NO_SUCH_KEY"),
    ] {
        let mut asking = Asking::scripted("3.00", |_| {});
        asking.agent.stop();
        let before = asking.server.requests().len();
        let config = asking.agent.config();
        assert!(config.contains(from), "{config}");
        asking.agent.write_config(&config.replacen(from, to, 1));
        asking.agent.start();
        asking.repo.edit("src/words.rs", "count()", "count() + 1");
        asking.repo.commit("one more");
        asking.wait();
        assert_eq!(asking.server.requests().len(), before, "{printed}");
        let reason = asking.status()["parked"][0]["reason"].to_string();
        assert!(reason.replace("\\\"", "\"").contains(printed), "{reason}");
        asking.assert_fresh();
    }
}

#[test]
fn a_server_that_knows_less_is_asked_in_its_own_way() {
    let asking = Asking::scripted("3.00", |server| {
        server.refuse("json_object");
        server.refuse("temperature");
    });
    asking.wait();
    assert_eq!(asking.counted(), (CODE_FILES, CODE_FILES));
    let refused = asking.server.requests().len() - REQUESTS;
    assert!((1..=3 * PLACES).contains(&refused), "{refused}");
    assert_eq!(asking.booked_nano(), asking.server.billed_nano());
}

#[test]
fn a_worker_that_stops_applies_the_replies_on_their_way() {
    let mut asking = Asking::scripted("3.00", |server| server.otherwise(Script::after(Duration::from_millis(300))));
    wait_until(Duration::from_secs(60), "it was asked", || !asking.server.requests().is_empty());
    asking.agent.stop();
    assert_eq!(asking.ledger("SELECT count(*) FROM ledger WHERE closed_at IS NULL"), 0);
    assert_eq!(asking.booked_nano(), asking.server.billed_nano());
    let stored = asking.stored("SELECT count(*) FROM file_analysis WHERE cost > 0");
    assert_eq!(stored, 4 * asking.server.requests().len() as u64, "each reply has four answers");
}
