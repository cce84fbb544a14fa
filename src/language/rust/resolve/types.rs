//! Types of the view: what a written type means, what an associated name of a type is, what a member's type is once the generic
//! parameters are known.
//!
//! This is no type checker: it knows as much of a type as finding members takes. References do not exist, lifetimes neither, and
//! what is not known is [`Ty::Unknown`].

use std::rc::Rc;

use super::modules::MountId;
use super::names::{End, Meaning, Names};
use super::view::{File, GlobalDef, Name};
use crate::language::SymbolKind;
use crate::language::facts::{Owner, PathId, ScopeId, Space, Type, TypeId};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ty {
    Unknown,
    /// A struct, enum, union or trait of the view.
    Adt(GlobalDef, Rc<[Ty]>),
    /// A type of another crate, by the last name of its path; a slice or array has the empty name.
    External(Name, Rc<[Ty]>),
    /// A function of another crate's type or module: `Box::new`.
    ExternalItem(Name, Name, Rc<[Ty]>),
    Tuple(Rc<[Ty]>),
    Bounds(Rc<[Ty]>),
    /// Closure or function pointer.
    Function(Rc<[Ty]>, Rc<Ty>),
    /// A function of the view as a value: the type that it is a function of, its explicit generic arguments.
    Item(GlobalDef, Rc<Ty>, Rc<[Ty]>),
}

/// What `Self` and generic parameters mean while a type is read.
#[derive(Clone, Default)]
pub(super) struct Env {
    pub this: Option<Ty>,
    /// The bounds of a parameter are being read: parameters in them stay unknown, or `T: Add<T> + Sub<T>` had no end.
    pub in_bounds: bool,
    pub generics: Vec<Arguments>,
}

/// Arguments of the generic parameters of a scope.
pub(super) type Arguments = ((File, ScopeId), Rc<[Ty]>);

/// A path with what follows its module part.
#[derive(Clone)]
pub(super) struct Resolved {
    pub end: ResolvedEnd,
    /// What the segments after the module part name.
    pub members: Vec<(usize, GlobalDef)>,
    pub steps: Vec<(usize, Meaning)>,
}

#[derive(Clone)]
pub(super) enum ResolvedEnd {
    /// A definition, and the type before it (`Foo<T>` of `Foo::<T>::new`).
    Def(GlobalDef, Ty),
    /// A generic parameter, `Self`.
    Type(Ty),
    External(Ty),
    Module,
    Missing,
}

/// Nesting of types, of aliases of aliases, of derefs: beyond it nothing is known.
pub(super) const DEPTH_MAX: u32 = 12;

impl Names<'_> {
    /// The mount in whose crate the types of a definition are read.
    pub(super) fn mount_near(&self, file: File, mount: MountId) -> Option<MountId> {
        let modules = &self.world.modules;
        modules.mount_in(file, modules.mounts[mount as usize].krate)
    }

    pub(super) fn lower(&self, file: File, mount: MountId, ty: TypeId, env: &Env, depth: u32) -> Ty {
        let model = self.world.view.model(file);
        let Some(depth) = depth.checked_sub(1) else { return Ty::Unknown };
        let all =
            |ids: &[TypeId]| -> Rc<[Ty]> { ids.iter().map(|&id| self.lower(file, mount, id, env, depth)).collect() };
        match model.types.get(ty as usize) {
            Some(Type::Path(path)) => self.lower_path(file, mount, *path, env, depth),
            Some(Type::Slice(element)) => Ty::External(self.world.view.words.empty, all(&[*element])),
            Some(Type::Tuple(parts)) => Ty::Tuple(all(parts)),
            Some(Type::Bounds(bounds)) => one_or_bounds(all(bounds)),
            Some(Type::Function(params, result)) => {
                let result = result.map_or(Ty::Unknown, |result| self.lower(file, mount, result, env, depth));
                Ty::Function(all(params), Rc::new(result))
            }
            Some(Type::Unknown) | None => Ty::Unknown,
        }
    }

    fn lower_path(&self, file: File, mount: MountId, path: PathId, env: &Env, depth: u32) -> Ty {
        match self.resolve(file, mount, path, env, depth).end {
            ResolvedEnd::Def(def, before) => self.type_named(def, before, mount, depth),
            ResolvedEnd::Type(ty) | ResolvedEnd::External(ty) => ty,
            ResolvedEnd::Module | ResolvedEnd::Missing => Ty::Unknown,
        }
    }

    /// The type that a definition is; `with_args` carries the written arguments.
    fn type_named(&self, def: GlobalDef, with_args: Ty, mount: MountId, depth: u32) -> Ty {
        let view = &self.world.view;
        let args = match &with_args {
            Ty::Adt(of, args) if *of == def => Rc::clone(args),
            _ => Rc::from([]),
        };
        let (file, entry) = (view.file_of(def), view.def(def));
        match view.kind(def) {
            SymbolKind::TypeAlias => {
                let Some(mount) = self.mount_near(file, mount) else { return Ty::Unknown };
                let env = Env { generics: vec![((file, entry.inner), args)], ..Env::default() };
                entry.ty.map_or(Ty::Unknown, |ty| self.lower(file, mount, ty, &env, depth))
            }
            SymbolKind::AssociatedType => self.associated_type(def, with_args, mount, depth),
            SymbolKind::Variant => self.enum_of(def),
            _ => Ty::Adt(def, args),
        }
    }

    pub(super) fn associated_type(&self, def: GlobalDef, of: Ty, mount: MountId, depth: u32) -> Ty {
        let (file, entry) = (self.world.view.file_of(def), self.world.view.def(def));
        let Some(mount) = self.mount_near(file, mount) else { return Ty::Unknown };
        let env = self.env_of_owner(def, &of, mount, depth);
        match entry.ty {
            Some(ty) => self.lower(file, mount, ty, &env, depth),
            None => {
                one_or_bounds(entry.params.iter().map(|&bound| self.lower(file, mount, bound, &env, depth)).collect())
            }
        }
    }

    pub(super) fn enum_of(&self, variant: GlobalDef) -> Ty {
        let view = &self.world.view;
        match view.def(variant).owner {
            Owner::Def(owner) => Ty::Adt(view.global(view.file_of(variant), owner), Rc::from([])),
            _ => Ty::Unknown,
        }
    }

    /// `Self` and the owner's generic parameters, as they are for an item of `this`.
    pub(super) fn env_of_owner(&self, def: GlobalDef, this: &Ty, mount: MountId, depth: u32) -> Env {
        let view = &self.world.view;
        let file = view.file_of(def);
        let mut env = Env { this: (*this != Ty::Unknown).then(|| this.clone()), ..Env::default() };
        match view.def(def).owner {
            Owner::Impl(block) => {
                let Some(block) = view.model(file).impls.get(block as usize) else { return env };
                let mut args = vec![Ty::Unknown; self.generic_count(file, block.scope)];
                self.unify(file, mount, block.this, this, block.scope, &mut args, depth);
                env.generics.push(((file, block.scope), args.into()));
            }
            Owner::Def(owner) => {
                let inner = view.model(file).defs[owner as usize].inner;
                if let Ty::Adt(of, args) = this
                    && *of == view.global(file, owner)
                {
                    env.generics.push(((file, inner), Rc::clone(args)));
                }
            }
            Owner::Scope | Owner::Macro => {}
        }
        env
    }

    /// Follows a path to its end, through types where modules end.
    pub(super) fn resolve(&self, file: File, mount: MountId, path: PathId, env: &Env, depth: u32) -> Resolved {
        let view = &self.world.view;
        let model = view.model(file);
        let mut resolved = Resolved { end: ResolvedEnd::Missing, members: Vec::new(), steps: Vec::new() };
        let (Some(path), Some(depth)) = (model.paths.get(path as usize), depth.checked_sub(1)) else { return resolved };
        let segments: Vec<Name> = path.segments.iter().map(|&id| view.name(file, id)).collect();
        let args = |names: &Self| -> Rc<[Ty]> {
            path.args.iter().map(|&id| names.lower(file, mount, id, env, depth)).collect()
        };
        let (mut ty, mut used);
        if let Some((qualified, _)) = path.qualifier {
            (ty, used) = (self.lower(file, mount, qualified, env, depth), 0);
        } else {
            let walked = self.walk(mount, path.scope, &segments, path.space);
            used = walked.used;
            resolved.steps = walked.steps;
            ty = match walked.end {
                End::Module(_) => {
                    resolved.end = ResolvedEnd::Module;
                    return resolved;
                }
                End::Missing => return resolved,
                End::External => {
                    resolved.end = self.external_end(&segments, path.space, args(self), mount, &mut resolved.members);
                    return resolved;
                }
                End::Def(def) if used >= segments.len() => {
                    resolved.end = ResolvedEnd::Def(def, self.before_def(def, args(self)));
                    return resolved;
                }
                End::Def(def) => self.type_named(def, Ty::Adt(def, args(self)), mount, depth),
                End::Generic(scope, index) => self.generic(file, mount, scope, index, env, depth),
                End::ThisType => env.this.clone().unwrap_or_else(|| self.this_in(file, mount, path.scope, depth)),
            };
        }
        resolved.end = ResolvedEnd::Type(ty.clone());
        while let Some(&name) = segments.get(used) {
            let last = used + 1 == segments.len();
            let space = if last { path.space } else { Space::Type };
            let Some(member) = self.associated(&ty, name, space, mount, depth) else {
                resolved.end = ResolvedEnd::External(match (last, space) {
                    // An associated type that a bound gives: `I::Item`.
                    (true, Space::Type) => self.first_argument(&ty),
                    (true, _) if is_derived_constructor(view.text(name)) => Ty::Function(Rc::from([]), Rc::new(ty)),
                    _ => Ty::Unknown,
                });
                break;
            };
            resolved.members.push((used, member));
            used += 1;
            if last {
                resolved.end = ResolvedEnd::Def(member, ty.clone());
                break;
            }
            ty = self.type_named(member, ty, mount, depth);
        }
        resolved
    }

    fn first_argument(&self, ty: &Ty) -> Ty {
        match ty {
            Ty::External(_, args) => args.first().cloned().unwrap_or(Ty::Unknown),
            Ty::Bounds(bounds) => bounds
                .iter()
                .map(|bound| self.first_argument(bound))
                .find(|ty| *ty != Ty::Unknown)
                .unwrap_or(Ty::Unknown),
            _ => Ty::Unknown,
        }
    }

    fn before_def(&self, def: GlobalDef, args: Rc<[Ty]>) -> Ty {
        match self.world.view.kind(def) {
            SymbolKind::Variant => match self.enum_of(def) {
                Ty::Adt(of, _) => Ty::Adt(of, args),
                other => other,
            },
            SymbolKind::Function => Ty::Tuple(args),
            _ => Ty::Adt(def, args),
        }
    }

    /// A path that leads out of the view, unless the view adds the last name to a foreign type.
    fn external_end(
        &self,
        segments: &[Name],
        space: Space,
        args: Rc<[Ty]>,
        mount: MountId,
        members: &mut Vec<(usize, GlobalDef)>,
    ) -> ResolvedEnd {
        if let (Space::Value, [.., of, name]) = (space, segments) {
            let ty = Ty::External(*of, Rc::clone(&args));
            let member = self.world.members.of_external.get(&(*of, *name));
            if let Some(member) = self.of_impls(member, space, mount) {
                members.push((segments.len() - 1, member));
                return ResolvedEnd::Def(member, ty);
            }
        }
        ResolvedEnd::External(self.external(segments, space, args))
    }

    fn external(&self, segments: &[Name], space: Space, args: Rc<[Ty]>) -> Ty {
        match (segments, space) {
            ([.., of, name], Space::Value) => Ty::ExternalItem(*of, *name, args),
            ([.., name], _) => Ty::External(*name, args),
            ([], _) => Ty::Unknown,
        }
    }

    /// What a call of a function of the view gives.
    pub(super) fn result_of(&self, def: GlobalDef, this: &Ty, turbofish: &[Ty], args: &[Ty], mount: MountId) -> Ty {
        let view = &self.world.view;
        let (file, entry) = (view.file_of(def), view.def(def));
        let (Some(result), Some(mount)) = (entry.ty, self.mount_near(file, mount)) else { return Ty::Unknown };
        let mut env = self.env_of_owner(def, this, mount, DEPTH_MAX);
        let count = self.generic_count(file, entry.inner);
        if count > 0 {
            let mut generics = vec![Ty::Unknown; count];
            for (slot, ty) in generics.iter_mut().zip(turbofish) {
                *slot = ty.clone();
            }
            for (&param, arg) in entry.params.iter().zip(args) {
                self.unify(file, mount, param, arg, entry.inner, &mut generics, DEPTH_MAX);
            }
            env.generics.push(((file, entry.inner), generics.into()));
        }
        self.lower(file, mount, result, &env, DEPTH_MAX)
    }

    /// Type of parameter `index` of a closure that is argument `arg` of a function of the view.
    pub(super) fn closure_parameter(&self, def: GlobalDef, this: &Ty, arg: u32, index: u32, mount: MountId) -> Ty {
        let view = &self.world.view;
        let (file, entry) = (view.file_of(def), view.def(def));
        let (Some(&param), Some(mount)) = (entry.params.get(arg as usize), self.mount_near(file, mount)) else {
            return Ty::Unknown;
        };
        let env = self.env_of_owner(def, this, mount, DEPTH_MAX);
        let find = |ty: &Ty| match ty {
            Ty::Function(params, _) => params.get(index as usize).cloned(),
            _ => None,
        };
        match self.lower(file, mount, param, &env, DEPTH_MAX) {
            Ty::Bounds(bounds) => bounds.iter().find_map(find),
            other => find(&other),
        }
        .unwrap_or(Ty::Unknown)
    }

    /// What a definition is as a value.
    pub(super) fn value_of(&self, def: GlobalDef, before: Ty, mount: MountId) -> Ty {
        let view = &self.world.view;
        match view.kind(def) {
            SymbolKind::Function => {
                let turbofish = match before {
                    Ty::Tuple(args) => args,
                    _ => Rc::from([]),
                };
                Ty::Item(def, Rc::new(Ty::Unknown), turbofish)
            }
            SymbolKind::Method => Ty::Item(def, Rc::new(before), Rc::from([])),
            SymbolKind::Const | SymbolKind::Static => {
                let (file, entry) = (view.file_of(def), view.def(def));
                let (Some(ty), Some(mount)) = (entry.ty, self.mount_near(file, mount)) else { return Ty::Unknown };
                let env = self.env_of_owner(def, &before, mount, DEPTH_MAX);
                self.lower(file, mount, ty, &env, DEPTH_MAX)
            }
            SymbolKind::Variant => match before {
                Ty::Adt(..) => before,
                _ => self.enum_of(def),
            },
            _ => self.type_named(def, before, mount, DEPTH_MAX),
        }
    }
}

/// Functions that derives add and that give the type itself (`Default`, `Clone`, `From`; clap's `Parser`).
fn is_derived_constructor(name: &str) -> bool {
    matches!(name, "default" | "clone" | "from" | "parse")
}

pub(super) fn one_or_bounds(types: Rc<[Ty]>) -> Ty {
    match &*types {
        [] => Ty::Unknown,
        [one] => one.clone(),
        _ => Ty::Bounds(types),
    }
}

pub(super) fn args_of(ty: &Ty) -> &[Ty] {
    match ty {
        Ty::Adt(_, args) | Ty::External(_, args) => args,
        _ => &[],
    }
}

/// Types of the standard library that a method call looks through (The Rust Reference, "Method-call expressions"), guards
/// included.
pub(super) fn is_pointer(name: &str) -> bool {
    matches!(
        name,
        "Box"
            | "Rc"
            | "Arc"
            | "Cow"
            | "Pin"
            | "Ref"
            | "RefMut"
            | "MutexGuard"
            | "RwLockReadGuard"
            | "RwLockWriteGuard"
            | "ManuallyDrop"
            | "LazyLock"
            | "LazyCell"
            | "Lazy"
            | "OwnedMutexGuard"
    )
}
