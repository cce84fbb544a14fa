//! Signatures: what the declaration of a name says to those who include it, in one spacing. Names of parameters are left out, for no
//! caller writes them. What users compile in is part of it: the text of a macro, the body of an inline function or template, a constant's
//! value, the layout of a struct.

use std::collections::HashSet;

use tree_sitter::Node;

use super::node::{children, declarator, fields, is_type_specifier, source, specifiers};
use super::walk::{CItem, CKind};
use crate::domain::Hash;

/// Bytes of a signature that are kept as they are; the rest is a hash.
const SIGNATURE_BYTES: usize = 1_200;

/// The same for a body.
const BODY_BYTES: usize = 240;

/// Nodes that lie deeper are not asked whether they are left out: asking costs what lies above.
const LEFT_OUT_DEPTH: u32 = 24;

pub(super) fn of(text: &str, item: &CItem<'_>, position: usize) -> String {
    limited(match item.kind {
        CKind::Macro => macro_text(text, item.node),
        // `TEST(Suite, Name)`
        CKind::Test => tokens(text, item.name_node.parent().unwrap_or(item.node), &|_| false),
        CKind::Function | CKind::Method => function(text, item),
        CKind::Class | CKind::Struct | CKind::Union => layout(text, item),
        CKind::Enumerator => format!("{} at {position}", tokens(text, item.node, &|_| false)),
        CKind::Enum | CKind::Alias | CKind::Concept => {
            // Other names of the same `typedef` have signatures of their own.
            let is_other = |node: Node<'_>| is_other_declarator(item, node);
            tokens(text, item.whole, &is_other)
        }
        CKind::Variable | CKind::Field => variable(text, item),
    })
}

/// `#define max(a, b) ((a) > (b) ? (a) : (b))`
fn macro_text(text: &str, node: Node<'_>) -> String {
    let part = |field| node.child_by_field_name(field).map_or("", |part| source(text, part));
    let parameters: String = part("parameters").split_whitespace().collect();
    let value = without_comments(part("value"));
    format!("#define {}{parameters} {value}", part("name")).trim_end().to_owned()
}

/// The text of a macro in one spacing.
pub(super) fn without_comments(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find(['/', '"', '\'']) {
        plain.push_str(&rest[..at]);
        let behind = &rest[at..];
        let end = if let Some(inner) = behind.strip_prefix("/*") {
            plain.push(' ');
            inner.find("*/").map_or(behind.len(), |end| end + 4)
        } else if behind.starts_with("//") {
            behind.find('\n').unwrap_or(behind.len())
        } else {
            let end = if behind.starts_with('/') { 1 } else { quoted_end(behind) };
            plain.push_str(&behind[..end]);
            end
        };
        rest = &behind[end..];
    }
    plain.push_str(rest);
    plain.replace("\\\n", " ").replace("\\\r\n", " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where a string or character that begins a text ends.
fn quoted_end(text: &str) -> usize {
    let mut is_escaped = false;
    let quote = text.chars().next().unwrap_or_default();
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn is_other_declarator(item: &CItem<'_>, node: Node<'_>) -> bool {
    if node.kind() == "," {
        return node.parent().is_some_and(|parent| parent.id() == item.declaration().id());
    }
    let is_own = |declared: Node<'_>| declarator(declared).is_some_and(|one| one.name.id() == item.name_node.id());
    let parent = node.parent().filter(|parent| parent.id() == item.declaration().id());
    parent.is_some_and(|parent| {
        let declared = fields(parent, "declarator");
        declared.iter().any(|one| one.id() == node.id()) && !is_own(node)
    })
}

fn function(text: &str, item: &CItem<'_>) -> String {
    let declaration = item.declaration();
    let mut names: HashSet<usize> = HashSet::new();
    if let Some(function) = item.function {
        parameter_names(function, &mut names);
    }
    let body = declaration.child_by_field_name("body");
    let is_left_out = |node: Node<'_>| {
        names.contains(&node.id())
            || body.is_some_and(|body| body.id() == node.id())
            || matches!(node.kind(), "field_initializer_list" | "preproc_if" | "preproc_ifdef")
            || is_other_declarator(item, node)
    };
    let head = tokens(text, item.whole, &is_left_out);
    match body.filter(|_| is_compiled_in(text, item)) {
        Some(body) => {
            let initializers = super::node::child_of_kind(declaration, "field_initializer_list");
            let before = initializers.map(|list| tokens(text, list, &|_| false)).unwrap_or_default();
            format!("{head} {}", short(format!("{before}{}", tokens(text, body, &|_| false))))
        }
        None => head,
    }
}

/// Whether users of a function compile its body: what is inline, static or a template, or stands in a class.
fn is_compiled_in(text: &str, item: &CItem<'_>) -> bool {
    let words = specifiers(text, item.declaration());
    item.is_in_class
        || item.whole.kind() == "template_declaration"
        || words
            .iter()
            .any(|word| matches!(*word, "inline" | "static" | "constexpr" | "consteval" | "__inline" | "__inline__"))
}

fn parameter_names(function: Node<'_>, names: &mut HashSet<usize>) {
    let mut todo: Vec<Node<'_>> = function.child_by_field_name("parameters").into_iter().collect();
    while let Some(node) = todo.pop() {
        if matches!(
            node.kind(),
            "parameter_declaration" | "optional_parameter_declaration" | "variadic_parameter_declaration"
        ) {
            let name = node.child_by_field_name("declarator").and_then(declarator).map(|one| one.name);
            names.extend(name.filter(|name| name.kind() == "identifier").map(|name| name.id()));
        }
        todo.extend(children(node));
    }
}

/// A struct with its fields, a class with its bases and fields; functions have signatures of their own.
fn layout(text: &str, item: &CItem<'_>) -> String {
    let is_left_out = |node: Node<'_>| {
        let is_member = node.parent().is_some_and(|parent| parent.kind() == "field_declaration_list");
        let is_function =
            || fields(node, "declarator").into_iter().filter_map(declarator).any(|one| one.function.is_some());
        let has_name = || {
            let specifier = node.child_by_field_name("type").filter(|ty| is_type_specifier(ty.kind()));
            specifier
                .is_some_and(|ty| ty.child_by_field_name("name").is_some() && ty.child_by_field_name("body").is_some())
                && fields(node, "declarator").is_empty()
        };
        is_other_declarator(item, node)
            || is_member
                && match node.kind() {
                    "function_definition"
                    | "template_declaration"
                    | "friend_declaration"
                    | "using_declaration"
                    | "static_assert_declaration"
                    | "alias_declaration"
                    | "access_specifier"
                    | ":"
                    | "type_definition" => true,
                    "field_declaration" | "declaration" => is_function() || has_name(),
                    _ => false,
                }
    };
    tokens(text, item.whole, &is_left_out)
}

/// A variable with its type, and with its value if that does not change.
fn variable(text: &str, item: &CItem<'_>) -> String {
    let declaration = item.declaration();
    let words = specifiers(text, declaration);
    let is_constant = words.iter().any(|word| matches!(*word, "const" | "constexpr" | "inline" | "constinit"));
    let is_left_out = |node: Node<'_>| {
        let is_value = node.parent().is_some_and(|parent| {
            parent.kind() == "init_declarator"
                && parent.child_by_field_name("value").is_some_and(|value| value.id() == node.id())
                || parent.kind() == "field_declaration"
                    && parent.child_by_field_name("default_value").is_some_and(|value| value.id() == node.id())
        });
        let is_named_type = is_type_specifier(node.kind()) && node.child_by_field_name("name").is_some();
        is_other_declarator(item, node)
            || is_value && !is_constant
            || node.parent().is_some_and(|parent| is_type_specifier(parent.kind()))
                && matches!(node.kind(), "field_declaration_list" | "enumerator_list")
                && node.parent().is_some_and(|parent| parent.child_by_field_name("name").is_some())
            || is_named_type && node.kind() == "comment"
    };
    let signature = tokens(text, item.whole, &is_left_out);
    signature.trim_end_matches([' ', '=', ';']).to_owned()
}

/// A body that is too long to be shown is told apart by its hash.
fn short(mut body: String) -> String {
    if body.len() > BODY_BYTES {
        let hash = Hash::of_fields([body.as_bytes()]).to_string();
        body = format!("{{ … {} }}", hash.get(..16).unwrap_or(&hash));
    }
    body
}

fn limited(mut text: String) -> String {
    if text.len() > SIGNATURE_BYTES {
        let hash = Hash::of_fields([text.as_bytes()]).to_string();
        text.truncate(text.floor_char_boundary(SIGNATURE_BYTES));
        text.push_str(&format!("… {}", hash.get(..16).unwrap_or(&hash)));
    }
    text
}

/// The tokens of a node in one spacing, without comments and what is left out.
pub(super) fn tokens(text: &str, node: Node<'_>, is_left_out: &dyn Fn(Node<'_>) -> bool) -> String {
    let mut joined = String::new();
    let mut cursor = node.walk();
    let mut depth = 0_u32;
    loop {
        let node = cursor.node();
        let is_whole = node.child_count() == 0 || node.kind().ends_with("_literal") || node.kind() == "preproc_arg";
        let is_gone = node.kind() == "comment" || depth <= LEFT_OUT_DEPTH && is_left_out(node);
        if is_whole && !is_gone {
            match node.kind() {
                "preproc_arg" => push_token(&mut joined, &without_comments(source(text, node))),
                _ => push_token(&mut joined, source(text, node).trim()),
            }
        }
        if joined.len() > 64 * SIGNATURE_BYTES {
            break;
        }
        if !is_whole && !is_gone && cursor.goto_first_child() {
            depth += 1;
            continue;
        }
        let mut is_done = false;
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                is_done = true;
                break;
            }
            depth = depth.saturating_sub(1);
        }
        if is_done {
            break;
        }
    }
    joined.trim_end_matches([';', ' ']).to_owned()
}

fn push_token(joined: &mut String, token: &str) {
    if token.is_empty() {
        return;
    }
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\'' | '#');
    let closes = matches!(token, ")" | "]" | "," | ";" | "." | "->" | "::" | "<" | ">" | "++" | "--" | "(" | "[");
    let is_shift = joined.ends_with("<<") || joined.ends_with(">>");
    let is_open = joined.ends_with(['(', '[', '.', '!', '~', '<']) || joined.ends_with("->") || joined.ends_with("::");
    let is_open = is_open && !is_shift;
    let is_pointer = joined.ends_with(['*', '&']) && !token.starts_with(['{', '=', '/', '?']);
    let is_call_of_word = matches!(token, "(" | "[") && joined.ends_with([',', '=', ';', '{', '}']);
    let is_apart = is_call_of_word || !(closes || is_open || is_pointer || joined.is_empty());
    let is_template_end = token.starts_with(is_word) && joined.ends_with('>') && !joined.ends_with("->");
    if is_apart || is_template_end {
        joined.push(' ');
    }
    joined.push_str(token);
}
