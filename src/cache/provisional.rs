//! Files whose vectors are provisional (`provisional_files`): from the model's static table, until its own are made.

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::{FilePath, Hash};
use crate::store::Result;

/// Records that a file has provisional vectors, and what they were made from.
///
/// # Errors
/// If the database cannot be written.
pub fn put(db: &Connection, path: &FilePath, key: &Hash, table_id: &str) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO provisional_files VALUES (?1, ?2, ?3)")?.execute(params![
        path.as_bytes(),
        key.as_bytes(),
        table_id
    ])?;
    db.prepare_cached("DELETE FROM dead_vectors WHERE file_path = ?1")?.execute([path.as_bytes()])?;
    Ok(())
}

/// Records that a file has none: it has the model's own, or is gone.
///
/// # Errors
/// If the database cannot be written.
pub fn forget(db: &Connection, path: &FilePath) -> Result<()> {
    db.prepare_cached("DELETE FROM provisional_files WHERE file_path = ?1")?.execute([path.as_bytes()])?;
    Ok(())
}

/// Records that no file has any.
///
/// # Errors
/// If the database cannot be written.
pub fn forget_all(db: &Connection) -> Result<()> {
    db.execute("DELETE FROM provisional_files", [])?;
    Ok(())
}

/// Whether a file has those of this content from this table.
///
/// # Errors
/// If the database cannot be read.
pub fn has(db: &Connection, path: &FilePath, key: &Hash, table_id: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM provisional_files WHERE file_path = ?1 AND embed_key = ?2 AND table_id = ?3";
    let found = db.prepare_cached(sql)?.query_row(params![path.as_bytes(), key.as_bytes(), table_id], |_| Ok(()));
    Ok(found.optional()?.is_some())
}

/// Number of files that have any.
///
/// # Errors
/// If the database cannot be read.
pub fn count(db: &Connection) -> Result<u64> {
    Ok(db.prepare_cached("SELECT count(*) FROM provisional_files")?.query_row([], |row| row.get(0))?)
}

/// Files that are to have vectors, and those that have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VectorCounts {
    pub files: u64,
    /// With the model's own.
    pub own: u64,
    pub provisional: u64,
}

/// Counts them, by what the files hold now.
///
/// # Errors
/// If the database cannot be read.
pub fn counts(db: &Connection) -> Result<VectorCounts> {
    let sql = "SELECT count(*),
                      count(*) FILTER (WHERE EXISTS (SELECT 1 FROM embedded_files e
                                                     WHERE e.file_path = k.file_path AND e.embed_key = k.cache_key)),
                      count(*) FILTER (WHERE EXISTS (SELECT 1 FROM provisional_files p
                                                     WHERE p.file_path = k.file_path AND p.embed_key = k.cache_key))
               FROM current_keys k WHERE k.kind = 'embed'";
    Ok(db
        .prepare_cached(sql)?
        .query_row([], |row| Ok(VectorCounts { files: row.get(0)?, own: row.get(1)?, provisional: row.get(2)? }))?)
}
