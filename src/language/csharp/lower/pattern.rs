//! What patterns name and bind: `is`, `switch`.

use tree_sitter::Node;

use super::super::node::{children, operands};
use super::{SharpLowering, SharpSite, Wanted};
use crate::language::eval::facts::{NO_STEP, NameSpace, Step, StepId};

impl<'t> SharpLowering<'t> {
    /// Declares what a pattern binds; `of` is what it is compared with.
    pub(super) fn pattern(&mut self, node: Node<'t>, of: StepId, site: SharpSite) {
        self.deeper(|this| this.pattern_of_kind(node, of, site));
    }

    fn pattern_of_kind(&mut self, node: Node<'t>, of: StepId, site: SharpSite) {
        match node.kind() {
            "declaration_pattern" | "var_pattern" | "type_pattern" | "recursive_pattern" | "list_pattern" => {
                self.typed_pattern(node, of, site);
            }
            "constant_pattern" => {
                for part in operands(node) {
                    match part.kind() {
                        // It may be a type as well as a constant.
                        "identifier" => drop(self.name(part, NameSpace::Any, site)),
                        _ => drop(self.expression(part, site)),
                    }
                }
            }
            "relational_pattern" => self.parts(node, site),
            "identifier" => drop(self.name(node, NameSpace::Any, site)),
            "and_pattern" | "or_pattern" | "negated_pattern" | "parenthesized_pattern" => {
                children(node).into_iter().for_each(|part| self.pattern(part, of, site));
            }
            _ => drop(self.expression(node, site)),
        }
    }

    /// `Foo f`, `Foo { Name: var n }`, `Foo (1, var b) f`
    fn typed_pattern(&mut self, node: Node<'t>, of: StepId, site: SharpSite) {
        let written = node.child_by_field_name("type");
        let ty = written.map_or(NO_STEP, |ty| self.type_step(ty, site));
        let matched = if ty == NO_STEP { of } else { self.step(node, Step::Typed(ty)) };
        let name = node.child_by_field_name("name");
        if let Some(name) = name {
            self.local(name, site.scope, ty, of);
        }
        for part in children(node) {
            let is_said = [written, name].into_iter().flatten().any(|one| one.id() == part.id());
            match part.kind() {
                _ if is_said => {}
                "property_pattern_clause" => {
                    children(part).into_iter().for_each(|one| self.subpattern(one, matched, site))
                }
                "positional_pattern_clause" => {
                    for one in children(part) {
                        children(one).into_iter().for_each(|inner| self.pattern(inner, NO_STEP, site));
                    }
                }
                "discard" | "parenthesized_variable_designation" => {}
                _ => self.pattern(part, NO_STEP, site),
            }
        }
    }

    /// `Name: var n`, `A.B: > 3`
    fn subpattern(&mut self, node: Node<'t>, of: StepId, site: SharpSite) {
        let mut parts = children(node).into_iter();
        let Some(key) = parts.next() else { return };
        let mut member = of;
        for name in self.source(key).split('.') {
            let text = self.text_id(name.trim());
            member = self.derived(key, member, |of| Step::Member { of, text });
        }
        parts.for_each(|part| self.pattern(part, member, site));
    }

    pub(super) fn switch_expression(&mut self, node: Node<'t>, wanted: Wanted, site: SharpSite) -> StepId {
        let mut parts = operands(node).into_iter();
        let of = parts.next().map_or(NO_STEP, |of| self.expression(of, site));
        let mut values = Vec::new();
        for arm in parts.filter(|part| part.kind() == "switch_expression_arm") {
            let inside = self.block(site);
            let mut inner = operands(arm);
            let value = inner.pop();
            for part in inner {
                match part.kind() {
                    "when_clause" => self.parts(part, inside),
                    "discard" => {}
                    _ => self.pattern(part, of, inside),
                }
            }
            values.extend(value.map(|value| self.wanted(value, wanted, inside)));
        }
        self.one_of(node, values)
    }
}
