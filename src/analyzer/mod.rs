//! What a worker asks about one file: the [`Analyzer`] trait, what an analyzer is shown ([`FileSubject`]) and what it answers
//! ([`Analysis`]).
//!
//! An analysis is a function of its subject and of nothing else: no path, no clock, no other file. That is what lets the cache key
//! stand for it, and lets a rename or another repository reuse it.

pub mod items;
pub mod llm;
pub mod local;
mod render;
mod report;

pub use local::Local;
pub use render::render;
pub use report::{
    CodeReport, Confidence, Coverage, DocItem, DocsReport, Finding, FunctionMetrics, Heading, Lines, MemberCounts,
    Metric, RefactorReport, Severity, Smell, SmellKind, Summary, SummarySource, Todo, TodoTag, TodosReport, UsedSymbol,
};

use crate::domain::{AnalysisType, Hash, Language, Role, Used};

/// Version of the JSON of the reports; part of every cache key. Bump it when a field is renamed, removed or changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// What an analyzer is shown of a file. No path: a rename keeps its analyses.
#[derive(Clone, Copy, Debug)]
pub struct FileSubject<'a> {
    pub language: Language,
    pub role: Role,
    pub text: &'a str,
    /// Shown to [`AnalysisType::Analysis`] alone; the other types must not read it, because their cache key leaves it out.
    pub uses: &'a [DependencyUse],
}

/// One reference of the file to a symbol of another file of its repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DependencyUse {
    /// The reference as the file writes it.
    pub written: String,
    /// What kind of symbol it names, e.g. `function`.
    pub kind: String,
    /// The symbol's present signature; `None`: it resolves to nothing in the repository.
    pub signature: Option<String>,
}

impl From<Used> for DependencyUse {
    fn from((written, kind, signature): Used) -> Self {
        Self { written, kind, signature }
    }
}

/// Something that can answer the four questions about a file.
pub trait Analyzer: Send + Sync {
    /// Name of the model; part of the cache key. The analyzer in this program is `local`.
    fn model_id(&self) -> &str;

    /// Hash of the instructions on how to answer, for one type; part of the cache key.
    fn prompt_hash(&self, analysis_type: AnalysisType) -> Hash;

    /// Answers one question about one file.
    ///
    /// # Errors
    /// When no report could be made at all. A file that does not parse is no error: the report says what was not covered.
    fn analyze(&self, analysis_type: AnalysisType, subject: &FileSubject) -> Result<Analysis, AnalyzeError>;
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum AnalyzeError {
    #[error(
        "the {grammar} grammar does not fit this build's parser ({reason}); build again from a clean checkout with its Cargo.lock"
    )]
    Grammar { grammar: &'static str, reason: String },
    #[error("a {analysis_type} report is not what this version writes ({reason}); the file has to be analysed again")]
    Malformed { analysis_type: AnalysisType, reason: serde_json::Error },
    #[error("the {analysis_type} report could not be written as JSON ({reason}); please report this as a bug")]
    Unwritable { analysis_type: AnalysisType, reason: serde_json::Error },
}

/// A typed, validated answer about one file.
#[derive(Clone, Debug, PartialEq)]
pub enum Analysis {
    Refactor(RefactorReport),
    Docs(DocsReport),
    Analysis(CodeReport),
    Todos(TodosReport),
}

impl Analysis {
    /// Which question this answers.
    pub const fn analysis_type(&self) -> AnalysisType {
        match self {
            Self::Refactor(_) => AnalysisType::Refactor,
            Self::Docs(_) => AnalysisType::Docs,
            Self::Analysis(_) => AnalysisType::Analysis,
            Self::Todos(_) => AnalysisType::Todos,
        }
    }

    /// How much of the file was covered.
    pub const fn seen(&self) -> &Coverage {
        match self {
            Self::Refactor(report) => &report.seen,
            Self::Docs(report) => &report.seen,
            Self::Analysis(report) => &report.seen,
            Self::Todos(report) => &report.seen,
        }
    }

    /// The report as JSON, without its type: that is stored next to it.
    ///
    /// # Errors
    /// [`AnalyzeError::Unwritable`], which no report made here can cause.
    pub fn to_json(&self) -> Result<String, AnalyzeError> {
        let written = match self {
            Self::Refactor(report) => serde_json::to_string(report),
            Self::Docs(report) => serde_json::to_string(report),
            Self::Analysis(report) => serde_json::to_string(report),
            Self::Todos(report) => serde_json::to_string(report),
        };
        written.map_err(|reason| AnalyzeError::Unwritable { analysis_type: self.analysis_type(), reason })
    }

    /// Reads what [`Analysis::to_json`] wrote.
    ///
    /// # Errors
    /// [`AnalyzeError::Malformed`] when the JSON is not a report of this type and [`SCHEMA_VERSION`].
    pub fn from_json(analysis_type: AnalysisType, json: &str) -> Result<Self, AnalyzeError> {
        let read = match analysis_type {
            AnalysisType::Refactor => serde_json::from_str(json).map(Self::Refactor),
            AnalysisType::Docs => serde_json::from_str(json).map(Self::Docs),
            AnalysisType::Analysis => serde_json::from_str(json).map(Self::Analysis),
            AnalysisType::Todos => serde_json::from_str(json).map(Self::Todos),
        };
        read.map_err(|reason| AnalyzeError::Malformed { analysis_type, reason })
    }
}
