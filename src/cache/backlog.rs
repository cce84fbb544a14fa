//! Keys of the view without a result, or with one that is too old.

use rusqlite::{Connection, Row};

use super::analyses::hash;
use super::view;
use crate::clock::Timestamp;
use crate::domain::{AnalysisType, FilePath, FileRecord, Hash, JobKind, StaleReason};
use crate::store::{Result, StoreError};

/// One result that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub kind: JobKind,
    pub key: Hash,
    pub file: FileRecord,
    pub reason: StaleReason,
}

/// Analyses of these types that the view asks for and that are not there.
///
/// # Errors
/// If the database cannot be read.
pub fn missing(db: &Connection, types: &[AnalysisType]) -> Result<Vec<Due>> {
    let rows = keys(
        db,
        "SELECT k.file_path, k.kind, k.cache_key FROM current_keys k LEFT JOIN file_analysis a USING (cache_key)
         WHERE k.kind <> 'embed' AND a.cache_key IS NULL",
        [],
    )?;
    with_files(db, rows, types, &StaleReason::Missing)
}

/// Analyses of these types in use that were made before a time.
///
/// # Errors
/// If the database cannot be read.
pub fn older(db: &Connection, types: &[AnalysisType], before: Timestamp) -> Result<Vec<Due>> {
    let rows = keys(
        db,
        "SELECT k.file_path, k.kind, k.cache_key FROM current_keys k JOIN file_analysis a USING (cache_key)
         WHERE a.created_at < ?1",
        [before.0],
    )?;
    with_files(db, rows, types, &StaleReason::Expired)
}

type Keyed = (FilePath, String, Hash);

fn keys(db: &Connection, sql: &str, bound: impl rusqlite::Params) -> Result<Vec<Keyed>> {
    let keyed = |row: &Row<'_>| Ok((FilePath::new(row.get::<_, Vec<u8>>(0)?), row.get(1)?, hash(row, 2)?));
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map(bound, keyed)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn with_files(db: &Connection, rows: Vec<Keyed>, types: &[AnalysisType], reason: &StaleReason) -> Result<Vec<Due>> {
    let mut due = Vec::new();
    for (path, kind, key) in rows {
        let unreadable = || StoreError::Unreadable { what: "kind of result", detail: kind.clone() };
        let kind = JobKind::parse(&kind).ok_or_else(unreadable)?;
        if !kind.analysis_type().is_some_and(|analysis_type| types.contains(&analysis_type)) {
            continue;
        }
        let file = match kind {
            // A model is asked about what is committed.
            JobKind::Ask(_) => view::file(db, &path)?,
            JobKind::Analyze(_) | JobKind::Embed => view::present(db, &path)?,
        };
        if let Some(file) = file {
            due.push(Due { kind, key, file, reason: reason.clone() });
        }
    }
    Ok(due)
}
