//! Functions that are used as classes: what is assigned to their prototype, what they inherit, and what is put on a function itself.
//!
//! Such a function gets a class of its name beside it. `this` in the function and in the methods is an instance of that.

use rustc_hash::FxHashSet;
use tree_sitter::Node;

use super::super::node::{PrototypeCall, owner_of_prototype, prototype_call};
use super::super::outline::line;
use super::super::walk::{children, is_function, of, property_name, unwrapped};
use super::{ScriptLowering, ScriptSite};
use crate::language::eval::facts::{
    Binding, BindingId, BindingKind, FactScopeId, FactScopeKind, Flags, NO_STEP, NameSpace,
};

impl ScriptLowering<'_> {
    /// Lowers a function whose binding exists; one that is used as a class sees that as its `this`.
    pub(super) fn function_or_constructor(
        &mut self,
        id: BindingId,
        node: Node<'_>,
        function: Node<'_>,
        site: ScriptSite,
    ) {
        let name = self.facts.text(self.facts.bindings[id as usize].name).to_owned();
        if site.scope != 0 || !self.constructors.contains(&name) {
            return self.function(id, function, site, NO_STEP);
        }
        let (class, scope) = self.class_of(&name, node);
        self.binding(class).symbol = self.facts.bindings[id as usize].symbol;
        self.prototype_method(id, function, scope, site);
    }

    /// A function whose `this` is an instance of a class.
    fn prototype_method(&mut self, id: BindingId, function: Node<'_>, scope: FactScopeId, site: ScriptSite) {
        let outer = std::mem::take(&mut self.this_assigned);
        let scope_of = if function.kind() == "arrow_function" { site.scope } else { scope };
        self.function(id, function, ScriptSite { scope: scope_of, ..site }, NO_STEP);
        self.assigned_members(scope);
        self.this_assigned = outer;
    }

    /// The class of a name at the top of the script, and the scope of its members; made where a function is used as one.
    fn class_of(&mut self, name: &str, node: Node<'_>) -> (BindingId, FactScopeId) {
        self.beside(name, BindingKind::Class, FactScopeKind::Class, node)
    }

    /// What stands beside a function or class under its name: the one that is declared, or one that is made here.
    fn beside(&mut self, name: &str, kind: BindingKind, of: FactScopeKind, node: Node<'_>) -> (BindingId, FactScopeId) {
        let text = self.text_id(name);
        if let Some(&known) = self.beside.get(&(text, kind)) {
            return known;
        }
        let is_it = |one: &Binding| one.kind == kind && one.scope == 0 && one.name == text;
        let declared =
            self.facts.bindings.iter().position(is_it).and_then(|at| Some((at, self.facts.bindings[at].inner?)));
        let found = match declared {
            Some((at, scope)) => (super::index(at), scope),
            None => {
                let symbol = self.symbol_at_top(text);
                let id = self.bind_at(node.id(), line(node.start_position().row), name, 0, kind);
                let scope = self.scope(0, of, Some(id));
                let made = self.binding(id);
                (made.inner, made.symbol) = (Some(scope), symbol);
                (id, scope)
            }
        };
        self.beside.insert((text, kind), found);
        found
    }

    /// The symbol of the function or class of a name at the top of the script.
    fn symbol_at_top(&self, name: u32) -> Option<u32> {
        let mut declared = self.facts.bindings.iter().filter(|one| one.scope == 0 && one.name == name);
        declared.find_map(|one| one.symbol)
    }

    /// `A.prototype.b = ..`, `A.prototype = ..`, `f.b = ..` at the top of a script. False for an assignment to anything else.
    pub(super) fn prototype_assignment(&mut self, node: Node<'_>, site: ScriptSite) -> bool {
        let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) else {
            return false;
        };
        if left.kind() != "member_expression" {
            return false;
        }
        let (Some(object), Some(property)) = (left.child_by_field_name("object"), left.child_by_field_name("property"))
        else {
            return false;
        };
        let name = of(self.text, property).to_owned();
        if let Some(owner) = owner_of_prototype(self.text, left).filter(|owner| self.constructors.contains(*owner)) {
            let (class, scope) = self.class_of(owner, node);
            match right.kind() {
                "object" => self.prototype_members(owner, right, scope, site),
                _ => self.inherited(class, right, site),
            }
            return true;
        }
        if let Some(owner) = owner_of_prototype(self.text, object).filter(|owner| self.constructors.contains(*owner)) {
            let (class, scope) = self.class_of(owner, node);
            if name == "__proto__" {
                self.inherited(class, right, site);
            } else {
                self.assigned_member(node, owner, &name, scope, site);
            }
            return true;
        }
        let owner = Some(object).filter(|object| object.kind() == "identifier").map(|object| of(self.text, object));
        let Some(owner) = owner.filter(|owner| name != "prototype" && self.functions_at_top.contains(*owner)) else {
            return false;
        };
        self.expression(object, site);
        let (_, scope) = self.beside(owner, BindingKind::Namespace, FactScopeKind::Namespace, node);
        self.assigned_member(node, owner, &name, scope, site);
        true
    }

    /// One member, with the value that an assignment gives it.
    fn assigned_member(&mut self, node: Node<'_>, owner: &str, name: &str, scope: FactScopeId, site: ScriptSite) {
        let Some(value) = node.child_by_field_name("right").map(unwrapped) else { return };
        let is_function = is_function(value);
        let kind = if is_function { BindingKind::Function } else { BindingKind::Variable };
        let id = self.bind(node, name, scope, kind);
        self.known_in_full(id, node, owner, name);
        let is_class = self.facts.scopes[scope as usize].kind == FactScopeKind::Class;
        if is_function && is_class {
            self.prototype_method(id, value, scope, site);
        } else if is_function {
            self.function(id, value, site, NO_STEP);
        } else if value.kind() == "assignment_expression" {
            // `A.prototype.b = A.prototype.c = ..`: the value is that of the other one.
            if !self.prototype_assignment(value, site) {
                self.expression(value, site);
            }
        } else {
            let step = self.expression(value, site);
            self.give(id, step);
        }
    }

    /// The outline knows what is assigned to a path by the whole of it.
    fn known_in_full(&mut self, id: BindingId, node: Node<'_>, owner: &str, name: &str) {
        let symbol = self.symbols.get(&(node.id(), format!("{owner}.{name}"))).copied();
        let binding = self.binding(id);
        binding.symbol = symbol.or(binding.symbol);
    }

    /// The members of an object literal that stands for a prototype.
    fn prototype_members(&mut self, owner: &str, object: Node<'_>, scope: FactScopeId, site: ScriptSite) {
        for member in children(object).collect::<Vec<_>>() {
            match member.kind() {
                "method_definition" => {
                    let Some((_, name)) = self.member_name(member, site) else { continue };
                    let id = self.bind(member, &name, scope, BindingKind::Function);
                    let mut cursor = member.walk();
                    if member.children(&mut cursor).any(|child| matches!(child.kind(), "get" | "set")) {
                        self.flag(id, Flags::PROPERTY);
                    }
                    self.prototype_method(id, member, scope, site);
                }
                "pair" => {
                    let Some((_, name)) = self.member_name(member, site) else { continue };
                    let Some(value) = member.child_by_field_name("value").map(unwrapped) else { continue };
                    if is_function(value) {
                        let id = self.bind(member, &name, scope, BindingKind::Function);
                        self.prototype_method(id, value, scope, site);
                    } else {
                        let id = self.bind(member, &name, scope, BindingKind::Variable);
                        let step = self.expression(value, site);
                        self.give(id, step);
                    }
                }
                "shorthand_property_identifier" => {
                    let id = self.bind(member, of(self.text, member), scope, BindingKind::Variable);
                    let step = self.name(member, site.scope, NameSpace::Value);
                    self.give(id, step);
                }
                "spread_element" => {
                    let (class, _) = self.class_of(owner, member);
                    for value in children(member).collect::<Vec<_>>() {
                        self.inherited(class, value, site);
                    }
                }
                _ => {}
            }
        }
    }

    /// `util.inherits(A, B)`, `Object.assign(A.prototype, ..)` and their like at the top of a script. False for any other call.
    pub(super) fn prototype_call(&mut self, node: Node<'_>, site: ScriptSite) -> bool {
        let Some((kind, owner, rest)) = prototype_call(self.text, node) else { return false };
        if !self.constructors.contains(owner) {
            return false;
        }
        node.child_by_field_name("function").map(|callee| self.expression(callee, site));
        let (class, scope) = self.class_of(owner, node);
        match kind {
            PrototypeCall::Inherits => rest.into_iter().take(1).for_each(|base| self.inherited(class, base, site)),
            PrototypeCall::Assign => {
                for mixed in rest {
                    match mixed.kind() {
                        "object" => self.prototype_members(owner, mixed, scope, site),
                        _ => self.inherited(class, mixed, site),
                    }
                }
            }
            PrototypeCall::Define => {
                let name = rest.first().map(|name| property_name(self.text, *name).to_owned()).unwrap_or_default();
                let id = self.bind(node, &name, scope, BindingKind::Variable);
                for described in rest.get(1).copied().into_iter().flat_map(children).collect::<Vec<_>>() {
                    let value = described.child_by_field_name("value").unwrap_or(described);
                    if is_function(value) || described.kind() == "method_definition" {
                        let inner = self.scope(scope, FactScopeKind::Block, None);
                        let own = self.bind(described, "()", inner, BindingKind::Function);
                        self.prototype_method(own, if is_function(value) { value } else { described }, scope, site);
                    } else {
                        let step = self.expression(value, site);
                        self.give(id, step);
                    }
                }
            }
        }
        true
    }

    /// What a prototype is made of: `B.prototype`, `Object.create(B.prototype)`, `new B()`, `B`.
    fn inherited(&mut self, class: BindingId, value: Node<'_>, site: ScriptSite) {
        let base = match value.kind() {
            "new_expression" => value.child_by_field_name("constructor"),
            "call_expression" => value.child_by_field_name("arguments").into_iter().flat_map(children).next(),
            _ => Some(value),
        };
        let owner = base.filter(|base| of(self.text, *base).ends_with(".prototype"));
        let base = owner.and_then(|base| base.child_by_field_name("object")).or(base);
        // All that is written is read; what the base is, by itself.
        if base != Some(value) {
            self.expression(value, site);
        }
        let step = base.map_or(NO_STEP, |base| self.expression(base, site));
        if step != NO_STEP {
            self.binding(class).bases.push(step);
        }
    }
}

/// Names of functions and classes at the top of a script, those of variables included.
pub(super) fn functions_at_top(text: &str, statements: &[Node<'_>]) -> FxHashSet<String> {
    let mut names = FxHashSet::default();
    for &statement in statements {
        let declared = statement.child_by_field_name("declaration").unwrap_or(statement);
        match declared.kind() {
            "function_declaration" | "generator_function_declaration" | "class_declaration" => {
                names.extend(declared.child_by_field_name("name").map(|name| of(text, name).to_owned()));
            }
            "variable_declaration" | "lexical_declaration" => {
                for declarator in children(declared).filter(|one| one.kind() == "variable_declarator") {
                    let value = declarator.child_by_field_name("value").map(unwrapped);
                    let makes_one = value.is_some_and(|value| is_function(value) || value.kind() == "class");
                    let name = declarator.child_by_field_name("name").filter(|_| makes_one);
                    names.extend(name.map(|name| of(text, name).to_owned()));
                }
            }
            _ => {}
        }
    }
    names
}
