//! The answers of `shared status`, `verify`, `gc`, `push` and `pull`, and of `search --shared`.

use std::collections::BTreeMap;

use serde::Serialize;

/// The shared store as this machine sees it. Nothing is asked for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SharedView {
    /// `None`: nothing is shared.
    pub url: Option<String>,
    pub endpoint: Option<String>,
    /// `read` or `read-write`.
    pub mode: Option<&'static str>,
    /// What others put into `trusted_keys` to use what this machine shares; `None`: it signs nothing.
    pub public_key: Option<String>,
    pub trusted_keys: Vec<TrustedKeyView>,
    /// What keeps the store from being used at all.
    pub obstacle: Option<String>,
    /// What went wrong last; `None`: it answered last.
    pub problem: Option<String>,
    pub failing_since: Option<String>,
    /// It is left alone until then.
    pub retry_at: Option<String>,
    pub answered_at: Option<String>,
    /// What is known to be there.
    pub packs: usize,
    pub answers: usize,
    pub vectors: usize,
    pub analyses: usize,
    /// Answers of a model that others paid for, what these cost there, and all analyses that came from others.
    pub answers_taken: u64,
    pub saved_usd: f64,
    pub analyses_taken: u64,
    /// Entries that came, and that were given, of all kinds.
    pub entries_taken: u64,
    pub entries_given: u64,
    /// Rows that were given to the shared index.
    pub rows_given: u64,
    /// Entries that were not used, by reason.
    pub refused: BTreeMap<String, u64>,
    pub requests: RequestTotals,
    /// Why there is nothing to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
}

/// Requests since this machine has used the store, and the bytes of packs in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RequestTotals {
    pub lists: u64,
    pub gets: u64,
    pub puts: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

/// A key whose signatures count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrustedKeyView {
    pub key: String,
    pub name: String,
}

/// What is on the store, read from end to end.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SurveyView {
    pub packs: usize,
    pub bytes: u64,
    pub entries: usize,
    /// Entries that this machine would not use, by reason.
    pub refused: BTreeMap<&'static str, usize>,
    /// Objects that are no packs, or not what their name says.
    pub damaged: Vec<String>,
    /// Entries and rows by the key that signed them.
    pub signers: BTreeMap<String, usize>,
    /// Rows of the shared index.
    pub rows: usize,
}

/// What `shared gc` did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CollectedView {
    pub dry_run: bool,
    pub packs: usize,
    pub deleted: usize,
    pub bytes_freed: u64,
    pub merged: usize,
    /// Of the shared index.
    pub index: CollectedIndexView,
}

/// What `shared gc` did to the shared index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CollectedIndexView {
    pub tables: usize,
    pub rows: usize,
    pub fragments_merged: usize,
    pub versions_removed: u64,
    pub bytes_freed: u64,
    pub indexes_built: usize,
}

/// What `shared push` or `shared pull` did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SharingView {
    pub given: u64,
    /// Rows of the shared index that were given.
    pub rows: u64,
    pub taken: u64,
    /// Results that stay here: a secret was found in them.
    pub kept_back: u64,
    pub problem: Option<String>,
}

/// What the shared index has that is near a question.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SharedSearchView {
    pub query: String,
    /// The model by which it was searched.
    pub model: String,
    pub hits: Vec<SharedHit>,
    /// Rows near the question that were left out, by reason.
    pub refused: BTreeMap<&'static str, usize>,
    /// Why there are no hits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
}

/// An item of a repository that may not be on this machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SharedHit {
    /// The name of the repository's directory.
    pub repo: String,
    pub path: String,
    /// Hex of a path that is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    pub start_line: u32,
    pub end_line: u32,
    pub entity_type: String,
    pub entity_name: String,
    /// The cosine of the angle to the question.
    pub score: f64,
    /// Other repositories that have the same at the same path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also_in: Vec<String>,
}
