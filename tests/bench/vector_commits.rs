//! What a thousand commits of one file each make of a table of vectors, looked after between them, against one written at once.

use std::time::{Duration, Instant};

use ra_agent::clock::{self, Timestamp};
use ra_agent::vectors::{DIMENSIONS, VERSION_KEPT, Vectors};

use super::figures::{Spread, digits, row, row_below, size};
use super::vectors::{CLUSTERS, MODEL, Random, Vector, chunk, path};

const FILES: usize = 300;
const ROWS_PER_FILE: usize = 100;
const COMMITS: usize = 1_000;
/// The clock goes on by so much from commit to commit, so that replaced versions grow old.
const BETWEEN: Duration = Duration::from_secs(60);
const QUERIES: usize = 100;
const NEAREST: usize = 10;

pub fn measure() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut random = Random(2);
        let centres: Vec<Vector> = (0..CLUSTERS).map(|_| random.unit()).collect();
        let mut rows: Vec<Vector> = (0..FILES * ROWS_PER_FILE).map(|n| random.near(&centres[n % CLUSTERS])).collect();
        let (grown_dir, fresh_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let grown = Vectors::open_or_create(grown_dir.path(), DIMENSIONS).await.unwrap();
        let begun = clock::now();
        write_all(&grown, &rows, begun).await;
        let (mut looked_after, mut largest, mut unindexed) = (Vec::new(), 0, 0);
        for commit in 1..=COMMITS {
            let file = commit * 7 % FILES;
            for number in file * ROWS_PER_FILE..(file + 1) * ROWS_PER_FILE {
                // Some of a file's chunks are others after an edit.
                if number % 5 == commit % 5 {
                    rows[number] = random.near(&centres[number % CLUSTERS]);
                }
            }
            write(&grown, &rows, file).await;
            let now = begun.plus_millis(commit as i64 * BETWEEN.as_millis() as i64);
            let started = Instant::now();
            grown.maintain(now, VERSION_KEPT).await.unwrap();
            looked_after.push(started.elapsed());
            largest = largest.max(grown.disk_bytes());
            unindexed = unindexed.max(grown.unindexed_rows().await.unwrap());
        }
        let fresh = Vectors::open_or_create(fresh_dir.path(), DIMENSIONS).await.unwrap();
        let end = begun.plus_millis(COMMITS as i64 * BETWEEN.as_millis() as i64 + 3_600_000);
        write_all(&fresh, &rows, end).await;
        grown.maintain(end, VERSION_KEPT).await.unwrap();
        report(&grown, &fresh, largest).await;
        row("most rows outside the index after any commit", &unindexed.to_string());
        row("looking after the vectors once, in idle time", &Spread::of(looked_after).show(&[50, 99]));
        let same = agreement(&grown, &fresh, &mut random, &centres).await;
        row("of the ten nearest, those that both tables give", &digits(same));
    });
}

async fn report(grown: &Vectors, fresh: &Vectors, largest: u64) {
    let (after, new) = (grown.disk_bytes(), fresh.disk_bytes());
    let ratio = after as f64 / new as f64;
    let value = format!(
        "{} ({} while it went on), written at once {}: {} times",
        size(after),
        size(largest),
        size(new),
        digits(ratio)
    );
    row_below("disk: 30,000 vectors after 1,000 commits of one file", &value, ratio, 1.5, "times");
}

async fn write_all(vectors: &Vectors, rows: &[Vector], now: Timestamp) {
    for file in 0..FILES {
        write(vectors, rows, file).await;
    }
    vectors.maintain(now.plus_millis(3_600_000), VERSION_KEPT).await.unwrap();
}

async fn write(vectors: &Vectors, rows: &[Vector], file: usize) {
    let first = file * ROWS_PER_FILE;
    let chunks = (first..first + ROWS_PER_FILE).map(|number| chunk(number, &rows[number])).collect();
    vectors.replace_files(&[&path(first)], chunks).await.unwrap();
}

/// The share of one's nearest that are among the other's.
async fn agreement(grown: &Vectors, fresh: &Vectors, random: &mut Random, centres: &[Vector]) -> f64 {
    let mut same = 0;
    for n in 0..QUERIES {
        let query = random.near(&centres[n * 7 % CLUSTERS]);
        let found = grown.search(&query, MODEL, NEAREST).await.unwrap();
        let wanted = fresh.search(&query, MODEL, NEAREST).await.unwrap();
        same += found.iter().filter(|(id, _)| wanted.iter().any(|(other, _)| other == id)).count();
    }
    same as f64 / (QUERIES * NEAREST) as f64
}
