//! Keeping the table small and quick: compaction, pruning of old versions, indexes. For idle time.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lance::dataset::optimize::CompactionOptions;
use lance_index::optimize::OptimizeOptions;
use lancedb::index::Index;
use lancedb::index::scalar::BTreeIndexBuilder;
use lancedb::index::vector::IvfHnswSqIndexBuilder;
use lancedb::table::OptimizeAction;
use lancedb::{DistanceType, Error};

use crate::clock::Timestamp;

use super::{Vectors, VectorsError};

/// How long a replaced version stays readable: a reader may still be using it.
pub const VERSION_KEPT: Duration = Duration::from_secs(10 * 60);

/// From which size on upkeep does what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thresholds {
    /// Rows of a fragment that compaction leaves alone.
    pub fragment_rows: usize,
    /// Fragments smaller than that which are waited for before they are merged.
    pub small_fragments: usize,
    /// Rows from which on vectors are searched by an HNSW index.
    pub vector_index_rows: usize,
    /// Rows from which on looking up by path or hash uses an index.
    pub scalar_index_rows: usize,
    /// Rows outside an index, compared one by one, that are waited for before they are added to it.
    pub unindexed_rows: usize,
}

impl Thresholds {
    /// 8,192 rows are 12 MiB of vectors; LanceDB's own default of a million would rewrite the whole table for each new fragment.
    /// Below 20,000 rows comparing with every vector is quick enough (measured: 58 ms for 100,000); finding a path among 100,000
    /// rows took 42 ms without an index and 2 ms with one.
    pub const DEFAULT: Self = Self {
        fragment_rows: 8_192,
        small_fragments: 16,
        vector_index_rows: 20_000,
        scalar_index_rows: 50_000,
        unindexed_rows: 4_000,
    };
}

const VECTOR_COLUMN: &str = "vector";
const SCALAR_COLUMNS: [&str; 2] = ["chunk_hash", "file_path"];

/// What a round of upkeep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    pub fragments_merged: usize,
    pub versions_removed: u64,
    pub bytes_removed: u64,
    pub indexes_built: usize,
}

impl Vectors {
    /// Merges small fragments, builds or extends the indexes that pay at this size, and removes versions that were replaced more
    /// than `older_than` before `now` ([`VERSION_KEPT`] if other processes may read). Only the one writer may call it. Building
    /// the vector index of 100,000 rows takes about a minute on two cores.
    ///
    /// # Errors
    /// If the store cannot be written; what was done until then stays.
    pub async fn maintain(&self, now: Timestamp, older_than: Duration) -> Result<Upkeep, VectorsError> {
        self.maintain_from(Thresholds::DEFAULT, now, older_than).await
    }

    pub(super) async fn maintain_from(
        &self,
        from: Thresholds,
        now: Timestamp,
        older_than: Duration,
    ) -> Result<Upkeep, VectorsError> {
        let fragments_merged = self.compact(from).await.map_err(self.error("compacted"))?;
        let indexes_built = self.build_indexes(from).await.map_err(self.error("indexed"))?;
        let (versions_removed, bytes_removed) = self.prune(now, older_than).await.map_err(self.error("pruned"))?;
        Ok(Upkeep { fragments_merged, versions_removed, bytes_removed, indexes_built })
    }

    async fn compact(&self, from: Thresholds) -> Result<usize, Error> {
        let table = self.table();
        let Some(native) = table.as_native() else { return Ok(0) };
        let rows = table.count_rows(None).await?;
        let has_holes = native.count_deleted_rows().await? * 10 > rows;
        if !has_holes && native.num_small_files(from.fragment_rows).await? < from.small_fragments {
            return Ok(0);
        }
        let options =
            CompactionOptions { target_rows_per_fragment: from.fragment_rows, ..CompactionOptions::default() };
        let stats = table.optimize(OptimizeAction::Compact { options, remap_options: None }).await?;
        Ok(stats.compaction.map_or(0, |metrics| metrics.fragments_removed))
    }

    async fn build_indexes(&self, from: Thresholds) -> Result<usize, Error> {
        let rows = self.table().count_rows(None).await?;
        let mut built = 0;
        if rows >= from.scalar_index_rows {
            for column in SCALAR_COLUMNS {
                built += self.build_index(from, column, || Index::BTree(BTreeIndexBuilder::default())).await?;
            }
        }
        if rows >= from.vector_index_rows {
            let hnsw = || Index::IvfHnswSq(IvfHnswSqIndexBuilder::default().distance_type(DistanceType::Cosine));
            built += self.build_index(from, VECTOR_COLUMN, hnsw).await?;
        }
        Ok(built)
    }

    /// Builds the column's index, or adds to it what came since.
    async fn build_index(&self, from: Thresholds, column: &str, index: impl FnOnce() -> Index) -> Result<usize, Error> {
        let table = self.table();
        let present = table.list_indices().await?.into_iter().find(|index| index.columns == [column]);
        let Some(present) = present else {
            table.create_index(&[column], index()).execute().await?;
            return Ok(1);
        };
        let statistics = table.index_stats(&present.name).await?;
        let is_behind = statistics.is_some_and(|statistics| {
            statistics.num_unindexed_rows > from.unindexed_rows.max(statistics.num_indexed_rows / 10)
        });
        if !is_behind {
            return Ok(0);
        }
        table.optimize(OptimizeAction::Index(OptimizeOptions::default().index_names(vec![present.name]))).await?;
        Ok(1)
    }

    /// The most rows that an index leaves to be compared one by one; 0 without an index.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn unindexed_rows(&self) -> Result<usize, VectorsError> {
        let table = self.table();
        let mut most = 0;
        for index in table.list_indices().await.map_err(self.error("read"))? {
            let statistics = table.index_stats(&index.name).await.map_err(self.error("read"))?;
            most = most.max(statistics.map_or(0, |statistics| statistics.num_unindexed_rows));
        }
        Ok(most)
    }

    /// The one writer has no write under way, so files that belong to no version are left from a crash and go, too.
    async fn prune(&self, now: Timestamp, older_than: Duration) -> Result<(u64, u64), Error> {
        let age = TimeDelta::from_std(older_than).unwrap_or(TimeDelta::MAX);
        let Some(before) = DateTime::<Utc>::from_timestamp_millis(now.0).and_then(|now| now.checked_sub_signed(age))
        else {
            return Ok((0, 0));
        };
        let stats = self.table().optimize_prune_before(before, Some(true), None).await?;
        Ok(stats.prune.map_or((0, 0), |removed| (removed.old_versions, removed.bytes_removed)))
    }
}
