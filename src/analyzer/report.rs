//! The reports, as they are stored and shown in JSON: this is a border, so serde lives here.
//!
//! Lines are 1-based and inclusive. [`super::SCHEMA_VERSION`] names this shape.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::language::item::MemberCounts;
pub use crate::language::markdown::Heading;
pub use crate::language::smell::{Confidence, Metric, Severity, Smell, SmellKind};

/// How much of the file was covered. A report on less than the whole file must not read as "clean".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Lines covered.
    pub seen_lines: u32,
    /// Bytes covered.
    pub seen_bytes: u64,
    /// Bytes the file has.
    pub file_bytes: u64,
    /// What a reader could expect in this report and was not looked for, and why; empty: nothing was left out.
    pub not_covered: Vec<String>,
    /// Secrets that were replaced before the text left this machine: how many, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub redacted: BTreeMap<String, u32>,
}

impl Coverage {
    /// Whether the report speaks of the whole file and of everything its type promises.
    pub fn is_whole(&self) -> bool {
        self.seen_bytes == self.file_bytes && self.not_covered.is_empty()
    }
}

/// Answer to `refactor`: smells, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefactorReport {
    #[serde(flatten)]
    pub seen: Coverage,
    pub smells: Vec<Smell>,
}

/// Where a summary was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SummarySource {
    /// The module's own documentation (`//!`).
    ModuleDoc,
    /// The documentation of the largest public item, because the module has none.
    ItemDoc,
    /// The comment or docstring at the top of the file.
    LeadingComment,
    /// What a package's manifest says it is.
    PackageDescription,
    /// The text under a Markdown title, or the title itself.
    Heading,
    /// A model wrote it.
    Model,
}

/// What the file is for, in a paragraph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub source: SummarySource,
    /// The item it documents, for [`SummarySource::ItemDoc`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    pub line: u32,
    pub text: String,
}

/// One public item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocItem {
    /// `fn`, `struct`, `enum`, `union`, `trait`, `mod`, `const`, `static`, `type` or `macro`.
    pub kind: String,
    pub name: String,
    pub line: u32,
    pub documented: bool,
    /// First line of its documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_line: Option<String>,
    /// Sections its signature or body calls for and its documentation lacks: `Errors`, `Panics`, `Safety`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_sections: Vec<String>,
    /// What a model would write as the first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// Answer to `docs`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DocsReport {
    #[serde(flatten)]
    pub seen: Coverage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    pub items: Vec<DocItem>,
    pub members: MemberCounts,
    /// Documented items in percent of all public items; none: there are no public items (or they were not looked for).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage_percent: Option<f64>,
    pub headings: Vec<Heading>,
}

/// Lines by what is on them; a line with code and a comment is code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    pub total: u32,
    pub code: u32,
    pub comment: u32,
    pub blank: u32,
}

/// One function, measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionMetrics {
    pub name: String,
    pub start_line: u32,
    pub end_line: u32,
    /// Lines with code on them.
    pub code_lines: u32,
    /// Parameters, `self` included.
    pub parameters: u32,
    /// Cyclomatic complexity.
    pub cyclomatic: u32,
    /// Cognitive complexity.
    pub cognitive: u32,
    /// Deepest nesting of control flow.
    pub nesting: u32,
    /// Whether it is compiled for tests alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
}

/// A symbol of another file that this file uses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UsedSymbol {
    /// As the file writes it.
    pub written: String,
    pub kind: String,
    /// Its present signature; none: it resolves to nothing in the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// One thing that a model finds wrong or risky.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub severity: Severity,
    pub start_line: u32,
    pub end_line: u32,
    /// The item it is in, e.g. `Config::load`; none: the file itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    pub message: String,
    /// How sure the model is; none: it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
}

/// Answer to `analysis`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CodeReport {
    #[serde(flatten)]
    pub seen: Coverage,
    pub lines: Lines,
    pub functions: Vec<FunctionMetrics>,
    /// Maintainability index, 0 (worst) to 100; none: no function outside tests, or not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintainability: Option<f64>,
    /// Number of public items by kind; `use`: re-exports.
    pub public_surface: BTreeMap<String, u32>,
    /// Symbols of other files, with their present signatures.
    pub uses: Vec<UsedSymbol>,
    /// References into this repository that resolve to nothing.
    pub unresolved: Vec<UsedSymbol>,
    /// What the code does, in a model's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What a model finds wrong or risky, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// What kind of note it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TodoTag {
    Fixme,
    Hack,
    Todo,
    Xxx,
}

impl TodoTag {
    pub const ALL: [Self; 4] = [Self::Fixme, Self::Hack, Self::Todo, Self::Xxx];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fixme => "FIXME",
            Self::Hack => "HACK",
            Self::Todo => "TODO",
            Self::Xxx => "XXX",
        }
    }
}

/// One note that something is left to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Todo {
    pub tag: TodoTag,
    pub line: u32,
    /// A note of the authors is no defect.
    #[serde(default = "info")]
    pub severity: Severity,
    /// The item it is in or stands before; in Markdown the heading above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// What stands in brackets behind the tag: a person or an issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    pub text: String,
}

const fn info() -> Severity {
    Severity::Info
}

/// Answer to `todos`, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TodosReport {
    #[serde(flatten)]
    pub seen: Coverage,
    pub todos: Vec<Todo>,
}
