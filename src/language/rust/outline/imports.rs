//! What a file takes in from elsewhere: `use`, `extern crate`.

use crate::language::rust::tree::{Field, SyntaxNode};

use super::item::{Before, Draft};
use super::use_tree::Leaf;
use super::{OutlineWalk, line_of};
use crate::language::facts::{DefId, ExternCrate, Import, ImportName, Owner, Space};
use crate::language::symbol::{SymbolKind, Visibility};

impl OutlineWalk<'_> {
    pub(super) fn use_declaration(&mut self, node: SyntaxNode<'_>, before: &Before<'_>) {
        let visibility = self.visibility(node);
        let Some(argument) = node.child_in(Field::Argument) else { return };
        for Leaf { node: leaf, segments, name } in self.use_leaves(argument) {
            let path = self.push_path(segments, Space::Any, line_of(leaf));
            let def = (visibility != Visibility::Private || self.exposes_private)
                .then(|| self.import_symbol(leaf, path, name, visibility, before));
            let exported = visibility != Visibility::Private;
            self.model.imports.push(Import { scope: self.scope, path, name, exported, def });
        }
    }

    fn import_symbol(
        &mut self,
        leaf: SyntaxNode<'_>,
        path: u32,
        name: ImportName,
        visibility: Visibility,
        before: &Before<'_>,
    ) -> DefId {
        let written = self.model.written(path);
        let called = match name {
            ImportName::As(id) => self.model.names[id as usize].clone(),
            ImportName::Glob => format!("{written}::*"),
            ImportName::Nameless => format!("{written} as _"),
        };
        let signature = match name {
            ImportName::As(_) if written.ends_with(&called) => format!("use {written}"),
            ImportName::As(_) => format!("use {written} as {called}"),
            _ => format!("use {called}"),
        };
        let kind = SymbolKind::Import;
        let signature = format!("{}{signature}", if visibility == Visibility::Public { "pub " } else { "" });
        self.define(Draft { node: leaf, name: &called, kind, owner: Owner::Scope, visibility, before, signature })
    }

    pub(super) fn extern_crate(&mut self, node: SyntaxNode<'_>, before: &Before<'_>) {
        let Some(name) = node.child_in(Field::Name) else { return };
        let name = self.name_of(name);
        let alias = node.child_in(Field::Alias).map_or(name, |alias| self.name_of(alias));
        let macro_use = before.attributes.iter().any(|&attribute| self.text(attribute).contains("macro_use"));
        self.model.extern_crates.push(ExternCrate { name, alias, macro_use });
    }
}
