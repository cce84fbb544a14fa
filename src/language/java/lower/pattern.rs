//! What patterns name and bind: `instanceof` and `switch`.

use tree_sitter::Node;

use super::{Expects, JavaLowering, JavaSite, children};
use crate::language::eval::facts::{NO_STEP, NameSpace, Step, StepId};

impl JavaLowering<'_> {
    pub(super) fn instance_of(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        let of = node.child_by_field_name("left").map_or(NO_STEP, |left| self.expression(left, site));
        if let Some(right) = node.child_by_field_name("right") {
            let ty = self.type_step(right, site);
            if let Some(name) = node.child_by_field_name("name") {
                self.variable(name, self.source(name), site.scope, ty, NO_STEP);
            }
        }
        node.child_by_field_name("pattern").into_iter().for_each(|pattern| self.pattern(pattern, of, site));
        NO_STEP
    }

    /// Declares what a pattern binds; `of` is what it is compared with.
    fn pattern(&mut self, node: Node<'_>, of: StepId, site: JavaSite) {
        self.deeper(|this| this.pattern_of_kind(node, of, site));
    }

    fn pattern_of_kind(&mut self, node: Node<'_>, of: StepId, site: JavaSite) {
        let parts = children(node);
        match node.kind() {
            "type_pattern" | "record_pattern_component" => {
                let (Some(&ty), Some(&name)) = (parts.first(), parts.last()) else { return };
                let is_var = self.source(ty) == "var";
                let ty = if is_var { NO_STEP } else { self.type_step(ty, site) };
                if parts.len() > 1 {
                    self.variable(name, self.source(name), site.scope, ty, of);
                }
            }
            "record_pattern" => {
                let (Some(&record), Some(&body)) = (parts.first(), parts.last()) else { return };
                self.type_step(record, site);
                children(body).into_iter().for_each(|part| self.pattern(part, NO_STEP, site));
            }
            _ => parts.into_iter().for_each(|part| self.pattern(part, of, site)),
        }
    }

    /// A `switch`, as a statement or for its value.
    pub(super) fn switch(&mut self, node: Node<'_>, expects: Expects, site: JavaSite) -> StepId {
        let of = node.child_by_field_name("condition").map_or(NO_STEP, |of| self.expression(of, site));
        let inside = self.block(site);
        let mut values = Vec::new();
        for group in node.child_by_field_name("body").map(children).unwrap_or_default() {
            let group_site = self.block(inside);
            for part in children(group) {
                match (part.kind(), group.kind()) {
                    ("switch_label", _) => self.label(part, of, group_site),
                    ("expression_statement", "switch_rule") => {
                        let value = children(part).first().copied();
                        values.extend(value.map(|value| self.rule_value(value, expects, group_site)));
                    }
                    _ => {
                        self.deeper(|this| this.statement(part, group_site));
                    }
                }
            }
        }
        self.one_of(node, values)
    }

    fn rule_value(&mut self, value: Node<'_>, expects: Expects, site: JavaSite) -> StepId {
        match expects {
            Expects::Written(ty) => self.given_to(value, ty, site),
            _ => self.expression(value, site),
        }
    }

    /// `case A, B ->`: a name alone may be a constant of the enum that is switched over.
    fn label(&mut self, node: Node<'_>, of: StepId, site: JavaSite) {
        for part in children(node) {
            match part.kind() {
                "pattern" => self.pattern(part, of, site),
                "identifier" if of != NO_STEP => {
                    let (text, scope) = (self.text_id(self.source(part)), site.scope);
                    let key = self.step(part, Step::Key { of, text });
                    let name = self.step(part, Step::Name { text, scope, space: NameSpace::Value });
                    self.one_of(part, vec![key, name]);
                }
                _ => {
                    self.expression(part, site);
                }
            }
        }
    }
}
