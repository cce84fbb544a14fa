//! What a file says to others, and what it asks of them: text -> [`Outline`]. Pure; broken source is input.
//!
//! An outline is a function of language and text alone, so it is kept by content hash and shared by every repository and view.
//! It is stable where others cannot see a difference: comments, formatting and the order of attributes do not reach a
//! signature, bodies reach none.

mod language;
mod lines;
mod manifest;
pub(crate) mod model;
mod parse;
mod rust;
mod symbol;

use serde::{Deserialize, Serialize};

use crate::domain::{Hash, Language};

pub use language::{language_of, role_of};
pub(crate) use manifest::{Manifest, TargetKind};
use model::Model;
pub use symbol::{Symbol, SymbolKind, Visibility};

/// Part of what is stored with an outline: raised whenever the outline of some text changes.
pub const OUTLINE_VERSION: u32 = 5;

/// What one file says to others and asks of others.
// serde: an outline is a stored value, kept by the hash of the content it was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    pub(crate) symbols: Vec<Symbol>,
    pub(crate) model: Model,
    pub(crate) manifest: Option<Manifest>,
}

/// A place where the source is not what the language's grammar says. The outline holds what could be read around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// 1-based
    pub line: u32,
    pub message: String,
}

/// Outline of a file's text. Never fails; what is not understood is in the errors, and missing from the outline.
pub fn outline(language: Language, text: &str) -> (Outline, Vec<ParseError>) {
    match language {
        Language::Rust => rust::outline(text),
        Language::CargoManifest => manifest::outline(text),
        _ => (Outline::default(), Vec::new()),
    }
}

impl Outline {
    /// The symbols that the file defines, in the order of the text.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// Hash of the symbols that can be seen outside the file: name, kind, visibility, signature. Private ones count if a child
    /// module lives in another file, for it sees them.
    ///
    /// Equal hashes say that no user is shown another declaration. What names *lead to* may still differ, for a private import can
    /// give the same words another meaning: [`crate::impact::World::edit`] tells that.
    pub fn interface_hash(&self) -> Hash {
        let mut seen: Vec<&Symbol> = self.symbols.iter().filter(|symbol| self.exposes(symbol)).collect();
        seen.sort_by_key(|symbol| (&symbol.name, symbol.kind, symbol.visibility, &symbol.signature));
        let fields = seen.iter().flat_map(|symbol| {
            [symbol.name.as_str(), symbol.kind.as_str(), symbol.visibility.as_str(), &symbol.signature]
        });
        Hash::of_fields(fields.map(str::as_bytes))
    }

    /// What crates and module trees follow from beside the names of modules, and what names cannot tell.
    pub(crate) fn structure(&self) -> String {
        let model = &self.model;
        let folder = |scope: &model::Scope| match &scope.kind {
            model::ScopeKind::Module { folder, .. } => folder.clone(),
            _ => None,
        };
        format!(
            "{:?} {:?} {:?} {:?}",
            (
                // a file that says nothing, for it is skipped, is no module
                model.scopes.is_empty(),
                model.modules.iter().map(|module| &module.paths).collect::<Vec<_>>(),
                model.scopes.iter().filter_map(folder).collect::<Vec<_>>(),
            ),
            model
                .includes
                .iter()
                .map(|include| (&include.path, include.from_package, include.source))
                .collect::<Vec<_>>(),
            model
                .extern_crates
                .iter()
                .map(|entry| (
                    model.names.get(entry.name as usize),
                    model.names.get(entry.alias as usize),
                    entry.macro_use
                ))
                .collect::<Vec<_>>(),
            (model.item_macros.iter().map(|&scope| model.place(scope)).collect::<Vec<_>>(), &self.manifest),
        )
    }

    fn exposes(&self, symbol: &Symbol) -> bool {
        symbol.visibility != Visibility::Private || !self.model.modules.is_empty()
    }

    /// The form in which it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        // An outline holds no map with odd keys and no sequence of unknown length, the only things that postcard refuses.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Bytes of the stored form.
    pub fn stored_size(&self) -> usize {
        postcard::experimental::serialized_size(self).unwrap_or_default()
    }

    /// Inverse of [`Outline::to_bytes`]; `None` if the bytes are another version's or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let outline: Self = postcard::from_bytes(bytes).ok()?;
        // A manifest's symbol is none that source could name.
        let defined = if outline.manifest.is_some() { 0 } else { outline.symbols.len() };
        outline.model.is_sound(defined).then_some(outline)
    }
}

#[cfg(test)]
mod tests;
