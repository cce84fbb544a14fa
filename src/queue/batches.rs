//! Questions that are at a provider in a batch (tables `batches`, `batch_lines` and `batch_entries` of agent.db). One batch is open at a time.
//! Its jobs are parked, and the ledger's entries of its lines stay open, until each line is closed with its answer.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::ParkCause;
use crate::clock::Timestamp;
use crate::store::Result;

/// A batch that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBatch {
    pub id: i64,
    pub token: String,
    /// The provider's name for it; `None`: not known.
    pub remote: Option<String>,
    pub model_id: String,
    pub lines: usize,
    pub sent_at: Timestamp,
    pub polls: u32,
    pub next_poll: Timestamp,
    pub is_cancelled: bool,
}

/// A line to be added: its name, what reading its answer takes, and its entries in the ledger, each with its job.
pub struct NewBatchLine<'a> {
    pub name: &'a str,
    pub record: &'a str,
    pub entries: &'a [(i64, i64)],
}

/// The batch that is under way; `None`: none is.
///
/// # Errors
/// If the database cannot be read.
pub fn open_batch(db: &Connection) -> Result<Option<OpenBatch>> {
    let mut statement = db.prepare_cached(
        "SELECT batch_id, token, remote, model_id, lines, sent_at, polls, next_poll, cancelled FROM batches ORDER BY batch_id",
    )?;
    let batch = statement.query_row([], |row| {
        Ok(OpenBatch {
            id: row.get(0)?,
            token: row.get(1)?,
            remote: row.get(2)?,
            model_id: row.get(3)?,
            lines: row.get(4)?,
            sent_at: Timestamp(row.get(5)?),
            polls: row.get(6)?,
            next_poll: Timestamp(row.get(7)?),
            is_cancelled: row.get(8)?,
        })
    });
    Ok(batch.optional()?)
}

/// Begins a batch. In the transaction that reserves its money.
///
/// # Errors
/// If the database cannot be written.
pub fn begin_batch(tx: &Transaction<'_>, token: &str, model_id: &str, now: Timestamp) -> Result<i64> {
    tx.execute(
        "INSERT INTO batches (token, model_id, lines, sent_at, next_poll) VALUES (?1, ?2, 0, ?3, ?3)",
        params![token, model_id, now.0],
    )?;
    Ok(tx.last_insert_rowid())
}

/// Adds a line, and parks its jobs until the line is closed. Their attempt counts.
///
/// # Errors
/// If the database cannot be written.
pub fn add_batch_line(
    tx: &Transaction<'_>,
    batch: i64,
    line: &NewBatchLine<'_>,
    detail: &str,
    now: Timestamp,
) -> Result<()> {
    tx.prepare_cached("INSERT INTO batch_lines VALUES (?1, ?2, ?3)")?.execute(params![
        batch,
        line.name,
        line.record
    ])?;
    tx.prepare_cached("UPDATE batches SET lines = lines + 1 WHERE batch_id = ?1")?.execute([batch])?;
    for (entry, job) in line.entries {
        tx.prepare_cached("INSERT INTO batch_entries VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![entry, batch, line.name, job])?;
        tx.prepare_cached(
            "UPDATE jobs SET state = 'parked', parked_for = ?2, not_before = ?3, detail = ?4, updated_at = ?5
             WHERE job_id = ?1 AND state = 'running'",
        )?
        .execute(params![job, ParkCause::Batch.as_str(), i64::MAX, detail, now.0])?;
    }
    Ok(())
}

/// Notes a batch's name at the provider, and when it is asked about next.
///
/// # Errors
/// If the database cannot be written.
pub fn name_batch(db: &Connection, batch: i64, remote: &str, next_poll: Timestamp) -> Result<()> {
    let sql = "UPDATE batches SET remote = ?2, next_poll = ?3 WHERE batch_id = ?1";
    db.execute(sql, params![batch, remote, next_poll.0])?;
    Ok(())
}

/// Notes that a batch was asked about, and when it is next.
///
/// # Errors
/// If the database cannot be written.
pub fn postpone_batch(db: &Connection, batch: i64, next_poll: Timestamp) -> Result<()> {
    let sql = "UPDATE batches SET polls = polls + 1, next_poll = ?2 WHERE batch_id = ?1";
    db.execute(sql, params![batch, next_poll.0])?;
    Ok(())
}

/// Notes that no more of a batch is wanted.
///
/// # Errors
/// If the database cannot be written.
pub fn cancel_batch(db: &Connection, batch: i64) -> Result<()> {
    db.execute("UPDATE batches SET cancelled = 1 WHERE batch_id = ?1", [batch])?;
    Ok(())
}

/// Name and record of the lines that are open.
///
/// # Errors
/// If the database cannot be read.
pub fn batch_lines(db: &Connection, batch: i64) -> Result<Vec<(String, String)>> {
    let mut statement = db.prepare_cached("SELECT name, record FROM batch_lines WHERE batch_id = ?1 ORDER BY name")?;
    let lines = statement.query_map([batch], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(lines.collect::<rusqlite::Result<_>>()?)
}

/// Whether any answer of a batch is still wanted.
///
/// # Errors
/// If the database cannot be read.
pub fn is_batch_wanted(db: &Connection, batch: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM batch_entries JOIN jobs USING (job_id) WHERE batch_id = ?1 AND state = 'parked'";
    Ok(db.prepare_cached(sql)?.exists([batch])?)
}

/// Closes a line, in the transaction that settles its entries.
///
/// # Errors
/// If the database cannot be written.
pub fn close_batch_line(tx: &Transaction<'_>, batch: i64, name: &str) -> Result<()> {
    tx.prepare_cached("DELETE FROM batch_entries WHERE batch_id = ?1 AND name = ?2")?.execute(params![batch, name])?;
    tx.prepare_cached("DELETE FROM batch_lines WHERE batch_id = ?1 AND name = ?2")?.execute(params![batch, name])?;
    Ok(())
}

/// Closes a batch, whose lines are closed; what waited for it may go.
///
/// # Errors
/// If the database cannot be written.
pub fn close_batch(tx: &Transaction<'_>, batch: i64, now: Timestamp) -> Result<()> {
    tx.execute("DELETE FROM batch_entries WHERE batch_id = ?1", [batch])?;
    tx.execute("DELETE FROM batch_lines WHERE batch_id = ?1", [batch])?;
    tx.execute("DELETE FROM batches WHERE batch_id = ?1", [batch])?;
    super::unpark(tx, &[ParkCause::Batch], now)?;
    Ok(())
}

/// Gives up the batches that are at another provider than this one, or all of them: they cannot be asked about. Their entries are open, to be
/// settled at their worst case.
///
/// # Errors
/// If the database cannot be written.
pub fn abandon_batches(db: &mut Connection, provider: Option<&str>, now: Timestamp) -> Result<()> {
    let Some(batch) = open_batch(db)? else {
        // What waited for a batch that is closed may go.
        super::unpark(db, &[ParkCause::Batch], now)?;
        return Ok(());
    };
    if provider.is_some_and(|provider| batch.model_id.split('/').next() == Some(provider)) {
        return Ok(());
    }
    tracing::warn!(batch = batch.remote, model = batch.model_id, "a batch at another provider is given up");
    let tx = crate::store::write(db)?;
    close_batch(&tx, batch.id, now)?;
    Ok(tx.commit()?)
}
