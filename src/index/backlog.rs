//! What `cache build` and `cache sync` put into the queue, most urgent first.

use std::collections::BTreeSet;

use rusqlite::Connection;

use crate::cache::backlog;
pub use crate::cache::backlog::Due;
use crate::clock::Timestamp;
use crate::domain::{AnalysisType, FilePath, Origin, Priority};
use crate::plan::{self, PlanCause};
use crate::queue::NewJob;
use crate::store::Result;

impl Due {
    /// Its place among all work unless a person asks for another.
    pub fn priority(&self) -> Priority {
        plan::priority(&self.file, &PlanCause::Backfill)
    }

    /// The job that a person asks for; `priority`: instead of its own.
    pub fn into_job(self, priority: Option<Priority>) -> NewJob {
        NewJob {
            priority: priority.unwrap_or_else(|| self.priority()),
            path: self.file.path,
            kind: self.kind,
            key: self.key,
            blob: self.file.blob,
            origin: Origin::Person,
            reason: self.reason,
        }
    }
}

/// Analyses of these types that the view asks for and that are not there, of at most so many files.
///
/// # Errors
/// If the database cannot be read.
pub fn missing(db: &Connection, types: &[AnalysisType], max_files: usize) -> Result<Vec<Due>> {
    let mut due = urgent_first(backlog::missing(db, types)?);
    keep_files(&mut due, max_files);
    Ok(due)
}

/// Analyses of these types in use that were made before a time.
///
/// # Errors
/// If the database cannot be read.
pub fn older(db: &Connection, types: &[AnalysisType], before: Timestamp) -> Result<Vec<Due>> {
    Ok(urgent_first(backlog::older(db, types, before)?))
}

fn urgent_first(mut due: Vec<Due>) -> Vec<Due> {
    due.sort_by(|a, b| (a.priority(), &a.file.path, a.kind).cmp(&(b.priority(), &b.file.path, b.kind)));
    due
}

fn keep_files(due: &mut Vec<Due>, max_files: usize) {
    let mut kept: BTreeSet<FilePath> = BTreeSet::new();
    due.retain(|one| {
        if kept.len() < max_files {
            kept.insert(one.file.path.clone());
        }
        kept.contains(&one.file.path)
    });
}
