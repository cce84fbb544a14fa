//! Measures of one function.

use std::collections::HashSet;

use tree_sitter::Node;

use super::node::{children, operator_of, source};
use crate::language::duplicate::BodySyntax;
use crate::language::item::Complexity;
use crate::language::syntax;

/// Where in a body a node stands.
#[derive(Clone, Copy)]
struct BodyPlace {
    nesting: u32,
    /// The `if` that an `if` has behind its `else`.
    other_branch: Option<usize>,
}

/// Visits the nodes of a function's body with the nesting of control flow around each, and whether it is an `else if`.
fn own_nodes<'t>(function: Node<'t>, mut visit: impl FnMut(Node<'t>, u32, bool)) {
    let Some(body) = function.child_by_field_name("body") else { return };
    syntax::walk_with(body, BodyPlace { nesting: 0, other_branch: None }, |node, place| {
        let is_else_if = place.other_branch == Some(node.id()) && node.kind() == "if_statement";
        visit(node, place.nesting, is_else_if);
        let nests = is_control(node.kind()) && !is_else_if || node.kind() == "lambda_expression";
        let other = node.child_by_field_name("alternative").filter(|_| node.kind() == "if_statement");
        Some(BodyPlace { nesting: place.nesting + u32::from(nests), other_branch: other.map(|other| other.id()) })
    });
}

fn is_control(kind: &str) -> bool {
    matches!(
        kind,
        "if_statement"
            | "for_statement"
            | "foreach_statement"
            | "while_statement"
            | "do_statement"
            | "switch_statement"
            | "switch_expression"
            | "catch_clause"
            | "conditional_expression"
    )
}

/// Cyclomatic and cognitive complexity (McCabe 1976; Campbell, SonarSource 2023): decisions are `if`, loops, handlers, `case`, arms, `?:`,
/// `&&`, `||` and `??`; a construct of control flow costs 1 and its nesting, `else`, `else if`, `goto` and a run of one logical operator cost 1.
pub(super) fn complexity(text: &str, function: Node<'_>) -> Complexity {
    let mut measured = Complexity { cyclomatic: 1, ..Complexity::default() };
    own_nodes(function, |node, nesting, is_else_if| {
        let kind = node.kind();
        let (cyclomatic, mut cognitive) = match kind {
            "switch_statement" | "switch_expression" => (0, 1 + nesting),
            "if_statement" if is_else_if => (1, 1),
            _ if is_control(kind) => (1, 1 + nesting),
            "goto_statement" => (0, 1),
            "switch_section" => (u32::from(source(text, node).starts_with("case")), 0),
            "switch_expression_arm" => (u32::from(!source(text, node).starts_with('_')), 0),
            "binary_expression" => logical(node),
            _ => (0, 0),
        };
        let other = node.child_by_field_name("alternative").filter(|_| kind == "if_statement");
        cognitive += u32::from(other.is_some_and(|other| other.kind() != "if_statement"));
        measured.cyclomatic = measured.cyclomatic.saturating_add(cyclomatic);
        measured.cognitive = measured.cognitive.saturating_add(cognitive);
        let is_counted = is_control(kind) && kind != "conditional_expression" && !is_else_if;
        if is_counted && nesting + 1 > measured.nesting {
            measured.nesting = nesting + 1;
            measured.deepest_row = u32::try_from(node.start_position().row).unwrap_or(u32::MAX);
        }
    });
    measured
}

/// A logical operator; the first of a run of the same counts for all of them.
fn logical(node: Node<'_>) -> (u32, u32) {
    let own = operator_of(node);
    if !matches!(own, "&&" | "||" | "??") {
        return (0, 0);
    }
    let left = node.child_by_field_name("left").filter(|left| left.kind() == "binary_expression");
    (1, u32::from(left.is_none_or(|left| operator_of(left) != own)))
}

/// Halstead's volume: `N · log2(n)` over the tokens of the body, N their number, n that of distinct ones.
pub(super) fn volume(text: &str, function: Node<'_>) -> f64 {
    let (mut total, mut distinct) = (0_u32, HashSet::new());
    own_nodes(function, |node, _, _| {
        let token = source(text, node);
        let counts = node.child_count() == 0 && node.kind() != "comment";
        if counts && !matches!(token.trim(), "" | ")" | "]" | "}" | ";") {
            total += 1;
            distinct.insert(token);
        }
    });
    f64::from(total) * f64::from(u32::try_from(distinct.len()).unwrap_or(u32::MAX).max(1)).log2()
}

/// How bodies are compared with each other.
pub(super) const BODY: BodySyntax =
    BodySyntax { is_apart: |node| node.kind() == "local_function_statement", binds, may_be_local };

/// A parameter, or a variable that a declaration, loop or pattern names.
fn binds(identifier: Node<'_>) -> bool {
    identifier.parent().is_some_and(|parent| {
        let is_field = |field: &str| parent.child_by_field_name(field).is_some_and(|one| one.id() == identifier.id());
        match parent.kind() {
            "parameter"
            | "variable_declarator"
            | "declaration_expression"
            | "declaration_pattern"
            | "catch_declaration" => is_field("name"),
            "foreach_statement" => is_field("left"),
            "tuple_pattern" => true,
            _ => false,
        }
    })
}

fn may_be_local(identifier: Node<'_>) -> bool {
    identifier.parent().is_none_or(|parent| {
        let is_name = parent.child_by_field_name("name").is_some_and(|name| name.id() == identifier.id());
        !(is_name && matches!(parent.kind(), "member_access_expression" | "member_binding_expression" | "argument"))
    })
}

/// Parameters of a function, and those of them that are true or false.
pub(super) fn counted(text: &str, list: Option<Node<'_>>) -> (u32, u32) {
    let listed = list.map(|list| super::node::parameters(text, list)).unwrap_or_default();
    let flags = listed.iter().filter(|one| one.ty.is_some_and(|ty| source(text, ty) == "bool")).count();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    (count(listed.len()), count(flags))
}

/// Whether a body holds nothing.
pub(super) fn is_empty(body: Node<'_>) -> bool {
    children(body).is_empty()
}
