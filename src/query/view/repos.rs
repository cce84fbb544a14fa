//! The answers of `repos` and of `register --dry-run`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::skipped::SkippedFile;
use super::{shown, usd};
use crate::clock::Timestamp;
use crate::config::{Config, EmbeddingServer};
use crate::embedder::chosen::is_remote;
use crate::query::estimate::{Estimate, SentTexts};
use crate::query::forecast::BYTES_PER_TOKEN;
use crate::query::room;
use crate::repo::Location;
use crate::repo::registry::Registered;

/// The registered repositories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReposView {
    pub repos: Vec<RepoView>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
}

/// A registered repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RepoView {
    pub repo: String,
    pub id: String,
    pub git_dir: String,
    pub registered_at: String,
    pub indexed_commit: Option<String>,
    pub reconciled_at: Option<String>,
    pub held: Option<String>,
    pub error: Option<String>,
}

/// What an answer without repositories says.
pub const NONE_REGISTERED: &str = "no repository is registered; `ra-agent register <repo>` does that";

impl ReposView {
    pub fn new(repos: &[Registered]) -> Self {
        let why_empty = repos.is_empty().then(|| NONE_REGISTERED.to_owned());
        Self { repos: repos.iter().map(RepoView::from).collect(), why_empty }
    }
}

impl From<&Registered> for RepoView {
    fn from(repo: &Registered) -> Self {
        Self {
            repo: shown(&repo.location.path),
            id: repo.id.0.clone(),
            git_dir: shown(&repo.location.git_dir),
            registered_at: repo.registered_at.to_rfc3339(),
            indexed_commit: repo.indexed_commit.as_ref().map(ToString::to_string),
            reconciled_at: repo.reconciled_at.map(Timestamp::to_rfc3339),
            held: repo.held.clone(),
            error: repo.error.clone(),
        }
    }
}

/// What registering a repository would index and cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EstimateView {
    pub repo: String,
    pub files: u64,
    pub languages: BTreeMap<&'static str, LanguageSize>,
    pub chunks: u64,
    /// Files, by the reason why they are skipped.
    pub skipped: BTreeMap<&'static str, u64>,
    /// The files that are skipped, each with its reason and the key that brings it back.
    pub left_out: Vec<SkippedFile>,
    /// Requests to a remote model that is asked every question about every file of code once, and their tokens and price.
    pub requests: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub estimated_usd: f64,
    /// The same in batches, which take up to a day; `None`: the provider has none.
    pub batched_usd: Option<f64>,
    /// Local analyses and embeddings are free.
    pub local_usd: f64,
    /// What a server elsewhere would be sent to make the vectors; `None`: they are made on this machine.
    pub remote_embedding: Option<RemoteEmbedding>,
    /// How large its store will be, about.
    pub store_bytes: u64,
    /// The limit of the cache (`cache.max_size_mb`) that leaves room for it; `None`: the present one does.
    pub cache_wanted_mb: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RemoteEmbedding {
    /// Provider and model.
    pub model: String,
    pub texts: u64,
    /// The fewest.
    pub requests: u64,
    pub tokens: u64,
    /// `None`: the price is not known (`embedding.input_usd_per_m`), and nothing is sent.
    pub usd: Option<f64>,
}

impl RemoteEmbedding {
    fn new(server: &EmbeddingServer, sent: &SentTexts) -> Self {
        let tokens = sent.bytes / BYTES_PER_TOKEN;
        let cost = |price: u64| (u128::from(tokens) * u128::from(price)).div_ceil(1_000_000);
        let usd = |price| usd(u64::try_from(cost(price)).unwrap_or(u64::MAX));
        let (texts, requests) = (sent.texts, sent.requests);
        Self { model: server.id(), texts, requests, tokens, usd: server.input_price.map(usd) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LanguageSize {
    /// What will be known of its files: `linked`, `outlined` or `searched`.
    pub rung: &'static str,
    pub files: u64,
    pub bytes: u64,
}

impl EstimateView {
    /// `with_vectors`: a model is installed.
    pub fn new(location: &Location, estimate: &Estimate, config: &Config, with_vectors: bool) -> Self {
        let text_bytes = estimate.languages.values().map(|size| size.bytes).sum();
        let store_bytes = room::expected_bytes(estimate.files(), text_bytes, estimate.chunks, with_vectors);
        let languages = estimate.languages.iter().map(|(language, size)| {
            let rung = language.rung().as_str();
            (language.as_str(), LanguageSize { rung, files: size.files, bytes: size.bytes })
        });
        let server = config.embedding.server.as_ref().filter(|_| is_remote(&config.embedding));
        Self {
            repo: shown(&location.path),
            files: estimate.files(),
            languages: languages.collect(),
            chunks: estimate.chunks,
            skipped: estimate.skipped.iter().map(|(reason, files)| (reason.as_str(), *files)).collect(),
            left_out: estimate.left_out.clone(),
            requests: estimate.asking.requests,
            input_tokens: estimate.asking.input_tokens,
            output_tokens: estimate.asking.output_tokens,
            estimated_usd: usd(estimate.asking.live),
            batched_usd: config.llm.provider.has_batches().then(|| usd(estimate.asking.batched)),
            local_usd: 0.0,
            remote_embedding: server.map(|server| RemoteEmbedding::new(server, &estimate.embedding)),
            store_bytes,
            cache_wanted_mb: room::wanted_mb(store_bytes, config.cache.max_size_bytes()),
        }
    }
}
