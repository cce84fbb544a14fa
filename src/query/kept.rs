//! Stores and repositories that stay open from search to search: opening costs more than asking.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{QueryError, Reader};
use crate::cache::RepoStore;
use crate::cache::store_dir;
use crate::domain::RepoId;
use crate::repo::Repo;
use crate::repo::registry::Registered;

/// What is open, by repository.
#[derive(Default)]
pub(super) struct Kept {
    stores: HashMap<RepoId, RepoStore>,
    /// The database that a store was opened from.
    opened: HashMap<RepoId, FileId>,
    repos: BTreeMap<RepoId, Repo>,
}

/// Device and inode: another file may have come to stand under the name.
type FileId = Option<(u64, u64)>;

impl Kept {
    /// A repository's store as it is at this moment, whatever is written meanwhile: to be put back with [`Kept::keep_store`].
    /// `None` before the first reconcile.
    ///
    /// # Errors
    /// If it is there and cannot be opened.
    pub(super) fn store(&mut self, reader: &Reader<'_>, repo: &Registered) -> Result<Option<RepoStore>, QueryError> {
        let present = file_id(&store_dir(reader.config, repo).analysis_db());
        let is_same = self.opened.insert(repo.id.clone(), present) == Some(present);
        if let Some(store) = self.stores.remove(&repo.id).filter(|_| is_same)
            && store.begin_reading().is_ok()
        {
            return Ok(Some(store));
        }
        let store = reader.store(repo)?;
        store.as_ref().map(RepoStore::begin_reading).transpose()?;
        Ok(store)
    }

    /// Keeps a store, which follows what is written again.
    pub(super) fn keep_store(&mut self, store: RepoStore) {
        // One that cannot be used on is opened again.
        if store.end_reading().is_ok() {
            self.stores.insert(store.repo.clone(), store);
        }
    }

    /// The open repository; `None` if it cannot be opened.
    pub(super) fn repo(&mut self, repo: &Registered) -> Option<&Repo> {
        if !self.repos.get(&repo.id).is_some_and(|open| open.is_current(&repo.location)) {
            self.repos.remove(&repo.id);
            self.repos.insert(repo.id.clone(), Repo::open(&repo.location).ok()?);
        }
        self.repos.get(&repo.id)
    }

    /// Closes what belongs to no repository that is registered any more.
    pub(super) fn retain(&mut self, registered: &[Registered]) {
        let is_known = |id: &RepoId| registered.iter().any(|repo| repo.id == *id);
        self.stores.retain(|id, _| is_known(id));
        self.opened.retain(|id, _| is_known(id));
        self.repos.retain(|id, _| is_known(id));
    }
}

fn file_id(path: &Path) -> FileId {
    path.metadata().ok().map(|found| (found.dev(), found.ino()))
}
