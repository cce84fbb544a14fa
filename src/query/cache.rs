//! What the cache holds, what it saved and what it cost.

use rusqlite::{Connection, OptionalExtension};

use super::view::cache::{CachePart, CacheView, EntryTotals, LastPrune, RepoCache, VectorTotals};
use super::view::repos::NONE_REGISTERED;
use super::view::{shown, usd};
use super::{QueryError, Reader};
use crate::cache::{self, disk_bytes};
use crate::clock::Timestamp;
use crate::domain::RepoId;
use crate::repo::registry::Registered;
use crate::store::Result as StoreResult;

/// Gathers the report from the stores of some repositories.
pub fn report(reader: &Reader<'_>, repos: &[Registered]) -> CacheView {
    let mut report = CacheView { max_bytes: reader.config.cache.max_size_bytes(), ..CacheView::default() };
    for repo in repos {
        // A store that cannot be read is reported, and hides no other.
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
    if report.by_repo.is_empty() && report.errors.is_empty() {
        let why = if repos.is_empty() {
            NONE_REGISTERED
        } else {
            "nothing is indexed yet; `ra-agent wait` waits until it is"
        };
        report.why_empty = Some(why.to_owned());
    }
    report.by_repo.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.repo.cmp(&b.repo)));
    report
}

fn add_repo(reader: &Reader<'_>, repo: &Registered, report: &mut CacheView) -> Result<(), QueryError> {
    let Some(store) = reader.store(repo)? else { return Ok(()) };
    let db = store.db();
    let (by_type, by_model) = (parts(db, &repo.id, "analysis_type")?, parts(db, &repo.id, "model_id")?);
    let mut entries = EntryTotals::default();
    by_type.iter().for_each(|part| entries.add(&part.entries));
    let part = RepoCache {
        repo: shown(&repo.location.path),
        bytes: disk_bytes(store.dir.path().to_owned()),
        entries,
        evicted: number(db, "SELECT count(*) FROM evicted WHERE cache_key IN (SELECT cache_key FROM current_keys)")?,
        vectors: VectorTotals {
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
fn parts(db: &Connection, repo: &RepoId, column: &'static str) -> StoreResult<Vec<CachePart>> {
    let mut statement = db.prepare(&format!(
        "SELECT {column}, count(*), sum(size_bytes), sum(length(analysis_json)), sum(iif(repo_id = ?1, total_tokens, 0)),
                sum(iif(repo_id = ?1, cost, 0)), sum(cost * max(access_count - (repo_id = ?1), 0))
         FROM file_analysis GROUP BY {column}"
    ))?;
    let found = statement.query_map([&repo.0], |row| {
        let entries = EntryTotals {
            entries: row.get(1)?,
            raw_bytes: row.get(2)?,
            stored_bytes: row.get(3)?,
            tokens: row.get(4)?,
            cost_usd: usd(row.get(5)?),
            saved_usd: usd(row.get(6)?),
        };
        Ok(CachePart { name: row.get(0)?, entries })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn merge(into: &mut Vec<CachePart>, parts: Vec<CachePart>) {
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
