//! What is asked of single nodes of the tree.

use tree_sitter::Node;

pub(super) fn source<'t>(text: &'t str, node: Node<'_>) -> &'t str {
    text.get(node.byte_range()).unwrap_or_default()
}

/// Named children without comments, directives, and the condition of an `#if`.
pub(super) fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    let condition = node.child_by_field_name("condition").filter(|_| node.kind().starts_with("preproc_"));
    let is_said = |child: &Node<'_>| {
        let kind = child.kind();
        kind != "comment" && (!kind.starts_with("preproc_") || is_conditional(kind)) && Some(*child) != condition
    };
    node.named_children(&mut cursor).filter(is_said).collect()
}

/// The operands among a node's children: as [`children`], with `this` and `base`, which have no names in the grammar.
pub(super) fn operands(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    let is_operand = |child: &Node<'_>| match child.is_named() {
        true => child.kind() != "comment" && !child.kind().starts_with("preproc_"),
        false => matches!(child.kind(), "this" | "base"),
    };
    node.children(&mut cursor).filter(is_operand).collect()
}

/// A part of the file that is there under a condition; all of them are read.
pub(super) fn is_conditional(kind: &str) -> bool {
    matches!(kind, "preproc_if" | "preproc_elif" | "preproc_else")
}

pub(super) fn child_of<'t>(node: Node<'t>, kind: &str) -> Option<Node<'t>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).find(|child| child.kind() == kind)
}

/// 1-based
pub(super) fn line(row: usize) -> u32 {
    u32::try_from(row + 1).unwrap_or(u32::MAX)
}

/// The line of a declaration itself, attributes not counted.
pub(super) fn start_line(node: Node<'_>) -> u32 {
    let mut cursor = node.walk();
    let first = node.children(&mut cursor).find(|child| !child.is_extra() && child.kind() != "attribute_list");
    line(first.unwrap_or(node).start_position().row)
}

pub(super) fn last_line(node: Node<'_>) -> u32 {
    let (start, end) = (node.start_position(), node.end_position());
    line(if end.column == 0 && end.row > start.row { end.row - 1 } else { end.row })
}

/// `public`, `static`, `partial`.
pub(super) fn modifiers<'s>(text: &'s str, node: Node<'_>) -> Vec<&'s str> {
    let mut cursor = node.walk();
    let words = node.named_children(&mut cursor).filter(|child| child.kind() == "modifier");
    words.map(|child| source(text, child)).collect()
}

/// The last names of the attributes of a declaration, as written.
pub(super) fn attributes<'s>(text: &'s str, node: Node<'_>) -> Vec<&'s str> {
    let lists = children(node).into_iter().filter(|child| child.kind() == "attribute_list");
    let attributes = lists.flat_map(children).filter(|child| child.kind() == "attribute");
    let names = attributes.filter_map(|attribute| attribute.child_by_field_name("name"));
    names.map(|name| source(text, name).rsplit('.').next().unwrap_or_default()).collect()
}

/// A name without its type arguments.
pub(super) fn bare(node: Node<'_>) -> Node<'_> {
    if node.kind() == "generic_name" { node.named_child(0).unwrap_or(node) } else { node }
}

/// The type parameters that a declaration lists.
pub(super) fn type_parameters(node: Node<'_>) -> Vec<Node<'_>> {
    let list = child_of(node, "type_parameter_list").map(children).unwrap_or_default();
    list.into_iter().filter(|one| one.kind() == "type_parameter").collect()
}

/// A parameter of a declaration. The grammar puts the parts of the one with `params` next to the others.
pub(super) struct ListedParameter<'t> {
    /// Where its attributes are.
    pub node: Node<'t>,
    pub ty: Option<Node<'t>>,
    pub name: Option<Node<'t>>,
    pub default: Option<Node<'t>>,
    pub is_rest: bool,
    pub is_this: bool,
}

pub(super) fn parameters<'t>(text: &str, list: Node<'t>) -> Vec<ListedParameter<'t>> {
    let mut all: Vec<ListedParameter<'t>> = Vec::new();
    let mut cursor = list.walk();
    let mut rest_type = None;
    for (at, child) in list.children(&mut cursor).enumerate() {
        let field = list.field_name_for_child(u32::try_from(at).unwrap_or(u32::MAX));
        match (child.kind(), field) {
            ("parameter", _) => all.push(listed(text, child)),
            ("implicit_parameter", _) => all.push(ListedParameter {
                node: child,
                ty: None,
                name: Some(child),
                default: None,
                is_rest: false,
                is_this: false,
            }),
            (_, Some("type")) => rest_type = Some(child),
            (_, Some("name")) => all.push(ListedParameter {
                node: child,
                ty: rest_type,
                name: Some(child),
                default: None,
                is_rest: true,
                is_this: false,
            }),
            _ => {}
        }
    }
    all
}

fn listed<'t>(text: &str, node: Node<'t>) -> ListedParameter<'t> {
    let words = modifiers(text, node);
    let (ty, name) = (node.child_by_field_name("type"), node.child_by_field_name("name"));
    let is_value = |one: &Node<'t>| {
        let is_field = [ty, name].into_iter().flatten().any(|field| field.id() == one.id());
        !is_field && !matches!(one.kind(), "modifier" | "attribute_list") && !is_conditional(one.kind())
    };
    let default = children(node).into_iter().find(is_value);
    let (is_rest, is_this) = (words.contains(&"params"), words.contains(&"this"));
    ListedParameter { node, ty, name, default, is_rest, is_this }
}

/// The list of parameters of a declaration; of an indexer those in brackets.
pub(super) fn parameter_list(node: Node<'_>) -> Option<Node<'_>> {
    node.child_by_field_name("parameters").or_else(|| child_of(node, "parameter_list"))
}

/// The sign between two operands.
pub(super) fn operator_of<'t>(node: Node<'t>) -> &'t str {
    node.child_by_field_name("operator").map_or("", |operator| operator.kind())
}
