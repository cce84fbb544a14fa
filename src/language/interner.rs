//! Names by number, each stored once: a view of a large repository has some hundred thousand, most of them in few files.

use rustc_hash::FxBuildHasher;
use string_interner::StringInterner;
use string_interner::backend::StringBackend;
use string_interner::symbol::{Symbol, SymbolU32};

/// Texts that are numbered from 0 on, in the order in which they came.
pub(super) struct Interner(StringInterner<StringBackend<SymbolU32>, FxBuildHasher>);

impl Default for Interner {
    fn default() -> Self {
        Self(StringInterner::with_hasher(FxBuildHasher))
    }
}

impl Interner {
    /// The number of a text; one that has none gets the next.
    pub fn number(&mut self, text: &str) -> u32 {
        number_of(self.0.get_or_intern(text))
    }

    pub fn get(&self, text: &str) -> Option<u32> {
        self.0.get(text).map(number_of)
    }

    /// Empty for a number that no text has.
    pub fn text(&self, number: u32) -> &str {
        let symbol = usize::try_from(number).ok().and_then(SymbolU32::try_from_usize);
        symbol.and_then(|symbol| self.0.resolve(symbol)).unwrap_or_default()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

fn number_of(symbol: SymbolU32) -> u32 {
    // It is made of 32 bits.
    symbol.to_usize() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_numbered_in_the_order_in_which_they_come() {
        let mut names = Interner::default();
        assert_eq!(["b", "", "a", "b"].map(|text| names.number(text)), [0, 1, 2, 0]);
        assert_eq!((names.get("a"), names.get("c"), names.len()), (Some(2), None, 3));
        assert_eq!([names.text(0), names.text(1), names.text(2), names.text(3)], ["b", "", "a", ""]);
    }
}
