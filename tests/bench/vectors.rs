//! Nearest vectors among 100,000 of 384 dimensions: building the index, searching, and how many of the truly nearest are found.
//!
//! The vectors are random but clustered, as those of code are: evenly spread ones would all be equally far from everything.

use std::time::{Duration, Instant};

use ra_agent::clock;
use ra_agent::domain::Hash;
use ra_agent::vectors::{ChunkRow, DIMENSIONS, Vectors};

use super::figures::{Spread, digits, millis, row, row_below, size, time};

const ROWS: usize = 100_000;
const ROWS_PER_FILE: usize = 100;
const ROWS_PER_VERSION: usize = 5_000;
pub const CLUSTERS: usize = 1_000;
/// Length of what is added to a cluster's centre, which has the length 1.
const SPREAD: f32 = 0.7;
const QUERIES: usize = 1_000;
/// What a hybrid search asks for.
const CANDIDATES: usize = 100;
/// Searches that are not timed: the first read the index from disk.
const WARM_UP: usize = 50;
/// Queries whose nearest vectors are also found by comparing with every vector, and how many of them count.
const CHECKED: usize = 50;
const NEAREST: usize = 10;
/// Files whose vectors are replaced.
const REPLACED: usize = 20;
pub const MODEL: &str = "synthetic";

pub type Vector = [f32; DIMENSIONS];

pub fn measure() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let mut random = Random(1);
        let centres: Vec<Vector> = (0..CLUSTERS).map(|_| random.unit()).collect();
        let rows: Vec<Vector> = (0..ROWS).map(|n| random.near(&centres[n % CLUSTERS])).collect();
        let queries: Vec<Vector> = (0..QUERIES + WARM_UP).map(|n| random.near(&centres[n * 7 % CLUSTERS])).collect();
        let vectors = Vectors::open_or_create(dir.path(), DIMENSIONS).await.unwrap();
        let begun = Instant::now();
        fill(&vectors, &rows).await;
        row("writing 100,000 vectors", &time(begun.elapsed()));
        let begun = Instant::now();
        let upkeep = vectors.maintain(clock::now(), Duration::ZERO).await.unwrap();
        assert!(upkeep.indexes_built > 0, "no index was built: {upkeep:?}");
        row("building their index, once, in idle time", &time(begun.elapsed()));
        row("disk: 100,000 vectors, texts and index", &size(vectors.disk_bytes()));
        search(&vectors, &rows, &queries).await;
        replace(&vectors, &rows).await;
    });
}

async fn search(vectors: &Vectors, rows: &[Vector], queries: &[Vector]) {
    let (mut times, mut found) = (Vec::new(), 0);
    for (nth, query) in queries.iter().enumerate() {
        let begun = Instant::now();
        let hits = vectors.search(query, MODEL, CANDIDATES).await.unwrap();
        if nth >= WARM_UP {
            times.push(begun.elapsed());
        }
        assert_eq!(hits.len(), CANDIDATES);
        if nth < CHECKED {
            let nearest = nearest(rows, query);
            found += hits.iter().take(NEAREST).filter(|(id, _)| nearest.contains(id)).count();
        }
    }
    let times = Spread::of(times);
    let recall = digits(found as f64 / (CHECKED * NEAREST) as f64);
    let value = format!("{} (recall of the nearest {NEAREST}: {recall})", times.show(&[50, 99]));
    row_below("vector search among 100,000", &value, millis(times.at(99)), 100.0, "ms");
}

/// What an edit of one file costs here, without the embedding.
async fn replace(vectors: &Vectors, rows: &[Vector]) {
    let (mut looked_up, mut replaced) = (Vec::new(), Vec::new());
    for file in 0..REPLACED {
        let first = file * ROWS_PER_FILE;
        let rows: Vec<ChunkRow> = (first..first + ROWS_PER_FILE).map(|number| chunk(number, &rows[number])).collect();
        let hashes: Vec<Hash> = rows.iter().map(|row| row.chunk_hash).collect();
        let begun = Instant::now();
        let known = vectors.vectors_of(&hashes, MODEL).await.unwrap();
        looked_up.push(begun.elapsed());
        assert_eq!(known.len(), ROWS_PER_FILE);
        let begun = Instant::now();
        vectors.replace_files(&[&path(first)], rows).await.unwrap();
        replaced.push(begun.elapsed());
    }
    row("looking 100 known vectors up among 100,000", &Spread::of(looked_up).show(&[50, 95]));
    row("replacing the 100 vectors of a file among 100,000", &Spread::of(replaced).show(&[50, 95]));
}

async fn fill(vectors: &Vectors, rows: &[Vector]) {
    for (nth, version) in rows.chunks(ROWS_PER_VERSION).enumerate() {
        let first = nth * ROWS_PER_VERSION;
        let rows: Vec<ChunkRow> = version.iter().enumerate().map(|(n, vector)| chunk(first + n, vector)).collect();
        let mut paths: Vec<&str> = rows.iter().map(|row| row.file_path.as_str()).collect();
        paths.dedup();
        let paths: Vec<String> = paths.into_iter().map(str::to_owned).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        vectors.replace_files(&paths, rows).await.unwrap();
    }
}

pub fn chunk(number: usize, vector: &Vector) -> ChunkRow {
    let path = path(number);
    let text = format!("part::file_{number}\npub fn function_{number}() {{ step_{} }}", "x".repeat(number % 700));
    let chunk_hash = Hash::of(text.as_bytes());
    ChunkRow {
        chunk_id: id(number),
        vector: vector.to_vec(),
        content_hash: Hash::of(path.as_bytes()),
        file_path: path,
        chunk_hash,
        text,
        model_id: MODEL.to_owned(),
        entity_type: "function".to_owned(),
        entity_name: format!("function_{number}"),
        language: "rust".to_owned(),
        start_line: 1,
        end_line: 20,
    }
}

pub fn path(number: usize) -> String {
    format!("src/file_{}.rs", number / ROWS_PER_FILE)
}

fn id(number: usize) -> String {
    format!("{number:032}")
}

/// The ids of the nearest vectors, found by comparing with all.
fn nearest(rows: &[Vector], query: &Vector) -> Vec<String> {
    let mut scores: Vec<(f32, usize)> =
        rows.iter().enumerate().map(|(number, row)| (dot(row, query), number)).collect();
    scores.select_nth_unstable_by(NEAREST - 1, |a, b| b.0.total_cmp(&a.0));
    scores[..NEAREST].iter().map(|(_, number)| id(*number)).collect()
}

fn dot(a: &Vector, b: &Vector) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the same vectors on every machine.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A vector of unit length.
    pub fn unit(&mut self) -> Vector {
        let components: Vector = std::array::from_fn(|_| (self.next() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0);
        normalized(components)
    }

    /// A vector of unit length near another one.
    pub fn near(&mut self, centre: &Vector) -> Vector {
        let aside = self.unit();
        normalized(std::array::from_fn(|k| centre[k] + SPREAD * aside[k]))
    }
}

fn normalized(vector: Vector) -> Vector {
    let length = dot(&vector, &vector).sqrt();
    vector.map(|component| component / length)
}
