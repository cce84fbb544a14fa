//! A repository's states, one commit after the other: as little is resolved again as a commit can reach.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::QueryError;
use super::notes::{FileUses, NoteSource};
use crate::domain::{Change, FilePath, ObjectId};
use crate::impact::{Graph, SymbolAt, World};
use crate::outline::Outline;
use crate::repo::{RecordedView, TreeEntry};

/// The files of one state, and what each uses of others.
#[derive(Clone, Default)]
pub(super) struct RepoState {
    pub blobs: BTreeMap<FilePath, ObjectId>,
    uses: BTreeMap<FilePath, Arc<FileUses>>,
}

impl RepoState {
    pub fn uses(&self, path: &FilePath) -> Arc<FileUses> {
        self.uses.get(path).cloned().unwrap_or_default()
    }

    /// Whether a file says the same in both, and uses the same.
    pub fn has_same(&self, other: &Self, path: &FilePath) -> bool {
        self.blobs.get(path) == other.blobs.get(path) && is_same_use(&self.uses(path), &other.uses(path))
    }
}

/// Whether a file uses the same of others, wherever that stands.
fn is_same_use(one: &Arc<FileUses>, other: &Arc<FileUses>) -> bool {
    let of = |uses: &FileUses| -> Vec<(String, &'static str, Option<String>)> {
        uses.uses.iter().map(|one| (one.written.clone(), one.kind.as_str(), one.signature.clone())).collect()
    };
    Arc::ptr_eq(one, other) || one.links.context_hash == other.links.context_hash && of(one) == of(other)
}

/// What led from one state to the next.
#[derive(Default)]
pub(super) struct HistoryStep {
    pub changes: Vec<Change>,
    /// Files that did not change and use something that did, each with what that is.
    pub dependents: BTreeMap<FilePath, Vec<SymbolAt>>,
}

/// The present state, ready to be followed to the next.
pub(super) struct HistoryWalk {
    view: RecordedView,
    outlines: BTreeMap<FilePath, Arc<Outline>>,
    world: World,
    pub state: RepoState,
}

impl HistoryWalk {
    /// Begins with the files of a tree; `None`: with none.
    ///
    /// # Errors
    /// If the repository or the store cannot be read.
    pub fn begin(source: &mut NoteSource<'_>, tree: Option<&ObjectId>) -> Result<Self, QueryError> {
        let mut view = RecordedView::default();
        let diff = source.git.diff(&view, tree)?;
        view.apply(&diff);
        let entries: Vec<TreeEntry> = view.files().collect();
        source.read(&entries)?;
        let outlines: BTreeMap<FilePath, Arc<Outline>> =
            entries.iter().map(|entry| (entry.path.clone(), outline_of(source, entry))).collect();
        let world = World::new(&outlines);
        let graph = world.graph();
        let uses = |entry: &TreeEntry| (entry.path.clone(), Arc::new(source.uses_of(&graph, &entry.path)));
        let state = RepoState {
            uses: entries.iter().map(uses).collect(),
            blobs: entries.into_iter().map(|entry| (entry.path, entry.id)).collect(),
        };
        Ok(Self { view, outlines, world, state })
    }

    /// Goes on to another tree, and says what led there.
    ///
    /// # Errors
    /// If the repository or the store cannot be read.
    pub fn step(&mut self, source: &mut NoteSource<'_>, tree: Option<&ObjectId>) -> Result<HistoryStep, QueryError> {
        let diff = source.git.diff(&self.view, tree)?;
        self.view.apply(&diff);
        let entries: Vec<TreeEntry> = diff.changes.iter().filter_map(|change| change.new.clone()).collect();
        source.read(&entries)?;
        let changes: Vec<Change> = diff.changes.into_iter().map(|change| change.change).collect();
        if changes.is_empty() {
            return Ok(HistoryStep::default());
        }
        let edits: Vec<(FilePath, Arc<Outline>)> =
            entries.iter().map(|entry| (entry.path.clone(), outline_of(source, entry))).collect();
        let chosen = self.follow(&changes, &edits);
        let graph = match &chosen {
            Some(chosen) => self.world.graph_of(chosen),
            None => self.world.graph(),
        };
        for path in gone(&changes) {
            self.state.blobs.remove(path);
        }
        self.state.blobs.extend(entries.into_iter().map(|entry| (entry.path, entry.id)));
        let dependents = self.update(source, &changes, chosen, &graph);
        Ok(HistoryStep { changes, dependents })
    }

    /// Takes the changes in, and returns the files to be resolved; `None`: all.
    fn follow(&mut self, changes: &[Change], edits: &[(FilePath, Arc<Outline>)]) -> Option<BTreeSet<FilePath>> {
        let gone: BTreeSet<FilePath> = gone(changes).cloned().collect();
        for path in &gone {
            self.outlines.remove(path);
        }
        self.outlines.extend(edits.iter().cloned());
        let reach = self.world.follow(edits, &gone);
        let reach = reach?;
        let mut chosen = reach.files;
        chosen.extend(changes.iter().flat_map(Change::paths).cloned());
        if !reach.users_of.is_empty() {
            let used = |uses: &FileUses| {
                let mut ends = uses.uses.iter().filter_map(|one| Some((one.defined_in.clone()?, one.symbol.clone()?)));
                ends.any(|end| reach.users_of.contains(&end))
            };
            chosen.extend(self.state.uses.iter().filter(|(_, uses)| used(uses)).map(|(path, _)| path.clone()));
        }
        Some(chosen)
    }

    /// Records what the files use now, and returns those that did not change and use something else.
    fn update(
        &mut self,
        source: &NoteSource<'_>,
        changes: &[Change],
        chosen: Option<BTreeSet<FilePath>>,
        graph: &Graph,
    ) -> BTreeMap<FilePath, Vec<SymbolAt>> {
        let changed: BTreeSet<&FilePath> = changes.iter().flat_map(Change::paths).collect();
        let chosen = chosen.unwrap_or_else(|| self.outlines.keys().chain(changed.iter().copied()).cloned().collect());
        let mut dependents = BTreeMap::new();
        for path in &chosen {
            if !self.outlines.contains_key(path) {
                self.state.uses.remove(path);
                continue;
            }
            let (before, after) = (self.state.uses(path), Arc::new(source.uses_of(graph, path)));
            let is_same = is_same_use(&before, &after);
            if !changed.contains(path) && !is_same {
                dependents.insert(path.clone(), causes(&before, &after));
            }
            // Of what is the same, the lines may differ.
            if !is_same || changed.contains(path) {
                self.state.uses.insert(path.clone(), after);
            }
        }
        dependents
    }
}

fn outline_of(source: &NoteSource<'_>, entry: &TreeEntry) -> Arc<Outline> {
    source.notes(&entry.path, &entry.id).map(|notes| Arc::clone(&notes.outline)).unwrap_or_default()
}

/// The paths at which a file was and is none any more.
fn gone(changes: &[Change]) -> impl Iterator<Item = &FilePath> {
    changes.iter().filter_map(|change| match change {
        Change::Deletion { path } | Change::Rename { from: path, .. } => Some(path),
        Change::Addition { .. } | Change::Modification { .. } => None,
    })
}

/// What a file uses that is another one in the other state: where it is, or was.
fn causes(before: &FileUses, after: &FileUses) -> Vec<SymbolAt> {
    let ends = |uses: &FileUses, others: &FileUses| -> BTreeSet<SymbolAt> {
        let is_there = |one: &crate::impact::Use| {
            let same = |other: &&crate::impact::Use| {
                (&one.written, one.kind, &one.signature) == (&other.written, other.kind, &other.signature)
            };
            others.uses.iter().any(|other| same(&other))
        };
        let differing = uses.uses.iter().filter(|one| !is_there(one));
        differing.filter_map(|one| Some((one.defined_in.clone()?, one.symbol.clone()?))).collect()
    };
    let mut causes = ends(before, after);
    causes.extend(ends(after, before));
    causes.into_iter().collect()
}
