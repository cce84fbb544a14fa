//! Making the recorded view what HEAD is, in one transaction.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::compare::{Comparison, gone};
use super::relate::Relations;
use super::schedule::Planned;
use super::{READ_WITH, Unreconciled};
use crate::cache::chunks::{self, ChunkRecord};
use crate::cache::edges::Relation;
use crate::cache::view;
use crate::cache::{self, analyses, implementations, outlines};
use crate::clock::{self, Timestamp};
use crate::domain::{FilePath, FileRecord, JobKind, SkipReason};
use crate::embedder::chunk::{self, Chunk};
use crate::impact::Impact;
use crate::index::chunks::records;
use crate::index::read;
use crate::language::segment::Segment;
use crate::outline::Outline;
use crate::plan::FilePlan;
use crate::repo::registry::Registered;
use crate::repo::{Repo, in_parallel};
use crate::store::{Result as StoreResult, StoreError};
use crate::worker::Worker;

/// Files whose chunks are in memory at the same time.
const CHUNK_BATCH: usize = 256;

impl Worker {
    /// Makes the view what HEAD is.
    pub(super) fn advance(
        &mut self,
        repo: &Registered,
        git: &Repo,
        comparison: &Comparison,
        relations: &mut Relations,
        planned: &Planned,
        read_with: &str,
    ) -> Result<(), Unreconciled> {
        let rechunked = rechunked(comparison, relations, planned);
        let Some(store) = self.stores.get_mut(&repo.id) else { return Err(Unreconciled::Unregistered) };
        let tx = store.write()?;
        put_files(&tx, comparison, planned)?;
        for (path, (links, uses)) in &relations.links {
            view::put_links(&tx, path, links, uses)?;
        }
        count_cut_off(&tx, comparison, &relations.impact)?;
        Relation::Uses.replace(&tx, &repo.id, &relations.uses.gone, &relations.uses.new)?;
        Relation::Through.replace(&tx, &repo.id, &relations.through.gone, &relations.through.new)?;
        implementations::replace(&tx, &repo.id, &relations.implements.gone, &relations.implements.new)?;
        let reads = comparison.reads.iter();
        let segmented: Segmented<'_> =
            reads.filter_map(|file| Some((file.record.path.clone(), file.parse.segments.as_deref()?))).collect();
        for batch in rechunked.chunks(CHUNK_BATCH) {
            for (file, chunks) in batch.iter().zip(cut(&self.pool, git, batch, &segmented)) {
                // What cannot be read any more keeps the chunks that it has.
                chunks.map_or(Ok(()), |chunks| put_chunks(&tx, &file.path, &chunks))?;
            }
        }
        put_keys(&tx, &planned.plans)?;
        // An empty diff that is planned in full looks things up, but nothing was asked for.
        if !comparison.reads.is_empty() {
            count_accesses(&tx, &planned.plans, clock::now())?;
        }
        put_directories(&tx, comparison)?;
        count_unread(&tx, comparison)?;
        cache::set_metadata(&tx, READ_WITH, read_with)?;
        let commit = comparison.head.commit.as_ref().map(ToString::to_string);
        cache::set_metadata(&tx, cache::VIEW_OF, &commit.unwrap_or_default())?;
        let generation = cache::raise(&tx, cache::GENERATION)?;
        tx.commit().map_err(StoreError::from)?;
        // Also what an earlier worker noted and did not get to.
        if self.recipe.embedding.is_some() && !view::dead_vectors(store.db())?.is_empty() {
            self.unsettled.insert(repo.id.clone());
        }
        if let Some(view) = relations.view.take() {
            self.memory.keep(&repo.id, generation, view);
        }
        Ok(())
    }
}

/// Counts the files that use a changed file, by the edges from before, and those of them that have to be analysed again.
fn count_cut_off(tx: &Connection, comparison: &Comparison, impact: &Impact) -> StoreResult<()> {
    let changed: HashSet<&FilePath> = comparison.diff.changes.iter().flat_map(|change| change.change.paths()).collect();
    let mut considered: HashSet<FilePath> = impact.dependents.keys().cloned().collect();
    for path in &changed {
        considered.extend(Relation::Uses.of_source(tx, path)?.into_iter().map(|edge| edge.dependent_file));
    }
    considered.retain(|path| !changed.contains(path));
    cache::count(tx, cache::DEPENDENTS_CONSIDERED, considered.len())?;
    cache::count(tx, cache::DEPENDENTS_ANALYSED, impact.dependents.len())
}

/// Counts the files whose objects were not read, if there were or are any: the daemon looks whether they can be read again.
fn count_unread(tx: &Connection, comparison: &Comparison) -> StoreResult<()> {
    let is_unread = |skip| matches!(skip, Some(SkipReason::Unreadable | SkipReason::Unavailable));
    let mut skips = comparison.reads.iter().map(|file| file.record.skip);
    if skips.any(is_unread) || cache::counter(tx, cache::UNREAD)? > 0 {
        cache::set_metadata(tx, cache::UNREAD, &view::count_unread(tx)?.to_string())?;
    }
    Ok(())
}

/// The overlay of a file stays as it is; the overlay's own pass follows.
fn put_files(tx: &Connection, comparison: &Comparison, planned: &Planned) -> StoreResult<()> {
    let is_covered = |path: &FilePath| planned.overlay.contains_key(path);
    for path in gone(&comparison.diff) {
        view::remove_committed(tx, path)?;
        if !is_covered(path) {
            forget(tx, path)?;
        }
    }
    for file in &comparison.reads {
        view::put_file(tx, &file.record)?;
        if let (Some(content), true) = (&file.record.content_hash, *file.parse.outline != Outline::default()) {
            outlines::put_outline(tx, content, file.record.language, &file.parse.outline)?;
        }
        if file.record.skip.is_some() && !is_covered(&file.record.path) {
            forget(tx, &file.record.path)?;
        }
    }
    Ok(())
}

/// Takes out what is kept of a file that is indexed no more.
pub(super) fn forget(tx: &Connection, path: &FilePath) -> StoreResult<()> {
    view::forget(tx, path)?;
    chunks::remove(tx, path)?;
    view::put_dead_vectors(tx, path)
}

pub(super) fn put_keys(tx: &Connection, plans: &[FilePlan]) -> StoreResult<()> {
    for plan in plans {
        view::put_current_keys(tx, &plan.path, &plan.keys)?;
    }
    Ok(())
}

/// Notes which results were there in place of new work, and how many had to be made.
pub(super) fn count_accesses(tx: &Connection, plans: &[FilePlan], now: Timestamp) -> StoreResult<()> {
    for (kind, key) in plans.iter().flat_map(|plan| &plan.settled) {
        if *kind != JobKind::Embed {
            analyses::touch(tx, key, now)?;
        }
    }
    cache::count(tx, cache::HITS, plans.iter().map(|plan| plan.settled.len()).sum())?;
    cache::count(tx, cache::MISSES, plans.iter().map(|plan| plan.jobs.len()).sum())
}

fn put_directories(tx: &Connection, comparison: &Comparison) -> StoreResult<()> {
    for dir in &comparison.diff.dirs_gone {
        view::put_directory(tx, dir, None)?;
    }
    for (dir, tree) in &comparison.diff.dirs {
        view::put_directory(tx, dir, Some(tree))?;
    }
    Ok(())
}

/// The files whose chunks have to be cut again: those that were read, and those whose module path, which chunks name, is another.
fn rechunked(comparison: &Comparison, relations: &Relations, planned: &Planned) -> Vec<FileRecord> {
    let read: HashSet<&FilePath> = comparison.reads.iter().map(|file| &file.record.path).collect();
    let indexed =
        planned.files.values().filter(|file| file.skip.is_none() && !planned.overlay.contains_key(&file.path));
    indexed.filter(|file| read.contains(&file.path) || relations.moved.contains(&file.path)).cloned().collect()
}

/// Files whose segments are at hand since they were read.
pub(super) type Segmented<'a> = HashMap<FilePath, &'a [Segment]>;

/// The chunks of files, cut in parallel; `None`: its object cannot be read any more.
pub(super) fn cut(
    pool: &rayon::ThreadPool,
    git: &Repo,
    files: &[FileRecord],
    segmented: &Segmented<'_>,
) -> Vec<Option<Vec<Chunk>>> {
    let cut_one = |git: &Repo, file: &FileRecord| {
        let text = read::text(git, &file.path, &file.blob).ok()?.unwrap_or_default();
        let module_path = file.links.module_path.as_deref();
        Some(match segmented.get(&file.path) {
            Some(segments) => chunk::of_segments(&text, module_path, segments.to_vec()),
            None => chunk::chunks(file.language, module_path, &text),
        })
    };
    in_parallel(Some(pool), git, files, cut_one)
}

/// Writes the chunks of one file into the lexical index.
pub(super) fn put_chunks(db: &rusqlite::Connection, path: &FilePath, cut: &[Chunk]) -> StoreResult<()> {
    let rows: Vec<(ChunkRecord, &str)> =
        records(path, cut).into_iter().zip(cut.iter().map(|chunk| chunk.text.as_str())).collect();
    chunks::replace(db, path, &rows)
}
