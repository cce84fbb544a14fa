//! The answer of `status`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::budget::BudgetStatus;
use super::shared::SharedView;

#[derive(Clone, Debug, Serialize)]
/// What is fresh, what is queued and what it cost.
pub struct StatusView {
    pub daemon: DaemonStatus,
    pub repos: Vec<RepoStatus>,
    pub queue: QueueStatus,
    pub budget: BudgetStatus,
    pub cache: CacheStatus,
    pub embedding: EmbeddingStatus,
    /// `None`: nothing is shared with other machines.
    pub shared: Option<SharedView>,
    /// `None`: no model is set up to be asked.
    pub model: Option<ModelStatus>,
    pub parked: Vec<ParkedStatus>,
    pub cutoff: CutoffStatus,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct DaemonStatus {
    pub running: bool,
    pub pid: Option<u32>,
    pub rss_bytes: Option<u64>,
    pub worker_pid: Option<u32>,
    pub worker_rss_bytes: Option<u64>,
    /// Whether the kernel holds the daemon to writing in its own directories only: `enforced`, `partly enforced`, `off`.
    pub sandbox: Option<String>,
    /// The work trees that are polled, by their repositories' ids, each with the reason.
    pub polled: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RepoStatus {
    pub repo: String,
    pub id: String,
    pub head: Option<String>,
    pub indexed_commit: Option<String>,
    /// Indexed files; `skipped` come on top.
    pub files: u64,
    /// The same by language, most first.
    pub languages: Vec<LanguageStatus>,
    pub fresh: u64,
    pub stale: u64,
    /// Files of which nothing is missing but what was removed for want of room: neither fresh nor stale.
    pub evicted: u64,
    /// Files with a job queued or running.
    pub pending: u64,
    pub skipped: u64,
    /// Files that are in the work tree not what HEAD has of them.
    pub saved: u64,
    /// Why the work tree, or a part of it, is not followed.
    pub not_followed: Option<String>,
    /// Files that a model is asked about, and those of them whose every answer is there; they count as fresh either way.
    pub asked: u64,
    pub answered: u64,
    /// Files with the model's own vectors, and those with provisional ones until these are made.
    pub embedded: u64,
    pub provisional: u64,
    /// The model whose vectors are searched until those of the configured one are complete; `None`: they are.
    pub searched_by: Option<String>,
    /// Its store on disk.
    pub bytes: u64,
    /// The limit of the cache (`cache.max_size_mb`) that leaves room for it; `None`: the present one does.
    pub cache_wanted_mb: Option<u64>,
    /// Parts of its store that were damaged and are kept aside until the next prune.
    pub set_aside: Vec<String>,
    /// Why what is stale stays so until a person does something.
    pub blocked: Option<String>,
    pub held: Option<String>,
    pub error: Option<String>,
}

/// The files of a language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LanguageStatus {
    pub language: String,
    /// How far its files are understood: `searched`, `outlined` or `linked`.
    pub rung: &'static str,
    pub files: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct QueueStatus {
    pub queued: u64,
    pub running: u64,
    pub parked: u64,
    pub discarded: u64,
    pub quarantined: u64,
    pub done: u64,
    pub paused: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct CacheStatus {
    pub bytes: u64,
    pub max_bytes: u64,
    pub hits: u64,
    pub misses: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct EmbeddingStatus {
    /// `None`: search is lexical.
    pub model: Option<String>,
}

/// The model and what is answered.
#[derive(Clone, Debug, Serialize)]
pub struct ModelStatus {
    /// `provider/model`.
    pub model: String,
    /// Files that it is asked about, and those of them whose every answer is there.
    pub asked: u64,
    pub answered: u64,
    /// Why it is not asked: its price is not known. What else holds it up is said of the jobs that are parked.
    pub obstacle: Option<String>,
    /// Where the provider takes batches: what is in one, or what could go in one.
    pub batch: Option<String>,
}

/// Jobs that wait for the same.
#[derive(Clone, Debug, Serialize)]
pub struct ParkedStatus {
    /// `budget`, `provider`, `setup` or `batch`.
    pub cause: String,
    pub reason: String,
    /// When they go on by themselves.
    pub until: Option<String>,
    pub jobs: u64,
}

/// Files that use a changed file, and what it saved that most of them did not have to be analysed again.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct CutoffStatus {
    /// Files that use a file that changed, summed over all changes.
    pub considered: u64,
    /// Those that use something of it that changed, and were analysed again.
    pub analysed: u64,
    /// What the others would have cost at the mean cost of what this user has asked about a file; `None` before there was any.
    pub saved_usd: Option<f64>,
}
