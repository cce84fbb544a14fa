//! Results that the view refers to but that were removed for want of room. Planning takes them for settled; they are made again when
//! their content or context changes, or when a person asks for them.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::analyses::{self, hash};
use crate::clock::Timestamp;
use crate::domain::Hash;
use crate::store::Result;

/// The marks that count: of keys that the view refers to. A key that the view comes back to (a revert) is a change, and is made
/// again. A view that was cleared, to be rebuilt, refers to nothing yet and unmarks nothing.
const COUNTS: &str = "(cache_key IN (SELECT cache_key FROM current_keys) OR NOT EXISTS (SELECT 1 FROM current_keys))";

/// Whether the result under a key was removed for want of room, and is not to be made unasked.
///
/// # Errors
/// If the database cannot be read.
pub fn contains(db: &Connection, key: &Hash) -> Result<bool> {
    let mut statement = db.prepare_cached(&format!("SELECT 1 FROM evicted WHERE cache_key = ?1 AND {COUNTS}"))?;
    Ok(statement.exists([key.as_bytes()])?)
}

/// Every key for which [`contains`] holds.
///
/// # Errors
/// If the database cannot be read.
pub fn keys(db: &Connection) -> Result<HashSet<Hash>> {
    let mut statement = db.prepare(&format!("SELECT cache_key FROM evicted WHERE {COUNTS}"))?;
    let keys = statement.query_map([], |row| hash(row, 0))?.collect::<rusqlite::Result<_>>()?;
    Ok(keys)
}

/// Whether nothing is to be made under a key: its result is there, or was removed for want of room.
///
/// # Errors
/// If the database cannot be read.
pub fn is_settled(db: &Connection, key: &Hash) -> Result<bool> {
    Ok(analyses::contains(db, key)? || contains(db, key)?)
}

/// Every key for which [`is_settled`] holds.
///
/// # Errors
/// If the database cannot be read.
pub fn settled_keys(db: &Connection) -> Result<HashSet<Hash>> {
    let mut keys = analyses::keys(db)?;
    keys.extend(self::keys(db)?);
    Ok(keys)
}

/// Marks a key.
///
/// # Errors
/// If the database cannot be written.
pub fn mark(db: &Connection, key: &Hash, now: Timestamp) -> Result<()> {
    db.prepare_cached("INSERT INTO evicted VALUES (?1, ?2) ON CONFLICT DO UPDATE SET evicted_at = ?2")?
        .execute(params![key.as_bytes(), now.0])?;
    Ok(())
}

/// Drops the marks that do not count any more.
///
/// # Errors
/// If the database cannot be written.
pub fn forget_unreferenced(db: &Connection) -> Result<()> {
    db.execute(&format!("DELETE FROM evicted WHERE NOT {COUNTS}"), [])?;
    Ok(())
}
