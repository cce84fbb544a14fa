//! The chunks whose vectors are nearest to a question's, over any number of repositories.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;
use tokio::runtime::Runtime;

use super::QueryError;
use crate::cache::store_dir;
use crate::config::Config;
use crate::domain::RepoId;
use crate::embedder::bert::{Embedder, Vector};
use crate::repo::registry::Registered;
use crate::vectors::{Piece, UnitCode, Vectors, VectorsError};

/// Vectors of all repositories together that a process keeps in memory: 128 MB at the most, some 0.8 MB for each thousand. Tables that do
/// not fit any more are searched on the disk, by their index.
const RESIDENT_ROWS_MAX: usize = 160_000;

/// A chunk that is near, and the cosine of the angle between.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Near {
    /// Which of the repositories that were named.
    pub repo: usize,
    pub chunk_id: String,
    pub score: f32,
}

/// The tables of vectors, kept open from search to search.
pub(super) struct Tables {
    config: Config,
    runtime: Runtime,
    /// `None`: this process searches once, for which reading everything does not pay.
    comparing: Option<ThreadPool>,
    open: HashMap<RepoId, Arc<Vectors>>,
}

/// How a table is searched.
enum Way {
    Memory(Vec<Arc<Piece>>),
    Disk(Arc<Vectors>),
}

impl Tables {
    /// # Errors
    /// If no thread can be started.
    pub(super) fn new(config: &Config, keeps: bool) -> Result<Self, QueryError> {
        let failed = |error: &dyn std::error::Error| QueryError::Invalid(format!("no thread can be started: {error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| failed(&error))?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = || rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| failed(&error));
        let comparing = keeps.then(pool).transpose()?;
        Ok(Self { config: config.clone(), runtime, comparing, open: HashMap::new() })
    }

    /// At most `depth` chunks of each repository, the nearest of all first. While the model is got and reads the question, the tables
    /// are got ready.
    ///
    /// # Errors
    /// If there is no model, which is the error's text, or a table cannot be read.
    pub(super) fn nearest(
        &mut self,
        repos: &[&Registered],
        query: &str,
        model_id: Option<&str>,
        model: impl FnOnce() -> Result<Arc<Embedder>, String> + Send,
        depth: usize,
    ) -> Result<Vec<Near>, String> {
        let embed = || {
            let embedder = model()?;
            embedder.embed_query(query).map(|vector| (embedder.spec().id, vector)).map_err(|error| error.to_string())
        };
        let (embedded, ways) = std::thread::scope(|scope| {
            let embedded = scope.spawn(embed);
            let ways = model_id.map(|model_id| self.ways(repos, model_id)).unwrap_or_else(|| Ok(Vec::new()));
            (embedded.join(), ways)
        });
        let (model_id, vector) = embedded.map_err(|_| "the model panicked while it read the question".to_owned())??;
        let ways = ways.map_err(|error| error.to_string())?;
        self.search(&ways, &vector, model_id, depth).map_err(|error| error.to_string())
    }

    /// Reads what is kept in memory, so that the next search need not.
    ///
    /// # Errors
    /// If a table cannot be read.
    pub(super) fn ready(&mut self, repos: &[&Registered], model_id: &str) -> Result<(), VectorsError> {
        self.ways(repos, model_id).map(drop)
    }

    /// How each repository that has vectors is searched.
    fn ways(&mut self, repos: &[&Registered], model_id: &str) -> Result<Vec<(usize, Way)>, VectorsError> {
        let (mut ways, mut left) = (Vec::new(), RESIDENT_ROWS_MAX);
        for (index, repo) in repos.iter().enumerate() {
            let Some(table) = self.table(repo)? else { continue };
            let resident = match self.comparing {
                Some(_) => self.runtime.block_on(table.resident(model_id, left))?,
                None => None,
            };
            ways.push(match resident {
                Some(pieces) => {
                    left = left.saturating_sub(pieces.iter().map(|piece| piece.rows()).sum());
                    (index, Way::Memory(pieces))
                }
                None => (index, Way::Disk(table)),
            });
        }
        Ok(ways)
    }

    fn table(&mut self, repo: &Registered) -> Result<Option<Arc<Vectors>>, VectorsError> {
        if let Some(table) = self.open.get(&repo.id) {
            return Ok(Some(table.clone()));
        }
        let dir = store_dir(&self.config, repo).vectors();
        let opened = self.runtime.block_on(Vectors::open(&dir))?.map(Arc::new);
        if let Some(table) = &opened {
            self.open.insert(repo.id.clone(), table.clone());
        }
        Ok(opened)
    }

    fn search(
        &self,
        ways: &[(usize, Way)],
        query: &Vector,
        model_id: &str,
        depth: usize,
    ) -> Result<Vec<Near>, VectorsError> {
        let mut found = self.in_memory(ways, &UnitCode::of(query), depth);
        let disk = ways.iter().filter_map(|(repo, way)| match way {
            Way::Disk(table) => Some((*repo, table)),
            Way::Memory(_) => None,
        });
        let searches = disk.map(|(repo, table)| async move {
            let near = table.search(query, model_id, depth).await?;
            Ok::<_, VectorsError>(near.into_iter().map(move |(chunk_id, score)| Near { repo, chunk_id, score }))
        });
        let on_disk = self.runtime.block_on(futures::future::try_join_all(searches))?;
        found.extend(on_disk.into_iter().flatten());
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.chunk_id.cmp(&b.chunk_id)));
        let mut count: HashMap<usize, usize> = HashMap::new();
        found.retain(|near| {
            let count = count.entry(near.repo).or_default();
            *count += 1;
            *count <= depth
        });
        Ok(found)
    }

    fn in_memory(&self, ways: &[(usize, Way)], query: &UnitCode, depth: usize) -> Vec<Near> {
        let Some(pool) = &self.comparing else { return Vec::new() };
        let pieces: Vec<(usize, &Arc<Piece>)> = ways
            .iter()
            .filter_map(|(repo, way)| match way {
                Way::Memory(pieces) => Some(pieces.iter().map(|piece| (*repo, piece))),
                Way::Disk(_) => None,
            })
            .flatten()
            .collect();
        let near = |(repo, piece): &(usize, &Arc<Piece>)| -> Vec<Near> {
            let near = piece.nearest(query, depth).into_iter();
            near.map(|(chunk_id, score)| Near { repo: *repo, chunk_id: chunk_id.to_owned(), score }).collect()
        };
        pool.install(|| pieces.par_iter().flat_map_iter(near).collect())
    }
}
