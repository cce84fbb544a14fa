//! Java syntax as facts: packages and imports, names and scopes, and the steps of expressions and written types.
//!
//! The walk recurses to [`DEPTH_MAX`]; what nests deeper is left out. Long chains of members, operators and `else if` are read in loops.

mod expression;
mod member;
mod pattern;
mod statement;
mod unit;
mod written;

use rustc_hash::{FxHashMap, FxHashSet};
use tree_sitter::Node;

pub(super) use member::is_of_object;

use super::outline::{line, symbol};
use super::walk;
use crate::language::Symbol;
use crate::language::eval::facts::{
    Binding, BindingId, BindingKind, FactScope, FactScopeId, FactScopeKind, Facts, Flags, NO_STEP, Step, StepId, TextId,
};

/// Statements and expressions inside each other. Source written by hand stays below 60.
const DEPTH_MAX: u32 = 150;

/// Steps of a file; the tables of a file of 1 MiB of ordinary source have some 250,000.
const STEPS_MAX: usize = 400_000;

/// Symbols and facts of a file.
pub(super) fn lower(text: &str, root: Node<'_>) -> (Vec<Symbol>, Facts) {
    let found = walk::found(text, root);
    let mut symbols = Vec::new();
    let mut symbol_of = FxHashMap::default();
    for one in found.iter().filter(|one| !one.is_local) {
        symbol_of.insert(one.node.id(), symbols.len() as u32);
        symbols.push(symbol(text, one));
    }
    let mut lowering = JavaLowering {
        text,
        facts: Facts::default(),
        texts: FxHashMap::default(),
        symbol_of,
        type_params: FxHashSet::default(),
        mentioned: FxHashSet::default(),
        plain: FxHashMap::default(),
        depth: 0,
    };
    lowering.unit(root);
    (symbols, lowering.facts)
}

/// What surrounds a statement or expression.
#[derive(Clone, Copy)]
struct JavaSite {
    scope: FactScopeId,
    /// The head of a class sees its type parameters, and nothing else of its inside.
    head_of: Option<FactScopeId>,
    /// The result type of the method around, for lambdas that it returns.
    result: StepId,
    /// The lambda whose body it is.
    lambda: Option<BindingId>,
}

impl JavaSite {
    fn at(scope: FactScopeId) -> Self {
        Self { scope, head_of: None, result: NO_STEP, lambda: None }
    }

    fn inside(self, scope: FactScopeId) -> Self {
        Self { scope, ..self }
    }
}

/// Where a lambda gets its parameters' types from.
#[derive(Clone, Copy)]
enum Expects {
    Nothing,
    /// It is an argument of a call.
    Argument(StepId, u32),
    /// It is given to what has a written type.
    Written(StepId),
}

struct JavaLowering<'t> {
    text: &'t str,
    facts: Facts,
    texts: FxHashMap<String, TextId>,
    /// Symbols that the walk over declarations found, by node.
    symbol_of: FxHashMap<usize, u32>,
    type_params: FxHashSet<(FactScopeId, TextId)>,
    /// Dotted names that stand for themselves, without an import.
    mentioned: FxHashSet<String>,
    /// The steps of types that no file declares, one each.
    plain: FxHashMap<TextId, StepId>,
    depth: u32,
}

impl<'t> JavaLowering<'t> {
    fn source(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
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

    fn block(&mut self, site: JavaSite) -> JavaSite {
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

    /// A primitive type, or a literal of it.
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
            symbol: self.symbol_of.get(&node.id()).copied(),
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

    fn with(&mut self, id: BindingId, change: impl FnOnce(&mut Binding)) {
        if let Some(binding) = self.facts.bindings.get_mut(id as usize) {
            change(binding);
        }
    }

    fn flag(&mut self, id: BindingId, flag: Flags) {
        self.with(id, |binding| binding.flags = binding.flags.with(flag));
    }

    /// A variable or parameter of a type, or without one of a value.
    fn variable(&mut self, node: Node<'_>, name: &str, scope: FactScopeId, ty: StepId, value: StepId) -> BindingId {
        let id = self.bind(node, name, scope, BindingKind::Variable);
        self.with(id, |binding| {
            binding.ty = ty;
            binding.values.extend(Some(value).filter(|&value| ty == NO_STEP && value != NO_STEP));
        });
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

/// Named children without comments.
fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| !is_comment(*child)).collect()
}

fn is_comment(node: Node<'_>) -> bool {
    matches!(node.kind(), "line_comment" | "block_comment")
}

/// The child of a kind, if there is one.
fn child_of<'t>(node: Node<'t>, kind: &str) -> Option<Node<'t>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).find(|child| child.kind() == kind)
}

/// A dotted name without the white space and comments that may stand in it.
fn dotted(written: &str) -> String {
    written.chars().filter(|c| !c.is_whitespace()).collect()
}
