//! Long answers in parts. A cursor names the place in the answer and the answer itself, so a part of another answer is never taken for
//! the next part of this one.

use crate::domain::Hash;

/// Bytes of one part as JSON has them: 4 bytes are counted as a token, and an answer has at most 8,000, its frame included.
pub(super) const PART_BYTES: usize = 30_000;

/// The part of an answer that a cursor names, the first without one. `first` stands on top of each.
///
/// # Errors
/// If the cursor is none of this answer's.
pub(super) fn part(first: &str, body: &str, cursor: Option<&str>) -> Result<String, String> {
    let id = Hash::of(body.as_bytes()).to_string()[..8].to_owned();
    let start = match cursor {
        None => 0,
        Some(cursor) => place(cursor, &id, body)?,
    };
    let room = PART_BYTES.saturating_sub(escaped(first) + 200);
    let rest = &body[start..];
    let end = start + fitting(rest, room);
    let shown = body[start..end].trim_end_matches('\n');
    let mut text = if shown.is_empty() { first.to_owned() } else { format!("{first}\n{shown}") };
    if end < body.len() {
        text.push_str(&format!(
            "\n[{end} of {} bytes; the rest: the same arguments and cursor \"{end}-{id}\"]",
            body.len()
        ));
    }
    Ok(text)
}

fn place(cursor: &str, id: &str, body: &str) -> Result<usize, String> {
    let malformed = || format!("{cursor} is no cursor; take it from the last line of a cut answer");
    let (place, of) = cursor.split_once('-').ok_or_else(malformed)?;
    let place: usize = place.parse().map_err(|_| malformed())?;
    if of != id {
        return Err("the answer has changed since the cursor was given; ask again without it".to_owned());
    }
    if place < body.len() && body.is_char_boundary(place) { Ok(place) } else { Err(malformed()) }
}

/// How much of a text fits: whole lines, or as much of the first line as does.
fn fitting(text: &str, room: usize) -> usize {
    let (mut end, mut used) = (0, 0);
    for line in text.split_inclusive('\n') {
        used += escaped(line);
        if used > room {
            break;
        }
        end += line.len();
    }
    if end > 0 {
        return end;
    }
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += escaped_char(c);
        if used > room {
            return at;
        }
    }
    text.len()
}

/// Bytes of a text in JSON.
fn escaped(text: &str) -> usize {
    text.chars().map(escaped_char).sum()
}

const fn escaped_char(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if (c as u32) < 0x20 => 6,
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor_of(text: &str) -> Option<&str> {
        text.rsplit_once("cursor \"")?.1.split('"').next()
    }

    #[test]
    fn the_parts_are_small_and_together_the_answer() {
        let lines: String = (0..9_000).map(|n| format!("line {n} \"quoted\\\" ü\n")).collect();
        let long = format!("{}\n{lines}", "x\u{1}".repeat(60_000));
        for body in [lines, long] {
            let (mut joined, mut cursor, mut parts) = (String::new(), None, 0);
            loop {
                let text = part("current", &body, cursor.as_deref()).unwrap();
                let json = serde_json::to_string(&text).unwrap();
                assert!(json.len() <= PART_BYTES, "{}", json.len());
                let rest = text.strip_prefix("current\n").unwrap();
                parts += 1;
                match cursor_of(rest).map(str::to_owned) {
                    Some(next) => {
                        joined.push_str(rest.rsplit_once("\n[").unwrap().0);
                        joined.push('\n');
                        cursor = Some(next);
                    }
                    None => {
                        joined.push_str(rest);
                        break;
                    }
                }
            }
            assert!(parts > 3);
            // A line that is longer than a part is cut where no line ends.
            assert_eq!(joined.replace('\n', ""), body.replace('\n', ""));
        }
    }

    #[test]
    fn a_cursor_of_another_answer_is_refused() {
        let body = "line\n".repeat(20_000);
        let first = part("current", &body, None).unwrap();
        let cursor = cursor_of(&first).unwrap();
        assert!(part("current", &body, Some(cursor)).is_ok());
        assert!(part("current", &format!("{body}more"), Some(cursor)).unwrap_err().contains("changed"));
        for odd in ["", "x", "7", "-", "99999999-00000000"] {
            assert!(part("current", &body, Some(odd)).is_err(), "{odd}");
        }
        assert_eq!(part("current", "", None).unwrap(), "current");
    }
}
