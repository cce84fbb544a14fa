//! Expressions.

use tree_sitter::Node;

use super::{GoLowering, children};
use crate::language::eval::facts::{Argument, BindingKind, FactScopeKind, NO_STEP, Step, StepId};

impl GoLowering<'_> {
    /// The step of an expression; [`NO_STEP`] where nothing of it can lead to another file, or it nests too deep.
    pub(super) fn expression(&mut self, node: Node<'_>) -> StepId {
        self.deeper(|this| this.expression_of_kind(node)).unwrap_or(NO_STEP)
    }

    fn expression_of_kind(&mut self, node: Node<'_>) -> StepId {
        match node.kind() {
            "identifier" if self.source(node) == "_" => NO_STEP,
            "identifier" | "type_identifier" => self.name(node),
            "selector_expression" => self.selectors(node),
            "call_expression" => self.call(node),
            "index_expression" => self.index(node),
            "slice_expression" => self.slice(node),
            "type_assertion_expression" => self.assertion(node),
            "type_conversion_expression" => self.conversion(node),
            "type_instantiation_expression" => self.instantiation(node),
            "composite_literal" => self.composite(node),
            "func_literal" => self.function_literal(node),
            "unary_expression" => self.unary(node),
            "binary_expression" => self.binary(node),
            "qualified_type" | "generic_type" | "pointer_type" | "slice_type" | "array_type" | "map_type"
            | "channel_type" | "function_type" | "struct_type" | "interface_type" | "parenthesized_type" => {
                let ty = self.ty(node);
                self.derived(ty, Step::Typed, node)
            }
            "block" => {
                self.in_block(|this| this.statements(node));
                NO_STEP
            }
            "int_literal"
            | "float_literal"
            | "imaginary_literal"
            | "rune_literal"
            | "nil"
            | "true"
            | "false"
            | "iota"
            | "interpreted_string_literal"
            | "raw_string_literal" => NO_STEP,
            // `(x)`, `x...`, `{x}` of a literal, and what a broken passage holds.
            _ => self.last_of(node),
        }
    }

    /// All that is inside; hands out the last.
    fn last_of(&mut self, node: Node<'_>) -> StepId {
        children(node).into_iter().map(|child| self.expression(child)).last().unwrap_or(NO_STEP)
    }

    fn part_of(&mut self, node: Node<'_>, field: &str) -> StepId {
        node.child_by_field_name(field).map_or(NO_STEP, |child| self.expression(child))
    }

    /// `a.b.c`, in a loop: chains are written by machines, too.
    fn selectors(&mut self, node: Node<'_>) -> StepId {
        let mut chain = Vec::new();
        let mut base = node;
        while base.kind() == "selector_expression" {
            chain.push(base);
            match base.child_by_field_name("operand") {
                Some(operand) => base = operand,
                None => return NO_STEP,
            }
        }
        let mut of = self.expression(base);
        for link in chain.into_iter().rev() {
            let Some(name) = link.child_by_field_name("field") else { continue };
            let text = self.text_id(self.source(name));
            of = self.derived(of, |of| Step::Member { of, text }, name);
        }
        of
    }

    fn call(&mut self, node: Node<'_>) -> StepId {
        let (Some(function), Some(list)) =
            (node.child_by_field_name("function"), node.child_by_field_name("arguments"))
        else {
            return self.last_of(node);
        };
        let arguments = children(list);
        if function.kind() == "identifier" && matches!(self.source(function), "new" | "make") {
            return self.made(node, &arguments);
        }
        let mut callee = self.expression(function);
        if let Some(types) = node.child_by_field_name("type_arguments") {
            let args = children(types).into_iter().map(|ty| self.ty(ty)).collect();
            callee = self.derived(callee, |base| Step::Apply { base, args }, node);
        }
        let args: Vec<Argument> = arguments
            .into_iter()
            .map(|argument| {
                let is_spread = argument.kind() == "variadic_argument";
                Argument { name: None, value: self.expression(argument), is_spread }
            })
            .collect();
        self.derived(callee, |callee| Step::Call { callee, args }, node)
    }

    /// `new(T)`, `make(T, n)`
    fn made(&mut self, node: Node<'_>, arguments: &[Node<'_>]) -> StepId {
        let Some((&first, rest)) = arguments.split_first() else { return NO_STEP };
        let ty = self.ty(first);
        // `new(x)` with a value is like the value.
        let of = if ty == NO_STEP && first.kind().ends_with("_expression") { self.expression(first) } else { NO_STEP };
        rest.iter().for_each(|&argument| {
            self.expression(argument);
        });
        if of != NO_STEP { of } else { self.derived(ty, Step::Typed, node) }
    }

    fn index(&mut self, node: Node<'_>) -> StepId {
        let of = self.part_of(node, "operand");
        let index = self.part_of(node, "index");
        self.derived(of, |of| Step::Index { of, index }, node)
    }

    fn slice(&mut self, node: Node<'_>) -> StepId {
        let of = self.part_of(node, "operand");
        for part in ["start", "end", "capacity"] {
            self.part_of(node, part);
        }
        of
    }

    /// `x.(T)`
    fn assertion(&mut self, node: Node<'_>) -> StepId {
        self.part_of(node, "operand");
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.ty(ty));
        self.derived(ty, Step::Typed, node)
    }

    /// `[]T(x)`; `F[T](x)` may be a call.
    fn conversion(&mut self, node: Node<'_>) -> StepId {
        let Some(ty) = node.child_by_field_name("type") else { return self.last_of(node) };
        if ty.kind() != "generic_type" {
            let ty = self.ty(ty);
            self.part_of(node, "operand");
            return self.derived(ty, Step::Typed, node);
        }
        let callee = self.ty(ty);
        let args = vec![Argument { name: None, value: self.part_of(node, "operand"), is_spread: false }];
        self.derived(callee, |callee| Step::Call { callee, args }, node)
    }

    /// `F[A, B]`
    fn instantiation(&mut self, node: Node<'_>) -> StepId {
        let mut parts = children(node).into_iter();
        let base = parts.next().map_or(NO_STEP, |base| self.expression(base));
        let args = parts.map(|part| self.ty(part)).collect();
        self.derived(base, |base| Step::Apply { base, args }, node)
    }

    fn function_literal(&mut self, node: Node<'_>) -> StepId {
        let name = self.text_id("");
        // A scope of its own, in which no name leads to it.
        let scope = self.add_scope(Some(self.scope), FactScopeKind::Record, None);
        let binding = self.bind(name, BindingKind::Function, scope, node);
        self.function(node, Some(binding), None);
        self.step(Step::Function(binding), node)
    }

    fn unary(&mut self, node: Node<'_>) -> StepId {
        let of = self.part_of(node, "operand");
        match node.child_by_field_name("operator").map_or("", |operator| operator.kind()) {
            "<-" => self.derived(of, Step::Element, node),
            "!" => NO_STEP,
            _ => of,
        }
    }

    /// Operators nest to the left, in sums of a thousand strings, too.
    fn binary(&mut self, node: Node<'_>) -> StepId {
        let mut operands = Vec::new();
        let mut left = node;
        let mut is_number = true;
        while left.kind() == "binary_expression" {
            operands.extend(left.child_by_field_name("right"));
            let operator = left.child_by_field_name("operator").map_or("", |operator| operator.kind());
            is_number &= !matches!(operator, "==" | "!=" | "<" | "<=" | ">" | ">=" | "&&" | "||");
            match left.child_by_field_name("left") {
                Some(inner) => left = inner,
                None => break,
            }
        }
        let mut steps = vec![self.expression(left)];
        for operand in operands.into_iter().rev() {
            steps.push(self.expression(operand));
        }
        // The first operand that has a type gives it to the others.
        let of = steps.into_iter().find(|&step| step != NO_STEP).unwrap_or(NO_STEP);
        if is_number { of } else { NO_STEP }
    }
}
