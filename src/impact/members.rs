//! What belongs to a type: fields, variants, the items of its impls, the traits it implements.

use rustc_hash::FxHashMap;

use super::World;
use super::names::{End, Names};
use super::view::{File, GlobalDef, Name, View};
use crate::outline::SymbolKind;
use crate::outline::model::{ImplId, Owner, ScopeId, ScopeKind, Type, TypeId};

/// An impl block: a file and its index there.
pub(super) type ImplRef = (File, ImplId);

#[derive(Default)]
pub(super) struct Members {
    /// Fields of structs and variants, variants of enums, items of traits.
    owned: FxHashMap<(GlobalDef, Name), GlobalDef>,
    pub of_type: FxHashMap<(GlobalDef, Name), Vec<GlobalDef>>,
    /// The same for types that the view does not define, by the last name of their path.
    pub of_external: FxHashMap<(Name, Name), Vec<GlobalDef>>,
    /// Impls of traits, by type.
    pub traits_of: FxHashMap<GlobalDef, Vec<ImplRef>>,
    pub traits_of_external: FxHashMap<Name, Vec<ImplRef>>,
    /// Traits that are implemented for every type that implements certain others: those of the view that are asked for.
    pub blanket: Vec<Blanket>,
    /// The trait of an impl, where the view defines it.
    pub trait_of: FxHashMap<ImplRef, GlobalDef>,
    /// All fields and methods of a name.
    pub by_name: FxHashMap<Name, Vec<GlobalDef>>,
    /// Methods that traits of the view add to foreign types.
    pub extensions: FxHashMap<Name, Vec<GlobalDef>>,
    /// The type that an impl is for, where the view defines it.
    type_of_impl: FxHashMap<ImplRef, GlobalDef>,
}

/// `impl<T: A + Foreign> Of for T`
pub(super) struct Blanket {
    pub of: GlobalDef,
    /// Traits of the view that the type must implement.
    pub asked: Vec<GlobalDef>,
    /// It must implement others, too; whether it does is not known.
    pub asks_more: bool,
}

/// Aliases of aliases; one that stands for itself has no end.
const ALIASES_MAX: usize = 8;

/// What an impl is for.
enum Head {
    Def(GlobalDef),
    External(Name),
    Anything,
}

impl Members {
    /// What the defs alone say; enough to resolve names.
    pub(super) fn of_definitions(view: &View<'_>) -> Self {
        let mut members = Self::default();
        for file in 0..view.files.len() as File {
            for (id, def) in view.model(file).defs.iter().enumerate() {
                let id = view.global(file, id as u32);
                let name = view.name(file, def.name);
                if let Owner::Def(owner) = def.owner {
                    members.owned.entry((view.global(file, owner), name)).or_insert(id);
                }
                if matches!(view.kind(id), SymbolKind::Field | SymbolKind::Method) {
                    members.by_name.entry(name).or_default().push(id);
                }
            }
        }
        members
    }

    pub(super) fn owned(&self, owner: GlobalDef, name: Name) -> Option<GlobalDef> {
        self.owned.get(&(owner, name)).copied()
    }

    /// The type or trait that a field or method belongs to.
    pub(super) fn type_of_member(&self, view: &View<'_>, member: GlobalDef) -> Option<GlobalDef> {
        let file = view.file_of(member);
        match view.def(member).owner {
            Owner::Def(owner) => Some(view.global(file, owner)),
            Owner::Impl(block) => self.type_of_impl.get(&(file, block)).copied(),
            Owner::Scope | Owner::Macro => None,
        }
    }

    /// The trait whose impl a method stands in, where the view defines it.
    pub(super) fn trait_of_member(&self, view: &View<'_>, member: GlobalDef) -> Option<GlobalDef> {
        match view.def(member).owner {
            Owner::Impl(block) => self.trait_of.get(&(view.file_of(member), block)).copied(),
            _ => None,
        }
    }

    pub(super) fn variant(&self, owner: GlobalDef, name: Name) -> Option<GlobalDef> {
        self.owned(owner, name)
    }

    /// Sorts every impl under its type.
    pub(super) fn add_impls(world: &World<'_>) -> Self {
        let names = Names::new(world);
        let view = &world.view;
        let mut members = Self::of_definitions(view);
        let mut heads: FxHashMap<ImplRef, Head> = FxHashMap::default();
        for file in 0..view.files.len() as File {
            for (id, block) in view.model(file).impls.iter().enumerate() {
                let block_ref = (file, id as ImplId);
                let Some(head) = head_of(&names, file, block.this) else { continue };
                if let Some(of) = block.of {
                    if let Some(Head::Def(of)) = head_of(&names, file, of) {
                        members.trait_of.insert(block_ref, of);
                        if matches!(head, Head::Anything) {
                            members.blanket.push(blanket_of(&names, of, file, block.scope));
                        }
                    }
                    match head {
                        Head::Def(def) => members.traits_of.entry(def).or_default().push(block_ref),
                        Head::External(name) => members.traits_of_external.entry(name).or_default().push(block_ref),
                        Head::Anything => {}
                    }
                }
                if let Head::Def(def) = head {
                    members.type_of_impl.insert(block_ref, def);
                }
                heads.insert(block_ref, head);
            }
            for (id, def) in view.model(file).defs.iter().enumerate() {
                let Owner::Impl(block) = def.owner else { continue };
                let id = view.global(file, id as u32);
                if view.kind(id) == SymbolKind::Impl {
                    continue;
                }
                let name = view.name(file, def.name);
                match heads.get(&(file, block)) {
                    Some(Head::Def(of)) => members.of_type.entry((*of, name)).or_default().push(id),
                    // `impl From<Ours> for Theirs` says nothing of their other `from`s.
                    Some(Head::External(_))
                        if view.model(file).impls[block as usize].of.is_some()
                            && !members.trait_of.contains_key(&(file, block)) => {}
                    Some(Head::External(of)) => {
                        members.of_external.entry((*of, name)).or_default().push(id);
                        if members.trait_of.contains_key(&(file, block)) && view.kind(id) == SymbolKind::Method {
                            members.extensions.entry(name).or_default().push(id);
                        }
                    }
                    Some(Head::Anything) | None => {}
                }
            }
        }
        members
    }
}

fn blanket_of(names: &Names<'_, '_>, of: GlobalDef, file: File, scope: ScopeId) -> Blanket {
    let mut blanket = Blanket { of, asked: Vec::new(), asks_more: false };
    let ScopeKind::Item { generics, .. } = &names.world.view.model(file).scopes[scope as usize].kind else {
        return blanket;
    };
    for &bound in generics.iter().flat_map(|generic| &generic.bounds) {
        match head_of(names, file, bound) {
            Some(Head::Def(def)) => blanket.asked.push(def),
            _ => blanket.asks_more = true,
        }
    }
    blanket
}

/// What a type is at its outside, aliases followed.
fn head_of(names: &Names<'_, '_>, file: File, ty: TypeId) -> Option<Head> {
    let view = &names.world.view;
    let mut head = written_head(names, file, ty)?;
    for _ in 0..ALIASES_MAX {
        match head {
            Head::Def(def) if view.kind(def) == SymbolKind::TypeAlias => {
                head = written_head(names, view.file_of(def), view.def(def).ty?)?;
            }
            other => return Some(other),
        }
    }
    None
}

fn written_head(names: &Names<'_, '_>, file: File, ty: TypeId) -> Option<Head> {
    let view = &names.world.view;
    let model = view.model(file);
    let mount = *names.world.modules.of_file[file as usize].first()?;
    let mut ty = ty;
    for _ in 0..8 {
        match model.types.get(ty as usize)? {
            Type::Path(path) => {
                let path = &model.paths[*path as usize];
                let segments: Vec<Name> = path.segments.iter().map(|&id| view.name(file, id)).collect();
                let walked = names.walk(mount, path.scope, &segments, path.space);
                return match walked.end {
                    End::Def(def) => Some(Head::Def(def)),
                    End::Generic(..) => Some(Head::Anything),
                    End::External => segments.last().map(|&name| Head::External(name)),
                    _ => None,
                };
            }
            Type::Bounds(bounds) => ty = *bounds.first()?,
            Type::Slice(_) => return Some(Head::External(view.words.empty)),
            _ => return None,
        }
    }
    None
}
