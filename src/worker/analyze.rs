//! Running `analyze:<type>` jobs: content and context → report → store by key → finish.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::slots::Slots;
use super::{Worker, WorkerError, read, recipe, subject};
use crate::analyzer::{Analyzer, DependencyUse, Local, Subject};
use crate::cache::analyses::{self, Bill, NewAnalysis};
use crate::cache::key::AnalysisKey;
use crate::cache::view::{self, FileRecord};
use crate::clock::{self, Timestamp};
use crate::domain::{AnalysisType, JobKind, RepoId, StaleReason};
use crate::queue::{self, Job};
use crate::repo::Repo;
use crate::repo::registry::{self, Registered};
use crate::store::StoreError;

/// What became of a job, to be written into the queue.
pub(super) enum Ended {
    /// Its result is stored, or is no longer wanted.
    Finished,
    /// It may go better next time.
    Failed(String),
    /// It never will.
    Hopeless(String),
}

/// A job with all that it needs.
struct Prepared {
    job: Job,
    analysis_type: AnalysisType,
    key: AnalysisKey,
    file: FileRecord,
    uses: Vec<DependencyUse>,
    /// The text of a file of the overlay; `None`: it is in the repository.
    saved: Option<String>,
}

/// A report, ready to be stored.
struct Report {
    json: String,
    millis: u64,
}

impl Worker {
    /// Runs analyses of any repositories; each job ends by itself.
    pub(super) fn analyze(&mut self, jobs: Vec<Job>) -> Result<(), WorkerError> {
        for (repo, jobs) in by_repo(jobs) {
            match registry::get(&self.queue, &repo)? {
                Some(registered) => self.analyze_repo(&registered, jobs)?,
                // The jobs went with the repository.
                None => continue,
            }
        }
        Ok(())
    }

    fn analyze_repo(&mut self, repo: &Registered, jobs: Vec<Job>) -> Result<(), WorkerError> {
        let git = match Repo::open(&repo.location) {
            Ok(git) => git,
            Err(error) => return self.end(jobs.into_iter().map(|job| (job, Ended::Failed(error.to_string())))),
        };
        let mut ended: Vec<(Job, Ended)> = Vec::new();
        let mut prepared = Vec::new();
        for job in jobs {
            match self.prepare(repo, job)? {
                Ok(one) => prepared.push(one),
                Err(job) => ended.push((job, Ended::Finished)),
            }
        }
        let made = self.make(&git, &prepared);
        let now = clock::now();
        let store = self.store(repo)?;
        let repo_path = std::os::unix::ffi::OsStrExt::as_bytes(repo.location.path.as_os_str()).to_vec();
        let tx = store.write()?;
        for (one, made) in prepared.into_iter().zip(made) {
            let outcome = match made {
                Ok(report) => {
                    let new = NewAnalysis {
                        key: &one.key,
                        path: &one.file.path,
                        json: &report.json,
                        generation_time_ms: report.millis,
                        repo_id: &repo.id.0,
                        repo_path: &repo_path,
                        // What is only saved is in no commit.
                        commit: repo.indexed_commit.as_ref().filter(|_| one.saved.is_none()),
                        bill: Bill::default(),
                    };
                    put(&tx, &one.job, &new, now)?;
                    Ended::Finished
                }
                Err(ended) => ended,
            };
            ended.push((one.job, outcome));
        }
        tx.commit()?;
        self.end(ended.into_iter())
    }

    /// Looks up what a job needs; `Err` if it has nothing to do: its file has moved on, or the result is there.
    fn prepare(&mut self, repo: &Registered, job: Job) -> Result<Result<Prepared, Job>, WorkerError> {
        let JobKind::Analyze(analysis_type) = job.kind else { return Ok(Err(job)) };
        let own = recipe::for_repo(&self.recipe, &self.config.for_repo(&repo.location.path));
        let recipe = own.analysis(job.kind);
        let store = self.store(repo)?;
        let Some(file) = view::present(store.db(), &job.path)? else { return Ok(Err(job)) };
        let Some(key) = recipe.and_then(|recipe| recipe.key(&file)) else { return Ok(Err(job)) };
        if file.skip.is_some() || key.hash() != job.key || is_made(store.db(), &job)? {
            return Ok(Err(job));
        }
        let dependency = |(written, kind, signature)| DependencyUse { written, kind, signature };
        let uses = match analysis_type {
            AnalysisType::Analysis => {
                view::uses(store.db(), &job.path, file.source)?.into_iter().map(dependency).collect()
            }
            _ => Vec::new(),
        };
        let saved = read::saved(store.db(), &file)?;
        Ok(Ok(Prepared { job, analysis_type, key, file, uses, saved }))
    }

    fn make(&self, git: &Repo, prepared: &[Prepared]) -> Vec<Result<Report, Ended>> {
        let source = Mutex::new(git.clone());
        let own = || source.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (analyzer, slots) = (&self.analyzer, &self.slots);
        let make = |git: &mut Repo, one: &Prepared| make_one(analyzer, slots, git, one);
        self.pool.install(|| prepared.par_iter().map_init(own, make).collect())
    }

    /// Writes how jobs ended into the queue.
    pub(super) fn end(&mut self, ended: impl Iterator<Item = (Job, Ended)>) -> Result<(), WorkerError> {
        let now = clock::now();
        let mut finished = Vec::new();
        for (job, outcome) in ended {
            match outcome {
                Ended::Finished => finished.push(job.id),
                Ended::Failed(detail) => {
                    tracing::warn!(repo = %job.repo, path = %job.path, kind = %job.kind, detail, "a job failed");
                    queue::retry(&self.queue, &job, &detail, now)?;
                }
                Ended::Hopeless(detail) => queue::discard(&self.queue, job.id, &detail, now)?,
            }
        }
        Ok(queue::finish(&mut self.queue, &finished, now)?)
    }
}

/// Whether the result that a job is to make is there: of one that expired, whether it was made since the job was queued.
pub(super) fn is_made(db: &rusqlite::Connection, job: &Job) -> Result<bool, StoreError> {
    let made_at = analyses::made_at(db, &job.key)?;
    Ok(made_at.is_some_and(|made_at| job.reason != StaleReason::Expired || made_at > job.created_at))
}

/// Stores a job's result: write-once, unless it replaces one that expired.
pub(super) fn put(
    db: &rusqlite::Connection,
    job: &Job,
    new: &NewAnalysis<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if job.reason == StaleReason::Expired { analyses::replace(db, new, now) } else { analyses::insert(db, new, now) }
}

fn make_one(analyzer: &Local, slots: &Slots, git: &Repo, one: &Prepared) -> Result<Report, Ended> {
    let failed = |error: &dyn std::error::Error| Ended::Failed(error.to_string());
    let begun = clock::monotonic();
    let text = match &one.saved {
        Some(saved) => Some(saved.clone()),
        None => read::text(git, &one.file.blob).map_err(|error| failed(&error))?,
    };
    let text = text.ok_or_else(|| Ended::Hopeless("its content is no longer in the repository".to_owned()))?;
    let _slot = slots.enter(&subject(&one.job)).map_err(|error| failed(&error))?;
    let shown = Subject { language: one.file.language, role: one.file.role, text: &text, uses: &one.uses };
    let analyzed = catch_unwind(AssertUnwindSafe(|| analyzer.analyze(one.analysis_type, &shown)))
        .map_err(|panic| Ended::Failed(panic_text(panic.as_ref())))?;
    let json = analyzed.and_then(|analysis| analysis.to_json()).map_err(|error| failed(&error))?;
    Ok(Report { json, millis: u64::try_from(clock::since(begun).as_millis()).unwrap_or(u64::MAX) })
}

pub(super) fn by_repo(jobs: Vec<Job>) -> BTreeMap<RepoId, Vec<Job>> {
    let mut grouped: BTreeMap<RepoId, Vec<Job>> = BTreeMap::new();
    for job in jobs {
        grouped.entry(job.repo.clone()).or_default().push(job);
    }
    grouped
}

pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("without a message"))
}
