//! The promise: `report` says what is new, fixed and still there between any two commits, and what each commit brought and removed. A
//! finding stays the same one when its lines move or its file is renamed. Nothing is written and nothing is queued for it.

use serde_json::{Value, json};

use crate::support::asking::Asking;
use crate::support::{Jobs, TestAgent, TestRepo, untouched};

const FILES: [(&str, &str); 4] = [
    ("Cargo.toml", "[package]\nname = \"kept\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    ("src/lib.rs", "//! Keeps things.\n\npub mod store;\npub mod user;\n"),
    (
        "src/store.rs",
        "//! What is kept.\n\n/// Loads it.\npub fn load() -> u32 {\n    // FIXME: reads the file twice\n    1\n}\n",
    ),
    (
        "src/user.rs",
        "//! Who uses it.\n\nuse crate::store::load;\n\n/// Uses it.\npub fn use_it() -> u32 {\n    load()\n}\n\n/// Counts.\n\
         pub fn count(of: &[u32]) -> usize {\n    of.iter().filter(|one| **one > 3).count()\n}\n\n/// Adds.\n\
         pub fn add(of: &[u32]) -> u32 {\n    of.iter().copied().filter(|one| *one > 7).sum()\n}\n",
    ),
];

/// A repository that the agent does not know, and what an agent says of it that never ran.
struct Reported {
    agent: TestAgent,
    repo: TestRepo,
}

impl Reported {
    fn new() -> Self {
        Self { agent: TestAgent::without_model(), repo: TestRepo::with_files(FILES) }
    }

    fn path(&self) -> &str {
        self.repo.path().to_str().unwrap()
    }

    /// Commits an edit, and hands out what the last commit is said to have done.
    #[track_caller]
    fn edit(&self, path: &str, from: &str, to: &str) -> Value {
        self.repo.edit(path, from, to);
        self.repo.commit(from);
        self.report(&[])
    }

    #[track_caller]
    fn report(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = ["report", self.path()].into_iter().chain(args.iter().copied()).collect();
        untouched(self.repo.path(), || self.agent.json(&args))
    }

    /// The exit code of a report as a gate.
    #[track_caller]
    fn gate(&self, args: &[&str]) -> Option<i32> {
        let args = ["report", self.path(), "--fail-on"].into_iter().chain(args.iter().copied());
        let output = untouched(self.repo.path(), || self.agent.run(args));
        assert!(!output.stdout.is_empty(), "{output:?}");
        output.code
    }
}

/// `rule file: message` of each finding of a list.
fn told(list: &Value) -> Vec<String> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let list = list.as_array().unwrap().iter();
    list.map(|one| format!("{} {}: {}", text(one, "kind"), text(one, "path"), text(one, "message"))).collect()
}

/// What is new, and what is fixed.
#[track_caller]
fn assert_changes(report: &Value, new: &[&str], fixed: &[&str]) {
    assert_eq!((told(&report["new"]), told(&report["fixed"])), (owned(new), owned(fixed)), "{report:#}");
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|one| (*one).to_owned()).collect()
}

const TWICE: &str = "fixme src/store.rs: FIXME: reads the file twice";
const WRONG: &str = "fixme src/user.rs: FIXME: counts wrongly";
const WRONG_MOVED: &str = "fixme src/client.rs: FIXME: counts wrongly";
const GONE: &str = "unresolved-import src/client.rs: `crate::store::load` names nothing in this repository";

/// A function whose body has so many lines.
fn long_function(lines: usize) -> String {
    let body: String = (0..lines).map(|line| format!("    total += {line};\n")).collect();
    format!("\n/// Sums.\npub fn sum() -> usize {{\n    let mut total = 0;\n{body}    total\n}}\n")
}

/// Ten commits, the last of which has what is told of it.
fn ten_commits(kept: &Reported) {
    let report = kept.report(&[]);
    assert_changes(&report, &[TWICE], &[]);
    assert_eq!(report["from"], json!(null), "the first commit is compared with nothing");
    // 2: introduced
    let introduced = kept.edit("src/user.rs", "    load()", "    // FIXME: counts wrongly\n    load()");
    assert_changes(&introduced, &[WRONG], &[]);
    assert_eq!(told(&introduced["still_there"]), [TWICE]);
    let fingerprint = introduced["new"][0]["fingerprint"].clone();
    // 3: moved lines
    let remarks = "// A remark.\n".repeat(5);
    let moved = kept.edit("src/user.rs", "use crate", &format!("{remarks}use crate"));
    assert_changes(&moved, &[], &[]);
    assert_eq!(moved["still_there"][1]["fingerprint"], fingerprint);
    assert_eq!(moved["still_there"][1]["start_line"], json!(12));
    // 4: a renamed file
    kept.repo.rename("src/user.rs", "src/client.rs");
    kept.repo.edit("src/lib.rs", "user", "client");
    kept.repo.commit("renamed");
    let renamed = kept.report(&[]);
    assert_changes(&renamed, &[], &[]);
    assert_eq!(told(&renamed["still_there"]), [WRONG_MOVED, TWICE]);
    assert_eq!(renamed["still_there"][0]["from_path"], json!("src/user.rs"));
    assert_eq!(renamed["still_there"][0]["identity"], introduced["new"][0]["identity"]);
    // 5: fixed
    let fixed = kept.edit("src/client.rs", "    // FIXME: counts wrongly\n", "");
    assert_changes(&fixed, &[], &[WRONG_MOVED]);
    // 6: reverted
    kept.repo.revert("HEAD");
    assert_changes(&kept.report(&[]), &[WRONG_MOVED], &[]);
    // 7: a dependent that nobody touched
    let broken = kept.edit("src/store.rs", "pub fn load", "pub fn read");
    assert_changes(&broken, &[GONE], &[]);
    assert_eq!(broken["commits"][0]["introduced"][0]["because"], json!([{"file": "src/store.rs", "symbol": "load"}]));
    // 8: which is repaired where it is
    kept.repo.edit("src/client.rs", "store::load", "store::read");
    let repaired = kept.edit("src/client.rs", "    load()", "    read()");
    assert_changes(&repaired, &[], &[GONE]);
    // 9: a long function
    let store = kept.repo.read("src/store.rs");
    kept.repo.write("src/store.rs", format!("{store}{}", long_function(120)));
    kept.repo.commit("long");
    let long = kept.report(&[]);
    assert_eq!((long["new"].as_array().unwrap().len(), &long["new"][0]["kind"]), (1, &json!("long-function")));
    // 10: which grows, and is the same finding, only worse
    kept.repo.write("src/store.rs", format!("{store}{}", long_function(900)));
    kept.repo.commit("longer");
    let longer = kept.report(&[]);
    assert_changes(&longer, &[], &[]);
    let worst = &longer["still_there"][0];
    assert_eq!((&worst["fingerprint"], &worst["severity"]), (&long["new"][0]["fingerprint"], &json!("error")));
    assert_eq!(worst["severity_before"], long["new"][0]["severity"]);
}

#[test]
fn findings_are_followed_over_ten_commits() {
    let kept = Reported::new();
    ten_commits(&kept);
    let first = kept.repo.git(&["rev-list", "--max-parents=0", "HEAD"]);
    let range = format!("{first}..HEAD");
    let whole = kept.report(&["--since", &range]);
    let commits = whole["commits"].as_array().unwrap();
    assert_eq!(commits.len(), 9);
    let told_of = |commit: &Value| (told(&commit["introduced"]), told(&commit["removed"]));
    let expected: [(&[&str], &[&str]); 7] = [
        (&[WRONG], &[]),
        (&[], &[]),
        (&[], &[]),
        (&[], &[WRONG_MOVED]),
        (&[WRONG_MOVED], &[]),
        (&[GONE], &[]),
        (&[], &[GONE]),
    ];
    for (commit, (introduced, removed)) in commits.iter().zip(expected) {
        assert_eq!(told_of(commit), (owned(introduced), owned(removed)), "{commit:#}");
    }
    let new: Vec<String> = told(&whole["new"]);
    assert_eq!((new.len(), &new[1], told(&whole["fixed"])), (2, &WRONG_MOVED.to_owned(), vec![]));
    assert_eq!(told(&whole["still_there"]), [TWICE]);
    // The same in one commit.
    kept.repo.git(&["branch", "long-way"]);
    kept.repo.checkout(&first);
    kept.repo.branch("squashed");
    kept.repo.git(&["merge", "--quiet", "--squash", "long-way"]);
    kept.repo.commit("all of it");
    let squashed = kept.report(&[]);
    for list in ["new", "fixed", "still_there"] {
        assert_eq!(squashed[list], whole[list], "{list}");
    }
    // Backwards, what was new is fixed.
    let back = kept.report(&["--since", &format!("HEAD..{first}")]);
    assert_eq!(back["commits"], json!([]));
    assert_eq!((told(&back["new"]), told(&back["fixed"]).len()), (vec![], 2));
}

#[test]
fn ranges_are_ages_and_revisions() {
    let kept = Reported::new();
    for name in ["a", "b", "c"] {
        let store = kept.repo.read("src/store.rs");
        kept.repo.write("src/store.rs", format!("{store}// FIXME: {name}\n"));
        kept.repo.commit(name);
    }
    let new = |since: &str| kept.report(&["--since", since])["new"].as_array().unwrap().len();
    assert_eq!([new("HEAD~1"), new("HEAD~2..HEAD"), new("HEAD~3.."), new("HEAD")], [1, 2, 3, 0]);
    // The commits are of 2023: an age that reaches further back begins with nothing.
    assert_eq!([new("1d"), new("9999w")], [0, 4]);
    for wrong in ["..", "HEAD...HEAD~1", "nowhere", "12y"] {
        let output = kept.agent.run(["report", kept.path(), "--since", wrong]);
        assert_eq!(output.code, Some(2), "{output:?}");
        assert!(output.stderr.contains(wrong) && output.stdout.is_empty(), "{output:?}");
    }
    let empty = TestRepo::new();
    let report = kept.agent.json(["report", empty.path().to_str().unwrap()]);
    assert_eq!(report["why_empty"], json!("the repository has no commit yet"));
}

#[test]
fn a_merge_stands_for_what_its_branch_brought() {
    let kept = Reported::new();
    kept.repo.branch("side");
    kept.edit("src/user.rs", "    load()", "    // FIXME: counts wrongly\n    load()");
    kept.repo.checkout("main");
    kept.edit("src/store.rs", "    // FIXME: reads the file twice\n", "");
    kept.repo.git(&["merge", "--quiet", "--no-ff", "--no-edit", "side"]);
    let report = kept.report(&["--since", "HEAD~2..HEAD"]);
    assert_changes(&report, &[WRONG], &[TWICE]);
    let commits = report["commits"].as_array().unwrap();
    assert_eq!(commits.iter().map(|commit| &commit["is_merge"]).collect::<Vec<_>>(), [&json!(false), &json!(true)]);
    assert_eq!(told(&commits[1]["introduced"]), [WRONG]);
    // Of the branch, which does not have the other commit.
    assert_changes(&kept.report(&["--since", "main~1..side"]), &[TWICE, WRONG], &[]);
    assert_eq!(kept.report(&["--since", "main~1..side"])["commits"].as_array().unwrap().len(), 1);
}

#[test]
fn the_gate_refuses_what_is_new_and_what_is_worse() {
    let kept = Reported::new();
    kept.edit("src/user.rs", "    load()", "    // TODO: count\n    load()");
    assert_eq!(kept.gate(&["new-warnings"]), Some(0), "mere information passes");
    kept.edit("src/user.rs", "TODO", "FIXME");
    assert_eq!((kept.gate(&["new-warnings"]), kept.gate(&["new-errors"])), (Some(6), Some(0)));
    let output = kept.agent.run(["report", kept.path(), "--fail-on", "new-warnings"]);
    assert!(output.stderr.contains("1 finding(s) to refuse (new-warnings)"), "{output:?}");
    assert!(output.stdout.contains("check (new-warnings): does not pass"), "{output:?}");
    for format in ["md", "html", "sarif"] {
        assert_eq!(kept.gate(&["new-warnings", "--format", format]), Some(6), "{format}");
    }
    let store = kept.repo.read("src/store.rs");
    kept.repo.write("src/store.rs", format!("{store}{}", long_function(120)));
    kept.repo.commit("long");
    assert_eq!(kept.gate(&["new-errors"]), Some(0));
    kept.repo.write("src/store.rs", format!("{store}{}", long_function(900)));
    kept.repo.commit("longer");
    assert_eq!(kept.gate(&["new-errors"]), Some(6), "it has become one");
    let output = kept.agent.run(["report", kept.path(), "--fail-on", "new-errors", "--json"]);
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(report["check"]["refused"], json!([report["still_there"][0]["fingerprint"]]));
    kept.repo.commit("nothing");
    assert_eq!(kept.gate(&["new-warnings"]), Some(0));
}

/// A report without what says where it is from.
fn findings_of(mut report: Value) -> Value {
    let made = report["made"].take();
    let stored = report["stored"].take();
    assert!(made.is_u64() && stored.is_u64(), "{made} {stored}");
    report
}

#[test]
fn what_is_stored_is_used_and_changes_nothing() {
    let mut kept = Reported::new();
    ten_commits(&kept);
    let questions: [&[&str]; 3] = [&[], &["--since", "HEAD~9..HEAD"], &["--since", "HEAD~6..HEAD~2"]];
    let ask = |kept: &Reported| questions.map(|args| findings_of(kept.report(args)));
    let without = ask(&kept);
    kept.agent.start();
    kept.agent.ok(["register", kept.path()]);
    kept.agent.wait();
    let jobs = Jobs::of(&kept.agent).0;
    assert_eq!(ask(&kept), without);
    assert_eq!(kept.report(&["--since", "HEAD..HEAD"])["made"], json!(0), "all of HEAD is stored");
    kept.agent.stop();
    assert_eq!(ask(&kept), without, "no daemon is needed");
    // Results that were removed are made again, for the answer alone.
    remove_half_of_the_results(&kept.agent);
    assert_eq!(ask(&kept), without);
    let report = kept.report(&["--since", "HEAD..HEAD"]);
    assert!(report["made"].as_u64() > Some(0), "{report:#}");
    assert_eq!(kept.report(&["--since", "HEAD..HEAD"])["made"], report["made"], "nothing was stored");
    assert_eq!(Jobs::of(&kept.agent).0, jobs, "nothing was queued");
}

/// As a prune does, without its choice.
fn remove_half_of_the_results(agent: &TestAgent) {
    let stores = std::fs::read_dir(agent.home().join("cache/repos")).unwrap();
    for store in stores {
        let db = rusqlite::Connection::open(store.unwrap().path().join("analysis.db")).unwrap();
        let removed = db.execute("DELETE FROM file_analysis WHERE analysis_id % 2 = 0", []).unwrap();
        assert!(removed > 0);
    }
}

#[test]
fn findings_of_a_model_count_where_they_are_stored() {
    let mut asking = Asking::answered();
    let path = asking.path().to_owned();
    let report = |asking: &Asking, args: &[&str]| {
        let args: Vec<&str> = ["report", &path].into_iter().chain(args.iter().copied()).collect();
        untouched(asking.repo.path(), || asking.agent.json(&args))
    };
    let by_model = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap().iter().filter(|one| one["by"] != "local");
        let mut told: Vec<String> = list.map(|one| format!("{} {}", one["kind"], one["path"])).collect();
        told.sort();
        told
    };
    let all = report(&asking, &["--since", "HEAD..HEAD"]);
    assert_eq!(all["model"], json!("custom/scripted"));
    let found = by_model(&all["still_there"]);
    assert_eq!(found.len(), 10, "an answer on smells and one on faults of each of five files: {found:?}");
    assert_eq!(all["not_looked_at"], json!([]));

    // A commit that it has not been asked about: of the changed file and its dependents nothing is new and nothing fixed.
    let requests = asking.server.requests().len();
    asking.agent.stop();
    asking.repo.edit("src/words.rs", "pub fn count(text: &str)", "pub fn count(_n: u8, text: &str)");
    asking.repo.commit("not asked");
    let last = report(&asking, &[]);
    assert_eq!((by_model(&last["new"]), by_model(&last["fixed"])), (vec![], vec![]), "{last:#}");
    assert_eq!(
        by_model(&last["one_sided"]),
        ["\"model-finding\" \"src/words.rs\"", "\"other\" \"src/words.rs\""],
        "{last:#}"
    );
    assert_eq!(by_model(&last["still_there"]).len(), 8);
    let unanswered = last["not_looked_at"].as_array().unwrap();
    assert_eq!(unanswered.len(), 2, "{unanswered:?}");
    for one in unanswered {
        assert_eq!(one["files"], json!([{"path": "src/words.rs"}]));
        assert_eq!(one["because"], json!("no answer of the model is stored"));
    }
    assert_eq!(asking.server.requests().len(), requests, "a report asks nothing");
    // Once it has been asked, the comparison is whole.
    asking.agent.start();
    asking.wait();
    let answered = report(&asking, &[]);
    assert_eq!((&answered["not_looked_at"], &answered["one_sided"]), (&json!([]), &json!([])));
    assert_eq!(by_model(&answered["still_there"]).len(), 10);
}
