//! Headings and the opening paragraph of a Markdown text (CommonMark's ATX and setext headings, fenced code left out).

use serde::{Deserialize, Serialize};

/// One heading of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// 1 is a title.
    pub level: u8,
    pub line: u32,
    pub text: String,
}

/// Headings in order.
pub fn headings(text: &str) -> Vec<Heading> {
    let mut found = Vec::new();
    let mut fence: Option<&str> = None;
    let mut above = "";
    for (line, raw) in (1_u32..).zip(text.lines()) {
        let trimmed = raw.trim();
        if let Some(open) = fence {
            fence = if trimmed.starts_with(open) { None } else { Some(open) };
            continue;
        }
        fence = ["```", "~~~"].into_iter().find(|marker| trimmed.starts_with(marker));
        if let Some((level, text)) = atx(raw) {
            found.push(Heading { level, line, text: text.to_owned() });
        } else if let Some(level) = setext(trimmed).filter(|_| is_paragraph(above)) {
            found.push(Heading { level, line: line - 1, text: above.to_owned() });
        }
        above = trimmed;
    }
    found
}

/// `## Text ##` with up to three spaces before it.
fn atx(line: &str) -> Option<(u8, &str)> {
    let body = line.trim_start_matches(' ');
    let hashes = body.bytes().take_while(|&b| b == b'#').count();
    let rest = &body[hashes..];
    let heading =
        line.len() - body.len() <= 3 && (1..=6).contains(&hashes) && (rest.is_empty() || rest.starts_with([' ', '\t']));
    heading.then(|| (u8::try_from(hashes).unwrap_or(6), rest.trim().trim_end_matches('#').trim_end()))
}

/// A line of `=` (a title) or `-`.
fn setext(line: &str) -> Option<u8> {
    let all = |c| line.len() >= 2 && line.chars().all(|x| x == c);
    if all('=') {
        Some(1)
    } else if all('-') {
        Some(2)
    } else {
        None
    }
}

fn is_paragraph(line: &str) -> bool {
    !line.is_empty() && !line.starts_with(['#', '-', '>', '|', '*', '`', '~', '=', '<'])
}

/// The first paragraph of plain words, or the title if there is none, with its line.
pub fn summary(text: &str, headings: &[Heading]) -> Option<(u32, String)> {
    let mut paragraph: Vec<&str> = Vec::new();
    let mut start = 0;
    let mut fenced = false;
    for (line, raw) in (1_u32..).zip(text.lines()) {
        let trimmed = raw.trim();
        fenced ^= trimmed.starts_with("```") || trimmed.starts_with("~~~");
        let words = !fenced && is_paragraph(trimmed) && !trimmed.starts_with(['[', '!', '+']);
        let underlined = headings.binary_search_by_key(&line, |h| h.line).is_ok();
        if words && !underlined {
            start = if paragraph.is_empty() { line } else { start };
            paragraph.push(trimmed);
        } else if !paragraph.is_empty() {
            break;
        }
    }
    let words = (!paragraph.is_empty()).then(|| (start, paragraph.join(" ")));
    words.or_else(|| headings.first().map(|h| (h.line, h.text.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_found_and_fences_skipped() {
        let text = "Title\n=====\n\n[![badge](x)](y)\n\nFirst words\nand more.\n\n## Use ##\n```sh\n# no\n```\n#no\n\nOther\n---\n";
        let found = headings(text);
        let brief: Vec<_> = found.iter().map(|h| (h.level, h.line, h.text.as_str())).collect();
        assert_eq!(brief, [(1, 1, "Title"), (2, 9, "Use"), (2, 15, "Other")]);
        let summary = summary(text, &found).unwrap();
        assert_eq!((summary.0, summary.1.as_str()), (6, "First words and more."));
    }
}
