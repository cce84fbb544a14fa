use std::path::Path;

use super::*;
use crate::analyzer::{Analyzer, FileSubject, Local};
use crate::cache::analyses::{self, Bill, NewAnalysis};
use crate::cache::key::{AnalysisKey, no_dependencies, no_options};
use crate::cache::{evict, prune, share};
use crate::domain::{AnalysisType, FilePath, Hash, Language, RepoId, Role};
use crate::home::StoreDir;

const NOW: Timestamp = Timestamp(1_000_000);

fn open(dir: &tempfile::TempDir) -> RepoStore {
    RepoStore::open(&RepoId("r".into()), StoreDir::local(dir.path().join("store"))).unwrap()
}

/// What the local analyzer says of some of this project's own files.
fn reports() -> Vec<(AnalysisKey, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for folder in ["cache", "queue", "worker", "repo", "config"] {
        let found = std::fs::read_dir(source.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        files.extend(found.filter(|path| path.extension().is_some_and(|extension| extension == "rs")));
    }
    files.sort();
    let mut reports = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        for &analysis_type in AnalysisType::ALL {
            let subject = FileSubject { language: Language::RUST, role: Role::Library, text: &text, uses: &[] };
            let json = Local.analyze(analysis_type, &subject).unwrap().to_json().unwrap();
            reports.push((key(text.as_bytes(), analysis_type), json));
        }
    }
    reports
}

fn key(content: &[u8], analysis_type: AnalysisType) -> AnalysisKey {
    AnalysisKey {
        content_hash: Hash::of(content),
        language: Language::RUST,
        role: Role::Library,
        analysis_type,
        model_id: "local".into(),
        prompt_hash: Hash::of(b"rules"),
        schema_version: 1,
        config_hash: no_options(),
        deps_hash: no_dependencies(),
    }
}

fn put<'r>(store: &RepoStore, reports: impl IntoIterator<Item = &'r (AnalysisKey, String)>) {
    for (key, json) in reports {
        let path = FilePath::from("a.rs");
        let new = NewAnalysis {
            key,
            path: &path,
            json,
            packed: None,
            generation_time_ms: 1,
            repo_id: "r",
            repo_path: b"/r",
            commit: None,
            bill: Bill::default(),
            is_piece: false,
        };
        analyses::insert(store.db(), &new, NOW).unwrap();
    }
}

#[track_caller]
fn assert_whole(store: &RepoStore, reports: &[(AnalysisKey, String)]) {
    for (key, json) in reports {
        assert_eq!(analyses::get(store.db(), &key.hash()).unwrap().unwrap().json, *json);
    }
    let unsound: u64 =
        store.db().query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
    assert_eq!(unsound, 0);
}

fn number(store: &RepoStore, sql: &str) -> u64 {
    store.db().query_row(sql, [], |row| row.get(0)).unwrap()
}

const DICTIONARIES: &str = "SELECT count(*) FROM dictionaries";
const STORED: &str =
    "SELECT sum(length(analysis_json)) + (SELECT coalesce(sum(length(dictionary)), 0) FROM dictionaries)
                      FROM file_analysis";

#[test]
fn what_is_alike_is_stored_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(&dir);
    let reports = reports();
    put(&store, &reports);
    let before = number(&store, STORED);
    let done = improve(&mut store, NOW, &|| false).unwrap();
    assert!(done.trained && done.repacked > reports.len() / 2, "{done:?} of {}", reports.len());
    let (after, raw) = (number(&store, STORED), number(&store, "SELECT sum(size_bytes) FROM file_analysis"));
    println!("{} entries, {raw} bytes: {before} without a dictionary, {after} with it", reports.len());
    assert!(after * 100 <= raw * 35, "{after} of {raw}; {before} without");
    assert!(after < before, "{after} of {before}");
    assert_whole(&store, &reports);
    assert_eq!(improve(&mut store, NOW, &|| false).unwrap(), Improvement::default(), "it is as it ought to be");
    let other = key(b"another file", AnalysisType::Docs);
    put(&store, [&(other, reports[1].1.clone())]);
    assert_eq!(
        number(
            &store,
            "SELECT max(dictionary_id IS NULL) FROM file_analysis WHERE analysis_id = (SELECT max(analysis_id) FROM file_analysis)"
        ),
        0
    );
}

#[test]
fn equal_entries_train_one_dictionary_and_twice_as_many_another() {
    let reports = reports();
    let (half, rest) = reports.split_at(reports.len() / 2);
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [mut one, mut other] = dirs.each_ref().map(open);
    put(&one, half);
    put(&other, half.iter().rev());
    let ids = |store: &RepoStore| -> Vec<i64> {
        let mut ids = store.db().prepare("SELECT dictionary_id FROM dictionaries").unwrap();
        ids.query_map([], |row| row.get(0)).unwrap().map(|id| id.unwrap()).collect()
    };
    for store in [&mut one, &mut other] {
        assert!(improve(store, NOW, &|| false).unwrap().trained);
    }
    let first = ids(&one);
    assert_eq!(first, ids(&other));
    put(&one, rest);
    // a clock that was set back hinders nothing
    assert_eq!(improve(&mut one, Timestamp(5), &|| false).unwrap().dropped, usize::from(ids(&one) != first));
    assert_eq!(number(&one, DICTIONARIES), 1);
    assert_whole(&one, &reports);
}

/// The connection of a killed process is dropped between any two transactions.
#[test]
fn an_interrupted_round_loses_no_entry_and_the_next_continues() {
    let dir = tempfile::tempdir().unwrap();
    let reports = reports();
    let mut store = open(&dir);
    put(&store, &reports);
    assert!(train_if_due(&mut store, NOW).unwrap());
    drop(store);
    let mut store = open(&dir);
    assert_whole(&store, &reports);
    let batch = next_batch(store.db()).unwrap().unwrap();
    repack(&mut store, &Batch { after: batch.after, to: batch.after + 20 }).unwrap();
    drop(store);
    let mut store = open(&dir);
    assert_whole(&store, &reports);
    assert!(number(&store, "SELECT count(*) FROM file_analysis WHERE dictionary_id IS NULL") > 0);
    let done = improve(&mut store, NOW, &|| false).unwrap();
    assert!(!done.trained && done.repacked > 0, "{done:?}");
    assert_whole(&store, &reports);
    assert!(next_batch(store.db()).unwrap().is_none());
}

#[test]
fn a_copy_is_packed_with_the_dictionary_of_its_new_store() {
    let reports = reports();
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [mut from, mut to, bare] = dirs.each_ref().map(open);
    let (copied, own) = reports.split_at(reports.len() / 2);
    put(&from, copied);
    put(&to, own);
    for store in [&mut from, &mut to] {
        improve(store, NOW, &|| false).unwrap();
    }
    for (key, _) in copied {
        for to in [&to, &bare] {
            assert!(share::copy(from.db(), to.db(), &key.hash(), NOW).unwrap());
        }
    }
    drop(from);
    assert_whole(&to, &reports);
    assert_whole(&bare, copied);
    assert_eq!(number(&bare, DICTIONARIES), 0);
}

#[test]
fn a_dictionary_goes_with_the_last_entry_that_needs_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(&dir);
    put(&store, &reports());
    improve(&mut store, NOW, &|| false).unwrap();
    let mut items = evict::inventory(&store, 0, &Default::default()).unwrap();
    let half = items.split_off(items.len() / 2);
    evict::remove(&mut store, &items, prune::Strategy::Lru, 0, NOW).unwrap();
    assert_eq!(number(&store, DICTIONARIES), 1);
    evict::remove(&mut store, &half, prune::Strategy::Lru, 0, NOW).unwrap();
    assert_eq!(number(&store, DICTIONARIES), 0);
}

#[test]
fn a_damaged_dictionary_makes_only_its_own_entries_unreadable() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(&dir);
    // entries of its own, so that no other test has this dictionary in memory
    let reports: Vec<(AnalysisKey, String)> = (0..300_u32)
        .map(|n| {
            let text =
                format!("{{\"damage\": {n}, \"said of it\": \"a dictionary that is to be damaged, {}\"}}", n * 7);
            (key(&n.to_le_bytes(), AnalysisType::Docs), text)
        })
        .collect();
    put(&store, &reports);
    improve(&mut store, NOW, &|| false).unwrap();
    let damage = "UPDATE dictionaries SET dictionary = zeroblob(length(dictionary)), dictionary_id = dictionary_id";
    assert_eq!(store.db().execute(damage, []).unwrap(), 1);
    packed::forget_prepared();
    let read = |store: &RepoStore, key: &AnalysisKey| analyses::get(store.db(), &key.hash());
    assert!(matches!(read(&store, &reports[0].0), Err(StoreError::Unreadable { .. })));
    let new = (key(b"new", AnalysisType::Docs), "{\"new\": 1}".to_owned());
    put(&store, [&new]);
    assert_eq!(read(&store, &new.0).unwrap().unwrap().json, new.1);
}
