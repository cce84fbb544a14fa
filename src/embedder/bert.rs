//! A BERT on the CPU: texts to vectors of unit length.

mod attention;
mod distil;
mod network;
mod ops;
mod weights;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_transformers::models::bert::Config;
use rayon::ThreadPool;
use tokenizers::{Tokenizer, TruncationParams};

use self::network::Network;
use self::weights::Weights;
use super::model::{CONFIG, ModelSpec, Pooling, TOKENIZER, WEIGHTS};
use super::table::StaticTable;
use crate::vectors::DIMENSIONS;

/// Tokens of a text that are embedded, the model's two marks included; what follows is left out. The models allow 512, at more
/// than twice the time, and were trained on shorter ones.
pub const TOKENS_MAX: usize = 256;

/// A vector of unit length.
pub type Vector = [f32; DIMENSIONS];

#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    #[error(
        "the file {path} of the embedding model cannot be read: {source}; install it with `ra-agent model install`"
    )]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(
        "the file {path} of the embedding model is not what it should be: {reason}; install it again with `ra-agent model install`"
    )]
    Malformed { path: PathBuf, reason: String },
    #[error(
        "the embedding model gives vectors of {found} dimensions, and the store holds {DIMENSIONS}; choose another embedding.model"
    )]
    OtherDimensions { found: usize },
    #[error("the threads for embedding could not be started: {0}; lower embedding.threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("a text could not be embedded: {0}")]
    Compute(#[from] candle_core::Error),
    #[error("a text could not be cut into tokens: {0}")]
    Tokenize(#[source] tokenizers::Error),
    #[error("the embedding model has no marks for the begin and the end of a text; choose another embedding.model")]
    NoMarks,
    #[error("the embedding model gave a vector that is not finite; install it again with `ra-agent model install`")]
    NotFinite,
}

/// A loaded model. It holds its weights (90 to 130 MB, once for all threads) and its threads until it is dropped; while it loads, the
/// file is in memory as well.
pub struct Embedder {
    spec: ModelSpec,
    tokenizer: Tokenizer,
    network: Network,
    /// One thread each. Several threads on one text gain little at these sizes; several texts side by side gain all. A computation
    /// that runs inside a pool of one thread stays in it, whatever the library would split it into.
    pools: Vec<ThreadPool>,
    /// A search does not wait for the chunks that are being embedded. Its thread is started by the first search, for it inherits that
    /// one's priority, which is higher than that of the thread that loads the model to embed chunks.
    query_pool: OnceLock<ThreadPool>,
    dir: PathBuf,
    /// For provisional vectors, read when it is first needed; `None`: there is none.
    table: OnceLock<Option<StaticTable>>,
}

impl Embedder {
    /// Loads the model from its directory. `threads` texts are embedded side by side, at least one.
    ///
    /// # Errors
    /// If a file is missing or malformed, or the model's vectors are not of 384 dimensions.
    pub fn load(dir: &Path, spec: &ModelSpec, threads: usize) -> Result<Self, EmbedError> {
        let config = read_config(&dir.join(CONFIG))?;
        if config.hidden_size != DIMENSIONS {
            return Err(EmbedError::OtherDimensions { found: config.hidden_size });
        }
        Ok(Self {
            spec: *spec,
            tokenizer: read_tokenizer(&dir.join(TOKENIZER))?,
            network: read_network(&dir.join(WEIGHTS), &config)?,
            pools: (0..threads.max(1)).map(|nth| single_thread(format!("embed-{nth}"))).collect::<Result<_, _>>()?,
            query_pool: OnceLock::new(),
            dir: dir.to_path_buf(),
            table: OnceLock::new(),
        })
    }

    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// The vectors of these chunks' texts, in their order. One text is in work on each thread; nothing is padded, so a text's vector
    /// does not depend on its neighbours.
    ///
    /// # Errors
    /// If one cannot be embedded.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>, EmbedError> {
        let next = AtomicUsize::new(0);
        let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&index| index < texts.len());
        let work = |pool: &ThreadPool| {
            pool.install(|| {
                std::iter::from_fn(take)
                    .map(|index| Ok((index, self.embed_one(texts[index])?)))
                    .collect::<Result<Vec<_>, _>>()
            })
        };
        let mut vectors = self.on_every_thread(texts.len(), work)?;
        vectors.sort_unstable_by_key(|(index, _)| *index);
        Ok(vectors.into_iter().map(|(_, vector)| vector).collect())
    }

    /// Has at most so many threads work side by side. What they made comes in no order.
    fn on_every_thread<T: Send>(
        &self,
        most: usize,
        work: impl Fn(&ThreadPool) -> Result<Vec<T>, EmbedError> + Sync,
    ) -> Result<Vec<T>, EmbedError> {
        let busy = &self.pools[..self.pools.len().min(most)];
        let parts = std::thread::scope(|scope| {
            let threads: Vec<_> = busy.iter().map(|pool| scope.spawn(|| work(pool))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect::<Result<Vec<Vec<T>>, EmbedError>>()
        })?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// The table for provisional vectors, if one was distilled.
    pub fn table(&self) -> Option<&StaticTable> {
        self.table.get_or_init(|| StaticTable::read(&self.dir)).as_ref()
    }

    /// The provisional vectors of these chunks' texts, in their order.
    ///
    /// # Errors
    /// If a text cannot be cut into tokens.
    pub fn embed_provisionally(&self, table: &StaticTable, texts: &[&str]) -> Result<Vec<Vector>, EmbedError> {
        let next = AtomicUsize::new(0);
        let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&index| index < texts.len());
        let one = |index: usize| -> Result<(usize, Vector), EmbedError> {
            Ok((index, table.vector(&self.tokens(texts[index])?)?))
        };
        let work = |pool: &ThreadPool| {
            pool.install(|| std::iter::from_fn(take).map(one).collect::<Result<Vec<_>, EmbedError>>())
        };
        let mut vectors = self.on_every_thread(texts.len(), work)?;
        vectors.sort_unstable_by_key(|(index, _)| *index);
        Ok(vectors.into_iter().map(|(_, vector)| vector).collect())
    }

    /// The provisional vector of a search query: a sum of tokens has no use for what marks one as a query.
    ///
    /// # Errors
    /// If it cannot be cut into tokens.
    pub fn query_provisionally(&self, table: &StaticTable, text: &str) -> Result<Vector, EmbedError> {
        table.vector(&self.tokens(text)?)
    }

    /// A text's tokens without marks.
    fn tokens(&self, text: &str) -> Result<Vec<u32>, EmbedError> {
        Ok(self.tokenizer.encode_fast(text, false).map_err(EmbedError::Tokenize)?.get_ids().to_vec())
    }

    /// The vector of a search query, which some models want marked as one.
    ///
    /// # Errors
    /// If it cannot be embedded.
    pub fn embed_query(&self, text: &str) -> Result<Vector, EmbedError> {
        let text = format!("{}{text}", self.spec.query_prefix);
        self.query_pool()?.install(|| self.embed_one(&text))
    }

    fn query_pool(&self) -> Result<&ThreadPool, EmbedError> {
        if let Some(pool) = self.query_pool.get() {
            return Ok(pool);
        }
        let started = single_thread("embed-query".to_owned())?;
        Ok(self.query_pool.get_or_init(|| started))
    }

    /// Number of tokens of a text, uncut, as far as [`TOKENS_MAX`] of them are embedded.
    ///
    /// # Errors
    /// If the tokenizer refuses the text.
    pub fn count_tokens(&self, text: &str) -> Result<usize, EmbedError> {
        Ok(self.tokenizer.encode_fast(text, true).map_err(EmbedError::Tokenize)?.len())
    }

    fn embed_one(&self, text: &str) -> Result<Vector, EmbedError> {
        let tokens = self.tokenizer.encode_fast(text, true).map_err(EmbedError::Tokenize)?;
        let hidden = self.network.forward(tokens.get_ids())?;
        let pooled = match self.spec.pooling {
            Pooling::Cls => hidden.get(0)?,
            Pooling::Mean => hidden.mean(0)?,
        };
        normalized(&pooled.to_vec1::<f32>()?)
    }
}

pub(super) fn normalized(values: &[f32]) -> Result<Vector, EmbedError> {
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    let mut vector: Vector = values.try_into().map_err(|_| EmbedError::OtherDimensions { found: values.len() })?;
    vector.iter_mut().for_each(|value| *value /= length);
    if vector.iter().all(|value| value.is_finite()) { Ok(vector) } else { Err(EmbedError::NotFinite) }
}

fn single_thread(name: String) -> Result<ThreadPool, rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new().num_threads(1).thread_name(move |_| name.clone()).build()
}

fn read_config(path: &Path) -> Result<Config, EmbedError> {
    let unreadable = |source| EmbedError::Unreadable { path: path.to_path_buf(), source };
    let bytes = std::fs::read(path).map_err(unreadable)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| EmbedError::Malformed { path: path.to_path_buf(), reason: error.to_string() })
}

fn read_tokenizer(path: &Path) -> Result<Tokenizer, EmbedError> {
    let malformed = |reason: String| EmbedError::Malformed { path: path.to_path_buf(), reason };
    let bytes = std::fs::read(path).map_err(|source| EmbedError::Unreadable { path: path.to_path_buf(), source })?;
    let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|error| malformed(error.to_string()))?;
    let truncation = TruncationParams { max_length: TOKENS_MAX, ..TruncationParams::default() };
    tokenizer.with_padding(None);
    tokenizer.with_truncation(Some(truncation)).map_err(|error| malformed(error.to_string()))?;
    Ok(tokenizer)
}

fn read_network(path: &Path, config: &Config) -> Result<Network, EmbedError> {
    let bytes = std::fs::read(path).map_err(|source| EmbedError::Unreadable { path: path.to_path_buf(), source })?;
    Weights::new(&bytes)
        .and_then(|weights| Network::load(&weights, config))
        .map_err(|error| EmbedError::Malformed { path: path.to_path_buf(), reason: error.to_string() })
}

#[cfg(test)]
#[path = "bert_tests.rs"]
mod tests;
