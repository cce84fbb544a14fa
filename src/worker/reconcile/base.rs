//! The one sequence of a reconcile: compare, relate, plan, enqueue, advance.
//!
//! A commit and a save go through the same steps. They differ in their base: what the recorded state is compared with, and which
//! part of the store advances. Jobs are enqueued before the store advances, so a crash between the two only finds the same
//! difference again.

use super::Unreconciled;
use crate::clock;
use crate::domain::FilePath;
use crate::plan::{FilePlan, Recipe};
use crate::repo::registry::Registered;
use crate::repo::{FileSelection, Repo};
use crate::worker::Worker;

/// The repository that is reconciled, and under which settings.
pub(super) struct Site<'a> {
    pub repo: &'a Registered,
    pub git: &'a Repo,
    pub recipe: &'a Recipe,
    pub selection: &'a FileSelection,
    /// Hash of what decides how a file is read.
    pub read_with: &'a str,
    /// Every file is planned.
    pub full: bool,
    /// Every file is read.
    pub reread: bool,
}

/// What a layer of the view is derived from: the tree at HEAD, or the view with the work tree on top.
pub(super) trait Base {
    /// What differs from what is recorded.
    type Changes;
    /// What the files that differ say to others, and others to them.
    type Related;
    type Planned: AsRef<[FilePlan]>;

    /// Finds what differs and reads it; `None`: nothing is left to do.
    fn compare(&mut self, worker: &mut Worker, site: &Site<'_>) -> Result<Option<Self::Changes>, Unreconciled>;

    /// Resolves what the difference can touch.
    fn relate(
        &self,
        worker: &mut Worker,
        site: &Site<'_>,
        found: &Self::Changes,
    ) -> Result<Self::Related, Unreconciled>;

    fn plan(
        &self,
        worker: &mut Worker,
        site: &Site<'_>,
        found: &Self::Changes,
        related: &Self::Related,
    ) -> Result<Self::Planned, Unreconciled>;

    /// Files whose live jobs go before those of the plans come.
    fn unwanted(&self, found: &Self::Changes, planned: &Self::Planned) -> Vec<FilePath>;

    /// Records all of it in one transaction.
    fn advance(
        &self,
        worker: &mut Worker,
        site: &Site<'_>,
        found: &Self::Changes,
        related: &mut Self::Related,
        planned: &Self::Planned,
    ) -> Result<(), Unreconciled>;
}

/// What one pass did.
pub(super) struct Passed<B: Base> {
    pub found: B::Changes,
    pub related: B::Related,
    /// New jobs.
    pub jobs: usize,
}

/// Brings one layer of the view to its base; `None`: it was there already.
pub(super) fn pass<B: Base>(
    worker: &mut Worker,
    site: &Site<'_>,
    mut base: B,
) -> Result<Option<Passed<B>>, Unreconciled> {
    let Some(found) = base.compare(worker, site)? else { return Ok(None) };
    // What Git began while files were read may have changed them under the reader: conflict markers are no state to index.
    if let Some(busy) = site.git.busy(clock::system_now()) {
        return Err(Unreconciled::Held(busy));
    }
    // What all files took to be read is much, and what comes next takes as much in other places.
    if site.reread {
        worker.give_memory_back();
    }
    let mut related = base.relate(worker, site, &found)?;
    if site.reread {
        worker.give_memory_back();
    }
    let planned = base.plan(worker, site, &found, &related)?;
    let jobs = worker.enqueue(site.repo, base.unwanted(&found, &planned), planned.as_ref())?;
    base.advance(worker, site, &found, &mut related, &planned)?;
    Ok(Some(Passed { found, related, jobs }))
}
