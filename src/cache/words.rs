//! Text as words: what the lexical index holds, and what a query looks for in it.
//!
//! A word of code is an identifier: whole, and by the parts of its snake_case or camelCase. Scripts that put no space between words are
//! cut into overlapping grams, so that every stretch of a text is found without a dictionary. Words are compared without the marks that
//! people leave out: case, accents, vowel points, full width, and whether a character is composed.
//!
//! The index has its own words, which FTS5 takes as they are (its tokenizer `ascii` ends a token only at an ASCII separator), so this file
//! alone says what a word is.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::embedder::identifier::parts;

/// Words of a question that say nothing of what is looked for: the English stop set of Apache Lucene (EnglishAnalyzer), and those
/// with which questions begin. A chunk that shares only these with the query would be ranked as high by words as the answer is by
/// meaning.
const STOP_WORDS: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not", "of",
    "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will", "with",
    "can", "do", "does", "how", "i", "what", "when", "where", "which", "who", "why", "we", "you",
];

/// A word that a query looks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueryWord {
    pub text: String,
    /// It is shorter than a gram: every gram that begins with it is meant.
    pub is_prefix: bool,
}

impl QueryWord {
    /// Whether it is this word of a text.
    pub fn is(&self, word: &str) -> bool {
        if self.is_prefix { word.starts_with(&self.text) } else { word == self.text }
    }
}

/// What an identifier is made of.
enum WordPart<'p> {
    /// A word of a script with spaces, in lower case.
    Word(&'p str),
    /// Characters of a script without, and how many of them make a gram.
    Run(&'p [char], usize),
}

/// Text as the index holds it: every identifier whole, in lower case without underscores, and after it its parts (`HTTPServer2` gives
/// `httpserver2 http server 2`). Of a run without spaces, the grams that begin at each of its characters; those at the end are
/// shorter, so that one character is found wherever it stands.
pub fn indexed(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    each_identifier(text, |identifier| {
        each_part(identifier, true, |part| match part {
            WordPart::Word(word) => {
                out.push_str(word);
                out.push(' ');
            }
            WordPart::Run(run, size) => {
                for at in 0..run.len() {
                    out.extend(&run[at..run.len().min(at + size)]);
                    out.push(' ');
                }
            }
        });
    });
    out
}

/// The words that a text has for a query: as [`indexed`], but for the shorter grams at the end of a run.
pub fn asked(text: &str) -> Vec<QueryWord> {
    words_of(text, true)
}

/// The parts of the names in a text, none of them whole.
pub fn name_parts(names: &str) -> Vec<String> {
    words_of(names, false).into_iter().map(|word| word.text).collect()
}

fn words_of(text: &str, whole: bool) -> Vec<QueryWord> {
    let mut found = Vec::new();
    each_identifier(text, |identifier| {
        each_part(identifier, whole, |part| match part {
            WordPart::Word(word) => found.push(QueryWord { text: word.to_owned(), is_prefix: false }),
            WordPart::Run(run, size) if run.len() < size => {
                found.push(QueryWord { text: run.iter().collect(), is_prefix: true });
            }
            WordPart::Run(run, size) => {
                let grams = run.windows(size).map(|gram| QueryWord { text: gram.iter().collect(), is_prefix: false });
                found.extend(grams);
            }
        });
    });
    found
}

/// The words of a query that say what is looked for: all if it has none but stop words.
pub fn telling(query: &str) -> BTreeSet<QueryWord> {
    let all: BTreeSet<QueryWord> = asked(query).into_iter().collect();
    let telling: BTreeSet<QueryWord> =
        all.iter().filter(|word| !STOP_WORDS.contains(&word.text.as_str())).cloned().collect();
    if telling.is_empty() { all } else { telling }
}

/// The query in FTS5's syntax, for a text that has any of its words; `None` if it has none.
pub fn any_of(query: &str) -> Option<String> {
    let terms: Vec<String> = telling(query).iter().map(term).collect();
    (!terms.is_empty()).then(|| terms.join(" OR "))
}

/// The query in FTS5's syntax, for a text that has all its words; `None` if it has none.
pub fn all_of(query: &str) -> Option<String> {
    let terms: Vec<String> = asked(query).iter().map(term).collect();
    (!terms.is_empty()).then(|| terms.join(" AND "))
}

/// The query in FTS5's syntax, for a text that has its words one after the other; `None` if it has fewer than three, which stand
/// together by chance. A run without spaces stands for itself: behind it the index has the shorter grams.
pub fn phrase_of(query: &str) -> Option<String> {
    let (mut phrases, mut count): (Vec<Vec<String>>, usize) = (vec![Vec::new()], 0);
    each_identifier(query, |identifier| {
        each_part(identifier, true, |part| match part {
            WordPart::Word(word) => {
                count += 1;
                if let Some(phrase) = phrases.last_mut() {
                    phrase.push(word.to_owned());
                }
            }
            WordPart::Run(run, size) => {
                count += run.len();
                phrases.push(run.windows(size).map(|gram| gram.iter().collect()).collect());
                phrases.push(Vec::new());
            }
        });
    });
    let phrases: Vec<String> =
        phrases.iter().filter(|words| !words.is_empty()).map(|words| quoted(&words.join(" "))).collect();
    (count >= PHRASE_WORDS_MIN && !phrases.is_empty()).then(|| phrases.join(" AND "))
}

/// Fewer words stand together by chance.
const PHRASE_WORDS_MIN: usize = 3;

fn term(word: &QueryWord) -> String {
    format!("{}{}", quoted(&word.text), if word.is_prefix { " *" } else { "" })
}

/// `word` or `several words one after the other`
fn quoted(words: &str) -> String {
    format!("\"{words}\"")
}

/// Text as it is compared: what [`indexed`] does to a word, and nothing is taken apart.
pub fn folded(text: &str) -> String {
    if text.is_ascii() { lower(text) } else { lower(&normal(text)) }
}

fn lower(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().flat_map(char::to_lowercase).collect() }
}

/// Where the words of a line stand that are looked for: ranges of bytes, in order. `is_one`: whether a word is.
pub fn places(line: &str, is_one: impl Fn(&str) -> bool) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    let mut at = 0;
    for word in line.split_inclusive(|c: char| !is_of_word(c)) {
        let identifier = word.trim_end_matches(|c: char| !is_of_word(c));
        let start = at;
        at += word.len();
        if indexed(identifier).split(' ').any(|word| !word.is_empty() && is_one(word)) {
            let grams = grams_in(identifier, &is_one);
            match grams.is_empty() {
                true => found.push(start..start + identifier.len()),
                false => found.extend(grams.into_iter().map(|gram| start + gram.start..start + gram.end)),
            }
        }
    }
    found
}

/// The stretches of an identifier that are grams which are looked for, joined where they overlap.
fn grams_in(identifier: &str, is_one: &impl Fn(&str) -> bool) -> Vec<std::ops::Range<usize>> {
    let chars: Vec<(usize, char)> = identifier.char_indices().collect();
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (nth, &(start, c)) in chars.iter().enumerate() {
        let Some(size) = gram_size(c) else { continue };
        for length in 1..=size {
            let end = chars.get(nth + length).map_or(identifier.len(), |&(end, _)| end);
            if nth + length <= chars.len() && is_one(&folded(&identifier[start..end])) {
                match found.last_mut() {
                    Some(last) if last.end >= start => last.end = last.end.max(end),
                    _ => found.push(start..end),
                }
                break;
            }
        }
    }
    found
}

/// Calls with every identifier of a text, its characters in one form.
fn each_identifier(text: &str, mut see: impl FnMut(&str)) {
    for identifier in text.split(|c: char| !is_of_word(c)).filter(|word| !word.is_empty()) {
        if identifier.is_ascii() {
            see(identifier);
        } else {
            // One character may stand for several words.
            normal(identifier).split(|c: char| !is_of_word(c)).filter(|word| !word.is_empty()).for_each(&mut see);
        }
    }
}

/// Calls with the parts of an identifier; `whole`: with itself first if it has several.
fn each_part(identifier: &str, whole: bool, mut see: impl FnMut(WordPart<'_>)) {
    if identifier.is_ascii() {
        return each_word(identifier, whole, &mut see);
    }
    let chars: Vec<char> = identifier.chars().collect();
    for run in chars.chunk_by(|a, b| gram_size(*a) == gram_size(*b) || gram_size(*a).is_some() && is_combining_mark(*b))
    {
        match gram_size(run[0]) {
            Some(size) => see(WordPart::Run(run, size)),
            None => each_word(&run.iter().collect::<String>(), whole, &mut see),
        }
    }
}

fn each_word(identifier: &str, whole: bool, see: &mut impl FnMut(WordPart<'_>)) {
    let parts: Vec<String> = parts(identifier).into_iter().map(lower).collect();
    if whole && parts.len() > 1 {
        see(WordPart::Word(&parts.concat()));
    }
    parts.iter().for_each(|part| see(WordPart::Word(part)));
}

fn is_of_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    c.is_alphanumeric() || is_combining_mark(c) || is_unseen(c) || is_square(c)
}

/// A character that is shown as nothing, and may stand inside a word: joiners, soft hyphens, marks of direction.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0100}'..='\u{e01ef}')
}

/// One that stands for a word of several: `㌔`, `㍻`.
fn is_square(c: char) -> bool {
    matches!(c, '\u{3300}'..='\u{33ff}')
}

/// Characters in one form: composed, of normal width, without accents, vowel points and what is not seen.
fn normal(text: &str) -> String {
    let mut letters = String::with_capacity(text.len());
    text.nfkd().filter(|&c| !is_unseen(c) && !is_left_out(c)).for_each(|c| push_base(&mut letters, c));
    letters.nfc().collect()
}

/// Marks that are often not written: accents, Hebrew and Arabic vowel points, and the stroke that lengthens an Arabic word.
fn is_left_out(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}'
        | '\u{6e7}' | '\u{6e8}' | '\u{6ea}'..='\u{6ed}')
}

/// Letters that Unicode does not take apart and that people write as others.
fn push_base(out: &mut String, c: char) {
    let base = match c {
        'ß' => "ss",
        'ẞ' => "SS",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        'ø' => "o",
        'Ø' => "O",
        'ł' => "l",
        'Ł' => "L",
        'đ' | 'ð' => "d",
        'Đ' | 'Ð' => "D",
        'ı' => "i",
        'ς' => "σ",
        'ی' | 'ى' => "ي",
        'ک' => "ك",
        _ => return out.push(c),
    };
    out.push_str(base);
}

/// How many characters make a gram, in scripts that put no space between words: two where a character is a syllable or a word, three
/// where it is a letter. `None`: the script has spaces.
fn gram_size(c: char) -> Option<usize> {
    match u32::from(c) {
        0..0xe00 => None,
        // Thai, Lao, Tibetan, Myanmar; Khmer; Tai Le, New Tai Lue, Tai Tham; Balinese; Javanese, Myanmar, Tai Viet
        0xe00..=0x109f | 0x1780..=0x17ff | 0x1950..=0x19ff | 0x1a20..=0x1aaf | 0x1b00..=0x1b7f | 0xa980..=0xaadf => {
            Some(3)
        }
        // Hangul; Han and its parts, Kana, Bopomofo; Yi; Hangul; Han; half width; Tangut, Khitan, Nushu and Kana; Han
        0x1100..=0x11ff
        | 0x2e80..=0x2fff
        | 0x3005..=0x3007
        | 0x3021..=0x303c
        | 0x3041..=0x31ff
        | 0x3400..=0x4dbf
        | 0x4e00..=0xa4cf
        | 0xa960..=0xa97f
        | 0xac00..=0xd7ff
        | 0xf900..=0xfaff
        | 0xff66..=0xffdc
        | 0x16fe0..=0x1b2ff
        | 0x20000..=0x3ffff => Some(2),
        _ => None,
    }
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
