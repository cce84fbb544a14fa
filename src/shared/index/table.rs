//! The tables of the shared index: datasets of Lance on our own client of the store. Lance's commits write only what is missing, so
//! any number of machines may write; one that comes second commits after the first.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{Float32Array, RecordBatch};
use async_trait::async_trait;
use chrono::TimeDelta;
use futures::{Stream, TryStreamExt};
use lance::dataset::builder::DatasetBuilder;
use lance::dataset::optimize::{CompactionOptions, compact_files};
use lance::dataset::{CommitBuilder, Dataset, InsertBuilder, WriteMode, WriteParams};
use lance::index::DatasetIndexExt;
use lance::index::vector::VectorIndexParams;
use lance::session::Session;
use lance::{Error, Result};
use lance_index::IndexType;
use lance_index::optimize::OptimizeOptions;
use lance_io::object_store::{
    DEFAULT_CLOUD_IO_PARALLELISM, ObjectStore as LanceStore, ObjectStoreParams, ObjectStoreProvider,
    ObjectStoreRegistry,
};
use lancedb::DistanceType;
use object_store::path::Path;
use url::Url;

use super::super::KeyRing;
use super::super::entry::EntryName;
use super::super::objects::INDEX_DIRECTORY;
use super::row::{self, SealedRow};
use super::timed::TimedObjects;

const SUFFIX: &str = ".lance";
/// Lance knows by this name that commits can be made with conditional writes; the bucket's name leads nowhere.
const BASE: &str = "s3://shared";

/// What Lance may keep in memory of an index and of a table's files.
const INDEX_CACHE_BYTES: usize = 64 << 20;
const METADATA_CACHE_BYTES: usize = 16 << 20;
/// Times that Lance asks again for what did not come; our own client has asked several times before.
const DOWNLOAD_RETRIES: usize = 1;

/// Values of one `IN (..)`.
const VALUES_PER_FILTER: usize = 500;
/// Candidates, as a multiple of those that are wanted, whose exact distance is computed after a search in the quantized index.
const REFINE_FACTOR: u32 = 5;
/// Rows that are read at a time.
const ROWS_AT_ONCE: usize = 1_024;

/// From which size on upkeep does what.
#[derive(Clone, Copy, Debug)]
pub(in crate::shared) struct IndexThresholds {
    /// Rows of a fragment that compaction leaves alone.
    pub fragment_rows: usize,
    /// Rows from which on vectors are searched by an index. Below, all are read: 20,000 of 384 dimensions are 30 MB.
    pub vector_index_rows: usize,
}

impl IndexThresholds {
    pub const DEFAULT: Self = Self { fragment_rows: 65_536, vector_index_rows: 20_000 };
}

/// What a round of upkeep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexUpkeep {
    pub tables: usize,
    pub rows: usize,
    pub fragments_merged: usize,
    pub versions_removed: u64,
    pub bytes_removed: u64,
    pub indexes_built: usize,
}

/// Gives Lance our client of the store.
#[derive(Debug)]
struct SharedProvider {
    objects: Arc<TimedObjects>,
    /// A list is in the order of the names, which spares some requests.
    lists_in_order: bool,
}

#[async_trait]
impl ObjectStoreProvider for SharedProvider {
    async fn new_store(&self, base: Url, params: &ObjectStoreParams) -> Result<LanceStore> {
        Ok(LanceStore::new(
            self.objects.clone(),
            base,
            params.block_size,
            None,
            false,
            self.lists_in_order,
            DEFAULT_CLOUD_IO_PARALLELISM,
            DOWNLOAD_RETRIES,
            None,
        ))
    }
}

/// The tables of one store.
#[derive(Clone)]
pub(in crate::shared) struct IndexTables {
    pub objects: Arc<TimedObjects>,
    session: Arc<Session>,
}

impl fmt::Debug for IndexTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexTables").field("objects", &self.objects).finish_non_exhaustive()
    }
}

impl IndexTables {
    pub fn new(objects: TimedObjects, lists_in_order: bool) -> Self {
        let objects = Arc::new(objects);
        let registry = ObjectStoreRegistry::empty();
        registry.insert("s3", Arc::new(SharedProvider { objects: objects.clone(), lists_in_order }));
        let session = Arc::new(Session::new(INDEX_CACHE_BYTES, METADATA_CACHE_BYTES, Arc::new(registry)));
        Self { objects, session }
    }

    /// The names of the tables that are there.
    pub async fn names(&self) -> object_store::Result<Vec<String>> {
        use object_store::ObjectStore as _;
        let listed = self.objects.list_with_delimiter(Some(&Path::from(INDEX_DIRECTORY))).await?;
        let name = |path: &Path| path.filename()?.strip_suffix(SUFFIX).map(str::to_owned);
        Ok(listed.common_prefixes.iter().filter_map(name).collect())
    }

    fn uri(name: &str) -> String {
        format!("{BASE}/{INDEX_DIRECTORY}/{name}{SUFFIX}")
    }

    /// A table as it is now. `None`: it has no version yet; who creates it writes rows first, and may have been killed then.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn open(&self, name: &str) -> Result<Option<Dataset>> {
        match DatasetBuilder::from_uri(Self::uri(name)).with_session(self.session.clone()).load().await {
            Ok(dataset) => Ok(Some(dataset)),
            Err(Error::DatasetNotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a table with rows. Another machine may do so at the same time; then they are added to that one's.
    pub async fn create(&self, name: &str, rows: RecordBatch) -> Result<()> {
        let Err(error) = self.create_new(name, rows.clone()).await else { return Ok(()) };
        match self.open(name).await {
            Ok(Some(dataset)) => self.add(dataset, rows).await,
            Ok(None) | Err(_) => Err(error),
        }
    }

    /// Creates a table that is not there. Without retries the commit writes the first version or none; with them it would put these rows in
    /// the place of those of a machine that came first.
    async fn create_new(&self, name: &str, rows: RecordBatch) -> Result<()> {
        let (uri, session) = (Self::uri(name), self.session.clone());
        let params = WriteParams { session: Some(session.clone()), ..WriteParams::default() };
        let written = InsertBuilder::new(&*uri).with_params(&params).execute_uncommitted(vec![rows]).await?;
        CommitBuilder::new(&*uri).with_session(session).with_max_retries(0).execute(written).await?;
        Ok(())
    }

    /// Replaces all rows of some files by others: what is there is removed, then these are added. Killed between the two, the files have no
    /// rows until they are given again.
    pub async fn replace(&self, mut dataset: Dataset, files: &[EntryName], rows: Option<RecordBatch>) -> Result<()> {
        for files in files.chunks(VALUES_PER_FILTER) {
            let quoted: Vec<String> = files.iter().map(|file| format!("'{file}'")).collect();
            dataset.delete(&format!("file IN ({})", quoted.join(", "))).await?;
        }
        match rows {
            Some(rows) => self.add(dataset, rows).await,
            None => Ok(()),
        }
    }

    async fn add(&self, dataset: Dataset, rows: RecordBatch) -> Result<()> {
        let session = Some(self.session.clone());
        let params = WriteParams { mode: WriteMode::Append, session, ..WriteParams::default() };
        InsertBuilder::new(Arc::new(dataset)).with_params(&params).execute(vec![rows]).await?;
        Ok(())
    }

    /// The files of a repository that have rows, and which. `None`: rows of several states, or of a signer that is not trusted here.
    pub async fn states(
        dataset: &Dataset,
        ring: &KeyRing,
        repo: &EntryName,
    ) -> Result<HashMap<String, Option<String>>> {
        let mut scan = dataset.scan();
        scan.filter(&format!("repo = '{repo}'"))?.project(&["file", "state", "signer"])?;
        let batches: Vec<RecordBatch> = scan.try_into_stream().await?.try_collect().await?;
        let mut states: HashMap<String, Option<String>> = HashMap::new();
        for batch in &batches {
            let (Some(files), Some(found)) = (row::texts(batch, "file"), row::texts(batch, "state")) else { continue };
            for ((file, state), signer) in files.into_iter().zip(found).zip(row::signers(batch)) {
                let Some(file) = file else { continue };
                let state = state.filter(|_| signer.is_some_and(|signer| ring.trusts(&signer)));
                let known = states.entry(file).or_insert_with(|| state.clone());
                if *known != state {
                    *known = None;
                }
            }
        }
        Ok(states)
    }

    /// The rows that are nearest to a vector, with their cosines, highest first.
    pub async fn nearest(dataset: &Dataset, vector: &[f32], limit: usize) -> Result<Vec<(SealedRow, f32)>> {
        let mut scan = dataset.scan();
        scan.nearest("vector", &Float32Array::from(vector.to_vec()), limit)?
            .distance_metric(DistanceType::Cosine.into())
            .refine(REFINE_FACTOR)
            .project(&[&row::COLUMNS[..], &["_distance"]].concat())?;
        let batches: Vec<RecordBatch> = scan.try_into_stream().await?.try_collect().await?;
        let of_batch = |batch: &RecordBatch| row::from_batch(batch).into_iter().zip(row::scores(batch));
        Ok(batches.iter().flat_map(of_batch).collect())
    }

    /// Every row, some at a time.
    pub async fn rows(dataset: &Dataset) -> Result<impl Stream<Item = Result<Vec<SealedRow>>> + use<>> {
        let mut scan = dataset.scan();
        scan.project(&row::COLUMNS)?.batch_size(ROWS_AT_ONCE);
        Ok(scan.try_into_stream().await?.map_ok(|batch| row::from_batch(&batch)))
    }

    /// Merges small fragments, builds or extends the index of vectors, and removes versions that were replaced before a grace period: a
    /// machine may be reading one.
    pub async fn maintain(
        dataset: &mut Dataset,
        from: IndexThresholds,
        grace: Duration,
        done: &mut IndexUpkeep,
    ) -> Result<()> {
        let options =
            CompactionOptions { target_rows_per_fragment: from.fragment_rows, ..CompactionOptions::default() };
        done.fragments_merged += compact_files(dataset, options, None).await?.fragments_removed;
        done.indexes_built += usize::from(Self::index(dataset, from).await?);
        let age = TimeDelta::from_std(grace).unwrap_or(TimeDelta::MAX);
        let removed = dataset.cleanup_old_versions(age, None, None).await?;
        done.versions_removed += removed.old_versions;
        done.bytes_removed += removed.bytes_removed;
        Ok(())
    }

    /// Returns whether an index was built or extended.
    async fn index(dataset: &mut Dataset, from: IndexThresholds) -> Result<bool> {
        let rows = dataset.count_rows(None).await?;
        if rows < from.vector_index_rows {
            return Ok(false);
        }
        if !dataset.load_indices().await?.is_empty() {
            let before = dataset.version().version;
            dataset.optimize_indices(&OptimizeOptions::default()).await?;
            return Ok(dataset.version().version != before);
        }
        let dimensions = dimensions(dataset).unwrap_or(1);
        let parts = [16, 8, 4, 2].into_iter().find(|part| dimensions.is_multiple_of(*part)).unwrap_or(1);
        // A search reads some of the partitions: with as many as this they are about as long as there are.
        let partitions = rows.isqrt();
        let params = VectorIndexParams::ivf_pq(partitions, 8, dimensions / parts, DistanceType::Cosine.into(), 50);
        dataset.create_index(&["vector"], IndexType::Vector, None, &params, true).await?;
        Ok(true)
    }
}

/// The length of a table's vectors.
pub(super) fn dimensions(dataset: &Dataset) -> Option<usize> {
    match dataset.schema().field("vector")?.data_type() {
        arrow_schema::DataType::FixedSizeList(_, size) => usize::try_from(size).ok(),
        _ => None,
    }
}
