//! Smells inside bodies: panics, dropped errors, `unsafe` without a reason, needless `if`s.

use crate::domain::Role;
use crate::language::lines::LineKind;
use crate::language::rust::code::{FunctionNode, RustFile};
use crate::language::rust::complexity::own_nodes;
use crate::language::rust::panics::{self, Panic};
use crate::language::rust::tree::{Field, Id, Kind, Syntax};
use crate::language::smell::{Metric, Severity, Smell, SmellKind, list_lines, noted};

/// As many are a habit and not an exception ("three strikes and you refactor": M. Fowler, "Refactoring", 1999, chapter 2).
const REPEATED: usize = 3;

/// Levels of the tree between an `unsafe` block and the statement it is in that are searched.
const STATEMENT_HEIGHT: usize = 16;

pub fn find(rust: &RustFile<'_, '_>, role: Role, smells: &mut Vec<Smell>) {
    let reasons = lines_after_reason(rust);
    let mut scattered = Vec::new();
    for function in &rust.functions {
        smells.extend(own_nodes(rust.syntax, function.body).filter_map(|id| needless_bool(rust.syntax, function, id)));
        if function.of.is_test {
            continue;
        }
        if !matches!(role, Role::Example | Role::BuildScript) {
            find_panics(rust.syntax, function, smells, &mut scattered);
        }
        smells.extend(swallowed_errors(rust.syntax, function));
        smells.extend(bare_unsafe(rust.syntax, &reasons, function));
    }
    smells.extend(scattered_panics(&scattered));
}

fn find_panics(syntax: &Syntax, function: &FunctionNode, smells: &mut Vec<Smell>, scattered: &mut Vec<(Panic, u32)>) {
    let at = |id| panics::at(syntax, id).map(|panic| (panic, line_of_call(syntax, id)));
    let (unfinished, calls): (Vec<_>, Vec<_>) =
        own_nodes(syntax, function.body).filter_map(at).partition(|(panic, _)| *panic == Panic::Unfinished);
    for (_, line) in unfinished {
        let message = "not written yet: whoever calls this panics".to_owned();
        smells.push(noted(SmellKind::Unfinished, Severity::Warning, (line, line), Some(&function.of.name), message));
    }
    if calls.len() < REPEATED {
        scattered.extend(calls);
        return;
    }
    let message = format!("{}; return the error, or state once why it cannot happen", describe(&calls));
    let lines = (function.of.start_line, function.of.end_line);
    smells.push(Smell {
        metric: metric(calls.len()),
        ..noted(SmellKind::Panics, Severity::Warning, lines, Some(&function.of.name), message)
    });
}

/// Of a method call the line of the method, not that of the chain's beginning.
fn line_of_call(syntax: &Syntax, id: Id) -> u32 {
    let callee = syntax.child_in_field(id, Field::Function);
    let name = callee.and_then(|callee| syntax.child_in_field(callee, Field::Member));
    syntax.lines(name.unwrap_or(id)).0
}

fn metric(count: usize) -> Option<Metric> {
    let limit = u32::try_from(REPEATED - 1).ok()?;
    Some(Metric { value: u32::try_from(count).ok()?, limit })
}

/// Few in each function, but a habit of the file.
fn scattered_panics(calls: &[(Panic, u32)]) -> Option<Smell> {
    let first = calls.iter().map(|(_, line)| *line).min()?;
    let last = calls.iter().map(|(_, line)| *line).max()?;
    if calls.len() < REPEATED {
        return None;
    }
    let message = format!("{}, scattered over the file", describe(calls));
    let smell = noted(SmellKind::Panics, Severity::Info, (first, last), None, message);
    Some(Smell { metric: metric(calls.len()), ..smell })
}

/// `unwrap ×2, panic! ×1 (lines 4, 9, 12)`.
fn describe(calls: &[(Panic, u32)]) -> String {
    let mut lines: Vec<u32> = calls.iter().map(|(_, line)| *line).collect();
    lines.sort_unstable();
    lines.dedup();
    let of = |kind: Panic| calls.iter().filter(|(panic, _)| *panic == kind).count();
    let counts: Vec<String> = [Panic::Unwrap, Panic::Expect, Panic::Explicit]
        .into_iter()
        .filter(|&kind| of(kind) > 0)
        .map(|kind| format!("{} ×{}", kind.as_str(), of(kind)))
        .collect();
    format!("{} ({})", counts.join(", "), list_lines(&lines))
}

fn swallowed_errors(syntax: &Syntax, function: &FunctionNode) -> Option<Smell> {
    let found =
        own_nodes(syntax, function.body).filter(|&id| is_empty_error_arm(syntax, id) || is_dropped_ok(syntax, id));
    let lines: Vec<u32> = found.map(|id| syntax.lines(id).1).collect();
    let (first, last) = (*lines.first()?, *lines.last()?);
    let message = format!(
        "an error is dropped without a word ({}); handle it, or say why it does not matter",
        list_lines(&lines)
    );
    Some(noted(SmellKind::SwallowedErrors, Severity::Info, (first, last), Some(&function.of.name), message))
}

/// `Err(_) => {}`, with nothing inside, not even a comment.
fn is_empty_error_arm(syntax: &Syntax, id: Id) -> bool {
    if syntax.kind(id) != Kind::MatchArm {
        return false;
    }
    let bare = |field| syntax.child_in_field(id, field).map(|part| syntax.source(part)).unwrap_or_default();
    let pattern = bare(Field::Pattern).replace(' ', "");
    let ignored =
        pattern.strip_prefix("Err(").and_then(|p| p.strip_suffix(')')).is_some_and(|name| name.starts_with('_'));
    ignored
        && matches!(
            bare(Field::Value).trim_end_matches(',').split_whitespace().collect::<String>().as_str(),
            "{}" | "()"
        )
}

/// `….ok();` as a statement.
fn is_dropped_ok(syntax: &Syntax, id: Id) -> bool {
    let method = || {
        let call = syntax.parts(id).next().filter(|&c| syntax.kind(c) == Kind::CallExpression)?;
        let callee = syntax.child_in_field(call, Field::Function)?;
        let name = syntax.child_in_field(callee, Field::Member)?;
        let empty = syntax.parts(syntax.child_in_field(call, Field::Arguments)?).next().is_none();
        Some(empty && syntax.source(name) == "ok")
    };
    syntax.kind(id) == Kind::ExpressionStatement && method().unwrap_or(false)
}

/// For each row whether the comment lines directly above it give a safety reason.
fn lines_after_reason(rust: &RustFile<'_, '_>) -> Vec<bool> {
    let mut states = vec![false; rust.lines.len() + 1];
    for comment in &rust.comments {
        if let Some(state) = states.get_mut(comment.row as usize) {
            *state |= comment.text.to_ascii_lowercase().contains("safety:");
        }
    }
    let mut above = false;
    let with_reason = states.into_iter().zip(rust.lines.iter().chain([&LineKind::Blank]));
    with_reason
        .map(|(here, kind)| {
            let said = above || here;
            above = *kind == LineKind::Comment && said;
            said
        })
        .collect()
}

/// `unsafe { … }` without a `// SAFETY:` comment on its line or above it or its statement, as clippy's `undocumented_unsafe_blocks` asks.
fn bare_unsafe(syntax: &Syntax, reasons: &[bool], function: &FunctionNode) -> Option<Smell> {
    let blocks = own_nodes(syntax, function.body).filter(|&id| syntax.kind(id) == Kind::UnsafeBlock);
    let lines: Vec<(u32, u32)> =
        blocks.filter(|&id| !gives_reason(syntax, reasons, id)).map(|id| syntax.lines(id)).collect();
    let starts: Vec<u32> = lines.iter().map(|(start, _)| *start).collect();
    let range = (lines.first()?.0, lines.iter().map(|(_, end)| *end).max()?);
    let message =
        format!("unsafe without a `// SAFETY:` comment ({}); say why its conditions hold", list_lines(&starts));
    Some(noted(SmellKind::UndocumentedUnsafe, Severity::Info, range, Some(&function.of.name), message))
}

fn gives_reason(syntax: &Syntax, reasons: &[bool], block: Id) -> bool {
    let said = |id: Id| reasons.get(syntax.node(id).first_row as usize).copied().unwrap_or(false);
    let comments = || {
        let inside = syntax.child_of_kind(block, Kind::Block).unwrap_or(block);
        syntax.children(inside).take(3).filter(|&c| syntax.kind(c).is_comment())
    };
    said(block)
        || said(statement(syntax, block))
        || comments().any(|c| syntax.source(c).to_ascii_lowercase().contains("safety:"))
}

/// The outermost node that starts a statement around `id`, within a few levels.
fn statement(syntax: &Syntax, id: Id) -> Id {
    let mut at = id;
    for _ in 0..STATEMENT_HEIGHT {
        match syntax.parent(at) {
            Some(parent) if syntax.kind(parent) != Kind::Block => at = parent,
            _ => break,
        }
    }
    at
}

/// `if c { true } else { false }`, as clippy's `needless_bool`.
fn needless_bool(syntax: &Syntax, function: &FunctionNode, id: Id) -> Option<Smell> {
    if syntax.kind(id) != Kind::IfExpression || syntax.parent_kind(id) == Some(Kind::ElseClause) {
        return None;
    }
    let then = only_bool(syntax, syntax.child_in_field(id, Field::Consequence)?)?;
    let otherwise = syntax.child_of_kind(syntax.child_in_field(id, Field::Alternative)?, Kind::Block)?;
    if only_bool(syntax, otherwise)? == then {
        return None;
    }
    let message = "an `if` that only tells its condition; use the condition (or `matches!`) itself".to_owned();
    Some(noted(SmellKind::NeedlessBool, Severity::Info, syntax.lines(id), Some(&function.of.name), message))
}

/// The boolean literal that is all a block holds.
fn only_bool<'a>(syntax: &Syntax<'a>, block: Id) -> Option<&'a str> {
    let mut parts = syntax.parts(block);
    let literal = parts.next().filter(|&part| syntax.kind(part) == Kind::BooleanLiteral)?;
    parts.next().is_none().then(|| syntax.source(literal))
}
