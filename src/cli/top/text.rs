//! Text on a screen of cells: nothing in it acts on the terminal, and what may be a secret is not shown.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use crate::analyzer::llm::secrets;
use crate::query::view::plain::visible;

/// Cells of a tab.
const TAB: &str = "    ";

/// A text in one line.
pub(super) fn plain(text: &str) -> String {
    visible(text)
}

/// A line of a file: tabs have their width.
pub(super) fn code(text: &str) -> String {
    visible(&secrets::redact(text).text.replace('\t', TAB))
}

/// A name and its value; `width`: that of all names.
pub(super) fn pair(name: &str, value: impl Into<String>, width: usize, of_name: Style) -> Line<'static> {
    Line::from(vec![Span::styled(format!("{name:<width$} "), of_name), Span::raw(value.into())])
}

/// Lines that are wrapped where they are too long.
pub(super) fn wrapped(frame: &mut Frame<'_>, lines: Vec<Line<'_>>, area: Rect) {
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), area);
}

/// `share` of `width` cells.
pub(super) fn bar(share: f64, width: usize) -> String {
    let full = (share.clamp(0.0, 1.0) * width as f64).round() as usize;
    "█".repeat(full) + &"░".repeat(width - full)
}

/// One cell a value, the highest as high as a cell; what is not nothing is seen.
pub(super) fn heights(values: &[f64]) -> String {
    const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().fold(0.0, f64::max);
    let step = |value: &f64| match *value {
        none if none <= 0.0 || most <= 0.0 => ' ',
        value => STEPS[((value / most * 8.0).ceil() as usize).clamp(1, 8) - 1],
    };
    values.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_and_heights_fill_their_cells() {
        assert_eq!((bar(0.5, 4), bar(7.0, 2), bar(-1.0, 1)), ("██░░".to_owned(), "██".to_owned(), "░".to_owned()));
        assert_eq!(heights(&[0.0, 1.0, 4.0, 8.0]), " ▁▄█");
        assert_eq!(heights(&[0.0, 0.0]), "  ");
    }
}
