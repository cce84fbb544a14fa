//! Recorded view against the tree at HEAD → what changed, whom it touches, what is to be done → queue, then view.
//!
//! The order is the safety: jobs are enqueued (agent.db) before the view advances (analysis.db). A crash between the two finds
//! the same difference again and enqueues the same jobs again, which changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use globset::GlobSet;
use rayon::prelude::*;

use super::read::{self, FileRead, Reading};
use super::{Worker, WorkerError};
use crate::cache::chunks::{self, ChunkRecord};
use crate::cache::key::StoredParts;
use crate::cache::view::{self, FileRecord, Links, Used};
use crate::cache::{self, RepoStore, analyses};
use crate::clock;
use crate::domain::{AnalysisType, Change, Edge, FilePath, Hash, JobKind, ObjectId, RepoId};
use crate::embedder::chunk::{self, CHUNKER_VERSION, Chunk};
use crate::impact::{self, Impact};
use crate::outline::{OUTLINE_VERSION, Outline};
use crate::plan::{self, Cause, FilePlan, Stored};
use crate::queue::{self, Subject};
use crate::repo::registry::{self, Outcome, Registered};
use crate::repo::{Busy, CLASSIFY_VERSION, Entry, Head, RecordedView, Repo, RepoError, TreeDiff, deny_globs};
use crate::store::{Result as StoreResult, StoreError, write};

/// Name in `cache_metadata` of what the recorded files were read with.
const READ_WITH: &str = "read_with";
/// Files whose chunks are in memory at the same time.
const CHUNK_BATCH: usize = 256;

/// What a reconcile that went through did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Files that differ from what was recorded.
    pub changes: usize,
    /// Files that use something that changed.
    pub dependents: usize,
    /// New jobs.
    pub jobs: usize,
}

/// Why a repository could not be reconciled. It is recorded; others are not affected.
#[derive(Debug, thiserror::Error)]
pub enum Unreconciled {
    #[error("{}", .0.as_str())]
    Held(Busy),
    #[error("it is not registered")]
    Unregistered,
    #[error(
        "another repository is at {path} now (its history begins at another commit); `ra-agent register {path}` registers it \
         anew"
    )]
    Replaced { path: String },
    #[error(transparent)]
    Repo(#[from] RepoError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the pattern {pattern} under [privacy] deny is no glob: {reason}")]
    Deny { pattern: String, reason: String },
}

impl From<rusqlite::Error> for Unreconciled {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<WorkerError> for Unreconciled {
    fn from(error: WorkerError) -> Self {
        match error {
            WorkerError::Store(error) => Self::Store(error),
            other => Self::Store(StoreError::Unreadable { what: "store", detail: other.to_string() }),
        }
    }
}

/// What a comparison found, and what was read for it.
struct Comparison {
    head: Head,
    diff: TreeDiff,
    before: BTreeMap<FilePath, FileRecord>,
    reads: Vec<FileRead>,
}

/// What the files say to each other after the change, where it differs from before.
#[derive(Default)]
struct Relations {
    edges_before: Vec<Edge>,
    edges_after: Vec<Edge>,
    links: HashMap<FilePath, (Links, Vec<Used>)>,
    impact: Impact,
}

impl Worker {
    /// Brings the recorded view of a repository to its HEAD and enqueues what is stale. `full` plans every file.
    ///
    /// # Errors
    /// If not even the outcome can be recorded. What is wrong with this one repository is the inner error.
    pub fn reconcile(&mut self, id: &RepoId, full: bool) -> Result<Result<Reconciled, Unreconciled>, WorkerError> {
        let Some(repo) = registry::get(&self.queue, id)? else { return Ok(Err(Unreconciled::Unregistered)) };
        let outcome = self.try_reconcile(&repo, full);
        match &outcome {
            Ok(done) => tracing::info!(repo = %id, done.changes, done.dependents, done.jobs, "reconciled"),
            Err(Unreconciled::Held(busy)) => {
                registry::record_not_reconciled(&self.queue, id, Some(busy.as_str()), None)?;
            }
            Err(error) => {
                tracing::warn!(repo = %id, %error, "not reconciled");
                registry::record_not_reconciled(&self.queue, id, None, Some(&error.to_string()))?;
            }
        }
        Ok(outcome)
    }

    fn try_reconcile(&mut self, repo: &Registered, full: bool) -> Result<Reconciled, Unreconciled> {
        let git = Repo::open(&repo.location)?;
        if let Some(busy) = git.busy(clock::system_now()) {
            return Err(Unreconciled::Held(busy));
        }
        let head = git.head()?;
        check_identity(&git, repo)?;
        let patterns = self.config.for_repo(&repo.location.path).deny;
        let deny = deny_globs(&patterns).map_err(|(pattern, reason)| Unreconciled::Deny { pattern, reason })?;
        let read_with = read_with(&patterns);
        let reread = cache::metadata(self.store(repo)?.db(), READ_WITH)?.as_deref() != Some(&read_with);
        let full = full || reread || repo.planned_with != Some(self.recipe.hash());

        let comparison = self.compare(repo, &git, head, &deny, reread)?;
        self.store(repo)?;
        let mut relations = relate(&self.pool, &self.stores[&repo.id], &comparison, reread)?;
        let after = files_after(&comparison, &relations);
        let plans = self.plan(repo, &comparison, &relations, &after, full)?;
        let jobs = self.enqueue(repo, &comparison, &plans)?;
        self.advance(repo, &git, &comparison, &mut relations, &after, &plans, &read_with)?;

        let outcome = Outcome {
            head: comparison.head.commit.clone(),
            indexed_commit: comparison.head.commit.clone(),
            planned_with: full.then(|| self.recipe.hash()),
        };
        registry::record_reconciled(&self.queue, &repo.id, &outcome, clock::now())?;
        Ok(Reconciled { changes: comparison.diff.changes.len(), dependents: relations.impact.dependents.len(), jobs })
    }

    /// Finds out what differs and reads it (`reread`: reads everything).
    fn compare(
        &mut self,
        repo: &Registered,
        git: &Repo,
        head: Head,
        deny: &GlobSet,
        reread: bool,
    ) -> Result<Comparison, Unreconciled> {
        let store = self.store(repo)?;
        let before = view::files(store.db())?;
        let entries =
            before.iter().map(|file| Entry { path: file.path.clone(), id: file.blob.clone(), mode: file.mode });
        let recorded = RecordedView::new(entries, view::directories(store.db())?);
        let diff = git.diff(&recorded, head.tree.as_ref())?;
        for rejected in &diff.rejected {
            tracing::warn!(repo = %repo.id, path = %rejected.path, reason = rejected.reason, "left out of the view");
        }
        let mut wanted: BTreeMap<FilePath, Entry> = BTreeMap::new();
        if reread {
            wanted.extend(recorded.files().map(|entry| (entry.path.clone(), entry)));
        }
        for change in &diff.changes {
            match &change.change {
                Change::Deletion { path } | Change::Rename { from: path, .. } => drop(wanted.remove(path)),
                Change::Addition { .. } | Change::Modification { .. } => {}
            }
        }
        wanted.extend(
            diff.changes.iter().filter_map(|change| change.new.clone()).map(|entry| (entry.path.clone(), entry)),
        );
        let reads = self.read(git, deny, wanted.into_values().collect())?;
        let before = before.into_iter().map(|file| (file.path.clone(), file)).collect();
        Ok(Comparison { head, diff, before, reads })
    }

    /// Reads entries in parallel; those that may have crashed an earlier worker first, and one at a time.
    fn read(&mut self, git: &Repo, deny: &GlobSet, entries: Vec<Entry>) -> Result<Vec<FileRead>, Unreconciled> {
        let (quarantined, suspects) = self.suspect_blobs()?;
        let (alone, together): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| suspects.contains(&entry.id));
        let mut reads = Vec::with_capacity(alone.len() + together.len());
        for entry in alone {
            reads.push(Reading { slots: &self.slots, deny, quarantined: &quarantined }.read(git, &entry)?);
            self.acquit(&Subject::Blob(entry.id))?;
        }
        let reading = Reading { slots: &self.slots, deny, quarantined: &quarantined };
        let source = Mutex::new(git.clone());
        let own = || source.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let read = self.pool.install(|| {
            together.par_iter().map_init(own, |git, entry| reading.read(git, entry)).collect::<Result<Vec<_>, _>>()
        })?;
        reads.extend(read);
        Ok(reads)
    }

    /// The blobs that are quarantined, and those that are suspect.
    fn suspect_blobs(&self) -> Result<(HashSet<ObjectId>, HashSet<ObjectId>), Unreconciled> {
        let (mut quarantined, mut suspects) = (HashSet::new(), HashSet::new());
        for subject in &self.suspects {
            if let Subject::Blob(id) = subject {
                let set = if queue::is_quarantined(&self.queue, subject)? { &mut quarantined } else { &mut suspects };
                set.insert(id.clone());
            }
        }
        Ok((quarantined, suspects))
    }

    /// Plans the changed files and those that they touch (`full`: all files).
    fn plan(
        &mut self,
        repo: &Registered,
        comparison: &Comparison,
        relations: &Relations,
        after: &BTreeMap<FilePath, FileRecord>,
        full: bool,
    ) -> Result<Vec<FilePlan>, Unreconciled> {
        let recipe = self.recipe.clone();
        let causes = causes(comparison, relations);
        let store = self.store(repo)?;
        let held = Held { store, keys: if full { Some(analyses::keys(store.db())?) } else { None } };
        let mut plans = Vec::new();
        for (path, file) in after {
            let cause = causes.get(path).or(full.then_some(&Cause::Backfill));
            if let Some(cause) = cause {
                plans.push(plan::plan(&recipe, file, cause, &held)?);
            }
        }
        Ok(plans)
    }

    /// Writes the plans into the queue, in one transaction: new jobs in, pointless ones out.
    fn enqueue(
        &mut self,
        repo: &Registered,
        comparison: &Comparison,
        plans: &[FilePlan],
    ) -> Result<usize, Unreconciled> {
        let now = clock::now();
        let tx = write(&mut self.queue)?;
        for path in gone(&comparison.diff) {
            queue::supersede(&tx, &repo.id, path, now)?;
        }
        // A file that is no longer indexed has no results to wait for.
        for file in comparison.reads.iter().filter(|file| file.record.skip.is_some()) {
            queue::supersede(&tx, &repo.id, &file.record.path, now)?;
        }
        let mut jobs = 0;
        for plan in plans {
            jobs += queue::enqueue(&tx, &repo.id, &plan.jobs, now)?;
            for (kind, key) in &plan.settled {
                queue::supersede_settled(&tx, &repo.id, &plan.path, *kind, key, now)?;
            }
        }
        tx.commit().map_err(StoreError::from)?;
        Ok(jobs)
    }

    /// Makes the view what HEAD is, in one transaction.
    #[expect(clippy::too_many_arguments, reason = "the parts of one transaction, each made by its own step")]
    fn advance(
        &mut self,
        repo: &Registered,
        git: &Repo,
        comparison: &Comparison,
        relations: &mut Relations,
        after: &BTreeMap<FilePath, FileRecord>,
        plans: &[FilePlan],
        read_with: &str,
    ) -> Result<(), Unreconciled> {
        let now = clock::now();
        let embeds = self.recipe.embedding.is_some();
        let rechunked = rechunked(comparison, after);
        let pool = &self.pool;
        let Some(store) = self.stores.get_mut(&repo.id) else { return Err(Unreconciled::Unregistered) };
        let tx = store.write()?;
        for path in gone(&comparison.diff) {
            view::remove_file(&tx, path)?;
            chunks::remove(&tx, path)?;
            view::put_dead_vectors(&tx, path)?;
        }
        for file in &comparison.reads {
            view::put_file(&tx, &file.record)?;
            if let (Some(content), true) = (&file.record.content_hash, file.outline != Outline::default()) {
                view::put_outline(&tx, content, file.record.language, &file.outline)?;
            }
            if file.record.skip.is_some() {
                chunks::remove(&tx, &file.record.path)?;
                view::put_dead_vectors(&tx, &file.record.path)?;
                view::put_current_keys(&tx, &file.record.path, &[])?;
            }
        }
        for (path, (links, uses)) in &relations.links {
            view::put_links(&tx, path, links, uses)?;
        }
        view::put_edges(&tx, &repo.id, &relations.edges_before, &relations.edges_after)?;
        for batch in rechunked.chunks(CHUNK_BATCH) {
            for (file, chunks) in batch.iter().zip(cut(pool, git, batch)?) {
                put_chunks(&tx, &file.path, &chunks)?;
            }
        }
        for plan in plans {
            view::put_current_keys(&tx, &plan.path, &plan.keys)?;
            for (kind, key) in &plan.settled {
                if matches!(kind, JobKind::Analyze(_)) {
                    analyses::touch(&tx, key, now)?;
                }
            }
        }
        // An empty diff that is planned in full looks things up, but nothing was asked for.
        let asked = plans.iter().filter(|_| !comparison.reads.is_empty());
        let (hits, misses) = asked.fold((0, 0), |(h, m), plan| (h + plan.settled.len(), m + plan.jobs.len()));
        cache::count(&tx, cache::HITS, hits)?;
        cache::count(&tx, cache::MISSES, misses)?;
        for dir in &comparison.diff.dirs_gone {
            view::put_directory(&tx, dir, None)?;
        }
        for (dir, tree) in &comparison.diff.dirs {
            view::put_directory(&tx, dir, Some(tree))?;
        }
        cache::set_metadata(&tx, READ_WITH, read_with)?;
        tx.commit().map_err(StoreError::from)?;
        // Also what an earlier worker noted and did not get to.
        if embeds && !view::dead_vectors(store.db())?.is_empty() {
            self.unsettled.insert(repo.id.clone());
        }
        Ok(())
    }
}

/// Refuses a repository that is not the one that was registered. Its history is walked only when the commit that is indexed is
/// unknown to it.
fn check_identity(git: &Repo, repo: &Registered) -> Result<(), Unreconciled> {
    let (Some(indexed), Some(root)) = (&repo.indexed_commit, &repo.root_commit) else { return Ok(()) };
    if git.rev(&indexed.to_string()).is_ok() {
        return Ok(());
    }
    match git.root_commit()? {
        Some(found) if found != *root => Err(Unreconciled::Replaced { path: repo.location.path.display().to_string() }),
        _ => Ok(()),
    }
}

/// Hash of what decides how a file is read. When it changes, every file is read again.
fn read_with(deny: &[String]) -> String {
    let versions = [OUTLINE_VERSION, CHUNKER_VERSION, CLASSIFY_VERSION].map(u32::to_le_bytes);
    let fields = versions.iter().map(|version| &version[..]).chain(deny.iter().map(String::as_bytes));
    Hash::of_fields(fields).to_string()
}

/// Paths of the recorded view that are no more.
fn gone(diff: &TreeDiff) -> impl Iterator<Item = &FilePath> {
    diff.changes.iter().filter_map(|change| match &change.change {
        Change::Deletion { path } | Change::Rename { from: path, .. } => Some(path),
        Change::Addition { .. } | Change::Modification { .. } => None,
    })
}

/// Works out the edges, the dependency contexts and whom the change touches. Where no outline differs and no path came or went,
/// nothing can differ: that is the cut-off that makes an edit of a body cheap.
fn relate(
    pool: &rayon::ThreadPool,
    store: &RepoStore,
    comparison: &Comparison,
    reread: bool,
) -> Result<Relations, Unreconciled> {
    if !reread && !outlines_differ(store, comparison)? {
        return Ok(Relations::default());
    }
    let empty = Outline::default();
    let outlines_before = view::outlines(store.db())?;
    let edges_before = view::edges(store.db())?;
    let gone: HashSet<&FilePath> = gone(&comparison.diff).collect();
    let read: HashMap<&FilePath, &Outline> =
        comparison.reads.iter().map(|file| (&file.record.path, &file.outline)).collect();
    let kept = comparison.before.keys().filter(|path| !gone.contains(path));
    let paths: BTreeSet<&FilePath> = kept.chain(read.keys().copied()).collect();
    let outline_after =
        |path: &FilePath| read.get(path).copied().or_else(|| outlines_before.get(path)).unwrap_or(&empty);

    let view: Vec<(&FilePath, &Outline)> = paths.iter().map(|&path| (path, outline_after(path))).collect();
    let graph = pool.install(|| impact::resolve(view.iter().copied()));
    let edges_after = graph.edges().to_vec();
    let changes: Vec<Change> = comparison.diff.changes.iter().map(|change| change.change.clone()).collect();
    let recorded = comparison.before.iter();
    let hashes_before =
        recorded.filter_map(|(path, file)| Some((path.clone(), file.links.deps_hash?))).collect::<BTreeMap<_, _>>();
    let impact = impact::impact(
        &changes,
        &impact::Side {
            outline: &|path| outlines_before.get(path),
            edges: &edges_before,
            via: &[],
            deps_hashes: &hashes_before,
        },
        &impact::Side {
            outline: &|path| paths.contains(path).then(|| outline_after(path)),
            edges: &edges_after,
            via: graph.via(),
            deps_hashes: &graph.deps_hashes(),
        },
    );
    let mut links = HashMap::new();
    for path in paths {
        let uses = graph.uses(path);
        let now = Links {
            module_path: graph.module_path(path).map(str::to_owned),
            crate_root: graph.is_crate_root(path),
            deps_hash: Some(impact::deps_hash(uses)),
        };
        if read.contains_key(path) || comparison.before.get(path).map(|file| &file.links) != Some(&now) {
            let used = |one: &impact::Use| (one.written.clone(), one.kind.to_string(), one.signature.clone());
            links.insert(path.clone(), (now, uses.iter().map(used).collect()));
        }
    }
    Ok(Relations { edges_before, edges_after, links, impact })
}

fn outlines_differ(store: &RepoStore, comparison: &Comparison) -> Result<bool, Unreconciled> {
    let only_modified =
        comparison.diff.changes.iter().all(|change| matches!(change.change, Change::Modification { .. }));
    if !only_modified {
        return Ok(true);
    }
    for file in &comparison.reads {
        let before = comparison.before.get(&file.record.path);
        let recorded = match before.and_then(|before| before.content_hash.map(|hash| (hash, before.language))) {
            Some((content, language)) => view::outline(store.db(), &content, language)?,
            None => None,
        };
        if recorded.unwrap_or_default() != file.outline {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The view as it will be.
fn files_after(comparison: &Comparison, relations: &Relations) -> BTreeMap<FilePath, FileRecord> {
    let mut after = comparison.before.clone();
    for path in gone(&comparison.diff) {
        after.remove(path);
    }
    for file in &comparison.reads {
        let links = comparison.before.get(&file.record.path).map(|before| before.links.clone()).unwrap_or_default();
        after.insert(file.record.path.clone(), FileRecord { links, ..file.record.clone() });
    }
    for (path, (links, _)) in &relations.links {
        if let Some(file) = after.get_mut(path) {
            file.links = links.clone();
        }
    }
    after
}

/// Why each file that is touched is planned.
fn causes(comparison: &Comparison, relations: &Relations) -> HashMap<FilePath, Cause> {
    let mut causes = HashMap::new();
    // A file whose place in the module tree or whose context moved although no symbol that it uses did.
    for path in relations.links.keys() {
        let symbol = "its place in the module tree".to_owned();
        causes.insert(path.clone(), Cause::Dependent { symbol, file: path.clone() });
    }
    for (path, because) in &relations.impact.dependents {
        if let Some(first) = because.first() {
            let cause = Cause::Dependent { symbol: first.symbol.clone(), file: first.file.clone() };
            causes.insert(path.clone(), cause);
        }
    }
    for entry in comparison.diff.changes.iter().filter_map(|change| change.new.as_ref()) {
        causes.insert(entry.path.clone(), Cause::Changed);
    }
    causes
}

/// The files whose chunks have to be cut anew: those that were read, and those whose module path, which chunks name, is another.
fn rechunked(comparison: &Comparison, after: &BTreeMap<FilePath, FileRecord>) -> Vec<FileRecord> {
    let read: HashSet<&FilePath> = comparison.reads.iter().map(|file| &file.record.path).collect();
    let moved = |file: &FileRecord| {
        comparison.before.get(&file.path).is_none_or(|before| before.links.module_path != file.links.module_path)
    };
    let indexed = after.values().filter(|file| file.skip.is_none());
    indexed.filter(|file| read.contains(&file.path) || moved(file)).cloned().collect()
}

fn cut(pool: &rayon::ThreadPool, git: &Repo, files: &[FileRecord]) -> Result<Vec<Vec<Chunk>>, RepoError> {
    let source = Mutex::new(git.clone());
    let own = || source.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let cut_one = |git: &mut Repo, file: &FileRecord| {
        let text = read::text(git, &file.blob)?.unwrap_or_default();
        Ok(chunk::chunks(file.language, file.links.module_path.as_deref(), &text))
    };
    pool.install(|| files.par_iter().map_init(own, cut_one).collect())
}

/// Writes the chunks of one file into the lexical index.
fn put_chunks(db: &rusqlite::Connection, path: &FilePath, cut: &[Chunk]) -> StoreResult<()> {
    let rows: Vec<(ChunkRecord, &str)> =
        records(path, cut).into_iter().zip(cut.iter().map(|chunk| chunk.text.as_str())).collect();
    chunks::replace(db, path, &rows)
}

/// The chunks of a file as the index knows them. Equal texts are told apart by their order.
pub(super) fn records(path: &FilePath, cut: &[Chunk]) -> Vec<ChunkRecord> {
    let mut seen: HashMap<Hash, u32> = HashMap::new();
    let record = |chunk: &Chunk| {
        let ordinal = seen.entry(chunk.chunk_hash).and_modify(|n| *n += 1).or_insert(0);
        ChunkRecord {
            chunk_id: chunks::chunk_id(path, &chunk.chunk_hash, *ordinal),
            path: path.clone(),
            chunk_hash: chunk.chunk_hash,
            entity_type: chunk.entity_type.to_owned(),
            entity_name: chunk.entity_name.clone(),
            start_line: chunk.start_line,
            end_line: chunk.end_line,
        }
    };
    cut.iter().map(record).collect()
}

/// What a repository's store holds, for the plan.
struct Held<'a> {
    store: &'a RepoStore,
    /// Every key, when everything is planned: one query in the place of thousands.
    keys: Option<HashSet<Hash>>,
}

impl Stored for Held<'_> {
    type Error = StoreError;

    fn has(&self, key: &Hash) -> StoreResult<bool> {
        match &self.keys {
            Some(keys) => Ok(keys.contains(key)),
            None => analyses::contains(self.store.db(), key),
        }
    }

    fn newest(&self, path: &FilePath, analysis_type: AnalysisType) -> StoreResult<Option<StoredParts>> {
        analyses::newest_parts(self.store.db(), path, analysis_type)
    }

    fn embedded(&self, path: &FilePath) -> StoreResult<Option<Hash>> {
        view::embedded_key(self.store.db(), path)
    }
}
