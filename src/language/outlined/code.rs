//! What the local analyses see of a file whose items a query finds.

use tree_sitter::Node;

use super::items::{self, OutlinedItem};
use super::measure::{self, Tokens};
use super::name_of;
use super::query::Matches;
use crate::domain::Role;
use crate::language::comment;
use crate::language::item::{CodeItem, Function, MemberCounts, ParsedCode};
use crate::language::lines::{self, CodeLines};
use crate::language::smell::{list_lines, plural};
use crate::language::syntax::errors_of;
use crate::language::{Parsed, TextClass, Visibility};

/// The file as analyses see it; nothing if there is no tree, or of pages and settings, which have no functions.
pub(super) fn code<'t>(parsed: &Parsed<'t>, role: Role) -> Option<ParsedCode<'t>> {
    if parsed.language.class() != TextClass::Code {
        return None;
    }
    let (text, root) = (parsed.text, parsed.tree().ok()?.root_node());
    let found = items::find(parsed).ok()?;
    let comments = comment::at(text, found.matches.comments.iter().cloned());
    let lines = lines::of_comments(text, &comments);
    let code_lines = CodeLines::new(&lines);
    let is_surface = !matches!(role, Role::Test | Role::Bench | Role::Example);
    let functions = found.items.iter().filter(|item| item.kind.is_function && item.has_body);
    let tokens = Tokens::of(text, root);
    Some(ParsedCode {
        functions: functions.map(|item| function(item, &found.matches, &tokens, role, &code_lines)).collect(),
        items: found.items.iter().map(|item| code_item(item, is_surface)).collect(),
        comments,
        lines,
        documentation: None,
        re_exports: 0,
        members: MemberCounts::default(),
        smells: Vec::new(),
        unjudged: Some(
            "smells but those of size, nesting and complexity: not looked for in a language that is outlined",
        ),
        not_covered: unparsed(root, name_of(parsed)),
    })
}

fn unparsed(root: Node<'_>, language: &str) -> Vec<String> {
    let mut broken: Vec<u32> = errors_of(root, language).iter().map(|error| error.line).collect();
    broken.dedup();
    if broken.is_empty() {
        return Vec::new();
    }
    let verb = if broken.len() == 1 { "does" } else { "do" };
    vec![format!("{} that {verb} not parse ({})", plural(broken.len(), "passage"), list_lines(&broken))]
}

fn code_item(item: &OutlinedItem, is_surface: bool) -> CodeItem {
    let is_listed = is_surface && !item.is_private && !item.is_test;
    CodeItem {
        kind: item.kind.capture,
        name: item.name.clone(),
        visibility: if item.is_private { Visibility::Private } else { Visibility::Public },
        is_test: item.is_test,
        is_dictated: false,
        is_listed,
        is_surface: is_listed,
        bytes: item.range.clone(),
        start_line: item.start_line,
        end_line: item.end_line,
        documentation: item.doc.clone().filter(|_| is_listed),
        missing_sections: Vec::new(),
    }
}

fn function(item: &OutlinedItem, matches: &Matches, tokens: &Tokens<'_>, role: Role, code: &CodeLines) -> Function {
    Function {
        name: item.name.clone(),
        start_line: item.start_line,
        end_line: item.end_line,
        code_lines: code.between(item.start_line, item.end_line),
        parameters: item.parameters.unwrap_or_default(),
        flags: 0,
        complexity: measure::complexity(&item.node, matches),
        volume: tokens.volume(&item.node),
        is_test: item.is_test || matches!(role, Role::Test | Role::Bench),
        is_dictated: false,
    }
}
