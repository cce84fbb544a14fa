//! One commit: what it changed, whom that touched, what got better or worse, and what it cost.

use super::impact::{ImpactQuestion, Subject};
use super::report::{ReportQuestion, ReportRange};
use super::view::commit::{CommitCost, CommitView};
use super::view::impact::ImpactView;
use super::view::report::ReportView;
use super::{QueryError, Reader, impact, report};
use crate::budget;
use crate::clock;
use crate::domain::ObjectId;
use crate::query::view::usd;
use crate::repo::registry::Registered;
use crate::repo::{CommitNote, FirstParents, Repo};

/// Days of the ledger in which the questions about a commit are looked for.
const LEDGER_DAYS: u32 = 400;

/// Works out what a commit did. It takes as long as reading all outlines of the repository.
///
/// # Errors
/// If the commit is not there, or the repository or the store cannot be read.
pub fn of(reader: &Reader<'_>, repo: &Registered, commit: &ObjectId) -> Result<CommitView, QueryError> {
    let spec = commit.to_string();
    let note = Repo::open(&repo.location)?.commit_note(commit)?;
    let question = ImpactQuestion { of: Subject::Commit(spec.clone()), worktree: false, tests: true };
    let impact = ImpactView::new(repo, &impact::of(reader, repo, &question)?);
    let found = report::of(reader, repo, &ReportQuestion { range: ReportRange::Commit(spec) })?;
    let found = ReportView::new(repo, &found, None);
    let (mut introduced, mut removed) = (Vec::new(), Vec::new());
    for one in found.commits {
        introduced.extend(one.introduced);
        removed.extend(one.removed);
    }
    Ok(CommitView {
        commit: note.id.to_string(),
        parents: note.parents.iter().map(ToString::to_string).collect(),
        subject: note.subject,
        author: note.author,
        committed_at: note.committed_at.to_rfc3339(),
        impact,
        introduced,
        removed,
        model: found.model,
        not_looked_at: found.not_looked_at,
    })
}

/// What the questions about a commit cost, and what it saved that some dependents were not analysed again.
///
/// # Errors
/// If the ledger cannot be read.
pub fn cost(
    reader: &Reader<'_>,
    repo: &Registered,
    commit: &ObjectId,
    cut_off: usize,
) -> Result<CommitCost, QueryError> {
    let now = clock::now();
    let Some(db) = reader.ledger()? else { return Ok(CommitCost::default()) };
    let history = budget::history(db, LEDGER_DAYS, now)?;
    let own = history.commits.iter().filter(|((id, of), _)| *id == repo.id && of.as_ref() == Some(commit));
    let mut cost = CommitCost::default();
    for (_, group) in own {
        cost.calls += group.calls;
        cost.spent_usd += usd(group.spent);
    }
    let mean = budget::report(db, &reader.config.budget, now)?.mean;
    cost.saved_usd = mean.map(|mean| usd(mean.per_file) * cut_off as f64);
    Ok(cost)
}

/// Some commits along first parents, from one of them, or from HEAD.
///
/// # Errors
/// If a commit is not there or cannot be read.
pub fn list(repo: &Registered, from: Option<&ObjectId>, limit: usize) -> Result<Vec<CommitNote>, QueryError> {
    let git = Repo::open(&repo.location)?;
    let newest = match from {
        Some(from) => Some(from.clone()),
        None => git.head()?.commit,
    };
    let Some(newest) = newest else { return Ok(Vec::new()) };
    let mut listed = 0;
    let FirstParents { commits, .. } = git.first_parents(&newest, |_| {
        listed += 1;
        listed > limit
    })?;
    Ok(commits)
}

/// The commit that HEAD names now; `None`: there is none yet.
///
/// # Errors
/// If the repository cannot be read.
pub fn head(repo: &Registered) -> Result<Option<ObjectId>, QueryError> {
    Ok(Repo::open(&repo.location)?.head()?.commit)
}
