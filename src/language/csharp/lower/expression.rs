//! Expressions.

use tree_sitter::Node;

use super::super::node::{children, operands, operator_of};
use super::{SharpLowering, SharpSite, Wanted};
use crate::language::eval::facts::{BindingKind, FactScopeKind, NO_STEP, NameSpace, Step, StepId};

impl<'t> SharpLowering<'t> {
    /// The step of an expression; [`NO_STEP`] where nothing of it can lead to another file, or it nests too deep.
    pub(super) fn expression(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        self.wanted(node, Wanted::Nothing, site)
    }

    /// An expression that is given to what has a written type.
    pub(super) fn given_to(&mut self, node: Node<'t>, ty: StepId, site: SharpSite) -> StepId {
        self.wanted(node, if ty == NO_STEP { Wanted::Nothing } else { Wanted::Written(ty) }, site)
    }

    pub(super) fn wanted(&mut self, node: Node<'t>, wanted: Wanted, site: SharpSite) -> StepId {
        self.deeper(|this| this.expression_of_kind(node, wanted, site)).unwrap_or(NO_STEP)
    }

    fn expression_of_kind(&mut self, node: Node<'t>, wanted: Wanted, site: SharpSite) -> StepId {
        match node.kind() {
            "identifier" => self.name(node, NameSpace::Value, site),
            "this" => self.step(node, Step::This(site.scope)),
            "base" => self.step(node, Step::Super(site.scope)),
            "member_access_expression"
            | "invocation_expression"
            | "conditional_access_expression"
            | "element_access_expression"
            | "postfix_unary_expression" => self.chain(node, site),
            "generic_name" | "qualified_name" | "alias_qualified_name" => self.type_step(node, site),
            "object_creation_expression" => self.creation(node, site),
            "implicit_object_creation_expression" => {
                let ty = if let Wanted::Written(ty) = wanted { ty } else { NO_STEP };
                self.created(node, ty, site)
            }
            "parenthesized_expression" | "checked_expression" | "ref_expression" => {
                let parts = operands(node).into_iter();
                parts.map(|part| self.wanted(part, wanted, site)).last().unwrap_or(NO_STEP)
            }
            "conditional_expression" => self.conditional(node, wanted, site),
            "binary_expression" => self.binary(node, wanted, site),
            "lambda_expression" | "anonymous_method_expression" => self.lambda(node, wanted, site),
            "assignment_expression" => self.assignment(node, site),
            "switch_expression" => self.switch_expression(node, wanted, site),
            "declaration_expression" => self.declared_out(node, wanted, site),
            "await_expression" => {
                let of = operands(node).first().map_or(NO_STEP, |&of| self.expression(of, site));
                self.derived(node, of, Step::Await)
            }
            _ => self.made(node, site),
        }
    }

    /// What makes a value of a written type, holds values, or is a literal.
    fn made(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        let part = |field| node.child_by_field_name(field);
        match node.kind() {
            "cast_expression" | "as_expression" => {
                let (value, ty) = (part("value").or(part("left")), part("type").or(part("right")));
                let ty = ty.map_or(NO_STEP, |ty| self.type_step(ty, site));
                let value = value.map_or(NO_STEP, |value| self.given_to(value, ty, site));
                if ty == NO_STEP { value } else { self.step(node, Step::Typed(ty)) }
            }
            "is_expression" => {
                part("left").into_iter().for_each(|left| {
                    self.expression(left, site);
                });
                part("right").into_iter().for_each(|right| {
                    self.type_step(right, site);
                });
                NO_STEP
            }
            "is_pattern_expression" => {
                let of = part("expression").map_or(NO_STEP, |of| self.expression(of, site));
                part("pattern").into_iter().for_each(|pattern| self.pattern(pattern, of, site));
                NO_STEP
            }
            "array_creation_expression" | "default_expression" | "typeof_expression" | "sizeof_expression" => {
                let ty = part("type").map_or(NO_STEP, |ty| self.type_step(ty, site));
                self.inside(node, "initializer_expression", site);
                if matches!(node.kind(), "typeof_expression" | "sizeof_expression") {
                    NO_STEP
                } else {
                    self.derived(node, ty, Step::Typed)
                }
            }
            "implicit_array_creation_expression" | "initializer_expression" | "collection_expression" => {
                self.list(node, site)
            }
            "tuple_expression" => {
                let parts = children(node).into_iter().map(|one| operands(one).pop());
                let parts: Vec<Option<Node<'t>>> = parts.collect();
                let parts =
                    parts.into_iter().map(|one| one.map_or(NO_STEP, |one| self.expression(one, site))).collect();
                self.step(node, Step::Tuple(parts))
            }
            "with_expression" => self.with_changes(node, site),
            "anonymous_object_creation_expression" => self.anonymous_object(node, site),
            "query_expression" => self.query(node, site),
            "block" => {
                let inside = self.block(site);
                self.statements(node, inside);
                NO_STEP
            }
            _ => self.literal_or_parts(node, site),
        }
    }

    fn literal_or_parts(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        let text = self.source(node);
        let ends_with = |end: &[char]| text.ends_with(end);
        let ty = match node.kind() {
            "string_literal" | "verbatim_string_literal" | "raw_string_literal" => "string",
            "interpolated_string_expression" => {
                self.parts(node, site);
                "string"
            }
            "integer_literal" if ends_with(&['l', 'L']) => "long",
            "integer_literal" => "int",
            "real_literal" if ends_with(&['f', 'F']) => "float",
            "real_literal" if ends_with(&['m', 'M']) => "decimal",
            "real_literal" => "double",
            "boolean_literal" => "bool",
            "character_literal" => "char",
            "null_literal" => "null",
            kind if kind.ends_with("_type") => {
                self.type_step(node, site);
                return NO_STEP;
            }
            kind if kind.ends_with("_pattern") => {
                self.pattern(node, NO_STEP, site);
                return NO_STEP;
            }
            _ => {
                self.parts(node, site);
                return NO_STEP;
            }
        };
        self.plain(node, ty)
    }

    /// All that is inside, for what it names.
    pub(super) fn parts(&mut self, node: Node<'t>, site: SharpSite) {
        operands(node).into_iter().for_each(|part| {
            self.expression(part, site);
        });
    }

    fn inside(&mut self, node: Node<'t>, kind: &str, site: SharpSite) {
        let parts = children(node).into_iter().filter(|part| part.kind() == kind).collect::<Vec<_>>();
        parts.into_iter().for_each(|part| {
            self.expression(part, site);
        });
    }

    pub(super) fn name(&mut self, node: Node<'_>, space: NameSpace, site: SharpSite) -> StepId {
        let text = self.text_id(self.source(node));
        self.step(node, Step::Name { text, scope: site.scope, space })
    }

    fn list(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        let mut parts = Vec::new();
        for part in operands(node) {
            match part.kind() {
                "initializer_expression" if node.kind() == "implicit_array_creation_expression" => {
                    return self.list(part, site);
                }
                "collection_element" => {
                    let element = children(part).first().copied();
                    let value = element.and_then(|one| operands(one).first().copied());
                    let value = value.map_or(NO_STEP, |value| self.expression(value, site));
                    let is_spread = element.is_some_and(|one| one.kind() == "spread_element");
                    parts.push(if is_spread { self.derived(part, value, Step::Element) } else { value });
                }
                _ => parts.push(self.expression(part, site)),
            }
        }
        parts.retain(|&part| part != NO_STEP);
        self.step(node, Step::List(parts))
    }

    fn conditional(&mut self, node: Node<'t>, wanted: Wanted, site: SharpSite) -> StepId {
        let part = |field| node.child_by_field_name(field);
        part("condition").into_iter().for_each(|condition| {
            self.expression(condition, site);
        });
        let branches = [part("consequence"), part("alternative")].into_iter().flatten();
        let steps = branches.map(|branch| self.wanted(branch, wanted, site)).collect();
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

    /// Operators nest to the left, in sums of a thousand strings, too.
    fn binary(&mut self, node: Node<'t>, wanted: Wanted, site: SharpSite) -> StepId {
        if operator_of(node) == "??" {
            let sides = ["left", "right"].into_iter().filter_map(|side| node.child_by_field_name(side));
            let steps = sides.map(|side| self.wanted(side, wanted, site)).collect();
            return self.one_of(node, steps);
        }
        let mut sides = Vec::new();
        let mut left = node;
        while left.kind() == "binary_expression" && operator_of(left) != "??" {
            sides.extend(left.child_by_field_name("right"));
            match left.child_by_field_name("left") {
                Some(inner) => left = inner,
                None => break,
            }
        }
        sides.push(left);
        let mut is_text = false;
        for side in sides.into_iter().rev() {
            is_text |= matches!(side.kind(), "string_literal" | "interpolated_string_expression");
            self.expression(side, site);
        }
        if is_text && operator_of(node) == "+" { self.plain(node, "string") } else { NO_STEP }
    }

    fn assignment(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        let left = node.child_by_field_name("left").map_or(NO_STEP, |left| self.expression(left, site));
        let right = node.child_by_field_name("right").map_or(NO_STEP, |right| self.expression(right, site));
        self.deconstructed(node, right, site);
        if right == NO_STEP { left } else { right }
    }

    /// `(var a, int b) = of`: what is declared gets what stands at its place.
    fn deconstructed(&mut self, node: Node<'t>, of: StepId, site: SharpSite) {
        let Some(left) = node.child_by_field_name("left").filter(|left| left.kind() == "tuple_expression") else {
            return;
        };
        for (at, one) in (0_u32..).zip(children(left)) {
            let declared = operands(one).pop().filter(|one| one.kind() == "declaration_expression");
            let name = declared.and_then(|one| one.child_by_field_name("name"));
            if let Some(name) = name.filter(|_| of != NO_STEP) {
                let value = self.step(node, Step::Slot { of, at });
                self.local(name, site.scope, NO_STEP, value);
            }
        }
    }

    /// `one with { Name = 2 }`
    fn with_changes(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        let mut parts = operands(node).into_iter();
        let of = parts.next().map_or(NO_STEP, |of| self.expression(of, site));
        for part in parts {
            let mut inside = operands(part).into_iter();
            if let Some(key) = inside.next() {
                let text = self.text_id(self.source(key));
                self.derived(key, of, |of| Step::Member { of, text });
            }
            inside.for_each(|value| {
                self.expression(value, site);
            });
        }
        of
    }

    /// `new { a.B, C = d }`
    fn anonymous_object(&mut self, node: Node<'t>, site: SharpSite) -> StepId {
        let scope = self.scope(site.scope, FactScopeKind::Record, None);
        let mut name = None;
        for part in operands(node) {
            if part.next_sibling().is_some_and(|next| next.kind() == "=") {
                name = Some(part);
                continue;
            }
            let value = self.expression(part, site);
            let written = name.take().or(part.child_by_field_name("name")).unwrap_or(part);
            let binding = self.bind(written, self.source(written), scope, BindingKind::Variable);
            self.typed(binding, NO_STEP, value);
        }
        NO_STEP
    }

    /// `out var x`: what the function gives there.
    fn declared_out(&mut self, node: Node<'t>, wanted: Wanted, site: SharpSite) -> StepId {
        let ty = node.child_by_field_name("type").map_or(NO_STEP, |ty| self.type_step(ty, site));
        let value = match wanted {
            Wanted::Argument(call, at) if ty == NO_STEP => match self.facts.step(call) {
                Some(Step::Call { callee, .. }) => {
                    let of = *callee;
                    self.step(node, Step::Parameter { of, at })
                }
                _ => NO_STEP,
            },
            _ => NO_STEP,
        };
        if let Some(name) = node.child_by_field_name("name") {
            self.local(name, site.scope, ty, value);
        }
        self.derived(node, ty, Step::Typed)
    }
}
