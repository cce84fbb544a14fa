//! What stands in a macro's arguments: they are read again as an expression, which most of them are.

use tree_sitter::{Point, Range};

use crate::language::rust::tree::{Field, Syntax, SyntaxNode};

use super::{OutlineWalk, line_of, named_children};
use crate::language::facts::{ChainStep, Include, NO_VALUE, Space, Value};
use crate::language::syntax::PartParser;

/// Macros whose arguments are code for somewhere else: what it names is not named here.
const QUOTING_MACROS: &[&str] = &["quote", "quote_spanned", "parse_quote", "parse_quote_spanned"];

/// Macros whose value is text.
const TEXT_MACROS: &[&str] =
    &["format", "concat", "stringify", "include_str", "env", "file", "line", "column", "module_path"];

/// Macros within macros' arguments that are read again; each costs a parse of its own.
const REREAD_DEPTH_MAX: u32 = 24;

impl OutlineWalk<'_> {
    /// A macro in the place of an item: it may hold items.
    pub(super) fn item_macro(&mut self, node: SyntaxNode<'_>) {
        let Some(path) = node.child_in(Field::Macro) else { return };
        self.path(path, Space::Macro);
        self.note_include(node, path);
        self.model.item_macros.push(self.scope);
        let Some(arguments) = arguments_of(node) else { return };
        let understood = match self.text(path) {
            "cfg_if" | "cfg_if::cfg_if" => self.reread_branches(arguments),
            _ => self.reread_items(arguments),
        };
        if !understood {
            self.declared_by_macro(node, arguments);
            self.in_body(|walk| {
                walk.reread(arguments);
            });
        }
    }

    /// `if #[cfg(..)] { items } else { items }`
    fn reread_branches(&mut self, tokens: SyntaxNode<'_>) -> bool {
        let mut understood = false;
        for branch in named_children(tokens).into_iter().filter(|child| child.kind() == "token_tree") {
            understood |= self.reread_items(branch);
        }
        understood
    }

    /// Reads what stands in braces again as items of the present scope, as macros that only add a `cfg` have them. False, and
    /// nothing is read, if it is anything else.
    fn reread_items(&mut self, tokens: SyntaxNode<'_>) -> bool {
        if self.rereads >= REREAD_DEPTH_MAX || !self.text(tokens).starts_with('{') || tokens.children().nth(2).is_none()
        {
            return false;
        }
        let Some(tree) = self.parser.parse_within(self.text, inside(tokens)) else { return false };
        let syntax = Syntax::flat(self.text, &tree);
        let root = syntax.root();
        if syntax.has_errors()
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
    pub(super) fn macro_call(&mut self, node: SyntaxNode<'_>) -> Value {
        let Some(path) = node.child_in(Field::Macro) else { return NO_VALUE };
        let name = self.text(path).rsplit("::").next().unwrap_or_default();
        self.path(path, Space::Macro);
        if QUOTING_MACROS.contains(&name) {
            return NO_VALUE;
        }
        self.note_include(node, path);
        let value = arguments_of(node).map_or(NO_VALUE, |arguments| self.reread(arguments));
        match name {
            "vec" | "dbg" => value,
            name if TEXT_MACROS.contains(&name) => self.push_step(ChainStep::Text),
            _ => NO_VALUE,
        }
    }

    /// Reads a token tree again as what it looks like: a tuple, an array or a block.
    pub(super) fn reread(&mut self, tokens: SyntaxNode<'_>) -> Value {
        if self.rereads >= REREAD_DEPTH_MAX || tokens.first_named_child().is_none() {
            return NO_VALUE;
        }
        let is_block = self.text(tokens).starts_with('{');
        let parse = if is_block { PartParser::parse_within } else { PartParser::parse_as_statement };
        let Some(tree) = parse(&mut self.parser, self.text, range(tokens)) else { return NO_VALUE };
        let syntax = Syntax::flat(self.text, &tree);
        self.rereads += 1;
        let around = std::mem::replace(&mut self.reread_to, tokens.byte_range().end);
        let value = self.deeper(|walk| walk.with_locals(|walk| walk.statements(syntax.root())));
        self.reread_to = around;
        self.rereads -= 1;
        value.unwrap_or(NO_VALUE)
    }

    fn note_include(&mut self, node: SyntaxNode<'_>, name: SyntaxNode<'_>) {
        let source = match self.text(name) {
            "include" => true,
            "include_str" | "include_bytes" => false,
            _ => return,
        };
        let included = arguments_of(node).and_then(|arguments| included_path(self.text, arguments));
        if let Some((path, from_package)) = included {
            let line = line_of(node);
            self.model.includes.push(Include { scope: self.scope, path, from_package, source, line });
        }
    }
}

/// `("path")`, or `(concat!(env!("CARGO_MANIFEST_DIR"), "/path"))`, which begins at the package's folder.
fn included_path(text: &str, arguments: SyntaxNode<'_>) -> Option<(String, bool)> {
    let parts = named_children(arguments);
    if let Some(&given) = parts.iter().find(|part| part.kind().ends_with("string_literal")) {
        return Some((literal(text, given)?, false));
    }
    let [called, tokens] = parts.as_slice() else { return None };
    if text.get(called.byte_range()) != Some("concat") {
        return None;
    }
    let parts = named_children(*tokens);
    let [env, variable, rest @ ..] = parts.as_slice() else { return None };
    let is_package = text.get(env.byte_range()) == Some("env")
        && named_children(*variable).first().and_then(|&name| literal(text, name)).as_deref()
            == Some("CARGO_MANIFEST_DIR");
    let written: Option<String> = rest.iter().map(|&part| literal(text, part)).collect();
    is_package.then_some((written?, true))
}

/// A token tree without its brackets.
fn inside(tokens: SyntaxNode<'_>) -> Range {
    let within = range(tokens);
    let mut brackets = tokens.children();
    let (Some(first), Some(last)) = (brackets.next(), brackets.last()) else { return within };
    let (first, last) = (range(first), range(last));
    Range {
        start_byte: first.end_byte,
        end_byte: last.start_byte,
        start_point: first.end_point,
        end_point: last.start_point,
    }
}

/// Where a node is. Without columns, which neither this grammar's scanner nor any reader of the parts asks for.
fn range(node: SyntaxNode<'_>) -> Range {
    let point = |row: u32| Point { row: row as usize, column: 0 };
    let bytes = node.byte_range();
    Range {
        start_byte: bytes.start,
        end_byte: bytes.end,
        start_point: point(node.first_row()),
        end_point: point(node.last_row()),
    }
}

fn arguments_of(node: SyntaxNode<'_>) -> Option<SyntaxNode<'_>> {
    named_children(node).into_iter().find(|child| child.kind() == "token_tree")
}

/// Content of a string literal without escapes.
pub(super) fn literal(text: &str, node: SyntaxNode<'_>) -> Option<String> {
    let mut parts = node.named_children();
    let content = parts.find(|part| part.kind() == "string_content")?;
    text.get(content.byte_range()).map(str::to_owned)
}
