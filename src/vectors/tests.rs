use super::upkeep::Thresholds;
use super::*;
use crate::clock::Timestamp;
use std::time::Duration;

/// A vector of unit length that points mostly along one axis.
fn vector(axis: usize, lean: f32) -> Vec<f32> {
    let mut vector = vec![0.0; DIMENSIONS];
    vector[axis % DIMENSIONS] = (1.0 - lean * lean).sqrt();
    vector[(axis + 1) % DIMENSIONS] = lean;
    vector
}

fn row(path: &str, nth: u32, model: &str) -> ChunkRow {
    let text = format!("{path} chunk {nth}");
    let chunk_hash = Hash::of(text.as_bytes());
    ChunkRow {
        chunk_id: ChunkRow::id(path, &chunk_hash, 0),
        vector: vector(nth as usize, 0.1),
        text,
        file_path: path.to_owned(),
        content_hash: Hash::of(path.as_bytes()),
        chunk_hash,
        model_id: model.to_owned(),
        entity_type: "function".to_owned(),
        entity_name: format!("f{nth}"),
        language: "rust".to_owned(),
        start_line: nth + 1,
        end_line: nth + 9,
    }
}

fn rows_of(path: &str, count: u32) -> Vec<ChunkRow> {
    (0..count).map(|nth| row(path, nth, "m")).collect()
}

async fn opened(dir: &Path) -> Vectors {
    Vectors::open_or_create(dir, DIMENSIONS).await.unwrap()
}

fn sorted(mut rows: Vec<ChunkRow>) -> Vec<ChunkRow> {
    rows.sort_by(|a, b| a.chunk_id.cmp(&b.chunk_id));
    rows
}

#[tokio::test]
async fn a_store_that_is_not_there_is_none_and_is_not_created() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("embeddings.lance");
    assert!(Vectors::open(&dir).await.unwrap().is_none());
    assert!(!dir.exists());
}

#[tokio::test]
async fn rows_come_back_as_they_were_and_survive_opening_again() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a b's %41 ü #1?x").join("embeddings.lance");
    let rows = [rows_of("it's \"odd\".rs", 3), rows_of("src/ü%25.rs", 2)].concat();
    opened(&dir).await.replace_files(&["it's \"odd\".rs", "src/ü%25.rs"], rows.clone()).await.unwrap();
    let vectors = Vectors::open(&dir).await.unwrap().unwrap();
    assert_eq!(sorted(vectors.rows().await.unwrap()), sorted(rows));
    assert!(vectors.disk_bytes() > 5 * 4 * DIMENSIONS as u64);
}

#[tokio::test]
async fn replacing_a_file_touches_no_other() {
    let home = tempfile::tempdir().unwrap();
    let vectors = opened(home.path()).await;
    vectors.replace_files(&["a'b.rs", "b.rs"], [rows_of("a'b.rs", 4), rows_of("b.rs", 2)].concat()).await.unwrap();
    vectors.replace_files(&["a'b.rs"], rows_of("a'b.rs", 1)).await.unwrap();
    assert_eq!(sorted(vectors.rows().await.unwrap()), sorted([rows_of("a'b.rs", 1), rows_of("b.rs", 2)].concat()));
    vectors.delete_files(&["b.rs", "never.rs"]).await.unwrap();
    assert_eq!(vectors.count().await.unwrap(), 1);
    assert_eq!(
        vectors.files("m").await.unwrap(),
        HashMap::from([("a'b.rs".to_owned(), Hash::of(b"a'b.rs").to_string())])
    );
}

#[tokio::test]
async fn known_vectors_are_found_by_hash_of_the_same_model_only() {
    let home = tempfile::tempdir().unwrap();
    let vectors = opened(home.path()).await;
    let rows = vec![row("a.rs", 0, "m"), row("a.rs", 1, "other")];
    vectors.replace_files(&["a.rs"], rows.clone()).await.unwrap();
    let mut hashes: Vec<Hash> = (0..2_500_u32).map(|n| Hash::of(&n.to_le_bytes())).collect();
    hashes.extend(rows.iter().map(|row| row.chunk_hash));
    let found = vectors.vectors_of(&hashes, "m").await.unwrap();
    assert_eq!(found, HashMap::from([(rows[0].chunk_hash, rows[0].vector.clone())]));
    assert_eq!(vectors.vectors_of(&[], "m").await.unwrap(), HashMap::new());
}

#[tokio::test]
async fn the_vectors_of_a_file_are_handed_out_whole_before_they_go() {
    let home = tempfile::tempdir().unwrap();
    let vectors = opened(home.path()).await;
    let rows = vec![row("a'b.rs", 0, "m"), row("a'b.rs", 1, "other"), row("b.rs", 2, "m")];
    vectors.replace_files(&["a'b.rs", "b.rs"], rows.clone()).await.unwrap();
    let mut found = vectors.vectors_in(&["a'b.rs", "never.rs"]).await.unwrap();
    found.sort_by(|a, b| a.model_id.cmp(&b.model_id));
    let owned = |row: &ChunkRow| OwnedVector {
        chunk_hash: row.chunk_hash,
        model_id: row.model_id.clone(),
        vector: row.vector.clone(),
    };
    assert_eq!(found, rows[..2].iter().map(owned).collect::<Vec<_>>());
}

#[tokio::test]
async fn replaced_versions_do_not_count_as_present_bytes() {
    let home = tempfile::tempdir().unwrap();
    let vectors = opened(home.path()).await;
    for nth in 0..20_u32 {
        vectors.replace_files(&["a.rs"], rows_of("a.rs", 40 + nth)).await.unwrap();
    }
    let present = vectors.current_bytes().await.unwrap();
    assert!(present * 5 < vectors.disk_bytes(), "{present} of {}", vectors.disk_bytes());
    vectors.maintain(Timestamp(crate::clock::now().0 + 1_000), Duration::ZERO).await.unwrap();
    let (present, disk) = (vectors.current_bytes().await.unwrap(), vectors.disk_bytes());
    assert!(present <= disk && disk < present + 64 * 1_024, "{present} of {disk}");
}

#[tokio::test]
async fn search_gives_the_nearest_of_its_model_with_their_cosine() {
    let home = tempfile::tempdir().unwrap();
    let vectors = opened(home.path()).await;
    assert_eq!(vectors.search(&vector(7, 0.0), "m", 3).await.unwrap(), []);
    vectors.replace_files(&["a.rs"], rows_of("a.rs", 40)).await.unwrap();
    let found = vectors.search(&vector(7, 0.0), "m", 3).await.unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].0, row("a.rs", 7, "m").chunk_id);
    assert!((found[0].1 - 0.99_f32.sqrt()).abs() < 1e-5, "{found:?}");
    assert_eq!(found[1].0, row("a.rs", 6, "m").chunk_id);

    vectors.replace_files(&["b.rs"], vec![row("b.rs", 7, "other")]).await.unwrap();
    let of_model =
        |model| async move { vectors.search(&vector(7, 0.0), model, 50).await.map(|found| (found, vectors)) };
    let (found, vectors) = of_model("m").await.unwrap();
    assert_eq!(found.len(), 40);
    assert_eq!(vectors.search(&vector(7, 0.0), "other", 50).await.unwrap().len(), 1);
}

#[tokio::test]
async fn upkeep_merges_fragments_removes_versions_and_changes_no_row() {
    let home = tempfile::tempdir().unwrap();
    let vectors = opened(home.path()).await;
    for nth in 0..40_u32 {
        let path = format!("{}.rs", nth % 30);
        vectors.replace_files(&[&path], rows_of(&path, 3)).await.unwrap();
    }
    let (before, bytes) = (sorted(vectors.rows().await.unwrap()), vectors.disk_bytes());
    let kept = vectors.maintain(crate::clock::now(), VERSION_KEPT).await.unwrap();
    assert!(kept.fragments_merged >= Thresholds::DEFAULT.small_fragments && kept.versions_removed == 0, "{kept:?}");

    let later = Timestamp(crate::clock::now().0 + 1_000);
    let done = vectors.maintain(later, Duration::ZERO).await.unwrap();
    assert!(done.versions_removed > 40, "{done:?}");
    assert!(vectors.disk_bytes() < bytes / 2, "{} of {bytes} bytes", vectors.disk_bytes());
    assert_eq!(sorted(vectors.rows().await.unwrap()), before);
}

#[tokio::test]
async fn a_reader_whose_version_was_pruned_opens_again() {
    let home = tempfile::tempdir().unwrap();
    let writer = opened(home.path()).await;
    writer.replace_files(&["a.rs"], rows_of("a.rs", 4)).await.unwrap();
    let reader = Vectors::open(home.path()).await.unwrap().unwrap();
    for _ in 0..20 {
        writer.replace_files(&["a.rs"], rows_of("a.rs", 2)).await.unwrap();
    }
    writer.maintain(Timestamp(crate::clock::now().0 + 1_000), Duration::ZERO).await.unwrap();
    assert_eq!(reader.search(&vector(1, 0.0), "m", 10).await.unwrap().len(), 2);
    assert_eq!(reader.rows().await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_crash_left_of_a_creation_is_replaced() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("code_chunks.lance/_versions")).unwrap();
    std::fs::write(home.path().join("code_chunks.lance/junk"), "x").unwrap();
    assert!(Vectors::open(home.path()).await.unwrap().is_none());
    assert_eq!(opened(home.path()).await.count().await.unwrap(), 0);
}

/// A vector of unit length whose direction follows from a number.
fn scattered(seed: u32) -> Vec<f32> {
    let mut state = u64::from(seed) + 1;
    let mut vector = vec![0.0; DIMENSIONS];
    for value in &mut vector {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *value = ((state >> 40) as f32 / (1 << 23) as f32) - 1.0;
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.into_iter().map(|value| value / length).collect()
}

#[tokio::test]
async fn indexed_answers_stay_the_same_after_edits_and_compaction() {
    let home = tempfile::tempdir().unwrap();
    let vectors = opened(home.path()).await;
    let file = |nth: u32, count: u32| -> Vec<ChunkRow> {
        let path = format!("{nth}.rs");
        (0..count).map(|of| ChunkRow { vector: scattered(nth * 100 + of), ..row(&path, of, "m") }).collect()
    };
    for nth in 0..5 {
        vectors.replace_files(&[&format!("{nth}.rs")], file(nth, 60)).await.unwrap();
    }
    let query = scattered(217);
    let before = vectors.search(&query, "m", 10).await.unwrap();
    assert_eq!(before[0].0, file(2, 60)[17].chunk_id);

    let from = Thresholds {
        small_fragments: 3,
        vector_index_rows: 256,
        scalar_index_rows: 256,
        unindexed_rows: 20,
        ..Thresholds::DEFAULT
    };
    let maintain = || vectors.maintain_from(from, Timestamp(crate::clock::now().0 + 1_000), Duration::ZERO);
    assert_eq!(maintain().await.unwrap().indexes_built, 3);
    let ids = |found: &[(String, f32)]| found.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&vectors.search(&query, "m", 10).await.unwrap()), ids(&before));
    assert_eq!(maintain().await.unwrap().indexes_built, 0);

    vectors.replace_files(&["2.rs"], file(2, 10)).await.unwrap();
    vectors.replace_files(&["9.rs"], file(9, 60)).await.unwrap();
    let newest = |found: Vec<(String, f32)>| (found[0].0.clone(), found[0].1);
    for round in ["before", "after"] {
        let (id, score) = newest(vectors.search(&scattered(933), "m", 5).await.unwrap());
        assert!(id == file(9, 60)[33].chunk_id && score > 0.999, "{round} upkeep: {score}");
        let gone = &before[0].0;
        assert!(vectors.search(&query, "m", 300).await.unwrap().iter().all(|(id, _)| id != gone), "{round} upkeep");
        let known = vectors.vectors_of(&[file(9, 60)[5].chunk_hash], "m").await.unwrap();
        assert_eq!(known.len(), 1, "{round} upkeep");
        assert_eq!(vectors.count().await.unwrap(), 4 * 60 + 10 + 60);
        assert!(round == "after" || maintain().await.unwrap().indexes_built == 3);
    }
}

/// Sixty commits of one file each, looked after between them as an idle worker does, while the clock goes on: the directory stays
/// about as large as one that was written at once, what is not indexed stays little, and a search finds the same.
#[tokio::test]
async fn after_many_commits_the_table_equals_one_written_at_once() {
    const FILES: u32 = 40;
    const ROWS: u32 = 12;
    let content = |nth: u32, edit: u32| -> Vec<ChunkRow> {
        let path = format!("{nth}.rs");
        let vector = |of| scattered(edit * 10_000 + nth * 100 + of);
        (0..ROWS).map(|of| ChunkRow { vector: vector(of), ..row(&path, edit * 1_000 + of, "m") }).collect()
    };
    let from = Thresholds { vector_index_rows: 256, scalar_index_rows: 256, unindexed_rows: 60, ..Thresholds::DEFAULT };
    let (home, fresh_home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (vectors, fresh) = (opened(home.path()).await, opened(fresh_home.path()).await);
    let paths: Vec<String> = (0..FILES).map(|nth| format!("{nth}.rs")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let mut files: Vec<Vec<ChunkRow>> = (0..FILES).map(|nth| content(nth, 0)).collect();
    vectors.replace_files(&paths, files.concat()).await.unwrap();
    let begun = crate::clock::now().0;
    for commit in 1..=60_u32 {
        let nth = commit * 7 % FILES;
        files[nth as usize] = content(nth, commit);
        vectors.replace_files(&[paths[nth as usize]], files[nth as usize].clone()).await.unwrap();
        let now = Timestamp(begun + i64::from(commit) * 60_000);
        vectors.maintain_from(from, now, VERSION_KEPT).await.unwrap();
        let unindexed = vectors.unindexed_rows().await.unwrap();
        assert!(unindexed <= from.unindexed_rows, "{unindexed} after {commit} commits");
    }
    fresh.replace_files(&paths, files.concat()).await.unwrap();
    let later = Timestamp(begun + 3_600_000);
    fresh.maintain_from(from, later, VERSION_KEPT).await.unwrap();
    assert_eq!(sorted(vectors.rows().await.unwrap()), sorted(files.concat()));
    let (grown, new) = (vectors.disk_bytes(), fresh.disk_bytes());
    assert!(grown * 2 <= new * 3, "{grown} bytes, written at once {new}");
    for seed in [3, 31, 313] {
        let (found, wanted) = (
            vectors.search(&scattered(seed), "m", 10).await.unwrap(),
            fresh.search(&scattered(seed), "m", 10).await.unwrap(),
        );
        let ids = |hits: &[(String, f32)]| hits.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&found), ids(&wanted));
    }
}
