//! What a text declares, found in the text as it is now, and who a written name means.

use crate::cache::RepoStore;
use crate::cache::chunks;
use crate::domain::{FilePath, Language};
use crate::embedder::chunk::segments;
use crate::language::{Parsed, SymbolKind};
use crate::outline;
use crate::store::Result;

/// A thing that a text declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextItem {
    pub kind: String,
    pub name: String,
    /// Its declaration in one line; empty where the language has no outline.
    pub signature: String,
    /// 1-based, inclusive, with its documentation.
    pub start_line: u32,
    pub end_line: u32,
    /// The line of the declaration itself.
    pub line: u32,
}

impl TextItem {
    fn size(&self) -> u32 {
        self.end_line - self.start_line
    }

    fn holds(&self, line: u32) -> bool {
        (self.start_line..=self.end_line).contains(&line)
    }
}

/// What a text declares, in its order; of two with one place and name, that of the outline, which has a signature.
pub fn items_of(language: Language, text: &str) -> Vec<TextItem> {
    let parsed = Parsed::new(language, text);
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let line_of = |byte: usize| u32::try_from(starts.partition_point(|&start| start <= byte)).unwrap_or(u32::MAX);
    let symbols = outline::of(&parsed).0;
    let mut items: Vec<TextItem> = Vec::new();
    for item in segments(&parsed).iter().flat_map(|segment| segment.declared()) {
        let body = &text[item.range.clone()];
        if item.entity_name.is_empty() || body.trim().is_empty() {
            continue;
        }
        let start = line_of(item.range.start + (body.len() - body.trim_start().len()));
        let end = line_of(item.range.start + body.trim_end().len() - 1);
        let known = items.iter().any(|known| known.name == item.entity_name && known.start_line == start);
        if known {
            continue;
        }
        let symbol = symbols.symbols().iter().find(|symbol| {
            symbol.start_line >= start && symbol.end_line <= end && is_meant(&symbol.name, &item.entity_name)
        });
        items.push(TextItem {
            kind: item.entity_type.to_owned(),
            name: item.entity_name,
            signature: symbol.map(|symbol| symbol.signature.clone()).unwrap_or_default(),
            start_line: start,
            end_line: end,
            line: symbol.map_or(start, |symbol| symbol.start_line),
        });
    }
    for symbol in symbols.symbols().iter().filter(|symbol| is_listed(symbol.kind)) {
        let is_known = |item: &TextItem| item.holds(symbol.start_line) && last(&item.name) == last(&symbol.name);
        if !items.iter().any(is_known) {
            items.push(TextItem {
                kind: symbol.kind.as_str().to_owned(),
                name: symbol.name.clone(),
                signature: symbol.signature.clone(),
                start_line: symbol.start_line,
                end_line: symbol.end_line.max(symbol.start_line),
                line: symbol.start_line,
            });
        }
    }
    items.sort_by_key(|item| (item.start_line, std::cmp::Reverse(item.end_line)));
    items
}

/// What stands inside a type, or stands for something elsewhere, is no item of its own.
fn is_listed(kind: SymbolKind) -> bool {
    !matches!(
        kind,
        SymbolKind::Field | SymbolKind::Import | SymbolKind::Impl | SymbolKind::File | SymbolKind::Unresolved
    )
}

/// The innermost item at a line.
pub fn item_at(items: &[TextItem], line: u32) -> Option<&TextItem> {
    items.iter().filter(|item| item.holds(line)).min_by_key(|item| item.size())
}

/// The parts of a name, whatever stands between them: `a::b`, `a.b`, `a#b`, `a/b`.
fn name_parts(name: &str) -> impl DoubleEndedIterator<Item = &str> {
    name.trim_end_matches("()").split(['.', ':', '#', '/']).filter(|part| !part.is_empty())
}

/// The last part of a name.
pub fn last(name: &str) -> &str {
    name_parts(name).next_back().unwrap_or(name)
}

/// Whether a name is the one that was written, or ends with it, part by part: nothing else is an answer.
pub fn is_meant(name: &str, written: &str) -> bool {
    let mut parts = name_parts(name).rev();
    let mut asked = name_parts(written).rev().peekable();
    asked.peek().is_some() && asked.all(|part| parts.next() == Some(part))
}

/// Files whose recorded text declares a name, in their order.
///
/// # Errors
/// If the store cannot be read.
pub fn declaring(store: &RepoStore, written: &str) -> Result<Vec<FilePath>> {
    let mut found: Vec<FilePath> = Vec::new();
    for chunk in chunks::with_words_of(store.db(), last(written))? {
        let names = || chunk.names().flat_map(|names| names.split(", "));
        if found.last() != Some(&chunk.path) && names().any(|name| last(name) == last(written)) {
            found.push(chunk.path);
        }
    }
    Ok(found)
}

/// The names that are most like a name that means nothing.
///
/// # Errors
/// If the store cannot be read.
pub fn near_names(store: &RepoStore, written: &str) -> Result<Vec<String>> {
    let all = chunks::all(store.db())?;
    let names = all.iter().flat_map(|chunk| chunk.names()).flat_map(|names| names.split(", "));
    let is_qualified = name_parts(written).count() > 1;
    let names: std::collections::BTreeSet<&str> =
        names.map(|name| if is_qualified { name } else { last(name) }).collect();
    let near = super::suggest::nearest(written, names);
    Ok(near.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_itself_and_what_ends_with_it() {
        for (name, written) in [
            ("Config::load", "load"),
            ("Config::load", "Config::load"),
            ("Config::load", "Config.load"),
            ("a.b.Config.load", "Config#load"),
            ("load", "load()"),
        ] {
            assert!(is_meant(name, written), "{name} {written}");
        }
        for (name, written) in [
            ("Config::load", "Load"),
            ("Config::load", "oad"),
            ("Config::load", "Other::load"),
            ("load", "Config::load"),
            ("x", ""),
        ] {
            assert!(!is_meant(name, written), "{name} {written}");
        }
    }

    #[test]
    fn items_have_the_lines_of_the_text_and_a_signature() {
        let text = "/// Opens.\npub fn open(path: &str) -> u32 {\n    1\n}\n\npub struct Store {\n    pub rows: u32,\n}\n\nimpl Store {\n    pub fn shut(&self) {}\n}\n";
        let items = items_of(Language::RUST, text);
        let open = items.iter().find(|item| is_meant(&item.name, "open")).unwrap();
        assert_eq!((open.start_line, open.end_line, open.line), (1, 4, 2));
        assert!(open.signature.contains("fn open"), "{open:?}");
        assert_eq!(item_at(&items, 11).map(|item| item.name.as_str()), Some("Store::shut"));
        assert_eq!(item_at(&items, 3).map(|item| item.name.as_str()), Some("open"));
        assert_eq!(item_at(&items, 5), None);
    }
}
