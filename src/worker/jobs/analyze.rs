//! Running `analyze:<type>` jobs: content and context → report → store by key → finish.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::analyzer::local::{DraftAnswer, OpenFile};
use crate::analyzer::{DependencyUse, FileSubject, Local};
use crate::cache::analyses::{self, Bill, NewAnalysis};
use crate::cache::key::AnalysisKey;
use crate::cache::overlay;
use crate::cache::packed::{self, Packed, Packer};
use crate::cache::view;
use crate::clock::{self, Timestamp};
use crate::domain::{AnalysisType, FilePath, FileRecord, JobKind, ObjectId, RepoId, StaleReason};
use crate::index::{read, recipe};
use crate::plan::Recipe;
use crate::queue::{self, Job};
use crate::repo::registry::{self, Registered};
use crate::repo::{Repo, in_parallel};
use crate::store::{self, StoreError};
use crate::worker::process::slots::Slots;
use crate::worker::{Worker, WorkerError, subject};

/// What became of a job, to be written into the queue.
#[derive(Clone)]
pub(in crate::worker) enum Ended {
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
    /// The answer, if it was made when the file was read.
    draft: Option<DraftAnswer>,
}

/// A file of the view, with its text if that is only saved.
type KnownFile = (FileRecord, Option<String>);

/// What a job was found to need.
enum Preparation {
    Ready(Box<Prepared>),
    /// Its file has changed again, or the result is stored.
    NothingToDo(Job),
}

/// A report, ready to be stored.
pub(in crate::worker) struct MadeReport {
    json: String,
    packed: Packed,
    millis: u64,
}

impl MadeReport {
    /// What a draft says, with what the file uses of others.
    pub(in crate::worker) fn of_draft(
        draft: &DraftAnswer,
        uses: &[DependencyUse],
        packer: &Packer,
    ) -> Result<Self, Ended> {
        let json = draft.json(uses).ok_or_else(|| Ended::Failed("its draft cannot be read".to_owned()))?;
        Self::new(json, draft.took, packer)
    }

    fn new(json: String, took: Duration, packer: &Packer) -> Result<Self, Ended> {
        let packed = packer.pack(json.as_bytes()).map_err(|error| Ended::Failed(error.to_string()))?;
        Ok(Self { json, packed, millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX) })
    }

    /// Its entry in the store. `commit`: for which it was made; of what is only saved there is none.
    pub(in crate::worker) fn entry<'a>(
        &'a self,
        key: &'a AnalysisKey,
        path: &'a FilePath,
        repo: &'a Registered,
        commit: Option<&'a ObjectId>,
    ) -> NewAnalysis<'a> {
        NewAnalysis {
            key,
            path,
            json: &self.json,
            packed: Some(&self.packed),
            generation_time_ms: self.millis,
            repo_id: &repo.id.0,
            repo_path: repo.location.path.as_os_str().as_bytes(),
            commit,
            bill: Bill::default(),
            is_piece: false,
        }
    }
}

impl Worker {
    /// Runs analyses of any repositories; each job ends by itself.
    pub(in crate::worker) fn analyze(&mut self, jobs: Vec<Job>) -> Result<(), WorkerError> {
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
        let own = recipe::for_repo(&self.recipe, &self.config.for_repo(&repo.location.path));
        let mut known = HashMap::new();
        let mut ended: Vec<(Job, Ended)> = Vec::new();
        let mut prepared = Vec::new();
        for job in jobs {
            match self.prepare(repo, &own, &mut known, job)? {
                Preparation::Ready(one) => prepared.push(*one),
                Preparation::NothingToDo(job) => ended.push((job, Ended::Finished)),
            }
        }
        // The questions about one file go together: they share its text and its parse.
        prepared.sort_by(|a, b| (&a.file.path, a.analysis_type).cmp(&(&b.file.path, b.analysis_type)));
        let packer = packed::packer(self.store(repo)?.db())?;
        let made = self.make(&git, &packer, &prepared);
        let now = clock::now();
        let store = self.store(repo)?;
        let tx = store.write()?;
        for (one, made) in prepared.into_iter().zip(made) {
            let outcome = match made {
                Ok(report) => {
                    let commit = repo.indexed_commit.as_ref().filter(|_| one.saved.is_none());
                    put(&tx, &one.job, &report.entry(&one.key, &one.file.path, repo, commit), now)?;
                    Ended::Finished
                }
                Err(ended) => ended,
            };
            ended.push((one.job, outcome));
        }
        tx.commit()?;
        store.bound_log()?;
        self.end(ended.into_iter())
    }

    /// `known`: the files that other jobs of these asked for, for they come together.
    fn prepare(
        &mut self,
        repo: &Registered,
        own: &Recipe,
        known: &mut HashMap<FilePath, Option<KnownFile>>,
        job: Job,
    ) -> Result<Preparation, WorkerError> {
        let JobKind::Analyze(analysis_type) = job.kind else { return Ok(Preparation::NothingToDo(job)) };
        let recipe = own.analysis(job.kind);
        let store = self.store(repo)?;
        if !known.contains_key(&job.path) {
            let file = view::present(store.db(), &job.path)?;
            let saved = file.as_ref().map(|file| overlay::saved_text(store.db(), file)).transpose()?.flatten();
            known.insert(job.path.clone(), file.map(|file| (file, saved)));
        }
        let Some(Some((file, saved))) = known.get(&job.path).cloned() else {
            return Ok(Preparation::NothingToDo(job));
        };
        let Some(key) = recipe.and_then(|recipe| recipe.key(&file)) else { return Ok(Preparation::NothingToDo(job)) };
        if file.skip.is_some() || key.hash() != job.key || is_made(store.db(), &job)? {
            return Ok(Preparation::NothingToDo(job));
        }
        let uses = if analysis_type.spec().local_sees_dependencies {
            view::uses(store.db(), &job.path, file.source)?.into_iter().map(DependencyUse::from).collect()
        } else {
            Vec::new()
        };
        let draft = self.drafts.take(&file, analysis_type);
        Ok(Preparation::Ready(Box::new(Prepared { job, analysis_type, key, file, uses, saved, draft })))
    }

    fn make(&self, git: &Repo, packer: &Packer, prepared: &[Prepared]) -> Vec<Result<MadeReport, Ended>> {
        let bench = Bench { analyzer: &self.analyzer, slots: &self.slots, packer };
        let files: Vec<&[Prepared]> = prepared.chunk_by(|a, b| a.file.path == b.file.path).collect();
        let made: Vec<Vec<_>> = in_parallel(Some(&self.pool), git, &files, |git, file| bench.make_all(git, file));
        made.into_iter().flatten().collect()
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
        queue::finish(&mut self.queue, &finished, now)?;
        Ok(store::bound_log(&self.queue)?)
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

/// What a thread works with.
struct Bench<'a> {
    analyzer: &'a Local,
    slots: &'a Slots,
    packer: &'a Packer,
}

impl Bench<'_> {
    /// The answers to several questions about one file. It is read and parsed only if one of them was not drafted.
    fn make_all(&self, git: &Repo, jobs: &[Prepared]) -> Vec<Result<MadeReport, Ended>> {
        let Some(first) = jobs.first() else { return Vec::new() };
        if jobs.iter().all(|one| one.draft.is_some()) {
            return jobs.iter().map(|one| self.make_one(None, one)).collect();
        }
        let text = match &first.saved {
            Some(saved) => Ok(Some(saved.clone())),
            None => read::text(git, &first.file.path, &first.file.blob),
        };
        let unread = |_: &Prepared| {
            Err(match &text {
                Err(error) => Ended::Failed(error.to_string()),
                Ok(_) => Ended::Hopeless("its content is no longer in the repository".to_owned()),
            })
        };
        let Ok(Some(text)) = &text else { return jobs.iter().map(unread).collect() };
        // Only the question that is about dependencies has any, and only it looks at them.
        let uses = jobs.iter().find(|one| !one.uses.is_empty()).map(|one| one.uses.as_slice()).unwrap_or_default();
        let subject = FileSubject { language: first.file.language, role: first.file.role, text, uses };
        let file = self.analyzer.open(subject);
        jobs.iter().map(|one| self.make_one(Some(&file), one)).collect()
    }

    fn make_one(&self, file: Option<&OpenFile<'_>>, one: &Prepared) -> Result<MadeReport, Ended> {
        let failed = |error: &dyn std::error::Error| Ended::Failed(error.to_string());
        let begun = clock::monotonic();
        match (&one.draft, file) {
            (Some(draft), _) => MadeReport::of_draft(draft, &one.uses, self.packer),
            (None, Some(file)) => {
                let _slot = self.slots.enter(&subject(&one.job)).map_err(|error| failed(&error))?;
                let analyzed = catch_unwind(AssertUnwindSafe(|| file.analyze(one.analysis_type)))
                    .map_err(|panic| Ended::Failed(panic_text(panic.as_ref())))?;
                let took = clock::since(begun);
                let json = analyzed.map_err(|error| failed(&error))?.to_json();
                MadeReport::new(json.map_err(|error| failed(&error))?, took, self.packer)
            }
            (None, None) => Err(Ended::Failed("its text was not read".to_owned())),
        }
    }
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
