//! Markdown as segments: one for each heading with what stands below it.

use crate::language::segment::{Segment, nested, one_line};
use crate::language::window::Cut;

/// Sections of a Markdown text, in order; what stands before the first heading is one without a name.
pub(super) fn segments(text: &str) -> Vec<Segment> {
    let lines = lines(text);
    let mut sections: Vec<Segment> = Vec::new();
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut current = Segment { entity_type: "section", ..Segment::default() };
    for (index, line) in lines.iter().enumerate() {
        if let Some((level, title)) = heading(&lines, index) {
            path.retain(|(above, _)| *above < level);
            let context = path.iter().fold(String::new(), |outer, (_, title)| nested(&outer, title));
            let next = Segment { entity_type: "section", entity_name: title.clone(), context, ..Segment::default() };
            push(&mut sections, std::mem::replace(&mut current, next), line.start);
            path.push((level, title));
        }
        current.cuts.push(Cut { at: line.start, cost: cut_cost(&lines, index) });
    }
    push(&mut sections, current, text.len());
    sections
}

fn push(sections: &mut Vec<Segment>, mut section: Segment, end: usize) {
    let start = sections.last().map_or(0, |last| last.range.end);
    section.range = start..end;
    section.signature = section.entity_name.clone();
    if end > start {
        sections.push(section);
    }
}

struct Line<'t> {
    start: usize,
    content: &'t str,
    in_fence: bool,
}

/// The lines of a text, each with whether it lies inside a fenced block.
fn lines(text: &str) -> Vec<Line<'_>> {
    let mut fence: Option<&str> = None;
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        let mark = ["```", "~~~"].into_iter().find(|mark| content.starts_with(mark));
        let was_open = fence.is_some();
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark && content.trim_matches(['`', '~']).is_empty() => fence = None,
            _ => {}
        }
        lines.push(Line { start, content, in_fence: was_open });
        start += line.len();
    }
    lines
}

/// Level (1 to 6) and title if a heading begins in this line: `## Title`, or a title underlined by `===` or `---`.
fn heading(lines: &[Line<'_>], index: usize) -> Option<(usize, String)> {
    let line = lines.get(index).filter(|line| !line.in_fence && !line.content.is_empty())?;
    let hashes = line.content.bytes().take_while(|&byte| byte == b'#').count();
    if hashes > 0 {
        let title = &line.content[hashes..];
        let is_heading = hashes <= 6 && (title.is_empty() || title.starts_with([' ', '\t']));
        return is_heading.then(|| (hashes, one_line(title.trim().trim_end_matches('#'), 80)));
    }
    let follows_text = index > 0 && !lines[index - 1].content.is_empty();
    let below = lines.get(index + 1).filter(|below| !below.in_fence)?.content;
    let level = match below.as_bytes() {
        [b'=', b'=', rest @ ..] if rest.iter().all(|&byte| byte == b'=') => 1,
        [b'-', b'-', rest @ ..] if rest.iter().all(|&byte| byte == b'-') => 2,
        _ => return None,
    };
    let is_title = !follows_text && !line.content.starts_with(['-', '=', '|', '>', '`', '~']);
    is_title.then(|| (level, one_line(line.content, 80)))
}

/// Cheapest between paragraphs, then between lines (a list's items); code blocks are cut last.
fn cut_cost(lines: &[Line<'_>], index: usize) -> u32 {
    let line = &lines[index];
    let after_blank = index == 0 || lines[index - 1].content.is_empty();
    match (line.in_fence, after_blank && !line.content.is_empty()) {
        (false, true) => 0,
        (false, false) => 1,
        (true, true) => 3,
        (true, false) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_know_the_headings_above_them() {
        let text =
            "intro\n\n# Guide\ntext\n\n## Limits\nmore\n```sh\n# no heading\n```\n### Deep\nx\n\nOther\n=====\ny\n";
        let found: Vec<_> = segments(text).into_iter().map(|s| (s.context, s.entity_name)).collect();
        let expected = [("", ""), ("", "Guide"), ("Guide", "Limits"), ("Guide > Limits", "Deep"), ("", "Other")];
        assert_eq!(found, expected.map(|(context, name)| (context.to_owned(), name.to_owned())));
    }

    #[test]
    fn a_hash_without_space_and_a_table_are_no_headings() {
        assert_eq!(segments("#tag\n\n| a |\n|---|\n| b |\n---\n").len(), 1);
    }
}
