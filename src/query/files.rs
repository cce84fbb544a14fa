//! What is known of one file: its analyses, each with its freshness, and its place in the graph.

use super::{QueryError, Reader, canonical};
use crate::analyzer::Analysis;
use crate::cache::analyses::{self, StoredAnalysis};
use crate::cache::edges;
use crate::cache::view::{self, FileRecord};
use crate::domain::{AnalysisType, FilePath, JobKind};
use crate::repo::registry::Registered;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A file of the view and what is stored of it.
pub struct FileView {
    pub repo: Registered,
    pub file: FileRecord,
    pub analyses: Vec<Shown>,
    /// Files that use this one.
    pub fan_in: u64,
    /// Files that this one uses.
    pub fan_out: u64,
}

/// One analysis as it is shown.
pub struct Shown {
    pub analysis_type: AnalysisType,
    pub fresh: bool,
    /// `None`: not made yet.
    pub stored: Option<(StoredAnalysis, Analysis)>,
}

/// Looks a file up by its path in the file system.
///
/// # Errors
/// [`QueryError::NotRegistered`] if no registered repository holds it; [`QueryError::Invalid`] if it is not in the view.
pub fn show(reader: &Reader<'_>, path: &Path) -> Result<FileView, QueryError> {
    let named = path.display();
    let repo = reader
        .repo_of(path, reader.repos()?)
        .ok_or_else(|| QueryError::NotRegistered { what: format!("a repository that holds {named}") })?;
    let absolute = canonical(path).unwrap_or_else(|| path.to_owned());
    let relative = absolute.strip_prefix(&repo.location.path).unwrap_or(&absolute);
    let relative = FilePath::new(relative.as_os_str().as_bytes());
    let store = reader.store(&repo)?.ok_or_else(|| {
        QueryError::Invalid(format!(
            "{} has not been indexed yet; `ra-agent daemon start` and `ra-agent wait` do that",
            repo.location.path.display()
        ))
    })?;
    let file = view::file(store.db(), &relative)?.ok_or_else(|| {
        QueryError::Invalid(format!(
            "{named} is not in the indexed view of {}: it is not committed, or not indexed yet (`ra-agent status`)",
            repo.location.path.display()
        ))
    })?;
    let mut analyses = Vec::new();
    for &analysis_type in AnalysisType::ALL {
        analyses.push(shown(store.db(), &file.path, analysis_type)?);
    }
    let (fan_in, fan_out) = edges::fan(store.db(), &file.path)?;
    Ok(FileView { repo, file, analyses, fan_in, fan_out })
}

/// The fresh result, or else the newest, which is stale.
fn shown(db: &rusqlite::Connection, path: &FilePath, analysis_type: AnalysisType) -> Result<Shown, QueryError> {
    let key = view::current_key(db, path, JobKind::Analyze(analysis_type))?;
    let fresh = key.map(|key| analyses::get(db, &key)).transpose()?.flatten();
    let is_fresh = fresh.is_some();
    let stored = match fresh {
        Some(stored) => Some(stored),
        None => analyses::newest(db, path, analysis_type)?,
    };
    let stored = stored
        .map(|stored| Analysis::from_json(analysis_type, &stored.json).map(|analysis| (stored, analysis)))
        .transpose()
        .map_err(|error| QueryError::Invalid(error.to_string()))?;
    Ok(Shown { analysis_type, fresh: is_fresh, stored })
}
