//! A stretch of a file that means one thing: an item, a section, a block of imports. The chunker merges short ones and cuts long ones.

use std::ops::Range;

use tree_sitter::{Node, TreeCursor};

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
