//! What one file says to others and asks of others, whatever its language.

use serde::{Deserialize, Serialize};

use super::eval::facts::Facts;
use super::facts::{self, FileModel};
use super::rust::manifest::Manifest;
use super::symbol::{Symbol, Visibility};

/// What one file says to others and asks of others.
// serde: an outline is a stored value, kept by the hash of the content it was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    pub(crate) symbols: Vec<Symbol>,
    pub(crate) model: FileModel,
    pub(crate) manifest: Option<Manifest>,
    /// Of languages with an evaluator.
    pub(crate) facts: Option<Box<Facts>>,
}

/// A place where the source is not what the language's grammar says. The outline holds what could be read around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// 1-based
    pub line: u32,
    pub message: String,
}

impl Outline {
    /// The symbols that the file defines, in the order of the text.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// Places at which the file may depend on something that reading does not show: line and text.
    pub fn dynamics(&self) -> impl Iterator<Item = (u32, &str)> {
        let dynamics = self.facts.iter().flat_map(|facts| &facts.dynamics);
        dynamics.map(|one| (one.line, one.written.as_str()))
    }

    /// What crates follow from, and what of module trees the modules that are declared do not show.
    pub(crate) fn structure(&self) -> String {
        let model = &self.model;
        let folder = |scope: &facts::NameScope| match &scope.kind {
            facts::ScopeKind::Module { folder, .. } => folder.clone(),
            _ => None,
        };
        format!(
            "{:?} {:?} {:?} {:?}",
            (
                // a file that says nothing, for it is skipped, is no module
                model.scopes.is_empty(),
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

    /// Whether others can see the symbol: private ones count if a child module lives in another file, for it sees them.
    pub(crate) fn exposes(&self, symbol: &Symbol) -> bool {
        symbol.visibility != Visibility::Private || !self.model.modules.is_empty()
    }
}
