//! Results that another repository's store already has: equal content under equal circumstances has an equal key wherever it lies, so
//! a linked worktree, a clone or a vendored copy costs nothing. They are copied, because a repository may go at any time.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::assembled;
use super::packed::{self, Packed};
use crate::clock::Timestamp;
use crate::domain::Hash;
use crate::store::Result;

/// Columns that are not the result's but the store's.
const OWN: [&str; 5] = ["analysis_id", "last_accessed", "access_count", "analysis_json", "dictionary_id"];

/// Copies the result under a key; false if the other store has none. The copy goes on naming the repository that it was made for, by
/// which it is told from what was paid for here; its price stays what it was, for that is what losing it would cost.
///
/// # Errors
/// If the other database cannot be read, or this one not be written.
pub fn copy(from: &Connection, to: &Connection, key: &Hash, now: Timestamp) -> Result<bool> {
    let mut select = from.prepare_cached("SELECT * FROM file_analysis WHERE cache_key = ?1")?;
    let names: Vec<String> = select.column_names().map(str::to_owned).collect();
    let mut rows = select.query([key.as_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(false) };
    // What an answer is put together from comes before it.
    for source in assembled::sources(from, key)? {
        if !copy(from, to, &source, now)? {
            return Ok(false);
        }
    }
    let stored = Packed { bytes: row.get("analysis_json")?, dictionary: row.get("dictionary_id")? };
    let packed = repacked(from, to, stored, row.get("size_bytes")?)?;
    let mut columns = vec!["last_accessed", "access_count", "analysis_json", "dictionary_id"];
    let dictionary = packed.dictionary.map_or(Value::Null, Value::Integer);
    let mut values = vec![Value::Integer(now.0), Value::Integer(1), Value::Blob(packed.bytes), dictionary];
    for (at, name) in names.iter().enumerate().filter(|(_, name)| !OWN.contains(&name.as_str())) {
        columns.push(name);
        values.push(row.get(at)?);
    }
    let places = vec!["?"; columns.len()].join(", ");
    let sql = format!(
        "INSERT INTO file_analysis ({}) VALUES ({places}) ON CONFLICT (cache_key) DO NOTHING",
        columns.join(", ")
    );
    to.prepare_cached(&sql)?.execute(params_from_iter(values))?;
    assembled::copy_map(from, to, key)?;
    Ok(true)
}

/// The dictionary stays where it is; the text is packed with the other store's.
fn repacked(from: &Connection, to: &Connection, stored: Packed, size: usize) -> Result<Packed> {
    if stored.dictionary.is_none() && packed::newest(to)?.is_none() {
        return Ok(stored);
    }
    packed::pack(to, &packed::unpack(from, &stored, size)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::analyses;
    use crate::cache::key::no_options;
    use crate::store::{Database, open_writer};

    #[test]
    fn a_copy_is_whole_but_for_what_is_the_stores_own() {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str| open_writer(&dir.path().join(name), Database::Analysis).unwrap();
        let (from, to) = (open("from.db"), open("to.db"));
        let key = Hash::of(b"key");
        let hash = no_options();
        from.execute(
            "INSERT INTO file_analysis (analysis_id, file_path, content_hash, cache_key, analysis_json, analysis_type, model_id,
                 prompt_hash, schema_version, config_hash, deps_hash, generation_time_ms, cost, input_tokens, output_tokens,
                 total_tokens, created_at, last_accessed, access_count, size_bytes, repo_id, repo_path)
             VALUES (77, x'61FF', ?1, ?2, x'00', 'docs', 'm', ?1, 3, ?1, ?1, 9, 500, 1, 2, 3, 11, 12, 13, 1, 'there', x'2F')",
            [hash.as_bytes(), key.as_bytes()],
        )
        .unwrap();
        assert!(!copy(&from, &to, &Hash::of(b"other"), Timestamp(99)).unwrap());
        assert!(copy(&from, &to, &key, Timestamp(99)).unwrap());
        assert!(copy(&from, &to, &key, Timestamp(100)).unwrap(), "an entry stays as it is");
        assert!(analyses::contains(&to, &key).unwrap());
        let columns_of = |db: &Connection, columns: &str| -> Vec<Value> {
            let mut statement = db.prepare(&format!("SELECT {columns} FROM file_analysis")).unwrap();
            let count = statement.column_count();
            statement.query_row([], |row| (0..count).map(|at| row.get(at)).collect()).unwrap()
        };
        let kept = "file_path, content_hash, cache_key, analysis_json, analysis_type, model_id, prompt_hash, schema_version,
                    config_hash, deps_hash, generation_time_ms, cost, input_tokens, output_tokens, total_tokens, created_at,
                    size_bytes, repo_id, repo_path";
        assert_eq!(columns_of(&to, kept), columns_of(&from, kept));
        assert_eq!(columns_of(&to, "last_accessed, access_count"), [Value::Integer(99), Value::Integer(1)]);
    }
}
