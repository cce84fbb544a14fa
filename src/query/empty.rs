//! Why an answer is empty: it says so, or it is an error if what was asked for cannot be anywhere.

use super::QueryError;
use super::filter::HitFilter;
use super::search::{SearchRequest, Searched};
use super::suggest::hint;
use super::view::repos::NONE_REGISTERED;
use super::view::search::RepoFreshness;
use crate::cache::view;
use crate::cache::words;
use crate::domain::{FilePath, FileRecord, SkipReason};
use crate::repo::registry::Registered;

/// Why a search found nothing; `meaning`: it went by meaning, too.
///
/// # Errors
/// If a file or directory is named that is not in the index, or a store cannot be read.
pub(super) fn why_no_hits(
    request: &SearchRequest,
    filter: &HitFilter,
    repos: &[Searched],
    freshness: &[RepoFreshness],
    errors: &[String],
    meaning: bool,
) -> Result<String, QueryError> {
    if freshness.is_empty() {
        let why = if errors.is_empty() { NONE_REGISTERED } else { "no repository could be searched" };
        return Ok(why.to_owned());
    }
    if let Some(first) = repos.first().filter(|_| repos.iter().all(|one| one.repo.reconciled_at.is_none())) {
        return Ok(not_indexed(&first.repo));
    }
    if let Some(why) = no_such_files(request, filter, repos)? {
        return Ok(why);
    }
    if !meaning && words::asked(&request.query).is_empty() {
        return Ok("the query has no letter and no digit, so it has no word that could be found".to_owned());
    }
    let given = [
        ("--kind", &request.kind),
        ("--path", &request.path),
        ("--lang", &request.language),
        ("--source", &request.source),
    ];
    let given: Vec<String> =
        given.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?))).collect();
    Ok(match given.is_empty() {
        false => format!("no indexed text matches the query and {}", given.join(" and ")),
        true => "no indexed text has a word of the query".to_owned(),
    })
}

/// Why nothing of a repository is indexed that was never compared, and what to wait for.
pub(super) fn not_indexed(repo: &Registered) -> String {
    match &repo.held {
        Some(held) => format!("nothing is indexed yet: {held}; the index waits for its end"),
        None => "nothing is indexed yet; `ra-agent wait` waits until it is".to_owned(),
    }
}

/// Why the filters leave no file at all; `None`: they leave some.
fn no_such_files(
    request: &SearchRequest,
    filter: &HitFilter,
    repos: &[Searched],
) -> Result<Option<String>, QueryError> {
    if request.path.is_none() && request.language.is_none() && request.source.is_none() {
        return Ok(None);
    }
    let mut files: Vec<FileRecord> = Vec::new();
    for store in repos.iter().filter_map(|one| one.store.as_ref()) {
        files.extend(view::present_files(store.db())?);
    }
    let (skipped, files): (Vec<FileRecord>, Vec<FileRecord>) = files.into_iter().partition(|file| file.skip.is_some());
    if let Some(path) = &request.path
        && !files.iter().any(|file| filter.is_below(&file.path))
    {
        let left_out: Vec<(&FilePath, SkipReason)> = skipped
            .iter()
            .filter(|file| filter.is_below(&file.path))
            .filter_map(|file| Some((&file.path, file.skip.filter(|reason| *reason != SkipReason::Deleted)?)))
            .collect();
        if let [(file, reason), more @ ..] = left_out.as_slice() {
            let more = if more.is_empty() { String::new() } else { format!(", and {} more like it", more.len()) };
            return Ok(Some(format!(
                "{file} is skipped: {reason}{more}; `ra-agent status --skipped` says what brings it back"
            )));
        }
        if filter.is_literal() {
            let known: Vec<String> = files.iter().map(|file| file.path.to_string()).collect();
            let hint = hint(path, known.iter().map(String::as_str));
            return Err(QueryError::Invalid(format!("--path {path}: no such file or directory is in the index{hint}")));
        }
        return Ok(Some(format!("no indexed file matches --path {path}")));
    }
    if let Some(language) = &request.language
        && !files.iter().any(|file| filter.is_language(&file.path))
    {
        return Ok(Some(format!("no indexed file is in the language {language}")));
    }
    let worktree = request.source.as_deref().is_some_and(|source| source.eq_ignore_ascii_case("worktree"));
    Ok((worktree && repos.iter().all(|one| one.saved.is_empty()))
        .then(|| "no saved change waits for its commit, so --source worktree leaves nothing".to_owned()))
}
