//! What each file uses of others, and the links between declarations and definitions.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::evaluation::CEvaluation;
use super::project::{IncludeProject, bare};
use super::view::{CDeclared, CFileNo, CView};
use crate::domain::{DependencyType, Edge, FilePath, Implements};
use crate::language::eval::facts::{BindingKind, FactScopeKind, Flags, ImportWhat, Step, StepId};
use crate::language::resolve::{Graph, Use};
use crate::language::table::c::lower::{DEFINED, INTERNAL, MACRO};
use crate::language::{Symbol, SymbolKind};

/// A file that was evaluated.
pub(super) struct CEvaluated {
    pub file: CFileNo,
    uses: Vec<Use>,
    edges: Vec<Edge>,
    /// What it provides for the classes above its own.
    via: Vec<Edge>,
    /// The keys that it read, sorted.
    pub reads: Box<[u64]>,
    pub links: Vec<Implements>,
}

pub(super) fn evaluate(view: &CView, project: &IncludeProject, files: &[CFileNo]) -> Vec<CEvaluated> {
    files.par_iter().map(|&file| evaluated(view, project, file)).collect()
}

fn evaluated(view: &CView, project: &IncludeProject, file: CFileNo) -> CEvaluated {
    let mut evaluation = CEvaluation::new(view, file);
    evaluation.every_step();
    let links = evaluation.links();
    let provided = evaluation.provided();
    if evaluation.is_exhausted() {
        tracing::debug!(path = %view.files[file as usize].path, "the evaluation of a file was cut short");
    }
    let (mut uses, mut edges) = included(view, project, file);
    let dependent = &view.files[file as usize].path;
    for ((written, item), line) in &evaluation.references {
        let (Some(symbol), Some(source)) = (view.symbol(*item), view.file(item.file)) else { continue };
        edges.push(edge(&source.path, dependent, symbol.kind.dependency_type(), &symbol.name));
        uses.push(use_of(written, symbol, &source.path, *line));
    }
    let mut via = Vec::new();
    for item in provided {
        let (Some(symbol), Some(source)) = (view.symbol(item), view.file(item.file)) else { continue };
        via.push(edge(&source.path, dependent, symbol.kind.dependency_type(), &symbol.name));
        uses.push(use_of(&format!(".{}", view.name(item)), symbol, &source.path, 0));
    }
    edges.sort();
    edges.dedup();
    uses.sort();
    uses.dedup();
    let mut reads: Vec<u64> = evaluation.reads.into_iter().collect();
    reads.sort_unstable();
    CEvaluated { file, uses, edges, via, reads: reads.into(), links }
}

fn edge(source: &FilePath, dependent: &FilePath, dependency_type: DependencyType, symbol: &str) -> Edge {
    Edge {
        source_file: source.clone(),
        dependent_file: dependent.clone(),
        dependency_type,
        symbol_name: symbol.to_owned(),
    }
}

fn use_of(written: &str, symbol: &Symbol, source: &FilePath, line: u32) -> Use {
    Use {
        written: written.to_owned(),
        kind: symbol.kind,
        signature: Some(symbol.signature.clone()),
        defined_in: Some(source.clone()),
        symbol: Some(symbol.name.clone()),
        line,
    }
}

/// The headers that a file includes, and those that it should and that are not there.
fn included(view: &CView, project: &IncludeProject, file: CFileNo) -> (Vec<Use>, Vec<Edge>) {
    let entry = &view.files[file as usize];
    let facts = entry.facts();
    let (mut uses, mut edges) = (Vec::new(), Vec::new());
    for (import, target) in facts.imports.iter().zip(&entry.targets) {
        if import.what != ImportWhat::Nothing {
            continue;
        }
        let written = facts.text(import.specifier);
        match target.and_then(|target| view.file(target)) {
            Some(header) => {
                let name = String::from_utf8_lossy(header.path.file_name()).into_owned();
                edges.push(edge(&header.path, &entry.path, DependencyType::Module, &name));
            }
            None if project.is_missing(written) => uses.push(Use {
                written: bare(written).to_owned(),
                kind: SymbolKind::Unresolved,
                signature: None,
                defined_in: None,
                symbol: None,
                line: import.line,
            }),
            None => {}
        }
    }
    (uses, edges)
}

impl CEvaluation<'_> {
    /// Evaluates what the file writes. What its macros write counts where they are used; here it leads to what the file itself includes.
    fn every_step(&mut self) {
        let own = self.own;
        let facts = self.view.facts(own);
        let mut in_macros: BTreeSet<StepId> = BTreeSet::new();
        for binding in facts.bindings.iter().filter(|binding| binding.flags.has(MACRO)) {
            for &value in &binding.values {
                let mut at = Some(value);
                while let Some(step) = at {
                    in_macros.insert(step);
                    at = match facts.step(step) {
                        Some(Step::Member { of, .. }) => Some(*of),
                        _ => None,
                    };
                }
            }
        }
        let called: BTreeSet<StepId> = facts
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Call { callee, .. } => Some(*callee),
                _ => None,
            })
            .collect();
        self.without_context(|this| in_macros.iter().for_each(|&step| drop(this.value(own, step))));
        for step in 0..facts.steps.len() as StepId {
            // What is called is known by its arguments, which the call has.
            if !in_macros.contains(&step) && !called.contains(&step) {
                self.value(own, step);
            }
        }
    }

    /// The links that the file makes: its definitions are those of what the headers that it sees declare. A definition uses its declaration.
    fn links(&mut self) -> Vec<Implements> {
        let (view, own) = (self.view, self.own);
        let facts = view.facts(own);
        let mut links = BTreeSet::new();
        for id in 0..facts.bindings.len() as u32 {
            let item = CDeclared { file: own, binding: id };
            let Some(binding) = facts.binding(id).filter(|binding| binding.symbol.is_some()) else { continue };
            let is_code = matches!(binding.kind, BindingKind::Function | BindingKind::Variable);
            if !is_code || binding.flags.has(MACRO) || binding.flags.has(INTERNAL) {
                continue;
            }
            let Some(scope) = facts.scope(binding.scope) else { continue };
            let name = facts.text(binding.name).to_owned();
            let is_defined = binding.flags.has(DEFINED);
            match scope.kind {
                FactScopeKind::Module | FactScopeKind::Namespace if is_defined => {
                    let path = view.files[own as usize].scope_path(binding.scope);
                    let declared = self.found(path, &name);
                    self.link(item, &declared, &mut links);
                }
                FactScopeKind::Members(_) => {
                    let class = self.class_around(own, binding.scope);
                    let declared = match class {
                        Some(class) => self.members_or_constructor(class, &name),
                        None => self.in_declared_namespace(binding.decorators.first().copied(), &name),
                    };
                    self.link(item, &declared, &mut links);
                    if let Some(class) = class {
                        self.link_overridden(item, class, &name, &mut links);
                    }
                }
                FactScopeKind::Class if binding.kind == BindingKind::Function => {
                    let class = scope.owner.map(|binding| CDeclared { file: own, binding });
                    if let Some(class) = class {
                        self.link_overridden(item, class, &name, &mut links);
                    }
                }
                _ => {}
            }
        }
        links.into_iter().collect()
    }

    fn members_or_constructor(&mut self, class: CDeclared, name: &str) -> Vec<CDeclared> {
        if self.view.name(class) != name {
            return self.members(class, name);
        }
        match self.view.inside(class) {
            0 => Vec::new(),
            inside => self.found(inside, name),
        }
    }

    fn in_declared_namespace(&mut self, qualifier: Option<StepId>, name: &str) -> Vec<CDeclared> {
        let own = self.own;
        let Some(qualifier) = qualifier else { return Vec::new() };
        let spaces: Vec<CDeclared> = self.denoted(own, qualifier, None).to_vec();
        let mut all = Vec::new();
        for space in spaces {
            match self.view.inside(space) {
                0 => {}
                inside => all.extend(self.found(inside, name)),
            }
        }
        all
    }

    /// Links a definition to the declarations of it in other files.
    fn link(&mut self, item: CDeclared, declared: &[CDeclared], links: &mut BTreeSet<Implements>) {
        let view = self.view;
        let Some(binding) = view.binding(item) else { return };
        let is_declaration = |one: &CDeclared| {
            one.file != item.file
                && view.binding(*one).is_some_and(|other| {
                    let flags = other.flags;
                    let is_same = binding.kind != BindingKind::Function || other.params.len() == binding.params.len();
                    other.kind == binding.kind
                        && is_same
                        && !flags.has(INTERNAL)
                        && !flags.has(MACRO)
                        && (!flags.has(DEFINED) || is_static_member(view, *one))
                })
        };
        let mut found: Vec<CDeclared> = declared.iter().copied().filter(is_declaration).collect();
        // Of overloads with as many parameters the one with the same types, if one has them.
        let own = view.symbol(item).map(|symbol| parameters(&symbol.signature)).unwrap_or_default();
        let is_exact = |one: &CDeclared| view.symbol(*one).is_some_and(|symbol| parameters(&symbol.signature) == own);
        if binding.kind == BindingKind::Function && found.iter().any(is_exact) {
            found.retain(is_exact);
        }
        let line = binding.line;
        let written = view.name(item).to_owned();
        for one in found {
            self.note(&[one], &written, line);
            links.extend(self.implements(one, item));
        }
    }

    /// Links a member to the virtual ones of base classes that it overrides, and its class to theirs.
    fn link_overridden(&mut self, item: CDeclared, class: CDeclared, name: &str, links: &mut BTreeSet<Implements>) {
        let view = self.view;
        let (mut seen, mut todo) = (vec![class], self.bases(class));
        while let Some(base) = todo.pop() {
            if seen.contains(&base) || seen.len() > 64 {
                continue;
            }
            seen.push(base);
            todo.extend(self.bases(base));
            let inside = view.inside(base);
            let members = if inside == 0 || view.name(base) == name { Vec::new() } else { self.found(inside, name) };
            let params = |one: CDeclared| view.binding(one).map(|binding| binding.params.len());
            for member in members {
                let is_virtual = view.symbol(member).is_some_and(|symbol| symbol.signature.starts_with("virtual "));
                if !is_virtual || params(member) != params(item) {
                    continue;
                }
                links.extend(self.implements(member, item));
                let is_pure = view.binding(member).is_some_and(|binding| binding.flags.has(Flags::ABSTRACT));
                let is_own_class = class.file == self.own;
                links.extend((is_pure && is_own_class).then(|| self.implements(base, class)).flatten());
            }
        }
    }

    fn implements(&self, interface: CDeclared, implementation: CDeclared) -> Option<Implements> {
        let view = self.view;
        let own = |item: CDeclared| Some((view.file(item.file)?.path.clone(), view.symbol(item)?.name.clone()));
        let ((interface_file, interface), (implementation_file, implementation)) =
            (own(interface)?, own(implementation)?);
        let declared_in = view.file(self.own)?.path.clone();
        Some(Implements { interface_file, interface, implementation_file, implementation, declared_in })
    }
}

/// A class's own variable: what the class says is a declaration, except where it is `inline`.
fn is_static_member(view: &CView, item: CDeclared) -> bool {
    let is_variable = view.binding(item).is_some_and(|binding| binding.kind == BindingKind::Variable);
    is_variable && view.symbol(item).is_some_and(|symbol| symbol.signature.starts_with("static "))
}

/// The types of a function's parameters, as its signature writes them.
fn parameters(signature: &str) -> String {
    let head = signature.split(" {").next().unwrap_or(signature);
    let list = head.split_once('(').map_or("", |(_, list)| list);
    // Defaults stand in the declaration alone.
    let mut plain = String::new();
    let (mut depth, mut is_default) = (0_i32, false);
    for c in list.chars() {
        match c {
            '(' | '<' | '[' => depth += 1,
            ')' if depth == 0 => break,
            ')' | '>' | ']' => depth -= 1,
            ',' if depth == 0 => is_default = false,
            '=' if depth == 0 => is_default = true,
            _ => {}
        }
        if !is_default && !c.is_whitespace() {
            plain.push(c);
        }
    }
    plain
}

/// The graph of files that were evaluated.
pub(super) fn graph(view: &CView, evaluated: Vec<CEvaluated>) -> Graph {
    let mut graph = Graph::default();
    for one in evaluated {
        let path = view.files[one.file as usize].path.clone();
        graph.edges.extend(one.edges);
        graph.via.extend(one.via);
        if !one.uses.is_empty() {
            graph.uses.insert(path, one.uses);
        }
    }
    graph.edges.sort();
    graph.edges.dedup();
    graph.via.sort();
    graph.via.dedup();
    graph
}
