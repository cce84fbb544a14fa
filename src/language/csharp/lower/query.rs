//! `from x in xs where .. select ..`

use tree_sitter::Node;

use super::super::node::{children, operands};
use super::{SharpLowering, SharpSite};
use crate::language::eval::facts::{NO_STEP, Step, StepId};

impl<'t> SharpLowering<'t> {
    pub(super) fn query(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        let inside = self.block(site);
        let mut selected = NO_STEP;
        for clause in children(node) {
            match clause.kind() {
                "from_clause" => self.range_variable(clause, clause.child_by_field_name("name"), inside),
                "join_clause" => {
                    let name = children(clause).into_iter().find(|part| part.kind() == "identifier");
                    self.range_variable(clause, name, inside);
                }
                "let_clause" => {
                    let mut parts = operands(clause).into_iter();
                    let name = parts.next();
                    let value = parts.next().map_or(NO_STEP, |value| self.expression(value, inside));
                    name.into_iter().for_each(|name| {
                        self.local(name, inside.scope, NO_STEP, value);
                    });
                }
                "select_clause" => {
                    selected = operands(clause).first().map_or(NO_STEP, |&value| self.expression(value, inside));
                }
                // `into g`
                "identifier" => drop(self.local(clause, inside.scope, NO_STEP, selected)),
                _ => self.parts(clause, inside),
            }
        }
        let parts = Some(selected).filter(|&one| one != NO_STEP).into_iter().collect();
        self.step(node, Step::List(parts))
    }

    /// The variable that a clause declares gets what iterating its first expression gives.
    fn range_variable(&mut self, clause: Node<'t>, name: Option<Node<'t>>, site: SharpSite) {
        let ty = clause.child_by_field_name("type");
        let written = ty.map_or(NO_STEP, |ty| self.type_step(ty, site));
        let is_said = |part: &Node<'t>| [name, ty].into_iter().flatten().any(|one| one.id() == part.id());
        let mut element = NO_STEP;
        for (at, part) in operands(clause).into_iter().filter(|part| !is_said(part)).enumerate() {
            if part.kind() == "join_into_clause" {
                for group in children(part) {
                    let held = self.derived(part, element, |of| Step::List(vec![of]));
                    self.local(group, site.scope, NO_STEP, held);
                }
                continue;
            }
            let value = self.expression(part, site);
            if at == 0 {
                element = self.derived(part, value, Step::Element);
                name.into_iter().for_each(|name| {
                    self.local(name, site.scope, written, element);
                });
            }
        }
    }
}
