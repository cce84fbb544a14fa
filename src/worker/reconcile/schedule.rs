//! Whom the comparison touches, and why → plans → jobs in the queue.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};

use super::Unreconciled;
use super::compare::{Comparison, gone};
use super::order;
use super::relate::Relations;
use crate::analyzer::llm::Withheld;
use crate::cache::exchange::PlannedAnalysis;
use crate::cache::key::StoredParts;
use crate::cache::overlay::{self, OverlayFile};
use crate::cache::view;
use crate::cache::{self, RepoStore, analyses, evicted, share};
use crate::clock::{self, Timestamp};
use crate::domain::{FilePath, FileRecord, Hash, JobKind};
use crate::plan::{self, FilePlan, Layers, PlanCause, Recipe, Stored};
use crate::queue;
use crate::repo::registry::Registered;
use crate::store::{self, Result as StoreResult, StoreError, write};
use crate::worker::Worker;

/// Plans that are written into the queue in one transaction.
const PLANS_AT_ONCE: usize = 2_000;

/// What is to be done, and what the files that it is done for will be.
pub(super) struct Planned {
    /// As HEAD has them.
    pub files: BTreeMap<FilePath, FileRecord>,
    /// The overlay, as the last scan recorded it.
    pub overlay: BTreeMap<FilePath, OverlayFile>,
    pub plans: Vec<FilePlan>,
}

impl Worker {
    /// Plans the changed files and those that they touch (`full`: all files).
    pub(super) fn plan(
        &mut self,
        repo: &Registered,
        recipe: &Recipe,
        comparison: &Comparison,
        relations: &Relations,
        full: bool,
    ) -> Result<Planned, Unreconciled> {
        let store = self.store(repo)?;
        let overlay = overlay::files(store.db())?;
        // All of a repository that was registered just now is there already: no commit has changed it.
        let is_first = repo.reconciled_at.is_none();
        let mut causes = if is_first { HashMap::new() } else { causes(comparison, relations) };
        let files = files_after(store, comparison, relations, full)?;
        let layers = files.iter().map(|(path, file)| {
            let overlaid = overlay.get(path).map(|file| file.record.clone());
            let cause = causes.remove(path).unwrap_or(PlanCause::Backfill);
            (path.clone(), Layers { committed: Some(file.clone()), overlaid }, cause)
        });
        let layers: Vec<_> = layers.collect();
        self.take_planned(repo, recipe, &layers)?;
        let mut plans = self.plan_files(repo, recipe, layers, full)?;
        order::arrange(&mut plans, &files, comparison, self.store(repo)?.db())?;
        let mut planned = Planned { files, overlay, plans };
        self.store_drafts(repo, recipe, comparison.head.commit.as_ref(), relations, &mut planned)?;
        Ok(planned)
    }

    /// Brings what is lacking for these files from the shared store, all in one go.
    fn take_planned(
        &mut self,
        repo: &Registered,
        recipe: &Recipe,
        files: &[(FilePath, Layers, PlanCause)],
    ) -> Result<(), Unreconciled> {
        if self.config.shared.is_none() {
            return Ok(());
        }
        let withheld = Withheld::new(&recipe.withhold);
        let planned = files.iter().flat_map(|(path, layers, _)| {
            let results = plan::possible_keys(recipe, layers, withheld.holds(path)).into_iter();
            results.map(|keys| keys.into_iter().map(|key| PlannedAnalysis { path: path.clone(), key }).collect())
        });
        self.take_analyses(repo, planned.collect())?;
        Ok(())
    }

    /// Plans files of the view (`all`: it is most of them).
    pub(super) fn plan_files(
        &mut self,
        repo: &Registered,
        recipe: &Recipe,
        files: Vec<(FilePath, Layers, PlanCause)>,
        all: bool,
    ) -> Result<Vec<FilePlan>, Unreconciled> {
        let withheld = Withheld::new(&recipe.withhold);
        self.store(repo)?;
        self.open_stores()?;
        let store = &self.stores[&repo.id];
        let tx = store.db().unchecked_transaction()?;
        let held = RepoResults {
            store,
            keys: if all { Some(RefCell::new(evicted::settled_keys(store.db())?)) } else { None },
            others: crate::worker::upkeep::share::others(&self.stores, &repo.id).collect(),
            copied: Cell::new(0),
            now: clock::now(),
        };
        let mut plans = Vec::new();
        for (path, layers, cause) in &files {
            plans.extend(plan::plan_layers(recipe, layers, cause, withheld.holds(path), &held)?);
        }
        cache::count(&tx, cache::COPIED, held.copied.get())?;
        tx.commit()?;
        Ok(plans)
    }

    /// Writes the plans into the queue: new jobs in, pointless ones out. `unwanted`: files that have no results to wait for, for they are
    /// gone or no longer indexed. Very many plans are several transactions: after a crash between two, all are written again.
    pub(super) fn enqueue(
        &mut self,
        repo: &Registered,
        unwanted: impl IntoIterator<Item = FilePath>,
        plans: &[FilePlan],
    ) -> Result<usize, Unreconciled> {
        let now = clock::now();
        let mut unwanted: Vec<FilePath> = unwanted.into_iter().collect();
        let (mut jobs, mut left) = (0, plans);
        let is_first = !queue::has_any(&self.queue, &repo.id)?;
        let enqueue = if is_first { queue::enqueue_first } else { queue::enqueue };
        loop {
            let part;
            (part, left) = left.split_at(left.len().min(PLANS_AT_ONCE));
            let tx = write(&mut self.queue)?;
            for path in unwanted.drain(..) {
                queue::supersede(&tx, &repo.id, &path, now)?;
            }
            for plan in part {
                jobs += enqueue(&tx, &repo.id, &plan.jobs, now)? + queue::enqueue_done(&tx, &repo.id, &plan.made, now)?;
                for (kind, key) in &plan.settled {
                    queue::supersede_settled(&tx, &repo.id, &plan.path, *kind, key, now)?;
                }
            }
            tx.commit().map_err(StoreError::from)?;
            store::bound_log(&self.queue)?;
            if left.is_empty() {
                return Ok(jobs);
            }
        }
    }
}

/// The files of the comparison that have no results to wait for.
pub(super) fn unwanted(comparison: &Comparison) -> impl Iterator<Item = FilePath> + '_ {
    let skipped = comparison.reads.iter().filter(|file| file.record.skip.is_some()).map(|file| &file.record.path);
    gone(&comparison.diff).chain(skipped).cloned()
}

/// The files that are planned, as they will be: those that were read, those whose relations are others (`full`: all).
fn files_after(
    store: &RepoStore,
    comparison: &Comparison,
    relations: &Relations,
    full: bool,
) -> Result<BTreeMap<FilePath, FileRecord>, Unreconciled> {
    let mut after = BTreeMap::new();
    if full {
        after.extend(view::files(store.db())?.into_iter().map(|file| (file.path.clone(), file)));
        gone(&comparison.diff).for_each(|path| drop(after.remove(path)));
    }
    for file in &comparison.reads {
        let links = comparison.before.get(&file.record.path).map(|before| before.links.clone()).unwrap_or_default();
        after.insert(file.record.path.clone(), FileRecord { links, ..file.record.clone() });
    }
    for (path, (links, _)) in &relations.links {
        if !after.contains_key(path) {
            after.extend(view::file(store.db(), path)?.map(|file| (path.clone(), file)));
        }
        if let Some(file) = after.get_mut(path) {
            file.links = links.clone();
        }
    }
    Ok(after)
}

/// Why each file that is touched is planned.
fn causes(comparison: &Comparison, relations: &Relations) -> HashMap<FilePath, PlanCause> {
    let mut causes = HashMap::new();
    for (path, because) in &relations.impact.dependents {
        if let Some(first) = because.first() {
            let cause = PlanCause::Dependent { symbol: first.symbol.clone(), file: first.file.clone() };
            causes.insert(path.clone(), cause);
        }
    }
    for path in relations.moved.iter().filter(|path| !relations.impact.dependents.contains_key(*path)) {
        causes.insert(path.clone(), PlanCause::Moved);
    }
    for entry in comparison.diff.changes.iter().filter_map(|change| change.new.as_ref()) {
        causes.insert(entry.path.clone(), PlanCause::Changed);
    }
    causes
}

/// What a repository's store holds, for the plan.
struct RepoResults<'a> {
    store: &'a RepoStore,
    /// Every key of which nothing is to be made, when everything is planned: one query in the place of thousands.
    keys: Option<RefCell<HashSet<Hash>>>,
    /// Other repositories' stores: a result that one of them has is copied.
    others: Vec<&'a RepoStore>,
    copied: Cell<usize>,
    now: Timestamp,
}

impl RepoResults<'_> {
    /// Copies the result under a key from whichever store has it. One that cannot be read has nothing.
    fn copy(&self, key: &Hash) -> StoreResult<bool> {
        for other in &self.others {
            match share::copy(other.db(), self.store.db(), key, self.now) {
                Ok(false) => {}
                Ok(true) => {
                    self.copied.set(self.copied.get() + 1);
                    self.keys.iter().for_each(|keys| keys.borrow_mut().extend([*key]));
                    return Ok(true);
                }
                Err(error) => tracing::debug!(repo = %other.repo, %error, "its results cannot be looked into"),
            }
        }
        Ok(false)
    }
}

impl Stored for RepoResults<'_> {
    type Error = StoreError;

    fn has(&self, key: &Hash) -> StoreResult<bool> {
        let is_settled = match &self.keys {
            Some(keys) => keys.borrow().contains(key),
            None => evicted::is_settled(self.store.db(), key)?,
        };
        Ok(is_settled || self.copy(key)?)
    }

    fn newest(&self, path: &FilePath, kind: JobKind) -> StoreResult<Option<StoredParts>> {
        analyses::newest_parts(self.store.db(), path, kind)
    }

    fn current(&self, path: &FilePath, kind: JobKind) -> StoreResult<Option<Hash>> {
        view::current_key(self.store.db(), path, kind)
    }

    fn embedded(&self, path: &FilePath) -> StoreResult<Option<Hash>> {
        view::embedded_key(self.store.db(), path)
    }
}
