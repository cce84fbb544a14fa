//! C# as segments: one for each member, short types whole, comments with what they belong to. What stands around a member (namespace,
//! type) and its signature with attributes are shown again above each piece of it.

use tree_sitter::Node;

use super::docs;
use super::node::{child_of, children, is_conditional};
use super::walk::{self, SharpItem, SharpKind};
use crate::language::Parsed;
use crate::language::cutter::{ItemCutter, ItemPlace, QUOTE_BYTES, first_line};
use crate::language::segment::{Segment, SegmentItem, cuts, one_line};

/// Segments of a C# file, in order; nothing if there is no tree.
pub(super) fn segments(parsed: &Parsed<'_>) -> Option<Vec<Segment>> {
    let (text, root) = (parsed.text, parsed.tree().ok()?.root_node());
    let items = walk::found(text, root);
    let mut walk = SharpCutter { text, items: &items, cut: ItemCutter::new(text, &[',', ';'], "//"), todo: Vec::new() };
    let namespace = child_of(root, "file_scoped_namespace_declaration");
    let head = namespace.map(|clause| one_line(text[clause.byte_range()].trim_end_matches(';'), QUOTE_BYTES / 2));
    let top = ItemPlace { context: head.unwrap_or_default(), ..ItemPlace::default() };
    walk.push_children(root, &top);
    while let Some(task) = walk.todo.pop() {
        match task {
            SharpTask::Visit(node, place) => walk.visit(node, &place),
            SharpTask::Close(end, place) => walk.cut.close(end, &place),
        }
    }
    walk.cut.close(text.len(), &top);
    Some(walk.cut.segments)
}

enum SharpTask<'t> {
    Visit(Node<'t>, ItemPlace),
    Close(usize, ItemPlace),
}

/// The walk keeps its own stack: a hostile file nests deeper than a thread's.
struct SharpCutter<'t, 'i> {
    text: &'t str,
    items: &'i [SharpItem<'t>],
    cut: ItemCutter<'t>,
    todo: Vec<SharpTask<'t>>,
}

impl<'t> SharpCutter<'t, '_> {
    fn push_children(&mut self, parent: Node<'t>, place: &ItemPlace) {
        let first = self.todo.len();
        self.todo.extend(children(parent).into_iter().map(|child| SharpTask::Visit(child, place.clone())));
        self.todo[first..].reverse();
    }

    fn visit(&mut self, node: Node<'t>, place: &ItemPlace) {
        let kind = node.kind();
        if self.cut.fits(node.end_byte()) {
            return self.emit(node, place);
        }
        if is_conditional(kind) || matches!(kind, "declaration_list" | "ERROR") {
            self.todo.push(SharpTask::Close(node.end_byte(), place.clone()));
            return self.push_children(node, place);
        }
        let body = node.child_by_field_name("body").filter(|body| body.kind() == "declaration_list");
        match body {
            Some(body) => self.class(node, body, place),
            None => self.emit(node, place),
        }
    }

    /// What has members: a type or a namespace.
    fn class(&mut self, whole: Node<'t>, body: Node<'t>, place: &ItemPlace) {
        let mut opening = self.segment(whole, place);
        let is_namespace = whole.kind() == "namespace_declaration";
        let (is_test, name) = (opening.is_test, opening.entity_name.clone());
        let end = body.child(0).map_or(body.start_byte(), |brace| brace.end_byte());
        let head = one_line(self.text[whole.start_byte()..body.start_byte()].trim(), QUOTE_BYTES);
        if is_namespace {
            opening = place.rest();
        } else {
            opening.items = vec![self.cut.itself(&opening, whole.end_byte())];
        }
        opening.is_opening = opening.doc.is_empty() && self.cut.fits(end);
        self.cut.push(opening, end);
        let class = if is_namespace { place.class.clone() } else { name };
        let inside = self.cut.inside(place, &head, class, is_test && !is_namespace);
        self.todo.push(SharpTask::Close(whole.end_byte(), inside.clone()));
        self.push_children(body, &inside);
    }

    fn emit(&mut self, node: Node<'t>, place: &ItemPlace) {
        if node.end_byte() <= self.cut.position {
            return;
        }
        let mut segment = self.segment(node, place);
        if self.cut.is_long(node.end_byte()) {
            segment.cuts = cuts(self.text, node, |kind| matches!(kind, "comment" | "attribute_list"));
        }
        let inside = self.items_within(node);
        // What is named after the first of several says which the others are.
        let rest: Vec<SegmentItem> = inside.iter().skip(1).map(|one| self.segment_item(one)).collect();
        self.cut.name_items(&mut segment, node.end_byte(), rest);
        self.cut.push(segment, node.end_byte());
    }

    fn segment_item(&self, one: &SharpItem<'t>) -> SegmentItem {
        let start = one.node.start_byte().max(self.cut.position);
        SegmentItem {
            range: start..one.node.end_byte().max(start),
            entity_type: entity_type(one),
            entity_name: one_line(&one.name, QUOTE_BYTES),
        }
    }

    /// What a node declares, the parts of a declaration of several fields apart.
    fn items_within(&self, node: Node<'t>) -> Vec<&SharpItem<'t>> {
        let first = self.items.partition_point(|item| item.node.start_byte() < node.start_byte());
        let inside = self.items.get(first..).unwrap_or_default().iter();
        inside.take_while(|item| item.node.start_byte() < node.end_byte()).collect()
    }

    fn segment(&self, node: Node<'t>, place: &ItemPlace) -> Segment {
        let is_import =
            matches!(node.kind(), "using_directive" | "file_scoped_namespace_declaration" | "extern_alias_directive");
        let Some(first) = self.items_within(node).first().copied() else {
            let entity_type = if is_import { "module" } else { "text" };
            let context = if is_import { String::new() } else { place.context.clone() };
            let (family, is_test) = (place.family_of(entity_type), place.is_test);
            return Segment { entity_type, context, family, is_test, ..Segment::default() };
        };
        let entity_type = entity_type(first);
        let is_named = !matches!(entity_type, "const");
        let body = ["body", "accessors"].into_iter().find_map(|field| first.node.child_by_field_name(field));
        let head = body.map_or(first.node.end_byte(), |body| body.start_byte());
        let head = one_line(self.text[first.node.start_byte()..head].trim_end().trim_end_matches(';'), QUOTE_BYTES);
        let doc = docs::comment_before(self.text, first.node.start_byte()).filter(|_| is_named);
        Segment {
            entity_type,
            entity_name: one_line(&first.name, QUOTE_BYTES / 2),
            context: place.context.clone(),
            signature: if is_named { head } else { String::new() },
            doc: doc.map(|(_, comment)| first_line(&docs::words(comment))).unwrap_or_default(),
            family: place.family_of(entity_type),
            is_test: place.is_test || first.is_test,
            ..Segment::default()
        }
    }
}

fn entity_type(item: &SharpItem<'_>) -> &'static str {
    match item.kind {
        SharpKind::Method if item.is_test => "test",
        SharpKind::Class | SharpKind::Record => "class",
        SharpKind::Struct => "struct",
        SharpKind::Interface => "trait",
        SharpKind::Enum => "enum",
        SharpKind::Delegate => "type",
        SharpKind::Method | SharpKind::Constructor | SharpKind::Operator | SharpKind::Indexer => "method",
        SharpKind::Property | SharpKind::Field | SharpKind::Constant | SharpKind::Event | SharpKind::EnumMember => {
            "const"
        }
    }
}
