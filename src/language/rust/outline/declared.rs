//! What a macro in the place of an item may declare, judged by its arguments: the macro's own definition may lie in another file.

use crate::language::rust::tree::{Field, SyntaxNode};

use super::item::{Before, Draft};
use super::{OutlineWalk, signature};
use crate::language::facts::{DefId, ImportName, Owner};
use crate::language::symbol::{SymbolKind, Visibility};

/// Names taken from one macro's arguments: lists of a thousand keywords are real, longer ones are data.
const NAMES_MAX: usize = 2_048;

/// Tokens of an item up to its body.
const ITEM_TOKENS_MAX: usize = 256;

/// Bytes of an invocation that is a signature as a whole; in a longer one a name stands for itself.
const SIGNATURE_BYTES_MAX: usize = 512;

impl<'s> OutlineWalk<'s> {
    /// `bitflags! { pub struct Flags: u32 { const A = 1; } }` declares what follows the keywords; `handler!(get, GET)` may declare
    /// any name that stands by itself.
    pub(super) fn declared_by_macro(&mut self, call: SyntaxNode<'_>, arguments: SyntaxNode<'_>) {
        let tokens: Vec<SyntaxNode<'_>> = arguments.children().collect();
        let in_braces = tokens.first().is_some_and(|first| first.kind() == "{");
        let mut names = 0;
        for (at, &token) in tokens.iter().enumerate() {
            if token.kind() != "identifier" || names == NAMES_MAX {
                continue;
            }
            let before = at.checked_sub(1).and_then(|before| tokens.get(before)).map_or("", |token| token.kind());
            let after = tokens.get(at + 1).map_or("", |token| token.kind());
            if let Some(kind) = declared_kind(before) {
                self.declared_item(&tokens, at, kind, in_braces);
            } else if is_apart(before) && is_apart(after) {
                let signature = self.signature_in(call, token);
                self.declared(token, kind_by_convention(self.text(token)), Owner::Macro, signature);
            } else {
                continue;
            }
            names += 1;
        }
    }

    fn signature_in(&self, call: SyntaxNode<'_>, name: SyntaxNode<'_>) -> String {
        if call.byte_range().len() <= SIGNATURE_BYTES_MAX {
            return signature::tokens(self.text, call, &|_| false);
        }
        let called = call.child_in(Field::Macro).map_or("", |path| self.text(path));
        format!("{called}!(.., {}, ..)", self.text(name))
    }

    /// An item in a form of the macro's own: keyword, name and what follows up to its body.
    fn declared_item(&mut self, tokens: &[SyntaxNode<'_>], at: usize, kind: SymbolKind, in_braces: bool) {
        let Some(&name) = tokens.get(at) else { return };
        let rest = tokens.get(at.saturating_sub(1)..).unwrap_or_default();
        let is_end = |token: &SyntaxNode<'_>| token.kind() == ";" || self.text(*token).starts_with('{');
        let length = rest.iter().take(ITEM_TOKENS_MAX).position(is_end).map_or(rest.len().min(2), |end| end + 1);
        let item = rest.get(..length).unwrap_or_default();
        let parts: Vec<String> = item.iter().map(|&token| signature::tokens(self.text, token, &|_| false)).collect();
        let owner = if in_braces && !self.binds(self.text(name)) { Owner::Scope } else { Owner::Macro };
        let def = self.declared(name, kind, owner, parts.join(" "));
        if let Some(&body) = item.last().filter(|_| matches!(kind, SymbolKind::Struct | SymbolKind::Enum)) {
            self.prefix.push(self.text(name).to_owned());
            self.declared_constants(body, def);
            self.prefix.pop();
        }
    }

    /// `const A = ..;` in a type's body.
    fn declared_constants(&mut self, body: SyntaxNode<'_>, of: DefId) {
        let tokens: Vec<SyntaxNode<'_>> = body.children().collect();
        for pair in tokens.windows(2) {
            if let [keyword, name] = pair
                && keyword.kind() == "const"
                && name.kind() == "identifier"
            {
                let signature = format!("const {}", self.text(*name));
                self.declared(*name, SymbolKind::Const, Owner::Def(of), signature);
            }
        }
    }

    fn declared(&mut self, node: SyntaxNode<'_>, kind: SymbolKind, owner: Owner, signature: String) -> DefId {
        let (name, visibility, before) = (self.text(node), Visibility::Public, &Before::default());
        self.define(Draft { node, name, kind, owner, visibility, before, signature })
    }

    /// The file has another meaning for the name: the macro receives it and does not declare it.
    fn binds(&self, name: &str) -> bool {
        let is_name = |id: u32| self.model.names.get(id as usize).is_some_and(|text| text == name);
        self.model.imports.iter().any(|import| matches!(import.name, ImportName::As(id) if is_name(id)))
            || self.model.defs.iter().any(|def| def.owner == Owner::Scope && is_name(def.name))
    }
}

/// Kind of the item that a keyword begins.
fn declared_kind(keyword: &str) -> Option<SymbolKind> {
    Some(match keyword {
        "struct" => SymbolKind::Struct,
        "enum" => SymbolKind::Enum,
        "union" => SymbolKind::Union,
        "trait" => SymbolKind::Trait,
        "type" => SymbolKind::TypeAlias,
        "const" => SymbolKind::Const,
        "static" => SymbolKind::Static,
        "fn" => SymbolKind::Function,
        _ => return None,
    })
}

/// A token that ends a name, or begins one.
fn is_apart(kind: &str) -> bool {
    matches!(
        kind,
        "(" | ")"
            | "["
            | "]"
            | "{"
            | "}"
            | ","
            | ";"
            | "=>"
            | "->"
            | ""
            | "token_tree"
            | "line_comment"
            | "block_comment"
    )
}

/// Upper and lower case as RFC 430 has them.
fn kind_by_convention(name: &str) -> SymbolKind {
    let mut letters = name.chars().filter(|c| c.is_alphabetic());
    match letters.next() {
        Some(first) if first.is_lowercase() => SymbolKind::Function,
        Some(_) if name.len() > 1 && letters.all(char::is_uppercase) => SymbolKind::Const,
        _ => SymbolKind::Struct,
    }
}
