//! Opening and closing entries (table `ledger` of agent.db). What opens one is on the disk before the request is sent: agent.db is written
//! with `synchronous = FULL`.

use rusqlite::{Connection, OptionalExtension, Transaction, named_params, params};

use super::entry::{
    BudgetResult, Call, Charge, EntryOutcome, Grant, Refusal, Reservation, Settled, StoredCost, share_out,
};
use super::period::Period;
use super::seal;
use super::{BudgetError, SpendingLimits, Usage};
use crate::clock::Timestamp;
use crate::domain::{Hash, RepoId};
use crate::store::write;

/// Asks for the right to spend up to `worst_case` nano-dollars on one request. One transaction that holds the write lock from its beginning
/// sums up what the month and the day have cost and reserve, and adds the entry only if the sum stays within the limits, so callers on any
/// number of connections never overspend together. A call that costs nothing (the user's own model) is entered whatever the limits say.
///
/// # Errors
/// If the ledger cannot be read or written. Nothing may be sent then.
pub fn reserve(
    db: &mut Connection,
    limits: &SpendingLimits,
    call: &Call,
    worst_case: u64,
    now: Timestamp,
) -> BudgetResult<Grant> {
    Ok(match reserve_together(db, limits, std::slice::from_ref(call), worst_case, now)? {
        Grant::Refused(refusal) => Grant::Refused(refusal),
        Grant::InFlight => Grant::InFlight,
        Grant::Reserved(reservations) => reservations.into_iter().next().map_or(Grant::InFlight, Grant::Reserved),
    })
}

/// As [`reserve`], for several questions in one request that costs up to `worst_case` in all: each gets an entry that reserves its part. All
/// are granted or none is.
///
/// # Errors
/// As [`reserve`].
pub fn reserve_together(
    db: &mut Connection,
    limits: &SpendingLimits,
    calls: &[Call],
    worst_case: u64,
    now: Timestamp,
) -> BudgetResult<Grant<Vec<Reservation>>> {
    let tx = write(db)?;
    let granted = reserve_in(&tx, limits, calls, worst_case, now)?;
    tx.commit()?;
    Ok(granted)
}

/// As [`reserve_together`], in a transaction that holds more: the lines of a batch are reserved for together.
///
/// # Errors
/// As [`reserve`].
pub fn reserve_in(
    tx: &Transaction<'_>,
    limits: &SpendingLimits,
    calls: &[Call],
    worst_case: u64,
    now: Timestamp,
) -> BudgetResult<Grant<Vec<Reservation>>> {
    let now = budget_time(tx, now)?;
    for call in calls {
        if is_open(tx, &call.cache_key)? {
            return Ok(Grant::InFlight);
        }
    }
    if worst_case > 0
        && let Some(refusal) = refusal(tx, limits, worst_case, now)?
    {
        return Ok(Grant::Refused(refusal));
    }
    let parts = share_out(worst_case, &vec![1; calls.len()]);
    let reservations = calls.iter().zip(parts).map(|(call, part)| open(tx, call, part, now));
    Ok(Grant::Reserved(reservations.collect::<BudgetResult<_>>()?))
}

fn open(tx: &Transaction<'_>, call: &Call, worst_case: u64, now: Timestamp) -> BudgetResult<Reservation> {
    let attempt: u32 = tx
        .prepare_cached("SELECT coalesce(max(attempt), 0) + 1 FROM ledger WHERE repo_id = ?1 AND cache_key = ?2")?
        .query_row(params![call.repo.0, call.cache_key.as_bytes()], |row| row.get(0))?;
    tx.prepare_cached(
        "INSERT INTO ledger (repo_id, cache_key, attempt, file_path, analysis_type, model_id, commit_id, reserved_at, reserved)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        call.repo.0,
        call.cache_key.as_bytes(),
        attempt,
        call.path.as_bytes(),
        call.purpose.as_str(),
        call.model_id,
        call.commit.as_ref().map(|commit| &commit.0),
        now.0,
        storable(worst_case),
    ])?;
    Ok(Reservation { entry: tx.last_insert_rowid(), attempt, worst_case })
}

/// The repositories in whose name a key was asked for: where its result may be.
///
/// # Errors
/// If the ledger cannot be read.
pub fn askers(db: &Connection, key: &Hash) -> BudgetResult<Vec<RepoId>> {
    let mut statement = db.prepare_cached("SELECT DISTINCT repo_id FROM ledger WHERE cache_key = ?1")?;
    let askers = statement.query_map([key.as_bytes()], |row| row.get(0).map(RepoId))?;
    Ok(askers.collect::<rusqlite::Result<_>>()?)
}

fn is_open(db: &Connection, key: &Hash) -> BudgetResult<bool> {
    Ok(db
        .prepare_cached("SELECT 1 FROM ledger WHERE cache_key = ?1 AND closed_at IS NULL")?
        .exists([key.as_bytes()])?)
}

/// Why this amount may not be spent now. The month's limit is reported before the day's, because it resets later.
fn refusal(db: &Connection, limits: &SpendingLimits, asked: u64, now: Timestamp) -> BudgetResult<Option<Refusal>> {
    if let Some(reason) = seal::stop_reason(db)? {
        return Ok(Some(Refusal::Stopped { reason }));
    }
    let month = (Period::Month, Some(limits.monthly));
    for (which, limit) in [month, (Period::Day, limits.daily)] {
        let Some(limit) = limit else { continue };
        let sums = Sums::since(db, which.start(now))?;
        if sums.spent.saturating_add(sums.reserved).saturating_add(asked) > limit {
            let resumes_at = (asked <= limit).then(|| which.end(now));
            let Sums { spent, reserved } = sums;
            return Ok(Some(Refusal::OverLimit { which, limit, spent, reserved, asked, resumes_at }));
        }
    }
    Ok(None)
}

/// Books what a call cost and closes its entry, in the transaction that closes the job.
///
/// # Errors
/// [`BudgetError::NotOpen`] if it is closed already; else if the ledger cannot be written. The entry then counts at its worst case.
pub fn settle(
    tx: &Transaction<'_>,
    reservation: &Reservation,
    charge: &Charge,
    now: Timestamp,
) -> BudgetResult<Settled> {
    match charge {
        Charge::Reported { usage, .. } if !usage.is_credible() => {
            let reason = "the provider reported that no token was read or none was written";
            close(tx, reservation.entry, EntryOutcome::Unreported, None, *usage, Some(reason), now)
        }
        Charge::Reported { usage, cost } | Charge::Share { usage, cost } => {
            close(tx, reservation.entry, EntryOutcome::Reported, Some(*cost), *usage, None, now)
        }
        Charge::Unreported { reason } => {
            close(tx, reservation.entry, EntryOutcome::Unreported, None, Usage::default(), Some(reason), now)
        }
    }
}

/// Takes a reservation back. Only where it is certain that nothing was sent: the connection was refused, the name does not resolve.
///
/// # Errors
/// As [`settle`].
pub fn release(tx: &Transaction<'_>, reservation: &Reservation, reason: &str, now: Timestamp) -> BudgetResult<Settled> {
    close(tx, reservation.entry, EntryOutcome::Released, Some(0), Usage::default(), Some(reason), now)
}

/// Settles what a crash left open, but for what is at a provider in a batch: at the cost stored with the call's result if one was stored since the reservation (an older result is an
/// older call's), else at the worst case, since the provider may have billed it. To be called under the worker's lock, when no other worker
/// can be alive. Returns what was booked.
///
/// # Errors
/// If the ledger cannot be read or written; nothing is settled then.
pub fn settle_dead(
    db: &mut Connection,
    stored_cost: impl Fn(&RepoId, &Hash) -> Option<StoredCost>,
    now: Timestamp,
) -> BudgetResult<Vec<Settled>> {
    let tx = write(db)?;
    let dead: Vec<(i64, RepoId, Vec<u8>, i64)> = tx
        .prepare(
            "SELECT entry_id, repo_id, cache_key, reserved_at FROM ledger
             WHERE closed_at IS NULL AND entry_id NOT IN (SELECT entry_id FROM batch_entries) ORDER BY entry_id",
        )?
        .query_map([], |row| Ok((row.get(0)?, RepoId(row.get(1)?), row.get(2)?, row.get(3)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut settled = Vec::with_capacity(dead.len());
    for (entry, repo, key, reserved_at) in dead {
        let stored = Hash::from_bytes(&key).and_then(|key| stored_cost(&repo, &key));
        let (outcome, cost) = match stored.filter(|stored| stored.stored_at.0 >= reserved_at) {
            Some(stored) => (EntryOutcome::CrashedStored, Some(stored.cost)),
            None => (EntryOutcome::CrashedWorstCase, None),
        };
        settled.push(close(&tx, entry, outcome, cost, Usage::default(), None, now)?);
    }
    tx.commit()?;
    Ok(settled)
}

/// Closes an entry at `cost`, or at what it reserved.
fn close(
    tx: &Transaction<'_>,
    entry: i64,
    outcome: EntryOutcome,
    cost: Option<u64>,
    usage: Usage,
    detail: Option<&str>,
    now: Timestamp,
) -> BudgetResult<Settled> {
    let closed_at = budget_time(tx, now)?;
    let booked = tx
        .prepare_cached(
            "UPDATE ledger SET closed_at = :closed_at, outcome = :outcome, cost = coalesce(:cost, reserved), detail = :detail,
                 input_tokens = :input, cached_tokens = :cached, output_tokens = :output, reasoning_tokens = :reasoning
             WHERE entry_id = :entry AND closed_at IS NULL RETURNING cost",
        )?
        .query_row(
            named_params! {
                ":entry": entry,
                ":closed_at": closed_at.0,
                ":outcome": outcome.as_str(),
                ":cost": cost.map(storable),
                ":detail": detail,
                ":input": storable(usage.input),
                ":cached": storable(usage.cached_input),
                ":output": storable(usage.output),
                ":reasoning": storable(usage.reasoning),
            },
            |row| row.get::<_, i64>(0),
        )
        .optional()?;
    let cost = booked.ok_or(BudgetError::NotOpen(entry))?.unsigned_abs();
    Ok(Settled { cost, outcome })
}

/// The clock's time, but never before the newest row.
pub(super) fn budget_time(db: &Connection, now: Timestamp) -> BudgetResult<Timestamp> {
    let sql = "SELECT max(coalesce((SELECT max(reserved_at) FROM ledger), ?1), coalesce((SELECT max(closed_at) FROM ledger), ?1), ?1)";
    Ok(Timestamp(db.prepare_cached(sql)?.query_row([now.0], |row| row.get(0))?))
}

/// What the entries since an instant cost, and what the open ones among them reserve, in nano-dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub spent: u64,
    pub reserved: u64,
}

impl Sums {
    /// Each half of the numbers is summed for itself: SQLite's `sum` fails where 64 bits do not hold it, and one absurd entry must not make
    /// the ledger unreadable.
    pub fn since(db: &Connection, start: Timestamp) -> BudgetResult<Self> {
        let mut statement = db.prepare_cached(
            "SELECT coalesce(sum(cost >> 32), 0), coalesce(sum(cost & 0xffffffff), 0),
                    coalesce(sum(reserved >> 32) FILTER (WHERE cost IS NULL), 0),
                    coalesce(sum(reserved & 0xffffffff) FILTER (WHERE cost IS NULL), 0)
             FROM ledger WHERE reserved_at >= ?1",
        )?;
        Ok(statement.query_row([start.0], |row| {
            let (spent, reserved) = ((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?));
            Ok(Self { spent: joined(spent), reserved: joined(reserved) })
        })?)
    }
}

/// Number of a sum of high halves and one of low halves; what a u64 cannot hold is the largest that it can.
pub(super) fn joined((high, low): (i64, i64)) -> u64 {
    let sum = (u128::from(high.unsigned_abs()) << 32) + u128::from(low.unsigned_abs());
    u64::try_from(sum).unwrap_or(u64::MAX)
}

/// SQLite's integers end at 2⁶³ − 1, far above every limit that can be set.
fn storable(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
