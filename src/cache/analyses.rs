//! Analyses by key, write-once, packed. Only an entry that a person let expire is replaced.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::assembled::{self, PIECE};
use super::exchange::SHARED_BY;
use super::key::{AnalysisKey, StoredParts};
use super::packed::{self, Packed};
use crate::analyzer::Local;
use crate::clock::Timestamp;
use crate::domain::{AnalysisType, FilePath, Hash, JobKind, ObjectId};
use crate::store::{Result, StoreError};

/// A result to be stored.
pub struct NewAnalysis<'a> {
    pub key: &'a AnalysisKey,
    pub path: &'a FilePath,
    pub json: &'a str,
    /// `json` as it is stored; `None`: it is packed when it is stored.
    pub packed: Option<&'a Packed>,
    pub generation_time_ms: u64,
    pub repo_id: &'a str,
    pub repo_path: &'a [u8],
    /// The indexed commit for which it was made.
    pub commit: Option<&'a ObjectId>,
    pub bill: Bill,
    /// It is about some items of a file, and is shown only as a part of what is put together from it.
    pub is_piece: bool,
}

/// What a result cost; nothing where the local analyzer made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Nano-dollars of every request that it took.
    pub cost: u64,
    /// Nano-dollars of the request whose reply is stored.
    pub answer_cost: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
}

impl Bill {
    pub(super) const fn plus(&self, more: &Self) -> Self {
        Self {
            cost: self.cost.saturating_add(more.cost),
            answer_cost: self.answer_cost.saturating_add(more.answer_cost),
            input_tokens: self.input_tokens.saturating_add(more.input_tokens),
            output_tokens: self.output_tokens.saturating_add(more.output_tokens),
        }
    }
}

/// A stored result.
#[derive(Clone, Debug)]
pub struct StoredAnalysis {
    pub key: Hash,
    pub analysis_type: AnalysisType,
    pub model_id: String,
    pub json: String,
    pub bill: Bill,
    pub generation_time_ms: u64,
    pub created_at: Timestamp,
    /// `None`: made before commits were recorded.
    pub commit: Option<ObjectId>,
    /// The public key of the machine that shared it, in hex; `None`: it was made here.
    pub shared_by: Option<String>,
}

/// What to do about an entry that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Keep,
    Replace,
}

/// Stores a result under its key. One that is there already stays: entries are write-once.
///
/// # Errors
/// If the database cannot be written.
pub fn insert(db: &Connection, new: &NewAnalysis<'_>, now: Timestamp) -> Result<()> {
    write(db, new, Standing::Keep, now)
}

/// Stores a result in the place of one that a person let expire; what was paid for that one stays part of its cost.
///
/// # Errors
/// If the database cannot be written.
pub fn replace(db: &Connection, new: &NewAnalysis<'_>, now: Timestamp) -> Result<()> {
    write(db, new, Standing::Replace, now)
}

fn write(db: &Connection, new: &NewAnalysis<'_>, standing: Standing, now: Timestamp) -> Result<()> {
    let packed = match new.packed {
        Some(packed) => packed,
        None => &packed::pack(db, new.json.as_bytes())?,
    };
    let then = match standing {
        Standing::Keep => "NOTHING",
        Standing::Replace => {
            "UPDATE SET analysis_json = excluded.analysis_json, dictionary_id = excluded.dictionary_id,
                 generation_time_ms = excluded.generation_time_ms,
                 cost = cost + excluded.cost, answer_cost = excluded.answer_cost, input_tokens = excluded.input_tokens,
                 output_tokens = excluded.output_tokens, total_tokens = excluded.total_tokens,
                 created_at = excluded.created_at, size_bytes = excluded.size_bytes, commit_id = excluded.commit_id"
        }
    };
    db.prepare_cached(&format!(
        "INSERT INTO file_analysis (file_path, content_hash, cache_key, analysis_json, analysis_type, model_id, prompt_hash,
             schema_version, config_hash, deps_hash, generation_time_ms, cost, answer_cost, input_tokens, output_tokens,
             total_tokens, created_at, last_accessed, access_count, size_bytes, repo_id, repo_path, commit_id,
             dictionary_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?16, ?17, ?18, ?19, ?18 + ?19, ?12, ?12, 1, ?13, ?14, ?15, ?20,
             ?21)
         ON CONFLICT (cache_key) DO {then}"
    ))?
    .execute(params![
        new.path.as_bytes(),
        new.key.content_hash.as_bytes(),
        new.key.hash().as_bytes(),
        packed.bytes,
        format!("{}{}", if new.is_piece { PIECE } else { "" }, new.key.analysis_type),
        new.key.model_id,
        new.key.prompt_hash.as_bytes(),
        new.key.schema_version,
        new.key.config_hash.as_bytes(),
        new.key.deps_hash.as_bytes(),
        new.generation_time_ms as i64,
        now.0,
        new.json.len() as i64,
        new.repo_id,
        new.repo_path,
        new.bill.cost as i64,
        new.bill.answer_cost as i64,
        new.bill.input_tokens as i64,
        new.bill.output_tokens as i64,
        new.commit.map(|id| &id.0),
        packed.dictionary,
    ])?;
    Ok(())
}

/// Whether there is a result under a key.
///
/// # Errors
/// If the database cannot be read.
pub fn contains(db: &Connection, key: &Hash) -> Result<bool> {
    Ok(db.prepare_cached("SELECT 1 FROM file_analysis WHERE cache_key = ?1")?.exists([key.as_bytes()])?)
}

/// Nano-dollars of the request whose reply is stored under a key; `None`: nothing is.
///
/// # Errors
/// If the database cannot be read.
pub fn answer_cost(db: &Connection, key: &Hash) -> Result<Option<u64>> {
    let mut statement = db.prepare_cached("SELECT answer_cost FROM file_analysis WHERE cache_key = ?1")?;
    Ok(statement.query_row([key.as_bytes()], |row| row.get(0)).optional()?)
}

/// When the result under a key was made; `None`: there is none.
///
/// # Errors
/// If the database cannot be read.
pub fn made_at(db: &Connection, key: &Hash) -> Result<Option<Timestamp>> {
    let mut statement = db.prepare_cached("SELECT created_at FROM file_analysis WHERE cache_key = ?1")?;
    Ok(statement.query_row([key.as_bytes()], |row| row.get(0).map(Timestamp)).optional()?)
}

/// Every key that has a result.
///
/// # Errors
/// If the database cannot be read.
pub fn keys(db: &Connection) -> Result<HashSet<Hash>> {
    let mut statement = db.prepare("SELECT cache_key FROM file_analysis")?;
    let mut rows = statement.query([])?;
    let mut keys = HashSet::new();
    while let Some(row) = rows.next()? {
        keys.extend(Hash::from_bytes(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?));
    }
    Ok(keys)
}

/// Path and key of every result of a schema version.
///
/// # Errors
/// If the database cannot be read.
pub fn entries(db: &Connection, schema_version: u32) -> Result<Vec<(FilePath, Hash)>> {
    let mut statement =
        db.prepare("SELECT file_path, cache_key FROM file_analysis WHERE schema_version = ?1 ORDER BY analysis_id")?;
    let rows =
        statement.query_map([schema_version], |row| Ok((FilePath::new(row.get::<_, Vec<u8>>(0)?), hash(row, 1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Removes an unreadable result.
///
/// # Errors
/// If the database cannot be written.
pub fn remove(db: &Connection, key: &Hash) -> Result<()> {
    db.prepare_cached("DELETE FROM file_analysis WHERE cache_key = ?1")?.execute([key.as_bytes()])?;
    Ok(())
}

/// Counts an access to results that were found in place of new work.
///
/// # Errors
/// If the database cannot be written.
pub fn touch(db: &Connection, key: &Hash, now: Timestamp) -> Result<()> {
    db.prepare_cached(
        "UPDATE file_analysis SET access_count = access_count + 1, last_accessed = ?2 WHERE cache_key = ?1",
    )?
    .execute(params![key.as_bytes(), now.0])?;
    Ok(())
}

/// The result under a key, put together if it is one of several parts.
///
/// # Errors
/// If the database cannot be read or the entry cannot be unpacked.
pub fn get(db: &Connection, key: &Hash) -> Result<Option<StoredAnalysis>> {
    row(db, key)?.map(|row| assembled::whole(db, row)).transpose()
}

/// The result under a key as it is stored.
pub(super) fn row(db: &Connection, key: &Hash) -> Result<Option<StoredAnalysis>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM file_analysis WHERE cache_key = ?1"))?;
    let mut rows = statement.query([key.as_bytes()])?;
    rows.next()?.map(|row| stored(db, row)).transpose()
}

/// Whether any stored result is about a file of this path.
///
/// # Errors
/// If the database cannot be read.
pub fn is_about(db: &Connection, path: &FilePath) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM file_analysis WHERE file_path = ?1)";
    Ok(db.query_row(sql, [path.as_bytes()], |row| row.get(0))?)
}

/// The newest result of a path and kind, whatever it was made from.
///
/// # Errors
/// If the database cannot be read or the entry cannot be unpacked.
pub fn newest(db: &Connection, path: &FilePath, kind: JobKind) -> Result<Option<StoredAnalysis>> {
    let Some(analysis_type) = kind.analysis_type() else { return Ok(None) };
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} {NEWEST}"))?;
    let mut rows =
        statement.query(params![path.as_bytes(), analysis_type.as_str(), is_local(kind), Local::MODEL_ID])?;
    let newest = rows.next()?.map(|row| stored(db, row)).transpose()?;
    newest.map(|row| assembled::whole(db, row)).transpose()
}

/// The key of the newest result of a path and kind.
///
/// # Errors
/// If the database cannot be read.
pub fn newest_key(db: &Connection, path: &FilePath, kind: JobKind) -> Result<Option<Hash>> {
    let Some(analysis_type) = kind.analysis_type() else { return Ok(None) };
    let mut statement = db.prepare_cached(&format!("SELECT cache_key {NEWEST}"))?;
    let of = params![path.as_bytes(), analysis_type.as_str(), is_local(kind), Local::MODEL_ID];
    Ok(statement.query_row(of, |row| hash(row, 0)).optional()?)
}

/// The newest result of a path and type by the local analyzer (true) or by a model.
const NEWEST: &str = "FROM file_analysis WHERE file_path = ?1 AND analysis_type = ?2 AND (model_id = ?4) = ?3
                      ORDER BY created_at DESC, analysis_id DESC LIMIT 1";

const fn is_local(kind: JobKind) -> bool {
    matches!(kind, JobKind::Analyze(_))
}

/// What the newest result of a path and kind was made from.
///
/// # Errors
/// If the database cannot be read.
pub fn newest_parts(db: &Connection, path: &FilePath, kind: JobKind) -> Result<Option<StoredParts>> {
    let Some(analysis_type) = kind.analysis_type() else { return Ok(None) };
    let mut statement = db.prepare_cached(&format!(
        "SELECT content_hash, model_id, prompt_hash, schema_version, config_hash, deps_hash,
             EXISTS (SELECT 1 FROM answer_items i WHERE i.cache_key = file_analysis.cache_key) {NEWEST}"
    ))?;
    let parts = statement
        .query_row(params![path.as_bytes(), analysis_type.as_str(), is_local(kind), Local::MODEL_ID], |row| {
            Ok(StoredParts {
                content_hash: hash(row, 0)?,
                model_id: row.get(1)?,
                prompt_hash: hash(row, 2)?,
                schema_version: row.get(3)?,
                config_hash: hash(row, 4)?,
                deps_hash: hash(row, 5)?,
                has_items: row.get(6)?,
            })
        })
        .optional()?;
    Ok(parts)
}

const COLUMNS: &str = "cache_key, analysis_type, model_id, analysis_json, cost, generation_time_ms, created_at, size_bytes, \
                       answer_cost, input_tokens, output_tokens, commit_id, dictionary_id, repo_id";

fn stored(db: &Connection, row: &Row<'_>) -> Result<StoredAnalysis> {
    let analysis_type: String = row.get(1)?;
    let json = packed::unpack(db, &Packed { bytes: row.get(3)?, dictionary: row.get(12)? }, row.get(7)?)?;
    Ok(StoredAnalysis {
        key: hash(row, 0)?,
        analysis_type: AnalysisType::parse(analysis_type.trim_start_matches(PIECE))
            .ok_or_else(|| unreadable(&analysis_type))?,
        model_id: row.get(2)?,
        json: String::from_utf8(json).map_err(unreadable)?,
        bill: Bill {
            cost: row.get(4)?,
            answer_cost: row.get(8)?,
            input_tokens: row.get(9)?,
            output_tokens: row.get(10)?,
        },
        generation_time_ms: row.get::<_, i64>(5)?.unsigned_abs(),
        created_at: Timestamp(row.get(6)?),
        commit: row.get::<_, Option<Vec<u8>>>(11)?.map(ObjectId),
        shared_by: row.get::<_, String>(13)?.strip_prefix(SHARED_BY).map(str::to_owned),
    })
}

/// Reads a column of 32 bytes.
pub(super) fn hash(row: &Row<'_>, column: usize) -> rusqlite::Result<Hash> {
    let bytes: Vec<u8> = row.get(column)?;
    Hash::from_bytes(&bytes).ok_or(rusqlite::Error::InvalidColumnType(
        column,
        "a hash of 32 bytes".to_owned(),
        rusqlite::types::Type::Blob,
    ))
}

fn unreadable(detail: impl ToString) -> StoreError {
    StoreError::Unreadable { what: "analysis", detail: detail.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::key::{no_dependencies, no_options};
    use crate::domain::{Language, Role};
    use crate::store::{Database, open_writer};

    fn store() -> (tempfile::TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let db = open_writer(&dir.path().join("a.db"), Database::Analysis).unwrap();
        (dir, db)
    }

    fn key() -> AnalysisKey {
        AnalysisKey {
            content_hash: Hash::of(b"fn main() {}"),
            language: Language::RUST,
            role: Role::Library,
            analysis_type: AnalysisType::Todos,
            model_id: "local".into(),
            prompt_hash: Hash::of(b"rules"),
            schema_version: 1,
            config_hash: no_options(),
            deps_hash: no_dependencies(),
        }
    }

    #[test]
    fn an_entry_is_written_once_and_comes_back_whole() {
        let (_dir, db) = store();
        let (key, path) = (key(), FilePath::from("a.rs"));
        let put = |json: &str, at| {
            insert(&db, &new(&key, &path, json, 0), Timestamp(at)).unwrap();
        };
        put(r#"{"todos":[]}"#, 1);
        put(r#"{"todos":["second"]}"#, 2);
        let found = get(&db, &key.hash()).unwrap().unwrap();
        assert_eq!((found.json.as_str(), found.created_at), (r#"{"todos":[]}"#, Timestamp(1)));
        let parts = newest_parts(&db, &path, JobKind::Analyze(AnalysisType::Todos)).unwrap().unwrap();
        let other = AnalysisKey { prompt_hash: Hash::of(b"new rules"), ..key.clone() };
        assert_eq!(other.stale_reason(&parts), crate::domain::StaleReason::PromptChanged);
        assert_eq!(newest_parts(&db, &path, JobKind::Ask(AnalysisType::Todos)).unwrap(), None, "no model made it");
    }

    fn new<'a>(key: &'a AnalysisKey, path: &'a FilePath, json: &'a str, cost: u64) -> NewAnalysis<'a> {
        let bill = Bill { cost, answer_cost: cost, input_tokens: 10, output_tokens: 3 };
        NewAnalysis {
            key,
            path,
            json,
            packed: None,
            generation_time_ms: 3,
            repo_id: "r",
            repo_path: b"/r",
            commit: None,
            bill,
            is_piece: false,
        }
    }

    #[test]
    fn a_replaced_entry_keeps_what_was_paid_for_it() {
        let (_dir, db) = store();
        let (key, path) = (AnalysisKey { model_id: "xai/grok".into(), ..key() }, FilePath::from("a.rs"));
        insert(&db, &new(&key, &path, "1", 40), Timestamp(1)).unwrap();
        replace(&db, &new(&key, &path, "2", 2), Timestamp(9)).unwrap();
        let found = newest(&db, &path, JobKind::Ask(AnalysisType::Todos)).unwrap().unwrap();
        assert_eq!((found.json.as_str(), found.bill.cost, found.bill.answer_cost), ("2", 42, 2));
        assert_eq!((found.created_at, found.bill.input_tokens), (Timestamp(9), 10));
        assert_eq!(answer_cost(&db, &key.hash()).unwrap(), Some(2));
        assert_eq!(made_at(&db, &key.hash()).unwrap(), Some(Timestamp(9)));
        assert!(newest(&db, &path, JobKind::Analyze(AnalysisType::Todos)).unwrap().is_none());
    }
}
