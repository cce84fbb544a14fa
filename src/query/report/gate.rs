//! Whether what is new passes a gate.

use super::{PlacedFinding, RangeReport};
use crate::analyzer::Severity;

/// What a gate refuses: what is new, or has become, as bad as this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailOnNew {
    Warnings,
    Errors,
}

impl FailOnNew {
    pub const ALL: [Self; 2] = [Self::Warnings, Self::Errors];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warnings => "new-warnings",
            Self::Errors => "new-errors",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    const fn least(self) -> Severity {
        match self {
            Self::Warnings => Severity::Warning,
            Self::Errors => Severity::Error,
        }
    }

    /// What it refuses of a range.
    pub fn refused(self, report: &RangeReport) -> Vec<&PlacedFinding> {
        let is_refused = |one: &&PlacedFinding| one.finding.severity >= self.least();
        let became = |one: &&PlacedFinding| one.severity_before.is_some_and(|before| before < self.least());
        let worse = report.still_there.iter().filter(|one| is_refused(one) && became(one));
        report.new.iter().filter(is_refused).chain(worse).collect()
    }
}
