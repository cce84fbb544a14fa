//! Measures of one function.

use std::collections::HashSet;

use tree_sitter::Node;

use super::node::{children, fields, line, source};
use crate::language::item::Complexity;

/// Visits the nodes of a function's body with the nesting of control flow around each. The third says that an `if` or a block belongs to
/// the `else` of another `if`.
fn own_nodes<'t>(body: Node<'t>, mut visit: impl FnMut(Node<'t>, u32, bool)) {
    let mut cursor = body.walk();
    let mut nesting = 0;
    let mut open: Vec<u32> = Vec::new();
    loop {
        let node = cursor.node();
        let is_else = cursor.field_name() == Some("alternative");
        visit(node, nesting, is_else);
        if cursor.goto_first_child() {
            open.push(nesting);
            nesting += u32::from(is_control(node.kind()) && !is_else);
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

fn is_control(kind: &str) -> bool {
    matches!(
        kind,
        "if_statement" | "for_statement" | "expression_switch_statement" | "type_switch_statement" | "select_statement"
    )
}

/// Cyclomatic and cognitive complexity as for Rust (McCabe 1976; Campbell, SonarSource 2023): decisions are `if`, loops, cases, `&&` and
/// `||`; a construct of control flow costs 1 and its nesting, `else` and a logical operator cost 1.
pub(super) fn complexity(function: Node<'_>) -> Complexity {
    let mut measured = Complexity { cyclomatic: 1, ..Complexity::default() };
    let Some(body) = function.child_by_field_name("body") else { return measured };
    own_nodes(body, |node, nesting, is_else| {
        let (cyclomatic, cognitive) = match node.kind() {
            "if_statement" if is_else => (1, 1),
            "if_statement" | "for_statement" => (1, 1 + nesting),
            kind if is_control(kind) => (0, 1 + nesting),
            "block" if is_else => (0, 1),
            "expression_case" | "type_case" | "communication_case" => (1, 0),
            "&&" | "||" => (1, 1),
            _ => (0, 0),
        };
        measured.cyclomatic = measured.cyclomatic.saturating_add(cyclomatic);
        measured.cognitive = measured.cognitive.saturating_add(cognitive);
        if is_control(node.kind()) && !is_else && nesting + 1 > measured.nesting {
            measured.nesting = nesting + 1;
            measured.deepest_row = line(node.start_position().row) - 1;
        }
    });
    measured
}

/// Halstead's volume: `N · log2(n)` over the tokens of the body, N their number, n that of distinct ones.
pub(super) fn volume(text: &str, function: Node<'_>) -> f64 {
    let (mut total, mut distinct) = (0_u32, HashSet::new());
    let Some(body) = function.child_by_field_name("body") else { return 0.0 };
    own_nodes(body, |node, _, _| {
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
pub(super) fn parameters(text: &str, function: Node<'_>) -> (u32, u32) {
    let (mut all, mut flags) = (0_u32, 0_u32);
    for group in function.child_by_field_name("parameters").map(children).unwrap_or_default() {
        let count = u32::try_from(fields(group, "name").len().max(1)).unwrap_or(u32::MAX);
        let is_flag = group.child_by_field_name("type").is_some_and(|ty| source(text, ty) == "bool");
        all = all.saturating_add(count);
        flags = flags.saturating_add(if is_flag { count } else { 0 });
    }
    (all, flags)
}
