//! The analyzer that is always there: free, offline, deterministic. It reads Rust off its syntax tree; of other languages it counts lines,
//! reads comments, headings and the opening words, measures size and indentation, and says what it did not cover.

mod code;
mod docs;
mod draft;
#[cfg(test)]
mod golden;
mod maintainability;
mod preface;
mod refactor;
mod source;
mod todos;

use std::cell::OnceCell;

use crate::analyzer::{Analysis, AnalyzeError, Analyzer, FileSubject};
use crate::domain::{AnalysisType, Hash};
use source::SourceFile;

pub use draft::{DraftAnswer, LocalDraft};

/// Version of the rules behind each type. Bump a type's number whenever its report on some text can change: what is cached under the
/// old number is then made again. The test `golden` fails when the output changed and the number did not.
pub const fn rules_version(analysis_type: AnalysisType) -> u32 {
    match analysis_type {
        AnalysisType::Refactor => 3,
        AnalysisType::Docs => 3,
        AnalysisType::Analysis => 3,
        AnalysisType::Todos => 3,
    }
}

/// The local analyzer. It holds no state.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local;

impl Local {
    pub const MODEL_ID: &'static str = "local";
}

impl Local {
    /// The answers to all four questions, in the order of [`AnalysisType::ALL`], from one parse.
    ///
    /// # Errors
    /// As [`Analyzer::analyze`].
    pub fn analyze_all(&self, subject: &FileSubject) -> Result<Vec<Analysis>, AnalyzeError> {
        let file = self.open(*subject);
        AnalysisType::ALL.iter().map(|&analysis_type| file.analyze(analysis_type)).collect()
    }
}

/// A file that several questions are asked about: it is parsed when the first one is answered, and not again.
pub struct OpenFile<'a> {
    subject: FileSubject<'a>,
    source: OnceCell<SourceFile<'a>>,
}

impl Local {
    pub fn open<'a>(&self, subject: FileSubject<'a>) -> OpenFile<'a> {
        OpenFile { subject, source: OnceCell::new() }
    }
}

impl OpenFile<'_> {
    /// # Errors
    /// As [`Analyzer::analyze`].
    pub fn analyze(&self, analysis_type: AnalysisType) -> Result<Analysis, AnalyzeError> {
        let source = match self.source.get() {
            Some(source) => source,
            None => {
                let source = SourceFile::read(self.subject)?;
                self.source.get_or_init(|| source)
            }
        };
        Ok(answer(analysis_type, source))
    }
}

impl Analyzer for Local {
    fn model_id(&self) -> &str {
        Self::MODEL_ID
    }

    fn prompt_hash(&self, analysis_type: AnalysisType) -> Hash {
        let version = rules_version(analysis_type).to_le_bytes();
        Hash::of_fields([Self::MODEL_ID.as_bytes(), analysis_type.as_str().as_bytes(), &version])
    }

    fn analyze(&self, analysis_type: AnalysisType, subject: &FileSubject) -> Result<Analysis, AnalyzeError> {
        Ok(answer(analysis_type, &SourceFile::read(*subject)?))
    }
}

fn answer(analysis_type: AnalysisType, source: &SourceFile) -> Analysis {
    match analysis_type {
        AnalysisType::Refactor => Analysis::Refactor(refactor::report(source)),
        AnalysisType::Docs => Analysis::Docs(docs::report(source)),
        AnalysisType::Analysis => Analysis::Analysis(code::report(source)),
        AnalysisType::Todos => Analysis::Todos(todos::report(source)),
    }
}

#[cfg(test)]
mod hostile {
    use std::time::Duration;

    use super::*;
    use crate::analyzer::{Severity, render};
    use crate::domain::{Language, Role};

    /// What a thread of the worker's pool has; nothing here may need more.
    const STACK_BYTES: usize = 2 << 20;

    /// When a test counts as hanging. A quadratic walk over one of these inputs takes minutes, all of them together a second.
    const HANGS_AFTER: Duration = Duration::from_secs(300);

    /// Inputs of every ugly shape; `size` repetitions, ten times as many where only depth hurts.
    fn inputs(size: usize) -> Vec<(&'static str, String)> {
        let deep =
            |open: &str, close: &str, depth| format!("fn f() {{ {}1{} }}", open.repeat(depth), close.repeat(depth));
        vec![
            ("empty", String::new()),
            ("nul", "\0".repeat(4096)),
            ("nul in code", "fn f() { \0\0 }\r\n\0// TODO: \0\n".into()),
            ("parens", deep("(", ")", 10 * size)),
            ("open parens", "(".repeat(10 * size)),
            ("close parens", ")".repeat(10 * size)),
            ("blocks", deep("{", "}", 10 * size)),
            ("ifs", deep("if a {", "}", size)),
            ("else ifs", format!("fn f() {{ if a {{}} {} }}", "else if a {} ".repeat(size))),
            ("functions", deep("fn a() {\n", "}", size)),
            ("modules", format!("{}{}", "mod a {\n".repeat(size), "}".repeat(size))),
            ("closures", deep("|| ", "", size)),
            ("operators", format!("fn f() {{ {} a }}", "a && b || ".repeat(size))),
            ("generics", format!("type T = {}u8{};", "Vec<".repeat(size), ">".repeat(size))),
            ("block comments", "/*".repeat(10 * size)),
            ("attributes", format!("{}fn f() {{}}", "#[a]\n".repeat(size))),
            ("doc comments", format!("{}fn f() {{}}", "/// TODO: a\n".repeat(size))),
            ("unsafe", format!("fn f() {{ {} }}", "unsafe { a() }; ".repeat(size))),
            ("quotes", "\"'".repeat(size)),
            ("hashes", "r#".repeat(size)),
            ("fences", "```\n# a\n".repeat(size)),
            ("headings", "a\n=\n\n".repeat(size)),
            ("crlf", "//! Doc\r\n\r\npub fn f() {\r\n    // TODO: x\r\n}\r\n".repeat(size / 50)),
            ("cr", "// TODO: x\r".repeat(size)),
            ("non-ascii", "/// Grüße 你好 🦀\npub fn größe() { let ü = \"你好\"; } // TODO(ü): 🦀\n".repeat(size / 50)),
            ("long word", "a".repeat(1 << 20)),
            ("long comment", format!("// {}", "TODO: x ".repeat((1 << 20) / 8))),
            ("binary looking", (0..60_000_u32).filter_map(|n| char::from_u32(n * 7 % 0x2FFF)).collect()),
        ]
    }

    fn analyze(language: Language, name: &str, text: &str) {
        let subject = FileSubject { language, role: Role::Library, text, uses: &[] };
        println!("{name} as {language}");
        let analyses = Local.analyze_all(&subject).unwrap();
        for analysis in analyses {
            assert_eq!(analysis.seen().seen_bytes, text.len() as u64, "{name}");
            let json = analysis.to_json().unwrap();
            assert_eq!(Analysis::from_json(analysis.analysis_type(), &json).unwrap(), analysis, "{name}");
            let mut shown = String::new();
            render(&analysis, Severity::Info, &mut shown).unwrap();
            assert!(!shown.is_empty());
        }
    }

    fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
        let (done, ended) = std::sync::mpsc::channel::<()>();
        let work = move || {
            work();
            drop(done);
        };
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).unwrap();
        let ended = ended.recv_timeout(HANGS_AFTER);
        assert_ne!(ended, Err(std::sync::mpsc::RecvTimeoutError::Timeout), "the input printed last hangs");
        thread.join().unwrap();
    }

    #[test]
    fn hostile_rust_neither_panics_nor_hangs() {
        on_a_small_stack(|| {
            let long_line = format!("fn f() {{ {} }}", "a(b, 1); ".repeat((1 << 20) / 9));
            for (name, text) in inputs(10_000).into_iter().chain([("long line", long_line)]) {
                analyze(Language::RUST, name, &text);
            }
        });
    }

    #[test]
    fn hostile_text_neither_panics_nor_hangs_in_any_language() {
        on_a_small_stack(|| {
            for language in Language::all().filter(|&l| l != Language::RUST) {
                for (name, text) in inputs(1_000) {
                    analyze(language, name, &text);
                }
            }
        });
    }

    #[test]
    fn every_cut_of_a_file_is_input() {
        let text = include_str!("todos.rs");
        for end in (0..text.len()).step_by(997).filter(|&end| text.is_char_boundary(end)) {
            analyze(Language::RUST, "cut", &text[..end]);
        }
    }
}
