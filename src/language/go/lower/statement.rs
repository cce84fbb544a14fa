//! Statements.

use tree_sitter::Node;

use super::super::node::fields;
use super::{GoLowering, children};
use crate::language::eval::facts::{NO_STEP, Step, StepId};

impl GoLowering<'_> {
    /// The statements of a block, or of what holds them without being one.
    pub(super) fn statements(&mut self, node: Node<'_>) {
        for child in children(node) {
            if child.kind() == "statement_list" {
                self.deeper(|this| this.statements(child));
            } else {
                self.deeper(|this| this.statement(child));
            }
        }
    }

    pub(super) fn statement(&mut self, node: Node<'_>) {
        match node.kind() {
            "block" => self.in_block(|this| this.statements(node)),
            "statement_list" | "labeled_statement" | "ERROR" => self.statements(node),
            "const_declaration" => self.const_declaration(node),
            "var_declaration" => self.var_declaration(node),
            "type_declaration" => self.type_declaration(node),
            "short_var_declaration" => self.short_variables(node),
            "assignment_statement"
            | "inc_statement"
            | "dec_statement"
            | "send_statement"
            | "return_statement"
            | "expression_statement"
            | "go_statement"
            | "defer_statement" => self.expressions(node),
            "receive_statement" => self.receive(node),
            "if_statement" => self.in_block(|this| this.if_statement(node)),
            "for_statement" => self.in_block(|this| this.for_statement(node)),
            "expression_switch_statement" => self.in_block(|this| this.switch(node)),
            "type_switch_statement" => self.in_block(|this| this.type_switch(node)),
            "select_statement" => children(node).into_iter().for_each(|case| {
                self.in_block(|this| this.statements(case));
            }),
            "label_name"
            | "comment"
            | "break_statement"
            | "continue_statement"
            | "goto_statement"
            | "fallthrough_statement"
            | "empty_statement" => {}
            _ => {
                self.expression(node);
            }
        }
    }

    /// All expressions that a statement holds, in their order.
    fn expressions(&mut self, node: Node<'_>) {
        for child in children(node) {
            if child.kind() == "expression_list" {
                self.expressions(child);
            } else {
                self.expression(child);
            }
        }
    }

    /// What each of several names gets: one value each, or the parts of one call.
    pub(super) fn assigned(&mut self, values: &[Node<'_>], names: usize) -> Vec<StepId> {
        match values {
            &[value] if names > 1 => {
                let of = self.expression(value);
                let is_call = matches!(value.kind(), "call_expression" | "type_conversion_expression");
                if !is_call {
                    // `v, ok := m[k]`
                    return vec![of];
                }
                (0..names as u32).map(|at| self.derived(of, |of| Step::Slot { of, at }, value)).collect()
            }
            values => values.iter().map(|&value| self.expression(value)).collect(),
        }
    }

    /// `a, b := f()`
    fn short_variables(&mut self, node: Node<'_>) {
        let left = node.child_by_field_name("left").map(children).unwrap_or_default();
        let right = node.child_by_field_name("right").map(children).unwrap_or_default();
        let values = self.assigned(&right, left.len());
        self.declare_all(&left, &values);
    }

    /// Declares names that the block does not have yet.
    fn declare_all(&mut self, names: &[Node<'_>], values: &[StepId]) {
        for (at, &name) in names.iter().enumerate() {
            let id = self.text_id(self.source(name));
            if name.kind() == "identifier" && !self.is_declared(id) {
                self.variable(name, NO_STEP, values.get(at).copied().unwrap_or(NO_STEP));
            } else if name.kind() != "identifier" {
                self.expression(name);
            }
        }
    }

    /// `v, ok := <-c`, `v = <-c`
    fn receive(&mut self, node: Node<'_>) {
        let value = node.child_by_field_name("right").map_or(NO_STEP, |right| self.expression(right));
        let left = node.child_by_field_name("left");
        let mut cursor = node.walk();
        if node.children(&mut cursor).any(|child| child.kind() == ":=") {
            let names = left.map(children).unwrap_or_default();
            self.declare_all(&names, &[value]);
        } else {
            left.into_iter().for_each(|left| self.expressions(left));
        }
    }

    fn part(&mut self, node: Node<'_>, field: &str) {
        if let Some(part) = node.child_by_field_name(field) {
            self.deeper(|this| this.statement(part));
        }
    }

    /// `else if` is a loop here: chains of thousands are written by machines.
    fn if_statement(&mut self, node: Node<'_>) {
        let mut next = Some(node);
        while let Some(node) = next.take() {
            self.part(node, "initializer");
            self.part(node, "condition");
            self.part(node, "consequence");
            match node.child_by_field_name("alternative") {
                Some(other) if other.kind() == "if_statement" => {
                    // A block of its own, of which the rest of the chain sees all.
                    self.blocks += 1;
                    self.block = self.blocks;
                    next = Some(other);
                }
                Some(_) => self.part(node, "alternative"),
                None => {}
            }
        }
    }

    fn for_statement(&mut self, node: Node<'_>) {
        for child in children(node) {
            match child.kind() {
                "for_clause" => {
                    self.part(child, "initializer");
                    self.part(child, "condition");
                    self.part(child, "update");
                }
                "range_clause" => self.range(child),
                _ => {
                    self.deeper(|this| this.statement(child));
                }
            }
        }
    }

    /// `for k, v := range x`
    fn range(&mut self, node: Node<'_>) {
        let of = node.child_by_field_name("right").map_or(NO_STEP, |right| self.expression(right));
        let left = node.child_by_field_name("left");
        let mut cursor = node.walk();
        if !node.children(&mut cursor).any(|child| child.kind() == ":=") {
            left.into_iter().for_each(|left| self.expressions(left));
            return;
        }
        let names = left.map(children).unwrap_or_default();
        let key = self.derived(of, Step::Keys, node);
        let value = if names.len() > 1 { self.derived(of, Step::Element, node) } else { NO_STEP };
        self.declare_all(&names, &[key, value]);
    }

    fn switch(&mut self, node: Node<'_>) {
        self.part(node, "initializer");
        self.part(node, "value");
        for case in children(node).into_iter().filter(|child| is_case(child.kind())) {
            if let Some(values) = case.child_by_field_name("value") {
                self.expressions(values);
            }
            self.in_block(|this| this.case_body(case));
        }
    }

    fn case_body(&mut self, case: Node<'_>) {
        for list in children(case).into_iter().filter(|child| child.kind() == "statement_list") {
            self.deeper(|this| this.statements(list));
        }
    }

    /// `switch x := v.(type)`: in each case the name has the type of the case.
    fn type_switch(&mut self, node: Node<'_>) {
        self.part(node, "initializer");
        let value = node.child_by_field_name("value").map_or(NO_STEP, |value| self.expression(value));
        let alias = node.child_by_field_name("alias").and_then(|alias| alias.named_child(0));
        for case in children(node).into_iter().filter(|child| is_case(child.kind())) {
            let types: Vec<StepId> = fields(case, "type").into_iter().map(|ty| self.ty(ty)).collect();
            let narrowed = match types.as_slice() {
                &[only] => self.derived(only, Step::Typed, case),
                _ => value,
            };
            self.in_block(|this| {
                alias.into_iter().for_each(|name| this.variable(name, NO_STEP, narrowed));
                this.case_body(case);
            });
        }
    }
}

fn is_case(kind: &str) -> bool {
    matches!(kind, "expression_case" | "default_case" | "type_case" | "communication_case")
}
