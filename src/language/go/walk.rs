//! What a Go file declares at its top, as the outline, the chunks and the analyses see it.

use tree_sitter::Node;

use super::node::{children, documentation, fields, is_exported, is_test_function, last_line, line, source, type_name};
use crate::language::{Symbol, SymbolKind, Visibility};

/// The specification that says what a constant is, the constant's place in it, and the position that `iota` counts.
pub(super) struct ConstantPlace<'t> {
    pub spec: Node<'t>,
    pub at: usize,
    pub position: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GoKind {
    Function,
    Method,
    Struct,
    Interface,
    Type,
    Constant,
    Variable,
}

/// Something that the top of a file declares.
pub(super) struct TopDeclaration<'t> {
    pub kind: GoKind,
    /// The function, or the specification.
    pub node: Node<'t>,
    /// The declaration around it.
    pub whole: Node<'t>,
    /// Name within the file: `Store.Open`.
    pub name: String,
    /// Seen outside its package, with the type that it belongs to.
    pub is_exported: bool,
    /// A test, benchmark, fuzz target or example.
    pub is_test: bool,
}

/// Everything that the top of a file declares, in the order of the text.
pub(super) fn declared<'t>(text: &str, root: Node<'t>) -> Vec<TopDeclaration<'t>> {
    let mut all = Vec::new();
    for node in children(root) {
        all.extend(declared_by(text, node));
    }
    all
}

/// What one declaration of the top declares.
pub(super) fn declared_by<'t>(text: &str, node: Node<'t>) -> Vec<TopDeclaration<'t>> {
    let named = |kind: GoKind, spec: Node<'t>, name: String| TopDeclaration {
        kind,
        node: spec,
        whole: node,
        is_exported: name.split('.').all(is_exported),
        is_test: is_test_function(text, spec),
        name,
    };
    let own = |spec: Node<'t>| spec.child_by_field_name("name").map(|name| source(text, name).to_owned());
    let mut all = Vec::new();
    match node.kind() {
        "function_declaration" => all.extend(own(node).map(|name| named(GoKind::Function, node, name))),
        "method_declaration" => {
            let receiver = receiver_type(node).and_then(|ty| type_name(text, ty)).unwrap_or_default();
            all.extend(own(node).map(|name| named(GoKind::Method, node, format!("{receiver}.{name}"))));
        }
        "type_declaration" => {
            for spec in children(node) {
                let kind = match spec.child_by_field_name("type").map(|ty| ty.kind()) {
                    Some("struct_type") => GoKind::Struct,
                    Some("interface_type") => GoKind::Interface,
                    _ => GoKind::Type,
                };
                all.extend(own(spec).map(|name| named(kind, spec, name)));
            }
        }
        "const_declaration" | "var_declaration" => {
            let kind = if node.kind() == "const_declaration" { GoKind::Constant } else { GoKind::Variable };
            for child in children(node) {
                let specs = if child.kind() == "var_spec_list" { children(child) } else { vec![child] };
                for spec in specs {
                    let names = fields(spec, "name").into_iter().filter(|name| name.kind() == "identifier");
                    all.extend(names.map(|name| named(kind, spec, source(text, name).to_owned())));
                }
            }
        }
        _ => {}
    }
    all.retain(|one| one.name != "_");
    all
}

/// The written type of a method's receiver.
pub(super) fn receiver_type(method: Node<'_>) -> Option<Node<'_>> {
    children(method.child_by_field_name("receiver")?).into_iter().next()?.child_by_field_name("type")
}

pub(super) fn symbol(text: &str, name: String, kind: SymbolKind, node: Node<'_>, signature: String) -> Symbol {
    Symbol {
        visibility: visibility(&name),
        name,
        kind,
        signature,
        start_line: line(node.start_position().row),
        end_line: last_line(node),
        doc: documentation(text, node.start_byte()).is_some(),
    }
}

/// A field, or a method of an interface.
pub(super) fn member_symbol(name: String, kind: SymbolKind, node: Node<'_>, signature: String) -> Symbol {
    let row = line(node.start_position().row);
    Symbol { visibility: visibility(&name), name, kind, signature, start_line: row, end_line: row, doc: false }
}

/// What is not exported is seen by the other files of the package.
fn visibility(name: &str) -> Visibility {
    if name.split('.').all(is_exported) { Visibility::Public } else { Visibility::Crate }
}
