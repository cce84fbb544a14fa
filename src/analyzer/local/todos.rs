//! Notes that something is left to do, in comments alone.
//!
//! A tag counts in capitals at the start of a comment's line or with `:` or `(` behind it, in any case when it starts the line and
//! has a `:` behind it. That leaves out prose that merely speaks of such notes. The lines that follow belong to the note when they
//! are indented deeper or go on with its sentence.

use super::source::SourceFile;
use crate::analyzer::{Severity, Todo, TodoTag, TodosReport};
use crate::language::comment::Comment;
use crate::language::item::CodeItem;
use crate::language::markdown::Heading;

/// Characters of a note that are kept.
const LONGEST_TEXT: usize = 300;

pub fn report(source: &SourceFile) -> TodosReport {
    let mut seen = source.seen(false);
    if !source.has_comments() {
        seen.not_covered.push(format!("notes: no comment syntax is known for {}", source.subject.language));
        return TodosReport { seen, todos: Vec::new() };
    }
    let mut found = find(source.comments());
    match (&source.code, source.subject.language.spec().prose) {
        (Some(code), _) => name_items(&mut found, &code.items),
        (None, Some(prose)) => name_headings(&mut found, &prose(source.subject.text).headings),
        (None, None) => seen.not_covered.push("items: notes are not assigned to what they stand in".to_owned()),
    }
    TodosReport { seen, todos: found.into_iter().map(|(_, todo)| todo).collect() }
}

/// Each note with the offset of its comment.
fn find(comments: &[Comment]) -> Vec<(usize, Todo)> {
    let mut found = Vec::new();
    for (n, comment) in comments.iter().enumerate() {
        let Some(note) = note(comment.text) else { continue };
        let text = with_continuation(note.text, comment, &comments[n + 1..]);
        let owner = note.owner.map(str::to_owned);
        let (tag, line, severity) = (note.tag, comment.row + 1, Severity::Info);
        found.push((comment.start, Todo { tag, line, severity, item: None, owner, text }));
    }
    found
}

struct Note<'a> {
    tag: TodoTag,
    owner: Option<&'a str>,
    text: &'a str,
}

/// The note on one line of a comment, if there is one.
fn note(line: &str) -> Option<Note<'_>> {
    let start = line.trim_start_matches(['-', '*', '@', ' ', '[', ']']);
    let (tag, rest) = at_start(start).or_else(|| inside(line))?;
    let (owner, rest) = owner(rest);
    Some(Note { tag, owner, text: rest.trim_start_matches([':', '-', ' ', '\t', '!']).trim_end() })
}

/// A tag that the line starts with, and what is behind it.
fn at_start(line: &str) -> Option<(TodoTag, &str)> {
    TodoTag::ALL.iter().find_map(|&tag| {
        let head = line.get(..tag.as_str().len())?;
        let rest = &line[head.len()..];
        let capitals = head == tag.as_str() && ends_word(rest);
        let marked = head.eq_ignore_ascii_case(tag.as_str()) && rest.starts_with(':') && !rest.starts_with("::");
        (capitals || marked).then_some((tag, rest))
    })
}

/// A tag in capitals with `:` or `(` behind it and no word or quote before it.
fn inside(line: &str) -> Option<(TodoTag, &str)> {
    TodoTag::ALL.iter().find_map(|&tag| {
        let at = line.find(tag.as_str())?;
        let rest = &line[at + tag.as_str().len()..];
        let before = line[..at].chars().next_back();
        let apart = before.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '[' | '-' | '*'));
        let marked =
            (rest.starts_with(':') && !rest.starts_with("::")) || (rest.starts_with('(') && rest.contains(')'));
        (apart && marked).then_some((tag, rest))
    })
}

fn ends_word(rest: &str) -> bool {
    rest.chars().next().is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '/' | '`' | '"' | '\''))
}

/// What stands in brackets directly behind the tag.
fn owner(rest: &str) -> (Option<&str>, &str) {
    let parted = rest.strip_prefix('(').and_then(|inside| inside.split_once(')'));
    match parted {
        Some((owner, rest)) if !owner.trim().is_empty() => (Some(owner.trim()), rest),
        _ => (None, rest),
    }
}

fn with_continuation(text: &str, first: &Comment, following: &[Comment]) -> String {
    let indent = indent_of(first.whole);
    let mut joined = text.to_owned();
    for (row, next) in (first.row + 1..).zip(following) {
        let follows = next.row == row && next.leads && !next.text.is_empty() && note(next.text).is_none();
        if !follows || joined.len() > LONGEST_TEXT || !(indent_of(next.whole) > indent || goes_on(&joined, next.text)) {
            break;
        }
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(next.text);
    }
    clip(joined)
}

/// Whether a sentence that has begun goes on in the next line: nothing closes it and the line does not start another.
fn goes_on(sofar: &str, next: &str) -> bool {
    sofar.is_empty()
        || (!sofar.ends_with(['.', '!', '?', ':', ';']) && next.starts_with(|c: char| c.is_lowercase() || c == '`'))
}

/// Spaces between a comment's marker and its words.
fn indent_of(whole: &str) -> usize {
    let words = whole.trim_start().trim_start_matches(['/', '*', '#', '!', '-', '<', ';']);
    words.len() - words.trim_start().len()
}

fn clip(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Gives each note the innermost item around it, or the item whose comments it is among. One sweep: items and notes are both in
/// the order of the file.
fn name_items(found: &mut [(usize, Todo)], items: &[CodeItem]) {
    let mut ahead = items.iter().peekable();
    let mut open: Vec<&CodeItem> = Vec::new();
    for (offset, todo) in found {
        while let Some(item) = ahead.next_if(|item| item.bytes.start <= *offset) {
            while open.last().is_some_and(|o| o.bytes.end <= item.bytes.start) {
                open.pop();
            }
            open.push(item);
        }
        while open.last().is_some_and(|o| o.bytes.end <= *offset) {
            open.pop();
        }
        todo.item = open.last().map(|item| item.name.clone());
    }
}

fn name_headings(found: &mut [(usize, Todo)], headings: &[Heading]) {
    for (_, todo) in found {
        let above = headings.partition_point(|h| h.line <= todo.line);
        todo.item = above.checked_sub(1).and_then(|n| headings.get(n)).map(|h| h.text.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::FileSubject;
    use crate::domain::{Language, Role};

    fn todos(language: Language, text: &str) -> Vec<Todo> {
        report(&SourceFile::read(FileSubject { language, role: Role::Library, text, uses: &[] }).unwrap()).todos
    }

    #[test]
    fn notes_know_their_item_owner_and_text() {
        let text = "// TODO: top\n\nfn a() {\n    // FIXME(ann): one\n    //   more of it\n    // Not this\n}\n/// XXX before b\nfn b() {}\n";
        let found = todos(Language::RUST, text);
        let brief: Vec<_> =
            found.iter().map(|t| (t.tag, t.line, t.item.as_deref(), t.owner.as_deref(), t.text.as_str())).collect();
        assert_eq!(
            brief,
            [
                (TodoTag::Todo, 1, None, None, "top"),
                (TodoTag::Fixme, 4, Some("a"), Some("ann"), "one more of it"),
                (TodoTag::Xxx, 8, Some("b"), None, "before b"),
            ]
        );
    }

    #[test]
    fn prose_code_and_strings_are_no_notes() {
        let text = "// the `TODO:` tag; TODOs are fine; see the TODO list\nfn todo() { todo!(); \"// TODO: no\"; }\n// todo list\n";
        assert_eq!(todos(Language::RUST, text), []);
        assert_eq!(todos(Language::RUST, "// todo: yes\n// a line, then TODO(x): yes\n").len(), 2);
    }

    #[test]
    fn a_note_goes_on_with_its_sentence() {
        let text = |source| todos(Language::RUST, source)[0].text.clone();
        assert_eq!(text("// TODO: not needed if the\n// slot is free.\n// more\n"), "not needed if the slot is free.");
        assert_eq!(text("// TODO:\n// Spill arrays\n// Next\n"), "Spill arrays");
        assert_eq!(text("// TODO: one\n// Two\n"), "one");
        assert_eq!(text("a: u8, // TODO: one\nb: u8, // and of b\n"), "one");
    }

    #[test]
    fn other_languages_have_notes_too() {
        assert_eq!(todos(Language::PYTHON, "def f():\n    # HACK around it\n").len(), 1);
        assert_eq!(
            todos(Language::MARKDOWN, "# A\n\n<!-- TODO: b -->\nTODO: not a comment\n")[0].item.as_deref(),
            Some("A")
        );
        assert_eq!(todos(Language::C, "/*\n * TODO: x\n */\n")[0].line, 2);
    }
}
