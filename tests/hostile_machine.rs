//! The promise: a full disk, another user, a machine that is short of watches cost no commit, and the agent recovers afterwards.
//!
//! Each needs rights that a test may not have (a mount of its own, another user's id); without them it says that it is left out.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::support::{TestAgent, TestRepo, left_out, untouched, wait_until};

/// The user `nobody`, with the number that most distributions give it.
const ANOTHER_USER: &str = "65534";
const SOON: Duration = Duration::from_secs(60);

/// Whether this machine lets the test do it; says so if not.
fn can(what: &str, program: &str, args: &[&str]) -> bool {
    let done = Command::new(program).args(args).stdin(Stdio::null()).output();
    let can = done.is_ok_and(|output| output.status.success());
    if !can {
        left_out("all", &format!("this machine does not permit {what}"));
    }
    can
}

fn can_mount() -> bool {
    can("a mount of one's own", "unshare", &["-rm", "mount", "-t", "tmpfs", "none", "/mnt"])
}

fn can_be_another_user() -> bool {
    can("to be another user", "setpriv", &["--reuid", ANOTHER_USER, "--regid", ANOTHER_USER, "--clear-groups", "true"])
}

fn a_repo() -> TestRepo {
    TestRepo::with_files([("src/lib.rs", "pub fn one() -> u32 {\n    1\n}\n")])
}

/// For the scripts: a daemon in the background that ends with the script, up to its first rest.
const START: &str = r#"
    start() {
        "$AGENT" daemon run >"$SAID" 2>&1 &
        daemon=$!
        trap 'kill $daemon 2>/dev/null || true; wait' EXIT
        tries=0
        until "$AGENT" wait --timeout 60s >/dev/null 2>&1; do
            tries=$((tries + 1))
            [ $tries -lt 100 ] || { echo "it does not start:"; cat "$SAID"; exit 1; }
            sleep 0.1
        done
    }
"#;

/// Runs a shell script with the agent's environment in a name space of its own, in which it may mount and set limits.
#[track_caller]
fn run_apart(agent: &TestAgent, repo: &TestRepo, script: &str) -> String {
    let environment = agent.command(["status"]);
    let environment = environment.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    let output = Command::new("unshare")
        .args(["-rm", "/bin/sh", "-euxc", &format!("{START}{script}")])
        .env_clear()
        .envs(environment)
        .env("AGENT", env!("CARGO_BIN_EXE_ra-agent"))
        .env("REPO", repo.path())
        .env("STATE", agent.home())
        .env("SAID", repo.outside("said"))
        .envs([
            ("GIT_AUTHOR_NAME", "A"),
            ("GIT_AUTHOR_EMAIL", "a@x"),
            ("GIT_COMMITTER_NAME", "A"),
            ("GIT_COMMITTER_EMAIL", "a@x"),
        ])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = printed_by(&output);
    assert!(output.status.success(), "{printed}");
    printed
}

fn printed_by(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// FAILURES 3 and 62. The home is a file system of 24 MB, filled to the last byte.
#[test]
fn f3_and_f62_a_full_disk_costs_no_commit_and_is_got_over() {
    if !can_mount() {
        return;
    }
    let repo = a_repo();
    let agent = TestAgent::without_model();
    std::fs::create_dir_all(agent.home()).unwrap();
    let printed = run_apart(
        &agent,
        &repo,
        r#"
        mount -t tmpfs -o size=24m,mode=700 none "$STATE"
        printf '[watch]\npoll_secs = 1\n' >"$STATE/config.toml"
        "$AGENT" register "$REPO"
        "$AGENT" hooks install --in-repo "$REPO"
        start
        dd if=/dev/zero of="$STATE/filler" bs=64k 2>/dev/null || true
        dd if=/dev/zero of="$STATE/filler.rest" bs=1k 2>/dev/null || true
        cd "$REPO"
        n=0
        while [ $n -lt 5 ]; do
            n=$((n + 1))
            printf 'pub fn one() -> u32 {\n    1%s\n}\n' "$n" >src/lib.rs
            said=$(git commit --quiet --all --message "on a full disk" 2>&1)
            [ -z "$said" ] || { echo "the commit said: $said"; exit 1; }
        done
        "$AGENT" wait --timeout 3s >/dev/null 2>&1 && { echo "nothing was amiss: the disk was not full"; exit 1; }
        echo "== doctor"; "$AGENT" doctor && exit 1 || true
        kill -0 $daemon || { echo "the daemon has died:"; cat "$SAID"; exit 1; }
        rm "$STATE/filler" "$STATE/filler.rest"
        echo "== after"
        "$AGENT" wait --timeout 60s || { cat "$SAID"; exit 1; }
        "$AGENT" status --json | tr -d ' \n' | grep -q "\"indexed_commit\":\"$(git rev-parse HEAD)\"" || { "$AGENT" status; exit 1; }
        "$AGENT" cache verify >/dev/null
        "$AGENT" daemon stop
        "#,
    );
    assert!(printed.contains("PROBLEM  disk") && printed.contains("make room"), "{printed}");
}

/// FAILURES 26: the kernel gives this user five watches in all.
#[test]
fn f26_without_watches_polling_finds_commits_and_saves() {
    const WITH_LIMIT: &str = "echo 3 >/proc/sys/user/max_inotify_watches";
    if !can("a limit on watches", "unshare", &["-rm", "/bin/sh", "-c", WITH_LIMIT]) {
        return;
    }
    for limit in ["echo 3 >/proc/sys/user/max_inotify_watches", "echo 0 >/proc/sys/user/max_inotify_instances"] {
        let repo = a_repo();
        let agent = TestAgent::without_model();
        agent.write_config("[watch]\npoll_secs = 1\n");
        agent.ok(["register", repo.path().to_str().unwrap()]);
        let script = r#"
            @LIMIT@
            start
            cd "$REPO"
            printf 'pub fn two() {}\n' >src/two.rs
            git add --all
            git commit --quiet --message "without watches"
            tries=0
            until "$AGENT" status --json | tr -d ' \n' | grep -q "\"indexed_commit\":\"$(git rev-parse HEAD)\""; do
                tries=$((tries + 1))
                [ $tries -lt 300 ] || { cat "$SAID"; "$AGENT" status; exit 1; }
                sleep 0.1
            done
            printf 'pub fn saved_only() {}\n' >src/saved.rs
            tries=0
            until "$AGENT" search saved_only --json | grep -q '"worktree"'; do
                tries=$((tries + 1))
                [ $tries -lt 300 ] || { cat "$SAID"; "$AGENT" status; exit 1; }
                sleep 0.1
            done
            "$AGENT" status
            "$AGENT" doctor || true
            cat "$SAID"
            "$AGENT" daemon stop
        "#;
        let printed = run_apart(&agent, &repo, &script.replace("@LIMIT@", limit));
        assert!(printed.contains("the agent polls instead"), "{limit}: {printed}");
        assert!(printed.contains("its work tree is polled"), "{limit}: {printed}");
    }
}

/// A program as another user.
fn as_another_user(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", ANOTHER_USER, "--regid", ANOTHER_USER, "--clear-groups", "--"]).arg(program);
    command
}

fn give_to_another_user(path: &Path) {
    let output = Command::new("chown").args(["-R", &format!("{ANOTHER_USER}:{ANOTHER_USER}")]).arg(path).output();
    assert!(output.unwrap().status.success());
}

/// Opens the way to a path for everybody.
fn let_through(path: &Path) {
    for dir in path.ancestors().take_while(|dir| dir.starts_with("/tmp") && *dir != Path::new("/tmp")) {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// FAILURES 57: another user reaches neither the socket by its path, nor an answer where a way to it is open.
#[test]
fn f57_another_user_is_not_answered() {
    if !can_be_another_user() || !can("perl as a client", "perl", &["-MIO::Socket::UNIX", "-e", ""]) {
        return;
    }
    const CLIENT: &str = r#"
        my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "not connected: $!\n";
        $SIG{PIPE} = "IGNORE";
        $s->print("{\"protocol\":1,\"request\":{\"do\":\"ping\"}}\n");
        $s->flush;
        print defined($s->getline) ? "answered\n" : "hung up\n";
    "#;
    let mut agent = TestAgent::without_model();
    agent.start();
    let socket = agent.home().join("run/agent.sock");
    let ask = || {
        let mut client = as_another_user("perl");
        printed_by(&client.args(["-MIO::Socket::UNIX", "-e", CLIENT]).arg(&socket).output().unwrap())
    };
    let own = Command::new("perl").args(["-MIO::Socket::UNIX", "-e", CLIENT]).arg(&socket).output().unwrap();
    assert_eq!(printed_by(&own), "answered\n", "the client itself works");
    assert!(ask().contains("Permission denied"), "{}", ask());
    // with every permission given: the daemon still checks who it is
    let_through(&agent.home().join("run"));
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o777)).unwrap();
    let printed = ask();
    assert_eq!(printed, "hung up\n");
    assert_eq!(agent.json(["status"])["daemon"]["running"], json!(true));
}

/// FAILURES 19 and 4: the superuser commits in a user's repository, and a user where the superuser's file stands in the inbox.
#[test]
fn f19_and_f4_another_users_commit_leaves_no_file_in_the_home() {
    if !can_be_another_user() {
        return;
    }
    let repo = a_repo();
    let agent = TestAgent::without_model();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.ok(["hooks", "install", "--in-repo", repo.path().to_str().unwrap()]);
    let inbox = std::fs::read_dir(agent.home().join("run/inbox")).unwrap().next().unwrap().unwrap().path();
    let commit = |git: &mut Command| {
        let said = git.args(["commit", "--quiet", "--allow-empty", "--message", "x"]).output().unwrap();
        assert!(said.status.success() && printed_by(&said).is_empty(), "{}", printed_by(&said));
    };
    // by the superuser, where all is another's
    give_to_another_user(&agent.home());
    commit(&mut repo.command(&["-c", "safe.directory=*"]));
    for entry in walk(&agent.home()) {
        assert_eq!(entry.metadata().unwrap().uid().to_string(), ANOTHER_USER, "{entry:?}");
    }
    std::fs::remove_file(&inbox).unwrap();
    commit(&mut repo.command(&["-c", "safe.directory=*"]));
    assert!(!inbox.exists(), "a hook makes nothing");

    // by the user, where the file is the superuser's
    std::fs::write(&inbox, "of the superuser").unwrap();
    std::fs::set_permissions(&inbox, std::fs::Permissions::from_mode(0o600)).unwrap();
    let_through(repo.path());
    give_to_another_user(repo.path());
    let own = repo.command(&[]);
    let mut git = as_another_user("git");
    git.current_dir(repo.path()).env_clear().envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    git.env("HOME", "/nonexistent");
    commit(&mut git);
    assert_eq!(std::fs::read(&inbox).unwrap(), b"of the superuser");
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { [walk(&path), vec![path]].concat() } else { vec![path] }).collect()
}

/// FAILURES 62: nothing can be written, and everything that reads goes on.
#[test]
fn f62_a_home_that_became_read_only_is_read_from_and_told() {
    if !can_mount() {
        return;
    }
    let repo = a_repo();
    let mut agent = TestAgent::without_model();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.start();
    agent.wait();
    agent.stop();
    let printed = untouched(repo.path(), || {
        run_apart(
            &agent,
            &repo,
            r#"
            mount --bind "$STATE" "$STATE"
            mount -o remount,bind,ro "$STATE"
            "$AGENT" status
            "$AGENT" show "$REPO/src/lib.rs"
            "$AGENT" search one
            "$AGENT" daemon start && exit 1 || true
            "#,
        )
    });
    assert!(printed.contains("Read-only file system") && printed.contains("function one"), "{printed}");
    agent.start();
    wait_until(SOON, "it goes on when it can write again", || agent.run(["wait"]).code == Some(0));
}

/// Each store is two or three open files.
#[test]
fn more_repositories_than_open_files_are_searched() {
    const REPOS: usize = 24;
    let mut agent = TestAgent::without_model();
    let repos: Vec<TestRepo> = (0..REPOS)
        .map(|n| TestRepo::with_files([("src/lib.rs", format!("pub fn kept_open_{n}() {{}}\n").as_str())]))
        .collect();
    agent.start();
    repos.iter().for_each(|repo| drop(agent.ok(["register".as_ref(), repo.path().as_os_str()])));
    agent.wait();
    agent.stop();
    let plain = agent.command(["search", "kept open", "--limit", "100", "--json"]);
    let limited = Command::new("/bin/sh")
        .args(["-c", &format!("ulimit -S -n {REPOS} && exec \"$0\" \"$@\"")])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stderr);
    let answer: serde_json::Value = serde_json::from_slice(&limited.stdout).expect(&said);
    assert_eq!(answer["hits"].as_array().map(Vec::len), Some(REPOS), "{answer} {said}");
    assert!(answer["errors"].as_array().is_none_or(Vec::is_empty), "{answer}");
}
