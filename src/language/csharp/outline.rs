//! What a C# file says to others.

use super::node::{last_line, start_line};
use super::walk::{SharpItem, SharpKind};
use super::{docs, lower, signature};
use crate::language::syntax::errors_of;
use crate::language::{Outline, ParseError, Parsed, Symbol, SymbolKind};

pub(super) fn outline(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    let root = match parsed.tree() {
        Ok(tree) => tree.root_node(),
        Err(reason) => return (Outline::default(), vec![reason.to_error()]),
    };
    let (symbols, facts) = lower::lower(parsed.text, root);
    (Outline { symbols, facts: Some(Box::new(facts)), ..Outline::default() }, errors_of(root, "C#"))
}

pub(super) fn symbol(text: &str, item: &SharpItem<'_>) -> Symbol {
    Symbol {
        name: item.name.clone(),
        kind: match item.kind {
            SharpKind::Class | SharpKind::Record => SymbolKind::Class,
            SharpKind::Struct => SymbolKind::Struct,
            SharpKind::Interface => SymbolKind::Interface,
            SharpKind::Enum => SymbolKind::Enum,
            SharpKind::EnumMember => SymbolKind::Variant,
            SharpKind::Delegate => SymbolKind::TypeAlias,
            SharpKind::Method | SharpKind::Constructor | SharpKind::Operator | SharpKind::Indexer => SymbolKind::Method,
            SharpKind::Property | SharpKind::Field | SharpKind::Event => SymbolKind::Field,
            SharpKind::Constant => SymbolKind::Const,
        },
        visibility: item.visibility,
        signature: signature::of(text, item),
        start_line: start_line(item.node),
        end_line: last_line(item.node),
        doc: docs::comment_before(text, item.node.start_byte()).is_some(),
    }
}
