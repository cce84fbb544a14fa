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
use crate::embedder::bert::{EmbedError, Embedder, Vector};
use crate::embedder::model;
use crate::embedder::table::CosineScale;
use crate::repo::registry::Registered;
use crate::vectors::{Piece, UnitCode, Vectors, VectorsError};

/// Vectors of all repositories together that a process keeps in memory: 128 MB at the most, some 0.8 MB for each thousand. Tables that do
/// not fit any more are searched on the disk, by their index.
const RESIDENT_ROWS_MAX: usize = 160_000;

/// A chunk that is near, and the cosine of the angle between, on the scale of the model's own vectors.
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

/// A question's vector, for the vectors of one kind.
struct AskedVector {
    model_id: &'static str,
    vector: Vector,
    /// Puts cosines of this kind on the scale of the model's own: only then they are compared.
    scale: CosineScale,
}

/// The question as the model has it, and as its table for provisional vectors does.
fn asked(embedder: &Embedder, query: &str) -> Result<Vec<AskedVector>, EmbedError> {
    let spec = embedder.spec();
    let own = AskedVector { model_id: spec.id, vector: embedder.embed_query(query)?, scale: CosineScale::SAME };
    let Some(table) = embedder.table() else { return Ok(vec![own]) };
    let vector = embedder.query_provisionally(table, query)?;
    Ok(vec![own, AskedVector { model_id: spec.table_id, vector, scale: table.scale }])
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
            asked(&embedder, query).map_err(|error| error.to_string())
        };
        let (embedded, ways) = std::thread::scope(|scope| {
            let embedded = scope.spawn(embed);
            let ways = model_id.map(|model_id| self.ways(repos, model_id)).unwrap_or_else(|| Ok(Vec::new()));
            (embedded.join(), ways)
        });
        let vectors = embedded.map_err(|_| "the model panicked while it read the question".to_owned())??;
        let ways = ways.map_err(|error| error.to_string())?;
        self.search(&ways, &vectors, depth).map_err(|error| error.to_string())
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
        let table_id = model::spec(model_id).map(|spec| spec.table_id);
        let model_ids: Vec<&str> = [Some(model_id), table_id].into_iter().flatten().collect();
        let (mut ways, mut left) = (Vec::new(), RESIDENT_ROWS_MAX);
        for (index, repo) in repos.iter().enumerate() {
            let Some(table) = self.table(repo)? else { continue };
            let resident = match self.comparing {
                Some(_) => self.runtime.block_on(table.resident(&model_ids, left))?,
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

    fn search(&self, ways: &[(usize, Way)], asked: &[AskedVector], depth: usize) -> Result<Vec<Near>, VectorsError> {
        let mut found = self.in_memory(ways, asked, depth);
        let disk = ways.iter().filter_map(|(repo, way)| match way {
            Way::Disk(table) => Some((*repo, table)),
            Way::Memory(_) => None,
        });
        let disk = disk.flat_map(|way| asked.iter().map(move |asked| (way, asked)));
        let searches = disk.map(|((repo, table), asked)| async move {
            let near = table.search(&asked.vector, asked.model_id, depth).await?.into_iter();
            let near = near.map(move |(chunk_id, cosine)| Near { repo, chunk_id, score: asked.scale.apply(cosine) });
            Ok::<_, VectorsError>(near)
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

    fn in_memory(&self, ways: &[(usize, Way)], asked: &[AskedVector], depth: usize) -> Vec<Near> {
        let Some(pool) = &self.comparing else { return Vec::new() };
        let pieces: Vec<(usize, &Arc<Piece>)> = ways
            .iter()
            .filter_map(|(repo, way)| match way {
                Way::Memory(pieces) => Some(pieces.iter().map(|piece| (*repo, piece))),
                Way::Disk(_) => None,
            })
            .flatten()
            .collect();
        let codes: Vec<(&AskedVector, UnitCode)> = asked.iter().map(|one| (one, UnitCode::of(&one.vector))).collect();
        let near = |(repo, piece): &(usize, &Arc<Piece>)| -> Vec<Near> {
            let Some((asked, code)) = codes.iter().find(|(asked, _)| asked.model_id == piece.model_id()) else {
                return Vec::new();
            };
            let near = piece.nearest(code, depth).into_iter();
            let scaled = |(chunk_id, cosine): (&str, f32)| (chunk_id.to_owned(), asked.scale.apply(cosine));
            near.map(scaled).map(|(chunk_id, score)| Near { repo: *repo, chunk_id, score }).collect()
        };
        pool.install(|| pieces.par_iter().flat_map_iter(near).collect())
    }
}
