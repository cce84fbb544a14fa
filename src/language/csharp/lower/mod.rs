//! C# syntax as facts: namespaces and directives, names and scopes, and the steps of expressions and written types.
//!
//! Scope 0 has what the file alone sees: aliases and `using` directives, wherever they are written. Scope 1 inside it is the global
//! namespace, and each namespace lies in the one around it. The walk recurses to [`DEPTH_MAX`]; what nests deeper is left out. Long chains
//! of members, operators and `else if` are read in loops.

mod call;
mod expression;
mod member;
mod pattern;
mod query;
mod statement;
mod types;
mod unit;
mod written;

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};
use tree_sitter::Node;

use super::node::{line, source};
use super::outline::symbol;
use super::walk;
use crate::language::Symbol;
use crate::language::eval::facts::{
    Binding, BindingId, BindingKind, FactScope, FactScopeId, FactScopeKind, Facts, Flags, NO_STEP, Step, StepId, TextId,
};

/// Statements and expressions inside each other. Source written by hand stays below 60.
const DEPTH_MAX: u32 = 150;

/// Steps of a file; the tables of a file of 1 MiB of ordinary source have some 250,000.
const STEPS_MAX: usize = 400_000;

/// The scope of directives, and the global namespace.
const DIRECTIVES: FactScopeId = 0;
const GLOBAL: FactScopeId = 1;

/// Symbols and facts of a file.
pub(super) fn lower(text: &str, root: Node<'_>) -> (Vec<Symbol>, Facts) {
    let found = walk::found(text, root);
    let mut symbol_of = FxHashMap::default();
    for (number, one) in (0_u32..).zip(&found) {
        symbol_of.insert(one.name_node.start_byte(), number);
    }
    let mut lowering = SharpLowering {
        text,
        facts: Facts::default(),
        texts: FxHashMap::default(),
        symbol_of,
        type_params: FxHashSet::default(),
        mentioned: FxHashSet::default(),
        plain: FxHashMap::default(),
        manifest: BTreeSet::new(),
        namespace: String::new(),
        depth: 0,
    };
    lowering.unit(root);
    (found.iter().map(|one| symbol(text, one)).collect(), lowering.facts)
}

/// What surrounds a statement or expression.
#[derive(Clone, Copy)]
struct SharpSite {
    scope: FactScopeId,
    /// The head of a type sees its type parameters, and nothing else of its inside.
    head_of: Option<FactScopeId>,
    /// The result type of the function around, for what it returns.
    result: StepId,
    /// The lambda whose body it is.
    lambda: Option<BindingId>,
}

impl SharpSite {
    fn at(scope: FactScopeId) -> Self {
        Self { scope, head_of: None, result: NO_STEP, lambda: None }
    }

    fn inside(self, scope: FactScopeId) -> Self {
        Self { scope, ..self }
    }
}

/// Where a lambda gets its parameters' types from, and `new()` its own.
#[derive(Clone, Copy)]
enum Wanted {
    Nothing,
    /// It is an argument of a call.
    Argument(StepId, u32),
    /// It is given to what has a written type.
    Written(StepId),
}

struct SharpLowering<'t> {
    text: &'t str,
    facts: Facts,
    texts: FxHashMap<String, TextId>,
    /// The symbol of each place where a name is declared.
    symbol_of: FxHashMap<usize, u32>,
    type_params: FxHashSet<(FactScopeId, TextId)>,
    /// Dotted names that may begin with a namespace, with that in which they are written.
    mentioned: FxHashSet<String>,
    /// The steps of types that no file declares, one each.
    plain: FxHashMap<TextId, StepId>,
    /// What the file says to its project, a line each.
    manifest: BTreeSet<String>,
    /// The namespace around.
    namespace: String,
    depth: u32,
}

impl<'t> SharpLowering<'t> {
    fn source(&self, node: Node<'_>) -> &'t str {
        source(self.text, node)
    }

    fn text_id(&mut self, text: &str) -> TextId {
        if let Some(&id) = self.texts.get(text) {
            return id;
        }
        let id = self.facts.texts.len() as TextId;
        self.facts.texts.push(text.to_owned());
        self.texts.insert(text.to_owned(), id);
        id
    }

    fn scope(&mut self, parent: FactScopeId, kind: FactScopeKind, owner: Option<BindingId>) -> FactScopeId {
        self.facts.scopes.push(FactScope { parent: Some(parent), kind, owner });
        self.facts.scopes.len() as FactScopeId - 1
    }

    fn block(&mut self, site: SharpSite) -> SharpSite {
        let scope = self.scope(site.scope, FactScopeKind::Block, None);
        site.inside(scope)
    }

    fn step(&mut self, node: Node<'_>, step: Step) -> StepId {
        if self.facts.steps.len() >= STEPS_MAX {
            return NO_STEP;
        }
        self.facts.steps.push(step);
        self.facts.step_lines.push(line(node.start_position().row));
        self.facts.steps.len() as StepId - 1
    }

    /// A step made of another, where that is known.
    fn derived(&mut self, node: Node<'_>, of: StepId, make: impl FnOnce(StepId) -> Step) -> StepId {
        if of == NO_STEP { NO_STEP } else { self.step(node, make(of)) }
    }

    /// A predefined type, or a literal of it.
    fn plain(&mut self, node: Node<'_>, name: &str) -> StepId {
        let text = self.text_id(name);
        if let Some(&known) = self.plain.get(&text) {
            return known;
        }
        let step = self.step(node, Step::Plain(text));
        self.plain.insert(text, step);
        step
    }

    fn bind(&mut self, node: Node<'_>, name: &str, scope: FactScopeId, kind: BindingKind) -> BindingId {
        let name = self.text_id(name);
        self.facts.bindings.push(Binding {
            name,
            scope,
            kind,
            symbol: None,
            inner: None,
            ty: NO_STEP,
            values: Vec::new(),
            bases: Vec::new(),
            decorators: Vec::new(),
            params: Vec::new(),
            flags: Flags::default(),
            line: line(node.start_position().row),
        });
        self.facts.bindings.len() as BindingId - 1
    }

    /// Something that others can use, by the place of its name.
    fn declare(&mut self, name_node: Node<'_>, name: &str, scope: FactScopeId, kind: BindingKind) -> BindingId {
        let id = self.bind(name_node, name, scope, kind);
        let symbol = self.symbol_of.get(&name_node.start_byte()).copied();
        self.with(id, |binding| binding.symbol = symbol);
        id
    }

    fn with(&mut self, id: BindingId, change: impl FnOnce(&mut Binding)) {
        if let Some(binding) = self.facts.bindings.get_mut(id as usize) {
            change(binding);
        }
    }

    fn flag(&mut self, id: BindingId, flag: Flags) {
        self.with(id, |binding| binding.flags = binding.flags.with(flag));
    }

    /// Gives a variable its type, or without one its value.
    fn typed(&mut self, id: BindingId, ty: StepId, value: StepId) {
        self.with(id, |binding| {
            binding.ty = ty;
            binding.values.extend(Some(value).filter(|&value| ty == NO_STEP && value != NO_STEP));
        });
    }

    /// A local variable of a type, or without one of a value.
    fn local(&mut self, name: Node<'_>, scope: FactScopeId, ty: StepId, value: StepId) -> BindingId {
        let id = self.bind(name, self.source(name), scope, BindingKind::Variable);
        self.typed(id, ty, value);
        id
    }

    /// Runs what goes one level deeper; `None` where that is too deep.
    fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        Some(result)
    }
}

/// A dotted name without white space and the marker of the global namespace.
fn dotted(written: &str) -> String {
    let name: String = written.chars().filter(|c| !c.is_whitespace()).collect();
    name.strip_prefix("global::").map(str::to_owned).unwrap_or(name)
}

/// The name by which types of so many parameters are known: `List` of one is `List`1`.
fn with_arity(name: &str, count: usize) -> String {
    if count == 0 { name.to_owned() } else { format!("{name}`{count}") }
}
