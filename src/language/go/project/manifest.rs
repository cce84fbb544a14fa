//! `go.mod` and `go.work`: what of them decides which folder an import path means.

use crate::language::eval::facts::Facts;
use crate::language::{Outline, ParseError, Parsed, Symbol, SymbolKind, Visibility};

/// Directives that matter.
const DIRECTIVES: [&str; 4] = ["module", "replace", "require", "use"];

/// One directive with what it says: `module m`, `replace old => ./new`, `require m v1.2.3`, `use ./dir`.
pub(super) struct ModDirective<'t> {
    pub word: &'t str,
    pub arguments: Vec<&'t str>,
    line: u32,
}

/// The outline of such a file: its directives, one line each.
pub(in super::super) fn outline(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    let read = directives(parsed.text);
    let kept = read.iter().filter(|one| DIRECTIVES.contains(&one.word));
    let manifest: String = kept.map(|one| format!("{} {}\n", one.word, one.arguments.join(" "))).collect();
    let named = read.iter().filter(|one| matches!(one.word, "module" | "use"));
    let symbols = named.filter_map(|one| {
        Some(Symbol {
            name: (*one.arguments.first()?).to_owned(),
            kind: SymbolKind::Module,
            visibility: Visibility::Public,
            signature: format!("{} {}", one.word, one.arguments.first()?),
            start_line: one.line,
            end_line: one.line,
            doc: false,
        })
    });
    let facts = Facts { manifest: Some(manifest), ..Facts::default() };
    (Outline { symbols: symbols.collect(), facts: Some(Box::new(facts)), ..Outline::default() }, Vec::new())
}

/// The directives of a text, those in blocks each with their word.
pub(super) fn directives(text: &str) -> Vec<ModDirective<'_>> {
    let mut all = Vec::new();
    let mut block: Option<&str> = None;
    for (row, line) in text.lines().enumerate() {
        let line = line.split("//").next().unwrap_or_default();
        let mut words = line.split_whitespace().map(|word| word.trim_matches(['"', '`']));
        let Some(first) = words.next() else { continue };
        let rest: Vec<&str> = words.collect();
        let row = u32::try_from(row + 1).unwrap_or(u32::MAX);
        match (block, first, rest.as_slice()) {
            (Some(_), ")", _) => block = None,
            (Some(word), _, _) => {
                let arguments = std::iter::once(first).chain(rest.iter().copied()).collect();
                all.push(ModDirective { word, arguments, line: row });
            }
            (None, _, ["("]) => block = Some(first),
            (None, _, _) => all.push(ModDirective { word: first, arguments: rest, line: row }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_comments_and_quotes_are_read() {
        let text = "module \"example.com/a\" // the module\n\ngo 1.22\nrequire (\n\tb.org/x v1.0.0 // indirect\n)\nreplace b.org/x => ../x\nuse ./tools\n";
        let read: Vec<String> =
            directives(text).iter().map(|one| format!("{} {}", one.word, one.arguments.join(" "))).collect();
        let expected =
            ["module example.com/a", "go 1.22", "require b.org/x v1.0.0", "replace b.org/x => ../x", "use ./tools"];
        assert_eq!(read, expected);
    }
}
