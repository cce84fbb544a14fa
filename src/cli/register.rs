//! `register`, `unregister`, `repos`.

use std::io::IsTerminal;
use std::path::Path;

use console::Term;

use super::daemon::START_WAIT;
use super::output::{human_bytes, print, print_json, short};
use super::{Context, Failure};
use crate::analyzer::llm;
use crate::config::Config;
use crate::daemon::change::ChangeError;
use crate::daemon::control::{LocationText, StateChange};
use crate::embedder::chosen;
use crate::home::StoreDir;
use crate::mcp::start_daemon;
use crate::query::Reader;
use crate::query::estimate::estimate;
use crate::query::forecast::Forecast;
use crate::query::view::repos::{EstimateView, RemoteEmbedding, ReposView};
use crate::repo::{Location, Repo, locate, refuse_own};

/// Files of one reason that a dry run lists.
const LISTED_MAX: usize = 10;

/// `register --dry-run <repo>`: what would be indexed, and what it would cost.
pub fn dry_run(context: &Context, path: &Path, json: bool) -> Result<(), Failure> {
    let (location, git) = found(context, path)?;
    let reader = Reader::open(&context.home, &context.config)?;
    let forecast = Forecast::new(&context.config, &context.home, reader.agent.as_ref());
    let embedding = &context.config.embedding;
    let own = context.config.for_repo(&location.path);
    let estimate = estimate(&git, &own, &forecast, embedding.server.as_ref())?;
    let with_vectors = chosen::available(&context.home, embedding).is_some();
    let view = EstimateView::new(&location, &estimate, &context.config, with_vectors);
    if json { print_json(&view) } else { print(&describe_estimate(&view, &context.config)) }
}

fn found(context: &Context, path: &Path) -> Result<(Location, Repo), Failure> {
    let location = locate(path, context.home.root(), &context.config.cache.location)?;
    refuse_own(&location, &context.config.local_stores().collect::<Vec<_>>())?;
    let git = Repo::open(&location)?;
    Ok((location, git))
}

/// `register <repo>`: resolves the path and registers the repository. `start`: starts the daemon if none runs; a person is asked.
pub fn register(context: &Context, path: &Path, start: bool) -> Result<(), Failure> {
    let (location, git) = found(context, path)?;
    let root_commit = git.root_commit()?.map(|id| id.to_string());
    let message = context.change(StateChange::Register { location: LocationText::new(&location), root_commit })?;
    super::hooks::verb::sync_registered(context)?;
    print(&format!("{message}\n"))?;
    let llm = &context.config.llm;
    if llm.provider.has_batches() && !llm.batch {
        print(
            "its questions to the model are asked at once; `[llm] batch = \"backfill\"` asks such for less, mostly within an \
               hour, at most within 24\n",
        )?;
    }
    if !context.daemon_runs() {
        offer_start(context, start)?;
    } else if let Some(dir) =
        context.config.for_repo(&location.path).store.filter(|dir| !StoreDir::local(dir.clone()).meta_json().exists())
    {
        let dir = dir.display();
        print(&format!("its store is not in {dir} yet: `ra-agent daemon restart` lets the daemon write there\n"))?;
    }
    Ok(())
}

/// Nothing is indexed without a daemon.
fn offer_start(context: &Context, start: bool) -> Result<(), Failure> {
    if !start && !confirmed("the daemon is not running, and nothing is indexed without it. Start it? [Y/n] ")? {
        return print(
            "the daemon is not running; `ra-agent daemon start` starts it, and it will index the repository\n",
        );
    }
    context.home.create()?;
    match start_daemon(&context.home, START_WAIT) {
        Some((true, _)) => print("the daemon is running; `ra-agent wait` shows how far the index is\n"),
        Some((false, why)) => Err(Failure::Failed(why)),
        None => Err(Failure::Failed(
            "the daemon cannot be started: the system does not name this program's file; `ra-agent daemon start` starts it"
                .to_owned(),
        )),
    }
}

/// Asks a person; where none sits, the answer is no.
fn confirmed(question: &str) -> Result<bool, Failure> {
    let terminal = Term::stdout();
    if !terminal.is_term() || !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    print(question)?;
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if !matches!(read, Ok(1..)) {
        print("\n")?;
    }
    Ok(read.is_ok() && is_yes(&answer))
}

/// Whether a line says yes, as an empty one does. The end of the input is no line, and no yes.
fn is_yes(line: &str) -> bool {
    !line.is_empty() && matches!(line.trim().to_lowercase().as_str(), "" | "y" | "yes")
}

fn describe_estimate(view: &EstimateView, config: &Config) -> String {
    let mut out = format!("{} would be registered; nothing was written.\n", view.repo);
    out.push_str(&format!("  {} files would be indexed, in {} chunks:\n", view.files, view.chunks));
    for (language, size) in &view.languages {
        out.push_str(&format!(
            "    {language:<16} {:<8} {:>6} files {:>10}\n",
            size.rung,
            size.files,
            human_bytes(size.bytes)
        ));
    }
    if !view.skipped.is_empty() {
        out.push_str("  skipped:\n");
    }
    out.push_str(&super::skipped::list(&view.left_out, LISTED_MAX));
    out.push_str(&format!("  its index would take about {}\n", human_bytes(view.store_bytes)));
    if let Some(mb) = view.cache_wanted_mb {
        out.push_str(&format!(
            "  that is more than the cache may have: set max_size_mb = {mb} under [cache] in config.toml first\n"
        ));
    }
    match &view.remote_embedding {
        None => out.push_str(&format!("  local analysis and embedding: ${:.2}\n", view.local_usd)),
        Some(remote) => {
            out.push_str(&format!("  local analysis: ${:.2}\n", view.local_usd));
            out.push_str(&describe_embedding(remote));
        }
    }
    let model = match llm::model_id(&config.llm) {
        Some(model) if config.llm.price().is_ok() => model,
        _ => "a remote model at $0.20 and $0.50 a million tokens".to_owned(),
    };
    out.push_str(&format!(
        "  with {model}, each file of code once: {} requests, about {} input and {} output tokens, ${:.4}\n",
        view.requests, view.input_tokens, view.output_tokens, view.estimated_usd
    ));
    if let Some(batched) = view.batched_usd {
        out.push_str(&format!(
            "  in batches (`[llm] batch = \"backfill\"`): ${batched:.4}, mostly within an hour, at most within 24\n"
        ));
    }
    out
}

fn describe_embedding(remote: &RemoteEmbedding) -> String {
    let price = match remote.usd {
        Some(usd) => format!("${usd:.4}"),
        None => "no price is known, so nothing is sent: add `input_usd_per_m` to [embedding]".to_owned(),
    };
    let RemoteEmbedding { model, texts, requests, tokens, .. } = remote;
    format!("  vectors by {model}: {texts} texts in at least {requests} requests, about {tokens} tokens, {price}\n")
}

/// `unregister <repo>`: removes it from the registry, and its cache too unless `keep_cache`.
pub fn unregister(context: &Context, named: &Path, keep_cache: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo(&named)?;
    let message = context.change(StateChange::Unregister { repo: repo.id.0, keep_cache })?;
    super::hooks::verb::sync_registered(context)?;
    print(&format!("{message}\n"))
}

/// `repos`: the registered repositories.
pub fn repos(context: &Context, json: bool) -> Result<(), Failure> {
    let view = ReposView::new(&Reader::open(&context.home, &context.config)?.repos()?);
    if json { print_json(&view) } else { print(&describe_repos(&view)) }
}

fn describe_repos(view: &ReposView) -> String {
    let mut out = String::new();
    if let Some(why) = &view.why_empty {
        out.push_str(&format!("{why}\n"));
    }
    for repo in &view.repos {
        let commit = repo.indexed_commit.as_deref().map_or("not indexed yet", short);
        out.push_str(&format!("{}  {}  {commit}\n", repo.id, repo.repo));
        if let Some(note) = repo.error.as_ref().or(repo.held.as_ref()) {
            out.push_str(&format!("          {note}\n"));
        }
    }
    out
}

impl From<ChangeError> for Failure {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NotRegistered(_) => Self::NotRegistered(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_input_is_no_yes() {
        for line in ["\n", "y\n", "Yes\r\n", " y"] {
            assert!(is_yes(line), "{line:?}");
        }
        for line in ["", "n\n", "no", "what?\n"] {
            assert!(!is_yes(line), "{line:?}");
        }
    }
}
