//! Reading the queue: what `queue list`, `status` and `wait` show.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::{COLUMNS, Job, Lane, ParkCause, collect};
use crate::clock::Timestamp;
use crate::domain::{Hash, JobKind, JobState, RepoId};
use crate::store::Result;

/// Which jobs to list. `None` is no restriction.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub repo: Option<RepoId>,
    pub states: Vec<JobState>,
    pub limit: Option<usize>,
}

/// Jobs in the order in which they would be claimed.
///
/// # Errors
/// If the database cannot be read.
pub fn list(db: &Connection, filter: &Filter) -> Result<Vec<Job>> {
    list_after(db, filter, 0)
}

/// The same without the first ones: a part of a long list.
///
/// # Errors
/// If the database cannot be read.
pub fn list_after(db: &Connection, filter: &Filter, skipped: usize) -> Result<Vec<Job>> {
    let states = filter.states.iter().map(|state| format!("'{state}'")).collect::<Vec<_>>().join(",");
    let states = if states.is_empty() { String::new() } else { format!("AND state IN ({states})") };
    let mut statement = db.prepare(&format!(
        "SELECT {COLUMNS} FROM jobs WHERE (?1 IS NULL OR repo_id = ?1) {states}
         ORDER BY state = 'running' DESC, priority, origin, job_id LIMIT ?2 OFFSET ?3"
    ))?;
    let limit = filter.limit.map_or(-1, |limit| limit as i64);
    let skipped = i64::try_from(skipped).unwrap_or(i64::MAX);
    collect(statement.query(params![filter.repo.as_ref().map(|repo| &repo.0), limit, skipped])?)
}

/// One job.
///
/// # Errors
/// If the database cannot be read.
pub fn get(db: &Connection, id: i64) -> Result<Option<Job>> {
    let mut statement = db.prepare(&format!("SELECT {COLUMNS} FROM jobs WHERE job_id = ?1"))?;
    Ok(collect(statement.query([id])?)?.pop())
}

/// Jobs by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub queued: u64,
    pub running: u64,
    pub parked: u64,
    pub discarded: u64,
    pub quarantined: u64,
    pub superseded: u64,
    pub done: u64,
}

/// How many jobs there are in each state.
///
/// # Errors
/// If the database cannot be read.
pub fn counts(db: &Connection, repo: Option<&RepoId>) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut statement =
        db.prepare("SELECT state, count(*) FROM jobs WHERE (?1 IS NULL OR repo_id = ?1) GROUP BY state")?;
    let mut rows = statement.query([repo.map(|repo| &repo.0)])?;
    while let Some(row) = rows.next()? {
        let state: String = row.get(0)?;
        let slot = match JobState::parse(&state) {
            Some(JobState::Queued) => &mut counts.queued,
            Some(JobState::Running) => &mut counts.running,
            Some(JobState::Parked) => &mut counts.parked,
            Some(JobState::Discarded) => &mut counts.discarded,
            Some(JobState::Quarantined) => &mut counts.quarantined,
            Some(JobState::Superseded) => &mut counts.superseded,
            Some(JobState::Done) => &mut counts.done,
            None => continue,
        };
        *slot = row.get(1)?;
    }
    Ok(counts)
}

/// How many jobs are parked for a cause, and when the first of them may run again by itself.
///
/// # Errors
/// If the database cannot be read.
pub fn parked(db: &Connection, cause: ParkCause) -> Result<(u64, Option<Timestamp>)> {
    let sql = "SELECT count(*), min(not_before) FROM jobs WHERE state = 'parked' AND parked_for = ?1";
    Ok(db.query_row(sql, [cause.as_str()], |row| {
        let first: Option<i64> = row.get(1)?;
        Ok((row.get(0)?, first.filter(|at| *at < i64::MAX).map(Timestamp)))
    })?)
}

/// Files of a repository that have a job queued or running.
///
/// # Errors
/// If the database cannot be read.
pub fn pending_files(db: &Connection, repo: &RepoId) -> Result<u64> {
    let sql = "SELECT count(DISTINCT file_path) FROM jobs WHERE state IN ('queued', 'running') AND repo_id = ?1";
    Ok(db.query_row(sql, [&repo.0], |row| row.get(0))?)
}

/// Files of a repository that wait to be embedded, parked ones included.
///
/// # Errors
/// If the database cannot be read.
pub fn waiting_embeds(db: &Connection, repo: &RepoId) -> Result<u64> {
    let sql = "SELECT count(DISTINCT file_path) FROM jobs
               WHERE state IN ('queued', 'running', 'parked') AND repo_id = ?1 AND kind = ?2";
    Ok(db.query_row(sql, [&repo.0, JobKind::Embed.as_str()], |row| row.get(0))?)
}

/// Files of a repository that wait to be embedded: a search by meaning misses them.
///
/// # Errors
/// If the database cannot be read.
pub fn pending_embeds(db: &Connection, repo: &RepoId) -> Result<u64> {
    let sql = "SELECT count(DISTINCT file_path) FROM jobs
               WHERE state IN ('queued', 'running') AND repo_id = ?1 AND kind = ?2";
    Ok(db.query_row(sql, [&repo.0, JobKind::Embed.as_str()], |row| row.get(0))?)
}

/// What has come into the queue since a job did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrivals {
    /// The job that came last, whatever has become of it; 0: none ever did.
    pub newest: i64,
    /// Whether a job of the lane that waits is among those that came.
    pub any: bool,
}

/// What has come for a lane since the job `after` did. It looks at the jobs that came since, not at those that wait.
///
/// # Errors
/// If the database cannot be read.
pub fn arrivals(db: &Connection, lane: Lane, after: i64) -> Result<Arrivals> {
    let newest = db.prepare_cached("SELECT coalesce(max(job_id), 0) FROM jobs")?.query_row([], |row| row.get(0))?;
    if newest <= after {
        return Ok(Arrivals { newest, any: false });
    }
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM jobs NOT INDEXED WHERE job_id > ?1 AND state = 'queued' AND {})",
        lane.condition()
    );
    let any = db.prepare_cached(&sql)?.query_row([after], |row| row.get(0))?;
    Ok(Arrivals { newest, any })
}

/// Every job of a lane that waits and can be claimed, in the order in which they will be; but for `except`.
///
/// # Errors
/// If the database cannot be read.
pub fn next_of(db: &Connection, lane: Lane, except: &[i64], now: Timestamp) -> Result<Vec<Job>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs WHERE state = 'queued' AND not_before <= ?1 AND {} ORDER BY priority, origin, job_id",
        lane.condition()
    );
    let mut jobs = collect(db.prepare(&sql)?.query([now.0])?)?;
    jobs.retain(|job| !except.contains(&job.id));
    Ok(jobs)
}

/// How many jobs of a lane are queued.
///
/// # Errors
/// If the database cannot be read.
pub fn queued_in(db: &Connection, lane: Lane) -> Result<u64> {
    let sql = format!("SELECT count(*) FROM jobs WHERE state = 'queued' AND {}", lane.condition());
    Ok(db.query_row(&sql, [], |row| row.get(0))?)
}

/// Keys of the results that live jobs are for: whatever is there under them is not to be taken away now.
///
/// # Errors
/// If the database cannot be read.
pub fn live_keys(db: &Connection) -> Result<HashSet<Hash>> {
    let mut statement = db.prepare("SELECT cache_key FROM jobs WHERE state IN ('queued', 'running', 'parked')")?;
    let keys = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(keys.iter().filter_map(|bytes| Hash::from_bytes(bytes)).collect())
}

/// When there is something to claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Nothing is queued, or the queue is paused.
    Nothing,
    /// A job can be claimed now.
    Now,
    /// The next one waits for its retry until then.
    Until(Timestamp),
}

/// When a job was changed last; `None`: there is none.
///
/// # Errors
/// If the database cannot be read.
pub fn newest_change(db: &Connection) -> Result<Option<Timestamp>> {
    let newest: Option<i64> = db.query_row("SELECT max(updated_at) FROM jobs", [], |row| row.get(0))?;
    Ok(newest.map(Timestamp))
}

/// When the next queued job can be claimed.
///
/// # Errors
/// If the database cannot be read.
pub fn waiting(db: &Connection, now: Timestamp) -> Result<Waiting> {
    waiting_in(db, &[Lane::Analyze, Lane::Embed, Lane::Ask], now)
}

/// When the next queued job of some lanes can be claimed.
///
/// # Errors
/// If the database cannot be read.
pub fn waiting_in(db: &Connection, lanes: &[Lane], now: Timestamp) -> Result<Waiting> {
    if super::is_paused(db)? {
        return Ok(Waiting::Nothing);
    }
    let lanes: Vec<&str> = lanes.iter().map(|lane| lane.condition()).collect();
    let sql = format!("SELECT min(not_before) FROM jobs WHERE state = 'queued' AND ({})", lanes.join(" OR "));
    let next: Option<i64> = db.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
    Ok(match next {
        None => Waiting::Nothing,
        Some(at) if at <= now.0 => Waiting::Now,
        Some(at) => Waiting::Until(Timestamp(at)),
    })
}
