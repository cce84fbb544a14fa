//! Who uses what of whom after the change, where it differs from before, and whom that touches.
//!
//! As little is resolved as can differ: nothing where the outlines say the same; the changed files and those that what they offer
//! to others can reach; everything where crates or module trees changed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::Hash as StdHash;
use std::sync::Arc;

use rayon::prelude::*;

use super::Unreconciled;
use super::compare::{Comparison, gone};
use super::memory::{Outlines, Recollection};
use crate::cache::edges::Relation;
use crate::cache::view::{self, PackedUses};
use crate::cache::{self, RepoStore, implementations, outlines};
use crate::domain::{Change, Edge, FilePath, Hash, Implements, Links};
use crate::impact::{self, Graph, Impact, Reach, World};
use crate::index::links::{links, used};
use crate::index::read::FileRead;
use crate::outline::{LazyOutline, Outline};
use crate::repo::registry::Registered;
use crate::store::Result as StoreResult;
use crate::worker::Worker;

/// What the files say to each other after the change, where it differs from before.
#[derive(Default)]
pub(super) struct Relations {
    pub uses: RowChanges<Edge>,
    pub through: RowChanges<Edge>,
    pub implements: RowChanges<Implements>,
    /// Of the files that were read and of those whose links are others.
    pub links: BTreeMap<FilePath, (Links, PackedUses)>,
    /// Files that did not change and are elsewhere in the module tree.
    pub moved: BTreeSet<FilePath>,
    pub impact: Impact,
    /// Files that were resolved.
    pub resolved: usize,
    /// What all files say now, to be remembered with the view.
    pub view: Option<Recollection>,
}

/// Rows of a table to be taken out and put in.
pub(super) struct RowChanges<T> {
    pub gone: Vec<T>,
    pub new: Vec<T>,
}

impl<T> Default for RowChanges<T> {
    fn default() -> Self {
        Self { gone: Vec::new(), new: Vec::new() }
    }
}

impl<T: Clone + Eq + StdHash> RowChanges<T> {
    fn between(before: &[T], after: &[T]) -> Self {
        let (before, after): (HashSet<&T>, HashSet<&T>) = (before.iter().collect(), after.iter().collect());
        let less = |one: &HashSet<&T>, other| one.difference(other).map(|row| (*row).clone()).collect();
        Self { gone: less(&before, &after), new: less(&after, &before) }
    }

    fn add(&mut self, more: Self) {
        self.gone.extend(more.gone);
        self.new.extend(more.new);
    }
}

/// Changed files that a world follows one by one. Where more changed, resolving all takes no longer, and less memory.
const EDITS_MAX: usize = 2_000;

/// Which files' use of others can be another one.
#[derive(Debug, PartialEq, Eq)]
enum RelateScope {
    Nothing,
    /// That of the changed files, and of those that the change reaches.
    Reached,
    /// Likewise; files came or went, too.
    Moved,
    All,
}

impl Worker {
    /// Works out the edges, the dependency contexts and whom the change touches.
    pub(super) fn relate(
        &mut self,
        repo: &Registered,
        comparison: &Comparison,
        reread: bool,
    ) -> Result<Relations, Unreconciled> {
        let generation = cache::counter(self.store(repo)?.db(), cache::GENERATION)?;
        let remembered = self.memory.take(&repo.id, generation);
        let store = &self.stores[&repo.id];
        let before = outlines_before(store, comparison, remembered.as_ref().map(|view| &view.outlines))?;
        let scope = if reread { RelateScope::All } else { scope(comparison, &before) };
        tracing::debug!(repo = %repo.id, ?scope, remembered = remembered.is_some(), "compared what files say");
        if scope == RelateScope::Nothing {
            let view = remembered.map(|Recollection { outlines, world }| {
                let mut world = world.filter(|_| comparison.reads.len() <= EDITS_MAX);
                world.as_mut().map(|world| world.edit(&edits(comparison)));
                Recollection { outlines: after(outlines, comparison), world }
            });
            return Ok(Relations { view, ..Relations::default() });
        }
        let Recollection { outlines, world } = match remembered {
            Some(view) => view,
            None => Recollection { outlines: load(store)?, world: None },
        };
        let scope = if is_much(comparison, &scope, outlines.len()) { RelateScope::All } else { scope };
        let (outlines, mut world, reach) = self.pool.install(|| follow(&scope, comparison, outlines, world));
        let chosen = reach.map(|reach| chosen(store, comparison, reach)).transpose()?;
        // Of nearly all files, what is recorded is read faster as a whole.
        let is_part = |chosen: &BTreeSet<FilePath>| scope != RelateScope::Moved || chosen.len() * 2 < outlines.len();
        let chosen = chosen.filter(is_part);
        let resolved = chosen.as_ref().map_or(outlines.len(), BTreeSet::len);
        let related = Related {
            store,
            comparison,
            before: &before,
            outlines: &outlines,
            pool: &self.pool,
            context_bytes: self.config.llm.max_context_bytes,
        };
        let relations = related.compare(&mut world, chosen.as_ref())?;
        Ok(Relations { resolved, view: Some(Recollection { outlines, world: Some(world) }), ..relations })
    }
}

/// What the files say after the change, as they say it and ready for resolution, and whom it reaches; `None`: any file.
fn follow(
    scope: &RelateScope,
    comparison: &Comparison,
    outlines: Outlines,
    world: Option<World>,
) -> (Outlines, World, Option<Reach>) {
    if *scope == RelateScope::All {
        drop(world);
        let outlines = after(outlines, comparison);
        let world = World::new(outlines.view());
        return (outlines, world, None);
    }
    let mut world = world.unwrap_or_else(|| World::new(outlines.view()));
    let reach = world.follow(&edits(comparison), &gone(&comparison.diff).cloned().collect());
    (after(outlines, comparison), world, reach)
}

/// Whether so much of so many files changed that following it takes no less than resolving all.
fn is_much(comparison: &Comparison, scope: &RelateScope, files: usize) -> bool {
    let count = comparison.reads.len() + gone(&comparison.diff).count();
    count > EDITS_MAX || *scope == RelateScope::Moved && count > files / 2
}

fn edits(comparison: &Comparison) -> Vec<(FilePath, Arc<Outline>)> {
    let said = |file: &FileRead| (file.record.path.clone(), Arc::new(file.parse.outline.unpack_or_silence()));
    comparison.reads.iter().map(said).collect()
}

/// The files to be resolved.
fn chosen(store: &RepoStore, comparison: &Comparison, reach: Reach) -> StoreResult<BTreeSet<FilePath>> {
    let mut chosen = reach.files;
    chosen.extend(comparison.reads.iter().map(|file| file.record.path.clone()));
    // What is recorded of a file that is gone goes with it.
    chosen.extend(gone(&comparison.diff).cloned());
    for (path, symbol) in &reach.users_of {
        chosen.extend(Relation::Uses.users_of(store.db(), path, symbol)?);
    }
    Ok(chosen)
}

/// What the changed files said, by path.
fn outlines_before(
    store: &RepoStore,
    comparison: &Comparison,
    remembered: Option<&Outlines>,
) -> Result<Outlines, Unreconciled> {
    let mut before = Outlines::default();
    for (path, file) in &comparison.before {
        let outline = match (remembered, file.content_hash) {
            (Some(outlines), _) => outlines.get(path).cloned(),
            (None, Some(content)) => outlines::outline(store.db(), &content, file.language)?,
            (None, None) => None,
        };
        before.insert(path.clone(), outline.unwrap_or_default());
    }
    Ok(before)
}

fn scope(comparison: &Comparison, before: &Outlines) -> RelateScope {
    let is_modification = |change: &Change| matches!(change, Change::Modification { .. });
    if !comparison.diff.changes.iter().all(|change| is_modification(&change.change)) {
        return RelateScope::Moved;
    }
    let is_same =
        |file: &FileRead| before.get(&file.record.path).map(|before| before.is_same_but_for_lines(&file.parse.outline));
    let same: Option<Vec<bool>> = comparison.reads.iter().map(is_same).collect();
    match same {
        Some(same) if same.iter().all(|&same| same) => RelateScope::Nothing,
        Some(_) => RelateScope::Reached,
        None => RelateScope::All,
    }
}

/// Every file's outline from the store.
pub(super) fn load(store: &RepoStore) -> StoreResult<Outlines> {
    Ok(outlines::all(store.db())?.into_iter().collect())
}

/// The outlines of the view as it will be.
fn after(mut outlines: Outlines, comparison: &Comparison) -> Outlines {
    for path in gone(&comparison.diff) {
        outlines.remove(path);
    }
    for file in &comparison.reads {
        outlines.insert(file.record.path.clone(), file.parse.outline.clone());
    }
    outlines
}

/// Files that are resolved at the same time: until it is packed, what they say and use takes much memory.
const RESOLVED_AT_ONCE: usize = 400;

/// The view before, from the store, against the view after.
struct Related<'a> {
    store: &'a RepoStore,
    comparison: &'a Comparison,
    before: &'a Outlines,
    outlines: &'a Outlines,
    pool: &'a rayon::ThreadPool,
    context_bytes: usize,
}

/// What of one of the two views the impact follows from. What changed files use is left out: they are touched anyhow.
#[derive(Default)]
struct ImpactSide {
    edges: Vec<Edge>,
    via: Vec<Edge>,
    hashes: BTreeMap<FilePath, Hash>,
}

impl ImpactSide {
    fn is_empty(&self) -> bool {
        self.edges.is_empty() && self.via.is_empty() && self.hashes.is_empty()
    }
}

/// What is recorded of some files, and what is to be.
struct RelatedPart<'p> {
    files: &'p BTreeSet<FilePath>,
    graph: Graph,
    uses_before: Vec<Edge>,
    through_before: Vec<Edge>,
}

impl Related<'_> {
    /// `chosen`: the files that are resolved; `None`: all.
    fn compare(&self, world: &mut World, chosen: Option<&BTreeSet<FilePath>>) -> Result<Relations, Unreconciled> {
        let changes = self.comparison.changes();
        let changed: HashSet<&FilePath> = changes.iter().flat_map(Change::paths).collect();
        let (mut relations, mut before, mut after) =
            (Relations::default(), ImpactSide::default(), ImpactSide::default());
        let files = chosen.cloned().map_or_else(|| self.everything(), Ok)?;
        let files: Vec<FilePath> = files.into_iter().collect();
        for files in files.chunks(RESOLVED_AT_ONCE) {
            let files: &BTreeSet<FilePath> = &files.iter().cloned().collect();
            let (graph, implements) = self.pool.install(|| (world.graph_of(files), world.implements(Some(files))));
            world.rest();
            relations.implements.add(RowChanges::between(&self.recorded_links(files)?, &implements));
            let part = RelatedPart {
                files,
                graph,
                uses_before: self.recorded(Relation::Uses, files)?,
                through_before: self.recorded(Relation::Through, files)?,
            };
            relations.uses.add(RowChanges::between(&part.uses_before, part.graph.edges()));
            relations.through.add(RowChanges::between(&part.through_before, part.graph.via()));
            self.compare_links(&part, &changed, &mut relations, &mut before.hashes, &mut after.hashes)?;
            let of_others = |edge: &&Edge| !changed.contains(&edge.dependent_file);
            before.edges.extend(part.uses_before.iter().filter(of_others).cloned());
            before.via.extend(part.through_before.iter().filter(of_others).cloned());
            after.edges.extend(part.graph.edges().iter().filter(of_others).cloned());
            after.via.extend(part.graph.via().iter().filter(of_others).cloned());
        }
        if chosen.is_some() {
            // Files that were not resolved use what they used.
            for (edges, relation) in [(&mut before.edges, Relation::Uses), (&mut before.via, Relation::Through)] {
                for path in &changed {
                    edges.extend(relation.of_source(self.store.db(), path)?);
                }
                edges.sort();
                edges.dedup();
            }
        }
        relations.impact = self.impact(&changes, &before, &after);
        Ok(relations)
    }

    /// All files of the view after and of what is recorded.
    fn everything(&self) -> StoreResult<BTreeSet<FilePath>> {
        let db = self.store.db();
        let mut all: BTreeSet<FilePath> = self.outlines.paths().cloned().collect();
        for relation in [Relation::Uses, Relation::Through] {
            all.extend(relation.dependents(db)?);
        }
        all.extend(implementations::declaring(db)?);
        Ok(all)
    }

    /// The recorded links that some files make.
    fn recorded_links(&self, files: &BTreeSet<FilePath>) -> StoreResult<Vec<Implements>> {
        let mut links = Vec::new();
        for path in files {
            links.extend(implementations::declared_in(self.store.db(), path)?);
        }
        Ok(links)
    }

    /// What is recorded of what some files use.
    fn recorded(&self, relation: Relation, files: &BTreeSet<FilePath>) -> StoreResult<Vec<Edge>> {
        let mut edges = Vec::new();
        for path in files {
            edges.extend(relation.of_dependent(self.store.db(), path)?);
        }
        Ok(edges)
    }

    /// Notes the links that differ, and the hashes of the contexts of the files that did not change.
    fn compare_links(
        &self,
        part: &RelatedPart<'_>,
        changed: &HashSet<&FilePath>,
        relations: &mut Relations,
        hashes_before: &mut BTreeMap<FilePath, Hash>,
        hashes_after: &mut BTreeMap<FilePath, Hash>,
    ) -> Result<(), Unreconciled> {
        let mut before: BTreeMap<&FilePath, Links> = BTreeMap::new();
        for path in part.files {
            before.extend(view::file(self.store.db(), path)?.map(|file| (path, file.links)));
        }
        let read: HashSet<&FilePath> = self.comparison.reads.iter().map(|file| &file.record.path).collect();
        let present: Vec<&FilePath> = part.files.iter().filter(|path| self.outlines.get(path).is_some()).collect();
        let context_bytes = self.context_bytes;
        let linked = |path: &&FilePath| -> StoreResult<(Links, Option<PackedUses>)> {
            let now = links(&part.graph, path, context_bytes);
            let differs = read.contains(path) || before.get(path) != Some(&now);
            let uses = differs.then(|| PackedUses::new(&used(&part.graph, path))).transpose()?;
            Ok((now, uses))
        };
        let linked: Vec<_> = self.pool.install(|| present.par_iter().map(linked).collect::<StoreResult<_>>())?;
        for (path, (now, uses)) in present.into_iter().zip(linked) {
            if !changed.contains(path) {
                hashes_after.extend(now.deps_hash.map(|hash| (path.clone(), hash)));
            }
            let Some(uses) = uses else { continue };
            let place = |links: &Links| (links.module_path.clone(), links.crate_root);
            if !read.contains(path) && before.get(path).map(place) != Some(place(&now)) {
                relations.moved.insert(path.clone());
            }
            relations.links.insert(path.clone(), (now, uses));
        }
        let hashes = before.into_iter().filter(|(path, _)| !changed.contains(path));
        hashes_before.extend(hashes.filter_map(|(path, links)| Some((path.clone(), links.deps_hash?))));
        Ok(())
    }

    /// Whom the changes touch.
    fn impact(&self, changes: &[Change], before: &ImpactSide, after: &ImpactSide) -> Impact {
        if before.is_empty() && after.is_empty() {
            return Impact::default();
        }
        let lazy = |outlines: &Outlines| -> BTreeMap<FilePath, LazyOutline> {
            let paths = changes.iter().flat_map(Change::paths);
            paths.filter_map(|path| Some((path.clone(), LazyOutline::new(outlines.get(path)?.clone())))).collect()
        };
        let (said_before, said_after) = (lazy(self.before), lazy(self.outlines));
        impact::impact(
            changes,
            &impact::Side {
                outline: &|path| said_before.get(path).map(|lazy| lazy.get().as_ref()),
                edges: &before.edges,
                via: &before.via,
                deps_hashes: &before.hashes,
            },
            &impact::Side {
                outline: &|path| said_after.get(path).map(|lazy| lazy.get().as_ref()),
                edges: &after.edges,
                via: &after.via,
                deps_hashes: &after.hashes,
            },
        )
    }
}
