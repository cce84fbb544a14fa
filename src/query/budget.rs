//! Where the budget stands and what was spent: the JSON of `budget status`, of `status`'s budget block, of `budget history`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{QueryError, Reader};
use crate::budget::NANO;
use crate::budget::{self, BudgetReport, Crashed, Group, History, PeriodReport};
use crate::clock::Timestamp;
use crate::domain::{ObjectId, RepoId};
use crate::queue::{self, ParkCause};

/// The schema of agent.db that has a ledger.
const LEDGER_SINCE: u32 = 2;

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

/// Dollars of an amount of nano-dollars.
pub fn usd(nano: u64) -> f64 {
    nano as f64 / NANO
}

impl Reader<'_> {
    /// agent.db, if it is there and has a ledger: one that an older version wrote gets it when the daemon or a worker next opens it.
    fn ledger(&self) -> Result<Option<&rusqlite::Connection>, QueryError> {
        let Some(db) = &self.agent else { return Ok(None) };
        let version: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok(Some(db).filter(|_| version >= LEDGER_SINCE))
    }
}

/// Where the budget stands.
///
/// # Errors
/// If the ledger cannot be read.
pub fn budget(reader: &Reader<'_>, now: Timestamp) -> Result<BudgetStatus, QueryError> {
    let limits = &reader.config.budget;
    let (report, (parked, resumes_at)) = match reader.ledger()? {
        Some(db) => (budget::report(db, limits, now)?, queue::parked(db, ParkCause::Budget)?),
        None => (BudgetReport::unspent(limits, now), (0, None)),
    };
    Ok(status_of(report, parked, resumes_at))
}

fn status_of(report: BudgetReport, parked: u64, resumes_at: Option<Timestamp>) -> BudgetStatus {
    let BudgetReport { month, day, projected, mean, files_remaining, stopped } = report;
    let known = |period: &PeriodReport| period.remaining().unwrap_or(u64::MAX);
    BudgetStatus {
        spent_usd: usd(month.spent),
        limit_usd: usd(month.limit.unwrap_or(u64::MAX)),
        reserved_usd: usd(month.reserved),
        remaining_usd: usd(known(&month)),
        percent: month.percent().unwrap_or(0.0),
        projected_usd: usd(projected),
        ends_at: month.ends_at.to_rfc3339(),
        month: month.name,
        day: DayStatus {
            spent_usd: usd(day.spent),
            limit_usd: day.limit.map(usd),
            reserved_usd: usd(day.reserved),
            remaining_usd: day.remaining().map(usd),
            day: day.name,
        },
        mean_usd_per_file: mean.map(|mean| usd(mean.per_file)),
        mean_usd_per_analysis: mean.map(|mean| usd(mean.per_analysis)),
        mean_of_files: mean.map_or(0, |mean| mean.files),
        files_remaining,
        stopped,
        parked,
        resumes_at: resumes_at.map(Timestamp::to_rfc3339),
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct BudgetHistory {
    pub total: GroupStatus,
    /// Every day of the span, oldest first.
    pub days: Vec<Named>,
    /// The dearest first, as in what follows.
    pub repos: Vec<Named>,
    pub commits: Vec<CommitStatus>,
    pub types: Vec<Named>,
    pub models: Vec<Named>,
    /// Calls that a crash left open, oldest first.
    pub crashed: Vec<CrashedStatus>,
}

/// What one day, repository, type or model has cost.
#[derive(Clone, Debug, Serialize)]
pub struct Named {
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

impl From<Group> for GroupStatus {
    fn from(group: Group) -> Self {
        Self {
            calls: group.calls,
            spent_usd: usd(group.spent),
            reserved_usd: usd(group.reserved),
            input_tokens: group.input_tokens,
            output_tokens: group.output_tokens,
            unreported: group.unreported,
            crashed: group.crashed,
        }
    }
}

/// What was spent in the last `days` UTC days, today included.
///
/// # Errors
/// If the ledger or the registry cannot be read.
pub fn history(reader: &Reader<'_>, days: u32, now: Timestamp) -> Result<BudgetHistory, QueryError> {
    let history = match reader.ledger()? {
        Some(db) => budget::history(db, days, now)?,
        None => History::nothing(days, now),
    };
    let paths: BTreeMap<RepoId, String> =
        reader.repos()?.into_iter().map(|repo| (repo.id, repo.location.path.to_string_lossy().into_owned())).collect();
    // What is unregistered has no path any more, but was paid for.
    let repo = |id: &RepoId| paths.get(id).cloned().unwrap_or_else(|| format!("{id} (unregistered)"));
    let named = |(name, group): (&String, &Group)| Named { name: name.clone(), group: (*group).into() };
    let crashed = |one: &Crashed| {
        let (path, path_bytes) = one.path.for_json();
        CrashedStatus {
            reserved_at: one.reserved_at.to_rfc3339(),
            repo: repo(&one.repo),
            path,
            path_bytes,
            analysis_type: one.analysis_type.clone(),
            model: one.model_id.clone(),
            outcome: one.outcome.as_str(),
            cost_usd: usd(one.cost),
        }
    };
    let of_commit = |((id, commit), group): (&(RepoId, Option<ObjectId>), &Group)| CommitStatus {
        repo: repo(id),
        commit: commit.as_ref().map(ToString::to_string),
        group: (*group).into(),
    };
    Ok(BudgetHistory {
        total: history.total().into(),
        days: history.days.iter().map(named).collect(),
        repos: dearest_first(&history.repos)
            .map(|(id, group)| Named { name: repo(id), group: (*group).into() })
            .collect(),
        commits: dearest_first(&history.commits).map(of_commit).collect(),
        types: dearest_first(&history.types).map(named).collect(),
        models: dearest_first(&history.models).map(named).collect(),
        crashed: history.crashed.iter().map(crashed).collect(),
    })
}

fn dearest_first<K>(groups: &BTreeMap<K, Group>) -> impl Iterator<Item = (&K, &Group)> {
    let mut sorted: Vec<_> = groups.iter().collect();
    sorted.sort_by_key(|(_, group)| std::cmp::Reverse(group.spent));
    sorted.into_iter()
}
