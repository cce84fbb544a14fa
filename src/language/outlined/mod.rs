//! Languages whose items one query finds: what such a file defines, the stretches along which it is cut, and its measures.
//!
//! A language is a record in [`super::table`] and one query next to this file, `ruby.scm` say. The query's captures are the whole of
//! what is known of the language ([`query`] lists them); everything else here is the same for all. Names are not resolved.

mod code;
mod dockerfile;
mod items;
mod make;
mod measure;
mod query;
mod segments;

use super::syntax::{Grammar, errors_of};
use super::{Outline, ParseError, Parsed, Spec, Symbol, TextClass, Visibility, role_by_folder};
use crate::domain::{FilePath, Role};
use items::OutlinedItem;

pub(super) use dockerfile::reading as dockerfile_reading;
pub(super) use items::FoundItems;
pub(super) use make::reading as make_reading;

/// The version of records that have none of their own. Raised whenever outlines or chunks of all these languages change.
const VERSION: u32 = 1;

/// A record whose outlines, chunks and measures come from the captures of a query.
pub(super) const fn outlined(
    name: &'static str,
    grammar: &'static str,
    language: fn() -> tree_sitter::Language,
    items: &'static str,
) -> Spec {
    Spec {
        version: VERSION,
        grammar: Some(Grammar { name: grammar, language }),
        items: Some(items),
        role_of,
        outline,
        segments: segments::segments,
        code: code::code,
        ..Spec::plain(name, TextClass::Code)
    }
}

/// What a file defines, in the order of its text.
fn outline(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    let found = match items::find(parsed) {
        Ok(found) => found,
        Err(error) => return (Outline::default(), vec![error]),
    };
    let errors = parsed.tree().map(|tree| errors_of(tree.root_node(), name_of(parsed))).unwrap_or_default();
    let symbols = found.items.iter().map(symbol).collect();
    (Outline { symbols, ..Outline::default() }, errors)
}

fn symbol(item: &OutlinedItem) -> Symbol {
    Symbol {
        name: item.name.clone(),
        kind: item.kind.symbol,
        visibility: if item.is_private { Visibility::Private } else { Visibility::Public },
        signature: item.signature.clone(),
        start_line: item.start_line,
        end_line: item.end_line,
        doc: item.doc.is_some(),
    }
}

/// The language's name for people.
fn name_of(parsed: &Parsed<'_>) -> &'static str {
    parsed.language.spec().grammar.as_ref().map_or("", |grammar| grammar.name)
}

/// By the folders and names that test runners of these languages collect.
fn role_of(path: &FilePath) -> Role {
    let is_test_folder = |folder: &[u8]| matches!(folder, b"test" | b"tests" | b"Tests" | b"spec" | b"testthat" | b"t");
    let name = path.file_name();
    let stem = name.iter().rposition(|&byte| byte == b'.').map_or(name, |dot| &name[..dot]);
    let is_test_name = [&b"_test"[..], b"_spec", b"Test", b"Tests", b"Spec"].iter().any(|end| stem.ends_with(end))
        || stem.starts_with(b"test_");
    if is_test_name || path.parent().split(|&byte| byte == b'/').any(is_test_folder) {
        return Role::Test;
    }
    match role_by_folder(path) {
        Role::BuildScript => Role::Library,
        role => role,
    }
}

#[cfg(test)]
mod tests;
