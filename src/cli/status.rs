//! `status`.

use std::fmt::Write;
use std::time::Duration;

use super::output::{human_bytes, line_of, print, print_json, print_open, short};
use super::{Context, Failure, shared};
use crate::client::ChangeStream;
use crate::query::view::for_terminal;
use crate::query::view::plain::visible;
use crate::query::view::repos::NONE_REGISTERED;
use crate::query::view::status::{DaemonStatus, LanguageStatus, RepoStatus, StatusView};

pub fn status(context: &Context, json: bool) -> Result<(), Failure> {
    let status = context.client(false).status()?;
    if json { print_json(&status) } else { print(&describe(&status)) }
}

/// How often the stores are asked, and how long a wait for changes goes on.
const EVERY: Duration = Duration::from_millis(200);
const WAIT: Duration = Duration::from_secs(60);

/// Prints the status again whenever it has changed: on a terminal in the place of the one before, else one after the other.
pub fn watch(context: &Context, json: bool) -> Result<(), Failure> {
    let mut changes = ChangeStream::new(&context.home, &context.config, EVERY);
    let is_terminal = console::Term::stdout().is_term();
    let mut printed = String::new();
    loop {
        if !changes.next_within(WAIT)? {
            continue;
        }
        let status = context.client(false).status()?;
        let text = if json { line_of(&status)? } else { describe(&status) };
        if text == printed {
            continue;
        }
        let between = match (json, is_terminal, printed.is_empty()) {
            (true, _, _) | (false, false, true) => "",
            (false, true, _) => CLEAR,
            (false, false, false) => "\n",
        };
        if !print_open(between, &text)? {
            return Ok(());
        }
        printed = text;
    }
}

/// Clears a terminal and goes to its first line.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

fn describe(status: &StatusView) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = write_status(&mut out, status);
    out
}

fn write_model(out: &mut String, status: &StatusView) -> std::fmt::Result {
    if let Some(model) = &status.model {
        writeln!(out, "model     {}: {} of {} files answered", model.model, model.answered, model.asked)?;
        if let Some(batch) = &model.batch {
            writeln!(out, "          {batch}")?;
        }
        if let Some(obstacle) = &model.obstacle {
            writeln!(out, "          {obstacle}")?;
        }
    }
    for parked in &status.parked {
        let until = parked.until.as_ref().map_or_else(String::new, |until| format!(" until {until}"));
        writeln!(out, "parked    {} job(s) ({}){until}: {}", parked.jobs, parked.cause, visible(&parked.reason))?;
    }
    let cutoff = &status.cutoff;
    if cutoff.considered > 0 {
        let saved = cutoff.saved_usd.map_or_else(String::new, |usd| format!(", about ${usd:.2} saved"));
        let cut_off = cutoff.considered.saturating_sub(cutoff.analysed);
        writeln!(
            out,
            "cut-off   {cut_off} of {} files that use a changed one needed no new analysis{saved}",
            cutoff.considered
        )?;
    }
    Ok(())
}

fn write_status(out: &mut String, status: &StatusView) -> std::fmt::Result {
    write_daemon(out, &status.daemon)?;
    match &status.embedding.model {
        Some(model) => writeln!(out, "search    by meaning and by words ({model})")?,
        None => writeln!(out, "search    by words only; `ra-agent model install` adds meaning")?,
    }
    let queue = &status.queue;
    writeln!(
        out,
        "queue     {} queued, {} running, {} parked, {} discarded, {} quarantined{}",
        queue.queued,
        queue.running,
        queue.parked,
        queue.discarded,
        queue.quarantined,
        if queue.paused { " (paused; `ra-agent queue resume`)" } else { "" }
    )?;
    let budget = &status.budget;
    writeln!(out, "budget    ${:.2} of ${:.2} spent in {}", budget.spent_usd, budget.limit_usd, budget.month)?;
    write_model(out, status)?;
    let cache = &status.cache;
    writeln!(
        out,
        "cache     {} of {}, {} hits, {} misses",
        human_bytes(cache.bytes),
        human_bytes(cache.max_bytes),
        cache.hits,
        cache.misses
    )?;
    if let Some(line) = status.shared.as_ref().and_then(shared::line) {
        writeln!(out, "shared    {line}")?;
    }
    if status.repos.is_empty() {
        writeln!(out, "{NONE_REGISTERED}")?;
    }
    status.repos.iter().try_for_each(|repo| write_repo(out, repo, status.daemon.polled.get(&repo.id)))
}

fn write_daemon(out: &mut String, daemon: &DaemonStatus) -> std::fmt::Result {
    match daemon.pid {
        Some(pid) => {
            let memory = daemon.rss_bytes.map_or_else(String::new, |bytes| format!(", {}", human_bytes(bytes)));
            write!(out, "daemon    running (pid {pid}{memory})")?;
            match (daemon.worker_pid, daemon.worker_rss_bytes) {
                (Some(pid), Some(bytes)) => writeln!(out, ", worker {pid} ({})", human_bytes(bytes))?,
                _ => writeln!(out, ", no worker")?,
            }
        }
        None => writeln!(out, "daemon    not running; `ra-agent daemon start` starts it")?,
    }
    match daemon.sandbox.as_deref() {
        None => Ok(()),
        Some("off") => writeln!(
            out,
            "sandbox   off: this kernel has no Landlock; only the agent's own code keeps it from writing in repositories"
        ),
        Some(how) => writeln!(out, "sandbox   {how}: the kernel denies writes outside the agent's directories"),
    }
}

/// `linked: 120 rust, 30 python; searched: 12 shell`, the highest rung first.
fn languages(all: &[LanguageStatus]) -> String {
    let rungs = ["linked", "outlined", "searched"].into_iter().filter_map(|rung| {
        let of_rung = all.iter().filter(|one| one.rung == rung);
        let files: Vec<String> = of_rung.map(|one| format!("{} {}", one.files, one.language)).collect();
        (!files.is_empty()).then(|| format!("{rung}: {}", files.join(", ")))
    });
    rungs.collect::<Vec<_>>().join("; ")
}

/// `polled`: why its work tree is polled.
fn write_repo(out: &mut String, repo: &RepoStatus, polled: Option<&String>) -> std::fmt::Result {
    writeln!(
        out,
        "\n{}\n  {} of {} files fresh, {} pending, {} skipped",
        for_terminal(&repo.repo),
        repo.fresh,
        repo.files,
        repo.pending,
        repo.skipped
    )?;
    if !repo.languages.is_empty() {
        writeln!(out, "  {}", languages(&repo.languages))?;
    }
    if let Some(earlier) = &repo.searched_by {
        writeln!(
            out,
            "  by meaning: {earlier} serves until the new model has embedded every file ({} of {})",
            repo.embedded, repo.files
        )?;
    }
    if repo.provisional > 0 {
        writeln!(
            out,
            "  by meaning: {} file(s) by the model's vectors, {} by provisional ones until these are made",
            repo.embedded, repo.provisional
        )?;
    }
    let head = repo.head.as_deref().map_or("none", short);
    let indexed = repo.indexed_commit.as_deref().map_or("none yet", short);
    writeln!(out, "  HEAD {head}, indexed {indexed}")?;
    if repo.saved > 0 {
        writeln!(out, "  {} file(s) indexed as saved in the work tree, not committed", repo.saved)?;
    }
    if let Some(why) = polled {
        writeln!(out, "  its work tree is polled: {why}")?;
    }
    if let Some(note) = &repo.not_followed {
        writeln!(out, "  the work tree is not followed: {note}")?;
    }
    if repo.evicted > 0 {
        writeln!(out, "  {} file(s) with results that were removed to keep the cache small", repo.evicted)?;
    }
    if let Some(mb) = repo.cache_wanted_mb {
        writeln!(
            out,
            "  its index takes {}, nearly all that the cache may have: set max_size_mb = {mb} under [cache] in config.toml",
            human_bytes(repo.bytes)
        )?;
    }
    for path in &repo.set_aside {
        writeln!(out, "  its store was damaged and was rebuilt; the damaged one is in {path}")?;
    }
    if let Some(note) = repo.error.as_ref().or(repo.held.as_ref()).or(repo.blocked.as_ref()) {
        writeln!(out, "  {}", visible(note))?;
    }
    Ok(())
}
