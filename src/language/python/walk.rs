//! The one walk over a Python file: classes, functions, and what is assigned in a module, a class or to `self`.

use std::rc::Rc;

use tree_sitter::Node;

/// Names of what encloses something stop growing here, so that hostile nesting costs linear and not quadratic memory.
const PREFIX_BYTES: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Class,
    Function,
    /// A function that belongs to a class.
    Method,
    /// `type X = ..`
    Alias,
    /// Assigned in the module.
    Variable,
    /// Assigned in a class, or to `self` in a method.
    Attribute,
}

/// Something that has a name.
pub(super) struct NamedNode<'t> {
    pub kind: Kind,
    /// The definition or assignment itself.
    pub node: Node<'t>,
    /// The same with its decorators.
    pub whole: Node<'t>,
    /// Name within the file: `Store.open`.
    pub name: String,
    /// Others may use it: neither it nor what encloses it starts with an underscore.
    pub is_public: bool,
    /// A test, or part of one, as pytest collects them.
    pub is_test: bool,
    /// It ends with the call of a function.
    pub is_local: bool,
}

/// What surrounds a statement.
struct StatementPlace {
    prefix: String,
    is_public: bool,
    is_test: bool,
    is_class: bool,
    is_local: bool,
    /// The class that `self` is of.
    class: Option<String>,
}

/// Everything that has a name, in the order of the text, what it contains behind it.
pub(super) fn found<'t>(text: &str, root: Node<'t>) -> Vec<NamedNode<'t>> {
    let top = StatementPlace {
        prefix: String::new(),
        is_public: true,
        is_test: false,
        is_class: false,
        is_local: false,
        class: None,
    };
    let mut walk = DefinitionWalk { text, found: Vec::new(), todo: Vec::new() };
    walk.push_children(root, &Rc::new(top));
    while let Some((node, place)) = walk.todo.pop() {
        walk.visit(node, &place);
    }
    walk.found
}

/// The walk keeps its own stack: a hostile file nests deeper than a thread's.
struct DefinitionWalk<'s, 't> {
    text: &'s str,
    found: Vec<NamedNode<'t>>,
    todo: Vec<(Node<'t>, Rc<StatementPlace>)>,
}

impl<'t> DefinitionWalk<'_, 't> {
    fn push_children(&mut self, parent: Node<'t>, place: &Rc<StatementPlace>) {
        let first = self.todo.len();
        let mut cursor = parent.walk();
        self.todo.extend(parent.named_children(&mut cursor).map(|child| (child, Rc::clone(place))));
        self.todo[first..].reverse();
    }

    fn visit(&mut self, node: Node<'t>, place: &Rc<StatementPlace>) {
        match node.kind() {
            "decorated_definition" => {
                if let Some(inner) = node.child_by_field_name("definition") {
                    self.definition(inner, node, place);
                }
            }
            "function_definition" | "class_definition" => self.definition(node, node, place),
            "type_alias_statement" => {
                if let Some(name) = node.named_child(0) {
                    let name = signature_name(self.text, name);
                    self.push(Kind::Alias, node, node, &name, place);
                }
            }
            "expression_statement" => self.assignments(node, place),
            kind if is_compound(kind) => self.push_children(node, place),
            _ => {}
        }
    }

    fn definition(&mut self, node: Node<'t>, whole: Node<'t>, place: &Rc<StatementPlace>) {
        let Some(name) = node.child_by_field_name("name").map(|name| self.source(name).to_owned()) else { return };
        let is_class = node.kind() == "class_definition";
        let kind = match (is_class, place.is_class) {
            (true, _) => Kind::Class,
            (false, true) => Kind::Method,
            (false, false) => Kind::Function,
        };
        let bases = node.child_by_field_name("superclasses").map_or("", |bases| self.source(bases));
        let is_test = if is_class {
            name.starts_with("Test") || bases.contains("TestCase")
        } else {
            name == "test" || name.starts_with("test_")
        };
        self.push(kind, node, whole, &name, place);
        let Some(found) = self.found.last_mut() else { return };
        found.is_test |= is_test;
        let inside = StatementPlace {
            prefix: if found.name.len() > PREFIX_BYTES { "…".to_owned() } else { found.name.clone() },
            is_public: found.is_public,
            is_test: found.is_test,
            is_class,
            is_local: place.is_local || !is_class,
            class: match kind {
                Kind::Class => None,
                Kind::Method => Some(place.prefix.clone()),
                _ => place.class.clone(),
            },
        };
        if let Some(body) = node.child_by_field_name("body") {
            self.push_children(body, &Rc::new(inside));
        }
    }

    fn assignments(&mut self, statement: Node<'t>, place: &Rc<StatementPlace>) {
        let Some(node) = statement.named_child(0).filter(|node| node.kind() == "assignment") else { return };
        let Some(left) = node.child_by_field_name("left") else { return };
        match left.kind() {
            "identifier" if !place.is_local => {
                let kind = if place.is_class { Kind::Attribute } else { Kind::Variable };
                let name = self.source(left).to_owned();
                self.push(kind, node, statement, &name, place);
            }
            "attribute" => {
                let of_self = left.child_by_field_name("object").is_some_and(|object| self.source(object) == "self");
                let name = left.child_by_field_name("attribute").map(|name| self.source(name).to_owned());
                if let (true, Some(class), Some(name)) = (of_self, &place.class, name) {
                    let full_name = format!("{class}.{name}");
                    if !self.found.iter().rev().take_while(|one| one.name != *class).any(|one| one.name == full_name) {
                        let is_public = !is_private(&name) && !class.split('.').any(is_private);
                        let is_test = place.is_test;
                        let kind = Kind::Attribute;
                        self.found.push(NamedNode {
                            kind,
                            node,
                            whole: statement,
                            name: full_name,
                            is_public,
                            is_test,
                            is_local: false,
                        });
                    }
                }
            }
            _ => {}
        }
    }

    fn push(&mut self, kind: Kind, node: Node<'t>, whole: Node<'t>, name: &str, place: &StatementPlace) {
        self.found.push(NamedNode {
            kind,
            node,
            whole,
            name: if place.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", place.prefix) },
            is_public: place.is_public && !place.is_local && !is_private(name),
            is_test: place.is_test,
            is_local: place.is_local,
        });
    }

    fn source(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }
}

fn signature_name(text: &str, node: Node<'_>) -> String {
    let name = text.get(node.byte_range()).unwrap_or_default();
    name.split(['[', ' ']).next().unwrap_or_default().to_owned()
}

/// `_name`, not `__init__`.
fn is_private(name: &str) -> bool {
    name.starts_with('_') && !(name.starts_with("__") && name.ends_with("__"))
}

/// Statements that hold statements, and what they hold them in.
pub(super) fn is_compound(kind: &str) -> bool {
    matches!(
        kind,
        "if_statement"
            | "try_statement"
            | "with_statement"
            | "for_statement"
            | "while_statement"
            | "match_statement"
            | "else_clause"
            | "elif_clause"
            | "except_clause"
            | "finally_clause"
            | "case_clause"
            | "block"
            | "ERROR"
    )
}

/// The string that documents a module, class or function: its first statement.
pub(super) fn docstring<'t>(body: Node<'t>) -> Option<Node<'t>> {
    let mut cursor = body.walk();
    let first = body.named_children(&mut cursor).find(|child| child.kind() != "comment")?;
    let only =
        first.named_child(0).filter(|_| first.kind() == "expression_statement" && first.named_child_count() == 1);
    only.filter(|node| matches!(node.kind(), "string" | "concatenated_string"))
}

/// The words of a docstring, its common indentation taken off (PEP 257, "Handling Docstring Indentation").
pub(super) fn documentation(text: &str, string: Node<'_>) -> String {
    let written = text.get(string.byte_range()).unwrap_or_default();
    let body = written.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| body.starts_with(quote)).unwrap_or_default();
    let body = body.strip_prefix(quote).unwrap_or(body);
    let body = body.strip_suffix(quote).unwrap_or(body);
    let indent = |line: &str| line.len() - line.trim_start().len();
    let margin = body.lines().skip(1).filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let first = body.lines().take(1).map(str::trim);
    let rest = body.lines().skip(1).map(|line| line.get(margin..).unwrap_or_default().trim_end());
    first.chain(rest).collect::<Vec<_>>().join("\n").trim().to_owned()
}
