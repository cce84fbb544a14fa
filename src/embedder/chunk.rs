//! Chunks: pieces of a file along its syntax, each with a header that says where it stands.
//!
//! Rust is cut at items, Markdown at headings, everything else at blank lines and little indentation. Short neighbours are merged,
//! long ones are cut at statements with a small overlap. No line of the file is lost, but for blank ones.

use std::ops::Range;

use crate::domain::{Hash, Language};

use super::identifier;
use crate::language::Parsed;
use crate::language::segment::{self, Segment, SegmentItem};
use crate::language::window::{self, tokens};

/// Raised whenever the same file could give other chunks than before, so that stored ones are made again.
pub const CHUNKER_VERSION: u32 = 2;

/// Most chunks of one file. More would come only from hostile or generated text, which is then cut by size alone (2,400 bytes a
/// chunk): a file of 1 MiB, the largest that is read, always keeps every line.
pub const CHUNKS_PER_FILE_MAX: usize = 2_000;

/// Segments below so many tokens are merged with their short neighbours, up to so many together.
const SHORT_TOKENS: usize = 48;
const MERGED_TOKENS: usize = 128;

/// Items that a chunk lists; more begin only in hostile text, for it has [`MERGED_TOKENS`].
const ITEMS_MAX: usize = 64;

/// Bytes of the module path in a header.
const MODULE_PATH_BYTES: usize = 120;

/// Bytes of the names of merged items.
const NAMES_BYTES: usize = 80;

/// What a chunk or an item in it can be.
pub const KINDS: &[&str] = &[
    "function", "method", "test", "class", "struct", "enum", "trait", "impl", "type", "module", "macro", "const",
    "section", "text",
];

/// One piece of a file, ready to be embedded and indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Header and body: what is embedded and full-text indexed. Line ends are `\n`.
    pub text: String,
    /// Where in `text` the body begins, in bytes.
    pub body_start: usize,
    /// First line of the body in the file, from 1.
    pub start_line: u32,
    /// Last line of the body, inclusive.
    pub end_line: u32,
    /// One of [`KINDS`].
    pub entity_type: &'static str,
    /// Name of the item, methods as `Type::name`, merged ones separated by commas; a section's heading; empty if it has none.
    pub entity_name: String,
    /// It is a test, or stands in a module of tests.
    pub is_test: bool,
    /// What begins in it, where that is more than the one item that it is named after.
    pub items: Vec<ChunkItem>,
    /// Hash of `text`: the same wherever in a file, or in whatever file of that module path, the chunk stands.
    pub chunk_hash: Hash,
}

/// One of several items in a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkItem {
    pub entity_type: &'static str,
    pub entity_name: String,
    /// Where it stands in the file, with its documentation: from 1, inclusive. It may end behind the chunk.
    pub start_line: u32,
    pub end_line: u32,
}

impl Chunk {
    /// The text without its header.
    pub fn body(&self) -> &str {
        &self.text[self.body_start..]
    }
}

/// Cuts a file into chunks, in the order of its lines. `module_path` is the first line of each header: the module path of a Rust file
/// (`ra_agent::store`), the path of any other.
pub fn chunks(language: Language, module_path: Option<&str>, text: &str) -> Vec<Chunk> {
    of_segments(text, module_path, segments(&Parsed::new(language, text)))
}

/// The stretches along which a text is cut. They do not depend on where the file stands.
pub fn segments(parsed: &Parsed<'_>) -> Vec<Segment> {
    (parsed.language.spec().segments)(parsed).unwrap_or_else(|| plain_segments(parsed.text))
}

/// Cuts a text along its segments.
pub fn of_segments(text: &str, module_path: Option<&str>, segments: Vec<Segment>) -> Vec<Chunk> {
    let source = Cutter { text, module_path: module_path.unwrap_or_default(), lines: line_starts(text) };
    let merged = merge_short(text, segments);
    let chunks: Vec<Chunk> = merged.iter().flat_map(|segment| source.chunks_of(segment)).collect();
    if chunks.len() > CHUNKS_PER_FILE_MAX { source.coarse_chunks() } else { chunks }
}

fn plain_segments(text: &str) -> Vec<Segment> {
    let range = 0..text.len();
    let cuts = window::line_cuts(text, range.clone());
    vec![Segment { range, entity_type: "text", cuts, ..Segment::default() }]
}

/// Joins openings (`impl Store {`) to what follows, and short neighbours of a family to each other.
fn merge_short(text: &str, segments: Vec<Segment>) -> Vec<Segment> {
    let mut merged: Vec<Segment> = Vec::with_capacity(segments.len());
    let mut size = 0;
    for segment in segments.into_iter().filter(|segment| !text[segment.range.clone()].trim().is_empty()) {
        let own = count_up_to_long(text, &segment.range);
        match merged.last_mut() {
            Some(last) if last.is_opening => {
                let start = last.range.start;
                size += own;
                let items = joined(last, &segment);
                *last = Segment { range: start..segment.range.end, items, ..segment };
            }
            Some(last) if is_mergeable(text, last, &segment, size, own) => {
                size += own;
                absorb(last, segment);
            }
            _ => {
                size = own;
                merged.push(segment);
            }
        }
    }
    merged
}

/// Tokens of a range, exact as long as that matters for merging.
fn count_up_to_long(text: &str, range: &Range<usize>) -> usize {
    let text = &text[range.clone()];
    if window::is_within(text, MERGED_TOKENS) { tokens(text) } else { MERGED_TOKENS + 1 }
}

fn is_mergeable(text: &str, last: &Segment, next: &Segment, size: usize, own: usize) -> bool {
    let shares_line = !starts_line(text, &next.range);
    let is_short = own < SHORT_TOKENS && last.family == next.family && !next.is_opening;
    (shares_line || is_short) && size + own <= MERGED_TOKENS
}

/// True if a range's first visible character is the first of its line.
fn starts_line(text: &str, range: &Range<usize>) -> bool {
    let first = range.end - text[range.clone()].trim_start().len();
    let before = text[..first].trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with('\n')
}

/// What two segments declare together, the first [`ITEMS_MAX`].
fn joined(last: &mut Segment, next: &Segment) -> Vec<SegmentItem> {
    let mut items = if last.items.is_empty() { last.declared() } else { std::mem::take(&mut last.items) };
    let room = ITEMS_MAX.saturating_sub(items.len());
    items.extend(next.declared().into_iter().take(room));
    items
}

/// The larger of two gives the type and, if the smaller has none, the name.
fn absorb(last: &mut Segment, next: Segment) {
    last.items = joined(last, &next);
    if next.range.len() > last.range.len() {
        last.entity_type = next.entity_type;
    }
    if last.entity_name.is_empty() {
        last.entity_name = next.entity_name;
    } else if !next.entity_name.is_empty()
        && !last.entity_name.split(", ").any(|name| name == next.entity_name)
        && last.entity_name.len() + next.entity_name.len() <= NAMES_BYTES
    {
        last.entity_name = format!("{}, {}", last.entity_name, next.entity_name);
    }
    last.is_test &= next.is_test;
    last.cuts.extend(next.cuts);
    last.range.end = next.range.end;
}

struct Cutter<'t> {
    text: &'t str,
    module_path: &'t str,
    lines: Vec<usize>,
}

impl Cutter<'_> {
    fn chunks_of(&self, segment: &Segment) -> Vec<Chunk> {
        let pieces = window::pieces(self.text, segment.range.clone(), &segment.cuts);
        let mut chunks = Vec::with_capacity(pieces.len());
        for (nth, piece) in pieces.iter().enumerate() {
            let previous = nth.checked_sub(1).and_then(|before| pieces.get(before));
            let start =
                previous.map_or(piece.start, |previous| window::overlap_start(self.text, previous, piece.start));
            if !self.text[piece.clone()].trim().is_empty() {
                chunks.extend(self.chunk(segment, start..piece.end, nth > 0));
            }
        }
        chunks
    }

    /// Pieces by size alone, the file's first [`CHUNKS_PER_FILE_MAX`].
    fn coarse_chunks(&self) -> Vec<Chunk> {
        let plain = Segment { entity_type: "text", ..Segment::default() };
        let pieces = window::coarse_pieces(self.text);
        pieces.into_iter().filter_map(|piece| self.chunk(&plain, piece, false)).take(CHUNKS_PER_FILE_MAX).collect()
    }

    fn chunk(&self, segment: &Segment, range: Range<usize>, is_continued: bool) -> Option<Chunk> {
        let range = without_blank_ends(self.text, range)?;
        let mut text = self.header(segment, is_continued);
        let body_start = text.len();
        text.push_str(&self.text[range.clone()].replace("\r\n", "\n"));
        Some(Chunk {
            chunk_hash: Hash::of(text.as_bytes()),
            body_start,
            start_line: self.line_of(range.start),
            end_line: self.line_of(range.end - 1),
            entity_type: segment.entity_type,
            entity_name: self.entity_name(segment),
            is_test: segment.is_test,
            items: self.items(segment, &range),
            text,
        })
    }

    /// The items of a segment that begin in a piece of it; none if there is but the one that the segment is named after.
    fn items(&self, segment: &Segment, piece: &Range<usize>) -> Vec<ChunkItem> {
        let is_itself =
            |item: &SegmentItem| item.entity_type == segment.entity_type && item.entity_name == segment.entity_name;
        let item = |item: &SegmentItem| {
            let range = without_blank_ends(self.text, item.range.clone())?;
            let begins = range.start >= piece.start && range.start < piece.end;
            (begins || is_itself(item)).then(|| ChunkItem {
                entity_type: item.entity_type,
                entity_name: item.entity_name.clone(),
                start_line: self.line_of(range.start),
                end_line: self.line_of(range.end - 1),
            })
        };
        let items: Vec<ChunkItem> = segment.items.iter().filter_map(item).collect();
        let is_alone = matches!(items.as_slice(), [one] if one.entity_name == segment.entity_name && one.entity_type == segment.entity_type);
        if is_alone { Vec::new() } else { items }
    }

    /// The name in plain words, which the model reads better than an identifier; module path and enclosing item; above a later piece
    /// of a long item also its signature and the first line of its documentation.
    fn header(&self, segment: &Segment, is_continued: bool) -> String {
        let module_path = &self.module_path[..self.module_path.floor_char_boundary(MODULE_PATH_BYTES)];
        let place = segment::nested(module_path, &segment.context);
        let repeated = if is_continued { [segment.signature.as_str(), segment.doc.as_str()] } else { ["", ""] };
        let mut header = String::new();
        // A heading stands in plain words above its section anyway.
        let name = if segment.entity_type == "section" { "" } else { segment.entity_name.as_str() };
        let name = identifier::plain_words(name);
        for line in [name.as_str(), place.as_str()].into_iter().chain(repeated).filter(|line| !line.is_empty()) {
            header.push_str(line);
            header.push('\n');
        }
        header
    }

    /// What has no name of its own and speaks for the module is named as the module.
    fn entity_name(&self, segment: &Segment) -> String {
        if segment.entity_name.is_empty() && segment.entity_type == "module" && segment.context.is_empty() {
            self.module_path.to_owned()
        } else {
            segment.entity_name.clone()
        }
    }

    fn line_of(&self, byte: usize) -> u32 {
        u32::try_from(self.lines.partition_point(|&start| start <= byte)).unwrap_or(u32::MAX)
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

/// The range without blank lines at its start and white space at its end; nothing if it is blank. The first line keeps its indentation.
fn without_blank_ends(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let body = &text[range.clone()];
    let first = body.len() - body.trim_start().len();
    let start = range.start + body[..first].rfind('\n').map_or(0, |newline| newline + 1);
    let end = range.start + body.trim_end().len();
    (end > start).then_some(start..end)
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
