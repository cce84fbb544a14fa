//! What early cut-off saves on releases of Python and npm packages: each release against the one before, worked out in memory; some of
//! them also committed one by one under the eyes of a real agent, whose last state is compared with a beginner's.
//!
//! The naive work of a step is to analyse every changed file and all its transitive dependents again. A file whose context changed
//! although it was not found counts as missed.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ra_agent::domain::{Change, FilePath};
use ra_agent::impact::{Graph, Side, deps_hash, impact, resolve};
use ra_agent::outline::{Outline, language_of, outline};

use super::package_reach::texts;
use super::package_truth::{source_of, unpacked_from_npm};
use super::replay;

/// A package with some of its releases, oldest first.
struct History {
    name: &'static str,
    versions: &'static [&'static str],
    /// Brings the files of one.
    source_of: fn(&str) -> Result<PathBuf, Box<dyn Error>>,
}

const HISTORIES: [History; 6] = [
    History {
        name: "flask",
        versions: &["2.3.3", "3.0.0", "3.0.1", "3.0.2", "3.0.3", "3.1.0", "3.1.1", "3.1.2", "3.1.3"],
        source_of: |version| source_of(&format!("flask-{version}")),
    },
    History {
        name: "click",
        versions: &["8.1.3", "8.1.4", "8.1.5", "8.1.6", "8.1.7", "8.1.8", "8.2.0", "8.2.1"],
        source_of: |version| source_of(&format!("click-{version}")),
    },
    History {
        name: "httpx",
        versions: &["0.24.1", "0.25.0", "0.25.1", "0.25.2", "0.26.0", "0.27.0", "0.27.1", "0.27.2", "0.28.0", "0.28.1"],
        source_of: |version| source_of(&format!("httpx-{version}")),
    },
    History {
        name: "rich",
        versions: &["13.5.0", "13.6.0", "13.7.0", "13.7.1", "13.8.0", "13.8.1", "13.9.0", "13.9.4"],
        source_of: |version| source_of(&format!("rich-{version}")),
    },
    History {
        name: "fastify",
        versions: &["5.0.0", "5.2.0", "5.4.0", "5.6.0", "5.8.0", "5.10.0", "5.12.0", "5.12.8"],
        source_of: |version| {
            unpacked_from_npm("fastify", version, &["fastify.js", "lib", "test", "types", "package.json"])
        },
    },
    History {
        name: "@reduxjs/toolkit",
        versions: &["2.2.0", "2.2.8", "2.3.0", "2.5.0", "2.7.0", "2.9.0", "2.11.0", "2.13.0", "2.15.0"],
        source_of: |version| unpacked_from_npm("@reduxjs/toolkit", version, &["src", "package.json"]),
    },
];

/// Of which each release is also committed and followed by a real agent.
const FOLLOWED: [&str; 4] = ["flask", "httpx", "fastify", "@reduxjs/toolkit"];

struct Release {
    outlines: BTreeMap<FilePath, Arc<Outline>>,
    texts: BTreeMap<FilePath, String>,
    graph: Graph,
}

/// Prints a row a package, and a table of what a real agent does.
///
/// # Errors
/// If a release cannot be had or read.
pub fn run() -> Result<(), Box<dyn Error>> {
    println!("\n{:<18} {:>8} {:>8} {:>8} {:>8} {:>8}", "package", "changed", "naive", "made", "share", "missed");
    for History { name, versions, source_of } in &HISTORIES {
        let (mut changed, mut naive, mut made, mut missed) = (0, 0, 0, 0);
        let mut before: Option<Release> = None;
        for version in *versions {
            let after = release(&source_of(version)?)?;
            if let Some(before) = &before {
                let step = step(before, &after);
                changed += step.changed;
                naive += step.naive;
                made += step.made;
                missed += step.missed;
            }
            before = Some(after);
        }
        let share = made as f64 / naive.max(1) as f64;
        println!("{name:<18} {changed:>8} {naive:>8} {made:>8} {share:>8.2} {missed:>8}");
    }
    println!();
    replay::print_head();
    let mut bills = Vec::new();
    for History { name, versions, source_of } in HISTORIES.iter().filter(|one| FOLLOWED.contains(&one.name)) {
        bills.push(replay::releases(name, versions, source_of)?);
    }
    replay::print_bills(&bills);
    Ok(())
}

fn release(folder: &Path) -> Result<Release, Box<dyn Error>> {
    let texts = texts(folder)?;
    let said = |(path, text): (&FilePath, &String)| (path.clone(), Arc::new(outline(language_of(path), text).0));
    let outlines = texts.iter().map(said).collect();
    let graph = resolve(&outlines);
    Ok(Release { outlines, texts, graph })
}

struct Step {
    changed: usize,
    naive: usize,
    made: usize,
    missed: usize,
}

fn step(before: &Release, after: &Release) -> Step {
    let mut changes = Vec::new();
    for path in before.texts.keys().chain(after.texts.keys()).collect::<BTreeSet<_>>() {
        let path = path.clone();
        changes.push(match (before.texts.get(&path), after.texts.get(&path)) {
            (Some(one), Some(other)) if one == other => continue,
            (Some(_), Some(_)) => Change::Modification { path },
            (Some(_), None) => Change::Deletion { path },
            (None, _) => Change::Addition { path },
        });
    }
    let (hashes_before, hashes_after) = (before.graph.deps_hashes(), after.graph.deps_hashes());
    let found = impact(
        &changes,
        &Side {
            outline: &|path| before.outlines.get(path).map(Arc::as_ref),
            edges: before.graph.edges(),
            via: before.graph.via(),
            deps_hashes: &hashes_before,
        },
        &Side {
            outline: &|path| after.outlines.get(path).map(Arc::as_ref),
            edges: after.graph.edges(),
            via: after.graph.via(),
            deps_hashes: &hashes_after,
        },
    );
    let touched: BTreeSet<&FilePath> = changes.iter().map(Change::path).collect();
    let present = |path: &&FilePath| after.texts.contains_key(*path);
    let changed = touched.iter().copied().filter(present).count();
    let mut reached: BTreeSet<&FilePath> = touched.clone();
    loop {
        let edges = before.graph.edges().iter().chain(after.graph.edges());
        let more: Vec<&FilePath> = edges
            .filter(|edge| reached.contains(&edge.source_file) && !reached.contains(&edge.dependent_file))
            .map(|edge| &edge.dependent_file)
            .collect();
        if more.is_empty() {
            break;
        }
        reached.extend(more);
    }
    let is_missed = |path: &&FilePath| {
        let same = deps_hash(before.graph.uses(path)) == deps_hash(after.graph.uses(path));
        !same && !touched.contains(path) && !found.dependents.contains_key(*path)
    };
    Step {
        changed,
        naive: reached.iter().copied().filter(present).count(),
        made: changed + found.dependents.keys().filter(present).count(),
        missed: after.texts.keys().filter(|path| before.texts.contains_key(*path)).filter(is_missed).count(),
    }
}
