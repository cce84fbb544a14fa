//! cache build, cache sync: work that a person asks for, told with its price before anything is sent.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::super::output::{print, print_json};
use super::super::{Context, Failure};
use crate::budget::NANO;
use crate::daemon::control::Change;
use crate::domain::{AnalysisType, Priority};
use crate::query::Reader;
use crate::query::quote::{self, Quote};

#[derive(Args)]
pub struct BuildArgs {
    repo: PathBuf,
    /// Only these questions: refactor, docs, analysis, todos
    #[arg(long, value_delimiter = ',', value_parser = analysis_type)]
    types: Vec<AnalysisType>,
    /// Urgency of the work: critical, high, normal, low; by default each file has its own
    #[arg(long, value_parser = priority)]
    priority: Option<Priority>,
    /// At most so many files, the most urgent first
    #[arg(long, default_value_t = 100)]
    max_files: usize,
    /// Only tell what would be asked and what it would cost
    #[arg(long)]
    dry_run: bool,
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct SyncArgs {
    repo: PathBuf,
    /// Have made anew what is older than this, e.g. 12h, 7d
    #[arg(long, default_value = "7d", value_parser = super::super::verbs::duration)]
    stale_after: Duration,
    /// Only these questions: refactor, docs, analysis, todos
    #[arg(long, value_delimiter = ',', value_parser = analysis_type)]
    types: Vec<AnalysisType>,
    /// Only tell what would be asked and what it would cost
    #[arg(long)]
    dry_run: bool,
    #[arg(long)]
    json: bool,
}

/// Puts the analyses that a repository lacks into the queue.
pub fn build(context: &Context, args: &BuildArgs) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo(&args.repo.to_string_lossy())?;
    let types = chosen(&args.types);
    let quote = quote::of_missing(&reader, &repo, &types, args.max_files)?;
    let change = Change::Build {
        repo: repo.id.0,
        types: names(&types),
        priority: args.priority.map(|priority| priority.as_str().to_owned()),
        max_files: args.max_files,
    };
    order(context, &quote, change, args.dry_run, args.json)
}

/// Has the analyses made anew that are older than a person wants them.
pub fn sync(context: &Context, args: &SyncArgs) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo(&args.repo.to_string_lossy())?;
    let types = chosen(&args.types);
    let older_than_ms = u64::try_from(args.stale_after.as_millis()).unwrap_or(u64::MAX);
    let quote = quote::of_older(&reader, &repo, &types, older_than_ms)?;
    let change = Change::Expire { repo: repo.id.0, types: names(&types), older_than_ms };
    order(context, &quote, change, args.dry_run, args.json)
}

/// Tells the price, then (unless it was only asked for) has it done.
fn order(context: &Context, quote: &Quote, change: Change, dry_run: bool, json: bool) -> Result<(), Failure> {
    if !json {
        print(&describe(quote))?;
    }
    let done = if dry_run { None } else { Some(context.change(change)?) };
    if json {
        print_json(&as_json(quote, done.as_deref()))?;
    } else if let Some(done) = &done {
        print(&format!("{done}\n"))?;
    }
    match (dry_run, quote.is_over_budget()) {
        (false, true) => Err(Failure::OverBudget(
            "the budget is used up: what a model is to be asked waits until the month or the day turns, or until \
             `ra-agent budget set` raises the limit"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

fn describe(quote: &Quote) -> String {
    let mut out = format!("{} file(s): {} local analyses, free\n", quote.files, quote.local);
    if quote.asked > 0 {
        out.push_str(&format!(
            "{} question(s) to the model: about {} input and {} output tokens, ${:.4}\n",
            quote.asked,
            quote.input_tokens,
            quote.output_tokens,
            quote.cost as f64 / NANO
        ));
    }
    if let Some(obstacle) = &quote.obstacle {
        out.push_str(&format!("the model cannot be asked: {obstacle}\n"));
    }
    out
}

fn as_json(quote: &Quote, done: Option<&str>) -> serde_json::Value {
    json!({
        "files": quote.files,
        "local": quote.local,
        "asked": quote.asked,
        "input_tokens": quote.input_tokens,
        "output_tokens": quote.output_tokens,
        "cost_usd": quote.cost as f64 / NANO,
        "remaining_usd": quote.remaining.map(|remaining| remaining as f64 / NANO),
        "over_budget": quote.is_over_budget(),
        "obstacle": quote.obstacle,
        "done": done,
    })
}

fn chosen(types: &[AnalysisType]) -> Vec<AnalysisType> {
    if types.is_empty() { AnalysisType::ALL.to_vec() } else { types.to_vec() }
}

fn names(types: &[AnalysisType]) -> Vec<String> {
    types.iter().map(|one| one.as_str().to_owned()).collect()
}

pub(super) fn analysis_type(text: &str) -> Result<AnalysisType, String> {
    AnalysisType::parse(text).ok_or_else(|| format!("{text} is none of refactor, docs, analysis, todos"))
}

fn priority(text: &str) -> Result<Priority, String> {
    Priority::parse(text).ok_or_else(|| format!("{text} is none of critical, high, normal, low"))
}
