//! A store that is damaged is set aside and built again from its repository; the ledger never is.

use crate::worker::process::pipe::Depth;
use std::path::Path;

use crate::cache::store_dir;
use crate::cache::{RepoStore, set_aside, view};
use crate::clock;
use crate::domain::RepoId;
use crate::repo::registry::{self, Registered};
use crate::store;
use crate::vectors::Vectors;
use crate::worker::{Worker, WorkerError};

impl Worker {
    /// Does something once more if it failed for a damaged store, which is set aside in between.
    pub(in crate::worker) fn with_sound_stores<T>(
        &mut self,
        act: impl Fn(&mut Self) -> Result<T, WorkerError>,
    ) -> Result<T, WorkerError> {
        match act(self) {
            Err(WorkerError::Store(error)) if error.is_damage() && self.set_aside_damaged()? => act(self),
            done => done,
        }
    }

    /// Looks through every page of every store; false if none is damaged. What SQLite reported is then about agent.db, which stays.
    pub(in crate::worker) fn set_aside_damaged(&mut self) -> Result<bool, WorkerError> {
        let mut any = false;
        for repo in registry::list(&self.queue)? {
            if store::is_damaged(&store_dir(&self.config, &repo).analysis_db()) {
                self.set_aside_store(&repo)?;
                any = true;
            }
        }
        Ok(any)
    }

    /// Begins a new store with what can be read of the old one's results, and has the repository reconciled.
    pub(in crate::worker) fn set_aside_store(&mut self, repo: &Registered) -> Result<(), WorkerError> {
        let dir = store_dir(&self.config, repo);
        drop(self.stores.remove(&repo.id));
        self.memory.forget(&repo.id);
        let now = clock::now();
        let aside = set_aside::set_aside(&dir.analysis_db(), now)
            .map_err(|source| WorkerError::Directory { path: dir.path().to_owned(), source })?;
        let mut store = RepoStore::open(&repo.id, dir)?;
        let saved = set_aside::salvage(&aside, &mut store, now)?;
        tracing::error!(
            repo = %repo.id,
            aside = %aside.display(),
            saved,
            "its database was damaged: it is set aside and built again"
        );
        self.stores.insert(repo.id.clone(), store);
        self.take_up_vectors(&repo.id)?;
        self.rebuilt.push(repo.id.clone());
        Ok(())
    }

    /// Sets a repository's vectors aside if they are damaged, and has them made again.
    pub(in crate::worker) fn set_aside_vectors(&mut self, repo: &Registered) -> Result<bool, WorkerError> {
        self.store(repo)?;
        let dir = self.vectors_dir(repo);
        if !can_be_opened(&dir) || !self.are_damaged(&dir) {
            return Ok(false);
        }
        // First: between the two nothing says that there are vectors where there are none.
        view::forget_embedded_keys(self.store(repo)?.db())?;
        drop(self.tables.remove(&repo.id));
        let aside = set_aside::set_aside(&dir, clock::now())
            .map_err(|source| WorkerError::Directory { path: dir.clone(), source })?;
        tracing::error!(
            repo = %repo.id,
            aside = %aside.display(),
            "its vectors were damaged: they are set aside and made again"
        );
        // First of all: a verb that waits must find the work in the queue.
        self.reconcile_again(&repo.id)?;
        Ok(true)
    }

    /// Whether the table cannot be read to its last row.
    fn are_damaged(&self, dir: &Path) -> bool {
        self.runtime.block_on(async {
            match Vectors::open(dir).await {
                Ok(Some(table)) => table.rows().await.is_err(),
                Ok(None) => false,
                Err(_) => true,
            }
        })
    }

    /// Reconciles one repository whose store started again empty; false if there is none.
    pub(in crate::worker) fn rebuild_one(&mut self) -> Result<bool, WorkerError> {
        let Some(id) = self.rebuilt.pop() else { return Ok(false) };
        self.reconcile_again(&id)?;
        Ok(true)
    }

    fn reconcile_again(&mut self, id: &RepoId) -> Result<(), WorkerError> {
        // What is wrong with the repository it says itself.
        if let Some(error) = self.reconcile(id, Depth::Full)?.problem() {
            tracing::warn!(repo = %id, %error, "its store is not built again yet");
        }
        Ok(())
    }
}

/// False where the system refuses to have a file below opened: that is no damage.
fn can_be_opened(path: &Path) -> bool {
    match path.metadata() {
        Ok(meta) if meta.is_dir() => std::fs::read_dir(path)
            .is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(|entry| can_be_opened(&entry.path())))),
        Ok(_) => std::fs::File::open(path).is_ok(),
        Err(_) => false,
    }
}
