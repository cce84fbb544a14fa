//! What the local analyses see of a Go file.

use tree_sitter::Node;

use super::node::{children, documentation, last_line, line, source};
use super::walk::{self, GoKind, TopDeclaration};
use super::{measure, smells};
use crate::domain::Role;
use crate::language::comment;
use crate::language::item::{CodeItem, Function, MemberCounts, ParsedCode};
use crate::language::lines::{self, CodeLines};
use crate::language::smell::{list_lines, plural};
use crate::language::syntax::errors_of;
use crate::language::{Parsed, Visibility};

/// Methods that an interface of the standard library asks for: their documentation says nothing new.
const DICTATED: [&str; 18] = [
    "Error",
    "String",
    "Len",
    "Less",
    "Swap",
    "Push",
    "Pop",
    "Unwrap",
    "Is",
    "As",
    "Read",
    "Write",
    "Close",
    "MarshalJSON",
    "UnmarshalJSON",
    "MarshalText",
    "UnmarshalText",
    "ServeHTTP",
];

/// The file as analyses see it; nothing if there is no tree.
pub(super) fn code<'t>(parsed: &Parsed<'t>, role: Role) -> Option<ParsedCode<'t>> {
    let (text, root) = (parsed.text, parsed.tree().ok()?.root_node());
    let comments = comment::scan(parsed.language, text).unwrap_or_default();
    let lines = lines::of_comments(text, &comments);
    let code_lines = CodeLines::new(&lines);
    let declared = walk::declared(text, root);
    let clause = children(root).into_iter().find(|node| node.kind() == "package_clause");
    let package = clause.and_then(|clause| clause.named_child(0)).map_or("", |name| source(text, name));
    let is_surface = package != "main" && !matches!(role, Role::Test | Role::Bench | Role::Example);
    let functions = declared.iter().filter(|one| matches!(one.kind, GoKind::Function | GoKind::Method));
    let functions = functions.filter(|one| one.node.child_by_field_name("body").is_some());
    let of_file = clause.and_then(|clause| documentation(text, clause.start_byte()));
    Some(ParsedCode {
        items: declared.iter().map(|one| item(text, one, is_surface)).collect(),
        functions: functions.map(|one| function(text, one, role, &code_lines)).collect(),
        documentation: of_file.map(|(at, words)| (line_at(text, at), words)),
        comments,
        lines,
        re_exports: 0,
        members: MemberCounts::default(),
        smells: smells::find(text, root, &declared, is_surface),
        unjudged: Some("large types and duplicate bodies: not looked for in Go"),
        not_covered: unparsed(root),
    })
}

fn line_at(text: &str, at: usize) -> u32 {
    line(text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count())
}

fn unparsed(root: Node<'_>) -> Vec<String> {
    let mut broken: Vec<u32> = errors_of(root, "Go").iter().map(|error| error.line).collect();
    broken.dedup();
    if broken.is_empty() {
        return Vec::new();
    }
    let verb = if broken.len() == 1 { "does" } else { "do" };
    vec![format!("{} that {verb} not parse ({})", plural(broken.len(), "passage"), list_lines(&broken))]
}

fn item(text: &str, declared: &TopDeclaration<'_>, is_surface: bool) -> CodeItem {
    let own = declared.name.rsplit('.').next().unwrap_or_default();
    let is_dictated = declared.kind == GoKind::Method && DICTATED.contains(&own);
    let is_listed = is_surface && declared.is_exported && !declared.is_test && !is_dictated;
    let documented = Some(declared).filter(|_| is_listed).and_then(|declared| documentation_of(text, declared));
    let first = documented.as_ref().and_then(|(at, _)| *at).unwrap_or(declared.node.start_byte());
    CodeItem {
        kind: match declared.kind {
            GoKind::Function => "function",
            GoKind::Method => "method",
            GoKind::Struct => "struct",
            GoKind::Interface => "interface",
            GoKind::Type => "type",
            GoKind::Constant => "const",
            GoKind::Variable => "var",
        },
        name: declared.name.clone(),
        visibility: if declared.is_exported { Visibility::Public } else { Visibility::Crate },
        is_test: declared.is_test,
        is_dictated,
        is_listed,
        is_surface: is_listed,
        bytes: first.min(declared.node.start_byte())..declared.node.end_byte(),
        start_line: line(declared.node.start_position().row),
        end_line: last_line(declared.node),
        missing_sections: Vec::new(),
        documentation: documented.map(|(_, words)| words),
    }
}

/// The documentation of a declaration and where it begins, if right before it. In a group, a comment behind a constant or variable, and
/// that of the group, count as well.
fn documentation_of(text: &str, declared: &TopDeclaration<'_>) -> Option<(Option<usize>, String)> {
    if let Some((at, words)) = documentation(text, declared.node.start_byte()) {
        return Some((Some(at), words));
    }
    if !matches!(declared.kind, GoKind::Constant | GoKind::Variable) {
        return None;
    }
    let end = declared.node.end_byte();
    let rest = text.get(end..)?.lines().next().unwrap_or_default().trim_start();
    let behind = rest.strip_prefix("//").map(str::trim).filter(|words| !words.is_empty()).map(str::to_owned);
    behind.or_else(|| Some(documentation(text, declared.whole.start_byte())?.1)).map(|words| (None, words))
}

fn function(text: &str, declared: &TopDeclaration<'_>, role: Role, code: &CodeLines) -> Function {
    let (start_line, end_line) = (line(declared.node.start_position().row), last_line(declared.node));
    let (parameters, flags) = measure::parameters(text, declared.node);
    Function {
        name: declared.name.clone(),
        start_line,
        end_line,
        code_lines: code.between(start_line, end_line),
        parameters,
        flags,
        complexity: measure::complexity(declared.node),
        volume: measure::volume(text, declared.node),
        is_test: declared.is_test || matches!(role, Role::Test | Role::Bench),
        is_dictated: false,
    }
}
