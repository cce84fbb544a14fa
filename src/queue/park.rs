//! Jobs that cannot run as things are. They keep their place in the queue and come back by priority: when their time has come, or when what
//! they wait for has changed.

use rusqlite::{Connection, params};

use crate::clock::Timestamp;
use crate::store::{Result, write};

/// What parked jobs wait for. The stored names are part of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkCause {
    /// The month or the day to turn, or a limit to be raised.
    Budget,
    /// An outage to end.
    Provider,
    /// A person to mend something: a key, a price, a model's files. A worker that starts tries them again.
    Setup,
}

impl ParkCause {
    pub const ALL: [Self; 3] = [Self::Budget, Self::Provider, Self::Setup];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Provider => "provider",
            Self::Setup => "setup",
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
