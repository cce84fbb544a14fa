//! C and C++ as segments: one for each declaration, short classes whole, long ones by their members, comments with what they belong to.

use tree_sitter::Node;

use super::node::{children, documentation, is_transparent, is_type_specifier, source};
use super::walk::{self, CItem, CKind};
use crate::language::Parsed;
use crate::language::segment::{Segment, SegmentItem, cuts, nested, one_line};
use crate::language::window::{BODY_TOKENS, is_within};

/// A class or namespace of at most so many tokens is one segment.
const WHOLE_TOKENS: usize = 96;

/// Bytes of a header's line that quotes the source.
const QUOTE_BYTES: usize = 160;

/// Segments of a file, in order; nothing if there is no tree.
pub(super) fn segments(parsed: &Parsed<'_>) -> Option<Vec<Segment>> {
    let (text, root) = (parsed.text, parsed.tree().ok()?.root_node());
    let items = walk::found(text, root);
    let mut cutter = CCutter { text, items: &items, position: 0, families: 1, segments: Vec::new(), todo: Vec::new() };
    let top = CNesting::default();
    cutter.push_children(root, &top);
    while let Some(task) = cutter.todo.pop() {
        match task {
            CTask::Visit(node, place) => cutter.visit(node, &place),
            CTask::Close(end, place) => cutter.close(end, &place),
        }
    }
    cutter.close(text.len(), &top);
    Some(cutter.segments)
}

/// Where in the file's nesting a node stands.
#[derive(Clone, Default)]
struct CNesting {
    /// `namespace geo > class Shape`
    context: String,
    family: usize,
}

enum CTask<'t> {
    Visit(Node<'t>, CNesting),
    Close(usize, CNesting),
}

/// The walk keeps its own stack: a hostile file nests deeper than a thread's.
struct CCutter<'t, 'i> {
    text: &'t str,
    items: &'i [CItem<'t>],
    /// Everything before it is in a segment.
    position: usize,
    families: usize,
    segments: Vec<Segment>,
    todo: Vec<CTask<'t>>,
}

impl<'t> CCutter<'t, '_> {
    fn push_children(&mut self, parent: Node<'t>, place: &CNesting) {
        let first = self.todo.len();
        self.todo.extend(children(parent).into_iter().map(|child| CTask::Visit(child, place.clone())));
        self.todo[first..].reverse();
    }

    fn visit(&mut self, node: Node<'t>, place: &CNesting) {
        let kind = node.kind();
        if self.fits(node) || node.end_byte() <= self.position {
            return self.emit(node, place);
        }
        if kind == "namespace_definition" {
            let Some(body) = node.child_by_field_name("body") else { return self.emit(node, place) };
            let head =
                one_line(self.text.get(node.start_byte()..body.start_byte()).unwrap_or_default(), QUOTE_BYTES / 2);
            let inside = CNesting { context: nested(&place.context, &head), family: self.next_family() };
            self.todo.push(CTask::Close(node.end_byte(), inside.clone()));
            return self.push_children(body, &inside);
        }
        if is_transparent(kind) {
            self.todo.push(CTask::Close(node.end_byte(), place.clone()));
            return self.push_children(node, place);
        }
        match class_within(node) {
            Some(class) => self.class(node, class, place),
            None => self.emit(node, place),
        }
    }

    fn next_family(&mut self) -> usize {
        self.families += 1;
        self.families
    }

    fn class(&mut self, whole: Node<'t>, class: Node<'t>, place: &CNesting) {
        let Some(body) = class.child_by_field_name("body") else { return self.emit(whole, place) };
        let mut opening = self.segment(whole, place);
        let end = body.child(0).map_or(body.start_byte(), |brace| brace.end_byte());
        let from = self.position.min(end);
        opening.is_opening =
            opening.doc.is_empty() && is_within(self.text.get(from..end).unwrap_or_default(), WHOLE_TOKENS);
        let (entity_type, entity_name) = (opening.entity_type, opening.entity_name.clone());
        opening.items = vec![SegmentItem { range: self.position..whole.end_byte(), entity_type, entity_name }];
        let head = one_line(self.text.get(whole.start_byte()..body.start_byte()).unwrap_or_default(), QUOTE_BYTES);
        self.push(opening, end);
        let inside = CNesting { context: nested(&place.context, &head), family: self.next_family() };
        self.todo.push(CTask::Close(whole.end_byte(), inside.clone()));
        self.push_children(body, &inside);
    }

    /// True if what is not yet in a segment, up to the node's end, is short.
    fn fits(&self, node: Node<'_>) -> bool {
        let from = self.position.min(node.end_byte());
        is_within(self.text.get(from..node.end_byte()).unwrap_or_default(), WHOLE_TOKENS)
    }

    fn emit(&mut self, node: Node<'t>, place: &CNesting) {
        if node.end_byte() <= self.position || node.kind() == "access_specifier" {
            return;
        }
        let mut segment = self.segment(node, place);
        let end = self.line_end(node.end_byte());
        let from = self.position.min(end);
        if !is_within(self.text.get(from..end).unwrap_or_default(), BODY_TOKENS) {
            segment.cuts = cuts(self.text, node, |kind| kind == "comment" || kind == "access_specifier");
        }
        let inside = self.items_within(node);
        if inside.len() > 1 {
            segment.items = self.segment_items(&inside, end);
        }
        self.push(segment, node.end_byte());
    }

    /// What a node declares that is looked for by its name: no fields or enumerators.
    fn items_within(&self, node: Node<'t>) -> Vec<&CItem<'t>> {
        let first = self.items.partition_point(|item| item.node.start_byte() < node.start_byte());
        let inside = self.items.get(first..).unwrap_or_default().iter();
        let inside = inside.take_while(|item| item.node.start_byte() < node.end_byte());
        inside.filter(|item| !matches!(item.kind, CKind::Field | CKind::Enumerator)).collect()
    }

    /// The first from where the segment begins on, each of the others by itself.
    fn segment_items(&self, inside: &[&CItem<'t>], end: usize) -> Vec<SegmentItem> {
        let mut items: Vec<SegmentItem> = Vec::new();
        for one in inside {
            let start = if items.is_empty() { self.position } else { one.whole.start_byte().max(self.position) };
            items.push(SegmentItem {
                range: start..one.whole.end_byte().min(end).max(start),
                entity_type: entity_type(one),
                entity_name: one_line(&one.name, QUOTE_BYTES),
            });
        }
        items
    }

    fn segment(&self, node: Node<'t>, place: &CNesting) -> Segment {
        let context = place.context.clone();
        let is_include = matches!(node.kind(), "preproc_include" | "preproc_call" | "using_declaration");
        let Some(first) = self.items_within(node).first().copied() else {
            let entity_type = if is_include { "module" } else { "text" };
            let family = 2 * place.family + usize::from(is_include);
            return Segment { entity_type, context, family, ..Segment::default() };
        };
        let is_named = first.kind.is_function() || first.kind.is_type() || first.kind == CKind::Macro;
        let head = match first.node.child_by_field_name("body") {
            Some(body) => self.text.get(first.whole.start_byte()..body.start_byte()).unwrap_or_default(),
            None => source(self.text, first.whole),
        };
        let doc = documentation(self.text, first.whole.start_byte()).filter(|_| is_named).map(|(_, words)| words);
        let doc = doc.and_then(|doc| doc.lines().find(|line| !line.is_empty()).map(|line| one_line(line, QUOTE_BYTES)));
        Segment {
            entity_type: entity_type(first),
            entity_name: one_line(&first.name, QUOTE_BYTES),
            context,
            signature: if is_named { one_line(head, QUOTE_BYTES) } else { String::new() },
            doc: doc.unwrap_or_default(),
            family: 2 * place.family,
            is_test: first.is_test,
            ..Segment::default()
        }
    }

    /// The end of a class, namespace or file: comments join what is before them only if they say nothing.
    fn close(&mut self, end: usize, place: &CNesting) {
        let end = self.line_end(end);
        if end <= self.position {
            return;
        }
        let rest = self.text.get(self.position..end).unwrap_or_default();
        match self.segments.last_mut() {
            Some(last) if !last.is_opening && !rest.chars().any(char::is_alphanumeric) => {
                last.range.end = end;
                self.position = end;
            }
            _ => {
                let (context, family) = (place.context.clone(), 2 * place.family);
                self.push(Segment { entity_type: "text", context, family, ..Segment::default() }, end);
            }
        }
    }

    /// Ends a segment behind the line of a place.
    fn push(&mut self, mut segment: Segment, end: usize) {
        segment.range = self.position..self.line_end(end).max(self.position);
        self.position = segment.range.end;
        self.segments.push(segment);
    }

    /// The end of the line, if nothing but a separator, white space or a comment stands between; else the place itself.
    fn line_end(&self, end: usize) -> usize {
        let rest = self.text.get(end..).unwrap_or_default().trim_start_matches([' ', '\t', '\r', ',', ';']);
        let content = self.text.len() - rest.len();
        match rest.as_bytes() {
            [] => content,
            [b'\n', ..] => content + 1,
            [b'/', b'/', ..] => rest.find('\n').map_or(self.text.len(), |newline| content + newline + 1),
            _ => end,
        }
    }
}

/// The class that a node declares, templates included.
fn class_within(node: Node<'_>) -> Option<Node<'_>> {
    let is_class = |node: &Node<'_>| {
        is_type_specifier(node.kind()) && node.kind() != "enum_specifier" && node.child_by_field_name("body").is_some()
    };
    let mut node = node;
    while node.kind() == "template_declaration" {
        node = children(node).into_iter().next_back()?;
    }
    if is_class(&node) { Some(node) } else { node.child_by_field_name("type").filter(is_class) }
}

fn entity_type(item: &CItem<'_>) -> &'static str {
    match item.kind {
        _ if item.is_test => "test",
        CKind::Function => "function",
        CKind::Method => "method",
        CKind::Test => "test",
        CKind::Class => "class",
        CKind::Struct | CKind::Union => "struct",
        CKind::Enum => "enum",
        CKind::Alias => "type",
        CKind::Concept => "trait",
        CKind::Macro => "macro",
        CKind::Variable | CKind::Field | CKind::Enumerator => "const",
    }
}
