//! Classes, interfaces, enums, aliases, namespaces, and the members that each has.

use tree_sitter::Node;

use super::super::walk::{children, is_function, of, property_name, unwrapped};
use super::{GIVEN, ScriptLowering, ScriptSite};
use crate::language::eval::facts::{BindingId, BindingKind, FactScopeId, FactScopeKind, Flags, NO_STEP, Step, StepId};

impl ScriptLowering<'_> {
    /// A class; `whole` is the node that the outline knows it by.
    pub(super) fn class(&mut self, node: Node<'_>, whole: Node<'_>, name: Option<&str>, site: ScriptSite) -> BindingId {
        let own = node.child_by_field_name("name").map(|name| of(self.text, name));
        let name = name.or(own).unwrap_or("default").to_owned();
        let name = name.as_str();
        let id = self.bind(whole, name, site.scope, BindingKind::Class);
        let scope = self.scope(site.scope, FactScopeKind::Class, Some(id));
        self.binding(id).inner = Some(scope);
        let inside = ScriptSite { scope, hoist: scope, result: NO_STEP };
        self.type_parameters(id, node, inside);
        for decorator in children(node).filter(|child| child.kind() == "decorator") {
            let step = self.parts_of_decorator(decorator, site);
            self.binding(id).decorators.push(step);
        }
        self.bases(id, node, inside);
        let outer = std::mem::take(&mut self.this_assigned);
        let mut decorators = Vec::new();
        for member in node.child_by_field_name("body").into_iter().flat_map(children) {
            if member.kind() == "decorator" {
                decorators.push(self.parts_of_decorator(member, site));
            } else if let Some(member) = self.member(member, inside) {
                self.binding(member).decorators.append(&mut decorators);
            }
        }
        self.assigned_members(scope);
        self.this_assigned = outer;
        id
    }

    fn bases(&mut self, id: BindingId, node: Node<'_>, site: ScriptSite) {
        let clauses = children(node).filter(|child| child.kind() == "class_heritage").flat_map(children);
        for clause in clauses.collect::<Vec<_>>() {
            match clause.kind() {
                "extends_clause" => {
                    let value = clause.child_by_field_name("value");
                    let base = value.map_or(NO_STEP, |value| self.expression(value, site));
                    let base = self.applied(clause, base, site);
                    self.binding(id).bases.push(base);
                }
                "implements_clause" => {
                    for ty in children(clause).filter(|child| child.kind() != "comment") {
                        let base = self.type_of(ty, site);
                        self.binding(id).bases.push(base);
                    }
                }
                "comment" => {}
                _ => {
                    let base = self.expression(clause, site);
                    self.binding(id).bases.push(base);
                }
            }
        }
    }

    /// A base or callee with the type arguments that are written with it.
    pub(super) fn applied(&mut self, node: Node<'_>, base: StepId, site: ScriptSite) -> StepId {
        let arguments = node.child_by_field_name("type_arguments").into_iter().flat_map(children);
        let args: Vec<StepId> =
            arguments.collect::<Vec<_>>().into_iter().map(|argument| self.type_of(argument, site)).collect();
        if args.is_empty() || base == NO_STEP { base } else { self.step(node, Step::Apply { base, args }) }
    }

    /// A member of a class, interface, object type or object literal; none for what has no name.
    pub(super) fn member(&mut self, node: Node<'_>, site: ScriptSite) -> Option<BindingId> {
        match node.kind() {
            "method_definition" | "method_signature" | "abstract_method_signature" => self.method(node, site),
            "public_field_definition" | "field_definition" | "property_signature" => self.field(node, site),
            "call_signature" | "construct_signature" => {
                let name = if node.kind() == "call_signature" { "()" } else { "new()" };
                let id = self.bind(node, name, site.scope, BindingKind::Function);
                self.function(id, node, site, NO_STEP);
                Some(id)
            }
            "index_signature" => self.index_signature(node, site),
            "class_static_block" => {
                self.statement(node.child_by_field_name("body").unwrap_or(node), site);
                None
            }
            "comment" => None,
            _ => {
                self.statement(node, site);
                None
            }
        }
    }

    /// A member's name; what a computed one computes is read.
    pub(super) fn member_name<'n>(&mut self, node: Node<'n>, site: ScriptSite) -> Option<(Node<'n>, String)> {
        let name = ["name", "property", "key"].into_iter().find_map(|field| node.child_by_field_name(field))?;
        if name.kind() == "computed_property_name" {
            for inner in children(name) {
                self.expression(inner, site);
            }
        }
        Some((name, property_name(self.text, name).to_owned()))
    }

    fn method(&mut self, node: Node<'_>, site: ScriptSite) -> Option<BindingId> {
        let (_, name) = self.member_name(node, site)?;
        let id = self.bind(node, &name, site.scope, BindingKind::Function);
        self.modifiers(id, node);
        self.function(id, node, site, NO_STEP);
        if name == "constructor" {
            self.parameter_properties(node, site);
        }
        Some(id)
    }

    fn modifiers(&mut self, id: BindingId, node: Node<'_>) {
        let mut cursor = node.walk();
        for word in node.children(&mut cursor).take_while(|child| child.kind() != "formal_parameters") {
            match word.kind() {
                "static" => self.flag(id, Flags::STATIC),
                "get" | "set" => self.flag(id, Flags::PROPERTY),
                _ => {}
            }
        }
    }

    /// `constructor(private store: Store)` declares a field.
    fn parameter_properties(&mut self, constructor: Node<'_>, site: ScriptSite) {
        for parameter in constructor.child_by_field_name("parameters").into_iter().flat_map(children) {
            let mut cursor = parameter.walk();
            let is_property = parameter
                .children(&mut cursor)
                .any(|child| matches!(child.kind(), "accessibility_modifier" | "override_modifier" | "readonly"));
            let name = parameter.child_by_field_name("pattern").filter(|name| name.kind() == "identifier");
            if let (true, Some(name)) = (is_property, name) {
                let id = self.bind(parameter, of(self.text, name), site.scope, BindingKind::Variable);
                let ty = parameter.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_of(ty, site));
                self.binding(id).ty = ty;
                self.flag(id, GIVEN);
            }
        }
    }

    fn field(&mut self, node: Node<'_>, site: ScriptSite) -> Option<BindingId> {
        let (_, name) = self.member_name(node, site)?;
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_of(ty, site));
        let value = node.child_by_field_name("value");
        let function = value.map(unwrapped).filter(|value| is_function(*value) && ty == NO_STEP);
        let kind = if function.is_some() { BindingKind::Function } else { BindingKind::Variable };
        let id = self.bind(node, &name, site.scope, kind);
        self.modifiers(id, node);
        self.binding(id).ty = ty;
        match (function, value) {
            (Some(function), _) => self.function(id, function, site, NO_STEP),
            (None, Some(value)) => {
                self.flag(id, GIVEN);
                let step = self.typed_value(value, ty, site);
                self.give(id, step);
            }
            (None, None) => {}
        }
        Some(id)
    }

    /// `[key: string]: T`, and the mapped types that look like it.
    fn index_signature(&mut self, node: Node<'_>, site: ScriptSite) -> Option<BindingId> {
        let inside = self.block(site);
        if let Some(clause) = children(node).find(|child| child.kind() == "mapped_type_clause") {
            let keys = clause.child_by_field_name("type").map_or(NO_STEP, |keys| self.type_of(keys, inside));
            if let Some(name) = clause.child_by_field_name("name") {
                let own = self.bind(clause, of(self.text, name), inside.scope, BindingKind::TypeParameter);
                self.binding(own).bases.push(keys);
            }
            clause.child_by_field_name("alias").map(|alias| self.type_of(alias, inside));
        }
        node.child_by_field_name("index_type").map(|ty| self.type_of(ty, inside));
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_of(ty, inside));
        let id = self.bind(node, "[]", site.scope, BindingKind::Variable);
        self.binding(id).ty = ty;
        Some(id)
    }

    pub(super) fn interface(&mut self, node: Node<'_>, site: ScriptSite) -> Option<BindingId> {
        let name = node.child_by_field_name("name")?;
        let id = self.bind(node, of(self.text, name), site.scope, BindingKind::Interface);
        let scope = self.scope(site.scope, FactScopeKind::Class, Some(id));
        self.binding(id).inner = Some(scope);
        let inside = ScriptSite { scope, hoist: scope, result: NO_STEP };
        self.type_parameters(id, node, inside);
        let clauses = children(node).filter(|child| child.kind() == "extends_type_clause").flat_map(children);
        for ty in clauses.collect::<Vec<_>>() {
            let base = self.type_of(ty, inside);
            self.binding(id).bases.push(base);
        }
        for member in node.child_by_field_name("body").into_iter().flat_map(children) {
            self.member(member, inside);
        }
        Some(id)
    }

    /// `{ a: T }` as a type.
    pub(super) fn object_type(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        let scope = self.scope(site.scope, FactScopeKind::Record, None);
        for member in children(node) {
            self.member(member, ScriptSite { scope, ..site });
        }
        self.step(node, Step::Record(scope))
    }

    pub(super) fn enumeration(&mut self, node: Node<'_>, site: ScriptSite) -> Option<BindingId> {
        let name = node.child_by_field_name("name")?;
        let id = self.bind(node, of(self.text, name), site.scope, BindingKind::Enum);
        let scope = self.scope(site.scope, FactScopeKind::Class, Some(id));
        self.binding(id).inner = Some(scope);
        let inside = ScriptSite { scope, ..site };
        for member in node.child_by_field_name("body").into_iter().flat_map(children) {
            let name = match member.kind() {
                "comment" => continue,
                "enum_assignment" => member.child_by_field_name("name").unwrap_or(member),
                _ => member,
            };
            let own = self.bind(member, property_name(self.text, name), scope, BindingKind::Variable);
            self.flag(own, Flags::STATIC);
            if let Some(value) = member.child_by_field_name("value") {
                self.expression(value, inside);
            }
        }
        Some(id)
    }

    pub(super) fn alias(&mut self, node: Node<'_>, site: ScriptSite) -> Option<BindingId> {
        let name = node.child_by_field_name("name")?;
        let id = self.bind(node, of(self.text, name), site.scope, BindingKind::Alias);
        let scope = self.scope(site.scope, FactScopeKind::Block, Some(id));
        let inside = ScriptSite { scope, ..site };
        self.binding(id).inner = Some(scope);
        self.type_parameters(id, node, inside);
        let ty = node.child_by_field_name("value").map_or(NO_STEP, |ty| match ty.kind() {
            "object_type" => self.object_type(ty, inside),
            _ => self.type_of(ty, inside),
        });
        self.give(id, ty);
        Some(id)
    }

    pub(super) fn namespace(&mut self, node: Node<'_>, site: ScriptSite) -> Option<BindingId> {
        let name = node.child_by_field_name("name")?;
        let body = node.child_by_field_name("body");
        if name.kind() == "string" {
            let specifier = property_name(self.text, name).to_owned();
            self.module_import(node, &specifier, site);
            let text = self.text_id(&specifier);
            let scope = self.scope(site.scope, FactScopeKind::Augmentation(text), None);
            body.into_iter().for_each(|body| self.body(body, ScriptSite { scope, hoist: scope, ..site }));
            return None;
        }
        let written = of(self.text, name).to_owned();
        let (mut at, mut outermost) = (site, None);
        for part in written.split('.').map(str::trim) {
            let id = self.bind(node, part, at.scope, BindingKind::Namespace);
            if at.scope != site.scope {
                self.flag(id, Flags::EXPORTED);
            }
            let scope: FactScopeId = self.scope(at.scope, FactScopeKind::Namespace, Some(id));
            self.binding(id).inner = Some(scope);
            outermost = outermost.or(Some(id));
            at = ScriptSite { scope, hoist: scope, ..site };
        }
        body.into_iter().for_each(|body| self.body(body, at));
        outermost
    }

    /// What methods assign to `this` and the class does not declare.
    pub(super) fn assigned_members(&mut self, class: FactScopeId) {
        for assigned in std::mem::take(&mut self.this_assigned) {
            let name = self.text_id(&assigned.name);
            match self.variables.get(&(class, name)).copied() {
                Some(id) => {
                    let binding = self.binding(id);
                    if binding.ty == NO_STEP && binding.values.is_empty() {
                        binding.values.extend(Some(assigned.value).filter(|&value| value != NO_STEP));
                    }
                }
                None if self.functions.contains(&(class, name)) => {}
                None => {
                    let id = self.bind_at(assigned.node, assigned.line, &assigned.name, class, BindingKind::Variable);
                    self.give(id, assigned.value);
                }
            }
        }
    }
}
