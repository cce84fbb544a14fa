//! Signatures: what the declaration of a script's name says to its users, in one spacing.

use tree_sitter::Node;

use super::walk::{Declared, DeclaredKind, children, of, property_name, unwrapped};
use crate::domain::Hash;

/// Bytes of a signature; what a longer one says beyond is in a hash at its end.
const SIGNATURE_BYTES: usize = 1_500;

/// What stands for a default or a body, whatever it is.
const HIDDEN: &str = "…";

pub(super) fn signature(text: &str, declared: &Declared<'_>) -> String {
    let node = declared.node;
    let own = declared.name.rsplit('.').next().unwrap_or_default();
    let written = match declared.kind {
        DeclaredKind::Class => class(text, declared, own),
        DeclaredKind::Interface => {
            format!("interface {}{}{}", head(text, node), heritage(text, node), required(text, node))
        }
        DeclaredKind::Enum => {
            let is_const = children_any(node, "const");
            format!("{}enum {}", if is_const { "const " } else { "" }, part(text, node, "name"))
        }
        DeclaredKind::Variant => variant(text, node),
        DeclaredKind::Alias => tokens(text, node),
        DeclaredKind::Namespace => format!("namespace {}", part(text, node, "name")),
        DeclaredKind::Function | DeclaredKind::Method | DeclaredKind::Anonymous => function(text, declared, own),
        DeclaredKind::Constant | DeclaredKind::Variable => variable(text, declared, own),
        DeclaredKind::Field => field(text, node, own),
        DeclaredKind::Test => own.to_owned(),
    };
    let prefix = if declared.is_default { "default " } else { "" };
    limited(format!("{}{prefix}{written}", decorators(text, declared)))
}

fn limited(text: String) -> String {
    if text.len() <= SIGNATURE_BYTES {
        return text;
    }
    let hash = Hash::of(text.as_bytes()).to_string();
    let kept = &text[..text.floor_char_boundary(SIGNATURE_BYTES)];
    format!("{kept}{HIDDEN} {}", hash.get(..16).unwrap_or_default())
}

fn decorators(text: &str, declared: &Declared<'_>) -> String {
    let own = [declared.whole, declared.node];
    let nodes = if declared.whole == declared.node { &own[..1] } else { &own[..] };
    let mut found: Vec<Node<'_>> =
        nodes.iter().flat_map(|&node| children(node)).filter(|child| child.kind() == "decorator").collect();
    if declared.kind == DeclaredKind::Method || declared.kind == DeclaredKind::Field {
        found.extend(leading_decorators(declared.node));
    }
    found.sort_by_key(Node::start_byte);
    found.dedup();
    found.iter().map(|&decorator| format!("{} ", tokens(text, decorator))).collect()
}

/// Decorators of a member stand before it in the class's body.
pub(super) fn leading_decorators(member: Node<'_>) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    let mut at = member.prev_named_sibling();
    while let Some(node) = at.filter(|node| matches!(node.kind(), "decorator" | "comment")) {
        if node.kind() == "decorator" {
            found.push(node);
        }
        at = node.prev_named_sibling();
    }
    found.reverse();
    found
}

fn children_any(node: Node<'_>, kind: &str) -> bool {
    let mut cursor = node.walk();
    node.children(&mut cursor).any(|child| child.kind() == kind)
}

fn part(text: &str, node: Node<'_>, field: &str) -> String {
    node.child_by_field_name(field).map(|part| tokens(text, part)).unwrap_or_default()
}

/// Name and type parameters.
fn head(text: &str, node: Node<'_>) -> String {
    format!("{}{}", part(text, node, "name"), part(text, node, "type_parameters"))
}

fn heritage(text: &str, node: Node<'_>) -> String {
    let clauses = children(node).filter(|child| matches!(child.kind(), "class_heritage" | "extends_type_clause"));
    clauses.map(|clause| format!(" {}", tokens(text, clause))).collect()
}

/// What an object or a class must have to be of an interface, in any order: whoever makes one writes no name of a member that is new.
fn required(text: &str, node: Node<'_>) -> String {
    let members = node.child_by_field_name("body").into_iter().flat_map(children);
    let members = members.filter(|member| member.kind() != "comment" && !children_any(*member, "?"));
    let mut shown: Vec<String> = members.map(|member| tokens(text, member)).collect();
    shown.sort();
    if shown.is_empty() { String::new() } else { format!(" {{{}}}", shown.join(", ")) }
}

fn class(text: &str, declared: &Declared<'_>, own: &str) -> String {
    let value = declared.node.child_by_field_name("value").or_else(|| declared.node.child_by_field_name("right"));
    let node = match declared.node.kind() {
        "class_declaration" | "abstract_class_declaration" | "class" => declared.node,
        _ => value.map_or(declared.node, unwrapped),
    };
    let is_abstract = if node.kind() == "abstract_class_declaration" { "abstract " } else { "" };
    format!("{is_abstract}class {own}{}{}", part(text, node, "type_parameters"), heritage(text, node))
}

fn variant(text: &str, node: Node<'_>) -> String {
    match node.child_by_field_name("value") {
        Some(value) => {
            let name = node.child_by_field_name("name").map(|name| property_name(text, name)).unwrap_or_default();
            format!("{name} = {}", tokens(text, value))
        }
        // Its value is one more than that of the one before.
        None => format!("{} #{}", property_name(text, node), place_in_enum(node)),
    }
}

fn place_in_enum(node: Node<'_>) -> usize {
    let mut at = 0;
    let mut before = node.prev_named_sibling();
    while let Some(sibling) = before {
        at += usize::from(sibling.kind() != "comment");
        before = sibling.prev_named_sibling();
    }
    at
}

/// Modifiers, name, parameters and the result type; a function without one is known by its parameters alone.
fn function(text: &str, declared: &Declared<'_>, own: &str) -> String {
    let node = declared.node;
    let function = declared.function.unwrap_or(node);
    let declarator = matches!(node.kind(), "variable_declarator" | "public_field_definition" | "field_definition");
    let annotation = if declarator { part(text, node, "type") } else { String::new() };
    let mut words = modifiers(text, node);
    if function != node {
        words += &modifiers(text, function);
    }
    if declared.kind == DeclaredKind::Function {
        words += "function ";
    }
    let optional = if children_any(node, "?") { "?" } else { "" };
    let shown = parameters(text, function);
    let result = function.child_by_field_name("return_type").or_else(|| function.child_by_field_name("type"));
    let result = result.map(|result| tokens(text, result)).unwrap_or_default();
    format!("{words}{own}{optional}{annotation}{}({shown}){result}", part(text, function, "type_parameters"))
}

/// `static`, `async`, `get`, `*` and their like before a name.
fn modifiers(text: &str, node: Node<'_>) -> String {
    const WORDS: [&str; 13] = [
        "static",
        "async",
        "get",
        "set",
        "*",
        "readonly",
        "abstract",
        "accessibility_modifier",
        "override_modifier",
        "declare",
        "const",
        "let",
        "var",
    ];
    let mut cursor = node.walk();
    let words = node.children(&mut cursor).take_while(|child| child.kind() != "formal_parameters");
    words.filter(|child| WORDS.contains(&child.kind())).map(|child| format!("{} ", of(text, child))).collect()
}

pub(super) fn parameters(text: &str, function: Node<'_>) -> String {
    if let Some(only) = function.child_by_field_name("parameter") {
        return tokens(text, only);
    }
    let list = function.child_by_field_name("parameters");
    let shown = list.into_iter().flat_map(children).filter(|one| one.kind() != "comment");
    shown.map(|one| parameter(text, one)).collect::<Vec<_>>().join(", ")
}

fn parameter(text: &str, node: Node<'_>) -> String {
    match node.kind() {
        "required_parameter" | "optional_parameter" => {
            let optional = if node.kind() == "optional_parameter" { "?" } else { "" };
            let default = if node.child_by_field_name("value").is_some() { HIDDEN } else { "" };
            let default = if default.is_empty() { String::new() } else { format!(" = {default}") };
            let pattern = node.child_by_field_name("pattern").or_else(|| node.child_by_field_name("name"));
            let pattern = pattern.map(|pattern| tokens(text, pattern)).unwrap_or_default();
            format!("{}{pattern}{optional}{}{default}", modifiers(text, node), part(text, node, "type"))
        }
        "assignment_pattern" => format!("{} = {HIDDEN}", part(text, node, "left")),
        _ => tokens(text, node),
    }
}

/// Its annotation; without one a literal, or what constructs it.
fn variable(text: &str, declared: &Declared<'_>, own: &str) -> String {
    let node = declared.node;
    let word = if declared.kind == DeclaredKind::Constant { "const" } else { "let" };
    let annotation = part(text, node, "type");
    let value = match node.kind() {
        "variable_declarator" => node.child_by_field_name("value"),
        "assignment_expression" => node.child_by_field_name("right"),
        _ => Some(node),
    };
    let shown = value.filter(|_| annotation.is_empty()).and_then(|value| shown_value(text, value));
    let shown = shown.map(|value| format!(" = {value}")).unwrap_or_default();
    format!("{word} {own}{annotation}{shown}")
}

fn field(text: &str, node: Node<'_>, own: &str) -> String {
    let optional = if children_any(node, "?") { "?" } else { "" };
    let annotation = part(text, node, "type");
    let value = node.child_by_field_name("value").or_else(|| node.child_by_field_name("right"));
    let shown = value.filter(|_| annotation.is_empty()).and_then(|value| shown_value(text, value));
    let shown = shown.map(|value| format!(" = {value}")).unwrap_or_default();
    format!("{}{own}{optional}{annotation}{shown}", modifiers(text, node))
}

fn shown_value(text: &str, value: Node<'_>) -> Option<String> {
    if matches!(value.kind(), "as_expression" | "satisfies_expression") {
        let ty = value.named_child(1).map(|ty| tokens(text, ty)).unwrap_or_else(|| "const".to_owned());
        let inner = shown_value(text, value.named_child(0)?).unwrap_or_default();
        let word = if value.kind() == "as_expression" { "as" } else { "satisfies" };
        return Some(format!("{inner} {word} {ty}"));
    }
    Some(match value.kind() {
        "number" | "string" | "true" | "false" | "null" | "undefined" | "unary_expression" | "regex" | "identifier"
        | "member_expression" | "template_string" => tokens(text, value),
        "new_expression" => {
            format!("new {}{}", part(text, value, "constructor"), part(text, value, "type_arguments"))
        }
        "call_expression" => {
            let callee = value.child_by_field_name("function")?;
            let is_require = of(text, callee) == "require";
            match (is_require, callee.kind()) {
                (true, _) => tokens(text, value),
                (_, "identifier" | "member_expression") if callee.byte_range().len() < 120 => {
                    format!("{}{}({HIDDEN})", tokens(text, callee), part(text, value, "type_arguments"))
                }
                _ => return None,
            }
        }
        "object" => {
            let keys = children(value).filter_map(|member| match member.kind() {
                "comment" => None,
                "spread_element" | "shorthand_property_identifier" => Some(tokens(text, member)),
                _ => {
                    let key = member.child_by_field_name("key").or_else(|| member.child_by_field_name("name"))?;
                    Some(property_name(text, key).to_owned())
                }
            });
            format!("{{{}}}", keys.collect::<Vec<_>>().join(", "))
        }
        "array" => "[…]".to_owned(),
        "await_expression" => format!("await {}", shown_value(text, value.named_child(0)?)?),
        _ => return None,
    })
}

/// The tokens of a node in one spacing, without comments and without a separator that nothing follows.
pub(super) fn tokens(text: &str, node: Node<'_>) -> String {
    let mut joined = String::new();
    let mut cursor = node.walk();
    loop {
        let node = cursor.node();
        let is_skipped = node.kind() == "comment";
        let is_whole = node.child_count() == 0 || matches!(node.kind(), "string" | "template_string" | "regex");
        if is_whole && !is_skipped {
            push_token(&mut joined, of(text, node));
        }
        if joined.len() > 64 * SIGNATURE_BYTES {
            return joined;
        }
        if !is_whole && !is_skipped && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return joined;
            }
        }
    }
}

fn push_token(joined: &mut String, token: &str) {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '#' | '"' | '\'' | '`' | '{');
    let token = if token == ";" { "," } else { token };
    if matches!(token, ")" | "]" | "}" | ">") && joined.ends_with(',') {
        joined.pop();
    }
    let touches = joined.ends_with(|c: char| is_word(c) && c != '{') && token.starts_with(is_word);
    let spaced =
        matches!(token, "=>" | "=" | "|" | "&") || ["=>", "=", "|", "&"].iter().any(|end| joined.ends_with(end));
    let opened = joined.ends_with(['(', '[', '<', '.']) || joined.is_empty() || joined.ends_with(' ');
    if touches || joined.ends_with([',', ':']) || spaced && !opened {
        joined.push(' ');
    }
    joined.push_str(token);
}
