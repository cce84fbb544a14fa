//! What stands in a macro's arguments: they are read again as an expression, which most of them are.

use tree_sitter::{Node, Range};

use super::super::model::{Include, NO_VALUE, NameId, Space, Step, Value};
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

/// Derives that add impls and no names (std, serde, clap, thiserror, derive_more). Others may declare items beside theirs.
const NAMELESS_DERIVES: &[&str] = &[
    "Args",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Deref",
    "DerefMut",
    "Deserialize",
    "Display",
    "Eq",
    "Error",
    "From",
    "FromStr",
    "Hash",
    "Into",
    "JsonSchema",
    "Ord",
    "Parser",
    "PartialEq",
    "PartialOrd",
    "Serialize",
    "Subcommand",
    "ValueEnum",
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
        let Some(arguments) = arguments_of(node) else { return };
        let understood = match self.text(path) {
            "cfg_if" | "cfg_if::cfg_if" => self.reread_branches(arguments),
            _ => self.reread_items(arguments),
        };
        if !understood {
            self.in_body(|walk| {
                walk.reread(arguments);
            });
        }
    }

    /// `if #[cfg(..)] { items } else { items }`
    fn reread_branches(&mut self, tokens: Node<'_>) -> bool {
        let mut understood = false;
        for branch in named_children(tokens).into_iter().filter(|child| child.kind() == "token_tree") {
            understood |= self.reread_items(branch);
        }
        understood
    }

    /// Reads what stands in braces again as items of the present scope, as macros that only add a `cfg` have them. False, and
    /// nothing is read, if it is anything else.
    fn reread_items(&mut self, tokens: Node<'_>) -> bool {
        if self.rereads >= REREAD_DEPTH_MAX || !self.text(tokens).starts_with('{') || tokens.child_count() < 3 {
            return false;
        }
        let Some(tree) = self.parser.parse_within(self.text, inside(tokens)) else { return false };
        let root = tree.root_node();
        if root.has_error()
            || !named_children(root).into_iter().all(|child| super::body::may_stand_among_items(child.kind()))
        {
            return false;
        }
        self.rereads += 1;
        let read = self.deeper(|walk| walk.items(root)).is_some();
        self.rereads -= 1;
        read
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
        let Some(tree) = self.parser.parse_within(self.text, tokens.range()) else { return NO_VALUE };
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
                    let last = segments.last().and_then(|&last: &NameId| self.model.names.get(last as usize));
                    if last.is_some_and(|last| !NAMELESS_DERIVES.contains(&last.as_str())) {
                        self.model.item_macros.push(self.scope);
                    }
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

/// A token tree without its brackets.
fn inside(tokens: Node<'_>) -> Range {
    let mut range = tokens.range();
    if let (Some(first), Some(last)) = (tokens.child(0), tokens.child(tokens.child_count().saturating_sub(1))) {
        (range.start_byte, range.start_point) = (first.end_byte(), first.end_position());
        (range.end_byte, range.end_point) = (last.start_byte(), last.start_position());
    }
    range
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
