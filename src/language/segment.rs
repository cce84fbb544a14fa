//! A stretch of a file that means one thing: an item, a section, a block of imports. The chunker merges short ones and cuts long ones.

use std::ops::Range;

use super::window::Cut;

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
