//! The one walk over a C# file: types, their members, and what namespaces hold.

use std::rc::Rc;

use tree_sitter::Node;

use super::node::{
    attributes, bare, child_of, children, is_conditional, modifiers, parameter_list, parameters, source,
};
use crate::language::Visibility;
use crate::language::eval::CONSTRUCTOR;

/// Names of what encloses something stop growing here, so that hostile nesting costs linear and not quadratic memory.
const PREFIX_BYTES: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SharpKind {
    Class,
    Struct,
    Record,
    Interface,
    Enum,
    EnumMember,
    Delegate,
    Method,
    Constructor,
    Operator,
    Indexer,
    Property,
    Field,
    Constant,
    Event,
}

impl SharpKind {
    pub(super) fn is_type(self) -> bool {
        matches!(self, Self::Class | Self::Struct | Self::Record | Self::Interface | Self::Enum | Self::Delegate)
    }

    pub(super) fn is_code(self) -> bool {
        matches!(self, Self::Method | Self::Constructor | Self::Operator)
    }

    /// What a declaration of a type with members declares.
    pub(super) fn of_type(kind: &str) -> Option<Self> {
        Some(match kind {
            "class_declaration" => Self::Class,
            "struct_declaration" => Self::Struct,
            "record_declaration" => Self::Record,
            "interface_declaration" => Self::Interface,
            "enum_declaration" => Self::Enum,
            _ => return None,
        })
    }
}

/// Something that has a name.
pub(super) struct SharpItem<'t> {
    pub kind: SharpKind,
    /// The declaration with attributes and modifiers; of a field the whole declaration.
    pub node: Node<'t>,
    pub name_node: Node<'t>,
    /// Of a field, its part of the declaration.
    pub declarator: Option<Node<'t>>,
    /// Name within the file: `Store.Open`; of a constructor `Store.new`.
    pub name: String,
    pub visibility: Visibility,
    /// A test, or part of a class of tests, by the attributes of xUnit, NUnit and MSTest.
    pub is_test: bool,
    /// Of a constant of an enum, for it decides about its value.
    pub position: usize,
}

/// What surrounds a declaration.
#[derive(Clone)]
struct SharpPlace {
    prefix: String,
    /// The most that others can see of what is inside.
    visibility: Visibility,
    /// What others see of a member that does not say: those of an interface are public, those of a part of a type are seen by the others.
    unsaid: Visibility,
    is_test: bool,
}

/// Everything that has a name and stands in no body, in the order of the text.
pub(super) fn found<'t>(text: &str, root: Node<'t>) -> Vec<SharpItem<'t>> {
    let unsaid = Visibility::Crate;
    let top = SharpPlace { prefix: String::new(), visibility: Visibility::Public, unsaid, is_test: false };
    let mut walk = SharpWalk { text, found: Vec::new(), todo: Vec::new(), position: 0 };
    walk.push_children(root, &Rc::new(top));
    while let Some((node, place)) = walk.todo.pop() {
        walk.visit(node, &place);
    }
    walk.found.sort_by_key(|item| (item.node.start_byte(), item.name_node.start_byte()));
    walk.found
}

/// The walk keeps its own stack: a hostile file nests deeper than a thread's.
struct SharpWalk<'s, 't> {
    text: &'s str,
    found: Vec<SharpItem<'t>>,
    todo: Vec<(Node<'t>, Rc<SharpPlace>)>,
    /// Constants of the enum that is visited, so far.
    position: usize,
}

impl<'t> SharpWalk<'_, 't> {
    fn push_children(&mut self, parent: Node<'t>, place: &Rc<SharpPlace>) {
        let first = self.todo.len();
        self.todo.extend(children(parent).into_iter().map(|child| (child, Rc::clone(place))));
        self.todo[first..].reverse();
    }

    fn visit(&mut self, node: Node<'t>, place: &Rc<SharpPlace>) {
        if let Some(kind) = SharpKind::of_type(node.kind()) {
            return self.type_declaration(kind, node, place);
        }
        match node.kind() {
            "namespace_declaration" => {
                node.child_by_field_name("body").into_iter().for_each(|body| self.push_children(body, place));
            }
            "declaration_list" | "enum_member_declaration_list" | "ERROR" => self.push_children(node, place),
            kind if is_conditional(kind) => self.push_children(node, place),
            "enum_member_declaration" => self.enum_member(node, place),
            _ => self.member(node, place),
        }
    }

    fn type_declaration(&mut self, kind: SharpKind, node: Node<'t>, place: &Rc<SharpPlace>) {
        let Some(name) = node.child_by_field_name("name") else { return };
        self.push(kind, node, name, None, place);
        self.position = 0;
        let words = modifiers(self.text, node);
        let unsaid = match kind {
            SharpKind::Interface | SharpKind::Enum => Visibility::Public,
            _ if words.contains(&"partial") => Visibility::Restricted,
            _ => Visibility::Private,
        };
        let Some(last) = self.found.last_mut() else { return };
        last.is_test |= attributes(self.text, node).into_iter().any(is_test_class);
        let prefix = if last.name.len() > PREFIX_BYTES { "…".to_owned() } else { last.name.clone() };
        let inside = SharpPlace { prefix, visibility: last.visibility, unsaid, is_test: last.is_test };
        if kind == SharpKind::Record {
            // What is listed behind a record's name are its properties.
            let open = SharpPlace { unsaid: Visibility::Public, ..inside.clone() };
            for one in parameter_list(node).map(|list| parameters(self.text, list)).unwrap_or_default() {
                if let Some(name) = one.name {
                    self.push(SharpKind::Property, one.node, name, None, &open);
                }
            }
        }
        if let Some(body) = node.child_by_field_name("body") {
            self.push_children(body, &Rc::new(inside));
        }
    }

    fn enum_member(&mut self, node: Node<'t>, place: &SharpPlace) {
        let Some(name) = node.child_by_field_name("name") else { return };
        self.push(SharpKind::EnumMember, node, name, None, place);
        let position = self.position;
        self.position += 1;
        self.found.iter_mut().next_back().into_iter().for_each(|last| last.position = position);
    }

    fn member(&mut self, node: Node<'t>, place: &SharpPlace) {
        let named = node.child_by_field_name("name");
        match node.kind() {
            "delegate_declaration" => self.push_named(SharpKind::Delegate, node, named, place),
            "method_declaration" => self.push_explicit(SharpKind::Method, node, named, place),
            "property_declaration" => self.push_explicit(SharpKind::Property, node, named, place),
            "event_declaration" => self.push_explicit(SharpKind::Event, node, named, place),
            "constructor_declaration" => {
                let name =
                    if modifiers(self.text, node).contains(&"static") { STATIC_CONSTRUCTOR } else { CONSTRUCTOR };
                named
                    .into_iter()
                    .for_each(|node_of| self.push(SharpKind::Constructor, node, node_of, Some(name), place));
            }
            "destructor_declaration" => {
                named.into_iter().for_each(|name| self.push(SharpKind::Operator, node, name, Some("Finalize"), place));
            }
            "indexer_declaration" => {
                let list = parameter_list(node);
                list.into_iter().for_each(|list| self.push(SharpKind::Indexer, node, list, Some(INDEXER), place));
            }
            "operator_declaration" | "conversion_operator_declaration" => {
                if let Some(sign) = sign_of(node) {
                    let name = format!("operator {}", source(self.text, sign));
                    self.push(SharpKind::Operator, node, sign, Some(&name), place);
                }
            }
            "field_declaration" | "event_field_declaration" => self.fields(node, place),
            _ => {}
        }
    }

    fn fields(&mut self, node: Node<'t>, place: &SharpPlace) {
        let kind = match node.kind() {
            "event_field_declaration" => SharpKind::Event,
            _ if modifiers(self.text, node).contains(&"const") => SharpKind::Constant,
            _ => SharpKind::Field,
        };
        let declared = child_of(node, "variable_declaration").map(children).unwrap_or_default();
        for one in declared.into_iter().filter(|one| one.kind() == "variable_declarator") {
            self.push_named(kind, node, one.child_by_field_name("name"), place);
            self.found.iter_mut().next_back().into_iter().for_each(|last| last.declarator = Some(one));
        }
    }

    fn push_named(&mut self, kind: SharpKind, node: Node<'t>, name: Option<Node<'t>>, place: &SharpPlace) {
        if let Some(name) = name {
            self.push(kind, node, name, None, place);
        }
    }

    /// A member that may stand for one of an interface alone: `int IStore.Save()` is `IStore.Save`.
    fn push_explicit(&mut self, kind: SharpKind, node: Node<'t>, name: Option<Node<'t>>, place: &SharpPlace) {
        let Some(name) = name else { return };
        let interface = child_of(node, "explicit_interface_specifier").and_then(|one| one.named_child(0));
        let full = interface.map(|interface| {
            let last = interface.child_by_field_name("name").unwrap_or(interface);
            format!("{}.{}", source(self.text, bare(last)), source(self.text, name))
        });
        self.push(kind, node, name, full.as_deref(), place);
    }

    fn push(&mut self, kind: SharpKind, node: Node<'t>, name_node: Node<'t>, name: Option<&str>, place: &SharpPlace) {
        let words = modifiers(self.text, node);
        let says = |word: &str| words.contains(&word);
        let own = if says("public") || says("protected") && !says("private") {
            Visibility::Public
        } else if says("internal") || says("protected") {
            Visibility::Crate
        } else if says("private") {
            place.unsaid.min(Visibility::Restricted)
        } else if says("file") {
            Visibility::Private
        } else {
            place.unsaid
        };
        let is_test = kind == SharpKind::Method && attributes(self.text, node).into_iter().any(is_test_attribute);
        self.found.push(SharpItem {
            kind,
            node,
            name_node,
            declarator: None,
            name: qualified(&place.prefix, name.unwrap_or(source(self.text, bare(name_node)))),
            visibility: own.min(place.visibility),
            is_test: is_test || place.is_test,
            position: 0,
        });
    }
}

/// The names under which indexers and what runs once for a type are bound.
pub(super) const INDEXER: &str = "this[]";
pub(super) const STATIC_CONSTRUCTOR: &str = "static new";

/// What an operator is called by: its sign, or the type to which it converts.
pub(super) fn sign_of(node: Node<'_>) -> Option<Node<'_>> {
    node.child_by_field_name("operator").or_else(|| node.child_by_field_name("type"))
}

fn qualified(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// xUnit, NUnit, MSTest.
pub(super) fn is_test_attribute(name: &str) -> bool {
    let name = name.strip_suffix("Attribute").unwrap_or(name);
    matches!(
        name,
        "Fact" | "Theory" | "Test" | "TestCase" | "TestCaseSource" | "TestMethod" | "DataTestMethod" | "Property"
    )
}

fn is_test_class(name: &str) -> bool {
    matches!(name.strip_suffix("Attribute").unwrap_or(name), "TestFixture" | "TestClass" | "SetUpFixture")
}
