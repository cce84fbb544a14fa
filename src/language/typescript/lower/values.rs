//! Expressions.

use tree_sitter::Node;

use super::super::outline::line;
use super::super::walk::{children, is_function, of, property_name, unwrapped};
use super::functions::takes_expectation;
use super::{AssignedMember, ScriptLowering, ScriptSite};
use crate::language::eval::facts::{BindingKind, FactScopeKind, NO_STEP, NameSpace, Step, StepId};

impl ScriptLowering<'_> {
    pub(super) fn expression(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        self.wanted(node, site, NO_STEP)
    }

    /// An expression in a place where a value like `wanted` is expected.
    pub(super) fn wanted(&mut self, node: Node<'_>, site: ScriptSite, wanted: StepId) -> StepId {
        self.deeper(node, site, |lowering| lowering.value_of_kind(node, site, wanted))
    }

    fn value_of_kind(&mut self, node: Node<'_>, site: ScriptSite, wanted: StepId) -> StepId {
        match node.kind() {
            "identifier" => self.name(node, site.scope, NameSpace::Value),
            "nested_identifier"
            | "member_expression"
            | "call_expression"
            | "subscript_expression"
            | "non_null_expression"
            | "instantiation_expression" => self.chain(node, site),
            "new_expression" => self.construction(node, site),
            "this" => self.step(node, Step::This(site.scope)),
            "super" => self.step(node, Step::Super(site.scope)),
            "arrow_function" | "function_expression" | "generator_function" => {
                self.function_expression(node, site, wanted)
            }
            "class" => {
                let id = self.class(node, node, Some("class"), site);
                self.step(node, Step::Class(id))
            }
            "object" => self.object(node, site, wanted),
            "array" => self.array(node, site, wanted),
            "parenthesized_expression" | "sequence_expression" => self.last_of(node, site, wanted),
            "as_expression" | "satisfies_expression" | "type_assertion" => self.asserted(node, site, wanted),
            "ternary_expression" => self.conditional(node, site, wanted),
            "binary_expression" => self.binary(node, site, wanted),
            "assignment_expression" => self.assignment(node, site),
            "await_expression" => match self.last_of(node, site, NO_STEP) {
                NO_STEP => NO_STEP,
                value => self.step(node, Step::Await(value)),
            },
            "yield_expression" => self.yielded(node, site),
            "spread_element" => self.last_of(node, site, NO_STEP),
            "jsx_element" | "jsx_self_closing_element" => self.element(node, site),
            "string"
            | "number"
            | "regex"
            | "true"
            | "false"
            | "null"
            | "undefined"
            | "comment"
            | "meta_property"
            | "import"
            | "property_identifier" => NO_STEP,
            _ => {
                let parts: Vec<Node<'_>> = children(node).collect();
                parts.into_iter().for_each(|part| self.any_part(part, site));
                NO_STEP
            }
        }
    }

    /// A part of something that is none of the expressions above: a statement, a type, or an expression.
    fn any_part(&mut self, node: Node<'_>, site: ScriptSite) {
        let kind = node.kind();
        if kind.ends_with("_statement") || kind.ends_with("_declaration") || kind == "statement_block" {
            self.statement(node, site);
        } else if kind.ends_with("_type") || matches!(kind, "type_identifier" | "type_annotation" | "type_arguments") {
            self.type_of(node, site);
        } else {
            self.expression(node, site);
        }
    }

    fn last_of(&mut self, node: Node<'_>, site: ScriptSite, wanted: StepId) -> StepId {
        let mut parts: Vec<Node<'_>> = children(node).filter(|child| child.kind() != "comment").collect();
        let Some(last) = parts.pop() else { return NO_STEP };
        for part in parts {
            self.expression(part, site);
        }
        self.wanted(last, site, wanted)
    }

    /// `a.b(c)[d]!`, from its beginning on: fluent chains are long.
    fn chain(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        let mut links = vec![node];
        let mut base = node;
        while let Some(inner) = inner_of(base) {
            base = inner;
            if !is_link(base) {
                break;
            }
            links.push(base);
        }
        let mut value = if base == node { NO_STEP } else { self.expression(base, site) };
        while let Some(link) = links.pop() {
            value = self.link(link, value, site);
        }
        value
    }

    fn link(&mut self, node: Node<'_>, value: StepId, site: ScriptSite) -> StepId {
        match node.kind() {
            "call_expression" => self.call(node, value, site),
            "subscript_expression" => {
                let Some(index) = node.child_by_field_name("index") else { return NO_STEP };
                if index.kind() == "string" && value != NO_STEP {
                    let text = self.text_id(property_name(self.text, index));
                    return self.step(index, Step::Member { of: value, text });
                }
                self.expression(index, site);
                if value == NO_STEP { NO_STEP } else { self.step(node, Step::Element(value)) }
            }
            "non_null_expression" => value,
            "instantiation_expression" => self.applied(node, value, site),
            _ => match node.child_by_field_name("property") {
                Some(property) if value != NO_STEP => {
                    let text = self.text_id(of(self.text, property));
                    self.step(property, Step::Member { of: value, text })
                }
                _ => NO_STEP,
            },
        }
    }

    fn call(&mut self, node: Node<'_>, callee: StepId, site: ScriptSite) -> StepId {
        if let Some(module) = self.loaded_module(node, site) {
            return module;
        }
        let callee = self.applied(node, callee, site);
        let args = self.arguments(node, callee, site);
        if callee == NO_STEP { NO_STEP } else { self.step(node, Step::Call { callee, args }) }
    }

    fn construction(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        let callee = node.child_by_field_name("constructor").map_or(NO_STEP, |callee| self.expression(callee, site));
        let callee = self.applied(node, callee, site);
        let args = self.arguments(node, callee, site);
        if callee == NO_STEP { NO_STEP } else { self.step(node, Step::New { callee, args }) }
    }

    fn array(&mut self, node: Node<'_>, site: ScriptSite, wanted: StepId) -> StepId {
        let parts: Vec<Node<'_>> = children(node).filter(|child| child.kind() != "comment").collect();
        let element = match wanted != NO_STEP && parts.iter().any(|part| takes_expectation(*part)) {
            true => self.step(node, Step::Element(wanted)),
            false => NO_STEP,
        };
        let mut items = Vec::new();
        for part in parts {
            let item = self.wanted(part, site, element);
            if item != NO_STEP {
                items.push(if part.kind() == "spread_element" { self.step(part, Step::Element(item)) } else { item });
            }
        }
        self.step(node, Step::List(items))
    }

    fn asserted(&mut self, node: Node<'_>, site: ScriptSite, wanted: StepId) -> StepId {
        let parts: Vec<Node<'_>> = children(node).filter(|child| child.kind() != "comment").collect();
        let (value, ty) = match (node.kind(), &parts[..]) {
            ("type_assertion", [ty, value]) => (*value, ty.named_child(0)),
            (_, [value, ty]) => (*value, Some(*ty)),
            (_, [value, ..]) => (*value, None),
            _ => return NO_STEP,
        };
        let ty = ty.filter(|ty| ty.kind() != "const").map_or(NO_STEP, |ty| self.type_of(ty, site));
        if ty == NO_STEP {
            let value = self.wanted(value, site, wanted);
            return if parts.len() > 1 && node.kind() != "satisfies_expression" { NO_STEP } else { value };
        }
        let typed = self.step(node, Step::Typed(ty));
        let value = self.wanted(value, site, typed);
        if node.kind() == "satisfies_expression" { value } else { typed }
    }

    fn conditional(&mut self, node: Node<'_>, site: ScriptSite, wanted: StepId) -> StepId {
        node.child_by_field_name("condition").map(|condition| self.expression(condition, site));
        let branches = ["consequence", "alternative"]
            .map(|field| node.child_by_field_name(field).map_or(NO_STEP, |one| self.wanted(one, site, wanted)));
        self.one_of(node, branches)
    }

    fn one_of(&mut self, node: Node<'_>, values: [StepId; 2]) -> StepId {
        match values {
            [NO_STEP, other] | [other, NO_STEP] => other,
            values => self.step(node, Step::OneOf(values.to_vec())),
        }
    }

    /// Operators, from the left on: sums of texts are long.
    fn binary(&mut self, node: Node<'_>, site: ScriptSite, wanted: StepId) -> StepId {
        let mut operations = Vec::new();
        let mut left = node;
        while left.kind() == "binary_expression" {
            operations.push(left);
            match left.child_by_field_name("left") {
                Some(next) => left = next,
                None => return NO_STEP,
            }
        }
        let mut value = self.wanted(left, site, wanted);
        while let Some(operation) = operations.pop() {
            let right = operation.child_by_field_name("right");
            let right = right.map_or(NO_STEP, |right| self.wanted(right, site, wanted));
            let operator = operation.child_by_field_name("operator").map(|operator| of(self.text, operator));
            value = match operator {
                Some("||" | "??") => self.one_of(operation, [value, right]),
                Some("&&") => right,
                _ => NO_STEP,
            };
        }
        value
    }

    fn assignment(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) else {
            return NO_STEP;
        };
        let target = self.expression(left, site);
        let expected = if takes_expectation(right) { target } else { NO_STEP };
        let value = self.wanted(right, site, expected);
        match left.kind() {
            "identifier" if value != NO_STEP => {
                let name = self.text_id(of(self.text, left));
                self.assigned.push((site.scope, name, value));
            }
            "member_expression" if left.child_by_field_name("object").is_some_and(|object| object.kind() == "this") => {
                let name = left.child_by_field_name("property").map(|name| of(self.text, name)).unwrap_or_default();
                let line = line(node.start_position().row);
                self.this_assigned.push(AssignedMember { node: node.id(), line, name: name.to_owned(), value });
            }
            _ => {}
        }
        value
    }

    fn yielded(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        let value = self.last_of(node, site, NO_STEP);
        let mut cursor = node.walk();
        let is_delegated = node.children(&mut cursor).any(|child| child.kind() == "*");
        if self.returned.last().is_some_and(|returned| returned.is_generator) && value != NO_STEP {
            let list = if is_delegated { value } else { self.step(node, Step::List(vec![value])) };
            self.returns(list);
        }
        NO_STEP
    }

    /// An object literal: its keys are members, and uses of those of the type that is expected.
    fn object(&mut self, node: Node<'_>, site: ScriptSite, wanted: StepId) -> StepId {
        let scope = self.scope(site.scope, FactScopeKind::Record, None);
        for member in children(node).collect::<Vec<_>>() {
            match member.kind() {
                "spread_element" => {
                    let value = self.last_of(member, site, NO_STEP);
                    let id = self.bind(member, "...", scope, BindingKind::Variable);
                    self.give(id, value);
                }
                "shorthand_property_identifier" => {
                    self.key(member, of(self.text, member), wanted);
                    let value = self.name(member, site.scope, NameSpace::Value);
                    let id = self.bind(member, of(self.text, member), scope, BindingKind::Variable);
                    self.give(id, value);
                }
                "pair" => self.pair(member, scope, site, wanted),
                "method_definition" => {
                    let Some((_, name)) = self.member_name(member, site) else { continue };
                    let expected = self.key(member, &name, wanted);
                    let id = self.bind(member, &name, scope, BindingKind::Function);
                    let mut cursor = member.walk();
                    if member.children(&mut cursor).any(|child| matches!(child.kind(), "get" | "set")) {
                        self.flag(id, crate::language::eval::facts::Flags::PROPERTY);
                    }
                    self.function(id, member, ScriptSite { scope, ..site }, expected);
                }
                _ => {}
            }
        }
        self.step(node, Step::Record(scope))
    }

    fn key(&mut self, node: Node<'_>, name: &str, wanted: StepId) -> StepId {
        if wanted == NO_STEP {
            return NO_STEP;
        }
        let text = self.text_id(name);
        self.step(node, Step::Key { of: wanted, text })
    }

    fn pair(&mut self, node: Node<'_>, scope: u32, site: ScriptSite, wanted: StepId) {
        let Some((key, name)) = self.member_name(node, site) else { return };
        let Some(value) = node.child_by_field_name("value") else { return };
        let expected = if key.kind() == "computed_property_name" { NO_STEP } else { self.key(key, &name, wanted) };
        let function = Some(unwrapped(value)).filter(|value| is_function(*value));
        if let Some(function) = function {
            let id = self.bind(node, &name, scope, BindingKind::Function);
            // An arrow function has the `this` of what is around the object.
            let site = if function.kind() == "arrow_function" { site } else { ScriptSite { scope, ..site } };
            return self.function(id, function, site, expected);
        }
        let value = self.wanted(value, site, expected);
        let id = self.bind(node, &name, scope, BindingKind::Variable);
        self.give(id, value);
    }

    fn element(&mut self, node: Node<'_>, site: ScriptSite) -> StepId {
        let tag = if node.kind() == "jsx_element" { node.child_by_field_name("open_tag") } else { Some(node) };
        if let Some(tag) = tag {
            let name = tag.child_by_field_name("name");
            let is_component = name.is_some_and(|name| {
                name.kind() != "jsx_namespace_name"
                    && (name.kind() != "identifier" || !of(self.text, name).starts_with(char::is_lowercase))
            });
            let component = match name.filter(|_| is_component) {
                Some(name) => self.expression(name, site),
                None => NO_STEP,
            };
            let component = self.applied(tag, component, site);
            let props = match component {
                NO_STEP => NO_STEP,
                of => self.step(tag, Step::Parameter { of, at: 0 }),
            };
            for attribute in children(tag).filter(|child| Some(*child) != name).collect::<Vec<_>>() {
                self.attribute(attribute, props, site);
            }
        }
        let tags = [node.child_by_field_name("open_tag"), node.child_by_field_name("close_tag")];
        if node.kind() == "jsx_element" {
            for child in children(node).filter(|child| !tags.contains(&Some(*child))).collect::<Vec<_>>() {
                self.expression(child, site);
            }
        }
        NO_STEP
    }

    fn attribute(&mut self, node: Node<'_>, props: StepId, site: ScriptSite) {
        if node.kind() != "jsx_attribute" {
            if node.kind() != "type_arguments" {
                self.expression(node, site);
            }
            return;
        }
        let mut parts = children(node);
        let Some(name) = parts.next() else { return };
        let expected = self.key(name, of(self.text, name), props);
        for value in parts.collect::<Vec<_>>() {
            match (value.kind(), value.named_child(0)) {
                ("jsx_expression", Some(inner)) => drop(self.wanted(inner, site, expected)),
                _ => drop(self.expression(value, site)),
            }
        }
    }
}

fn is_link(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        "member_expression"
            | "call_expression"
            | "subscript_expression"
            | "non_null_expression"
            | "nested_identifier"
            | "instantiation_expression"
    )
}

/// What a link of a chain hangs on.
fn inner_of(node: Node<'_>) -> Option<Node<'_>> {
    match node.kind() {
        "call_expression" | "instantiation_expression" => node.child_by_field_name("function"),
        "non_null_expression" => node.named_child(0),
        _ => node.child_by_field_name("object"),
    }
}
