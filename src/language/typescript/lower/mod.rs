//! From syntax to facts: what a script names, imports and offers, and every expression and type that can lead to another file.

mod classes;
mod functions;
mod modules;
mod patterns;
mod prototypes;
mod statements;
mod types;
mod values;

use rustc_hash::{FxHashMap, FxHashSet};
use tree_sitter::Node;

use super::node::constructors;
use super::outline::line;
use super::source::Script;
use super::walk::of;
use crate::language::eval::facts::{
    Binding, BindingId, BindingKind, Dynamic, FactScope, FactScopeId, FactScopeKind, Facts, Flags, NO_STEP, NameSpace,
    Step, StepId, TextId,
};
use crate::language::syntax;

/// Steps of one file; what stands beyond, in a bundle say, is not followed.
const STEPS_MAX: usize = 400_000;

/// How deep expressions and statements are followed; below, names are still seen, each by itself.
const DEPTH_MAX: u32 = 56;

/// The outline's symbol of a node and name.
pub(super) type SymbolOf = FxHashMap<(usize, String), u32>;

/// A scope in which something is lowered, and what is known of the place.
#[derive(Clone, Copy)]
pub(super) struct ScriptSite {
    pub scope: FactScopeId,
    /// Where `var` goes.
    pub hoist: FactScopeId,
    /// The result type of the function around, if one is written, or what is expected of its result.
    pub result: StepId,
}

/// What one function returns, or yields if it is a generator.
struct ReturnedSteps {
    is_generator: bool,
    steps: Vec<StepId>,
}

/// `this.name = value`
struct AssignedMember {
    node: usize,
    line: u32,
    name: String,
    value: StepId,
}

pub(super) struct ScriptLowering<'s> {
    text: &'s str,
    symbols: SymbolOf,
    facts: Facts,
    numbers: FxHashMap<String, TextId>,
    /// Variables by scope and name, so that later assignments find theirs.
    variables: FxHashMap<(FactScopeId, TextId), BindingId>,
    /// Functions of an own kind by scope and name.
    functions: FxHashSet<(FactScopeId, TextId)>,
    /// Values that functions return which are being lowered, innermost last.
    returned: Vec<ReturnedSteps>,
    /// What the methods of the class that is being lowered assign to `this`.
    this_assigned: Vec<AssignedMember>,
    /// Functions and classes at the top, and those functions among them that are used as classes.
    functions_at_top: FxHashSet<String>,
    constructors: FxHashSet<String>,
    /// The class or namespace that stands beside a function, by its name, with the scope of its members.
    beside: FxHashMap<(TextId, BindingKind), (BindingId, FactScopeId)>,
    /// Assignments to names: scope, name, value.
    assigned: Vec<(FactScopeId, TextId, StepId)>,
    depth: u32,
}

/// The facts of a script. `is_script`: its top is the program's, for it imports and exports nothing.
pub(super) fn facts(script: &Script<'_>, symbols: SymbolOf) -> Facts {
    let statements = script.statements();
    let is_module = statements.iter().any(|node| is_module_syntax(*node));
    let declares = statements.iter().any(|node| node.kind() == "ambient_declaration");
    let functions_at_top = prototypes::functions_at_top(script.text, &statements);
    let constructors = constructors(script.text, &statements).into_iter();
    let constructors = constructors.filter(|name| functions_at_top.contains(*name)).map(str::to_owned).collect();
    let mut lowering = ScriptLowering {
        text: script.text,
        functions_at_top,
        constructors,
        beside: FxHashMap::default(),
        symbols,
        facts: Facts::default(),
        numbers: FxHashMap::default(),
        variables: FxHashMap::default(),
        functions: FxHashSet::default(),
        returned: Vec::new(),
        this_assigned: Vec::new(),
        assigned: Vec::new(),
        depth: 0,
    };
    let kind = if !is_module && declares { FactScopeKind::Global } else { FactScopeKind::Module };
    lowering.facts.scopes.push(FactScope { parent: None, kind, owner: None });
    let site = ScriptSite { scope: 0, hoist: 0, result: NO_STEP };
    for statement in statements {
        lowering.statement(statement, site);
    }
    lowering.settle_assignments();
    // A page offers its component, which it does not name.
    lowering.facts.is_open |= !script.markup().is_empty();
    lowering.facts
}

fn is_module_syntax(node: Node<'_>) -> bool {
    matches!(node.kind(), "import_statement" | "export_statement")
}

impl<'s> ScriptLowering<'s> {
    fn written(&self, node: Node<'_>) -> &'s str {
        of(self.text, node)
    }

    fn text_id(&mut self, text: &str) -> TextId {
        if let Some(&id) = self.numbers.get(text) {
            return id;
        }
        let id = index(self.facts.texts.len());
        self.facts.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), id);
        id
    }

    fn step(&mut self, node: Node<'_>, step: Step) -> StepId {
        if self.facts.steps.len() >= STEPS_MAX {
            return NO_STEP;
        }
        let id = index(self.facts.steps.len());
        self.facts.steps.push(step);
        self.facts.step_lines.push(line(node.start_position().row));
        id
    }

    fn name(&mut self, node: Node<'_>, scope: FactScopeId, space: NameSpace) -> StepId {
        let text = self.text_id(self.written(node));
        self.step(node, Step::Name { text, scope, space })
    }

    fn scope(&mut self, parent: FactScopeId, kind: FactScopeKind, owner: Option<BindingId>) -> FactScopeId {
        let id = index(self.facts.scopes.len());
        self.facts.scopes.push(FactScope { parent: Some(parent), kind, owner });
        id
    }

    fn block(&mut self, site: ScriptSite) -> ScriptSite {
        ScriptSite { scope: self.scope(site.scope, FactScopeKind::Block, None), ..site }
    }

    /// A new name. Its symbol is the one that the outline has for the node.
    fn bind(&mut self, node: Node<'_>, name: &str, scope: FactScopeId, kind: BindingKind) -> BindingId {
        self.bind_at(node.id(), line(node.start_position().row), name, scope, kind)
    }

    fn bind_at(&mut self, node: usize, line: u32, name: &str, scope: FactScopeId, kind: BindingKind) -> BindingId {
        let symbol = self.symbols.get(&(node, name.to_owned())).copied();
        let name = self.text_id(name);
        let id = index(self.facts.bindings.len());
        self.facts.bindings.push(Binding {
            name,
            scope,
            kind,
            symbol,
            inner: None,
            ty: NO_STEP,
            values: Vec::new(),
            bases: Vec::new(),
            decorators: Vec::new(),
            params: Vec::new(),
            flags: Flags::default(),
            line,
        });
        match kind {
            BindingKind::Variable => drop(self.variables.entry((scope, name)).or_insert(id)),
            _ => drop(self.functions.insert((scope, name))),
        }
        id
    }

    fn binding(&mut self, id: BindingId) -> &mut Binding {
        &mut self.facts.bindings[id as usize]
    }

    fn flag(&mut self, id: BindingId, flag: Flags) {
        let binding = self.binding(id);
        binding.flags = binding.flags.with(flag);
    }

    fn give(&mut self, id: BindingId, value: StepId) {
        if value != NO_STEP {
            self.binding(id).values.push(value);
        }
    }

    fn dynamic(&mut self, node: Node<'_>) {
        const WRITTEN_BYTES: usize = 80;
        let written = self.written(node);
        let written = written.split_whitespace().collect::<Vec<_>>().join(" ");
        let written = written[..written.floor_char_boundary(WRITTEN_BYTES)].to_owned();
        self.facts.dynamics.push(Dynamic { written, line: line(node.start_position().row) });
    }

    /// Runs what follows a level deeper; too deep, every name inside is seen by itself.
    fn deeper(&mut self, node: Node<'_>, site: ScriptSite, lower: impl FnOnce(&mut Self) -> StepId) -> StepId {
        if self.depth >= DEPTH_MAX {
            self.names_inside(node, site);
            return NO_STEP;
        }
        self.depth += 1;
        let step = lower(self);
        self.depth -= 1;
        step
    }

    fn names_inside(&mut self, node: Node<'_>, site: ScriptSite) {
        syntax::walk(node, |node| {
            match node.kind() {
                "identifier" | "shorthand_property_identifier" => {
                    self.name(node, site.scope, NameSpace::Value);
                }
                "type_identifier" => {
                    self.name(node, site.scope, NameSpace::Type);
                }
                _ => {}
            }
            false
        });
    }

    /// A variable without a type and a value of its own is what is assigned to it.
    fn settle_assignments(&mut self) {
        const ASSIGNED_MAX: usize = 4;
        for (scope, name, value) in std::mem::take(&mut self.assigned) {
            let mut at = Some(scope);
            while let Some(scope) = at {
                if let Some(&id) = self.variables.get(&(scope, name)) {
                    let binding = &mut self.facts.bindings[id as usize];
                    if binding.ty == NO_STEP && binding.values.len() < ASSIGNED_MAX && !binding.flags.has(GIVEN) {
                        binding.values.push(value);
                    }
                    break;
                }
                at = self.facts.scopes[scope as usize].parent;
            }
        }
    }
}

/// The variable has a value where it is declared.
const GIVEN: Flags = Flags::OPTIONAL;

fn index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
