//! What was spent on what: by day, repository, commit, type and model, and the calls that a crash caught.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use super::entry::{BudgetResult, EntryOutcome};
use super::ledger::budget_time;
use super::period::{day_name, day_start};
use crate::clock::Timestamp;
use crate::domain::{FilePath, ObjectId, RepoId};
use crate::store::StoreError;

const DAY_MILLIS: i64 = 86_400_000;

/// Every entry of some days, added up in five ways; each adds up to the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Every day of the span, `2026-11-22`, also those on which nothing was spent.
    pub days: BTreeMap<String, Group>,
    pub repos: BTreeMap<RepoId, Group>,
    /// `None`: no commit was named.
    pub commits: BTreeMap<(RepoId, Option<ObjectId>), Group>,
    pub types: BTreeMap<String, Group>,
    pub models: BTreeMap<String, Group>,
    /// What a crash left open, oldest first.
    pub crashed: Vec<Crashed>,
}

/// Entries added up. Amounts in nano-dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub calls: u64,
    pub spent: u64,
    /// Of the calls in flight.
    pub reserved: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Calls charged at their worst case, because the provider reported no usage that could be believed.
    pub unreported: u64,
    /// Calls that a crash left open.
    pub crashed: u64,
}

/// A call that a crash left open, and how it was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crashed {
    pub reserved_at: Timestamp,
    pub repo: RepoId,
    pub path: FilePath,
    pub analysis_type: String,
    pub model_id: String,
    /// [`EntryOutcome::CrashedStored`] or [`EntryOutcome::CrashedWorstCase`].
    pub outcome: EntryOutcome,
    /// Nano-dollars.
    pub cost: u64,
}

/// The entries of the last `days` UTC days, today included.
///
/// # Errors
/// If the ledger cannot be read.
pub fn history(db: &Connection, days: u32, now: Timestamp) -> BudgetResult<History> {
    let now = budget_time(db, now)?;
    let mut history = History::nothing(days, now);
    let mut statement = db.prepare(
        "SELECT reserved_at, repo_id, commit_id, analysis_type, model_id, outcome, cost, reserved, input_tokens, output_tokens, file_path
         FROM ledger WHERE reserved_at >= ?1 ORDER BY entry_id",
    )?;
    let mut rows = statement.query([first_day(days, now).0])?;
    while let Some(row) = rows.next()? {
        history.add(&HistoryEntry::read(row)?);
    }
    Ok(history)
}

/// First instant of the first of so many days that end with today.
fn first_day(days: u32, now: Timestamp) -> Timestamp {
    day_start(now).plus_millis(-(i64::from(days.max(1)) - 1) * DAY_MILLIS)
}

struct HistoryEntry {
    reserved_at: Timestamp,
    repo: RepoId,
    commit: Option<ObjectId>,
    analysis_type: String,
    model_id: String,
    outcome: Option<EntryOutcome>,
    cost: Option<u64>,
    reserved: u64,
    input_tokens: u64,
    output_tokens: u64,
    path: FilePath,
}

impl HistoryEntry {
    fn read(row: &Row<'_>) -> BudgetResult<Self> {
        let outcome = match row.get::<_, Option<String>>(5)? {
            None => None,
            Some(text) => Some(
                EntryOutcome::parse(&text)
                    .ok_or(StoreError::Unreadable { what: "entry of the ledger", detail: text })?,
            ),
        };
        Ok(Self {
            reserved_at: Timestamp(row.get(0)?),
            repo: RepoId(row.get(1)?),
            commit: row.get::<_, Option<Vec<u8>>>(2)?.map(ObjectId),
            analysis_type: row.get(3)?,
            model_id: row.get(4)?,
            outcome,
            cost: row.get(6)?,
            reserved: row.get(7)?,
            input_tokens: row.get(8)?,
            output_tokens: row.get(9)?,
            path: FilePath::new(row.get::<_, Vec<u8>>(10)?),
        })
    }

    fn crash(&self) -> Option<EntryOutcome> {
        self.outcome.filter(|outcome| matches!(outcome, EntryOutcome::CrashedStored | EntryOutcome::CrashedWorstCase))
    }
}

impl History {
    /// The days alone, with nothing spent.
    pub fn nothing(days: u32, now: Timestamp) -> Self {
        let first = first_day(days, now);
        let days = (0..i64::from(days.max(1))).map(|day| day_name(first.plus_millis(day * DAY_MILLIS)));
        Self { days: days.map(|day| (day, Group::default())).collect(), ..Self::default() }
    }

    fn add(&mut self, entry: &HistoryEntry) {
        self.days.entry(day_name(entry.reserved_at)).or_default().add(entry);
        self.repos.entry(entry.repo.clone()).or_default().add(entry);
        self.commits.entry((entry.repo.clone(), entry.commit.clone())).or_default().add(entry);
        self.types.entry(entry.analysis_type.clone()).or_default().add(entry);
        self.models.entry(entry.model_id.clone()).or_default().add(entry);
        if let Some(outcome) = entry.crash() {
            self.crashed.push(Crashed {
                reserved_at: entry.reserved_at,
                repo: entry.repo.clone(),
                path: entry.path.clone(),
                analysis_type: entry.analysis_type.clone(),
                model_id: entry.model_id.clone(),
                outcome,
                cost: entry.cost.unwrap_or(entry.reserved),
            });
        }
    }

    /// All of it.
    pub fn total(&self) -> Group {
        let mut total = Group::default();
        self.days.values().for_each(|day| total.join(day));
        total
    }
}

impl Group {
    fn add(&mut self, entry: &HistoryEntry) {
        self.join(&Self {
            calls: 1,
            spent: entry.cost.unwrap_or(0),
            reserved: if entry.cost.is_none() { entry.reserved } else { 0 },
            input_tokens: entry.input_tokens,
            output_tokens: entry.output_tokens,
            unreported: u64::from(entry.outcome == Some(EntryOutcome::Unreported)),
            crashed: u64::from(entry.crash().is_some()),
        });
    }

    fn join(&mut self, other: &Self) {
        let pairs = [
            (&mut self.calls, other.calls),
            (&mut self.spent, other.spent),
            (&mut self.reserved, other.reserved),
            (&mut self.input_tokens, other.input_tokens),
            (&mut self.output_tokens, other.output_tokens),
            (&mut self.unreported, other.unreported),
            (&mut self.crashed, other.crashed),
        ];
        for (sum, number) in pairs {
            *sum = sum.saturating_add(number);
        }
    }
}
