//! The answers of `cache build`, `sync`, `prune`, `clear` and `migrate`.

use serde::Serialize;

use super::usd;
use crate::cache::prune::Strategy;
use crate::query::quote::Quote;

/// What `cache build` or `cache sync` asks for, and its price.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuoteView {
    pub files: u64,
    /// Analyses that cost nothing.
    pub local: u64,
    /// Questions to the model.
    pub asked: u64,
    /// Requests in which these are asked.
    pub requests: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost_usd: f64,
    /// The same in batches, which take up to a day; `None`: the provider has none.
    pub batched_usd: Option<f64>,
    /// What the limits leave; `None` before there is a ledger, or without limits.
    pub remaining_usd: Option<f64>,
    pub over_budget: bool,
    /// Why the model cannot be asked.
    pub obstacle: Option<String>,
    /// What was done; `None` for a dry run.
    pub done: Option<String>,
    /// Why nothing is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
}

impl From<&Quote> for QuoteView {
    fn from(quote: &Quote) -> Self {
        Self {
            files: quote.files,
            local: quote.local,
            asked: quote.asked,
            requests: quote.requests,
            input_tokens: quote.input_tokens,
            output_tokens: quote.output_tokens,
            cost_usd: usd(quote.cost),
            batched_usd: quote.batched.map(usd),
            remaining_usd: quote.remaining.map(usd),
            over_budget: quote.is_over_budget(),
            obstacle: quote.obstacle.clone(),
            done: None,
            why_empty: None,
        }
    }
}

/// What `cache prune` removed, in bytes on disk; of a dry run, what it would remove, estimated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PruneView {
    pub strategy: Strategy,
    pub dry_run: bool,
    pub limit_bytes: u64,
    pub target_bytes: u64,
    pub before_bytes: u64,
    pub after_bytes: u64,
    pub repos: Vec<PrunedRepoView>,
}

/// What was removed from one repository's store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrunedRepoView {
    pub repo: String,
    pub analyses: u64,
    /// Of these, the ones of present files.
    pub live: u64,
    pub outlines: u64,
    /// Vectors of text that is in no file any more.
    pub vectors: u64,
    pub bytes: u64,
}

/// What `cache clear` removed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClearView {
    pub entries: u64,
    /// Of these, the ones that had cost money.
    pub paid: u64,
    pub cost_usd: f64,
    pub bytes: u64,
}

/// What `cache migrate` imported.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MigrateView {
    pub caches: Vec<MigratedCacheView>,
    /// Why there was nothing to import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
}

/// What was imported from one cache.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MigratedCacheView {
    pub repo: String,
    pub cache: String,
    /// Entries found.
    pub entries: u64,
    pub imported: u64,
    /// Of the entries, those that an earlier run had imported.
    pub known: u64,
    pub tokens: u64,
    pub cost_usd: f64,
    /// Imported, but the price of their model is not in the configuration.
    pub unpriced: u64,
    /// About contents that were not found.
    pub outdated: EntryNames,
    /// Not entries, each with the reason.
    pub unreadable: EntryNames,
    /// Why the cache could not be imported to its end.
    pub error: Option<String>,
}

/// A number of entries, and the names of the first of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryNames {
    pub count: u64,
    pub first: Vec<String>,
}

impl MigrateView {
    pub fn nothing() -> Self {
        let why = "no registered repository has a cache to import (.rustassistant/cache)";
        Self { caches: Vec::new(), why_empty: Some(why.to_owned()) }
    }
}
