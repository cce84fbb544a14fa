//! The answer of `show` about files, places in them, and symbols: what a coding agent asks.

use serde::Serialize;

use super::PathText;
use super::freshness::Freshness;
use super::impact::TestView;
use super::show::{FileUse, WorstFinding};

/// What is known of some targets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetsView {
    pub repo: String,
    pub answer_freshness: Freshness,
    pub targets: Vec<TargetView>,
}

/// What one target means.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetView {
    pub target: String,
    pub found: Vec<ShownItem>,
    /// Why nothing was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
    /// Names or paths that are like one that means nothing. None of them is an answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<String>,
    /// Found, and not shown.
    pub more: u64,
}

/// A file, or an item in one, as it is on the disk.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShownItem {
    #[serde(flatten)]
    pub path: PathText,
    pub language: &'static str,
    /// What is known of files of that language: `linked`, `outlined` or `searched`.
    pub rung: &'static str,
    /// `file`, `lines`, or what the item is.
    pub kind: String,
    pub name: String,
    pub signature: String,
    pub start_line: u32,
    pub end_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Of a file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<UserFile>>,
    /// Users in files of tests, where `users` is asked for: for a person, who has the tests one step away.
    #[serde(skip)]
    pub test_users: Vec<UserFile>,
    /// Those that reach it, as `impact` tells them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tests: Option<Vec<TestView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses: Option<Vec<FileUse>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<WorstFinding>>,
    /// What the parts above do not show, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// An item of a file in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemLine {
    pub kind: String,
    pub name: String,
    pub signature: String,
    pub start_line: u32,
    pub end_line: u32,
}

/// A file that uses an item, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserFile {
    #[serde(flatten)]
    pub path: PathText,
    pub lines: Vec<UserLine>,
    /// Symbols that it uses, where a whole file is asked about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<String>,
}

/// A line that names the item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserLine {
    pub line: u32,
    /// The item that it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}
