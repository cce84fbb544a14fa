//! What the local analyses see of a Python file.

use std::collections::HashSet;

use tree_sitter::Node;

use super::outline::{last_line, line};
use super::walk::{self, Kind, NamedNode};
use super::{docstring, smells};
use crate::domain::Role;
use crate::language::comment;
use crate::language::duplicate::{self, BodySyntax, ComparedBody, FEWEST_LINES};
use crate::language::item::{CodeItem, Complexity, Function, MemberCounts, ParsedCode};
use crate::language::lines::{self, CodeLines};
use crate::language::smell::{Smell, list_lines, plural};
use crate::language::syntax::{self, errors_of};
use crate::language::{Parsed, Visibility};

/// The file as analyses see it; nothing if there is no tree.
pub(super) fn code<'t>(parsed: &Parsed<'t>, role: Role) -> Option<ParsedCode<'t>> {
    let (text, root) = (parsed.text, parsed.tree().ok()?.root_node());
    let comments = comment::scan(parsed.language, text).unwrap_or_default();
    let lines = lines::of_comments(text, &comments);
    let code_lines = CodeLines::new(&lines);
    let found = walk::found(text, root);
    let definitions = || found.iter().filter(|one| one.node.child_by_field_name("body").is_some());
    let documentation = walk::docstring(root);
    let functions: Vec<Function> =
        definitions().filter(|one| one.kind != Kind::Class).map(|one| function(text, one, role, &code_lines)).collect();
    let mut smells = smells::find(text, root, &found, role);
    smells.extend(repeated(text, definitions().filter(|one| one.kind != Kind::Class).zip(&functions)));
    Some(ParsedCode {
        items: definitions().map(|one| item(text, one)).collect(),
        functions,
        comments,
        lines,
        documentation: documentation.map(|node| (line(node.start_position().row), walk::documentation(text, node))),
        re_exports: 0,
        members: MemberCounts::default(),
        smells,
        unjudged: Some("large classes: not looked for in Python"),
        not_covered: unparsed(root),
    })
}

const BODY: BodySyntax = BodySyntax { is_apart, binds, may_be_local };

fn is_apart(node: Node<'_>) -> bool {
    matches!(node.kind(), "function_definition" | "class_definition")
}

/// Bodies that repeat an earlier one.
fn repeated<'a>(text: &'a str, functions: impl Iterator<Item = (&'a NamedNode<'a>, &'a Function)>) -> Vec<Smell> {
    let compared = functions.filter(|(_, function)| !function.is_test && function.code_lines >= FEWEST_LINES);
    duplicate::smells(compared.filter_map(|(found, function)| {
        let parameters: Vec<Node<'_>> = found.node.child_by_field_name("parameters").into_iter().collect();
        let body = found.node.child_by_field_name("body")?;
        let (name, lines) = (function.name.as_str(), (function.start_line, function.end_line));
        Some(ComparedBody { name, lines, tokens: BODY.tokens(text, &parameters, body) })
    }))
}

/// A parameter, or a target of an assignment, a loop, a comprehension, `with` or `except`.
fn binds(identifier: Node<'_>) -> bool {
    let mut at = identifier;
    while let Some(parent) = at.parent() {
        match parent.kind() {
            "pattern_list" | "tuple_pattern" | "list_pattern" | "list_splat_pattern" | "dictionary_splat_pattern" => {
                at = parent;
            }
            "parameters" | "lambda_parameters" | "as_pattern_target" => return true,
            "default_parameter" | "typed_default_parameter" => {
                return parent.child_by_field_name("name") == Some(at);
            }
            "typed_parameter" => return parent.child_by_field_name("type") != Some(at),
            "assignment" | "for_statement" | "for_in_clause" => return parent.child_by_field_name("left") == Some(at),
            "named_expression" => return parent.child_by_field_name("name") == Some(at),
            _ => return false,
        }
    }
    false
}

fn may_be_local(identifier: Node<'_>) -> bool {
    identifier.parent().is_none_or(|parent| match parent.kind() {
        "attribute" => parent.child_by_field_name("attribute") != Some(identifier),
        "keyword_argument" => parent.child_by_field_name("name") != Some(identifier),
        _ => true,
    })
}

fn unparsed(root: Node<'_>) -> Vec<String> {
    let mut broken: Vec<u32> = errors_of(root, "Python").iter().map(|error| error.line).collect();
    broken.dedup();
    if broken.is_empty() {
        return Vec::new();
    }
    let verb = if broken.len() == 1 { "does" } else { "do" };
    vec![format!("{} that {verb} not parse ({})", plural(broken.len(), "passage"), list_lines(&broken))]
}

fn item(text: &str, found: &NamedNode<'_>) -> CodeItem {
    let own = found.name.rsplit('.').next().unwrap_or_default();
    // A method with two underscores is asked for by the language, not by the author.
    let is_dictated = found.kind == Kind::Method && own.starts_with("__");
    let is_listed = found.is_public && !found.is_test && !found.is_local && !is_dictated;
    let body = found.node.child_by_field_name("body").filter(|_| is_listed);
    let docs = body.and_then(walk::docstring).map(|node| walk::documentation(text, node));
    CodeItem {
        kind: match found.kind {
            Kind::Class => "class",
            Kind::Method => "method",
            _ => "function",
        },
        name: found.name.clone(),
        visibility: if found.is_public { Visibility::Public } else { Visibility::Private },
        is_test: found.is_test,
        is_dictated,
        is_listed,
        is_surface: is_listed,
        bytes: found.whole.byte_range(),
        start_line: line(found.node.start_position().row),
        end_line: last_line(found.node),
        missing_sections: docs.as_ref().map(|docs| docstring::missing(text, found.node, docs)).unwrap_or_default(),
        documentation: docs.filter(|docs| !docs.is_empty()),
    }
}

fn function(text: &str, found: &NamedNode<'_>, role: Role, code: &CodeLines) -> Function {
    let (start_line, end_line) = (line(found.node.start_position().row), last_line(found.node));
    let parameters = found.node.child_by_field_name("parameters");
    let positional = parameters.map(|list| positional(text, list)).unwrap_or_default();
    let counted = |is: fn(&str, Node<'_>) -> bool| {
        u32::try_from(positional.iter().filter(|&&node| is(text, node)).count()).unwrap_or(u32::MAX)
    };
    Function {
        name: found.name.clone(),
        start_line,
        end_line,
        code_lines: code.between(start_line, end_line),
        parameters: counted(|_, _| true),
        flags: counted(is_flag),
        complexity: complexity(found.node),
        volume: volume(text, found.node),
        is_test: found.is_test || matches!(role, Role::Test | Role::Bench),
        is_dictated: false,
    }
}

/// Parameters that a call may pass without their names; those behind `*` explain themselves there. The object that a method is called
/// on is none.
fn positional<'t>(text: &str, list: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = list.walk();
    let is_variadic = |node: Node<'_>| {
        let inner = if node.kind() == "typed_parameter" { node.named_child(0).unwrap_or(node) } else { node };
        matches!(inner.kind(), "list_splat_pattern" | "dictionary_splat_pattern")
    };
    let all = list.named_children(&mut cursor);
    let positional = all.take_while(|&node| node.kind() != "keyword_separator" && !is_variadic(node));
    let named = |node: &Node<'_>| text.get(node.byte_range()).unwrap_or_default();
    positional
        .filter(|node| !matches!(node.kind(), "comment" | "positional_separator") && !smells::is_receiver(named(node)))
        .collect()
}

/// A parameter that is annotated `bool`.
fn is_flag(text: &str, parameter: Node<'_>) -> bool {
    let annotation = parameter.child_by_field_name("type").and_then(|node| text.get(node.byte_range()));
    annotation == Some("bool")
}

/// Visits the nodes of a function's body with the nesting of control flow around each, without functions defined inside it.
fn own_nodes<'t>(function: Node<'t>, mut visit: impl FnMut(Node<'t>, u32)) {
    let Some(body) = function.child_by_field_name("body") else { return };
    syntax::walk_with(body, 0, |node, nesting| {
        if is_apart(node) {
            return None;
        }
        visit(node, nesting);
        Some(nesting + u32::from(is_control(node.kind())))
    });
}

fn is_control(kind: &str) -> bool {
    matches!(
        kind,
        "if_statement"
            | "for_statement"
            | "while_statement"
            | "match_statement"
            | "except_clause"
            | "conditional_expression"
    )
}

/// Cyclomatic and cognitive complexity as for Rust (McCabe 1976; Campbell, SonarSource 2023): decisions are `if`, `elif`, loops, handlers,
/// cases, conditions of comprehensions, `and` and `or`; a construct of control flow costs 1 and its nesting, `elif`, `else` and a
/// logical operator cost 1.
fn complexity(function: Node<'_>) -> Complexity {
    let mut measured = Complexity { cyclomatic: 1, ..Complexity::default() };
    own_nodes(function, |node, nesting| {
        let kind = node.kind();
        let (cyclomatic, cognitive) = match kind {
            "match_statement" => (0, 1 + nesting),
            _ if is_control(kind) && node.is_named() => (1, 1 + nesting),
            "elif_clause" | "boolean_operator" => (1, 1),
            "else_clause" => (0, 1),
            "case_clause" | "if_clause" => (1, 0),
            _ => (0, 0),
        };
        measured.cyclomatic = measured.cyclomatic.saturating_add(cyclomatic);
        measured.cognitive = measured.cognitive.saturating_add(cognitive);
        if is_control(kind) && kind != "conditional_expression" && nesting + 1 > measured.nesting {
            measured.nesting = nesting + 1;
            measured.deepest_row = line(node.start_position().row) - 1;
        }
    });
    measured
}

/// Halstead's volume: `N · log2(n)` over the tokens of the body, N their number, n that of distinct ones.
fn volume(text: &str, function: Node<'_>) -> f64 {
    let (mut total, mut distinct) = (0_u32, HashSet::new());
    own_nodes(function, |node, _| {
        let token = text.get(node.byte_range()).unwrap_or_default();
        if node.child_count() == 0 && node.kind() != "comment" && !matches!(token, "" | ")" | "]" | "}") {
            total += 1;
            distinct.insert(token);
        }
    });
    f64::from(total) * f64::from(u32::try_from(distinct.len()).unwrap_or(u32::MAX).max(1)).log2()
}
