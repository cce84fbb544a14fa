//! Signatures: what the declaration of a Go name says to its users, in one spacing. Names of parameters are left out, for no caller
//! writes them.

use tree_sitter::Node;

use super::node::{children, fields, source};
use super::walk::ConstantPlace;
use crate::domain::Hash;

/// Bytes of a signature that are kept as they are; the rest is a hash.
const SIGNATURE_BYTES: usize = 1_200;

/// Bytes of a value that stands for the type that it gives.
const VALUE_BYTES: usize = 120;

/// A function, a method, or a method of an interface.
pub(super) fn function(text: &str, node: Node<'_>) -> String {
    let part = |field| node.child_by_field_name(field).map(|part| tokens(text, part)).unwrap_or_default();
    let receiver = node.child_by_field_name("receiver").map(|list| format!("({}) ", types(text, list).join(", ")));
    let parameters = node.child_by_field_name("parameters").map(|list| types(text, list).join(", "));
    let result = node.child_by_field_name("result").map(|result| match result.kind() {
        "parameter_list" => match types(text, result).as_slice() {
            [only] => format!(" {only}"),
            all => format!(" ({})", all.join(", ")),
        },
        _ => format!(" {}", tokens(text, result)),
    });
    let word = if node.kind() == "method_elem" { "" } else { "func " };
    limited(format!(
        "{word}{}{}{}({}){}",
        receiver.unwrap_or_default(),
        part("name"),
        part("type_parameters"),
        parameters.unwrap_or_default(),
        result.unwrap_or_default()
    ))
}

/// The types of a list of parameters, one for each.
fn types(text: &str, list: Node<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for group in children(list) {
        let ty = group.child_by_field_name("type").map(|ty| tokens(text, ty)).unwrap_or_default();
        let ty = if group.kind() == "variadic_parameter_declaration" { format!("...{ty}") } else { ty };
        all.extend(std::iter::repeat_n(ty, fields(group, "name").len().max(1)));
    }
    all
}

/// A type, whole.
pub(super) fn ty(text: &str, spec: Node<'_>) -> String {
    limited(format!("type {}", tokens(text, spec)))
}

/// A field, with its tag.
pub(super) fn field(text: &str, field: Node<'_>, name: &str) -> String {
    let ty = field.child_by_field_name("type").map(|ty| tokens(text, ty)).unwrap_or_default();
    let tag = field.child_by_field_name("tag").map(|tag| format!(" {}", source(text, tag))).unwrap_or_default();
    let is_embedded = fields(field, "name").is_empty();
    let pointer = if is_embedded && source(text, field).starts_with('*') { "*" } else { "" };
    limited(if is_embedded { format!("{pointer}{ty}{tag}") } else { format!("{name} {ty}{tag}") })
}

/// A constant with its type and value; what counts positions has its own.
pub(super) fn constant(text: &str, name: &str, group: &ConstantPlace<'_>) -> String {
    let ty = group.spec.child_by_field_name("type").map(|ty| format!(" {}", tokens(text, ty))).unwrap_or_default();
    let values = group.spec.child_by_field_name("value").map(children).unwrap_or_default();
    let value = values.get(group.at).map(|&value| tokens(text, value)).unwrap_or_default();
    let counts = value.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "iota");
    let position = if counts { format!(" at {}", group.position) } else { String::new() };
    limited(format!("const {name}{ty} = {value}{position}"))
}

/// A variable with its type; without one, with what its value says of that.
pub(super) fn variable(text: &str, spec: Node<'_>, name: &str, at: usize) -> String {
    if let Some(ty) = spec.child_by_field_name("type") {
        return limited(format!("var {name} {}", tokens(text, ty)));
    }
    let values = spec.child_by_field_name("value").map(children).unwrap_or_default();
    let (value, place) = match values.as_slice() {
        &[only] if at > 0 => (Some(only), format!(" at {at}")),
        all => (all.get(at).copied(), String::new()),
    };
    let shown = value.map_or_else(String::new, |value| type_of(text, value));
    limited(format!("var {name} {shown}{place}"))
}

fn type_of(text: &str, value: Node<'_>) -> String {
    let part =
        |node: Node<'_>, field| node.child_by_field_name(field).map(|part| tokens(text, part)).unwrap_or_default();
    let known = match value.kind() {
        "int_literal" => "int",
        "float_literal" => "float64",
        "imaginary_literal" => "complex128",
        "rune_literal" => "rune",
        "true" | "false" => "bool",
        "interpreted_string_literal" | "raw_string_literal" => "string",
        _ => "",
    };
    match value.kind() {
        _ if !known.is_empty() => known.to_owned(),
        "composite_literal" => part(value, "type"),
        "unary_expression" if source(text, value).starts_with('&') => {
            let of = value.child_by_field_name("operand").filter(|of| of.kind() == "composite_literal");
            of.map_or_else(|| shown(text, value), |of| format!("*{}", part(of, "type")))
        }
        "func_literal" => function(text, value),
        "call_expression" => {
            let arguments = value.child_by_field_name("arguments").map(children).unwrap_or_default();
            let callee = part(value, "function");
            match (callee.as_str(), arguments.first()) {
                ("make", Some(&ty)) => tokens(text, ty),
                ("new", Some(&ty)) => format!("*{}", tokens(text, ty)),
                _ => format!("= {}{}(…)", cut(callee), part(value, "type_arguments")),
            }
        }
        _ => shown(text, value),
    }
}

fn shown(text: &str, value: Node<'_>) -> String {
    format!("= {}", cut(tokens(text, value)))
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(VALUE_BYTES));
    text
}

/// What is too long to be kept is told apart by its hash.
fn limited(mut text: String) -> String {
    if text.len() > SIGNATURE_BYTES {
        let hash = Hash::of_fields([text.as_bytes()]).to_string();
        text.truncate(text.floor_char_boundary(SIGNATURE_BYTES));
        text.push_str(&format!("… {}", hash.get(..16).unwrap_or(&hash)));
    }
    text
}

/// The tokens of a node in one spacing, without comments; fields and methods are apart by semicolons.
pub(super) fn tokens(text: &str, node: Node<'_>) -> String {
    let mut joined = String::new();
    let mut cursor = node.walk();
    loop {
        let node = cursor.node();
        let is_whole = node.child_count() == 0 || node.kind().ends_with("_string_literal");
        let is_type_after_name = matches!(node.kind(), "slice_type" | "array_type" | "pointer_type" | "channel_type");
        if is_type_after_name && joined.ends_with(is_word) {
            joined.push(' ');
        }
        let is_member = matches!(node.kind(), "field_declaration" | "method_elem" | "type_elem");
        if is_member && !joined.ends_with(['{', '[', '(', ',', ';', '|']) {
            joined.push(';');
        }
        if is_whole && node.kind() != "comment" {
            push_token(&mut joined, source(text, node));
        }
        if joined.len() > 64 * SIGNATURE_BYTES {
            return joined;
        }
        if !is_whole && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return joined;
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '"' | '`')
}

fn push_token(joined: &mut String, token: &str) {
    // What is apart by the ends of lines is so by semicolons.
    if token.trim().is_empty() || token == ";" {
        return;
    }
    if matches!(token, ")" | "]" | "}") && joined.ends_with([',', ';']) {
        joined.pop();
    }
    let is_spaced = |text: &str| matches!(text, "=" | "|" | "||" | "&&" | "<<" | ">>" | "==");
    let begins = token.starts_with(|c: char| is_word(c) || matches!(c, '(' | '*' | '['));
    let is_apart = joined.ends_with(is_word) && token.starts_with(is_word)
        || joined.ends_with(')') && begins
        || joined.ends_with([',', ';'])
        || joined.ends_with('{') && token != "}"
        || token == "}" && !joined.ends_with('{')
        || (is_spaced(token) || joined.rsplit(' ').next().is_some_and(is_spaced)) && !joined.is_empty();
    if is_apart && !joined.ends_with(' ') {
        joined.push(' ');
    }
    joined.push_str(token);
}
