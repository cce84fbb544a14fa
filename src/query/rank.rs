//! Ranking candidates by what a reader wants (pure): near in meaning, of the same words, named as asked; definitions before the rest, tests
//! last unless asked for, one hit an item.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use crate::cache::chunks::{ChunkRecord, is_stop_word, words};
use crate::domain::Role;
use crate::outline;

/// What speaks for a candidate, each part from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parts {
    /// Cosine of the vectors as a share of the best; what is not among the nearest has the last one's.
    pub meaning: f64,
    /// BM25 as a share of the best.
    pub words: f64,
    /// Share of the words of its own name that the query has.
    pub name: f64,
    /// Share of the query's words that its name, the owner's included, has; rare among the candidates' names counts more.
    pub query: f64,
    /// 1 for an item that defines something; 0 for an impl block, a module, prose.
    pub definition: f64,
    /// 1 in a test, a bench or an example of which the query does not speak. It counts against.
    pub test: f64,
}

/// What each part counts.
pub type Weights = Parts;

/// From coordinate ascent over the tuning half of the queries of three crates: `cargo bench --bench measure -- search-tune`. That of
/// `definition` is half of what the ascent finds: the queries all ask for functions, and people ask for prose as well. Combining normalised
/// scores beats fusing ranks where there is anything to tune on (Bruch, Gai and Ingber, TOIS 2023).
pub const WEIGHTS: Weights = Weights { meaning: 1.0, words: 0.4, name: 0.3, query: 0.5, definition: 0.15, test: 0.3 };

impl Parts {
    /// The score under these weights.
    pub fn score(&self, weights: &Weights) -> f64 {
        self.meaning * weights.meaning
            + self.words * weights.words
            + self.name * weights.name
            + self.query * weights.query
            + self.definition * weights.definition
            - self.test * weights.test
    }
}

/// A chunk that was found, with what found it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Which of the repositories that are searched.
    pub repo: usize,
    pub chunk: ChunkRecord,
    pub cosine: Option<f64>,
    pub bm25: Option<f64>,
}

#[derive(Clone, Debug)]
pub struct Ranked {
    pub repo: usize,
    pub chunk: ChunkRecord,
    pub score: f64,
    pub parts: Parts,
}

/// The candidates, best first, one of each item.
pub fn rank(query: &str, candidates: Vec<Candidate>, weights: &Weights) -> Vec<Ranked> {
    let query = Query::new(query, &candidates);
    let best = Best::of(&candidates);
    let mut ranked: Vec<Ranked> = candidates
        .into_iter()
        .map(|candidate| {
            let parts = parts(&query, &best, &candidate);
            Ranked { repo: candidate.repo, score: parts.score(weights), parts, chunk: candidate.chunk }
        })
        .collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.chunk.chunk_id.cmp(&b.chunk.chunk_id)));
    fold(ranked)
}

/// Keeps the best piece of each item: what has the same name and kind in a file.
fn fold(ranked: Vec<Ranked>) -> Vec<Ranked> {
    let mut seen = HashSet::new();
    let is_first = |one: &Ranked| {
        let chunk = &one.chunk;
        chunk.entity_name.is_empty()
            || seen.insert((one.repo, chunk.path.clone(), chunk.entity_type.clone(), chunk.entity_name.clone()))
    };
    let mut is_first = is_first;
    ranked.into_iter().filter(|one| is_first(one)).collect()
}

/// The best and last scores, to measure the others by.
struct Best {
    cosine: f64,
    last_cosine: f64,
    bm25: f64,
}

impl Best {
    fn of(candidates: &[Candidate]) -> Self {
        let cosines = || candidates.iter().filter_map(|one| one.cosine);
        let cosine = cosines().fold(0.0, f64::max);
        Self {
            cosine,
            last_cosine: cosines().fold(cosine, f64::min).max(0.0),
            bm25: candidates.iter().filter_map(|one| one.bm25).fold(0.0, f64::max),
        }
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}

fn parts(query: &Query, best: &Best, candidate: &Candidate) -> Parts {
    let chunk = &candidate.chunk;
    let own = stems(own_name(&chunk.entity_name));
    let asked = own.iter().filter(|word| query.weights.contains_key(*word)).count();
    let matched: f64 = stems(&chunk.entity_name).iter().filter_map(|word| query.weights.get(word)).sum();
    let is_test = matches!(outline::role_of(&chunk.path), Role::Test | Role::Bench | Role::Example);
    Parts {
        meaning: share(candidate.cosine.unwrap_or(best.last_cosine), best.cosine),
        words: share(candidate.bm25.unwrap_or(0.0), best.bm25),
        name: share(asked as f64, own.len() as f64),
        query: share(matched, query.weights.values().sum()),
        definition: f64::from(u8::from(is_definition(&chunk.entity_type))),
        test: f64::from(u8::from(is_test && !query.speaks_of_tests)),
    }
}

fn is_definition(entity_type: &str) -> bool {
    matches!(entity_type, "function" | "method" | "struct" | "enum" | "trait" | "type" | "macro" | "const")
}

/// `open` of `Store::open`.
fn own_name(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

struct Query {
    /// Each word's stem, and how much it tells among the candidates' names.
    weights: BTreeMap<String, f64>,
    speaks_of_tests: bool,
}

impl Query {
    fn new(query: &str, candidates: &[Candidate]) -> Self {
        let names: Vec<BTreeSet<String>> = candidates.iter().map(|one| stems(&one.chunk.entity_name)).collect();
        let weight = |word: &String| {
            let holders = names.iter().filter(|name| name.contains(word)).count();
            // Inverse document frequency, smoothed so that it is never negative.
            (1.0 + (names.len() + 1) as f64 / (holders + 1) as f64).ln()
        };
        let stems = stems(query);
        let speaks_of_tests = ["test", "bench", "benchmark", "exampl"].iter().any(|word| stems.contains(*word));
        Self { weights: stems.iter().map(|word| (word.clone(), weight(word))).collect(), speaks_of_tests }
    }
}

/// The telling words of a text, each without its ending.
pub fn stems(text: &str) -> BTreeSet<String> {
    words(text).split_whitespace().filter(|word| !is_stop_word(word)).map(|word| stem(word).to_owned()).collect()
}

/// A light stemmer: takes the first of these endings off that leaves three letters. Names and questions are short, and what is
/// taken off too much does less harm than what is left.
fn stem(word: &str) -> &str {
    const ENDINGS: [&str; 10] = ["ings", "ing", "ies", "ied", "ers", "er", "ed", "es", "s", "e"];
    let cut = |ending: &&str| word.strip_suffix(*ending).filter(|rest| rest.chars().count() >= 3);
    ENDINGS.iter().find_map(cut).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{FilePath, Hash};

    fn found(path: &str, kind: &str, name: &str, cosine: f64, bm25: f64) -> Candidate {
        let chunk_id = format!("{path} {name} {cosine}");
        let chunk = ChunkRecord {
            chunk_hash: Hash::of(chunk_id.as_bytes()),
            chunk_id,
            path: FilePath::from(path),
            entity_type: kind.into(),
            entity_name: name.into(),
            start_line: 1,
            end_line: 2,
        };
        Candidate { repo: 0, chunk, cosine: Some(cosine), bm25: Some(bm25) }
    }

    fn order(query: &str, candidates: &[Candidate]) -> Vec<String> {
        let ranked = rank(query, candidates.to_vec(), &WEIGHTS);
        ranked.into_iter().map(|one| format!("{} {}", one.chunk.path, one.chunk.entity_name)).collect()
    }

    #[test]
    fn what_is_named_as_asked_comes_before_what_uses_it() {
        let all = [
            found("src/net.rs", "function", "connect", 0.50, 5.0),
            found("src/net.rs", "function", "retry_limit", 0.48, 5.0),
        ];
        assert_eq!(order("where are retries limited", &all)[0], "src/net.rs retry_limit");
        assert_eq!(order("retryLimit", &all)[0], "src/net.rs retry_limit");
    }

    #[test]
    fn a_definition_comes_before_an_impl_and_tests_come_last_unless_asked_for() {
        let all = [
            found("tests/net.rs", "function", "opens", 0.5, 5.0),
            found("src/net.rs", "impl", "Socket", 0.5, 5.0),
            found("src/net.rs", "function", "bind", 0.5, 5.0),
        ];
        assert_eq!(order("listen", &all), ["src/net.rs bind", "src/net.rs Socket", "tests/net.rs opens"]);
        assert_ne!(order("tests that listen", &all)[2], "tests/net.rs opens");
    }

    #[test]
    fn pieces_of_one_item_are_one_hit_and_what_has_no_name_is_kept() {
        let all = [
            found("src/a.rs", "function", "long", 0.5, 1.0),
            found("src/a.rs", "function", "long", 0.4, 2.0),
            found("src/a.rs", "text", "", 0.3, 1.0),
            found("src/a.rs", "text", "", 0.2, 1.0),
        ];
        assert_eq!(order("something", &all).len(), 3);
    }

    #[test]
    fn without_vectors_words_and_names_decide() {
        let mut all = [found("a.rs", "function", "b", 0.0, 1.0), found("a.rs", "function", "c", 0.0, 4.0)];
        all.iter_mut().for_each(|one| one.cosine = None);
        let ranked = rank("x", all.to_vec(), &WEIGHTS);
        assert_eq!(ranked[0].chunk.entity_name, "c");
        assert!(ranked.iter().all(|one| one.parts.meaning == 0.0 && one.score.is_finite()));
    }

    #[test]
    fn endings_do_not_tell_words_apart() {
        assert_eq!(stems("limited limits limiting limit"), stems("limit"));
        assert_eq!(stem("is"), "is");
    }
}
