//! *Search*: as one types, with the text of the chosen hit.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table, TableState};

use super::draw::{TopPalette, with_details};
use super::state::{TopSearch, TopState};
use super::text::{code, plain, wrapped};
use crate::query::rank::SearchQuestion;
use crate::query::view::search::{SearchHit, SearchView};
use crate::query::view::words::last_part;

/// What stands in front of the query.
const PROMPT: &str = "search: ";
/// Lines above the first one that was asked for.
const ABOVE: u32 = 3;

pub(super) fn draw(state: &TopState, palette: TopPalette, frame: &mut Frame<'_>, area: Rect) {
    let search = &state.search;
    let notes = notes(search, palette);
    let height = u16::try_from(notes.len()).unwrap_or(u16::MAX).min(area.height / 3);
    let [field, first, rest] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(height), Constraint::Fill(1)]).areas(area);
    draw_field(search, palette, frame, field);
    frame.render_widget(Paragraph::new(notes), first);
    let Some(found) = &search.found else { return };
    if found.hits.is_empty() {
        let why = found.why_empty.as_deref().unwrap_or("nothing was found");
        return wrapped(frame, vec![Line::raw(plain(why))], rest);
    }
    let (list, preview) = with_details(rest, found.hits.len());
    draw_hits(found, state.row(), palette, frame, list);
    if let (Some(area), Some(hit)) = (preview, found.hits.get(state.row())) {
        draw_preview(hit, &SearchQuestion::new(&found.query), palette, frame, area);
    }
}

fn draw_field(search: &TopSearch, palette: TopPalette, frame: &mut Frame<'_>, area: Rect) {
    let room = usize::from(area.width).saturating_sub(PROMPT.len() + 1);
    // The end is what one types at.
    let mut query = plain(&search.query);
    while Span::raw(query.as_str()).width() > room {
        query.remove(0);
    }
    let at = area.x + u16::try_from(PROMPT.len() + Span::raw(query.as_str()).width()).unwrap_or(u16::MAX);
    let hint = if search.query.is_empty() { "what you are looking for, in your own words" } else { "" };
    let line = [Span::styled(PROMPT, palette.title()), Span::raw(query), Span::styled(hint, palette.dim())];
    frame.render_widget(Line::from_iter(line), area);
    if search.is_typing {
        frame.set_cursor_position(Position::new(at, area.y));
    }
}

/// What there is to say of an answer.
fn notes(search: &TopSearch, palette: TopPalette) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    lines.extend(search.failed.as_ref().map(|why| Line::styled(plain(why), palette.bad())));
    if let Some(found) = &search.found {
        let freshness = found.answer_freshness.as_ref().filter(|freshness| !freshness.is_current());
        let notes = freshness
            .map(ToString::to_string)
            .into_iter()
            .chain(found.note.as_ref().map(|note| format!("by words only: {note}")))
            .chain(found.errors.iter().map(|error| format!("left out: {error}")));
        lines.extend(notes.map(|note| Line::styled(plain(&note), palette.waits())));
    }
    if search.asked.is_some() && search.found.is_none() {
        lines.push(Line::styled("searching …", palette.dim()));
    }
    lines
}

fn draw_hits(found: &SearchView, row: usize, palette: TopPalette, frame: &mut Frame<'_>, area: Rect) {
    let rows = found.hits.iter().map(|hit| {
        let name = if hit.entity_name.is_empty() { last_part(&hit.path) } else { &hit.entity_name };
        let place = format!("{}/{}:{}", last_part(&hit.repo), hit.path, hit.start_line);
        Row::new([
            Cell::from(Span::styled(plain(&hit.entity_type), palette.dim())),
            Cell::from(Span::styled(plain(name), palette.name())),
            Cell::from(plain(&place)),
        ])
    });
    let widths = [Constraint::Length(8), Constraint::Fill(1), Constraint::Fill(1)];
    let table = Table::new(rows, widths).row_highlight_style(palette.chosen());
    frame.render_stateful_widget(table, area, &mut TableState::new().with_selected(Some(row)));
}

fn draw_preview(hit: &SearchHit, question: &SearchQuestion, palette: TopPalette, frame: &mut Frame<'_>, area: Rect) {
    let saved = if hit.source == "worktree" { "  not committed" } else { "" };
    let place = format!("{}:{}-{}{saved}", plain(&hit.path), hit.start_line, hit.end_line);
    let mut lines = vec![Line::styled(place, palette.title())];
    lines.extend(hit.stale.as_ref().map(|why| Line::styled(plain(why), palette.waits())));
    if !hit.also_in.is_empty() {
        lines.push(Line::styled(format!("also in {}", plain(&hit.also_in.join(", "))), palette.dim()));
    }
    let room = usize::from(area.height).saturating_sub(lines.len());
    let shown = preview(hit, room);
    let width = shown.last().map_or(1, |(line, _)| line.to_string().len());
    lines.extend(shown.into_iter().map(|(line, text)| {
        let mut spans = vec![Span::styled(format!("{line:>width$}  "), palette.dim())];
        let mut at = 0;
        for range in question.matches(&text) {
            spans.push(Span::raw(text[at..range.start].to_owned()));
            spans.push(Span::styled(text[range.clone()].to_owned(), palette.matched()));
            at = range.end;
        }
        spans.push(Span::raw(text[at..].to_owned()));
        Line::from(spans)
    }));
    frame.render_widget(Paragraph::new(lines), area);
}

/// The lines of a hit, from its first one on, or from where what was asked for is among them. Without its text: its snippet.
fn preview(hit: &SearchHit, room: usize) -> Vec<(u32, String)> {
    let Some(body) = &hit.body else {
        return hit.snippet.iter().map(|line| (line.line, code(&line.text))).collect();
    };
    let wanted = hit.snippet.first().map_or(hit.start_line, |line| line.line);
    let is_near = (wanted.saturating_sub(hit.start_line) as usize) < room;
    let first = if is_near { hit.start_line } else { wanted.saturating_sub(ABOVE).max(hit.start_line) };
    let text = crate::analyzer::llm::secrets::redact(body).text;
    (hit.start_line..)
        .zip(text.lines())
        .skip_while(|(line, _)| *line < first)
        .take(room)
        .map(|(line, text)| (line, code(text)))
        .collect()
}
