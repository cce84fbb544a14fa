//! From the bytes of a file to its text: which encoding they are in, declared or not.
//!
//! A blob is mostly UTF-8. What is not is decoded by what it says of itself: a byte order mark, a coding cookie, or the shape of its
//! bytes. What a `working-tree-encoding` names is decoded as Git does it, byte for byte, so that a clean file is seen to be one.

use std::borrow::Cow;
use std::sync::LazyLock;

use chardetng::EncodingDetector;
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};
use regex::bytes::Regex;

/// How far a NUL byte makes a file binary, in bytes: Git's `FIRST_FEW_BYTES` (xdiff-interface.c).
pub(super) const BINARY_PROBE_BYTES: usize = 8_000;

/// Lines at the top and at the end in which a coding cookie counts: Python reads 2, Vim 5 at either end.
const COOKIE_LINES: usize = 5;

/// Letters outside ASCII from which on a guess between two scripts is worth something.
const LETTERS_TO_JUDGE: usize = 12;

/// The text of a blob, without its byte order mark; `None`: it is no text. A file whose lines end in a single CR gets line feeds in
/// their place, so that it has lines.
pub fn decode(bytes: Vec<u8>) -> Option<String> {
    let text = match mark(&bytes) {
        Some((mark, rest)) => marked(mark, rest)?,
        None => unmarked(bytes)?,
    };
    Some(with_line_feeds(text))
}

/// Encodings that a byte order mark names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unicode {
    Utf8,
    Utf16(bool),
    Utf32(bool),
}

/// The byte order mark at the start (`true`: big-endian), and what follows it.
fn mark(bytes: &[u8]) -> Option<(Unicode, &[u8])> {
    // That of UTF-32 begins with that of UTF-16.
    let marks: [(&[u8], Unicode); 5] = [
        (b"\xef\xbb\xbf", Unicode::Utf8),
        (b"\xff\xfe\0\0", Unicode::Utf32(false)),
        (b"\0\0\xfe\xff", Unicode::Utf32(true)),
        (b"\xff\xfe", Unicode::Utf16(false)),
        (b"\xfe\xff", Unicode::Utf16(true)),
    ];
    marks.into_iter().find_map(|(mark, unicode)| Some((unicode, bytes.strip_prefix(mark)?)))
}

fn marked(unicode: Unicode, rest: &[u8]) -> Option<String> {
    let text = match unicode {
        Unicode::Utf8 if has_nul(rest) => return None,
        Unicode::Utf8 => std::str::from_utf8(rest).ok()?.to_owned(),
        Unicode::Utf16(big) => strict(if big { UTF_16BE } else { UTF_16LE }, rest)?,
        Unicode::Utf32(big) => utf32(rest, big)?,
    };
    is_plain(&text).then_some(text)
}

fn has_nul(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(BINARY_PROBE_BYTES)].contains(&0)
}

fn unmarked(bytes: Vec<u8>) -> Option<String> {
    if has_nul(&bytes) {
        return utf16_by_shape(&bytes);
    }
    let cookie = cookie(&bytes);
    // Seven bits with escapes: it is valid UTF-8, and means something else.
    if cookie == Some(ISO_2022_JP)
        && bytes.contains(&0x1b)
        && let Some(text) = strict(ISO_2022_JP, &bytes)
    {
        return Some(text);
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Some(text),
        Err(error) => error.into_bytes(),
    };
    if !is_text_like(&bytes) {
        return None;
    }
    if let Some(text) = cookie.and_then(|declared| strict(declared, &bytes)).filter(|text| is_plain(text)) {
        return Some(text);
    }
    guessed(&bytes)
}

/// UTF-16 without a mark: the order in which more of it is ASCII, if that is a text.
fn utf16_by_shape(bytes: &[u8]) -> Option<String> {
    let ascii = |big: bool| {
        let (high, low) = if big { (0, 1) } else { (1, 0) };
        bytes.chunks_exact(2).filter(|unit| unit[high] == 0 && matches!(unit[low], 9..=13 | 32..=126)).count()
    };
    let (little, big) = (ascii(false), ascii(true));
    if !bytes.len().is_multiple_of(2) || little == big {
        return None;
    }
    let text = strict(if big > little { UTF_16BE } else { UTF_16LE }, bytes)?;
    let foreign = text.chars().filter(|char| !char.is_ascii());
    let (odd, all) = foreign.fold((0, 0), |(odd, all), char| (odd + usize::from(!is_written(char)), all + 1));
    // Of random units, a third are no letters.
    (is_plain(&text) && odd * 20 <= all).then_some(text)
}

/// Letters, digits, and the signs that stand between them in some script.
fn is_written(char: char) -> bool {
    char.is_alphanumeric()
        || char.is_whitespace()
        || matches!(char, '\u{a1}'..='\u{bf}' | '\u{300}'..='\u{36f}' | '\u{2000}'..='\u{2bff}' | '\u{3000}'..='\u{303f}')
        || matches!(char, '\u{fe00}'..='\u{fe6f}' | '\u{ff00}'..='\u{ffef}' | '\u{1f000}'..='\u{1faff}')
        // Marks of Indic scripts, Thai, Hebrew and Arabic.
        || matches!(char, '\u{591}'..='\u{65f}' | '\u{900}'..='\u{109f}')
}

/// No control characters but those of a text.
fn is_plain(text: &str) -> bool {
    let odd = |char: &char| {
        (char.is_control() && !matches!(char, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1a}' | '\u{1b}' | '\u{85}'))
            || matches!(char, '\u{fffe}' | '\u{ffff}')
    };
    !text.chars().any(|char| odd(&char))
}

/// Whether bytes in an unknown encoding of single bytes, or of pairs, can be a text: control characters are rare in one.
fn is_text_like(bytes: &[u8]) -> bool {
    let control = |byte: &u8| matches!(byte, 0..=8 | 14..=25 | 28..=31 | 127);
    let controls = bytes.iter().filter(|byte| control(byte)).count();
    controls * 512 <= bytes.len()
}

/// The encoding that a file names itself: a coding cookie (PEP 263, Emacs), a modeline of Vim, or what XML, HTML and CSS have for it.
fn cookie(bytes: &[u8]) -> Option<&'static Encoding> {
    static COOKIE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let cookie = r#"(?i)(?:coding[:=]\s*|fenc=|\bencoding\s*=\s*["']|charset\s*=?\s*["']?)([-_.0-9a-z]+)"#;
        Regex::new(cookie).ok()
    });
    let end_of = |bytes: &[u8]| {
        let mut ends = bytes.iter().enumerate().filter(|(_, byte)| matches!(byte, b'\n' | b'\r')).map(|(at, _)| at);
        ends.nth(2 * COOKIE_LINES - 1).unwrap_or(bytes.len()).min(4_096)
    };
    let start_of_end = || {
        let mut ends = bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
        ends.nth(COOKIE_LINES).unwrap_or(0).max(bytes.len().saturating_sub(4_096))
    };
    let regex = COOKIE.as_ref()?;
    let find = |part: &[u8]| {
        let mut named = regex.captures_iter(part).filter_map(|found| Some(found.get(1)?.as_bytes().to_vec()));
        named.find_map(|name| by_label(&name))
    };
    find(&bytes[..end_of(bytes)]).or_else(|| find(&bytes[start_of_end()..]))
}

/// An encoding by any of the names that editors give it: `latin-1`, `sjis`, `utf8`, `cp1252`, `iso-8859-15-unix`.
fn by_label(label: &[u8]) -> Option<&'static Encoding> {
    let lower = label.to_ascii_lowercase();
    let ends: [&[u8]; 3] = [b"-unix", b"-dos", b"-mac"];
    let name = ends.iter().find_map(|end| lower.strip_suffix(*end)).unwrap_or(&lower);
    let alias: &[u8] = match name {
        b"latin-1" | b"latin_1" | b"iso-latin-1" => b"latin1",
        b"latin-2" => b"latin2",
        b"latin-9" | b"latin9" => b"iso-8859-15",
        b"cp936" => b"gbk",
        b"cp932" | b"ms932" | b"shiftjis" => b"shift_jis",
        b"cp949" | b"uhc" => b"euc-kr",
        b"cp950" => b"big5",
        b"cp65001" => b"utf-8",
        b"euc_jp" | b"eucjp" | b"ujis" => b"euc-jp",
        b"koi8r" => b"koi8-r",
        b"cp866" => b"ibm866",
        _ => name,
    };
    let dashed: Vec<u8> = alias.iter().map(|&byte| if byte == b'_' { b'-' } else { byte }).collect();
    let windows = alias.strip_prefix(b"cp").map(|page| [&b"windows-"[..], page].concat());
    let found = [Some(alias.to_vec()), windows, Some(dashed)].into_iter().flatten();
    found.filter_map(|name| Encoding::for_label_no_replacement(&name)).find(|found| *found != X_USER_DEFINED)
}

/// What bytes that name no encoding are taken for: an encoding of East Asia or of another alphabet if that is clear, else Windows-1252,
/// which has Latin-1 in it.
fn guessed(bytes: &[u8]) -> Option<String> {
    let mut detector = EncodingDetector::new();
    detector.feed(bytes, true);
    let guess = detector.guess(None, false);
    let is_latin = |encoding: &'static Encoding| {
        matches!(
            encoding.name(),
            "windows-1252"
                | "windows-1250"
                | "windows-1254"
                | "windows-1257"
                | "windows-1258"
                | "ISO-8859-2"
                | "ISO-8859-4"
        )
    };
    if !is_latin(guess)
        && let Some(text) = strict(guess, bytes).filter(|text| is_plain(text))
        && text.chars().filter(|char| !char.is_ascii() && char.is_alphabetic()).count() >= LETTERS_TO_JUDGE
        && text.chars().filter(|char| !char.is_ascii()).all(is_written)
        && if guess.is_single_byte() { !mixes_letters(&text) } else { stands_in_runs(bytes) }
    {
        return Some(text);
    }
    let foreign = bytes.iter().filter(|byte| !byte.is_ascii()).count();
    // In a text in Latin letters, most are ASCII; of random bytes, half.
    if foreign * 3 > bytes.len() {
        return None;
    }
    Some(WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned())
}

/// Whether most bytes outside ASCII stand next to others, as those of words in pairs of bytes do: in a Latin script, letters with
/// accents stand alone.
fn stands_in_runs(bytes: &[u8]) -> bool {
    /// Bytes of two characters.
    const RUN: usize = 4;
    let runs = bytes.split(u8::is_ascii).map(<[u8]>::len);
    let (in_runs, all) =
        runs.fold((0, 0), |(in_runs, all), run| (in_runs + if run >= RUN { run } else { 0 }, all + run));
    in_runs * 2 > all
}

/// Whether a fifth of the words that have letters outside ASCII have some of ASCII, too: as in Latin scripts, and in no other.
fn mixes_letters(text: &str) -> bool {
    let words = text.split(|char: char| !char.is_alphabetic()).filter(|word| !word.is_ascii());
    let (mixed, all) = words.fold((0, 0), |(mixed, all), word| {
        (mixed + usize::from(word.contains(|char: char| char.is_ascii_alphabetic())), all + 1)
    });
    mixed * 5 > all
}

/// The text, if every byte means something.
fn strict(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
    Some(text.into_owned())
}

fn utf32(bytes: &[u8], big: bool) -> Option<String> {
    let units = bytes.chunks_exact(4);
    if !units.remainder().is_empty() {
        return None;
    }
    let unit = |unit: &[u8]| {
        let unit: [u8; 4] = unit.try_into().ok()?;
        char::from_u32(if big { u32::from_be_bytes(unit) } else { u32::from_le_bytes(unit) })
    };
    units.map(unit).collect()
}

/// A text without any line feed whose lines end in CR, as classic Mac systems wrote them, gets line feeds. Nothing moves: each is one byte.
fn with_line_feeds(text: String) -> String {
    if text.contains('\n') || !text.contains('\r') { text } else { text.replace('\r', "\n") }
}

/// What a file of the work tree with a `working-tree-encoding` is for Git.
#[derive(Debug, PartialEq, Eq)]
pub enum Reencoded {
    /// Its content in UTF-8.
    Utf8(Vec<u8>),
    /// Git takes the bytes as they are: they are UTF-8, or not what the name says.
    AsIs,
    /// Git may know the encoding; this program does not.
    Unknown,
}

/// Decodes a file of the work tree as `git add` does.
pub fn of_work_tree(bytes: &[u8], label: &[u8]) -> Reencoded {
    let name = label.to_ascii_uppercase();
    let name = String::from_utf8_lossy(&name);
    let name: Cow<'_, str> = match name.strip_prefix("UTF").filter(|rest| !rest.starts_with('-')) {
        Some(rest) => format!("UTF-{rest}").into(),
        None => name,
    };
    let text = match &*name {
        "UTF-8" => return Reencoded::AsIs,
        // Git refuses these without a mark, and the others with one.
        "UTF-16" | "UTF-16LE-BOM" | "UTF-16BE-BOM" | "UTF-32" => match mark(bytes) {
            Some((Unicode::Utf16(big), rest)) if name.starts_with("UTF-16") => {
                strict(if big { UTF_16BE } else { UTF_16LE }, rest)
            }
            Some((Unicode::Utf32(big), rest)) if name == "UTF-32" => utf32(rest, big),
            _ => None,
        },
        "UTF-16LE" | "UTF-16BE" | "UTF-32LE" | "UTF-32BE"
            if matches!(mark(bytes), Some((Unicode::Utf16(_) | Unicode::Utf32(_), _))) =>
        {
            None
        }
        "UTF-16LE" => strict(UTF_16LE, bytes),
        "UTF-16BE" => strict(UTF_16BE, bytes),
        "UTF-32LE" => utf32(bytes, false),
        "UTF-32BE" => utf32(bytes, true),
        // On the web that name means Windows-1252; to Git each byte is the character of its number.
        "ISO-8859-1" | "ISO8859-1" | "ISO_8859-1" | "LATIN1" | "LATIN-1" | "L1" => {
            Some(bytes.iter().copied().map(char::from).collect())
        }
        "ASCII" | "US-ASCII" => std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii()).map(str::to_owned),
        _ => match by_label(label) {
            Some(encoding) if encoding == UTF_8 => return Reencoded::AsIs,
            Some(encoding) => strict(encoding, bytes),
            None => return Reencoded::Unknown,
        },
    };
    text.map_or(Reencoded::AsIs, |text| Reencoded::Utf8(text.into_bytes()))
}

#[cfg(test)]
mod tests;
