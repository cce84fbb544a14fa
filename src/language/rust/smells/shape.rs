//! Smells of size: of the file, of types, of `impl` blocks, of `match`es.

use super::count;
use crate::language::rust::code::RustFile;
use crate::language::rust::complexity::own_nodes;
use crate::language::rust::items::ItemNode;
use crate::language::rust::tree::{Field, Id, Kind, Syntax};
use crate::language::smell::{MOST_FILE_LINES, Severity, Smell, SmellKind, over};

/// Functions in one inherent `impl`; default of SonarSource's rule S1448 (methods of a class).
const MOST_METHODS: u32 = 35;

/// Fields of a struct; default of PMD's `TooManyFields`.
const MOST_FIELDS: u32 = 15;

/// Arms of one `match` that do something; default of SonarSource's rule S1479 (cases of a switch). One-line arms without a block are a
/// table, which is best read in one piece, and are not counted.
const MOST_ARMS: u32 = 30;

pub fn find(rust: &RustFile<'_, '_>, smells: &mut Vec<Smell>) {
    smells.extend(large_file(rust));
    for item in &rust.items {
        let found = match item.kind {
            "impl" => large_impl(rust.syntax, item),
            "struct" => large_struct(rust.syntax, item),
            _ => None,
        };
        smells.extend(found);
    }
    for function in rust.functions.iter().filter(|function| !function.of.is_test) {
        let nodes = own_nodes(rust.syntax, function.body);
        smells.extend(nodes.filter_map(|id| long_match(rust.syntax, id, &function.of.name)));
    }
}

fn large_file(rust: &RustFile<'_, '_>) -> Option<Smell> {
    let last_line = u32::try_from(rust.syntax.text.lines().count()).unwrap_or(u32::MAX);
    let value = rust.code.between(1, last_line).saturating_sub(test_lines(rust));
    let message = format!("{value} lines of code outside tests; split the module by what it is about");
    (value > MOST_FILE_LINES).then(|| over(SmellKind::LargeFile, (1, last_line), None, value, MOST_FILE_LINES, message))
}

/// Lines of code in the outermost test items.
fn test_lines(rust: &RustFile<'_, '_>) -> u32 {
    let mut end = 0;
    let mut sum = 0_u32;
    for item in rust.items.iter().filter(|item| item.test) {
        if item.id >= end {
            end = rust.syntax.subtree(item.id).end;
            let (start_line, end_line) = rust.syntax.lines(item.id);
            sum = sum.saturating_add(rust.code.between(start_line, end_line));
        }
    }
    sum
}

fn large_impl(syntax: &Syntax, item: &ItemNode) -> Option<Smell> {
    if syntax.child_in_field(item.id, Field::Trait).is_some() || item.test {
        return None;
    }
    let body = syntax.child_in_field(item.id, Field::Body)?;
    let value = count(syntax, syntax.children(body), |s, id| s.kind(id) == Kind::FunctionItem);
    let message = format!("{value} functions in one impl; the type may do more than one thing");
    (value > MOST_METHODS)
        .then(|| over(SmellKind::LargeImpl, syntax.lines(item.id), Some(&item.name), value, MOST_METHODS, message))
}

fn large_struct(syntax: &Syntax, item: &ItemNode) -> Option<Smell> {
    let body = syntax.child_in_field(item.id, Field::Body)?;
    let value = count(syntax, syntax.children(body), |s, id| s.kind(id) == Kind::FieldDeclaration);
    let message = format!("{value} fields; gather those that change together in types of their own");
    let smell = || Smell {
        severity: Severity::Info,
        ..over(SmellKind::LargeStruct, syntax.lines(item.id), Some(&item.name), value, MOST_FIELDS, message)
    };
    (value > MOST_FIELDS && !item.test).then(smell)
}

fn long_match(syntax: &Syntax, id: Id, function: &str) -> Option<Smell> {
    if syntax.kind(id) != Kind::MatchBlock {
        return None;
    }
    let value = count(syntax, syntax.children(id), does_something);
    let message = format!("{value} arms that do something; give the longer ones functions of their own");
    (value > MOST_ARMS).then(|| over(SmellKind::LongMatch, syntax.lines(id), Some(function), value, MOST_ARMS, message))
}

fn does_something(syntax: &Syntax, id: Id) -> bool {
    let (start_line, end_line) = syntax.lines(id);
    let block = || syntax.child_in_field(id, Field::Value).is_some_and(|value| syntax.kind(value) == Kind::Block);
    syntax.kind(id) == Kind::MatchArm && (end_line > start_line || block())
}
