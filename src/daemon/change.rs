//! What the verbs change: run by the daemon on request, or by the verb itself under the daemon's lock when there is none.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::control::{LocationText, StateChange};
use crate::budget::{self, BudgetError};
use crate::cache::RepoStore;
use crate::cache::orphans;
use crate::cache::store_dir;
use crate::clock::{self, Timestamp};
use crate::config::Config;
use crate::domain::{AnalysisType, FilePath, Hash, JobState, ObjectId, Priority, RepoId};
use crate::home::{Home, StoreDir};
use crate::index::backlog::{self, Due};
use crate::queue::{self, NewJob, ParkCause};
use crate::repo::Location;
use crate::repo::registry::{self, Registered, Registration};
use crate::store::{StoreError, write};

/// Version of meta.json.
const META_VERSION: u32 = 1;

#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Budget(#[from] BudgetError),
    #[error("{path} cannot be written: {source}; check its owner and the space on its disk")]
    Write { path: PathBuf, source: io::Error },
    #[error("{0} is not registered; `ra-agent repos` lists what is")]
    NotRegistered(String),
    #[error("{0}")]
    NoSuchJob(String),
    #[error("the request names something that does not exist: {0}")]
    Malformed(String),
}

/// Does what is asked; says in a sentence what was done.
///
/// # Errors
/// If a store or file cannot be written, or what is named does not exist.
pub fn execute(db: &mut Connection, home: &Home, config: &Config, change: &StateChange) -> Result<String, ChangeError> {
    let now = clock::now();
    match change {
        StateChange::Register { location, root_commit } => {
            let location = location.to_location()?;
            register(db, home, config, &location, root_commit.as_deref().and_then(ObjectId::from_hex).as_ref(), now)
        }
        StateChange::Unregister { repo, keep_cache } => {
            unregister(db, home, config, &RepoId(repo.clone()), *keep_cache)
        }
        StateChange::Retry { job } => match (queue::replay(db, *job, now)?, job) {
            (0, Some(id)) => Err(ChangeError::NoSuchJob(not_replayed(db, *id)?)),
            (replayed, _) => Ok(format!("{replayed} job(s) queued again")),
        },
        StateChange::Discard { job } => {
            let Some(found) = queue::get(db, *job)? else {
                return Err(ChangeError::NoSuchJob(format!("there is no job {job}; `ra-agent queue list` lists them")));
            };
            if !matches!(found.state, JobState::Queued | JobState::Running | JobState::Parked) {
                let state = found.state.as_str();
                return Err(ChangeError::NoSuchJob(format!(
                    "job {job} is {state}: only a job that waits or runs can be discarded; `ra-agent queue list` lists them"
                )));
            }
            queue::discard(db, *job, "discarded by hand", now)?;
            Ok(format!("job {job} discarded"))
        }
        StateChange::Pause => {
            queue::set_paused(db, true)?;
            Ok("the queue is paused; repositories are still watched and jobs still queued".to_owned())
        }
        StateChange::Resume => {
            queue::set_paused(db, false)?;
            Ok("the queue runs".to_owned())
        }
        StateChange::Limits { allow } => put_limits_in_force(db, home, config, *allow, now),
        StateChange::Build { repo, types, priority, max_files } => {
            let priority = priority.as_deref().map(|name| named(name, Priority::parse(name))).transpose()?;
            let types = analysis_types(types)?;
            enqueue(db, config, repo, priority, |store| backlog::missing(store, &types, *max_files))
        }
        StateChange::Expire { repo, types, older_than_ms } => {
            let before = now.plus_millis(-i64::try_from(*older_than_ms).unwrap_or(i64::MAX));
            let types = analysis_types(types)?;
            enqueue(db, config, repo, None, |store| backlog::older(store, &types, before))
        }
    }
}

/// Why a job was not queued again.
fn not_replayed(db: &Connection, id: i64) -> Result<String, StoreError> {
    const LIST: &str = "`ra-agent queue list --discarded` lists those that can be queued again";
    Ok(match queue::get(db, id)?.map(|job| job.state) {
        None => format!("there is no job {id}; {LIST}"),
        Some(state @ (JobState::Discarded | JobState::Quarantined)) => {
            let state = state.as_str();
            format!(
                "job {id} is {state}, and a newer one of the same file and kind is there; `ra-agent queue list --all` lists it"
            )
        }
        Some(state) => format!("job {id} is {}, neither discarded nor quarantined; {LIST}", state.as_str()),
    })
}

/// What the old limits have parked runs again, by priority; what the new ones do not allow parks itself.
fn put_limits_in_force(
    db: &mut Connection,
    home: &Home,
    config: &Config,
    allow: bool,
    now: Timestamp,
) -> Result<String, ChangeError> {
    budget::take_up(db, &home.ledger_seal())?;
    if allow {
        budget::accept(db)?;
    }
    budget::note_limits(db, &config.budget)?;
    let resumed = queue::unpark(db, &[ParkCause::Budget], now)?;
    let monthly = budget::dollars(config.budget.monthly);
    let daily = config.budget.daily.map_or_else(|| "no limit".to_owned(), budget::dollars);
    let jobs = if resumed > 0 { format!("; {resumed} parked job(s) run again") } else { String::new() };
    Ok(format!("the limits are {monthly} a month and {daily} a day{jobs}"))
}

/// Puts what is due in a repository into the queue, as asked for by a person; what waits there already is put before the rest.
fn enqueue(
    db: &mut Connection,
    config: &Config,
    repo: &str,
    priority: Option<Priority>,
    due: impl FnOnce(&Connection) -> Result<Vec<Due>, StoreError>,
) -> Result<String, ChangeError> {
    let id = RepoId(repo.to_owned());
    let registered = registry::get(db, &id)?.ok_or_else(|| ChangeError::NotRegistered(repo.to_owned()))?;
    let Some(store) = RepoStore::open_reader(&id, store_dir(config, &registered))? else {
        return Ok("nothing is queued: the repository was not indexed yet".to_owned());
    };
    let jobs: Vec<NewJob> = due(store.db())?.into_iter().map(|one| one.into_job(priority)).collect();
    let tx = write(db)?;
    let enqueued = queue::enqueue(&tx, &id, &jobs, clock::now())?;
    tx.commit().map_err(StoreError::from)?;
    Ok(match jobs.len() - enqueued {
        0 => format!("{enqueued} job(s) queued"),
        known => format!(
            "{enqueued} job(s) queued; {known} more waited already and come first now, or were given up (`ra-agent queue list \
             --discarded`)"
        ),
    })
}

fn analysis_types(names: &[String]) -> Result<Vec<AnalysisType>, ChangeError> {
    names.iter().map(|name| named(name, AnalysisType::parse(name))).collect()
}

fn named<T>(name: &str, parsed: Option<T>) -> Result<T, ChangeError> {
    parsed.ok_or_else(|| ChangeError::Malformed(name.to_owned()))
}

fn register(
    db: &mut Connection,
    home: &Home,
    config: &Config,
    location: &Location,
    root_commit: Option<&ObjectId>,
    now: Timestamp,
) -> Result<String, ChangeError> {
    let registration = registry::register(db, location, root_commit, now)?;
    let id = registration.id().clone();
    if let Some(repo) = registry::get(db, &id)? {
        let store = store_dir(config, &repo);
        write_meta(&store, &repo)?;
        removed(orphans::unmark_kept(&store), store.path())?;
    }
    create_inbox_file(&home.inbox_file(&id))?;
    let path = location.path.display();
    Ok(match registration {
        Registration::New(id) => format!("registered {path} as {id}"),
        Registration::Known(id) => format!("{path} is registered already, as {id}"),
        Registration::Moved { id, from } => {
            format!("registered {path} as {id}: moved from {}, what was known of it is kept", from.display())
        }
    })
}

/// Writes the `meta.json` of each repository whose store has none: it was placed elsewhere since.
pub(super) fn write_missing_meta(config: &Config, repos: &[Registered]) -> Result<(), ChangeError> {
    let dirs = repos.iter().map(|repo| (store_dir(config, repo), repo));
    dirs.filter(|(dir, _)| !dir.meta_json().exists()).try_for_each(|(dir, repo)| write_meta(&dir, repo))
}

/// Writes `meta.json`, which says whose store this is.
fn write_meta(dir: &StoreDir, repo: &Registered) -> Result<(), ChangeError> {
    let text = |path: &Path| FilePath::new(path.as_os_str().as_bytes()).to_string();
    let meta = serde_json::json!({
        "path": text(&repo.location.path),
        "hash": Hash::of(repo.location.path.as_os_str().as_bytes()).to_string(),
        "schema_version": META_VERSION,
        "git_dir": text(&repo.location.git_dir),
        "root_commit": repo.root_commit.as_ref().map(ToString::to_string),
    });
    let path = dir.meta_json();
    fs::create_dir_all(dir.path())
        .and_then(|()| crate::file::replace(&path, format!("{meta:#}\n").as_bytes(), 0o600))
        .map_err(|source| ChangeError::Write { path, source })
}

/// Creates the file that the repository's hooks touch, if it is not there: touching it would be an event.
fn create_inbox_file(path: &Path) -> Result<(), ChangeError> {
    let created = fs::OpenOptions::new().write(true).create(true).truncate(false).open(path);
    created.map(drop).map_err(|source| ChangeError::Write { path: path.to_owned(), source })
}

fn unregister(
    db: &Connection,
    home: &Home,
    config: &Config,
    id: &RepoId,
    keep_cache: bool,
) -> Result<String, ChangeError> {
    let repo = registry::get(db, id)?.ok_or_else(|| ChangeError::NotRegistered(id.to_string()))?;
    registry::unregister(db, id)?;
    let inbox_file = home.inbox_file(id);
    removed(fs::remove_file(&inbox_file), &inbox_file)?;
    let path = repo.location.path.display();
    if keep_cache {
        let store = store_dir(config, &repo);
        removed(orphans::mark_kept(&store), store.path())?;
        return Ok(format!("unregistered {path}; its cache is kept in {}", store_dir(config, &repo).path().display()));
    }
    let store = store_dir(config, &repo);
    removed(store.remove(), store.path())?;
    Ok(format!("unregistered {path} and removed its cache"))
}

fn removed(outcome: io::Result<()>, path: &Path) -> Result<(), ChangeError> {
    match outcome {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(ChangeError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn unescaped(text: &str) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(FilePath::from_escaped(text).as_bytes()))
}

impl LocationText {
    pub fn new(location: &Location) -> Self {
        let text = |path: &Path| FilePath::new(path.as_os_str().as_bytes()).escaped();
        Self {
            kind: registry::kind_name(location.kind).to_owned(),
            path: text(&location.path),
            git_dir: text(&location.git_dir),
            common_dir: text(&location.common_dir),
        }
    }

    /// The repository's canonical path.
    pub fn path(&self) -> PathBuf {
        unescaped(&self.path)
    }

    fn to_location(&self) -> Result<Location, ChangeError> {
        Ok(Location {
            kind: registry::kind_of(&self.kind).ok_or_else(|| ChangeError::Malformed(self.kind.clone()))?,
            path: self.path(),
            git_dir: unescaped(&self.git_dir),
            common_dir: unescaped(&self.common_dir),
        })
    }
}
