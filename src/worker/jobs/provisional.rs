//! Provisional vectors: where many files wait for the model, they are first given those of its static table, which takes a fifteenth of
//! the time. Their jobs stay in the queue, which may be paused, and each replaces the vectors of its file by the model's own.

use std::collections::{HashMap, VecDeque};

use super::analyze::by_repo;
use super::embed::{EmbedPreparation, NotEmbedded, UnembeddedFile, rows};
use crate::cache::{provisional, vector_sets};
use crate::clock;
use crate::domain::Hash;
use crate::embedder::encoder::{Embedder, Vector};
use crate::embedder::model;
use crate::embedder::table::StaticTable;
use crate::queue::{self, Job, Lane};
use crate::repo::Repo;
use crate::repo::registry::{self, Registered};
use crate::worker::process::model::LoadedModel;
use crate::worker::{Worker, WorkerError};

/// Fewer files than that get the model's own vectors about as soon.
const LEAST_FILES: usize = 32;
/// Files in one go: some tenths of a second, one version of the LanceDB table. The jobs come in the same order, so each changes one of
/// these versions' fragments, which searches then read again.
const FILES_AT_ONCE: usize = 64;

/// The jobs whose files are still to get provisional vectors, the most urgent first.
#[derive(Default)]
pub(in crate::worker) struct ProvisionalBacklog {
    /// The newest job of the queue when it was looked at last.
    newest: i64,
    left: VecDeque<Job>,
}

impl Worker {
    /// Gives some files provisional vectors. Returns how many jobs it has dealt with; 0: nothing is left.
    pub(in crate::worker) fn embed_provisionally(&mut self, except: &[i64]) -> Result<usize, WorkerError> {
        let arrivals = queue::arrivals(&self.queue, Lane::Embed, self.provisional.newest)?;
        self.provisional.newest = arrivals.newest;
        if arrivals.any {
            let waiting = queue::next_of(&self.queue, Lane::Embed, except, clock::now())?;
            self.provisional.left = if waiting.len() < LEAST_FILES { VecDeque::new() } else { waiting.into() };
        }
        if self.provisional.left.is_empty() {
            return Ok(0);
        }
        // Without a model the jobs themselves report it.
        let embedder = match self.model.get() {
            Ok(LoadedModel::Here(embedder)) if embedder.table().is_some() => embedder,
            _ => {
                self.provisional.left.clear();
                return Ok(0);
            }
        };
        let Some(table) = embedder.table() else { return Ok(0) };
        let count = self.provisional.left.len().min(FILES_AT_ONCE);
        let jobs: Vec<Job> = self.provisional.left.drain(..count).collect();
        for (repo, jobs) in by_repo(jobs) {
            let Some(registered) = registry::get(&self.queue, &repo)? else { continue };
            match self.provide(&registered, &embedder, table, jobs) {
                Ok(()) => {
                    self.unsettled.insert(repo);
                }
                Err(NotEmbedded::Store(error)) => return Err(error),
                Err(error) => {
                    // The model's own come all the same, and their jobs see to a damaged table.
                    tracing::warn!(repo = %repo, %error, "no provisional vectors");
                    self.provisional.left.clear();
                }
            }
        }
        Ok(count)
    }

    fn provide(
        &mut self,
        repo: &Registered,
        embedder: &Embedder,
        table: &StaticTable,
        jobs: Vec<Job>,
    ) -> Result<(), NotEmbedded> {
        // What keeps it from being opened is reported by the jobs.
        let Ok(git) = Repo::open(&repo.location) else { return Ok(()) };
        if vector_sets::is_changing(self.store(repo)?.db()).map_err(WorkerError::from)? {
            // The vectors of the model before serve, and rank better.
            return Ok(());
        }
        let table_id = model::table_id(embedder.id());
        let mut pending: Vec<UnembeddedFile> = Vec::new();
        for job in jobs {
            if provisional::has(self.store(repo)?.db(), &job.path, &job.key, &table_id).map_err(WorkerError::from)? {
                continue;
            }
            match self.prepare_embed(repo, &git, job)? {
                // Its chunks that stayed have the model's own vectors.
                EmbedPreparation::Ready(one) if one.was_embedded => {}
                EmbedPreparation::Ready(one) => pending.push(*one),
                EmbedPreparation::Over(..) => {}
            }
        }
        if pending.is_empty() {
            return Ok(());
        }
        let chunks: HashMap<Hash, &str> =
            pending.iter().flat_map(|one| &one.chunks).map(|chunk| (chunk.chunk_hash, chunk.text.as_str())).collect();
        let texts: Vec<&str> = chunks.values().copied().collect();
        let made = embedder.embed_provisionally(table, &texts)?;
        let vectors: HashMap<Hash, Vector> = chunks.keys().copied().zip(made).collect();
        let paths: Vec<String> = pending.iter().map(|one| one.file.path.escaped()).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let rows = pending.iter().flat_map(|one| rows(one, &table_id, &vectors)).collect();
        let vectors = self.table(repo, embedder.dimensions())?;
        self.runtime.block_on(vectors.replace_files(&paths, rows))?;
        let tx = self.store(repo)?.write().map_err(WorkerError::from)?;
        for one in &pending {
            provisional::put(&tx, &one.file.path, &one.job.key, &table_id).map_err(WorkerError::from)?;
        }
        tx.commit().map_err(WorkerError::from)?;
        Ok(())
    }
}
