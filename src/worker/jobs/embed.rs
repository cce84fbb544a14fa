//! Running `embed` jobs: content → chunks → the vectors that are not there yet → LanceDB → finish.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::analyze::{Ended, by_repo, panic_text};
use super::embed_at_server::{EmbeddingHold, without_secrets};
use crate::cache::view;
use crate::cache::{self, overlay, retired};
use crate::clock;
use crate::domain::{FilePath, FileRecord, Hash};
use crate::embedder::chunk::{self, Chunk};
use crate::embedder::encoder::{EmbedError, Vector};
use crate::embedder::model;
use crate::index::chunks::records;
use crate::index::read;
use crate::queue::{self, Job, ParkCause};
use crate::repo::Repo;
use crate::repo::registry::{self, Registered};
use crate::vectors::{ChunkRow, OwnedVector, Upkeep, VERSION_KEPT, Vectors, VectorsError};
use crate::worker::process::model::LoadedModel;
use crate::worker::{Worker, WorkerError, subject};

/// Why files have no vectors.
#[derive(Debug, thiserror::Error)]
pub(in crate::worker) enum NotEmbedded {
    #[error(transparent)]
    Vectors(#[from] VectorsError),
    #[error(transparent)]
    Embed(#[from] EmbedError),
    #[error(transparent)]
    Store(#[from] WorkerError),
    #[error("the embedding server refuses the text: {0}")]
    Rejected(String),
    #[error("the vectors have to wait: {0:?}")]
    Waits(EmbeddingHold),
}

impl From<EmbeddingHold> for NotEmbedded {
    fn from(hold: EmbeddingHold) -> Self {
        Self::Waits(hold)
    }
}

/// Chunks embedded in one go: a second or two of work, for a commit, or a repository that is new, waits as long.
const CHUNKS_AT_ONCE: usize = 128;
/// Files whose vectors are read in one go before they go.
const RETIRE_BATCH: usize = 200;

/// A file whose chunks are to have vectors.
pub(super) struct UnembeddedFile {
    pub(super) job: Job,
    pub(super) file: FileRecord,
    pub(super) chunks: Vec<Chunk>,
    /// What a remote server is shown of them; empty: nothing leaves this machine.
    sent: HashMap<Hash, String>,
    /// It has vectors of an earlier content, which are about to be replaced.
    pub(super) was_embedded: bool,
}

/// What a job was found to need.
pub(super) enum EmbedPreparation {
    Ready(Box<UnembeddedFile>),
    /// There is nothing to do, or nothing can be done.
    Over(Box<Job>, Ended),
}

/// The jobs of one turn, prepared.
#[derive(Default)]
struct EmbedTurn {
    pending: Vec<UnembeddedFile>,
    ended: Vec<(Job, Ended)>,
}

/// What became of a batch's vectors.
enum VectorsStored {
    All,
    /// There were too many for one go: what was made is kept, and the jobs are to be taken again.
    Part,
    Not(NotEmbedded),
    Panicked(String),
}

impl Worker {
    /// Embeds files of any repositories.
    pub(in crate::worker) fn embed(&mut self, jobs: Vec<Job>) -> Result<(), WorkerError> {
        let embedder = match self.model.get() {
            Ok(embedder) => embedder,
            Err(detail) => {
                tracing::error!(detail, "embedding is parked");
                let ids: Vec<i64> = jobs.iter().map(|job| job.id).collect();
                return Ok(queue::park(&mut self.queue, &ids, ParkCause::Setup, None, &detail, clock::now())?);
            }
        };
        for (repo, jobs) in by_repo(jobs) {
            let Some(registered) = registry::get(&self.queue, &repo)? else { continue };
            self.take_vectors(&registered, embedder.id(), embedder.dimensions())?;
            let ended = self.embed_repo(&registered, &embedder, jobs)?;
            self.end(ended.into_iter())?;
            self.serve_if_complete(&repo)?;
            self.unsettled.insert(repo);
        }
        Ok(())
    }

    fn embed_repo(
        &mut self,
        repo: &Registered,
        embedder: &LoadedModel,
        jobs: Vec<Job>,
    ) -> Result<Vec<(Job, Ended)>, WorkerError> {
        let git = match Repo::open(&repo.location) {
            Ok(git) => git,
            Err(error) => {
                return Ok(jobs.into_iter().map(|job| (job, Ended::Failed(error.to_string()))).collect());
            }
        };
        let most = match embedder {
            LoadedModel::Here(_) => CHUNKS_AT_ONCE,
            // A request is filled if there are so many.
            LoadedModel::Server(server) => CHUNKS_AT_ONCE.max(server.texts()),
        };
        let EmbedTurn { pending, mut ended } = self.prepared(repo, &git, jobs, most)?;
        if pending.is_empty() {
            return Ok(ended);
        }
        // Forgotten first: between here and the end the table may hold half of it.
        let store = self.store(repo)?;
        let tx = store.write()?;
        for one in &pending {
            view::forget_embedded_key(&tx, &one.file.path)?;
        }
        tx.commit()?;
        let mut stored = self.try_store_vectors(repo, embedder, &pending, most);
        if matches!(stored, VectorsStored::Not(NotEmbedded::Vectors(_))) && self.set_aside_vectors(repo)? {
            stored = self.try_store_vectors(repo, embedder, &pending, most);
        }
        let ids = || pending.iter().map(|one| one.job.id).collect::<Vec<_>>();
        let outcome = match stored {
            VectorsStored::Part => {
                let now = clock::now();
                queue::put_all_back(&mut self.queue, &ids(), now, None, now)?;
                return Ok(ended);
            }
            VectorsStored::Not(NotEmbedded::Waits(hold)) => {
                self.hold_embedding(&ids(), &hold)?;
                return Ok(ended);
            }
            VectorsStored::All => None,
            VectorsStored::Not(error) => Some(error.to_string()),
            VectorsStored::Panicked(detail) => Some(detail),
        };
        if outcome.is_none() {
            let store = self.store(repo)?;
            let tx = store.write()?;
            for one in &pending {
                view::put_embedded_key(&tx, &one.file.path, &one.job.key)?;
                retired::forget(&tx, one.chunks.iter().map(|chunk| &chunk.chunk_hash), embedder.id())?;
            }
            tx.commit()?;
        }
        let end = |one: UnembeddedFile| (one.job, outcome.clone().map_or(Ended::Finished, Ended::Failed));
        ended.extend(pending.into_iter().map(end));
        Ok(ended)
    }

    /// The files whose turn it is, cut into chunks, and the jobs that are over. Those that would be too much go back into the queue.
    /// `most`: chunks after which no other file is taken.
    fn prepared(
        &mut self,
        repo: &Registered,
        git: &Repo,
        jobs: Vec<Job>,
        most: usize,
    ) -> Result<EmbedTurn, WorkerError> {
        let (mut turn, mut chunks, mut too_many) = (EmbedTurn::default(), 0, Vec::new());
        for job in jobs {
            if chunks >= most {
                too_many.push(job.id);
                continue;
            }
            match self.prepare_embed(repo, git, job)? {
                EmbedPreparation::Ready(one) => {
                    chunks += one.chunks.len();
                    turn.pending.push(*one);
                }
                EmbedPreparation::Over(job, outcome) => turn.ended.push((*job, outcome)),
            }
        }
        if !too_many.is_empty() {
            let now = clock::now();
            queue::put_all_back(&mut self.queue, &too_many, now, None, now)?;
        }
        Ok(turn)
    }

    fn try_store_vectors(
        &mut self,
        repo: &Registered,
        embedder: &LoadedModel,
        pending: &[UnembeddedFile],
        most: usize,
    ) -> VectorsStored {
        match catch_unwind(AssertUnwindSafe(|| self.store_vectors(repo, embedder, pending, most))) {
            Ok(Ok(stored)) => stored,
            Ok(Err(error)) => VectorsStored::Not(error),
            Err(panic) => VectorsStored::Panicked(panic_text(panic.as_ref())),
        }
    }

    /// Cuts the file of a job into chunks.
    pub(super) fn prepare_embed(
        &mut self,
        repo: &Registered,
        git: &Repo,
        job: Job,
    ) -> Result<EmbedPreparation, WorkerError> {
        let recipe = self.recipe.embedding.clone();
        let store = self.store(repo)?;
        let Some(file) = view::present(store.db(), &job.path)? else {
            return Ok(EmbedPreparation::Over(Box::new(job), Ended::Finished));
        };
        let key = recipe.and_then(|recipe| recipe.key(&file));
        let embedded = view::embedded_key(store.db(), &job.path)?;
        let there = embedded == Some(job.key);
        if file.skip.is_some() || key != Some(job.key) || there {
            return Ok(EmbedPreparation::Over(Box::new(job), Ended::Finished));
        }
        let saved = overlay::saved_text(store.db(), &file)?;
        let is_remote = self.recipe.embedding.as_ref().is_some_and(|recipe| recipe.is_remote);
        if is_remote && (saved.is_some() || !self.may_be_sent(repo, &file)) {
            return Ok(EmbedPreparation::Over(Box::new(job), Ended::Finished));
        }
        let _slot = self
            .slots
            .enter(&subject(&job))
            .map_err(|source| WorkerError::Directory { path: self.home.slots(), source })?;
        Ok(match saved.map_or_else(|| read::text(git, &file.path, &file.blob), |saved| Ok(Some(saved))) {
            Ok(Some(text)) => {
                let chunks = chunk::chunks(file.language, file.links.module_path.as_deref(), &text);
                let was_embedded = embedded.is_some();
                let sent = if is_remote { without_secrets(&text, &chunks) } else { HashMap::new() };
                EmbedPreparation::Ready(Box::new(UnembeddedFile { job, file, chunks, sent, was_embedded }))
            }
            Ok(None) => EmbedPreparation::Over(
                Box::new(job),
                Ended::Hopeless("its content is no longer in the repository".to_owned()),
            ),
            Err(error) => EmbedPreparation::Over(Box::new(job), Ended::Failed(error.to_string())),
        })
    }

    /// Finds or makes the vector of every chunk and writes the files' rows into LanceDB, as one version of the table. Of a file that lacks
    /// more than `most` vectors, so many are made and kept where the next turn finds them, be it after a crash.
    fn store_vectors(
        &mut self,
        repo: &Registered,
        embedder: &LoadedModel,
        pending: &[UnembeddedFile],
        most: usize,
    ) -> Result<VectorsStored, NotEmbedded> {
        let known = self.table_if_known(repo, embedder.dimensions())?;
        let model_id = embedder.id();
        let hashes: HashSet<Hash> =
            pending.iter().flat_map(|one| one.chunks.iter().map(|chunk| chunk.chunk_hash)).collect();
        let wanted: Vec<Hash> = hashes.iter().copied().collect();
        let mut vectors = match &known {
            Some(table) => self.runtime.block_on(table.vectors_of(&wanted, model_id))?,
            None => HashMap::new(),
        };
        let absent = hashes.iter().filter(|hash| !vectors.contains_key(hash));
        let kept = retired::find(self.store(repo)?.db(), absent, model_id).map_err(WorkerError::from)?;
        vectors.extend(kept);
        self.borrow_vectors(repo, &wanted, model_id, &mut vectors)?;
        let found = vectors.keys().filter(|hash| !self.made_in_parts.contains(hash)).count();
        let missing = missing(pending, &vectors);
        let part = &missing[..missing.len().min(most)];
        let made = self.embed_texts(repo, embedder, pending, part)?;
        if part.len() < missing.len() {
            self.keep_part(repo, model_id, made)?;
            return Ok(VectorsStored::Part);
        }
        vectors.extend(made);
        let Some(dimensions) = vectors.values().next().map(Vec::len) else { return Ok(VectorsStored::All) };
        let table = match known {
            Some(table) => table,
            None => self.table(repo, dimensions)?,
        };
        if let Some(other) = vectors.values().find(|vector| vector.len() != table.dimensions()) {
            return Err(EmbedError::OtherDimensions { found: other.len(), expected: table.dimensions() }.into());
        }
        let rows = pending.iter().flat_map(|one| rows(one, model_id, &vectors)).collect();
        let paths: Vec<String> = pending.iter().map(|one| one.file.path.escaped()).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let leaving: Vec<&str> =
            paths.iter().zip(pending).filter(|(_, one)| one.was_embedded).map(|(path, _)| *path).collect();
        self.retire(repo, &table, &leaving, &hashes)?;
        self.runtime.block_on(table.replace_files(&paths, rows))?;
        self.count_vectors(repo, found, part.len())?;
        self.made_in_parts.clear();
        Ok(VectorsStored::All)
    }

    /// Keeps vectors whose file lacks others.
    fn keep_part(&mut self, repo: &Registered, model_id: &str, made: Vec<(Hash, Vector)>) -> Result<(), NotEmbedded> {
        let owned = |(chunk_hash, vector)| OwnedVector { chunk_hash, model_id: model_id.to_owned(), vector };
        let made: Vec<OwnedVector> = made.into_iter().map(owned).collect();
        let tx = self.store(repo)?.write().map_err(WorkerError::from)?;
        retired::keep(&tx, &made, clock::now()).map_err(WorkerError::from)?;
        cache::count(&tx, cache::VECTORS_MADE, made.len()).map_err(WorkerError::from)?;
        tx.commit().map_err(WorkerError::from)?;
        self.made_in_parts.extend(made.iter().map(|one| one.chunk_hash));
        Ok(())
    }

    /// Keeps the vectors of files that are about to go from the table, but for chunks that stay. A crash after it leaves some of them
    /// in both places, which does no harm.
    fn retire(
        &mut self,
        repo: &Registered,
        table: &Vectors,
        paths: &[&str],
        stay: &HashSet<Hash>,
    ) -> Result<(), NotEmbedded> {
        for paths in paths.chunks(RETIRE_BATCH) {
            let mut leaving = self.runtime.block_on(table.vectors_in(paths))?;
            // Provisional ones are made again in no time.
            leaving.retain(|one| !stay.contains(&one.chunk_hash) && !model::is_table_id(&one.model_id));
            let tx = self.store(repo)?.write().map_err(WorkerError::from)?;
            retired::keep(&tx, &leaving, clock::now()).map_err(WorkerError::from)?;
            tx.commit().map_err(WorkerError::from)?;
        }
        Ok(())
    }

    fn count_vectors(&mut self, repo: &Registered, found: usize, made: usize) -> Result<(), WorkerError> {
        let tx = self.store(repo)?.write()?;
        cache::count(&tx, cache::VECTORS_FOUND, found)?;
        cache::count(&tx, cache::VECTORS_MADE, made)?;
        Ok(tx.commit()?)
    }

    /// The table, where it is there or it is known how long its vectors are: a server shows that by its first.
    pub(in crate::worker) fn table_if_known(
        &mut self,
        repo: &Registered,
        dimensions: Option<usize>,
    ) -> Result<Option<Arc<Vectors>>, NotEmbedded> {
        if let Some(dimensions) = dimensions {
            return self.table(repo, dimensions).map(Some);
        }
        if let Some(table) = self.tables.get(&repo.id) {
            return Ok(Some(table.clone()));
        }
        self.store(repo)?;
        let dir = self.vectors_dir(repo);
        let table = self.runtime.block_on(Vectors::open(&dir))?.map(Arc::new);
        self.tables.extend(table.iter().map(|table| (repo.id.clone(), table.clone())));
        Ok(table)
    }

    /// The LanceDB table of a repository, opened once.
    pub(super) fn table(&mut self, repo: &Registered, dimensions: usize) -> Result<Arc<Vectors>, NotEmbedded> {
        if let Some(table) = self.tables.get(&repo.id) {
            return Ok(table.clone());
        }
        self.store(repo)?;
        let dir = self.vectors_dir(repo);
        let table = Arc::new(self.runtime.block_on(Vectors::open_or_create(&dir, dimensions))?);
        self.tables.insert(repo.id.clone(), table.clone());
        Ok(table)
    }

    fn embed_texts(
        &mut self,
        repo: &Registered,
        model: &LoadedModel,
        pending: &[UnembeddedFile],
        texts: &[(Hash, &str)],
    ) -> Result<Vec<(Hash, Vector)>, NotEmbedded> {
        Ok(match model {
            LoadedModel::Here(embedder) => {
                let made = embedder.embed(&texts.iter().map(|(_, text)| *text).collect::<Vec<_>>())?;
                texts.iter().map(|(hash, _)| *hash).zip(made).collect()
            }
            LoadedModel::Server(server) => {
                let texts: Vec<(Hash, String)> = texts.iter().map(|(hash, text)| (*hash, (*text).to_owned())).collect();
                let Some(first) = pending.first() else { return Ok(Vec::new()) };
                self.embed_at_server(repo, server, &first.file.path, &texts)?.into_iter().collect()
            }
        })
    }

    /// Removes the vectors of files that are gone, and has LanceDB merge its fragments and drop old versions.
    pub(in crate::worker) fn sweep_vectors(&mut self, repo: &Registered) -> Result<(), WorkerError> {
        let dead = view::dead_vectors(self.store(repo)?.db())?;
        match self.try_sweep(repo, &dead) {
            Ok(upkeep) => {
                tracing::debug!(repo = %repo.id, ?upkeep, "vectors looked after");
                Ok(view::forget_dead_vectors(self.store(repo)?.db(), &dead)?)
            }
            Err(NotEmbedded::Store(error)) => Err(error),
            Err(error) => {
                tracing::warn!(repo = %repo.id, %error, "the vectors were not looked after");
                self.set_aside_vectors(repo).map(drop)
            }
        }
    }

    fn try_sweep(&mut self, repo: &Registered, dead: &[FilePath]) -> Result<Upkeep, NotEmbedded> {
        let dir = self.vectors_dir(repo);
        let Some(table) = self.runtime.block_on(Vectors::open(&dir))? else { return Ok(Upkeep::default()) };
        let paths: Vec<String> = dead.iter().map(FilePath::escaped).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        if !paths.is_empty() {
            // A chunk that is in another file, too, stays findable there; it is kept twice until the next prune.
            self.retire(repo, &table, &paths, &HashSet::new())?;
            self.runtime.block_on(table.delete_files(&paths))?;
        }
        Ok(self.runtime.block_on(table.maintain(clock::now(), VERSION_KEPT))?)
    }
}

/// The chunks that have no vector, each once, with what the model is shown of it.
fn missing<'p>(pending: &'p [UnembeddedFile], vectors: &HashMap<Hash, Vector>) -> Vec<(Hash, &'p str)> {
    let mut seen: HashSet<Hash> = vectors.keys().copied().collect();
    let chunks = pending.iter().flat_map(|one| one.chunks.iter().map(move |chunk| (one, chunk)));
    let absent = chunks.filter(|(_, chunk)| seen.insert(chunk.chunk_hash));
    absent
        .map(|(one, chunk)| (chunk.chunk_hash, one.sent.get(&chunk.chunk_hash).unwrap_or(&chunk.text).as_str()))
        .collect()
}

/// The rows of one file.
pub(super) fn rows(one: &UnembeddedFile, model_id: &str, vectors: &HashMap<Hash, Vector>) -> Vec<ChunkRow> {
    let row = |(record, chunk): (crate::cache::chunks::ChunkRecord, &Chunk)| {
        Some(ChunkRow {
            chunk_id: record.chunk_id,
            vector: vectors.get(&chunk.chunk_hash)?.clone(),
            text: chunk.text.clone(),
            file_path: one.file.path.escaped(),
            content_hash: one.file.content_hash?,
            chunk_hash: chunk.chunk_hash,
            model_id: model_id.to_owned(),
            entity_type: record.entity_type,
            entity_name: record.entity_name,
            language: one.file.language.as_str().to_owned(),
            start_line: record.start_line,
            end_line: record.end_line,
        })
    };
    records(&one.file.path, &one.chunks).into_iter().zip(&one.chunks).filter_map(row).collect()
}
