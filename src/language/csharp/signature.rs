//! Signatures: what a C# declaration says to its users, in one spacing: no body, no value but of constants, no comment. Names of parameters
//! count, for arguments can name them, and so do default values, for compilers copy them.

use tree_sitter::Node;

use super::node::{child_of, children, modifiers, source};
use super::walk::{SharpItem, SharpKind};
use crate::domain::Hash;

/// Bytes of a signature that are kept as they are; the rest is a hash.
const SIGNATURE_BYTES: usize = 1_200;

pub(super) fn of(text: &str, item: &SharpItem<'_>) -> String {
    let mut signature = String::new();
    match item.declarator {
        Some(declarator) => field(text, item, declarator, &mut signature),
        None => {
            let left_out = left_out(item);
            add_tokens(text, item.node, &left_out, &mut signature);
            if item.kind.is_type() {
                signature.push_str(&required(text, item.node));
            }
        }
    }
    if item.kind == SharpKind::EnumMember {
        signature.push_str(&format!(" at {}", item.position));
    }
    limited(signature.trim_end_matches([' ', '=', ';']).to_owned())
}

/// One of the fields that a declaration lists: what is said of all of them, its name, and of a constant the value.
fn field(text: &str, item: &SharpItem<'_>, declarator: Node<'_>, signature: &mut String) {
    let mut cursor = item.node.walk();
    for part in item.node.children(&mut cursor) {
        match part.child_by_field_name("type").filter(|_| part.kind() == "variable_declaration") {
            Some(ty) => add_tokens(text, ty, &[], signature),
            None if part.kind() == "variable_declaration" => {}
            None => add_tokens(text, part, &[], signature),
        }
    }
    let said = if item.kind == SharpKind::Constant { declarator } else { item.name_node };
    *signature = signature.trim_end_matches(';').to_owned();
    add_tokens(text, said, &[], signature);
}

/// The value that a property has at first, and what a type constructs its base with: bodies, by another name.
fn left_out(item: &SharpItem<'_>) -> Vec<usize> {
    let value = item.node.child_by_field_name("value").filter(|_| item.kind != SharpKind::EnumMember);
    let bases = child_of(item.node, "base_list").map(children).unwrap_or_default().into_iter();
    let arguments = bases.filter_map(|base| match base.kind() {
        "argument_list" => Some(base),
        _ => child_of(base, "argument_list").filter(|_| base.kind() == "primary_constructor_base_type"),
    });
    value.into_iter().chain(arguments).map(|node| node.id()).collect()
}

/// The members that an initializer has to give, in any order: whoever makes an object writes no name of one that is new.
fn required(text: &str, node: Node<'_>) -> String {
    let body = node.child_by_field_name("body").filter(|body| body.kind() == "declaration_list");
    let members = body.map(children).unwrap_or_default().into_iter();
    let one = |member: Node<'_>| {
        let value: Vec<usize> = member.child_by_field_name("value").into_iter().map(|value| value.id()).collect();
        let mut shown = String::new();
        add_tokens(text, member, &value, &mut shown);
        shown.trim_end_matches([' ', '=', ';']).to_owned()
    };
    let mut shown: Vec<String> =
        members.filter(|member| modifiers(text, *member).contains(&"required")).map(one).collect();
    shown.sort();
    if shown.is_empty() { String::new() } else { format!(" {{{}}}", shown.join("; ")) }
}

fn is_body(kind: &str) -> bool {
    matches!(
        kind,
        "block"
            | "arrow_expression_clause"
            | "constructor_initializer"
            | "declaration_list"
            | "enum_member_declaration_list"
    )
}

fn limited(mut text: String) -> String {
    if text.len() > SIGNATURE_BYTES {
        let hash = Hash::of_fields([text.as_bytes()]).to_string();
        text.truncate(text.floor_char_boundary(SIGNATURE_BYTES));
        text.push_str(&format!("… {}", hash.get(..16).unwrap_or(&hash)));
    }
    text
}

/// Adds the tokens of a node, without comments and what is left out.
fn add_tokens(text: &str, node: Node<'_>, left_out: &[usize], joined: &mut String) {
    let mut cursor = node.walk();
    loop {
        let node = cursor.node();
        let is_whole = node.child_count() == 0 || node.kind().ends_with("_literal");
        let is_gone = node.is_extra() || is_body(node.kind()) || left_out.contains(&node.id());
        if is_whole && !is_gone {
            push_token(joined, source(text, node).trim());
        }
        if joined.len() > 64 * SIGNATURE_BYTES {
            return;
        }
        if !is_whole && !is_gone && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

fn push_token(joined: &mut String, token: &str) {
    if token.is_empty() {
        return;
    }
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\'' | '@' | '$');
    let closes = matches!(token, ")" | "]" | "," | ";" | "." | "<" | ">" | "(" | "[" | "?");
    let is_open = joined.ends_with(['(', '[', '.', '<', '~']);
    let is_list_of_word = matches!(token, "(" | "[") && joined.ends_with([',', '=', ';', '{', '}']);
    let is_apart = is_list_of_word || !(closes || is_open || joined.is_empty());
    if is_apart || token.starts_with(is_word) && joined.ends_with(['>', ']', '?']) {
        joined.push(' ');
    }
    joined.push_str(token);
}
