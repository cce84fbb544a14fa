//! What the local analyses see of a script.

use tree_sitter::Node;

use super::measure;
use super::outline::{doc_comment, documentation, last_line, line};
use super::smells;
use super::source::Script;
use super::walk::{self, Declared, DeclaredKind, children, of};
use crate::domain::Role;
use crate::language::comment;
use crate::language::item::{CodeItem, Function, MemberCounts, ParsedCode};
use crate::language::lines::{self, CodeLines};
use crate::language::smell::{list_lines, plural};
use crate::language::{Parsed, Visibility};

/// The file as analyses see it; nothing if there is no tree.
pub(super) fn code<'t>(parsed: &Parsed<'t>, role: Role) -> Option<ParsedCode<'t>> {
    let script = Script::read(parsed).ok()?;
    let text = parsed.text;
    let comments = comment::scan(parsed.language, text).unwrap_or_default();
    let lines = lines::of_comments(text, &comments);
    let code_lines = CodeLines::new(&lines);
    let found = walk::declared(&script);
    let statements = script.statements();
    let members = found.iter().filter(|one| one.is_public && is_member(one));
    let documented = members.clone().filter(|one| doc_comment(text, one.whole_or_member()).is_some()).count();
    let (measured, functions): (Vec<Node<'_>>, Vec<Function>) =
        found.iter().filter_map(|one| Some((one.function?, function(text, one, role, &code_lines)?))).unzip();
    let mut smells = smells::smells(text, &script, &found, role);
    smells.extend(measure::repeated(text, measured.iter().copied().zip(&functions)));
    Some(ParsedCode {
        items: found.iter().filter(|one| is_item(one)).map(|one| item(text, one)).collect(),
        functions,
        comments,
        lines,
        documentation: file_documentation(text, &statements),
        re_exports: re_exports(&statements),
        members: MemberCounts { total: count(members.count()), documented: count(documented) },
        smells,
        unjudged: None,
        not_covered: unparsed(&script),
    })
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn re_exports(statements: &[Node<'_>]) -> u32 {
    let handed_on = statements.iter().filter(|node| node.child_by_field_name("source").is_some());
    count(handed_on.filter(|node| node.kind() == "export_statement").count())
}

fn unparsed(script: &Script<'_>) -> Vec<String> {
    let mut broken: Vec<u32> = script.errors().iter().map(|error| error.line).collect();
    broken.dedup();
    if broken.is_empty() {
        return Vec::new();
    }
    let verb = if broken.len() == 1 { "does" } else { "do" };
    vec![format!("{} that {verb} not parse ({})", plural(broken.len(), "passage"), list_lines(&broken))]
}

/// A comment of documentation before the first statement that documents no declaration: `@file`, `@module`, or one that a blank line
/// parts from what follows.
fn file_documentation(text: &str, statements: &[Node<'_>]) -> Option<(u32, String)> {
    let first = statements.iter().find(|node| node.kind() != "hash_bang_line")?;
    let written = of(text, *first);
    if first.kind() != "comment" || !written.starts_with("/**") {
        return None;
    }
    let documents_file = ["@file", "@module", "@packageDocumentation", "@fileoverview"];
    let next = first.next_sibling();
    let is_apart = next.is_none_or(|next| {
        next.kind() == "import_statement"
            || next.kind() == "comment"
            || next.start_position().row > first.end_position().row + 1
    });
    (is_apart || documents_file.iter().any(|tag| written.contains(tag)))
        .then(|| (line(first.start_position().row), documentation(text, *first)))
}

impl<'t> Declared<'t> {
    fn whole_or_member(&self) -> Node<'t> {
        self.whole
    }

    fn own_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }
}

fn is_member(one: &Declared<'_>) -> bool {
    matches!(one.kind, DeclaredKind::Field | DeclaredKind::Variant)
}

fn is_item(one: &Declared<'_>) -> bool {
    let is_named = !matches!(one.kind, DeclaredKind::Anonymous | DeclaredKind::Field | DeclaredKind::Variant);
    is_named && (!one.is_local || one.kind == DeclaredKind::Test)
}

fn item(text: &str, declared: &Declared<'_>) -> CodeItem {
    let is_dictated = declared.kind == DeclaredKind::Method && declared.own_name() == "constructor";
    let is_overload = declared.node.kind() == "function_signature";
    let is_listed = declared.is_public && !declared.is_test && !is_dictated;
    let comment = doc_comment(text, declared.whole).filter(|_| is_listed);
    let docs = comment.map(|comment| documentation(text, comment)).filter(|docs| !docs.is_empty());
    CodeItem {
        kind: kind(declared.kind),
        name: declared.name.clone(),
        visibility: if declared.is_public { Visibility::Public } else { Visibility::Private },
        is_test: declared.is_test,
        is_dictated: is_dictated || is_overload,
        is_listed,
        is_surface: is_listed,
        bytes: declared.whole.byte_range(),
        start_line: line(declared.node.start_position().row),
        end_line: last_line(declared.node),
        missing_sections: docs.as_deref().map(|docs| missing(text, declared, docs)).unwrap_or_default(),
        documentation: docs,
    }
}

fn kind(kind: DeclaredKind) -> &'static str {
    match kind {
        DeclaredKind::Class => "class",
        DeclaredKind::Interface => "interface",
        DeclaredKind::Enum => "enum",
        DeclaredKind::Alias => "type",
        DeclaredKind::Namespace => "namespace",
        DeclaredKind::Method => "method",
        DeclaredKind::Constant => "const",
        DeclaredKind::Variable => "let",
        DeclaredKind::Test => "test",
        _ => "function",
    }
}

/// Parts that a JSDoc comment begins and does not end: it documents some parameters and not others.
fn missing(text: &str, declared: &Declared<'_>, docs: &str) -> Vec<String> {
    let Some(function) = declared.function else { return Vec::new() };
    let documented: Vec<&str> = docs.lines().filter_map(documented_parameter).collect();
    if documented.is_empty() {
        return Vec::new();
    }
    let names = parameter_names(text, function);
    let missing = names.iter().filter(|name| !documented.contains(&name.as_str()) && !name.starts_with('_'));
    missing.map(|name| format!("@param {name}")).collect()
}

fn documented_parameter(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("@param")?.trim_start();
    let rest = match rest.strip_prefix('{') {
        Some(typed) => typed.split_once('}')?.1.trim_start(),
        None => rest,
    };
    let name = rest.trim_start_matches('[').split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).next()?;
    (!name.is_empty()).then_some(name)
}

fn parameter_names(text: &str, function: Node<'_>) -> Vec<String> {
    let only = function.child_by_field_name("parameter");
    let list = function.child_by_field_name("parameters").into_iter().flat_map(children);
    let name = |node: Node<'_>| {
        let pattern = node.child_by_field_name("pattern").or_else(|| node.child_by_field_name("left")).unwrap_or(node);
        let name = if pattern.kind() == "rest_pattern" { pattern.named_child(0)? } else { pattern };
        (name.kind() == "identifier").then(|| of(text, name).to_owned())
    };
    only.into_iter().chain(list).filter_map(name).collect()
}

fn function(text: &str, declared: &Declared<'_>, role: Role, code: &CodeLines) -> Option<Function> {
    let function = declared.function?;
    let body = function.child_by_field_name("body")?;
    let is_callback = declared.kind == DeclaredKind::Anonymous && declared.node == function;
    if is_callback || declared.kind == DeclaredKind::Test {
        return None;
    }
    let (start_line, end_line) = (line(declared.node.start_position().row), last_line(declared.node));
    let parameters = function.child_by_field_name("parameters");
    let listed = || parameters.into_iter().flat_map(children).filter(|one| one.kind() != "comment");
    let is_flag = |one: &Node<'_>| {
        one.child_by_field_name("type").is_some_and(|ty| of(text, ty).trim_start_matches([':', ' ']) == "boolean")
    };
    Some(Function {
        name: declared.name.clone(),
        start_line,
        end_line,
        code_lines: code.between(start_line, end_line),
        parameters: count(listed().count()) + u32::from(function.child_by_field_name("parameter").is_some()),
        flags: count(listed().filter(is_flag).count()),
        complexity: measure::complexity(text, body),
        volume: measure::volume(text, body),
        is_test: declared.is_test || matches!(role, Role::Test | Role::Bench),
        is_dictated: false,
    })
}
