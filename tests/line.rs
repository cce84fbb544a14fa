//! The promise: after every commit, what changed and what depends on it is analysed, and nothing else; nothing is written in the
//! repository.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Jobs, TestAgent, TestRepo, untouched};

const TYPES: [&str; 4] = ["analyze:analysis", "analyze:docs", "analyze:refactor", "analyze:todos"];

/// Two crates: `clamp` is used by a file of its own crate and by one of the other.
const WORKSPACE: [(&str, &str); 9] = [
    ("Cargo.toml", "[workspace]\nmembers = [\"core\", \"app\"]\nresolver = \"2\"\n"),
    ("core/Cargo.toml", "[package]\nname = \"core-lib\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    ("core/src/lib.rs", "//! The core.\npub mod limits;\npub mod retry;\npub mod words;\n"),
    (
        "core/src/limits.rs",
        "/// Keeps a number below the limit.\npub fn clamp(n: u32) -> u32 {\n    if n > 10 { 10 } else { n }\n}\n",
    ),
    (
        "core/src/retry.rs",
        "use crate::limits::clamp;\n\npub fn attempts(asked: u32) -> u32 {\n    clamp(asked) + 1\n}\n",
    ),
    ("core/src/words.rs", "pub fn count(text: &str) -> usize {\n    text.split_whitespace().count()\n}\n"),
    (
        "app/Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\ncore-lib = { path = \"../core\" }\n",
    ),
    ("app/src/main.rs", "mod report;\n\nfn main() {\n    println!(\"{}\", report::line());\n}\n"),
    (
        "app/src/report.rs",
        "use core_lib::limits::clamp;\n\npub fn line() -> String {\n    format!(\"at most {}\", clamp(99))\n}\n",
    ),
];

/// A registered workspace with everything fresh, and the queue as it was last seen.
struct Line {
    agent: TestAgent,
    repo: TestRepo,
    seen: Jobs,
}

impl Line {
    fn new() -> Self {
        let mut agent = TestAgent::without_model();
        let repo = TestRepo::with_files(WORKSPACE);
        agent.start();
        untouched(repo.path(), || {
            agent.ok(["register", repo.path().to_str().unwrap()]);
            agent.wait();
        });
        let seen = Jobs::of(&agent);
        Self { agent, repo, seen }
    }

    fn path(&self) -> &str {
        self.repo.path().to_str().unwrap()
    }

    /// Lets the agent take in what HEAD is, and hands back the jobs that it made of that.
    #[track_caller]
    fn settle(&mut self) -> Jobs {
        untouched(self.repo.path(), || self.agent.wait());
        let new = Jobs::since(&self.agent, &self.seen);
        self.seen = Jobs::of(&self.agent);
        let open: Vec<_> = new.0.values().filter(|job| job.state != "done").collect();
        assert!(open.is_empty(), "not done: {open:?}");
        let status = self.status();
        assert_eq!(status["head"], status["indexed_commit"], "{status}");
        assert_eq!(status["head"], json!(self.repo.head()));
        assert_eq!((&status["stale"], &status["pending"]), (&json!(0), &json!(0)), "{status}");
        assert_eq!(status["fresh"], status["files"], "{status}");
        new
    }

    #[track_caller]
    fn commit(&mut self, message: &str) -> Jobs {
        self.repo.commit(message);
        self.settle()
    }

    #[track_caller]
    fn status(&self) -> Value {
        self.agent.json(["status"])["repos"][0].clone()
    }

    #[track_caller]
    fn impact(&self, range: &str) -> Value {
        untouched(self.repo.path(), || self.agent.json(["impact", self.path(), range]))
    }

    /// One analysis of a file, with its freshness.
    #[track_caller]
    fn shown(&self, path: &str, analysis_type: &str) -> Value {
        let file = self.repo.path().join(path);
        let shown = untouched(self.repo.path(), || self.agent.json(["show", file.to_str().unwrap()]));
        let analyses = shown["analyses"].as_array().unwrap();
        analyses.iter().find(|one| one["type"] == analysis_type).unwrap().clone()
    }

    /// Gives `clamp` another signature and leaves its callers' file as it was, as an author in the middle of something.
    fn edit_signature(&self) {
        self.repo.edit("core/src/limits.rs", "clamp(n: u32)", "clamp(n: u64)");
    }
}

fn all_types(reason: &str) -> BTreeSet<(&str, &str)> {
    TYPES.into_iter().map(|kind| (kind, reason)).collect()
}

fn paths(array: &Value) -> BTreeSet<&str> {
    array.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect()
}

#[test]
fn a_first_index_analyses_every_file_once() {
    let line = Line::new();
    let files: BTreeSet<&str> = WORKSPACE.iter().map(|(path, _)| *path).collect();
    assert_eq!(line.seen.analysed(), files);
    for file in files {
        assert_eq!(line.seen.of_file(file), all_types("missing"), "{file}");
    }
    let status = line.status();
    assert_eq!((&status["files"], &status["fresh"], &status["skipped"]), (&json!(9), &json!(9), &json!(0)), "{status}");
    assert_eq!(status["languages"][0]["rung"], json!("linked"), "{status}");
    let counted: u64 = status["languages"].as_array().unwrap().iter().map(|one| one["files"].as_u64().unwrap()).sum();
    assert_eq!(counted, 9, "each file in one language: {status}");
    assert!(line.agent.ok(["status"]).contains("linked: "));
}

#[test]
fn a_body_edit_costs_one_file() {
    let mut line = Line::new();
    line.repo.edit("core/src/limits.rs", "10 } else { n", "11 } else { n");
    let new = line.commit("another limit");
    assert_eq!(new.analysed(), BTreeSet::from(["core/src/limits.rs"]));
    assert_eq!(new.of_file("core/src/limits.rs"), all_types("content-changed"));
    let impact = line.impact("HEAD~1..HEAD");
    assert_eq!(paths(&impact["changed"]), BTreeSet::from(["core/src/limits.rs"]));
    assert_eq!(impact["dependents"], json!([]), "{impact}");
    assert!(paths(&impact["cut_off"]).is_superset(&BTreeSet::from(["core/src/retry.rs", "app/src/report.rs"])));
}

#[test]
fn a_comment_and_a_reformatting_touch_no_dependent() {
    let mut line = Line::new();
    let edit = |line: &Line, from, to| line.repo.edit("core/src/limits.rs", from, to);
    edit(&line, "/// Keeps a number below the limit.", "/// Keeps a number at the limit or below.");
    assert_eq!(line.commit("say it right").analysed(), BTreeSet::from(["core/src/limits.rs"]));
    edit(&line, "clamp(n: u32) -> u32 {", "clamp(\n    n: u32,\n) -> u32 {");
    assert_eq!(line.commit("reformat").analysed(), BTreeSet::from(["core/src/limits.rs"]));
}

#[test]
fn a_signature_edit_reaches_exactly_the_files_that_use_it() {
    let mut line = Line::new();
    line.edit_signature();
    let new = line.commit("wider");
    let users = BTreeSet::from(["core/src/retry.rs", "app/src/report.rs"]);
    assert_eq!(new.of_file("core/src/limits.rs"), all_types("content-changed"));
    for user in &users {
        assert_eq!(new.of_file(user), BTreeSet::from([("analyze:analysis", "dependency-changed")]), "{user}");
    }
    assert_eq!(new.analysed(), &users | &BTreeSet::from(["core/src/limits.rs"]));
    let because = Some(("clamp".to_owned(), "core/src/limits.rs".to_owned()));
    for job in new.analyses().filter(|job| users.contains(job.path.as_str())) {
        assert_eq!(job.cause, because, "{job:?}");
    }
    // what was worked out beforehand and what can be asked for afterwards are the same
    let impact = line.impact("HEAD~1..HEAD");
    assert_eq!(paths(&impact["changed"]), BTreeSet::from(["core/src/limits.rs"]));
    assert_eq!(paths(&impact["dependents"]), users, "{impact}");
    let cause = &impact["dependents"][0]["because"][0];
    assert_eq!((&cause["file"], &cause["symbol"]), (&json!("core/src/limits.rs"), &json!("clamp")), "{impact}");
    // and the dependent's analysis says what the signature is now
    let shown = line.shown("app/src/report.rs", "analysis");
    assert_eq!(shown["fresh"], json!(true), "{shown}");
    assert!(shown["result"].to_string().contains("clamp(n: u64)"), "{shown}");
}

#[test]
fn a_dependent_that_is_committed_too_is_analysed_once() {
    let mut line = Line::new();
    line.edit_signature();
    line.repo.edit("core/src/retry.rs", "clamp(asked)", "clamp(u64::from(asked))");
    let new = line.commit("wider, and one caller adapted");
    assert_eq!(new.of_file("core/src/retry.rs"), all_types("content-changed"));
    assert_eq!(new.of_file("app/src/report.rs"), BTreeSet::from([("analyze:analysis", "dependency-changed")]));
    assert_eq!(new.analyses().count(), 4 + 4 + 1);
}

#[test]
fn a_rename_costs_no_analysis() {
    let mut line = Line::new();
    line.repo.rename("core/src/limits.rs", "core/src/limits/mod.rs");
    let new = line.commit("a directory of its own");
    assert_eq!(new.analyses().collect::<Vec<_>>(), Vec::<&crate::support::Job>::new());
    assert_eq!(line.shown("core/src/limits/mod.rs", "docs")["fresh"], json!(true));
    let edges = line.agent.json(["deps", line.path()])["edges"].clone();
    let sources: BTreeSet<&str> =
        edges.as_array().unwrap().iter().map(|edge| edge["source_file"].as_str().unwrap()).collect();
    assert!(sources.contains("core/src/limits/mod.rs") && !sources.contains("core/src/limits.rs"), "{edges}");
    let impact = line.impact("HEAD~1..HEAD");
    assert_eq!(
        impact["changed"],
        json!([{"path": "core/src/limits/mod.rs", "change": "rename", "from_path": "core/src/limits.rs"}])
    );
}

#[test]
fn a_deletion_takes_the_file_out_and_reaches_its_users() {
    let mut line = Line::new();
    line.repo.delete("core/src/limits.rs");
    let new = line.commit("gone");
    assert!(!new.analysed().contains("core/src/limits.rs"));
    assert!(new.analysed().is_superset(&BTreeSet::from(["core/src/retry.rs", "app/src/report.rs"])), "{new:?}");
    assert_eq!(line.status()["files"], json!(8));
    let gone = line.repo.path().join("core/src/limits.rs");
    let output = line.agent.run(["show", gone.to_str().unwrap()]);
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(output.stderr.contains("core/src/limits.rs") && output.stderr.contains("not in the indexed view"));
}

#[test]
fn a_revert_and_a_branch_switch_cost_nothing() {
    let mut line = Line::new();
    line.edit_signature();
    assert!(!line.commit("wider").0.is_empty());
    line.repo.revert("HEAD");
    assert!(line.settle().0.is_empty(), "a revert");

    line.repo.branch("side");
    line.repo.write("core/src/side.rs", "pub fn side() -> bool {\n    true\n}\n");
    line.repo.edit("core/src/lib.rs", "pub mod retry;", "pub mod retry;\npub mod side;");
    let new = line.commit("on the side");
    assert_eq!(new.analysed(), BTreeSet::from(["core/src/lib.rs", "core/src/side.rs"]));
    line.repo.checkout("main");
    assert!(line.settle().0.is_empty(), "to the main branch");
    line.repo.checkout("side");
    assert!(line.settle().0.is_empty(), "and back");
    line.repo.checkout("HEAD~2");
    assert!(line.settle().0.is_empty(), "a detached HEAD");
    assert!(line.shown("app/src/report.rs", "analysis")["result"].to_string().contains("clamp(n: u64)"));
}

#[test]
fn many_commits_at_once_are_one_comparison_of_the_ends() {
    let mut line = Line::new();
    line.agent.stop();
    for limit in 20..40 {
        let text = format!("pub fn clamp(n: u32) -> u32 {{\n    if n > {limit} {{ {limit} }} else {{ n }}\n}}\n");
        line.repo.write("core/src/limits.rs", text);
        line.repo.commit("another limit");
    }
    line.agent.start();
    let new = line.settle();
    assert_eq!(new.analysed(), BTreeSet::from(["core/src/limits.rs"]));
    assert_eq!(new.analyses().count(), 4);
}

#[test]
fn everything_can_be_read_while_the_daemon_is_stopped() {
    let mut line = Line::new();
    line.agent.stop();
    untouched(line.repo.path(), || {
        let (agent, path) = (&line.agent, line.path());
        let status = agent.json(["status"]);
        assert_eq!((&status["daemon"]["running"], &status["daemon"]["pid"]), (&json!(false), &Value::Null));
        assert_eq!(status["repos"][0]["fresh"], json!(9), "{status}");
        let edges = agent.json(["deps", path, "core/src/limits.rs"]);
        let clamp = json!({
            "source_file": "core/src/limits.rs",
            "dependent_file": "app/src/report.rs",
            "dependency_type": "function",
            "symbol_name": "clamp",
        });
        assert!(edges["edges"].as_array().unwrap().contains(&clamp), "{edges}");
        assert_eq!(line.shown("core/src/retry.rs", "docs")["fresh"], json!(true));
        let found = agent.json(["search", "split_whitespace"]);
        assert_eq!((&found["mode"], &found["query"]), (&json!("lexical"), &json!("split_whitespace")));
        assert_eq!(found["hits"][0]["path"], json!("core/src/words.rs"), "{found}");
        assert_eq!(agent.json(["repos"])["repos"][0]["repo"], json!(path));
        assert_eq!(agent.json(["queue", "list"])["jobs"], json!([]));
        agent.json(["impact", path]);
        for verb in ["status", "repos"] {
            assert!(agent.ok([verb]).contains(path), "{verb}");
        }
    });
}

/// The names and types that other programs rely on.
#[test]
fn the_json_of_status_search_impact_and_deps_has_its_shape() {
    let mut line = Line::new();
    line.edit_signature();
    line.commit("wider");
    let path = line.path();
    let status = line.agent.json(["status"]);
    has_shape(
        &status,
        &json!({
            "daemon": {"running": true, "pid": 1, "rss_bytes": 1},
            "repos": [{"repo": "", "head": "", "indexed_commit": "", "files": 1, "fresh": 1, "stale": 1, "pending": 1,
                       "languages": [{"language": "", "rung": "", "files": 1}]}],
            "queue": {"queued": 1, "running": 1, "parked": 1, "discarded": 1, "done": 1},
            "budget": {"month": "", "spent_usd": 1, "limit_usd": 1, "reserved_usd": 1},
            "cache": {"bytes": 1, "max_bytes": 1, "hits": 1, "misses": 1},
        }),
    );
    assert_eq!((&status["budget"]["spent_usd"], &status["budget"]["limit_usd"]), (&json!(0.0), &json!(3.0)));
    assert_eq!(status["repos"][0]["repo"], json!(path));
    has_shape(
        &line.agent.json(["search", "clamp"]),
        &json!({
            "query": "", "mode": "",
            "hits": [{"repo": "", "path": "", "start_line": 1, "end_line": 1, "entity_type": "", "entity_name": "",
                      "score": 1, "source": ""}],
            "freshness": [{"repo": "", "head": "", "indexed_commit": "", "pending_files": 1}],
        }),
    );
    has_shape(
        &line.impact("HEAD~1..HEAD"),
        &json!({
            "repo": "", "from": "", "to": "",
            "changed": [{"path": "", "change": ""}],
            "dependents": [{"path": "", "because": [{"file": "", "symbol": "", "dependency_type": ""}]}],
            "cut_off": [{"path": "", "file": ""}],
        }),
    );
    has_shape(
        &line.agent.json(["deps", path]),
        &json!({"repo": "", "edges": [{"source_file": "", "dependent_file": "", "dependency_type": "", "symbol_name": ""}]}),
    );
}

/// Every name of `shape` is there, with a value of its type; of an array, every element is like its first.
#[track_caller]
fn has_shape(value: &Value, shape: &Value) {
    match (value, shape) {
        (Value::Object(fields), Value::Object(shapes)) => {
            for (name, shape) in shapes {
                assert!(fields.contains_key(name), "{name} is missing in {value}");
                has_shape(&fields[name], shape);
            }
        }
        (Value::Array(elements), Value::Array(shapes)) => {
            assert!(!elements.is_empty() && shapes.len() == 1, "{value} and {shape} have nothing to compare");
            elements.iter().for_each(|element| has_shape(element, &shapes[0]));
        }
        _ => assert_eq!(std::mem::discriminant(value), std::mem::discriminant(shape), "{value} is not like {shape}"),
    }
}
