//! What other registered repositories already have.

use std::collections::{HashMap, HashSet};

use crate::cache::{RepoStore, retired, share, store_dir};
use crate::clock;
use crate::domain::Hash;
use crate::embedder::encoder::Vector;
use crate::repo::registry::{self, Registered};
use crate::vectors::{Vectors, VectorsError};
use crate::worker::{Worker, WorkerError};

impl Worker {
    /// The other registered repositories.
    pub(in crate::worker) fn others(&self, repo: &Registered) -> Result<Vec<Registered>, WorkerError> {
        Ok(registry::list(&self.queue)?.into_iter().filter(|other| other.id != repo.id).collect())
    }

    /// Copies what other repositories have of results that this one lacks, a store after the other. `lacking`: for each the keys that it may
    /// have, of which one is enough. Returns the keys that came.
    pub(in crate::worker) fn copy_from_others(
        &mut self,
        repo: &Registered,
        others: &[Registered],
        mut lacking: Vec<Vec<Hash>>,
    ) -> Result<Vec<Hash>, WorkerError> {
        let mut copied = Vec::new();
        for other in others {
            if lacking.is_empty() {
                break;
            }
            match self.copy_from(repo, other, &mut lacking) {
                Ok(found) => copied.extend(found),
                // They are made again.
                Err(error) => tracing::debug!(repo = %other.id, %error, "its results cannot be looked into"),
            }
        }
        Ok(copied)
    }

    /// Copies what one other repository has; that is not lacking any more. A store that cannot be opened has nothing.
    pub(in crate::worker) fn copy_from(
        &mut self,
        repo: &Registered,
        other: &Registered,
        lacking: &mut Vec<Vec<Hash>>,
    ) -> Result<HashSet<Hash>, WorkerError> {
        if !self.stores.contains_key(&other.id) && !self.neighbours.contains_key(&other.id) {
            match RepoStore::open_reader(&other.id, store_dir(&self.config, other)) {
                Ok(reader) => self.neighbours.extend(reader.map(|reader| (other.id.clone(), reader))),
                Err(error) => tracing::debug!(repo = %other.id, %error, "its store cannot be looked into"),
            }
        }
        let from = self.stores.get(&other.id).or_else(|| self.neighbours.get(&other.id));
        let Some(from) = from else { return Ok(HashSet::new()) };
        let to = self.stores.get(&repo.id).ok_or(WorkerError::NoStore)?.db().unchecked_transaction()?;
        let (now, mut copied) = (clock::now(), HashSet::new());
        for keys in lacking.iter() {
            for key in keys {
                if share::copy(from.db(), &to, key, now)? {
                    copied.insert(*key);
                    break;
                }
            }
        }
        to.commit()?;
        lacking.retain(|keys| !keys.iter().any(|key| copied.contains(key)));
        Ok(copied)
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
