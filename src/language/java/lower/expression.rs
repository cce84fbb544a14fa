//! Expressions.

use tree_sitter::Node;

use super::super::walk::{JavaKind, class_body};
use super::{Expects, JavaLowering, JavaSite, child_of, children, dotted};
use crate::language::eval::CONSTRUCTOR;
use crate::language::eval::facts::{ANY_COUNT, Argument, BindingKind, FactScopeKind, NO_STEP, NameSpace, Step, StepId};

impl JavaLowering<'_> {
    /// The step of an expression; [`NO_STEP`] where nothing of it can lead to another file, or it nests too deep.
    pub(super) fn expression(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        self.expected(node, Expects::Nothing, site)
    }

    /// An expression that is given to what has a written type.
    pub(super) fn given_to(&mut self, node: Node<'_>, ty: StepId, site: JavaSite) -> StepId {
        self.expected(node, if ty == NO_STEP { Expects::Nothing } else { Expects::Written(ty) }, site)
    }

    fn expected(&mut self, node: Node<'_>, expects: Expects, site: JavaSite) -> StepId {
        self.deeper(|this| this.expression_of_kind(node, expects, site)).unwrap_or(NO_STEP)
    }

    fn expression_of_kind(&mut self, node: Node<'_>, expects: Expects, site: JavaSite) -> StepId {
        match node.kind() {
            "identifier" => self.name(node, NameSpace::Value, site),
            "this" => self.step(node, Step::This(site.scope)),
            "super" => self.step(node, Step::Super(site.scope)),
            "field_access" | "method_invocation" => self.chain(node, site),
            "object_creation_expression" => self.creation(node, site),
            "array_creation_expression" => self.array_creation(node, site),
            "array_initializer" => {
                let parts = children(node).into_iter().map(|part| self.expression(part, site)).collect();
                self.step(node, Step::List(parts))
            }
            "array_access" => {
                let part = |field| node.child_by_field_name(field);
                let of = part("array").map_or(NO_STEP, |of| self.expression(of, site));
                let index = part("index").map_or(NO_STEP, |index| self.expression(index, site));
                self.derived(node, of, |of| Step::Index { of, index })
            }
            "parenthesized_expression" => self.last_of(node, expects, site),
            "cast_expression" => self.cast(node, site),
            "instanceof_expression" => self.instance_of(node, site),
            "ternary_expression" => self.ternary(node, expects, site),
            "lambda_expression" => self.lambda(node, expects, site),
            "method_reference" => self.method_reference(node, site),
            "class_literal" => {
                let ty = children(node).first().map_or(NO_STEP, |&ty| self.type_step(ty, site));
                let of = self.derived(node, ty, Step::Typed);
                self.derived(node, of, |of| Step::List(vec![of]))
            }
            "assignment_expression" => self.assignment(node, site),
            "binary_expression" => self.binary(node, site),
            "switch_expression" => self.switch(node, expects, site),
            "explicit_constructor_invocation" => self.constructor_call(node, site),
            "block" | "constructor_body" => {
                let inside = self.block(site);
                self.statements(node, inside);
                NO_STEP
            }
            kind if JavaKind::of_type(kind).is_some() => {
                self.type_declaration(node, site);
                NO_STEP
            }
            "annotation" | "marker_annotation" => {
                self.annotation(node, site);
                NO_STEP
            }
            kind if kind.ends_with("_type") || kind.ends_with("type_identifier") => {
                self.type_step(node, site);
                NO_STEP
            }
            _ => {
                self.last_of(node, Expects::Nothing, site);
                NO_STEP
            }
        }
    }

    /// All that is inside; hands out the last.
    fn last_of(&mut self, node: Node<'_>, expects: Expects, site: JavaSite) -> StepId {
        children(node).into_iter().map(|child| self.expected(child, expects, site)).last().unwrap_or(NO_STEP)
    }

    fn name(&mut self, node: Node<'_>, space: NameSpace, site: JavaSite) -> StepId {
        let text = self.text_id(self.source(node));
        self.step(node, Step::Name { text, scope: site.scope, space })
    }

    /// What stands before a dot: a variable, a type or a package.
    fn qualifier(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        match node.kind() {
            "identifier" => self.name(node, NameSpace::Any, site),
            "type_identifier" | "scoped_type_identifier" | "generic_type" | "array_type" => self.type_step(node, site),
            _ => self.expression(node, site),
        }
    }

    /// `a.b().c`, in a loop: chains are written by machines, too.
    fn chain(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        let mut links = Vec::new();
        let mut base = node;
        while matches!(base.kind(), "field_access" | "method_invocation") {
            let Some(object) = base.child_by_field_name("object") else { break };
            links.push(base);
            base = object;
        }
        links.reverse();
        self.mention_chain(base, &links);
        let mut of = match base.kind() {
            "method_invocation" => self.call(base, NO_STEP, site),
            _ => self.qualifier(base, site),
        };
        for link in links {
            of = match (link.kind(), link.child_by_field_name("field")) {
                ("method_invocation", _) if of == NO_STEP => {
                    self.arguments(link, NO_STEP, site);
                    NO_STEP
                }
                ("method_invocation", _) => self.call(link, of, site),
                (_, Some(field)) if field.kind() == "this" => self.derived(link, of, Step::Caught),
                (_, Some(field)) => {
                    let text = self.text_id(self.source(field));
                    self.derived(field, of, |of| Step::Member { of, text })
                }
                _ => of,
            };
        }
        of
    }

    /// `com.shop.Order` of `com.shop.Order.of(..)` may begin with a package.
    fn mention_chain(&mut self, base: Node<'_>, links: &[Node<'_>]) {
        let names = links.iter().take_while(|link| link.kind() == "field_access").last();
        if let Some(last) = names.filter(|_| base.kind() == "identifier") {
            let written = dotted(self.source(*last));
            self.mention(*last, &written);
        }
    }

    /// One call; `of`: what it is called on, [`NO_STEP`] if nothing is written.
    fn call(&mut self, node: Node<'_>, of: StepId, site: JavaSite) -> StepId {
        let Some(name) = node.child_by_field_name("name") else { return NO_STEP };
        if let Some(list) = node.child_by_field_name("type_arguments") {
            self.type_arguments(list, site);
        }
        let args = node.child_by_field_name("arguments").map_or(0, |list| children(list).len() as u32);
        let (text, scope) = (self.text_id(self.source(name)), site.scope);
        let callee = self.step(name, Step::Method { of, text, scope, args, call: NO_STEP });
        let call = self.call_of(node, callee);
        self.arguments(node, call, site);
        call
    }

    /// The call of a method, which knows of it.
    fn call_of(&mut self, node: Node<'_>, callee: StepId) -> StepId {
        let made = self.derived(node, callee, |callee| Step::Call { callee, args: Vec::new() });
        if let Some(Step::Method { call, .. }) = self.facts.steps.get_mut(callee as usize) {
            *call = made;
        }
        made
    }

    /// The arguments of a call, which are written into its step.
    fn arguments(&mut self, node: Node<'_>, call: StepId, site: JavaSite) {
        let list = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let mut lowered = Vec::new();
        for (at, argument) in list.into_iter().enumerate() {
            let expects = if call == NO_STEP { Expects::Nothing } else { Expects::Argument(call, at as u32) };
            let value = self.expected(argument, expects, site);
            let value = match literal_type(self.text, argument) {
                Some(ty) => self.plain(argument, ty),
                None => value,
            };
            lowered.push(Argument { name: None, value, is_spread: false });
        }
        if let Some(Step::Call { args, .. } | Step::New { args, .. }) = self.facts.steps.get_mut(call as usize) {
            *args = lowered;
        }
    }

    fn creation(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        let Some(ty) = node.child_by_field_name("type") else { return NO_STEP };
        let outer = node.child(0).filter(|first| first.is_named() && first.id() != ty.id());
        let callee = match outer {
            // `outer.new Inner()`
            Some(outer) => {
                let of = self.expression(outer, site);
                let name = children(ty).first().copied().filter(|_| ty.kind() == "generic_type").unwrap_or(ty);
                let text = self.text_id(self.source(name));
                self.derived(ty, of, |of| Step::Member { of, text })
            }
            None => self.type_step(ty, site),
        };
        children(node).into_iter().filter(|part| part.kind().ends_with("annotation")).for_each(|one| {
            self.annotation(one, site);
        });
        let made = self.derived(node, callee, |callee| Step::New { callee, args: Vec::new() });
        self.arguments(node, made, site);
        if let Some(body) = class_body(node) {
            self.anonymous(body, callee, site);
        }
        made
    }

    fn array_creation(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, site));
        for part in children(node) {
            match part.kind() {
                "dimensions_expr" => {
                    self.last_of(part, Expects::Nothing, site);
                }
                "array_initializer" => {
                    self.expression(part, site);
                }
                _ => {}
            }
        }
        let all = self.array_of(node, ty);
        self.derived(node, all, Step::Typed)
    }

    fn cast(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        let mut cursor = node.walk();
        let types: Vec<Node<'_>> = node.children_by_field_name("type", &mut cursor).filter(Node::is_named).collect();
        let steps: Vec<StepId> = types.into_iter().map(|ty| self.type_step(ty, site)).collect();
        let ty = match steps.as_slice() {
            [only] => *only,
            _ => self.step(node, Step::Union(steps)),
        };
        let value = node.child_by_field_name("value").map_or(NO_STEP, |value| self.given_to(value, ty, site));
        if ty == NO_STEP { value } else { self.step(node, Step::Typed(ty)) }
    }

    fn ternary(&mut self, node: Node<'_>, expects: Expects, site: JavaSite) -> StepId {
        node.child_by_field_name("condition").map(|condition| self.expression(condition, site));
        let parts = ["consequence", "alternative"].map(|field| node.child_by_field_name(field));
        let steps = parts.into_iter().flatten().map(|part| self.expected(part, expects, site)).collect();
        self.one_of(node, steps)
    }

    pub(super) fn one_of(&mut self, node: Node<'_>, mut steps: Vec<StepId>) -> StepId {
        steps.retain(|&step| step != NO_STEP);
        match steps.as_slice() {
            [] => NO_STEP,
            [only] => *only,
            _ => self.step(node, Step::OneOf(steps)),
        }
    }

    /// `x -> x.go()`, `(A a, B b) -> { .. }`
    fn lambda(&mut self, node: Node<'_>, expects: Expects, site: JavaSite) -> StepId {
        let id = self.bind(node, "", site.scope, BindingKind::Function);
        let scope = self.scope(site.scope, FactScopeKind::Function, Some(id));
        let inside = JavaSite { scope, lambda: Some(id), result: NO_STEP, ..site };
        let mut params = Vec::new();
        if let Some(list) = node.child_by_field_name("parameters") {
            let names = if list.kind() == "identifier" { vec![list] } else { children(list) };
            for (at, name) in names.into_iter().enumerate() {
                if name.kind() != "identifier" {
                    params.extend(self.parameter(name, inside));
                    continue;
                }
                let value = self.expected_parameter(name, expects, at as u32);
                let param = self.bind(name, self.source(name), scope, BindingKind::Parameter);
                self.with(param, |param| param.values.extend(Some(value).filter(|&value| value != NO_STEP)));
                params.push(param);
            }
        }
        self.with(id, |lambda| (lambda.inner, lambda.params) = (Some(scope), params));
        match node.child_by_field_name("body") {
            Some(body) if body.kind() == "block" => self.statements(body, inside),
            Some(body) => {
                let value = self.expression(body, inside);
                self.with(id, |lambda| lambda.values.extend(Some(value).filter(|&value| value != NO_STEP)));
            }
            None => {}
        }
        self.step(node, Step::Function(id))
    }

    fn expected_parameter(&mut self, node: Node<'_>, expects: Expects, at: u32) -> StepId {
        match expects {
            Expects::Nothing => NO_STEP,
            Expects::Argument(call, argument) => self.step(node, Step::Expected { call, argument, parameter: at }),
            Expects::Written(ty) => {
                let of = self.step(node, Step::Typed(ty));
                self.derived(node, of, |of| Step::Parameter { of, at })
            }
        }
    }

    /// `A::b`, `this::b`, `A::new`
    fn method_reference(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        let parts = children(node);
        let Some(&object) = parts.first() else { return NO_STEP };
        let of = self.qualifier(object, site);
        let name = parts.last().filter(|name| name.kind() == "identifier" && parts.len() > 1);
        let text = name.map_or(CONSTRUCTOR, |name| self.source(*name));
        let (text, scope) = (self.text_id(text), site.scope);
        self.derived(node, of, |of| Step::Method { of, text, scope, args: ANY_COUNT, call: NO_STEP })
    }

    fn assignment(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        node.child_by_field_name("left").map(|left| self.expression(left, site));
        node.child_by_field_name("right").map_or(NO_STEP, |right| self.expression(right, site))
    }

    /// Operators nest to the left, in sums of a thousand strings, too.
    fn binary(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        let mut operands = Vec::new();
        let mut left = node;
        while left.kind() == "binary_expression" {
            operands.extend(left.child_by_field_name("right"));
            match left.child_by_field_name("left") {
                Some(inner) => left = inner,
                None => break,
            }
        }
        if left.kind() != "binary_expression" {
            operands.push(left);
        }
        for operand in operands.into_iter().rev() {
            self.expression(operand, site);
        }
        NO_STEP
    }

    /// `this(..)`, `super(..)`, `outer.super(..)`
    fn constructor_call(&mut self, node: Node<'_>, site: JavaSite) -> StepId {
        if let Some(object) = node.child_by_field_name("object") {
            self.expression(object, site);
        }
        let is_super = node.child_by_field_name("constructor").is_some_and(|which| which.kind() == "super");
        let of = if is_super { Step::Super(site.scope) } else { Step::This(site.scope) };
        let of = self.step(node, of);
        let args = child_of(node, "argument_list").map_or(0, |list| children(list).len() as u32);
        let (text, scope) = (self.text_id(CONSTRUCTOR), site.scope);
        let callee = self.derived(node, of, |of| Step::Method { of, text, scope, args, call: NO_STEP });
        let call = self.call_of(node, callee);
        self.arguments(node, call, site);
        call
    }
}

/// The type of a literal, of one with a sign, and of a text that is put together.
fn literal_type(text: &str, node: Node<'_>) -> Option<&'static str> {
    let ends_with = |ends: [char; 2]| text.get(node.byte_range()).is_some_and(|written| written.ends_with(ends));
    Some(match node.kind() {
        "decimal_integer_literal" | "hex_integer_literal" | "octal_integer_literal" | "binary_integer_literal" => {
            if ends_with(['l', 'L']) {
                "long"
            } else {
                "int"
            }
        }
        "decimal_floating_point_literal" | "hex_floating_point_literal" => {
            if ends_with(['f', 'F']) {
                "float"
            } else {
                "double"
            }
        }
        "true" | "false" => "boolean",
        "character_literal" => "char",
        "string_literal" => TEXT,
        "null_literal" => "null",
        "unary_expression" => {
            let operand = node.child_by_field_name("operand")?;
            let is_number = operand.kind().ends_with("_integer_literal") || operand.kind().ends_with("_point_literal");
            literal_type(text, operand).filter(|_| is_number)?
        }
        "binary_expression" => {
            // Sums of a thousand strings nest to the left.
            let mut at = node;
            loop {
                let is_sum = at.child_by_field_name("operator").is_some_and(|operator| operator.kind() == "+");
                let (left, right) = (at.child_by_field_name("left")?, at.child_by_field_name("right")?);
                if !is_sum {
                    return None;
                }
                if [left, right].iter().any(|side| side.kind() == "string_literal") {
                    return Some(TEXT);
                }
                at = if left.kind() == "binary_expression" { left } else { return None };
            }
        }
        _ => return None,
    })
}

const TEXT: &str = "String";
