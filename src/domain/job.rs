//! Jobs: what they make, in which order and why.

use std::fmt;

use super::{AnalysisType, FilePath};

/// What a job does: at most one result, one cache key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobKind {
    Embed,
    /// The local analyzer's answer.
    Analyze(AnalysisType),
    /// A model's answer to the same question. A kind of its own, because both are kept and either may wait alone.
    Ask(AnalysisType),
}

impl JobKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embed => "embed",
            Self::Analyze(AnalysisType::Refactor) => "analyze:refactor",
            Self::Analyze(AnalysisType::Docs) => "analyze:docs",
            Self::Analyze(AnalysisType::Analysis) => "analyze:analysis",
            Self::Analyze(AnalysisType::Todos) => "analyze:todos",
            Self::Ask(AnalysisType::Refactor) => "ask:refactor",
            Self::Ask(AnalysisType::Docs) => "ask:docs",
            Self::Ask(AnalysisType::Analysis) => "ask:analysis",
            Self::Ask(AnalysisType::Todos) => "ask:todos",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => (text == "embed").then_some(Self::Embed),
            Some(("analyze", analysis_type)) => AnalysisType::parse(analysis_type).map(Self::Analyze),
            Some(("ask", analysis_type)) => AnalysisType::parse(analysis_type).map(Self::Ask),
            Some(_) => None,
        }
    }

    /// Which question it answers; none for embeddings.
    pub const fn analysis_type(self) -> Option<AnalysisType> {
        match self {
            Self::Embed => None,
            Self::Analyze(analysis_type) | Self::Ask(analysis_type) => Some(analysis_type),
        }
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

named! {
    JobState {
        Queued = "queued",
        Running = "running",
        Parked = "parked",
        Done = "done",
        Discarded = "discarded",
        Superseded = "superseded",
        Quarantined = "quarantined",
    }
}

/// Order of work; lower runs first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    Critical = 0,
    High = 1,
    Normal = 2,
    Low = 3,
}

impl Priority {
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == text)
    }
}

/// Who caused a job; inside one priority, lower runs first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    Person = 0,
    Changed = 1,
    Dependent = 2,
    Backfill = 3,
}

impl Origin {
    pub const ALL: [Self; 4] = [Self::Person, Self::Changed, Self::Dependent, Self::Backfill];
}

/// Why a result has to be made again. Kept on the job and shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StaleReason {
    Missing,
    ContentChanged,
    DependencyChanged { symbol: String, file: FilePath },
    PromptChanged,
    ModelChanged,
    ConfigChanged,
    SchemaChanged,
    Expired,
}

impl StaleReason {
    /// The variant's stored name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::ContentChanged => "content-changed",
            Self::DependencyChanged { .. } => "dependency-changed",
            Self::PromptChanged => "prompt-changed",
            Self::ModelChanged => "model-changed",
            Self::ConfigChanged => "config-changed",
            Self::SchemaChanged => "schema-changed",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for StaleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DependencyChanged { symbol, file } => write!(f, "dependency-changed: {symbol} of {file}"),
            other => f.write_str(other.code()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_job_parses_back() {
        for &t in AnalysisType::ALL {
            for kind in [JobKind::Analyze(t), JobKind::Ask(t)] {
                assert_eq!(JobKind::parse(kind.as_str()), Some(kind));
            }
        }
        assert_eq!(JobKind::parse("embed"), Some(JobKind::Embed));
        assert_eq!(JobKind::parse("embed:docs"), None);
    }
}
