//! Java as segments: one for each member, short types whole, comments with what they belong to. What stands around a member (package,
//! class) and its signature with annotations are shown again above each piece of it.

use tree_sitter::Node;

use super::javadoc;
use super::walk::{JavaKind, annotations};
use crate::language::Parsed;
use crate::language::segment::{Segment, SegmentItem, cuts, nested, one_line};
use crate::language::window::{BODY_TOKENS, is_within};

/// A type of at most so many tokens is one segment.
const WHOLE_TOKENS: usize = 96;

/// Bytes of a header's line that quotes the source.
const QUOTE_BYTES: usize = 160;

/// Segments of a Java file, in order; nothing if there is no tree.
pub(super) fn segments(parsed: &Parsed<'_>) -> Option<Vec<Segment>> {
    let (text, root) = (parsed.text, parsed.tree().ok()?.root_node());
    let mut walk = JavaCutter { text, position: 0, families: 1, segments: Vec::new(), todo: Vec::new() };
    let mut cursor = root.walk();
    let package = root.named_children(&mut cursor).find(|child| child.kind() == "package_declaration");
    let package = package.map(|clause| one_line(text[clause.byte_range()].trim_end_matches(';'), QUOTE_BYTES / 2));
    let top = JavaNesting { context: package.unwrap_or_default(), ..JavaNesting::default() };
    walk.push_children(root, &top);
    while let Some(task) = walk.todo.pop() {
        match task {
            JavaTask::Visit(node, doc, place) => walk.visit(node, doc, &place),
            JavaTask::Close(end, place) => walk.close(end, &place),
        }
    }
    walk.close(text.len(), &top);
    Some(walk.segments)
}

/// Where in the file's nesting a node stands.
#[derive(Clone, Default)]
struct JavaNesting {
    /// `package shop > public class Store extends Base`
    context: String,
    /// The type whose members stand here: `Store.Entry`.
    class: String,
    is_test: bool,
    family: usize,
}

enum JavaTask<'t> {
    /// With its documentation comment.
    Visit(Node<'t>, Option<Node<'t>>, JavaNesting),
    Close(usize, JavaNesting),
}

/// The walk keeps its own stack: a hostile file nests deeper than a thread's.
struct JavaCutter<'t> {
    text: &'t str,
    /// Everything before it is in a segment.
    position: usize,
    families: usize,
    segments: Vec<Segment>,
    todo: Vec<JavaTask<'t>>,
}

impl<'t> JavaCutter<'t> {
    fn push_children(&mut self, parent: Node<'t>, place: &JavaNesting) {
        let first = self.todo.len();
        let children = javadoc::documented(self.text, parent).into_iter();
        self.todo.extend(children.map(|(child, doc)| JavaTask::Visit(child, doc, place.clone())));
        self.todo[first..].reverse();
    }

    fn visit(&mut self, node: Node<'t>, doc: Option<Node<'t>>, place: &JavaNesting) {
        match node.kind() {
            "line_comment" | "block_comment" => {}
            kind if JavaKind::of_type(kind).is_some() && !self.fits(node) => self.class(node, doc, place),
            "enum_body_declarations" | "ERROR" if !self.fits(node) => {
                self.todo.push(JavaTask::Close(node.end_byte(), place.clone()));
                self.push_children(node, place);
            }
            _ => self.emit(node, doc, place),
        }
    }

    fn class(&mut self, class: Node<'t>, doc: Option<Node<'t>>, place: &JavaNesting) {
        let Some(body) = class.child_by_field_name("body") else { return self.emit(class, doc, place) };
        let mut opening = self.segment(class, doc, place);
        let (is_test, name) = (opening.is_test, opening.entity_name.clone());
        let end = self.head_end(body);
        let from = self.position.min(end);
        opening.is_opening = opening.doc.is_empty() && is_within(&self.text[from..end], WHOLE_TOKENS);
        let range = self.position..class.end_byte();
        opening.items = vec![SegmentItem { range, entity_type: opening.entity_type, entity_name: name.clone() }];
        let head = opening.signature.clone();
        self.push(opening, end);

        self.families += 1;
        let inside =
            JavaNesting { context: nested(&place.context, &head), class: name, is_test, family: self.families };
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

    /// True if what is not yet in a segment, up to the node's end, is short.
    fn fits(&self, node: Node<'_>) -> bool {
        is_within(&self.text[self.position.min(node.end_byte())..node.end_byte()], WHOLE_TOKENS)
    }

    fn emit(&mut self, node: Node<'t>, doc: Option<Node<'t>>, place: &JavaNesting) {
        if node.end_byte() <= self.position {
            return;
        }
        let mut segment = self.segment(node, doc, place);
        let end = self.line_end(node.end_byte());
        if !is_within(&self.text[self.position..end.max(self.position)], BODY_TOKENS) {
            segment.cuts = cuts(self.text, node, |kind| kind.ends_with("comment") || kind == "modifiers");
        }
        let inside = self.items_within(node, place);
        if !inside.is_empty() {
            let (entity_type, entity_name) = (segment.entity_type, segment.entity_name.clone());
            let itself = SegmentItem { range: self.position..node.end_byte(), entity_type, entity_name };
            segment.items = std::iter::once(itself).chain(inside).collect();
        }
        self.push(segment, node.end_byte());
    }

    /// The members of a short type, those of types inside it included, in the order of the text.
    fn items_within(&self, node: Node<'t>, place: &JavaNesting) -> Vec<SegmentItem> {
        let mut found = Vec::new();
        let mut open = vec![(node, place.clone())];
        while let Some((node, place)) = open.pop() {
            let holds = JavaKind::of_type(node.kind()).is_some() || node.kind() == "enum_body_declarations";
            let is_list = node.kind() == "enum_body_declarations";
            let body = if is_list { Some(node) } else { node.child_by_field_name("body") };
            let Some(body) = body.filter(|_| holds) else { continue };
            let class = if is_list { place.class.clone() } else { self.segment(node, None, &place).entity_name };
            let inside = JavaNesting { class, ..JavaNesting::default() };
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
        found.sort_by_key(|item| (item.range.start, std::cmp::Reverse(item.range.end)));
        found
    }

    fn segment(&self, node: Node<'t>, doc: Option<Node<'t>>, place: &JavaNesting) -> Segment {
        let mut cursor = node.walk();
        let declarator = node.named_children(&mut cursor).find(|child| child.kind() == "variable_declarator");
        let name = node.child_by_field_name("name").or(declarator.and_then(|one| one.child_by_field_name("name")));
        let own = name.map(|name| one_line(&self.text[name.byte_range()], QUOTE_BYTES / 2)).unwrap_or_default();
        let full = if place.class.is_empty() { own.clone() } else { format!("{}.{own}", place.class) };
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
            family: 2 * place.family + usize::from(entity_type == "module"),
            is_test: is_test || entity_type == "test",
            ..Segment::default()
        }
    }

    /// The end of a type or of the file: comments join what is before them only if they say nothing.
    fn close(&mut self, end: usize, place: &JavaNesting) {
        let end = self.line_end(end);
        if end <= self.position {
            return;
        }
        let rest = &self.text[self.position..end];
        match self.segments.last_mut() {
            Some(last) if !last.is_opening && !rest.chars().any(char::is_alphanumeric) => {
                last.range.end = end;
                self.position = end;
            }
            _ => {
                let (context, family, is_test) = (place.context.clone(), 2 * place.family, place.is_test);
                let rest = Segment { entity_type: "text", context, family, is_test, ..Segment::default() };
                self.push(rest, end);
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
        let rest = self.text[end..].trim_start_matches([' ', '\t', '\r', ',', ';']);
        let content = self.text.len() - rest.len();
        match rest.as_bytes() {
            [] => content,
            [b'\n', ..] => content + 1,
            [b'/', b'/', ..] => rest.find('\n').map_or(self.text.len(), |newline| content + newline + 1),
            _ => end,
        }
    }
}
