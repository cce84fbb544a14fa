//! The answer of `wait`.

use serde::Serialize;

/// How a wait ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WaitView {
    /// Nothing is left that waiting could bring.
    pub settled: bool,
    /// What was waited for is there. Else the exit code is not 0.
    pub fresh: bool,
    /// Why it is not, though all is settled: one line a cause.
    pub because: Vec<String>,
    /// What is not done; `None` if all is settled.
    pub left: Option<LeftView>,
    /// Repositories that could not be reconciled. Waiting longer does not help them.
    pub errors: Vec<ReconciledView>,
}

/// What is left when the time is up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftView {
    /// Jobs.
    pub queued: u64,
    pub running: u64,
    /// Repositories in which Git is in the middle of an operation.
    pub held: Vec<ReconciledView>,
}

/// How one repository's reconcile went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReconciledView {
    pub repo: String,
    pub held: Option<String>,
    pub error: Option<String>,
}
