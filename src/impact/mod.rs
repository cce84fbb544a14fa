//! Who depends on whom, and whom a change really touches. Pure: outlines in, edges and causes out.
//!
//! A [`World`] looks at all outlines of a view together: crates and module trees by their paths, then names through imports and
//! re-exports to definitions, then the types of expressions, so that fields and methods find theirs. It follows edits in place and
//! tells whom they can reach. [`impact`] compares two views.

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
mod world;

use std::collections::{BTreeMap, BTreeSet};

use std::sync::Arc;

use crate::domain::{Edge, FilePath, Hash};
use crate::outline::Outline;

pub use cause::{Cause, Impact, Side, impact};
pub use reach::Reach;
pub use uses::{Use, deps_hash};
pub use world::World;

/// Version of the rules by which names are resolved: raised whenever the same outlines lead to other edges or contexts, so that
/// files that did not change are resolved again. A test ties it to what the rules give.
pub const RESOLUTION_VERSION: u32 = 2;

/// The dependencies of a view: what each file uses of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

/// Resolves what every file of a view uses. All files matter, manifests too: crates, module trees and names follow from them.
/// The result depends on the set of files alone, not on their order.
pub fn resolve<'a>(files: impl IntoIterator<Item = (&'a FilePath, &'a Arc<Outline>)>) -> Graph {
    World::new(files).graph()
}

#[cfg(test)]
mod tests;
