//! The promise: every verb prints in one way, into whatever its output goes, and answers a wrong value with an error in the place of an
//! empty answer. The verbs and their options are those that the program itself knows.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::{Arg, ArgAction};

use crate::support::{Output, TestAgent, TestRepo, left_out};

/// A value that means nothing to any option.
const NONSENSE: &str = "xyzzy-no-such-thing";

/// A verb of the program, e.g. `cache status`.
struct ListedVerb {
    path: Vec<String>,
    command: clap::Command,
}

impl ListedVerb {
    fn has(&self, option: &str) -> bool {
        self.command.get_arguments().any(|arg| arg.get_long() == Some(option))
    }

    /// Its name, the options that keep it from reaching outside this test, and values for what it requires but for `without`.
    fn args(&self, repo: &Path, without: Option<&str>) -> Vec<String> {
        let mut args = self.path.clone();
        if self.has("dry-run") {
            args.push("--dry-run".to_owned());
        }
        if self.path == ["model", "install"] && without != Some("from") {
            args.extend(["--from".to_owned(), "/nowhere".to_owned()]);
        }
        if self.path == ["model", "compare"] && without != Some("repo") {
            args.extend(["--repo".to_owned(), repo.display().to_string()]);
        }
        if self.path == ["budget", "set"] && without.is_none() {
            args.extend(["--monthly".to_owned(), "3".to_owned()]);
        }
        for arg in self.command.get_positionals().filter(|arg| Some(arg.get_id().as_str()) != without) {
            // Without a repository, `report` is about the present directory, which is none here.
            let is_needed = arg.is_required_set() || arg.get_id() == "job" || self.path == ["report"];
            if !is_needed {
                continue;
            }
            args.push(match arg.get_id().as_str() {
                "repo" => repo.display().to_string(),
                "file" => repo.join("src/lib.rs").display().to_string(),
                "job" => "1".to_owned(),
                "query" => "crowd".to_owned(),
                "shell" => "bash".to_owned(),
                "model" => "all-MiniLM-L6-v2".to_owned(),
                other => panic!("{:?} requires {other}: say what a test gives it", self.path),
            });
        }
        args
    }
}

/// Every verb that a person can give, those that end something last.
fn verbs() -> Vec<ListedVerb> {
    fn gather(command: &clap::Command, path: &[String], found: &mut Vec<ListedVerb>) {
        for inner in command.get_subcommands().filter(|inner| {
            !inner.is_hide_set() && inner.get_name() != "help" || path.is_empty() && !inner.is_hide_set()
        }) {
            let path = [path, &[inner.get_name().to_owned()]].concat();
            if inner.has_subcommands() {
                gather(inner, &path, found);
            } else {
                found.push(ListedVerb { path, command: inner.clone() });
            }
        }
    }
    let mut command = ra_agent::cli::command();
    command.build();
    let mut found = Vec::new();
    gather(&command, &[], &mut found);
    // They stay until they are interrupted; `tests/page.rs` and `tests/top.rs` have stories about what their output goes into.
    found.retain(|verb| verb.path != ["ui"] && verb.path != ["top"]);
    assert!(found.len() > 30, "{}", found.len());
    let ends = |verb: &ListedVerb| match verb.path[0].as_str() {
        "unregister" => 1,
        "daemon" => 2,
        _ => 0,
    };
    found.sort_by_key(ends);
    found
}

fn crowd() -> TestRepo {
    let repo = TestRepo::new();
    let items: String = (0..300).map(|n| format!("pub fn crowd_{n}() -> u32 {{ {n} }} // TODO: crowd\n")).collect();
    repo.write("src/lib.rs", &items);
    repo.commit("crowd");
    repo
}

fn indexed(repo: &TestRepo) -> TestAgent {
    let mut agent = TestAgent::without_model();
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    agent
}

/// A pipe that nobody reads.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Output { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

#[track_caller]
fn assert_no_panic(what: &str, args: &[String], output: &Output) {
    let is_sound = output.code.is_some_and(|code| code != 101) && !output.stderr.contains("panicked");
    assert!(is_sound && !output.stdout.contains("panicked"), "{args:?} {what}: {output:?}");
}

#[test]
fn no_verb_panics_whatever_its_output_goes_into() {
    let repo = crowd();
    let agent = indexed(&repo);
    for verb in verbs() {
        let mut args = verb.args(repo.path(), None);
        let plain = agent.run(&args);
        assert_no_panic("plainly", &args, &plain);
        for json in [false, true] {
            if json && !verb.has("json") {
                continue;
            }
            if json {
                args.push("--json".to_owned());
            }
            assert_no_panic("into a closed pipe", &args, &run(agent.command(&args).stdout(unread())));
            let output = run(agent.command(&args).stdout(full()));
            assert_no_panic("onto a full disk", &args, &output);
            if plain.code == Some(0)
                && !plain.stdout.is_empty()
                && !["unregister", "daemon"].contains(&args[0].as_str())
            {
                assert!(output.code != Some(0) && output.stderr.contains("standard output"), "{args:?}: {output:?}");
            }
        }
        for (what, closed) in [("output", ">&-"), ("error", "2>&-"), ("both", ">&- 2>&-"), ("input", "<&-")] {
            let mut shell = agent.command(["-c", &format!("exec \"$0\" \"$@\" {closed}")]);
            let program = shell.get_program().to_owned();
            let mut command = Command::new("sh");
            command.args(shell.get_args()).arg(program).args(&args).current_dir(agent.user_home()).env_clear();
            command.envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
            assert_no_panic(&format!("with standard {what} closed"), &args, &run(&mut command));
            shell.stdin(Stdio::null());
        }
        assert_no_panic("with errors into a closed pipe", &args, &run(agent.command(&args).stderr(unread())));
        assert_no_panic(
            "with errors onto a full disk",
            &args,
            &run(agent.command(&args).stderr(full()).stdout(full())),
        );
        let poor = run(agent.command(&args).env("LC_ALL", "C").env("TERM", "dumb").env("COLUMNS", "0"));
        assert_no_panic("on a poor terminal", &args, &poor);
    }
}

#[test]
fn help_onto_a_full_disk_is_an_error() {
    let agent = TestAgent::without_model();
    for args in [&["--help"][..], &["--version"], &["search", "--help"], &["help"]] {
        let output = run(agent.command(args).stdout(full()));
        assert_eq!(output.code, Some(1), "{args:?}: {output:?}");
        assert_eq!(run(agent.command(args).stdout(unread())).code, Some(0), "{args:?}");
    }
}

#[test]
fn no_verb_panics_on_a_terminal_of_no_width() {
    if cfg!(not(target_os = "linux")) || Command::new("script").arg("--version").output().is_err() {
        return left_out("a terminal of no width", "there is no `script` that makes one");
    }
    let repo = crowd();
    let agent = indexed(&repo);
    for verb in verbs().iter().filter(|verb| verb.path[0] != "daemon") {
        let args = verb.args(repo.path(), None);
        for (columns, rows) in [(0, 0), (1, 1)] {
            let shown = agent.command(&args);
            let words: Vec<String> = std::iter::once(shown.get_program())
                .chain(shown.get_args())
                .map(|word| format!("'{}'", word.to_str().unwrap()))
                .collect();
            let line = format!("stty cols {columns} rows {rows}; exec {}", words.join(" "));
            let mut command = Command::new("script");
            command.args(["-q", "-e", "-c", &line, "/dev/null"]).current_dir(agent.user_home()).env_clear();
            command.envs(shown.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let output = run(command.env("TERM", "xterm").stdin(Stdio::null()));
            assert_no_panic(&format!("on {columns} columns"), &args, &output);
        }
    }
}

/// Options whose value can be anything, each with the reason.
const ANYTHING: &[(&str, &str, &str)] = &[("search", "query", "words that are looked for; an empty answer says why")];

fn takes_value(arg: &&Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) && !arg.is_hide_set()
}

#[test]
fn a_value_that_means_nothing_is_an_error_for_every_verb() {
    let repo = crowd();
    let agent = indexed(&repo);
    for verb in verbs().iter().filter(|verb| verb.path[0] != "daemon") {
        for arg in verb.command.get_arguments().filter(takes_value) {
            let name = arg.get_id().as_str();
            if ANYTHING.iter().any(|(of, arg, _)| verb.path.join(" ") == *of && name == *arg) {
                continue;
            }
            let mut args = verb.args(repo.path(), Some(name));
            if let Some(long) = arg.get_long() {
                args.push(format!("--{long}"));
            }
            args.push(NONSENSE.to_owned());
            let output = agent.run(&args);
            assert_no_panic("with nonsense", &args, &output);
            assert!(output.code.is_some_and(|code| (1..=4).contains(&code)), "{args:?}: {output:?}");
            assert!(output.stderr.contains(NONSENSE), "{args:?} does not name the value: {output:?}");
            assert!(output.stdout.is_empty(), "{args:?} answers: {output:?}");
        }
    }
}

#[test]
fn none_and_less_than_none_are_no_number_of_answers() {
    let repo = crowd();
    let agent = indexed(&repo);
    let mut tried = 0;
    for verb in verbs().iter().filter(|verb| verb.path[0] != "daemon") {
        let counts = ["limit", "lines", "max-files", "days"];
        for long in verb.command.get_arguments().filter_map(Arg::get_long).filter(|long| counts.contains(long)) {
            for value in ["0", "-1", "1.5", "", "99999999999999999999999"] {
                let mut args = verb.args(repo.path(), None);
                args.push(format!("--{long}={value}"));
                let output = agent.run(&args);
                assert_eq!(output.code, Some(2), "{args:?}: {output:?}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 20, "{tried}");
}

/// A verb with its arguments (`R`: the repository), its exit code, and what its complaint says.
type Complaint<'a> = (&'a [&'a str], i32, &'a [&'a str]);

#[test]
fn a_wrong_value_is_answered_with_the_nearest_right_one() {
    let repo = TestRepo::with_files([
        ("src/lib.rs", "pub mod limits;\npub fn retry_again() {}\n"),
        ("src/limits.rs", "pub fn clamp(n: u8) -> u8 { n }\n"),
        ("docs/guide.md", "# Guide\n\nHow to retry.\n"),
    ]);
    let agent = indexed(&repo);
    let cases: &[Complaint<'_>] = &[
        (&["search", "retry", "--kind", "fucntion"], 2, &["fucntion", "did you mean function?"]),
        (&["search", "retry", "--kind", "modul"], 2, &["did you mean module?"]),
        (&["search", "retry", "--kind", "classes"], 2, &["did you mean class"]),
        (&["search", "retry", "--kind", ""], 2, &["known are function"]),
        (&["search", "retry", "--lang", "rusty"], 2, &["did you mean rust"]),
        (&["search", "retry", "--source", "comit"], 2, &["commit and worktree"]),
        (&["search", "retry", "--path", "["], 2, &["invalid glob"]),
        (&["search", "retry", "--path", ""], 2, &["--path is empty"]),
        (&["search", "retry", "--path", "src/limit.rs"], 2, &["src/limit.rs", "did you mean src/limits.rs"]),
        (&["search", "retry", "--path", "doc"], 2, &["no such file or directory is in the index"]),
        (&["search", "retry", "--repo", "/nowhere"], 4, &["/nowhere is not registered"]),
        (&["deps", "R", "src/limit.rs"], 2, &["src/limit.rs", "did you mean src/limits.rs"]),
        (&["deps", "R", "R/src/limit.rs"], 2, &["did you mean src/limits.rs"]),
        (&["deps", "R", "src"], 2, &["it is a directory"]),
        (&["show", "R/src/limit.rs"], 2, &["did you mean src/limits.rs"]),
        (&["show", "R/src"], 2, &["it is a directory"]),
        (&["show", "R"], 2, &["it is a directory"]),
        (&["impact", "R", "HEAD"], 2, &["not a range"]),
        (&["impact", "R", ".."], 2, &["not a range"]),
        (&["impact", "R", "HEAD~7..HEAD"], 2, &["HEAD~7 names no commit of", "git -C"]),
        (&["impact", "R", "nosuch..HEAD"], 2, &["nosuch names no commit of"]),
        (&["impact", "R", "HEAD...HEAD~1"], 2, &["not a range"]),
        (&["impact", "R", "--file", "src/limit.rs"], 2, &["did you mean src/limits.rs"]),
        (&["impact", "R", "--symbol", "clmap"], 2, &["did you mean clamp"]),
        (&["report", "R", "--since", "5x"], 2, &["5x is neither an age nor a range"]),
        (&["report", "R", "--since", ""], 2, &["an empty text is neither an age nor a range"]),
        (&["search", ""], 2, &["the query is empty"]),
        (&["cache", "clear", "--file", "R/src/limit.rs"], 2, &["did you mean src/limits.rs"]),
        (&["cache", "clear", "--type", "refactr"], 2, &["did you mean refactor?"]),
        (&["cache", "build", "R", "--priority", "hihg"], 2, &["did you mean high?"]),
        (&["cache", "prune", "--strategy", "lfu"], 2, &["cost-aware or lru"]),
        (&["model", "install", "bge-small-en"], 2, &["did you mean bge-small-en-v1.5?"]),
        (&["help", "serch"], 2, &["did you mean search"]),
    ];
    let path = repo.path().display().to_string();
    for (args, code, words) in cases {
        let args: Vec<String> = args
            .iter()
            .map(
                |arg| {
                    if *arg == "R" || arg.starts_with("R/") { arg.replacen('R', &path, 1) } else { (*arg).to_owned() }
                },
            )
            .collect();
        let output = agent.run(&args);
        assert_eq!(output.code, Some(*code), "{args:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{args:?}: {output:?}");
        // What a library calls its own parts helps nobody.
        for leak in ["delegate", "NthAncestor", "Reference", "input="] {
            assert!(!output.stderr.contains(leak), "{args:?}: {leak}: {output:?}");
        }
        words.iter().for_each(|word| assert!(output.stderr.contains(word), "{args:?}: {word}: {output:?}"));
    }
}

#[test]
fn an_empty_answer_says_why_it_is_empty() {
    let repo = TestRepo::with_files([("src/lib.rs", "pub fn alone() {}\n"), ("notes.txt", "nothing\n")]);
    let agent = indexed(&repo);
    let path = repo.path().to_str().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["search", "zebra"], "no indexed text has a word of the query"),
        (&["search", "🦀"], "no letter and no digit"),
        (&["search", "alone", "--kind", "trait"], "the query and --kind trait"),
        (&["search", "alone", "--lang", "python"], "no indexed file is in the language python"),
        (&["search", "alone", "--path", "*.md"], "no indexed file matches --path *.md"),
        (&["search", "alone", "--source", "worktree"], "no saved change"),
        (&["deps", path, "src/lib.rs"], "uses no file of this repository"),
        (&["deps", path, "notes.txt"], "what such files use is not known"),
        (&["deps", path], "no file of this repository uses another one"),
        (&["impact", path, "HEAD..HEAD"], "the two commits have the same files"),
        (&["queue", "list"], "no job"),
        (&["budget", "history"], "nothing was spent"),
        (&["cache", "build", path], "nothing to do"),
        (&["cache", "sync", path], "nothing to do"),
    ];
    for (args, why) in cases {
        let said = agent.ok(*args);
        let is_said = said.contains(why) || args[0] == "queue" && said.contains("waits");
        assert!(is_said, "{args:?}: {said}");
    }
}
