//! Generic parameters and `Self`: what they stand for.

use super::modules::MountId;
use super::names::{End, Names};
use super::types::{Env, Ty, args_of, is_pointer, one_or_bounds};
use super::view::{File, Name};
use crate::language::facts::{ScopeId, ScopeKind, This, Type, TypeId};

impl Names<'_> {
    pub(super) fn generic_count(&self, file: File, scope: ScopeId) -> usize {
        match self.world.view.model(file).scopes.get(scope as usize).map(|scope| &scope.kind) {
            Some(ScopeKind::Item { generics, .. }) => generics.len(),
            _ => 0,
        }
    }

    /// What the generic parameters of `scope` must be for the written type to be `actual`.
    #[expect(clippy::too_many_arguments, reason = "a written type is a file, a mount and an id")]
    pub(super) fn unify(
        &self,
        file: File,
        mount: MountId,
        ty: TypeId,
        actual: &Ty,
        scope: ScopeId,
        args: &mut [Ty],
        depth: u32,
    ) {
        let model = self.world.view.model(file);
        let Some(depth) = depth.checked_sub(1) else { return };
        match (model.types.get(ty as usize), actual) {
            (_, Ty::Unknown) | (None, _) => {}
            (Some(Type::Path(path)), _) => {
                let path = &model.paths[*path as usize];
                let segments: Vec<Name> = path.segments.iter().map(|&id| self.world.view.name(file, id)).collect();
                match self.walk(mount, path.scope, &segments, path.space).end {
                    End::Generic(of, index) if of == scope => {
                        let slot = args.get_mut(index as usize).filter(|slot| **slot == Ty::Unknown);
                        if let Some(slot) = slot {
                            *slot = actual.clone();
                        }
                        self.unify_bounds(file, mount, scope, index, actual, args, depth);
                    }
                    End::External if segments.len() == 1 && is_pointer(self.world.view.text(segments[0])) => {
                        let inner = self.behind_at(actual, depth).unwrap_or_else(|| actual.clone());
                        if let Some(&arg) = path.args.first() {
                            self.unify(file, mount, arg, &inner, scope, args, depth);
                        }
                    }
                    _ => {
                        for (&arg, actual) in path.args.iter().zip(args_of(actual)) {
                            self.unify(file, mount, arg, actual, scope, args, depth);
                        }
                    }
                }
            }
            (Some(Type::Slice(element)), Ty::External(_, actual)) => {
                if let Some(actual) = actual.first() {
                    self.unify(file, mount, *element, actual, scope, args, depth);
                }
            }
            (Some(Type::Tuple(parts)), Ty::Tuple(actual)) => {
                for (&part, actual) in parts.iter().zip(actual.iter()) {
                    self.unify(file, mount, part, actual, scope, args, depth);
                }
            }
            (Some(Type::Bounds(bounds)), _) => {
                for &bound in bounds {
                    self.unify(file, mount, bound, actual, scope, args, depth);
                }
            }
            (Some(Type::Function(_, Some(result))), Ty::Function(_, actual)) => {
                self.unify(file, mount, *result, actual, scope, args, depth);
            }
            _ => {}
        }
    }

    /// `F: Fn() -> T` says what `T` is, once `F` is known.
    #[expect(clippy::too_many_arguments, reason = "as unify")]
    pub(super) fn unify_bounds(
        &self,
        file: File,
        mount: MountId,
        scope: ScopeId,
        index: u32,
        actual: &Ty,
        args: &mut [Ty],
        depth: u32,
    ) {
        let ScopeKind::Item { generics, .. } = &self.world.view.model(file).scopes[scope as usize].kind else { return };
        for &bound in generics.get(index as usize).map(|generic| generic.bounds.as_slice()).unwrap_or_default() {
            self.unify(file, mount, bound, actual, scope, args, depth);
        }
    }

    /// What `Self` is in a scope.
    pub(super) fn this_in(&self, file: File, mount: MountId, scope: ScopeId, depth: u32) -> Ty {
        let view = &self.world.view;
        let model = view.model(file);
        let mut at = Some(scope);
        while let Some(scope) = at {
            let entry = &model.scopes[scope as usize];
            if let ScopeKind::Item { this, .. } = &entry.kind {
                match this {
                    This::Outer => {}
                    This::Def(def) => {
                        let def = view.global(file, *def);
                        let params = self.generic_count(file, view.def(def).inner) as u32;
                        let args =
                            (0..params).map(|index| self.generic(file, mount, scope, index, &Env::default(), depth));
                        return Ty::Adt(def, args.collect());
                    }
                    This::Impl(block) => {
                        let Some(block) = model.impls.get(*block as usize) else { return Ty::Unknown };
                        return self.lower(file, mount, block.this, &Env::default(), depth);
                    }
                }
            }
            at = entry.parent;
        }
        Ty::Unknown
    }

    pub(super) fn generic(&self, file: File, mount: MountId, scope: ScopeId, index: u32, env: &Env, depth: u32) -> Ty {
        let given = env.generics.iter().find(|((of, at), _)| *of == file && *at == scope);
        if let Some(ty) = given.and_then(|(_, args)| args.get(index as usize)).filter(|ty| **ty != Ty::Unknown) {
            return ty.clone();
        }
        let Some(depth) = depth.checked_sub(1) else { return Ty::Unknown };
        let ScopeKind::Item { generics, .. } = &self.world.view.model(file).scopes[scope as usize].kind else {
            return Ty::Unknown;
        };
        if env.in_bounds {
            return Ty::Unknown;
        }
        let env = &Env { in_bounds: true, ..env.clone() };
        let bounds = generics.get(index as usize).map(|generic| generic.bounds.as_slice()).unwrap_or_default();
        one_or_bounds(bounds.iter().map(|&bound| self.lower(file, mount, bound, env, depth)).collect())
    }
}
