//! Members of types.

use tree_sitter::Node;

use super::super::node::{
    ListedParameter, bare, child_of, children, modifiers, operands, parameter_list, parameters, type_parameters,
};
use super::super::walk::{INDEXER, STATIC_CONSTRUCTOR, sign_of};
use super::{SharpLowering, SharpSite};
use crate::language::eval::facts::{BindingId, BindingKind, FactScopeId, FactScopeKind, Flags, NO_STEP, Step, StepId};
use crate::language::eval::{CONSTRUCTOR, EXTENDING};

impl<'t> SharpLowering<'t> {
    pub(super) fn method(&mut self, node: Node<'t>, site: SharpSite) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let (id, inside) = self.function(node, name, self.source(name), site);
        let ty = node.child_by_field_name("returns").map_or(NO_STEP, |ty| self.type_step(ty, inside));
        self.with(id, |method| method.ty = ty);
        self.member_flags(node, id, site);
        self.extending(node, id, self.source(name));
        self.body(node, SharpSite { result: ty, ..inside });
    }

    pub(super) fn constructor(&mut self, node: Node<'t>, site: SharpSite) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let is_static = modifiers(self.text, node).contains(&"static");
        let written = if is_static { STATIC_CONSTRUCTOR } else { CONSTRUCTOR };
        let (_, inside) = self.function(node, name, written, site);
        if let Some(initializer) = child_of(node, "constructor_initializer") {
            let is_base = child_of(initializer, "base").is_some();
            let of = if is_base { Step::Super(inside.scope) } else { Step::This(inside.scope) };
            let of = self.step(initializer, of);
            if let Some(list) = child_of(initializer, "argument_list") {
                self.constructor_called(initializer, of, list, inside);
            }
        }
        self.body(node, inside);
    }

    /// Operators and finalizers, which nothing calls by a name.
    pub(super) fn operator(&mut self, node: Node<'t>, site: SharpSite) {
        let is_destructor = node.kind() == "destructor_declaration";
        let named = if is_destructor { node.child_by_field_name("name") } else { sign_of(node) };
        let Some(named) = named else { return };
        let name = if is_destructor { "Finalize".to_owned() } else { format!("operator {}", self.source(named)) };
        let (id, inside) = self.function(node, named, &name, site);
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, inside));
        self.with(id, |operator| operator.ty = ty);
        self.flag(id, Flags::STATIC);
        self.body(node, SharpSite { result: ty, ..inside });
    }

    /// What methods, constructors and operators share: type parameters, parameters, attributes.
    fn function(&mut self, node: Node<'t>, at: Node<'t>, name: &str, site: SharpSite) -> (BindingId, SharpSite) {
        let id = self.declare(at, name, site.scope, BindingKind::Function);
        let scope = self.scope(site.scope, FactScopeKind::Function, Some(id));
        let inside = SharpSite::at(scope);
        let decorators = self.attributes_of(node, site);
        let mut params = self.type_parameters(node, scope, inside);
        if let Some(list) = parameter_list(node) {
            params.extend(self.parameters(list, inside));
        }
        self.with(id, |function| {
            (function.inner, function.params, function.decorators) = (Some(scope), params, decorators);
        });
        (id, inside)
    }

    /// Static, without a body, or there for an interface alone.
    fn member_flags(&mut self, node: Node<'t>, id: BindingId, site: SharpSite) {
        let words = modifiers(self.text, node);
        let owner = self.facts.scope(site.scope).and_then(|scope| scope.owner);
        let kind = owner.and_then(|owner| self.facts.binding(owner)).map(|owner| owner.kind);
        let has_body = node.child_by_field_name("body").is_some() || node.child_by_field_name("value").is_some();
        if words.iter().any(|word| matches!(*word, "static" | "const")) {
            self.flag(id, Flags::STATIC);
        }
        if words.contains(&"abstract") || kind == Some(BindingKind::Interface) && !has_body {
            self.flag(id, Flags::ABSTRACT);
        }
        if let Some(interface) = child_of(node, "explicit_interface_specifier").and_then(|one| one.named_child(0)) {
            self.type_step(interface, SharpSite::at(site.scope));
            self.flag(id, Flags::EXPLICIT);
        }
    }

    /// Declares a function that can be called as a member in its namespace, too.
    fn extending(&mut self, node: Node<'t>, id: BindingId, name: &str) {
        let listed = parameter_list(node).map(|list| parameters(self.text, list)).unwrap_or_default();
        if !listed.first().is_some_and(|first| first.is_this) {
            return;
        }
        let Some(method) = self.facts.binding(id).cloned() else { return };
        let generic = type_parameters(node).len();
        let ty = method.params.get(generic).and_then(|&first| self.facts.binding(first)).map_or(NO_STEP, |one| one.ty);
        let Some(namespace) = self.namespace_around(method.scope) else { return };
        let again = self.bind(node, &format!("{EXTENDING}{name}"), namespace, BindingKind::Function);
        let mut params = method.params.clone();
        if generic < params.len() {
            params.remove(generic);
        }
        self.with(again, |again| {
            (again.ty, again.params, again.symbol) = (method.ty, params, method.symbol);
            (again.bases, again.inner) = (vec![ty], method.inner);
            again.flags = method.flags.with(Flags::EXTENSION);
        });
    }

    fn namespace_around(&self, scope: FactScopeId) -> Option<FactScopeId> {
        let mut at = Some(scope);
        while let Some((scope, entry)) = at.and_then(|scope| Some((scope, self.facts.scope(scope)?))) {
            if matches!(entry.kind, FactScopeKind::Package(_)) {
                return Some(scope);
            }
            at = entry.parent;
        }
        None
    }

    /// The parameters of a list, declared in the scope of the site.
    pub(super) fn parameters(&mut self, list: Node<'t>, site: SharpSite) -> Vec<BindingId> {
        let listed = parameters(self.text, list);
        listed.into_iter().filter_map(|one| self.parameter(one, site)).collect()
    }

    fn parameter(&mut self, one: ListedParameter<'t>, site: SharpSite) -> Option<BindingId> {
        let name = one.name?;
        if one.node.kind() == "parameter" {
            self.attributes_of(one.node, site);
        }
        let ty = one.ty.map_or(NO_STEP, |ty| self.type_step(ty, site));
        // What is collected is written as an array.
        let ty = match self.facts.step(ty) {
            Some(Step::Apply { base: NO_STEP, args }) if one.is_rest => args.first().copied().unwrap_or(ty),
            _ => ty,
        };
        let id = self.bind(name, self.source(name), site.scope, BindingKind::Parameter);
        self.with(id, |param| param.ty = ty);
        if let Some(value) = one.default {
            self.expression(value, site);
            self.flag(id, Flags::OPTIONAL);
        }
        if one.is_rest {
            self.flag(id, Flags::VARIADIC);
        }
        Some(id)
    }

    pub(super) fn property(&mut self, node: Node<'t>, site: SharpSite) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let decorators = self.attributes_of(node, site);
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, site));
        let id = self.declare(name, self.source(name), site.scope, BindingKind::Variable);
        self.typed(id, ty, NO_STEP);
        self.with(id, |property| property.decorators = decorators);
        self.member_flags(node, id, site);
        self.accessors(node, ty, site);
    }

    /// The bodies of a property or indexer.
    fn accessors(&mut self, node: Node<'t>, ty: StepId, site: SharpSite) {
        let scope = self.scope(site.scope, FactScopeKind::Function, None);
        let inside = SharpSite { result: ty, ..SharpSite::at(scope) };
        for accessor in node.child_by_field_name("accessors").map(children).unwrap_or_default() {
            self.attributes_of(accessor, site);
            let name = accessor.child_by_field_name("name").map_or("", |name| self.source(name));
            let block = self.block(inside);
            if name != "get" {
                let value = self.bind(accessor, "value", block.scope, BindingKind::Variable);
                self.typed(value, ty, NO_STEP);
            }
            self.body(accessor, if name == "get" { block } else { SharpSite { result: NO_STEP, ..block } });
        }
        if let Some(value) = node.child_by_field_name("value") {
            match value.kind() {
                "arrow_expression_clause" => self.arrow(value, inside),
                _ => drop(self.given_to(value, ty, inside)),
            }
        }
    }

    pub(super) fn indexer(&mut self, node: Node<'t>, site: SharpSite) {
        let Some(list) = parameter_list(node) else { return };
        let (id, inside) = self.function(node, list, INDEXER, site);
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, inside));
        self.with(id, |indexer| indexer.ty = ty);
        self.member_flags(node, id, site);
        self.accessors(node, ty, inside);
    }

    pub(super) fn fields(&mut self, node: Node<'t>, site: SharpSite) {
        let decorators = self.attributes_of(node, site);
        let Some(declared) = child_of(node, "variable_declaration") else { return };
        let ty = declared.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, site));
        for one in children(declared).into_iter().filter(|one| one.kind() == "variable_declarator") {
            let Some(name) = one.child_by_field_name("name") else { continue };
            let id = self.declare(name, self.source(name), site.scope, BindingKind::Variable);
            self.typed(id, ty, NO_STEP);
            self.with(id, |field| field.decorators = decorators.clone());
            self.member_flags(node, id, site);
            let value = operands(one).into_iter().rfind(|part| part.id() != name.id());
            value.into_iter().for_each(|value| {
                self.given_to(value, ty, site);
            });
        }
    }

    /// A block, or what stands behind `=>`.
    pub(super) fn body(&mut self, node: Node<'t>, site: SharpSite) {
        match node.child_by_field_name("body") {
            Some(body) if body.kind() == "arrow_expression_clause" => self.arrow(body, site),
            Some(body) => self.statements(body, site),
            None => {}
        }
    }

    fn arrow(&mut self, node: Node<'t>, site: SharpSite) {
        operands(node).into_iter().for_each(|value| {
            self.given_to(value, site.result, site);
        });
    }

    pub(super) fn local_function(&mut self, node: Node<'t>, site: SharpSite) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let id = self.bind(name, self.source(bare(name)), site.scope, BindingKind::Function);
        let scope = self.scope(site.scope, FactScopeKind::Function, Some(id));
        let inside = SharpSite::at(scope);
        self.attributes_of(node, site);
        let mut params = self.type_parameters(node, scope, inside);
        if let Some(list) = parameter_list(node) {
            params.extend(self.parameters(list, inside));
        }
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, inside));
        self.with(id, |one| (one.inner, one.params, one.ty) = (Some(scope), params, ty));
        self.body(node, SharpSite { result: ty, ..inside });
    }
}
