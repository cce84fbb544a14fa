use super::super::{ChunkRow, DIMENSIONS};
use super::*;
use crate::domain::Hash;

/// Unit vectors that point anywhere, the same in every run.
fn vector(seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    let components: Vec<f32> = (0..DIMENSIONS).map(|_| next()).collect();
    let length = components.iter().map(|c| c * c).sum::<f32>().sqrt();
    components.into_iter().map(|c| c / length).collect()
}

fn rows(path: &str, seeds: std::ops::Range<u64>, model: &str) -> Vec<ChunkRow> {
    let row = |seed: u64| ChunkRow {
        chunk_id: format!("{path}:{seed}"),
        vector: vector(seed),
        text: String::new(),
        file_path: path.to_owned(),
        content_hash: Hash::of(b""),
        chunk_hash: Hash::of(&seed.to_le_bytes()),
        model_id: model.to_owned(),
        entity_type: "function".to_owned(),
        entity_name: String::new(),
        language: "rust".to_owned(),
        start_line: 1,
        end_line: 1,
    };
    seeds.map(row).collect()
}

async fn nearest(vectors: &Vectors, query: u64, limit: usize) -> Vec<(String, f32)> {
    let pieces = vectors.resident(&["m"], 1_000).await.unwrap().unwrap();
    let code = UnitCode::of(&vector(query));
    let mut found: Vec<(String, f32)> =
        pieces.iter().flat_map(|piece| piece.nearest(&code, limit)).map(|(id, score)| (id.to_owned(), score)).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found.truncate(limit);
    found
}

#[tokio::test]
async fn memory_finds_what_the_disk_finds_with_the_same_scores() {
    let dir = tempfile::tempdir().unwrap();
    let vectors = Vectors::open_or_create(dir.path(), DIMENSIONS).await.unwrap();
    vectors.replace_files(&["a"], rows("a", 0..150, "m")).await.unwrap();
    vectors.replace_files(&["b"], [rows("b", 150..300, "m"), rows("b", 300..400, "other")].concat()).await.unwrap();
    for query in 1_000..1_010 {
        let on_disk = vectors.search(&vector(query), "m", 20).await.unwrap();
        let in_memory = nearest(&vectors, query, 20).await;
        assert_eq!(in_memory.len(), 20);
        for ((_, memory), (_, disk)) in in_memory.iter().zip(&on_disk) {
            assert!((memory - disk).abs() < 8e-5, "{memory} {disk}");
        }
        assert_eq!(in_memory[0].0, on_disk[0].0);
    }
}

#[tokio::test]
async fn another_handles_writes_are_seen_and_only_they_are_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let writer = Vectors::open_or_create(dir.path(), DIMENSIONS).await.unwrap();
    writer.replace_files(&["a"], rows("a", 0..10, "m")).await.unwrap();
    let reader = Vectors::open(dir.path()).await.unwrap().unwrap();
    assert_eq!(nearest(&reader, 3, 1).await[0].0, "a:3");
    let before = reader.resident(&["m"], 1_000).await.unwrap().unwrap();
    writer.replace_files(&["b"], rows("b", 10..20, "m")).await.unwrap();
    assert_eq!(nearest(&reader, 15, 1).await[0].0, "b:15");
    let after = reader.resident(&["m"], 1_000).await.unwrap().unwrap();
    assert!(after.iter().any(|piece| Arc::ptr_eq(piece, &before[0])), "an unchanged fragment is kept");
    writer.replace_files(&["a"], rows("a", 5..10, "m")).await.unwrap();
    let found = nearest(&reader, 3, 100).await;
    assert_eq!(found.len(), 15);
    assert!(!found.iter().any(|(id, _)| id == "a:3"));
    writer.replace_files(&["b"], Vec::new()).await.unwrap();
    assert_eq!(nearest(&reader, 3, 100).await.len(), 5);
}

#[tokio::test]
async fn a_table_of_more_rows_than_may_be_kept_stays_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let vectors = Vectors::open_or_create(dir.path(), DIMENSIONS).await.unwrap();
    vectors.replace_files(&["a"], rows("a", 0..10, "m")).await.unwrap();
    assert!(vectors.resident(&["m"], 9).await.unwrap().is_none());
    assert_eq!(
        vectors.resident(&["m"], 10).await.unwrap().unwrap().iter().map(|piece| piece.rows()).sum::<usize>(),
        10
    );
    assert_eq!(
        vectors.resident(&["other"], 10).await.unwrap().unwrap().iter().map(|piece| piece.rows()).sum::<usize>(),
        0
    );
}
