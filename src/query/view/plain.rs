//! Text from repositories and models, so that it is seen as what it is: nothing in it acts on a terminal, or turns lines around.

use std::fmt::Write;

/// Whether a character does something in the place of being seen: a control character, one that changes the direction of a line, one
/// that breaks it, or one that nothing shows.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Returns a text in one line, with what acts in it escaped: `\u{1b}`.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if acts(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Returns a text of several lines with what acts in it escaped; tabs stay.
pub fn visible_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if acts(c) && c != '\n' && c != '\t' => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Returns a JSON text that says the same and shows all of it: what acts can stand in its strings alone, and is escaped there.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push(c),
            c if acts(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing into a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What people have tried: escapes of terminals, text that turns around, text that is not seen.
    const HOSTILE: &str = "a\x1b[31m\x07\u{9b}2J\u{202e}gnp.exe\u{2066}\u{2028}\u{feff}\u{e0041}\0\u{7f}";

    #[test]
    fn what_acts_is_seen() {
        let shown = visible(&format!("{HOSTILE}\n\tb"));
        assert!(!shown.chars().any(acts), "{shown}");
        assert!(
            shown.contains("\\u{1b}[31m") && shown.contains("\\u{202e}gnp.exe") && shown.ends_with("  b"),
            "{shown}"
        );
        assert!(!visible_lines(HOSTILE).chars().any(acts));
        for plain in ["größe", "指数", "مرحبا", "👩\u{200d}💻", "a\\b"] {
            assert_eq!(visible(plain), plain);
            assert_eq!(visible_lines(&format!("{plain}\n\t{plain}")), format!("{plain}\n\t{plain}"));
        }
    }

    #[test]
    fn json_says_the_same_and_nothing_in_it_acts() {
        let value = serde_json::json!({ "a": [HOSTILE, "größe"], HOSTILE: 1 });
        let text = json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!text.chars().any(|c| acts(c) && c != '\n'), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
