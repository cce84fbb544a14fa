//! Functions: parameters, results, bodies.

use tree_sitter::Node;

use super::super::walk::{children, of};
use super::{GIVEN, ReturnedSteps, ScriptLowering, ScriptSite};
use crate::language::eval::facts::{
    Argument, BindingId, BindingKind, FactScopeId, FactScopeKind, Flags, NO_STEP, Step, StepId,
};

/// What a function without a result type returns, at most.
const RETURNED_MAX: usize = 8;

impl ScriptLowering<'_> {
    pub(super) fn function_declaration(&mut self, node: Node<'_>, site: ScriptSite) -> Option<BindingId> {
        let name = node.child_by_field_name("name").map_or("default", |name| of(self.text, name));
        let id = self.bind(node, name, site.scope, BindingKind::Function);
        self.function_or_constructor(id, node, node, site);
        Some(id)
    }

    /// Lowers parameters and body of a function whose binding exists. `wanted`: the function that is expected in its place.
    pub(super) fn function(&mut self, id: BindingId, node: Node<'_>, site: ScriptSite, wanted: StepId) {
        let inner = self.scope(site.scope, FactScopeKind::Function, Some(id));
        self.binding(id).inner = Some(inner);
        let (is_async, is_generator) = self.function_flags(id, node);
        let mut inside = ScriptSite { scope: inner, hoist: inner, result: NO_STEP };
        self.type_parameters(id, node, inside);
        self.parameters(id, node, inside, wanted);
        let result = node.child_by_field_name("return_type").or_else(|| node.child_by_field_name("type"));
        let ty = result.map_or(NO_STEP, |result| self.type_of(result, inside));
        self.binding(id).ty = ty;
        inside.result = match (ty, wanted) {
            (NO_STEP, NO_STEP) => NO_STEP,
            (NO_STEP, wanted) => self.step(node, Step::Call { callee: wanted, args: Vec::new() }),
            (ty, _) => self.step(node, Step::Typed(ty)),
        };
        if is_async && inside.result != NO_STEP {
            inside.result = self.step(node, Step::Await(inside.result));
        }
        let Some(body) = node.child_by_field_name("body") else { return };
        self.returned.push(ReturnedSteps { is_generator, steps: Vec::new() });
        if body.kind() == "statement_block" {
            self.body(body, inside);
        } else {
            let value = self.wanted(body, inside, inside.result);
            self.returns(value);
        }
        let mut returned = self.returned.pop().map(|returned| returned.steps).unwrap_or_default();
        if ty == NO_STEP {
            returned.truncate(RETURNED_MAX);
            self.binding(id).values = returned;
        }
    }

    pub(super) fn returns(&mut self, value: StepId) {
        if let Some(returned) = self.returned.last_mut().filter(|_| value != NO_STEP) {
            returned.steps.push(value);
        }
    }

    fn function_flags(&mut self, id: BindingId, node: Node<'_>) -> (bool, bool) {
        let mut cursor = node.walk();
        let words: Vec<&str> = node.children(&mut cursor).map(|child| child.kind()).collect();
        let is_generator = words.contains(&"*") || node.kind().starts_with("generator_function");
        let is_async = words.contains(&"async");
        if is_async {
            self.flag(id, Flags::ASYNC);
        }
        if node.child_by_field_name("body").is_none() {
            self.flag(id, Flags::OVERLOAD);
        }
        (is_async, is_generator)
    }

    /// Type parameters of a function, class, interface or alias, in the scope of its inside.
    pub(super) fn type_parameters(&mut self, id: BindingId, node: Node<'_>, site: ScriptSite) {
        for parameter in node.child_by_field_name("type_parameters").into_iter().flat_map(children) {
            let Some(name) = parameter.child_by_field_name("name") else { continue };
            let own = self.bind(parameter, of(self.text, name), site.scope, BindingKind::TypeParameter);
            self.binding(id).params.push(own);
            let constraint = parameter.child_by_field_name("constraint").and_then(|bound| bound.named_child(0));
            if let Some(constraint) = constraint {
                let bound = self.type_of(constraint, site);
                self.binding(own).bases.push(bound);
            }
            let default = parameter.child_by_field_name("value").and_then(|default| default.named_child(0));
            if let Some(default) = default {
                let default = self.type_of(default, site);
                self.give(own, default);
            }
        }
    }

    fn parameters(&mut self, id: BindingId, node: Node<'_>, inside: ScriptSite, wanted: StepId) {
        let only = node.child_by_field_name("parameter");
        let list = node.child_by_field_name("parameters").into_iter().flat_map(children);
        let all = only.into_iter().chain(list).filter(|one| !matches!(one.kind(), "comment" | "decorator"));
        let mut at = 0;
        for parameter in all {
            if self.parameter(id, parameter, at, inside, wanted) {
                at += 1;
            }
        }
    }

    /// False for `this`, which is none that a caller passes.
    fn parameter(&mut self, id: BindingId, node: Node<'_>, at: u32, inside: ScriptSite, wanted: StepId) -> bool {
        let is_typed = matches!(node.kind(), "required_parameter" | "optional_parameter");
        let (pattern, default) = match node.kind() {
            "assignment_pattern" => (node.child_by_field_name("left"), node.child_by_field_name("right")),
            _ if is_typed => {
                let pattern = node.child_by_field_name("pattern").or_else(|| node.child_by_field_name("name"));
                (pattern, node.child_by_field_name("value"))
            }
            _ => (Some(node), None),
        };
        for decorator in children(node).filter(|child| child.kind() == "decorator") {
            self.parts_of_decorator(decorator, inside);
        }
        let Some(pattern) = pattern else { return true };
        let (is_rest, pattern) = match (pattern.kind(), pattern.named_child(0)) {
            ("rest_pattern", Some(inner)) => (true, inner),
            _ => (false, pattern),
        };
        let ty = node.child_by_field_name("type").filter(|_| is_typed).map_or(NO_STEP, |ty| self.type_of(ty, inside));
        let name = if pattern.kind() == "identifier" { of(self.text, pattern) } else { "" };
        let is_this = pattern.kind() == "this" || name == "this";
        let own = self.bind(node, if is_this { "this" } else { name }, inside.scope, BindingKind::Parameter);
        self.binding(own).ty = ty;
        if is_this {
            return false;
        }
        self.binding(id).params.push(own);
        if is_rest {
            self.flag(own, Flags::VARIADIC);
        }
        let expected = match (ty, wanted) {
            (NO_STEP, NO_STEP) => NO_STEP,
            (NO_STEP, of) => self.step(node, Step::Parameter { of, at }),
            (ty, _) => self.step(node, Step::Typed(ty)),
        };
        let default = default.map_or(NO_STEP, |default| self.wanted(default, inside, expected));
        if default != NO_STEP || node.kind() == "optional_parameter" {
            self.flag(own, GIVEN);
        }
        let value = if expected == NO_STEP { default } else { expected };
        if ty == NO_STEP {
            self.give(own, value);
        }
        if name.is_empty() {
            self.pattern(pattern, node, value, inside.scope, inside);
        }
        true
    }

    pub(super) fn parts_of_decorator(&mut self, decorator: Node<'_>, site: ScriptSite) -> StepId {
        children(decorator).last().map_or(NO_STEP, |expression| self.expression(expression, site))
    }

    /// A function expression; its name, if it has one, is its own.
    pub(super) fn function_expression(&mut self, node: Node<'_>, site: ScriptSite, wanted: StepId) -> StepId {
        let name = node.child_by_field_name("name").map_or("", |name| of(self.text, name));
        let scope: FactScopeId =
            if name.is_empty() { site.scope } else { self.scope(site.scope, FactScopeKind::Block, None) };
        let id = self.bind(node, name, scope, BindingKind::Function);
        self.function(id, node, ScriptSite { scope, ..site }, wanted);
        self.step(node, Step::Function(id))
    }

    /// The arguments of a call or `new`. A function or object among them is read by what the callee's parameter says.
    pub(super) fn arguments(&mut self, node: Node<'_>, callee: StepId, site: ScriptSite) -> Vec<Argument> {
        let Some(list) = node.child_by_field_name("arguments") else { return Vec::new() };
        if list.kind() == "template_string" {
            self.expression(list, site);
            return Vec::new();
        }
        let mut arguments = Vec::new();
        for (at, node) in children(list).filter(|one| one.kind() != "comment").enumerate() {
            let (is_spread, value) = match (node.kind(), node.named_child(0)) {
                ("spread_element", Some(inner)) => (true, inner),
                _ => (false, node),
            };
            let at = super::index(at);
            let wanted = match callee != NO_STEP && takes_expectation(value) {
                true => self.step(value, Step::Parameter { of: callee, at }),
                false => NO_STEP,
            };
            arguments.push(Argument { name: None, value: self.wanted(value, site, wanted), is_spread });
        }
        arguments
    }
}

/// What is read by the type that is expected of it.
pub(super) fn takes_expectation(value: Node<'_>) -> bool {
    matches!(
        value.kind(),
        "arrow_function"
            | "function_expression"
            | "generator_function"
            | "object"
            | "array"
            | "parenthesized_expression"
            | "ternary_expression"
    )
}
