//! doctor: one page on what might be wrong, each finding with the command that mends it. It reads, and changes nothing.

mod machine;
mod repos;
mod spending;
mod stores;

use serde::Serialize;

use super::output::{print, print_json};
use super::{Context, Failure};
use crate::daemon::control::{self, ControlError, Reply, Request};
use crate::query::Reader;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    Good,
    /// It works, but less well than it could.
    Note,
    /// Something does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    topic: &'static str,
    state: State,
    told: String,
    /// What to do about it.
    mend: Option<String>,
}

impl Finding {
    fn good(topic: &'static str, told: impl Into<String>) -> Self {
        Self { topic, state: State::Good, told: told.into(), mend: None }
    }

    fn note(topic: &'static str, told: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { topic, state: State::Note, told: told.into(), mend: Some(mend.into()) }
    }

    fn problem(topic: &'static str, told: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { topic, state: State::Problem, told: told.into(), mend: Some(mend.into()) }
    }
}

/// What the daemon says of itself.
struct Daemon {
    sandbox: String,
    watches: Option<usize>,
}

/// Looks at everything. Exits with 1 if something does not work.
pub fn doctor(context: &Context, json: bool) -> Result<(), Failure> {
    let mut findings = Vec::new();
    let daemon = ask_daemon(context, &mut findings);
    findings.extend(machine::look(context, daemon.as_ref()));
    findings.extend(stores::look(context));
    // That it cannot be opened is told by the look at the stores.
    if let Ok(reader) = Reader::open(&context.home, &context.config) {
        findings.extend(repos::look(context, &reader)?);
        findings.extend(spending::look(context, &reader)?);
    }
    let problems = findings.iter().filter(|finding| finding.state == State::Problem).count();
    if json {
        print_json(&serde_json::json!({"problems": problems, "findings": findings}))?;
    } else {
        print(&findings.iter().map(describe).collect::<String>())?;
    }
    match problems {
        0 => Ok(()),
        1 => Err(Failure::Failed("1 problem was found".to_owned())),
        n => Err(Failure::Failed(format!("{n} problems were found"))),
    }
}

fn describe(finding: &Finding) -> String {
    let mark = match finding.state {
        State::Good => "ok",
        State::Note => "note",
        State::Problem => "PROBLEM",
    };
    let mend = finding.mend.as_ref().map_or_else(String::new, |mend| format!("{:21}-> {mend}\n", ""));
    format!("{mark:<8} {:<11} {}\n{mend}", finding.topic, finding.told)
}

fn ask_daemon(context: &Context, findings: &mut Vec<Finding>) -> Option<Daemon> {
    const TOPIC: &str = "daemon";
    match control::ask(&context.home, Request::Ping) {
        Ok(Reply::Pong { pid, sandbox, watches, .. }) => {
            findings.push(Finding::good(TOPIC, format!("running (pid {pid})")));
            return Some(Daemon { sandbox, watches });
        }
        Ok(Reply::Failed { message }) => {
            findings.push(Finding::problem(TOPIC, message, "ra-agent daemon restart"));
        }
        Ok(other) => {
            findings.push(Finding::problem(TOPIC, format!("it answers {other:?}"), "ra-agent daemon restart"));
        }
        Err(ControlError::NotRunning) => {
            findings.push(Finding::problem(TOPIC, "not running: no commit is noticed", "ra-agent daemon start"));
        }
        Err(error) => findings.push(Finding::problem(TOPIC, error.to_string(), "ra-agent daemon restart")),
    }
    None
}
