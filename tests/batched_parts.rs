//! What has changed of a large file while no person waits for the answer goes in a batch: it is paid for once and nothing that was said is lost,
//! whatever comes between.

use std::time::Duration;

use serde_json::{Value, json};

use crate::parts::{findings, line_of, repo, saying};
use crate::support::asking::Asking;
use crate::support::{Random, number_from_environment, wait_until};

const PROVIDERS: [&str; 3] = ["openai", "anthropic", "xai"];
const LONGEST: Duration = Duration::from_secs(240);

/// Files of the repository that are code.
const FILES: u64 = 3;

fn is_settled(asking: &Asking) -> bool {
    let is_open = || asking.ledger("SELECT count(*) FROM ledger WHERE closed_at IS NULL") > 0;
    asking.counted() == (FILES, FILES) && !is_open()
}

/// Lines of batches about parts of a file.
fn lines_of_parts(asking: &Asking) -> Vec<String> {
    let lines = asking.server.batches(|batches| batches.lines());
    lines.into_iter().map(|(_, request)| request.to_string()).filter(|request| request.contains("\\n~|")).collect()
}

/// Asks about parts in a batch: one function of a large file has changed while no model was set up. `tell`: what the server does with it.
fn changed_unasked(provider: &str, tell: impl FnOnce(&Asking)) -> Asking {
    let mut asking = Asking::batched_about(repo(), provider, |_| {});
    wait_until(LONGEST, "the first index is answered", || is_settled(&asking));
    assert_eq!(lines_of_parts(&asking), Vec::<String>::new(), "the file is asked about as a whole first");
    asking.without_model(|asking| {
        edit(asking, 7);
        tell(asking);
    });
    asking
}

/// Another number in one of the functions.
fn edit(asking: &Asking, function: usize) {
    asking.repo.edit("src/large.rs", &format!("* 5 + {function};"), &format!("* 5 + {function}00;"));
    asking.repo.commit("one function");
    asking.agent.wait();
}

/// Everything is paid for once, and the answer about the file is whole.
#[track_caller]
fn assert_paid_once(asking: &Asking) {
    assert_eq!(asking.booked_nano(), asking.server.billed_nano());
    let mut lines: Vec<String> =
        asking.server.batches(|batches| batches.lines()).into_iter().map(|(_, request)| request.to_string()).collect();
    let all = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), all, "no two lines ask the same");
}

#[test]
fn a_part_of_a_large_file_goes_in_a_batch() {
    for provider in PROVIDERS {
        let asking = changed_unasked(provider, |asking| {
            let line = line_of(&asking.repo.read("src/large.rs"), "* 5 + 700;");
            asking.server.batches(|batches| batches.of_parts.push_back(saying("second", &[line])));
        });
        wait_until(LONGEST, "the part is answered", || is_settled(&asking) && lines_of_parts(&asking).len() == 1);
        let (line, text) = (lines_of_parts(&asking).remove(0), asking.repo.read("src/large.rs"));
        assert!(line.contains("* 5 + 700;") && !line.contains("* 5 + 8;"), "{provider}: {line}");
        let said = findings(&asking);
        let expected = [
            (1, "said by the model".to_owned()),
            (line_of(&text, "* 5 + 700;") as u64, format!("second {}", line_of(&text, "* 5 + 700;"))),
        ];
        assert_eq!(said, expected, "{provider}: what was said of the rest is kept");
        for analysis_type in ["docs", "todos", "refactor"] {
            let shown = asking.shown("src/large.rs", analysis_type);
            assert_eq!(
                (&shown["model"], &shown["fresh"]),
                (&json!(format!("{provider}/scripted")), &json!(true)),
                "{shown}"
            );
        }
        assert_eq!(asking.server.requests().len(), 0, "{provider}: nothing was asked live");
        assert_eq!(asking.stored("SELECT sum(cost) FROM file_analysis"), asking.booked_nano(), "{provider}");
        assert_paid_once(&asking);
        asking.agent.ok(["cache", "verify", asking.path()]);
    }
}

/// Killed before the part is collected, between collecting, sending, naming and fetching, and while it is stored. `RA_AGENT_BATCH_KILLS` sets
/// how often.
#[test]
fn a_worker_killed_at_any_step_of_a_part_pays_once() {
    let kills = number_from_environment("RA_AGENT_BATCH_KILLS").unwrap_or(6);
    let mut random = Random::from_environment();
    for provider in PROVIDERS {
        let asking = changed_unasked(provider, |_| {});
        for _ in 0..kills {
            std::thread::sleep(Duration::from_millis(random.below(500)));
            asking.agent.kill9_worker();
            assert!(asking.server.billed_nano() <= asking.booked_nano(), "{provider}");
        }
        wait_until(LONGEST, "the part is answered", || is_settled(&asking));
        assert_eq!(lines_of_parts(&asking).len(), 1, "{provider}");
        assert_eq!(findings(&asking).len(), 1, "{provider}: the model's usual one, once");
        assert_paid_once(&asking);
    }
}

#[test]
fn a_part_whose_batch_lost_its_name_is_found_again() {
    for provider in PROVIDERS {
        let mut asking = changed_unasked(provider, |asking| {
            asking.server.batches(|batches| (batches.held, batches.loses_next_name) = (true, true));
        });
        wait_until(LONGEST, "the part is sent", || lines_of_parts(&asking).len() == 1);
        asking.agent.kill9_worker();
        assert!(asking.server.billed_nano() < asking.booked_nano(), "{provider}: what may be billed is reserved");
        asking.agent.stop();
        asking.agent.start();
        asking.agent.kill9_worker();
        asking.server.batches(|batches| batches.held = false);
        wait_until(LONGEST, "the part is answered", || is_settled(&asking));
        assert_eq!(lines_of_parts(&asking).len(), 1, "{provider}");
        assert_paid_once(&asking);
    }
}

#[test]
fn a_commit_overtakes_the_part_that_waits_in_a_batch() {
    let asking = changed_unasked("openai", |asking| asking.server.batches(|batches| batches.held = true));
    wait_until(LONGEST, "the part is sent", || lines_of_parts(&asking).len() == 1);
    edit(&asking, 12);
    let requests = asking.server.requests();
    assert_eq!((requests.len(), asking.counted()), (1, (FILES, FILES)), "the commit is asked about at once");
    let body = &requests[0].body;
    assert!(body.contains("* 5 + 700;") && body.contains("* 5 + 1200;") && !body.contains("* 5 + 8;"), "{body}");
    wait_until(LONGEST, "the batch is cancelled", || asking.server.batches(|batches| batches.cancelled()) == 1);
    wait_until(LONGEST, "all is settled", || is_settled(&asking));
    assert_paid_once(&asking);
}

#[test]
fn what_is_cleared_while_a_part_waits_is_said_to_be_missing() {
    let asking = changed_unasked("anthropic", |asking| asking.server.batches(|batches| batches.held = true));
    wait_until(LONGEST, "the part is sent", || lines_of_parts(&asking).len() == 1);
    let file = asking.repo.path().join("src/large.rs");
    let clear = || asking.agent.run(["cache", "clear", "--file", file.to_str().unwrap()]).code == Some(0);
    wait_until(LONGEST, "the file's answers are removed", clear);
    asking.server.batches(|batches| {
        let line = line_of(&asking.repo.read("src/large.rs"), "* 5 + 700;");
        batches.of_parts.push_back(saying("second", &[line]));
        batches.held = false;
    });
    wait_until(LONGEST, "the part is answered", || is_settled(&asking));
    let said = findings(&asking);
    assert!(said.len() == 1 && said[0].1.starts_with("second"), "{said:?}");
    let shown = asking.agent.ok(["show", file.to_str().unwrap()]);
    assert!(shown.contains("removed from the cache meanwhile"), "{shown}");
    assert_paid_once(&asking);

    // With the next change all of it is asked about: most of it was never answered.
    edit(&asking, 12);
    let requests = asking.server.requests();
    assert!(requests.len() == 1 && requests[0].body.contains("* 5 + 8;"), "{requests:#?}");
    assert!(!asking.agent.ok(["show", file.to_str().unwrap()]).contains("removed from the cache"));
    wait_until(LONGEST, "all is settled", || is_settled(&asking));
    assert_paid_once(&asking);
}

#[test]
fn a_bad_answer_about_a_part_goes_in_the_next_batch_alone() {
    let asking = changed_unasked("xai", |asking| {
        let line = line_of(&asking.repo.read("src/large.rs"), "* 5 + 700;");
        let mut reply: Value = serde_json::from_str(&saying("second", &[line])).unwrap();
        reply["docs"] = json!({ "summary": "" });
        reply.as_object_mut().unwrap().remove("todos");
        asking.server.batches(|batches| batches.of_parts.push_back(reply.to_string()));
    });
    wait_until(LONGEST, "all of it is answered", || is_settled(&asking));
    let lines = lines_of_parts(&asking);
    assert!(lines.len() >= 2, "{lines:#?}");
    let asks = |line: &String, name: &str| line.contains(&format!("Question `{name}`"));
    for line in &lines[1..] {
        assert!(!line.contains("* 5 + 8;") && !asks(line, "analysis") && !asks(line, "refactor"), "{line}");
    }
    assert!(findings(&asking).iter().any(|(_, said)| said.starts_with("second")), "what could be used is kept");
    assert_paid_once(&asking);
}
