//! *Queue*: what runs, what waits and why, what failed.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row, Table, TableState};

use super::draw::{TopPalette, with_details};
use super::state::{TopAnswers, TopJob};
use super::text::{pair, plain, wrapped};
use crate::query::view::words::{grouped, minute};

pub(super) fn draw(answers: &TopAnswers, row: usize, palette: TopPalette, frame: &mut Frame<'_>, area: Rect) {
    let above = above(answers, palette);
    let height = u16::try_from(above.len()).unwrap_or(u16::MAX).min(area.height / 2);
    let [first, rest] = Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(area);
    frame.render_widget(ratatui::widgets::Paragraph::new(above), first);
    if answers.jobs.is_empty() {
        return wrapped(frame, vec![Line::raw(answers.why_no_jobs.clone())], rest);
    }
    let (list, details) = with_details(rest, answers.jobs.len());
    let has_repo = list.width >= 70;
    let rows = answers.jobs.iter().map(|one| {
        let state = Span::styled(one.job.state, style_of(one, palette));
        let mut cells = vec![Cell::from(state), Cell::from(plain(&one.job.path)), Cell::from(plain(&reason(one)))];
        if has_repo {
            cells.insert(1, Cell::from(plain(&one.repo)));
        }
        Row::new(cells)
    });
    let (names, widths) = if has_repo {
        let widths = vec![Constraint::Length(11), Constraint::Length(14), Constraint::Fill(1), Constraint::Fill(1)];
        (vec!["state", "repository", "file", "reason"], widths)
    } else {
        (vec!["state", "file", "reason"], vec![Constraint::Length(8), Constraint::Fill(1), Constraint::Fill(1)])
    };
    let header = Row::new(names.into_iter().map(|name| Cell::from(Line::styled(name, palette.dim()))));
    let table = Table::new(rows, widths).header(header).row_highlight_style(palette.chosen());
    frame.render_stateful_widget(table, list, &mut TableState::new().with_selected(Some(row)));
    if let (Some(area), Some(one)) = (details, answers.jobs.get(row)) {
        wrapped(frame, of_job(one, palette), area);
    }
}

/// The counts, and why jobs are parked.
fn above(answers: &TopAnswers, palette: TopPalette) -> Vec<Line<'static>> {
    let queue = &answers.status.queue;
    let failed = queue.discarded + queue.quarantined;
    let mut counts = vec![Span::raw(queue.line())];
    if failed > 0 {
        counts.push(Span::styled(format!(", {} failed for good", grouped(failed)), palette.bad()));
    }
    let mut lines = vec![Line::from(counts)];
    if queue.paused {
        lines.push(Line::styled("paused; `ra-agent queue resume` starts jobs again", palette.waits()));
    }
    for one in &answers.status.parked {
        let until = one.until.as_deref().map(|until| format!(", until {}", minute(until))).unwrap_or_default();
        lines.push(Line::styled(format!("{}{until}", plain(&one.line())), palette.waits()));
    }
    lines.push(Line::default());
    lines
}

fn style_of(one: &TopJob, palette: TopPalette) -> Style {
    match one.job.state {
        "running" => palette.good(),
        "parked" => palette.waits(),
        "discarded" | "quarantined" => palette.bad(),
        _ => Style::new(),
    }
}

/// The change that made it, with the symbol that is the cause.
fn reason(one: &TopJob) -> String {
    match (&one.job.reason_symbol, &one.job.reason_file) {
        (Some(symbol), Some(file)) => format!("{}: {symbol} of {file}", one.job.reason),
        _ => one.job.reason.to_owned(),
    }
}

fn of_job(one: &TopJob, palette: TopPalette) -> Vec<Line<'static>> {
    let TopJob { repo, job } = one;
    let pair = |name, value: String| pair(name, value, 10, palette.dim());
    let mut lines = vec![
        Line::styled(plain(&job.path), palette.title()),
        pair("repository", plain(repo)),
        pair("job", format!("{}, {}, {} priority", job.id, job.kind, job.priority)),
        pair("reason", plain(&reason(one))),
        pair("since", minute(&job.created_at)),
    ];
    if job.attempts > 1 {
        lines.push(pair("attempts", job.attempts.to_string()));
    }
    if let Some(detail) = &job.detail {
        lines.push(pair("detail", super::text::code(detail)));
    }
    lines
}
