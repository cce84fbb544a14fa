//! Indexes uncommitted changes on top of HEAD: the layer of what is saved. What HEAD has stays as it is recorded, so that nothing
//! of it has to be found again when the work tree is clean.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::Unreconciled;
use super::advance::{cut, forget, put_keys};
use super::base::{Base, Site};
use super::compare::Comparison;
use super::memory::Recollection;
use super::relate::load;
use super::saved::{SavedRead, SavedState, compare};
use super::sight::{Sight, look, note};
use crate::cache::chunks::{self, IndexedChunk};
use crate::cache::overlay::{self, OverlayFile};
use crate::cache::view::{self, PackedUses};
use crate::cache::{self, outlines};
use crate::domain::{FilePath, FileRecord, Links};
use crate::embedder::chunk;
use crate::impact::{Graph, World};
use crate::index::chunks::indexed;
use crate::index::links::{links, used};
use crate::index::read::{KEPT_BYTES, Reading};
use crate::language;
use crate::outline::{Outline, StoredOutline};
use crate::plan::{FilePlan, Layers, PlanCause, Recipe};
use crate::queue::SuspectUnit;
use crate::repo::registry::Registered;
use crate::repo::{FileSelection, Repo, RepoError};
use crate::store::StoreError;
use crate::worker::Worker;

/// The view with the work tree on top, after HEAD was brought to what it is by `comparison`.
pub(super) struct ViewBase<'c> {
    pub comparison: &'c Comparison,
    /// Only these files and what HEAD's move changed are compared; `None`: all of the work tree is.
    pub touched: Option<BTreeSet<FilePath>>,
}

/// The work tree against the overlay that is recorded.
#[derive(Default)]
pub(super) struct SavedDifference {
    /// Files that are new in the overlay, or have another content.
    read: BTreeMap<FilePath, SavedRead>,
    /// Those whose content is the recorded one although their attributes are others.
    touched: Vec<OverlayFile>,
    /// Those that stay as they are recorded, the touched ones among them.
    kept: BTreeMap<FilePath, OverlayFile>,
    /// Those that are what HEAD has of them, or not there any more.
    left: BTreeSet<FilePath>,
    /// Why not all of the work tree is followed; `None`: as it was.
    note: Option<String>,
}

impl SavedDifference {
    /// Files whose content in the view is another than before.
    pub(super) fn changes(&self) -> usize {
        self.read.len() + self.left.len()
    }

    fn keep(&mut self, recorded: &BTreeMap<FilePath, OverlayFile>, is_kept: impl Fn(&FilePath) -> bool) {
        let kept = recorded.iter().filter(|(path, _)| is_kept(path));
        self.kept.extend(kept.map(|(path, file)| (path.clone(), file.clone())));
    }

    fn add(&mut self, path: FilePath, state: SavedState) {
        match state {
            SavedState::AsHead => {}
            SavedState::Kept(file) => drop(self.kept.insert(path, file)),
            SavedState::Touched(file) => {
                self.touched.push(file.clone());
                self.kept.insert(path, file);
            }
            SavedState::Read(read) => drop(self.read.insert(path, *read)),
        }
    }
}

/// What the view will say of the files of the overlay.
pub(super) struct Outlook {
    /// Of the files of the overlay whose links are others than before.
    links: BTreeMap<FilePath, (Links, PackedUses)>,
    /// Those among them that are not read, and are elsewhere in the module tree.
    moved: BTreeSet<FilePath>,
}

impl ViewBase<'_> {
    /// Whether every file of the overlay is planned: what is committed may have changed what it uses.
    fn plans_all(&self, site: &Site<'_>) -> bool {
        site.full || !self.comparison.diff.changes.is_empty()
    }
}

impl Base for ViewBase<'_> {
    type Changes = SavedDifference;
    type Related = Outlook;
    type Planned = Vec<FilePlan>;

    fn compare(&mut self, worker: &mut Worker, site: &Site<'_>) -> Result<Option<SavedDifference>, Unreconciled> {
        let repo = site.repo;
        let found = match worker.find_saved(repo, self, site.selection, site.reread) {
            Err(Unreconciled::Repo(error @ RepoError::WorkTree { .. })) => {
                tracing::warn!(repo = %repo.id, %error, "the work tree is not followed");
                return worker.note_overlay(repo, &error.to_string()).map(|()| None);
            }
            found => found?,
        };
        let plans_kept = self.plans_all(site) && !found.kept.is_empty();
        if found.changes() == 0 && !plans_kept {
            return worker.put_touched(repo, &found).map(|()| None);
        }
        Ok(Some(found))
    }

    fn relate(&self, worker: &mut Worker, site: &Site<'_>, found: &SavedDifference) -> Result<Outlook, Unreconciled> {
        worker.foresee(site.repo, found)
    }

    fn plan(
        &self,
        worker: &mut Worker,
        site: &Site<'_>,
        found: &SavedDifference,
        outlook: &Outlook,
    ) -> Result<Vec<FilePlan>, Unreconciled> {
        worker.plan_saved(site.repo, site.recipe, found, outlook, self.plans_all(site))
    }

    fn unwanted(&self, found: &SavedDifference, plans: &Vec<FilePlan>) -> Vec<FilePath> {
        unwanted(found, plans).collect()
    }

    fn advance(
        &self,
        worker: &mut Worker,
        site: &Site<'_>,
        found: &SavedDifference,
        outlook: &mut Outlook,
        plans: &Vec<FilePlan>,
    ) -> Result<(), Unreconciled> {
        worker.put_overlay(site.repo, site.git, found, outlook, plans)
    }
}

impl Worker {
    /// What the work tree has otherwise than HEAD, against what is recorded of it.
    fn find_saved(
        &mut self,
        repo: &Registered,
        base: &ViewBase<'_>,
        selection: &FileSelection,
        reread: bool,
    ) -> Result<SavedDifference, Unreconciled> {
        let is_followed = self.config.for_repo(&repo.location.path).watch.tree;
        let (quarantined, suspects) = self.suspect_blobs()?;
        let store = self.store(repo)?;
        let recorded = overlay::files(store.db())?;
        let mut found = SavedDifference::default();
        let sight = if is_followed { look(repo, store, base, selection, recorded.len())? } else { Sight::Nothing };
        match sight {
            Sight::Nothing => found.note = Some(String::new()),
            Sight::AsHead { changed } => found.keep(&recorded, |path| !changed.contains(path)),
            Sight::Tree { mut tree, head, candidates, changed } => {
                found.note = changed.is_none().then(|| note(&candidates));
                if let Some(changed) = changed {
                    found.keep(&recorded, |path| !changed.contains(path));
                }
                let (kept, drafts) = (AtomicUsize::new(KEPT_BYTES), suspects.is_empty());
                let reading = Reading { trace: Some(&self.slots), selection, quarantined: &quarantined, kept, drafts };
                for candidate in candidates.files {
                    let at = head.binary_search_by(|entry| entry.path.cmp(&candidate.path)).ok();
                    let committed = at.and_then(|at| head.get(at));
                    let recorded = recorded.get(&candidate.path).filter(|_| !reread);
                    found.add(candidate.path.clone(), compare(&mut tree, &reading, candidate, committed, recorded)?);
                }
            }
        }
        let stays = |path: &&FilePath| found.kept.contains_key(*path) || found.read.contains_key(*path);
        found.left = recorded.keys().filter(|path| !stays(path)).cloned().collect();
        for read in found.read.values_mut() {
            self.drafts.keep(&read.file.record, read.parse.draft.take());
        }
        let passed = found.read.values().filter_map(|read| suspects.get(&read.file.record.blob));
        for blob in passed.cloned().collect::<Vec<_>>() {
            self.clear_suspect(&SuspectUnit::Blob(blob))?;
        }
        Ok(found)
    }

    /// What the graph of the view says of the files of the overlay, where it differs from what is recorded.
    fn foresee(&mut self, repo: &Registered, found: &SavedDifference) -> Result<Outlook, Unreconciled> {
        let mut outlines: BTreeMap<FilePath, StoredOutline> = BTreeMap::new();
        let db = self.store(repo)?.db();
        for (path, file) in &found.kept {
            let content = file.record.content_hash.filter(|_| file.record.skip.is_none());
            let outline =
                content.map(|content| outlines::outline(db, &content, file.record.language)).transpose()?.flatten();
            outlines.insert(path.clone(), outline.unwrap_or_default());
        }
        outlines.extend(found.read.iter().map(|(path, read)| (path.clone(), read.parse.outline.clone())));
        let graph = self.graph_over(repo, outlines)?;
        let context_bytes = self.config.llm.max_context_bytes;
        let mut outlook = Outlook { links: BTreeMap::new(), moved: BTreeSet::new() };
        let before = found.kept.iter().map(|(path, file)| (path, Some(&file.record.links)));
        let before = before.chain(found.read.keys().map(|path| (path, None)));
        for (path, before) in before {
            let now = links(&graph, path, context_bytes);
            if before == Some(&now) {
                continue;
            }
            if before.is_some_and(|before| before.module_path != now.module_path) {
                outlook.moved.insert(path.clone());
            }
            outlook.links.insert(path.clone(), (now, PackedUses::new(&used(&graph, path))?));
        }
        Ok(outlook)
    }

    /// What the files of the overlay use in the view: the world that is remembered of the tree at HEAD is edited, and edited back.
    fn graph_over(
        &mut self,
        repo: &Registered,
        saved: BTreeMap<FilePath, StoredOutline>,
    ) -> Result<Graph, Unreconciled> {
        let says_something = |path: &FilePath| language::of(path).has_dependents();
        let saved: Vec<(FilePath, StoredOutline)> =
            saved.into_iter().filter(|(path, _)| says_something(path)).collect();
        if saved.is_empty() {
            return Ok(Graph::default());
        }
        let store = self.store(repo)?;
        let generation = cache::counter(store.db(), cache::GENERATION)?;
        let remembered = self.memory.take(&repo.id, generation);
        let Recollection { outlines, world } = match remembered {
            Some(view) => view,
            None => Recollection { outlines: load(&self.stores[&repo.id])?, world: None },
        };
        let only: BTreeSet<FilePath> = saved.iter().map(|(path, _)| path.clone()).collect();
        let at_head = |path: &FilePath| Some((path.clone(), outlines.get(path)?.clone()));
        let before: Vec<(FilePath, StoredOutline)> = only.iter().filter_map(at_head).collect();
        let new: BTreeSet<FilePath> = only.iter().filter(|path| outlines.get(path).is_none()).cloned().collect();
        let (graph, world) = self.pool.install(|| {
            let mut world = world.unwrap_or_else(|| World::new(outlines.view()));
            world.edit(&unpacked(&saved));
            let graph = world.graph_of(&only);
            world.follow(&unpacked(&before), &new);
            world.rest();
            (graph, Some(world))
        });
        self.memory.keep(&repo.id, generation, Recollection { outlines, world });
        Ok(graph)
    }

    fn plan_saved(
        &mut self,
        repo: &Registered,
        recipe: &Recipe,
        found: &SavedDifference,
        outlook: &Outlook,
        all: bool,
    ) -> Result<Vec<FilePlan>, Unreconciled> {
        let db = self.store(repo)?.db();
        let mut files = Vec::new();
        let mut add = |path: &FilePath, overlaid: Option<&FileRecord>, cause: PlanCause| -> Result<(), Unreconciled> {
            let committed = view::file(db, path)?;
            let overlaid = overlaid.map(|record| {
                let links = outlook.links.get(path).map_or(&record.links, |(links, _)| links);
                FileRecord { links: links.clone(), ..record.clone() }
            });
            files.push((path.clone(), Layers { committed, overlaid }, cause));
            Ok(())
        };
        for (path, read) in &found.read {
            add(path, Some(&read.file.record), PlanCause::Changed)?;
        }
        for (path, file) in found.kept.iter().filter(|(path, _)| all || outlook.links.contains_key(*path)) {
            add(path, Some(&file.record), PlanCause::Moved)?;
        }
        for path in &found.left {
            add(path, None, PlanCause::Changed)?;
        }
        self.plan_files(repo, recipe, files, false)
    }

    /// Makes the recorded overlay what was found, in one transaction.
    fn put_overlay(
        &mut self,
        repo: &Registered,
        git: &Repo,
        found: &SavedDifference,
        outlook: &Outlook,
        plans: &[FilePlan],
    ) -> Result<(), Unreconciled> {
        let uncovered = self.uncovered(repo, git, found)?;
        let embeds = self.recipe.embedding.is_some();
        let store = self.store(repo)?;
        let tx = store.write()?;
        for read in found.read.values() {
            overlay::put(&tx, &read.file, read.text.as_deref())?;
            let record = &read.file.record;
            if let Some(content) = &record.content_hash {
                outlines::put_outline(&tx, content, record.language, &read.parse.outline)?;
            }
        }
        for file in &found.touched {
            overlay::put_stat(&tx, file)?;
        }
        for (path, (links, uses)) in &outlook.links {
            overlay::put_links(&tx, path, links, uses)?;
        }
        for path in found.read.keys().chain(&outlook.moved) {
            match (view::present(&tx, path)?, overlay::text(&tx, path)?) {
                (Some(file), Some(text)) => {
                    let module_path = file.links.module_path.as_deref();
                    let segments = found.read.get(path).and_then(|read| read.parse.segments.as_ref()?.unpack());
                    let cut = match segments {
                        Some(segments) => chunk::of_segments(&text, module_path, segments),
                        None => chunk::chunks(file.language, module_path, &text),
                    };
                    chunks::replace(&tx, &[(path, &indexed(path, &cut))])?;
                }
                _ => forget(&tx, path)?,
            }
        }
        for path in &found.left {
            overlay::remove(&tx, path)?;
            match uncovered.get(path) {
                Some(chunks) => chunks::replace(&tx, &[(path, chunks)])?,
                None => forget(&tx, path)?,
            }
        }
        put_keys(&tx, plans)?;
        if let Some(note) = &found.note {
            cache::set_metadata(&tx, cache::OVERLAY_NOTE, note)?;
        }
        tx.commit().map_err(StoreError::from)?;
        if embeds && !view::dead_vectors(store.db())?.is_empty() {
            self.unsettled.insert(repo.id.clone());
        }
        self.unmerged.insert(repo.id.clone());
        Ok(())
    }

    /// The chunks of the files that are indexed as HEAD has them again.
    fn uncovered(
        &mut self,
        repo: &Registered,
        git: &Repo,
        found: &SavedDifference,
    ) -> Result<BTreeMap<FilePath, Vec<IndexedChunk>>, Unreconciled> {
        let db = self.store(repo)?.db();
        let mut files = Vec::new();
        for path in &found.left {
            files.extend(view::file(db, path)?.filter(|file| file.skip.is_none()));
        }
        let chunks = cut(&self.pool, git, &files, &HashMap::new());
        let cut = files.into_iter().zip(chunks).filter_map(|(file, chunks)| Some((file.path, chunks?)));
        Ok(cut.collect())
    }

    fn put_touched(&mut self, repo: &Registered, found: &SavedDifference) -> Result<(), Unreconciled> {
        if !found.touched.is_empty() {
            let tx = self.store(repo)?.write()?;
            for file in &found.touched {
                overlay::put_stat(&tx, file)?;
            }
            tx.commit().map_err(StoreError::from)?;
        }
        found.note.as_ref().map_or(Ok(()), |note| self.note_overlay(repo, note))
    }

    /// Records why the work tree, or a part of it, is not followed.
    fn note_overlay(&mut self, repo: &Registered, note: &str) -> Result<(), Unreconciled> {
        let store = self.store(repo)?;
        if cache::metadata(store.db(), cache::OVERLAY_NOTE)?.unwrap_or_default() != note {
            let tx = store.write()?;
            cache::set_metadata(&tx, cache::OVERLAY_NOTE, note)?;
            tx.commit().map_err(StoreError::from)?;
        }
        Ok(())
    }
}

fn unpacked(files: &[(FilePath, StoredOutline)]) -> Vec<(FilePath, Arc<Outline>)> {
    files.iter().map(|(path, stored)| (path.clone(), Arc::new(stored.unpack_or_silence()))).collect()
}

/// Files that have no results to wait for on this machine: their jobs go, before those of the plans come.
fn unwanted<'a>(found: &'a SavedDifference, plans: &[FilePlan]) -> impl Iterator<Item = FilePath> + 'a {
    let planned: BTreeSet<FilePath> = plans.iter().map(|plan| plan.path.clone()).collect();
    let gone = found.left.iter().filter(move |path| !planned.contains(*path));
    let skipped = found.read.values().map(|read| &read.file.record).filter(|record| record.skip.is_some());
    gone.chain(skipped.map(|record| &record.path)).cloned()
}
