//! *Commit*: what it changed, whom that touched and why, who was cut off, what got better or worse, and what it cost.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

use super::chart::ShareBar;
use super::finding::{FindingRow, Listed};
use super::frame::{self, PageFrame, Screen, ScreenName};
use super::repo::commit_id;
use super::text::{commit_link, dollars, file_link, file_path, grouped, last_part, minute, short, symbol_link};
use super::{Fault, Page, PageQuestion, shown};
use crate::domain::FilePath;
use crate::query::commit;
use crate::query::view::PathText;
use crate::query::view::commit::{CommitCost, CommitView};
use crate::query::view::impact::{ImpactView, TestView};
use crate::repo::Repo;

/// Rows of a list; the number of the rest is said.
const ROWS: usize = 200;

struct CommitPage {
    frame: PageFrame,
    subject: String,
    short: String,
    author: String,
    at: String,
    parent: Option<(String, String)>,
    is_merge: bool,
    newer_note: &'static str,
    done: Option<CommitParts>,
    failed: Option<String>,
}

/// What takes longer to work out.
struct CommitParts {
    changed: Vec<ChangedRow>,
    dependents: Vec<DependentRow>,
    cut_off: Vec<CutOffRow>,
    through: Vec<DependentRow>,
    tests: Vec<TestRow>,
    introduced: Vec<FindingRow>,
    removed: Vec<FindingRow>,
    counts: PartCounts,
    share: ShareBar,
    cost: String,
    cost_note: String,
    saved: String,
    caveats: Vec<String>,
    why_empty: Option<String>,
}

/// How many rows each list has, also those that are not shown.
struct PartCounts {
    changed: usize,
    dependents: usize,
    cut_off: usize,
    introduced: usize,
    removed: usize,
    more: usize,
}

/// A file with a link.
struct LinkedFile {
    path: String,
    href: String,
}

struct ChangedRow {
    file: LinkedFile,
    change: &'static str,
    from: Option<String>,
    symbols: Vec<ChangedName>,
}

struct ChangedName {
    name: String,
    change: &'static str,
    href: String,
}

/// A dependent, and each symbol that is a cause.
struct DependentRow {
    file: LinkedFile,
    because: Vec<CauseLink>,
}

struct CauseLink {
    symbol: String,
    href: String,
    file: String,
    kind: &'static str,
}

struct CutOffRow {
    file: LinkedFile,
    uses: LinkedFile,
}

struct TestRow {
    file: LinkedFile,
    tests: String,
    distance: String,
}

impl Screen for CommitPage {
    fn frame(&self) -> &PageFrame {
        &self.frame
    }

    fn content(&self) -> Markup {
        html! {
            h1 { bdi { (self.subject) } }
            p.where {
                span.mono { (self.short) } " " bdi { (self.author) } " " span { (self.at) }
                @if self.is_merge { " " span.tag { "merge" } }
                @if let Some((parent, href)) = &self.parent { " " span { "after " a.mono href=(href) { (parent) } } }
            }
            div id="commit" data-live {
                @match (&self.done, &self.failed) {
                    (Some(done), _) => { (done.summary(self.newer_note)) (done.files()) (done.findings()) (done.reached()) },
                    (None, Some(why)) => { p.panel.note { bdi { (why) } } },
                    (None, None) => { p.panel.wait { "What this commit did is being worked out." } },
                }
            }
        }
    }
}

impl CommitParts {
    fn summary(&self, newer_note: &str) -> Markup {
        let counts = &self.counts;
        let tile = |number: String, class: &str, name: &str| {
            html! { div.tile { span.{ "big " (class) } { (number) } " " (name) } }
        };
        let class = |class: &'static str, number: usize| if number == 0 { "" } else { class };
        html! {
            @if let Some(why) = &self.why_empty { p.panel.note { (why) } }
            div.tiles {
                (tile(counts.changed.to_string(), "", "changed"))
                (tile(counts.dependents.to_string(), "", "analysed again"))
                (tile(counts.cut_off.to_string(), "", "cut off"))
                (tile(format!("+{}", counts.introduced), class("new", counts.introduced), "new findings"))
                (tile(format!("−{}", counts.removed), class("fixed", counts.removed), "fixed"))
                (tile(self.cost.clone(), "", &self.cost_note))
            }
            div.panel {
                (frame::share(&self.share))
                p.legend {
                    span.key.part-0 {} "changed " span.key.part-1 {} "analysed again " span.key.part-2 {} "cut off"
                    span.saved { (self.saved) }
                }
            }
            @for line in &self.caveats { p.note { (line) } }
            @if !newer_note.is_empty() { p.note { (newer_note) } }
            @if counts.more > 0 {
                p.note {
                    (counts.more) " more row(s) are not shown; " code { "ra-agent impact --json" } " and "
                    code { "ra-agent report --json" } " have all."
                }
            }
        }
    }

    fn findings(&self) -> Markup {
        html! {
            div.two {
                section aria-labelledby="new-title" {
                    (frame::counted("new-title", "New findings", self.counts.introduced))
                    @if self.introduced.is_empty() { p.empty { "none" } }
                    (frame::findings(&self.introduced, ""))
                }
                section aria-labelledby="fixed-title" {
                    (frame::counted("fixed-title", "Fixed findings", self.counts.removed))
                    @if self.removed.is_empty() { p.empty { "none" } }
                    (frame::findings(&self.removed, "gone"))
                }
            }
        }
    }

    fn files(&self) -> Markup {
        html! {
            section aria-labelledby="changed-title" {
                (frame::counted("changed-title", "Changed files", self.counts.changed))
                @if !self.changed.is_empty() { ul.rows { @for row in &self.changed { (row.line()) } } }
            }
            div.two {
                section aria-labelledby="dependents-title" {
                    (frame::counted("dependents-title", "Dependents analysed again", self.counts.dependents))
                    @if self.dependents.is_empty() { p.empty { "none: no file uses what changed" } }
                    @else { ul.rows id="dependents" { @for row in &self.dependents { (row.line("because it uses")) } } }
                }
                section aria-labelledby="cut-title" {
                    (frame::counted("cut-title", "Dependents cut off", self.counts.cut_off))
                    @if self.cut_off.is_empty() { p.empty { "none" } }
                    @else { ul.rows { @for row in &self.cut_off { (row.line()) } } }
                    @if !self.cut_off.is_empty() {
                        p.dim { "They use a changed file, but nothing of it that changed for its users." }
                    }
                }
            }
        }
    }

    /// What the change may reach without being used by name, and the tests.
    fn reached(&self) -> Markup {
        html! {
            @if !self.through.is_empty() {
                section aria-labelledby="through-title" {
                    (frame::counted("through-title", "Callers through an interface", self.through.len()))
                    p.dim { "Nothing that they use changed, but what they call may do something else now." }
                    ul.rows { @for row in &self.through { (row.line("calls")) } }
                }
            }
            @if !self.tests.is_empty() {
                section aria-labelledby="tests-title" {
                    (frame::counted("tests-title", "Tests that reach it", self.tests.len()))
                    ul.rows { @for row in &self.tests { (row.line()) } }
                }
            }
        }
    }
}

impl LinkedFile {
    fn link(&self) -> Markup {
        html! {
            @if self.href.is_empty() { bdi { (self.path) } }
            @else { a.go href=(self.href) { bdi { (self.path) } } }
        }
    }
}

impl ChangedRow {
    fn line(&self) -> Markup {
        html! {
            li.row data-row {
                span.{ "tag " (self.change) } { (self.change) }
                div.row-body {
                    p { (self.file.link()) @if let Some(from) = &self.from { " " span.dim { "was " bdi { (from) } } } }
                    @if !self.symbols.is_empty() { p.chips { @for symbol in &self.symbols { (symbol.chip()) " " } } }
                }
            }
        }
    }
}

impl ChangedName {
    fn chip(&self) -> Markup {
        let name = html! { bdi { (self.name) } " " span { (self.change) } };
        html! {
            @if self.href.is_empty() { span.chip { (name) } } @else { a.chip href=(self.href) { (name) } }
        }
    }
}

impl DependentRow {
    fn line(&self, because: &str) -> Markup {
        html! {
            li.row data-row {
                div.row-body {
                    p { (self.file.link()) }
                    p.because {
                        (because) " "
                        @for cause in &self.because {
                            a.chip href=(cause.href) {
                                bdi { (cause.symbol) } " " span { (cause.kind) " of " bdi { (cause.file) } }
                            }
                            " "
                        }
                    }
                }
            }
        }
    }
}

impl CutOffRow {
    fn line(&self) -> Markup {
        html! {
            li.row data-row {
                div.row-body {
                    p {
                        (self.file.link()) " "
                        span.dim { "uses " a href=(self.uses.href) { bdi { (self.uses.path) } } }
                    }
                }
            }
        }
    }
}

impl TestRow {
    fn line(&self) -> Markup {
        html! {
            li.row data-row {
                div.row-body {
                    p { (self.file.link()) " " span.dim { (self.distance) } }
                    @if !self.tests.is_empty() { p.where { bdi { (self.tests) } } }
                }
            }
        }
    }
}

pub(super) async fn screen(State(page): State<Arc<Page>>, Path((id, commit)): Path<(String, String)>) -> Response {
    shown(page, move |asked| of_commit(asked, &id, &commit)).await
}

fn of_commit(asked: &PageQuestion<'_>, id: &str, named: &str) -> Result<CommitPage, Fault> {
    let repo = asked.repo(id)?;
    let commit_id = if named == "HEAD" {
        commit::head(&repo)?.ok_or_else(|| Fault::Missing("the repository has no commit yet".to_owned()))?
    } else {
        commit_id(named)?
    };
    let note = Repo::open(&repo.location)
        .and_then(|git| git.commit_note(&commit_id))
        .map_err(|error| Fault::Missing(error.to_string()))?;
    // What cannot be worked out hides nothing of what the commit says of itself.
    let (done, failed) = match asked.commit(&repo, &commit_id) {
        Ok(done) => (done, None),
        Err(fault) => (None, Some(fault.why())),
    };
    let cut_off = done.as_ref().map_or(0, |done| done.impact.cut_off.len());
    let cost = commit::cost(&asked.reader, &repo, &commit_id, cut_off)?;
    let path = repo.location.path.to_string_lossy().into_owned();
    let name = commit_id.to_string();
    let frame = PageFrame::new(format!("Commit {}", short(&name)), ScreenName::Elsewhere)
        .below("Repositories", "/")
        .below(last_part(&path), format!("/repo/{id}"))
        .pending(done.is_none() && failed.is_none());
    let is_indexed = repo.indexed_commit.as_ref() == Some(&commit_id);
    Ok(CommitPage {
        frame,
        subject: if note.subject.is_empty() { "(no subject)".to_owned() } else { note.subject },
        short: short(&name).to_owned(),
        author: note.author,
        at: minute(&note.committed_at.to_rfc3339()),
        parent: note.parents.first().map(|parent| {
            let parent = parent.to_string();
            (short(&parent).to_owned(), commit_link(id, &parent))
        }),
        is_merge: note.parents.len() > 1,
        newer_note: if is_indexed { "" } else { "Files and symbols lead to what they are now." },
        done: done.map(|done| parts(id, &done, cost)),
        failed,
    })
}

fn parts(id: &str, done: &CommitView, cost: CommitCost) -> CommitParts {
    let impact = &done.impact;
    let counts = PartCounts {
        changed: impact.changed.len(),
        dependents: impact.dependents.len(),
        cut_off: impact.cut_off.len(),
        introduced: done.introduced.len(),
        removed: done.removed.len(),
        more: [impact.changed.len(), impact.dependents.len(), impact.cut_off.len(), done.introduced.len()]
            .into_iter()
            .chain([done.removed.len()])
            .map(|rows| rows.saturating_sub(ROWS))
            .sum(),
    };
    let share = share(&counts);
    let cost_note = match (cost.calls, &done.model) {
        (0, None) => "no model is set up".to_owned(),
        (0, Some(model)) => format!("{model} was not asked because of it"),
        (calls, _) => format!("{} question(s) to a model", grouped(calls)),
    };
    CommitParts {
        changed: changed(id, impact),
        dependents: dependents(id, impact),
        cut_off: impact
            .cut_off
            .iter()
            .take(ROWS)
            .map(|one| CutOffRow {
                file: linked(id, &one.path),
                uses: linked_path(id, &FilePath::new(one.file.as_bytes())),
            })
            .collect(),
        through: through(id, impact),
        tests: impact.tests.iter().take(ROWS).map(|one| test(id, one)).collect(),
        introduced: FindingRow::all(id, &done.introduced, Listed::Present, ROWS),
        removed: FindingRow::all(id, &done.removed, Listed::Past, ROWS),
        cost: dollars(cost.spent_usd),
        cost_note,
        saved: match cost.saved_usd {
            Some(usd) => {
                format!("{} file(s) not analysed again, about {} saved", grouped(counts.cut_off as u64), dollars(usd))
            }
            None => format!("{} file(s) not analysed again", grouped(counts.cut_off as u64)),
        },
        share,
        caveats: caveats(done),
        why_empty: impact.why_empty.clone(),
        counts,
    }
}

fn share(counts: &PartCounts) -> ShareBar {
    let parts = [
        ("part-0", counts.changed as f64, format!("{} changed", counts.changed)),
        ("part-1", counts.dependents as f64, format!("{} dependents analysed again", counts.dependents)),
        ("part-2", counts.cut_off as f64, format!("{} dependents cut off", counts.cut_off)),
    ];
    let summary = parts.iter().map(|(_, _, title)| title.as_str()).collect::<Vec<_>>().join(", ");
    ShareBar::new(&parts, 0.0, summary)
}

fn linked(id: &str, path: &PathText) -> LinkedFile {
    let file = file_path(&path.path, path.path_bytes.as_ref());
    LinkedFile { path: path.path.clone(), href: file_link(id, &file) }
}

fn linked_path(id: &str, path: &FilePath) -> LinkedFile {
    LinkedFile { path: path.for_json().0, href: file_link(id, path) }
}

fn changed(id: &str, impact: &ImpactView) -> Vec<ChangedRow> {
    let row = |one: &crate::query::view::impact::ChangedFile| {
        let file = file_path(&one.path.path, one.path.path_bytes.as_ref());
        let symbols = one.symbols.iter().map(|symbol| ChangedName {
            href: if symbol.change == "removed" { String::new() } else { symbol_link(id, &file, &symbol.symbol) },
            name: symbol.symbol.clone(),
            change: symbol.change,
        });
        ChangedRow {
            symbols: symbols.collect(),
            // What is gone has no screen.
            file: match one.change {
                "deletion" => LinkedFile { path: one.path.path.clone(), href: String::new() },
                _ => linked(id, &one.path),
            },
            change: one.change,
            from: one.from_path.clone(),
        }
    };
    impact.changed.iter().take(ROWS).map(row).collect()
}

fn dependents(id: &str, impact: &ImpactView) -> Vec<DependentRow> {
    let cause = |cause: &crate::query::view::impact::UsedChange| CauseLink {
        symbol: cause.symbol.clone(),
        href: symbol_link(id, &FilePath::new(cause.file.as_bytes()), &cause.symbol),
        file: cause.file.clone(),
        kind: cause.dependency_type,
    };
    let rows = impact.dependents.iter().take(ROWS);
    rows.map(|one| DependentRow { file: linked(id, &one.path), because: one.because.iter().map(cause).collect() })
        .collect()
}

/// Files that reach the change through an interface; nothing that they use changed.
fn through(id: &str, impact: &ImpactView) -> Vec<DependentRow> {
    let row = |one: &crate::query::view::impact::ThroughView| DependentRow {
        file: linked(id, &one.path),
        because: vec![CauseLink {
            symbol: one.interface.symbol.clone(),
            href: symbol_link(id, &FilePath::new(one.interface.file.as_bytes()), &one.interface.symbol),
            file: one.interface.file.clone(),
            kind: "interface",
        }],
    };
    impact.through_interfaces.iter().take(ROWS).map(row).collect()
}

fn test(id: &str, one: &TestView) -> TestRow {
    TestRow {
        file: linked(id, &one.path),
        tests: one.tests.join(", "),
        distance: match one.distance {
            Some(0) => "in a changed file".to_owned(),
            Some(distance) => format!("{distance} file(s) away"),
            None => String::new(),
        },
    }
}

fn caveats(done: &CommitView) -> Vec<String> {
    let mut caveats: Vec<String> = done
        .not_looked_at
        .iter()
        .map(|one| format!("{} file(s) are not covered: {}", one.files.len(), one.because))
        .collect();
    let open = &done.impact.may_depend;
    if !open.is_empty() {
        caveats.push(format!(
            "{} place(s) load modules by computed names: those files may be dependents, too",
            open.len()
        ));
    }
    caveats
}
