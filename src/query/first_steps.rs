//! Three things to try on a repository, chosen from what its index has: a search for a function that is there, the file that most others
//! use, and what the last commit reaches.

use super::impact::{ImpactQuestion, Subject, of};
use super::view::first_steps::{FirstStep, FirstStepsView};
use super::view::shown;
use super::{QueryError, Reader};
use crate::cache::chunks::{self, ChunkRecord};
use crate::cache::edges::{SharedSymbol, most_used};
use crate::cache::words::name_parts;
use crate::cache::{RepoStore, view};
use crate::domain::Role;
use crate::repo::registry::Registered;

/// Used symbols among which the first that reads like a question is taken.
const CONSIDERED: usize = 200;
/// Words of a name that make a question.
const TELLING_WORDS: usize = 2;

/// Chooses them.
///
/// # Errors
/// If the store cannot be read.
pub fn first_steps(reader: &Reader<'_>, repo: &Registered) -> Result<FirstStepsView, QueryError> {
    let path = shown(&repo.location.path);
    let empty = |why: &str| FirstStepsView { repo: path.clone(), steps: Vec::new(), why_empty: Some(why.to_owned()) };
    let store = reader.store(repo)?.filter(|_| repo.indexed_commit.is_some());
    let Some(store) = store else {
        return Ok(empty("nothing is indexed yet; `ra-agent wait` waits until it is"));
    };
    let used = most_used(store.db(), CONSIDERED)?;
    let steps = [search(&store, &path, &used)?, dependents(&store, repo, &used)?, last_commit(reader, repo, &path)];
    let steps: Vec<FirstStep> = steps.into_iter().flatten().collect();
    match steps.is_empty() {
        true => Ok(empty("the index has no code yet; commit some, and try again")),
        false => Ok(FirstStepsView { repo: path, steps, why_empty: None }),
    }
}

/// A search in the words of a function's name; without functions, in those of a heading.
fn search(store: &RepoStore, repo: &str, used: &[SharedSymbol]) -> Result<Option<FirstStep>, QueryError> {
    for one in used {
        let name = one.symbol.rsplit([':', '.']).next().unwrap_or_default();
        if name_parts(name).len() < TELLING_WORDS {
            continue;
        }
        let declared = chunks::with_words_of(store.db(), name)?;
        let is_it = |chunk: &&ChunkRecord| chunk.path == one.source && is_called(chunk, name);
        if let Some(chunk) = declared.iter().find(is_it) {
            return Ok(Some(search_for(repo, &name_parts(name).join(" "), chunk)));
        }
    }
    let telling = |chunk: &ChunkRecord| {
        let words = name_parts(&chunk.entity_name);
        let is_named = is_function(chunk) || chunk.entity_type == "section";
        (is_named && !chunk.is_test && words.len() >= TELLING_WORDS).then(|| words.join(" "))
    };
    let all = chunks::all(store.db())?;
    let mut found: Vec<(bool, &ChunkRecord, String)> =
        all.iter().filter_map(|chunk| Some((!is_function(chunk), chunk, telling(chunk)?))).collect();
    found.sort_by_key(|(is_text, _, _)| *is_text);
    Ok(found.first().map(|(_, chunk, words)| search_for(repo, words, chunk)))
}

fn search_for(repo: &str, words: &str, chunk: &ChunkRecord) -> FirstStep {
    let command = ["search", words, "--repo", repo].map(str::to_owned).to_vec();
    let what = format!("{} {}", chunk.entity_type, chunk.entity_name);
    FirstStep { command, shows: format!("finds {}:{}, {what}", chunk.path, chunk.start_line) }
}

fn is_function(chunk: &ChunkRecord) -> bool {
    matches!(chunk.entity_type.as_str(), "function" | "method")
}

fn is_called(chunk: &ChunkRecord, name: &str) -> bool {
    let is_name = |whole: &str| whole.rsplit([':', '.']).next() == Some(name);
    is_function(chunk) && !chunk.is_test && chunk.names().any(is_name)
}

/// The file with the most dependents that is no test.
fn dependents(store: &RepoStore, repo: &Registered, used: &[SharedSymbol]) -> Result<Option<FirstStep>, QueryError> {
    for one in used {
        let Some(file) = view::present(store.db(), &one.source)? else { continue };
        let Ok(name) = std::str::from_utf8(one.source.as_bytes()) else { continue };
        if matches!(file.role, Role::Test | Role::Example | Role::Bench | Role::Generated) {
            continue;
        }
        let (users, _) = crate::cache::edges::fan(store.db(), &one.source)?;
        let path = shown(&repo.location.path.join(name));
        let shows = format!("{users} file(s) use it, each with the symbol; and its findings");
        return Ok(Some(FirstStep { command: vec!["show".to_owned(), path], shows }));
    }
    Ok(None)
}

/// Without a commit there is none.
fn last_commit(reader: &Reader<'_>, repo: &Registered, path: &str) -> Option<FirstStep> {
    let question = ImpactQuestion { of: Subject::Range(None), worktree: false, tests: false };
    let found = of(reader, repo, &question).ok().filter(|found| !found.changes.is_empty())?;
    let (changed, users) = (found.changes.len(), found.impact.dependents.len());
    let cut_off = found.impact.cut_off.len();
    let shows = format!("the last commit: {changed} file(s) changed, {users} dependent(s) reached, {cut_off} cut off");
    Some(FirstStep { command: vec!["impact".to_owned(), path.to_owned()], shows })
}
