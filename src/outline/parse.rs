//! A parse that ends: tree-sitter with limits that are counts, so that every machine sees the same tree.

use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, Parser, Range, Tree};

/// Calls of tree-sitter's progress callback before a parse is given up. The library calls it once per 100 parser operations;
/// ordinary source needs 0.009 to 0.015 calls a byte (measured on files of 90 to 750 KB), so a file of 1 MiB takes some 16,000,
/// and a hostile one ends after about a second.
const PROGRESS_CALLS_MAX: u32 = 60_000;

/// Calls that each further parse of a part of the file counts for, beside those it makes: a parse costs some 30 µs however little
/// there is to read, and 1 MiB can hold 200,000 macros.
const CALLS_PER_PART: u32 = 4;

/// Deepest nesting of brackets that is parsed. In the 20,752 files of some 700 published crates the deepest is 52, and 19 in all
/// but one of a thousand. tree-sitter itself survives more, but time and memory of its error recovery grow with depth.
const NESTING_MAX: u32 = 500;

/// The same with the brackets in string literals, which tests of parsers have by the hundred.
const NESTING_MAX_WITH_STRINGS: u32 = 5_000;

/// Why there is no tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoTree {
    /// Brackets nest deeper than [`NESTING_MAX`] on this line (1-based).
    TooDeep { line: u32 },
    /// The parser took more than [`PROGRESS_CALLS_MAX`] steps.
    TooLong,
    /// The grammar does not fit the library.
    Grammar,
}

/// Parses Rust; the parser is kept for the many small parses of macro arguments.
pub(super) struct RustParser {
    parser: Parser,
    calls_left: u32,
}

impl RustParser {
    pub(super) fn new() -> Result<Self, NoTree> {
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_rust::LANGUAGE.into()).map_err(|_| NoTree::Grammar)?;
        Ok(Self { parser, calls_left: PROGRESS_CALLS_MAX })
    }

    /// # Errors
    /// If the text nests too deep or the count of steps, shared by all parses of this file, is used up.
    pub(super) fn parse(&mut self, text: &str) -> Result<Tree, NoTree> {
        if let Some(line) = line_nested_too_deep(text.as_bytes()) {
            return Err(NoTree::TooDeep { line });
        }
        self.parse_ranges(text, &[])
    }

    /// Parses a part of the text again, as if nothing stood around it; positions stay those of the file.
    pub(super) fn parse_within(&mut self, text: &str, range: Range) -> Option<Tree> {
        self.calls_left = self.calls_left.saturating_sub(CALLS_PER_PART);
        if self.calls_left == 0 {
            return None;
        }
        let tree = self.parse_ranges(text, &[range]).ok();
        self.parser.reset();
        tree
    }

    fn parse_ranges(&mut self, text: &str, ranges: &[Range]) -> Result<Tree, NoTree> {
        self.parser.set_included_ranges(ranges).map_err(|_| NoTree::Grammar)?;
        let bytes = text.as_bytes();
        let calls_left = &mut self.calls_left;
        let mut count = |_: &tree_sitter::ParseState| {
            *calls_left = calls_left.saturating_sub(1);
            if *calls_left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = ParseOptions::new().progress_callback(&mut count);
        let mut read = |at: usize, _| bytes.get(at..).unwrap_or_default();
        self.parser.parse_with_options(&mut read, None, Some(options)).ok_or(NoTree::TooLong)
    }
}

/// First line on which brackets nest deeper than [`NESTING_MAX`]. What a string is, is told by quotes alone, so source can be
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_nesting_is_refused_with_its_line() {
        let text = format!("fn f() {{\n{}", "(".repeat(100_000));
        let result = RustParser::new().unwrap().parse(&text);
        assert_eq!(result.err(), Some(NoTree::TooDeep { line: 2 }));
    }

    #[test]
    fn brackets_in_a_string_do_not_nest() {
        let text = format!("fn f() {{ \"{}\"; }}", "(".repeat(1_000));
        assert!(RustParser::new().unwrap().parse(&text).is_ok());
        let text = format!("\"{}", "(".repeat(10_000));
        assert_eq!(RustParser::new().unwrap().parse(&text).err(), Some(NoTree::TooDeep { line: 1 }));
    }

    #[test]
    fn endless_recovery_is_cut_by_a_count() {
        let mut parser = RustParser::new().unwrap();
        parser.calls_left = 3;
        assert_eq!(parser.parse(&"fn f() { a + b; }\n".repeat(10_000)).err(), Some(NoTree::TooLong));
    }
}
