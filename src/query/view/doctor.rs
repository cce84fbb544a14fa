//! The answer of `doctor`.

use serde::Serialize;

/// What `doctor` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DoctorView {
    /// How many findings are problems.
    pub problems: usize,
    pub findings: Vec<DoctorFinding>,
}

impl DoctorView {
    pub fn new(findings: Vec<DoctorFinding>) -> Self {
        let problems = findings.iter().filter(|one| one.state == FindingState::Problem).count();
        Self { problems, findings }
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingState {
    Good,
    /// It works, but less well than it could.
    Note,
    /// Something does not work.
    Problem,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DoctorFinding {
    pub topic: &'static str,
    pub state: FindingState,
    pub finding: String,
    /// What to do about it.
    pub fix: Option<String>,
}

impl DoctorFinding {
    pub fn good(topic: &'static str, finding: impl Into<String>) -> Self {
        Self { topic, state: FindingState::Good, finding: finding.into(), fix: None }
    }

    pub fn note(topic: &'static str, finding: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { topic, state: FindingState::Note, finding: finding.into(), fix: Some(fix.into()) }
    }

    pub fn problem(topic: &'static str, finding: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { topic, state: FindingState::Problem, finding: finding.into(), fix: Some(fix.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_problems_are_counted_as_problems() {
        let findings = vec![
            DoctorFinding::good("git", "2.54"),
            DoctorFinding::note("hooks", "none", "ra-agent hooks install"),
            DoctorFinding::problem("daemon", "not running", "ra-agent daemon start"),
        ];
        let json = serde_json::to_value(DoctorView::new(findings)).unwrap();
        assert_eq!(json["problems"], 1);
        assert_eq!(json["findings"][0]["fix"], serde_json::Value::Null);
        assert_eq!(json["findings"][2]["state"], "problem");
        assert_eq!(json["findings"][2]["finding"], "not running");
    }
}
