//! Python syntax as facts: names and scopes, imports, and the steps of expressions and annotations.
//!
//! The walk recurses to [`DEPTH_MAX`]; what nests deeper is left out. Long chains of members and operators, which nest to the left, are
//! read in loops.

mod annotation;
mod condition;
mod definition;
mod expression;
mod import;
mod operand;
mod pattern;
mod special;
mod statement;
mod target;

use rustc_hash::FxHashMap;
use tree_sitter::Node;

use super::outline::{line, symbol};
use super::walk;
use crate::language::eval::facts::{
    Binding, BindingId, BindingKind, Dynamic, FactScope, FactScopeId, FactScopeKind, Facts, Flags, NO_STEP, Step,
    StepId, TextId,
};
use crate::language::syntax::PartParser;
use crate::language::{Parsed, Symbol, SymbolKind, Visibility};

/// Statements and expressions inside each other. Source written by hand stays below 60.
const DEPTH_MAX: u32 = 150;

/// Steps of a file; the tables of a file of 1 MiB of ordinary source have some 250,000.
const STEPS_MAX: usize = 400_000;

/// Dynamic places of a file that are listed.
const DYNAMICS_MAX: usize = 20;

/// Bytes of a dynamic place as it is shown.
const WRITTEN_BYTES: usize = 80;

/// Symbols and facts of a file.
pub(super) fn lower(parsed: &Parsed<'_>, root: Node<'_>) -> (Vec<Symbol>, Facts) {
    let text = parsed.text;
    let found = walk::found(text, root);
    let mut symbols = Vec::new();
    let mut symbol_of: FxHashMap<(usize, String), u32> = FxHashMap::default();
    for one in found.iter().filter(|one| !one.is_local) {
        symbol_of.entry((one.node.id(), one.name.clone())).or_insert(symbols.len() as u32);
        symbols.push(symbol(text, one));
    }
    let mut lowering = Lowering {
        text,
        parts: parsed.parts().ok(),
        facts: Facts::default(),
        texts: FxHashMap::default(),
        symbols,
        symbol_of,
        variables: FxHashMap::default(),
        redirected: FxHashMap::default(),
        narrowed: Vec::new(),
        depth: 0,
    };
    let top = lowering.scope(None, FactScopeKind::Module, None);
    let place = Around { scope: top, ..Around::default() };
    lowering.statements(root, &place);
    lowering.finish()
}

/// What surrounds a statement or expression.
#[derive(Clone)]
struct Around {
    scope: FactScopeId,
    /// Names of the classes around it: `Outer.Inner`.
    prefix: String,
    is_private: bool,
    /// It ends with a call.
    is_local: bool,
    /// Only type checkers read it.
    is_type_only: bool,
    /// The function whose body it is.
    function: Option<BindingId>,
    /// The type of what is sent to it, if it is a generator.
    sent: StepId,
    method: Option<MethodOf>,
}

impl Default for Around {
    fn default() -> Self {
        Self {
            scope: 0,
            prefix: String::new(),
            is_private: false,
            is_local: false,
            is_type_only: false,
            function: None,
            sent: NO_STEP,
            method: None,
        }
    }
}

/// The class that a method belongs to, for what it assigns to its first parameter.
#[derive(Clone)]
struct MethodOf {
    class_scope: FactScopeId,
    class: String,
    is_private: bool,
    is_local: bool,
    this: TextId,
}

struct Lowering<'t> {
    text: &'t str,
    parts: Option<PartParser>,
    facts: Facts,
    texts: FxHashMap<String, TextId>,
    symbols: Vec<Symbol>,
    /// Symbols that the walk over definitions found, by node and name.
    symbol_of: FxHashMap<(usize, String), u32>,
    variables: FxHashMap<(FactScopeId, TextId), BindingId>,
    /// `global x`, `nonlocal x`: the scope that the name belongs to.
    redirected: FxHashMap<(FactScopeId, TextId), FactScopeId>,
    /// Expressions as written that are known to be instances here, innermost last.
    narrowed: Vec<(String, StepId)>,
    depth: u32,
}

impl<'t> Lowering<'t> {
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

    fn scope(&mut self, parent: Option<FactScopeId>, kind: FactScopeKind, owner: Option<BindingId>) -> FactScopeId {
        self.facts.scopes.push(FactScope { parent, kind, owner });
        self.facts.scopes.len() as FactScopeId - 1
    }

    fn step(&mut self, step: Step, node: Node<'_>) -> StepId {
        if self.facts.steps.len() >= STEPS_MAX {
            return NO_STEP;
        }
        self.facts.steps.push(step);
        self.facts.step_lines.push(line(node.start_position().row));
        self.facts.steps.len() as StepId - 1
    }

    fn bind(&mut self, name: TextId, kind: BindingKind, node: Node<'_>, place: &Around) -> BindingId {
        self.facts.bindings.push(Binding {
            name,
            scope: place.scope,
            kind,
            symbol: None,
            inner: None,
            ty: NO_STEP,
            values: Vec::new(),
            bases: Vec::new(),
            decorators: Vec::new(),
            params: Vec::new(),
            flags: if place.is_type_only { Flags::TYPE_ONLY } else { Flags::default() },
            line: line(node.start_position().row),
        });
        self.facts.bindings.len() as BindingId - 1
    }

    fn binding(&mut self, id: BindingId) -> Option<&mut Binding> {
        self.facts.bindings.get_mut(id as usize)
    }

    /// The symbol of a definition that the walk over definitions met.
    fn known_symbol(&self, node: Node<'_>, name: &str, place: &Around) -> Option<u32> {
        let full_name = qualified(&place.prefix, name);
        self.symbol_of.get(&(node.id(), full_name)).copied()
    }

    /// A symbol for a name that others can use and the walk over definitions does not list.
    fn new_symbol(&mut self, name: &str, kind: SymbolKind, signature: String, node: Node<'_>, place: &Around) -> u32 {
        let row = line(node.start_position().row);
        self.symbols.push(Symbol {
            name: qualified(&place.prefix, name),
            kind,
            visibility: if place.is_private || is_private(name) { Visibility::Private } else { Visibility::Public },
            signature,
            start_line: row,
            end_line: super::outline::last_line(node).max(row),
            doc: false,
        });
        self.symbols.len() as u32 - 1
    }

    fn note_dynamic(&mut self, node: Node<'_>) {
        if self.facts.dynamics.len() < DYNAMICS_MAX {
            let mut written = self.source(node).split_whitespace().collect::<Vec<_>>().join(" ");
            written.truncate(written.floor_char_boundary(WRITTEN_BYTES));
            self.facts.dynamics.push(Dynamic { written, line: line(node.start_position().row) });
        }
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

    /// Symbols in the order of the text.
    fn finish(mut self) -> (Vec<Symbol>, Facts) {
        let mut order: Vec<u32> = (0..self.symbols.len() as u32).collect();
        let symbols = std::mem::take(&mut self.symbols);
        order.sort_by_key(|&at| symbols.get(at as usize).map(|symbol| symbol.start_line));
        let mut place = vec![0; symbols.len()];
        for (new, &old) in order.iter().enumerate() {
            if let Some(place) = place.get_mut(old as usize) {
                *place = new as u32;
            }
        }
        let moved = |symbol: u32| place.get(symbol as usize).copied();
        for binding in &mut self.facts.bindings {
            binding.symbol = binding.symbol.and_then(moved);
        }
        let mut slots: Vec<Option<Symbol>> = symbols.into_iter().map(Some).collect();
        let sorted = order.iter().filter_map(|&old| slots.get_mut(old as usize)?.take()).collect();
        (sorted, self.facts)
    }
}

fn qualified(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// `_name`, not `__init__`.
fn is_private(name: &str) -> bool {
    name.starts_with('_') && !(name.starts_with("__") && name.ends_with("__"))
}

/// Named children without comments.
fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| !matches!(child.kind(), "comment" | "line_continuation")).collect()
}

/// The last name of a chain of members: `cast` of `typing.cast`.
fn last_name<'s>(text: &'s str, node: Node<'_>) -> &'s str {
    let name = match node.kind() {
        "attribute" => node.child_by_field_name("attribute"),
        "call" => return node.child_by_field_name("function").map_or("", |function| last_name_flat(text, function)),
        "identifier" => Some(node),
        _ => None,
    };
    name.and_then(|name| text.get(name.byte_range())).unwrap_or_default()
}

fn last_name_flat<'s>(text: &'s str, node: Node<'_>) -> &'s str {
    if node.kind() == "call" { "" } else { last_name(text, node) }
}
