//! What the local analyses see of a C# file.

use tree_sitter::Node;

use super::measure::{BODY, complexity, counted, volume};
use super::node::{last_line, modifiers, parameter_list, start_line};
use super::walk::{self, SharpItem, SharpKind};
use super::{docs, smells};
use crate::domain::Role;
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
    let has_body = |one: &&SharpItem<'_>| one.kind.is_code() && one.node.child_by_field_name("body").is_some();
    let bodies: Vec<&SharpItem<'_>> = found.iter().filter(has_body).collect();
    let functions: Vec<Function> = bodies.iter().map(|one| function(text, one, role, &code_lines)).collect();
    let mut smells = smells::find(text, root, &found, role);
    smells.extend(repeated(text, bodies.iter().copied().zip(&functions)));
    smells.sort_by_key(|smell| (smell.start_line, smell.kind));
    let is_item = |one: &&SharpItem<'_>| one.kind.is_type() || one.kind.is_code();
    let first = found.iter().find(|one| one.kind.is_type());
    Some(ParsedCode {
        items: found.iter().filter(is_item).map(|one| item(text, one)).collect(),
        functions,
        documentation: first.and_then(|one| {
            let (at, comment) = docs::comment_before(text, one.node.start_byte())?;
            Some((line_at(text, at), docs::words(comment)))
        }),
        comments,
        lines,
        re_exports: 0,
        members: members(text, &found),
        smells,
        unjudged: None,
        not_covered: unparsed(root),
    })
}

fn line_at(text: &str, at: usize) -> u32 {
    super::node::line(text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count())
}

/// Public properties, fields, events and constants of enums.
fn members(text: &str, found: &[SharpItem<'_>]) -> MemberCounts {
    let mut counts = MemberCounts::default();
    for one in found.iter().filter(|one| is_listed(text, one) && !one.kind.is_type() && !one.kind.is_code()) {
        counts.total += 1;
        counts.documented += u32::from(docs::comment_before(text, one.node.start_byte()).is_some());
    }
    counts
}

fn unparsed(root: Node<'_>) -> Vec<String> {
    let mut broken: Vec<u32> = errors_of(root, "C#").iter().map(|error| error.line).collect();
    broken.dedup();
    if broken.is_empty() {
        return Vec::new();
    }
    let verb = if broken.len() == 1 { "does" } else { "do" };
    vec![format!("{} that {verb} not parse ({})", plural(broken.len(), "passage"), list_lines(&broken))]
}

/// What another declaration asks for has that one's documentation.
fn is_dictated(text: &str, one: &SharpItem<'_>) -> bool {
    modifiers(text, one.node).contains(&"override")
}

fn is_listed(text: &str, one: &SharpItem<'_>) -> bool {
    one.visibility == Visibility::Public && !one.is_test && !is_dictated(text, one)
}

fn item(text: &str, one: &SharpItem<'_>) -> CodeItem {
    let is_listed = is_listed(text, one);
    let comment = docs::comment_before(text, one.node.start_byte()).filter(|_| is_listed);
    let first = comment.map_or(one.node.start_byte(), |(at, _)| at);
    CodeItem {
        kind: match one.kind {
            SharpKind::Class => "class",
            SharpKind::Struct => "struct",
            SharpKind::Record => "record",
            SharpKind::Interface => "interface",
            SharpKind::Enum => "enum",
            SharpKind::Delegate => "delegate",
            SharpKind::Constructor => "constructor",
            SharpKind::Operator => "operator",
            _ => "method",
        },
        name: one.name.clone(),
        visibility: one.visibility,
        is_test: one.is_test,
        is_dictated: is_dictated(text, one),
        is_listed,
        is_surface: is_listed,
        bytes: first..one.node.end_byte(),
        start_line: start_line(one.node),
        end_line: last_line(one.node),
        missing_sections: comment.map(|(_, comment)| docs::missing(text, one, comment)).unwrap_or_default(),
        documentation: comment.map(|(_, comment)| docs::words(comment)).filter(|words| !words.is_empty()),
    }
}

fn function(text: &str, one: &SharpItem<'_>, role: Role, code: &CodeLines) -> Function {
    let (start_line, end_line) = (start_line(one.node), last_line(one.node));
    let (parameters, flags) = counted(text, parameter_list(one.node));
    Function {
        name: one.name.clone(),
        start_line,
        end_line,
        code_lines: code.between(start_line, end_line),
        parameters,
        flags,
        complexity: complexity(text, one.node),
        volume: volume(text, one.node),
        is_test: one.is_test || matches!(role, Role::Test | Role::Bench),
        is_dictated: is_dictated(text, one),
    }
}

/// Bodies that repeat an earlier one.
fn repeated<'a>(text: &'a str, functions: impl Iterator<Item = (&'a SharpItem<'a>, &'a Function)>) -> Vec<Smell> {
    let compared = functions.filter(|(_, function)| !function.is_test && function.code_lines >= FEWEST_LINES);
    duplicate::smells(compared.filter_map(|(one, function)| {
        let parameters: Vec<Node<'_>> = one.node.child_by_field_name("parameters").into_iter().collect();
        let body = one.node.child_by_field_name("body")?;
        let (name, lines) = (function.name.as_str(), (function.start_line, function.end_line));
        Some(ComparedBody { name, lines, tokens: BODY.tokens(text, &parameters, body) })
    }))
}
