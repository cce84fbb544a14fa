//! Declarations of types.

use tree_sitter::Node;

use super::super::node::{child_of, children, is_conditional, modifiers, operands, parameter_list, type_parameters};
use super::super::walk::SharpKind;
use super::{SharpLowering, SharpSite, with_arity};
use crate::language::eval::facts::{
    BindingId, BindingKind, FactScopeId, FactScopeKind, Flags, NO_STEP, NameSpace, Step, StepId,
};
use crate::language::eval::{CONSTRUCTOR, FUNCTIONAL};

impl<'t> SharpLowering<'t> {
    pub(super) fn type_declaration(&mut self, node: Node<'t>, site: SharpSite) {
        let (Some(kind), Some(name)) = (SharpKind::of_type(node.kind()), node.child_by_field_name("name")) else {
            return;
        };
        let bound_as = match kind {
            SharpKind::Interface => BindingKind::Interface,
            SharpKind::Enum => BindingKind::Enum,
            _ => BindingKind::Class,
        };
        let written = with_arity(self.source(name), Self::arity(node));
        let id = self.declare(name, &written, site.scope, bound_as);
        let scope = self.scope(site.scope, FactScopeKind::Class, Some(id));
        self.with(id, |class| class.inner = Some(scope));
        self.type_flags(node, id, bound_as, site);
        let head = SharpSite { head_of: Some(scope), ..SharpSite::at(site.scope) };
        let params = self.type_parameters(node, scope, head);
        let decorators = self.attributes_of(node, head);
        let bases = child_of(node, "base_list").map(|list| self.bases(list, scope, head)).unwrap_or_default();
        self.with(id, |class| (class.params, class.bases, class.decorators) = (params, bases, decorators));
        let inside = SharpSite::at(scope);
        if let Some(list) = parameter_list(node) {
            self.primary_constructor(node, list, inside);
        }
        if let Some(body) = node.child_by_field_name("body") {
            self.members(body, inside);
        }
    }

    fn type_flags(&mut self, node: Node<'t>, id: BindingId, bound_as: BindingKind, site: SharpSite) {
        let words = modifiers(self.text, node);
        let is_nested = self.facts.scope(site.scope).is_some_and(|scope| scope.kind == FactScopeKind::Class);
        if bound_as == BindingKind::Interface || words.contains(&"abstract") {
            self.flag(id, Flags::ABSTRACT);
        }
        if words.contains(&"partial") {
            self.flag(id, Flags::PARTIAL);
        }
        if !is_nested && !words.contains(&"public") {
            self.flag(id, Flags::INTERNAL);
        }
    }

    /// Declares type parameters in a scope.
    pub(super) fn type_parameters(&mut self, node: Node<'t>, scope: FactScopeId, head: SharpSite) -> Vec<BindingId> {
        let mut params: Vec<BindingId> = Vec::new();
        for param in type_parameters(node) {
            let Some(name) = param.child_by_field_name("name") else { continue };
            let id = self.bind(name, self.source(name), scope, BindingKind::TypeParameter);
            let text = self.text_id(self.source(name));
            self.type_params.insert((scope, text));
            params.push(id);
            self.attributes_of(param, head);
        }
        for clause in children(node).into_iter().filter(|part| part.kind() == "type_parameter_constraints_clause") {
            let mut parts = children(clause).into_iter();
            let text = parts.next().map_or("", |name| self.source(name));
            let text = self.text_id(text);
            let bounds = parts.filter_map(|part| part.child_by_field_name("type")).collect::<Vec<_>>();
            let bounds: Vec<StepId> = bounds.into_iter().map(|bound| self.type_step(bound, head)).collect();
            let bound = params.iter().copied().find(|&id| self.facts.binding(id).is_some_and(|one| one.name == text));
            bound.into_iter().for_each(|id| self.with(id, |param| param.bases.extend(bounds.iter().copied())));
        }
        params
    }

    /// What a type extends and implements; what it constructs its base with is looked up inside it.
    fn bases(&mut self, list: Node<'t>, scope: FactScopeId, head: SharpSite) -> Vec<StepId> {
        let mut bases = Vec::new();
        let mut arguments = None;
        for base in children(list) {
            match base.kind() {
                "argument_list" => arguments = Some(base),
                "primary_constructor_base_type" => {
                    bases.extend(base.child_by_field_name("type").map(|ty| self.type_step(ty, head)));
                    arguments = child_of(base, "argument_list");
                }
                _ => bases.push(self.type_step(base, head)),
            }
        }
        if let Some(list) = arguments {
            let site = SharpSite::at(scope);
            let of = self.step(list, Step::Super(scope));
            self.constructor_called(list, of, list, site);
        }
        bases.retain(|&base| base != NO_STEP);
        bases
    }

    /// Fields and constructor of what lists its parameters behind its name; of a record the fields are properties.
    fn primary_constructor(&mut self, node: Node<'t>, list: Node<'t>, site: SharpSite) {
        let constructor = self.bind(node, CONSTRUCTOR, site.scope, BindingKind::Function);
        let scope = self.scope(site.scope, FactScopeKind::Function, Some(constructor));
        let params = self.parameters(list, site.inside(scope));
        for &param in &params {
            let Some((name, ty, line)) = self.facts.binding(param).map(|one| (one.name, one.ty, one.line)) else {
                continue;
            };
            let name = self.facts.text(name).to_owned();
            let field = self.bind(list, &name, site.scope, BindingKind::Variable);
            self.with(field, |field| (field.ty, field.line) = (ty, line));
        }
        let names: Vec<Node<'t>> =
            super::super::node::parameters(self.text, list).into_iter().filter_map(|one| one.name).collect();
        let first = self.facts.bindings.len().saturating_sub(params.len());
        if node.kind() == "record_declaration" && names.len() == params.len() {
            for (at, name) in names.into_iter().enumerate() {
                let symbol = self.symbol_of.get(&name.start_byte()).copied();
                self.with((first + at) as BindingId, |field| field.symbol = symbol);
            }
        }
        self.with(constructor, |one| (one.inner, one.params) = (Some(scope), params));
    }

    fn members(&mut self, body: Node<'t>, site: SharpSite) {
        for member in children(body) {
            self.deeper(|this| this.member(member, site));
        }
    }

    pub(super) fn member(&mut self, node: Node<'t>, site: SharpSite) {
        match node.kind() {
            "method_declaration" => self.method(node, site),
            "constructor_declaration" => self.constructor(node, site),
            "operator_declaration" | "conversion_operator_declaration" | "destructor_declaration" => {
                self.operator(node, site);
            }
            "property_declaration" | "event_declaration" => self.property(node, site),
            "indexer_declaration" => self.indexer(node, site),
            "field_declaration" | "event_field_declaration" => self.fields(node, site),
            "enum_member_declaration" => self.enum_member(node, site),
            "delegate_declaration" => self.delegate(node, site),
            "declaration_list" | "enum_member_declaration_list" | "ERROR" => self.members(node, site),
            kind if is_conditional(kind) => self.members(node, site),
            kind if SharpKind::of_type(kind).is_some() => self.type_declaration(node, site),
            "attribute_list" => drop(self.attribute_list(node, site)),
            _ => self.statement(node, site),
        }
    }

    fn enum_member(&mut self, node: Node<'t>, site: SharpSite) {
        let Some(name) = node.child_by_field_name("name") else { return };
        self.attributes_of(node, site);
        let class = self.facts.scope(site.scope).and_then(|scope| scope.owner);
        let class = class.and_then(|class| self.facts.binding(class)).map(|class| (class.name, class.scope));
        let ty =
            class.map_or(NO_STEP, |(text, scope)| self.step(node, Step::Name { text, scope, space: NameSpace::Type }));
        let id = self.declare(name, self.source(name), site.scope, BindingKind::Variable);
        self.typed(id, ty, NO_STEP);
        self.flag(id, Flags::STATIC);
        let value = operands(node).into_iter().rfind(|part| part.id() != name.id() && part.kind() != "attribute_list");
        value.into_iter().for_each(|value| {
            self.expression(value, site);
        });
    }

    /// A delegate is a type with one method, which calling a value of it calls.
    pub(super) fn delegate(&mut self, node: Node<'t>, site: SharpSite) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let written = with_arity(self.source(name), Self::arity(node));
        let id = self.declare(name, &written, site.scope, BindingKind::Interface);
        let class = self.scope(site.scope, FactScopeKind::Class, Some(id));
        self.type_flags(node, id, BindingKind::Class, site);
        let head = SharpSite { head_of: Some(class), ..SharpSite::at(site.scope) };
        let params = self.type_parameters(node, class, head);
        let decorators = self.attributes_of(node, head);
        self.with(id, |one| (one.inner, one.params, one.decorators) = (Some(class), params, decorators));
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, SharpSite::at(class)));
        let scope = self.scope(class, FactScopeKind::Function, None);
        let list = node.child_by_field_name("parameters");
        let params = list.map(|list| self.parameters(list, SharpSite::at(scope))).unwrap_or_default();
        let symbol = self.symbol_of.get(&name.start_byte()).copied();
        for method in [FUNCTIONAL, "Invoke"] {
            let method = self.bind(name, method, class, BindingKind::Function);
            self.with(method, |method| {
                (method.ty, method.params, method.symbol) = (ty, params.clone(), symbol);
                method.flags = method.flags.with(Flags::ABSTRACT);
            });
        }
    }
}
