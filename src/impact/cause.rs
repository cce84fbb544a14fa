//! Whom a change really touches: the dependents that use a symbol that changed, each with the symbol that is the cause.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Change, DependencyType, Edge, FilePath, Hash};
use crate::outline::{Outline, Symbol, Visibility};

/// One of the two views that are compared.
pub struct Side<'a> {
    /// Outline of a file of this view. Only changed files are asked for.
    pub outline: &'a dyn Fn(&FilePath) -> Option<&'a Outline>,
    /// [`super::Graph::edges`]
    pub edges: &'a [Edge],
    /// [`super::Graph::via`]; where it was not kept, the dependency contexts still show which files a re-export touches.
    pub via: &'a [Edge],
    /// [`super::Graph::deps_hashes`]
    pub deps_hashes: &'a BTreeMap<FilePath, Hash>,
}

/// Why a file is touched: it uses this symbol of this changed file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChangedUse {
    pub file: FilePath,
    pub symbol: String,
    pub dependency_type: DependencyType,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// Files that did not change and use a symbol that changed, appeared or went.
    pub dependents: BTreeMap<FilePath, Vec<ChangedUse>>,
    /// (dependent, changed file): it uses the file, but nothing of it that changed.
    pub cut_off: Vec<(FilePath, FilePath)>,
}

/// Which files a set of changes touches in addition to the changed ones.
///
/// A symbol counts as changed if its signature, visibility or kind changed, or if it appeared or went; so does a module whose
/// file appeared or went. A file is a dependent if it used such a symbol before, or uses it after, itself or through a
/// re-export; or if the context that its analysis sees ([`Side::deps_hashes`]) is another one, whatever led to that.
pub fn impact(changes: &[Change], before: &Side<'_>, after: &Side<'_>) -> Impact {
    let changed = changed_symbols(changes, before, after);
    let touched: BTreeSet<&FilePath> = changes.iter().flat_map(paths).collect();
    let mut impact = Impact::default();
    let mut considered: BTreeSet<(FilePath, FilePath)> = BTreeSet::new();
    for edge in [before.edges, before.via, after.edges, after.via].into_iter().flatten() {
        if touched.contains(&edge.dependent_file) {
            continue;
        }
        let Some(symbols) = changed.get(&edge.source_file) else { continue };
        if symbols.contains(edge) {
            let cause = ChangedUse {
                file: edge.source_file.clone(),
                symbol: edge.symbol_name.clone(),
                dependency_type: edge.dependency_type,
            };
            impact.dependents.entry(edge.dependent_file.clone()).or_default().push(cause);
        } else {
            considered.insert((edge.dependent_file.clone(), edge.source_file.clone()));
        }
    }
    for causes in impact.dependents.values_mut() {
        causes.sort();
        causes.dedup();
    }
    add_changed_contexts(&mut impact, &changed, &touched, before, after);
    let is_cut_off = |(dependent, _): &(FilePath, FilePath)| !impact.dependents.contains_key(dependent);
    impact.cut_off = considered.into_iter().filter(is_cut_off).collect();
    impact
}

/// Files whose context changed although no symbol that they use did: a type on the way to a method became another, a name that
/// meant one thing means two. They are rare; the cause is what changed in a file that they use, else in any.
fn add_changed_contexts(
    impact: &mut Impact,
    changed: &BTreeMap<&FilePath, Changed>,
    touched: &BTreeSet<&FilePath>,
    before: &Side<'_>,
    after: &Side<'_>,
) {
    let no_uses = super::deps_hash(&[]);
    let files: BTreeSet<&FilePath> = before.deps_hashes.keys().chain(after.deps_hashes.keys()).collect();
    for file in files.into_iter().filter(|file| !touched.contains(*file)) {
        if impact.dependents.contains_key(file) {
            continue;
        }
        let hash = |side: &Side<'_>| side.deps_hashes.get(file).copied().unwrap_or(no_uses);
        if hash(before) == hash(after) {
            continue;
        }
        let edges = [before.edges, before.via, after.edges, after.via].into_iter().flatten();
        let used = edges.filter(|edge| edge.dependent_file == *file).map(|edge| &edge.source_file);
        let used = used.filter_map(|source| changed.get_key_value(source));
        let mut likely = used.chain(changed).map(|(&source, changed)| likely_cause(source, changed, before, after));
        // Files of which something changed that has a name come before those that only came or went.
        let first = likely.clone().next();
        let cause = likely.find(|cause| cause.dependency_type != DependencyType::Module).or(first);
        impact.dependents.extend(cause.map(|cause| (file.clone(), vec![cause])));
    }
}

/// What of a changed file others see differently: a symbol, else the file as a module.
fn likely_cause(file: &FilePath, changed: &Changed, before: &Side<'_>, after: &Side<'_>) -> ChangedUse {
    let symbols = [(after.outline)(file), (before.outline)(file)].into_iter().flatten().flat_map(Outline::symbols);
    let symbol = symbols.filter(|symbol| changed.symbols.contains(&symbol.name)).min_by_key(|symbol| &symbol.name);
    let (symbol, dependency_type) = match symbol {
        Some(symbol) => (symbol.name.clone(), symbol.kind.dependency_type()),
        None => (String::from_utf8_lossy(file.file_name()).into_owned(), DependencyType::Module),
    };
    ChangedUse { file: file.clone(), symbol, dependency_type }
}

fn paths(change: &Change) -> Vec<&FilePath> {
    match change {
        Change::Rename { from, path } => vec![from, path],
        other => vec![other.path()],
    }
}

/// What changed in one file.
#[derive(Default)]
struct Changed {
    symbols: BTreeSet<String>,
    /// The file came or went: files that name its module see that.
    module: bool,
}

impl Changed {
    fn contains(&self, edge: &Edge) -> bool {
        self.symbols.contains(&edge.symbol_name) || self.module && edge.dependency_type == DependencyType::Module
    }
}

fn changed_symbols<'c>(changes: &'c [Change], before: &Side<'_>, after: &Side<'_>) -> BTreeMap<&'c FilePath, Changed> {
    let mut changed: BTreeMap<&FilePath, Changed> = BTreeMap::new();
    for change in changes {
        match change {
            Change::Modification { path } => {
                let entry = changed.entry(path).or_default();
                differing((before.outline)(path), (after.outline)(path), &mut entry.symbols);
            }
            Change::Addition { path } => {
                let entry = changed.entry(path).or_default();
                entry.module = true;
                differing(None, (after.outline)(path), &mut entry.symbols);
            }
            Change::Deletion { path } => {
                let entry = changed.entry(path).or_default();
                entry.module = true;
                differing((before.outline)(path), None, &mut entry.symbols);
            }
            Change::Rename { from, path } => rename(from, path, before, after, &mut changed),
        }
    }
    changed
}

/// A file that moved: its users are touched by what changed in it on the way. Whether the path they write still leads to it, the
/// dependency contexts show: a name that resolves as before is no reason to analyse again.
fn rename<'c>(
    from: &'c FilePath,
    path: &'c FilePath,
    before: &Side<'_>,
    after: &Side<'_>,
    changed: &mut BTreeMap<&'c FilePath, Changed>,
) {
    let mut symbols = BTreeSet::new();
    differing((before.outline)(from), (after.outline)(path), &mut symbols);
    changed.entry(from).or_default().symbols.extend(symbols.iter().cloned());
    changed.entry(path).or_default().symbols.extend(symbols);
}

/// Names of the symbols that differ between two outlines of a file. Several symbols may share a name (two impls, two `cfg`s):
/// they are compared together.
fn differing(before: Option<&Outline>, after: Option<&Outline>, names: &mut BTreeSet<String>) {
    let (before, after) = (declarations(before), declarations(after));
    for (name, declaration) in &before {
        if after.get(name) != Some(declaration) {
            names.insert((*name).to_owned());
        }
    }
    names.extend(after.keys().filter(|name| !before.contains_key(*name)).map(|name| (*name).to_owned()));
}

type DeclaredAs<'a> = (crate::outline::SymbolKind, Visibility, &'a str);

fn declarations(outline: Option<&Outline>) -> BTreeMap<&str, Vec<DeclaredAs<'_>>> {
    let mut by_name: BTreeMap<&str, Vec<DeclaredAs<'_>>> = BTreeMap::new();
    for Symbol { name, kind, visibility, signature, .. } in outline.into_iter().flat_map(Outline::symbols) {
        by_name.entry(name).or_default().push((*kind, *visibility, signature));
    }
    for declarations in by_name.values_mut() {
        declarations.sort();
    }
    by_name
}
