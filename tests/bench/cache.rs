//! Analyses in the store, against the same as JSON files on disk, which is how the earlier tool kept them: looking up by key while the
//! one writer adds more, writing, telling what there is, pruning, importing.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ra_agent::analyzer::{Analyzer, FileSubject, Local, SCHEMA_VERSION};
use ra_agent::cache::analyses::{self, Bill, NewAnalysis};
use ra_agent::cache::key::{AnalysisKey, no_dependencies, no_options};
use ra_agent::cache::{RepoStore, dictionary};
use ra_agent::clock;
use ra_agent::domain::{AnalysisType, FilePath, Hash, Language, RepoId, Role};
use ra_agent::home::StoreDir;
use ra_agent::store::{self, Database};
use rusqlite::Connection;
use serde_json::json;

use super::figures::{Spread, digits, millis, row, row_below, size, time};
use super::json_files::JsonFiles;
use super::support::{TestAgent, TestRepo};

/// Numbers of entries among which is looked up; the last ones take minutes to write.
const SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];
/// Entries that are also kept as files.
const FILES: u64 = 100_000;
/// As many results as a worker stores in one transaction.
const ROWS_PER_TRANSACTION: u64 = 64;
const LOOKUPS: u64 = 20_000;
/// A prime, so that lookups jump about in the store.
const STRIDE: u64 = 38_459;
/// Entries that are pruned, and files that are imported.
const PRUNED: u64 = 10_000;
/// Numbers from here on are never given to an entry.
const NEVER: u64 = u64::MAX / 2;

pub fn measure() {
    let reports = reports();
    lookups(&reports);
    as_files(&reports);
    verbs(&reports);
    import();
}

fn lookups(reports: &[String]) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = RepoStore::open(&RepoId("00000000".into()), StoreDir::local(dir.path().to_owned())).unwrap();
    let path = store.dir.analysis_db();
    let mut writer = store::open_writer(&path, Database::Analysis).unwrap();
    let mut next = 0;
    for rows in SIZES {
        let (begun, first) = (Instant::now(), next);
        fill(&mut writer, next..rows, reports);
        let each = begun.elapsed() / u32::try_from(rows - first).unwrap();
        if first == 0 {
            let begun = Instant::now();
            assert!(dictionary::improve(&mut store, clock::now(), &|| false).unwrap().trained);
            row("training a dictionary on 1,000 analyses and packing them with it", &time(begun.elapsed()));
        } else {
            row(&format!("store: writing one of {rows} analyses"), &time(each));
        }
        next = with_a_writer(&path, rows, &mut writer, reports);
        if rows == FILES {
            disk(&path, &writer);
        }
    }
}

fn disk(path: &Path, db: &Connection) {
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let (entries, raw, stored): (u64, u64, u64) = db
        .query_row("SELECT count(*), sum(size_bytes), sum(length(analysis_json)) FROM file_analysis", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    row(
        &format!("store: disk for {entries} analyses, keys and indexes included"),
        &size(path.metadata().unwrap().len()),
    );
    let percent = stored as f64 * 100.0 / raw as f64;
    let value = format!("{} of {}: {} %", size(stored), size(raw), digits(percent));
    row_below("store: the packed texts, of their JSON", &value, percent, 35.0, "%");
}

/// Looks up while the writer adds; the number after the last one that it added.
fn with_a_writer(path: &Path, rows: u64, writer: &mut Connection, reports: &[String]) -> u64 {
    let (stop, next) = (AtomicBool::new(false), AtomicU64::new(rows));
    let (hits, misses) = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let first = next.fetch_add(ROWS_PER_TRANSACTION, Ordering::Relaxed);
                insert(writer, first..first + ROWS_PER_TRANSACTION, reports);
            }
        });
        let looked_up = look_up(path, rows);
        stop.store(true, Ordering::Relaxed);
        looked_up
    });
    for (what, times) in [("hit", hits), ("miss", misses)] {
        let what = format!("store: lookup, a {what} among {rows}, a writer active");
        row_below(&what, &times.show(&[50, 99]), millis(times.at(99)), 1.0, "ms");
    }
    next.into_inner()
}

/// Times of lookups that find something, and of such that do not, in turn.
fn look_up(path: &Path, rows: u64) -> (Spread, Spread) {
    let reader = store::open_reader(path, Database::Analysis).unwrap().unwrap();
    let (mut hits, mut misses) = (Vec::new(), Vec::new());
    for nth in 0..LOOKUPS {
        let (found, took) = timed(&reader, &key(nth * STRIDE % rows).hash());
        assert!(found, "the row is there");
        hits.push(took);
        let (found, took) = timed(&reader, &key(NEVER + nth).hash());
        assert!(!found, "there is no such row");
        misses.push(took);
    }
    (Spread::of(hits), Spread::of(misses))
}

fn timed(reader: &Connection, key: &Hash) -> (bool, Duration) {
    let begun = Instant::now();
    let found = analyses::get(reader, key).unwrap();
    (found.is_some(), begun.elapsed())
}

/// The same entries, one file each.
fn as_files(reports: &[String]) {
    let begun = Instant::now();
    let files = JsonFiles::create(FILES, |number| report(reports, number));
    row(&format!("files: writing one of {FILES}, not synced"), &time(begun.elapsed() / u32::try_from(FILES).unwrap()));
    let times = |offset: u64| {
        let looked_up = (0..LOOKUPS).map(|nth| {
            let begun = Instant::now();
            let found = files.read(offset + nth * STRIDE % FILES).is_some();
            assert_eq!(found, offset == 0);
            begun.elapsed()
        });
        Spread::of(looked_up.collect())
    };
    row(&format!("files: lookup, a hit among {FILES}"), &times(0).show(&[50, 99]));
    row(&format!("files: lookup, a miss among {FILES}"), &times(NEVER).show(&[50, 99]));
    let (bytes, on_disk) = files.bytes();
    row(&format!("files: disk for {FILES}"), &format!("{} ({} of text)", size(on_disk), size(bytes)));
    let begun = Instant::now();
    assert_eq!(files.count(), FILES);
    row(&format!("files: telling what there is of {FILES} (reading each)"), &time(begun.elapsed()));
    let begun = Instant::now();
    files.remove(PRUNED);
    row(&format!("files: removing {PRUNED}"), &time(begun.elapsed()));
}

/// What a person waits for, the verb's start included.
fn verbs(reports: &[String]) {
    let (mut agent, repo) = (TestAgent::without_model(), TestRepo::with_files([("src/lib.rs", "pub fn one() {}\n")]));
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.start();
    agent.wait();
    agent.stop();
    fill(&mut agent.store(), 0..FILES, reports);
    let begun = Instant::now();
    let entries = agent.json(["cache", "status"])["entries"].as_u64().unwrap();
    row(&format!("store: the verb `cache status` over {entries}"), &time(begun.elapsed()));
    agent.store().execute("DELETE FROM file_analysis WHERE analysis_id > ?1", [PRUNED]).unwrap();
    agent.store().execute_batch("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let begun = Instant::now();
    let pruned = agent.json(["cache", "prune", "--max-size", "1K"]);
    assert_eq!(pruned["repos"][0]["analyses"], json!(PRUNED), "{pruned}");
    row(&format!("store: the verb `cache prune`, {PRUNED} entries, the file cut"), &time(begun.elapsed()));
}

/// Files of the earlier tool's cache, each about a file of the repository.
fn import() {
    let repo = TestRepo::new();
    for number in 0..PRUNED {
        let (path, text) =
            (format!("src/part_{}/file_{number}.rs", number % 100), format!("pub fn f{number}() {{}}\n"));
        let entry = json!({
            "file_path": path, "file_hash": Hash::of(text.as_bytes()).to_string(), "analyzed_at": "2025-03-01T10:00:00Z",
            "provider": "xai", "model": "grok-beta", "file_size": text.len(), "cache_type": "docs", "tokens_used": 1_000,
            "result": {"summary": format!("What file {number} is for, in a sentence or two."), "score": number % 100},
        });
        repo.write(&path, &text);
        repo.write(&format!(".rustassistant/cache/docs/{number}.json"), format!("{entry:#}"));
    }
    repo.commit("with the cache, as the old tool did");
    let agent = TestAgent::without_model();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    let begun = Instant::now();
    agent.ok(["cache", "migrate"]);
    row(&format!("store: the verb `cache migrate`, {PRUNED} files"), &time(begun.elapsed()));
    assert_eq!(agent.json(["cache", "status"])["entries"], json!(PRUNED));
}

fn fill(db: &mut Connection, numbers: std::ops::Range<u64>, reports: &[String]) {
    let end = numbers.end;
    for first in numbers.step_by(ROWS_PER_TRANSACTION as usize) {
        insert(db, first..(first + ROWS_PER_TRANSACTION).min(end), reports);
    }
}

fn insert(db: &mut Connection, numbers: std::ops::Range<u64>, reports: &[String]) {
    let tx = store::write(db).unwrap();
    for number in numbers {
        let path = FilePath::from(format!("crates/part-{}/src/file_{number}.rs", number % 50).as_str());
        let key = key(number);
        let new = NewAnalysis {
            key: &key,
            path: &path,
            json: report(reports, number),
            packed: None,
            generation_time_ms: 1,
            repo_id: "00000000",
            repo_path: b"/sample",
            commit: None,
            bill: Bill::default(),
            is_piece: false,
        };
        analyses::insert(&tx, &new, clock::now()).unwrap();
    }
    tx.commit().unwrap();
}

fn key(number: u64) -> AnalysisKey {
    AnalysisKey {
        content_hash: Hash::of(&number.to_le_bytes()),
        language: Language::RUST,
        role: Role::Library,
        analysis_type: AnalysisType::Analysis,
        model_id: Local.model_id().to_owned(),
        prompt_hash: Local.prompt_hash(AnalysisType::Analysis),
        schema_version: SCHEMA_VERSION,
        config_hash: no_options(),
        deps_hash: no_dependencies(),
    }
}

fn report(reports: &[String], number: u64) -> &str {
    &reports[number as usize % reports.len()]
}

/// What the local analyzer says of each of this project's own files.
fn reports() -> Vec<String> {
    let mut pending = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut reports = Vec::new();
    while let Some(dir) = pending.pop() {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(path).unwrap();
                let subject = FileSubject { language: Language::RUST, role: Role::Library, text: &text, uses: &[] };
                let report = |&of| Local.analyze(of, &subject).unwrap().to_json().unwrap();
                reports.extend(AnalysisType::ALL.iter().map(report));
            }
        }
    }
    reports
}
