//! Patterns: which names they bind, and to which part of a value.

use tree_sitter::Node;

use super::super::walk::{children, property_name};
use super::{ScriptLowering, ScriptSite};
use crate::language::eval::facts::{BindingKind, FactScopeId, NO_STEP, Step, StepId};

impl ScriptLowering<'_> {
    /// Binds what a pattern names in a scope; `whole` is the declaration that the outline knows.
    pub(super) fn pattern(
        &mut self,
        pattern: Node<'_>,
        whole: Node<'_>,
        value: StepId,
        scope: FactScopeId,
        site: ScriptSite,
    ) {
        self.deeper(pattern, site, |lowering| {
            lowering.pattern_of_kind(pattern, whole, value, scope, site);
            NO_STEP
        });
    }

    fn pattern_of_kind(
        &mut self,
        pattern: Node<'_>,
        whole: Node<'_>,
        value: StepId,
        scope: FactScopeId,
        site: ScriptSite,
    ) {
        match pattern.kind() {
            "identifier" | "shorthand_property_identifier_pattern" => {
                let id = self.bind(whole, self.written(pattern), scope, BindingKind::Variable);
                self.flag(id, super::GIVEN);
                self.give(id, value);
            }
            "object_pattern" => {
                for part in children(pattern) {
                    self.property_pattern(part, whole, value, scope, site);
                }
            }
            "array_pattern" => {
                for (at, part) in elements(pattern) {
                    let item = self.part(part, value, Step::Slot { of: value, at });
                    self.pattern(part, whole, item, scope, site);
                }
            }
            "rest_pattern" => {
                for part in children(pattern) {
                    self.pattern(part, whole, value, scope, site);
                }
            }
            "assignment_pattern" => self.with_default(pattern, whole, value, scope, site),
            "comment" | "undefined" => {}
            _ => drop(self.expression(pattern, site)),
        }
    }

    fn part(&mut self, node: Node<'_>, value: StepId, step: Step) -> StepId {
        if value == NO_STEP { NO_STEP } else { self.step(node, step) }
    }

    fn property_pattern(
        &mut self,
        part: Node<'_>,
        whole: Node<'_>,
        value: StepId,
        scope: FactScopeId,
        site: ScriptSite,
    ) {
        match part.kind() {
            "shorthand_property_identifier_pattern" => {
                let text = self.text_id(self.written(part));
                let item = self.part(part, value, Step::Key { of: value, text });
                self.pattern(part, whole, item, scope, site);
            }
            "pair_pattern" => {
                let (Some(key), Some(target)) = (part.child_by_field_name("key"), part.child_by_field_name("value"))
                else {
                    return;
                };
                let item = if key.kind() == "computed_property_name" {
                    for inner in children(key) {
                        self.expression(inner, site);
                    }
                    NO_STEP
                } else {
                    let text = self.text_id(property_name(self.text, key));
                    self.part(key, value, Step::Key { of: value, text })
                };
                self.pattern(target, whole, item, scope, site);
            }
            "object_assignment_pattern" => {
                let Some(left) = part.child_by_field_name("left") else { return };
                let text = self.text_id(self.written(left));
                let item = self.part(left, value, Step::Key { of: value, text });
                self.with_default(part, whole, item, scope, site);
            }
            "rest_pattern" => self.pattern(part, whole, value, scope, site),
            _ => {}
        }
    }

    /// `a = b` in a pattern: what the value has, else the default.
    fn with_default(
        &mut self,
        pattern: Node<'_>,
        whole: Node<'_>,
        value: StepId,
        scope: FactScopeId,
        site: ScriptSite,
    ) {
        let default = pattern.child_by_field_name("right").map_or(NO_STEP, |right| self.wanted(right, site, value));
        let either = match (value, default) {
            (NO_STEP, default) => default,
            (value, NO_STEP) => value,
            (value, default) => self.step(pattern, Step::OneOf(vec![value, default])),
        };
        if let Some(left) = pattern.child_by_field_name("left") {
            self.pattern(left, whole, either, scope, site);
        }
    }
}

/// The parts of an array pattern with their places, which commas count.
fn elements(pattern: Node<'_>) -> Vec<(u32, Node<'_>)> {
    let mut cursor = pattern.walk();
    let (mut at, mut found) = (0, Vec::new());
    for child in pattern.children(&mut cursor) {
        if child.kind() == "," {
            at += 1;
        } else if child.is_named() && child.kind() != "comment" {
            found.push((at, child));
        }
    }
    found
}
