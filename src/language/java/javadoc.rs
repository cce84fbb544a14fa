//! Javadoc: the comment of a declaration, its words, and what it leaves out where it lists the rest.

use tree_sitter::Node;

use super::walk::{JavaItem, JavaKind};

/// Named children, each with the documentation comment in front of it.
pub(super) fn documented<'t>(text: &str, parent: Node<'t>) -> Vec<(Node<'t>, Option<Node<'t>>)> {
    let mut cursor = parent.walk();
    let mut comment = None;
    let mut children = Vec::new();
    for child in parent.named_children(&mut cursor) {
        if child.kind() == "block_comment" && source(text, child).starts_with("/**") {
            comment = Some(child);
        } else if !child.kind().ends_with("_comment") {
            children.push((child, comment.take()));
            continue;
        }
        children.push((child, None));
    }
    children
}

/// The words of a documentation comment, without its markers.
pub(super) fn documentation(text: &str, comment: Node<'_>) -> String {
    let written = source(text, comment);
    let body = written.strip_prefix("/**").unwrap_or(written);
    let body = body.strip_suffix("*/").unwrap_or(body);
    let lines = body.lines().map(|line| {
        let line = line.trim();
        let bare = line.trim_start_matches('*');
        bare.strip_prefix(' ').unwrap_or(bare).trim_end()
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Its first sentence, in one line.
pub(super) fn first_line(text: &str, comment: Node<'_>) -> String {
    let words = documentation(text, comment);
    let first = words.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('@'));
    first.unwrap_or_default().to_owned()
}

/// Parts of a method or record that its documentation leaves out although it lists others of the kind.
pub(super) fn missing(text: &str, found: &JavaItem<'_>, docs: &str) -> Vec<String> {
    let has_parts = found.kind.is_code() || found.kind == JavaKind::Record;
    if !has_parts || docs.contains("{@inheritDoc}") {
        return Vec::new();
    }
    let tagged = |tag: &str| -> Vec<String> {
        let lines = docs.lines().filter_map(|line| line.trim().strip_prefix(tag)?.strip_prefix([' ', '\t']));
        lines.filter_map(|rest| rest.split_whitespace().next().map(str::to_owned)).collect()
    };
    let params = tagged("@param");
    let throws: Vec<String> = tagged("@throws").into_iter().chain(tagged("@exception")).collect();
    let is_returning = docs.contains("@return");
    let mut missing = Vec::new();
    if !params.is_empty() {
        let names = parameters(text, found.node);
        missing.extend(names.into_iter().filter(|name| !params.contains(name)).map(|name| format!("@param {name}")));
    }
    let lists = !params.is_empty() || !throws.is_empty() || is_returning;
    let ty = found.node.child_by_field_name("type").map_or("void", |ty| source(text, ty));
    if found.kind == JavaKind::Method && lists && !is_returning && ty != "void" {
        missing.push("@return".to_owned());
    }
    if lists {
        let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
        let known: Vec<String> = throws.iter().map(|name| last(name)).collect();
        let declared = declared_throws(text, found.node);
        let undocumented = declared.into_iter().filter(|name| !known.contains(&last(name)));
        missing.extend(undocumented.map(|name| format!("@throws {name}")));
    }
    missing
}

fn parameters(text: &str, function: Node<'_>) -> Vec<String> {
    let Some(list) = function.child_by_field_name("parameters") else { return Vec::new() };
    let mut cursor = list.walk();
    let name = |param: Node<'_>| {
        let mut cursor = param.walk();
        let declarator = param.named_children(&mut cursor).find(|part| part.kind() == "variable_declarator");
        let name = param.child_by_field_name("name").or(declarator.and_then(|part| part.child_by_field_name("name")));
        name.map(|name| source(text, name).to_owned())
    };
    list.named_children(&mut cursor).filter_map(name).collect()
}

fn declared_throws(text: &str, function: Node<'_>) -> Vec<String> {
    let mut cursor = function.walk();
    let Some(clause) = function.named_children(&mut cursor).find(|part| part.kind() == "throws") else {
        return Vec::new();
    };
    let mut cursor = clause.walk();
    clause.named_children(&mut cursor).map(|ty| source(text, ty).to_owned()).collect()
}

fn source<'s>(text: &'s str, node: Node<'_>) -> &'s str {
    text.get(node.byte_range()).unwrap_or_default()
}
