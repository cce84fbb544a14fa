//! Statements: what they declare, and the expressions inside.

use tree_sitter::Node;

use super::{JavaLowering, JavaSite, children};
use crate::language::eval::facts::{NO_STEP, Step};

impl JavaLowering<'_> {
    /// The statements of a block in the scope that was made for it.
    pub(super) fn statements(&mut self, block: Node<'_>, site: JavaSite) {
        let mut site = site;
        for statement in children(block) {
            site = self.deeper(|this| this.statement(statement, site)).unwrap_or(site);
        }
    }

    /// One statement; hands out where the next ones stand, for a test that leaves the block may have named what it tested.
    pub(super) fn statement(&mut self, node: Node<'_>, site: JavaSite) -> JavaSite {
        match node.kind() {
            "local_variable_declaration" => self.local_variables(node, site),
            "if_statement" => return self.if_statement(node, site),
            "labeled_statement" => {
                let inner = children(node).into_iter().next_back();
                inner.map(|inner| self.deeper(|this| this.statement(inner, site)));
            }
            "for_statement" | "while_statement" | "do_statement" | "synchronized_statement" => {
                let inside = self.block(site);
                self.parts(node, inside);
            }
            "enhanced_for_statement" => self.for_each(node, site),
            "try_statement" | "try_with_resources_statement" => self.try_statement(node, site),
            "return_statement" => self.returned(node, site),
            "expression_statement"
            | "throw_statement"
            | "yield_statement"
            | "assert_statement"
            | "finally_clause"
            | "ERROR" => self.parts(node, site),
            "break_statement" | "continue_statement" => {}
            "method_declaration" | "field_declaration" | "constructor_declaration" => self.member(node, site),
            _ => {
                self.expression(node, site);
            }
        }
        site
    }

    /// Statements and expressions inside a statement, one after the other.
    fn parts(&mut self, node: Node<'_>, site: JavaSite) {
        for part in children(node) {
            self.deeper(|this| this.statement(part, site));
        }
    }

    fn local_variables(&mut self, node: Node<'_>, site: JavaSite) {
        self.annotations(node, site);
        let ty = self.declared_type_of(node, site);
        let mut cursor = node.walk();
        let declarators: Vec<Node<'_>> = node.children_by_field_name("declarator", &mut cursor).collect();
        for declarator in declarators {
            self.declarator(declarator, ty, site);
        }
    }

    /// The written type; [`NO_STEP`] for `var`.
    pub(super) fn declared_type_of(&mut self, node: Node<'_>, site: JavaSite) -> u32 {
        match node.child_by_field_name("type") {
            Some(ty) if self.source(ty) != "var" => self.type_step(ty, site),
            _ => NO_STEP,
        }
    }

    /// Chains of `else if` are read in a loop. What `x instanceof A a` names holds in the statement, and behind it if the branch leaves.
    fn if_statement(&mut self, node: Node<'_>, site: JavaSite) -> JavaSite {
        let (mut at, mut inside) = (node, site);
        let mut after = site;
        loop {
            let condition = at.child_by_field_name("condition");
            if condition.is_some_and(|condition| self.source(condition).contains("instanceof")) {
                inside = self.block(inside);
            }
            condition.map(|condition| self.expression(condition, inside));
            let consequence = at.child_by_field_name("consequence");
            consequence.map(|branch| self.deeper(|this| this.statement(branch, inside)));
            if at.id() == node.id() && consequence.is_some_and(leaves) {
                after = inside;
            }
            match at.child_by_field_name("alternative") {
                Some(next) if next.kind() == "if_statement" => at = next,
                Some(branch) => {
                    self.deeper(|this| this.statement(branch, inside));
                    return after;
                }
                None => return after,
            }
        }
    }

    fn for_each(&mut self, node: Node<'_>, site: JavaSite) {
        let inside = self.block(site);
        self.annotations(node, site);
        let of = node.child_by_field_name("value").map_or(NO_STEP, |value| self.expression(value, site));
        let element = self.derived(node, of, Step::Element);
        let ty = self.declared_type_of(node, site);
        if let Some(name) = node.child_by_field_name("name") {
            let ty = self.type_with_dimensions(ty, node);
            self.variable(name, self.source(name), inside.scope, ty, element);
        }
        node.child_by_field_name("body").map(|body| self.deeper(|this| this.statement(body, inside)));
    }

    fn try_statement(&mut self, node: Node<'_>, site: JavaSite) {
        let inside = self.block(site);
        for part in children(node) {
            match part.kind() {
                "resource_specification" => {
                    children(part).into_iter().for_each(|resource| self.resource(resource, inside));
                }
                "catch_clause" => self.catch(part, site),
                "finally_clause" => self.parts(part, site),
                _ => {
                    self.deeper(|this| this.statement(part, inside));
                }
            }
        }
    }

    /// `A a = open()`, or a variable that is closed.
    fn resource(&mut self, node: Node<'_>, site: JavaSite) {
        let Some(value) = node.child_by_field_name("value") else {
            let of = children(node).first().map_or(NO_STEP, |&of| self.expression(of, site));
            self.derived(node, of, Step::Enter);
            return;
        };
        self.annotations(node, site);
        let ty = self.declared_type_of(node, site);
        let value_step = self.given_to(value, ty, site);
        if let Some(name) = node.child_by_field_name("name") {
            self.variable(name, self.source(name), site.scope, ty, value_step);
        }
        let of = if ty == NO_STEP { value_step } else { self.step(node, Step::Typed(ty)) };
        self.derived(node, of, Step::Enter);
    }

    fn catch(&mut self, node: Node<'_>, site: JavaSite) {
        let inside = self.block(site);
        for part in children(node) {
            if part.kind() != "catch_formal_parameter" {
                self.deeper(|this| this.statement(part, inside));
                continue;
            }
            self.annotations(part, site);
            let ty = children(part).into_iter().find(|child| child.kind() == "catch_type");
            let ty = ty.map_or(NO_STEP, |ty| self.type_step(ty, site));
            if let Some(name) = part.child_by_field_name("name") {
                self.variable(name, self.source(name), inside.scope, ty, NO_STEP);
            }
        }
    }

    fn returned(&mut self, node: Node<'_>, site: JavaSite) {
        let Some(&value) = children(node).first() else { return };
        let step = self.given_to(value, site.result, site);
        if let Some(lambda) = site.lambda.filter(|_| step != NO_STEP) {
            self.with(lambda, |lambda| lambda.values.push(step));
        }
    }
}

/// Whether a branch never goes on to what follows it.
fn leaves(branch: Node<'_>) -> bool {
    let last = if branch.kind() == "block" { children(branch).pop() } else { Some(branch) };
    last.is_some_and(|last| {
        matches!(last.kind(), "return_statement" | "throw_statement" | "continue_statement" | "break_statement")
    })
}
