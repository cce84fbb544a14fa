//! A file as segments: one for each item, members apart from a long item around them, comments and attributes with what they belong to.

use std::ops::Range;

use tree_sitter::Node;

use super::items::{self, FoundItems, OutlinedItem};
use crate::language::Parsed;
use crate::language::segment::{Segment, SegmentItem, cuts, nested, one_line};
use crate::language::window::{BODY_TOKENS, Cut, is_within, line_cuts};

/// An item of at most so many tokens is one segment, with what stands inside it.
const WHOLE_TOKENS: usize = 96;

/// Bytes of a header's line that quotes the source.
const QUOTE_BYTES: usize = 160;

/// Segments of a file, in order; nothing if there is no tree, or no item.
pub(super) fn segments(parsed: &Parsed<'_>) -> Option<Vec<Segment>> {
    let (text, root) = (parsed.text, parsed.tree().ok()?.root_node());
    let found = items::find(parsed).ok()?;
    if found.items.is_empty() {
        return None;
    }
    let mut cutter = OutlineCutter::new(text, root, found);
    let top = CutPlace::default();
    cutter.push_all(&cutter.top.clone(), &top);
    while let Some(task) = cutter.todo.pop() {
        match task {
            OutlinedTask::Visit(at, place) => cutter.visit(at, &place),
            OutlinedTask::Close(end, place) => cutter.close(end, &place),
        }
    }
    cutter.close(text.len(), &top);
    Some(cutter.segments)
}

/// Where in the file's nesting an item stands.
#[derive(Clone, Default)]
struct CutPlace {
    /// `module Shop > class Order < Base`
    context: String,
    is_test: bool,
    family: usize,
}

enum OutlinedTask {
    Visit(usize, CutPlace),
    Close(usize, CutPlace),
}

/// The walk keeps its own stack: a hostile file nests deeper than a thread's.
struct OutlineCutter<'a, 't> {
    text: &'a str,
    root: Node<'t>,
    found: &'a FoundItems,
    /// The items that stand in no other.
    top: Vec<usize>,
    /// Those right inside each item.
    inside: Vec<Vec<usize>>,
    /// Everything before it is in a segment.
    position: usize,
    families: usize,
    segments: Vec<Segment>,
    todo: Vec<OutlinedTask>,
}

impl<'a, 't> OutlineCutter<'a, 't> {
    fn new(text: &'a str, root: Node<'t>, found: &'a FoundItems) -> Self {
        let mut top = Vec::new();
        let mut inside = vec![Vec::new(); found.items.len()];
        for (at, item) in found.items.iter().enumerate() {
            match item.parent {
                Some(parent) => inside[parent].push(at),
                None => top.push(at),
            }
        }
        Self { text, root, found, top, inside, position: 0, families: 1, segments: Vec::new(), todo: Vec::new() }
    }

    fn push_all(&mut self, items: &[usize], place: &CutPlace) {
        self.todo.extend(items.iter().rev().map(|&at| OutlinedTask::Visit(at, place.clone())));
    }

    fn visit(&mut self, at: usize, place: &CutPlace) {
        let (text, item) = (self.text, &self.found.items[at]);
        if item.range.end <= self.position {
            return self.declare(item);
        }
        self.gap(item.range.start, place);
        let fits = is_within(text.get(self.position..item.range.end).unwrap_or_default(), WHOLE_TOKENS);
        match self.inside[at].first().filter(|_| !fits) {
            Some(&first) => self.open(at, self.found.items[first].range.start, place),
            None => self.emit(at, place),
        }
    }

    /// What stands between items: imports, statements, and comments that belong to nothing.
    fn gap(&mut self, end: usize, place: &CutPlace) {
        if end <= self.position {
            return;
        }
        let end = self.text.get(..end).unwrap_or_default().trim_end_matches([' ', '\t']).len().max(self.position);
        let (range, between) = (self.position..end, self.text.get(self.position..end).unwrap_or_default());
        // A short remark belongs to what follows.
        if between.trim().is_empty() || (self.is_remark(&range) && is_within(between, WHOLE_TOKENS / 2)) {
            return;
        }
        let imports = &self.found.matches.imports;
        let first = imports.partition_point(|import| import.end <= range.start);
        let is_import = imports.get(first).is_some_and(|import| import.start < range.end);
        let (entity_type, context) =
            if is_import { ("module", String::new()) } else { ("text", place.context.clone()) };
        let family = 2 * place.family + usize::from(is_import);
        let cuts = if is_within(between, BODY_TOKENS) { Vec::new() } else { line_cuts(self.text, range) };
        let is_test = place.is_test;
        self.push(Segment { entity_type, context, family, is_test, cuts, ..Segment::default() }, end);
    }

    /// Whether nothing but comments stands in a range.
    fn is_remark(&self, range: &Range<usize>) -> bool {
        let comments = &self.found.matches.comments;
        let first = comments.partition_point(|comment| comment.end <= range.start);
        let mut at = range.start;
        for comment in comments.iter().skip(first).take_while(|comment| comment.start < range.end) {
            if !self.text.get(at..comment.start.max(at)).is_some_and(|text| text.trim().is_empty()) {
                return false;
            }
            at = comment.end.max(at);
        }
        self.text.get(at.min(range.end)..range.end).is_some_and(|text| text.trim().is_empty())
    }

    /// A long item with others inside: what stands before the first of them, then those.
    fn open(&mut self, at: usize, first: usize, place: &CutPlace) {
        let item = &self.found.items[at];
        let end = self.text.get(..first).unwrap_or_default().trim_end_matches([' ', '\t']).len();
        let end = end.clamp(self.position, item.range.end);
        let mut opening = self.segment(item, place);
        let head = self.text.get(self.position..end).unwrap_or_default();
        opening.is_opening = opening.doc.is_empty() && is_within(head, WHOLE_TOKENS);
        if !is_within(head, BODY_TOKENS) {
            opening.cuts = line_cuts(self.text, self.position..end);
        }
        opening.items = vec![SegmentItem {
            range: self.position..item.range.end,
            entity_type: opening.entity_type,
            entity_name: opening.entity_name.clone(),
        }];
        let (head, is_test) = (opening.signature.clone(), opening.is_test);
        self.push(opening, end);

        self.families += 1;
        let inside = CutPlace { context: nested(&place.context, &head), is_test, family: self.families };
        self.todo.push(OutlinedTask::Close(item.range.end, inside.clone()));
        self.push_all(&self.inside[at].clone(), &inside);
    }

    fn emit(&mut self, at: usize, place: &CutPlace) {
        let item = &self.found.items[at];
        let mut segment = self.segment(item, place);
        let end = self.line_end(item.range.end);
        if !is_within(self.text.get(self.position..end).unwrap_or_default(), BODY_TOKENS) {
            segment.cuts = self.cuts(item);
        }
        let inside = self.items_within(at);
        if !inside.is_empty() {
            let (entity_type, entity_name) = (segment.entity_type, segment.entity_name.clone());
            let itself = SegmentItem { range: self.position..item.range.end, entity_type, entity_name };
            segment.items = std::iter::once(itself).chain(inside).collect();
        }
        self.push(segment, end);
    }

    /// Along the nodes of the item; along lines, if it is several nodes.
    fn cuts(&self, item: &OutlinedItem) -> Vec<Cut> {
        let node = self.root.descendant_for_byte_range(item.node.start, item.node.end);
        match node.filter(|node| !item.is_several_nodes() && node.byte_range() == item.node) {
            Some(node) => cuts(self.text, node, |kind| kind.contains("comment")),
            None => line_cuts(self.text, item.range.clone()),
        }
    }

    /// Everything that a short item holds, in the order of the text.
    fn items_within(&self, at: usize) -> Vec<SegmentItem> {
        let mut found = Vec::new();
        let mut open = self.inside[at].clone();
        while let Some(at) = open.pop() {
            let item = &self.found.items[at];
            found.push(declared(item));
            open.extend(&self.inside[at]);
        }
        found.sort_by_key(|item| (item.range.start, std::cmp::Reverse(item.range.end)));
        found
    }

    /// Adds an item to the segment that holds it already.
    fn declare(&mut self, item: &OutlinedItem) {
        let after = self.segments.partition_point(|segment| segment.range.start <= item.range.start);
        let Some(holder) = after.checked_sub(1).and_then(|at| self.segments.get_mut(at)) else { return };
        if holder.items.is_empty() {
            holder.items = holder.declared();
        }
        holder.items.push(declared(item));
    }

    fn segment(&self, item: &OutlinedItem, place: &CutPlace) -> Segment {
        let doc = item.doc.as_deref().and_then(|doc| doc.lines().find(|line| !line.is_empty()));
        Segment {
            entity_type: item.kind.entity,
            entity_name: item.name.clone(),
            context: place.context.clone(),
            signature: one_line(&item.signature, QUOTE_BYTES),
            doc: doc.map(|line| one_line(line, QUOTE_BYTES)).unwrap_or_default(),
            family: 2 * place.family,
            is_test: place.is_test || item.is_test,
            ..Segment::default()
        }
    }

    /// The end of an item, or of the file: what says nothing joins what is before it.
    fn close(&mut self, end: usize, place: &CutPlace) {
        let end = self.line_end(end);
        if end <= self.position {
            return;
        }
        let rest = self.text.get(self.position..end).unwrap_or_default();
        let says_something = || rest.split(|c: char| !c.is_alphanumeric()).any(|word| !matches!(word, "" | "end"));
        match self.segments.last_mut() {
            Some(last) if !last.is_opening && !says_something() => {
                last.range.end = end;
                self.position = end;
            }
            _ => {
                let (context, family, is_test) = (place.context.clone(), 2 * place.family, place.is_test);
                let cuts = line_cuts(self.text, self.position..end);
                self.push(Segment { entity_type: "text", context, family, is_test, cuts, ..Segment::default() }, end);
            }
        }
    }

    fn push(&mut self, mut segment: Segment, end: usize) {
        segment.range = self.position..end.max(self.position);
        self.position = segment.range.end;
        self.segments.push(segment);
    }

    /// The end of the line, if nothing but a separator, white space or a comment stands between; else the place itself.
    fn line_end(&self, end: usize) -> usize {
        let rest = self.text.get(end..).unwrap_or_default().trim_start_matches([' ', '\t', '\r', ',', ';']);
        let content = self.text.len() - rest.len();
        match rest.find('\n') {
            _ if rest.is_empty() => content,
            Some(0) => content + 1,
            newline if self.is_comment_at(content) => newline.map_or(self.text.len(), |newline| content + newline + 1),
            _ => end,
        }
    }

    /// Whether a comment begins at a place and ends its line.
    fn is_comment_at(&self, at: usize) -> bool {
        let comments = &self.found.matches.comments;
        let found = comments.binary_search_by_key(&at, |one| one.start).ok().and_then(|found| comments.get(found));
        found.is_some_and(|comment| {
            let written = self.text.get(comment.clone()).unwrap_or_default().trim_end();
            let rest = self.text.get(comment.start + written.len()..).unwrap_or_default();
            !written.contains('\n') && matches!(rest.trim_start_matches([' ', '\t', '\r']).as_bytes(), [] | [b'\n', ..])
        })
    }
}

fn declared(item: &OutlinedItem) -> SegmentItem {
    SegmentItem { range: item.range.clone(), entity_type: item.kind.entity, entity_name: item.name.clone() }
}
