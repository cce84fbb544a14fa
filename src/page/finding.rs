//! Findings in a table.

use super::text::{file_link, line_link, without_secrets};
use crate::query::view::report::FindingView;

/// A finding in one row.
#[derive(Clone, Debug)]
pub(super) struct FindingRow {
    pub severity: &'static str,
    pub kind: &'static str,
    pub path: String,
    pub line: u32,
    pub href: String,
    pub item: String,
    pub message: String,
    /// Who found it, where it was, what it was, and what caused it.
    pub remark: String,
}

/// What to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listed {
    /// At the end of the range: its line is one of the present file.
    Present,
    /// It is gone, so its line means nothing now.
    Past,
}

impl FindingRow {
    pub fn new(repo: &str, one: &FindingView, listed: Listed) -> Self {
        let path = one.raw_path();
        let line = one.start_line;
        Self {
            severity: one.severity,
            kind: one.kind,
            href: match listed {
                Listed::Present => line_link(repo, &path, line),
                Listed::Past => file_link(repo, &path),
            },
            path: one.path.path.clone(),
            line,
            item: one.item.clone().unwrap_or_default(),
            message: without_secrets(&one.message),
            remark: remark(one),
        }
    }

    pub fn all(repo: &str, list: &[FindingView], listed: Listed, limit: usize) -> Vec<Self> {
        list.iter().take(limit).map(|one| Self::new(repo, one, listed)).collect()
    }
}

fn remark(one: &FindingView) -> String {
    let mut remarks = Vec::new();
    remarks.extend(one.from_path.as_ref().map(|from| format!("was in {from}")));
    remarks.extend(one.severity_before.map(|severity| format!("was {severity}")));
    if one.by != "local" {
        remarks.push(format!("by {}", one.by));
    }
    if let Some((first, more)) = one.because.split_first() {
        let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        remarks.push(format!("uses {} of {}{more}", first.symbol, first.file));
    }
    remarks.join(" · ")
}
