//! Parameters that a docstring leaves out, where it lists others: Google's, NumPy's and Sphinx's forms.

use std::collections::BTreeSet;

use tree_sitter::Node;

/// Names of documented parameters by form; nothing if the docstring lists none.
fn listed(docs: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut in_section = None;
    let mut lines = docs.lines().peekable();
    while let Some(written) = lines.next() {
        let trimmed = written.trim();
        if let Some(rest) = trimmed.strip_prefix(":param ").or_else(|| trimmed.strip_prefix(":parameter ")) {
            names.extend(rest.split(':').next().and_then(|words| words.split_whitespace().last()));
        } else if matches!(trimmed, "Args:" | "Arguments:" | "Parameters:" | "Keyword Args:") {
            in_section = Some(indent(written));
        } else if matches!(trimmed, "Parameters" | "Other Parameters")
            && lines.peek().is_some_and(|next| next.trim().starts_with("---"))
        {
            in_section = Some(0);
            lines.next();
        } else if let Some(margin) = in_section {
            if !trimmed.is_empty()
                && indent(written) <= margin
                && (margin > 0 || trimmed.ends_with(':') || is_heading(lines.peek()))
            {
                in_section = None;
                continue;
            }
            let before = trimmed.split([':', '(']).next().unwrap_or_default();
            if before.len() < trimmed.len() || before == trimmed {
                names.extend(
                    before.split(',').map(|name| name.trim().trim_start_matches('*')).filter(|name| is_name(name)),
                );
            }
        }
    }
    names
}

fn is_heading(next: Option<&&str>) -> bool {
    next.is_some_and(|next| next.trim().starts_with("---"))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Parameters of a function that its docstring, which lists others, does not name.
pub(super) fn missing(text: &str, function: Node<'_>, docs: &str) -> Vec<String> {
    let listed = listed(docs);
    let Some(list) = function.child_by_field_name("parameters") else { return Vec::new() };
    let mut cursor = list.walk();
    let name = |node: Node<'_>| {
        let name = match node.kind() {
            "identifier" => Some(node),
            "typed_parameter" => node.named_child(0).filter(|name| name.kind() == "identifier"),
            "default_parameter" | "typed_default_parameter" => node.child_by_field_name("name"),
            _ => None,
        };
        name.and_then(|name| text.get(name.byte_range()))
    };
    let params: Vec<&str> = list
        .named_children(&mut cursor)
        .filter_map(name)
        .filter(|name| !matches!(*name, "self" | "cls") && !name.starts_with('_'))
        .collect();
    if !params.iter().any(|param| listed.contains(param)) {
        return Vec::new();
    }
    params.into_iter().filter(|param| !listed.contains(param)).map(|param| format!("parameter {param}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_lists_its_parameters() {
        for docs in [
            "Does.\n\nArgs:\n    a: one\n        more: words\n    *rest: others\n\nReturns:\n    x: it",
            "Does.\n\n:param a: one\n:param str rest: others\n:returns: x",
            "Does.\n\nParameters\n----------\na : int\n    One.\nrest : str\n    Others.\n\nReturns\n-------\nx : int",
        ] {
            let names = listed(docs);
            assert!(names.contains("a") && names.contains("rest") && !names.contains("x"), "{docs}: {names:?}");
        }
        assert!(listed("Does a: b.").is_empty());
    }
}
