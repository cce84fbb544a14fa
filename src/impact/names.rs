//! Name resolution: from a path as written to the module or definition it names, through imports, globs and re-exports.
//!
//! After The Rust Reference, "Names" and "Use declarations". Visibility is not checked: source that compiles names nothing it
//! cannot see, and source that does not compile is better linked than not.

use std::cell::RefCell;

use rustc_hash::{FxHashMap, FxHashSet};

use super::World;
use super::modules::{Entry, MountId, RegionId};
use super::view::{GlobalDef, Name};
use crate::outline::SymbolKind;
use crate::outline::model::{ScopeId, ScopeKind, Space};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Module(RegionId),
    Def(GlobalDef),
    /// An import of something outside the view, or what may come from there.
    External,
}

/// What a name means, and the re-exports on the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub target: Target,
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
    /// How many segments lead to `end`.
    pub used: usize,
    /// What the segments name, with the segment's index.
    pub steps: Vec<(usize, Found)>,
}

type Query = (RegionId, Name, Space);

/// Name resolution with a memory; one per thread.
pub(super) struct Names<'w, 'a> {
    pub world: &'w World<'a>,
    memory: RefCell<FxHashMap<Query, Option<Found>>>,
}

/// What one walk has looked at: whoever comes back to it goes in a circle.
#[derive(Default)]
struct Visited {
    queries: FxHashSet<Query>,
    /// Regions asked whether they may hold more than is seen.
    regions: FxHashMap<RegionId, bool>,
    depth: usize,
}

/// Length of a chain of imports; the compiler has no limit, people stay under ten.
const CHAIN_MAX: usize = 48;

/// Regions and names that one walk looks at; globs of globs reach many.
const QUERIES_MAX: usize = 4_096;

impl<'w, 'a> Names<'w, 'a> {
    /// A mount to read a definition's types in, where none is near.
    pub(super) fn first_mount(&self, def: GlobalDef) -> MountId {
        self.world.modules.of_file[self.world.view.file_of(def) as usize].first().copied().unwrap_or_default()
    }

    pub(super) fn new(world: &'w World<'a>) -> Self {
        Self { world, memory: RefCell::default() }
    }

    /// Walks a path's segments from a scope.
    pub(super) fn walk(&self, mount: MountId, scope: ScopeId, segments: &[Name], space: Space) -> Walked {
        self.walk_visiting(mount, scope, segments, space, &mut Visited::default())
    }

    fn walk_visiting(
        &self,
        mount: MountId,
        scope: ScopeId,
        segments: &[Name],
        space: Space,
        visited: &mut Visited,
    ) -> Walked {
        let mut walked = Walked { end: End::External, used: 0, steps: Vec::new() };
        let Some((&first, _)) = segments.split_first() else { return walked };
        let space_at = |at: usize| if at + 1 == segments.len() { space } else { Space::Type };
        walked.used = 1;
        walked.end =
            self.first(mount, scope, first, space_at(0), segments, visited, &mut walked.steps, &mut walked.used);
        while let (End::Module(region), Some(&name)) = (walked.end, segments.get(walked.used)) {
            let at = walked.used;
            let words = &self.world.view.words;
            walked.used += 1;
            if name == words.this_module {
                continue;
            }
            if name == words.parent {
                walked.end = self.parent_of(region);
                self.note_module(walked.end, at, &mut walked.steps);
                continue;
            }
            walked.end = match self.lookup(region, name, space_at(at), visited) {
                Some(found) => {
                    let end = end_of(found.target);
                    walked.steps.push((at, found));
                    end
                }
                None if self.may_hold_more(region, visited) => End::External,
                None => End::Missing,
            };
        }
        // A variant is a name in its enum, as an item is in its module.
        if let (End::Def(def), Some(&name)) = (walked.end, segments.get(walked.used))
            && let Some(variant) = self.world.members.variant(def, name)
        {
            walked.steps.push((walked.used, Found { target: Target::Def(variant), via: Vec::new() }));
            walked.end = End::Def(variant);
            walked.used += 1;
        }
        walked
    }

    fn parent_of(&self, region: RegionId) -> End {
        self.world.modules.region(region).parent.map_or(End::Missing, End::Module)
    }

    fn note_module(&self, end: End, at: usize, steps: &mut Vec<(usize, Found)>) {
        if let End::Module(region) = end {
            steps.push((at, Found { target: Target::Module(region), via: Vec::new() }));
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the state of one walk; a struct for it would be named once and used once"
    )]
    fn first(
        &self,
        mount: MountId,
        scope: ScopeId,
        first: Name,
        space: Space,
        segments: &[Name],
        visited: &mut Visited,
        steps: &mut Vec<(usize, Found)>,
        used: &mut usize,
    ) -> End {
        let World { view, modules, .. } = self.world;
        let words = &view.words;
        let Some(region) = modules.nearest(view, mount, scope) else { return End::External };
        let krate = modules.crate_of(region);
        if first == words.krate || first == words.dollar_crate {
            return End::Module(modules.roots[krate]);
        }
        if first == words.this_module {
            return End::Module(modules.region(region).module);
        }
        if first == words.parent {
            let end = self.parent_of(modules.region(region).module);
            self.note_module(end, 0, steps);
            return end;
        }
        if first == words.this_type {
            return End::ThisType;
        }
        if first == words.empty {
            let Some(&name) = segments.get(1) else { return End::External };
            *used = 2;
            return self.extern_crate(krate, name);
        }
        self.lexical(mount, scope, first, space, visited, steps).unwrap_or_else(|| self.extern_crate(krate, first))
    }

    /// A name as it is seen from inside a scope.
    fn lexical(
        &self,
        mount: MountId,
        scope: ScopeId,
        name: Name,
        space: Space,
        visited: &mut Visited,
        steps: &mut Vec<(usize, Found)>,
    ) -> Option<End> {
        let World { view, modules, .. } = self.world;
        let file = modules.mounts[mount as usize].file;
        let scopes = &view.model(file).scopes;
        let mut at = Some(scope);
        while let Some(scope) = at {
            let entry = &scopes[scope as usize];
            if let ScopeKind::Item { generics, .. } = &entry.kind
                && space != Space::Macro
                && let Some(index) = generics.iter().position(|generic| view.name(file, generic.name) == name)
            {
                return Some(End::Generic(scope, index as u32));
            }
            if let Some(region) = modules.region_of(mount, scope)
                && let Some(found) = self.lookup(region, name, space, visited)
            {
                let end = end_of(found.target);
                steps.push((0, found));
                return Some(end);
            }
            if matches!(entry.kind, ScopeKind::File | ScopeKind::Module { .. }) {
                break;
            }
            at = entry.parent;
        }
        let region = modules.nearest(view, mount, scope)?;
        let found = self.textual_macro(modules.crate_of(region), name, space)?;
        let end = end_of(found.target);
        steps.push((0, found));
        Some(end)
    }

    /// `macro_rules!` reach by the order of the text; the crate's macros of that name come close to it.
    fn textual_macro(&self, krate: usize, name: Name, space: Space) -> Option<Found> {
        let def = matches!(space, Space::Macro).then(|| self.world.macro_in(krate, name)).flatten()?;
        Some(Found { target: Target::Def(def), via: Vec::new() })
    }

    fn extern_crate(&self, krate: usize, name: Name) -> End {
        let World { view, modules, crates, .. } = self.world;
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

    /// A name inside a module or block: what it declares, what it imports, what its globs bring.
    fn lookup(&self, region: RegionId, name: Name, space: Space, visited: &mut Visited) -> Option<Found> {
        let query = (region, name, space);
        if let Some(known) = self.memory.borrow().get(&query) {
            return known.clone();
        }
        let outermost = visited.queries.is_empty();
        if visited.depth >= CHAIN_MAX || visited.queries.len() >= QUERIES_MAX || !visited.queries.insert(query) {
            return None;
        }
        visited.depth += 1;
        let found = self.lookup_uncached(region, name, space, visited);
        visited.depth -= 1;
        // A miss inside another query may only mean that the two met, and what is outside the view may hide what is inside.
        if outermost || found.as_ref().is_some_and(|found| found.target != Target::External) {
            self.memory.borrow_mut().insert(query, found.clone());
        }
        found
    }

    fn lookup_uncached(&self, region: RegionId, name: Name, space: Space, visited: &mut Visited) -> Option<Found> {
        let World { view, modules, .. } = self.world;
        let entries = modules.entries(region, name);
        for entry in entries {
            match *entry {
                Entry::Def(def) if fits(space, view.kind(def)) => {
                    return Some(Found { target: Target::Def(def), via: Vec::new() });
                }
                Entry::Module(module) if matches!(space, Space::Type | Space::Any) => {
                    return Some(Found { target: Target::Module(module), via: Vec::new() });
                }
                _ => {}
            }
        }
        // An import by name hides what globs bring, also where it leads out of the view; an external glob may bring anything.
        self.by_import(region, entries, space, visited)
            .or_else(|| self.by_glob(region, name, space, visited))
            .or_else(|| {
                modules.region(region).merged.iter().find_map(|&other| self.lookup(other, name, space, visited))
            })
            .or_else(|| self.exported_macro(region, name, space))
            .or_else(|| self.declared_crate(region, name, space))
    }

    /// `extern crate x;` declares `x` like an item.
    fn declared_crate(&self, region: RegionId, name: Name, space: Space) -> Option<Found> {
        let World { view, modules, .. } = self.world;
        let file = modules.file_of(region);
        let declared = view.model(file).extern_crates.iter().any(|entry| view.name(file, entry.alias) == name);
        if !declared || !matches!(space, Space::Type | Space::Any) {
            return None;
        }
        let target = match self.extern_crate(modules.crate_of(region), name) {
            End::Module(root) => Target::Module(root),
            _ => Target::External,
        };
        Some(Found { target, via: Vec::new() })
    }

    fn by_import(&self, region: RegionId, entries: &[Entry], space: Space, visited: &mut Visited) -> Option<Found> {
        let mut external = None;
        for entry in entries {
            let Entry::Import(import) = *entry else { continue };
            match self.imported(region, import, space, visited) {
                Some(found) if found.target == Target::External => external = Some(found),
                Some(found) => return Some(found),
                None => {}
            }
        }
        external
    }

    fn exported_macro(&self, region: RegionId, name: Name, space: Space) -> Option<Found> {
        let World { modules, .. } = self.world;
        let krate = modules.crate_of(region);
        let at_root = modules.roots.get(krate) == Some(&region);
        let def = (at_root && matches!(space, Space::Macro | Space::Any))
            .then(|| self.world.macro_in(krate, name))
            .flatten()?;
        Some(Found { target: Target::Def(def), via: Vec::new() })
    }

    fn imported(&self, region: RegionId, import: u32, space: Space, visited: &mut Visited) -> Option<Found> {
        let (walked, via) = self.walk_import(region, import, space, visited)?;
        let target = match walked.end {
            End::Module(module) => Target::Module(module),
            End::Def(def) if fits(space, self.world.view.kind(def)) => Target::Def(def),
            End::External => Target::External,
            _ => return None,
        };
        Some(Found { target, via })
    }

    fn walk_import(
        &self,
        region: RegionId,
        import: u32,
        space: Space,
        visited: &mut Visited,
    ) -> Option<(Walked, Vec<GlobalDef>)> {
        let World { view, modules, .. } = self.world;
        let mount = modules.region(region).mount;
        let file = modules.file_of(region);
        let import = &view.model(file).imports[import as usize];
        let path = &view.model(file).paths[import.path as usize];
        let segments: Vec<Name> = path.segments.iter().map(|&id| view.name(file, id)).collect();
        let walked = self.walk_visiting(mount, import.scope, &segments, space, visited);
        if walked.used < segments.len() && walked.end != End::External {
            return None;
        }
        let mut via: Vec<GlobalDef> = import.def.map(|def| view.global(file, def)).into_iter().collect();
        via.extend(walked.steps.iter().flat_map(|(_, found)| found.via.iter().copied()));
        Some((walked, via))
    }

    fn by_glob(&self, region: RegionId, name: Name, space: Space, visited: &mut Visited) -> Option<Found> {
        let World { modules, members, .. } = self.world;
        let mut external = None;
        for &glob in &modules.region(region).globs {
            let Some((walked, mut via)) = self.walk_import(region, glob, Space::Type, visited) else { continue };
            let found = match walked.end {
                End::Module(module) => self.lookup(module, name, space, visited),
                End::Def(def) => members.variant(def, name).filter(|_| space != Space::Macro).map(Found::def),
                _ => None,
            };
            match found {
                Some(found) if found.target == Target::External => external = Some(found),
                Some(found) => {
                    via.extend(found.via);
                    return Some(Found { target: found.target, via });
                }
                None => {}
            }
        }
        external
    }

    /// A region in which more names may exist than the source shows: a glob leads out of the view, or a macro declares items.
    fn may_hold_more(&self, region: RegionId, visited: &mut Visited) -> bool {
        if let Some(&known) = visited.regions.get(&region) {
            return known;
        }
        visited.regions.insert(region, false);
        if visited.depth >= CHAIN_MAX {
            return false;
        }
        visited.depth += 1;
        let more = self.has_open_end(region, visited);
        visited.depth -= 1;
        visited.regions.insert(region, more);
        more
    }

    fn has_open_end(&self, region: RegionId, visited: &mut Visited) -> bool {
        let World { view, modules, .. } = self.world;
        let file = modules.file_of(region);
        let entry = modules.region(region);
        let by_macro =
            view.model(file).item_macros.iter().any(|&scope| modules.nearest(view, entry.mount, scope) == Some(region));
        by_macro
            || entry.globs.iter().any(|&glob| {
                match self.walk_import(region, glob, Space::Type, visited).map(|(walked, _)| walked.end) {
                    Some(End::External) => true,
                    Some(End::Module(module)) => self.may_hold_more(module, visited),
                    _ => false,
                }
            })
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
fn fits(space: Space, kind: SymbolKind) -> bool {
    use SymbolKind::{Const, Enum, Function, Macro, Method, Module, Static, Struct, Trait, TypeAlias, Union, Variant};
    match space {
        Space::Any => true,
        Space::Type => matches!(kind, Struct | Union | Enum | Trait | TypeAlias | Module | Variant),
        Space::Value => matches!(kind, Function | Method | Const | Static | Struct | Variant | TypeAlias),
        Space::Macro => kind == Macro,
    }
}
