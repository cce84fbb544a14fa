//! Annotations and other written types.

use tree_sitter::{Node, Range};

use super::super::rules;
use super::{Around, Lowering, children, last_name};
use crate::language::eval::facts::{NO_STEP, NameSpace, Step, StepId};

/// Longest type that is written as a string.
const STRING_BYTES_MAX: usize = 2_000;

impl Lowering<'_> {
    /// The step of a written type.
    pub(super) fn annotation(&mut self, node: Node<'_>, place: &Around) -> StepId {
        self.deeper(|this| this.type_of_kind(node, place)).unwrap_or(NO_STEP)
    }

    /// Whether a name of this kind is followed by types in brackets.
    pub(super) fn is_typing_name(&self, name: &str) -> bool {
        rules::type_role(name).is_some()
    }

    fn type_of_kind(&mut self, node: Node<'_>, place: &Around) -> StepId {
        match node.kind() {
            "type" | "parenthesized_expression" | "splat_type" => {
                children(node).into_iter().map(|child| self.annotation(child, place)).last().unwrap_or(NO_STEP)
            }
            "identifier" => self.plain_name(node, place),
            "generic_type" => {
                let parts = children(node);
                let (Some(&base), Some(&list)) = (parts.first(), parts.get(1)) else { return NO_STEP };
                self.applied(base, &children(list), node, place)
            }
            "subscript" => {
                let Some(base) = node.child_by_field_name("value") else { return NO_STEP };
                let mut cursor = node.walk();
                let args: Vec<Node<'_>> = node.children_by_field_name("subscript", &mut cursor).collect();
                let args = match args.as_slice() {
                    [only] if only.kind() == "tuple" => children(*only),
                    _ => args,
                };
                self.applied(base, &args, node, place)
            }
            "union_type" => self.union(&children(node), node, place),
            "binary_operator" => {
                let sides: Vec<Node<'_>> =
                    ["left", "right"].into_iter().filter_map(|side| node.child_by_field_name(side)).collect();
                self.union(&sides, node, place)
            }
            "member_type" => {
                let parts = children(node);
                let (Some(&of), Some(&name)) = (parts.first(), parts.last()) else { return NO_STEP };
                let of = self.annotation(of, place);
                let text = self.text_id(self.source(name));
                self.derived(of, |of| Step::Member { of, text }, name)
            }
            "list" | "tuple" | "expression_list" => {
                let steps = children(node).into_iter().map(|child| self.annotation(child, place)).collect();
                self.step(Step::Tuple(steps), node)
            }
            "string" | "concatenated_string" => self.written_as_string(node, place),
            "none" | "ellipsis" => NO_STEP,
            _ => self.expression(node, place),
        }
    }

    /// A name in a type: what is known of values does not matter.
    fn plain_name(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let text = self.text_id(self.source(node));
        self.step(Step::Name { text, scope: place.scope, space: NameSpace::Type }, node)
    }

    fn union(&mut self, sides: &[Node<'_>], node: Node<'_>, place: &Around) -> StepId {
        let steps = sides.iter().map(|&side| self.annotation(side, place)).collect();
        self.step(Step::Union(steps), node)
    }

    /// `Base[args]`; what `Literal` holds and what `Annotated` adds are values.
    fn applied(&mut self, base: Node<'_>, args: &[Node<'_>], node: Node<'_>, place: &Around) -> StepId {
        let name = last_name(self.text, base);
        let (is_literal, is_annotated) = (name == "Literal", name == "Annotated");
        let base = self.annotation(base, place);
        let mut steps = Vec::new();
        for (at, &arg) in args.iter().enumerate() {
            let is_value = is_literal || is_annotated && at > 0;
            steps.push(if is_value { self.expression(arg, place) } else { self.annotation(arg, place) });
        }
        self.step(Step::Apply { base, args: steps }, node)
    }

    /// `"A | None"`
    fn written_as_string(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let content = children(node).into_iter().find(|child| child.kind() == "string_content");
        let Some(content) = content.filter(|content| content.byte_range().len() <= STRING_BYTES_MAX) else {
            return NO_STEP;
        };
        let range = Range {
            start_byte: content.start_byte(),
            end_byte: content.end_byte(),
            start_point: content.start_position(),
            end_point: content.end_position(),
        };
        let tree = self.parts.as_mut().and_then(|parts| parts.parse_within(self.text, range));
        let Some(tree) = tree else { return NO_STEP };
        let statement = tree.root_node().named_child(0);
        let inner = statement.filter(|statement| statement.kind() == "expression_statement");
        inner.and_then(|inner| inner.named_child(0)).map_or(NO_STEP, |inner| self.annotation(inner, place))
    }
}
