//! `status --skipped`, and the list of what is left out in `register --dry-run`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::output::{print, print_json};
use super::{Context, Failure};
use crate::query::Reader;
use crate::query::skipped::skipped as gather;
use crate::query::view::for_terminal;
use crate::query::view::skipped::{SkippedFile, SkippedView};

pub fn skipped(context: &Context, repo: Option<&Path>, json: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let view = gather(&reader, repo.map(|repo| repo.to_string_lossy()).as_deref())?;
    if json { print_json(&view) } else { print(&describe(&view)) }
}

fn describe(view: &SkippedView) -> String {
    let mut out = String::new();
    if let Some(why) = &view.why_empty {
        let _ = writeln!(out, "{why}");
    }
    for repo in &view.repos {
        let _ = writeln!(
            out,
            "{}\n  {} file(s) left out; what Git ignores is not listed",
            for_terminal(&repo.repo),
            repo.files.len()
        );
        out.push_str(&list(&repo.files, usize::MAX));
    }
    out
}

/// The files by reason, at most so many of each.
pub(super) fn list(files: &[SkippedFile], most: usize) -> String {
    let mut by_reason: BTreeMap<(&str, &str, Option<&str>), Vec<&SkippedFile>> = BTreeMap::new();
    for file in files {
        by_reason.entry((file.reason, file.why, file.key)).or_default().push(file);
    }
    let mut out = String::new();
    for ((reason, why, key), files) in by_reason {
        let key = key.map_or_else(|| "no setting brings it back".to_owned(), |key| format!("`{key}` decides"));
        // Writing into a String cannot fail.
        let _ = writeln!(out, "    {reason:<16} {:>6} files: {why}; {key}", files.len());
        for file in files.iter().take(most) {
            let _ = writeln!(out, "      {}", file.path);
        }
        if files.len() > most {
            let _ = writeln!(out, "      and {} more; `--json` lists all", files.len() - most);
        }
    }
    out
}
