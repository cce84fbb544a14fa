//! What a coding agent pays for ten questions about this repository: the tokens of our answers, against `grep` and reading the files that
//! it finds; how long a save takes until it is in an answer; and what an idle server costs.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::figures::{Spread, millis, row_below, time};
use super::peers::{self, PeerIndex};
use super::support::mcp::McpClient;
use super::support::{TestAgent, TestRepo, wait_until};

/// Bytes that count as a token, for both sides.
const TOKEN: usize = 4;

/// The most that an answer may cost, as a share of `grep` and reading.
const SHARE_MAX: f64 = 1.05;

/// A question, the call that answers it with what its answer must have, and what an agent without it runs: `grep` for a pattern, then whole
/// files.
struct Task {
    question: &'static str,
    call: (&'static str, Value),
    expects: &'static str,
    grep: Option<&'static str>,
    read: Option<&'static str>,
    /// What a peer with one tool for all is asked; nothing: it cannot say.
    explore: &'static str,
}

fn tasks(top: &Path) -> Vec<Task> {
    let show = |target: &str, with: &[&str]| ("show", json!({"targets": [target], "with": with}));
    let task = |question, call, expects, grep, read, explore| Task { question, call, expects, grep, read, explore };
    let store = std::fs::read_to_string(top.join("src/store.rs")).unwrap();
    let at = 2 + store.lines().position(|line| line.contains("fn checkpoint(")).unwrap();
    let restart = "how long is a failed worker waited for before it is started again";
    let search = ("search", json!({"query": restart, "path": "src", "limit": 3}));
    vec![
        task(
            "where is a function defined, and what does it do",
            show("pending_files", &["source"]),
            "count(DISTINCT file_path)",
            Some("fn pending_files"),
            Some("src/queue/list.rs"),
            "pending_files",
        ),
        task(
            "who uses it",
            show("pending_files", &["users"]),
            "src/query/status.rs",
            Some("pending_files"),
            None,
            "who uses pending_files",
        ),
        task(
            "a method of a type",
            show("Debounce::due", &["source"]),
            "self.pending = kept;",
            Some("fn due"),
            Some("src/event/debounce.rs"),
            "Debounce due",
        ),
        task(
            "what is in a file",
            show("src/daemon/supervise.rs", &[]),
            "fn is_crash",
            None,
            Some("src/daemon/supervise.rs"),
            "src/daemon/supervise.rs",
        ),
        task(
            "the code at a line of a trace",
            show(&format!("src/store.rs:{at}"), &["source"]),
            "fn checkpoint",
            None,
            Some("src/store.rs"),
            "src/store.rs checkpoint",
        ),
        task(
            "where is something done",
            search,
            "src/daemon/supervise.rs",
            Some("restart"),
            Some("src/daemon/supervise.rs"),
            "how long is a failed worker waited for before it is started again",
        ),
        task(
            "who calls a method before its signature changes",
            show("Supervisor::hint", &["users"]),
            "Daemon::poll",
            Some("\\.hint("),
            Some("src/daemon/supervise.rs"),
            "who calls Supervisor hint",
        ),
        task(
            "which tests use it",
            show("TestAgent::kill9_worker", &["tests"]),
            "tests/crash.rs",
            Some("kill9_worker"),
            None,
            "which tests use kill9_worker",
        ),
        task(
            "what a function uses of other files",
            show("of_missing", &["source", "uses"]),
            "src/index/backlog.rs",
            Some("fn of_missing"),
            Some("src/query/quote.rs"),
            "what does of_missing use",
        ),
        task(
            "what the last commit touches",
            ("impact", json!({"range": "HEAD~1..HEAD"})),
            "dependents: ",
            None,
            Some("CHANGED"),
            "",
        ),
    ]
}

pub fn measure() {
    let mut agent = TestAgent::without_model();
    let clone = tempfile::tempdir().unwrap();
    let top = clone.path().join("ra-agent");
    let cloned = Command::new("git").args(["clone", "--quiet", env!("CARGO_MANIFEST_DIR")]).arg(&top).status().unwrap();
    assert!(cloned.success(), "the repository cannot be cloned");
    agent.start();
    agent.ok(["register", top.to_str().unwrap()]);
    agent.run(["wait", "--timeout", "1800s"]);
    let mut client = McpClient::start(&agent, &top.canonicalize().unwrap());
    let peers = peers::all();
    let indexed = peers.iter().find(|peer| peer.name == "codegraph").and_then(|peer| peer.index(&top).ok());
    let mut peer = indexed.as_ref().and_then(PeerIndex::serve);
    println!("\n| question | tokens | grep and reading | share | codegraph |\n|---|---|---|---|---|");
    let mut fewer = 0;
    for task in tasks(&top) {
        let (tool, arguments) = &task.call;
        let answer = client.call(tool, arguments.clone());
        assert!(!answer.is_error && answer.text.contains(task.expects), "{}: {}", task.question, answer.text);
        let (ours, theirs) = ((answer.bytes + arguments.to_string().len()) / TOKEN, without(&top, &task) / TOKEN);
        fewer += usize::from(ours < theirs);
        let share = ours as f64 / theirs as f64;
        let verdict = if share <= SHARE_MAX { "" } else { " (missed)" };
        let explored = peer.as_mut().map(|peer| explore(peer, &task)).unwrap_or_default();
        println!("| {} | {ours} | {theirs} | {share:.2}{verdict} | {explored} |", task.question);
    }
    println!("\nfewer tokens in {fewer} of {} questions", tasks(&top).len());
    saves();
    cold();
}

/// What a peer's answer costs, and whether it has what is asked for.
fn explore(peer: &mut McpClient, task: &Task) -> String {
    if task.explore.is_empty() {
        return "cannot say".to_owned();
    }
    let arguments = json!({"query": task.explore});
    let answer = peer.call("codegraph_explore", arguments.clone());
    let tokens = (answer.bytes + arguments.to_string().len()) / TOKEN;
    let verdict = if answer.text.contains(task.expects) { "" } else { " (not in it)" };
    format!("{tokens}{verdict}")
}

/// Bytes of what an agent writes and reads that has `grep` and a way to read files.
fn without(top: &Path, task: &Task) -> usize {
    let output = |command: &mut Command| command.current_dir(top).output().unwrap().stdout.len();
    let grep = task.grep.iter().map(|pattern| {
        let arguments = ["-rn", "--include=*.rs", pattern, "src", "tests"];
        "grep ".len() + arguments.join(" ").len() + output(Command::new("grep").args(arguments))
    });
    let read = task.read.iter().map(|path| match *path {
        "CHANGED" => "git show HEAD".len() + output(Command::new("git").args(["show", "HEAD"])),
        path => path.len() + std::fs::read(top.join(path)).unwrap().len(),
    });
    grep.sum::<usize>() + read.sum::<usize>()
}

/// From a save to the first answer that has it.
fn saves() {
    const SAVES: usize = 60;
    let mut agent = TestAgent::without_model();
    let files: Vec<(String, String)> =
        (0..200).map(|n| (format!("src/f{n}.rs"), format!("pub fn f_{n}() -> u32 {{\n    {n}\n}}\n"))).collect();
    let repo = TestRepo::with_files(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    let begun = Instant::now();
    let mut client = McpClient::start(&agent, repo.path());
    let started = begun.elapsed();
    row_below("a server until `initialize` is answered", &time(started), millis(started), 200.0, "ms");
    let mut times = Vec::new();
    for n in 0..SAVES {
        let name = format!("saved_{n}");
        repo.write(&format!("src/f{n}.rs"), format!("pub fn {name}() -> u32 {{\n    {n}\n}}\n"));
        let saved = Instant::now();
        wait_until(Duration::from_secs(20), "the save is in an answer", || {
            let answer = client.call("search", json!({"query": name, "kind": "function"}));
            answer.is_current() && answer.text.contains(&format!("function {name}"))
        });
        times.push(saved.elapsed());
    }
    let times = Spread::of(times);
    row_below("a save until the right answer, warm", &times.show(&[50, 95]), millis(times.at(95)), 250.0, "ms");
}

/// From the start of a server, with no daemon, to its first answer.
fn cold() {
    const FILES: usize = 10_000;
    let mut agent = TestAgent::without_model();
    let files: Vec<(String, String)> = (0..FILES)
        .map(|n| {
            (format!("src/d{}/f{n}.rs", n % 100), format!("/// Number {n}.\npub fn f_{n}() -> u32 {{\n    {n}\n}}\n"))
        })
        .collect();
    let repo = TestRepo::with_files(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.run(["wait", "--timeout", "1800s"]);
    agent.stop();
    let begun = Instant::now();
    let mut client = McpClient::start(&agent, repo.path());
    let answer = client.call("search", json!({"query": "f_4711", "kind": "function"}));
    let first = begun.elapsed();
    assert!(answer.text.contains("function f_4711"), "{}", answer.text);
    row_below(
        "a cold server's first answer, 10,000 files, the daemon's start included",
        &time(first),
        millis(first),
        2_000.0,
        "ms",
    );
    println!("({})", answer.first());
}
