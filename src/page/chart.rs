//! Charts as SVG: a template writes the shapes that are worked out here.

/// A bar of a chart, in its units.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ChartBar {
    pub x: String,
    pub y: String,
    pub width: String,
    pub height: String,
    /// What it stands for.
    pub title: String,
}

/// Bars next to each other, the highest as high as the chart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BarChart {
    pub width: u32,
    pub height: u32,
    pub bars: Vec<ChartBar>,
    /// What the chart says, in words.
    pub summary: String,
    pub first: String,
    pub last: String,
    pub highest: String,
}

const HEIGHT: u32 = 120;
const STEP: u32 = 20;
/// Share of a step that its bar takes.
const BAR: f64 = 0.7;

impl BarChart {
    /// One bar a value; `shown`: a value for people.
    pub fn new(values: &[(String, f64)], summary: String, shown: impl Fn(f64) -> String) -> Self {
        let most = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        let bars = values.iter().enumerate().map(|(at, (name, value))| {
            let share = if most > 0.0 { value / most } else { 0.0 };
            // What is not nothing is seen.
            let height = if *value > 0.0 { (share * f64::from(HEIGHT)).max(2.0) } else { 0.0 };
            ChartBar {
                x: number(f64::from(STEP) * (at as f64 + (1.0 - BAR) / 2.0)),
                y: number(f64::from(HEIGHT) - height),
                width: number(f64::from(STEP) * BAR),
                height: number(height),
                title: format!("{name}: {}", shown(*value)),
            }
        });
        let name = |one: Option<&(String, f64)>| one.map(|(name, _)| name.clone()).unwrap_or_default();
        Self {
            width: STEP * u32::try_from(values.len().max(1)).unwrap_or(u32::MAX / STEP),
            height: HEIGHT,
            bars: bars.collect(),
            summary,
            first: name(values.first()),
            last: name(values.last()),
            highest: shown(most),
        }
    }
}

/// Parts of a whole, next to each other in one bar of 100 units.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ShareBar {
    pub parts: Vec<SharePart>,
    pub summary: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct SharePart {
    pub x: String,
    pub width: String,
    pub class: &'static str,
    pub title: String,
}

impl ShareBar {
    /// Each part has its class of style, its size and its name.
    pub fn new(parts: &[(&'static str, f64, String)], whole: f64, summary: String) -> Self {
        let whole = parts.iter().map(|(_, size, _)| *size).sum::<f64>().max(whole);
        let mut at = 0.0;
        let mut shown = Vec::new();
        for (class, size, title) in parts.iter().filter(|(_, size, _)| *size > 0.0 && whole > 0.0) {
            let width = size / whole * 100.0;
            shown.push(SharePart { x: number(at), width: number(width), class, title: title.clone() });
            at += width;
        }
        Self { parts: shown, summary }
    }
}

fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_share_the_height_and_nothing_is_no_bar() {
        let values = [("a".to_owned(), 0.0), ("b".to_owned(), 1.0), ("c".to_owned(), 4.0), ("d".to_owned(), 0.001)];
        let chart = BarChart::new(&values, String::new(), |value| format!("{value}"));
        let heights: Vec<&str> = chart.bars.iter().map(|bar| bar.height.as_str()).collect();
        assert_eq!(heights, ["0", "30", "120", "2"]);
        assert_eq!((chart.width, chart.bars[2].y.as_str(), chart.bars[2].title.as_str()), (80, "0", "c: 4"));
        let none = BarChart::new(&[("a".to_owned(), 0.0)], String::new(), |value| format!("{value}"));
        assert_eq!(none.bars[0].height, "0");
    }

    #[test]
    fn shares_fill_the_whole_and_no_more() {
        let parts = |parts: &[f64], whole| {
            let parts: Vec<(&'static str, f64, String)> =
                parts.iter().map(|size| ("a", *size, String::new())).collect();
            let bar = ShareBar::new(&parts, whole, String::new());
            bar.parts.into_iter().map(|part| (part.x, part.width)).collect::<Vec<_>>()
        };
        let text = |x: &str, width: &str| (x.to_owned(), width.to_owned());
        assert_eq!(parts(&[1.0, 3.0], 0.0), [text("0", "25"), text("25", "75")]);
        assert_eq!(parts(&[1.0], 4.0), [text("0", "25")]);
        assert_eq!(parts(&[8.0], 4.0), [text("0", "100")]);
        assert!(parts(&[0.0], 0.0).is_empty());
    }
}
