//! Measures of a function, from the branches and loops that the query names.

use std::collections::HashSet;
use std::ops::Range;

use tree_sitter::Node;

use super::items::line;
use super::query::Matches;
use crate::language::item::Complexity;

/// Cyclomatic complexity counts branches and loops, cognitive complexity each with its nesting; an `if` behind `else` is on the level of
/// the one before. Logical operators, jumps and single cases are not counted.
pub(super) fn complexity(function: &Range<usize>, matches: &Matches) -> Complexity {
    let mut measured = Complexity { cyclomatic: 1, ..Complexity::default() };
    let mut open: Vec<(usize, u32)> = Vec::new();
    let first = matches.controls.partition_point(|control| control.range.start < function.start);
    let inside = matches.controls.iter().skip(first).take_while(|control| control.range.start < function.end);
    for control in inside.filter(|control| control.range.end <= function.end) {
        while open.last().is_some_and(|(end, _)| *end <= control.range.start) {
            open.pop();
        }
        let outer = open.last().map_or(0, |(_, nesting)| *nesting);
        let nesting = if control.is_else { outer } else { outer + 1 };
        open.push((control.range.end, nesting));
        measured.cyclomatic = measured.cyclomatic.saturating_add(1);
        measured.cognitive = measured.cognitive.saturating_add(if control.is_else { 1 } else { nesting });
        if nesting > measured.nesting {
            measured.nesting = nesting;
            measured.deepest_row = line(control.row) - 1;
        }
    }
    measured
}

/// The tokens of a file, comments and what only closes apart, each with its place, in the order of the text.
pub(super) struct Tokens<'t>(Vec<(usize, &'t str)>);

impl<'t> Tokens<'t> {
    pub fn of(text: &'t str, root: Node<'_>) -> Self {
        let mut tokens = Vec::new();
        let mut cursor = root.walk();
        loop {
            let node = cursor.node();
            if cursor.goto_first_child() {
                continue;
            }
            let token = text.get(node.byte_range()).unwrap_or_default().trim();
            if !node.is_extra() && !matches!(token, "" | ")" | "]" | "}" | ";") {
                tokens.push((node.start_byte(), token));
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return Self(tokens);
                }
            }
        }
    }

    /// Halstead's volume: `N · log2(n)` over the tokens of a stretch, N their number, n that of distinct ones.
    pub fn volume(&self, range: &Range<usize>) -> f64 {
        let first = self.0.partition_point(|(at, _)| *at < range.start);
        let inside = self.0.iter().skip(first).take_while(|(at, _)| *at < range.end);
        let (mut total, mut distinct) = (0_u32, HashSet::new());
        for (_, token) in inside {
            total = total.saturating_add(1);
            distinct.insert(*token);
        }
        f64::from(total) * f64::from(u32::try_from(distinct.len()).unwrap_or(u32::MAX).max(1)).log2()
    }
}
