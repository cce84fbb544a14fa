//! Java as segments: one for each member, short types whole, comments with what they belong to. What stands around a member (package,
//! class) and its signature with annotations are shown again above each piece of it.

use tree_sitter::Node;

use super::javadoc;
use super::walk::{JavaKind, annotations};
use crate::language::Parsed;
use crate::language::cutter::{ItemCutter, ItemPlace, QUOTE_BYTES};
use crate::language::segment::{Segment, SegmentItem, cuts, one_line};

/// Segments of a Java file, in order; nothing if there is no tree.
pub(super) fn segments(parsed: &Parsed<'_>) -> Option<Vec<Segment>> {
    let (text, root) = (parsed.text, parsed.tree().ok()?.root_node());
    let mut walk = JavaCutter { text, cut: ItemCutter::new(text, &[',', ';'], "//"), todo: Vec::new() };
    let mut cursor = root.walk();
    let package = root.named_children(&mut cursor).find(|child| child.kind() == "package_declaration");
    let package = package.map(|clause| one_line(text[clause.byte_range()].trim_end_matches(';'), QUOTE_BYTES / 2));
    let top = ItemPlace { context: package.unwrap_or_default(), ..ItemPlace::default() };
    walk.push_children(root, &top);
    while let Some(task) = walk.todo.pop() {
        match task {
            JavaTask::Visit(node, doc, place) => walk.visit(node, doc, &place),
            JavaTask::Close(end, place) => walk.cut.close(end, &place),
        }
    }
    walk.cut.close(text.len(), &top);
    Some(walk.cut.segments)
}

enum JavaTask<'t> {
    /// With its documentation comment.
    Visit(Node<'t>, Option<Node<'t>>, ItemPlace),
    Close(usize, ItemPlace),
}

/// The walk keeps its own stack: a hostile file nests deeper than a thread's.
struct JavaCutter<'t> {
    text: &'t str,
    cut: ItemCutter<'t>,
    todo: Vec<JavaTask<'t>>,
}

impl<'t> JavaCutter<'t> {
    fn push_children(&mut self, parent: Node<'t>, place: &ItemPlace) {
        let first = self.todo.len();
        let children = javadoc::documented(self.text, parent).into_iter();
        self.todo.extend(children.map(|(child, doc)| JavaTask::Visit(child, doc, place.clone())));
        self.todo[first..].reverse();
    }

    fn visit(&mut self, node: Node<'t>, doc: Option<Node<'t>>, place: &ItemPlace) {
        match node.kind() {
            "line_comment" | "block_comment" => {}
            kind if JavaKind::of_type(kind).is_some() && !self.cut.fits(node.end_byte()) => {
                self.class(node, doc, place)
            }
            "enum_body_declarations" | "ERROR" if !self.cut.fits(node.end_byte()) => {
                self.todo.push(JavaTask::Close(node.end_byte(), place.clone()));
                self.push_children(node, place);
            }
            _ => self.emit(node, doc, place),
        }
    }

    fn class(&mut self, class: Node<'t>, doc: Option<Node<'t>>, place: &ItemPlace) {
        let Some(body) = class.child_by_field_name("body") else { return self.emit(class, doc, place) };
        let mut opening = self.segment(class, doc, place);
        let (is_test, name) = (opening.is_test, opening.entity_name.clone());
        let end = self.head_end(body);
        opening.is_opening = opening.doc.is_empty() && self.cut.fits(end);
        opening.items = vec![self.cut.itself(&opening, class.end_byte())];
        let head = opening.signature.clone();
        self.cut.push(opening, end);

        let inside = self.cut.inside(place, &head, name, is_test);
        self.todo.push(JavaTask::Close(class.end_byte(), inside.clone()));
        self.push_children(body, &inside);
    }

    /// Behind the brace that opens a body; of an enum, behind its constants.
    fn head_end(&self, body: Node<'_>) -> usize {
        let mut cursor = body.walk();
        let constants = body.named_children(&mut cursor).filter(|child| child.kind() == "enum_constant");
        let last = constants.last().map(|constant| constant.end_byte());
        last.unwrap_or_else(|| body.child(0).map_or(body.start_byte(), |brace| brace.end_byte()))
    }

    fn emit(&mut self, node: Node<'t>, doc: Option<Node<'t>>, place: &ItemPlace) {
        if node.end_byte() <= self.cut.position {
            return;
        }
        let mut segment = self.segment(node, doc, place);
        if self.cut.is_long(node.end_byte()) {
            segment.cuts = cuts(self.text, node, |kind| kind.ends_with("comment") || kind == "modifiers");
        }
        self.cut.name_items(&mut segment, node.end_byte(), self.items_within(node, place));
        self.cut.push(segment, node.end_byte());
    }

    /// The members of a short type, those of types inside it included.
    fn items_within(&self, node: Node<'t>, place: &ItemPlace) -> Vec<SegmentItem> {
        let mut found = Vec::new();
        let mut open = vec![(node, place.clone())];
        while let Some((node, place)) = open.pop() {
            let holds = JavaKind::of_type(node.kind()).is_some() || node.kind() == "enum_body_declarations";
            let is_list = node.kind() == "enum_body_declarations";
            let body = if is_list { Some(node) } else { node.child_by_field_name("body") };
            let Some(body) = body.filter(|_| holds) else { continue };
            let class = if is_list { place.class.clone() } else { self.segment(node, None, &place).entity_name };
            let inside = ItemPlace { class, ..ItemPlace::default() };
            let (mut cursor, mut from) = (body.walk(), body.start_byte());
            for child in body.named_children(&mut cursor).filter(|child| !child.kind().ends_with("_comment")) {
                let Segment { entity_type, entity_name, .. } = self.segment(child, None, &inside);
                if entity_type != "text" && !entity_name.is_empty() {
                    found.push(SegmentItem { range: from..child.end_byte(), entity_type, entity_name });
                }
                if JavaKind::of_type(child.kind()).is_some() || child.kind() == "enum_body_declarations" {
                    open.push((child, inside.clone()));
                }
                from = child.end_byte();
            }
        }
        found
    }

    fn segment(&self, node: Node<'t>, doc: Option<Node<'t>>, place: &ItemPlace) -> Segment {
        let mut cursor = node.walk();
        let declarator = node.named_children(&mut cursor).find(|child| child.kind() == "variable_declarator");
        let name = node.child_by_field_name("name").or(declarator.and_then(|one| one.child_by_field_name("name")));
        let own = name.map(|name| one_line(&self.text[name.byte_range()], QUOTE_BYTES / 2)).unwrap_or_default();
        let full = place.full_name(&own);
        let is_test = place.is_test || annotations(self.text, node).any(|name| name.ends_with("Test"));
        let (entity_type, entity_name) = match node.kind() {
            "method_declaration" if annotations(self.text, node).any(|name| name.ends_with("Test")) => ("test", full),
            "method_declaration" | "annotation_type_element_declaration" => ("method", full),
            "constructor_declaration" | "compact_constructor_declaration" => ("method", format!("{}.new", place.class)),
            "class_declaration" | "record_declaration" => ("class", full),
            "enum_declaration" => ("enum", full),
            "interface_declaration" | "annotation_type_declaration" => ("class", full),
            "field_declaration" | "constant_declaration" | "enum_constant" => ("const", full),
            "import_declaration" | "package_declaration" | "module_declaration" => ("module", String::new()),
            _ => ("text", String::new()),
        };
        let is_named = matches!(entity_type, "method" | "test" | "class" | "enum");
        let body = node.child_by_field_name("body");
        let head = body.map_or(node.end_byte(), |body| body.start_byte());
        let signature = one_line(self.text[node.start_byte()..head].trim_end().trim_end_matches(';'), QUOTE_BYTES);
        let doc = doc.filter(|_| is_named);
        let doc = doc.map(|comment| one_line(&javadoc::first_line(self.text, comment), QUOTE_BYTES));
        Segment {
            entity_type,
            entity_name,
            context: if entity_type == "module" { String::new() } else { place.context.clone() },
            signature: if is_named { signature } else { String::new() },
            doc: doc.unwrap_or_default(),
            family: place.family_of(entity_type),
            is_test: is_test || entity_type == "test",
            ..Segment::default()
        }
    }
}
