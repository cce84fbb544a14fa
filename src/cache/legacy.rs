//! Results of the earlier tool that kept its cache inside repositories. They are free-form, so they are kept as they were written and
//! never stand for an analysis of this program: their types are named `legacy:<type>`, which no plan asks for, and they are shown as
//! stale. To a prune they are entries that no view refers to, and that had a price.

use chrono::DateTime;
use rusqlite::{Connection, params};
use serde::Deserialize;

use super::key::{no_dependencies, no_options};
use super::packed::{self, Packed};
use crate::clock::Timestamp;
use crate::config::Price;
use crate::domain::{AnalysisType, FilePath, Hash};
use crate::store::{Result, StoreError};

/// What the types of these entries begin with.
const PREFIX: &str = "legacy:";
/// The schema of free-form results; those of this program begin with 1.
const SCHEMA_VERSION: u32 = 0;

/// An entry as it was written: the fields that the earlier tool documents.
#[derive(Deserialize)]
struct Written {
    file_path: String,
    /// SHA-256 of the file's content, in hex.
    file_hash: String,
    /// RFC 3339
    analyzed_at: String,
    provider: String,
    model: String,
    #[serde(rename = "result")]
    _result: serde_json::Value,
    tokens_used: Option<u64>,
    cache_type: String,
}

/// An entry that can be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyEntry {
    pub path: FilePath,
    pub content_hash: Hash,
    pub analyzed_at: Timestamp,
    pub provider: String,
    pub model: String,
    pub analysis_type: AnalysisType,
    pub tokens: u64,
    /// The whole entry, as it was written.
    text: String,
}

impl LegacyEntry {
    /// Reads an entry.
    ///
    /// # Errors
    /// For people: why it is none.
    pub fn parse(bytes: Vec<u8>) -> std::result::Result<Self, String> {
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        let written: Written = serde_json::from_str(&text).map_err(|error| format!("it is not an entry: {error}"))?;
        let content_hash =
            Hash::from_hex(&written.file_hash).ok_or_else(|| "its file_hash is not a SHA-256 in hex".to_owned())?;
        let analyzed_at = DateTime::parse_from_rfc3339(&written.analyzed_at)
            .map_err(|error| format!("its analyzed_at is not a time: {error}"))?;
        let analysis_type = AnalysisType::parse(&written.cache_type)
            .ok_or_else(|| format!("its cache_type {:?} is not known", written.cache_type))?;
        Ok(Self {
            path: FilePath::from(written.file_path.trim_start_matches("./")),
            content_hash,
            analyzed_at: Timestamp(analyzed_at.timestamp_millis()),
            provider: written.provider,
            model: written.model,
            analysis_type,
            tokens: written.tokens_used.unwrap_or(0),
            text,
        })
    }

    /// Identity of the entry: the same one found again, in whatever place, is the same.
    pub fn key(&self) -> Hash {
        Hash::of_fields([
            &b"legacy"[..],
            self.content_hash.as_bytes(),
            self.analysis_type.as_str().as_bytes(),
            Hash::of(self.text.as_bytes()).as_bytes(),
        ])
    }

    /// What the tokens cost at a price, in nano-dollars. Only their sum is known; taken for input, the larger part of an analysis,
    /// it is the least that was paid.
    pub fn cost(&self, price: &Price) -> u64 {
        let nano = u128::from(self.tokens) * u128::from(price.input);
        u64::try_from(nano.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

/// Where an entry goes.
pub struct Destination<'a> {
    pub repo_id: &'a str,
    pub repo_path: &'a [u8],
    /// The path that has, or had, the content.
    pub path: &'a FilePath,
    /// Nano-dollars.
    pub cost: u64,
}

/// Stores an entry; false if it is there already.
///
/// # Errors
/// If the database cannot be written.
pub fn insert(db: &Connection, entry: &LegacyEntry, to: &Destination<'_>) -> Result<bool> {
    let packed = packed::pack(db, entry.text.as_bytes())?;
    let inserted = db
        .prepare_cached(
            "INSERT INTO file_analysis (file_path, content_hash, cache_key, analysis_json, analysis_type, model_id, prompt_hash,
                 schema_version, config_hash, deps_hash, generation_time_ms, cost, input_tokens, output_tokens, total_tokens,
                 created_at, last_accessed, access_count, size_bytes, repo_id, repo_path, dictionary_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11, 0, 0, ?12, ?13, ?13, 1, ?14, ?15, ?16, ?17)
             ON CONFLICT (cache_key) DO NOTHING",
        )?
        .execute(params![
            to.path.as_bytes(),
            entry.content_hash.as_bytes(),
            entry.key().as_bytes(),
            packed.bytes,
            format!("{PREFIX}{}", entry.analysis_type),
            format!("{}/{}", entry.provider, entry.model),
            Hash::of(b"legacy").as_bytes(),
            SCHEMA_VERSION,
            no_options().as_bytes(),
            no_dependencies().as_bytes(),
            i64::try_from(to.cost).unwrap_or(i64::MAX),
            i64::try_from(entry.tokens).unwrap_or(i64::MAX),
            entry.analyzed_at.0,
            entry.text.len() as i64,
            to.repo_id,
            to.repo_path,
            packed.dictionary,
        ])?;
    Ok(inserted > 0)
}

/// An imported result, for reading.
#[derive(Clone, Debug, PartialEq)]
pub struct LegacyAnalysis {
    pub analysis_type: String,
    pub model_id: String,
    pub created_at: Timestamp,
    /// Nano-dollars.
    pub cost: u64,
    pub tokens: u64,
    /// It is about the very content that the file has now.
    pub same_content: bool,
    pub result: serde_json::Value,
}

/// The imported results of a file, newest first.
///
/// # Errors
/// If the database cannot be read or an entry cannot be unpacked.
pub fn of_file(db: &Connection, path: &FilePath, content: Option<&Hash>) -> Result<Vec<LegacyAnalysis>> {
    let mut statement = db.prepare_cached(
        "SELECT substr(analysis_type, 8), model_id, created_at, cost, total_tokens, content_hash IS ?2, analysis_json,
                dictionary_id, size_bytes
         FROM file_analysis WHERE file_path = ?1 AND analysis_type GLOB 'legacy:*'
         ORDER BY created_at DESC, analysis_id",
    )?;
    let mut rows = statement.query(params![path.as_bytes(), content.map(|hash| &hash.as_bytes()[..])])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let text = packed::unpack(db, &Packed { bytes: row.get(6)?, dictionary: row.get(7)? }, row.get(8)?)?;
        let mut entry: serde_json::Value = serde_json::from_slice(&text).map_err(unreadable)?;
        found.push(LegacyAnalysis {
            analysis_type: row.get(0)?,
            model_id: row.get(1)?,
            created_at: Timestamp(row.get(2)?),
            cost: row.get(3)?,
            tokens: row.get(4)?,
            same_content: row.get(5)?,
            result: entry["result"].take(),
        });
    }
    Ok(found)
}

fn unreadable(detail: impl ToString) -> StoreError {
    StoreError::Unreadable { what: "imported analysis", detail: detail.to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cache::analyses;
    use crate::domain::JobKind;
    use crate::store::{Database, open_writer};

    fn written() -> serde_json::Value {
        json!({
            "file_path": "src/a.rs",
            "file_hash": Hash::of(b"fn a() {}").to_string(),
            "analyzed_at": "2025-03-01T10:00:00.5+02:00",
            "provider": "xai",
            "model": "grok-beta",
            "result": {"score": 95.50, "notes": ["ü", null]},
            "tokens_used": 1_500_001,
            "file_size": 9,
            "cache_type": "refactor",
        })
    }

    fn parse(value: &serde_json::Value) -> std::result::Result<LegacyEntry, String> {
        LegacyEntry::parse(value.to_string().into_bytes())
    }

    #[test]
    fn an_entry_is_read_and_costed_by_its_tokens() {
        let entry = parse(&written()).unwrap();
        assert_eq!((entry.path.clone(), entry.content_hash), ("src/a.rs".into(), Hash::of(b"fn a() {}")));
        assert_eq!(entry.analyzed_at.to_rfc3339(), "2025-03-01T08:00:00Z");
        let price =
            Price { input: 200_000_000, cached_input: 50_000_000, cache_write: 200_000_000, output: 500_000_000 };
        assert_eq!(entry.cost(&price), 300_000_200);
        let mut unknown = written();
        unknown["tokens_used"] = json!(null);
        assert_eq!(parse(&unknown).unwrap().cost(&price), 0);
        assert_ne!(parse(&unknown).unwrap().key(), entry.key());
    }

    #[test]
    fn what_is_no_entry_is_refused_with_the_reason() {
        let spoilt = |name: &str, value: serde_json::Value| {
            let mut entry = written();
            entry[name] = value;
            parse(&entry).unwrap_err()
        };
        assert!(spoilt("file_hash", json!("abc")).contains("file_hash"));
        assert!(spoilt("file_hash", json!("ü".repeat(32))).contains("file_hash"));
        assert!(spoilt("analyzed_at", json!("yesterday")).contains("analyzed_at"));
        assert!(spoilt("cache_type", json!("poems")).contains("poems"));
        assert!(spoilt("model", json!(7)).contains("not an entry"));
        assert!(LegacyEntry::parse(b"\xff".to_vec()).unwrap_err().contains("UTF-8"));
        assert!(LegacyEntry::parse(Vec::new()).is_err());
        let mut bare = written();
        bare.as_object_mut().unwrap().remove("result");
        assert!(parse(&bare).unwrap_err().contains("result"));
    }

    #[test]
    fn an_import_is_stored_once_unchanged_and_is_no_analysis() {
        let dir = tempfile::tempdir().unwrap();
        let db = open_writer(&dir.path().join("a.db"), Database::Analysis).unwrap();
        let entry = parse(&written()).unwrap();
        let path = FilePath::from("src/now.rs");
        let to = Destination { repo_id: "r", repo_path: b"/r", path: &path, cost: 42 };
        assert!(insert(&db, &entry, &to).unwrap());
        assert!(!insert(&db, &entry, &to).unwrap());
        let found = of_file(&db, &path, Some(&entry.content_hash)).unwrap();
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(one.result, written()["result"]);
        assert_eq!((one.analysis_type.as_str(), one.model_id.as_str()), ("refactor", "xai/grok-beta"));
        assert_eq!((one.cost, one.tokens, one.same_content), (42, 1_500_001, true));
        assert!(!of_file(&db, &path, None).unwrap()[0].same_content);
        assert!(of_file(&db, &"src/a.rs".into(), None).unwrap().is_empty());
        for kind in [JobKind::Analyze(AnalysisType::Refactor), JobKind::Ask(AnalysisType::Refactor)] {
            assert!(analyses::newest(&db, &path, kind).unwrap().is_none());
        }
    }
}
