//! SQLite: open, pragmas, migrations. One writer per database and process; queries open read-only.
//!

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::tally::{self, Deed};

/// How long a statement waits for another process's write before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How every version says that a database is of a later one: a running agent asks the program that replaced its own.
pub const NEWER_STATE: &str = "was written by a newer ra-agent";

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path} cannot be used: {source}; {}", way_out(path, source))]
    Sqlite { path: PathBuf, source: rusqlite::Error },
    #[error(
        "{path} {} (its schema is {found}, this program knows {known}); install that version again, \
         or set RA_AGENT_HOME to another directory",
        NEWER_STATE
    )]
    Newer { path: PathBuf, found: usize, known: usize },
    #[error(
        "{path} was written by an earlier ra-agent (its schema is {found}, this program reads {known}); `ra-agent daemon start` \
         brings it up to date, and loses nothing"
    )]
    Older { path: PathBuf, found: usize, known: usize },
    #[error("the directory {path} cannot be created: {source}; check its owner and the space on its disk")]
    Directory { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Query(#[from] rusqlite::Error),
    #[error(
        "a stored {what} cannot be read: {detail}; `ra-agent unregister` and `register` the repository to rebuild its store"
    )]
    Unreadable { what: &'static str, detail: String },
}

impl StoreError {
    /// Whether it says that a database is damaged.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Sqlite { source, .. } | Self::Query(source) => tells_damage(source),
            Self::Directory { .. } | Self::Newer { .. } | Self::Older { .. } | Self::Unreadable { .. } => false,
        }
    }
}

fn tells_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

/// What a person can do about a database that cannot be used.
fn way_out(path: &Path, error: &rusqlite::Error) -> &'static str {
    match (tells_damage(error), path.ends_with("agent.db")) {
        (true, true) => "it is damaged: stop the daemon, move it away, and register the repositories again",
        (true, false) => "it is damaged: `ra-agent reconcile` of its repository sets it aside and builds it again",
        (false, _) => "check its owner and the space on its disk",
    }
}

pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The two kinds of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// `agent.db`: registry, jobs, ledger. `synchronous = FULL`: money and the user's acts survive a power cut.
    Agent,
    /// A repository's `analysis.db`. `synchronous = NORMAL`: it can be rebuilt.
    Analysis,
}

impl Database {
    const fn migrations(self) -> &'static [&'static str] {
        match self {
            Self::Agent => &[
                include_str!("../migrations/agent/0001_registry_and_jobs.sql"),
                include_str!("../migrations/agent/0002_ledger.sql"),
                include_str!("../migrations/agent/0003_batches.sql"),
            ],
            Self::Analysis => &[
                include_str!("../migrations/analysis/0001_view_and_cache.sql"),
                include_str!("../migrations/analysis/0002_model_answers.sql"),
                include_str!("../migrations/analysis/0003_reexports.sql"),
                include_str!("../migrations/analysis/0004_pruning.sql"),
                include_str!("../migrations/analysis/0005_dictionaries.sql"),
                include_str!("../migrations/analysis/0006_overlay.sql"),
                include_str!("../migrations/analysis/0007_tests_within.sql"),
                include_str!("../migrations/analysis/0008_merged_words.sql"),
                include_str!("../migrations/analysis/0009_words_of_our_own.sql"),
                include_str!("../migrations/analysis/0010_implementations.sql"),
                include_str!("../migrations/analysis/0011_numbered_paths.sql"),
                include_str!("../migrations/analysis/0012_answers_by_item.sql"),
                include_str!("../migrations/analysis/0013_provisional_vectors.sql"),
                include_str!("../migrations/analysis/0014_written_texts.sql"),
                include_str!("../migrations/analysis/0015_vector_sets.sql"),
                include_str!("../migrations/analysis/0016_merged_when_idle.sql"),
                include_str!("../migrations/analysis/0017_ids_indexed_apart.sql"),
            ],
        }
    }

    /// Value of the pragma `synchronous`.
    pub const fn synchronous(self) -> &'static str {
        match self {
            Self::Agent => "FULL",
            Self::Analysis => "NORMAL",
        }
    }
}

/// Opens a database for writing, creates it if need be and brings its schema up to date.
///
/// # Errors
/// If the file cannot be opened or was written by a newer program.
pub fn open_writer(path: &Path, database: Database) -> Result<Connection> {
    let at = |source| StoreError::Sqlite { path: path.to_owned(), source };
    let mut db = Connection::open(path).map_err(at)?;
    configure(&db).map_err(at)?;
    // First: the settings below write into the file.
    let (found, known) = (user_version(&db).map_err(at)?, database.migrations().len());
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    // auto_vacuum has to come before the first table, and before WAL.
    let pragmas = format!(
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = {}; PRAGMA foreign_keys = ON; \
         PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 4194304;",
        database.synchronous()
    );
    db.execute_batch(&pragmas).map_err(at)?;
    migrate(&mut db, path, database.migrations())?;
    if tracing::enabled!(tracing::Level::DEBUG) {
        let count = |event: TraceEvent<'_>| {
            if matches!(event, TraceEvent::Stmt(..)) {
                tally::add(Deed::Statement, 1);
            }
        };
        db.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(count)).map_err(at)?;
    }
    Ok(db)
}

/// How much of a database a connection keeps in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageCache {
    /// SQLite's default, 2,000 KiB.
    Usual,
    /// While very much is written: a page that has to leave before its transaction ends is in the log each time that it changes.
    Large,
}

/// Sets how much a connection keeps, and lets go of what is more.
///
/// # Errors
/// If the database cannot be used.
pub fn set_cache(db: &Connection, cache: PageCache) -> Result<()> {
    let kibibytes = match cache {
        PageCache::Usual => 2_000,
        PageCache::Large => 32_000,
    };
    // What is negative counts KiB in the place of pages (sqlite.org/pragma.html, "cache_size").
    Ok(db.pragma_update(None, "cache_size", -kibibytes)?)
}

/// Checkpoints the WAL into the database and truncates it.
///
/// # Errors
/// If the database is damaged or its disk full.
pub fn checkpoint(db: &Connection) -> Result<()> {
    Ok(db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")?)
}

/// Log that is left alone, in bytes.
const LOG_BYTES: u64 = 8 << 20;
/// Log from which on readers are waited for longer, in bytes: half of what it may ever take.
const LOG_BYTES_MUCH: u64 = 32 << 20;
/// How long a checkpoint in the middle of work waits for readers.
const READERS_WAIT: Duration = Duration::from_millis(5);
/// The same for a log that has become much: longer than any query of ours takes. Those that begin meanwhile read the database alone, so
/// they are not waited for.
const READERS_LONG_WAIT: Duration = Duration::from_secs(2);

/// Copies the write-ahead log into the database and begins it anew, if it is large. A reader that is still reading the past keeps it from
/// being begun anew, and is waited for if the log has become much. One that never ends its transaction keeps it for ever
/// (sqlite.org/wal.html, "Avoiding Excessively Large WAL Files"); none of ours does.
///
/// # Errors
/// If the database is damaged or its disk full.
pub fn bound_log(db: &Connection) -> Result<()> {
    let Some(path) = db.path().map(Path::new) else { return Ok(()) };
    let log = std::fs::metadata(log_of(path)).map_or(0, |log| log.len());
    if log <= LOG_BYTES {
        return Ok(());
    }
    db.busy_timeout(if log > LOG_BYTES_MUCH { READERS_LONG_WAIT } else { READERS_WAIT })?;
    let done = db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);");
    db.busy_timeout(BUSY_TIMEOUT)?;
    Ok(done?)
}

/// Path of a database's write-ahead log.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.to_owned().into_os_string();
    log.push("-wal");
    log.into()
}

/// As [`checkpoint`], and lets SQLite refresh the statistics that its planner uses.
///
/// # Errors
/// As [`checkpoint`].
pub fn optimize(db: &Connection) -> Result<()> {
    Ok(db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize;")?)
}

/// Opens a database for reading; `None` if there is no such file yet.
///
/// # Errors
/// If the file is there but cannot be opened, or has the schema of another version.
pub fn open_reader(path: &Path, database: Database) -> Result<Option<Connection>> {
    let known = database.migrations().len();
    match open_any_reader(path, database)? {
        Some((_, found)) if found < known => Err(StoreError::Older { path: path.to_owned(), found, known }),
        opened => Ok(opened.map(|(db, _)| db)),
    }
}

/// The same, with the version of its schema, for those who can also read a database that no writer has brought up to date.
///
/// # Errors
/// If the file is there but cannot be opened, or was written by a newer program.
pub fn open_any_reader(path: &Path, database: Database) -> Result<Option<(Connection, usize)>> {
    if !path.exists() {
        return Ok(None);
    }
    let at = |source| StoreError::Sqlite { path: path.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = if cannot_change(path) {
        Connection::open_with_flags(immutable_uri(path), flags | OpenFlags::SQLITE_OPEN_URI)
    } else {
        Connection::open_with_flags(path, flags)
    };
    let db = db.map_err(at)?;
    configure(&db).map_err(at)?;
    let known = database.migrations().len();
    match user_version(&db).map_err(at)? {
        0 => Ok(None),
        found if found > known => Err(StoreError::Newer { path: path.to_owned(), found, known }),
        found => Ok(Some((db, found))),
    }
}

fn configure(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY_TIMEOUT)?;
    // Else a statement that is kept is planned again whenever another value is bound to, say, its LIMIT.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Whether the file is on a file system that is mounted read-only and has no log that would have to be read with it. SQLite reads
/// a database with a log only where it may write the log's index (sqlite.org/wal.html, "Read-Only Databases").
fn cannot_change(path: &Path) -> bool {
    let log = log_of(path);
    rustix::fs::statvfs(path).is_ok_and(|found| found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
        && std::fs::metadata(log).map_or(true, |log| log.len() == 0)
}

/// The name by which SQLite takes the file for one that never changes (sqlite.org/uri.html).
fn immutable_uri(path: &Path) -> PathBuf {
    let mut uri = b"file:".to_vec();
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.extend(format!("%{byte:02x}").into_bytes()),
            _ => uri.push(byte),
        }
    }
    uri.extend_from_slice(b"?immutable=1");
    PathBuf::from(OsString::from_vec(uri))
}

/// The first fault in the pages of a database (`PRAGMA quick_check`, which reads all of it); `None`: they fit together.
///
/// # Errors
/// If the database cannot be read.
pub fn first_fault(db: &Connection) -> Result<Option<String>> {
    let answer: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((answer != "ok").then_some(answer))
}

/// Whether a repository's database has a fault in its pages. One that cannot be opened does not count as damaged.
pub fn is_damaged(path: &Path) -> bool {
    let fault = || -> Result<bool> {
        let Some((db, _)) = open_any_reader(path, Database::Analysis)? else { return Ok(false) };
        Ok(first_fault(&db)?.is_some())
    };
    fault().unwrap_or_else(|error| error.is_damage())
}

/// A transaction that takes the write lock at once, so that it waits at its start and cannot fail half-way for a lock.
///
/// # Errors
/// If the lock is not free within the time-out.
pub fn write(db: &mut Connection) -> Result<Transaction<'_>> {
    Ok(db.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

fn migrate(db: &mut Connection, path: &Path, migrations: &[&str]) -> Result<()> {
    let at = |source| StoreError::Sqlite { path: path.to_owned(), source };
    let known = migrations.len();
    if user_version(db).map_err(at)? == known {
        return Ok(());
    }
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)?;
    // Another process may have migrated while this one waited for the lock.
    let found = user_version(&tx).map_err(at)?;
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    for sql in &migrations[found..] {
        tx.execute_batch(sql).map_err(at)?;
    }
    tx.pragma_update(None, "user_version", known).map_err(at)?;
    tx.commit().map_err(at)
}

fn user_version(db: &Connection) -> rusqlite::Result<usize> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_schema_is_refused_with_the_file_and_both_versions() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.db");
        open_writer(&path, Database::Agent).unwrap().pragma_update(None, "user_version", 99).unwrap();
        for error in [
            open_writer(&path, Database::Agent).unwrap_err(),
            open_reader(&path, Database::Agent).map(|_| ()).unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(text.contains("agent.db") && text.contains("99"), "{text}");
        }
    }

    #[test]
    fn the_ledgers_database_is_synced_at_every_commit() {
        let dir = tempfile::tempdir().unwrap();
        let db = open_writer(&dir.path().join("agent.db"), Database::Agent).unwrap();
        let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(pragma("synchronous"), 2, "FULL");
        assert_eq!(pragma("foreign_keys"), 1);
    }

    #[test]
    fn readers_that_come_one_after_the_other_leave_the_log_small() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("analysis.db");
        let db = open_writer(&path, Database::Analysis).unwrap();
        db.execute_batch("CREATE TABLE pages (page BLOB NOT NULL)").unwrap();
        let is_done = std::sync::atomic::AtomicBool::new(false);
        let reader = || {
            let reader = open_reader(&path, Database::Analysis).unwrap().unwrap();
            while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                let all: i64 = reader
                    .query_row(
                        "SELECT coalesce(sum(crc), 0) FROM (SELECT length(hex(page)) AS crc FROM pages)",
                        [],
                        |row| row.get(0),
                    )
                    .unwrap();
                assert!(all >= 0);
            }
        };
        let largest = std::thread::scope(|scope| {
            let readers = [scope.spawn(reader), scope.spawn(reader)];
            let mut largest = 0;
            for _ in 0..20 {
                let fill = "INSERT INTO pages WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) SELECT randomblob(4000) FROM n";
                db.execute_batch(fill).unwrap();
                largest = largest.max(std::fs::metadata(log_of(&path)).unwrap().len());
                bound_log(&db).unwrap();
            }
            is_done.store(true, std::sync::atomic::Ordering::Relaxed);
            readers.into_iter().for_each(|reader| reader.join().unwrap());
            largest
        });
        assert!(largest < 64 << 20, "{largest} bytes");
    }

    /// Names and columns of everything, in an order that does not depend on how it came about.
    fn schema(db: &Connection) -> Vec<String> {
        let sql = "SELECT m.type || ' ' || m.name || ' ' || coalesce(group_concat(c.name || ' ' || c.type), '')
                   FROM sqlite_schema m LEFT JOIN pragma_table_info(m.name) c ON m.type = 'table' GROUP BY m.type, m.name ORDER BY 1";
        let mut statement = db.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(|row| row.unwrap()).collect()
    }

    /// A store of any earlier version is brought up to date with what it holds, also after a crash anywhere in the next migration.
    #[test]
    fn every_schema_migrates_and_a_crash_in_between_loses_nothing() {
        for database in [Database::Agent, Database::Analysis] {
            let (migrations, dir) = (database.migrations(), tempfile::tempdir().unwrap());
            let newest = schema(&open_writer(&dir.path().join("newest.db"), database).unwrap());
            for known in 1..migrations.len() {
                let path = dir.path().join(format!("{known}.db"));
                let mut db = Connection::open(&path).unwrap();
                migrate(&mut db, &path, &migrations[..known]).unwrap();
                db.execute_batch("CREATE TABLE witness (seen INTEGER); INSERT INTO witness VALUES (7)").unwrap();
                let statements: Vec<&str> = migrations[known].split_inclusive(";\n").collect();
                for done in 0..statements.len() {
                    let tx = write(&mut db).unwrap();
                    // A trigger's body is cut, too: what is left of it is no statement, and ends the crash a little earlier.
                    let _ = tx.execute_batch(&statements[..done].concat());
                    drop(tx);
                    assert_eq!(user_version(&db).unwrap(), known);
                }
                drop(db);
                let db = open_writer(&path, database).unwrap();
                assert_eq!(db.query_row("SELECT seen FROM witness", [], |row| row.get::<_, u8>(0)).unwrap(), 7);
                db.execute_batch("DROP TABLE witness").unwrap();
                assert_eq!(schema(&db), newest, "{database:?} from {known}");
            }
        }
    }

    /// Readers see the schema that they know, or are told what to do; never one between two versions.
    #[test]
    fn a_reader_of_an_earlier_schema_is_told_so() {
        for database in [Database::Agent, Database::Analysis] {
            let (migrations, dir) = (database.migrations(), tempfile::tempdir().unwrap());
            for known in 1..migrations.len() {
                let path = dir.path().join(format!("{known}.db"));
                let mut db = Connection::open(&path).unwrap();
                migrate(&mut db, &path, &migrations[..known]).unwrap();
                let error = open_reader(&path, database).map(|_| ()).unwrap_err();
                assert!(matches!(error, StoreError::Older { found, .. } if found == known), "{error}");
                assert!(!error.is_damage() && error.to_string().contains("ra-agent daemon start"), "{error}");
                assert_eq!(open_any_reader(&path, database).unwrap().unwrap().1, known);
                // What fails half-way leaves the version that it found.
                let mut failing = migrations.to_vec();
                failing.push("NOT SQL");
                migrate(&mut db, &path, &failing).unwrap_err();
                assert_eq!(user_version(&db).unwrap(), known);
                open_writer(&path, database).unwrap();
                assert!(open_reader(&path, database).unwrap().is_some());
            }
        }
    }

    #[test]
    fn an_immutable_uri_escapes_every_byte_of_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a %41 ?mode=rw #x ü");
        drop(open_writer(&path, Database::Agent).unwrap());
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let db = Connection::open_with_flags(immutable_uri(&path), flags).unwrap();
        assert_eq!(user_version(&db).unwrap(), Database::Agent.migrations().len());
    }

    #[test]
    fn opening_twice_keeps_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("analysis.db");
        assert!(open_reader(&path, Database::Analysis).unwrap().is_none());
        let db = open_writer(&path, Database::Analysis).unwrap();
        db.execute("INSERT INTO cache_metadata VALUES ('a', 'b')", []).unwrap();
        drop(open_writer(&path, Database::Analysis).unwrap());
        let reader = open_reader(&path, Database::Analysis).unwrap().unwrap();
        let value: String = reader.query_row("SELECT value FROM cache_metadata", [], |row| row.get(0)).unwrap();
        assert_eq!(value, "b");
        assert!(reader.execute("DELETE FROM cache_metadata", []).is_err(), "queries open read-only");
    }
}
