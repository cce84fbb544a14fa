//! Python as segments: one for each function, class and statement of a module, methods apart from their class, comments and decorators
//! with what they belong to.

use tree_sitter::Node;

use super::walk::{docstring, documentation, is_compound};
use crate::language::Parsed;
use crate::language::cutter::{ItemCutter, ItemPlace, QUOTE_BYTES, first_line};
use crate::language::segment::{Segment, SegmentItem, cuts, one_line};

/// Segments of a Python file, in order; nothing if there is no tree.
pub(super) fn segments(parsed: &Parsed<'_>) -> Option<Vec<Segment>> {
    let (text, root) = (parsed.text, parsed.tree().ok()?.root_node());
    let mut walk = PythonCutter { text, cut: ItemCutter::new(text, &[], "#"), todo: Vec::new() };
    if let Some(end) = docstring(root).and_then(|string| string.parent()).map(|node| node.end_byte()) {
        walk.cut.push(Segment { entity_type: "module", family: 1, ..Segment::default() }, end);
    }
    walk.push_children(root, &ItemPlace::default());
    while let Some(task) = walk.todo.pop() {
        match task {
            ClassTask::Visit(node, place) => walk.visit(node, &place),
            ClassTask::Close(end, place) => walk.cut.close(end, &place),
        }
    }
    walk.cut.close(text.len(), &ItemPlace::default());
    Some(walk.cut.segments)
}

enum ClassTask<'t> {
    Visit(Node<'t>, ItemPlace),
    Close(usize, ItemPlace),
}

/// The walk keeps its own stack: a hostile file nests deeper than a thread's.
struct PythonCutter<'t> {
    text: &'t str,
    cut: ItemCutter<'t>,
    todo: Vec<ClassTask<'t>>,
}

impl<'t> PythonCutter<'t> {
    fn push_children(&mut self, parent: Node<'t>, place: &ItemPlace) {
        let first = self.todo.len();
        let mut cursor = parent.walk();
        self.todo.extend(parent.named_children(&mut cursor).map(|child| ClassTask::Visit(child, place.clone())));
        self.todo[first..].reverse();
    }

    fn visit(&mut self, node: Node<'t>, place: &ItemPlace) {
        let definition = node.child_by_field_name("definition").filter(|_| node.kind() == "decorated_definition");
        let inner = definition.unwrap_or(node);
        match inner.kind() {
            "comment" => {}
            "class_definition" if !self.cut.fits(node.end_byte()) => self.class(inner, node, place),
            kind if is_compound(kind) && !self.cut.fits(node.end_byte()) => {
                self.todo.push(ClassTask::Close(node.end_byte(), place.clone()));
                self.push_children(node, place);
            }
            _ => self.emit(inner, node, place),
        }
    }

    fn class(&mut self, class: Node<'t>, whole: Node<'t>, place: &ItemPlace) {
        let Some(body) = class.child_by_field_name("body") else { return self.emit(class, whole, place) };
        let documented = docstring(body).and_then(|string| string.parent());
        let mut opening = self.segment(class, place);
        let (is_test, name) = (opening.is_test, opening.entity_name.clone());
        let end = documented.map_or_else(|| self.head_end(class, body), |statement| statement.end_byte());
        opening.is_opening = documented.is_none() && self.cut.fits(end);
        opening.items = vec![self.cut.itself(&opening, whole.end_byte())];
        let head = opening.signature.clone();
        self.cut.push(opening, end);

        let inside = self.cut.inside(place, &head, name, is_test);
        self.todo.push(ClassTask::Close(whole.end_byte(), inside.clone()));
        self.push_children(body, &inside);
    }

    /// Behind the colon of a class.
    fn head_end(&self, class: Node<'_>, body: Node<'_>) -> usize {
        let mut cursor = class.walk();
        let colon = class.children(&mut cursor).find(|child| child.kind() == ":");
        colon.map_or(body.start_byte(), |colon| colon.end_byte())
    }

    fn emit(&mut self, node: Node<'t>, whole: Node<'t>, place: &ItemPlace) {
        let end = whole.end_byte();
        if end > self.cut.position {
            let mut segment = self.segment(node, place);
            if self.cut.is_long(end) {
                segment.cuts = cuts(self.text, whole, |kind| matches!(kind, "comment" | "decorator"));
            }
            self.cut.name_items(&mut segment, end, self.items_within(node, place));
            self.cut.push(segment, end);
        }
    }

    /// The functions, classes and constants of a short class, and the functions and classes of a function's body.
    fn items_within(&self, node: Node<'t>, place: &ItemPlace) -> Vec<SegmentItem> {
        let mut found = Vec::new();
        let mut open = vec![(node, place.clone())];
        while let Some((node, place)) = open.pop() {
            let is_class = node.kind() == "class_definition";
            let holds = is_class || node.kind() == "function_definition";
            let Some(body) = node.child_by_field_name("body").filter(|_| holds) else { continue };
            let class = if is_class { self.segment(node, &place).entity_name } else { String::new() };
            let inside = ItemPlace { class, ..ItemPlace::default() };
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
        found
    }

    fn segment(&self, node: Node<'t>, place: &ItemPlace) -> Segment {
        let name = |node: Node<'t>| one_line(&self.text[node.byte_range()], QUOTE_BYTES / 2);
        let own = node.child_by_field_name("name").map(name).unwrap_or_default();
        let full = place.full_name(&own);
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
        Segment {
            entity_type,
            entity_name,
            context: place.context.clone(),
            signature: if is_named { signature } else { String::new() },
            doc: doc.map(|doc| first_line(&doc)).unwrap_or_default(),
            family: place.family_of(entity_type),
            is_test: place.is_test || is_test,
            ..Segment::default()
        }
    }
}

/// What a statement assigns to, if it is one name or attribute.
fn assigned(statement: Node<'_>) -> Option<Node<'_>> {
    let assignment = statement.named_child(0).filter(|node| node.kind() == "assignment")?;
    let left = assignment.child_by_field_name("left")?;
    matches!(left.kind(), "identifier" | "attribute").then_some(left)
}
