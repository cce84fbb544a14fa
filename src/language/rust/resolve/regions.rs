//! What a name means inside a module or block: what it declares, what it imports, what its globs bring.

use std::cmp::Ordering;

use super::RustWorld;
use super::modules::{RegionEntry, RegionId};
use super::names::{End, Meaning, Names, PathPlace, Target, Visited, Walked, fits};
use super::view::{GlobalDef, Name};
use crate::language::SymbolKind;
use crate::language::facts::Space;

/// Length of a chain of imports; the compiler has no limit, people stay under ten.
const CHAIN_MAX: usize = 48;

/// Regions and names that one walk visits; globs of globs reach many.
const QUERIES_MAX: usize = 4_096;

impl Names<'_> {
    /// A name inside a module or block.
    pub(super) fn lookup(&self, region: RegionId, name: Name, space: Space, visited: &mut Visited) -> Option<Meaning> {
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

    fn lookup_uncached(&self, region: RegionId, name: Name, space: Space, visited: &mut Visited) -> Option<Meaning> {
        let modules = &self.world.modules;
        let entries = modules.entries(region, name);
        let declared = self.declared(entries, space);
        // An import by name hides what globs bring, also where it leads out of the view; an external glob may bring anything.
        declared
            .or_else(|| self.by_import(region, entries, space, visited))
            .or_else(|| self.by_glob(region, name, space, visited))
            .or_else(|| {
                modules.region(region).merged.iter().find_map(|&other| self.lookup(other, name, space, visited))
            })
            .or_else(|| self.exported_macro(region, name, space))
            .or_else(|| self.declared_crate(region, name, space))
    }

    /// What the region itself declares. Several modules of a name belong to several configurations.
    fn declared(&self, entries: &[RegionEntry], space: Space) -> Option<Meaning> {
        let mut found: Option<Meaning> = None;
        for entry in entries {
            let target = match *entry {
                RegionEntry::Def(def) if fits(space, self.world.view.kind(def)) => Target::Def(def),
                RegionEntry::Module(module) if matches!(space, Space::Type | Space::Any) => Target::Module(module),
                _ => continue,
            };
            found = self.either(found, Some(Meaning::target(target)));
        }
        found
    }

    /// `extern crate x;` declares `x` like an item.
    fn declared_crate(&self, region: RegionId, name: Name, space: Space) -> Option<Meaning> {
        let RustWorld { view, modules, .. } = self.world;
        let file = modules.file_of(region);
        let declared = view.model(file).extern_crates.iter().any(|entry| view.name(file, entry.alias) == name);
        if !declared || !matches!(space, Space::Type | Space::Any) {
            return None;
        }
        Some(Meaning::target(match self.extern_crate(modules.crate_of(region), name) {
            End::Module(root) => Target::Module(root),
            _ => Target::External,
        }))
    }

    fn by_import(
        &self,
        region: RegionId,
        entries: &[RegionEntry],
        space: Space,
        visited: &mut Visited,
    ) -> Option<Meaning> {
        let (mut found, mut external) = (None, None);
        for entry in entries {
            let RegionEntry::Import(import) = *entry else { continue };
            match self.imported(region, import, space, visited) {
                Some(outside) if outside.target == Target::External => external = Some(outside),
                inside => found = self.either(found, inside),
            }
        }
        found.or(external)
    }

    fn exported_macro(&self, region: RegionId, name: Name, space: Space) -> Option<Meaning> {
        let modules = &self.world.modules;
        let krate = modules.crate_of(region);
        let at_root = modules.roots.get(krate) == Some(&region);
        let def = (at_root && matches!(space, Space::Macro | Space::Any))
            .then(|| self.world.macro_in(krate, name))
            .flatten()?;
        Some(Meaning::def(def))
    }

    fn imported(&self, region: RegionId, import: u32, space: Space, visited: &mut Visited) -> Option<Meaning> {
        let (walked, via) = self.walk_import(region, import, space, visited)?;
        let target = match walked.end {
            End::Module(module) => Target::Module(module),
            End::Def(def) if fits(space, self.world.view.kind(def)) => Target::Def(def),
            End::External => Target::External,
            _ => return None,
        };
        Some(Meaning { target, twins: walked.twins, via })
    }

    fn walk_import(
        &self,
        region: RegionId,
        import: u32,
        space: Space,
        visited: &mut Visited,
    ) -> Option<(Walked, Vec<GlobalDef>)> {
        let RustWorld { view, modules, .. } = self.world;
        let mount = region.mount;
        let file = modules.file_of(region);
        let import = &view.model(file).imports[import as usize];
        let path = &view.model(file).paths[import.path as usize];
        let segments: Vec<Name> = path.segments.iter().map(|&id| view.name(file, id)).collect();
        let place = PathPlace { mount, scope: import.scope, is_import: true };
        let walked = self.walk_visiting(place, &segments, space, visited);
        if walked.used < segments.len() && walked.end != End::External {
            return None;
        }
        let mut via: Vec<GlobalDef> = import.def.map(|def| view.global(file, def)).into_iter().collect();
        via.extend(walked.steps.iter().flat_map(|(_, found)| found.via.iter().copied()));
        Some((walked, via))
    }

    fn by_glob(&self, region: RegionId, name: Name, space: Space, visited: &mut Visited) -> Option<Meaning> {
        let (mut found, mut external) = (None, None);
        for &glob in &self.world.modules.region(region).globs {
            let Some((walked, via)) = self.walk_import(region, glob, Space::Type, visited) else { continue };
            match self.brought(&walked, name, space, visited) {
                Some(outside) if outside.target == Target::External => external = Some(outside),
                Some(mut inside) => {
                    inside.via.extend(via);
                    found = self.either(found, Some(inside));
                }
                None => {}
            }
        }
        found.or(external)
    }

    /// What a glob of a module, or of an enum, brings by that name.
    fn brought(&self, walked: &Walked, name: Name, space: Space, visited: &mut Visited) -> Option<Meaning> {
        let modules = walked.twins.iter().filter_map(|twin| match twin {
            Target::Module(module) => Some(*module),
            _ => None,
        });
        match walked.end {
            End::Module(module) => {
                let all = std::iter::once(module).chain(modules);
                all.fold(None, |found, module| self.either(found, self.lookup(module, name, space, visited)))
            }
            End::Def(def) => self.world.members.variant(def, name).filter(|_| space != Space::Macro).map(Meaning::def),
            _ => None,
        }
    }

    /// Two meanings of one name. Those of one name space belong to two configurations, and both are meant; of two name spaces the
    /// types come first, for an import of a macro or a function of a type's name means the type, too.
    fn either(&self, first: Option<Meaning>, second: Option<Meaning>) -> Option<Meaning> {
        let (mut first, second) = match (first, second) {
            (Some(first), Some(second)) => (first, second),
            (first, second) => return first.or(second),
        };
        let rank = |found: &Meaning| match found.target {
            Target::Module(_) | Target::External => 0,
            Target::Def(def) => match self.world.view.kind(def) {
                SymbolKind::Macro => 2,
                kind if fits(Space::Type, kind) => 0,
                _ => 1,
            },
        };
        match rank(&first).cmp(&rank(&second)) {
            Ordering::Less => Some(first),
            Ordering::Greater => Some(second),
            Ordering::Equal => {
                first.add_twin(&second);
                Some(first)
            }
        }
    }

    /// A region in which more names may exist than the source shows: a glob leads out of the view, or a macro declares items.
    pub(super) fn may_hold_more(&self, region: RegionId, visited: &mut Visited) -> bool {
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
        let RustWorld { view, modules, .. } = self.world;
        let file = modules.file_of(region);
        let entry = modules.region(region);
        let by_macro = view
            .model(file)
            .item_macros
            .iter()
            .any(|&scope| modules.nearest(view, region.mount, scope) == Some(region));
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
