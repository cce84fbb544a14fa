//! What each file uses of others: the references as written, and the edges that follow.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::evaluation::{Evaluation, Found, FoundReferences};
use super::facts::{BindingKind, ImportWhat, NameSpace, StepId};
use super::implements;
use super::names::{Denoted, Trail};
use super::provided::provided;
use super::rules::{FileNo, Place};
use super::view::{Item, NameNo, sorted};
use super::world::EvalBase;
use crate::domain::{DependencyType, Edge, FilePath, Implements};
use crate::language::SymbolKind;
use crate::language::resolve::{Graph, Use};

/// Modules whose stars are followed to find out whether a name can come from outside; of more it is taken for granted.
const MODULES_MAX: usize = 32;

/// A file that was evaluated: what it uses, and what it read of others.
pub(super) struct Evaluated {
    pub file: FileNo,
    found: FoundReferences,
    pub reads: Box<[u64]>,
    /// The links that it makes.
    pub implements: Vec<Implements>,
}

/// Evaluates the chosen files.
pub(super) fn evaluate(base: &EvalBase, files: &[FileNo]) -> Vec<Evaluated> {
    files.par_iter().map(|&file| evaluated(base, file)).collect()
}

fn evaluated(base: &EvalBase, file: FileNo) -> Evaluated {
    let mut evaluation = Evaluation::new(base, file);
    let facts = base.view.facts(file);
    for import in 0..facts.imports.len() {
        evaluation.imported(import as u32);
    }
    for step in 0..facts.steps.len() {
        evaluation.value(file, step as StepId);
    }
    evaluation.injected();
    if evaluation.is_exhausted() {
        tracing::debug!(path = %base.view.files[file as usize].path, "the evaluation of a file was cut short");
    }
    let mut found = evaluation.begin_again();
    let implements = implements::links(&mut evaluation);
    drop(evaluation.begin_again());
    found.implied.extend(provided(&mut evaluation));
    Evaluated { file, found, reads: sorted(evaluation.reads), implements }
}

impl Evaluation<'_> {
    /// Notes what an import of the file itself asks for.
    fn imported(&mut self, id: u32) {
        if self.world.rules.is_packaged() {
            return self.packaged_imported(id);
        }
        let own = self.own;
        let facts = self.world.view.facts(own);
        let Some(import) = facts.imports.get(id as usize) else { return };
        let specifier = facts.text(import.specifier);
        let target = self.target_of(own, id);
        let Some(target) = target else {
            if self.world.project.is_missing(specifier, own) {
                self.note(specifier.to_owned(), Found::Nothing, import.line);
            }
            return;
        };
        let is_named = specifier.chars().any(|c| c != '.');
        if let Place::File(file) = target
            && file != own
            && (is_named || !matches!(import.what, ImportWhat::Name(_)))
        {
            self.note(specifier.to_owned(), Found::Module(file), import.line);
        }
        let written = match import.what {
            ImportWhat::Name(name) if facts.text(name) == "export=" => specifier.to_owned(),
            ImportWhat::Name(name) => facts.text(name).to_owned(),
            ImportWhat::Default => "default".to_owned(),
            _ => return,
        };
        let denoted = self.through_import(own, id, NameSpace::Any, &mut Trail::default());
        let name = self.world.view.known_name(&written);
        let is_sure = denoted.is_empty() && self.world.project.is_certain(specifier, own);
        if is_sure && !self.may_offer(target, name) {
            self.note(format!("{specifier}.{written}"), Found::Nothing, import.line);
        }
        for one in denoted {
            match one {
                Denoted::Item(item) if item.file != own => self.note(written.clone(), Found::Item(item), import.line),
                Denoted::Module(Place::File(file)) if file != own => {
                    self.note(written.clone(), Found::Module(file), import.line);
                }
                _ => {}
            }
        }
    }

    /// Whether a module may have a name, though nothing is found behind it: it takes the name, or all names, from outside the
    /// repository, or not all of its names are seen.
    fn may_offer(&mut self, module: Place, name: Option<NameNo>) -> bool {
        let (mut todo, mut seen) = (vec![module], BTreeSet::new());
        while let Some(module) = todo.pop() {
            let Place::File(file) = module else { return true };
            if !seen.insert(file) {
                continue;
            }
            if seen.len() > MODULES_MAX {
                return true;
            }
            self.read_listed(file);
            let view = &self.world.view;
            let Some(entry) = view.file(file) else { return true };
            let facts = entry.facts();
            if facts.scopes.is_empty() || facts.is_open || name.is_some_and(|name| self.has_own(file, name)) {
                return true;
            }
            let stars = entry.targets.iter().zip(&facts.imports).filter(|(_, import)| import.what == ImportWhat::All);
            for (target, _) in stars {
                let Some(target) = target else { return true };
                todo.push(*target);
            }
        }
        false
    }

    /// Whether a module writes a name that it offers, whatever is behind it.
    fn has_own(&mut self, file: FileNo, name: NameNo) -> bool {
        self.read_scope(file, 0, name);
        let view = &self.world.view;
        let is_exported = view.facts(file).exports.iter().any(|export| view.name(file, export.name) == name);
        is_exported || self.world.rules.exports_all() && view.declared(file, 0, name).next().is_some()
    }
}

/// The graph of files that were evaluated.
pub(super) fn graph(base: &EvalBase, evaluated: Vec<Evaluated>) -> Graph {
    let mut graph = Graph::default();
    let (mut edges, mut via) = (BTreeSet::new(), BTreeSet::new());
    for one in evaluated {
        let dependent = base.view.files[one.file as usize].path.clone();
        let mut uses = Vec::new();
        for ((written, found), line) in one.found.references {
            let used = used(base, &found);
            edges.extend(used.as_ref().map(|used| used.edge(&dependent)));
            uses.extend(use_of(base, &found, written, line, used));
        }
        for item in one.found.implied {
            let used = used(base, &Found::Item(item));
            via.extend(used.as_ref().map(|used| used.edge(&dependent)));
            let name = used.as_ref().map(|used| format!(".{}", last(&used.symbol))).unwrap_or_default();
            uses.extend(use_of(base, &Found::Item(item), name, 0, used));
        }
        for (file, symbol_name, kind) in one.found.via {
            let source_file = base.view.files[file as usize].path.clone();
            let (dependency_type, dependent_file) = (kind.dependency_type(), dependent.clone());
            via.insert(Edge { source_file, dependent_file, dependency_type, symbol_name });
        }
        if let Some(path) = base.project.module_path(one.file) {
            graph.module_paths.insert(dependent.clone(), path);
        }
        if !uses.is_empty() {
            uses.sort();
            uses.dedup();
            graph.uses.insert(dependent, uses);
        }
    }
    graph.edges = edges.into_iter().collect();
    graph.via = via.into_iter().collect();
    graph
}

/// What a file uses of another.
struct UsedOf {
    source: FilePath,
    symbol: String,
    dependency_type: DependencyType,
}

impl UsedOf {
    fn edge(&self, dependent: &FilePath) -> Edge {
        Edge {
            source_file: self.source.clone(),
            dependent_file: dependent.clone(),
            dependency_type: self.dependency_type,
            symbol_name: self.symbol.clone(),
        }
    }
}

fn used(base: &EvalBase, found: &Found) -> Option<UsedOf> {
    let path = |file: FileNo| base.view.file(file).map(|entry| entry.path.clone());
    Some(match *found {
        Found::Nothing => return None,
        Found::Module(file) => UsedOf {
            source: path(file)?,
            symbol: base.project.name_of(Place::File(file)),
            dependency_type: DependencyType::Module,
        },
        Found::Item(item) => UsedOf {
            source: path(item.file)?,
            symbol: symbol_name(base, item)?,
            dependency_type: base
                .view
                .symbol(item)
                .map_or_else(|| kind_of(base, item).dependency_type(), |symbol| symbol.kind.dependency_type()),
        },
        Found::Parameter(item) => UsedOf {
            source: path(item.file)?,
            symbol: symbol_name(base, item)?,
            dependency_type: DependencyType::Function,
        },
    })
}

/// The name of an item within its file; of one without a symbol, below what is around it.
pub(super) fn symbol_name(base: &EvalBase, item: Item) -> Option<String> {
    if let Some(symbol) = base.view.symbol(item) {
        return Some(symbol.name.clone());
    }
    let facts = base.view.facts(item.file);
    let binding = facts.binding(item.binding)?;
    let owner = facts.scope(binding.scope).and_then(|scope| scope.owner);
    let around = owner.filter(|&owner| owner != item.binding).map(|binding| Item { file: item.file, binding });
    let around = around.and_then(|around| base.view.symbol(around)).map(|symbol| symbol.name.as_str());
    let name = facts.text(binding.name);
    Some(around.map_or(name.to_owned(), |around| format!("{around}.{name}")))
}

fn kind_of(base: &EvalBase, item: Item) -> SymbolKind {
    match base.view.binding(item).map(|binding| binding.kind) {
        Some(BindingKind::Function) => SymbolKind::Function,
        Some(BindingKind::Class) => SymbolKind::Class,
        Some(BindingKind::Namespace) => SymbolKind::Module,
        _ => SymbolKind::Static,
    }
}

fn use_of(base: &EvalBase, found: &Found, written: String, line: u32, used: Option<UsedOf>) -> Option<Use> {
    match *found {
        Found::Nothing => {
            Some(Use { written, kind: SymbolKind::Unresolved, signature: None, defined_in: None, symbol: None, line })
        }
        Found::Item(item) => {
            let symbol = base.view.symbol(item)?;
            let (signature, kind) = (Some(symbol.signature.clone()), symbol.kind);
            let defined_in = used.map(|used| used.source);
            Some(Use { written, kind, signature, defined_in, symbol: Some(symbol.name.clone()), line })
        }
        Found::Module(_) | Found::Parameter(_) => None,
    }
}

fn last(name: &str) -> &str {
    name.rsplit(['.', ':']).next().unwrap_or(name)
}
