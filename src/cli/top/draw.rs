//! A state as it is seen: the names of the screens, the daemon, the screen, the keys.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::state::{TopScreen, TopState};
use super::text::{plain, wrapped};
use super::{found, money, queue, repos};
use crate::query::view::words::FreshDot;

/// From this width on there is room for a second column.
pub(super) const WIDE: u16 = 110;
/// From this height on there is room for a second part.
pub(super) const HIGH: u16 = 14;

/// Colours, or none (`NO_COLOR`): then shape and weight say the same.
#[derive(Clone, Copy)]
pub(super) struct TopPalette {
    pub has_color: bool,
}

impl TopPalette {
    fn color(self, color: Color) -> Style {
        if self.has_color { Style::new().fg(color) } else { Style::new() }
    }

    pub fn good(self) -> Style {
        self.color(Color::Green)
    }

    pub fn waits(self) -> Style {
        self.color(Color::Yellow)
    }

    pub fn bad(self) -> Style {
        self.color(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub fn name(self) -> Style {
        self.color(Color::Cyan)
    }

    pub fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What of a text was asked for.
    pub fn matched(self) -> Style {
        self.color(Color::Yellow).add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    /// The chosen row.
    pub fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub fn dot(self, dot: FreshDot) -> Span<'static> {
        match dot {
            FreshDot::Fresh => Span::styled("●", self.good()),
            FreshDot::Busy => Span::styled("◐", self.waits()),
            FreshDot::Stale => Span::styled("✗", self.bad()),
            FreshDot::Off => Span::styled("○", self.dim()),
        }
    }
}

pub(super) fn draw(state: &TopState, palette: TopPalette, frame: &mut Frame<'_>) {
    let [names, daemon, rule, screen, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(screen_names(state, palette, names.width), names);
    frame.render_widget(daemon_line(state, palette), daemon);
    frame.render_widget(Line::styled("─".repeat(rule.width.into()), palette.dim()), rule);
    frame.render_widget(key_line(state, palette, keys.width), keys);
    let Some(answers) = state.answers.as_ref() else {
        let why = state.unread.as_deref().map_or_else(|| "reading the stores …".to_owned(), plain);
        return wrapped(frame, vec![Line::raw(why)], screen);
    };
    match state.screen {
        TopScreen::Repositories => repos::draw(answers, state.row(), palette, frame, screen),
        TopScreen::Queue => queue::draw(answers, state.row(), palette, frame, screen),
        TopScreen::Money => money::draw(answers, state.row(), palette, frame, screen),
        TopScreen::Search => found::draw(state, palette, frame, screen),
    }
}

fn screen_names(state: &TopState, palette: TopPalette, width: u16) -> Line<'static> {
    let names = TopScreen::ALL.iter().enumerate().flat_map(|(at, screen)| {
        let title = match screen {
            TopScreen::Repositories if width < 60 => "Repos",
            _ => screen.title(),
        };
        let style = if *screen == state.screen { palette.chosen() } else { Style::new() };
        [Span::styled(format!(" {} {title} ", at + 1), style), Span::raw(" ")]
    });
    names.collect::<Vec<_>>().into()
}

/// Whether a daemon runs. Without one what is stored is shown all the same.
fn daemon_line(state: &TopState, palette: TopPalette) -> Line<'static> {
    if let (Some(why), Some(_)) = (&state.unread, &state.answers) {
        return Line::styled(format!("what follows is of before: {}", plain(why)), palette.bad());
    }
    let Some(answers) = &state.answers else { return Line::default() };
    let (daemon, queue) = (&answers.status.daemon, &answers.status.queue);
    if daemon.running {
        let line = format!("daemon {}   queue {}", daemon.line(), queue.line());
        return Line::from(vec![palette.dot(FreshDot::Fresh), Span::raw(format!(" {line}"))]);
    }
    let line = "no daemon runs, this is what is stored; `ra-agent daemon start`";
    Line::from(vec![palette.dot(FreshDot::Stale), Span::styled(format!(" {line}"), palette.bad())])
}

/// The keys, those that matter most first; as many as there is room for.
fn key_line(state: &TopState, palette: TopPalette, width: u16) -> Line<'static> {
    let keys: &[(&str, &str)] = match (state.screen, state.search.is_typing) {
        (TopScreen::Search, true) => &[
            ("Esc", "leave the field"),
            ("↑ ↓", "choose"),
            ("Tab", "next screen"),
            ("Ctrl-U", "clear"),
            ("Ctrl-C", "quit"),
        ],
        (TopScreen::Search, false) => {
            &[("q", "quit"), ("/", "type"), ("↑ ↓", "choose"), ("Tab", "next screen"), ("1-4", "screen")]
        }
        (TopScreen::Money, _) => {
            &[("q", "quit"), ("/", "search"), ("↑ ↓", "scroll"), ("Tab", "next screen"), ("1-4", "screen")]
        }
        _ => &[
            ("q", "quit"),
            ("/", "search"),
            ("↑ ↓", "choose"),
            ("Tab", "next screen"),
            ("1-4", "screen"),
            ("PgUp PgDn Home End", "further"),
        ],
    };
    let mut line = Line::default();
    for (key, what) in keys {
        let next =
            [Span::styled((*key).to_owned(), palette.title()), Span::styled(format!(" {what}  "), palette.dim())];
        let needed: usize = line.width() + next.iter().map(Span::width).sum::<usize>();
        // The gap behind the last one may be cut.
        if needed > usize::from(width) + 2 {
            break;
        }
        line.spans.extend(next);
    }
    line
}

/// Splits a screen into its list and what says more of the chosen row: next to each other where it is wide, else below each other
/// where it is high enough. `rows`: those of the list.
pub(super) fn with_details(area: Rect, rows: usize) -> (Rect, Option<Rect>) {
    if area.width >= WIDE {
        let [list, _, details] =
            Layout::horizontal([Constraint::Percentage(50), Constraint::Length(2), Constraint::Fill(1)]).areas(area);
        return (list, Some(details));
    }
    if area.height < HIGH {
        return (area, None);
    }
    let rows = u16::try_from(rows + 1).unwrap_or(u16::MAX).clamp(3, area.height / 2);
    let [list, _, details] =
        Layout::vertical([Constraint::Length(rows), Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    (list, Some(details))
}
