//! What a person asks of the cache itself. Only the worker writes stores, so the daemon passes it on; with no daemon, the verb opens
//! a worker in its own process, under the same locks.

use crate::worker::process::pipe::Depth;
use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::migrate::{Migrate, Migrated};
use super::prune::{Prune, Pruned};
use super::shared::{Sharing, SharingDone};
use crate::cache::clear::{self, Forgotten, Selection};
use crate::cache::evict;
use crate::cache::{chunks, store_dir, written};
use crate::clock;
use crate::domain::{AnalysisType, FilePath, RepoId};
use crate::repo::registry::{self, Registered};
use crate::store::{self, StoreError};
use crate::vectors::{Vectors, VectorsError};
use crate::worker::{Worker, WorkerError};

/// Something to be done to the stores. Each can be cut short at any point and asked for again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "task")]
pub enum Maintenance {
    Prune(Prune),
    Clear(Clear),
    Migrate(Migrate),
    Share { sharing: Sharing },
}

/// What it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "did")]
pub enum Maintained {
    Pruned(Pruned),
    Cleared(Cleared),
    Migrated(Migrated),
    Shared(SharingDone),
}

/// What is to be forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clear {
    /// Id of the one repository that is meant.
    pub repo: Option<String>,
    pub analysis_type: Option<String>,
    /// `FilePath::escaped`; goes with a repository.
    pub file: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleared {
    pub entries: u64,
    /// Of these, the ones that had cost money. They are not made again unasked.
    pub paid: u64,
    pub nano_dollars: u64,
    pub bytes: u64,
}

impl Worker {
    /// Settles each repository of a set, which loses those that are done. What stops early because of `is_wanted`, or fails, stays in
    /// it for the next idle moment. Damage is returned: it is repaired elsewhere.
    pub(in crate::worker) fn settle_each(
        &mut self,
        waiting: impl Fn(&mut Self) -> &mut HashSet<RepoId>,
        settle: impl Fn(&mut Self, &RepoId) -> Result<(), WorkerError>,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<(), WorkerError> {
        for repo in waiting(self).clone() {
            if is_wanted() {
                break;
            }
            match settle(self, &repo) {
                Ok(()) if is_wanted() => {}
                Ok(()) => {
                    waiting(self).remove(&repo);
                }
                Err(WorkerError::Store(error)) if error.is_damage() => return Err(WorkerError::Store(error)),
                Err(error) => tracing::warn!(%repo, %error, "upkeep failed; it is tried again when the worker is idle"),
            }
        }
        Ok(())
    }

    pub(in crate::worker) fn sweep_one(&mut self, repo: &RepoId) -> Result<(), WorkerError> {
        match registry::get(&self.queue, repo)? {
            Some(registered) => self.sweep_vectors(&registered),
            None => Ok(()),
        }
    }

    pub(in crate::worker) fn merge_words(
        &self,
        repo: &RepoId,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<(), WorkerError> {
        let Some(store) = self.stores.get(repo) else { return Ok(()) };
        chunks::merge_words(store.db(), is_wanted)?;
        Ok(store::optimize(store.db())?)
    }

    /// Makes answers searchable that came otherwise than from a request of their own: from another repository or machine, from before an
    /// upgrade.
    pub(in crate::worker) fn index_answers(&mut self, repo: &RepoId) -> Result<(), WorkerError> {
        let Some(store) = self.stores.get_mut(repo) else { return Ok(()) };
        let tx = store.write()?;
        written::catch_up(&tx)?;
        Ok(tx.commit().map_err(StoreError::from)?)
    }

    /// Does what is asked.
    ///
    /// # Errors
    /// If a store cannot be read or written. What was done until then stays, and asking again does the rest.
    pub fn maintain(&mut self, task: &Maintenance) -> Result<Maintained, WorkerError> {
        self.with_sound_stores(|worker| match task {
            Maintenance::Prune(asked) => worker.prune(asked).map(Maintained::Pruned),
            Maintenance::Clear(asked) => worker.clear(asked).map(Maintained::Cleared),
            Maintenance::Migrate(asked) => worker.migrate(asked).map(Maintained::Migrated),
            Maintenance::Share { sharing } => worker.share(*sharing).map(Maintained::Shared),
        })
    }

    fn clear(&mut self, asked: &Clear) -> Result<Cleared, WorkerError> {
        let selection = Selection {
            analysis_type: asked.analysis_type.as_deref().and_then(AnalysisType::parse),
            file: asked.file.as_deref().map(FilePath::from_escaped),
        };
        let mut cleared = Cleared::default();
        for repo in registry::list(&self.queue)? {
            let is_meant = asked.repo.as_ref().is_none_or(|id| RepoId(id.clone()) == repo.id);
            if is_meant && store_dir(&self.config, &repo).analysis_db().exists() {
                let forgotten = self.clear_repo(&repo, &selection, &mut cleared.bytes)?;
                cleared.entries += forgotten.entries;
                cleared.paid += forgotten.paid;
                cleared.nano_dollars += forgotten.nano_dollars;
            }
        }
        Ok(cleared)
    }

    fn clear_repo(
        &mut self,
        repo: &Registered,
        selection: &Selection,
        bytes: &mut u64,
    ) -> Result<Forgotten, WorkerError> {
        let store = self.store(repo)?;
        let before = store.disk_bytes();
        let tx = store.write()?;
        let forgotten = clear::forget(&tx, selection, clock::now())?;
        tx.commit()?;
        if selection.analysis_type.is_none()
            && let Err(error) = self.drop_vectors(repo, selection.file.as_ref())
        {
            tracing::warn!(repo = %repo.id, %error, "its vectors stay; they are replaced when the files are embedded");
        }
        let store = self.store(repo)?;
        evict::reclaim(store.db())?;
        *bytes += before.saturating_sub(store.disk_bytes());
        // What was free is made again. A repository that cannot be read now says so itself, and is tried again.
        if let Some(error) = self.reconcile(&repo.id, Depth::Full)?.problem() {
            tracing::info!(repo = %repo.id, %error, "cleared, not reconciled");
        }
        Ok(forgotten)
    }

    /// Deletes the rows of one file, or of all.
    fn drop_vectors(&mut self, repo: &Registered, file: Option<&FilePath>) -> Result<(), VectorsError> {
        let dir = self.vectors_dir(repo);
        self.runtime.block_on(async {
            let Some(table) = Vectors::open(&dir).await? else { return Ok(()) };
            let paths: BTreeSet<String> = match file {
                Some(path) => BTreeSet::from([path.escaped()]),
                None => table.ids().await?.into_iter().map(|(_, path)| path).collect(),
            };
            table.delete_files(&paths.iter().map(String::as_str).collect::<Vec<_>>()).await
        })
    }
}
