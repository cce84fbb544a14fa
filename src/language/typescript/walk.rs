//! The one walk over a script: what it names, with its place in the file. Tests, which have a title and no name, are among them.

mod assigned;

use std::collections::BTreeSet;
use std::rc::Rc;

use tree_sitter::Node;

use super::node::{bound_names, constructors, exported, is_in_block, is_private, test_title};
use super::source::Script;

pub(super) use super::node::{children, is_exports, is_function, of, property_name, unwrapped};

/// Names of what encloses something stop growing here, so that hostile nesting costs linear and not quadratic memory.
const PREFIX_BYTES: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeclaredKind {
    Class,
    Interface,
    Enum,
    Variant,
    Alias,
    Namespace,
    Function,
    /// A function that belongs to a class, a type or an object.
    Method,
    Constant,
    Variable,
    Field,
    /// `it("title", ..)`, `describe("title", ..)`
    Test,
    /// A function without a name, or one that is not found by its name.
    Anonymous,
}

/// Something that has a name.
pub(super) struct Declared<'t> {
    pub kind: DeclaredKind,
    /// The declaration itself: a variable's declarator, a function, a member.
    pub node: Node<'t>,
    /// The same with `export` and decorators.
    pub whole: Node<'t>,
    /// The function, if it is one.
    pub function: Option<Node<'t>>,
    /// Name within the file: `Store.open`.
    pub name: String,
    /// Its own: `open`.
    pub own: String,
    /// Others may use it.
    pub is_public: bool,
    pub is_default: bool,
    pub is_test: bool,
    /// It ends with the call of a function.
    pub is_local: bool,
}

/// What surrounds a node.
#[derive(Clone)]
struct ScriptPlace<'t> {
    prefix: String,
    is_public: bool,
    is_default: bool,
    is_test: bool,
    is_local: bool,
    /// A statement that carries `export` and decorators.
    whole: Option<Node<'t>>,
    /// Members of a class, type or object stand here.
    is_body: bool,
    /// The class that `this` is of, and whether it is public.
    class: Option<Rc<(String, bool)>>,
}

/// Everything that has a name, in the order of the text, what it contains behind it.
pub(super) fn declared<'t>(script: &'t Script<'_>) -> Vec<Declared<'t>> {
    let statements = script.statements();
    let top = ScriptPlace {
        prefix: String::new(),
        is_public: false,
        is_default: false,
        is_test: false,
        is_local: false,
        whole: None,
        is_body: false,
        class: None,
    };
    let exported = exported(script.text, &statements);
    let constructors = constructors(script.text, &statements);
    let (found, todo) = (Vec::new(), Vec::new());
    let mut walk = DeclarationWalk { text: script.text, exported, constructors, is_script: true, found, todo };
    walk.is_script = !statements.iter().any(|node| matches!(node.kind(), "import_statement" | "export_statement"))
        && walk.exported.is_empty();
    let top = Rc::new(top);
    walk.todo.extend(statements.into_iter().rev().map(|node| (node, Rc::clone(&top))));
    while let Some((node, place)) = walk.todo.pop() {
        walk.visit(node, &place);
    }
    walk.found
}

/// The walk keeps its own stack: a hostile file nests deeper than a thread's.
struct DeclarationWalk<'s, 't> {
    text: &'s str,
    exported: BTreeSet<&'s str>,
    /// Functions that are used as classes.
    constructors: BTreeSet<&'s str>,
    /// It exports nothing, so that all its declarations are those of the page, or of the whole program.
    is_script: bool,
    found: Vec<Declared<'t>>,
    todo: Vec<(Node<'t>, Rc<ScriptPlace<'t>>)>,
}

impl<'s, 't> DeclarationWalk<'s, 't> {
    fn push_children(&mut self, parent: Node<'t>, place: &Rc<ScriptPlace<'t>>) {
        let first = self.todo.len();
        let mut cursor = parent.walk();
        self.todo.extend(parent.named_children(&mut cursor).map(|child| (child, Rc::clone(place))));
        self.todo[first..].reverse();
    }

    fn visit(&mut self, node: Node<'t>, place: &Rc<ScriptPlace<'t>>) {
        use DeclaredKind::{Alias, Class, Enum, Field, Function, Interface, Method, Namespace};
        match node.kind() {
            "export_statement" => self.export(node, place),
            "ambient_declaration" => {
                let whole = place.whole.unwrap_or(node);
                self.push_children(node, &Rc::new(ScriptPlace { whole: Some(whole), ..(**place).clone() }));
            }
            "function_declaration" | "generator_function_declaration" | "function_signature" => {
                self.function(Function, node, node, place);
            }
            "class_declaration" | "abstract_class_declaration" => self.named(Class, node, place),
            "interface_declaration" => self.named(Interface, node, place),
            "enum_declaration" => self.named(Enum, node, place),
            "type_alias_declaration" => self.named(Alias, node, place),
            "internal_module" | "module" => self.named(Namespace, node, place),
            "variable_declarator" => self.variable(node, place),
            "method_definition" | "method_signature" | "abstract_method_signature" => {
                self.function(Method, node, node, place);
            }
            "public_field_definition" | "field_definition" | "property_signature" | "pair" => {
                self.field(node, place);
            }
            "enum_body" => {
                for variant in children(node) {
                    match variant.kind() {
                        "enum_assignment" => self.push_named(DeclaredKind::Variant, variant, place),
                        "comment" => {}
                        _ => {
                            let name = property_name(self.text, variant).to_owned();
                            self.push(DeclaredKind::Variant, variant, None, &name, place);
                        }
                    }
                }
            }
            "shorthand_property_identifier" if place.is_body && !place.is_local => {
                let name = of(self.text, node).to_owned();
                self.push(Field, node, None, &name, place);
            }
            "assignment_expression" => self.assigned(node, place),
            "arrow_function" | "function_expression" | "generator_function" => {
                self.push(DeclaredKind::Anonymous, node, Some(node), "", place);
                self.body(node, String::new(), place);
            }
            "call_expression" => self.call(node, place),
            "comment" | "string" | "template_string" | "import_statement" => {}
            _ => self.push_children(node, place),
        }
    }

    fn export(&mut self, node: Node<'t>, place: &Rc<ScriptPlace<'t>>) {
        let mut cursor = node.walk();
        let is_default = node.children(&mut cursor).any(|child| child.kind() == "default");
        let inside = ScriptPlace { is_public: true, is_default, whole: Some(node), ..(**place).clone() };
        let inside = Rc::new(inside);
        if let Some(declaration) = node.child_by_field_name("declaration") {
            if is_default && declaration.child_by_field_name("name").is_none() {
                self.value(DeclaredKind::Constant, declaration, declaration, "default", &inside);
            } else {
                self.visit(declaration, &inside);
            }
        } else if let Some(value) = node.child_by_field_name("value") {
            if value.kind() != "identifier" {
                self.value(DeclaredKind::Constant, value, value, "default", &inside);
            }
        } else {
            self.push_children(node, place);
        }
    }

    fn name_of(&self, node: Node<'t>) -> Option<String> {
        let name = node
            .child_by_field_name("name")
            .or_else(|| node.child_by_field_name("property"))
            .or_else(|| node.child_by_field_name("key"))?;
        Some(property_name(self.text, name).to_owned())
    }

    fn named(&mut self, kind: DeclaredKind, node: Node<'t>, place: &Rc<ScriptPlace<'t>>) {
        let Some(name) = self.name_of(node) else { return self.push_children(node, place) };
        self.push(kind, node, None, &name, place);
        let inside = self.inside(place, kind != DeclaredKind::Namespace);
        for child in children(node).filter(|child| Some(*child) != node.child_by_field_name("name")) {
            let of_type = matches!(kind, DeclaredKind::Alias) && child.kind() == "object_type";
            let is_body = of_type || child.kind().ends_with("_body") || child.kind() == "statement_block";
            self.todo.push((child, if is_body { Rc::clone(&inside) } else { self.hidden(place) }));
        }
    }

    fn push_named(&mut self, kind: DeclaredKind, node: Node<'t>, place: &Rc<ScriptPlace<'t>>) {
        if let Some(name) = self.name_of(node) {
            self.push(kind, node, None, &name, place);
        }
    }

    /// The place inside what was found last.
    fn inside(&self, place: &ScriptPlace<'t>, is_body: bool) -> Rc<ScriptPlace<'t>> {
        let (prefix, is_public, is_test) = match self.found.last() {
            Some(last) if last.name.len() > PREFIX_BYTES => ("…".to_owned(), last.is_public, last.is_test),
            Some(last) => (last.name.clone(), last.is_public, last.is_test),
            None => (String::new(), false, false),
        };
        Rc::new(ScriptPlace {
            prefix,
            is_public,
            is_default: false,
            is_test,
            is_local: place.is_local,
            whole: None,
            is_body,
            class: self
                .found
                .last()
                .filter(|last| last.kind == DeclaredKind::Class && !place.is_local)
                .map(|last| Rc::new((last.name.clone(), last.is_public))),
        })
    }

    /// The place of what no name leads to: parameters, heritage, arguments.
    fn hidden(&self, place: &ScriptPlace<'t>) -> Rc<ScriptPlace<'t>> {
        Rc::new(ScriptPlace { is_local: true, is_body: false, whole: None, is_default: false, ..place.clone() })
    }

    fn function(&mut self, kind: DeclaredKind, node: Node<'t>, function: Node<'t>, place: &Rc<ScriptPlace<'t>>) {
        let Some(name) = self.name_of(node) else { return };
        let kind = if place.is_body || kind == DeclaredKind::Function { kind } else { DeclaredKind::Anonymous };
        self.push(kind, node, Some(function), &name, place);
        if name == "constructor" && place.is_body {
            self.parameter_properties(function, place);
        }
        let name = self.found.last().map(|last| last.name.clone()).unwrap_or_default();
        let place = &self.of_constructor(place);
        self.body(function, name, place);
    }

    /// `constructor(private readonly store: Store)`
    fn parameter_properties(&mut self, function: Node<'t>, place: &Rc<ScriptPlace<'t>>) {
        for parameter in function.child_by_field_name("parameters").into_iter().flat_map(children) {
            let mut cursor = parameter.walk();
            let is_property = parameter
                .children(&mut cursor)
                .any(|child| matches!(child.kind(), "accessibility_modifier" | "override_modifier" | "readonly"));
            let pattern = parameter.child_by_field_name("pattern").filter(|name| name.kind() == "identifier");
            if let (true, Some(name)) = (is_property, pattern) {
                let name = of(self.text, name).to_owned();
                self.push(DeclaredKind::Field, parameter, None, &name, place);
            }
        }
    }

    /// What a function contains is local to it.
    fn body(&mut self, function: Node<'t>, prefix: String, place: &Rc<ScriptPlace<'t>>) {
        let prefix = match prefix {
            own if own.len() > PREFIX_BYTES => "…".to_owned(),
            own if own.is_empty() => place.prefix.clone(),
            own => own,
        };
        let inside = Rc::new(ScriptPlace {
            prefix,
            is_public: false,
            is_default: false,
            is_local: true,
            is_test: place.is_test,
            whole: None,
            is_body: false,
            class: place.class.clone(),
        });
        let name = function.child_by_field_name("name");
        let parts: Vec<_> = children(function).filter(|part| Some(*part) != name).collect();
        self.todo.extend(parts.into_iter().rev().map(|part| (part, Rc::clone(&inside))));
    }

    fn variable(&mut self, node: Node<'t>, place: &Rc<ScriptPlace<'t>>) {
        let declaration = node.parent().unwrap_or(node);
        let is_constant = declaration.child(0).is_some_and(|first| first.kind() == "const");
        let kind = if is_constant { DeclaredKind::Constant } else { DeclaredKind::Variable };
        let mut inner = ScriptPlace { whole: Some(place.whole.unwrap_or(declaration)), ..(**place).clone() };
        inner.is_local |= is_in_block(declaration);
        let place = &Rc::new(inner);
        let Some(name) = node.child_by_field_name("name") else { return };
        if name.kind() != "identifier" {
            for bound in bound_names(name) {
                let name = of(self.text, bound).to_owned();
                self.push(kind, node, None, &name, place);
            }
            let hidden = self.hidden(place);
            return self.todo.extend(node.child_by_field_name("value").map(|value| (value, hidden)));
        }
        let name = of(self.text, name).to_owned();
        match node.child_by_field_name("value") {
            Some(value) => self.value(kind, node, value, &name, place),
            None => self.push(kind, node, None, &name, place),
        }
    }

    /// A name for a value: a function, a class, an object with members, or something else.
    fn value(&mut self, kind: DeclaredKind, node: Node<'t>, value: Node<'t>, name: &str, place: &Rc<ScriptPlace<'t>>) {
        let value = unwrapped(value);
        match value.kind() {
            "arrow_function" | "function_expression" | "generator_function" | "function_declaration" => {
                let kind = if kind == DeclaredKind::Field { DeclaredKind::Method } else { DeclaredKind::Function };
                self.push(kind, node, Some(value), name, place);
                let full = self.found.last().map(|last| last.name.clone()).unwrap_or_default();
                let place = &self.of_constructor(place);
                self.body(value, full, place);
            }
            "class" | "class_declaration" => {
                self.push(DeclaredKind::Class, node, None, name, place);
                let inside = self.inside(place, true);
                self.todo.extend(value.child_by_field_name("body").map(|body| (body, inside)));
            }
            "object" => {
                self.push(kind, node, None, name, place);
                let inside = self.inside(place, true);
                self.push_children(value, &inside);
            }
            _ => {
                self.push(kind, node, None, name, place);
                let hidden = self.hidden(place);
                self.todo.push((value, hidden));
            }
        }
    }

    fn field(&mut self, node: Node<'t>, place: &Rc<ScriptPlace<'t>>) {
        let value = node.child_by_field_name("value");
        let Some(name) = self.name_of(node).filter(|_| place.is_body) else {
            if let (Some(value), Some(name)) =
                (value.map(unwrapped).filter(|value| is_function(*value)), self.name_of(node))
            {
                self.push(DeclaredKind::Anonymous, node, Some(value), &name, place);
                return self.body(value, name, place);
            }
            return self.push_children(node, place);
        };
        match value {
            Some(value) => self.value(DeclaredKind::Field, node, value, &name, place),
            None => {
                self.push(DeclaredKind::Field, node, None, &name, place);
                let object = node.child_by_field_name("type").and_then(|ty| ty.named_child(0));
                if let Some(object) = object.filter(|object| object.kind() == "object_type") {
                    let inside = self.inside(place, true);
                    self.push_children(object, &inside);
                }
            }
        }
    }

    fn call(&mut self, node: Node<'t>, place: &Rc<ScriptPlace<'t>>) {
        if self.prototype_call(node, place) {
            return;
        }
        let callee = node.child_by_field_name("function").map(|callee| of(self.text, callee)).unwrap_or_default();
        let title = test_title(self.text, node, callee);
        let Some(title) = title.filter(|_| place.is_test || !place.is_local) else {
            let hidden = self.hidden(place);
            return self.push_children(node, &hidden);
        };
        let body = node.child_by_field_name("arguments").into_iter().flat_map(children).find(|one| is_function(*one));
        let mut whole = (**place).clone();
        whole.whole = node.parent().filter(|parent| parent.kind() == "expression_statement");
        whole.is_local = true;
        whole.is_test = true;
        self.push(DeclaredKind::Test, node, body, &title, &Rc::new(whole));
        if let Some(body) = body {
            let name = self.found.last().map(|last| last.name.clone()).unwrap_or_default();
            let inside = ScriptPlace { is_test: true, ..(**place).clone() };
            self.body(body, name, &Rc::new(inside));
        }
    }

    fn push(
        &mut self,
        kind: DeclaredKind,
        node: Node<'t>,
        function: Option<Node<'t>>,
        name: &str,
        place: &ScriptPlace<'t>,
    ) {
        let is_top = place.prefix.is_empty();
        let is_listed = is_top && !place.is_local && (self.is_script || self.exported.contains(name));
        let is_hidden = name.starts_with('#') || is_private(node);
        let own = name.to_owned();
        let name = match (is_top, name.is_empty()) {
            (true, _) => name.to_owned(),
            (_, true) => place.prefix.clone(),
            _ if kind == DeclaredKind::Test => format!("{} > {name}", place.prefix),
            _ => format!("{}.{name}", place.prefix),
        };
        self.found.push(Declared {
            kind,
            node,
            whole: place.whole.unwrap_or(node),
            function,
            name,
            own,
            is_public: (place.is_public || is_listed) && !place.is_local && !is_hidden,
            is_default: place.is_default,
            is_test: place.is_test,
            is_local: place.is_local || kind == DeclaredKind::Anonymous,
        });
    }
}
