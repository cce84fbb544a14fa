//! The questions that an analysis answers.

use std::fmt;

named! {
    /// The four questions that an analysis answers.
    AnalysisType {
        Refactor = "refactor",
        Docs = "docs",
        Analysis = "analysis",
        Todos = "todos",
    }
}

/// What is fixed about one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnalysisSpec {
    /// Whether the local analyzer takes into account what the file uses of other files.
    pub local_sees_dependencies: bool,
    /// Whether a model is shown what the file uses of other files.
    pub model_sees_dependencies: bool,
}

impl AnalysisType {
    pub const fn spec(self) -> AnalysisSpec {
        AnalysisSpec {
            local_sees_dependencies: matches!(self, Self::Analysis),
            model_sees_dependencies: matches!(self, Self::Analysis | Self::Refactor),
        }
    }
}
