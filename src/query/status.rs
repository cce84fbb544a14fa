//! What is fresh, what is queued, what it cost: the JSON of `status --json` (DESIGN §6).

use std::collections::BTreeMap;

use serde::Serialize;

use super::budget::{BudgetStatus, budget};
pub use super::model_status::{CutoffStatus, ModelStatus, ParkedStatus};
use super::model_status::{cutoff, model, parked};
use super::{QueryError, Reader};
use crate::cache::store_dir;
use crate::cache::{self, disk_bytes, overlay, set_aside, view};
use crate::clock;
use crate::queue;
use crate::repo::Repo;
use crate::repo::registry::Registered;

#[derive(Clone, Debug, Serialize)]
pub struct Status {
    pub daemon: DaemonStatus,
    pub repos: Vec<RepoStatus>,
    pub queue: QueueStatus,
    pub budget: BudgetStatus,
    pub cache: CacheStatus,
    pub embedding: EmbeddingStatus,
    /// `None`: no model is set up to be asked.
    pub model: Option<ModelStatus>,
    pub parked: Vec<ParkedStatus>,
    pub cutoff: CutoffStatus,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct DaemonStatus {
    pub running: bool,
    pub pid: Option<u32>,
    pub rss_bytes: Option<u64>,
    pub worker_pid: Option<u32>,
    pub worker_rss_bytes: Option<u64>,
    /// Whether the kernel holds the daemon to writing in its own directories only: `enforced`, `partly enforced`, `off`.
    pub sandbox: Option<String>,
    /// The work trees that the timer looks at, by their repositories' ids, each with the reason.
    pub polled: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RepoStatus {
    pub repo: String,
    pub id: String,
    pub head: Option<String>,
    pub indexed_commit: Option<String>,
    /// Indexed files; `skipped` come on top.
    pub files: u64,
    pub fresh: u64,
    pub stale: u64,
    /// Files of which nothing is missing but what was removed for want of room: neither fresh nor stale.
    pub evicted: u64,
    /// Files with a job queued or running.
    pub pending: u64,
    pub skipped: u64,
    /// Files that are in the work tree not what HEAD has of them.
    pub saved: u64,
    /// Why the work tree, or a part of it, is not followed.
    pub not_followed: Option<String>,
    /// Files that a model is asked about, and those of them whose every answer is there; they count as fresh either way.
    pub asked: u64,
    pub answered: u64,
    /// Parts of its store that were damaged and are kept aside until the next prune.
    pub set_aside: Vec<String>,
    pub held: Option<String>,
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct QueueStatus {
    pub queued: u64,
    pub running: u64,
    pub parked: u64,
    pub discarded: u64,
    pub quarantined: u64,
    pub done: u64,
    pub paused: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct CacheStatus {
    pub bytes: u64,
    pub max_bytes: u64,
    pub hits: u64,
    pub misses: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct EmbeddingStatus {
    /// `None`: search is lexical.
    pub model: Option<String>,
}

/// Gathers the status from the stores; what the daemon says of itself is handed in.
///
/// # Errors
/// If a store cannot be read.
pub fn status(reader: &Reader<'_>, daemon: DaemonStatus) -> Result<Status, QueryError> {
    let config = reader.config;
    let mut cache = CacheStatus { max_bytes: config.cache.max_size_bytes(), ..CacheStatus::default() };
    let (mut considered, mut analysed) = (0, 0);
    let mut repos = Vec::new();
    for repo in reader.repos()? {
        let head = Repo::open(&repo.location).and_then(|git| git.head());
        let (head, unreadable) = match head {
            Ok(head) => (head.commit, None),
            Err(error) => (None, Some(error.to_string())),
        };
        // A store that cannot be read is told at its repository, and hides no other.
        let (of_store, damaged) = match store_status(reader, &repo) {
            Ok(found) => (found, None),
            Err(error) => (StoreStatus::default(), Some(error.to_string())),
        };
        let freshness = of_store.freshness;
        cache.hits += of_store.hits;
        cache.misses += of_store.misses;
        cache.bytes += of_store.bytes;
        considered += of_store.considered;
        analysed += of_store.analysed;
        repos.push(RepoStatus {
            repo: repo.location.path.to_string_lossy().into_owned(),
            id: repo.id.0.clone(),
            head: head.map(|id| id.to_string()),
            indexed_commit: repo.indexed_commit.as_ref().map(ToString::to_string),
            files: freshness.files,
            fresh: freshness.fresh,
            stale: freshness.files - freshness.fresh - freshness.evicted,
            evicted: freshness.evicted,
            pending: reader.agent.as_ref().map(|db| queue::pending_files(db, &repo.id)).transpose()?.unwrap_or(0),
            skipped: freshness.skipped,
            saved: of_store.saved,
            not_followed: of_store.not_followed,
            asked: freshness.asked,
            answered: freshness.answered,
            set_aside: set_aside::list(&store_dir(config, &repo))
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
            held: repo.held,
            error: repo.error.or(damaged).or(unreadable),
        });
    }
    let sum = |of: fn(&RepoStatus) -> u64| repos.iter().map(of).sum();
    Ok(Status {
        model: model(reader, sum(|repo| repo.asked), sum(|repo| repo.answered)),
        parked: parked(reader)?,
        cutoff: cutoff(reader, considered, analysed)?,
        daemon,
        repos,
        queue: queue_status(reader)?,
        budget: budget(reader, clock::now())?,
        cache,
        embedding: EmbeddingStatus { model: installed_model(reader) },
    })
}

/// What one repository's store tells.
#[derive(Default)]
struct StoreStatus {
    freshness: view::Freshness,
    saved: u64,
    not_followed: Option<String>,
    hits: u64,
    misses: u64,
    bytes: u64,
    considered: u64,
    analysed: u64,
}

fn store_status(reader: &Reader<'_>, repo: &Registered) -> Result<StoreStatus, QueryError> {
    let Some(store) = reader.store(repo)? else { return Ok(StoreStatus::default()) };
    let counter = |name| -> Result<u64, QueryError> {
        Ok(cache::metadata(store.db(), name)?.and_then(|text| text.parse().ok()).unwrap_or(0))
    };
    Ok(StoreStatus {
        freshness: view::freshness(store.db())?,
        saved: overlay::paths(store.db())?.len() as u64,
        not_followed: cache::metadata(store.db(), cache::OVERLAY_NOTE)?.filter(|note| !note.is_empty()),
        hits: counter(cache::HITS)?,
        misses: counter(cache::MISSES)?,
        considered: counter(cache::DEPENDENTS_CONSIDERED)?,
        analysed: counter(cache::DEPENDENTS_ANALYSED)?,
        bytes: disk_bytes(store.dir.path().to_owned()),
    })
}

/// The embedding model that is set up and installed.
pub fn installed_model(reader: &Reader<'_>) -> Option<String> {
    reader.config.embedding.model.clone().filter(|id| reader.home.model(id).is_dir())
}

fn queue_status(reader: &Reader<'_>) -> Result<QueueStatus, QueryError> {
    let Some(db) = &reader.agent else { return Ok(QueueStatus::default()) };
    let counts = queue::counts(db, None)?;
    Ok(QueueStatus {
        queued: counts.queued,
        running: counts.running,
        parked: counts.parked,
        discarded: counts.discarded,
        quarantined: counts.quarantined,
        done: counts.done,
        paused: queue::is_paused(db)?,
    })
}

/// Resident memory of a process in bytes, where the system tells.
pub fn rss_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1_024)
}
