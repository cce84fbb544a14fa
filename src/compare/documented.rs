//! Queries from documentation: the first sentence of a documented function is the query, the function its answer, and the documentation is
//! taken out of what is indexed (the construction of CodeSearchNet, Husain et al. 2019).

use std::collections::{HashMap, HashSet};

use super::{KnownQuery, LabSource, RightAnswer};
use crate::domain::FileRecord;
use crate::language::comment;
use crate::outline::{self, Symbol, SymbolKind};

/// Words of a sentence that makes a query.
const WORDS: std::ops::RangeInclusive<usize> = 4..=30;
/// Queries that are asked; of more, these are taken by the hash of their text.
const QUERIES_MAX: usize = 200;
/// Lines between a function and the documentation above it: attributes, decorators.
const BETWEEN_MAX: usize = 8;
/// Lines of a declaration before a documentation inside of its body.
const DECLARATION_MAX: usize = 12;

/// The queries that are asked: each is the only one of its words.
pub(super) fn chosen(sources: &[LabSource]) -> Vec<KnownQuery> {
    let mut all: Vec<KnownQuery> = sources.iter().flat_map(|source| source.queries.iter().cloned()).collect();
    let mut count: HashMap<String, usize> = HashMap::new();
    all.iter().for_each(|query| *count.entry(query.text.to_lowercase()).or_default() += 1);
    all.retain(|query| count.get(&query.text.to_lowercase()) == Some(&1));
    super::sample(&mut all, QUERIES_MAX);
    all
}

/// A file's text with empty lines where its functions are documented, and what these are asked for.
pub(super) fn strip(file: &FileRecord, text: &str) -> (String, Vec<KnownQuery>) {
    let lines: Vec<&str> = text.split('\n').collect();
    let (outline, _) = outline::outline(file.language, text);
    let comments: HashMap<usize, &str> = comment::scan(file.language, text)
        .unwrap_or_default()
        .iter()
        .filter(|comment| comment.leads)
        .map(|comment| (comment.row as usize, comment.text))
        .collect();
    let (mut gone, mut queries) = (HashSet::new(), Vec::new());
    for symbol in outline.symbols.iter().filter(|symbol| is_function(symbol)) {
        let above = above(&lines, &comments, symbol);
        let rows = if above.is_empty() { inside(&lines, symbol) } else { above };
        let words: Vec<&str> =
            rows.iter().map(|row| plain(comments.get(row).copied().unwrap_or(lines[*row]))).collect();
        gone.extend(rows);
        let sentence = first_sentence(&words.join(" "));
        let sentence = without_name(&sentence, &symbol.name);
        if WORDS.contains(&sentence.split_whitespace().count()) {
            let answer =
                RightAnswer { path: file.path.clone(), start_line: symbol.start_line, end_line: symbol.end_line };
            queries.push(KnownQuery { text: sentence.to_owned(), answers: vec![answer] });
        }
    }
    let kept = lines.iter().enumerate().map(|(row, line)| if gone.contains(&row) { "" } else { *line });
    (kept.collect::<Vec<_>>().join("\n"), queries)
}

pub(super) fn is_function(symbol: &Symbol) -> bool {
    matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method)
}

/// The rows of the comment above a function, in their order.
fn above(lines: &[&str], comments: &HashMap<usize, &str>, symbol: &Symbol) -> Vec<usize> {
    let mut row = (symbol.start_line as usize).saturating_sub(1);
    let is_attribute = |line: &str| line.trim_start().starts_with(['#', '@', '[']);
    for _ in 0..BETWEEN_MAX {
        let Some(before) = row.checked_sub(1) else { break };
        if comments.contains_key(&before) || !lines.get(before).is_some_and(|line| is_attribute(line)) {
            break;
        }
        row = before;
    }
    let mut rows: Vec<usize> = (0..row).rev().take_while(|row| comments.contains_key(row)).collect();
    rows.reverse();
    rows
}

/// The rows of a documentation string that begins a function's body, as Python has it.
fn inside(lines: &[&str], symbol: &Symbol) -> Vec<usize> {
    let first = (symbol.start_line as usize).saturating_sub(1);
    let last = (symbol.end_line as usize).min(lines.len());
    let Some(colon) = (first..last).take(DECLARATION_MAX).find(|row| lines[*row].trim_end().ends_with(':')) else {
        return Vec::new();
    };
    let begin = colon + 1;
    let opening = lines.get(begin).map(|line| line.trim_start().trim_start_matches(['r', 'R', 'u', 'b']));
    let Some(quotes) =
        ["\"\"\"", "'''"].into_iter().find(|quotes| opening.is_some_and(|line| line.starts_with(quotes)))
    else {
        return Vec::new();
    };
    let closes = |row: &usize| {
        let line = lines[*row].trim();
        line.ends_with(quotes) && (*row > begin || line.len() >= 2 * quotes.len())
    };
    (begin..last).find(closes).map_or_else(Vec::new, |end| (begin..=end).collect())
}

/// Without what marks it as documentation.
fn plain(line: &str) -> &str {
    line.trim().trim_start_matches(['/', '*', '!', '"', '\'', '#', '-']).trim_end_matches(['"', '\'', '*', '/']).trim()
}

/// Up to the first white space after a full stop, an exclamation or a question mark; code is without its quotes.
fn first_sentence(text: &str) -> String {
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c.is_whitespace() && matches!(before, '.' | '!' | '?') {
            return text[..at].trim().replace('`', "");
        }
        before = c;
    }
    text.trim().replace('`', "")
}

/// Without the function's own name at the beginning, where Go has it: a query that names its answer measures nothing.
fn without_name<'s>(sentence: &'s str, name: &str) -> &'s str {
    let name = name.rsplit(['.', ':']).next().unwrap_or(name);
    match sentence.strip_prefix(name) {
        Some(rest) if rest.starts_with(char::is_whitespace) => rest.trim_start(),
        _ => sentence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EntryMode, FilePath, Links, ObjectId, Role, Source as ReadFrom};
    use crate::language;

    fn stripped(path: &str, text: &str) -> (String, Vec<(String, u32)>) {
        let path = FilePath::from(path);
        let file = FileRecord {
            blob: ObjectId(vec![1]),
            mode: EntryMode::File,
            source: ReadFrom::Commit,
            size_bytes: text.len() as u64,
            language: language::of(&path),
            role: Role::Library,
            skip: None,
            content_hash: None,
            links: Links::default(),
            path,
        };
        let (kept, queries) = strip(&file, text);
        (kept, queries.into_iter().map(|query| (query.text, query.answers[0].start_line)).collect())
    }

    #[test]
    fn the_first_sentence_of_a_documented_function_is_a_query() {
        let rust = "/// Opens the `store` for writing. Creates it if need be.\n#[inline]\npub fn open() {}\n\n// a note\nstruct S;\n";
        let (kept, queries) = stripped("src/a.rs", rust);
        assert_eq!(queries, [("Opens the store for writing.".to_owned(), 3)]);
        assert_eq!(kept, "\n#[inline]\npub fn open() {}\n\n// a note\nstruct S;\n");

        let python =
            "def send(request):\n    \"\"\"Sends the request to the server.\n\n    More.\n    \"\"\"\n    return 1\n";
        let (kept, queries) = stripped("a.py", python);
        assert_eq!(queries, [("Sends the request to the server.".to_owned(), 1)]);
        assert_eq!(kept, "def send(request):\n\n\n\n\n    return 1\n");

        let go = "package a\n\n// Parse reads one value of the text. It is strict.\nfunc Parse(text string) int {\n\treturn 1\n}\n";
        let (kept, queries) = stripped("a.go", go);
        assert_eq!(queries, [("reads one value of the text.".to_owned(), 4)]);
        assert!(!kept.contains("strict") && kept.lines().count() == go.lines().count());

        let script = "/**\n * Closes every connection that is idle.\n * @returns how many\n */\nexport function closeIdle() {\n  return 0;\n}\n";
        assert_eq!(stripped("a.ts", script).1[0].0, "Closes every connection that is idle.");
    }

    #[test]
    fn too_short_and_undocumented_ones_make_none() {
        let (kept, queries) = stripped("src/a.rs", "/// Opens it.\nfn open() {}\n\nfn other() {}\n");
        assert!(queries.is_empty());
        assert_eq!(kept, "\nfn open() {}\n\nfn other() {}\n");
    }
}
