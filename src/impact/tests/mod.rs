//! Views made of texts, and what is asked of them. One file per topic.

mod crates;
mod hostile;
mod implements;
mod imports;
mod macros;
mod members;
mod modules;
mod provided;
mod python;
mod python_values;
mod random_edits;
mod reaching;
mod scripts;
mod touched;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::*;
use crate::domain::{Change, DependencyType};
use crate::outline::{Outline, language_of, outline};

/// A view made of texts.
struct Texts(BTreeMap<FilePath, Arc<Outline>>);

impl Texts {
    fn new(files: &[(&str, &str)]) -> Self {
        Self(
            files
                .iter()
                .map(|&(path, text)| (path.into(), Arc::new(outline(language_of(&path.into()), text).0)))
                .collect(),
        )
    }

    fn with(mut self, path: &str, text: &str) -> Self {
        self.0.insert(path.into(), Arc::new(outline(language_of(&path.into()), text).0));
        self
    }

    fn without(mut self, path: &str) -> Self {
        self.0.remove(&path.into());
        self
    }

    fn graph(&self) -> Graph {
        resolve(&self.0)
    }

    /// `source <- dependent: symbol` for every edge.
    fn edges(&self) -> Vec<String> {
        let graph = self.graph();
        let edges = graph.edges().iter().filter(|edge| edge.dependency_type != DependencyType::Module);
        let mut shown: Vec<String> = edges
            .map(|edge| format!("{} <- {}: {}", edge.source_file, edge.dependent_file, edge.symbol_name))
            .collect();
        shown.sort();
        shown
    }
}

#[track_caller]
fn assert_edges(files: &[(&str, &str)], expected: &[&str]) {
    let texts = Texts::new(files);
    let edges = texts.edges();
    for edge in expected {
        assert!(edges.iter().any(|found| found == edge), "no {edge} in {edges:#?}");
    }
    assert_eq!(edges.len(), expected.len(), "{edges:#?}");
}

fn compare(changes: &[Change], before: &Texts, after: &Texts) -> Impact {
    let (old, new) = (before.graph(), after.graph());
    let outline_before = |path: &FilePath| before.0.get(path).map(Arc::as_ref);
    let outline_after = |path: &FilePath| after.0.get(path).map(Arc::as_ref);
    let (hashes_before, hashes_after) = (old.deps_hashes(), new.deps_hashes());
    let result = impact(
        changes,
        &Side { outline: &outline_before, edges: old.edges(), via: old.via(), deps_hashes: &hashes_before },
        &Side { outline: &outline_after, edges: new.edges(), via: new.via(), deps_hashes: &hashes_after },
    );
    assert_superset(changes, &result, before, after, &old, &new);
    result
}

/// The promise: a file whose context changed is itself changed or a dependent.
fn assert_superset(changes: &[Change], impact: &Impact, before: &Texts, after: &Texts, old: &Graph, new: &Graph) {
    let changed: Vec<&FilePath> = changes.iter().map(Change::path).collect();
    for path in after.0.keys().filter(|path| before.0.contains_key(*path)) {
        if deps_hash(old.uses(path)) != deps_hash(new.uses(path)) {
            assert!(changed.contains(&path) || impact.dependents.contains_key(path), "{path} was missed");
        }
    }
}
