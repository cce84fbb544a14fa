//! What an agent's databases hold, to be compared with another agent's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ra_agent::cache::analyses;
use ra_agent::domain::Hash;
use ra_agent::vectors::Vectors;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::TestAgent;

/// What does not depend on the way that led there: the view, what it refers to, and the index of its words. Numbers of rows, times
/// and analyses of what was there once are left out.
const STATE: [(&str, &str); 11] = [
    ("files", "SELECT * FROM files"),
    (
        "overlay_files",
        "SELECT file_path, blob_id, mode, source, size_bytes, language, role, skip_reason, content_hash, module_path, crate_root,
                deps_hash, uses, context_hash, text FROM overlay_files",
    ),
    ("directories", "SELECT * FROM directories"),
    ("file_dependencies", "SELECT * FROM file_dependencies"),
    ("file_reexports", "SELECT * FROM file_reexports"),
    (
        "implementations",
        "SELECT d.file_path, i.file_path, interface, m.file_path, implementation FROM implementations
         JOIN paths d ON d.path_no = declared_no JOIN paths i ON i.path_no = interface_no
         JOIN paths m ON m.path_no = implementation_no",
    ),
    ("current_keys", "SELECT * FROM current_keys"),
    (
        "file_analysis",
        "SELECT k.file_path, k.kind, a.content_hash, a.deps_hash, a.model_id, a.size_bytes
         FROM current_keys k LEFT JOIN file_analysis a USING (cache_key)",
    ),
    (
        "chunks",
        "SELECT chunk_id, file_path, chunk_hash, entity_type, entity_name, start_line, end_line, is_test
         FROM chunks JOIN paths USING (path_no)",
    ),
    (
        "chunk_text",
        "SELECT chunk_id FROM chunks WHERE chunk_no IN (SELECT rowid FROM chunk_text WHERE chunk_text MATCH 'fn OR mod OR package')",
    ),
    ("embedded_files", "SELECT * FROM embedded_files"),
];

/// The rows of each part of the state, as text, sorted.
pub type State = BTreeMap<&'static str, Vec<String>>;

impl TestAgent {
    fn databases(&self) -> Vec<PathBuf> {
        let stores = std::fs::read_dir(self.home().join("cache/repos")).unwrap();
        let analysis = stores.map(|store| store.unwrap().path().join("analysis.db"));
        [self.home().join("agent.db")].into_iter().chain(analysis).collect()
    }

    /// The store of the only registered repository, to be tampered with.
    #[track_caller]
    pub fn store(&self) -> Connection {
        let databases = self.databases();
        let [_, analysis] = databases.as_slice() else { panic!("not one store: {databases:?}") };
        Connection::open(analysis).unwrap()
    }

    /// The agent's own database, to be tampered with.
    #[track_caller]
    pub fn agent_db(&self) -> Connection {
        Connection::open(self.home().join("agent.db")).unwrap()
    }

    /// Does something with the vectors of the only registered repository.
    #[track_caller]
    pub fn with_vectors(&self, act: impl AsyncFnOnce(&Vectors)) {
        let databases = self.databases();
        let dir = databases[1].with_file_name("embeddings.lance");
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async { act(&Vectors::open(&dir).await.unwrap().unwrap()).await });
    }

    /// State of the only registered repository.
    #[track_caller]
    pub fn state(&self) -> State {
        let db = self.analysis_db();
        let parts = STATE.into_iter().map(|(part, sql)| (part, rows(&db, sql)));
        parts.chain([("analyses", texts(&db))]).collect()
    }

    /// The keys of every analysis that is stored, of what was there once, too.
    #[track_caller]
    pub fn analysed_keys(&self) -> BTreeSet<String> {
        rows(&self.analysis_db(), "SELECT hex(cache_key) FROM file_analysis").into_iter().collect()
    }

    /// Path and kind of everything that is to be analysed as things are, with its key.
    #[track_caller]
    pub fn current_keys(&self) -> BTreeMap<(String, String), String> {
        let db = self.analysis_db();
        let mut statement =
            db.prepare("SELECT file_path, kind, hex(cache_key) FROM current_keys WHERE kind LIKE 'analyze:%'").unwrap();
        let row = |row: &rusqlite::Row<'_>| {
            let path = String::from_utf8(row.get(0)?).unwrap();
            Ok(((path, row.get(1)?), format!("{:?}", row.get::<_, String>(2)?)))
        };
        statement.query_map([], row).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    }

    /// The store of the only registered repository.
    #[track_caller]
    fn analysis_db(&self) -> Connection {
        let databases = self.databases();
        let [_, analysis] = databases.as_slice() else { panic!("not one store: {databases:?}") };
        open(analysis)
    }

    /// Every database is sound to its last page.
    #[track_caller]
    pub fn assert_sound(&self) {
        for path in self.databases() {
            let db = open(&path);
            assert_eq!(rows(&db, "PRAGMA integrity_check"), ["\"ok\""], "{path:?}");
            assert_eq!(rows(&db, "PRAGMA foreign_key_check"), Vec::<String>::new(), "{path:?}");
        }
    }
}

/// Two agents know the same; a difference is shown by its rows.
#[track_caller]
pub fn assert_same_state(state: &State, expected: &State) {
    for (part, expected) in expected {
        assert!(!expected.is_empty() || !["files", "current_keys", "chunks"].contains(part), "{part} is empty");
        let missing: Vec<&String> = expected.iter().filter(|row| !state[part].contains(row)).collect();
        let wrong: Vec<&String> = state[part].iter().filter(|row| !expected.contains(row)).collect();
        assert!(missing.is_empty() && wrong.is_empty(), "{part}: missing {missing:#?}, wrong {wrong:#?}");
        assert_eq!(state[part].len(), expected.len(), "{part}: rows are there twice");
    }
}

/// The texts of the analyses that the view refers to. How they are packed depends on when.
fn texts(db: &Connection) -> Vec<String> {
    let mut statement = db.prepare("SELECT file_path, kind, cache_key FROM current_keys").unwrap();
    let keys = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let mut texts: Vec<String> = keys
        .map(|row| {
            let (path, kind, key): (Vec<u8>, String, Vec<u8>) = row.unwrap();
            let stored = analyses::get(db, &Hash::from_bytes(&key).unwrap()).unwrap();
            format!("{} {kind} {:?}", path.escape_ascii(), stored.map(|stored| stored.json))
        })
        .collect();
    texts.sort();
    texts
}

fn open(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

fn rows(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).unwrap();
    let columns = statement.column_count();
    let text = |value: ValueRef<'_>| match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => format!("{:?}", bytes.escape_ascii().to_string()),
    };
    let mut found = statement.query([]).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = found.next().unwrap() {
        let values: Vec<String> = (0..columns).map(|column| text(row.get_ref(column).unwrap())).collect();
        rows.push(values.join(" "));
    }
    rows.sort();
    rows
}
