//! Paths that rows refer to by number (table `paths`).

use rusqlite::{Connection, OptionalExtension};

use crate::domain::FilePath;
use crate::store::Result;

/// The number of a path; `None`: no row refers to it.
pub fn find(db: &Connection, path: &FilePath) -> Result<Option<i64>> {
    let mut select = db.prepare_cached("SELECT path_no FROM paths WHERE file_path = ?1")?;
    Ok(select.query_row([path.as_bytes()], |row| row.get(0)).optional()?)
}

/// The number of a path; one that has none gets one.
pub fn number(db: &Connection, path: &FilePath) -> Result<i64> {
    if let Some(known) = find(db, path)? {
        return Ok(known);
    }
    db.prepare_cached("INSERT INTO paths (file_path) VALUES (?1)")?.execute([path.as_bytes()])?;
    Ok(db.last_insert_rowid())
}

/// Forgets the paths to which no row refers.
pub fn remove_unused(db: &Connection) -> Result<()> {
    db.execute(
        "DELETE FROM paths WHERE path_no NOT IN
             (SELECT path_no FROM chunks UNION SELECT path_no FROM used_symbols UNION SELECT path_no FROM edge_uses
              UNION SELECT path_no FROM edge_reexports UNION SELECT declared_no FROM implementations
              UNION SELECT interface_no FROM implementations UNION SELECT implementation_no FROM implementations)",
        [],
    )?;
    Ok(())
}
