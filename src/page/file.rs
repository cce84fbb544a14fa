//! *File / symbol*: who uses it on the left, its source in the middle, what it uses on the right; its analyses, and the history of its
//! findings.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::code::{CodeLine, CodeMarks};
use super::finding::{FindingRow, Listed};
use super::frame::{self, PageFrame, Pager, Screen, ScreenName};
use super::text::{
    commit_link, dollars, file_link, file_path, last_part, line_link, minute, short, symbol_link, without_secrets,
};
use super::{Fault, Page, PageQuestion, shown};
use crate::analyzer::{Severity, render};
use crate::domain::FilePath;
use crate::query::files;
use crate::query::targets::{FileTarget, of_path};
use crate::query::view::report::{CommitFindings, ReportView};
use crate::query::view::show::{AnalysisView, AnswerView, FileUse};
use crate::query::view::targets::{ItemLine, UserFile};
use crate::repo::registry::Registered;

/// Lines of source on one page, files of a list, and symbols of one.
const LINES: u32 = 1_000;
const FILES: usize = 100;
const SYMBOLS: usize = 40;

struct FilePage {
    frame: PageFrame,
    path: String,
    href: String,
    facts: String,
    symbol: Option<String>,
    signature: String,
    freshness: String,
    users: Vec<UserRow>,
    tests: Vec<UserRow>,
    uses: Vec<UserRow>,
    lines: Vec<CodeLine>,
    pager: Pager,
    items: Vec<ItemLink>,
    notes: Vec<String>,
    findings: Vec<FindingRow>,
    analyses: Vec<AnalysisBlock>,
    history: Vec<HistoryRow>,
    is_history_known: bool,
}

impl Screen for FilePage {
    fn frame(&self) -> &PageFrame {
        &self.frame
    }

    fn content(&self) -> Markup {
        html! {
            h1 { bdi { (self.symbol.as_ref().unwrap_or(&self.frame.title)) } }
            p.path { a href=(self.href) { bdi { (self.path) } } }
            @if !self.signature.is_empty() { pre.signature tabindex="0" { code { (self.signature) } } }
            p.where { span { (self.facts) } " " bdi { (self.freshness) } }
            @for note in &self.notes { p.note { bdi { (note) } } }
            div.three id="file" data-live {
                section.side aria-labelledby="users-title" {
                    (frame::counted("users-title", "Used by", self.users.len()))
                    @if self.users.is_empty() { p.empty { "no other file uses it" } }
                    (uses_list(&self.users))
                    @if !self.tests.is_empty() {
                        h3 { "Tests " span.number { (self.tests.len()) } }
                        (uses_list(&self.tests))
                    }
                }
                (self.middle())
                section.side aria-labelledby="uses-title" {
                    (frame::counted("uses-title", "Uses", self.uses.len()))
                    @if self.uses.is_empty() { p.empty { "it uses no file of this repository" } }
                    (uses_list(&self.uses))
                }
            }
            @if self.symbol.is_none() { (self.below()) }
        }
    }
}

impl FilePage {
    fn middle(&self) -> Markup {
        html! {
            section.middle aria-labelledby="source-title" {
                h2 id="source-title" { "Source" }
                @if !self.items.is_empty() {
                    details.items {
                        summary { (self.items.len()) " item(s)" }
                        ul { @for item in &self.items { (item.line()) } }
                    }
                }
                div.code tabindex="0" role="region" aria-label={ "Source of " (self.path) } {
                    @for line in &self.lines { (line.markup()) }
                }
                (frame::pager(&self.pager))
            }
        }
    }

    fn below(&self) -> Markup {
        let none = |known: &'static str| if self.is_history_known { known } else { "being worked out" };
        html! {
            section aria-labelledby="found-title" {
                (frame::counted("found-title", "Findings at HEAD", self.findings.len()))
                @if self.findings.is_empty() { p.empty { (none("none")) } }
                (frame::findings(&self.findings, ""))
            }
            section aria-labelledby="history-title" {
                h2 id="history-title" { "History of its findings" }
                @if self.history.is_empty() { p.empty { (none("the newest commits neither brought nor removed any")) } }
                @for row in &self.history {
                    article.panel {
                        p.subject {
                            a.mono href=(row.href) { (row.short) } " " bdi { (row.subject) } " " span.dim { (row.at) }
                        }
                        (frame::findings(&row.introduced, ""))
                        @if !row.removed.is_empty() { p.dim { "removed" } (frame::findings(&row.removed, "gone")) }
                    }
                }
            }
            section aria-labelledby="analyses-title" {
                h2 id="analyses-title" { "Analyses" }
                @for one in &self.analyses {
                    details.panel.analysis {
                        summary {
                            span.{ "dot " (if one.is_fresh { "fresh" } else { "stale" }) } aria-hidden="true" {}
                            " " (one.title) " " span.dim { (one.state) }
                        }
                        @if !one.text.is_empty() { pre tabindex="0" { (one.text) } }
                    }
                }
            }
        }
    }
}

fn uses_list(rows: &[UserRow]) -> Markup {
    html! {
        ul.uses {
            @for row in rows {
                li data-row {
                    a.go href=(row.href) { bdi { (row.path) } }
                    @if !row.places.is_empty() {
                        p.chips { @for place in &row.places { a.chip href=(place.href) { bdi { (place.name) } } " " } }
                    }
                }
            }
        }
    }
}

impl ItemLink {
    fn line(&self) -> Markup {
        html! {
            li {
                a href=(self.href) aria-current=[self.is_chosen.then_some("true")] {
                    span.dim { (self.line) } " " bdi { (self.name) } " " span.tag { (self.kind) }
                }
            }
        }
    }
}

/// A file at the other end: where it uses this one, or what of it this one uses.
struct UserRow {
    path: String,
    href: String,
    places: Vec<PlaceLink>,
}

struct PlaceLink {
    name: String,
    href: String,
}

struct ItemLink {
    kind: String,
    name: String,
    href: String,
    line: u32,
    is_chosen: bool,
}

/// What one analysis says.
struct AnalysisBlock {
    title: &'static str,
    state: String,
    is_fresh: bool,
    text: String,
}

/// What a commit did to the findings of a file.
struct HistoryRow {
    href: String,
    short: String,
    subject: String,
    at: String,
    introduced: Vec<FindingRow>,
    removed: Vec<FindingRow>,
}

#[derive(Deserialize)]
pub(super) struct FileAsked {
    path: String,
    symbol: Option<String>,
    line: Option<u32>,
    #[serde(default)]
    page: u32,
}

pub(super) async fn screen(
    State(page): State<Arc<Page>>,
    Path(id): Path<String>,
    Query(question): Query<FileAsked>,
) -> Response {
    shown(page, move |asked| of_file(asked, &id, &question)).await
}

fn of_file(asked: &PageQuestion<'_>, id: &str, question: &FileAsked) -> Result<FilePage, Fault> {
    let repo = asked.repo(id)?;
    let path = FilePath::from_escaped(&question.path);
    let symbol = question.symbol.as_deref().filter(|symbol| !symbol.is_empty());
    let followed = asked.client().catch_up(Some(&repo.id));
    let target = of_path(&asked.reader, &repo, &path, symbol, followed)?;
    // Findings that cannot be worked out hide nothing of the file.
    let known = asked.findings(&repo, Duration::ZERO).ok().flatten();
    let (shown_path, _) = path.for_json();
    let title = symbol.map_or_else(|| last_part(&shown_path).to_owned(), str::to_owned);
    let repo_name = repo.location.path.to_string_lossy().into_owned();
    let mut frame = PageFrame::new(title, ScreenName::Elsewhere)
        .below("Repositories", "/")
        .below(last_part(&repo_name), format!("/repo/{id}"));
    if symbol.is_some() {
        frame = frame.below(last_part(&shown_path), file_link(id, &path));
    }
    let (lines, pager) = source(id, &path, &target, question);
    let (facts, analyses) = analyses(asked, &repo, &path);
    Ok(FilePage {
        frame,
        href: file_link(id, &path),
        facts,
        symbol: symbol.map(|_| target.shown.name.clone()),
        signature: target.shown.signature.clone(),
        freshness: target.answer_freshness.to_string(),
        users: users(id, &path, target.shown.users.as_deref().unwrap_or_default()),
        tests: users(id, &path, &target.shown.test_users),
        uses: uses(id, target.shown.uses.as_deref().unwrap_or_default()),
        lines,
        pager,
        items: target.items.iter().map(|item| item_link(id, &path, item, &target)).collect(),
        notes: target.shown.notes.clone(),
        findings: known.as_ref().map(|known| findings(id, &path, known)).unwrap_or_default(),
        analyses: if symbol.is_some() { Vec::new() } else { analyses },
        history: known.as_ref().map(|known| history(id, &path, known)).unwrap_or_default(),
        is_history_known: known.is_some(),
        path: shown_path,
    })
}

/// The lines of a page, and the pages next to it.
fn source(id: &str, path: &FilePath, target: &FileTarget, question: &FileAsked) -> (Vec<CodeLine>, Pager) {
    let shown = &target.shown;
    let used: Vec<String> =
        shown.users.iter().flatten().chain(&shown.test_users).flat_map(|user| user.symbols.clone()).collect();
    let marks = CodeMarks {
        repo: id,
        uses: shown.uses.as_deref().unwrap_or_default(),
        items: &target.items,
        used: &used,
        findings: shown.findings.as_deref().unwrap_or_default(),
        own: path,
    };
    let text = shown.source.as_deref().unwrap_or_default();
    let meant = question.line.map(|line| (line, line));
    let all = marks.lines(text, shown.start_line, meant);
    let page = match question.line {
        // The page that has the line.
        Some(line) if question.page == 0 => line.saturating_sub(shown.start_line) / LINES,
        _ => question.page,
    };
    let (page, size) = (page as usize, LINES as usize);
    let total = all.len();
    let lines: Vec<CodeLine> = all.into_iter().skip(page.saturating_mul(size)).take(size).collect();
    let symbol = question.symbol.as_deref();
    let base = symbol.map_or_else(|| file_link(id, path), |symbol| symbol_link(id, path, symbol));
    let pager = Pager::new(page, size, lines.len(), Some(total), |page| format!("{base}&page={page}"));
    (lines, pager)
}

fn users(id: &str, own: &FilePath, users: &[UserFile]) -> Vec<UserRow> {
    let row = |user: &UserFile| {
        let path = file_path(&user.path.path, user.path.path_bytes.as_ref());
        let lines = user.lines.iter().map(|line| PlaceLink {
            name: match &line.item {
                Some(item) => format!("{}: {item}", line.line),
                None => line.line.to_string(),
            },
            href: line_link(id, &path, line.line),
        });
        // Of a whole file: what of it is used.
        let symbols = user
            .symbols
            .iter()
            .take(SYMBOLS)
            .map(|symbol| PlaceLink { name: symbol.clone(), href: symbol_link(id, own, symbol) });
        UserRow { path: user.path.path.clone(), href: file_link(id, &path), places: lines.chain(symbols).collect() }
    };
    users.iter().take(FILES).map(row).collect()
}

fn uses(id: &str, uses: &[FileUse]) -> Vec<UserRow> {
    let row = |used: &FileUse| {
        let path = file_path(&used.path.path, used.path.path_bytes.as_ref());
        let symbols = used
            .symbols
            .iter()
            .take(SYMBOLS)
            .map(|symbol| PlaceLink { name: symbol.clone(), href: symbol_link(id, &path, symbol) });
        UserRow { places: symbols.collect(), path: used.path.path.clone(), href: file_link(id, &path) }
    };
    uses.iter().take(FILES).map(row).collect()
}

fn item_link(id: &str, path: &FilePath, item: &ItemLine, target: &FileTarget) -> ItemLink {
    ItemLink {
        kind: item.kind.clone(),
        name: item.name.clone(),
        href: symbol_link(id, path, &item.name),
        line: item.start_line,
        is_chosen: target.shown.name == item.name && target.shown.start_line == item.start_line,
    }
}

/// What is said of a file, and its analyses; nothing of a file that is not indexed yet.
fn analyses(asked: &PageQuestion<'_>, repo: &Registered, path: &FilePath) -> (String, Vec<AnalysisBlock>) {
    let on_disk = repo.location.path.join(OsStr::from_bytes(path.as_bytes()));
    let Ok(view) = files::show(&asked.reader, &on_disk) else { return (String::new(), Vec::new()) };
    let asked_why =
        view.not_asked.as_ref().map(|why| format!(" · no model is asked about it: {why}")).unwrap_or_default();
    let facts = format!(
        "{} · {} · used by {} file(s), uses {}{asked_why}",
        view.language, view.role, view.fan_in, view.fan_out
    );
    let blocks = view.analyses.iter().flat_map(|one| match one {
        AnalysisView::Missing(missing) => {
            let state = if missing.evicted { "removed to keep the cache small" } else { "not made yet" };
            vec![AnalysisBlock {
                title: missing.analysis_type,
                state: state.to_owned(),
                is_fresh: false,
                text: String::new(),
            }]
        }
        AnalysisView::Made(made) => std::iter::once(&made.preferred).chain(&made.other).map(block).collect(),
    });
    (facts, blocks.collect())
}

fn block(answer: &AnswerView) -> AnalysisBlock {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = render(&answer.report, Severity::Info, &mut text);
    let cost = if answer.cost_usd > 0.0 { format!(", {}", dollars(answer.cost_usd)) } else { String::new() };
    let fresh = if answer.fresh { "fresh" } else { "stale" };
    AnalysisBlock {
        title: answer.analysis_type,
        state: format!("{fresh}, {}, {}{cost}", answer.model, minute(&answer.created_at)),
        is_fresh: answer.fresh,
        text: without_secrets(&text),
    }
}

/// The findings of a file at HEAD.
fn findings(id: &str, path: &FilePath, known: &ReportView) -> Vec<FindingRow> {
    let (name, _) = path.for_json();
    let own = known.new.iter().chain(&known.still_there).filter(|one| one.path.path == name);
    own.take(FILES).map(|one| FindingRow::new(id, one, Listed::Present)).collect()
}

/// What the newest commits did to the findings of a file, the newest first.
fn history(id: &str, path: &FilePath, known: &ReportView) -> Vec<HistoryRow> {
    let name = path.for_json().0;
    let row = |commit: &CommitFindings| {
        let of = |list: &[crate::query::view::report::FindingView], listed| -> Vec<FindingRow> {
            let own = list.iter().filter(|one| one.path.path == name || one.from_path.as_deref() == Some(&name));
            own.map(|one| FindingRow::new(id, one, listed)).collect()
        };
        let (introduced, removed) = (of(&commit.introduced, Listed::Present), of(&commit.removed, Listed::Past));
        (!introduced.is_empty() || !removed.is_empty()).then(|| HistoryRow {
            href: commit_link(id, &commit.commit),
            short: short(&commit.commit).to_owned(),
            subject: commit.subject.clone(),
            at: minute(&commit.committed_at),
            introduced,
            removed,
        })
    };
    known.commits.iter().rev().filter_map(row).collect()
}
