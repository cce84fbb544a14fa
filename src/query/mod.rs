//! The read side: file, search, dependents, status. Opens stores read-only and never waits for a worker.

pub mod budget;
pub mod cache;
mod candidates;
pub mod commit;
pub mod compared;
mod empty;
pub mod estimate;
pub mod files;
mod filter;
pub mod first_steps;
pub mod forecast;
pub mod freshness;
mod hits;
pub mod impact;
pub mod items;
mod kept;
mod meant;
mod model_status;
mod nearest;
pub mod present;
pub mod quote;
pub mod rank;
pub mod report;
pub mod room;
pub mod search;
pub mod searchable;
pub mod shared;
pub mod skipped;
pub mod snippet;
pub mod status;
pub mod suggest;
pub mod targets;
pub mod verify;
pub mod view;
mod written_hits;

use std::ffi::OsStr;
use std::path::Path;

use rusqlite::Connection;

use crate::budget::BudgetError;
use crate::cache::RepoStore;
use crate::cache::store_dir;
use crate::clock;
use crate::config::Config;
use crate::domain::RepoId;
use crate::home::Home;
use crate::repo::registry::{self, Registered};
use crate::repo::{LocateError, RepoError, locate};
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
    /// There is none, registered or not.
    #[error("{0}")]
    NoRepository(String),
    #[error("{0} is not indexed yet; `ra-agent wait` waits until it is")]
    NotIndexed(String),
    /// What is asked for is not there, or cannot be: the question is wrong.
    #[error("{0}")]
    Invalid(String),
    /// The question is right, and cannot be answered.
    #[error("{0}")]
    Failed(String),
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

    /// The registered repository that an id or a path (of it, or of what is inside it) names. What is not there names a repository only if it
    /// is its place: it may have been moved or deleted.
    ///
    /// # Errors
    /// [`QueryError::NotRegistered`] if there is none, or if the path is in another work tree inside one.
    pub fn repo<N: AsRef<OsStr> + ?Sized>(&self, named: &N) -> Result<Registered, QueryError> {
        let (named, repos) = (named.as_ref(), self.repos()?);
        let path = Path::new(named);
        let place = canonical(path);
        let is_named = |repo: &&Registered| named == repo.id.0.as_str() || place.as_ref() == Some(&repo.location.path);
        if let Some(repo) = repos.iter().find(is_named) {
            return Ok(repo.clone());
        }
        let known: Vec<String> = repos.iter().map(|repo| repo.location.path.display().to_string()).collect();
        // A word that is no path would else mean the repository that one stands in.
        if path.exists() && self.repo_of(path, repos).is_some() {
            return self.repo_at(path);
        }
        let what = named.to_string_lossy().into_owned();
        let hint = suggest::hint(&what, known.iter().map(String::as_str));
        Err(QueryError::NotRegistered { what, hint })
    }

    /// The same, or a repository that is not registered: a clone in CI. It has no store.
    ///
    /// # Errors
    /// [`QueryError::NoRepository`] if there is none; [`QueryError::Failed`] if there is one that must not be read.
    pub fn repo_or_clone<N: AsRef<OsStr> + ?Sized>(&self, named: &N) -> Result<Registered, QueryError> {
        let unknown = match self.repo(named) {
            Err(error @ QueryError::NotRegistered { .. }) => error,
            found => return found,
        };
        match locate(Path::new(named.as_ref()), self.home.root(), &self.config.cache.location) {
            Ok(location) => Ok(Registered {
                id: RepoId("unregistered".to_owned()),
                location,
                root_commit: None,
                registered_at: clock::now(),
                head: None,
                indexed_commit: None,
                planned_with: None,
                reconciled_at: None,
                held: None,
                error: None,
            }),
            Err(error @ (LocateError::Missing { .. } | LocateError::NotARepository { .. })) => {
                let hint = if let QueryError::NotRegistered { hint, .. } = &unknown { hint.as_str() } else { "" };
                Err(QueryError::NoRepository(format!("{error}{hint}")))
            }
            Err(error) => Err(QueryError::Failed(error.to_string())),
        }
    }

    /// The innermost registered repository whose directory holds a path.
    fn repo_of(&self, path: &Path, repos: Vec<Registered>) -> Option<Registered> {
        let path = canonical(path)?;
        let holds = repos.into_iter().filter(|repo| path.starts_with(&repo.location.path));
        holds.max_by_key(|repo| repo.location.path.as_os_str().len())
    }

    /// The registered repository whose work tree a path is in, which may be gone. A work tree inside another one is a place of its own: what is indexed
    /// of the outer one says nothing of it.
    ///
    /// # Errors
    /// [`QueryError::NotRegistered`] if it is in none, or in one that is not registered.
    pub fn repo_at(&self, path: &Path) -> Result<Registered, QueryError> {
        let not_registered = |what: String| QueryError::NotRegistered { what, hint: String::new() };
        let path = canonical(path).unwrap_or_else(|| path.to_owned());
        let repo = self.repo_of(&path, self.repos()?);
        let repo = repo.ok_or_else(|| not_registered(format!("a repository that holds {}", path.display())))?;
        let inner = path.ancestors().take_while(|dir| *dir != repo.location.path);
        match inner.into_iter().find(|dir| dir.join(".git").symlink_metadata().is_ok()) {
            Some(inner) => Err(not_registered(format!("the work tree {}", inner.display()))),
            None => Ok(repo),
        }
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
