//! *Queue*: what runs, what waits and why, what failed.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::frame::{self, FilterLink, PageFrame, Pager, Screen, ScreenName};
use super::text::{file_link, grouped, last_part, minute, percent, symbol_link, without_secrets};
use super::{Fault, Page, PageQuestion, shown};
use crate::domain::{JobState, StaleReason};
use crate::query::QueryError;
use crate::query::view::queue::EmptyQueue;
use crate::queue::{self, Counts, Filter, Job};
use crate::repo::registry::Registered;

const JOBS: usize = 100;

struct QueuePage {
    frame: PageFrame,
    counts: Vec<(&'static str, String)>,
    is_paused: bool,
    parked: Vec<ParkedRow>,
    filters: Vec<FilterLink>,
    repos: Vec<FilterLink>,
    jobs: Vec<JobRow>,
    why_empty: String,
    pager: Pager,
}

impl Screen for QueuePage {
    fn frame(&self) -> &PageFrame {
        &self.frame
    }

    fn content(&self) -> Markup {
        html! {
            h1 { "Queue" }
            div id="queue" data-live {
                div.tiles { @for (name, count) in &self.counts { div.tile { span.big { (count) } " " (name) } } }
                @if self.is_paused {
                    p.panel.note { "The queue is paused; " code { "ra-agent queue resume" } " starts jobs again." }
                }
                @if !self.parked.is_empty() {
                    section aria-labelledby="parked-title" {
                        h2 id="parked-title" { "Why jobs are parked" }
                        ul.rows { @for one in &self.parked { (one.line()) } }
                    }
                }
                (frame::filters(&self.filters, "Lists of jobs"))
                @if self.repos.len() > 2 { (frame::filters(&self.repos, "Repositories")) }
                @if !self.why_empty.is_empty() { p.panel.note { (self.why_empty) } }
                @if !self.jobs.is_empty() { ul.rows { @for job in &self.jobs { (job.line()) } } }
                (frame::pager(&self.pager))
            }
        }
    }
}

impl ParkedRow {
    fn line(&self) -> Markup {
        html! {
            li.row {
                span.mono { (self.jobs) }
                div.row-body {
                    p { span.tag { (self.cause) } " " bdi { (self.reason) } }
                    @if !self.until.is_empty() { p.where { "until " (self.until) } }
                }
            }
        }
    }
}

impl JobRow {
    fn line(&self) -> Markup {
        html! {
            li.row data-row {
                span.{ "tag " (self.state) } { (self.state) }
                div.row-body {
                    p { a.go href=(self.href) { bdi { (self.path) } } " " span.dim { (self.kind) } }
                    p.where {
                        span {
                            (self.reason)
                            @if let Some(one) = &self.symbol {
                                ": " a href=(one.href) { bdi { (one.name) } } " of " bdi { (one.file) }
                            }
                        }
                        " " bdi { (self.repo) } " " span { (self.priority) " priority" } " " span { "since " (self.since) }
                        @if self.attempts > 1 { " " span { "attempt " (self.attempts) } }
                        " " span { "job " (self.id) }
                    }
                    @if !self.detail.is_empty() { p.detail { bdi { (self.detail) } } }
                }
            }
        }
    }
}

struct ParkedRow {
    jobs: String,
    cause: String,
    reason: String,
    until: String,
}

struct JobRow {
    id: i64,
    state: &'static str,
    priority: &'static str,
    kind: &'static str,
    path: String,
    href: String,
    repo: String,
    reason: &'static str,
    symbol: Option<SymbolCause>,
    attempts: u32,
    detail: String,
    since: String,
}

/// The changed symbol that made a job.
struct SymbolCause {
    name: String,
    file: String,
    href: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct QueueAsked {
    state: String,
    repo: String,
    page: usize,
}

/// The lists, each with the states that are in it.
const LISTS: [(&str, &str, &[JobState]); 5] = [
    ("", "waiting and running", &[JobState::Queued, JobState::Running, JobState::Parked]),
    ("running", "running", &[JobState::Running]),
    ("parked", "parked", &[JobState::Parked]),
    ("failed", "failed for good", &[JobState::Discarded, JobState::Quarantined]),
    ("done", "done", &[JobState::Done]),
];

pub(super) async fn screen(State(page): State<Arc<Page>>, Query(question): Query<QueueAsked>) -> Response {
    shown(page, move |asked| jobs(asked, &question)).await
}

fn jobs(asked: &PageQuestion<'_>, question: &QueueAsked) -> Result<QueuePage, Fault> {
    let Some((state, _, states)) = LISTS.iter().find(|(name, _, _)| *name == question.state) else {
        return Err(Fault::Wrong(format!(
            "{} is no list of jobs; there are running, parked, failed and done",
            question.state
        )));
    };
    let repos = asked.reader.repos()?;
    let of_repo = (!question.repo.is_empty()).then(|| asked.repo(&question.repo)).transpose()?.map(|repo| repo.id);
    let first = question.page.saturating_mul(JOBS);
    // One more than is shown says whether there is another page.
    let filter = Filter { repo: of_repo.clone(), states: states.to_vec(), limit: Some(JOBS + 1) };
    let db = asked.reader.agent.as_ref();
    let listed =
        db.map(|db| queue::list_after(db, &filter, first)).transpose().map_err(QueryError::from)?.unwrap_or_default();
    let has_next = listed.len() > JOBS;
    let rows: Vec<JobRow> = listed.iter().take(JOBS).map(|job| job_row(job, &repos)).collect();
    let counts =
        db.map(|db| queue::counts(db, of_repo.as_ref())).transpose().map_err(QueryError::from)?.unwrap_or_default();
    let is_paused = db.map(queue::is_paused).transpose().map_err(QueryError::from)?.unwrap_or(false);
    let parked = db.map(queue::parkings).transpose().map_err(QueryError::from)?.unwrap_or_default();
    let href =
        |state: &str, repo: &str, page: usize| format!("/queue?state={state}&repo={}&page={page}", percent(repo));
    let why_empty = EmptyQueue { repos: repos.len(), states, counts, is_paused }.why();
    let mut pager = Pager::new(question.page, JOBS, rows.len(), None, |page| href(state, &question.repo, page));
    if !has_next {
        pager.next = None;
    }
    Ok(QueuePage {
        frame: PageFrame::new("Queue", ScreenName::Queue),
        counts: counted(counts),
        is_paused,
        parked: parked
            .into_iter()
            .map(|one| ParkedRow {
                jobs: grouped(one.jobs),
                cause: one.cause,
                reason: one.detail,
                until: one.until.map(|until| minute(&until.to_rfc3339())).unwrap_or_default(),
            })
            .collect(),
        filters: LISTS
            .iter()
            .map(|(name, title, _)| FilterLink {
                name: (*title).to_owned(),
                href: href(name, &question.repo, 0),
                is_chosen: name == state,
            })
            .collect(),
        repos: repo_links(&repos, question, |repo| href(state, repo, 0)),
        why_empty: if rows.is_empty() { why_empty } else { String::new() },
        jobs: rows,
        pager,
    })
}

fn repo_links(repos: &[Registered], question: &QueueAsked, href: impl Fn(&str) -> String) -> Vec<FilterLink> {
    let all = std::iter::once((String::new(), "all repositories".to_owned()));
    let each =
        repos.iter().map(|repo| (repo.id.0.clone(), last_part(&repo.location.path.to_string_lossy()).to_owned()));
    all.chain(each).map(|(id, name)| FilterLink { name, href: href(&id), is_chosen: id == question.repo }).collect()
}

fn counted(counts: Counts) -> Vec<(&'static str, String)> {
    let Counts { queued, running, parked, discarded, quarantined, done, .. } = counts;
    vec![
        ("queued", grouped(queued)),
        ("running", grouped(running)),
        ("parked", grouped(parked)),
        ("failed", grouped(discarded + quarantined)),
        ("done", grouped(done)),
    ]
}

fn job_row(job: &Job, repos: &[Registered]) -> JobRow {
    let repo = repos.iter().find(|repo| repo.id == job.repo);
    let symbol = match &job.reason {
        StaleReason::DependencyChanged { symbol, file } => Some(SymbolCause {
            name: symbol.clone(),
            file: file.for_json().0,
            href: symbol_link(&job.repo.0, file, symbol),
        }),
        _ => None,
    };
    JobRow {
        id: job.id,
        state: job.state.as_str(),
        priority: job.priority.as_str(),
        kind: job.kind.as_str(),
        path: job.path.for_json().0,
        href: file_link(&job.repo.0, &job.path),
        repo: repo.map(|repo| last_part(&repo.location.path.to_string_lossy()).to_owned()).unwrap_or_default(),
        reason: job.reason.code(),
        symbol,
        attempts: job.attempts,
        detail: job.detail.as_deref().map(without_secrets).unwrap_or_default(),
        since: minute(&job.created_at.to_rfc3339()),
    }
}
