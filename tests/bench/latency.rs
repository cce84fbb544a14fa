//! How long a search takes among 100,000 chunks: all in one repository, and spread over twenty; through a warm worker, as a whole
//! command, and as one that finds no worker.

use std::process::Command;
use std::time::{Duration, Instant};

use ra_agent::home::Home;
use ra_agent::query::search::SearchRequest;
use ra_agent::query::view::search::SearchView;
use ra_agent::worker;

use super::doc_queries;
use super::figures::{Spread, millis, row_below};
use super::indexed::model_directory;
use super::large::{Large, Source, sources};
use super::machine;
use super::published::source_of;
use super::support::wait_until;

const REPOSITORIES: usize = 20;
/// Crates whose documentation the questions are taken from; they are among those that are searched.
const ASKED_FROM: [(&str, &str); 2] = [("clap_builder", "4.5.30"), ("rusqlite", "0.41.1")];
/// Words of a question that a person types.
const WORDS: std::ops::RangeInclusive<usize> = 4..=10;
const QUESTIONS: usize = 200;
/// Searches that are not timed: the first read the stores from disk.
const WARM_UP: usize = 20;
const COMMANDS: usize = 100;
const COLD_COMMANDS: usize = 10;

pub fn measure() {
    if model_directory().is_none() {
        return;
    }
    let sources = sources();
    let questions = questions();
    for repositories in [1, REPOSITORIES] {
        measure_spread(&sources, &questions, repositories);
    }
}

/// First sentences of documented functions, of a length that is typed.
fn questions() -> Vec<String> {
    let mut questions = Vec::new();
    for (name, version) in ASKED_FROM {
        let scratch = tempfile::tempdir().unwrap();
        let made = doc_queries::strip(&source_of(name, version).unwrap(), scratch.path()).unwrap();
        let short =
            made.into_iter().map(|query| query.text).filter(|text| WORDS.contains(&text.split_whitespace().count()));
        questions.extend(short.take(QUESTIONS / ASKED_FROM.len()));
    }
    questions
}

fn measure_spread(sources: &[Source], questions: &[String], repositories: usize) {
    let mut large = Large::of(sources, repositories);
    let place = if repositories == 1 { "1 repository".to_owned() } else { format!("{repositories} repositories") };
    let what = format!("search among {} chunks in {place}", large.chunks);
    for question in questions.iter().take(WARM_UP) {
        warm(&large, question);
    }
    let asked = Spread::of(questions.iter().map(|question| warm(&large, question)).collect());
    row_below(&format!("{what}, warm worker"), &asked.show(&[50]), millis(asked.at(50)), 25.0, "ms");
    row_below(&format!("{what}, warm worker"), &asked.show(&[99]), millis(asked.at(99)), 60.0, "ms");
    if let Some(worker) = large.agent.worker_pid().and_then(machine::resident) {
        super::figures::row(
            "memory of that worker: now, at its highest",
            &format!("{}, {}", super::figures::size(worker.now), super::figures::size(worker.peak)),
        );
    }
    let typed = Spread::of(questions.iter().take(COMMANDS).map(|question| command(&large, question)).collect());
    row_below(&format!("{what}, the whole command"), &typed.show(&[50, 99]), millis(typed.at(99)), 90.0, "ms");
    large.agent.stop();
    let cold = Spread::of(questions.iter().take(COLD_COMMANDS).map(|question| command(&large, question)).collect());
    row_below(&format!("{what}, no worker"), &cold.show(&[50, 99]), millis(cold.at(99)), 600.0, "ms");
}

fn warm(large: &Large, question: &str) -> Duration {
    let home = Home::at(large.agent.home()).unwrap();
    let request = SearchRequest { query: question.to_owned(), limit: 10, ..SearchRequest::default() };
    let (mut took, mut answer) = (Duration::ZERO, None::<SearchView>);
    wait_until(Duration::from_secs(60), "the worker answers", || {
        let begun = Instant::now();
        answer = worker::ask(&home, &request).map(Result::unwrap);
        took = begun.elapsed();
        answer.is_some()
    });
    let answer = answer.unwrap();
    assert_eq!(answer.mode, "hybrid", "{:?}", answer.note);
    assert!(!answer.hits.is_empty(), "nothing was found: {question}");
    took
}

fn command(large: &Large, question: &str) -> Duration {
    let mut command: Command = large.agent.command(["search", question]);
    let begun = Instant::now();
    let output = command.output().unwrap();
    let took = begun.elapsed();
    assert!(output.status.success() && !output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    took
}
