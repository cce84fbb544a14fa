//! What the local analyses see of a file.

use tree_sitter::Node;

use super::node::{children, documentation, last_line, line, source, start_line};
use super::walk::{self, CItem, CKind};
use super::{measure, smells};
use crate::domain::{Language, Role};
use crate::language::comment;
use crate::language::duplicate::{self, ComparedBody, FEWEST_LINES};
use crate::language::item::{CodeItem, Function, MemberCounts, ParsedCode};
use crate::language::lines::{self, CodeLines};
use crate::language::smell::{Smell, list_lines, plural};
use crate::language::syntax::errors_of;
use crate::language::{Parsed, Visibility};

/// The file as analyses see it; nothing if there is no tree.
pub(super) fn code<'t>(parsed: &Parsed<'t>, role: Role) -> Option<ParsedCode<'t>> {
    let (text, root) = (parsed.text, parsed.tree().ok()?.root_node());
    let comments = comment::scan(parsed.language, text).unwrap_or_default();
    let lines = lines::of_comments(text, &comments);
    let code_lines = CodeLines::new(&lines);
    let found = walk::found(text, root);
    let is_header = is_header(text, root);
    let is_surface = is_header && !matches!(role, Role::Test | Role::Bench | Role::Example);
    let is_item = |one: &&CItem<'_>| !matches!(one.kind, CKind::Field | CKind::Enumerator);
    let bodies: Vec<&CItem<'_>> =
        found.iter().filter(|one| one.kind.is_function() && measure::body(one.node).is_some()).collect();
    let functions: Vec<Function> = bodies.iter().map(|one| function(text, one, role, &code_lines)).collect();
    let mut smells = smells::find(text, root, &found, is_header);
    smells.extend(repeated(text, bodies.iter().copied().zip(&functions)));
    smells.sort_by_key(|smell| (smell.start_line, smell.kind));
    let name = if parsed.language == Language::CPP { "C++" } else { "C" };
    Some(ParsedCode {
        items: found.iter().filter(is_item).map(|one| item(text, one, is_surface)).collect(),
        functions,
        documentation: of_file(text),
        comments,
        lines,
        re_exports: 0,
        members: members(text, &found, is_surface),
        smells,
        unjudged: Some("large classes: not looked for in C and C++"),
        not_covered: unparsed(root, name),
    })
}

/// Whether a file is there to be included: it has a guard.
fn is_header(text: &str, root: Node<'_>) -> bool {
    let nodes = children(root);
    let Some(first) = nodes.first() else { return false };
    let is_guard = |node: &Node<'_>| {
        let name = node.child_by_field_name("name").map(|name| source(text, name));
        let defined = children(*node).into_iter().find(|child| child.kind() == "preproc_def");
        let defined = defined.and_then(|defined| defined.child_by_field_name("name")).map(|name| source(text, name));
        node.kind() == "preproc_ifdef" && name.is_some() && name == defined
    };
    let is_pragma = |node: &Node<'_>| node.kind() == "preproc_call" && source(text, *node).contains("once");
    is_guard(first) || nodes.iter().take(3).any(|node| is_pragma(node) || is_guard(node))
}

/// The first comment of the file, if it says what the file is: not a licence, and not what documents the first declaration.
fn of_file(text: &str) -> Option<(u32, String)> {
    let start = text.len() - text.trim_start().len();
    let rest = text.get(start..)?;
    let end = if rest.starts_with("/*") {
        rest.find("*/")? + 2
    } else if rest.starts_with("//") {
        let lines = rest.split_inclusive('\n').take_while(|line| line.starts_with("//"));
        lines.map(str::len).sum()
    } else {
        return None;
    };
    let comment = rest.get(..end)?;
    let lower = comment.to_ascii_lowercase();
    let is_license = ["copyright", "license", "spdx"].iter().any(|word| lower.contains(word));
    let words = documentation(&format!("{}\nx", comment.trim_end()), comment.trim_end().len() + 1)?.1;
    let row = text.as_bytes().iter().take(start).filter(|&&byte| byte == b'\n').count();
    (!is_license).then_some((line(row), words))
}

/// Public fields and enumerators.
fn members(text: &str, found: &[CItem<'_>], is_surface: bool) -> MemberCounts {
    let mut counts = MemberCounts::default();
    for one in found.iter().filter(|one| is_surface && one.visibility == Visibility::Public) {
        if matches!(one.kind, CKind::Field | CKind::Enumerator) {
            counts.total += 1;
            counts.documented += u32::from(is_documented(text, one));
        }
    }
    counts
}

/// Before it, or behind it on its line.
fn is_documented(text: &str, one: &CItem<'_>) -> bool {
    let rest = text.get(one.node.end_byte()..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let behind = rest.trim_start_matches([',', ';', ' ', '\t']);
    behind.starts_with("//") || behind.starts_with("/*") || documentation(text, one.node.start_byte()).is_some()
}

fn unparsed(root: Node<'_>, name: &str) -> Vec<String> {
    let mut broken: Vec<u32> = errors_of(root, name).iter().map(|error| error.line).collect();
    broken.dedup();
    if broken.is_empty() {
        return Vec::new();
    }
    let verb = if broken.len() == 1 { "does" } else { "do" };
    vec![format!("{} that {verb} not parse ({})", plural(broken.len(), "passage"), list_lines(&broken))]
}

/// What another declaration asks for: an override, an operator, a destructor.
fn is_dictated(text: &str, one: &CItem<'_>) -> bool {
    let own = one.name.rsplit("::").next().unwrap_or_default();
    let head = one.function.map_or("", |function| source(text, function));
    own.starts_with("operator") || own.starts_with('~') || head.ends_with("override") || head.ends_with("final")
}

fn item(text: &str, one: &CItem<'_>, is_surface: bool) -> CodeItem {
    let is_dictated = is_dictated(text, one);
    let is_public = one.visibility == Visibility::Public;
    // A macro without a value, or of the file's own, says nothing to document.
    let is_noise =
        one.kind == CKind::Macro && (one.node.child_by_field_name("value").is_none() || one.name.starts_with('_'));
    let is_listed = is_surface && is_public && !one.is_test && !is_dictated && !is_noise;
    let documented = documentation(text, one.whole.start_byte()).filter(|_| is_listed);
    let first = documented.as_ref().map_or(one.whole.start_byte(), |(at, _)| *at);
    CodeItem {
        kind: match one.kind {
            CKind::Macro => "macro",
            CKind::Function => "function",
            CKind::Method => "method",
            CKind::Test => "test",
            CKind::Class => "class",
            CKind::Struct => "struct",
            CKind::Union => "union",
            CKind::Enum => "enum",
            CKind::Alias => "type",
            CKind::Concept => "concept",
            CKind::Variable | CKind::Field | CKind::Enumerator => "variable",
        },
        name: one.name.clone(),
        visibility: one.visibility,
        is_test: one.is_test,
        is_dictated,
        is_listed,
        is_surface: is_listed,
        bytes: first..one.whole.end_byte(),
        start_line: start_line(one.whole),
        end_line: last_line(one.node).max(start_line(one.whole)),
        missing_sections: Vec::new(),
        documentation: documented.map(|(_, words)| words),
    }
}

fn function(text: &str, one: &CItem<'_>, role: Role, code: &CodeLines) -> Function {
    let (start_line, end_line) = (start_line(one.node), last_line(one.node));
    let (parameters, flags) = measure::parameters(text, one.function);
    Function {
        name: one.name.clone(),
        start_line,
        end_line,
        code_lines: code.between(start_line, end_line),
        parameters,
        flags,
        complexity: measure::complexity(text, one.node),
        volume: measure::volume(text, one.node),
        is_test: one.is_test || matches!(role, Role::Test | Role::Bench),
        is_dictated: is_dictated(text, one),
    }
}

/// Bodies that repeat an earlier one.
fn repeated<'a>(text: &'a str, functions: impl Iterator<Item = (&'a CItem<'a>, &'a Function)>) -> Vec<Smell> {
    let compared = functions.filter(|(_, function)| !function.is_test && function.code_lines >= FEWEST_LINES);
    duplicate::smells(compared.filter_map(|(one, function)| {
        let parameters: Vec<Node<'_>> =
            one.function.and_then(|function| function.child_by_field_name("parameters")).into_iter().collect();
        let body = measure::body(one.node)?;
        let (name, lines) = (function.name.as_str(), (function.start_line, function.end_line));
        Some(ComparedBody { name, lines, tokens: measure::BODY.tokens(text, &parameters, body) })
    }))
}
