//! Hybrid search: the nearest vectors and the best words, put in order by [`rank`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::filter::{CompiledFilter, Filter};
use super::rank::{self, Candidate, Parts, Ranked};
use super::{QueryError, Reader};
use crate::cache::chunks;
use crate::cache::view;
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

/// Candidates of each kind that are ranked.
const CANDIDATES: usize = 100;

/// Candidates of each kind if a filter will take most of them away.
const FILTERED_CANDIDATES: usize = 1_000;

/// Longest query in bytes; more is no question, and the model reads 256 tokens.
pub const QUERY_MAX: usize = 4_096;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub query: String,
    /// Id of the one repository to search.
    pub repo: Option<String>,
    pub limit: usize,
    pub filter: Filter,
    /// Each hit tells the parts of its score.
    pub explain: bool,
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
    /// What the score is made of, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parts: Option<Parts>,
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
        let filter = request.filter.compile()?;
        let mut found = lexical(&reader, &repos, request, &filter)?;
        let mut note = None;
        match model {
            Ok(embedder) => match self.nearest(&reader, &repos, request, &filter, &embedder) {
                Ok(nearest) => found = joined(found, nearest),
                Err(error) => note = Some(error.to_string()),
            },
            Err(detail) => note = Some(detail),
        }
        Ok(Answer {
            query: request.query.clone(),
            mode: if note.is_none() { "hybrid" } else { "lexical" }.to_owned(),
            note,
            hits: hits(&reader, &repos, request, found)?,
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
        filter: &CompiledFilter,
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
                .block_on(table.search(&query, embedder.spec().id, depth(filter)))
                .map_err(|error| failed(&error))?;
            for (chunk_id, cosine) in nearest {
                // A vector of a file that has changed since is no hit: only chunks of the present view are.
                let Some(chunk) = chunks::get(store.db(), &chunk_id)? else { continue };
                if filter.passes(store.db(), &chunk)? {
                    found.push(Candidate { repo: index, chunk, cosine: Some(f64::from(cosine)), bm25: None });
                }
            }
        }
        Ok(best(found, |one| one.cosine))
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

fn depth(filter: &CompiledFilter) -> usize {
    if filter.is_open() { CANDIDATES } else { FILTERED_CANDIDATES }
}

/// The chunks that share the most telling words with the query, over all repositories.
fn lexical(
    reader: &Reader<'_>,
    repos: &[Registered],
    request: &Request,
    filter: &CompiledFilter,
) -> Result<Vec<Candidate>, QueryError> {
    let mut found = Vec::new();
    for (index, repo) in repos.iter().enumerate() {
        let Some(store) = reader.store(repo)? else { continue };
        for (chunk, bm25) in chunks::search(store.db(), &request.query, depth(filter))? {
            if filter.passes(store.db(), &chunk)? {
                found.push(Candidate { repo: index, chunk, cosine: None, bm25: Some(bm25) });
            }
        }
    }
    Ok(best(found, |one| one.bm25))
}

/// The best [`CANDIDATES`] by one score.
fn best(mut found: Vec<Candidate>, score: impl Fn(&Candidate) -> Option<f64>) -> Vec<Candidate> {
    let score = |one: &Candidate| score(one).unwrap_or_default();
    found.sort_by(|a, b| score(b).total_cmp(&score(a)).then_with(|| a.chunk.chunk_id.cmp(&b.chunk.chunk_id)));
    found.truncate(CANDIDATES);
    found
}

/// What was found in either way, each chunk once.
fn joined(lexical: Vec<Candidate>, nearest: Vec<Candidate>) -> Vec<Candidate> {
    let mut all: HashMap<(usize, String), Candidate> = HashMap::new();
    for one in lexical.into_iter().chain(nearest) {
        let key = (one.repo, one.chunk.chunk_id.clone());
        match all.entry(key) {
            Entry::Occupied(mut standing) => standing.get_mut().cosine = one.cosine,
            Entry::Vacant(place) => drop(place.insert(one)),
        }
    }
    all.into_values().collect()
}

fn hits(
    reader: &Reader<'_>,
    repos: &[Registered],
    request: &Request,
    found: Vec<Candidate>,
) -> Result<Vec<Hit>, QueryError> {
    let ranked = rank::rank(&request.query, found, &rank::WEIGHTS);
    ranked.into_iter().take(request.limit).map(|one| hit(reader, &repos[one.repo], request, one)).collect()
}

fn hit(reader: &Reader<'_>, repo: &Registered, request: &Request, one: Ranked) -> Result<Hit, QueryError> {
    let (path, path_bytes) = json_path(&one.chunk.path);
    let source = match reader.store(repo)? {
        Some(store) => view::source(store.db(), &one.chunk.path)?,
        None => None,
    };
    Ok(Hit {
        repo: repo.location.path.to_string_lossy().into_owned(),
        path,
        path_bytes,
        start_line: one.chunk.start_line,
        end_line: one.chunk.end_line,
        entity_type: one.chunk.entity_type,
        entity_name: one.chunk.entity_name,
        score: one.score,
        source: source.unwrap_or(Source::Commit).as_str().to_owned(),
        parts: request.explain.then_some(one.parts),
    })
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
