//! Which embedding model finds best in one repository: queries with known answers are made of the repository itself, and asked of an index
//! in a directory of its own, by words alone and with each model.

mod documented;
mod history;
mod score;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cache::{RepoStore, chunks, store_dir, view};
use crate::clock;
use crate::config::Config;
use crate::domain::{FilePath, FileRecord, Hash};
use crate::embedder::chunk::{self, Chunk};
use crate::embedder::encoder::{EmbedError, Embedder, Vector};
use crate::home::{Home, HomeError};
use crate::index::chunks::{indexed, records};
use crate::index::read;
use crate::query::search::{QuestionEmbedder, SearchRequest, Searcher};
use crate::query::view::models::{ComparedModel, ComparisonView};
use crate::query::{QueryError, Reader, status};
use crate::repo::registry::{self, ReconcileRecord, Registered};
use crate::repo::{Repo, RepoError};
use crate::store::{self, Database, StoreError};
use crate::vectors::{ChunkRow, Vectors, VectorsError};

use self::score::AnswerScore;

/// Hits of a query that are judged.
const HITS: usize = 10;
/// Texts that are embedded between two looks at whether to go on.
const BATCH: usize = 32;
/// Fewer queries say nothing.
const QUERIES_MIN: usize = 10;

#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    #[error("stopped; the index is as it was")]
    Stopped,
    #[error(
        "the directory {path} for the comparison cannot be used: {source}; check its owner and the space on its disk"
    )]
    Directory { path: PathBuf, source: std::io::Error },
    #[error(
        "{repo} has too few documented functions and commits to compare by: {found} queries, {QUERIES_MIN} are needed; \
         choose by another repository"
    )]
    TooFewQueries { repo: String, found: usize },
    #[error("no runtime for the vectors can be started: {0}")]
    Runtime(std::io::Error),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Repo(#[from] RepoError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Embed(#[from] EmbedError),
    #[error(transparent)]
    Vectors(#[from] VectorsError),
}

/// A place that answers a query.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RightAnswer {
    path: FilePath,
    /// From 1, inclusive.
    start_line: u32,
    end_line: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct KnownQuery {
    text: String,
    answers: Vec<RightAnswer>,
}

/// Keeps so many, by the hash of their texts: the same ones in every run.
fn sample(queries: &mut Vec<KnownQuery>, most: usize) {
    queries.sort_by_cached_key(|query| Hash::of(query.text.to_lowercase().as_bytes()).to_string());
    queries.truncate(most);
}

/// What is being done, for a person who waits.
#[derive(Clone, Copy, Debug)]
pub struct CompareProgress<'a> {
    pub doing: &'a str,
    pub done: usize,
    pub all: usize,
}

/// What a comparison is told and tells.
pub struct CompareWatch<'a> {
    pub is_stopped: &'a AtomicBool,
    pub progress: &'a dyn Fn(CompareProgress<'_>),
}

impl CompareWatch<'_> {
    fn at(&self, doing: &str, done: usize, all: usize) -> Result<(), CompareError> {
        if self.is_stopped.load(Ordering::Relaxed) {
            return Err(CompareError::Stopped);
        }
        (self.progress)(CompareProgress { doing, done, all });
        Ok(())
    }
}

/// Compares words alone and models (by their ids, installed) on a registered repository. Nothing of its index is written.
///
/// # Errors
/// If it is stopped, the repository gives too few queries, or something cannot be read or computed.
pub fn compare(
    home: &Home,
    config: &Config,
    repo: &Registered,
    models: &[String],
    watch: &CompareWatch<'_>,
) -> Result<ComparisonView, CompareError> {
    let git = Repo::open(&repo.location)?;
    let sources = sources(home, config, repo, &git, watch)?;
    let documented: Vec<KnownQuery> = documented::chosen(&sources);
    let commits = history::queries(&git, repo.indexed_commit.as_ref(), &sources, watch)?;
    let found = documented.len() + commits.len();
    let shown = repo.location.path.display().to_string();
    if found < QUERIES_MIN {
        return Err(CompareError::TooFewQueries { repo: shown, found });
    }
    let mut lab = Lab::new(home, config, repo)?;
    let indexed = lab.index(&sources, watch)?;
    let ask = |searcher: &mut Searcher,
               embedder: Option<&Arc<Embedder>>,
               name: &str|
     -> Result<[AnswerScore; 2], CompareError> {
        Ok([
            lab.ask(searcher, embedder, &documented, (name, "documented functions"), watch)?,
            lab.ask(searcher, embedder, &commits, (name, "commits"), watch)?,
        ])
    };
    let words = ask(&mut Searcher::by_words(&lab.home, &lab.config), None, "words alone")?;
    let mut compared = vec![view_of(None, words, ModelCost::default())];
    for id in models {
        let (embedder, cost) = lab.embed(home, id, &indexed, watch)?;
        let config = with_model(&lab.config, id);
        let scores = ask(&mut Searcher::for_many(&lab.home, &config)?, Some(&embedder), id)?;
        compared.push(view_of(Some(id), scores, cost));
        lab.forget_vectors()?;
    }
    let recommended = recommended(&compared);
    Ok(ComparisonView {
        repo: shown,
        documented: documented.len(),
        commits: commits.len(),
        chunks: indexed.len(),
        why: why(&compared, recommended),
        recommended: compared.get(recommended).and_then(|one| one.model.clone()),
        compared,
    })
}

/// A file at HEAD: as it is, and as it is indexed for the comparison, without the documentation that the queries are made of.
struct LabSource {
    file: FileRecord,
    text: String,
    stripped: String,
    queries: Vec<KnownQuery>,
}

fn sources(
    home: &Home,
    config: &Config,
    repo: &Registered,
    git: &Repo,
    watch: &CompareWatch<'_>,
) -> Result<Vec<LabSource>, CompareError> {
    let reader = Reader::open(home, config)?;
    let files = match reader.store(repo)? {
        Some(store) => view::files(store.db())?,
        None => Vec::new(),
    };
    let files: Vec<FileRecord> = files.into_iter().filter(|file| file.skip.is_none()).collect();
    let mut sources = Vec::new();
    for (done, file) in files.iter().enumerate() {
        watch.at("reading files", done, files.len())?;
        if let Some(text) = read::text(git, &file.path, &file.blob)? {
            let (stripped, queries) = documented::strip(file, &text);
            sources.push(LabSource { file: file.clone(), text, stripped, queries });
        }
    }
    Ok(sources)
}

/// A chunk of the comparison's index.
struct LabChunk {
    path: String,
    row: ChunkRow,
}

/// What a model takes.
#[derive(Clone, Copy, Debug, Default)]
struct ModelCost {
    dimensions: usize,
    seconds: f64,
    memory_bytes: u64,
    disk_bytes: u64,
}

/// An index of one repository in a directory of its own, which goes with it.
struct Lab {
    home: Home,
    config: Config,
    store: RepoStore,
    runtime: tokio::runtime::Runtime,
    _directory: LabDirectory,
}

struct LabDirectory(PathBuf);

impl Drop for LabDirectory {
    fn drop(&mut self) {
        // Best effort: what stays is in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Lab {
    fn new(home: &Home, config: &Config, repo: &Registered) -> Result<Self, CompareError> {
        let path = home.tmp().join(format!("compare-{}", std::process::id()));
        let unusable = |source| CompareError::Directory { path: path.clone(), source };
        let directory = LabDirectory(path.clone());
        std::fs::create_dir_all(&path).map_err(unusable)?;
        let own = Home::at(&path)?;
        own.create()?;
        // The models are those of the agent.
        std::fs::remove_dir(own.models()).map_err(unusable)?;
        std::os::unix::fs::symlink(home.models(), own.models()).map_err(unusable)?;
        let mut own_config = Config::defaults(own.root());
        own_config.embedding.threads = config.embedding.threads;
        let mut agent = store::open_writer(&own.agent_db(), Database::Agent)?;
        registry::register(&mut agent, &repo.location, repo.root_commit.as_ref(), clock::now())?;
        let Some(registered) = registry::by_path(&agent, &repo.location.path)? else {
            return Err(QueryError::Failed("the repository cannot be compared: its path is not kept".to_owned()).into());
        };
        let outcome = ReconcileRecord {
            head: repo.indexed_commit.clone(),
            indexed_commit: repo.indexed_commit.clone(),
            planned_with: None,
        };
        registry::record_reconciled(&agent, &registered.id, &outcome, clock::now())?;
        let store = RepoStore::open(&registered.id, store_dir(&own_config, &registered))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(CompareError::Runtime)?;
        Ok(Self { home: own, config: own_config, store, runtime, _directory: directory })
    }

    /// Fills the index of words; the chunks that are to have vectors.
    fn index(&mut self, sources: &[LabSource], watch: &CompareWatch<'_>) -> Result<Vec<LabChunk>, CompareError> {
        let mut made = Vec::new();
        let tx = self.store.write()?;
        for (done, source) in sources.iter().enumerate() {
            watch.at("indexing words", done, sources.len())?;
            let file = &source.file;
            view::put_file(&tx, file)?;
            let cut = chunk::chunks(file.language, file.links.module_path.as_deref(), &source.stripped);
            chunks::replace(&tx, &[(&file.path, &indexed(&file.path, &cut))])?;
            made.extend(rows(file, &cut));
        }
        tx.commit().map_err(StoreError::from)?;
        Ok(made)
    }

    /// Makes the vectors of all chunks with a model.
    fn embed(
        &self,
        home: &Home,
        id: &str,
        chunks: &[LabChunk],
        watch: &CompareWatch<'_>,
    ) -> Result<(Arc<Embedder>, ModelCost), CompareError> {
        let (before, begun) = (resident(), clock::monotonic());
        let embedder = Arc::new(Embedder::load(&home.model(id), id, self.config.embedding.threads)?);
        let mut texts: Vec<&str> = Vec::new();
        let mut hashes: Vec<Hash> = Vec::new();
        let mut seen = HashSet::new();
        for chunk in chunks.iter().filter(|chunk| seen.insert(chunk.row.chunk_hash)) {
            texts.push(&chunk.row.text);
            hashes.push(chunk.row.chunk_hash);
        }
        let mut vectors: HashMap<Hash, Vector> = HashMap::new();
        let mut memory_bytes = 0;
        for (nth, (texts, hashes)) in texts.chunks(BATCH).zip(hashes.chunks(BATCH)).enumerate() {
            watch.at(&format!("embedding with {id}"), nth * BATCH, seen.len())?;
            vectors.extend(hashes.iter().copied().zip(embedder.embed(texts)?));
            memory_bytes = memory_bytes.max(resident().saturating_sub(before));
        }
        let row = |chunk: &LabChunk| {
            let vector = vectors.get(&chunk.row.chunk_hash)?.clone();
            Some(ChunkRow { vector, model_id: id.to_owned(), ..chunk.row.clone() })
        };
        let rows: Vec<ChunkRow> = chunks.iter().filter_map(row).collect();
        let paths: HashSet<&str> = chunks.iter().map(|chunk| chunk.path.as_str()).collect();
        let paths: Vec<&str> = paths.into_iter().collect();
        let dir = self.store.dir.vectors();
        let disk_bytes = self.runtime.block_on(async {
            let table = Vectors::open_or_create(&dir, embedder.dimensions()).await?;
            table.replace_files(&paths, rows).await?;
            Ok::<_, VectorsError>(table.disk_bytes())
        })?;
        let (dimensions, seconds) = (embedder.dimensions(), clock::since(begun).as_secs_f64());
        Ok((embedder, ModelCost { dimensions, seconds, memory_bytes, disk_bytes }))
    }

    fn ask(
        &self,
        searcher: &mut Searcher,
        embedder: Option<&Arc<Embedder>>,
        queries: &[KnownQuery],
        (name, kind): (&str, &str),
        watch: &CompareWatch<'_>,
    ) -> Result<AnswerScore, CompareError> {
        let mut score = AnswerScore::default();
        for (done, query) in queries.iter().enumerate() {
            watch.at(&format!("asking {name} for {kind}"), done, queries.len())?;
            let request = SearchRequest { query: query.text.clone(), limit: HITS, ..SearchRequest::default() };
            let model = || match embedder {
                Some(embedder) => Ok(embedder.clone() as Arc<dyn QuestionEmbedder>),
                None => Err("by words".to_owned()),
            };
            let found = searcher.search(&request, model)?;
            score.add(query, &found.hits);
        }
        Ok(score.mean())
    }

    fn forget_vectors(&self) -> Result<(), CompareError> {
        let path = self.store.dir.vectors();
        std::fs::remove_dir_all(&path).map_err(|source| CompareError::Directory { path, source })
    }
}

fn rows(file: &FileRecord, cut: &[Chunk]) -> Vec<LabChunk> {
    let path = file.path.escaped();
    let row = |(record, chunk): (chunks::ChunkRecord, &Chunk)| LabChunk {
        path: path.clone(),
        row: ChunkRow {
            chunk_id: record.chunk_id,
            vector: Vec::new(),
            text: chunk.text.clone(),
            file_path: path.clone(),
            content_hash: file.content_hash.unwrap_or_else(|| Hash::of(b"")),
            chunk_hash: chunk.chunk_hash,
            model_id: String::new(),
            entity_type: record.entity_type,
            entity_name: record.entity_name,
            language: file.language.as_str().to_owned(),
            start_line: record.start_line,
            end_line: record.end_line,
        },
    };
    records(&file.path, cut).into_iter().zip(cut).map(row).collect()
}

fn resident() -> u64 {
    status::rss_bytes(std::process::id()).unwrap_or_default()
}

fn with_model(config: &Config, id: &str) -> Config {
    let mut config = config.clone();
    config.embedding.model = Some(id.to_owned());
    config
}

fn view_of(model: Option<&String>, [documented, commits]: [AnswerScore; 2], cost: ModelCost) -> ComparedModel {
    ComparedModel {
        model: model.cloned(),
        dimensions: cost.dimensions,
        documented_ndcg10: documented.ndcg10,
        documented_hit5: documented.hit5,
        commits_ndcg10: commits.ndcg10,
        commits_hit5: commits.hit5,
        ndcg10: documented.with(&commits).ndcg10,
        seconds: cost.seconds,
        memory_bytes: cost.memory_bytes,
        disk_bytes: cost.disk_bytes,
    }
}

/// What a model has to find better to be worth its time: in NDCG@10.
const WORTH: f64 = 0.01;
/// Models that are so near to each other are told apart by their time.
const ALIKE: f64 = 0.005;

/// The place of the one to use: the quickest of those that find about as well as the best, words alone if no model is worth its time.
fn recommended(compared: &[ComparedModel]) -> usize {
    let best = compared.iter().map(|one| one.ndcg10).fold(0.0, f64::max);
    let is_enough = |one: &ComparedModel| match one.model {
        None => one.ndcg10 + WORTH > best,
        Some(_) => one.ndcg10 + ALIKE >= best,
    };
    let quickest = |a: &(usize, &ComparedModel), b: &(usize, &ComparedModel)| a.1.seconds.total_cmp(&b.1.seconds);
    compared.iter().enumerate().filter(|(_, one)| is_enough(one)).min_by(quickest).map_or(0, |(place, _)| place)
}

fn why(compared: &[ComparedModel], recommended: usize) -> String {
    let (Some(words), Some(chosen)) = (compared.first(), compared.get(recommended)) else { return String::new() };
    match &chosen.model {
        None => format!("no model finds better than words alone by {WORTH} of NDCG@10"),
        Some(_) => format!(
            "it finds better than words alone by {:.3} of NDCG@10, and no quicker model finds as well",
            chosen.ndcg10 - words.ndcg10
        ),
    }
}

/// The directories of comparisons that were killed.
pub fn remove_left_behind(home: &Home) {
    let entries = std::fs::read_dir(home.tmp()).into_iter().flatten().flatten();
    let is_dead = |name: &str| {
        let pid = name.strip_prefix("compare-").and_then(|pid| pid.parse::<u32>().ok());
        pid.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists())
    };
    for entry in entries.filter(|entry| entry.file_name().to_str().is_some_and(is_dead)) {
        let _ = std::fs::remove_dir_all(entry.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(model: Option<&str>, ndcg10: f64, seconds: f64) -> ComparedModel {
        let cost = ModelCost { seconds, ..ModelCost::default() };
        let score = AnswerScore { ndcg10, hit5: 0.0, queries: 1.0 };
        view_of(model.map(str::to_owned).as_ref(), [score, score], cost)
    }

    #[test]
    fn the_quickest_of_the_good_ones_is_recommended() {
        let words = || one(None, 0.5, 0.0);
        let choose = |models: Vec<ComparedModel>| recommended(&[vec![words()], models].concat());
        assert_eq!(choose(vec![one(Some("a"), 0.505, 9.0)]), 0, "not worth its time");
        assert_eq!(choose(vec![one(Some("a"), 0.6, 9.0), one(Some("b"), 0.597, 3.0)]), 2, "about as good, and quicker");
        assert_eq!(choose(vec![one(Some("a"), 0.6, 9.0), one(Some("b"), 0.59, 3.0)]), 1, "the better one");
        assert_eq!(choose(vec![one(Some("a"), 0.4, 1.0)]), 0);
        assert!(why(&[words(), one(Some("a"), 0.6, 9.0)], 1).contains("0.100"));
    }
}
