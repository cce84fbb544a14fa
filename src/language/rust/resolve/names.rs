//! Name resolution: from a path as written to the module or definition it names, through imports, globs and re-exports.
//!
//! After The Rust Reference, "Names" and "Use declarations". Visibility is not checked: source that compiles names nothing it
//! cannot see, and source that does not compile is better linked than not.

use std::cell::RefCell;

use rustc_hash::{FxHashMap, FxHashSet};

use super::RustWorld;
use super::modules::{MountId, RegionId};
use super::view::{GlobalDef, Name};
use crate::language::SymbolKind;
use crate::language::facts::{ScopeId, ScopeKind, Space};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Module(RegionId),
    Def(GlobalDef),
    /// An import of something outside the view, or what may come from there.
    External,
}

/// What a name means, and the re-exports on the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub target: Target,
    /// What the name means, too: in another configuration of the build, in another name space of an import.
    pub twins: Vec<Target>,
    pub via: Vec<GlobalDef>,
}

/// Where a path leads as far as modules go; what follows belongs to a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Module(RegionId),
    Def(GlobalDef),
    /// Generic parameter `index` of an item's scope.
    Generic(ScopeId, u32),
    ThisType,
    /// Another crate, the prelude, a primitive, a local name that is not known.
    External,
    /// It begins inside the view's crates, and there is no such name.
    Missing,
}

pub(super) struct Walked {
    pub end: End,
    /// Where it leads, too; see [`Meaning::twins`].
    pub twins: Vec<Target>,
    /// How many segments lead to `end`.
    pub used: usize,
    /// What the segments name, with the segment's index.
    pub steps: Vec<(usize, Meaning)>,
}

/// Where a path is written.
#[derive(Clone, Copy)]
pub(super) struct PathPlace {
    pub mount: MountId,
    pub scope: ScopeId,
    /// In a `use`: edition 2015 reads such paths from the crate's root.
    pub is_import: bool,
}

pub(super) type Query = (RegionId, Name, Space);

/// Name resolution with a memory; one per thread.
pub(super) struct Names<'w> {
    pub world: &'w RustWorld,
    pub(super) memory: RefCell<FxHashMap<Query, Option<Meaning>>>,
}

/// What one walk has visited: a walk that comes back to it goes in a circle.
#[derive(Default)]
pub(super) struct Visited {
    pub queries: FxHashSet<Query>,
    /// Regions asked whether they may hold more than is seen.
    pub regions: FxHashMap<RegionId, bool>,
    pub depth: usize,
}

impl<'w> Names<'w> {
    /// A mount to read a definition's types in, where none is near.
    pub(super) fn first_mount(&self, def: GlobalDef) -> MountId {
        self.world.modules.mounts_of(self.world.view.file_of(def)).first().copied().unwrap_or_default()
    }

    pub(super) fn new(world: &'w RustWorld) -> Self {
        Self { world, memory: RefCell::default() }
    }

    /// Walks a path's segments from a scope.
    pub(super) fn walk(&self, mount: MountId, scope: ScopeId, segments: &[Name], space: Space) -> Walked {
        let place = PathPlace { mount, scope, is_import: space == Space::Any };
        self.walk_visiting(place, segments, space, &mut Visited::default())
    }

    pub(super) fn walk_visiting(
        &self,
        place: PathPlace,
        segments: &[Name],
        space: Space,
        visited: &mut Visited,
    ) -> Walked {
        let mut walked = Walked { end: End::External, twins: Vec::new(), used: 0, steps: Vec::new() };
        if segments.is_empty() {
            return walked;
        }
        let space_at = |at: usize| if at + 1 == segments.len() { space } else { Space::Type };
        walked.end = self.first(place, segments, space_at(0), visited, &mut walked);
        while let (End::Module(region), Some(&name)) = (walked.end, segments.get(walked.used)) {
            let at = walked.used;
            let words = &self.world.view.words;
            walked.used += 1;
            if name == words.this_module {
                continue;
            }
            if name == words.parent {
                walked.end = self.parent_of(region);
                walked.twins.clear();
                note_module(walked.end, at, &mut walked.steps);
                continue;
            }
            let twins = std::mem::take(&mut walked.twins);
            walked.end = match self.lookup_in_all(region, &twins, name, space_at(at), visited) {
                Some(found) => walked.step(at, found),
                None if self.may_hold_more(region, visited) => End::External,
                None => End::Missing,
            };
        }
        // A variant is a name in its enum, as an item is in its module.
        if let (End::Def(def), Some(&name)) = (walked.end, segments.get(walked.used))
            && let Some(variant) = self.world.members.variant(def, name)
        {
            walked.steps.push((walked.used, Meaning::def(variant)));
            walked.end = End::Def(variant);
            walked.used += 1;
        }
        walked
    }

    /// A name in a module and in those that are that module in another configuration.
    fn lookup_in_all(
        &self,
        region: RegionId,
        twins: &[Target],
        name: Name,
        space: Space,
        visited: &mut Visited,
    ) -> Option<Meaning> {
        let mut found = self.lookup(region, name, space, visited);
        if found.is_none() {
            found = self.world.modules.region(region).by_macros.get(&name).copied().map(Meaning::def);
        }
        for twin in twins {
            let Target::Module(twin) = *twin else { continue };
            let Some(other) = self.lookup(twin, name, space, visited) else { continue };
            match &mut found {
                Some(found) => found.add_twin(&other),
                None => found = Some(other),
            }
        }
        found
    }

    fn parent_of(&self, region: RegionId) -> End {
        self.world.modules.region(region).parent.map_or(End::Missing, End::Module)
    }

    /// What the first segment means; an absolute path's first segment is its second.
    fn first(
        &self,
        place: PathPlace,
        segments: &[Name],
        space: Space,
        visited: &mut Visited,
        walked: &mut Walked,
    ) -> End {
        let RustWorld { view, modules, .. } = self.world;
        let words = &view.words;
        walked.used = 1;
        let (Some(region), Some(&first)) = (modules.nearest(view, place.mount, place.scope), segments.first()) else {
            return End::External;
        };
        let krate = modules.crate_of(region);
        if first == words.krate || first == words.dollar_crate {
            let end = End::Module(modules.roots[krate]);
            note_module(end, 0, &mut walked.steps);
            return end;
        }
        if first == words.this_module {
            return End::Module(modules.module_of(region));
        }
        if first == words.parent {
            let end = self.parent_of(modules.module_of(region));
            note_module(end, 0, &mut walked.steps);
            return end;
        }
        if first == words.this_type {
            return End::ThisType;
        }
        if first == words.empty {
            let Some(&name) = segments.get(1) else { return End::External };
            walked.used = 2;
            return match self.extern_crate(krate, name) {
                End::External => self.lookup_from_root(krate, name, (1, Space::Type), visited, walked),
                end => {
                    note_module(end, 1, &mut walked.steps);
                    end
                }
            };
        }
        if let Some(found) = self.lexical(place, first, space, visited) {
            return match found {
                Lexical::Generic(scope, index) => End::Generic(scope, index),
                Lexical::Found(found) => walked.step(0, found),
            };
        }
        match self.extern_crate(krate, first) {
            End::External if place.is_import => self.lookup_from_root(krate, first, (0, space), visited, walked),
            end => {
                note_module(end, 0, &mut walked.steps);
                end
            }
        }
    }

    /// Edition 2015: paths of `use`, and those that begin with `::`, begin at the crate's root.
    fn lookup_from_root(
        &self,
        krate: usize,
        name: Name,
        (at, space): (usize, Space),
        visited: &mut Visited,
        walked: &mut Walked,
    ) -> End {
        let RustWorld { modules, crates, .. } = self.world;
        if !crates[krate].is_edition_2015 {
            return End::External;
        }
        let found = self.lookup(modules.roots[krate], name, space, visited);
        found.map_or(End::External, |found| walked.step(at, found))
    }

    /// A name as it is seen from inside a scope.
    fn lexical(&self, place: PathPlace, name: Name, space: Space, visited: &mut Visited) -> Option<Lexical> {
        let RustWorld { view, modules, .. } = self.world;
        let file = modules.mounts[place.mount as usize].file;
        let scopes = &view.model(file).scopes;
        let mut at = Some(place.scope);
        while let Some(scope) = at {
            let entry = &scopes[scope as usize];
            if let ScopeKind::Item { generics, .. } = &entry.kind
                && space != Space::Macro
                && let Some(index) = generics.iter().position(|generic| view.name(file, generic.name) == name)
            {
                return Some(Lexical::Generic(scope, index as u32));
            }
            if let Some(region) = modules.region_of(place.mount, scope)
                && let Some(found) = self.lookup(region, name, space, visited)
            {
                return Some(Lexical::Found(found));
            }
            if matches!(entry.kind, ScopeKind::File | ScopeKind::Module { .. }) {
                break;
            }
            at = entry.parent;
        }
        let region = modules.nearest(view, place.mount, place.scope)?;
        self.textual_macro(modules.crate_of(region), name, space).map(Lexical::Found)
    }

    /// `macro_rules!` reach by the order of the text; the crate's macros of that name, and those of crates that it takes in with
    /// `#[macro_use]`, come close to it.
    fn textual_macro(&self, krate: usize, name: Name, space: Space) -> Option<Meaning> {
        if space != Space::Macro {
            return None;
        }
        let RustWorld { view, modules, .. } = self.world;
        let taken_in = || {
            let root = modules.file_of(modules.roots[krate]);
            let used = view.model(root).extern_crates.iter().filter(|entry| entry.macro_use);
            used.filter_map(|entry| match self.extern_crate(krate, view.name(root, entry.name)) {
                End::Module(region) => self.world.macro_in(modules.crate_of(region), name),
                _ => None,
            })
            .next()
        };
        self.world.macro_in(krate, name).or_else(taken_in).map(Meaning::def)
    }

    pub(super) fn extern_crate(&self, krate: usize, name: Name) -> End {
        let RustWorld { view, modules, crates, .. } = self.world;
        let externs = &crates[krate].externs;
        let text = view.text(name);
        let seen = externs.get(text).copied().or_else(|| {
            let root = modules.file_of(modules.roots[krate]);
            let aliases = &view.model(root).extern_crates;
            let named = aliases.iter().find(|entry| view.name(root, entry.alias) == name)?;
            match view.text(view.name(root, named.name)) {
                "self" => Some(krate),
                text => externs.get(text).copied(),
            }
        });
        seen.map_or(End::External, |krate| End::Module(modules.roots[krate]))
    }
}

/// What a name means where it is written.
enum Lexical {
    Generic(ScopeId, u32),
    Found(Meaning),
}

impl Walked {
    /// Notes what segment `at` means, and goes there.
    fn step(&mut self, at: usize, found: Meaning) -> End {
        let end = end_of(found.target);
        self.twins.clone_from(&found.twins);
        self.steps.push((at, found));
        end
    }
}

impl Meaning {
    pub(super) fn target(target: Target) -> Self {
        Self { target, twins: Vec::new(), via: Vec::new() }
    }

    pub(super) fn def(def: GlobalDef) -> Self {
        Self::target(Target::Def(def))
    }

    /// The name means that, too.
    pub(super) fn add_twin(&mut self, other: &Self) {
        for target in std::iter::once(other.target).chain(other.twins.iter().copied()) {
            if target != self.target && target != Target::External && !self.twins.contains(&target) {
                self.twins.push(target);
            }
        }
        self.via.extend(other.via.iter().copied());
    }
}

fn note_module(end: End, at: usize, steps: &mut Vec<(usize, Meaning)>) {
    if let End::Module(region) = end {
        steps.push((at, Meaning::target(Target::Module(region))));
    }
}

fn end_of(target: Target) -> End {
    match target {
        Target::Module(region) => End::Module(region),
        Target::Def(def) => End::Def(def),
        Target::External => End::External,
    }
}

/// Whether a definition of this kind has a name in this space. A struct has one in both: tuple and unit structs are values.
pub(super) fn fits(space: Space, kind: SymbolKind) -> bool {
    use SymbolKind::{Const, Enum, Function, Macro, Method, Module, Static, Struct, Trait, TypeAlias, Union, Variant};
    match space {
        Space::Any => true,
        Space::Type => matches!(kind, Struct | Union | Enum | Trait | TypeAlias | Module | Variant),
        Space::Value => matches!(kind, Function | Method | Const | Static | Struct | Variant | TypeAlias),
        Space::Macro => kind == Macro,
    }
}
