//! The recorded view: what of the repository is indexed, and what the results of its files are made from.
//!
//! `file` and `files` tell what the tree at HEAD has; `present` and `present_files`, what the view has: the same with the overlay
//! ([`super::overlay`]) in its place. Keys, chunks and vectors are those of the view.

use super::provisional;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::analyses::hash;
use crate::domain::{
    EntryMode, FilePath, FileRecord, Hash, JobKind, Language, Links, ObjectId, Role, SkipReason, Source, Used,
};
use crate::store::{Result, StoreError};

/// zstd level of dependency contexts: written and read on every commit, so speed counts.
const COMPRESSION_LEVEL: i32 = 3;

const COLUMNS: &str = "file_path, blob_id, mode, source, size_bytes, language, role, skip_reason, content_hash, module_path, crate_root, deps_hash, \
                       context_hash";

/// Every file of the tree at HEAD, in path order.
///
/// # Errors
/// If the database cannot be read.
pub fn files(db: &Connection) -> Result<Vec<FileRecord>> {
    all_of(db, "files")
}

/// Every file of the view, in path order.
///
/// # Errors
/// If the database cannot be read.
pub fn present_files(db: &Connection) -> Result<Vec<FileRecord>> {
    all_of(db, "present_files")
}

/// The paths of the view, in their order.
///
/// # Errors
/// If the database cannot be read.
pub fn present_paths(db: &Connection) -> Result<Vec<FilePath>> {
    let mut statement = db.prepare_cached("SELECT file_path FROM present_files ORDER BY file_path")?;
    let paths = statement.query_map([], |row| Ok(FilePath::new(row.get::<_, Vec<u8>>(0)?)))?;
    Ok(paths.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn all_of(db: &Connection, table: &str) -> Result<Vec<FileRecord>> {
    let mut statement = db.prepare(&format!("SELECT {COLUMNS} FROM {table} ORDER BY file_path"))?;
    let mut rows = statement.query([])?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        files.push(record(row)?);
    }
    Ok(files)
}

/// The files of the tree at HEAD whose objects were missing or could not be read, at most `limit`, in path order.
///
/// # Errors
/// If the database cannot be read.
pub fn unread(db: &Connection, limit: usize) -> Result<Vec<FileRecord>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM files WHERE skip_reason IN (?1, ?2) ORDER BY file_path LIMIT ?3"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let reasons = (SkipReason::Unreadable.as_str(), SkipReason::Unavailable.as_str());
    let mut rows = statement.query(params![reasons.0, reasons.1, limit])?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        files.push(record(row)?);
    }
    Ok(files)
}

/// Counts those files.
///
/// # Errors
/// If the database cannot be read.
pub fn count_unread(db: &Connection) -> Result<u64> {
    let reasons = (SkipReason::Unreadable.as_str(), SkipReason::Unavailable.as_str());
    let count: i64 = db
        .prepare_cached("SELECT count(*) FROM files WHERE skip_reason IN (?1, ?2)")?
        .query_row([reasons.0, reasons.1], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// One file of the tree at HEAD.
///
/// # Errors
/// If the database cannot be read.
pub fn file(db: &Connection, path: &FilePath) -> Result<Option<FileRecord>> {
    one_of(db, "files", path)
}

/// One file of the view.
///
/// # Errors
/// If the database cannot be read.
pub fn present(db: &Connection, path: &FilePath) -> Result<Option<FileRecord>> {
    one_of(db, "present_files", path)
}

fn one_of(db: &Connection, table: &str, path: &FilePath) -> Result<Option<FileRecord>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM {table} WHERE file_path = ?1"))?;
    let mut rows = statement.query([path.as_bytes()])?;
    rows.next()?.map(record).transpose()
}

/// What a file is for.
///
/// # Errors
/// If the database cannot be read.
pub fn role(db: &Connection, path: &FilePath) -> Result<Option<Role>> {
    let mut statement = db.prepare_cached("SELECT role FROM present_files WHERE file_path = ?1")?;
    let role: Option<String> = statement.query_row([path.as_bytes()], |row| row.get(0)).optional()?;
    Ok(role.and_then(|role| Role::parse(&role)))
}

fn record(row: &Row<'_>) -> Result<FileRecord> {
    let named = |column: usize| row.get::<_, String>(column);
    let unreadable = |detail: String| StoreError::Unreadable { what: "file of the view", detail };
    let (mode, source, language, role) = (named(2)?, named(3)?, named(5)?, named(6)?);
    let skip: Option<String> = row.get(7)?;
    Ok(FileRecord {
        path: FilePath::new(row.get::<_, Vec<u8>>(0)?),
        blob: ObjectId(row.get(1)?),
        mode: EntryMode::parse(&mode).ok_or_else(|| unreadable(mode))?,
        source: Source::parse(&source).ok_or_else(|| unreadable(source))?,
        size_bytes: row.get::<_, i64>(4)?.unsigned_abs(),
        language: Language::parse(&language).ok_or_else(|| unreadable(language))?,
        role: Role::parse(&role).ok_or_else(|| unreadable(role))?,
        skip: skip.map(|text| SkipReason::parse(&text).ok_or_else(|| unreadable(text))).transpose()?,
        content_hash: optional_hash(row, 8)?,
        links: Links {
            module_path: row.get(9)?,
            crate_root: row.get(10)?,
            deps_hash: optional_hash(row, 11)?,
            context_hash: optional_hash(row, 12)?,
        },
    })
}

fn optional_hash(row: &Row<'_>, column: usize) -> Result<Option<Hash>> {
    let bytes: Option<Vec<u8>> = row.get(column)?;
    Ok(bytes.and_then(|bytes| Hash::from_bytes(&bytes)))
}

/// Writes a file of the tree at HEAD; its dependency context stays what it was.
///
/// # Errors
/// If the database cannot be written.
pub fn put_file(db: &Connection, file: &FileRecord) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO files (file_path, blob_id, mode, source, size_bytes, language, role, skip_reason, content_hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET blob_id = ?2, mode = ?3, source = ?4, size_bytes = ?5, language = ?6, role = ?7,
             skip_reason = ?8, content_hash = ?9",
    )?
    .execute(params![
        file.path.as_bytes(),
        file.blob.0,
        file.mode.as_str(),
        file.source.as_str(),
        file.size_bytes as i64,
        file.language.as_str(),
        file.role.as_str(),
        file.skip.map(SkipReason::as_str),
        file.content_hash.as_ref().map(|hash| &hash.as_bytes()[..]),
    ])?;
    Ok(())
}

/// Writes what the graph of the tree at HEAD says about a file.
///
/// # Errors
/// If the database cannot be written.
pub fn put_links(db: &Connection, path: &FilePath, links: &Links, uses: &PackedUses) -> Result<()> {
    put_links_into(db, "files", path, links, uses)
}

/// The dependency context of a file in its stored form, which is many times smaller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedUses(Box<[u8]>);

impl PackedUses {
    /// # Errors
    /// None that is known: the library could refuse.
    pub fn new(uses: &[Used]) -> Result<Self> {
        let json = serde_json::to_vec(uses).map_err(unreadable)?;
        // A slice, for zstd leaves room for the worst case.
        Ok(Self(zstd::bulk::compress(&json, COMPRESSION_LEVEL).map_err(unreadable)?.into()))
    }

    /// # Errors
    /// If it cannot be unpacked.
    pub fn unpack(&self) -> Result<Vec<Used>> {
        unpacked_uses(&self.0)
    }
}

fn unpacked_uses(packed: &[u8]) -> Result<Vec<Used>> {
    serde_json::from_slice(&zstd::decode_all(packed).map_err(unreadable)?).map_err(unreadable)
}

pub(super) fn put_links_into(
    db: &Connection,
    table: &str,
    path: &FilePath,
    links: &Links,
    uses: &PackedUses,
) -> Result<()> {
    db.prepare_cached(&format!(
        "UPDATE {table} SET module_path = ?2, crate_root = ?3, deps_hash = ?4, uses = ?5, context_hash = ?6
         WHERE file_path = ?1",
    ))?
    .execute(params![
        path.as_bytes(),
        links.module_path,
        links.crate_root,
        links.deps_hash.as_ref().map(|hash| &hash.as_bytes()[..]),
        uses.0,
        links.context_hash.as_ref().map(|hash| &hash.as_bytes()[..]),
    ])?;
    Ok(())
}

/// The dependency context of a file as its record tells where it is kept.
///
/// # Errors
/// If the database cannot be read or the context cannot be unpacked.
pub fn uses(db: &Connection, path: &FilePath, source: Source) -> Result<Vec<Used>> {
    let table = match source {
        Source::Commit => "files",
        Source::Worktree => "overlay_files",
    };
    let mut statement = db.prepare_cached(&format!("SELECT uses FROM {table} WHERE file_path = ?1"))?;
    let packed: Option<Option<Vec<u8>>> = statement.query_row([path.as_bytes()], |row| row.get(0)).optional()?;
    match packed.flatten() {
        Some(packed) => unpacked_uses(&packed),
        None => Ok(Vec::new()),
    }
}

/// Takes everything out of the view; what results were made from stays.
///
/// # Errors
/// If the database cannot be written.
pub fn clear(db: &Connection) -> Result<()> {
    Ok(db.execute_batch(
        "DELETE FROM files; DELETE FROM overlay_files; DELETE FROM directories; DELETE FROM current_keys;",
    )?)
}

/// Takes a file out of the tree at HEAD; what the view says of it stays.
///
/// # Errors
/// If the database cannot be written.
pub fn remove_committed(db: &Connection, path: &FilePath) -> Result<()> {
    db.prepare_cached("DELETE FROM files WHERE file_path = ?1")?.execute([path.as_bytes()])?;
    Ok(())
}

/// Takes what the view says of a file out of it: there is no such file any more.
///
/// # Errors
/// If the database cannot be written.
pub fn forget(db: &Connection, path: &FilePath) -> Result<()> {
    for table in ["current_keys", "embedded_files"] {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE file_path = ?1"))?.execute([path.as_bytes()])?;
    }
    Ok(())
}

/// The recorded tree id of each directory (empty path: the top).
///
/// # Errors
/// If the database cannot be read.
pub fn directories(db: &Connection) -> Result<Vec<(Vec<u8>, ObjectId)>> {
    let mut statement = db.prepare("SELECT dir_path, tree_id FROM directories")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, ObjectId(row.get(1)?))))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Records a directory's tree id, or (`None`) that the directory is gone.
///
/// # Errors
/// If the database cannot be written.
pub fn put_directory(db: &Connection, dir: &[u8], tree: Option<&ObjectId>) -> Result<()> {
    match tree {
        Some(id) => db
            .prepare_cached("INSERT INTO directories VALUES (?1, ?2) ON CONFLICT DO UPDATE SET tree_id = ?2")?
            .execute(params![dir, id.0])?,
        None => db.prepare_cached("DELETE FROM directories WHERE dir_path = ?1")?.execute([dir])?,
    };
    Ok(())
}

/// The key that a result of a file has now.
///
/// # Errors
/// If the database cannot be read.
pub fn current_key(db: &Connection, path: &FilePath, kind: JobKind) -> Result<Option<Hash>> {
    let mut statement = db.prepare_cached("SELECT cache_key FROM current_keys WHERE file_path = ?1 AND kind = ?2")?;
    Ok(statement.query_row(params![path.as_bytes(), kind.as_str()], |row| hash(row, 0)).optional()?)
}

/// The key that each result of each file has now.
///
/// # Errors
/// If the database cannot be read.
pub fn current_keys(db: &Connection) -> Result<Vec<((FilePath, JobKind), Hash)>> {
    let mut statement = db.prepare("SELECT file_path, kind, cache_key FROM current_keys ORDER BY 1, 2")?;
    let mut rows = statement.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(1)?;
        let kind = JobKind::parse(&kind).ok_or_else(|| unreadable(kind))?;
        keys.push(((FilePath::new(row.get::<_, Vec<u8>>(0)?), kind), hash(row, 2)?));
    }
    Ok(keys)
}

/// Records the keys that the results of a file have now, in the place of those that it had.
///
/// # Errors
/// If the database cannot be written.
pub fn put_current_keys(db: &Connection, path: &FilePath, keys: &[(JobKind, Hash)]) -> Result<()> {
    db.prepare_cached("DELETE FROM current_keys WHERE file_path = ?1")?.execute([path.as_bytes()])?;
    let mut insert = db.prepare_cached("INSERT INTO current_keys VALUES (?1, ?2, ?3)")?;
    for (kind, key) in keys {
        insert.execute(params![path.as_bytes(), kind.as_str(), key.as_bytes()])?;
    }
    Ok(())
}

/// How much of the view is fresh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FreshCounts {
    /// Indexed files.
    pub files: u64,
    /// Those whose every result that is made on this machine is there: these are never parked for money or a provider.
    pub fresh: u64,
    /// Those of which nothing is missing but what was removed for want of room; neither fresh nor stale.
    pub evicted: u64,
    /// Files of the tree that are not indexed, for a recorded reason.
    pub skipped: u64,
    /// Files that a model is asked about.
    pub asked: u64,
    /// Those whose every answer is there.
    pub answered: u64,
}

impl FreshCounts {
    /// Files that lack a result which is to be made.
    pub const fn stale(&self) -> u64 {
        self.files.saturating_sub(self.fresh + self.evicted)
    }
}

/// How much of the view is fresh.
///
/// # Errors
/// If the database cannot be read.
pub fn freshness(db: &Connection) -> Result<FreshCounts> {
    let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, u64>(0));
    let files = number("SELECT count(*) FROM present_files WHERE skip_reason IS NULL")?;
    let (stale, evicted) = db.query_row(
        "SELECT count(*) FILTER (WHERE missing > removed), count(*) FILTER (WHERE missing = removed AND removed > 0)
         FROM (SELECT count(*) AS missing,
                      count(*) FILTER (WHERE EXISTS (SELECT 1 FROM evicted v WHERE v.cache_key = k.cache_key)) AS removed
               FROM current_keys k
               WHERE CASE
                     WHEN k.kind = 'embed' THEN NOT EXISTS (SELECT 1 FROM embedded_files e
                                                            WHERE e.file_path = k.file_path AND e.embed_key = k.cache_key)
                     WHEN k.kind GLOB 'ask:*' THEN 0
                     ELSE NOT EXISTS (SELECT 1 FROM file_analysis a WHERE a.cache_key = k.cache_key) END
               GROUP BY k.file_path)",
        [],
        |row| Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?)),
    )?;
    let asked = number("SELECT count(DISTINCT file_path) FROM current_keys WHERE kind GLOB 'ask:*'")?;
    let unanswered = unanswered(db)?;
    let skipped = number("SELECT count(*) FROM present_files WHERE skip_reason <> 'deleted'")?;
    Ok(FreshCounts {
        files,
        fresh: files.saturating_sub(stale + evicted),
        skipped,
        asked,
        answered: asked.saturating_sub(unanswered),
        evicted,
    })
}

/// Files that a model is asked about and that lack an answer.
///
/// # Errors
/// If the database cannot be read.
pub fn unanswered(db: &Connection) -> Result<u64> {
    let sql = "SELECT count(DISTINCT k.file_path) FROM current_keys k WHERE k.kind GLOB 'ask:*'
               AND NOT EXISTS (SELECT 1 FROM file_analysis a WHERE a.cache_key = k.cache_key)";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Indexed files by language, most first.
///
/// # Errors
/// If the database cannot be read.
pub fn languages(db: &Connection) -> Result<Vec<(String, u64)>> {
    let sql =
        "SELECT language, count(*) FROM present_files WHERE skip_reason IS NULL GROUP BY language ORDER BY 2 DESC, 1";
    let mut statement = db.prepare_cached(sql)?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// What the vectors of a file were made from.
///
/// # Errors
/// If the database cannot be read.
pub fn embedded_key(db: &Connection, path: &FilePath) -> Result<Option<Hash>> {
    let mut statement = db.prepare_cached("SELECT embed_key FROM embedded_files WHERE file_path = ?1")?;
    Ok(statement.query_row([path.as_bytes()], |row| hash(row, 0)).optional()?)
}

/// What the vectors of each file were made from.
///
/// # Errors
/// If the database cannot be read.
pub fn embedded_files(db: &Connection) -> Result<Vec<(FilePath, Hash)>> {
    let mut statement = db.prepare("SELECT file_path, embed_key FROM embedded_files ORDER BY 1")?;
    let rows = statement.query_map([], |row| Ok((FilePath::new(row.get::<_, Vec<u8>>(0)?), hash(row, 1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Forgets that any file is embedded.
pub fn forget_embedded_keys(db: &Connection) -> Result<()> {
    db.execute("DELETE FROM embedded_files", [])?;
    provisional::forget_all(db)
}

/// Notes that the vectors of a file are not to be relied on.
///
/// # Errors
/// If the database cannot be written.
pub fn forget_embedded_key(db: &Connection, path: &FilePath) -> Result<()> {
    db.prepare_cached("DELETE FROM embedded_files WHERE file_path = ?1")?.execute([path.as_bytes()])?;
    Ok(())
}

/// Records what the vectors of a file were made from.
///
/// # Errors
/// If the database cannot be written.
pub fn put_embedded_key(db: &Connection, path: &FilePath, key: &Hash) -> Result<()> {
    db.prepare_cached("INSERT INTO embedded_files VALUES (?1, ?2) ON CONFLICT DO UPDATE SET embed_key = ?2")?
        .execute(params![path.as_bytes(), key.as_bytes()])?;
    db.prepare_cached("DELETE FROM dead_vectors WHERE file_path = ?1")?.execute([path.as_bytes()])?;
    provisional::forget(db, path)
}

/// Notes that the vectors of a file are to be removed, and that nothing relies on them until they are made again.
///
/// # Errors
/// If the database cannot be written.
pub fn put_dead_vectors(db: &Connection, path: &FilePath) -> Result<()> {
    forget_embedded_key(db, path)?;
    provisional::forget(db, path)?;
    db.prepare_cached("INSERT OR IGNORE INTO dead_vectors VALUES (?1)")?.execute([path.as_bytes()])?;
    Ok(())
}

/// Files whose vectors are to be removed.
///
/// # Errors
/// If the database cannot be read.
pub fn dead_vectors(db: &Connection) -> Result<Vec<FilePath>> {
    let mut statement = db.prepare_cached("SELECT file_path FROM dead_vectors ORDER BY 1")?;
    let paths = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(paths.into_iter().map(FilePath::new).collect())
}

/// Notes that the vectors of files have been removed.
///
/// # Errors
/// If the database cannot be written.
pub fn forget_dead_vectors(db: &Connection, paths: &[FilePath]) -> Result<()> {
    let mut delete = db.prepare_cached("DELETE FROM dead_vectors WHERE file_path = ?1")?;
    for path in paths {
        delete.execute([path.as_bytes()])?;
    }
    Ok(())
}

pub(super) fn unreadable(detail: impl ToString) -> StoreError {
    StoreError::Unreadable { what: "view", detail: detail.to_string() }
}
