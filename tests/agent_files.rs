//! The promise: one verb gives the server to every coding agent of a user, another takes it back, and each file is then what it was.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Output, TestAgent, TestRepo, fingerprint, untouched};

/// A user with coding agents, none of which is on the PATH.
struct User {
    agent: TestAgent,
}

/// Where each client has its file on Linux, below the home directory.
const FILES: &[(&str, &str)] = &[
    ("claude-code", ".claude.json"),
    ("codex", ".codex/config.toml"),
    ("cursor", ".cursor/mcp.json"),
    ("vscode", ".config/Code/User/mcp.json"),
    ("copilot-cli", ".copilot/mcp-config.json"),
    ("gemini", ".gemini/settings.json"),
    ("opencode", ".config/opencode/opencode.json"),
    ("zed", ".config/zed/settings.json"),
    ("windsurf", ".codeium/windsurf/mcp_config.json"),
];

impl User {
    fn new() -> Self {
        Self { agent: TestAgent::without_model() }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.agent.user_home().join(file)
    }

    fn file_of(&self, client: &str) -> PathBuf {
        self.path(FILES.iter().find(|(id, _)| *id == client).unwrap().1)
    }

    fn write(&self, client: &str, text: &str) -> PathBuf {
        let file = self.file_of(client);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        file
    }

    fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, &[])
    }

    fn run_with(&self, args: &[&str], variables: &[(&str, &Path)]) -> Output {
        let mut command = self.agent.command([&["mcp"], args].concat());
        command.env("PATH", "/nowhere").envs(variables.iter().copied());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Output { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.code, Some(0), "{args:?}: {output:?}");
        output.stdout
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[args, &["--json"]].concat())).unwrap()
    }

    /// What `mcp status` says of one client.
    #[track_caller]
    fn entry(&self, client: &str) -> Value {
        let status = self.json(&["status"]);
        status["agents"].as_array().unwrap().iter().find(|agent| agent["agent"] == client).unwrap()["entry"].clone()
    }
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_ra-agent");

#[test]
fn each_configuration_of_one_agent_gets_its_own_entry() {
    let user = User::new();
    let files = ["one", "two"].map(|profile| {
        let directory = user.path(profile);
        std::fs::create_dir(&directory).unwrap();
        let output = user.run_with(&["install", "--agent", "claude-code"], &[("CLAUDE_CONFIG_DIR", &directory)]);
        assert!(output.code == Some(0) && output.stdout.contains("added to"), "{output:?}");
        directory.join(".claude.json")
    });
    assert!(files.iter().all(|file| read(file).contains(PROGRAM)));
    assert_eq!(user.ok(&["uninstall"]).matches("removed from").count(), 2);
    assert!(files.iter().all(|file| !file.exists()));
}

/// As users have them: with remarks, other servers before and after, each in its own layout.
const REAL_LIFE: &[(&str, &str)] = &[
    (
        "claude-code",
        "{\n  \"numStartups\": 12,\n  \"oauthAccount\": {\"accountUuid\": \"x\"},\n  \"mcpServers\": {\n    \"github\": {\n      \"type\": \"http\",\n      \"url\": \"https://example.org/mcp\"\n    }\n  },\n  \"projects\": {\n    \"/home/u/p\": {\"mcpServers\": {}}\n  }\n}",
    ),
    (
        "codex",
        "model = \"m\" # fast\r\n\r\n[mcp_servers.docs]\r\ncommand = \"npx\"\r\nargs = [\r\n  \"-y\", # yes\r\n]\r\n\r\n[mcp_servers.docs.env]\r\nTOKEN = \"t\"\r\n\r\n[tui]\r\nnotifications = true\r\n",
    ),
    ("cursor", "{\n\t\"mcpServers\": {\n\t\t\"a\": { \"command\": \"a\" }\n\t}\n}\n"),
    (
        "vscode",
        "{\r\n\t\"servers\": {\r\n\t\t// mine\r\n\t\t\"a\": {\r\n\t\t\t\"type\": \"stdio\",\r\n\t\t\t\"command\": \"a\",\r\n\t\t},\r\n\t},\r\n\t\"inputs\": [],\r\n}\r\n",
    ),
    ("copilot-cli", "{\"mcpServers\":{\"a\":{\"type\":\"local\",\"command\":\"a\",\"args\":[],\"tools\":[\"*\"]}}}"),
    ("gemini", "// settings\n{\n    \"ui\": {\"theme\": \"x\"}, /* dark */\n    \"mcpServers\": {}\n}\n"),
    (
        "opencode",
        "{\n  \"$schema\": \"https://opencode.ai/config.json\",\n  \"mcp\": {\n    // one\n    \"a\": {\"type\": \"remote\", \"url\": \"https://example.org\"},\n    \"b\": {\"type\": \"local\", \"command\": [\"b\"], \"enabled\": false},\n  },\n  \"model\": \"m\",\n}\n",
    ),
    (
        "zed",
        "\u{feff}// Zed settings\n//\n{\n  \"vim_mode\": true,\n  \"languages\": {\n    \"Rust\": { \"tab_size\": 4 }, // four\n  },\n}",
    ),
    ("windsurf", "{\n  \"mcpServers\": {\n    \"a\": {\n      \"command\": \"a\"\n    }\n  }\n}\n\n"),
];

#[test]
fn every_agent_gets_the_server_and_its_file_comes_back() {
    let user = User::new();
    for (client, text) in REAL_LIFE {
        user.write(client, text);
    }
    let before = fingerprint(&user.agent.user_home());
    let shown = user.ok(&["install", "--dry-run"]);
    assert!(
        shown.matches("would be added").count() == FILES.len() && shown.contains("+ ") && shown.contains(PROGRAM),
        "{shown}"
    );
    assert_eq!(fingerprint(&user.agent.user_home()), before, "a dry run writes nothing");

    let installed = user.json(&["install"]);
    assert_eq!(installed["command"], json!([PROGRAM, "mcp"]));
    assert_eq!(installed["agents"].as_array().unwrap().len(), FILES.len());
    for (client, text) in REAL_LIFE {
        let new = read(&user.file_of(client));
        assert!(new.contains(PROGRAM) && new.len() > text.len(), "{client}: {new}");
        for line in text.lines().map(|line| line.trim_end_matches(['}', ',', ' '])) {
            assert!(new.contains(line), "{client}: {line:?} is gone: {new}");
        }
        assert_eq!(new.contains('\u{feff}'), text.contains('\u{feff}'));
        let line_ends = if text.contains("\r\n") { new.matches('\n').count() } else { 0 };
        assert_eq!(new.matches("\r\n").count(), line_ends, "{client}: {new:?}");
        assert_eq!(user.entry(client), "installed", "{client}");
    }
    let once = fingerprint(&user.agent.user_home());
    assert!(user.ok(&["install"]).matches("installed already").count() == FILES.len());
    assert_eq!(fingerprint(&user.agent.user_home()), once, "twice is once");

    assert_eq!(user.ok(&["uninstall", "--dry-run"]).matches("would be removed").count(), FILES.len());
    assert_eq!(fingerprint(&user.agent.user_home()), once);
    assert_eq!(user.ok(&["uninstall"]).matches("removed from").count(), FILES.len());
    for (client, text) in REAL_LIFE {
        assert_eq!(&read(&user.file_of(client)), text, "{client}");
    }
    assert!(user.ok(&["uninstall"]).contains("no coding agent has the server"));
    assert!(!user.agent.home().join("mcp-installations.json").exists());
}

/// Complaint of users: an agent does not call what it has to look for first.
#[test]
fn entries_ask_for_tools_to_be_loaded_at_once() {
    let user = User::new();
    for (client, _) in FILES {
        user.ok(&["install", "--agent", client]);
    }
    let env = json!({"RA_AGENT_HOME": user.agent.home()});
    let parsed = |client: &str| -> Value { serde_json::from_str(&read(&user.file_of(client))).unwrap() };
    let claude = &parsed("claude-code")["mcpServers"]["ra-agent"];
    assert_eq!(claude, &json!({"type": "stdio", "command": PROGRAM, "args": ["mcp"], "alwaysLoad": true, "env": env}));
    let copilot = &parsed("copilot-cli")["mcpServers"]["ra-agent"];
    assert_eq!(
        copilot,
        &json!({"type": "stdio", "command": PROGRAM, "args": ["mcp"], "tools": ["*"], "deferTools": "never", "env": env})
    );
    assert_eq!(
        parsed("vscode")["servers"]["ra-agent"],
        json!({"type": "stdio", "command": PROGRAM, "args": ["mcp"], "env": env})
    );
    assert_eq!(parsed("zed")["context_servers"]["ra-agent"], json!({"command": PROGRAM, "args": ["mcp"], "env": env}));
    assert_eq!(
        parsed("opencode")["mcp"]["ra-agent"],
        json!({"type": "local", "command": [PROGRAM, "mcp"], "environment": env})
    );
    let codex: toml::Table = read(&user.file_of("codex")).parse().unwrap();
    assert_eq!(codex["mcp_servers"]["ra-agent"]["command"].as_str(), Some(PROGRAM));
    // With the usual home of the agent, an entry is the command alone.
    let usual = user.agent.user_home().join(".rustassistant");
    let output = user.run_with(&["install", "--print", "--json", "--agent", "gemini"], &[("RA_AGENT_HOME", &usual)]);
    let printed: Value = serde_json::from_str(&output.stdout).unwrap();
    let snippet: Value = serde_json::from_str(printed["agents"][0]["snippet"].as_str().unwrap()).unwrap();
    assert_eq!(snippet, json!({"mcpServers": {"ra-agent": {"command": PROGRAM, "args": ["mcp"]}}}));
    // All of it was made, and all of it goes.
    user.ok(&["uninstall"]);
    let left = fingerprint(&user.agent.user_home());
    assert_eq!(left.len(), 1, "{:?}", left.keys());
}

#[test]
fn only_agents_that_are_there_are_touched() {
    let user = User::new();
    let none = user.run(&["install"]);
    assert!(none.code == Some(0) && none.stdout.contains("no coding agent was found"), "{none:?}");
    std::fs::create_dir(user.path(".cursor")).unwrap();
    let installed = user.json(&["install"]);
    assert_eq!(installed["agents"].as_array().unwrap().len(), 1);
    assert!(user.file_of("cursor").exists() && !user.path(".codex").exists());
    user.ok(&["uninstall"]);
    assert!(user.path(".cursor").exists() && !user.file_of("cursor").exists(), "the user's directory stays");

    // A program on the PATH counts, too.
    let programs = user.path("bin");
    std::fs::create_dir(&programs).unwrap();
    std::fs::write(programs.join("codex"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(programs.join("codex"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = user.run_with(&["status", "--json"], &[("PATH", &programs)]);
    let status: Value = serde_json::from_str(&output.stdout).unwrap();
    let found = status["agents"].as_array().unwrap().iter().filter(|agent| agent["found"] == true);
    assert_eq!(found.map(|agent| agent["agent"].as_str().unwrap()).collect::<Vec<_>>(), ["codex", "cursor"]);
}

#[test]
fn variables_of_the_agents_say_where_their_files_are() {
    let user = User::new();
    let moved = user.path("moved");
    std::fs::create_dir(&moved).unwrap();
    for (variable, client, file) in [
        ("CLAUDE_CONFIG_DIR", "claude-code", ".claude.json"),
        ("CODEX_HOME", "codex", "config.toml"),
        ("COPILOT_HOME", "copilot-cli", "mcp-config.json"),
        ("GEMINI_CLI_HOME", "gemini", ".gemini/settings.json"),
        ("XDG_CONFIG_HOME", "zed", "zed/settings.json"),
        ("XDG_CONFIG_HOME", "opencode", "opencode/opencode.json"),
        ("XDG_CONFIG_HOME", "vscode", "Code/User/mcp.json"),
    ] {
        let output = user.run_with(&["install", "--agent", client], &[(variable, &moved)]);
        assert_eq!(output.code, Some(0), "{output:?}");
        assert!(moved.join(file).exists() && !user.file_of(client).exists(), "{client}");
        // The note of the installation names the file, whatever the variable is now.
        user.ok(&["uninstall", "--agent", client]);
        assert!(!moved.join(file).exists(), "{client}");
    }
    assert_eq!(std::fs::read_dir(&moved).unwrap().count(), 0);
}

#[test]
fn a_file_that_does_not_parse_is_left_with_line_and_snippet() {
    let user = User::new();
    for (client, text, line) in [
        ("claude-code", "{\n  // no remarks here\n}\n", 2),
        ("gemini", "{\n  \"a\": 1,\n}\n", 2),
        ("cursor", "{\n  \"mcpServers\": {\n", 2),
        ("codex", "a = 1\n[mcp_servers\n", 2),
    ] {
        let file = user.write(client, text);
        let output = untouched(&user.agent.user_home(), || user.run(&["install", "--agent", client]));
        assert_eq!(output.code, Some(1), "{output:?}");
        let place = format!("{}:{line}: ", file.display());
        assert!(output.stdout.contains(&place) && output.stdout.contains(PROGRAM), "{client}: {output:?}");
        assert_eq!(user.entry(client), "unreadable");
    }
    std::fs::create_dir_all(user.file_of("windsurf")).unwrap();
    let output = user.run(&["install", "--agent", "windsurf"]);
    assert!(output.code == Some(1) && output.stdout.contains("not a regular file"), "{output:?}");
    // What was never ours is not looked for, and not reported.
    assert!(user.ok(&["uninstall"]).contains("no coding agent has the server"));
    // The others get the server all the same.
    let zed = user.write("zed", "{}");
    let output = user.run(&["install"]);
    assert!(output.code == Some(1) && output.stderr.contains("5 files"), "{output:?}");
    assert!(read(&zed).contains(PROGRAM));
    std::fs::write(&zed, read(&zed).replace("\"args\"", "args")).unwrap();
    let output = user.run(&["uninstall"]);
    assert!(output.code == Some(1) && output.stdout.contains("or remove the entry yourself"), "{output:?}");
}

#[test]
fn what_has_our_name_and_is_not_ours_stays() {
    let user = User::new();
    let text = "{\"mcpServers\": {\"ra-agent\": {\"command\": \"node\", \"args\": [\"mine.js\"]}}}";
    let file = user.write("cursor", text);
    let output = user.run(&["install"]);
    assert!(output.code == Some(1) && output.stdout.contains("starts something else"), "{output:?}");
    user.ok(&["uninstall"]);
    assert_eq!(read(&file), text);
    assert_eq!(user.entry("cursor"), "foreign");
}

#[test]
fn an_entry_that_the_user_changed_is_left_to_him() {
    let user = User::new();
    let file = user.write("cursor", "{}\n");
    user.ok(&["install"]);
    let changed = read(&file).replace("\"args\": [\"mcp\"]", "\"args\": [\"mcp\"],\n      \"cwd\": \"/tmp\"");
    std::fs::write(&file, &changed).unwrap();
    assert!(user.ok(&["install"]).contains("installed already"));
    assert_eq!(user.entry("cursor"), "changed");
    let output = user.run(&["uninstall"]);
    assert!(
        output.code == Some(1) && output.stdout.contains("you changed") && output.stdout.contains("cwd"),
        "{output:?}"
    );
    assert_eq!(read(&file), changed);
    // What stands around it is the user's, and the entry alone goes.
    std::fs::write(
        &file,
        changed.replace(",\n      \"cwd\": \"/tmp\"", "").replace("{\n  \"mcp", "{\n  \"mine\": 1,\n  \"mcp"),
    )
    .unwrap();
    user.ok(&["uninstall"]);
    assert_eq!(read(&file), "{\n  \"mine\": 1\n}\n");
}

#[test]
fn a_link_stays_a_link_and_the_mode_stays_the_mode() {
    let user = User::new();
    let dotfiles = user.path("dotfiles");
    std::fs::create_dir_all(&dotfiles).unwrap();
    let real = dotfiles.join("claude.json");
    std::fs::write(&real, "{}\n").unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink("dotfiles/claude.json", user.file_of("claude-code")).unwrap();
    for (act, has) in [("install", true), ("uninstall", false)] {
        user.ok(&[act]);
        assert!(user.file_of("claude-code").is_symlink(), "{act}");
        assert_eq!(read(&real).contains(PROGRAM), has, "{act}");
        assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640, "{act}");
        assert_eq!(std::fs::read_dir(&dotfiles).unwrap().count(), 1, "{act}: nothing is left next to it");
    }
    assert_eq!(read(&real), "{}\n");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o440)).unwrap();
    let output = user.run(&["install"]);
    assert!(output.code == Some(1) && output.stdout.contains("read-only"), "{output:?}");
}

/// Dotfiles may be in a repository; one that is registered is not written in.
#[test]
fn a_registered_repository_is_never_written_in() {
    let user = User::new();
    let repo = TestRepo::with_files([("mcp.json", "{}\n"), ("src/lib.rs", "pub fn f() {}\n")]);
    std::fs::create_dir(user.path(".cursor")).unwrap();
    symlink(repo.path().join("mcp.json"), user.file_of("cursor")).unwrap();
    user.agent.ok(["register", repo.path().to_str().unwrap()]);
    let output = untouched(repo.path(), || user.run(&["install"]));
    assert!(output.code == Some(1) && output.stdout.contains("registered repository"), "{output:?}");
    assert!(output.stdout.contains(PROGRAM), "what to paste: {output:?}");
}

#[test]
fn snippets_are_printed_for_pasting_and_nothing_is_written() {
    let user = User::new();
    let printed =
        untouched(&user.agent.user_home(), || user.ok(&["install", "--print", "--agent", "codex", "--agent", "zed"]));
    assert!(printed.contains("[mcp_servers.ra-agent]") && printed.contains("\"context_servers\": {"), "{printed}");
    assert_eq!(
        user.ok(&["install", "--print"]).matches("--agent").count(),
        FILES.len(),
        "with none found, all are shown"
    );
    let json = user.json(&["install", "--print", "--agent", "gemini"]);
    let snippet: Value = serde_json::from_str(json["agents"][0]["snippet"].as_str().unwrap()).unwrap();
    assert_eq!(snippet["mcpServers"]["ra-agent"]["command"], PROGRAM);
}

#[test]
fn an_unknown_agent_is_answered_with_the_nearest() {
    let user = User::new();
    for act in ["install", "uninstall"] {
        let output = user.run(&[act, "--agent", "curser"]);
        assert_eq!(output.code, Some(2), "{output:?}");
        assert!(output.stderr.contains("did you mean cursor?") && output.stderr.contains("windsurf"), "{output:?}");
    }
}

/// Two at once, and one that a client interrupts by writing its own file all the time.
#[test]
fn edits_at_the_same_time_lose_nothing() {
    let user = User::new();
    let file = user.write("claude-code", "{\n  \"n\": 0\n}\n");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| user.ok(&["install"]));
        }
    });
    assert_eq!(read(&file).matches("\"ra-agent\"").count(), 1);
    user.ok(&["uninstall"]);
    assert_eq!(read(&file), "{\n  \"n\": 0\n}\n");
    // The client writes whole files, each with a number of its own; what it wrote last is never undone.
    let mut last = 0;
    let installing = std::thread::scope(|scope| {
        let installing = scope.spawn(|| user.run(&["install"]));
        while !installing.is_finished() {
            let text = read(&file);
            let next = text.replace(&format!("\"n\": {last}"), &format!("\"n\": {}", last + 1));
            if next != text {
                last += 1;
                let new = file.with_extension("new");
                std::fs::write(&new, next).unwrap();
                std::fs::rename(new, &file).unwrap();
            }
        }
        installing.join().unwrap()
    });
    assert!(read(&file).contains(&format!("\"n\": {last}")), "{installing:?}");
}

#[test]
fn doctor_reports_entries_that_start_nothing() {
    let user = User::new();
    let file = user.write("cursor", "{}");
    user.ok(&["install"]);
    let findings = || {
        let output = user.agent.command(["doctor", "--json"]).env("PATH", "/usr/bin:/bin").output().unwrap();
        let view: Value = serde_json::from_slice(&output.stdout).unwrap();
        let all = view["findings"].as_array().unwrap().clone();
        all.into_iter().filter(|finding| finding["topic"] == "mcp").collect::<Vec<_>>()
    };
    assert!(
        findings().iter().any(|finding| finding["state"] == "good" && finding["finding"] == "installed for Cursor")
    );
    std::fs::write(&file, read(&file).replace(PROGRAM, "/no/such/ra-agent")).unwrap();
    let found = findings();
    let gone = found.iter().find(|finding| finding["state"] == "problem").unwrap_or_else(|| panic!("{found:?}"));
    assert!(gone["finding"].as_str().unwrap().contains("/no/such/ra-agent, which does not exist"), "{found:?}");
    assert_eq!(gone["fix"], "ra-agent mcp install");
    user.ok(&["install"]);
    assert!(read(&file).contains(PROGRAM));
}

#[test]
fn doctor_asks_the_server_as_an_agent_would() {
    let repo = TestRepo::with_files([("src/lib.rs", "pub fn one() -> u32 {\n    1\n}\n")]);
    let mut user = User::new();
    user.agent.start();
    user.agent.ok(["register", repo.path().to_str().unwrap()]);
    user.agent.wait();
    let view = serde_json::from_str::<Value>(&user.agent.run(["doctor", "--json"]).stdout).unwrap();
    let all = view["findings"].as_array().unwrap();
    let asked = all.iter().find(|finding| finding["finding"].as_str().unwrap().contains("tools/call"));
    assert_eq!(asked.unwrap_or_else(|| panic!("{all:?}"))["state"], "good");
}
