//! Traits and impls: items that belong to a type.

use crate::language::rust::tree::{Field, SyntaxNode};

use super::item::{Before, Draft, Owned, is_body_or_mut};
use super::{OutlineWalk, named_children, signature};
use crate::language::facts::{Impl, Owner, This};
use crate::language::symbol::{SymbolKind, Visibility};

impl<'s> OutlineWalk<'s> {
    pub(super) fn trait_item(&mut self, node: SyntaxNode<'_>, before: &Before<'_>) {
        let name = self.name_text(node);
        let visibility = self.visibility(node);
        let signature = self.trait_signature(node);
        let kind = SymbolKind::Trait;
        let def = self.define(Draft { node, name, kind, owner: Owner::Scope, visibility, before, signature });
        self.with_generics(node, This::Def(def), |walk, scope| {
            let supers = node.child_in(Field::Bounds).map(|bounds| walk.bounds(bounds)).unwrap_or_default();
            let slot = &mut walk.model.defs[def as usize];
            (slot.inner, slot.params) = (scope, supers);
            if let Some(body) = node.child_in(Field::Body) {
                walk.prefix.push(name.to_owned());
                walk.associated(body, Owned { owner: Owner::Def(def), visibility: Some(visibility) });
                walk.prefix.pop();
            }
        });
    }

    /// A trait's items are part of its signature, for implementors must have them; their order is not.
    pub(super) fn trait_signature(&self, node: SyntaxNode<'_>) -> String {
        let head = signature::tokens(self.text, node, &|inner| inner.kind() == "declaration_list");
        let body = node.child_in(Field::Body).map(named_children).unwrap_or_default();
        let is_item =
            |item: &SyntaxNode<'_>| !matches!(item.kind(), "line_comment" | "block_comment" | "attribute_item");
        let mut items: Vec<String> = body
            .into_iter()
            .filter(is_item)
            .map(|item| {
                let given = if item.child_in(Field::Body).is_some() { " { .. }" } else { "" };
                format!("{}{given}", signature::tokens(self.text, item, &is_body_or_mut))
            })
            .collect();
        items.sort();
        format!("{head} {{ {} }}", items.join(" "))
    }

    pub(super) fn impl_item(&mut self, node: SyntaxNode<'_>, before: &Before<'_>) {
        let Some(this_node) = node.child_in(Field::Type) else { return };
        let of_node = node.child_in(Field::Trait);
        let this_name = self.head_of_type(this_node);
        let signature = signature::tokens(self.text, node, &|inner| inner.kind() == "declaration_list");
        let id = self.model.impls.len() as u32;
        // The scope comes first: the types are written inside it.
        self.model.impls.push(Impl { scope: self.scope, this: 0, of: None, header: signature.clone() });
        let owned = Owned { owner: Owner::Impl(id), visibility: of_node.map(|_| Visibility::Public) };
        if let Some(of) = of_node {
            let name = format!("impl {} for {this_name}", self.text(of).split('<').next().unwrap_or_default());
            let kind = SymbolKind::Impl;
            let visibility = Visibility::Public;
            self.define(Draft { node, name: &name, kind, owner: Owner::Impl(id), visibility, before, signature });
        }
        self.with_generics(node, This::Impl(id), |walk, scope| {
            let this = walk.ty(this_node);
            let of = of_node.map(|of| walk.ty(of));
            let block = &mut walk.model.impls[id as usize];
            (block.scope, block.this, block.of) = (scope, this, of);
            if let Some(body) = node.child_in(Field::Body) {
                walk.prefix.push(this_name.to_owned());
                walk.associated(body, owned);
                walk.prefix.pop();
            }
        });
    }

    /// Name by which the items of an impl are called: the last name of the type's path.
    pub(super) fn head_of_type(&self, node: SyntaxNode<'_>) -> &'s str {
        let mut node = node;
        loop {
            let inner = match node.kind() {
                "generic_type" | "reference_type" | "pointer_type" => node.child_in(Field::Type),
                "scoped_type_identifier" => node.child_in(Field::Name),
                "array_type" => node.child_in(Field::Element),
                "dynamic_type" => node.child_in(Field::Trait),
                _ => None,
            };
            match inner {
                Some(inner) => node = inner,
                None => return self.text(node),
            }
        }
    }

    pub(super) fn associated(&mut self, body: SyntaxNode<'_>, owned: Owned) {
        let mut before = Before::default();
        for child in named_children(body) {
            if before.take(self.text, child) {
                continue;
            }
            for &attribute in &before.attributes {
                self.attribute_arguments(attribute);
            }
            match child.kind() {
                "function_item" | "function_signature_item" => self.function(child, &before, Some(owned)),
                "const_item" | "static_item" => self.constant(child, &before, Some(owned)),
                "type_item" | "associated_type" => self.alias(child, &before, Some(owned)),
                "macro_invocation" => self.item_macro(child),
                _ => {}
            }
            before = Before::default();
        }
    }
}
