//! Who depends on whom, and whom a change really touches. Pure: outlines in, edges and causes out.
//!
//! [`resolve`] looks at all outlines of a view together: crates and module trees by their paths, then names through imports and
//! re-exports to definitions, then the types of expressions, so that fields and methods find theirs. [`impact`] compares two
//! such views.

mod cause;
mod crates;
mod generics;
mod guess;
mod infer;
mod lookup;
mod members;
mod modules;
mod names;
mod reach;
mod regions;
mod std_types;
mod types;
mod uses;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::domain::{Edge, FilePath, Hash};
use crate::outline::model::Owner;
use crate::outline::{Outline, SymbolKind};

pub use cause::{Cause, Impact, Side, impact};
use crates::Crate;
use members::Members;
use modules::Modules;
pub use reach::reached;
pub use uses::{Use, deps_hash};
use view::{File, GlobalDef, Name, View};

/// Version of the rules by which names are resolved: raised whenever the same outlines lead to other edges or contexts, so that
/// files that did not change are resolved again. A test ties it to what the rules give.
pub const RESOLUTION_VERSION: u32 = 1;

/// The dependencies of a view: what each file uses of others.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    edges: Vec<Edge>,
    via: Vec<Edge>,
    uses: BTreeMap<FilePath, Vec<Use>>,
    module_paths: BTreeMap<FilePath, String>,
    crate_roots: BTreeSet<FilePath>,
}

impl Graph {
    /// One edge per symbol and kind of use; sorted, without repetitions, without edges of a file to itself. A module that is
    /// named is an edge to the file that it is.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The re-exports through which files reach what they use: `source_file` is the file that re-exports.
    pub fn via(&self) -> &[Edge] {
        &self.via
    }

    /// What the file uses of other files, as written in it, with the signature that it has at present. Names inside the view's
    /// crates that nothing defines are there, too, without a signature. Sorted as written.
    pub fn uses(&self, file: &FilePath) -> &[Use] {
        self.uses.get(file).map(Vec::as_slice).unwrap_or_default()
    }

    /// [`deps_hash`] of every file that uses anything; a file that is not there uses nothing.
    pub fn deps_hashes(&self) -> BTreeMap<FilePath, Hash> {
        self.uses.iter().map(|(file, uses)| (file.clone(), deps_hash(uses))).collect()
    }

    /// `my_crate::config`, if a crate reaches the file. A file of several crates has the library's path.
    pub fn module_path(&self, file: &FilePath) -> Option<&str> {
        self.module_paths.get(file).map(String::as_str)
    }

    /// The file is the root of a library, binary, test, example, benchmark or build script.
    pub fn is_crate_root(&self, file: &FilePath) -> bool {
        self.crate_roots.contains(file)
    }
}

/// Everything that name resolution looks at; read-only once built.
struct World<'a> {
    view: View<'a>,
    crates: Vec<Crate>,
    modules: Modules,
    members: Members,
    /// `macro_rules!` by crate and name.
    macros: FxHashMap<(usize, Name), GlobalDef>,
}

impl<'a> World<'a> {
    fn new(files: impl IntoIterator<Item = (&'a FilePath, &'a Outline)>) -> Self {
        let view = View::new(files);
        let crates = crates::crates(&view);
        let mut modules = modules::mount_all(&view, &crates);
        modules.link();
        let members = Members::of_definitions(&view);
        let mut world = Self { view, crates, modules, members, macros: FxHashMap::default() };
        world.macros = world.macros_by_crate();
        world.members = Members::add_impls(&world);
        world
    }

    fn macros_by_crate(&self) -> FxHashMap<(usize, Name), GlobalDef> {
        let mut macros = FxHashMap::default();
        for file in 0..self.view.files.len() as File {
            for (id, def) in self.view.model(file).defs.iter().enumerate() {
                let id = self.view.global(file, id as u32);
                let is_macro = self.view.kind(id) == SymbolKind::Macro && def.owner == Owner::Scope;
                // One that is defined in a body ends with it.
                if !is_macro || self.view.model(file).place(def.scope).1 {
                    continue;
                }
                for &mount in &self.modules.of_file[file as usize] {
                    let krate = self.modules.mounts[mount as usize].krate;
                    macros.entry((krate, self.view.name(file, def.name))).or_insert(id);
                }
            }
        }
        macros
    }

    fn macro_in(&self, krate: usize, name: Name) -> Option<GlobalDef> {
        self.macros.get(&(krate, name)).copied()
    }
}

/// Resolves what every file of a view uses. All files matter, manifests too: crates, module trees and names follow from them.
/// The result depends on the set of files alone, not on their order.
pub fn resolve<'a>(files: impl IntoIterator<Item = (&'a FilePath, &'a Outline)>) -> Graph {
    resolve_chosen(files, |_| true)
}

/// As [`resolve`], with the edges and uses of some files alone: all that can be new after a change of just these files that left
/// each one's [`Outline::resolution_hash`] as it was.
pub fn resolve_files<'a>(
    files: impl IntoIterator<Item = (&'a FilePath, &'a Outline)>,
    only: &BTreeSet<FilePath>,
) -> Graph {
    resolve_chosen(files, |path| only.contains(path))
}

fn resolve_chosen<'a>(
    files: impl IntoIterator<Item = (&'a FilePath, &'a Outline)>,
    chosen: impl Fn(&FilePath) -> bool,
) -> Graph {
    let world = World::new(files);
    let mut graph = uses::collect(&world, chosen);
    for (file, mounts) in world.modules.of_file.iter().enumerate() {
        let region = mounts.first().and_then(|&mount| world.modules.region_of(mount, 0));
        if let Some(region) = region {
            let path = world.modules.path_of(region, &world.view, &world.crates);
            graph.module_paths.insert(world.view.path(file as File).clone(), path);
        }
    }
    graph.crate_roots = world.crates.iter().map(|krate| world.view.path(krate.root).clone()).collect();
    graph
}

#[cfg(test)]
mod tests;
