//! The query of a language, and what its captures mean:
//!
//! - `@definition.KIND`: an item; KIND is one of [`KINDS`]. With it, in the same pattern: `@name` (several are joined), `@body` (where
//!   its signature ends; else the field `body`), `@end` (where the item ends, if its node goes on), `@parameters` (else the field
//!   `parameters`), `@private`, and `@clause` (neighbours of one name are one item, as the equations of a function).
//! - `@comment`: a comment.
//! - `@doc`: documentation that is no comment and stands before its item.
//! - `@leading`: what belongs to the item behind it, an attribute say.
//! - `@import`: what brings in other files.
//! - `@control`: a branch or a loop.
//! - `@scope`: what hides the definitions inside it: they are local.
//!
//! Other captures are for predicates. Of patterns that match one node with one name, the first says what it is.

use std::cmp::Reverse;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, LazyLock, OnceLock};

use tree_sitter::{Node, Query, QueryCursor, QueryCursorOptions, StreamingIterator};

use crate::domain::Language;
use crate::language::SymbolKind;

/// Calls of tree-sitter's progress callback (one per 100 steps of a cursor) before a search is given up.
const PROGRESS_CALLS_MAX: u32 = 60_000;

/// Matches that may be under way at once: the more, the dearer each step. Ordinary source has some tens.
const MATCHES_MAX: u32 = 512;

/// Depth of the tree down to which matches begin. A long chain of calls is deeper, and defines nothing.
const DEPTH_MAX: u32 = 200;

/// Parts of one passage that does not parse, beyond which a tree is not searched: for each of them a cursor counts those behind it.
const ERROR_PARTS_MAX: usize = 6_000;

/// What a definition is, for outlines, chunks and reports.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ItemKind {
    /// Behind `@definition.`
    pub capture: &'static str,
    pub symbol: SymbolKind,
    /// As `search --kind` has it.
    pub entity: &'static str,
    /// What stands inside it is local to it.
    pub is_function: bool,
    /// Its name stands before those of the items inside it.
    pub is_qualifier: bool,
}

const fn kind(capture: &'static str, symbol: SymbolKind, entity: &'static str) -> ItemKind {
    ItemKind { capture, symbol, entity, is_function: false, is_qualifier: true }
}

/// Every kind of definition.
pub(super) static KINDS: [ItemKind; 17] = [
    ItemKind { is_function: true, ..kind("function", SymbolKind::Function, "function") },
    ItemKind { is_function: true, ..kind("method", SymbolKind::Method, "method") },
    ItemKind { is_function: true, ..kind("test", SymbolKind::Function, "test") },
    ItemKind { is_function: true, ..kind("macro", SymbolKind::Macro, "macro") },
    kind("class", SymbolKind::Class, "class"),
    kind("struct", SymbolKind::Struct, "struct"),
    kind("enum", SymbolKind::Enum, "enum"),
    kind("union", SymbolKind::Union, "struct"),
    kind("interface", SymbolKind::Interface, "trait"),
    kind("trait", SymbolKind::Trait, "trait"),
    kind("type", SymbolKind::TypeAlias, "type"),
    kind("module", SymbolKind::Module, "module"),
    kind("extension", SymbolKind::Impl, "impl"),
    kind("constant", SymbolKind::Const, "const"),
    kind("variable", SymbolKind::Static, "const"),
    // What a grammar takes for its recipe may be settings for all targets.
    ItemKind { is_qualifier: false, ..kind("target", SymbolKind::Function, "function") },
    ItemKind { is_qualifier: false, ..kind("section", SymbolKind::Section, "section") },
];

/// The words of a capture that is no kind of definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Capture {
    Definition(usize),
    Name,
    Body,
    End,
    Parameters,
    Private,
    Clause,
    Comment,
    Doc,
    Leading,
    Import,
    Control,
    Scope,
    /// For predicates.
    Other,
}

/// The query of a language, compiled.
pub(super) struct ItemQuery {
    query: Query,
    captures: Vec<Capture>,
}

/// What a query found in a file, each list in the order of the text.
#[derive(Default)]
pub(super) struct Matches {
    pub definitions: Vec<Definition>,
    pub comments: Vec<Range<usize>>,
    pub docs: Vec<Range<usize>>,
    pub leading: Vec<Range<usize>>,
    pub imports: Vec<Range<usize>>,
    pub controls: Vec<Control>,
    pub scopes: Vec<Range<usize>>,
}

/// A branch or a loop.
pub(super) struct Control {
    pub range: Range<usize>,
    /// The row (from 0) where it begins.
    pub row: usize,
    /// It is the `else if` of another.
    pub is_else: bool,
}

/// One match with a definition.
pub(super) struct Definition {
    pub kind: &'static ItemKind,
    pub node: Range<usize>,
    /// With what the node goes on with, without white space behind it.
    pub range: Range<usize>,
    /// The rows (from 0) of its first and its last line.
    pub rows: (usize, usize),
    pub names: Vec<Range<usize>>,
    pub body: Option<Range<usize>>,
    /// How many it has, if it can have any.
    pub parameters: Option<u32>,
    pub is_private: bool,
    pub is_clause: bool,
    pattern: usize,
}

/// The query of a language, compiled when it is first asked for.
///
/// # Errors
/// If the query does not fit the grammar: a defect of this build.
pub(super) fn of(language: Language) -> Result<Arc<ItemQuery>, String> {
    type Compiled = OnceLock<Result<Arc<ItemQuery>, String>>;
    static COMPILED: LazyLock<Vec<Compiled>> = LazyLock::new(|| Language::all().map(|_| Compiled::new()).collect());
    let Some(slot) = COMPILED.get(language.place()) else { return Err(format!("{language} is not in the table")) };
    slot.get_or_init(|| compile(language).map(Arc::new)).clone()
}

fn compile(language: Language) -> Result<ItemQuery, String> {
    let spec = language.spec();
    let (Some(grammar), Some(text)) = (&spec.grammar, spec.items) else {
        return Err(format!("{language} has no query for its items"));
    };
    let query = Query::new(&(grammar.language)(), text)
        .map_err(|error| format!("the query for items does not fit the {} grammar: {error}", grammar.name))?;
    let captures = query.capture_names().iter().map(|name| capture(name)).collect::<Option<Vec<_>>>();
    let captures =
        captures.ok_or_else(|| format!("the query for {} has a definition of no known kind", grammar.name))?;
    Ok(ItemQuery { query, captures })
}

fn capture(name: &str) -> Option<Capture> {
    Some(match name {
        "name" => Capture::Name,
        "body" => Capture::Body,
        "end" => Capture::End,
        "parameters" => Capture::Parameters,
        "private" => Capture::Private,
        "clause" => Capture::Clause,
        "comment" => Capture::Comment,
        "doc" => Capture::Doc,
        "leading" => Capture::Leading,
        "import" => Capture::Import,
        "control" => Capture::Control,
        "scope" => Capture::Scope,
        _ => match name.strip_prefix("definition.") {
            Some(written) => Capture::Definition(KINDS.iter().position(|kind| kind.capture == written)?),
            None => Capture::Other,
        },
    })
}

impl ItemQuery {
    /// All matches in a tree; those that were found before the search was given up, if it was.
    pub fn matches(&self, text: &str, root: Node<'_>) -> Matches {
        if largest_error(root) > ERROR_PARTS_MAX {
            return Matches::default();
        }
        let mut cursor = QueryCursor::new();
        cursor.set_match_limit(MATCHES_MAX);
        cursor.set_max_start_depth(Some(DEPTH_MAX));
        let mut calls = 0_u32;
        let mut count = |_: &tree_sitter::QueryCursorState| {
            calls += 1;
            if calls > PROGRESS_CALLS_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = QueryCursorOptions::new().progress_callback(&mut count);
        let mut found = Matches::default();
        let mut matches = cursor.matches_with_options(&self.query, root, text.as_bytes(), options);
        while let Some(one) = matches.next() {
            let captured = one.captures().iter().map(|capture| (self.meaning(capture.index), capture.node));
            found.add(text, one.pattern_index, &captured.collect::<Vec<_>>());
        }
        found.sort();
        found
    }

    fn meaning(&self, index: u32) -> Capture {
        self.captures.get(index as usize).copied().unwrap_or(Capture::Other)
    }
}

/// Parts of the largest passage that does not parse.
fn largest_error(root: Node<'_>) -> usize {
    let mut largest = 0;
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        if node.is_error() {
            largest = largest.max(node.child_count() as usize);
        }
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return largest;
            }
        }
    }
}

impl Matches {
    fn add(&mut self, text: &str, pattern: usize, captured: &[(Capture, Node<'_>)]) {
        for &(capture, node) in captured {
            match capture {
                Capture::Comment => self.comments.push(node.byte_range()),
                Capture::Doc => self.docs.push(node.byte_range()),
                Capture::Leading => self.leading.push(node.byte_range()),
                Capture::Import => self.imports.push(node.byte_range()),
                Capture::Scope => self.scopes.push(node.byte_range()),
                Capture::Control => self.controls.push(Control {
                    range: node.byte_range(),
                    row: node.start_position().row,
                    is_else: is_behind_else(text, node),
                }),
                Capture::Definition(kind) => {
                    self.definitions.push(definition(text, &KINDS[kind], node, pattern, captured));
                }
                _ => {}
            }
        }
    }

    /// Brings each list into the order of the text, the outer first, without repetitions.
    fn sort(&mut self) {
        let lists = [&mut self.comments, &mut self.docs, &mut self.leading, &mut self.imports, &mut self.scopes];
        for list in lists {
            list.sort_by_key(|range| (range.start, Reverse(range.end)));
            list.dedup();
        }
        self.controls.sort_by_key(|control| (control.range.start, Reverse(control.range.end)));
        self.controls.dedup_by(|later, first| later.range == first.range);
        let name = |one: &Definition| one.names.first().map_or(usize::MAX, |name| name.start);
        self.definitions.sort_by_key(|one| (one.range.start, Reverse(one.range.end), name(one), one.pattern));
        self.definitions.dedup_by(|later, first| {
            let is_same = later.range == first.range && name(later) == name(first);
            first.is_private |= is_same && later.is_private;
            is_same
        });
    }
}

fn definition(
    text: &str,
    kind: &'static ItemKind,
    node: Node<'_>,
    pattern: usize,
    captured: &[(Capture, Node<'_>)],
) -> Definition {
    let first = |wanted: Capture| captured.iter().find(|(capture, _)| *capture == wanted).map(|(_, node)| *node);
    let end = first(Capture::End).unwrap_or(node);
    let written = text.get(node.start_byte()..end.end_byte()).unwrap_or_default();
    let behind = &written[written.trim_end().len()..];
    let names = captured.iter().filter(|(one, _)| *one == Capture::Name);
    let body = first(Capture::Body).or_else(|| node.child_by_field_name("body"));
    Definition {
        kind,
        node: node.byte_range(),
        range: node.start_byte()..end.end_byte() - behind.len(),
        rows: (node.start_position().row, end.end_position().row - behind.matches('\n').count()),
        names: names.map(|(_, name)| name.byte_range()).collect(),
        body: body.map(|body| body.byte_range()),
        parameters: first(Capture::Parameters).or_else(|| node.child_by_field_name("parameters")).map(count_parts),
        is_private: first(Capture::Private).is_some(),
        is_clause: first(Capture::Clause).is_some(),
        pattern,
    }
}

/// The parts of a list, comments apart.
fn count_parts(list: Node<'_>) -> u32 {
    let mut cursor = list.walk();
    let parts = list.named_children(&mut cursor).filter(|part| !part.is_extra()).count();
    u32::try_from(parts).unwrap_or(u32::MAX)
}

/// Whether a branch is the `else if` of another: a clause of its own, or a branch right behind `else`.
fn is_behind_else(text: &str, control: Node<'_>) -> bool {
    let kind = control.kind();
    if kind.contains("else") || kind.contains("elsif") || kind.contains("elif") {
        return true;
    }
    let before = text.get(..control.start_byte()).unwrap_or_default().trim_end();
    let word = before.strip_suffix("else").or_else(|| before.strip_suffix("ELSE"));
    word.is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}
