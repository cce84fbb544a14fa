//! Three things to try on a repository, chosen from what its index has: a search that finds a function, the file that most others use, and what
//! the last commit reaches. Each is tried before it is shown.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::empty::not_indexed;
use super::impact::{ImpactQuestion, Subject, of};
use super::view::first_steps::{FirstStep, FirstStepsView};
use super::view::search::SearchHit;
use super::view::{for_terminal, shown};
use super::{QueryError, Reader};
use crate::cache::chunks::{self, ChunkRecord};
use crate::cache::edges::{self, SharedSymbol, most_used};
use crate::cache::words::name_parts;
use crate::cache::{RepoStore, view};
use crate::domain::{FilePath, ObjectId, Role};
use crate::repo::registry::Registered;
use crate::repo::{CommitNote, RecordedView, Repo};

/// Used symbols among which the first that reads like a question is taken.
const CONSIDERED: usize = 200;
/// Words of a name that make a question.
const TELLING_WORDS: usize = 2;
/// Searches that are tried until one finds what it is to find at first.
const TRIED_MAX: usize = 6;
/// Commits that are scanned for one that changes used code, if the last one changes none.
const COMMITS_SCANNED: usize = 30;

/// The first hit of a search in the repository.
pub type FirstHit<'f> = dyn Fn(&str) -> Option<SearchHit> + 'f;

/// Chooses them. `first_hit` searches as the shown command does.
///
/// # Errors
/// If the store cannot be read.
pub fn first_steps(
    reader: &Reader<'_>,
    repo: &Registered,
    first_hit: &FirstHit<'_>,
) -> Result<FirstStepsView, QueryError> {
    let path = shown(&repo.location.path);
    let empty = |why: &str| FirstStepsView { repo: path.clone(), steps: Vec::new(), why_empty: Some(why.to_owned()) };
    let store = reader.store(repo)?.filter(|_| repo.reconciled_at.is_some());
    let Some(store) = store else { return Ok(empty(&not_indexed(repo))) };
    // a path that no shell could be given is named by its id
    let named = repo.location.path.to_str().map_or_else(|| repo.id.0.clone(), str::to_owned);
    let used = most_used(store.db(), CONSIDERED)?;
    let steps = [
        search(&store, &named, &used, first_hit)?,
        dependents(&store, repo, &used)?,
        commit(reader, repo, &named, &store),
    ];
    let steps: Vec<FirstStep> = steps.into_iter().flatten().collect();
    match steps.is_empty() {
        true => Ok(empty("the index has nothing to show yet; commit some code or text, and try again")),
        false => Ok(FirstStepsView { repo: path, steps, why_empty: None }),
    }
}

/// A search in the words of a function's name; without functions, in those of a heading. The first that finds what it is made of at once; if
/// none does, the first that finds anything.
fn search(
    store: &RepoStore,
    repo: &str,
    used: &[SharedSymbol],
    first_hit: &FirstHit<'_>,
) -> Result<Option<FirstStep>, QueryError> {
    let mut asked = HashSet::new();
    let mut found_other = None;
    for candidate in candidates(store, used)? {
        if asked.len() == TRIED_MAX {
            break;
        }
        if asked.contains(&candidate.words) || !is_of_note(store, &candidate.file)? {
            continue;
        }
        asked.insert(candidate.words.clone());
        let Some(hit) = first_hit(&candidate.words) else { continue };
        let is_it = hit.path.as_bytes() == candidate.file.as_bytes() && last_part(&hit.entity_name) == candidate.name;
        let step = search_for(repo, &candidate.words, &hit);
        if is_it {
            return Ok(Some(step));
        }
        found_other.get_or_insert(step);
    }
    Ok(found_other)
}

/// Something that a search can be for.
struct SearchCandidate {
    words: String,
    file: FilePath,
    name: String,
}

/// Functions that other files use, the most used first; then all others, then headings.
fn candidates(store: &RepoStore, used: &[SharedSymbol]) -> Result<Vec<SearchCandidate>, QueryError> {
    let mut found = Vec::new();
    for one in used {
        let name = last_part(&one.symbol);
        if name_parts(name).len() < TELLING_WORDS {
            continue;
        }
        let declared = chunks::with_words_of(store.db(), name)?;
        if declared.iter().any(|chunk| chunk.path == one.source && declares_function(chunk, name)) {
            let words = name_parts(name).join(" ");
            found.push(SearchCandidate { words, file: one.source.clone(), name: name.to_owned() });
        }
        if found.len() == TRIED_MAX {
            return Ok(found);
        }
    }
    let mut others: Vec<(u8, SearchCandidate)> = Vec::new();
    for chunk in chunks::all(store.db())? {
        others.extend(telling(&chunk));
    }
    others.sort_by_key(|(rank, _)| *rank);
    found.extend(others.into_iter().map(|(_, candidate)| candidate));
    Ok(found)
}

/// What of a chunk a search can be for, and its rank: a function by its own name, one by the name of its type as well, a heading.
fn telling(chunk: &ChunkRecord) -> Option<(u8, SearchCandidate)> {
    let items = chunk.items.iter().map(|item| (item.entity_type.as_str(), item.entity_name.as_str()));
    let own = (chunk.entity_type.as_str(), chunk.entity_name.as_str());
    let (kind, whole) = items.chain(chunk.items.is_empty().then_some(own)).find(|(kind, whole)| {
        (is_function(kind) && !chunk.is_test || *kind == "section") && name_parts(whole).len() >= TELLING_WORDS
    })?;
    let name = last_part(whole);
    let (own_words, all_words) = (name_parts(name), name_parts(whole));
    let (rank, words) = match is_function(kind) {
        true if own_words.len() >= TELLING_WORDS => (0, own_words),
        true => (1, all_words),
        false => (2, all_words),
    };
    let candidate = SearchCandidate { words: words.join(" "), file: chunk.path.clone(), name: name.to_owned() };
    Some((rank, candidate))
}

fn search_for(repo: &str, words: &str, hit: &SearchHit) -> FirstStep {
    let command = ["search", words, "--repo", repo].map(str::to_owned).to_vec();
    let what = format!("{}:{}, {} {}", hit.path, hit.start_line, hit.entity_type, hit.entity_name);
    FirstStep { command, shows: format!("finds {}", for_terminal(&what)) }
}

/// `load` of `Config::load`.
fn last_part(name: &str) -> &str {
    name.rsplit([':', '.']).next().unwrap_or_default()
}

fn is_function(entity_type: &str) -> bool {
    matches!(entity_type, "function" | "method")
}

/// Whether it is the function of that name, or has it among its items.
fn declares_function(chunk: &ChunkRecord, name: &str) -> bool {
    let mut items = chunk.items.iter().map(|item| (item.entity_type.as_str(), item.entity_name.as_str()));
    let own = (chunk.entity_type.as_str(), chunk.entity_name.as_str());
    let is_it = |(kind, whole): (&str, &str)| is_function(kind) && last_part(whole) == name;
    !chunk.is_test && if chunk.items.is_empty() { is_it(own) } else { items.any(is_it) }
}

/// Whether a file is there and is what a project is about.
fn is_of_note(store: &RepoStore, path: &FilePath) -> Result<bool, QueryError> {
    let file = view::present(store.db(), path)?;
    Ok(file.is_some_and(|file| !matches!(file.role, Role::Test | Role::Example | Role::Bench | Role::Generated)))
}

/// The file with the most dependents that is no test.
fn dependents(store: &RepoStore, repo: &Registered, used: &[SharedSymbol]) -> Result<Option<FirstStep>, QueryError> {
    for one in used {
        let file = repo.location.path.join(OsStr::from_bytes(one.source.as_bytes()));
        let Some(path) = file.to_str().filter(|path| !path.chars().any(char::is_control)) else { continue };
        if !is_of_note(store, &one.source)? {
            continue;
        }
        let (users, _) = edges::fan(store.db(), &one.source)?;
        let shows = format!("{users} file(s) use it, each with the symbol; and its findings");
        return Ok(Some(FirstStep { command: vec!["show".to_owned(), path.to_owned()], shows }));
    }
    Ok(None)
}

/// What the last commit reaches; if it changes no code that others use, what the last one reaches that does. Without a commit there is none.
fn commit(reader: &Reader<'_>, repo: &Registered, named: &str, store: &RepoStore) -> Option<FirstStep> {
    let range = Repo::open(&repo.location).ok().and_then(|git| telling_range(&git, store));
    let question = ImpactQuestion { of: Subject::Range(range.clone()), worktree: false, tests: false };
    let found = of(reader, repo, &question).ok().filter(|found| !found.changes.is_empty())?;
    let (changed, users) = (found.changes.len(), found.impact.dependents.len());
    let cut_off = found.impact.cut_off.len();
    let which = if range.is_some() { "a recent commit" } else { "the last commit" };
    let shows = format!("{which}: {changed} file(s) changed, {users} dependent(s) reached, {cut_off} cut off");
    let command = ["impact".to_owned(), named.to_owned()].into_iter().chain(range).collect();
    Some(FirstStep { command, shows })
}

/// The last commit that changes a file that others use, compared with its parent. `None`: HEAD itself, or none of the last ones.
fn telling_range(git: &Repo, store: &RepoStore) -> Option<String> {
    let is_used = |path: &FilePath| edges::fan(store.db(), path).is_ok_and(|(users, _)| users > 0);
    let mut left = COMMITS_SCANNED;
    let is_end = |_: &CommitNote| {
        left = left.saturating_sub(1);
        left == 0
    };
    let commits = git.first_parents(&git.head().ok()?.commit?, is_end).ok()?.commits;
    let mut view = RecordedView::default();
    let (newest, mut telling) = (commits.first()?, None);
    for pair in commits.windows(2).rev() {
        let (commit, parent) = (&pair[0], &pair[1]);
        // nothing is read twice: each step reads the directories that differ
        if view.files().next().is_none() {
            view.apply(&git.diff(&view, Some(&parent.tree)).ok()?);
        }
        let diff = git.diff(&view, Some(&commit.tree)).ok()?;
        if diff.changes.iter().any(|change| is_used(change.change.path())) {
            telling = Some((parent, commit));
        }
        view.apply(&diff);
    }
    let (parent, commit) = telling.filter(|(_, commit)| commit.id != newest.id)?;
    let short = |id: &ObjectId| id.to_string()[..12].to_owned();
    Some(format!("{}..{}", short(&parent.id), short(&commit.id)))
}
