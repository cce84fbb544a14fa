//! How precise the dependency edges are: recall and precision against the edges that rust-analyzer finds in published crates
//! (`tests/data/impact-truth/`, its README says how they were made).
//!
//! An edge is a pair (source file, dependent file). recall = found and true / true; precision = found and true / found with
//! both ends in files that the truth knows. The same is computed for single symbols, by their last name.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use ra_agent::domain::FilePath;
use ra_agent::impact::{Graph, resolve};
use ra_agent::outline::{Outline, language_of, outline};

use super::published::source_of;

/// The crates whose true edges are known; an exact version each.
const CRATES: [(&str, &str); 7] = [
    ("fd-find", "10.5.0"),
    ("gix-config", "0.62.2"),
    ("hyperfine", "2.0.0"),
    ("just", "1.59.0"),
    ("mini-redis", "0.4.1"),
    ("pulldown-cmark", "0.13.6"),
    ("rusqlite", "0.41.1"),
];

/// Targets: mean over the crates, and the least for each.
const RECALL: (f64, f64) = (0.97, 0.93);
const PRECISION: (f64, f64) = (0.90, 0.82);

/// What is compared: file edges, and (source, dependent, name of a symbol).
#[derive(Default)]
pub(super) struct Edges {
    pub files: BTreeSet<(String, String)>,
    pub symbols: BTreeSet<(String, String, String)>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Count {
    truth: usize,
    found: usize,
    both: usize,
}

impl Count {
    pub fn of<T: Ord>(truth: &BTreeSet<T>, found: &BTreeSet<T>) -> Self {
        Self { truth: truth.len(), found: found.len(), both: truth.intersection(found).count() }
    }

    pub fn add(&mut self, other: Self) {
        self.truth += other.truth;
        self.found += other.found;
        self.both += other.both;
    }

    pub fn recall(self) -> f64 {
        self.both as f64 / self.truth.max(1) as f64
    }

    pub fn precision(self) -> f64 {
        self.both as f64 / self.found.max(1) as f64
    }
}

/// Scores every crate and prints a table; `verbose` lists each edge that is missing or too many. True if the targets are met.
///
/// The crates' sources are taken from Cargo's registry folder, to which `cargo fetch` brings them if they are not there.
///
/// # Errors
/// If the sources cannot be had, or the truth cannot be read.
pub fn run(verbose: bool) -> Result<bool, Box<dyn Error>> {
    let truth_folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/impact-truth");
    println!("{:<22} {:>6} {:>6} {:>9} {:>9}   symbols", "crate", "true", "found", "recall", "precision");
    let (mut files, mut symbols, mut counts) = (Count::default(), Count::default(), Vec::new());
    for (name, version) in CRATES {
        let label = format!("{name}-{version}");
        let truth = read_truth(&fs::read_to_string(truth_folder.join(format!("{label}.tsv")))?);
        let found = edges_of(&graph_of(&source_of(name, version)?)?, &truth, "::");
        let (by_file, by_symbol) = (Count::of(&truth.files, &found.files), Count::of(&truth.symbols, &found.symbols));
        print_row(&label, by_file, by_symbol);
        if verbose {
            truth
                .files
                .difference(&found.files)
                .for_each(|(source, dependent)| println!("  missing  {source} <- {dependent}"));
            found
                .files
                .difference(&truth.files)
                .for_each(|(source, dependent)| println!("  too many {source} <- {dependent}"));
        }
        files.add(by_file);
        symbols.add(by_symbol);
        counts.push(by_file);
    }
    print_row("pooled", files, symbols);
    let mean = |of: fn(Count) -> f64| counts.iter().copied().map(of).sum::<f64>() / counts.len() as f64;
    let least = |of: fn(Count) -> f64| counts.iter().copied().map(of).fold(1.0, f64::min);
    let met = |of: fn(Count) -> f64, (target, floor): (f64, f64)| mean(of) >= target && least(of) >= floor;
    println!("{:<36} {:>9.3} {:>9.3}", "mean", mean(Count::recall), mean(Count::precision));
    Ok(met(Count::recall, RECALL) && met(Count::precision, PRECISION))
}

pub(super) fn print_row(label: &str, files: Count, symbols: Count) {
    println!(
        "{label:<22} {:>6} {:>6} {:>9.3} {:>9.3}   {:.3} {:.3}",
        files.truth,
        files.found,
        files.recall(),
        files.precision(),
        symbols.recall(),
        symbols.precision()
    );
}

pub(super) fn read_truth(tsv: &str) -> Edges {
    let mut edges = Edges::default();
    for line in tsv.lines() {
        let mut columns = line.split('\t');
        if let (Some(source), Some(dependent), Some(symbol)) = (columns.next(), columns.next(), columns.next()) {
            edges.files.insert((source.to_owned(), dependent.to_owned()));
            edges.symbols.insert((source.to_owned(), dependent.to_owned(), last_name(symbol).to_owned()));
        }
    }
    edges
}

/// Last name of a SCIP descriptor: `load` of `config/impl#[Config]load().`.
fn last_name(descriptor: &str) -> &str {
    let bare = descriptor.trim_end_matches(['#', '.', '/', '!']).trim_end_matches("()");
    bare.rsplit(['#', '/', ']', '>', '`']).next().unwrap_or(bare)
}

/// The edges of a graph between files that the truth knows; `separator`: between the parts of a symbol's name.
pub(super) fn edges_of(graph: &Graph, truth: &Edges, separator: &str) -> Edges {
    let known: BTreeSet<&String> = truth.files.iter().flat_map(|(source, dependent)| [source, dependent]).collect();
    let mut edges = Edges::default();
    for edge in graph.edges() {
        let (source, dependent) = (edge.source_file.to_string(), edge.dependent_file.to_string());
        if known.contains(&source) && known.contains(&dependent) {
            let name = edge.symbol_name.rsplit(separator).next().unwrap_or_default().to_owned();
            edges.symbols.insert((source.clone(), dependent.clone(), name));
            edges.files.insert((source, dependent));
        }
    }
    edges
}

pub(super) fn graph_of(root: &Path) -> Result<Graph, Box<dyn Error>> {
    let mut outlines: BTreeMap<FilePath, Arc<Outline>> = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let inside = FilePath::from(path.strip_prefix(root)?.to_string_lossy().as_ref());
                let (outline, _) = outline(language_of(&inside), &text);
                outlines.insert(inside, Arc::new(outline));
            }
        }
    }
    Ok(resolve(&outlines))
}
