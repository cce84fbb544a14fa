//! What ought to be recorded of a commit, built from nothing, in memory.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use globset::GlobSet;
use rayon::prelude::*;

use super::super::{QueryError, Reader};
use crate::analyzer::llm::Withheld;
use crate::cache::chunks::ChunkRecord;
use crate::cache::key::StoredParts;
use crate::cache::view::{FileRecord, Used};
use crate::domain::{Edge, FilePath, Hash, JobKind, ObjectId};
use crate::embedder::chunk;
use crate::impact::{self, Graph};
use crate::outline::Outline;
use crate::plan::{self, Cause, Recipe, Stored};
use crate::repo::registry::Registered;
use crate::repo::{Entry, Head, RecordedView, Repo, RepoError};
use crate::worker::{self, FileRead, Reading};

/// Everything that is derived from a commit.
pub(super) struct Expected {
    pub files: BTreeMap<FilePath, FileRecord>,
    pub directories: BTreeMap<Vec<u8>, ObjectId>,
    pub outlines: BTreeMap<FilePath, Arc<Outline>>,
    pub uses: BTreeMap<FilePath, Vec<Used>>,
    pub edges: BTreeSet<Edge>,
    pub reexports: BTreeSet<Edge>,
    pub keys: BTreeMap<(FilePath, JobKind), Hash>,
    pub chunks: BTreeMap<FilePath, Vec<ChunkRecord>>,
}

impl Expected {
    pub fn build(
        reader: &Reader<'_>,
        repo: &Registered,
        git: &Repo,
        head: &Head,
        deny: &GlobSet,
        quarantined: &HashSet<ObjectId>,
    ) -> Result<Self, QueryError> {
        let diff = git.diff(&RecordedView::default(), head.tree.as_ref())?;
        let entries: Vec<Entry> = diff.changes.into_iter().filter_map(|change| change.new).collect();
        let reading = Reading { slots: None, deny, quarantined };
        let reads: Vec<FileRead> = in_parallel(git, &entries, |git, entry| reading.read(git, entry))?;
        let graph = impact::resolve(reads.iter().map(|read| (&read.record.path, &read.outline)));
        let mut expected = Self {
            files: BTreeMap::new(),
            directories: diff.dirs.into_iter().collect(),
            outlines: BTreeMap::new(),
            uses: BTreeMap::new(),
            edges: graph.edges().iter().cloned().collect(),
            reexports: graph.via().iter().cloned().collect(),
            keys: BTreeMap::new(),
            chunks: BTreeMap::new(),
        };
        expected.add_files(reads, &graph, reader.config.llm.max_context_bytes);
        expected.add_keys(&worker::recipe_of(reader.config, reader.home, repo));
        expected.add_chunks(git)?;
        Ok(expected)
    }

    fn add_files(&mut self, reads: Vec<FileRead>, graph: &Graph, context_bytes: usize) {
        for FileRead { mut record, outline } in reads {
            record.links = worker::links(graph, &record.path, context_bytes);
            self.uses.insert(record.path.clone(), worker::used(graph, &record.path));
            self.outlines.insert(record.path.clone(), outline);
            self.files.insert(record.path.clone(), record);
        }
    }

    fn add_keys(&mut self, recipe: &Recipe) {
        let withheld = Withheld::new(&recipe.withhold);
        for file in self.files.values() {
            let Ok(plan) = plan::plan(recipe, file, &Cause::Backfill, withheld.holds(&file.path), &Nothing);
            self.keys.extend(plan.keys.into_iter().map(|(kind, key)| ((file.path.clone(), kind), key)));
        }
    }

    fn add_chunks(&mut self, git: &Repo) -> Result<(), QueryError> {
        let indexed: Vec<&FileRecord> = self.files.values().filter(|file| file.skip.is_none()).collect();
        let cut = |git: &Repo, file: &&FileRecord| {
            let text = worker::text(git, &file.blob)?.unwrap_or_default();
            let chunks = chunk::chunks(file.language, file.links.module_path.as_deref(), &text);
            Ok((file.path.clone(), worker::records(&file.path, &chunks)))
        };
        self.chunks.extend(in_parallel(git, &indexed, cut)?);
        Ok(())
    }
}

fn in_parallel<T: Sync, R: Send>(
    git: &Repo,
    all: &[T],
    each: impl Fn(&Repo, &T) -> Result<R, RepoError> + Sync,
) -> Result<Vec<R>, RepoError> {
    let source = Mutex::new(git.clone());
    let own = || source.lock().unwrap_or_else(PoisonError::into_inner).clone();
    all.par_iter().map_init(own, |git, one| each(git, one)).collect()
}

/// A store that holds nothing: of a plan, the keys are wanted.
struct Nothing;

impl Stored for Nothing {
    type Error = Infallible;

    fn has(&self, _: &Hash) -> Result<bool, Infallible> {
        Ok(false)
    }

    fn newest(&self, _: &FilePath, _: JobKind) -> Result<Option<StoredParts>, Infallible> {
        Ok(None)
    }

    fn embedded(&self, _: &FilePath) -> Result<Option<Hash>, Infallible> {
        Ok(None)
    }
}
