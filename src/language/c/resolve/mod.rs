//! Who uses what, in C and C++: one resolver for both, since sources of either include the same headers.
//!
//! A file is evaluated with all that it includes, as a compiler would put it together; what stands in other files does not count, whatever
//! it is called. So what a file uses is a function of the file, of the files that it sees, and of what those declare under the names that it
//! looks up. [`reach`] keeps these apart: an edit concerns the files that may see it, and of those the ones that looked a changed name up.

mod evaluation;
mod notes;
mod project;
mod provided;
mod reach;
mod uses;
mod value;
mod view;
mod visible;
mod world;

pub(super) use world::resolver;
