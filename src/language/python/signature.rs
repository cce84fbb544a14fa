//! Signatures: what the declaration of a Python name says to its users, in one spacing.

use tree_sitter::Node;

use super::walk::{Kind, NamedNode};

/// Bytes of a literal or an alias that are part of a signature.
const VALUE_BYTES: usize = 400;

/// What stands for a default, whatever its value.
const DEFAULT: &str = "=…";

pub(super) fn of(text: &str, found: &NamedNode<'_>) -> String {
    let node = found.node;
    match found.kind {
        Kind::Class => format!("{}{}", decorators(text, found.whole), class(text, node)),
        Kind::Function | Kind::Method => format!("{}{}", decorators(text, found.whole), function(text, node)),
        Kind::Alias => limited(tokens(text, node)),
        Kind::Variable | Kind::Attribute => {
            let name = found.name.rsplit('.').next().unwrap_or_default();
            variable(text, node, name, found.kind == Kind::Attribute)
        }
    }
}

/// An attribute that a method gives to its first parameter.
pub(super) fn of_attribute(text: &str, name: &str, node: Node<'_>) -> String {
    if node.kind() == "assignment" { variable(text, node, name, true) } else { name.to_owned() }
}

fn decorators(text: &str, whole: Node<'_>) -> String {
    let mut cursor = whole.walk();
    let decorators = whole.named_children(&mut cursor).filter(|child| child.kind() == "decorator");
    decorators.map(|decorator| format!("{} ", tokens(text, decorator))).collect()
}

fn class(text: &str, node: Node<'_>) -> String {
    let part = |field| node.child_by_field_name(field).map(|part| tokens(text, part)).unwrap_or_default();
    format!("class {}{}{}", part("name"), part("type_parameters"), part("superclasses"))
}

fn function(text: &str, node: Node<'_>) -> String {
    let part = |field| node.child_by_field_name(field).map(|part| tokens(text, part)).unwrap_or_default();
    let mut cursor = node.walk();
    let is_async = node.children(&mut cursor).any(|child| child.kind() == "async");
    let parameters = node.child_by_field_name("parameters").map(|list| parameters(text, list)).unwrap_or_default();
    let result = node.child_by_field_name("return_type").map(|result| format!(" -> {}", tokens(text, result)));
    format!(
        "{}def {}{}({parameters}){}{}",
        if is_async { "async " } else { "" },
        part("name"),
        part("type_parameters"),
        result.unwrap_or_default(),
        if yields(node) { " yields" } else { "" }
    )
}

/// Names, kinds, annotations, and which have a default.
fn parameters(text: &str, list: Node<'_>) -> String {
    let mut cursor = list.walk();
    let one = |node: Node<'_>| -> Option<String> {
        let part = |field| node.child_by_field_name(field).map(|part| tokens(text, part)).unwrap_or_default();
        Some(match node.kind() {
            "comment" | "line_continuation" => return None,
            "default_parameter" => format!("{}{DEFAULT}", part("name")),
            "typed_default_parameter" => format!("{}: {}{DEFAULT}", part("name"), part("type")),
            "typed_parameter" => {
                let name = node.named_child(0).map(|name| tokens(text, name)).unwrap_or_default();
                format!("{name}: {}", part("type"))
            }
            _ => tokens(text, node),
        })
    };
    list.named_children(&mut cursor).filter_map(one).collect::<Vec<_>>().join(", ")
}

/// Its annotation; without one a literal, or the type that is constructed. Others of a module also see a literal that is annotated.
fn variable(text: &str, node: Node<'_>, name: &str, is_attribute: bool) -> String {
    let annotation = node.child_by_field_name("type").map(|annotation| tokens(text, annotation));
    let value = node.child_by_field_name("right");
    let shown = match (&annotation, value) {
        (Some(_), Some(_)) if is_attribute => DEFAULT.to_owned(),
        (_, Some(value)) => shown_value(text, value).map(|value| format!(" = {value}")).unwrap_or_default(),
        (_, None) => String::new(),
    };
    let annotation = annotation.map(|annotation| format!(": {annotation}")).unwrap_or_default();
    format!("{name}{annotation}{shown}")
}

fn shown_value(text: &str, value: Node<'_>) -> Option<String> {
    match value.kind() {
        "integer" | "float" | "string" | "concatenated_string" | "true" | "false" | "none" | "unary_operator" => {
            Some(limited(tokens(text, value)))
        }
        "list" | "tuple" => {
            let mut cursor = value.walk();
            let is_literal =
                value.named_children(&mut cursor).all(|child| matches!(child.kind(), "string" | "comment"));
            is_literal.then(|| limited(tokens(text, value)))
        }
        "call" => {
            let callee = tokens(text, value.child_by_field_name("function")?);
            let is_type = matches!(
                callee.rsplit('.').next(),
                Some("TypeVar" | "NewType" | "ParamSpec" | "TypeVarTuple" | "NamedTuple" | "namedtuple" | "TypedDict")
            );
            Some(limited(if is_type { tokens(text, value) } else { format!("{callee}()") }))
        }
        _ => None,
    }
}

fn limited(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(VALUE_BYTES));
    text
}

/// Whether the function is a generator: it yields, and not only a function inside it.
fn yields(function: Node<'_>) -> bool {
    let Some(body) = function.child_by_field_name("body") else { return false };
    let mut cursor = body.walk();
    loop {
        let node = cursor.node();
        if node.kind() == "yield" && node.is_named() {
            return true;
        }
        let is_own = !matches!(node.kind(), "function_definition" | "class_definition" | "lambda");
        if is_own && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return false;
            }
        }
    }
}

/// The tokens of a node in one spacing, without comments, continued lines and a comma that nothing follows.
fn tokens(text: &str, node: Node<'_>) -> String {
    let mut joined = String::new();
    let mut cursor = node.walk();
    loop {
        let node = cursor.node();
        let is_skipped = matches!(node.kind(), "comment" | "line_continuation");
        let is_whole = node.child_count() == 0 || node.kind() == "string";
        if is_whole && !is_skipped {
            push_token(&mut joined, text.get(node.byte_range()).unwrap_or_default());
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
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\'');
    if matches!(token, ")" | "]" | "}") && joined.ends_with(',') && !joined.ends_with("(,") {
        joined.pop();
    }
    let touches = joined.ends_with(is_word) && token.starts_with(is_word);
    if touches || joined.ends_with(',') {
        joined.push(' ');
    }
    joined.push_str(token);
}
