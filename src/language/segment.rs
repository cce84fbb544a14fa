//! A stretch of a file that means one thing: an item, a section, a block of imports. The chunker merges short ones and cuts long ones.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use tree_sitter::{Node, TreeCursor};

use super::stored::{packed, unpacked};
use super::window::Cut;

/// Nodes of fewer bytes are not searched for places to cut.
const CUT_NODE_BYTES: usize = 300;

/// Depth below an item down to which places to cut are looked for.
const CUT_DEPTH: u32 = 24;

/// Segments of one file cover it in order, white space apart.
#[derive(Clone, Debug, Default)]
pub struct Segment {
    pub range: Range<usize>,
    pub entity_type: &'static str,
    pub entity_name: String,
    /// What encloses it: `mod tests > impl Store`, or the headings above a section.
    pub context: String,
    /// Shown again above the second and later pieces of a long one.
    pub signature: String,
    /// First line of its documentation, shown again likewise.
    pub doc: String,
    /// Short neighbours of the same family may be merged.
    pub family: usize,
    /// It opens what follows (`impl Store {`), and is no chunk by itself.
    pub is_opening: bool,
    /// It is a test, or stands in a module of tests.
    pub is_test: bool,
    /// Where it may be cut; empty if it is not long.
    pub cuts: Vec<Cut>,
    /// What it declares, in the order of the text: itself, as far as it reaches, then what stands inside it. Empty: itself alone.
    pub items: Vec<SegmentItem>,
}

/// A thing that a segment declares, with its documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentItem {
    pub range: Range<usize>,
    pub entity_type: &'static str,
    pub entity_name: String,
}

impl Segment {
    /// What it declares; nothing if that has no name.
    pub fn declared(&self) -> Vec<SegmentItem> {
        if !self.items.is_empty() {
            return self.items.clone();
        }
        let (range, entity_type, entity_name) = (self.range.clone(), self.entity_type, self.entity_name.clone());
        let is_named = !entity_name.is_empty() || !matches!(entity_type, "text" | "section");
        if is_named { vec![SegmentItem { range, entity_type, entity_name }] } else { Vec::new() }
    }
}

/// The segments of a file in a tenth of their memory: those of a whole repository wait until all its files are related.
#[derive(Clone, Debug, Default)]
pub struct PackedSegments {
    /// The types of the segments and of their items.
    types: Box<[&'static str]>,
    rest: Box<[u8]>,
}

/// What of a segment is packed.
#[derive(Serialize, Deserialize)]
struct SegmentParts {
    range: Range<usize>,
    texts: [String; 4],
    family: usize,
    is_opening: bool,
    is_test: bool,
    cuts: Vec<(usize, u32)>,
    items: Vec<(Range<usize>, String)>,
}

impl PackedSegments {
    pub fn new(segments: Vec<Segment>) -> Self {
        let mut types = Vec::new();
        let parts = segments.into_iter().map(|segment| {
            types.push(segment.entity_type);
            types.extend(segment.items.iter().map(|item| item.entity_type));
            SegmentParts {
                range: segment.range,
                texts: [segment.entity_name, segment.context, segment.signature, segment.doc],
                family: segment.family,
                is_opening: segment.is_opening,
                is_test: segment.is_test,
                cuts: segment.cuts.into_iter().map(|cut| (cut.at, cut.cost)).collect(),
                items: segment.items.into_iter().map(|item| (item.range, item.entity_name)).collect(),
            }
        });
        let parts: Vec<SegmentParts> = parts.collect();
        // They hold nothing that postcard refuses.
        let rest = packed(&postcard::to_allocvec(&parts).unwrap_or_default());
        Self { types: types.into(), rest: rest.into() }
    }

    /// `None`: there was no memory to pack them.
    pub fn unpack(&self) -> Option<Vec<Segment>> {
        let parts: Vec<SegmentParts> = postcard::from_bytes(&unpacked(&self.rest)?).ok()?;
        let mut types = self.types.iter().copied();
        let segment = |parts: SegmentParts| {
            let [entity_name, context, signature, doc] = parts.texts;
            let entity_type = types.next()?;
            let item = |(range, entity_name)| Some(SegmentItem { range, entity_type: types.next()?, entity_name });
            Some(Segment {
                range: parts.range,
                entity_type,
                entity_name,
                context,
                signature,
                doc,
                family: parts.family,
                is_opening: parts.is_opening,
                is_test: parts.is_test,
                cuts: parts.cuts.into_iter().map(|(at, cost)| Cut { at, cost }).collect(),
                items: parts.items.into_iter().map(item).collect::<Option<_>>()?,
            })
        };
        parts.into_iter().map(segment).collect()
    }
}

/// White space collapsed, cut at a character's border to at most `limit` bytes.
pub fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word[..word.floor_char_boundary(limit + 1)]);
        if line.len() > limit {
            line.truncate(line.floor_char_boundary(limit));
            break;
        }
    }
    line
}

/// `outer > inner`; a path that has grown beyond use stays as it is.
pub fn nested(outer: &str, inner: &str) -> String {
    match (outer.is_empty(), inner.is_empty()) {
        (true, _) => inner.to_owned(),
        (_, true) => outer.to_owned(),
        _ if outer.len() + inner.len() > 200 => outer.to_owned(),
        _ => format!("{outer} > {inner}"),
    }
}

/// Places where a long item may be cut: before each node that begins a line, the dearer the deeper it lies, and rather before
/// what belongs to the next one (a comment, an attribute) than behind it.
pub fn cuts(text: &str, item: Node<'_>, is_leading: impl Fn(&str) -> bool) -> Vec<Cut> {
    let mut cuts: Vec<Cut> = Vec::new();
    let mut cursor = item.walk();
    let mut depth = 0_u32;
    let mut after_comment = false;
    loop {
        let node = cursor.node();
        if let Some(at) = line_start(text, node.start_byte())
            && cuts.last().is_none_or(|last| last.at < at)
            && node.is_named()
        {
            cuts.push(Cut { at, cost: 2 * depth + u32::from(after_comment) });
        }
        after_comment = is_leading(node.kind());
        let is_searched = node.end_byte() - node.start_byte() >= CUT_NODE_BYTES && depth < CUT_DEPTH;
        if is_searched && cursor.goto_first_child() {
            depth += 1;
        } else if !next_node(&mut cursor, &mut depth) {
            return cuts;
        }
    }
}

/// The next node that is no child of the present one, within the node where the walk began.
fn next_node(cursor: &mut TreeCursor<'_>, depth: &mut u32) -> bool {
    while *depth > 0 {
        if cursor.goto_next_sibling() {
            return true;
        }
        cursor.goto_parent();
        *depth -= 1;
    }
    false
}

/// The start of the line, if only white space stands before the place.
fn line_start(text: &str, at: usize) -> Option<usize> {
    let before = text[..at].trim_end_matches([' ', '\t']);
    (before.is_empty() || before.ends_with('\n')).then_some(before.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Language;
    use crate::language::Parsed;

    #[test]
    fn packed_segments_are_the_same_again() {
        for language in Language::all() {
            let text = language.spec().sample.repeat(20);
            let segments = crate::embedder::chunk::segments(&Parsed::new(language, &text));
            let again = PackedSegments::new(segments.clone()).unpack().unwrap();
            assert_eq!(format!("{again:?}"), format!("{segments:?}"), "{language}");
        }
    }
}
