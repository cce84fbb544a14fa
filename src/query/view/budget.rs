//! The answers of `budget status` and `budget history`, and the budget of `status`.

use serde::Serialize;

/// Where the budget stands, and what the model costs.
#[derive(Clone, Debug, Serialize)]
pub struct BudgetView {
    #[serde(flatten)]
    pub status: BudgetStatus,
    /// `None`: no model is set up.
    pub model: Option<ModelPrice>,
}

/// What a million tokens of the configured model cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelPrice {
    pub model: String,
    pub input_usd: Option<f64>,
    pub cached_input_usd: Option<f64>,
    pub output_usd: Option<f64>,
    /// Why the price is not known, and what to add to the configuration.
    pub unknown: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct BudgetStatus {
    /// UTC calendar month, `2026-11`.
    pub month: String,
    pub spent_usd: f64,
    pub limit_usd: f64,
    /// Worst cases of the calls in flight.
    pub reserved_usd: f64,
    pub remaining_usd: f64,
    /// Share of the limit that is spent.
    pub percent: f64,
    /// What the month will have cost if it goes on like this.
    pub projected_usd: f64,
    /// First instant of the next month, RFC 3339.
    pub ends_at: String,
    pub day: DayStatus,
    /// Of this user's own analyses of the last 90 days; `None` before anything was paid for.
    pub mean_usd_per_file: Option<f64>,
    pub mean_usd_per_analysis: Option<f64>,
    /// How many files that mean is of.
    pub mean_of_files: u64,
    /// Files that what is left of the month will do for.
    pub files_remaining: Option<u64>,
    /// Why spending is stopped.
    pub stopped: Option<String>,
    /// Jobs that wait for the month or the day to turn, or for a higher limit ...
    pub parked: u64,
    /// ... and when the first of them goes on by itself.
    pub resumes_at: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct DayStatus {
    /// UTC, `2026-11-22`.
    pub day: String,
    pub spent_usd: f64,
    /// `None`: the day has no limit of its own.
    pub limit_usd: Option<f64>,
    pub reserved_usd: f64,
    pub remaining_usd: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
pub struct BudgetHistory {
    pub total: GroupStatus,
    /// Every day of the span, oldest first.
    pub days: Vec<NamedSpending>,
    /// The dearest first, as in what follows.
    pub repos: Vec<NamedSpending>,
    pub commits: Vec<CommitStatus>,
    pub types: Vec<NamedSpending>,
    pub models: Vec<NamedSpending>,
    /// Calls that a crash left open, oldest first.
    pub crashed: Vec<CrashedStatus>,
}

/// What one day, repository, type or model has cost.
#[derive(Clone, Debug, Serialize)]
pub struct NamedSpending {
    pub name: String,
    #[serde(flatten)]
    pub group: GroupStatus,
}

#[derive(Clone, Debug, Serialize)]
pub struct CommitStatus {
    pub repo: String,
    pub commit: Option<String>,
    #[serde(flatten)]
    pub group: GroupStatus,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct GroupStatus {
    pub calls: u64,
    pub spent_usd: f64,
    pub reserved_usd: f64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Calls charged at their worst case, because the provider reported no usage that could be believed.
    pub unreported: u64,
    /// Calls that a crash left open.
    pub crashed: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct CrashedStatus {
    pub reserved_at: String,
    pub repo: String,
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    #[serde(rename = "type")]
    pub analysis_type: String,
    pub model: String,
    /// `stored-after-crash` or `worst-case-after-crash`.
    pub outcome: &'static str,
    pub cost_usd: f64,
}
