//! The top of a file: its package, imports and types.

use tree_sitter::Node;

use super::super::outline::line;
use super::super::walk::JavaKind;
use super::{JavaLowering, JavaSite, child_of, children, dotted};
use crate::language::eval::facts::{BindingKind, FactScope, FactScopeKind, ImportFact, ImportId, ImportWhat};

impl JavaLowering<'_> {
    pub(super) fn unit(&mut self, root: Node<'_>) {
        let parts = children(root);
        let clause = parts.iter().copied().find(|child| child.kind() == "package_declaration");
        let package = clause.and_then(|clause| self.name_of(clause)).unwrap_or_default();
        let text = self.text_id(&package);
        self.facts.scopes.push(FactScope { parent: None, kind: FactScopeKind::Package(text), owner: None });
        self.facts.manifest = Some(package.clone());
        self.import(root, &package, ImportWhat::All, true);
        for &import in parts.iter().filter(|child| child.kind() == "import_declaration") {
            self.import_declaration(import);
        }
        self.import(root, "java.lang", ImportWhat::All, true);
        let site = JavaSite::at(0);
        for part in parts {
            match part.kind() {
                "import_declaration" => {}
                "package_declaration" => self.annotations(part, site),
                "module_declaration" => self.module(part, site),
                _ => self.at_top(part, site),
            }
        }
    }

    /// A type, or what is left of one in a broken passage.
    fn at_top(&mut self, node: Node<'_>, site: JavaSite) {
        self.deeper(|this| {
            if node.is_error() {
                children(node).into_iter().for_each(|part| this.at_top(part, site));
            } else if JavaKind::of_type(node.kind()).is_some() {
                this.type_declaration(node, site);
            } else {
                this.member(node, site);
            }
        });
    }

    /// The dotted name of a package clause or an import.
    fn name_of(&self, node: Node<'_>) -> Option<String> {
        let name =
            children(node).into_iter().find(|child| matches!(child.kind(), "identifier" | "scoped_identifier"))?;
        Some(dotted(self.source(name)))
    }

    fn import_declaration(&mut self, node: Node<'_>) {
        let Some(name) = self.name_of(node) else { return };
        let is_type_only = child_of(node, "static").is_none();
        if child_of(node, "asterisk").is_some() {
            self.import(node, &name, ImportWhat::All, is_type_only);
        } else if let Some((container, last)) = name.rsplit_once('.') {
            let text = self.text_id(last);
            let import = self.import(node, container, ImportWhat::Name(text), is_type_only);
            let binding = self.bind(node, last, 0, BindingKind::Import(import));
            if let Some(fact) = self.facts.imports.get_mut(import as usize) {
                fact.binding = Some(binding);
            }
        }
    }

    fn import(&mut self, node: Node<'_>, specifier: &str, what: ImportWhat, is_type_only: bool) -> ImportId {
        // Each part is a name that is looked up.
        specifier.split('.').for_each(|part| {
            self.text_id(part);
        });
        let specifier = self.text_id(specifier);
        let line = line(node.start_position().row);
        self.facts.imports.push(ImportFact { scope: 0, specifier, what, binding: None, is_type_only, line });
        self.facts.imports.len() as ImportId - 1
    }

    /// Notes a dotted name that may begin with a package: who is not yet evaluated is found by it.
    pub(super) fn mention(&mut self, node: Node<'_>, name: &str) {
        let is_package = name.contains('.') && name.starts_with(|c: char| c.is_lowercase() || c == '_');
        if is_package && self.mentioned.insert(name.to_owned()) {
            self.import(node, name, ImportWhat::Nothing, true);
        }
    }

    /// `module m { uses a.B; provides a.B with c.D; }`
    fn module(&mut self, node: Node<'_>, site: JavaSite) {
        self.annotations(node, site);
        let Some(body) = node.child_by_field_name("body") else { return };
        for directive in children(body) {
            if matches!(directive.kind(), "uses_module_directive" | "provides_module_directive") {
                children(directive).into_iter().for_each(|name| {
                    self.dotted_type(name, site);
                });
            }
        }
    }
}
