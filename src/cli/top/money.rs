//! *Money*: by day, repository, model and question, against the limits. One text, which is scrolled.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::draw::TopPalette;
use super::gather::DAYS;
use super::state::TopAnswers;
use super::text::{bar, heights, pair, plain};
use crate::query::view::budget::{CommitStatus, GroupStatus, ModelPrice};
use crate::query::view::words::{dollars, grouped, last_part, short_commit};

/// Rows of a table; the dearest come first.
const ROWS: usize = 10;
/// Cells of the names on the left, and of the bar of the month.
const NAMES: usize = 9;
const BAR: usize = 30;

pub(super) fn draw(answers: &TopAnswers, row: usize, palette: TopPalette, frame: &mut Frame<'_>, area: Rect) {
    let lines = lines(answers, palette, area.width.into());
    // The last screen is a full one.
    let first = row.min(lines.len().saturating_sub(area.height.into()));
    let first = u16::try_from(first).unwrap_or(u16::MAX);
    frame.render_widget(Paragraph::new(lines).scroll((first, 0)), area);
}

pub(super) fn line_count(answers: &TopAnswers) -> usize {
    lines(answers, TopPalette { has_color: false }, usize::from(u16::MAX)).len()
}

fn lines(answers: &TopAnswers, palette: TopPalette, width: usize) -> Vec<Line<'static>> {
    let (budget, spent) = (&answers.budget.status, &answers.history);
    let pair = |name, value: String| pair(name, value, NAMES, palette.dim());
    let share = if budget.limit_usd > 0.0 { budget.spent_usd / budget.limit_usd } else { 0.0 };
    let of_share = if share < 0.8 { palette.good() } else { palette.bad() };
    let mut lines = Vec::new();
    lines.extend(budget.stopped.as_ref().map(|why| Line::styled(plain(why), palette.bad())));
    lines.extend([
        Line::from(vec![
            Span::styled(format!("{}  ", budget.month), palette.title()),
            Span::styled(bar(share, BAR.min(width.saturating_sub(9))), of_share),
        ]),
        pair("month", budget.month_line()),
        pair("today", budget.day_line()),
        pair("projected", format!("{}, if it goes on like this", dollars(budget.projected_usd))),
        pair("model", plain(&answers.budget.model.as_ref().map_or("no model is set up".to_owned(), ModelPrice::line))),
    ]);
    let waiting = budget.waiting_line();
    if !waiting.is_empty() {
        lines.push(Line::from(vec![Span::styled("waiting   ", palette.dim()), Span::styled(waiting, palette.waits())]));
    }
    lines.push(Line::default());
    let total = &spent.total;
    lines.push(Line::styled(
        format!("{} in {DAYS} days, {} question(s)", dollars(total.spent_usd), grouped(total.calls)),
        palette.title(),
    ));
    if total.calls == 0 {
        lines.push(Line::raw("no question was asked in this time"));
        return lines;
    }
    lines.extend(by_day(answers, palette));
    let groups = [("repositories", &spent.repos), ("models", &spent.models), ("questions", &spent.types)];
    for (title, named) in groups {
        lines.extend([Line::default(), Line::styled(title, palette.title())]);
        lines.extend(named.iter().take(ROWS).map(|one| row_of(name_of(&one.name), &one.group)));
    }
    lines.extend([Line::default(), Line::styled("commits", palette.title())]);
    lines.extend(spent.commits.iter().take(ROWS).map(of_commit));
    lines
}

fn by_day(answers: &TopAnswers, palette: TopPalette) -> Vec<Line<'static>> {
    let days = &answers.history.days;
    let values: Vec<f64> = days.iter().map(|day| day.group.spent_usd).collect();
    let highest = values.iter().copied().fold(0.0, f64::max);
    let (first, last) = (days.first().map_or("", |day| &day.name), days.last().map_or("", |day| &day.name));
    vec![
        Line::styled(heights(&values), palette.name()),
        Line::styled(format!("{first} to {last}"), palette.dim()),
        Line::styled(format!("the highest day {}", dollars(highest)), palette.dim()),
    ]
}

fn row_of(name: &str, group: &GroupStatus) -> Line<'static> {
    let tokens = grouped(group.input_tokens + group.output_tokens);
    Line::raw(format!(
        "{:>9}  {}   {} question(s), {tokens} tokens",
        dollars(group.spent_usd),
        plain(name),
        grouped(group.calls)
    ))
}

/// A repository by its last part, a model or a question as it is.
fn name_of(name: &str) -> &str {
    if name.starts_with('/') { last_part(name) } else { name }
}

fn of_commit(one: &CommitStatus) -> Line<'static> {
    let commit = one.commit.as_deref().map_or("no commit", short_commit);
    row_of(&format!("{commit} of {}", last_part(&one.repo)), &one.group)
}
