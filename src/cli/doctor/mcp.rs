//! Whether a coding agent gets an answer: the server is started and asked as an agent would, and the entries of agents name this program.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde::Deserialize;

use crate::cli::Context;
use crate::cli::mcp::installed;
use crate::query::Reader;
use crate::query::view::agents::{AgentView, EntryState};
use crate::query::view::doctor::DoctorFinding;
use crate::query::view::shown;

const TOPIC: &str = "mcp";
const INSTALL: &str = "ra-agent mcp install";
/// How long the server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"ra-agent doctor","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// A message of the server, as far as it is looked into here.
#[derive(Deserialize)]
struct ServerMessage {
    id: Option<u64>,
    result: Option<ServerResult>,
    error: Option<ServerError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerResult {
    #[serde(default)]
    is_error: bool,
    #[serde(default)]
    content: Vec<ResultContent>,
}

#[derive(Deserialize)]
struct ResultContent {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct ServerError {
    message: String,
}

/// `daemon_runs`: without a daemon a question would start one, and `doctor` changes nothing.
pub(super) fn check(context: &Context, daemon_runs: bool) -> Vec<DoctorFinding> {
    let repo = if daemon_runs { a_repo(context) } else { None };
    let mut findings = vec![match (converse(context, repo.as_deref()), repo) {
        (Ok(()), Some(_)) => DoctorFinding::good(TOPIC, "the server answers `initialize` and `tools/call`"),
        (Ok(()), None) => DoctorFinding::good(TOPIC, "the server answers `initialize`"),
        (Err(why), _) => DoctorFinding::problem(TOPIC, format!("the server does not answer: {why}"), "ra-agent logs"),
    }];
    match installed(context) {
        Ok((program, agents)) => findings.extend(entries(&program, &agents)),
        Err(error) => findings.push(DoctorFinding::note(TOPIC, error.to_string(), INSTALL)),
    }
    findings
}

/// A registered repository that is there, to ask about.
fn a_repo(context: &Context) -> Option<String> {
    let repos = Reader::open(&context.home, &context.config).ok()?.repos().ok()?;
    let path = repos.into_iter().map(|repo| repo.location.path).find(|path| path.is_dir())?;
    path.to_str().map(str::to_owned)
}

/// A question about a repository.
fn call(repo: &str) -> String {
    let repo = serde_json::to_string(repo).unwrap_or_default();
    format!(
        r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"status","arguments":{{"repo":{repo}}}}}}}"#
    )
}

fn entries(program: &str, agents: &[AgentView]) -> Vec<DoctorFinding> {
    let named = |state: EntryState| {
        let names: Vec<&str> = agents.iter().filter(|agent| agent.entry == state).map(|agent| agent.name).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let mut findings = Vec::new();
    if let Some(names) = named(EntryState::Installed) {
        findings.push(DoctorFinding::good(TOPIC, format!("installed for {names}")));
    }
    if let Some(names) = named(EntryState::Absent) {
        findings.push(DoctorFinding::note(TOPIC, format!("not installed for {names}"), INSTALL));
    }
    findings.extend(agents.iter().filter_map(|agent| entry(program, agent)));
    findings
}

/// What is to be said of one agent alone.
fn entry(program: &str, agent: &AgentView) -> Option<DoctorFinding> {
    let (name, file) = (agent.name, shown(&agent.file));
    match (agent.entry, agent.program.as_deref()) {
        (EntryState::Absent | EntryState::Installed, _) => None,
        (EntryState::Unreadable, _) => {
            let why = agent.note.clone().unwrap_or_default();
            let finding = format!("the configuration of {name} cannot be read: {why}");
            Some(DoctorFinding::note(TOPIC, finding, format!("fix {file}")))
        }
        (EntryState::Foreign, _) => {
            let finding = format!("{name} starts something else under the name ra-agent ({file})");
            Some(DoctorFinding::note(TOPIC, finding, format!("rename that entry, then {INSTALL}")))
        }
        (_, Some(named)) if !Path::new(named).exists() => {
            let finding = format!("{name} starts {named}, which does not exist ({file})");
            Some(DoctorFinding::problem(TOPIC, finding, INSTALL))
        }
        (_, Some(named)) if named != program => {
            let finding = format!("{name} starts another ra-agent: {named} ({file})");
            Some(DoctorFinding::note(TOPIC, finding, INSTALL))
        }
        (EntryState::Outdated, _) => {
            Some(DoctorFinding::note(TOPIC, format!("the entry of {name} is of an earlier version ({file})"), INSTALL))
        }
        (EntryState::Changed, _) => {
            Some(DoctorFinding::good(TOPIC, format!("installed for {name}, with your changes")))
        }
    }
}

/// Starts the server as an agent does, and asks it for the status of a repository.
#[expect(clippy::disallowed_methods, reason = "starts its own program as a coding agent would")]
fn converse(context: &Context, repo: Option<&str>) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.arg("mcp").env("RA_AGENT_HOME", context.home.root());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("it cannot be started: {error}"))?;
    let answered = ask(&mut child, repo);
    // It ends by itself once its input does; a server that hangs must not keep this waiting.
    let _ = child.kill();
    let _ = child.wait();
    answered
}

fn ask(child: &mut Child, repo: Option<&str>) -> Result<(), String> {
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("it has no standard input or output".to_owned());
    };
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        // No receiver: the answer came, or came too late.
        lines.try_for_each(|line| sender.send(line)).ok()
    });
    let mut send = |lines: &[&str]| {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        input.write_all(text.as_bytes()).and_then(|()| input.flush()).map_err(|error| format!("it ended: {error}"))
    };
    send(&[INITIALIZE])?;
    answer(&lines, 1)?;
    send(&[INITIALIZED])?;
    let Some(repo) = repo else { return Ok(()) };
    send(&[&call(repo)])?;
    let result = answer(&lines, 2)?;
    match result.content.first() {
        Some(content) if result.is_error => Err(content.text.lines().next().unwrap_or_default().to_owned()),
        Some(content) if !content.text.is_empty() => Ok(()),
        _ => Err("its answer is empty".to_owned()),
    }
}

/// The result of the request with this number.
fn answer(lines: &Receiver<String>, id: u64) -> Result<ServerResult, String> {
    loop {
        let line = lines.recv_timeout(PATIENCE).map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?;
        let message: ServerMessage =
            serde_json::from_str(&line).map_err(|error| format!("what it writes is not a message: {error}"))?;
        match message {
            ServerMessage { id: Some(found), result: Some(result), .. } if found == id => return Ok(result),
            ServerMessage { id: Some(found), error: Some(error), .. } if found == id => return Err(error.message),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::view::doctor::FindingState;

    fn agent(entry: EntryState, program: Option<&str>) -> AgentView {
        AgentView {
            agent: "codex",
            name: "Codex",
            found: true,
            file: "/h/.codex/config.toml".into(),
            entry,
            program: program.map(str::to_owned),
            done: None,
            lines: Vec::new(),
            note: None,
            snippet: None,
        }
    }

    #[test]
    fn an_entry_that_starts_nothing_is_a_problem() {
        let state = |entry, program| entries("/bin/sh", &[agent(entry, program)])[0].state;
        assert_eq!(state(EntryState::Installed, None), FindingState::Good);
        assert_eq!(state(EntryState::Absent, None), FindingState::Note);
        assert_eq!(state(EntryState::Outdated, Some("/no/such/ra-agent")), FindingState::Problem);
        assert_eq!(state(EntryState::Outdated, Some("/bin/cat")), FindingState::Note);
        assert_eq!(state(EntryState::Changed, Some("/bin/sh")), FindingState::Good);
        assert_eq!(state(EntryState::Unreadable, None), FindingState::Note);
    }
}
