//! Go as segments: one for each declaration of a file, comments with what they belong to.

use tree_sitter::Node;

use super::node::{documentation, source};
use super::signature;
use super::walk::{self, GoKind, TopDeclaration};
use crate::language::Parsed;
use crate::language::segment::{Segment, SegmentItem, cuts, one_line};
use crate::language::window::{BODY_TOKENS, is_within};

/// Bytes of a header's line that quotes the source.
const QUOTE_BYTES: usize = 160;

/// Families of segments: short neighbours of the same are merged.
const DECLARATIONS: usize = 0;
const IMPORTS: usize = 1;

/// Segments of a Go file, in order; nothing if there is no tree.
pub(super) fn segments(parsed: &Parsed<'_>) -> Option<Vec<Segment>> {
    let (text, root) = (parsed.text, parsed.tree().ok()?.root_node());
    let mut cutter = GoCutter { text, context: String::new(), position: 0, segments: Vec::new() };
    let mut cursor = root.walk();
    for node in root.named_children(&mut cursor) {
        match node.kind() {
            "comment" => {}
            "package_clause" => {
                let name = node.named_child(0).map_or("", |name| source(text, name));
                cutter.context = format!("package {}", one_line(name, QUOTE_BYTES / 2));
                cutter.head(node);
            }
            "import_declaration" => cutter.head(node),
            _ => cutter.declaration(node),
        }
    }
    cutter.close();
    Some(cutter.segments)
}

struct GoCutter<'t> {
    text: &'t str,
    context: String,
    /// Everything before it is in a segment.
    position: usize,
    segments: Vec<Segment>,
}

impl GoCutter<'_> {
    fn head(&mut self, node: Node<'_>) {
        let context = self.context.clone();
        self.push(Segment { entity_type: "module", context, family: IMPORTS, ..Segment::default() }, node.end_byte());
    }

    fn declaration(&mut self, node: Node<'_>) {
        if node.end_byte() <= self.position {
            return;
        }
        let declared = walk::declared_by(self.text, node);
        let mut segment = self.segment(node, &declared);
        let end = self.line_end(node.end_byte());
        if !is_within(self.text.get(self.position..end).unwrap_or_default(), BODY_TOKENS) {
            segment.cuts = cuts(self.text, node, |kind| kind == "comment");
        }
        if declared.len() > 1 {
            segment.items = self.items(&declared, end);
        }
        self.push(segment, node.end_byte());
    }

    /// What a group declares: the first from where the segment begins on, each of the others by itself.
    fn items(&self, declared: &[TopDeclaration<'_>], end: usize) -> Vec<SegmentItem> {
        let mut items: Vec<SegmentItem> = Vec::new();
        for one in declared {
            let start = if items.is_empty() { self.position } else { one.node.start_byte().max(self.position) };
            items.push(SegmentItem {
                range: start..one.node.end_byte().min(end).max(start),
                entity_type: entity_type(one),
                entity_name: one_line(&one.name, QUOTE_BYTES),
            });
        }
        items
    }

    fn segment(&self, node: Node<'_>, declared: &[TopDeclaration<'_>]) -> Segment {
        let context = self.context.clone();
        let Some(first) = declared.first() else {
            return Segment { entity_type: "text", context, family: DECLARATIONS, ..Segment::default() };
        };
        let is_function = matches!(first.kind, GoKind::Function | GoKind::Method);
        let head = match node.child_by_field_name("body").filter(|_| is_function) {
            Some(body) => self.text.get(node.start_byte()..body.start_byte()).unwrap_or_default().to_owned(),
            None if is_function => source(self.text, node).to_owned(),
            None if declared.len() == 1 && !matches!(first.kind, GoKind::Constant | GoKind::Variable) => {
                signature::ty(self.text, first.node)
            }
            None => String::new(),
        };
        let is_named = !head.is_empty();
        let doc = documentation(self.text, node.start_byte()).filter(|_| is_named).map(|(_, words)| words);
        let doc = doc.and_then(|doc| doc.lines().find(|line| !line.is_empty()).map(|line| one_line(line, QUOTE_BYTES)));
        Segment {
            entity_type: entity_type(first),
            entity_name: one_line(&first.name, QUOTE_BYTES),
            context,
            signature: one_line(&head, QUOTE_BYTES),
            doc: doc.unwrap_or_default(),
            family: DECLARATIONS,
            is_test: first.is_test,
            ..Segment::default()
        }
    }

    /// The end of the file: comments join what is before them only if they say nothing.
    fn close(&mut self) {
        let end = self.text.len();
        if end <= self.position {
            return;
        }
        let rest = self.text.get(self.position..end).unwrap_or_default();
        match self.segments.last_mut() {
            Some(last) if !rest.chars().any(char::is_alphanumeric) => last.range.end = end,
            _ => {
                let context = self.context.clone();
                self.push(Segment { entity_type: "text", context, family: DECLARATIONS, ..Segment::default() }, end);
            }
        }
    }

    /// Ends a segment behind the line of a place.
    fn push(&mut self, mut segment: Segment, end: usize) {
        segment.range = self.position..self.line_end(end).max(self.position);
        self.position = segment.range.end;
        self.segments.push(segment);
    }

    /// The end of the line, if nothing but white space or a comment stands between; else the place itself.
    fn line_end(&self, end: usize) -> usize {
        let rest = self.text.get(end..).unwrap_or_default().trim_start_matches([' ', '\t', '\r', ';']);
        let content = self.text.len() - rest.len();
        match rest.as_bytes() {
            [] => content,
            [b'\n', ..] => content + 1,
            [b'/', b'/', ..] => rest.find('\n').map_or(self.text.len(), |newline| content + newline + 1),
            _ => end,
        }
    }
}

fn entity_type(declared: &TopDeclaration<'_>) -> &'static str {
    match declared.kind {
        GoKind::Function if declared.is_test => "test",
        GoKind::Function => "function",
        GoKind::Method => "method",
        GoKind::Struct => "struct",
        GoKind::Interface => "trait",
        GoKind::Type => "type",
        GoKind::Constant | GoKind::Variable => "const",
    }
}
