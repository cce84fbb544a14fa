//! The promise: the official SDKs of MCP get their answers from the built binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{TestAgent, TestRepo, left_out};

/// Where `tests/clients/prepare.sh` put the SDKs, as `.ci/run` names it; else they are put there now.
pub fn clients() -> Option<PathBuf> {
    if let Some(clients) = std::env::var_os("RA_AGENT_TEST_CLIENTS") {
        return Some(PathBuf::from(clients));
    }
    let prepare = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/prepare.sh");
    let prepared = Command::new(prepare).output().unwrap();
    let printed = String::from_utf8_lossy(&prepared.stdout).trim().to_owned();
    (prepared.status.success() && Path::new(&printed).is_dir()).then(|| PathBuf::from(printed))
}

/// A function with a user, and so many others that their bodies are no single answer.
fn a_repo() -> TestRepo {
    let repo = TestRepo::new();
    let crowd: String = (0..60)
        .map(|n| {
            let lines: String =
                (0..30).map(|line| format!("    // crowd {n} line {line}: filler, so that a body is long\n")).collect();
            format!("pub fn crowd_{n}() -> u32 {{\n{lines}    {n}\n}}\n\n")
        })
        .collect();
    repo.write("src/crowd.rs", crowd);
    repo.write("src/caller.rs", "use crate::retry_request;\n\npub fn caller() -> u32 {\n    retry_request(3)\n}\n");
    repo.write("src/lib.rs", "pub mod caller;\npub mod crowd;\n");
    repo.write("Cargo.toml", "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    repo.commit("first");
    let function =
        "/// Sends a request again until it succeeds.\npub fn retry_request(attempts: u32) -> u32 {\n    attempts\n}\n";
    repo.write("src/lib.rs", format!("pub mod caller;\npub mod crowd;\n\n{function}"));
    repo.commit("second");
    repo
}

/// Has a client ask all that it asks.
fn speak(what: &str, command: impl FnOnce(&Path) -> Command) {
    let Some(clients) = clients() else {
        return left_out(what, "its SDK is not installed, see tests/clients/prepare.sh");
    };
    let repo = a_repo();
    let mut agent = TestAgent::without_model();
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    let mut command = command(&clients);
    command.arg(env!("CARGO_BIN_EXE_ra-agent")).arg(repo.path()).env_clear();
    let like = agent.command(["mcp"]);
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(agent.user_home());
    let output = command.output().unwrap();
    let (said, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{failed}\n{}", agent.log());
    assert!(said.lines().count() > 10, "{said}");
}

#[test]
fn the_sdk_for_python_is_answered() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/python/speak.py");
    speak("the SDK for Python", |clients| {
        let mut command = Command::new(clients.join("python/bin/python"));
        command.arg("-B").arg(script);
        command
    });
}

#[test]
fn the_sdk_for_typescript_is_answered() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/node/speak.mjs");
    speak("the SDK for TypeScript", |clients| {
        // Modules are found from where a script is.
        let copy = clients.join("node/speak.mjs");
        let new = clients.join(format!("node/.speak-{}.mjs", std::process::id()));
        std::fs::copy(script, &new).unwrap();
        std::fs::rename(new, &copy).unwrap();
        let mut command = Command::new(clients.join("node/node"));
        command.arg(copy);
        command
    });
}
