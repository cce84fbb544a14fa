//! Syntax as facts: what a file includes, what it declares and where, and the steps of its types and expressions.
//!
//! Scope 0 is the file, whose names belong to the global namespace; namespaces and classes are scopes by their names, whichever file opens
//! them. The walk recurses to [`DEPTH_MAX`]; of what nests deeper the names alone are kept.

mod class;
mod declaration;
mod directive;
mod expression;
mod names;
mod types;

use std::collections::HashMap;

use rustc_hash::FxHashMap;
use tree_sitter::Node;

use super::node::{self, children, source, start_line};
use super::{signature, walk};
use crate::language::eval::facts::{
    Binding, BindingId, BindingKind, FactScope, FactScopeId, FactScopeKind, Facts, Flags, ImportFact, ImportWhat,
    NO_STEP, Step, StepId, TextId,
};
use crate::language::{Parsed, Symbol, SymbolKind};
use walk::{CItem, CKind};

pub(super) use declaration::arity;

/// Statements and expressions inside each other. Source written by hand stays below 60.
const DEPTH_MAX: u32 = 150;

/// Steps of a file; the tables of a file of 1 MiB of ordinary source have some 250,000.
const STEPS_MAX: usize = 400_000;

/// The scope of the file.
const FILE: FactScopeId = 0;

/// It is a macro: its values are the names that its text writes.
pub(in super::super) const MACRO: Flags = Flags(1 << 20);
/// It has a body, a layout or a value.
pub(in super::super) const DEFINED: Flags = Flags(1 << 21);
/// No other source can name it: `static`, or in a namespace without a name.
pub(in super::super) const INTERNAL: Flags = Flags(1 << 22);
/// `using A::b`: it stands for what it names.
pub(in super::super) const USING: Flags = Flags(1 << 23);

/// Symbols and facts of a file.
pub(super) fn lower(parsed: &Parsed<'_>, root: Node<'_>) -> (Vec<Symbol>, Facts) {
    let text = parsed.text;
    let (items, places) = walk::found_with_places(text, root);
    let symbols = items.iter().map(|item| symbol(text, item)).collect();
    let mut lowering = CLowering {
        text,
        facts: Facts::default(),
        texts: FxHashMap::default(),
        places,
        scope: FILE,
        home: FILE,
        is_body: false,
        is_internal: false,
        depth: 0,
    };
    lowering.add_scope(None, FactScopeKind::Module, None);
    for child in children(root) {
        lowering.deeper(|this| this.visit(child));
    }
    (symbols, lowering.facts)
}

fn symbol(text: &str, item: &CItem<'_>) -> Symbol {
    let start = item.whole.start_byte();
    Symbol {
        name: item.name.clone(),
        kind: match item.kind {
            CKind::Macro => SymbolKind::Macro,
            CKind::Function | CKind::Test => SymbolKind::Function,
            CKind::Method => SymbolKind::Method,
            CKind::Class => SymbolKind::Class,
            CKind::Struct => SymbolKind::Struct,
            CKind::Union => SymbolKind::Union,
            CKind::Enum => SymbolKind::Enum,
            CKind::Enumerator => SymbolKind::Variant,
            CKind::Alias => SymbolKind::TypeAlias,
            CKind::Concept => SymbolKind::Trait,
            CKind::Variable => SymbolKind::Static,
            CKind::Field => SymbolKind::Field,
        },
        visibility: item.visibility,
        signature: signature::of(text, item, item.position),
        start_line: start_line(item.whole),
        end_line: node::last_line(if item.kind.is_function() { item.node } else { item.whole }),
        doc: node::documentation(text, start).is_some(),
    }
}

struct CLowering<'t> {
    text: &'t str,
    facts: Facts,
    texts: FxHashMap<String, TextId>,
    /// The symbol of each place where a name is declared.
    places: HashMap<usize, u32>,
    /// Where names are looked up now.
    scope: FactScopeId,
    /// The file, namespace or class in which declarations stand.
    home: FactScopeId,
    /// Inside a function: declarations are local.
    is_body: bool,
    /// Inside a namespace without a name.
    is_internal: bool,
    depth: u32,
}

impl<'t> CLowering<'t> {
    fn source(&self, node: Node<'_>) -> &'t str {
        source(self.text, node)
    }

    fn text_id(&mut self, text: &str) -> TextId {
        if let Some(&id) = self.texts.get(text) {
            return id;
        }
        let id = self.facts.texts.len() as TextId;
        self.facts.texts.push(text.to_owned());
        self.texts.insert(text.to_owned(), id);
        id
    }

    fn add_scope(&mut self, parent: Option<FactScopeId>, kind: FactScopeKind, owner: Option<BindingId>) -> FactScopeId {
        self.facts.scopes.push(FactScope { parent, kind, owner });
        self.facts.scopes.len() as FactScopeId - 1
    }

    fn step(&mut self, step: Step, node: Node<'_>) -> StepId {
        if self.facts.steps.len() >= STEPS_MAX {
            return NO_STEP;
        }
        self.facts.steps.push(step);
        self.facts.step_lines.push(start_line(node));
        self.facts.steps.len() as StepId - 1
    }

    /// A step of another, where that can lead anywhere.
    fn derived(&mut self, of: StepId, make: impl FnOnce(StepId) -> Step, node: Node<'_>) -> StepId {
        if of == NO_STEP { NO_STEP } else { self.step(make(of), node) }
    }

    /// Declares a name.
    fn bind(&mut self, name: &str, kind: BindingKind, scope: FactScopeId, node: Node<'_>) -> BindingId {
        let name = self.text_id(name);
        let symbol = if self.is_body { None } else { self.places.get(&node.start_byte()).copied() };
        self.facts.bindings.push(Binding {
            name,
            scope,
            kind,
            symbol,
            inner: None,
            ty: NO_STEP,
            values: Vec::new(),
            bases: Vec::new(),
            decorators: Vec::new(),
            params: Vec::new(),
            flags: if self.is_internal { INTERNAL } else { Flags::default() },
            line: start_line(node),
        });
        self.facts.bindings.len() as BindingId - 1
    }

    /// Changes a binding that was just made.
    fn set(&mut self, id: BindingId, change: impl FnOnce(&mut Binding)) {
        if let Some(binding) = self.facts.bindings.get_mut(id as usize) {
            change(binding);
        }
    }

    fn flag(&mut self, id: BindingId, flag: Flags) {
        self.set(id, |binding| binding.flags = binding.flags.with(flag));
    }

    /// Runs what is looked up in a scope.
    fn in_scope<T>(&mut self, scope: FactScopeId, run: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.scope, scope);
        let result = run(self);
        self.scope = before;
        result
    }

    /// Runs what is declared in a scope.
    fn at_home<T>(&mut self, scope: FactScopeId, run: impl FnOnce(&mut Self) -> T) -> T {
        let before = (self.home, self.is_body);
        (self.home, self.is_body) = (scope, false);
        let result = self.in_scope(scope, run);
        (self.home, self.is_body) = before;
        result
    }

    /// Runs what is a block of its own.
    fn in_block<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let scope = self.add_scope(Some(self.scope), FactScopeKind::Block, None);
        self.in_scope(scope, run)
    }

    fn import(&mut self, written: &str, what: ImportWhat, node: Node<'_>) {
        let specifier = self.text_id(written);
        let (scope, line) = (self.home, start_line(node));
        self.facts.imports.push(ImportFact { scope, specifier, what, binding: None, is_type_only: false, line });
    }

    /// Runs what goes one level deeper; `None` where that is too deep.
    fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        Some(result)
    }

    /// A declaration or statement.
    fn visit(&mut self, node: Node<'t>) {
        let visited = self.deeper(|this| this.visit_kind(node));
        if visited.is_none() {
            self.names_below(node);
        }
    }

    fn visit_all(&mut self, nodes: Vec<Node<'t>>) {
        nodes.into_iter().for_each(|node| self.visit(node));
    }

    fn visit_kind(&mut self, node: Node<'t>) {
        match node.kind() {
            "preproc_include" => self.include(node),
            "preproc_def" | "preproc_function_def" => self.macro_definition(node),
            "preproc_if" | "preproc_ifdef" | "preproc_elif" | "preproc_elifdef" => self.condition(node),
            "namespace_definition" => self.namespace(node),
            "namespace_alias_definition" => self.namespace_alias(node),
            "using_declaration" => self.using(node),
            "alias_declaration" => self.alias(node),
            "concept_definition" => self.concept(node),
            "template_declaration" => self.template(node),
            "class_specifier" | "struct_specifier" | "union_specifier" | "enum_specifier" => {
                self.type_specifier(node, None);
            }
            "type_definition" => self.type_definition(node),
            "declaration" | "field_declaration" => self.declaration(node),
            "function_definition" => self.function_definition(node),
            "compound_statement" if !self.is_body => self.loose_block(node),
            "compound_statement" | "for_statement" | "if_statement" | "while_statement" | "switch_statement" => {
                self.in_block(|this| this.visit_all(children(node)));
            }
            "for_range_loop" => self.in_block(|this| this.range_loop(node)),
            "catch_clause" => self.in_block(|this| {
                if let Some(list) = node.child_by_field_name("parameters") {
                    this.parameters(list);
                }
                node.child_by_field_name("body").into_iter().for_each(|body| this.visit(body));
            }),
            "friend_declaration" => self.names_below(node),
            "statement_identifier"
            | "access_specifier"
            | "comment"
            | "string_literal"
            | "attribute_specifier"
            | "attribute_declaration"
            | "ms_declspec_modifier" => {}
            "identifier" | "type_identifier" | "field_identifier" if !self.is_body => {}
            kind if expression::is_expression(kind) => {
                self.value(node);
            }
            kind if types::is_type(kind) => {
                self.ty(node);
            }
            _ => self.visit_all(children(node)),
        }
    }

    /// A block that no declaration leads to: the body of a test that a macro declares.
    fn loose_block(&mut self, node: Node<'t>) {
        let scope = self.add_scope(Some(self.scope), FactScopeKind::Function, None);
        self.in_body(scope, |this| this.visit_all(children(node)));
    }

    /// Runs what stands in a function's body.
    fn in_body<T>(&mut self, scope: FactScopeId, run: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.is_body, true);
        let result = self.in_scope(scope, run);
        self.is_body = before;
        result
    }
}
