//! The promise: `impact` is a gate. It works on a clone without a daemon, an index or a registration, says which tests reach what
//! changed, and its exit code says whether the change passes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{TestAgent, TestRepo, untouched};

const FILES: [(&str, &str); 6] = [
    ("app/__init__.py", ""),
    ("app/sums.py", "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"),
    ("app/bill.py", "from .sums import add\n\n\ndef total(rows):\n    return add(*rows)\n"),
    ("app/other.py", "from .sums import sub\n\n\ndef rest(a, b):\n    return sub(a, b)\n"),
    ("tests/test_bill.py", "from app.bill import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n"),
    ("README.md", "# Sums\n"),
];

/// A repository that the agent does not know, and what an agent says of it that never ran.
struct Checkout {
    agent: TestAgent,
    repo: TestRepo,
}

impl Checkout {
    fn new() -> Self {
        Self { agent: TestAgent::without_model(), repo: TestRepo::with_files(FILES) }
    }

    fn path(&self) -> &str {
        self.repo.path().to_str().unwrap()
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        self.repo.edit(path, from, to);
        self.repo.commit(from);
    }

    /// What `impact` prints as JSON, and its exit code.
    #[track_caller]
    fn impact(&self, args: &[&str]) -> (Option<i32>, Value) {
        let args: Vec<&str> = ["impact", self.path(), "--json"].into_iter().chain(args.iter().copied()).collect();
        let output = untouched(self.repo.path(), || self.agent.run(&args));
        let printed = serde_json::from_str(&output.stdout);
        (output.code, printed.unwrap_or_else(|error| panic!("{error}: {}{}", output.stdout, output.stderr)))
    }
}

fn paths(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect()
}

#[test]
fn a_body_passes_and_a_declaration_with_callers_does_not() {
    let clone = Checkout::new();
    clone.edit("app/sums.py", "return a + b", "return b + a");
    let (code, printed) = clone.impact(&["--check"]);
    assert_eq!(
        (code, &printed["check"]),
        (Some(0), &json!({"fail_on": ["callers-outside"], "failed": false, "failures": []}))
    );

    clone.edit("app/sums.py", "def add(a, b)", "def add(a, b, c=0)");
    let (code, printed) = clone.impact(&["--check"]);
    assert_eq!(code, Some(6), "{printed:#}");
    assert_eq!(
        printed["check"]["failures"],
        json!([{"on": "callers-outside", "path": "app/bill.py", "symbol": {"file": "app/sums.py", "symbol": "add"}}])
    );
    let output = clone.agent.run(["impact", clone.path(), "--check", "--fail-on", "callers-outside"]);
    assert_eq!(output.code, Some(6));
    assert!(
        output.stdout.contains("app/bill.py is outside the change and uses add of app/sums.py"),
        "{}",
        output.stdout
    );
    assert!(output.stderr.contains("1 reason(s) to refuse this change (callers-outside)"), "{}", output.stderr);
    // Whoever changes the caller with it passes.
    clone.edit("app/bill.py", "add(*rows)", "add(*rows, 0)");
    assert_eq!(clone.impact(&["HEAD~2..HEAD", "--check"]).0, Some(0));
    let output = clone.agent.run(["impact", clone.path(), "--check", "--fail-on", "nothing"]);
    assert_eq!(output.code, Some(2), "usage");
    assert!(output.stderr.contains("write one of callers-outside, untested"), "{}", output.stderr);
}

#[test]
fn tests_are_named_with_what_they_reach() {
    let clone = Checkout::new();
    clone.edit("app/sums.py", "return a + b", "return b + a");
    let (_, printed) = clone.impact(&[]);
    assert_eq!(
        printed["tests"],
        json!([{
            "path": "tests/test_bill.py",
            "tests": ["test_total"],
            "reaches": [{"file": "app/sums.py", "symbol": "add"}],
            "distance": 2,
            "through": "app/bill.py",
        }])
    );
    assert_eq!(clone.impact(&["--check", "--fail-on", "untested"]).0, Some(0));
    clone.edit("app/sums.py", "return a - b", "return -b + a");
    let (code, printed) = clone.impact(&["--check", "--fail-on", "untested,callers-outside"]);
    assert_eq!((code, &printed["tests"]), (Some(6), &json!([])));
    assert_eq!(
        printed["check"]["failures"],
        json!([{"on": "untested", "path": "app/sums.py", "symbol": {"file": "app/sums.py", "symbol": "sub"}}])
    );
    let (_, printed) = clone.impact(&["--no-tests"]);
    assert_eq!(printed["tests"], json!([]));
}

#[test]
fn the_work_tree_counts_where_it_is_asked_for() {
    let clone = Checkout::new();
    let (_, clean) = clone.impact(&["--worktree"]);
    assert_eq!((&clean["changed"], &clean["why_empty"]), (&json!([]), &json!("the work tree has what the commit has")));
    clone.repo.edit("app/sums.py", "def sub(a, b)", "def sub(a, b, c)");
    clone.repo.write("app/new.py", "from .sums import sub\n\n\ndef new():\n    return sub(1, 2, 3)\n");
    clone.repo.delete("README.md");
    let (code, printed) = clone.impact(&["--worktree", "--check"]);
    assert_eq!(code, Some(6));
    assert_eq!(paths(&printed["changed"]), ["README.md", "app/new.py", "app/sums.py"]);
    assert_eq!(printed["changed"][2]["symbols"], json!([{"symbol": "sub", "change": "signature"}]));
    assert_eq!(paths(&printed["dependents"]), ["app/other.py"], "{printed:#}");
    // A range that ends at HEAD ends at the work tree; what is not asked for is not seen.
    clone.repo.git(&["add", "app/new.py"]);
    clone.repo.git(&["commit", "-q", "-m", "new"]);
    let (_, printed) = clone.impact(&["HEAD~1..HEAD", "--worktree"]);
    assert_eq!(paths(&printed["changed"]), ["README.md", "app/new.py", "app/sums.py"], "{printed:#}");
    assert_eq!(paths(&clone.impact(&["HEAD~1..HEAD"]).1["changed"]), ["README.md", "app/new.py"]);
}

/// FAILURES 16: what a file in conflict changes is not known, so it never passes; once it is resolved, it is what the disk has.
#[test]
fn f16_a_file_in_conflict_does_not_pass_the_gate() {
    let clone = Checkout::new();
    clone.repo.branch("side");
    clone.edit("app/sums.py", "def add(a, b)", "def add(a, b, side)");
    clone.repo.checkout("main");
    clone.edit("app/sums.py", "def add(a, b)", "def add(a, b, c)");
    for stops in [["merge", "side"], ["rebase", "side"], ["cherry-pick", "side"]] {
        assert!(!clone.repo.try_git(&stops).status.success(), "{stops:?}");
        let (code, printed) = clone.impact(&["--worktree", "--check"]);
        assert_eq!((code, paths(&printed["changed"])), (Some(6), vec!["app/sums.py"]), "{stops:?}: {printed:#}");
        assert_eq!(printed["answer_freshness"]["state"], json!("not-covered"), "{printed:#}");
        assert_eq!(printed["check"]["in_conflict"], json!([{"path": "app/sums.py"}]));
        clone.repo.git(&[stops[0], "--abort"]);
    }
    assert!(!clone.repo.try_git(&["merge", "side"]).status.success());
    let output = clone.agent.run(["impact", clone.path(), "--worktree", "--check"]);
    assert!(output.stdout.contains("app/sums.py is in conflict: what it changes is not known"), "{}", output.stdout);
    // Resolved and not staged.
    clone.repo.write("app/sums.py", FILES[1].1.replace("def add(a, b)", "def add(a, b, c, side)"));
    let (code, printed) = clone.impact(&["--worktree", "--check"]);
    assert_eq!((code, paths(&printed["dependents"])), (Some(6), vec!["app/bill.py"]), "{printed:#}");
    assert_eq!(printed["answer_freshness"], json!({"state": "current"}));
    assert_eq!(printed["check"]["in_conflict"], Value::Null);
}

/// What has no files on the disk to compare with says why.
#[test]
fn a_work_tree_that_is_not_there_is_not_called_unchanged() {
    let clone = Checkout::new();
    let path = clone.repo.outside("unborn");
    clone.repo.git(&["init", "-q", path.to_str().unwrap()]);
    std::fs::write(path.join("a.py"), "def zed():\n    pass\n").unwrap();
    let printed = clone.agent.json(["impact", path.to_str().unwrap(), "--worktree"]);
    assert_eq!(paths(&printed["changed"]), ["a.py"], "{printed:#}");
    for (option, says) in [("--no-checkout", "nothing is checked out in "), ("--bare", " has no work tree")] {
        let path = clone.repo.outside(option);
        clone.repo.git(&["clone", "-q", option, clone.path(), path.to_str().unwrap()]);
        let output = clone.agent.run(["impact", path.to_str().unwrap(), "--worktree"]);
        assert_eq!(output.code, Some(2), "{}", output.stdout);
        assert!(output.stderr.contains(says), "{}", output.stderr);
    }
}

#[test]
fn any_change_of_a_file_or_a_symbol_can_be_asked_about() {
    let clone = Checkout::new();
    let (code, printed) = clone.impact(&["--symbol", "add"]);
    assert_eq!((code, &printed["changed"]), (Some(0), &json!([])));
    assert_eq!(printed["asked"]["symbols"], json!([{"file": "app/sums.py", "symbol": "add"}]));
    assert_eq!(paths(&printed["dependents"]), ["app/bill.py"]);
    assert_eq!(paths(&printed["tests"]), ["tests/test_bill.py"]);
    let (_, printed) = clone.impact(&["--file", "app/sums.py"]);
    assert_eq!(paths(&printed["dependents"]), ["app/bill.py", "app/other.py"]);
    let (_, by_file) = clone.impact(&["--symbol", "app/sums.py:sub"]);
    assert_eq!(paths(&by_file["dependents"]), ["app/other.py"]);
    for (args, says) in [
        (["--symbol", "totl"], "nothing is named totl; did you mean total"),
        (["--file", "app/sum.py"], "app/sum.py is not in this state of the repository; did you mean app/sums.py"),
    ] {
        let output = clone.agent.run(["impact", clone.path()].into_iter().chain(args));
        assert_eq!(output.code, Some(2), "{}", output.stdout);
        assert!(output.stderr.contains(says), "{}", output.stderr);
    }
}

#[test]
fn a_shallow_clone_says_what_to_fetch() {
    let clone = Checkout::new();
    clone.edit("app/sums.py", "def add(a, b)", "def add(a, b, c=0)");
    let shallow = TestRepo::new();
    let url = format!("file://{}", clone.path());
    shallow.git(&["fetch", "-q", "--depth=1", &url, "HEAD"]);
    shallow.git(&["checkout", "-q", "FETCH_HEAD"]);
    for range in [None, Some("HEAD~1..HEAD")] {
        let args = ["impact", shallow.path().to_str().unwrap(), "--check"].into_iter().chain(range);
        let output = clone.agent.run(args);
        assert_eq!(output.code, Some(1), "{}", output.stdout);
        assert!(output.stderr.contains("`git fetch --unshallow`"), "{}", output.stderr);
    }
    shallow.git(&["fetch", "-q", "--unshallow", &url, "HEAD"]);
    let output = clone.agent.run(["impact", shallow.path().to_str().unwrap(), "--check"]);
    assert_eq!(output.code, Some(6), "{}{}", output.stdout, output.stderr);
}

#[test]
fn an_index_changes_nothing_of_the_answer() {
    let mut clone = Checkout::new();
    clone.edit("app/sums.py", "def add(a, b)", "def add(a, b, c=0)");
    let questions: [&[&str]; 5] =
        [&[], &["--symbol", "sub"], &["--file", "app/bill.py"], &["--worktree"], &["HEAD~1..HEAD"]];
    let without: Vec<Value> = questions.iter().map(|args| clone.impact(args).1).collect();
    clone.agent.start();
    clone.agent.ok(["register", clone.path()]);
    clone.agent.wait();
    let with: Vec<Value> = questions.iter().map(|args| clone.impact(args).1).collect();
    assert_eq!(without, with);
    let outside = TestRepo::new();
    let codes: BTreeSet<_> = ["/nonexistent", outside.path().parent().unwrap().to_str().unwrap()]
        .into_iter()
        .map(|path| clone.agent.run(["impact", path]).code)
        .collect();
    assert_eq!(codes, BTreeSet::from([Some(4)]), "there is no repository");
}
