//! The pause that a person asks for: nothing is claimed until it ends.

use rusqlite::Connection;

use crate::store::Result;

/// The setting that is there while the queue is paused.
const PAUSED: &str = "queue.paused";

/// Whether the queue is paused.
///
/// # Errors
/// If the database cannot be read.
pub fn is_paused(db: &Connection) -> Result<bool> {
    Ok(db.prepare_cached("SELECT 1 FROM settings WHERE name = ?1")?.exists([PAUSED])?)
}

/// Stops or lets go on the claiming of jobs; reconciling goes on either way.
///
/// # Errors
/// If the database cannot be written.
pub fn set_paused(db: &Connection, paused: bool) -> Result<()> {
    if paused {
        db.execute("INSERT OR IGNORE INTO settings VALUES (?1, 'true')", [PAUSED])?;
    } else {
        db.execute("DELETE FROM settings WHERE name = ?1", [PAUSED])?;
    }
    Ok(())
}
