//! Written types as steps.

use tree_sitter::Node;

use super::CLowering;
use crate::language::eval::facts::{NO_STEP, NameSpace, Step, StepId};
use crate::language::table::c::node::{children, qualified_parts};

pub(super) fn is_type(kind: &str) -> bool {
    matches!(
        kind,
        "type_identifier"
            | "template_type"
            | "type_descriptor"
            | "dependent_type"
            | "decltype"
            | "primitive_type"
            | "sized_type_specifier"
            | "placeholder_type_specifier"
            | "macro_type_specifier"
    )
}

impl<'t> CLowering<'t> {
    /// A type: what values of it are, pointers and references left aside.
    pub(super) fn ty(&mut self, node: Node<'t>) -> StepId {
        self.deeper(|this| this.ty_of_kind(node)).unwrap_or(NO_STEP)
    }

    fn ty_of_kind(&mut self, node: Node<'t>) -> StepId {
        match node.kind() {
            "type_identifier" | "identifier" | "namespace_identifier" => {
                let (text, scope) = (self.text_id(self.source(node)), self.scope);
                self.step(Step::Name { text, scope, space: NameSpace::Type }, node)
            }
            "qualified_identifier" => self.qualified(node, NameSpace::Type),
            "template_type" | "template_function" => self.with_arguments(node, |this, name| this.ty(name)),
            "type_descriptor" => {
                let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.ty(ty));
                if let Some(declared) = node.child_by_field_name("declarator") {
                    self.abstract_parameters(declared);
                }
                ty
            }
            "class_specifier" | "struct_specifier" | "union_specifier" | "enum_specifier" => {
                self.type_specifier(node, None)
            }
            "decltype" => children(node).first().map_or(NO_STEP, |of| self.value(*of)),
            "dependent_type" => children(node).first().map_or(NO_STEP, |of| self.ty(*of)),
            "macro_type_specifier" => {
                node.child_by_field_name("name").into_iter().for_each(|name| {
                    self.value(name);
                });
                node.child_by_field_name("type").map_or(NO_STEP, |ty| self.ty(ty))
            }
            "primitive_type" | "placeholder_type_specifier" | "sized_type_specifier" | "auto" => {
                self.names_below(node);
                NO_STEP
            }
            _ => {
                self.visit_all(children(node));
                NO_STEP
            }
        }
    }

    /// `void (*)(A, B)` in a type.
    fn abstract_parameters(&mut self, declared: Node<'t>) {
        let mut at = Some(declared);
        while let Some(node) = at {
            if node.kind() == "abstract_function_declarator" {
                self.parameter_types(node);
            }
            at = node.child_by_field_name("declarator").or_else(|| children(node).first().copied());
        }
    }

    /// A name with template arguments.
    pub(super) fn with_arguments(&mut self, node: Node<'t>, of: impl FnOnce(&mut Self, Node<'t>) -> StepId) -> StepId {
        let base = node.child_by_field_name("name").map_or(NO_STEP, |name| of(self, name));
        let list = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let args: Vec<StepId> = list
            .into_iter()
            .map(|one| if one.kind() == "type_descriptor" { self.ty(one) } else { self.value(one) })
            .collect();
        self.derived(base, |base| Step::Apply { base, args }, node)
    }

    /// `a::b<T>::c`
    pub(super) fn qualified(&mut self, node: Node<'t>, space: NameSpace) -> StepId {
        let (scopes, last) = qualified_parts(node);
        let qualifier = self.qualifier(&scopes, node);
        let name = match last.kind() {
            "template_type" | "template_function" | "template_method" => {
                last.child_by_field_name("name").unwrap_or(last)
            }
            "dependent_name" => crate::language::table::c::node::bare(last),
            _ => last,
        };
        let text = self.text_id(&crate::language::table::c::walk::compact(self.source(name)));
        let step = if scopes.is_empty() {
            // `::name`
            self.step(Step::Name { text, scope: super::FILE, space }, last)
        } else {
            self.derived(qualifier, |of| Step::Member { of, text }, last)
        };
        let list = last.child_by_field_name("arguments").filter(|_| name.id() != last.id());
        let list = list.or_else(|| last.named_child(0).and_then(|inner| inner.child_by_field_name("arguments")));
        let Some(list) = list else { return step };
        let args: Vec<StepId> = children(list)
            .into_iter()
            .map(|one| if one.kind() == "type_descriptor" { self.ty(one) } else { self.value(one) })
            .collect();
        self.derived(step, |base| Step::Apply { base, args }, last)
    }

    /// What stands before the last `::`.
    pub(super) fn qualifier(&mut self, scopes: &[Node<'t>], node: Node<'t>) -> StepId {
        let is_global = self.source(node).trim_start().starts_with("::");
        let mut step = NO_STEP;
        for (at, scope) in scopes.iter().enumerate() {
            let (name, arguments) = match scope.kind() {
                "template_type" | "template_function" => {
                    (scope.child_by_field_name("name").unwrap_or(*scope), scope.child_by_field_name("arguments"))
                }
                "dependent_name" => (crate::language::table::c::node::bare(*scope), None),
                _ => (*scope, None),
            };
            let text = self.text_id(self.source(name));
            step = if scope.kind() == "decltype" {
                self.ty(*scope)
            } else if at == 0 {
                let from = if is_global { super::FILE } else { self.scope };
                self.step(Step::Name { text, scope: from, space: NameSpace::Type }, name)
            } else {
                self.derived(step, |of| Step::Member { of, text }, name)
            };
            if let Some(list) = arguments {
                let args: Vec<StepId> = children(list).into_iter().map(|one| self.ty(one)).collect();
                step = self.derived(step, |base| Step::Apply { base, args }, *scope);
            }
        }
        step
    }
}
