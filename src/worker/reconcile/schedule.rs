//! Whom the comparison touches, and why → plans → jobs in the queue.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Unreconciled;
use super::compare::{Comparison, gone};
use super::order;
use super::relate::Relations;
use crate::analyzer::llm::Withheld;
use crate::cache::exchange::PlannedAnalysis;
use crate::cache::key::{AnalysisKey, StoredParts};
use crate::cache::overlay::{self, OverlayFile};
use crate::cache::view;
use crate::cache::{self, RepoStore, analyses, evicted};
use crate::clock;
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
        let mut keys = if all { Some(evicted::settled_keys(self.store(repo)?.db())?) } else { None };
        let others = self.others(repo)?;
        if !others.is_empty() {
            let possible = files
                .iter()
                .flat_map(|(path, layers, _)| plan::possible_keys_here(recipe, layers, withheld.holds(path)));
            let lacking = RepoResults { store: self.store(repo)?, keys: keys.as_ref() }.lacking(possible)?;
            let copied = self.copy_from_others(repo, &others, lacking)?;
            cache::count(self.store(repo)?.db(), cache::COPIED, copied.len())?;
            keys.iter_mut().for_each(|keys| keys.extend(&copied));
        }
        let store = self.store(repo)?;
        let tx = store.db().unchecked_transaction()?;
        let held = RepoResults { store, keys: keys.as_ref() };
        let mut plans = Vec::new();
        for (path, layers, cause) in &files {
            plans.extend(plan::plan_layers(recipe, layers, cause, withheld.holds(path), &held)?);
        }
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
    keys: Option<&'a HashSet<Hash>>,
}

impl RepoResults<'_> {
    /// Of results that may each have several keys, those of which none is there.
    fn lacking(&self, possible: impl Iterator<Item = Vec<AnalysisKey>>) -> StoreResult<Vec<Vec<Hash>>> {
        let mut lacking = Vec::new();
        for keys in possible {
            let keys: Vec<Hash> = keys.iter().map(AnalysisKey::hash).collect();
            let there: Vec<bool> = keys.iter().map(|key| self.has(key)).collect::<StoreResult<_>>()?;
            if !there.contains(&true) {
                lacking.push(keys);
            }
        }
        // Files of equal content have equal keys.
        lacking.sort_unstable();
        lacking.dedup();
        Ok(lacking)
    }
}

impl Stored for RepoResults<'_> {
    type Error = StoreError;

    fn has(&self, key: &Hash) -> StoreResult<bool> {
        match self.keys {
            Some(keys) => Ok(keys.contains(key)),
            None => evicted::is_settled(self.store.db(), key),
        }
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
