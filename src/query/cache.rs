//! What the cache holds, what it saved and what it cost: the JSON of `cache status --json`.

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::status::NANO;
use super::{QueryError, Reader};
use crate::cache::{self, disk_bytes};
use crate::clock::Timestamp;
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
    let (by_type, by_model) = (parts(db, &repo.id, "analysis_type")?, parts(db, &repo.id, "model_id")?);
    let mut entries = Entries::default();
    by_type.iter().for_each(|part| entries.add(&part.entries));
    let part = RepoPart {
        repo: repo.location.path.to_string_lossy().into_owned(),
        bytes: disk_bytes(store.dir.path().to_owned()),
        entries,
        evicted: number(db, "SELECT count(*) FROM evicted WHERE cache_key IN (SELECT cache_key FROM current_keys)")?,
        vectors: Vectors {
            bytes: disk_bytes(store.dir.vectors()),
            files: number(db, "SELECT count(*) FROM embedded_files")?,
            chunks: number(
                db,
                "SELECT count(*) FROM chunks WHERE file_path IN (SELECT file_path FROM embedded_files)",
            )?,
            kept: number(db, "SELECT count(*) FROM retired_vectors")?,
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

/// The entries of each value of a column.
/// Those of another repository's store were paid for there: here they saved their cost from the first access on.
fn parts(db: &Connection, repo: &RepoId, column: &'static str) -> StoreResult<Vec<Part>> {
    let mut statement = db.prepare(&format!(
        "SELECT {column}, count(*), sum(size_bytes), sum(length(analysis_json)), sum(iif(repo_id = ?1, total_tokens, 0)),
                sum(iif(repo_id = ?1, cost, 0)), sum(cost * max(access_count - (repo_id = ?1), 0))
         FROM file_analysis GROUP BY {column}"
    ))?;
    let dollars = |nano: f64| nano / NANO;
    let found = statement.query_map([&repo.0], |row| {
        let entries = Entries {
            entries: row.get(1)?,
            raw_bytes: row.get(2)?,
            stored_bytes: row.get(3)?,
            tokens: row.get(4)?,
            cost_usd: dollars(row.get::<_, i64>(5)? as f64),
            saved_usd: dollars(row.get::<_, i64>(6)? as f64),
        };
        Ok(Part { name: row.get(0)?, entries })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn merge(into: &mut Vec<Part>, parts: Vec<Part>) {
    for part in parts {
        match into.iter_mut().find(|known| known.name == part.name) {
            Some(known) => known.entries.add(&part.entries),
            None => into.push(part),
        }
    }
}

fn number(db: &Connection, sql: &str) -> StoreResult<u64> {
    Ok(db.query_row(sql, [], |row| row.get(0))?)
}

fn counter(db: &Connection, name: &str) -> StoreResult<u64> {
    Ok(cache::metadata(db, name)?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

fn last_prune(db: &Connection) -> StoreResult<Option<LastPrune>> {
    let sql = "SELECT pruned_at, entries_removed, bytes_freed, pruning_strategy FROM pruning_stats
               ORDER BY pruned_at DESC, rowid DESC LIMIT 1";
    let found = db.query_row(sql, [], |row| {
        Ok(LastPrune {
            pruned_at: Timestamp(row.get(0)?).to_rfc3339(),
            entries_removed: row.get(1)?,
            bytes_freed: row.get(2)?,
            strategy: row.get(3)?,
        })
    });
    Ok(found.optional()?)
}
