//! The promise: what a model wrote of code is found by searches, marked as a model's, for as long as it holds.

use serde_json::{Value, json};

use crate::support::asking::Asking;
use crate::support::llm_server::Script;
use crate::support::mcp::McpClient;
use crate::support::{TestRepo, untouched};

const CODE: &str =
    "pub fn clamp(n: u32) -> u32 {\n    if n > 10 { 10 } else { n }\n}\n\npub fn half(n: u32) -> u32 {\n    n / 2\n}\n";

/// What the model says of all four questions about the one file; its words stand nowhere in the repository.
fn reply(summary: &str, suggestion: &str, finding: &str) -> Script {
    let place = json!({ "severity": "warning", "start_line": 5, "end_line": 7, "item": "half", "message": finding });
    let item = json!({
        "kind": "fn", "name": "clamp", "line": 1, "documented": false, "missing_sections": [], "suggestion": suggestion
    });
    let all = json!({
        "refactor": { "smells": [] },
        "todos": { "todos": [] },
        "analysis": { "summary": summary, "findings": [place] },
        "docs": { "summary": summary, "items": [item] },
    });
    Script::saying(&all.to_string())
}

fn asked() -> Asking {
    let files = [("Cargo.toml", "[package]\nname = \"a\"\nversion = \"0.1.0\"\n"), ("src/lib.rs", CODE)];
    let first = reply("Marsupial bookkeeping.", "Confines the wombats.", "Overflows like a platypus.");
    let asking = Asking::about(TestRepo::with_files(files), "3.00", "", |server| server.script([first]));
    asking.wait();
    asking
}

/// The hits of a search that a model's text is shown with.
#[track_caller]
fn written(asking: &Asking, query: &str) -> Vec<(String, String, String)> {
    let found = untouched(asking.repo.path(), || asking.agent.json(["search", query]));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let hits = found["hits"].as_array().unwrap().iter().filter(|hit| hit["written"].is_object());
    let hits =
        hits.map(|hit| (text(&hit["entity_name"]), text(&hit["written"]["kind"]), text(&hit["written"]["text"])));
    hits.collect()
}

fn hit(name: &str, kind: &str, text: &str) -> (String, String, String) {
    (name.to_owned(), kind.to_owned(), text.to_owned())
}

#[test]
fn what_a_model_wrote_is_found_and_marked_as_such() {
    let asking = asked();
    assert_eq!(written(&asking, "where are wombats confined"), [hit("clamp", "doc", "Confines the wombats.")]);
    assert_eq!(written(&asking, "platypus"), [hit("half", "finding", "Overflows like a platypus.")]);
    let about_the_file = written(&asking, "marsupial bookkeeping");
    assert_eq!(about_the_file.len(), 1, "{about_the_file:?}");
    assert_eq!((about_the_file[0].1.as_str(), about_the_file[0].2.as_str()), ("summary", "Marsupial bookkeeping."));
    assert!(written(&asking, "half of n").is_empty(), "its own words need no model's");

    let text = asking.agent.ok(["search", "wombats"]);
    assert!(text.contains("a model's doc: Confines the wombats."), "{text}");
    let mut client = McpClient::start(&asking.agent, asking.repo.path());
    let told = client.call("search", json!({ "query": "wombats" }));
    assert!(told.text.contains("a model's doc: Confines the wombats."), "{}", told.text);
    client.close();
}

#[test]
fn a_models_text_leaves_with_its_answer_and_comes_back() {
    let asking = asked();
    asking.server.script([reply("Nothing.", "Restrains the quokkas.", "None.")]);
    asking.repo.edit("src/lib.rs", "n > 10 { 10 }", "n > 20 { 20 }");
    asking.commit("another limit");
    assert!(written(&asking, "wombats").is_empty());
    assert_eq!(written(&asking, "quokkas"), [hit("clamp", "doc", "Restrains the quokkas.")]);

    let head = asking.repo.head();
    asking.repo.revert(&head);
    assert!(asking.settle().is_empty(), "the old answer holds again");
    assert_eq!(written(&asking, "wombats"), [hit("clamp", "doc", "Confines the wombats.")]);
    assert!(written(&asking, "quokkas").is_empty());

    asking.repo.edit("src/lib.rs", CODE, &format!("// Moved down.\n\n{CODE}"));
    assert_eq!(written(&asking, "platypus"), [hit("half", "finding", "Overflows like a platypus.")], "a save moves it");
}

#[test]
fn no_text_of_a_withheld_or_removed_file_is_searched() {
    let mut asking = asked();
    let texts = "SELECT count(*) FROM written_texts WHERE kind <> ''";
    assert_eq!(asking.stored(texts), 4);
    asking.agent.stop();
    asking.agent.write_config(&format!("{}\n[privacy]\nwithhold = [\"/src/\"]\n", asking.agent.config()));
    asking.agent.start();
    asking.wait();
    assert!(written(&asking, "wombats").is_empty());
    assert_eq!((asking.stored(texts), asking.stored("SELECT count(*) FROM written_words")), (0, 0));

    asking.agent.stop();
    let config = asking.agent.config();
    asking.agent.write_config(config.split("\n[privacy]").next().unwrap());
    asking.agent.start();
    assert!(asking.settle().is_empty(), "nothing is asked again");
    assert_eq!(written(&asking, "wombats").len(), 1);
    std::fs::remove_file(asking.repo.path().join("src/lib.rs")).unwrap();
    asking.commit("gone");
    assert_eq!((asking.stored(texts), written(&asking, "wombats").len()), (0, 0));
}
