//! *Money*: by day, repository, model and question, against the limits.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::chart::{BarChart, ShareBar};
use super::frame::{self, FilterLink, PageFrame, Screen, ScreenName};
use super::text::{commit_link, dollars, grouped, last_part, short};
use super::{Fault, Page, PageQuestion, shown};
use crate::clock;
use crate::query::budget::{budget_and_price, history};
use crate::query::view::budget::{BudgetStatus, CommitStatus, GroupStatus, ModelPrice, NamedSpending};
use crate::repo::registry::Registered;

const SPANS: [(u32, &str); 3] = [(30, "30 days"), (90, "90 days"), (365, "a year")];
/// Rows of a table; the dearest come first.
const ROWS: usize = 50;

struct MoneyPage {
    frame: PageFrame,
    month: String,
    month_bar: ShareBar,
    month_text: String,
    day_text: String,
    projected: String,
    stopped: Option<String>,
    waiting: String,
    price: String,
    spans: Vec<FilterLink>,
    chart: BarChart,
    total: String,
    has_spent: bool,
    tables: Vec<SpentTable>,
    commits: Vec<SpentRow>,
}

impl Screen for MoneyPage {
    fn frame(&self) -> &PageFrame {
        &self.frame
    }

    fn content(&self) -> Markup {
        html! {
            h1 { "Money" }
            div id="money" data-live {
                @if let Some(why) = &self.stopped { p.panel.note.error-note { bdi { (why) } } }
                (self.of_month())
                (frame::filters(&self.spans, "Span"))
                section.panel aria-labelledby="days-title" {
                    h2 id="days-title" { "By day" }
                    p.lead { (self.total) }
                    @if self.has_spent { (bars(&self.chart)) } @else { p.empty { "no question was asked in this time" } }
                }
                @if self.has_spent {
                    div.tables {
                        @for table in &self.tables { (rows(table.title, "Name", &table.rows)) }
                        (rows("Commits", "Commit", &self.commits))
                    }
                }
            }
        }
    }
}

impl MoneyPage {
    fn of_month(&self) -> Markup {
        html! {
            section.panel aria-labelledby="month-title" {
                h2 id="month-title" { (self.month) }
                p.lead { (self.month_text) }
                (frame::share(&self.month_bar))
                dl.pairs {
                    dt { "Today" }
                    dd { (self.day_text) }
                    dt { "By the end of the month" }
                    dd { (self.projected) ", if it goes on like this" }
                    dt { "Model" }
                    dd { bdi { (self.price) } }
                    @if !self.waiting.is_empty() {
                        dt { "Waiting" }
                        dd { a href="/queue?state=parked" { (self.waiting) } }
                    }
                }
            }
        }
    }
}

fn bars(chart: &BarChart) -> Markup {
    html! {
        svg.chart viewBox={ "0 0 " (chart.width) " " (chart.height) } preserveAspectRatio="none" role="img"
            aria-label=(chart.summary) {
            @for bar in &chart.bars {
                rect.part-1 x=(bar.x) y=(bar.y) width=(bar.width) height=(bar.height) { title { (bar.title) } }
            }
        }
        p.axis { span { (chart.first) } span { "highest " (chart.highest) } span { (chart.last) } }
    }
}

fn rows(title: &str, what: &str, rows: &[SpentRow]) -> Markup {
    html! {
        section.panel {
            h2 { (title) }
            div.scroll tabindex="0" role="region" aria-label=(title) {
                table {
                    thead {
                        tr {
                            th scope="col" { (what) }
                            @for name in ["Questions", "Tokens", "Cost"] { th.num scope="col" { (name) } }
                        }
                    }
                    tbody {
                        @for row in rows {
                            tr {
                                td {
                                    @if row.href.is_empty() { bdi { (row.name) } }
                                    @else { a href=(row.href) { bdi { (row.name) } } }
                                }
                                td.num { (row.calls) }
                                td.num { (row.tokens) }
                                td.num { (row.cost) }
                            }
                        }
                    }
                }
            }
        }
    }
}

struct SpentTable {
    title: &'static str,
    rows: Vec<SpentRow>,
}

struct SpentRow {
    name: String,
    href: String,
    calls: String,
    tokens: String,
    cost: String,
}

#[derive(Deserialize)]
pub(super) struct MoneyAsked {
    #[serde(default = "usual_span")]
    days: u32,
}

fn usual_span() -> u32 {
    SPANS[0].0
}

pub(super) async fn screen(State(page): State<Arc<Page>>, Query(MoneyAsked { days }): Query<MoneyAsked>) -> Response {
    shown(page, move |asked| money(asked, days)).await
}

fn money(asked: &PageQuestion<'_>, days: u32) -> Result<MoneyPage, Fault> {
    if !SPANS.iter().any(|(span, _)| *span == days) {
        return Err(Fault::Wrong(format!("{days} days are no span of this page; there are 30, 90 and 365")));
    }
    let now = clock::now();
    let budget = budget_and_price(&asked.reader, now)?;
    let spent = history(&asked.reader, days, now)?;
    let repos = asked.reader.repos()?;
    let values: Vec<(String, f64)> = spent.days.iter().map(|day| (day.name.clone(), day.group.spent_usd)).collect();
    let total =
        format!("{} in {days} days, {} question(s)", dollars(spent.total.spent_usd), grouped(spent.total.calls));
    let status = &budget.status;
    let named = |title, list: &[NamedSpending]| SpentTable {
        title,
        rows: list.iter().take(ROWS).map(|one| row(&one.name, String::new(), &one.group)).collect(),
    };
    Ok(MoneyPage {
        frame: PageFrame::new("Money", ScreenName::Money),
        month: status.month.clone(),
        month_bar: month_bar(status),
        month_text: status.month_line(),
        day_text: status.day_line(),
        projected: dollars(status.projected_usd),
        stopped: status.stopped.clone(),
        waiting: status.waiting_line(),
        price: budget.model.as_ref().map_or_else(|| "no model is set up".to_owned(), ModelPrice::line),
        spans: SPANS
            .iter()
            .map(|(span, name)| FilterLink {
                name: (*name).to_owned(),
                href: format!("/money?days={span}"),
                is_chosen: *span == days,
            })
            .collect(),
        chart: BarChart::new(&values, format!("Cost by day: {total}"), dollars),
        total,
        has_spent: spent.total.calls > 0,
        tables: vec![
            named("Repositories", &spent.repos),
            named("Models", &spent.models),
            named("Questions", &spent.types),
        ],
        commits: spent.commits.iter().take(ROWS).map(|one| commit_row(one, &repos)).collect(),
    })
}

fn month_bar(status: &BudgetStatus) -> ShareBar {
    let parts = [
        ("part-1", status.spent_usd, format!("{} spent", dollars(status.spent_usd))),
        ("part-2", status.reserved_usd, format!("{} reserved", dollars(status.reserved_usd))),
    ];
    let summary = format!("{} of {} of the month", dollars(status.spent_usd), dollars(status.limit_usd));
    ShareBar::new(&parts, status.limit_usd, summary)
}

fn row(name: &str, href: String, group: &GroupStatus) -> SpentRow {
    SpentRow {
        name: name.to_owned(),
        href,
        calls: grouped(group.calls),
        tokens: grouped(group.input_tokens + group.output_tokens),
        cost: dollars(group.spent_usd),
    }
}

fn commit_row(one: &CommitStatus, repos: &[Registered]) -> SpentRow {
    let repo = repos.iter().find(|repo| repo.location.path.to_string_lossy() == one.repo);
    let href = repo.zip(one.commit.as_ref()).map(|(repo, commit)| commit_link(&repo.id.0, commit));
    let commit = one.commit.as_deref().map_or("no commit", short);
    row(&format!("{commit} of {}", last_part(&one.repo)), href.unwrap_or_default(), &one.group)
}
