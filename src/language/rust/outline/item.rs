//! Items: what a file, a module, a block, an impl or a trait declares.

use crate::language::rust::tree::{Field, SyntaxNode};

use super::{OutlineWalk, line_of, named_children, signature};
use crate::language::facts::{ChainStep, Def, DefId, ModDeclaration, Owner, ScopeKind, Space, This, Type, TypeId};
use crate::language::symbol::{Symbol, SymbolKind, Visibility};

/// What stands before an item.
#[derive(Default, Clone)]
pub(super) struct Before<'t> {
    pub(super) attributes: Vec<SyntaxNode<'t>>,
    doc: bool,
}

impl<'t> Before<'t> {
    /// Takes in a node that belongs to the next item; false if it is no such node.
    pub(super) fn take(&mut self, text: &str, node: SyntaxNode<'t>) -> bool {
        match node.kind() {
            "attribute_item" => {
                self.doc |= text.get(node.byte_range()).is_some_and(|text| text.starts_with("#[doc"));
                self.attributes.push(node);
                true
            }
            "line_comment" | "block_comment" => {
                self.doc |= node.child_in(Field::Outer).is_some();
                true
            }
            "inner_attribute_item" => true,
            _ => false,
        }
    }

    /// Values of `#[path = ".."]` and `#[cfg_attr(.., path = "..")]`.
    fn paths(&self, text: &str) -> Vec<String> {
        self.attributes.iter().filter_map(|attribute| path_attribute(text, attribute.first_named_child()?)).collect()
    }
}

fn path_attribute(text: &str, attribute: SyntaxNode<'_>) -> Option<String> {
    match text.get(attribute.first_named_child()?.byte_range())? {
        "path" => super::macros::literal(text, attribute.child_in(Field::Value)?),
        "cfg_attr" => {
            let tokens = named_children(attribute.child_in(Field::Arguments)?);
            let at = tokens.iter().position(|token| text.get(token.byte_range()) == Some("path"))?;
            super::macros::literal(text, *tokens.get(at + 1)?)
        }
        _ => None,
    }
}

/// A definition about to be made.
pub(super) struct Draft<'a, 't> {
    pub(super) node: SyntaxNode<'t>,
    pub(super) name: &'a str,
    pub(super) kind: SymbolKind,
    pub(super) owner: Owner,
    pub(super) visibility: Visibility,
    pub(super) before: &'a Before<'t>,
    pub(super) signature: String,
}

/// Where associated items belong.
#[derive(Clone, Copy)]
pub(super) struct Owned {
    pub(super) owner: Owner,
    /// Items of a trait, and of an impl of a trait, are as visible as the trait.
    pub(super) visibility: Option<Visibility>,
}

impl<'s> OutlineWalk<'s> {
    /// Walks the items among the children of `node`.
    pub(super) fn items(&mut self, node: SyntaxNode<'_>) {
        let mut before = Before::default();
        for child in named_children(node) {
            if child.kind() == "inner_attribute_item" {
                self.attribute_arguments(child);
            }
            if !before.take(self.text, child) {
                self.item(child, &before);
                before = Before::default();
            }
        }
    }

    /// Walks one item; false if the node is none.
    pub(super) fn item(&mut self, node: SyntaxNode<'_>, before: &Before<'_>) -> bool {
        for &attribute in &before.attributes {
            self.attribute_arguments(attribute);
        }
        match node.kind() {
            "function_item" | "function_signature_item" => {
                self.function(node, before, None);
            }
            "struct_item" | "union_item" => self.structure(node, before),
            "enum_item" => self.enumeration(node, before),
            "trait_item" => self.trait_item(node, before),
            "impl_item" => self.impl_item(node, before),
            "mod_item" => self.module(node, before),
            "const_item" | "static_item" => self.constant(node, before, None),
            "type_item" => self.alias(node, before, None),
            "use_declaration" => self.use_declaration(node, before),
            "extern_crate_declaration" => self.extern_crate(node, before),
            "macro_definition" => self.macro_definition(node, before),
            "macro_invocation" => self.item_macro(node),
            "expression_statement" => {
                if let Some(inner) = node.first_named_child().filter(|inner| inner.kind() == "macro_invocation") {
                    self.item_macro(inner);
                }
            }
            "foreign_mod_item" => {
                if let Some(body) = node.child_in(Field::Body) {
                    self.items(body);
                }
            }
            "ERROR" => {
                self.deeper(|walk| walk.items(node));
            }
            _ => return false,
        }
        true
    }

    pub(super) fn define(&mut self, draft: Draft<'_, '_>) -> DefId {
        let Draft { node, name, kind, owner, visibility, before, signature } = draft;
        let id = self.symbols.len() as DefId;
        let full = if self.prefix.is_empty() { name.to_owned() } else { format!("{}::{name}", self.prefix.join("::")) };
        self.symbols.push(Symbol {
            name: full,
            kind,
            visibility,
            signature: format!("{}{signature}", signature::attributes(self.text, &before.attributes)),
            start_line: line_of(node),
            end_line: node.last_row() + 1,
            doc: before.doc,
        });
        let name = self.intern(name);
        self.model.defs.push(Def {
            name,
            scope: self.scope,
            inner: self.scope,
            owner,
            ty: None,
            params: Vec::new(),
            takes_self: false,
        });
        id
    }

    /// Interns a name that need not be a slice of the source.
    fn intern(&mut self, name: &str) -> u32 {
        if let Some(&id) = self.name_ids.get(name) {
            return id;
        }
        self.model.names.push(name.to_owned());
        self.model.names.len() as u32 - 1
    }

    pub(super) fn name_text(&self, node: SyntaxNode<'_>) -> &'s str {
        let name = node.child_in(Field::Name).map_or("", |name| self.text(name));
        name.strip_prefix("r#").unwrap_or(name)
    }

    pub(super) fn visibility(&mut self, node: SyntaxNode<'_>) -> Visibility {
        let modifier = named_children(node).into_iter().find(|child| child.kind() == "visibility_modifier");
        let Some(modifier) = modifier else { return Visibility::Private };
        // `pub(super)` and `pub(in path)` name modules.
        if let Some(path) = modifier.first_named_child() {
            self.path(path, Space::Type);
        }
        let text = self.text(modifier);
        if text == "pub" {
            Visibility::Public
        } else if text.contains("crate") && !text.contains("in ") {
            Visibility::Crate
        } else if text.contains("self") {
            Visibility::Private
        } else {
            Visibility::Restricted
        }
    }

    /// Opens the scope of an item's generic parameters, makes `f` its inner scope.
    pub(super) fn with_generics(&mut self, node: SyntaxNode<'_>, this: This, f: impl FnOnce(&mut Self, u32)) {
        self.in_scope(ScopeKind::Item { generics: Vec::new(), this }, |walk, scope| {
            let generics = walk.generics(node);
            if let ScopeKind::Item { generics: slot, .. } = &mut walk.model.scopes[scope as usize].kind {
                *slot = generics;
            }
            f(walk, scope);
        });
    }

    pub(super) fn function(&mut self, node: SyntaxNode<'_>, before: &Before<'_>, owned: Option<Owned>) {
        let name = self.name_text(node);
        let visibility = owned.and_then(|owned| owned.visibility).unwrap_or_else(|| self.visibility(node));
        let signature = signature::tokens(self.text, node, &is_body_or_mut);
        let (name, kind) = match (owned, self.proc_macro_name(name, before)) {
            (Some(_), _) => (name, SymbolKind::Method),
            (None, Some(called)) => (called, SymbolKind::Macro),
            (None, None) => (name, SymbolKind::Function),
        };
        let owner = owned.map_or(Owner::Scope, |owned| owned.owner);
        let def = self.define(Draft { node, name, kind, owner, visibility, before, signature });
        self.with_generics(node, This::Outer, |walk, scope| {
            walk.in_body(|walk| {
                let params = node.child_in(Field::Parameters).map(|list| walk.parameters(list)).unwrap_or_default();
                let takes_self = node.child_in(Field::Parameters).is_some_and(takes_self);
                let ty = node.child_in(Field::ReturnType).map(|ty| walk.ty(ty));
                let slot = &mut walk.model.defs[def as usize];
                (slot.inner, slot.params, slot.ty, slot.takes_self) = (scope, params, ty, takes_self);
                if let Some(body) = node.child_in(Field::Body) {
                    walk.deeper(|walk| walk.block(body));
                }
            });
        });
    }

    /// Binds the parameters and gives their types, `self` left out.
    fn parameters(&mut self, list: SyntaxNode<'_>) -> Vec<TypeId> {
        let mut types = Vec::new();
        for child in named_children(list) {
            match child.kind() {
                "parameter" => {
                    let ty = child.child_in(Field::Type).map(|ty| self.ty(ty));
                    if let Some(pattern) = child.child_in(Field::Pattern) {
                        if pattern.kind() == "self" {
                            continue;
                        }
                        self.bind(pattern, crate::language::facts::NO_VALUE, ty);
                    }
                    types.extend(ty);
                }
                "self_parameter" | "attribute_item" | "variadic_parameter" | "line_comment" | "block_comment" => {}
                _ => {
                    let ty = self.ty(child);
                    types.push(ty);
                }
            }
        }
        types
    }

    fn module(&mut self, node: SyntaxNode<'_>, before: &Before<'_>) {
        let name = self.name_text(node);
        let visibility = self.visibility(node);
        let body = node.child_in(Field::Body);
        let signature =
            signature::tokens(self.text, node, &|inner| inner.kind() == "declaration_list" || inner.kind() == ";");
        let kind = SymbolKind::Module;
        let def = self.define(Draft { node, name, kind, owner: Owner::Scope, visibility, before, signature });
        let name_id = self.name(name);
        match body {
            Some(body) => {
                let folder = before.paths(self.text).into_iter().next();
                self.in_scope(ScopeKind::Module { name: name_id, def, folder }, |walk, _| {
                    walk.prefix.push(name.to_owned());
                    walk.deeper(|walk| walk.items(body));
                    walk.prefix.pop();
                });
            }
            None => {
                let paths = before.paths(self.text);
                self.model.modules.push(ModDeclaration { scope: self.scope, name: name_id, paths, def });
            }
        }
    }

    pub(super) fn constant(&mut self, node: SyntaxNode<'_>, before: &Before<'_>, owned: Option<Owned>) {
        let name = self.name_text(node);
        let visibility = owned.and_then(|owned| owned.visibility).unwrap_or_else(|| self.visibility(node));
        let value = node.child_in(Field::Value);
        let signature =
            signature::tokens(self.text, node, &|inner| Some(inner) == value || matches!(inner.kind(), "=" | ";"));
        let kind = if node.kind() == "static_item" { SymbolKind::Static } else { SymbolKind::Const };
        let owner = owned.map_or(Owner::Scope, |owned| owned.owner);
        let def = self.define(Draft { node, name, kind, owner, visibility, before, signature });
        let ty = node.child_in(Field::Type).map(|ty| self.ty(ty));
        self.model.defs[def as usize].ty = ty;
        if let Some(value) = value {
            if node.kind() == "const_item" {
                self.constants.push((def, signature::tokens(self.text, value, &|_| false)));
            }
            self.in_body(|walk| {
                walk.expr(value);
            });
        }
    }

    pub(super) fn alias(&mut self, node: SyntaxNode<'_>, before: &Before<'_>, owned: Option<Owned>) {
        let name = self.name_text(node);
        let visibility = owned.and_then(|owned| owned.visibility).unwrap_or_else(|| self.visibility(node));
        let signature = signature::tokens(self.text, node, &|inner| inner.kind() == ";");
        let kind = if owned.is_some() { SymbolKind::AssociatedType } else { SymbolKind::TypeAlias };
        let owner = owned.map_or(Owner::Scope, |owned| owned.owner);
        let def = self.define(Draft { node, name, kind, owner, visibility, before, signature });
        self.with_generics(node, This::Outer, |walk, scope| {
            let ty = node.child_in(Field::Type).map(|ty| walk.ty(ty));
            let params = node.child_in(Field::Bounds).map(|bounds| walk.bounds(bounds)).unwrap_or_default();
            let slot = &mut walk.model.defs[def as usize];
            (slot.inner, slot.ty, slot.params) = (scope, ty, params);
        });
    }

    /// What a macro expands to is what it says to others: the whole definition is its signature.
    fn macro_definition(&mut self, node: SyntaxNode<'_>, before: &Before<'_>) {
        let name = self.name_text(node);
        let exported = before.attributes.iter().any(|attribute| self.text(*attribute).contains("macro_export"));
        let visibility = if exported { Visibility::Public } else { Visibility::Crate };
        let signature = signature::tokens(self.text, node, &|_| false);
        let kind = SymbolKind::Macro;
        self.define(Draft { node, name, kind, owner: Owner::Scope, visibility, before, signature });
    }

    /// Type of an expression in a type's place (an array's length): its paths are references, its value is no type.
    pub(super) fn length(&mut self, node: SyntaxNode<'_>) {
        self.note_values(node);
        self.in_body(|walk| {
            walk.expr(node);
        });
    }

    /// Names in an expression whose value is part of a type that others see.
    pub(super) fn note_values(&mut self, node: SyntaxNode<'_>) {
        if self.blocks > 0 {
            return;
        }
        node.walk(|here| {
            if here.kind() == "identifier" {
                self.values_in_types.insert(self.text(here));
            }
            true
        });
    }

    pub(super) fn push_type(&mut self, ty: Type) -> TypeId {
        self.model.types.push(ty);
        self.model.types.len() as TypeId - 1
    }

    /// A step that has this type.
    pub(super) fn typed(&mut self, ty: TypeId) -> u32 {
        self.push_step(ChainStep::Typed(ty))
    }
}

/// `self` in any of its forms, `self: Box<Self>` included.
fn takes_self(parameters: SyntaxNode<'_>) -> bool {
    let first =
        named_children(parameters).into_iter().find(|child| !child.is_extra() && child.kind() != "attribute_item");
    first.is_some_and(|first| {
        let pattern = first.child_in(Field::Pattern);
        first.kind() == "self_parameter" || pattern.is_some_and(|pattern| pattern.kind() == "self")
    })
}

/// Bodies say nothing to others, nor does `mut` before a parameter's name, nor where a declaration ends.
pub(super) fn is_body_or_mut(node: SyntaxNode<'_>) -> bool {
    match node.kind() {
        "block" => node.parent().is_some_and(|parent| parent.kind() == "function_item"),
        "mutable_specifier" => node.parent().is_some_and(|parent| parent.kind() == "parameter"),
        ";" => node.parent().is_some_and(|parent| !matches!(parent.kind(), "array_type" | "array_expression")),
        _ => false,
    }
}
