//! Hybrid search: nearest vectors and best words, fused by rank.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{QueryError, Reader};
use crate::cache::chunks::{self, ChunkRecord};
use crate::config::Config;
use crate::domain::{FilePath, RepoId, Source};
use crate::embedder::bert::Embedder;
use crate::home::Home;
use crate::queue;
use crate::repo::Repo;
use crate::repo::registry::Registered;
use crate::store::StoreError;
use crate::vectors::Vectors;
use crate::worker::store_dir;

/// Candidates of each kind that go into the fusion.
const CANDIDATES: usize = 100;

/// The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009: 60).
const RANK_CONSTANT: f64 = 60.0;

/// Longest query in bytes; more is no question, and the model reads 256 tokens.
pub const QUERY_MAX: usize = 4_096;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub query: String,
    /// Id of the one repository to search.
    pub repo: Option<String>,
    pub limit: usize,
    /// Entity type of the hits, e.g. `function`.
    pub kind: Option<String>,
}

/// What was found: the JSON of `search --json` (DESIGN §6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub query: String,
    /// `hybrid`, or `lexical` without a model.
    pub mode: String,
    /// Why the mode is lexical.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    pub hits: Vec<Hit>,
    pub freshness: Vec<Freshness>,
    /// Repositories that were left out, each with the reason: their stores cannot be read.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    pub repo: String,
    pub path: String,
    /// Hex of a path that is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path_bytes: Option<String>,
    pub start_line: u32,
    pub end_line: u32,
    pub entity_type: String,
    pub entity_name: String,
    pub score: f64,
    pub source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    pub repo: String,
    /// The commit that HEAD names now.
    pub head: Option<String>,
    pub indexed_commit: Option<String>,
    pub pending_files: u64,
}

/// Searches the stores; keeps LanceDB tables open between searches.
pub struct Searcher {
    home: Home,
    config: Config,
    runtime: tokio::runtime::Runtime,
    tables: HashMap<RepoId, Arc<Vectors>>,
}

/// A candidate and its place in the two rankings.
struct Candidate {
    repo: usize,
    chunk: ChunkRecord,
    score: f64,
}

impl Searcher {
    /// # Errors
    /// If no runtime for LanceDB can be started.
    pub fn new(home: &Home, config: &Config) -> Result<Self, QueryError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| QueryError::Invalid(format!("no thread can be started: {error}")))?;
        Ok(Self { home: home.clone(), config: config.clone(), runtime, tables: HashMap::new() })
    }

    /// Answers a request; `model` is the embedder, or why there is none.
    ///
    /// # Errors
    /// If the query is empty or too long, names a repository that is not registered, or a store cannot be read.
    pub fn search(&mut self, request: &Request, model: Result<Arc<Embedder>, String>) -> Result<Answer, QueryError> {
        if request.query.trim().is_empty() {
            return Err(QueryError::Invalid("the query is empty; say what you are looking for".to_owned()));
        }
        if request.query.len() > QUERY_MAX {
            return Err(QueryError::Invalid(format!("the query is longer than {QUERY_MAX} bytes; shorten it")));
        }
        let (home, config) = (self.home.clone(), self.config.clone());
        let reader = Reader::open(&home, &config)?;
        let (repos, errors) = match &request.repo {
            Some(named) => (vec![reader.repo(named)?], Vec::new()),
            None => readable(&reader)?,
        };
        let mut rankings = vec![lexical(&reader, &repos, request)?];
        let mut note = None;
        match model {
            Ok(embedder) => match self.nearest(&reader, &repos, request, &embedder) {
                Ok(ranking) => rankings.push(ranking),
                Err(error) => note = Some(error.to_string()),
            },
            Err(detail) => note = Some(detail),
        }
        Ok(Answer {
            query: request.query.clone(),
            mode: if note.is_none() { "hybrid" } else { "lexical" }.to_owned(),
            note,
            hits: fuse(rankings, &repos, request.limit),
            freshness: repos.iter().map(|repo| freshness(&reader, repo)).collect::<Result<_, _>>()?,
            errors,
        })
    }

    /// The chunks whose vectors are nearest to the query, over all repositories.
    fn nearest(
        &mut self,
        reader: &Reader<'_>,
        repos: &[Registered],
        request: &Request,
        embedder: &Embedder,
    ) -> Result<Vec<Candidate>, QueryError> {
        let failed = |error: &dyn std::error::Error| QueryError::Invalid(error.to_string());
        let query = embedder.embed_query(&request.query).map_err(|error| failed(&error))?;
        let mut found = Vec::new();
        for (index, repo) in repos.iter().enumerate() {
            let Some(table) = self.table(repo).map_err(|error| failed(&error))? else { continue };
            let Some(store) = reader.store(repo)? else { continue };
            let nearest = self
                .runtime
                .block_on(table.search(&query, embedder.spec().id, CANDIDATES))
                .map_err(|error| failed(&error))?;
            for (chunk_id, score) in nearest {
                // A vector of a file that has changed since is no hit: only chunks of the present view are.
                if let Some(chunk) = chunks::get(store.db(), &chunk_id)?.filter(|chunk| wanted(request, chunk)) {
                    found.push(Candidate { repo: index, chunk, score: f64::from(score) });
                }
            }
        }
        Ok(ranked(found))
    }

    fn table(&mut self, repo: &Registered) -> Result<Option<Arc<Vectors>>, crate::vectors::VectorsError> {
        if let Some(table) = self.tables.get(&repo.id) {
            return Ok(Some(table.clone()));
        }
        let dir = store_dir(&self.config, repo).vectors();
        let opened = self.runtime.block_on(Vectors::open(&dir))?.map(Arc::new);
        if let Some(table) = &opened {
            self.tables.insert(repo.id.clone(), table.clone());
        }
        Ok(opened)
    }
}

/// The registered repositories whose stores can be read, and what is wrong with the others: they hide nothing of the rest.
fn readable(reader: &Reader<'_>) -> Result<(Vec<Registered>, Vec<String>), QueryError> {
    let (mut sound, mut errors) = (Vec::new(), Vec::new());
    for repo in reader.repos()? {
        match reader.store(&repo) {
            Ok(_) => sound.push(repo),
            Err(error) => errors.push(format!("{}: {error}", repo.location.path.display())),
        }
    }
    Ok((sound, errors))
}

fn lexical(reader: &Reader<'_>, repos: &[Registered], request: &Request) -> Result<Vec<Candidate>, QueryError> {
    let mut found = Vec::new();
    for (index, repo) in repos.iter().enumerate() {
        let Some(store) = reader.store(repo)? else { continue };
        let chunks = chunks::search(store.db(), &request.query, CANDIDATES)?;
        let wanted = chunks.into_iter().filter(|(chunk, _)| wanted(request, chunk));
        found.extend(wanted.map(|(chunk, score)| Candidate { repo: index, chunk, score }));
    }
    Ok(ranked(found))
}

/// Best first, at most [`CANDIDATES`].
fn ranked(mut found: Vec<Candidate>) -> Vec<Candidate> {
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.chunk.chunk_id.cmp(&b.chunk.chunk_id)));
    found.truncate(CANDIDATES);
    found
}

fn wanted(request: &Request, chunk: &ChunkRecord) -> bool {
    request.kind.as_ref().is_none_or(|kind| chunk.entity_type == *kind)
}

/// Reciprocal rank fusion: a chunk's score is the sum of 1/(60 + rank) over the rankings that have it.
fn fuse(rankings: Vec<Vec<Candidate>>, repos: &[Registered], limit: usize) -> Vec<Hit> {
    let mut fused: HashMap<(usize, String), Candidate> = HashMap::new();
    for ranking in rankings {
        for (rank, candidate) in ranking.into_iter().enumerate() {
            let score = 1.0 / (RANK_CONSTANT + (rank + 1) as f64);
            let key = (candidate.repo, candidate.chunk.chunk_id.clone());
            fused.entry(key).and_modify(|standing| standing.score += score).or_insert(Candidate { score, ..candidate });
        }
    }
    let mut best = ranked(fused.into_values().collect());
    best.truncate(limit);
    best.into_iter().map(|candidate| hit(&repos[candidate.repo], candidate)).collect()
}

fn hit(repo: &Registered, candidate: Candidate) -> Hit {
    let (path, path_bytes) = json_path(&candidate.chunk.path);
    Hit {
        repo: repo.location.path.to_string_lossy().into_owned(),
        path,
        path_bytes,
        start_line: candidate.chunk.start_line,
        end_line: candidate.chunk.end_line,
        entity_type: candidate.chunk.entity_type,
        entity_name: candidate.chunk.entity_name,
        score: candidate.score,
        source: Source::Commit.as_str().to_owned(),
    }
}

/// A path for JSON: as it is if it is UTF-8; else percent-escaped, with its bytes in hex.
pub fn json_path(path: &FilePath) -> (String, Option<String>) {
    match path.as_str() {
        Some(text) => (text.to_owned(), None),
        None => (path.escaped(), Some(path.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect())),
    }
}

/// How far the index of a repository is behind its HEAD.
///
/// # Errors
/// If agent.db cannot be read. A repository that cannot be opened has no head.
pub fn freshness(reader: &Reader<'_>, repo: &Registered) -> Result<Freshness, StoreError> {
    let head = Repo::open(&repo.location).and_then(|git| git.head()).ok().and_then(|head| head.commit);
    Ok(Freshness {
        repo: repo.location.path.to_string_lossy().into_owned(),
        head: head.map(|id| id.to_string()),
        indexed_commit: repo.indexed_commit.as_ref().map(ToString::to_string),
        pending_files: match &reader.agent {
            Some(db) => queue::pending_files(db, &repo.id)?,
            None => 0,
        },
    })
}
