//! Hybrid search: the nearest vectors and the best words are the candidates, [`super::rank`] orders them.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::candidates::{CANDIDATES, HitCandidate, HitCandidates, Match, best, families, ranked};
use super::empty::why_no_hits;
use super::filter::HitFilter;
pub use super::filter::{is_place, path_in_repo};
use super::hits::{hits, uncommitted};
use super::kept::Kept;
pub use super::nearest::{AskedVector, QuestionEmbedder};
use super::nearest::{Near, Tables};
use super::rank::{Parts, SearchQuestion, share_of_users};
use super::view::search::{RepoFreshness, SearchView};
use super::view::shown;
use super::written_hits::add_written;
use super::{QueryError, Reader};
use crate::cache::chunks::{self, ChunkRecord};
use crate::cache::vector_sets::{self, VectorSet};
use crate::cache::written::{self, WrittenMatch};
use crate::cache::{RepoStore, edges, overlay, provisional, view};
use crate::config::Config;
use crate::domain::{FilePath, Role, Source};
use crate::embedder::chosen;
use crate::home::Home;
use crate::queue;
use crate::repo::registry::Registered;
use crate::store::StoreError;

/// Longest query in bytes; more is no question, and the model reads 256 tokens.
pub const QUERY_MAX: usize = 4_096;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchRequest {
    pub query: String,
    /// Id of the one repository to search.
    pub repo: Option<String>,
    pub limit: usize,
    /// Entity type of the hits, e.g. `function`.
    pub kind: Option<String>,
    /// A file, a directory, or a glob that the hits' paths match; one without a slash, that their file names do.
    pub path: Option<String>,
    /// Language of the hits' files, e.g. `rust`.
    pub language: Option<String>,
    /// Where the content of the hits' files was read: `commit` or `worktree`.
    #[serde(default)]
    pub source: Option<String>,
    /// Hits say what their scores are made of.
    pub explain: bool,
}

impl SearchRequest {
    /// # Errors
    /// If the query is empty or too long, the path is an invalid glob, or the kind, the language or the source is unknown.
    pub fn check(&self) -> Result<(), QueryError> {
        check_query(&self.query)?;
        HitFilter::new(self).map(drop)
    }
}

/// Searches the stores.
pub struct Searcher {
    home: Home,
    config: Config,
    /// `None`: by words only.
    tables: Option<Tables>,
    kept: Kept,
}

/// A repository that is searched, and its store, opened once.
pub(super) struct Searched {
    pub(super) repo: Registered,
    pub(super) store: Option<RepoStore>,
    /// The place of the first repository that is a clone or a work tree of the same.
    pub(super) family: usize,
    /// The files that the view has from the work tree.
    pub(super) saved: BTreeSet<FilePath>,
    /// Number of files with provisional vectors.
    provisional: u64,
}

impl Searched {
    fn new(repo: Registered, store: Option<RepoStore>) -> Result<Self, QueryError> {
        let saved = store.as_ref().map(|store| overlay::paths(store.db())).transpose()?.unwrap_or_default();
        let provisional = store.as_ref().map(|store| provisional::count(store.db())).transpose()?.unwrap_or_default();
        Ok(Self { repo, store, family: 0, saved, provisional })
    }

    pub(super) fn source(&self, path: &FilePath) -> Source {
        if self.saved.contains(path) { Source::Worktree } else { Source::Commit }
    }

    pub(super) fn wanted(&self, chunk: ChunkRecord, filter: &HitFilter) -> Option<ChunkRecord> {
        let source = self.source(&chunk.path);
        filter.wanted(chunk, source)
    }
}

impl Searcher {
    /// For one search.
    ///
    /// # Errors
    /// If no runtime for LanceDB can be started.
    pub fn new(home: &Home, config: &Config) -> Result<Self, QueryError> {
        Ok(Self::with(home, config, Some(Tables::new(home, config, false)?)))
    }

    /// For many: it keeps vectors in memory ([`super::nearest`] says how much), and open what it has opened.
    ///
    /// # Errors
    /// If its threads cannot be started.
    pub fn for_many(home: &Home, config: &Config) -> Result<Self, QueryError> {
        Ok(Self::with(home, config, Some(Tables::new(home, config, true)?)))
    }

    /// By words alone: no vector is read and no thread is kept.
    pub fn by_words(home: &Home, config: &Config) -> Self {
        Self::with(home, config, None)
    }

    fn with(home: &Home, config: &Config, tables: Option<Tables>) -> Self {
        Self { home: home.clone(), config: config.clone(), tables, kept: Kept::default() }
    }

    /// Reads what it keeps, so that the next search is a quick one.
    ///
    /// # Errors
    /// If a store cannot be read.
    pub fn warm(&mut self) -> Result<(), QueryError> {
        let Some(model_id) = self.model_id() else { return Ok(()) };
        let (home, config) = (self.home.clone(), self.config.clone());
        let reader = Reader::open(&home, &config)?;
        let repos = reader.repos()?;
        let mut sets = Vec::new();
        for repo in &repos {
            let store = self.kept.store(&reader, repo)?;
            sets.push(store.as_ref().map(|store| serving(store, &model_id)).transpose()?);
            store.into_iter().for_each(|store| self.kept.keep_store(store));
        }
        let Some(tables) = &mut self.tables else { return Ok(()) };
        tables.ready(&sets).map_err(|error| QueryError::Failed(error.to_string()))
    }

    /// Answers a request; `model` gives the embedder, or says why there is none.
    ///
    /// # Errors
    /// If the query is empty or too long, names a repository that is not registered, or a store cannot be read.
    pub fn search(
        &mut self,
        request: &SearchRequest,
        model: impl FnOnce() -> Result<Arc<dyn QuestionEmbedder>, String> + Send,
    ) -> Result<SearchView, QueryError> {
        check_query(&request.query)?;
        let mut filter = HitFilter::new(request)?;
        let question = SearchQuestion::new(&request.query);
        let (home, config) = (self.home.clone(), self.config.clone());
        let reader = Reader::open(&home, &config)?;
        let (mut repos, errors) = self.searched(&reader, request)?;
        filter.settle(&repos)?;
        number_families(&mut repos);
        let sets = self.sets(&repos)?;
        let named: Vec<Registered> = repos.iter().map(|one| one.repo.clone()).collect();
        let provisional: Vec<u64> = repos.iter().map(|one| one.provisional).collect();
        let (tables, depth) = (self.tables.as_mut(), filter.depth());
        let kept = &mut self.kept;
        // Three searches run at the same time: by meaning, by words, and for the freshness of each repository.
        let (near, scores, freshness) = std::thread::scope(|scope| {
            let near = scope.spawn(|| match tables {
                Some(tables) => tables.nearest(&sets, &request.query, model, depth),
                None => model().and(Err("no vectors are read".to_owned())),
            });
            let words = spawn_scores(scope, &mut repos, &request.query, filter.words_depth());
            let freshness: Result<Vec<RepoFreshness>, StoreError> =
                named.iter().zip(provisional).map(|(repo, files)| freshness(kept, &reader, repo, files)).collect();
            let near = near.join().unwrap_or_else(|_| Err("searching the vectors panicked".to_owned()));
            (near, words.into_iter().map(joined).collect::<Result<Vec<_>, _>>(), freshness)
        });
        let mut candidates = HitCandidates::new();
        let mut scores: Vec<Scores> = scores?.into_iter().flatten().collect();
        let written: Vec<_> = scores.iter_mut().map(|one| std::mem::take(&mut one.written)).collect();
        add_words(&repos, scores, &filter, &question, &mut candidates)?;
        add_written(&repos, written, &filter, &question, &mut candidates)?;
        let note = match near {
            Ok(near) => {
                add_meaning(&repos, present(&repos, near, &filter)?, &question, &mut candidates)?;
                None
            }
            Err(note) => Some(note),
        };
        let picked = best(&repos, candidates, &filter, request.limit)?;
        let hits = hits(&mut self.kept, &repos, picked, &question, request, &filter)?;
        let freshness = freshness?;
        let why = || why_no_hits(request, &filter, &repos, &freshness, &errors, note.is_none());
        let answer = SearchView {
            why_empty: hits.is_empty().then(why).transpose()?,
            query: request.query.clone(),
            mode: if note.is_none() { "hybrid" } else { "lexical" }.to_owned(),
            note,
            hits,
            freshness,
            errors,
            uncommitted: uncommitted(&repos, &filter)?,
            answer_freshness: None,
        };
        repos.into_iter().filter_map(|one| one.store).for_each(|store| self.kept.keep_store(store));
        Ok(answer)
    }

    /// The model that is set up and there.
    fn model_id(&self) -> Option<String> {
        chosen::available(&self.home, &self.config.embedding)
    }

    /// The vectors by which each repository is searched.
    fn sets(&self, repos: &[Searched]) -> Result<Vec<Option<VectorSet>>, StoreError> {
        let Some(model_id) = self.model_id() else { return Ok(vec![None; repos.len()]) };
        let set = |one: &Searched| one.store.as_ref().map(|store| serving(store, &model_id)).transpose();
        repos.iter().map(set).collect()
    }

    /// The repositories that are asked, and what is wrong with those that cannot be: they hide nothing of the rest.
    fn searched(
        &mut self,
        reader: &Reader<'_>,
        request: &SearchRequest,
    ) -> Result<(Vec<Searched>, Vec<String>), QueryError> {
        let open = |kept: &mut Kept, repo: Registered| Searched::new(repo.clone(), kept.store(reader, &repo)?);
        if let Some(named) = &request.repo {
            return Ok((vec![open(&mut self.kept, reader.repo(named)?)?], Vec::new()));
        }
        let repos = reader.repos()?;
        self.kept.retain(&repos);
        let (mut sound, mut errors) = (Vec::new(), Vec::new());
        for repo in repos {
            let path = repo.location.path.clone();
            match open(&mut self.kept, repo) {
                Ok(searched) => sound.push(searched),
                Err(error) => errors.push(format!("{}: {error}", path.display())),
            }
        }
        Ok((sound, errors))
    }
}

fn number_families(repos: &mut [Searched]) {
    let families = families(repos.iter().map(|one| one.repo.root_commit.as_ref()));
    repos.iter_mut().zip(families).for_each(|(one, family)| one.family = family);
}

/// The vectors by which a repository is searched: those of the model before as long as those of a new one are not complete.
fn serving(store: &RepoStore, model_id: &str) -> Result<VectorSet, StoreError> {
    let first = || VectorSet { model_id: model_id.to_owned(), dir: store.dir.vectors() };
    Ok(vector_sets::serving(store)?.unwrap_or_else(first))
}

/// How far the index of a repository is behind its HEAD. A repository that cannot be opened has no head.
fn freshness(
    kept: &mut Kept,
    reader: &Reader<'_>,
    repo: &Registered,
    provisional_files: u64,
) -> Result<RepoFreshness, StoreError> {
    let head = kept.repo(repo).and_then(|git| git.head().ok()).and_then(|head| head.commit);
    Ok(RepoFreshness {
        repo: shown_path(repo),
        head: head.map(|id| id.to_string()),
        indexed_commit: repo.indexed_commit.as_ref().map(ToString::to_string),
        pending_files: match &reader.agent {
            Some(db) => queue::pending_files(db, &repo.id)?,
            None => 0,
        },
        provisional_files,
    })
}

/// # Errors
/// If a query is empty or too long.
pub fn check_query(query: &str) -> Result<(), QueryError> {
    if query.trim().is_empty() {
        return Err(QueryError::Invalid("the query is empty; say what you are looking for".to_owned()));
    }
    if query.len() > QUERY_MAX {
        return Err(QueryError::Invalid(format!("the query is longer than {QUERY_MAX} bytes; shorten it")));
    }
    Ok(())
}

/// The nearest that may be hits, at most [`CANDIDATES`]; what a family has several times once. A vector of a file that has changed since
/// is none: only chunks of the present view are. With each, whether its vector is provisional.
fn present(repos: &[Searched], near: Vec<Near>, filter: &HitFilter) -> Result<Vec<(Match, bool)>, QueryError> {
    let (mut found, mut met) = (Vec::new(), HashSet::new());
    for Near { repo, chunk_id, score, is_provisional } in near {
        let searched = &repos[repo];
        let Some(store) = searched.store.as_ref().filter(|_| !met.contains(&(searched.family, chunk_id.clone())))
        else {
            continue;
        };
        if let Some(chunk) = chunks::get(store.db(), &chunk_id)?.and_then(|chunk| searched.wanted(chunk, filter)) {
            met.insert((searched.family, chunk_id));
            found.push((Match { repo, chunk, score: f64::from(score) }, is_provisional));
            if found.len() == CANDIDATES {
                break;
            }
        }
    }
    Ok(found)
}

/// What the word index of one repository says: numbers of chunks with their scores, and of those that hold the words one after the
/// other.
#[derive(Default)]
struct Scores {
    scored: Vec<(i64, f64)>,
    phrases: Vec<i64>,
    /// What a model wrote that has words of the query.
    written: Vec<WrittenMatch>,
}

type Scoring<'scope> = ScopedJoinHandle<'scope, Result<Vec<Scores>, StoreError>>;

/// Asks the word indexes, on as many threads as there are processors; the answers come in the order of the repositories.
fn spawn_scores<'scope>(
    scope: &'scope Scope<'scope, '_>,
    repos: &'scope mut [Searched],
    query: &'scope str,
    depth: usize,
) -> Vec<Scoring<'scope>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let part = repos.len().div_ceil(threads).max(1);
    // A connection is one thread's at a time, hence the parts are handed over.
    let parts = repos.chunks_mut(part);
    parts
        .map(|part| scope.spawn(move || part.iter().map(|searched| scores(searched, query, depth)).collect()))
        .collect()
}

fn scores(searched: &Searched, query: &str, depth: usize) -> Result<Scores, StoreError> {
    let Some(store) = &searched.store else { return Ok(Scores::default()) };
    let scored = chunks::search(store.db(), query, depth)?;
    let written = written::search(store.db(), query, CANDIDATES)?;
    Ok(Scores { scored, phrases: chunks::holding(store.db(), query, CANDIDATES)?, written })
}

fn joined(scoring: Scoring<'_>) -> Result<Vec<Scores>, QueryError> {
    let panicked = |_| QueryError::Failed("searching the words panicked; see the log of the worker".to_owned());
    Ok(scoring.join().map_err(panicked)??)
}

/// The chunks that hold words of the query; `scores` by repository.
fn add_words(
    repos: &[Searched],
    scores: Vec<Scores>,
    filter: &HitFilter,
    question: &SearchQuestion,
    candidates: &mut HitCandidates,
) -> Result<(), QueryError> {
    let mut scored: Vec<(f64, usize, i64)> = Vec::new();
    let mut phrases: HashSet<(usize, i64)> = HashSet::new();
    for (repo, found) in scores.into_iter().enumerate() {
        scored.extend(found.scored.into_iter().map(|(number, score)| (score, repo, number)));
        phrases.extend(found.phrases.into_iter().map(|number| (repo, number)));
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (found, exact) = worded(repos, scored, filter, &phrases)?;
    let highest = found.first().map_or(1.0, |first| first.score.max(f64::MIN_POSITIVE));
    for Match { repo, chunk, score } in found {
        let is_phrase = exact.contains(&(repos[repo].family, chunk.chunk_id.clone()));
        let parts = &mut candidate(repos, repo, chunk, question, candidates)?.parts;
        parts.words = score / highest;
        if is_phrase {
            parts.exact = 1.0;
        }
    }
    Ok(())
}

/// Chunks by family and id.
type Exact = HashSet<(usize, String)>;

/// What chunks the best are that may be hits, and which of them hold the query's words one after the other. Of those that score alike
/// all are read, so that their numbers do not decide which are taken.
fn worded(
    repos: &[Searched],
    scored: Vec<(f64, usize, i64)>,
    filter: &HitFilter,
    phrases: &HashSet<(usize, i64)>,
) -> Result<(Vec<Match>, Exact), QueryError> {
    let (mut found, mut met, mut exact) = (Vec::<Match>::new(), HashSet::new(), Exact::new());
    for (score, repo, number) in scored {
        if met.len() >= CANDIDATES && found.last().is_some_and(|last| score < last.score) {
            break;
        }
        let searched = &repos[repo];
        let Some(store) = &searched.store else { continue };
        let wanted = chunks::numbered(store.db(), number)?.and_then(|chunk| searched.wanted(chunk, filter));
        let Some(chunk) = wanted else { continue };
        let id = (searched.family, chunk.chunk_id.clone());
        if phrases.contains(&(repo, number)) {
            exact.insert(id.clone());
        }
        met.insert(id);
        found.push(Match { repo, chunk, score });
    }
    Ok((ranked(repos, found), exact))
}

/// What nearness says by a provisional vector, of what it says by one of the model's own (`tests/bench/README.md`, "In the first minute").
const PROVISIONAL_WEIGHT: f64 = 0.5;

/// The chunks that are near in meaning. Of the others nothing is known but that they are no nearer than the last of these.
fn add_meaning(
    repos: &[Searched],
    nearest: Vec<(Match, bool)>,
    question: &SearchQuestion,
    candidates: &mut HitCandidates,
) -> Result<(), QueryError> {
    let floor = nearest.last().map_or(0.0, |(last, _)| last.score);
    for (Match { repo, chunk, score }, is_provisional) in nearest {
        let weight = if is_provisional { PROVISIONAL_WEIGHT } else { 1.0 };
        candidate(repos, repo, chunk, question, candidates)?.parts.meaning = (score - floor) * weight;
    }
    Ok(())
}

pub(super) fn candidate<'c>(
    repos: &[Searched],
    repo: usize,
    chunk: ChunkRecord,
    question: &SearchQuestion,
    candidates: &'c mut HitCandidates,
) -> Result<&'c mut HitCandidate, QueryError> {
    let entry = match candidates.entry((repos[repo].family, chunk.chunk_id.clone())) {
        Entry::Occupied(entry) => return Ok(entry.into_mut()),
        Entry::Vacant(entry) => entry,
    };
    let (role, used) = match &repos[repo].store {
        Some(store) => (view::role(store.db(), &chunk.path)?, share_of_users(users(store.db(), &chunk)?)),
        None => (None, 0.0),
    };
    let parts = Parts { used, ..question.parts(&chunk, role.unwrap_or(Role::Library)) };
    Ok(entry.insert(HitCandidate { repo, chunk, parts, also_in: Vec::new(), written: None }))
}

/// Most items of a chunk whose users are counted.
const COUNTED_ITEMS: usize = 8;

/// Number of files that use what is in a chunk: the item that most do.
fn users(db: &Connection, chunk: &ChunkRecord) -> Result<u64, StoreError> {
    let mut most = 0;
    for name in chunk.names().take(COUNTED_ITEMS) {
        most = most.max(edges::users(db, &chunk.path, name)?);
    }
    Ok(most)
}

pub(super) fn shown_path(repo: &Registered) -> String {
    shown(&repo.location.path)
}
