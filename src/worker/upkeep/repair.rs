//! Making a repository's store what it ought to be, whatever it has become: nothing that is derived is believed.
//!
//! The view is forgotten and built again from HEAD; analyses, which cost time or money to make, are kept as long as they can be
//! read. What is missing is enqueued, what belongs to nothing is removed. A crash on the way leaves a store whose next reconcile
//! goes on.

use crate::worker::process::pipe::Depth;
use std::collections::BTreeSet;

use rusqlite::Connection;

use crate::cache::unreadable::unreadable_analyses;
use crate::cache::{self, analyses, chunks, dictionary, edges, outlines, view};
use crate::clock;
use crate::domain::{FilePath, JobState, RepoId};
use crate::queue::{self, Filter};
use crate::repo::Repo;
use crate::repo::registry::{self, Registered};
use crate::store::{Result as StoreResult, StoreError, write};
use crate::vectors::{self, ChunkIds};
use crate::worker::reconcile::{READ_WITH, ReconcileEnd, Reconciled, Unreconciled};
use crate::worker::{Worker, WorkerError};

impl Worker {
    /// Rebuilds the view of a repository, enqueues what is missing, removes what belongs to nothing.
    ///
    /// # Errors
    /// If the outcome cannot be recorded. [`ReconcileEnd::Not`] says what is wrong with the repository; with an operation in progress
    /// its store stays as it is.
    pub fn rebuild(&mut self, id: &RepoId) -> Result<ReconcileEnd, WorkerError> {
        let Some(repo) = registry::get(&self.queue, id)? else {
            return Ok(ReconcileEnd::Not(Unreconciled::Unregistered));
        };
        let busy = match Repo::open(&repo.location) {
            Ok(git) => git.busy(clock::system_now()),
            Err(error) => return Ok(ReconcileEnd::Not(error.into())),
        };
        if let Some(busy) = busy {
            return Ok(ReconcileEnd::Not(Unreconciled::Held(busy)));
        }
        self.with_sound_stores(|worker| worker.forget_view(&repo))?;
        let done = match self.reconcile(id, Depth::Full)? {
            ReconcileEnd::Done(done) => done,
            not => return Ok(not),
        };
        self.remove_pointless_jobs(&repo)?;
        if let Err(problem) = self.repair_vectors(&repo) {
            return Ok(ReconcileEnd::Not(problem));
        }
        // Plans what the checks of the vectors found.
        Ok(match self.reconcile(id, Depth::Full)? {
            ReconcileEnd::Done(planned) => ReconcileEnd::Done(Reconciled { jobs: done.jobs + planned.jobs, ..done }),
            not => not,
        })
    }

    fn forget_view(&mut self, repo: &Registered) -> Result<(), WorkerError> {
        let store = self.store(repo)?;
        let unreadable = unreadable_analyses(store.db())?;
        let tx = store.write()?;
        for (_, key, _) in unreadable {
            analyses::remove(&tx, &key)?;
        }
        // A damaged dictionary goes with the analyses that it makes unreadable.
        dictionary::drop_unused(&tx)?;
        view::clear(&tx)?;
        outlines::clear(&tx)?;
        edges::clear(&tx)?;
        chunks::clear(&tx)?;
        cache::set_metadata(&tx, READ_WITH, "")?;
        cache::raise(&tx, cache::GENERATION)?;
        Ok(tx.commit()?)
    }

    /// Live jobs of files that are not indexed.
    fn remove_pointless_jobs(&mut self, repo: &Registered) -> Result<(), WorkerError> {
        let indexed: BTreeSet<FilePath> = indexed(self.store(repo)?.db())?;
        let states = vec![JobState::Queued, JobState::Running, JobState::Parked];
        let live = queue::list(&self.queue, &Filter { repo: Some(repo.id.clone()), states, limit: None })?;
        let now = clock::now();
        let tx = write(&mut self.queue)?;
        for job in live.iter().filter(|job| !indexed.contains(&job.path)) {
            queue::supersede(&tx, &repo.id, &job.path, now)?;
        }
        Ok(tx.commit()?)
    }

    /// Has files embedded again whose vectors are not those of their chunks, and vectors removed that belong to no file.
    fn repair_vectors(&mut self, repo: &Registered) -> Result<(), Unreconciled> {
        self.store(repo)?;
        let dir = self.vectors_dir(repo);
        let stored = match self.runtime.block_on(vectors::ids_by_file(&dir)) {
            Ok(stored) => stored,
            Err(_) if self.set_aside_vectors(repo)? => ChunkIds::new(),
            Err(error) => return Err(StoreError::Unreadable { what: "vectors", detail: error.to_string() }.into()),
        };
        let store = self.store(repo)?;
        let mut wanted = ChunkIds::new();
        for chunk in chunks::all(store.db())? {
            wanted.entry(chunk.path).or_default().insert(chunk.chunk_id);
        }
        let (indexed, embedded) = (indexed(store.db())?, view::embedded_files(store.db())?);
        let tx = store.write()?;
        for (path, _) in &embedded {
            if !indexed.contains(path) || stored.get(path) != wanted.get(path) {
                view::forget_embedded_key(&tx, path)?;
            }
        }
        for path in stored.keys().filter(|path| !indexed.contains(*path)) {
            view::put_dead_vectors(&tx, path)?;
        }
        tx.commit().map_err(StoreError::from)?;
        self.unsettled.insert(repo.id.clone());
        Ok(())
    }
}

fn indexed(db: &Connection) -> StoreResult<BTreeSet<FilePath>> {
    Ok(view::present_files(db)?.into_iter().filter(|file| file.skip.is_none()).map(|file| file.path).collect())
}
