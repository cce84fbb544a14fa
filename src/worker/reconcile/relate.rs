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
use crate::cache::view;
use crate::cache::{self, RepoStore, implementations, outlines};
use crate::domain::{Change, Edge, FilePath, Hash, Implements, Links, Used};
use crate::impact::{self, Graph, Impact, Reach, World};
use crate::index::links::{links, used};
use crate::index::read::FileRead;
use crate::outline::Outline;
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
    pub links: BTreeMap<FilePath, (Links, Vec<Used>)>,
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
}

/// Which files' use of others can be another one.
#[derive(Debug, PartialEq, Eq)]
enum RelateScope {
    Nothing,
    /// That of the changed files, and of those that the change reaches.
    Reached,
    /// Likewise, and that of the families of which files came or went.
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
            let view = remembered.map(|Recollection { outlines, mut world }| {
                world.as_mut().map(|world| world.edit(&edits(comparison)));
                Recollection { outlines: after(outlines, comparison), world }
            });
            return Ok(Relations { view, ..Relations::default() });
        }
        let Recollection { outlines, world } = match remembered {
            Some(view) => view,
            None => Recollection { outlines: load(&self.pool, store)?, world: None },
        };
        let outlines = after(outlines, comparison);
        let (world, reach) = self.pool.install(|| follow(&scope, comparison, &before, &outlines, world));
        let chosen = reach.map(|reach| chosen(store, comparison, reach)).transpose()?;
        // Of nearly all files, what is recorded is read faster as a whole.
        let is_part = |chosen: &BTreeSet<FilePath>| scope != RelateScope::Moved || chosen.len() * 2 < outlines.len();
        let chosen = chosen.filter(is_part);
        let resolved = chosen.as_ref().map_or(outlines.len(), BTreeSet::len);
        let (graph, implements) = self.pool.install(|| {
            let graph = chosen.as_ref().map_or_else(|| world.graph(), |only| world.graph_of(only));
            (graph, world.implements(chosen.as_ref()))
        });
        let context_bytes = self.config.llm.max_context_bytes;
        let relations =
            Related { store, comparison, before: &before, outlines: &outlines, graph: &graph, context_bytes };
        let mut relations = relations.compare(chosen.as_ref())?;
        relations.implements = RowChanges::between(&links_before(store, chosen.as_ref())?, &implements);
        Ok(Relations { resolved, view: Some(Recollection { outlines, world: Some(world) }), ..relations })
    }
}

/// What the present files say, ready for resolution, and whom the change reaches; `None`: any file.
fn follow(
    scope: &RelateScope,
    comparison: &Comparison,
    before: &Outlines,
    after: &Outlines,
    world: Option<World>,
) -> (World, Option<Reach>) {
    match world {
        Some(mut world) if *scope == RelateScope::Reached => {
            let reach = world.edit(&edits(comparison));
            (world, reach)
        }
        _ => {
            let world = World::new(after.view());
            let before = before.view().map(|(path, outline)| (path, outline.as_ref()));
            let reach = match scope {
                RelateScope::All => None,
                RelateScope::Moved => world.reach_of_moves(&moved(comparison), before),
                RelateScope::Reached | RelateScope::Nothing => world.reach(before),
            };
            (world, reach)
        }
    }
}

/// The files that came or went, those that moved under both paths.
fn moved(comparison: &Comparison) -> BTreeSet<&FilePath> {
    let changes = comparison.diff.changes.iter().map(|change| &change.change);
    changes.filter(|change| !matches!(change, Change::Modification { .. })).flat_map(Change::paths).collect()
}

fn edits(comparison: &Comparison) -> Vec<(FilePath, Arc<Outline>)> {
    comparison.reads.iter().map(|file| (file.record.path.clone(), file.parse.outline.clone())).collect()
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

/// The recorded links that some files make, or all.
fn links_before(store: &RepoStore, chosen: Option<&BTreeSet<FilePath>>) -> StoreResult<Vec<Implements>> {
    let Some(chosen) = chosen else { return implementations::all(store.db()) };
    let mut links = Vec::new();
    for path in chosen {
        links.extend(implementations::declared_in(store.db(), path)?);
    }
    Ok(links)
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
            (None, Some(content)) => outlines::outline(store.db(), &content, file.language)?.map(Arc::new),
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
pub(super) fn load(pool: &rayon::ThreadPool, store: &RepoStore) -> StoreResult<Outlines> {
    let packed = outlines::packed(store.db())?;
    let unpack = |(path, packed): (FilePath, Option<Vec<u8>>)| {
        (path, Arc::new(packed.and_then(|packed| outlines::unpack(&packed)).unwrap_or_default()))
    };
    let unpacked: Vec<(FilePath, Arc<Outline>)> = pool.install(|| packed.into_par_iter().map(unpack).collect());
    Ok(unpacked.into_iter().collect())
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

/// The view before, from the store, against the graph of the view after.
struct Related<'a> {
    store: &'a RepoStore,
    comparison: &'a Comparison,
    before: &'a Outlines,
    outlines: &'a Outlines,
    graph: &'a Graph,
    context_bytes: usize,
}

impl Related<'_> {
    /// `chosen`: the files that were resolved; `None`: all.
    fn compare(&self, chosen: Option<&BTreeSet<FilePath>>) -> Result<Relations, Unreconciled> {
        let [uses_before, through_before] =
            [Relation::Uses, Relation::Through].map(|relation| self.recorded(relation, chosen));
        let (uses_before, through_before) = (uses_before?, through_before?);
        let mut relations = Relations {
            uses: RowChanges::between(&uses_before, self.graph.edges()),
            through: RowChanges::between(&through_before, self.graph.via()),
            ..Relations::default()
        };
        let hashes_before = self.compare_links(chosen, &mut relations)?;
        relations.impact = self.impact(chosen, &uses_before, &through_before, &hashes_before)?;
        Ok(relations)
    }

    /// What is recorded of what the chosen files use.
    fn recorded(&self, relation: Relation, chosen: Option<&BTreeSet<FilePath>>) -> StoreResult<Vec<Edge>> {
        let db = self.store.db();
        let Some(chosen) = chosen else { return relation.all(db) };
        let mut edges = Vec::new();
        for path in chosen {
            edges.extend(relation.of_dependent(db, path)?);
        }
        Ok(edges)
    }

    /// Notes the links that differ; hands out the hashes of the contexts before.
    fn compare_links(
        &self,
        chosen: Option<&BTreeSet<FilePath>>,
        relations: &mut Relations,
    ) -> Result<BTreeMap<FilePath, Hash>, Unreconciled> {
        let mut before: BTreeMap<FilePath, Links> = BTreeMap::new();
        match chosen {
            Some(chosen) => {
                for path in chosen {
                    before.extend(view::file(self.store.db(), path)?.map(|file| (path.clone(), file.links)));
                }
            }
            None => before.extend(view::files(self.store.db())?.into_iter().map(|file| (file.path, file.links))),
        }
        let read: HashSet<&FilePath> = self.comparison.reads.iter().map(|file| &file.record.path).collect();
        let present = self.outlines.paths().filter(|path| chosen.is_none_or(|chosen| chosen.contains(*path)));
        for path in present {
            let now = links(self.graph, path, self.context_bytes);
            let recorded = before.get(path);
            if read.contains(path) || recorded != Some(&now) {
                let place = |links: &Links| (links.module_path.clone(), links.crate_root);
                if !read.contains(path) && recorded.map(place) != Some(place(&now)) {
                    relations.moved.insert(path.clone());
                }
                relations.links.insert(path.clone(), (now, used(self.graph, path)));
            }
        }
        Ok(before.into_iter().filter_map(|(path, links)| Some((path, links.deps_hash?))).collect())
    }

    /// Whom the changes touch. Files that were not resolved use what they used.
    fn impact(
        &self,
        chosen: Option<&BTreeSet<FilePath>>,
        uses_before: &[Edge],
        through_before: &[Edge],
        hashes_before: &BTreeMap<FilePath, Hash>,
    ) -> Result<Impact, Unreconciled> {
        let changes = self.comparison.changes();
        let of_changed = |relation: Relation, edges: &[Edge]| -> StoreResult<Vec<Edge>> {
            let mut edges = edges.to_vec();
            if chosen.is_some() {
                for path in changes.iter().flat_map(Change::paths) {
                    edges.extend(relation.of_source(self.store.db(), path)?);
                }
                edges.sort();
                edges.dedup();
            }
            Ok(edges)
        };
        Ok(impact::impact(
            &changes,
            &impact::Side {
                outline: &|path| self.before.get(path).map(Arc::as_ref),
                edges: &of_changed(Relation::Uses, uses_before)?,
                via: &of_changed(Relation::Through, through_before)?,
                deps_hashes: hashes_before,
            },
            &impact::Side {
                outline: &|path| self.outlines.get(path).map(Arc::as_ref),
                edges: self.graph.edges(),
                via: self.graph.via(),
                deps_hashes: &self.graph.deps_hashes(),
            },
        ))
    }
}
