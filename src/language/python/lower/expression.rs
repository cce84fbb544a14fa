//! Expressions.

use tree_sitter::Node;

use super::{Around, Lowering, children, last_name};
use crate::language::eval::facts::{FactScopeKind, NO_STEP, NameSpace, Step, StepId};

impl Lowering<'_> {
    /// The step of an expression; [`NO_STEP`] where nothing of it can lead to another file, or it nests too deep.
    pub(super) fn expression(&mut self, node: Node<'_>, place: &Around) -> StepId {
        self.deeper(|this| this.expression_of_kind(node, place)).unwrap_or(NO_STEP)
    }

    fn expression_of_kind(&mut self, node: Node<'_>, place: &Around) -> StepId {
        match node.kind() {
            "identifier" => self.name(node, place),
            "attribute" => self.members(node, place),
            "call" => self.call(node, place),
            "subscript" => self.subscript(node, place),
            "await" => self.wrapped(node, Step::Await, place),
            "binary_operator" => self.binary(node, place),
            "boolean_operator" => self.boolean(node, place),
            "conditional_expression" => self.conditional(node, place),
            "named_expression" => self.named(node, place),
            "lambda" => self.lambda(node, place),
            "list" | "set" => self.items(node, Step::List, place),
            "tuple" | "expression_list" | "pattern_list" => self.items(node, Step::Tuple, place),
            "dictionary" => self.dictionary(node, place),
            "list_comprehension" | "set_comprehension" | "generator_expression" | "dictionary_comprehension" => {
                self.comprehension(node, place)
            }
            "yield" => self.yielded(node, place),
            "list_splat" => self.wrapped(node, Step::Element, place),
            "parenthesized_expression" | "type" => self.last_of(node, place),
            "assignment" => self.assignment(node, place),
            "block" => {
                self.statements(node, place);
                NO_STEP
            }
            "integer" | "float" | "true" | "false" | "none" | "ellipsis" | "comment" | "string_content" => NO_STEP,
            _ => {
                self.last_of(node, place);
                NO_STEP
            }
        }
    }

    /// All that is inside; hands out the last.
    fn last_of(&mut self, node: Node<'_>, place: &Around) -> StepId {
        children(node).into_iter().map(|child| self.expression(child, place)).last().unwrap_or(NO_STEP)
    }

    fn wrapped(&mut self, node: Node<'_>, make: fn(StepId) -> Step, place: &Around) -> StepId {
        let of = self.last_of(node, place);
        self.derived(of, make, node)
    }

    /// A name as written.
    pub(super) fn name(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let text = self.text_id(self.source(node));
        let of = self.step(Step::Name { text, scope: place.scope, space: NameSpace::Any }, node);
        self.known_type(node, of)
    }

    /// `a.b.c`, in a loop: chains are written by machines, too.
    fn members(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let mut chain = Vec::new();
        let mut base = node;
        while base.kind() == "attribute" {
            chain.push(base);
            match base.child_by_field_name("object") {
                Some(object) => base = object,
                None => break,
            }
        }
        let mut of = if base.kind() == "attribute" { NO_STEP } else { self.expression(base, place) };
        for link in chain.into_iter().rev() {
            let Some(name) = link.child_by_field_name("attribute") else { continue };
            let text = self.text_id(self.source(name));
            of = self.derived(of, |of| Step::Member { of, text }, name);
            of = self.known_type(link, of);
        }
        of
    }

    fn subscript(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let Some(value) = node.child_by_field_name("value") else { return NO_STEP };
        if self.is_typing_name(last_name(self.text, value)) {
            return self.annotation(node, place);
        }
        let of = self.expression(value, place);
        let mut cursor = node.walk();
        let parts: Vec<Node<'_>> = node.children_by_field_name("subscript", &mut cursor).collect();
        let indices: Vec<StepId> = parts.iter().map(|&part| self.expression(part, place)).collect();
        let index = match indices.as_slice() {
            [index] => *index,
            _ => self.step(Step::Tuple(indices), node),
        };
        let is_slice = parts.first().is_some_and(|part| part.kind() == "slice");
        if is_slice { of } else { self.derived(of, |of| Step::Index { of, index }, node) }
    }

    /// Operators nest to the left, in sums of a thousand strings, too. `A | B` may be a type.
    fn binary(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let mut operands = Vec::new();
        let mut is_union = true;
        let mut left = node;
        while left.kind() == "binary_operator" {
            operands.extend(left.child_by_field_name("right"));
            is_union &= left.child_by_field_name("operator").is_some_and(|operator| operator.kind() == "|");
            match left.child_by_field_name("left") {
                Some(inner) => left = inner,
                None => break,
            }
        }
        let mut steps = vec![self.expression(left, place)];
        for operand in operands.into_iter().rev() {
            steps.push(self.expression(operand, place));
        }
        if is_union { self.step(Step::Union(steps), node) } else { NO_STEP }
    }

    fn boolean(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) else {
            return NO_STEP;
        };
        let is_and = node.child_by_field_name("operator").is_some_and(|operator| operator.kind() == "and");
        let first = self.expression(left, place);
        let before = self.narrowed.len();
        if is_and {
            self.narrow_if_true(left, place)
        } else {
            self.narrow_if_false(left, place)
        }
        let second = self.expression(right, place);
        self.narrowed.truncate(before);
        self.one_of(vec![first, second], node)
    }

    fn conditional(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let parts = children(node);
        let &[body, condition, alternative] = parts.as_slice() else { return self.last_of(node, place) };
        self.expression(condition, place);
        let before = self.narrowed.len();
        self.narrow_if_true(condition, place);
        let first = self.expression(body, place);
        self.narrowed.truncate(before);
        self.narrow_if_false(condition, place);
        let second = self.expression(alternative, place);
        self.narrowed.truncate(before);
        self.one_of(vec![first, second], node)
    }

    fn one_of(&mut self, mut steps: Vec<StepId>, node: Node<'_>) -> StepId {
        steps.retain(|&step| step != NO_STEP);
        match steps.as_slice() {
            [] => NO_STEP,
            [only] => *only,
            _ => self.step(Step::OneOf(steps), node),
        }
    }

    /// `name := value`: the name belongs to the function around comprehensions.
    fn named(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let (Some(name), Some(value)) = (node.child_by_field_name("name"), node.child_by_field_name("value")) else {
            return NO_STEP;
        };
        let value = self.expression(value, place);
        let mut scope = place.scope;
        while let Some(outer) = self.facts.scope(scope).filter(|scope| scope.kind == FactScopeKind::Block) {
            scope = outer.parent.unwrap_or(0);
        }
        let outer = Around { scope, ..place.clone() };
        self.variable(name, self.source(name), NO_STEP, value, name, &outer);
        value
    }

    fn items(&mut self, node: Node<'_>, make: fn(Vec<StepId>) -> Step, place: &Around) -> StepId {
        let steps: Vec<StepId> = children(node).into_iter().map(|child| self.expression(child, place)).collect();
        self.step(make(steps), node)
    }

    /// A dictionary is a container of its values.
    fn dictionary(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let mut values = Vec::new();
        for child in children(node) {
            match (child.child_by_field_name("key"), child.child_by_field_name("value")) {
                (Some(key), Some(value)) => {
                    self.expression(key, place);
                    values.push(self.expression(value, place));
                }
                _ => {
                    let all = self.last_of(child, place);
                    values.push(self.derived(all, Step::Element, child));
                }
            }
        }
        self.step(Step::List(values), node)
    }

    /// What a function yields makes it return a container.
    fn yielded(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let value = self.last_of(node, place);
        let mut cursor = node.walk();
        let is_from = node.children(&mut cursor).any(|child| child.kind() == "from");
        let value = if is_from { self.derived(value, Step::Element, node) } else { value };
        let all = self.step(Step::List(vec![value]), node);
        if let Some(function) = place.function.and_then(|function| self.binding(function))
            && all != NO_STEP
        {
            function.values.push(all);
        }
        self.derived(place.sent, Step::Typed, node)
    }
}
