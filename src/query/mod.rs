//! The read side: file, search, dependents, status. Opens stores read-only and never waits for a worker.

pub mod budget;
pub mod cache;
mod candidates;
mod empty;
pub mod estimate;
pub mod files;
mod filter;
pub mod impact;
mod kept;
mod meant;
mod model_status;
mod nearest;
pub mod quote;
pub mod rank;
pub mod search;
pub mod skipped;
pub mod snippet;
pub mod status;
pub mod suggest;
pub mod verify;
pub mod view;

use std::path::Path;

use rusqlite::Connection;

use crate::budget::BudgetError;
use crate::cache::RepoStore;
use crate::cache::store_dir;
use crate::config::Config;
use crate::domain::RepoId;
use crate::home::Home;
use crate::repo::RepoError;
use crate::repo::registry::{self, Registered};
use crate::store::{self, Database, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Budget(#[from] BudgetError),
    #[error(transparent)]
    Repo(#[from] RepoError),
    #[error(
        "{what} is not registered; `ra-agent register <repo>` does that, `ra-agent repos` lists those that are{hint}"
    )]
    NotRegistered { what: String, hint: String },
    #[error("{0}")]
    Invalid(String),
}

impl From<rusqlite::Error> for QueryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What every query needs.
pub struct Reader<'a> {
    pub home: &'a Home,
    pub config: &'a Config,
    /// agent.db; `None` before anything was registered.
    pub agent: Option<Connection>,
}

impl<'a> Reader<'a> {
    /// Opens agent.db for reading.
    ///
    /// # Errors
    /// If it is there and cannot be opened.
    pub fn open(home: &'a Home, config: &'a Config) -> Result<Self, QueryError> {
        Ok(Self { home, config, agent: store::open_reader(&home.agent_db(), Database::Agent)? })
    }

    /// Every registered repository.
    ///
    /// # Errors
    /// If agent.db cannot be read.
    pub fn repos(&self) -> Result<Vec<Registered>, QueryError> {
        Ok(self.agent.as_ref().map(registry::list).transpose()?.unwrap_or_default())
    }

    /// The registered repository that an id or a path (of it, or inside it) names.
    ///
    /// # Errors
    /// [`QueryError::NotRegistered`] if there is none.
    pub fn repo(&self, named: &str) -> Result<Registered, QueryError> {
        let repos = self.repos()?;
        if let Some(repo) = repos.iter().find(|repo| repo.id == RepoId(named.to_owned())) {
            return Ok(repo.clone());
        }
        let known: Vec<String> = repos.iter().map(|repo| repo.location.path.display().to_string()).collect();
        self.repo_of(Path::new(named), repos).ok_or_else(|| {
            let hint = suggest::hint(named, known.iter().map(String::as_str));
            QueryError::NotRegistered { what: named.to_owned(), hint }
        })
    }

    /// The innermost registered repository whose directory holds a path.
    pub fn repo_of(&self, path: &Path, repos: Vec<Registered>) -> Option<Registered> {
        let path = canonical(path)?;
        let holds = repos.into_iter().filter(|repo| path.starts_with(&repo.location.path));
        holds.max_by_key(|repo| repo.location.path.as_os_str().len())
    }

    /// A repository's store; `None` before its first reconcile.
    ///
    /// # Errors
    /// If it is there and cannot be opened.
    pub fn store(&self, repo: &Registered) -> Result<Option<RepoStore>, QueryError> {
        Ok(RepoStore::open_reader(&repo.id, store_dir(self.config, repo))?)
    }
}

/// A path without symbolic links; what of its end does not exist is kept as written, so that a deleted file can be named.
pub fn canonical(path: &Path) -> Option<std::path::PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    let mut rest = Vec::new();
    let mut base = absolute.as_path();
    loop {
        if let Ok(found) = base.canonicalize() {
            return Some(rest.iter().rev().fold(found, |path, name| path.join(name)));
        }
        rest.push(base.file_name()?.to_owned());
        base = base.parent()?;
    }
}
