//! The promise: a service manager runs the daemon if its user wants that, and nothing is left of it when he does not any more.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::{Output, TestAgent};

/// An agent for which `systemctl` is a script that writes down what it is called with, and answers as a file says.
struct Served {
    agent: TestAgent,
    directory: PathBuf,
}

const SYSTEMCTL: &str = r#"#!/bin/sh
echo "$*" >>"@/called"
case "$*" in
    *show-environment*) [ ! -e "@/no-session" ] || { echo "Failed to connect to bus: No medium found" >&2; exit 1; } ;;
    *is-active*) [ -e "@/active" ] || exit 3 ;;
    *restart*) : >"@/active" ;;
    *disable*) rm -f "@/active" ;;
esac
"#;

impl Served {
    fn new() -> Self {
        let agent = TestAgent::without_model();
        let directory = agent.user_home().join("fake");
        std::fs::create_dir(&directory).unwrap();
        let script = directory.join("systemctl");
        std::fs::write(&script, SYSTEMCTL.replace('@', directory.to_str().unwrap())).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { agent, directory }
    }

    fn unit(&self) -> PathBuf {
        self.agent.user_home().join(".config/systemd/user/ra-agent.service")
    }

    fn run(&self, args: &[&str]) -> Output {
        let path = std::env::join_paths(
            [self.directory.clone()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let output = self.agent.command(args).env("PATH", path.unwrap()).output().unwrap();
        Output {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.code, Some(0), "{output:?}");
        output.stdout
    }

    /// What systemctl was called with since the last time, queries left out.
    fn called(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.directory.join("called")).unwrap_or_default();
        let _ = std::fs::remove_file(self.directory.join("called"));
        let changes = calls.lines().filter(|call| !call.contains("show-environment") && !call.contains("is-active"));
        changes.map(str::to_owned).collect()
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_service_is_installed_once_and_leaves_nothing_behind() {
    let mut served = Served::new();
    let doctors_word = |served: &Served| {
        let printed: serde_json::Value = serde_json::from_str(&served.run(&["doctor", "--json"]).stdout).unwrap();
        let findings = printed["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["topic"] == "service").unwrap()["state"].clone()
    };
    assert_eq!(doctors_word(&served), json!("note"), "nothing starts the daemon after the next login");
    let shown = served.ok(&["service", "install", "--dry-run"]);
    assert!(shown.contains("ExecStart=") && !served.unit().exists() && served.called().is_empty(), "{shown}");
    served.agent.start();
    served.ok(&["service", "install"]);
    assert_eq!(served.agent.json(["status"])["daemon"]["running"], json!(false), "the lock is left to the service's");
    let unit = std::fs::read_to_string(served.unit()).unwrap();
    let home = format!("Environment=\"RA_AGENT_HOME={}\"", served.agent.home().display());
    assert!(unit.contains(&home) && unit.contains(env!("CARGO_BIN_EXE_ra-agent")), "{unit}");
    let expected = ["daemon-reload", "enable ra-agent.service", "restart ra-agent.service"];
    assert_eq!(served.called(), expected.map(|call| format!("--user {call}")));

    assert!(served.ok(&["service", "install"]).contains("already"));
    assert!(served.called().is_empty(), "again is the same as once");
    let status: serde_json::Value = serde_json::from_str(&served.ok(&["service", "status", "--json"])).unwrap();
    assert_eq!(
        (&status["installed"], &status["current"], &status["active"]),
        (&json!(true), &json!(true), &json!(true))
    );

    assert_eq!(doctors_word(&served), json!("good"));
    assert!(served.ok(&["service", "uninstall", "--dry-run"]).contains("disable") && served.unit().exists());
    served.ok(&["service", "uninstall"]);
    assert!(!served.unit().exists());
    assert_eq!(served.called(), ["--user disable --now ra-agent.service", "--user daemon-reload"]);
    assert!(served.ok(&["service", "uninstall"]).contains("no service is installed"));
    assert!(served.ok(&["service", "status"]).contains("not installed"));
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_user_wrote_himself_is_let_alone() {
    let served = Served::new();
    std::fs::create_dir_all(served.unit().parent().unwrap()).unwrap();
    std::fs::write(served.unit(), "[Service]\nExecStart=/mine\n").unwrap();
    for act in ["install", "uninstall"] {
        let refused = served.run(&["service", act]);
        assert!(refused.code == Some(1) && refused.stderr.contains("move it away"), "{refused:?}");
    }
    assert_eq!(std::fs::read_to_string(served.unit()).unwrap(), "[Service]\nExecStart=/mine\n");
}

/// FAILURES 56: a container, cron, a login without a session.
#[cfg(target_os = "linux")]
#[test]
fn f56_without_a_manager_it_is_told_and_nothing_is_written() {
    let served = Served::new();
    std::fs::write(served.directory.join("no-session"), "").unwrap();
    let refused = served.run(&["service", "install"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("No medium found") && refused.stderr.contains("ra-agent daemon start"),
        "{refused:?}"
    );
    let nowhere = served.agent.command(["service", "install"]).env("PATH", "/nowhere").output().unwrap();
    let said = String::from_utf8_lossy(&nowhere.stderr).into_owned();
    assert!(nowhere.status.code() == Some(1) && said.contains("systemctl") && said.contains("daemon start"), "{said}");
    assert!(!served.unit().exists() && served.called().is_empty());
    assert!(served.ok(&["service", "status"]).contains("systemd does not answer"));
}

/// FAILURES 56: whatever the environment is, the verbs find the daemon by its home alone.
#[test]
fn f56_the_environment_has_no_say_in_where_the_socket_is() {
    let mut agent = TestAgent::without_model();
    agent.start();
    let pid = agent.daemon_pid();
    for (name, value) in
        [("XDG_RUNTIME_DIR", "/nowhere"), ("TMPDIR", "/nowhere"), ("TERM", "dumb"), ("TZ", "Asia/Tokyo")]
    {
        let output = agent.command(["status", "--json"]).env(name, value).output().unwrap();
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(status["daemon"]["pid"], json!(pid), "{name}");
    }
    // as cron starts it: no PATH, another directory, and no HOME
    let mut bare = agent.command(["status", "--json"]);
    bare.env_clear().env("HOME", agent.user_home()).env("RA_AGENT_HOME", agent.home()).current_dir(Path::new("/"));
    let status: serde_json::Value = serde_json::from_slice(&bare.output().unwrap().stdout).unwrap();
    assert_eq!(status["daemon"]["pid"], json!(pid));
}
