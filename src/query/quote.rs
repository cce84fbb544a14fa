//! What a piece of work would ask of a model and what that would cost, before anything is sent.

use std::collections::BTreeSet;

use super::estimate::{ANSWER_TOKENS, prompt_tokens};
use super::{QueryError, Reader};
use crate::budget::{self, Usage};
use crate::clock;
use crate::domain::{AnalysisType, JobKind};
use crate::index::backlog::{self, Due};
use crate::repo::registry::Registered;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    pub files: u64,
    /// Analyses that cost nothing.
    pub local: u64,
    /// Questions to the model.
    pub asked: u64,
    /// Estimated from the sizes of the files.
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Nano-dollars: by the mean of what this user's questions have cost, or, before there were any, by tokens and price.
    pub cost: u64,
    /// What the month's and the day's limits leave, in nano-dollars.
    pub remaining: Option<u64>,
    /// Why the model cannot be asked at all.
    pub obstacle: Option<String>,
    /// Spending is stopped until a person allows it again.
    pub is_stopped: bool,
}

impl Quote {
    /// Whether not even one of the questions can be paid for.
    pub fn is_over_budget(&self) -> bool {
        let one = self.cost.checked_div(self.asked).unwrap_or(0);
        let is_short = self.remaining.is_some_and(|remaining| remaining < one);
        one > 0 && (is_short || self.is_stopped)
    }
}

/// What `cache build` would do: analyses that are missing, of at most so many files.
///
/// # Errors
/// If a store cannot be read.
pub fn of_missing(
    reader: &Reader<'_>,
    repo: &Registered,
    types: &[AnalysisType],
    max_files: usize,
) -> Result<Quote, QueryError> {
    let Some(store) = reader.store(repo)? else { return Ok(Quote::default()) };
    of(reader, &backlog::missing(store.db(), types, max_files)?)
}

/// What `cache sync` would do: analyses that are older than so many milliseconds.
///
/// # Errors
/// If a store cannot be read.
pub fn of_older(
    reader: &Reader<'_>,
    repo: &Registered,
    types: &[AnalysisType],
    older_than_ms: u64,
) -> Result<Quote, QueryError> {
    let Some(store) = reader.store(repo)? else { return Ok(Quote::default()) };
    let before = clock::now().plus_millis(-i64::try_from(older_than_ms).unwrap_or(i64::MAX));
    of(reader, &backlog::older(store.db(), types, before)?)
}

fn of(reader: &Reader<'_>, due: &[Due]) -> Result<Quote, QueryError> {
    let files: BTreeSet<_> = due.iter().map(|one| &one.file.path).collect();
    let asked: Vec<&Due> = due.iter().filter(|one| matches!(one.kind, JobKind::Ask(_))).collect();
    let llm = &reader.config.llm;
    let shown = |one: &&Due| one.file.size_bytes.min(llm.max_input_bytes as u64);
    let mut quote = Quote {
        files: files.len() as u64,
        local: (due.len() - asked.len()) as u64,
        asked: asked.len() as u64,
        input_tokens: asked.iter().map(|one| prompt_tokens(shown(one))).sum(),
        output_tokens: asked.len() as u64 * ANSWER_TOKENS,
        ..Quote::default()
    };
    if !asked.is_empty() {
        price(reader, &mut quote)?;
    }
    Ok(quote)
}

fn price(reader: &Reader<'_>, quote: &mut Quote) -> Result<(), QueryError> {
    let report = match &reader.agent {
        Some(db) => Some(budget::report(db, &reader.config.budget, clock::now())?),
        None => None,
    };
    let mean = report.as_ref().and_then(|report| report.mean);
    match (reader.config.llm.price(), mean) {
        (Err(unknown), _) => quote.obstacle = Some(unknown.to_string()),
        (Ok(_), Some(mean)) => quote.cost = mean.per_analysis.saturating_mul(quote.asked),
        (Ok(price), None) => {
            let usage = Usage { input: quote.input_tokens, output: quote.output_tokens, ..Usage::default() };
            quote.cost = budget::cost(&price, &usage);
        }
    }
    if let Some(report) = report {
        quote.remaining = [report.month.remaining(), report.day.remaining()].into_iter().flatten().min();
        quote.is_stopped = report.stopped.is_some();
        quote.obstacle = quote.obstacle.take().or(report.stopped);
    }
    Ok(())
}
