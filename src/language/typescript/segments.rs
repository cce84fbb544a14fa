//! A script as segments: one for each function, class, type and statement of a module, methods apart from their class, tests apart from
//! their suite, comments and decorators with what they belong to.

use std::collections::HashMap;

use tree_sitter::Node;

use super::outline::{doc_comment, documentation};
use super::signature::signature;
use super::source::Script;
use super::walk::{self, Declared, DeclaredKind, children};
use crate::language::Parsed;
use crate::language::segment::{Segment, cuts, nested, one_line};
use crate::language::window::{BODY_TOKENS, is_within};

/// A class, suite or namespace of at most so many tokens is one segment.
const WHOLE_TOKENS: usize = 96;

/// Bytes of a header's line that quotes the source.
const QUOTE_BYTES: usize = 160;

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
        position: 0,
        families: 1,
        segments: Vec::new(),
        todo: Vec::new(),
    };
    let place = BodyPlace::default();
    let statements = script.statements();
    cutter.todo.extend(statements.into_iter().rev().map(|node| CutTask::Visit(node, place.clone())));
    while let Some(task) = cutter.todo.pop() {
        match task {
            CutTask::Visit(node, place) => cutter.visit(node, &place),
            CutTask::Close(end, place) => cutter.close(end, &place),
        }
    }
    cutter.close(parsed.text.len(), &BodyPlace::default());
    Some(cutter.segments)
}

/// Where in the file's nesting a node stands.
#[derive(Clone, Default)]
struct BodyPlace {
    /// `class Store extends Base`
    context: String,
    is_test: bool,
    family: usize,
}

enum CutTask<'t> {
    Visit(Node<'t>, BodyPlace),
    Close(usize, BodyPlace),
}

/// The walk keeps its own stack: a hostile file nests deeper than a thread's.
struct ScriptCutter<'d, 't> {
    text: &'t str,
    declared: HashMap<usize, &'d Declared<'t>>,
    /// Everything before it is in a segment.
    position: usize,
    families: usize,
    segments: Vec<Segment>,
    todo: Vec<CutTask<'t>>,
}

impl<'t> ScriptCutter<'_, 't> {
    fn visit(&mut self, node: Node<'t>, place: &BodyPlace) {
        if node.kind() == "comment" || node.kind() == "decorator" || node.end_byte() <= self.position {
            return;
        }
        match body_of(self.text, node) {
            Some(body) if !self.fits(node) => self.open(node, body, place),
            _ => self.emit(node, place),
        }
    }

    /// A class, namespace or suite that is cut along what it contains.
    fn open(&mut self, node: Node<'t>, body: Node<'t>, place: &BodyPlace) {
        let mut opening = self.segment(node, place);
        let end = body.child(0).map_or(body.start_byte(), |brace| brace.end_byte());
        opening.is_opening = is_within(self.text.get(self.position..end).unwrap_or_default(), WHOLE_TOKENS);
        opening.cuts.clear();
        let (is_test, head) = (opening.is_test, opening.signature.clone());
        self.push(opening, end);

        self.families += 1;
        let inside = BodyPlace { context: nested(&place.context, &head), is_test, family: self.families };
        self.todo.push(CutTask::Close(node.end_byte(), inside.clone()));
        let first = self.todo.len();
        self.todo.extend(children(body).map(|child| CutTask::Visit(child, inside.clone())));
        self.todo[first..].reverse();
    }

    /// True if what is not yet in a segment, up to the node's end, is short.
    fn fits(&self, node: Node<'_>) -> bool {
        is_within(self.text.get(self.position..node.end_byte()).unwrap_or_default(), WHOLE_TOKENS)
    }

    fn emit(&mut self, node: Node<'t>, place: &BodyPlace) {
        let mut segment = self.segment(node, place);
        let end = self.line_end(node.end_byte());
        if !is_within(self.text.get(self.position..end).unwrap_or_default(), BODY_TOKENS) {
            segment.cuts = cuts(self.text, node, |kind| matches!(kind, "comment" | "decorator"));
        }
        self.push(segment, node.end_byte());
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

    fn segment(&self, node: Node<'t>, place: &BodyPlace) -> Segment {
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
        let doc = doc.map(|comment| documentation(self.text, comment));
        let doc = doc.and_then(|doc| doc.lines().find(|line| !line.is_empty()).map(|line| one_line(line, QUOTE_BYTES)));
        Segment {
            entity_type,
            entity_name: declared.map(|one| one_line(&one.name, QUOTE_BYTES)).unwrap_or_default(),
            context: place.context.clone(),
            signature,
            doc: doc.unwrap_or_default(),
            family: 2 * place.family + usize::from(entity_type == "module"),
            is_test: place.is_test || is_test,
            ..Segment::default()
        }
    }

    /// The end of a body, or of the file: comments join what is before them only if they say nothing.
    fn close(&mut self, end: usize, place: &BodyPlace) {
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
        let behind = self.text.get(end..).unwrap_or_default();
        let rest = behind.trim_start_matches([' ', '\t', '\r', ';', ',']);
        let content = self.text.len() - rest.len();
        match rest.as_bytes() {
            [] => content,
            [b'\n', ..] => content + 1,
            [b'/', b'/', ..] => rest.find('\n').map_or(self.text.len(), |newline| content + newline + 1),
            _ => end,
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
