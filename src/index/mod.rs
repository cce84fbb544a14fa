//! What is derived from a file: its record and outline, its links, its chunks, the recipe of its results. The worker
//! records it; `cache verify` derives it again and compares.

pub mod backlog;
pub mod chunks;
pub mod links;
pub mod read;
pub mod recipe;
