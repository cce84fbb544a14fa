//! The promise: the first minute explains itself. Each step says what comes next, an interrupted set-up goes on where it was, and the end of it
//! shows what can be tried on this very repository.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;

use crate::support::{Output, TestAgent, TestRepo, untouched, wait_until};

const FILES: [(&str, &str); 4] = [
    ("Cargo.toml", "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    ("src/lib.rs", "pub mod links;\npub mod list;\n"),
    ("src/links.rs", "pub fn resolve_broken_links(path: &str) -> String {\n    path.trim().to_owned()\n}\n"),
    (
        "src/list.rs",
        "use crate::links::resolve_broken_links;\n\npub fn list(paths: &[&str]) -> Vec<String> {\n    paths.iter().map(|path| resolve_broken_links(path)).collect()\n}\n",
    ),
];

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn register_starts_the_daemon_if_it_is_asked_to() {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    let said = agent.ok(["register", text(repo.path())]);
    assert!(said.contains("`ra-agent daemon start`"), "without a terminal nothing is asked: {said}");
    let early = agent.ok(["try", text(repo.path())]);
    assert!(early.contains("`ra-agent wait`"), "{early}");
    let said = agent.ok(["register", text(repo.path()), "--start"]);
    assert!(said.contains("the daemon is running") && said.contains("`ra-agent wait`"), "{said}");
    agent.wait();
    let again = agent.ok(["register", text(repo.path()), "--start"]);
    assert!(!again.contains("the daemon"), "it runs: {again}");
    agent.ok(["daemon", "stop"]);
}

#[test]
fn a_wait_ends_when_files_can_be_searched() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    agent.start();
    agent.ok(["register", text(repo.path())]);
    let words = agent.ok(["wait", "--until", "words"]);
    assert_eq!(words, "every file can be searched by words\n");
    let found = agent.json(["search", "resolve_broken_links"]);
    assert_eq!(found["hits"][0]["path"], "src/links.rs", "{found:#}");
    // without a model, by words is all there is
    agent.ok(["wait", "--until", "meaning"]);
    agent.ok(["wait"]);
}

#[test]
fn what_is_shown_to_try_is_what_the_commands_find() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    repo.edit("src/links.rs", "path: &str", "path: &str, _deep: bool");
    repo.edit("src/list.rs", "(path)", "(path, true)");
    repo.commit("Resolve deep links");
    agent.start();
    agent.ok(["register", text(repo.path())]);
    agent.wait();
    let view = untouched(repo.path(), || agent.json(["try", text(repo.path())]));
    let steps = view["steps"].as_array().unwrap();
    let command = |step: usize| -> Vec<String> {
        steps[step]["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(steps.len(), 3, "{view:#}");
    assert_eq!(command(0)[..2], ["search", "resolve broken links"]);
    assert_eq!(steps[0]["shows"], "finds src/links.rs:1, function resolve_broken_links");
    assert_eq!(agent.json(command(0))["hits"][0]["path"], "src/links.rs");
    assert_eq!(command(1), ["show", text(&repo.path().join("src/links.rs"))]);
    assert!(steps[1]["shows"].as_str().unwrap().contains("file(s) use it"), "{view:#}");
    assert!(agent.ok(command(1)).contains("src/list.rs"));
    assert_eq!(command(2), ["impact", text(repo.path())]);
    assert!(steps[2]["shows"].as_str().unwrap().contains("2 file(s) changed"), "{view:#}");
    assert_eq!(agent.json(command(2))["changed"].as_array().unwrap().len(), 2);
    let shown = agent.ok(["try", text(repo.path())]);
    assert!(shown.contains("ra-agent search 'resolve broken links' --repo"), "as a shell takes it: {shown}");
    let programs = tempfile::tempdir().unwrap();
    let called = || {
        let output = agent.command(["try", text(repo.path())]).env("PATH", programs.path()).output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        shown.split_whitespace().find(|word| word.ends_with("ra-agent")).unwrap().to_owned()
    };
    assert_eq!(called(), env!("CARGO_BIN_EXE_ra-agent"));
    std::fs::write(programs.path().join("ra-agent"), "").unwrap();
    assert_eq!(called(), "ra-agent", "it is on the PATH");
    repo.write("notes.md", "# Notes\n");
    repo.commit("Take notes");
    agent.wait();
    let view = agent.json(["try", text(repo.path())]);
    let impact: Vec<&str> =
        view["steps"][2]["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert!(impact.len() == 3 && impact[2].contains(".."), "the last one that changed code: {view:#}");
    assert_eq!(agent.json(impact)["changed"].as_array().unwrap().len(), 2);
}

/// Repositories of several kinds: what is to be searched for in each, by the name of the function, is there under other names, too.
const KINDS: [(&str, &[(&str, &str)]); 6] = [
    (
        "a type whose first method is in its chunk",
        &[
            ("Cargo.toml", "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
            ("src/lib.rs", "pub mod line;\npub mod one;\npub mod two;\n"),
            (
                "src/line.rs",
                "/// A line terminator.\npub struct LineTerminator(u8);\n\nimpl LineTerminator {\n    pub fn byte(byte: u8) -> Self {\n        Self(byte)\n    }\n\n    \
                 pub fn is_suffix(&self, line: &[u8]) -> bool {\n        line.last() == Some(&self.0)\n    }\n}\n",
            ),
            (
                "src/one.rs",
                "use crate::line::LineTerminator;\n\npub fn line_terminator() -> LineTerminator {\n    LineTerminator::byte(10)\n}\n",
            ),
            (
                "src/two.rs",
                "use crate::line::LineTerminator;\n\npub fn ends(line: &[u8]) -> bool {\n    LineTerminator::byte(10).is_suffix(line)\n}\n",
            ),
        ],
    ),
    (
        "python",
        &[
            ("shop/__init__.py", ""),
            ("shop/vat.py", "def reduced_rate(country):\n    return 7\n"),
            (
                "shop/cart.py",
                "from shop.vat import reduced_rate\n\n\ndef total(items):\n    return reduced_rate('de')\n",
            ),
        ],
    ),
    (
        "go",
        &[
            ("go.mod", "module example.org/a\n\ngo 1.22\n"),
            ("vat/vat.go", "package vat\n\nfunc ReducedRate(country string) int {\n\treturn 7\n}\n"),
            (
                "main.go",
                "package main\n\nimport \"example.org/a/vat\"\n\nfunc main() {\n\tprintln(vat.ReducedRate(\"de\"))\n}\n",
            ),
        ],
    ),
    ("a script that nobody uses", &[("run.sh", "build_release_notes() {\n    echo notes\n}\nbuild_release_notes\n")]),
    (
        "two functions in a chunk, and an example before them",
        &[
            ("examples/symbols.lua", "local function expand_all(x)\n  return x\nend\n"),
            (
                "lib/text.lua",
                "local function is_number(x)\n  return x\nend\nlocal function trim_ends(x)\n  return x\nend\n",
            ),
        ],
    ),
    ("names with blanks and quotes", &[("it's here/a b.py", "def odd_named_place():\n    return 1\n")]),
];

#[test]
fn a_shown_search_finds_first_what_is_shown() {
    let mut agent = TestAgent::without_model();
    let repos: Vec<TestRepo> = KINDS.iter().map(|(_, files)| TestRepo::with_files(files.iter().copied())).collect();
    agent.start();
    for repo in &repos {
        agent.ok(["register", text(repo.path())]);
    }
    agent.wait();
    for ((kind, _), repo) in KINDS.iter().zip(&repos) {
        let view = agent.json(["try", text(repo.path())]);
        let words: Vec<&str> =
            view["steps"][0]["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        assert_eq!(words[0], "search", "{kind}: {view:#}");
        assert!(!view["steps"][0].to_string().contains("examples/"), "{kind}: {view:#}");
        let first = &agent.json(words)["hits"][0];
        let shows = format!("finds {}:{}, ", first["path"].as_str().unwrap(), first["start_line"]);
        assert!(view["steps"][0]["shows"].as_str().unwrap().starts_with(&shows), "{kind}: {shows} {view:#}");
        for step in view["steps"].as_array().unwrap() {
            let words = step["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
            agent.ok(words);
        }
    }
}

#[test]
fn a_repository_without_code_has_something_to_try() {
    let mut agent = TestAgent::without_model();
    let prose = TestRepo::with_files([("notes.md", "# Baking sourdough bread\n\nFlour, water, salt.\n")]);
    let empty = TestRepo::new();
    agent.start();
    for repo in [&prose, &empty] {
        agent.ok(["register", text(repo.path())]);
    }
    agent.wait();
    let view = agent.json(["try", text(prose.path())]);
    let words = view["steps"][0]["command"][1].as_str().unwrap();
    assert!(words.contains("sourdough"), "{view:#}");
    assert_eq!(agent.json(["search", words])["hits"][0]["path"], "notes.md");
    let view = agent.json(["try", text(empty.path())]);
    assert!(view["steps"] == json!([]) && view["why_empty"].is_string(), "{view:#}");
}

/// Where a file system allows it, a path need not be text.
#[cfg(target_os = "linux")]
#[test]
fn a_repository_at_a_path_that_is_no_text_has_its_first_minute() {
    let mut agent = TestAgent::without_model();
    let origin = TestRepo::with_files(FILES);
    let odd = agent.user_home().join(OsStr::from_bytes(b"r\xe9po dir"));
    let cloned = Command::new("git").args(["clone", "--quiet", text(origin.path())]).arg(&odd).status();
    assert!(cloned.unwrap().success());
    agent.start();
    agent.ok([OsStr::new("register"), odd.as_os_str()]);
    agent.ok([OsStr::new("wait"), OsStr::new("--repo"), odd.as_os_str()]);
    let view = agent.json([OsStr::new("try"), odd.as_os_str()]);
    assert!(view["steps"].as_array().unwrap().len() >= 2, "{view:#}");
    for step in view["steps"].as_array().unwrap() {
        agent.ok(step["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()));
    }
    for args in
        [&["search", "resolve", "--repo"][..], &["impact"], &["reconcile"], &["cache", "verify"], &["unregister"]]
    {
        agent.ok(args.iter().map(OsStr::new).chain([odd.as_os_str()]));
    }
}

/// The archive of a release, unpacked: a program, and the scripts next to it. No model can be got.
struct Unpacked {
    agent: TestAgent,
    top: PathBuf,
}

impl Unpacked {
    fn new() -> Self {
        let agent = TestAgent::without_model();
        let top = agent.user_home().join("unpacked");
        std::fs::create_dir_all(top.join("install")).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("install");
        for name in ["quickstart.sh", "uninstall.sh", "prerequisites.sh", "fetch-model.sh", "install-hooks.sh"] {
            std::fs::copy(source.join(name), top.join("install").join(name)).unwrap();
        }
        std::fs::copy(source.join("install.sh"), top.join("install.sh")).unwrap();
        let program = format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_ra-agent"));
        for (path, script) in [
            ("ra-agent", program.as_str()),
            ("fake/python3", "#!/bin/sh\nexit 1\n"),
            ("fake/pip3", "#!/bin/sh\n[ \"$1\" = --version ]\n"),
        ] {
            std::fs::create_dir_all(top.join(path).parent().unwrap()).unwrap();
            std::fs::write(top.join(path), script).unwrap();
            std::fs::set_permissions(top.join(path), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { agent, top }
    }

    fn command(&self, script: &str, args: &[&str]) -> Command {
        let path = std::env::join_paths(
            [self.top.join("fake")].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let mut command = Command::new(self.top.join(script));
        command
            .args(args)
            .env_clear()
            .env("PATH", path.unwrap())
            .env("HOME", self.agent.user_home())
            .env("RA_AGENT_HOME", self.agent.home())
            .env("LC_ALL", "C.UTF-8")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(self.agent.user_home())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, script: &str, args: &[&str]) -> Output {
        let output = self.command(script, args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Output { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Runs the quickstart until it begins this step, then ends it as a closed terminal does. Returns what it said, and whether it came so far.
    fn interrupt_at(&self, step: &str, repo: &Path) -> (bool, String) {
        let mut command = self.command("install/quickstart.sh", &["--offline", text(repo)]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let (mut said, mut met) = (String::new(), false);
        while !met {
            let begin = said.len();
            if lines.read_line(&mut said).unwrap() == 0 {
                break;
            }
            met = said[begin..].starts_with(&format!("==> {step}"));
        }
        if met {
            kill_process_group(Pid::from_child(&child), Signal::TERM).unwrap();
        }
        lines.read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        assert!(!met || status.code() == Some(130) || status.signal().is_some(), "{status:?}: {said}");
        (met, said)
    }

    fn steps() -> Vec<String> {
        let script = include_str!("../install/quickstart.sh");
        let steps = script.split("step \"").skip(1).map(|rest| rest.split(['"', '$', '(']).next().unwrap().trim());
        let builds = ["Checking what", "Building"];
        steps.filter(|step| !builds.iter().any(|build| step.starts_with(build))).map(str::to_owned).collect()
    }
}

#[test]
fn a_quickstart_that_is_interrupted_anywhere_is_completed() {
    let unpacked = Unpacked::new();
    let repo = TestRepo::with_files(FILES);
    let mut met = Vec::new();
    for step in Unpacked::steps() {
        let (was_met, said) = unpacked.interrupt_at(&step, repo.path());
        assert!(!was_met || said.contains("run it again to go on"), "{step}: {said}");
        met.extend(was_met.then_some(step));
    }
    assert!(met.len() >= 7, "each step was interrupted: {met:?}");
    let done = untouched(repo.path(), || unpacked.run("install/quickstart.sh", &["--offline", text(repo.path())]));
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stderr.contains("already installed") && done.stderr.contains("already running"), "{done:?}");
    assert!(done.stdout.contains("To try on") && done.stdout.contains("resolve broken links"), "{done:?}");
    let commit = repo.commit("found by itself");
    wait_until(Duration::from_secs(60), "the commit is indexed", || {
        unpacked.agent.json(["status"])["repos"][0]["indexed_commit"] == json!(commit)
    });
    let gone = unpacked.run("install/uninstall.sh", &["--yes"]);
    assert_eq!(gone.code, Some(0), "{gone:?}");
    let home = unpacked.agent.user_home();
    assert!(!unpacked.agent.home().exists() && !home.join(".local/bin/ra-agent").exists());
    let left = std::fs::read_to_string(home.join(".gitconfig")).unwrap_or_default();
    assert!(!left.contains("hooks.gitconfig"), "{left}");
}

#[test]
fn a_quickstart_says_what_to_do_about_a_wrong_argument() {
    let unpacked = Unpacked::new();
    let repo = TestRepo::with_files(FILES);
    let path = text(repo.path());
    for (args, word) in [
        (&["--binary", "/nowhere", path][..], "leave --binary out"),
        (&["--deb", "/nowhere", path], "leave --deb out"),
        (&["--deb", path, "--binary", path, path], "not a file"),
        (&["/nowhere"], "name a Git repository"),
        (&[], "usage:"),
    ] {
        let refused = unpacked.run("install/quickstart.sh", args);
        assert!(refused.code.is_some_and(|code| code != 0) && refused.stderr.contains(word), "{args:?}: {refused:?}");
    }
    std::fs::remove_file(unpacked.top.join("ra-agent")).unwrap();
    if !Path::new("/usr/bin/ra-agent").exists() {
        let refused = unpacked.run("install/quickstart.sh", &[path]);
        assert!(refused.code == Some(1) && refused.stderr.contains("--deb FILE or --binary FILE"), "{refused:?}");
    }
}

#[test]
fn an_archive_installs_what_its_checksums_name() {
    let unpacked = Unpacked::new();
    let top = &unpacked.top;
    for path in [
        "man/ra-agent.1.gz",
        "completions/ra-agent.bash",
        "completions/ra-agent.zsh",
        "completions/ra-agent.fish",
        "licences.txt",
    ] {
        std::fs::create_dir_all(top.join(path).parent().unwrap()).unwrap();
        std::fs::write(top.join(path), path).unwrap();
    }
    let bare = unpacked.run("install.sh", &[]);
    assert!(bare.code == Some(1) && bare.stderr.contains("unpack it"), "no checksums: {bare:?}");
    let sums = "find . -type f | sort | xargs sha256sum >../sums && mv ../sums SHA256SUMS";
    assert!(Command::new("sh").args(["-c", sums]).current_dir(top).status().unwrap().success());
    let prefix = unpacked.agent.user_home().join("prefix");
    for _ in 0..2 {
        let done = unpacked.run("install.sh", &["--prefix", text(&prefix)]);
        assert!(done.code == Some(0) && done.stderr.contains("quickstart.sh <repo>"), "{done:?}");
    }
    for path in ["bin/ra-agent", "share/man/man1/ra-agent.1.gz", "share/bash-completion/completions/ra-agent"] {
        assert!(prefix.join(path).is_file(), "{path}");
    }
    std::fs::write(top.join("licences.txt"), "another").unwrap();
    std::fs::remove_dir_all(&prefix).unwrap();
    let refused = unpacked.run("install.sh", &["--prefix", text(&prefix)]);
    assert!(
        refused.code == Some(1) && refused.stderr.contains("nothing was installed") && !prefix.exists(),
        "{refused:?}"
    );
    let gone = unpacked.run("install/uninstall.sh", &["--prefix", text(&prefix), "--yes"]);
    assert_eq!(gone.code, Some(0), "{gone:?}");
}
