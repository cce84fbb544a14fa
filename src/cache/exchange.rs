//! Analyses as other machines get them: from the rows of `file_analysis` to the content of an entry, and back. An entry names no path, no
//! repository and no commit; the path is that of the file for which it is wanted here.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::analyses::{self, hash};
use super::assembled::{self, PIECE};
use super::evicted;
use super::key::AnalysisKey;
use super::packed::{self, Packed};
use crate::analyzer::items::ItemMap;
use crate::analyzer::llm::secrets::redact;
use crate::analyzer::{Analysis, Local};
use crate::clock::Timestamp;
use crate::domain::{AnalysisType, FilePath, Hash};
use crate::shared::{EntryKind, PublicKey, ResultStore, SharedEntry, TakenEntry, WantedEntry};
use crate::store::{Result, StoreError};

/// Version of what the content of such an entry says.
const ROWS_SCHEMA: u32 = 1;
/// What stands before the signer's key in the place of the repository that an analysis was made for.
pub const SHARED_BY: &str = "shared:";
/// Wanted keys from which all keys of the store are read at once.
const MANY: usize = 500;
/// Answers that one may be put together from, and those from which these are.
const MOST_ROWS: usize = 64;

/// An analysis that a plan asks for, and the file that it is for.
#[derive(Clone, Debug)]
pub struct PlannedAnalysis {
    pub path: FilePath,
    pub key: AnalysisKey,
}

impl PlannedAnalysis {
    pub fn wanted(&self) -> WantedEntry {
        wanted(&self.key.model_id, self.key.hash())
    }
}

fn wanted(model_id: &str, key: Hash) -> WantedEntry {
    let kind = if model_id == Local::MODEL_ID { EntryKind::Analysis } else { EntryKind::Answer };
    WantedEntry { kind, key, schema: ROWS_SCHEMA }
}

/// What the content of an entry says: rows of `file_analysis`, each after those that it is put together from; the last is the answer.
#[derive(Debug, Serialize, Deserialize)]
struct SharedRows {
    rows: Vec<SharedRow>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SharedRow {
    key: String,
    content_hash: String,
    analysis_type: String,
    model_id: String,
    prompt_hash: String,
    schema_version: u32,
    config_hash: String,
    deps_hash: String,
    generation_time_ms: i64,
    cost: i64,
    answer_cost: i64,
    input_tokens: i64,
    output_tokens: i64,
    created_at: i64,
    report: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    items: Option<ItemMap>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sources: Vec<String>,
}

/// The analyses of one repository's store, as a store of results.
pub struct LocalResults<'d> {
    db: &'d Connection,
    /// By key: what is wanted, for which file, and the number of the result that it is a key of.
    planned: HashMap<Hash, (PlannedAnalysis, usize)>,
    now: Timestamp,
}

impl<'d> LocalResults<'d> {
    /// `planned`: for each result the keys that it may have, of which one is enough.
    pub fn new(db: &'d Connection, planned: impl IntoIterator<Item = Vec<PlannedAnalysis>>, now: Timestamp) -> Self {
        let numbered = planned.into_iter().enumerate();
        let by_key =
            numbered.flat_map(|(number, keys)| keys.into_iter().map(move |one| (one.key.hash(), (one, number))));
        Self { db, planned: by_key.collect(), now }
    }

    fn result_of(&self, key: &Hash) -> Option<usize> {
        self.planned.get(key).map(|(_, number)| *number)
    }
}

impl ResultStore for LocalResults<'_> {
    type Error = StoreError;

    /// One that was removed for want of room is not brought back, nor one that is here under another of its keys.
    fn lacks(&mut self, wanted: &[WantedEntry]) -> Result<Vec<WantedEntry>> {
        let settled = if wanted.len() > MANY { Some(evicted::settled_keys(self.db)?) } else { None };
        let (mut lacking, mut there) = (Vec::new(), HashSet::new());
        for one in wanted {
            let is_settled = match &settled {
                Some(settled) => settled.contains(&one.key),
                None => evicted::is_settled(self.db, &one.key)?,
            };
            if is_settled {
                there.extend(self.result_of(&one.key));
            } else {
                lacking.push(*one);
            }
        }
        lacking.retain(|one| !self.result_of(&one.key).is_some_and(|result| there.contains(&result)));
        Ok(lacking)
    }

    /// What is here was made here or taken before; its signer does not matter any more.
    fn get_many(&mut self, wanted: &[WantedEntry]) -> Result<Vec<TakenEntry>> {
        let mut found = Vec::new();
        for one in wanted {
            let taken = |entry| TakenEntry { entry, signer: PublicKey([0; 32]) };
            found.extend(export(self.db, one)?.map(taken));
        }
        Ok(found)
    }

    fn put(&mut self, entries: Vec<TakenEntry>) -> Result<usize> {
        let tx = self.db.unchecked_transaction()?;
        let mut kept = 0;
        for taken in entries {
            let Some((planned, _)) = self.planned.get(&taken.entry.key) else { continue };
            self.db.execute_batch("SAVEPOINT take_entry")?;
            match import(self.db, planned, &taken, self.now) {
                Ok(()) => {
                    self.db.execute_batch("RELEASE take_entry")?;
                    kept += 1;
                }
                Err(error) => {
                    self.db.execute_batch("ROLLBACK TO take_entry; RELEASE take_entry")?;
                    if error.is_damage() {
                        return Err(error);
                    }
                    tracing::warn!(%error, signer = %taken.signer.fingerprint(), "an entry of the shared store is not used");
                }
            }
        }
        tx.commit()?;
        Ok(kept)
    }
}

/// The entries that this store can give to others: what was made here for files as they are committed, answers of a model first. Not what
/// concerns files that are withheld, nor files that use something of these, for an analysis shows signatures.
///
/// # Errors
/// If the database cannot be read.
pub fn shareable(db: &Connection, is_withheld: impl Fn(&FilePath) -> bool) -> Result<Vec<WantedEntry>> {
    let mut touching = HashSet::new();
    let mut edges = db.prepare("SELECT DISTINCT source_file, dependent_file FROM file_dependencies")?;
    let mut rows = edges.query([])?;
    while let Some(row) = rows.next()? {
        if is_withheld(&FilePath::new(row.get::<_, Vec<u8>>(0)?)) {
            touching.insert(FilePath::new(row.get::<_, Vec<u8>>(1)?));
        }
    }
    let mut statement = db.prepare(
        "SELECT DISTINCT k.file_path, a.cache_key, a.model_id FROM current_keys k
         JOIN file_analysis a ON a.cache_key = k.cache_key
         JOIN files f ON f.file_path = k.file_path AND f.content_hash = a.content_hash
         WHERE a.repo_id NOT LIKE 'shared:%' ORDER BY a.model_id = ?1, a.analysis_id",
    )?;
    let mut rows = statement.query([Local::MODEL_ID])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let path = FilePath::new(row.get::<_, Vec<u8>>(0)?);
        if !is_withheld(&path) && !touching.contains(&path) {
            found.push(wanted(&row.get::<_, String>(2)?, hash(row, 1)?));
        }
    }
    Ok(found)
}

/// An analysis as an entry. `None`: there is none, or a secret was found in it.
///
/// # Errors
/// If the database cannot be read.
pub fn export(db: &Connection, wanted: &WantedEntry) -> Result<Option<SharedEntry>> {
    let mut rows = Vec::new();
    if !collect(db, &wanted.key, &mut rows)? || rows.iter().any(holds_secret) {
        return Ok(None);
    }
    let content = serde_json::to_vec(&SharedRows { rows }).map_err(unreadable)?;
    Ok(Some(SharedEntry { kind: wanted.kind, key: wanted.key, schema: wanted.schema, content }))
}

fn holds_secret(row: &SharedRow) -> bool {
    let items = row.items.as_ref().and_then(|items| serde_json::to_string(items).ok()).unwrap_or_default();
    [&row.report, &items].into_iter().any(|text| !redact(text).redactions.is_empty())
}

/// Adds a row after those that it is put together from. False: one is missing.
fn collect(db: &Connection, key: &Hash, rows: &mut Vec<SharedRow>) -> Result<bool> {
    let hex = key.to_string();
    if rows.iter().any(|row| row.key == hex) {
        return Ok(true);
    }
    let Some(mut row) = row(db, key)? else { return Ok(false) };
    for source in assembled::sources(db, key)? {
        row.sources.push(source.to_string());
        if rows.len() >= MOST_ROWS || !collect(db, &source, rows)? {
            return Ok(false);
        }
    }
    row.items = assembled::map(db, key)?;
    rows.push(row);
    Ok(true)
}

fn row(db: &Connection, key: &Hash) -> Result<Option<SharedRow>> {
    let mut statement = db.prepare_cached(
        "SELECT content_hash, analysis_type, model_id, prompt_hash, schema_version, config_hash, deps_hash, generation_time_ms, cost,
             answer_cost, input_tokens, output_tokens, created_at, analysis_json, dictionary_id, size_bytes
         FROM file_analysis WHERE cache_key = ?1",
    )?;
    let found = statement.query_row([key.as_bytes()], |row| {
        let packed = Packed { bytes: row.get(13)?, dictionary: row.get(14)? };
        let shared = SharedRow {
            key: key.to_string(),
            content_hash: hash(row, 0)?.to_string(),
            analysis_type: row.get(1)?,
            model_id: row.get(2)?,
            prompt_hash: hash(row, 3)?.to_string(),
            schema_version: row.get(4)?,
            config_hash: hash(row, 5)?.to_string(),
            deps_hash: hash(row, 6)?.to_string(),
            generation_time_ms: row.get(7)?,
            cost: row.get(8)?,
            answer_cost: row.get(9)?,
            input_tokens: row.get(10)?,
            output_tokens: row.get(11)?,
            created_at: row.get(12)?,
            report: String::new(),
            items: None,
            sources: Vec::new(),
        };
        Ok((shared, packed, row.get::<_, i64>(15)?))
    });
    let Some((shared, packed, size)) = found.optional()? else { return Ok(None) };
    let report = packed::unpack(db, &packed, usize::try_from(size).unwrap_or_default())?;
    Ok(Some(SharedRow { report: String::from_utf8(report).map_err(unreadable)?, ..shared }))
}

/// Stores what an entry says, if it is what was planned.
fn import(db: &Connection, planned: &PlannedAnalysis, taken: &TakenEntry, now: Timestamp) -> Result<()> {
    let SharedRows { rows } = serde_json::from_slice(&taken.entry.content).map_err(unreadable)?;
    let last =
        rows.last().filter(|_| rows.len() <= MOST_ROWS).ok_or_else(|| unreadable("it has no rows, or too many"))?;
    if !is_planned(last, &planned.key) {
        return Err(unreadable("it was made from something else"));
    }
    let by = format!("{SHARED_BY}{}", taken.signer);
    for row in &rows {
        put_row(db, row, &planned.path, &by, now)?;
    }
    // Reads it as it will be read: a report of its type, put together where it is one of several parts.
    let key = planned.key.hash();
    let stored = analyses::get(db, &key)?.ok_or_else(|| unreadable("its answer is not among its rows"))?;
    Analysis::from_json(planned.key.analysis_type, &stored.json).map_err(unreadable)?;
    Ok(())
}

/// Whether a row says that it was made from what a key stands for.
fn is_planned(row: &SharedRow, key: &AnalysisKey) -> bool {
    let hashes = [
        (&row.key, key.hash()),
        (&row.content_hash, key.content_hash),
        (&row.prompt_hash, key.prompt_hash),
        (&row.config_hash, key.config_hash),
        (&row.deps_hash, key.deps_hash),
    ];
    hashes.iter().all(|(text, hash)| **text == hash.to_string())
        && row.analysis_type == key.analysis_type.as_str()
        && row.model_id == key.model_id
        && row.schema_version == key.schema_version
}

fn put_row(db: &Connection, row: &SharedRow, path: &FilePath, by: &str, now: Timestamp) -> Result<()> {
    let bytes = |text: &str| Hash::from_hex(text).ok_or_else(|| unreadable("a hash in it is none"));
    let (key, analysis_type) = (bytes(&row.key)?, row.analysis_type.trim_start_matches(PIECE));
    let analysis_type = AnalysisType::parse(analysis_type).ok_or_else(|| unreadable("a type in it is unknown"))?;
    let sources = row.sources.iter().map(|source| bytes(source)).collect::<Result<Vec<Hash>>>()?;
    if sources.is_empty() {
        Analysis::from_json(analysis_type, &row.report).map_err(unreadable)?;
    }
    let numbers =
        [row.generation_time_ms, row.cost, row.answer_cost, row.input_tokens, row.output_tokens, row.created_at];
    if numbers.iter().any(|number| *number < 0) {
        return Err(unreadable("a number in it is negative"));
    }
    let packed = packed::pack(db, row.report.as_bytes())?;
    let inserted = db
        .prepare_cached(
            "INSERT INTO file_analysis (file_path, content_hash, cache_key, analysis_json, analysis_type, model_id, prompt_hash,
                 schema_version, config_hash, deps_hash, generation_time_ms, cost, answer_cost, input_tokens, output_tokens,
                 total_tokens, created_at, last_accessed, access_count, size_bytes, repo_id, repo_path, commit_id, dictionary_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?14 + ?15, ?16, ?17, 1, ?18, ?19, x'', NULL,
                 ?20)
             ON CONFLICT (cache_key) DO NOTHING",
        )?
        .execute(params![
            path.as_bytes(),
            bytes(&row.content_hash)?.as_bytes(),
            key.as_bytes(),
            packed.bytes,
            row.analysis_type,
            row.model_id,
            bytes(&row.prompt_hash)?.as_bytes(),
            row.schema_version,
            bytes(&row.config_hash)?.as_bytes(),
            bytes(&row.deps_hash)?.as_bytes(),
            row.generation_time_ms,
            row.cost,
            row.answer_cost,
            row.input_tokens,
            row.output_tokens,
            row.created_at,
            now.0,
            i64::try_from(row.report.len()).unwrap_or(i64::MAX),
            by,
            packed.dictionary,
        ])?;
    // One that is here stays as it is, with all that belongs to it.
    if inserted > 0 {
        for source in sources {
            db.prepare_cached("INSERT OR IGNORE INTO answer_sources VALUES (?1, ?2)")?
                .execute([key.as_bytes(), source.as_bytes()])?;
        }
        if let Some(items) = &row.items {
            assembled::put_map(db, &key, items)?;
        }
    }
    Ok(())
}

/// What came from other machines: answers of a model and what they cost there in nano-dollars, and all analyses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakenSums {
    pub answers: u64,
    pub cost: u64,
    pub analyses: u64,
}

/// # Errors
/// If the database cannot be read.
pub fn taken(db: &Connection) -> Result<TakenSums> {
    let sql =
        "SELECT coalesce(sum(model_id <> ?1 AND analysis_type NOT LIKE 'piece:%'), 0), coalesce(sum(cost), 0), count(*)
               FROM file_analysis WHERE repo_id LIKE 'shared:%'";
    Ok(db.query_row(sql, [Local::MODEL_ID], |row| {
        Ok(TakenSums { answers: row.get(0)?, cost: row.get(1)?, analyses: row.get(2)? })
    })?)
}

fn unreadable(detail: impl ToString) -> StoreError {
    StoreError::Unreadable { what: "shared analysis", detail: detail.to_string() }
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
