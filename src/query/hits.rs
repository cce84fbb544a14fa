//! The hits of an answer: each candidate with its text, in the clone or work tree of its repository where it can be read best.

use super::QueryError;
use super::candidates::HitCandidate;
use super::filter::HitFilter;
use super::kept::Kept;
use super::meant::narrowed;
use super::rank::{SearchQuestion, WEIGHTS};
use super::search::{SearchRequest, Searched, shown_path};
use super::snippet::{FileTexts, snippet};
use super::view::search::{SearchHit, UncommittedFile};
use super::written_hits::{narrowed_to, shown_written};
use crate::cache::{chunks, view};
use crate::domain::FilePath;
use crate::language;
use crate::repo::LocationKind;
use crate::repo::disk::{Disk, OnDisk};

/// How well a copy of a file can be read, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Legibility {
    /// Its repository was moved away, or its object is missing.
    Unreadable,
    /// HEAD has it, and no work tree does.
    InCommit,
    OnDisk,
}

/// # Errors
/// If a store cannot be read.
pub(super) fn hits(
    kept: &mut Kept,
    repos: &[Searched],
    best: Vec<HitCandidate>,
    question: &SearchQuestion,
    request: &SearchRequest,
    filter: &HitFilter,
) -> Result<Vec<SearchHit>, QueryError> {
    let (mut texts, picks, explain) = (FileTexts::default(), request.kind.is_some(), request.explain);
    let hit = |candidate: HitCandidate| {
        let mut candidate = in_best_copy(kept, &mut texts, repos, candidate, filter)?;
        let searched = &repos[candidate.repo];
        let (path, path_bytes) = candidate.chunk.path.for_json();
        let text = texts.of(kept, &searched.repo, searched.store.as_ref(), &candidate.chunk.path)?;
        let text = text.unwrap_or_default();
        let whole = candidate.chunk.entity_name.clone();
        candidate.chunk = narrowed(question, candidate.chunk, text, picks);
        if let Some(written) = candidate.written.as_ref().filter(|_| candidate.chunk.entity_name == whole) {
            candidate.chunk = narrowed_to(candidate.chunk, written);
        }
        Ok(SearchHit {
            repo: shown_path(&searched.repo),
            path,
            path_bytes,
            start_line: candidate.chunk.start_line,
            end_line: candidate.chunk.end_line,
            score: candidate.parts.score(&WEIGHTS),
            source: searched.source(&candidate.chunk.path).as_str().to_owned(),
            rung: language::of(&candidate.chunk.path).rung().as_str().to_owned(),
            also_in: candidate.also_in.iter().map(|other| shown_path(&repos[*other].repo)).collect(),
            snippet: snippet(text, &candidate.chunk, question),
            parts: explain.then_some(candidate.parts),
            written: candidate.written.map(shown_written),
            stale: None,
            body: None,
            entity_type: candidate.chunk.entity_type,
            entity_name: candidate.chunk.entity_name,
        })
    };
    best.into_iter().map(hit).collect()
}

/// A candidate as the first of its copies has it that can be read best.
fn in_best_copy(
    kept: &mut Kept,
    texts: &mut FileTexts,
    repos: &[Searched],
    candidate: HitCandidate,
    filter: &HitFilter,
) -> Result<HitCandidate, QueryError> {
    if candidate.also_in.is_empty() {
        return Ok(candidate);
    }
    let (mut place, mut most) = (candidate.repo, Legibility::Unreadable);
    for repo in std::iter::once(candidate.repo).chain(candidate.also_in.iter().copied()) {
        let found = legibility(kept, texts, &repos[repo], &candidate.chunk.path)?;
        if found > most {
            (place, most) = (repo, found);
        }
        if most == Legibility::OnDisk {
            break;
        }
    }
    let searched = &repos[place];
    let Some(store) = searched.store.as_ref().filter(|_| place != candidate.repo) else { return Ok(candidate) };
    let copy = chunks::get(store.db(), &candidate.chunk.chunk_id)?;
    let Some(chunk) = copy.and_then(|copy| searched.wanted(copy, filter)) else { return Ok(candidate) };
    let mut also_in: Vec<usize> = candidate.also_in.iter().copied().filter(|other| *other != place).collect();
    also_in.push(candidate.repo);
    also_in.sort_unstable();
    Ok(HitCandidate { repo: place, chunk, also_in, ..candidate })
}

fn legibility(
    kept: &mut Kept,
    texts: &mut FileTexts,
    searched: &Searched,
    path: &FilePath,
) -> Result<Legibility, QueryError> {
    let location = &searched.repo.location;
    let is_bare = location.kind == LocationKind::Bare;
    let disk = Disk::open(&location.path).ok();
    if disk.is_none() || texts.of(kept, &searched.repo, searched.store.as_ref(), path)?.is_none() {
        return Ok(Legibility::Unreadable);
    }
    let on_disk = disk.filter(|_| !is_bare).and_then(|disk| disk.stat(path).ok());
    Ok(if matches!(on_disk, Some(OnDisk::File(_))) { Legibility::OnDisk } else { Legibility::InCommit })
}

/// The files of which a search of what is committed finds nothing: the index has them as they are saved.
///
/// # Errors
/// If a store cannot be read.
pub(super) fn uncommitted(repos: &[Searched], filter: &HitFilter) -> Result<Vec<UncommittedFile>, QueryError> {
    let mut found = Vec::new();
    for searched in repos.iter().filter(|_| filter.is_of_commits()) {
        let Some(store) = &searched.store else { continue };
        for path in searched.saved.iter().filter(|path| filter.is_language(path) && filter.is_below(path)) {
            if view::file(store.db(), path)?.is_some_and(|file| file.skip.is_none()) {
                let (path, path_bytes) = path.for_json();
                found.push(UncommittedFile { repo: shown_path(&searched.repo), path, path_bytes });
            }
        }
    }
    Ok(found)
}
