//! What is asked of single nodes of the tree.

use tree_sitter::Node;

pub(super) fn source<'t>(text: &'t str, node: Node<'_>) -> &'t str {
    text.get(node.byte_range()).unwrap_or_default()
}

/// Named children without comments.
pub(super) fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| child.kind() != "comment").collect()
}

pub(super) fn fields<'t>(node: Node<'t>, field: &str) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children_by_field_name(field, &mut cursor).filter(Node::is_named).collect()
}

pub(super) fn child_of_kind<'t>(node: Node<'t>, kind: &str) -> Option<Node<'t>> {
    children(node).into_iter().find(|child| child.kind() == kind)
}

/// 1-based
pub(super) fn line(row: usize) -> u32 {
    u32::try_from(row + 1).unwrap_or(u32::MAX)
}

pub(super) fn start_line(node: Node<'_>) -> u32 {
    line(node.start_position().row)
}

pub(super) fn last_line(node: Node<'_>) -> u32 {
    let (start, end) = (node.start_position(), node.end_position());
    line(if end.column == 0 && end.row > start.row { end.row - 1 } else { end.row })
}

/// Whether a node is one of those in which declarations stand as if they stood around it.
pub(super) fn is_transparent(kind: &str) -> bool {
    matches!(
        kind,
        "preproc_if"
            | "preproc_ifdef"
            | "preproc_else"
            | "preproc_elif"
            | "preproc_elifdef"
            | "linkage_specification"
            | "declaration_list"
            | "ERROR"
    )
}

pub(super) fn is_type_specifier(kind: &str) -> bool {
    matches!(kind, "class_specifier" | "struct_specifier" | "union_specifier" | "enum_specifier")
}

/// What a declarator declares.
#[derive(Clone, Copy)]
pub(super) struct Declarator<'t> {
    /// The name, qualified ones whole.
    pub name: Node<'t>,
    /// Its parameters, if it is a function and no pointer to one.
    pub function: Option<Node<'t>>,
}

/// Takes pointers, arrays and parentheses off a declarator.
pub(super) fn declarator(node: Node<'_>) -> Option<Declarator<'_>> {
    let (mut node, mut function) = (node, None);
    loop {
        match node.kind() {
            "identifier"
            | "field_identifier"
            | "type_identifier"
            | "primitive_type"
            | "operator_name"
            | "destructor_name"
            | "qualified_identifier"
            | "template_function"
            | "template_method"
            | "structured_binding_declarator" => return Some(Declarator { name: node, function }),
            "operator_cast" => {
                let declared = node.child_by_field_name("declarator");
                let function = declared.filter(|one| one.kind() == "abstract_function_declarator");
                return Some(Declarator { name: node, function });
            }
            "function_declarator" => {
                function = Some(node);
                node = node.child_by_field_name("declarator")?;
            }
            "pointer_declarator" | "reference_declarator" | "pointer_type_declarator" => {
                function = None;
                node = inner(node)?;
            }
            "array_declarator"
            | "init_declarator"
            | "parenthesized_declarator"
            | "attributed_declarator"
            | "variadic_declarator" => node = inner(node)?,
            _ => return None,
        }
    }
}

fn inner(node: Node<'_>) -> Option<Node<'_>> {
    let is_part = |kind: &str| {
        kind.ends_with("declarator")
            || kind.ends_with("identifier")
            || matches!(kind, "operator_name" | "template_function")
    };
    let named = || children(node).into_iter().find(|child| is_part(child.kind()));
    node.child_by_field_name("declarator").or_else(named)
}

/// The parts of a qualified name: what stands before each `::`, and the last name.
pub(super) fn qualified_parts(node: Node<'_>) -> (Vec<Node<'_>>, Node<'_>) {
    let (mut scopes, mut node) = (Vec::new(), node);
    while node.kind() == "qualified_identifier" {
        scopes.extend(node.child_by_field_name("scope"));
        let Some(name) = node.child_by_field_name("name") else { break };
        node = name;
    }
    (scopes, node)
}

/// The name itself of a name with template arguments.
pub(super) fn bare(node: Node<'_>) -> Node<'_> {
    match node.kind() {
        "template_function" | "template_type" | "template_method" => node.child_by_field_name("name").unwrap_or(node),
        "dependent_name" => node.named_child(0).map_or(node, bare),
        _ => node,
    }
}

/// The words of storage and function specifiers of a declaration: `static`, `inline`, `virtual`, `constexpr`.
pub(super) fn specifiers<'s>(text: &'s str, node: Node<'_>) -> Vec<&'s str> {
    let mut cursor = node.walk();
    let is_word = |child: &Node<'_>| {
        matches!(
            child.kind(),
            "storage_class_specifier"
                | "type_qualifier"
                | "virtual"
                | "virtual_function_specifier"
                | "explicit_function_specifier"
                | "inline"
                | "ms_declspec_modifier"
        )
    };
    node.children(&mut cursor).filter(is_word).map(|child| source(text, child)).collect()
}

/// The comments right before a declaration, and where they begin: its documentation.
pub(super) fn documentation(text: &str, start: usize) -> Option<(usize, String)> {
    let line_start = |at: usize| text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let mut at = line_start(start);
    if !text.get(at..start)?.trim().is_empty() {
        return None;
    }
    let mut lines: Vec<&str> = Vec::new();
    while at > 0 {
        let previous = line_start(at - 1);
        let line = text.get(previous..at - 1)?.trim();
        if line.ends_with("*/") && lines.is_empty() {
            let open = text.get(..at - 1)?.rfind("/*")?;
            let is_alone = text.get(line_start(open)..open)?.trim().is_empty();
            let words = plain(text.get(open..at - 1)?.trim_end());
            return (is_alone && !words.is_empty()).then_some((open, words));
        }
        if !line.starts_with("//") {
            break;
        }
        lines.push(line);
        at = previous;
    }
    lines.reverse();
    let words = plain(&lines.join("\n"));
    (!words.is_empty()).then_some((at, words))
}

/// The words of a comment, by lines.
fn plain(comment: &str) -> String {
    let inner = comment.trim_start_matches("/*").trim_end_matches("*/");
    let strip = |line: &str| -> String {
        let line = line.trim().trim_start_matches(['/', '*', '!', '<']);
        line.trim().to_owned()
    };
    let lines: Vec<String> = inner.lines().map(strip).collect();
    let words = lines.join("\n");
    let words = words.trim();
    if words.chars().any(char::is_alphanumeric) { words.to_owned() } else { String::new() }
}
