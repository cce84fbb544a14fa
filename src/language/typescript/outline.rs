//! What a script says to others.

use tree_sitter::Node;

use super::lower::{self, SymbolOf};
use super::signature::{signature, tokens};
use super::source::Script;
use super::walk::{self, Declared, DeclaredKind, children};
use crate::language::{Outline, ParseError, Parsed, Symbol, SymbolKind, Visibility};

pub(super) fn outline(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    let script = match Script::read(parsed) {
        Ok(script) => script,
        Err(reason) => return (Outline::default(), vec![reason.to_error()]),
    };
    let found = walk::declared(&script);
    let named = found.iter().filter(|one| !one.is_local && !one.name.is_empty());
    let mut symbols: Vec<(Symbol, usize, String)> =
        named.map(|one| (symbol(script.text, one), one.node.id(), own_name(one))).collect();
    symbols.extend(re_exports(&script));
    symbols.sort_by_key(|(symbol, ..)| symbol.start_line);
    let mut by_node = SymbolOf::default();
    for (at, (_, node, name)) in symbols.iter().enumerate() {
        by_node.entry((*node, name.clone())).or_insert(u32::try_from(at).unwrap_or(u32::MAX));
    }
    let symbols = symbols.into_iter().map(|(symbol, ..)| symbol).collect();
    let facts = Some(Box::new(lower::facts(&script, by_node)));
    (Outline { symbols, facts, ..Outline::default() }, script.errors())
}

/// The name by which lowering knows it.
fn own_name(declared: &Declared<'_>) -> String {
    if declared.name == "module.exports" {
        return "export=".to_owned();
    }
    declared.own.clone()
}

fn symbol(text: &str, declared: &Declared<'_>) -> Symbol {
    Symbol {
        name: declared.name.clone(),
        kind: kind(declared),
        visibility: if declared.is_public { Visibility::Public } else { Visibility::Private },
        signature: signature(text, declared),
        start_line: line(declared.node.start_position().row),
        end_line: last_line(declared.node),
        doc: doc_comment(text, declared.whole).is_some(),
    }
}

fn kind(declared: &Declared<'_>) -> SymbolKind {
    match declared.kind {
        DeclaredKind::Class => SymbolKind::Class,
        DeclaredKind::Interface => SymbolKind::Interface,
        DeclaredKind::Enum => SymbolKind::Enum,
        DeclaredKind::Variant => SymbolKind::Variant,
        DeclaredKind::Alias => SymbolKind::TypeAlias,
        DeclaredKind::Namespace => SymbolKind::Module,
        DeclaredKind::Function | DeclaredKind::Test | DeclaredKind::Anonymous => SymbolKind::Function,
        DeclaredKind::Method => SymbolKind::Method,
        DeclaredKind::Constant => SymbolKind::Const,
        DeclaredKind::Variable => SymbolKind::Static,
        DeclaredKind::Field => SymbolKind::Field,
    }
}

/// `export { a as b } from "x"`, `export * from "x"`: names of others that the file hands on.
fn re_exports(script: &Script<'_>) -> Vec<(Symbol, usize, String)> {
    let text = script.text;
    let mut symbols = Vec::new();
    for statement in script.statements().into_iter().filter(|node| node.kind() == "export_statement") {
        let Some(source) = statement.child_by_field_name("source") else { continue };
        let from = walk::property_name(text, source);
        let mut push = |node: Node<'_>, exported: &str, name: String, signature: String| {
            let symbol = Symbol {
                name,
                kind: SymbolKind::Import,
                visibility: Visibility::Public,
                signature,
                start_line: line(statement.start_position().row),
                end_line: last_line(statement),
                doc: false,
            };
            symbols.push((symbol, node.id(), exported.to_owned()));
        };
        let clause = children(statement).find(|child| matches!(child.kind(), "export_clause" | "namespace_export"));
        match clause {
            Some(clause) if clause.kind() == "export_clause" => {
                for specifier in children(clause).filter(|child| child.kind() == "export_specifier") {
                    let name = specifier.child_by_field_name("name");
                    let alias = specifier.child_by_field_name("alias").or(name);
                    let alias = alias.map(|alias| walk::property_name(text, alias)).unwrap_or_default();
                    push(
                        specifier,
                        alias,
                        alias.to_owned(),
                        format!("export {{ {} }} from \"{from}\"", tokens(text, specifier)),
                    );
                }
            }
            Some(clause) => {
                let alias = clause.named_child(0).map(|alias| walk::of(text, alias)).unwrap_or_default();
                push(clause, alias, alias.to_owned(), format!("export * as {alias} from \"{from}\""));
            }
            None => push(statement, "", format!("* from {from}"), format!("export * from \"{from}\"")),
        }
    }
    symbols
}

/// The comment before a declaration, if it is one of documentation.
pub(super) fn doc_comment<'t>(text: &str, whole: Node<'t>) -> Option<Node<'t>> {
    let mut at = whole.prev_sibling();
    while let Some(node) = at.filter(|node| node.kind() == "decorator") {
        at = node.prev_sibling();
    }
    at.filter(|node| node.kind() == "comment" && walk::of(text, *node).starts_with("/**"))
}

/// The words of a JSDoc comment, without its markers.
pub(super) fn documentation(text: &str, comment: Node<'_>) -> String {
    let written = walk::of(text, comment);
    let inner = written.trim_start_matches("/**").trim_end_matches("*/");
    let lines = inner.lines().map(|line| line.trim().trim_start_matches('*').trim());
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

pub(super) fn last_line(node: Node<'_>) -> u32 {
    let (start, end) = (node.start_position(), node.end_position());
    line(if end.column == 0 && end.row > start.row { end.row - 1 } else { end.row })
}

/// 1-based
pub(super) fn line(row: usize) -> u32 {
    u32::try_from(row + 1).unwrap_or(u32::MAX)
}
