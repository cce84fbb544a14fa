//! Expressions that choose or repeat: what they bind, and what they come to.

use crate::language::rust::tree::{Field, SyntaxNode};

use super::{OutlineWalk, named_children};
use crate::language::facts::{ChainStep, How, NO_VALUE, Value};

impl OutlineWalk<'_> {
    pub(super) fn match_expr(&mut self, node: SyntaxNode<'_>) -> Value {
        let value = self.all_values(node.child_in(Field::Value));
        let mut results = Vec::new();
        for arm in node.child_in(Field::Body).map(named_children).unwrap_or_default() {
            if arm.kind() != "match_arm" {
                continue;
            }
            self.with_locals(|walk| {
                if let Some(pattern) = arm.child_in(Field::Pattern) {
                    let condition = pattern.child_in(Field::Condition);
                    let inner =
                        named_children(pattern).into_iter().find(|part| Some(*part) != condition && !part.is_extra());
                    if let Some(inner) = inner {
                        walk.bind(inner, value, None);
                    }
                    walk.all_values(condition);
                }
                results.push(walk.all_values(arm.child_in(Field::Value)));
            });
        }
        self.push_step(ChainStep::OneOf(results))
    }

    pub(super) fn if_expr(&mut self, node: SyntaxNode<'_>) -> Value {
        let then = self.with_locals(|walk| {
            walk.all_values(node.child_in(Field::Condition));
            walk.all_values(node.child_in(Field::Consequence))
        });
        let otherwise = self.all_values(node.child_in(Field::Alternative));
        self.push_step(ChainStep::OneOf(vec![then, otherwise]))
    }

    /// The variables live on to the end of the enclosing `if` or `while`.
    pub(super) fn let_condition(&mut self, node: SyntaxNode<'_>) -> Value {
        let value = self.all_values(node.child_in(Field::Value));
        if let Some(pattern) = node.child_in(Field::Pattern) {
            self.bind(pattern, value, None);
        }
        NO_VALUE
    }

    pub(super) fn while_expr(&mut self, node: SyntaxNode<'_>) -> Value {
        self.with_locals(|walk| {
            walk.all_values(node.child_in(Field::Condition));
            walk.all_values(node.child_in(Field::Body));
        });
        NO_VALUE
    }

    pub(super) fn for_expr(&mut self, node: SyntaxNode<'_>) -> Value {
        let value = self.all_values(node.child_in(Field::Value));
        self.with_locals(|walk| {
            if let Some(pattern) = node.child_in(Field::Pattern) {
                walk.bind_how(pattern, value, None, How::Element);
            }
            walk.all_values(node.child_in(Field::Body));
        });
        NO_VALUE
    }
}
