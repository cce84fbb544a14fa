//! Structs, unions and enums: their fields and variants.

use crate::language::rust::tree::{Field, SyntaxNode};

use super::item::{Before, Draft};
use super::{OutlineWalk, named_children, signature};
use crate::language::facts::{DefId, Owner, This};
use crate::language::symbol::{SymbolKind, Visibility};

impl<'s> OutlineWalk<'s> {
    pub(super) fn structure(&mut self, node: SyntaxNode<'_>, before: &Before<'_>) {
        let name = self.name_text(node);
        let visibility = self.visibility(node);
        let signature = self.with_fields(node);
        let kind = if node.kind() == "union_item" { SymbolKind::Union } else { SymbolKind::Struct };
        let def = self.define(Draft { node, name, kind, owner: Owner::Scope, visibility, before, signature });
        self.with_generics(node, This::Def(def), |walk, scope| {
            walk.model.defs[def as usize].inner = scope;
            if let Some(body) = node.child_in(Field::Body) {
                walk.fields(name, def, body, None);
            }
        });
    }

    /// Signature of a struct: with the fields that others see. That there are more is said, for then no one else can build it.
    pub(super) fn with_fields(&self, node: SyntaxNode<'_>) -> String {
        let head = signature::tokens(self.text, node, &|inner| inner.kind() == "field_declaration_list");
        let body = node.child_in(Field::Body).filter(|body| body.kind() == "field_declaration_list");
        let Some(body) = body else { return head };
        let fields = named_children(body).into_iter().filter(|field| field.kind() == "field_declaration");
        let (seen, hidden): (Vec<_>, Vec<_>) = fields.partition(|&field| self.exposes_private || has_visibility(field));
        let mut shown: Vec<String> =
            seen.into_iter().map(|field| signature::tokens(self.text, field, &|_| false)).collect();
        if !hidden.is_empty() {
            shown.push("..".to_owned());
        }
        format!("{head} {{ {} }}", shown.join(", "))
    }

    /// Fields of a struct, union or variant; `all` is their visibility where they have none of their own.
    pub(super) fn fields(&mut self, owner_name: &str, owner: DefId, body: SyntaxNode<'_>, all: Option<Visibility>) {
        self.prefix.push(owner_name.to_owned());
        let mut before = Before::default();
        let mut visibility = Visibility::Private;
        let mut index = 0usize;
        for child in named_children(body) {
            if before.take(self.text, child) {
                if child.kind() == "attribute_item" {
                    self.attribute_arguments(child);
                }
                continue;
            }
            match child.kind() {
                "visibility_modifier" => {
                    visibility = if self.text(child) == "pub" { Visibility::Public } else { Visibility::Crate };
                    continue;
                }
                "field_declaration" => {
                    let visibility = all.unwrap_or_else(|| self.visibility(child));
                    let name = self.name_text(child);
                    if let Some(ty) = child.child_in(Field::Type) {
                        self.field(child, name, ty, owner, visibility, &before);
                    }
                }
                _ => {
                    let name = index.to_string();
                    self.field(child, &name, child, owner, all.unwrap_or(visibility), &before);
                    index += 1;
                    visibility = Visibility::Private;
                }
            }
            before = Before::default();
        }
        self.prefix.pop();
    }

    pub(super) fn field(
        &mut self,
        node: SyntaxNode<'_>,
        name: &str,
        ty: SyntaxNode<'_>,
        owner: DefId,
        visibility: Visibility,
        before: &Before<'_>,
    ) {
        let signature = signature::tokens(self.text, node, &|_| false);
        let kind = SymbolKind::Field;
        let def = self.define(Draft { node, name, kind, owner: Owner::Def(owner), visibility, before, signature });
        let ty = self.ty(ty);
        self.model.defs[def as usize].ty = Some(ty);
    }

    pub(super) fn enumeration(&mut self, node: SyntaxNode<'_>, before: &Before<'_>) {
        let name = self.name_text(node);
        let visibility = self.visibility(node);
        let signature = signature::tokens(self.text, node, &|_| false);
        let kind = SymbolKind::Enum;
        let def = self.define(Draft { node, name, kind, owner: Owner::Scope, visibility, before, signature });
        self.with_generics(node, This::Def(def), |walk, scope| {
            walk.model.defs[def as usize].inner = scope;
            walk.prefix.push(name.to_owned());
            let mut before = Before::default();
            for child in node.child_in(Field::Body).map(named_children).unwrap_or_default() {
                if before.take(walk.text, child) {
                    if child.kind() == "attribute_item" {
                        walk.attribute_arguments(child);
                    }
                } else if child.kind() == "enum_variant" {
                    walk.variant(child, def, visibility, &before);
                    before = Before::default();
                }
            }
            walk.prefix.pop();
        });
    }

    pub(super) fn variant(&mut self, node: SyntaxNode<'_>, owner: DefId, visibility: Visibility, before: &Before<'_>) {
        let name = self.name_text(node);
        let signature = signature::tokens(self.text, node, &|_| false);
        let kind = SymbolKind::Variant;
        let def = self.define(Draft { node, name, kind, owner: Owner::Def(owner), visibility, before, signature });
        if let Some(body) = node.child_in(Field::Body) {
            self.fields(name, def, body, Some(visibility));
        }
        if let Some(value) = node.child_in(Field::Value) {
            self.note_values(value);
            self.in_body(|walk| {
                walk.expr(value);
            });
        }
    }
}

fn has_visibility(field: SyntaxNode<'_>) -> bool {
    field.named_children().any(|child| child.kind() == "visibility_modifier")
}
