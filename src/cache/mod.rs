//! A repository's store (analysis.db): the view, what the files say to each other, the analyses by key, the lexical index.

pub mod analyses;
pub mod assembled;
pub mod backlog;
pub mod chunks;
pub mod clear;
pub mod dictionary;
pub mod edges;
pub mod evict;
pub mod evicted;
pub mod exchange;
pub mod exchange_vectors;
pub mod implementations;
pub mod key;
pub mod legacy;
pub mod orphans;
pub mod outlines;
pub mod overlay;
pub mod packed;
pub mod paths;
pub mod provisional;
pub mod prune;
pub mod recorded;
pub mod report;
pub mod retired;
pub mod set_aside;
pub mod share;
pub mod unreadable;
pub mod vector_sets;
pub mod view;
pub mod words;
pub mod written;

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::config::Config;
use crate::domain::RepoId;
use crate::home::StoreDir;
use crate::repo::registry::Registered;
use crate::store::{self, Database, Result};

/// Where a repository's store is.
pub fn store_dir(config: &Config, repo: &Registered) -> StoreDir {
    match config.for_repo(&repo.location.path).store {
        Some(dir) => StoreDir::local(dir),
        None => StoreDir::centralized(&config.cache.location, &repo.id),
    }
}

/// One repository's analysis.db, open for writing or for reading.
pub struct RepoStore {
    pub repo: RepoId,
    pub dir: StoreDir,
    db: Connection,
}

impl RepoStore {
    /// Opens the store for writing and creates it if need be.
    ///
    /// # Errors
    /// If its directory or database cannot be created or opened.
    pub fn open(repo: &RepoId, dir: StoreDir) -> Result<Self> {
        std::fs::create_dir_all(dir.path())
            .map_err(|source| store::StoreError::Directory { path: dir.path().to_owned(), source })?;
        let db = store::open_writer(&dir.analysis_db(), Database::Analysis)?;
        Ok(Self { repo: repo.clone(), dir, db })
    }

    /// Opens the store for reading; `None` before the first reconcile.
    ///
    /// # Errors
    /// If its database is there and cannot be opened.
    pub fn open_reader(repo: &RepoId, dir: StoreDir) -> Result<Option<Self>> {
        let db = store::open_reader(&dir.analysis_db(), Database::Analysis)?;
        Ok(db.map(|db| Self { repo: repo.clone(), dir, db }))
    }

    /// Begins to read the store's present state. One transaction spares each of hundreds of statements the locking.
    ///
    /// # Errors
    /// If its first page can no longer be read.
    pub fn begin_reading(&self) -> Result<()> {
        self.db.execute_batch("BEGIN")?;
        self.db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        Ok(())
    }

    /// Ends what [`RepoStore::begin_reading`] began.
    ///
    /// # Errors
    /// If the store cannot be used any more.
    pub fn end_reading(&self) -> Result<()> {
        Ok(self.db.execute_batch("COMMIT")?)
    }

    pub fn db(&self) -> &Connection {
        &self.db
    }

    /// Starts a write transaction.
    ///
    /// # Errors
    /// If another process holds the write lock for too long.
    pub fn write(&mut self) -> Result<Transaction<'_>> {
        store::write(&mut self.db)
    }

    /// Writes what was paid for: when this returns it is on the disk, power cut or not. Everything else in here can be made again,
    /// so it is not waited for.
    ///
    /// # Errors
    /// Those of `write`, or if the transaction cannot be begun or ended.
    pub fn write_durably<T>(&mut self, write: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.db.pragma_update(None, "synchronous", "FULL")?;
        let written = store::write(&mut self.db).and_then(|tx| {
            let written = write(&tx)?;
            tx.commit()?;
            Ok(written)
        });
        self.db.pragma_update(None, "synchronous", Database::Analysis.synchronous())?;
        written
    }

    /// Copies the log into the database and begins it anew, if it has grown: in the middle of much work no checkpoint gets that far by
    /// itself, for a reader may be at work whenever one is tried. One that still reads the past is not waited for.
    ///
    /// # Errors
    /// If the database is damaged or its disk full.
    pub fn bound_log(&self) -> Result<()> {
        store::bound_log(&self.db)
    }

    /// Bytes of the database on disk, its write-ahead log included.
    pub fn disk_bytes(&self) -> u64 {
        disk_bytes(self.dir.path().to_owned())
    }
}

/// Bytes of all files below a directory; what cannot be read counts nothing.
pub fn disk_bytes(root: PathBuf) -> u64 {
    let mut total = 0;
    let mut pending = vec![root];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => pending.push(entry.path()),
                Ok(meta) => total += meta.len(),
                Err(_) => {}
            }
        }
    }
    total
}

/// A value of `cache_metadata`.
///
/// # Errors
/// If the database cannot be read.
pub fn metadata(db: &Connection, name: &str) -> Result<Option<String>> {
    let mut statement = db.prepare_cached("SELECT value FROM cache_metadata WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

/// Sets a value of `cache_metadata`.
///
/// # Errors
/// If the database cannot be written.
pub fn set_metadata(db: &Connection, name: &str, value: &str) -> Result<()> {
    db.prepare_cached("INSERT INTO cache_metadata VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2")?
        .execute([name, value])?;
    Ok(())
}

/// Adds to a counter of `cache_metadata`.
///
/// # Errors
/// If the database cannot be written.
pub fn count(db: &Connection, name: &str, by: usize) -> Result<()> {
    if by > 0 {
        db.prepare_cached(
            "INSERT INTO cache_metadata VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET value = CAST(value AS INTEGER) + CAST(?2 AS INTEGER)",
        )?
        .execute([name, &by.to_string()])?;
    }
    Ok(())
}

/// Raises a counter of `cache_metadata` and gives its new value.
///
/// # Errors
/// If the database cannot be written.
pub fn raise(db: &Connection, name: &str) -> Result<u64> {
    count(db, name, 1)?;
    counter(db, name)
}

/// A counter of `cache_metadata`; 0 if it was never raised.
///
/// # Errors
/// If the database cannot be read.
pub fn counter(db: &Connection, name: &str) -> Result<u64> {
    Ok(metadata(db, name)?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Name of the counter that every writing of the view raises: what is remembered of it elsewhere holds only while it stays.
pub const GENERATION: &str = "generation";
/// Name of the number of files of the tree at HEAD whose objects were missing or could not be read.
pub const UNREAD: &str = "unread";
/// Name of the commit that the view describes, in hex; empty: nothing was committed yet.
/// Why the work tree is not followed, or not all of it; empty: it is.
pub const OVERLAY_NOTE: &str = "overlay_note";
pub const VIEW_OF: &str = "view_of";

/// Names of the counters: a planned result that was there, one that had to be made.
pub const HITS: &str = "hits";
pub const MISSES: &str = "misses";
/// Of the results that were there, those that another repository's store had.
pub const COPIED: &str = "copied";
/// Names of the counters: files that use a file that changed; those of them that were analysed again.
pub const DEPENDENTS_CONSIDERED: &str = "dependents_considered";
pub const DEPENDENTS_ANALYSED: &str = "dependents_analysed";
/// Likewise of chunks: one whose vector was there, one that the model embedded.
pub const VECTORS_FOUND: &str = "vectors_found";
pub const VECTORS_MADE: &str = "vectors_made";
