//! The one walk over a file: everything that has a name and stands in no body, as outline, chunks and analyses see it.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use tree_sitter::Node;

use super::node::{
    bare, child_of_kind, children, declarator, fields, is_transparent, is_type_specifier, qualified_parts, source,
    specifiers,
};
use crate::language::Visibility;

/// Names of what encloses something stop growing here, so that hostile nesting costs linear and not quadratic memory.
const PREFIX_BYTES: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CKind {
    Macro,
    Function,
    /// A function of a class.
    Method,
    /// What a framework's macro declares: `TEST(Suite, Name)`.
    Test,
    Class,
    Struct,
    Union,
    Enum,
    Enumerator,
    /// `typedef`, `using A = B`
    Alias,
    Concept,
    Variable,
    Field,
}

impl CKind {
    pub(super) fn is_type(self) -> bool {
        matches!(self, Self::Class | Self::Struct | Self::Union | Self::Enum)
    }

    pub(super) fn is_function(self) -> bool {
        matches!(self, Self::Function | Self::Method | Self::Test)
    }
}

/// Something that has a name.
pub(super) struct CItem<'t> {
    pub kind: CKind,
    /// The declaration, definition, specifier or enumerator.
    pub node: Node<'t>,
    /// The same with `template <..>`; of a type that a `typedef` names, the `typedef`.
    pub whole: Node<'t>,
    pub name_node: Node<'t>,
    /// Of a function.
    pub function: Option<Node<'t>>,
    /// Name within the file: `ns::Store::open`.
    pub name: String,
    pub visibility: Visibility,
    /// It has a body, a layout or a value; another declaration may name it before.
    pub is_defined: bool,
    pub is_in_class: bool,
    pub is_test: bool,
    /// Its place among the enumerators.
    pub position: usize,
}

impl<'t> CItem<'t> {
    /// The declaration that has its specifiers and declarators.
    pub(super) fn declaration(&self) -> Node<'t> {
        self.node
    }
}

struct Enclosing {
    prefix: String,
    is_class: bool,
    visibility: Visibility,
    is_test_file: bool,
}

/// Everything that has a name, in the order of the text. A declaration is left out where the same file has the definition.
pub(super) fn found<'t>(text: &str, root: Node<'t>) -> Vec<CItem<'t>> {
    found_with_places(text, root).0
}

/// The same, with the item that stands for each place where a name is declared.
pub(super) fn found_with_places<'t>(text: &str, root: Node<'t>) -> (Vec<CItem<'t>>, HashMap<usize, u32>) {
    let top = Enclosing {
        prefix: String::new(),
        is_class: false,
        visibility: Visibility::Public,
        is_test_file: has_test_framework(text),
    };
    let mut walk = CWalk { text, found: Vec::new(), todo: Vec::new(), whole: None };
    walk.push_children(root, &Rc::new(top));
    while let Some((node, place, whole)) = walk.todo.pop() {
        walk.whole = whole;
        walk.visit(node, &place);
    }
    let mut all = walk.found;
    all.sort_by_key(|item| (item.node.start_byte(), item.name_node.start_byte()));
    let defined: HashSet<String> = all.iter().filter(|item| item.is_defined).map(|item| key(text, item)).collect();
    let (mut items, mut left_out) = (Vec::new(), Vec::new());
    let (mut places, mut by_key) = (HashMap::new(), HashMap::new());
    for item in all {
        let (key, at) = (key(text, &item), item.name_node.start_byte());
        if !item.is_defined && defined.contains(&key) {
            left_out.push((at, key));
            continue;
        }
        let number = u32::try_from(items.len()).unwrap_or(u32::MAX);
        places.insert(at, number);
        if item.is_defined {
            by_key.entry(key).or_insert(number);
        }
        items.push(item);
    }
    for (at, key) in left_out {
        places.extend(by_key.get(&key).map(|&number| (at, number)));
    }
    (items, places)
}

/// What a declaration and its definition share.
fn key(text: &str, item: &CItem<'_>) -> String {
    let family = match item.kind {
        CKind::Function | CKind::Method | CKind::Test => "f",
        CKind::Class | CKind::Struct | CKind::Union | CKind::Enum => "t",
        _ => "v",
    };
    let count = item.function.map_or(0, |function| super::lower::arity(text, function).0);
    format!("{family} {} {count}", item.name)
}

/// Headers of frameworks whose tests are plain functions.
fn has_test_framework(text: &str) -> bool {
    const HEADERS: [&str; 8] =
        ["unity.h", "cmocka.h", "check.h", "greatest.h", "munit.h", "CUnit", "criterion.h", "tap.h"];
    let includes = text.lines().filter(|line| line.trim_start().starts_with('#') && line.contains("include"));
    includes.into_iter().any(|line| HEADERS.iter().any(|header| line.contains(header)))
}

/// Macros of frameworks that declare a test: Google Test, Catch2, doctest, Boost.Test, Unity, Check.
fn is_test_macro(name: &str) -> bool {
    matches!(
        name,
        "TEST"
            | "TEST_F"
            | "TEST_P"
            | "TYPED_TEST"
            | "TYPED_TEST_P"
            | "TEST_CASE"
            | "SCENARIO"
            | "TEMPLATE_TEST_CASE"
            | "TEST_CASE_METHOD"
            | "BOOST_AUTO_TEST_CASE"
            | "BOOST_FIXTURE_TEST_CASE"
            | "START_TEST"
            | "TEST_METHOD"
            | "CTEST"
            | "Test"
            | "UTEST"
            | "UTEST_F"
            | "ZTEST"
            | "TEST_CASE_FIXTURE"
    )
}

/// The walk keeps its own stack: a hostile file nests deeper than a thread's.
struct CWalk<'s, 't> {
    text: &'s str,
    found: Vec<CItem<'t>>,
    todo: Vec<(Node<'t>, Rc<Enclosing>, Option<Node<'t>>)>,
    /// `template <..>` around what is visited.
    whole: Option<Node<'t>>,
}

impl<'t> CWalk<'_, 't> {
    fn push_children(&mut self, parent: Node<'t>, place: &Rc<Enclosing>) {
        let first = self.todo.len();
        let mut place = Rc::clone(place);
        for child in children(parent) {
            if child.kind() == "access_specifier" {
                place = Rc::new(Enclosing { visibility: access(source(self.text, child)), ..copy(&place) });
                continue;
            }
            self.todo.push((child, Rc::clone(&place), None));
        }
        self.todo[first..].reverse();
    }

    fn visit(&mut self, node: Node<'t>, place: &Rc<Enclosing>) {
        match node.kind() {
            kind if is_transparent(kind) => self.push_children(node, place),
            "preproc_def" | "preproc_function_def" => self.macro_definition(node, place),
            "namespace_definition" => self.namespace(node, place),
            "template_declaration" => {
                let whole = self.whole.unwrap_or(node);
                let inside = children(node).into_iter().filter(|child| !child.kind().starts_with("template_parameter"));
                let inside: Vec<_> = inside.map(|child| (child, Rc::clone(place), Some(whole))).collect();
                self.todo.extend(inside);
            }
            kind if is_type_specifier(kind) => {
                self.type_specifier(node, place, None);
            }
            "type_definition" => self.type_definition(node, place),
            "alias_declaration" | "concept_definition" => {
                let kind = if node.kind() == "concept_definition" { CKind::Concept } else { CKind::Alias };
                if let Some(name) = node.child_by_field_name("name") {
                    self.push(kind, node, name, None, true, place);
                }
            }
            "declaration" | "field_declaration" => self.declaration(node, place),
            "function_definition" => self.function_definition(node, place),
            "expression_statement" => self.test_call(node, place),
            _ => {}
        }
    }

    fn macro_definition(&mut self, node: Node<'t>, place: &Rc<Enclosing>) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let has_value =
            node.child_by_field_name("value").is_some_and(|value| !source(self.text, value).trim().is_empty());
        let guard = node.parent().filter(|parent| parent.kind() == "preproc_ifdef");
        let guard = guard.and_then(|guard| guard.child_by_field_name("name"));
        if !has_value && guard.is_some_and(|guard| source(self.text, guard) == source(self.text, name)) {
            return;
        }
        // Macros know no scopes.
        let outside =
            Enclosing { prefix: String::new(), is_class: false, visibility: Visibility::Public, ..copy(place) };
        self.push(CKind::Macro, node, name, None, true, &Rc::new(outside));
    }

    fn namespace(&mut self, node: Node<'t>, place: &Rc<Enclosing>) {
        let Some(body) = node.child_by_field_name("body") else { return };
        let is_inline = source(self.text, node).trim_start().starts_with("inline");
        let name = node.child_by_field_name("name").map(|name| source(self.text, name));
        let prefix = match name.filter(|_| !is_inline) {
            Some(name) => qualified(&place.prefix, &name.split_whitespace().collect::<String>()),
            None => place.prefix.clone(),
        };
        let visibility = if name.is_some() { place.visibility } else { Visibility::Crate };
        self.push_children(body, &Rc::new(Enclosing { prefix, visibility, ..copy(place) }));
    }

    /// A class, struct, union or enum. `named` is the `typedef` around and its name, for one without a name of its own.
    fn type_specifier(&mut self, node: Node<'t>, place: &Rc<Enclosing>, named: Option<(Node<'t>, Node<'t>)>) {
        let own = node.child_by_field_name("name");
        let body = node.child_by_field_name("body");
        let kind = match node.kind() {
            "class_specifier" => CKind::Class,
            "union_specifier" => CKind::Union,
            "enum_specifier" => CKind::Enum,
            _ => CKind::Struct,
        };
        let mut prefix = place.prefix.clone();
        let mut visibility = place.visibility;
        if let Some(name) = own.or(named.map(|(_, name)| name)) {
            let whole = if own.is_none() { named.map(|(whole, _)| whole) } else { None };
            let before = self.whole;
            self.whole = whole.or(before);
            self.push(kind, node, name, None, body.is_some(), place);
            self.whole = before;
            if let Some(last) = self.found.last() {
                prefix = if last.name.len() > PREFIX_BYTES { "…".to_owned() } else { last.name.clone() };
                visibility = last.visibility;
            }
        }
        let Some(body) = body else { return };
        if kind == CKind::Enum {
            let is_scoped = {
                let mut cursor = node.walk();
                node.children(&mut cursor).any(|child| matches!(child.kind(), "class" | "struct"))
            };
            let prefix = if is_scoped { prefix } else { place.prefix.clone() };
            let inside = Rc::new(Enclosing { prefix, ..copy(place) });
            return self.enumerators(body, &inside);
        }
        let own_access = if kind == CKind::Class { Visibility::Restricted } else { Visibility::Public };
        let inside = Enclosing { prefix, is_class: true, visibility: own_access.min(visibility), ..copy(place) };
        self.push_children(body, &Rc::new(inside));
    }

    fn enumerators(&mut self, body: Node<'t>, place: &Rc<Enclosing>) {
        let mut todo = children(body);
        todo.reverse();
        let mut position = 0;
        while let Some(node) = todo.pop() {
            if node.kind() == "enumerator" {
                if let Some(name) = node.child_by_field_name("name") {
                    self.push(CKind::Enumerator, node, name, None, true, place);
                    if let Some(last) = self.found.last_mut() {
                        last.position = position;
                    }
                    position += 1;
                }
            } else if is_transparent(node.kind()) {
                let mut inside = children(node);
                inside.reverse();
                todo.extend(inside);
            }
        }
    }

    fn type_definition(&mut self, node: Node<'t>, place: &Rc<Enclosing>) {
        let specifier = node.child_by_field_name("type").filter(|ty| is_type_specifier(ty.kind()));
        let declared: Vec<_> = fields(node, "declarator").into_iter().filter_map(declarator).collect();
        let is_plain =
            |one: &&super::node::Declarator<'t>| one.name.parent().is_some_and(|parent| parent.id() == node.id());
        let first = declared.iter().find(is_plain).map(|one| one.name);
        let has_body = specifier.is_some_and(|ty| ty.child_by_field_name("body").is_some());
        let is_nameless = specifier.is_some_and(|ty| ty.child_by_field_name("name").is_none());
        if let Some(specifier) = specifier.filter(|_| has_body) {
            self.type_specifier(specifier, place, first.map(|name| (node, name)));
        }
        for one in &declared {
            let is_the_type = has_body && is_nameless && first.is_some_and(|name| name.id() == one.name.id());
            if !is_the_type {
                self.push(CKind::Alias, node, one.name, None, true, place);
            }
        }
    }

    fn declaration(&mut self, node: Node<'t>, place: &Rc<Enclosing>) {
        let specifier = node.child_by_field_name("type").filter(|ty| is_type_specifier(ty.kind()));
        let declared: Vec<_> = fields(node, "declarator").into_iter().filter_map(declarator).collect();
        if let Some(specifier) = specifier {
            let has_body = specifier.child_by_field_name("body").is_some();
            if has_body && specifier.child_by_field_name("name").is_none() && place.is_class {
                // The fields of a struct without a name: below that of the field, if it has one.
                let name = declared.first().map(|one| source(self.text, one.name));
                let prefix = name.map_or(place.prefix.clone(), |name| qualified(&place.prefix, name));
                let inside = Rc::new(Enclosing { prefix, ..copy(place) });
                if let Some(body) = specifier.child_by_field_name("body") {
                    match specifier.kind() {
                        "enum_specifier" => self.enumerators(body, place),
                        _ => self.push_children(body, &inside),
                    }
                }
            } else if has_body || declared.is_empty() {
                self.type_specifier(specifier, place, None);
            }
        }
        let is_extern = specifiers(self.text, node).contains(&"extern");
        for one in declared {
            match one.function {
                Some(function) => {
                    let kind = if place.is_class { CKind::Method } else { CKind::Function };
                    self.push(kind, node, one.name, Some(function), false, place);
                }
                None => {
                    let kind = if place.is_class { CKind::Field } else { CKind::Variable };
                    self.push(kind, node, one.name, None, !is_extern, place);
                }
            }
        }
    }

    fn function_definition(&mut self, node: Node<'t>, place: &Rc<Enclosing>) {
        let Some(one) = node.child_by_field_name("declarator").and_then(declarator) else { return };
        let Some(function) = one.function else { return };
        let is_untyped = node.child_by_field_name("type").is_none();
        if is_untyped && is_test_macro(source(self.text, one.name)) {
            let arguments = function.child_by_field_name("parameters");
            return self.test(node, one.name, arguments, place);
        }
        let (scopes, _) = qualified_parts(one.name);
        let is_member = place.is_class || !scopes.is_empty();
        self.push(if is_member { CKind::Method } else { CKind::Function }, node, one.name, Some(function), true, place);
    }

    /// `TEST(Suite, Name) { .. }` where the grammar sees a call and a block.
    fn test_call(&mut self, node: Node<'t>, place: &Rc<Enclosing>) {
        let Some(call) = child_of_kind(node, "call_expression") else { return };
        let Some(name) = call.child_by_field_name("function") else { return };
        let block = node.next_named_sibling().filter(|next| next.kind() == "compound_statement");
        if let Some(block) = block.filter(|_| is_test_macro(source(self.text, name))) {
            self.test(block, name, call.child_by_field_name("arguments"), place);
        }
    }

    fn test(&mut self, node: Node<'t>, name: Node<'t>, arguments: Option<Node<'t>>, place: &Rc<Enclosing>) {
        let words = arguments.map(children).unwrap_or_default();
        let words: Vec<&str> = words.iter().take(2).map(|word| source(self.text, *word).trim_matches('"')).collect();
        if words.is_empty() {
            return;
        }
        self.push(CKind::Test, node, name, None, true, place);
        if let Some(last) = self.found.last_mut() {
            last.name = qualified(&place.prefix, &words.join("."));
            last.is_test = true;
        }
    }

    fn push(
        &mut self,
        kind: CKind,
        node: Node<'t>,
        name_node: Node<'t>,
        function: Option<Node<'t>>,
        is_defined: bool,
        place: &Enclosing,
    ) {
        let (scopes, last) = qualified_parts(name_node);
        let mut own: Vec<String> = scopes.iter().map(|scope| compact(source(self.text, bare(*scope)))).collect();
        own.push(compact(source(self.text, bare(last))));
        let is_static = !place.is_class && specifiers(self.text, node).contains(&"static");
        let name = qualified(&place.prefix, &own.join("::"));
        if own.last().is_some_and(String::is_empty) {
            return;
        }
        let is_test = place.is_test_file
            && kind == CKind::Function
            && is_defined
            && own
                .last()
                .and_then(|name| name.strip_prefix("test"))
                .is_some_and(|rest| !rest.starts_with(char::is_lowercase));
        self.found.push(CItem {
            kind,
            node,
            whole: self.whole.unwrap_or(node),
            name_node,
            function,
            name,
            visibility: if is_static { Visibility::Crate.min(place.visibility) } else { place.visibility },
            is_defined,
            is_in_class: place.is_class,
            is_test,
            position: 0,
        });
    }
}

fn copy(place: &Enclosing) -> Enclosing {
    Enclosing { prefix: place.prefix.clone(), ..*place }
}

fn access(written: &str) -> Visibility {
    if written.starts_with("public") { Visibility::Public } else { Visibility::Restricted }
}

/// An operator's name in one spacing.
pub(super) fn compact(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    match words.as_slice() {
        ["operator", rest @ ..] if rest.iter().all(|part| !part.starts_with(char::is_alphanumeric)) => {
            format!("operator{}", rest.concat())
        }
        all => all.join(" "),
    }
}

pub(super) fn qualified(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}::{name}") }
}
