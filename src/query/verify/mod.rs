//! Whether what is recorded of a repository is what it ought to be: everything derived is built from nothing, from the commit that
//! is indexed and the present configuration, and compared row by row.
//!
//! The parts that build are those that reconcile uses; what reconcile spares itself (equal trees, equal outlines, what a change
//! cannot reach) is not spared here. It only reads, in one read transaction, so a worker may go on meanwhile.

mod difference;
mod expected;
mod results;
mod saved;
mod view;

pub use difference::{Difference, Part};

use std::collections::HashSet;

use rusqlite::Connection;

use super::view::shown;
use super::{QueryError, Reader};
use crate::cache::{self, RepoStore};
use crate::clock;
use crate::domain::{ObjectId, RepoId};
use crate::queue::{self, Filter, Job, SuspectUnit};
use crate::repo::registry::Registered;
use crate::repo::{FileSelection, Head, Repo};
use expected::Expected;

/// What the verification of one repository found.
pub struct Verdict {
    pub repo: Registered,
    /// The commit that the recorded view describes; `None`: nothing was committed yet.
    pub commit: Option<String>,
    /// Files of that commit, those that are skipped included.
    pub files: usize,
    /// Why the indexed commit is not the one that HEAD names.
    pub note: Option<String>,
    pub differences: Vec<Difference>,
}

/// Builds what ought to be recorded of a repository, and compares.
///
/// # Errors
/// If the repository or a store cannot be read, or the indexed commit is no longer in the repository.
pub fn verify(reader: &Reader<'_>, repo: &Registered) -> Result<Verdict, QueryError> {
    let jobs_before = jobs(reader, &repo.id)?;
    let not_indexed = || QueryError::NotIndexed(shown(&repo.location.path));
    let store = reader.store(repo)?.ok_or_else(not_indexed)?;
    // Everything below sees the store as it is now.
    let snapshot = store.db().unchecked_transaction()?;
    let indexed = indexed_commit(&store, repo)?;
    if indexed.is_none() && repo.reconciled_at.is_none() {
        return Err(not_indexed());
    }
    let git = Repo::open(&repo.location)?;
    let head = match &indexed {
        Some(commit) => git.rev(commit)?,
        None => Head::default(),
    };
    let selection = FileSelection::new(&reader.config.for_repo(&repo.location.path))
        .map_err(|error| QueryError::Failed(error.to_string()))?;
    let expected = Expected::build(reader, repo, &store, &git, &head, &selection, &quarantined(reader)?)?;
    let mut differences = view::differences(store.db(), &expected)?;
    let jobs_after = jobs(reader, &repo.id)?;
    let live = jobs_before.into_iter().chain(jobs_after).collect();
    differences.extend(results::differences(reader, repo, &store, &expected, live)?);
    drop(snapshot);
    differences.sort();
    let note = match note(&git, indexed.as_deref()) {
        Some(note) => Some(note),
        None => saved::note(reader, repo, &git, &head, &selection, &expected)?,
    };
    Ok(Verdict { repo: repo.clone(), commit: indexed, files: expected.files.len(), note, differences })
}

/// The commit that the view describes, in the view's own words: agent.db learns of it a moment later.
fn indexed_commit(store: &RepoStore, repo: &Registered) -> Result<Option<String>, QueryError> {
    let recorded = cache::metadata(store.db(), cache::VIEW_OF)?;
    let known = recorded.or_else(|| repo.indexed_commit.as_ref().map(ToString::to_string));
    Ok(known.filter(|commit| !commit.is_empty()))
}

/// Why HEAD is not what is compared with.
fn note(git: &Repo, indexed: Option<&str>) -> Option<String> {
    let compared =
        indexed.map_or_else(|| "an empty repository".to_owned(), |commit| format!("the indexed commit {commit}"));
    if let Some(busy) = git.busy(clock::system_now()) {
        return Some(format!("{}: compared with {compared}", busy.as_str()));
    }
    let head = git.head().map(|head| head.commit.map(|id| id.to_string()));
    match head {
        Ok(head) if head.as_deref() == indexed => None,
        Ok(_) => Some(format!("HEAD has moved on: compared with {compared}")),
        Err(error) => Some(format!("{error}: compared with {compared}")),
    }
}

fn jobs(reader: &Reader<'_>, repo: &RepoId) -> Result<Vec<Job>, QueryError> {
    let Some(db) = &reader.agent else { return Ok(Vec::new()) };
    Ok(queue::list(db, &Filter { repo: Some(repo.clone()), ..Filter::default() })?)
}

/// The blobs whose reading crashed the worker twice.
///
/// # Errors
/// If agent.db cannot be read.
pub(super) fn quarantined(reader: &Reader<'_>) -> Result<HashSet<ObjectId>, QueryError> {
    let Some(db) = &reader.agent else { return Ok(HashSet::new()) };
    let is_quarantined = |db: &Connection, subject: &SuspectUnit| queue::is_quarantined(db, subject);
    let mut found = HashSet::new();
    for subject in queue::suspects(db)? {
        if let (true, SuspectUnit::Blob(id)) = (is_quarantined(db, &subject)?, &subject) {
            found.insert(id.clone());
        }
    }
    Ok(found)
}
