//! A large file is asked about as a whole once, then about what has changed of it: nothing that was said of the rest is lost, and every reader is
//! shown one answer.

use serde_json::{Value, json};

use crate::support::TestRepo;
use crate::support::asking::Asking;
use crate::support::llm_server::Script;
use crate::support::planted::planted;

const FUNCTIONS: usize = 20;

/// A file of twenty functions of a dozen lines, each of which says what it does.
pub fn large() -> String {
    let one = |n: usize| {
        let steps: String = (0..10).map(|step| format!("    total += input.len() * {step} + {n};\n")).collect();
        format!(
            "/// Adds up number {n}.\npub fn sum_{n}(input: &[u8]) -> usize {{\n    let mut total = 0;\n{steps}    total\n}}\n\n"
        )
    };
    let text: String = (0..FUNCTIONS).map(one).collect();
    assert!(text.len() > 8_000);
    format!("use crate::limits::clamp;\n\n{text}pub fn end() -> u32 {{\n    clamp(7)\n}}\n")
}

pub fn repo() -> TestRepo {
    TestRepo::with_files([
        ("Cargo.toml", "[package]\nname = \"parts\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        ("src/lib.rs", "pub mod large;\npub mod limits;\n"),
        ("src/limits.rs", "pub fn clamp(n: u32) -> u32 {\n    n.min(10)\n}\n"),
        ("src/large.rs", &large()),
    ])
}

/// A reply with a finding of each kind at each of these lines.
pub fn saying(summary: &str, lines: &[usize]) -> String {
    let place = |line: &usize| json!({ "severity": "warning", "start_line": line, "end_line": line, "message": format!("{summary} {line}") });
    let places: Vec<Value> = lines.iter().map(place).collect();
    let todos: Vec<Value> = lines.iter().map(|line| json!({ "tag": "TODO", "line": line, "text": summary })).collect();
    json!({
        "docs": { "summary": summary, "items": [] },
        "todos": { "todos": todos },
        "refactor": { "smells": places },
        "analysis": { "summary": summary, "findings": places },
    })
    .to_string()
}

pub fn line_of(text: &str, what: &str) -> usize {
    1 + text.lines().position(|line| line.contains(what)).unwrap()
}

/// Everything answered once, with a finding in the first function and one in the last.
fn answered() -> Asking {
    let text = large();
    let (first, last) = (line_of(&text, "fn sum_0("), line_of(&text, "fn sum_19("));
    let asking = Asking::about(repo(), "3.00", "", |_| {});
    asking.wait();
    // The first index is answered by the scripted model; the file as a whole is asked about again with these.
    asking.server.script([Script::saying(&saying("first", &[first, last]))]);
    asking.repo.write(
        "src/large.rs",
        text.replace(" 1 + 19;", " 1 + 190;").replace("fn end() ", "fn ending() ").replace("total += ", "total +=  "),
    );
    asking.commit("all of it");
    asking
}

pub fn findings(asking: &Asking) -> Vec<(u64, String)> {
    let shown = asking.shown("src/large.rs", "analysis");
    assert!(shown["model"].as_str().unwrap().ends_with("/scripted") && shown["fresh"] == true, "{shown}");
    let all = shown["result"]["findings"].as_array().unwrap().clone();
    all.iter().map(|one| (one["start_line"].as_u64().unwrap(), one["message"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn an_edit_of_a_large_file_asks_about_what_changed() {
    let asking = answered();
    let before = findings(&asking);
    assert_eq!(before.len(), 2, "{before:?}");
    let (mut text, whole) = (asking.repo.read("src/large.rs"), asking.server.requests().last().unwrap().body.len());

    text = text.replace("input.len() * 5 + 7;", "input.len() * 5 + 7;\n    total += 1;");
    let line = line_of(&text, "fn sum_7(") + 2;
    asking.server.script([Script::saying(&saying("second", &[line]))]);
    asking.repo.write("src/large.rs", &text);
    let bodies = asking.commit("one function");
    assert_eq!(bodies.len(), 1, "{bodies:#?}");
    let body = &bodies[0];
    assert!(body.contains("* 5 + 7;") && !body.contains("* 5 + 8;"), "{body}");
    assert!(body.contains("~|pub fn sum_8"), "the rest is signatures: {body}");
    assert!(body.len() * 2 < whole, "{} of {whole}", body.len());

    let after = findings(&asking);
    let lines: Vec<u64> = after.iter().map(|(line, _)| *line).collect();
    let last = line_of(&text, "fn sum_19(") as u64;
    assert_eq!(lines, [before[0].0, line as u64, last], "what was said of the rest is kept, on its lines: {after:?}");
    assert_eq!(last, before[1].0 + 1);
    for analysis_type in ["docs", "todos", "refactor"] {
        let shown = asking.shown("src/large.rs", analysis_type);
        assert_eq!((&shown["model"], &shown["fresh"]), (&json!("custom/scripted"), &json!(true)), "{shown}");
    }
    assert_eq!(asking.shown("src/large.rs", "docs")["result"]["summary"]["text"], json!("second"));
    let todos = asking.shown("src/large.rs", "todos")["result"]["todos"].as_array().unwrap().len();
    assert_eq!(todos, 3);
    assert_eq!(asking.counted(), (3, 3));
    assert_eq!(asking.booked_nano(), asking.server.billed_nano());
    assert_eq!(asking.stored("SELECT sum(cost) FROM file_analysis"), asking.booked_nano(), "each is paid for once");
    let report = asking.agent.json(["report", asking.path()]).to_string();
    assert!(report.contains("second") && report.contains(&format!("first {}", before[1].0)), "{report}");
    asking.agent.ok(["cache", "verify", asking.path()]);
}

#[test]
fn a_revert_and_a_restart_find_what_was_put_together() {
    let mut asking = answered();
    let (kept, before) = (asking.repo.read("src/large.rs"), findings(&asking));
    asking.repo.write("src/large.rs", kept.replace("* 5 + 7;", "* 5 + 70;"));
    assert_eq!(asking.commit("one function").len(), 1);
    asking.repo.write("src/large.rs", &kept);
    assert_eq!(asking.commit("back again"), Vec::<String>::new());
    assert_eq!(findings(&asking), before);
    asking.repo.write("src/large.rs", kept.replace("* 5 + 7;", "* 5 + 70;"));
    assert_eq!(asking.commit("and forth"), Vec::<String>::new());
    asking.agent.stop();
    asking.agent.start();
    assert_eq!(asking.settle(), Vec::<String>::new(), "a restart");

    let clone = asking.repo.outside("clone");
    asking.repo.git(&["clone", "--quiet", ".", clone.to_str().unwrap()]);
    asking.agent.ok(["register", clone.to_str().unwrap()]);
    assert_eq!(asking.settle(), Vec::<String>::new(), "a clone has it copied");
    let shown = asking.agent.json(["show", clone.join("src/large.rs").to_str().unwrap()]).to_string();
    assert!(shown.contains("custom/scripted"), "{shown}");
    assert_eq!(asking.booked_nano(), asking.server.billed_nano());
}

#[test]
fn a_signature_asks_about_the_items_that_name_it() {
    let asking = answered();
    asking.repo.edit("src/limits.rs", "clamp(n: u32)", "clamp(n: u64)");
    let bodies = asking.commit("wider");
    let about: Vec<&String> = bodies.iter().filter(|body| body.contains("~|pub fn sum_8")).collect();
    assert_eq!((bodies.len(), about.len()), (2, 1), "limits.rs, and what of large.rs names clamp: {bodies:#?}");
    assert!(about[0].contains("clamp(7)") && about[0].contains("pub fn clamp(n: u64)"), "{}", about[0]);
    assert!(!about[0].contains("* 5 + 8;"), "{}", about[0]);
    assert_eq!(findings(&asking).len(), 3, "those two and the model's usual one");
    assert_eq!(asking.booked_nano(), asking.server.billed_nano());
}

#[test]
fn a_bad_answer_about_a_part_is_repaired_alone() {
    let asking = answered();
    let text = asking.repo.read("src/large.rs").replace("* 5 + 7;", "* 5 + 70;");
    let line = line_of(&text, "* 5 + 70;");
    let mut reply: Value = serde_json::from_str(&saying("second", &[line])).unwrap();
    reply["docs"] = json!({ "summary": "" });
    reply.as_object_mut().unwrap().remove("todos");
    asking.server.script([Script::saying(&reply.to_string())]);
    asking.repo.write("src/large.rs", &text);
    let bodies = asking.commit("one function");
    assert_eq!(bodies.len(), 3, "the part, a repair, and the missing one: {bodies:#?}");
    assert!(bodies.iter().all(|body| !body.contains("* 5 + 8;")), "none shows the rest");
    assert_eq!((findings(&asking).len(), asking.counted()), (3, (3, 3)));
    assert_eq!(asking.booked_nano(), asking.server.billed_nano());
}

#[test]
fn nothing_private_leaves_in_a_part() {
    let secrets = planted();
    let asking = answered();
    let text = asking.repo.read("src/large.rs");
    let planted: String = secrets.iter().map(|one| format!("{}\n", one.text)).collect();
    let planted = format!("* 5 + 7;\n    let _ = r####\"\n{planted}\"####;\n");
    asking.repo.write("src/large.rs", text.replace("* 5 + 7;\n", &planted));
    let bodies = asking.commit("secrets in one function");
    assert!(bodies.len() == 1 && bodies[0].contains("~|pub fn sum_8"), "{bodies:#?}");
    for one in &secrets {
        let escaped = json!(one.secret).to_string();
        assert!(!bodies[0].contains(escaped.trim_matches('"')), "a secret of the kind {}", one.kind);
    }
    // Where the rest has them, its signatures do not show them either.
    asking.repo.edit("src/large.rs", "* 5 + 9;", "* 5 + 90;");
    let bodies = asking.commit("another function");
    assert_eq!(bodies.len(), 1);
    for one in &secrets {
        let escaped = json!(one.secret).to_string();
        assert!(!bodies[0].contains(escaped.trim_matches('"')), "a secret of the kind {}", one.kind);
    }
}

#[test]
fn a_crash_between_parts_pays_for_none_twice() {
    let asking = answered();
    for round in 0..6_u64 {
        let text =
            asking.repo.read("src/large.rs").replace(&format!("* {round} + 7;"), &format!("* {round} + 7{round};"));
        asking.repo.write("src/large.rs", text);
        asking.repo.commit("one more");
        std::thread::sleep(std::time::Duration::from_millis(40 * round));
        asking.agent.kill9_worker();
        assert!(asking.server.billed_nano() <= asking.booked_nano());
    }
    asking.wait();
    assert_eq!(asking.counted(), (3, 3));
    assert!(findings(&asking).len() >= 2);
    assert!(asking.server.billed_nano() <= asking.booked_nano());
    let open = asking.ledger("SELECT count(*) FROM ledger WHERE closed_at IS NULL");
    assert_eq!(open, 0);
}

#[test]
fn what_is_evicted_or_expired_is_asked_about_as_a_whole() {
    let asking = answered();
    asking.repo.edit("src/large.rs", "* 5 + 7;", "* 5 + 70;");
    asking.commit("one function");
    let file = asking.repo.path().join("src/large.rs");
    asking.agent.ok(["cache", "clear", "--file", file.to_str().unwrap()]);
    assert_eq!(asking.settle(), Vec::<String>::new(), "what was paid for is not paid for again unasked");
    asking.repo.edit("src/large.rs", "* 5 + 9;", "* 5 + 90;");
    let bodies = asking.commit("another");
    assert_eq!(bodies.len(), 1);
    assert!(bodies[0].contains("* 5 + 8;") && !bodies[0].contains("~|"), "there is nothing to follow: {}", bodies[0]);
    assert_eq!(asking.counted(), (3, 3));
    assert_eq!(asking.booked_nano(), asking.server.billed_nano());
}

#[test]
fn a_small_file_is_asked_about_as_a_whole() {
    let asking = Asking::answered();
    asking.repo.edit("src/words.rs", "count()", "count() + 1");
    let bodies = asking.commit("one more");
    assert!(bodies.len() == 1 && !bodies[0].contains("~|"), "{bodies:#?}");
}
