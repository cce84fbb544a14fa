//! What a script asks of other modules, and what it offers to them: ES modules and CommonJS.

use tree_sitter::Node;

use super::super::outline::line;
use super::super::walk::{children, is_exports, of, property_name};
use super::{ScriptLowering, ScriptSite};
use crate::language::eval::facts::{
    BindingId, BindingKind, Export, Exported, Flags, ImportFact, ImportId, ImportWhat, NO_STEP, NameSpace, Step,
    StepId, TextId,
};

impl ScriptLowering<'_> {
    fn import(
        &mut self,
        node: Node<'_>,
        specifier: &str,
        what: ImportWhat,
        is_type_only: bool,
        site: ScriptSite,
    ) -> ImportId {
        let id = super::index(self.facts.imports.len());
        let specifier = self.text_id(specifier);
        let line = line(node.start_position().row);
        let (scope, binding) = (site.scope, None);
        self.facts.imports.push(ImportFact { scope, specifier, what, binding, is_type_only, line });
        id
    }

    fn import_as(&mut self, node: Node<'_>, name: Node<'_>, import: ImportId, scope: u32) -> BindingId {
        let binding = self.bind(node, of(self.text, name), scope, BindingKind::Import(import));
        self.facts.imports[import as usize].binding = Some(binding);
        binding
    }

    /// The module is read, and nothing of it gets a name here.
    pub(super) fn module_import(&mut self, node: Node<'_>, specifier: &str, site: ScriptSite) -> ImportId {
        self.import(node, specifier, ImportWhat::Nothing, false, site)
    }

    pub(super) fn import_statement(&mut self, node: Node<'_>, site: ScriptSite) {
        let is_type_only = has_word(node, "type");
        let what_of =
            |specifier: &str, what: ImportWhat| if gives_content(specifier) { ImportWhat::Nothing } else { what };
        let clause = children(node).find(|child| matches!(child.kind(), "import_clause" | "import_require_clause"));
        let source = node.child_by_field_name("source").or_else(|| clause?.child_by_field_name("source"));
        let Some(source) = source else { return };
        let specifier = property_name(self.text, source).to_owned();
        let Some(clause) = clause else {
            self.import(node, &specifier, ImportWhat::Nothing, is_type_only, site);
            return;
        };
        if clause.kind() == "import_require_clause" {
            let what = self.whole();
            let import = self.import(node, &specifier, what, is_type_only, site);
            clause.named_child(0).map(|name| self.import_as(name, name, import, site.scope));
            return;
        }
        let before = self.facts.imports.len();
        for part in children(clause) {
            match part.kind() {
                "identifier" => {
                    let import =
                        self.import(part, &specifier, what_of(&specifier, ImportWhat::Default), is_type_only, site);
                    self.import_as(part, part, import, site.scope);
                }
                "namespace_import" => {
                    let import =
                        self.import(part, &specifier, what_of(&specifier, ImportWhat::Whole), is_type_only, site);
                    part.named_child(0).map(|name| self.import_as(name, name, import, site.scope));
                }
                "named_imports" => {
                    for one in children(part).filter(|one| one.kind() == "import_specifier") {
                        self.import_specifier(one, &specifier, is_type_only, site);
                    }
                }
                _ => {}
            }
        }
        if self.facts.imports.len() == before {
            self.import(node, &specifier, ImportWhat::Nothing, is_type_only, site);
        }
    }

    fn import_specifier(&mut self, node: Node<'_>, specifier: &str, is_type_only: bool, site: ScriptSite) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let what = self.named(property_name(self.text, name).to_owned());
        let import = self.import(node, specifier, what, is_type_only || has_word(node, "type"), site);
        self.import_as(node, node.child_by_field_name("alias").unwrap_or(name), import, site.scope);
    }

    fn named(&mut self, name: String) -> ImportWhat {
        if name == "default" { ImportWhat::Default } else { ImportWhat::Name(self.text_id(&name)) }
    }

    /// What `require` gives: what the module says that it is, else its exports.
    fn whole(&mut self) -> ImportWhat {
        ImportWhat::Name(self.text_id("export="))
    }

    /// `import A = B.C`: what it stands for, as a type and as a value.
    pub(super) fn import_alias(&mut self, node: Node<'_>, site: ScriptSite, is_exported: bool) {
        let parts: Vec<Node<'_>> = children(node).filter(|child| child.kind() != "comment").collect();
        let [name, value] = parts[..] else { return };
        let value = self.expression(value, site);
        for kind in [BindingKind::Alias, BindingKind::Variable] {
            let id = self.bind(node, of(self.text, name), site.scope, kind);
            self.give(id, value);
            if is_exported {
                self.flag(id, Flags::EXPORTED);
            }
        }
    }

    pub(super) fn export_statement(&mut self, node: Node<'_>, site: ScriptSite) {
        let is_default = has_word(node, "default");
        if let Some(source) = node.child_by_field_name("source") {
            let specifier = property_name(self.text, source).to_owned();
            return self.re_export(node, &specifier, site);
        }
        let mut decorators = Vec::new();
        for decorator in children(node).filter(|child| child.kind() == "decorator").collect::<Vec<_>>() {
            decorators.push(self.parts_of_decorator(decorator, site));
        }
        if let Some(declaration) = node.child_by_field_name("declaration") {
            return self.exported_declaration(declaration, is_default, decorators, site);
        }
        let clauses: Vec<Node<'_>> = children(node).filter(|child| child.kind() == "export_clause").collect();
        for one in clauses.into_iter().flat_map(children).filter(|one| one.kind() == "export_specifier") {
            let Some(name) = one.child_by_field_name("name") else { continue };
            let alias = one.child_by_field_name("alias").unwrap_or(name);
            let local = self.text_id(property_name(self.text, name));
            self.name(name, site.scope, NameSpace::Any);
            let alias = property_name(self.text, alias).to_owned();
            self.export(one, &alias, Exported::Local(local), site);
        }
        let is_whole = has_word(node, "=");
        let value = node
            .child_by_field_name("value")
            .or_else(|| children(node).find(|child| is_whole && !matches!(child.kind(), "comment" | "decorator")));
        if let Some(value) = value {
            let name = if is_whole { "export=" } else { "default" };
            self.exported_value(value, name, value, site);
        }
    }

    fn exported_value(&mut self, node: Node<'_>, name: &str, value: Node<'_>, site: ScriptSite) {
        let step = self.expression(value, site);
        let is_name = value.kind() == "identifier";
        let local =
            if is_name { self.text_id(of(self.text, value)) } else { self.hidden(node, name, step, site.scope) };
        if site.scope == 0 && name == "export=" {
            self.facts.is_open = true;
        }
        self.export(node, name, Exported::Local(local), site);
    }

    /// A value that is exported gets a name that no name of the script is like.
    fn hidden(&mut self, node: Node<'_>, name: &str, value: StepId, scope: u32) -> TextId {
        let id = self.bind(node, name, scope, BindingKind::Variable);
        let hidden = self.text_id(&format!("exports.{name}"));
        self.binding(id).name = hidden;
        self.give(id, value);
        hidden
    }

    /// What is assigned to `exports` in a block or function is offered by the module, too: `if (..) module.exports = require(..)`.
    fn exported_inside(&mut self, node: Node<'_>, name: &str, value: Node<'_>, site: ScriptSite) {
        let step = self.expression(value, site);
        let text = self.text_id(of(self.text, value));
        let local = match value.kind() == "identifier" && !self.is_declared_inside(text, site.scope) {
            true => text,
            false => self.hidden(node, name, step, 0),
        };
        self.facts.is_open |= name == "export=";
        self.export(node, name, Exported::Local(local), ScriptSite { scope: 0, ..site });
    }

    /// Whether a scope inside the module has a name of its own so far.
    fn is_declared_inside(&self, name: TextId, scope: u32) -> bool {
        let mut at = scope;
        while at != 0 {
            if self.variables.contains_key(&(at, name)) || self.functions.contains(&(at, name)) {
                return true;
            }
            at = self.facts.scopes.get(at as usize).and_then(|scope| scope.parent).unwrap_or_default();
        }
        false
    }

    fn exported_declaration(
        &mut self,
        declaration: Node<'_>,
        is_default: bool,
        decorators: Vec<StepId>,
        site: ScriptSite,
    ) {
        if declaration.kind() == "import_alias" {
            self.import_alias(declaration, site, true);
        } else if declaration.kind() == "internal_module" {
            self.namespace(declaration, site);
        }
        let first = self.facts.bindings.len();
        match declaration.kind() {
            "import_alias" => {}
            "internal_module" => {}
            _ => self.statement(declaration, site),
        }
        let first = if matches!(declaration.kind(), "import_alias" | "internal_module") {
            self.facts.bindings.iter().rposition(|one| one.scope == site.scope).unwrap_or(first)
        } else {
            first
        };
        for id in first..self.facts.bindings.len() {
            let binding = &mut self.facts.bindings[id];
            if binding.scope != site.scope && binding.scope != site.hoist {
                continue;
            }
            binding.flags = binding.flags.with(Flags::EXPORTED);
            if binding.kind == BindingKind::Class {
                binding.decorators.extend(decorators.iter().copied());
            }
            if is_default {
                binding.flags = binding.flags.with(Flags::DEFAULT_EXPORT);
            }
            let name = self.facts.text(self.facts.bindings[id].name).to_owned();
            let local = self.facts.bindings[id].name;
            let exported = if is_default { "default" } else { name.as_str() };
            self.export(declaration, exported, Exported::Local(local), site);
        }
    }

    /// Offers a name of the module; inside a namespace the flags of its bindings say it.
    fn export(&mut self, node: Node<'_>, name: &str, of: Exported, site: ScriptSite) {
        if site.scope != 0 {
            return;
        }
        let symbol = self.symbols.get(&(node.id(), name.to_owned())).copied();
        let name = self.text_id(name);
        let is_same = |one: &Export| one.name == name && one.of == of;
        if self.facts.exports.iter().rev().take(8).any(is_same) {
            return;
        }
        let line = line(node.start_position().row);
        self.facts.exports.push(Export { name, of, is_type_only: false, symbol, line });
    }

    fn re_export(&mut self, node: Node<'_>, specifier: &str, site: ScriptSite) {
        let is_type_only = has_word(node, "type");
        let clause = children(node).find(|child| matches!(child.kind(), "export_clause" | "namespace_export"));
        match clause {
            Some(clause) if clause.kind() == "export_clause" => {
                let before = self.facts.imports.len();
                for one in children(clause).filter(|one| one.kind() == "export_specifier") {
                    let Some(name) = one.child_by_field_name("name") else { continue };
                    let alias = one.child_by_field_name("alias").unwrap_or(name);
                    let what = self.named(property_name(self.text, name).to_owned());
                    let import = self.import(one, specifier, what, is_type_only || has_word(one, "type"), site);
                    let alias = property_name(self.text, alias).to_owned();
                    self.export(one, &alias, Exported::From(import), site);
                }
                if self.facts.imports.len() == before {
                    self.import(node, specifier, ImportWhat::Nothing, is_type_only, site);
                }
            }
            Some(clause) => {
                let import = self.import(node, specifier, ImportWhat::Whole, is_type_only, site);
                let alias = clause.named_child(0).map(|alias| property_name(self.text, alias).to_owned());
                self.export(clause, &alias.unwrap_or_default(), Exported::From(import), site);
            }
            None => {
                let import = self.import(node, specifier, ImportWhat::All, is_type_only, site);
                self.export(node, "", Exported::From(import), site);
            }
        }
    }

    /// `require("x")`, `import("x")`; a computed one is noted.
    pub(super) fn loaded_module(&mut self, call: Node<'_>, site: ScriptSite) -> Option<StepId> {
        let callee = call.child_by_field_name("function")?;
        let is_import = callee.kind() == "import";
        let is_require = callee.kind() == "identifier" && of(self.text, callee) == "require";
        if !is_import && !is_require {
            return None;
        }
        let argument = call.child_by_field_name("arguments").into_iter().flat_map(children).next()?;
        let Some(specifier) = literal(self.text, argument) else {
            self.dynamic(call);
            self.expression(argument, site);
            return Some(NO_STEP);
        };
        let specifier = specifier.to_owned();
        let what = if is_import { ImportWhat::Whole } else { self.whole() };
        let import = self.import(call, &specifier, what, false, site);
        let module = self.step(call, Step::Module(import));
        // A promise holds what it will give as a list holds its items.
        let is_type =
            !is_import || call.parent().is_some_and(|parent| parent.kind() != "await_expression" && is_typed(call));
        Some(if is_type { module } else { self.step(call, Step::List(vec![module])) })
    }

    /// `const a = require("x")`, `const { a, b: c } = require("x")`. False for anything else.
    pub(super) fn required(
        &mut self,
        declarator: Node<'_>,
        name: Node<'_>,
        value: Node<'_>,
        scope: u32,
        site: ScriptSite,
    ) -> bool {
        let Some(specifier) = required_specifier(self.text, value).map(str::to_owned) else { return false };
        let simple = |part: &Node<'_>| match part.kind() {
            "shorthand_property_identifier_pattern" | "comment" => true,
            "pair_pattern" => part.child_by_field_name("value").is_some_and(|value| value.kind() == "identifier"),
            _ => false,
        };
        match name.kind() {
            "identifier" => {
                let what = self.whole();
                let import = self.import(declarator, &specifier, what, false, site);
                self.import_as(declarator, name, import, scope);
                true
            }
            "object_pattern" if children(name).all(|part| simple(&part)) && name.named_child_count() > 0 => {
                for part in children(name).filter(|part| part.kind() != "comment") {
                    let key = part.child_by_field_name("key").unwrap_or(part);
                    let text = self.text_id(property_name(self.text, key));
                    let import = self.import(part, &specifier, ImportWhat::Name(text), false, site);
                    let bound = part.child_by_field_name("value").unwrap_or(part);
                    self.import_as(declarator, bound, import, scope);
                }
                true
            }
            _ => false,
        }
    }

    /// `module.exports = a`, `exports.b = c`. False for an assignment to anything else.
    pub(super) fn exports_assignment(&mut self, node: Node<'_>, site: ScriptSite) -> bool {
        let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) else {
            return false;
        };
        let written = of(self.text, left);
        let rest = written.strip_prefix("module.exports").or_else(|| written.strip_prefix("exports"));
        let name = match rest.filter(|_| is_exports(written)) {
            Some("") => "export=".to_owned(),
            Some(rest) if !rest[1..].contains(['.', '[', '(']) => rest[1..].to_owned(),
            _ => return false,
        };
        let is_chained = right.kind() == "assignment_expression" && self.exports_assignment(right, site);
        let value = match is_chained {
            true => innermost_value(right),
            false => right,
        };
        if is_chained {
            // The value was read already; it is what the last of the chain says.
            let last = self.facts.exports.last().map(|export| export.of);
            last.into_iter().for_each(|of| self.export(node, &name, of, site));
        } else if site.scope == 0 {
            self.exported_value(node, &name, value, site);
        } else {
            self.exported_inside(node, &name, value, site);
        }
        true
    }
}

fn innermost_value(node: Node<'_>) -> Node<'_> {
    let mut node = node;
    while let Some(right) = node.child_by_field_name("right").filter(|_| node.kind() == "assignment_expression") {
        node = right;
    }
    node
}

/// `./a.js?raw`: a bundler gives the text, the address or a worker of the file in the place of what it exports.
fn gives_content(specifier: &str) -> bool {
    specifier.contains('?')
}

fn has_word(node: Node<'_>, word: &str) -> bool {
    let mut cursor = node.walk();
    node.children(&mut cursor).any(|child| !child.is_named() && child.kind() == word)
}

/// The text of a literal without anything computed.
fn literal<'t>(text: &'t str, node: Node<'_>) -> Option<&'t str> {
    match node.kind() {
        "string" => Some(property_name(text, node)),
        "template_string" if children(node).all(|part| part.kind() == "string_fragment") => {
            Some(of(text, node).trim_matches('`'))
        }
        _ => None,
    }
}

fn required_specifier<'t>(text: &'t str, value: Node<'_>) -> Option<&'t str> {
    let callee = value.child_by_field_name("function").filter(|_| value.kind() == "call_expression")?;
    let is_require = callee.kind() == "identifier" && of(text, callee) == "require";
    let argument = value.child_by_field_name("arguments").into_iter().flat_map(children).next()?;
    literal(text, argument).filter(|_| is_require)
}

/// `import("x")` inside a type.
fn is_typed(call: Node<'_>) -> bool {
    let mut at = call.parent();
    while let Some(node) = at.filter(|node| matches!(node.kind(), "member_expression" | "call_expression")) {
        at = node.parent();
    }
    at.is_some_and(|node| {
        node.kind().ends_with("_type")
            || matches!(
                node.kind(),
                "type_annotation"
                    | "type_arguments"
                    | "type_query"
                    | "type_alias_declaration"
                    | "constraint"
                    | "default_type"
            )
    })
}
