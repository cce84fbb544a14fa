//! One repository: its newest commits, and the findings at HEAD.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::finding::{FindingRow, Listed};
use super::frame::{self, FilterLink, PageFrame, Pager, Screen, ScreenName};
use super::text::{commit_link, grouped, last_part, minute, short};
use super::{Fault, PATIENCE, Page, PageQuestion, shown};
use crate::domain::ObjectId;
use crate::query::commit;
use crate::query::view::report::{CommitFindings, FindingView, ReportView};
use crate::repo::CommitNote;
use crate::repo::registry::Registered;

const COMMITS: usize = 30;
const FINDINGS: usize = 100;

struct RepoPage {
    frame: PageFrame,
    path: String,
    note: Option<String>,
    commits: Vec<CommitRow>,
    is_pending: bool,
    older: Option<String>,
    newest: Option<String>,
    findings_href: String,
    findings: String,
}

impl Screen for RepoPage {
    fn frame(&self) -> &PageFrame {
        &self.frame
    }

    fn content(&self) -> Markup {
        html! {
            h1 { bdi { (self.frame.title) } }
            p.path { bdi { (self.path) } }
            @if let Some(note) = &self.note { p.panel.note { bdi { (note) } } }
            div id="totals" data-live {
                p.panel.lead {
                    a.go href=(self.findings_href) { "Findings at HEAD" } " "
                    @if self.is_pending { span.wait { "being worked out" } } @else { (self.findings) }
                }
            }
            section aria-labelledby="commits-title" {
                h2 id="commits-title" { "Commits" }
                div id="commits" data-live {
                    @if self.commits.is_empty() { p.panel.note { "the repository has no commit yet" } }
                    @else { ul.rows { @for commit in &self.commits { (commit_line(commit)) } } }
                }
                nav.pager aria-label="Older and newer commits" {
                    @if let Some(href) = &self.newest { a href=(href) { "Newest" } }
                    @if let Some(href) = &self.older { a rel="next" href=(href) { "Older" } }
                }
            }
        }
    }
}

fn commit_line(commit: &CommitRow) -> Markup {
    let none = |number: usize| if number == 0 { "none" } else { "" };
    html! {
        li.row data-row {
            a.go.mono href=(commit.href) { (commit.short) }
            div.row-body {
                p.subject {
                    bdi { (commit.subject) }
                    @if commit.is_merge { " " span.tag { "merge" } }
                }
                p.where { bdi { (commit.author) } " " span { (commit.at) } }
            }
            @if let Some((new, fixed)) = commit.delta {
                p.delta {
                    span.{ "new " (none(new)) } title="new errors and warnings" { "+" (new) span.hidden { " new" } }
                    " "
                    span.{ "fixed " (none(fixed)) } title="fixed errors and warnings" {
                        "−" (fixed) span.hidden { " fixed" }
                    }
                }
            }
        }
    }
}

/// A commit in one row.
struct CommitRow {
    href: String,
    short: String,
    subject: String,
    author: String,
    at: String,
    is_merge: bool,
    /// What it brought and removed; `None`: it is too old to be known in advance.
    delta: Option<(usize, usize)>,
}

#[derive(Deserialize)]
pub(super) struct CommitsFrom {
    from: Option<String>,
}

pub(super) async fn screen(
    State(page): State<Arc<Page>>,
    Path(id): Path<String>,
    Query(CommitsFrom { from }): Query<CommitsFrom>,
) -> Response {
    shown(page, move |asked| repository(asked, &id, from.as_deref())).await
}

fn repository(asked: &PageQuestion<'_>, id: &str, from: Option<&str>) -> Result<RepoPage, Fault> {
    let repo = asked.repo(id)?;
    let path = repo.location.path.to_string_lossy().into_owned();
    let start = from.map(commit_id).transpose()?;
    let mut commits = commit::list(&repo, start.as_ref(), COMMITS + 1)?;
    let older = (commits.len() > COMMITS).then(|| commits.pop()).flatten();
    // Findings that cannot be worked out hide no commit.
    let (found, failed) = match repo.indexed_commit.as_ref().map(|_| asked.findings(&repo, PATIENCE)) {
        None => (None, None),
        Some(Ok(found)) => (found, None),
        Some(Err(fault)) => (None, Some(fault.why())),
    };
    let is_pending = found.is_none() && failed.is_none() && repo.indexed_commit.is_some();
    let rows = commits.iter().map(|note| commit_row(&repo, note, found.as_deref())).collect();
    let frame = PageFrame::new(last_part(&path), ScreenName::Elsewhere).below("Repositories", "/").pending(is_pending);
    Ok(RepoPage {
        frame,
        note: repo.error.clone().or_else(|| repo.held.clone()).or(failed),
        commits: rows,
        is_pending,
        older: older.map(|older| format!("/repo/{id}?from={}", older.id)),
        newest: from.map(|_| format!("/repo/{id}")),
        findings_href: format!("/repo/{id}/findings"),
        findings: found.map(|found| totals(&found)).unwrap_or_default(),
        path,
    })
}

fn totals(found: &ReportView) -> String {
    let (new, kept) = (found.counts.new, found.counts.still_there);
    let number = |number: usize| grouped(number as u64);
    format!(
        "{} error(s), {} warning(s), {} of mere information",
        number(new.error + kept.error),
        number(new.warning + kept.warning),
        number(new.info + kept.info)
    )
}

fn commit_row(repo: &Registered, note: &CommitNote, found: Option<&ReportView>) -> CommitRow {
    let id = note.id.to_string();
    let shown = |list: &[FindingView]| list.iter().filter(|one| one.is_shown()).count();
    let of_commit = found.and_then(|found| found.commits.iter().find(|one| one.commit == id));
    CommitRow {
        href: commit_link(&repo.id.0, &id),
        short: short(&id).to_owned(),
        subject: if note.subject.is_empty() { "(no subject)".to_owned() } else { note.subject.clone() },
        author: note.author.clone(),
        at: minute(&note.committed_at.to_rfc3339()),
        is_merge: note.parents.len() > 1,
        delta: of_commit.map(|CommitFindings { introduced, removed, .. }| (shown(introduced), shown(removed))),
    }
}

/// A commit as an address names it.
pub(super) fn commit_id(text: &str) -> Result<ObjectId, Fault> {
    let is_whole = matches!(text.len(), 40 | 64);
    let id = ObjectId::from_hex(text).filter(|_| is_whole);
    id.ok_or_else(|| Fault::Missing(format!("{text} is not the whole name of a commit")))
}

struct FindingsPage {
    frame: PageFrame,
    is_worked_out: bool,
    totals: String,
    filters: Vec<FilterLink>,
    rows: Vec<FindingRow>,
    pager: Pager,
    not_covered: Vec<String>,
}

impl Screen for FindingsPage {
    fn frame(&self) -> &PageFrame {
        &self.frame
    }

    fn content(&self) -> Markup {
        html! {
            h1 { "Findings" }
            (frame::filters(&self.filters, "Severities"))
            div id="findings" data-live {
                @if self.is_worked_out {
                    p.lead { (self.totals) }
                    @for line in &self.not_covered { p.note { (line) } }
                    @if self.rows.is_empty() { p.panel.note { "nothing of this severity is found" } }
                    (frame::findings(&self.rows, ""))
                    (frame::pager(&self.pager))
                } @else {
                    p.panel.wait { "being worked out" }
                }
            }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct FindingsAsked {
    severity: Option<String>,
    #[serde(default)]
    page: usize,
}

pub(super) async fn findings(
    State(page): State<Arc<Page>>,
    Path(id): Path<String>,
    Query(question): Query<FindingsAsked>,
) -> Response {
    shown(page, move |asked| findings_of(asked, &id, &question)).await
}

fn findings_of(asked: &PageQuestion<'_>, id: &str, question: &FindingsAsked) -> Result<FindingsPage, Fault> {
    let repo = asked.repo(id)?;
    let path = repo.location.path.to_string_lossy().into_owned();
    let found = asked.findings(&repo, PATIENCE)?;
    let frame = PageFrame::new("Findings", ScreenName::Elsewhere)
        .below("Repositories", "/")
        .below(last_part(&path), format!("/repo/{id}"))
        .pending(found.is_none());
    let severity = question.severity.as_deref().unwrap_or("shown");
    let is_chosen = |one: &&FindingView| match severity {
        "all" => true,
        "shown" => one.is_shown(),
        severity => one.severity == severity,
    };
    let href = |severity: &str, page: usize| format!("/repo/{id}/findings?severity={severity}&page={page}");
    let filters = [
        ("shown", "errors and warnings"),
        ("error", "errors"),
        ("warning", "warnings"),
        ("info", "information"),
        ("all", "all"),
    ];
    let Some((named, _)) = filters.iter().find(|(name, _)| *name == severity).copied() else {
        return Err(Fault::Wrong(format!("{severity} is no severity; there are error, warning, info and all")));
    };
    let all: Vec<&FindingView> = match &found {
        Some(found) => merged(&found.new, &found.still_there).filter(is_chosen).collect(),
        None => Vec::new(),
    };
    let first = question.page.saturating_mul(FINDINGS);
    let rows: Vec<FindingRow> =
        all.iter().skip(first).take(FINDINGS).map(|one| FindingRow::new(id, one, Listed::Present)).collect();
    Ok(FindingsPage {
        frame,
        is_worked_out: found.is_some(),
        totals: found.as_ref().map(|found| totals(found)).unwrap_or_default(),
        filters: filters
            .iter()
            .map(|(name, title)| FilterLink {
                name: (*title).to_owned(),
                href: href(name, 0),
                is_chosen: *name == severity,
            })
            .collect(),
        pager: Pager::new(question.page, FINDINGS, rows.len(), Some(all.len()), |page| href(named, page)),
        rows,
        not_covered: found.map(|found| not_covered(&found)).unwrap_or_default(),
    })
}

fn not_covered(found: &ReportView) -> Vec<String> {
    let shown = found.not_looked_at.iter().map(|one| {
        let question = one.question.map(|question| format!(" ({question})")).unwrap_or_default();
        format!("{} file(s) are not covered{question}: {}", one.files.len(), one.because)
    });
    shown.collect()
}

/// Two lists of which each is sorted, as one: the worst first, then by their places.
fn merged<'a>(one: &'a [FindingView], other: &'a [FindingView]) -> impl Iterator<Item = &'a FindingView> {
    let weight = |severity: &str| match severity {
        "error" => 0,
        "warning" => 1,
        _ => 2,
    };
    let order = move |one: &FindingView, other: &FindingView| {
        let own = (weight(one.severity), one.path.path.as_str(), one.start_line);
        own.cmp(&(weight(other.severity), other.path.path.as_str(), other.start_line))
    };
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some(first), Some(second)) if order(first, second).is_gt() => other.next(),
        (Some(_), _) => one.next(),
        (None, _) => other.next(),
    })
}
