//! What Rust files use of each other: crates and module trees by their paths, then names through imports and re-exports to
//! definitions, then the types of expressions, so that fields and methods find theirs.

mod crates;
mod follow;
mod generics;
mod guess;
mod implements;
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

use crate::language::resolve::{Outlined, Resolver};

use world::RustWorld;

/// Version of the rules by which names are resolved. A test ties it to what the rules give.
pub const VERSION: u32 = 3;

pub fn resolver(files: &[Outlined<'_>]) -> Box<dyn Resolver> {
    Box::new(RustWorld::new(files.iter().map(|(path, outline)| (*path, outline))))
}

#[cfg(test)]
pub(crate) use reach::tests::assert_complete;
