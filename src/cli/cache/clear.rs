//! cache clear.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::Args;

use super::build::analysis_type;
use super::{maintain, unexpected};
use crate::cache::analyses;
use crate::cli::output::{human_bytes, print, print_json};
use crate::cli::{Context, Failure};
use crate::domain::{AnalysisType, FilePath};
use crate::query::suggest::file_named;
use crate::query::view::upkeep::ClearView;
use crate::query::view::usd;
use crate::query::{Reader, canonical};
use crate::worker::maintenance::{Clear, Cleared, Maintained, Maintenance};

#[derive(Args)]
pub struct ClearArgs {
    /// Only of this repository
    #[arg(long)]
    repo: Option<PathBuf>,
    /// Only of this type: refactor, docs, analysis, todos
    #[arg(long = "type", value_parser = analysis_type)]
    analysis_type: Option<AnalysisType>,
    /// Only of this file
    #[arg(long)]
    file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Has the worker remove the named analyses.
pub fn clear(context: &Context, args: &ClearArgs) -> Result<(), Failure> {
    match maintain(context, Maintenance::Clear(named(context, args)?))? {
        Maintained::Cleared(done) => {
            let view = ClearView::from(done);
            if args.json { print_json(&view) } else { print(&describe(&view)) }
        }
        other => Err(unexpected(&other)),
    }
}

/// Resolves the arguments to a repository's id and a path in it.
fn named(context: &Context, args: &ClearArgs) -> Result<Clear, Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let analysis_type = args.analysis_type.map(|one| one.as_str().to_owned());
    let repo = args.repo.as_deref();
    let Some(file) = args.file.as_deref() else {
        let repo = repo.map(|repo| reader.repo(&repo)).transpose()?;
        return Ok(Clear { repo: repo.map(|repo| repo.id.0), analysis_type, file: None });
    };
    // With --repo, a path that is not absolute begins at its top.
    let (repo, full) = match repo {
        Some(named) => {
            let repo = reader.repo(named)?;
            let full = canonical(&repo.location.path.join(file));
            (repo, full)
        }
        None => (reader.repo_at(file)?, canonical(file)),
    };
    let relative = full.as_deref().and_then(|full| full.strip_prefix(&repo.location.path).ok());
    let relative = relative
        .ok_or_else(|| Failure::Usage(format!("{} is not below {}", file.display(), repo.location.path.display())))?;
    let mut path = FilePath::new(relative.as_os_str().as_bytes());
    // What is stored of a file that is gone can be cleared, too.
    if let Some(store) = reader.store(&repo)?
        && !analyses::is_about(store.db(), &path)?
    {
        path = file_named(&reader, &repo, &store, &path)?.path;
    }
    Ok(Clear { repo: Some(repo.id.0), analysis_type, file: Some(path.escaped()) })
}

impl From<Cleared> for ClearView {
    fn from(done: Cleared) -> Self {
        let Cleared { entries, paid, nano_dollars, bytes } = done;
        Self { entries, paid, cost_usd: usd(nano_dollars), bytes }
    }
}

fn describe(done: &ClearView) -> String {
    if done.entries == 0 {
        return "nothing was cleared: no analysis of that repository, type and file is stored\n".to_owned();
    }
    let mut out = format!("{} analyses cleared, {} freed\n", done.entries, human_bytes(done.bytes));
    if done.paid > 0 {
        out.push_str(&format!(
            "{} of them had cost ${:.4}; they are bought again only when you ask for them or their files change\n",
            done.paid, done.cost_usd
        ));
    }
    if done.entries > done.paid {
        out.push_str("free analyses that are needed now are made again\n");
    }
    out
}
