//! The answers of `model list` and `model compare`.

use serde::Serialize;

/// The embedding models that this version knows by name, and those that were installed from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelsView {
    pub models: Vec<ModelView>,
}

/// One embedding model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelView {
    pub model: String,
    pub installed: bool,
    pub in_use: bool,
    /// Size of its files; about, if it is not installed and none is pinned.
    pub bytes: u64,
    /// Length of its vectors.
    pub dimensions: usize,
    /// `None`: its own files say it.
    pub license: Option<&'static str>,
    pub purpose: Option<&'static str>,
    /// Whether this program has been run with its published weights; `None`: it is not known by name.
    pub was_run: Option<bool>,
    /// The directory or repository that it was installed from, if it is not pinned.
    pub from: Option<String>,
}

/// How well searches find in one repository, by words alone and with each model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparisonView {
    pub repo: String,
    /// Queries that were made of documented functions, and of commits.
    pub documented: usize,
    pub commits: usize,
    /// Chunks that were indexed.
    pub chunks: usize,
    /// Words alone first.
    pub compared: Vec<ComparedModel>,
    /// `None`: words alone.
    pub recommended: Option<String>,
    pub why: String,
}

/// What a model finds and takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedModel {
    /// `None`: words alone.
    pub model: Option<String>,
    pub dimensions: usize,
    pub documented_ndcg10: f64,
    pub documented_hit5: f64,
    pub commits_ndcg10: f64,
    pub commits_hit5: f64,
    /// Over all queries.
    pub ndcg10: f64,
    /// Time of a first index of this repository: loading the model and embedding every chunk.
    pub seconds: f64,
    /// Memory that this process took more while it embedded.
    pub memory_bytes: u64,
    /// Size of the vectors.
    pub disk_bytes: u64,
}
