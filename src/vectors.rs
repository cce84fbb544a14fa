//! Chunks and their vectors by key, in LanceDB: table `code_chunks` of one repository's store. Derived from the repository and
//! the model, so it may be deleted at any time; it is then built again.
//!
//! One process writes (it holds the worker's lock); others read the version that they opened. A version stays readable for
//! [`VERSION_KEPT`] after it was replaced, and a reader that comes too late opens the table again.

mod ids;
mod resident;
mod rows;
mod upkeep;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use arrow_array::RecordBatch;
use futures::TryStreamExt;
use lancedb::query::{ExecutableQuery, QueryBase, Select};
use lancedb::{DistanceType, Table};

use crate::domain::Hash;

pub use ids::{ChunkIds, ids_by_file};
pub use resident::{Piece, UnitCode};
pub use rows::{ChunkRow, OwnedVector};
pub use upkeep::{Upkeep, VERSION_KEPT};

/// Length of the vectors of the two models that are known longest.
pub const DIMENSIONS: usize = 384;

const TABLE: &str = "code_chunks";

/// Values of one `IN (..)`.
const VALUES_PER_FILTER: usize = 1_000;

/// What LanceDB may keep in memory: its own default of some GiB is for servers. An HNSW index of 100,000 rows takes some 60 MiB.
const INDEX_CACHE_BYTES: usize = 192 << 20;
const METADATA_CACHE_BYTES: usize = 32 << 20;

/// Candidates, as a multiple of the limit, whose exact distance is computed after a search in the quantized index (measured on
/// 100,000 rows: 5 raises the recall from .909 to .999 for 1 ms).
const REFINE_FACTOR: u32 = 5;

#[derive(Debug, thiserror::Error)]
pub enum VectorsError {
    #[error(
        "the vectors in {path} could not be {action}: {source}; if that repeats, delete the directory, it is built again"
    )]
    Store { path: PathBuf, action: &'static str, source: Box<lancedb::Error> },
    #[error(
        "the directory {path} of the vectors cannot be used: {source}; check who owns it and whether the disk is full"
    )]
    Unusable { path: PathBuf, source: io::Error },
    #[error(
        "the path {path} is not UTF-8, which the vector store needs; move the cache (cache.location) to one that is"
    )]
    PathNotUtf8 { path: PathBuf },
    #[error(
        "the vectors in {path} have another layout than this version writes; delete the directory, it is built again"
    )]
    OtherLayout { path: PathBuf },
    #[error("the rows for {path} do not fit the table: {source}")]
    Rows { path: PathBuf, source: arrow_schema::ArrowError },
}

/// An open table of chunks.
pub struct Vectors {
    dir: PathBuf,
    /// Length of its vectors.
    dimensions: usize,
    table: RwLock<Table>,
    /// The model that every row is known to be of: searching then needs no filter.
    only_model: Mutex<Option<String>>,
    /// What [`Vectors::resident`] has read.
    resident: Mutex<resident::Resident>,
}

impl Vectors {
    /// Opens the table in the directory [`crate::home::StoreDir::vectors`]; `None` if there is none yet.
    ///
    /// # Errors
    /// If the directory cannot be used, or holds a table that cannot be read or is laid out otherwise.
    pub async fn open(dir: &Path) -> Result<Option<Self>, VectorsError> {
        if has_table(dir) { Ok(Some(Self::open_table(dir).await?)) } else { Ok(None) }
    }

    /// Opens the table in a directory, and creates it for vectors of this length if there is none.
    ///
    /// # Errors
    /// As [`Vectors::open`], or if it cannot be created or has vectors of another length.
    pub async fn open_or_create(dir: &Path, dimensions: usize) -> Result<Self, VectorsError> {
        if !has_table(dir) {
            create_table(dir, dimensions).await?;
        }
        let table = Self::open_table(dir).await?;
        if table.dimensions == dimensions {
            Ok(table)
        } else {
            Err(VectorsError::OtherLayout { path: dir.to_path_buf() })
        }
    }

    async fn open_table(dir: &Path) -> Result<Self, VectorsError> {
        let table = open_table(dir).await?;
        let schema = table.schema().await.map_err(store_error(dir, "read"))?;
        let Some(dimensions) = rows::dimensions_of(&schema) else {
            return Err(VectorsError::OtherLayout { path: dir.to_path_buf() });
        };
        Ok(Self {
            dir: dir.to_path_buf(),
            dimensions,
            table: RwLock::new(table),
            only_model: Mutex::default(),
            resident: Mutex::default(),
        })
    }

    /// Replaces all rows of these files (`FilePath::escaped`) by the given ones, which may be fewer or none. Rows of all files are
    /// added in one version. A crash may leave the files without rows, never with wrong ones: their job is not finished and runs again.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn replace_files(&self, paths: &[&str], rows: Vec<ChunkRow>) -> Result<(), VectorsError> {
        self.delete_files(paths).await?;
        if rows.is_empty() {
            return Ok(());
        }
        self.forget_only_model(&rows);
        let batch = rows::to_batch(&rows, self.dimensions)
            .map_err(|source| VectorsError::Rows { path: self.dir.clone(), source })?;
        self.table().add(batch).execute().await.map_err(self.error("written"))?;
        Ok(())
    }

    /// Deletes all rows of these files (`FilePath::escaped`).
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn delete_files(&self, paths: &[&str]) -> Result<(), VectorsError> {
        let table = self.table();
        if self.count().await? == 0 {
            return Ok(());
        }
        for paths in paths.chunks(VALUES_PER_FILTER) {
            let filter = is_in("file_path", paths.iter().copied());
            table.delete(filter.as_str()).await.map_err(self.error("written"))?;
        }
        Ok(())
    }

    /// The vectors that this model once gave for chunks of these hashes, wherever they stood: they need not be computed again.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn vectors_of(&self, hashes: &[Hash], model_id: &str) -> Result<HashMap<Hash, Vec<f32>>, VectorsError> {
        let mut found = HashMap::new();
        let texts: Vec<String> = hashes.iter().collect::<HashSet<_>>().into_iter().map(Hash::to_string).collect();
        for texts in texts.chunks(VALUES_PER_FILTER) {
            let filter = format!(
                "{} AND {}",
                is_in("chunk_hash", texts.iter().map(String::as_str)),
                is_in("model_id", [model_id])
            );
            let batches = self.read(&["chunk_hash", "vector"], Some(&filter)).await?;
            batches.iter().for_each(|batch| found.extend(rows::vectors(batch)));
        }
        Ok(found)
    }

    /// The vectors in the rows of these files (`FilePath::escaped`), of any model.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn vectors_in(&self, paths: &[&str]) -> Result<Vec<OwnedVector>, VectorsError> {
        let mut found = Vec::new();
        for paths in paths.chunks(VALUES_PER_FILTER) {
            let filter = is_in("file_path", paths.iter().copied());
            let batches = self.read(&["chunk_hash", "model_id", "vector"], Some(&filter)).await?;
            found.extend(batches.iter().flat_map(rows::owned_vectors));
        }
        Ok(found)
    }

    /// The content hash of each file that has rows of this model: what is already embedded.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn files(&self, model_id: &str) -> Result<HashMap<String, String>, VectorsError> {
        let filter = is_in("model_id", [model_id]);
        let batches = self.read(&["file_path", "content_hash"], Some(&filter)).await?;
        Ok(batches.iter().flat_map(|batch| rows::text_pairs(batch, "file_path", "content_hash")).collect())
    }

    /// Every row, in no particular order: for comparing with a store built from nothing.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn rows(&self) -> Result<Vec<ChunkRow>, VectorsError> {
        let batches = self.read(rows::COLUMNS, None).await?;
        Ok(batches.iter().flat_map(rows::from_batch).collect())
    }

    /// The chunk id and the file (`FilePath::escaped`) of every row, in no particular order.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn ids(&self) -> Result<Vec<(String, String)>, VectorsError> {
        let batches = self.read(&["chunk_id", "file_path"], None).await?;
        Ok(batches.iter().flat_map(|batch| rows::text_pairs(batch, "chunk_id", "file_path")).collect())
    }

    /// The chunks whose vectors are nearest to the query: their ids and the cosine of the angle between (1 is the same direction),
    /// highest first. The query must be of unit length and of the same model.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn search(
        &self,
        query: &[f32],
        model_id: &str,
        limit: usize,
    ) -> Result<Vec<(String, f32)>, VectorsError> {
        match self.search_once(query, model_id, limit).await {
            Err(_) => {
                self.reopen().await?;
                self.search_once(query, model_id, limit).await
            }
            found => found,
        }
    }

    async fn search_once(
        &self,
        query: &[f32],
        model_id: &str,
        limit: usize,
    ) -> Result<Vec<(String, f32)>, VectorsError> {
        if query.len() != self.dimensions || self.is_of_other_model(model_id) {
            return Ok(Vec::new());
        }
        let filter = if self.is_only_model(model_id).await? { None } else { Some(is_in("model_id", [model_id])) };
        let mut search = self
            .table()
            .vector_search(query)
            .map_err(self.error("searched"))?
            .distance_type(DistanceType::Cosine)
            .refine_factor(REFINE_FACTOR)
            .select(Select::columns(&["chunk_id", "_distance"]))
            .limit(limit);
        if let Some(filter) = filter {
            search = search.only_if(filter);
        }
        let stream = search.execute().await.map_err(self.error("searched"))?;
        let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(self.error("searched"))?;
        Ok(batches.iter().flat_map(rows::scores).collect())
    }

    /// The models that its rows are of, with the number of each.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn models(&self) -> Result<HashMap<String, usize>, VectorsError> {
        let mut counts = HashMap::new();
        for batch in self.read(&["model_id"], None).await? {
            rows::texts(&batch, "model_id").into_iter().for_each(|id| *counts.entry(id).or_default() += 1);
        }
        Ok(counts)
    }

    /// Length of its vectors.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Number of rows.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn count(&self) -> Result<usize, VectorsError> {
        self.table().count_rows(None).await.map_err(self.error("counted"))
    }

    /// Bytes on disk of the present version alone: what [`Vectors::disk_bytes`] comes down to when the replaced versions are pruned.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn current_bytes(&self) -> Result<u64, VectorsError> {
        let statistics = self.table().stats().await.map_err(self.error("read"))?;
        Ok(statistics.total_bytes as u64)
    }

    /// Bytes on disk, versions that are not yet pruned included.
    pub fn disk_bytes(&self) -> u64 {
        disk_bytes(&self.dir)
    }

    /// Rows' columns, opening the table again if a file of this version is gone.
    async fn read(&self, columns: &[&str], filter: Option<&str>) -> Result<Vec<RecordBatch>, VectorsError> {
        match self.read_once(columns, filter).await {
            Err(_) => {
                self.reopen().await?;
                self.read_once(columns, filter).await
            }
            read => read,
        }
    }

    async fn read_once(&self, columns: &[&str], filter: Option<&str>) -> Result<Vec<RecordBatch>, VectorsError> {
        let mut query = self.table().query().select(Select::columns(columns));
        if let Some(filter) = filter {
            query = query.only_if(filter);
        }
        let stream = query.execute().await.map_err(self.error("read"))?;
        stream.try_collect().await.map_err(self.error("read"))
    }

    async fn reopen(&self) -> Result<(), VectorsError> {
        let table = open_table(&self.dir).await?;
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
        *self.only_model.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// A handle to the table; handles share one state.
    fn table(&self) -> Table {
        self.table.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn is_only_model(&self, model_id: &str) -> Result<bool, VectorsError> {
        if self.only_model.lock().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(model_id) {
            return Ok(true);
        }
        let others = format!("NOT {}", is_in("model_id", [model_id]));
        let is_only = self.table().count_rows(Some(others)).await.map_err(self.error("counted"))? == 0;
        if is_only {
            *self.only_model.lock().unwrap_or_else(PoisonError::into_inner) = Some(model_id.to_owned());
        }
        Ok(is_only)
    }

    /// Whether every row is known to be of one model, and that is another one.
    fn is_of_other_model(&self, model_id: &str) -> bool {
        let only_model = self.only_model.lock().unwrap_or_else(PoisonError::into_inner);
        only_model.as_deref().is_some_and(|only| only != model_id)
    }

    fn forget_only_model(&self, rows: &[ChunkRow]) {
        let mut only_model = self.only_model.lock().unwrap_or_else(PoisonError::into_inner);
        if only_model.as_ref().is_some_and(|only| rows.iter().any(|row| row.model_id != *only)) {
            *only_model = None;
        }
    }

    fn error(&self, action: &'static str) -> impl FnOnce(lancedb::Error) -> VectorsError + use<> {
        store_error(&self.dir, action)
    }
}

fn store_error(dir: &Path, action: &'static str) -> impl FnOnce(lancedb::Error) -> VectorsError + use<> {
    let path = dir.to_path_buf();
    move |source| VectorsError::Store { path, action, source: Box::new(source) }
}

/// True if a version of the table was ever committed.
fn has_table(dir: &Path) -> bool {
    let versions = table_dir(dir).join("_versions");
    std::fs::read_dir(versions).is_ok_and(|mut entries| entries.next().is_some())
}

fn table_dir(dir: &Path) -> PathBuf {
    dir.join(format!("{TABLE}.lance"))
}

async fn connect(dir: &Path) -> Result<lancedb::Connection, VectorsError> {
    let uri = dir.to_str().ok_or_else(|| VectorsError::PathNotUtf8 { path: dir.to_path_buf() })?;
    let session = lance::session::Session::new(INDEX_CACHE_BYTES, METADATA_CACHE_BYTES, Arc::default());
    lancedb::connect(uri)
        .session(Arc::new(session))
        // A handle that is kept open for searching sees what another one has written since.
        .read_consistency_interval(Duration::ZERO)
        .execute()
        .await
        .map_err(store_error(dir, "opened"))
}

async fn open_table(dir: &Path) -> Result<Table, VectorsError> {
    connect(dir).await?.open_table(TABLE).execute().await.map_err(store_error(dir, "opened"))
}

/// Creates the table. What a crash left of an earlier creation has no version, and is removed first.
async fn create_table(dir: &Path, dimensions: usize) -> Result<(), VectorsError> {
    let unusable = |source| VectorsError::Unusable { path: dir.to_path_buf(), source };
    match std::fs::remove_dir_all(table_dir(dir)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(error)),
        _ => {}
    }
    std::fs::create_dir_all(dir).map_err(unusable)?;
    let connection = connect(dir).await?;
    connection
        .create_empty_table(TABLE, rows::schema(dimensions))
        .execute()
        .await
        .map_err(store_error(dir, "created"))?;
    Ok(())
}

/// `column IN ('a', 'b')`
fn is_in<'a>(column: &str, values: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = values.into_iter().map(|value| format!("'{}'", value.replace('\'', "''"))).collect();
    format!("({column} IN ({}))", quoted.join(", "))
}

fn disk_bytes(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests;
