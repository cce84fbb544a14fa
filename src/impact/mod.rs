//! Who depends on whom, and whom a change really touches. Pure: outlines in, edges and causes out.
//!
//! A [`World`] reads all outlines of a view together: crates and module trees by their paths, then names through imports and
//! re-exports to definitions, then the types of expressions, so that fields and methods find theirs. It follows edits in place and
//! reports which files they can reach. [`impact`] compares two views.

mod cause;
mod links;
mod reaching;
mod world;

use crate::domain::FilePath;
use crate::outline::StoredOutline;

pub use crate::language::resolve::{Graph, Reach, UnusedExport, Use, deps_hash};
pub use cause::{ChangedUse, Impact, Side, impact};
pub use links::{Implementations, SymbolAt, ThroughInterface, through_interfaces};
pub use reaching::{ReachingTest, Ways, own_lines, reaching_tests};
pub use world::{World, versions};

/// Resolves what every file of a view uses. All files matter, manifests too: crates, module trees and names follow from them.
/// The result depends on the set of files alone, not on their order.
pub fn resolve<'a, O: Into<StoredOutline>>(files: impl IntoIterator<Item = (&'a FilePath, O)>) -> Graph {
    World::new(files).graph()
}

#[cfg(test)]
mod tests;
