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

/// 1-based
pub(super) fn line(row: usize) -> u32 {
    u32::try_from(row + 1).unwrap_or(u32::MAX)
}

pub(super) fn last_line(node: Node<'_>) -> u32 {
    let (start, end) = (node.start_position(), node.end_position());
    line(if end.column == 0 && end.row > start.row { end.row - 1 } else { end.row })
}

/// The name of the type that a receiver or an embedded field is of: `T` of `*pkg.T[K]`.
pub(super) fn type_name<'t>(text: &'t str, node: Node<'_>) -> Option<&'t str> {
    let mut node = node;
    loop {
        node = match node.kind() {
            "type_identifier" | "identifier" => return Some(source(text, node)),
            "qualified_type" => node.child_by_field_name("name")?,
            "generic_type" => node.child_by_field_name("type")?,
            "pointer_type" | "parenthesized_type" => node.named_child(0)?,
            _ => return None,
        };
    }
}

/// The comment that ends on the line before a declaration, without directives: its documentation, with the place where it begins.
pub(super) fn documentation(text: &str, start: usize) -> Option<(usize, String)> {
    let line_start = |at: usize| text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let mut at = line_start(start);
    if !matches!(text.get(at..start)?.trim(), "" | "type" | "const" | "var") {
        return None;
    }
    let mut lines: Vec<&str> = Vec::new();
    while at > 0 {
        let previous = line_start(at - 1);
        let line = text.get(previous..at - 1)?.trim();
        if line.ends_with("*/") && lines.is_empty() {
            let open = text.get(..at - 1)?.rfind("/*")?;
            let is_alone = text.get(line_start(open)..open)?.trim().is_empty();
            let words = plain(text.get(open..at - 1)?.trim_end()).join("\n").trim().to_owned();
            return (is_alone && !words.is_empty()).then_some((open, words));
        }
        if !line.starts_with("//") {
            break;
        }
        lines.push(line);
        at = previous;
    }
    lines.reverse();
    let words = lines.into_iter().flat_map(plain).collect::<Vec<_>>().join("\n").trim().to_owned();
    (!words.is_empty()).then_some((at, words))
}

/// The words of a comment by lines; none of a directive.
fn plain(comment: &str) -> Vec<String> {
    let is_directive = |rest: &str| {
        rest.starts_with("go:")
            || rest.starts_with("line ")
            || rest.starts_with("export ")
            || rest.starts_with("nolint")
    };
    match comment.strip_prefix("//") {
        Some(rest) if is_directive(rest) || rest.trim_start().starts_with("+build") => Vec::new(),
        Some(rest) => vec![rest.strip_prefix(' ').unwrap_or(rest).trim_end().to_owned()],
        None => {
            let inner = comment.trim_start_matches("/*").trim_end_matches("*/");
            inner.lines().map(|line| line.trim().trim_start_matches('*').trim().to_owned()).collect()
        }
    }
}

/// Seen outside its package.
pub(super) fn is_exported(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}

/// A test, benchmark, fuzz target or example, as `go test` collects them by name and parameters.
pub(super) fn is_test_function(text: &str, function: Node<'_>) -> bool {
    if function.kind() != "function_declaration" {
        return false;
    }
    let name = function.child_by_field_name("name").map_or("", |name| source(text, name));
    let parameters = function.child_by_field_name("parameters").map_or("", |list| source(text, list));
    let is_named = |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| !rest.starts_with(char::is_lowercase));
    let takes = |what: &str| parameters.contains(what);
    is_named("Test") && (takes("testing.T") || takes("testing.M"))
        || is_named("Benchmark") && takes("testing.B")
        || is_named("Fuzz") && takes("testing.F")
        || is_named("Example") && parameters == "()" && function.child_by_field_name("result").is_none()
}
