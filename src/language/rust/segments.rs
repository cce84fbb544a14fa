//! Rust as segments: one for each item, methods apart from their impl, documentation and attributes with the item they belong to.

use tree_sitter::Node;

use crate::language::Parsed;
use crate::language::segment::{Segment, SegmentItem, cuts, nested, one_line};
use crate::language::window::{BODY_TOKENS, is_within};

/// An impl, trait or module of at most so many tokens is one segment.
const WHOLE_TOKENS: usize = 96;

/// Bytes of a header's line that quotes the source: signature, enclosing item, documentation.
const QUOTE_BYTES: usize = 160;

/// Segments of a Rust file, in order; nothing if the parser gives up, so that the text must be cut as any other.
pub(super) fn segments(parsed: &Parsed<'_>) -> Option<Vec<Segment>> {
    let (text, tree) = (parsed.text, parsed.tree().ok()?);
    let mut walk = RustCutter { text, position: 0, families: 1, segments: Vec::new(), todo: Vec::new() };
    walk.push_children(tree.root_node(), &ItemNesting::default());
    while let Some(task) = walk.todo.pop() {
        match task {
            ItemTask::Visit(node, place) => walk.visit(node, &place),
            ItemTask::Close(end, place) => walk.close(end, &place),
        }
    }
    walk.close(text.len(), &ItemNesting::default());
    Some(walk.segments)
}

/// Where in the file's nesting a node stands.
#[derive(Clone, Default)]
struct ItemNesting {
    /// `mod tests > impl Store`
    context: String,
    /// The type or trait whose methods stand here.
    owner: String,
    /// It is built for tests alone.
    is_test: bool,
    family: usize,
}

enum ItemTask<'t> {
    Visit(Node<'t>, ItemNesting),
    Close(usize, ItemNesting),
}

/// The walk over items. It keeps its own stack: a hostile file nests deeper than a thread's.
struct RustCutter<'t> {
    text: &'t str,
    /// Everything before it is in a segment.
    position: usize,
    families: usize,
    segments: Vec<Segment>,
    todo: Vec<ItemTask<'t>>,
}

impl<'t> RustCutter<'t> {
    fn push_children(&mut self, parent: Node<'t>, place: &ItemNesting) {
        let first = self.todo.len();
        let mut cursor = parent.walk();
        self.todo.extend(parent.named_children(&mut cursor).map(|child| ItemTask::Visit(child, place.clone())));
        self.todo[first..].reverse();
    }

    fn visit(&mut self, node: Node<'t>, place: &ItemNesting) {
        match node.kind() {
            "line_comment" | "block_comment" if is_inner_doc(node) => self.emit_module_head(node, place),
            "inner_attribute_item" => self.emit_module_head(node, place),
            "line_comment" | "block_comment" | "attribute_item" => {}
            "impl_item" | "trait_item" | "mod_item" | "foreign_mod_item" => self.visit_container(node, place),
            "ERROR" if !self.fits(node, WHOLE_TOKENS) => {
                self.todo.push(ItemTask::Close(node.end_byte(), place.clone()));
                self.push_children(node, place);
            }
            _ => self.emit(node, place),
        }
    }

    fn visit_container(&mut self, node: Node<'t>, place: &ItemNesting) {
        let Some(body) = node.child_by_field_name("body") else { return self.emit(node, place) };
        if self.fits(node, WHOLE_TOKENS) {
            return self.emit(node, place);
        }
        let (entity_type, name) = entity(self.text, node, place);
        let documented = self.text[self.position..node.start_byte()].contains("///");
        let opening_end = self.line_end(body.start_byte() + 1);
        let mut opening = self.segment(node, opening_end, place);
        let is_test = opening.is_test;
        let range = opening.range.start..self.line_end(node.end_byte());
        opening.items = vec![SegmentItem { range, entity_type, entity_name: name.clone() }];
        opening.is_opening = (entity_type == "impl" || !documented) && self.is_short(&opening);
        self.push_segment(opening);

        self.families += 1;
        let head = one_line(&self.text[node.start_byte()..head_end(node, body)], QUOTE_BYTES);
        let owner = if entity_type == "module" { String::new() } else { name };
        let inside = ItemNesting { context: nested(&place.context, &head), owner, is_test, family: self.families };
        self.todo.push(ItemTask::Close(node.end_byte(), inside.clone()));
        self.push_children(body, &inside);
    }

    fn is_short(&self, segment: &Segment) -> bool {
        is_within(&self.text[segment.range.clone()], WHOLE_TOKENS)
    }

    /// True if what is not yet in a segment, up to the node's end, counts at most so many tokens.
    fn fits(&self, node: Node<'_>, limit: usize) -> bool {
        is_within(&self.text[self.position.min(node.end_byte())..node.end_byte()], limit)
    }

    fn emit(&mut self, node: Node<'t>, place: &ItemNesting) {
        if node.end_byte() > self.position {
            let mut segment = self.segment(node, self.line_end(node.end_byte()), place);
            let inside = items_within(self.text, node, place);
            if !inside.is_empty() {
                segment.items = segment.declared().into_iter().chain(inside).collect();
            }
            self.push_segment(segment);
        }
    }

    /// `//!` and `#![..]`: what a file or module says of itself.
    fn emit_module_head(&mut self, node: Node<'t>, place: &ItemNesting) {
        let end = self.line_end(node.end_byte());
        match self.segments.last_mut() {
            Some(last) if last.range.end == self.position && last.entity_type == "module" && !last.is_opening => {
                last.range.end = end.max(last.range.end);
                self.position = last.range.end;
            }
            _ if end > self.position => {
                let range = self.position..end;
                let context = place.context.clone();
                let (family, is_test) = (2 * place.family + 1, place.is_test);
                self.push_segment(Segment {
                    range,
                    entity_type: "module",
                    context,
                    family,
                    is_test,
                    ..Segment::default()
                });
            }
            _ => {}
        }
    }

    /// The end of a container or of the file: brackets join the last segment, comments make one of their own.
    fn close(&mut self, end: usize, place: &ItemNesting) {
        let end = self.line_end(end);
        if end <= self.position {
            return;
        }
        let rest = &self.text[self.position..end];
        match self.segments.last_mut() {
            Some(last) if !last.is_opening && !rest.chars().any(char::is_alphanumeric) => last.range.end = end,
            _ => {
                let context = place.context.clone();
                let (range, family, is_test) = (self.position..end, 2 * place.family, place.is_test);
                self.segments.push(Segment {
                    range,
                    entity_type: "text",
                    context,
                    family,
                    is_test,
                    ..Segment::default()
                });
            }
        }
        self.position = end;
    }

    fn segment(&self, node: Node<'t>, end: usize, place: &ItemNesting) -> Segment {
        let (mut entity_type, entity_name) = entity(self.text, node, place);
        let leading = &self.text[self.position.min(node.start_byte())..node.start_byte()];
        if matches!(entity_type, "function" | "method") && is_test(leading) {
            entity_type = "test";
        }
        let is_among_tests = entity_type == "module" && matches!(entity_name.as_str(), "tests" | "test");
        let body = node.child_by_field_name("body").map_or(node.end_byte(), |body| body.start_byte());
        let range = self.position..end.max(self.position);
        let is_long = !is_within(&self.text[range.clone()], BODY_TOKENS);
        Segment {
            entity_type,
            entity_name,
            context: place.context.clone(),
            signature: one_line(&self.text[node.start_byte()..body], QUOTE_BYTES),
            doc: first_doc_line(leading),
            family: 2 * place.family + usize::from(entity_type == "module"),
            is_opening: false,
            is_test: place.is_test || entity_type == "test" || is_among_tests || is_for_tests(leading),
            cuts: if is_long { cuts(self.text, node, is_leading) } else { Vec::new() },
            items: Vec::new(),
            range,
        }
    }

    fn push_segment(&mut self, segment: Segment) {
        self.position = segment.range.end;
        self.segments.push(segment);
    }

    /// The end of the line, if nothing but white space or a comment of its own stands between; else the place itself.
    fn line_end(&self, end: usize) -> usize {
        let rest = &self.text[end..];
        let rest = rest.trim_start_matches([' ', '\t', '\r']);
        let content = self.text.len() - rest.len();
        match rest.as_bytes() {
            [] => content,
            [b'\n', ..] => content + 1,
            [b'/', b'/', ..] => rest.find('\n').map_or(self.text.len(), |newline| content + newline + 1),
            _ => end,
        }
    }
}

/// Nodes that belong to what follows them.
fn is_leading(kind: &str) -> bool {
    matches!(kind, "line_comment" | "block_comment" | "attribute_item")
}

/// Where the head of a container ends that says what it is about: `impl<T> Store<T>`, without its bounds.
fn head_end(node: Node<'_>, body: Node<'_>) -> usize {
    let mut cursor = node.walk();
    let bounds = node.children(&mut cursor).find(|child| child.kind() == "where_clause");
    bounds.unwrap_or(body).start_byte()
}

fn is_inner_doc(comment: Node<'_>) -> bool {
    comment.child_by_field_name("inner").is_some()
}

/// Type and name of an item, as a chunk carries them.
fn entity(text: &str, node: Node<'_>, place: &ItemNesting) -> (&'static str, String) {
    let field = |name| node.child_by_field_name(name).map(|node| one_line(&text[node.byte_range()], QUOTE_BYTES / 2));
    let name = || field("name").unwrap_or_default();
    match node.kind() {
        "function_item" | "function_signature_item" if place.owner.is_empty() => ("function", name()),
        "function_item" | "function_signature_item" => ("method", format!("{}::{}", place.owner, name())),
        "struct_item" | "union_item" => ("struct", name()),
        "enum_item" => ("enum", name()),
        "trait_item" => ("trait", name()),
        "impl_item" => {
            ("impl", node.child_by_field_name("type").map_or_else(String::new, |node| type_name(text, node)))
        }
        "mod_item" => ("module", name()),
        "type_item" | "associated_type" => ("type", name()),
        "const_item" | "static_item" => ("const", name()),
        "macro_definition" => ("macro", name()),
        "macro_invocation" => ("macro", field("macro").unwrap_or_default()),
        "use_declaration" | "extern_crate_declaration" => ("module", String::new()),
        "foreign_mod_item" => ("module", "extern".to_owned()),
        _ => ("text", String::new()),
    }
}

/// The items inside a short one, or directly in a function's body, in the order of the text.
fn items_within(text: &str, node: Node<'_>, place: &ItemNesting) -> Vec<SegmentItem> {
    let mut found = Vec::new();
    let mut open = vec![(node, place.clone())];
    while let Some((node, place)) = open.pop() {
        let holds =
            matches!(node.kind(), "impl_item" | "trait_item" | "mod_item" | "foreign_mod_item" | "function_item");
        let Some(body) = node.child_by_field_name("body").filter(|_| holds) else { continue };
        let owner = match node.kind() {
            "impl_item" | "trait_item" => entity(text, node, &place).1,
            _ => String::new(),
        };
        let inside = ItemNesting { owner, ..ItemNesting::default() };
        let (mut cursor, mut from) = (body.walk(), body.start_byte() + 1);
        for child in body.named_children(&mut cursor).filter(|child| !is_leading(child.kind())) {
            let (mut entity_type, entity_name) = entity(text, child, &inside);
            let leading = &text[from.min(child.start_byte())..child.start_byte()];
            if matches!(entity_type, "function" | "method") && is_test(leading) {
                entity_type = "test";
            }
            if !entity_name.is_empty() && child.kind() != "macro_invocation" {
                found.push(SegmentItem { range: from..child.end_byte(), entity_type, entity_name });
                open.push((child, inside.clone()));
            }
            from = child.end_byte();
        }
    }
    found.sort_by_key(|item| (item.range.start, std::cmp::Reverse(item.range.end)));
    found
}

/// Whether the attributes before a function make it a test: `#[test]`, `#[tokio::test(..)]`, `#[rstest]`.
fn is_test(leading: &str) -> bool {
    let attributes = leading.lines().filter_map(|line| line.trim().strip_prefix("#["));
    attributes.into_iter().any(|attribute| {
        let path = attribute.split(['(', ']']).next().unwrap_or_default();
        matches!(path.rsplit("::").next(), Some("test" | "rstest" | "test_case" | "bench"))
    })
}

/// Whether the attributes before an item have it built for tests alone: `#[cfg(test)]`, `#[cfg(all(test, unix))]`.
fn is_for_tests(leading: &str) -> bool {
    let conditions = leading.lines().filter_map(|line| line.trim().strip_prefix("#[cfg("));
    // a quotation mark belongs to the word, so that no `feature = "test"` is taken for it
    let words = |condition: &str| {
        condition.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '"').any(|word| word == "test")
    };
    conditions
        .into_iter()
        .any(|condition| words(condition) && !condition.contains("not(") && !condition.contains("any("))
}

/// `Store` of `Store<T>` and of `&'a Store<T>`.
fn type_name(text: &str, node: Node<'_>) -> String {
    let mut node = node;
    while let Some(inner) = node.child_by_field_name("type").filter(|_| node.kind() != "scoped_type_identifier") {
        node = inner;
    }
    one_line(&text[node.byte_range()], QUOTE_BYTES / 2)
}

/// The first line of the documentation in the text that leads to an item.
fn first_doc_line(leading: &str) -> String {
    leading
        .lines()
        .filter_map(|line| {
            let line = line.trim();
            line.strip_prefix("///").or_else(|| line.strip_prefix("/**")).or_else(|| line.strip_prefix("* "))
        })
        .map(|line| line.trim_end_matches("*/").trim())
        .find(|line| !line.is_empty())
        .map_or_else(String::new, |line| one_line(line, QUOTE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Language;

    fn segments(text: &str) -> Option<Vec<Segment>> {
        super::segments(&Parsed::new(Language::RUST, text))
    }

    fn entities(text: &str) -> Vec<(&'static str, String)> {
        segments(text).unwrap().into_iter().map(|s| (s.entity_type, s.entity_name)).collect()
    }

    #[test]
    fn documentation_and_attributes_belong_to_their_item() {
        let text = "/// Adds.\n#[inline]\nfn add() {}\n\n// why\nstruct A; // tail\nconst B: u8 = 1;\n";
        let all = segments(text).unwrap();
        assert_eq!(&text[all[0].range.clone()], "/// Adds.\n#[inline]\nfn add() {}\n");
        assert_eq!(all[0].doc, "Adds.");
        assert_eq!(&text[all[1].range.clone()], "\n// why\nstruct A; // tail\n");
        assert_eq!(all[2].entity_name, "B");
    }

    #[test]
    fn methods_are_apart_from_their_impl_and_carry_its_header() {
        let method = |name: &str| format!("    fn {name}(&self) {{\n{}    }}\n", "        work(a, b, c);\n".repeat(12));
        let text = format!("mod inner {{\nimpl<T: Clone> Store<T> {{\n{}{}}}\n}}\n", method("open"), method("close"));
        let all = segments(&text).unwrap();
        let methods: Vec<_> = all.iter().filter(|s| s.entity_type == "method").collect();
        assert_eq!(methods.iter().map(|s| s.entity_name.as_str()).collect::<Vec<_>>(), ["Store::open", "Store::close"]);
        assert_eq!(methods[1].context, "mod inner > impl<T: Clone> Store<T>");
        assert_eq!(methods[1].signature, "fn close(&self)");
    }

    #[test]
    fn a_test_is_told_from_what_it_tests() {
        let text = "fn limit() {}\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn limits() {}\n    #[tokio::test(flavor = \"x\")]\n    /// Waits.\n    async fn waits() {}\n    fn helps() {}\n".to_owned() + &"    const X: u8 = 1;\n".repeat(40) + "}\n";
        let found: Vec<_> =
            entities(&text).into_iter().filter(|(kind, _)| matches!(*kind, "test" | "function")).collect();
        let named = |kind, name: &str| (kind, name.to_owned());
        let expected = [("function", "limit"), ("test", "limits"), ("test", "waits"), ("function", "helps")];
        assert_eq!(found, expected.map(|(kind, name)| named(kind, name)));
    }

    #[test]
    fn what_is_built_for_tests_alone_is_told_from_what_is_shipped() {
        let long = "    const X: u8 = 1;\n".repeat(60);
        let text = format!(
            "fn shipped() {{}}\n#[cfg(not(test))]\nfn live() {{}}\n#[cfg(feature = \"test\")]\nfn chosen() {{}}\n\
             #[cfg(any(test, unix))]\nfn either() {{}}\n#[cfg(all(test, unix))]\nfn scripted() {{}}\n\
             #[cfg(test)]\nimpl Store {{\n    fn peek(&self) {{}}\n{long}}}\n\
             mod tests {{\n    use super::*;\n    mod deeper {{\n        fn helps() {{}}\n{long}    }}\n}}\nfn after() {{}}\n"
        );
        let (tests, shipped): (Vec<_>, Vec<_>) = segments(&text).unwrap().into_iter().partition(|one| one.is_test);
        let names = |all: Vec<Segment>| -> Vec<String> {
            all.into_iter()
                .filter(|one| matches!(one.entity_type, "function" | "method"))
                .map(|one| one.entity_name)
                .collect()
        };
        assert_eq!(names(tests), ["scripted", "Store::peek", "helps"]);
        assert_eq!(names(shipped), ["shipped", "live", "chosen", "either", "after"]);
    }

    #[test]
    fn broken_source_still_gives_what_it_has() {
        let found = entities("fn good() {}\nstruct {{{ ] fn\nimpl Y { fn z(&self) {} \n");
        assert!(found.contains(&("function", "good".to_owned())), "{found:?}");
        assert!(entities("").is_empty());
    }
}
