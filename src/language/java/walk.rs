//! The one walk over a Java file: types, their members, and the classes inside bodies.

use std::rc::Rc;

use tree_sitter::Node;

use super::javadoc;
use crate::language::Visibility;
use crate::language::eval::CONSTRUCTOR;

/// Names of what encloses something stop growing here, so that hostile nesting costs linear and not quadratic memory.
const PREFIX_BYTES: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JavaKind {
    Class,
    Interface,
    Enum,
    Record,
    Annotation,
    EnumConstant,
    Method,
    Constructor,
    /// Of an annotation type.
    Element,
    Field,
    /// A field that is `static final`, or stands in an interface.
    Constant,
    /// A parameter of a record.
    Component,
}

impl JavaKind {
    pub(super) fn is_type(self) -> bool {
        matches!(self, Self::Class | Self::Interface | Self::Enum | Self::Record | Self::Annotation)
    }

    pub(super) fn is_code(self) -> bool {
        matches!(self, Self::Method | Self::Constructor)
    }

    /// What a declaration of a type declares.
    pub(super) fn of_type(kind: &str) -> Option<Self> {
        Some(match kind {
            "class_declaration" => Self::Class,
            "interface_declaration" => Self::Interface,
            "enum_declaration" => Self::Enum,
            "record_declaration" => Self::Record,
            "annotation_type_declaration" => Self::Annotation,
            _ => return None,
        })
    }
}

/// Something that has a name.
pub(super) struct JavaItem<'t> {
    pub kind: JavaKind,
    /// The declaration; of a field its declarator.
    pub node: Node<'t>,
    /// The declaration with modifiers and type.
    pub whole: Node<'t>,
    /// Its documentation comment.
    pub doc: Option<Node<'t>>,
    /// Name within the file: `Store.open`; of a constructor `Store.new`.
    pub name: String,
    pub visibility: Visibility,
    /// A test, or part of one, by JUnit's and TestNG's annotations.
    pub is_test: bool,
    /// It stands in a body.
    pub is_local: bool,
}

/// What surrounds a declaration.
struct MemberPlace {
    prefix: String,
    /// The most that others can see of what is inside.
    visibility: Visibility,
    is_test: bool,
    /// Members without a modifier are public: those of an interface or annotation type.
    is_open: bool,
    is_local: bool,
}

/// Everything that has a name, in the order of the text, what it contains behind it.
pub(super) fn found<'t>(text: &str, root: Node<'t>) -> Vec<JavaItem<'t>> {
    let top = MemberPlace {
        prefix: String::new(),
        visibility: Visibility::Public,
        is_test: false,
        is_open: false,
        is_local: false,
    };
    let mut walk = JavaWalk { text, found: Vec::new(), todo: Vec::new(), doc: None };
    walk.push_children(root, &Rc::new(top));
    while let Some((node, place, doc)) = walk.todo.pop() {
        walk.doc = doc;
        walk.visit(node, &place);
    }
    walk.found
}

/// The walk keeps its own stack: a hostile file nests deeper than a thread's.
struct JavaWalk<'s, 't> {
    text: &'s str,
    found: Vec<JavaItem<'t>>,
    todo: Vec<(Node<'t>, Rc<MemberPlace>, Option<Node<'t>>)>,
    /// The documentation of what is visited.
    doc: Option<Node<'t>>,
}

impl<'t> JavaWalk<'_, 't> {
    fn push_children(&mut self, parent: Node<'t>, place: &Rc<MemberPlace>) {
        let first = self.todo.len();
        let children = javadoc::documented(self.text, parent).into_iter();
        self.todo.extend(children.map(|(child, doc)| (child, Rc::clone(place), doc)));
        self.todo[first..].reverse();
    }

    fn visit(&mut self, node: Node<'t>, place: &Rc<MemberPlace>) {
        if let Some(kind) = JavaKind::of_type(node.kind()) {
            return self.type_declaration(kind, node, place);
        }
        match node.kind() {
            "method_declaration" => self.function(JavaKind::Method, node, place),
            "constructor_declaration" | "compact_constructor_declaration" => {
                self.function(JavaKind::Constructor, node, place);
            }
            "annotation_type_element_declaration" => self.push(JavaKind::Element, node, node, None, place),
            "field_declaration" | "constant_declaration" => self.fields(node, place),
            "enum_constant" => {
                self.push(JavaKind::EnumConstant, node, node, None, place);
                let inside = self.inside(place, true);
                self.push_children(node, &inside);
            }
            "object_creation_expression" if class_body(node).is_some() => self.anonymous(node, place),
            "line_comment" | "block_comment" | "modifiers" => {}
            _ => self.push_children(node, place),
        }
    }

    fn type_declaration(&mut self, kind: JavaKind, node: Node<'t>, place: &Rc<MemberPlace>) {
        self.push(kind, node, node, None, place);
        let mut inside = self.last_place(place, place.is_local);
        inside.is_open = matches!(kind, JavaKind::Interface | JavaKind::Annotation);
        let inside = Rc::new(inside);
        let parameters = node.child_by_field_name("parameters").filter(|_| kind == JavaKind::Record);
        if let Some(body) = node.child_by_field_name("body") {
            self.push_children(body, &inside);
        }
        if let Some(parameters) = parameters {
            let mut cursor = parameters.walk();
            self.doc = None;
            let components: Vec<Node<'t>> = parameters.named_children(&mut cursor).collect();
            for component in components {
                if matches!(component.kind(), "formal_parameter" | "spread_parameter") {
                    self.push(JavaKind::Component, component, component, None, &inside);
                }
            }
        }
    }

    fn function(&mut self, kind: JavaKind, node: Node<'t>, place: &Rc<MemberPlace>) {
        let name = (kind == JavaKind::Constructor).then(|| CONSTRUCTOR.to_owned());
        self.push(kind, node, node, name, place);
        if let Some(body) = node.child_by_field_name("body") {
            let inside = self.inside(place, true);
            self.push_children(body, &inside);
        }
    }

    fn fields(&mut self, node: Node<'t>, place: &Rc<MemberPlace>) {
        let is_constant = node.kind() == "constant_declaration" || {
            let words = modifier_words(self.text, node);
            words.contains(&"static") && words.contains(&"final")
        };
        let kind = if is_constant { JavaKind::Constant } else { JavaKind::Field };
        let mut cursor = node.walk();
        let declarators: Vec<Node<'t>> = node.children_by_field_name("declarator", &mut cursor).collect();
        let mut values = Vec::new();
        for declarator in declarators {
            self.push(kind, declarator, node, None, place);
            if let Some(value) = declarator.child_by_field_name("value") {
                values.push((value, self.inside(place, true), None));
            }
        }
        self.todo.extend(values.into_iter().rev());
    }

    /// `new Runnable() { .. }`: named after what it is made of.
    fn anonymous(&mut self, node: Node<'t>, place: &Rc<MemberPlace>) {
        let ty = node.child_by_field_name("type").map_or("", |ty| self.source(ty));
        let name = ty.split(['<', ' ']).next().unwrap_or_default().rsplit('.').next().unwrap_or_default();
        let prefix = qualified(&place.prefix, name);
        let inside = Rc::new(MemberPlace {
            prefix: if prefix.len() > PREFIX_BYTES { "…".to_owned() } else { prefix },
            visibility: place.visibility,
            is_test: place.is_test,
            is_open: false,
            is_local: true,
        });
        let body = class_body(node);
        let mut cursor = node.walk();
        let others: Vec<Node<'t>> = node.named_children(&mut cursor).filter(|child| Some(*child) != body).collect();
        if let Some(body) = body {
            self.push_children(body, &inside);
        }
        self.todo.extend(others.into_iter().rev().map(|child| (child, Rc::clone(place), None)));
    }

    /// What surrounds the inside of the last that was found.
    fn inside(&self, place: &Rc<MemberPlace>, is_local: bool) -> Rc<MemberPlace> {
        Rc::new(self.last_place(place, is_local))
    }

    fn last_place(&self, place: &MemberPlace, is_local: bool) -> MemberPlace {
        let last = self.found.last();
        let name = last.map(|last| last.name.clone()).unwrap_or_default();
        MemberPlace {
            prefix: if name.len() > PREFIX_BYTES { "…".to_owned() } else { name },
            visibility: last.map_or(place.visibility, |last| last.visibility),
            is_test: last.is_some_and(|last| last.is_test),
            is_open: false,
            is_local: place.is_local || is_local,
        }
    }

    fn push(&mut self, kind: JavaKind, node: Node<'t>, whole: Node<'t>, name: Option<String>, place: &MemberPlace) {
        let written = node.child_by_field_name("name").or_else(|| name_of_spread(node)).map(|name| self.source(name));
        let Some(name) = name.or_else(|| written.map(str::to_owned)) else { return };
        let words = modifier_words(self.text, whole);
        let own = match kind {
            JavaKind::EnumConstant | JavaKind::Component => Visibility::Public,
            _ if words.contains(&"private") => Visibility::Private,
            _ if place.is_open || words.contains(&"public") || words.contains(&"protected") => Visibility::Public,
            _ => Visibility::Restricted,
        };
        let is_test = kind.is_code() && annotations(self.text, whole).any(is_test_annotation);
        self.found.push(JavaItem {
            kind,
            node,
            whole,
            doc: self.doc,
            name: qualified(&place.prefix, &name),
            visibility: own.min(place.visibility),
            is_test: place.is_test || is_test,
            is_local: place.is_local,
        });
    }

    fn source(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }
}

fn qualified(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// The name of `String... names`.
fn name_of_spread(node: Node<'_>) -> Option<Node<'_>> {
    let mut cursor = node.walk();
    let declarator = node.named_children(&mut cursor).find(|child| child.kind() == "variable_declarator")?;
    declarator.child_by_field_name("name")
}

/// The body of an anonymous class.
pub(super) fn class_body(node: Node<'_>) -> Option<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).find(|child| child.kind() == "class_body")
}

pub(super) fn modifiers(whole: Node<'_>) -> Option<Node<'_>> {
    let mut cursor = whole.walk();
    whole.named_children(&mut cursor).find(|child| child.kind() == "modifiers")
}

/// `public`, `static`, not annotations.
pub(super) fn modifier_words<'s>(text: &'s str, whole: Node<'_>) -> Vec<&'s str> {
    let Some(modifiers) = modifiers(whole) else { return Vec::new() };
    let mut cursor = modifiers.walk();
    let words = modifiers.children(&mut cursor).filter(|child| !child.is_named());
    words.filter_map(|word| text.get(word.byte_range())).collect()
}

/// The last names of the annotations of a declaration.
pub(super) fn annotations<'s>(text: &'s str, whole: Node<'_>) -> impl Iterator<Item = &'s str> {
    let mut names = Vec::new();
    if let Some(modifiers) = modifiers(whole) {
        let mut cursor = modifiers.walk();
        for child in modifiers.named_children(&mut cursor) {
            let name = child.child_by_field_name("name").and_then(|name| text.get(name.byte_range()));
            names.extend(name.map(|name| name.rsplit('.').next().unwrap_or(name)));
        }
    }
    names.into_iter()
}

fn is_test_annotation(name: &str) -> bool {
    matches!(name, "Test" | "ParameterizedTest" | "RepeatedTest" | "TestFactory" | "TestTemplate" | "Property")
}
