//! What belongs to a type: fields, variants, the items of its impls, the traits it implements.

use std::collections::BTreeMap;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::names::{End, Names};
use super::types::is_pointer;
use super::view::{File, GlobalDef, Name, View};
use crate::language::SymbolKind;
use crate::language::facts::{ImplId, Owner, ScopeId, ScopeKind, Type, TypeId};

/// An impl block: a file and its index there.
pub(super) type ImplRef = (File, ImplId);

/// Every list is in the order of files, then of the text.
#[derive(Default)]
pub(super) struct Members {
    /// Fields of structs and variants, variants of enums, items of traits; the first of a name counts.
    owned: FxHashMap<(GlobalDef, Name), GlobalDef>,
    pub of_type: FxHashMap<(GlobalDef, Name), Vec<GlobalDef>>,
    /// The same for types that the view does not define, by the last name of their path.
    pub of_external: FxHashMap<(Name, Name), Vec<GlobalDef>>,
    /// Traits of the view that have an item of a name.
    traits_with: FxHashMap<Name, Vec<GlobalDef>>,
    /// Impls of traits of the view, by what they are for and by trait: what is looked up does not grow with what else a type implements.
    impls_of: FxHashMap<(ImplHead, GlobalDef), Vec<ImplRef>>,
    /// Traits that are implemented for every type that implements certain others: those of the view that are asked for.
    pub blanket: BTreeMap<ImplRef, Blanket>,
    /// The trait of an impl, where the view defines it.
    pub trait_of: FxHashMap<ImplRef, GlobalDef>,
    /// All fields and methods of a name.
    pub by_name: FxHashMap<Name, Vec<GlobalDef>>,
    /// Methods that traits of the view add to foreign types.
    pub extensions: FxHashMap<Name, Vec<GlobalDef>>,
    /// What an impl is for.
    heads: FxHashMap<ImplRef, ImplHead>,
    /// Files with impls of or for what a file defines, by that file, with how many times.
    implementors: FxHashMap<File, BTreeMap<File, u32>>,
}

/// What `impl<T: A + Foreign> Of for T` asks for.
pub(super) struct Blanket {
    /// Traits of the view that the type must implement.
    pub asked: Vec<GlobalDef>,
    /// It must implement others, too; whether it does is not known.
    pub asks_more: bool,
}

/// What an impl was found to be of and for.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ImplFact {
    head: Option<ImplHead>,
    /// The trait, where the view defines it.
    pub of: Option<GlobalDef>,
    /// Of a blanket impl, the traits of the view that it asks for, and whether it asks for others, too.
    asked: Option<(Vec<GlobalDef>, bool)>,
}

impl ImplFact {
    /// Nothing can be found by it.
    pub(super) fn is_unknown(&self) -> bool {
        self.head.is_none()
    }

    /// The type that it is for, where the view defines it.
    pub(super) fn of_type(&self) -> Option<GlobalDef> {
        match self.head? {
            ImplHead::Def(def) => Some(def),
            ImplHead::External(_) | ImplHead::Anything => None,
        }
    }
}

/// Aliases of aliases; one that stands for itself has no end.
const ALIASES_MAX: usize = 8;

/// What an impl is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ImplHead {
    Def(GlobalDef),
    External(Name),
    Anything,
}

impl Members {
    /// Adds what the defs of a file alone say; enough to resolve names.
    pub(super) fn add_definitions(&mut self, view: &View, file: File) {
        for (id, def) in view.model(file).defs.iter().enumerate() {
            let id = view.global(file, id as u32);
            let name = view.name(file, def.name);
            if let Owner::Def(owner) = def.owner {
                let owner = view.global(file, owner);
                self.owned.entry((owner, name)).or_insert(id);
                if view.kind(owner) == SymbolKind::Trait {
                    insert(&mut self.traits_with, name, owner);
                }
            }
            if matches!(view.kind(id), SymbolKind::Field | SymbolKind::Method) {
                insert(&mut self.by_name, name, id);
            }
        }
    }

    /// Takes out what [`Members::add_definitions`] put in; the view still says what it said then.
    pub(super) fn remove_definitions(&mut self, view: &View, file: File) {
        for (id, def) in view.model(file).defs.iter().enumerate() {
            let id = view.global(file, id as u32);
            let name = view.name(file, def.name);
            if let Owner::Def(owner) = def.owner {
                let owner = view.global(file, owner);
                self.owned.remove(&(owner, name));
                remove(&mut self.traits_with, &name, owner);
            }
            remove(&mut self.by_name, &name, id);
        }
    }

    pub(super) fn owned(&self, owner: GlobalDef, name: Name) -> Option<GlobalDef> {
        self.owned.get(&(owner, name)).copied()
    }

    /// Whether there is an impl of a trait of the view for a type.
    pub(super) fn implements(&self, head: ImplHead, of: GlobalDef) -> bool {
        self.impls_of.contains_key(&(head, of))
    }

    /// Impls for a type of traits of the view that have an item of a name; `ImplHead::Anything`: the blanket ones.
    pub(super) fn impls_with(&self, head: ImplHead, name: Name) -> impl Iterator<Item = ImplRef> {
        let traits = self.traits_with.get(&name).into_iter().flatten();
        traits.filter_map(move |&of| self.impls_of.get(&(head, of))).flatten().copied()
    }

    /// The type or trait that a field or method belongs to.
    pub(super) fn type_of_member(&self, view: &View, member: GlobalDef) -> Option<GlobalDef> {
        let file = view.file_of(member);
        match view.owner(member) {
            Owner::Def(owner) => Some(view.global(file, owner)),
            Owner::Impl(block) => match self.heads.get(&(file, block))? {
                ImplHead::Def(def) => Some(*def),
                ImplHead::External(_) | ImplHead::Anything => None,
            },
            Owner::Scope | Owner::Macro => None,
        }
    }

    /// The trait whose impl a method stands in, where the view defines it.
    pub(super) fn trait_of_member(&self, view: &View, member: GlobalDef) -> Option<GlobalDef> {
        match view.owner(member) {
            Owner::Impl(block) => self.trait_of.get(&(view.file_of(member), block)).copied(),
            _ => None,
        }
    }

    /// The trait of an impl, where the view defines it.
    pub(super) fn trait_of_impl(&self, block: ImplRef) -> Option<GlobalDef> {
        self.trait_of.get(&block).copied()
    }

    /// The type that an impl is for, where the view defines it.
    pub(super) fn type_of_impl(&self, block: ImplRef) -> Option<GlobalDef> {
        match self.heads.get(&block)? {
            ImplHead::Def(def) => Some(*def),
            ImplHead::External(_) | ImplHead::Anything => None,
        }
    }

    /// The names of what a trait or type has by its own declaration.
    pub(super) fn items_of(&self, view: &View, of: GlobalDef) -> Vec<Name> {
        let file = view.file_of(of);
        let Some(model) = view.entry_of(file).map(|_| view.model(file)) else { return Vec::new() };
        let is_item = |owner: Owner| matches!(owner, Owner::Def(owner) if view.global(file, owner) == of);
        model.defs.iter().filter(|def| is_item(def.owner)).map(|def| view.name(file, def.name)).collect()
    }

    /// What the impls of a file were found to be of and for, in the order of the text.
    pub(super) fn facts(&self, view: &View, file: File) -> Vec<ImplFact> {
        let fact = |id: ImplId| {
            let block = (file, id);
            let asked = self.blanket.get(&block).map(|blanket| (blanket.asked.clone(), blanket.asks_more));
            ImplFact { head: self.heads.get(&block).copied(), of: self.trait_of.get(&block).copied(), asked }
        };
        (0..view.model(file).impls.len() as ImplId).map(fact).collect()
    }

    /// Whether an impl hands on what a type behind a pointer does: `impl<T: A + ?Sized> A for Box<T>`, `.. for &T`.
    pub(super) fn hands_on(&self, view: &View, block: ImplRef, of: GlobalDef) -> bool {
        match self.heads.get(&block) {
            Some(ImplHead::Anything) => self.blanket.get(&block).is_some_and(|blanket| blanket.asked.contains(&of)),
            Some(ImplHead::External(name)) if is_pointer(view.text(*name)) => {
                let model = view.model(block.0);
                let scope = model.impls.get(block.1 as usize).and_then(|block| model.scopes.get(block.scope as usize));
                scope.is_some_and(|scope| {
                    let ScopeKind::Item { generics, .. } = &scope.kind else { return false };
                    generics.iter().any(|generic| !generic.bounds.is_empty())
                })
            }
            _ => false,
        }
    }

    pub(super) fn variant(&self, owner: GlobalDef, name: Name) -> Option<GlobalDef> {
        self.owned(owner, name)
    }

    /// Files with impls of or for what the file defines.
    pub(super) fn implementors(&self, file: File) -> impl Iterator<Item = File> {
        self.implementors.get(&file).into_iter().flatten().map(|(&file, _)| file)
    }

    /// Sorts the impls of a file under their types.
    pub(super) fn add_impls(&mut self, view: &View, file: File, impls: Impls) {
        for (id, FoundImpl { head, of, blanket }) in impls.0 {
            let block = (file, id);
            if let Some(ImplHead::Def(of)) = of.flatten() {
                self.trait_of.insert(block, of);
                insert(&mut self.impls_of, (head, of), block);
            }
            self.blanket.extend(blanket.map(|blanket| (block, blanket)));
            self.heads.insert(block, head);
            for of in self.definers(view, block) {
                *self.implementors.entry(of).or_default().entry(file).or_default() += 1;
            }
        }
        for (place, id) in self.places(view, file) {
            match place {
                LookupPlace::Type(of) => insert(&mut self.of_type, of, id),
                LookupPlace::External(of) => insert(&mut self.of_external, of, id),
                LookupPlace::Extension(name) => insert(&mut self.extensions, name, id),
            }
        }
    }

    /// Takes out what [`Members::add_impls`] put in; the view still says of this file what it said then.
    pub(super) fn remove_impls(&mut self, view: &View, file: File) {
        for (place, id) in self.places(view, file) {
            match place {
                LookupPlace::Type(of) => remove(&mut self.of_type, &of, id),
                LookupPlace::External(of) => remove(&mut self.of_external, &of, id),
                LookupPlace::Extension(name) => remove(&mut self.extensions, &name, id),
            }
        }
        for id in 0..view.model(file).impls.len() as ImplId {
            let block = (file, id);
            for of in self.definers(view, block) {
                self.forget_implementor(of, file);
            }
            let Some(head) = self.heads.remove(&block) else { continue };
            if let Some(of) = self.trait_of.remove(&block) {
                remove(&mut self.impls_of, &(head, of), block);
            }
            self.blanket.remove(&block);
        }
    }

    /// Files whose definitions are known by what an impl is of and for.
    fn definers(&self, view: &View, block: ImplRef) -> Vec<File> {
        let head = match self.heads.get(&block) {
            Some(ImplHead::Def(def)) => Some(def),
            _ => None,
        };
        let asked = self.blanket.get(&block).into_iter().flat_map(|blanket| &blanket.asked);
        head.into_iter().chain(self.trait_of.get(&block)).chain(asked).map(|&def| view.file_of(def)).collect()
    }

    fn forget_implementor(&mut self, of: File, file: File) {
        let Some(implementors) = self.implementors.get_mut(&of) else { return };
        let Some(times) = implementors.get_mut(&file) else { return };
        *times -= 1;
        if *times == 0 {
            implementors.remove(&file);
        }
    }

    /// Under what the items of a file's impls are found.
    fn places(&self, view: &View, file: File) -> Vec<(LookupPlace, GlobalDef)> {
        let mut places = Vec::new();
        for (id, def) in view.model(file).defs.iter().enumerate() {
            let Owner::Impl(block) = def.owner else { continue };
            let id = view.global(file, id as u32);
            if view.kind(id) == SymbolKind::Impl {
                continue;
            }
            let name = view.name(file, def.name);
            let has_own_trait = self.trait_of.contains_key(&(file, block));
            match self.heads.get(&(file, block)) {
                Some(ImplHead::Def(of)) => places.push((LookupPlace::Type((*of, name)), id)),
                // `impl From<Ours> for Theirs` says nothing of their other `from`s.
                Some(ImplHead::External(_))
                    if view.model(file).impls[block as usize].of.is_some() && !has_own_trait => {}
                Some(ImplHead::External(of)) => {
                    places.push((LookupPlace::External((*of, name)), id));
                    if has_own_trait && view.kind(id) == SymbolKind::Method {
                        places.push((LookupPlace::Extension(name), id));
                    }
                }
                Some(ImplHead::Anything) | None => {}
            }
        }
        places
    }
}

/// Where an item of an impl is looked for.
enum LookupPlace {
    Type((GlobalDef, Name)),
    External((Name, Name)),
    Extension(Name),
}

/// What the impls of a file are of and for.
pub(super) struct Impls(Vec<(ImplId, FoundImpl)>);

struct FoundImpl {
    head: ImplHead,
    /// Of an impl of a trait, what that is, if it is known.
    of: Option<Option<ImplHead>>,
    blanket: Option<Blanket>,
}

/// Resolves the heads of a file's impls; definitions, imports and modules are in place.
pub(super) fn impls_of(names: &Names<'_>, file: File) -> Impls {
    let view = &names.world.view;
    let mut impls = Vec::new();
    for (id, block) in view.model(file).impls.iter().enumerate() {
        let Some(head) = head_of(names, file, block.this) else { continue };
        let of = block.of.map(|of| head_of(names, file, of));
        let blanket = match (head, of) {
            (ImplHead::Anything, Some(Some(ImplHead::Def(_)))) => Some(blanket_of(names, file, block.scope)),
            _ => None,
        };
        impls.push((id as ImplId, FoundImpl { head, of, blanket }));
    }
    Impls(impls)
}

fn insert<K: Eq + Hash, V: Ord>(lists: &mut FxHashMap<K, Vec<V>>, key: K, value: V) {
    let list = lists.entry(key).or_default();
    // in a first build everything comes in order
    let at = if list.last().is_none_or(|last| *last < value) { Err(list.len()) } else { list.binary_search(&value) };
    if let Err(at) = at {
        list.insert(at, value);
    }
}

fn remove<K: Eq + Hash, V: Ord>(lists: &mut FxHashMap<K, Vec<V>>, key: &K, value: V) {
    let Some(list) = lists.get_mut(key) else { return };
    if let Ok(at) = list.binary_search(&value) {
        list.remove(at);
    }
    if list.is_empty() {
        lists.remove(key);
    }
}

fn blanket_of(names: &Names<'_>, file: File, scope: ScopeId) -> Blanket {
    let mut blanket = Blanket { asked: Vec::new(), asks_more: false };
    let ScopeKind::Item { generics, .. } = &names.world.view.model(file).scopes[scope as usize].kind else {
        return blanket;
    };
    for &bound in generics.iter().flat_map(|generic| &generic.bounds) {
        match head_of(names, file, bound) {
            Some(ImplHead::Def(def)) => blanket.asked.push(def),
            _ => blanket.asks_more = true,
        }
    }
    blanket
}

/// What a type is at its outside, aliases followed.
fn head_of(names: &Names<'_>, file: File, ty: TypeId) -> Option<ImplHead> {
    let view = &names.world.view;
    let mut head = written_head(names, file, ty)?;
    for _ in 0..ALIASES_MAX {
        match head {
            ImplHead::Def(def) if view.kind(def) == SymbolKind::TypeAlias => {
                head = written_head(names, view.file_of(def), view.def(def).ty?)?;
            }
            other => return Some(other),
        }
    }
    None
}

fn written_head(names: &Names<'_>, file: File, ty: TypeId) -> Option<ImplHead> {
    let view = &names.world.view;
    let model = view.model(file);
    let mount = *names.world.modules.mounts_of(file).first()?;
    let mut ty = ty;
    for _ in 0..8 {
        match model.types.get(ty as usize)? {
            Type::Path(path) => {
                let path = &model.paths[*path as usize];
                let segments: Vec<Name> = path.segments.iter().map(|&id| view.name(file, id)).collect();
                let walked = names.walk(mount, path.scope, &segments, path.space);
                return match walked.end {
                    End::Def(def) => Some(ImplHead::Def(def)),
                    End::Generic(..) => Some(ImplHead::Anything),
                    End::External => segments.last().map(|&name| ImplHead::External(name)),
                    _ => None,
                };
            }
            Type::Bounds(bounds) => ty = *bounds.first()?,
            Type::Slice(_) => return Some(ImplHead::External(view.words.empty)),
            _ => return None,
        }
    }
    None
}
