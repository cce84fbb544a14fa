//! Makefiles as their grammar can read them.
//!
//! The grammar takes `NAME?` for a name where no space stands before `?=`, and stumbles over quotes and brackets in a value, with all that
//! follows. What a value is does not matter to the items of a file: each is read as a word, byte for byte as long.

use std::ops::Range;

use crate::language::syntax::TextReading;

/// Words before the name in an assignment.
const MODIFIERS: [&str; 4] = ["export", "override", "private", "unexport"];

/// The text with plain values.
pub fn reading(text: &str) -> TextReading {
    let mut read = text.as_bytes().to_vec();
    let (mut at, mut is_value, mut is_verbatim) = (0, false, false);
    for line in text.split_inclusive('\n') {
        let words = line.trim_start_matches(' ');
        let first = words.split_whitespace().next().unwrap_or_default();
        is_verbatim = (is_verbatim || first == "define") && first != "endef";
        let operator = if is_value || is_verbatim { None } else { operator(line) };
        let value = match &operator {
            Some(operator) => Some(operator.end),
            None => is_value.then_some(0),
        };
        if let Some(operator) = operator {
            for byte in &mut read[at + operator.start..at + operator.end] {
                if matches!(byte, b'?' | b'+') {
                    *byte = b' ';
                }
            }
        }
        is_value = false;
        if let Some(start) = value {
            let end = value_end(line, start);
            mask(&mut read[at + start..at + end]);
            is_value = line[end..].trim_end_matches(['\r', '\n']) == "\\";
        }
        at += line.len();
    }
    TextReading { text: String::from_utf8(read).ok(), ..TextReading::default() }
}

/// Where in a line `=`, `:=`, `?=` and the like stand, if it is an assignment.
fn operator(line: &str) -> Option<Range<usize>> {
    if line.starts_with('\t') {
        return None;
    }
    let mut rest = line.trim_start();
    while let Some(behind) = MODIFIERS.iter().find_map(|word| rest.strip_prefix(word))
        && behind.starts_with([' ', '\t'])
    {
        rest = behind.trim_start();
    }
    let name = rest.find(|c: char| c.is_whitespace() || matches!(c, ':' | '=' | '?' | '+' | '!' | '#'))?;
    let behind = rest[name..].trim_start_matches([' ', '\t']);
    let signs = behind.len() - behind.trim_start_matches([':', '?', '+', '!']).len();
    let is_assignment = name > 0 && behind[signs..].starts_with('=');
    let start = line.len() - behind.len();
    is_assignment.then_some(start..start + signs + 1)
}

/// Where the value in a line ends: before a comment, or before the sign that it goes on.
fn value_end(line: &str, start: usize) -> usize {
    let written = &line[start..];
    let whole = written.trim_end_matches(['\r', '\n']);
    let end = whole.strip_suffix('\\').unwrap_or(whole).len();
    let comment = written[..end].char_indices().scan(' ', |before, (at, c)| {
        let is_comment = c == '#' && *before != '\\';
        *before = c;
        Some((at, is_comment))
    });
    let comment = comment.filter(|(_, is_comment)| *is_comment).map(|(at, _)| at).next();
    start + comment.unwrap_or(end)
}

fn mask(value: &mut [u8]) {
    for byte in value {
        if !byte.is_ascii_whitespace() && !byte.is_ascii_alphanumeric() {
            *byte = b'x';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::reading;

    fn read(text: &str) -> String {
        let read = reading(text).text.unwrap();
        assert_eq!(read.len(), text.len());
        assert_eq!(read.matches('\n').count(), text.matches('\n').count());
        read
    }

    #[test]
    fn a_value_is_a_word() {
        assert_eq!(read("A ?= \"f('b')\"\n"), "A  = xfxxbxxx\n");
        assert_eq!(read("A?=b\nexport C+=$(D) # 'e'\n"), "A =b\nexport C =xxDx # 'e'\n");
        assert_eq!(read("A := b \\\n  'c' \\\r\n\tg(d\nall: a(b)\n"), "A := b \\\n  xcx \\\r\n\tgxd\nall: a(b)\n");
        assert_eq!(read("A = ü\\#(\n"), "A = xxxxx\n");
    }

    #[test]
    fn what_is_no_assignment_stays() {
        for text in [
            "all: A = (b)\n",
            "\tA = 'b'\n",
            "define A\nB = 'c'\nendef\n",
            "ifeq ($(A),'b')\n",
            "# A = 'b'\n",
            "= (\n",
            "$(eval A=(b))\n",
            "",
        ] {
            assert_eq!(read(text), text);
        }
    }
}
