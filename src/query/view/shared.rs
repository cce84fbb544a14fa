//! The answers of `shared status`, `verify`, `gc`, `push` and `pull`.

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
    /// Entries by the key that signed them.
    pub signers: BTreeMap<String, usize>,
}

/// What `shared gc` did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CollectedView {
    pub dry_run: bool,
    pub packs: usize,
    pub deleted: usize,
    pub bytes_freed: u64,
    pub merged: usize,
}

/// What `shared push` or `shared pull` did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SharingView {
    pub given: u64,
    pub taken: u64,
    /// Results that stay here: a secret was found in them.
    pub kept_back: u64,
    pub problem: Option<String>,
}
