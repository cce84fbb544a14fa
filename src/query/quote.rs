//! What a piece of work would ask of a model and what that would cost, before anything is sent.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::forecast::{AskingCost, Forecast};
use super::{QueryError, Reader};
use crate::analyzer::items::ItemMap;
use crate::analyzer::llm::{Limits, Prompt, Prompts, cut, render, render_parts, render_together};
use crate::analyzer::{DependencyUse, FileSubject};
use crate::budget;
use crate::cache::key::AnalysisKey;
use crate::cache::{RepoStore, analyses, assembled, overlay, view};
use crate::clock;
use crate::domain::{AnalysisType, FilePath, JobKind, StaleReason};
use crate::index::backlog::{self, Due};
use crate::index::{read, recipe};
use crate::plan::Recipe;
use crate::repo::Repo;
use crate::repo::registry::Registered;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    pub files: u64,
    /// Analyses that cost nothing.
    pub local: u64,
    /// Questions to the model.
    pub asked: u64,
    /// Requests in which these are asked.
    pub requests: u64,
    /// Of the prompts as they will be sent, and of answers as long as they were.
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Nano-dollars, if the requests are answered at once.
    pub cost: u64,
    /// Nano-dollars in batches; `None`: the provider has none.
    pub batched: Option<u64>,
    /// What the month's and the day's limits leave, in nano-dollars.
    pub remaining: Option<u64>,
    /// Why the model cannot be asked at all.
    pub obstacle: Option<String>,
    /// Spending is stopped until a person allows it again.
    pub is_stopped: bool,
}

impl Quote {
    /// Whether not even one of the requests can be paid for.
    pub fn is_over_budget(&self) -> bool {
        let one = self.cost.checked_div(self.requests).unwrap_or(0);
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
    of(reader, repo, &store, &backlog::missing(store.db(), types, max_files)?)
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
    of(reader, repo, &store, &backlog::older(store.db(), types, before)?)
}

fn of(reader: &Reader<'_>, repo: &Registered, store: &RepoStore, due: &[Due]) -> Result<Quote, QueryError> {
    let files: BTreeSet<_> = due.iter().map(|one| &one.file.path).collect();
    let questions = || due.iter().filter(|one| matches!(one.kind, JobKind::Ask(_)));
    // One answer serves all files that are the same.
    let mut keys = HashSet::new();
    let asked: Vec<&Due> = questions().filter(|one| keys.insert(one.key)).collect();
    let mut quote = Quote {
        files: files.len() as u64,
        local: (due.len() - questions().count()) as u64,
        asked: asked.len() as u64,
        ..Quote::default()
    };
    if !asked.is_empty() {
        let cost = asking_cost(reader, repo, store, &asked)?;
        quote.requests = cost.requests;
        (quote.input_tokens, quote.output_tokens) = (cost.input_tokens, cost.output_tokens);
        price(reader, &mut quote, &cost)?;
    }
    Ok(quote)
}

/// What the questions will cost, by the prompts as they will be sent.
fn asking_cost(
    reader: &Reader<'_>,
    repo: &Registered,
    store: &RepoStore,
    asked: &[&Due],
) -> Result<AskingCost, QueryError> {
    let forecast = Forecast::new(reader.config, reader.home, reader.agent.as_ref());
    let prompts = Prompts::load(&reader.home.prompts()).unwrap_or_else(|_| Prompts::built_in());
    let limits = Limits::of(&reader.config.llm);
    let own = recipe::recipe_of(reader.config, reader.home, repo);
    let git = Repo::open(&repo.location)?;
    let mut of_files: BTreeMap<&FilePath, Vec<&Due>> = BTreeMap::new();
    asked.iter().for_each(|one| of_files.entry(&one.file.path).or_default().push(one));
    let mut cost = AskingCost::default();
    for due in of_files.into_values() {
        let Some(file) = due.first().map(|one| &one.file) else { continue };
        let saved = overlay::saved_text(store.db(), file)?;
        let text = match saved {
            Some(saved) => Some(saved),
            None => read::text(&git, &file.path, &file.blob)?,
        };
        let Some(text) = text else { continue };
        let uses: Vec<DependencyUse> =
            view::uses(store.db(), &file.path, file.source)?.into_iter().map(DependencyUse::from).collect();
        let subject = FileSubject { language: file.language, role: file.role, text: &text, uses: &uses };
        let is_one = |one: &Due, key: Option<AnalysisKey>| key.is_some_and(|key| key.hash() == one.key);
        let is_alone = |one: &&Due| is_one(one, own.analysis(one.kind).and_then(|ask| ask.key(file)));
        let is_in_parts = |one: &&Due| is_one(one, own.analysis(one.kind).and_then(|ask| ask.key_in_parts(file)));
        let (alone, several): (Vec<&Due>, Vec<&Due>) = due.iter().copied().partition(is_alone);
        let (in_parts, together): (Vec<&Due>, Vec<&Due>) = several.into_iter().partition(is_in_parts);
        let type_of = |one: &&Due| one.kind.analysis_type();
        for analysis_type in alone.iter().filter_map(type_of) {
            if let Ok(prompt) = render(&prompts, analysis_type, &subject, &limits) {
                forecast.add_prompt(&mut cost, &prompt);
            }
        }
        let types: Vec<AnalysisType> = together.iter().filter_map(type_of).collect();
        if let Ok(prompt) = render_together(&prompts, &types, &subject, &limits) {
            forecast.add_prompt(&mut cost, &prompt);
        }
        if let Some(prompt) = prompt_in_parts(store, &own, &in_parts, &subject, (&prompts, limits))? {
            forecast.add_prompt(&mut cost, &prompt);
        }
    }
    Ok(cost)
}

/// The question about what has changed of a file, for these types; `None`: there is none to be asked.
fn prompt_in_parts(
    store: &RepoStore,
    own: &Recipe,
    due: &[&Due],
    subject: &FileSubject<'_>,
    (prompts, limits): (&Prompts, Limits),
) -> Result<Option<Prompt>, QueryError> {
    if due.is_empty() {
        return Ok(None);
    }
    let types: Vec<AnalysisType> = due.iter().filter_map(|one| one.kind.analysis_type()).collect();
    let bases = bases(store, own, due)?;
    let of_types: Vec<Option<&ItemMap>> = bases.iter().map(Option::as_ref).collect();
    let whole = || render_together(prompts, &types, subject, &limits).ok();
    let Some(cut) = cut(subject) else { return Ok(whole()) };
    let shown = cut.to_show(&of_types, subject.uses, limits.lines_of(subject.text));
    Ok(match (shown.contains(&true), shown.contains(&false)) {
        (false, _) => None,
        (true, true) => render_parts(prompts, &types, subject, &limits, (&cut, &shown)).ok(),
        (true, false) => whole(),
    })
}

/// What is known of the items of a file from the newest answers to some questions.
fn bases(store: &RepoStore, own: &Recipe, due: &[&Due]) -> Result<Vec<Option<ItemMap>>, QueryError> {
    let mut bases = Vec::with_capacity(due.len());
    for one in due {
        let newest = analyses::newest_parts(store.db(), &one.file.path, one.kind)?;
        let is_like = own.analysis(one.kind).zip(newest).is_some_and(|(ask, newest)| ask.is_like(&newest));
        let is_followed = is_like && one.reason != StaleReason::Expired;
        bases.push(if is_followed { assembled::newest_map(store.db(), &one.file.path, one.kind)? } else { None });
    }
    Ok(bases)
}

fn price(reader: &Reader<'_>, quote: &mut Quote, cost: &AskingCost) -> Result<(), QueryError> {
    let report = match &reader.agent {
        Some(db) => Some(budget::report(db, &reader.config.budget, clock::now())?),
        None => None,
    };
    match reader.config.llm.price() {
        Err(unknown) => quote.obstacle = Some(unknown.to_string()),
        Ok(_) => {
            quote.cost = cost.live;
            quote.batched = reader.config.llm.provider.has_batches().then_some(cost.batched);
        }
    }
    if let Some(report) = report {
        quote.remaining = [report.month.remaining(), report.day.remaining()].into_iter().flatten().min();
        quote.is_stopped = report.stopped.is_some();
        quote.obstacle = quote.obstacle.take().or(report.stopped);
    }
    Ok(())
}
