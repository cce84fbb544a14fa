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

/// The name in front of `.prototype`.
pub(super) fn owner_of_prototype<'s>(text: &'s str, node: Node<'_>) -> Option<&'s str> {
    let object = node.child_by_field_name("object").filter(|object| object.kind() == "identifier")?;
    let property = node.child_by_field_name("property").filter(|_| node.kind() == "member_expression")?;
    (of(text, property) == "prototype").then(|| of(text, object))
}

/// What a call does to a prototype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PrototypeCall {
    Inherits,
    Assign,
    Define,
}

/// `util.inherits(A, B)`, `Object.assign(A.prototype, ..)`, `Object.setPrototypeOf(A.prototype, B.prototype)`,
/// `Object.defineProperty(A.prototype, "b", ..)`: the function whose prototype it is, and the other arguments.
pub(super) fn prototype_call<'s, 't>(text: &'s str, call: Node<'t>) -> Option<(PrototypeCall, &'s str, Vec<Node<'t>>)> {
    let callee = call.child_by_field_name("function").filter(|_| call.kind() == "call_expression")?;
    let kind = match of(text, callee) {
        "util.inherits" | "inherits" | "Object.setPrototypeOf" => PrototypeCall::Inherits,
        "Object.assign" => PrototypeCall::Assign,
        "Object.defineProperty" => PrototypeCall::Define,
        _ => return None,
    };
    let arguments = children(call.child_by_field_name("arguments")?);
    let mut arguments: Vec<Node<'t>> = arguments.filter(|one| one.kind() != "comment").collect();
    if arguments.len() < 2 {
        return None;
    }
    let first = arguments.remove(0);
    let is_plain = of(text, callee).ends_with("inherits") && first.kind() == "identifier";
    let owner = if is_plain { Some(of(text, first)) } else { owner_of_prototype(text, first) };
    Some((kind, owner?, arguments))
}

/// The functions at the top of a script that are used as classes: their prototype gets members, or they inherit.
pub(super) fn constructors<'t>(text: &'t str, statements: &[Node<'t>]) -> BTreeSet<&'t str> {
    let mut names = BTreeSet::new();
    for statement in statements.iter().filter(|one| one.kind() == "expression_statement") {
        names.extend(statement.named_child(0).and_then(|call| prototype_call(text, call)).map(|(_, owner, _)| owner));
        let mut at = assignment(*statement);
        while let Some((left, right)) = at {
            let owner = owner_of_prototype(text, left);
            let inner = left.child_by_field_name("object");
            names.extend(owner.or_else(|| owner_of_prototype(text, inner?)));
            let next = Some(right).filter(|right| right.kind() == "assignment_expression");
            at = next.and_then(|next| Some((next.child_by_field_name("left")?, next.child_by_field_name("right")?)));
        }
    }
    names
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
