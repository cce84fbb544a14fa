//! doctor: one page on what might be wrong, each finding with the command that mends it. It reads, and changes nothing.

mod machine;
mod process;
mod provider;
mod repos;
mod spending;
mod stores;

use serde::Serialize;

use super::output::{print, print_json};
use super::{Context, Failure};
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

/// Looks at everything. Exits with 1 if something does not work.
pub fn doctor(context: &Context, json: bool) -> Result<(), Failure> {
    let mut findings = Vec::new();
    let daemon = process::look(context, &mut findings);
    findings.extend(machine::look(context, daemon.as_ref()));
    findings.extend(provider::look(context));
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
