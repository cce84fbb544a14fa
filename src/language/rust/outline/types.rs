//! Types, bounds and generic parameters, as far as members can be found by them.

use crate::language::rust::tree::{Field, SyntaxNode};

use super::{OutlineWalk, line_of, named_children};
use crate::language::facts::{Generic, PathId, Space, Type, TypeId};

impl OutlineWalk<'_> {
    pub(super) fn ty(&mut self, node: SyntaxNode<'_>) -> TypeId {
        match self.deeper(|walk| walk.type_of_kind(node)) {
            Some(id) => id,
            None => self.push_type(Type::Unknown),
        }
    }

    fn type_of_kind(&mut self, node: SyntaxNode<'_>) -> TypeId {
        match node.kind() {
            "type_identifier"
            | "identifier"
            | "scoped_type_identifier"
            | "scoped_identifier"
            | "generic_type"
            | "generic_type_with_turbofish"
            | "self"
            | "crate" => {
                let path = self.path(node, Space::Type);
                self.push_type(Type::Path(path))
            }
            "primitive_type" => {
                let name = self.name_of(node);
                let path = self.push_path(vec![name], Space::Type, line_of(node));
                self.push_type(Type::Path(path))
            }
            "reference_type" | "pointer_type" => match node.child_in(Field::Type) {
                Some(inner) => self.ty(inner),
                None => self.push_type(Type::Unknown),
            },
            "array_type" => {
                let element = node.child_in(Field::Element).map(|element| self.ty(element));
                if let Some(length) = node.child_in(Field::Length) {
                    self.length(length);
                }
                match element {
                    Some(element) => self.push_type(Type::Slice(element)),
                    None => self.push_type(Type::Unknown),
                }
            }
            "tuple_type" => {
                let parts = self.types_in(node);
                self.push_type(Type::Tuple(parts))
            }
            "function_type" => self.function_type(node),
            "dynamic_type" | "abstract_type" => {
                let bounds = self.types_in(node);
                self.push_type(Type::Bounds(bounds))
            }
            "bounded_type" => {
                let bounds = self.types_in(node);
                self.flattened_bounds(bounds)
            }
            "higher_ranked_trait_bound" | "bracketed_type" | "removed_trait_bound" => {
                let inner = node.child_in(Field::Type).or_else(|| named_children(node).into_iter().next_back());
                match inner {
                    Some(inner) => self.ty(inner),
                    None => self.push_type(Type::Unknown),
                }
            }
            "macro_invocation" => {
                self.macro_call(node);
                self.push_type(Type::Unknown)
            }
            _ => self.push_type(Type::Unknown),
        }
    }

    fn flattened_bounds(&mut self, bounds: Vec<TypeId>) -> TypeId {
        let mut flat = Vec::new();
        for id in bounds {
            match self.model.types.get(id as usize) {
                Some(Type::Bounds(inner)) => flat.extend(inner.iter().copied()),
                Some(Type::Unknown) | None => {}
                Some(_) => flat.push(id),
            }
        }
        self.push_type(Type::Bounds(flat))
    }

    fn function_type(&mut self, node: SyntaxNode<'_>) -> TypeId {
        if let Some(of) = node.child_in(Field::Trait) {
            self.ty(of);
        }
        let parameters = node.child_in(Field::Parameters);
        let parameters = parameters.map(|list| self.parameter_types(list)).unwrap_or_default();
        let result = node.child_in(Field::ReturnType).map(|result| self.ty(result));
        self.push_type(Type::Function(parameters, result))
    }

    fn parameter_types(&mut self, list: SyntaxNode<'_>) -> Vec<TypeId> {
        let mut types = Vec::new();
        for child in named_children(list) {
            match child.kind() {
                "parameter" => types.extend(child.child_in(Field::Type).map(|ty| self.ty(ty))),
                "line_comment" | "block_comment" | "attribute_item" | "variadic_parameter" => {}
                _ => types.push(self.ty(child)),
            }
        }
        types
    }

    /// Types among the children; lifetimes and the like are none.
    fn types_in(&mut self, node: SyntaxNode<'_>) -> Vec<TypeId> {
        let is_type = |child: &SyntaxNode<'_>| {
            !matches!(
                child.kind(),
                "lifetime" | "line_comment" | "block_comment" | "use_bounds" | "type_parameters" | "for_lifetimes"
            )
        };
        named_children(node).into_iter().filter(is_type).map(|child| self.ty(child)).collect()
    }

    pub(super) fn bounds(&mut self, node: SyntaxNode<'_>) -> Vec<TypeId> {
        let mut flat = Vec::new();
        for id in self.types_in(node) {
            match self.model.types.get(id as usize) {
                Some(Type::Bounds(inner)) => flat.extend(inner.iter().copied()),
                _ => flat.push(id),
            }
        }
        flat
    }

    /// A path with its generic arguments and, for `<T as Trait>::x`, what stands in the brackets.
    pub(super) fn path(&mut self, node: SyntaxNode<'_>, space: Space) -> PathId {
        let mut segments = Vec::new();
        self.path_segments(node, &mut segments);
        let id = self.push_path(segments, space, line_of(node));
        let mut args = Vec::new();
        let mut at = Some(node);
        while let Some(part) = at {
            at = match part.kind() {
                "scoped_identifier" | "scoped_type_identifier" => part.child_in(Field::Path),
                "generic_type" | "generic_type_with_turbofish" => {
                    if let Some(list) = part.child_in(Field::TypeArguments) {
                        self.type_arguments(list, &mut args);
                    }
                    part.child_in(Field::Type)
                }
                "bracketed_type" => {
                    let qualifier = self.qualifier(part);
                    self.model.paths[id as usize].qualifier = qualifier;
                    None
                }
                _ => None,
            };
        }
        self.model.paths[id as usize].args = args;
        id
    }

    fn qualifier(&mut self, bracketed: SyntaxNode<'_>) -> Option<(TypeId, Option<TypeId>)> {
        let inner = bracketed.first_named_child()?;
        if inner.kind() != "qualified_type" {
            return Some((self.ty(inner), None));
        }
        let ty = inner.child_in(Field::Type).map(|ty| self.ty(ty))?;
        let of = inner.child_in(Field::Alias).map(|of| self.ty(of));
        Some((ty, of))
    }

    pub(super) fn type_arguments(&mut self, list: SyntaxNode<'_>, args: &mut Vec<TypeId>) {
        for child in named_children(list) {
            match child.kind() {
                "lifetime" | "line_comment" | "block_comment" => {}
                "type_binding" => args.extend(child.child_in(Field::Type).map(|ty| self.ty(ty))),
                "trait_bounds" => args.extend(self.bounds(child)),
                "block" => self.length(child),
                kind if kind.ends_with("literal") => {}
                _ => {
                    // `Buffer<SIZE>`: an argument that is a constant looks like a type.
                    if child.kind() == "type_identifier" && self.blocks == 0 {
                        self.values_in_types.insert(self.text(child));
                    }
                    args.push(self.ty(child));
                }
            }
        }
    }

    /// Generic parameters of an item with all their bounds, those of the `where` clause included.
    pub(super) fn generics(&mut self, item: SyntaxNode<'_>) -> Vec<Generic> {
        let mut generics = Vec::new();
        for child in item.child_in(Field::TypeParameters).map(named_children).unwrap_or_default() {
            self.generic(child, &mut generics);
        }
        let clause = named_children(item).into_iter().find(|child| child.kind() == "where_clause");
        for predicate in clause.map(named_children).unwrap_or_default() {
            let (Some(left), Some(right)) = (predicate.child_in(Field::Left), predicate.child_in(Field::Bounds)) else {
                continue;
            };
            let bounds = self.bounds(right);
            let name = self.name_of(left);
            match generics.iter_mut().find(|generic: &&mut Generic| generic.name == name) {
                Some(generic) => generic.bounds.extend(bounds),
                None => {
                    self.ty(left);
                }
            }
        }
        generics
    }

    fn generic(&mut self, node: SyntaxNode<'_>, generics: &mut Vec<Generic>) {
        match node.kind() {
            "type_parameter" => {
                let Some(name) = node.child_in(Field::Name) else { return };
                let name = self.name_of(name);
                let bounds = node.child_in(Field::Bounds).map(|bounds| self.bounds(bounds)).unwrap_or_default();
                if let Some(default) = node.child_in(Field::DefaultType) {
                    self.ty(default);
                }
                generics.push(Generic { name, bounds });
            }
            "const_parameter" => {
                if let Some(ty) = node.child_in(Field::Type) {
                    self.ty(ty);
                }
                if let Some(name) = node.child_in(Field::Name) {
                    let name = self.name_of(name);
                    generics.push(Generic { name, bounds: Vec::new() });
                }
            }
            _ => {}
        }
    }
}
