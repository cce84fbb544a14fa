use super::*;
use crate::cache::analyses::{self, Bill, NewAnalysis};
use crate::cache::key::{AnalysisKey, no_dependencies, no_options};
use crate::cache::prune::{Need, select};
use crate::cache::view;
use crate::domain::{AnalysisType, FilePath, JobKind, RepoId, Role};
use crate::home::StoreDir;
use crate::vectors::OwnedVector;

const NOW: Timestamp = Timestamp(1_000_000_000);

fn store(dir: &tempfile::TempDir) -> RepoStore {
    RepoStore::open(&RepoId("r".into()), StoreDir::local(dir.path().join("store"))).unwrap()
}

fn key(content: &[u8]) -> AnalysisKey {
    AnalysisKey {
        content_hash: Hash::of(content),
        language: Language::RUST,
        role: Role::Library,
        analysis_type: AnalysisType::Docs,
        model_id: "local".into(),
        prompt_hash: Hash::of(b"rules"),
        schema_version: 1,
        config_hash: no_options(),
        deps_hash: no_dependencies(),
    }
}

/// Text that does not compress to nothing.
fn report(content: &str) -> String {
    (0..60).map(|n| Hash::of(format!("{content}{n}").as_bytes()).to_string()).collect()
}

fn put(store: &RepoStore, content: &str, live: bool) -> Hash {
    let (key, path) = (key(content.as_bytes()), FilePath::from(format!("{content}.rs").as_str()));
    let new = NewAnalysis {
        key: &key,
        path: &path,
        json: &report(content),
        packed: None,
        generation_time_ms: 5,
        repo_id: "r",
        repo_path: b"/r",
        commit: None,
        bill: Bill::default(),
        is_piece: false,
    };
    analyses::insert(store.db(), &new, NOW).unwrap();
    if live {
        add_file(store, &path);
        view::put_current_keys(store.db(), &path, &[(JobKind::Analyze(AnalysisType::Docs), key.hash())]).unwrap();
    }
    key.hash()
}

fn add_file(store: &RepoStore, path: &FilePath) {
    let sql = "INSERT INTO files (file_path, blob_id, mode, source, size_bytes, language, role)
               VALUES (?1, x'00', 'file', 'commit', 1, 'rust', 'library')";
    store.db().execute(sql, [path.as_bytes()]).unwrap();
}

fn all(store: &RepoStore) -> Vec<PruneItem> {
    inventory(store, 0, &HashSet::new()).unwrap()
}

fn file_bytes(store: &RepoStore) -> u64 {
    std::fs::metadata(store.dir.analysis_db()).unwrap().len()
}

#[test]
fn what_is_removed_is_gone_recorded_and_the_file_is_smaller() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    assert_eq!(number(store.db(), "auto_vacuum").unwrap(), 2, "incremental");
    for n in 0..400 {
        put(&store, &format!("dead{n}"), false);
    }
    let live = put(&store, "live", true);
    reclaim(store.db()).unwrap();
    let before = file_bytes(&store);
    let need = Need { bytes: before / 2, stores: &[before], quota: before, strategy: Strategy::CostAware, now: NOW };
    let items = select(all(&store), &need);
    let removed = remove(&mut store, &items, Strategy::CostAware, 77, NOW).unwrap();
    assert_eq!((removed.analyses, removed.live), (items.len() as u64, 0));
    reclaim(store.db()).unwrap();
    let after = file_bytes(&store);
    assert_eq!(before - after, removed.bytes, "what was counted as freed is what the file lost");
    assert_close(removed.bytes, before / 2);
    assert!(analyses::contains(store.db(), &live).unwrap());
    let sql = "SELECT entries_removed, bytes_freed, pruning_strategy, total_entries, total_bytes FROM pruning_stats";
    let row: (u64, u64, String, u64, u64) = store
        .db()
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap();
    assert_eq!(row, (removed.items(), removed.bytes, "cost-aware".into(), 401 - removed.analyses, after + 77));
}

#[track_caller]
fn assert_close(found: u64, estimated: u64) {
    assert!((estimated * 7 / 10..=estimated * 13 / 10).contains(&found), "{found}, estimated {estimated}");
}

/// Rows of each kind and of any length free about what was estimated, so that not much more goes than has to.
#[test]
fn sizes_are_estimated_well() {
    for length in [80, 700, 1_500, 3_000, 9_000] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = store(&dir);
        let text: Vec<u8> = (0..length / 32 + 1).flat_map(|n| *Hash::of(&[n as u8; 3]).as_bytes()).collect();
        for n in 0..300_u32 {
            let name = Hash::of(&n.to_le_bytes());
            let sql = "INSERT INTO outlines VALUES (?1, 'rust', 1, ?2)";
            store.db().execute(sql, params![name.as_bytes(), &text[..length]]).unwrap();
        }
        assert_estimate(&mut store);
        for n in 0..300 {
            put(&store, &format!("src/some/directory/file{n}"), false);
        }
        store.db().execute("UPDATE file_analysis SET analysis_json = ?1", [&text[..length]]).unwrap();
        store.db().execute_batch("VACUUM").unwrap();
        assert_estimate(&mut store);
    }
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    let vector = |n: u32| OwnedVector {
        chunk_hash: Hash::of(&n.to_le_bytes()),
        model_id: "all-MiniLM-L6-v2".into(),
        vector: vec![n as f32; 384],
    };
    let kept: Vec<OwnedVector> = (0..300).map(vector).collect();
    super::super::retired::keep(store.db(), &kept, NOW).unwrap();
    assert_estimate(&mut store);
}

/// Removes everything and compares.
#[track_caller]
fn assert_estimate(store: &mut RepoStore) {
    let items = all(store);
    let estimated = items.iter().map(|item| item.bytes).sum();
    let removed = remove(store, &items, Strategy::CostAware, 0, NOW).unwrap();
    assert_eq!(removed.items(), items.len() as u64);
    assert_close(removed.bytes, estimated);
}

#[test]
fn an_evicted_live_entry_leaves_a_mark_until_remade_or_unused() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    let (one, two) = (put(&store, "one", true), put(&store, "two", true));
    let items = all(&store);
    assert_eq!(remove(&mut store, &items, Strategy::Lru, 0, NOW).unwrap().live, 2);
    assert_eq!(evicted::keys(store.db()).unwrap(), HashSet::from([one, two]));
    put(&store, "one", false);
    assert!(!evicted::contains(store.db(), &one).unwrap(), "it was made again");
    assert!(evicted::contains(store.db(), &two).unwrap());
    view::put_current_keys(store.db(), &"two.rs".into(), &[]).unwrap();
    assert!(!evicted::contains(store.db(), &two).unwrap(), "coming back to it is a change");
    remove(&mut store, &[], Strategy::Lru, 0, NOW).unwrap();
    let marks: u64 = store.db().query_row("SELECT count(*) FROM evicted", [], |row| row.get(0)).unwrap();
    assert_eq!(marks, 0);
}

#[test]
fn what_a_job_needs_is_not_on_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let (asked_again, other) = (put(&store, "one", true), put(&store, "two", false));
    let listed = inventory(&store, 3, &HashSet::from([asked_again])).unwrap();
    let [PruneItem { store: 3, identity: Identity::Analysis { key, .. }, live: false, .. }] = listed.as_slice() else {
        panic!("{listed:?}")
    };
    assert_eq!(*key, other);
    // a chunk that came back, and whose vectors are still to be found
    let vector = |text: &[u8]| OwnedVector { chunk_hash: Hash::of(text), model_id: "m".into(), vector: vec![0.0; 384] };
    super::super::retired::keep(store.db(), &[vector(b"back"), vector(b"gone")], NOW).unwrap();
    let sql = "INSERT INTO chunks VALUES (1, x'01', ?1, ?2, 'function', 'f', 1, 2, 0, NULL)";
    let path_no = super::super::paths::number(store.db(), &"two.rs".into()).unwrap();
    store.db().execute(sql, params![path_no, Hash::of(b"back").as_bytes()]).unwrap();
    let kept = all(&store).into_iter().filter(|item| matches!(item.identity, Identity::Vector { .. })).count();
    assert_eq!(kept, 1);
}

#[test]
fn outlines_of_vanished_contents_and_rows_of_vanished_files_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    put(&store, "here", true);
    let insert = |sql: &str| assert_eq!(store.db().execute(sql, []).unwrap(), 1);
    insert("UPDATE files SET content_hash = zeroblob(32)");
    insert("INSERT INTO outlines VALUES (zeroblob(32), 'rust', 1, x'01')");
    insert(
        "INSERT INTO outlines VALUES (x'1111111111111111111111111111111111111111111111111111111111111111', 'rust', 1, x'01')",
    );
    insert("INSERT INTO paths VALUES (3, x'78')");
    insert("INSERT INTO chunks VALUES (7, x'01', 3, zeroblob(32), 'function', 'f', 1, 2, 0, NULL)");
    insert("INSERT INTO chunk_text (rowid, name, path, body) VALUES (7, 'vanished', 'x', 'x')");
    insert("INSERT INTO current_keys VALUES (x'78', 'embed', zeroblob(32))");
    insert("INSERT INTO embedded_files VALUES (x'78', zeroblob(32))");
    let items: Vec<PruneItem> = all(&store).into_iter().filter(|item| !item.live).collect();
    assert_eq!(items.len(), 1, "{items:?}");
    remove(&mut store, &items, Strategy::CostAware, 0, NOW).unwrap();
    let count = |sql: &str| store.db().query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM outlines"), 1);
    assert_eq!(count("SELECT count(*) FROM chunk_text WHERE chunk_text MATCH 'vanished'"), 0);
    assert_eq!(count("SELECT (SELECT count(*) FROM chunks) + (SELECT count(*) FROM embedded_files)"), 0);
    assert_eq!(count("SELECT count(*) FROM paths"), 0);
    assert_eq!(count("SELECT count(*) FROM current_keys"), 1);
}

/// A prune that dies before its commit has done nothing; one that dies before the file is cut is finished by the next.
#[test]
fn a_crash_between_the_steps_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = store(&dir);
    for n in 0..200 {
        put(&first, &format!("dead{n}"), false);
    }
    reclaim(first.db()).unwrap();
    let (items, before) = (all(&first), file_bytes(&first));
    {
        let tx = first.write().unwrap();
        for item in &items {
            remove_one(&tx, item, &mut Removed::default(), NOW).unwrap();
        }
        // dropped without a commit, as the connection of a killed process is
    }
    assert_eq!(all(&first), items);
    let removed = remove(&mut first, &items, Strategy::CostAware, 0, NOW).unwrap();
    drop(first);
    let second = store(&dir);
    assert_eq!(all(&second), []);
    assert_eq!(free_bytes(second.db()).unwrap(), removed.bytes, "removed, not yet cut");
    reclaim(second.db()).unwrap();
    assert_eq!(file_bytes(&second), before - removed.bytes);
    let sound: String = second.db().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}
