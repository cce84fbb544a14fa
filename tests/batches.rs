//! What no person waits for is asked in batches, for less: nothing is paid for twice, and no more than was set, whatever stops between.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::support::asking::{Asking, CODE_FILES, QUESTIONS};
use crate::support::llm_server::Script;
use crate::support::{Random, number_from_environment, wait_until};

const PROVIDERS: [&str; 3] = ["openai", "anthropic", "xai"];
const LONGEST: Duration = Duration::from_secs(240);

fn all_settled(asking: &Asking) -> bool {
    let is_settled = || asking.ledger("SELECT count(*) FROM ledger WHERE closed_at IS NULL") == 0;
    asking.counted() == (CODE_FILES, CODE_FILES) && is_settled()
}

/// No two lines ask the same.
fn assert_no_line_twice(asking: &Asking) {
    let lines = asking.server.batches(|batches| batches.lines());
    let different: BTreeSet<String> = lines.iter().map(|(_, request)| request.to_string()).collect();
    assert_eq!(different.len(), lines.len());
}

#[test]
fn the_first_index_goes_in_a_batch_and_a_commit_does_not() {
    for provider in PROVIDERS {
        let asking = Asking::batched(provider, |_| {});
        let forecast = asking.agent.json(["register", asking.path(), "--dry-run"])["batched_usd"].as_f64().unwrap();
        wait_until(LONGEST, "the batch is answered", || all_settled(&asking));
        assert_eq!(asking.server.requests().len(), 0, "{provider}: nothing was asked live");
        let billed = asking.server.billed_nano() as f64 / 1e9;
        assert!((forecast - billed).abs() <= billed / 5.0, "{provider}: {forecast} was forecast, {billed} billed");
        let lines = asking.server.batches(|batches| batches.lines());
        assert_eq!(lines.len() as u64, CODE_FILES, "{provider}: a line for each file");
        assert!(!lines[0].1.to_string().contains("cache_control"), "{provider}: nothing follows in a batch");
        assert_eq!(asking.booked_nano(), asking.server.billed_nano(), "{provider}");
        assert_eq!(asking.stored("SELECT sum(cost) FROM file_analysis"), asking.booked_nano(), "{provider}");
        let shown = asking.shown("src/limits.rs", "docs");
        assert_eq!(shown["result"]["summary"]["text"], json!("said by the model"), "{provider}: {shown}");

        asking.repo.edit("src/words.rs", "count()", "count() + 1");
        asking.repo.commit("one more");
        asking.wait();
        assert!(all_settled(&asking), "{provider}: a commit's questions are asked at once");
        assert_eq!(asking.server.requests().len(), 1, "{provider}");
        assert_eq!(asking.booked_nano(), asking.server.billed_nano(), "{provider}");
    }
}

#[test]
fn a_batch_goes_on_after_a_restart_even_if_its_name_was_lost() {
    for provider in PROVIDERS {
        let mut asking = Asking::batched(provider, |server| {
            server.batches(|batches| (batches.held, batches.loses_next_name) = (true, true));
        });
        wait_until(LONGEST, "the batch is there", || !asking.server.batches(|batches| batches.lines()).is_empty());
        wait_until(LONGEST, "its questions wait", || asking.status()["parked"][0]["cause"] == json!("batch"));
        asking.agent.stop();
        asking.agent.start();
        asking.wait();
        assert!(asking.booked_nano() > 0, "{provider}: what may be billed is reserved");
        asking.server.batches(|batches| batches.held = false);
        wait_until(LONGEST, "the batch is answered", || all_settled(&asking));
        assert_eq!(asking.booked_nano(), asking.server.billed_nano(), "{provider}");
        assert_no_line_twice(&asking);
        assert_eq!(asking.server.requests().len(), 0, "{provider}");
    }
}

#[test]
fn a_batch_whose_answers_nobody_wants_is_cancelled() {
    let asking = Asking::batched("openai", |server| server.batches(|batches| batches.held = true));
    wait_until(LONGEST, "the batch is there", || !asking.server.batches(|batches| batches.lines()).is_empty());
    for file in ["lib", "limits", "report", "retry", "words"] {
        let path = format!("src/{file}.rs");
        let text = std::fs::read_to_string(asking.repo.path().join(&path)).unwrap();
        asking.repo.write(&path, format!("{text}\n// Another word.\n"));
    }
    asking.repo.commit("all of it again");
    asking.wait();
    assert_eq!(asking.counted(), (CODE_FILES, CODE_FILES), "the commit is asked about at once");
    wait_until(LONGEST, "the batch is cancelled", || asking.server.batches(|batches| batches.cancelled()) == 1);
    let is_closed = || asking.ledger("SELECT count(*) FROM ledger WHERE closed_at IS NULL") == 0;
    wait_until(LONGEST, "the batch is closed", is_closed);
    assert_eq!(asking.booked_nano(), asking.server.billed_nano(), "what was not done costs nothing");
}

#[test]
fn a_line_that_fails_goes_in_the_next_batch() {
    let asking = Asking::batched("anthropic", |server| server.batches(|batches| batches.failing = vec!["-2".into()]));
    wait_until(LONGEST, "the batch is answered", || asking.counted().1 == CODE_FILES - 1);
    asking.server.batches(|batches| batches.failing.clear());
    wait_until(LONGEST, "the rest is answered", || all_settled(&asking));
    assert_eq!(asking.stored("SELECT count(*) FROM file_analysis WHERE cost > 0"), QUESTIONS as u64);
    assert_eq!(asking.booked_nano(), asking.server.billed_nano());
}

/// Killed between any two steps of a batch. `RA_AGENT_BATCH_KILLS` sets how often.
#[test]
fn a_worker_killed_at_any_step_of_a_batch_pays_once() {
    let kills = number_from_environment("RA_AGENT_BATCH_KILLS").unwrap_or(6);
    let mut random = Random::from_environment();
    for provider in PROVIDERS {
        let asking = Asking::batched(provider, |_| {});
        for _ in 0..kills {
            std::thread::sleep(Duration::from_millis(random.below(700)));
            asking.agent.kill9_worker();
            assert!(asking.server.billed_nano() <= asking.booked_nano(), "{provider}");
        }
        wait_until(LONGEST, "everything is answered", || all_settled(&asking));
        let is_closed = || asking.ledger("SELECT count(*) FROM ledger WHERE closed_at IS NULL") == 0;
        wait_until(LONGEST, "the batch is closed", is_closed);
        assert_eq!(asking.booked_nano(), asking.server.billed_nano(), "{provider}");
        assert_no_line_twice(&asking);
    }
}

#[test]
fn messages_keep_a_file_only_for_the_requests_that_follow() {
    let asking = Asking::batched("anthropic", |server| server.cache_prefixes());
    wait_until(LONGEST, "the batch is answered", || all_settled(&asking));
    let words = "words ".repeat(500);
    asking.repo.write("src/words.rs", format!("// {words}\npub fn count() {{}}\n"));
    asking.repo.commit("a longer one");
    asking.wait();
    let requests = asking.server.requests();
    let (request, body) = (&requests[0], requests[0].json());
    assert!(request.head.starts_with("POST /v1/messages HTTP/1.1"), "{}", request.head);
    assert_eq!(request.header("x-api-key"), Some("a-key-of-nobody"));
    assert_eq!((request.header("authorization"), request.header("anthropic-version")), (None, Some("2023-06-01")));
    assert!(body["messages"][0]["content"][0]["text"].as_str().unwrap().contains(&words), "{body}");
    assert!(!request.body.contains("cache_control"), "nothing that begins alike is to follow: {body}");

    // One answer of four: the three others are asked for, each with the file before it.
    asking.server.script([Script::saying(r#"{"docs":{"summary":"s","items":[]}}"#)]);
    asking.repo.write("src/words.rs", format!("// {words} again\npub fn count() {{}}\n"));
    asking.repo.commit("once more");
    asking.wait();
    let requests = asking.server.requests().split_off(requests.len());
    assert_eq!(requests.len(), 4);
    for (at, request) in requests.iter().enumerate() {
        let file = &request.json()["messages"][0]["content"][0];
        assert_eq!(file["cache_control"]["type"] == "ephemeral", at > 0, "{file}");
    }
    assert!(asking.ledger("SELECT max(cached_tokens) FROM ledger") > 700, "it is read again for less");
    assert_eq!(asking.booked_nano(), asking.server.billed_nano(), "what is put into the cache costs a quarter more");
    assert!(all_settled(&asking));
}
