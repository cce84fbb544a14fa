//! What a condition says of the types of expressions: `isinstance(x, A)`.

use tree_sitter::Node;

use super::{Around, Lowering, children};
use crate::language::eval::facts::{Step, StepId};

impl Lowering<'_> {
    /// What is known where the condition holds. The condition itself was lowered before.
    pub(super) fn narrow_if_true(&mut self, condition: Node<'_>, place: &Around) {
        self.narrow(condition, true, place);
    }

    /// What is known where it does not hold.
    pub(super) fn narrow_if_false(&mut self, condition: Node<'_>, place: &Around) {
        self.narrow(condition, false, place);
    }

    fn narrow(&mut self, condition: Node<'_>, holds: bool, place: &Around) {
        match condition.kind() {
            "parenthesized_expression" => {
                if let Some(inner) = children(condition).into_iter().next() {
                    self.deeper(|this| this.narrow(inner, holds, place));
                }
            }
            "not_operator" => {
                if let Some(inner) = condition.child_by_field_name("argument") {
                    self.deeper(|this| this.narrow(inner, !holds, place));
                }
            }
            "boolean_operator" => {
                let operator = condition.child_by_field_name("operator").map_or("", |operator| self.source(operator));
                if (operator == "and") == holds {
                    for side in ["left", "right"].into_iter().filter_map(|side| condition.child_by_field_name(side)) {
                        self.deeper(|this| this.narrow(side, holds, place));
                    }
                }
            }
            "call" if holds => self.narrow_by_call(condition, place),
            _ => {}
        }
    }

    fn narrow_by_call(&mut self, call: Node<'_>, place: &Around) {
        let function = call.child_by_field_name("function").map_or("", |function| self.source(function));
        if function != "isinstance" {
            return;
        }
        let args = call.child_by_field_name("arguments").map(children).unwrap_or_default();
        if let [value, class] = args.as_slice()
            && matches!(value.kind(), "identifier" | "attribute")
        {
            let written = self.source(*value).to_owned();
            let to = self.expression(*class, place);
            self.narrowed.push((written, to));
        }
    }

    /// The step, narrowed if something is known of what is written there.
    pub(super) fn known_type(&mut self, node: Node<'_>, of: StepId) -> StepId {
        if self.narrowed.is_empty() {
            return of;
        }
        let written = self.source(node);
        let known = self.narrowed.iter().rev().find(|(narrowed, _)| narrowed == written);
        match known.map(|&(_, to)| to) {
            Some(to) => self.step(Step::Narrowed { of, to }, node),
            None => of,
        }
    }
}
