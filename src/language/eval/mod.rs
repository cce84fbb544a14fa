//! The evaluator that all languages but Rust share: which symbol of which file a name, member or value means.
//!
//! A frontend lowers a file to [`facts`]. A language adds its [`rules::Project`] (specifier to file) and [`rules::Rules`] (conventions).
//! Files are evaluated one by one, each with a memory of its own, so what a file uses is a function of the view and the file: no other
//! file's evaluation, nor their order, can change it.

#[cfg(test)]
pub(crate) mod edit_tests;
pub(crate) mod facts;
pub(crate) mod rules;

mod arguments;
mod callables;
mod calls;
mod embedding;
mod evaluation;
mod extending;
mod functional;
mod implements;
mod injection;
mod meanings;
mod members;
mod names;
mod namespaces;
mod overloads;
mod packages;
mod provided;
mod reach;
mod shapes;
mod structural;
mod thing;
mod types;
mod unused;
mod uses;
mod values;
mod view;
mod world;

pub(crate) use extending::EXTENDING;
pub(crate) use functional::FUNCTIONAL;
pub(crate) use packages::CONSTRUCTOR;
pub(crate) use world::{Dialects, resolver};
