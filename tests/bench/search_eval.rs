//! How well searches find what is known to be the answer: the queries of [`super::doc_queries`], asked of the real agent.
//!
//! `search-eval` scores the order in which hits are shown: by BM25 of the chunks, by words alone, by provisional vectors, and with the
//! model. `search-tune` searches for better weights, and sweeps the weights of two parts. In the place of the published crates:
//!
//! - `RA_AGENT_SEARCH_TREES=DIR[:DIR..]`: the functions of these trees of Python, TypeScript, JavaScript, Go or Java, of each at most
//!   `RA_AGENT_SEARCH_FILES` files (400);
//! - `RA_AGENT_SEARCH_SET=REPO:CSV`: a set that was made elsewhere.
//!
//! With `RA_AGENT_SEARCH_MODEL=none` it all goes by words. With `RA_AGENT_SEARCH_VECTORS=provisional` the answers go by the vectors of the
//! model's table, with `mixed` those of every second file do. With `RA_AGENT_SEARCH_WRITTEN=1` what the documentation says after its first
//! paragraph is indexed as if a model had written it of its function.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ra_agent::cache::written::{self, WrittenKind, WrittenText};
use ra_agent::config::Config;
use ra_agent::domain::{FilePath, Hash};
use ra_agent::embedder::encoder::Embedder;
use ra_agent::embedder::model;
use ra_agent::query::rank::{Parts, ScoreWeights, WEIGHTS};
use ra_agent::query::search::{SearchRequest, Searcher};
use ra_agent::query::view::search::SearchHit;
use ra_agent::vectors::{DIMENSIONS, Vectors};
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
    /// Weights are tuned on its tuning half.
    is_tuned: bool,
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
        return vec![Set {
            label: repo.to_owned(),
            floor: None,
            is_tuned: true,
            queries,
            path: repo.into(),
            _repo: None,
        }];
    }
    if let Some(trees) = std::env::var_os("RA_AGENT_SEARCH_TREES") {
        return std::env::split_paths(&trees).map(|tree| set_of_tree(&tree)).collect();
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
        let label = format!("{name} {version}");
        Some(Set { label, floor: *floor, is_tuned: floor.is_some(), queries, path, _repo: Some(repo) })
    };
    CRATES.iter().filter_map(set).collect()
}

fn set_of_tree(tree: &Path) -> Set {
    let repo = TestRepo::new();
    let queries = doc_queries::strip_tree(tree, repo.path()).unwrap();
    repo.commit("without documentation");
    let path = repo.path().to_path_buf();
    let label = tree.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Set { label, floor: None, is_tuned: true, queries, path, _repo: Some(repo) }
}

/// How a query is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// What the agent's worker answers, with the model.
    Worker,
    Words,
}

/// The sets under the care of an agent, with the model.
struct Asked {
    agent: TestAgent,
    sets: Vec<Set>,
    with_model: bool,
}

impl Asked {
    fn new() -> Option<Self> {
        let with_model = std::env::var("RA_AGENT_SEARCH_MODEL").as_deref() != Ok("none");
        if with_model {
            model_directory()?;
        }
        let mut agent = if with_model { TestAgent::new() } else { TestAgent::without_model() };
        let model = if with_model { format!("model = \"{MODEL}\"\n") } else { String::new() };
        agent.write_config(&format!("[embedding]\n{model}unload_after_secs = 3600\n"));
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
        if std::env::var_os("RA_AGENT_SEARCH_WRITTEN").is_some() {
            write_rests(&mut agent, &sets);
        }
        Some(Self { agent, sets, with_model })
    }

    /// The best that the agent has.
    fn by(&self) -> By {
        if self.with_model { By::Worker } else { By::Words }
    }

    fn hits(&self, set: &Set, query: &str, limit: usize, by: By) -> Vec<SearchHit> {
        let home = Home::at(self.agent.home()).unwrap();
        let repo = Some(set.path.to_string_lossy().into_owned());
        let request = SearchRequest { query: query.to_owned(), repo, limit, explain: true, ..SearchRequest::default() };
        if by == By::Words {
            let config = Config::load(&home.config_file(), home.root()).unwrap();
            return Searcher::by_words(&home, &config).search(&request, || Err("by words".to_owned())).unwrap().hits;
        }
        let mut answer = None;
        wait_until(Duration::from_secs(60), "the worker answers", || {
            answer = worker::ask(&home, &request);
            answer.is_some()
        });
        let answer = answer.unwrap().unwrap();
        assert_eq!(answer.mode, "hybrid", "{:?}", answer.note);
        answer.hits
    }

    /// How well a set is answered: all of it, its tuning and its testing half.
    fn scores(&self, set: &Set, by: By) -> [Score; 3] {
        let answers: Vec<(&Query, Vec<SearchHit>)> =
            set.queries.iter().map(|query| (query, self.hits(set, &query.text, LOOKED_AT, by))).collect();
        halves(&answers, |hits| hits.iter().collect())
    }

    /// The same, of the chunks by their BM25 alone.
    fn bm25(&self, set: &Set) -> f64 {
        let only_words = |hits: &[SearchHit]| {
            let words = |hit: &SearchHit| hit.parts.as_ref().map_or(0.0, |parts| parts.words);
            let mut order: Vec<usize> = (0..hits.len()).collect();
            order.sort_by(|&a, &b| words(&hits[b]).total_cmp(&words(&hits[a])));
            order
        };
        let answers: Vec<(&Query, Vec<SearchHit>)> =
            set.queries.iter().map(|query| (query, self.hits(set, &query.text, TUNED_OVER, By::Words))).collect();
        let [all, ..] = halves(&answers, |hits| only_words(hits).into_iter().map(|at| &hits[at]).collect());
        all.ndcg10
    }
}

fn halves<'h>(
    answers: &'h [(&'h Query, Vec<SearchHit>)],
    order: impl Fn(&'h [SearchHit]) -> Vec<&'h SearchHit>,
) -> [Score; 3] {
    let score = |wanted: &dyn Fn(&Query) -> bool| {
        let chosen = answers.iter().filter(|(query, _)| wanted(query));
        Score::of(chosen.map(|(query, hits)| (*query, order(hits))))
    };
    [score(&|_| true), score(&Query::is_for_tuning), score(&|query| !query.is_for_tuning())]
}

/// Indexes what the documentation of each function says after its first paragraph as if a model had suggested it.
fn write_rests(agent: &mut TestAgent, sets: &[Set]) {
    agent.stop();
    let home = Home::at(agent.home()).unwrap();
    let config = Config::load(&home.config_file(), home.root()).unwrap();
    let reader = ra_agent::query::Reader::open(&home, &config).unwrap();
    for set in sets {
        let repo = reader.repo(&set.path).unwrap();
        let path = ra_agent::cache::store_dir(&config, &repo).analysis_db();
        let db = ra_agent::store::open_writer(&path, ra_agent::store::Database::Analysis).unwrap();
        let mut written = 0;
        for (at, query) in set.queries.iter().enumerate().filter(|(_, query)| !query.rest.is_empty()) {
            let target = &query.targets[0];
            let text = WrittenText {
                kind: WrittenKind::Doc,
                item: None,
                line: target.start_line,
                body: query.rest.chars().take(REST_CHARS).collect(),
            };
            let path = FilePath::from(target.path.as_str());
            written::put(&db, &path, &Hash::of(&at.to_le_bytes()), &[text]).unwrap();
            written += 1;
        }
        println!("{}: {written} of {} functions have text as if of a model", set.label, set.queries.len());
    }
    agent.start();
}

/// As long as a model's suggestion is.
const REST_CHARS: usize = 160;

/// Puts provisional vectors in the place of the model's own, in the files that are wanted.
fn make_provisional(agent: &mut TestAgent, is_wanted: impl Fn(&str) -> bool) {
    agent.stop();
    agent.ok(["model", "install", MODEL]);
    let home = Home::at(agent.home()).unwrap();
    let embedder = Embedder::load(&home.model(MODEL), MODEL, 2).unwrap();
    let table = embedder.table().unwrap();
    println!("the scale of the table's cosines: {:?}", table.scale);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for store in std::fs::read_dir(agent.home().join("cache/repos")).unwrap() {
        runtime.block_on(async {
            let vectors =
                Vectors::open_or_create(&store.unwrap().path().join("embeddings.lance"), DIMENSIONS).await.unwrap();
            let mut rows = vectors.rows().await.unwrap();
            rows.retain(|row| is_wanted(&row.file_path));
            let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
            let made = embedder.embed_provisionally(table, &texts).unwrap();
            for (row, vector) in rows.iter_mut().zip(made) {
                (row.vector, row.model_id) = (vector, model::table_id(MODEL));
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
#[derive(Clone, Copy, Default)]
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
    let Some(mut asked) = Asked::new() else { return };
    let by_words: Vec<(f64, [Score; 3])> =
        asked.sets.iter().map(|set| (asked.bm25(set), asked.scores(set, By::Words))).collect();
    let by_model: Vec<Option<[Score; 3]>> =
        asked.sets.iter().map(|set| asked.with_model.then(|| asked.scores(set, By::Worker))).collect();
    let is_own = asked.with_model && std::env::var_os("RA_AGENT_SEARCH_VECTORS").is_none();
    if is_own {
        make_provisional(&mut asked.agent, |_| true);
    }
    println!(
        "\nNDCG@10; Hit and MRR are of the last way. The margin is of words and model over words alone, on the testing half.\n"
    );
    println!(
        "| set | queries | BM25 | words alone | provisional | words and model | Hit@5 | Hit@10 | MRR | tuning half: words | and model \
         | testing half: words | and model | margin | floor |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for ((set, (bm25, words)), model) in asked.sets.iter().zip(&by_words).zip(&by_model) {
        let provisional = is_own.then(|| asked.scores(set, By::Worker)[0].ndcg10);
        let of_model = |part: usize| model.as_ref().map(|scores| scores[part].ndcg10);
        let shown = |score: Option<f64>| score.map_or_else(|| "-".to_owned(), |score| format!("{score:.3}"));
        let Score { queries, hit5, hit10, mrr, .. } = model.as_ref().unwrap_or(words)[0];
        println!(
            "| {} | {queries} | {bm25:.3} | {:.3} | {} | {} | {hit5:.3} | {hit10:.3} | {mrr:.3} | {:.3} | {} | {:.3} | {} | {} | {} |",
            set.label,
            words[0].ndcg10,
            shown(provisional),
            shown(of_model(0)),
            words[1].ndcg10,
            shown(of_model(1)),
            words[2].ndcg10,
            shown(of_model(2)),
            of_model(2).map_or_else(|| "-".to_owned(), |score| format!("{:+.3}", score - words[2].ndcg10)),
            set.floor.map_or_else(|| "not tuned on".to_owned(), |floor| format!("{floor:.3}")),
        );
    }
}

/// Searches for the weights that answer the tuning halves of the sets with a floor best, one weight after the other, and prints them.
pub fn tune() {
    let Some(asked) = Asked::new() else { return };
    let tuned: Vec<&Set> = asked.sets.iter().filter(|set| set.is_tuned).collect();
    let by = asked.by();
    let answers: Vec<Vec<(&Query, Vec<SearchHit>)>> = tuned
        .iter()
        .map(|set| set.queries.iter().map(|query| (query, asked.hits(set, &query.text, TUNED_OVER, by))).collect())
        .collect();
    let labels: Vec<&str> = tuned.iter().map(|set| set.label.as_str()).collect();
    for part in ["used", "written"] {
        sweep(part, &labels, &answers);
    }
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

/// Weights of one part that are tried while the others stay.
const SWEPT: [f64; 8] = [0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5];

/// Prints how well each half of each set is answered with these weights of a part.
fn sweep(part: &str, labels: &[&str], answers: &[Vec<(&Query, Vec<SearchHit>)>]) {
    let Some(at) = Parts::NAMES.iter().position(|name| *name == part) else { return };
    println!(
        "\nNDCG@10 of tuning / testing halves, by the weight of {part:?}\n\n| weight | {} | mean |",
        labels.join(" | ")
    );
    println!("|---{}|---|", "|---".repeat(labels.len()));
    for weight in SWEPT {
        let mut weights = WEIGHTS;
        weights[at] = weight;
        let of_set = |set| [true, false].map(|tuning| mean_score(std::slice::from_ref(set), &weights, tuning));
        let cells: Vec<String> =
            answers.iter().map(of_set).map(|[tuning, testing]| format!("{tuning:.4} / {testing:.4}")).collect();
        let [tuning, testing] = [true, false].map(|tuning| mean_score(answers, &weights, tuning));
        println!("| {weight} | {} | {tuning:.4} / {testing:.4} |", cells.join(" | "));
    }
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
