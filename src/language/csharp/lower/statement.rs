//! Statements: what they declare, and the expressions inside.

use tree_sitter::Node;

use super::super::node::{child_of, children, is_conditional, operands};
use super::super::walk::SharpKind;
use super::{SharpLowering, SharpSite};
use crate::language::eval::facts::{NO_STEP, Step, StepId};

impl<'t> SharpLowering<'t> {
    /// The statements of a block in the scope that was made for it.
    pub(super) fn statements(&mut self, block: Node<'t>, site: SharpSite) {
        for statement in operands_and_conditions(block) {
            self.deeper(|this| this.statement(statement, site));
        }
    }

    pub(super) fn statement(&mut self, node: Node<'t>, site: SharpSite) {
        match node.kind() {
            "block" => {
                let inside = self.block(site);
                self.statements(node, inside);
            }
            "local_declaration_statement" => {
                let is_used = child_of(node, "using").is_some();
                let declared = children(node).into_iter().filter(|part| part.kind() == "variable_declaration");
                declared.collect::<Vec<_>>().into_iter().for_each(|part| self.variables(part, is_used, site));
            }
            "variable_declaration" => self.variables(node, false, site),
            "local_function_statement" => self.local_function(node, site),
            "if_statement" => self.if_statement(node, site),
            "for_statement" | "while_statement" | "do_statement" | "lock_statement" | "fixed_statement"
            | "checked_statement" | "unsafe_statement" | "switch_body" => {
                let inside = self.block(site);
                self.statements(node, inside);
            }
            "switch_statement" => self.switch_statement(node, site),
            "foreach_statement" => self.for_each(node, site),
            "using_statement" => self.using_statement(node, site),
            "try_statement"
            | "finally_clause"
            | "expression_statement"
            | "throw_statement"
            | "yield_statement"
            | "labeled_statement"
            | "global_statement"
            | "ERROR" => self.statements(node, site),
            "catch_clause" => self.catch(node, site),
            "return_statement" => self.returned(node, site),
            "goto_statement" | "break_statement" | "continue_statement" | "empty_statement" | "modifier" => {}
            "attribute_list" => drop(self.attribute_list(node, site)),
            kind if is_conditional(kind) => self.statements(node, site),
            kind if SharpKind::of_type(kind).is_some() => self.type_declaration(node, site),
            "method_declaration" | "field_declaration" | "property_declaration" | "constructor_declaration" => {
                self.member(node, site);
            }
            _ => drop(self.expression(node, site)),
        }
    }

    fn variables(&mut self, node: Node<'t>, is_used: bool, site: SharpSite) {
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, site));
        for one in children(node).into_iter().filter(|one| one.kind() == "variable_declarator") {
            let name = one.child_by_field_name("name");
            let parts = operands(one);
            let value = parts.iter().copied().rfind(|part| {
                name.is_none_or(|name| name.id() != part.id())
                    && !matches!(part.kind(), "tuple_pattern" | "bracketed_argument_list")
            });
            let value = value.map_or(NO_STEP, |value| self.given_to(value, ty, site));
            if let Some(name) = name {
                self.local(name, site.scope, ty, value);
            }
            if let Some(pattern) = parts.iter().find(|part| part.kind() == "tuple_pattern") {
                self.taken_apart(*pattern, value, site);
            }
            if is_used {
                let of = if ty == NO_STEP { value } else { self.step(node, Step::Typed(ty)) };
                self.derived(node, of, Step::Enter);
            }
        }
    }

    /// `var (a, b) = of`
    fn taken_apart(&mut self, pattern: Node<'t>, of: StepId, site: SharpSite) {
        for (at, part) in (0_u32..).zip(children(pattern)) {
            let value = self.derived(part, of, |of| Step::Slot { of, at });
            match part.kind() {
                "identifier" => drop(self.local(part, site.scope, NO_STEP, value)),
                "tuple_pattern" => drop(self.deeper(|this| this.taken_apart(part, value, site))),
                _ => {}
            }
        }
    }

    /// Chains of `else if` are read in a loop. What a condition declares holds behind it, too.
    fn if_statement(&mut self, node: Node<'t>, site: SharpSite) {
        let mut at = node;
        loop {
            at.child_by_field_name("condition").into_iter().for_each(|one| {
                self.expression(one, site);
            });
            at.child_by_field_name("consequence").into_iter().for_each(|one| {
                self.deeper(|this| this.statement(one, site));
            });
            match at.child_by_field_name("alternative") {
                Some(next) if next.kind() == "if_statement" => at = next,
                Some(branch) => {
                    self.deeper(|this| this.statement(branch, site));
                    return;
                }
                None => return,
            }
        }
    }

    fn for_each(&mut self, node: Node<'t>, site: SharpSite) {
        let inside = self.block(site);
        let all = node.child_by_field_name("right").map_or(NO_STEP, |right| self.expression(right, site));
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, site));
        let element = self.derived(node, all, Step::Element);
        match node.child_by_field_name("left") {
            Some(left) if left.kind() == "identifier" => drop(self.local(left, inside.scope, ty, element)),
            Some(left) if left.kind() == "tuple_pattern" => self.taken_apart(left, element, inside),
            Some(left) => drop(self.expression(left, inside)),
            None => {}
        }
        node.child_by_field_name("body").into_iter().for_each(|body| {
            self.deeper(|this| this.statement(body, inside));
        });
    }

    /// `using (var a = Open()) { .. }`
    fn using_statement(&mut self, node: Node<'t>, site: SharpSite) {
        let inside = self.block(site);
        let body = node.child_by_field_name("body").map(|body| body.id());
        for part in operands(node) {
            match part.kind() {
                "variable_declaration" => self.variables(part, true, inside),
                _ if Some(part.id()) == body => drop(self.deeper(|this| this.statement(part, inside))),
                _ => {
                    let of = self.expression(part, inside);
                    self.derived(part, of, Step::Enter);
                }
            }
        }
    }

    fn catch(&mut self, node: Node<'t>, site: SharpSite) {
        let inside = self.block(site);
        for part in children(node) {
            if part.kind() != "catch_declaration" {
                self.deeper(|this| this.statement(part, inside));
                continue;
            }
            let ty = part.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, inside));
            part.child_by_field_name("name").into_iter().for_each(|name| {
                self.local(name, inside.scope, ty, NO_STEP);
            });
        }
    }

    fn switch_statement(&mut self, node: Node<'t>, site: SharpSite) {
        let of = node.child_by_field_name("value").map_or(NO_STEP, |of| self.expression(of, site));
        let inside = self.block(site);
        for section in node.child_by_field_name("body").map(children).unwrap_or_default() {
            let arm = self.block(inside);
            for part in operands(section) {
                match part.kind() {
                    kind if kind.ends_with("_pattern") => self.pattern(part, of, arm),
                    "when_clause" => self.parts(part, arm),
                    _ => drop(self.deeper(|this| this.statement(part, arm))),
                }
            }
        }
    }

    fn returned(&mut self, node: Node<'t>, site: SharpSite) {
        let Some(&value) = operands(node).first() else { return };
        let step: StepId = self.given_to(value, site.result, site);
        if let Some(lambda) = site.lambda.filter(|_| step != NO_STEP) {
            self.with(lambda, |lambda| lambda.values.push(step));
        }
    }
}

/// What stands in a statement: its parts, those under conditions among them.
fn operands_and_conditions(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    let condition = node.child_by_field_name("condition").filter(|_| is_conditional(node.kind()));
    let is_part = |child: &Node<'_>| {
        let kind = child.kind();
        let is_said = kind != "comment" && (!kind.starts_with("preproc_") || is_conditional(kind));
        (child.is_named() && is_said || matches!(kind, "this" | "base")) && Some(*child) != condition
    };
    node.children(&mut cursor).filter(is_part).collect()
}
