//! `doctor`: one page on what might be wrong, each finding with the command that fixes it. It reads, and changes nothing.

mod machine;
mod mcp;
mod process;
mod provider;
mod repos;
mod shared;
mod spending;
mod stores;

use super::output::{print, print_json};
use super::{Context, Failure};
use crate::query::Reader;
use crate::query::view::doctor::{DoctorFinding, DoctorView, FindingState};

/// Checks everything. Exits with 1 if something does not work.
pub fn doctor(context: &Context, json: bool) -> Result<(), Failure> {
    let view = DoctorView::new(findings(context)?);
    if json {
        print_json(&view)?
    } else {
        print(&describe(&view))?
    }
    match view.problems {
        0 => Ok(()),
        1 => Err(Failure::Failed("1 problem was found".to_owned())),
        n => Err(Failure::Failed(format!("{n} problems were found"))),
    }
}

fn findings(context: &Context) -> Result<Vec<DoctorFinding>, Failure> {
    let mut findings = Vec::new();
    let daemon = process::check(context, &mut findings);
    findings.extend(machine::check(context, daemon.as_ref()));
    findings.extend(provider::check(context));
    findings.extend(stores::check(context));
    findings.extend(mcp::check(context, daemon.is_some()));
    // The check of the stores reports a registry that cannot be opened.
    if let Ok(reader) = Reader::open(&context.home, &context.config) {
        findings.extend(repos::check(context, &reader)?);
        findings.extend(spending::check(context, &reader)?);
        findings.extend(shared::check(context, &reader)?);
    }
    Ok(findings)
}

fn describe(view: &DoctorView) -> String {
    view.findings.iter().map(describe_finding).collect()
}

fn describe_finding(finding: &DoctorFinding) -> String {
    let mark = match finding.state {
        FindingState::Good => "ok",
        FindingState::Note => "note",
        FindingState::Problem => "PROBLEM",
    };
    let fix = finding.fix.as_ref().map_or_else(String::new, |fix| format!("{:21}-> {fix}\n", ""));
    format!("{mark:<8} {:<11} {}\n{fix}", finding.topic, finding.finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fix_stands_below_its_finding() {
        let findings = vec![
            DoctorFinding::good("git", "2.54"),
            DoctorFinding::problem("daemon", "not running", "ra-agent daemon start"),
        ];
        let text = describe(&DoctorView::new(findings));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].starts_with("ok ") && lines[1].starts_with("PROBLEM "), "{text}");
        assert_eq!(lines[2].trim(), "-> ra-agent daemon start");
    }
}
