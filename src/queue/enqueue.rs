//! How jobs come into the queue, and how newer ones take the place of older ones.

use rusqlite::{Connection, OptionalExtension, params};

use super::NewJob;
use crate::clock::Timestamp;
use crate::domain::{FilePath, Hash, JobKind, JobState, RepoId, StaleReason};
use crate::store::Result;

/// Upserts jobs of one repository by (path, kind), in one transaction with what the caller adds to it. A live job with the same
/// key is kept and at most made more urgent; one with another key is superseded. A key that was discarded or quarantined is not
/// enqueued again: that is the user's decision (`queue retry`). Of the jobs of a file and kind that ended well only the last is kept. Returns how many jobs are new.
///
/// # Errors
/// If the database cannot be written.
pub fn enqueue(db: &Connection, repo: &RepoId, jobs: &[NewJob], now: Timestamp) -> Result<usize> {
    let mut live = db.prepare_cached(
        "SELECT job_id, cache_key FROM jobs WHERE repo_id = ?1 AND file_path = ?2 AND kind = ?3
           AND state IN ('queued', 'running', 'parked')",
    )?;
    let mut dead = db.prepare_cached(
        "SELECT 1 FROM jobs WHERE repo_id = ?1 AND file_path = ?2 AND kind = ?3 AND cache_key = ?4
           AND state IN ('discarded', 'quarantined')",
    )?;
    let mut urge =
        db.prepare_cached("UPDATE jobs SET priority = min(priority, ?2), origin = min(origin, ?3) WHERE job_id = ?1")?;
    let mut forget = db.prepare_cached(
        "DELETE FROM jobs WHERE repo_id = ?1 AND file_path = ?2 AND kind = ?3 AND state IN ('done', 'superseded')",
    )?;
    let mut inserted = 0;
    for job in jobs {
        let (path, kind) = (job.path.as_bytes(), job.kind.as_str());
        let standing: Option<(i64, Vec<u8>)> =
            live.query_row(params![repo.0, path, kind], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match standing {
            Some((id, key)) if key == job.key.as_bytes() => {
                urge.execute(params![id, job.priority as i64, job.origin as i64])?;
                continue;
            }
            Some((id, _)) => {
                forget.execute(params![repo.0, path, kind])?;
                supersede_one(db, id, now)?;
            }
            None => {
                forget.execute(params![repo.0, path, kind])?;
            }
        }
        if dead.exists(params![repo.0, path, kind, job.key.as_bytes()])? {
            continue;
        }
        insert(db, repo, job, JobState::Queued, now)?;
        inserted += 1;
    }
    Ok(inserted)
}

/// Whether there is any job of a repository, ended ones included.
///
/// # Errors
/// If the database cannot be read.
pub fn has_any(db: &Connection, repo: &RepoId) -> Result<bool> {
    Ok(db.prepare_cached("SELECT 1 FROM jobs WHERE repo_id = ?1 LIMIT 1")?.exists([&repo.0])?)
}

/// As [`enqueue`], of a repository that has no jobs yet: none of the same file and kind is looked for.
///
/// # Errors
/// If the database cannot be written.
pub fn enqueue_first(db: &Connection, repo: &RepoId, jobs: &[NewJob], now: Timestamp) -> Result<usize> {
    jobs.iter().try_for_each(|job| insert(db, repo, job, JobState::Queued, now))?;
    Ok(jobs.len())
}

/// As [`enqueue_first`], of jobs whose results are stored: they are done, as if they had been claimed once.
///
/// # Errors
/// If the database cannot be written.
pub fn enqueue_done(db: &Connection, repo: &RepoId, jobs: &[NewJob], now: Timestamp) -> Result<usize> {
    jobs.iter().try_for_each(|job| insert(db, repo, job, JobState::Done, now))?;
    Ok(jobs.len())
}

fn insert(db: &Connection, repo: &RepoId, job: &NewJob, state: JobState, now: Timestamp) -> Result<()> {
    let (symbol, file) = match &job.reason {
        StaleReason::DependencyChanged { symbol, file } => (Some(symbol.as_str()), Some(file.as_bytes())),
        _ => (None, None),
    };
    db.prepare_cached(
        "INSERT INTO jobs (repo_id, file_path, kind, cache_key, blob_id, state, attempts, priority, origin, reason,
                           reason_symbol, reason_file, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?12, ?13, ?6, ?7, ?8, ?9, ?10, ?11, ?11)",
    )?
    .execute(params![
        repo.0,
        job.path.as_bytes(),
        job.kind.as_str(),
        job.key.as_bytes(),
        job.blob.0,
        job.priority as i64,
        job.origin as i64,
        job.reason.code(),
        symbol,
        file,
        now.0,
        state.as_str(),
        u32::from(state == JobState::Done),
    ])?;
    Ok(())
}

fn supersede_one(db: &Connection, id: i64, now: Timestamp) -> Result<()> {
    db.prepare_cached("UPDATE jobs SET state = 'superseded', updated_at = ?2 WHERE job_id = ?1")?
        .execute(params![id, now.0])?;
    Ok(())
}

/// Supersedes the live jobs of a file: it is gone, or no longer indexed.
///
/// # Errors
/// If the database cannot be written.
pub fn supersede(db: &Connection, repo: &RepoId, path: &FilePath, now: Timestamp) -> Result<usize> {
    let mut statement = db.prepare_cached(
        "UPDATE jobs SET state = 'superseded', updated_at = ?3
         WHERE repo_id = ?1 AND file_path = ?2 AND state IN ('queued', 'running', 'parked')",
    )?;
    Ok(statement.execute(params![repo.0, path.as_bytes(), now.0])?)
}

/// Supersedes the live job of a file and kind whose result, under `key`, is there already; a job for that very key is left to find
/// out by itself.
///
/// # Errors
/// If the database cannot be written.
pub fn supersede_settled(
    db: &Connection,
    repo: &RepoId,
    path: &FilePath,
    kind: JobKind,
    key: &Hash,
    now: Timestamp,
) -> Result<()> {
    db.prepare_cached(
        "UPDATE jobs SET state = 'superseded', updated_at = ?5
         WHERE repo_id = ?1 AND file_path = ?2 AND kind = ?3 AND cache_key <> ?4 AND state IN ('queued', 'running', 'parked')",
    )?
    .execute(params![repo.0, path.as_bytes(), kind.as_str(), key.as_bytes(), now.0])?;
    Ok(())
}
