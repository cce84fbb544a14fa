//! What the local analyses see of a Java file.

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::outline::{last_line, line, start_line};
use super::walk::{self, JavaItem, JavaKind};
use super::{javadoc, smells};
use crate::domain::Role;
use crate::language::comment;
use crate::language::item::{CodeItem, Complexity, Function, MemberCounts, ParsedCode};
use crate::language::lines::{self, CodeLines};
use crate::language::smell::{Metric, Severity, Smell, SmellKind, list_lines, noted, plural};
use crate::language::syntax::{self, errors_of};
use crate::language::{Parsed, Visibility};

/// Tokens that a body must have to be compared with others; default of jscpd's `minTokens`.
const FEWEST_TOKENS: usize = 50;

/// Lines of code likewise; default of jscpd's `minLines`.
const FEWEST_LINES: u32 = 5;

/// The file as analyses see it; nothing if there is no tree.
pub(super) fn code<'t>(parsed: &Parsed<'t>, role: Role) -> Option<ParsedCode<'t>> {
    let (text, root) = (parsed.text, parsed.tree().ok()?.root_node());
    let comments = comment::scan(parsed.language, text).unwrap_or_default();
    let lines = lines::of_comments(text, &comments);
    let code_lines = CodeLines::new(&lines);
    let found = walk::found(text, root);
    let is_item = |one: &&JavaItem<'_>| one.kind.is_type() || one.kind.is_code();
    let bodies = || found.iter().filter(|one| one.kind.is_code() && one.node.child_by_field_name("body").is_some());
    let functions: Vec<Function> = bodies().map(|one| function(text, one, role, &code_lines)).collect();
    let mut smells = smells::find(text, root, &found, role);
    smells.extend(duplicates(text, bodies().zip(&functions)));
    smells.sort_by_key(|smell| (smell.start_line, smell.kind));
    Some(ParsedCode {
        items: found.iter().filter(is_item).map(|one| item(text, one)).collect(),
        functions,
        comments,
        lines,
        documentation: documentation(text, root, &found),
        re_exports: 0,
        members: members(text, &found),
        smells,
        unjudged: None,
        not_covered: unparsed(root),
    })
}

/// What the first type of the file says of itself; in `package-info.java` what is said of the package.
fn documentation(text: &str, root: Node<'_>, found: &[JavaItem<'_>]) -> Option<(u32, String)> {
    let of_type = found.iter().find(|one| one.kind.is_type()).map(|one| one.doc);
    let of_package = || {
        let mut parts = javadoc::documented(text, root).into_iter();
        parts.find(|(part, _)| part.kind() == "package_declaration").and_then(|(_, doc)| doc)
    };
    let comment = of_type.unwrap_or_else(of_package)?;
    Some((line(comment.start_position().row), javadoc::documentation(text, comment)))
}

/// Public fields and constants of enums.
fn members(text: &str, found: &[JavaItem<'_>]) -> MemberCounts {
    let mut counts = MemberCounts::default();
    for one in found.iter().filter(|one| is_listed(text, one)) {
        if matches!(one.kind, JavaKind::Field | JavaKind::Constant | JavaKind::EnumConstant | JavaKind::Element) {
            counts.total += 1;
            counts.documented += u32::from(one.doc.is_some());
        }
    }
    counts
}

fn unparsed(root: Node<'_>) -> Vec<String> {
    let mut broken: Vec<u32> = errors_of(root, "Java").iter().map(|error| error.line).collect();
    broken.dedup();
    if broken.is_empty() {
        return Vec::new();
    }
    let verb = if broken.len() == 1 { "does" } else { "do" };
    vec![format!("{} that {verb} not parse ({})", plural(broken.len(), "passage"), list_lines(&broken))]
}

/// A method that overrides another has that one's documentation.
fn is_dictated(text: &str, found: &JavaItem<'_>) -> bool {
    found.kind == JavaKind::Method && walk::annotations(text, found.whole).any(|name| name == "Override")
}

fn is_listed(text: &str, found: &JavaItem<'_>) -> bool {
    found.visibility == Visibility::Public && !found.is_test && !found.is_local && !is_dictated(text, found)
}

fn item(text: &str, found: &JavaItem<'_>) -> CodeItem {
    let is_listed = is_listed(text, found);
    let docs = found.doc.filter(|_| is_listed);
    let docs = docs.map(|comment| javadoc::documentation(text, comment)).filter(|docs| !docs.is_empty());
    CodeItem {
        kind: match found.kind {
            JavaKind::Class => "class",
            JavaKind::Interface => "interface",
            JavaKind::Enum => "enum",
            JavaKind::Record => "record",
            JavaKind::Annotation => "annotation",
            JavaKind::Constructor => "constructor",
            _ => "method",
        },
        name: found.name.clone(),
        visibility: found.visibility,
        is_test: found.is_test,
        is_dictated: is_dictated(text, found),
        is_listed,
        is_surface: is_listed,
        bytes: found.whole.byte_range(),
        start_line: start_line(found),
        end_line: last_line(found.whole),
        missing_sections: docs.as_ref().map(|docs| javadoc::missing(text, found, docs)).unwrap_or_default(),
        documentation: docs,
    }
}

fn function(text: &str, found: &JavaItem<'_>, role: Role, code: &CodeLines) -> Function {
    let (start_line, end_line) = (start_line(found), last_line(found.node));
    let counted = |is: fn(&str, Node<'_>) -> bool| {
        let Some(list) = found.node.child_by_field_name("parameters") else { return 0 };
        let mut cursor = list.walk();
        let count = list.named_children(&mut cursor).filter(|&node| is(text, node)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    Function {
        name: found.name.clone(),
        start_line,
        end_line,
        code_lines: code.between(start_line, end_line),
        parameters: counted(|_, node| matches!(node.kind(), "formal_parameter" | "spread_parameter")),
        flags: counted(|text, node| {
            let ty = node.child_by_field_name("type").and_then(|ty| text.get(ty.byte_range()));
            ty == Some("boolean")
        }),
        complexity: complexity(text, found.node),
        volume: volume(text, found.node),
        is_test: found.is_test || matches!(role, Role::Test | Role::Bench),
        is_dictated: is_dictated(text, found),
    }
}

/// Visits the nodes of a function's body with the nesting of control flow around each, without the classes inside it.
fn own_nodes<'t>(function: Node<'t>, mut visit: impl FnMut(Node<'t>, u32)) {
    let Some(body) = function.child_by_field_name("body") else { return };
    syntax::walk_with(body, 0, |node, nesting| {
        if matches!(node.kind(), "class_body" | "interface_body" | "enum_body") {
            return None;
        }
        visit(node, nesting);
        Some(nesting + u32::from(nests(node)))
    });
}

fn is_control(kind: &str) -> bool {
    matches!(
        kind,
        "if_statement"
            | "for_statement"
            | "enhanced_for_statement"
            | "while_statement"
            | "do_statement"
            | "switch_expression"
            | "catch_clause"
            | "ternary_expression"
    )
}

fn is_else_if(node: Node<'_>) -> bool {
    let parent = node.parent().filter(|parent| node.kind() == "if_statement" && parent.kind() == "if_statement");
    parent.and_then(|parent| parent.child_by_field_name("alternative")).is_some_and(|other| other.id() == node.id())
}

fn nests(node: Node<'_>) -> bool {
    is_control(node.kind()) && !is_else_if(node) || node.kind() == "lambda_expression"
}

/// Cyclomatic and cognitive complexity (McCabe 1976; Campbell, SonarSource 2023): decisions are `if`, loops, handlers, `case`, `?:`, `&&` and
/// `||`; a construct of control flow costs 1 and its nesting, `else`, `else if` and a run of one logical operator cost 1.
fn complexity(text: &str, function: Node<'_>) -> Complexity {
    let mut measured = Complexity { cyclomatic: 1, ..Complexity::default() };
    own_nodes(function, |node, nesting| {
        let kind = node.kind();
        let (cyclomatic, cognitive) = match kind {
            "switch_expression" => (0, 1 + nesting),
            "if_statement" if is_else_if(node) => (1, 1),
            _ if is_control(kind) => (1, 1 + nesting),
            "else" => {
                let is_chained = node.next_named_sibling().is_some_and(|next| next.kind() == "if_statement");
                (0, u32::from(!is_chained))
            }
            "switch_label" => {
                (u32::from(text.get(node.byte_range()).is_some_and(|label| label.starts_with("case"))), 0)
            }
            "&&" | "||" => {
                let outer = node.parent().and_then(|operation| operation.parent());
                let operator = outer.and_then(|outer| outer.child_by_field_name("operator"));
                (1, u32::from(operator.is_none_or(|operator| operator.kind() != kind)))
            }
            _ => (0, 0),
        };
        measured.cyclomatic = measured.cyclomatic.saturating_add(cyclomatic);
        measured.cognitive = measured.cognitive.saturating_add(cognitive);
        if is_control(kind) && kind != "ternary_expression" && !is_else_if(node) && nesting + 1 > measured.nesting {
            measured.nesting = nesting + 1;
            measured.deepest_row = line(node.start_position().row) - 1;
        }
    });
    measured
}

fn tokens<'s>(text: &'s str, function: Node<'_>) -> Vec<(&'s str, bool)> {
    let mut tokens = Vec::new();
    own_nodes(function, |node, _| {
        if node.child_count() == 0 && !node.kind().ends_with("_comment") {
            tokens.extend(text.get(node.byte_range()).map(|token| (token, node.kind() == "identifier")));
        }
    });
    tokens
}

/// Halstead's volume: `N · log2(n)` over the tokens of the body, N their number, n that of distinct ones.
fn volume(text: &str, function: Node<'_>) -> f64 {
    let (mut total, mut distinct) = (0_u32, HashSet::new());
    for (token, _) in tokens(text, function) {
        if !matches!(token, "" | ")" | "]" | "}") {
            total += 1;
            distinct.insert(token);
        }
    }
    f64::from(total) * f64::from(u32::try_from(distinct.len()).unwrap_or(u32::MAX).max(1)).log2()
}

/// Bodies that are the same but for the names of their locals.
fn duplicates<'f>(text: &str, functions: impl Iterator<Item = (&'f JavaItem<'f>, &'f Function)>) -> Vec<Smell> {
    let mut first_with: HashMap<Vec<String>, &Function> = HashMap::new();
    let mut smells = Vec::new();
    for (found, function) in functions.filter(|(_, function)| !function.is_test && function.code_lines >= FEWEST_LINES)
    {
        let body = tokens(text, found.node);
        if body.len() < FEWEST_TOKENS {
            continue;
        }
        let Some(original) = first_with.get(&numbered(text, found.node, &body)) else {
            first_with.insert(numbered(text, found.node, &body), function);
            continue;
        };
        let message = format!(
            "same body as `{}` (line {}) but for the names of locals; let one call the other",
            original.name, original.start_line
        );
        let value = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let limit = u32::try_from(FEWEST_TOKENS - 1).unwrap_or(u32::MAX);
        let lines = (function.start_line, function.end_line);
        smells.push(Smell {
            metric: Some(Metric { value, limit }),
            ..noted(SmellKind::DuplicateBody, Severity::Warning, lines, Some(&function.name), message)
        });
    }
    smells
}

/// The tokens of a body; each local is called by the number of its first mention.
fn numbered(text: &str, function: Node<'_>, body: &[(&str, bool)]) -> Vec<String> {
    let mut locals: HashSet<&str> = HashSet::new();
    let mut add = |node: Node<'_>| {
        let name = node.child_by_field_name("name").and_then(|name| text.get(name.byte_range()));
        locals.extend(name);
    };
    own_nodes(function, |node, _| {
        if matches!(
            node.kind(),
            "variable_declarator" | "catch_formal_parameter" | "enhanced_for_statement" | "resource"
        ) {
            add(node);
        }
    });
    if let Some(list) = function.child_by_field_name("parameters") {
        let mut cursor = list.walk();
        list.named_children(&mut cursor).for_each(&mut add);
    }
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let named = body.iter().map(|&(token, is_name)| {
        if !(is_name && locals.contains(token)) {
            return token.to_owned();
        }
        let next = numbers.len();
        format!("local {}", numbers.entry(token).or_insert(next))
    });
    named.collect()
}
