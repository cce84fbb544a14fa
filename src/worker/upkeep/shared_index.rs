//! Gives the vectors of committed files to the shared index: what is new replaces what was given of the same file, and what has left is
//! removed. What was given before is known without a request.

use std::collections::HashMap;
use std::sync::Arc;

use super::shared::SharingDone;
use crate::analyzer::llm::Withheld;
use crate::cache::chunks::{self, ChunkRecord};
use crate::cache::exchange_vectors::{self, EmbeddedFile};
use crate::domain::{FilePath, Hash};
use crate::repo::registry::Registered;
use crate::shared::RemoteResults;
use crate::shared::index::{IndexPlan, IndexRow, SharedFile, SharedItem, SharedRepo};
use crate::vectors::Vectors;
use crate::worker::{Worker, WorkerError};

/// Rows that are given in one go, which are a version of the table: some 4 MB of 384 dimensions.
const ROWS_AT_ONCE: usize = 2_000;
/// Version of what a row says.
const ROW_VERSION: &[u8] = b"1";

/// Where the vectors of a repository are.
struct LocalVectors {
    table: Arc<Vectors>,
    model_id: String,
}

impl Worker {
    /// Gives what one repository has. Returns whether that was all.
    pub(super) fn give_index(
        &mut self,
        repo: &Registered,
        remote: &mut RemoteResults,
        withheld: &Withheld,
        done: &mut SharingDone,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<bool, WorkerError> {
        let is_on = self.config.shared.as_ref().is_some_and(|shared| shared.index);
        let model_id = self.recipe.embedding.as_ref().map(|embedding| embedding.model_id.clone());
        let Some(model_id) = model_id.filter(|_| is_on) else { return Ok(true) };
        let Ok(Some(table)) = self.table_if_known(repo, None) else { return Ok(true) };
        let embedded = exchange_vectors::embedded(self.store(repo)?.db(), |path| withheld.holds(path))?;
        let files: Vec<SharedFile> = embedded.into_iter().map(shared_file).collect();
        let (shared_repo, recheck) = (shared_repo(repo), self.shared.recheck.contains(&repo.id));
        let planned = remote.plan_index((&model_id, table.dimensions()), &shared_repo, files, recheck);
        let plan = match planned {
            Ok(Some(plan)) => plan,
            Ok(None) => {
                self.shared.recheck.remove(&repo.id);
                return Ok(true);
            }
            Err(error) => {
                tracing::debug!(%error, "not given");
                done.problem = Some(error.to_string());
                return Ok(false);
            }
        };
        let local = LocalVectors { table, model_id };
        let is_all = self.give_planned(repo, remote, &local, plan, done, is_wanted)?;
        if is_all {
            self.shared.recheck.remove(&repo.id);
        }
        Ok(is_all)
    }

    /// Gives the rows of changed files, some files at a time.
    fn give_planned(
        &mut self,
        repo: &Registered,
        remote: &mut RemoteResults,
        local: &LocalVectors,
        mut plan: IndexPlan,
        done: &mut SharingDone,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<bool, WorkerError> {
        let name = shared_repo(repo).name;
        let mut changed = std::mem::take(&mut plan.changed).into_iter().peekable();
        loop {
            let (mut paths, mut chunks_of, mut rows) = (Vec::new(), HashMap::new(), 0);
            while let Some(file) = changed.next_if(|_| rows < ROWS_AT_ONCE) {
                let chunks = chunks::of_file(self.store(repo)?.db(), &file.path)?;
                rows += chunks.len();
                chunks_of.insert(file.path.clone(), chunks);
                paths.push(file);
            }
            let hashes: Vec<Hash> = chunks_of.values().flatten().map(|chunk| chunk.chunk_hash).collect();
            let vectors = self.runtime.block_on(local.table.vectors_of(&hashes, &local.model_id)).unwrap_or_default();
            let files: Vec<(SharedFile, Vec<IndexRow>)> = paths
                .into_iter()
                .filter_map(|file| {
                    let rows = index_rows(&name, chunks_of.get(&file.path)?, &vectors)?;
                    Some((file, rows))
                })
                .collect();
            match remote.give_index(&mut plan, files) {
                Ok(given) => done.rows += given as u64,
                Err(error) => {
                    tracing::debug!(%error, "not given");
                    done.problem = Some(error.to_string());
                    return Ok(false);
                }
            }
            if changed.peek().is_none() {
                return Ok(true);
            }
            if is_wanted() {
                return Ok(false);
            }
        }
    }
}

/// The repository under the name of its directory, which clones of it have in common as a rule.
fn shared_repo(repo: &Registered) -> SharedRepo {
    let name = repo.location.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.strip_suffix(".git").filter(|name| !name.is_empty()).map_or_else(|| name.clone(), str::to_owned);
    let origin = match &repo.root_commit {
        Some(root) => Hash::of(root.to_string().as_bytes()),
        None => Hash::of_fields([&b"repository"[..], repo.id.0.as_bytes(), name.as_bytes()]),
    };
    SharedRepo { name, origin }
}

fn shared_file(file: EmbeddedFile) -> SharedFile {
    let state = file.key.map(|key| Hash::of_fields([ROW_VERSION, key.as_bytes()]));
    SharedFile { path: file.path, state }
}

/// The rows of a file. `None`: a vector is missing, so its embedding is not done.
fn index_rows(repo: &str, chunks: &[ChunkRecord], vectors: &HashMap<Hash, Vec<f32>>) -> Option<Vec<IndexRow>> {
    let row = |chunk: &ChunkRecord| {
        let vector = vectors.get(&chunk.chunk_hash)?.clone();
        Some(IndexRow { id: chunk.chunk_id.clone(), item: shared_item(repo, &chunk.path, chunk), vector })
    };
    chunks.iter().map(row).collect()
}

fn shared_item(repo: &str, path: &FilePath, chunk: &ChunkRecord) -> SharedItem {
    let hash = chunk.chunk_hash.as_bytes();
    SharedItem {
        repo: repo.to_owned(),
        path: path.escaped(),
        start_line: chunk.start_line,
        end_line: chunk.end_line,
        entity_type: chunk.entity_type.clone(),
        entity_name: chunk.entity_name.clone(),
        chunk: std::array::from_fn(|at| hash[at]),
    }
}
