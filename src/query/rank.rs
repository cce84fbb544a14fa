//! The order of hits: how near in meaning, which words, whether the name says it, and what a reader rather wants to see. Pure.
//!
//! A weighted sum of parts, each between 0 and 1 but for the similarity of meaning; where there is anything to tune on, that beats fusing
//! ranks (Bruch, Gai and Ingber, TOIS 2023). The weights come from coordinate ascent on NDCG@10 over the tuning halves of query sets
//! made of published crates, as `cargo bench --bench measure -- search-tune` does it, rounded. The sets ask for functions alone, so all
//! definitions have one weight: they do not show whether a type is wanted less. The parts `exact` and `test` are not tuned, for the sets
//! hold no identifiers to be found and no tests to be passed over. The weight of `used` was chosen alone, on the tuning halves of these sets
//! and of four trees of other languages; that of `written` was measured with what the
//! documentation says after its first paragraph in the place of what a model wrote.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};
use serde::{Deserialize, Serialize};

use crate::cache::chunks::ChunkRecord;
use crate::cache::words::{self, QueryWord, folded};
use crate::domain::Role;

/// What speaks for a hit and against it; a score is their sum, each by its weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parts {
    /// Cosine of the query's and the chunk's vectors, above that of the last candidate.
    pub meaning: f64,
    /// BM25, as a share of the best one.
    pub words: f64,
    /// Share of the name's words that the query has.
    pub name: f64,
    /// The same of the type or trait that it belongs to.
    pub owner: f64,
    /// Share of the query's words that the name has.
    pub asked: f64,
    /// It is a function, type, trait, macro or the like.
    pub definition: f64,
    /// It is text, no code.
    pub prose: f64,
    /// How many other files use it ([`share_of_users`]).
    #[serde(default)]
    pub used: f64,
    /// Share of the query's words that a model's text about it has.
    #[serde(default)]
    pub written: f64,
    /// It has just the name that was typed, or holds the words as they were typed, one after the other.
    pub exact: f64,
    /// It is a test or an example, or what only they use, and none was asked for; or it is generated.
    pub test: f64,
}

/// A weight for each part, in the order of [`Parts::values`].
pub type ScoreWeights = [f64; 11];

pub const WEIGHTS: ScoreWeights = [1.0, 0.5, 0.2, 0.15, 0.1, 0.3, -0.1, 0.05, 0.3, 0.3, -0.1];

impl Parts {
    pub const NAMES: [&'static str; 11] =
        ["meaning", "words", "name", "owner", "asked", "definition", "prose", "used", "written", "exact", "test"];

    pub fn values(&self) -> [f64; 11] {
        let Self { meaning, words, name, owner, asked, definition, prose, used, written, exact, test } = *self;
        [meaning, words, name, owner, asked, definition, prose, used, written, exact, test]
    }

    pub fn score(&self, weights: &ScoreWeights) -> f64 {
        self.values().iter().zip(weights).map(|(value, weight)| value * weight).sum()
    }
}

/// A query, read once.
pub struct SearchQuestion {
    stems: BTreeSet<String>,
    /// Characters of a script without spaces, fewer than it takes for a gram.
    prefixes: Vec<QueryWord>,
    /// What was typed, without the brackets of a call, as it is compared.
    typed: String,
    asks_for_tests: bool,
    /// It names something, rather than to describe what is looked for.
    pub(super) is_short: bool,
}

/// Words of a question that names something.
const SHORT_WORDS: usize = 3;

/// Words by which tests and examples are asked for, as stems.
const TEST_WORDS: [&str; 4] = ["test", "exampl", "bench", "benchmark"];

impl SearchQuestion {
    pub fn new(query: &str) -> Self {
        let (prefixes, words): (Vec<QueryWord>, Vec<QueryWord>) =
            words::telling(query).into_iter().partition(|word| word.is_prefix);
        let stems: BTreeSet<String> = words.iter().map(|word| stem(&word.text)).collect();
        let asks_for_tests = TEST_WORDS.iter().any(|word| stems.contains(*word));
        let typed = folded(query.trim().trim_end_matches("()").trim_end_matches('!'));
        let is_short = query.split_whitespace().count() <= SHORT_WORDS;
        Self { stems, prefixes, typed, asks_for_tests, is_short }
    }

    /// What can be said without other chunks.
    pub fn parts(&self, chunk: &ChunkRecord, role: Role) -> Parts {
        let names: Vec<(f64, f64, f64)> = chunk.entity_name.split(", ").map(|name| self.coverage(name)).collect();
        let best = |part: fn(&(f64, f64, f64)) -> f64| names.iter().map(part).fold(0.0, f64::max);
        let kind = chunk.entity_type.as_str();
        let typed = chunk.items.iter().find(|item| self.is_typed(&item.entity_name));
        let is_definition = is_definition(kind) || typed.is_some_and(|item| is_definition(&item.entity_type));
        let is_test = chunk.is_test || matches!(role, Role::Test | Role::Example | Role::Bench);
        Parts {
            name: best(|names| names.0),
            owner: best(|names| names.1),
            asked: best(|names| names.2),
            definition: share(is_definition),
            prose: share(matches!(kind, "text" | "section")),
            exact: share(typed.is_some() || chunk.entity_name.split(", ").any(|name| self.is_typed(name))),
            test: share(is_test && !self.asks_for_tests || role == Role::Generated),
            ..Parts::default()
        }
    }

    /// How much of a name, of its owner's name, and of the question by the name is covered.
    pub(super) fn coverage(&self, name: &str) -> (f64, f64, f64) {
        let (owner, name) = name.rsplit_once("::").unwrap_or(("", name));
        let (owner, name) = (stems(owner), stems(name));
        let covered = |words: &[String]| words.iter().filter(|word| self.asks(word)).count() as f64;
        let of = |words: &[String]| covered(words) / words.len().max(1) as f64;
        let asked: BTreeSet<&String> = name.iter().filter(|word| self.asks(word)).collect();
        (of(&name), of(&owner), asked.len() as f64 / self.words().max(1) as f64)
    }

    /// Whether a word is one of the question's, given its stem.
    fn asks(&self, stem: &str) -> bool {
        self.stems.contains(stem) || self.prefixes.iter().any(|word| word.is(stem))
    }

    pub(super) fn words(&self) -> usize {
        self.stems.len() + self.prefixes.len()
    }

    /// Share of the question's words that a text has.
    pub(super) fn share_in(&self, text: &str) -> f64 {
        self.words_in(text).len() as f64 / self.words().max(1) as f64
    }

    /// The question's words that a text has.
    pub(super) fn words_in(&self, text: &str) -> BTreeSet<String> {
        let words = stems_and_whole(text);
        let prefixes = self.prefixes.iter().filter(|prefix| words.iter().any(|word| prefix.is(word)));
        let prefixes: Vec<String> = prefixes.map(|prefix| prefix.text.clone()).collect();
        words.into_iter().filter(|word| self.stems.contains(word)).chain(prefixes).collect()
    }

    pub(super) fn is_typed(&self, name: &str) -> bool {
        let name = folded(name);
        !name.is_empty() && (name == self.typed || name.rsplit([':', '.']).next() == Some(self.typed.as_str()))
    }

    /// Where a line has words of the question: ranges of bytes, in order.
    pub fn matches(&self, line: &str) -> Vec<Range<usize>> {
        words::places(line, |word| self.asks(&stem(word)))
    }

    /// How many different words of the question a line has.
    pub fn count(&self, line: &str) -> usize {
        self.words_in(line).len()
    }
}

pub(super) fn is_definition(kind: &str) -> bool {
    matches!(kind, "class" | "function" | "method" | "test" | "struct" | "enum" | "trait" | "type" | "macro")
}

/// Files that use an item, from which more say no more.
const MANY_USERS: f64 = 64.0;

/// What so many files that use an item speak for it: each doubling as much.
pub(super) fn share_of_users(files: u64) -> f64 {
    ((1.0 + files as f64).ln() / (1.0 + MANY_USERS).ln()).min(1.0)
}

fn share(is: bool) -> f64 {
    f64::from(u8::from(is))
}

/// The stems of an identifier's parts.
fn stems(name: &str) -> Vec<String> {
    words::name_parts(name).iter().map(|word| stem(word)).collect()
}

fn stems_and_whole(text: &str) -> Vec<String> {
    words::indexed(text).split(' ').filter(|word| !word.is_empty()).map(stem).collect()
}

/// The stem of an English word (Porter 2), so that `escaping` finds `escape`, as the index of words does.
fn stem(word: &str) -> String {
    static STEMMER: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));
    STEMMER.stem(&word.to_lowercase()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::chunks::ItemRecord;
    use crate::domain::Hash;

    fn chunk(entity_type: &str, entity_name: &str) -> ChunkRecord {
        ChunkRecord {
            chunk_id: "c".into(),
            path: "src/a.rs".into(),
            chunk_hash: Hash::of(b""),
            entity_type: entity_type.into(),
            entity_name: entity_name.into(),
            is_test: entity_type == "test",
            items: Vec::new(),
            start_line: 1,
            end_line: 2,
        }
    }

    fn score(query: &str, entity_type: &str, name: &str, role: Role) -> f64 {
        SearchQuestion::new(query).parts(&chunk(entity_type, name), role).score(&WEIGHTS)
    }

    #[test]
    fn a_name_that_says_exactly_what_is_asked_comes_first() {
        let scores = ["Retry::limit", "Retry::limit_by_time", "Retry::open", "Store::open"]
            .map(|name| score("where is the limit of retries", "method", name, Role::Library));
        assert!(scores.is_sorted_by(|a, b| a > b), "{scores:?}");
    }

    #[test]
    fn what_is_typed_as_it_is_named_comes_first() {
        for typed in ["retry_limit", "Retry::retry_limit", "retry_limit()", "RETRY_LIMIT", "Retry_Limit!"] {
            assert!(
                SearchQuestion::new(typed).parts(&chunk("method", "Retry::retry_limit"), Role::Library).exact > 0.0,
                "{typed}"
            );
        }
        let item = |name: &str| ItemRecord {
            entity_type: "const".into(),
            entity_name: name.into(),
            start_line: 1,
            end_line: 1,
        };
        let both = ChunkRecord { items: vec![item("MAX"), item("LIMIT")], ..chunk("const", "MAX, LIMIT") };
        let merged = SearchQuestion::new("LIMIT").parts(&both, Role::Library);
        assert_eq!((merged.exact, merged.name), (1.0, 1.0));
    }

    #[test]
    fn an_item_comes_before_its_test_unless_tests_are_asked_for() {
        let both = |query: &str| {
            [("function", Role::Library), ("test", Role::Library), ("function", Role::Test)]
                .map(|(kind, role)| score(query, kind, "limits_retries", role))
        };
        let [item, unit_test, test] = both("limit retries");
        assert!(item > unit_test && item > test);
        let [item, _, test] = both("test that limits retries");
        assert!((item - test).abs() < 1e-9);
        let helper = ChunkRecord { is_test: true, ..chunk("function", "limits_retries") };
        let parts = |query: &str| SearchQuestion::new(query).parts(&helper, Role::Library);
        assert_eq!((parts("limit retries").test, parts("test that limits retries").test), (1.0, 0.0));
    }

    #[test]
    fn each_doubling_of_the_users_counts_alike_up_to_many() {
        let shares = [0, 1, 3, 7, 15, 31, 63].map(share_of_users);
        let steps: Vec<f64> = shares.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().all(|step| (step - steps[0]).abs() < 1e-9), "{shares:?}");
        assert_eq!((share_of_users(0), share_of_users(64), share_of_users(100_000)), (0.0, 1.0, 1.0));
    }

    #[test]
    fn generated_code_comes_after_written_code() {
        for query in ["limit retries", "test that limits retries"] {
            let [written, generated] =
                [Role::Library, Role::Generated].map(|role| score(query, "function", "limits_retries", role));
            assert!(written > generated, "{query}");
        }
    }

    #[test]
    fn the_words_of_the_question_are_found_in_a_line_by_their_stems() {
        let question = SearchQuestion::new("where are retries limited");
        let line = "    let retry_limit = self.limits(RetryPolicy::new());";
        let found: Vec<&str> = question.matches(line).into_iter().map(|range| &line[range]).collect();
        assert_eq!(found, ["retry_limit", "limits", "RetryPolicy"]);
        assert_eq!(question.count(line), 2);
        assert!(question.matches("nothing of it: äöü").is_empty());
    }
}
