//! Outlines by the content that they were made from.

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::{FilePath, Hash, Language};
use crate::outline::{self, StoredOutline};
use crate::store::Result;

/// The outline of a content, if this program's version of it is kept.
///
/// # Errors
/// If the database cannot be read.
pub fn outline(db: &Connection, content: &Hash, language: Language) -> Result<Option<StoredOutline>> {
    let mut statement =
        db.prepare_cached("SELECT outline FROM outlines WHERE content_hash = ?1 AND language = ?2 AND version = ?3")?;
    let bytes: Option<Vec<u8>> = statement
        .query_row(params![content.as_bytes(), language.as_str(), outline::version(language)], |row| row.get(0))
        .optional()?;
    Ok(bytes.map(StoredOutline::from_stored))
}

/// Every file of the present view, in path order, with its outline; one that says nothing to others, or whose outline is another
/// version's, has a silent one.
///
/// # Errors
/// If the database cannot be read.
pub fn all(db: &Connection) -> Result<Vec<(FilePath, StoredOutline)>> {
    let mut statement = db.prepare_cached(
        "SELECT f.file_path, f.language, o.version, o.outline FROM files f
         LEFT JOIN outlines o ON f.skip_reason IS NULL AND o.content_hash = f.content_hash AND o.language = f.language
         ORDER BY f.file_path",
    )?;
    let rows = statement.query_map([], |row| {
        let (language, version): (String, Option<u32>) = (row.get(1)?, row.get(2)?);
        let is_present = version.is_some() && Language::parse(&language).map(outline::version) == version;
        let stored: Option<Vec<u8>> = if is_present { row.get(3)? } else { None };
        Ok((FilePath::new(row.get::<_, Vec<u8>>(0)?), stored.map(StoredOutline::from_stored).unwrap_or_default()))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Keeps an outline under its content, if it says anything.
///
/// # Errors
/// If the database cannot be written.
pub fn put_outline(db: &Connection, content: &Hash, language: Language, outline: &StoredOutline) -> Result<()> {
    let Some(packed) = outline.bytes() else { return Ok(()) };
    db.prepare_cached(
        "INSERT INTO outlines VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET version = ?3, outline = ?4 WHERE version <> ?3",
    )?
    .execute(params![content.as_bytes(), language.as_str(), outline::version(language), packed])?;
    Ok(())
}

/// Takes every outline out.
///
/// # Errors
/// If the database cannot be written.
pub fn clear(db: &Connection) -> Result<()> {
    Ok(db.execute_batch("DELETE FROM outlines;")?)
}
