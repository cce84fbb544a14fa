//! The answer of `cache verify`.

use serde::Serialize;

use super::{PathText, shown};
use crate::query::QueryError;
use crate::query::verify::{Difference, Verdict};
use crate::repo::registry::Registered;

/// How the recorded state of each repository compares with one that was built from nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyView {
    pub repos: Vec<VerifiedRepo>,
    /// Why no repository was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
}

/// The comparison of one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifiedRepo {
    pub repo: String,
    /// The commit that the recorded state describes.
    pub commit: Option<String>,
    pub files: Option<usize>,
    /// Why the indexed commit is not the one that HEAD names.
    pub note: Option<String>,
    /// Why it could not be verified.
    pub error: Option<String>,
    pub differences: Option<Vec<DifferenceView>>,
    /// The comparison after a repair; `None`: nothing was repaired.
    pub after_repair: Option<AfterRepair>,
    pub sound: bool,
    /// Before its first index there is nothing to verify, and nothing to repair.
    #[serde(skip)]
    pub is_indexed: bool,
}

/// What was found after a repair, or why it failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterRepair {
    Differences(Vec<DifferenceView>),
    Error(String),
}

/// One difference between the recorded and the expected state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DifferenceView {
    pub part: &'static str,
    #[serde(flatten)]
    pub path: PathText,
    pub recorded: Option<String>,
    pub expected: Option<String>,
    #[serde(skip)]
    text: String,
}

impl VerifiedRepo {
    pub fn new(repo: &Registered, found: &Result<Verdict, QueryError>) -> Self {
        let (verdict, error) = match found {
            Ok(verdict) => (Some(verdict), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            repo: shown(&repo.location.path),
            commit: verdict.and_then(|verdict| verdict.commit.clone()),
            files: verdict.map(|verdict| verdict.files),
            note: verdict.and_then(|verdict| verdict.note.clone()),
            error,
            differences: verdict.map(differences),
            after_repair: None,
            sound: verdict.is_some_and(|verdict| verdict.differences.is_empty()),
            is_indexed: !matches!(found, Err(QueryError::NotIndexed(_))),
        }
    }

    /// Adds how the repair went.
    pub fn repaired<E: ToString>(&mut self, found: Result<Verdict, E>) {
        self.sound = found.as_ref().is_ok_and(|verdict| verdict.differences.is_empty());
        self.after_repair = Some(match found {
            Ok(verdict) => AfterRepair::Differences(differences(&verdict)),
            Err(error) => AfterRepair::Error(error.to_string()),
        });
    }
}

fn differences(verdict: &Verdict) -> Vec<DifferenceView> {
    verdict.differences.iter().map(DifferenceView::from).collect()
}

impl From<&Difference> for DifferenceView {
    fn from(difference: &Difference) -> Self {
        Self {
            part: difference.part.as_str(),
            path: (&difference.path).into(),
            recorded: difference.recorded.clone(),
            expected: difference.expected.clone(),
            text: difference.to_string(),
        }
    }
}

impl std::fmt::Display for DifferenceView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
