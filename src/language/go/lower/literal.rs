//! Composite literals: `T{A: 1}`, `[]T{{A: 1}}`, `map[K]V{k: {A: 1}}`.

use tree_sitter::Node;

use super::{GoLowering, children};
use crate::language::eval::facts::{NO_STEP, Step, StepId};

impl GoLowering<'_> {
    pub(super) fn composite(&mut self, node: Node<'_>) -> StepId {
        let (Some(ty), Some(body)) = (node.child_by_field_name("type"), node.child_by_field_name("body")) else {
            return NO_STEP;
        };
        let step = self.ty(ty);
        let of = self.derived(step, Step::Typed, node);
        let is_named = matches!(ty.kind(), "type_identifier" | "qualified_type" | "generic_type" | "struct_type");
        self.literal(body, of, is_named);
        of
    }

    /// What stands between the braces of a literal; `may_have_fields`: by its type as written.
    fn literal(&mut self, body: Node<'_>, of: StepId, may_have_fields: bool) {
        let mut held = None;
        for element in children(body) {
            match element.kind() {
                "keyed_element" => self.keyed(element, of, may_have_fields, &mut held),
                "literal_element" => self.element(element, of, &mut held),
                _ => {
                    self.expression(element);
                }
            }
        }
    }

    fn keyed(&mut self, node: Node<'_>, of: StepId, may_have_fields: bool, held: &mut Option<StepId>) {
        let (Some(key), Some(value)) = (node.child_by_field_name("key"), node.child_by_field_name("value")) else {
            return;
        };
        match key.named_child(0) {
            Some(name) if name.kind() == "identifier" && may_have_fields => {
                let text = self.text_id(self.source(name));
                self.mention(text);
                let scope = self.scope;
                self.derived(of, |of| Step::Label { of, text, scope }, name);
            }
            Some(inner) if inner.kind() == "literal_value" => {
                let keys = self.derived(of, Step::Keys, key);
                self.deeper(|this| this.literal(inner, keys, true));
            }
            Some(inner) => {
                self.expression(inner);
            }
            None => {}
        }
        self.element(value, of, held);
    }

    /// An element; one without a type is of that which the literal holds.
    fn element(&mut self, node: Node<'_>, of: StepId, held: &mut Option<StepId>) {
        let Some(inner) = node.named_child(0) else { return };
        if inner.kind() != "literal_value" {
            self.expression(inner);
            return;
        }
        let element = match *held {
            Some(step) => step,
            None => self.derived(of, Step::Element, node),
        };
        *held = Some(element);
        self.deeper(|this| this.literal(inner, element, true));
    }
}
