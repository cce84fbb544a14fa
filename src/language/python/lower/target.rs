//! What is assigned to: variables of a scope, attributes of `self`, places of what is taken apart.

use tree_sitter::Node;

use super::super::signature;
use super::{Around, Lowering, children, last_name};
use crate::language::SymbolKind;
use crate::language::eval::facts::{BindingId, BindingKind, FactScopeKind, NO_STEP, Step, StepId};

impl Lowering<'_> {
    /// `left = right`, `left: type = right`; hands out the value, for `a = b = c`.
    pub(super) fn assignment(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let Some(left) = node.child_by_field_name("left") else { return NO_STEP };
        let right = node.child_by_field_name("right");
        if let (true, Some(right)) = (left.kind() == "identifier", right)
            && self.special_assignment(left, right, node, place)
        {
            return NO_STEP;
        }
        let written = node.child_by_field_name("type");
        let ty = written.map_or(NO_STEP, |ty| self.annotation(ty, place));
        let value = match right {
            Some(right) if right.kind() == "assignment" => {
                self.deeper(|this| this.assignment(right, place)).unwrap_or(NO_STEP)
            }
            Some(right) => self.expression(right, place),
            None => NO_STEP,
        };
        let is_alias = written.is_some_and(|ty| last_name(self.text, ty.named_child(0).unwrap_or(ty)) == "TypeAlias");
        if is_alias
            && left.kind() == "identifier"
            && let Some(right) = right
        {
            self.alias(left, right, node, place);
        } else {
            self.assigned(left, node, ty, value, place);
        }
        value
    }

    fn alias(&mut self, left: Node<'_>, right: Node<'_>, node: Node<'_>, place: &Around) {
        let value = self.annotation(right, place);
        let binding = self.variable(left, self.source(left), NO_STEP, value, node, place);
        if let Some(binding) = self.binding(binding) {
            binding.kind = BindingKind::Alias;
            binding.values = vec![value];
        }
    }

    pub(super) fn augmented(&mut self, node: Node<'_>, place: &Around) {
        let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) else {
            return;
        };
        self.expression(right, place);
        if self.source(left) == "__all__" && place.scope == 0 {
            self.add_listed(right);
        } else {
            self.expression(left, place);
        }
    }

    /// Binds a target to a value.
    pub(super) fn target(&mut self, target: Node<'_>, ty: StepId, value: StepId, place: &Around) {
        self.deeper(|this| this.assigned(target, target, ty, value, place));
    }

    /// `node`: the assignment, by which the walk over definitions knows it.
    fn assigned(&mut self, target: Node<'_>, node: Node<'_>, ty: StepId, value: StepId, place: &Around) {
        match target.kind() {
            "identifier" => {
                self.variable(target, self.source(target), ty, value, node, place);
            }
            "attribute" => self.attribute_target(target, node, ty, value, place),
            "tuple" | "list" | "pattern_list" | "tuple_pattern" | "list_pattern" | "expression_list" => {
                for (at, part) in children(target).into_iter().enumerate() {
                    let slot = self.derived(value, |of| Step::Slot { of, at: at as u32 }, part);
                    self.target(part, NO_STEP, slot, place);
                }
            }
            "list_splat_pattern" | "list_splat" | "parenthesized_expression" | "as_pattern_target" => {
                let is_splat = target.kind().starts_with("list_splat");
                for part in children(target) {
                    self.target(part, ty, if is_splat { NO_STEP } else { value }, place);
                }
            }
            _ => {
                self.expression(target, place);
            }
        }
    }

    /// The variable of a name in a scope, with one more value.
    pub(super) fn variable(
        &mut self,
        name_node: Node<'_>,
        name: &str,
        ty: StepId,
        value: StepId,
        node: Node<'_>,
        place: &Around,
    ) -> BindingId {
        let text = self.text_id(name);
        let scope = self.redirected.get(&(place.scope, text)).copied().unwrap_or(place.scope);
        let binding = match self.variables.get(&(scope, text)) {
            Some(&binding) => binding,
            None => self.new_variable(name_node, name, node, &self.seen_from(scope, place)),
        };
        self.add_value(binding, ty, value);
        binding
    }

    /// The place as it is in an outer scope that a name was redirected to.
    fn seen_from(&self, scope: u32, place: &Around) -> Around {
        if scope == place.scope {
            return place.clone();
        }
        let is_local = scope != 0;
        Around { scope, is_local, is_type_only: place.is_type_only, ..Around::default() }
    }

    fn new_variable(&mut self, name_node: Node<'_>, name: &str, node: Node<'_>, place: &Around) -> BindingId {
        let text = self.text_id(name);
        let binding = self.bind(text, BindingKind::Variable, name_node, place);
        self.variables.insert((place.scope, text), binding);
        let is_block = self.facts.scope(place.scope).is_some_and(|scope| scope.kind == FactScopeKind::Block);
        if !place.is_local && !is_block {
            let symbol = self.known_symbol(node, name, place);
            let symbol = symbol.unwrap_or_else(|| {
                let kind = if place.prefix.is_empty() { SymbolKind::Static } else { SymbolKind::Field };
                self.new_symbol(name, kind, name.to_owned(), name_node, place)
            });
            self.binding(binding).into_iter().for_each(|binding| binding.symbol = Some(symbol));
        }
        binding
    }

    fn add_value(&mut self, binding: BindingId, ty: StepId, value: StepId) {
        let Some(binding) = self.binding(binding) else { return };
        if binding.ty == NO_STEP {
            binding.ty = ty;
        }
        if value != NO_STEP && !binding.values.contains(&value) {
            binding.values.push(value);
        }
    }

    /// `self.x = value` declares an attribute of the class; other attributes are used.
    fn attribute_target(&mut self, target: Node<'_>, node: Node<'_>, ty: StepId, value: StepId, place: &Around) {
        self.expression(target, place);
        let (Some(object), Some(name)) =
            (target.child_by_field_name("object"), target.child_by_field_name("attribute"))
        else {
            return;
        };
        let Some(method) = place.method.clone() else { return };
        if object.kind() != "identifier" || self.text_id(self.source(object)) != method.this {
            return;
        }
        let class = Around {
            scope: method.class_scope,
            prefix: method.class,
            is_private: method.is_private,
            is_local: method.is_local,
            is_type_only: place.is_type_only,
            ..Around::default()
        };
        let (name_text, id) = (self.source(name), self.text_id(self.source(name)));
        let known = self.variables.get(&(class.scope, id)).copied();
        let binding = known.unwrap_or_else(|| self.new_attribute(name, name_text, node, &class));
        self.add_value(binding, ty, value);
    }

    fn new_attribute(&mut self, name: Node<'_>, text: &str, node: Node<'_>, class: &Around) -> BindingId {
        let id = self.text_id(text);
        let binding = self.bind(id, BindingKind::Variable, name, class);
        self.variables.insert((class.scope, id), binding);
        if !class.is_local {
            let symbol = self.known_symbol(node, text, class).unwrap_or_else(|| {
                let signature = signature::of_attribute(self.text, text, node);
                self.new_symbol(text, SymbolKind::Field, signature, name, class)
            });
            self.binding(binding).into_iter().for_each(|binding| binding.symbol = Some(symbol));
        }
        binding
    }
}
