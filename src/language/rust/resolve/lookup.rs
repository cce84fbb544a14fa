//! Members of a type by name: fields, methods, associated items, through pointers and traits.

use std::rc::Rc;

use super::RustWorld;
use super::guess::is_common;
use super::members::{Blanket, ImplHead};
use super::modules::MountId;
use super::names::Names;
use super::types::{DEPTH_MAX, Env, Ty, is_pointer};
use super::view::{GlobalDef, Name};
use crate::language::SymbolKind;
use crate::language::facts::{Owner, Space, Type};

impl Names<'_> {
    /// An item of a type by name: a variant, an item of its impls, of the traits it implements.
    pub(super) fn associated(
        &self,
        ty: &Ty,
        name: Name,
        space: Space,
        mount: MountId,
        depth: u32,
    ) -> Option<GlobalDef> {
        let members = &self.world.members;
        match ty {
            Ty::Adt(def, _) => members
                .owned(*def, name)
                .filter(|&found| self.world.view.kind(found) != SymbolKind::Field)
                .or_else(|| self.of_impls(members.of_type.get(&(*def, name)), space, mount))
                .or_else(|| self.of_traits(ImplHead::Def(*def), name))
                .or_else(|| self.of_supertraits(*def, name, mount, depth))
                .or_else(|| self.of_blanket(ImplHead::Def(*def), name)),
            Ty::External(of, _) => self
                .of_impls(members.of_external.get(&(*of, name)), space, mount)
                .or_else(|| self.of_traits(ImplHead::External(*of), name))
                .or_else(|| self.of_blanket(ImplHead::External(*of), name))
                .filter(|&found| self.may_be_meant(found, name, mount)),
            Ty::Bounds(bounds) => bounds.iter().find_map(|bound| self.associated(bound, name, space, mount, depth)),
            _ => None,
        }
    }

    /// Of several items of that name the inherent one, as the language has it; else the one of the same crate.
    pub(super) fn of_impls(&self, found: Option<&Vec<GlobalDef>>, space: Space, mount: MountId) -> Option<GlobalDef> {
        let view = &self.world.view;
        let modules = &self.world.modules;
        let krate = modules.mounts[mount as usize].krate;
        let fits = |def: &&GlobalDef| (view.kind(**def) == SymbolKind::AssociatedType) == (space == Space::Type);
        let inherent = |def: GlobalDef| match view.owner(def) {
            Owner::Impl(block) => {
                view.model(view.file_of(def)).impls.get(block as usize).is_some_and(|block| block.of.is_none())
            }
            _ => false,
        };
        let near = |def: GlobalDef| {
            modules.mounts_of(view.file_of(def)).iter().any(|&mount| modules.mounts[mount as usize].krate == krate)
        };
        found?.iter().filter(fits).copied().max_by_key(|&def| (inherent(def), near(def), std::cmp::Reverse(def)))
    }

    /// An item of a trait that the type implements: of the first impl, where several have it.
    fn of_traits(&self, head: ImplHead, name: Name) -> Option<GlobalDef> {
        let members = &self.world.members;
        let first = members.impls_with(head, name).min()?;
        members.owned(members.trait_of_impl(first)?, name)
    }

    /// A foreign type's own methods come before those that a trait of the view adds; one of a common name is the foreign one, unless
    /// the trait is in scope.
    fn may_be_meant(&self, member: GlobalDef, name: Name, mount: MountId) -> bool {
        let RustWorld { view, members, modules, .. } = self.world;
        let of = match view.owner(member) {
            Owner::Def(of) => Some(view.global(view.file_of(member), of)),
            _ => members.trait_of_member(view, member),
        };
        match of {
            Some(of) if is_common(view.text(name)) => self.sees_trait(of, modules.mounts[mount as usize].file, mount),
            _ => true,
        }
    }

    /// An item of a trait that every type has, or every type that implements what this one does.
    fn of_blanket(&self, head: ImplHead, name: Name) -> Option<GlobalDef> {
        let members = &self.world.members;
        let text = self.world.view.text(name);
        let fits = |blanket: &Blanket| {
            !(blanket.asks_more && is_common(text))
                && blanket.asked.iter().all(|&asked| members.implements(head, asked))
        };
        let fitting =
            members.impls_with(ImplHead::Anything, name).filter(|block| members.blanket.get(block).is_some_and(fits));
        members.owned(members.trait_of_impl(fitting.min()?)?, name)
    }

    fn of_supertraits(&self, def: GlobalDef, name: Name, mount: MountId, depth: u32) -> Option<GlobalDef> {
        let view = &self.world.view;
        let depth = depth.checked_sub(1)?;
        if view.kind(def) != SymbolKind::Trait {
            return None;
        }
        let file = view.file_of(def);
        let mount = self.mount_near(file, mount)?;
        view.def(def).params.iter().find_map(|&bound| match self.lower(file, mount, bound, &Env::default(), depth) {
            Ty::Adt(of, _) => {
                self.world.members.owned(of, name).or_else(|| self.of_supertraits(of, name, mount, depth))
            }
            _ => None,
        })
    }

    /// What a smart pointer points at; a type of the view that implements `Deref` has its `Target`.
    pub(super) fn behind(&self, ty: &Ty) -> Option<Ty> {
        self.behind_at(ty, DEPTH_MAX)
    }

    /// The same, in the middle of reading a type.
    pub(super) fn behind_at(&self, ty: &Ty, depth: u32) -> Option<Ty> {
        let view = &self.world.view;
        match ty {
            Ty::External(name, args) if is_pointer(view.text(*name)) => args.first().cloned(),
            Ty::Adt(..) => self.type_of_impl(ty, &["Deref"], "Target", depth),
            _ => None,
        }
    }

    /// What iterating gives, of a type of the view that is an iterator or can become one.
    pub(super) fn item_of(&self, ty: &Ty) -> Option<Ty> {
        self.type_of_impl(ty, &["Iterator", "IntoIterator"], "Item", DEPTH_MAX)
    }

    /// What `[i]` gives, of a type of the view.
    pub(super) fn indexed(&self, ty: &Ty) -> Option<Ty> {
        self.type_of_impl(ty, &["Index"], "Output", DEPTH_MAX)
    }

    /// The associated type that a type of the view has by its impl of one of these foreign traits.
    fn type_of_impl(&self, ty: &Ty, traits: &[&str], name: &str, depth: u32) -> Option<Ty> {
        let Ty::Adt(def, _) = ty else { return None };
        let RustWorld { view, members, modules, .. } = self.world;
        let of_trait = |member: &&GlobalDef| {
            let file = view.file_of(**member);
            let Owner::Impl(block) = view.owner(**member) else { return false };
            let model = view.model(file);
            let of = model.impls.get(block as usize).and_then(|block| model.types.get(block.of? as usize));
            match of {
                Some(Type::Path(path)) => {
                    let last = model.paths[*path as usize].segments.last();
                    last.is_some_and(|&last| traits.contains(&view.text(view.name(file, last))))
                }
                _ => false,
            }
        };
        let member = *members.of_type.get(&(*def, view.known(name)?))?.iter().find(of_trait)?;
        let mount = *modules.mounts_of(view.file_of(member)).first()?;
        Some(self.associated_type(member, ty.clone(), mount, depth))
    }

    /// A field of a struct, through pointers; with its type.
    pub(super) fn field(&self, ty: &Ty, name: Name, mount: MountId) -> Option<(GlobalDef, Ty)> {
        let mut ty = ty.clone();
        for _ in 0..DEPTH_MAX {
            if let Ty::Adt(def, _) = &ty
                && let Some(field) = self.world.members.owned(*def, name)
                && self.world.view.kind(field) == SymbolKind::Field
            {
                return Some((field, self.type_of_field(field, &ty, mount)));
            }
            ty = self.behind(&ty)?;
        }
        None
    }

    pub(super) fn type_of_field(&self, field: GlobalDef, of: &Ty, mount: MountId) -> Ty {
        let view = &self.world.view;
        let file = view.file_of(field);
        let (Some(ty), Some(mount)) = (view.def(field).ty, self.mount_near(file, mount)) else { return Ty::Unknown };
        let mut env = Env::default();
        if let (Owner::Def(owner), Ty::Adt(_, args)) = (view.owner(field), of) {
            let mut owner = &view.model(file).defs[owner as usize];
            // The parameters are the enum's, for a variant's field.
            if let Owner::Def(parent) = owner.owner {
                owner = &view.model(file).defs[parent as usize];
            }
            env.generics.push(((file, owner.inner), Rc::clone(args)));
        }
        self.lower(file, mount, ty, &env, DEPTH_MAX)
    }

    /// A method, through pointers, with the type that has it.
    pub(super) fn method(&self, ty: &Ty, name: Name, mount: MountId) -> Option<(GlobalDef, Ty)> {
        let mut ty = ty.clone();
        for _ in 0..DEPTH_MAX {
            let found = self.associated(&ty, name, Space::Value, mount, DEPTH_MAX);
            if let Some(found) = found.filter(|&found| self.world.view.takes_self(found)) {
                return Some((found, ty));
            }
            ty = self.behind(&ty)?;
        }
        None
    }
}
