//! Measures of one function of a script.

use std::collections::HashSet;

use tree_sitter::Node;

use super::outline::line;
use super::walk::of;
use crate::language::duplicate::{self, BodySyntax, ComparedBody, FEWEST_LINES};
use crate::language::item::{Complexity, Function};
use crate::language::smell::Smell;
use crate::language::syntax;

/// Visits the nodes of a function's body with the nesting of control flow around each, without the named functions and classes inside
/// it; callbacks count to the function that passes them.
fn own_nodes<'t>(body: Node<'t>, mut visit: impl FnMut(Node<'t>, u32)) {
    syntax::walk_with(body, 0, |node, nesting| {
        if is_apart(node) {
            return None;
        }
        visit(node, nesting);
        Some(nesting + u32::from(is_control(node.kind()) && !is_else_if(node)))
    });
}

/// A function or class that is measured by itself.
fn is_apart(node: Node<'_>) -> bool {
    match node.kind() {
        "function_declaration"
        | "generator_function_declaration"
        | "class_declaration"
        | "class"
        | "method_definition" => true,
        "arrow_function" | "function_expression" | "generator_function" => node
            .parent()
            .is_some_and(|parent| matches!(parent.kind(), "variable_declarator" | "pair" | "assignment_expression")),
        _ => false,
    }
}

const BODY: BodySyntax = BodySyntax { is_apart, binds, may_be_local: |_| true };

/// Bodies that repeat an earlier one.
pub(super) fn repeated<'t>(text: &'t str, functions: impl Iterator<Item = (Node<'t>, &'t Function)>) -> Vec<Smell> {
    let compared = functions.filter(|(_, function)| !function.is_test && function.code_lines >= FEWEST_LINES);
    duplicate::smells(compared.filter_map(|(node, function)| {
        let parameters = ["parameters", "parameter"].into_iter().filter_map(|field| node.child_by_field_name(field));
        let parameters: Vec<Node<'_>> = parameters.collect();
        let body = node.child_by_field_name("body")?;
        let (name, lines) = (function.name.as_str(), (function.start_line, function.end_line));
        Some(ComparedBody { name, lines, tokens: BODY.tokens(text, &parameters, body) })
    }))
}

/// A parameter, or a name that `let`, `const`, `var`, a loop or `catch` declares. Members have a kind of their own.
fn binds(identifier: Node<'_>) -> bool {
    let mut at = identifier;
    while let Some(parent) = at.parent() {
        match parent.kind() {
            "array_pattern"
            | "object_pattern"
            | "rest_pattern"
            | "assignment_pattern"
            | "object_assignment_pattern"
            | "pair_pattern" => {
                let is_value = parent.child_by_field_name("right") == Some(at);
                if is_value {
                    return false;
                }
                at = parent;
            }
            "formal_parameters" => return true,
            "required_parameter" | "optional_parameter" => return parent.child_by_field_name("pattern") == Some(at),
            "arrow_function" | "catch_clause" => return parent.child_by_field_name("parameter") == Some(at),
            "variable_declarator" => return parent.child_by_field_name("name") == Some(at),
            "for_in_statement" => return parent.child_by_field_name("left") == Some(at),
            _ => return false,
        }
    }
    false
}

fn is_control(kind: &str) -> bool {
    matches!(
        kind,
        "if_statement"
            | "for_statement"
            | "for_in_statement"
            | "while_statement"
            | "do_statement"
            | "switch_statement"
            | "catch_clause"
            | "ternary_expression"
    )
}

/// `else if`, which is no deeper than its `if`.
fn is_else_if(node: Node<'_>) -> bool {
    node.kind() == "if_statement" && node.parent().is_some_and(|parent| parent.kind() == "else_clause")
}

fn is_logical(text: &str, node: Node<'_>) -> bool {
    node.kind() == "binary_expression"
        && node.child_by_field_name("operator").is_some_and(|operator| matches!(of(text, operator), "&&" | "||" | "??"))
}

/// Cyclomatic and cognitive complexity as for Rust (McCabe 1976; Campbell, SonarSource 2023): decisions are `if`, loops, handlers,
/// cases, `?:` and logical operators; a construct of control flow costs 1 and its nesting, `else` and a logical operator cost 1.
pub(super) fn complexity(text: &str, body: Node<'_>) -> Complexity {
    let mut measured = Complexity { cyclomatic: 1, ..Complexity::default() };
    own_nodes(body, |node, nesting| {
        let kind = node.kind();
        let is_chained = is_else_if(node);
        let (cyclomatic, cognitive) = match kind {
            "switch_statement" => (0, 1 + nesting),
            _ if is_chained => (1, 0),
            _ if is_control(kind) => (1, 1 + nesting),
            "else_clause" => (0, 1),
            "switch_case" => (1, 0),
            _ if is_logical(text, node) => {
                let is_same = node
                    .parent()
                    .is_some_and(|parent| is_logical(text, parent) && operator(text, parent) == operator(text, node));
                (1, u32::from(!is_same))
            }
            _ => (0, 0),
        };
        measured.cyclomatic = measured.cyclomatic.saturating_add(cyclomatic);
        measured.cognitive = measured.cognitive.saturating_add(cognitive);
        if is_control(kind) && !is_chained && kind != "ternary_expression" && nesting + 1 > measured.nesting {
            measured.nesting = nesting + 1;
            measured.deepest_row = line(node.start_position().row) - 1;
        }
    });
    measured
}

fn operator<'t>(text: &'t str, node: Node<'_>) -> &'t str {
    node.child_by_field_name("operator").map(|operator| of(text, operator)).unwrap_or_default()
}

/// Halstead's volume: `N · log2(n)` over the tokens of the body, N their number, n that of distinct ones.
pub(super) fn volume(text: &str, body: Node<'_>) -> f64 {
    let (mut total, mut distinct) = (0_u32, HashSet::new());
    own_nodes(body, |node, _| {
        let token = of(text, node);
        if node.child_count() == 0 && node.kind() != "comment" && !matches!(token, "" | ")" | "]" | "}" | ";") {
            total += 1;
            distinct.insert(token);
        }
    });
    f64::from(total) * f64::from(u32::try_from(distinct.len()).unwrap_or(u32::MAX).max(1)).log2()
}
