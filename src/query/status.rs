//! What is fresh, what is queued and what it cost.

use super::budget::budget;
use super::freshness::PAUSED;
use super::model_status::{cutoff, model, parked};
use super::shared::shared_status;
use super::view::shown;
use super::view::status::{
    CacheStatus, DaemonStatus, EmbeddingStatus, LanguageStatus, QueueStatus, RepoStatus, StatusView,
};
use super::{QueryError, Reader, room};
use crate::cache::store_dir;
use crate::cache::{self, RepoStore, disk_bytes, overlay, provisional, set_aside, vector_sets, view};
use crate::clock;
use crate::domain::{Language, ObjectId};
use crate::embedder::chosen;
use crate::queue;
use crate::repo::Repo;
use crate::repo::registry::Registered;

/// Gathers the status from the stores; what the daemon says of itself is handed in.
///
/// # Errors
/// If a store cannot be read.
pub fn status(reader: &Reader<'_>, daemon: DaemonStatus) -> Result<StatusView, QueryError> {
    let mut cache = CacheStatus { max_bytes: reader.config.cache.max_size_bytes(), ..CacheStatus::default() };
    let (mut considered, mut analysed) = (0, 0);
    let mut repos = Vec::new();
    for repo in reader.repos()? {
        let (head, unreadable) = head_of(&repo);
        // A store that cannot be read is reported at its repository, and hides no other.
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
            repo: shown(&repo.location.path),
            id: repo.id.0.clone(),
            head: head.map(|id| id.to_string()),
            indexed_commit: repo.indexed_commit.as_ref().map(ToString::to_string),
            files: freshness.files,
            cache_wanted_mb: of_store.wanted_mb(cache.max_bytes),
            languages: of_store.languages,
            fresh: freshness.fresh,
            stale: freshness.stale(),
            evicted: freshness.evicted,
            pending: reader.agent.as_ref().map(|db| queue::pending_files(db, &repo.id)).transpose()?.unwrap_or(0),
            skipped: freshness.skipped,
            saved: of_store.saved,
            not_followed: of_store.not_followed,
            asked: freshness.asked,
            answered: freshness.answered,
            embedded: of_store.vectors.own,
            provisional: of_store.vectors.provisional,
            searched_by: of_store.searched_by,
            bytes: of_store.bytes,
            set_aside: set_aside_paths(reader, &repo),
            blocked: blocked(reader, &repo, freshness.stale())?,
            held: repo.held,
            error: repo.error.or(damaged).or(unreadable),
        });
    }
    let sum = |of: fn(&RepoStatus) -> u64| repos.iter().map(of).sum();
    Ok(StatusView {
        model: model(reader, sum(|repo| repo.asked), sum(|repo| repo.answered))?,
        parked: parked(reader)?,
        cutoff: cutoff(reader, considered, analysed)?,
        daemon,
        repos,
        queue: queue_status(reader)?,
        budget: budget(reader, clock::now())?,
        cache,
        embedding: EmbeddingStatus { model: installed_model(reader) },
        shared: reader.config.shared.as_ref().map(|_| shared_status(reader)).transpose()?,
    })
}

/// The commit that HEAD names, or why it cannot be read.
fn head_of(repo: &Registered) -> (Option<ObjectId>, Option<String>) {
    match Repo::open(&repo.location).and_then(|git| git.head()) {
        Ok(head) => (head.commit, None),
        Err(error) => (None, Some(error.to_string())),
    }
}

/// Why what is to be made of a repository is not, though a daemon runs; `stale`: files that lack a result.
fn blocked(reader: &Reader<'_>, repo: &Registered, stale: u64) -> Result<Option<String>, QueryError> {
    let Some(db) = &reader.agent else { return Ok(None) };
    let counts = queue::counts(db, Some(&repo.id))?;
    if counts.queued > 0 && queue::is_paused(db)? {
        return Ok(Some(format!("{} job(s) wait, and {PAUSED}", counts.queued)));
    }
    if stale == 0 || counts.queued + counts.running > 0 {
        return Ok(None);
    }
    Ok(match (counts.discarded + counts.quarantined, counts.parked) {
        (0, 0) => None,
        (0, parked) => Some(format!("{parked} job(s) are parked; `ra-agent status` gives the reason")),
        (lost, _) => Some(format!(
            "{lost} job(s) are discarded or quarantined (`ra-agent queue list --discarded`); `ra-agent queue retry --all` queues \
             them again"
        )),
    })
}

fn set_aside_paths(reader: &Reader<'_>, repo: &Registered) -> Vec<String> {
    set_aside::list(&store_dir(reader.config, repo)).iter().map(|path| path.display().to_string()).collect()
}

/// What one repository's store reports.
#[derive(Default)]
struct StoreStatus {
    languages: Vec<LanguageStatus>,
    freshness: view::FreshCounts,
    vectors: provisional::VectorCounts,
    searched_by: Option<String>,
    saved: u64,
    not_followed: Option<String>,
    hits: u64,
    misses: u64,
    bytes: u64,
    considered: u64,
    analysed: u64,
}

impl StoreStatus {
    /// The limit of the cache that leaves room for it; `None`: the present one does.
    fn wanted_mb(&self, max_bytes: u64) -> Option<u64> {
        room::wanted_mb(room::needed_bytes(self.bytes, self.freshness.evicted > 0, max_bytes), max_bytes)
    }
}

/// The model whose vectors serve while those of another one are made.
fn searched_by(store: &RepoStore) -> Result<Option<String>, QueryError> {
    if !vector_sets::is_changing(store.db())? {
        return Ok(None);
    }
    Ok(vector_sets::serving(store)?.map(|set| set.model_id))
}

fn store_status(reader: &Reader<'_>, repo: &Registered) -> Result<StoreStatus, QueryError> {
    let Some(store) = reader.store(repo)? else { return Ok(StoreStatus::default()) };
    let counter = |name| -> Result<u64, QueryError> {
        Ok(cache::metadata(store.db(), name)?.and_then(|text| text.parse().ok()).unwrap_or(0))
    };
    let languages = view::languages(store.db())?.into_iter().map(|(language, files)| LanguageStatus {
        rung: Language::parse(&language).unwrap_or(Language::TEXT).rung().as_str(),
        language,
        files,
    });
    Ok(StoreStatus {
        languages: languages.collect(),
        freshness: view::freshness(store.db())?,
        vectors: provisional::counts(store.db())?,
        searched_by: searched_by(&store)?,
        saved: overlay::paths(store.db())?.len() as u64,
        not_followed: cache::metadata(store.db(), cache::OVERLAY_NOTE)?.filter(|note| !note.is_empty()),
        hits: counter(cache::HITS)?,
        misses: counter(cache::MISSES)?,
        considered: counter(cache::DEPENDENTS_CONSIDERED)?,
        analysed: counter(cache::DEPENDENTS_ANALYSED)?,
        bytes: disk_bytes(store.dir.path().to_owned()),
    })
}

/// The embedding model that is set up, and installed if it runs here.
pub fn installed_model(reader: &Reader<'_>) -> Option<String> {
    chosen::available(reader.home, &reader.config.embedding)
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

/// Resident memory of a process in bytes, where the system reports it.
pub fn rss_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1_024)
}
