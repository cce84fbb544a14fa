//! Go as segments: one for each declaration of a file, comments with what they belong to.

use tree_sitter::Node;

use super::node::{documentation, source};
use super::signature;
use super::walk::{self, GoKind, TopDeclaration};
use crate::language::Parsed;
use crate::language::cutter::{ItemCutter, ItemPlace, QUOTE_BYTES, first_line};
use crate::language::segment::{Segment, SegmentItem, cuts, one_line};

/// Segments of a Go file, in order; nothing if there is no tree.
pub(super) fn segments(parsed: &Parsed<'_>) -> Option<Vec<Segment>> {
    let (text, root) = (parsed.text, parsed.tree().ok()?.root_node());
    let mut cutter = GoCutter { text, place: ItemPlace::default(), cut: ItemCutter::new(text, &[';'], "//") };
    let mut cursor = root.walk();
    for node in root.named_children(&mut cursor) {
        match node.kind() {
            "comment" => {}
            "package_clause" => {
                let name = node.named_child(0).map_or("", |name| source(text, name));
                cutter.place.context = format!("package {}", one_line(name, QUOTE_BYTES / 2));
                cutter.head(node);
            }
            "import_declaration" => cutter.head(node),
            _ => cutter.declaration(node),
        }
    }
    cutter.cut.close(text.len(), &cutter.place);
    Some(cutter.cut.segments)
}

struct GoCutter<'t> {
    text: &'t str,
    /// The package, which is all that declarations stand in.
    place: ItemPlace,
    cut: ItemCutter<'t>,
}

impl GoCutter<'_> {
    fn head(&mut self, node: Node<'_>) {
        let context = self.place.context.clone();
        let head =
            Segment { entity_type: "module", context, family: self.place.family_of("module"), ..Segment::default() };
        self.cut.push(head, node.end_byte());
    }

    fn declaration(&mut self, node: Node<'_>) {
        if node.end_byte() <= self.cut.position {
            return;
        }
        let declared = walk::declared_by(self.text, node);
        let mut segment = self.segment(node, &declared);
        if self.cut.is_long(node.end_byte()) {
            segment.cuts = cuts(self.text, node, |kind| kind == "comment");
        }
        if declared.len() > 1 {
            segment.items = self.items(&declared);
        }
        self.cut.push(segment, node.end_byte());
    }

    /// What a group declares: the first from where the segment begins on, each of the others by itself.
    fn items(&self, declared: &[TopDeclaration<'_>]) -> Vec<SegmentItem> {
        let mut items: Vec<SegmentItem> = Vec::new();
        for one in declared {
            let from = self.cut.position;
            let start = if items.is_empty() { from } else { one.node.start_byte().max(from) };
            items.push(SegmentItem {
                range: start..one.node.end_byte().max(start),
                entity_type: entity_type(one),
                entity_name: one_line(&one.name, QUOTE_BYTES),
            });
        }
        items
    }

    fn segment(&self, node: Node<'_>, declared: &[TopDeclaration<'_>]) -> Segment {
        let Some(first) = declared.first() else { return self.place.rest() };
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
        Segment {
            entity_type: entity_type(first),
            entity_name: one_line(&first.name, QUOTE_BYTES),
            signature: one_line(&head, QUOTE_BYTES),
            doc: doc.map(|doc| first_line(&doc)).unwrap_or_default(),
            is_test: first.is_test,
            ..self.place.rest()
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
