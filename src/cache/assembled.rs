//! Answers that are put together when they are read: a row of `file_analysis` without a report, the answers that it is made of
//! (`answer_sources`), and which item takes its part from which (`answer_items`).

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::analyses::{self, Bill, NewAnalysis, StoredAnalysis};
use crate::analyzer::Analysis;
use crate::analyzer::items::ItemMap;
use crate::clock::Timestamp;
use crate::domain::{FilePath, Hash, JobKind};
use crate::store::{Result, StoreError};

/// What stands before the type of an answer that is about some items of a file: it is shown only as a part of others.
pub(super) const PIECE: &str = "piece:";

/// zstd level of maps: few bytes, written once.
const LEVEL: i32 = 3;

/// What stands in the place of a report.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AssembledRow {
    put_together_from: Vec<String>,
}

/// The text of a row that is put together.
///
/// # Errors
/// None that can occur: names can be written.
pub fn row_text(map: &ItemMap) -> Result<String> {
    serde_json::to_string(&AssembledRow { put_together_from: map.sources.clone() }).map_err(unreadable)
}

/// Notes which answers the items of an answered file take theirs from.
///
/// # Errors
/// If the database cannot be written.
pub fn put_map(db: &Connection, key: &Hash, map: &ItemMap) -> Result<()> {
    let json = serde_json::to_vec(map).map_err(unreadable)?;
    let packed = zstd::bulk::compress(&json, LEVEL).map_err(unreadable)?;
    db.prepare_cached("INSERT OR REPLACE INTO answer_items VALUES (?1, ?2)")?
        .execute(params![key.as_bytes(), packed])?;
    Ok(())
}

/// Stores an answer that is put together, with its map and its sources. One of these may have been removed while the question was open, which
/// is a day in a batch: what it said is left out.
///
/// # Errors
/// If the database cannot be written.
pub fn put(
    db: &Connection,
    new: &NewAnalysis<'_>,
    map: &ItemMap,
    store: impl FnOnce(&Connection, &NewAnalysis<'_>) -> Result<()>,
) -> Result<()> {
    let mut stored = HashSet::new();
    for source in map.source_keys() {
        if analyses::contains(db, &source)? {
            stored.insert(source.to_string());
        }
    }
    let map = &map.clone().without(|source| !stored.contains(source));
    let (text, key) = (row_text(map)?, new.key.hash());
    let bill = Bill { answer_cost: new.bill.answer_cost, ..Bill::default() };
    store(db, &NewAnalysis { json: &text, packed: None, bill, is_piece: false, ..*new })?;
    db.prepare_cached("DELETE FROM answer_sources WHERE cache_key = ?1")?.execute([key.as_bytes()])?;
    for source in map.source_keys() {
        db.prepare_cached("INSERT OR IGNORE INTO answer_sources VALUES (?1, ?2)")?
            .execute([key.as_bytes(), source.as_bytes()])?;
    }
    put_map(db, &key, map)
}

/// The map of the newest answer to a question about a path, which is what the next one follows.
///
/// # Errors
/// If the database cannot be read.
pub fn newest_map(db: &Connection, path: &FilePath, kind: JobKind) -> Result<Option<ItemMap>> {
    match analyses::newest_key(db, path, kind)? {
        Some(key) => map(db, &key),
        None => Ok(None),
    }
}

pub(super) fn map(db: &Connection, key: &Hash) -> Result<Option<ItemMap>> {
    // A store of an earlier version, out of which results are saved, has no such table.
    let Ok(mut statement) = db.prepare_cached("SELECT items FROM answer_items WHERE cache_key = ?1") else {
        return Ok(None);
    };
    let packed: Option<Vec<u8>> = statement.query_row([key.as_bytes()], |row| row.get(0)).optional()?;
    let read = |packed: Vec<u8>| {
        let json = zstd::decode_all(&packed[..]).map_err(unreadable)?;
        serde_json::from_slice(&json).map_err(unreadable)
    };
    packed.map(read).transpose()
}

/// Keys of the answers that one is put together from; none: it has a report of its own.
///
/// # Errors
/// If the database cannot be read.
pub(super) fn sources(db: &Connection, key: &Hash) -> Result<Vec<Hash>> {
    let Ok(mut statement) = db.prepare_cached("SELECT source_key FROM answer_sources WHERE cache_key = ?1") else {
        return Ok(Vec::new());
    };
    let keys = statement.query_map([key.as_bytes()], |row| analyses::hash(row, 0))?;
    Ok(keys.collect::<rusqlite::Result<_>>()?)
}

/// Copies what belongs to an answer besides its row. Its sources are copied before it.
///
/// # Errors
/// If the other database cannot be read, or this one not be written.
pub(super) fn copy_map(from: &Connection, to: &Connection, key: &Hash) -> Result<()> {
    for source in sources(from, key)? {
        to.prepare_cached("INSERT OR IGNORE INTO answer_sources VALUES (?1, ?2)")?
            .execute([key.as_bytes(), source.as_bytes()])?;
    }
    if let Some(map) = map(from, key)? {
        put_map(to, key, &map)?;
    }
    Ok(())
}

/// The answer that a row stands for: itself, or what is put together in its place.
pub(super) fn whole(db: &Connection, row: StoredAnalysis) -> Result<StoredAnalysis> {
    if serde_json::from_str::<AssembledRow>(&row.json).is_err() {
        return Ok(row);
    }
    let map = map(db, &row.key)?.ok_or_else(|| unreadable("it does not say what it is put together from"))?;
    let (mut sources, mut bill) = (Vec::new(), Bill::default());
    for key in map.source_keys() {
        let source = analyses::row(db, &key)?.ok_or_else(|| unreadable("a part of it is gone"))?;
        bill = bill.plus(&source.bill);
        sources.push(Analysis::from_json(source.analysis_type, &source.json).map_err(unreadable)?);
    }
    let whole = map.put_together(&sources).ok_or_else(|| unreadable("its parts do not go together"))?;
    let bill = Bill { answer_cost: row.bill.answer_cost, ..bill };
    Ok(StoredAnalysis { json: whole.to_json().map_err(unreadable)?, bill, ..row })
}

/// Marks the answers of the view that go with a source as removed for want of room.
///
/// # Errors
/// If the database cannot be written.
pub(super) fn mark_evicted(db: &Connection, source: &Hash, now: Timestamp) -> Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO evicted SELECT DISTINCT cache_key, ?2 FROM answer_sources
         WHERE source_key = ?1 AND cache_key IN (SELECT cache_key FROM current_keys)",
    )?
    .execute(params![source.as_bytes(), now.0])?;
    Ok(())
}

fn unreadable(detail: impl ToString) -> StoreError {
    StoreError::Unreadable { what: "analysis", detail: detail.to_string() }
}

#[cfg(test)]
#[path = "assembled_tests.rs"]
mod tests;
