//! The one parse of a text, whatever its grammar: tree-sitter with limits that are counts, so that it ends, and every machine sees the
//! same tree.

use std::cell::{Cell, OnceCell};
use std::ops::ControlFlow;

use tree_sitter::{Node, ParseOptions, Parser, Point, Range, Tree};

use super::ParseError;
use super::outlined::FoundItems;
use super::rust::tree::Syntax;
use crate::domain::Language;

/// Calls of tree-sitter's progress callback before a parse is given up, whatever the size of the text. The library calls it once per 100
/// parser operations; ordinary source needs 0.009 to 0.015 calls a byte (measured on files of 90 to 750 KB), so a file of 1 MiB takes
/// some 16,000, and a hostile one ends after about a second.
pub(super) const PROGRESS_CALLS_MAX: u32 = 60_000;

/// Of these calls, those that any text has, and the bytes for one more, counted up to where the parser is: a passage that it cannot decide
/// on takes a call a byte, each of them a hundred times as dear. Of 4,000 files in 28 languages, each also with three errors put in, the
/// one that takes most takes half of them.
const CALLS_MIN: u32 = 1_000;
const BYTES_PER_CALL: usize = 8;

/// Bytes that the parser is given at once, so that what it reads can be counted.
const READ_BYTES: usize = 4_096;

/// Reads of one parse before it is given up: those that any text has, and how often each part of it may be read. A grammar's scanner may
/// look ahead to the end of the text for each token, in a passage that does not parse above all: the steps do not count that. Ordinary
/// source is read some 1.1 times over; of the same files none takes 400 reads.
const READS_MIN: usize = 1_000;
const READS_PER_PART: usize = 8;

/// Calls that each further parse of a part of the file counts for, on top of those it makes: a parse costs some 30 µs however little
/// there is to read, and 1 MiB can hold 200,000 macros.
const CALLS_PER_PART: u32 = 4;

/// Deepest nesting of brackets that is parsed. In the 20,752 files of some 700 published crates the deepest is 52, and 19 in all
/// but one of a thousand. tree-sitter itself survives more, but time and memory of its error recovery grow with depth.
const NESTING_MAX: u32 = 500;

/// The same with the brackets in string literals, which tests of parsers have by the hundred.
const NESTING_MAX_WITH_STRINGS: u32 = 5_000;

/// Parse errors that are reported; a file in another language has one on every line.
const ERRORS_MAX: usize = 20;

/// Why there is no tree.
#[derive(Debug, PartialEq, Eq)]
pub enum NoTree {
    /// Brackets nest deeper than [`NESTING_MAX`] on this line (1-based).
    TooDeep { line: u32 },
    /// The parser took more than [`calls_max`] steps.
    TooLong,
    /// The grammar and the library were built for different ABIs.
    Unfit { grammar: &'static str, reason: String },
    /// The language is read without a grammar.
    NoGrammar,
}

/// The grammar of a language.
pub struct Grammar {
    /// For people.
    pub name: &'static str,
    pub language: fn() -> tree_sitter::Language,
}

/// How a text is read, where its language alone does not say.
#[derive(Default)]
pub struct TextReading {
    /// The grammar, in the place of the language's own.
    pub language: Option<fn() -> tree_sitter::Language>,
    /// What the grammar reads in the place of the text, byte for byte as long.
    pub text: Option<String>,
}

/// A text with its syntax tree, which is made when it is first asked for: outline, chunks and analyses share it.
pub struct Parsed<'t> {
    pub language: Language,
    pub text: &'t str,
    tree: OnceCell<Result<Parse, NoTree>>,
    /// What the language's query finds, if it is outlined by one.
    pub(super) items: OnceCell<Result<FoundItems, String>>,
    /// The same tree, flat, if the language is Rust.
    pub(super) rust: OnceCell<Syntax<'t>>,
}

struct Parse {
    tree: Tree,
    calls_left: u32,
}

impl<'t> Parsed<'t> {
    pub fn new(language: Language, text: &'t str) -> Self {
        Self { language, text, tree: OnceCell::new(), items: OnceCell::new(), rust: OnceCell::new() }
    }

    /// The tree of the whole text.
    ///
    /// # Errors
    /// If the language has no grammar, the text nests too deep, or the parser takes too many steps.
    pub fn tree(&self) -> Result<&Tree, &NoTree> {
        self.parse().map(|parse| &parse.tree)
    }

    /// A parser for parts of the text; its steps are those that the whole text has left.
    ///
    /// # Errors
    /// As [`Parsed::tree`].
    pub fn parts(&self) -> Result<PartParser, &NoTree> {
        let calls_left = self.parse()?.calls_left;
        Ok(PartParser { language: self.language, parser: None, calls_left })
    }

    /// Steps that the parser took.
    #[cfg(test)]
    pub fn steps(&self) -> u32 {
        self.parse().map_or(PROGRESS_CALLS_MAX, |parse| PROGRESS_CALLS_MAX - parse.calls_left)
    }

    fn parse(&self) -> Result<&Parse, &NoTree> {
        self.tree.get_or_init(|| parse(self.language, self.text, PROGRESS_CALLS_MAX)).as_ref()
    }
}

fn parse(language: Language, text: &str, mut calls_left: u32) -> Result<Parse, NoTree> {
    let mut parser = parser(language)?;
    if let Some(line) = line_nested_too_deep(text.as_bytes()) {
        return Err(NoTree::TooDeep { line });
    }
    let reading = language.spec().reading.map(|read| read(text)).unwrap_or_default();
    if let Some(grammar) = reading.language {
        parser.set_language(&grammar()).map_err(|error| unfit(language, &error))?;
    }
    let text = reading.text.as_deref().filter(|read| read.len() == text.len()).unwrap_or(text);
    let ranges = match language.spec().embedded {
        Some(find) => find(text),
        None => match (language.spec().preamble)(text) {
            0 => Vec::new(),
            preamble => vec![from_byte(text, preamble)],
        },
    };
    let tree = parse_ranges(&mut parser, text, &ranges, &mut calls_left)?;
    Ok(Parse { tree, calls_left })
}

/// All of a text from the start of a line on.
fn from_byte(text: &str, start_byte: usize) -> Range {
    let row = text.as_bytes().iter().take(start_byte).filter(|&&byte| byte == b'\n').count();
    let end = text.bytes().filter(|&byte| byte == b'\n').count();
    let column = text.len() - text.rfind('\n').map_or(0, |at| at + 1);
    Range {
        start_byte,
        end_byte: text.len(),
        start_point: Point { row, column: 0 },
        end_point: Point { row: end, column },
    }
}

fn parser(language: Language) -> Result<Parser, NoTree> {
    let grammar = language.spec().grammar.as_ref().ok_or(NoTree::NoGrammar)?;
    let mut parser = Parser::new();
    parser.set_language(&(grammar.language)()).map_err(|error| unfit(language, &error))?;
    Ok(parser)
}

fn unfit(language: Language, error: &tree_sitter::LanguageError) -> NoTree {
    let grammar = language.spec().grammar.as_ref().map_or("", |grammar| grammar.name);
    NoTree::Unfit { grammar, reason: error.to_string() }
}

/// Parses parts of a text again, the arguments of macros say; the parser is kept, for they are many and small.
pub struct PartParser {
    language: Language,
    parser: Option<Parser>,
    calls_left: u32,
}

impl PartParser {
    /// Parses a part of the text as if nothing stood around it; positions stay those of the file. `None` if the steps, shared by all
    /// parses of this file, are used up.
    pub fn parse_within(&mut self, text: &str, range: Range) -> Option<Tree> {
        self.parse_parts(text, &[range])
    }

    /// The same for an expression that a grammar takes for a statement alone: the next semicolon of the text ends it, if one is near. Without
    /// one the parser has to find out what is missing.
    pub fn parse_as_statement(&mut self, text: &str, range: Range) -> Option<Tree> {
        match semicolon_after(text, &range) {
            Some(end) => self.parse_parts(text, &[range, end]),
            None => self.parse_parts(text, &[range]),
        }
    }

    fn parse_parts(&mut self, text: &str, ranges: &[Range]) -> Option<Tree> {
        self.calls_left = self.calls_left.saturating_sub(CALLS_PER_PART);
        if self.calls_left == 0 {
            return None;
        }
        if self.parser.is_none() {
            self.parser = parser(self.language).ok();
        }
        let parser = self.parser.as_mut()?;
        let tree = parse_ranges(parser, text, ranges, &mut self.calls_left).ok();
        parser.reset();
        tree
    }
}

/// Bytes after an expression in which a semicolon is looked for: most macros are statements, which one ends.
const SEMICOLON_WITHIN: usize = 200;

fn semicolon_after(text: &str, range: &Range) -> Option<Range> {
    let behind = text.as_bytes().get(range.end_byte..)?;
    let at = behind.iter().take(SEMICOLON_WITHIN).position(|&byte| byte == b';')?;
    let mut start_point = range.end_point;
    for &byte in &behind[..at] {
        start_point = if byte == b'\n' {
            Point { row: start_point.row + 1, column: 0 }
        } else {
            Point { column: start_point.column + 1, ..start_point }
        };
    }
    let (start_byte, end_point) = (range.end_byte + at, Point { column: start_point.column + 1, ..start_point });
    Some(Range { start_byte, end_byte: start_byte + 1, start_point, end_point })
}

fn parse_ranges(parser: &mut Parser, text: &str, ranges: &[Range], calls_left: &mut u32) -> Result<Tree, NoTree> {
    parser.set_included_ranges(ranges).map_err(|_| NoTree::TooLong)?;
    let bytes = text.as_bytes();
    let (all, mut reached) = (*calls_left, 0);
    let reads_max = READS_MIN + READS_PER_PART * bytes.len().div_ceil(READ_BYTES);
    let reads = Cell::new(0_usize);
    let mut count = |state: &tree_sitter::ParseState| {
        *calls_left = calls_left.saturating_sub(1);
        reached = reached.max(state.current_byte_offset());
        let is_over = all - *calls_left >= all.min(calls_max(reached)) || reads.get() > reads_max;
        if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut count);
    let mut read = |at: usize, _| {
        reads.set(reads.get().saturating_add(1));
        // Never a part of a character: the library would decode what is not there.
        let part = bytes.get(at..text.floor_char_boundary(at.saturating_add(READ_BYTES))).unwrap_or_default();
        // The text ends here, then. A scanner may take any sign for content, and is asked again at each that no token begins with.
        if reads.get() > reads_max && text.is_char_boundary(at) { &[][..] } else { part }
    };
    let tree = parser.parse_with_options(&mut read, None, Some(options));
    tree.filter(|_| reads.get() <= reads_max).ok_or(NoTree::TooLong)
}

/// Calls that a parse may take up to a place in the text.
fn calls_max(place: usize) -> u32 {
    let by_size = u32::try_from(place / BYTES_PER_CALL).unwrap_or(u32::MAX);
    CALLS_MIN.saturating_add(by_size).min(PROGRESS_CALLS_MAX)
}

/// First line on which brackets nest deeper than [`NESTING_MAX`]. Quotes alone decide what a string is, so source can be
/// made to pass for one: all brackets together have a limit, too.
fn line_nested_too_deep(text: &[u8]) -> Option<u32> {
    let (mut outside, mut all, mut line) = (0u32, 0u32, 1u32);
    let (mut in_string, mut escaped) = (false, false);
    for &byte in text {
        match byte {
            b'(' | b'[' | b'{' => {
                all += 1;
                outside += u32::from(!in_string);
            }
            b')' | b']' | b'}' => {
                all = all.saturating_sub(1);
                outside = outside.saturating_sub(u32::from(!in_string));
            }
            b'"' if !escaped => in_string = !in_string,
            b'\n' => line += 1,
            _ => {}
        }
        escaped = byte == b'\\' && !escaped;
        if outside > NESTING_MAX || all > NESTING_MAX_WITH_STRINGS {
            return Some(line);
        }
    }
    None
}

impl NoTree {
    /// The same for people.
    pub fn to_error(&self) -> ParseError {
        let (line, message) = match self {
            Self::TooDeep { line } => (*line, "brackets nest too deep; the file was not read further".to_owned()),
            Self::TooLong => (1, "the parser took too many steps; the file was not read".to_owned()),
            Self::Unfit { grammar, .. } => (1, format!("the {grammar} grammar does not fit this build's parser")),
            Self::NoGrammar => (1, "the language has no grammar".to_owned()),
        };
        ParseError { line, message }
    }
}

/// Shows the nodes from a top on, in the order of the text, with what those around say. `visit` answers with what the inside of a node is
/// shown; `None`: it is not entered.
pub fn walk_with<'t, S: Copy>(top: Node<'t>, outside: S, mut visit: impl FnMut(Node<'t>, S) -> Option<S>) {
    let mut cursor = top.walk();
    let mut around = Vec::new();
    let mut said = outside;
    loop {
        let inside = visit(cursor.node(), said);
        if let Some(inside) = inside
            && cursor.goto_first_child()
        {
            around.push(said);
            said = inside;
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
            said = around.pop().unwrap_or(outside);
        }
    }
}

/// Shows the nodes from a top on, in the order of the text; one for which `visit` is true is not entered.
pub fn walk<'t>(top: Node<'t>, mut visit: impl FnMut(Node<'t>) -> bool) {
    walk_with(top, (), |node, ()| (!visit(node)).then_some(()));
}

/// Whether a node, or one inside, is such.
pub fn holds<'t>(top: Node<'t>, is: impl Fn(Node<'t>) -> bool) -> bool {
    let mut found = false;
    walk(top, |node| {
        found = found || is(node);
        found
    });
    found
}

/// The places that do not parse; `language` is its name for people.
pub fn errors_of(root: Node<'_>, language: &str) -> Vec<ParseError> {
    let mut errors = Vec::new();
    let mut cursor = root.walk();
    let mut descend = root.has_error();
    loop {
        let node = cursor.node();
        if node.is_missing() {
            errors.push(ParseError { line: line(node), message: format!("`{}` is missing", node.kind()) });
        } else if node.is_error() {
            errors.push(ParseError { line: line(node), message: format!("not valid {language}") });
            descend = false;
        }
        if errors.len() >= ERRORS_MAX {
            return errors;
        }
        if !(descend && node.has_error() && cursor.goto_first_child()) {
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return errors;
                }
            }
        }
        descend = true;
    }
}

fn line(node: Node<'_>) -> u32 {
    node.start_position().row as u32 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_tree(text: &str) -> Option<NoTree> {
        parse(Language::RUST, text, PROGRESS_CALLS_MAX).err()
    }

    #[test]
    fn deep_nesting_is_refused_with_its_line() {
        let text = format!("fn f() {{\n{}", "(".repeat(100_000));
        assert_eq!(no_tree(&text), Some(NoTree::TooDeep { line: 2 }));
    }

    #[test]
    fn brackets_in_a_string_do_not_nest() {
        assert_eq!(no_tree(&format!("fn f() {{ \"{}\"; }}", "(".repeat(1_000))), None);
        assert_eq!(no_tree(&format!("\"{}", "(".repeat(10_000))), Some(NoTree::TooDeep { line: 1 }));
    }

    #[test]
    fn endless_recovery_is_cut_by_a_count() {
        let text = "fn f() { a + b; }\n".repeat(10_000);
        assert_eq!(parse(Language::RUST, &text, 3).err(), Some(NoTree::TooLong));
    }

    #[test]
    fn a_scanner_that_looks_ahead_is_cut_by_its_reads() {
        let dart = Language::parse("dart").unwrap();
        for (language, sign) in [(Language::LUA, ")"), (dart, ")"), (dart, "é")] {
            let text = sign.repeat(100_000);
            assert_eq!(parse(language, &text, PROGRESS_CALLS_MAX).err(), Some(NoTree::TooLong), "{language}: {sign}");
        }
    }

    #[test]
    fn text_without_a_grammar_has_no_tree() {
        assert_eq!(Parsed::new(Language::TEXT, "a").tree().err(), Some(&NoTree::NoGrammar));
    }
}
