//! Where the budget stands, what the model costs and what was spent.

use std::collections::BTreeMap;

use super::view::budget::{
    BudgetHistory, BudgetStatus, BudgetView, CommitStatus, CrashedStatus, DayStatus, GroupStatus, ModelPrice,
    NamedSpending,
};
use super::view::usd;
use super::{QueryError, Reader};
use crate::budget::{self, BudgetReport, Crashed, Group, History, PeriodReport};
use crate::clock::Timestamp;
use crate::config::Config;
use crate::domain::{ObjectId, RepoId};
use crate::queue::{self, ParkCause};

/// The schema of agent.db that has a ledger.
const LEDGER_SINCE: u32 = 2;

impl Reader<'_> {
    /// agent.db, if it is there and has a ledger: one that an older version wrote gets it when the daemon or a worker next opens it.
    pub(super) fn ledger(&self) -> Result<Option<&rusqlite::Connection>, QueryError> {
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

/// Returns where the budget stands and what the configured model costs.
pub fn budget_and_price(reader: &Reader<'_>, now: Timestamp) -> Result<BudgetView, QueryError> {
    Ok(BudgetView { status: budget(reader, now)?, model: price(reader.config) })
}

fn price(config: &Config) -> Option<ModelPrice> {
    let model = config.llm.model.clone()?;
    let none = ModelPrice { model, input_usd: None, cached_input_usd: None, output_usd: None, unknown: None };
    Some(match config.llm.price() {
        Ok(price) => ModelPrice {
            input_usd: Some(usd(price.input)),
            cached_input_usd: Some(usd(price.cached_input)),
            output_usd: Some(usd(price.output)),
            ..none
        },
        Err(unknown) => ModelPrice { unknown: Some(unknown.to_string()), ..none },
    })
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
    let repo = |id: &RepoId| match id.0.as_str() {
        "searches" => id.0.clone(),
        _ => paths.get(id).cloned().unwrap_or_else(|| format!("{id} (unregistered)")),
    };
    let named = |(name, group): (&String, &Group)| NamedSpending { name: name.clone(), group: (*group).into() };
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
            .map(|(id, group)| NamedSpending { name: repo(id), group: (*group).into() })
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
