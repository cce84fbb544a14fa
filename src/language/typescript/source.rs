//! The top-level statements of a script, those of a file with errors too.
//!
//! The TypeScript grammar does not know all of the language (`<in out T>`, `export type * from`, `import('x').T[]`), and one error may
//! cost a whole file. So the part between statements that parse is read again, statement by statement: an error costs one.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use tree_sitter::{Node, Point, Tree};

use super::walk::children;
use crate::language::syntax::{NoTree, PartParser, errors_of};
use crate::language::{ParseError, Parsed};

/// Words with which a statement at the start of a line begins.
const STARTS: [&str; 18] = [
    "export",
    "import",
    "const",
    "let",
    "var",
    "function",
    "async function",
    "class",
    "abstract class",
    "interface",
    "type",
    "enum",
    "declare",
    "namespace",
    "module",
    "if",
    "for",
    "@",
];

/// Syntax that the grammar does not know and that says nothing that is needed; what the second group matches is read as spaces.
static UNKNOWN: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let patterns = [
        r"(export\s+)(type\s)\s*\*",
        r"(?m)(^[ \t]*|[<,]\s*)((?:in\s+out|in|out)\s+)[A-Za-z_$][\w$]*\s*(?:extends\b|[,>=])",
        r#"(import\(\s*['"][^'"\n]*['"]\s*\)(?:\.[\w$]+)*)((?:\[\])+)"#,
        r"(\s)(accessor\s+)[\w$#]+\s*[=:;]",
    ];
    patterns.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect()
});

/// A call signature at the start of a line, behind a member without a semicolon: the second group becomes one.
static SIGNATURE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)^([ \t]*)([ \t])<(?:$|[A-Z][\w$]*[ ,>=])").ok());

/// A script that is parsed as far as it can be.
pub(super) struct Script<'t> {
    pub text: &'t str,
    whole: &'t Tree,
    /// Trees of the statements that were parsed by themselves.
    parts: Vec<Tree>,
    order: Vec<ScriptPiece>,
}

enum ScriptPiece {
    /// A child of the tree of the whole.
    Child(u32),
    Part(usize),
}

impl<'t> Script<'t> {
    /// Reads a text.
    ///
    /// # Errors
    /// If it has no tree at all.
    pub(super) fn read(parsed: &'t Parsed<'_>) -> Result<Self, &'t NoTree> {
        let whole = parsed.tree()?;
        let mut script = Self { text: parsed.text, whole, parts: Vec::new(), order: Vec::new() };
        let root = whole.root_node();
        if root.has_error() {
            let mut parser = parsed.parts()?;
            script.repair(root, &mut parser);
        } else {
            script.order = (0..root.named_child_count() as u32).map(ScriptPiece::Child).collect();
        }
        Ok(script)
    }

    /// The markup of a page, around its scripts; of a script by itself, none.
    pub(super) fn markup(&self) -> Vec<&'t str> {
        let mut markup = Vec::new();
        let mut at = 0;
        for range in self.whole.included_ranges() {
            markup.extend(self.text.get(at..range.start_byte));
            at = range.end_byte;
        }
        markup.extend(self.text.get(at..));
        markup.retain(|text| !text.is_empty());
        markup
    }

    /// The statements in the order of the text, comments and what could not be read included.
    pub(super) fn statements(&self) -> Vec<Node<'_>> {
        let root: Vec<Node<'_>> = children(self.whole.root_node()).collect();
        let mut statements = Vec::with_capacity(self.order.len());
        for piece in &self.order {
            match piece {
                ScriptPiece::Child(at) => statements.extend(root.get(*at as usize)),
                ScriptPiece::Part(at) => {
                    let part = self.parts[*at].root_node();
                    statements.extend(part.named_children(&mut part.walk()));
                }
            }
        }
        statements
    }

    /// What could not be read.
    pub(super) fn errors(&self) -> Vec<ParseError> {
        let root = self.whole.root_node();
        if !root.has_error() {
            return Vec::new();
        }
        let mut errors: Vec<ParseError> =
            self.parts.iter().flat_map(|part| errors_of(part.root_node(), "TypeScript")).collect();
        errors.sort_by_key(|error| error.line);
        errors
    }

    fn repair(&mut self, root: Node<'_>, parser: &mut PartParser) {
        let masked = masked(self.text);
        let mut broken: Option<Range<usize>> = None;
        for (at, child) in (0_u32..).zip(children(root)) {
            if !child.has_error() && is_statement(child.kind()) {
                if let Some(range) = broken.take() {
                    self.parse_again(range.start..child.start_byte(), &masked, parser);
                }
                self.order.push(ScriptPiece::Child(at));
            } else {
                let start = broken.map_or(child.start_byte(), |range| range.start);
                broken = Some(start..child.end_byte());
            }
        }
        if let Some(range) = broken {
            self.parse_again(range.start..root.end_byte().min(self.text.len()), &masked, parser);
        }
    }

    fn parse_again(&mut self, range: Range<usize>, masked: &str, parser: &mut PartParser) {
        let mut points = Points { text: self.text, at: 0, point: Point::new(0, 0) };
        for piece in split(self.text, range) {
            let within = tree_sitter::Range {
                start_byte: piece.start,
                end_byte: piece.end,
                start_point: points.of(piece.start),
                end_point: points.of(piece.end),
            };
            let Some(mut tree) = parser.parse_within(self.text, within) else { return };
            if tree.root_node().has_error()
                && self.text.get(piece.clone()) != masked.get(piece.clone())
                && let Some(other) = parser.parse_within(masked, within)
            {
                let errors = |tree: &Tree| errors_of(tree.root_node(), "TypeScript").len();
                if errors(&other) < errors(&tree) {
                    tree = other;
                }
            }
            self.order.push(ScriptPiece::Part(self.parts.len()));
            self.parts.push(tree);
        }
    }
}

/// Row and column of ascending places.
struct Points<'t> {
    text: &'t str,
    at: usize,
    point: Point,
}

impl Points<'_> {
    fn of(&mut self, at: usize) -> Point {
        let between = self.text.as_bytes().get(self.at..at).unwrap_or_default();
        let rows = between.iter().filter(|&&byte| byte == b'\n').count();
        self.point = match between.iter().rposition(|&byte| byte == b'\n') {
            Some(last) => Point::new(self.point.row + rows, between.len() - last - 1),
            None => Point::new(self.point.row, self.point.column + between.len()),
        };
        self.at = at;
        self.point
    }
}

fn is_statement(kind: &str) -> bool {
    kind == "comment"
        || kind.ends_with("_statement")
        || kind.ends_with("_declaration")
        || matches!(kind, "function_signature" | "internal_module" | "module" | "import_alias")
}

/// Cuts a range at the lines that begin a statement.
fn split(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = range.start;
    let mut at = range.start;
    for line in text.get(range.clone()).unwrap_or_default().split_inclusive('\n') {
        if at > start && begins_statement(line) {
            pieces.push(start..at);
            start = at;
        }
        at += line.len();
    }
    pieces.push(start..range.end);
    pieces
}

fn begins_statement(line: &str) -> bool {
    STARTS.iter().any(|word| {
        line.strip_prefix(word)
            .is_some_and(|rest| *word == "@" || rest.starts_with([' ', '\t', '{', '*', '(', '\'', '"']))
    })
}

/// The text with spaces for syntax that the grammar does not know; every place stays where it is.
fn masked(text: &str) -> Cow<'_, str> {
    let mut spaces: Vec<Range<usize>> = Vec::new();
    for pattern in UNKNOWN.iter() {
        spaces.extend(pattern.captures_iter(text).filter_map(|found| found.get(2)).map(|group| group.range()));
    }
    let ends = SIGNATURE.iter().flat_map(|pattern| pattern.captures_iter(text));
    let ends: Vec<usize> = ends.filter_map(|found| found.get(2)).map(|group| group.start()).collect();
    if spaces.is_empty() && ends.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.as_bytes().to_vec();
    for at in spaces.into_iter().flatten() {
        if !matches!(bytes[at], b'\n' | b'\r') {
            bytes[at] = b' ';
        }
    }
    ends.into_iter().for_each(|at| bytes[at] = b';');
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}
