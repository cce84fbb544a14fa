//! Comments of languages that are not parsed, by a table of their comment and string syntax; and one form for all comments.
//!
//! The scanner knows strings only well enough not to take `"//"` for a comment. It does not know regular expressions, here
//! documents or string interpolation; a one-line string ends with its line, so an error never outlives one.

use std::ops::Range;

use crate::domain::Language;

/// The part of a comment that is on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment<'a> {
    /// Row from 0.
    pub row: u32,
    /// Offset of `whole` in the file.
    pub start: usize,
    /// Nothing stands before it on its line.
    pub leads: bool,
    /// With its markers.
    pub whole: &'a str,
    /// Without markers and the space around.
    pub text: &'a str,
}

/// How a language writes comments and strings.
pub struct CommentSyntax {
    line: &'static [&'static str],
    block: &'static [(&'static str, &'static str)],
    nested: bool,
    /// The markers of a line comment count only at the start of a word (`#` in a shell's `$#` does not).
    at_word: bool,
    /// Its lifetimes share the quote of its characters.
    lifetimes: bool,
    strings: &'static [StringSyntax],
}

pub struct StringSyntax {
    open: &'static str,
    close: &'static str,
    escapes: bool,
    lines: bool,
}

const DOUBLE: StringSyntax = StringSyntax { open: "\"", close: "\"", escapes: true, lines: false };
const SINGLE: StringSyntax = StringSyntax { open: "'", close: "'", ..DOUBLE };
const PLAIN_SINGLE: StringSyntax = StringSyntax { escapes: false, ..SINGLE };
const LINES: StringSyntax = StringSyntax { lines: true, ..DOUBLE };
const TRIPLE: StringSyntax = StringSyntax { open: "\"\"\"", close: "\"\"\"", ..LINES };
const TRIPLE_SINGLE: StringSyntax = StringSyntax { open: "'''", close: "'''", ..LINES };
const TEMPLATE: StringSyntax = StringSyntax { open: "`", close: "`", ..LINES };
const BACKQUOTED: StringSyntax = StringSyntax { escapes: false, ..TEMPLATE };
const RAW: StringSyntax = StringSyntax { open: "r#\"", close: "\"#", escapes: false, lines: true };
const RAWER: StringSyntax = StringSyntax { open: "r##\"", close: "\"##", ..RAW };

pub const C: CommentSyntax = CommentSyntax {
    line: &["//"],
    block: &[("/*", "*/")],
    nested: false,
    at_word: false,
    lifetimes: false,
    strings: &[TRIPLE, DOUBLE, SINGLE],
};
pub const SCRIPT: CommentSyntax = CommentSyntax { strings: &[DOUBLE, SINGLE, TEMPLATE], ..C };
pub const GO: CommentSyntax = CommentSyntax { strings: &[DOUBLE, SINGLE, BACKQUOTED], ..C };
pub const NESTED: CommentSyntax = CommentSyntax { nested: true, ..C };
/// Rust's lifetimes share the quote of its characters: only [`skip_rust_char`] reads those. Its strings span lines.
pub const RUST: CommentSyntax = CommentSyntax { nested: true, lifetimes: true, strings: &[RAWER, RAW, LINES], ..C };
pub const PHP: CommentSyntax = CommentSyntax { line: &["//", "#"], strings: &[DOUBLE, SINGLE], ..C };
pub const CSS: CommentSyntax = CommentSyntax { line: &[], strings: &[DOUBLE, SINGLE], ..C };
pub const ZIG: CommentSyntax = CommentSyntax { block: &[], strings: &[DOUBLE, SINGLE], ..C };
pub const SQL: CommentSyntax = CommentSyntax { line: &["--"], strings: &[PLAIN_SINGLE], ..C };
pub const LUA: CommentSyntax =
    CommentSyntax { line: &["--"], block: &[("--[[", "]]")], strings: &[DOUBLE, SINGLE], ..C };
pub const HASH: CommentSyntax = CommentSyntax {
    line: &["#"],
    block: &[],
    nested: false,
    at_word: true,
    lifetimes: false,
    strings: &[TRIPLE, TRIPLE_SINGLE, DOUBLE, SINGLE],
};
/// Terraform has all three.
pub const HCL: CommentSyntax = CommentSyntax { block: C.block, line: &["#", "//"], strings: &[DOUBLE], ..HASH };
pub const NIX: CommentSyntax = CommentSyntax { block: C.block, strings: &[DOUBLE], ..HASH };
pub const JULIA: CommentSyntax =
    CommentSyntax { block: &[("#=", "=#")], nested: true, at_word: false, strings: &[TRIPLE, DOUBLE], ..HASH };
/// Its quotes are those of characters and names, too.
pub const HASKELL: CommentSyntax =
    CommentSyntax { line: &["--"], block: &[("{-", "-}")], nested: true, strings: &[DOUBLE], ..C };
pub const OCAML: CommentSyntax =
    CommentSyntax { line: &[], block: &[("(*", "*)")], nested: true, strings: &[LINES], ..C };
pub const SHELL: CommentSyntax = CommentSyntax { strings: &[DOUBLE, PLAIN_SINGLE], ..HASH };
pub const PYTHON: CommentSyntax = CommentSyntax { at_word: false, ..HASH };
pub const TOML: CommentSyntax =
    CommentSyntax { at_word: false, strings: &[TRIPLE, TRIPLE_SINGLE, DOUBLE, PLAIN_SINGLE], ..HASH };
/// Pages that hold scripts.
pub const PAGE: CommentSyntax =
    CommentSyntax { block: &[("<!--", "-->"), ("/*", "*/")], at_word: true, strings: &[DOUBLE, SINGLE, TEMPLATE], ..C };
pub const MARKUP: CommentSyntax = CommentSyntax { line: &[], block: &[("<!--", "-->")], strings: &[], ..C };

impl CommentSyntax {
    /// A comment on a line of its own.
    #[cfg(test)]
    pub fn sample(&self, words: &str) -> String {
        match (self.line.first(), self.block.first()) {
            (Some(marker), _) => format!("{marker} {words}"),
            (None, Some((open, close))) => format!("{open} {words} {close}"),
            (None, None) => String::new(),
        }
    }
}

/// All comments of a text, line by line; `None` for a language that has none.
pub fn scan(language: Language, text: &str) -> Option<Vec<Comment<'_>>> {
    let syntax = language.spec().comments?;
    let bytes = text.as_bytes();
    let mut spans = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        at = match step(syntax, bytes, at) {
            CommentStep::Comment(end) => {
                spans.push(at..end);
                end
            }
            CommentStep::Skip(end) => end,
        };
    }
    Some(by_line(text, spans))
}

/// Comments at the given places of a text, line by line.
pub fn at<'a>(text: &'a str, places: impl IntoIterator<Item = Range<usize>>) -> Vec<Comment<'a>> {
    by_line(text, places)
}

enum CommentStep {
    Comment(usize),
    Skip(usize),
}

/// What starts at `at`, and where it ends (always behind `at`).
fn step(syntax: &CommentSyntax, bytes: &[u8], at: usize) -> CommentStep {
    let rest = &bytes[at..];
    for &(open, close) in syntax.block {
        if rest.starts_with(open.as_bytes()) {
            return CommentStep::Comment(end_of_block(bytes, at, open, close, syntax.nested));
        }
    }
    let word = !syntax.at_word || at == 0 || bytes[at - 1].is_ascii_whitespace() || b";(&|".contains(&bytes[at - 1]);
    if word && syntax.line.iter().any(|marker| rest.starts_with(marker.as_bytes())) {
        return CommentStep::Comment(end_of_line(bytes, at));
    }
    if syntax.lifetimes && rest[0] == b'\'' {
        return CommentStep::Skip(skip_rust_char(bytes, at));
    }
    match syntax.strings.iter().find(|s| rest.starts_with(s.open.as_bytes())) {
        Some(found) => CommentStep::Skip(end_of_string(bytes, at, found)),
        None => CommentStep::Skip(at + 1),
    }
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |n| at + n)
}

fn end_of_block(bytes: &[u8], start: usize, open: &str, close: &str, nested: bool) -> usize {
    let (open, close) = (open.as_bytes(), close.as_bytes());
    let mut depth = 1;
    let mut at = start + open.len();
    while at < bytes.len() {
        if bytes[at..].starts_with(close) {
            depth -= 1;
            at += close.len();
            if depth == 0 {
                return at;
            }
        } else if nested && bytes[at..].starts_with(open) {
            depth += 1;
            at += open.len();
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn end_of_string(bytes: &[u8], start: usize, syntax: &StringSyntax) -> usize {
    let close = syntax.close.as_bytes();
    let mut at = start + syntax.open.len();
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if syntax.escapes => at += 2,
            b'\n' if !syntax.lines => return at,
            _ if bytes[at..].starts_with(close) => return at + close.len(),
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Behind `'x'` or `'\n'`; behind the quote alone when it starts a lifetime.
fn skip_rust_char(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at + 1) {
        Some(b'\\') => bytes
            .get(at + 3..)
            .and_then(|rest| rest.iter().take(8).position(|&b| b == b'\''))
            .map_or(at + 1, |n| at + 4 + n),
        Some(_) => {
            // A character takes up to four bytes; a lifetime has no quote behind its first letter.
            let close = (2..=5).find(|&n| bytes.get(at + n) == Some(&b'\''));
            match close {
                Some(n) if n == 2 || !bytes[at + 1].is_ascii() => at + n + 1,
                _ => at + 1,
            }
        }
        None => at + 1,
    }
}

fn by_line(text: &str, spans: impl IntoIterator<Item = Range<usize>>) -> Vec<Comment<'_>> {
    let mut comments: Vec<Comment> = Vec::new();
    let (mut row, mut counted, mut line_start) = (0_u32, 0_usize, 0_usize);
    for span in spans {
        let Some(whole) = text.get(span.clone()) else { continue };
        let between = text.get(counted..span.start).unwrap_or_default();
        row += line_feeds(between);
        line_start = between.rfind('\n').map_or(line_start, |at| counted + at + 1);
        counted = span.start;
        // Only the first comment of a row can be alone on it: looking before the others would cost the square of their number.
        let first = comments.last().is_none_or(|last| last.row < row);
        let leads = first && text.get(line_start..span.start).is_some_and(|before| before.trim_start().is_empty());
        let mut start = span.start;
        for (n, line) in (0_u32..).zip(whole.split_inclusive('\n')) {
            comments.push(Comment { row: row + n, start, leads: leads || n > 0, whole: line, text: bare(line) });
            start += line.len();
        }
    }
    comments
}

fn line_feeds(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|&b| b == b'\n').count()).unwrap_or(u32::MAX)
}

/// The words of one line of a comment: without `//`, `/*`, `*`, `#`, `--`, `<!--` and what closes them.
fn bare(line: &str) -> &str {
    let line = line.trim().trim_end_matches("*/").trim_end_matches("-->").trim_end_matches("]]");
    let line = line.trim_end_matches("*)").trim_end_matches("-}").trim_start_matches("(*").trim_start_matches("{-");
    line.trim_start_matches(['/', '*', '#', '!', '-', '<', ';', '[']).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(language: Language, text: &str) -> Vec<(u32, &str)> {
        scan(language, text).unwrap().into_iter().map(|c| (c.row, c.text)).collect()
    }

    #[test]
    fn comments_are_told_from_strings() {
        assert_eq!(
            texts(Language::C, "a(\"// no\"); // yes\n/* one\n * two */ b"),
            [(0, "yes"), (1, "one"), (2, "two")]
        );
        assert_eq!(texts(Language::PYTHON, "x = '# no' # yes\n\"\"\"# no\n\"\"\"\n"), [(0, "yes")]);
        assert_eq!(texts(Language::SHELL, "echo $# \"# no\" # yes\n"), [(0, "yes")]);
        assert_eq!(texts(Language::SQL, "select '-- no' -- yes\n"), [(0, "yes")]);
        assert_eq!(texts(Language::HTML, "<a href='x'><!-- yes\nmore --></a>"), [(0, "yes"), (1, "more")]);
        assert_eq!(texts(Language::JAVA_SCRIPT, "`// no\n// no`; // yes"), [(1, "yes")]);
        assert_eq!(texts(Language::LUA, "--[[ a\nb ]] x = '--' -- c"), [(0, "a"), (1, "b"), (1, "c")]);
        assert_eq!(texts(Language::TOML, "a = \"#\" # yes"), [(0, "yes")]);
    }

    #[test]
    fn languages_without_comments_say_so() {
        assert!(scan(Language::JSON, "{}").is_none());
        assert!(scan(Language::TEXT, "TODO").is_none());
    }
}
