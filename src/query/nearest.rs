//! The chunks whose vectors are nearest to a question's, over any number of repositories.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;
use tokio::runtime::Runtime;

use super::QueryError;
use crate::cache::vector_sets::VectorSet;
use crate::config::Config;
use crate::embedder::encoder::{EmbedError, Embedder, Vector};
use crate::embedder::model;
use crate::embedder::table::CosineScale;
use crate::home::Home;
use crate::vectors::{Piece, UnitCode, Vectors, VectorsError};

/// Components of the vectors of all repositories together that a process keeps in memory, 16 bits each: 128 MB at the most, 160,000 vectors
/// of 384 dimensions. Tables that do not fit any more are searched on the disk, by their index.
const RESIDENT_COMPONENTS_MAX: usize = 160_000 * 384;

/// A chunk that is near, and the cosine of the angle between, on the scale of the model's own vectors.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Near {
    /// Which of the repositories that were named.
    pub repo: usize,
    pub chunk_id: String,
    pub score: f32,
    pub is_provisional: bool,
}

/// The tables of vectors, kept open from search to search.
pub(super) struct Tables {
    home: Home,
    threads: usize,
    runtime: Runtime,
    /// `None`: this process searches once, for which reading everything does not pay.
    comparing: Option<ThreadPool>,
    open: HashMap<PathBuf, Arc<Vectors>>,
    /// Models that were in use before, while repositories are searched by their vectors.
    earlier: HashMap<String, Arc<Embedder>>,
}

/// How a table is searched.
enum Way {
    Memory(Vec<Arc<Piece>>),
    Disk(Arc<Vectors>),
}

/// A question's vector, for the vectors of one kind.
pub struct AskedVector {
    pub model_id: String,
    pub vector: Vector,
    /// Puts cosines of this kind on the scale of the model's own: only then they are compared.
    pub scale: CosineScale,
    /// Those of the model's table, until its own are made.
    pub is_provisional: bool,
}

impl AskedVector {
    /// For a model's own vectors.
    pub fn own(model_id: &str, vector: Vector) -> Self {
        Self { model_id: model_id.to_owned(), vector, scale: CosineScale::SAME, is_provisional: false }
    }

    fn near(&self, repo: usize, chunk_id: String, cosine: f32) -> Near {
        Near { repo, chunk_id, score: self.scale.apply(cosine), is_provisional: self.is_provisional }
    }
}

/// What makes a question's vectors.
pub trait QuestionEmbedder: Send + Sync {
    /// One for each kind of vectors that it may be compared with.
    ///
    /// # Errors
    /// Why there are none, for people: the search then goes by words.
    fn asked(&self, query: &str) -> Result<Vec<AskedVector>, String>;
}

/// The question as the model has it, and as its table for provisional vectors does.
impl QuestionEmbedder for Embedder {
    fn asked(&self, query: &str) -> Result<Vec<AskedVector>, String> {
        let failed = |error: EmbedError| error.to_string();
        let vector = self.embed_query(query).map_err(failed)?;
        let own = AskedVector::own(self.id(), vector);
        let Some(table) = self.table() else { return Ok(vec![own]) };
        let vector = self.query_provisionally(table, query).map_err(failed)?;
        let model_id = model::table_id(self.id());
        Ok(vec![own, AskedVector { model_id, vector, scale: table.scale, is_provisional: true }])
    }
}

impl Tables {
    /// # Errors
    /// If no thread can be started.
    pub(super) fn new(home: &Home, config: &Config, keeps: bool) -> Result<Self, QueryError> {
        let failed = |error: &dyn std::error::Error| QueryError::Failed(format!("no thread can be started: {error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| failed(&error))?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = || rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| failed(&error));
        let comparing = keeps.then(pool).transpose()?;
        Ok(Self {
            home: home.clone(),
            threads: config.embedding.threads,
            runtime,
            comparing,
            open: HashMap::new(),
            earlier: HashMap::new(),
        })
    }

    /// At most `depth` chunks of each repository, the nearest of all first. While the model is got and reads the question, the tables
    /// are got ready. `sets`: the vectors of each repository; `None`: it has none.
    ///
    /// # Errors
    /// If there is no model, which is the error's text, or a table cannot be read.
    pub(super) fn nearest(
        &mut self,
        sets: &[Option<VectorSet>],
        query: &str,
        model: impl FnOnce() -> Result<Arc<dyn QuestionEmbedder>, String> + Send,
        depth: usize,
    ) -> Result<Vec<Near>, String> {
        let embed = || model()?.asked(query);
        let (embedded, ways) = std::thread::scope(|scope| {
            let embedded = scope.spawn(embed);
            let ways = self.ways(sets);
            (embedded.join(), ways)
        });
        let mut vectors = embedded.map_err(|_| "the model panicked while it read the question".to_owned())??;
        let is_asked = |id: &str| vectors.iter().any(|one| one.model_id == id);
        let others: BTreeSet<&str> =
            sets.iter().flatten().map(|set| set.model_id.as_str()).filter(|id| !is_asked(id)).collect();
        self.earlier.retain(|id, _| others.contains(id.as_str()));
        for id in others {
            // One that is not there any more leaves its repositories to the words.
            match self.earlier(id) {
                Ok(embedder) => vectors.extend(embedder.asked(query)?),
                Err(error) => tracing::warn!(model = id, %error, "vectors of an earlier model cannot be searched"),
            }
        }
        let ways = ways.map_err(|error| error.to_string())?;
        self.search(&ways, &vectors, depth).map_err(|error| error.to_string())
    }

    fn earlier(&mut self, id: &str) -> Result<Arc<Embedder>, EmbedError> {
        if let Some(embedder) = self.earlier.get(id) {
            return Ok(embedder.clone());
        }
        let embedder = Arc::new(Embedder::load(&self.home.model(id), id, self.threads)?);
        self.earlier.insert(id.to_owned(), embedder.clone());
        Ok(embedder)
    }

    /// Reads what is kept in memory, so that the next search need not.
    ///
    /// # Errors
    /// If a table cannot be read.
    pub(super) fn ready(&mut self, sets: &[Option<VectorSet>]) -> Result<(), VectorsError> {
        self.ways(sets).map(drop)
    }

    /// How each repository that has vectors is searched.
    fn ways(&mut self, sets: &[Option<VectorSet>]) -> Result<Vec<(usize, Way)>, VectorsError> {
        let (mut ways, mut left) = (Vec::new(), RESIDENT_COMPONENTS_MAX);
        for (index, set) in sets.iter().enumerate() {
            let Some(set) = set else { continue };
            let Some(table) = self.table(set)? else { continue };
            let table_id = model::table_id(&set.model_id);
            let model_ids = [set.model_id.as_str(), &table_id];
            let resident = match self.comparing {
                Some(_) => self.runtime.block_on(table.resident(&model_ids, left / table.dimensions().max(1)))?,
                None => None,
            };
            ways.push(match resident {
                Some(pieces) => {
                    let rows: usize = pieces.iter().map(|piece| piece.rows()).sum();
                    left = left.saturating_sub(rows * table.dimensions());
                    (index, Way::Memory(pieces))
                }
                None => (index, Way::Disk(table)),
            });
        }
        Ok(ways)
    }

    fn table(&mut self, set: &VectorSet) -> Result<Option<Arc<Vectors>>, VectorsError> {
        if let Some(table) = self.open.get(&set.dir) {
            return Ok(Some(table.clone()));
        }
        let opened = self.runtime.block_on(Vectors::open(&set.dir))?.map(Arc::new);
        if let Some(table) = &opened {
            self.open.insert(set.dir.clone(), table.clone());
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
            let near = table.search(&asked.vector, &asked.model_id, depth).await?.into_iter();
            let near = near.map(move |(chunk_id, cosine)| asked.near(repo, chunk_id, cosine));
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
            near.map(|(chunk_id, cosine)| asked.near(*repo, chunk_id.to_owned(), cosine)).collect()
        };
        pool.install(|| pieces.par_iter().flat_map_iter(near).collect())
    }
}
