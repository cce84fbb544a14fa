//! The vectors of a table in memory, for a process that searches again and again: comparing with every one of 100,000 takes a few
//! milliseconds, misses none, and needs no index.
//!
//! A component is kept in 16 bits, half of what it has on disk. It is off by at most 1/65,534, so the cosine of two unit vectors
//! is off by some 1e-5. What is in memory is kept by fragment, which LanceDB never changes but for the rows that it marks as
//! deleted: after a commit only the fragments with changed files are read again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::ffi::OsString;
use std::os::unix::fs::DirEntryExt;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use arrow_array::RecordBatch;
use futures::TryStreamExt;
use lance::dataset::fragment::FileFragment;

use super::{Vectors, VectorsError, is_in, rows, table_dir};

/// What a component of 1 is kept as. The products of two unit vectors' components then sum up to at most 32,767 squared, whichever
/// of them are summed (Cauchy-Schwarz), which 32 bits hold.
const UNIT: f32 = 32_767.0;

/// A unit vector in 16 bits a component.
pub struct UnitCode(Vec<i16>);

impl UnitCode {
    pub fn of(vector: &[f32]) -> Self {
        Self(vector.iter().map(|component| (component * UNIT).round() as i16).collect())
    }
}

/// The vectors of one fragment that are of one model.
pub struct Piece {
    model_id: String,
    ids: Vec<Box<str>>,
    /// As many for each id as the table's vectors have dimensions.
    components: Vec<i16>,
}

impl Piece {
    /// One for each of the models that the rows are of.
    fn of_each_model(batches: &[RecordBatch]) -> Vec<Arc<Self>> {
        let mut pieces: BTreeMap<String, Self> = BTreeMap::new();
        for (id, model_id, vector) in batches.iter().flat_map(rows::id_vectors) {
            let empty = || Self { model_id: model_id.clone(), ids: Vec::new(), components: Vec::new() };
            let piece = pieces.entry(model_id.clone()).or_insert_with(empty);
            piece.ids.push(id.into_boxed_str());
            piece.components.extend(UnitCode::of(&vector).0);
        }
        let packed = |mut piece: Self| {
            piece.ids.shrink_to_fit();
            piece.components.shrink_to_fit();
            Arc::new(piece)
        };
        pieces.into_values().map(packed).collect()
    }

    /// The model that made its vectors.
    pub fn model_id(&self) -> &str {
        &self.model_id
    }

    pub fn rows(&self) -> usize {
        self.ids.len()
    }

    /// The ids of the nearest vectors and the cosine of the angle between, highest first; at most `limit`.
    pub fn nearest(&self, query: &UnitCode, limit: usize) -> Vec<(&str, f32)> {
        let dimensions = self.components.len().checked_div(self.ids.len()).unwrap_or_default();
        if dimensions == 0 || query.0.len() != dimensions {
            return Vec::new();
        }
        let mut best: BinaryHeap<Reverse<(i32, usize)>> = BinaryHeap::with_capacity(limit + 1);
        for (index, vector) in self.components.chunks_exact(dimensions).enumerate() {
            let score = dot(&query.0, vector);
            if best.len() < limit || best.peek().is_some_and(|Reverse((least, _))| score > *least) {
                best.push(Reverse((score, index)));
                if best.len() > limit {
                    best.pop();
                }
            }
        }
        let shown = |Reverse((score, index)): Reverse<(i32, usize)>| {
            Some((self.ids.get(index)?.as_ref(), (f64::from(score) / f64::from(UNIT * UNIT)) as f32))
        };
        best.into_sorted_vec().into_iter().filter_map(shown).collect()
    }
}

/// Compilers make of this loop what the processor has for it (`pmaddwd` on any x86-64, `smlal` on any aarch64).
fn dot(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}

type Versions = BTreeSet<(OsString, u64)>;

/// What of a table is in memory.
#[derive(Default)]
pub(super) struct Resident {
    model_ids: Vec<String>,
    /// The versions that there were when it was last compared with the table: their names, and the files of these names.
    versions: Versions,
    /// Each fragment by what the manifest says of it, its deleted rows included.
    fragments: HashMap<String, Vec<Arc<Piece>>>,
}

impl Vectors {
    /// The vectors of these models in the present version, in memory: read if they are not there yet or have changed. `None` if the table
    /// has more than `rows_max` rows.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn resident(&self, model_ids: &[&str], rows_max: usize) -> Result<Option<Vec<Arc<Piece>>>, VectorsError> {
        let versions = versions(&self.dir);
        let last = std::mem::take(&mut *self.resident.lock().unwrap_or_else(PoisonError::into_inner));
        let is_same = last.model_ids == model_ids && !versions.is_empty() && last.versions == versions;
        let now = if is_same {
            last
        } else if self.count().await? > rows_max {
            return Ok(None);
        } else {
            let model_ids_now = model_ids.iter().map(|id| (*id).to_owned()).collect();
            Resident { model_ids: model_ids_now, versions, fragments: self.fragments(model_ids, &last).await? }
        };
        let pieces = now.fragments.values().flatten().cloned().collect();
        *self.resident.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Ok(Some(pieces))
    }

    async fn fragments(
        &self,
        model_ids: &[&str],
        last: &Resident,
    ) -> Result<HashMap<String, Vec<Arc<Piece>>>, VectorsError> {
        match self.load(model_ids, last).await {
            Err(_) => {
                self.reopen().await?;
                self.load(model_ids, last).await
            }
            loaded => loaded,
        }
    }

    async fn load(
        &self,
        model_ids: &[&str],
        last: &Resident,
    ) -> Result<HashMap<String, Vec<Arc<Piece>>>, VectorsError> {
        let mut fragments = HashMap::new();
        let table = self.table();
        let Some(dataset) = table.dataset() else { return Ok(fragments) };
        let dataset = dataset.get().await.map_err(self.error("read"))?;
        for fragment in dataset.get_fragments() {
            let described = format!("{:?}", fragment.metadata());
            let known = last.fragments.get(&described).filter(|_| last.model_ids == model_ids);
            let pieces = match known {
                Some(pieces) => pieces.clone(),
                None => read(&fragment, model_ids).await.map_err(|error| self.error("read")(error.into()))?,
            };
            fragments.insert(described, pieces);
        }
        Ok(fragments)
    }
}

async fn read(fragment: &FileFragment, model_ids: &[&str]) -> lance::Result<Vec<Arc<Piece>>> {
    let mut scan = fragment.scan();
    scan.project(&["chunk_id", "model_id", "vector"])?.filter(&is_in("model_id", model_ids.iter().copied()))?;
    let batches: Vec<RecordBatch> = scan.try_into_stream().await?.try_collect().await?;
    Ok(Piece::of_each_model(&batches))
}

/// A table's versions. They say whether it has changed for much less than asking LanceDB does; empty if they cannot be
/// read.
fn versions(dir: &Path) -> Versions {
    let entries = std::fs::read_dir(table_dir(dir).join("_versions"));
    entries.into_iter().flatten().flatten().map(|entry| (entry.file_name(), entry.ino())).collect()
}

#[cfg(test)]
#[path = "resident_tests.rs"]
mod tests;
