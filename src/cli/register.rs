//! register, unregister, repos.

use std::path::Path;

use serde_json::json;

use super::output::{human_bytes, print_json};
use super::{Context, Failure};
use crate::budget::NANO;
use crate::daemon::change::ChangeError;
use crate::daemon::control::{Change, LocationText};
use crate::home::StoreDir;
use crate::query::Reader;
use crate::query::estimate::{Estimate, estimate};
use crate::repo::{Location, Repo, locate, refuse_own};

/// `register <repo>`: resolves the path and makes the repository known.
pub fn register(context: &Context, path: &Path, dry_run: bool, json: bool) -> Result<(), Failure> {
    let location = locate(path, context.home.root(), &context.config.cache.location)?;
    refuse_own(&location, &context.config.local_stores().collect::<Vec<_>>())?;
    let git = Repo::open(&location)?;
    if dry_run {
        return print_estimate(&location, &estimate(&git, &context.config.for_repo(&location.path))?, json);
    }
    let root_commit = git.root_commit()?.map(|id| id.to_string());
    let message = context.change(Change::Register { location: LocationText::new(&location), root_commit })?;
    super::hooks::verb::sync_registered(context)?;
    println!("{message}");
    if !context.daemon_runs() {
        println!("the daemon is not running; `ra-agent daemon start` starts it, and it will index the repository");
    } else if let Some(dir) =
        context.config.for_repo(&location.path).store.filter(|dir| !StoreDir::local(dir.clone()).meta_json().exists())
    {
        println!("its store is not in {} yet: `ra-agent daemon restart` lets the daemon write there", dir.display());
    }
    Ok(())
}

fn print_estimate(location: &Location, estimate: &Estimate, json: bool) -> Result<(), Failure> {
    let dollars = estimate.cost_nano_usd as f64 / NANO;
    if json {
        let languages: serde_json::Map<String, serde_json::Value> = estimate
            .languages
            .iter()
            .map(|(language, size)| (language.to_string(), json!({"files": size.files, "bytes": size.bytes})))
            .collect();
        let skipped: serde_json::Map<String, serde_json::Value> =
            estimate.skipped.iter().map(|(reason, files)| (reason.to_string(), json!(files))).collect();
        return print_json(&json!({
            "repo": location.path.to_string_lossy(),
            "files": estimate.files(),
            "languages": languages,
            "chunks": estimate.chunks,
            "skipped": skipped,
            "input_tokens": estimate.input_tokens,
            "output_tokens": estimate.output_tokens,
            "estimated_usd": dollars,
            "local_usd": 0.0,
        }));
    }
    println!("{} would be registered; nothing was written.", location.path.display());
    println!("  {} files would be indexed, in {} chunks:", estimate.files(), estimate.chunks);
    for (language, size) in &estimate.languages {
        println!("    {language:<16} {:>6} files {:>10}", size.files, human_bytes(size.bytes));
    }
    if !estimate.skipped.is_empty() {
        println!("  skipped:");
        for (reason, files) in &estimate.skipped {
            println!("    {reason:<16} {files:>6} files");
        }
    }
    println!("  local analysis and embedding: $0.00");
    println!(
        "  with a remote model, each file once: about {} input and {} output tokens, ${dollars:.2} at $0.20 and $0.50 a million",
        estimate.input_tokens, estimate.output_tokens
    );
    Ok(())
}

/// `unregister <repo>`: forgets it, and removes its cache unless told not to.
pub fn unregister(context: &Context, named: &Path, keep_cache: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo(&named.to_string_lossy())?;
    let message = context.change(Change::Unregister { repo: repo.id.0, keep_cache })?;
    super::hooks::verb::sync_registered(context)?;
    println!("{message}");
    Ok(())
}

/// `repos`: what is registered.
pub fn repos(context: &Context, json: bool) -> Result<(), Failure> {
    let repos = Reader::open(&context.home, &context.config)?.repos()?;
    if json {
        let rows: Vec<serde_json::Value> = repos
            .iter()
            .map(|repo| {
                json!({
                    "repo": repo.location.path.to_string_lossy(),
                    "id": repo.id.0,
                    "git_dir": repo.location.git_dir.to_string_lossy(),
                    "registered_at": repo.registered_at.to_rfc3339(),
                    "indexed_commit": repo.indexed_commit.as_ref().map(ToString::to_string),
                    "reconciled_at": repo.reconciled_at.map(crate::clock::Timestamp::to_rfc3339),
                    "held": repo.held,
                    "error": repo.error,
                })
            })
            .collect();
        return print_json(&json!({"repos": rows}));
    }
    if repos.is_empty() {
        println!("no repository is registered; `ra-agent register <repo>` does that");
    }
    for repo in repos {
        let commit =
            repo.indexed_commit.map_or_else(|| "not indexed yet".to_owned(), |id| id.to_string()[..12].to_owned());
        println!("{}  {}  {commit}", repo.id, repo.location.path.display());
        if let Some(note) = repo.error.or(repo.held) {
            println!("          {note}");
        }
    }
    Ok(())
}

impl From<ChangeError> for Failure {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NotRegistered(_) => Self::NotRegistered(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}
