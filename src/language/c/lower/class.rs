//! Classes, structs, unions and enums with their members.

use tree_sitter::Node;

use super::{CLowering, DEFINED};
use crate::language::eval::facts::{BindingId, BindingKind, FactScopeKind, Flags, NO_STEP, NameSpace, Step, StepId};
use crate::language::table::c::node::{bare, child_of_kind, children, declarator, is_transparent, qualified_parts};

impl<'t> CLowering<'t> {
    /// A type where it is declared or named; what values of it are. `named`: the name that a `typedef` gives it.
    pub(super) fn type_specifier(&mut self, node: Node<'t>, named: Option<Node<'t>>) -> StepId {
        let own = node.child_by_field_name("name");
        let body = node.child_by_field_name("body");
        let is_declared = body.is_some() || node.parent().is_some_and(|parent| !is_part_of_a_declaration(parent, node));
        if let (Some(name), false) = (own, is_declared) {
            return self.ty(name);
        }
        let Some(name) = own.or(named) else {
            return body.map_or(NO_STEP, |body| self.nameless(node, body));
        };
        let (scopes, last) = qualified_parts(name);
        let written = self.source(bare(last)).to_owned();
        let kind = if node.kind() == "enum_specifier" { BindingKind::Enum } else { BindingKind::Class };
        if !scopes.is_empty() && !self.is_body {
            // `class Outer::Inner { .. };`
            let binding = self.member_definition(name, kind);
            let around = self.facts.binding(binding).map_or(self.scope, |binding| binding.scope);
            return self.in_scope(around, |this| this.declared_type(node, (name, last), &written, binding));
        }
        let scope = self.scope_of_declarations();
        let binding = self.bind(&written, kind, scope, name);
        self.declared_type(node, (name, last), &written, binding)
    }

    /// What is inside a type that was bound.
    fn declared_type(
        &mut self,
        node: Node<'t>,
        (name, last): (Node<'t>, Node<'t>),
        written: &str,
        binding: BindingId,
    ) -> StepId {
        let kind = self.facts.binding(binding).map_or(BindingKind::Class, |binding| binding.kind);
        let body = node.child_by_field_name("body");
        if last.kind() == "template_type" {
            last.child_by_field_name("arguments").into_iter().for_each(|arguments| self.visit(arguments));
        }
        let owner_scope = self.facts.scope(self.scope).map(|scope| scope.kind);
        if owner_scope == Some(FactScopeKind::Record) {
            let params: Vec<BindingId> = self.template_parameters_of(self.scope);
            self.set(binding, |binding| binding.params = params);
        }
        match body {
            Some(body) if kind == BindingKind::Enum => self.enum_body(node, body, binding),
            Some(body) => self.class_body(node, body, binding),
            None => {}
        }
        let (text, scope) = (self.text_id(written), self.scope);
        self.step(Step::Name { text, scope, space: NameSpace::Type }, name)
    }

    /// The parameters of a template.
    fn template_parameters_of(&self, scope: u32) -> Vec<BindingId> {
        let all = self.facts.bindings.iter().enumerate();
        let all = all.filter(|(_, one)| one.scope == scope && one.kind == BindingKind::TypeParameter);
        all.map(|(id, _)| id as BindingId).collect()
    }

    fn class_body(&mut self, node: Node<'t>, body: Node<'t>, binding: BindingId) {
        let inner = self.add_scope(Some(self.scope), FactScopeKind::Class, Some(binding));
        let clause = child_of_kind(node, "base_class_clause").map(children).unwrap_or_default();
        let bases: Vec<StepId> =
            clause.into_iter().filter(|base| base.kind() != "access_specifier").map(|base| self.ty(base)).collect();
        self.set(binding, |binding| {
            (binding.inner, binding.bases) = (Some(inner), bases);
            binding.flags = binding.flags.with(DEFINED);
        });
        self.at_home(inner, |this| this.visit_all(children(body)));
    }

    /// `struct { .. } field;`: a type of its own. Without a field its members are those of the class around.
    fn nameless(&mut self, node: Node<'t>, body: Node<'t>) -> StepId {
        if node.kind() == "enum_specifier" {
            let scope = self.scope_of_declarations();
            self.enumerators(body, scope, NO_STEP);
            return NO_STEP;
        }
        let is_field = node.parent().is_some_and(|parent| parent.child_by_field_name("declarator").is_some());
        if !is_field {
            self.visit_all(children(body));
            return NO_STEP;
        }
        let scope = self.scope_of_declarations();
        // Under a name that nothing writes, of what is of the type.
        let of = node.parent().and_then(|parent| parent.child_by_field_name("declarator")).and_then(declarator);
        let name = format!("{{{}}}", of.map_or("", |of| self.source(of.name)));
        let binding = self.bind(&name, BindingKind::Class, scope, node);
        self.set(binding, |binding| binding.symbol = None);
        self.class_body(node, body, binding);
        self.step(Step::Class(binding), node)
    }

    fn enum_body(&mut self, node: Node<'t>, body: Node<'t>, binding: BindingId) {
        self.flag(binding, DEFINED);
        let is_scoped = {
            let mut cursor = node.walk();
            node.children(&mut cursor).any(|child| matches!(child.kind(), "class" | "struct"))
        };
        let (text, scope) = (self.facts.bindings.get(binding as usize).map_or(0, |one| one.name), self.scope);
        let ty = self.step(Step::Name { text, scope, space: NameSpace::Type }, node);
        if is_scoped {
            let inner = self.add_scope(Some(self.scope), FactScopeKind::Class, Some(binding));
            self.set(binding, |binding| binding.inner = Some(inner));
            self.at_home(inner, |this| this.enumerators(body, inner, ty));
        } else {
            let scope = self.scope_of_declarations();
            self.enumerators(body, scope, ty);
        }
    }

    fn enumerators(&mut self, body: Node<'t>, scope: u32, ty: StepId) {
        let mut todo = children(body);
        todo.reverse();
        while let Some(node) = todo.pop() {
            if node.kind() == "enumerator" {
                let Some(name) = node.child_by_field_name("name") else { continue };
                let binding = self.bind(self.source(name), BindingKind::Variable, scope, name);
                self.set(binding, |binding| {
                    binding.ty = ty;
                    binding.flags = binding.flags.with(DEFINED).with(Flags::STATIC);
                });
                if let Some(value) = node.child_by_field_name("value") {
                    self.value(value);
                }
            } else if is_transparent(node.kind()) {
                let mut inside = children(node);
                inside.reverse();
                todo.extend(inside);
            }
        }
    }
}

/// Whether a specifier says of what type something else is: `struct a *b`, not `struct a;`.
fn is_part_of_a_declaration(parent: Node<'_>, specifier: Node<'_>) -> bool {
    match parent.kind() {
        "translation_unit" | "declaration_list" | "template_declaration" | "compound_statement" => false,
        "declaration" | "field_declaration" => {
            parent.child_by_field_name("declarator").is_some()
                || parent.child_by_field_name("type").is_none_or(|ty| ty.id() != specifier.id())
        }
        kind => !is_transparent(kind),
    }
}
