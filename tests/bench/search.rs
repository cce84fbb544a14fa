//! Whole searches, question in and hits out, in the sample repository: through a warm worker, and by the verb.

use std::time::Instant;

use super::figures::{Spread, millis, row, row_below};
use super::indexed::{Indexed, Samples};
use super::sample::QUESTIONS;

const ROUNDS: usize = 20;
const VERB_ROUNDS: usize = 2;

pub fn measure(samples: &Samples) {
    show(samples.lexical(), "lexical", "by words");
    if let Some(embedded) = samples.embedded() {
        show(embedded, "hybrid", "by meaning and words, model warm");
    }
}

fn show(indexed: &Indexed, mode: &str, how: &str) {
    let asked = times(ROUNDS, |question| {
        let answer = indexed.search(question);
        assert_eq!(answer.mode, mode, "{:?}", answer.note);
        assert!(!answer.hits.is_empty(), "nothing was found: {question}");
    });
    let value = asked.show(&[50, 99]);
    row_below(&format!("search in {} files {how}", indexed.files), &value, millis(asked.at(99)), 100.0, "ms");
    let typed = times(VERB_ROUNDS, |question| drop(indexed.agent.ok(["search", question])));
    row(&format!("the verb `search` {how}, its start included"), &typed.show(&[50, 95]));
}

/// Asks each question so many times.
fn times(rounds: usize, ask: impl Fn(&str)) -> Spread {
    let questions = std::iter::repeat_n(QUESTIONS, rounds).flatten();
    let times = questions.map(|question| {
        let begun = Instant::now();
        ask(question);
        begun.elapsed()
    });
    Spread::of(times.collect())
}
