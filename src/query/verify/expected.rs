//! What ought to be recorded of a commit, built from nothing, in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::convert::Infallible;
use std::sync::atomic::AtomicUsize;

use super::super::{QueryError, Reader};
use crate::analyzer::llm::Withheld;
use crate::cache::RepoStore;
use crate::cache::chunks::ChunkRecord;
use crate::cache::key::StoredParts;
use crate::cache::overlay;
use crate::cache::recorded::StoredView;
use crate::cache::view;
use crate::domain::{Edge, FilePath, FileRecord, Hash, Implements, JobKind, ObjectId, Used};
use crate::embedder::chunk;
use crate::impact::{self, Graph, World};
use crate::index::chunks::records;
use crate::index::links::{links, used};
use crate::index::read::{self, FileParse, FileRead, Reading};
use crate::index::recipe::recipe_of;
use crate::outline::{self, StoredOutline};
use crate::plan::{self, Layers, PlanCause, Recipe, Stored};
use crate::repo::registry::Registered;
use crate::repo::tree::Recorded;
use crate::repo::{FileSelection, Head, OwnModules, RecordedView, Repo, RepoError, TreeEntry, in_parallel};

/// Everything that is derived from a commit.
pub(super) struct Expected {
    pub files: BTreeMap<FilePath, FileRecord>,
    pub directories: BTreeMap<Vec<u8>, ObjectId>,
    pub outlines: BTreeMap<FilePath, StoredOutline>,
    pub uses: BTreeMap<FilePath, Vec<Used>>,
    pub edges: BTreeSet<Edge>,
    pub reexports: BTreeSet<Edge>,
    pub implements: BTreeSet<Implements>,
    pub keys: BTreeMap<(FilePath, JobKind), Hash>,
    pub chunks: BTreeMap<FilePath, Vec<ChunkRecord>>,
    /// The overlay.
    pub overlay: BTreeMap<FilePath, FileRecord>,
    pub overlay_uses: BTreeMap<FilePath, Vec<Used>>,
}

impl Expected {
    pub fn build(
        reader: &Reader<'_>,
        repo: &Registered,
        store: &RepoStore,
        git: &Repo,
        head: &Head,
        selection: &FileSelection,
        quarantined: &HashSet<ObjectId>,
    ) -> Result<Self, QueryError> {
        let diff = git.diff(&RecordedView::default(), head.tree.as_ref())?;
        let mut entries: Vec<TreeEntry> = diff.changes.into_iter().filter_map(|change| change.new).collect();
        let mut directories: BTreeMap<Vec<u8>, ObjectId> = diff.dirs.into_iter().collect();
        // What is recorded below a directory that cannot be read stays.
        let recorded = StoredView::<QueryError>::new(store.db());
        for (dir, _) in &diff.unreadable {
            entries.extend(recorded.files_below(dir.as_bytes())?);
            for dir in recorded.dirs_at_and_below(dir.as_bytes())? {
                directories.extend(recorded.dir(&dir)?.map(|id| (dir, id)));
            }
        }
        let selection = selection.with_own(OwnModules::among(entries.iter().map(|entry| entry.path.as_bytes())));
        let kept = AtomicUsize::new(0);
        let reading = Reading { trace: None, selection: &selection, quarantined, kept, drafts: false };
        let reads: Result<Vec<FileRead>, RepoError> =
            in_parallel(None, git, &entries, |git, entry| reading.read(git, entry));
        let reads = reads?;
        let world = World::new(reads.iter().map(|read| (&read.record.path, &read.parse.outline)));
        let graph = world.graph();
        let mut expected = Self {
            files: BTreeMap::new(),
            directories,
            outlines: BTreeMap::new(),
            uses: BTreeMap::new(),
            edges: graph.edges().iter().cloned().collect(),
            reexports: graph.via().iter().cloned().collect(),
            implements: world.implements(None).into_iter().collect(),
            keys: BTreeMap::new(),
            chunks: BTreeMap::new(),
            overlay: BTreeMap::new(),
            overlay_uses: BTreeMap::new(),
        };
        expected.add_files(reads, &graph, reader.config.llm.max_context_bytes);
        expected.add_overlay(store, reader.config.llm.max_context_bytes)?;
        let recorded = view::current_keys(store.db())?.into_iter().collect();
        expected.add_keys(&recipe_of(reader.config, reader.home, repo), &Current(recorded));
        expected.add_chunks(git)?;
        Ok(expected)
    }

    /// Whether there is such a file in the view, and it is not skipped.
    pub fn is_indexed(&self, path: &FilePath) -> bool {
        self.overlay.get(path).or_else(|| self.files.get(path)).is_some_and(|file| file.skip.is_none())
    }

    /// Builds the overlay from the texts that were read for it, and what the files use from the whole view.
    fn add_overlay(&mut self, store: &RepoStore, context_bytes: usize) -> Result<(), QueryError> {
        let mut view: BTreeMap<FilePath, StoredOutline> = BTreeMap::new();
        for (path, file) in overlay::files(store.db())? {
            let text = overlay::text(store.db(), &path)?;
            let (language, role) = (outline::language_of(&path), outline::role_of(&path));
            let outline = text.as_ref().map(|text| outline::outline(language, text).0).unwrap_or_default();
            view.insert(path.clone(), (&outline).into());
            let content_hash = text.as_ref().map(|text| Hash::of(text.as_bytes()));
            // Only reading a file shows why it is skipped.
            let skip = if text.is_some() { None } else { file.record.skip };
            let cut = text.as_ref().map_or(file.record.size_bytes, |text| text.len() as u64);
            let record = FileRecord { language, role, content_hash, skip, size_bytes: cut, ..file.record };
            self.overlay.insert(path, record);
        }
        if self.overlay.is_empty() {
            return Ok(());
        }
        view.extend(
            self.outlines
                .iter()
                .filter(|(path, _)| !self.overlay.contains_key(*path))
                .map(|(path, outline)| (path.clone(), outline.clone())),
        );
        let graph = impact::resolve(&view);
        for (path, record) in &mut self.overlay {
            record.links = links(&graph, path, context_bytes);
            self.overlay_uses.insert(path.clone(), used(&graph, path));
            if let Some(text) = overlay::text(store.db(), path)? {
                let chunks = chunk::chunks(record.language, record.links.module_path.as_deref(), &text);
                self.chunks.insert(path.clone(), records(path, &chunks));
            }
        }
        Ok(())
    }

    fn add_files(&mut self, reads: Vec<FileRead>, graph: &Graph, context_bytes: usize) {
        for FileRead { mut record, parse: FileParse { outline, .. } } in reads {
            record.links = links(graph, &record.path, context_bytes);
            self.uses.insert(record.path.clone(), used(graph, &record.path));
            self.outlines.insert(record.path.clone(), outline);
            self.files.insert(record.path.clone(), record);
        }
    }

    fn add_keys(&mut self, recipe: &Recipe, current: &Current) {
        let withheld = Withheld::new(&recipe.withhold);
        let paths: BTreeSet<&FilePath> = self.files.keys().chain(self.overlay.keys()).collect();
        for path in paths {
            let layers = Layers { committed: self.files.get(path).cloned(), overlaid: self.overlay.get(path).cloned() };
            let Ok(plan) = plan::plan_layers(recipe, &layers, &PlanCause::Backfill, withheld.holds(path), current);
            let keys = plan.into_iter().flat_map(|plan| plan.keys);
            self.keys.extend(keys.map(|(kind, key)| ((path.clone(), kind), key)));
        }
    }

    fn add_chunks(&mut self, git: &Repo) -> Result<(), QueryError> {
        let indexed: Vec<&FileRecord> =
            self.files.values().filter(|file| file.skip.is_none() && !self.overlay.contains_key(&file.path)).collect();
        let cut = |git: &Repo, file: &&FileRecord| {
            let text = read::text(git, &file.path, &file.blob)?.unwrap_or_default();
            let chunks = chunk::chunks(file.language, file.links.module_path.as_deref(), &text);
            Ok((file.path.clone(), records(&file.path, &chunks)))
        };
        let chunks: Result<Vec<_>, RepoError> = in_parallel(None, git, &indexed, cut);
        self.chunks.extend(chunks?);
        Ok(())
    }
}

/// A store that holds nothing but the keys that the view has: of a plan, the keys are wanted, and either of those that an answer may have
/// is right.
struct Current(HashMap<(FilePath, JobKind), Hash>);

impl Stored for Current {
    type Error = Infallible;

    fn has(&self, _: &Hash) -> Result<bool, Infallible> {
        Ok(false)
    }

    fn newest(&self, _: &FilePath, _: JobKind) -> Result<Option<StoredParts>, Infallible> {
        Ok(None)
    }

    fn current(&self, path: &FilePath, kind: JobKind) -> Result<Option<Hash>, Infallible> {
        Ok(self.0.get(&(path.clone(), kind)).copied())
    }

    fn embedded(&self, _: &FilePath) -> Result<Option<Hash>, Infallible> {
        Ok(None)
    }
}
