//! The answers of the verbs: one serializable type for each, one file for each topic.
//!
//! `--json` prints such a type as it is; the text for people is made from the same value. The keys are a public contract: add keys, never
//! rename one. Dollars are floating point numbers here and integer nano-dollars everywhere else.

pub mod agents;
pub mod budget;
pub mod cache;
pub mod commit;
pub mod doctor;
pub mod first_steps;
pub mod freshness;
pub mod hooks;
pub mod impact;
pub mod links;
pub mod models;
pub mod plain;
pub mod queue;
pub mod report;
pub mod repos;
pub mod sarif;
pub mod search;
pub mod service;
pub mod shared;
pub mod show;
pub mod skipped;
pub mod status;
pub mod targets;
pub mod upkeep;
pub mod verify;
pub mod wait;
pub mod words;

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::domain::FilePath;

/// Nano-dollars in a dollar.
const NANO: f64 = 1e9;

/// Returns the dollars of an amount of nano-dollars.
pub fn usd(nano: u64) -> f64 {
    nano as f64 / NANO
}

/// The path of a file inside its repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PathText {
    /// As it is if it is UTF-8, else percent-escaped.
    pub path: String,
    /// Hex of a path that is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
}

impl From<&FilePath> for PathText {
    fn from(path: &FilePath) -> Self {
        let (path, path_bytes) = path.for_json();
        Self { path, path_bytes }
    }
}

/// For a terminal: control characters are escaped.
impl fmt::Display for PathText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&for_terminal(&self.path))
    }
}

/// Returns a path of the file system as text; bytes that are not UTF-8 are replaced.
pub(crate) fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Returns a path of [`FilePath::for_json`] for a terminal: control characters are escaped.
pub fn for_terminal(path: &str) -> String {
    FilePath::new(path.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_json_and_are_escaped_for_terminals() {
        let shown = |bytes: &[u8]| {
            let text = PathText::from(&FilePath::new(bytes));
            (serde_json::to_string(&text).unwrap(), text.to_string())
        };
        assert_eq!(shown(b"a/b.rs"), (r#"{"path":"a/b.rs"}"#.to_owned(), "a/b.rs".to_owned()));
        assert_eq!(shown(b"a\x1b.rs"), (r#"{"path":"a\u001b.rs"}"#.to_owned(), "a%1B.rs".to_owned()));
        let (json, text) = shown(b"caf\xe9");
        assert!(json.contains("path_bytes") && json.contains("636166e9"), "{json}");
        assert_eq!(text, "caf%E9");
    }

    #[test]
    fn a_dollar_is_a_billion_nano_dollars() {
        assert_eq!((usd(0), usd(1), usd(3_000_000_000)), (0.0, 1e-9, 3.0));
    }
}
