//! Indexing a repository of 1,000 files from nothing: time, memory, disk.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use ra_agent::domain::FilePath;
use ra_agent::impact;
use ra_agent::outline::{self, Outline, StoredOutline};

use super::figures::{digits, megabytes, millis, row, row_below, size, time};
use super::indexed::{Cold, Indexed, Samples};
use super::machine;
use super::sample;

pub fn measure(samples: &Samples) {
    outlines();
    let lexical = samples.lexical();
    show(lexical, "without a model");
    let store = lexical.cold.store_bytes;
    row_below("disk: analyses and lexical index of 1,000 files", &size(store), megabytes(store), 25.0, "MB");
    if let Some(embedded) = samples.embedded() {
        show(embedded, "with the model");
        row(&format!("disk: vectors of {} files", embedded.files), &size(embedded.cold.vector_bytes));
    }
}

fn show(indexed: &Indexed, how: &str) {
    let Cold { time: took, worker, idle, .. } = indexed.cold;
    row(&format!("cold index of {} source files, {how}", indexed.files), &time(took));
    if let Some(worker) = worker {
        row(&format!("peak memory of the worker, {how}"), &size(worker.peak));
    }
    if let Some(idle) = idle {
        let value = format!("{} (peak {})", size(idle.now), size(idle.peak));
        row_below(&format!("idle memory of the agent, {how}"), &value, megabytes(idle.now), 40.0, "MB");
    }
}

/// What a warm worker remembers of these files, ten times over, for a heap does not grow by the byte.
fn remembered(files: &[(FilePath, String)]) {
    const COPIES: usize = 10;
    let before = machine::resident(std::process::id());
    let outlines: Vec<(FilePath, StoredOutline)> = (0..COPIES)
        .flat_map(|copy| {
            files.iter().map(move |(path, text)| {
                let outline = outline::outline(outline::language_of(path), text).0;
                (FilePath::from(format!("more/{copy}/{path}").as_str()), StoredOutline::from(&outline))
            })
        })
        .collect();
    let world = black_box(impact::World::new(outlines.iter().map(|(path, outline)| (path, outline))));
    let stored: usize = outlines.iter().map(|(_, outline)| outline.size()).sum();
    if let (Some(before), Some(after)) = (before, machine::resident(std::process::id())) {
        let bytes = after.now.saturating_sub(before.now);
        let value = format!("{}, {} for a stored byte", size(bytes), digits(bytes as f64 / stored as f64));
        row(&format!("what a warm worker remembers of {} files", outlines.len()), &value);
    }
    drop(world);
}

/// The part of an index that understands the files, in this thread alone.
fn outlines() {
    let files: Vec<(FilePath, String)> =
        sample::files(sample::ALL).into_iter().map(|(path, text)| (FilePath::from(path.as_str()), text)).collect();
    let begun = Instant::now();
    let outlined = |(path, text): &(FilePath, String)| Arc::new(outline::outline(outline::language_of(path), text).0);
    let outlines: Vec<Arc<Outline>> = files.iter().map(outlined).collect();
    let outlined = begun.elapsed();
    let begun = Instant::now();
    let graph = black_box(impact::resolve(files.iter().map(|(path, _)| path).zip(&outlines)));
    let resolved = begun.elapsed();
    remembered(&files);
    let per_file = digits(millis(outlined) / files.len() as f64);
    let edges = graph.edges().len();
    row("outlines of these files, one thread", &format!("{} ({per_file} ms a file)", time(outlined)));
    row("resolving who uses whom among them, one thread", &format!("{} ({edges} edges)", time(resolved)));
}
