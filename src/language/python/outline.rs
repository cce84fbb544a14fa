//! What a Python module says to others.

use tree_sitter::Node;

use super::walk::{self, Kind, NamedNode};
use super::{lower, signature};
use crate::language::syntax::errors_of;
use crate::language::{Outline, ParseError, Parsed, Symbol, SymbolKind, Visibility};

pub(super) fn outline(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    let root = match parsed.tree() {
        Ok(tree) => tree.root_node(),
        Err(reason) => return (Outline::default(), vec![reason.to_error()]),
    };
    let (symbols, facts) = lower::lower(parsed, root);
    (Outline { symbols, facts: Some(Box::new(facts)), ..Outline::default() }, errors_of(root, "Python"))
}

pub(super) fn symbol(text: &str, found: &NamedNode<'_>) -> Symbol {
    let body = found.node.child_by_field_name("body");
    Symbol {
        name: found.name.clone(),
        kind: kind(found),
        visibility: if found.is_public { Visibility::Public } else { Visibility::Private },
        signature: signature::of(text, found),
        start_line: line(found.node.start_position().row),
        end_line: last_line(found.node),
        doc: body.is_some_and(|body| walk::docstring(body).is_some()),
    }
}

fn kind(found: &NamedNode<'_>) -> SymbolKind {
    let own = found.name.rsplit('.').next().unwrap_or_default();
    match found.kind {
        Kind::Class => SymbolKind::Class,
        Kind::Function => SymbolKind::Function,
        Kind::Method => SymbolKind::Method,
        Kind::Alias => SymbolKind::TypeAlias,
        Kind::Attribute => SymbolKind::Field,
        Kind::Variable if own.chars().any(char::is_lowercase) => SymbolKind::Static,
        Kind::Variable => SymbolKind::Const,
    }
}

pub(super) fn last_line(node: Node<'_>) -> u32 {
    let (start, end) = (node.start_position(), node.end_position());
    line(if end.column == 0 && end.row > start.row { end.row - 1 } else { end.row })
}

/// 1-based
pub(super) fn line(row: usize) -> u32 {
    u32::try_from(row + 1).unwrap_or(u32::MAX)
}
