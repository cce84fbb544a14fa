//! *Repositories*: what is fresh, what waits, what it cost.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row, Table, TableState};

use super::draw::{TopPalette, with_details};
use super::gather::DAYS;
use super::state::TopAnswers;
use super::text::{pair, plain, wrapped};
use crate::cli::output::human_bytes;
use crate::query::view::repos::NONE_REGISTERED;
use crate::query::view::status::{LanguageStatus, RepoStatus};
use crate::query::view::words::{dollars, grouped, last_part, short_commit};

pub(super) fn draw(answers: &TopAnswers, row: usize, palette: TopPalette, frame: &mut Frame<'_>, area: Rect) {
    let repos = &answers.status.repos;
    if repos.is_empty() {
        return wrapped(frame, vec![Line::raw(NONE_REGISTERED)], area);
    }
    let (list, details) = with_details(area, repos.len());
    let is_running = answers.status.daemon.running;
    let has_numbers = list.width >= 60;
    let rows = repos.iter().map(|repo| {
        let (dot, state) = repo.freshness(is_running);
        let mut cells = vec![Cell::from(palette.dot(dot)), Cell::from(plain(last_part(&repo.repo)))];
        if has_numbers {
            cells.push(Cell::from(
                Line::from(format!("{} of {}", grouped(repo.fresh), grouped(repo.files))).right_aligned(),
            ));
            cells.push(Cell::from(Line::from(grouped(repo.pending)).right_aligned()));
            cells.push(Cell::from(Line::from(dollars(cost(answers, repo))).right_aligned()));
        }
        cells.push(Cell::from(plain(&state)));
        Row::new(cells)
    });
    let (names, widths) = if has_numbers {
        let numbers = [Constraint::Length(15), Constraint::Length(7), Constraint::Length(9)];
        let widths = [&[Constraint::Length(1), Constraint::Fill(2)][..], &numbers, &[Constraint::Fill(3)]].concat();
        (vec!["", "repository", "fresh", "waits", "30 days", "state"], widths)
    } else {
        (vec!["", "repository", "state"], vec![Constraint::Length(1), Constraint::Fill(2), Constraint::Fill(3)])
    };
    let header = names.iter().enumerate().map(|(at, name)| {
        let line = Line::styled(*name, palette.dim());
        Cell::from(if has_numbers && (2..5).contains(&at) { line.right_aligned() } else { line })
    });
    let table = Table::new(rows, widths).header(Row::new(header)).row_highlight_style(palette.chosen());
    frame.render_stateful_widget(table, list, &mut TableState::new().with_selected(Some(row)));
    if let (Some(area), Some(repo)) = (details, repos.get(row)) {
        let mut lines = of_repo(answers, repo, palette);
        lines.push(Line::default());
        lines.extend(of_agent(answers, palette));
        wrapped(frame, lines, area);
    }
}

fn cost(answers: &TopAnswers, repo: &RepoStatus) -> f64 {
    answers.history.repos.iter().find(|one| one.name == repo.repo).map_or(0.0, |one| one.group.spent_usd)
}

/// Cells of the names on the left.
const NAMES: usize = 10;

fn of_repo(answers: &TopAnswers, repo: &RepoStatus, palette: TopPalette) -> Vec<Line<'static>> {
    let (dot, state) = repo.freshness(answers.status.daemon.running);
    let pair = |name, value: String| pair(name, value, NAMES, palette.dim());
    let commit = |id: &Option<String>| id.as_deref().map_or("none yet", short_commit).to_owned();
    let mut lines = vec![
        Line::from(vec![palette.dot(dot), Span::styled(format!(" {}", plain(&repo.repo)), palette.title())]),
        pair("state", plain(&state)),
        pair("HEAD", format!("{}, indexed {}", commit(&repo.head), commit(&repo.indexed_commit))),
        pair(
            "files",
            format!(
                "{} fresh, {} stale, {} pending, {} skipped",
                grouped(repo.fresh),
                grouped(repo.stale),
                grouped(repo.pending),
                grouped(repo.skipped)
            ),
        ),
        pair("cost", format!("{} in {DAYS} days", dollars(cost(answers, repo)))),
        pair("on disk", human_bytes(repo.bytes)),
    ];
    if !repo.languages.is_empty() {
        let one = |one: &LanguageStatus| format!("{} {} ({})", grouped(one.files), one.language, one.rung);
        lines.push(pair("languages", repo.languages.iter().map(one).collect::<Vec<_>>().join(", ")));
    }
    if repo.saved > 0 {
        lines.push(pair("saved", format!("{} file(s), not committed", grouped(repo.saved))));
    }
    if repo.asked > 0 {
        lines.push(pair("a model", format!("{} of {} files answered", grouped(repo.answered), grouped(repo.asked))));
    }
    if let Some(why) = &repo.not_followed {
        lines.push(pair("not followed", plain(why)));
    }
    lines
}

fn of_agent(answers: &TopAnswers, palette: TopPalette) -> Vec<Line<'static>> {
    let status = &answers.status;
    let pair = |name, value: String| pair(name, value, NAMES, palette.dim());
    let mut lines = vec![
        Line::styled("the agent", palette.title()),
        pair("daemon", status.daemon.line()),
        pair("queue", status.queue.line()),
        pair("search", plain(&status.embedding.line())),
        pair("cache", format!("{} of {}", human_bytes(status.cache.bytes), human_bytes(status.cache.max_bytes))),
    ];
    if status.cutoff.considered > 0 {
        lines.push(pair("cutoff", status.cutoff.line()));
    }
    lines.extend(status.parked.iter().map(|one| Line::styled(plain(&one.line()), palette.waits())));
    lines
}
