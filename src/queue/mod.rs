//! What is to be done, on disk (table `jobs` of agent.db). A job may be lost or run twice without harm: what is stale is always
//! computed from view and cache, and a result is stored by key before its job is finished.
//!
//! Life of a job: `enqueue` → queued → `claim` (counts the attempt) → running → `finish` → done; or `retry` → queued again, after
//! a wait, until [`MAX_ATTEMPTS`] make it discarded. A newer content of the same file and kind makes it superseded; two crashes
//! while it ran alone make it quarantined.

mod batches;
pub mod ended;
mod enqueue;
mod list;
mod park;
mod pause;
mod suspects;

use std::time::Duration;

use rusqlite::{Connection, Row, Transaction, params};

pub use batches::{
    NewBatchLine, OpenBatch, abandon_batches, add_batch_line, batch_lines, begin_batch, cancel_batch, close_batch,
    close_batch_line, is_batch_wanted, name_batch, open_batch, postpone_batch,
};
pub use enqueue::{enqueue, enqueue_done, enqueue_first, has_any, supersede, supersede_settled};
pub use list::{
    Arrivals, Counts, Filter, Waiting, arrivals, counts, get, list, list_after, live_keys, newest_change, next_of,
    parked, pending_embeds, pending_files, queued_in, waiting, waiting_embeds, waiting_in,
};
pub use park::{
    ParkCause, Parked, Parking, close_lane, park, park_lane, parkings, postpone, put_all_back, put_back, resume_due,
    unpark,
};
pub use pause::{is_paused, set_paused};
pub use suspects::{SuspectUnit, clear_suspect, is_quarantined, record_suspects, suspects};

use crate::clock::Timestamp;
use crate::domain::{FilePath, Hash, JobKind, JobState, ObjectId, Origin, Priority, RepoId, StaleReason};
use crate::store::{Result, StoreError, write};

/// Attempts that a job gets before it is discarded (a dead letter: `queue retry` replays it).
pub const MAX_ATTEMPTS: u32 = 3;

/// A job as it stands in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: i64,
    pub repo: RepoId,
    pub path: FilePath,
    pub kind: JobKind,
    /// Key of the result.
    pub key: Hash,
    /// The Git object that holds the content.
    pub blob: ObjectId,
    pub state: JobState,
    pub priority: Priority,
    pub origin: Origin,
    pub reason: StaleReason,
    pub attempts: u32,
    /// Why it is parked, discarded or quarantined, or what the last attempt said.
    pub detail: Option<String>,
    pub created_at: Timestamp,
}

/// A job to be enqueued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    pub path: FilePath,
    pub kind: JobKind,
    pub key: Hash,
    pub blob: ObjectId,
    pub priority: Priority,
    pub origin: Origin,
    pub reason: StaleReason,
}

/// The work that a worker takes in one go: analyses are cheap and come first; what a model is asked waits for the network and
/// runs next to both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    Analyze,
    Embed,
    Ask,
    /// Of what a model is asked, what a change has caused.
    AskNow,
    /// Of what a model is asked, what no person waits for: it may go in a batch.
    AskLater,
}

impl Lane {
    /// The lane of a kind.
    pub const fn of(kind: JobKind) -> Self {
        match kind {
            JobKind::Analyze(_) => Self::Analyze,
            JobKind::Embed => Self::Embed,
            JobKind::Ask(_) => Self::Ask,
        }
    }

    /// The kinds of this lane, as a condition on `jobs.kind`.
    const fn condition(self) -> &'static str {
        match self {
            Self::Analyze => "kind GLOB 'analyze:*'",
            Self::Embed => "kind = 'embed'",
            Self::Ask => "kind GLOB 'ask:*'",
            // `Origin::Changed`, `Origin::Dependent`
            Self::AskNow => "kind GLOB 'ask:*' AND origin IN (1, 2)",
            Self::AskLater => "kind GLOB 'ask:*' AND origin NOT IN (1, 2)",
        }
    }
}

/// Takes up to `limit` jobs of one lane in order of priority, origin and age, and counts their attempt in the same statement.
/// Nothing while the queue is paused. The jobs of `except` (suspects, which run alone) are left out.
///
/// # Errors
/// If the database cannot be written.
pub fn claim(db: &mut Connection, lane: Lane, limit: usize, except: &[i64], now: Timestamp) -> Result<Vec<Job>> {
    if is_paused(db)? {
        return Ok(Vec::new());
    }
    let only = lane.condition();
    let except = except.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    let tx = write(db)?;
    let mut jobs = {
        let mut statement = tx.prepare(&format!(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, updated_at = ?1
             WHERE job_id IN (SELECT job_id FROM jobs INDEXED BY jobs_claim
                              WHERE state = 'queued' AND not_before <= ?1 AND {only} AND job_id NOT IN ({except})
                              ORDER BY priority, origin, job_id LIMIT ?2)
             RETURNING {COLUMNS}"
        ))?;
        collect(statement.query(params![now.0, limit as i64])?)?
    };
    tx.commit()?;
    jobs.sort_by_key(|job| (job.priority, job.origin, job.id));
    Ok(jobs)
}

/// Takes one job by its id, if it is queued.
///
/// # Errors
/// If the database cannot be written.
pub fn claim_one(db: &Connection, id: i64, now: Timestamp) -> Result<Option<Job>> {
    let mut statement = db.prepare_cached(&format!(
        "UPDATE jobs SET state = 'running', attempts = attempts + 1, updated_at = ?2
         WHERE job_id = ?1 AND state = 'queued' AND not_before <= ?2 RETURNING {COLUMNS}"
    ))?;
    Ok(collect(statement.query(params![id, now.0])?)?.pop())
}

/// Takes the queued jobs of one file and lane whose results have these keys, to be done together with one that was taken. Those of `except` are left
/// out.
///
/// # Errors
/// If the database cannot be written.
pub fn claim_of_file(
    db: &mut Connection,
    lane: Lane,
    like: &Job,
    keys: &[Hash],
    except: &[i64],
    now: Timestamp,
) -> Result<Vec<Job>> {
    let tx = write(db)?;
    let mut jobs = Vec::new();
    {
        let mut statement = tx.prepare_cached(&format!(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, updated_at = ?4
             WHERE repo_id = ?1 AND file_path = ?2 AND cache_key = ?3 AND state IN ('queued', 'running', 'parked')
               AND state = 'queued' AND not_before <= ?4 AND {}
             RETURNING {COLUMNS}",
            lane.condition()
        ))?;
        for key in keys {
            let claimed = statement.query(params![like.repo.0, like.path.as_bytes(), key.as_bytes(), now.0])?;
            jobs.extend(collect(claimed)?);
        }
    }
    for id in jobs.iter().map(|job| job.id).filter(|id| except.contains(id)) {
        put_back(&tx, id, now, None, now)?;
    }
    tx.commit()?;
    jobs.retain(|job| !except.contains(&job.id));
    jobs.sort_by_key(|job| (job.priority, job.origin, job.id));
    Ok(jobs)
}

/// Closes jobs whose results are stored, in one transaction. One that was superseded meanwhile stays so.
///
/// # Errors
/// If the database cannot be written.
pub fn finish(db: &mut Connection, ids: &[i64], now: Timestamp) -> Result<()> {
    let tx = write(db)?;
    ids.iter().try_for_each(|id| finish_one(&tx, *id, now))?;
    Ok(tx.commit()?)
}

/// As [`finish`], in a transaction that holds more: a paid job is closed together with its entry in the ledger.
///
/// # Errors
/// If the database cannot be written.
pub fn finish_one(tx: &Transaction<'_>, id: i64, now: Timestamp) -> Result<()> {
    tx.prepare_cached(
        "UPDATE jobs SET state = 'done', detail = NULL, parked_for = NULL, updated_at = ?2
         WHERE job_id = ?1 AND (state = 'running' OR (state = 'parked' AND parked_for = 'batch'))",
    )?
    .execute(params![id, now.0])?;
    Ok(())
}

/// Puts a failed job back with a wait that doubles with each attempt, or discards it when its attempts are used up.
///
/// # Errors
/// If the database cannot be written.
pub fn retry(db: &Connection, job: &Job, detail: &str, now: Timestamp) -> Result<()> {
    let wait = Duration::from_millis(backoff_millis(job.attempts).unsigned_abs());
    retry_after(db, job, detail, wait, now)
}

/// As [`retry`], after a wait that the caller knows better.
///
/// # Errors
/// If the database cannot be written.
pub fn retry_after(db: &Connection, job: &Job, detail: &str, wait: Duration, now: Timestamp) -> Result<()> {
    let (state, not_before) = if job.attempts >= MAX_ATTEMPTS {
        (JobState::Discarded, now)
    } else {
        (JobState::Queued, now.plus_millis(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
    };
    set_state(db, job.id, state, not_before, detail, now)
}

/// Gives a job up for good, with the reason; `queue retry` replays it.
///
/// # Errors
/// If the database cannot be written.
pub fn discard(db: &Connection, id: i64, detail: &str, now: Timestamp) -> Result<()> {
    set_state(db, id, JobState::Discarded, now, detail, now)
}

/// Takes a job out for having crashed the worker while nothing else ran.
///
/// # Errors
/// If the database cannot be written.
pub fn quarantine(db: &Connection, id: i64, detail: &str, now: Timestamp) -> Result<()> {
    set_state(db, id, JobState::Quarantined, now, detail, now)
}

fn set_state(
    db: &Connection,
    id: i64,
    state: JobState,
    not_before: Timestamp,
    detail: &str,
    now: Timestamp,
) -> Result<()> {
    db.prepare_cached(
        "UPDATE jobs SET state = ?2, not_before = ?3, detail = ?4, parked_for = NULL, updated_at = ?5
         WHERE job_id = ?1 AND state IN ('queued', 'running', 'parked')",
    )?
    .execute(params![id, state.as_str(), not_before.0, detail, now.0])?;
    Ok(())
}

/// Wait before the next attempt, in milliseconds: 1 s after the first, doubled with each attempt made, at most 256 s.
pub const fn backoff_millis(attempts: u32) -> i64 {
    let doublings = if attempts > 9 { 9 } else { attempts };
    500_i64 << doublings
}

/// Releases what a dead worker had claimed. Its attempts are given back, unless the job is among those that may have crashed it.
/// To be called under the worker's lock, when no other worker can be alive.
///
/// # Errors
/// If the database cannot be written.
pub fn release_dead(db: &mut Connection, crashed: &[i64], now: Timestamp) -> Result<usize> {
    let tx = write(db)?;
    for id in crashed {
        tx.prepare_cached("UPDATE jobs SET attempts = attempts + 1 WHERE job_id = ?1 AND state = 'running'")?
            .execute([id])?;
    }
    let released = tx.execute(
        "UPDATE jobs SET state = 'queued', attempts = max(attempts - 1, 0), updated_at = ?1 WHERE state = 'running'",
        [now.0],
    )?;
    tx.commit()?;
    Ok(released)
}

/// Releases the jobs of this machine's own that a worker had claimed and could not run, and gives their attempts back. A model's
/// stay: their requests may be on the way.
///
/// # Errors
/// If the database cannot be written.
pub fn release_local(db: &Connection, now: Timestamp) -> Result<usize> {
    Ok(db.execute(
        "UPDATE jobs SET state = 'queued', attempts = max(attempts - 1, 0), updated_at = ?1
         WHERE state = 'running' AND kind NOT GLOB 'ask:*'",
        [now.0],
    )?)
}

/// Replays dead letters: the discarded or quarantined job `id`, or all of them. Returns how many were queued again.
///
/// # Errors
/// If the database cannot be written.
pub fn replay(db: &mut Connection, id: Option<i64>, now: Timestamp) -> Result<usize> {
    let tx = write(db)?;
    // A newer live job of the same file and kind makes the old one pointless.
    let replayed = tx.execute(
        "UPDATE jobs SET state = 'queued', attempts = 0, not_before = 0, detail = NULL, updated_at = ?2
         WHERE (?1 IS NULL OR job_id = ?1) AND state IN ('discarded', 'quarantined')
           AND NOT EXISTS (SELECT 1 FROM jobs live WHERE live.repo_id = jobs.repo_id AND live.file_path = jobs.file_path
                             AND live.kind = jobs.kind AND live.state IN ('queued', 'running', 'parked'))
           AND job_id = (SELECT max(job_id) FROM jobs twin WHERE twin.repo_id = jobs.repo_id
                           AND twin.file_path = jobs.file_path AND twin.kind = jobs.kind
                           AND twin.state IN ('discarded', 'quarantined'))",
        params![id, now.0],
    )?;
    tx.execute("DELETE FROM suspects", [])?;
    tx.commit()?;
    Ok(replayed)
}

const COLUMNS: &str = "job_id, repo_id, file_path, kind, cache_key, blob_id, state, priority, origin, reason, reason_symbol, \
                       reason_file, attempts, detail, created_at";

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(job(row)?);
    }
    Ok(jobs)
}

fn job(row: &Row<'_>) -> Result<Job> {
    let kind: String = row.get(3)?;
    let key: Vec<u8> = row.get(4)?;
    let state: String = row.get(6)?;
    let unreadable = |detail: String| StoreError::Unreadable { what: "job", detail };
    Ok(Job {
        id: row.get(0)?,
        repo: RepoId(row.get(1)?),
        path: FilePath::new(row.get::<_, Vec<u8>>(2)?),
        kind: JobKind::parse(&kind).ok_or_else(|| unreadable(kind))?,
        key: Hash::from_bytes(&key).ok_or_else(|| unreadable(format!("a key of {} bytes", key.len())))?,
        blob: ObjectId(row.get(5)?),
        state: JobState::parse(&state).ok_or_else(|| unreadable(state))?,
        priority: Priority::ALL[row.get::<_, usize>(7)?.min(3)],
        origin: Origin::ALL[row.get::<_, usize>(8)?.min(3)],
        reason: reason(row.get(9)?, row.get(10)?, row.get(11)?).ok_or_else(|| unreadable("its reason".to_owned()))?,
        attempts: row.get(12)?,
        detail: row.get(13)?,
        created_at: Timestamp(row.get(14)?),
    })
}

fn reason(code: String, symbol: Option<String>, file: Option<Vec<u8>>) -> Option<StaleReason> {
    Some(match code.as_str() {
        "missing" => StaleReason::Missing,
        "content-changed" => StaleReason::ContentChanged,
        "dependency-changed" => StaleReason::DependencyChanged { symbol: symbol?, file: FilePath::new(file?) },
        "prompt-changed" => StaleReason::PromptChanged,
        "model-changed" => StaleReason::ModelChanged,
        "config-changed" => StaleReason::ConfigChanged,
        "schema-changed" => StaleReason::SchemaChanged,
        "expired" => StaleReason::Expired,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
