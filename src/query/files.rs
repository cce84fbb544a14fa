//! What is known of one file: its analyses, each with its freshness, and the files that it uses or that use it.

use super::suggest::file_named;
use super::view::links::shown_links;
use super::view::show::{
    AnalysisView, AnswerView, LegacyView, MadeAnalysis, MissingAnalysis, ShowView, WorstFinding, by_file, worst,
};
use super::view::shown;
use super::{QueryError, Reader, canonical};
use crate::analyzer::{Analysis, llm};
use crate::cache::edges::{self, Relation};
use crate::cache::{RepoStore, analyses, evicted, implementations, legacy, view};
use crate::domain::{AnalysisType, Edge, FilePath, FileRecord, Implements, JobKind, Role, SkipReason};
use crate::plan::is_asked_about;
use crate::repo::registry::Registered;
use crate::repo::{Repo, TreeEntry};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Finds a file by its path in the file system.
///
/// # Errors
/// [`QueryError::NotRegistered`] if no registered repository holds it; [`QueryError::Invalid`] if it is not in the view.
pub fn show(reader: &Reader<'_>, path: &Path) -> Result<ShowView, QueryError> {
    let repo = reader.repo_at(path)?;
    let absolute = canonical(path).unwrap_or_else(|| path.to_owned());
    let relative = absolute.strip_prefix(&repo.location.path).unwrap_or(&absolute);
    let relative = FilePath::new(relative.as_os_str().as_bytes());
    let store = reader.store(&repo)?.ok_or_else(|| {
        QueryError::Failed(format!(
            "{} has not been indexed yet; `ra-agent daemon start` and `ra-agent wait` do that",
            repo.location.path.display()
        ))
    })?;
    let file = file_named(reader, &repo, &store, &relative)?;
    let analyses: Vec<AnalysisView> =
        AnalysisType::ALL.iter().map(|&one| answers(store.db(), &file.path, one)).collect::<Result<_, _>>()?;
    let (fan_in, fan_out) = edges::fan(store.db(), &file.path)?;
    let legacy = legacy::of_file(store.db(), &file.path, file.content_hash.as_ref())?;
    let (implements, implemented_by) = links_of(store.db(), &file.path)?;
    let all_links = match implements.is_empty() && implemented_by.is_empty() {
        true => Vec::new(),
        false => implementations::all(store.db())?,
    };
    let (path, path_bytes) = file.path.for_json();
    Ok(ShowView {
        repo: shown(&repo.location.path),
        path,
        path_bytes,
        source: file.source.as_str(),
        commit: repo.indexed_commit.as_ref().map(ToString::to_string),
        language: file.language.as_str(),
        rung: file.language.rung().as_str(),
        role: file.role.as_str(),
        skipped: file.skip.map(|reason| reason.as_str()),
        skipped_why: why_unread(&repo, &file),
        not_asked: why_not_asked(reader, &repo, &file),
        fan_in,
        fan_out,
        worst: worst(analyses.iter().filter_map(preferred)),
        uses: by_file(&Relation::Uses.of_dependent(store.db(), &file.path)?, |edge| &edge.source_file),
        used_by: by_file(&Relation::Uses.of_source(store.db(), &file.path)?, |edge| &edge.dependent_file),
        implements: shown_links(&implements, &all_links),
        implemented_by: shown_links(&implemented_by, &all_links),
        called_through: by_file(&callers_through(store.db(), &file.path, &implements)?, |edge| &edge.dependent_file),
        analyses,
        legacy: legacy.into_iter().map(LegacyView::from).collect(),
        answer_freshness: None,
    })
}

/// The worst findings of all analyses of a file that are to be read first, and what these were not looking at.
///
/// # Errors
/// If the store cannot be read.
pub fn worst_of(store: &RepoStore, path: &FilePath) -> Result<(Vec<WorstFinding>, Vec<String>), QueryError> {
    let analyses: Vec<AnalysisView> =
        AnalysisType::ALL.iter().map(|&one| answers(store.db(), path, one)).collect::<Result<_, _>>()?;
    let mut not_covered: Vec<String> = analyses.iter().filter_map(preferred).flat_map(uncovered).collect();
    not_covered.dedup();
    Ok((worst(analyses.iter().filter_map(preferred)), not_covered))
}

fn uncovered(analysis: &Analysis) -> Vec<String> {
    let (seen, analysis_type) = (analysis.seen(), analysis.analysis_type());
    let part = (seen.seen_bytes < seen.file_bytes)
        .then(|| format!("{analysis_type}: covers {} of {} bytes only", seen.seen_bytes, seen.file_bytes));
    part.into_iter()
        .chain(seen.not_covered.iter().map(|what| format!("{analysis_type}: not covered: {what}")))
        .collect()
}

/// The links to what a file's classes implement, and to what implements its interfaces.
fn links_of(db: &Connection, path: &FilePath) -> Result<(Vec<Implements>, Vec<Implements>), QueryError> {
    let all = implementations::of_file(db, path)?;
    let with_end = |end: fn(&Implements) -> &FilePath| all.iter().filter(|link| end(link) == path).cloned().collect();
    Ok((with_end(|link| &link.implementation_file), with_end(|link| &link.interface_file)))
}

/// The uses of the interfaces that a file implements, by other files.
fn callers_through(db: &Connection, path: &FilePath, implements: &[Implements]) -> Result<Vec<Edge>, QueryError> {
    let interfaces: BTreeSet<(&FilePath, &str)> =
        implements.iter().map(|link| (&link.interface_file, link.interface.as_str())).collect();
    let files: BTreeSet<&FilePath> = interfaces.iter().map(|(file, _)| *file).collect();
    let mut callers = Vec::new();
    for file in files {
        let edges = Relation::Uses.of_source(db, file)?.into_iter();
        let is_meant = |edge: &Edge| {
            edge.dependent_file != *path && interfaces.contains(&(&edge.source_file, edge.symbol_name.as_str()))
        };
        callers.extend(edges.filter(is_meant));
    }
    Ok(callers)
}

/// What is wrong with the object of a file that was not read for that, as it is now.
fn why_unread(repo: &Registered, file: &FileRecord) -> Option<String> {
    if !matches!(file.skip, Some(SkipReason::Unreadable | SkipReason::Unavailable)) {
        return None;
    }
    let entry = TreeEntry { path: file.path.clone(), id: file.blob.clone(), mode: file.mode };
    let why = Repo::open(&repo.location).map(|git| git.why_unreadable(&entry));
    let why = why.unwrap_or_else(Some).map(|error| error.to_string());
    Some(why.unwrap_or_else(|| "it can be read again; the next reconcile does that".to_owned()))
}

/// Why a model that is set up is not asked about a file.
fn why_not_asked(reader: &Reader<'_>, repo: &Registered, file: &FileRecord) -> Option<String> {
    llm::model_id(&reader.config.llm)?;
    if file.skip.is_some() {
        return None;
    }
    let own = reader.config.for_repo(&repo.location.path).withhold;
    let is_withheld = llm::Withheld::new(&llm::withheld_patterns(&own)).holds(&file.path);
    match (is_asked_about(file), is_withheld) {
        (true, false) => None,
        (false, _) if file.role == Role::Generated => Some("a tool wrote it".to_owned()),
        (false, _) if file.size_bytes == 0 => Some("it is empty".to_owned()),
        (false, _) => Some(format!("{} is not code", file.language)),
        (true, true) if llm::is_sample(&file.path) && !llm::Withheld::new(&own).holds(&file.path) => Some(
            "by its name it is a sample for tests or was written by a tool; `[privacy] withhold = [\"!<path>\"]` asks about it"
                .to_owned(),
        ),
        (true, true) => Some("`[privacy] withhold` keeps it on this machine".to_owned()),
    }
}

fn preferred(view: &AnalysisView) -> Option<&Analysis> {
    match view {
        AnalysisView::Missing(_) => None,
        AnalysisView::Made(made) => Some(&made.preferred.report),
    }
}

fn answers(db: &Connection, path: &FilePath, analysis_type: AnalysisType) -> Result<AnalysisView, QueryError> {
    let model = answer(db, path, JobKind::Ask(analysis_type))?;
    let local = answer(db, path, JobKind::Analyze(analysis_type))?;
    let fresh = |answer: &Option<AnswerView>| answer.as_ref().is_some_and(|answer| answer.fresh);
    let local_first = model.is_none() || (!fresh(&model) && fresh(&local));
    let (preferred, other) = if local_first { (local, model) } else { (model, local) };
    match preferred {
        Some(preferred) => Ok(AnalysisView::Made(Box::new(MadeAnalysis { preferred, other }))),
        None => {
            let evicted = is_evicted(db, path, JobKind::Ask(analysis_type))?
                || is_evicted(db, path, JobKind::Analyze(analysis_type))?;
            Ok(AnalysisView::Missing(MissingAnalysis::new(analysis_type, evicted)))
        }
    }
}

fn is_evicted(db: &Connection, path: &FilePath, kind: JobKind) -> Result<bool, QueryError> {
    match view::current_key(db, path, kind)? {
        Some(key) => Ok(evicted::contains(db, &key)?),
        None => Ok(false),
    }
}

/// The fresh result of a kind, or else the newest, which is stale.
fn answer(db: &Connection, path: &FilePath, kind: JobKind) -> Result<Option<AnswerView>, QueryError> {
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
        .map_err(|error| QueryError::Failed(error.to_string()))?;
    Ok(Some(AnswerView::new(stored, is_fresh, analysis)))
}
