//! Python as segments: one for each function, class and statement of a module, methods apart from their class, comments and decorators
//! with what they belong to.

use tree_sitter::Node;

use super::walk::{docstring, documentation, is_compound};
use crate::language::Parsed;
use crate::language::segment::{Segment, SegmentItem, cuts, nested, one_line};
use crate::language::window::{BODY_TOKENS, is_within};

/// A class or a compound statement of at most so many tokens is one segment.
const WHOLE_TOKENS: usize = 96;

/// Bytes of a header's line that quotes the source.
const QUOTE_BYTES: usize = 160;

/// Segments of a Python file, in order; nothing if there is no tree.
pub(super) fn segments(parsed: &Parsed<'_>) -> Option<Vec<Segment>> {
    let (text, root) = (parsed.text, parsed.tree().ok()?.root_node());
    let mut walk = PythonCutter { text, position: 0, families: 1, segments: Vec::new(), todo: Vec::new() };
    if let Some(end) = docstring(root).and_then(|string| string.parent()).map(|node| node.end_byte()) {
        walk.push(Segment { entity_type: "module", family: 1, ..Segment::default() }, end);
    }
    walk.push_children(root, &ClassNesting::default());
    while let Some(task) = walk.todo.pop() {
        match task {
            ClassTask::Visit(node, place) => walk.visit(node, &place),
            ClassTask::Close(end, place) => walk.close(end, &place),
        }
    }
    walk.close(text.len(), &ClassNesting::default());
    Some(walk.segments)
}

/// Where in the file's nesting a node stands.
#[derive(Clone, Default)]
struct ClassNesting {
    /// `class Store(Base)`
    context: String,
    /// The class whose methods stand here.
    class: String,
    is_test: bool,
    family: usize,
}

enum ClassTask<'t> {
    Visit(Node<'t>, ClassNesting),
    Close(usize, ClassNesting),
}

/// The walk keeps its own stack: a hostile file nests deeper than a thread's.
struct PythonCutter<'t> {
    text: &'t str,
    /// Everything before it is in a segment.
    position: usize,
    families: usize,
    segments: Vec<Segment>,
    todo: Vec<ClassTask<'t>>,
}

impl<'t> PythonCutter<'t> {
    fn push_children(&mut self, parent: Node<'t>, place: &ClassNesting) {
        let first = self.todo.len();
        let mut cursor = parent.walk();
        self.todo.extend(parent.named_children(&mut cursor).map(|child| ClassTask::Visit(child, place.clone())));
        self.todo[first..].reverse();
    }

    fn visit(&mut self, node: Node<'t>, place: &ClassNesting) {
        let definition = node.child_by_field_name("definition").filter(|_| node.kind() == "decorated_definition");
        let inner = definition.unwrap_or(node);
        match inner.kind() {
            "comment" => {}
            "class_definition" if !self.fits(node) => self.class(inner, node, place),
            kind if is_compound(kind) && !self.fits(node) => {
                self.todo.push(ClassTask::Close(node.end_byte(), place.clone()));
                self.push_children(node, place);
            }
            _ => self.emit(inner, node, place),
        }
    }

    fn class(&mut self, class: Node<'t>, whole: Node<'t>, place: &ClassNesting) {
        let Some(body) = class.child_by_field_name("body") else { return self.emit(class, whole, place) };
        let documented = docstring(body).and_then(|string| string.parent());
        let mut opening = self.segment(class, place);
        let (is_test, name) = (opening.is_test, opening.entity_name.clone());
        let end = documented.map_or_else(|| self.head_end(class, body), |statement| statement.end_byte());
        opening.is_opening = documented.is_none() && is_within(&self.text[self.position.min(end)..end], WHOLE_TOKENS);
        opening.cuts.clear();
        let range = self.position..whole.end_byte();
        opening.items = vec![SegmentItem { range, entity_type: opening.entity_type, entity_name: name.clone() }];
        let head = opening.signature.clone();
        self.push(opening, end);

        self.families += 1;
        let inside =
            ClassNesting { context: nested(&place.context, &head), class: name, is_test, family: self.families };
        self.todo.push(ClassTask::Close(whole.end_byte(), inside.clone()));
        self.push_children(body, &inside);
    }

    /// Behind the colon of a class.
    fn head_end(&self, class: Node<'_>, body: Node<'_>) -> usize {
        let mut cursor = class.walk();
        let colon = class.children(&mut cursor).find(|child| child.kind() == ":");
        colon.map_or(body.start_byte(), |colon| colon.end_byte())
    }

    /// True if what is not yet in a segment, up to the node's end, is short.
    fn fits(&self, node: Node<'_>) -> bool {
        is_within(&self.text[self.position.min(node.end_byte())..node.end_byte()], WHOLE_TOKENS)
    }

    fn emit(&mut self, node: Node<'t>, whole: Node<'t>, place: &ClassNesting) {
        if whole.end_byte() > self.position {
            let mut segment = self.segment(node, place);
            let end = self.line_end(whole.end_byte());
            if !is_within(&self.text[self.position..end.max(self.position)], BODY_TOKENS) {
                segment.cuts = cuts(self.text, whole, |kind| matches!(kind, "comment" | "decorator"));
            }
            let inside = self.items_within(node, place);
            if !inside.is_empty() {
                let (entity_type, entity_name) = (segment.entity_type, segment.entity_name.clone());
                let itself = SegmentItem { range: self.position..whole.end_byte(), entity_type, entity_name };
                segment.items = std::iter::once(itself).chain(inside).collect();
            }
            self.push(segment, whole.end_byte());
        }
    }

    /// The functions, classes and constants of a short class, and the functions and classes of a function's body, in the order of the text.
    fn items_within(&self, node: Node<'t>, place: &ClassNesting) -> Vec<SegmentItem> {
        let mut found = Vec::new();
        let mut open = vec![(node, place.clone())];
        while let Some((node, place)) = open.pop() {
            let is_class = node.kind() == "class_definition";
            let holds = is_class || node.kind() == "function_definition";
            let Some(body) = node.child_by_field_name("body").filter(|_| holds) else { continue };
            let class = if is_class { self.segment(node, &place).entity_name } else { String::new() };
            let inside = ClassNesting { class, ..ClassNesting::default() };
            let (mut cursor, mut from) = (body.walk(), body.start_byte());
            for child in body.named_children(&mut cursor).filter(|child| child.kind() != "comment") {
                let definition =
                    child.child_by_field_name("definition").filter(|_| child.kind() == "decorated_definition");
                let Segment { entity_type, entity_name, .. } = self.segment(definition.unwrap_or(child), &inside);
                let is_item =
                    if is_class { entity_type != "text" } else { matches!(entity_type, "function" | "class") };
                if is_item && !entity_name.is_empty() {
                    found.push(SegmentItem { range: from..child.end_byte(), entity_type, entity_name });
                    open.push((definition.unwrap_or(child), inside.clone()));
                }
                from = child.end_byte();
            }
        }
        found.sort_by_key(|item| (item.range.start, std::cmp::Reverse(item.range.end)));
        found
    }

    fn segment(&self, node: Node<'t>, place: &ClassNesting) -> Segment {
        let name = |node: Node<'t>| one_line(&self.text[node.byte_range()], QUOTE_BYTES / 2);
        let own = node.child_by_field_name("name").map(name).unwrap_or_default();
        let full = if place.class.is_empty() { own.clone() } else { format!("{}.{own}", place.class) };
        let body = node.child_by_field_name("body");
        let (entity_type, entity_name) = match node.kind() {
            "function_definition" if own == "test" || own.starts_with("test_") => ("test", full),
            "function_definition" if place.class.is_empty() => ("function", full),
            "function_definition" => ("method", full),
            "class_definition" => ("class", full),
            "import_statement" | "import_from_statement" | "future_import_statement" => ("module", String::new()),
            "type_alias_statement" => ("type", node.named_child(0).map(name).unwrap_or_default()),
            "expression_statement" => match assigned(node) {
                Some(left) => ("const", name(left)),
                None => ("text", String::new()),
            },
            _ => ("text", String::new()),
        };
        let is_test = entity_type == "test" || (entity_type == "class" && own.starts_with("Test"));
        let is_named = matches!(entity_type, "function" | "method" | "test" | "class");
        let head = body.map_or(node.end_byte(), |body| self.head_end(node, body));
        let signature = one_line(self.text[node.start_byte()..head].trim_end_matches(':'), QUOTE_BYTES);
        let doc = body.filter(|_| is_named).and_then(docstring).map(|string| documentation(self.text, string));
        let doc = doc.and_then(|doc| doc.lines().find(|line| !line.is_empty()).map(|line| one_line(line, QUOTE_BYTES)));
        Segment {
            entity_type,
            entity_name,
            context: place.context.clone(),
            signature: if is_named { signature } else { String::new() },
            doc: doc.unwrap_or_default(),
            family: 2 * place.family + usize::from(entity_type == "module"),
            is_test: place.is_test || is_test,
            ..Segment::default()
        }
    }

    /// The end of a class, of a statement, or of the file: comments join what is before them only if they say nothing.
    fn close(&mut self, end: usize, place: &ClassNesting) {
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

    /// The end of the line, if nothing but white space or a comment stands between; else the place itself.
    fn line_end(&self, end: usize) -> usize {
        let rest = self.text[end..].trim_start_matches([' ', '\t', '\r']);
        let content = self.text.len() - rest.len();
        match rest.as_bytes() {
            [] => content,
            [b'\n', ..] => content + 1,
            [b'#', ..] => rest.find('\n').map_or(self.text.len(), |newline| content + newline + 1),
            _ => end,
        }
    }
}

/// What a statement assigns to, if it is one name or attribute.
fn assigned(statement: Node<'_>) -> Option<Node<'_>> {
    let assignment = statement.named_child(0).filter(|node| node.kind() == "assignment")?;
    let left = assignment.child_by_field_name("left")?;
    matches!(left.kind(), "identifier" | "attribute").then_some(left)
}
