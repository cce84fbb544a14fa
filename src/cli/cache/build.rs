//! `cache build`, `cache sync`: work that a user asks for. The price is printed before anything is sent.

use std::path::PathBuf;
use std::time::Duration;

use super::super::output::{print, print_json};
use super::super::{Context, Failure};
use crate::daemon::control::StateChange;
use crate::domain::{AnalysisType, Priority};
use crate::query::quote::{self, Quote};
use crate::query::view::upkeep::QuoteView;
use crate::query::{Reader, suggest};
use crate::repo::registry::Registered;
use clap::Args;

#[derive(Args)]
pub struct BuildArgs {
    /// The repository, or a path inside it
    repo: PathBuf,
    /// Only these analyses: refactor, docs, analysis, todos
    #[arg(long, value_delimiter = ',', value_parser = analysis_type)]
    types: Vec<AnalysisType>,
    /// Priority of the jobs: critical, high, normal, low. By default each file has its own
    #[arg(long, value_parser = priority)]
    priority: Option<Priority>,
    /// Limit the number of files; the most urgent come first
    #[arg(long, default_value_t = 100, value_parser = super::super::values::count)]
    max_files: usize,
    /// Only print what would be asked and what it would cost
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct SyncArgs {
    /// The repository, or a path inside it
    repo: PathBuf,
    /// Analyse again what is older than this, e.g. 12h, 7d
    #[arg(long, default_value = "7d", value_parser = super::super::values::duration)]
    stale_after: Duration,
    /// Only these analyses: refactor, docs, analysis, todos
    #[arg(long, value_delimiter = ',', value_parser = analysis_type)]
    types: Vec<AnalysisType>,
    /// Only print what would be asked and what it would cost
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Queues the analyses that a repository lacks.
pub fn build(context: &Context, args: &BuildArgs) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo(&args.repo)?;
    let types = chosen(&args.types);
    let quote = quote::of_missing(&reader, &repo, &types, args.max_files)?;
    let change = StateChange::Build {
        repo: repo.id.0.clone(),
        types: names(&types),
        priority: args.priority.map(|priority| priority.as_str().to_owned()),
        max_files: args.max_files,
    };
    let none = "every analysis of these types that the files need is stored";
    order(context, view(&reader, &repo, &quote, none), change, args.dry_run, args.json)
}

/// Queues again the analyses that are older than the user wants.
pub fn sync(context: &Context, args: &SyncArgs) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo(&args.repo)?;
    let types = chosen(&args.types);
    let older_than_ms = u64::try_from(args.stale_after.as_millis()).unwrap_or(u64::MAX);
    let quote = quote::of_older(&reader, &repo, &types, older_than_ms)?;
    let change = StateChange::Expire { repo: repo.id.0.clone(), types: names(&types), older_than_ms };
    let none = "no analysis of these types is older than that";
    order(context, view(&reader, &repo, &quote, none), change, args.dry_run, args.json)
}

/// A quote, and why it is for nothing.
fn view(reader: &Reader<'_>, repo: &Registered, quote: &Quote, none: &str) -> QuoteView {
    let mut view = QuoteView::from(quote);
    if quote.files == 0 {
        let is_indexed = repo.reconciled_at.is_some() && matches!(reader.store(repo), Ok(Some(_)));
        let none =
            if is_indexed { none } else { "the repository is not indexed yet; `ra-agent wait` waits until it is" };
        view.why_empty = Some(none.to_owned());
    }
    view
}

/// Prints the price, then (unless it is a dry run) has the work done.
fn order(
    context: &Context,
    mut view: QuoteView,
    change: StateChange,
    dry_run: bool,
    json: bool,
) -> Result<(), Failure> {
    if !json {
        print(&describe(&view))?;
    }
    if !dry_run {
        view.done = Some(context.change(change)?);
    }
    if json {
        print_json(&view)?;
    } else if let Some(done) = &view.done {
        print(&format!("{done}\n"))?;
    }
    match (dry_run, view.over_budget) {
        (false, true) => Err(Failure::OverBudget(
            "the budget is used up: questions to the model wait for the next month or day, or until \
             `ra-agent budget set` raises the limit"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

fn describe(quote: &QuoteView) -> String {
    if let Some(why) = &quote.why_empty {
        return format!("nothing to do: {why}\n");
    }
    let mut out = format!("{} file(s): {} local analyses, free\n", quote.files, quote.local);
    if quote.asked > 0 {
        out.push_str(&format!(
            "{} question(s) to the model in {} request(s): about {} input and {} output tokens, ${:.4}\n",
            quote.asked, quote.requests, quote.input_tokens, quote.output_tokens, quote.cost_usd
        ));
        if let Some(batched) = quote.batched_usd {
            out.push_str(&format!(
                "in batches (`[llm] batch = \"backfill\"`): ${batched:.4}, mostly within an hour, at most within 24\n"
            ));
        }
    }
    if let Some(obstacle) = &quote.obstacle {
        out.push_str(&format!("the model cannot be asked: {obstacle}\n"));
    }
    out
}

fn chosen(types: &[AnalysisType]) -> Vec<AnalysisType> {
    if types.is_empty() { AnalysisType::ALL.to_vec() } else { types.to_vec() }
}

fn names(types: &[AnalysisType]) -> Vec<String> {
    types.iter().map(|one| one.as_str().to_owned()).collect()
}

pub(super) fn analysis_type(text: &str) -> Result<AnalysisType, String> {
    AnalysisType::parse(text).ok_or_else(|| {
        let hint = suggest::hint(text, AnalysisType::ALL.iter().map(|one| one.as_str()));
        format!("{text} is none of refactor, docs, analysis, todos{hint}")
    })
}

fn priority(text: &str) -> Result<Priority, String> {
    let hint = || suggest::hint(text, ["critical", "high", "normal", "low"]);
    Priority::parse(text).ok_or_else(|| format!("{text} is none of critical, high, normal, low{}", hint()))
}
