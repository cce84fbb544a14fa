//! Keeping all stores together within the configured size: asked for by a person, or in idle time when they have grown.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::cache::evict::{self, Removed};
use crate::cache::orphans::orphans;
use crate::cache::prune::{self, Need, PRUNED_ABOVE_PERCENT, PRUNED_TO_PERCENT, PruneItem, Strategy, percent, select};
use crate::cache::store_dir;
use crate::cache::{self, set_aside, view};
use crate::clock;
use crate::domain::FilePath;
use crate::queue;
use crate::repo::registry::{self, Registered};
use crate::store;
use crate::vectors::{Vectors, VectorsError};
use crate::worker::{Worker, WorkerError};

/// Sizes are estimates until what was removed is measured; after so many rounds what is left is left for the next prune.
const ROUNDS: usize = 6;
/// Rows free bytes when all of their page are gone: each round after the first asks for two pages more than the one before it.
const MORE_EACH_ROUND: u64 = 2 * 4_096;
/// A cache that is too large for what its views need is pruned again when it has grown to this many hundredths.
const REGROWTH_PERCENT: u64 = 102;

/// What is asked of a prune.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prune {
    /// Bytes that the cache is brought down to; `None`: to 75 % of the configured limit.
    pub max_bytes: Option<u64>,
    pub strategy: Strategy,
    /// Only report what would be removed.
    pub dry_run: bool,
}

/// What a prune did, in bytes on disk. Of a dry run, what it would do, in estimated ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    pub strategy: Strategy,
    pub dry_run: bool,
    pub limit_bytes: u64,
    pub target_bytes: u64,
    pub before_bytes: u64,
    pub after_bytes: u64,
    pub repos: Vec<PrunedRepo>,
}

/// What went from one repository's store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrunedRepo {
    pub repo: String,
    pub analyses: u64,
    /// Of these, the ones that the present view refers to; they are made again when asked for or changed.
    pub live: u64,
    pub outlines: u64,
    /// Vectors of text that is in no file any more.
    pub vectors: u64,
    pub bytes: u64,
}

impl PrunedRepo {
    fn add(&mut self, removed: &Removed) {
        self.analyses += removed.analyses;
        self.live += removed.live;
        self.outlines += removed.outlines;
        self.vectors += removed.vectors;
        self.bytes += removed.bytes;
    }
}

/// Bytes of one repository's store.
#[derive(Clone, Copy, Debug, Default)]
struct StoreBytes {
    total: u64,
    /// Of these, vectors: the present version of the table, for the replaced ones go by themselves.
    vectors: u64,
}

impl Worker {
    /// Prunes if all stores together are past 90 % of the limit.
    pub(in crate::worker) fn prune_if_large(&mut self) -> Result<(), WorkerError> {
        let limit = self.config.cache.max_size_bytes();
        let threshold = percent(limit, PRUNED_ABOVE_PERCENT).max(self.prune_above);
        let repos = registry::list(&self.queue)?;
        let on_disk: u64 = repos.iter().map(|repo| self.disk_bytes(repo)).sum();
        if on_disk <= threshold {
            return Ok(());
        }
        let usable = self.usable()?;
        self.checkpoint_wals(&usable)?;
        let held: u64 = repos.iter().map(|repo| self.held(repo).total).sum();
        if held <= threshold {
            return Ok(());
        }
        let pruned = self.prune(&Prune { max_bytes: None, strategy: Strategy::CostAware, dry_run: false })?;
        let (before, after) = (pruned.before_bytes, pruned.after_bytes);
        tracing::info!(before, after, limit, "the cache was pruned");
        self.prune_above = 0;
        if after > pruned.target_bytes {
            tracing::warn!(
                after,
                limit,
                "what the present views need keeps the cache near its limit; raise cache.max_size_mb"
            );
            self.prune_above = percent(after, REGROWTH_PERCENT);
        }
        Ok(())
    }

    /// Removes what goes first until the cache is small enough or nothing is left that may go.
    pub(super) fn prune(&mut self, asked: &Prune) -> Result<Pruned, WorkerError> {
        let limit = asked.max_bytes.unwrap_or_else(|| self.config.cache.max_size_bytes());
        let target = asked.max_bytes.unwrap_or_else(|| percent(limit, PRUNED_TO_PERCENT));
        let repos = self.usable()?;
        let mut done = Pruned {
            strategy: asked.strategy,
            dry_run: asked.dry_run,
            limit_bytes: limit,
            target_bytes: target,
            repos: repos.iter().map(named).collect(),
            ..Pruned::default()
        };
        self.checkpoint_wals(&repos)?;
        done.before_bytes = repos.iter().map(|repo| self.held(repo).total).sum();
        if !asked.dry_run {
            for repo in &repos {
                self.tidy(repo)?;
            }
            self.remove_orphans()?;
        }
        for round in 0..ROUNDS {
            let held: Vec<StoreBytes> = repos.iter().map(|repo| self.held(repo)).collect();
            done.after_bytes = held.iter().map(|held| held.total).sum();
            let bytes = match done.after_bytes.saturating_sub(target) {
                0 => 0,
                lacking => lacking + round as u64 * MORE_EACH_ROUND,
            };
            let chosen = self.choose(&repos, &held, bytes, limit, asked.strategy)?;
            if asked.dry_run {
                record_dry_run(&mut done, &chosen);
                break;
            }
            // Also with nothing to remove, once: what belongs to no file goes, and the check is recorded.
            if chosen.is_empty() && round > 0 {
                break;
            }
            self.remove(&repos, &held, &chosen, &mut done)?;
            if chosen.is_empty() {
                break;
            }
        }
        if !asked.dry_run {
            done.after_bytes = repos.iter().map(|repo| self.held(repo).total).sum();
        }
        done.repos.retain(|repo| repo != &PrunedRepo { repo: repo.repo.clone(), ..PrunedRepo::default() });
        Ok(done)
    }

    /// Write-ahead logs go without a prune, so they count for nothing.
    fn checkpoint_wals(&mut self, repos: &[Registered]) -> Result<(), WorkerError> {
        for repo in repos {
            store::checkpoint(self.store(repo)?.db())?;
        }
        Ok(())
    }

    fn choose(
        &mut self,
        repos: &[Registered],
        held: &[StoreBytes],
        bytes: u64,
        limit: u64,
        strategy: Strategy,
    ) -> Result<Vec<PruneItem>, WorkerError> {
        if bytes == 0 {
            return Ok(Vec::new());
        }
        let needed = queue::live_keys(&self.queue)?;
        let mut items = Vec::new();
        for (number, repo) in repos.iter().enumerate() {
            items.extend(evict::inventory(self.store(repo)?, number, &needed)?);
        }
        let stores: Vec<u64> = held.iter().map(|held| held.total).collect();
        let need = Need { bytes, stores: &stores, quota: Need::quota(limit), strategy, now: clock::now() };
        Ok(select(items, &need))
    }

    /// One transaction in each store, after which its file is cut.
    fn remove(
        &mut self,
        repos: &[Registered],
        held: &[StoreBytes],
        chosen: &[PruneItem],
        done: &mut Pruned,
    ) -> Result<(), WorkerError> {
        for (number, repo) in repos.iter().enumerate() {
            let own: Vec<PruneItem> = chosen.iter().filter(|item| item.store == number).cloned().collect();
            if own.is_empty() && !chosen.is_empty() {
                continue;
            }
            let vectors = held[number].vectors;
            let store = self.store(repo)?;
            let removed = evict::remove(store, &own, done.strategy, vectors, clock::now())?;
            evict::reclaim(store.db())?;
            done.repos[number].add(&removed);
        }
        Ok(())
    }

    /// Finishes what earlier work left for idle time: vectors of files that are gone, replaced versions, empty pages.
    fn tidy(&mut self, repo: &Registered) -> Result<(), WorkerError> {
        match self.stray_vectors(repo) {
            Ok(strays) => {
                let tx = self.store(repo)?.write()?;
                for path in &strays {
                    view::put_dead_vectors(&tx, path)?;
                }
                tx.commit()?;
                self.sweep_vectors(repo)?;
            }
            Err(error) => tracing::warn!(repo = %repo.id, %error, "its vectors could not be read"),
        }
        self.remove_set_aside(repo)?;
        self.remove_resting_vectors(repo)?;
        Ok(evict::reclaim(self.store(repo)?.db())?)
    }

    /// Stores of repositories that are not registered any more.
    fn remove_orphans(&self) -> Result<(), WorkerError> {
        let used = registry::list(&self.queue)?;
        let used = used.iter().map(|repo| store_dir(&self.config, repo).path().to_owned()).collect();
        for path in orphans(&self.config.cache.location, &used) {
            let bytes = cache::disk_bytes(path.clone());
            match std::fs::remove_dir_all(&path) {
                Ok(()) => {
                    tracing::info!(path = %path.display(), bytes, "a store that belongs to no repository is removed")
                }
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "a store that belongs to no repository stays")
                }
            }
        }
        Ok(())
    }

    /// What was damaged goes once it is built again.
    fn remove_set_aside(&mut self, repo: &Registered) -> Result<(), WorkerError> {
        if cache::metadata(self.store(repo)?.db(), cache::VIEW_OF)?.is_none() {
            return Ok(());
        }
        match set_aside::remove(&store_dir(&self.config, repo)) {
            Ok(0) => {}
            Ok(bytes) => tracing::info!(repo = %repo.id, bytes, "what was set aside as damaged is removed"),
            Err(error) => tracing::warn!(repo = %repo.id, %error, "what was set aside as damaged stays"),
        }
        Ok(())
    }

    /// Files that have vectors but are not in the view.
    fn stray_vectors(&mut self, repo: &Registered) -> Result<Vec<FilePath>, VectorsError> {
        let dir = self.vectors_dir(repo);
        let Some(table) = self.runtime.block_on(Vectors::open(&dir))? else { return Ok(Vec::new()) };
        let rows = self.runtime.block_on(table.ids())?;
        let paths: BTreeSet<FilePath> = rows.iter().map(|(_, path)| FilePath::from_escaped(path)).collect();
        // What cannot be read of the view is no reason to take a file for gone.
        let Some(known) = self.store(repo).ok().and_then(|store| view::present_files(store.db()).ok()) else {
            return Ok(Vec::new());
        };
        let known: BTreeSet<FilePath> = known.into_iter().map(|file| file.path).collect();
        Ok(paths.difference(&known).cloned().collect())
    }

    /// The repositories whose stores are there and can be opened. A damaged one hinders no other.
    fn usable(&mut self) -> Result<Vec<Registered>, WorkerError> {
        let mut usable = Vec::new();
        for repo in registry::list(&self.queue)? {
            if !store_dir(&self.config, &repo).analysis_db().exists() {
                continue;
            }
            match self.store(&repo) {
                Ok(_) => usable.push(repo),
                Err(error) => tracing::warn!(repo = %repo.id, %error, "its store is left out of the prune"),
            }
        }
        Ok(usable)
    }

    fn disk_bytes(&self, repo: &Registered) -> u64 {
        crate::cache::disk_bytes(store_dir(&self.config, repo).path().to_owned())
    }

    fn held(&self, repo: &Registered) -> StoreBytes {
        let on_disk = self.disk_bytes(repo);
        let dir = self.vectors_dir(repo);
        let vectors = self.runtime.block_on(async {
            let Some(table) = Vectors::open(&dir).await? else { return Ok(None) };
            Ok::<_, VectorsError>(Some((table.disk_bytes(), table.current_bytes().await?)))
        });
        match vectors {
            Ok(Some((all, present))) => StoreBytes { total: on_disk - all.min(on_disk) + present, vectors: present },
            Ok(None) => StoreBytes { total: on_disk, vectors: 0 },
            Err(error) => {
                tracing::warn!(repo = %repo.id, %error, "its vectors are counted as they are on disk");
                StoreBytes { total: on_disk, vectors: crate::cache::disk_bytes(dir) }
            }
        }
    }
}

fn named(repo: &Registered) -> PrunedRepo {
    PrunedRepo { repo: repo.location.path.to_string_lossy().into_owned(), ..PrunedRepo::default() }
}

/// Counts what would go, without touching it.
fn record_dry_run(done: &mut Pruned, chosen: &[PruneItem]) {
    for item in chosen {
        let mut removed = Removed { bytes: item.bytes, ..Removed::default() };
        match item.identity {
            prune::Identity::Analysis { .. } => removed.analyses = 1,
            prune::Identity::Outline { .. } => removed.outlines = 1,
            prune::Identity::Vector { .. } => removed.vectors = 1,
        }
        removed.live = u64::from(item.live);
        done.repos[item.store].add(&removed);
        done.after_bytes = done.after_bytes.saturating_sub(item.bytes);
    }
}
