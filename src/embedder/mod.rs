//! Chunks and their vectors: a file is cut into [`chunk::Chunk`]s along its syntax, and an encoder turns each chunk's text into a
//! vector of unit length. Cutting is pure; [`encoder::Embedder`] needs a model on disk, which [`install`] puts there; [`server`] asks
//! another program instead.

pub mod chosen;
pub mod chunk;
pub mod encoder;
pub mod identifier;
pub mod install;
pub mod model;
pub mod record;
pub mod rules;
pub mod server;
pub mod table;
