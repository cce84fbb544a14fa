//! The answer of `status --skipped`: what is left out, why, and what brings it back.

use serde::Serialize;

use super::PathText;
use crate::domain::{FilePath, SkipReason};
use crate::repo::FileSelection;

/// What is left out of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SkippedView {
    pub repos: Vec<SkippedRepo>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
}

/// What of one repository is left out. What Git ignores is not among it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SkippedRepo {
    pub repo: String,
    pub id: String,
    pub files: Vec<SkippedFile>,
}

/// A file that is not indexed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SkippedFile {
    #[serde(flatten)]
    pub path: PathText,
    pub reason: &'static str,
    pub why: &'static str,
    /// The key of the configuration that brings it back; `None`: none does.
    pub key: Option<&'static str>,
}

impl SkippedFile {
    pub fn new(path: &FilePath, reason: SkipReason, selection: &FileSelection) -> Self {
        let (key, why) = selection.remedy(path, reason);
        Self { path: path.into(), reason: reason.as_str(), why, key }
    }
}
