//! Scripts inside pages: the `<script>` parts of `.vue` and `.svelte` files.

use tree_sitter::{Point, Range};

/// Where the scripts of a page are. What stands around them is markup, which is not read.
pub(super) fn scripts(text: &str) -> Vec<Range> {
    let mut found = Vec::new();
    let (mut at, mut row, mut line_start) = (0, 0, 0);
    while let Some(tag) = find_open(text, at) {
        let Some(open_end) = text[tag..].find('>').map(|end| tag + end + 1) else { break };
        let close = find_close(text, open_end).unwrap_or(text.len());
        let mut point = |place: usize, from: usize| {
            for (offset, _) in text[from..place].match_indices('\n') {
                row += 1;
                line_start = from + offset + 1;
            }
            Point::new(row, place - line_start)
        };
        let start_point = point(open_end, at);
        let end_point = point(close, open_end);
        if !text[tag..open_end].ends_with("/>") {
            found.push(Range { start_byte: open_end, end_byte: close, start_point, end_point });
        }
        at = close;
    }
    if found.is_empty() {
        // No range at all would mean the whole text.
        found.push(Range { start_byte: 0, end_byte: 0, start_point: Point::new(0, 0), end_point: Point::new(0, 0) });
    }
    found
}

/// The next `<script`, outside comments.
fn find_open(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let open = at + text.get(at..)?.find('<')?;
        let rest = &text[open..];
        if rest.starts_with("<!--") {
            at = open + rest.find("-->")?;
        } else if rest.get(..7).is_some_and(|tag| tag.eq_ignore_ascii_case("<script"))
            && rest[7..].starts_with(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/'))
        {
            return Some(open);
        }
        at = at.max(open + 1);
    }
}

fn find_close(text: &str, from: usize) -> Option<usize> {
    let mut tags = text.get(from..)?.match_indices("</");
    tags.find(|(at, _)| text[from + at..].get(..8).is_some_and(|tag| tag.eq_ignore_ascii_case("</script")))
        .map(|(at, _)| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_of_a_page_are_found_with_their_places() {
        let text = "<!-- <script>no</script> -->\n<template><p/></template>\n<script lang=\"ts\">\nlet a = 1\n</script>\n<script setup>b()</script>\n";
        let found = scripts(text);
        let texts: Vec<&str> = found.iter().map(|range| &text[range.start_byte..range.end_byte]).collect();
        assert_eq!(texts, ["\nlet a = 1\n", "b()"]);
        assert_eq!(found[0].start_point, Point::new(2, 18));
        assert_eq!((found[1].start_point, found[1].end_point), (Point::new(5, 14), Point::new(5, 17)));
        assert_eq!(scripts("<script src=\"a\" />")[0].end_byte, 0);
        assert_eq!(scripts("<script>").len(), 1);
    }
}
