//! What the cache holds, what it saved and what it cost: the JSON of `cache status --json`.

use rusqlite::Connection;
use serde::Serialize;

use super::{QueryError, Reader};
use crate::budget::NANO;
use crate::cache::report::{self as sums, GroupBy, GroupSums, PruneRecord};
use crate::cache::{self, disk_bytes};
use crate::domain::RepoId;
use crate::repo::registry::Registered;
use crate::store::Result as StoreResult;

/// Analyses, counted together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Entries {
    pub entries: u64,
    /// Bytes of the results as JSON, ...
    pub raw_bytes: u64,
    /// ... and as they are stored.
    pub stored_bytes: u64,
    pub tokens: u64,
    pub cost_usd: f64,
    /// What the results that were found in place of new work would have cost again.
    pub saved_usd: f64,
}

impl Entries {
    /// How many times smaller the results are stored than written; `None` of nothing.
    pub fn compression_ratio(&self) -> Option<f64> {
        (self.stored_bytes > 0).then(|| self.raw_bytes as f64 / self.stored_bytes as f64)
    }

    fn add(&mut self, other: &Self) {
        self.entries += other.entries;
        self.raw_bytes += other.raw_bytes;
        self.stored_bytes += other.stored_bytes;
        self.tokens += other.tokens;
        self.cost_usd += other.cost_usd;
        self.saved_usd += other.saved_usd;
    }
}

/// The entries of one type or model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Part {
    pub name: String,
    #[serde(flatten)]
    pub entries: Entries,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RepoPart {
    pub repo: String,
    /// On disk, vectors included.
    pub bytes: u64,
    #[serde(flatten)]
    pub entries: Entries,
    /// Results that the present view refers to and that were removed for want of room, or cleared and not free to make again.
    pub evicted: u64,
    pub vectors: Vectors,
    pub last_prune: Option<LastPrune>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Vectors {
    /// On disk, replaced versions included.
    pub bytes: u64,
    /// Files that are embedded, and their chunks.
    pub files: u64,
    pub chunks: u64,
    /// Vectors of text that is in no file any more, kept for when it comes back.
    pub kept: u64,
    /// Chunks whose vectors were found, and those that the model had to embed.
    pub found: u64,
    pub made: u64,
}

impl Vectors {
    fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.files += other.files;
        self.chunks += other.chunks;
        self.kept += other.kept;
        self.found += other.found;
        self.made += other.made;
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LastPrune {
    pub pruned_at: String,
    pub entries_removed: u64,
    pub bytes_freed: u64,
    pub strategy: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CacheReport {
    /// On disk, vectors included.
    pub bytes: u64,
    pub max_bytes: u64,
    #[serde(flatten)]
    pub entries: Entries,
    pub compression_ratio: Option<f64>,
    /// Results that a change needed: those that were there, ...
    pub hits: u64,
    /// (of these, copied from another repository's store,)
    pub copied: u64,
    /// ... and those that had to be made.
    pub misses: u64,
    pub hit_rate: Option<f64>,
    pub evicted: u64,
    pub vectors: Vectors,
    pub by_type: Vec<Part>,
    pub by_model: Vec<Part>,
    pub by_repo: Vec<RepoPart>,
    /// The latest of all repositories.
    pub last_prune: Option<LastPrune>,
    /// Stores that cannot be read, each with the reason.
    pub errors: Vec<String>,
}

/// Gathers the report from the stores of some repositories.
pub fn report(reader: &Reader<'_>, repos: &[Registered]) -> CacheReport {
    let mut report = CacheReport { max_bytes: reader.config.cache.max_size_bytes(), ..CacheReport::default() };
    for repo in repos {
        // A store that cannot be read is told, and hides no other.
        if let Err(error) = add_repo(reader, repo, &mut report) {
            report.errors.push(format!("{}: {error}", repo.location.path.display()));
        }
    }
    report.compression_ratio = report.entries.compression_ratio();
    let asked = report.hits + report.misses;
    report.hit_rate = (asked > 0).then(|| report.hits as f64 / asked as f64);
    report.last_prune =
        report.by_repo.iter().filter_map(|repo| repo.last_prune.clone()).max_by(|a, b| a.pruned_at.cmp(&b.pruned_at));
    for parts in [&mut report.by_type, &mut report.by_model] {
        parts.sort_by(|a, b| a.name.cmp(&b.name));
    }
    report.by_repo.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.repo.cmp(&b.repo)));
    report
}

fn add_repo(reader: &Reader<'_>, repo: &Registered, report: &mut CacheReport) -> Result<(), QueryError> {
    let Some(store) = reader.store(repo)? else { return Ok(()) };
    let db = store.db();
    let (by_type, by_model) = (parts(db, &repo.id, GroupBy::AnalysisType)?, parts(db, &repo.id, GroupBy::Model)?);
    let counts = sums::row_counts(db)?;
    let mut entries = Entries::default();
    by_type.iter().for_each(|part| entries.add(&part.entries));
    let part = RepoPart {
        repo: repo.location.path.to_string_lossy().into_owned(),
        bytes: disk_bytes(store.dir.path().to_owned()),
        entries,
        evicted: counts.evicted,
        vectors: Vectors {
            bytes: disk_bytes(store.dir.vectors()),
            files: counts.embedded_files,
            chunks: counts.embedded_chunks,
            kept: counts.retired_vectors,
            found: counter(db, cache::VECTORS_FOUND)?,
            made: counter(db, cache::VECTORS_MADE)?,
        },
        last_prune: last_prune(db)?,
    };
    report.bytes += part.bytes;
    report.entries.add(&part.entries);
    report.evicted += part.evicted;
    report.vectors.add(&part.vectors);
    report.hits += counter(db, cache::HITS)?;
    report.copied += counter(db, cache::COPIED)?;
    report.misses += counter(db, cache::MISSES)?;
    merge(&mut report.by_type, by_type);
    merge(&mut report.by_model, by_model);
    report.by_repo.push(part);
    Ok(())
}

fn parts(db: &Connection, repo: &RepoId, by: GroupBy) -> StoreResult<Vec<Part>> {
    let part = |sums: GroupSums| {
        let entries = Entries {
            entries: sums.entries,
            raw_bytes: sums.raw_bytes,
            stored_bytes: sums.stored_bytes,
            tokens: sums.tokens,
            cost_usd: sums.cost as f64 / NANO,
            saved_usd: sums.saved as f64 / NANO,
        };
        Part { name: sums.name, entries }
    };
    Ok(sums::sums(db, repo, by)?.into_iter().map(part).collect())
}

fn merge(into: &mut Vec<Part>, parts: Vec<Part>) {
    for part in parts {
        match into.iter_mut().find(|known| known.name == part.name) {
            Some(known) => known.entries.add(&part.entries),
            None => into.push(part),
        }
    }
}

fn counter(db: &Connection, name: &str) -> StoreResult<u64> {
    Ok(cache::metadata(db, name)?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

fn last_prune(db: &Connection) -> StoreResult<Option<LastPrune>> {
    let shown = |prune: PruneRecord| LastPrune {
        pruned_at: prune.pruned_at.to_rfc3339(),
        entries_removed: prune.entries_removed,
        bytes_freed: prune.bytes_freed,
        strategy: prune.strategy,
    };
    Ok(sums::last_prune(db)?.map(shown))
}
