//! The answer of `search`; the worker sends it through its socket in the same form.

use serde::{Deserialize, Serialize};

use super::for_terminal;
use super::freshness::Freshness;
use crate::domain::FilePath;
use crate::query::rank::Parts;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchView {
    pub query: String,
    /// `hybrid`, or `lexical` without a model.
    pub mode: String,
    /// Why the mode is lexical.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    pub hits: Vec<SearchHit>,
    pub freshness: Vec<RepoFreshness>,
    /// Repositories that were left out, each with the reason: their stores cannot be read.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<String>,
    /// Files that were not searched: what is committed is asked for, and the index has them as they are saved.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub uncommitted: Vec<UncommittedFile>,
    /// Why there are no hits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why_empty: Option<String>,
    /// Of the files that the hits are in; `None` until they are compared with the disk.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answer_freshness: Option<Freshness>,
}

/// A file with uncommitted edits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UncommittedFile {
    pub repo: String,
    pub path: String,
    /// Hex of a path that is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path_bytes: Option<String>,
}

/// Files with uncommitted edits that a line names; the rest is counted.
const UNCOMMITTED_NAMED: usize = 5;

impl SearchView {
    /// For people: the files that were not searched, in one line.
    pub fn uncommitted_line(&self) -> Option<String> {
        let named: Vec<String> =
            self.uncommitted.iter().take(UNCOMMITTED_NAMED).map(|file| for_terminal(&file.path)).collect();
        let more = match self.uncommitted.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let line = format!(
            "left out for their uncommitted edits (what HEAD has of a changed file is not indexed): {}{more}",
            named.join(", ")
        );
        (!named.is_empty()).then_some(line)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchHit {
    pub repo: String,
    pub path: String,
    /// Hex of a path that is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path_bytes: Option<String>,
    pub start_line: u32,
    pub end_line: u32,
    pub entity_type: String,
    pub entity_name: String,
    pub score: f64,
    pub source: String,
    /// What is known of files of its language: `linked`, `outlined` or `searched`.
    #[serde(default)]
    pub rung: String,
    /// Other clones and work trees of the repository that have the same text at the same path.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub also_in: Vec<String>,
    /// The lines that have most of the query's words, at most three.
    pub snippet: Vec<SnippetLine>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parts: Option<Parts>,
    /// What a model wrote about it, if that has words of the query.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub written: Option<WrittenView>,
    /// Why its lines are those of an earlier text: the present one could not be cut.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stale: Option<String>,
    /// Its lines as they are on the disk, where they are asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub body: Option<String>,
}

/// A text of a model about a file or an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenView {
    /// `summary`, `doc` (a suggested first line of documentation) or `finding`.
    pub kind: String,
    pub text: String,
}

impl WrittenView {
    /// For people, in one line without commands to a terminal.
    pub fn line(&self) -> String {
        let text: String = self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("a model's {}: {text}", self.kind)
    }
}

impl SearchHit {
    /// The path inside its repository.
    pub fn file(&self) -> FilePath {
        match &self.path_bytes {
            Some(_) => FilePath::from_escaped(&self.path),
            None => FilePath::new(self.path.as_bytes()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepoFreshness {
    pub repo: String,
    /// The commit that HEAD names now.
    pub head: Option<String>,
    pub indexed_commit: Option<String>,
    pub pending_files: u64,
    /// Files that are found by provisional vectors, until the model's own are made.
    #[serde(default)]
    pub provisional_files: u64,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnippetLine {
    /// 1-based
    pub line: u32,
    pub text: String,
}
