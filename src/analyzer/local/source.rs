//! A file made ready for the four questions: its code where it is parsed, its comments and its lines.

use crate::analyzer::{AnalyzeError, Coverage, FileSubject, Lines};
use crate::language::comment::{self, Comment};
use crate::language::item::ParsedCode;
use crate::language::lines::{self, LineKind};
use crate::language::syntax::NoTree;
use crate::language::{Parsed, TextClass};

/// A file, parsed if its language is and the parser did not give up.
pub struct SourceFile<'a> {
    pub subject: FileSubject<'a>,
    pub code: Option<ParsedCode<'a>>,
    /// Of a text that is not parsed; `None`: the language has no comments, or they are the code's.
    scanned: Option<Vec<Comment<'a>>>,
    /// Of a text that is not parsed.
    scanned_lines: Vec<LineKind>,
}

impl<'a> SourceFile<'a> {
    /// # Errors
    /// [`AnalyzeError::Grammar`] when grammar and parser were built for different ABIs.
    pub fn read(subject: FileSubject<'a>) -> Result<Self, AnalyzeError> {
        Self::of(&Parsed::new(subject.language, subject.text), subject)
    }

    /// As [`SourceFile::read`], of a text that is parsed already.
    ///
    /// # Errors
    /// As [`SourceFile::read`].
    pub fn of(parsed: &Parsed<'a>, subject: FileSubject<'a>) -> Result<Self, AnalyzeError> {
        if let Err(NoTree::Unfit { grammar, reason }) = parsed.tree() {
            return Err(AnalyzeError::Grammar { grammar, reason: reason.clone() });
        }
        Ok(Self::new(subject, (subject.language.spec().code)(parsed, subject.role)))
    }

    fn new(subject: FileSubject<'a>, code: Option<ParsedCode<'a>>) -> Self {
        let scanned = if code.is_some() { None } else { comment::scan(subject.language, subject.text) };
        let scanned_lines = match &code {
            Some(_) => Vec::new(),
            None => lines::of_comments(subject.text, scanned.as_deref().unwrap_or_default()),
        };
        Self { subject, code, scanned, scanned_lines }
    }

    /// Its comments; none where the language has no syntax for them ([`SourceFile::has_comments`]).
    pub fn comments(&self) -> &[Comment<'a>] {
        match &self.code {
            Some(code) => &code.comments,
            None => self.scanned.as_deref().unwrap_or_default(),
        }
    }

    pub fn has_comments(&self) -> bool {
        self.code.is_some() || self.scanned.is_some()
    }

    pub fn lines(&self) -> &[LineKind] {
        self.code.as_ref().map_or(&self.scanned_lines, |code| &code.lines)
    }

    /// Languages without functions and items of their own: their size and indentation are what they are.
    pub fn is_prose_or_data(&self) -> bool {
        self.subject.language.class() != TextClass::Code
    }

    /// What every report says of how much was covered; `needs_syntax`: the report's type lives off the syntax tree.
    pub fn seen(&self, needs_syntax: bool) -> Coverage {
        let bytes = self.subject.text.len() as u64;
        let mut seen = Coverage {
            seen_lines: lines::count(self.subject.text),
            seen_bytes: bytes,
            file_bytes: bytes,
            ..Coverage::default()
        };
        if needs_syntax && !self.is_prose_or_data() && self.subject.language.spec().grammar.is_some() {
            seen.not_covered = match &self.code {
                Some(code) => code.not_covered.clone(),
                None => vec!["syntax: the parser gave up, so that only lines and comments were looked at".to_owned()],
            };
        }
        seen
    }
}

/// How many lines there are of each kind.
pub fn tally(kinds: &[LineKind]) -> Lines {
    let of = |kind| u32::try_from(kinds.iter().filter(|&&k| k == kind).count()).unwrap_or(u32::MAX);
    Lines {
        total: u32::try_from(kinds.len()).unwrap_or(u32::MAX),
        code: of(LineKind::Code),
        comment: of(LineKind::Comment),
        blank: of(LineKind::Blank),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::local::{code, docs, refactor, todos};
    use crate::domain::{Language, Role};

    #[test]
    fn rust_that_the_parser_gave_up_on_is_not_clean() {
        let text = "//! Words.\n\nfn f() {\n    // TODO: more\n    a.unwrap(); b.unwrap(); c.unwrap();\n}\n";
        let subject = FileSubject { language: Language::RUST, role: Role::Library, text, uses: &[] };
        let source = SourceFile::new(subject, None);
        assert_eq!(todos::report(&source).todos[0].line, 4);
        assert_eq!(code::report(&source).lines.comment, 2);
        assert_eq!(docs::report(&source).summary.map(|s| s.text).as_deref(), Some("Words."));
        for seen in [refactor::report(&source).seen, docs::report(&source).seen, code::report(&source).seen] {
            assert!(!seen.is_whole());
        }
    }

    #[test]
    fn rust_is_scanned_as_it_is_parsed() {
        let text = "fn f<'a>(c: char) { '\"'; '\\''; 'ü'; r#\"// \" no\"#; /* a /* b */ c */ \"// no\" } // yes\n";
        let source =
            SourceFile::read(FileSubject { language: Language::RUST, role: Role::Library, text, uses: &[] }).unwrap();
        assert_eq!(source.comments(), comment::scan(Language::RUST, text).unwrap());
        assert_eq!(source.comments().len(), 2);
    }

    #[test]
    fn both_ways_of_counting_agree_on_rust() {
        let text = "//! doc\r\n\r\nfn f() { // tail\r\n    /* a\r\n       b */\r\n    g(\"x\r\n\r\ny\");\r\n}\r\n";
        let subject = FileSubject { language: Language::RUST, role: Role::Library, text, uses: &[] };
        let parsed = tally(SourceFile::read(subject).unwrap().lines());
        assert_eq!(parsed, Lines { total: 9, code: 5, comment: 3, blank: 1 });
        let scanned = tally(SourceFile::new(subject, None).lines());
        assert_eq!((scanned.total, scanned.comment), (9, 3));
        assert_eq!(tally(&[]), Lines::default());
    }
}
