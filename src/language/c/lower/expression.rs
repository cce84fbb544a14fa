//! Expressions as steps. Pointers, references and arrays are what they lead to; what a smart pointer or iterator leads to is
//! [`Step::Await`] of it.

use tree_sitter::Node;

use super::CLowering;
use crate::language::eval::facts::{
    Argument, BindingKind, FactScopeKind, LiteralKind, NO_STEP, NameSpace, Step, StepId,
};
use crate::language::table::c::node::{bare, children};
use crate::language::table::c::walk::compact;

pub(super) fn is_expression(kind: &str) -> bool {
    matches!(
        kind,
        "identifier"
            | "qualified_identifier"
            | "field_expression"
            | "call_expression"
            | "subscript_expression"
            | "pointer_expression"
            | "parenthesized_expression"
            | "cast_expression"
            | "assignment_expression"
            | "binary_expression"
            | "unary_expression"
            | "update_expression"
            | "conditional_expression"
            | "comma_expression"
            | "new_expression"
            | "compound_literal_expression"
            | "lambda_expression"
            | "sizeof_expression"
            | "alignof_expression"
            | "offsetof_expression"
            | "template_function"
            | "initializer_list"
            | "this"
            | "delete_expression"
            | "generic_expression"
            | "fold_expression"
            | "co_await_expression"
            | "extension_expression"
    )
}

impl<'t> CLowering<'t> {
    /// An expression: what it gives.
    pub(super) fn value(&mut self, node: Node<'t>) -> StepId {
        match self.deeper(|this| this.value_of_kind(node)) {
            Some(step) => step,
            None => {
                self.names_below(node);
                NO_STEP
            }
        }
    }

    fn value_of_kind(&mut self, node: Node<'t>) -> StepId {
        let part = |field| node.child_by_field_name(field);
        match node.kind() {
            "identifier" => {
                let (text, scope) = (self.text_id(self.source(node)), self.scope);
                self.step(Step::Name { text, scope, space: NameSpace::Value }, node)
            }
            "qualified_identifier" => self.qualified(node, NameSpace::Value),
            "template_function" => self.with_arguments(node, |this, name| this.value(name)),
            "field_expression" => self.field(node),
            "call_expression" => {
                let callee = part("function").map_or(NO_STEP, |function| self.callee(function));
                let args = part("arguments").map(|list| self.arguments(list)).unwrap_or_default();
                self.derived(callee, |callee| Step::Call { callee, args }, node)
            }
            "subscript_expression" => {
                let of = part("argument").map_or(NO_STEP, |of| self.value(of));
                let index = part("index").or_else(|| part("indices"));
                let index = index.map_or(NO_STEP, |index| self.value(index));
                self.derived(of, |of| Step::Index { of, index }, node)
            }
            "pointer_expression" => {
                let of = part("argument").map_or(NO_STEP, |of| self.value(of));
                let is_reached = part("operator").is_some_and(|operator| self.source(operator) == "*");
                if is_reached { self.derived(of, Step::Await, node) } else { of }
            }
            "parenthesized_expression" => children(node).first().map_or(NO_STEP, |inner| self.value(*inner)),
            "lambda_expression" => self.lambda(node),
            "this" => self.step(Step::This(self.scope), node),
            _ => self.typed_value(node),
        }
    }

    /// Casts, literals of a type, branches, what is made.
    fn typed_value(&mut self, node: Node<'t>) -> StepId {
        let part = |field| node.child_by_field_name(field);
        match node.kind() {
            "cast_expression" | "compound_literal_expression" => {
                let ty = part("type").map_or(NO_STEP, |ty| self.ty(ty));
                match part("value") {
                    Some(list) if list.kind() == "initializer_list" => self.initializer_list(list, ty),
                    Some(value) => {
                        self.value(value);
                    }
                    None => {}
                }
                self.derived(ty, Step::Typed, node)
            }
            "assignment_expression" => {
                let left = part("left").map_or(NO_STEP, |left| self.value(left));
                if let Some(right) = part("right") {
                    match right.kind() {
                        "initializer_list" => self.initializer_list(right, left),
                        _ => {
                            self.value(right);
                        }
                    }
                }
                left
            }
            "conditional_expression" => {
                part("condition").into_iter().for_each(|one| {
                    self.value(one);
                });
                let branches = [part("consequence"), part("alternative")].into_iter().flatten().collect::<Vec<_>>();
                let branches: Vec<StepId> = branches.into_iter().map(|one| self.value(one)).collect();
                self.step(Step::OneOf(branches), node)
            }
            "new_expression" => {
                let ty = part("type").map_or(NO_STEP, |ty| self.ty(ty));
                part("placement").into_iter().for_each(|list| drop(self.arguments(list)));
                part("declarator").into_iter().for_each(|one| self.visit(one));
                let args = part("arguments").map(|list| self.arguments(list)).unwrap_or_default();
                self.derived(ty, |callee| Step::New { callee, args }, node)
            }
            "string_literal" | "concatenated_string" | "raw_string_literal" => {
                self.names_below(node);
                self.step(Step::Literal(LiteralKind::Text), node)
            }
            "initializer_list" => {
                self.initializer_list(node, NO_STEP);
                NO_STEP
            }
            "offsetof_expression" => self.offset_of(node),
            "subscript_argument_list" | "comma_expression" | "extension_expression" => {
                let parts: Vec<StepId> = children(node).into_iter().map(|one| self.value(one)).collect();
                parts.last().copied().unwrap_or(NO_STEP)
            }
            _ => {
                children(node).into_iter().for_each(|child| self.visit(child));
                NO_STEP
            }
        }
    }

    /// What is called; a name that is a type constructs.
    fn callee(&mut self, function: Node<'t>) -> StepId {
        let plain = match function.kind() {
            "parenthesized_expression" => children(function).first().copied().unwrap_or(function),
            _ => function,
        };
        self.value(plain)
    }

    /// `a.b`, `a->b`
    fn field(&mut self, node: Node<'t>) -> StepId {
        let of = node.child_by_field_name("argument").map_or(NO_STEP, |of| self.value(of));
        let is_arrow = node.child_by_field_name("operator").is_some_and(|operator| self.source(operator) == "->");
        let of = if is_arrow { self.derived(of, Step::Await, node) } else { of };
        let Some(field) = node.child_by_field_name("field") else { return NO_STEP };
        let name = match field.kind() {
            "qualified_identifier" => {
                let (scopes, last) = crate::language::table::c::node::qualified_parts(field);
                self.qualifier(&scopes, field);
                bare(last)
            }
            _ => bare(field),
        };
        let text = self.text_id(&compact(self.source(name)));
        let step = self.derived(of, |of| Step::Member { of, text }, name);
        let list = field.child_by_field_name("arguments").or_else(|| {
            field.named_child(0).filter(|inner| inner.kind() == "template_method")?.child_by_field_name("arguments")
        });
        list.into_iter().for_each(|list| self.visit_all(children(list)));
        step
    }

    pub(super) fn arguments(&mut self, list: Node<'t>) -> Vec<Argument> {
        let all = children(list).into_iter().filter(|one| !one.kind().starts_with("preproc"));
        all.map(|one| Argument {
            name: None,
            value: self.value(one),
            is_spread: one.kind() == "parameter_pack_expansion",
        })
        .collect()
    }

    /// `{ 1, .a = 2, [B] = 3 }`, the keys being members of what is made.
    pub(super) fn initializer_list(&mut self, list: Node<'t>, of: StepId) {
        let visited = self.deeper(|this| {
            for one in children(list) {
                match one.kind() {
                    "initializer_pair" => this.initializer_pair(one, of),
                    "initializer_list" => this.initializer_list(one, of),
                    _ => {
                        this.value(one);
                    }
                }
            }
        });
        if visited.is_none() {
            self.names_below(list);
        }
    }

    fn initializer_pair(&mut self, pair: Node<'t>, of: StepId) {
        let mut at = of;
        for part in children(pair) {
            match part.kind() {
                "field_designator" | "field_identifier" => {
                    let name = if part.kind() == "field_identifier" { Some(part) } else { part.named_child(0) };
                    let text = self.text_id(name.map_or("", |name| self.source(name)));
                    at = self.derived(at, |of| Step::Member { of, text }, part);
                }
                "subscript_designator" | "subscript_range_designator" => self.visit_all(children(part)),
                "initializer_list" => self.initializer_list(part, at),
                _ => {
                    self.value(part);
                }
            }
        }
    }

    /// `offsetof(struct a, b)`
    fn offset_of(&mut self, node: Node<'t>) -> StepId {
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.ty(ty));
        let of = self.derived(ty, Step::Typed, node);
        if let Some(member) = node.child_by_field_name("member") {
            let text = self.text_id(self.source(member));
            self.derived(of, |of| Step::Member { of, text }, member);
        }
        NO_STEP
    }

    fn lambda(&mut self, node: Node<'t>) -> StepId {
        node.child_by_field_name("captures").into_iter().for_each(|captures| self.visit_all(children(captures)));
        let binding = self.bind("", BindingKind::Function, self.scope, node);
        self.set(binding, |binding| binding.symbol = None);
        let scope = self.add_scope(Some(self.scope), FactScopeKind::Function, Some(binding));
        self.in_body(scope, |this| {
            if let Some(declared) = node.child_by_field_name("declarator") {
                let list = declared.child_by_field_name("parameters");
                let params = list.map(|list| this.parameters(list)).unwrap_or_default();
                let trailing = crate::language::table::c::node::child_of_kind(declared, "trailing_return_type");
                let ty = trailing.and_then(|ty| children(ty).first().copied()).map_or(NO_STEP, |ty| this.ty(ty));
                this.set(binding, |binding| (binding.params, binding.ty) = (params, ty));
            }
            node.child_by_field_name("body").into_iter().for_each(|body| this.visit_all(children(body)));
        });
        self.step(Step::Function(binding), node)
    }
}
