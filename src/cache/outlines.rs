//! Outlines by the content that they were made from.

use rusqlite::{Connection, OptionalExtension, params};

use super::view::unreadable;
use crate::domain::{FilePath, Hash, Language};
use crate::outline::{self, Outline};
use crate::store::Result;

/// zstd level: written and read on every commit, so speed counts.
const COMPRESSION_LEVEL: i32 = 3;

/// The outline of a content, if this program's version of it is kept.
///
/// # Errors
/// If the database cannot be read.
pub fn outline(db: &Connection, content: &Hash, language: Language) -> Result<Option<Outline>> {
    let mut statement =
        db.prepare_cached("SELECT outline FROM outlines WHERE content_hash = ?1 AND language = ?2 AND version = ?3")?;
    let bytes: Option<Vec<u8>> = statement
        .query_row(params![content.as_bytes(), language.as_str(), outline::version(language)], |row| row.get(0))
        .optional()?;
    Ok(bytes.and_then(|bytes| unpack(&bytes)))
}

/// An outline from its stored form; `None`, so that it is made again, if it is another version's or damaged.
pub fn unpack(packed: &[u8]) -> Option<Outline> {
    Outline::from_bytes(&zstd::decode_all(packed).ok()?)
}

/// Every file of the present view, in path order, with its outline in the stored form; `None`: it says nothing to others, or its
/// outline is another version's.
///
/// # Errors
/// If the database cannot be read.
pub fn packed(db: &Connection) -> Result<Vec<(FilePath, Option<Vec<u8>>)>> {
    let mut statement = db.prepare_cached(
        "SELECT f.file_path, f.language, o.version, o.outline FROM files f
         LEFT JOIN outlines o ON f.skip_reason IS NULL AND o.content_hash = f.content_hash AND o.language = f.language
         ORDER BY f.file_path",
    )?;
    let rows = statement.query_map([], |row| {
        let (language, version): (String, Option<u32>) = (row.get(1)?, row.get(2)?);
        let is_present = version.is_some() && Language::parse(&language).map(outline::version) == version;
        let packed = if is_present { row.get(3)? } else { None };
        Ok((FilePath::new(row.get::<_, Vec<u8>>(0)?), packed))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Keeps an outline under its content.
///
/// # Errors
/// If the database cannot be written.
pub fn put_outline(db: &Connection, content: &Hash, language: Language, outline: &Outline) -> Result<()> {
    let packed = zstd::bulk::compress(&outline.to_bytes(), COMPRESSION_LEVEL).map_err(unreadable)?;
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
