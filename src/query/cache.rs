//! What the cache holds, what it saved and what it cost.

use rusqlite::Connection;

use super::view::cache::{CachePart, CacheView, EntryTotals, LastPrune, RepoCache, VectorTotals};
use super::view::repos::NONE_REGISTERED;
use super::view::{shown, usd};
use super::{QueryError, Reader};
use crate::cache::report::{self as sums, GroupBy, GroupSums, PruneRecord};
use crate::cache::{self, disk_bytes};
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
    let (by_type, by_model) = (parts(db, &repo.id, GroupBy::AnalysisType)?, parts(db, &repo.id, GroupBy::Model)?);
    let counts = sums::row_counts(db)?;
    let mut entries = EntryTotals::default();
    by_type.iter().for_each(|part| entries.add(&part.entries));
    let part = RepoCache {
        repo: shown(&repo.location.path),
        bytes: disk_bytes(store.dir.path().to_owned()),
        entries,
        evicted: counts.evicted,
        vectors: VectorTotals {
            bytes: store.dir.all_vectors().into_iter().map(disk_bytes).sum(),
            files: counts.embedded_files,
            chunks: counts.embedded_chunks,
            kept: counts.retired_vectors,
            found: counter(db, cache::VECTORS_FOUND)?,
            made: counter(db, cache::VECTORS_MADE)?,
        },
        last_prune: last_prune(db)?,
    };
    report.bytes += part.bytes;
    add_contents(report, db, &part)?;
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

/// What is neither a page of the database nor a vector is the log.
fn add_contents(report: &mut CacheView, db: &Connection, part: &RepoCache) -> StoreResult<()> {
    let mut log = part.bytes.saturating_sub(part.vectors.bytes);
    let mut add = |name: &str, bytes| *report.by_content.entry(name.to_owned()).or_default() += bytes;
    for (content, bytes) in sums::bytes_by_content(db)? {
        add(content.as_str(), bytes);
        log = log.saturating_sub(bytes);
    }
    add("vectors", part.vectors.bytes);
    add("log", log);
    Ok(())
}

fn parts(db: &Connection, repo: &RepoId, by: GroupBy) -> StoreResult<Vec<CachePart>> {
    let part = |sums: GroupSums| {
        let entries = EntryTotals {
            entries: sums.entries,
            raw_bytes: sums.raw_bytes,
            stored_bytes: sums.stored_bytes,
            tokens: sums.tokens,
            cost_usd: usd(sums.cost),
            saved_usd: usd(sums.saved),
        };
        CachePart { name: sums.name, entries }
    };
    Ok(sums::sums(db, repo, by)?.into_iter().map(part).collect())
}

fn merge(into: &mut Vec<CachePart>, parts: Vec<CachePart>) {
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
