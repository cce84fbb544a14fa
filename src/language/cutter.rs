//! Cutting a file along its items, as all languages with a tree do it: what is in a segment already, where a line ends, what is short
//! enough to stay whole. A language walks its tree and says which segment comes next.

use super::segment::{Segment, SegmentItem, nested, one_line};
use super::window::{BODY_TOKENS, is_within};

/// A type, or another item that holds items, of at most so many tokens is one segment.
const WHOLE_TOKENS: usize = 96;

/// Bytes of a header's line that quotes the source.
pub const QUOTE_BYTES: usize = 160;

/// Where in a file's nesting an item stands.
#[derive(Clone, Default)]
pub struct ItemPlace {
    /// `package shop > public class Store`
    pub context: String,
    /// The type whose members stand here: `Store.Entry`.
    pub class: String,
    pub is_test: bool,
    /// Its number; short neighbours in one are merged.
    pub family: usize,
}

impl ItemPlace {
    /// The family of segments that stand here; imports have one of their own.
    pub fn family_of(&self, entity_type: &str) -> usize {
        2 * self.family + usize::from(entity_type == "module")
    }

    /// The name of what stands here, below the type around.
    pub fn full_name(&self, own: &str) -> String {
        if self.class.is_empty() { own.to_owned() } else { format!("{}.{own}", self.class) }
    }

    /// A segment that declares nothing.
    pub fn rest(&self) -> Segment {
        let (context, family, is_test) = (self.context.clone(), self.family_of("text"), self.is_test);
        Segment { entity_type: "text", context, family, is_test, ..Segment::default() }
    }
}

/// The segments of a file so far.
pub struct ItemCutter<'t> {
    pub text: &'t str,
    /// Everything before it is in a segment.
    pub position: usize,
    pub segments: Vec<Segment>,
    families: usize,
    /// What may stand between an item and the end of its line, besides white space.
    separators: &'static [char],
    /// Begins a comment that ends with the line.
    comment: &'static str,
}

impl<'t> ItemCutter<'t> {
    pub fn new(text: &'t str, separators: &'static [char], comment: &'static str) -> Self {
        Self { text, position: 0, segments: Vec::new(), families: 1, separators, comment }
    }

    /// What is not yet in a segment, up to a place.
    pub fn pending(&self, end: usize) -> &'t str {
        self.text.get(self.position..end).unwrap_or_default()
    }

    /// Whether that is short.
    pub fn fits(&self, end: usize) -> bool {
        is_within(self.pending(end), WHOLE_TOKENS)
    }

    /// Whether an item that ends there is longer than a chunk, so that it must say where it can be cut.
    pub fn is_long(&self, end: usize) -> bool {
        !is_within(self.pending(self.line_end(end)), BODY_TOKENS)
    }

    /// The place inside a type.
    pub fn inside(&mut self, around: &ItemPlace, head: &str, class: String, is_test: bool) -> ItemPlace {
        self.families += 1;
        ItemPlace { context: nested(&around.context, head), class, is_test, family: self.families }
    }

    /// Names what stands inside an item that is one segment, in the order of the text.
    pub fn name_items(&self, segment: &mut Segment, end: usize, mut inside: Vec<SegmentItem>) {
        if inside.is_empty() {
            return;
        }
        inside.sort_by_key(|item| (item.range.start, std::cmp::Reverse(item.range.end)));
        segment.items = std::iter::once(self.itself(segment, end)).chain(inside).collect();
    }

    /// An item as far as it reaches, which is further than the segment that opens it.
    pub fn itself(&self, segment: &Segment, end: usize) -> SegmentItem {
        let (entity_type, entity_name) = (segment.entity_type, segment.entity_name.clone());
        SegmentItem { range: self.position..end, entity_type, entity_name }
    }

    /// Ends a segment behind the line of a place.
    pub fn push(&mut self, mut segment: Segment, end: usize) {
        segment.range = self.position..self.line_end(end).max(self.position);
        self.position = segment.range.end;
        self.segments.push(segment);
    }

    /// The end of a type, of a statement, or of the file: comments join what is before them only if they say nothing.
    pub fn close(&mut self, end: usize, place: &ItemPlace) {
        let end = self.line_end(end);
        if end <= self.position {
            return;
        }
        let says_something = self.pending(end).chars().any(char::is_alphanumeric);
        match self.segments.last_mut() {
            Some(last) if !last.is_opening && !says_something => {
                last.range.end = end;
                self.position = end;
            }
            _ => self.push(place.rest(), end),
        }
    }

    /// The end of the line, if nothing but a separator, white space or a comment stands between; else the place itself.
    fn line_end(&self, end: usize) -> usize {
        let behind = self.text.get(end..).unwrap_or_default();
        let rest = behind.trim_start_matches(|c: char| matches!(c, ' ' | '\t' | '\r') || self.separators.contains(&c));
        let content = self.text.len() - rest.len();
        match rest {
            "" => content,
            _ if rest.starts_with('\n') => content + 1,
            _ if rest.starts_with(self.comment) => rest.find('\n').map_or(self.text.len(), |at| content + at + 1),
            _ => end,
        }
    }
}

/// The first line of a documentation.
pub fn first_line(doc: &str) -> String {
    doc.lines().find(|line| !line.is_empty()).map(|line| one_line(line, QUOTE_BYTES)).unwrap_or_default()
}
