//! The part of a file that a model is shown, with a number before each line.
//!
//! Numbers cost two to three tokens a line (a fifth more input), and buy that a model can cite a line at all: models count badly, and
//! a reply whose lines are off by some is of no use in an editor.

use std::fmt::Write;

use crate::analyzer::Coverage;
use crate::analyzer::items::BEYOND;

/// Numbered lines from the top of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub text: String,
    /// Lines in `text`; the first is line 1 of the file.
    pub lines: u32,
    pub seen: Coverage,
}

/// As many whole lines of `redacted` as stand for at most `max_bytes` of `original`, of which it has the same lines.
pub(super) fn excerpt(original: &str, redacted: &str, max_bytes: usize) -> Excerpt {
    let (mut text, mut lines, mut bytes) = (String::new(), 0_u32, 0_usize);
    for (shown, line) in redacted.split('\n').zip(original.split_inclusive('\n')) {
        if bytes + line.len() > max_bytes {
            break;
        }
        bytes += line.len();
        lines = lines.saturating_add(1);
        // writing to a String cannot fail
        let _ = writeln!(text, "{lines}|{}", shown.trim_end_matches('\r'));
    }
    let mut seen = Coverage {
        seen_lines: lines,
        seen_bytes: bytes as u64,
        file_bytes: original.len() as u64,
        ..Coverage::default()
    };
    if bytes < original.len() {
        seen.not_covered.push(format!("{BEYOND} {lines}: a model is shown {max_bytes} bytes of a file at most"));
    }
    Excerpt { text, lines, seen }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers_and_a_cut_is_told() {
        let whole = excerpt("a\r\n\nc", "a\r\n\nc", 100);
        assert_eq!((whole.text.as_str(), whole.lines), ("1|a\n2|\n3|c\n", 3));
        assert!(whole.seen.is_whole());
        let cut = excerpt("aa\nbb\ncc\n", "aa\nbb\ncc\n", 7);
        assert_eq!((cut.text.as_str(), cut.seen.seen_bytes, cut.seen.file_bytes), ("1|aa\n2|bb\n", 6, 9));
        assert!(!cut.seen.is_whole());
    }

    #[test]
    fn what_does_not_fit_at_all_is_not_shown_in_part() {
        let long = "x".repeat(5_000);
        assert_eq!(excerpt(&long, &long, 4_096).lines, 0);
        assert_eq!(excerpt("", "", 4_096).lines, 0);
    }
}
