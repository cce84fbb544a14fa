//! The top of a file and of its namespaces: directives, and what stands in them.

use tree_sitter::Node;

use super::super::node::{child_of, children, is_conditional, line, operands, type_parameters};
use super::super::project::{DECLARES, FRIEND, GIVEN, OWN_PROJECT, WRITTEN_IN, declared_namespaces};
use super::super::walk::SharpKind;
use super::{DIRECTIVES, GLOBAL, SharpLowering, SharpSite, dotted};
use crate::language::eval::facts::{
    BindingKind, Export, Exported, FactScope, FactScopeId, FactScopeKind, Flags, ImportFact, ImportId, ImportWhat,
    TextId,
};

/// Names of namespaces stop growing here, so that hostile nesting costs linear and not quadratic memory.
const NAMESPACE_BYTES: usize = 1_000;

impl<'t> SharpLowering<'t> {
    pub(super) fn unit(&mut self, root: Node<'t>) {
        self.facts.scopes.push(FactScope { parent: None, kind: FactScopeKind::Module, owner: None });
        let global = self.text_id("");
        self.scope(DIRECTIVES, FactScopeKind::Package(global), None);
        // What its project decides, and what the global namespace has, may concern every file.
        self.import(root, OWN_PROJECT, ImportWhat::Nothing, true);
        self.import(root, "", ImportWhat::Nothing, true);
        self.declarations(children(root), GLOBAL);
        let namespaces = declared_namespaces(&self.facts);
        let declared: Vec<String> = namespaces.into_iter().map(|name| format!("{DECLARES}{name}\n")).collect();
        let said = self.manifest.iter().map(|line| format!("{line}\n"));
        self.facts.manifest = Some(declared.into_iter().chain(said).collect());
    }

    /// What stands at the top or in a namespace; a file-scoped namespace holds all that follows it.
    fn declarations(&mut self, nodes: Vec<Node<'t>>, scope: FactScopeId) {
        let mut rest = nodes.into_iter();
        // Statements at the top are one body.
        let mut body = None;
        while let Some(node) = rest.next() {
            match node.kind() {
                "file_scoped_namespace_declaration" => {
                    let rest: Vec<Node<'t>> = rest.collect();
                    return self.namespace(node, rest, scope);
                }
                "global_statement" => {
                    let block =
                        *body.get_or_insert_with(|| SharpSite::at(self.scope(scope, FactScopeKind::Function, None)));
                    operands(node).into_iter().for_each(|one| {
                        self.deeper(|this| this.statement(one, block));
                    });
                }
                _ => drop(self.deeper(|this| this.declaration(node, scope))),
            }
        }
    }

    fn declaration(&mut self, node: Node<'t>, scope: FactScopeId) {
        let site = SharpSite::at(scope);
        match node.kind() {
            "using_directive" => self.using(node, scope),
            "namespace_declaration" => {
                let inside = node.child_by_field_name("body").map(children).unwrap_or_default();
                self.namespace(node, inside, scope);
            }
            "global_attribute" => self.assembly_attribute(node, site),
            "attribute_list" => drop(self.attribute_list(node, site)),
            "delegate_declaration" => self.delegate(node, site),
            "declaration_list" | "ERROR" => self.declarations(children(node), scope),
            kind if is_conditional(kind) => self.declarations(children(node), scope),
            kind if SharpKind::of_type(kind).is_some() => self.type_declaration(node, site),
            _ => self.member(node, site),
        }
    }

    fn namespace(&mut self, node: Node<'t>, inside: Vec<Node<'t>>, scope: FactScopeId) {
        let written = node.child_by_field_name("name").map_or("", |name| self.source(name));
        let around = self.namespace.clone();
        let mut scope = scope;
        for part in dotted(written).split('.').filter(|part| !part.is_empty()) {
            if self.namespace.len() > NAMESPACE_BYTES {
                break;
            }
            if !self.namespace.is_empty() {
                self.namespace.push('.');
            }
            self.namespace.push_str(part);
            let namespace = self.namespace.clone();
            self.import(node, &namespace, ImportWhat::Nothing, true);
            let text = self.text_id(&namespace);
            scope = self.scope(scope, FactScopeKind::Package(text), None);
        }
        self.declarations(inside, scope);
        self.namespace = around;
    }

    /// `using A.B;`, `using static A.B;`, `using X = A.B;`, each of them `global` or not.
    fn using(&mut self, node: Node<'t>, scope: FactScopeId) {
        let Some(named) = children(node).into_iter().next_back() else { return };
        let is_global = child_of(node, "global").is_some();
        if let Some(alias) = node.child_by_field_name("name").filter(|alias| alias.id() != named.id()) {
            let value = self.type_or_namespace(named, SharpSite::at(scope));
            let name = self.type_name_of(named);
            self.import_here(node, &name, ImportWhat::Nothing, true);
            let binding = self.bind(alias, self.source(alias), DIRECTIVES, BindingKind::Alias);
            self.with(binding, |binding| binding.values = vec![value]);
            if is_global {
                self.flag(binding, Flags::EXPORTED);
                let name = self.text_id(self.source(alias));
                self.hand_on(name, Exported::Local(name), node);
                self.manifest.insert(format!("{GIVEN}{}", dotted(self.source(node))));
            }
            return;
        }
        let name = self.type_name_of(named);
        let is_static = child_of(node, "static").is_some();
        let import = self.import_here(node, &name, ImportWhat::All, !is_static);
        if is_global {
            let empty = self.text_id("");
            self.hand_on(empty, Exported::From(import), node);
            self.manifest.insert(format!("{GIVEN}{name} {is_static}"));
        }
    }

    /// A dotted name with the number of type arguments that it is given: `A.B`1` of `A.B<C>`.
    fn type_name_of(&self, node: Node<'t>) -> String {
        let mut name = String::new();
        for part in dotted(self.source(node)).split('.') {
            let (bare, list) = part.split_once('<').unwrap_or((part, ""));
            let count = if list.is_empty() { 0 } else { list.matches(',').count() + 1 };
            let separator = if name.is_empty() { "" } else { "." };
            name.push_str(&format!("{separator}{}", super::with_arity(bare, count)));
        }
        name
    }

    fn hand_on(&mut self, name: TextId, of: Exported, node: Node<'_>) {
        let line = line(node.start_position().row);
        self.facts.exports.push(Export { name, of, is_type_only: false, symbol: None, line });
    }

    /// An import that is written in the namespace around, where it may begin anew.
    fn import_here(&mut self, node: Node<'_>, name: &str, what: ImportWhat, is_type_only: bool) -> ImportId {
        // Each part is a name that is looked up.
        name.split('.').for_each(|part| {
            self.text_id(part);
        });
        let specifier =
            if self.namespace.is_empty() { name.to_owned() } else { format!("{}{WRITTEN_IN}{name}", self.namespace) };
        self.import(node, &specifier, what, is_type_only)
    }

    fn import(&mut self, node: Node<'_>, specifier: &str, what: ImportWhat, is_type_only: bool) -> ImportId {
        let specifier = self.text_id(specifier);
        let line = line(node.start_position().row);
        self.facts.imports.push(ImportFact { scope: DIRECTIVES, specifier, what, binding: None, is_type_only, line });
        self.facts.imports.len() as ImportId - 1
    }

    /// Notes a dotted name that may begin with a namespace: who is not yet evaluated is found by it.
    pub(super) fn mention(&mut self, node: Node<'_>, name: &str) {
        if name.contains('.') && self.mentioned.insert(format!("{}:{name}", self.namespace)) {
            self.import_here(node, name, ImportWhat::Nothing, true);
        }
    }

    /// `[assembly: InternalsVisibleTo("Shop.Tests")]`
    fn assembly_attribute(&mut self, node: Node<'t>, site: SharpSite) {
        for attribute in children(node).into_iter().filter(|child| child.kind() == "attribute") {
            self.attribute(attribute, site);
            let name = attribute.child_by_field_name("name").map_or("", |name| self.source(name));
            let argument = child_of(attribute, "attribute_argument_list").and_then(|list| list.named_child(0));
            let friend = argument.map(|argument| self.source(argument).trim_matches(['"', '@', '$']));
            if let Some(friend) = friend.filter(|_| name.contains("InternalsVisibleTo")) {
                self.manifest.insert(format!("{FRIEND}{friend}"));
            }
        }
    }

    /// How many type parameters a declaration has.
    pub(super) fn arity(node: Node<'_>) -> usize {
        type_parameters(node).len()
    }
}
