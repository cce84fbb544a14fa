//! The answers about a file, made while it is parsed for its outline and kept until its jobs ask for them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::source::SourceFile;
use super::{answer, code};
use crate::analyzer::{Analysis, DependencyUse, FileSubject};
use crate::domain::{AnalysisType, Role};
use crate::language::{Parsed, stored};

/// Answers to the four questions about one text, but for what it uses of other files.
#[derive(Debug, Default)]
pub struct LocalDraft {
    answers: Vec<DraftAnswer>,
}

/// The answer to one of them.
#[derive(Debug)]
pub struct DraftAnswer {
    analysis_type: AnalysisType,
    /// As JSON, compressed: the drafts of a whole repository wait for their jobs.
    packed: Box<[u8]>,
    /// What making it took, with the other answers and the parse: as long as making it again would.
    pub took: Duration,
}

impl LocalDraft {
    /// Answers all questions about a parsed text. `took` is asked at the end how long it took. `None` if that is not possible: who
    /// asks for a single answer is then told why.
    pub fn make(parsed: &Parsed<'_>, role: Role, took: impl Fn() -> Duration) -> Option<Self> {
        let subject = FileSubject { language: parsed.language, role, text: parsed.text, uses: &[] };
        let answers = || {
            let source = SourceFile::of(parsed, subject).ok()?;
            Some(AnalysisType::ALL.iter().map(|&of| answer(of, &source)).collect::<Vec<_>>())
        };
        // A fault in a rule costs the one answer, when its job runs into it; here it must not cost the file.
        let answers = catch_unwind(AssertUnwindSafe(answers)).ok()??;
        let took = took();
        let answer = |analysis: Analysis| {
            let packed = stored::packed(analysis.to_json().ok()?.as_bytes()).into();
            Some(DraftAnswer { analysis_type: analysis.analysis_type(), packed, took })
        };
        Some(Self { answers: answers.into_iter().map(answer).collect::<Option<_>>()? })
    }

    /// Takes one answer out; `None`: it was taken before.
    pub fn take(&mut self, analysis_type: AnalysisType) -> Option<DraftAnswer> {
        let at = self.answers.iter().position(|answer| answer.analysis_type == analysis_type)?;
        Some(self.answers.swap_remove(at))
    }

    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }
}

impl DraftAnswer {
    /// The whole answer. `uses`: what the file uses of others, for the question that is about it. `None`: there was no memory to pack it.
    pub fn complete(&self, uses: &[DependencyUse]) -> Option<Analysis> {
        let mut analysis = Analysis::from_json(self.analysis_type, &self.drafted()?).ok()?;
        if let Analysis::Analysis(report) = &mut analysis {
            code::add_uses(report, uses);
        }
        Some(analysis)
    }

    /// The same as JSON, which is at hand where the file uses nothing.
    pub fn json(&self, uses: &[DependencyUse]) -> Option<String> {
        if uses.is_empty() { self.drafted() } else { self.complete(uses)?.to_json().ok() }
    }

    fn drafted(&self) -> Option<String> {
        String::from_utf8(stored::unpacked(&self.packed)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::{Analyzer, Local};
    use crate::domain::Language;

    #[test]
    fn a_draft_is_completed_to_the_answer() {
        let uses = [
            DependencyUse { written: "crate::b".into(), kind: "function".into(), signature: None },
            DependencyUse { written: "crate::a".into(), kind: "function".into(), signature: Some("fn a()".into()) },
        ];
        for language in Language::all() {
            let text = language.spec().sample;
            let mut draft = LocalDraft::make(&Parsed::new(language, text), Role::Test, Duration::default).unwrap();
            for of in AnalysisType::ALL.iter().copied() {
                let uses = if of.spec().local_sees_dependencies { &uses[..] } else { &[] };
                let subject = FileSubject { language, role: Role::Test, text, uses };
                let (draft, answer) = (draft.take(of).unwrap(), Local.analyze(of, &subject).unwrap());
                assert_eq!(draft.complete(uses).unwrap(), answer, "{language} {of}");
                assert_eq!(draft.json(uses).unwrap(), answer.to_json().unwrap(), "{language} {of}");
            }
            assert!(draft.is_empty() && draft.take(AnalysisType::Docs).is_none());
        }
    }
}
