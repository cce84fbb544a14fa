//! What is known of one file: its analyses, each with its freshness, and its place in the graph.

use super::{QueryError, Reader, canonical};
use crate::analyzer::Analysis;
use crate::cache::analyses::{self, StoredAnalysis};
use crate::cache::legacy::{self, LegacyAnalysis};
use crate::cache::view;
use crate::cache::{edges, evicted};
use crate::domain::{AnalysisType, FilePath, FileRecord, JobKind};
use crate::repo::registry::Registered;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A file of the view and what is stored of it.
pub struct FileView {
    pub repo: Registered,
    pub file: FileRecord,
    pub answers: Vec<Answers>,
    /// What an earlier tool said, as it was imported; never fresh.
    pub legacy: Vec<LegacyAnalysis>,
    /// Files that use this one.
    pub fan_in: u64,
    /// Files that this one uses.
    pub fan_out: u64,
}

/// What is known about one question.
pub struct Answers {
    pub analysis_type: AnalysisType,
    /// What to read first: a fresh answer of a model, else a fresh local one, else a stale one of a model, else a stale local one.
    /// `None`: not made yet, or removed.
    pub preferred: Option<Answer>,
    /// The other one, if there are two.
    pub beside: Option<Answer>,
    /// A result was removed for want of room, and is made again when asked for or changed.
    pub evicted: bool,
}

/// One stored analysis.
pub struct Answer {
    pub fresh: bool,
    pub stored: StoredAnalysis,
    pub analysis: Analysis,
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
    let file = view::present(store.db(), &relative)?.ok_or_else(|| {
        QueryError::Invalid(format!(
            "{named} is not in the indexed view of {}: it is ignored, or not indexed yet (`ra-agent status`)",
            repo.location.path.display()
        ))
    })?;
    let answers =
        AnalysisType::ALL.iter().map(|&one| answers(store.db(), &file.path, one)).collect::<Result<_, _>>()?;
    let (fan_in, fan_out) = edges::fan(store.db(), &file.path)?;
    let legacy = legacy::of_file(store.db(), &file.path, file.content_hash.as_ref())?;
    Ok(FileView { repo, file, answers, legacy, fan_in, fan_out })
}

fn answers(db: &rusqlite::Connection, path: &FilePath, analysis_type: AnalysisType) -> Result<Answers, QueryError> {
    let model = answer(db, path, JobKind::Ask(analysis_type))?;
    let local = answer(db, path, JobKind::Analyze(analysis_type))?;
    let fresh = |answer: &Option<Answer>| answer.as_ref().is_some_and(|answer| answer.fresh);
    let local_first = model.is_none() || (!fresh(&model) && fresh(&local));
    let (preferred, beside) = if local_first { (local, model) } else { (model, local) };
    let evicted =
        is_evicted(db, path, JobKind::Ask(analysis_type))? || is_evicted(db, path, JobKind::Analyze(analysis_type))?;
    Ok(Answers { analysis_type, preferred, beside, evicted })
}

fn is_evicted(db: &rusqlite::Connection, path: &FilePath, kind: JobKind) -> Result<bool, QueryError> {
    match view::current_key(db, path, kind)? {
        Some(key) => Ok(evicted::contains(db, &key)?),
        None => Ok(false),
    }
}

/// The fresh result of a kind, or else the newest, which is stale.
fn answer(db: &rusqlite::Connection, path: &FilePath, kind: JobKind) -> Result<Option<Answer>, QueryError> {
    let key = view::current_key(db, path, kind)?;
    let fresh = key.map(|key| analyses::get(db, &key)).transpose()?.flatten();
    let is_fresh = fresh.is_some();
    let stored = match fresh {
        Some(stored) => stored,
        None => match analyses::newest(db, path, kind)? {
            Some(stored) => stored,
            None => return Ok(None),
        },
    };
    let analysis = Analysis::from_json(stored.analysis_type, &stored.json)
        .map_err(|error| QueryError::Invalid(error.to_string()))?;
    Ok(Some(Answer { fresh: is_fresh, stored, analysis }))
}
