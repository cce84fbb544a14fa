//! The answer of `show`.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::freshness::Freshness;
use super::links::ImplementsView;
use super::{PathText, usd};
use crate::analyzer::{Analysis, Confidence, Severity};
use crate::cache::analyses::StoredAnalysis;
use crate::cache::legacy::LegacyAnalysis;
use crate::config::TrustedKey;
use crate::domain::{AnalysisType, Edge, FilePath};
use crate::outline::role_of;
use crate::shared::PublicKey;

/// Findings listed on top.
const WORST_SHOWN: usize = 5;

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShowView {
    pub repo: String,
    pub path: String,
    /// Hex of a path that is not UTF-8.
    pub path_bytes: Option<String>,
    /// Where its content was read: `commit` or `worktree`.
    pub source: &'static str,
    /// The indexed commit.
    pub commit: Option<String>,
    pub language: &'static str,
    /// What is known of files of that language: `linked`, `outlined` or `searched`.
    pub rung: &'static str,
    pub role: &'static str,
    /// Why it is not indexed.
    pub skipped: Option<&'static str>,
    /// What is wrong with its object, if that is the reason.
    pub skipped_why: Option<String>,
    /// Why no model is asked about it; `None`: one is, or none is set up.
    pub not_asked: Option<String>,
    /// Files that use this one.
    pub fan_in: u64,
    /// Files that this one uses.
    pub fan_out: u64,
    /// The worst findings of all analyses, at most five; mere information is left out.
    pub worst: Vec<WorstFinding>,
    /// The files that this one uses, most used first.
    pub uses: Vec<FileUse>,
    /// The files that use this one, those that use most of it first.
    pub used_by: Vec<FileUse>,
    /// The interfaces that classes of this file implement, and what they make of their members.
    pub implements: Vec<ImplementsView>,
    /// What implements the interfaces of this file.
    pub implemented_by: Vec<ImplementsView>,
    /// The files that use interfaces which this file implements; their calls arrive here.
    pub called_through: Vec<FileUse>,
    pub analyses: Vec<AnalysisView>,
    /// What an earlier tool said, as it was imported; never fresh.
    pub legacy: Vec<LegacyView>,
    /// Of the file; `None` until it is compared with the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_freshness: Option<Freshness>,
}

impl ShowView {
    /// Says who shared an answer by the names that a person gave to keys.
    pub fn name_signers(&mut self, trusted: &[TrustedKey]) {
        let name = |hex: &mut String| {
            let named = trusted.iter().find(|one| PublicKey(one.key).to_string() == *hex && !one.label.is_empty());
            let short: String = hex.chars().take(16).collect();
            *hex = named.map_or_else(|| short.clone(), |one| format!("{} ({short})", one.label));
        };
        for made in &mut self.analyses {
            if let AnalysisView::Made(made) = made {
                let answers = std::iter::once(&mut made.preferred).chain(&mut made.other);
                answers.filter_map(|answer| answer.shared_by.as_mut()).for_each(name);
            }
        }
    }

    /// The path for a terminal.
    pub fn shown_path(&self) -> String {
        super::for_terminal(&self.path)
    }
}

/// A file at the other end of some edges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileUse {
    #[serde(flatten)]
    pub path: PathText,
    /// `test` of a file of tests, else what part it plays.
    pub role: &'static str,
    /// The names of the symbols that are used, sorted.
    pub symbols: Vec<String>,
}

/// Groups edges by the file at their other end; the file with most symbols comes first.
pub(in crate::query) fn by_file(edges: &[Edge], other_end: impl Fn(&Edge) -> &FilePath) -> Vec<FileUse> {
    let mut files: BTreeMap<&FilePath, Vec<String>> = BTreeMap::new();
    for edge in edges {
        files.entry(other_end(edge)).or_default().push(edge.symbol_name.clone());
    }
    let mut uses: Vec<FileUse> = files
        .into_iter()
        .map(|(path, mut symbols)| {
            symbols.sort();
            symbols.dedup();
            FileUse { path: path.into(), role: role_of(path).as_str(), symbols }
        })
        .collect();
    uses.sort_by_key(|one| std::cmp::Reverse(one.symbols.len()));
    uses
}

/// A finding of one of the analyses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorstFinding {
    #[serde(rename = "type")]
    pub analysis_type: &'static str,
    pub severity: &'static str,
    pub start_line: u32,
    pub end_line: u32,
    pub item: Option<String>,
    pub message: String,
    /// How sure a model is; `None`: a rule found it, or the model does not say.
    pub confidence: Option<Confidence>,
}

/// Returns the worst findings of some reports, errors before warnings, then in the order of the file.
pub(in crate::query) fn worst<'a>(reports: impl Iterator<Item = &'a Analysis>) -> Vec<WorstFinding> {
    let mut found: Vec<(Severity, WorstFinding)> = reports.flat_map(findings).collect();
    found.retain(|(severity, _)| *severity > Severity::Info);
    found.sort_by_key(|(severity, one)| (std::cmp::Reverse(*severity), one.start_line));
    found.truncate(WORST_SHOWN);
    found.into_iter().map(|(_, one)| one).collect()
}

fn findings(report: &Analysis) -> Vec<(Severity, WorstFinding)> {
    let analysis_type = report.analysis_type().as_str();
    let finding = |severity: Severity, lines: (u32, u32), item: &Option<String>, message: &str, confidence| {
        let (item, message) = (item.clone(), message.to_owned());
        let (start_line, end_line) = lines;
        let severity_name = severity.as_str();
        let shown =
            WorstFinding { analysis_type, severity: severity_name, start_line, end_line, item, message, confidence };
        (severity, shown)
    };
    match report {
        Analysis::Refactor(report) => {
            let smells = report.smells.iter();
            let shown = smells.map(|one| {
                finding(one.severity, (one.start_line, one.end_line), &one.item, &one.message, one.confidence)
            });
            shown.collect()
        }
        Analysis::Analysis(report) => {
            let findings = report.findings.iter();
            let shown = findings.map(|one| {
                finding(one.severity, (one.start_line, one.end_line), &one.item, &one.message, one.confidence)
            });
            shown.collect()
        }
        Analysis::Docs(_) | Analysis::Todos(_) => Vec::new(),
    }
}

/// What is known about one question.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AnalysisView {
    Missing(MissingAnalysis),
    Made(Box<MadeAnalysis>),
}

/// A question without an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingAnalysis {
    #[serde(rename = "type")]
    pub analysis_type: &'static str,
    pub fresh: bool,
    /// The result was removed to keep the cache small.
    pub evicted: bool,
    /// Always null.
    pub result: (),
}

impl MissingAnalysis {
    pub fn new(analysis_type: AnalysisType, evicted: bool) -> Self {
        Self { analysis_type: analysis_type.as_str(), fresh: false, evicted, result: () }
    }
}

/// The answer to read first, and the other one if there are two.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MadeAnalysis {
    /// A fresh answer of a model, else a fresh local one, else a stale one of a model, else a stale local one.
    #[serde(flatten)]
    pub preferred: AnswerView,
    #[serde(rename = "beside", skip_serializing_if = "Option::is_none")]
    pub other: Option<AnswerView>,
}

/// One stored analysis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnswerView {
    #[serde(rename = "type")]
    pub analysis_type: &'static str,
    pub fresh: bool,
    pub model: String,
    pub commit: Option<String>,
    pub cost_usd: f64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Secrets that the model was not shown, by kind.
    pub redacted: BTreeMap<String, u32>,
    pub created_at: String,
    pub generation_time_ms: u64,
    /// The machine that shared it: its name in `trusted_keys`, or the beginning of its key; `None`: it was made here.
    pub shared_by: Option<String>,
    #[serde(rename = "result", serialize_with = "report")]
    pub report: Analysis,
}

impl AnswerView {
    pub fn new(stored: StoredAnalysis, fresh: bool, report: Analysis) -> Self {
        Self {
            analysis_type: stored.analysis_type.as_str(),
            fresh,
            model: stored.model_id,
            commit: stored.commit.as_ref().map(ToString::to_string),
            cost_usd: usd(stored.bill.cost),
            input_tokens: stored.bill.input_tokens,
            output_tokens: stored.bill.output_tokens,
            redacted: report.seen().redacted.clone(),
            created_at: stored.created_at.to_rfc3339(),
            generation_time_ms: stored.generation_time_ms,
            shared_by: stored.shared_by,
            report,
        }
    }
}

/// A report without its type, as it is stored.
fn report<S: Serializer>(analysis: &Analysis, serializer: S) -> Result<S::Ok, S::Error> {
    match analysis {
        Analysis::Refactor(report) => report.serialize(serializer),
        Analysis::Docs(report) => report.serialize(serializer),
        Analysis::Analysis(report) => report.serialize(serializer),
        Analysis::Todos(report) => report.serialize(serializer),
    }
}

/// An imported result, as its tool wrote it: its form is not defined.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LegacyView {
    #[serde(rename = "type")]
    pub analysis_type: String,
    pub fresh: bool,
    /// Whether it is about the present content.
    pub same_content: bool,
    pub model: String,
    pub cost_usd: f64,
    pub tokens: u64,
    pub created_at: String,
    pub result: serde_json::Value,
}

impl From<LegacyAnalysis> for LegacyView {
    fn from(legacy: LegacyAnalysis) -> Self {
        Self {
            analysis_type: legacy.analysis_type,
            fresh: false,
            same_content: legacy.same_content,
            model: legacy.model_id,
            cost_usd: usd(legacy.cost),
            tokens: legacy.tokens,
            created_at: legacy.created_at.to_rfc3339(),
            result: legacy.result,
        }
    }
}

impl LegacyView {
    /// The result for people.
    pub fn text(&self) -> String {
        match &self.result {
            serde_json::Value::String(text) => text.clone(),
            other => format!("{other:#}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::{RefactorReport, Smell, SmellKind};
    use crate::domain::DependencyType;

    fn edge(source: &str, symbol: &str) -> Edge {
        Edge {
            source_file: FilePath::from(source),
            dependent_file: FilePath::from("src/main.rs"),
            dependency_type: DependencyType::Function,
            symbol_name: symbol.to_owned(),
        }
    }

    #[test]
    fn the_most_used_file_comes_first() {
        let edges = [edge("a.rs", "one"), edge("b.rs", "two"), edge("b.rs", "three"), edge("b.rs", "two")];
        let uses = by_file(&edges, |edge| &edge.source_file);
        let shown: Vec<(&str, Vec<&str>)> =
            uses.iter().map(|one| (&*one.path.path, one.symbols.iter().map(|name| &**name).collect())).collect();
        assert_eq!(shown, [("b.rs", vec!["three", "two"]), ("a.rs", vec!["one"])]);
    }

    #[test]
    fn the_worst_findings_come_first() {
        let smell = |severity, start_line| Smell {
            kind: SmellKind::LongFunction,
            severity,
            start_line,
            end_line: start_line,
            item: None,
            message: "long".to_owned(),
            metric: None,
            confidence: None,
        };
        let smells = [(Severity::Info, 1), (Severity::Warning, 9), (Severity::Error, 20), (Severity::Warning, 3)];
        let smells = smells.map(|(severity, line)| smell(severity, line)).to_vec();
        let report = Analysis::Refactor(RefactorReport { smells, ..RefactorReport::default() });
        let lines: Vec<u32> = worst([&report].into_iter()).iter().map(|one| one.start_line).collect();
        assert_eq!(lines, [20, 3, 9], "no information among the worst");
    }

    #[test]
    fn a_missing_analysis_has_a_null_result() {
        let view = AnalysisView::Missing(MissingAnalysis::new(AnalysisType::Docs, true));
        let json = serde_json::to_string(&view).unwrap();
        assert_eq!(json, r#"{"type":"docs","fresh":false,"evicted":true,"result":null}"#);
    }
}
