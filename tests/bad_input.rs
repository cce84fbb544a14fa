//! The promise: bad input of any verb is reported with its name and the next step, the right exit code and no panic; a bad repository
//! does not hurt the others.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Output, TestAgent, TestRepo, left_out, untouched, wait_until};

const NOWHERE: &str = "/nowhere/at/all";

/// A verb with its arguments, its exit code, and what its complaint must say.
type Case<'a> = (&'a [&'a str], i32, &'a [&'a str]);

#[track_caller]
fn complains(output: &Output, args: &[&str], code: i32, words: &[&str]) {
    assert_eq!(output.code, Some(code), "{args:?}: {output:?}");
    assert!(!output.stderr.is_empty(), "{args:?} says nothing");
    assert!(!output.stderr.contains("panicked"), "{args:?}: {}", output.stderr);
    for word in words {
        assert!(output.stderr.contains(word), "{args:?}: {word:?} is not in: {}", output.stderr);
    }
}

#[track_caller]
fn each_complains(agent: &TestAgent, cases: &[Case<'_>]) {
    for (args, code, words) in cases {
        complains(&agent.run(*args), args, *code, words);
    }
}

/// Every verb, with arguments that it takes.
const VERBS: [&[&str]; 24] = [
    &["register", "."],
    &["unregister", "."],
    &["repos"],
    &["daemon", "run"],
    &["daemon", "start"],
    &["daemon", "stop"],
    &["daemon", "restart"],
    &["wait"],
    &["status"],
    &["logs"],
    &["hooks", "install"],
    &["hooks", "uninstall"],
    &["hooks", "status"],
    &["model", "install"],
    &["model", "list"],
    &["reconcile", "."],
    &["queue", "list"],
    &["queue", "show", "1"],
    &["queue", "pause"],
    &["show", "file"],
    &["search", "query"],
    &["impact", "."],
    &["deps", "."],
    &["completions", "bash"],
];

#[test]
fn an_unknown_flag_is_a_usage_error_of_every_verb() {
    let agent = TestAgent::without_model();
    for verb in VERBS {
        let args = [verb, &["--no-such-flag"]].concat();
        complains(&agent.run(&args), &args, 2, &["--no-such-flag", "--help"]);
    }
    each_complains(
        &agent,
        &[
            (&["no-such-verb"], 2, &["no-such-verb"]),
            (&["statsu"], 2, &["status"]),
            (&["register"], 2, &["<REPO>"]),
            (&["search"], 2, &["<QUERY>"]),
            (&["queue", "retry"], 2, &["JOB"]),
            (&["queue", "show", "x"], 2, &["x is not the number of a job", "queue list"]),
            (&["wait", "--timeout", "soon"], 2, &["soon", "60s"]),
            (&["register", ".", "--json"], 2, &["--dry-run"]),
            (&["completions", "tcl"], 2, &["bash"]),
        ],
    );
    assert!(!agent.home().exists(), "a usage error makes no home");
}

#[test]
fn what_is_not_registered_is_named_with_the_next_step() {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files([("a.rs", "pub fn a() {}\n")]);
    let path = repo.path().to_str().unwrap();
    // first with nothing known at all, then next to a repository that is
    let other = TestRepo::with_files([("b.rs", "pub fn b() {}\n")]);
    for _ in 0..2 {
        for named in [NOWHERE, path] {
            let file = format!("{named}/a.rs");
            let cases: [Case<'_>; 7] = [
                (&["unregister", named], 4, &[named, "ra-agent register"]),
                (&["wait", "--repo", named], 4, &[named, "ra-agent register"]),
                (&["reconcile", named], 4, &[named, "ra-agent register"]),
                (&["queue", "list", "--repo", named], 4, &[named]),
                (&["show", &file], 4, &[&file, "ra-agent register"]),
                (&["search", "words", "--repo", named], 4, &[named]),
                (&["deps", named], 4, &[named]),
            ];
            each_complains(&agent, &cases);
        }
        // `impact` needs a repository, but none that is registered.
        let nowhere: &[&str] = &[NOWHERE, "does not exist"];
        each_complains(&agent, &[(&["impact", NOWHERE], 4, nowhere), (&["report", NOWHERE], 4, nowhere)]);
        let plain: &[&str] = &["/ is not in a Git repository"];
        each_complains(&agent, &[(&["impact", "/"], 4, plain), (&["report", "/"], 4, plain)]);
        agent.ok(["register", other.path().to_str().unwrap()]);
    }
    let known = other.path().to_str().unwrap();
    let file = other.path().join("b.rs");
    each_complains(
        &agent,
        &[
            (&["register", NOWHERE], 1, &[NOWHERE, "does not exist"]),
            (&["show", file.to_str().unwrap()], 1, &["has not been indexed yet", "ra-agent daemon start"]),
            (&["impact", known, "HEAD"], 2, &["HEAD is not a range", "FROM..TO"]),
            (&["impact", known, "HEAD...HEAD"], 2, &["not a range"]),
            (&["impact", known, "no-such-branch..HEAD"], 2, &["no-such-branch"]),
            (&["search", " "], 2, &["the query is empty"]),
            (&["search", &"x".repeat(5_000)], 2, &["longer than 4096 bytes"]),
            (&["queue", "show", "999"], 1, &["no job 999", "queue list --all"]),
            (&["queue", "retry", "999"], 1, &["job 999", "queue list --discarded"]),
            (&["queue", "discard", "999"], 1, &["no job 999"]),
            (&["cache", "verify"], 1, &["1 repository is not indexed yet", "ra-agent wait"]),
            (&["model", "use", "all-MiniLM-L6-v2"], 2, &["`ra-agent model install all-MiniLM-L6-v2`"]),
            (&["model", "install", "no-such-model"], 2, &["no-such-model", "bge-small-en-v1.5"]),
            (&["model", "install", "all-MiniLM-L6-v2", "--from", NOWHERE], 1, &[NOWHERE]),
            (&["hooks", "install", "--in-repo", NOWHERE], 4, &[NOWHERE]),
            (&["logs"], 1, &["no log yet", "ra-agent daemon start"]),
        ],
    );
}

#[test]
fn without_a_daemon_only_what_needs_one_says_so() {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files([("a.rs", "pub fn a() {}\n")]);
    let path = repo.path().to_str().unwrap();
    agent.ok(["register", path]);
    let next: &[&str] = &["the daemon is not running", "ra-agent daemon start"];
    each_complains(
        &agent,
        &[
            (&["wait"], 3, next),
            (&["wait", "--repo", path], 3, next),
            (&["reconcile", path], 3, next),
            (&["daemon", "stop"], 3, next),
        ],
    );
    for args in [
        &["status"][..],
        &["repos"],
        &["queue", "list"],
        &["queue", "pause"],
        &["queue", "resume"],
        &["search", "a"],
        &["deps", path],
        &["model", "list"],
        &["hooks", "status"],
        &["unregister", path],
    ] {
        agent.ok(args);
    }
}

#[test]
fn a_corrupt_configuration_is_named_with_its_line_by_every_verb() {
    let agent = TestAgent::without_model();
    let before: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("[cache]\nmax_size_mb = \"many\"\n", &["config.toml:2", "cache.max_size_mb"][..]),
        ("[watch]\ndebounce_ms = 1\n[watch\n", &["config.toml:3"]),
        ("[budget]\n\nmonthly_usd = -1\n", &["config.toml:3", "budget.monthly_usd"]),
        ("[watsch]\n", &["config.toml:1", "did you mean `watch`?"]),
    ]);
    for (text, words) in before {
        agent.write_config(text);
        // it prints a script, whatever the configuration says
        for args in VERBS.iter().filter(|args| args[0] != "completions") {
            complains(&agent.run(*args), args, 1, words);
        }
    }
    std::fs::write(agent.home().join("config.toml"), b"[cache]\n\xff\xfe\n").unwrap();
    complains(&agent.run(["status"]), &["status"], 1, &["config.toml"]);
    assert!(!agent.home().join("agent.db").exists());
}

#[test]
fn a_home_that_cannot_be_written_is_named() {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files([("a.rs", "pub fn a() {}\n")]);
    let path = repo.path().to_str().unwrap();
    let run = |home: &Path, args: &[&str]| {
        let output = agent.command(args).env("RA_AGENT_HOME", home).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Output { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    };
    let writers: [&[&str]; 4] =
        [&["register", path], &["daemon", "run"], &["daemon", "start"], &["model", "install", "all-MiniLM-L6-v2"]];
    let file = agent.user_home().join("file");
    std::fs::write(&file, "").unwrap();
    // where not even a superuser can make a directory
    for home in [file.join("h"), Path::new("/proc/ra-agent").to_owned()] {
        for args in writers {
            complains(&run(&home, args), args, 1, &[home.to_str().unwrap(), "RA_AGENT_HOME"]);
        }
    }
    let deep = agent.user_home().join("d".repeat(120));
    complains(&run(&deep, &["status"]), &["status"], 1, &["too deep", "RA_AGENT_HOME"]);
    if rustix::process::geteuid().is_root() {
        left_out("a home below a directory that is locked", "a superuser may write everywhere");
    } else {
        let locked = agent.user_home().join("locked");
        std::fs::create_dir(&locked).unwrap();
        std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o500)).unwrap();
        for args in writers {
            complains(&run(&locked.join("h"), args), args, 1, &["locked", "RA_AGENT_HOME"]);
        }
    }
}

#[test]
fn f39_a_repository_without_a_commit_waits_for_its_first() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::new();
    let path = repo.path().to_str().unwrap();
    agent.start();
    untouched(repo.path(), || {
        agent.ok(["register", path]);
        agent.wait();
        let status = agent.json(["status"])["repos"][0].clone();
        assert_eq!((&status["head"], &status["files"], &status["error"]), (&Value::Null, &json!(0), &Value::Null));
        assert_eq!(agent.json(["search", "anything"])["hits"], json!([]));
        assert_eq!(agent.json(["deps", path])["edges"], json!([]));
        let output = agent.run(["impact", path]);
        assert!(!output.stderr.contains("panicked"), "{output:?}");
        agent.ok(["register", path, "--dry-run"]);
    });
    // What is saved is indexed before it is committed.
    repo.write("src/lib.rs", "pub fn first() {}\n");
    agent.wait();
    let found = agent.json(["search", "first"]);
    assert_eq!(found["hits"][0]["source"], json!("worktree"), "{found}");
    let missed = agent.json(["search", "absent"]);
    assert_eq!(missed["why_empty"], json!("no indexed text has a word of the query"), "{missed}");
    let edges = agent.json(["deps", path]);
    assert_eq!(edges["why_empty"], json!("no file of this repository uses another one"), "{edges}");
    let head = repo.commit("first");
    agent.wait();
    let status = agent.json(["status"])["repos"][0].clone();
    assert_eq!((&status["indexed_commit"], &status["fresh"]), (&json!(head), &json!(1)), "{status}");
}

#[test]
fn f39_a_damaged_repository_reports_it_and_the_others_go_on() {
    let mut agent = TestAgent::without_model();
    let damages: [(&str, &[u8]); 4] = [
        ("HEAD", b"\0\0\0\0 garbage"),
        ("HEAD", b"ref: refs/heads/no-such-branch\n"),
        ("refs/heads/main", b"1111111111111111111111111111111111111111\n"),
        ("refs/heads/main", b"not hex\n"),
    ];
    let healthy = TestRepo::with_files([("a.rs", "pub fn a() {}\n")]);
    let sick = TestRepo::with_files([("b.rs", "pub fn b() {}\n")]);
    agent.start();
    for repo in [&healthy, &sick] {
        agent.ok(["register", repo.path().to_str().unwrap()]);
    }
    agent.wait();
    for (file, bytes) in damages {
        let sound = std::fs::read(sick.git_dir().join(file)).unwrap();
        std::fs::write(sick.git_dir().join(file), bytes).unwrap();
        healthy.edit("a.rs", "fn a", "fn a_");
        let head = healthy.commit("it goes on");
        untouched(sick.path(), || agent.wait());
        let status = |of: &TestRepo| {
            let all = agent.json(["status"])["repos"].clone();
            let path = json!(of.path());
            all.as_array().unwrap().iter().find(|repo| repo["repo"] == path).unwrap().clone()
        };
        let (one, other) = (status(&healthy), status(&sick));
        assert_eq!((&one["indexed_commit"], &one["fresh"], &one["error"]), (&json!(head), &json!(1), &Value::Null));
        assert!(other["error"].as_str().is_some_and(|error| !error.is_empty()), "{file}: {other}");
        assert_eq!(other["files"], json!(1), "what is known stays: {other}");
        assert!(!agent.log().contains("panicked"));

        std::fs::write(sick.git_dir().join(file), sound).unwrap();
        agent.wait();
        assert_eq!(status(&sick)["error"], Value::Null, "{file}");
        sick.edit("b.rs", "fn b", "fn b_");
        let head = sick.commit("repaired");
        agent.wait();
        assert_eq!(status(&sick)["indexed_commit"], json!(head));
    }
}

#[test]
fn f44_f45_and_f47_what_is_not_read_says_why() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::new();
    let passwd = "/etc/passwd";
    let huge = format!("pub fn big() {{}}\n{}", "// filler\n".repeat(110_000));
    let skipped: [(&str, &[u8], &str); 8] = [
        ("src/data.rs", b"pub fn x() {}\n\0\0\0", "binary"),
        ("src/huge.rs", huge.as_bytes(), "huge"),
        (".env", b"KEY=secret-in-env\n", "denied"),
        ("keys/id.pem", b"-----BEGIN\n", "denied"),
        ("Cargo.lock", b"version = 4\n", "generated"),
        ("src/made.rs", b"// @generated by a tool\npub fn made() {}\n", "generated"),
        ("vendor/dep/src/lib.rs", b"pub fn dep() {}\n", "vendored"),
        ("big.bin", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "lfs-pointer"),
    ];
    for (path, content, _) in skipped {
        repo.write(path, content);
    }
    repo.write("src/lib.rs", "pub fn plain() {}\n");
    repo.write("src/broken.rs", "pub fn broken( { ) }}}} \"unterminated\n");
    repo.write("src/latin.rs", "// caf\u{e9}\npub fn latin() {}\n");
    repo.write("src/with space and \u{fc}.rs", "pub fn odd_name() {}\n");
    std::os::unix::fs::symlink(passwd, repo.path().join("link.rs")).unwrap();
    std::os::unix::fs::symlink(".", repo.path().join("loop")).unwrap();
    repo.commit("everything");
    agent.start();
    untouched(repo.path(), || {
        agent.ok(["register", repo.path().to_str().unwrap()]);
        agent.wait();
    });
    let show = |path: &str| agent.json(["show", repo.path().join(path).to_str().unwrap()]);
    for (path, _, reason) in skipped {
        assert_eq!(show(path)["skipped"], json!(reason), "{path}");
    }
    let status = agent.json(["status"])["repos"][0].clone();
    assert_eq!((&status["skipped"], &status["stale"]), (&json!(10), &json!(0)), "{status}");
    for path in ["src/lib.rs", "src/broken.rs", "src/latin.rs", "src/with space and \u{fc}.rs"] {
        let shown = show(path);
        assert_eq!(shown["skipped"], Value::Null, "{shown}");
        let fresh: Vec<bool> =
            shown["analyses"].as_array().unwrap().iter().map(|one| one["fresh"] == json!(true)).collect();
        assert_eq!(fresh, [true; 4], "{shown}");
    }
    for secret in ["secret", "root:x", "BEGIN"] {
        assert_eq!(agent.json(["search", secret])["hits"], json!([]), "{secret}");
    }
    assert!(!agent.log().contains("panicked"));
    // What was never committed is told from what is not there.
    repo.write(".env.local", "KEY=another-secret\n");
    repo.write(".gitignore", "*.tmp\n");
    repo.write("noise.tmp", "noise\n");
    for (path, why) in [
        (".env.local", "it is skipped (denied)"),
        ("noise.tmp", "Git ignores it"),
        ("src/liv.rs", "did you mean src/lib.rs"),
        ("", "is no file: it is a directory"),
    ] {
        let output = agent.run(["show", repo.path().join(path).to_str().unwrap()]);
        assert!(output.code == Some(2) && output.stderr.contains(why), "{path}: {output:?}");
    }
}

#[test]
fn a_repository_whose_objects_are_gone_reports_it_and_recovers() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files([("a.rs", "pub fn a() {}\n")]);
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    let (objects, aside) = (repo.git_dir().join("objects"), repo.outside("objects"));
    repo.edit("a.rs", "fn a", "fn a_");
    repo.git(&["add", "--all"]);
    std::fs::rename(&objects, &aside).unwrap();
    agent.wait();
    let error = || agent.json(["status"])["repos"][0]["error"].clone();
    wait_until(Duration::from_secs(10), "the error is reported", || error().is_string());
    std::fs::rename(&aside, &objects).unwrap();
    let head = repo.commit("it is back");
    agent.wait();
    assert_eq!(agent.json(["status"])["repos"][0]["indexed_commit"], json!(head));
    assert_eq!(error(), Value::Null);
}
