//! Calls, comprehensions and lambdas.

use tree_sitter::Node;

use super::{Around, Lowering, children, last_name};
use crate::language::eval::facts::{Argument, BindingKind, FactScopeKind, NO_STEP, Step, StepId};

impl Lowering<'_> {
    pub(super) fn call(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let Some(function) = node.child_by_field_name("function") else { return NO_STEP };
        self.note_if_dynamic(node, function);
        if function.kind() == "identifier" && self.source(function) == "super" {
            self.arguments(node, place);
            return self.step(Step::Super(place.scope), node);
        }
        if last_name(self.text, function) == "cast"
            && let Some(cast) = self.cast(node, function, place)
        {
            return cast;
        }
        let callee = self.expression(function, place);
        let args = self.arguments(node, place);
        let makes_types = matches!(last_name(self.text, function), "TypeVar" | "NewType" | "NamedTuple" | "TypedDict");
        if makes_types {
            self.written_types(node, place);
        }
        // What is called may be unknown and still say something by its name: `sorted(..)`.
        self.step(Step::Call { callee, args }, node)
    }

    /// `cast(T, x)`
    fn cast(&mut self, node: Node<'_>, function: Node<'_>, place: &Around) -> Option<StepId> {
        let args = node.child_by_field_name("arguments").map(children)?;
        let (&ty, rest) = args.split_first().filter(|(_, rest)| !rest.is_empty())?;
        self.expression(function, place);
        rest.iter().for_each(|&arg| {
            self.expression(arg, place);
        });
        let ty = self.annotation(ty, place);
        Some(self.step(Step::Typed(ty), node))
    }

    /// Types inside calls that make types: `bound="A"`, constraints, what a `NewType` is of.
    fn written_types(&mut self, node: Node<'_>, place: &Around) {
        for arg in node.child_by_field_name("arguments").map(children).unwrap_or_default().into_iter().skip(1) {
            let ty = match arg.kind() {
                "keyword_argument" => {
                    let is_bound = arg
                        .child_by_field_name("name")
                        .is_some_and(|name| matches!(self.source(name), "bound" | "default"));
                    arg.child_by_field_name("value").filter(|_| is_bound)
                }
                "string" => Some(arg),
                _ => None,
            };
            ty.filter(|ty| ty.kind() == "string").into_iter().for_each(|ty| {
                self.annotation(ty, place);
            });
        }
    }

    fn arguments(&mut self, call: Node<'_>, place: &Around) -> Vec<Argument> {
        let Some(list) = call.child_by_field_name("arguments") else { return Vec::new() };
        if list.kind() == "generator_expression" {
            let value = self.expression(list, place);
            return vec![Argument { name: None, value, is_spread: false }];
        }
        let mut args = Vec::new();
        for arg in children(list) {
            let name = arg.child_by_field_name("name").filter(|_| arg.kind() == "keyword_argument");
            let value = if name.is_some() { arg.child_by_field_name("value") } else { Some(arg) };
            let name = name.map(|name| self.text_id(self.source(name)));
            let value = value.map_or(NO_STEP, |value| self.expression(value, place));
            let is_spread = matches!(arg.kind(), "list_splat" | "dictionary_splat");
            args.push(Argument { name, value, is_spread });
        }
        args
    }

    pub(super) fn comprehension(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let scope = self.scope(Some(place.scope), FactScopeKind::Block, None);
        let inside = Around { scope, ..place.clone() };
        let before = self.narrowed.len();
        let mut is_first = true;
        for clause in children(node) {
            match clause.kind() {
                "for_in_clause" => {
                    let Some(left) = clause.child_by_field_name("left") else { continue };
                    let mut cursor = clause.walk();
                    let rights: Vec<Node<'_>> =
                        clause.children_by_field_name("right", &mut cursor).filter(|right| right.is_named()).collect();
                    let mut of = NO_STEP;
                    for right in rights {
                        of = self.expression(right, if is_first { place } else { &inside });
                    }
                    is_first = false;
                    let element = self.derived(of, Step::Element, clause);
                    self.target(left, NO_STEP, element, &inside);
                }
                "if_clause" => {
                    for condition in children(clause) {
                        self.expression(condition, &inside);
                        self.narrow_if_true(condition, &inside);
                    }
                }
                _ => {}
            }
        }
        let made = match node.child_by_field_name("body") {
            Some(pair) if pair.kind() == "pair" => {
                pair.child_by_field_name("key").into_iter().for_each(|key| {
                    self.expression(key, &inside);
                });
                pair.child_by_field_name("value").map_or(NO_STEP, |value| self.expression(value, &inside))
            }
            Some(body) => self.expression(body, &inside),
            None => NO_STEP,
        };
        self.narrowed.truncate(before);
        self.step(Step::List(vec![made]), node)
    }

    pub(super) fn lambda(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let name = self.text_id("");
        let binding = self.bind(name, BindingKind::Function, node, place);
        let scope = self.scope(Some(place.scope), FactScopeKind::Function, Some(binding));
        let inside = Around { scope, is_local: true, function: None, ..place.clone() };
        let list = node.child_by_field_name("parameters").map(children).unwrap_or_default();
        let params = self.parameters(&list, false, place, &inside);
        let result = node.child_by_field_name("body").map_or(NO_STEP, |body| self.expression(body, &inside));
        if let Some(function) = self.binding(binding) {
            (function.inner, function.params) = (Some(scope), params);
            function.values.extend(Some(result).filter(|&result| result != NO_STEP));
        }
        self.step(Step::Function(binding), node)
    }
}
