//! An encoder on the CPU: texts to vectors of unit length.

mod attention;
mod distil;
mod families;
mod network;
mod ops;
mod weights;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::Tensor;
use rayon::ThreadPool;
use serde_json::Value;
use tokenizers::{Tokenizer, TruncationParams};

use self::families::NetworkError;
use self::network::Network;
use super::model::{self, CONFIG, Pooling, TOKENIZER, VectorRules, WEIGHTS};
use super::rules::{RulesError, is_plain_name};
use super::table::StaticTable;

pub use self::families::TOKENS_MAX;

/// A vector of unit length.
pub type Vector = Vec<f32>;

/// Lists the files that the weights are spread over.
pub(super) const SHARDS: &str = "model.safetensors.index.json";

#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    #[error(
        "the file {path} of the embedding model cannot be read: {source}; install it with `ra-agent model install`"
    )]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(
        "the file {path} of the embedding model is not what it should be: {reason}; get the file again, then install it again with `ra-agent model install`"
    )]
    Malformed { path: PathBuf, reason: String },
    #[error("the embedding model in {path} cannot be used: {reason}; choose another, `ra-agent model list` names some")]
    Unsupported { path: PathBuf, reason: String },
    #[error(transparent)]
    Rules(#[from] RulesError),
    #[error(
        "the embedding model gave a vector of {found} dimensions, not {expected}; choose another embedding.model, or install it again with `ra-agent model install`"
    )]
    OtherDimensions { found: usize, expected: usize },
    #[error("the threads for embedding could not be started: {0}; lower embedding.threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("a text could not be embedded: {}", reason(.0))]
    Compute(#[from] candle_core::Error),
    #[error("a text could not be cut into tokens: {0}")]
    Tokenize(#[source] tokenizers::Error),
    #[error("the embedding model gave a vector that is not finite; install it again with `ra-agent model install`")]
    NotFinite,
}

impl EmbedError {
    /// The same error of files that stood elsewhere: those in `staging` are gone when a person reads it.
    #[must_use]
    pub(super) fn moved(mut self, staging: &Path, from: &Path) -> Self {
        let (Self::Unreadable { path, .. }
        | Self::Malformed { path, .. }
        | Self::Unsupported { path, .. }
        | Self::Rules(
            RulesError::Unreadable { path, .. }
            | RulesError::NoJson { path, .. }
            | RulesError::Unsupported { path, .. },
        )) = &mut self
        else {
            return self;
        };
        if let Ok(inside) = path.strip_prefix(staging) {
            *path = if inside.as_os_str().is_empty() { from.to_path_buf() } else { from.join(inside) };
        }
        self
    }
}

/// What a computation failed of, without the stack that the library adds where `RUST_BACKTRACE` is set.
fn reason(error: &candle_core::Error) -> String {
    match error {
        candle_core::Error::WithBacktrace { inner, .. } => reason(inner),
        candle_core::Error::WithPath { inner, path } => format!("{}: {}", path.display(), reason(inner)),
        candle_core::Error::Context { inner, context } => format!("{context}: {}", reason(inner)),
        other => other.to_string(),
    }
}

/// Fewest tokens of a text, without marks and prompt, that a model has to read: fewer tell no two chunks apart.
const OWN_TOKENS_MIN: usize = 16;

/// A loaded model. It holds its weights (90 MB and more, once for all threads) and its threads until it is dropped; while it loads, its
/// files are in memory as well.
pub struct Embedder {
    id: String,
    rules: VectorRules,
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
    /// Loads the model of this id from its directory. `threads` texts are embedded side by side, at least one.
    ///
    /// # Errors
    /// If a file is missing or malformed, or the model is of a kind that is not supported.
    pub fn load(dir: &Path, id: &str, threads: usize) -> Result<Self, EmbedError> {
        let fixed = model::known(id).and_then(|known| known.rules.clone());
        let mut rules = fixed.map_or_else(|| VectorRules::read(dir), Ok)?;
        let network = read_network(dir)?;
        rules.tokens_max = rules.tokens_max.min(network.tokens_max);
        check_room(dir, rules.tokens_max, 0)?;
        let embedder = Self {
            id: id.to_owned(),
            tokenizer: read_tokenizer(&dir.join(TOKENIZER), rules.tokens_max)?,
            rules,
            network,
            pools: (0..threads.max(1)).map(|nth| single_thread(format!("embed-{nth}"))).collect::<Result<_, _>>()?,
            query_pool: OnceLock::new(),
            dir: dir.to_path_buf(),
            table: OnceLock::new(),
        };
        for prefix in [&embedder.rules.query_prefix, &embedder.rules.passage_prefix] {
            check_room(dir, embedder.rules.tokens_max, embedder.count_tokens(prefix)?)?;
        }
        Ok(embedder)
    }

    /// Refuses a tokenizer that has tokens which the network does not know: a text with one of them could not be embedded.
    ///
    /// # Errors
    /// If it has.
    pub(super) fn check_vocabulary(&self) -> Result<(), EmbedError> {
        let known = self.network.vocabulary();
        let beyond = self
            .tokenizer
            .get_vocab(true)
            .into_iter()
            .filter(|(_, token)| *token as usize >= known)
            .max_by_key(|(_, token)| *token);
        let Some((text, token)) = beyond else { return Ok(()) };
        let reason = format!("its token {text:?} has the number {token}, and the weights know {known} tokens");
        Err(EmbedError::Malformed { path: self.dir.join(TOKENIZER), reason })
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Length of its vectors.
    pub fn dimensions(&self) -> usize {
        let width = self.network.width();
        self.rules.dimensions.map_or(width, |kept| kept.min(width))
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
                    .map(|index| Ok((index, self.embed_one(&prefixed(&self.rules.passage_prefix, texts[index]))?)))
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
        let fits = |table: &StaticTable| table.dimensions() == self.dimensions();
        self.table.get_or_init(|| StaticTable::read(&self.dir).filter(fits)).as_ref()
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
        let text = self.cased(text);
        Ok(self.tokenizer.encode_fast(&*text, false).map_err(EmbedError::Tokenize)?.get_ids().to_vec())
    }

    /// The vector of a search query, which some models want marked as one.
    ///
    /// # Errors
    /// If it cannot be embedded.
    pub fn embed_query(&self, text: &str) -> Result<Vector, EmbedError> {
        let text = prefixed(&self.rules.query_prefix, text);
        self.query_pool()?.install(|| self.embed_one(&text))
    }

    fn query_pool(&self) -> Result<&ThreadPool, EmbedError> {
        if let Some(pool) = self.query_pool.get() {
            return Ok(pool);
        }
        let started = single_thread("embed-query".to_owned())?;
        Ok(self.query_pool.get_or_init(|| started))
    }

    /// Number of tokens of a text that are embedded.
    ///
    /// # Errors
    /// If the tokenizer refuses the text.
    pub fn count_tokens(&self, text: &str) -> Result<usize, EmbedError> {
        let text = self.cased(text);
        Ok(self.tokenizer.encode_fast(&*text, true).map_err(EmbedError::Tokenize)?.len())
    }

    fn cased<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.rules.lowercase { text.to_lowercase().into() } else { text.into() }
    }

    fn embed_one(&self, text: &str) -> Result<Vector, EmbedError> {
        let text = self.cased(text);
        let tokens = self.tokenizer.encode_fast(&*text, true).map_err(EmbedError::Tokenize)?;
        let hidden = self.network.forward(tokens.get_ids())?.unsqueeze(0)?;
        let pooled = pooled(&hidden, self.rules.pooling)?.squeeze(0)?;
        normalized(self.kept(pooled.to_vec1::<f32>()?))
    }

    fn kept(&self, mut vector: Vec<f32>) -> Vec<f32> {
        vector.truncate(self.dimensions());
        vector
    }
}

/// The vectors of texts' tokens, `[texts, tokens, hidden]`, to one each.
fn pooled(hidden: &Tensor, pooling: Pooling) -> candle_core::Result<Tensor> {
    match pooling {
        Pooling::Cls => hidden.narrow(1, 0, 1)?.squeeze(1),
        Pooling::Mean => hidden.mean(1),
        Pooling::Max => hidden.max(1),
        Pooling::Last => hidden.narrow(1, hidden.dim(1)?.saturating_sub(1), 1)?.squeeze(1),
    }
}

fn prefixed<'t>(prefix: &str, text: &'t str) -> Cow<'t, str> {
    if prefix.is_empty() { text.into() } else { format!("{prefix}{text}").into() }
}

pub(super) fn normalized(mut vector: Vec<f32>) -> Result<Vector, EmbedError> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|value| *value /= length);
    if vector.iter().all(|value| value.is_finite()) { Ok(vector) } else { Err(EmbedError::NotFinite) }
}

fn single_thread(name: String) -> Result<ThreadPool, rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new().num_threads(1).thread_name(move |_| name.clone()).build()
}

/// What a clone of a hub's repository holds in the place of a large file, until it is fetched.
pub(super) const POINTER: &[u8] = b"version https://git-lfs";
pub(super) const IS_POINTER: &str = "it is a pointer of Git LFS and not the file (`git lfs pull` fetches it)";

fn read_file(path: &Path) -> Result<Vec<u8>, EmbedError> {
    let content = std::fs::read(path).map_err(|source| EmbedError::Unreadable { path: path.to_path_buf(), source })?;
    if content.starts_with(POINTER) {
        return Err(EmbedError::Malformed { path: path.to_path_buf(), reason: IS_POINTER.to_owned() });
    }
    Ok(content)
}

fn read_json(path: &Path) -> Result<Value, EmbedError> {
    let malformed =
        |error: serde_json::Error| EmbedError::Malformed { path: path.to_path_buf(), reason: error.to_string() };
    serde_json::from_slice(&read_file(path)?).map_err(malformed)
}

fn read_tokenizer(path: &Path, tokens_max: usize) -> Result<Tokenizer, EmbedError> {
    let malformed = |reason: String| EmbedError::Malformed { path: path.to_path_buf(), reason };
    let mut tokenizer = Tokenizer::from_bytes(read_file(path)?).map_err(|error| malformed(error.to_string()))?;
    let truncation = TruncationParams { max_length: tokens_max, ..TruncationParams::default() };
    tokenizer.with_padding(None);
    tokenizer.with_truncation(Some(truncation)).map_err(|error| malformed(error.to_string()))?;
    Ok(tokenizer)
}

fn read_network(dir: &Path) -> Result<Network, EmbedError> {
    let config = read_json(&dir.join(CONFIG))?;
    families::EncoderFamily::of(&config).map_err(|error| network_error(dir, error))?;
    let names = weight_files(dir)?;
    let files = names.iter().map(|name| read_file(&dir.join(name))).collect::<Result<Vec<_>, _>>()?;
    families::load(&config, &files).map_err(|error| network_error(dir, error))
}

/// Refuses a model that reads too little of a text. `taken`: tokens of the prompt, with the marks.
fn check_room(dir: &Path, tokens_max: usize, taken: usize) -> Result<(), EmbedError> {
    if tokens_max.saturating_sub(taken) >= OWN_TOKENS_MIN {
        return Ok(());
    }
    let reason = match taken {
        0 => format!("it reads at most {tokens_max} tokens of a text"),
        taken => format!("it reads at most {tokens_max} tokens of a text, and its prompt takes {taken} of them"),
    };
    Err(EmbedError::Unsupported { path: dir.to_path_buf(), reason })
}

fn network_error(dir: &Path, error: NetworkError) -> EmbedError {
    match error {
        NetworkError::Unsupported(reason) => EmbedError::Unsupported { path: dir.to_path_buf(), reason },
        NetworkError::Weights(error) => EmbedError::Malformed { path: dir.join(WEIGHTS), reason: reason(&error) },
    }
}

/// The names of the files with the weights: one, or those that an index lists.
///
/// # Errors
/// If the index cannot be read.
pub(super) fn weight_files(dir: &Path) -> Result<Vec<String>, EmbedError> {
    let index = dir.join(SHARDS);
    if dir.join(WEIGHTS).exists() || !index.exists() {
        return Ok(vec![WEIGHTS.to_owned()]);
    }
    let content = read_json(&index)?;
    let names = content.get("weight_map").and_then(Value::as_object).into_iter().flat_map(|map| map.values());
    let mut names: Vec<String> = names.filter_map(Value::as_str).map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() || !names.iter().all(|name| is_plain_name(name)) {
        let reason = "its weight_map names no files next to it".to_owned();
        return Err(EmbedError::Malformed { path: index, reason });
    }
    Ok(names)
}

#[cfg(test)]
#[path = "encoder_tests.rs"]
mod tests;
