//! Sums over a store, for `cache status`.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use crate::clock::Timestamp;
use crate::domain::RepoId;
use crate::store::Result;

/// What entries are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    AnalysisType,
    Model,
}

/// The entries of one group. Those of another repository's store were paid for there: here they save their cost from the first
/// access on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSums {
    pub name: String,
    pub entries: u64,
    pub raw_bytes: u64,
    pub stored_bytes: u64,
    pub tokens: u64,
    /// Nano-dollars, like `saved`.
    pub cost: u64,
    pub saved: u64,
}

/// Sums of one repository's entries by group.
///
/// # Errors
/// If the database cannot be read.
pub fn sums(db: &Connection, repo: &RepoId, by: GroupBy) -> Result<Vec<GroupSums>> {
    let column = match by {
        GroupBy::AnalysisType => "replace(analysis_type, 'piece:', '')",
        GroupBy::Model => "model_id",
    };
    let mut statement = db.prepare(&format!(
        "SELECT {column}, count(*), sum(size_bytes), sum(length(analysis_json)), sum(iif(repo_id = ?1, total_tokens, 0)),
                sum(iif(repo_id = ?1, cost, 0)), sum(cost * max(access_count - (repo_id = ?1), 0))
         FROM file_analysis GROUP BY 1"
    ))?;
    let found = statement.query_map([&repo.0], |row| {
        Ok(GroupSums {
            name: row.get(0)?,
            entries: row.get(1)?,
            raw_bytes: row.get(2)?,
            stored_bytes: row.get(3)?,
            tokens: row.get(4)?,
            cost: row.get(5)?,
            saved: row.get(6)?,
        })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// How many rows of a kind there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowCounts {
    /// Evicted results that the view refers to.
    pub evicted: u64,
    pub embedded_files: u64,
    pub embedded_chunks: u64,
    pub retired_vectors: u64,
}

/// # Errors
/// If the database cannot be read.
pub fn row_counts(db: &Connection) -> Result<RowCounts> {
    let number = |sql| db.query_row(sql, [], |row| row.get(0));
    Ok(RowCounts {
        evicted: number("SELECT count(*) FROM evicted WHERE cache_key IN (SELECT cache_key FROM current_keys)")?,
        embedded_files: number("SELECT count(*) FROM embedded_files")?,
        embedded_chunks: number(
            "SELECT count(*) FROM chunks WHERE path_no IN (SELECT path_no FROM paths JOIN embedded_files USING (file_path))",
        )?,
        retired_vectors: number("SELECT count(*) FROM retired_vectors")?,
    })
}

/// A prune that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PruneRecord {
    pub pruned_at: Timestamp,
    pub entries_removed: u64,
    pub bytes_freed: u64,
    pub strategy: String,
}

/// The latest prune; `None`: there was none.
///
/// # Errors
/// If the database cannot be read.
pub fn last_prune(db: &Connection) -> Result<Option<PruneRecord>> {
    let sql = "SELECT pruned_at, entries_removed, bytes_freed, pruning_strategy FROM pruning_stats
               ORDER BY pruned_at DESC, rowid DESC LIMIT 1";
    let found = db.query_row(sql, [], |row| {
        Ok(PruneRecord {
            pruned_at: Timestamp(row.get(0)?),
            entries_removed: row.get(1)?,
            bytes_freed: row.get(2)?,
            strategy: row.get(3)?,
        })
    });
    Ok(found.optional()?)
}

/// What a database keeps, and how many bytes of it that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreContent {
    Words,
    Outlines,
    Analyses,
    Dependencies,
    Files,
    /// Room of what was removed, which is used again.
    Free,
}

impl StoreContent {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Outlines => "outlines",
            Self::Analyses => "analyses",
            Self::Dependencies => "dependencies",
            Self::Files => "files",
            Self::Free => "free",
        }
    }

    fn of(table: &str) -> Self {
        match table {
            "outlines" => Self::Outlines,
            _ if table.contains("chunk") => Self::Words,
            _ if table.contains("analysis") || table == "dictionaries" || table == "evicted" => Self::Analyses,
            _ if ["edge_", "used_symbols", "sqlite_autoindex_used_symbols", "implementations"]
                .iter()
                .any(|name| table.starts_with(name)) =>
            {
                Self::Dependencies
            }
            _ => Self::Files,
        }
    }
}

/// Bytes of a database by what they are of. It reads all of it.
///
/// # Errors
/// If the database cannot be read.
pub fn bytes_by_content(db: &Connection) -> Result<BTreeMap<StoreContent, u64>> {
    let mut sums = BTreeMap::new();
    let mut statement = db.prepare("SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, bytes): (String, u64) = (row.get(0)?, row.get(1)?);
        *sums.entry(StoreContent::of(&table)).or_default() += bytes;
    }
    let free: u64 = db.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    let page: u64 = db.pragma_query_value(None, "page_size", |row| row.get(0))?;
    sums.insert(StoreContent::Free, free * page);
    Ok(sums)
}
