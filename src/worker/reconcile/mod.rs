//! Recorded view against the tree at HEAD → what changed, whom it touches, what is to be done → queue, then view.
//!
//! The order is the safety: jobs are enqueued (agent.db) before the view advances (analysis.db). A crash between the two finds
//! the same difference again and enqueues the same jobs again, which changes nothing.

mod advance;
mod base;
mod commit;
mod compare;
mod drafted;
pub(in crate::worker) mod memory;
mod order;
mod overlay;
mod relate;
mod saved;
mod schedule;
mod sight;

use std::collections::BTreeSet;

use crate::cache;
use crate::clock;
use crate::config::RepoConfig;
use crate::domain::{FilePath, Hash, RepoId};
use crate::embedder::chunk::CHUNKER_VERSION;
use crate::impact;
use crate::index::recipe;
use crate::language;
use crate::outline::OUTLINE_VERSION;
use crate::repo::registry::{self, ReconcileRecord, Registered};
use crate::repo::{Busy, CLASSIFY_VERSION, FileSelection, InvalidGlob, Repo, RepoError};
use crate::store::StoreError;
use crate::worker::process::pipe::Depth;
use crate::worker::{Worker, WorkerError};
use base::{Site, pass};
use commit::HeadBase;
use overlay::ViewBase;
use relate::Relations;

/// Name in `cache_metadata` of what the recorded files were read with.
pub(super) const READ_WITH: &str = "read_with";
/// Version of what is recorded of a file besides its outline and the texts of its chunks. When it changes, every file is read again.
const VIEW_VERSION: u32 = 4;

/// What a reconcile that went through did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Files that differ from what was recorded.
    pub changes: usize,
    /// Files of the work tree that differ from what was recorded of it.
    pub saved: usize,
    /// Files whose use of others was resolved again.
    pub resolved: usize,
    /// Files that use something that changed.
    pub dependents: usize,
    /// New jobs.
    pub jobs: usize,
}

/// How a reconcile ended, as far as the repository is concerned.
#[derive(Debug)]
#[must_use]
pub enum ReconcileEnd {
    Done(Reconciled),
    Not(Unreconciled),
}

impl ReconcileEnd {
    /// Why it was not reconciled.
    pub fn problem(self) -> Option<Unreconciled> {
        match self {
            Self::Done(_) => None,
            Self::Not(problem) => Some(problem),
        }
    }
}

impl From<Result<Reconciled, Unreconciled>> for ReconcileEnd {
    fn from(outcome: Result<Reconciled, Unreconciled>) -> Self {
        outcome.map_or_else(Self::Not, Self::Done)
    }
}

/// Why a repository could not be reconciled. It is recorded; others are not affected.
#[derive(Debug, thiserror::Error)]
pub enum Unreconciled {
    #[error("{}", .0.as_str())]
    Held(Busy),
    #[error("it is not registered")]
    Unregistered,
    #[error(
        "another repository is at {path} now (its history begins at another commit); `ra-agent register {path}` registers it \
         again"
    )]
    Replaced { path: String },
    #[error(transparent)]
    Repo(#[from] RepoError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Deny(#[from] InvalidGlob),
    /// The worker itself cannot go on; the repository is not to blame.
    #[error(transparent)]
    Worker(WorkerError),
}

impl From<rusqlite::Error> for Unreconciled {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<WorkerError> for Unreconciled {
    fn from(error: WorkerError) -> Self {
        match error {
            WorkerError::Store(error) => Self::Store(error),
            other => Self::Worker(other),
        }
    }
}

impl Worker {
    /// Brings the recorded view of a repository to its HEAD, with the work tree on top, and enqueues what is stale.
    ///
    /// # Errors
    /// If the outcome cannot be recorded. [`ReconcileEnd::Not`] says what is wrong with the repository.
    pub fn reconcile(&mut self, id: &RepoId, depth: Depth) -> Result<ReconcileEnd, WorkerError> {
        self.reconcile_files(id, depth, None)
    }

    /// The same, where of the work tree some files alone may differ: what was touched, if the watch over it has missed nothing.
    ///
    /// # Errors
    /// As [`Worker::reconcile`].
    pub fn reconcile_files(
        &mut self,
        id: &RepoId,
        depth: Depth,
        files: Option<BTreeSet<FilePath>>,
    ) -> Result<ReconcileEnd, WorkerError> {
        let Some(repo) = registry::get(&self.queue, id)? else {
            return Ok(ReconcileEnd::Not(Unreconciled::Unregistered));
        };
        let begun = clock::monotonic();
        let mut outcome = self.try_reconcile(&repo, depth, files);
        if matches!(&outcome, Err(Unreconciled::Store(error)) if error.is_damage()) && self.set_aside_damaged()? {
            outcome = self.try_reconcile(&repo, Depth::Full, None);
        }
        match &outcome {
            Ok(done) => {
                let millis = clock::since(begun).as_secs_f64() * 1e3;
                tracing::info!(repo = %id, done.changes, done.saved, done.resolved, done.dependents, done.jobs, millis, "reconciled");
            }
            Err(Unreconciled::Held(busy)) => {
                registry::record_not_reconciled(&self.queue, id, Some(busy.as_str()), None)?;
            }
            Err(error) => {
                tracing::warn!(repo = %id, %error, "not reconciled");
                registry::record_not_reconciled(&self.queue, id, None, Some(&error.to_string()))?;
            }
        }
        Ok(outcome.into())
    }

    fn try_reconcile(
        &mut self,
        repo: &Registered,
        depth: Depth,
        files: Option<BTreeSet<FilePath>>,
    ) -> Result<Reconciled, Unreconciled> {
        let git = Repo::open(&repo.location)?;
        if let Some(busy) = git.busy(clock::system_now()) {
            return Err(Unreconciled::Held(busy));
        }
        let head = git.head()?;
        check_identity(&git, repo)?;
        let config = self.config.for_repo(&repo.location.path);
        let recipe = recipe::for_repo(&self.recipe, &config);
        let selection = FileSelection::new(&config)?;
        let read_with = read_with(&config, self.config.llm.max_context_bytes);
        let reread = cache::metadata(self.store(repo)?.db(), READ_WITH)?.as_deref() != Some(&read_with);
        let full = !matches!(depth, Depth::Head | Depth::Changes) || reread || repo.planned_with != Some(recipe.hash());

        let site =
            Site { repo, git: &git, recipe: &recipe, selection: &selection, read_with: &read_with, full, reread };
        let Some(committed) = pass(self, &site, HeadBase { head })? else { return Ok(Reconciled::default()) };
        let comparison = &committed.found;
        let touched = if depth == Depth::Head { Some(BTreeSet::new()) } else { files };
        let overlaid = pass(self, &site, ViewBase { comparison, touched: touched.filter(|_| !full) })?;

        let outcome = ReconcileRecord {
            head: comparison.head.commit.clone(),
            indexed_commit: comparison.head.commit.clone(),
            planned_with: full.then(|| recipe.hash()),
        };
        registry::record_reconciled(&self.queue, &repo.id, &outcome, clock::now())?;
        if full {
            // A model that was in use before may have all that is wanted.
            self.serve_if_complete(&repo.id)?;
        }
        let Relations { resolved, impact, .. } = &committed.related;
        let (changes, dependents) = (comparison.diff.changes.len(), impact.dependents.len());
        let (saved, saved_jobs) = overlaid.map_or((0, 0), |overlaid| (overlaid.found.changes(), overlaid.jobs));
        if saved > 0 {
            tracing::info!(repo = %repo.id, saved, jobs = saved_jobs, "applied the overlay");
        }
        Ok(Reconciled { changes, saved, resolved: *resolved, dependents, jobs: committed.jobs + saved_jobs })
    }
}

/// Refuses a repository that is not the one that was registered. Its history is walked only when the commit that is indexed is
/// unknown to it.
fn check_identity(git: &Repo, repo: &Registered) -> Result<(), Unreconciled> {
    let (Some(indexed), Some(root)) = (&repo.indexed_commit, &repo.root_commit) else { return Ok(()) };
    if git.rev(&indexed.to_string()).is_ok() {
        return Ok(());
    }
    match git.root_commit()? {
        Some(found) if found != *root => Err(Unreconciled::Replaced { path: repo.location.path.display().to_string() }),
        _ => Ok(()),
    }
}

/// Hash of what decides how a file is read. When it changes, every file is read again.
fn read_with(config: &RepoConfig, context_bytes: usize) -> String {
    let versions =
        [OUTLINE_VERSION, CHUNKER_VERSION, CLASSIFY_VERSION, VIEW_VERSION].into_iter().chain(language::versions());
    let versions: Vec<[u8; 4]> = versions.chain(impact::versions()).map(u32::to_le_bytes).collect();
    let context_bytes = (context_bytes as u64).to_le_bytes();
    let fields = versions.iter().map(|version| &version[..]).chain([&context_bytes[..]]);
    let lists =
        [&config.deny].into_iter().chain(config.index.iter().flat_map(|rules| [&rules.include, &rules.exclude]));
    let lists: Vec<(u64, &Vec<String>)> = lists.map(|list| (list.len() as u64, list)).collect();
    let lengths: Vec<[u8; 8]> = lists.iter().map(|(length, _)| length.to_le_bytes()).collect();
    let fields = fields.chain(lengths.iter().map(|length| &length[..]));
    let fields = fields.chain(lists.iter().flat_map(|(_, list)| list.iter().map(String::as_bytes)));
    Hash::of_fields(fields).to_string()
}
