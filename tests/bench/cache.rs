//! Looking analyses up by key in a store of 100,000, while the one writer adds more.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ra_agent::analyzer::{Analyzer, Local, SCHEMA_VERSION, Subject};
use ra_agent::cache::analyses::{self, Bill, NewAnalysis};
use ra_agent::cache::key::{AnalysisKey, no_dependencies, no_options};
use ra_agent::clock;
use ra_agent::domain::{AnalysisType, FilePath, Hash, Language, Role};
use ra_agent::store::{self, Database};
use rusqlite::Connection;

use super::figures::{Spread, millis, row, row_below, size};
use super::sample;

const ROWS: u64 = 100_000;
/// As many results as a worker stores in one transaction.
const ROWS_PER_TRANSACTION: u64 = 64;
const LOOKUPS: u64 = 20_000;
/// Odd and no divisor of [`ROWS`], so that lookups jump about in the store.
const STRIDE: u64 = 38_459;

pub fn measure() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("analysis.db");
    let json = report();
    let mut writer = store::open_writer(&path, Database::Analysis).unwrap();
    for first in (0..ROWS).step_by(ROWS_PER_TRANSACTION as usize) {
        insert(&mut writer, first..(first + ROWS_PER_TRANSACTION).min(ROWS), &json);
    }
    writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    row("disk: 100,000 analyses", &size(path.metadata().unwrap().len()));
    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let (hits, misses) = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut next = ROWS;
            while !stop.load(Ordering::Relaxed) {
                insert(&mut writer, next..next + ROWS_PER_TRANSACTION, &json);
                next += ROWS_PER_TRANSACTION;
            }
            written.store(next - ROWS, Ordering::Relaxed);
        });
        let looked_up = look_up(&path);
        stop.store(true, Ordering::Relaxed);
        looked_up
    });
    let added = written.load(Ordering::Relaxed);
    show("hit", &hits, added);
    show("miss", &misses, added);
}

fn show(what: &str, times: &Spread, added: u64) {
    let value = format!("{} ({added} rows added meanwhile)", times.show(&[50, 99]));
    row_below(&format!("cache lookup, a {what} among 100,000 rows"), &value, millis(times.at(99)), 1.0, "ms");
}

/// Times of lookups that find something, and of such that do not, in turn.
fn look_up(path: &Path) -> (Spread, Spread) {
    let reader = store::open_reader(path, Database::Analysis).unwrap().unwrap();
    let (mut hits, mut misses) = (Vec::new(), Vec::new());
    for nth in 0..LOOKUPS {
        let (found, took) = timed(&reader, &key(nth * STRIDE % ROWS).hash());
        assert!(found, "the row is there");
        hits.push(took);
        // the writer's rows are counted on from ROWS, and never get this far
        let (found, took) = timed(&reader, &key(u64::MAX - nth).hash());
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

fn insert(db: &mut Connection, numbers: std::ops::Range<u64>, json: &str) {
    let tx = store::write(db).unwrap();
    for number in numbers {
        let path = FilePath::from(format!("crates/part-{}/src/file_{number}.rs", number % 50).as_str());
        let key = key(number);
        let new = NewAnalysis {
            key: &key,
            path: &path,
            json,
            generation_time_ms: 1,
            repo_id: "00000000",
            repo_path: b"/sample",
            commit: None,
            bill: Bill::default(),
        };
        analyses::insert(&tx, &new, clock::now()).unwrap();
    }
    tx.commit().unwrap();
}

fn key(number: u64) -> AnalysisKey {
    AnalysisKey {
        content_hash: Hash::of(&number.to_le_bytes()),
        language: Language::Rust,
        role: Role::Library,
        analysis_type: AnalysisType::Analysis,
        model_id: Local.model_id().to_owned(),
        prompt_hash: Local.prompt_hash(AnalysisType::Analysis),
        schema_version: SCHEMA_VERSION,
        config_hash: no_options(),
        deps_hash: no_dependencies(),
    }
}

/// A real report of the longest kind, about a file of the sample.
fn report() -> String {
    let files = sample::files(sample::ALL);
    let (_, text) = files.iter().find(|(path, _)| path == sample::EDITED).unwrap();
    let subject = Subject { language: Language::Rust, role: Role::Library, text, uses: &[] };
    Local.analyze(AnalysisType::Analysis, &subject).unwrap().to_json().unwrap()
}
