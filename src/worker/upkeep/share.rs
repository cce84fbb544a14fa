//! What other registered repositories already have.

use std::collections::HashMap;

use crate::cache::retired;
use crate::cache::store_dir;
use crate::domain::{Hash, RepoId};
use crate::embedder::encoder::Vector;
use crate::repo::registry::{self, Registered};
use crate::vectors::{Vectors, VectorsError};
use crate::worker::{Worker, WorkerError};

impl Worker {
    /// Opens the stores of all registered repositories that have one. A damaged one is left out; its own use reports it.
    pub(in crate::worker) fn open_stores(&mut self) -> Result<(), WorkerError> {
        for repo in registry::list(&self.queue)? {
            if store_dir(&self.config, &repo).analysis_db().exists()
                && let Err(error) = self.store(&repo)
            {
                tracing::debug!(repo = %repo.id, %error, "its store cannot be looked into");
            }
        }
        Ok(())
    }

    /// Adds the vectors that are missing and that a worktree or a clone of the same repository has: one with the same first commit.
    pub(in crate::worker) fn borrow_vectors(
        &mut self,
        repo: &Registered,
        wanted: &[Hash],
        model_id: &str,
        vectors: &mut HashMap<Hash, Vector>,
    ) -> Result<(), WorkerError> {
        for sibling in self.siblings(repo)? {
            let missing: Vec<Hash> = wanted.iter().filter(|hash| !vectors.contains_key(hash)).copied().collect();
            if missing.is_empty() {
                break;
            }
            let kept = retired::find(self.store(&sibling)?.db(), &missing, model_id)?;
            vectors.extend(kept);
            match self.vectors_there(&sibling, &missing, model_id) {
                Ok(found) => vectors.extend(found),
                Err(error) => tracing::debug!(repo = %sibling.id, %error, "its vectors cannot be looked into"),
            }
        }
        Ok(())
    }

    fn siblings(&self, repo: &Registered) -> Result<Vec<Registered>, WorkerError> {
        let is_sibling = |other: &Registered| {
            other.id != repo.id
                && other.root_commit.is_some()
                && other.root_commit == repo.root_commit
                && store_dir(&self.config, other).analysis_db().exists()
        };
        Ok(registry::list(&self.queue)?.into_iter().filter(is_sibling).collect())
    }

    fn vectors_there(
        &mut self,
        repo: &Registered,
        hashes: &[Hash],
        model_id: &str,
    ) -> Result<HashMap<Hash, Vector>, VectorsError> {
        let dir = self.vectors_dir(repo);
        self.runtime.block_on(async {
            match Vectors::open(&dir).await? {
                Some(table) => table.vectors_of(hashes, model_id).await,
                None => Ok(HashMap::new()),
            }
        })
    }
}

/// Every store but one.
pub(in crate::worker) fn others<'s, S>(
    stores: &'s std::collections::BTreeMap<RepoId, S>,
    repo: &'s RepoId,
) -> impl Iterator<Item = &'s S> {
    stores.iter().filter(move |(id, _)| *id != repo).map(|(_, store)| store)
}
