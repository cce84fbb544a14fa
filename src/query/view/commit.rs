//! One commit, as the page shows it.

use serde::Serialize;

use super::impact::ImpactView;
use super::report::{FindingView, NotLookedView};

/// What a commit changed, whom that touched, and what it brought and removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitView {
    pub commit: String,
    /// It is compared with the first of them.
    pub parents: Vec<String>,
    pub subject: String,
    pub author: String,
    pub committed_at: String,
    pub impact: ImpactView,
    pub introduced: Vec<FindingView>,
    pub removed: Vec<FindingView>,
    /// The model whose stored answers count; `None`: none is set up.
    pub model: Option<String>,
    pub not_looked_at: Vec<NotLookedView>,
}

/// What a commit cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct CommitCost {
    pub calls: u64,
    pub spent_usd: f64,
    /// What the dependents that were cut off would have cost at the mean cost of what this user has asked about a file; `None` before
    /// there was any.
    pub saved_usd: Option<f64>,
}
