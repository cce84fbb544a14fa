//! Measures of one function.

use std::collections::HashSet;

use tree_sitter::Node;

use super::node::{children, source};
use crate::language::duplicate::BodySyntax;
use crate::language::item::Complexity;

/// Visits the nodes of a function's body with the nesting of control flow around each.
fn own_nodes<'t>(function: Node<'t>, mut visit: impl FnMut(Node<'t>, u32)) {
    let Some(body) = body(function) else { return };
    let mut cursor = body.walk();
    let mut nesting = 0;
    let mut open: Vec<u32> = Vec::new();
    loop {
        let node = cursor.node();
        let is_own = node == body || !is_apart(node);
        if is_own {
            visit(node, nesting);
        }
        if is_own && cursor.goto_first_child() {
            open.push(nesting);
            nesting += u32::from(nests(node));
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
            nesting = open.pop().unwrap_or(0);
        }
    }
}

/// The body of a function, or of a test whose body is all that there is.
pub(super) fn body(function: Node<'_>) -> Option<Node<'_>> {
    if function.kind() == "compound_statement" { Some(function) } else { function.child_by_field_name("body") }
}

fn is_apart(node: Node<'_>) -> bool {
    matches!(node.kind(), "field_declaration_list" | "function_definition")
}

fn is_control(kind: &str) -> bool {
    matches!(
        kind,
        "if_statement"
            | "for_statement"
            | "for_range_loop"
            | "while_statement"
            | "do_statement"
            | "switch_statement"
            | "catch_clause"
            | "conditional_expression"
    )
}

fn is_else_if(node: Node<'_>) -> bool {
    node.kind() == "if_statement" && node.parent().is_some_and(|parent| parent.kind() == "else_clause")
}

fn nests(node: Node<'_>) -> bool {
    is_control(node.kind()) && !is_else_if(node) || node.kind() == "lambda_expression"
}

/// Cyclomatic and cognitive complexity (McCabe 1976; Campbell, SonarSource 2023): decisions are `if`, loops, handlers, `case`, `?:`, `&&` and
/// `||`; a construct of control flow costs 1 and its nesting, `else`, `goto` and a run of one logical operator cost 1.
pub(super) fn complexity(text: &str, function: Node<'_>) -> Complexity {
    let mut measured = Complexity { cyclomatic: 1, ..Complexity::default() };
    own_nodes(function, |node, nesting| {
        let kind = node.kind();
        let (cyclomatic, cognitive) = match kind {
            "switch_statement" => (0, 1 + nesting),
            "if_statement" if is_else_if(node) => (1, 0),
            _ if is_control(kind) => (1, 1 + nesting),
            "else_clause" | "goto_statement" => (0, 1),
            "case_statement" => (u32::from(source(text, node).starts_with("case")), 0),
            "&&" | "||" => {
                let outer = node.parent().and_then(|operation| operation.parent());
                let operator = outer.and_then(|outer| outer.child_by_field_name("operator"));
                (1, u32::from(operator.is_none_or(|operator| operator.kind() != kind)))
            }
            _ => (0, 0),
        };
        measured.cyclomatic = measured.cyclomatic.saturating_add(cyclomatic);
        measured.cognitive = measured.cognitive.saturating_add(cognitive);
        let is_counted = is_control(kind) && kind != "conditional_expression" && !is_else_if(node);
        if is_counted && nesting + 1 > measured.nesting {
            measured.nesting = nesting + 1;
            measured.deepest_row = super::node::start_line(node) - 1;
        }
    });
    measured
}

/// Halstead's volume: `N · log2(n)` over the tokens of the body, N their number, n that of distinct ones.
pub(super) fn volume(text: &str, function: Node<'_>) -> f64 {
    let (mut total, mut distinct) = (0_u32, HashSet::new());
    own_nodes(function, |node, _| {
        let token = source(text, node);
        let counts = node.child_count() == 0 && node.kind() != "comment";
        if counts && !matches!(token.trim(), "" | ")" | "]" | "}" | ";") {
            total += 1;
            distinct.insert(token);
        }
    });
    f64::from(total) * f64::from(u32::try_from(distinct.len()).unwrap_or(u32::MAX).max(1)).log2()
}

/// How many parameters a function has, and how many of them are `bool`.
pub(super) fn parameters(text: &str, function: Option<Node<'_>>) -> (u32, u32) {
    let list = function.and_then(|function| function.child_by_field_name("parameters"));
    let all = list.map(children).unwrap_or_default();
    let is_void = |node: &Node<'_>| source(text, *node) == "void";
    let all: Vec<Node<'_>> =
        all.into_iter().filter(|node| node.kind().ends_with("declaration") && !is_void(node)).collect();
    let is_flag = |node: &&Node<'_>| {
        let ty = node.child_by_field_name("type").map_or("", |ty| source(text, ty));
        let is_plain =
            node.child_by_field_name("declarator").is_none_or(|declarator| declarator.kind() == "identifier");
        matches!(ty, "bool" | "_Bool") && is_plain
    };
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    (count(all.len()), count(all.iter().filter(is_flag).count()))
}

/// How bodies are compared.
pub(super) const BODY: BodySyntax = BodySyntax { is_apart, binds, may_be_local: |_| true };

/// A parameter or a variable that a declaration names.
fn binds(identifier: Node<'_>) -> bool {
    let mut at = identifier;
    while let Some(parent) = at.parent() {
        match parent.kind() {
            "pointer_declarator"
            | "reference_declarator"
            | "array_declarator"
            | "parenthesized_declarator"
            | "structured_binding_declarator" => {}
            "init_declarator" => {
                return parent.child_by_field_name("declarator").is_some_and(|declared| declared.id() == at.id());
            }
            "parameter_declaration" | "optional_parameter_declaration" | "declaration" | "for_range_loop" => {
                let mut cursor = parent.walk();
                let mut declared = parent.children_by_field_name("declarator", &mut cursor);
                return declared.any(|declared| declared.id() == at.id());
            }
            _ => return false,
        }
        at = parent;
    }
    false
}
