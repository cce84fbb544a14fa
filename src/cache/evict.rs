//! Removing what [`super::prune`] chose from one repository's store: in one transaction, after which the file is cut to what is left.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::analyses::hash;
use super::prune::{Identity, PruneItem, Strategy};
use super::{RepoStore, assembled, dictionary, evicted, paths};
use crate::clock::Timestamp;
use crate::domain::{Hash, Language};
use crate::outline::OUTLINE_VERSION;
use crate::store::{self, Result};

/// Bytes of a page, SQLite's default since 3.12.
const PAGE: u64 = 4_096;
/// Most bytes of one row that stay in a leaf of a table (SQLite's file format, section 1.6: U - 35).
const TABLE_LEAF: u64 = PAGE - 35;
/// What an analysis has besides its JSON: six hashes, two paths, names and numbers; and its two index entries.
const ANALYSIS_COLUMNS: u64 = 310;
const ANALYSIS_INDEX_ENTRIES: u64 = 160;
/// The same of a kept vector.
const VECTOR_COLUMNS: u64 = 70;
const VECTOR_INDEX_ENTRY: u64 = 100;
/// What an outline's row has besides the outline.
const OUTLINE_COLUMNS: u64 = 60;
const OUTLINE_INDEX_ENTRY: u64 = 65;

/// What a row takes that is added at a table's end: its part of a page that holds no more of its size.
const fn appended(bytes: u64) -> u64 {
    if bytes > TABLE_LEAF { bytes.div_ceil(PAGE) * PAGE } else { PAGE / (TABLE_LEAF / bytes) }
}

/// What reading and parsing one file again takes: for the order among what is free to make, no more.
const OUTLINE_MILLIS: u64 = 1;
/// What embedding one chunk again takes, likewise.
const VECTOR_MILLIS: u64 = 100;

/// What was removed from one store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub analyses: u64,
    /// Of these, the ones that the view refers to.
    pub live: u64,
    pub outlines: u64,
    pub vectors: u64,
    /// Bytes by which the file can be cut.
    pub bytes: u64,
}

impl Removed {
    pub const fn items(&self) -> u64 {
        self.analyses + self.outlines + self.vectors
    }
}

/// Everything in a store that could be removed, but for what jobs (by their keys) need.
///
/// # Errors
/// If the database cannot be read.
pub fn inventory(store: &RepoStore, number: usize, needed: &HashSet<Hash>) -> Result<Vec<PruneItem>> {
    let db = store.db();
    let mut items = analyses(db, number, needed)?;
    items.extend(outlines(db, number)?);
    items.extend(vectors(db, number)?);
    Ok(items)
}

fn analyses(db: &Connection, store: usize, needed: &HashSet<Hash>) -> Result<Vec<PruneItem>> {
    let mut statement = db.prepare(
        "SELECT a.analysis_id, a.cache_key, length(a.analysis_json),
                a.cost + (SELECT coalesce(sum(p.cost), 0) FROM answer_sources s JOIN file_analysis p ON p.cache_key = s.source_key
                          WHERE s.cache_key = a.cache_key),
                a.generation_time_ms, a.access_count, a.last_accessed,
                EXISTS (SELECT 1 FROM current_keys k WHERE k.cache_key = a.cache_key)
                    OR EXISTS (SELECT 1 FROM answer_sources s JOIN current_keys k USING (cache_key) WHERE s.source_key = a.cache_key)
         FROM file_analysis a",
    )?;
    let mut rows = statement.query([])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        let key = hash(row, 1)?;
        if needed.contains(&key) {
            continue;
        }
        items.push(PruneItem {
            store,
            identity: Identity::Analysis { id: row.get(0)?, key },
            live: row.get(7)?,
            nano_dollars: row.get::<_, i64>(3)?.max(0).unsigned_abs(),
            millis: row.get::<_, i64>(4)?.max(0).unsigned_abs(),
            access_count: row.get::<_, i64>(5)?.max(0).unsigned_abs(),
            last_accessed: Timestamp(row.get(6)?),
            bytes: appended(row.get::<_, u64>(2)? + ANALYSIS_COLUMNS) + ANALYSIS_INDEX_ENTRIES,
        });
    }
    Ok(items)
}

/// Outlines of contents that no indexed file has. When they were last of use is not recorded.
fn outlines(db: &Connection, store: usize) -> Result<Vec<PruneItem>> {
    let mut statement = db.prepare(
        "SELECT content_hash, language, length(outline) FROM outlines
         WHERE content_hash NOT IN (SELECT content_hash FROM files WHERE content_hash IS NOT NULL
                                    UNION SELECT content_hash FROM overlay_files WHERE content_hash IS NOT NULL)",
    )?;
    let mut rows = statement.query([])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(language) = Language::parse(&row.get::<_, String>(1)?) else { continue };
        items.push(PruneItem {
            store,
            identity: Identity::Outline { content: hash(row, 0)?, language },
            live: false,
            nano_dollars: 0,
            millis: OUTLINE_MILLIS,
            access_count: 1,
            last_accessed: Timestamp(0),
            bytes: appended(row.get::<_, u64>(2)? + OUTLINE_COLUMNS) + OUTLINE_INDEX_ENTRY,
        });
    }
    Ok(items)
}

/// Vectors that are kept for chunks that may come back, but for those that have and whose file is still to be embedded: its job is
/// about to need them.
fn vectors(db: &Connection, store: usize) -> Result<Vec<PruneItem>> {
    let mut statement = db.prepare(
        "SELECT vector_id, retired_at, length(vector) FROM retired_vectors WHERE chunk_hash NOT IN
             (SELECT c.chunk_hash FROM chunks c JOIN paths p USING (path_no) WHERE NOT EXISTS
                 (SELECT 1 FROM embedded_files e JOIN current_keys k USING (file_path)
                  WHERE e.file_path = p.file_path AND k.kind = 'embed' AND k.cache_key = e.embed_key))",
    )?;
    let mut rows = statement.query([])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(PruneItem {
            store,
            identity: Identity::Vector { id: row.get(0)? },
            live: false,
            nano_dollars: 0,
            millis: VECTOR_MILLIS,
            access_count: 1,
            last_accessed: Timestamp(row.get(1)?),
            bytes: appended(row.get::<_, u64>(2)? + VECTOR_COLUMNS) + VECTOR_INDEX_ENTRY,
        });
    }
    Ok(items)
}

/// Removes items of one store, and with them every row that belongs to no file of the view; marks live analyses as evicted; records
/// what was done. All of it in one transaction: a crash leaves the store as it was. The file is cut by [`reclaim`].
///
/// # Errors
/// If the database cannot be written.
pub fn remove(
    store: &mut RepoStore,
    items: &[PruneItem],
    strategy: Strategy,
    vector_bytes: u64,
    now: Timestamp,
) -> Result<Removed> {
    let tx = store.write()?;
    let free_before = free_bytes(&tx)?;
    let mut removed = Removed::default();
    for item in items {
        remove_one(&tx, item, &mut removed, now)?;
    }
    remove_orphans(&tx)?;
    evicted::forget_unreferenced(&tx)?;
    dictionary::drop_unused(&tx)?;
    removed.bytes = free_bytes(&tx)?.saturating_sub(free_before);
    record(&tx, &removed, strategy, vector_bytes, now)?;
    tx.commit()?;
    Ok(removed)
}

fn remove_one(db: &Connection, item: &PruneItem, removed: &mut Removed, now: Timestamp) -> Result<()> {
    match &item.identity {
        Identity::Analysis { id, key } => {
            if item.live {
                assembled::mark_evicted(db, key, now)?;
                evicted::mark(db, key, now)?;
                removed.live += 1;
            }
            // What is put together from it goes with it, by a trigger.
            db.prepare_cached("DELETE FROM file_analysis WHERE analysis_id = ?1")?.execute([id])?;
            removed.analyses += 1;
        }
        Identity::Outline { content, language } => {
            db.prepare_cached("DELETE FROM outlines WHERE content_hash = ?1 AND language = ?2")?
                .execute(params![content.as_bytes(), language.as_str()])?;
            removed.outlines += 1;
        }
        Identity::Vector { id } => {
            db.prepare_cached("DELETE FROM retired_vectors WHERE vector_id = ?1")?.execute([id])?;
            removed.vectors += 1;
        }
    }
    Ok(())
}

/// Rows that can be of no use: of files that are not in the view, and outlines of another version of this program that no file has.
fn remove_orphans(db: &Connection) -> Result<()> {
    db.execute_batch(
        "DELETE FROM chunk_text WHERE rowid IN
             (SELECT chunk_no FROM chunks WHERE path_no NOT IN
                 (SELECT path_no FROM paths JOIN present_files USING (file_path)));
         DELETE FROM chunks WHERE path_no NOT IN (SELECT path_no FROM paths JOIN present_files USING (file_path));
         DELETE FROM current_keys WHERE file_path NOT IN (SELECT file_path FROM present_files);
         DELETE FROM embedded_files WHERE file_path NOT IN (SELECT file_path FROM present_files);",
    )?;
    db.execute(
        "DELETE FROM outlines WHERE version % 1000 <> ?1
           AND content_hash NOT IN (SELECT content_hash FROM files WHERE content_hash IS NOT NULL
                                    UNION SELECT content_hash FROM overlay_files WHERE content_hash IS NOT NULL)",
        [OUTLINE_VERSION],
    )?;
    paths::remove_unused(db)
}

fn record(db: &Connection, removed: &Removed, strategy: Strategy, vector_bytes: u64, now: Timestamp) -> Result<()> {
    let entries: i64 = db.query_row("SELECT count(*) FROM file_analysis", [], |row| row.get(0))?;
    let pages = number(db, "page_count")? * number(db, "page_size")? - free_bytes(db)?;
    db.execute(
        "INSERT INTO pruning_stats VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            now.0,
            removed.items() as i64,
            removed.bytes as i64,
            strategy.as_str(),
            entries,
            (pages + vector_bytes) as i64
        ],
    )?;
    Ok(())
}

/// Bytes of pages that hold nothing.
fn free_bytes(db: &Connection) -> Result<u64> {
    Ok(number(db, "freelist_count")? * number(db, "page_size")?)
}

fn number(db: &Connection, pragma: &str) -> Result<u64> {
    Ok(db.pragma_query_value(None, pragma, |row| row.get(0))?)
}

/// Gives empty pages back to the file system, those of an earlier prune that was cut short included.
///
/// # Errors
/// If the database cannot be written.
pub fn reclaim(db: &Connection) -> Result<()> {
    let mut vacuum = db.prepare("PRAGMA incremental_vacuum")?;
    // Each step frees one page.
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    drop(rows);
    store::checkpoint(db)
}

#[cfg(test)]
#[path = "evict_tests.rs"]
mod tests;
