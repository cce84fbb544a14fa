//! `wait`: a reconcile that starts now, then until nothing is queued or running.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::output::{print, print_json};
use super::{Context, Failure};
use crate::client::ChangeStream;
use crate::clock;
use crate::daemon::control::{self, ControlError, ControlReply, RepoOutcome, Request};
use crate::domain::RepoId;
use crate::query::Reader;
use crate::query::searchable::{Searchable, searchable_by_meaning};
use crate::query::view::wait::{LeftView, ReconciledView, WaitView};
use crate::queue::{self, Counts};
use crate::worker::pipe::Depth;

/// How often the stores are asked whether anything has changed.
const POLL_EVERY: Duration = Duration::from_millis(20);
/// How long the stores may stay as they are before the queue is read again.
const LONGEST_POLL: Duration = Duration::from_millis(500);
/// How often a repository that is held is reconciled again.
const HELD_EVERY: Duration = Duration::from_millis(250);

/// How often the progress says what can be searched.
const TOLD_EVERY: Duration = Duration::from_millis(500);

/// What a wait ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum WaitUntil {
    /// Every file can be searched by words
    Words,
    /// Every file can be searched by meaning, if only by provisional vectors
    Meaning,
    /// Every result is fresh
    All,
}

/// How the wait ended.
struct Waited {
    /// Jobs that are left; `None`: settled.
    left: Option<Counts>,
    /// Why what was waited for is not there, though all is settled.
    because: Vec<String>,
    outcomes: Vec<RepoOutcome>,
}

impl Waited {
    fn view(&self) -> WaitView {
        let of =
            |is: fn(&RepoOutcome) -> bool| self.outcomes.iter().filter(move |one| is(one)).map(reconciled).collect();
        let left = self.left.map(|left| LeftView {
            queued: left.queued,
            running: left.running,
            held: of(|one| one.held.is_some()),
        });
        let errors = of(|one| one.error.is_some());
        let settled = left.is_none();
        let fresh = settled && errors.is_empty() && self.because.is_empty();
        WaitView { settled, fresh, because: self.because.clone(), left, errors }
    }
}

fn reconciled(outcome: &RepoOutcome) -> ReconciledView {
    ReconciledView { repo: outcome.repo.clone(), held: outcome.held.clone(), error: outcome.error.clone() }
}

/// Waits until everything is fresh, or can be searched, or the time is up.
pub fn wait(
    context: &Context,
    repo: Option<PathBuf>,
    timeout: Duration,
    until: WaitUntil,
    json: bool,
) -> Result<(), Failure> {
    let deadline = clock::monotonic() + timeout;
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = match repo {
        Some(path) => Some(reader.repo(&path)?.id),
        None => None,
    };
    drop(reader);
    let bar = progress_bar();
    let waited = until_done(context, repo.as_ref(), until, deadline, &bar);
    bar.finish_and_clear();
    let view = waited?.view();
    if json {
        print_json(&view)?;
    }
    match &view.left {
        Some(left) => Err(Failure::Failed(unsettled(timeout, until, left))),
        None if !view.fresh => Err(Failure::Failed(not_fresh(&view))),
        None if json => Ok(()),
        None => print(described(until)),
    }
}

fn unsettled(timeout: Duration, until: WaitUntil, left: &LeftView) -> String {
    let held = left.held.iter().filter_map(|one| Some(format!("; {}: {}", one.repo, one.held.as_deref()?)));
    let what = match until {
        WaitUntil::All => "is fresh",
        WaitUntil::Meaning => "can be searched by meaning",
        WaitUntil::Words => "can be searched by words",
    };
    format!(
        "not everything {what} after {} s: {} job(s) queued, {} running{}; the work goes on, and `ra-agent wait` goes on waiting",
        timeout.as_secs(),
        left.queued,
        left.running,
        held.collect::<String>()
    )
}

const fn described(until: WaitUntil) -> &'static str {
    match until {
        WaitUntil::All => "everything is fresh\n",
        WaitUntil::Meaning => "every file can be searched by meaning and by words\n",
        WaitUntil::Words => "every file can be searched by words\n",
    }
}

/// Waiting longer does not help: a repository has an error, or a person has to do something.
fn not_fresh(view: &WaitView) -> String {
    let errors = view.errors.iter().filter_map(|one| Some(format!("{}: {}", one.repo, one.error.as_deref()?)));
    let mut lines: Vec<String> = errors.collect();
    lines.extend(view.because.iter().filter(|line| !lines.contains(line)).cloned().collect::<Vec<_>>());
    format!("not everything is fresh, and waiting does not help:\n{}", lines.join("\n"))
}

fn until_done(
    context: &Context,
    repo: Option<&RepoId>,
    until: WaitUntil,
    deadline: Instant,
    bar: &ProgressBar,
) -> Result<Waited, Failure> {
    bar.set_message("comparing repositories with their index");
    let mut outcomes = Vec::new();
    loop {
        match reconcile(context, repo, deadline)? {
            Some(found) => outcomes = found,
            // What was held a moment ago is what is left.
            None => return Ok(Waited { left: Some(counts(context, repo)?.0), because: Vec::new(), outcomes }),
        }
        if outcomes.iter().all(|outcome| outcome.held.is_none()) || clock::monotonic() >= deadline {
            break;
        }
        std::thread::sleep(HELD_EVERY);
    }
    let is_held = outcomes.iter().any(|outcome| outcome.held.is_some());
    if until == WaitUntil::Words && !is_held {
        return Ok(Waited { left: None, because: Vec::new(), outcomes });
    }
    until_made(context, repo, until, deadline, bar, outcomes)
}

/// After the comparison every file can be searched by words; what follows is made by jobs.
fn until_made(
    context: &Context,
    repo: Option<&RepoId>,
    until: WaitUntil,
    deadline: Instant,
    bar: &ProgressBar,
    outcomes: Vec<RepoOutcome>,
) -> Result<Waited, Failure> {
    let mut changes = ChangeStream::of_agent(&context.home, &context.config, POLL_EVERY);
    let mut total = 0;
    let mut told: Option<(Instant, Searchable)> = None;
    loop {
        let (counts, is_paused) = counts(context, repo)?;
        let open = counts.queued + counts.running;
        total = total.max(open);
        bar.set_length(total);
        bar.set_position(total - open);
        let searchable = match told {
            Some((at, searchable)) if clock::since(at) < TOLD_EVERY => searchable,
            _ => searchable(context, repo)?,
        };
        told = told.filter(|(at, _)| clock::since(*at) < TOLD_EVERY).or_else(|| Some((clock::monotonic(), searchable)));
        bar.set_message(format!("{open} job(s) left; {searchable}"));
        let held = outcomes.iter().any(|outcome| outcome.held.is_some());
        if !held && until == WaitUntil::Meaning && open > 0 && searchable.is_whole() {
            return Ok(Waited { left: None, because: Vec::new(), outcomes });
        }
        // what runs is finished, and nothing is begun while the queue is paused
        if !held && (open == 0 || is_paused && counts.running == 0) {
            let because = why_not_fresh(context, repo, until)?;
            // what a save has queued meanwhile is waited for as well
            let (now, is_paused) = self::counts(context, repo)?;
            if because.is_empty() || is_paused || now.queued + now.running == 0 {
                return Ok(Waited { left: None, because, outcomes });
            }
        }
        if clock::monotonic() >= deadline {
            return Ok(Waited { left: Some(counts), because: Vec::new(), outcomes });
        }
        let time_left = deadline.saturating_duration_since(clock::monotonic());
        changes.next_within(time_left.min(LONGEST_POLL))?;
    }
}

/// Asks for a reconcile; `None` if the time was up first.
fn reconcile(context: &Context, repo: Option<&RepoId>, deadline: Instant) -> Result<Option<Vec<RepoOutcome>>, Failure> {
    let request = Request::Reconcile { repo: repo.map(|id| id.0.clone()), depth: Depth::Changes };
    let time_left = deadline.saturating_duration_since(clock::monotonic());
    match control::ask_within(&context.home, request, time_left) {
        Ok(ControlReply::Reconciled { repos }) => Ok(Some(repos)),
        Ok(ControlReply::Failed { message }) => Err(Failure::Failed(message)),
        Ok(other) => Err(Failure::Failed(format!("unexpected reply of the daemon: {other:?}"))),
        Err(ControlError::TimedOut(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What can be searched already.
fn searchable(context: &Context, repo: Option<&RepoId>) -> Result<Searchable, Failure> {
    Ok(searchable_by_meaning(&Reader::open(&context.home, &context.config)?, repo)?)
}

/// Why what was waited for is not there, a line for each repository: decided by what `status` shows.
fn why_not_fresh(context: &Context, repo: Option<&RepoId>, until: WaitUntil) -> Result<Vec<String>, Failure> {
    if until == WaitUntil::Meaning && searchable(context, repo)?.is_whole() {
        return Ok(Vec::new());
    }
    let status = context.client(false).status()?;
    let repos = status.repos.iter().filter(|one| repo.is_none_or(|repo| one.id == repo.0));
    Ok(repos.filter_map(|one| Some(format!("{}: {}", one.repo, one.why_not_fresh()?))).collect())
}

/// The jobs, and whether the queue is paused.
fn counts(context: &Context, repo: Option<&RepoId>) -> Result<(Counts, bool), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let Some(db) = &reader.agent else { return Ok((Counts::default(), false)) };
    Ok((queue::counts(db, repo)?, queue::is_paused(db)?))
}

/// Drawn on a terminal only.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_settled_with_an_error_is_not_fresh() {
        let outcome =
            |error: Option<&str>| RepoOutcome { repo: "/a".to_owned(), held: None, error: error.map(str::to_owned) };
        let waited = |error, because: &[&str]| {
            let because = because.iter().map(|line| (*line).to_owned()).collect();
            Waited { left: None, because, outcomes: vec![outcome(error)] }.view()
        };
        assert!(waited(None, &[]).fresh);
        let failed = waited(Some("gone"), &["/a: gone"]);
        assert!(failed.settled && !failed.fresh);
        assert!(not_fresh(&failed).ends_with(":\n/a: gone"), "said once: {}", not_fresh(&failed));
        assert!(!waited(None, &["/a: the queue is paused"]).fresh);
    }
}
