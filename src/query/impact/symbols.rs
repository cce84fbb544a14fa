//! Which symbols changed between two texts of a file, and how.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Change, FilePath};
use crate::impact::own_lines;
use crate::outline::{Outline, Symbol, SymbolKind};

/// How a symbol changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SymbolChange {
    Added,
    Removed,
    /// What others see of it: its declaration.
    Signature,
    /// What it does, or what is written about it.
    Body,
    /// None: any change of it is asked about.
    Asked,
}

impl SymbolChange {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Signature => "signature",
            Self::Body => "body",
            Self::Asked => "asked",
        }
    }
}

/// A symbol that changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangedSymbol {
    pub file: FilePath,
    pub symbol: String,
    pub how: SymbolChange,
    /// It can be called: a function or a method.
    pub is_callable: bool,
}

/// One text of a file, and what it declares.
pub(super) type TextOf<'a> = (&'a Outline, &'a str);

/// The paths under which a changed file was, and is.
pub(super) fn paths_of(change: &Change) -> (Option<&FilePath>, Option<&FilePath>) {
    match change {
        Change::Addition { path } => (None, Some(path)),
        Change::Modification { path } => (Some(path), Some(path)),
        Change::Deletion { path } => (Some(path), None),
        Change::Rename { from, path } => (Some(from), Some(path)),
    }
}

/// The symbols that differ; each is named by the file that has it.
pub(super) fn changed_symbols(
    paths: (Option<&FilePath>, Option<&FilePath>),
    before: Option<TextOf<'_>>,
    after: Option<TextOf<'_>>,
) -> Vec<ChangedSymbol> {
    let (was, is) = (states(before), states(after));
    let names: BTreeSet<&str> = was.keys().chain(is.keys()).copied().collect();
    let mut changed = Vec::new();
    for name in names {
        let (how, file, state) = match (was.get(name), is.get(name)) {
            (None, Some(now)) => (SymbolChange::Added, paths.1, now),
            (Some(then), None) => (SymbolChange::Removed, paths.0, then),
            (Some(then), Some(now)) if then.declared != now.declared => (SymbolChange::Signature, paths.1, now),
            (Some(then), Some(now)) if then.lines != now.lines => (SymbolChange::Body, paths.1, now),
            _ => continue,
        };
        changed.extend(file.map(|file| ChangedSymbol {
            file: file.clone(),
            symbol: name.to_owned(),
            how,
            is_callable: state.is_callable,
        }));
    }
    changed
}

/// All that is written of the symbols of one name.
#[derive(Default)]
struct StateOf<'a> {
    declared: BTreeSet<(SymbolKind, &'static str, &'a str)>,
    lines: Vec<&'a str>,
    is_callable: bool,
}

fn states(text: Option<TextOf<'_>>) -> BTreeMap<&str, StateOf<'_>> {
    let Some((outline, text)) = text else { return BTreeMap::new() };
    let mut own = own_lines(outline, text);
    let mut states: BTreeMap<&str, StateOf<'_>> = BTreeMap::new();
    let is_shown =
        |symbol: &&Symbol| !matches!(symbol.kind, SymbolKind::Import | SymbolKind::Module | SymbolKind::File);
    for symbol in outline.symbols().iter().filter(is_shown) {
        let state = states.entry(&symbol.name).or_default();
        state.declared.insert((symbol.kind, symbol.visibility.as_str(), &symbol.signature));
        state.is_callable |= matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method);
        if let Some(lines) = own.remove(symbol.name.as_str()) {
            state.lines = lines.into_iter().filter(|line| !line.is_empty()).collect();
        }
    }
    states
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::{language_of, outline};

    fn changed(path: &str, before: &str, after: &str) -> Vec<String> {
        let path = FilePath::from(path);
        let said = |text: &str| outline(language_of(&path), text).0;
        let (was, is) = (said(before), said(after));
        let found = changed_symbols((Some(&path), Some(&path)), Some((&was, before)), Some((&is, after)));
        found.into_iter().map(|one| format!("{} {}", one.symbol, one.how.as_str())).collect()
    }

    #[test]
    fn a_change_belongs_to_the_innermost_symbol() {
        let before = "class A:\n    def one(self):\n        return 1\n\n    def two(self, x):\n        return x\n";
        assert_eq!(changed("a.py", before, &before.replace("return 1", "return 2")), ["A.one body"]);
        assert_eq!(changed("a.py", before, &before.replace("self, x", "self, x, y")), ["A.two signature"]);
        assert_eq!(changed("a.py", before, &before.replace("two", "three")), ["A.three added", "A.two removed"]);
        assert_eq!(changed("a.py", before, &format!("\n\n{before}\n")), [""; 0], "on other lines");
    }

    #[test]
    fn rust_methods_and_functions_change_one_by_one() {
        let before =
            "pub struct A;\nimpl A {\n    pub fn go(&self) -> u8 {\n        1\n    }\n}\nfn f() {\n    g();\n}\n";
        assert_eq!(changed("a.rs", before, &before.replace("        1", "        2")), ["A::go body"]);
        assert_eq!(changed("a.rs", before, &before.replace("g();", "h();")), ["f body"]);
        assert_eq!(changed("a.rs", before, &before.replace("-> u8", "-> u16")), ["A::go signature"]);
    }
}
