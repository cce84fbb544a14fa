//! Jobs that cannot run as things are. They keep their place in the queue and come back by priority: when their time has come, or when what
//! they wait for has changed.

use rusqlite::{Connection, params};

use super::Lane;
use crate::clock::Timestamp;
use crate::store::{Result, write};

/// What parked jobs wait for. The stored names are part of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkCause {
    /// The month or the day to turn, or a limit to be raised.
    Budget,
    /// An outage to end.
    Provider,
    /// A person to fix something: a key, a price, a model's files. A worker that starts tries them again.
    Setup,
    /// A batch to be answered: theirs, or the one before it.
    Batch,
}

impl ParkCause {
    pub const ALL: [Self; 4] = [Self::Budget, Self::Provider, Self::Setup, Self::Batch];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Provider => "provider",
            Self::Setup => "setup",
            Self::Batch => "batch",
        }
    }
}

/// Puts claimed jobs aside; their attempt is given back. `until`: when they may run again without anything having changed.
///
/// # Errors
/// If the database cannot be written.
pub fn park(
    db: &mut Connection,
    ids: &[i64],
    cause: ParkCause,
    until: Option<Timestamp>,
    detail: &str,
    now: Timestamp,
) -> Result<()> {
    let tx = write(db)?;
    for id in ids {
        tx.prepare_cached(
            "UPDATE jobs SET state = 'parked', attempts = max(attempts - 1, 0), parked_for = ?2, not_before = ?3, detail = ?4,
                 updated_at = ?5
             WHERE job_id = ?1 AND state = 'running'",
        )?
        .execute(params![id, cause.as_str(), until.map_or(i64::MAX, |until| until.0), detail, now.0])?;
    }
    Ok(tx.commit()?)
}

/// Lets the jobs that wait for one of these causes run again. Returns how many.
///
/// # Errors
/// If the database cannot be written.
pub fn unpark(db: &Connection, causes: &[ParkCause], now: Timestamp) -> Result<usize> {
    let mut statement = db.prepare_cached(
        "UPDATE jobs SET state = 'queued', detail = NULL, parked_for = NULL, not_before = 0, updated_at = ?2
         WHERE state = 'parked' AND coalesce(parked_for, 'setup') = ?1",
    )?;
    causes.iter().try_fold(0, |sum, cause| Ok(sum + statement.execute(params![cause.as_str(), now.0])?))
}

/// Lets the parked jobs run again whose time has come. Returns how many.
///
/// # Errors
/// If the database cannot be written.
pub fn resume_due(db: &Connection, now: Timestamp) -> Result<usize> {
    // Looked for first: this is asked every minute, and almost always there is nothing to write.
    let is_due = "state = 'parked' AND not_before <= ?1";
    if !db.prepare_cached(&format!("SELECT 1 FROM jobs INDEXED BY jobs_parked WHERE {is_due}"))?.exists([now.0])? {
        return Ok(0);
    }
    let sql = format!(
        "UPDATE jobs SET state = 'queued', detail = NULL, parked_for = NULL, not_before = 0, updated_at = ?1 WHERE {is_due}"
    );
    Ok(db.prepare_cached(&sql)?.execute([now.0])?)
}

/// Puts every queued job of a lane aside, together with those that were claimed (`ids`, whose attempt is given back): none of them can run as
/// things are.
///
/// # Errors
/// If the database cannot be written.
pub fn park_lane(db: &mut Connection, lane: Lane, ids: &[i64], why: &Parking<'_>, now: Timestamp) -> Result<()> {
    park(db, ids, why.cause, why.until, why.detail, now)?;
    let sql = format!(
        "UPDATE jobs SET state = 'parked', parked_for = ?1, not_before = ?2, detail = ?3, updated_at = ?4
         WHERE state = 'queued' AND {}",
        lane.condition()
    );
    let until = why.until.map_or(i64::MAX, |until| until.0);
    db.execute(&sql, params![why.cause.as_str(), until, why.detail, now.0])?;
    Ok(())
}

/// What a lane waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parking<'a> {
    pub cause: ParkCause,
    /// When its jobs may run again without anything having changed; `None`: not by themselves.
    pub until: Option<Timestamp>,
    /// For the user.
    pub detail: &'a str,
}

/// Has no job of a lane claimed before a time: the provider has said so.
///
/// # Errors
/// If the database cannot be written.
pub fn postpone(db: &Connection, lane: Lane, until: Timestamp) -> Result<()> {
    let sql =
        format!("UPDATE jobs SET not_before = max(not_before, ?1) WHERE state = 'queued' AND {}", lane.condition());
    db.execute(&sql, [until.0])?;
    Ok(())
}

/// Puts a claimed job back, its attempt given back: it was not its turn. `detail`: why, where a person may want to know.
///
/// # Errors
/// If the database cannot be written.
pub fn put_back(db: &Connection, id: i64, not_before: Timestamp, detail: Option<&str>, now: Timestamp) -> Result<()> {
    db.prepare_cached(
        "UPDATE jobs SET state = 'queued', attempts = max(attempts - 1, 0), not_before = ?2, detail = ?3, updated_at = ?4
         WHERE job_id = ?1 AND state = 'running'",
    )?
    .execute(params![id, not_before.0, detail, now.0])?;
    Ok(())
}

/// As [`put_back`], for several at once.
///
/// # Errors
/// If the database cannot be written.
pub fn put_all_back(
    db: &mut Connection,
    ids: &[i64],
    not_before: Timestamp,
    detail: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    let tx = write(db)?;
    ids.iter().try_for_each(|id| put_back(&tx, *id, not_before, detail, now))?;
    Ok(tx.commit()?)
}

/// Supersedes the live jobs of a lane: their results are no longer wanted.
///
/// # Errors
/// If the database cannot be written.
pub fn close_lane(db: &Connection, lane: Lane, now: Timestamp) -> Result<usize> {
    let sql = format!(
        "UPDATE jobs SET state = 'superseded', parked_for = NULL, updated_at = ?1
         WHERE state IN ('queued', 'running', 'parked') AND {}",
        lane.condition()
    );
    Ok(db.execute(&sql, [now.0])?)
}

/// What parked jobs wait for: cause (its stored name), what was said, when they go on by themselves, how many; the most first.
///
/// # Errors
/// If the database cannot be read.
pub fn parkings(db: &Connection) -> Result<Vec<Parked>> {
    let mut statement = db.prepare(
        "SELECT coalesce(parked_for, 'setup'), coalesce(detail, ''), nullif(min(not_before), ?1), count(*) AS jobs
         FROM jobs WHERE state = 'parked' GROUP BY 1, 2 ORDER BY jobs DESC, 1, 2",
    )?;
    let rows = statement.query_map([i64::MAX], |row| {
        let until: Option<i64> = row.get(2)?;
        Ok(Parked { cause: row.get(0)?, detail: row.get(1)?, until: until.map(Timestamp), jobs: row.get(3)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Jobs that wait for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    pub cause: String,
    pub detail: String,
    pub until: Option<Timestamp>,
    pub jobs: u64,
}
