//! `match`: what patterns name and bind.

use tree_sitter::Node;

use super::{Around, Lowering, children};
use crate::language::eval::facts::{NO_STEP, Step, StepId};

impl Lowering<'_> {
    pub(super) fn match_statement(&mut self, node: Node<'_>, place: &Around) {
        let mut subject = NO_STEP;
        let mut cursor = node.walk();
        for part in node.children_by_field_name("subject", &mut cursor) {
            subject = self.expression(part, place);
        }
        let Some(body) = node.child_by_field_name("body") else { return };
        for clause in children(body) {
            if clause.kind() == "case_clause" {
                self.deeper(|this| this.case_clause(clause, subject, place));
            }
        }
    }

    pub(super) fn case_clause(&mut self, clause: Node<'_>, subject: StepId, place: &Around) {
        for child in children(clause) {
            match child.kind() {
                "case_pattern" => self.pattern(child, subject, place),
                "if_clause" => {
                    children(child).into_iter().for_each(|guard| {
                        self.expression(guard, place);
                    });
                }
                "block" => self.statements(child, place),
                _ => {}
            }
        }
    }

    /// Declares what a pattern binds and notes what it names; `of` is what it is compared with.
    fn pattern(&mut self, node: Node<'_>, of: StepId, place: &Around) {
        self.deeper(|this| this.pattern_of_kind(node, of, place));
    }

    fn pattern_of_kind(&mut self, node: Node<'_>, of: StepId, place: &Around) {
        let parts = children(node);
        match node.kind() {
            "dotted_name" if parts.len() == 1 => {
                let name = self.source(node);
                if name != "_" {
                    self.variable(node, name, NO_STEP, of, node, place);
                }
            }
            "dotted_name" => {
                self.dotted(node, place);
            }
            "as_pattern" => {
                let (Some(&pattern), Some(&name)) = (parts.first(), parts.last()) else { return };
                let matched = self.class_of_pattern(pattern, place).unwrap_or(of);
                self.pattern(pattern, of, place);
                self.variable(name, self.source(name), NO_STEP, matched, name, place);
            }
            "class_pattern" => self.class_pattern(&parts, place),
            "splat_pattern" => {
                for name in parts {
                    self.variable(name, self.source(name), NO_STEP, NO_STEP, name, place);
                }
            }
            _ => parts.into_iter().for_each(|part| self.pattern(part, compared_with(node, of), place)),
        }
    }

    fn class_pattern(&mut self, parts: &[Node<'_>], place: &Around) {
        let Some((&class, fields)) = parts.split_first() else { return };
        let named = self.dotted(class, place);
        let instance = self.derived(named, Step::Caught, class);
        for &field in fields {
            let inner = children(field).into_iter().next().filter(|inner| inner.kind() == "keyword_pattern");
            let Some(keyword) = inner else {
                self.pattern(field, NO_STEP, place);
                continue;
            };
            let parts = children(keyword);
            let (Some(&name), Some(&value)) = (parts.first(), parts.last()) else { continue };
            let text = self.text_id(self.source(name));
            let member = self.derived(instance, |of| Step::Key { of, text }, name);
            self.pattern(value, member, place);
        }
    }

    /// The instance that a class pattern matches.
    fn class_of_pattern(&mut self, pattern: Node<'_>, place: &Around) -> Option<StepId> {
        let class = children(pattern).into_iter().next().filter(|inner| inner.kind() == "class_pattern")?;
        let named = self.dotted(class.named_child(0)?, place);
        Some(self.derived(named, Step::Caught, class))
    }
}

/// A pattern in brackets or a choice is compared with the same value; parts of a sequence are not.
fn compared_with(node: Node<'_>, of: StepId) -> StepId {
    if matches!(node.kind(), "case_pattern" | "union_pattern") { of } else { NO_STEP }
}
