//! The files of the work tree that are not what HEAD has of them, with the text that was read: what is made of them later is made of
//! that text, whatever the disk says then.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, params};

use super::view::{self, PackedUses, unreadable};
use crate::domain::{FilePath, FileRecord, Links, SkipReason, Source};
use crate::repo::disk::FileStat;
use crate::store::Result;

/// zstd level of texts: written at every save, so speed counts.
const COMPRESSION_LEVEL: i32 = 3;

/// How long a file may be written to without its times telling, in nanoseconds: FAT counts in steps of two seconds.
const COARSEST_CLOCK_NS: i64 = 2_000_000_000;

/// A file of the overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayFile {
    pub record: FileRecord,
    /// What it was like on the disk when it was read.
    pub stat: FileStat,
    /// When that was, in nanoseconds since the Unix epoch.
    pub read_ns: i64,
}

impl OverlayFile {
    /// Whether a file that is like this now still has the content that was read.
    pub fn is_as_read(&self, now: &FileStat) -> bool {
        let known = |stat: &FileStat| (stat.modified_ns, stat.changed_ns, stat.inode, stat.bytes);
        let settled = now.modified_ns.max(now.changed_ns).saturating_add(COARSEST_CLOCK_NS) < self.read_ns;
        settled && self.record.skip != Some(SkipReason::Deleted) && known(&self.stat) == known(now)
    }
}

/// The whole overlay.
///
/// # Errors
/// If the database cannot be read.
pub fn files(db: &Connection) -> Result<BTreeMap<FilePath, OverlayFile>> {
    let mut files = BTreeMap::new();
    for record in view::all_of(db, "overlay_files")? {
        let (stat, read_ns) = read(db, &record.path)?;
        files.insert(record.path.clone(), OverlayFile { record, stat, read_ns });
    }
    Ok(files)
}

fn read(db: &Connection, path: &FilePath) -> Result<(FileStat, i64)> {
    let mut statement = db.prepare_cached(
        "SELECT modified_ns, changed_ns, inode, disk_bytes, read_ns FROM overlay_files WHERE file_path = ?1",
    )?;
    Ok(statement.query_row([path.as_bytes()], |row| {
        let stat = FileStat {
            modified_ns: row.get(0)?,
            changed_ns: row.get(1)?,
            inode: row.get::<_, i64>(2)?.cast_unsigned(),
            bytes: row.get::<_, i64>(3)?.cast_unsigned(),
            ..FileStat::default()
        };
        Ok((stat, row.get(4)?))
    })?)
}

/// The files that are in it.
///
/// # Errors
/// If the database cannot be read.
pub fn paths(db: &Connection) -> Result<BTreeSet<FilePath>> {
    let mut statement = db.prepare_cached("SELECT file_path FROM overlay_files ORDER BY file_path")?;
    let paths = statement.query_map([], |row| Ok(FilePath::new(row.get::<_, Vec<u8>>(0)?)))?;
    Ok(paths.collect::<rusqlite::Result<_>>()?)
}

/// The text of a file that is in the overlay and is not skipped.
///
/// # Errors
/// If the database cannot be read, or the text cannot be unpacked.
pub fn text(db: &Connection, path: &FilePath) -> Result<Option<String>> {
    let mut statement = db.prepare_cached("SELECT text FROM overlay_files WHERE file_path = ?1")?;
    let packed: Option<Option<Vec<u8>>> = statement.query_row([path.as_bytes()], |row| row.get(0)).optional()?;
    let Some(packed) = packed.flatten() else { return Ok(None) };
    let bytes = zstd::decode_all(&packed[..]).map_err(unreadable)?;
    String::from_utf8(bytes).map(Some).map_err(unreadable)
}

/// Lays a file over what HEAD has in its place.
///
/// # Errors
/// If the database cannot be written.
pub fn put(db: &Connection, file: &OverlayFile, text: Option<&str>) -> Result<()> {
    let OverlayFile { record, stat, read_ns } = file;
    let packed = text.map(|text| zstd::bulk::compress(text.as_bytes(), COMPRESSION_LEVEL));
    db.prepare_cached(
        "INSERT OR REPLACE INTO overlay_files
             (file_path, blob_id, mode, source, size_bytes, language, role, skip_reason, content_hash, text,
              modified_ns, changed_ns, inode, disk_bytes, read_ns)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?
    .execute(params![
        record.path.as_bytes(),
        record.blob.0,
        record.mode.as_str(),
        record.source.as_str(),
        record.size_bytes.cast_signed(),
        record.language.as_str(),
        record.role.as_str(),
        record.skip.map(SkipReason::as_str),
        record.content_hash.as_ref().map(|hash| &hash.as_bytes()[..]),
        packed.transpose().map_err(unreadable)?,
        stat.modified_ns,
        stat.changed_ns,
        stat.inode.cast_signed(),
        stat.bytes.cast_signed(),
        read_ns,
    ])?;
    Ok(())
}

/// Notes that a file was read again and has the content that it had.
///
/// # Errors
/// If the database cannot be written.
pub fn put_stat(db: &Connection, file: &OverlayFile) -> Result<()> {
    let OverlayFile { record, stat, read_ns } = file;
    db.prepare_cached(
        "UPDATE overlay_files SET modified_ns = ?2, changed_ns = ?3, inode = ?4, disk_bytes = ?5, read_ns = ?6
         WHERE file_path = ?1",
    )?
    .execute(params![
        record.path.as_bytes(),
        stat.modified_ns,
        stat.changed_ns,
        stat.inode.cast_signed(),
        stat.bytes.cast_signed(),
        read_ns
    ])?;
    Ok(())
}

/// Writes what the graph of the view says about a file of the overlay.
///
/// # Errors
/// If the database cannot be written.
pub fn put_links(db: &Connection, path: &FilePath, links: &Links, uses: &PackedUses) -> Result<()> {
    view::put_links_into(db, "overlay_files", path, links, uses)
}

/// Takes a file out of the overlay: HEAD's counts again.
///
/// # Errors
/// If the database cannot be written.
pub fn remove(db: &Connection, path: &FilePath) -> Result<()> {
    db.prepare_cached("DELETE FROM overlay_files WHERE file_path = ?1")?.execute([path.as_bytes()])?;
    Ok(())
}
/// The text of a file of the overlay as it was read; `None` if the file is HEAD's.
///
/// # Errors
/// If the store cannot be read.
pub fn saved_text(db: &Connection, file: &FileRecord) -> Result<Option<String>> {
    match file.source {
        Source::Commit => Ok(None),
        Source::Worktree => text(db, &file.path),
    }
}
