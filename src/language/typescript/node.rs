//! Small questions about nodes of a script.

use std::collections::BTreeSet;

use tree_sitter::Node;

/// Local names that `export { .. }`, `export default name` and CommonJS hand out.
pub(super) fn exported<'t>(text: &'t str, statements: &[Node<'t>]) -> BTreeSet<&'t str> {
    let mut names = BTreeSet::new();
    for statement in statements {
        match statement.kind() {
            "export_statement" if statement.child_by_field_name("source").is_none() => {
                let value = statement.child_by_field_name("value").filter(|value| value.kind() == "identifier");
                names.extend(value.map(|value| of(text, value)));
                for clause in children(*statement).filter(|child| child.kind() == "export_clause") {
                    let specifiers = children(clause).filter_map(|child| child.child_by_field_name("name"));
                    names.extend(specifiers.map(|name| of(text, name)));
                }
            }
            "expression_statement" => {
                let Some((left, right)) = assignment(*statement) else { continue };
                if is_exports(of(text, left)) {
                    match right.kind() {
                        "identifier" => drop(names.insert(of(text, right))),
                        "object" => names.extend(children(right).filter_map(|member| match member.kind() {
                            "shorthand_property_identifier" => Some(of(text, member)),
                            "pair" => member.child_by_field_name("value").map(|value| of(text, value)),
                            _ => None,
                        })),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    names
}

/// The sides of an assignment that is a statement.
pub(super) fn assignment(statement: Node<'_>) -> Option<(Node<'_>, Node<'_>)> {
    let node = statement.named_child(0).filter(|node| node.kind() == "assignment_expression")?;
    Some((node.child_by_field_name("left")?, node.child_by_field_name("right")?))
}

/// `module.exports`, `exports`, and members of either.
pub(super) fn is_exports(written: &str) -> bool {
    let rest = written.strip_prefix("module.exports").or_else(|| written.strip_prefix("exports"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Named children. (Asking for one after the other by its number would cost the square of their number.)
pub(super) fn children<'t>(node: Node<'t>) -> std::vec::IntoIter<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect::<Vec<_>>().into_iter()
}

pub(super) fn of<'s>(text: &'s str, node: Node<'_>) -> &'s str {
    text.get(node.byte_range()).unwrap_or_default()
}

/// A declaration in a block is one of the block.
pub(super) fn is_in_block(declaration: Node<'_>) -> bool {
    let outer = declaration.parent();
    outer.is_some_and(|outer| match outer.kind() {
        "export_statement" | "program" | "ambient_declaration" | "ERROR" => false,
        "statement_block" => outer
            .parent()
            .is_none_or(|owner| !matches!(owner.kind(), "internal_module" | "module" | "ambient_declaration")),
        _ => true,
    })
}

pub(super) fn is_private(node: Node<'_>) -> bool {
    let modifier = node.child(0).filter(|first| first.kind() == "accessibility_modifier");
    modifier.and_then(|modifier| modifier.child(0)).is_some_and(|word| word.kind() == "private")
}

pub(super) fn is_function(node: Node<'_>) -> bool {
    matches!(node.kind(), "arrow_function" | "function_expression" | "generator_function")
}

/// The value inside parentheses, `as const`, `satisfies T` and `Object.freeze(..)`.
pub(super) fn unwrapped(node: Node<'_>) -> Node<'_> {
    let mut node = node;
    while matches!(
        node.kind(),
        "parenthesized_expression" | "as_expression" | "satisfies_expression" | "non_null_expression"
    ) {
        let Some(inner) = node.named_child(0).filter(|inner| inner.kind() != "comment") else { break };
        node = inner;
    }
    node
}

/// A property's name without quotes.
pub(super) fn property_name<'s>(text: &'s str, name: Node<'_>) -> &'s str {
    let written = of(text, name);
    if name.kind() == "string" { written.trim_matches(['"', '\'']) } else { written }
}

/// The names that a pattern binds.
pub(super) fn bound_names(pattern: Node<'_>) -> Vec<Node<'_>> {
    let mut names = Vec::new();
    let mut todo = vec![pattern];
    while let Some(node) = todo.pop() {
        match node.kind() {
            "identifier" | "shorthand_property_identifier_pattern" => names.push(node),
            "pair_pattern" => todo.extend(node.child_by_field_name("value")),
            "assignment_pattern" | "object_assignment_pattern" => todo.extend(node.child_by_field_name("left")),
            "object_pattern" | "array_pattern" | "rest_pattern" => {
                let first = todo.len();
                todo.extend(children(node));
                todo[first..].reverse();
            }
            _ => {}
        }
    }
    names
}

/// The title of a test or suite of jest, vitest, mocha, node:test and their like.
pub(super) fn test_title(text: &str, call: Node<'_>, callee: &str) -> Option<String> {
    const NAMES: [&str; 8] = ["it", "test", "describe", "suite", "context", "bench", "specify", "fit"];
    let base = callee.split(['.', '(', '`']).next().unwrap_or_default();
    if !NAMES.contains(&base) || callee.contains('\n') {
        return None;
    }
    let mut arguments = call.child_by_field_name("arguments").into_iter().flat_map(children);
    let title = arguments.next().filter(|first| matches!(first.kind(), "string" | "template_string"))?;
    let has_body = arguments.any(is_function);
    let title = of(text, title).trim_matches(['"', '\'', '`']);
    has_body.then(|| title.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(120).collect())
}
