//! Forgetting results because a person says so. What was free is made again at once; what was paid for is marked as evicted, so that
//! it is paid for again only when it is asked for or its content changes.

use rusqlite::{Transaction, params};

use super::dictionary;
use crate::clock::Timestamp;
use crate::domain::{AnalysisType, FilePath};
use crate::store::Result;

/// What is to be forgotten; `None` is no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub analysis_type: Option<AnalysisType>,
    pub file: Option<FilePath>,
}

/// What was forgotten of one store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    pub entries: u64,
    /// Of these, the ones that cost money and are not made again unasked.
    pub paid: u64,
    /// What they had cost, in nano-dollars.
    pub nano_dollars: u64,
}

/// The entries of a type (?1) and of a file (?2): those made at its path, and those that it has now.
const SELECTED: &str = "(?1 IS NULL OR analysis_type IN (?1, 'legacy:' || ?1, 'piece:' || ?1))
     AND (?2 IS NULL OR file_path = ?2 OR cache_key IN (SELECT cache_key FROM current_keys WHERE file_path = ?2))";

/// Forgets the selected analyses and, unless only one type is meant, what vectors the files have.
///
/// # Errors
/// If the database cannot be written.
pub fn forget(tx: &Transaction<'_>, selection: &Selection, now: Timestamp) -> Result<Forgotten> {
    let analysis_type = selection.analysis_type.map(AnalysisType::as_str);
    let file = selection.file.as_ref().map(FilePath::as_bytes);
    let sql = format!(
        "SELECT count(*), count(*) FILTER (WHERE cost > 0), coalesce(sum(max(cost, 0)), 0) FROM file_analysis WHERE {SELECTED}"
    );
    let forgotten = tx.query_row(&sql, params![analysis_type, file], |row| {
        Ok(Forgotten { entries: row.get(0)?, paid: row.get(1)?, nano_dollars: row.get(2)? })
    })?;
    tx.execute(
        &format!(
            "INSERT OR REPLACE INTO evicted SELECT cache_key, ?3 FROM file_analysis
             WHERE (cost > 0 OR cache_key IN (SELECT cache_key FROM answer_sources))
               AND cache_key IN (SELECT cache_key FROM current_keys) AND {SELECTED}"
        ),
        params![analysis_type, file, now.0],
    )?;
    tx.execute(&format!("DELETE FROM file_analysis WHERE {SELECTED}"), params![analysis_type, file])?;
    dictionary::drop_unused(tx)?;
    if selection.analysis_type.is_none() {
        tx.execute("DELETE FROM embedded_files WHERE ?1 IS NULL OR file_path = ?1", [file])?;
        if file.is_none() {
            tx.execute("DELETE FROM retired_vectors", [])?;
        }
    }
    Ok(forgotten)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::cache::evicted;
    use crate::domain::Hash;
    use crate::store::{Database, open_writer, write};

    fn key(name: &str) -> Hash {
        Hash::of(name.as_bytes())
    }

    fn put(db: &Connection, name: &str, path: &str, analysis_type: &str, cost: i64) {
        db.execute(
            "INSERT INTO file_analysis (file_path, content_hash, cache_key, analysis_json, analysis_type, model_id, prompt_hash,
                 schema_version, config_hash, deps_hash, generation_time_ms, cost, input_tokens, output_tokens, total_tokens,
                 created_at, last_accessed, access_count, size_bytes, repo_id, repo_path)
             VALUES (?1, x'', ?2, x'', ?3, 'm', x'', 1, x'', x'', 1, ?4, 0, 0, 0, 1, 1, 1, 1, 'r', x'')",
            params![path.as_bytes(), key(name).as_bytes(), analysis_type, cost],
        )
        .unwrap();
    }

    fn left(db: &Connection) -> Vec<Hash> {
        let mut statement = db.prepare("SELECT cache_key FROM file_analysis ORDER BY analysis_id").unwrap();
        statement.query_map([], |row| super::super::analyses::hash(row, 0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn clearing_takes_the_selected_and_marks_what_was_paid_for() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = open_writer(&dir.path().join("a.db"), Database::Analysis).unwrap();
        put(&db, "docs", "a.rs", "docs", 0);
        put(&db, "paid docs", "a.rs", "docs", 70);
        put(&db, "old docs", "a.rs", "legacy:docs", 5);
        put(&db, "todos", "a.rs", "todos", 0);
        put(&db, "moved", "before.rs", "docs", 9);
        put(&db, "other", "b.rs", "docs", 0);
        for (path, name) in [("a.rs", "paid docs"), ("c.rs", "moved")] {
            let sql = "INSERT INTO current_keys VALUES (?1, 'analyze:docs', ?2)";
            db.execute(sql, params![path.as_bytes(), key(name).as_bytes()]).unwrap();
        }
        let forget = |db: &mut Connection, analysis_type, file: Option<&str>| {
            let tx = write(db).unwrap();
            let selection = Selection { analysis_type, file: file.map(FilePath::from) };
            let forgotten = super::forget(&tx, &selection, Timestamp(5)).unwrap();
            tx.commit().unwrap();
            forgotten
        };
        let forgotten = forget(&mut db, Some(AnalysisType::Docs), Some("a.rs"));
        assert_eq!(forgotten, Forgotten { entries: 3, paid: 2, nano_dollars: 75 });
        assert_eq!(left(&db), ["todos", "moved", "other"].map(key));
        assert!(evicted::contains(&db, &key("paid docs")).unwrap());
        assert!(!evicted::contains(&db, &key("docs")).unwrap());
        assert_eq!(forget(&mut db, None, Some("c.rs")).entries, 1, "what the file has now, wherever it was made");
        assert_eq!(left(&db), ["todos", "other"].map(key));
        assert_eq!(forget(&mut db, None, None).entries, 2);
    }
}
