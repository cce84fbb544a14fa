//! What asks for another shape in C and C++. Few rules, each one that a reader would agree with where it strikes.

use tree_sitter::Node;

use super::node::{source, start_line};
use super::walk::CItem;
use crate::language::smell::{Severity, Smell, SmellKind, noted};

/// Functions that write or read without knowing how much fits.
const UNBOUNDED: [(&str, &str); 4] =
    [("gets", "fgets"), ("strcpy", "snprintf or strlcpy"), ("strcat", "snprintf or strlcat"), ("sprintf", "snprintf")];

/// `is_header`: what the file says, its includers say as well.
pub(super) fn find(text: &str, root: Node<'_>, found: &[CItem<'_>], is_header: bool) -> Vec<Smell> {
    let mut search = CSmells { text, found, smells: Vec::new() };
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        search.visit(node, is_header);
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return search.smells;
            }
        }
    }
}

struct CSmells<'s, 'f> {
    text: &'s str,
    found: &'f [CItem<'f>],
    smells: Vec<Smell>,
}

impl CSmells<'_, '_> {
    fn visit(&mut self, node: Node<'_>, is_header: bool) {
        match node.kind() {
            "using_declaration" if is_header => self.using_in_header(node),
            "call_expression" => self.unbounded(node),
            "catch_clause" => self.empty_handler(node),
            _ => {}
        }
    }

    fn note(&mut self, kind: SmellKind, severity: Severity, node: Node<'_>, message: String) {
        let at = start_line(node);
        let item = self.found.iter().rfind(|one| {
            one.kind.is_function()
                && one.node.start_byte() <= node.start_byte()
                && node.end_byte() <= one.node.end_byte()
        });
        self.smells.push(noted(kind, severity, (at, at), item.map(|item| item.name.as_str()), message));
    }

    /// `using namespace a;` outside of functions, in a header.
    fn using_in_header(&mut self, node: Node<'_>) {
        let is_directive = {
            let mut cursor = node.walk();
            node.children(&mut cursor).any(|child| child.kind() == "namespace")
        };
        let is_open = node.parent().is_some_and(|parent| parent.kind() != "compound_statement");
        if is_directive && is_open {
            let message = "brings its names to every file that includes this header; write them with their namespace";
            self.note(SmellKind::StarImport, Severity::Warning, node, message.to_owned());
        }
    }

    fn unbounded(&mut self, node: Node<'_>) {
        let callee = node.child_by_field_name("function").map_or("", |callee| source(self.text, callee));
        if let Some((_, instead)) = UNBOUNDED.iter().find(|(name, _)| *name == callee) {
            let message = format!("`{callee}` does not know how much fits; use {instead}");
            self.note(SmellKind::UnboundedCopy, Severity::Warning, node, message);
        }
    }

    /// `catch (...) {}` without a word.
    fn empty_handler(&mut self, node: Node<'_>) {
        let Some(body) = node.child_by_field_name("body") else { return };
        if body.named_child_count() == 0 {
            let message = "an error is caught and nothing is done about it; hand it on, or say why it does not matter";
            self.note(SmellKind::SwallowedErrors, Severity::Warning, node, message.to_owned());
        }
    }
}
