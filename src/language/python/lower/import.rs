//! Imports.

use tree_sitter::Node;

use super::super::outline::line;
use super::{Around, Lowering, children};
use crate::language::SymbolKind;
use crate::language::eval::facts::{BindingId, BindingKind, ImportFact, ImportWhat, NO_STEP, Step, StepId};

impl Lowering<'_> {
    /// `import a.b`, `import a.b as c`
    pub(super) fn import_modules(&mut self, node: Node<'_>, place: &Around) {
        let mut cursor = node.walk();
        let names: Vec<Node<'_>> = node.children_by_field_name("name", &mut cursor).collect();
        for name in names {
            let (module, alias) = with_alias(name);
            let specifier = self.dots(module);
            let (bound, what) = match alias {
                Some(alias) => (self.source(alias).to_owned(), ImportWhat::Whole),
                None => (specifier.split('.').next().unwrap_or_default().to_owned(), ImportWhat::Head),
            };
            let signature = match alias {
                Some(_) => format!("import {specifier} as {bound}"),
                None => format!("import {specifier}"),
            };
            self.import(node, &specifier, what, Some((&bound, signature)), place);
        }
    }

    /// `from a import b as c`, `from . import *`
    pub(super) fn import_names(&mut self, node: Node<'_>, place: &Around) {
        let Some(module) = node.child_by_field_name("module_name") else { return };
        let specifier = self.dots(module);
        let mut cursor = node.walk();
        let names: Vec<Node<'_>> = node.children_by_field_name("name", &mut cursor).collect();
        for name in names {
            let (name, alias) = with_alias(name);
            let written = self.source(name).to_owned();
            let bound = alias.map_or(written.clone(), |alias| self.source(alias).to_owned());
            let shown = if bound == written { written.clone() } else { format!("{written} as {bound}") };
            let what = ImportWhat::Name(self.text_id(&written));
            let signature = format!("from {specifier} import {shown}");
            self.import(name, &specifier, what, Some((&bound, signature)), place);
        }
        if children(node).iter().any(|child| child.kind() == "wildcard_import") {
            self.import(node, &specifier, ImportWhat::All, None, place);
            if place.scope == 0 {
                let signature = format!("from {specifier} import *");
                self.new_symbol("*", SymbolKind::Import, signature, node, place);
            }
        }
    }

    /// A module's name without white space.
    fn dots(&self, module: Node<'_>) -> String {
        self.source(module).split_whitespace().collect()
    }

    /// `bound`: the name that it declares, and how others see that.
    fn import(
        &mut self,
        node: Node<'_>,
        specifier: &str,
        what: ImportWhat,
        bound: Option<(&str, String)>,
        place: &Around,
    ) {
        let id = self.facts.imports.len() as u32;
        let specifier = self.text_id(specifier);
        let binding = bound.map(|(name, signature)| self.imported(node, id, name, signature, place));
        let scope = binding.and_then(|binding| self.facts.binding(binding)).map_or(place.scope, |bound| bound.scope);
        let line = line(node.start_position().row);
        let is_type_only = place.is_type_only;
        self.facts.imports.push(ImportFact { scope, specifier, what, binding, is_type_only, line });
    }

    fn imported(&mut self, node: Node<'_>, import: u32, name: &str, signature: String, place: &Around) -> BindingId {
        let text = self.text_id(name);
        let scope = self.redirected.get(&(place.scope, text)).copied().unwrap_or(place.scope);
        let place = if scope == place.scope {
            place.clone()
        } else {
            Around { scope, is_local: scope != 0, is_type_only: place.is_type_only, ..Around::default() }
        };
        let binding = self.bind(text, BindingKind::Import(import), node, &place);
        if !place.is_local {
            let symbol = self.new_symbol(name, SymbolKind::Import, signature, node, &place);
            self.binding(binding).into_iter().for_each(|binding| binding.symbol = Some(symbol));
        }
        binding
    }

    /// A name with dots, as patterns and decorators of old have it.
    pub(super) fn dotted(&mut self, node: Node<'_>, place: &Around) -> StepId {
        let mut parts = children(node).into_iter();
        let Some(first) = parts.next() else { return self.expression(node, place) };
        let mut of = self.name(first, place);
        for part in parts {
            let text = self.text_id(self.source(part));
            of = self.derived(of, |of| Step::Member { of, text }, part);
        }
        of
    }

    /// A step made of another one; nothing is made of nothing.
    pub(super) fn derived(&mut self, of: StepId, make: impl FnOnce(StepId) -> Step, node: Node<'_>) -> StepId {
        if of == NO_STEP { NO_STEP } else { self.step(make(of), node) }
    }
}

/// What is imported, and the name that it is given.
fn with_alias(node: Node<'_>) -> (Node<'_>, Option<Node<'_>>) {
    match (node.kind(), node.child_by_field_name("name")) {
        ("aliased_import", Some(name)) => (name, node.child_by_field_name("alias")),
        _ => (node, None),
    }
}
