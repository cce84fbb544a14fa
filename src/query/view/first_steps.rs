//! The answer of `try`.

use serde::Serialize;

/// Things to try on a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirstStepsView {
    pub repo: String,
    pub steps: Vec<FirstStep>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
}

/// A command, and what it shows in this repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirstStep {
    /// The arguments of `ra-agent`.
    pub command: Vec<String>,
    pub shows: String,
}
