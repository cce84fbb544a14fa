//! How the project writes, as far as a machine can read it.

use super::source::{self, Source};
use super::{Finding, check};

const README_LINES_MAX: usize = 110;

/// Words that README, help texts, `src/cli` and prompts do without.
const WORDS: &[&str] = &[
    "anew",
    "waked",
    "is told",
    "are told",
    "can be had",
    "is borne",
    "mend",
    "mends",
    "mended",
    "nobody",
    "whoever",
    "let off",
    "looked at",
    "beside it",
];

/// Documents that are not in the repository.
const DOCUMENTS: &[&str] = &[
    "DESIGN",
    "HOUSE",
    "PROSE.md",
    "HOUSE.md",
    "LANGUAGES.md",
    "AGENTS.md",
    "RESEARCH",
    "PLAN.md",
    "the design",
    "design's",
];

fn words_in(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        // a word may end a line: the next line's first words belong to it
        let next = text.lines().nth(number + 1).unwrap_or_default();
        let next = next.trim_start().trim_start_matches(['/', '!', '#', '>', '-', '*', ' ']);
        let (line, both) = (line.to_lowercase(), format!("{} {next}", line.trim_end()).to_lowercase());
        for word in WORDS {
            let starts_here = |at: usize| at < line.len();
            if occurrences(&both, word).any(starts_here) {
                found.push(Finding::new(path, number + 1, format!("{path}: {word}"), format!("\"{word}\"")));
            }
        }
    }
    found
}

/// Where a word stands, not as a part of a longer one.
fn occurrences<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let letter = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let bytes = text.as_bytes();
        !letter(at.checked_sub(1).and_then(|before| bytes.get(before))) && !letter(bytes.get(at + word.len()))
    })
}

fn documents_cited(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for comment in &source.comments {
        for (number, line) in comment.text.lines().enumerate() {
            if let Some(document) = DOCUMENTS.iter().find(|document| occurrences(line, document).next().is_some()) {
                let what = format!("the comment cites \"{document}\"");
                found.push(Finding::new(&source.path, comment.line + number, &source.path, what));
            }
        }
    }
    found
}

fn read(path: &str) -> String {
    std::fs::read_to_string(source::root().join(path)).unwrap()
}

#[test]
fn searched_words_are_found_nowhere() {
    let mut paths = vec!["README.md".to_owned()];
    paths.extend(source::files_below("src/cli"));
    paths.extend(source::files_below("prompts"));
    let found: Vec<Finding> = paths.iter().flat_map(|path| words_in(path, &read(path))).collect();
    check("README, help texts and verbs are plain English", "Say who does what, in the field's word", &found, &[]);
}

#[test]
fn the_readme_has_at_most_110_lines() {
    let lines = read("README.md").lines().count();
    let found =
        (lines > README_LINES_MAX).then(|| Finding::new("README.md", lines, "README.md", format!("{lines} lines")));
    let remedy = "Move what is longer to `help` topics and tests/bench/README.md";
    check("The README has at most 110 lines", remedy, found.as_slice(), &[]);
}

#[test]
fn comments_cite_only_what_is_in_the_repository() {
    let found: Vec<Finding> = source::all().iter().flat_map(documents_cited).collect();
    check("A comment cites no document that is not in the repository", "Say the reason itself", &found, &[]);
}

#[test]
fn a_searched_word_is_found() {
    let text = "Nobody is\nlooked\n    /// at here.\nAmended, mending, commend.";
    let at: Vec<String> =
        words_in("README.md", text).into_iter().map(|finding| finding.at + " " + &finding.what).collect();
    assert_eq!(at, ["README.md:1 \"nobody\"", "README.md:2 \"looked at\""]);
}

#[test]
fn a_cited_document_is_found() {
    let source = Source::planted("m", "/// As DESIGN §3 says.\nconst DESIGN: u8 = 1; // redesigned");
    assert_eq!(documents_cited(&source).len(), 1);
}
