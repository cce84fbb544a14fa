//! Smells that only Rust has, or that are found in its syntax alone. Every limit is a named constant with its source.

mod bodies;
mod duplicates;
mod shape;

use super::code::RustFile;
use super::tree::{Id, Syntax};
use crate::domain::Role;
use crate::language::smell::Smell;

pub fn find(rust: &RustFile<'_, '_>, role: Role) -> Vec<Smell> {
    let mut smells = Vec::new();
    bodies::find(rust, role, &mut smells);
    duplicates::find(rust, &mut smells);
    shape::find(rust, &mut smells);
    smells
}

pub fn count(syntax: &Syntax, ids: impl Iterator<Item = Id>, is: impl Fn(&Syntax, Id) -> bool) -> u32 {
    u32::try_from(ids.filter(|&id| is(syntax, id)).count()).unwrap_or(u32::MAX)
}
