//! *Repositories*: what is fresh, what waits, what is found and what it cost.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::chart::ShareBar;
use super::frame::{PageFrame, Screen, ScreenName, share};
use super::text::{commit_link, dollars, grouped, last_part, short};
use super::{Fault, PATIENCE, Page, PageQuestion, shown};
use crate::clock;
use crate::query::budget::history;
use crate::query::view::repos::NONE_REGISTERED;
use crate::query::view::status::{ParkedStatus, StatusView};
use crate::query::view::words::FreshDot;

/// Days of which the cost is shown.
const COST_DAYS: u32 = 30;

struct ReposPage {
    frame: PageFrame,
    repos: Vec<RepoRow>,
    summary: Option<AgentSummary>,
    none: &'static str,
    days: u32,
}

/// The agent in a few words.
struct AgentSummary {
    daemon: String,
    is_running: bool,
    queue: String,
    search: String,
    cutoff: Option<ShareBar>,
    cutoff_text: String,
    parked: Vec<String>,
}

/// A repository in one row.
struct RepoRow {
    name: String,
    path: String,
    href: String,
    dot: &'static str,
    state: String,
    head: Option<(String, String)>,
    files: String,
    pending: String,
    errors: String,
    warnings: String,
    has_findings: bool,
    findings_href: String,
    cost: String,
}

impl Screen for ReposPage {
    fn frame(&self) -> &PageFrame {
        &self.frame
    }

    fn content(&self) -> Markup {
        html! {
            h1 { "Repositories" }
            div id="repos" data-live {
                @if self.repos.is_empty() { p.panel.note { (self.none) } }
                @else { ul.cards { @for repo in &self.repos { (card(repo, self.days)) } } }
            }
            section id="agent" data-live aria-labelledby="agent-title" {
                h2 id="agent-title" { "The agent" }
                @if let Some(summary) = &self.summary { (agent(summary)) }
                @else { p.panel.wait { "being worked out" } }
            }
        }
    }
}

fn card(repo: &RepoRow, days: u32) -> Markup {
    let class = |number: &str, class: &'static str| if number == "0" { "none" } else { class };
    html! {
        li.card data-row {
            div.card-head {
                span.{ "dot " (repo.dot) } aria-hidden="true" {}
                h2 { a.go href=(repo.href) { bdi { (repo.name) } } }
                span.state { bdi { (repo.state) } }
            }
            p.path { bdi { (repo.path) } }
            dl.facts {
                div {
                    dt { "HEAD" }
                    dd { @if let Some((short, href)) = &repo.head { a.mono href=(href) { (short) } } @else { "–" } }
                }
                div { dt { "Files fresh" } dd { (repo.files) } }
                div { dt { "Pending" } dd { (repo.pending) } }
                div {
                    dt { "Errors, warnings" }
                    dd {
                        @if repo.has_findings {
                            a href=(repo.findings_href) {
                                span.{ "count " (class(&repo.errors, "error")) } { (repo.errors) } " · "
                                span.{ "count " (class(&repo.warnings, "warning")) } { (repo.warnings) }
                            }
                        } @else {
                            span.wait { "being worked out" }
                        }
                    }
                }
                div { dt { "Cost, " (days) " days" } dd { (repo.cost) } }
            }
        }
    }
}

fn agent(summary: &AgentSummary) -> Markup {
    let dot = if summary.is_running { "fresh" } else { "stale" };
    html! {
        div.panel {
            dl.pairs {
                dt { "Daemon" }
                dd { span.{ "dot " (dot) } aria-hidden="true" {} " " (summary.daemon) }
                dt { "Queue" }
                dd { a href="/queue" { (summary.queue) } }
                dt { "Search" }
                dd { (summary.search) }
                @if let Some(bar) = &summary.cutoff {
                    dt { "Cutoff" }
                    dd { (share(bar)) (summary.cutoff_text) }
                }
            }
            @for parked in &summary.parked { p.note { bdi { (parked) } } }
        }
    }
}

pub(super) async fn screen(State(page): State<Arc<Page>>) -> Response {
    shown(page, repositories).await
}

fn repositories(asked: &PageQuestion<'_>) -> Result<ReposPage, Fault> {
    let status = asked.status()?;
    let spent = history(&asked.reader, COST_DAYS, clock::now())?;
    let cost_of = |path: &str| spent.repos.iter().find(|one| one.name == path).map_or(0.0, |one| one.group.spent_usd);
    let mut is_pending = status.is_none();
    let mut patience = PATIENCE;
    let mut rows = Vec::new();
    for repo in asked.reader.repos()? {
        let path = repo.location.path.to_string_lossy().into_owned();
        let of_status = status.as_ref().and_then(|status| status.repos.iter().find(|one| one.id == repo.id.0));
        // One that cannot be read hides no other.
        let found = if repo.indexed_commit.is_some() { asked.findings(&repo, patience).ok() } else { None };
        if matches!(found, Some(None)) {
            (is_pending, patience) = (true, std::time::Duration::ZERO);
        }
        let counts = found.flatten().map(|found| {
            let (new, kept) = (found.counts.new, found.counts.still_there);
            (new.error + kept.error, new.warning + kept.warning)
        });
        let is_running = status.as_ref().is_none_or(|status| status.daemon.running);
        let (dot, state) = of_status.map_or((FreshDot::Off, "…".to_owned()), |one| one.freshness(is_running));
        let number = |number: usize| grouped(number as u64);
        rows.push(RepoRow {
            name: last_part(&path).to_owned(),
            href: format!("/repo/{}", repo.id),
            dot: dot.as_str(),
            state,
            head: of_status
                .and_then(|one| one.head.as_deref())
                .map(|head| (short(head).to_owned(), commit_link(&repo.id.0, head))),
            files: of_status
                .map_or_else(String::new, |one| format!("{} of {}", grouped(one.fresh), grouped(one.files))),
            pending: of_status.map_or_else(String::new, |one| grouped(one.pending)),
            errors: counts.map_or_else(String::new, |(errors, _)| number(errors)),
            warnings: counts.map_or_else(String::new, |(_, warnings)| number(warnings)),
            has_findings: counts.is_some(),
            findings_href: format!("/repo/{}/findings", repo.id),
            cost: dollars(cost_of(&path)),
            path,
        });
    }
    let frame = PageFrame::new("Repositories", ScreenName::Repositories).pending(is_pending);
    let summary = status.map(|status| summary(&status));
    Ok(ReposPage { frame, repos: rows, summary, none: NONE_REGISTERED, days: COST_DAYS })
}

fn summary(status: &StatusView) -> AgentSummary {
    let cutoff = &status.cutoff;
    let (cut_off, cutoff_text) = (cutoff.cut_off(), cutoff.line());
    AgentSummary {
        daemon: status.daemon.line(),
        is_running: status.daemon.running,
        queue: status.queue.line(),
        search: status.embedding.line(),
        cutoff: (cutoff.considered > 0).then(|| {
            let parts = [
                ("part-1", cutoff.analysed as f64, format!("{} analysed again", grouped(cutoff.analysed))),
                ("part-2", cut_off as f64, format!("{} cut off", grouped(cut_off))),
            ];
            ShareBar::new(&parts, 0.0, cutoff_text.clone())
        }),
        cutoff_text,
        parked: status.parked.iter().map(ParkedStatus::line).collect(),
    }
}
