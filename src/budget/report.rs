//! Where the budget stands: spent, reserved, left, and for how long that will do.

use rusqlite::{Connection, params};

use super::entry::BudgetResult;
use super::ledger::{Sums, budget_time, joined};
use super::period::{Period, day_name};
use super::seal;
use crate::clock::Timestamp;
use crate::config::SpendingLimits;

const DAY_MILLIS: i64 = 86_400_000;
/// Days that the mean cost covers: older prices, prompts and habits say little.
const MEAN_DAYS: i64 = 90;

/// Amounts in nano-dollars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetReport {
    pub month: PeriodReport,
    pub day: PeriodReport,
    /// What the month will have cost if it goes on like this.
    pub projected: u64,
    /// `None` before anything was paid for.
    pub mean: Option<MeanCost>,
    /// Files that what is left of the month will do for, at the mean cost.
    pub files_remaining: Option<u64>,
    /// Why spending is stopped.
    pub stopped: Option<String>,
}

/// Amounts in nano-dollars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodReport {
    /// `2026-11` or `2026-11-22`, UTC.
    pub name: String,
    /// `None`: no limit of its own.
    pub limit: Option<u64>,
    pub spent: u64,
    /// Worst cases of the calls in flight.
    pub reserved: u64,
    /// The next period's first instant.
    pub ends_at: Timestamp,
}

impl PeriodReport {
    fn of(period: Period, limit: Option<u64>, sums: Sums, now: Timestamp) -> Self {
        let mut name = day_name(now);
        if period == Period::Month {
            name.truncate(name.rfind('-').unwrap_or(name.len()));
        }
        Self { name, limit, spent: sums.spent, reserved: sums.reserved, ends_at: period.end(now) }
    }

    /// What may still be reserved.
    pub fn remaining(&self) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_sub(self.spent).saturating_sub(self.reserved))
    }

    /// Share of the limit that is spent; of a limit of nothing all is.
    pub fn percent(&self) -> Option<f64> {
        self.limit.map(|limit| if limit == 0 { 100.0 } else { self.spent as f64 * 100.0 / limit as f64 })
    }
}

/// What this user's own analyses have cost in the last 90 days, repairs and retries included, in nano-dollars, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeanCost {
    /// Of one type of one file.
    pub per_analysis: u64,
    /// Of all that was asked about one file of one commit.
    pub per_file: u64,
    /// How many of them were paid for.
    pub analyses: u64,
    pub files: u64,
}

impl BudgetReport {
    /// Of a ledger that has not been begun.
    pub fn unspent(limits: &SpendingLimits, now: Timestamp) -> Self {
        let of = |period, limit| PeriodReport::of(period, limit, Sums::default(), now);
        Self {
            month: of(Period::Month, Some(limits.monthly)),
            day: of(Period::Day, limits.daily),
            projected: 0,
            mean: None,
            files_remaining: None,
            stopped: None,
        }
    }
}

/// Gathers it. `now` is the clock's time; budget time is derived from it.
///
/// # Errors
/// If the ledger cannot be read.
pub fn report(db: &Connection, limits: &SpendingLimits, now: Timestamp) -> BudgetResult<BudgetReport> {
    let now = budget_time(db, now)?;
    let of = |period: Period, limit| -> BudgetResult<PeriodReport> {
        Ok(PeriodReport::of(period, limit, Sums::since(db, period.start(now))?, now))
    };
    let month = of(Period::Month, Some(limits.monthly))?;
    let mean = mean_cost(db, now)?;
    Ok(BudgetReport {
        projected: projected(month.spent, now),
        files_remaining: mean.and_then(|mean| month.remaining()?.checked_div(mean.per_file)),
        day: of(Period::Day, limits.daily)?,
        month,
        mean,
        stopped: seal::stopped(db)?,
    })
}

/// In proportion to the part of the month that is over, of which at least a day is assumed: an hour says nothing about a month.
fn projected(spent: u64, now: Timestamp) -> u64 {
    let start = Period::Month.start(now).0;
    let whole = Period::Month.end(now).0.saturating_sub(start).max(DAY_MILLIS);
    let over = now.0.saturating_sub(start).max(DAY_MILLIS);
    let projected = u128::from(spent) * u128::from(whole.unsigned_abs()) / u128::from(over.unsigned_abs());
    u64::try_from(projected).unwrap_or(u64::MAX)
}

/// Mean tokens of an answer to one question, of the last 90 days of budget time; `None` if there are fewer than `least`.
///
/// # Errors
/// If the ledger cannot be read.
pub fn mean_answer(db: &Connection, least: u64) -> BudgetResult<Option<u64>> {
    let (tokens, answers): (u64, u64) = db.query_row(
        "SELECT coalesce(sum(output_tokens), 0), count(*) FROM ledger
         WHERE output_tokens > 0 AND reserved_at >= (SELECT max(reserved_at) FROM ledger) - ?1",
        [MEAN_DAYS * DAY_MILLIS],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok((answers >= least.max(1)).then(|| tokens.div_ceil(answers)))
}

fn mean_cost(db: &Connection, now: Timestamp) -> BudgetResult<Option<MeanCost>> {
    let since = now.0.saturating_sub(MEAN_DAYS * DAY_MILLIS);
    let mut statement = db.prepare_cached(
        "WITH paid AS (SELECT * FROM ledger WHERE reserved_at >= ?1 AND cost > 0
                         AND analysis_type NOT IN ('embed', 'query'))
         SELECT coalesce(sum(cost >> 32), 0), coalesce(sum(cost & 0xffffffff), 0), count(DISTINCT cache_key),
                (SELECT count(*) FROM (SELECT DISTINCT repo_id, file_path, commit_id FROM paid))
         FROM paid",
    )?;
    let (high, low, analyses, files): (i64, i64, u64, u64) =
        statement.query_row(params![since], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    if analyses == 0 || files == 0 {
        return Ok(None);
    }
    let spent = joined((high, low));
    Ok(Some(MeanCost { per_analysis: spent.div_ceil(analyses), per_file: spent.div_ceil(files), analyses, files }))
}
