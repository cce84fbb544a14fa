//! `report`: what is new, what is fixed, what is still there, in the form that its reader needs.

mod html;
mod markdown;
mod text;

use std::path::PathBuf;

use super::output::print;
use super::{Context, Failure};
use crate::query::Reader;
use crate::query::report::{FailOnNew, ReportQuestion, ReportRange, of};
use crate::query::view::plain::json;
use crate::query::view::report::{FindingView, ReportView};
use crate::query::view::sarif;

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// For a terminal
    Text,
    /// Markdown, for a comment or a page
    Md,
    /// Everything
    Json,
    /// SARIF 2.1.0, for editors and code hosts
    Sarif,
    /// One page that needs nothing else
    Html,
}

#[derive(clap::Args)]
pub struct ReportArgs {
    /// The repository (it need not be registered), a path inside it, or its id. Without it: the present directory
    #[arg(default_value = ".")]
    pub repo: PathBuf,
    /// How far back: an age (12h, 1d, 2w), FROM..TO, or a revision. Without it: the last commit
    #[arg(long, value_name = "AGE|REV..REV")]
    pub since: Option<String>,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// Exit with 6 if there is any: new-warnings (or worse), new-errors
    #[arg(long, value_name = "WHAT", value_parser = super::values::fail_on_new)]
    pub fail_on: Option<FailOnNew>,
    /// Mere information, too (text, md, html; JSON and SARIF have it anyway)
    #[arg(long)]
    pub all: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
}

/// Prints what is found between two commits.
pub fn report(context: &Context, args: &ReportArgs) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo_or_clone(&args.repo)?;
    let range = args.since.as_deref().map_or(ReportRange::LastCommit, ReportRange::parse);
    let found = of(&reader, &repo, &ReportQuestion { range })?;
    let view = ReportView::new(&repo, &found, args.fail_on);
    drop(found);
    let format = if args.json { ReportFormat::Json } else { args.format };
    print(&match format {
        ReportFormat::Text => text::describe(&view, args.all),
        ReportFormat::Md => markdown::page(&view, args.all),
        ReportFormat::Html => html::page(&view, args.all),
        ReportFormat::Json => as_json(&view)?,
        ReportFormat::Sarif => as_json(&sarif::log(&view))?,
    })?;
    match &view.check {
        Some(check) if check.failed => {
            let (number, what) = (check.refused.len(), check.fail_on);
            Err(Failure::Refused(format!("{number} finding(s) to refuse ({what}); they are listed in the report")))
        }
        _ => Ok(()),
    }
}

fn as_json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(format!("{}\n", json(&text)))
}

/// Those that a report for people lists.
fn listed(list: &[FindingView], all: bool) -> Vec<&FindingView> {
    list.iter().filter(|one| all || one.is_shown()).collect()
}

/// How many are not listed, as a remark; empty: all are.
fn remark(list: &[FindingView], all: bool) -> String {
    match list.len() - listed(list, all).len() {
        0 => String::new(),
        more => format!("{more} of mere information: --all"),
    }
}

/// What the file of a finding uses and another one changed, in words.
fn because(finding: &FindingView) -> Option<String> {
    let (first, more) = finding.because.split_first()?;
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    Some(format!("uses {} of {}{more}", first.symbol, first.file))
}

/// The remarks about what a report is not about.
fn caveats(view: &ReportView) -> Vec<String> {
    let mut caveats = Vec::new();
    for one in &view.not_looked_at {
        let question = one.question.map(|question| format!(" ({question})")).unwrap_or_default();
        caveats.push(format!("{} file(s) are not covered{question}: {}", one.files.len(), one.because));
    }
    if view.model.is_none() {
        caveats.push("no model is set up: all of this is from the analyzer of this machine".to_owned());
    }
    if !view.one_sided.is_empty() {
        let number = view.one_sided.len();
        caveats.push(format!("{number} finding(s) of the model are known of one end alone: neither new nor fixed"));
    }
    if view.commits_left_out > 0 {
        caveats.push(format!("{} older commit(s) were not compared one by one", view.commits_left_out));
    }
    if view.is_cut {
        caveats.push("this clone is shallow: older commits of the range were not compared one by one".to_owned());
    }
    caveats
}
