//! Which chunks have vectors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Vectors, VectorsError};
use crate::domain::FilePath;

/// Chunk ids by file.
pub type ChunkIds = BTreeMap<FilePath, BTreeSet<String>>;

/// The chunks that have vectors.
///
/// # Errors
/// If the vectors are there and cannot be read.
pub async fn ids_by_file(dir: &Path) -> Result<ChunkIds, VectorsError> {
    let mut ids = ChunkIds::new();
    if let Some(table) = Vectors::open(dir).await? {
        for (id, path) in table.ids().await? {
            ids.entry(FilePath::from_escaped(&path)).or_default().insert(id);
        }
    }
    Ok(ids)
}
