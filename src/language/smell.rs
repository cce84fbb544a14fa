//! What asks for another shape, as languages find it and reports store it: this is a border, so serde lives here.

use serde::{Deserialize, Serialize};

/// Lines of code outside tests; default of pylint's `max-module-lines`.
pub const MOST_FILE_LINES: u32 = 1000;

/// How much a smell matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warning,
    Error,
}

impl Severity {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// How sure the one who says it is. The text forms are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

/// What is wrong. The text forms are stored: add kinds, never rename one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmellKind {
    AsyncVoid,
    BareExcept,
    BoolParameters,
    BroadExcept,
    CognitiveComplexity,
    ConsoleOutput,
    DeepIndentation,
    DeepNesting,
    DeferInLoop,
    DuplicateBody,
    ExplicitAny,
    IdentityComparison,
    LargeFile,
    LargeImpl,
    LargeStruct,
    LongFunction,
    LongLines,
    LongMatch,
    ManyParameters,
    MissingAnnotation,
    MutableDefault,
    NeedlessBool,
    NonNullAssertions,
    Panics,
    PublicField,
    StarImport,
    SwallowedErrors,
    UnboundedCopy,
    UndocumentedUnsafe,
    Unfinished,
    UnusedImport,
    UnusualSignature,
    /// What a model names and no rule here does; its message says what it is.
    Other,
}

impl SmellKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AsyncVoid => "async-void",
            Self::BareExcept => "bare-except",
            Self::BoolParameters => "bool-parameters",
            Self::BroadExcept => "broad-except",
            Self::CognitiveComplexity => "cognitive-complexity",
            Self::ConsoleOutput => "console-output",
            Self::DeepIndentation => "deep-indentation",
            Self::DeepNesting => "deep-nesting",
            Self::DeferInLoop => "defer-in-loop",
            Self::DuplicateBody => "duplicate-body",
            Self::ExplicitAny => "explicit-any",
            Self::IdentityComparison => "identity-comparison",
            Self::LargeFile => "large-file",
            Self::LargeImpl => "large-impl",
            Self::LargeStruct => "large-struct",
            Self::LongFunction => "long-function",
            Self::LongLines => "long-lines",
            Self::LongMatch => "long-match",
            Self::ManyParameters => "many-parameters",
            Self::MissingAnnotation => "missing-annotation",
            Self::MutableDefault => "mutable-default",
            Self::NeedlessBool => "needless-bool",
            Self::NonNullAssertions => "non-null-assertions",
            Self::Panics => "panics",
            Self::PublicField => "public-field",
            Self::StarImport => "star-import",
            Self::SwallowedErrors => "swallowed-errors",
            Self::UnboundedCopy => "unbounded-copy",
            Self::UndocumentedUnsafe => "undocumented-unsafe",
            Self::Unfinished => "unfinished",
            Self::UnusedImport => "unused-import",
            Self::UnusualSignature => "unusual-signature",
            Self::Other => "other",
        }
    }
}

/// A measured value and the limit that it passed, in the unit the smell's message names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    pub value: u32,
    pub limit: u32,
}

/// One place that asks for another shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smell {
    pub kind: SmellKind,
    pub severity: Severity,
    pub start_line: u32,
    pub end_line: u32,
    /// The item it is in, e.g. `Config::load`; none: the file itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// None: it was found by a rule, or its finder does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
}

/// A smell measured against a limit that it passed.
pub fn over(kind: SmellKind, lines: (u32, u32), item: Option<&str>, value: u32, limit: u32, message: String) -> Smell {
    let severity = if value > limit.saturating_mul(2) { Severity::Error } else { Severity::Warning };
    Smell { metric: Some(Metric { value, limit }), ..noted(kind, severity, lines, item, message) }
}

/// A smell that nothing measures.
pub fn noted(
    kind: SmellKind,
    severity: Severity,
    (start_line, end_line): (u32, u32),
    item: Option<&str>,
    message: String,
) -> Smell {
    let item = item.map(str::to_owned);
    Smell { kind, severity, start_line, end_line, item, message, metric: None, confidence: None }
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
