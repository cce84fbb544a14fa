//! A file made ready to be looked at: the syntax tree where there is one, its comments and its lines.

use super::complexity::{self, Complexity};
use super::items::{self, Item};
use super::lines::{self, CodeLines, LineKind};
use crate::analyzer::{AnalyzeError, Coverage, Subject};
use crate::domain::{Language, Role};
use crate::language::comment::{self, Comment};
use crate::language::rust::tree::{Field, Id, Kind, Syntax};
use crate::language::syntax::NoTree;
use crate::language::{Class, Parsed};

/// Macro calls with at least this many lines hold code that is worth saying was not looked at.
const LONG_MACRO_LINES: u32 = 10;

/// A file, parsed if it is Rust and the parser did not give up.
pub struct Source<'a> {
    pub subject: Subject<'a>,
    pub rust: Option<RustSource<'a>>,
    /// `None`: the language has no comments.
    pub comments: Option<Vec<Comment<'a>>>,
    pub lines: Vec<LineKind>,
}

/// What only a parsed file has.
pub struct RustSource<'a> {
    pub syntax: Syntax<'a>,
    pub items: Vec<Item>,
    /// Functions with a body.
    pub functions: Vec<Function>,
    pub code: CodeLines,
}

/// A function with a body, measured.
pub struct Function {
    pub id: Id,
    pub body: Id,
    pub name: String,
    pub start_line: u32,
    pub end_line: u32,
    pub code_lines: u32,
    pub parameters: u32,
    pub complexity: Complexity,
    /// Compiled for tests alone, or part of a file whose role is not the product.
    pub test: bool,
    pub of_trait_impl: bool,
}

impl<'a> Source<'a> {
    /// # Errors
    /// [`AnalyzeError::Grammar`], see [`Syntax::parse`].
    pub fn read(subject: Subject<'a>) -> Result<Self, AnalyzeError> {
        let parsed = Parsed::new(subject.language, subject.text);
        let syntax = match Syntax::of(&parsed) {
            _ if subject.language != Language::RUST => None,
            Ok(syntax) => Some(syntax),
            Err(NoTree::Unfit { grammar, reason }) => {
                return Err(AnalyzeError::Grammar { grammar, reason: reason.clone() });
            }
            Err(_) => None,
        };
        Ok(Self::new(subject, syntax))
    }

    fn new(subject: Subject<'a>, syntax: Option<Syntax<'a>>) -> Self {
        let (comments, lines) = match &syntax {
            Some(syntax) => (Some(of_syntax(syntax)), lines::of_syntax(syntax)),
            None => {
                let comments = comment::scan(subject.language, subject.text);
                let lines = lines::of_comments(subject.text, comments.as_deref().unwrap_or_default());
                (comments, lines)
            }
        };
        let rust = syntax.map(|syntax| RustSource::new(syntax, subject.role, &lines));
        Self { subject, rust, comments, lines }
    }

    /// Languages without functions and items of their own: their size and indentation are what they are.
    pub fn is_prose_or_data(&self) -> bool {
        self.subject.language.class() != Class::Code
    }

    /// What every report says of how much was looked at; `needs_syntax`: the report's type lives off the syntax tree.
    pub fn seen(&self, needs_syntax: bool) -> Coverage {
        let bytes = self.subject.text.len() as u64;
        let mut seen = Coverage {
            seen_lines: lines::count(self.subject.text),
            seen_bytes: bytes,
            file_bytes: bytes,
            ..Coverage::default()
        };
        if needs_syntax && self.subject.language == Language::RUST {
            seen.not_covered = self.unparsed();
        }
        seen
    }

    fn unparsed(&self) -> Vec<String> {
        let Some(rust) = &self.rust else {
            return vec!["syntax: the parser gave up, so that only lines and comments were looked at".to_owned()];
        };
        let mut notes = Vec::new();
        let broken = rust.syntax.broken_lines();
        if !broken.is_empty() {
            notes.push(format!(
                "{} that {} not parse ({})",
                plural(broken.len(), "passage"),
                if broken.len() == 1 { "does" } else { "do" },
                list_lines(&broken)
            ));
        }
        let macros = rust.long_macros();
        if !macros.is_empty() {
            notes.push(format!("code inside {} ({})", plural(macros.len(), "long macro call"), list_lines(&macros)));
        }
        notes
    }
}

impl<'a> RustSource<'a> {
    fn new(syntax: Syntax<'a>, role: Role, lines: &[LineKind]) -> Self {
        let items = items::items(&syntax);
        let code = CodeLines::new(lines);
        let functions = items.iter().filter_map(|item| Function::new(&syntax, item, role, &code)).collect();
        Self { syntax, items, functions, code }
    }

    /// First lines of the outermost macro calls whose braces hold many lines that the grammar sees as bare tokens.
    fn long_macros(&self) -> Vec<u32> {
        let calls = (0..self.syntax.len()).filter(|&id| self.syntax.kind(id) == Kind::MacroInvocation);
        let lines = calls.map(|id| self.syntax.lines(id));
        lines.filter(|(start, end)| end - start + 1 >= LONG_MACRO_LINES).map(|(start, _)| start).collect()
    }
}

impl Function {
    fn new(syntax: &Syntax, item: &Item, role: Role, code: &CodeLines) -> Option<Self> {
        if syntax.kind(item.id) != Kind::FunctionItem {
            return None;
        }
        let body = syntax.child_in_field(item.id, Field::Body)?;
        let (start_line, end_line) = syntax.lines(item.id);
        let parameters = syntax.child_in_field(item.id, Field::Parameters);
        Some(Self {
            id: item.id,
            body,
            name: item.name.clone(),
            start_line,
            end_line,
            code_lines: code.between(start_line, end_line),
            parameters: parameters.map_or(0, |list| count_parameters(syntax, list)),
            complexity: complexity::measure(syntax, item.id),
            test: item.test || matches!(role, Role::Test | Role::Bench),
            of_trait_impl: item.of_trait_impl,
        })
    }
}

fn count_parameters(syntax: &Syntax, list: Id) -> u32 {
    let parameters = syntax.children(list).filter(|&c| matches!(syntax.kind(c), Kind::Parameter | Kind::SelfParameter));
    u32::try_from(parameters.count()).unwrap_or(u32::MAX)
}

fn of_syntax<'a>(syntax: &Syntax<'a>) -> Vec<Comment<'a>> {
    let comments = (0..syntax.len()).filter(|&id| syntax.kind(id).is_comment());
    comment::at(syntax.text, comments.map(|id| syntax.node(id).start as usize..syntax.node(id).end as usize))
}

/// `3 functions`, `1 function`.
pub fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `line 4`, `lines 4, 9, 12`, at most five of them.
pub fn list_lines(lines: &[u32]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = lines.iter().take(SHOWN).map(u32::to_string).collect();
    let more = if lines.len() > SHOWN { ", …" } else { "" };
    format!("line{} {}{more}", if lines.len() == 1 { "" } else { "s" }, shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::local::{code, docs, refactor, todos};

    #[test]
    fn rust_that_the_parser_gave_up_on_is_not_clean() {
        let text = "//! Words.\n\nfn f() {\n    // TODO: more\n    a.unwrap(); b.unwrap(); c.unwrap();\n}\n";
        let subject = Subject { language: Language::RUST, role: Role::Library, text, uses: &[] };
        let source = Source::new(subject, None);
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
        let syntax = Syntax::parse(text);
        let parsed: Vec<_> = of_syntax(&syntax).into_iter().map(|c| (c.row, c.text)).collect();
        assert_eq!(
            parsed,
            comment::scan(Language::RUST, text).unwrap().into_iter().map(|c| (c.row, c.text)).collect::<Vec<_>>()
        );
        assert_eq!(parsed.len(), 2);
    }
}
