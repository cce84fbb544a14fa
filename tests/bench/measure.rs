//! `cargo bench --profile quick --bench measure [-- NAME..]`: what the agent costs on this machine, as rows of a Markdown table.
//!
//! Everything is made up here and the same everywhere: a repository of 1,000 files, up to a million analyses, 100,000 vectors. Agents,
//! repositories and stores live in temporary directories, with a home and a Git configuration of their own. Only the model and
//! the crates whose true edges are known come from outside; what cannot be had is left out. A machine that does something else
//! at the same time makes the figures worse, so its load is printed with them.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests may use the world")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a figure that cannot be had ends in a panic that says why")]

#[expect(unused_imports, reason = "the stories need more of it")]
#[path = "../support/mod.rs"]
mod support;

mod agents;
mod cache;
mod commit;
mod doc_languages;
mod doc_queries;
mod embed;
mod fifty;
mod figures;
mod fuzz;
mod grown;
mod hook;
mod impact_truth;
mod index;
mod indexed;
mod json_files;
mod large;
mod latency;
mod machine;
mod package_reach;
mod package_replay;
mod package_truth;
mod peers;
mod published;
mod reconcile;
mod replay;
mod replay_asked;
mod sample;
mod screens;
mod search;
mod search_eval;
mod shared;
mod trees;
mod vector_commits;
mod vectors;
mod worktree;

use std::process::{Command, ExitCode};

use indexed::Samples;

/// A measurement by name.
type Measure = fn(&Samples);

const MEASURES: &[(&str, Measure)] = &[
    ("cache", |_| cache::measure()),
    ("embed", |_| embed::measure()),
    ("index", index::measure),
    ("reconcile", |_| reconcile::measure()),
    ("commit", commit::measure),
    ("hook", |_| hook::measure()),
    ("worktree", worktree::measure),
    ("idle", |_| worktree::idle()),
    ("grown", |_| grown::measure()),
    ("fifty", |_| fifty::measure()),
    ("screens", |_| screens::measure()),
    ("search", search::measure),
    ("vectors", |_| vectors::measure()),
    ("commits", |_| vector_commits::measure()),
    // last: they print tables of their own
    ("impact", |_| impact()),
    ("replay", |_| replay()),
    ("replay-packages", |_| replay_packages()),
    ("trees", |_| trees::measure()),
    ("agents", |_| agents::measure()),
    ("fuzz", |_| fuzz::measure()),
    ("latency", |_| latency::measure()),
    ("shared", |_| shared::measure()),
    ("search-eval", |_| search_eval::measure()),
    ("search-tune", |_| search_eval::tune()),
];

/// What is measured only if it is named: it takes the most part of an hour, or answers another question than what things cost.
const ON_DEMAND: &[&str] = &[
    "agents",
    "fifty",
    "fuzz",
    "grown",
    "idle",
    "latency",
    "replay-packages",
    "screens",
    "search-eval",
    "search-tune",
    "shared",
    "trees",
];

/// How precise the edges are; a share, no cost.
fn impact() {
    println!();
    match impact_truth::run(false) {
        Ok(true) => {}
        Ok(false) => println!("(missed)"),
        Err(error) => eprintln!("the precision of the edges is left out: {error}"),
    }
    match package_truth::run(false) {
        Ok(Some(true)) => {}
        Ok(Some(false)) => println!("(missed)"),
        Ok(None) => println!("(no packages of other languages: RA_AGENT_IMPACT_TRUTH names no folder)"),
        Err(error) => eprintln!("the precision of other languages' edges is left out: {error}"),
    }
}

/// What is left of the naive work over real histories.
fn replay() {
    println!();
    if let Err(error) = replay::run() {
        eprintln!("the replay of histories is left out: {error}");
    }
}

/// The same over releases of Python and npm packages.
fn replay_packages() {
    println!();
    if let Err(error) = package_replay::run() {
        eprintln!("the replay of packages is left out: {error}");
    }
}

/// What a worker has in its environment: without it candle splits each step of a text over threads of its own, which wait for
/// each other. It is read once, so the measuring is done by a process that has it from the start.
const WORKERS_ENVIRONMENT: (&str, &str) = ("RAYON_NUM_THREADS", "1");

fn as_the_worker_is_started(names: &[String]) -> Option<ExitCode> {
    let (name, value) = WORKERS_ENVIRONMENT;
    if std::env::var(name).as_deref() == Ok(value) {
        return None;
    }
    let status = Command::new(std::env::current_exe().unwrap()).args(names).env(name, value).status().unwrap();
    Some(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn main() -> ExitCode {
    // `cargo bench` itself adds `--bench`
    let names: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with("--")).collect();
    if let Some(unknown) = names.iter().find(|name| !MEASURES.iter().any(|(known, _)| known == name)) {
        let known: Vec<&str> = MEASURES.iter().map(|(name, _)| *name).collect();
        eprintln!("there is no measurement {unknown}; there are: {}", known.join(", "));
        return ExitCode::from(2);
    }
    if let Some(code) = as_the_worker_is_started(&names) {
        return code;
    }
    println!("{}\n", machine::describe());
    figures::print_head();
    let samples = Samples::default();
    for (name, measure) in MEASURES {
        if (names.is_empty() && !ON_DEMAND.contains(name)) || names.iter().any(|wanted| wanted == name) {
            measure(&samples);
        }
    }
    println!("\nload average at the end: {}", machine::load());
    ExitCode::SUCCESS
}
