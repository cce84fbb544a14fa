//! The lexical index: the chunks of the present view in an FTS5 table, code-aware tokens in, BM25 out.
//!
//! It is in SQLite and not in LanceDB because it then changes in the same transaction as the view, costs no index build after a
//! commit, and a lexical search needs no LanceDB in memory.

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use crate::domain::{FilePath, Hash};
use crate::store::{Result, StoreError};

use super::{paths, words};

/// A chunk as the index knows it. Its text is in the repository (by lines) and in LanceDB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkRecord {
    pub chunk_id: String,
    pub path: FilePath,
    pub chunk_hash: Hash,
    pub entity_type: String,
    pub entity_name: String,
    /// It is a test, or stands in a module of tests.
    pub is_test: bool,
    /// 1-based, inclusive.
    pub start_line: u32,
    pub end_line: u32,
    /// What begins in it, where that is more than the one item that it is named after.
    pub items: Vec<ItemRecord>,
}

/// One of several items in a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRecord {
    pub entity_type: String,
    pub entity_name: String,
    pub start_line: u32,
    pub end_line: u32,
}

impl ChunkRecord {
    /// The names in it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.items.is_empty().then_some(self.entity_name.as_str());
        self.items.iter().map(|item| item.entity_name.as_str()).chain(own).filter(|name| !name.is_empty())
    }
}

/// Weights of the columns name, path and body in BM25: a name that matches says more than a body that does.
const WEIGHTS: &str = "4.0, 2.0, 1.0";

/// Identity of the `ordinal`-th chunk of a path with equal text: it survives moves inside the file.
pub fn chunk_id(path: &FilePath, chunk_hash: &Hash, ordinal: u32) -> String {
    let hash = Hash::of_fields([path.as_bytes(), chunk_hash.as_bytes(), &ordinal.to_le_bytes()]);
    hash.to_string()[..32].to_owned()
}

/// A chunk with its words as the index holds them.
pub struct IndexedChunk {
    record: ChunkRecord,
    names: String,
    body: String,
}

impl IndexedChunk {
    pub fn new(record: ChunkRecord, text: &str) -> Self {
        Self { names: words::indexed(&record.entity_name), body: words::indexed(text), record }
    }
}

/// Puts the chunks of files in the place of those that they had.
///
/// Those that they had go first, of all files: FTS5 keeps in memory what is written as long as the numbers of the rows ascend, and writes
/// a part of its index when they do not.
///
/// # Errors
/// If the database cannot be written.
pub fn replace(db: &Connection, files: &[(&FilePath, &[IndexedChunk])]) -> Result<()> {
    let mut numbers = Vec::new();
    for (path, _) in files {
        numbers.extend(numbers_of(db, path)?);
    }
    numbers.sort_unstable();
    remove_numbered(db, &numbers)?;
    files.iter().try_for_each(|(path, chunks)| add(db, path, chunks))
}

fn add(db: &Connection, path: &FilePath, chunks: &[IndexedChunk]) -> Result<()> {
    if chunks.is_empty() {
        return Ok(());
    }
    let mut row = db.prepare_cached(
        "INSERT INTO chunks (chunk_id, path_no, chunk_hash, entity_type, entity_name, start_line, end_line, is_test, items)
         VALUES (unhex(?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut text = db.prepare_cached("INSERT INTO chunk_text (rowid, name, path, body) VALUES (?1, ?2, ?3, ?4)")?;
    let path_words = words::indexed(&path.to_string());
    let path_no = paths::number(db, path)?;
    for IndexedChunk { record: chunk, names, body } in chunks {
        row.execute(params![
            chunk.chunk_id,
            path_no,
            chunk.chunk_hash.as_bytes(),
            chunk.entity_type,
            chunk.entity_name,
            chunk.start_line,
            chunk.end_line,
            chunk.is_test,
            packed(&chunk.items),
        ])?;
        text.execute(params![db.last_insert_rowid(), names, path_words, body])?;
    }
    Ok(())
}

/// Does without the index of the ids until [`index_ids`], if there is no chunk yet: an id is a hash, so while very many come, each
/// transaction would write nearly all of the index again.
///
/// # Errors
/// If the database cannot be written.
pub fn begin_without_ids(db: &Connection) -> Result<()> {
    if !db.prepare("SELECT 1 FROM chunks LIMIT 1")?.exists([])? {
        db.execute_batch("DROP INDEX IF EXISTS chunks_id")?;
    }
    Ok(())
}

/// Makes the index of the ids, unless it is there.
///
/// # Errors
/// If the database cannot be written.
pub fn index_ids(db: &Connection) -> Result<()> {
    Ok(db.execute_batch("CREATE UNIQUE INDEX IF NOT EXISTS chunks_id ON chunks (chunk_id)")?)
}

/// Takes the chunks of one file out.
///
/// # Errors
/// If the database cannot be written.
pub fn remove(db: &Connection, path: &FilePath) -> Result<()> {
    remove_numbered(db, &numbers_of(db, path)?)
}

fn numbers_of(db: &Connection, path: &FilePath) -> Result<Vec<i64>> {
    let Some(path_no) = paths::find(db, path)? else { return Ok(Vec::new()) };
    let mut numbers = db.prepare_cached("SELECT chunk_no FROM chunks WHERE path_no = ?1")?;
    Ok(numbers.query_map([path_no], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// One by one, for a statement that takes several rows out has FTS5 write what it keeps in memory, too.
fn remove_numbered(db: &Connection, numbers: &[i64]) -> Result<()> {
    let mut words = db.prepare_cached("DELETE FROM chunk_text WHERE rowid = ?1")?;
    let mut row = db.prepare_cached("DELETE FROM chunks WHERE chunk_no = ?1")?;
    for number in numbers {
        words.execute([number])?;
        row.execute([number])?;
    }
    Ok(())
}

/// Numbers of the chunks that hold words of the query, best first, with their BM25 score (higher is better). Stop words count only in a
/// query of nothing else. What chunks they are is asked of [`numbered`], for few of many repositories' are wanted.
///
/// # Errors
/// If the database cannot be read.
pub fn search(db: &Connection, query: &str, limit: usize) -> Result<Vec<(i64, f64)>> {
    let Some(query) = words::any_of(query) else { return Ok(Vec::new()) };
    let mut statement = db.prepare_cached(&format!(
        "SELECT rowid, -bm25(chunk_text, {WEIGHTS}) AS score FROM chunk_text WHERE chunk_text MATCH ?1 ORDER BY score DESC LIMIT ?2"
    ))?;
    let found = statement.query_map(params![query, limit as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// The chunk of a number.
///
/// # Errors
/// If the database cannot be read.
pub fn numbered(db: &Connection, chunk_no: i64) -> Result<Option<ChunkRecord>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM {ROWS} WHERE chunk_no = ?1"))?;
    let mut rows = statement.query([chunk_no])?;
    rows.next()?.map(record).transpose()
}

/// The chunk of an id, if it is in the present view.
///
/// # Errors
/// If the database cannot be read.
pub fn get(db: &Connection, chunk_id: &str) -> Result<Option<ChunkRecord>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM {ROWS} WHERE chunk_id = unhex(?1)"))?;
    let mut rows = statement.query([chunk_id])?;
    rows.next()?.map(record).transpose()
}

/// The chunks that hold every word of a name, in the order of the files: what declares it is among them.
///
/// # Errors
/// If the database cannot be read.
pub fn with_words_of(db: &Connection, name: &str) -> Result<Vec<ChunkRecord>> {
    let Some(query) = words::all_of(name) else { return Ok(Vec::new()) };
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM {ROWS} WHERE chunk_no IN (SELECT rowid FROM chunk_text WHERE chunk_text MATCH ?1)
         ORDER BY file_path, start_line"
    ))?;
    let mut rows = statement.query([query])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(record(row)?);
    }
    Ok(found)
}

/// The chunks of one file, by line.
///
/// # Errors
/// If the database cannot be read.
pub fn of_file(db: &Connection, path: &FilePath) -> Result<Vec<ChunkRecord>> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM {ROWS} WHERE file_path = ?1 ORDER BY start_line, chunk_id"))?;
    let mut rows = statement.query([path.as_bytes()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(record(row)?);
    }
    Ok(found)
}

/// Every chunk of the present view.
///
/// # Errors
/// If the database cannot be read.
pub fn all(db: &Connection) -> Result<Vec<ChunkRecord>> {
    collect(db, &format!("SELECT {COLUMNS} FROM {ROWS} ORDER BY file_path, start_line, chunk_id"))
}

/// The chunks whose words are not in the index, and the rows of the index that belong to no chunk.
///
/// # Errors
/// If the database cannot be read.
pub fn unmatched(db: &Connection) -> Result<(Vec<ChunkRecord>, Vec<i64>)> {
    let without_words = format!(
        "SELECT {COLUMNS} FROM {ROWS} WHERE chunk_no NOT IN (SELECT rowid FROM chunk_text) ORDER BY file_path, start_line"
    );
    let mut rows = db.prepare("SELECT rowid FROM chunk_text WHERE rowid NOT IN (SELECT chunk_no FROM chunks)")?;
    let rows = rows.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok((collect(db, &without_words)?, rows))
}

/// Merges the parts of the word index, of which each transaction adds one and a search has to read all. Parts of about the same size are
/// merged, two by two, so that a word is written again as often as the index has doubled since, and not at each commit. It stops when
/// `is_enough` says so.
///
/// # Errors
/// If the database cannot be written.
pub fn merge_words(db: &Connection, is_enough: &dyn Fn() -> bool) -> Result<()> {
    while !is_enough() {
        let before = db.total_changes();
        db.execute("INSERT INTO chunk_text (chunk_text, rank) VALUES ('merge', ?1)", [MERGED_PAGES])?;
        // Fewer than two mean that nothing was left to be done (sqlite.org/fts5.html, "The 'merge' Command").
        if db.total_changes() - before < 2 {
            break;
        }
    }
    Ok(())
}

/// Pages of some 4 KB that are written in one transaction of a merge.
const MERGED_PAGES: i64 = 500;

/// Takes every chunk out.
///
/// # Errors
/// If the database cannot be written.
pub fn clear(db: &Connection) -> Result<()> {
    Ok(db.execute_batch("INSERT INTO chunk_text (chunk_text) VALUES ('delete-all'); DELETE FROM chunks;")?)
}

fn collect(db: &Connection, sql: &str) -> Result<Vec<ChunkRecord>> {
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(record(row)?);
    }
    Ok(found)
}

const ROWS: &str = "chunks JOIN paths USING (path_no)";
const COLUMNS: &str =
    "lower(hex(chunk_id)), file_path, chunk_hash, entity_type, entity_name, start_line, end_line, is_test, items";

/// `None`: none.
fn packed(items: &[ItemRecord]) -> Option<Vec<u8>> {
    // They hold nothing that postcard refuses.
    (!items.is_empty()).then(|| postcard::to_allocvec(items).unwrap_or_default())
}

fn unpacked(items: Option<Vec<u8>>) -> Result<Vec<ItemRecord>> {
    let Some(bytes) = items else { return Ok(Vec::new()) };
    postcard::from_bytes(&bytes)
        .map_err(|error| StoreError::Unreadable { what: "list of items", detail: error.to_string() })
}

fn record(row: &rusqlite::Row<'_>) -> Result<ChunkRecord> {
    Ok(ChunkRecord {
        chunk_id: row.get(0)?,
        path: FilePath::new(row.get::<_, Vec<u8>>(1)?),
        chunk_hash: super::analyses::hash(row, 2)?,
        entity_type: row.get(3)?,
        entity_name: row.get(4)?,
        start_line: row.get(5)?,
        end_line: row.get(6)?,
        is_test: row.get(7)?,
        items: unpacked(row.get(8)?)?,
    })
}

/// Numbers of chunks that hold the words of a query one after the other; of none if it has fewer than three.
///
/// # Errors
/// If the database cannot be read.
pub fn holding(db: &Connection, query: &str, limit: usize) -> Result<Vec<i64>> {
    let Some(phrase) = words::phrase_of(query) else { return Ok(Vec::new()) };
    let mut statement = db.prepare_cached("SELECT rowid FROM chunk_text WHERE chunk_text MATCH ?1 LIMIT ?2")?;
    let found = statement.query_map(params![phrase, limit as i64], |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Database, open_writer};

    /// Forty files of two chunks.
    fn files() -> Vec<(FilePath, [IndexedChunk; 2])> {
        let mut files = Vec::new();
        for n in 0..40_u32 {
            let path = FilePath::from(format!("src/file_{n}.rs").as_str());
            let text = format!("retry number {n} after {} seconds", n % 7);
            let chunk = |ordinal: u32| ChunkRecord {
                chunk_id: chunk_id(&path, &Hash::of(text.as_bytes()), ordinal),
                path: path.clone(),
                chunk_hash: Hash::of(text.as_bytes()),
                entity_type: "function".to_owned(),
                entity_name: format!("retry_{n}"),
                is_test: false,
                items: Vec::new(),
                start_line: 1,
                end_line: 2,
            };
            files.push((path.clone(), [0, 1].map(|ordinal| IndexedChunk::new(chunk(ordinal), &text))));
        }
        files
    }

    /// Parts of the word index.
    fn parts(db: &Connection) -> i64 {
        db.query_row("SELECT count(DISTINCT segid) FROM chunk_text_idx", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn the_files_of_one_transaction_make_one_part_of_the_word_index() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = open_writer(&dir.path().join("a.db"), Database::Analysis).unwrap();
        for parts_then in [1, 2] {
            let tx = crate::store::write(&mut db).unwrap();
            let files = files();
            let files: Vec<_> = files.iter().map(|(path, chunks)| (path, chunks.as_slice())).collect();
            replace(&tx, &files).unwrap();
            tx.commit().unwrap();
            assert_eq!(parts(&db), parts_then, "first the files are new, then they have chunks");
        }
    }

    #[test]
    fn an_empty_index_alone_does_without_its_ids() {
        let dir = tempfile::tempdir().unwrap();
        let db = open_writer(&dir.path().join("a.db"), Database::Analysis).unwrap();
        let is_indexed = || db.prepare("SELECT 1 FROM pragma_index_info('chunks_id')").unwrap().exists([]).unwrap();
        begin_without_ids(&db).unwrap();
        assert!(!is_indexed());
        let files = files();
        let (path, chunks) = &files[0];
        replace(&db, &[(path, chunks)]).unwrap();
        assert_eq!(get(&db, &chunks[0].record.chunk_id).unwrap().unwrap(), chunks[0].record, "it is found without");
        for _ in 0..2 {
            index_ids(&db).unwrap();
            begin_without_ids(&db).unwrap();
            assert!(is_indexed(), "it has chunks");
        }
    }

    #[test]
    fn a_merge_leaves_few_parts_and_changes_no_answer() {
        let dir = tempfile::tempdir().unwrap();
        let db = open_writer(&dir.path().join("a.db"), Database::Analysis).unwrap();
        files().iter().for_each(|(path, chunks)| replace(&db, &[(path, chunks)]).unwrap());
        remove(&db, &FilePath::from("src/file_5.rs")).unwrap();
        let (before, answer) = (parts(&db), search(&db, "retry 5 seconds", 50).unwrap());
        merge_words(&db, &|| false).unwrap();
        assert!(parts(&db) <= before / 2, "{} of {before} parts are left", parts(&db));
        assert_eq!(search(&db, "retry 5 seconds", 50).unwrap(), answer);
        merge_words(&db, &|| false).unwrap();
    }

    #[test]
    fn a_search_finds_stems_and_names_first_and_no_removed_chunk() {
        let dir = tempfile::tempdir().unwrap();
        let db = open_writer(&dir.path().join("a.db"), Database::Analysis).unwrap();
        let path = FilePath::from("src/net.rs");
        let chunk = |name: &str, n: u32| ChunkRecord {
            chunk_id: chunk_id(&path, &Hash::of(name.as_bytes()), 0),
            path: path.clone(),
            chunk_hash: Hash::of(name.as_bytes()),
            entity_type: "function".into(),
            entity_name: name.into(),
            start_line: n,
            end_line: n,
            items: Vec::new(),
            is_test: false,
        };
        let rows = [(chunk("connect", 1), "fn connect() { retry_policy() }"), (chunk("retry", 2), "fn retry() {}")];
        replace(&db, &[(&path, &rows.map(|(chunk, text)| IndexedChunk::new(chunk, text)))]).unwrap();
        let names = |query: &str| -> Vec<String> {
            let found = search(&db, query, 10).unwrap().into_iter();
            found.map(|(number, _)| numbered(&db, number).unwrap().unwrap().entity_name).collect()
        };
        assert_eq!(names("where are retries made?"), ["retry", "connect"]);
        assert_eq!(names("retryPolicy"), ["connect", "retry"]);
        assert_eq!(names("\"';--"), Vec::<String>::new());
        remove(&db, &path).unwrap();
        assert!(names("retry").is_empty());
    }
}
