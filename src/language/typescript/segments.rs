//! A script as segments: one for each function, class, type and statement of a module, methods apart from their class, tests apart from
//! their suite, comments and decorators with what they belong to.

use std::collections::HashMap;

use tree_sitter::Node;

use super::outline::{doc_comment, documentation};
use super::signature::signature;
use super::source::Script;
use super::walk::{self, Declared, DeclaredKind, children};
use crate::language::Parsed;
use crate::language::cutter::{ItemCutter, ItemPlace, QUOTE_BYTES, first_line};
use crate::language::segment::{Segment, cuts, one_line};

/// Segments of a script, in order; nothing if there is no tree.
pub(super) fn segments(parsed: &Parsed<'_>) -> Option<Vec<Segment>> {
    let script = Script::read(parsed).ok()?;
    let declared = walk::declared(&script);
    let mut by_node: HashMap<usize, &Declared<'_>> = HashMap::new();
    for one in declared.iter().filter(|one| one.kind != DeclaredKind::Anonymous) {
        by_node.entry(one.node.id()).or_insert(one);
        by_node.entry(one.whole.id()).or_insert(one);
    }
    let mut cutter = ScriptCutter {
        text: parsed.text,
        declared: by_node,
        cut: ItemCutter::new(parsed.text, &[';', ','], "//"),
        todo: Vec::new(),
    };
    let place = ItemPlace::default();
    let statements = script.statements();
    cutter.todo.extend(statements.into_iter().rev().map(|node| CutTask::Visit(node, place.clone())));
    while let Some(task) = cutter.todo.pop() {
        match task {
            CutTask::Visit(node, place) => cutter.visit(node, &place),
            CutTask::Close(end, place) => cutter.cut.close(end, &place),
        }
    }
    cutter.cut.close(parsed.text.len(), &ItemPlace::default());
    Some(cutter.cut.segments)
}

enum CutTask<'t> {
    Visit(Node<'t>, ItemPlace),
    Close(usize, ItemPlace),
}

/// The walk keeps its own stack: a hostile file nests deeper than a thread's.
struct ScriptCutter<'d, 't> {
    text: &'t str,
    declared: HashMap<usize, &'d Declared<'t>>,
    cut: ItemCutter<'t>,
    todo: Vec<CutTask<'t>>,
}

impl<'t> ScriptCutter<'_, 't> {
    fn visit(&mut self, node: Node<'t>, place: &ItemPlace) {
        if node.kind() == "comment" || node.kind() == "decorator" || node.end_byte() <= self.cut.position {
            return;
        }
        match body_of(self.text, node) {
            Some(body) if !self.cut.fits(node.end_byte()) => self.open(node, body, place),
            _ => self.emit(node, place),
        }
    }

    /// A class, namespace or suite that is cut along what it contains.
    fn open(&mut self, node: Node<'t>, body: Node<'t>, place: &ItemPlace) {
        let mut opening = self.segment(node, place);
        let end = body.child(0).map_or(body.start_byte(), |brace| brace.end_byte());
        opening.is_opening = self.cut.fits(end);
        let (is_test, head) = (opening.is_test, opening.signature.clone());
        self.cut.push(opening, end);

        let inside = self.cut.inside(place, &head, String::new(), is_test);
        self.todo.push(CutTask::Close(node.end_byte(), inside.clone()));
        let first = self.todo.len();
        self.todo.extend(children(body).map(|child| CutTask::Visit(child, inside.clone())));
        self.todo[first..].reverse();
    }

    fn emit(&mut self, node: Node<'t>, place: &ItemPlace) {
        let mut segment = self.segment(node, place);
        if self.cut.is_long(node.end_byte()) {
            segment.cuts = cuts(self.text, node, |kind| matches!(kind, "comment" | "decorator"));
        }
        self.cut.push(segment, node.end_byte());
    }

    fn declared(&self, node: Node<'t>) -> Option<&Declared<'t>> {
        if let Some(found) = self.declared.get(&node.id()) {
            return Some(found);
        }
        let inner = match node.kind() {
            "export_statement" => node.child_by_field_name("declaration").or_else(|| node.child_by_field_name("value")),
            _ => node.named_child(0),
        };
        inner.and_then(|inner| self.declared.get(&inner.id())).copied()
    }

    fn segment(&self, node: Node<'t>, place: &ItemPlace) -> Segment {
        let declared = self.declared(node);
        let is_test = declared.is_some_and(|one| one.kind == DeclaredKind::Test || one.is_test);
        let entity_type = match declared.map(|one| one.kind) {
            Some(DeclaredKind::Class) => "class",
            Some(DeclaredKind::Interface | DeclaredKind::Alias) => "type",
            Some(DeclaredKind::Enum) => "enum",
            Some(DeclaredKind::Namespace) => "module",
            Some(DeclaredKind::Function) => "function",
            Some(DeclaredKind::Method) => "method",
            Some(DeclaredKind::Test) => "test",
            Some(DeclaredKind::Constant | DeclaredKind::Variable | DeclaredKind::Field) => "const",
            _ if matches!(node.kind(), "import_statement" | "export_statement") => "module",
            _ => "text",
        };
        let is_named = matches!(entity_type, "function" | "method" | "class" | "test");
        let signature = match declared.filter(|_| is_named) {
            Some(one) if one.kind == DeclaredKind::Test => one_line(&one.name, QUOTE_BYTES),
            Some(one) => one_line(&signature(self.text, one), QUOTE_BYTES),
            None => String::new(),
        };
        let doc = declared.filter(|_| is_named).and_then(|one| doc_comment(self.text, one.whole));
        let doc = doc.map(|comment| first_line(&documentation(self.text, comment)));
        Segment {
            entity_type,
            entity_name: declared.map(|one| one_line(&one.name, QUOTE_BYTES)).unwrap_or_default(),
            context: place.context.clone(),
            signature,
            doc: doc.unwrap_or_default(),
            family: place.family_of(entity_type),
            is_test: place.is_test || is_test,
            ..Segment::default()
        }
    }
}

/// The part of a statement or member along which it is cut.
fn body_of<'t>(text: &str, node: Node<'t>) -> Option<Node<'t>> {
    match node.kind() {
        "export_statement" => {
            let inner = node.child_by_field_name("declaration").or_else(|| node.child_by_field_name("value"))?;
            body_of(text, inner)
        }
        "ambient_declaration" | "expression_statement" => {
            children(node).find(|child| child.kind() != "comment").and_then(|child| body_of(text, child))
        }
        "class_declaration" | "abstract_class_declaration" | "class" | "internal_module" | "module" => {
            node.child_by_field_name("body")
        }
        // A suite of tests.
        "call_expression" => {
            let function = node.child_by_field_name("function")?;
            let mut arguments = node.child_by_field_name("arguments").into_iter().flat_map(children);
            let base = if function.kind() == "member_expression" { function.named_child(0)? } else { function };
            let is_suite = matches!(walk::of(text, base), "describe" | "suite" | "context");
            let callback = arguments.find(|one| walk::is_function(*one)).filter(|_| is_suite)?;
            callback.child_by_field_name("body").filter(|body| body.kind() == "statement_block")
        }
        _ => None,
    }
}
