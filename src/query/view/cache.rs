//! The answer of `cache status`.

use std::collections::BTreeMap;

use serde::Serialize;

/// Analyses, counted together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EntryTotals {
    pub entries: u64,
    /// Bytes of the results as JSON, ...
    pub raw_bytes: u64,
    /// ... and as they are stored.
    pub stored_bytes: u64,
    pub tokens: u64,
    pub cost_usd: f64,
    /// What the results that were found in place of new work would have cost again.
    pub saved_usd: f64,
}

/// The entries of one type or model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CachePart {
    pub name: String,
    #[serde(flatten)]
    pub entries: EntryTotals,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RepoCache {
    pub repo: String,
    /// On disk, vectors included.
    pub bytes: u64,
    #[serde(flatten)]
    pub entries: EntryTotals,
    /// Results that the present view refers to and that were removed for want of room, or cleared and not free to make again.
    pub evicted: u64,
    pub vectors: VectorTotals,
    pub last_prune: Option<LastPrune>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VectorTotals {
    /// On disk, replaced versions included.
    pub bytes: u64,
    /// Files that are embedded, and their chunks.
    pub files: u64,
    pub chunks: u64,
    /// VectorTotals of text that is in no file any more, kept for when it comes back.
    pub kept: u64,
    /// Chunks whose vectors were found, and those that the model had to embed.
    pub found: u64,
    pub made: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LastPrune {
    pub pruned_at: String,
    pub entries_removed: u64,
    pub bytes_freed: u64,
    pub strategy: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CacheView {
    /// On disk, vectors included.
    pub bytes: u64,
    pub max_bytes: u64,
    #[serde(flatten)]
    pub entries: EntryTotals,
    pub compression_ratio: Option<f64>,
    /// Results that a change needed: those that were there, ...
    pub hits: u64,
    /// (of these, copied from another repository's store,)
    pub copied: u64,
    /// ... and those that had to be made.
    pub misses: u64,
    pub hit_rate: Option<f64>,
    pub evicted: u64,
    pub vectors: VectorTotals,
    /// Bytes on disk by what they are of: words, outlines, analyses, dependencies, files, vectors, the log, free room.
    pub by_content: BTreeMap<String, u64>,
    pub by_type: Vec<CachePart>,
    pub by_model: Vec<CachePart>,
    pub by_repo: Vec<RepoCache>,
    /// The latest of all repositories.
    pub last_prune: Option<LastPrune>,
    /// Stores that cannot be read, each with the reason.
    pub errors: Vec<String>,
    /// Why no repository is listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
}

impl EntryTotals {
    /// How many times smaller the results are stored than written; `None` of nothing.
    pub fn compression_ratio(&self) -> Option<f64> {
        (self.stored_bytes > 0).then(|| self.raw_bytes as f64 / self.stored_bytes as f64)
    }

    pub(in crate::query) fn add(&mut self, other: &Self) {
        self.entries += other.entries;
        self.raw_bytes += other.raw_bytes;
        self.stored_bytes += other.stored_bytes;
        self.tokens += other.tokens;
        self.cost_usd += other.cost_usd;
        self.saved_usd += other.saved_usd;
    }
}

impl VectorTotals {
    pub(in crate::query) fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.files += other.files;
        self.chunks += other.chunks;
        self.kept += other.kept;
        self.found += other.found;
        self.made += other.made;
    }
}
