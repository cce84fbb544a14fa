//! Results against what refers to them: analyses, vectors, jobs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::super::{QueryError, Reader};
use super::difference::{Difference, Part};
use super::expected::Expected;
use crate::cache::unreadable::unreadable_analyses;
use crate::cache::{RepoStore, evicted, vector_sets, view};
use crate::domain::{FilePath, Hash, JobKind, JobState};
use crate::queue::Job;
use crate::repo::registry::Registered;
use crate::vectors::{self, ChunkIds};

/// `jobs`: those of the repository, as they were before and after the store was read.
pub(super) fn differences(
    reader: &Reader<'_>,
    repo: &Registered,
    store: &RepoStore,
    expected: &Expected,
    jobs: Vec<Job>,
) -> Result<Vec<Difference>, QueryError> {
    let mut found = unreadable(store)?;
    found.extend(gaps(reader, repo, store, &jobs)?);
    found.extend(vectors(reader, repo, store, expected, &jobs)?);
    found.extend(pointless(expected, &jobs));
    Ok(found)
}

fn difference(part: Part, path: &FilePath, recorded: Option<String>, expected: Option<String>) -> Difference {
    Difference { part, path: path.clone(), recorded, expected }
}

/// Unreadable analyses.
fn unreadable(store: &RepoStore) -> Result<Vec<Difference>, QueryError> {
    let unreadable = |(path, key, problem): (FilePath, Hash, String)| {
        difference(Part::Analysis, &path, Some(format!("{key}, which cannot be read: {problem}")), None)
    };
    Ok(unreadable_analyses(store.db())?.into_iter().map(unreadable).collect())
}

/// Current keys that have neither a result nor a job that is to make it, or was given up.
fn gaps(
    reader: &Reader<'_>,
    repo: &Registered,
    store: &RepoStore,
    jobs: &[Job],
) -> Result<Vec<Difference>, QueryError> {
    let is_open = |job: &&Job| !matches!(job.state, JobState::Done | JobState::Superseded);
    let asked: HashSet<(&FilePath, JobKind, Hash)> =
        jobs.iter().filter(is_open).map(|job| (&job.path, job.kind, job.key)).collect();
    let keys = evicted::settled_keys(store.db())?;
    let mut missing: Vec<(FilePath, JobKind, Hash)> = Vec::new();
    for ((path, kind), key) in view::current_keys(store.db())? {
        let is_there = match kind {
            JobKind::Embed => view::embedded_key(store.db(), &path)? == Some(key),
            JobKind::Analyze(_) | JobKind::Ask(_) => keys.contains(&key),
        };
        if !is_there && !asked.contains(&(&path, kind, key)) {
            missing.push((path, kind, key));
        }
    }
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    // A worker may have made it since the jobs were read.
    let now = reader.store(repo)?;
    let mut found = Vec::new();
    for (path, kind, key) in missing {
        let made = match (&now, kind) {
            (Some(now), JobKind::Embed) => view::embedded_key(now.db(), &path)? == Some(key),
            (Some(now), JobKind::Analyze(_) | JobKind::Ask(_)) => evicted::is_settled(now.db(), &key)?,
            (None, _) => false,
        };
        if !made {
            let part = if kind == JobKind::Embed { Part::Vector } else { Part::Analysis };
            found.push(difference(part, &path, None, Some(format!("{kind} {key}, which no job is to make"))));
        }
    }
    Ok(found)
}

/// Vectors that are missing where the store says that they are there, and vectors of what is not there.
fn vectors(
    reader: &Reader<'_>,
    repo: &Registered,
    store: &RepoStore,
    expected: &Expected,
    jobs: &[Job],
) -> Result<Vec<Difference>, QueryError> {
    let ids = stored_ids(reader, repo)?;
    let dead: HashSet<FilePath> = view::dead_vectors(store.db())?.into_iter().collect();
    let waits = |job: &&Job| job.kind == JobKind::Embed && !matches!(job.state, JobState::Superseded);
    // Of a file that is being embedded, any part may be there.
    let now = reader.store(repo)?;
    let in_work: HashSet<&FilePath> =
        jobs.iter().filter(waits).filter(|job| job.state != JobState::Done).map(|job| &job.path).collect();
    let embedded: HashMap<FilePath, Hash> = view::embedded_files(store.db())?.into_iter().collect();
    let still_embedded: HashMap<FilePath, Hash> =
        now.map(|now| view::embedded_files(now.db())).transpose()?.unwrap_or_default().into_iter().collect();
    let none = BTreeSet::new();
    let mut found = Vec::new();
    for (path, key) in &embedded {
        let is_current = expected.keys.get(&(path.clone(), JobKind::Embed)) == Some(key);
        if !is_current || in_work.contains(path) || still_embedded.get(path) != Some(key) {
            continue;
        }
        let there = ids.get(path).unwrap_or(&none);
        let chunks = expected.chunks.get(path).map(Vec::as_slice).unwrap_or_default();
        let wanted: BTreeSet<String> = chunks.iter().map(|chunk| chunk.chunk_id.clone()).collect();
        for chunk in chunks.iter().filter(|chunk| !there.contains(&chunk.chunk_id)) {
            let name = format!("that of {} {}", chunk.entity_type, chunk.entity_name);
            found.push(difference(Part::Vector, path, None, Some(name)));
        }
        let orphans = there.difference(&wanted);
        found.extend(orphans.map(|id| difference(Part::Vector, path, Some(format!("that of chunk {id}")), None)));
    }
    for (path, ids) in ids.iter().filter(|(path, _)| !expected.is_indexed(path) && !dead.contains(*path)) {
        let recorded = format!("{} of a file that is not indexed", ids.len());
        found.push(difference(Part::Vector, path, Some(recorded), None));
    }
    Ok(found)
}

/// Ids of the chunks that have vectors, by file.
fn stored_ids(reader: &Reader<'_>, repo: &Registered) -> Result<ChunkIds, QueryError> {
    let Some(store) = reader.store(repo)? else { return Ok(ChunkIds::new()) };
    let dir = vector_sets::current_dir(&store);
    if !dir.is_dir() {
        return Ok(ChunkIds::new());
    }
    let failed =
        |reason: String| QueryError::Failed(format!("the vectors in {} cannot be read: {reason}", dir.display()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| failed(error.to_string()))?;
    runtime.block_on(vectors::ids_by_file(&dir)).map_err(|error| failed(error.to_string()))
}

/// Jobs of files that are not indexed.
fn pointless(expected: &Expected, jobs: &[Job]) -> Vec<Difference> {
    // What is committed may be asked about although it is gone from the work tree.
    let is_indexed =
        |path: &FilePath| expected.is_indexed(path) || expected.files.get(path).is_some_and(|file| file.skip.is_none());
    let is_live = |job: &&Job| matches!(job.state, JobState::Queued | JobState::Running | JobState::Parked);
    let pointless = jobs.iter().filter(is_live).filter(|job| !is_indexed(&job.path));
    let latest: BTreeMap<i64, &Job> = pointless.map(|job| (job.id, job)).collect();
    latest
        .into_values()
        .map(|job| difference(Part::Job, &job.path, Some(format!("{} as job {}", job.kind, job.id)), None))
        .collect()
}
