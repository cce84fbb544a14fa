//! What a Java file says to others.

use tree_sitter::Node;

use super::walk::{self, JavaItem, JavaKind};
use super::{lower, signature};
use crate::language::syntax::errors_of;
use crate::language::{Outline, ParseError, Parsed, Symbol, SymbolKind};

pub(super) fn outline(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    let root = match parsed.tree() {
        Ok(tree) => tree.root_node(),
        Err(reason) => return (Outline::default(), vec![reason.to_error()]),
    };
    let (symbols, facts) = lower::lower(parsed.text, root);
    (Outline { symbols, facts: Some(Box::new(facts)), ..Outline::default() }, errors_of(root, "Java"))
}

pub(super) fn symbol(text: &str, found: &JavaItem<'_>) -> Symbol {
    Symbol {
        name: found.name.clone(),
        kind: match found.kind {
            JavaKind::Class | JavaKind::Record => SymbolKind::Class,
            JavaKind::Interface | JavaKind::Annotation => SymbolKind::Interface,
            JavaKind::Enum => SymbolKind::Enum,
            JavaKind::EnumConstant => SymbolKind::Variant,
            JavaKind::Method | JavaKind::Constructor | JavaKind::Element => SymbolKind::Method,
            JavaKind::Constant => SymbolKind::Const,
            JavaKind::Field | JavaKind::Component => SymbolKind::Field,
        },
        visibility: found.visibility,
        signature: signature::of(text, found),
        start_line: start_line(found),
        end_line: last_line(found.whole),
        doc: found.doc.is_some(),
    }
}

/// The line of the declaration itself, annotations not counted.
pub(super) fn start_line(found: &JavaItem<'_>) -> u32 {
    let word = walk::modifiers(found.whole).and_then(|modifiers| {
        let mut cursor = modifiers.walk();
        modifiers.children(&mut cursor).find(|child| !child.is_named())
    });
    let mut cursor = found.whole.walk();
    let first = found.whole.children(&mut cursor).find(|child| !child.is_extra() && child.kind() != "modifiers");
    line(word.or(first).unwrap_or(found.whole).start_position().row)
}

pub(super) fn last_line(node: Node<'_>) -> u32 {
    let (start, end) = (node.start_position(), node.end_position());
    line(if end.column == 0 && end.row > start.row { end.row - 1 } else { end.row })
}

/// 1-based
pub(super) fn line(row: usize) -> u32 {
    u32::try_from(row + 1).unwrap_or(u32::MAX)
}
