//! How well searches find what is known to be the answer: the queries of [`super::doc_queries`], asked of the real agent.
//!
//! `search-eval` scores the order in which hits are shown, `search-tune` searches for better weights. `RA_AGENT_SEARCH_SET=REPO:CSV`
//! scores a set that was made elsewhere in the place of the published crates. With `RA_AGENT_SEARCH_VECTORS=provisional` the answers go by
//! the vectors of the model's table, with `mixed` those of every second file do.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use ra_agent::domain::Hash;
use ra_agent::embedder::bert::Embedder;
use ra_agent::embedder::model;
use ra_agent::query::rank::{Parts, ScoreWeights, WEIGHTS};
use ra_agent::query::search::SearchRequest;
use ra_agent::query::view::search::SearchHit;
use ra_agent::vectors::Vectors;
use ra_agent::{home::Home, worker};

use super::doc_queries::{self, Query};
use super::indexed::{MODEL, model_directory};
use super::published::source_of;
use super::support::{TestAgent, TestRepo, wait_until};

/// Crates that are asked, and the NDCG@10 of two textbook lines (BM25 and all-MiniLM over items) fused by rank on the same queries; the
/// weights were not tuned on those that have none.
const CRATES: &[(&str, &str, Option<f64>)] = &[
    ("just", "1.59.0", Some(0.525)),
    ("hyperfine", "2.0.0", Some(0.523)),
    ("rusqlite", "0.41.1", Some(0.355)),
    ("fd-find", "10.5.0", None),
    ("mini-redis", "0.4.1", None),
    ("clap_builder", "4.5.30", None),
];

/// Hits that are judged; NDCG takes the first 10.
const LOOKED_AT: usize = 20;
/// Hits among which weights are tried.
const TUNED_OVER: usize = 200;
const STEPS: [f64; 4] = [0.1, 0.03, -0.03, -0.1];

/// A set of queries and the repository that they are asked of.
struct Set {
    label: String,
    floor: Option<f64>,
    queries: Vec<Query>,
    path: PathBuf,
    /// Lives as long as its set.
    _repo: Option<TestRepo>,
}

fn sets() -> Vec<Set> {
    if let Some(set) = std::env::var_os("RA_AGENT_SEARCH_SET") {
        let set = set.into_string().unwrap();
        let Some((repo, csv)) = set.rsplit_once(':') else { panic!("RA_AGENT_SEARCH_SET is {set}; write REPO:CSV") };
        let queries = doc_queries::read_csv(&std::fs::read_to_string(csv).unwrap()).unwrap();
        return vec![Set { label: repo.to_owned(), floor: None, queries, path: repo.into(), _repo: None }];
    }
    let set = |(name, version, floor): &(&str, &str, Option<f64>)| {
        let repo = TestRepo::new();
        let queries = match source_of(name, version) {
            Ok(source) => doc_queries::strip(&source, repo.path()).unwrap(),
            Err(error) => {
                eprintln!("{name} {version} is left out: {error}");
                return None;
            }
        };
        repo.commit("without documentation");
        let path = repo.path().to_path_buf();
        Some(Set { label: format!("{name} {version}"), floor: *floor, queries, path, _repo: Some(repo) })
    };
    CRATES.iter().filter_map(set).collect()
}

/// The sets under the care of an agent, with the model.
struct Asked {
    agent: TestAgent,
    sets: Vec<Set>,
}

impl Asked {
    fn new() -> Option<Self> {
        model_directory()?;
        let mut agent = TestAgent::new();
        agent.write_config(&format!("[embedding]\nmodel = \"{MODEL}\"\nunload_after_secs = 3600\n"));
        agent.start();
        let sets = sets();
        for set in &sets {
            agent.ok(["register".as_ref(), set.path.as_os_str()]);
        }
        let output = agent.command(["wait", "--timeout", "7200s"]).output().unwrap();
        assert!(output.status.success(), "{}", agent.log());
        match std::env::var("RA_AGENT_SEARCH_VECTORS").as_deref() {
            Ok("provisional") => make_provisional(&mut agent, |_| true),
            Ok("mixed") => make_provisional(&mut agent, |path| Hash::of(path.as_bytes()).as_bytes()[0] & 1 == 0),
            _ => {}
        }
        Some(Self { agent, sets })
    }

    fn hits(&self, set: &Set, query: &str, limit: usize) -> Vec<SearchHit> {
        let home = Home::at(self.agent.home()).unwrap();
        let repo = Some(set.path.to_string_lossy().into_owned());
        let request = SearchRequest { query: query.to_owned(), repo, limit, explain: true, ..SearchRequest::default() };
        let mut answer = None;
        wait_until(Duration::from_secs(60), "the worker answers", || {
            answer = worker::ask(&home, &request);
            answer.is_some()
        });
        let answer = answer.unwrap().unwrap();
        assert_eq!(answer.mode, "hybrid", "{:?}", answer.note);
        answer.hits
    }
}

/// Puts provisional vectors in the place of the model's own, in the files that are wanted.
fn make_provisional(agent: &mut TestAgent, is_wanted: impl Fn(&str) -> bool) {
    agent.stop();
    agent.ok(["model", "install", MODEL]);
    let spec = model::spec(MODEL).unwrap();
    let home = Home::at(agent.home()).unwrap();
    let embedder = Embedder::load(&home.model(MODEL), spec, 2).unwrap();
    let table = embedder.table().unwrap();
    println!("the scale of the table's cosines: {:?}", table.scale);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for store in std::fs::read_dir(agent.home().join("cache/repos")).unwrap() {
        runtime.block_on(async {
            let vectors = Vectors::open_or_create(&store.unwrap().path().join("embeddings.lance")).await.unwrap();
            let mut rows = vectors.rows().await.unwrap();
            rows.retain(|row| is_wanted(&row.file_path));
            let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
            let made = embedder.embed_provisionally(table, &texts).unwrap();
            for (row, vector) in rows.iter_mut().zip(made) {
                (row.vector, row.model_id) = (vector, spec.table_id.to_owned());
            }
            let paths: Vec<String> =
                rows.iter().map(|row| row.file_path.clone()).collect::<BTreeSet<_>>().into_iter().collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            vectors.replace_files(&paths, rows).await.unwrap();
        });
    }
    agent.start();
}

/// Means over queries.
#[derive(Default)]
struct Score {
    queries: f64,
    hit5: f64,
    hit10: f64,
    mrr: f64,
    ndcg10: f64,
}

impl Score {
    fn of<'q>(results: impl Iterator<Item = (&'q Query, Vec<&'q SearchHit>)>) -> Self {
        let mut sum = Self::default();
        for (query, hits) in results {
            let relevances = relevances(query, &hits);
            let first = relevances.iter().position(|&relevance| relevance > 0);
            let mut ideal: Vec<u32> = query.targets.iter().map(|target| target.relevance).collect();
            ideal.sort_unstable_by(|a, b| b.cmp(a));
            sum.queries += 1.0;
            sum.hit5 += f64::from(u8::from(first.is_some_and(|rank| rank < 5)));
            sum.hit10 += f64::from(u8::from(first.is_some_and(|rank| rank < 10)));
            sum.mrr += first.map_or(0.0, |rank| 1.0 / (rank + 1) as f64);
            sum.ndcg10 += (gain(&relevances) / gain(&ideal).max(f64::MIN_POSITIVE)).min(1.0);
        }
        let mean = |total: f64| total / sum.queries.max(1.0);
        Self { hit5: mean(sum.hit5), hit10: mean(sum.hit10), mrr: mean(sum.mrr), ndcg10: mean(sum.ndcg10), ..sum }
    }
}

/// The relevance of each hit that overlaps a target; a second hit on the same one counts nothing.
fn relevances(query: &Query, hits: &[&SearchHit]) -> Vec<u32> {
    let mut open = query.targets.clone();
    let relevance = |hit: &&SearchHit| {
        let (met, rest): (Vec<_>, Vec<_>) = open.drain(..).partition(|target| {
            hit.path == target.path && hit.start_line <= target.end_line && hit.end_line >= target.start_line
        });
        open = rest;
        met.iter().map(|target| target.relevance).max().unwrap_or(0)
    };
    hits.iter().take(LOOKED_AT).map(relevance).collect()
}

/// Discounted cumulative gain of the first ten (Järvelin and Kekäläinen, TOIS 2002).
fn gain(relevances: &[u32]) -> f64 {
    relevances.iter().take(10).enumerate().map(|(rank, &gain)| f64::from(gain) / ((rank + 2) as f64).log2()).sum()
}

/// Prints how well every set is answered.
pub fn measure() {
    println!("\n| set | queries | SearchHit@5 | SearchHit@10 | MRR | NDCG@10 | tuning half | testing half | floor |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let Some(asked) = Asked::new() else { return };
    for set in &asked.sets {
        let answers: Vec<(&Query, Vec<SearchHit>)> =
            set.queries.iter().map(|query| (query, asked.hits(set, &query.text, LOOKED_AT))).collect();
        let score = |wanted: &dyn Fn(&Query) -> bool| {
            let chosen = answers.iter().filter(|(query, _)| wanted(query));
            Score::of(chosen.map(|(query, hits)| (*query, hits.iter().collect())))
        };
        let all = score(&|_| true);
        let (tuning, testing) = (score(&Query::is_for_tuning), score(&|query| !query.is_for_tuning()));
        let floor = set.floor.map_or_else(|| "not tuned on".to_owned(), |floor| format!("{floor:.3}"));
        println!(
            "| {} | {} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {floor} |",
            set.label, all.queries, all.hit5, all.hit10, all.mrr, all.ndcg10, tuning.ndcg10, testing.ndcg10
        );
    }
}

/// Searches for the weights that answer the tuning halves of the sets with a floor best, one weight after the other, and prints them.
pub fn tune() {
    let Some(asked) = Asked::new() else { return };
    let tuned: Vec<&Set> = asked.sets.iter().filter(|set| set.floor.is_some()).collect();
    let answers: Vec<Vec<(&Query, Vec<SearchHit>)>> = tuned
        .iter()
        .map(|set| set.queries.iter().map(|query| (query, asked.hits(set, &query.text, TUNED_OVER))).collect())
        .collect();
    let mut weights = WEIGHTS;
    let mut best = mean_score(&answers, &weights, true);
    loop {
        let before = best;
        for part in TUNED {
            for step in STEPS {
                let mut tried = weights;
                tried[part] += step;
                let score = mean_score(&answers, &tried, true);
                if score > best + 1e-4 {
                    (best, weights) = (score, tried);
                }
            }
        }
        if best <= before {
            break;
        }
    }
    println!(
        "\n{:?}\n{weights:.2?}\nNDCG@10 of the tuning halves {best:.3}, of the testing halves {:.3}",
        Parts::NAMES,
        mean_score(&answers, &weights, false)
    );
}

/// The parts whose weights are searched for: `meaning` is what the others are measured by, and for the last two the sets have no queries.
const TUNED: std::ops::Range<usize> = 1..Parts::NAMES.len() - 2;

fn mean_score(answers: &[Vec<(&Query, Vec<SearchHit>)>], weights: &ScoreWeights, tuning: bool) -> f64 {
    let of_set = |set: &Vec<(&Query, Vec<SearchHit>)>| {
        let chosen = set.iter().filter(|(query, _)| query.is_for_tuning() == tuning);
        let ordered = chosen.map(|(query, hits)| (*query, ordered(hits, weights)));
        Score::of(ordered).ndcg10
    };
    answers.iter().map(of_set).sum::<f64>() / answers.len().max(1) as f64
}

fn ordered<'h>(hits: &'h [SearchHit], weights: &ScoreWeights) -> Vec<&'h SearchHit> {
    let score = |hit: &SearchHit| hit.parts.as_ref().map_or(0.0, |parts: &Parts| parts.score(weights));
    let mut ordered: Vec<&SearchHit> = hits.iter().collect();
    ordered.sort_by(|a, b| score(b).total_cmp(&score(a)));
    ordered
}
