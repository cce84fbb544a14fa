//! What stands in a macro's arguments: they are read again as an expression, which most of them are.

use tree_sitter::Node;

use super::super::model::{Include, NO_VALUE, Space, Step, Value};
use super::{Walk, line_of, named_children};

/// Attributes whose arguments name nothing that a file defines.
const PLAIN_ATTRIBUTES: &[&str] = &[
    "cfg",
    "cfg_attr",
    "allow",
    "expect",
    "warn",
    "deny",
    "forbid",
    "doc",
    "repr",
    "must_use",
    "inline",
    "deprecated",
    "path",
    "test",
];

/// Macros whose value is text.
const TEXT_MACROS: &[&str] =
    &["format", "concat", "stringify", "include_str", "env", "file", "line", "column", "module_path"];

/// Macros within macros' arguments that are read again; each costs a parse of its own.
const REREAD_DEPTH_MAX: u32 = 24;

impl Walk<'_> {
    /// A macro in the place of an item: it may hold items.
    pub(super) fn item_macro(&mut self, node: Node<'_>) {
        let Some(path) = node.child_by_field_name("macro") else { return };
        self.path(path, Space::Macro);
        self.note_include(node, path);
        self.model.item_macros.push(self.scope);
        if let Some(arguments) = arguments_of(node) {
            self.in_body(|walk| {
                walk.reread(arguments);
            });
        }
    }

    /// A macro in the place of an expression.
    pub(super) fn macro_call(&mut self, node: Node<'_>) -> Value {
        let Some(path) = node.child_by_field_name("macro") else { return NO_VALUE };
        let name = self.text(path).rsplit("::").next().unwrap_or_default();
        self.path(path, Space::Macro);
        self.note_include(node, path);
        let value = arguments_of(node).map_or(NO_VALUE, |arguments| self.reread(arguments));
        match name {
            "vec" | "dbg" => value,
            name if TEXT_MACROS.contains(&name) => self.push_step(Step::Text),
            _ => NO_VALUE,
        }
    }

    /// Reads a token tree again as what it looks like: a tuple, an array or a block.
    fn reread(&mut self, tokens: Node<'_>) -> Value {
        if self.rereads >= REREAD_DEPTH_MAX || tokens.named_child_count() == 0 {
            return NO_VALUE;
        }
        let Some(tree) = self.parser.parse_within(self.text, tokens) else { return NO_VALUE };
        self.rereads += 1;
        let value = self.deeper(|walk| walk.with_locals(|walk| walk.statements(tree.root_node())));
        self.rereads -= 1;
        value.unwrap_or(NO_VALUE)
    }

    /// `#[derive(A, B)]` names macros; the arguments of other attributes are read as expressions.
    pub(super) fn attribute_arguments(&mut self, node: Node<'_>) {
        let Some(inner) = node.named_child(0).filter(|inner| inner.kind() == "attribute") else { return };
        let Some(path) = inner.named_child(0) else { return };
        let name = self.text(path);
        if PLAIN_ATTRIBUTES.contains(&name) {
            return;
        }
        let Some(arguments) = inner.child_by_field_name("arguments") else {
            if name.contains("::") || !name.is_empty() {
                self.path(path, Space::Macro);
            }
            return;
        };
        if name == "derive" {
            self.derives(arguments);
        } else {
            self.in_body(|walk| {
                walk.reread(arguments);
            });
        }
    }

    fn derives(&mut self, arguments: Node<'_>) {
        let mut segments = Vec::new();
        let mut cursor = arguments.walk();
        for token in arguments.children(&mut cursor) {
            match token.kind() {
                "identifier" | "crate" | "self" | "super" => segments.push(self.name_of(token)),
                "::" => {}
                _ if segments.is_empty() => {}
                _ => {
                    self.push_path(std::mem::take(&mut segments), Space::Macro, line_of(token));
                }
            }
        }
    }

    fn note_include(&mut self, node: Node<'_>, name: Node<'_>) {
        let source = match self.text(name) {
            "include" => true,
            "include_str" | "include_bytes" => false,
            _ => return,
        };
        let argument = arguments_of(node).and_then(|arguments| {
            named_children(arguments).into_iter().find(|child| child.kind().ends_with("string_literal"))
        });
        if let Some(path) = argument.and_then(|argument| literal(self.text, argument)) {
            self.model.includes.push(Include { scope: self.scope, path, source, line: line_of(node) });
        }
    }
}

fn arguments_of(node: Node<'_>) -> Option<Node<'_>> {
    named_children(node).into_iter().find(|child| child.kind() == "token_tree")
}

/// Content of a string literal without escapes.
pub(super) fn literal(text: &str, node: Node<'_>) -> Option<String> {
    let mut cursor = node.walk();
    let mut parts = node.named_children(&mut cursor);
    let content = parts.find(|part| part.kind() == "string_content")?;
    text.get(content.byte_range()).map(str::to_owned)
}
