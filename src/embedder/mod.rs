//! Chunks and their vectors: a file is cut into [`chunk::Chunk`]s along its syntax, and a BERT turns each chunk's text into a
//! vector of unit length. Cutting is pure; [`bert::Embedder`] needs a model on disk, which [`install`] puts there.

pub mod bert;
pub mod chunk;
pub mod identifier;
pub mod install;
pub mod model;
pub mod table;
