//! What a file says to others, and what it asks of them: text -> [`Outline`]. Pure; broken source is input.
//!
//! An outline is a function of language and text alone, so it is kept by content hash and shared by every repository and view.
//! It is stable where others cannot see a difference: comments, formatting and the order of attributes do not reach a
//! signature, bodies reach none.

mod lines;

use crate::domain::{Hash, Language};
use crate::language::Parsed;

pub use crate::language::stored::{LazyOutline, StoredOutline};
pub use crate::language::{Outline, ParseError, Symbol, SymbolKind, Visibility};
pub use crate::language::{of as language_of, role_of};

/// Part of what is stored with an outline: raised whenever the outline of some text changes.
pub const OUTLINE_VERSION: u32 = 9;

/// The version of a language's outlines: the low digits are that of all languages, the rest the language's own.
pub fn version(language: Language) -> u32 {
    OUTLINE_VERSION + 1_000 * language.spec().version
}

/// Outline of a file's text. Never fails; what is not understood is in the errors, and missing from the outline.
pub fn outline(language: Language, text: &str) -> (Outline, Vec<ParseError>) {
    of(&Parsed::new(language, text))
}

/// Outline of a text that may be parsed already.
pub fn of(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    (parsed.language.spec().outline)(parsed)
}

impl Outline {
    /// Hash of the symbols that can be seen outside the file: name, kind, visibility, signature. Private ones count if a child
    /// module lives in another file, for it sees them.
    ///
    /// Equal hashes say that no user is shown another declaration. What names *lead to* may still differ, for a private import can
    /// give the same words another meaning: [`crate::impact::World::edit`] decides that.
    pub fn interface_hash(&self) -> Hash {
        let mut seen: Vec<&Symbol> = self.symbols.iter().filter(|symbol| self.exposes(symbol)).collect();
        seen.sort_by_key(|symbol| (&symbol.name, symbol.kind, symbol.visibility, &symbol.signature));
        let fields = seen.iter().flat_map(|symbol| {
            [symbol.name.as_str(), symbol.kind.as_str(), symbol.visibility.as_str(), &symbol.signature]
        });
        Hash::of_fields(fields.map(str::as_bytes))
    }
}

#[cfg(test)]
mod tests;
