//! Making the recorded view what HEAD is, in one transaction.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{Receiver, sync_channel};

use rusqlite::Connection;

use super::base::Site;
use super::compare::{Comparison, gone};
use super::relate::Relations;
use super::schedule::Planned;
use super::{READ_WITH, Unreconciled};
use crate::cache::chunks::{self, IndexedChunk};
use crate::cache::edges::Relation;
use crate::cache::view::{self, PackedUses};
use crate::cache::{self, RepoStore, analyses, implementations, outlines, written};
use crate::clock::{self, Timestamp};
use crate::domain::{Edge, FilePath, FileRecord, JobKind, Links, SkipReason};
use crate::embedder::chunk;
use crate::impact::Impact;
use crate::index::chunks::indexed;
use crate::index::read::{self, FileRead};
use crate::language::segment::PackedSegments;
use crate::plan::FilePlan;
use crate::repo::{Repo, in_parallel};
use crate::store::{self, PageCache, Result as StoreResult, StoreError};
use crate::worker::Worker;

/// Files that are cut into chunks in one go. Of three such batches the chunks are in memory at a time: one is written, one is ready, one is
/// being made.
const CHUNK_BATCH: usize = 128;

/// Files that one transaction takes in when all are read: what it writes stays in the log until it ends.
const FILES_IN_PART: usize = 250;

/// What is written of some files of the view, by path.
struct ViewPart<'a> {
    reads: &'a [&'a FileRead],
    links: Vec<(&'a FilePath, &'a (Links, PackedUses))>,
    uses: &'a [Edge],
    through: &'a [Edge],
    rechunked: &'a [FileRecord],
    plans: &'a [&'a FilePlan],
}

/// Everything that is to be written, each list by path, cut into parts at the same paths.
struct ViewParts<'a> {
    reads: Vec<&'a FileRead>,
    relations: &'a Relations,
    rechunked: Vec<FileRecord>,
    plans: Vec<&'a FilePlan>,
}

impl<'a> ViewParts<'a> {
    /// The edges of `relations` are sorted by the file that depends.
    fn new(comparison: &'a Comparison, relations: &'a Relations, planned: &'a Planned) -> Self {
        let mut reads: Vec<&FileRead> = comparison.reads.iter().collect();
        reads.sort_by_key(|read| &read.record.path);
        let mut plans: Vec<&FilePlan> = planned.plans.iter().collect();
        plans.sort_by_key(|plan| &plan.path);
        Self { reads, relations, rechunked: rechunked(comparison, relations, planned), plans }
    }

    /// `at`: so many files that were read are in each.
    fn cut(&'a self, at: usize) -> Vec<ViewPart<'a>> {
        let ends: Vec<&FilePath> = self.reads.chunks(at).map(|part| &part[part.len() - 1].record.path).collect();
        let mut bounds: Vec<Option<&FilePath>> = ends.iter().rev().skip(1).rev().map(|end| Some(*end)).collect();
        bounds.push(None);
        let mut from = None;
        let part = |to: Option<&'a FilePath>| {
            let since = from;
            from = to;
            let links = self.relations.links.iter();
            ViewPart {
                reads: between(&self.reads, |read| &read.record.path, since, to),
                links: links.filter(|(path, _)| is_between(path, since, to)).collect(),
                uses: between(&self.relations.uses.new, |edge| &edge.dependent_file, since, to),
                through: between(&self.relations.through.new, |edge| &edge.dependent_file, since, to),
                rechunked: between(&self.rechunked, |file| &file.path, since, to),
                plans: between(&self.plans, |plan| &plan.path, since, to),
            }
        };
        bounds.into_iter().map(part).collect()
    }
}

fn is_between(path: &FilePath, since: Option<&FilePath>, to: Option<&FilePath>) -> bool {
    since.is_none_or(|since| path > since) && to.is_none_or(|to| path <= to)
}

/// Those of a sorted list after one path and up to another.
fn between<'s, T>(
    sorted: &'s [T],
    path: impl Fn(&T) -> &FilePath,
    since: Option<&FilePath>,
    to: Option<&FilePath>,
) -> &'s [T] {
    let up_to = |bound: &FilePath| sorted.partition_point(|one| path(one) <= bound);
    let (first, end) = (since.map_or(0, up_to), to.map_or(sorted.len(), up_to));
    &sorted[first.min(end)..end]
}

impl Worker {
    /// Makes the view what HEAD is, in one transaction; one that is read as a whole, in several: until the last of them the store says
    /// that it is to be read again.
    pub(super) fn advance(
        &mut self,
        site: &Site<'_>,
        comparison: &Comparison,
        relations: &mut Relations,
        planned: &Planned,
    ) -> Result<(), Unreconciled> {
        let advanced = self.advance_in_parts(site, comparison, relations, planned);
        // Also after an error: the connection stays open.
        if let Some(store) = self.stores.get(&site.repo.id) {
            store::set_cache(store.db(), PageCache::Usual)?;
        }
        advanced
    }

    fn advance_in_parts(
        &mut self,
        site: &Site<'_>,
        comparison: &Comparison,
        relations: &mut Relations,
        planned: &Planned,
    ) -> Result<(), Unreconciled> {
        let Site { repo, git, .. } = *site;
        relations.uses.new.sort_by(|a, b| a.dependent_file.cmp(&b.dependent_file));
        relations.through.new.sort_by(|a, b| a.dependent_file.cmp(&b.dependent_file));
        let everything = ViewParts::new(comparison, relations, planned);
        let parts = everything.cut(if site.reread { FILES_IN_PART } else { usize::MAX });
        let Some(store) = self.stores.get_mut(&repo.id) else { return Err(Unreconciled::Unregistered) };
        let generation = cut_ahead(&self.pool, git, comparison, &parts, |batches| {
            put_parts(store, site, comparison, relations, planned, &parts, batches)
        })?;
        self.unmerged.insert(repo.id.clone());
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

/// Writes with `write` what is cut meanwhile: the chunks of the files of all parts, a batch at a time, in the order of the parts.
fn cut_ahead<R>(
    pool: &rayon::ThreadPool,
    git: &Repo,
    comparison: &Comparison,
    parts: &[ViewPart<'_>],
    write: impl FnOnce(&Receiver<CutBatch>) -> R,
) -> R {
    let reads = comparison.reads.iter();
    let segmented: Segmented<'_> =
        reads.filter_map(|file| Some((file.record.path.clone(), file.parse.segments.as_ref()?))).collect();
    pool.in_place_scope(|scope| {
        let (give, batches) = sync_channel(1);
        let git = git.clone();
        scope.spawn(move |_| {
            for batch in parts.iter().flat_map(|part| part.rechunked.chunks(CHUNK_BATCH)) {
                // Nobody takes it where writing has failed.
                if give.send(cut(pool, &git, batch, &segmented)).is_err() {
                    return;
                }
            }
        });
        write(&batches)
    })
}

/// Writes the parts of the view; returns the generation that it is then.
fn put_parts(
    store: &mut RepoStore,
    site: &Site<'_>,
    comparison: &Comparison,
    relations: &Relations,
    planned: &Planned,
    parts: &[ViewPart<'_>],
    batches: &Receiver<CutBatch>,
) -> Result<u64, Unreconciled> {
    let (last, others) = parts.split_last().map_or((None, parts), |(last, others)| (Some(last), others));
    if !others.is_empty() {
        store::set_cache(store.db(), PageCache::Large)?;
        // By the edges from before, as it does below.
        count_cut_off(store.db(), comparison, &relations.impact)?;
        chunks::begin_without_ids(store.db())?;
    }
    for part in others {
        let tx = store.write()?;
        cache::set_metadata(&tx, READ_WITH, "")?;
        put_part(&tx, part, planned, batches)?;
        tx.commit().map_err(StoreError::from)?;
        store.bound_log()?;
    }
    let tx = store.write()?;
    if others.is_empty() {
        count_cut_off(&tx, comparison, &relations.impact)?;
    }
    put_gone(&tx, comparison, relations, planned)?;
    last.map_or(Ok(()), |part| put_part(&tx, part, planned, batches))?;
    if site.reread {
        chunks::index_ids(&tx)?;
    }
    // An empty diff that is planned in full looks things up, but nothing was asked for.
    if !comparison.reads.is_empty() {
        count_accesses(&tx, &planned.plans, clock::now())?;
    }
    put_directories(&tx, comparison)?;
    count_unread(&tx, comparison)?;
    cache::set_metadata(&tx, READ_WITH, site.read_with)?;
    let commit = comparison.head.commit.as_ref().map(ToString::to_string);
    cache::set_metadata(&tx, cache::VIEW_OF, &commit.unwrap_or_default())?;
    let generation = cache::raise(&tx, cache::GENERATION)?;
    tx.commit().map_err(StoreError::from)?;
    store.bound_log()?;
    Ok(generation)
}

/// Takes out what is no more, and what is not of single files.
fn put_gone(tx: &Connection, comparison: &Comparison, relations: &Relations, planned: &Planned) -> StoreResult<()> {
    for path in gone(&comparison.diff) {
        view::remove_committed(tx, path)?;
        if !planned.overlay.contains_key(path) {
            forget(tx, path)?;
        }
    }
    Relation::Uses.replace(tx, &relations.uses.gone, &[])?;
    Relation::Through.replace(tx, &relations.through.gone, &[])?;
    implementations::replace(tx, &relations.implements.gone, &relations.implements.new)
}

fn put_part(tx: &Connection, part: &ViewPart<'_>, planned: &Planned, batches: &Receiver<CutBatch>) -> StoreResult<()> {
    put_files(tx, part.reads, planned)?;
    for (path, (links, uses)) in &part.links {
        view::put_links(tx, path, links, uses)?;
    }
    Relation::Uses.replace(tx, &[], part.uses)?;
    Relation::Through.replace(tx, &[], part.through)?;
    for batch in part.rechunked.chunks(CHUNK_BATCH) {
        let uncut = |_| StoreError::Unreadable { what: "file", detail: "it was not cut into chunks".to_owned() };
        put_batch(tx, batch, &batches.recv().map_err(uncut)?)?;
    }
    put_keys(tx, part.plans.iter().copied())
}

/// What cannot be read any more keeps the chunks that it has.
fn put_batch(tx: &Connection, batch: &[FileRecord], chunks: &CutBatch) -> StoreResult<()> {
    let files = batch.iter().zip(chunks).filter_map(|(file, chunks)| Some((&file.path, chunks.as_deref()?)));
    chunks::replace(tx, &files.collect::<Vec<_>>())
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
fn put_files(tx: &Connection, reads: &[&FileRead], planned: &Planned) -> StoreResult<()> {
    let is_covered = |path: &FilePath| planned.overlay.contains_key(path);
    for file in reads {
        view::put_file(tx, &file.record)?;
        if let Some(content) = &file.record.content_hash {
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

pub(super) fn put_keys<'p>(tx: &Connection, plans: impl IntoIterator<Item = &'p FilePlan>) -> StoreResult<()> {
    for plan in plans {
        view::put_current_keys(tx, &plan.path, &plan.keys)?;
        written::take_in(tx, &plan.path, &plan.keys)?;
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
    cache::count(tx, cache::MISSES, plans.iter().map(|plan| plan.jobs.len() + plan.made.len()).sum())
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
pub(super) type Segmented<'a> = HashMap<FilePath, &'a PackedSegments>;

/// The chunks of some files; `None`: its object cannot be read any more.
type CutBatch = Vec<Option<Vec<IndexedChunk>>>;

/// The chunks of files with their words, cut in parallel.
pub(super) fn cut(pool: &rayon::ThreadPool, git: &Repo, files: &[FileRecord], segmented: &Segmented<'_>) -> CutBatch {
    let cut_one = |git: &Repo, file: &FileRecord| {
        let text = read::text(git, &file.path, &file.blob).ok()?.unwrap_or_default();
        let module_path = file.links.module_path.as_deref();
        let segments = segmented.get(&file.path).and_then(|packed| packed.unpack());
        let chunks = match segments {
            Some(segments) => chunk::of_segments(&text, module_path, segments),
            None => chunk::chunks(file.language, module_path, &text),
        };
        Some(indexed(&file.path, &chunks))
    };
    in_parallel(Some(pool), git, files, cut_one)
}
